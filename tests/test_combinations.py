"""Every network with every model, loss, penalty, augmentation and shape of data, through the command line: trained, or refused.

Pairs without a network are in tests/models/test_variants.py.
"""

import json
import sys
from pathlib import Path

import pytest

from ganexp.__main__ import main
from ganexp.config.compose import directory

MODELS, LOSSES, PENALTIES, AUGMENTATIONS, NETWORKS = (
    sorted(path.stem for path in (directory() / group).glob("*.yaml") if path.stem != "auto")
    for group in ("model", "loss", "penalty", "augmentation", "network")
)
SHORT = (
    "trainer.accelerator=cpu", "trainer.max_epochs=null", "trainer.max_iterations=2", "metrics=none", "logger=csv",
    "callbacks.scalars.every=1", "data.batch_size=4", "model.latent_dim=6",
    *(f"~callbacks.{name}" for name in ("samples", "evaluation", "checkpoints", "progress", "weights", "health")),
)  # fmt: skip
SHAPES = {
    "points": ("data=ring", "data.size=64"),
    "8x8": ("data=digits",),
    "28x28": ("data=mnist", "data._target_=support.one_update.RandomDigits"),
    "32x32 colours": ("data=cifar10", "data._target_=support.one_update.RandomPhotographs"),
    "32x48": ("data=digits", "data.size=[32,48]"),
}
LARGE = ("32x32 colours", "32x48")
FITS = {
    **dict.fromkeys(NETWORKS, ("8x8", "28x28", *LARGE)), "mlp": (*SHAPES,), "resnet": ("28x28", *LARGE),
    "sagan": LARGE, "biggan": LARGE,
}  # fmt: skip
"""The shapes that a network makes, as it is configured; attention wants maps of size 16."""
NARROW = ("network.generator.channels=2", "network.discriminator.channels=2")
SMALL = {"mlp": ("network.generator.widths=[4]", "network.discriminator.widths=[4]"), "dcgan_upsample": ()}
Case = tuple[str, str, str, str, str]
"""Model, loss, penalty, augmentation and shape."""


def cases(network: str) -> list[Case]:
    """Give a network every choice of each group, in as many rows as the longest has, and shapes that do not fit."""
    shift, fitting = NETWORKS.index(network), FITS[network]
    rows = [
        (
            MODELS[(row + shift) % len(MODELS)],
            LOSSES[(row + 3 * shift) % len(LOSSES)],
            PENALTIES[row % len(PENALTIES)],
            AUGMENTATIONS[(row + row // len(AUGMENTATIONS) + shift) % len(AUGMENTATIONS)],
            fitting[(row + row // len(fitting) + shift) % len(fitting)],
        )
        for row in range(max(map(len, (MODELS, LOSSES, PENALTIES))))
    ]
    return rows + [("gan", "hinge", "none", "none", shape) for shape in SHAPES if shape not in fitting]


def reason(network: str, case: Case) -> str | None:
    """Return the option that is to be refused, if one is."""
    _, _, penalty, augmentation, shape = case
    if shape not in FITS[network]:
        return "network"
    if penalty == "path_length" and network != "stylegan2":
        return "penalty"
    if shape == "points" and penalty in ("consistency", "latent_diversity"):
        return "penalty"
    return "augmentation" if shape == "points" and augmentation in ("ada", "diffaugment") else None


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_trains_with_every_choice_or_is_refused_in_one_message(monkeypatch, tmp_path, capsys, network):
    monkeypatch.chdir(tmp_path)
    for number, case in enumerate(cases(network)):
        model, loss, penalty, augmentation, shape = case
        line = [
            *SHAPES[shape], f"network={network}", *SMALL.get(network, NARROW), f"model={model}", f"loss={loss}",
            f"penalty={penalty}", f"augmentation={augmentation}", f"output_dir={number}",
        ]  # fmt: skip
        monkeypatch.setattr(sys, "argv", ["ganexp", *SHORT, *line])
        wrong = reason(network, case)
        if wrong is None:
            main()
            (summary,) = Path(str(number)).glob("*/*/summary.json")
            found = json.loads(summary.read_text())
            assert (found["status"], found["iteration"]) == ("finished", 2), line
            continue
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        (message,) = capsys.readouterr().err.splitlines()
        assert ended.value.code == 2 and message.startswith("ganexp: ") and wrong in message.split(": ")[1], message
        assert not Path(str(number)).exists(), "nothing was begun"
