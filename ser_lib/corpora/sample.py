"""The embedded corpus: 180 synthetic clips in RAVDESS's own layout, for trying everything.

Twelve of RAVDESS's 24 actor numbers, two in each of its six usual folds; each speaks the eight
emotions at both intensities (neutral has one), 15 clips an actor. The voices come from
:mod:`ser_lib.corpora.voices`; **no human speaks in them**, and numbers measured on them say that
the code works, never how well a system recognises people. A folder written here holds
``SYNTHETIC.md``, and its manifest's corpus is ``RAVDESS-synthetic``.
"""

from ser_lib.corpora import places
from ser_lib.corpora.synthetic import MARKER, write_voices
from ser_lib.corpora.voices import STYLES, voice

__all__ = ["ACTORS", "CLIPS", "CORPUS", "MARKER", "default_folder", "voice", "write"]

CORPUS = "RAVDESS-synthetic"
#: Two actors of each fold of the six-fold protocol, a man and a woman where the fold has both.
ACTORS = (1, 20, 4, 10, 8, 9, 3, 24, 2, 15, 6, 13)


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
    return write_voices(
        folder,
        "RAVDESS",
        {f"Actor_{clip[-2:]}/{clip}.flac": _spoken(clip) for clip in clips},
        progress=progress,
    )


def _spoken(clip):
    """Arguments of :func:`voice` for a clip of RAVDESS's name."""
    _, _, emotion, intensity, statement, take, actor = clip.split("-")
    return {
        "emotion": list(STYLES)[int(emotion) - 1],
        "speaker": int(actor),
        "intensity": "strong" if intensity == "02" else "normal",
        "statement": str(int(statement)),
        "take": int(take),
    }
