"""Test clips from a published list of files, a random share of all others for validation."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ser_lib.errors import ProtocolError
from ser_lib.protocols.registry import SYNTHETIC, Protocol


@dataclass(frozen=True, kw_only=True)
class ListedClips(Protocol):
    """Fold ``k`` tests the ``k``-th list of clips; of the others ``validation`` validate by chance.

    Arguments
    ---------
    test_clips : tuple of frozensets of str
        Clip ids, one set a fold.
    validation : Fraction
        Share of the clips that do not test, rounded up, drawn without regard to class or speaker.
    complete : bool
        Whether the lists of all folds hold every clip of the corpus, so that others are refused.
        Synthetic ones, whose names may be new, are not: those that are unlisted never test.
    """

    test_clips: tuple
    validation: Fraction
    complete: bool
    seeded: bool = True

    def cut(self, clips, fold, seed):
        """Sides of one fold, see :meth:`Protocol.cut`; raises ProtocolError as it does."""
        listed = self.test_clips[fold - 1]
        strangers = [
            clip.id
            for clip in clips
            if not clip.corpus.endswith(SYNTHETIC)
            and not any(clip.id in ids for ids in self.test_clips)
        ]
        if self.complete and strangers:
            raise ProtocolError(
                f"{self.name} lists every clip of {self.corpus}, but not {strangers[0]} (and "
                f"{len(strangers) - 1} more); remove what is not of it or use another protocol"
            )
        inner = [clip.id for clip in clips if clip.id not in listed]
        drawn = [inner[i] for i in np.random.default_rng(seed).permutation(len(inner))]
        until = math.ceil(self.validation * len(inner))
        test = [clip.id for clip in clips if clip.id in listed]
        return drawn[until:], drawn[:until], test
