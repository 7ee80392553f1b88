"""Tables in the repository are those that its results give."""

import functools
import importlib
import json

import pytest

from ser_lib.evaluation import tables
from ser_lib.protocols import lookup, split


def test_recipe_tables_are_up_to_date(repository, capsys):
    results = repository / "results"
    metrics = (path.relative_to(results) for path in results.rglob("metrics.json"))
    found = sorted({results / path.parts[0] for path in metrics})
    if not found:
        pytest.fail("there are no results in the repository")
    for folder in found:
        readme = repository / "recipes" / folder.name / "README.md"
        code = tables.main([str(readme), "--results", str(folder), "--check"])
        assert code == 0, capsys.readouterr().out


def test_the_table_of_protocols_in_the_readme_is_that_of_the_code(repository, capsys):
    from ser_lib.protocols.__main__ import main

    assert main(["table", str(repository / "README.md"), "--check"]) == 0, capsys.readouterr().out


def test_the_page_of_all_results_and_its_figure_are_up_to_date(capsys):
    from ser_lib.sweep.tables import main

    assert main(["--check"]) == 0, capsys.readouterr().err


@pytest.fixture(scope="module")
def prepared(real_ravdess, tmp_path_factory):
    """``prepared(module, corpora)``: the real manifest of these corpora; skips where one lacks."""

    @functools.cache
    def prepare(module, corpora):
        shelf = tmp_path_factory.mktemp("shelf")
        for name in corpora:
            if not (real_ravdess.parent / name).is_dir():
                pytest.skip(f"real {name} is not in {real_ravdess.parent}")
            (shelf / name).symlink_to(real_ravdess.parent / name)
        reader = importlib.import_module(f"ser_lib.corpora.{module}")
        folder = shelf if len(corpora) > 1 else shelf / corpora[0]
        return reader.prepare(folder, allow_partial=True, progress=False)

    return prepare


def _ledgers(path):
    """What a results file says of its ledgers: its run, and fold, seed and hash of each."""
    metrics = json.loads(path.read_text(encoding="utf-8"))
    rows = metrics.get("folds", {}).get("per_fold") or [metrics["run"]]
    return metrics["run"], [(row["fold"], row["seed"], row["ledger_sha256"]) for row in rows]


@pytest.mark.real
@pytest.mark.parametrize("corpus", ["RAVDESS", "EMO-DB", "Merged"])
def test_results_name_ledgers_that_the_corpora_give_again(repository, prepared, corpus):
    paths = sorted((repository / "results" / corpus).rglob("metrics.json"))
    assert paths
    cut, told = functools.cache(split_again), set()
    for path in paths:
        run, ledgers = _ledgers(path)
        corpora = tuple(run.get("corpora") or [run["corpus"]])
        manifest = prepared(lookup(run["protocol"]).corpus_module, corpora)
        if corpus == "Merged" and len(manifest) != sum(run["sizes"].values()):
            pytest.skip(f"{path} is of other parts of {', '.join(corpora)} than are here")
        drop = "--drop_conflicts" in run["command"]
        for fold, seed, sha256 in ledgers:
            found = cut(prepared, run["protocol"], corpora, fold, seed, drop)
            assert found == sha256, (path, fold)
            told.add((run["protocol"], fold))
    assert len(told) >= {"RAVDESS": 8, "EMO-DB": 11, "Merged": 1}[corpus]


def split_again(prepared, protocol, corpora, fold, seed, drop):
    """Hash of a ledger cut anew; equal rows of many systems are cut once."""
    manifest = prepared(lookup(protocol).corpus_module, corpora)
    return split(manifest, protocol, fold, seed, drop).sha256
