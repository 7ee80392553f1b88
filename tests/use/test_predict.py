import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from ser_lib.use import predict, stream
from ser_lib.use.output import plain

RATE = 8000
LABELS = ["angry", "happy", "sad"]


@pytest.fixture
def sounds(tmp_path, noise):
    """Folder with clips of five lengths, formats and rates, and what is no clip."""
    folder = tmp_path / "sounds"
    (folder / "b" / ".hidden").mkdir(parents=True)
    soundfile.write(folder / "a.wav", noise(1.5), RATE)
    soundfile.write(folder / "b" / "c.FLAC", noise(0.4), 11_025, format="FLAC")
    soundfile.write(folder / "b" / "d.ogg", noise(2.0), 16_000)
    soundfile.write(folder / "b" / "e.mp3", noise(0.9), RATE)
    soundfile.write(folder / "b.wav", noise(0.7), RATE)
    for name in ("._a.wav", ".a.wav", "notes.txt", "b/.hidden/a.wav"):
        (folder / name).write_bytes(b"no sound")
    return folder


def told(capsys, *arguments, code=0):
    """Rows (list of dict) and standard error of a CSV run."""
    assert predict.main([*map(str, arguments), "--format", "csv"]) == code
    out, err = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(out))), err


def test_rows_are_the_models_answers_in_order(model_folder, classify, sounds, capsys):
    rows, err = told(capsys, model_folder, sounds, "--batch_size", 2)
    names = ["a.wav", "b/c.FLAC", "b/d.ogg", "b/e.mp3", "b.wav"]
    assert [row["file"] for row in rows] == [str(sounds / name) for name in names]
    for row in rows:
        best = classify(row["file"])[0]
        assert row["label"] == best["label"]
        assert float(row["probability"]) == pytest.approx(best["score"], abs=1e-5)
    assert [float(row["seconds"]) for row in rows][:2] == [1.5, pytest.approx(3200 / 11_025, 1e-3)]
    assert err == ""


@pytest.mark.parametrize(("clips", "seconds"), [(1, 240), (3, 240), (64, 0.5), (64, 240)])
def test_the_buffer_does_not_matter(model_folder, sounds, capsys, monkeypatch, clips, seconds):
    expected = told(capsys, model_folder, sounds)[0]
    monkeypatch.setattr(stream, "_BUFFER_CLIPS", clips)
    monkeypatch.setattr(stream, "_BUFFER_SECONDS", seconds)
    monkeypatch.setattr(stream, "_AHEAD", 2)
    rows = told(capsys, model_folder, sounds)[0]
    for row, other in zip(rows, expected, strict=True):
        assert row | {"probability": 0} == other | {"probability": 0}
        assert float(row["probability"]) == pytest.approx(float(other["probability"]), abs=1e-5)


def test_no_more_is_decoded_than_the_buffer_holds(classify, sounds, monkeypatch):
    started = []
    decode = stream._decode

    def watched(*arguments):
        started.append(arguments)
        return decode(*arguments)

    monkeypatch.setattr(stream, "_decode", watched)
    monkeypatch.setattr(stream, "_BUFFER_CLIPS", 4)
    heard = stream.hear(classify, [str(sounds / "a.wav")] * 200)
    next(heard)
    assert len(started) <= 4 + stream._AHEAD
    heard.close()
    assert len(started) <= 4 + stream._AHEAD


def test_table_and_json_lines(model_folder, sounds, capsys):
    assert predict.main([str(model_folder), str(sounds), "--top_k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = ["file", "label", "probability", "seconds", "label_2", "probability_2"]
    assert lines[0].split() == head and len(lines) == 6
    starts = [min(line.index(label) for label in LABELS if label in line) for line in lines[1:]]
    assert set(starts) == {lines[0].index("label")}
    output = ["--format", "jsonl", "--top_k", "9"]
    assert predict.main([str(model_folder), str(sounds), *output]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {rows[0][key] for key in ("label", "label_2", "label_3")} == set(LABELS)
    keys = ("probability", "probability_2", "probability_3")
    assert sum(rows[0][key] for key in keys) == pytest.approx(1)
    assert rows[0]["probability"] >= rows[0]["probability_2"] >= rows[0]["probability_3"]


def test_unsure(model_folder, sounds, capsys):
    assert {row["label"] for row in told(capsys, model_folder, sounds)[0]} <= set(LABELS)
    rows = told(capsys, model_folder, sounds, "--min_confidence", 1)[0]
    assert {row["label"] for row in rows} == {"(unsure)"}
    assert all(0 < float(row["probability"]) < 1 for row in rows)


def test_bad_input_is_listed_and_the_rest_is_answered(model_folder, tmp_path, noise, capsys):
    """One of each kind that the docstring of the module tells of."""
    soundfile.write(tmp_path / "10ms.wav", noise(0.01), RATE)
    soundfile.write(tmp_path / "channels.wav", np.stack([noise(1.0)] * 8, axis=1), 48_000)
    odd = noise(1.0)
    odd[-5] = np.nan
    soundfile.write(tmp_path / "nan.wav", odd, RATE, subtype="FLOAT")
    (tmp_path / "picture.wav").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "phone.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0")
    (tmp_path / "notes.txt").write_text("not named like a sound")
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    soundfile.write(tmp_path / "telephone.wav", noise(1.0), RATE, subtype="ULAW")
    gone = tmp_path / "gone.wav"
    rows, err = told(capsys, model_folder, tmp_path, gone, code=3)
    assert [row["file"].rpartition("/")[2] for row in rows] == [
        "channels.wav",
        "silence.wav",
        "telephone.wav",
    ]
    assert all(0 < float(row["probability"]) <= 1 for row in rows)
    lines = err.splitlines()
    for name, reason in {
        "10ms": "too short",
        "nan": "NaN",
        "picture": "not a sound file",
        "empty": "empty",
        "gone": "no such file",
    }.items():
        assert sum(f"{name}.wav" in line and reason in line for line in lines) == 1
    assert sum("phone.m4a" in line for line in lines) == 1
    assert lines[-1] == "3 of 9 sounds could be used"


def test_a_path_that_vanishes_on_the_way(model_folder, sounds, capsys, monkeypatch):
    decode = stream._decode

    def late(classify, file, over_time):
        if file.endswith("b.wav"):
            (sounds / "b.wav").unlink()
        return decode(classify, file, over_time)

    monkeypatch.setattr(stream, "_decode", late)
    rows, err = told(capsys, model_folder, sounds, code=3)
    assert len(rows) == 4 and "b.wav: no such file" in err


def test_an_address_or_a_pipe_is_told_beside_the_answers(model_folder, sounds, capsys):
    url = "http://127.0.0.1:9/a.wav"
    read, write = os.pipe()
    try:
        pipe = f"/dev/fd/{read}"
        rows, err = told(capsys, model_folder, sounds / "a.wav", url, pipe, "x" * 300, code=3)
    finally:
        os.close(read)
        os.close(write)
    assert [row["file"] for row in rows] == [str(sounds / "a.wav")]
    lines = err.splitlines()
    assert lines[0] == f"error: {url}: addresses are not fetched; download it and give the file"
    assert lines[1].startswith(f"error: {pipe} is a pipe") and " - " in lines[1].replace(",", " ")
    assert "too long" in lines[2] and lines[3] == "1 of 4 sounds could be used"


def test_an_empty_name_is_told(model_folder, sounds, capsys):
    rows, err = told(capsys, model_folder, sounds / "a.wav", "", code=2)
    assert not rows and err.count("\n") == 1 and "a name among the sounds is empty" in err


def test_nothing_usable(model_folder, tmp_path, capsys):
    (tmp_path / "none").mkdir()
    rows, err = told(capsys, model_folder, tmp_path / "none", code=2)
    assert not rows and "holds no sound" in err and err.count("\n") == 1
    rows, err = told(capsys, model_folder, tmp_path / "no.wav", code=3)
    assert not rows and err.endswith("none of 1 sounds could be used\n")


def test_long_recordings_go_by_windows(model_folder, classify, tmp_path, noise, capsys):
    soundfile.write(tmp_path / "long.wav", noise(31), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", noise(5), RATE, subtype="FLOAT")
    figures = tmp_path / "figures"
    rows, err = told(capsys, model_folder, tmp_path, "--hop", 3, "--figure_folder", figures)
    windows = [
        classify((noise(31)[round(start * RATE) : round((start + 3) * RATE)], RATE))
        for start in [*range(0, 28, 3), 28]
    ]
    mean = {
        label: np.mean([next(s["score"] for s in w if s["label"] == label) for w in windows])
        for label in LABELS
    }
    assert rows[0]["label"] == max(mean, key=mean.get)
    assert float(rows[0]["probability"]) == pytest.approx(max(mean.values()), abs=1e-5)
    assert float(rows[0]["seconds"]) == 31 and "1 recording is over 30 s" in err
    alone = classify(tmp_path / "short.wav")[0]
    assert float(rows[1]["probability"]) == pytest.approx(alone["score"], abs=1e-5)
    assert [path.name for path in figures.iterdir()] == ["long.png"]


def test_timeline(model_folder, tmp_path, noise, capsys):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "a.wav", noise(5.5), RATE)
    options = ["--timeline", "--window", 2, "--hop", 2, "--figure_folder", tmp_path / "figures"]
    rows, _ = told(capsys, model_folder, tmp_path / "one", tmp_path / "two", *options)
    assert [(float(row["start"]), float(row["end"])) for row in rows] == 2 * [
        (0, 2),
        (2, 4),
        (3.5, 5.5),
    ]
    assert {row["label"] for row in rows} <= set(LABELS)
    pictures = sorted((tmp_path / "figures").iterdir())
    assert [path.name for path in pictures] == ["a-2.png", "a.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_a_folder_that_takes_no_pictures_is_refused_before_an_answer(
    model_folder, tmp_path, noise, capsys
):
    soundfile.write(tmp_path / "a.wav", noise(1.0), RATE)
    for folder in (tmp_path / "a.wav", tmp_path / "a.wav" / "x", "/proc/x"):
        words = [tmp_path / "a.wav", "--timeline", "--figure_folder", folder]
        rows, err = told(capsys, model_folder, *words, code=2)
        assert not rows and err.count("\n") == 1
        assert f"{folder}: cannot be written" in err and "--figure_folder" in err


def test_without_a_picture_no_folder_is_left(model_folder, tmp_path, noise, capsys):
    soundfile.write(tmp_path / "a.wav", noise(1.0), RATE)
    words = [tmp_path / "a.wav", "--figure_folder", tmp_path / "new" / "pictures"]
    assert "there is no picture" in told(capsys, model_folder, *words)[1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_names_that_would_do_harm(model_folder, tmp_path, noise, capsys, monkeypatch):
    names = ["=1+1.wav", "-a.wav", "@b.wav", "a\x1b[31m\n.wav", "a\u202egpj.wav", "größe.wav"]
    for name in names:
        soundfile.write(tmp_path / name, noise(0.3), RATE)
    (tmp_path / "@b.wav").rename(tmp_path / os.fsdecode(b"b\xff.wav"))
    monkeypatch.chdir(tmp_path)
    rows, _ = told(capsys, model_folder, "=1+1.wav", ".")
    assert "'=1+1.wav" in [row["file"] for row in rows] and len(rows) == 6
    assert not any(row["file"].startswith(("=", "-", "+", "@")) for row in rows)
    assert predict.main([str(model_folder), "."]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 7
    assert "\x1b" not in out and "\u202e" not in out and "\\u202e" in out and "größe" in out
    assert plain("a\tb\udcff") == "a\\tb\\udcff"


def test_standard_input(model_folder, classify, sounds, capsys, monkeypatch):
    content = io.BytesIO((sounds / "a.wav").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    rows, _ = told(capsys, model_folder, "-")
    # The dash would begin a formula.
    assert rows[0]["file"] == "'-"
    assert rows[0]["label"] == classify(sounds / "a.wav")[0]["label"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert "standard input" in told(capsys, model_folder, "-", code=3)[1]


def test_output_file(model_folder, sounds, tmp_path, capsys):
    target = tmp_path / "rows.csv"
    rows, err = told(capsys, model_folder, sounds, "--output", target)
    assert not rows and "rows.csv" in err
    assert len(target.read_text(encoding="utf-8").splitlines()) == 6
    err = told(capsys, model_folder, sounds, "--output", tmp_path / "no" / "rows.csv", code=2)[1]
    assert "cannot be written" in err and err.count("\n") == 1


@pytest.mark.parametrize("way", ["name", "other name", "link", "hard link", "folder", "-"])
def test_an_output_that_is_a_sound_to_read_is_left_alone(
    model_folder, sounds, tmp_path, capsys, monkeypatch, way
):
    victim, source, target = sounds / "a.wav", sounds / "a.wav", sounds / "a.wav"
    content = victim.read_bytes()
    if way == "other name":
        target = sounds / "b" / ".." / "a.wav"
    elif way in ("link", "hard link"):
        target = tmp_path / "elsewhere.csv"
        (os.symlink if way == "link" else os.link)(victim, target)
    elif way == "folder":
        source = sounds
    with victim.open("rb") as stdin:
        if way == "-":
            source = "-"
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
        err = told(capsys, model_folder, source, "--output", target, code=2)[1]
    assert err.count("\n") == 1 and "--output" in err and "is a sound to read" in err
    assert victim.read_bytes() == content


def test_an_output_in_a_folder_of_sounds_that_is_none_is_replaced(model_folder, sounds, capsys):
    target = sounds / "notes.txt"
    told(capsys, model_folder, sounds, "--output", target)
    assert len(target.read_text(encoding="utf-8").splitlines()) == 6
    # Nothing is lost where rows go to a device that is also read.
    err = told(capsys, model_folder, "/dev/null", "--output", "/dev/null", code=3)[1]
    assert "is a sound to read" not in err


@pytest.mark.parametrize(
    "options",
    [
        ["--batch_size", "0"],
        ["--top_k", "0"],
        ["--min_confidence", "1.5"],
        ["--window", "nan"],
        ["--hop", "5"],
        ["--window", "x"],
        ["--format", "xml"],
        ["--no_such", "1"],
    ],
)
def test_options_out_of_range(model_folder, sounds, capsys, options):
    assert predict.main([str(model_folder), str(sounds), *options]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and err.count("\n") == 1 and options[0][2:] in err


def test_no_such_model(sounds, tmp_path, capsys):
    assert predict.main([str(tmp_path / "none"), str(sounds)]) == 2
    assert "no such model folder" in capsys.readouterr().err


def test_run_folder_stands_for_its_model(model_folder, sounds, capsys):
    assert model_folder.name == "model"
    rows = told(capsys, model_folder.parent, sounds / "a.wav")[0]
    assert rows[0]["label"] == told(capsys, model_folder, sounds / "a.wav")[0][0]["label"]


PROGRAM = """
import sys, time
from ser_lib.use import predict, stream
hear = stream.hear
def slow(*arguments, **options):
    for count, heard in enumerate(hear(*arguments, **options)):
        yield heard
        if count == 1:
            print("now", file=sys.stderr, flush=True)
            time.sleep(60)
stream.hear = slow
sys.exit(predict.main(sys.argv[1:]))
"""


def start(repository, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )


def test_ctrl_c_keeps_what_is_printed(repository, model_folder, sounds):
    process = start(repository, model_folder, sounds, "--format", "csv")
    assert process.stderr.readline() == "now\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(out.splitlines()) == 3
    assert "interrupted" in err and "Traceback" not in err


def test_reader_that_has_heard_enough(repository, model_folder, sounds):
    process = start(repository, model_folder, sounds / "a.wav", "--format", "csv")
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=60) == 0
    assert "Traceback" not in err and "error" not in err
