"""Systems that are trained epoch by epoch, where the training side lacks a class."""

import json

import pytest

from ser_lib import load
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.protocols import Ledger


@pytest.fixture
def run(lacking, tmp_path):
    """Folder of a small network that learned without disgust, which validation holds."""
    assert lacking("07", run="first", yaml="small") == 0
    first = Ledger.load(tmp_path / "first" / "ledger.json")
    validating = first.counts["validation"]["speakers"]
    assert lacking("07", yaml="small", keep=validating) == 0
    return tmp_path / "run"


def test_a_class_that_training_lacks_is_told_once_and_gets_no_probability(run, small_ravdess):
    log = (run / "log.txt").read_text()
    told = "the training side has no clip of disgust: small learns the other 7 classes"
    assert log.count(told) == 1
    facts = json.loads((run / "metrics.json").read_text())["run"]
    assert facts["classes_without_training"] == ["disgust"]
    report = (run / "report.md").read_text()
    assert "There was no clip of disgust to train on: the model gives probability 0 to" in report
    table = read_predictions(run / "predictions.csv")
    assert (table["p_disgust"] == 0).all() and table["p_happy"].gt(0).any()
    answer = load(run / "model")(str(next(small_ravdess.rglob("*-07-*.flac"))))
    heard = {entry["label"]: entry["score"] for entry in answer}
    assert heard["disgust"] == 0 and sum(heard.values()) == pytest.approx(1)


def test_validation_clips_of_such_a_class_leave_loss_and_temperature_finite(run):
    ledger = Ledger.load(run / "ledger.json")
    assert "disgust" in {ledger.clips[clip].emotion for clip in ledger.validation}
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    # One clip in eight has no probability: were it masked in training, it would cost thousands.
    assert all(row["validation_loss"] < 100 for row in history)
    assert 0.01 < json.loads((run / "metrics.json").read_text())["run"]["temperature"] < 100


def test_nothing_is_said_where_every_class_is_trained_on(lacking, tmp_path):
    assert lacking(yaml="small") == 0
    assert "no clip of" not in (tmp_path / "run" / "log.txt").read_text()
    facts = json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]
    assert facts["classes_without_training"] == []
