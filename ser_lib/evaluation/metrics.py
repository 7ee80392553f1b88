"""UA, WA, macro-F1 and per-class scores as `evaluate.Metric`s that never call the Hub.

``evaluate.load("accuracy")`` fetches a script over the network; these classes are that script,
in the package, over scikit-learn. They take integer class ids, and what is undefined stays
undefined: the recall of a class without clips and the precision of a class that was never
predicted are NaN, not 0, and no mean counts them.

They are for people who use `evaluate`, which takes seconds to import; reports get the same numbers
from `ser_lib.evaluation.scores`.

UA (unweighted accuracy, the UAR of the Interspeech challenges) is the mean recall; WA (weighted
accuracy) is plain accuracy. Schuller, Batliner and others, "The INTERSPEECH 2009 Emotion
Challenge", section 4.
"""

from collections.abc import Sequence

import datasets
import evaluate
import numpy as np
from sklearn import metrics as sk

_INPUTS = """
Arguments
---------
predictions : sequence of int
    Predicted class ids, one a clip.
references : sequence of int
    True class ids, one a clip.
labels : sequence of int, optional
    The classes to average over; those that do not occur are left out of the mean.
"""


class ClassificationMetric(evaluate.Metric):
    """Ground of the metrics below: integer ids in, nothing on disk.

    `evaluate` keeps predictions in a locked file below the home folder; one process has no need
    of that, so they stay in memory and no folder is made. With ``num_process`` above 1 the file
    is how the processes meet, and `evaluate`'s own way is kept.
    """

    def __init__(self, config_name: str | None = None, num_process: int = 1, **options):
        """Options are those of `evaluate.Metric`."""
        options.setdefault("keep_in_memory", num_process == 1)
        super().__init__(config_name=config_name, num_process=num_process, **options)

    def _build_data_dir(self) -> str:
        return self._data_dir_root if self.keep_in_memory else super()._build_data_dir()

    def _info(self) -> evaluate.MetricInfo:
        ids = {name: datasets.Value("int64") for name in ("predictions", "references")}
        return evaluate.MetricInfo(
            description=type(self).__doc__ or "",
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features(ids),
        )

    def compute(self, *, predictions=None, references=None, **options):
        """The scores (dict) of these clips or of those added; raises ValueError without any."""
        if predictions is None and references is None and self.writer is None:
            raise ValueError("nothing to score: there are no clips")
        return super().compute(predictions=predictions, references=references, **options)

    def add(self, *, prediction=None, reference=None, **options):
        """Adds one clip; raises ValueError for labels that are not integer class ids."""
        (prediction,) = _ids("predictions", [prediction])
        (reference,) = _ids("references", [reference])
        super().add(prediction=prediction, reference=reference, **options)

    def add_batch(self, *, predictions=None, references=None, **options):
        """Adds clips; raises ValueError for labels that are not integer class ids."""
        predictions = _ids("predictions", predictions)
        references = _ids("references", references)
        super().add_batch(predictions=predictions, references=references, **options)


class UnweightedAccuracy(ClassificationMetric):
    """UA: mean recall over the classes that occur in the references (or those of ``labels``)."""

    def _compute(self, predictions, references, labels=None) -> dict[str, float]:
        present = _among(np.unique(references), labels)
        value = sk.recall_score(
            references, predictions, labels=present, average="macro", zero_division=0
        )
        return {"unweighted_accuracy": float(value)}


class WeightedAccuracy(ClassificationMetric):
    """WA: the share of clips whose class is right (of the clips whose class is in ``labels``)."""

    def _compute(self, predictions, references, labels=None) -> dict[str, float]:
        references, predictions = np.asarray(references), np.asarray(predictions)
        kept = np.isin(references, _among(np.unique(references), labels))
        return {"weighted_accuracy": float(sk.accuracy_score(references[kept], predictions[kept]))}


class MacroF1(ClassificationMetric):
    """Mean F1 over the classes that occur in references or predictions (or in ``labels``)."""

    def _compute(self, predictions, references, labels=None) -> dict[str, float]:
        present = _among(np.union1d(references, predictions), labels)
        value = sk.f1_score(
            references, predictions, labels=present, average="macro", zero_division=0
        )
        return {"macro_f1": float(value)}


class PerClass(ClassificationMetric):
    """Precision, recall, F1 and support (clips) of each class; NaN where undefined.

    Without ``labels`` the classes are those that occur in references or predictions, ascending.
    """

    def _compute(self, predictions, references, labels=None) -> dict[str, list]:
        if labels is None:
            labels = _among(np.union1d(references, predictions), None)
        scores = sk.precision_recall_fscore_support(
            references, predictions, labels=list(labels), zero_division=np.nan
        )
        names = ("precision", "recall", "f1", "support")
        return {"labels": [int(label) for label in labels]} | {
            name: column.tolist() for name, column in zip(names, scores, strict=True)
        }


def _among(present: np.ndarray, labels: Sequence[int] | None) -> np.ndarray:
    """The classes to average over; raises ValueError where none of them occurs."""
    kept = present if labels is None else present[np.isin(present, list(labels))]
    if not kept.size:
        wanted = "there are no clips" if labels is None else f"none of labels {list(labels)} occurs"
        raise ValueError(f"nothing to score: {wanted}")
    return kept


def _ids(name: str, values) -> list[int]:
    """Class ids as a list; `evaluate` alone would cut 0.9 down to class 0 without a word."""
    array = np.asarray(values)
    if array.size and (array.ndim != 1 or array.dtype.kind not in "iu"):
        raise ValueError(
            f"{name} must be one integer class id a clip, got {array.dtype} of shape {array.shape}"
        )
    return array.tolist()
