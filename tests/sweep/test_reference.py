"""Reference points: their section follows from the files, with our systems above and below."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from ser_lib.errors import RunError
from ser_lib.sweep.headline import headline
from ser_lib.sweep.keep import pack
from ser_lib.sweep.reference_page import FOLDER, references, section


@pytest.fixture
def results(tmp_path):
    table = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "speaker": ["1", "1", "2", "2"],
            "fold": [1, 1, 2, 2],
            "emotion": ["calm", "sad", "calm", "sad"],
            "predicted": ["calm", "sad", "sad", "sad"],
        }
    )
    facts = {"recipe": "EMO-DB", "protocol": "emodb-loso10", "folds": 2, "partial": False}
    (tmp_path / FOLDER).mkdir()
    packed = pack(table.to_csv(index=False).encode())
    (tmp_path / FOLDER / "emodb-loso10.csv.gz").write_bytes(packed)
    (tmp_path / FOLDER / "emodb-loso10.json").write_text(json.dumps({**facts, "synthetic": False}))
    return tmp_path


def test_scores_are_those_of_the_kept_answers(results):
    (one,) = references(results)
    assert (one.ua.value, one.wa.value, len(one.frame)) == (0.75, 0.75, 4)
    assert (one.ua.low, one.ua.high) == (0.5, 1.0)


def ours(name, ua, folds, encoder=None, cut=False):
    return SimpleNamespace(
        system=name,
        protocol="emodb-loso10",
        ua=SimpleNamespace(value=ua),
        folds=folds,
        n_folds=2,
        cut=cut,
        runs=[SimpleNamespace(run={"encoder": encoder})],
    )


def test_the_first_screen_says_who_beats_it_and_on_what(results):
    points = references(results)

    def told(*measured):
        places = {("EMO-DB", "emodb-loso10", one.system): one for one in measured}
        return headline([], points=points, measured=places)

    poor, part = ours("poor", 0.7, (1, 2)), ours("part", 0.6, (2,))
    some = "No system here reaches that on all folds; on part of the folds `part`."
    assert f"75.0 % on `emodb-loso10`. {some}" in told(poor, part)
    good = ours("good", 0.8, (1, 2))
    assert ". `good` (80.0 on `emodb-loso10`) reaches that on all folds." in told(poor, good)
    told_of = {"encoder": "me/mine", "corpora": None, "source": "?"}
    begun = ours("begun", 0.9, (1, 2), told_of)
    known = "pretrained, on speech that is not listed"
    assert (
        f". `begun` (90.0 on `emodb-loso10`; {known}) and `good` (80.0 on `emodb-loso10`) reach "
        "that on all folds." in told(good, begun)
    )
    told_of |= {"corpora": ["EMO-DB"], "shared": ["EMO-DB"]}
    heard = ours("heard", 0.9, (1, 2), told_of, True)
    marks = "pretrained, on this corpus too; fewer epochs than it asks for"
    assert f"`heard` (90.0 on `emodb-loso10`; {marks})" in told(heard)
    begun = ours("begun", 0.9, (1, 2), {**told_of, "corpora": [], "shared": []})
    assert "`begun` (90.0 on `emodb-loso10`; pretrained) reaches" in told(begun)


def test_a_system_stands_above_or_below_on_its_own_folds(results):
    place = ("EMO-DB", "emodb-loso10")
    measured = {
        (*place, "good"): ours("good", 0.8, (1, 2)),
        (*place, "poor"): ours("poor", 0.7, (1, 2)),
        (*place, "part"): ours("part", 0.9, (1,)),
        ("RAVDESS", "ravdess-si6", "other"): ours("other", 0.9, (1, 2)),
    }
    row = section(references(results), measured).splitlines()[-1]
    assert row.endswith("| `good` | `part` (fold 1: 100.0), `poor` |")


def test_damaged_answers_are_named(results):
    (results / FOLDER / "emodb-loso10.json").write_text("{")
    with pytest.raises(RunError, match="emodb-loso10"):
        references(results)
