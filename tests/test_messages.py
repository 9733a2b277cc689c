"""Whole messages of ten typical mistakes: what a user reads. Other tests know refusals by their keys."""

import errno
import os

import pytest
import torch
import torchvision

from ganexp.__main__ import main
from support.program import Program

MESSAGES = {
    "loss=hinje": "loss=hinje: no such loss (did you mean loss=hinge?)",
    "schedule.d_step=2": "schedule.d_step=2: no such option (did you mean schedule.d_steps=2?)",
    "schedule.d_steps=two": "schedule.d_steps=two: should be a whole number",
    "data.batch_size=-4": "data.batch_size=-4: should be at least 1",
    "trainer.accelerator=gpu": "trainer.accelerator=gpu: not available: torch {torch} finds no such device "
    "(use trainer.accelerator=auto or trainer.accelerator=cpu)",
    "loss=wgan_gp network.discriminator.norm=batch": "network.discriminator.norm=batch penalty=gradient: batch norm mixes the "
    "samples of a batch, but this penalty needs the gradient of each sample "
    "(use network.discriminator.norm=layer or none, or penalty=none)",
    "model=cgan data=density": "model=cgan data=density: this model needs labels, and the data has none (use model=gan)",
    "model=dcgan data=ring": "model=dcgan network=dcgan data=ring: convolutional networks need images, but the data has points "
    "of 2 dimensions (use model=gan or network=mlp, or image data such as data=digits)",
    "model=gan data=mnist data.root=here": "data=mnist data.root=here: MNIST is not in {root} and cannot be downloaded: "
    "{refused} (put train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte into "
    "FOLDER/MNIST/raw and set data.root=FOLDER or GANEXP_DATA=FOLDER, or use data=digits)",
    "resume=/": "resume=/: not a run directory: it has no .hydra/config.yaml (expected outputs/<name>/<time>-<id>)",
}


@pytest.mark.parametrize("line", MESSAGES)
def test_message(monkeypatch, tmp_path, capsys, line):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    short = () if line.startswith("resume") else ("trainer.max_epochs=null", "trainer.max_iterations=2")
    message = Program(main, monkeypatch, capsys).refuse(*line.split(), *short)
    refused = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    assert message == MESSAGES[line].format(torch=torch.__version__, root=tmp_path / "here", refused=refused)
