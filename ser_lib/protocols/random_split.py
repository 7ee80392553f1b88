"""Random cut over clips, class by class: what many papers do, and why their numbers are high."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ser_lib.protocols.registry import Protocol, register


@dataclass(frozen=True, kw_only=True)
class RandomSplit(Protocol):
    """In each class a random order; the first share trains, the next validates, the rest tests.

    Of ``m`` clips of a class, ``int(train_until * m)`` train and those up to
    ``int(validation_until * m)`` validate. Who speaks plays no part.
    """

    seeded: bool = True
    train_until: float = 0.8
    validation_until: float = 0.9

    def cut(self, clips, fold, seed):
        """Sides of the only fold, see :meth:`Protocol.cut`."""
        by_emotion = defaultdict(list)
        for clip in clips:
            by_emotion[clip.emotion].append(clip.id)
        generator = np.random.default_rng(seed)
        train, validation, test = [], [], []
        for _, ids in sorted(by_emotion.items()):
            drawn = [ids[place] for place in generator.permutation(len(ids))]
            first, second = (int(x * len(ids)) for x in (self.train_until, self.validation_until))
            train += drawn[:first]
            validation += drawn[first:second]
            test += drawn[second:]
        return train, validation, test


register(
    RandomSplit(
        name="ravdess-random",
        corpus="RAVDESS",
        short="80/10/10 of the clips of each class",
        credit="Data-Science-kosta",
        describe="A random 80/10/10 cut over the clips of each class; every actor is on every "
        "side, so its numbers say nothing about new speakers.",
        source="github.com/Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch, "
        "the rule of its notebooks since 2021 (split first, then augment); they set no seed.",
        notes=(
            "Not speaker-independent: report it beside ravdess-si6, never instead.",
            "The headline numbers of the source were made with noise copies drawn before the "
            "split; here copies stay with their clip.",
        ),
        promises=("clip-once", "copies-with-clip"),
    )
)
