"""Each variant's critic and terms against their formulas, and every loss and penalty with every model."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax, one_hot

from ganexp.config.compose import compose, directory
from ganexp.config.errors import ConfigError
from ganexp.data import Data
from ganexp.models import Fakes
from ganexp.models.classifier import test_accuracy as accuracy
from ganexp.models.ssgan import labelled_subset
from ganexp.runs.run import Run
from ganexp.training.experiment import assemble
from ganexp.training.train import prepare, train
from support.curves import curves
from support.tiny import TINY, TINY_RING, Crash, StopAt

CLASSES = 8
MODELS, LOSSES, PENALTIES = (
    sorted(path.stem for path in (directory() / group).glob("*.yaml")) for group in ("model", "loss", "penalty")
)
POINTS = (*TINY_RING, "network=mlp")
QUIET = tuple(f"~callbacks.{name}" for name in ("samples", "evaluation", "checkpoints", "progress", "weights"))
VARIANTS = ("acgan", "cgan_class", "cgan_projection", "infogan", "ssgan")


@pytest.fixture
def begun(ready):
    """Return a function that makes a model, ready for its terms to be asked for, and samples to ask about."""

    def make(name, *overrides):
        model = ready(*POINTS, f"model={name}", "loss=non_saturating", *overrides).model
        generator = torch.Generator().manual_seed(0)
        z, fake_y = model.sample_latent(12, generator), torch.arange(12) % max(model.label_classes, 1)
        fakes = Fakes(model.generate(model.generator, z, fake_y), fake_y, z)
        return model, torch.randn(12, 2, generator=generator), torch.arange(12) % CLASSES, fakes

    return make


def test_class_logits_make_the_logistic_loss_the_published_one(begun):
    model, x, y, fakes = begun("cgan_class")
    assert model.discriminator(x).shape == (12, CLASSES + 1)
    p_real = log_softmax(model.discriminator(x), 1).gather(1, y[:, None])
    p_fake = log_softmax(model.discriminator(fakes.x), 1).gather(1, fakes.y[:, None])
    (d_loss,) = model.discriminator_terms(x, y, fakes).values()
    (g_loss,) = model.generator_terms(x, y, fakes).values()
    torch.testing.assert_close(d_loss, -p_real.mean() - torch.log1p(-p_fake.exp()).mean())
    torch.testing.assert_close(g_loss, -p_fake.mean())


def test_semi_supervised_loss_is_the_published_one(begun):
    model, x, y, fakes = begun("ssgan", "loss=minimax")
    real, fake = log_softmax(model.discriminator(x), 1), log_softmax(model.discriminator(fakes.x), 1)
    terms = model.discriminator_terms(x, y, fakes)
    torch.testing.assert_close(terms["adversarial"], -torch.log1p(-real[:, -1].exp()).mean() - fake[:, -1].mean())
    torch.testing.assert_close(terms["class"], -real.gather(1, y[:, None]).mean())
    torch.testing.assert_close(model.generator_terms(x, y, fakes)["adversarial"], fake[:, -1].mean())


def test_projection_is_an_inner_product_with_the_features(begun):
    model, x, y, _ = begun("cgan_projection")
    *hidden, last = model.discriminator.layers
    features = nn.Sequential(*hidden)(x)
    psi, embedding = last.weight[0], one_hot(y, CLASSES).float() @ last.weight[1:]
    expected = features @ psi + last.bias[0] + (features * embedding).sum(1) + last.bias[1:][y]
    torch.testing.assert_close(model.critic(x, y), expected)


def test_auxiliary_classifier_is_told_the_classes_of_both(begun):
    model, x, y, fakes = begun("acgan", "model.class_weight=0.5")
    terms = model.discriminator_terms(x, y, fakes)
    real, fake = model.discriminator(x)[:, 1:], model.discriminator(fakes.x)[:, 1:]
    torch.testing.assert_close(terms["class"], 0.5 * (cross_entropy(real, y) + cross_entropy(fake, fakes.y)))
    torch.testing.assert_close(model.generator_terms(x, y, fakes)["class"], 0.5 * cross_entropy(fake, fakes.y))
    torch.testing.assert_close(
        terms["adversarial"], model.loss.discriminator(model.critic(x, y), model.critic(fakes.x, fakes.y))
    )


def test_codes_are_read_off_the_samples(begun):
    model, x, y, fakes = begun("infogan", "model.categories=5", "model.continuous=2", "model.information_weight=0.3")
    assert fakes.z.shape == (12, 3) and fakes.z[:, -2:].abs().max() <= 1
    assert model.sample_labels(500).unique().tolist() == [0, 1, 2, 3, 4]
    out = model.discriminator(fakes.x)
    gaussian = torch.distributions.Normal(out[:, 6:], 1.0).log_prob(fakes.z[:, -2:]).sum(1).mean()
    constant = 2 * torch.distributions.Normal(0.0, 1.0).log_prob(torch.zeros(()))
    expected = 0.3 * (cross_entropy(out[:, 1:6], fakes.y) - gaussian + constant)
    for terms in (model.discriminator_terms(x, y, fakes), model.generator_terms(x, y, fakes)):
        torch.testing.assert_close(terms["information"], expected)


def test_infogan_needs_no_labels_and_others_do(ready, monkeypatch):
    no_labels = property(lambda self: 0, lambda self, value: None)
    monkeypatch.setattr("ganexp.data.points.Mixture.num_classes", no_labels, raising=False)
    for name in MODELS:
        if name in ("gan", "infogan"):
            ready(*POINTS, f"model={name}", folder=name)
        elif name != "dcgan":
            with pytest.raises(ConfigError, match="needs labels"):
                ready(*POINTS, f"model={name}")


def test_uniform_noise_is_between_minus_one_and_one(begun):
    model, *_ = begun("gan", "model.noise=uniform")
    z = model.sample_latent(10_000, torch.Generator().manual_seed(0))
    assert -1 <= z.min() < -0.99 and 0.99 < z.max() <= 1
    assert z.std().item() == pytest.approx(3**-0.5, abs=0.02)


def test_labels_are_as_frequent_as_in_the_data(begun):
    model, *_ = begun("cgan")
    model.data.class_weights = (0.5, 0.25, 0.25, *[0.0] * (CLASSES - 3))
    counts = model.sample_labels(4000, torch.Generator().manual_seed(0)).bincount(minlength=CLASSES) / 4000
    torch.testing.assert_close(counts, torch.tensor(model.data.class_weights), atol=0.03, rtol=0)


def test_the_labelled_subset_is_balanced_and_follows_the_seed():
    y = torch.arange(1000) % 10
    first, again, other = (labelled_subset(y, 100, 10, seed) for seed in (0, 0, 1))
    assert y[first].bincount().tolist() == [10] * 10
    assert len(first.unique()) == 100
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert sorted(y[labelled_subset(y, 23, 10, 0)].bincount().tolist()) == [2] * 7 + [3] * 3


def test_few_labels_are_a_batch_of_their_own(ready):
    training = ready(*POINTS, "model=ssgan", "model.labels=16", "loss=minimax", "trainer.max_iterations=3")
    model = training.model
    asked = []
    take = model._labelled.take

    def recorded(start, count):
        asked.append(start)
        return take(start, count)

    model._labelled.take = recorded
    assert model._labelled.y.bincount().tolist() == [2] * CLASSES
    training.trainer.fit(model, datamodule=training.data)
    assert asked == [0, 1, 2]


def test_the_classifier_alone_sees_labelled_samples_alone(ready):
    training = ready(*POINTS, "model=ssgan", "model.labels=16", "model.adversarial_weight=0.0", "loss=minimax")
    seen = []
    training.model.discriminator.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    x, y, fakes = torch.zeros(4, 2), torch.zeros(4, dtype=torch.long), Fakes(torch.ones(4, 2), torch.zeros(4).long(), None)
    assert set(training.model.discriminator_terms(x, y, fakes)) == {"class"}
    (batch,) = seen
    assert {tuple(point) for point in batch.tolist()} <= {tuple(point) for point in training.model._labelled.x.tolist()}


@pytest.mark.parametrize(("labels", "says"), [("7", "every one needs a label"), ("65", "the data has 64 training samples")])
def test_labels_that_cannot_be_had_are_refused(ready, tmp_path, labels, says):
    with pytest.raises(ConfigError, match=says):
        ready(*POINTS, "model=ssgan", f"model.labels={labels}")
    assert list(tmp_path.iterdir()) == []


class Sorter(nn.Module):
    """Batch norm, then class 1 for what is above the mean."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(1)

    def forward(self, x):
        x = self.norm(x)
        return torch.cat([-x, x], dim=1)


class Halves(Data):
    """Points of class 0 around 4, and of class 1 around 6."""

    shape, num_classes = (1,), 2

    def load(self, split):
        y = torch.arange(4000) % 2
        return 4.0 + 2 * y[:, None], y

    def decode(self, raw):
        return raw

    encode = decode
    fingerprint = "halves"

    def picture(self, samples, labels=None, layout=None):
        raise NotImplementedError


def test_accuracy_is_measured_with_the_statistics_of_real_samples():
    network = Sorter()
    network.norm.running_mean.fill_(100.0)  # as generated samples may leave it
    before = copy.deepcopy(network.state_dict())
    assert accuracy(network, lambda d, x: d(x), Halves(), torch.device("cpu")) == 1.0
    assert accuracy(network, lambda d, x: -d(x), Halves(), torch.device("cpu")) == 0.0
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("name", VARIANTS)
def test_a_crashed_variant_resumes_to_the_same_end(ready, name):
    extra = ("model.labels=20",) if name == "ssgan" else ()
    overrides = (*POINTS, f"model={name}", "loss=non_saturating", *extra, "callbacks.checkpoints.every=2")
    whole = ready(*overrides, folder="whole")
    train(whole, [])
    crashing = ready(*overrides, folder="crashed")
    crashing.trainer.callbacks.append(StopAt(3))
    with pytest.raises(Crash):
        train(crashing, [])
    resumed = ready(*overrides, folder="crashed")
    train(resumed, [])
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert curves(resumed.run.path) == curves(whole.run.path)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_and_every_penalty_trains_every_model(ready, model, loss):
    for penalty in PENALTIES:
        overrides = (*POINTS, f"model={model}", f"loss={loss}", f"penalty={penalty}", *QUIET)
        training = ready(*overrides, "trainer.max_iterations=2", "callbacks.scalars.every=1", folder=penalty)
        before = [parameter.clone() for parameter in training.model.parameters()]
        training.trainer.fit(training.model, datamodule=training.data)
        assert training.model.counters.iteration == 2
        assert all(parameter.isfinite().all() for parameter in training.model.parameters())
        assert not all(torch.equal(a, b) for a, b in zip(before, training.model.parameters(), strict=True))
        assert ("loss/d/penalty" in training.trainer.callbacks[0].latest) == training.model.penalty.active


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_batch_norm_is_refused_under_penalties_on_sample_gradients(tmp_path, model, penalty):
    choices = (f"model={model}", "loss=hinge", f"penalty={penalty}", "network.discriminator.norm=batch")
    config = compose(*TINY, *POINTS, *choices)
    if penalty in ("none", "weight_clip"):
        prepare(assemble(config), Run(tmp_path / "run"))
        return
    with pytest.raises(ConfigError, match="batch norm makes a logit depend on the whole batch"):
        assemble(config)
