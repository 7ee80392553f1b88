import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForAudioClassification

from ser_lib.corpora import ravdess
from ser_lib.errors import HparamsError
from ser_lib.evaluation import folds, report
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.evaluation.report import RUN_KEYS
from ser_lib.recipe import main as train
from ser_lib.use import evaluate, training_side
from ser_lib.use.label_match import match, read_told

EMOTIONS = list(ravdess.EMOTIONS)


@pytest.fixture(scope="module")
def trained(small_yaml, small_ravdess, tmp_path_factory):
    """Run folder of a system trained on fold 1 of ravdess-si6."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    words = [small_yaml, "--data_folder", small_ravdess, "--output_folder", folder]
    assert train(ravdess, [*map(str, words), "--allow_partial"]) == 0
    return folder


@pytest.fixture
def scored(small_ravdess, tmp_path, capfd):
    """``scored(model, *more, code=0)`` runs the command; returns folder, stdout, stderr."""

    def run(model, *more, code=0):
        folder = tmp_path / "evaluated"
        words = [model, "--recipe", "RAVDESS", "--data_folder", small_ravdess]
        words += ["--output_folder", folder, "--allow_partial", *more]
        capfd.readouterr()
        found = evaluate.main([str(word) for word in words])
        out, err = capfd.readouterr()
        assert found == code, err
        return folder, out, err.rpartition("\r")[2].lstrip()

    return run


@pytest.fixture(scope="module")
def trained_at_random(small_yaml, small_ravdess, tmp_path_factory):
    """Model folder, with nothing beside it, of a system trained on clips drawn with seed 1986."""
    folder = tmp_path_factory.mktemp("random") / "run"
    words = [small_yaml, "--data_folder", small_ravdess, "--output_folder", folder]
    words += ["--protocol", "ravdess-random", "--seed", 1986, "--allow_partial"]
    assert train(ravdess, [*map(str, words)]) == 0
    shutil.copytree(folder / "model", folder.parent / "model")
    return folder


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_the_very_numbers_of_the_training_run(trained, scored):
    for model in (trained, trained / "model"):
        folder, out, _ = scored(model)
        mine, its = (read_predictions(one / "predictions.csv") for one in (folder, trained))
        columns = [f"p_{name}" for name in EMOTIONS]
        np.testing.assert_allclose(mine[columns], its[columns], atol=1e-6)
        assert mine.drop(columns=columns).equals(its.drop(columns=columns))
        assert metrics_of(folder)["metrics"] == metrics_of(trained)["metrics"]
        text = (folder / "report.md").read_text(encoding="utf-8")
        assert "its training held no clip and no speaker" in text
        assert "trained in" not in text and "warning" not in out
        assert str(folder.parent) not in text
        assert (folder / "figures" / "confusion.png").exists()


def test_models_corpora_and_sounds_have_default_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = set()
    for system in ("mfcc_mlp", "mfcc_cnn"):
        model = tmp_path / "runs" / "RAVDESS" / "ravdess-si6" / system / "seed-7" / "model"
        model.mkdir(parents=True)
        for recipe, sound in (("RAVDESS", "sample"), ("RAVDESS", "here"), ("TESS", "here")):
            words = [str(model), "--recipe", recipe, "--data_folder", sound]
            found.add(evaluate._default_folder(evaluate._parser().parse_args(words), "rule"))
    words = ["somebody/model", "--recipe", "RAVDESS", "--fold", "all"]
    found.add(evaluate._default_folder(evaluate._parser().parse_args(words), "rule"))
    assert len(found) == 7
    run = "RAVDESS-ravdess-si6-mfcc_mlp-seed-7"
    assert Path("runs/evaluated", run, "RAVDESS-synthetic", "rule", "fold-1") in found
    assert Path("runs/evaluated/somebody-model/RAVDESS/rule") in found


def test_training_clips_are_told(trained, scored, tmp_path):
    ledger = json.loads((trained / "ledger.json").read_text())
    folder, out, _ = scored(trained, "--fold", "2")
    tested = json.loads((folder / "ledger.json").read_text())["test"]
    known = len(set(ledger["train"]) & set(tested))
    assert known > 0
    assert f"{known} of {len(tested)} test clips" in out and "in its training" in out
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert f"**{known} of {len(tested)} test clips" in text
    assert "held no clip" not in text
    shared = metrics_of(folder)["run"]["shared"]["train-test"]
    assert len(shared["clips"]) == known
    # Without the run's ledger beside it the split is cut again from the corpus.
    alone = shutil.copytree(trained / "model", tmp_path / "alone")
    assert f"{known} of {len(tested)} test clips" in scored(alone, "--fold", "2")[1]


def test_unknown_split_of_the_same_corpus_is_told(trained, scored, tmp_path):
    alone = shutil.copytree(trained / "model", tmp_path / "alone")
    config = json.loads((alone / "config.json").read_text())
    config["provenance"]["ledger_sha256"] = "0" * 64
    (alone / "config.json").write_text(json.dumps(config))
    folder, out, _ = scored(alone)
    assert "may have been in its training" in out
    assert metrics_of(folder)["run"]["training"]["known"] is False
    config["provenance"] = {"corpora": ["EMO-DB"], "ledger_sha256": "0" * 64}
    (alone / "config.json").write_text(json.dumps(config))
    folder, out, _ = scored(alone)
    assert "warning" not in out and metrics_of(folder)["run"]["training"]["known"] is True


@pytest.mark.parametrize("mark", ["checkpoints", "hyperparams.yaml", "model"])
@pytest.mark.parametrize("place", [".", "fold-2"])
def test_a_training_run_is_not_overwritten(scored, tmp_path, mark, place):
    folder = tmp_path / "run" / place
    (folder / mark).mkdir(parents=True)
    (tmp_path / "run" / "report.md").write_text("of the training")
    before = sorted((tmp_path / "run").rglob("*"))
    # Refused before the model, which is not there, is looked for.
    _, _, err = scored("nowhere", "--output_folder", tmp_path / "run", code=2)
    assert err == f"error: {folder} holds a training run; choose another --output_folder\n"
    assert sorted((tmp_path / "run").rglob("*")) == before
    assert (tmp_path / "run" / "report.md").read_text() == "of the training"


@pytest.mark.parametrize(
    "text", ["{", json.dumps({"run": dict.fromkeys(RUN_KEYS), "metrics": {}, "clips": 0})]
)
def test_a_report_of_another_command_is_not_overwritten(scored, tmp_path, text):
    folder = tmp_path / "fused"
    folder.mkdir()
    (folder / "metrics.json").write_text(text)
    _, _, err = scored("nowhere", "--output_folder", folder, code=2)
    told = "holds the report of another command; choose another --output_folder"
    assert err == f"error: {folder} {told}\n"
    assert (folder / "metrics.json").read_text() == text


def test_all_folds(trained, scored, monkeypatch):
    for module in (report, folds):
        # Seven reports' figures take long, and other tests draw them.
        monkeypatch.setattr(module, "draw", lambda *_: [])
    folder, out, _ = scored(trained, "--fold", "all")
    assert len(read_predictions(folder / "predictions.csv")) == 12 * 8
    report_text = (folder / "report.md").read_text(encoding="utf-8")
    assert "judged by the model of its fold" not in report_text and "> **Fold" in report_text
    assert (folder / "fold-2" / "metrics.json").exists()
    assert metrics_of(folder)["run"]["folds_run"] == [1, 2, 3, 4, 5, 6]


@pytest.fixture
def foreign(tiny_encoder, tmp_path):
    """``foreign(labels)``: folder of an audio classifier that was not made here."""

    def make(labels):
        source = tiny_encoder("wav2vec2")
        config = AutoConfig.from_pretrained(
            source,
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: place for place, label in enumerate(labels)},
        )
        folder = tmp_path / "foreign"
        AutoModelForAudioClassification.from_config(config).save_pretrained(folder)
        AutoFeatureExtractor.from_pretrained(source).save_pretrained(folder)
        return folder

    return make


def test_foreign_classifier(foreign, scored, small_ravdess):
    from ser_lib import load

    model = foreign(["neu", "hap", "ang", "bored"])
    line = "ang=angry,hap=happy,neu=neutral"
    folder, out, _ = scored(model, "--labels", line, "--shared_only")
    table = read_predictions(folder / "predictions.csv")
    assert set(table["emotion"]) == {"neutral", "happy", "angry"}
    clip = table.iloc[3]
    path = next(small_ravdess.rglob(f"{clip['id']}.flac"))
    alone = {one["label"]: one["score"] for one in load(model, device="cpu")(path)}
    expected = np.array([alone[key] for key in ("neu", "hap", "ang")])
    found = clip[["p_neutral", "p_happy", "p_angry"]].astype(float)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-5)
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "not known what the model was trained on" in out and "not known" in text
    assert "never heard" not in text and "no speaker of the test" not in text
    for words in ("no bored", "knows no calm", "neu as neutral"):
        assert words in text


@pytest.mark.parametrize(
    ("labels", "more", "words"),
    [
        (["neu", "hap"], [], ["neu, hap", "--labels"]),
        (["angry", "happy"], [], ["no class for neutral", "--shared_only"]),
        (["angry", "happy"], ["--labels", "ang=angry"], ["no class 'ang'"]),
        (["angry", "happy"], ["--labels", "angry=cross"], ["no emotion 'cross'"]),
        (["angry", "happy"], ["--labels", "angry"], ["class=emotion"]),
    ],
)
def test_labels_that_do_not_map(foreign, scored, labels, more, words):
    _, _, err = scored(foreign(labels), *more, code=2)
    assert err.startswith("error: ") and err.count("\n") == 1
    assert all(word in err for word in words)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--fold", "9"], "fold"),
        (["--fold", "x"], "--fold: 'x' is neither a fold's number nor 'all'"),
        (["--protocol", "none"], "none"),
        (["--recipe", "none"], "none"),
        (["--no_such", "1"], "no_such"),
    ],
)
def test_commands_that_cannot_be_obeyed(trained, scored, more, word):
    _, _, err = scored(trained, *more, code=2)
    assert err.count("\n") == 1 and word in err


def test_classes_of_iemocap_are_chosen(trained, scored, iemocap_asked):
    for words in ((), ("--classes", "merged4")):
        _, _, err = scored(trained, "--recipe", "IEMOCAP", *words, code=2)
        assert "enough of IEMOCAP" in err
    assert iemocap_asked == ["source4", "merged4"]
    assert "all its classes" in scored(trained, "--classes", "all", code=2)[2]
    assert "one of source4" in scored(trained, "--recipe", "IEMOCAP", "--classes", "x", code=2)[2]


def test_the_protocol_of_another_corpus_is_refused_before_a_clip_is_read(trained, scored):
    more = ["--protocol", "emodb-loso10", "--data_folder", "nowhere"]
    assert "made for EMO-DB, not for RAVDESS" in scored(trained, *more, code=2)[2]


def test_bad_clip_is_named(trained, scored, small_ravdess, tmp_path):
    copy = shutil.copytree(small_ravdess, tmp_path / "copy")
    path = next(copy.rglob("*-01.flac"))
    soundfile.write(path, np.zeros(1000), 16_000)
    path.write_bytes(path.read_bytes()[:60])
    _, _, err = scored(trained, "--data_folder", copy, code=2)
    assert path.name in err and err.count("\n") == 1


def test_match_of_names_and_of_the_published_map():
    emodb = ["anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"]
    found = match(EMOTIONS, emodb, ["EMO-DB"])
    assert found.emotions == ["anger", "disgust", "fear", "happiness", "neutral", "sadness"]
    assert (found.unknown, found.masked) == (["boredom"], ["calm", "surprised"])
    pairs = {
        label: None if column is None else found.emotions[column]
        for label, column in zip(EMOTIONS, found.columns, strict=True)
    }
    assert pairs["happy"] == "happiness" and pairs["fearful"] == "fear" and pairs["calm"] is None
    back = match(emodb, EMOTIONS, ["RAVDESS-synthetic"])
    assert back.masked == ["boredom"] and back.unknown == ["calm", "surprised"]
    assert match(["HAPPY", "Sad"], EMOTIONS, ["RAVDESS"]).emotions == ["happy", "sad"]


def test_probabilities_are_shared_out_and_added():
    found = match(["sad", "x", "happy", "joy"], EMOTIONS, ["RAVDESS"], {"joy": "happy"})
    shares = np.array([[0.2, 0.5, 0.1, 0.2], [0.0, 1.0, 0.0, 0.0]])
    np.testing.assert_allclose(found.probabilities(shares), [[0.6, 0.4], [0.5, 0.5]])
    assert found.emotions == ["happy", "sad"]
    left_out = match(["sad", "happy", "calm"], EMOTIONS, ["RAVDESS"], {"calm": ""})
    assert left_out.masked == ["calm"]


def test_told_pairs():
    assert read_told(" ang = angry, x= ,") == {"ang": "angry", "x": ""}
    assert read_told(None) == {}
    for text in ("ang", "=angry", "a=b,a=c"):
        with pytest.raises(HparamsError, match="--labels"):
            read_told(text)


def test_a_cut_by_chance_is_that_of_the_training(trained_at_random, scored):
    model = trained_at_random.parent / "model"
    folder, _, _ = scored(model, "--protocol", "ravdess-random")
    mine, its = metrics_of(folder), metrics_of(trained_at_random)
    assert mine["run"]["ledger_sha256"] == its["run"]["ledger_sha256"]
    assert mine["metrics"] == its["metrics"]
    assert "--seed 1986" in mine["run"]["command"]


def test_what_was_heard_in_a_cut_by_chance_is_counted(trained_at_random, scored):
    _, out, _ = scored(trained_at_random.parent / "model", "--protocol", "ravdess-si6")
    assert "test clips" in out and "in its training" in out and "cannot be made again" not in out


@pytest.mark.parametrize("seed", ["1986", True, -1, 2**40, None, [1]])
def test_a_seed_that_is_none_is_not_used(seed):
    assert training_side.split_seed({"split_seed": seed}) is None
