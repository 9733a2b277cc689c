"""A callback that harms a run, before anything else looks at it."""

import math
from typing import Literal

from lightning.pytorch import Callback

from ganexp.config.compose import compose
from ganexp.runs.run import Run
from ganexp.training.experiment import Experiment, assemble
from ganexp.training.state import RunState
from support.tiny import TINY


class Harm(Callback):
    """Spoil the generator at some iterations.

    Arguments:
        state: What the run knows of itself.
        what: ``flatten`` makes the average, from which samples are drawn, constant; ``poison`` makes a weight NaN.
        first: The first of the iterations.
        last: The last of them.
        again: Whether it happens again in a run that went back to a checkpoint.
    """

    def __init__(self, state: RunState, what: Literal["flatten", "poison"], first: int, last: int, again: bool = True):
        self.state, self.what, self.iterations, self.again = state, what, range(first, last + 1), again

    def on_train_batch_end(self, trainer, pl_module, *arguments):
        returned = self.state.health is not None and self.state.health.returns > 0
        if pl_module.counters.iteration not in self.iterations or (returned and not self.again):
            return
        if self.what == "poison":
            next(pl_module.generator.parameters()).data.view(-1)[0] = math.nan
        else:
            for parameter in pl_module.average.module.parameters():
                parameter.data.zero_()


def harmed(folder, what: str, first: int, last: int, *overrides: str, again: bool = True) -> Experiment:
    """Prepare a tiny training that is harmed."""
    config = compose(*TINY, *overrides)
    harm = {"_target_": "support.harm.Harm", "what": what, "first": first, "last": last, "again": again}
    config["callbacks"] = {"harm": harm, **config["callbacks"]}
    return assemble(config, Run(folder))
