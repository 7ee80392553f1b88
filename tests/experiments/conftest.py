"""Running the RAVDESS recipe on small systems of every kind."""

import shutil

import pytest

from ser_lib.corpora import ravdess
from ser_lib.recipe import main


@pytest.fixture(scope="module")
def run(repository, small_ravdess, tmp_path_factory):
    """``run(yaml, *more)`` trains ``tests/hparams/<yaml>.yaml`` and returns the run's folder."""

    def start(yaml, *more, folder=None):
        folder = folder or tmp_path_factory.mktemp(yaml)
        path = repository / "tests" / "hparams" / f"{yaml}.yaml"
        line = [path, "--data_folder", small_ravdess, "--output_folder", folder, *more]
        assert main(ravdess, [*map(str, line), "--allow_partial"]) == 0
        return folder

    return start


@pytest.fixture
def refused(repository, small_ravdess, tmp_path, capsys):
    """``refused(yaml, old, new)`` runs a YAML with a text replaced; returns the line it ends in."""

    def start(yaml, old, new, *more):
        source = repository / "tests" / "hparams"
        for path in source.glob("*.yaml"):
            (tmp_path / path.name).write_text(path.read_text())
        spoiled = tmp_path / f"{yaml}.yaml"
        assert old in spoiled.read_text()
        spoiled.write_text(spoiled.read_text().replace(old, new))
        line = [spoiled, "--data_folder", small_ravdess, "--output_folder", tmp_path / "run", *more]
        capsys.readouterr()
        assert main(ravdess, [*map(str, line), "--allow_partial"]) == 2
        out, err = capsys.readouterr()
        error = err[err.index("error: ") :]
        assert error.count("\n") == 1, err
        assert "epoch" not in out and "fitting" not in out
        return error

    return start


@pytest.fixture
def lacking(repository, small_ravdess, tmp_path):
    """``lacking(*codes)`` trains a small system without clips of these emotions; its exit code."""

    def start(*codes, run="run", keep=(), yaml="small_tree"):
        data = tmp_path / f"{run}-data"
        shutil.copytree(small_ravdess, data)
        for clip in data.rglob("*.flac"):
            if clip.stem[6:8] in codes and clip.stem[-2:] not in keep:
                clip.unlink()
        path = repository / "tests" / "hparams" / f"{yaml}.yaml"
        line = [path, "--data_folder", data, "--output_folder", tmp_path / run, "--allow_partial"]
        return main(ravdess, [str(word) for word in line])

    return start
