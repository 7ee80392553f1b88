"""The ledger of a split: who is on which side, what the sides share, and the proof of both.

A ledger is a JSON file that can be audited without the corpus, because it carries the few facts
about each clip that its promises are about. What it states as shared is never trusted: an audit
computes it again from those facts.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from ser_lib.errors import ProtocolError, RunError
from ser_lib.files import write_text
from ser_lib.protocols.ledger_format import FORMAT, check, dumps
from ser_lib.protocols.promises import PROMISES
from ser_lib.protocols.registry import PROTOCOLS
from ser_lib.protocols.sharing import (
    SIDES,
    conflicts,
    count,
    digest,
    share,
    speakers_heard_before_test,
)


@dataclass(kw_only=True)
class Ledger:
    """One fold of one protocol on one corpus.

    Arguments
    ---------
    protocol, description, source : str
        Name, one sentence, and where the rule comes from.
    notes : list of str
        What a reader of the numbers has to know.
    promises : dict
        Name to sentence.
    fold, folds : int
        This fold (from 1) and how many there are.
    seed : int or None
        Seed of the cut; None where the protocol has none.
    corpus : str
        As in the manifest; a name in ``-synthetic`` is synthetic sound.
    train, validation, test : list of str
        Clip ids, kept sorted.
    clips : dict
        Clip id to :class:`ser_lib.protocols.clips.Clip`, for exactly the ids of the sides.
    copies : int
        Augmented copies that training makes of each training clip, after the split.
    sha256, counts, shared
        The split's hash, what each side holds and what the sides share; worked out from the rest
        where not given (see :mod:`ser_lib.protocols.sharing`).
    """

    protocol: str
    description: str
    source: str
    promises: dict
    fold: int
    folds: int
    seed: int | None
    corpus: str
    train: list
    validation: list
    test: list
    clips: dict
    notes: list = field(default_factory=list)
    copies: int = 0
    sha256: str | None = None
    counts: dict | None = None
    shared: dict | None = None

    def __post_init__(self):
        """Sort the sides and work out what was not given."""
        for side in SIDES:
            setattr(self, side, sorted(getattr(self, side)))
        self.sha256 = self.sha256 or digest(self.sides, self.clips)
        self.counts = self.counts or count(self.sides, self.clips)
        self.shared = self.shared or share(self.sides, self.clips)

    @property
    def sides(self):
        """``{"train": ids, "validation": ids, "test": ids}``."""
        return {side: getattr(self, side) for side in SIDES}

    @property
    def shared_test_speakers(self):
        """Sorted speakers in test who are also in train or validation, from the clips' facts."""
        return speakers_heard_before_test(self.sides, self.clips)

    @property
    def two_labels(self):
        """Sorted ids by side of the clips whose samples stand under another label too (dict)."""
        groups = conflicts(self.sides, self.clips)
        return {
            s: sorted({name for g in groups for name, _, side in g if side == s}) for s in SIDES
        }

    def with_copies(self, copies):
        """Same split, stating that training makes ``copies`` (int >= 0) of each training clip."""
        if not isinstance(copies, int) or isinstance(copies, bool) or copies < 0:
            raise ProtocolError(f"augmented copies must be 0 or more, not {copies!r}; give a count")
        return replace(self, copies=copies)

    def without_conflicts(self):
        """Same split without training clips whose very samples stand under another label too.

        A note says how many were left out; a ledger without such clips comes back as it is.
        """
        odd = {*self.two_labels["train"]}
        if not odd:
            return self
        kept = {name: clip for name, clip in self.clips.items() if name not in odd}
        who = "1 training clip was" if len(odd) == 1 else f"{len(odd)} training clips were"
        note = f"{who} left out because the same samples stand under another label as well."
        return replace(
            self,
            train=[name for name in self.train if name not in odd],
            clips=kept,
            notes=[*self.notes, note],
            sha256=None,
            counts=None,
            shared=None,
        )

    def checks(self):
        """Every promise with its objections: dict of sentence by name, then list of str.

        Returns
        -------
        list of (str, str, list of str)
            Name, sentence and objections (none: kept). The promises are those the ledger states
            and those its protocol makes today, then ``as-stated``, which every ledger makes.
        """
        shared = share(self.sides, self.clips)
        names = list(self.promises)
        if self.protocol in PROTOCOLS:
            names += [n for n in PROTOCOLS[self.protocol].promises if n not in self.promises]
        results = []
        for name in names:
            promise = PROMISES[name]
            objections = promise.check(self.sides, self.clips, shared)
            results.append((name, promise.sentence, objections))
        sentence = "What the ledger says of its sides is what its clips say."
        results.append(("as-stated", sentence, self._misstatements(shared)))
        return results

    def breaches(self):
        """Broken promises as ``"name: objection"`` (list of str), empty where all are kept."""
        return [f"{name}: {text}" for name, _, objections in self.checks() for text in objections]

    def _misstatements(self, shared):
        """Where the stated hash, counts or shared things differ from what the clips imply."""
        objections = []
        if self.sha256 != digest(self.sides, self.clips):
            objections.append("the stated sha256 is not that of these sides")
        counts = count(self.sides, self.clips)
        for side in SIDES:
            if self.counts.get(side) != counts[side]:
                objections.append(f"the stated counts of {side} are not those of its clips")
        for pair, truth in shared.items():
            stated = self.shared.get(pair, {})
            for kind, found in truth.items():
                told = stated.get(kind, [])
                if told != found:
                    objections.append(
                        f"states {len(told)} {kind.replace('_', ' ')} shared {pair}, "
                        f"its clips say {len(found)}"
                        + (" (others)" if len(told) == len(found) else "")
                    )
        return objections

    def save(self, path):
        """Write the ledger as JSON to ``path`` (its folder is made), whole or not at all.

        Returns the Path; raises ProtocolError where it cannot be written.
        """
        try:
            return write_text(path, self.dumps())
        except RunError as error:
            raise ProtocolError(f"the ledger: {error}") from error

    def dumps(self):
        """The ledger as JSON text, keys in a fixed order, one line a clip."""
        return dumps(
            {
                "format": FORMAT,
                "protocol": self.protocol,
                "description": self.description,
                "promises": self.promises,
                "source": self.source,
                "notes": self.notes,
                "fold": self.fold,
                "folds": self.folds,
                "seed": self.seed,
                "corpus": self.corpus,
                "augmented_copies_per_train_clip": self.copies,
                "sha256": self.sha256,
                "counts": self.counts,
                "shared": self.shared,
                **self.sides,
                "clips": {name: self.clips[name].facts() for name in sorted(self.clips)},
            }
        )

    @classmethod
    def load(cls, path):
        """Ledger from a JSON file, its types checked and its hash computed again.

        What it states as shared is taken as stated; :meth:`breaches` compares it with the facts.

        Raises
        ------
        ProtocolError
            Where the file is missing, is no ledger, or its hash is not that of its sides.
        """
        path = Path(path)
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ProtocolError(
                f"cannot read the ledger {path} ({error.strerror}); check the path"
            ) from error
        except (ValueError, RecursionError) as error:
            raise ProtocolError(
                f"{path} is not a ledger: no JSON in it can be read; make it again"
            ) from error
        ledger = cls(**check(values, path))
        if ledger.sha256 != digest(ledger.sides, ledger.clips):
            raise ProtocolError(
                f"{path} was changed after it was written: its sha256 is not that of its sides; "
                "make it again (`python -m ser_lib.protocols show --help`)"
            )
        return ledger
