"""Commands of the documentation, tried in the test's process with tiny sizes, or read where they need what is not here."""

import os
import pkgutil
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

import ganexp.api
from ganexp.__main__ import main
from ganexp.comparison.program import Options as Compare
from ganexp.config.compose import directory
from ganexp.config.flags import read_flags
from ganexp.config.listing import files
from ganexp.config.options import read
from ganexp.data import LSUN, HuggingFace, Published
from ganexp.evaluation.options import Options as Evaluate
from ganexp.runs.run import Run
from ganexp.sampling.options import Options as Sample
from ganexp.training.job import job
from support.documented import ROOT

FEW = (
    *("budget=null", "trainer.max_epochs=null", "trainer.max_iterations=2"),
    *("callbacks.samples.times=1", "callbacks.evaluation.times=1", "callbacks.evaluation.samples=50"),
)
PROGRAMS = {"sample": Sample, "evaluate": Evaluate, "compare": Compare}
SCRIPTS = ("scripts/slurm_up.sh", "scripts/slurm_down.sh")
ELSEWHERE = {"cd", "export", "eval", "git", "pytest", "tensorboard", "wandb", ".ci/run", *SCRIPTS}
"""What is no program of ganexp, and has a meaning without it."""
_DONE: set[tuple[str, ...]] = set()
"""Commands that need no file and were tried before, on another page."""
_PLACE = re.compile(r"[\w./*-]*<\w+>(?:[\w./*-]*<\w+>)*|outputs/[\w./-]*")


class Shell:
    """An empty folder in which the documentation's steps are tried.

    Arguments:
        folder: The working folder.
        patch: Undone at the end of the test.
        capsys: Catches what programs print.
        run: What ``<run>`` is where the section has made none.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run: Path) -> None:
        self.folder, self.patch, self.capsys, self.given = folder, patch, capsys, run
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.trains = self.trained = False
        patch.setattr("ganexp.__main__.job", self._job)
        _shrink(patch)

    def write(self, files: dict[str, str]) -> None:
        (self.folder / "my_conf").mkdir()
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def __call__(self, step: list[str] | str, only_read: bool = False) -> None:
        """Try a command or a script; ``only_read`` says that a command need not run."""
        if isinstance(step, str):
            exec(compile(step, "a block of the documentation", "exec"), self.names)
            return
        program, *arguments = [_PLACE.sub(self._place, word) for word in step]
        if program == "python" and arguments[0] == "-m":
            module, *arguments = arguments[1:]
            program, _, verb = module.partition(".")
            arguments = [verb, *arguments] if verb else arguments
        if program == "ganexp":
            self._ganexp(arguments, only_read)
        elif program == "python":
            self._script(*arguments)
        elif program == "pip":
            extras = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
            named = re.findall(r"ganexp\[([\w,]+)\]", " ".join(arguments))
            assert all(re.search(rf"^{extra} = ", extras, re.MULTILINE) for names in named for extra in names.split(",")), step
        elif program == "make":
            assert f"\n{arguments[0]}:" in (ROOT / "Makefile").read_text(), step
        else:
            assert program in ELSEWHERE, step

    def main(self, *arguments: str) -> str:
        """Return what a command line of ganexp prints; it ends well."""
        self.patch.setattr(sys, "argv", ["ganexp", *arguments])
        status: Any = 0
        try:
            main()
        except SystemExit as end:
            status = end.code
        printed = self.capsys.readouterr()
        assert not status, f"{' '.join(arguments)}\n{printed.out}{printed.err}"
        return printed.out

    def _ganexp(self, arguments: list[str], only_read: bool) -> None:
        verb, *rest = arguments
        if verb in PROGRAMS and "--help" not in rest:
            options = read([*rest, *(["run=any"] if only_read and verb != "compare" else [])], PROGRAMS[verb])
            if not (only_read or "export=" in str(rest) or "inception" in str(rest)):
                self.main(verb, *rest, *_smaller(verb, options))
        elif any(argument.startswith("hydra/launcher=") for argument in arguments):
            pass  # a plug-in
        elif verb == "sweep" or "-m" in arguments:
            self.main(*_last([argument for argument in arguments if argument not in ("sweep", "-m")]))
        elif verb == "list" or {"--help", "--version", "--cfg", "-sc"} & set(arguments):
            self.main(*arguments)
        else:
            continues = verb in ("resume", "repeat") or any(word.startswith(("resume=", "repeat=")) for word in arguments)
            self.trains, self.trained = not (only_read or continues or tuple(arguments) in _DONE), False
            printed = self.main(*arguments, *FEW)
            assert "finished at iteration 2 of 2" in printed or not self.trained
            if self.trained and not list(self.folder.glob("*.*")):
                _DONE.add(tuple(arguments))
            self.trains = False

    def _job(self, cfg: DictConfig, resumed: Run | None = None) -> None:
        """Train what a command composes, if it is to be trained."""
        if self.trains and is_here(cfg):
            self.trained = True
            job(cfg, resumed)

    def _script(self, name: str, *arguments: str) -> None:
        path = self.folder / name if (self.folder / name).exists() else ROOT / name
        text = path.read_text()
        if path.is_relative_to(ROOT):
            assert all(f'"{word.partition("=")[0]}"' in text for word in arguments if word.startswith("--")), name
        else:
            runpy.run_path(str(path), run_name="__main__")

    def _place(self, found: re.Match[str]) -> str:
        """Return what stands for ``outputs/<name>/<run>`` and the like."""
        if (self.folder / found[0]).exists():
            return found[0]
        own = sorted(path.parent for path in self.folder.glob("outputs/*/*/summary.json"))
        run = own[-1] if own else self.given
        return str(run.parent if "sweeps" in found[0] else run)


def is_here(cfg: DictConfig) -> bool:
    """Return whether a run of a configuration needs neither a network, nor a device, nor an extra, nor files of its user."""
    path = "" if OmegaConf.is_missing(cfg.data, "path") else str(cfg.data.get("path") or "")
    loggers = [str(logger.get("_target_", "")).lower() for logger in cfg.logger.values()]
    return (
        not issubclass(pkgutil.resolve_name(cfg.data["_target_"]), (Published, LSUN, HuggingFace))
        and (not re.search(r"[./~]", path) or Path(path).exists())
        and cfg.trainer.accelerator in ("auto", "cpu")
        and cfg.trainer.devices in ("auto", 1)
        and not any(name in logger for logger in loggers for name in ("wandb", "mlflow"))
    )


def _last(arguments: list[str]) -> list[str]:
    """Return the command line of the last run of a sweep, all of whose choices are there; what a search draws is left out."""
    flags, _ = read_flags(arguments)
    found = list(arguments)
    for override in OverridesParser.create().parse_overrides(flags.overrides):
        if override.is_sweep_override():
            values = [] if override.is_interval_sweep() else list(override.sweep_string_iterator())
            if override.key_or_group in os.listdir(directory()):
                assert set(values) <= set(files(override.key_or_group)), override.input_line
            place = found.index(override.input_line)
            found[place : place + 1] = [f"{override.get_key_element()}={value}" for value in values[-1:]]
    return found


def _smaller(verb: str, options: Any) -> list[str]:
    if verb == "evaluate":
        return ["samples=50", *(["metrics=run"] if options.metrics == "full" else [])]
    if verb == "sample":
        few = ["iterations=2"] if options.project else [] if options.sweep_latent else [f"n={min(options.n, 20)}"]
        return ["overwrite=true", *few]
    return []


def _shrink(patch: pytest.MonkeyPatch) -> None:
    """Let Python train and measure as little as the command line does here."""
    execute, make = ganexp.api.execute, ganexp.api.make

    def few(given: list[str], *rest: Any) -> None:
        execute([*given, *(() if any(map("resume=".__eq__, given)) else FEW)], *rest)

    def less(options: Any, values: dict[str, Any]) -> Any:
        return make(options, values | {"samples": 50} if options is Evaluate else values)

    patch.setattr(ganexp.api, "execute", few)
    patch.setattr(ganexp.api, "make", less)
