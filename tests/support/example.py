"""Comparisons as the page gets them: the data alone, made up, with everything that may be in it."""

import base64
import io
import math
import random
from typing import Any

import numpy as np
from PIL import Image

LOSSES = {"r3gan": 4.1, "hinge": 5.2, "wgan": 6.3, "non_saturating": 6.9, "least_squares": 9.4, "minimax": 31.0}
METRICS = [
    {"name": "fid", "goal": "min"},
    {"name": "precision", "goal": "max"},
    {"name": "recall", "goal": "max"},
    {"name": "coverage", "goal": "max"},
    {"name": "largest_class", "goal": None},
    {"name": "loss/d", "goal": None},
    {"name": "loss/g", "goal": None},
]
REAL = {"fid": 0.273, "precision": 0.859, "recall": 0.837, "coverage": 0.966, "largest_class": 0.118}
# The 97.5 % quantiles of Student's t that three and two seeds need.
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182}


def example() -> dict[str, Any]:
    """Six losses on three seeds, measured in one way, and two losses on two more seeds, in another."""
    data = comparison([{"loss": loss} for loss in LOSSES], range(3))
    older = comparison([{"loss": loss} for loss in ("hinge", "r3gan")], range(3, 5), first=100)
    older["tables"][0] |= {
        "differs": "samples 2,500",
        "protocol": "2,500 samples of the averaged generator, classifier 236f99fd, seed 1.",
    }
    data["tables"][0]["differs"] = "samples 1,000"
    for run in older["runs"]:
        run |= {"table": 1, "latents": "64 latents, seed 7"}
    data["tables"] += older["tables"]
    data["runs"] += older["runs"]
    for tag, curves in older["curves"].items():
        data["curves"][tag] |= curves
    _diverge(data, _run(data, "loss=minimax,seed=2"))
    _kill(data, _run(data, "loss=wgan,seed=1"))
    _refuse(data, _run(data, "loss=least_squares,seed=0"))
    best, second = (f"{fid['mean']:.4g} [{fid['low']:.4g}, {fid['high']:.4g}]" for fid in
                    (group["final"]["fid"] for group in data["tables"][0]["groups"][:2]))  # fmt: skip
    data["verdict"] = [
        f"r3gan has the lowest fid: {best} over 3 seeds; hinge follows with {second}, and the intervals overlap.",
        "minimax diverged on 1 of 3 seeds and collapsed on another.",
        "1 run was refused and 1 was killed: wgan and least_squares stand on 2 seeds each.",
    ]
    return data


def search() -> dict[str, Any]:
    """Forty trials over a loss, a learning rate and a penalty, one of which not all runs have."""
    draw = random.Random(3)
    losses, weights = ("hinge", "r3gan", "wgan"), 10 * (0.1,) + 10 * (1.0,) + 10 * (10.0,) + 10 * (None,)
    trials = [
        {"loss": draw.choice(losses), "optimizer.lr": round(10 ** draw.uniform(-4.5, -2), 7), "penalty.weight": weight}
        for weight in weights
    ]
    return comparison(trials, range(1), curves=("metrics/fid", "loss/d"), pictures=False)


def many() -> dict[str, Any]:
    """Two hundred runs with ten curves each."""
    choices = [{"loss": loss, "optimizer.lr": lr} for loss in LOSSES for lr in (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2)]
    tags = ("metrics/fid", "metrics/precision", "loss/d", "loss/g", *(f"metrics/share/{i}" for i in range(6)))
    return comparison(choices[:40], range(5), curves=tags, points=300, pictures=False)


def only_failures() -> dict[str, Any]:
    """No number at all."""
    data = comparison([{"loss": "hinge"}, {"loss": "wgan"}], range(1), pictures=False)
    for run in data["runs"]:
        _refuse(data, run)
    nothing = {"tables": [], "metrics": [], "curves": {}, "commands": [], "tensorboard": None}
    return data | nothing | {"verdict": ["No run was measured."]}


def single() -> dict[str, Any]:
    """One run, whose metrics have no goal and of which there is no interval."""
    data = comparison([{}], range(1))
    data["parameters"] = []
    data["metrics"] = [metric | {"goal": None} for metric in METRICS]
    data["tables"][0] |= {"goal": None, "real": {}}
    return data


def comparison(
    choices, seeds, *, curves=("metrics/fid", "metrics/precision", "loss/d", "loss/g"), points=60, pictures=True, first=0
):
    """Return a comparison of the choices of parameters, each with all seeds."""
    draw = random.Random(first)
    runs, groups, lines = [], [], {tag: {} for tag in curves}
    keys = list(choices[0])
    for choice in choices:
        label = (
            ", ".join(f"{key.split('.')[-1]}={value}" if len(keys) > 1 else str(value) for key, value in choice.items())
            or "default"
        )
        level = LOSSES.get(choice.get("loss"), 6.0) * (1 + abs(math.log10(choice.get("optimizer.lr", 1e-3) / 1e-3)))
        members = []
        for seed in seeds:
            run = _finished(first + len(runs), choice, label, seed, level * draw.uniform(0.88, 1.12), draw)
            if pictures:
                run["picture"] = picture(run["id"])
            for tag in curves:
                lines[tag][str(run["id"])] = _curve(tag, run, points, draw)
            runs.append(run)
            members.append(run)
        groups.append(_group(label, choice, members))
    groups.sort(key=lambda group: group["final"]["fid"]["mean"])
    for rank, group in enumerate(groups, 1):
        group["rank"] = rank
    return {
        "title": f"{', '.join([*keys, 'seed'])} on mnist_dcgan_5x5",
        "version": "0.1.0",
        "made": "2026-11-21T20:00:00+00:00",
        "folder": "outputs/sweeps/mnist-losses",
        "on": "final",
        "numbers": "training",
        "commands": ["python -m ganexp -m loss=r3gan,hinge,wgan,non_saturating,least_squares,minimax seed=0,1,2 data=mnist"],
        "report_command": "python -m ganexp.compare outputs/sweeps/mnist-losses",
        "tensorboard": "tensorboard --logdir outputs/sweeps/mnist-losses",
        "verdict": [f"{groups[0]['label']} has the lowest fid."],
        "parameters": [_parameter(key, [choice[key] for choice in choices]) for key in keys],
        "metrics": METRICS,
        "tables": [
            {
                "protocol": "1,000 samples of the averaged generator against 1,000 real ones, classifier 236f99fd, seed 1.",
                "differs": "",
                "by": "fid",
                "goal": "min",
                "real": REAL,
                "groups": groups,
            }
        ],
        "runs": runs,
        "curves": lines,
        "failures": [],
    }


def picture(seed: int) -> str:
    """Return a small grid of grey blobs as a data URI."""
    draw = random.Random(seed)
    place = np.arange(28)
    grid = np.zeros((116, 116), np.uint8)
    for top in range(0, 116, 29):
        for left in range(0, 116, 29):
            x, y, r = draw.uniform(9, 19), draw.uniform(9, 19), draw.uniform(3, 8)
            distance = ((place - x) ** 2 + (place[:, None] - y) ** 2) / r**2
            grid[top : top + 28, left : left + 28] = 255 * np.exp(-(distance**2))
    file = io.BytesIO()
    Image.fromarray(grid).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _finished(index: int, choice: dict[str, Any], label: str, seed: int, fid: float, draw: random.Random) -> dict[str, Any]:
    name = ",".join([*(f"{key}={value}" for key, value in choice.items()), f"seed={seed}"])
    final = {
        "fid": fid,
        "precision": 0.9 - fid / 60,
        "recall": 0.85 - fid / 45,
        "coverage": 0.95 - fid / 40,
        "largest_class": 0.11 + fid / 200,
        "loss/d": draw.uniform(0.6, 1.2),
        "loss/g": draw.uniform(0.7, 1.5),
    }
    collapsed = fid > 31
    return {
        "id": index,
        "name": name,
        "group": label,
        "table": 0,
        "seed": seed,
        "parameters": choice,
        "status": "finished",
        "counts": True,
        "reason": None,
        "health": {
            "verdict": "collapsed" if collapsed else "healthy",
            "reason": "samples lie much closer to each other than real ones" if collapsed else None,
            "iteration": 2400 if collapsed else None,
        },
        "iteration": 4690,
        "total_iterations": 4690,
        "final": final,
        "best": {name: value * (0.96 if name == "fid" else 1.0) for name, value in final.items()},
        "best_iteration": 10 * draw.randint(300, 469),
        "seconds": draw.uniform(180, 260),
        "images_per_second": draw.uniform(1150, 1650),
        "device": "cpu (x86_64, 1 threads)",
        "directory": f"outputs/sweeps/mnist-losses/{name}",
        "command": f"python -m ganexp {name.replace(',', ' ')} data=mnist",
        "resume": None,
        "log": None,
        "picture": None,
        "latents": "64 latents, seed 0",
    }


def _curve(tag: str, run: dict[str, Any], points: int, draw: random.Random) -> dict[str, list]:
    xs = [round(4690 * (i + 1) / points) for i in range(points)]
    if tag == "metrics/fid":
        ys = [run["final"]["fid"] * (1 + 9 * math.exp(-x / 500)) * draw.uniform(0.95, 1.05) for x in xs]
    elif tag.startswith("metrics/"):
        ys = [0.9 * (1 - math.exp(-x / 900)) - run["final"]["fid"] / 60 + draw.gauss(0, 0.01) for x in xs]
    else:
        ys = [0.69 + 0.4 * (1 - math.exp(-x / 1500)) * (1 if tag == "loss/d" else 1.6) + draw.gauss(0, 0.06) for x in xs]
    return {"x": xs, "y": ys}


def _group(label: str, choice: dict[str, Any], members: list[dict[str, Any]]) -> dict[str, Any]:
    healthy = sum(run["health"]["verdict"] == "healthy" for run in members)
    return {
        "rank": None,
        "label": label,
        "parameters": choice,
        "runs": [run["id"] for run in members],
        "seeds": [run["seed"] for run in members],
        "n": len({run["seed"] for run in members if run["counts"]}),
        "final": {name: _statistics([run["final"][name] for run in members]) for name in members[0]["final"]},
        "best": {name: _statistics([run["best"][name] for run in members]) for name in members[0]["best"]},
        "best_iterations": [run["best_iteration"] for run in members],
        "health": {"healthy": healthy, "collapsed": len(members) - healthy},
        "status": {"finished": len(members)},
        "seconds": _statistics([run["seconds"] for run in members]),
        "images_per_second": _statistics([run["images_per_second"] for run in members]),
    }


def _statistics(values: list[float]) -> dict[str, Any]:
    n = len(values)
    mean = sum(values) / n
    if n == 1:
        return {"mean": mean, "low": None, "high": None, "n": 1, "values": values}
    half = STUDENT.get(n, 2.5) * math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1) / n)
    return {"mean": mean, "low": mean - half, "high": mean + half, "n": n, "values": values}


def _parameter(key: str, values: list[Any]) -> dict[str, Any]:
    numeric = all(value is None or isinstance(value, float) for value in values)
    return {"key": key, "label": key, "values": list(dict.fromkeys(values)), "numeric": numeric, "log": numeric}


def _run(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(run for run in data["runs"] if run["name"] == name)


def _fail(data: dict[str, Any], run: dict[str, Any], **what: Any) -> None:
    """Take a run out of its group's numbers and into the failures."""
    run |= what
    data["failures"].append({"run": run["id"]})
    groups = data["tables"][0]["groups"]
    group = next(group for group in groups if group["label"] == run["group"])
    members = [other for other in data["runs"] if other["id"] in group["runs"] and other["final"]]
    if members:
        status = group["status"] | {"finished": group["status"]["finished"] - 1, run["status"]: 1}
        group |= _group(group["label"], group["parameters"], members)
        group["rank"] = 1 + [other["label"] for other in groups].index(group["label"])
        group["status"] = status
        if run["health"]:
            group["health"][run["health"]["verdict"]] = 1


def _diverge(data: dict[str, Any], run: dict[str, Any]) -> None:
    log = "iteration 1250  loss/d nan  loss/g nan\nerror: loss/d is not a finite number since iteration 1,240"
    health = {"verdict": "diverged", "reason": "loss/d is not a finite number", "iteration": 1240}
    reason = "loss/d is not a finite number since iteration 1,240"
    _fail(data, run, status="diverged", reason=reason, health=health, log=log, final={}, best={}, iteration=1250,
          best_iteration=None, resume=f"python -m ganexp resume={run['directory']}")  # fmt: skip
    for curves in data["curves"].values():
        curve = curves[str(run["id"])]
        curve["y"] = [
            y * 40 if 1000 < x <= 1240 else y if x <= 1000 else None for x, y in zip(curve["x"], curve["y"], strict=True)
        ]


def _kill(data: dict[str, Any], run: dict[str, Any]) -> None:
    log = "\n".join(f"iteration {i}  loss/d 0.9{i % 7}  loss/g 1.1{i % 5}  1,402 images/s" for i in range(1600, 3201, 50))
    reason = "The process was killed by signal 9; the machine may have been out of memory."
    _fail(data, run, status="killed", counts=False, reason=reason, log=log, final={}, best={}, iteration=3200,
          health=None, best_iteration=None, resume=f"python -m ganexp resume={run['directory']}")  # fmt: skip
    for curves in data["curves"].values():
        curve = curves[str(run["id"])]
        kept = [(x, y) for x, y in zip(curve["x"], curve["y"], strict=True) if x <= 3200]
        curve |= {"x": [x for x, _ in kept], "y": [y for _, y in kept]}


def _refuse(data: dict[str, Any], run: dict[str, Any]) -> None:
    reason = "loss=least_squares needs a discriminator without a sigmoid (network.discriminator.activation=none)"
    _fail(data, run, status="refused", counts=False, reason=reason, final={}, best={}, health=None, iteration=None,
          best_iteration=None, seconds=None, images_per_second=None, picture=None, table=None,
          log=f"error: {reason}")  # fmt: skip
    for curves in data["curves"].values():
        curves.pop(str(run["id"]), None)
