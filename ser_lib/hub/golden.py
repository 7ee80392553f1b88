"""A sound and the answer to it, beside every model: does this folder still say what it said?

A classifier whose head was initialised anew, or whose front end has changed with a library, loads
without an error and answers noise. Two seconds of a synthetic voice and the logits that the model
gave for it, when it was saved, tell such a folder from a sound one at the price of one clip. A
folder without them is asked for any answer at all, so that what cannot work says so at once.
"""

import json

import numpy as np
import soundfile
import torch

from ser_lib.corpora.sample import voice
from ser_lib.errors import ModelFolderError
from ser_lib.hub.budget import Budget

SOUND, ANSWER = "golden.flac", "golden.json"
_SECONDS = 2.0
# Rounding differs between machines and devices; probabilities of another head are far off.
_TOLERANCE = 0.01
# What one operation may take for two seconds of sound; Whisper's largest takes a third of it.
_MOST_BYTES, _MOST_OPERATIONS = 512 << 20, 50_000
_LONGEST_JSON = 1 << 20
# What files that do not go together run a network into.
_TROUBLE = (
    *(OSError, ValueError, LookupError, TypeError, RuntimeError, AttributeError, ArithmeticError),
    *(AssertionError, MemoryError),
)


def write_golden(model, extractor, folder):
    """Write the sound and the model's answer into its folder.

    Arguments
    ---------
    model : PreTrainedModel
        Classifier in evaluation mode, on the CPU.
    extractor : SequenceFeatureExtractor
        Its ``sampling_rate`` is that of the sound (Hz).
    folder : Path
        Model folder; exists.
    """
    rate = extractor.sampling_rate
    samples, own = voice("happy", seconds=_SECONDS)
    # Every so many-th sample: what it sounds like does not matter, that it is the same does.
    places = (np.arange(int(_SECONDS * rate)) * own / rate).astype(int)
    soundfile.write(folder / SOUND, samples[places[places < len(samples)]], rate, subtype="PCM_16")
    answer = {"logits": _logits(model, extractor, folder).tolist()}
    (folder / ANSWER).write_text(json.dumps(answer) + "\n", encoding="utf-8")


def check_golden(model, extractor, folder):
    """Raise ModelFolderError where a model answers otherwise than when it was saved.

    A folder without a golden sound, such as one of another library, passes if the model gives a
    finite answer to noise. Two seconds that would take gigabytes are refused too.

    Arguments
    ---------
    model : PreTrainedModel
        Classifier in evaluation mode, on the CPU.
    extractor : SequenceFeatureExtractor
        As loaded from the folder.
    folder : Path
        Model folder.
    """
    if not (folder / ANSWER).is_file() or not (folder / SOUND).is_file():
        _check_any(model, extractor, folder)
        return
    try:
        with (folder / ANSWER).open(encoding="utf-8") as file:
            answer = json.loads(file.read(_LONGEST_JSON))["logits"]
        then = torch.tensor(answer, dtype=torch.float32).flatten()
        now = _logits(model, extractor, folder)
    except ModelFolderError as error:
        raise ModelFolderError(f"{folder}: {error}") from error
    except _TROUBLE as error:
        raise ModelFolderError(
            f"{folder / ANSWER} cannot be checked ({type(error).__name__}); copy the folder again"
        ) from error
    if then.shape != now.shape:
        raise ModelFolderError(
            f"{folder / ANSWER} holds {len(then)} logits, the model gives {len(now)}; the files "
            "are not of one model"
        )
    off = (then.softmax(dim=0) - now.softmax(dim=0)).abs().max().item()
    if not off <= _TOLERANCE:
        raise ModelFolderError(
            f"{folder}: the model answers otherwise than when it was saved (a probability is off "
            f"by {off:.2f}): its weights or its front end have changed; copy or download it again, "
            "or use the versions in its README.md"
        )


def _check_any(model, extractor, folder):
    """Raise ModelFolderError where a model has no finite answer to a second of noise."""
    rate = extractor.sampling_rate
    noise = 0.1 * np.random.default_rng(0).standard_normal(rate, dtype=np.float32)
    try:
        found = _answer(model, extractor, noise, rate)
    except ModelFolderError as error:
        raise ModelFolderError(f"{folder}: {error}") from error
    except _TROUBLE as error:
        raise ModelFolderError(
            f"{folder}: the model fails on a second of sound ({type(error).__name__}); its files "
            "do not go together, copy or download them again"
        ) from error
    if not torch.isfinite(found).all():
        raise ModelFolderError(
            f"{folder}: the model's answer to a second of sound is not finite; copy or download it "
            "again"
        )


def _logits(model, extractor, folder):
    """Logits ``(classes,)`` of the sound in a folder."""
    with soundfile.SoundFile(folder / SOUND) as sound:
        rate = sound.samplerate
        if rate != extractor.sampling_rate:
            raise ValueError(f"the golden sound has {rate} Hz, the model {extractor.sampling_rate}")
        if sound.channels != 1 or not 1 <= sound.frames <= rate * _SECONDS:
            raise ValueError(f"the golden sound is no {_SECONDS:g} s of one channel")
        samples = sound.read(dtype="float32")
    return _answer(model, extractor, samples, rate)


@torch.no_grad()
def _answer(model, extractor, samples, rate):
    """Logits ``(classes,)`` of some samples."""
    made = extractor(samples, sampling_rate=rate, return_tensors="pt")
    with Budget(_MOST_BYTES, operations=_MOST_OPERATIONS, told="takes too long over a second"):
        return model(**made).logits[0].float()
