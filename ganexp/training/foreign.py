"""Callbacks that this package has not written, and how they get on with its loop.

Several iterations share one of Lightning's batches, to save time, and optimisation is manual. Callbacks of this package know
it. Where another one has hooks of a batch, each iteration is a batch of its own, so that ``trainer.global_step`` and the model
are those of that iteration; one that would never be called, or whose work another option does, is refused.
"""

from lightning.pytorch import Callback, callbacks

from ganexp.config.errors import ConfigError
from ganexp.training.callbacks import Periodic

_OWN = "ganexp."
_EACH = ("on_train_batch_start", "on_train_batch_end")
# Lightning calls them where it optimises by itself.
_NEVER = ("on_before_backward", "on_after_backward", "on_before_optimizer_step", "on_before_zero_grad")
# They wait for what automatic optimisation and a validation loop have, and what does the same.
_INSTEAD: dict[type[Callback], str] = {
    callbacks.EarlyStopping: "use callbacks.health.action=stop",
    callbacks.Checkpoint: "use callbacks.checkpoints and callbacks.evaluation.best",
    callbacks.ProgressBar: "use callbacks.progress",
    callbacks.StochasticWeightAveraging: "use schedule.ema_decay",
    callbacks.GradientAccumulationScheduler: "use schedule.micro_batches",
    callbacks.LearningRateFinder: "use -m search=adam",
    callbacks.BatchSizeFinder: "set data.batch_size",
    callbacks.BaseFinetuning: "redefine owners() of a model",
}


def cadence(callback: Callback, path: str, iterations: int, per_epoch: float) -> int:
    """Return the number of iterations at whose multiples one of Lightning's batches has to end for a callback.

    Arguments:
        callback: The callback.
        path: Where it stands in the configuration.
        iterations: Iterations of the whole budget.
        per_epoch: Iterations of an epoch.

    Raises:
        ConfigError: It does not apply here.
    """
    if isinstance(callback, Periodic):
        return callback.cadence(iterations, per_epoch)
    if type(callback).__module__.startswith(_OWN):
        return iterations
    name = type(callback).__name__
    if instead := next((hint for kind, hint in _INSTEAD.items() if isinstance(callback, kind)), None):
        raise ConfigError(f"{name} does not apply to GANs", path, hint=instead)
    if dead := [hook for hook in _NEVER if _redefines(callback, hook)]:
        hint = "derive it from ganexp.training.callbacks.Periodic, which acts every so many iterations"
        raise ConfigError(f"{name}.{dead[0]} would never be called", path, hint=hint)
    return 1 if any(_redefines(callback, hook) for hook in _EACH) else iterations


def _redefines(callback: Callback, hook: str) -> bool:
    return getattr(type(callback), hook) is not getattr(Callback, hook)
