"""Random folds over clips, as papers do that print "5-fold" and say nothing of speakers."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ser_lib.protocols.registry import Protocol


@dataclass(frozen=True, kw_only=True)
class RandomFolds(Protocol):
    """All clips in one random order; fold ``k`` tests its ``k``-th part, neither by class nor by
    speaker, and of the others the first ``validation`` validate.

    The order depends on the seed and on no fold, so that over the folds of one seed every clip
    tests once. Parts differ by one clip at most, the longer ones first.

    Arguments
    ---------
    validation : Fraction
        Share of the clips that do not test, rounded up.
    """

    seeded: bool = True
    validation: Fraction = Fraction(1, 8)

    def cut(self, clips, fold, seed):
        """Sides of one fold, see :meth:`Protocol.cut`."""
        order = np.random.default_rng(seed).permutation(len(clips))
        parts = np.array_split(order, self.folds)
        test = parts.pop(fold - 1)
        rest = np.concatenate(parts)
        until = math.ceil(self.validation * len(rest))
        return tuple([clips[i].id for i in side] for side in (rest[until:], rest[:until], test))
