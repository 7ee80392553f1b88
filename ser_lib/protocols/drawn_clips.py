"""A draw for each clip alone, so that chance also decides how many test."""

from dataclasses import dataclass

import numpy as np

from ser_lib.protocols.registry import Protocol


@dataclass(frozen=True, kw_only=True)
class DrawnClips(Protocol):
    """A clip tests where its uniform draw from [0, 1) is above ``train_odds``.

    Of the others those validate whose second draw is below ``validation_odds``. Neither class nor
    speaker plays a part, and no side has a fixed size.

    Arguments
    ---------
    train_odds, validation_odds : float
        In (0, 1).
    """

    train_odds: float
    validation_odds: float
    seeded: bool = True

    def cut(self, clips, fold, seed):
        """Sides of the only fold, see :meth:`Protocol.cut`."""
        sides = [], [], []
        for clip, (first, second) in zip(
            clips, np.random.default_rng(seed).random((len(clips), 2)), strict=True
        ):
            side = 2 if first > self.train_odds else int(second < self.validation_odds)
            sides[side].append(clip.id)
        return sides
