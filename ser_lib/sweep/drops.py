"""What a system loses when nobody it is tested on was heard before, with how sure that is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ser_lib.protocols import PROTOCOLS
from ser_lib.protocols.registry import SYNTHETIC
from ser_lib.sweep.measured import Measured, Score
from ser_lib.sweep.published import Published


@dataclass(frozen=True, kw_only=True, eq=False)
class Drop:
    """One system on one corpus.

    Arguments
    ---------
    system, corpus : str
    published : Published or None
        The number of the source on this corpus.
    same : Measured or None
        Ours under the published protocol, the nearest to it, or one that mixes speakers.
    apart : Measured or None
        Ours on speakers nobody had heard.
    """

    system: str
    corpus: str
    published: Published | None
    same: Measured | None
    apart: Measured | None

    @property
    def metric(self):
        """The published metric, by which the three are compared (str)."""
        return (self.published and self.published.metric) or "wa"

    @property
    def nearest(self):
        """Whether ours is not quite under the published protocol (bool)."""
        if self.same is None or self.published is None or self.published.value is None:
            return False
        return bool(self.published.differs) or self.same.protocol != self.published.ours

    def score(self, measured):
        """A `Measured`'s score in the metric of the row."""
        return getattr(measured, self.metric)

    @property
    def from_published(self):
        """Published less ours on new speakers (Score), None where either lacks.

        None, too, where the two cannot be compared: ours on part of the corpus, or another system
        that stands in. The published number is taken as it stands, since nothing tells how far it
        may be off.
        """
        if self.apart is None or self.published is None or self.published.value is None:
            return None
        if self.apart.partial or self.published.stand_in:
            return None
        value = self.published.value / 100
        return difference(Score(value, value, value), self.score(self.apart))

    @property
    def from_ours(self):
        """Ours under the published protocol less ours on new speakers (Score), or None."""
        if self.apart is None or self.same is None or self.same is self.apart:
            return None
        return difference(self.score(self.same), self.score(self.apart))

    @property
    def mixes(self):
        """Whether ``same`` has speakers on both sides (bool)."""
        return self.same is not None and not _is_apart(PROTOCOLS[self.same.protocol])

    @property
    def follows(self):
        """Whether ``same`` follows a published number (bool), or is there for comparison alone."""
        return self.same is not None and bool(self.published and self.published.value is not None)


def difference(one: Score, other: Score) -> Score:
    """One score less another that rests on a test of its own, with a 95 % interval.

    The interval follows from those of the two (Zou and Donner 2008, "Construction of confidence
    limits about effect measures", Statistics in Medicine 27, with no covariance).
    """
    value = one.value - other.value
    if None in (*one, *other):
        return Score(value)
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Score(value, low, high)


def drops(measured: Mapping[tuple, Measured], published: Sequence[Published]) -> list[Drop]:
    """One `Drop` a system and corpus that was measured or published.

    Sorted by corpus, then by what is left on new speakers; what was not measured comes last.
    """
    said = {(one.corpus, one.system): one for one in published if one.corpus}
    pairs = dict.fromkeys([*said, *((corpus, system) for corpus, _, system in measured)])
    rows = []
    for corpus, system in pairs:
        entry = said.get((corpus, system))
        own = {p: one for (c, p, s), one in measured.items() if (c, s) == (corpus, system)}
        plain = corpus.removesuffix(SYNTHETIC)
        apart = next((own[p] for p in _apart(plain) if p in own), None)
        wanted = [entry.ours] if entry and entry.ours else []
        same = next((own[p] for p in [*wanted, *_mixed(plain)] if p in own), None)
        row = Drop(system=system, corpus=corpus, published=entry, same=same, apart=apart)
        rows.append(row)
    return sorted(rows, key=_order)


def _apart(corpus):
    """Protocols of a corpus that test on new speakers (list of str), its default first."""
    import importlib

    of_it = [p for p in PROTOCOLS.values() if p.corpus == corpus]
    if not of_it:
        return []
    module = importlib.import_module(f"ser_lib.corpora.{of_it[0].corpus_module}")
    names = sorted(p.name for p in of_it if _is_apart(p))
    return sorted(names, key=lambda name: name != module.DEFAULT_PROTOCOL)


def _mixed(corpus):
    """Protocols of a corpus that mix speakers (list of str), the plain random one first."""
    names = sorted(p.name for p in PROTOCOLS.values() if p.corpus == corpus and not _is_apart(p))
    return sorted(names, key=lambda name: not name.endswith("-random"))


def _is_apart(protocol):
    return not {"speakers-disjoint", "test-speakers-unseen"}.isdisjoint(protocol.promises)


def _order(row):
    left = row.apart.ua.value if row.apart else -1
    mixed = row.same.ua.value if row.same else -1
    said = row.published.value if row.published and row.published.value is not None else -1
    return (row.corpus, -left, -mixed, -said, row.system)
