"""Networks of the package `timm`, by name: DINOv2 and a thousand others.

Contract: features are those that timm's network hands to its last layer, for images that are resized, without cropping, to the
size that it sees, scaled to [0, 1] and normalised as its configuration says; grey images are repeated over three channels.
"""

import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.config.types import PositiveInt
from ganexp.data.images import Images
from ganexp.data.published import REACH_TIMEOUT
from ganexp.metrics.extractors.base import Copies, Extractor, Features, check_bytes

# Images per forward pass: they grow to some 224x224 pixels.
CHUNK = 50

HINT = "name a file of its weights by extractor.weights, or use extractor=auto"


class Timm(Extractor):
    """A network of the package `timm`; its features before the last layer are the vectors, and there are no logits.

    References:
        PyTorch Image Models (Wightman, 2019), https://github.com/huggingface/pytorch-image-models
        Exposing flaws of generative model evaluation metrics (Stein et al., 2023), https://arxiv.org/abs/2306.04675: distances
        of DINOv2's features agree with people most

    Arguments:
        model: The name of the network, such as `resnet50.a1_in1k` or `vit_large_patch14_dinov2.lvd142m`.
        weights: A file with its weights, of timm's format; None: those of that name on the Hugging Face Hub, which are
            downloaded on first use into its own cache.
        size: Pixels of the side of the images that it sees; None: the size that it was trained with.
    """

    name = "timm"
    knows_classes = False
    names_things = False

    def __init__(self, model: str, weights: str | None = None, size: PositiveInt | None = None) -> None:
        self.model, self.weights, self.size = model, weights, size

    def check(self, data: Images) -> None:
        """Refuse images that are neither grey nor RGB, a network that timm has not, and a file of weights that is not there.

        Raises:
            ConfigError: It is so, or timm is not installed.
        """
        try:
            from timm import is_model, list_models
        except ImportError as error:
            raise ConfigError("timm cannot be imported", "extractor", hint="pip install 'ganexp[timm]'") from error
        if data.shape[0] not in (1, 3):
            raise ConfigError(f"{self.model} needs 1 or 3 channels", "extractor", "data", hint="use extractor=auto")
        if not is_model(self.model):
            like = list_models(f"*{self.model.partition('.')[0]}*")[:5]
            hint = f"it has {', '.join(like)}" if like else "python -c 'import timm; print(timm.list_models())' shows them"
            raise ConfigError(f"timm has no network {self.model}", "extractor.model", hint=hint)
        if self.weights is not None and not self._path(self.weights).is_file():
            raise ConfigError(f"there is no file {self._path(self.weights)}", "extractor.weights", hint=HINT)

    def prepare(self, data: Images) -> None:
        """Read the weights, downloaded before if need be.

        Raises:
            ConfigError: They are missing and cannot be downloaded, the file holds others, or the network takes no such size.
        """
        self.check(data)
        from timm.data import resolve_model_data_config

        network = self._read()
        seen = resolve_model_data_config(network)
        self._sides: list[int] = list(seen["input_size"][1:]) if self.size is None else [self.size, self.size]
        self._mode = seen["interpolation"] if seen["interpolation"] in ("bilinear", "bicubic") else "bicubic"
        self._mean, self._std = (torch.tensor(seen[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
        self._networks = Copies(network)

    @property
    def identity(self) -> dict[str, str | float]:
        return {"name": self.model, "hash": self._networks.hash, "size": "x".join(map(str, self._sides))}

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        check_bytes(images)
        network: Any = self._networks.on(images.device)
        mean, std = self._mean.to(images.device), self._std.to(images.device)
        vectors = []
        for part in images.split(CHUNK):
            x = F.interpolate(part.expand(-1, 3, -1, -1).float() / 255, self._sides, mode=self._mode, antialias=True)
            found = network.forward_head(network.forward_features((x.clamp(0, 1) - mean) / std), pre_logits=True)
            vectors.append(found.flatten(1).float())
        together = torch.cat(vectors)
        return Features(together, together.new_zeros(len(together), 0))

    def _path(self, weights: str) -> Path:
        return user_path(weights).absolute()

    def _read(self) -> nn.Module:
        from timm import create_model

        path = self._path(self.weights) if self.weights is not None else self._kept()
        if path is None:
            self._reach()
        overlay = None if path is None else {"file": str(path)}
        size = {} if self.size is None or not self._sized() else {"img_size": self.size}
        try:
            with torch.random.fork_rng(devices=[]):  # weights are drawn before they are replaced
                return create_model(self.model, pretrained=True, pretrained_cfg_overlay=overlay, **size)
        except Exception as error:  # whatever the damage, or the network, provokes
            reason = " ".join(str(error).split())[:200]
            source = "the Hugging Face Hub" if path is None else path
            raise ConfigError(
                f"{source} does not give the weights of {self.model}: {reason}", "extractor.weights", hint=HINT
            ) from error

    def _kept(self) -> Path | None:
        """Return the file that the Hub's package has downloaded before, so that nothing is asked of the network."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self._config.hf_hub_id, "model.safetensors")
        return Path(found) if isinstance(found, str) else None

    def _reach(self) -> None:
        """Refuse at once where the Hub is not reached: its package would try for a minute."""
        from huggingface_hub.constants import ENDPOINT

        address = f"{ENDPOINT}/{self._config.hf_hub_id}"
        try:
            urllib.request.urlopen(address, timeout=REACH_TIMEOUT).close()
        except (OSError, HTTPException) as error:
            message = f"the weights of {self.model} cannot be had from {address}: {' '.join(str(error).split())}"
            raise ConfigError(message, "extractor", hint=HINT) from error

    @property
    def _config(self) -> Any:
        from timm.models import get_pretrained_cfg

        return get_pretrained_cfg(self.model)

    def _sized(self) -> bool:
        """Return whether the network is made for one size of images, as transformers are, so that it must be told another."""
        return bool(self._config.fixed_input_size)
