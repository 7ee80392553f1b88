"""The protocols on what there is of other real corpora."""

import importlib

import pytest

from ser_lib.data.likeness import near_identical
from ser_lib.protocols import PROTOCOLS, survey
from ser_lib.protocols import split as cut
from ser_lib.protocols.layouts import layout
from ser_lib.protocols.measure import cut_all, layout_figures, sound_figures, words_said

pytestmark = pytest.mark.real
WHOLE = ("RAVDESS", "EMO-DB")


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


@pytest.mark.parametrize("corpus", ["RAVDESS", "EMO-DB", "TESS", "CREMA-D"])
def test_the_audit_in_the_repository_is_that_of_the_corpora(prepared, repository, corpus):
    found = survey.read(repository / survey.FILE)
    manifest, held = prepared(corpus), found["corpora"][corpus]
    if (held["clips"], held["state"]) != (len(manifest), "whole" if corpus in WHOLE else "partial"):
        pytest.fail(f"the audit is of {held['clips']} clips, {held['state']}")
    pairs = held["near_identical"]
    if len(manifest) < 400:
        heard = near_identical(manifest, manifest["id"], progress=False)
        assert [[a, b] for a, b, _ in heard] == [[a, b] for a, b, _ in pairs]
    names = manifest if corpus in WHOLE else layout(corpus)
    for name, protocol in PROTOCOLS.items():
        if protocol.corpus != corpus:
            continue
        told = found["protocols"][name]
        ledgers, refused = cut_all(protocol, manifest)
        assert told["sound"] == {
            "folds": len(ledgers),
            "refused": refused,
            **sound_figures(ledgers, pairs),
        }
        ledgers, refused = cut_all(protocol, names)
        figures = layout_figures(ledgers, words_said(names))
        assert told["layout"] == {"folds": len(ledgers), "refused": refused, **figures}


def test_sizes_on_emodb(prepared):
    manifest = prepared("EMO-DB")
    assert [len(ids) for ids in cut(manifest, "emodb-issa").sides.values()] == [382, 43, 110]
    assert [len(cut(manifest, "emodb-loso10", fold).test) for fold in (1, 10)] == [49, 71]


def test_validation_words_of_tess(prepared):
    ledger = cut(prepared("TESS"), "tess-loso2")
    assert len(ledger.shared["train-validation"]["statements"]) == 0
    assert len(ledger.shared["train-test"]["statements"]) == 12
