from fractions import Fraction

import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split
from ser_lib.protocols.stratified_holdout import shares


@pytest.mark.parametrize(
    ("sizes", "share", "taken"),
    [
        ([10, 10], Fraction(1, 2), [5, 5]),
        ([3, 3, 3], Fraction(1, 2), [2, 2, 1]),
        ([1, 1, 10], Fraction(1, 4), [0, 0, 3]),
        ([5, 0], Fraction(1, 5), [1, 0]),
        ([0, 0], Fraction(1, 5), [0, 0]),
        ([1103, 595, 1708, 1084], Fraction(1, 5), [221, 119, 341, 217]),
    ],
)
def test_shares_are_exact_and_proportional(sizes, share, taken):
    assert shares(sizes, share) == taken


def test_no_class_gives_more_than_it_has():
    for share in (Fraction(1, 7), Fraction(1, 2), Fraction(9, 10)):
        for sizes in ([1, 2, 3, 50], [7] * 9, [1, 1, 1]):
            assert all(
                0 <= one <= size for one, size in zip(shares(sizes, share), sizes, strict=True)
            )


def test_every_class_is_on_every_side_of_the_whole_corpora(cut):
    for name in ("emodb-issa", "iemocap-source", "merged-random"):
        counts = cut(name).counts
        assert len({tuple(side["emotion"]) for side in counts.values()}) == 1


def test_too_few_clips(official):
    few = official("EMO-DB").select(range(1))
    with pytest.raises(ProtocolError, match="emodb-issa has no train clips among the 1"):
        split(few, "emodb-issa")
