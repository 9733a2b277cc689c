import torch

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
