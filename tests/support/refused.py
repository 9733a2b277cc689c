"""Refusals, known by the keys that they name: their words may change."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ganexp.config.errors import ConfigError


@contextmanager
def refused(*keys: str) -> Iterator[pytest.ExceptionInfo[ConfigError]]:
    """Expect a refusal that names these keys, in this order."""
    with pytest.raises(ConfigError) as caught:
        yield caught
    assert caught.value.keys == keys, str(caught.value)
