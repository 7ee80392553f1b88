"""Where starting weights are found, and what is refused."""

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from ser_lib.errors import HubError, ModelFolderError
from ser_lib.pretrained import source
from ser_lib.pretrained.source import locate

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_folder_is_named_by_its_last_part_and_its_weights(tiny_encoder):
    found = locate(tiny_encoder("hubert"))
    assert found.name == "tiny-hubert"
    assert found.version.startswith("sha256:")
    assert str(found) == f"tiny-hubert@{found.version}"
    assert locate(str(tiny_encoder("wavlm"))).version != found.version


def test_a_snapshot_of_the_hub_is_named_by_its_commit(tiny_encoder, tmp_path, monkeypatch):
    snapshot = tiny_encoder("hubert", tmp_path / COMMIT)
    asked = {}

    def download(repo, revision, allow_patterns):
        asked.update(repo=repo, revision=revision, patterns=allow_patterns)
        return str(snapshot)

    monkeypatch.setattr(source, "snapshot_download", download)
    found = locate("somebody/tiny-hubert", revision="main")
    assert str(found) == f"somebody/tiny-hubert@{COMMIT}"
    assert asked["revision"] == "main"
    assert asked["patterns"] == ["*.json", "*.safetensors"]


def test_a_folder_of_the_hubs_cache_goes_by_its_id_and_commit(tiny_encoder, tmp_path):
    place = tmp_path / "hub" / "models--some.body--tiny-hubert" / "snapshots" / COMMIT
    place.parent.mkdir(parents=True)
    tiny_encoder("hubert", place)
    assert str(locate(place)) == f"some.body/tiny-hubert@{COMMIT}"


def test_without_a_network_the_line_says_so(monkeypatch):
    def download(*_, **__):
        raise LocalEntryNotFoundError("not cached")

    monkeypatch.setattr(source, "snapshot_download", download)
    with pytest.raises(HubError, match=r"no folder 'somebody/x' here, and the Hub cannot be") as e:
        locate("somebody/x")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("wrong", ["", "nowhere", "./nowhere", "a/b/c", "/nowhere/at/all"])
def test_what_can_be_no_hub_id_is_a_missing_folder(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFolderError, match=r"no such folder|no safetensors"):
        locate(wrong)


def test_pickled_weights_are_taken_only_where_allowed(tiny_encoder, tmp_path):
    folder = tiny_encoder("hubert", tmp_path / "pickled", safe=False)
    with pytest.raises(ModelFolderError, match="--allow_pickle true"):
        locate(folder)
    assert [path.name for path in locate(folder, allow_pickle=True).weights] == [
        "pytorch_model.bin"
    ]


def test_safetensors_come_first_even_where_pickles_are_allowed(tiny_encoder, tmp_path):
    folder = tiny_encoder("hubert", tmp_path / "both")
    torch.save({}, folder / "pytorch_model.bin")
    assert {path.suffix for path in locate(folder, allow_pickle=True).weights} == {".safetensors"}


def test_a_folder_without_weights_says_what_to_give(tmp_path):
    with pytest.raises(ModelFolderError, match="give a folder that save_pretrained made"):
        locate(tmp_path)
