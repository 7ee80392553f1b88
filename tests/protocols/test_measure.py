"""What the folds of a protocol share and hold, counted on manifests where it is known."""

import pytest

from ser_lib.protocols import lookup
from ser_lib.protocols.measure import cut_all, layout_figures, sound_figures, words_said


@pytest.fixture
def figures():
    """Function from a manifest and a protocol to the figures of its names."""

    def of(manifest, name):
        ledgers, refused = cut_all(lookup(name), manifest)
        assert not refused
        return layout_figures(ledgers, words_said(manifest))

    return of


def test_speakers_apart_and_mixed(official, figures):
    apart = figures(official("EMO-DB"), "emodb-loso10")
    assert (apart["test_speakers"], apart["validation_speakers"]) == ([0, 1], [0, 2])
    assert apart["statements"] == [10, 10] and apart["words"] is None
    assert apart["women_percent"] == [0.0, 100.0] and apart["copies"] == 0
    assert apart["class_percent"][0] == 0.0
    mixed = figures(official("EMO-DB"), "emodb-emobox5")
    assert mixed["test_speakers"] == mixed["validation_speakers"] == [10, 10]
    assert mixed["women_percent"] == [54.2, 62.6] and mixed["class_percent"] == [6.5, 29.9]


def test_the_fold_that_knows_most_is_told(manifest, figures):
    found = figures(manifest, "ravdess-19-5")
    assert found["test_speakers"] == [0, 5] and found["validation_speakers"] == [19, 19]
    assert found["class_percent"] == [6.7, 13.3] and found["women_percent"] == [60.0, 60.0]


def test_words_are_those_of_the_transcripts(official, figures):
    men = {"DC": "It's ONE", "JE": "it's two", "JK": "one, two: 3!", "KL": "four"}
    known = official("SAVEE", lambda row: {**row, "transcript": men[row["speaker"]]})
    assert words_said(known)["DC_a01"] == {"it's", "one"} == words_said(known)["DC_h02"]
    found = figures(known, "savee-loso4")
    assert found["words"] == [2, 2] and found["test_speakers"] == [0, 1]


def test_genders_that_are_not_told_have_no_share(make_manifest, figures):
    found = figures(make_manifest(change=lambda row: {**row, "gender": ""}), "ravdess-random")
    assert found["women_percent"] is None


def test_sound_is_counted_over_all_folds(make_manifest):
    twins = ("03-01-02-01-01-01-01", "03-01-03-01-01-01-01")

    def change(row):
        return {**row, "sha256": "same"} if row["id"] in twins else row

    manifest = make_manifest(change=change)
    ledgers, refused = cut_all(lookup("ravdess-random5"), manifest)
    assert len(ledgers) == 5 and not refused
    apart = [
        ledger
        for ledger in ledgers
        if sum(set(twins) & set(ids) != set() for ids in ledger.sides.values()) == 2
    ]
    # Other takes by the same actor and by another one, and a copy that is counted as identical.
    near = [(twins[0], "03-01-02-01-01-02-01", 0.995), (*twins, 1.0), ("x", twins[0], 1.0)]
    found = sound_figures(ledgers, near)
    assert found["identical"] == len(apart) > 0 and found["conflicts"] == 1
    others = [
        ledger
        for ledger in ledgers
        if not any({near[0][0], near[0][1]} <= set(ids) for ids in ledger.sides.values())
    ]
    assert found["near_identical"] == len(others) > 0


def test_folds_that_cannot_be_cut_say_why(official):
    one = official("SAVEE", lambda row: row if row["speaker"] == "DC" else None)
    ledgers, refused = cut_all(lookup("savee-loso4"), one)
    assert not ledgers and len(refused) == 4 and "fold 4 of savee-loso4" in refused[3]
    twins = official("SAVEE", lambda row: {**row, "sha256": row["statement"]})
    ledgers, refused = cut_all(lookup("savee-loso4"), twins)
    assert not ledgers and "breaks its promise" in refused[0]
