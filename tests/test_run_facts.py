"""Facts of the machine and the versions."""

import json
import platform
from importlib.metadata import version

import torch

from ser_lib import run_facts
from ser_lib.corpora import merged, ravdess


def test_versions_name_python_and_torch():
    found = run_facts.versions()
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__.partition("+")[0]


def test_hardware_is_one_plain_line():
    text = run_facts.hardware()
    assert text.strip() and "\n" not in text
    assert json.loads(json.dumps(text)) == text


def test_environment_lists_what_this_python_has():
    lines = run_facts.environment().splitlines()
    assert f"torch=={version('torch')}" in lines
    assert platform.python_version() in lines[0]
    assert lines[1].startswith("# revision ")


def test_a_merged_corpus_that_lacks_parts_answers_for_those_that_were_there():
    for facts in (run_facts.licence, run_facts.citation):
        some = facts(merged, "RAVDESS+TESS")
        assert "SAVEE" not in some and "Haq" not in some
        assert len(some) < len(facts(merged, "RAVDESS+SAVEE+CREMA-D+TESS"))
    assert run_facts.licence(merged, "RAVDESS+TESS").startswith("RAVDESS: CC BY-NC-SA 4.0; TESS:")


def test_a_single_corpus_answers_for_itself():
    assert run_facts.licence(ravdess, "RAVDESS") == ravdess.LICENCE
    assert run_facts.citation(ravdess, "RAVDESS") == ravdess.CITATION
