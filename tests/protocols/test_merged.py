from collections import Counter

import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split

CORPORA = ["CREMA-D", "RAVDESS", "SAVEE", "TESS"]


def corpora(ledger, side):
    return sorted({name.partition(":")[0] for name in ledger.counts[side]["speakers"]})


def speakers(ledger, side, corpus):
    found = (name.partition(":") for name in ledger.counts[side]["speakers"])
    return [name for of, _, name in found if of == corpus]


def test_every_corpus_trains_and_the_others_as_far_as_speakers_allow(folds):
    ledgers = folds("merged-si")
    assert all(corpora(ledger, "train") == CORPORA for ledger in ledgers)
    assert [corpora(ledger, "test") for ledger in ledgers] == [
        CORPORA,
        CORPORA,
        CORPORA[:3],
        CORPORA[:3],
        CORPORA[:2],
    ]
    assert [corpora(ledger, "validation") for ledger in ledgers] == [CORPORA[:3]] * 2 + [
        CORPORA
    ] * 3


def test_each_speaker_tests_once_and_some_validate(folds):
    tested, validating = Counter(), Counter()
    for ledger in folds("merged-si"):
        tested.update(ledger.counts["test"]["speakers"])
        validating.update(ledger.counts["validation"]["speakers"])
    assert len(tested) == 24 + 4 + 91 + 2 and set(tested.values()) == {1}
    assert Counter(name.partition(":")[0] for name in validating.elements()) == {
        "RAVDESS": 20,
        "SAVEE": 5,
        "CREMA-D": 50,
        "TESS": 3,
    }


def test_the_parts_are_cut_as_the_corpora_alone(folds):
    for one, merged in zip(folds("ravdess-si5"), folds("merged-si"), strict=True):
        for side in ("test", "validation"):
            assert speakers(merged, side, "RAVDESS") == one.counts[side]["speakers"]
    for one, merged in zip(folds("cremad-si"), folds("merged-si"), strict=True):
        assert speakers(merged, "validation", "CREMA-D") == one.counts["validation"]["speakers"]


def test_loco_tests_one_corpus_and_trains_on_all_others(folds):
    ledgers = folds("merged-loco")
    left_out = [corpora(ledger, "test") for ledger in ledgers]
    assert left_out == [["RAVDESS"], ["SAVEE"], ["CREMA-D"], ["TESS"]]
    for ledger, (out,) in zip(ledgers, left_out, strict=True):
        others = [corpus for corpus in CORPORA if corpus != out]
        assert corpora(ledger, "train") == corpora(ledger, "validation") == others
        validating = {corpus: len(speakers(ledger, "validation", corpus)) for corpus in others}
        whole = {"RAVDESS": 4, "SAVEE": 1, "CREMA-D": 10, "TESS": 1}
        assert validating == {corpus: whole[corpus] for corpus in others}


def test_random_has_the_sizes_of_the_source(cut, official):
    sides = cut("merged-random").sides
    # Twenty clips more than the publisher's CREMA-D has, which make the source's 9729 and 2433.
    assert len(official("Merged")) == 12162 + 20
    assert len(sides["test"]) == 2437
    assert len(sides["validation"]) == 1219
    assert len(cut("merged-random").shared_test_speakers) == 121


@pytest.mark.parametrize("name", ["merged-si", "merged-loco", "merged-random"])
def test_two_corpora_are_enough_and_one_is_not(official, name):
    two = official("Merged", parts=("RAVDESS", "TESS"))
    ledger = split(two, name, 1)
    assert ledger.corpus == "RAVDESS+TESS"
    with pytest.raises(ProtocolError, match=f"{name} is made for two or more of .* holds RAVDESS;"):
        split(official("Merged", parts=("RAVDESS",)), name, 1)


def test_folds_that_a_part_does_not_have(official):
    two = official("Merged", parts=("SAVEE", "TESS"))
    with pytest.raises(ProtocolError, match="fold 1 of merged-loco .* tests RAVDESS, which is not"):
        split(two, "merged-loco", 1)
    with pytest.raises(ProtocolError, match="fold 5 of merged-si has no test clips"):
        split(two, "merged-si", 5)


def test_a_corpus_of_one_speaker_trains(official):
    def one_of_tess(row):
        return None if row["speaker"] == "TESS:YAF" else row

    manifest = official("Merged", one_of_tess, parts=("SAVEE", "TESS"))
    ledger = split(manifest, "merged-si", 3)
    assert speakers(ledger, "train", "TESS") == ["OAF"]
    assert speakers(ledger, "validation", "TESS") == []


def test_other_corpora_and_mixtures_with_synthetic_are_refused(official):
    def of(corpus):
        return lambda row: {**row, "corpus": corpus} if row["corpus"] == "TESS" else row

    for corpus, said in (
        ("EMO-DB", "EMO-DB and RAVDESS"),
        ("TESS-synthetic", "RAVDESS and TESS-s"),
    ):
        with pytest.raises(ProtocolError, match=f"all real or all synthetic, .* holds {said}"):
            split(official("Merged", of(corpus), parts=("RAVDESS", "TESS")), "merged-si")


@pytest.mark.parametrize("prefix", ["{}", "{}-synthetic"])
def test_synthetic_voices(official, prefix):
    def change(row):
        name = prefix.format(row["corpus"]) + row["speaker"].removeprefix(row["corpus"])
        return {**row, "corpus": f"{row['corpus']}-synthetic", "speaker": name}

    ledger = split(official("Merged", change, parts=("RAVDESS", "TESS")), "merged-si", 1)
    assert ledger.corpus == "RAVDESS-synthetic+TESS-synthetic"


@pytest.mark.parametrize("speaker", ["OAF", "RAVDESS:OAF", "TESS-OAF"])
def test_speakers_must_be_named_after_their_corpus(official, speaker):
    def rename(row):
        return {**row, "speaker": speaker} if row["speaker"] == "TESS:OAF" else row

    with pytest.raises(ProtocolError, match=f"needs speakers named like TESS:01, .*{speaker}"):
        split(official("Merged", rename, parts=("RAVDESS", "TESS")), "merged-si")


def test_a_protocol_of_one_corpus_refuses_merged_ones(official):
    with pytest.raises(ProtocolError, match="made for RAVDESS, but the manifest holds CREMA-D and"):
        split(official("Merged"), "ravdess-si5")
