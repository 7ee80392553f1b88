"""A classifier for any sound: files, bytes, arrays, stereo, any rate, with no ffmpeg."""

from collections.abc import Iterable

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import AudioClassificationPipeline

from ser_lib.errors import AudioError
from ser_lib.features.encoder_families import shortest
from ser_lib.hub.folder import read_model
from ser_lib.hub.model_folder import model_of
from ser_lib.hub.sound import to_waveform

_OPTIONS = {
    *("token", "top_k", "function_to_apply", "sampling_rate", "batch_size", "num_workers"),
}


def load(source, device=None, revision=None, **kwargs):
    """Load a classifier from a model folder or the Hub.

    ::

        classify = ser_lib.load("runs/.../model")
        classify("clip.wav")  # [{"score": 0.93, "label": "happy"}, ...]

    A folder is read without any network. From the Hub come safetensors and JSON, never code.

    Arguments
    ---------
    source : str or os.PathLike
        Model folder, run folder, or Hub id such as ``"person/model"``; ours, or any audio
        classifier whose architecture Transformers has.
    device : str, int or torch.device, optional
        Where to run; the first accelerator by default, or the CPU where there is none.
    revision : str, optional
        Branch, tag or commit on the Hub.
    **kwargs
        ``token`` for the Hub; ``top_k``, ``function_to_apply``, ``sampling_rate``,
        ``batch_size`` and ``num_workers`` as defaults of the calls.

    Returns
    -------
    SERPipeline

    Raises
    ------
    ModelFolderError
        If the folder is absent, incomplete or corrupt, or its weights do not fit.
    HubError
        If the Hub cannot be reached or has no such model.
    TypeError
        If there is no such option.
    """
    unknown = sorted(kwargs.keys() - _OPTIONS)
    if unknown:
        raise TypeError(f"load has no option {unknown[0]!r}; it has {', '.join(sorted(_OPTIONS))}")
    source = model_of(source)
    model, extractor = read_model(source, revision=revision, token=kwargs.pop("token", None))
    return SERPipeline(
        model=model,
        feature_extractor=extractor,
        task="audio-classification",
        device=device,
        **kwargs,
    )


class SERPipeline(AudioClassificationPipeline):
    """Transformers' audio-classification pipeline with our decoding in front.

    Call it with one clip, or with a list (gives a list), a generator or a dataset (gives an
    iterator) of clips; see :func:`ser_lib.hub.sound.to_waveform` for what a clip can be.

    Arguments of a call: ``top_k`` (labels to return, all by default), ``function_to_apply``
    (``"softmax"``, ``"sigmoid"`` or ``"none"``), ``sampling_rate`` (Hz, of bare arrays),
    ``batch_size`` and ``num_workers``.
    """

    def __init__(self, *args, top_k=None, **kwargs):
        super().__init__(*args, top_k=top_k, **kwargs)

    def __call__(self, inputs, **kwargs):
        """Scores of one clip, or of each of many.

        Returns
        -------
        list of dict
            ``score`` and ``label``, best first; for many clips one such list a clip.

        Raises
        ------
        AudioError
            If a clip is no sound that can be used.
        """
        if isinstance(inputs, list) and len(inputs) == 0:
            return []
        if _is_many(inputs):
            inputs = (item for item in inputs)
        return super().__call__(inputs, **kwargs)

    def _sanitize_parameters(self, sampling_rate=None, **kwargs):
        preprocess, forward, postprocess = super()._sanitize_parameters(**kwargs)
        if "top_k" not in kwargs:
            # The stock pipeline takes a call without top_k as a call for all labels, and so
            # forgets the top_k that it was made with.
            del postprocess["top_k"]
        if sampling_rate is not None:
            preprocess["sampling_rate"] = sampling_rate
        return preprocess, forward, postprocess

    def preprocess(self, inputs, sampling_rate=None):
        """Model inputs (``input_values``, ``attention_mask``) of one clip."""
        rate = self.feature_extractor.sampling_rate
        waveform = to_waveform(inputs, rate, sampling_rate)
        skipped = getattr(getattr(self.model, "network", None), "skipped", 0)
        if len(waveform) <= skipped * rate:
            raise AudioError(
                f"{len(waveform) / rate:.3g} s of sound are too short: this model begins to listen "
                f"after {skipped:g} s; give more of the recording"
            )
        # Encoders of Transformers' own classes fail on less than a frame; ours pad themselves.
        lacking = shortest(self.model.config) - len(waveform)
        return super().preprocess(np.pad(waveform, (0, lacking)) if lacking > 0 else waveform)

    def _forward(self, model_inputs):
        output = super()._forward(model_inputs)
        if not torch.isfinite(output.logits).all():
            raise AudioError(
                "the model gave no finite answer to this sound: lower its level, or download the "
                "model again"
            )
        return output


def _is_many(inputs):
    """Whether ``inputs`` are many clips that the stock pipeline would take for one (a column)."""
    single = isinstance(inputs, (str, bytes, bytearray, memoryview, tuple, dict))
    single = single or hasattr(inputs, "read") or hasattr(inputs, "__array__")
    itself = isinstance(inputs, (list, Dataset))
    return isinstance(inputs, Iterable) and not single and not itself
