"""The one exception that means "this experiment cannot run, and here is why"."""

from typing import Any


class ConfigError(ValueError):
    """Refuse an experiment before any work is done.

    Arguments:
        message: What is wrong, in one sentence, without the command line's values.
        keys: Config groups or dotted keys that are at fault, such as ``"model"`` or ``"data.batch_size"``. The command line
            prints each with its present value in front of the message.
        hint: What to use instead, in one sentence.

    Attributes:
        stated: Whether the message names the settings at fault already, as the command line prints it.
    """

    stated = False

    def __init__(self, message: str, *keys: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.keys = keys
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # A refusal crosses process borders (launchers, DDP ranks); the default would drop the keyword.
        return _rebuild, (self.message, self.keys, self.hint)


def _rebuild(message: str, keys: tuple[str, ...], hint: str | None) -> ConfigError:
    return ConfigError(message, *keys, hint=hint)
