import gzip
import json

import pytest

from ser_lib.sweep.forecast import Forecast, duration
from ser_lib.sweep.grid import read_grids
from ser_lib.sweep.keep import pack, read_packed

FIRST = "RAVDESS/ravdess-si6/small/fold-1"


def test_runs_are_made_kept_and_not_made_again(sweep, grid, tmp_path, starts, at_work):
    path = grid({"folds": [1, 2]}, {"folds": "all"})
    code, out, _ = sweep(path, "--workers", "2")
    assert code == 0 and "3 runs: made 3, done before 0" in out
    lines = out.splitlines()
    assert lines[0].startswith("RAVDESS/ravdess-si6/small/") and "UA 50.0 %" in lines[0]
    assert "2 left, about " in lines[0] and "none left" in lines[2]
    kept = tmp_path / "results" / FIRST
    packed = (kept / "predictions.csv.gz").read_bytes()
    assert gzip.decompress(packed) == b"id,emotion\na,calm\n"
    # No date inside, and so no difference where nothing differs.
    assert packed == pack(gzip.decompress(packed)) and packed[4:8] == bytes(4)
    assert json.loads((kept / "metrics.json").read_text())["run"]["fold"] == 1
    assert (
        not [file for file in kept.iterdir() if file.name[0] == "."] and len([*kept.iterdir()]) == 2
    )
    code, out, _ = sweep(path)
    assert code == 0 and "3 runs: made 0, done before 3" in out
    assert starts() == {"fold-1": 1, "fold-2": 1, "all": 1}
    assert not at_work()


def test_runs_are_made_by_the_package_that_plans_them(sweep, grid, root, tmp_path, monkeypatch):
    other = tmp_path / "installed" / "ser_lib"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise ImportError('another checkout')\n")
    monkeypatch.setenv("PYTHONPATH", str(other.parent))
    script = root / "recipes" / "RAVDESS" / "train.py"
    script.write_text(f"import ser_lib\n{script.read_text()}")
    code, out, _ = sweep(grid({}))
    assert code == 0, out


def test_metrics_alone_are_done_unless_predictions_are_asked_for(sweep, grid, tmp_path):
    path = grid({})
    sweep(path)
    (tmp_path / "results" / FIRST / "predictions.csv.gz").unlink()
    code, out, _ = sweep(path)
    assert code == 0 and "done before 1" in out
    assert "done, without predictions: " + FIRST in sweep(path, "--list")[1]
    code, out, _ = sweep(path, "--need_predictions")
    assert code == 0 and "made 1" in out
    assert (tmp_path / "results" / FIRST / "predictions.csv.gz").is_file()


def test_damaged_metrics_are_made_again(sweep, grid, tmp_path):
    path = grid({})
    sweep(path)
    (tmp_path / "results" / FIRST / "metrics.json").write_text("{")
    assert "made 1" in sweep(path)[1]


def test_a_failed_run_is_kept_apart_and_stops_no_other(sweep, grid, tmp_path, starts):
    path = grid({"overrides": {"batch_size": 13}}, {"folds": [2]})
    code, out, _ = sweep(path)
    assert code == 3 and "made 1, done before 0, failed 1" in out
    assert f"failed: {FIRST}: no such clip; look again" in out
    (folder,) = (tmp_path / "runs" / "failed" / FIRST).iterdir()
    assert "some words" in (folder / "log.txt").read_text()
    told = json.loads((folder / "failure.json").read_text())
    assert told["code"] == 2 and told["command"].endswith("--fold 1 --batch_size 13")
    assert not (tmp_path / "results" / FIRST).exists()
    assert f"failed: {FIRST}" in sweep(path, "--list")[1]
    # A later sweep tries again.
    assert sweep(path)[0] == 3 and starts()["fold-1"] == 2


def test_a_run_that_made_something_else_is_not_kept(sweep, grid, tmp_path):
    code, out, _ = sweep(grid({"overrides": {"patience": 9}}))
    assert code == 3 and "is of another command" in out
    assert not (tmp_path / "results").exists()


def test_a_result_of_another_command_is_not_overwritten_unawares(sweep, grid, tmp_path):
    sweep(grid({}))
    other = grid({"overrides": {"batch_size": 8}})
    code, out, err = sweep(other)
    assert code == 2 and not out and "holds the result of another command" in err
    assert "--replace" in err and err.count("\n") == 1
    assert "to do, in place of another command's" in sweep(other, "--list")[1]
    assert sweep(other, "--replace")[0] == 0
    assert "batch_size 8" in (tmp_path / "results" / FIRST / "metrics.json").read_text()


def test_corpora_are_looked_for_before_anything_runs(sweep, grid, tmp_path):
    code, out, err = sweep(grid({}), "--data_root", tmp_path / "corpora")
    assert code == 2 and not out and "RAVDESS is not there; give --data_root" in err
    (tmp_path / "corpora" / "RAVDESS").mkdir(parents=True)
    assert sweep(grid({}), "--data_root", tmp_path / "corpora")[0] == 0
    command = json.loads((tmp_path / "results" / FIRST / "metrics.json").read_text())["run"]
    assert command["command"].endswith("--data_folder PATH/TO/RAVDESS")
    assert "done before 1" in sweep(grid({}))[1]


def test_two_processes_divide_a_grid(grid, start, starts):
    path = grid({"folds": [1, 2, 3, 4, 5, 6], "overrides": {"lr": 0.3}})
    both = [start(path) for _ in range(2)]
    outs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outs
    assert starts() == {f"fold-{n}": 1 for n in range(1, 7)}
    assert all("made 0" not in out and "left" not in out.splitlines()[-1] for out in outs)


def test_a_real_run_is_swept(grid, tmp_path, small_ravdess, capfd):
    from ser_lib.sweep.__main__ import main

    path = grid({"overrides": {"number_of_epochs": 1}, "allow_partial": True})
    line = [path, "--results", tmp_path / "results", "--runs", tmp_path / "runs"]
    line += ["--data_root", small_ravdess.parent]
    assert main([str(word) for word in line]) == 0, capfd.readouterr()
    kept = tmp_path / "results" / FIRST
    assert len(read_packed(kept / "predictions.csv.gz")) == 16
    assert "done before 1" not in capfd.readouterr().out
    assert main([str(word) for word in line]) == 0
    assert "done before 1" in capfd.readouterr().out


def test_the_forecast_goes_by_the_systems_own_runs(grid, root):
    plan = read_grids([grid({"folds": [1, 2]}, {"folds": "all"})], root)
    forecast = Forecast(workers=2)
    forecast.expect(plan)
    assert forecast.left() == "3 left"
    forecast.ended(plan[0], 10.0)
    assert forecast.seconds() == pytest.approx((10 + 60) / 2)
    assert forecast.left() == "2 left, about 35 s"
    assert [duration(s) for s in (4, 100, 7500)] == ["4 s", "2 min", "2 h 5 min"]
