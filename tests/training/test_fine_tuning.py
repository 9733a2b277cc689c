"""A model begins with the weights of another: what fits is taken over, and the rest is a new model's."""

import pytest
import torch

import ganexp
from ganexp.runs.checkpoint import last_good
from ganexp.runs.run import Run
from ganexp.training.freezing import layers_in_order
from support.crashes import whole_and_resumed
from support.refused import refused
from support.tiny import CONVOLUTIONS, TINY, TINY_IMAGES, TINY_MLP, TINY_RING

RING = (*TINY_RING, "network=mlp", "metrics=none")
AVERAGE = "schedule.ema_decay=0.9"


def weights(run) -> dict[str, torch.Tensor]:
    return {name: x for name, x in last_good(Run(run)).weights.items() if isinstance(x, torch.Tensor)}


def begun(experiment) -> dict[str, torch.Tensor]:
    return {name: x.clone() for name, x in experiment.model.state_dict().items() if isinstance(x, torch.Tensor)}


@pytest.mark.parametrize("model", ["gan", "cgan", "cgan_projection", "cgan_class", "contragan", "infogan"])
def test_what_fits_is_taken_over_whole_and_nothing_else_of_the_run(ready, shared_run, model):
    overrides = (*RING, f"model={model}", AVERAGE, *(["model.dimensions=4"] if model == "contragan" else []))
    source = shared_run(*overrides)
    experiment = ready(*overrides, f"init_from={source}", "seed=5")
    assert (experiment.inherited.drawn, experiment.inherited.parts, experiment.inherited.share) == ([], {}, 1)
    given = weights(source)
    assert all(torch.equal(value, given[name]) for name, value in begun(experiment).items() if name in given)
    assert (experiment.start, experiment.model.counters.iteration, experiment.model.average.updates) == (0, 0, 6)


@pytest.mark.parametrize(("before", "now"), [(3, 5), (5, 3)])
def test_classes_keep_their_entries_by_their_numbers_and_new_ones_are_drawn(ready, shared_run, before, now):
    source = shared_run(*RING, "model=cgan", AVERAGE, f"data.components={before}")
    overrides = (*RING, "model=cgan", AVERAGE, f"data.components={now}")
    new = begun(ready(*overrides, folder="new"))
    experiment = ready(*overrides, f"init_from={source}", folder="tuned")
    given, both = weights(source), 3
    for name, value in begun(experiment).items():
        if name.endswith("layers.0.weight"):
            others = value.shape[1] - now
            assert torch.equal(value[:, : others + both], given[name][:, : others + both])
            assert torch.equal(value[:, others + both :], new[name][:, others + both :])
        elif name in given:
            assert torch.equal(value, given[name])
    parts = {f"{player}.layers.0.weight": (3, 5) for player in ("generator", "discriminator")} if now > before else {}
    assert (experiment.inherited.parts, experiment.inherited.drawn) == (parts, [])
    assert ("2 of 5 classes" in str(experiment.inherited)) == (now > before)


def test_embeddings_of_a_model_and_of_its_networks_keep_their_rows(ready, shared_run):
    images = (
        *TINY_IMAGES,
        "data.size=32",
        "network=resnet",
        "network.generator.channels=4",
        "network.discriminator.channels=4",
    )
    source = shared_run(*images, "model=contragan", "model.dimensions=4")
    tuned = ready(*images, "model=contragan", "model.dimensions=6", f"init_from={source}", folder="tuned")
    assert {name.split(".")[0] for name in tuned.inherited.drawn} == {"discriminator", "proxies"}
    assert all("output" in name for name in tuned.inherited.drawn if name.startswith("discriminator"))
    ring = shared_run(*RING, "model=contragan", "model.dimensions=4", "data.components=3")
    tuned = ready(*RING, "model=contragan", "model.dimensions=4", "data.components=5", f"init_from={ring}", folder="rows")
    assert tuned.inherited.parts["proxies.weight"] == (3, 5)
    assert torch.equal(tuned.model.proxies.weight[:3], weights(ring)["proxies.weight"])


def test_a_file_of_weights_is_that_of_the_player_that_it_fits(ready, shared_run):
    source = shared_run(*RING, AVERAGE)
    for player, other in (("generator", "discriminator"), ("discriminator", "generator")):
        file = source / f"weights/{player}-00000006.pt"
        experiment = ready(*RING, AVERAGE, f"init_from={file}", folder=player)
        made, given = begun(experiment), torch.load(file, weights_only=True)
        names = [player, *(["average.module"] if player == "generator" else [])]
        assert all(torch.equal(made[f"{name}.{key}"], value) for name in names for key, value in given.items())
        assert f"all of the {other}" in str(experiment.inherited)


def test_a_new_average_begins_with_the_generator(ready, shared_run):
    source = shared_run(*RING, "schedule.ema_decay=null")
    made = begun(ready(*RING, AVERAGE, f"init_from={source}"))
    assert torch.equal(made["average.module.layers.0.weight"], weights(source)["generator.layers.0.weight"])


@pytest.mark.parametrize("loss", ["hinge", "wasserstein"])
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_frozen_layers_keep_their_weights_and_the_others_learn(trained, shared_run, loss, update):
    source = shared_run(*RING)
    frozen = ("freeze_d=1", f"init_from={source}", f"schedule.update={update}", f"loss={loss}", "schedule.d_steps=1")
    model = trained(*RING, *frozen, "penalty=weight_clip", "penalty.limit=0.001").model
    before, after = weights(source), model.state_dict()
    for part in ("weight", "bias"):
        assert torch.equal(after[f"discriminator.layers.0.{part}"], before[f"discriminator.layers.0.{part}"])
        assert not torch.equal(after[f"generator.layers.0.{part}"], before[f"generator.layers.0.{part}"])
    assert after["discriminator.layers.2.weight"].abs().max() <= 0.001 < after["discriminator.layers.0.weight"].abs().max()


@pytest.mark.parametrize(
    ("network", "size", "layers"),
    [
        (["mlp", *TINY_MLP], 8, 2),
        (["dcgan", *CONVOLUTIONS], 8, 3),
        (["dcgan_upsample", "network.generator.widths=[4,4]", "network.discriminator.widths=[4,4]"], 8, None),
        (["resnet", *CONVOLUTIONS], 32, 5),
        (["sagan", *CONVOLUTIONS], 32, None),
        (["biggan", *CONVOLUTIONS], 32, None),
        (["stylegan2", *CONVOLUTIONS], 8, None),
        (["r3gan", *CONVOLUTIONS], 8, None),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_every_network_has_layers_in_the_order_of_a_sample(ready, network, size, layers):
    name, *options = network
    model = ready(*TINY_IMAGES, f"data.size={size}", "model=cgan", "model.latent_dim=8", f"network={name}", *options).model
    state = torch.get_rng_state()
    found = layers_in_order(model)
    assert torch.equal(torch.get_rng_state(), state) and model.discriminator.training
    assert [id(x) for layer in found for x in layer if x.ndim > 1] and len(found) > 1
    assert sorted(id(x) for layer in found for x in layer) == sorted(map(id, model.discriminator.parameters()))
    assert layers is None or len(found) == layers


def test_a_fine_tuned_run_that_crashed_resumes_to_the_same_end(ready, shared_run):
    source = shared_run(*RING, AVERAGE)
    overrides = (*RING, AVERAGE, f"init_from={source}", "freeze_d=1", "callbacks.checkpoints.every=2")
    whole, resumed = whole_and_resumed(ready, *overrides, at=5)
    assert resumed.inherited is None and resumed.start == 4
    for name, value in begun(whole).items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["init_from=nowhere"], ("init_from",)),
        (["init_from={}"], ("init_from",)),
        (["init_from={}/metrics.csv"], ("init_from",)),
        (["init_from=3"], ("init_from",)),
        (["init_from={}", "network.generator.widths=[5]", "network.discriminator.widths=[5]"], ("init_from", "network")),
        (["freeze_d=1"], ("freeze_d", "init_from")),
        (["init_from={}", "freeze_d=2"], ("freeze_d",)),
        (["init_from={}", "freeze_d=-1"], ("freeze_d",)),
        (["init_from={}", "freeze_d=1", "network.discriminator.octaves=1"], ("freeze_d", "init_from")),
    ],
)
def test_what_cannot_be_is_refused(ready, shared_run, tmp_path, options, keys):
    source = tmp_path if options == ["init_from={}"] else shared_run(*RING)
    with refused(*keys):
        ready(*RING, *(option.format(source) for option in options))
    assert not (tmp_path / "run").exists()


def test_weights_that_are_no_numbers_are_refused(ready, shared_run, tmp_path):
    network = torch.load(shared_run(*RING) / "weights/generator-00000006.pt", weights_only=True)
    network["layers.0.weight"][0, 0] = torch.nan
    torch.save(network, tmp_path / "wrong.pt")
    with refused("init_from"):
        ready(*RING, f"init_from={tmp_path / 'wrong.pt'}")


def test_from_python_and_from_the_command_line(shared_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = Run(shared_run(*RING, AVERAGE))
    run = ganexp.train(*TINY, *RING, AVERAGE, init_from=source, freeze_d=1)
    assert "kept 100 % of the players' weights" in capsys.readouterr().err
    assert run.config["init_from"] == str(source.path)
    with refused("freeze_d"):
        ganexp.resume(run, freeze_d=0)
    with refused("init_from"):
        ganexp.resume(run, init_from=None)
    again = ganexp.repeat(run)
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(run).items())
