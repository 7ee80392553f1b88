"""How far a score might be off: a percentile bootstrap over speakers.

The clips of one speaker share a voice, so they are not independent draws; resampling clips
would pretend they were and give intervals that are too narrow. Here whole speakers are drawn
with replacement, each with all clips (a cluster bootstrap; Davison and Hinkley, "Bootstrap
Methods and their Application", 1997, section 3.8). What the interval speaks of is new speakers
like these, for the one trained model at hand; it does not hold the spread over seeds.

With one speaker there is no interval, and none is invented. With fewer than `FEW_SPEAKERS` it
is rough, and tends to be too narrow: the reports say so.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ser_lib.errors import RunError
from ser_lib.evaluation.confusion import SCORES

FEW_SPEAKERS = 8
N_RESAMPLES = 1000


class Interval(NamedTuple):
    """Ends of a 95 % interval, as fractions."""

    low: float
    high: float


def speaker_bootstrap(
    frame: pd.DataFrame,
    statistic: str | Callable[[np.ndarray], np.ndarray],
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """95 % percentile interval of a score, over speakers drawn with replacement.

    Arguments
    ---------
    frame : pd.DataFrame
        One row a clip, with columns ``speaker``, ``emotion``, ``predicted`` and, where several
        corpora meet, ``corpus`` (speaker 01 of two corpora is two people).
    statistic : str or callable
        ``"ua"``, ``"wa"``, ``"macro_f1"``, or a function from confusion matrices, shape
        (n_resamples, classes, classes), to scores, shape (n_resamples,). A class that a
        resample lacks is left out of that resample's means.
    n_resamples : int
        Number of draws.
    seed : int
        Seed of the draws; the same seed gives the same interval.

    Returns
    -------
    Interval or None
        None with a single speaker.

    Raises
    ------
    RunError
        No clips, an unknown score name, or fewer than one resample.
    """
    score = SCORES.get(statistic) if isinstance(statistic, str) else statistic
    if score is None:
        raise RunError(f"statistic {statistic!r} is unknown; choose one of {', '.join(SCORES)}")
    classes = sorted({*frame["emotion"], *frame["predicted"]})
    matrices = resampled_matrices(frame, classes, n_resamples, seed)
    return None if matrices is None else interval(score(matrices))


def resampled_matrices(
    frame: pd.DataFrame, classes: Sequence[str], n_resamples: int = N_RESAMPLES, seed: int = 0
) -> np.ndarray | None:
    """Confusion matrices of the resamples, shape (n_resamples, classes, classes), int64.

    A resample's matrix is the sum of its speakers' matrices, each as often as it was drawn, so
    one product of a count table with the stack of speaker matrices gives them all. None with a
    single speaker.
    """
    if n_resamples < 1:
        raise RunError(f"n_resamples is {n_resamples}; give 1 or more (1000 is usual)")
    if frame.empty:
        raise RunError("predictions: there are no clips to resample")
    speakers = speaker_codes(frame)
    n_speakers = speakers.max() + 1
    if n_speakers < 2:
        return None
    index = {name: i for i, name in enumerate(classes)}
    rows, columns = ([index[name] for name in frame[key]] for key in ("emotion", "predicted"))
    stack = np.zeros((n_speakers, len(classes), len(classes)), dtype=np.int64)
    np.add.at(stack, (speakers, rows, columns), 1)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(n_speakers, np.full(n_speakers, 1 / n_speakers), size=n_resamples)
    return np.tensordot(draws, stack, axes=1)


def interval(scores: np.ndarray) -> Interval | None:
    """The middle 95 % of resampled scores; None where no resample defines the score."""
    scores = scores[np.isfinite(scores)]
    return Interval(*map(float, np.percentile(scores, [2.5, 97.5]))) if scores.size else None


def speaker_codes(frame: pd.DataFrame) -> np.ndarray:
    """Numbers the people of a frame from 0, shape (clips,); a person is a speaker of a corpus."""
    keys = [key for key in ("corpus", "speaker") if key in frame]
    return frame.groupby(keys, sort=True).ngroup().to_numpy()
