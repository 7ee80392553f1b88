"""What is known of a published model's training goes into the report of its evaluation."""

import json
import shutil

import pytest
from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForAudioClassification

from ser_lib.corpora import ravdess
from ser_lib.evaluation import report
from ser_lib.hub import folder as hub_folder
from ser_lib.use import evaluate

KNOWN = "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition"
ELSEWHERE = "superb/wav2vec2-base-superb-er"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FLAG = "**The model has heard RAVDESS, which is tested here"


@pytest.fixture(scope="module")
def made(tiny_encoder, tmp_path_factory):
    """Folder of an audio classifier that was not made here, with RAVDESS's classes."""
    source, folder = tiny_encoder("wav2vec2"), tmp_path_factory.mktemp("published") / "model"
    labels = dict(enumerate(ravdess.EMOTIONS))
    config = AutoConfig.from_pretrained(source, num_labels=len(labels), id2label=labels)
    AutoModelForAudioClassification.from_config(config).save_pretrained(folder)
    AutoFeatureExtractor.from_pretrained(source).save_pretrained(folder)
    return folder


@pytest.fixture
def snapshot(made, tmp_path):
    """``snapshot(name)``: the model where the Hub's cache would have one of that name."""

    def place(name):
        return shutil.copytree(
            made, tmp_path / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / COMMIT
        )

    return place


@pytest.fixture
def scored(small_ravdess, tmp_path, capfd, monkeypatch):
    """``scored(model)``: facts, report and standard output of an evaluation on RAVDESS."""
    monkeypatch.setattr(report, "draw", lambda *_: [])

    def run(model, *more):
        folder = tmp_path / "evaluated"
        words = [model, *more, "--recipe", "RAVDESS", "--data_folder", small_ravdess]
        words += ["--allow_partial"]
        assert evaluate.main([str(word) for word in (*words, "--output_folder", folder)]) == 0
        facts = json.loads((folder / "metrics.json").read_text())["run"]
        return facts, (folder / "report.md").read_text(), capfd.readouterr().out

    return run


def test_an_id_of_the_hub_is_looked_up(snapshot, scored, monkeypatch):
    monkeypatch.setattr(hub_folder, "snapshot_download", lambda *_, **__: str(snapshot(KNOWN)))
    facts, text, out = scored(KNOWN)
    (told,) = facts["encoder"]
    assert (told["encoder"], told["shared"]) == (KNOWN, ["RAVDESS"])
    assert f"The model `{KNOWN}` was trained on" in text and FLAG in text
    assert "trained on RAVDESS, and on which clips of it is not told" in out
    assert "It is not known" not in text + out and facts["training"]["known"] is False


def test_a_snapshot_in_the_cache_is_known_by_its_folder(snapshot, scored):
    facts, text, _ = scored(snapshot(KNOWN))
    assert facts["encoder"][0]["encoder"] == facts["system"] == KNOWN and FLAG in text
    # Once, where the report says how to get this again.
    assert f"evaluate {KNOWN} --recipe RAVDESS --revision {COMMIT}" in facts["command"]
    assert text.count(COMMIT) == 1


def test_a_revision_is_that_of_the_hub(snapshot, scored, monkeypatch):
    asked = []

    def download(repo_id, revision, **_):
        asked.append(revision)
        return str(snapshot(repo_id))

    monkeypatch.setattr(hub_folder, "snapshot_download", download)
    facts, _, _ = scored(KNOWN, "--revision", "v2")
    assert asked == ["v2"] and f"--revision {COMMIT}" in facts["command"]


def test_a_folder_has_no_revision(made, capsys):
    assert evaluate.main([str(made), "--recipe", "RAVDESS", "--revision", "v2"]) == 2
    assert "is a folder, which has no revisions" in capsys.readouterr().err


def test_one_that_heard_other_corpora_is_not_flagged(snapshot, scored):
    facts, text, out = scored(snapshot(ELSEWHERE))
    assert facts["training"] == {"known": True, "warnings": []} and "warning" not in out
    assert "was trained on LibriSpeech and IEMOCAP" in text
    assert "its training held no clip and no speaker of the test" in text


@pytest.mark.parametrize(
    ("began", "shared", "line"),
    [
        (KNOWN, ["RAVDESS"], "trained on RAVDESS, and on which clips of it is not told"),
        (ELSEWHERE, [], "It is not known what else the model was trained on"),
        ("somebody/thing", None, "It is not known what the model was trained on"),
        (f"/h/models--{KNOWN.replace('/', '--')}/snapshots/{COMMIT}", ["RAVDESS"], "on RAVDESS"),
    ],
)
def test_what_a_copy_says_it_began_as_is_the_least_it_heard(
    made, scored, tmp_path, began, shared, line
):
    folder = shutil.copytree(made, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "_name_or_path": began}))
    facts, text, out = scored(folder)
    assert facts["training"]["known"] is False and line in out and "no speaker of the" not in text
    if shared is None:
        assert "encoder" not in facts
    else:
        assert facts["encoder"][0]["shared"] == shared and (FLAG in text) == bool(shared)
        assert "whether it heard more since is not told" in text
