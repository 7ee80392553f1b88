"""Folders of computed voices in the layout of a real corpus, to try everything without it.

**No human speaks in them**, and numbers measured on them say that the code works, never how well
a system recognises people. Such a folder holds ``SYNTHETIC.md``, and its manifest's corpus ends in
``-synthetic``.
"""

import tempfile
from pathlib import Path

import numpy as np
import soundfile
from filelock import FileLock
from tqdm import tqdm

from ser_lib.audio import resample
from ser_lib.corpora.voices import SAMPLE_RATE, voice
from ser_lib.errors import CorpusError

MARKER = "SYNTHETIC.md"

_NOTE = """# Synthetic voices

The sound files in this folder were computed by ser_lib (`ser_lib/corpora/voices.py`). They follow
the file names of {name} so that its reader and protocols can be tried without it. No human
speaks in them. A number measured on them shows that the code runs; it says nothing about how well
a system recognises the emotions of people. Do not mix them with the real corpus.
"""


def is_marked(folder):
    """Whether a corpus folder (Path) holds synthetic voices."""
    return (folder / MARKER).is_file()


def write_voices(folder, name, clips, sample_rate=SAMPLE_RATE, texts=None, progress=True):
    """Write a folder of voices; a finished one is left as it is.

    Arguments
    ---------
    folder : str or os.PathLike
        Appears whole or not at all.
    name : str
        Corpus whose layout it follows, for the note.
    clips : dict
        Path inside the folder (its suffix names the format, 16 bit mono) to the arguments of
        :func:`ser_lib.corpora.voices.voice`, or to a function without arguments that returns
        float32 samples at 48 kHz.
    sample_rate : int
        Hz of the files.
    texts : dict, optional
        Path inside the folder to the text of other files.
    progress : bool
        Show a tqdm bar.

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
    if is_marked(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Ranks of one job start together; one writes, the others wait and find it done.
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not is_marked(folder):
                _write(folder, name, clips, sample_rate, texts or {}, progress)
    except OSError as error:
        raise CorpusError(
            f"the sample corpus cannot be written to {folder} ({error.strerror or error}); empty "
            "that folder, or set SER_CACHE to one that can be written"
        ) from error
    return folder


def _write(folder, name, clips, sample_rate, texts, progress):
    """Write beside ``folder``, then rename, so that it is there whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".half-") as half:
        whole = Path(half) / "sample"
        whole.mkdir()
        bar = tqdm(clips.items(), desc="Synthetic voices", unit="clip", disable=not progress)
        for inside, spoken in bar:
            waveform = spoken() if callable(spoken) else voice(**spoken)[0]
            samples = np.rint(resample(waveform, SAMPLE_RATE, sample_rate) * 32767)
            path = whole / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = samples.clip(-32768, 32767).astype(np.int16)
            soundfile.write(path, samples, sample_rate, subtype="PCM_16")
        for inside, text in texts.items():
            path = whole / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (whole / MARKER).write_text(_NOTE.format(name=name), encoding="utf-8")
        whole.rename(folder)
