"""TF-IDF of a transcript's words and a logistic regression over them.

ShaheenPerveen reads and normalises transcripts and names TF-IDF as future work; the model is the
plain choice for that: scikit-learn's TfidfVectorizer and LogisticRegression with their defaults,
but for more iterations and classes weighted by the inverse of their counts. scikit-learn is needed
to fit only; a saved model is two files without pickle, and a few lines of NumPy compute the same
probabilities.
"""

import json
import logging
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ser_lib.errors import CorpusError, ModelFolderError
from ser_lib.files import to_json, write_bytes, write_text
from ser_lib.text.normalise import tokens

logger = logging.getLogger(__name__)

MODEL_TYPE = "ser_text_tfidf"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
_ITERATIONS = 1000
_LARGEST = 1e100


class TextModel:
    """Class probabilities of transcripts.

    Arguments
    ---------
    classes : sequence of str
        Class names, in the order of the probabilities.
    vocabulary : sequence of str
        Known tokens; all others are ignored.
    idf : array ``(words,)``
        Inverse document frequencies, 1 or more (smoothed as scikit-learn does).
    weight : array ``(classes, words)``
        Of the regression.
    bias : array ``(classes,)``
        Minus infinity for a class that training never saw: its probability is 0.

    Raises
    ------
    ValueError
        If names repeat, or the arrays do not fit them or hold impossible numbers.
    """

    def __init__(self, classes, vocabulary, idf, weight, bias):
        self.classes, self.vocabulary = list(classes), list(vocabulary)
        self.idf, self.weight, self.bias = (
            np.ascontiguousarray(values, dtype=np.float64) for values in (idf, weight, bias)
        )
        self._check()
        self._place = {word: place for place, word in enumerate(self.vocabulary)}

    @property
    def parameters(self):
        """Numbers that the regression fits (int)."""
        return self.weight.size + self.bias.size

    @classmethod
    def fit(cls, texts, labels, classes):
        """A model of training transcripts.

        Arguments
        ---------
        texts : sequence of str
            Raw transcripts of the training side; empty ones count as texts without words.
        labels : sequence of str
            Their classes.
        classes : sequence of str
            All classes; training may lack some.

        Raises
        ------
        CorpusError
            If the texts hold no word at all, or all are of one class.
        ValueError
            If a label is none of the classes.
        """
        # They take a second to import, and a saved model does without.
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        documents, labels, classes = [tokens(text) for text in texts], list(labels), list(classes)
        if strangers := sorted(set(labels) - set(classes)):
            raise ValueError(f"label {strangers[0]!r} is none of the classes {classes}")
        if not any(documents):
            raise CorpusError(
                f"none of the {len(documents)} training transcripts holds a word from a to z, so "
                "the vocabulary is empty; use a corpus or a language with such transcripts"
            )
        if len(set(labels)) < 2:
            raise CorpusError(
                f"all {len(labels)} training clips are {labels[0]}; two classes at least are "
                "needed to learn from: add clips or choose another fold"
            )
        vectorizer = TfidfVectorizer(analyzer=lambda words: words)
        features = vectorizer.fit_transform(documents)
        regression = LogisticRegression(class_weight="balanced", max_iter=_ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            regression.fit(features, labels)
        if max(regression.n_iter_) >= _ITERATIONS:
            logger.warning("the text model did not converge in %d iterations", _ITERATIONS)
        weight, bias = regression.coef_, regression.intercept_
        if len(regression.classes_) == 2:
            # scikit-learn keeps only the second class's logit; the first one's is 0.
            weight, bias = (np.concatenate([0 * part, part]) for part in (weight, bias))
        words = vectorizer.get_feature_names_out().tolist()
        all_weight, all_bias = np.zeros((len(classes), len(words))), np.full(len(classes), -np.inf)
        rows = [classes.index(name) for name in regression.classes_]
        all_weight[rows], all_bias[rows] = weight, bias
        return cls(classes, words, vectorizer.idf_, all_weight, all_bias)

    def probabilities(self, texts):
        """Class probabilities, float64 ``(texts, classes)``, of raw transcripts (list of str).

        A text without any known word gets what the biases alone say.
        """
        logits = np.tile(self.bias, (len(texts), 1))
        for row, text in zip(logits, texts, strict=True):
            counts = Counter(word for word in tokens(text) if word in self._place)
            if counts:
                places = [self._place[word] for word in counts]
                values = np.array(list(counts.values())) * self.idf[places]
                row += self.weight[:, places] @ (values / np.linalg.norm(values))
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def save(self, folder, provenance=None):
        """Write ``config.json`` and ``model.safetensors`` (``idf``, ``weight``, ``bias``).

        Arguments
        ---------
        folder : str or os.PathLike
            Made where absent; a model that is there already is replaced.
        provenance : dict, optional
            Plain values that say where the model comes from.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        RunError
            If the folder cannot be written.
        """
        folder = Path(folder)
        config = {
            "model_type": MODEL_TYPE,
            "classes": self.classes,
            "provenance": provenance or {},
            "vocabulary": self.vocabulary,
        }
        arrays = {"idf": self.idf, "weight": self.weight, "bias": self.bias}
        write_bytes(folder / WEIGHTS, save(arrays))
        write_text(folder / CONFIG, to_json(config))
        return folder

    @classmethod
    def load(cls, folder):
        """The model that :meth:`save` wrote; needs neither scikit-learn nor trust in the folder.

        Raises
        ------
        ModelFolderError
            If a file is missing, corrupt or of another kind, or the two do not fit together.
        """
        folder = Path(folder)
        config = _read_config(folder / CONFIG)
        arrays = _read_arrays(folder / WEIGHTS)
        try:
            return cls(config["classes"], config["vocabulary"], **arrays)
        except (ValueError, TypeError) as error:
            raise ModelFolderError(
                f"{folder} is no whole text model ({error}); train it again"
            ) from error

    def _check(self):
        """Raise ValueError unless names and arrays make a model."""
        words, classes = len(self.vocabulary), len(self.classes)
        for what, names in (("classes", self.classes), ("vocabulary", self.vocabulary)):
            if not all(isinstance(name, str) and name for name in names):
                raise ValueError(f"the {what} are not all words")
            if len(set(names)) < len(names):
                raise ValueError(f"the {what} repeat")
        if classes < 2 or not words:
            raise ValueError(f"{classes} classes and {words} words are too few")
        shapes = {"idf": (words,), "weight": (classes, words), "bias": (classes,)}
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} is of shape {found}, not {shape}")
        bias = self.bias[self.bias != -np.inf]
        numbers = (self.idf, self.weight, bias)
        if not bias.size or not all((np.abs(values) < _LARGEST).all() for values in numbers):
            raise ValueError("a weight, bias or idf is no number of use")
        if self.idf.min() < 1:
            raise ValueError("an idf is below 1")


def _read_config(path):
    """``config.json`` as a dict with lists where lists belong, or ModelFolderError."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFolderError(
            f"{path} cannot be read ({error.strerror}); give the model folder of a text run"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"{path} is not JSON; copy it again") from error
    if not isinstance(config, dict) or config.get("model_type") != MODEL_TYPE:
        raise ModelFolderError(f"{path} is not that of a text model; choose another folder")
    for key in ("classes", "vocabulary"):
        if not isinstance(config.get(key), list):
            raise ModelFolderError(f"{path} has no list of {key}; copy it again")
    return config


def _read_arrays(path):
    """``idf``, ``weight`` and ``bias`` of a safetensors file, or ModelFolderError."""
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in ("idf", "weight", "bias")}
    except (OSError, SafetensorError, TypeError, ValueError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFolderError(
            f"{path} cannot be read as the weights of a text model ({reason}); copy it again or "
            "train the model again"
        ) from error
    if odd := [name for name, values in arrays.items() if values.dtype.kind != "f"]:
        raise ModelFolderError(f"{path}: {odd[0]} holds no real numbers; train the model again")
    return arrays
