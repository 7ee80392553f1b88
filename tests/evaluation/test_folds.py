import json

import numpy as np
import pandas as pd
import pytest

from ser_lib.errors import RunError
from ser_lib.evaluation import report
from ser_lib.evaluation.bootstrap import speaker_bootstrap
from ser_lib.evaluation.folds import aggregate, write_fold_report
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.evaluation.report import write_report
from ser_lib.evaluation.scores import summary


@pytest.fixture
def three(predictions, run_facts, tmp_path, monkeypatch):
    """Metrics and predictions of folds 3, 1 and 2, in that order."""
    monkeypatch.setattr(report, "draw", lambda *_: [])
    metrics, tables = [], []
    for fold in (3, 1, 2):
        frame = predictions(fold=fold, first=4 * fold - 3, seed=fold, clips=8 + 4 * fold)
        facts = run_facts(
            frame,
            fold=fold,
            folds=3,
            ledger_sha256=str(fold) * 64,
            epochs_run=fold,
            command=f"train --fold {fold}",
        )
        metrics.append(write_report(tmp_path / str(fold), facts, frame))
        tables.append(frame)
    return metrics, tables


def test_mean_and_spread_are_numpys(three, classes):
    result = aggregate(*three, classes)
    for name in ("ua", "wa", "macro_f1"):
        values = [summary(frame, classes)[name] for frame in three[1]]
        assert result["folds"]["mean"][name] == pytest.approx(np.mean(values))
        assert result["folds"]["std"][name] == pytest.approx(np.std(values, ddof=1))
    assert [row["fold"] for row in result["folds"]["per_fold"]] == [1, 2, 3]


def test_pooled_scores_take_all_clips_as_one_test_set(three, classes):
    result = aggregate(*three, classes)
    pooled = pd.concat(three[1])
    assert result["clips"] == len(pooled) and result["interval"]["speakers"] == 12
    ua = result["metrics"]["ua"]
    assert ua["value"] == pytest.approx(summary(pooled, classes)["ua"])
    assert (ua["low"], ua["high"]) == pytest.approx(speaker_bootstrap(pooled, "ua"))


def test_facts_of_the_folds_become_one_run(three, classes):
    run = aggregate(*three, classes)["run"]
    assert run["fold"] == "all" and run["folds_run"] == [1, 2, 3]
    assert run["train_seconds"] == pytest.approx(3 * 1234.5)
    assert run["ledger_sha256"] == [str(fold) * 64 for fold in (1, 2, 3)]
    assert run["system"] == "cnn_transformer" and run["epochs_run"] == [1, 2, 3]


def test_two_labels_of_one_sound_are_told_once(three, tmp_path):
    for metrics in three[0]:
        sides = ("train", "validation", "test")
        metrics["run"]["two_labels"] = {side: [] for side in sides} | {"train": ["a", "b"]}
    three[0][0]["run"]["two_labels"] = {"train": ["b"], "validation": [], "test": ["a"]}
    result = write_fold_report(tmp_path, *three)
    assert result["run"]["two_labels"]["train"] == ["a", "b"]
    words = "2 clips have identical audio under another label: 2 in train and 1 in test, each in"
    assert words in (tmp_path / "report.md").read_text()


def test_the_encoder_of_all_folds_is_told_once(three, encoder, tmp_path):
    metrics, frames = three
    told = encoder(corpora=["RAVDESS"], shared=["RAVDESS"])
    for fold in metrics:
        fold["run"]["encoder"] = dict(told)
    result = write_fold_report(tmp_path / "all", metrics, frames)
    assert result["run"]["encoder"] == told
    text = (tmp_path / "all" / "report.md").read_text()
    assert text.count("was trained on RAVDESS") == text.count("which is tested here") == 1
    metrics[0]["run"]["encoder"] = encoder(encoder="model@sha256:01")
    write_fold_report(tmp_path / "all", metrics, frames)
    text = (tmp_path / "all" / "report.md").read_text()
    assert "`model@sha256:01`" in text and "`facebook/hubert-base-ls960@abc123`" in text


def test_one_fold_has_no_spread(three, classes):
    result = aggregate(three[0][:1], three[1][:1], classes)
    assert result["folds"]["std"] == {"ua": None, "wa": None, "macro_f1": None}


def test_the_report_is_whole(three, tmp_path):
    result = write_fold_report(tmp_path / "all", *three)
    assert json.loads((tmp_path / "all" / "metrics.json").read_text()) == result
    assert (tmp_path / "all" / "figures" / "confusion.png").stat().st_size > 1000
    table = read_predictions(tmp_path / "all" / "predictions.csv")
    assert table["fold"].tolist() == sorted(table["fold"]) and len(table) == result["clips"]
    text = (tmp_path / "all" / "report.md").read_text()
    mean, spread = result["folds"]["mean"]["ua"], result["folds"]["std"]["ua"]
    assert f"the mean over 3 folds is {100 * mean:.1f} ± {100 * spread:.1f} %." in text
    assert f"**UA {100 * result['metrics']['ua']['value']:.1f} %**" in text
    assert "Cut short:** 2 folds" in text and "Not all folds" not in text
    for fold in (1, 2, 3):
        assert f"train --fold {fold}\n" in text and str(fold) * 64 in text


def test_missing_folds_are_said(three, tmp_path):
    write_fold_report(tmp_path / "some", three[0][:2], three[1][:2])
    text = (tmp_path / "some" / "report.md").read_text()
    assert "Not all folds:** 2 of 3 were run (1 and 3)." in text


def test_folds_that_do_not_belong_together_are_refused(three, classes, tmp_path):
    metrics, tables = three
    other = {**metrics[0], "run": {**metrics[0]["run"], "system": "resnet"}}
    with pytest.raises(RunError, match="system is"):
        aggregate([*metrics[1:], other], [*tables[1:], tables[0]], classes)
    with pytest.raises(RunError, match="one is there twice"):
        aggregate([metrics[0]] * 2, [tables[0]] * 2, classes)
    with pytest.raises(RunError, match="its predictions are of fold"):
        aggregate(metrics, tables[::-1], classes)
    with pytest.raises(RunError, match="3 folds' metrics beside 2"):
        aggregate(metrics, tables[:2], classes)
    with pytest.raises(RunError, match="no fold to put together"):
        write_fold_report(tmp_path / "x", [], [])
