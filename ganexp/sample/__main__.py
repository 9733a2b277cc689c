"""Samples from a trained run: ``python -m ganexp.sample run=outputs/<name>/<time>-<id>``.

Imports nothing heavy before the options are known to be good in themselves.
"""

import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ganexp.config.compose import file_name
from ganexp.config.errors import ConfigError
from ganexp.config.options import command, typed
from ganexp.config.types import NonNegativeInt, PositiveInt, Seed

if TYPE_CHECKING:
    from ganexp.training.restore import Restored

# What an output is called, and how its name ends.
_KINDS = {"grid": ("grid", ".png"), "png": ("images", ""), "npz": ("samples", ".npz")}
_EXPORTS = {"torch_export": ("generator", ".pt2"), "onnx": ("generator", ".onnx")}

# Options that do not concern an exported generator, and those that do not tell one output of a run from another.
_SAMPLING = ["n", "classes", "seed", "format", "interpolate", "steps", "truncation", "neighbours", "batch_size", "accelerator"]
_NAMELESS = ["run", "format", "export", "output", "overwrite", "batch_size", "accelerator", "data"]


@dataclass(frozen=True)
class Options:
    """Draw samples from a trained run, or export its generator.

    Arguments:
        run: The run directory, for its newest good checkpoint; or a checkpoint file in it.
        n: How many samples; of an interpolation, how many rows.
        classes: Of which classes, as many of each: all, a number, a name, or a list such as [1,7]; only for a generator that
            takes labels, null there means all.
        seed: Seed of the latents. They are drawn on the CPU, so that it means the same on every machine.
        ema: Whether to use the averaged generator if the run has one; false: the generator as it trains.
        format: grid: one picture, of images with a row per class; png: a folder with a file for each image; npz: an archive of
            arrays: samples, float32 with shape (N, *shape) in the data's range, labels, z.
        interpolate: none, linear or spherical (for normal latents): each row goes from one latent to another, with one label.
        steps: Samples in each row of an interpolation, its ends included.
        truncation: Largest distance from 0 of the entries of normal latents, at least 0.01; those beyond are drawn again.
        neighbours: How many of the nearest training samples to show beside each sample, with their distances (Euclidean); of
            npz, their indices in the training split and the distances. Needs the data's files.
        export: torch_export or onnx: write the generator alone, in place of samples, as a file that needs no ganexp.
        output: The file or folder to write; null: in the folder generated of the run, named after the iteration and the
            options.
        overwrite: Whether an output that exists already is replaced.
        batch_size: Samples that are generated at a time.
        accelerator: auto, cpu or gpu; auto takes a GPU if there is one.
        data: Options of the data that differ from the run's, one by one: data.root=/path says where its files are here.
    """

    run: str
    n: PositiveInt = 64
    classes: int | str | list[int | str] | None = None
    seed: Seed = 0
    ema: bool = True
    format: Literal["grid", "png", "npz"] = "grid"
    interpolate: Literal["none", "linear", "spherical"] = "none"
    steps: Annotated[int, Field(ge=2)] = 10
    truncation: Annotated[float, Field(ge=0.01, allow_inf_nan=False)] | None = None
    neighbours: NonNegativeInt = 0
    export: Literal["none", "torch_export", "onnx"] = "none"
    output: str | None = None
    overwrite: bool = False
    batch_size: PositiveInt = 256
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> dict[str, Any]:
        """The options that are not at their defaults."""
        values = ((option, getattr(self, option.name)) for option in fields(self))
        return {option.name: value for option, value in values if value != option.default}

    @property
    def kind(self) -> tuple[str, str]:
        """What the output is called, and how its name ends; nothing for a folder."""
        return _KINDS[self.format] if self.export == "none" else _EXPORTS[self.export]


def main() -> None:
    """Run the command line and exit."""
    sys.exit(command("python -m ganexp.sample", Options, write))


def write(options: Options) -> Path:
    """Write what the options ask for, print where it is and what it holds, and return where it is.

    Raises:
        ConfigError: They do not fit together or the run, or the output cannot be written.
    """
    from ganexp.sample import writers

    _check(options)
    if options.output is not None:
        writers.check_output(Path(options.output).expanduser(), options.kind[1], options.overwrite)
    if options.export != "none":
        from ganexp.sample.export import check_installed, export, usage

        check_installed(options.export)

    from ganexp.training.restore import restore  # imports Lightning: 5 s

    restored = restore(options.run, options.data)
    if not options.ema:
        restored.model.average = None
    output = _output(options, restored)
    writers.check_output(output, options.kind[1], options.overwrite)
    if options.export == "none":
        from ganexp.sample.sampling import Sampling

        sampling = Sampling(restored, options)
        with writers.output(output) as path:
            sampling.save(path)
        told = sampling.summary()
    else:
        with writers.output(output) as path:
            export(restored, path, options.export)
        told = usage(restored, output, options.export)
    print(f"{output}\n{told}", flush=True)
    return output


def _check(options: Options) -> None:
    """Refuse options that do not fit together, whatever the run."""
    changed = options.changed
    if options.export != "none" and (unused := [name for name in _SAMPLING if name in changed]):
        raise ConfigError("a generator is exported without samples", *unused, "export", hint="leave one of the two out")
    if options.interpolate == "none" and "steps" in changed:
        hint = "add interpolate=linear or interpolate=spherical"
        raise ConfigError("only an interpolation has steps", "steps", hint=hint)
    if options.neighbours and options.interpolate != "none":
        raise ConfigError("a row shows either neighbours or an interpolation", "neighbours", "interpolate")
    if options.neighbours and options.format == "png":
        hint = "use format=grid or format=npz"
        raise ConfigError("neighbours are not shown in images of their own", "neighbours", "format", hint=hint)


def _output(options: Options, restored: "Restored") -> Path:
    """Return where to write: as asked, or in the run, under a name that says what it holds."""
    if options.output is not None:
        return Path(options.output).expanduser()
    what, suffix = options.kind
    settings = [f"{name}={typed(value)}" for name, value in options.changed.items() if name not in _NAMELESS]
    name = file_name(",".join([f"{what}-{restored.iteration:08d}", *settings]))
    return restored.run.path / "generated" / f"{name}{suffix}"


if __name__ == "__main__":
    main()
