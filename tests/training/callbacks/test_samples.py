import numpy as np
import pytest
import torch
from PIL import Image

from ganexp.config.errors import ConfigError
from ganexp.pictures import draw, image_grid
from ganexp.training.train import train
from support.tiny import CONVOLUTIONS, TINY_IMAGES, TINY_RING

IMAGES = (*TINY_IMAGES, "model=dcgan", *CONVOLUTIONS)
CLASSES = (*TINY_IMAGES, "model=cgan", "network=dcgan", *CONVOLUTIONS)


def last(training) -> np.ndarray:
    return np.asarray(Image.open(training.run.path / "samples" / "00000006.png"))


def final(training) -> np.ndarray:
    return np.asarray(Image.open(training.run.path / "final.png"))


def seeded(training) -> torch.Generator:
    return torch.Generator(training.model.device).manual_seed(0)


def grid(count: int, columns: int, **options) -> tuple[int, ...]:
    return image_grid(torch.zeros(count, 1, 8, 8), (-1, 1), columns, **options).shape


def test_latents_are_the_models_own(trained):
    training = trained(*IMAGES, "model.noise=uniform", "callbacks.samples.columns=3")
    model = training.model
    z = model.sample_latent(9, seeded(training))
    assert z.abs().max() <= 1
    expected = draw(training.data.data, model.sample(z, torch.zeros(9, dtype=torch.int64)), columns=3)
    assert (last(training) == expected).all()


def test_runs_are_compared_on_the_same_latents(ready, monkeypatch):
    seen = []
    for seed in (1, 2):
        training = ready(*IMAGES, f"seed={seed}", folder=str(seed))
        monkeypatch.setattr(training.model, "sample", lambda z, y: seen.append(z) or torch.zeros(len(z), 1, 8, 8))
        train(training, [])
    half = len(seen) // 2
    assert half >= 3 and all(torch.equal(*pair) for pair in zip(seen[:half], seen[half:], strict=True))


@pytest.mark.parametrize(
    ("options", "count", "columns"),
    [((), 100, 10), (("columns=4",), 16, 4), (("columns=5", "count=5"), 5, 5), (("columns=4", "count=6"), 6, 4)],
)
def test_the_number_of_images_is_an_option(trained, options, count, columns):
    training = trained(*IMAGES, *(f"callbacks.samples.{option}" for option in options))
    assert last(training).shape == grid(count, columns)
    assert final(training).shape == grid(100, 10)


def test_rows_are_classes_and_the_end_names_them(trained):
    training = trained(*CLASSES, "callbacks.samples.columns=3")
    names = tuple("0123456789")
    model, data = training.model, training.data.data
    y = torch.arange(10).repeat_interleave(3)
    samples = model.sample(model.sample_latent(30, seeded(training)), y)
    assert (last(training) == draw(data, samples, y)).all()
    assert (final(training) == draw(data, samples, y, columns=3, row_titles=names)).all()


def test_titled_images_stand_compactly_under_their_names(trained):
    training = trained(*CLASSES, "callbacks.samples.layout=titled", "callbacks.samples.columns=4")
    names = tuple("0123456789")
    model, y = training.model, torch.arange(10)
    samples = model.sample(model.sample_latent(10, seeded(training)), y)
    assert (last(training) == draw(training.data.data, samples, y, columns=5, titles=names)).all()
    assert final(training).shape == grid(40, 4, row_titles=names)


def test_an_infogans_codes_are_not_the_datas_classes(trained):
    training = trained(
        *TINY_IMAGES, "model=infogan", "network=dcgan", "model.categories=3", "model.continuous=1", *CONVOLUTIONS
    )
    assert last(training).shape == grid(30, 10)
    assert final(training).shape == grid(30, 10, row_titles=("code 0", "code 1", "code 2"))


def test_the_end_shows_more_points(trained):
    training = trained(*TINY_RING, "callbacks.samples.points=40")
    model, data = training.model, training.data.data
    y = torch.zeros(200, dtype=torch.int64)
    assert (final(training) == draw(data, model.sample(model.sample_latent(200, seeded(training)), y))).all()
    assert (final(training) != last(training)).any()


def test_points_are_coloured_by_class_where_the_model_is_told_one(trained):
    training = trained(*TINY_RING, "model=cgan", "network=mlp", "callbacks.samples.points=40")
    grey = trained(*TINY_RING, "model=gan", "callbacks.samples.points=40", folder="plain")
    hues = [len(np.unique(last(t).reshape(-1, 3), axis=0)) for t in (training, grey)]
    assert hues[0] > hues[1]


def test_an_unknown_layout_is_refused(ready):
    with pytest.raises(ConfigError, match="'rows' or 'titled'"):
        ready(*IMAGES, "callbacks.samples.layout=heap")
