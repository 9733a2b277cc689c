"""The iteration as a function of tensors: who moves when, and that nobody moves anybody else. No Trainer takes part."""

import copy
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.functional import softplus

from ganexp.models.losses import NonSaturating, Relativistic
from ganexp.models.regularizers import R1, R1R2, Dragan, GradientPenalty, Regularizer, WeightClip
from ganexp.models.regularizers.latent import ModeSeeking
from ganexp.models.regularizers.lecam import LeCam
from ganexp.models.regularizers.orthogonal import Orthogonal
from ganexp.models.turns import Turns
from support.playing import Counting, Table, watched

TURNS = [
    Turns(),
    Turns(reuse_fakes=True),
    Turns(update="simultaneous"),
    Turns(update="simultaneous", reuse_fakes=True),
    Turns(d_steps=3, reuse_fakes=True),
    Turns(d_steps=2, g_steps=3, micro_batches=4, gradient_clip=0.1),
    Turns(update="simultaneous", micro_batches=2, latents="shared"),
    Turns(lazy_terms="apart", d_steps=2),
]


@pytest.mark.parametrize("turns", TURNS)
def test_a_step_moves_its_players_and_nobody_else(turns: Turns) -> None:
    table = Table(turns)
    moved = []
    for name, player in table.players.items():
        player.move = partial(watched, table, name, player.move, moved)
    table(times=2)
    assert moved == 2 * [*"d" * turns.d_steps, *"g" * turns.g_steps]
    assert (table.counters.d_updates, table.counters.g_updates) == (2 * turns.d_steps, 2 * turns.g_steps)


@pytest.mark.parametrize(
    ("turns", "passes"),
    [
        (Turns(), [False, True]),  # fakes for D without a graph, new ones for G with one
        (Turns(reuse_fakes=True), [True]),
        (Turns(update="simultaneous"), [False, True]),
        (Turns(update="simultaneous", reuse_fakes=True), [True]),
        (Turns(d_steps=3, g_steps=2), [False] * 3 + [True] * 2),
    ],
)
def test_fakes_are_generated_as_often_as_the_turns_need(turns: Turns, passes: list[bool]) -> None:
    table = Table(turns)
    table()
    assert table.rules.passes == passes


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
@pytest.mark.parametrize("together", [False, True])
def test_an_iteration_is_the_textbooks(update: str, together: bool) -> None:
    table = Table(Turns(update=update, reuse_fakes=True), together=together)
    g, d = copy.deepcopy(table.rules.generator), copy.deepcopy(table.rules.discriminator)
    table()
    torch.manual_seed(1)
    real, fake = torch.randn(8, 2), g(torch.randn(8, 2))
    d_loss = (softplus(-d(real)) + softplus(d(fake.detach()))).mean()
    for_g = softplus(-d(fake)).mean()
    steps = {"d": torch.autograd.grad(d_loss, list(d.parameters()))}
    with torch.no_grad():
        if update == "alternating":
            for weight, step in zip(d.parameters(), steps["d"], strict=True):
                weight -= 0.1 * step
    if update == "alternating":
        for_g = softplus(-d(fake)).mean()
    steps["g"] = torch.autograd.grad(for_g, list(g.parameters()))
    for weight, step, moved in zip(g.parameters(), steps["g"], table.rules.generator.parameters(), strict=True):
        torch.testing.assert_close(moved, weight - 0.1 * step)
    torch.testing.assert_close(table.observed["loss/g"][0], for_g)
    torch.testing.assert_close(table.observed["loss/d/adversarial"][0], d_loss)


@pytest.mark.parametrize(("loss", "penalty"), [(NonSaturating(), R1()), (Relativistic(), R1R2())])
def test_micro_batches_change_nothing_but_memory(loss, penalty: Regularizer) -> None:
    tables = [Table(Turns(micro_batches=pieces), loss, penalty=penalty) for pieces in (1, 4)]
    for table in tables:
        table(times=3)
    for whole, cut in zip(*(table.rules.parameters() for table in tables), strict=True):
        torch.testing.assert_close(whole, cut, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("penalty", "passes"),
    [
        (None, 2 * [16, 8]),
        (R1R2(), 2 * [16, 8]),  # the gradients are those of the very pass that the loss looks at
        (R1(), 2 * [8, 8, 8]),  # the gradients of one kind alone: a common pass would take the other one along
        (R1(every=2), [8, 8, 8, 16, 8]),
        (GradientPenalty(), 2 * [16, 8, 8]),
    ],
)
def test_one_pass_is_as_good_as_two(penalty: Regularizer | None, passes: list[int]) -> None:
    own = {} if penalty is None else {"penalty": penalty}
    tables, seen = [Table(Turns(), together=together, **own) for together in (True, False)], []
    tables[0].rules.discriminator.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    for table in tables:
        table(times=3)
    assert seen[: len(passes)] == passes, "the last one of an iteration is the generator's"
    for one, two in zip(*(table.rules.parameters() for table in tables), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


def test_the_clip_bounds_the_step() -> None:
    table = Table(Turns(gradient_clip=0.001), rate=1.0)
    before = copy.deepcopy(table.rules.discriminator)
    table(norms=True)
    pairs = zip(before.parameters(), table.rules.discriminator.parameters(), strict=True)
    distance = sum(float((a - b).detach().square().sum()) for a, b in pairs) ** 0.5
    assert 0 < distance <= 0.001 * 1.001
    assert table.observed["gradient_norm/d"][0] > 0.001


def test_several_regularizers_have_terms_of_their_own_for_either_player() -> None:
    for_d, for_g = Counting("d", every=3), Counting("g")
    table = Table(Turns(micro_batches=2), first=for_d, second=for_g, clip=WeightClip(0.01))
    table(times=4)
    assert for_d.asked == [4] * 4, "in the updates 0 and 3, in two pieces each"
    assert for_g.asked == [4] * 8
    assert for_d.seen == for_g.seen == [2] * 4, "after every update, with all its micro-batches"
    assert set(map(float, table.observed["loss/d/first"])) == {6.0}, "lazy regularisation weighs more"
    assert set(map(float, table.observed["loss/g/second"])) == {2.0}
    assert "loss/d/clip" not in table.observed
    assert max(float(weight.abs().max()) for weight in table.rules.discriminator.parameters()) <= 0.01


@pytest.mark.parametrize("penalty", [R1, R1R2, GradientPenalty, Dragan, WeightClip, LeCam])
def test_nothing_is_read_back_from_the_device(penalty: type[Regularizer]) -> None:
    """Under fake tensors every read of a value raises."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        table = Table(Turns(d_steps=2, gradient_clip=1.0), Relativistic(), together=True, penalty=penalty())
        table(norms=True)
    assert table.counters.g_updates == 1


@pytest.mark.parametrize("pieces", [1, 4])
def test_lazy_terms_apart_are_steps_of_their_own(pieces: int) -> None:
    penalties = {"penalty": R1(gamma=3.0, every=2), "modes": ModeSeeking(weight=0.1, every=2)}
    table = Table(Turns(lazy_terms="apart", micro_batches=pieces), **penalties)
    g, d = copy.deepcopy(table.rules.generator), copy.deepcopy(table.rules.discriminator)
    table(times=3)
    torch.manual_seed(1)

    def step(network: nn.Module, loss: Tensor) -> None:
        parameters = list(network.parameters())
        for weight, slope in zip(parameters, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
            weight.data -= 0.1 * (0 if slope is None else slope)

    for update in range(3):
        real, z = torch.randn(8, 2), torch.randn(8, 2)
        step(d, (softplus(-d(real)) + softplus(d(g(z).detach()))).mean())
        if update % 2 == 0:
            x = real.clone().requires_grad_()
            (slope,) = torch.autograd.grad(d(x).sum(), x, create_graph=True)
            step(d, 2 * 1.5 * slope.square().sum(1).mean())
        z = torch.randn(8, 2)
        step(g, softplus(-d(g(z))).mean())
        if update % 2 == 0:
            terms = [
                0.1 / ((g(own) - g(own.roll(1, 0))).abs().mean() / (own - own.roll(1, 0)).abs().mean() + 1e-5)
                for own in z.tensor_split(pieces)
            ]
            step(g, 2 * sum(terms) / pieces)
    for mine, its in zip([*g.parameters(), *d.parameters()], table.rules.parameters(), strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-6)
    assert (table.counters.d_updates, table.counters.g_updates) == (3, 3)
    assert len(table.observed["loss/d/penalty"]) == 2 * pieces and len(table.observed["loss/d"]) == 3 * pieces


def test_what_looks_back_sees_each_update_once() -> None:
    lazy, prompt = Counting("g", every=2), Counting("g")
    table = Table(Turns(lazy_terms="apart"), lazy=lazy, prompt=prompt)
    table(times=4)
    assert lazy.seen == prompt.seen == [1] * 4
    assert len(lazy.asked) == 2 and len(prompt.asked) == 4


def test_fakes_of_all_steps_at_once_are_those_of_each() -> None:
    tables = [Table(Turns(d_steps=3, fakes_at_once=at_once), penalty=R1R2()) for at_once in (False, True)]
    for table in tables:
        table(times=2)
    assert tables[0].rules.passes == 2 * [*3 * [False], True] and tables[1].rules.passes == 2 * [False, True]
    for apart, at_once in zip(*(table.rules.parameters() for table in tables), strict=True):
        torch.testing.assert_close(apart, at_once, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("term", "passes"),
    [(Orthogonal(every=2), []), (ModeSeeking(every=2), [True, True])],  # the latter makes samples of its own as well
)
def test_a_lazy_step_makes_fakes_for_a_term_that_looks_at_them(term: Regularizer, passes: list[bool]) -> None:
    table = Table(Turns(lazy_terms="apart"), term=term)
    table(times=2)
    assert len(table.observed["loss/g/term"]) == 1
    assert table.rules.passes == [False, True, *passes, False, True]
