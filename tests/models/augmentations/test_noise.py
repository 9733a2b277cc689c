import math

import pytest
import torch

from ganexp.config.errors import ConfigError
from ganexp.models.augmentations.noise import InstanceNoise


def test_noise_has_its_standard_deviation_and_gradients_pass():
    noise, x = InstanceNoise(0.3), torch.full((5000, 2), 7.0, requires_grad=True)
    noise.random = torch.Generator().manual_seed(1)
    added = (noise(x) - x).detach()
    assert abs(float(added.mean())) < 0.02 and abs(float(added.std()) - 0.3) < 0.02
    assert abs(float((added[:, 0] * added[:, 1]).mean())) < 0.01, "each value has its own"
    assert torch.equal(torch.autograd.grad(noise(x).sum(), x)[0], torch.ones_like(x))
    noise.sd = 0.0
    assert torch.equal(noise(x), x)


@pytest.mark.parametrize("sd", [0.01, 0.0])
def test_a_share_of_the_samples_has_wider_noise(sd):
    noise, x = InstanceNoise(sd, share=0.25, widest=1.0), torch.zeros(4000, 300)
    noise.random = torch.Generator().manual_seed(1)
    found = noise(x).std(1).sort().values
    assert torch.allclose(found[:2900], torch.tensor(sd), rtol=0.2), "most have the noise that fades"
    wide = found[found > 1.2 * sd]
    assert abs(len(wide) / len(x) - 0.25) < 0.03 and 0.9 < float(wide.max()) < 1.2
    # Log-uniform: the median is the geometric mean of both ends.
    low = sd or 0.001
    assert abs(math.log(float(wide.median())) - math.log(low) / 2) < 0.25
    noise.sd = 2.0
    assert abs(float(noise(x).std()) - 2.0) < 0.02, "noise that is wider than the widest is the same for all"


def test_wider_noise_without_a_width_is_refused():
    with pytest.raises(ConfigError, match="wider noise needs a width"):
        InstanceNoise(0.1, share=0.5)
