import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split


@pytest.fixture(scope="module")
def ledger(manifest):
    return split(manifest, "ravdess-random", seed=3)


def test_sizes_are_those_of_the_source(ledger):
    assert [len(ids) for ids in ledger.sides.values()] == [1147, 143, 150]
    assert ledger.counts["test"]["emotion"]["neutral"] == 10
    assert ledger.counts["test"]["emotion"]["angry"] == 20


def test_all_speakers_are_shared_and_said_so(ledger):
    assert len(ledger.shared["train-test"]["speakers"]) == 24
    assert len(ledger.shared_test_speakers) == 24
    assert "speakers-disjoint" not in ledger.promises
    assert ledger.breaches() == []


def test_seed_decides(manifest, ledger):
    assert split(manifest, "ravdess-random", seed=3).sha256 == ledger.sha256
    assert split(manifest, "ravdess-random", seed=4).sha256 != ledger.sha256
    assert ledger.seed == 3


def test_identical_audio_is_reported_not_refused(make_manifest):
    manifest = make_manifest(change=lambda row: {**row, "sha256": row["id"][:-3]})
    ledger = split(manifest, "ravdess-random")
    assert ledger.shared["train-test"]["identical_audio"]


def test_too_few_clips_for_a_validation_side(make_manifest):
    def first_takes(row):
        return row if row["id"].split("-")[3:6] == ["01", "01", "01"] else None

    with pytest.raises(ProtocolError, match="has no validation clips among the 40"):
        split(make_manifest(range(1, 6), first_takes), "ravdess-random")
