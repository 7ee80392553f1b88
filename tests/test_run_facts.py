"""Facts of the machine and the versions."""

import json
import platform
import re
import subprocess
from importlib.metadata import version

import pytest
import torch

from ser_lib import run_facts
from ser_lib.corpora import merged, ravdess


def test_versions_name_python_and_torch():
    found = run_facts.versions()
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__.partition("+")[0]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A function that says the revision of a repository with ser_lib in it."""
    (tmp_path / "ser_lib").mkdir()
    (tmp_path / "ser_lib" / "run_facts.py").write_text("")
    monkeypatch.setattr(run_facts, "__file__", str(tmp_path / "ser_lib" / "run_facts.py"))

    def git(*words):
        told = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
        subprocess.run(told, cwd=tmp_path, check=True, capture_output=True)

    def revision(*words):
        if words:
            git(*words)
        run_facts._revision.cache_clear()
        return run_facts.versions().get("revision")

    yield revision, tmp_path
    run_facts._revision.cache_clear()


def test_a_checkout_tells_its_commit_and_changed_code(checkout):
    revision, root = checkout
    assert revision() is None  # no repository
    assert revision("init") is None  # no commit
    revision("add", ".")
    clean = revision("commit", "-m", "one")
    assert re.fullmatch("[0-9a-f]{12}", clean)
    (root / "results").mkdir()
    (root / "results" / "new.json").write_text("{}")
    assert revision("add", ".") == clean  # results are no code
    (root / "ser_lib" / "run_facts.py").write_text("# changed")
    assert revision() == f"{clean} with changes"


def test_an_installed_package_is_not_the_repository_around_it(checkout, monkeypatch):
    revision, root = checkout
    inside = root / "site-packages" / "ser_lib"
    inside.mkdir(parents=True)
    for words in (("init",), ("add", "."), ("commit", "-m", "one")):
        revision(*words)
    monkeypatch.setattr(run_facts, "__file__", str(inside / "run_facts.py"))
    assert revision() is None


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
