from collections import Counter

import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split

EMOBOX = ["01 11 20 21", "04 10 12 14", "08 09 19 23", "03 05 07 24", "02 15 16 18", "06 13 17 22"]
# Two actors a fold, as small corpora have them; fold 2 can only give women.
TWELVE = (1, 20, 4, 10, 8, 9, 3, 24, 2, 15, 6, 13)


@pytest.fixture(scope="module")
def ledgers(manifest):
    return [split(manifest, "ravdess-si6", fold) for fold in range(1, 7)]


def speakers(ledger, side):
    return ledger.counts[side]["speakers"]


def test_the_folds_are_those_published(ledgers):
    assert [" ".join(speakers(ledger, "test")) for ledger in ledgers] == EMOBOX


def test_no_speaker_is_on_two_sides(ledgers):
    for ledger in ledgers:
        assert [common["speakers"] for common in ledger.shared.values()] == [[], [], []]
        assert ledger.shared_test_speakers == []
        assert ledger.breaches() == []


def test_sizes(ledgers):
    for ledger in ledgers:
        assert [len(ids) for ids in ledger.sides.values()] == [960, 240, 240]
        assert len(set().union(*ledger.sides.values())) == 1440


def test_each_actor_tests_once_and_validates_once(ledgers):
    for side in ("test", "validation"):
        times = Counter(name for ledger in ledgers for name in speakers(ledger, side))
        assert len(times) == 24 and set(times.values()) == {1}


def test_validation_is_two_men_and_two_women(ledgers):
    for ledger in ledgers:
        assert len(speakers(ledger, "validation")) == 4
        assert ledger.counts["validation"]["gender"] == {"female": 120, "male": 120}


def test_seed_plays_no_part(manifest, ledgers):
    other = split(manifest, "ravdess-si6", 1, seed=7)
    assert other.dumps() == ledgers[0].dumps()
    assert other.seed is None


def test_order_of_the_manifest_plays_no_part(manifest, ledgers):
    assert split(manifest.shuffle(seed=1), "ravdess-si6", 3).sha256 == ledgers[2].sha256


def test_twelve_actors_validate_on_one_man_and_one_woman(make_manifest):
    manifest = make_manifest(TWELVE)
    for fold in range(1, 7):
        ledger = split(manifest, "ravdess-si6", fold)
        assert [len(speakers(ledger, side)) for side in ledger.sides] == [8, 2, 2]
        assert ledger.counts["validation"]["gender"] == {"female": 60, "male": 60}
        assert ledger.breaches() == []


def test_one_missing_actor_leaves_validation_balanced(make_manifest):
    for absent in range(1, 25):
        manifest = make_manifest(sorted(set(range(1, 25)) - {absent}))
        for fold in (1, 2, 6):
            ledger = split(manifest, "ravdess-si6", fold)
            assert ledger.counts["validation"]["gender"] == {"female": 120, "male": 120}


def test_fold_without_test_actors(make_manifest):
    with pytest.raises(ProtocolError, match=r"fold 6 .*no test clips.*06 13 17 22"):
        split(make_manifest((1, 4, 8, 9, 3, 2)), "ravdess-si6", 6)


def test_nobody_left_to_train_on(make_manifest):
    with pytest.raises(ProtocolError, match="fold 1 of ravdess-si6 has no train clips"):
        split(make_manifest((1, 4, 9)), "ravdess-si6", 1)


def test_no_man_left_to_validate_on(make_manifest):
    with pytest.raises(ProtocolError, match="leaves 3 women and 0 men"):
        split(make_manifest((1, 4, 8, 24)), "ravdess-si6", 1)


def test_stranger_among_the_speakers(make_manifest):
    def rename(row):
        return {**row, "speaker": "25"} if row["speaker"] == "24" else row

    with pytest.raises(ProtocolError, match="no fold for speaker 25"):
        split(make_manifest(change=rename), "ravdess-si6")


def test_speaker_of_two_genders(make_manifest):
    def change(row):
        return {**row, "gender": "female"} if row["id"].endswith("01-01-01-01-05") else row

    with pytest.raises(ProtocolError, match="speaker 05 has two genders"):
        split(make_manifest(change=change), "ravdess-si6")


def test_identical_audio_across_speakers_breaks_the_promise(make_manifest):
    def change(row):
        twin = row["id"] in ("03-01-02-01-01-01-01", "03-01-02-01-01-01-24")
        return {**row, "sha256": "same"} if twin else row

    with pytest.raises(ProtocolError, match="no-identical-audio: 03-01-02-01-01-01-24 and 03-01"):
        split(make_manifest(change=change), "ravdess-si6", 1)


def test_description_tells_the_gender_skew(ledgers, manifest):
    women = [sum(int(name) % 2 == 0 for name in speakers(ledger, "test")) for ledger in ledgers]
    assert women == [1, 4, 1, 1, 3, 2]
    assert (
        "fold 2 tests four women; folds 1, 3 and 4 three men and one woman" in ledgers[0].notes[0]
    )
