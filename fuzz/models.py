"""Targets that load: a model folder with one file of whatever bytes, and an archive."""

import functools
import json
import shutil
import tempfile
from pathlib import Path

import torch

from ser_lib.features.mfcc_means import MFCCMeans
from ser_lib.hub.folder import read_model
from ser_lib.hub.saving import save_model
from ser_lib.models.perceptron import Perceptron
from ser_lib.models.waveform_classifier import WaveformClassifier

LABELS = ["angry", "happy", "sad"]


def small_model(folder):
    """Save a tiny untrained classifier; returns its folder (Path)."""
    torch.manual_seed(0)
    front_end = MFCCMeans(8000, n_mfcc=6, n_fft=256, hop_length=128)
    head = Perceptron(len(LABELS), front_end.shape, (4,))
    return save_model(WaveformClassifier(front_end, None, head), folder, LABELS, {})


@functools.cache
def _folder():
    return small_model(Path(tempfile.mkdtemp(prefix="ser-fuzz-")) / "model")


def _examples(name):
    data = (_folder() / name).read_bytes()
    if name.endswith(".json"):
        data = json.dumps(json.loads(data)).encode()
    return [data]


def _load_with(name, data):
    folder = Path(tempfile.mkdtemp(prefix="ser-fuzz-"))
    try:
        for path in _folder().iterdir():
            if path.suffix != ".py":
                shutil.copy(path, folder / path.name)
        (folder / name).write_bytes(data)
        model, _ = read_model(folder)
        if not all(torch.isfinite(p).all() for p in model.parameters()):
            raise ArithmeticError("a weight is not finite")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def target(name):
    """``(function of bytes, function that gives examples)`` for one file of a model folder."""
    return functools.partial(_load_with, name), functools.partial(_examples, name)


def archive_examples():
    """A small archive, stored and deflated."""
    import io
    import zipfile

    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as made:
            made.writestr("Actor_01/a.wav", b"sound" * 20)
            made.writestr("readme.txt", "words")
        found.append(file.getvalue())
    return found


def archive(data):
    """Unpack bytes; nothing may appear beside the folder."""
    from ser_lib.corpora.unpack import extract_zip

    place = Path(tempfile.mkdtemp(prefix="ser-fuzz-"))
    try:
        (place / "a.zip").write_bytes(data)
        (place / "in").mkdir()
        try:
            extract_zip(place / "a.zip", place / "in" / "corpus")
        finally:
            beside = [path.name for path in (place / "in").iterdir() if path.name != "corpus"]
            outside = sorted(path.name for path in place.iterdir()) != ["a.zip", "in"]
            if beside or outside:
                raise RuntimeError(f"files beside the folder: {beside}")
    finally:
        shutil.rmtree(place, ignore_errors=True)
