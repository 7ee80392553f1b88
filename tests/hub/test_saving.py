import json
import os

import pytest
import torch

from ser_lib.errors import RunError
from ser_lib.hub import saving
from ser_lib.hub.saving import save_model

LABELS = ["angry", "happy", "sad"]


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_folder_holds_data_and_text_only(model_folder):
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= names(model_folder)
    kinds = {path.suffix for path in model_folder.iterdir()}
    assert kinds == {".json", ".safetensors", ".py", ".flac"}
    assert names(model_folder.parent) == {"model"}
    extractor = json.loads((model_folder / "preprocessor_config.json").read_text())
    assert extractor["feature_extractor_type"] == "Wav2Vec2FeatureExtractor"
    assert extractor["sampling_rate"] == 8000
    assert extractor["do_normalize"] is False and extractor["return_attention_mask"] is True


def test_card_becomes_the_readme(network, tmp_path):
    folder = save_model(network, tmp_path / "über" / "model", LABELS, {}, card="# Größe\n")
    assert (folder / "README.md").read_text(encoding="utf-8") == "# Größe\n"


def test_saving_changes_nothing_in_the_network(network, tmp_path):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    save_model(network, tmp_path / "model", LABELS, {})
    assert network.training
    network.eval()
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_new_folder_replaces_the_old_one(network, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "stale.txt").write_text("old")
    save_model(network, folder, LABELS, {})
    assert "stale.txt" not in names(folder) and "config.json" in names(folder)
    assert names(tmp_path) == {"model"}


@pytest.mark.parametrize("moment", ["write_bundle", "_flush"])
def test_full_disk_leaves_the_old_folder(network, tmp_path, monkeypatch, moment):
    folder = save_model(network, tmp_path / "model", LABELS, {"fold": 1})

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, moment, fail)
    with pytest.raises(RunError, match="No space left"):
        save_model(network, folder, LABELS, {"fold": 2})
    assert names(tmp_path) == {"model"}
    assert json.loads((folder / "config.json").read_text())["provenance"] == {"fold": 1}


def test_failing_rename_brings_the_old_folder_back(network, tmp_path, monkeypatch):
    folder = save_model(network, tmp_path / "model", LABELS, {"fold": 1})
    rename = type(folder).rename

    def fail(self, target):
        if self.suffix == ".new":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(type(folder), "rename", fail)
    with pytest.raises(RunError, match="Input/output"):
        save_model(network, folder, LABELS, {"fold": 2})
    assert names(tmp_path) == {"model"}
    assert json.loads((folder / "config.json").read_text())["provenance"] == {"fold": 1}


def test_folder_under_a_file_is_one_line(network, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError) as caught:
        save_model(network, tmp_path / "file" / "model", LABELS, {})
    assert "\n" not in str(caught.value)


def test_folder_has_the_usual_rights(model_folder):
    umask = os.umask(0)
    os.umask(umask)
    assert model_folder.stat().st_mode & 0o777 == 0o777 & ~umask
    for path in model_folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask, path.name


@pytest.mark.parametrize("labels", [["angry", "happy"], ["angry", "happy", "happy"]])
def test_labels_that_do_not_fit_are_refused(network, tmp_path, labels):
    with pytest.raises(ValueError, match="3 classes"):
        save_model(network, tmp_path / "model", labels, {})
    assert names(tmp_path) == set()
