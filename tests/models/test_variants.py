"""Each variant's realness and terms against their formulas, and every model with every loss, penalty and augmentation."""

from itertools import zip_longest

import pytest
import torch
from torch import nn
from torch.nn.functional import cosine_similarity, cross_entropy, log_softmax, one_hot

from ganexp.config.build import build
from ganexp.config.compose import compose, directory
from ganexp.data import Ring
from ganexp.models.judging import Judged
from ganexp.training.components import build_components
from support.cover import pairs
from support.crashes import whole_and_resumed
from support.curves import curves
from support.elsewhere import once, train_elsewhere
from support.refused import refused
from support.tiny import POINTS, QUIET, TINY, TINY_IMAGES, TINY_MLP, TINY_RING

CLASSES = 8
MODELS, LOSSES, PENALTIES, AUGMENTATIONS = (
    sorted(path.stem for path in (directory() / group).glob("*.yaml")) for group in ("model", "loss", "penalty", "augmentation")
)
PENALTIES.remove("path_length")  # needs a generator with styles: regularizers/test_path_length.py
VARIANTS = ("acgan", "adcgan", "cgan_class", "cgan_projection", "contragan", "infogan", "mhgan", "reacgan", "ssgan", "tacgan")


@pytest.fixture
def begun(ready):
    """Return a function that makes a model, ready for its terms to be asked for, and samples to ask about."""

    def make(name, *overrides):
        model = ready(*POINTS, f"model={name}", "loss=non_saturating", *overrides).model
        generator = torch.Generator().manual_seed(0)
        z, fake_y = model.sample_latent(12, generator), torch.arange(12) % max(model.label_classes, 1)
        x, y = torch.randn(12, 2, generator=generator), torch.arange(12) % CLASSES
        return model, Judged(model, x, y), Judged(model, model.generate(model.generator, z, fake_y), fake_y, z)

    return make


def test_class_logits_make_the_logistic_loss_the_published_one(begun):
    model, real, fake = begun("cgan_class")
    assert real.outputs.shape == (12, CLASSES + 1)
    p_real, p_fake = (log_softmax(one.outputs, 1).gather(1, one.y[:, None]) for one in (real, fake))
    (d_loss,) = model.discriminator_terms(real, fake).values()
    (g_loss,) = model.generator_terms(real, fake).values()
    torch.testing.assert_close(d_loss, -p_real.mean() - torch.log1p(-p_fake.exp()).mean())
    torch.testing.assert_close(g_loss, -p_fake.mean())


def test_margins_of_classes_make_the_multi_hinge_loss(begun):
    model, real, fake = begun("mhgan", "loss=multi_hinge")

    def hinge(judged, y):
        others = torch.stack([row[torch.arange(CLASSES + 1) != own].max() for row, own in zip(judged.outputs, y, strict=True)])
        return (1 - judged.outputs[torch.arange(12), y] + others).clamp(min=0).mean()

    (d_loss,) = model.discriminator_terms(real, fake).values()
    (g_loss,) = model.generator_terms(real, fake).values()
    torch.testing.assert_close(d_loss, hinge(real, real.y) + hinge(fake, torch.full((12,), CLASSES)))
    torch.testing.assert_close(g_loss, hinge(fake, fake.y))


def test_semi_supervised_loss_is_the_published_one(begun):
    model, real, fake = begun("ssgan", "loss=minimax")
    p_real, p_fake = log_softmax(real.outputs, 1), log_softmax(fake.outputs, 1)
    terms = model.discriminator_terms(real, fake)
    torch.testing.assert_close(terms["adversarial"], -torch.log1p(-p_real[:, -1].exp()).mean() - p_fake[:, -1].mean())
    torch.testing.assert_close(terms["class"], -p_real.gather(1, real.y[:, None]).mean())
    torch.testing.assert_close(model.generator_terms(real, fake)["adversarial"], p_fake[:, -1].mean())


def test_projection_is_an_inner_product_with_the_features(begun):
    model, real, _ = begun("cgan_projection")
    *before, last = model.discriminator.layers
    features = nn.Sequential(*before)(real.x)
    psi, embedding = last.weight[0], one_hot(real.y, CLASSES).float() @ last.weight[1:]
    expected = features @ psi + last.bias[0] + (features * embedding).sum(1) + last.bias[1:][real.y]
    torch.testing.assert_close(model.critic(real.x, real.y), expected)


def test_auxiliary_classifier_is_told_the_classes_of_both(begun):
    model, real, fake = begun("acgan", "model.class_weight=0.5")
    terms = model.discriminator_terms(real, fake)
    both = [cross_entropy(one.outputs[:, 1:], one.y) for one in (real, fake)]
    torch.testing.assert_close(terms["class"], 0.5 * sum(both))
    torch.testing.assert_close(model.generator_terms(real, fake)["class"], 0.5 * both[1])
    torch.testing.assert_close(terms["adversarial"], model.loss.discriminator(real.outputs[:, 0], fake.outputs[:, 0]))


def test_twin_classifiers_are_told_the_classes_of_one_each(begun):
    model, real, fake = begun("tacgan", "model.class_weight=0.5")
    assert real.outputs.shape == (12, 1 + 2 * CLASSES)
    own, of_fake, twin = (
        cross_entropy(one.outputs[:, first : first + CLASSES], one.y)
        for one, first in ((real, 1), (fake, 1), (fake, 1 + CLASSES))
    )
    torch.testing.assert_close(model.discriminator_terms(real, fake)["class"], 0.5 * (own + twin))
    torch.testing.assert_close(model.generator_terms(real, fake)["class"], 0.5 * (of_fake - twin))


def test_discriminative_classifier_has_classes_of_real_and_of_fake_samples(begun):
    model, real, fake = begun("adcgan", "model.class_weight=0.5")
    p_real, p_fake = (log_softmax(one.outputs[:, 1:], 1) for one in (real, fake))
    own, taken, told = (
        -p.gather(1, y[:, None]).mean() for p, y in ((p_real, real.y), (p_fake, fake.y), (p_fake, fake.y + CLASSES))
    )
    torch.testing.assert_close(model.discriminator_terms(real, fake)["class"], 0.5 * (own + told))
    torch.testing.assert_close(model.generator_terms(real, fake)["class"], 0.5 * (taken - told))


def test_codes_are_read_off_the_samples(begun):
    model, real, fake = begun("infogan", "model.categories=5", "model.continuous=2", "model.information_weight=0.3")
    assert fake.z.shape == (12, 3) and fake.z[:, -2:].abs().max() <= 1
    assert model.sample_labels(500).unique().tolist() == [0, 1, 2, 3, 4]
    gaussian = torch.distributions.Normal(fake.outputs[:, 6:], 1.0).log_prob(fake.z[:, -2:]).sum(1).mean()
    constant = 2 * torch.distributions.Normal(0.0, 1.0).log_prob(torch.zeros(()))
    expected = 0.3 * (cross_entropy(fake.outputs[:, 1:6], fake.y) - gaussian + constant)
    for terms in (model.discriminator_terms(real, fake), model.generator_terms(real, fake)):
        torch.testing.assert_close(terms["information"], expected)


def cosines(model, judged):
    """Return the cosines between embeddings, and between embeddings and all proxies."""
    embeddings, proxies = judged.outputs[:, 1:].detach(), model.proxies.weight.detach()
    assert embeddings.shape == (12, 6) and proxies.shape == (CLASSES, 6)
    return (
        torch.tensor([[cosine_similarity(a, b, 0) for b in others] for a in embeddings]) for others in (embeddings, proxies)
    )


def contrast(i, y, samples, proxies):
    """The contrastive loss of one sample, with temperature 0.5."""
    e = torch.exp(samples / 0.5)
    first = torch.exp(proxies[i, y[i]] / 0.5)
    others = [j for j in range(12) if j != i]
    kin = first + sum(e[i, j] for j in others if y[j] == y[i])
    return -torch.log(kin / (first + sum(e[i, j] for j in others)))


def margins(i, y, samples, proxies):
    """The data-to-data cross-entropy of one sample, with margin 0.7 and temperature 0.5."""
    own = torch.exp((proxies[i, y[i]] - 0.7).clamp(max=0) / 0.5)
    far = sum(torch.exp((samples[i, j] - 0.3).clamp(min=0) / 0.5) for j in range(12) if y[j] != y[i])
    return -torch.log(own / (own + far))


@pytest.mark.parametrize(
    ("name", "options", "one"),
    [("contragan", (), contrast), ("reacgan", ("model.margin=0.7",), margins)],
)
def test_embeddings_are_compared_as_published(begun, name, options, one):
    overrides = ("model.dimensions=6", "model.temperature=0.5", "model.class_weight=0.3")
    model, real, fake = begun(name, *overrides, *options)
    for judged, terms in ((real, model.discriminator_terms(real, fake)), (fake, model.generator_terms(real, fake))):
        samples, proxies = cosines(model, judged)
        expected = 0.3 * sum(one(i, judged.y.tolist(), samples, proxies) for i in range(12)) / 12
        torch.testing.assert_close(terms["class"], expected)
    assert model.proxies in model.owners()["d"]
    torch.testing.assert_close(model.realness(real.outputs, real.y), real.outputs[:, 0])


@pytest.mark.parametrize("name", MODELS)
def test_the_discriminator_sees_each_sample_once_for_all_terms(begun, name):
    if name == "dcgan":  # the same class as gan
        return
    model, real, fake = begun(name)
    seen = []
    model.discriminator.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    model.discriminator_terms(real, fake)
    model.generator_terms(real, fake)
    assert seen == [12, 12]


def test_infogan_needs_no_labels_and_others_do(ready, monkeypatch):
    no_labels = property(lambda self: 0, lambda self, value: None)
    monkeypatch.setattr("ganexp.data.points.Mixture.num_classes", no_labels, raising=False)
    load = Ring.load
    monkeypatch.setattr(Ring, "load", lambda self, split: (load(self, split)[0], None))
    for name in MODELS:
        if name in ("gan", "infogan"):
            ready(*POINTS, f"model={name}", folder=name)
        elif name != "dcgan":
            with refused("model", "data"):
                ready(*POINTS, f"model={name}")


def test_uniform_noise_is_between_minus_one_and_one(begun):
    model, *_ = begun("gan", "model.noise=uniform")
    z = model.sample_latent(10_000, torch.Generator().manual_seed(0))
    assert -1 <= z.min() < -0.99 and 0.99 < z.max() <= 1
    assert z.std().item() == pytest.approx(3**-0.5, abs=0.02)


def test_the_noise_of_a_mixture_is_around_minus_one_and_one(begun):
    model, *_ = begun("gan", "model.noise=mixture")
    z = model.sample_latent(10_000, torch.Generator().manual_seed(0))
    above = z > 0  # all but 2.3 % of the normals around 1
    assert above.double().mean().item() == pytest.approx(0.5, abs=0.01)
    assert z.std().item() == pytest.approx(1.25**0.5, abs=0.02)
    assert (z.abs() - 1).std().item() == pytest.approx(0.483, abs=0.01)
    assert (z.abs() < 0.2).double().mean().item() == pytest.approx(0.0466, abs=0.006)  # of normal latents: 0.16


def test_labels_are_as_frequent_as_in_the_data(begun):
    model, *_ = begun("cgan")
    model.data.class_weights = (0.5, 0.25, 0.25, *[0.0] * (CLASSES - 3))
    counts = model.sample_labels(4000, torch.Generator().manual_seed(0)).bincount(minlength=CLASSES) / 4000
    torch.testing.assert_close(counts, torch.tensor(model.data.class_weights), atol=0.03, rtol=0)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_crashed_variant_resumes_to_the_same_end(ready, name):
    extra = ("model.labels=20",) if name == "ssgan" else ()
    overrides = (
        *POINTS, f"model={name}", "loss=non_saturating", *extra, "callbacks.checkpoints.every=2", "trainer.max_iterations=4",
        "metrics=none", "~callbacks.samples",
    )  # fmt: skip
    whole, resumed = whole_and_resumed(ready, *overrides, at=3)
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert curves(resumed.run.path) == curves(whole.run.path)


COUPLES = list(zip_longest(PENALTIES[::2], PENALTIES[1::2], fillvalue="none"))
"""Every penalty, in few couples of which the second stands beside the first."""


@pytest.mark.parametrize(("model", "loss", "couple", "augmentation"), pairs(MODELS, LOSSES, COUPLES, AUGMENTATIONS))
def test_all_choices_train_together(ready, tmp_path, model, loss, couple, augmentation):
    penalty, second = couple
    beside = () if second == "none" else (f"+penalty@regularizers.second={second}",)
    training = ready(
        *TINY_IMAGES, *QUIET, f"model={model}", "network=mlp", *TINY_MLP,
        f"loss={loss}", f"penalty={penalty}", *beside, f"augmentation={augmentation}", "trainer.max_iterations=2",
        "callbacks.scalars.every=2", "~callbacks.health",
    )  # fmt: skip
    before = [parameter.clone() for parameter in training.model.parameters()]
    training.trainer.fit(training.model, datamodule=training.data)
    assert training.model.counters.iteration == 2
    assert all(parameter.isfinite().all() for parameter in training.model.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(before, training.model.parameters(), strict=True))
    short = training.config | {"trainer": training.config["trainer"] | {"max_iterations": 1}}
    assert train_elsewhere(short, tmp_path / "elsewhere") == once(), "neither a mixed device nor a wait for it"


@pytest.mark.parametrize("penalty", PENALTIES)
def test_batch_norm_is_refused_under_penalties_on_sample_gradients(penalty):
    choices = ("loss=hinge", f"penalty={penalty}", "network=mlp", "network.discriminator.norm=batch")
    config = compose(*TINY, *TINY_IMAGES, *choices)
    if not getattr(build(config["penalty"], "penalty"), "per_sample", False):
        build_components(config)
        return
    with refused("network.discriminator.norm", "penalty"):
        build_components(config)


@pytest.mark.parametrize(
    ("choice", "keys"),
    [
        ("penalty=consistency", ("penalty", "data")),
        ("penalty=latent_diversity", ("penalty", "data")),
        ("augmentation=diffaugment", ("augmentation", "data")),
    ],
)
def test_changes_of_images_are_refused_for_points(choice, keys):
    with refused(*keys):
        build_components(compose(*TINY, *TINY_RING, choice))
