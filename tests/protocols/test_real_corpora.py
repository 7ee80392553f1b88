"""The protocols on what there is of other real corpora."""

import importlib

import pytest

from ser_lib.protocols import PROTOCOLS, overview
from ser_lib.protocols import split as cut

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def prepared(real_ravdess):
    """Function from a corpus to its real manifest, whole or partial."""
    found = {}

    def prepare(corpus):
        folder = real_ravdess.parent / corpus
        if not folder.is_dir():
            pytest.skip(f"real {corpus} is not at {folder}")
        if corpus not in found:
            name = next(p.corpus_module for p in PROTOCOLS.values() if p.corpus == corpus)
            reader = importlib.import_module(f"ser_lib.corpora.{name}")
            found[corpus] = reader.prepare(folder, allow_partial=True, progress=False)
        return found[corpus]

    return prepare


@pytest.mark.parametrize(
    ("name", "heard"),
    [
        ("emodb-loso10", "0 of 10"),
        ("emodb-emobox5", "10 of 10"),
        ("emodb-random5", "10 of 10"),
        ("tess-loso2", "0 of 2"),
        ("tess-random", "2 of 2"),
        ("cremad-si", "0 of "),
    ],
)
def test_test_speakers_heard(prepared, name, heard):
    assert overview.measured(PROTOCOLS[name], prepared(PROTOCOLS[name].corpus)).startswith(heard)


def test_sizes_on_emodb(prepared):
    manifest = prepared("EMO-DB")
    assert [len(ids) for ids in cut(manifest, "emodb-issa").sides.values()] == [382, 43, 110]
    assert [len(cut(manifest, "emodb-loso10", fold).test) for fold in (1, 10)] == [49, 71]


def test_validation_words_of_tess(prepared):
    ledger = cut(prepared("TESS"), "tess-loso2")
    assert len(ledger.shared["train-validation"]["statements"]) == 0
    assert len(ledger.shared["train-test"]["statements"]) == 12
