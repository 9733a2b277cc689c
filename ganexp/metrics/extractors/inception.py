"""The Inception network of published FIDs, KIDs and inception scores.

Contract: features and logits are those of torch-fidelity, which resizes images as the original TensorFlow code did, and so does
torchmetrics with antialias=False, which is not its default; grey images are repeated over three channels.
"""

import shutil
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.config.paths import user_path
from ganexp.data.images import Images
from ganexp.data.published import REACH_TIMEOUT, STALL_TIMEOUT
from ganexp.metrics.extractors.base import Copies, Extractor, Features, check_bytes
from ganexp.runs.files import whole_file
from ganexp.runs.locks import alone

if TYPE_CHECKING:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"

# Images per forward pass: they grow to 299x299 pixels.
CHUNK = 50

HINT = "put the file there, name another one by the option weights, or use extractor=auto"


class Inception(Extractor):
    """Inception v3, trained on ImageNet: its last pooling layer gives the vectors (2048 values), its last layer 1,008 logits.

    The logits are without biases, as inception scores are computed.

    References:
        Rethinking the Inception Architecture for Computer Vision (Szegedy et al., 2016)
        https://arxiv.org/abs/1512.00567
        GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium (Heusel et al., 2017)
        https://arxiv.org/abs/1706.08500

    Arguments:
        weights: A file with torch-fidelity's weights; by default the one in torch's folder of downloads (`hub/checkpoints` in
            TORCH_HOME, else in `torch` of the user's cache folder), which is downloaded if it is missing (91 MB).
    """

    name = "inception"
    knows_classes = False

    def __init__(self, weights: str | None = None) -> None:
        self.weights = weights

    def check(self, data: Images) -> None:
        """Refuse images that are neither grey nor RGB, and a file of weights that is not there.

        Raises:
            ConfigError: The images have other channels, or there is no such file.
        """
        if data.shape[0] not in (1, 3):
            raise ConfigError("Inception needs 1 or 3 channels", "extractor", "data", hint="use extractor=auto")
        if self.weights is not None and not self._path.is_file():
            raise ConfigError(f"there is no file {self._path}", "extractor.weights", hint=HINT)

    def prepare(self, data: Images) -> None:
        """Read the weights, downloaded before if need be.

        Raises:
            ConfigError: They are missing and cannot be downloaded, or the file holds others.
        """
        self.check(data)
        if not self._path.exists():
            with alone(self._path):
                if not self._path.exists():  # another process may have been faster
                    _download(self._path)
        self._networks = Copies(_read(self._path))

    @property
    def identity(self) -> dict[str, str | float]:
        return {"name": self.name, "hash": self._networks.hash}

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        check_bytes(images)
        network = self._networks.on(images.device)
        return Features.concatenate([Features(*network(part.expand(-1, 3, -1, -1))) for part in images.split(CHUNK)])

    @property
    def _path(self) -> Path:
        if self.weights is not None:
            return user_path(self.weights).absolute()
        return Path(torch.hub.get_dir(), "checkpoints", URL.rpartition("/")[2])


def _download(path: Path) -> None:
    try:
        # The first answer must come soon; between later ones there may be pauses.
        urllib.request.urlopen(URL, timeout=REACH_TIMEOUT).close()
        print(f"ganexp: downloading the weights of Inception, once: {URL}", file=sys.stderr, flush=True)
        with whole_file(path) as file, urllib.request.urlopen(URL, timeout=STALL_TIMEOUT) as response:
            shutil.copyfileobj(response, file)
            if file.tell() != int(response.headers["Content-Length"]):
                raise OSError("the connection broke off")
    except (OSError, HTTPException) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"the weights of Inception are not in {path} and cannot be downloaded from {URL}: {reason}", "extractor", hint=HINT
        ) from error


def _read(path: Path) -> "FeatureExtractorInceptionV3":
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        # torch-fidelity would run code that the file brings; this refuses such a file.
        torch.load(path, weights_only=True)
        with torch.random.fork_rng(devices=[]):  # weights are drawn before they are replaced
            return FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], str(path))
    except Exception as error:  # whatever the damage provokes
        raise ConfigError(
            f"{path} does not hold the weights of torch-fidelity's Inception", "extractor", hint=f"delete it; {HINT}"
        ) from error
