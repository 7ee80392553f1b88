import json
import shutil
import subprocess
import sys

import pytest

from ser_lib.sweep.drop_figure import drop_figure, shows
from ser_lib.sweep.drops import drops
from ser_lib.sweep.measured import measure, read_kept
from ser_lib.sweep.published import read_published
from ser_lib.sweep.tables import main

RECIPE = "# RAVDESS\n\n<!-- results:begin -->\n<!-- results:end -->\n"


@pytest.fixture
def tables(tmp_path, capsys):
    """``tables(*more)`` runs the command; returns exit code, the page and stderr."""
    recipe = tmp_path / "recipes" / "RAVDESS" / "README.md"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(RECIPE)

    def run(*more):
        capsys.readouterr()
        code = main(["--results", str(tmp_path / "results"), *more])
        path = tmp_path / "results" / "README.md"
        return code, path.read_text() if path.is_file() else "", capsys.readouterr().err

    return run


def row(page, system):
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{system}` |")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_the_page_is_written_checked_and_the_same_to_the_byte(tables, keep, published, tmp_path):
    keep()
    keep("separable_cnn", protocol="ravdess-random", skill=0.9)
    published({}, {"system": "cnn_transformer", "value": 96.78, "differs": "no copies"})
    code, page, err = tables("--check")
    assert code == 1 and not page and "README.md" in err and "drop.png" in err
    assert (tmp_path / "recipes/RAVDESS/README.md").read_text() == RECIPE
    code, page, _ = tables()
    assert code == 0 and tables("--check")[0] == 0
    assert "| mfcc_cnn | ravdess-si6 |" in (tmp_path / "recipes/RAVDESS/README.md").read_text()
    (tmp_path / "results" / "README.md").unlink()
    assert tables()[1] == page
    shutil.copytree(tmp_path / "results", tmp_path / "copy" / "results")
    assert main(["--results", str(tmp_path / "copy" / "results"), "--check"]) == 0


@pytest.mark.parametrize("name", ["results/README.md", "recipes/RAVDESS/README.md"])
def test_a_number_changed_by_hand_is_found(tables, keep, published, tmp_path, name):
    keep()
    published({})
    page = tables()[1]
    wa = page.partition("WA ")[2][:4]
    path = tmp_path / name
    path.write_text(path.read_text().replace("mfcc_cnn", "mfcc_cnm", 2))
    code, _, err = tables("--check")
    assert code == 1 and name in err and wa
    assert tables()[0] == 0 and tables("--check")[0] == 0 and tables()[1] == page


def test_a_new_run_makes_page_and_figure_stale(tables, keep, published, tmp_path):
    keep()
    published({})
    tables()
    keep("separable_cnn")
    code, _, err = tables("--check")
    assert code == 1 and "README.md" in err and "drop.png" in err
    (tmp_path / "results" / "drop.png").write_bytes(b"no picture")
    assert tables()[0] == 0 and (tmp_path / "results" / "drop.png").read_bytes()[1:4] == b"PNG"


def test_a_row_tells_all_of_a_system(tables, keep, published, tmp_path):
    keep(fold=[1, 2, 3, 4, 5, 6])
    told = {"RAVDESS/mfcc_cnn": {"ms": 2.5, "hardware": "a core"}}
    (tmp_path / "results" / "latency.json").write_text(json.dumps(told))
    keep(
        protocol="ravdess-random",
        skill=0.9,
        more=" --number_of_epochs 30",
        epochs_asked=30,
        epochs_run=30,
    )
    published({"differs": "it is not the same clips"})
    page = tables()[1]
    cells = row(page, "mfcc_cnn")
    assert cells[1] == "254,464"
    assert cells[2] == (
        "[90](https://example.org/paper) WA<br>a random tenth of the clips, 144 test clips"
    )
    assert cells[3].startswith("WA ") and "] ‡°<br>UA " in cells[3]
    assert cells[3].endswith(", its one split, 1 seed, 30 of 100 epochs")
    link = "[`ravdess-random`](#run-ravdess-ravdess-random-mfcc_cnn)"
    assert f"<br>≈ {link}, " in cells[3]
    assert page.count('<a id="run-ravdess-ravdess-random-mfcc_cnn"></a>mfcc_cnn on') == 1
    assert "‡" not in cells[4] and "°" not in cells[4]
    assert cells[4].endswith(", all 6 folds, 1 seed, 100 epochs")
    assert " to " in cells[5] and " to " in cells[6] and cells[9] == "2.5"
    assert cells[10] == f"{6 * 1234.5 / 60:.1f}" and cells[11] == "2 CPU cores"
    assert "- ≈ `mfcc_cnn`, `ravdess-random`: it is not the same clips." in page
    assert (
        "`python recipes/RAVDESS/train.py hparams/mfcc_cnn.yaml --protocol ravdess-si6 --fold all`"
        in page
    )


def test_absent_systems_say_so(tables, keep, published):
    keep()
    published(
        {"system": "cnn_transformer", "parameters": 395176},
        {"system": "issa_ravdess", "value": None, "reason": "nobody measured it"},
        {"system": "lora", "corpus": None, "value": None, "ours": None, "reason": "no emotions"},
    )
    page = tables()[1]
    cells = row(page, "cnn_transformer")
    assert cells[1] == "395,176" and cells[3:5] == ["not yet measured"] * 2
    assert set(cells[5:]) == {"–"}
    assert row(page, "issa_ravdess")[2] == "–"
    assert "`issa_ravdess`: no number of its own was published: nobody measured it." in page
    assert "- `lora`: not yet measured; nothing published (no emotions)" in page
    assert row(page, "mfcc_cnn")[2] == "–"


def test_part_of_a_corpus_and_synthetic_voices_are_marked(tables, keep, published):
    keep(more=" --allow_partial")
    keep("separable_cnn", corpus="RAVDESS-synthetic", synthetic=True)
    published({})
    page = tables()[1]
    assert "§°<br>" in row(page, "mfcc_cnn")[4]
    assert "## RAVDESS-synthetic (**synthetic voices**)" in page


def test_neighbours_stand_in_a_table(tables, keep, published):
    published({})
    keep(packed=False)
    assert "No two systems have kept predictions of one test yet." in tables()[1]
    keep("separable_cnn", skill=0.95)
    keep("acoustic_dnn", skill=0.2)
    page = tables()[1]
    (line,) = [x for x in page.splitlines() if x.startswith("| `ravdess-si6` |")]
    assert "| `separable_cnn` | `acoustic_dnn` | +" in line and line.endswith(
        "| yes | 1 | 48 | 4 |"
    )
    keep("acoustic_lstm", fold=2, skill=0.05)
    page = tables()[1]
    assert "on the same clips:\n\n- `ravdess-si6`: `acoustic_lstm` and `mfcc_cnn`\n" in page


def test_the_figure_knows_what_it_shows(keep, published, tmp_path):
    keep()
    keep("separable_cnn", "emodb-loso10", corpus="EMO-DB", more=" --allow_partial")
    entries = read_published(
        published({}, {"system": "cnn_transformer"}, {"system": "x", "metric": "ua"})
    )
    rows = drops(measure(read_kept(tmp_path / "results")), entries)
    path = drop_figure(rows, tmp_path / "drop.png")
    assert shows(rows, path) and not shows(rows[1:], path)
    assert not shows(rows, tmp_path / "none.png")


def test_a_readme_with_the_markers_gets_figure_and_paragraph(tables, keep, published, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n")
    for system, skill in (("mfcc_cnn", 0.2), ("issa_ravdess", 0.5)):
        keep(system, skill=skill)
        keep(system, "ravdess-random", skill=0.95, more=" --allow_partial" * (skill == 0.2))
    keep("acoustic_dnn", fold=[1, 2, 3, 4, 5, 6], skill=0.5)
    keep("acoustic_dnn", "ravdess-random5", fold=[1, 2, 3, 4, 5], skill=0.95)
    keep("separable_cnn", skill=0.8)
    keep("separable_cnn", "ravdess-19-5", skill=0.85)
    published(
        {},
        {"system": "issa_ravdess"},
        {"system": "acoustic_dnn", "ours": "ravdess-random5"},
        {"system": "separable_cnn", "ours": "ravdess-19-5"},
        {"system": "absent"},
    )
    tables()
    assert readme.read_text() == "# Title\n"
    readme.write_text("# Title\n<!-- drop:begin -->\n<!-- drop:end -->\nThe end.\n")
    code, _, err = tables("--check")
    assert code == 1 and str(readme) in err
    page = tables()[1]
    text = readme.read_text()
    assert "(results/drop.png)" in text and text.endswith("<!-- drop:end -->\nThe end.\n")
    told = [line for line in text.splitlines() if line.startswith("- ")]
    sound, most, apart, counted = told
    assert sound.startswith("- `acoustic_dnn`, RAVDESS: 90 % published, ")
    assert sound.endswith("on new speakers (`ravdess-si6`).")
    assert most.startswith("- `mfcc_cnn`, RAVDESS: 90 % published, ")
    assert most.endswith("(`ravdess-si6`; part of the corpus; fewer than 8 test speakers).")
    assert apart.startswith("- `separable_cnn`, RAVDESS: 90 % published with test speakers apart, ")
    assert "issa_ravdess" not in text
    assert counted.startswith("- Of 3 pairs of system and corpus measured ")
    score = row(page, "mfcc_cnn")[4].removeprefix("WA ").partition(" ")[0]
    assert f" **{score} %** [" in text and tables("--check")[0] == 0


def test_before_the_first_run_there_is_a_page_and_no_figure(tables, published, tmp_path):
    published({})
    code, page = tables()[:2]
    assert code == 0 and "nothing was measured yet" in page
    assert not (tmp_path / "results" / "drop.png").exists()


def test_errors_are_one_line(tables, keep, published, tmp_path):
    keep()
    code, _, err = tables()
    assert code == 2 and "published.yaml: cannot be read" in err and err.count("\n") == 1
    published({})
    (tmp_path / "recipes/RAVDESS/README.md").write_text("no markers")
    code, _, err = tables()
    assert code == 2 and "needs the lines <!-- results:begin -->" in err


def test_help_needs_no_heavy_library():
    line = "import sys; from ser_lib.sweep.tables import main\ntry: main(['--help'])\n"
    line += "finally: print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, check=False
    )
    assert "--check" in found.stdout and found.stdout.rstrip().endswith("False")


def test_far_below_a_published_number_the_page_says_why_or_that_it_is_open(tables, keep, published):
    keep(protocol="ravdess-random", skill=0.3)
    published({"value": 99})
    assert "below the published number. Why is not yet found out." in tables()[1]
    published({"value": 99, "found": "The source tested on its training clips."})
    assert "below the published number. The source tested on its training clips." in tables()[1]
    # Under another protocol than the published one a gap is what is to be shown.
    published({"value": 99, "ours": "ravdess-19-5"})
    assert "below the published number" not in tables()[1]
    published({"value": 1})
    assert "below the published number" not in tables()[1]


def test_what_an_encoder_had_heard_stands_under_the_table(tables, keep, published):
    told = {"encoder": "me/mine@1", "corpora": ["RAVDESS", "TESS"], "source": "its card"}
    for protocol, fold in (("ravdess-si6", [1, 2]), ("ravdess-random", 1)):
        for system in ("frozen-mine", "tuned-mine"):
            keep(system, protocol, fold, encoder={**told, "shared": ["RAVDESS"]})
    keep()
    published({})
    notes = [line for line in tables()[1].splitlines() if "The encoder `me/mine" in line]
    (note,) = notes
    begin = "- `frozen-mine` and `tuned-mine`: The encoder `me/mine@1` was trained on RAVDESS and"
    assert note.startswith(begin)
    assert "**The encoder has heard RAVDESS, which is tested here" in note
