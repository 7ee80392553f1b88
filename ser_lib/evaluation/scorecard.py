"""Every number of a report, from one table of predictions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser_lib.evaluation import breakdowns
from ser_lib.evaluation.bootstrap import N_RESAMPLES, interval, resampled_matrices, speaker_codes
from ser_lib.evaluation.confusion import SCORES, recalls
from ser_lib.evaluation.corpus_probe import corpus_probe
from ser_lib.evaluation.scores import summary


def scorecard(
    frame: pd.DataFrame, classes: Sequence[str], n_resamples: int = N_RESAMPLES, seed: int = 0
) -> dict:
    """Scores, their intervals and their breakdowns.

    Arguments
    ---------
    frame : pd.DataFrame
        Predictions, one row a test clip.
    classes : sequence of str
        Label names, in the model's order.
    n_resamples : int
        Draws of the speaker bootstrap; one set of draws serves all scores.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict
        ``metrics`` (``ua``, ``wa``, ``macro_f1``, each ``value``, ``low``, ``high``),
        ``per_class``, ``confusion``, ``by`` (a breakdown a column, by value),
        ``worst_speaker``, ``corpus_probe`` (None for one corpus), ``chance`` and ``interval``
        (method, resamples, speakers). All scores are fractions; ``low`` and ``high`` are None
        with a single speaker, and where every draw scores the same.

    Raises
    ------
    RunError
        No clips, or a label that is not among the classes.
    """
    scores = summary(frame, classes)
    matrices = resampled_matrices(frame, classes, n_resamples, seed)

    def ends(score, column=None) -> dict:
        drawn = None
        if matrices is not None:
            values = score(matrices)
            drawn = interval(values if column is None else values[:, column])
        low, high = drawn or (None, None)
        if low == high:
            # Two people who score alike, or a class that all get right: no width is no certainty.
            low = high = None
        return {"low": low, "high": high}

    for index, name in enumerate(classes):
        around = ends(recalls, index)
        scores["per_class"][name] |= {f"recall_{end}": value for end, value in around.items()}
    clips = np.array([scores["per_class"][name]["support"] for name in classes])
    return {
        "metrics": {name: {"value": scores[name]} | ends(score) for name, score in SCORES.items()},
        "clips": scores["clips"],
        "per_class": scores["per_class"],
        "confusion": scores["confusion"],
        "by": {
            column: breakdowns.by(frame, column, classes).to_dict("index")
            for column in breakdowns.COLUMNS
        },
        "worst_speaker": breakdowns.worst_speaker(frame, classes),
        "corpus_probe": corpus_probe(frame, classes),
        "chance": {"ua": 1 / len(classes), "majority_wa": float(clips.max() / clips.sum())},
        "interval": {
            "method": "percentile bootstrap over speakers",
            "resamples": n_resamples,
            "speakers": int(speaker_codes(frame).max()) + 1,
        },
    }
