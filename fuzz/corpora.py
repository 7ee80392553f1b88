"""Targets that read corpora: file names of each, label files, transcripts, tables, ledgers."""

import functools
import io
import logging
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from ser_lib.corpora import cache, cremad, emodb, iemocap, iemocap_labels, ravdess, savee, tess
from ser_lib.corpora.iemocap_transcripts import read_transcripts
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.protocols.clips import Clip
from ser_lib.protocols.ledger import Ledger

# Where names of clips stand in each corpus, and some good ones, apart by newlines.
NAMES = {
    "RAVDESS": (ravdess, b"Actor_01/03-01-05-02-01-02-01.wav\nActor_02/03-01-01-01-02-01-02.flac"),
    "EMO-DB": (emodb, b"wav/03a01Fa.wav\nwav/16b10Wb.wav\nwav/11a02Nc.wav"),
    "SAVEE": (savee, b"AudioData/DC/a01.wav\nAudioData/KL/sa15.wav\nJK_n30.wav"),
    "TESS": (tess, b"OAF_angry/OAF_back_angry.wav\nYAF_ps/YAF_bar_ps.wav\nOA_bite_neutral.wav"),
    "CREMA-D": (cremad, b"AudioWAV/1001_DFA_ANG_XX.wav\nAudioWAV/1091_IEO_SAD_LO.wav"),
}
LINES = (
    b"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    b"[0.0000 - 0.0400]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n"
    b"C-E2:\tNeutral;\t()\nA-F1:\tval 3; act 2; dom  2;\t()\n"
    b"[0.0100 - 0.0500]\tSes01F_impro01_M000\tang\t[2.5, 3, nan]\n"
)
SAID = (
    b"Ses01F_impro01_F000 [000.0000-000.0400]: Excuse me.\nSes01F_impro01_M000 [1-2]: \xe9 5:30.\n"
    b"M: Yeah.\n"
)
_ROOM = 64


def names(corpus, data):
    """Prepare a folder whose files have the names that the bytes tell, one a line."""
    module, _ = NAMES[corpus]
    with _folder() as place:
        for line in data.split(b"\n")[:_ROOM]:
            path = _inside(place, line)
            if path is not None:
                with _quiet():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(_clip())
        rows = _prepared(module, place)
        known = set(module.EMOTIONS)
        if not set(rows["emotion"]) <= known:
            raise ArithmeticError(f"emotions {set(rows['emotion']) - known}")


def labels(data):
    """Read an EmoEvaluation file of IEMOCAP, and the stretches it names."""
    with _folder() as place:
        _write(place / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt", data)
        _write(place / "Session1/dialog/wav/Ses01F_impro01.wav", _clip())
        _write(place / "Session1/dialog/transcriptions/Ses01F_impro01.txt", SAID)
        iemocap_labels.read_turns(place)
        _prepared(iemocap, place)


def transcripts(data):
    """Read a transcription file of IEMOCAP."""
    with _folder() as place:
        _write(place / "a.txt", data)
        read_transcripts([place / "a.txt"])


def table(data):
    """Read a predictions.csv."""
    with _folder() as place:
        _write(place / "predictions.csv", data)
        read_predictions(place / "predictions.csv")


def ledger(data):
    """Read a ledger.json."""
    with _folder() as place:
        _write(place / "ledger.json", data)
        Ledger.load(place / "ledger.json").checks()


def table_examples():
    """A table of two clips."""
    return [
        b"id,speaker,gender,intensity,statement,corpus,emotion,predicted,fold,correct,p_a,p_b\n"
        b'x,01,male,,1,RAVDESS,a,a,1,True,0.75,0.25\ny,02,,,"\'=1",RAVDESS,b,a,1,False,0.5,0.5\n'
    ]


def ledger_examples():
    """A ledger of a made-up corpus."""
    sides = {side: [f"{side}-{n}" for n in (1, 2)] for side in ("train", "validation", "test")}
    clips = {
        name: Clip(name, "RAVDESS", name, "male", "calm", "1", name.encode().hex())
        for ids in sides.values()
        for name in ids
    }
    told = {"protocol": "ravdess-si6", "description": "d", "source": "s", "promises": {}}
    made = Ledger(**told, fold=1, folds=6, seed=0, corpus="RAVDESS", clips=clips, **sides)
    return [made.dumps().encode()]


class _folder:
    """A folder for the length of a ``with``, with no cache of manifests and no log."""

    def __enter__(self):
        logging.disable(logging.CRITICAL)
        self.kept, cache.cached = cache.cached, lambda key, make: make()
        self.place = Path(tempfile.mkdtemp(prefix="ser-fuzz-"))
        return self.place

    def __exit__(self, *_):
        cache.cached = self.kept
        logging.disable(logging.NOTSET)
        shutil.rmtree(self.place, ignore_errors=True)


class _quiet:
    """Names that no file system takes are left out."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return isinstance(error, (OSError, ValueError))


def _inside(place, line):
    """Path of a name inside a folder, or None where it would lie outside."""
    path = os.path.normpath(os.path.join(os.fsencode(place), line.lstrip(b"/")))  # noqa: PTH118
    if b"\0" in line or not path.startswith(os.fsencode(place) + b"/"):
        return None
    return Path(os.fsdecode(path))


def _prepared(module, place):
    # A partial corpus is warned of and read all the same.
    return module.prepare(place, allow_partial=True, progress=False)


def _write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@functools.cache
def _clip():
    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(800)) / 3, 16000, format="WAV")
    return file.getvalue()
