"""What command lines are made odd with; :mod:`fuzz` composes them."""

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
