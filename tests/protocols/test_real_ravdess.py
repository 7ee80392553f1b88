"""The protocols on the real corpus: what the audit must show."""

import pytest

from ser_lib.corpora import ravdess
from ser_lib.protocols import lookup, split

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def manifest(real_ravdess):
    return ravdess.prepare(real_ravdess, progress=False)


@pytest.mark.parametrize("fold", range(1, 7))
def test_no_speaker_is_shared_in_any_fold_of_si6(manifest, fold):
    ledger = split(manifest, "ravdess-si6", fold)
    assert ledger.shared_test_speakers == []
    assert [len(ids) for ids in ledger.sides.values()] == [960, 240, 240]
    assert ledger.breaches() == []


def test_random_shares_all_24_speakers(manifest):
    ledger = split(manifest, "ravdess-random")
    assert len(ledger.shared_test_speakers) == 24
    assert [len(ids) for ids in ledger.sides.values()] == [1147, 143, 150]


def test_19_5_has_the_sizes_of_its_source(manifest):
    ledger = split(manifest, "ravdess-19-5")
    assert ledger.shared_test_speakers == []
    assert [len(ids) for ids in ledger.sides.values()] == [752, 388, 300]


@pytest.mark.parametrize("name", ["ravdess-si5", "ravdess-16-4-4", "ravdess-random5"])
def test_the_doubled_clip_of_actor_07_is_parted_only_by_chance(manifest, name):
    for fold in range(1, lookup(name).folds + 1):
        ledger = split(manifest, name, fold)
        parted = any(common["identical_audio"] for common in ledger.shared.values())
        assert not parted or name == "ravdess-random5"
