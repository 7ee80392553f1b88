import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split


def test_each_man_tests_once_and_validates_once(folds):
    found = [
        [" ".join(side["speakers"]) for side in ledger.counts.values()]
        for ledger in folds("savee-loso4")
    ]
    assert found == [
        ["JE KL", "JK", "DC"],
        ["DC JK", "KL", "JE"],
        ["JE KL", "DC", "JK"],
        ["DC JK", "JE", "KL"],
    ]


def test_three_men_are_enough_and_two_are_not(official):
    def of(names):
        return official("SAVEE", lambda row: row if row["speaker"] in names else None)

    ledger = split(of(("DC", "JE", "KL")), "savee-loso4", 1)
    assert [len(ids) for ids in ledger.sides.values()] == [120, 120, 120]
    with pytest.raises(ProtocolError, match="fold 3 of savee-loso4 has no test clips.* JK is in"):
        split(of(("DC", "JE", "KL")), "savee-loso4", 3)
    with pytest.raises(ProtocolError, match="has no train clips"):
        split(of(("DC", "JE")), "savee-loso4", 1)


def test_one_man_alone(official):
    one = official("SAVEE", lambda row: row if row["speaker"] == "DC" else None)
    with pytest.raises(ProtocolError, match="needs a man besides .* leaves 0 men; add speakers"):
        split(one, "savee-loso4", 1)


def test_random_shares_all_four(cut):
    assert len(cut("savee-random").shared_test_speakers) == 4
    assert [len(ids) for ids in cut("savee-random").sides.values()] == [384, 48, 48]
