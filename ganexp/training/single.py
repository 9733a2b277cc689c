"""A batch of one sample, over which nothing can be normalised."""

from copy import deepcopy

import torch

from ganexp.config.errors import ConfigError
from ganexp.models import GAN
from ganexp.models.functional import label_vectors


def check_single(model: GAN, smallest: int) -> None:
    """Refuse a batch of a single sample where a player normalises over the batch.

    Arguments:
        model: The model, with its weights; it is left as it was.
        smallest: Samples of the smallest batch, before it is cut into pieces.

    Raises:
        ConfigError: A player cannot be trained with so few.
    """
    if smallest // min(model.turns.micro_batches, smallest) > 1:
        return
    generator, discriminator = deepcopy(model.generator).train(), deepcopy(model.discriminator).train()
    z, y = model.sample_latent(1, torch.Generator().manual_seed(0)), model.sample_labels(1, torch.Generator().manual_seed(0))
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            x = model.generate(generator, z, y)
            discriminator(x, label_vectors(y, model.judged_classes, x)) if model.judged_classes else discriminator(x)
    except ValueError as error:
        if "more than 1 value" not in str(error):
            raise
        raise ConfigError(
            "a batch of one sample, as the last of an epoch or as a piece, cannot be normalised over the batch",
            "data.batch_size",
            "data.drop_last",
            hint="use data.drop_last=true and batches of at least 2, or norm=layer",
        ) from error
