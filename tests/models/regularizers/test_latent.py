"""Terms of neighbouring and of different latents, by hand, for the generator G(z) = a z + y and the logit D(x) = b sum(x)."""

import torch

from ganexp.models.regularizers.latent import LatentConsistency, LatentDiversity, ModeSeeking
from support.judging import judged_latents

A, B = 3.0, 0.5


def critic(x, y):
    return B * x.sum(1)


def generator(made):
    def generate(z, y):
        made.append((z, y))
        return A * z + y[:, None]

    return generate


def given(n=400, dim=6):
    torch.manual_seed(0)
    made = []
    z, y = torch.randn(n, dim, requires_grad=True), torch.arange(n) % 3
    return z, y, judged_latents(critic, generator(made), z, y), made


def test_logits_are_held_under_a_step_of_the_latent():
    z, y, judgement, made = given()
    term = LatentConsistency(weight=2.0, sigma=0.1)(judgement)
    (near, labels) = made[1]
    step = near - z
    assert torch.equal(labels, y) and abs(step.std().item() - 0.1) < 0.005 and abs(step.mean().item()) < 0.01
    torch.testing.assert_close(term, 2 * (A * B * step.sum(1)).square().mean())


def test_samples_are_driven_apart_from_their_neighbours():
    z, _, judgement, made = given()
    term = LatentDiversity(weight=2.0, sigma=0.1)(judgement)
    torch.testing.assert_close(term, -2 * (A * (made[1][0] - z)).square().mean())
    assert LatentDiversity.player == ModeSeeking.player == "g"


def test_samples_differ_as_their_latents_do():
    z, y, judgement, made = given()
    term = ModeSeeking(weight=2.0)(judgement)
    # Another latent of the batch, with the sample's own label: the distances differ by the factor of G.
    assert torch.equal(made[1][1], y) and sorted(made[1][0][:, 0].tolist()) == sorted(z[:, 0].tolist())
    torch.testing.assert_close(term, torch.tensor(2 / (A + 1e-5)))


def test_a_batch_of_one_is_no_nan():
    z, y = torch.randn(1, 4, requires_grad=True), torch.zeros(1, dtype=torch.int64)
    term = ModeSeeking()(judged_latents(critic, generator([]), z, y))
    assert term.isfinite() and torch.autograd.grad(term, z)[0].isfinite().all()
