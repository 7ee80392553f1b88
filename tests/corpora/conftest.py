import contextlib
import zlib

import numpy as np
import pytest
import soundfile


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test reads or writes the person's own cache and shelf."""
    monkeypatch.setenv("SER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SER_DATA", raising=False)


@pytest.fixture
def write_clip():
    """Write 0.1 s of noise that depends on the file's stem only."""

    def write(path, channels=1):
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
        samples = rng.integers(-3000, 3000, (800, channels), dtype=np.int16)
        soundfile.write(path, samples, 8000, subtype="PCM_16")
        return path

    return write


@pytest.fixture
def untouched():
    """``with untouched(folder):`` lets nobody write there, and sees that nobody, root too, did."""

    def state(folder):
        paths = [folder, *folder.rglob("*")]
        stats = {path: path.lstat() for path in paths}
        # The time of a folder tells of files that were there for a while only.
        return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}

    @contextlib.contextmanager
    def watch(folder):
        before = state(folder)
        folders = [path for path in before if path.is_dir()]
        for path in folders:
            path.chmod(0o555)
        try:
            yield
        finally:
            for path in folders:
                path.chmod(0o755)
        assert state(folder) == before

    return watch


@pytest.fixture
def tiny(tmp_path, write_clip):
    """A RAVDESS folder of five short clips by two actors."""
    root = tmp_path / "RAVDESS"
    for name in (
        "03-01-01-01-01-01-01",
        "03-01-05-02-02-01-01",
        "03-01-02-01-01-02-12",
        "03-01-08-01-02-02-12",
    ):
        write_clip(root / f"Actor_{name[-2:]}" / f"{name}.wav")
    write_clip(root / "Actor_12" / "03-01-03-02-01-01-12.flac")
    return root
