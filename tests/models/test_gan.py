"""The algorithm: who moves when, and that nobody moves anybody else."""

import copy

import pytest
import torch
from torch import nn

from support.tiny import TINY_RING

SCHEDULES = [
    ("schedule.update=alternating",),
    ("schedule.update=alternating", "schedule.reuse_fakes=true"),
    ("schedule.update=simultaneous",),
    ("schedule.update=simultaneous", "schedule.reuse_fakes=true"),
    ("schedule.d_steps=3",),
    ("schedule.d_steps=3", "schedule.reuse_fakes=true"),
    ("schedule.g_steps=2",),
    ("schedule.d_steps=2", "schedule.g_steps=3", "schedule.micro_batches=4", "schedule.gradient_clip=0.1"),
    ("schedule.update=simultaneous", "schedule.micro_batches=2", "schedule.ema_decay=null"),
]


class Counted(nn.Module):
    """Count a network's forward passes, with and without a graph."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.passes = {True: 0, False: 0}

    def forward(self, *inputs):
        self.passes[torch.is_grad_enabled()] += 1
        return self.network(*inputs)


@pytest.mark.parametrize("overrides", SCHEDULES, ids=" ".join)
def test_every_schedule_makes_the_updates_it_names(ready, overrides):
    training = ready(*TINY_RING, *overrides)
    schedule, model = training.model.schedule, training.model
    steps = {"d": 0, "g": 0}

    class Spy(torch.optim.SGD):
        def __init__(self, parameters, player):
            super().__init__(parameters, lr=0.01)
            self.player = player

        def step(self, closure=None):
            steps[self.player] += 1
            return super().step(closure)

    model._make_optimizers = {player: lambda p, player=player: Spy(p, player) for player in "dg"}
    training.trainer.fit(model, datamodule=training.data)
    assert steps == {"d": 6 * schedule.d_steps, "g": 6 * schedule.g_steps}
    assert (model.counters.iteration, model.counters.d_updates, model.counters.g_updates) == (6, steps["d"], steps["g"])
    assert model.counters.images_seen == 6 * schedule.d_steps * 16
    assert training.trainer.global_step == 6


@pytest.mark.parametrize("overrides", SCHEDULES, ids=" ".join)
def test_a_step_of_one_player_leaves_the_other_bit_unchanged(ready, overrides):
    training = ready(*TINY_RING, *overrides)
    model = training.model
    networks = {"d": model.discriminator, "g": model.generator}
    step = model.step
    moved = []

    def watched_step(*players):
        before = {player: copy.deepcopy(network.state_dict()) for player, network in networks.items()}
        for player in set(networks) - set(players):
            gradients = [p.grad for p in networks[player].parameters() if p.grad is not None]
            assert not any(bool(gradient.any()) for gradient in gradients), f"{player} gathered gradients in {players}'s step"
        step(*players)
        for player, network in networks.items():
            changed = any(not torch.equal(value, before[player][name]) for name, value in network.state_dict().items())
            assert changed == (player in players)
        moved.append(players)

    model.step = watched_step
    training.trainer.fit(model, datamodule=training.data)
    together = [("d", "g")] * 6
    in_turns = ([("d",)] * model.schedule.d_steps + [("g",)] * model.schedule.g_steps) * 6
    assert moved == (together if model.schedule.update == "simultaneous" else in_turns)


@pytest.mark.parametrize(
    ("overrides", "per_iteration"),
    [
        ((), {True: 1, False: 1}),  # fakes for D without a graph, new ones for G with one
        (("schedule.reuse_fakes=true",), {True: 1, False: 0}),
        (("schedule.update=simultaneous",), {True: 1, False: 1}),
        (("schedule.update=simultaneous", "schedule.reuse_fakes=true"), {True: 1, False: 0}),
        (("schedule.d_steps=3", "schedule.g_steps=2"), {True: 2, False: 3}),
    ],
)
def test_fakes_are_generated_as_often_as_the_schedule_needs(ready, overrides, per_iteration):
    training = ready(*TINY_RING, "callbacks.evaluation.every=100", *overrides)
    counted = Counted(training.model.generator)
    training.model.generator = counted
    training.trainer.fit(training.model, datamodule=training.data)
    assert counted.passes == {grad: 6 * number for grad, number in per_iteration.items()}


def test_simultaneous_updates_see_the_same_weights(ready):
    # Plain SGD, so that the generator's step can be recomputed from the weights before the iteration.
    simultaneous = ("schedule.update=simultaneous", "schedule.reuse_fakes=true")
    quiet = ("~callbacks.samples", "~callbacks.evaluation")  # which draw latents too
    training = ready(*TINY_RING, "loss=non_saturating", "optimizer=sgd", "optimizer.lr=0.01", *simultaneous, *quiet)
    model = training.model
    generator, discriminator = copy.deepcopy(model.generator), copy.deepcopy(model.discriminator)
    drawn = []
    sample_latent = model.sample_latent

    def recorded(*arguments):
        drawn.append(sample_latent(*arguments))
        return drawn[-1]

    model.sample_latent = recorded
    model.begin(0, 1)
    training.data._total = 1
    training.trainer.fit(model, datamodule=training.data)
    loss = model.loss.generator(discriminator(generator(drawn[0])).squeeze(1))
    gradients = torch.autograd.grad(loss, list(generator.parameters()))
    for before, gradient, after in zip(generator.parameters(), gradients, model.generator.parameters(), strict=True):
        torch.testing.assert_close(after, before - 0.01 * gradient)


@pytest.mark.parametrize("loss", ["non_saturating", "wgan_gp", "r3gan"])
def test_micro_batches_change_nothing_but_memory(trained, loss):
    weights = []
    for pieces in (1, 4):
        overrides = ("optimizer=sgd", "penalty.weight=0.0") if loss == "wgan_gp" else ("optimizer=sgd",)
        training = trained(*TINY_RING, f"loss={loss}", *overrides, f"schedule.micro_batches={pieces}", folder=str(pieces))
        weights.append(list(training.model.parameters()))
    for whole, cut in zip(*weights, strict=True):
        torch.testing.assert_close(whole, cut, rtol=1e-4, atol=1e-6)


def test_gradient_clip_bounds_the_step(ready):
    training = ready(*TINY_RING, "optimizer=sgd", "optimizer.lr=1.0", "schedule.gradient_clip=0.001")
    model = training.model
    before = copy.deepcopy(model.discriminator)
    training.trainer.fit(model, datamodule=training.data)
    pairs = zip(before.parameters(), model.discriminator.parameters(), strict=True)
    distance = sum(float((a - b).detach().square().sum()) for a, b in pairs) ** 0.5
    assert 0 < distance <= 6 * 0.001 * 1.001


def test_the_same_seed_twice_gives_the_same_weights_and_another_seed_others(trained):
    first, second, other = (trained(*TINY_RING, f"seed={seed}", folder=f) for seed, f in ((3, "a"), (3, "b"), (4, "c")))
    for a, b, c in zip(first.model.parameters(), second.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_watching_never_changes_training(trained):
    quiet = trained(*TINY_RING, "callbacks.samples.every=100", "callbacks.evaluation.every=100", folder="quiet")
    busy = trained(
        *TINY_RING, "callbacks.samples.every=1", "callbacks.evaluation.every=1", "callbacks.checkpoints.every=1",
        "callbacks.scalars.every=1", folder="busy",
    )  # fmt: skip
    for a, b in zip(quiet.model.parameters(), busy.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_samples_come_from_the_average_in_evaluation_mode(ready):
    training = ready(*TINY_RING, "network.generator.norm=batch", "schedule.ema_decay=0.5")
    model = training.model
    training.trainer.fit(model, datamodule=training.data)
    z, y = torch.randn(32, 3), torch.zeros(32, dtype=torch.long)
    assert model.generator.training
    batch_norm = [module for module in model.average.module.modules() if isinstance(module, nn.BatchNorm1d)]
    followed = [module for module in model.generator.modules() if isinstance(module, nn.BatchNorm1d)]
    for average, live in zip(batch_norm, followed, strict=True):
        assert torch.equal(average.running_mean, live.running_mean)
    samples = model.sample(z, y)
    expected = copy.deepcopy(model.average.module).eval()
    torch.testing.assert_close(samples, expected(z))
    # A sample depends on its own latent only; the rounding of a product of matrices may depend on their size.
    torch.testing.assert_close(samples[:5], model.sample(z[:5], y[:5]))
    assert not torch.equal(samples, copy.deepcopy(model.generator).eval()(z))


def test_lazy_penalty_is_applied_every_so_often_and_weighs_more(ready):
    training = ready(*TINY_RING, "penalty=r1", "penalty.every=3")
    calls = []
    penalty = training.model.penalty

    class Recorded(type(penalty)):
        def __call__(self, *arguments):
            calls.append(training.model.counters.d_updates)
            return super().__call__(*arguments)

    penalty.__class__ = Recorded
    training.trainer.fit(training.model, datamodule=training.data)
    assert calls == [0, 3]


def test_learning_rates_follow_the_own_counter(trained):
    training = trained(*TINY_RING, "lr_schedule=linear", "d_optimizer.lr=0.1", "g_optimizer.lr=0.2", "schedule.d_steps=2")
    rates = training.model.learning_rates()
    assert rates["d"] == pytest.approx(0.1 * training.model.lr_schedule(5 / 6))
    assert rates["g"] == pytest.approx(0.2 * training.model.lr_schedule(5 / 6))
