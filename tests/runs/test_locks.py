import subprocess
import sys

import pytest

from ganexp.runs.locks import Held, acquire, alone, hold, is_held


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
    code = "import sys; from pathlib import Path; from ganexp.runs.locks import acquire\n"
    code += "held = acquire(Path(sys.argv[1])); print(flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    assert is_held(path)
    process.kill()
    process.communicate()
    assert not is_held(path)


def test_who_makes_a_file_makes_the_others_wait(tmp_path):
    path = tmp_path / "new" / "file"
    code = "import sys; from pathlib import Path; from ganexp.runs.locks import alone\n"
    code += "with alone(Path(sys.argv[1])): print(Path(sys.argv[1]).read_text())"
    with alone(path):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=2)
        path.write_text("made")
    assert process.communicate(timeout=60)[0] == "made\n"


def test_where_no_lock_can_be_had_nobody_waits(tmp_path):
    (tmp_path / "file").write_text("")
    with alone(tmp_path / "file" / "below"), alone(tmp_path / "file" / "below"):
        pass
