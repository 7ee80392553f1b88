"""The command: a text model under the audio systems' ledgers, and its fusion with audio runs."""

import hashlib
import json
import logging
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from ser_lib.corpora import iemocap, ravdess
from ser_lib.corpora.manifest import FEATURES
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.evaluation.report import write_report
from ser_lib.protocols import Ledger, split
from ser_lib.text.__main__ import main
from ser_lib.text.run import command as again
from ser_lib.text.tfidf import TextModel

ACTORS = (1, 4, 8, 9, 3, 24, 2, 15, 6, 13, 10, 11)
TELLING = ("and", "calm", "love", "cry", "rage", "help", "ugh", "oh")
SAID = dict(zip(ravdess.EMOTIONS, TELLING, strict=True))


def manifest(transcript, emotions=ravdess.EMOTIONS, corpus="RAVDESS"):
    """Rows in RAVDESS's layout without sound; ``transcript(emotion, actor, take)`` says what."""
    rows = []
    for actor in sorted(ACTORS):
        for emotion in emotions:
            for take in (1, 2):
                name = f"{ravdess.EMOTIONS.index(emotion):02d}-{take}-{actor:02d}"
                row = dict.fromkeys(FEATURES)
                rows.append(
                    {
                        **row,
                        "id": name,
                        "speaker": f"{actor:02d}",
                        "gender": "male" if actor % 2 else "female",
                        "emotion": emotion,
                        "transcript": transcript(emotion, actor, take),
                        "corpus": corpus,
                        "sha256": hashlib.sha256(name.encode()).hexdigest(),
                    }
                )
    return Dataset.from_list(rows, features=FEATURES)


def telling(emotion, actor, take):
    """Every class has a word of its own; what surrounds it differs from clip to clip."""
    return f"{SAID[emotion].title()}, said no. {'abcdefghijklm'[actor % 12]}!"


def shared(emotion, actor, take):
    return ravdess.TRANSCRIPTS[f"{take:02d}"]


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """The command's console log ends with this file's tests."""
    logger = logging.getLogger("ser_lib")
    handlers, level = logger.handlers, logger.level
    yield
    logger.handlers = handlers
    logger.setLevel(level)


@pytest.fixture
def command(monkeypatch, capsys):
    """``command(rows, *words)`` runs on a manifest; returns exit code, stdout and stderr."""

    def run(rows, *words):
        monkeypatch.setattr(ravdess, "prepare", lambda folder, allow_partial: rows)
        capsys.readouterr()
        code = main([str(word) for word in ("RAVDESS", *words)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """The run folder of a corpus whose words tell the class."""
    folder = tmp_path_factory.mktemp("text") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ravdess, "prepare", lambda folder, allow_partial: manifest(telling))
        words = ["--data_folder", "/private/place", "--output_folder", str(folder)]
        assert main(["RAVDESS", *words, "--allow_partial"]) == 0
    return folder


@pytest.fixture
def audio_run(tmp_path):
    """``audio_run(ledger, name=)`` writes a finished run of made-up numbers; returns its folder."""

    def make(ledger, name="audio", system="cnn_transformer"):
        classes = list(ravdess.EMOTIONS)
        rows = []
        for number, clip in enumerate(ledger.clips[name] for name in ledger.test):
            shares = np.random.default_rng(number).dirichlet(np.ones(8))
            predicted = classes[int(shares.argmax())]
            facts = {"id": clip.id, "speaker": clip.speaker, "gender": clip.gender}
            rows.append(
                {
                    **facts,
                    "intensity": "",
                    "statement": "",
                    "corpus": "RAVDESS",
                    "fold": ledger.fold,
                    "emotion": clip.emotion,
                    "predicted": predicted,
                    "correct": predicted == clip.emotion,
                    **{f"p_{c}": share for c, share in zip(classes, shares, strict=True)},
                }
            )
        run = json.loads(RUN) | {
            "system": system,
            "classes": classes,
            "protocol": ledger.protocol,
            "fold": ledger.fold,
            "folds": ledger.folds,
            "ledger_sha256": ledger.sha256,
            "shared": ledger.shared,
            "sizes": {side: len(ids) for side, ids in ledger.sides.items()},
        }
        folder = tmp_path / name
        write_report(folder, run, pd.DataFrame(rows))
        ledger.save(folder / "ledger.json")
        return folder

    return make


RUN = """{"system_title": "CNN", "system_source": "", "corpus": "RAVDESS", "synthetic": false,
"protocol_description": "", "seed": 7, "parameters": 10, "epochs_run": 3, "epochs_asked": 3,
"best_epoch": 2, "stopped_early": false, "train_seconds": 60.0, "hardware": "a GPU",
"versions": {}, "command": "python train.py", "model_folder": "model", "date": "2025-01-31"}"""


def test_it_learns_what_the_words_tell(learnt):
    metrics = json.loads((learnt / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["metrics"]["ua"]["value"] == 1.0
    assert metrics["run"]["epochs_run"] is None and metrics["run"]["system"] == "text_tfidf"
    assert metrics["run"]["parameters"] == TextModel.load(learnt / "model").parameters


def test_the_run_folder_is_that_of_an_audio_run(learnt):
    files = (
        "report.md",
        "predictions.csv",
        "figures/confusion.png",
        "log.txt",
        "model/config.json",
    )
    assert all((learnt / name).is_file() for name in files)
    ledger = Ledger.load(learnt / "ledger.json")
    assert ledger.sha256 == split(manifest(telling), "ravdess-si6", 1).sha256
    assert ledger.breaches() == []
    frame = read_predictions(learnt / "predictions.csv")
    assert frame["id"].tolist() == ledger.test
    assert frame.columns[10:].tolist() == [f"p_{name}" for name in ravdess.EMOTIONS]


def test_the_saved_model_gives_the_table(learnt):
    frame = read_predictions(learnt / "predictions.csv")
    rows = {row["id"]: row for row in manifest(telling)}
    texts = [rows[name]["transcript"] for name in frame["id"]]
    found = TextModel.load(learnt / "model").probabilities(texts)
    np.testing.assert_allclose(frame.iloc[:, 10:].to_numpy(), found, atol=1e-12)


def test_only_the_training_side_is_fitted(learnt):
    ledger = Ledger.load(learnt / "ledger.json")
    heard = {ledger.clips[name].speaker for name in ledger.train}
    letters = {"abcdefghijklm"[int(speaker) % 12] for speaker in heard}
    words = set(TextModel.load(learnt / "model").vocabulary)
    assert letters <= words and len(words) == len(letters) + len({*SAID.values(), "said", "no"}) + 2


def test_the_report_tells_how_to_get_it_again_and_no_private_place(learnt):
    report = (learnt / "report.md").read_text(encoding="utf-8")
    assert (
        "python -m ser_lib.text RAVDESS --data_folder PATH/TO/RAVDESS --protocol ravdess-si6 "
        "--fold 1 --seed 1986 --allow_partial\n"
    ) in report
    assert "/private/place" not in report
    assert "fitted in one go" in report and "shared by all classes" not in report


def test_shared_sentences_give_chance_and_the_report_says_why(command, tmp_path):
    code, out, err = command(manifest(shared), "--output_folder", tmp_path, "--seed", 3)
    assert code == 0, err
    assert "UA 12.5%, WA 12.5%" in out and "chance is what words can give here" in out
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "All transcripts (2 different) are shared by all classes" in report
    assert "32 of 32 test clips say word for word" in report


def test_test_clips_that_repeat_a_training_clip_are_counted(command, tmp_path):
    rows = manifest(lambda *facts: telling(*facts) if facts[2] == 1 else f"{SAID[facts[0]]}!")
    code, _, err = command(rows, "--fold", 2, "--output_folder", tmp_path)
    assert code == 0, err
    # Fold 2 tests actors 4 and 10 here: each says eight such sentences, eight of its own.
    assert "16 of 32 test clips say word for word" in (tmp_path / "report.md").read_text("utf-8")


def test_clips_without_a_transcript_are_counted(command, tmp_path):
    rows = manifest(lambda *facts: None if facts[1] == 1 and facts[2] == 1 else telling(*facts))
    code, out, err = command(rows, "--output_folder", tmp_path)
    assert code == 0, err
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "8 training or test clips without a transcript" in report


def test_synthetic_is_called_synthetic(command, tmp_path):
    rows = manifest(telling, corpus="RAVDESS-synthetic")
    code, out, err = command(rows, "--data_folder", "sample", "--output_folder", tmp_path)
    assert code == 0 and "(synthetic voices)" in out
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Synthetic voices: no claim" in report and "--data_folder sample" in report
    assert json.loads((tmp_path / "model" / "config.json").read_text())["provenance"]["synthetic"]


def test_fusion_is_the_mean_on_the_same_clips(command, learnt, audio_run, tmp_path):
    audio = audio_run(Ledger.load(learnt / "ledger.json"))
    folder = tmp_path / "run"
    code, out, err = command(manifest(telling), "--output_folder", folder, "--fuse", audio)
    assert code == 0, err
    assert "text, test: UA 100.0%" in out and "fused, test: UA" in out
    tables = [
        read_predictions(place / "predictions.csv")
        for place in (folder, audio, folder / "fused-with-cnn_transformer")
    ]
    shares = [table.iloc[:, 10:].to_numpy() for table in tables]
    np.testing.assert_allclose((shares[0] + shares[1]) / 2, shares[2], atol=1e-12)
    report = (folder / "fused-with-cnn_transformer" / "report.md").read_text(encoding="utf-8")
    assert "--fuse PATH/TO/cnn_transformer" in report and str(tmp_path) not in report
    metrics = json.loads((folder / "fused-with-cnn_transformer" / "metrics.json").read_text())
    assert [m["system"] for m in metrics["run"]["members"]] == ["text_tfidf", "cnn_transformer"]


def test_several_runs_make_one_mean(command, learnt, audio_run, tmp_path):
    ledger, folder = Ledger.load(learnt / "ledger.json"), tmp_path / "run"
    runs = [audio_run(ledger, name, name) for name in ("cnn", "tree")]
    code, _, err = command(manifest(telling), "--output_folder", folder, "--fuse", *runs)
    assert code == 0, err
    metrics = json.loads((folder / "fused-with-cnn+tree" / "metrics.json").read_text())
    assert metrics["run"]["system"] == "text_tfidf+cnn+tree"


@pytest.fixture
def refused(command, tmp_path):
    """Run into a folder that must stay unmade; return the one line it ends in."""

    def run(rows, *words, folder=None):
        target = folder or tmp_path / "refused"
        code, out, err = command(rows, "--output_folder", target, *words)
        assert code == 2 and err.startswith("error: ") and err.count("\n") == 1, err
        assert folder or not target.exists()
        return err

    return run


def test_a_run_of_another_ledger_is_not_fused(refused, audio_run):
    rows = manifest(telling)
    told, other = (split(rows, "ravdess-si6", fold) for fold in (1, 2))
    audio = audio_run(other)
    line = refused(rows, "--fuse", audio)
    assert str(audio) in line and told.sha256[:12] in line and other.sha256[:12] in line
    assert "fold 2 of 6" in line and "fold 1 of 6" in line


def test_a_folder_is_fused_once(refused, audio_run):
    rows = manifest(telling)
    audio = audio_run(split(rows, "ravdess-si6", 1))
    assert "twice" in refused(rows, "--fuse", audio, f"{audio}/../{audio.name}")


def test_a_text_run_is_not_fused_with_itself(refused, learnt):
    assert "text model already" in refused(manifest(telling), "--fuse", learnt)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fuse", "nowhere"], "nowhere holds no finished run"),
        (["--fuse"], "--fuse"),
        (["--fold", "7"], "folds are 1..6"),
        (["--fold", "all"], "--fold"),
        (["--seed", "-1"], "seed -1"),
        (["--protocol", "ravdess-si7"], "did you mean 'ravdess-si6'"),
        (["--sead", "1"], "--sead"),
    ],
)
def test_mistakes_of_the_command_line(refused, words, said):
    assert said in refused(manifest(telling), *words)


def test_conflicting_clips_are_left_out_as_recipes_do(command, refused, audio_run, tmp_path):
    clean = manifest(telling)
    ledger = split(clean, "ravdess-si6")
    tested = ledger.test[0]
    other = next(name for name in ledger.train if ledger.clips[name].emotion != "neutral")
    sounds = dict(zip(clean["id"], clean["sha256"], strict=True))
    rows = clean.map(lambda row: {"sha256": sounds[tested if row["id"] == other else row["id"]]})
    assert "leave them out of training with --drop_conflicts" in refused(rows)
    cut = split(rows, "ravdess-si6", drop_conflicts=True)
    words = ["--drop_conflicts", "--fuse", audio_run(cut), "--output_folder", tmp_path / "run"]
    code, _, err = command(rows, *words)
    assert code == 0, err
    left = Ledger.load(tmp_path / "run" / "ledger.json")
    assert left.sha256 == cut.sha256 and {*ledger.train} - {*left.train} == {other}
    for folder in (tmp_path / "run", tmp_path / "run" / "fused-with-cnn_transformer"):
        told = (folder / "report.md").read_text(encoding="utf-8")
        assert "python -m ser_lib.text RAVDESS --drop_conflicts --protocol" in told


def test_classes_of_iemocap_are_chosen(iemocap_asked, capsys):
    assert main(["IEMOCAP"]) == main(["IEMOCAP", "--classes", "all"]) == 2
    assert iemocap_asked == ["source4", "all"]
    capsys.readouterr()
    assert main(["RAVDESS", "--classes", "all"]) == 2
    assert "RAVDESS is read with all its classes" in capsys.readouterr().err


def test_the_command_tells_the_classes():
    options = SimpleNamespace(data_folder=None, seed=0, allow_partial=False)
    ledger = SimpleNamespace(protocol="iemocap-s5", fold=1)
    told = again(iemocap.variant("merged4"), options, ledger)
    assert told.startswith("python -m ser_lib.text IEMOCAP --classes merged4 --protocol")


def test_an_unknown_corpus_lists_those_there_are(capsys):
    assert main(["NOWHERE"]) == 2
    line = capsys.readouterr().err
    assert "'NOWHERE'" in line and "RAVDESS" in line and line.count("\n") == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (manifest(lambda *_: None), "no clip has a transcript"),
        (manifest(lambda *_: "12, 你好"), "the vocabulary is empty"),
        (manifest(telling, emotions=["sad"]), "training clips are sad"),
    ],
)
def test_corpora_without_words_to_learn_from(command, tmp_path, rows, said):
    code, _, err = command(rows, "--output_folder", tmp_path / "run")
    assert code == 2 and said in err and err.count("\n") == 1
    assert not (tmp_path / "run" / "report.md").exists()


def test_another_run_is_never_overwritten(refused, learnt, audio_run, tmp_path):
    rows = manifest(telling)
    audio = audio_run(split(rows, "ravdess-si6", 1))
    assert "a run of cnn_transformer" in refused(rows, folder=audio)
    assert "ravdess-si6 fold 1" in refused(rows, "--fold", 2, folder=learnt)
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "hyperparams.yaml").touch()
    assert "holds an audio run" in refused(rows, folder=tmp_path / "half")
    assert "several folds" in refused(
        rows, folder=shutil.copytree(learnt, tmp_path / "all/fold-1").parent
    )


def test_a_folder_that_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "--output_folder" in refused(manifest(telling), folder=tmp_path / "file")


def test_help_as_a_command():
    line = [sys.executable, "-m", "ser_lib.text", "--help"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0 and "--fuse" in done.stdout and "examples:" in done.stdout
