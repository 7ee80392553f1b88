"""From a manifest and the name of a protocol to the ledger of one fold."""

import numbers

from ser_lib.errors import ProtocolError
from ser_lib.protocols.clips import read_clips
from ser_lib.protocols.ledger import Ledger
from ser_lib.protocols.promises import PROMISES
from ser_lib.protocols.registry import lookup
from ser_lib.protocols.sharing import SIDES


def split(manifest, protocol, fold=1, seed=0, drop_conflicts=False):
    """Cut ``manifest`` by a named protocol.

    Arguments
    ---------
    manifest : datasets.Dataset
        One row a clip; no audio is read.
    protocol : str
        A name in :data:`ser_lib.protocols.PROTOCOLS`.
    fold : int
        1 to the number of folds.
    seed : int
        Seed of the cut, 0 or more. Only a ``seeded`` protocol uses it; for the others the
        ledger's seed is None, so that training seeds share one ledger.
    drop_conflicts : bool
        Leave out training clips whose very samples stand under another label too, on whatever
        side (:meth:`Ledger.without_conflicts`); promises are about what is left.

    Returns
    -------
    Ledger

    Raises
    ------
    ProtocolError
        For an unknown protocol, a fold out of range, another corpus, clips that leave a side
        empty, or a cut that breaks its own promise (the same audio under two names, say).
    """
    rule = lookup(protocol)
    rule.check_fold(fold)
    if not _whole(seed) or seed < 0:
        raise ProtocolError(f"seed {seed!r} is not a whole number of 0 or more; give one like 0")
    clips = read_clips(manifest)
    corpora = sorted({clip.corpus for clip in clips})
    rule.check_corpus(corpora)
    seed = int(seed) if rule.seeded else None
    sides = dict(zip(SIDES, rule.cut(clips, int(fold), seed), strict=True))
    chosen = {name for ids in sides.values() for name in ids}
    ledger = Ledger(
        protocol=rule.name,
        description=rule.describe,
        source=rule.source,
        notes=list(rule.notes),
        promises={name: PROMISES[name].sentence for name in rule.promises},
        fold=int(fold),
        folds=rule.folds,
        seed=seed,
        corpus="+".join(corpora),
        clips={clip.id: clip for clip in clips if clip.id in chosen},
        **sides,
    )
    if drop_conflicts:
        ledger = ledger.without_conflicts()
    for side, ids in ledger.sides.items():
        if not ids:
            raise ProtocolError(
                f"fold {fold} of {rule.name} has no {side} clips among the {len(clips)} of this "
                "corpus; choose another fold or add clips"
            )
    _refuse_breaches(ledger)
    return ledger


def _refuse_breaches(ledger):
    """Raise ProtocolError where a ledger breaks a promise; it names the way that mends it."""
    breaches = ledger.breaches()
    if not breaches:
        return
    way = "mend the corpus folder and prepare it again"
    if not ledger.without_conflicts().breaches():
        # Which of two labels is wrong nobody can tell, so that only the person leaves clips out.
        way = (
            "the labels of these clips differ: leave them out of training with "
            f"--drop_conflicts, or {way}"
        )
    raise ProtocolError(
        f"fold {ledger.fold} of {ledger.protocol} breaks its promise on this corpus: {breaches[0]}"
        + (f" (and {len(breaches) - 1} more)" if len(breaches) > 1 else "")
        + f"; {way}"
    )


def _whole(value):
    """Whether ``value`` is a whole number; True and False are not."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
