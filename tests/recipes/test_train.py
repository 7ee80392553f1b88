"""The recipe from the command to the report, and what happens when it is run again."""

import json
import shutil

import pandas as pd
import pytest
import torch

from ser_lib.corpora import ravdess
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.hub.modeling import SERForAudioClassification
from ser_lib.protocols import Ledger
from ser_lib.recipe import main
from ser_lib.use import evaluate


@pytest.fixture(scope="module")
def folder(tmp_path_factory, small_yaml, small_ravdess):
    """A finished run."""
    folder = tmp_path_factory.mktemp("run")
    line = [small_yaml, "--data_folder", small_ravdess, "--output_folder", folder]
    assert main(ravdess, [*map(str, line), "--allow_partial"]) == 0
    return folder


def test_one_command_leaves_report_and_model(folder):
    files = """report.md metrics.json predictions.csv ledger.json history.jsonl hyperparams.yaml
    env.log log.txt figures/confusion.png model/config.json model/model.safetensors
    model/preprocessor_config.json model/README.md"""
    for name in files.split():
        assert (folder / name).stat().st_size > 0, name
    assert not (folder / "features").exists()
    assert list((folder / "tensorboard").rglob("events*"))


def test_the_metrics_are_those_of_the_predictions(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    table = read_predictions(folder / "predictions.csv")
    recalls = table.groupby("emotion")["correct"].mean()
    assert metrics["metrics"]["ua"]["value"] == pytest.approx(recalls.mean())
    assert metrics["metrics"]["wa"]["value"] == pytest.approx(table["correct"].mean())
    assert metrics["run"]["sizes"]["test"] == len(table)


def test_the_test_clips_are_those_of_the_ledger(folder):
    ledger = Ledger.load(folder / "ledger.json")
    table = read_predictions(folder / "predictions.csv")
    assert sorted(table["id"]) == ledger.test
    assert ledger.breaches() == []
    assert ledger.copies == 1
    assert set(table["speaker"]) == {"01", "11"}


def test_the_saved_model_gives_the_reported_probabilities(folder, small_ravdess):
    import soundfile

    model = SERForAudioClassification.from_pretrained(folder / "model").eval()
    table = read_predictions(folder / "predictions.csv")
    row = table.iloc[3]
    path = next(small_ravdess.rglob(f"{row['id']}.flac"))
    waveform = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
    with torch.no_grad():
        found = model(waveform[None]).logits.softmax(dim=1)[0]
    expected = pd.to_numeric(row.filter(like="p_")).to_numpy()
    assert found.numpy() == pytest.approx(expected, abs=1e-5)


def test_the_yaml_that_a_run_leaves_trains_the_same_model_again(recipe, folder, tmp_path):
    left = folder / "hyperparams.yaml"
    assert recipe(tmp_path / "again", yaml=left)[0] == 0
    weights = [run / "model" / "model.safetensors" for run in (folder, tmp_path / "again")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    code, _, err = recipe(tmp_path / "other", "--lr", "0.1", yaml=left)
    assert code == 2 and "--lr" in err and "what a run left" in err


def test_run_again_it_says_that_it_is_finished_and_does_nothing(recipe, folder):
    def written():
        files = (path for path in folder.rglob("*") if path.is_file())
        # Holding the lock touches it, in some versions of filelock.
        return {path: path.stat().st_mtime_ns for path in files if path.name != ".lock"}

    before = written()
    code, out, err = recipe(folder)
    assert code == 0
    assert "finished already" in out + err
    assert written() == before


@pytest.mark.parametrize("name", ["metrics.json", "model/model.safetensors", "model/README.md"])
def test_a_result_that_was_damaged_is_made_again(recipe, folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(b"")
    if name == "model/README.md":
        (folder / name).unlink()
    code, out, _ = recipe(folder)
    assert code == 0
    assert "epoch 1/2" not in out
    assert (folder / name).read_bytes() == whole


def test_the_command_in_the_report_names_no_folder_of_this_machine(folder, small_ravdess):
    for name in ("report.md", "metrics.json", "model/README.md"):
        text = (folder / name).read_text()
        assert str(small_ravdess) not in text
        assert str(folder) not in text
    command = json.loads((folder / "metrics.json").read_text())["run"]["command"]
    assert command == (
        "python recipes/RAVDESS/train.py tests/hparams/small.yaml --protocol ravdess-si6 "
        "--fold 1 --data_folder PATH/TO/RAVDESS --allow_partial"
    )


def test_more_epochs_train_on(recipe, folder, tmp_path):
    folder = shutil.copytree(folder, tmp_path / "copy")
    code, out, _ = recipe(folder, "--number_of_epochs", "3")
    assert code == 0
    assert "going on after epoch 2" in out
    assert "epoch 1/3" not in out
    assert json.loads((folder / "metrics.json").read_text())["run"]["epochs_run"] == 3


def test_all_folds_are_run_and_summed_up(recipe, tmp_path):
    code, _, _ = recipe(tmp_path, "--fold", "all", "--number_of_epochs", "1")
    assert code == 0
    summary = json.loads((tmp_path / "metrics.json").read_text())
    folds = [json.loads((tmp_path / f"fold-{n}" / "metrics.json").read_text()) for n in range(1, 7)]
    values = [fold["metrics"]["ua"]["value"] for fold in folds]
    assert summary["folds"]["mean"]["ua"] == pytest.approx(sum(values) / 6)
    assert summary["run"]["sizes"]["test"] == sum(f["run"]["sizes"]["test"] for f in folds) == 96
    assert len({fold["run"]["ledger_sha256"] for fold in folds}) == 6
    assert (tmp_path / "report.md").is_file()
    # One fold of them goes into the folder that the message names, and finds its run there.
    code, _, err = recipe(tmp_path, "--fold", "2", "--number_of_epochs", "1")
    assert code == 2 and f"give --output_folder {tmp_path}/fold-N" in err and err.count("\n") == 1
    code, out, err = recipe(tmp_path / "fold-2", "--fold", "2", "--number_of_epochs", "1")
    assert code == 0 and "finished already" in out + err


def test_without_the_cache_the_scaler_and_the_loss_are_the_same(recipe, tmp_path):
    losses = []
    for cached in ("true", "false"):
        recipe(tmp_path / cached, "--cache_features", cached, "--number_of_epochs", "1")
        losses.append(json.loads((tmp_path / cached / "history.jsonl").read_text())["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_random_protocol_shares_its_speakers(recipe, tmp_path):
    code, _, _ = recipe(tmp_path, "--protocol", "ravdess-random", "--number_of_epochs", "1")
    assert code == 0
    assert Ledger.load(tmp_path / "ledger.json").shared_test_speakers
    assert "both sides" in (tmp_path / "report.md").read_text()


def test_publishing_without_credentials_fails_before_training(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no_token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no_token"))
    code, out, err = recipe(tmp_path / "run", "--push_to_hub", "someone/model")
    assert code == 2
    assert "epoch" not in out
    assert err.count("\n") == 1
    assert err.startswith("error: ")


def test_publishing_all_folds_is_refused(recipe, tmp_path):
    code, _, err = recipe(tmp_path, "--push_to_hub", "someone/model", "--fold", "all")
    assert code == 2
    assert "--fold N" in err


def test_conflicting_clips_are_told_and_can_be_left_out(
    folder, small_ravdess, small_yaml, tmp_path, capfd
):
    data = tmp_path / "data"
    shutil.copytree(small_ravdess, data)
    actor = Ledger.load(folder / "ledger.json").train[0][-2:]
    trained, tested = data / f"Actor_{actor}", data / "Actor_01"
    same = next(trained.glob("03-01-05-*.flac"))
    shutil.copy(same, next(trained.glob("03-01-06-*.flac")))
    line = [small_yaml, "--data_folder", data, "--allow_partial", "--number_of_epochs", "1"]
    line = [*map(str, line), "--output_folder"]
    assert main(ravdess, [*line, str(tmp_path / "whole")]) == 0
    text = (tmp_path / "whole" / "report.md").read_text()
    assert "2 clips have identical audio under another label: 2 in train." in text
    # And the sound of a test clip, whose label is another one there.
    shutil.copy(next(tested.glob("03-01-03-*.flac")), next(trained.glob("03-01-04-*.flac")))
    line.append(str(tmp_path / "run"))
    assert main(ravdess, line) == 2
    assert "--drop_conflicts" in capfd.readouterr().err
    assert main(ravdess, [*line, "--drop_conflicts"]) == 0
    ledger = Ledger.load(tmp_path / "run" / "ledger.json")
    left = [c for c in ledger.train if c.endswith(actor) and c[6:8] in ("04", "05", "06")]
    assert not left and [c for c in ledger.test if c.startswith("03-01-03")]
    assert [c for c in ledger.train if c.endswith(actor)]
    run = json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]
    assert "--drop_conflicts" in run["command"]
    assert any("3 training clips were left out" in note for note in run["protocol_notes"])
    words = [tmp_path / "run" / "model", "--recipe", "RAVDESS", "--data_folder", data]
    words += ["--output_folder", tmp_path / "again", "--allow_partial", "--drop_conflicts"]
    assert evaluate.main([*map(str, words)]) == 0
    again = json.loads((tmp_path / "again" / "metrics.json").read_text())["run"]
    assert again["ledger_sha256"] == run["ledger_sha256"]
    assert again["command"].endswith("--drop_conflicts")
