import subprocess
import sys

import pytest

from ganexp.locks import Held, acquire, hold, is_held


def test_a_lock_is_had_by_one_at_a_time(tmp_path):
    path = tmp_path / "a.lock"
    assert not is_held(path) and not path.exists()
    with hold(path):
        assert is_held(path)
        with pytest.raises(Held), hold(path):
            pass
    assert not is_held(path)
    acquire(path).release()


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path):
    path = tmp_path / "a.lock"
    code = "import sys; from pathlib import Path; from ganexp.locks import acquire\n"
    code += "held = acquire(Path(sys.argv[1])); print(flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    assert is_held(path)
    process.kill()
    process.communicate()
    assert not is_held(path)
