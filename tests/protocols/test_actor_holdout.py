import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split


def test_sizes_are_those_of_the_source(manifest):
    ledger = split(manifest, "ravdess-19-5")
    assert [len(ids) for ids in ledger.sides.values()] == [752, 388, 300]
    assert ledger.counts["test"]["speakers"] == ["20", "21", "22", "23", "24"]
    assert set(ledger.counts["test"]["emotion"].values()) == {20, 40}


def test_test_speakers_are_new_and_validation_speakers_are_not(manifest):
    ledger = split(manifest, "ravdess-19-5")
    assert ledger.shared_test_speakers == []
    assert len(ledger.shared["train-validation"]["speakers"]) == 19
    assert "test-speakers-unseen" in ledger.promises
    assert ledger.breaches() == []


def test_inner_cut_keeps_the_share_of_each_class(manifest):
    counts = split(manifest, "ravdess-19-5").counts
    assert counts["train"]["emotion"]["neutral"] == 50
    assert set(counts["train"]["emotion"].values()) <= {50, 100, 101}


def test_seed_plays_no_part(manifest):
    first, second = (split(manifest, "ravdess-19-5", seed=seed) for seed in (0, 9))
    assert first.dumps() == second.dumps()


def test_partial_corpus(make_manifest):
    ledger = split(make_manifest((1, 2, 20)), "ravdess-19-5")
    assert len(ledger.test) == 60 and len(ledger.train) == 79


@pytest.mark.parametrize(("actors", "side"), [((1, 2, 3), "test"), ((20, 21), "train")])
def test_no_actors_for_a_side(make_manifest, actors, side):
    with pytest.raises(ProtocolError, match=f"has no {side} clips"):
        split(make_manifest(actors), "ravdess-19-5")


def test_stranger_among_the_speakers(make_manifest):
    with pytest.raises(ProtocolError, match="no side for speaker 30"):
        split(make_manifest((1, 20, 30)), "ravdess-19-5")


def test_a_class_of_one_clip_cannot_be_cut(make_manifest):
    def one_calm(row):
        kept = row["emotion"] != "calm" or row["id"] == "03-01-02-01-01-01-01"
        return row if kept else None

    with pytest.raises(ProtocolError, match="cannot cut the .* clips") as caught:
        split(make_manifest((1, 20), one_calm), "ravdess-19-5")
    assert "\n" not in str(caught.value)
