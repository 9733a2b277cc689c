"""The base of every variant: its outputs and terms, sampling, and the LightningModule that trains it.

How an iteration goes is in :mod:`ganexp.models.iteration`. Losses, regularizers and augmentations see the discriminator through
two methods only, :meth:`GAN.judge` and :meth:`GAN.realness`, so a variant that redefines these works with all of them.
"""

from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from ganexp.config.errors import ConfigError
from ganexp.config.types import PositiveInt
from ganexp.models import latents
from ganexp.models.augmentations import Augmentation
from ganexp.models.average import Average
from ganexp.models.base import TwoPlayerModule
from ganexp.models.functional import LabelVectors, eagerly, in_mode
from ganexp.models.game import Game
from ganexp.models.iteration import Batch, Latents
from ganexp.models.judging import Judged
from ganexp.models.latents import Noise
from ganexp.models.mixing import mixes_samples
from ganexp.models.streams import own
from ganexp.networks.precision import full


class GAN(TwoPlayerModule):
    """Unconditional GAN; the base of every variant.

    A variant says which labels its players take (the class variables and properties), redefines :meth:`realness` where the
    discriminator has several outputs and, to add terms to the losses, :meth:`discriminator_terms` and :meth:`generator_terms`.
    One with additional parameters assigns them to a player in :meth:`owners`.

    Arguments:
        game: The objects of the other config groups.
        latent_dim: Size of the latent vector z.
        noise: Distribution of each entry of z: see :data:`ganexp.models.latents.Noise`.

    Raises:
        ConfigError: The variant needs labels, and the data has none; or a network or penalty does not fit.

    Attributes:
        conditional: Whether the generator receives the data's labels.
        takes_attributes: Whether it may be attributes that the generator receives, in place of a class.
        needs_labels: Whether the real samples' labels are used in another way.
        draws_labels: Whether labels are drawn for fakes, instead of taken from the real samples of the batch.
    """

    conditional: ClassVar[bool] = False
    takes_attributes: ClassVar[bool] = False
    needs_labels: ClassVar[bool] = False
    draws_labels: ClassVar[bool] = False
    frequencies: Tensor | None

    def __init__(self, game: Game, latent_dim: PositiveInt = 100, noise: Noise = "normal") -> None:
        super().__init__(game)
        data, network, schedule = game.data, game.network, game.schedule
        if (self.conditional or self.needs_labels) and data.num_classes == 0:
            why = f": {data.unlabelled}" if data.unlabelled else ""
            if data.attributes is None:
                raise ConfigError(f"this model needs labels, and the data has none{why}", "model", "data", hint="use model=gan")
            if not self.takes_attributes:
                message = f"this model needs one class of each sample, and the data has attributes ({data.attributes})"
                raise ConfigError(message, "model", "data", hint="use model=cgan, which takes attributes, or model=gan")
        self.data, self.num_classes, self.latent_dim, self.noise = data, data.num_classes, latent_dim, noise
        self.register_buffer("frequencies", None, persistent=False)
        self.loss, self.vectors = game.loss, LabelVectors()
        self.augmentation = game.augmentation if isinstance(game.augmentation, Augmentation) else None
        with own("weights of the generator"):
            self.generator = network.generator(latent_dim, data.shape, self.label_size, data.value_range)
        with own("weights of the discriminator"):
            self.discriminator = network.discriminator(data.shape, self.judged_classes, self.outputs)
        game.check(self.generator, self.discriminator)
        averaged = schedule.ema_decay is not None or schedule.ema_images is not None
        self.average = (
            Average(self.generator, schedule.ema_decay, schedule.ema_warmup, schedule.ema_images) if averaged else None
        )

    # What a variant may redefine -------------------------------------------------------------------------------------------

    @property
    def label_classes(self) -> int:
        """Number of classes of the generator's labels; 0: it takes none."""
        return self.num_classes if self.conditional else 0

    @property
    def label_size(self) -> int:
        """Length of the vectors that the generator receives as labels, one-hot or of attributes; 0: it takes none."""
        attributes = self.data.attributes if self.conditional else None
        return self.label_classes or (attributes.size if attributes else 0)

    @property
    def label_names(self) -> tuple[str, ...] | None:
        """Names of the generator's classes, if they have any."""
        return self.data.class_names if self.conditional else None

    @property
    def judged_classes(self) -> int:
        """Length of the vectors that the discriminator receives as labels; 0: it takes none."""
        return 0

    @property
    def outputs(self) -> int:
        """Number of the discriminator's outputs."""
        return 1

    def generate(self, generator: nn.Module, z: Tensor, y: Tensor) -> Tensor:
        """Return ``generator``'s samples with shape (B, *shape) for latents (B, latent_dim) and labels.

        Labels are classes with shape (B,), or vectors with shape (B, label_size): attributes, or between several classes.
        """
        return generator(z, self.vectors(y, self.label_size, z)) if self.label_size else generator(z)

    def realness(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is real" from the discriminator's outputs (B, outputs) and labels (B,)."""
        return outputs.squeeze(1)

    def discriminator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the named terms of the discriminator's loss; their sum goes down."""
        return {"adversarial": self.adversarial(real, fake)}

    def generator_terms(self, real: Judged, fake: Judged) -> dict[str, Tensor]:
        """Return the named terms of the generator's loss; their sum goes down."""
        return {"adversarial": self.loss.generator(fake.logits, real.logits if self.loss.needs_real else None)}

    def evaluate(self) -> dict[str, float]:
        """Return measures that only the model itself can give; training is not affected."""
        return {}

    # Access to the discriminator -------------------------------------------------------------------------------------------

    def judge(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the discriminator's outputs with shape (B, outputs) for samples (B, *shape), augmented, and labels (B,).

        They are of float32 at least, as all that is made of them: losses and penalties.
        """
        return self.unaugmented(x if self.augmentation is None else self.augmentation(x), y)

    def unaugmented(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the discriminator's outputs with shape (B, outputs) for samples as they are, in float32 at least."""
        labels = [self.vectors(y, self.judged_classes, x)] if self.judged_classes else []
        return full(self.discriminator(x, *labels))

    def critic(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the logit with shape (B,) of "x is real" for samples (B, *shape) and labels (B,)."""
        return self.realness(self.judge(x, y), y)

    def adversarial(self, real: Judged, fake: Judged) -> Tensor:
        """Return the discriminator's score by the loss, and observe the logits."""
        return self.score(real.logits, fake.logits)

    def score(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return the discriminator's score of logits with shape (B,) by the loss, and observe them."""
        self.observe("logits/real", real_logits)
        self.observe("logits/fake", fake_logits)
        if self.augmentation is not None:
            for tag, value in self.augmentation.look(real_logits).items():
                self.observe(tag, value)
        return self.loss.discriminator(real_logits, fake_logits)

    def decode(self, raw: Tensor) -> Tensor:
        """Return the network inputs of raw real samples, in the precision of the weights."""
        return self.data.decode(raw).to(cast(torch.dtype, self.dtype))

    # Sampling --------------------------------------------------------------------------------------------------------------

    def sample_latent(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw ``n`` latents with shape (n, latent_dim), on the generator's own device: there it means the same anywhere."""
        device = self.device if generator is None else generator.device
        z = latents.draw(self.noise, n, self.latent_dim, device, generator)
        return z.to(self.device, cast(torch.dtype, self.dtype))

    def sample_labels(self, n: int, generator: torch.Generator | None = None, balance: bool = False) -> Tensor:
        """Draw ``n`` labels for the generator, as frequent as in the data, or equally frequent; zeros when it takes none.

        They are classes with shape (n,), or the vectors of training samples, where the data has attributes.
        """
        device = self.device if generator is None else generator.device
        if self.label_size and not self.label_classes:
            rows = self.data.conditions()
            chosen = torch.randint(len(rows), (n,), device=device, generator=generator)
            return rows[chosen.to(rows.device)].to(self.device)
        if self.conditional and self.data.class_weights is not None and not balance:
            y = torch.multinomial(self._frequencies().to(device), n, replacement=True, generator=generator)
        else:
            y = torch.randint(max(self.label_classes, 1), (n,), device=device, generator=generator)
        return y.to(self.device)

    def _frequencies(self) -> Tensor:
        """Return the relative frequencies of the classes, which are copied to the device once: each copy waits for it."""
        if self.frequencies is None:
            self.frequencies = torch.tensor(self.data.class_weights, device=self.device)
        return self.frequencies

    @torch.no_grad()
    def sample(self, z: Tensor, y: Tensor) -> Tensor:
        """Return samples with shape (n, *shape) in the data's range, from the averaged generator when there is one.

        The generator works in evaluation mode and is left as it was: sampling never changes training.
        """
        generator = self.generator if self.average is None else self.average.module
        with in_mode(generator, "eval"), eagerly(generator):
            return self.generate(generator, z.to(cast(torch.dtype, self.dtype)), y).float()

    # Training ----------------------------------------------------------------------------------------------------------------

    def begin(self, seed: int, total_iterations: int) -> None:
        """Find out, too, whether the discriminator may judge real and fake samples in one pass."""
        super().begin(seed, total_iterations)
        self.judges_together = not mixes_samples(self.discriminator, self.data.shape, self.judged_classes)

    def draw(self, batch: Batch) -> Latents:
        """Draw one latent and one label per real sample."""
        # Every process draws those of the whole batch and takes its part: one process or many, the same fakes.
        y, processes = batch[1], self._world_size
        z = self.sample_latent(len(y) * processes, self.streams["latents"]).tensor_split(processes)[self._rank]
        if self.draws_labels:
            y = self.sample_labels(len(y) * processes, self.streams["latents"], self.data.balance)
            y = y.tensor_split(processes)[self._rank]
        return z, y

    def count_iteration(self, images: int) -> None:
        """Let the average follow, and count."""
        if self.average is not None:
            self.average.update(self.generator, images * self._world_size)
        super().count_iteration(images)
