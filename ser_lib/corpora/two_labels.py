"""The warning of a corpus that holds the same samples under two emotions."""

import logging
from collections import defaultdict

logger = logging.getLogger(__name__)

_SHOWN = 10


def warn_of_two_labels(corpus, manifest):
    """Name the clips that hold the same samples under two emotions, in one warning.

    Nobody can tell which label is wrong, so that the clips stay; ``--drop_conflicts`` leaves them
    out of training.

    Arguments
    ---------
    corpus : str
        Name, for the message.
    manifest : datasets.Dataset
        With ``id``, ``emotion`` and ``sha256`` (of the samples); of two takes under one emotion
        nothing is said.
    """
    same = defaultdict(list)
    columns = (manifest[name][:] for name in ("id", "emotion", "sha256"))
    for clip, emotion, sha256 in zip(*columns, strict=True):
        same[sha256].append((clip, emotion))
    groups = [group for group in same.values() if len({emotion for _, emotion in group}) > 1]
    if groups:
        told = "; ".join(" and ".join(clip for clip, _ in group) for group in groups[:_SHOWN])
        more = f"; and {len(groups) - _SHOWN} more such groups" if len(groups) > _SHOWN else ""
        logger.warning("%s: the same samples under two emotions: %s%s", corpus, told, more)
