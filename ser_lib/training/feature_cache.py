"""Features computed once and read from a memory-mapped file ever after.

Front ends are fixed functions and the augmented copies of a clip do not change, so decoding
and analysing them again every epoch buys nothing. The file is named by a hash of everything
its content follows from; one that was not finished, or was damaged since, is never used.
"""

import functools
import hashlib
import itertools
import json
import math
import os
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

import ser_lib
from ser_lib.logs import progress_bar
from ser_lib.training.loader import clip_loader

# Files of the package that decide what the features of a clip are.
_ON_THE_WAY = ("audio*.py", "resampling.py", "data/*.py", "features/*.py")
# Clips a process hands over in one go.
_AT_ONCE = 8
_UNFINISHED = "features.f32.part"


class CachedFeatures(Dataset):
    """Items ``{"id", "features" (..., frequency, frames), "label"}`` from a cache folder.

    Arguments
    ---------
    folder : Path
        As :func:`cache_features` wrote it.

    Raises
    ------
    OSError, ValueError, LookupError
        If it is not there, or damaged.
    """

    cached = True

    def __init__(self, folder):
        self.items = json.loads((folder / "items.json").read_text(encoding="utf-8"))
        self.values = np.memmap(folder / "features.f32", dtype=np.float32, mode="r")
        last = self.items[-1]
        if len(self.values) != last["start"] + math.prod(last["shape"]):
            raise ValueError(f"{folder / 'features.f32'} is not as long as its index says")

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        item = self.items[index]
        start, shape = item["start"], item["shape"]
        # A copy: PyTorch has no read-only tensors, and a batch is copied anyway.
        values = np.array(self.values[start : start + math.prod(shape)]).reshape(shape)
        return {"id": item["id"], "features": torch.from_numpy(values), "label": item["label"]}


class Chosen(Dataset):
    """Some items of a cache of a whole corpus, with the labels of a run.

    Arguments
    ---------
    whole : CachedFeatures
    ids : sequence of str
        Items to serve, in this order.
    labels : sequence of int
        Of those items.
    """

    cached = True

    def __init__(self, whole, ids, labels):
        self.whole = whole
        rows = {item["id"]: row for row, item in enumerate(whole.items)}
        self.rows = [rows[item] for item in ids]
        pairs = zip(ids, labels, strict=True)
        self.items = [{"id": item, "label": label} for item, label in pairs]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return {**self.whole[self.rows[index]], "label": self.items[index]["label"]}


def cache_key(network, facts):
    """Name of a cache: hash of the front end (with its buffers), the code and ``facts``.

    Arguments
    ---------
    network : WaveformClassifier
        Its front end's description and numbers count, not the trained weights.
    facts : JSON-ready value
        What else the features follow from: clips with their audio hashes, labels, augmentation.
    """
    told = [network.front_end.spec, _code_version(), facts]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    # As numbers of 8 bits, because NumPy has no bfloat16.
    for name, buffer in sorted(network.front_end.state_dict().items()):
        values = buffer.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(name.encode() + values.numpy().data)
    return digest.hexdigest()[:20]


@functools.cache
def _code_version():
    """Hash of the modules that sound passes on its way to features, and versions of libraries."""
    package = Path(ser_lib.__file__).parent
    digest = hashlib.sha256(f"torch {torch.__version__}, numpy {np.__version__}".encode())
    for room in _ON_THE_WAY:
        for source in sorted(package.glob(room)):
            digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def cache_features(dataset, network, folder, batch_size=32, num_workers=0, description="features"):
    """Run the front end over a dataset once, unless ``folder`` holds the result already.

    Arguments
    ---------
    dataset : DynamicItemDataset
        From :func:`ser_lib.data.clips.clip_dataset`.
    network : WaveformClassifier
        Its front end runs on the device it lies on.
    folder : Path
        Named by :func:`cache_key`.
    batch_size, num_workers : int
        Of the loader.
    description : str
        Label of the progress bar.

    Returns
    -------
    CachedFeatures

    Raises
    ------
    AudioError
        If a clip cannot be decoded.
    OSError
        If the disk is full or not writable.
    """
    folder = Path(folder)
    try:
        return CachedFeatures(folder)
    except (OSError, ValueError, LookupError):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        _write(dataset, network, folder, batch_size, num_workers, description)
    finally:
        # What did not come to its end is of no use, and large.
        (folder / _UNFINISHED).unlink(missing_ok=True)
    return CachedFeatures(folder)


def device_of(module):
    """Device of a module's numbers, of whichever kind they are."""
    return next(itertools.chain(module.parameters(), module.buffers())).device


def _write(dataset, network, folder, batch_size, num_workers, description):
    items, position = [], 0
    batches = analysed(dataset, network, batch_size, num_workers)
    with (folder / _UNFINISHED).open("wb") as file:
        bar = progress_bar(range(len(dataset)), description, "clip")
        for told, values in batches:
            file.write(values.numpy().data)
            for item in told:
                items.append({**item, "start": position})
                position += math.prod(item["shape"])
            bar.update(len(told))
        bar.close()
        file.flush()
        os.fsync(file.fileno())
    # Whoever is reading a damaged one keeps that.
    (folder / _UNFINISHED).replace(folder / "features.f32")
    # The index goes last and whole: where it exists, the features are complete.
    unfinished = folder / "items.json.part"
    unfinished.write_text(json.dumps(items), encoding="utf-8")
    unfinished.replace(folder / "items.json")


@torch.no_grad()
def analysed(dataset, network, batch_size=32, num_workers=0):
    """Features of a dataset, a few clips at a time.

    On a CPU the processes that decode clips analyse them too, each clip by itself.

    Arguments
    ---------
    dataset, network, batch_size, num_workers
        As for :func:`cache_features`.

    Yields
    ------
    told : list of dict
        ``id``, ``label`` and ``shape`` (list of int) of each clip.
    values : Tensor
        float32, on the CPU: the features of these clips, flat, one clip after the other.
    """
    device = device_of(network.front_end)
    if device.type == "cpu":
        clips = AnalysedClips(dataset, network)
        yield from clip_loader(clips, _AT_ONCE, num_workers, _packed)
        return
    for batch in clip_loader(dataset, batch_size, num_workers, pin_memory=True):
        inputs, lengths = (batch[key].to(device) for key in ("inputs", "lengths"))
        features, lengths = network.features(inputs, lengths)
        rows = zip(batch["ids"], batch["labels"].tolist(), features, lengths.tolist(), strict=True)
        yield _packed([{"id": i, "label": x, "features": f[..., :n].cpu()} for i, x, f, n in rows])


def analyses_beside_decoding(network):
    """Whether the processes that decode clips had better analyse them too (bool).

    They do on a CPU; an encoder with weights keeps all cores busy by itself, and an ensemble has
    several front ends.
    """
    front_end = getattr(network, "front_end", None)
    if front_end is None or next(front_end.parameters(), None) is not None:
        return False
    return device_of(front_end).type == "cpu"


class AnalysedClips(Dataset):
    """Items ``{"id", "features" (..., frequency, frames), "label"}``, analysed where decoded.

    Arguments
    ---------
    dataset : DynamicItemDataset
        From :func:`ser_lib.data.clips.clip_dataset`.
    network : WaveformClassifier
        Its front end is on the CPU.
    """

    def __init__(self, dataset, network):
        self.dataset, self.network = dataset, network

    def __len__(self):
        return len(self.dataset)

    @torch.no_grad()
    def __getitem__(self, index):
        item = self.dataset[index]
        waveform = item.pop("waveform")
        features, lengths = self.network.features(waveform[None], torch.tensor([len(waveform)]))
        return {**item, "features": features[0, ..., : lengths[0]]}


def _packed(items):
    """Items as :func:`analysed` yields them: one tensor is handed over faster than many."""
    told = [
        {"id": item["id"], "label": item["label"], "shape": list(item["features"].shape)}
        for item in items
    ]
    return told, torch.cat([item["features"].float().flatten() for item in items])
