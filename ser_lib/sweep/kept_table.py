"""Reads tables of answers that are kept beside the runs: gzipped CSV with its facts as JSON."""

import gzip
import io
import json
from pathlib import Path

import pandas as pd

from ser_lib.errors import RunError
from ser_lib.evaluation.bootstrap import interval, resampled_matrices
from ser_lib.evaluation.confusion import SCORES, confusion_matrix
from ser_lib.sweep.measured import Score


def read_answers(path):
    """Facts (dict) of ``<path>`` and the table (pd.DataFrame of str) of its ``.csv.gz``.

    Raises
    ------
    RunError
        Either is damaged; names it.
    """
    path = Path(path)
    answers = path.with_suffix(".csv.gz")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        frame = pd.read_csv(io.BytesIO(gzip.decompress(answers.read_bytes())), dtype=str)
        frame["speaker"], frame["emotion"]
    except (OSError, EOFError, ValueError, LookupError) as error:
        raise RunError(
            f"{path}: it or {answers.name} is damaged ({error}); run again what made it"
        ) from error
    return facts, frame


def scores(frame):
    """WA and UA of a table with ``speaker``, ``emotion`` and ``predicted``.

    Returns
    -------
    dict
        ``wa`` and ``ua`` to `Score`, with intervals over speakers where there are several.
    """
    whole, classes = _matrix(frame)
    draws = resampled_matrices(frame, classes)
    return {
        key: Score(
            float(SCORES[key](whole)),
            *((interval(SCORES[key](draws)) if draws is not None else None) or (None, None)),
        )
        for key in ("wa", "ua")
    }


def recall(frame):
    """UA of a table (float), without the time that an interval takes."""
    return float(SCORES["ua"](_matrix(frame)[0]))


def _matrix(frame):
    classes = sorted({*frame["emotion"], *frame["predicted"]})
    return confusion_matrix(frame["emotion"], frame["predicted"], classes), classes
