"""Fixtures that several rooms share."""

import os
import signal
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

if "PYTEST_XDIST_WORKER" in os.environ:
    # Threads of several processes would wait for each other's; read when PyTorch is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # librosa's loops are compiled at first use. A process that loaded them from the cache while
    # another wrote there has crashed, so each has its own.
    numba = REPOSITORY / ".pytest_cache" / f"numba-{os.environ['PYTEST_XDIST_WORKER']}"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(numba))

# A shell starts what it puts into the background deaf to Ctrl-C, nohup what it starts to a lost
# terminal, and programs that the tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """No test reads or writes the person's own cache and shelf."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SER_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def without_figures():
    """Reports of runs in this process get no figures, which take a second or two; others do."""
    from ser_lib.evaluation import folds, report

    def draw(folder, *_):
        (folder / "figures").mkdir(exist_ok=True)
        # The model card takes this one over.
        (folder / "figures" / "confusion.png").write_bytes(b"")
        return ["confusion"]

    with pytest.MonkeyPatch.context() as patch:
        for module in (folds, report):
            patch.setattr(module, "draw", draw)
        yield


@pytest.fixture(scope="session")
def real_ravdess():
    """Folder of the real RAVDESS, from SER_REAL or ../shared/corpora; skips where absent."""
    root = Path(os.environ.get("SER_REAL", REPOSITORY.parent / "shared" / "corpora"))
    folder = root / "RAVDESS"
    if not folder.is_dir():
        pytest.skip(f"real RAVDESS is not at {folder}; set SER_REAL to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def repository():
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """Folder of a tiny checkpoint: a family's name, or ``<family>-large`` with layer norm.

    Each is written once, or into another folder where one is given.
    """
    import importlib.util

    path = REPOSITORY / "tests" / "tiny_encoders.py"
    spec = importlib.util.spec_from_file_location("tiny_encoders", path)
    tiny_encoders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny_encoders)
    shared = tmp_path_factory.mktemp("encoders")

    def find(name, folder=None, safe=True):
        place = folder or shared / f"tiny-{name}"
        return place if place.exists() else tiny_encoders.write(name, place, safe)

    return find


@pytest.fixture
def iemocap_turns(tmp_path):
    """Folder that holds IEMOCAP/ with one dialogue of six turns: ang, neu, hap, exc, sad, fru."""
    import numpy as np
    import soundfile

    name, root = "Ses01F_impro01", tmp_path / "shelf" / "IEMOCAP"
    session = root / "Session1"
    lines, rng = [], np.random.default_rng(0)
    for place, code in enumerate(("ang", "neu", "hap", "exc", "sad", "fru")):
        turn = f"{name}_{'FM'[place % 2]}{place:03d}"
        lines.append(f"[{place:.4f} - {place + 0.5:.4f}]\t{turn}\t{code}\t[2.5, 3.0, 4.0]")
        path = session / "sentences" / "wav" / name / f"{turn}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, rng.integers(-3000, 3000, 8000, dtype=np.int16), 16_000)
    for kind in ("EmoEvaluation", "transcriptions"):
        (session / "dialog" / kind).mkdir(parents=True)
    (session / "dialog" / "EmoEvaluation" / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return root.parent


@pytest.fixture
def iemocap_asked(monkeypatch):
    """Choices of classes with which IEMOCAP was prepared (list), which then ends in an error."""
    from ser_lib.corpora import iemocap
    from ser_lib.errors import CorpusError

    asked = []

    def prepare(*_, classes="source4", **__):
        asked.append(classes)
        raise CorpusError("that is enough of IEMOCAP")

    monkeypatch.setattr(iemocap, "prepare", prepare)
    return asked


EMOTIONS_OF_TESTS = 8


@pytest.fixture(scope="session")
def small_yaml():
    """YAML of a system that trains in seconds."""
    return REPOSITORY / "tests" / "hparams" / "small.yaml"


@pytest.fixture(scope="session")
def small_ravdess(tmp_path_factory):
    """Folder in RAVDESS's layout: 12 actors, 8 emotions, one 0.6-s tone in noise each.

    The pitch follows the emotion, so that a system has something to learn.
    """
    import numpy as np
    import soundfile

    folder = tmp_path_factory.mktemp("small") / "RAVDESS"
    rng = np.random.default_rng(0)
    time = np.arange(int(0.6 * 16_000)) / 16_000
    for actor in (1, 4, 8, 9, 3, 24, 2, 15, 6, 13, 10, 11):
        inside = folder / f"Actor_{actor:02d}"
        inside.mkdir(parents=True)
        for emotion in range(1, EMOTIONS_OF_TESTS + 1):
            tone = np.sin(2 * np.pi * (200 + 150 * emotion + 5 * actor) * time)
            sound = 0.3 * tone + 0.02 * rng.standard_normal(len(time))
            name = f"03-01-{emotion:02d}-01-{1 + actor % 2:02d}-01-{actor:02d}.flac"
            soundfile.write(inside / name, sound, 16_000)
    return folder
