"""The embedded corpus: 180 synthetic clips in RAVDESS's own layout, for trying everything.

Twelve of RAVDESS's 24 actor numbers, two in each of its six usual folds; each speaks the eight
emotions at both intensities (neutral has one), 15 clips an actor. The voices come from
:mod:`ser_lib.corpora.voices`; **no human speaks in them**, and numbers measured on them say that
the code works, never how well a system recognises people. A folder written here holds
``SYNTHETIC.md``, and its manifest's corpus is ``RAVDESS-synthetic``.
"""

import tempfile
from pathlib import Path

import numpy as np
import soundfile
from filelock import FileLock
from tqdm import tqdm

from ser_lib.corpora import places
from ser_lib.corpora.voices import SAMPLE_RATE, STYLES, voice
from ser_lib.errors import CorpusError

__all__ = ["ACTORS", "CLIPS", "CORPUS", "MARKER", "default_folder", "voice", "write"]

MARKER = "SYNTHETIC.md"
CORPUS = "RAVDESS-synthetic"
#: Two actors of each fold of the six-fold protocol, a man and a woman where the fold has both.
ACTORS = (1, 20, 4, 10, 8, 9, 3, 24, 2, 15, 6, 13)

_NOTE = """# Synthetic voices

The sound files in this folder were computed by ser_lib (`ser_lib/corpora/voices.py`). They follow
the file names of RAVDESS so that its reader and protocols can be tried without it. No human
speaks in them. A number measured on them shows that the code runs; it says nothing about how well
a system recognises the emotions of people. Do not mix them with the real corpus.
"""


def _clips():
    """Ids of all clips; the statements alternate so that none goes with an emotion."""
    ids = []
    for place, actor in enumerate(sorted(ACTORS)):
        for emotion in range(1, len(STYLES) + 1):
            for intensity in (1,) if emotion == 1 else (1, 2):
                statement = 1 + (place + emotion + intensity) % 2
                ids.append(f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-01-{actor:02d}")
    return tuple(ids)


CLIPS = _clips()


def default_folder():
    """Where the sample lives (Path): ``$SER_CACHE/corpora/sample-v1``."""
    # Raise the number whenever voices.py changes how anything sounds: an older sample on somebody's
    # disk would otherwise pass for the new one.
    return places.cache_folder() / "corpora" / "sample-v1"


def write(folder, progress=True, clips=CLIPS):
    """Write the sample corpus, about 10 s once; a finished one is left as it is.

    Arguments
    ---------
    folder : str or os.PathLike
        Will hold ``Actor_01`` ... with 48 kHz 16-bit mono FLAC files, and ``SYNTHETIC.md``.
    progress : bool
        Show a tqdm bar.
    clips : sequence of str
        RAVDESS names without suffix; all 180 by default.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CorpusError
        If the folder cannot be written, or holds something else.
    """
    folder = Path(folder)
    if (folder / MARKER).is_file():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Ranks of one job start together; one writes, the others wait and find it done.
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not (folder / MARKER).is_file():
                _write(folder, progress, clips)
    except OSError as error:
        raise CorpusError(
            f"the sample corpus cannot be written to {folder} ({error.strerror or error}); empty "
            "that folder, or set SER_CACHE to one that can be written"
        ) from error
    return folder


def _write(folder, progress, clips):
    """Write beside ``folder``, then rename, so that it is there whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".half-") as half:
        whole = Path(half) / "sample"
        for clip in tqdm(clips, desc="Synthetic voices", unit="clip", disable=not progress):
            _, _, emotion, intensity, statement, take, actor = clip.split("-")
            waveform, _ = voice(
                list(STYLES)[int(emotion) - 1],
                speaker=int(actor),
                intensity="strong" if intensity == "02" else "normal",
                statement=str(int(statement)),
                take=int(take),
            )
            path = whole / f"Actor_{actor}" / f"{clip}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = np.rint(waveform * 32767).astype(np.int16)
            soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
        (whole / MARKER).write_text(_NOTE)
        whole.rename(folder)
