"""A system trained on each corpus and tested on every one."""

import json
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile

from ser_lib.cross_corpus import _command, _four, _modules, _parser, main
from ser_lib.hparams import Hparams
from ser_lib.protocols import Ledger

LETTERS = "WLEAFTN"


@pytest.fixture(scope="module")
def data(small_ravdess, tmp_path_factory):
    """A folder with a small RAVDESS and a small EMO-DB of tones, both partial."""
    root = tmp_path_factory.mktemp("data")
    (root / "RAVDESS").symlink_to(small_ravdess)
    wav = root / "EMO-DB" / "wav"
    wav.mkdir(parents=True)
    rng = np.random.default_rng(0)
    time = np.arange(8_000) / 16_000
    for speaker in ("03", "08", "09", "10", "11", "13"):
        for place, letter in enumerate(LETTERS):
            tone = np.sin(2 * np.pi * (200 + 150 * place + int(speaker)) * time)
            sound = 0.3 * tone + 0.02 * rng.standard_normal(len(time))
            soundfile.write(wav / f"{speaker}a01{letter}a.wav", sound, 16_000)
    return root


@pytest.fixture(scope="module")
def arguments(data, repository):
    yaml = repository / "tests" / "hparams" / "small.yaml"
    words = [yaml, "--corpora", "RAVDESS", "emo-db", "--data_folder", data, "--allow_partial"]
    return [*map(str, words), "--number_of_epochs", "1", "--batch_size", "8"]


@pytest.fixture(scope="module")
def folder(arguments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    assert main([*arguments, "--output_folder", str(folder)]) == 0
    return folder


def test_there_is_a_cell_for_every_pair(folder):
    matrix = json.loads((folder / "matrix.json").read_text())
    pairs = {(cell["train"], cell["test"]) for cell in matrix["cells"]}
    assert pairs == {(a, b) for a in ("RAVDESS", "EMO-DB") for b in ("RAVDESS", "EMO-DB")}
    assert all(0 <= cell["ua"] <= 1 for cell in matrix["cells"])
    assert not any(cell["heard"] for cell in matrix["cells"])
    assert "†" not in (folder / "matrix.md").read_text()
    assert matrix["classes"] == ["angry", "happy", "neutral", "sad"]
    assert (folder / "matrix.png").stat().st_size > 0


def test_the_diagonal_is_the_test_side_and_the_rest_every_clip_of_the_four(folder):
    cells = json.loads((folder / "matrix.json").read_text())["cells"]
    clips = {(cell["train"], cell["test"]): cell["clips"] for cell in cells}
    assert clips["RAVDESS", "EMO-DB"] == 6 * 4
    assert clips["EMO-DB", "RAVDESS"] == 12 * 4
    assert clips["EMO-DB", "EMO-DB"] == 4
    own = json.loads((folder / "trained-on-RAVDESS" / "metrics.json").read_text())
    assert clips["RAVDESS", "RAVDESS"] == own["clips"] == 2 * 4
    assert own["run"]["classes"] == ["angry", "happy", "neutral", "sad"]


def test_the_command_is_the_matrixs_and_holds_no_folder_of_this_machine(folder, data):
    for path in (folder / "matrix.md", folder / "trained-on-EMO-DB" / "report.md"):
        text = path.read_text()
        assert (
            "python -m ser_lib.cross_corpus tests/hparams/small.yaml --corpora RAVDESS EMO-DB"
            in text
        )
        assert str(data) not in text


def test_starting_again_finds_the_models(folder, arguments, capsys):
    assert main([*arguments, "--output_folder", str(folder)]) == 0
    assert capsys.readouterr().out.count("finished already") == 2


def test_cells_of_a_corpus_that_the_encoder_has_heard_are_marked(
    data, tiny_encoder, tmp_path, repository
):
    encoder = tiny_encoder("hubert", tmp_path / "tiny")
    config = json.loads((encoder / "config.json").read_text())
    told = json.dumps({**config, "provenance": {"corpora": ["EMO-DB"]}})
    (encoder / "config.json").write_text(told)
    words = [repository / "hparams" / "pretrained" / "frozen_encoder.yaml", "--encoder", encoder]
    words += ["--corpora", "RAVDESS", "EMO-DB", "--data_folder", data, "--number_of_epochs", "1"]
    words += ["--batch_size", "8", "--num_workers", "0", "--allow_partial"]
    words += ["--output_folder", tmp_path / "run"]
    assert main([str(word) for word in words]) == 0
    matrix = json.loads((tmp_path / "run" / "matrix.json").read_text())
    assert {cell["test"]: cell["heard"] for cell in matrix["cells"]} == {
        "RAVDESS": False,
        "EMO-DB": True,
    }
    text = (tmp_path / "run" / "matrix.md").read_text()
    assert text.count("†") == 3 and "† The pretrained encoder had heard the tested corpus" in text
    assert "The encoder `tiny@sha256:" in text and "was trained on EMO-DB (its own" in text
    assert "--encoder PATH/TO/tiny" in text and str(tmp_path) not in text


@pytest.mark.parametrize(
    ("words", "happy"), [((), 2), (("--classes", "source4"), 1), (("--classes", "all"), 2)]
)
def test_excited_turns_of_iemocap_are_happy_unless_they_are_left_out(
    iemocap_turns, words, happy, repository
):
    yaml = str(repository / "tests" / "hparams" / "small.yaml")
    line = [yaml, "--corpora", "RAVDESS", "IEMOCAP", "--data_folder", str(iemocap_turns), *words]
    options = _parser().parse_args([*line, "--allow_partial"])
    corpus = _four(_modules(options)[1], options)
    assert Counter(corpus.manifest["emotion"]) == {
        "happy": happy,
        "angry": 1,
        "neutral": 1,
        "sad": 1,
    }
    told = _command(options, Hparams(yaml, {}), [corpus])
    assert ("--classes" in told) == bool(words)


def test_a_corpus_without_a_label_map_is_told_before_anything_is_read(arguments, capsys):
    capsys.readouterr()
    words = [word for word in arguments if word != "emo-db"]
    words.insert(words.index("RAVDESS") + 1, "Merged")
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert printed.err.startswith("error: the label map knows no corpus Merged")


def test_conflicting_clips_can_be_left_out(folder, arguments, data, tmp_path, capsys):
    whole = Ledger.load(folder / "trained-on-RAVDESS" / "ledger.json")
    spoiled = next(name for name in whole.train if name[6:8] == "04")
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    sound = next((copy / "RAVDESS" / f"Actor_{whole.test[0][-2:]}").glob("03-01-03-*.flac"))
    shutil.copy(sound, next((copy / "RAVDESS").rglob(f"{spoiled}.flac")))
    line = [word if word != str(data) else str(copy) for word in arguments]
    line += ["--output_folder", str(tmp_path / "run")]
    capsys.readouterr()
    assert main(line) == 2
    assert "leave them out of training with --drop_conflicts" in capsys.readouterr().err
    assert main([*line, "--drop_conflicts"]) == 0
    left = Ledger.load(tmp_path / "run" / "trained-on-RAVDESS" / "ledger.json")
    assert {*whole.train} - {*left.train} == {spoiled} and left.test == whole.test
    for name in ("matrix.md", "trained-on-EMO-DB/report.md"):
        assert "--drop_conflicts --allow_partial" in (tmp_path / "run" / name).read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--corpora", "RAVDESS"], "name two or more"),
        (["--corpora", "RAVDESS", "RAVDESS"], "each once"),
        (["--corpora", "RAVDESS", "Ravel"], "no corpus is called 'Ravel'"),
        (["--colour", "red"], "no key 'colour'"),
        (["--classes", "source4"], "RAVDESS is read with all its classes"),
        (["--corpora", "RAVDESS", "IEMOCAP", "--classes", "four"], "one of source4, merged4, all"),
    ],
)
def test_mistakes_end_in_one_line(arguments, capsys, words, told, tmp_path):
    capsys.readouterr()
    assert main([*arguments, *words, "--output_folder", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    error = error[error.index("error: ") :]
    assert told in error and error.count("\n") == 1
