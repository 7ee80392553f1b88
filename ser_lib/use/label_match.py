"""Which class of a model is which emotion of a corpus.

Equal names match, in capitals or not. Further ones match by the published map of
:mod:`ser_lib.corpora.label_map` (EMO-DB's happiness is RAVDESS's happy). Nothing is guessed from
spelling: what neither tells, such as ``ang``, the person says.
"""

from typing import NamedTuple

import numpy as np

from ser_lib.corpora.label_map import EIGHT, LABELS
from ser_lib.errors import HparamsError


class Match(NamedTuple):
    """``emotions`` (list of str, the corpus's, in its order, those that the model knows),
    ``columns`` (list of int or None: place among them of each of the model's classes),
    ``unknown`` (the corpus's emotions that the model lacks) and ``masked`` (the model's classes
    that the corpus lacks).
    """

    emotions: list
    columns: list
    unknown: list
    masked: list

    def probabilities(self, shares):
        """The model's ``(clips, its classes)`` as the corpus's ``(clips, emotions)``, sum 1.

        What the model gives to masked classes is shared out in proportion; a clip that gives
        everything to them is undecided.
        """
        found = np.zeros((len(shares), len(self.emotions)))
        for place, column in enumerate(self.columns):
            if column is not None:
                found[:, column] += shares[:, place]
        if not self.masked:
            return found
        total = found.sum(axis=1, keepdims=True)
        even = np.full_like(found, 1 / len(self.emotions))
        return np.where(total > 0, found / np.where(total > 0, total, 1), even)


def match(classes, emotions, corpora, told=None):
    """Match a model's classes to a corpus's emotions.

    Arguments
    ---------
    classes : sequence of str
        The model's.
    emotions : sequence of str
        The corpus's.
    corpora : sequence of str
        Names of the corpora that speak so, for the published map.
    told : dict, optional
        What the person says: model's class to emotion, or to ``""`` for none.

    Returns
    -------
    Match

    Raises
    ------
    HparamsError
        If what the person says names no class or no emotion, or fewer than two emotions match.
    """
    told = dict(told or {})
    for label, emotion in told.items():
        if label not in classes:
            raise HparamsError(
                f"--labels: the model has no class {label!r}; it has {', '.join(classes)}"
            )
        if emotion and emotion not in emotions:
            raise HparamsError(
                f"--labels: the corpus has no emotion {emotion!r}; it has {', '.join(emotions)}"
            )
    spelt = {emotion.casefold(): emotion for emotion in emotions}
    common = _common(emotions, corpora)
    targets = []
    for label in classes:
        key = label.strip().casefold()
        if label in told:
            targets.append(told[label] or None)
        elif key in spelt:
            targets.append(spelt[key])
        else:
            targets.append(common.get(_ALIASES.get(key)))
    known = [emotion for emotion in emotions if emotion in targets]
    if len(known) < 2:
        hint = next((label for label in classes if label not in told), classes[0])
        raise HparamsError(
            f"the model's classes ({', '.join(classes)}) are not the corpus's emotions "
            f'({", ".join(emotions)}); say which is which: --labels "{hint}={emotions[0]},..."'
        )
    return Match(
        known,
        [known.index(target) if target is not None else None for target in targets],
        [emotion for emotion in emotions if emotion not in known],
        [label for label, target in zip(classes, targets, strict=True) if target is None],
    )


def read_told(text):
    """``{model's class: emotion}`` of ``"ang=angry,hap=happy"`` (str or None)."""
    told = {}
    for part in filter(None, (part.strip() for part in (text or "").split(","))):
        label, sign, emotion = (word.strip() for word in part.partition("="))
        if not sign or not label or label in told:
            raise HparamsError(
                f'--labels: {part!r} is no new pair; write "class=emotion,class=emotion" (an empty '
                "emotion leaves the class out)"
            )
        told[label] = emotion
    return told


def _aliases():
    """Every corpus's own labels as the common ones, where all corpora mean the same by them."""
    meant = {}
    for labels in LABELS.values():
        for own, common in labels.items():
            meant.setdefault(own.casefold(), set()).add(common)
    meant.update({common: {common} for common in EIGHT})
    return {own: common.pop() for own, common in meant.items() if len(common) == 1}


_ALIASES = _aliases()


def _common(emotions, corpora):
    """Common label to the corpus's own, where one alone has it."""
    found = {}
    for corpus in corpora:
        for own, common in LABELS.get(corpus.removesuffix("-synthetic"), {}).items():
            if own in emotions:
                found.setdefault(common, set()).add(own)
    if not any(found.values()):
        found = {emotion: {emotion} for emotion in emotions if emotion in EIGHT}
    return {common: own.pop() for common, own in found.items() if len(own) == 1}
