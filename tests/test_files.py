import json
import os

import numpy as np
import pytest

from ser_lib.errors import RunError
from ser_lib.files import staged, to_json, write_text


def test_write_text_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_text(path, "one\r\n")
    write_text(path, "zwei – ü\n")
    assert path.read_bytes() == "zwei – ü\n".encode()
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]


def test_a_failed_write_keeps_the_earlier_file(tmp_path, monkeypatch):
    path = write_text(tmp_path / "a.txt", "one")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"a\.txt: cannot be written \(No space left on device\)"):
        write_text(path, "two")
    assert path.read_text() == "one" and len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "x")
    with pytest.raises(RunError, match="cannot be written"), staged(tmp_path / "file"):
        pass


def test_json_is_strict_and_plain():
    value = {"a": float("nan"), 1: [np.float32(0.5), np.inf], "t": (np.int64(3), True, None, "ü")}
    assert json.loads(to_json(value)) == {"a": None, "1": [0.5, None], "t": [3, True, None, "ü"]}


def test_staged_files_appear_together_or_not_at_all(tmp_path):
    (tmp_path / "metrics.json").write_text("old")
    with pytest.raises(ValueError, match="crash"), staged(tmp_path) as scratch:
        write_text(scratch / "metrics.json", "new")
        raise ValueError("crash")
    assert (tmp_path / "metrics.json").read_text() == "old" and len(list(tmp_path.iterdir())) == 1
    with staged(tmp_path) as scratch:
        write_text(scratch / "metrics.json", "new")
        write_text(scratch / "figures" / "a.png", "")
    assert (tmp_path / "metrics.json").read_text() == "new"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["figures", "metrics.json"]


def test_the_last_file_waits_for_all_others(tmp_path):
    (tmp_path / "metrics.json").write_text("old")
    (tmp_path / "report.md" / "in the way").mkdir(parents=True)
    with pytest.raises(RunError, match="cannot be written"), staged(tmp_path) as scratch:
        write_text(scratch / "metrics.json", "new")
        write_text(scratch / "report.md", "new")
    assert (tmp_path / "metrics.json").read_text() == "old"
