"""Paired tests of systems that stand next to each other in a ranking."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from ser_lib.sweep.measured import Measured
from ser_lib.use.compare import Difference, differences, paired


class Neighbours(NamedTuple):
    """Two systems of one ranking; ``folds`` (list of int) that both were tested on.

    ``difference`` is that of UA, the better one first, or None where they have no test in common
    of which the predictions were kept.
    """

    corpus: str
    protocol: str
    better: str
    next: str
    folds: list
    difference: Difference | None


def unranked(measured: Mapping[tuple, Measured]) -> dict[str, list[str]]:
    """Systems without kept predictions, and so in no ranking, by protocol."""
    found = defaultdict(list)
    for (_, protocol, system), one in sorted(measured.items()):
        if not _tests(one):
            found[protocol].append(system)
    return dict(found)


def neighbours(measured: Mapping[tuple, Measured]) -> list[Neighbours]:
    """Neighbours in the ranking by UA, corpus by corpus and protocol by protocol.

    Two systems are compared on the folds that both were tested on, by the hash of the ledger,
    with the first seed of each. A system without kept predictions is in no ranking.
    """
    rankings = defaultdict(list)
    for (corpus, protocol, _), one in sorted(measured.items()):
        tests = _tests(one)
        if tests:
            rankings[(corpus, protocol)].append((one, tests))
    found = []
    for (corpus, protocol), members in rankings.items():
        members.sort(key=lambda member: (-member[0].ua.value, member[0].system))
        for (one, ones), (other, others) in zip(members, members[1:], strict=False):
            common = sorted(ones.keys() & others.keys(), key=lambda ledger: ones[ledger][0])
            told = None
            if common:
                frames = [
                    pd.concat([tests[ledger][1] for ledger in common], ignore_index=True)
                    for tests in (ones, others)
                ]
                pair = paired(*frames, one.system, other.system)
                told = next(d for d in differences(*pair) if d.score == "ua")
            folds = [ones[ledger][0] for ledger in common]
            found.append(Neighbours(corpus, protocol, one.system, other.system, folds, told))
    return found


def _tests(one):
    """Ledger's hash to (fold, its predictions), of the first seed (dict)."""
    tests, seed = {}, one.runs[0].run["seed"]
    for kept in one.runs:
        if kept.run["seed"] != seed or kept.frame is None:
            continue
        for fold, ledger in kept.ledgers.items():
            tests[ledger] = (fold, kept.frame[kept.frame["fold"] == fold])
    return tests
