"""Odd command lines: what they are made odd with, and how they are composed; :mod:`fuzz` gives them to the command."""

import inspect
import random
from dataclasses import dataclass
from typing import Any

from lightning.pytorch import Trainer

from ganexp.config.compose import compose, directory, flatten

ENOUGH = 2  # iterations of a run that is accepted

SMALL = ["trainer.accelerator=cpu", "trainer.max_epochs=null", f"trainer.max_iterations={ENOUGH}"]
POINTS = ["data.size=64", "data.batch_size=16", "network.generator.widths=[8]", "network.discriminator.widths=[8]"]
BASES = [
    ["data=ring", *POINTS],
    ["data=grid", "data.per_side=2", *POINTS],
    ["data=ring", "model=cgan", "metrics=none", "data.size=64", "data.batch_size=16"],
    ["data=digits", "data.batch_size=16", "metrics=none"],
    ["data=digits", "model=dcgan", "data.batch_size=16", "metrics=none"],
]

VALUES = [
    "", "null", "???", "true", "off", "-1", "0", "1", "2", "7", "64", "0.5", "-0.0", "1e3", "1e400", "1e-400", "nan", "inf",
    "99999999999999999999", "0x10", "1_000", "abc", "''", '"1"', "[]", "[1,2]", "[0]", "[a]", "[[1]]", "{}", "{a:1}",
    "[null]", "${seed}", "${nope}", "${", "${oc.env:HOME}", "${oc.env:NOPE_NOPE}", "${name}", "$x", "a,b", "1,2", "range(3)",
    "choice(a,b)", "interval(0,1)", "glob(*)", "sort(1,2)", "2026-11-28", "1:30", "é", "😀", "١", "\udcff", "a b", "a:b",
    "a;b", "'a b'", "a\\b", "'a\nb'", "\t", ".", "..", "../x", "/", "~", "~/x", "/dev/null", "/proc/self/mem", "x" * 5000,
    "'", '"', "(", "]", "@", "=", "#",
]  # fmt: skip
"""What any option is set to."""

TARGETS = [
    "", "1", "null", "builtins.int", "builtins.dict", "ganexp.data.Ring", "ganexp.models.GAN", "ganexp.models.losses",
    "ganexp.models.losses.Loss", "ganexp.models.losses.Hinge", "ganexp.metrics.Metric", "torch.optim.Adam",
    "torch.optim.NAdam", "torch.optim.LBFGS", "torch.optim.SparseAdam", "torch.nn.Linear", "torch.nn.ReLU", "nowhere.Hinge",
    "os.getcwd", "a..b", ".", "lightning.pytorch.callbacks.LearningRateMonitor", "lightning.pytorch.callbacks.EarlyStopping",
    "functools.partial", "lightning.pytorch.callbacks.ModelCheckpoint", "lightning.pytorch.callbacks.Timer",
    "lightning.pytorch.loggers.CSVLogger", "ganexp.training.callbacks.Samples", "ganexp.networks.MLP",
    "collections.OrderedDict", "math.pi", "sys.exit",
]  # fmt: skip
"""What is named where a class is."""

FLAGS = [
    ["--help"], ["-h"], ["--hydra-help"], ["--version"], ["--cfg", "job"], ["--cfg", "x"], ["--cfg"], ["--resolve"], ["-c"],
    ["--cfg", "job", "--resolve"], ["--cfg", "job", "--package", "loss"], ["--cfg", "all"], ["--seed", "1"],
    ["--data", "ring"], ["--foo"], ["-x"], ["--"], ["-"], ["-m"], ["--multirun"], ["--run"], ["-m", "-m"], ["--info"],
    ["--info", "defaults"], ["--info", "x"], ["--config-dir", "nowhere"], ["--config-dir"], ["--config-name", "x"],
    ["--config-path", "nowhere"], ["--config-path", "/"], ["--package"], ["--shell-completion"],
    ["--experimental-rerun", "x"], ["--config-name", "loss/hinge"], ["-cn", "config"], ["--conf", "job"], ["--multi"],
    ["-1"], ["--cfg=job"], ["-mm"],
]  # fmt: skip
"""Flags, those that there are and others."""

SYNTAX = [
    "", " ", "=", "==", "=x", "x", "+", "~", "@", "++", "+=1", "~=1", "a.b", "a..b=1", ".a=1", "a.=1", "a=b=c", "loss hinge",
    "loss:hinge", "seed==1", "seed= 1", " seed=1", "seed =1", "loss/x=hinge", "loss@x=hinge", "loss@=hinge", "@x=hinge",
    "+loss@regularizers.a=hinge", "+penalty@regularizers.a=lecam", "+penalty@regularizers.a.b=lecam", "loss.=hinge",
    "/loss=hinge", "seed=1 # x", "name={a:1", "name='a", "name=$(date)", "name=`date`", "name=a\\,b", "+a=1", "+a.b.c=1",
    "++seed=1", "+seed=1", "~loss=hinge", "~loss=minimax", "~seed=0", "~seed=1", "~callbacks", "~callbacks.samples", "~nope",
    "~nope.nope", "~loss._target_", "+resume=", "resume=", "resume=nowhere", "resume=/", "resume=[a]", "+resume=x",
    "~resume", "resume", "resume=a resume=b", "hydra/launcher=joblib", "hydra/sweeper=optuna", "hydra/sweeper=basic",
    "hydra/launcher=nope", "hydra.run.dir=x", "hydra=x", "hydra.job.chdir=true", "hydra.output_subdir=x",
    "hydra/job_logging=default", "hydra.verbose=true", "hydra.mode=MULTIRUN", "hydra.nope=1", "~hydra",
    "hydra.searchpath=[x]", "hydra.searchpath=x", "hydra.job.name=", "hydra.sweep.dir=x", "hydra.run=1",
]  # fmt: skip
"""What is not quite an override, or one with a meaning of its own."""

FILES = [
    b"", b"# nothing\n", b"a: 1\n", b"- a\n- b\n", b"text\n", b"1\n", b"null\n", b"a:\n\tb: 1\n", b'a: "open\n', b"a: [1\n",
    b"a: 1\na: 2\n", b"\xef\xbb\xbf# @package _global_\nseed: 3\n", b"\xef\xbb\xbfseed: 3\n",
    b"# @package _global_\r\nseed: 3\r\n", b"name: caf\xe9\n", b"\xff\xfes\x00e\x00", b"a: ${foo\n", b"a: ${nope}\n",
    b"a: !!python/object/apply:os.getcwd []\n", b"a: &x [*x]\n", b"a: *x\n",
    b"# @package _global_\ndefaults:\n  - override /loss: hinge\n",
    b"# @package _global_\ndefaults:\n  - override /loss: nope\n", b"defaults:\n  - nope\n", b"defaults: 1\n",
    b"defaults: [1]\n", b"defaults:\n  - override /nope: x\n", b"# @package nope..x\nseed: 1\n",
    b"# @package _global_\ndefaults:\n  - _self_\nsed: 3\n", b"# @package _global_\nloss: hinge\n",
    b"_target_: ganexp.models.losses.Hinge\n", b"_target_: ganexp.data.Ring\n",
    b"# @package _global_\nseed: 1\n---\nseed: 2\n", b"{}\n", b"\x00\n", b"? [a]\n: 1\n", b"1: 2\n",
]  # fmt: skip
"""What a YAML file of the user's own holds."""


@dataclass(frozen=True)
class Line:
    """A command line, and what lies in the folder in which it is given."""

    arguments: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()
    resumes: bool = False


class Lines:
    """An endless source of odd command lines.

    Arguments:
        seed: Equal seeds give equal lines.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        folder = directory()
        self.groups = {
            str(path.relative_to(folder)): sorted(file.stem for file in path.glob("*.yaml"))
            for path in sorted(folder.rglob("*"))
            if path.is_dir()
        }
        self.trainer = [name for name in inspect.signature(Trainer).parameters if name not in ("strategy", "devices")]
        self.keys: dict[tuple[str, ...], list[str]] = {}
        self.oddities = [
            self.choice, self.choice, self.option, self.option, self.option, self.option, self.section, self.target,
            self.flag, self.syntax, self.trainer_option, self.file, self.added,
        ]  # fmt: skip

    def __next__(self) -> Line:
        pick = self.random
        base = pick.choice(BASES)
        arguments, files = [*base, *SMALL], list[tuple[str, bytes]]()
        resumes = pick.random() < 0.1
        if resumes:
            arguments = ["resume=run"]
        odd = [self.random.choice(self.oddities)(base, files) for _ in range(pick.choice((1, 1, 2, 3)))]
        arguments += [part for parts in odd for part in parts]
        if {"-m", "--multirun", "--multi", "-mm"} & set(arguments):
            arguments.append("sweep.dry_run=true")  # runs of a sweep are processes of their own
        return Line(tuple(arguments), tuple(files), resumes)

    def choice(self, base: list[str], files: Any) -> list[str]:
        """Choose in a group, well or badly."""
        group = self.random.choice(list(self.groups))
        options = self.groups[group] or [""]
        option = self.random.choice([*options, *options, misspelt(self.random.choice(options), self.random), self.value()])
        if group == "data" and option in ("mnist", "cifar10", "fashion_mnist", "stacked_mnist"):
            option = "digits"  # a download is no matter of the command line
        if group == "experiment" and option.startswith(("mnist", "cifar10")):
            option = "density_gan"
        if group == "accelerator" and option == "ddp":
            option = "cpu"  # it would start processes
        return [self.random.choice(["{}={}"] * 6 + ["+{}={}", "++{}={}", "~{}", "{}=[{}]", "{}@x={}"]).format(group, option)]

    def option(self, base: list[str], files: Any) -> list[str]:
        """Set an option that exists to any value, or one that hardly exists."""
        key = self.random.choice(self.all_keys(base))
        key = self.random.choice([key] * 8 + [misspelt(key, self.random), key.rpartition(".")[2], f"{key}.x", key.upper()])
        return [self.random.choice(["{}={}"] * 8 + ["+{}={}", "++{}={}", "~{}", "~{}={}"]).format(key, self.value())]

    def section(self, base: list[str], files: Any) -> list[str]:
        """Replace or remove a section."""
        keys = self.all_keys(base)
        sections = {key.rpartition(".")[0] for key in keys} | {key for key in keys if "." not in key}
        section = self.random.choice(sorted(sections - {""}))
        return [self.random.choice(["~{}", "{}=null", "{}={}", "++{}={}", "{}.x=1"]).format(section, self.value())]

    def target(self, base: list[str], files: Any) -> list[str]:
        """Name a class where one is named, or where none is, or change how it is made."""
        nodes = [key.rpartition(".")[0] for key in self.all_keys(base) if key.endswith("._target_")]
        node, target = self.random.choice(nodes), self.random.choice(TARGETS)
        forms = [*[f"{node}._target_={target}"] * 5, f"+callbacks.x._target_={target}", f"+regularizers.x._target_={target}"]
        odd = ("partial_=true", "partial_=x", "args_=[1]", "recursive_=false", "convert_=all")
        marks = [f"+{node}._{mark}" for mark in odd]
        return [self.random.choice([*forms, *marks, f"~{node}._target_", f"+metrics.x._target_={target}"])]

    def flag(self, base: list[str], files: Any) -> list[str]:
        """Give a flag."""
        return self.random.choice(FLAGS)

    def syntax(self, base: list[str], files: Any) -> list[str]:
        """Write something that is not quite an override."""
        return [self.random.choice(SYNTAX)]

    def trainer_option(self, base: list[str], files: Any) -> list[str]:
        """Set any option of Lightning's trainer."""
        return [f"{self.random.choice(['+', '++', ''])}trainer.{self.random.choice(self.trainer)}={self.value()}"]

    def added(self, base: list[str], files: Any) -> list[str]:
        """Add an option that nobody has asked for."""
        sections = ["model", "loss", "data", "callbacks", "logger", "schedule", "metrics.x", "regularizers", "sweep", "x"]
        section = self.random.choice(sections)
        return [f"+{section}.{self.random.choice(['x', '_x', '1', 'é', 'weight', 'self', 'x.y'])}={self.value()}"]

    def file(self, base: list[str], files: list[tuple[str, bytes]]) -> list[str]:
        """Choose YAML of the user's own."""
        group = self.random.choice(["experiment", "loss", "data", "callbacks", "optimizer", "penalty"])
        files.append((f"mine/{group}/own.yaml", self.random.choice(FILES)))
        return [f"{group}=own", *(["--config-dir", "mine"] if self.random.random() < 0.9 else [])]

    def value(self) -> str:
        """Return something to set an option to."""
        return self.random.choice(VALUES)

    def all_keys(self, base: list[str]) -> list[str]:
        """Return the keys of all options of a base."""
        if tuple(base) not in self.keys:
            content = compose(*base, *SMALL)
            self.keys[tuple(base)] = sorted(key for key in flatten(content) if not key.startswith("choices"))
        return self.keys[tuple(base)]


def misspelt(word: str, pick: random.Random) -> str:
    """Leave out a letter."""
    if not word:
        return "x"
    at = pick.randrange(len(word))
    return word[:at] + word[at + 1 :]
