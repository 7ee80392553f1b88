"""Systems that are fitted: the same command, report and model folder as any other."""

import json
import shutil

import numpy as np
import pytest
import torch

from ser_lib import load
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.hub.modeling import SERForAudioClassification
from ser_lib.protocols import Ledger

NOISE = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)


@pytest.fixture(scope="module")
def folder(run):
    return run("small_tree")


def test_leaves_what_every_run_leaves_and_no_pickle(folder):
    files = """report.md metrics.json predictions.csv ledger.json hyperparams.yaml env.log log.txt
    figures/confusion.png model/config.json model/model.safetensors model/README.md"""
    for name in files.split():
        assert (folder / name).stat().st_size > 0, name
    kinds = {path.suffix for path in (folder / "model").iterdir()}
    assert kinds <= {".json", ".safetensors", ".md", ".py", ".png", ".flac"}


def test_says_what_the_grid_chose_and_how(folder):
    run = json.loads((folder / "metrics.json").read_text())["run"]
    assert run["epochs_run"] is None
    fit = run["fit"]
    assert fit["estimator"] == "sklearn.DecisionTreeClassifier"
    assert fit["chosen"]["max_depth"] in (2, 8)
    assert fit["inner_folds"] == 2
    assert fit["inner_folds_by_speaker"] is True
    report = (folder / "report.md").read_text()
    assert f"max_depth {fit['chosen']['max_depth']}" in report
    assert "cut by speaker" in report


def test_the_scaler_was_fitted_and_travels_with_the_tree(folder):
    model = SERForAudioClassification.from_pretrained(folder / "model")
    assert model.network.scaler.span.min() > 0
    assert not torch.equal(model.network.scaler.low, torch.zeros(10, 1))


def test_the_model_gives_the_reported_probabilities(folder, small_ravdess):
    row = read_predictions(folder / "predictions.csv").iloc[3]
    told = load(folder / "model")(str(next(small_ravdess.rglob(f"{row['id']}.flac"))))
    for entry in told:
        assert entry["score"] == pytest.approx(row[f"p_{entry['label']}"], abs=1e-5)


def test_starting_again_finds_it_done(folder, run, capsys):
    before = (folder / "metrics.json").stat().st_mtime_ns
    run("small_tree", folder=folder)
    assert "finished already" in capsys.readouterr().out
    assert (folder / "metrics.json").stat().st_mtime_ns == before


def test_lost_predictions_are_made_again(folder, run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    (copy / "predictions.csv").unlink()
    run("small_tree", folder=copy)
    again = (copy / "predictions.csv").read_bytes()
    assert again == (folder / "predictions.csv").read_bytes()


def test_settings_of_networks_are_told_to_have_no_effect(folder, run, capsys):
    run("small_tree", "--patience", "3", "--seed", "7", folder=folder)
    assert "without effect on small_tree.yaml: patience\n" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_tensors(folder, run):
    from safetensors.torch import load_file

    again = run("small_tree")
    first, second = (load_file(f / "model" / "model.safetensors") for f in (folder, again))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_inner_folds_mix_speakers_where_the_protocol_does(run):
    folder = run("small_tree", "--protocol", "ravdess-random", "--inner_folds", "2")
    fit = json.loads((folder / "metrics.json").read_text())["run"]["fit"]
    assert fit["inner_folds_by_speaker"] is False


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("n_mfcc: 10", "n_mfcc: 12", "min_max_scaler reads features of shape (10, 1)"),
        ("max_depth: [2, 8]", "depth: [2, 8]", "has no setting 'depth'"),
        ("random_state: !ref <seed>", "height: 3", "estimator: "),
        ("sklearn.tree.DecisionTreeClassifier", "sklearn.svm.SVC", "SVC cannot become tensors"),
        ("grid:\n    max_depth: [2, 8]", "grid: 3", "grid is 3"),
        ("inner_folds: 2", "inner_folds: 1", "inner_folds is 1"),
        ("class_weights: none", "class_weights: some", "class_weights is 'some'"),
        ("class_weights: none", "balance_corpora: true", "balance_corpora draws clips epoch by"),
        ("grid:", "lattice:", "unknown key 'lattice'"),
    ],
)
def test_a_wrong_yaml_is_refused_in_one_line(refused, old, new, told):
    assert told in refused("small_tree", old, new)


def test_a_front_end_of_images_is_refused_before_anything_is_fitted(refused, repository):
    text = (repository / "tests" / "hparams" / "small_tree.yaml").read_text()
    old = text[text.index("front_end:") : text.index("scaler:")]
    new = "front_end: !new:ser_lib.features.mfcc.MFCC\n    sample_rate: !ref <sample_rate>\n"
    line = refused("small_tree", old, new)
    assert "an estimator reads one vector a clip" in line
    assert "mfcc gives features of shape (25, " in line


def test_a_class_that_training_lacks_gets_no_probability(lacking, tmp_path):
    assert lacking("07") == 0
    log = (tmp_path / "run" / "log.txt").read_text()
    assert log.count("the training side has no clip of disgust") == 1
    assert "small_tree learns the other 7 classes" in log
    run = json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]
    assert run["classes_without_training"] == ["disgust"]
    report = (tmp_path / "run" / "report.md").read_text()
    assert "There was no clip of disgust to train on: the model gives probability 0 to" in report
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "| Never heard, never said | disgust |" in card
    answer = load(tmp_path / "run" / "model")(NOISE, sampling_rate=16_000)
    told = {entry["label"]: entry["score"] for entry in answer}
    assert len(told) == 8 and told["disgust"] == 0
    assert sum(told.values()) == pytest.approx(1)


def test_clips_of_such_a_class_do_not_decide_the_temperature(lacking, tmp_path):
    assert lacking("07") == 0
    first = json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]
    validating = Ledger.load(tmp_path / "run" / "ledger.json").counts["validation"]["speakers"]
    assert lacking("07", run="other", keep=validating) == 0
    second = json.loads((tmp_path / "other" / "metrics.json").read_text())["run"]
    assert second["sizes"]["train"] == first["sizes"]["train"]
    assert second["sizes"]["validation"] == first["sizes"]["validation"] + len(validating)
    assert second["temperature"] == pytest.approx(first["temperature"])


def test_one_class_alone_is_refused(lacking, capsys):
    assert lacking(*(f"{code:02d}" for code in range(1, 8))) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "two classes at least to tell apart" in error
    assert "no clip of neutral, calm, happy, sad, angry, fearful, disgust;" in error
