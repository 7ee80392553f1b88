"""Any part of any corpus under any protocol: sides apart, promises kept, one hash for one seed."""

import importlib.util
import random

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_lib.errors import ProtocolError
from ser_lib.protocols import PROTOCOLS, split
from ser_lib.protocols.ledger import Ledger
from ser_lib.protocols.sharing import SIDES

MOST_CLIPS = 300


@pytest.fixture(scope="module")
def rows(repository):
    """The official clips of each corpus, without sound (dict of list of dict)."""
    path = repository / "tests" / "protocols" / "conftest.py"
    spec = importlib.util.spec_from_file_location("protocols_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {}
    for corpus, make in module.ROWS.items():
        clips = sorted(make(), key=lambda row: row["id"])
        # Every speaker, emotion and statement stays, of the large corpora fewer clips.
        random.Random(0).shuffle(clips)
        found[corpus] = [{key: row[key] for key in module.COLUMNS} for row in clips[:1500]]
    return found


def part(clips, chance, order):
    """Some speakers' clips of some emotions and statements, in another order."""
    draw = random.Random(chance)

    def some(key):
        values = sorted({row[key] for row in clips})
        return set(draw.sample(values, draw.randint(max(1, len(values) // 2), len(values))))

    speakers, emotions, statements = some("speaker"), some("emotion"), some("statement")
    kept = [
        row
        for row in clips
        if row["speaker"] in speakers
        and row["emotion"] in emotions
        and row["statement"] in statements
    ][:MOST_CLIPS]
    random.Random(order).shuffle(kept)
    return kept


def dataset(clips):
    return Dataset.from_dict({key: [row[key] for row in clips] for key in clips[0]})


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_cut_is_sound_or_refused(name, rows):
    rule = PROTOCOLS[name]

    @settings(max_examples=8)
    @given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 5))
    def check(chance, place, seed):
        clips = part(rows[rule.corpus], chance, order=0)
        if not clips:
            return
        fold = 1 + place % rule.folds
        try:
            ledger = split(dataset(clips), name, fold, seed)
        except ProtocolError as error:
            assert "\n" not in str(error)
            return
        sound(ledger, clips, rule)
        again = split(dataset(part(rows[rule.corpus], chance, order=1)), name, fold, seed)
        assert again.sha256 == ledger.sha256 and again.dumps() == ledger.dumps()

    check()


def sound(ledger, clips, rule):
    """Worked out here anew, not by the code that made the ledger."""
    sides = {side: set(getattr(ledger, side)) for side in SIDES}
    known = {row["id"]: row for row in clips}
    assert all(sides.values())
    assert set.union(*sides.values()) <= set(known)
    assert sum(map(len, sides.values())) == len(set.union(*sides.values()))
    speakers = {side: {known[clip]["speaker"] for clip in ids} for side, ids in sides.items()}
    if "test-speakers-unseen" in rule.promises:
        assert not speakers["test"] & (speakers["train"] | speakers["validation"])
    if "speakers-disjoint" in rule.promises:
        assert not speakers["validation"] & (speakers["test"] | speakers["train"])
    assert ledger.breaches() == []


def test_most_cuts_are_made(rows):
    """The property above would hold, too, if everything were refused."""
    made = 0
    for name, rule in PROTOCOLS.items():
        try:
            split(dataset(rows[rule.corpus]), name, 1, 0)
            made += 1
        except ProtocolError:
            pass
    assert made >= 0.7 * len(PROTOCOLS)


@given(st.integers(0, 10**6), st.integers(0, 99))
def test_a_saved_ledger_comes_back(rows, tmp_path_factory, chance, seed):
    clips = part(rows["RAVDESS"], chance, order=0)
    try:
        ledger = split(dataset(clips), "ravdess-random", 1, seed) if clips else None
    except ProtocolError:
        ledger = None
    if ledger is not None:
        path = ledger.save(tmp_path_factory.mktemp("ledger") / "ledger.json")
        assert Ledger.load(path) == ledger
