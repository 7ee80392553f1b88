"""Five rules of one experiment: what trains, what is tested, and which side chooses the epoch."""

from typing import NamedTuple

FOLDER = "leak"
YAML = "hparams/cnn_transformer.yaml"
TRAININGS = ("copies-mixed", "clips-mixed", "scaler-on-all", "speakers-apart")


class Rule(NamedTuple):
    """``training`` that is read, the side that ``chooses`` the epoch, and both in ``words``."""

    training: str
    chooses: str
    words: str


RULES = {
    "augment, then split": Rule(
        "copies-mixed",
        "validation",
        "noisy copies are made first, then all items drawn 80/10/10, so that copies are tested "
        "too: the published way",
    ),
    "split, then augment": Rule(
        "clips-mixed",
        "validation",
        "clips are drawn 80/10/10 and training clips copied; every speaker is on every side",
    ),
    "epoch chosen on test": Rule(
        "speakers-apart",
        "test",
        "speakers apart; the epoch is the one with the best test",
    ),
    "scaler fitted on all": Rule(
        "scaler-on-all", "validation", "speakers apart; the scaler has seen the test clips"
    ),
    "clean": Rule(
        "speakers-apart",
        "validation",
        "speakers apart; the scaler is fitted in training and the epoch chosen in validation",
    ),
}


class Sides(NamedTuple):
    """Items ``<clip>`` or ``<clip>#<copy>`` (lists of str); ``scaler``: those it is fitted on."""

    train: list
    validation: list
    test: list
    scaler: list


class _Item(NamedTuple):
    id: str
    emotion: str


def sides(training, manifest, copies):
    """Which items are on which side.

    Arguments
    ---------
    training : str
        One of `TRAININGS`.
    manifest : datasets.Dataset
        Clips of RAVDESS.
    copies : int
        Noisy copies a clip. They are tested under ``copies-mixed`` only, as in the source.

    Returns
    -------
    Sides
    """
    from ser_lib.protocols import lookup, split

    def copied(ids):
        return [x for clip in ids for x in (clip, *(f"{clip}#{n + 1}" for n in range(copies)))]

    if training == "copies-mixed":
        emotions = dict(zip(manifest["id"], manifest["emotion"], strict=True))
        items = [_Item(item, emotions[item.partition("#")[0]]) for item in copied(manifest["id"])]
        train, validation, test = lookup("ravdess-random").cut(items, 1, 0)
        return Sides(train, validation, test, train)
    ledger = split(manifest, "ravdess-random" if training == "clips-mixed" else "ravdess-si6")
    train, validation, test = copied(ledger.train), list(ledger.validation), list(ledger.test)
    seen = train + validation + test if training == "scaler-on-all" else train
    return Sides(train, validation, test, seen)
