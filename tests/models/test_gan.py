"""A model as a LightningModule: one run is one trajectory, whoever watches, and every parameter has an owner."""

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from ganexp.config.build import build
from ganexp.models import GAN
from ganexp.models.losses import Loss, NonSaturating
from ganexp.models.regularizers import Regularizer
from ganexp.training.train import train
from support.crashes import crash
from support.refused import refused
from support.tiny import TINY_RING

ME = __name__


def weights(training):
    return list(training.model.parameters())


def test_the_trainer_counts_iterations(trained):
    training = trained(*TINY_RING, "schedule.d_steps=2")
    counters = training.model.counters
    assert (counters.iteration, counters.d_updates, counters.g_updates, counters.images_seen) == (6, 12, 6, 12 * 16)
    assert training.trainer.global_step == 6


def test_the_same_seed_twice_gives_the_same_weights_and_another_seed_others(trained):
    first, second, other = (trained(*TINY_RING, f"seed={seed}", folder=f) for seed, f in ((3, "a"), (3, "b"), (4, "c")))
    for a, b, c in zip(*map(weights, (first, second, other)), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_watching_never_changes_training(trained):
    quiet = trained(*TINY_RING, "callbacks.samples.every=100", "callbacks.evaluation.every=100", folder="quiet")
    busy = trained(
        *TINY_RING, "callbacks.samples.every=1", "callbacks.evaluation.every=1", "callbacks.checkpoints.every=1",
        "callbacks.scalars.every=1", folder="busy",
    )  # fmt: skip
    assert all(map(torch.equal, weights(quiet), weights(busy)))


def test_samples_come_from_the_average_in_evaluation_mode(trained):
    model = trained(*TINY_RING, "network.generator.norm=batch", "schedule.ema_decay=0.5").model
    z, y = torch.randn(32, 3), torch.zeros(32, dtype=torch.long)
    assert model.generator.training
    norms = [[m for m in network.modules() if isinstance(m, nn.BatchNorm1d)] for network in (model.average, model.generator)]
    for average, live in zip(*norms, strict=True):
        assert torch.equal(average.running_mean, live.running_mean)
    samples = model.sample(z, y)
    torch.testing.assert_close(samples, model.average.module.eval()(z))
    # A sample depends on its own latent only; the rounding of a product of matrices may depend on their size.
    torch.testing.assert_close(samples[:5], model.sample(z[:5], y[:5]))
    assert not torch.equal(samples, model.generator.eval()(z))


# Numbers with a schedule ------------------------------------------------------------------------------------------------------

LINEAR = "ganexp.models.schedules.Linear"


def test_any_number_follows_its_schedule(trained):
    training = trained(
        *TINY_RING, "penalty=r1", "+lr_schedule@penalty.gamma=linear", "penalty.gamma.initial=0.6", "penalty.gamma.final=0.0",
        f"optimizer.betas=[0.0,{{_target_:{LINEAR},initial:0.9,final:0.3,images:96}}]",
        f"schedule.ema_images={{_target_:{LINEAR},initial:0,final:600}}", "lr_schedule=linear", "d_optimizer.lr=0.1",
        f"g_optimizer.lr={{_target_:{LINEAR},initial:0.2,final:0.1}}", "schedule.d_steps=2",
        f"schedule.top_k={{_target_:{LINEAR},initial:1.0,final:0.4}}",
    )  # fmt: skip
    model = training.model  # of 6 iterations of 32 images, the last one began at 5/6 of the run and 160 images
    assert model.regularizers["penalty"].gamma == pytest.approx(0.1)
    assert model.average.images == pytest.approx(500)
    assert model.top_k.share == pytest.approx(0.5)
    assert model.learning_rates() == {"d": pytest.approx(0.1 / 6), "g": pytest.approx((0.2 - 0.1 * 5 / 6) / 6)}
    for optimizer in training.trainer.optimizers:
        assert optimizer.param_groups[0]["betas"] == [0.0, pytest.approx(0.3)]


def test_a_half_life_of_no_images_copies_the_generator(trained):
    model = trained(*TINY_RING, "schedule.ema_images=0", "schedule.ema_warmup=false").model
    assert all(map(torch.equal, model.average.module.parameters(), model.generator.parameters()))


def test_a_schedule_that_cannot_be_is_refused(ready):
    with refused("penalty.gamma.final"):
        ready(*TINY_RING, "penalty=r1", "+lr_schedule@penalty.gamma=linear", "penalty.gamma.final=-1")
    with refused("lr_schedule"):
        ready(*TINY_RING, "lr_schedule=linear", f"lr_schedule.final={{_target_:{LINEAR}}}")


# What learns or remembers -----------------------------------------------------------------------------------------------------


class Remembering(Regularizer):
    """A moving mean of the logits, which the term depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, judgement):
        return (judgement.fake.logits.mean() - self.mean).square()

    @torch.no_grad()
    def after_update(self, network, judgements):
        self.mean.lerp_(judgements[0].fake.logits.mean(), 0.1)


class Adaptive(Loss):
    """A margin that moves while a run trains."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("margin", torch.ones(()))

    def discriminator(self, real_logits, fake_logits):
        with torch.no_grad():
            self.margin.mul_(0.9)
        return softplus(self.margin - real_logits).mean() + softplus(fake_logits).mean()

    def generator(self, fake_logits, real_logits=None):
        return softplus(-fake_logits).mean()


class Mixture(GAN):
    """A generator whose latents have learnt means."""

    owned = True

    def __init__(self, game, latent_dim: int = 2) -> None:
        super().__init__(game, latent_dim)
        self.means = nn.Parameter(torch.zeros(latent_dim))

    def sample_latent(self, n, generator=None):
        return super().sample_latent(n, generator) + self.means

    def owners(self):
        owners = super().owners()
        if self.owned:
            owners["g"].append(self.means)
        return owners


class Orphan(Mixture):
    owned = False


def test_what_a_loss_and_a_regularizer_remember_resumes_exactly(ready):
    overrides = (
        *TINY_RING, f"loss._target_={ME}.Adaptive", f"+regularizers.memory._target_={ME}.Remembering", "penalty=r1",
        "callbacks.checkpoints.every=2", "callbacks.scalars.every=1", "callbacks.evaluation.every=100",
    )  # fmt: skip
    whole, crashing = (ready(*overrides, folder=folder) for folder in ("whole", "crashed"))
    train(whole, [])
    assert {"loss.margin", "regularizers.memory.mean"} <= whole.model.state_dict().keys()
    assert "loss/d/memory" in (whole.run.path / "metrics.csv").read_text()
    crash(crashing, 3)
    resumed = ready(*overrides, folder="crashed")
    train(resumed, [])
    pairs = zip(whole.model.state_dict().items(), resumed.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for (_, a), b in pairs if isinstance(a, torch.Tensor))


def test_parameters_of_a_model_are_trained_by_their_player(trained):
    training = trained(*TINY_RING, f"model._target_={ME}.Mixture", "~model.noise")
    assert training.model.means.abs().min() > 0


def test_a_parameter_that_no_player_owns_is_refused(ready, tmp_path):
    with refused("model") as refusal:
        ready(*TINY_RING, f"model._target_={ME}.Orphan", "~model.noise")
    assert "means" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_loss_of_the_package_has_no_state():
    assert build({"_target_": f"{NonSaturating.__module__}.NonSaturating"}, "loss").state_dict() == {}
