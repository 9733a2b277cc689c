"""What a data set found in its files, in one line for the terminal and in plain types for the summary of a run."""

from collections.abc import Sequence
from dataclasses import dataclass, field

# More classes, or more that is left out, than a line can hold.
NAMED = 8


@dataclass(frozen=True)
class Found:
    """The images of a folder.

    Attributes:
        images: How many are used.
        train: How many of them are for training.
        held_out: How many of them are held out for testing.
        classes: How many each class has; empty without classes.
        attributes: What is known of each in place of a class.
        unlabelled: Why there are no classes, although there are sub-folders; else None.
        smallest: Width and height of the image with the fewest pixels, as it is shown; None where it is not known.
        largest: Likewise of that with the most.
        size: Width and height to which they are resized.
        deep: How many have more than 8 bits a channel, by the bits that their files state.
        brightest: The largest value in those, by the same bits.
        limits: What was taken for black and white in place of what the files state, for grey images; None: nothing.
        left_out: What is not used, with the number or the reason.
    """

    images: int
    train: int
    held_out: int
    classes: dict[str, int] = field(default_factory=dict)
    attributes: Sequence[str] = ()
    unlabelled: str | None = None
    smallest: Sequence[int] | None = None
    largest: Sequence[int] | None = None
    size: Sequence[int] = ()
    deep: dict[str, int] = field(default_factory=dict)
    brightest: dict[str, float] = field(default_factory=dict)
    limits: Sequence[float] | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"{self.images:,} image{'s' * (self.images > 1)}{self._in_classes()}{self._sizes()}"]
        split = f"{self.train:,} for training, {self.held_out:,} held out"
        parts.append(split if self.held_out else "none held out for testing")
        parts += [self._depth(bits, count) for bits, count in self.deep.items()]
        if self.unlabelled:
            parts.append(f"no classes: {self.unlabelled}")
        if self.left_out:
            parts.append(f"left out: {_listed([f'{what} ({why})' for what, why in self.left_out.items()])}")
        return "; ".join(parts)

    def _in_classes(self) -> str:
        if self.attributes:
            number = f"{len(self.attributes)} attribute{'s' * (len(self.attributes) > 1)}"
            return f" with {number} ({_listed(list(self.attributes))})"
        if not self.classes:
            return ""
        return f" in {len(self.classes)} classes ({_listed([f'{name} {count:,}' for name, count in self.classes.items()])})"

    def _sizes(self) -> str:
        if self.smallest is None or self.largest is None:
            return ""
        small, large, target = ("x".join(map(str, size)) for size in (self.smallest, self.largest, self.size))
        return f" of {small}{f' to {large}' * (small != large)} pixels, as {target}"

    def _depth(self, bits: str, count: int) -> str:
        text = f"{count:,} of {bits} bits a channel"
        if self.limits is not None:
            return f"{text}, read from {self.limits[0]:,.12g} to {self.limits[1]:,.12g}"
        needed = int(self.brightest[bits]).bit_length()
        white = f"data.limits=[0,{2**needed - 1}]"
        dark = f": they are dark, as their largest value is {self.brightest[bits]:,}; {white} makes that white"
        return text + (dark if needed < int(bits) else "")


def _listed(entries: list[str]) -> str:
    more = len(entries) - NAMED
    return ", ".join([*entries[:NAMED], *([f"{more:,} more"] if more > 0 else [])])
