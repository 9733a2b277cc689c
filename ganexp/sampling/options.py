"""The options of ``python -m ganexp.sample``."""

from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from pydantic import Field

from ganexp.config.types import NonNegativeInt, PositiveFloat, PositiveInt, Seed

# What an output is called, and how its name ends.
_KINDS = {"grid": ("grid", ".png"), "png": ("images", ""), "npz": ("samples", ".npz")}
_EXPORTS = {"torch_export": ("generator", ".pt2"), "onnx": ("generator", ".onnx")}


@dataclass(frozen=True)
class Options:
    """Draw samples from a trained run, or export its generator.

    Arguments:
        run: The run directory, for its newest good checkpoint; or a checkpoint file in it.
        n: How many samples; of an interpolation, how many rows.
        classes: Of which classes, as many of each: all, a name, a number counted from 0 where no class is named by a number, or
            a list such as [1,7]; only for a generator that takes labels, null there means all.
        seed: Seed of the latents, drawn on the CPU, so that a seed gives the same samples on every machine.
        ema: Whether to use the averaged generator if the run has one; false: the trained weights themselves.
        format: grid: one picture, of images with a row per class; png: a folder with a file for each image; npz: an archive of
            arrays: samples, float32 with shape (N, *shape) in the data's range, labels, z.
        interpolate: none, linear or spherical (for normal latents): each row goes from one latent to another, with one label.
        steps: Samples in each row of interpolate, mix and sweep_latent, its ends included.
        mix: Two classes, such as [3,7]: each row keeps its latent and goes from one class to the other.
        conditions: Values of attributes, for a generator that takes them: conditions.Smiling=1; what is left out is as in
            training samples. A list of values of one of them, such as conditions.age=[20,40,60], makes a row for each latent.
        sweep_latent: How many directions to move one latent along, a row for each: those with the largest effect on the samples
            (GANSpace); beside it stands the share of the variance that goes with it.
        reach: How far to move, both ways, in standard deviations of normal latents.
        project: A folder of images: the nearest sample to each is looked for, by optimisation of its latent, and stands beside
            it with the distance, the root mean square of the difference.
        iterations: Steps of that optimisation.
        truncation: Largest distance from 0 of the entries of normal latents, at least 0.01; those beyond are drawn again.
        neighbours: How many of the nearest training samples to show beside each sample, with their distances (Euclidean); of
            npz, their indices in the training split and the distances. Needs the data's files.
        export: torch_export or onnx: write the generator alone, in place of samples, as a file that needs no ganexp.
        output: The file or folder to write; null: in the folder generated of the run, named after the iteration and the
            options.
        overwrite: Whether to replace an output that exists.
        batch_size: Samples that are generated at a time.
        accelerator: auto, cpu or gpu; auto takes a GPU if there is one.
        data: Options of the data that differ from the run's, one by one: data.root=/path says where its files are here.
        trust: Whether the run may build classes that are not part of ganexp, as it could run any code: true, or modules such as
            [mine]. Say so only of runs that you or somebody you trust made.
        config_dir: Folder with YAML files of your own, also as --config-dir my_conf: the classes that they name are trusted.
    """

    run: str
    n: PositiveInt = 64
    classes: str | list[str] | None = None
    seed: Seed = 0
    ema: bool = True
    format: Literal["grid", "png", "npz"] = "grid"
    interpolate: Literal["none", "linear", "spherical"] = "none"
    steps: Annotated[int, Field(ge=2)] = 10
    mix: list[str] | None = None
    conditions: dict[str, Any] = field(default_factory=dict)
    sweep_latent: NonNegativeInt = 0
    reach: PositiveFloat = 2.0
    project: str | None = None
    iterations: PositiveInt = 300
    truncation: Annotated[float, Field(ge=0.01, allow_inf_nan=False)] | None = None
    neighbours: NonNegativeInt = 0
    export: Literal["none", "torch_export", "onnx"] = "none"
    output: str | None = None
    overwrite: bool = False
    batch_size: PositiveInt = 256
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    data: dict[str, Any] = field(default_factory=dict)
    trust: bool | str | list[str] = False
    config_dir: str | None = None

    @property
    def changed(self) -> dict[str, Any]:
        """The options that are not at their defaults."""
        values = ((option, getattr(self, option.name)) for option in fields(self))
        return {option.name: value for option, value in values if value not in (option.default, {})}

    @property
    def kind(self) -> tuple[str, str]:
        """What the output is called, and how its name ends; nothing for a folder."""
        return _KINDS[self.format] if self.export == "none" else _EXPORTS[self.export]
