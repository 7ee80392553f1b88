"""The command line that recipes share."""

import pytest

from ser_lib.cli import parse
from ser_lib.corpora import ravdess
from ser_lib.errors import HparamsError


def test_options_and_overrides_are_told_apart():
    line = "x.yaml --fold all --lr 0.1 --seed=3 --allow_partial --offset -1"
    options, overrides, _ = parse(ravdess, line.split())
    assert (options.yaml, options.fold, options.allow_partial) == ("x.yaml", "all", True)
    assert options.protocol == "ravdess-si6"
    assert overrides == {"lr": "0.1", "seed": "3", "offset": "-1"}


def test_abbreviations_of_options_are_keys_of_the_yaml():
    assert parse(ravdess, ["x.yaml", "--prot", "y"])[1] == {"prot": "y"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x.yaml --lr", "--lr needs a value"),
        ("x.yaml --lr --seed 1", "--lr needs a value"),
        ("x.yaml y.yaml", "y.yaml"),
        ("x.yaml --fold first", "first"),
        ("x.yaml --protocol", "protocol"),
    ],
)
def test_mistakes_are_one_line(line, message):
    with pytest.raises(HparamsError) as caught:
        parse(ravdess, line.split())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
