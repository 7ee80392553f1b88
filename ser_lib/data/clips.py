"""From manifest rows to decoded clips and padded batches.

Decoding is lazy, through SpeechBrain's ``DynamicItemDataset``; an item is one clip, or one
augmented copy of it named ``<clip id>#<copy>``.
"""

import functools

import torch
from speechbrain.dataio.dataset import DynamicItemDataset
from torch.nn import functional as F
from torch.utils.data import default_collate

from ser_lib.audio import read_audio, resample


def clip_dataset(manifest, ids, classes, sample_rate, augmentation=None):
    """Dataset of decoded clips.

    Arguments
    ---------
    manifest : datasets.Dataset
        As a corpus module's ``prepare`` returns it.
    ids : sequence of str
        Clips to serve, in this order.
    classes : sequence of str or None
        Emotions; a label is an index into it. None labels every clip 0.
    sample_rate : int
        Hz; clips of another rate are resampled.
    augmentation : callable or None
        ``augmentation(waveform, clip_id, copy)`` with ``copies``; each clip is followed by
        its copies.

    Returns
    -------
    DynamicItemDataset
        Items ``{"id": str, "waveform": Tensor (samples,), "label": int}``.

    Raises
    ------
    AudioError
        When an item is read whose file cannot be decoded.
    """
    copies = augmentation.copies if augmentation is not None else 0
    wanted = set(ids)
    rows = {row["id"]: row for row in manifest.to_list() if row["id"] in wanted}
    data = {}
    for clip in ids:
        row = rows[clip]
        for copy in range(1 + copies):
            data[clip if copy == 0 else f"{clip}#{copy}"] = {
                "clip": clip,
                "copy": copy,
                "path": row["path"],
                "start": row["start"],
                "end": row["end"],
                "label": classes.index(row["emotion"]) if classes is not None else 0,
            }

    dataset = DynamicItemDataset(data)
    # A partial of a function of the module, because worker processes may have to unpickle it.
    decode = functools.partial(_waveform, sample_rate=sample_rate, augmentation=augmentation)
    dataset.add_dynamic_item(decode, ["clip", "copy", "path", "start", "end"], ["waveform"])
    dataset.set_output_keys(["id", "waveform", "label"])
    return dataset


def _waveform(clip, copy, path, start, end, sample_rate, augmentation):
    samples, rate = read_audio(path, start, end)
    samples = resample(samples, rate, sample_rate)
    if augmentation is not None:
        samples = augmentation(samples, clip, copy)
    return torch.from_numpy(samples)


def collate(items):
    """Batch of items of any length.

    Arguments
    ---------
    items : list of dict
        Each with ``"id"``, ``"label"`` and either ``"waveform"`` ``(samples,)`` or
        ``"features"`` ``(..., frequency, frames)``.

    Returns
    -------
    dict
        ``"inputs"`` padded with zeros at the end, ``(batch, time)`` or
        ``(batch, ..., frequency, time)``; ``"lengths"`` ``(batch,)`` in samples or frames;
        ``"labels"`` ``(batch,)``; ``"ids"`` list of str.
    """
    key = "waveform" if "waveform" in items[0] else "features"
    sequences = [item[key] for item in items]
    lengths = [sequence.shape[-1] for sequence in sequences]
    padded = [
        F.pad(x, (0, max(lengths) - length)) for x, length in zip(sequences, lengths, strict=True)
    ]
    return {
        # In a worker it puts them where the main process can read them, at once.
        "inputs": default_collate(padded),
        "lengths": torch.tensor(lengths),
        "labels": torch.tensor([item["label"] for item in items]),
        "ids": [item["id"] for item in items],
    }
