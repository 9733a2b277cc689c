"""Passwords are kept out of what is printed."""

import pytest
from omegaconf import OmegaConf

from ganexp.config.errors import ConfigError
from ganexp.config.refusals import explain, explain_refusal
from ganexp.config.secret import redact

SECRET = "se/cr:et@1"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:{}@host:5432/studies",
        "mysql+pymysql://me:{}@host/a?b=1",
        "x://:{}@host",
        "http://host/?password={}&user=me",
    ],
)
def test_a_password_in_an_address_is_not_shown_and_the_rest_is(address):
    secret = SECRET if "?password" not in address else "secret"
    text = redact(f"search.storage={address.format(secret)}: refused")
    assert text == f"search.storage={address.format('***')}: refused"


@pytest.mark.parametrize("text", ["sqlite:////home/me/a.db", "see https://arxiv.org/abs/1, or me@host", "data.path=a:b@c", ""])
def test_everything_else_is_shown(text):
    assert redact(text) == text


def test_no_refusal_shows_one():
    typed = f"search.storage=postgresql://me:{SECRET}@host/studies"
    error = ConfigError(f"cannot use {typed}", "search.storage")
    assert SECRET not in explain(error, [typed])
    assert SECRET not in explain_refusal(
        error, OmegaConf.create({"search": {"storage": typed.partition("=")[2]}, "choices": {}})
    )
