"""A random test share of exact size, class by class, and validation cut from the rest."""

import math
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ser_lib.protocols.registry import Protocol


@dataclass(frozen=True, kw_only=True)
class StratifiedHoldout(Protocol):
    """``test`` of the clips test, ``validation`` of the remaining ones validate, the rest train.

    Both numbers are rounded up, as scikit-learn's ``train_test_split`` does, and shared out among
    the classes by largest remainder. Within a class chance decides; who speaks plays no part.

    Arguments
    ---------
    test, validation : Fraction
        Share of all clips, and share of those that do not test.
    """

    test: Fraction
    validation: Fraction
    seeded: bool = True

    def cut(self, clips, fold, seed):
        """Sides of the only fold, see :meth:`Protocol.cut`."""
        classes = defaultdict(list)
        for clip in clips:
            classes[clip.emotion].append(clip.id)
        names = sorted(classes)
        generator = np.random.default_rng(seed)
        drawn = {n: [classes[n][i] for i in generator.permutation(len(classes[n]))] for n in names}
        tested = shares([len(drawn[name]) for name in names], self.test)
        left = [len(drawn[name]) - some for name, some in zip(names, tested, strict=True)]
        validated = shares(left, self.validation)
        train, validation, test = [], [], []
        for name, first, second in zip(names, tested, validated, strict=True):
            test += drawn[name][:first]
            validation += drawn[name][first : first + second]
            train += drawn[name][first + second :]
        return train, validation, test


def shares(sizes, share):
    """How many of each class, ``ceil(share * sum(sizes))`` in all, by largest remainder.

    Arguments
    ---------
    sizes : list of int
        Clips of each class; of equal remainders the first class comes first.
    share : Fraction
        In (0, 1).

    Returns
    -------
    list of int
    """
    total = math.ceil(share * sum(sizes))
    quotas = [Fraction(total * size, max(sum(sizes), 1)) for size in sizes]
    taken = [math.floor(quota) for quota in quotas]
    order = sorted(range(len(sizes)), key=lambda place: (taken[place] - quotas[place], place))
    for place in order[: total - sum(taken)]:
        taken[place] += 1
    return taken
