"""What a frozen encoder says of a corpus, computed once for all epochs, folds and runs.

A store is a folder of Arrow files that HF Datasets maps into memory, so it may be larger than the
machine's. Its name is a hash of everything its numbers follow from: the encoder's description and
weights, the code and the library that run it, and the sound of every clip. A store that was
interrupted goes on where it stopped; other clips or another encoder make another store.
"""

import inspect
import logging
import time

import torch
import transformers
from datasets import Dataset, Features, List, Value, concatenate_datasets
from datasets.arrow_writer import ArrowWriter
from filelock import FileLock
from torch.utils.data import Dataset as Items

from ser_lib.corpora.places import cache_folder
from ser_lib.data.clips import clip_dataset
from ser_lib.logs import progress_bar
from ser_lib.training.feature_cache import cache_key, device_of
from ser_lib.training.loader import clip_loader

logger = logging.getLogger(__name__)

_COLUMNS = Features(
    {"id": Value("string"), "shape": List(Value("int32")), "values": List(Value("float32"))}
)
_CLIPS_A_FILE = 64


class Embeddings(Items):
    """Items ``{"id", "features" (layers, width, frames), "label"}`` from a store.

    Arguments
    ---------
    store : datasets.Dataset
        From :func:`open_store`.
    ids : sequence of str
        Clips to serve, in this order.
    labels : sequence of int
        Of those clips.
    """

    cached = True

    def __init__(self, store, ids, labels):
        self.store = store.with_format("numpy")
        rows = {clip: row for row, clip in enumerate(store["id"][:])}
        self.rows = [rows[clip] for clip in ids]
        pairs = zip(ids, labels, strict=True)
        self.items = [{"id": clip, "label": label} for clip, label in pairs]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.__getitems__([index])[0]

    def __getitems__(self, indices):
        """Items of a whole batch: ten times as fast as one by one."""
        found = self.store[[self.rows[index] for index in indices]]
        return [
            {
                **self.items[index],
                "features": torch.tensor(values).reshape(tuple(int(size) for size in shape)),
            }
            for index, values, shape in zip(indices, found["values"], found["shape"], strict=True)
        ]


def is_worth_a_store(network, augmentation=None):
    """Whether a network's front end is costly, frozen and always hears the same (bool)."""
    front_end = getattr(network, "front_end", None)
    return augmentation is None and getattr(front_end, "worth_keeping", False) and front_end.frozen


def store_folder(network, manifest):
    """Where the store of a corpus under a network's front end is, or will be (Path)."""
    front_end = network.front_end
    facts = {
        "clips": list(zip(manifest["id"], manifest["sha256"], strict=True)),
        "code": inspect.getsource(inspect.getmodule(type(front_end))),
        "transformers": transformers.__version__,
    }
    return cache_folder() / "embeddings" / cache_key(network, facts)


def open_store(network, manifest, settings=None):
    """The store of a corpus, computed as far as it is not there.

    Arguments
    ---------
    network : WaveformClassifier
        Its front end runs on the device it lies on.
    manifest : datasets.Dataset
        All its clips are taken, so that every fold finds its own.
    settings : TrainingSettings or None
        ``batch_size`` and ``num_workers`` count; None computes nothing.

    Returns
    -------
    datasets.Dataset or None
        Columns ``id``, ``shape`` and ``values``; None where clips lack and may not be computed.

    Raises
    ------
    AudioError
        If a clip cannot be decoded.
    OSError
        If the disk is full or not writable.
    """
    folder = store_folder(network, manifest)
    # Long clips lie beside long ones, so that there is little padding.
    durations = dict(zip(manifest["id"], manifest["duration"], strict=True))
    ids = sorted(durations, key=lambda clip: (-durations[clip], clip))
    parts = [ids[start : start + _CLIPS_A_FILE] for start in range(0, len(ids), _CLIPS_A_FILE)]
    paths = [folder / f"{number:05d}.arrow" for number in range(len(parts))]
    missing = [number for number, path in enumerate(paths) if not path.is_file()]
    if missing and settings is None:
        return None
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        # Folds of a job array start together: one computes, the others wait and find it done.
        with FileLock(folder / ".lock"):
            missing = [number for number in missing if not paths[number].is_file()]
            if missing:
                _compute(network, manifest, settings, [(parts[n], paths[n]) for n in missing])
    return concatenate_datasets([Dataset.from_file(str(path)) for path in paths])


def _compute(network, manifest, settings, parts):
    began, clips = time.monotonic(), sum(len(ids) for ids, _ in parts)
    front_end, device = network.front_end.eval(), device_of(network.front_end)
    places = {clip: place for place, clip in enumerate(manifest["id"])}
    for ids, path in progress_bar(parts, "encoding", f"x {_CLIPS_A_FILE} clips"):
        rows = manifest.select([places[clip] for clip in ids])
        loader = clip_loader(
            clip_dataset(rows, ids, None, front_end.sample_rate),
            settings.batch_size,
            settings.num_workers,
        )
        unfinished = path.with_suffix(".part")
        with ArrowWriter(features=_COLUMNS, path=str(unfinished)) as writer:
            for batch in loader:
                _write(writer, network, batch, device)
            writer.finalize()
        # Under its own name only when whole: what exists is complete.
        unfinished.replace(path)
    seconds = time.monotonic() - began
    size = sum(path.stat().st_size for path in parts[0][1].parent.glob("*.arrow"))
    logger.info(
        "encoded %d clips in %.1f s (%.1f ms a clip); from now on %.1f MB of embeddings are read "
        "instead, in every epoch, fold and run",
        clips,
        seconds,
        1000 * seconds / clips,
        size / 1e6,
    )


@torch.no_grad()
def _write(writer, network, batch, device):
    features, lengths = network.features(batch["inputs"].to(device), batch["lengths"].to(device))
    for index, clip in enumerate(batch["ids"]):
        values = features[index, ..., : lengths[index]].float().cpu().contiguous()
        row = {"id": clip, "shape": list(values.shape), "values": values.flatten().numpy()}
        writer.write(row)
