import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split

NAME = "ravdess-19-source"
ACTORS = [f"{actor:02d}" for actor in range(1, 20)]


def test_sizes_are_those_of_the_source(cut):
    ledger = cut(NAME)
    train, validation, test = (len(ids) for ids in ledger.sides.values())
    assert (train + validation, test) == (912, 228) and validation == 114
    assert set(ledger.counts["test"]["emotion"].values()) <= {15, 16, 30, 31}
    assert ledger.counts["test"]["emotion"]["neutral"] in (15, 16)


def test_the_test_clips_are_those_of_one_cut_with_the_seed_of_the_source(cut, manifest):
    from sklearn.model_selection import train_test_split

    told = dict(zip(manifest["id"], manifest["emotion"], strict=True))
    pool = sorted(clip for clip in told if clip[-2:] in ACTORS)
    labels = [told[clip] for clip in pool]
    _, test = train_test_split(pool, test_size=0.2, random_state=42, stratify=labels)
    assert cut(NAME).test == sorted(test)


def test_nineteen_actors_are_on_every_side_and_five_on_none(cut):
    ledger = cut(NAME)
    assert all(held["speakers"] == ACTORS for held in ledger.counts.values())
    assert ledger.shared_test_speakers == ACTORS
    assert {clip.speaker for clip in ledger.clips.values()} == {*ACTORS}
    assert "speakers-disjoint" not in ledger.promises and ledger.breaches() == []


def test_seed_plays_no_part(manifest, cut):
    assert split(manifest, NAME, seed=9).dumps() == cut(NAME).dumps()


def test_clips_that_cannot_be_cut_by_class(make_manifest):
    with pytest.raises(ProtocolError, match="cannot cut the 0 clips of speakers 01 to 19"):
        split(make_manifest((20, 21)), NAME)

    def one_calm(row):
        kept = row["emotion"] != "calm" or row["id"] == "03-01-02-01-01-01-01"
        return row if kept else None

    with pytest.raises(ProtocolError, match="cannot cut the 53 clips") as caught:
        split(make_manifest((1,), one_calm), NAME)
    assert "\n" not in str(caught.value)
