"""The text model against scikit-learn, without scikit-learn, and against damaged folders."""

import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ser_lib.errors import CorpusError, ModelFolderError, RunError
from ser_lib.text import tfidf
from ser_lib.text.normalise import normalise
from ser_lib.text.tfidf import TextModel

CLASSES = ["sad", "happy", "angry"]
WORDS = ("I", "you", "they", "is", "not", "so", "glad", "sorry", "mad", "leave", "stay", "rain")
WORDS += ("home.", "never!", "why?", "é")


def corpus(n, classes, seed=0):
    """Random sentences whose words depend on the class, unevenly many a class."""
    rng = np.random.default_rng(seed)
    odds = rng.dirichlet(np.ones(len(WORDS)), len(classes))
    share = np.arange(1, len(classes) + 1)
    labels = rng.choice(len(classes), n, p=share / share.sum())
    texts = [" ".join(rng.choice(WORDS, rng.integers(0, 9), p=odds[label])) for label in labels]
    return texts, [classes[label] for label in labels]


def reference(texts, labels, classes, queries):
    """The fitted library's probabilities, columns in the order of ``classes``."""
    pipeline = make_pipeline(
        TfidfVectorizer(preprocessor=normalise, token_pattern=r"[a-z]+|[.!?]"),
        LogisticRegression(class_weight="balanced", max_iter=1000),
    ).fit(texts, labels)
    found = pipeline.predict_proba(queries)
    return found[:, [pipeline.classes_.tolist().index(name) for name in classes]]


@pytest.fixture(scope="module")
def model():
    return TextModel.fit(*corpus(120, CLASSES), CLASSES)


@pytest.fixture
def folder(model, tmp_path):
    return model.save(tmp_path / "model", {"fold": 1})


QUERIES = [*corpus(40, CLASSES, seed=1)[0], "", "unheard of words", "Sorry, sorry! SORRY?"]


@pytest.mark.parametrize("classes", [CLASSES, CLASSES[:2]])
def test_equals_scikit_learn(classes):
    texts, labels = corpus(120, classes)
    found = TextModel.fit(texts, labels, classes).probabilities(QUERIES)
    np.testing.assert_allclose(found, reference(texts, labels, classes, QUERIES), atol=1e-6)


def test_a_saved_model_says_the_same(model, folder):
    again = TextModel.load(folder)
    np.testing.assert_array_equal(again.probabilities(QUERIES), model.probabilities(QUERIES))
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert json.loads((folder / "config.json").read_text())["provenance"] == {"fold": 1}


def test_a_fresh_process_without_scikit_learn_says_the_same(model, folder):
    code = (
        "import json, sys\n"
        "sys.modules['sklearn'] = None\n"
        "from ser_lib.text.tfidf import TextModel\n"
        "model = TextModel.load(sys.argv[1])\n"
        "print(json.dumps(model.probabilities(json.loads(sys.argv[2])).tolist()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), json.dumps(QUERIES)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), model.probabilities(QUERIES), atol=1e-12)


def test_probabilities_sum_to_one_and_no_text_gives_no_row(model):
    assert model.probabilities(QUERIES).sum(axis=1) == pytest.approx(1)
    assert model.probabilities([]).shape == (0, 3)


def test_a_text_does_not_see_its_neighbours(model):
    alone = np.concatenate([model.probabilities([text]) for text in QUERIES])
    np.testing.assert_array_equal(alone, model.probabilities(QUERIES))


def test_it_learns_what_words_tell():
    texts = ["so happy", "how sad", "happy me", "sad me"] * 3
    labels = ["happy", "sad", "happy", "sad"] * 3
    found = TextModel.fit(texts, labels, CLASSES).probabilities(["Happy!", "SAD..."])
    assert found.argmax(axis=1).tolist() == [1, 0]


def test_a_class_that_training_lacks_has_no_chance(tmp_path):
    texts, labels = corpus(60, CLASSES[:2])
    model = TextModel.fit(texts, labels, ["calm", *CLASSES[:2]])
    found = TextModel.load(model.save(tmp_path)).probabilities(QUERIES)
    assert (found[:, 0] == 0).all() and found.sum(axis=1) == pytest.approx(1)


def test_classes_weigh_alike_however_many_clips_they_have():
    found = TextModel.fit(["same words"] * 10, ["sad"] * 9 + ["happy"], CLASSES[:2])
    assert found.probabilities(["same words"])[0] == pytest.approx([0.5, 0.5], abs=1e-3)


def test_a_fit_that_does_not_converge_says_so(monkeypatch, caplog):
    monkeypatch.setattr(tfidf, "_ITERATIONS", 1)
    with caplog.at_level(logging.WARNING, "ser_lib"):
        TextModel.fit(*corpus(120, CLASSES), CLASSES)
    assert "did not converge in 1 iterations" in caplog.text


@pytest.mark.parametrize(
    ("texts", "labels", "words"),
    [
        (["", " ", "你好 12"], ["sad", "happy", "sad"], "the vocabulary is empty"),
        (["so sad", "very sad"], ["sad", "sad"], "all 2 training clips are sad"),
        ([], [], "the vocabulary is empty"),
    ],
)
def test_nothing_to_learn_from(texts, labels, words):
    with pytest.raises(CorpusError, match=words) as caught:
        TextModel.fit(texts, labels, CLASSES)
    assert "\n" not in str(caught.value)


def test_a_label_that_is_no_class():
    with pytest.raises(ValueError, match="'bored' is none of the classes"):
        TextModel.fit(["a", "b"], ["sad", "bored"], CLASSES)


def test_a_folder_that_cannot_be_written(model, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="file"):
        model.save(tmp_path / "file" / "model")


def change_config(**changes):
    def spoil(folder):
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return spoil


def change_arrays(change):
    def spoil(folder):
        arrays = load_file(folder / "model.safetensors")
        arrays.update(change(arrays))
        arrays = {k: np.ascontiguousarray(v) for k, v in arrays.items() if v is not None}
        save_file(arrays, folder / "model.safetensors")

    return spoil


def put(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "config.json").unlink(), "config.json cannot be read"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors cannot be read"),
        (put("config.json", b"\xff\xfe"), "is not JSON"),
        (put("config.json", b"[" * 100_000), "is not JSON"),
        (put("config.json", b"[]"), "not that of a text model"),
        (put("config.json", b'{"model_type": "ser_lib"}'), "not that of a text model"),
        (put("model.safetensors", b""), "cannot be read as the weights"),
        (put("model.safetensors", b"\x80\x04pickle"), "cannot be read as the weights"),
        (change_config(classes=None), "no list of classes"),
        (change_config(vocabulary="words"), "no list of vocabulary"),
        (change_config(vocabulary=[["a"]]), "the vocabulary are not all words"),
        (change_config(classes=["sad", "sad", "angry"]), "the classes repeat"),
        (change_config(classes=["sad", "happy"]), r"weight is of shape \(3, "),
        (change_config(vocabulary=["one"]), "idf is of shape"),
        (change_config(classes=[]), "too few"),
        (change_arrays(lambda a: {"idf": None}), "cannot be read as the weights"),
        (change_arrays(lambda a: {"weight": a["weight"].T}), "weight is of shape"),
        (change_arrays(lambda a: {"weight": a["weight"] * np.nan}), "no number of use"),
        (change_arrays(lambda a: {"bias": a["bias"] - np.inf}), "no number of use"),
        (change_arrays(lambda a: {"bias": a["bias"] + np.inf}), "no number of use"),
        (change_arrays(lambda a: {"bias": a["bias"] + 1e300}), "no number of use"),
        (change_arrays(lambda a: {"idf": 0 * a["idf"]}), "an idf is below 1"),
        (change_arrays(lambda a: {"bias": a["bias"].astype(np.int64)}), "holds no real numbers"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(folder, spoil, words):
    spoil(folder)
    with pytest.raises(ModelFolderError, match=words) as caught:
        TextModel.load(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelFolderError, match="nowhere"):
        TextModel.load(tmp_path / "nowhere")
