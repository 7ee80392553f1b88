"""What a run trains and validates on: decoded clips, or their features from the cache."""

import logging
import math

import torch
from filelock import FileLock

from ser_lib.corpora import places
from ser_lib.data.clips import clip_dataset
from ser_lib.training.embeddings import Embeddings, is_worth_a_store, open_store
from ser_lib.training.feature_cache import (
    CachedFeatures,
    Chosen,
    cache_features,
    cache_key,
    device_of,
)
from ser_lib.training.loader import clip_loader

logger = logging.getLogger(__name__)

# Bytes of a corpus's features up to which they outlive the run that computed them.
_SMALL = 64 * 2**20


def training_items(
    network,
    manifest,
    ledger,
    classes,
    augmentation,
    settings,
    cache_folder,
    accelerator,
    always_cache=False,
):
    """Datasets of the training side, with its augmented copies, and the validation side.

    Arguments
    ---------
    network : WaveformClassifier
        On its device.
    manifest : datasets.Dataset
        Where the clips are.
    ledger : Ledger
        Which clips are on which side.
    classes : sequence of str
        Emotions in the order of the logits.
    augmentation : callable or None
        Makes copies of training clips.
    settings : TrainingSettings
        ``cache_features``, ``batch_size`` and ``num_workers`` count.
    cache_folder : Path
        For the features.
    accelerator : accelerate.Accelerator
        Its main process fills the cache, the others read it.
    always_cache : bool
        Whatever the settings say.

    Returns
    -------
    list of two Dataset
        Items as :func:`ser_lib.data.clips.collate` takes them.

    Raises
    ------
    AudioError
        If a clip cannot be decoded.
    """
    audio = dict(zip(manifest["id"], manifest["sha256"], strict=True))
    sides = {"train": (ledger.train, augmentation), "validation": (ledger.validation, None)}

    def cached(dataset, side):
        ids, copies = sides[side]
        facts = [classes, copies.spec if copies else None, [[clip, audio[clip]] for clip in ids]]
        return cache_features(
            dataset,
            network,
            cache_folder / f"{side}-{cache_key(network, facts)}",
            settings.batch_size,
            settings.num_workers,
            f"{side} features",
        )

    items = {
        side: clip_dataset(manifest, ids, classes, network.sample_rate, copies)
        for side, (ids, copies) in sides.items()
    }
    if not (settings.cache_features or always_cache):
        return list(items.values())
    if is_worth_a_store(network, augmentation):
        with accelerator.main_process_first():
            store = open_store(network, manifest, settings)
        labels = {clip: classes.index(ledger.clips[clip].emotion) for clip in ledger.clips}
        return [Embeddings(store, ids, [labels[clip] for clip in ids]) for ids, _ in sides.values()]
    copies = augmentation.copies if augmentation else 0
    with accelerator.main_process_first():
        if _is_small(network, len(manifest), copies):
            try:
                whole = _whole_corpus(network, manifest, augmentation, settings)
                return [_chosen(whole, ledger, classes, *side) for side in sides.values()]
            except OSError as error:
                logger.warning("features are kept in the run folder only (%s)", error)
        items = {side: cached(dataset, side) for side, dataset in items.items()}
    return list(items.values())


def _is_small(network, clips, copies):
    """Whether features of a whole corpus are little to keep (bool)."""
    shape = getattr(network.front_end, "shape", None)
    return shape is not None and 4 * math.prod(shape) * clips * (1 + copies) <= _SMALL


def _whole_corpus(network, manifest, augmentation, settings):
    """Features of every clip and copy (CachedFeatures), shared by folds, seeds and systems.

    Which of them a run sees is its ledger's choice alone.
    """
    folder = _shared_folder(network, manifest, augmentation)
    folder.parent.mkdir(parents=True, exist_ok=True)
    clips = clip_dataset(manifest, manifest["id"], None, network.sample_rate, augmentation)
    # Of runs that start together one computes.
    with FileLock(folder.parent / f".{folder.name}.lock"):
        return cache_features(
            clips, network, folder, settings.batch_size, settings.num_workers, "features"
        )


def shared_features(network, manifest, ids):
    """Features of clips that a run has left for others, or None.

    Arguments
    ---------
    network : WaveformClassifier or WaveformEnsemble
        With the very front end that computed them; an ensemble has none of its own.
    manifest : datasets.Dataset
        The corpus.
    ids : sequence of str
        Clips to serve, in this order, all labelled 0.

    Returns
    -------
    Chosen or None
    """
    if not hasattr(network, "front_end") or not _is_small(network, len(manifest), 0):
        return None
    try:
        return Chosen(CachedFeatures(_shared_folder(network, manifest)), ids, [0] * len(ids))
    except (OSError, ValueError, LookupError):
        return None  # not there, or damaged: decoding gives the same


def _shared_folder(network, manifest, augmentation=None):
    audio = sorted(zip(manifest["id"], manifest["sha256"], strict=True))
    facts = [augmentation.spec if augmentation else None, audio]
    return places.cache_folder() / "features" / cache_key(network, facts)


def _chosen(whole, ledger, classes, ids, augmentation):
    """One side's clips, each followed by its copies (Chosen)."""
    copies = augmentation.copies if augmentation else 0
    items = [clip if copy == 0 else f"{clip}#{copy}" for clip in ids for copy in range(1 + copies)]
    labels = [classes.index(ledger.clips[item.partition("#")[0]].emotion) for item in items]
    return Chosen(whole, items, labels)


@torch.no_grad()
def feature_batches(network, items, settings):
    """Batches of features ``(batch, frequency, time)`` of items, in order, for fitting a scaler.

    Arguments
    ---------
    network : WaveformClassifier
        Its front end is used where the items are waveforms.
    items : Dataset
        As :func:`training_items` gives them.
    settings : TrainingSettings
        ``num_workers`` counts where clips are decoded.
    """
    device = device_of(network)
    for batch in clip_loader(items, 32, settings.num_workers):
        inputs = batch["inputs"].to(device)
        if inputs.dim() == 2:
            inputs, _ = network.features(inputs, batch["lengths"].to(device))
        yield inputs
