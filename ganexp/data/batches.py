"""The endless stream of real batches.

Contract: batch i of the stream is a pure function of (seed, i). Epoch e is a permutation of the data drawn from
(seed, e), cut into batches, of which it may have the first few only; so any start, any group size and any number of
devices give the same batches in the same order.

Balanced, an epoch has as many samples, and as many of each class as of any other, up to one: those of a class are permuted
again and again until there are enough, so that all are seen equally often, up to one.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ganexp.config.errors import ConfigError

Batch = tuple[Tensor, Tensor]

# More batches made at a time than this leave the processor's cache; more of points than that are seen beside what the update of
# a small network keeps in memory, and save nothing.
PART_BYTES = 256 * 1024
PART_ITERATIONS = 8

# What surrounds a group costs as much as a small network's update; larger ones take long enough for it not to matter, and a run
# is to hear soon of a request to stop. Past 16 iterations the saving is lost in the noise.
GROUP_BYTES = 1024 * 1024
GROUP_ITERATIONS = 16


class Batches:
    """A random-access stream of shuffled batches, on the device of the data.

    Each of `world_size` devices holds all the data and takes its equal, contiguous share of every global batch.

    Arguments:
        x: Raw samples with shape (N, *).
        y: Labels with shape (N,), or None: labels are then zero.
        decode: Elementwise map from raw samples to network inputs.
        batch_size: Samples of a global batch, over all devices together.
        drop_last: Whether the last, smaller batch of an epoch is left out.
        seed: Seed of all permutations.
        rank: Index of this device.
        world_size: Number of devices.
        limit: Batches that an epoch ends after; None: all.
        fixed: Whether every epoch has the batches of the first one.
        balance: Whether the classes are equally frequent in an epoch.

    Attributes:
        batches_per_epoch: Number of global batches in one pass over the data.

    Raises:
        ConfigError: A batch is larger than the data, or the devices cannot share a batch equally.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor | None,
        decode: Callable[[Tensor], Tensor],
        batch_size: int,
        drop_last: bool,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        limit: int | float | None = None,
        fixed: bool = False,
        balance: bool = False,
    ) -> None:
        full, rest = divmod(len(x), batch_size)
        if not full:
            raise ConfigError(f"a batch of {batch_size:,} is larger than the data ({len(x):,} samples)", "data.batch_size")
        if batch_size % world_size:
            raise ConfigError(f"{world_size} devices cannot share a batch of {batch_size:,} equally", "data.batch_size")
        rest = 0 if drop_last else rest
        batches = full + (rest > 0)
        taken = batches if limit is None else min(batches, limit if isinstance(limit, int) else int(limit * batches))
        if not taken:
            key = "trainer.overfit_batches" if fixed else "trainer.limit_train_batches"
            raise ConfigError(f"this share of {batches:,} batches is less than one", key, hint="give a number of batches")
        if taken < batches:
            full, rest = taken, 0
        if rest % world_size:
            raise ConfigError(
                f"{world_size} devices cannot share an epoch's last batch of {rest:,} equally",
                "data.batch_size",
                "data.drop_last",
                hint="use data.drop_last=true",
            )
        self.x = x
        self.y = torch.zeros(len(x), dtype=torch.int64, device=x.device) if y is None else y
        self.decode = decode
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.batches_per_epoch = taken
        self._fixed = fixed
        self._classes = _by_class(y) if balance else None
        self._global = full * batch_size, rest
        self._sizes = batch_size // world_size, rest // world_size
        self._shuffled: tuple[int, Tensor] | None = None

    @property
    def bytes_per_batch(self) -> int:
        """Bytes of this device's share of one batch, decoded to float32."""
        return self._sizes[0] * self.x[0].numel() * torch.float32.itemsize

    @property
    def smallest(self) -> int:
        """Samples in this device's share of the smallest batch."""
        return min(size for size in self._sizes if size)

    def take(self, start: int, count: int) -> list[Batch]:
        """Return batches `start` to `start + count - 1` of the stream, across epochs where need be.

        All of them cost one gather and one decode; each is a view of the result.

        Returns:
            Pairs of decoded samples with shape (b, *) and int64 labels with shape (b,); b is its share of a batch.
        """
        pieces: list[Tensor] = []
        sizes: list[int] = []
        size, last_size = self._sizes
        while count > 0:
            epoch, first = divmod(start, self.batches_per_epoch)
            number = min(count, self.batches_per_epoch - first)
            pieces.append(self._order(epoch)[first * size : (first + number) * size])
            sizes += [size] * number
            if last_size and first + number == self.batches_per_epoch:
                sizes[-1] = last_size
            start, count = start + number, count - number
        index = pieces[0] if len(pieces) == 1 else torch.cat(pieces)
        x = self.decode(self.x.index_select(0, index))
        y = self.y.index_select(0, index)
        return list(zip(x.split(sizes), y.split(sizes), strict=True))

    def _order(self, epoch: int) -> Tensor:
        """Return the indices that this device takes in an epoch, batch after batch, on the data's device."""
        epoch = 0 if self._fixed else epoch
        if self._shuffled is None or self._shuffled[0] != epoch:
            # Always drawn on the CPU, so that every kind of device sees the same order.
            generator = torch.Generator().manual_seed(mix(self.seed, epoch))
            order = torch.randperm(len(self.x), generator=generator)
            if self._classes is not None:
                order = _balanced(self._classes, order, generator)
            size, last_size = self._sizes
            whole, rest = self._global
            shares = order[:whole].view(-1, self.world_size, size)[:, self.rank].reshape(-1)
            last = order[whole : whole + rest][self.rank * last_size : (self.rank + 1) * last_size]
            self._shuffled = epoch, torch.cat([shares, last]).to(self.x.device)
        return self._shuffled[1]


def _by_class(y: Tensor | None) -> list[Tensor]:
    """Return the indices of the samples of each class that has any.

    Raises:
        ConfigError: There are no classes.
    """
    if y is None or y.is_floating_point():
        reason = "the data has no labels" if y is None else "the data has attributes, and no classes"
        raise ConfigError(f"only classes can be balanced, and {reason}", "data.balance", hint="use data.balance=false")
    y = y.cpu()
    return [(y == label).nonzero().squeeze(1) for label in y.unique()]


def _balanced(classes: Sequence[Tensor], places: Tensor, generator: torch.Generator) -> Tensor:
    """Return indices of samples, as many of each class, in an order.

    Arguments:
        classes: The indices of the samples of each class.
        places: A permutation of as many places as there are indices to return.
        generator: Draws which samples of a class come once more than others.
    """
    chosen = []
    for number, own in enumerate(classes):
        wanted = len(places) // len(classes) + (number < len(places) % len(classes))
        rounds = [own[torch.randperm(len(own), generator=generator)] for _ in range(-(-wanted // len(own)))]
        chosen.append(torch.cat([*rounds, own[:0]])[:wanted])
    return torch.cat(chosen)[places]


def mix(*parts: int | str) -> int:
    """Return a seed that is a function of all parts: neighbouring seeds and epochs share nothing, as they would by a sum."""
    return int.from_bytes(hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest(), "little")


class Group:
    """Some iterations in a row, whose batches are made a few at a time, when they are asked for.

    Arguments:
        batches: The stream.
        d_steps: Batches of an iteration.
        start: The first iteration.
        stop: The one after the last.
        part: Iterations whose batches are made together.
    """

    def __init__(self, batches: Batches, d_steps: int, start: int, stop: int, part: int) -> None:
        self._batches, self._d_steps, self._start, self._stop, self._part = batches, d_steps, start, stop, part

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[list[Batch]]:
        """Yield the list of the `d_steps` batches of each iteration."""
        for first in range(self._start, self._stop, self._part):
            yield from self._made(first, min(self._part, self._stop - first))

    def _made(self, first: int, count: int) -> Iterator[list[Batch]]:
        taken = self._batches.take(first * self._d_steps, count * self._d_steps)
        return (taken[i : i + self._d_steps] for i in range(0, len(taken), self._d_steps))


class Groups:
    """The rest of the present epoch, several iterations at a time.

    An iteration consumes `d_steps` consecutive batches, so it may straddle two epochs; it belongs to the epoch of its
    first batch. Iterable without a length.

    Arguments:
        batches: The stream.
        d_steps: Updates of the discriminator, and so batches, per iteration.
        total: Iterations of the whole training.
        position: Returns the iteration to go on from, asked each time this is iterated.
        cadences: A group ends at every multiple of each of these numbers, so that what happens there sees exact counts.
        size: Largest number of iterations in a group; by default as many as are soon over.

    Attributes:
        part: Iterations whose batches are made together: as many as stay small in memory.
    """

    def __init__(
        self,
        batches: Batches,
        d_steps: int,
        total: int,
        position: Callable[[], int],
        cadences: Sequence[int] = (),
        size: int | None = None,
    ) -> None:
        self.batches = batches
        self.d_steps = d_steps
        self.total = total
        self.position = position
        self.cadences = tuple(cadences)
        bytes_per_iteration = d_steps * batches.bytes_per_batch
        self.size = size or max(1, min(GROUP_ITERATIONS, GROUP_BYTES // bytes_per_iteration))
        self.part = max(1, min(self.size, PART_ITERATIONS, PART_BYTES // bytes_per_iteration))

    def iterations(self, epochs: int) -> int:
        """Count the iterations of the first `epochs` epochs: ceil(epochs * batches per epoch / d_steps)."""
        return -(-epochs * self.batches.batches_per_epoch // self.d_steps)

    def epoch_of(self, iteration: int) -> int:
        """Return the epoch to which an iteration belongs, counted from zero."""
        return iteration * self.d_steps // self.batches.batches_per_epoch

    def __iter__(self) -> Iterator[Group]:
        """Yield groups: for each iteration the list of its `d_steps` batches."""
        start = self.position()
        end = min(self.total, self.iterations(self.epoch_of(start) + 1))
        while start < end:
            stops = ((start // cadence + 1) * cadence for cadence in self.cadences)
            stop = min(end, start + self.size, *stops)
            yield Group(self.batches, self.d_steps, start, stop, self.part)
            start = stop
