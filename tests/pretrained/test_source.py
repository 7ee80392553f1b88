"""Where starting weights are found, and what is refused."""

import fnmatch

import pytest
import torch
from huggingface_hub import constants
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
    with pytest.raises(HubError, match="for revision 'v2' of somebody/x; check the network"):
        locate("somebody/x", "v2")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set and .* lacks somebody/x, or"):
        locate("somebody/x")
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set and .* lacks revision 'v2' of some"):
        locate("somebody/x", "v2")


def test_a_folder_has_no_revision(tiny_encoder):
    with pytest.raises(ModelFolderError, match="no revisions; leave --revision v2 out, or"):
        locate(tiny_encoder("hubert"), "v2")


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_name_at_all_says_what_to_give(nothing):
    with pytest.raises(ModelFolderError, match="give a folder .* or an id of the Hub such as"):
        locate(nothing)


def hub_of(monkeypatch, folder, safe):
    """A Hub with one repository; returns the revisions and patterns that are asked of it (list)."""
    folder.mkdir()
    asked = []

    def download(repo, revision, allow_patterns):
        asked.append((revision, allow_patterns))
        (folder / "config.json").write_text("{}")
        for name in ("model.safetensors",) * safe + ("pytorch_model.bin",):
            if any(fnmatch.fnmatch(name, pattern) for pattern in allow_patterns):
                (folder / name).write_bytes(b"weights")
        return str(folder)

    monkeypatch.setattr(source, "snapshot_download", download)
    return asked


def test_pickled_weights_are_not_fetched_where_there_are_safetensors(tmp_path, monkeypatch):
    asked = hub_of(monkeypatch, tmp_path / COMMIT, safe=True)
    found = locate("somebody/x", "main", allow_pickle=True)
    assert [path.name for path in found.weights] == ["model.safetensors"]
    assert asked == [("main", ["*.json", "*.safetensors"])]


def test_pickled_weights_are_fetched_of_the_commit_that_was_looked_at(tmp_path, monkeypatch):
    asked = hub_of(monkeypatch, tmp_path / COMMIT, safe=False)
    with pytest.raises(ModelFolderError, match="--allow_pickle true"):
        locate("somebody/x")
    found = locate("somebody/x", "main", allow_pickle=True)
    assert [path.name for path in found.weights] == ["pytorch_model.bin"]
    assert [revision for revision, _ in asked] == [None, "main", COMMIT]


def test_what_was_allowed_is_not_advised(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "snapshot_download", lambda *_, **__: str(tmp_path))
    for name in ("somebody/x", str(tmp_path)):
        with pytest.raises(ModelFolderError, match="neither safetensors nor pickled") as e:
            locate(name, allow_pickle=True)
        assert "--allow_pickle" not in str(e.value)


def test_weights_that_changed_are_hashed_again(tiny_encoder, tmp_path):
    folder = tiny_encoder("hubert", tmp_path / "hubert")
    first = locate(folder).version
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes() + b" ")
    assert locate(folder).version != first


@pytest.mark.parametrize("wrong", ["nowhere", "./nowhere", "a/b/c", "/nowhere/at/all"])
def test_what_can_be_no_hub_id_is_a_missing_folder(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFolderError, match="no such folder"):
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
