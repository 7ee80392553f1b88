"""Paired tests of systems that stand next to each other in a ranking."""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from ser_lib.sweep.measured import Measured
from ser_lib.use.compare import Difference, differences, paired


class Neighbours(NamedTuple):
    """Two systems of one ranking, over the ``folds`` (list of int) that all in it were tested on.

    ``difference`` is that of UA, the better one first.
    """

    corpus: str
    protocol: str
    better: str
    next: str
    folds: list
    difference: Difference


def unranked(
    measured: Mapping[tuple, Measured], pairs: Sequence[Neighbours]
) -> dict[str, list[str]]:
    """Systems that are in none of the pairs, by protocol."""
    ranked = {(pair.corpus, pair.protocol, name) for pair in pairs for name in pair[2:4]}
    found = defaultdict(list)
    for corpus, protocol, system in sorted(measured):
        if (corpus, protocol, system) not in ranked:
            found[protocol].append(system)
    return dict(found)


def neighbours(measured: Mapping[tuple, Measured]) -> list[Neighbours]:
    """Neighbours in the rankings by UA: one of each corpus, protocol and set of folds.

    Systems are in one ranking where the first seed of each was tested on the same folds, by the
    hash of their ledgers; more folds come first. Without kept predictions a system is in none.
    """
    rankings = defaultdict(list)
    for (corpus, protocol, _), one in sorted(measured.items()):
        tests = _tests(one)
        if tests:
            rankings[(corpus, protocol, frozenset(tests))].append((one, tests))
    found = []
    for corpus, protocol, ledgers in sorted(rankings, key=_rank):
        members = rankings[(corpus, protocol, ledgers)]
        members.sort(key=lambda member: (-member[0].ua.value, member[0].system))
        for (one, ones), (other, others) in itertools.pairwise(members):
            folds = sorted(fold for fold, _ in ones.values())
            frames = [
                pd.concat([tests[ledger][1] for ledger in ones], ignore_index=True)
                for tests in (ones, others)
            ]
            pair = paired(*frames, one.system, other.system)
            told = next(d for d in differences(*pair) if d.score == "ua")
            found.append(Neighbours(corpus, protocol, one.system, other.system, folds, told))
    return found


def _rank(ranking):
    """Sorting key of a ranking: by corpus and protocol, that of most folds first."""
    corpus, protocol, ledgers = ranking
    return (corpus, protocol, -len(ledgers), sorted(ledgers))


def _tests(one):
    """Ledger's hash to (fold, its predictions), of the first seed (dict)."""
    tests, seed = {}, one.runs[0].run["seed"]
    for kept in one.runs:
        if kept.run["seed"] != seed or kept.frame is None:
            continue
        for fold, ledger in kept.ledgers.items():
            tests[ledger] = (fold, kept.frame[kept.frame["fold"] == fold])
    return tests
