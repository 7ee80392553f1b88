"""One epoch of the real system on the real corpus (minutes)."""

import json

import pytest

import ser_lib

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_one_epoch_ends_with_a_report_and_a_model_that_classifies(recipe, real_ravdess, tmp_path):
    options = {"yaml": "hparams/cnn_transformer.yaml", "data": real_ravdess}
    code, _, err = recipe(tmp_path, "--number_of_epochs", "1", **options)
    assert code == 0, err
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["run"]["parameters"] == 395_176
    assert metrics["run"]["sizes"] == {"train": 960, "validation": 240, "test": 240}
    assert metrics["metrics"]["ua"]["value"] > metrics["chance"]["ua"]
    clip = next(real_ravdess.rglob("03-01-05-02-01-01-01.*"))
    answer = ser_lib.load(tmp_path / "model")(str(clip))
    assert {entry["label"] for entry in answer} == set(metrics["run"]["classes"])
    assert "finished already" in "".join(
        map(str, recipe(tmp_path, "--number_of_epochs", "1", **options))
    )
