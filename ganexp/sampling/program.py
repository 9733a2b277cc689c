"""Samples from a trained run: ``python -m ganexp.sample run=outputs/<name>/<time>-<id>``.

Imports nothing heavy before the options are known to be good in themselves.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ganexp.config.classes import trusted
from ganexp.config.compose import file_name, flatten
from ganexp.config.errors import ConfigError
from ganexp.config.options import command, typed
from ganexp.config.paths import user_path
from ganexp.sampling.options import Options

if TYPE_CHECKING:
    from ganexp.training.restore import Restored

# Options that do not concern an exported generator, and those that do not tell one output of a run from another.
_SAMPLING = [
    "n", "classes", "seed", "format", "interpolate", "steps", "mix", "conditions", "sweep_latent", "reach", "project",
    "iterations", "truncation", "neighbours", "batch_size", "accelerator",
]  # fmt: skip
# Options that concern some of those that make rows, and those that such a one has no use for.
_PARTS = {"steps": ("interpolate", "mix", "sweep_latent"), "reach": ("sweep_latent",), "iterations": ("project",)}
_NO_USE = {
    "mix": (("classes", "conditions"), "mix names the classes"),
    "sweep_latent": (("n",), "a row for each direction is made of one latent"),
    "project": (("n", "truncation", "conditions"), "there is a sample for each image"),
}
_NAMELESS = ["run", "format", "export", "output", "overwrite", "batch_size", "accelerator", "data", "trust", "config_dir"]


def main() -> None:
    """Run the command line and exit."""
    sys.exit(command("python -m ganexp.sample", Options, lambda options: write(options, _report)))


def write(options: Options, report: Callable[[str], None] | None = None) -> Path:
    """Write what the options ask for, and return where it is.

    Arguments:
        options: The options.
        report: Is told where it is and what it holds.

    Raises:
        ConfigError: They do not fit together or the run, or the output cannot be written.
    """
    from ganexp.sampling import writers

    _check(options)
    if options.output is not None:
        writers.check_output(user_path(options.output), options.kind[1], options.overwrite)
    if options.export != "none":
        from ganexp.sampling.export import check_installed, export, usage

        check_installed(options.export)

    from ganexp.training.restore import restore  # imports Lightning: 5 s

    restored = restore(options.run, options.data, trust=trusted(options.trust, options.config_dir))
    if not options.ema:
        restored.model.average = None
    output = _output(options, restored)
    writers.check_output(output, options.kind[1], options.overwrite)
    if options.export == "none":
        from ganexp.sampling.drawing import Sampling

        sampling = Sampling(restored, options)
        with writers.output(output) as path:
            sampling.save(path)
        summary = sampling.summary()
    else:
        with writers.output(output) as path:
            export(restored, path, options.export)
        summary = usage(restored, output, options.export)
    if report is not None:
        report(f"{output}\n{summary}")
    return output


def _report(text: str) -> None:
    print(text, flush=True)


def _check(options: Options) -> None:
    """Refuse options that do not fit together, whatever the run."""
    changed = options.changed
    if options.export != "none" and (unused := [name for name in _SAMPLING if name in changed]):
        raise ConfigError("an export contains no samples", *unused, "export", hint="leave one of the two out")
    rows = [name for name in ("interpolate", "mix", "sweep_latent", "neighbours", "project") if name in changed]
    if len(rows) > 1:
        raise ConfigError("a row shows one of these", *rows)
    for name, of in _PARTS.items():
        if name in changed and not set(of) & set(rows):
            raise ConfigError(f"this is about {' and '.join(of)}", name, hint=f"add {of[0]}=...")
    for name, (others, why) in _NO_USE.items():
        if name in changed and (unused := [other for other in others if other in changed]):
            raise ConfigError(why, *unused, name, hint="leave one of the two out")
    if options.format == "png" and (beside := [name for name in ("neighbours", "project") if name in changed]):
        hint = "use format=grid or format=npz"
        raise ConfigError("single images cannot show what stands beside others", *beside, "format", hint=hint)


def _output(options: Options, restored: "Restored") -> Path:
    """Return where to write: as asked, or in the run, under a name that says what it holds."""
    if options.output is not None:
        return user_path(options.output)
    what, suffix = options.kind
    named = flatten({name: value for name, value in options.changed.items() if name not in _NAMELESS})
    settings = [f"{name}={typed(value)}" for name, value in named.items()]
    name = file_name(",".join([f"{what}-{restored.iteration:08d}", *settings]))
    return restored.run.path / "generated" / f"{name}{suffix}"
