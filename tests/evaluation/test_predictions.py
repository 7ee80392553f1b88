import pandas as pd
import pytest

from ser_lib.errors import RunError
from ser_lib.evaluation.predictions import check_predictions, read_predictions, write_predictions


def test_round_trip_keeps_every_value(predictions, classes, tmp_path):
    frame = predictions()
    frame.loc[0, ["gender", "intensity", "statement"]] = ["", "NA", "null"]
    path = write_predictions(frame, tmp_path / "new" / "predictions.csv")
    again = read_predictions(path)
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)
    assert again["speaker"][0] == "01" and again["fold"].dtype == "int64"
    assert again["correct"].dtype == bool and check_predictions(again) == classes
    assert [file.name for file in path.parent.iterdir()] == ["predictions.csv"]


def test_text_that_a_spreadsheet_would_run_is_neutralised(predictions, tmp_path):
    frame = predictions(speakers=1, clips=9)
    nasty = ["=1+1", "+2", "-3", "@SUM(A1)", "\tx", "\rx", "'=quoted", 'a "b", c\nd', "Übung 7"]
    frame["statement"] = nasty
    path = write_predictions(frame, tmp_path / "predictions.csv")
    raw = pd.read_csv(path, dtype=str, keep_default_na=False, lineterminator="\n")
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in raw["statement"])
    assert read_predictions(path)["statement"].tolist() == nasty


@pytest.mark.parametrize("returns", [True, False])
def test_line_ends_of_windows_read_the_same(predictions, tmp_path, returns):
    frame = predictions(speakers=1, clips=4)
    # Without a return in any cell, cells are quoted only where they must be.
    frame["statement"] = ["a\r\nb" if returns else "a", 'say "x", y\nz', '"', "plain"]
    path = write_predictions(frame, tmp_path / "predictions.csv")
    rows = path.read_bytes().replace(b"a\r\nb", b"HELD").replace(b"y\nz", b"KEPT")
    rows = rows.replace(b"\n", b"\r\n").replace(b"HELD", b"a\r\nb").replace(b"KEPT", b"y\nz")
    expected = read_predictions(path)
    path.write_bytes(rows)
    assert rows.endswith(b"\r\n")
    pd.testing.assert_frame_equal(read_predictions(path), expected)
    assert expected["statement"].tolist() == frame["statement"].tolist()


def change(column, value):
    return lambda frame: frame.assign(**{column: [value, *frame[column][1:]]})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: f.drop(columns="gender"), "column 'gender' is missing"),
        (lambda f: f.assign(note=""), "column 'note' is not one"),
        (lambda f: f[[c for c in f if not c.startswith("p_")]], "no probability column"),
        (lambda f: f.head(0), "no clips"),
        (change("speaker", 1), "clip 01-000: column 'speaker' holds something else than text"),
        (change("gender", None), "column 'gender' holds something else than text"),
        (change("id", "01-001"), "clip 01-001: the clip is there twice"),
        (change("predicted", "bored"), "'predicted' is none of the classes"),
        (lambda f: f.assign(correct=~f["correct"]), "'correct' contradicts"),
        (change("p_sad", float("nan")), "not a number from 0 to 1"),
        (change("p_sad", float("inf")), "not a number from 0 to 1"),
        (change("p_sad", -0.5), "not a number from 0 to 1"),
        (change("p_sad", "high"), "a probability is not a number"),
        (lambda f: f.assign(p_sad=f["p_sad"] / 2), "do not sum to 1"),
    ],
)
def test_a_spoilt_table_is_refused_in_one_line(predictions, tmp_path, spoil, words):
    with pytest.raises(RunError, match=words) as caught:
        write_predictions(spoil(predictions()), tmp_path / "p.csv")
    assert "\n" not in str(caught.value) and not (tmp_path / "p.csv").exists()


def test_the_order_of_classes_matters(predictions, classes):
    with pytest.raises(RunError, match="the model has"):
        check_predictions(predictions(), classes[::-1])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "not a table of predictions"),
        (b"\xff\xfe\x00", "not a table of predictions"),
        (b"id,fold\na,first\n", "not a table of predictions"),
        (b"id,speaker\na,01\n", "column 'gender' is missing"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, words):
    path = tmp_path / "predictions.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=f"{path}.*{words}"):
        read_predictions(path)
