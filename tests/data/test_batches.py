import pytest
import torch
from torch import Tensor

from ganexp.config.errors import ConfigError
from ganexp.data import Batches, Digits, Groups
from support.cover import pairs
from support.refused import refused


def stream(size: int = 23, batch_size: int = 4, drop_last: bool = False, seed: int = 0, **options: float) -> Batches:
    x = torch.arange(size, dtype=torch.float32).view(-1, 1)
    return Batches(x, torch.arange(size) % 3, lambda raw: raw + 0.5, batch_size, drop_last, seed, **options)


def values(batches: list[tuple[Tensor, Tensor]]) -> list[list[float]]:
    return [x.flatten().tolist() for x, _ in batches]


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [4, 4, 4, 4, 4, 3]), (True, [4, 4, 4, 4, 4])])
def test_each_epoch_visits_each_sample_once(drop_last: bool, sizes: list[int]) -> None:
    batches = stream(drop_last=drop_last)
    assert batches.batches_per_epoch == len(sizes)
    epochs = [batches.take(epoch * len(sizes), len(sizes)) for epoch in range(3)]
    for epoch in epochs:
        assert [len(x) for x, _ in epoch] == [len(y) for _, y in epoch] == sizes
        seen = torch.cat([x for x, _ in epoch]).flatten() - 0.5
        assert len(seen.unique()) == sum(sizes)
        assert torch.equal(torch.cat([y for _, y in epoch]), seen.long() % 3)
    assert values(epochs[0]) != values(epochs[1]) != values(epochs[2])


@pytest.mark.parametrize("counts", [[20, 2, 1], [5, 5, 5], [1, 40], [7, 0, 3], [9]])
def test_classes_are_equally_frequent_where_they_are_balanced(counts: list[int]) -> None:
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    x, size, there = torch.arange(len(y), dtype=torch.float32), len(y), sum(count > 0 for count in counts)

    def balanced(**options: int) -> Batches:
        return Batches(x, y, lambda raw: raw, 2, False, balance=True, **{"seed": 0, **options})

    batches = balanced()
    epochs = [batches.take(epoch * batches.batches_per_epoch, batches.batches_per_epoch) for epoch in range(3)]
    for epoch in epochs:
        seen, labels = torch.cat([x for x, _ in epoch]).long(), torch.cat([y for _, y in epoch])
        assert len(seen) == size and torch.equal(y[seen], labels)
        found = labels.bincount(minlength=len(counts))[torch.tensor(counts) > 0]
        assert found.max() - found.min() <= 1 and found.sum() == size
        for label in y.unique():
            times = seen.bincount(minlength=size)[y == label]
            assert times.max() - times.min() <= 1, "those of a class are seen equally often"
    assert values(epochs[0]) != values(epochs[1]) or size <= 2 * there
    whole = values(balanced().take(0, 11))
    assert values(balanced().take(4, 7)) == whole[4:]
    if size % 2 == 0:
        shares = [balanced(rank=rank, world_size=2).take(0, 3) for rank in range(2)]
        assert [a + b for a, b in zip(*map(values, shares), strict=True)] == whole[:3]


@pytest.mark.parametrize("y", [None, torch.zeros(23, 2)])
def test_what_has_no_classes_cannot_be_balanced(y: Tensor | None) -> None:
    with refused("data.balance"):
        Batches(torch.zeros(23, 1), y, lambda raw: raw, 4, True, 0, balance=True)


@pytest.mark.parametrize("drop_last", [False, True])
def test_a_batch_is_a_function_of_seed_and_position(drop_last: bool) -> None:
    whole = values(stream(drop_last=drop_last).take(0, 40))
    for start in range(0, 30, 7):
        for count in (1, 2, 5, 10):
            assert values(stream(drop_last=drop_last).take(start, count)) == whole[start : start + count]
    backwards = stream(drop_last=drop_last)
    assert [values(backwards.take(i, 1))[0] for i in reversed(range(40))] == whole[::-1]
    assert values(stream(drop_last=drop_last, seed=1).take(0, 40)) != whole


@pytest.mark.parametrize(("limit", "epoch"), [(2, 2), (0.5, 3), (6, 6), (60, 6), (1.0, 6)])
def test_an_epoch_may_end_early_or_be_the_same_each_time(limit: int | float, epoch: int) -> None:
    cut, same = stream(limit=limit), stream(limit=limit, fixed=True)
    assert cut.batches_per_epoch == same.batches_per_epoch == epoch
    first = values(stream().take(0, epoch))
    assert values(cut.take(0, epoch)) == values(same.take(0, epoch)) == values(same.take(3 * epoch, epoch)) == first
    assert values(cut.take(epoch, epoch)) == values(stream().take(6, epoch)) != first
    assert values(cut.take(1, 4 * epoch)) == [values(cut.take(i, 1))[0] for i in range(1, 4 * epoch + 1)]


def test_seeds_and_epochs_do_not_overlap() -> None:
    orders = [values(stream(seed=seed).take(epoch * 6, 6)) for seed in range(5) for epoch in range(5)]
    assert len({str(order) for order in orders}) == 25


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("world_size", [2, 3])
def test_devices_share_every_batch(world_size: int, drop_last: bool) -> None:
    whole = stream(size=45, batch_size=6 * world_size, drop_last=drop_last or world_size == 2)
    ranks = [
        stream(size=45, batch_size=6 * world_size, drop_last=drop_last or world_size == 2, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    parts = zip(*(rank.take(1, 7) for rank in ranks), strict=True)
    for (x, y), shares in zip(whole.take(1, 7), parts, strict=True):
        assert torch.equal(x, torch.cat([share[0] for share in shares]))
        assert torch.equal(y, torch.cat([share[1] for share in shares]))
        assert len({len(share[0]) for share in shares}) == 1


def test_without_labels_they_are_zero() -> None:
    batches = Batches(torch.zeros(10, 2), None, lambda raw: raw, 4, False, seed=0)
    for x, y in batches.take(0, 5):
        assert y.dtype == torch.int64 and y.shape == x.shape[:1] and not y.any()


def test_batches_do_not_touch_the_global_generator() -> None:
    state = torch.get_rng_state()
    stream().take(0, 20)
    assert torch.equal(state, torch.get_rng_state())


def test_batches_of_images_are_decoded() -> None:
    data = Digits()
    x, y = data.load("test")
    (images, labels), *_ = Batches(x, y, data.decode, 16, True, seed=0).take(3, 2)
    assert images.dtype == torch.float32 and images.min() == -1 and labels.shape == (16,)
    images.requires_grad_(True)


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"batch_size": 24}, ("data.batch_size",)),
        ({"batch_size": 5, "world_size": 2}, ("data.batch_size",)),
        ({"batch_size": 1, "world_size": 2}, ("data.batch_size",)),
        ({"batch_size": 4, "world_size": 2}, ("data.batch_size", "data.drop_last")),
    ],
)
def test_batches_that_cannot_be_made_are_refused(options: dict[str, int], keys: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        stream(**options)  # type: ignore[arg-type]
    assert caught.value.keys == keys


@pytest.mark.parametrize(("d_steps", "size", "cadences"), pairs((1, 2, 5, 13), (1, 3, 16), ((), (4,), (3, 10))))
def test_groups_give_the_stream_in_order(d_steps: int, size: int, cadences: tuple[int, ...]) -> None:
    batches, total, done, ends, epochs = stream(), 30, 0, [0], []
    groups = Groups(batches, d_steps, total, lambda: done, cadences, size)
    seen: list[list[float]] = []
    while done < total:
        first = done
        for group in groups:
            assert 1 <= len(group) <= size
            for iteration in group:
                assert len(iteration) == d_steps
                seen += values(iteration)
            done += len(group)
            ends.append(done)
        epochs.append(groups.epoch_of(first))
        assert done == min(total, groups.iterations(groups.epoch_of(first) + 1)) > first
    assert seen == values(batches.take(0, total * d_steps))
    assert all(multiple in ends for cadence in cadences for multiple in range(0, total + 1, cadence))
    assert epochs == sorted(set(epochs))
    assert list(groups) == []


def test_groups_go_on_from_any_position() -> None:
    for start in range(12):
        groups = Groups(stream(), 5, 100, lambda start=start: start, size=2)
        given = [batch for group in groups for iteration in group for batch in iteration]
        end = groups.iterations(groups.epoch_of(start) + 1)
        assert values(given) == values(stream().take(start * 5, (end - start) * 5))


def test_an_iteration_belongs_to_the_epoch_of_its_first_batch() -> None:
    groups = Groups(stream(), 5, 100, lambda: 0)  # 6 batches an epoch
    assert [groups.iterations(epochs) for epochs in range(6)] == [0, 2, 3, 4, 5, 6]
    assert [groups.epoch_of(iteration) for iteration in range(7)] == [0, 0, 1, 2, 3, 4, 5]


def test_groups_have_no_length_and_stay_small() -> None:
    assert not hasattr(Groups(stream(), 1, 10, lambda: 0), "__len__")
    assert Groups(stream(), 1, 10, lambda: 0).size == 16
    photographs = Batches(torch.zeros(128, 3, 64, 64, dtype=torch.uint8), None, lambda raw: raw, 32, True, seed=0)
    assert Groups(photographs, 1, 10, lambda: 0).size == 1


def test_batches_of_a_group_are_made_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = Batches(torch.zeros(640, 1, 28, 28, dtype=torch.uint8), None, lambda raw: raw.float(), 32, True, seed=0)
    groups = Groups(digits, 1, 20, lambda: 0)
    taken, take = [], digits.take
    monkeypatch.setattr(digits, "take", lambda start, count: taken.append((start, count)) or take(start, count))
    group = next(iter(groups))
    assert taken == [] and len(group) == groups.size == 10
    for number, _ in enumerate(group):
        assert taken[-1] == (number // 2 * 2, 2)
    assert [len(iteration) for iteration in group] == 10 * [1]  # once more
