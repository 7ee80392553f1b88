"""The README's commands for trained models do what it says, word for word."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from ser_lib.corpora import ravdess, sample
from ser_lib.recipe import main


def example(repository, name):
    """Lines of the block behind ``<!-- example: name -->``."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    return re.search(rf"<!-- example: {name} -->\n\n```sh\n(.+?)```", text, re.DOTALL).group(1)


@pytest.fixture(scope="module")
def desk(tmp_path_factory, small_ravdess, small_yaml):
    """A folder with what the examples name: two runs, a clip, recordings, an interview."""
    folder = tmp_path_factory.mktemp("desk")
    for name, seed in (("one", "1"), ("other", "2")):
        words = [str(small_yaml), "--data_folder", str(small_ravdess), "--allow_partial"]
        words += ["--output_folder", str(folder / "runs" / "..." / name), "--seed", seed]
        assert main(ravdess, [*words, "--number_of_epochs", "1"]) == 0
    shutil.copytree(folder / "runs/.../one/model", folder / "runs/.../model")
    (folder / "recordings").mkdir()
    for place, emotion in (("clip", "calm"), ("recordings/a", "sad"), ("recordings/b", "angry")):
        samples, rate = sample.voice(emotion, seconds=1.0)
        soundfile.write(folder / f"{place}.wav", samples, rate)
    samples, rate = sample.voice("happy", seconds=8.0)
    soundfile.write(folder / "interview.wav", samples, rate)
    return folder


def run(desk, repository, block):
    python = Path(sys.executable).parent
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    environment["PATH"] = f"{python}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=desk,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_predict(desk, repository):
    told = run(desk, repository, example(repository, "predict"))
    assert "recordings/a.wav" in told and "clip.wav" in told
    assert len((desk / "emotions.csv").read_text().splitlines()) == 3
    assert list((desk / "pictures").glob("*.png"))


def test_evaluate_and_compare(desk, repository):
    told = run(desk, repository, example(repository, "evaluate"))
    assert "UA" in told


def test_export(desk, repository):
    pytest.importorskip("onnxruntime")
    run(desk, repository, example(repository, "export"))
    assert (desk / "emotion.onnx").stat().st_size > 1000
