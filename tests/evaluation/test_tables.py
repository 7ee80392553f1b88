import json
import subprocess
import sys

import pytest

from ser_lib.errors import RunError
from ser_lib.evaluation import report
from ser_lib.evaluation.folds import aggregate
from ser_lib.evaluation.report import write_report
from ser_lib.evaluation.tables import main, refresh, results_table

README = "# Results\n\n<!-- results:begin -->\nold\n<!-- results:end -->\n\nThe end.\n"


@pytest.fixture
def runs(predictions, run_facts, tmp_path, monkeypatch):
    """A folder with two runs; gives the folder and a function that adds another."""
    monkeypatch.setattr(report, "draw", lambda *_: [])
    folder = tmp_path / "results"

    def add(name, seed=0, **facts):
        frame = predictions(
            seed=seed, corpus=facts.get("corpus", "RAVDESS"), fold=facts.get("fold", 1)
        )
        return write_report(folder / name, run_facts(frame, **facts), frame), frame

    add("b", 1, system="resnet", epochs_run=9, epochs_asked=50, stopped_early=True)
    add("a", 0)
    return folder, add


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(README)
    return path


def rows(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")][2:]


def test_a_row_says_what_its_json_says(runs):
    folder, _ = runs
    text = results_table(folder.rglob("metrics.json"))
    first, second = rows(text)
    assert [first[0], second[0]] == ["cnn_transformer", "resnet"]
    metrics = json.loads((folder / "a" / "metrics.json").read_text())["metrics"]
    ua = metrics["ua"]
    assert first[5] == f"{100 * ua['value']:.1f} [{100 * ua['low']:.1f}–{100 * ua['high']:.1f}]"
    assert first[7] == f"{100 * metrics['macro_f1']['value']:.1f}"
    # 3 of 3 asked for, but the YAML says 120.
    assert first[1:5] == ["ravdess-si6", "1 of 6", "3", "3 of 120, cut short"]
    assert first[8:] == ["0 of 4", "48", "254,464", "20.6", "2 CPU cores"]
    assert second[4] == "9 of 50, stopped early"
    assert "seed 3, ledger `ab12ab12ab12`\n" in text
    assert text.count("torch") == text.count("All rows: torch 2.11.0") == 1
    metrics = json.loads((folder / "b" / "metrics.json").read_text())
    metrics["run"]["versions"]["torch"] = "2.12.0"
    (folder / "b" / "metrics.json").write_text(json.dumps(metrics))
    text = results_table(folder.rglob("metrics.json"))
    assert "`, torch 2.11.0" in text and "`, torch 2.12.0" in text
    assert "All rows: ser-lib 0.1.0.\n" in text


def test_part_of_a_corpus_is_marked(runs):
    folder, add = runs
    metrics = add(
        "part", command="python recipes/Merged/train.py hparams/none.yaml --allow_partial"
    )
    assert metrics
    text = results_table([folder / "part" / "metrics.json"])
    assert rows(text)[0][5].endswith("] §") and "§ Part of the corpus only" in text
    assert "§" not in results_table([folder / "a" / "metrics.json"])


def test_synthetic_and_cut_runs_are_marked(runs):
    folder, add = runs
    facts = {"corpus": "RAVDESS-synthetic", "synthetic": True, "epochs_asked": 60}
    add("s", **facts)
    (row,) = rows(results_table([folder / "s" / "metrics.json"]))
    assert row[0] == "cnn_transformer (**synthetic voices**)" and row[4] == "3 of 120, cut short"


@pytest.mark.parametrize(
    ("yaml", "given", "told"),
    [
        ("final_ensemble", " --number_of_epochs 10", "10, cut short"),
        ("final_ensemble", " --number_of_epochs 1000", "–"),
        ("final_ensemble", "", "–"),
        ("acoustic_vote", " --number_of_epochs 10", "–"),
        ("decision_tree", " --number_of_epochs 10", "–"),
    ],
)
def test_an_ensemble_is_cut_short_with_its_members(runs, yaml, given, told):
    folder, add = runs
    none = dict.fromkeys(("epochs_run", "epochs_asked", "best_epoch"))
    command = f"python recipes/RAVDESS/train.py hparams/{yaml}.yaml --fold 1{given}"
    add("e", system=yaml, command=command, **none)
    (row,) = rows(results_table([folder / "e" / "metrics.json"]))
    assert row[4] == told


def test_an_encoder_that_has_heard_the_test_is_marked(runs, encoder):
    folder, add = runs
    plain = results_table(folder.rglob("metrics.json"))
    assert "†" not in plain and "encoder" not in plain
    add("a", encoder=encoder())
    text = results_table(folder.rglob("metrics.json"))
    assert "†" not in text
    assert "encoder `facebook/hubert-base-ls960@abc123` (heard before: LibriSpeech)\n" in text
    add("a", encoder=encoder(corpora=["RAVDESS"], shared=["RAVDESS"]))
    text = results_table(folder.rglob("metrics.json"))
    first, second = rows(text)
    assert first[5].endswith("] †") and "†" not in "".join(first[:5] + first[6:] + second)
    note = text.index("† The pretrained encoder had heard the tested corpus before")
    assert text.index("resnet") < note < text.index("<details>")
    add("a", encoder=encoder(corpora=None))
    assert "(heard before: not known)" in results_table(folder.rglob("metrics.json"))
    add("a", encoder=encoder(corpora=[]))
    assert "(heard before: no speech)" in results_table(folder.rglob("metrics.json"))


def test_an_encoder_without_its_corpora_is_refused(runs):
    folder, _ = runs
    path = folder / "a" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["run"]["encoder"] = {"encoder": "x/y@1"}
    path.write_text(json.dumps(metrics))
    with pytest.raises(RunError, match="a value is missing"):
        results_table([path])


def test_a_row_over_all_folds_stands_for_its_folds(runs, classes):
    folder, add = runs
    parts = [
        add(f"fold{k}", k, fold=k, ledger_sha256=str(k) * 64, epochs_run=3, stopped_early=k == 1)
        for k in (1, 2)
    ]
    whole = aggregate([m for m, _ in parts], [f for _, f in parts], classes)
    (folder / "all").mkdir()
    (folder / "all" / "metrics.json").write_text(json.dumps(whole))
    found = rows(results_table(folder.rglob("metrics.json")))
    assert [row[2] for row in found] == ["1 and 2 of 6", "1 of 6", "1 of 6"]


def test_a_fold_of_other_settings_is_no_part_of_all_folds(runs, classes):
    folder, add = runs
    train = "python recipes/RAVDESS/train.py hparams/a.yaml --fold"
    parts = [add(f"part-{n}", fold=n, command=f"{train} {n}") for n in (1, 2)]
    for name, more in (("other", "--lr 0.5"), ("here", "--data_folder PATH/TO/X")):
        add(name, command=f"{train} 1 {more}")
    (folder / "all").mkdir()
    whole = aggregate([m for m, _ in parts], [f for _, f in parts], classes)
    (folder / "all" / "metrics.json").write_text(json.dumps(whole))
    text = results_table(
        folder / name / "metrics.json" for name in ("part-1", "other", "here", "all")
    )
    assert [row[2] for row in rows(text)] == ["1 and 2 of 6", "1 of 6"]


def test_refresh_replaces_only_between_the_markers(readme):
    assert refresh(readme, "results", "| new |")
    text = readme.read_text()
    assert text.startswith("# Results\n") and text.endswith("\n\nThe end.\n")
    assert "| new |" in text and "old" not in text
    assert not refresh(readme, "results", "| new |")
    assert refresh(readme, "results", "| newer |", check=True) and readme.read_text() == text


def test_refresh_keeps_windows_line_ends(readme):
    readme.write_bytes(README.replace("\n", "\r\n").encode())
    refresh(readme, "results", "a\nb")
    content = readme.read_bytes()
    assert b"a\r\nb" in content and content.count(b"\n") == content.count(b"\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "no marker",
        "<!-- results:begin -->",
        "<!-- results:end --> <!-- results:begin -->",
        README + README,
    ],
)
def test_a_readme_without_the_markers_is_refused(readme, text):
    readme.write_text(text)
    with pytest.raises(RunError, match="needs the lines <!-- results:begin -->"):
        refresh(readme, "results", "x")
    assert readme.read_text() == text


def test_the_command_writes_then_checks(runs, readme, capsys):
    folder, add = runs
    command = [str(readme), "--results", str(folder)]
    assert main([*command, "--check"]) == 1 and readme.read_text() == README
    assert "-old" in capsys.readouterr().err
    assert main(command) == 0 and len(rows(readme.read_text())) == 2
    assert main([*command, "--check"]) == 0
    readme.write_text(readme.read_text().replace("resnet | ravdess", "resnet50 | ravdess"))
    assert main([*command, "--check"]) == 1
    assert main(command) == 0
    add("c", 5, system="tree")
    assert main([*command, "--check"]) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a report's metrics.json"),
        ('{"run": {"fold": 1}, "metrics": {}, "clips": 3}', "is not a report's metrics.json"),
        (None, "no metrics.json below it"),
    ],
)
def test_errors_are_one_line(tmp_path, readme, capsys, content, words):
    folder = tmp_path / "runs"
    folder.mkdir()
    if content is not None:
        (folder / "metrics.json").write_text(content)
    assert main([str(readme), "--results", str(folder)]) == 2
    line = capsys.readouterr().err
    assert words in line and line.count("\n") == 1 and readme.read_text() == README


def test_a_json_with_a_missing_value_is_named(runs, tmp_path):
    folder, _ = runs
    path = folder / "a" / "metrics.json"
    metrics = json.loads(path.read_text())
    del metrics["metrics"]["wa"]
    path.write_text(json.dumps(metrics))
    with pytest.raises(RunError, match="a value is missing or of another kind"):
        results_table([path])
    with pytest.raises(RunError, match="run a recipe first"):
        results_table([])


def test_help_helps():
    found = subprocess.run(
        [sys.executable, "-m", "ser_lib.evaluation.tables", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0
    for word in ("README", "--results", "--check", "results:begin"):
        assert word in found.stdout
