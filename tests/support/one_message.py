"""A command line that is refused says so in one message."""

import re

SHORT = ("trainer.accelerator=cpu", "trainer.max_epochs=null", "trainer.max_iterations=2", "callbacks.scalars.every=1")


def message(stderr: str) -> str:
    """Return the only line on standard error, without the program's name, after a look at its language."""
    (line,) = stderr.splitlines()
    assert line.startswith("ganexp: ")
    assert not re.search(r"Traceback|<class|object at 0x|site-packages|<function", line)
    return line.removeprefix("ganexp: ")
