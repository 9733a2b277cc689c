import json

from ganexp.sweeps import Sweep


def test_what_became_of_each_run_is_told_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Sweep, "folder", tmp_path)
    health = {"verdict": "diverged"}
    summaries = {
        "seed=0": {"status": "finished", "health": {"verdict": "healthy"}, "metrics": {"fid": 1.23456, "share/7": 0.1}},
        "seed=1": {"status": "diverged", "health": health, "metrics": {"fid": None, "loss/d": None, "loss/g": 0.5}},
        "seed=2": {"status": "finished", "health": None, "metrics": {}},
        "seed=3": None,
    }
    for name, summary in summaries.items():
        (tmp_path / name / ".hydra").mkdir(parents=True)
        if summary is not None:
            (tmp_path / name / "summary.json").write_text(json.dumps(summary))
    Sweep.close()
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("seed=")]
    assert lines == [
        ["seed=0", "finished", "healthy", "fid", "1.235"],
        ["seed=1", "diverged", "diverged", "fid", "loss/d", "loss/g", "0.5"],
        ["seed=2", "finished"],
        ["seed=3", "failed"],
    ]
