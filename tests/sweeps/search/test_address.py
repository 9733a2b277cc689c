"""The password of a database is in the environment alone."""

import pytest

from ganexp.sweeps.search.address import PASSWORD, address, check_address
from support.refused import refused

pytest.importorskip("sqlalchemy")


def test_the_password_comes_from_the_environment_where_there_is_a_user(monkeypatch):
    monkeypatch.setenv(PASSWORD, "s@c:ret/")
    assert address("postgresql://me@host/studies").password == "s@c:ret/"
    assert address("sqlite:////studies.db").password is None
    monkeypatch.delenv(PASSWORD)
    assert address("postgresql://me@host/studies").password is None


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/a", "postgresql://me@host/a?password=secret", "studies", ""])
def test_an_address_with_a_password_is_refused_and_not_repeated(url):
    with refused("search.storage") as caught:
        check_address(url)
    assert "secret" not in str(caught.value)
    check_address("postgresql://me@host/studies")
