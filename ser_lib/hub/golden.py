"""A sound and the answer to it, beside every model: does this folder still say what it said?

A classifier whose head was initialised anew, or whose front end has changed with a library, loads
without an error and answers noise. Two seconds of a synthetic voice and the logits that the model
gave for it, when it was saved, tell such a folder from a sound one at the price of one clip.
"""

import json

import numpy as np
import soundfile
import torch

from ser_lib.corpora.sample import voice
from ser_lib.errors import ModelFolderError

SOUND, ANSWER = "golden.flac", "golden.json"
_SECONDS = 2.0
# Rounding differs between machines and devices; probabilities of another head are far off.
_TOLERANCE = 0.01


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

    A folder without a golden sound, such as one of another library, passes.

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
        return
    try:
        answer = json.loads((folder / ANSWER).read_text(encoding="utf-8"))["logits"]
        then = torch.tensor(answer, dtype=torch.float32).flatten()
        now = _logits(model, extractor, folder)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
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


@torch.no_grad()
def _logits(model, extractor, folder):
    """Logits ``(classes,)`` of the sound in a folder."""
    samples, rate = soundfile.read(folder / SOUND, dtype="float32")
    if rate != extractor.sampling_rate:
        raise ValueError(f"the golden sound has {rate} Hz, the model {extractor.sampling_rate}")
    made = extractor(samples, sampling_rate=rate, return_tensors="pt")
    return model(**made).logits[0].float()
