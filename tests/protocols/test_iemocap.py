import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split


def speakers(ledger, side):
    return ledger.counts[side]["speakers"]


def test_s5_tests_sessions_and_validates_on_the_one_two_further_on(folds):
    for number, ledger in enumerate(folds("iemocap-s5"), start=1):
        other = (number + 1) % 5 + 1
        assert speakers(ledger, "test") == [f"Ses0{number}F", f"Ses0{number}M"]
        assert speakers(ledger, "validation") == [f"Ses0{other}F", f"Ses0{other}M"]
        assert len(speakers(ledger, "train")) == 6


def test_loso_validates_on_the_partner(folds):
    tested = []
    for ledger in folds("iemocap-loso10"):
        (test,), (partner,) = speakers(ledger, "test"), speakers(ledger, "validation")
        assert test[:5] == partner[:5] and test != partner
        assert len(speakers(ledger, "train")) == 8
        tested.append(test)
    assert len(set(tested)) == 10


def test_source_has_the_sizes_of_the_source(cut):
    train, validation, test = cut("iemocap-source").sides.values()
    assert len(train) + len(validation) == 3592 and len(test) == 898
    assert len(validation) == 449
    assert cut("iemocap-source").counts["test"]["emotion"] == {
        "angry": 221,
        "happy": 119,
        "neutral": 341,
        "sad": 217,
    }


def test_source_each_draws_clip_by_clip(cut, official):
    tested = []
    for seed in range(5):
        train, validation, test = (
            len(ids) for ids in cut("iemocap-source-each", 1, seed).sides.values()
        )
        # Five standard deviations of 4490 draws around the expected share.
        assert abs(test / 4490 - 0.2) < 0.03
        assert abs(validation / (train + validation) - 1 / 8) < 0.03
        tested.append(test)
    assert len(set(tested)) > 1
    # A clip's draw depends on its place alone, not on its class.
    swapped = official("IEMOCAP", lambda row: {**row, "emotion": "sad"})
    assert split(swapped, "iemocap-source-each").test == cut("iemocap-source-each").test


def test_random_cuts_every_class(cut):
    counts = cut("iemocap-random").counts
    assert counts["train"]["emotion"]["happy"] == 476
    assert counts["test"]["emotion"]["happy"] == 60


def test_one_missing_session_leaves_the_others(official):
    four = official("IEMOCAP", lambda row: None if "Ses03" in row["id"] else row)
    ledger = split(four, "iemocap-s5", 1)
    assert len(speakers(ledger, "validation")) == 2 and len(speakers(ledger, "train")) == 4
    for name, fold in (("iemocap-s5", 3), ("iemocap-loso10", 5)):
        with pytest.raises(ProtocolError, match=f"fold {fold} of {name} has no test clips"):
            split(four, name, fold)


def test_one_session_alone_cannot_be_cut(official):
    one = official("IEMOCAP", lambda row: row if "Ses01" in row["id"] else None)
    with pytest.raises(ProtocolError, match="leaves 0 women and 0 men"):
        split(one, "iemocap-s5", 1)
    with pytest.raises(ProtocolError, match="fold 1 of iemocap-loso10 has no train clips"):
        split(one, "iemocap-loso10", 1)


@pytest.mark.parametrize("name", ["iemocap-s5", "iemocap-loso10"])
def test_speakers_are_named_as_the_reader_does(official, name):
    def rename(row):
        return {**row, "speaker": row["speaker"].replace("Ses0", "")}

    with pytest.raises(ProtocolError, match=f"{name} has no fold for speaker 1F 1M 2F"):
        split(official("IEMOCAP", rename), name)
