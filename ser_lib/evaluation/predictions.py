"""The table of predictions, one row a test clip: its columns, its checks, its CSV file.

Whoever doubts a number can take it apart: every score of a report follows from this one file.
"""

import collections
import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ser_lib.errors import RunError
from ser_lib.files import write_text
from ser_lib.plain import sheet_cell

TEXT = ("id", "speaker", "gender", "intensity", "statement", "corpus", "emotion", "predicted")
#: What a row tells of its clip, as the manifest has it.
CLIP_FACTS = ("id", "speaker", "gender", "intensity", "statement", "corpus")
COLUMNS = (*CLIP_FACTS, "fold", "emotion", "predicted", "correct")
_SUM_TOLERANCE = 1e-3
# What stands in quotes, to be passed over (a doubled quote ends one stretch and begins the next),
# or the line end of Windows.
_QUOTED_OR_LINE_END = re.compile(r'"[^"]*"|\r\n')


def prediction_row(
    clip: Mapping, probabilities: Sequence[float], classes: Sequence[str], fold: int
) -> dict:
    """One row: the class of the highest probability, the first of equals, is predicted.

    Arguments
    ---------
    clip : mapping
        A manifest's row, with at least `CLIP_FACTS` and ``emotion``.
    probabilities : sequence of float
        Of ``classes``, in their order.
    classes : sequence of str
        In the model's order.
    fold : int
        Whose test side the clip is on.
    """
    predicted = classes[max(range(len(classes)), key=probabilities.__getitem__)]
    return {
        **{key: clip[key] for key in CLIP_FACTS},
        "fold": fold,
        "emotion": clip["emotion"],
        "predicted": predicted,
        "correct": predicted == clip["emotion"],
        **{f"p_{name}": float(p) for name, p in zip(classes, probabilities, strict=True)},
    }


def check_predictions(
    frame: pd.DataFrame, classes: Sequence[str] | None = None, name: str = "predictions"
) -> list[str]:
    """Checks a table of predictions and returns its classes, in the model's order.

    Arguments
    ---------
    frame : pd.DataFrame
        Columns ``id, speaker, gender, intensity, statement, corpus, emotion, predicted`` (text,
        empty where a corpus does not say), ``fold`` (int), ``correct`` (bool), then ``p_<class>``
        for each class (probabilities that sum to 1 in each row).
    classes : sequence of str, optional
        The classes, and their order, that the table must have.
    name : str
        What an error calls the table, such as its path.

    Raises
    ------
    RunError
        Anything is missing, of the wrong type, or at odds with the rest; names the first clip.
    """
    missing = [column for column in COLUMNS if column not in frame]
    _refuse(missing, name, lambda: f"column {missing[0]!r} is missing")
    found = [column[2:] for column in frame.columns if str(column).startswith("p_")]
    extra = [c for c in frame.columns if c not in COLUMNS and not str(c).startswith("p_")]
    _refuse(extra, name, lambda: f"column {extra[0]!r} is not one of a table of predictions")
    _refuse(not found, name, lambda: "there is no probability column p_<class>")
    wanted = found if classes is None else list(classes)
    _refuse(found != wanted, name, lambda: f"classes are {found}, the model has {wanted}")
    _refuse(frame.empty, name, lambda: "there are no clips")

    ids = frame["id"].tolist()
    for column in TEXT:
        bad = [isinstance(value, str) for value in frame[column]]
        _refuse_row(~np.array(bad), ids, name, f"column {column!r} holds something else than text")
    twice = frame.duplicated(["corpus", "fold", "id"]).to_numpy()
    _refuse_row(twice, ids, name, "the clip is there twice")
    for column in ("emotion", "predicted"):
        strange = ~frame[column].isin(found).to_numpy()
        _refuse_row(strange, ids, name, f"{column!r} is none of the classes {found}")
    right = (frame["emotion"] == frame["predicted"]).to_numpy()
    _refuse_row(right != frame["correct"].to_numpy(), ids, name, "'correct' contradicts the labels")

    try:
        shares = frame[[f"p_{label}" for label in found]].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RunError(f"{name}: a probability is not a number ({error})") from error
    bounded = np.isfinite(shares) & (shares >= 0) & (shares <= 1 + _SUM_TOLERANCE)
    _refuse_row(~bounded.all(axis=1), ids, name, "a probability is not a number from 0 to 1")
    off = np.abs(shares.sum(axis=1) - 1) > _SUM_TOLERANCE
    _refuse_row(off, ids, name, "the probabilities do not sum to 1")
    return found


def write_predictions(frame: pd.DataFrame, path: str | Path) -> Path:
    """Writes checked predictions as CSV (UTF-8), in one step.

    Text that a spreadsheet would take for a formula gets a leading ``'``, which
    `read_predictions` takes off again.
    """
    classes = check_predictions(frame)
    frame = frame[[*COLUMNS, *(f"p_{label}" for label in classes)]].copy()
    for column in TEXT:
        frame[column] = [sheet_cell(text) for text in frame[column]]
    # Of a line end that is not quoted, a spreadsheet makes a row, and may run how it begins.
    returns = any("\r" in text for column in TEXT for text in frame[column])
    quoting = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    return write_text(path, frame.to_csv(index=False, lineterminator="\n", quoting=quoting))


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Reads what `write_predictions` wrote, checks it, and keeps text text (speaker ``"01"``).

    Rows may end as Windows ends them (editors and git change that); what is quoted stays as it is.

    Raises
    ------
    RunError
        The file cannot be read, or is no table that `check_predictions` accepts.
    """
    path = Path(path)
    kinds = collections.defaultdict(lambda: str, fold="int64", correct="bool")
    try:
        text = path.read_bytes().decode("utf-8")
        # Not by pandas, which would also take a lone return within a cell for a line end.
        text = _QUOTED_OR_LINE_END.sub(lambda m: "\n" if m[0] == "\r\n" else m[0], text)
        frame = pd.read_csv(
            io.StringIO(text, newline=""),
            dtype=kinds,
            keep_default_na=False,
            lineterminator="\n",
        )
        # Not by pandas either, of which not every release reads back the number that was written.
        shares = [column for column in frame if column.startswith("p_")]
        frame = frame.astype(dict.fromkeys(shares, float))
    except OSError as error:
        raise RunError(
            f"{path}: cannot be read ({error.strerror}); give a predictions.csv of a run folder"
        ) from error
    except (ValueError, OverflowError) as error:
        first = str(error).strip().splitlines()[0]
        raise RunError(
            f"{path}: is not a table of predictions ({first}); make it again by evaluating the run"
        ) from error
    for column in TEXT:
        if column in frame:
            frame[column] = [text.removeprefix("'") for text in frame[column]]
    check_predictions(frame, name=str(path))
    return frame


def _refuse(wrong, name: str, why) -> None:
    if wrong:
        raise RunError(f"{name}: {why()}; make the table again by evaluating the run")


def _refuse_row(wrong: np.ndarray, ids: list, name: str, why: str) -> None:
    if wrong.any():
        clip = ids[int(np.argmax(wrong))]
        raise RunError(f"{name}: clip {clip}: {why}; make the table again by evaluating the run")
