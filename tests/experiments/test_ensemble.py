"""Systems made of others."""

import json

import numpy as np
import pytest

from ser_lib.evaluation.calibration import heated
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.hparams import Hparams, members_of
from ser_lib.hub.modeling import SERForAudioClassification


@pytest.fixture(scope="module")
def folder(run):
    return run("small_ensemble", "--number_of_epochs", "1")


@pytest.fixture(scope="module")
def stack(run):
    return run("small_stack", "--class_weights", "balanced")


def probabilities(folder):
    table = read_predictions(folder / "predictions.csv").sort_values("id")
    return table[[name for name in table if name.startswith("p_")]].to_numpy()


def test_says_the_mean_of_what_its_members_reported(folder):
    members = sorted((folder / "members").iterdir())
    assert [m.name for m in members] == ["1-small", "2-small", "3-small_tree"]
    # Without the temperature that each of them got when it was done.
    own = [heated(probabilities(member), 1 / temperature(member)) for member in members]
    mean = np.mean(own, axis=0)
    found = heated(probabilities(folder), 1 / temperature(folder))
    np.testing.assert_allclose(found, mean, atol=1e-5)


def temperature(folder):
    return json.loads((folder / "metrics.json").read_text())["run"]["temperature"]


def test_a_yaml_named_again_is_trained_from_the_next_seed(folder):
    runs = [json.loads((m / "metrics.json").read_text())["run"] for m in folder.glob("members/*")]
    assert sorted(run["seed"] for run in runs) == [7, 7, 8]
    first, second = (probabilities(folder / "members" / f"{n}-small") for n in (1, 2))
    assert not np.allclose(first, second)


def test_all_are_judged_on_one_ledger_and_take_over_the_epochs(folder):
    runs = [json.loads((m / "metrics.json").read_text())["run"] for m in folder.glob("members/*")]
    whole = json.loads((folder / "metrics.json").read_text())["run"]
    assert {run["ledger_sha256"] for run in runs} == {whole["ledger_sha256"]}
    assert {run["epochs_asked"] for run in runs} == {1, None}


def test_the_report_lists_the_members_and_their_scores(folder):
    whole = json.loads((folder / "metrics.json").read_text())["run"]
    assert [m["system"] for m in whole["members"]] == ["small", "small", "small_tree"]
    assert whole["parameters"] == sum(m["parameters"] for m in whole["members"])
    assert "| small_tree | 7 |" in (folder / "report.md").read_text()


def test_starting_again_finds_it_done(folder, run, capsys):
    run("small_ensemble", "--number_of_epochs", "1", folder=folder)
    assert "finished already" in capsys.readouterr().out


def test_more_epochs_train_the_members_on(run, folder, tmp_path):
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    run("small_ensemble", "--number_of_epochs", "2", folder=copy)
    runs = [json.loads((m / "metrics.json").read_text())["run"] for m in copy.glob("members/*")]
    assert {one["epochs_run"] for one in runs} == {2, None}
    assert not np.allclose(probabilities(copy), probabilities(folder))


def test_a_run_cut_off_between_members_goes_on(run, folder, tmp_path):
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    for name in ("metrics.json", "model", "checkpoints", "members/3-small_tree"):
        path = copy / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    kept = (copy / "members" / "1-small" / "metrics.json").stat().st_mtime_ns
    run("small_ensemble", "--number_of_epochs", "1", folder=copy)
    np.testing.assert_array_equal(probabilities(copy), probabilities(folder))
    assert (copy / "members" / "1-small" / "metrics.json").stat().st_mtime_ns == kept


def test_a_stack_is_one_model_that_reads_its_members(stack):
    model = SERForAudioClassification.from_pretrained(stack / "model")
    assert len(model.network.members) == 2
    assert model.network.meta.spec["shape"] == [16, 1]
    assert probabilities(stack).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("yaml", "old", "new", "told"),
    [
        ("small_ensemble", "- small_tree.yaml", "- nothing.yaml", "nothing.yaml"),
        ("small_ensemble", "- small_tree.yaml", "- small_ensemble.yaml", "3 deep at most"),
        ("small_ensemble", "- small_tree.yaml", "- 3", "list YAMLs"),
        (
            "small_stack",
            "    - small_tree.yaml\n    - small_tree.yaml",
            "    - small.yaml",
            "small is none",
        ),
        (
            "small_stack",
            "sklearn.linear_model.LogisticRegression",
            "sklearn.nothing.At",
            "small_stack.yaml",
        ),
    ],
)
def test_members_that_do_not_go_together_are_refused(refused, yaml, old, new, told):
    assert told in refused(yaml, old, new)


def test_members_of_different_rates_are_refused(refused, repository, tmp_path):
    text = (repository / "tests" / "hparams" / "small_tree.yaml").read_text()
    other = tmp_path / "other.yaml"
    other.write_text(text.replace("sample_rate: 16000", "sample_rate: 8000"))
    line = refused("small_ensemble", "- small_tree.yaml", "- other.yaml")
    assert "different sample rates" in line and "8000 Hz); choose members of one rate" in line


def test_class_weights_of_a_stack_are_its_own(stack):
    told = [(m / "hyperparams.yaml").read_text() for m in (stack / "members").iterdir()]
    assert len(told) == 2 and all("class_weights: none" in text for text in told)
    assert "class_weights: balanced" in (stack / "hyperparams.yaml").read_text()


def test_members_take_over_what_their_own_yaml_leaves_out(repository):
    path = repository / "hparams" / "issa_emodb_ensemble.yaml"
    members = members_of(Hparams(path, {"drop_last": "true", "warmup_epochs": "2"}))
    assert {(m.settings.drop_last, m.settings.warmup_epochs) for m in members} == {(True, 2.0)}


def test_weights_go_to_the_members_that_start_from_some(repository):
    weights = {"pretrained": "some/weights", "revision": "0123456"}
    whole = Hparams(repository / "hparams" / "final_ensemble.yaml", weights)
    resnet, dnn, _ = members_of(whole)
    assert (resnet.value("pretrained"), resnet.value("revision")) == ("some/weights", "0123456")
    assert dnn.value("pretrained") is None and whole.system == "final_ensemble-weights"


def test_the_yaml_that_an_ensemble_leaves_finds_its_members(repository, tmp_path):
    whole = Hparams(repository / "hparams" / "issa_emodb_ensemble.yaml")
    left = tmp_path / "hyperparams.yaml"
    left.write_text(whole.to_repeat(7))
    again = [(member.path, member.settings) for member in members_of(Hparams(left))]
    assert again == [(member.path, member.settings) for member in members_of(whole)]
