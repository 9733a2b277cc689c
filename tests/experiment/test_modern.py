"""The first iterations of the presets with the networks of today against plain PyTorch, at a small width.

Networks, augmentations and the changes of consistency are copies of the run's as it began; tests of their own hold them against
their definition. All else is written out from the papers' formulas: losses, penalties, LeCam's means, path lengths, lazy terms
and the rates that go with them, schedules in the middle of their ramp, ADA's p, and the average of the generator.
"""

from pathlib import Path

import pytest
import torch

from ganexp.config.build import build
from ganexp.config.compose import compose, directory
from ganexp.models.schedules import Clock
from support.one_update import EXACT, play
from support.twin import RAMP, Recipe, Twin, always, ramp, same, straight


def sngan(**options) -> Recipe:
    return Recipe("hinge", **{"rates": same(2e-4), "betas": (0.5, always(0.999))} | options)


def stylegan2(**options) -> Recipe:
    plain = {"rates": same(0.0025), "betas": (0.0, always(0.99)), "groups": True}
    return Recipe("logistic", **plain | options)


R3GAN = Recipe(
    "relativistic", 2 * (ramp(2e-4, 5e-5),), (0.0, ramp(0.9, 0.99)), gamma=ramp(0.05, 0.005), both=True, warm=False,
)  # fmt: skip
PUBLISHED = stylegan2(gamma=always(0.01), every=16, paces=(16 / 17, 4 / 5), half_life=straight(0.0, 5e5), warm=False)
UNLABELLED = sngan(betas=(0.0, always(0.9)), linear=True, labels=False)
BIGGAN = sngan(decay=0.9999)
WIDTHS = ("network.generator.channels=4", "network.discriminator.channels=4")
NARROW = ("network.generator.widths=[8,4,4]", "network.discriminator.widths=[4,4,8]")
BIG = (*WIDTHS, "network.generator.embedding=3", "model.latent_dim=8")
STYLES = (*WIDTHS, "network.generator.style_dim=6", "network.discriminator.mapping_layers=2", "model.latent_dim=6")
SHORT = tuple(
    f"{key}.images={RAMP}" for key in ("penalty.gamma", "optimizer.lr", "optimizer.betas.1", "schedule.ema_images")
)  # fmt: skip
AVERAGE = f"schedule.ema_images.images={RAMP}"
PHOTOGRAPHS = ("data=cifar10", "data._target_=support.one_update.RandomPhotographs")

PRESETS: dict[str, tuple[tuple[str, ...], Recipe]] = {
    "cifar10_sngan": (WIDTHS, UNLABELLED),
    "mnist_sngan_small": (WIDTHS, sngan(rates=same(4e-4), betas=(0.0, always(0.9)), linear=True, labels=False, decay=0.999)),
    "stl10_sngan": (WIDTHS, UNLABELLED),
    "celeba_sngan": (WIDTHS, UNLABELLED),
    "cifar10_wgan_gp_resnet": (WIDTHS, Recipe(**vars(UNLABELLED) | {"loss": "wasserstein", "term": "gradient"})),
    "cifar10_dcgan_wide": (NARROW, Recipe("logistic", same(8e-4), (0.5, always(0.999)), labels=False, groups=True)),
    "cifar10_sngan_projection": (WIDTHS, sngan()),
    "cifar10_sagan": (WIDTHS, sngan()),
    "cifar10_biggan": (BIG, BIGGAN),
    "cifar10_biggan_diffaugment": (BIG, BIGGAN),
    "cifar10_biggan_diffaugment_lecam": (
        (*BIG, "penalty.start=1", "penalty.decay=0.9"),
        sngan(decay=0.9999, term="lecam"),
    ),
    "cifar10_biggan_diffaugment_cr": (BIG, sngan(decay=0.9999, term="consistency")),
    "cifar10_stylegan2": ((*STYLES, AVERAGE), PUBLISHED),
    "cifar10_stylegan2_ada": ((*STYLES, AVERAGE, "augmentation.probability=0.6", "augmentation.every=1"), PUBLISHED),
    "folder_stylegan2_ada": (
        (*PHOTOGRAPHS, *STYLES, AVERAGE, "augmentation.probability=0.6", "augmentation.every=1"),
        stylegan2(
            gamma=always(0.0256),
            every=16,
            paces=(16 / 17, 4 / 5),
            half_life=straight(0.0, 1e4),
            warm=False,
            labels=False,
            term="path length",
        ),
    ),
    "cifar10_reacgan": ((*STYLES, AVERAGE, "model.dimensions=5"), Recipe(**vars(PUBLISHED) | {"term": "embeddings"})),
    "digits_stylegan2_small": (STYLES, stylegan2(gamma=always(1.0), every=8, half_life=always(5000))),
    "cifar10_r3gan": (
        (*WIDTHS, *SHORT, f"augmentation.probability.images={RAMP}"),
        Recipe(**vars(R3GAN) | {"half_life": ramp(0.0, 5e6), "probability": ramp(0.0, 0.55)}),
    ),
    "cifar10_r3gan_small": ((*WIDTHS, *SHORT), Recipe(**vars(R3GAN) | {"half_life": ramp(0.0, 1e4)})),
    "stacked_mnist_r3gan": (
        WIDTHS,
        Recipe("relativistic", same(2e-4), (0.0, always(0.99)), gamma=always(1.0), both=True, decay=0.999, labels=False),
    ),
}


@pytest.mark.parametrize("name", PRESETS)
def test_the_first_iterations_are_those_of_plain_pytorch(tmp_path, name):
    small, recipe = PRESETS[name]
    iterations = 3 if recipe.loss == "relativistic" else 2
    played = play(tmp_path, name, "data.batch_size=4", *small, iterations=iterations)
    twin, model = Twin(played, recipe), played.training.model
    try:
        twin.play(played)
    finally:
        torch.set_default_dtype(torch.float)
    # All logits within the margins of the hinge loss, and any of Wasserstein's, are moved up as much as down.
    twin.check(played, still=("output.bias",) if recipe.loss in ("hinge", "wasserstein") else ())
    assert (model.average is None) == (recipe.decay is None and recipe.half_life is None)
    if model.average is not None:
        for its, mine in zip(model.average.module.parameters(), twin.average.parameters(), strict=True):
            torch.testing.assert_close(its, mine, rtol=EXACT, atol=EXACT)
    if twin.p is not None:
        assert float(model.augmentation.p) == pytest.approx(float(twin.p), abs=EXACT)
    if recipe.term == "lecam":
        torch.testing.assert_close(model.regularizers["penalty"].anchors, twin.anchors, rtol=EXACT, atol=EXACT)
    if recipe.term == "path length":
        assert float(model.regularizers["path_length"].mean) == pytest.approx(twin.length, abs=EXACT)


@pytest.mark.parametrize(
    ("name", "data", "most"),
    [("cifar10_stylegan2", "data=cifar10", 500_000), ("folder_stylegan2_ada", "data.path=pictures", 10_000)],
)
def test_the_average_follows_for_a_twentieth_of_the_images_seen(name, data, most):
    half_life = build(compose(f"experiment={name}", data)["schedule"]["ema_images"], "schedule.ema_images")
    for images in (0, 64, 12_800, 150_000, 9_000_000, 20_000_000):
        assert half_life(Clock(images=images)) == pytest.approx(min(most, 0.05 * images))


def test_every_preset_is_played_against_plain_pytorch():
    played = "".join((Path(__file__).parent / f"test_{name}.py").read_text() for name in ("keras", "modern", "others"))
    assert not [path.stem for path in (directory() / "experiment").glob("*.yaml") if f'"{path.stem}"' not in played]
