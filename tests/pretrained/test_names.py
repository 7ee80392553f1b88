"""What starting weights are called."""

import pytest

from ser_lib.pretrained.names import pinned, short, snapshot_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CACHE = "/home/somebody/.cache/huggingface/hub"


def test_a_snapshot_is_told_by_its_folder(tmp_path):
    place = tmp_path / "models--me--my-model" / "snapshots" / COMMIT
    assert snapshot_of(place) == snapshot_of(f"{place}/") == ("me/my-model", COMMIT)
    place.mkdir(parents=True)
    (tmp_path / "link").symlink_to(place)
    assert snapshot_of(tmp_path / "link") == ("me/my-model", COMMIT)


@pytest.mark.parametrize(
    "folder",
    [
        "",
        "me/my-model",
        f"{CACHE}/models--me--my-model",
        f"{CACHE}/models--me--my-model/snapshots/main",
        f"{CACHE}/models--me--my-model/blobs/{COMMIT}",
        f"{CACHE}/datasets--me--my-data/snapshots/{COMMIT}",
        f"{CACHE}/models--my-model/snapshots/{COMMIT}",
        f"{CACHE}/models--me--my-model/snapshots/{COMMIT}/onnx",
    ],
)
def test_other_folders_are_none(folder):
    assert snapshot_of(folder) is None


def test_a_name_with_a_commit_can_be_had_again():
    assert pinned(f"me/mine@{COMMIT}") == ("me/mine", COMMIT)
    for name in ("me/mine", "me/mine@0123456789ab", "mine@sha256:0123456789ab", None):
        assert pinned(name) is None


def test_people_read_twelve_digits():
    assert short(f"me/mine@{COMMIT}") == "me/mine@0123456789ab"
    for name in ("me/mine", "me/mine@v1", f"me/{COMMIT}", "mine@sha256:0123456789ab"):
        assert short(name) == name
