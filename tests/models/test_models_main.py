"""The list of systems."""

import subprocess
import sys

import pytest

from ser_lib.models import __main__ as listing
from ser_lib.models.__main__ import main


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE", str(tmp_path / "cache"))


def test_lists_every_system_with_its_size(capsys, repository):
    assert main([]) == 0
    *lines, empty, encoders = capsys.readouterr().out.splitlines()
    systems = sorted(path.stem for path in (repository / "hparams").glob("*.yaml"))
    assert not empty and encoders.startswith("hparams/pretrained/ (emobox, ")
    assert [line.split()[0] for line in lines] == ["system", *systems]
    row = next(line for line in lines if line.startswith("cnn_transformer"))
    assert "395,176" in row and "128 x 563" in row and "log_mel" in row


def test_a_kept_list_is_the_same_and_needs_no_heavy_library(capsys, repository):
    assert main([]) == 0
    told = capsys.readouterr().out
    program = (
        "import sys\nfrom ser_lib.models.__main__ import main\nmain([])\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'speechbrain', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == told


def test_a_list_is_made_anew_for_other_classes_other_files_or_a_damaged_copy(
    capsys, monkeypatch, tmp_path
):
    made = []
    monkeypatch.setattr(
        listing, "_rows", lambda n: made.append(n) or [("a", "b", "c", "d", "e", "f")]
    )
    assert main([]) == 0 and main([]) == 0 and made == [8]
    assert main(["--classes", "4"]) == 0 and made == [8, 4]
    monkeypatch.setattr(listing, "version", lambda name: "0.0")
    assert main([]) == 0 and made == [8, 4, 8]
    for path in (tmp_path / "cache" / "systems").iterdir():
        path.write_text("[")
    assert main([]) == 0 and made == [8, 4, 8, 8]
    assert capsys.readouterr().err == ""


def test_a_list_that_cannot_be_kept_is_printed_all_the_same(capsys, monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setattr(listing, "_rows", lambda n: [tuple("abcdef")])
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == [*"abcdef"]


@pytest.mark.parametrize("classes", ["1", "-3", "many"])
def test_a_number_of_classes_that_cannot_be_is_refused_in_one_line(capsys, classes):
    assert main([f"--classes={classes}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: argument --classes: ") and error.count("\n") == 1


def test_away_from_a_checkout_it_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "_ROOT", tmp_path)
    assert main([]) == 2
    assert "run this in the checkout" in capsys.readouterr().err
