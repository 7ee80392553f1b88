"""Tables in the repository are those that its results give."""

import pytest

from ser_lib.evaluation import tables


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
