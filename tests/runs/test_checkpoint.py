"""Checkpoints are written whole or not at all, and what is no checkpoint of this format is refused."""

import os
import resource
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from ganexp.runs.archive import Sealing
from ganexp.runs.checkpoint import Damaged, Position, go_back, last_good, load, newest_before, write
from ganexp.runs.run import Run
from support.refused import refused


def save(path: Path, iteration: int, **callbacks) -> Path:
    """Write a checkpoint as small as can be."""
    content = {"state_dict": {"weight": torch.ones(2, 3)}, "callbacks": callbacks}
    Position({"iteration": iteration}, [{"torch": torch.get_rng_state()}], {}).put_into(content)
    write(content, path)
    return path


def damage(path: Path) -> None:
    """Flip a byte of a tensor, which torch itself would not notice."""
    content = bytearray(path.read_bytes())
    content[content.index(torch.ones(2).numpy().tobytes())] ^= 0xFF
    path.write_bytes(content)


@pytest.fixture
def run(tmp_path):
    """Return a run with the last two checkpoints, the best, and some that were kept."""
    iterations = {"last": 12, "previous": 9, "best": 4, "00000003": 3, "00000006": 6, "00000012": 12}
    for name, iteration in iterations.items():
        save(tmp_path / "checkpoints" / f"{name}.ckpt", iteration, Health={"returns": 0})
    return Run(tmp_path)


@pytest.fixture
def small_disk():
    """Let no file of this process grow beyond 10,000 bytes, as when the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    checkpoint = load(save(tmp_path / "a.ckpt", 7, Scalars={"seconds": 1.5}))
    assert (checkpoint.path.name, checkpoint.iteration) == ("a.ckpt", 7)
    assert torch.equal(checkpoint.weights["weight"], torch.ones(2, 3))
    assert checkpoint.callbacks == {"Scalars": {"seconds": 1.5}}
    assert torch.equal(checkpoint.position.random[0]["torch"], torch.get_rng_state())


def test_what_keeps_a_file_from_being_written_is_reported_and_what_was_there_stays(tmp_path, request):
    path = save(tmp_path / "last.ckpt", 1)
    request.getfixturevalue("small_disk")
    with pytest.raises(OSError, match="File too large"):
        write({"x": torch.ones(10_000)}, path, before=tmp_path / "previous.ckpt")
    assert os.listdir(tmp_path) == ["last.ckpt"]
    assert load(path).iteration == 1


def test_what_was_there_is_kept_where_that_is_wanted(tmp_path):
    path, before = tmp_path / "last.ckpt", tmp_path / "previous.ckpt"
    for number in (1, 2, 3):
        write({"number": number}, path, before)
    assert [torch.load(file)["number"] for file in (path, before)] == [3, 2]


def test_the_newest_that_is_not_damaged_is_taken(run):
    damage(run.path / "checkpoints/last.ckpt")
    with pytest.raises(Damaged):
        load(run.path / "checkpoints/last.ckpt")
    with pytest.warns(RuntimeWarning, match=r"last\.ckpt"):
        assert last_good(run).path.name == "previous.ckpt"
    for path in run.checkpoints:
        path.write_bytes(b"torn")
    with refused("resume"):
        last_good(run)


def test_a_run_that_has_saved_nothing_has_none(tmp_path):
    assert last_good(Run(tmp_path)) is None
    assert newest_before(Run(tmp_path), 9) is None


def test_the_newest_from_before_an_iteration_may_be_the_best_or_a_kept_one(run):
    found = {before: newest_before(run, before) for before in (3, 4, 5, 6, 7, 10, 12, 13)}
    assert {before: checkpoint and checkpoint.path.stem for before, checkpoint in found.items()} == {
        3: None, 4: "00000003", 5: "best", 6: "best", 7: "00000006", 10: "previous", 12: "previous", 13: "last",
    }  # fmt: skip
    damage(run.path / "checkpoints/00000006.ckpt")
    assert newest_before(run, 7).path.stem == "best"


def test_to_go_back_gives_up_what_came_later_and_remembers_why(run):
    go_back(run, newest_before(run, 7), "Health", {"returns": 1})
    assert (last_good(run).iteration, last_good(run).callbacks) == (6, {"Health": {"returns": 1}})
    assert [path.stem for path in run.checkpoints] == ["last", "best"]
    assert load(run.path / "checkpoints/00000006.ckpt").callbacks == {"Health": {"returns": 0}}


def archive(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "b")


def of_another_program(path):
    torch.save({"weight": torch.zeros(1)}, path)


def weights_alone(path):
    write({"weight": torch.zeros(1)}, path)


def with_an_object(path):
    torch.save({"state_dict": {}, "callbacks": {"x": Path("x")}}, path)


def sealed_object(path):
    write({"state_dict": {}, "callbacks": {"x": Path("x")}}, path)


def half_a_position(path):
    content = torch.load(save(path, 1))
    content["ganexp"].pop("random")
    write(content, path)


def pipe(path):
    os.mkfifo(path)


def bomb(path):
    """Make an archive of a few bytes that says it holds 3 GB, with the right checksum, as anybody can."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file, file.open("archive/data.pkl", "w") as entry:
        for _ in range(30):
            entry.write(bytes(100_000))
    content = bytearray(path.read_bytes())
    where = content.rindex(b"PK\x01\x02") + 24
    content[where : where + 4] = (3 * 10**9).to_bytes(4, "little")
    with path.open("wb") as file:
        sealing = Sealing(file)
        sealing.write(bytes(content))
        sealing.close()


FOREIGN = [archive, of_another_program, weights_alone, with_an_object, sealed_object, half_a_position, pipe, bomb]


@pytest.mark.parametrize("make", FOREIGN)
def test_what_is_foreign_is_not_opened_and_the_one_before_it_is_taken(run, make):
    last = run.path / "checkpoints/last.ckpt"
    last.unlink()
    make(last)
    with pytest.raises(Damaged, match=r"last\.ckpt"):
        load(last)
    if make is pipe:  # no file: as if there were none
        assert last_good(run).iteration == 9
        return
    with pytest.warns(RuntimeWarning, match=r"last\.ckpt.*previous\.ckpt"):
        assert last_good(run).iteration == 9


def test_another_format_is_refused(tmp_path):
    content = torch.load(save(tmp_path / "last.ckpt", 1))
    content["ganexp"]["format"] = 0
    write(content, tmp_path / "last.ckpt")
    with refused("resume"):
        load(tmp_path / "last.ckpt")


def test_a_bit_that_is_flipped_anywhere_is_noticed(tmp_path):
    path = save(tmp_path / "last.ckpt", 7)
    whole = path.read_bytes()
    assert b"PK\x01\x02" in whole and zipfile.ZipFile(path).testzip() is None
    for bit in range(0, 8 * len(whole), 29):  # coprime to 8: names, headers, padding, data, the directory, the checksum
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with pytest.raises(Damaged):
            load(path)
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            load(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(Damaged):
        load(path)


def test_any_program_reads_what_is_written(tmp_path):
    path = save(tmp_path / "last.ckpt", 7)
    assert torch.equal(torch.load(path, weights_only=True)["state_dict"]["weight"], torch.ones(2, 3))


def test_networks_of_another_shape_are_refused(tmp_path):
    checkpoint = load(save(tmp_path / "last.ckpt", 1))
    checkpoint.check_fit(nn.Linear(3, 2, bias=False))
    for other in (nn.Linear(3, 2), nn.Linear(4, 2, bias=False)):
        with refused("resume"):
            checkpoint.check_fit(other)
