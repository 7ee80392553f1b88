from dataclasses import replace

import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split


def words(ledger, side):
    return {ledger.clips[name].statement for name in ledger.sides[side]}


@pytest.mark.parametrize(("fold", "trained", "tested"), [(1, "OAF", "YAF"), (2, "YAF", "OAF")])
def test_one_woman_trains_and_the_other_tests(cut, fold, trained, tested):
    ledger = cut("tess-loso2", fold)
    assert [side["speakers"] for side in ledger.counts.values()] == [[trained], [trained], [tested]]
    assert [len(ids) for ids in ledger.sides.values()] == [1120, 280, 1400]
    assert ledger.shared_test_speakers == []


def test_validation_words_are_not_in_train_but_test_words_are(cut):
    ledger = cut("tess-loso2")
    assert words(ledger, "validation").isdisjoint(words(ledger, "train"))
    assert sorted(words(ledger, "validation"))[:3] == ["word000", "word005", "word010"]
    assert len(words(ledger, "validation")) == 40 and len(words(ledger, "train")) == 160
    assert words(ledger, "test") >= words(ledger, "train")
    assert all(len(set(side["emotion"].values())) == 1 for side in ledger.counts.values())


def test_a_word_on_both_sides_breaks_the_promise(cut):
    ledger = cut("tess-loso2")
    moved = ledger.validation[0]
    leaky = replace(
        ledger, train=[*ledger.train, moved], validation=ledger.validation[1:], shared=None
    )
    broken = [text for text in leaky.breaches() if text.startswith("validation-words-new")]
    assert broken == ["validation-words-new: 'word000' is said in train and in validation"]


def test_part_of_the_words(official):
    fifteen = official("TESS", lambda row: row if row["statement"] < "word015" else None)
    ledger = split(fifteen, "tess-loso2", 2)
    assert words(ledger, "validation") == {"word000", "word005", "word010"}


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (lambda row: row["speaker"] == "OAF", "fold 1 of tess-loso2 has no test clips.* YAF is"),
        (lambda row: row["speaker"] == "YAF", "fold 1 of tess-loso2 has no train clips"),
        (lambda row: row["statement"] == "word003", "fold 1 of tess-loso2 has no train clips"),
    ],
)
def test_what_cannot_be_cut(official, keep, said):
    with pytest.raises(ProtocolError, match=said):
        split(official("TESS", lambda row: row if keep(row) else None), "tess-loso2")


def test_words_must_be_told(official):
    silent = official("TESS", lambda row: {**row, "statement": ""})
    with pytest.raises(ProtocolError, match="needs the word of every clip.* OAF_word000_angry"):
        split(silent, "tess-loso2")


def test_other_speakers(official):
    renamed = official("TESS", lambda row: {**row, "speaker": row["speaker"].replace("OAF", "OA")})
    with pytest.raises(ProtocolError, match="tess-loso2 has no fold for speaker OA;"):
        split(renamed, "tess-loso2")


def test_random_shares_speakers_and_words(cut):
    ledger = cut("tess-random")
    assert ledger.shared_test_speakers == ["OAF", "YAF"]
    assert len(ledger.shared["train-test"]["statements"]) > 100
