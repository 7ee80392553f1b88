import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split

LUNA = ["02 05 14 15 16", "03 06 07 13 18", "10 11 12 19 20", "08 17 21 23 24", "01 04 09 22"]


def speakers(ledger, side):
    return " ".join(ledger.counts[side]["speakers"])


def test_si5_has_the_published_folds(folds):
    ledgers = folds("ravdess-si5")
    assert [speakers(ledger, "test") for ledger in ledgers] == LUNA
    assert [len(ledger.validation) for ledger in ledgers] == [240] * 5
    for ledger in ledgers:
        assert ledger.counts["validation"]["gender"] == {"female": 120, "male": 120}


def test_si5_tells_its_genders(folds):
    women = [ledger.counts["test"]["gender"]["female"] // 60 for ledger in folds("ravdess-si5")]
    assert women == [3, 2, 3, 2, 2]
    assert "Folds 1 and 3 test three women and two men" in folds("ravdess-si5")[0].notes[0]


def test_16_4_4(cut):
    ledger = cut("ravdess-16-4-4")
    assert speakers(ledger, "test") == "21 22 23 24"
    assert speakers(ledger, "validation") == "16 17 19 20"
    assert [len(ids) for ids in ledger.sides.values()] == [960, 240, 240]
    for side in ledger.counts.values():
        assert side["gender"]["female"] == side["gender"]["male"]


def test_16_4_4_of_a_part(make_manifest):
    ledger = split(make_manifest((1, 16, 22)), "ravdess-16-4-4")
    assert [len(ids) for ids in ledger.sides.values()] == [60, 60, 60]


@pytest.mark.parametrize(
    ("actors", "said"),
    [
        ((1, 16), "fold 1 of ravdess-16-4-4 has no test clips: none of .* 21 22 23 24"),
        ((1, 22), "has no validation clips"),
        ((16, 22), "has no train clips"),
        ((1, 16, 22, 30), "no fold for speaker 30"),
    ],
)
def test_16_4_4_without_a_side(make_manifest, actors, said):
    with pytest.raises(ProtocolError, match=said):
        split(make_manifest(actors), "ravdess-16-4-4")


def test_random5_cuts_fifths_and_an_eighth(folds):
    for ledger in folds("ravdess-random5"):
        assert [len(ids) for ids in ledger.sides.values()] == [1008, 144, 288]
        assert len(ledger.shared_test_speakers) == 24


def test_random5_of_a_number_that_five_does_not_divide(make_manifest):
    manifest = make_manifest((1,)).select(range(13))
    sizes = [len(split(manifest, "ravdess-random5", fold).test) for fold in range(1, 6)]
    assert sizes == [3, 3, 3, 2, 2]


def test_random5_of_too_few_clips(make_manifest):
    manifest = make_manifest((1,)).select(range(3))
    with pytest.raises(ProtocolError, match="fold 5 of ravdess-random5 has no test clips"):
        split(manifest, "ravdess-random5", 5)
