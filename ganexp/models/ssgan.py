"""Semi-supervised GAN: the discriminator is a classifier of K classes with one class more, for fakes."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganexp.config.errors import ConfigError
from ganexp.config.types import NonNegativeFloat, PositiveInt
from ganexp.data.batches import Batches
from ganexp.models.classifier import test_accuracy
from ganexp.models.game import Game
from ganexp.models.gan import GAN
from ganexp.models.judging import Judged
from ganexp.models.latents import Noise


class SSGAN(GAN):
    r"""GAN whose discriminator learns to classify from a few labelled samples and all unlabelled ones.

    With :math:`P = \mathrm{softmax}(D(x))` over K classes and n = "fake", the critic is the logit of "not n",

    .. math:: \log \sum_{k \neq n} e^{D_k} - D_n,

    so that the logistic losses are :math:`-\log(1 - P(n | x)) - \log P(n | G(z))` for the discriminator and, with
    ``loss=minimax``, :math:`\log P(n | G(z))` for the generator. To the discriminator's, :math:`-\log P(y | x)` of labelled
    samples is added: of the real batch, or, with few labels, of a batch of its own from the labelled subset.

    References:
        Improved Techniques for Training GANs (Salimans et al., 2016), section 5, https://arxiv.org/abs/1606.03498

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.
        labels: Number of training samples whose label is used, the same number of each class (up to one), drawn with the
            run's seed. ``None``: all.
        class_weight: Factor of the cross-entropy.
        adversarial_weight: Factor of both players' adversarial terms; 0 trains the classifier alone, on labelled samples alone.

    Raises:
        ConfigError: There are fewer labels than classes or, found when a run begins, fewer training samples than labels.
    """

    needs_labels: ClassVar[bool] = True

    def __init__(
        self,
        game: Game,
        latent_dim: PositiveInt = 100,
        noise: Noise = "normal",
        labels: PositiveInt | None = None,
        class_weight: NonNegativeFloat = 1.0,
        adversarial_weight: NonNegativeFloat = 1.0,
    ) -> None:
        super().__init__(game, latent_dim, noise)
        if labels is not None and labels < self.num_classes:
            raise ConfigError(f"the data has {self.num_classes} classes: every one needs a label", "model.labels")
        self.labels, self.class_weight, self.adversarial_weight = labels, class_weight, adversarial_weight
        self._labelled: Batches | None = None

    @property
    def outputs(self) -> int:
        """One logit per class, and one for "fake"."""
        return self.num_classes + 1

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is of one of the classes"."""
        return outputs[:, :-1].logsumexp(1) - outputs[:, -1]

    def discriminator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the terms ``adversarial`` and ``class``."""
        terms: dict[str, Tensor] = {}
        if self.adversarial_weight:
            terms["adversarial"] = self.adversarial_weight * self.adversarial(real, fake)
        labelled = real if self._labelled is None else Judged(self, *self._labelled.take(self.counters.d_updates, 1)[0])
        return {**terms, "class": self.class_weight * cross_entropy(labelled.outputs, labelled.y)}

    def generator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the term ``adversarial``."""
        (term,) = super().generator_terms(real, fake).values()
        return {"adversarial": self.adversarial_weight * term}

    def evaluate(self) -> dict[str, float]:
        """Return the ``test_accuracy`` of the class logits, "fake" left out."""
        return {"test_accuracy": test_accuracy(self.discriminator, self._classes, self.data, self.device)}

    def begin(self, seed: int, total_iterations: int) -> None:
        """Choose the labelled samples."""
        super().begin(seed, total_iterations)
        if self.labels is None:
            return
        x, y = self.data.load("train")
        assert y is not None
        if self.labels > len(y):
            raise ConfigError(f"the data has {len(y):,} training samples", "model.labels")
        chosen = labelled_subset(y, self.labels, self.num_classes, seed)
        # A separate stream, whose position follows from the counters, so a resumed run continues it.
        self._labelled = Batches(
            x[chosen], y[chosen], self.decode, min(self.data.batch_size, self.labels), drop_last=True, seed=seed
        )

    def on_train_start(self) -> None:
        """Move the labelled samples to the device."""
        super().on_train_start()
        if self._labelled is not None:
            self._labelled.x, self._labelled.y = self._labelled.x.to(self.device), self._labelled.y.to(self.device)

    def _classes(self, discriminator: nn.Module, x: Tensor) -> Tensor:
        logits: Tensor = discriminator(x)
        return logits[:, :-1]


def labelled_subset(y: Tensor, count: int, num_classes: int, seed: int) -> Tensor:
    """Return ``count`` indices into the labels ``y`` with shape (N,), as many of each class as of any other, up to one.

    A class that has too few gives all that it has.
    """
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    classes = y[order]
    rank_in_class = nn.functional.one_hot(classes, num_classes).cumsum(0).gather(1, classes[:, None]).squeeze(1)
    return order[torch.argsort(rank_in_class * num_classes + classes)[:count]]
