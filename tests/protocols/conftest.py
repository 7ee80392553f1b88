"""Manifests laid out like RAVDESS, without any sound."""

import hashlib
import itertools

import pytest
from datasets import Dataset

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def ravdess_rows(actors):
    """The official 60 clips of each actor (int), as dicts."""
    for actor, emotion, strong, statement, take in itertools.product(
        actors, range(8), (False, True), (1, 2), (1, 2)
    ):
        if EMOTIONS[emotion] == "neutral" and strong:
            continue
        name = f"03-01-{emotion + 1:02d}-{strong + 1:02d}-{statement:02d}-{take:02d}-{actor:02d}"
        yield {
            "id": name,
            "path": f"/corpus/Actor_{actor:02d}/{name}.wav",
            "speaker": f"{actor:02d}",
            "gender": "male" if actor % 2 else "female",
            "emotion": EMOTIONS[emotion],
            "intensity": "strong" if strong else "normal",
            "statement": str(statement),
            "corpus": "RAVDESS",
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
        }


def as_manifest(rows):
    """Dataset of a list of dicts."""
    rows = list(rows)
    return Dataset.from_dict({key: [row[key] for row in rows] for key in rows[0]})


@pytest.fixture(scope="session")
def make_manifest():
    """Function from actor numbers to a manifest; ``change(row)`` may edit a row or drop it."""

    def make(actors=range(1, 25), change=lambda row: row):
        rows = (change(row) for row in ravdess_rows(actors))
        return as_manifest(row for row in rows if row is not None)

    return make


@pytest.fixture(scope="session")
def manifest(make_manifest):
    """The whole of RAVDESS: 24 actors, 1440 clips."""
    return make_manifest()
