"""All protocols as the rows of one table, the voices heard before the test measured or promised."""

from ser_lib.errors import ProtocolError
from ser_lib.protocols.cut import split
from ser_lib.protocols.registry import PROTOCOLS, SYNTHETIC

HEADERS = ("protocol", "corpus", "folds", "rule", "test speakers heard", "source")


def rows(manifests=None):
    """One row a protocol, in the columns of :data:`HEADERS`.

    Rows are sorted by corpus (merged ones last), then those that hear no test speaker first, then
    by name.

    Arguments
    ---------
    manifests : dict, optional
        Corpus (as in :attr:`Protocol.corpus`) to its manifest. The protocols of these are cut, in
        all folds and with seed 0, and what is heard is measured; the others tell what they
        promise.

    Returns
    -------
    list of tuple of str
    """
    manifests = manifests or {}
    return [
        (
            f"`{protocol.name}`",
            protocol.corpus,
            str(protocol.folds),
            protocol.short or protocol.describe,
            measured(protocol, manifests[protocol.corpus])
            if protocol.corpus in manifests
            else promised(protocol),
            protocol.credit or protocol.source,
        )
        for protocol in sorted(PROTOCOLS.values(), key=_order)
    ]


def promised(protocol):
    """What a protocol promises of the test speakers' voices (str)."""
    if "speakers-disjoint" in protocol.promises:
        return "none"
    if "test-speakers-unseen" in protocol.promises:
        return "none (train and validation share theirs)"
    return "not kept apart"


def measured(protocol, manifest):
    """How many test speakers are heard in train or validation of their own fold (str).

    ``0 of 24``, over all folds with seed 0; folds that this manifest does not allow are told.
    """
    tested, heard, cut, corpus = set(), set(), 0, ""
    for fold in range(1, protocol.folds + 1):
        try:
            ledger = split(manifest, protocol.name, fold)
        except ProtocolError as error:
            refused = error
            continue
        cut, corpus = cut + 1, ledger.corpus
        tested.update(ledger.counts["test"]["speakers"])
        heard.update(ledger.shared_test_speakers)
    if not cut:
        return f"cannot be cut: {refused}"
    text = f"{len(heard)} of {len(tested)}"
    if cut < protocol.folds:
        text += f" in {cut} of {protocol.folds} folds"
    return text + (" (synthetic)" if SYNTHETIC in corpus else "")


def _order(protocol):
    """Sorting key of a protocol."""
    apart = promised(protocol) == "not kept apart"
    return (bool(protocol.members), protocol.corpus, apart, protocol.name)
