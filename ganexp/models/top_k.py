"""Top-k training: the generator learns from the fakes that the discriminator finds most real."""

from torch import nn

from ganexp.models.judging import Judged


class TopK(nn.Module):
    """Choose the samples of a batch with the largest logits.

    References:
        Top-k Training of GANs: Improving GAN Performance by Throwing Away Bad Samples (Sinha et al., 2020),
        https://arxiv.org/abs/2002.06224

    Arguments:
        share: Of the samples, those that are chosen; at least one. It may have a schedule.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, real: Judged, fake: Judged) -> tuple[Judged, Judged]:
        """Return the chosen fakes, as they were judged, and the real samples with the same places in the batch."""
        count = max(round(self.share * len(fake.y)), 1)
        if count == len(fake.y):
            return real, fake
        chosen = fake.logits.detach().topk(count).indices
        return real.take(chosen), fake.take(chosen)
