import pytest

from ser_lib.markdown import cell, count, listed, percent, span, table


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.612, "61.2"), (1, "100.0"), (0, "0.0"), (None, "–"), (float("nan"), "–")],
)
def test_percent(value, text):
    assert percent(value) == text


def test_words():
    assert percent(0.5, unit=True) == "50.0 %" and span(0.52, 0.683) == "52.0–68.3"
    assert span(None, None) == "–"
    assert (count(1, "clip"), count(1440, "clip")) == ("1 clip", "1,440 clips")
    assert [listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_a_cell_cannot_break_its_table():
    assert cell("a|b\nc") == "a\\|b c"
    assert table(["x", "y"], [["a|b", 1]]) == "| x | y |\n| :-- | --: |\n| a\\|b | 1 |"
