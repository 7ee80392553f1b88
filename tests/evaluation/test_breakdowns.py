import pytest

from ser_lib.errors import RunError
from ser_lib.evaluation.breakdowns import COLUMNS, by, worst_speaker
from ser_lib.evaluation.scores import summary


@pytest.mark.parametrize("column", COLUMNS)
def test_each_group_is_scored_as_if_alone(predictions, classes, column):
    frame = predictions(speakers=5, clips=16)
    table = by(frame, column, classes)
    assert list(table.index) == sorted(set(frame[column])) and table["n"].sum() == len(frame)
    for value, row in table.iterrows():
        group = frame[frame[column] == value]
        alone = summary(group, classes)
        assert row["ua"] == pytest.approx(alone["ua"]) and row["wa"] == pytest.approx(alone["wa"])
        assert row["speakers"] == group["speaker"].nunique()
        assert row["classes"] == group["emotion"].nunique()


def test_worst_speaker_has_the_lowest_ua(predictions, classes):
    frame = predictions(speakers=3, skill=1.0)
    bad = frame["speaker"] == "02"
    frame.loc[bad, "predicted"] = "sad"
    assert worst_speaker(frame, classes) == {"speaker": "02", "n": 12, "ua": 0.25, "wa": 0.25}


def test_an_absent_column_is_named(predictions, classes):
    with pytest.raises(RunError, match="no column 'age'"):
        by(predictions(), "age", classes)
