import runpy

import datasets
import pytest


@pytest.fixture
def main(repository):
    return runpy.run_path(str(repository / "recipes" / "RAVDESS" / "prepare.py"))["main"]


def test_counts_are_printed_and_the_manifest_saved(main, tiny, tmp_path, capsys):
    output = tmp_path / "out"
    code = main(["--data_folder", str(tiny), "--allow_partial", "--output", str(output)])
    printed = capsys.readouterr().out
    assert code == 0
    assert "RAVDESS: 5 clips" in printed and "SYNTHETIC" not in printed
    assert "calm 1" in printed and "male 2" in printed and "12 3" in printed
    assert len(datasets.load_from_disk(str(output))) == 5


def test_synthetic_is_called_synthetic(main, tiny, capsys):
    (tiny / "SYNTHETIC.md").touch()
    assert main(["--data_folder", str(tiny)]) == 0
    assert "SYNTHETIC" in capsys.readouterr().out


def test_errors_are_one_line_and_code_2(main, tiny, capsys):
    assert main(["--data_folder", str(tiny)]) == 2
    captured = capsys.readouterr()
    last = captured.err.strip().splitlines()[-1]
    assert last.startswith("error: ") and "--allow_partial" in last
    assert captured.out == ""


def test_help_names_the_ways_to_give_a_folder(main, capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    printed = capsys.readouterr().out
    assert left.value.code == 0
    for word in ("Actor_01", "sample", "SER_DATA", "--allow_partial", "--output"):
        assert word in printed
