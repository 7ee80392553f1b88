"""Inputs that once broke a reader, or might, and a few hundred seeded mutations of each example.

``python -m fuzz TARGET --seconds N`` looks for more.
"""

from pathlib import Path

import pytest

from fuzz.findings import Findings
from fuzz.mutate import mutants
from fuzz.targets import TARGETS

FOUND = sorted((Path(__file__).parent / "found").glob("*/*"))
# What a second or so has time for.
COUNTS = {"logits": 600, "windows": 400, "clip": 2000, "config": 60, "preprocessor": 60} | {
    **{"weights": 50, "golden": 20, "golden-sound": 20, "archive": 150, "labels-IEMOCAP": 150},
    **{"transcripts-IEMOCAP": 500, "predictions": 150, "ledger": 1500},
}


def survives(name, inputs):
    findings = Findings(TARGETS[name].run)
    for data in inputs:
        findings.one(data)
    assert not findings.found, "\n".join(told for _, told in findings.found.values())
    return findings


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_stays_mended(path):
    assert path.stat().st_size < 2048
    findings = survives(path.parent.name, [path.read_bytes()])
    assert findings.slowest < 10


@pytest.mark.parametrize("name", TARGETS)
def test_seeded_mutations_end_in_an_answer_or_our_error(name):
    findings = survives(name, mutants(TARGETS[name].examples(), COUNTS.get(name, 40)))
    assert findings.answered and findings.refused


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_ten_times_as_many_from_another_seed(name):
    survives(name, mutants(TARGETS[name].examples(), 10 * COUNTS.get(name, 40), seed=1))


def test_mutations_are_the_same_everywhere():
    assert list(mutants([b"abc", b"12345"], 50)) == list(mutants([b"abc", b"12345"], 50))
    assert list(mutants([b"abc", b"12345"], 50)) != list(mutants([b"abc", b"12345"], 50, seed=1))


def test_a_finding_is_kept_small_and_told_once(tmp_path):
    def fails(data):
        raise KeyError(len(data))

    findings = Findings(fails, tmp_path)
    for data in (b"long input", b"x", b"other"):
        findings.one(data)
    assert [data for data, _ in findings.found.values()] == [b"x"]
    assert len(list(tmp_path.iterdir())) == 2
