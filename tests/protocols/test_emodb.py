from collections import Counter

import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split
from ser_lib.protocols._emobox_emodb import EMODB


def test_loso_tests_each_speaker_once_in_order(folds):
    tested = [ledger.counts["test"]["speakers"] for ledger in folds("emodb-loso10")]
    assert tested == [[f"{speaker:02d}"] for speaker in (3, *range(8, 17))]


def test_loso_validates_on_a_man_and_a_woman_each_twice(folds):
    times = Counter()
    for ledger in folds("emodb-loso10"):
        validating = ledger.counts["validation"]
        assert len(validating["speakers"]) == 2 and set(validating["gender"]) == {"female", "male"}
        times.update(validating["speakers"])
    assert len(times) == 10 and set(times.values()) == {2}


def test_loso_of_the_speakers_there_are(official):
    few = official(
        "EMO-DB", lambda row: row if row["speaker"] in ("03", "08", "14", "15") else None
    )
    assert [len(side["speakers"]) for side in split(few, "emodb-loso10", 1).counts.values()] == [
        1,
        2,
        1,
    ]
    with pytest.raises(ProtocolError, match="fold 3 of emodb-loso10 has no test clips.* 09 is in"):
        split(few, "emodb-loso10", 3)


def test_issa_trains_on_425_clips_with_those_that_validate(cut):
    ledger = cut("emodb-issa")
    assert [len(ids) for ids in ledger.sides.values()] == [382, 43, 110]
    whole = Counter(clip.emotion for clip in ledger.clips.values())
    for emotion, count in ledger.counts["test"]["emotion"].items():
        assert abs(count - whole[emotion] * 110 / 535) < 1


def test_issa_of_a_part_tests_the_same_share(official):
    part = official("EMO-DB", lambda row: row if row["speaker"] > "12" else None)
    assert len(part) == 257 and len(split(part, "emodb-issa").test) == 53


def test_emobox_lists_hold_every_clip_once_and_every_speaker_each():
    assert [len(ids) for ids in EMODB] == [107] * 5
    assert len(frozenset().union(*EMODB)) == 535
    assert all(len({name[:2] for name in ids}) == 10 for ids in EMODB)


def test_emobox_tests_its_lists_and_shares_all_speakers(folds):
    for ledger, listed in zip(folds("emodb-emobox5"), EMODB, strict=True):
        assert set(ledger.test) == listed
        assert [len(ids) for ids in ledger.sides.values()] == [342, 86, 107]
        assert len(ledger.shared_test_speakers) == 10


def test_emobox_seed_decides_who_validates_and_not_who_tests(cut):
    first, other = cut("emodb-emobox5", 2), cut("emodb-emobox5", 2, 4)
    assert first.test == other.test and first.validation != other.validation


def test_emobox_refuses_clips_that_it_does_not_list(official):
    def rename(row):
        return {**row, "id": "17a01Wa"} if row["id"] == "16b10Wb" else row

    with pytest.raises(ProtocolError, match="lists every clip of EMO-DB, but not 17a01Wa"):
        split(official("EMO-DB", rename), "emodb-emobox5")


def test_emobox_takes_synthetic_clips_that_it_does_not_list(official):
    def rename(row):
        name = "17a01Wa" if row["id"] == "16b10Wb" else row["id"]
        return {**row, "id": name, "corpus": "EMO-DB-synthetic"}

    ledger = split(official("EMO-DB", rename), "emodb-emobox5", 1)
    assert len(ledger.test) == 106 and "17a01Wa" in ledger.clips


@pytest.mark.parametrize("name", ["emodb-random", "emodb-random5", "emodb-issa", "emodb-emobox5"])
def test_what_shares_speakers_says_so(cut, name):
    ledger = cut(name)
    assert len(ledger.shared_test_speakers) == 10
    assert "not speaker-independent" in ledger.notes[0].lower()


def test_random_sizes(cut):
    assert [len(ids) for ids in cut("emodb-random").sides.values()] == [424, 54, 57]
    assert [len(ids) for ids in cut("emodb-random5").sides.values()] == [374, 54, 107]


@pytest.mark.real
def test_lists_are_those_of_the_real_files(real_ravdess):
    folder = real_ravdess.parent / "EMO-DB" / "wav"
    if not folder.is_dir():
        pytest.skip(f"real EMO-DB is not at {folder.parent}")
    names = {path.stem for path in folder.iterdir() if path.suffix in (".flac", ".wav")}
    assert names == set().union(*EMODB)
