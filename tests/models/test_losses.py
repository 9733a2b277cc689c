"""The table of formulas in ganexp.models.losses, and how the objectives move the simplest GAN."""

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from ganexp.config.compose import compose
from ganexp.models.f_divergence import FDivergence
from ganexp.models.losses import (
    Hinge,
    LeastSquares,
    Loss,
    Minimax,
    MultiHinge,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    Wasserstein,
)

CONF = Path(__file__).parents[2] / "conf"
FILES = sorted((CONF / "loss").glob("*.yaml"))
EXTREME = [-200.0, -1.5, 0.0, 0.5, 200.0]


def load(path: Path) -> DictConfig:
    config = OmegaConf.load(path)
    assert isinstance(config, DictConfig)
    return config.get("loss", config)


def s(t: float) -> float:
    """log(1 + e^t), and below its derivative, without overflow."""
    return max(t, 0.0) + math.log1p(math.exp(-abs(t)))


def ds(t: float) -> float:
    return 1 / (1 + math.exp(-t)) if t >= 0 else math.exp(t) / (1 + math.exp(t))


def e(t: float) -> float:
    """e^t, which goes on as a line above 30, and below its derivative."""
    return math.exp(min(t, 30.0)) * (1 + max(t - 30.0, 0.0))


def de(t: float) -> float:
    return math.exp(min(t, 30.0))


def sign(condition: bool) -> float:
    return 1.0 if condition else 0.0


# For single logits r and f: D's loss, its derivatives by r and f, G's loss and its derivative by f.
CLOSED: dict[str, tuple[Loss, Callable[[float, float], tuple[float, float, float, float, float]]]] = {
    "non_saturating": (NonSaturating(), lambda r, f: (s(-r) + s(f), -ds(-r), ds(f), s(-f), -ds(-f))),
    "smoothed": (
        NonSaturating(label_smoothing=0.1),
        lambda r, f: (0.9 * s(-r) + 0.1 * s(r) + s(f), -0.9 * ds(-r) + 0.1 * ds(r), ds(f), s(-f), -ds(-f)),
    ),
    "minimax": (Minimax(), lambda r, f: (s(-r) + s(f), -ds(-r), ds(f), -s(f), -ds(f))),
    "least_squares": (
        LeastSquares(),
        lambda r, f: ((r - 1) ** 2 / 2 + f**2 / 2, r - 1, f, (f - 1) ** 2 / 2, f - 1),
    ),
    "hinge": (
        Hinge(),
        lambda r, f: (max(0, 1 - r) + max(0, 1 + f), -sign(r < 1), sign(f > -1), -f, -1.0),
    ),
    "multi_hinge": (
        MultiHinge(),
        lambda r, f: (max(0, 1 - r) + max(0, 1 + f), -sign(r < 1), sign(f > -1), max(0, 1 - f), -sign(f < 1)),
    ),
    "wasserstein": (Wasserstein(), lambda r, f: (f - r, -1.0, 1.0, -f, -1.0)),
    "relativistic": (Relativistic(), lambda r, f: (s(f - r), -ds(f - r), ds(f - r), s(r - f), -ds(r - f))),
    # Of a batch of one, the average is the sample itself.
    "average": (
        RelativisticAverage(),
        lambda r, f: (2 * s(f - r), -2 * ds(f - r), 2 * ds(f - r), 2 * s(r - f), -2 * ds(r - f)),
    ),
    "average_hinge": (
        RelativisticAverage("hinge"),
        lambda r, f: (
            *(2 * max(0, 1 - r + f), -2 * sign(r - f < 1), 2 * sign(r - f < 1)),
            *(2 * max(0, 1 - f + r), -2 * sign(f - r < 1)),
        ),
    ),
    "average_least_squares": (
        RelativisticAverage("least_squares"),
        lambda r, f: (2 * (r - f - 1) ** 2, 4 * (r - f - 1), -4 * (r - f - 1), 2 * (f - r - 1) ** 2, 4 * (f - r - 1)),
    ),
    "kl": (FDivergence("kl"), lambda r, f: (e(f - 1) - r, -1.0, de(f - 1), -f, -1.0)),
    "reverse_kl": (FDivergence("reverse_kl"), lambda r, f: (f - 1 + e(-r), -de(-r), 1.0, e(-f), -de(-f))),
    "pearson": (FDivergence("pearson"), lambda r, f: (f**2 / 4 + f - r, -1.0, f / 2 + 1, -f, -1.0)),
    "hellinger": (FDivergence("hellinger"), lambda r, f: (e(f) - 2 + e(-r), -de(-r), de(f), e(-f) - 1, -de(-f))),
    "jensen_shannon": (
        FDivergence("jensen_shannon"),
        lambda r, f: (s(f) + s(-r) - 2 * math.log(2), -ds(-r), ds(f), s(-f) - math.log(2), -ds(-f)),
    ),
    "saturating": (
        FDivergence("jensen_shannon", saturating=True),
        lambda r, f: (s(f) + s(-r) - 2 * math.log(2), -ds(-r), ds(f), math.log(2) - s(f), -ds(f)),
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_value_and_gradient_are_the_closed_form(name: str) -> None:
    loss, closed = CLOSED[name]
    for r, f in product(EXTREME, EXTREME):
        real, fake = torch.tensor([r], requires_grad=True), torch.tensor([f], requires_grad=True)
        d_loss = loss.discriminator(real, fake)
        d_real, d_fake = torch.autograd.grad(d_loss, (real, fake))
        g_loss = loss.generator(fake, real.detach())
        (g_fake,) = torch.autograd.grad(g_loss, fake)
        found = torch.stack([d_loss.detach(), d_real[0], d_fake[0], g_loss.detach(), g_fake[0]])
        torch.testing.assert_close(found, torch.tensor(closed(r, f), dtype=torch.float32), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_configured_loss_averages_over_the_batch_and_pulls_logits_apart(path: Path) -> None:
    loss = instantiate(load(path))
    assert isinstance(loss, Loss)
    real = torch.tensor([0.3, -0.2, 0.1, 0.0], requires_grad=True)
    fake = torch.tensor([-0.1, 0.2, 0.4, -0.5], requires_grad=True)
    d_loss, g_loss = loss.discriminator(real, fake), loss.generator(fake, real)
    assert d_loss.shape == g_loss.shape == ()
    if path.stem == "relativistic_average":  # whose mean is inside
        real, fake = (torch.full((4,), value, requires_grad=True) for value in (0.3, -0.1))
        d_loss, g_loss = loss.discriminator(real, fake), loss.generator(fake, real)
    pairs = [(loss.discriminator(r, f), loss.generator(f, r)) for r, f in zip(real.split(1), fake.split(1), strict=True)]
    torch.testing.assert_close(d_loss, torch.stack([d for d, _ in pairs]).mean())
    torch.testing.assert_close(g_loss, torch.stack([g for _, g in pairs]).mean())
    d_real, d_fake = torch.autograd.grad(d_loss, (real, fake))
    assert (d_real < 0).all(), "the discriminator must want higher logits for real samples"
    assert (torch.autograd.grad(g_loss, fake)[0] < 0).all(), "the generator must want higher logits for its samples"
    if path.stem != "least_squares":  # which wants fake logits at 0, from either side
        assert (d_fake > 0).all()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_losses_that_say_so_need_real_logits_for_the_generator(path: Path) -> None:
    loss = instantiate(load(path))
    fake = torch.tensor([0.5, -0.5])
    if loss.needs_real:
        with pytest.raises(ValueError, match="real logits"):
            loss.generator(fake)
    else:
        torch.testing.assert_close(loss.generator(fake), loss.generator(fake, torch.tensor([3.0, 4.0])))


def test_smoothing_has_its_optimum_where_the_probability_is_the_label() -> None:
    # At D's optimum for one real sample, sigmoid(r) = 1 - h.
    r = torch.logit(torch.tensor([0.9])).requires_grad_()
    NonSaturating(label_smoothing=0.1).discriminator(r, torch.zeros(1)).backward()
    torch.testing.assert_close(r.grad, torch.zeros(1), atol=1e-7, rtol=0)


def test_minimax_is_zero_sum_in_the_fake_logits() -> None:
    loss, real, fake = Minimax(), torch.tensor([0.2, 1.0]), torch.tensor([-0.4, 0.7], requires_grad=True)
    (for_d,) = torch.autograd.grad(loss.discriminator(real, fake), fake)
    (for_g,) = torch.autograd.grad(loss.generator(fake), fake)
    torch.testing.assert_close(for_d, -for_g)


@pytest.mark.parametrize(
    ("loss", "turn"), [(Wasserstein(), 1.0), (NonSaturating(), 0.5), (Minimax(), 0.5), (Relativistic(), 0.5)]
)
def test_the_dirac_gan_circles_its_equilibrium(loss: Loss, turn: float) -> None:
    """D(x) = psi x, real data at 0, G at theta: near (0, 0), simultaneous steps rotate by step * turn, and grow."""
    step, start = 0.01, 0.01
    theta, psi = torch.tensor([start], requires_grad=True), torch.tensor([0.0], requires_grad=True)
    radius, angle, steps = start, 0.0, 300
    for _ in range(steps):
        real, fake = psi * torch.zeros(1), psi * theta
        (d_psi,) = torch.autograd.grad(loss.discriminator(real, fake), psi, retain_graph=True)
        (g_theta,) = torch.autograd.grad(loss.generator(fake, real), theta)
        before = math.atan2(psi.item(), theta.item())
        with torch.no_grad():
            psi -= step * d_psi
            theta -= step * g_theta
        moved = math.hypot(theta.item(), psi.item())
        assert moved >= radius * (1 - 1e-5), "a step never comes nearer to the equilibrium"
        radius = moved
        angle += (before - math.atan2(psi.item(), theta.item()) + math.pi) % (2 * math.pi) - math.pi
    assert abs(angle) == pytest.approx(steps * step * turn, rel=0.02)
    assert radius == pytest.approx(start * (1 + (step * turn) ** 2) ** (steps / 2), rel=0.01)


RECIPES = {
    "wasserstein": ("WeightClip", 5),
    "wgan_gp": ("GradientPenalty", 5),
    "dragan": ("Dragan", 1),
    "r3gan": ("R1R2", 1),
}


@pytest.mark.parametrize("loss", [path.stem for path in FILES])
def test_a_loss_brings_its_penalty_and_schedule(loss: str) -> None:
    config = OmegaConf.create(compose(f"loss={loss}", "data=digits"))
    penalty = config.penalty and type(instantiate(config.penalty)).__name__
    assert (penalty, config.schedule.d_steps) == RECIPES.get(loss, ({}, 1))
    assert config.schedule.g_steps == 1
    instantiate(config.loss)


@pytest.mark.parametrize("penalty", sorted(path.stem for path in (CONF / "penalty").glob("*.yaml")))
def test_the_command_line_replaces_a_recipes_parts_without_remains(penalty: str) -> None:
    config = OmegaConf.create(compose("loss=wgan_gp", "data=digits", f"penalty={penalty}", "schedule.d_steps=2"))
    alone = OmegaConf.create({"recipe": config.recipe, "penalty": OmegaConf.load(CONF / "penalty" / f"{penalty}.yaml")})
    assert config.penalty == alone.penalty
    assert config.schedule.d_steps == 2


@pytest.mark.parametrize(
    "form, pull", [("standard", s), ("hinge", lambda t: max(0.0, 1 + t)), ("least_squares", lambda t: (1 + t) ** 2)]
)
def test_every_sample_is_compared_with_the_average_of_the_other_kind(form: str, pull: Callable[[float], float]) -> None:
    real, fake = [0.3, -0.9, 2.0], [-0.1, 0.4, 1.5]
    m, n = sum(real) / 3, sum(fake) / 3
    loss = RelativisticAverage(form)
    d = sum(pull(n - r) for r in real) / 3 + sum(pull(f - m) for f in fake) / 3
    g = sum(pull(m - f) for f in fake) / 3 + sum(pull(r - n) for r in real) / 3
    assert loss.discriminator(torch.tensor(real), torch.tensor(fake)).item() == pytest.approx(d, rel=1e-5)
    assert loss.generator(torch.tensor(fake), torch.tensor(real)).item() == pytest.approx(g, rel=1e-5)


# Of two normal distributions of equal variance 1 and means 0 and m, by f = (p / q) and the integral of q f(p / q).
TRUE = {
    "kl": lambda m: m**2 / 2,
    "reverse_kl": lambda m: m**2 / 2,
    "pearson": lambda m: math.exp(m**2) - 1,
    "hellinger": lambda m: 2 - 2 * math.exp(-(m**2) / 8),
}


@pytest.mark.parametrize("divergence", TRUE)
def test_the_bound_of_the_best_discriminator_is_the_divergence(divergence: str) -> None:
    """The optimal logit is that where g(v) = f'(p / q); expectations are sums over a grid."""
    m, x = 0.7, torch.linspace(-12, 12, 20001, dtype=torch.float64)
    p, q = (torch.exp(-((x - mean) ** 2) / 2) / math.sqrt(2 * math.pi) for mean in (0.0, m))
    log_ratio = m**2 / 2 - m * x
    best = {
        "kl": 1 + log_ratio, "reverse_kl": log_ratio, "pearson": 2 * (log_ratio.exp() - 1), "hellinger": log_ratio / 2,
    }[divergence].requires_grad_()  # fmt: skip
    loss, width = FDivergence(divergence), 24 / 20000

    def bound(v: torch.Tensor) -> torch.Tensor:
        # The loss of one point at a time, weighted by the densities.
        zero = loss.discriminator(torch.zeros(1, dtype=v.dtype), torch.zeros(1, dtype=v.dtype))
        real = torch.vmap(lambda r: loss.discriminator(r[None], torch.zeros(1, dtype=v.dtype)))(v) - zero
        fake = torch.vmap(lambda f: loss.discriminator(torch.zeros(1, dtype=v.dtype), f[None]))(v)
        return -((p * real).sum() + (q * fake).sum()) * width

    value = bound(best)
    assert value.item() == pytest.approx(TRUE[divergence](m), rel=1e-4)
    (slope,) = torch.autograd.grad(value, best)
    assert slope.abs().max() < 1e-9, "no other logit raises the bound"
