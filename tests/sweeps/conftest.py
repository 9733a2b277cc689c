"""What all tests of sweeps need."""

import pytest

from ganexp.sweeps.supervisor import listening


@pytest.fixture(autouse=True)
def _nobody_asked() -> None:
    """Forget the requests to stop of the test before."""
    with listening():
        pass
