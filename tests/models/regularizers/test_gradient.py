"""The table of formulas in ganexp.models.regularizers.gradient, on critics whose gradients are known."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from ganexp.models.losses import NonSaturating, Wasserstein
from ganexp.models.regularizers import R1, R1R2, Dragan, GradientPenalty, Regularizer, WeightClip
from ganexp.networks.dcgan import DCGANDiscriminator
from ganexp.networks.mlp import MLPDiscriminator
from support.judging import judgement
from support.refused import refused

CONF = Path(__file__).parents[3] / "conf"
FILES = sorted((CONF / "penalty").glob("*.yaml"))
ON_GRADIENTS = [GradientPenalty(), Dragan(), R1(), R1R2()]


def no_labels(x: Tensor) -> Tensor:
    return torch.zeros(len(x), dtype=torch.int64)


def name(value: object) -> str:
    return type(value).__name__


@pytest.fixture
def samples() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, generator=generator), torch.randn(6, 3, generator=generator) + 1


class Quadratic(nn.Module):
    """D(x) = a |x|^2 / 2, so that grad D(x) = a x."""

    def __init__(self, a: float = 0.7) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        return self.a * x.square().flatten(1).sum(1) / 2


def linear(x: Tensor, y: Tensor | None) -> Tensor:
    """D(x) = 2 sum(x), with the gradient's norm 2 sqrt(D) everywhere."""
    return 2 * x.flatten(1).sum(1)


def test_r1_is_half_gamma_times_the_mean_squared_norm(samples: tuple[Tensor, Tensor]) -> None:
    real, fake = samples
    critic = Quadratic()
    term = R1(gamma=3.0)(judgement(critic, real, fake))
    square = real.square().sum(1).mean()
    torch.testing.assert_close(term, 3.0 / 2 * critic.a**2 * square)
    term.backward()
    torch.testing.assert_close(critic.a.grad, 3.0 * critic.a.detach() * square)


def test_r1_r2_averages_real_and_fake_apart(samples: tuple[Tensor, Tensor]) -> None:
    real, fake = samples
    critic = Quadratic()
    term = R1R2(gamma=3.0)(judgement(critic, real, fake[:2]))
    squares = real.square().sum(1).mean() + fake[:2].square().sum(1).mean()
    torch.testing.assert_close(term, 3.0 / 2 * critic.a**2 * squares)
    term.backward()
    torch.testing.assert_close(critic.a.grad, 3.0 * critic.a.detach() * squares)


@pytest.mark.parametrize("penalty", [GradientPenalty(5.0, 0.5), Dragan(5.0, 0.5)], ids=name)
@pytest.mark.parametrize("shape", [(3,), (2, 4, 4)])
def test_the_penalties_with_a_target_square_the_distance_from_it(penalty: Regularizer, shape: tuple[int, ...]) -> None:
    real = torch.arange(4.0 * torch.Size(shape).numel()).reshape(4, *shape)
    norm = 2 * torch.Size(shape).numel() ** 0.5
    torch.testing.assert_close(penalty(judgement(linear, real, -real)), torch.tensor(5.0 * (norm - 0.5) ** 2))


def test_interpolates_are_on_the_line_of_their_own_pair_each_at_its_own_point() -> None:
    real, fake = torch.zeros(64, 2, 3), torch.ones(64, 2, 3) * torch.arange(1.0, 65).reshape(64, 1, 1)
    seen = []

    def critic(x: Tensor, y: Tensor | None) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    GradientPenalty()(judgement(critic, real, fake))
    share = seen[0] / fake
    assert ((share >= 0) & (share <= 1)).all()
    torch.testing.assert_close(share, share[:, :1, :1].expand_as(share))
    assert share[:, 0, 0].unique().numel() == 64
    assert 0.3 < share.mean() < 0.7


def test_dragan_perturbs_by_a_share_of_the_standard_deviation() -> None:
    real = torch.tensor([-3.0, 3.0]).repeat(2000).reshape(2000, 2)
    seen = []

    def critic(x: Tensor, y: Tensor | None) -> Tensor:
        seen.append(x.detach())
        return x.sum(1)

    Dragan(scale=0.5)(judgement(critic, real, real))
    assert (seen[0] - real).std().item() == pytest.approx(1.5, rel=0.1)
    assert (seen[0] - real).mean().item() == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("penalty", ON_GRADIENTS, ids=name)
def test_a_zero_gradient_gives_no_nan(penalty: Regularizer, samples: tuple[Tensor, Tensor]) -> None:
    critic = Quadratic(0.0)
    term = penalty(judgement(critic, *samples))
    term.backward()
    assert term.isfinite()
    assert critic.a.grad is not None
    assert critic.a.grad.isfinite()


@pytest.mark.parametrize(
    ("penalty", "seen"),
    [(GradientPenalty(), ["real"]), (Dragan(), ["real"]), (R1(), ["real"]), (R1R2(), ["real", "fake"])],
    ids=name,
)
def test_points_are_judged_with_their_labels(penalty: Regularizer, seen: list[str], samples: tuple[Tensor, Tensor]) -> None:
    labels = {"real": torch.zeros(6, dtype=torch.int64), "fake": torch.ones(6, dtype=torch.int64)}
    given = []

    def critic(x: Tensor, y: Tensor | None) -> Tensor:
        given.append(y)
        return x.sum(1)

    penalty(judgement(critic, *samples, labels["real"], labels["fake"]))
    assert torch.equal(torch.cat(given), torch.cat([labels[which] for which in seen]))


@pytest.mark.parametrize("penalty", ON_GRADIENTS, ids=name)
def test_terms_are_computed_in_float32_and_leave_the_samples_alone(
    penalty: Regularizer, samples: tuple[Tensor, Tensor]
) -> None:
    real, fake = (x.bfloat16() for x in samples)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MLPDiscriminator((3,), widths=[8])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            term = penalty(judgement(lambda x, y: network(x)[:, 0], real, fake))
            logits = network(real.float())
    assert term.dtype == torch.float32
    assert logits.dtype == torch.bfloat16, "autocast goes on outside"
    assert not real.requires_grad
    assert not fake.requires_grad
    term.backward()
    assert network.layers[0].weight.grad is not None


@pytest.mark.parametrize("penalty", ON_GRADIENTS, ids=name)
def test_batch_norm_is_refused_and_other_norms_are_not(penalty: Regularizer) -> None:
    shape = (1, 16, 16)
    with refused("network.discriminator.norm", "penalty"):
        penalty.check(nn.Identity(), MLPDiscriminator((2,), norm="batch"), (2,))
    with refused("network.discriminator.norm", "penalty"):
        penalty.check(nn.Identity(), DCGANDiscriminator(shape, norm="batch"), shape)
    for norm in ("none", "layer", "instance"):
        penalty.check(nn.Identity(), DCGANDiscriminator(shape, norm=norm), shape)
    WeightClip().check(nn.Identity(), MLPDiscriminator((2,), norm="batch"), (2,))


def test_batch_norm_would_break_what_the_check_protects() -> None:
    x = torch.linspace(-1, 1, 4 * 256).reshape(4, 1, 16, 16).requires_grad_()
    reach = {}
    for norm in ("batch", "layer", "instance", "none"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = DCGANDiscriminator((1, 16, 16), channels=4, norm=norm)
        (gradient,) = torch.autograd.grad(network(x)[0, 0], x)
        reach[norm] = gradient[1:].abs().max().item() > 0
    assert reach == {"batch": True, "layer": False, "instance": False, "none": False}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_configured_penalty_keeps_its_promises(path: Path) -> None:
    node = OmegaConf.create({"recipe": {"r1_gamma": 1.0, "r1_every": 1}, "penalty": OmegaConf.load(path)}).penalty
    if not node:  # none
        return
    penalty = instantiate(node)
    assert isinstance(penalty, Regularizer)
    assert getattr(penalty, "start", 0) >= 0 and penalty.every >= 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MLPDiscriminator((1, 8, 8), widths=[8])
        images = torch.randn(6, 1, 8, 8), torch.randn(6, 1, 8, 8) + 1
        given = judgement(lambda x, y: network(x)[:, 0], images[0], images[1].requires_grad_())
        term = penalty(given)
    assert term is None or (term.shape == () and term.dtype == torch.float32 and (penalty.player == "g" or term >= 0))
    assert all(parameter.grad is None for parameter in network.parameters())
    penalty.after_update(network, [given])


def test_weight_clip_limits_every_weight_and_adds_no_term() -> None:
    network = MLPDiscriminator((2,), widths=[16])
    before = [parameter.detach().clone() for parameter in network.parameters()]
    clip = WeightClip(limit=0.1)
    assert clip(judgement(lambda x, y: network(x)[:, 0], torch.ones(1, 2), torch.ones(1, 2))) is None
    clip.after_update(network, [])
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(new, old.clamp(-0.1, 0.1))
        assert new.requires_grad


class Dirac(nn.Module):
    """D(x) = psi x."""

    def __init__(self) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor([0.5]))

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        return (self.psi * x).flatten()


@pytest.mark.parametrize("loss", [NonSaturating(), Wasserstein()], ids=name)
@pytest.mark.parametrize(
    ("penalty", "converges"),
    [(R1(gamma=1.0), True), (R1R2(gamma=0.5), True), (GradientPenalty(weight=1.0), False), (None, False)],
    ids=["r1", "r1_r2", "gradient", "none"],
)
def test_the_dirac_gan_converges_with_r1_and_not_with_a_target(
    loss: NonSaturating | Wasserstein, penalty: Regularizer | None, converges: bool
) -> None:
    """Real data at 0, G at theta, simultaneous gradient steps (Mescheder et al., 2018)."""
    critic, theta, zero = Dirac(), torch.tensor([[0.5]], requires_grad=True), torch.zeros(1, 1)
    for _ in range(1500):
        fake = critic(theta, None)
        d_loss = loss.discriminator(critic(zero, no_labels(zero)), fake)
        if penalty is not None:
            d_loss = d_loss + penalty(judgement(critic, zero, theta.detach()))
        (d_psi,) = torch.autograd.grad(d_loss, critic.psi, retain_graph=True)
        (g_theta,) = torch.autograd.grad(loss.generator(fake), theta)
        with torch.no_grad():
            critic.psi -= 0.02 * d_psi
            theta -= 0.02 * g_theta
    distance = max(theta.abs().item(), critic.psi.abs().item())
    assert distance < 0.01 if converges else distance > 0.2


def test_r1_gives_the_dirac_gan_the_eigenvalues_of_its_theory() -> None:
    """d(psi, theta)/dt = [[-gamma, -1], [1, 0]] (psi, theta) for the Wasserstein loss."""
    gamma = 0.8
    critic = Dirac()
    theta = torch.tensor([[0.3]], requires_grad=True)
    fake = critic(theta, None)
    zero = torch.zeros(1, 1)
    d_loss = Wasserstein().discriminator(critic(zero, no_labels(zero)), fake) + R1(gamma)(judgement(critic, zero, theta))
    (d_psi,) = torch.autograd.grad(d_loss, critic.psi, retain_graph=True)
    assert d_psi.item() == pytest.approx(0.3 + gamma * 0.5)
