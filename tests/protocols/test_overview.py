"""The table of all protocols, printed and inside a README."""

import sys

import pytest

from ser_lib.protocols import PROTOCOLS, overview
from ser_lib.protocols.__main__ import main

README = "# Title\n\n<!-- protocols:begin -->\nstale\n<!-- protocols:end -->\n\nrest | kept\n"


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(README)
    return path


@pytest.fixture
def readers(official, monkeypatch):
    """Stand-ins for the readers of two corpora."""

    def reader(corpus):
        class Reader:
            @staticmethod
            def prepare(data_folder=None, allow_partial=False):
                assert data_folder == f"/data/{corpus}"
                keep = (
                    (lambda row: row if row["speaker"] != "JK" else None) if allow_partial else None
                )
                return official(corpus, keep)

        return Reader

    monkeypatch.setitem(sys.modules, "ser_lib.corpora.savee", reader("SAVEE"))
    monkeypatch.setitem(sys.modules, "ser_lib.corpora.emodb", reader("EMO-DB"))


def table(capsys, *arguments):
    """Cells of the printed table by the protocol's name, after looking at its shape."""
    assert main(["table", *arguments]) == 0
    head, rule, *lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in (head, *lines)]
    assert {len(row) for row in rows} == {6} and set(rule) <= set("| :-")
    assert tuple(rows[0]) == overview.HEADERS
    return {row[0].strip("`"): row for row in rows[1:]}


def test_every_protocol_has_one_row(capsys):
    rows = table(capsys)
    assert len(rows) == len(PROTOCOLS) and set(rows) == set(PROTOCOLS)
    assert rows["emodb-loso10"][1:3] == ["EMO-DB", "10"]


def test_rows_are_sorted_by_corpus_and_what_hears_nobody_comes_first():
    rows = overview.rows()
    corpora = [row[1] for row in rows]
    assert corpora == sorted(corpora, key=lambda name: (name == "Merged", name))
    for corpus in set(corpora):
        apart = [row[4] == "not kept apart" for row in rows if row[1] == corpus]
        assert apart == sorted(apart)


def test_without_a_corpus_it_tells_the_promises(capsys):
    rows = table(capsys)
    assert rows["ravdess-si6"][4] == "none"
    assert rows["ravdess-19-5"][4] == "none (train and validation share theirs)"
    assert rows["merged-random"][4] == "not kept apart"


def test_with_a_corpus_it_measures(readers, capsys):
    rows = table(capsys, "--data_folder", "SAVEE=/data/SAVEE", "EMO-DB=/data/EMO-DB")
    assert rows["savee-loso4"][4] == "0 of 4" and rows["savee-random"][4] == "4 of 4"
    assert rows["emodb-loso10"][4] == "0 of 10" and rows["emodb-emobox5"][4] == "10 of 10"
    assert rows["tess-loso2"][4] == "none (train and validation share theirs)"


def test_folds_that_a_part_does_not_allow_are_told(readers, capsys):
    rows = table(capsys, "--data_folder", "SAVEE=/data/SAVEE", "--allow_partial")
    assert rows["savee-loso4"][4] == "0 of 3 in 3 of 4 folds"


def test_what_cannot_be_cut_says_why(official):
    one = official("SAVEE", lambda row: row if row["speaker"] == "DC" else None)
    assert overview.measured(PROTOCOLS["savee-loso4"], one).startswith("cannot be cut: fold 4 of ")


def test_synthetic_is_called_synthetic(official):
    manifest = official("SAVEE", lambda row: {**row, "corpus": "SAVEE-synthetic"})
    assert overview.measured(PROTOCOLS["savee-random"], manifest) == "4 of 4 (synthetic)"


@pytest.mark.parametrize("given", ["/data/SAVEE", "SAVE=/data", "SAVEE="])
def test_folders_are_given_with_their_corpus(capsys, given):
    assert main(["table", "--data_folder", given]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"{given} is not CORPUS=FOLDER" in error and "Merged" in error


def test_a_readme_is_rewritten_between_its_markers(readme, capsys):
    assert main(["table", str(readme), "--check"]) == 1
    assert "is out of date" in capsys.readouterr().err and readme.read_text() == README
    assert main(["table", str(readme)]) == 0
    assert f"written, {len(PROTOCOLS)} protocols" in capsys.readouterr().out
    text = readme.read_text()
    assert text.startswith("# Title\n\n<!-- protocols:begin -->\n\n| protocol |")
    assert text.endswith(" |\n\n<!-- protocols:end -->\n\nrest | kept\n") and "stale" not in text
    assert all(f"| `{name}` |" in text for name in PROTOCOLS)


def test_a_fresh_table_agrees_with_itself_and_an_edited_one_does_not(readme, capsys):
    main(["table", str(readme)])
    assert main(["table", str(readme), "--check"]) == 0
    assert "up to date" in capsys.readouterr().out
    readme.write_text(readme.read_text().replace("| none |", "| all |", 1))
    assert main(["table", str(readme), "--check"]) == 1


def test_a_readme_without_markers(tmp_path, capsys):
    path = tmp_path / "README.md"
    path.write_text("# Title\n")
    assert main(["table", str(path)]) == 2
    error = capsys.readouterr().err
    assert "<!-- protocols:begin -->" in error and error.count("\n") == 1
