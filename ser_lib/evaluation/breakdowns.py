"""The score of each group of clips: by corpus, speaker, gender, intensity or statement."""

from collections.abc import Sequence

import pandas as pd

from ser_lib.errors import RunError
from ser_lib.evaluation.bootstrap import speaker_codes
from ser_lib.evaluation.confusion import confusion_matrix, unweighted_accuracy, weighted_accuracy

COLUMNS = ("corpus", "intensity", "gender", "speaker", "statement")


def by(frame: pd.DataFrame, column: str, classes: Sequence[str]) -> pd.DataFrame:
    """Scores each group of clips that share a value of a column.

    A group may lack a class (RAVDESS has no strong neutral); its UA is the mean over the classes
    it has, and ``classes`` says how many those are, so that unlike things are not compared.

    Arguments
    ---------
    frame : pd.DataFrame
        Predictions, one row a clip.
    column : str
        The column to group by, such as ``"gender"``.
    classes : sequence of str
        Label names, in the model's order.

    Returns
    -------
    pd.DataFrame
        Indexed by the column's values, ascending; columns ``n`` (clips), ``speakers``,
        ``classes`` (that occur), ``ua`` and ``wa`` (fractions).

    Raises
    ------
    RunError
        The column is absent, or a label is not among the classes.
    """
    if column not in frame:
        raise RunError(
            f"predictions: no column {column!r} to break down by; there are "
            f"{', '.join(map(str, frame.columns))}"
        )
    rows = {}
    for value, group in frame.groupby(column, sort=True):
        matrix = confusion_matrix(group["emotion"], group["predicted"], classes)
        rows[value] = {
            "n": len(group),
            "speakers": int(speaker_codes(group).max()) + 1,
            "classes": int((matrix.sum(axis=1) > 0).sum()),
            "ua": float(unweighted_accuracy(matrix)),
            "wa": float(weighted_accuracy(matrix)),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.rename_axis(column)


def worst_speaker(frame: pd.DataFrame, classes: Sequence[str]) -> dict:
    """The speaker with the lowest UA (then WA): ``speaker``, ``n``, ``ua``, ``wa``."""
    table = by(frame, "speaker", classes)
    speaker, row = next(table.sort_values(["ua", "wa"], kind="stable").iterrows())
    return {"speaker": speaker, "n": int(row["n"]), "ua": float(row["ua"]), "wa": float(row["wa"])}
