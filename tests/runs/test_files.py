import json
import os
import stat

import pytest

from ganexp.runs.files import replacing, whole_file, write_atomically, write_json


def test_a_file_appears_whole_with_the_rights_of_an_ordinary_one(tmp_path):
    path = tmp_path / "new/folder/file.txt"
    with whole_file(path) as file:
        file.write(b"half")
        file.flush()
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"
    (tmp_path / "ordinary").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "ordinary").stat().st_mode)
    assert os.listdir(path.parent) == ["file.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    write_atomically(path, "old")
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_folder_takes_the_place_of_another_and_a_file_does_not(tmp_path):
    target = tmp_path / "images"
    for name in ("old.png", "new.png"):
        with replacing(target) as path:
            path.mkdir()
            (path / name).touch()
    assert os.listdir(tmp_path) == ["images"] and os.listdir(target) == ["new.png"]
    with pytest.raises(OSError), whole_file(target) as file:
        file.write(b"a file does not replace a folder")
    assert os.listdir(target) == ["new.png"]


def test_what_is_not_completed_leaves_no_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a" / "b" / "file") as path:
        path.write_text("half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_json_is_strict(tmp_path):
    content = {"a": [float("nan"), 1.5, (float("inf"), 2)], "b": {"c": -float("inf"), "d": None, "e": True, "f": "x"}}
    write_json(tmp_path / "file.json", content)
    text = (tmp_path / "file.json").read_text()
    read = json.loads(text, parse_constant=pytest.fail)
    assert read == {"a": [None, 1.5, [None, 2]], "b": {"c": None, "d": None, "e": True, "f": "x"}}
