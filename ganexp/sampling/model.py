"""A trained model, to be used from Python: the same latents, labels and samples as ``python -m ganexp.sample`` makes."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.options import make
from ganexp.sampling.drawing import Sampling, choose_device
from ganexp.sampling.labels import choose_classes, class_names
from ganexp.sampling.options import Options
from ganexp.training.restore import Restored

Classes = str | int | Sequence[str | int] | None


class TrainedModel:
    """A generator and a discriminator that have been trained, in evaluation mode.

    The same seed gives the same samples as the command line's: latents are drawn on the CPU.

    Arguments:
        restored: The model, and where it comes from.
        accelerator: auto, cpu or gpu; auto takes a GPU if there is one.

    Raises:
        ConfigError: There is no such device.

    Attributes:
        module: The LightningModule itself.
        data: The data set that it was trained on, of which nothing has been read yet.
        iteration: The iteration at which it was saved.
    """

    def __init__(self, restored: Restored, accelerator: Literal["auto", "cpu", "gpu"] = "auto") -> None:
        self._restored, self._accelerator = restored, accelerator
        self.module, self.data, self.iteration = restored.model, restored.data, restored.iteration
        self.module.to(choose_device(accelerator))

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that samples can be asked for; none where the generator takes none."""
        return class_names(self.module)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of the attributes that samples can be asked for; none where the generator takes none."""
        attributes = self.data.attributes
        return attributes.names if attributes and self.module.label_size and not self.module.label_classes else ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample: (C, H, W) or (D,)."""
        return self.data.shape

    @property
    def value_range(self) -> tuple[float, float] | None:
        """The range of the values of images; None for points."""
        return self.data.value_range

    def sample(
        self, n: int = 64, classes: Classes = None, seed: int = 0, truncation: float | None = None, batch_size: int = 256,
        conditions: Mapping[str, float | str] | None = None,
    ) -> Tensor:  # fmt: skip
        """Return ``n`` samples with shape (n, *shape), float32 in the data's range, on the CPU.

        Arguments:
            n: How many.
            classes: Of which classes, by name or number: as many of each, equal ones together; None: of all.
            seed: Seed of the latents.
            truncation: Largest distance from 0 of the entries of normal latents.
            batch_size: Samples that are generated at a time.
            conditions: Values of attributes by name, for a generator that takes them; others are as in training samples.

        Raises:
            ConfigError: The options do not fit the model.
        """
        options = {"seed": seed, "truncation": truncation, "batch_size": batch_size, "conditions": dict(conditions or {})}
        return self._samples(n=n, classes=classes, **options)

    def labels(self, n: int = 64, classes: Classes = None) -> Tensor:
        """Return the labels of what :meth:`sample` returns, int64 with shape (n,); zeros where it takes none.

        Of a generator that takes attributes they are vectors, float32, which ``data.attributes.decode`` turns into values.
        """
        return self._sampling(n=n, classes=classes).y

    def interpolate(
        self,
        n: int = 8,
        steps: int = 10,
        classes: Classes = None,
        seed: int = 0,
        path: Literal["linear", "spherical"] = "linear",
    ) -> Tensor:
        """Return rows of samples from one latent to another, with shape (n, steps, *shape), float32, on the CPU.

        Arguments:
            n: How many rows.
            steps: Samples in a row, its ends included.
            classes: Of which classes, one for each row.
            seed: Seed of the latents.
            path: A straight line, or, for normal latents, a great circle.

        Raises:
            ConfigError: The options do not fit the model.
        """
        return self._samples(n=n, steps=steps, classes=classes, seed=seed, interpolate=path).unflatten(0, (n, steps))

    @torch.no_grad()
    def discriminate(self, x: Tensor, classes: Classes | Tensor = None, batch_size: int = 256) -> Tensor:
        """Return the discriminator's logits of "x is real", float32 with shape (n,), on the CPU; sigmoid makes probabilities.

        Arguments:
            x: Samples with shape (n, *shape) in the data's range.
            classes: The class of all, or of each, by name or number, or labels with shape (n,); needed if D judges by class.
                Where it judges by attributes: their values, with shape (n, K).
            batch_size: Samples that are judged at a time.

        Raises:
            ConfigError: The samples have another shape, or the classes do not fit them.
        """
        if tuple(x.shape[1:]) != tuple(self.shape):
            raise ConfigError(f"should have the shape (n, {', '.join(map(str, self.shape))}), not {tuple(x.shape)}", "x")
        y = self._labels_of(len(x), classes)
        module, discriminator = self.module, self.module.discriminator
        pieces = zip(x.split(batch_size), y.split(batch_size), strict=True)
        discriminator.eval()
        logits = [module.critic(part.to(module.device, module.dtype), label.to(module.device)) for part, label in pieces]
        return torch.cat(logits).float().cpu()

    def __repr__(self) -> str:
        kind = type(self.module).__name__
        return f"<{kind} of {self._restored.run.path.name} at iteration {self.iteration:,}: samples {tuple(self.shape)}>"

    def _labels_of(self, n: int, classes: Classes | Tensor) -> Tensor:
        if self.conditions and isinstance(classes, Tensor) and classes.shape == (n, len(self.conditions)):
            assert self.data.attributes is not None
            return self.data.attributes.encode(classes.float().cpu())
        if self.conditions and self.module.judged_classes:
            hint = f"a tensor with shape ({n}, {len(self.conditions)})"
            raise ConfigError("this discriminator judges samples by their attributes", "classes", hint=hint)
        if isinstance(classes, Tensor):
            y = classes.to(torch.int64).cpu()
        elif classes is None:
            if self.module.judged_classes:
                raise ConfigError("this discriminator judges samples by their class", "classes", hint="give the class of each")
            y = torch.zeros(n, dtype=torch.int64)
        else:
            each = list(classes) if isinstance(classes, list | tuple) else [classes]
            y = torch.tensor([choose_classes(self.module, str(one))[0] for one in each])
        if y.numel() not in (1, n):
            raise ConfigError(f"{y.numel()} classes do not fit {n} samples", "classes", hint="give one, or one for each")
        return y.reshape(-1).expand(n) if y.numel() == 1 else y.reshape(-1)

    def _sampling(self, classes: Classes = None, **options: Any) -> Sampling:
        given: Any = [str(one) for one in classes] if isinstance(classes, list | tuple | range) else classes
        named = {"classes": str(given) if isinstance(given, int) else given}
        where = {"run": str(self._restored.run.path), "accelerator": self._accelerator}
        return Sampling(self._restored, make(Options, where | named | options))

    def _samples(self, **options: Any) -> Tensor:
        return torch.cat([batch.cpu() for batch in self._sampling(**options).batches()])
