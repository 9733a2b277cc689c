"""In mixed precision convolutions compute in half of it, and what needs float32 has it: every operation is looked at."""

from collections import defaultdict

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from support.tiny import CONVOLUTIONS, QUIET

COLOURS = ("data=cifar10", "data._target_=support.one_update.RandomPhotographs", "data.batch_size=4", "metrics=none")
SMALL = (
    *(*COLOURS, *CONVOLUTIONS, *QUIET, "~callbacks.health", "model.latent_dim=8", "trainer.max_iterations=2"),
    *("trainer.precision=bf16-mixed", "schedule.ema_decay=0.9", "callbacks.scalars.every=1"),
)
FULL = {
    # losses, and what becomes of logits
    "softplus", "softplus_backward", "mean", "_log_softmax", "hardtanh", "clamp", "clamp_min", "logsumexp",
    "linalg_vector_norm",
    # deviations of a group, demodulation, normalised styles
    "sqrt", "rsqrt", "div", "var",
    # attention and spectral norm
    "_softmax", "_softmax_backward_data", "mv", "dot", "vdot",
    # averages and optimisers
    "_foreach_lerp_", "lerp", "_fused_adam_", "_fused_adamw_",
}  # fmt: skip
"""Operators that have to be given float32, wherever they occur."""


class Types(TorchDispatchMode):
    """Keep the types of the numbers that each operator is given."""

    def __init__(self):
        super().__init__()
        self.given = defaultdict(set)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
        self.given[function.overloadpacket.__name__] |= {tensor.dtype for tensor in tensors}
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("overrides", "own"),
    [
        (("network=resnet", "loss=hinge", "penalty=lecam"), {"mean", "mv"}),
        (("network=resnet", "loss=non_saturating", "model=reacgan"), {"softplus"}),
        (("network=biggan", "loss=hinge", "+penalty@regularizers.second=consistency"), {"_softmax", "mv"}),
        (("network=stylegan2", "loss=non_saturating", "penalty=r1"), {"rsqrt", "sqrt", "softplus"}),
        (("network=stylegan2", "penalty=path_length", "augmentation=ada"), {"rsqrt", "sqrt"}),
        (("network=r3gan", "loss=r3gan"), {"softplus"}),
        (("network=dcgan", "loss=wgan_gp", "recipe.norm=layer"), {"mean", "linalg_vector_norm"}),
    ],
)
def test_what_needs_float32_has_it_while_convolutions_have_not(ready, overrides, own):
    training, seen = ready(*SMALL, "model=cgan", *overrides), {}
    observe = training.model.observe
    training.model.observe = lambda tag, value: (seen.setdefault(tag, value.dtype), observe(tag, value))
    with Types() as types:
        training.trainer.fit(training.model, datamodule=training.data)
    given = types.given
    assert own <= given.keys()
    assert torch.bfloat16 in given["convolution"]
    assert {name: given[name] for name in FULL & given.keys() if given[name] - {torch.float32}} == {}
    assert "loss/d" in seen and "loss/g" in seen
    assert {tag for tag, kind in seen.items() if kind is not torch.float32} == set()
    assert {value.dtype for value in training.model.state_dict().values() if isinstance(value, Tensor)} <= {
        torch.float32,
        torch.int64,
    }
