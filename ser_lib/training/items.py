"""What a run trains and validates on: decoded clips, or their features from the cache."""

import torch
from torch.utils.data import DataLoader

from ser_lib.data.clips import clip_dataset, collate
from ser_lib.training.embeddings import Embeddings, is_worth_a_store, open_store
from ser_lib.training.feature_cache import cache_features, cache_key, device_of, is_cached


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
    with accelerator.main_process_first():
        items = {side: cached(dataset, side) for side, dataset in items.items()}
    return list(items.values())


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
    workers = 0 if is_cached(items) else settings.num_workers
    for batch in DataLoader(items, 32, collate_fn=collate, num_workers=workers):
        inputs = batch["inputs"].to(device)
        if inputs.dim() == 2:
            inputs, _ = network.features(inputs, batch["lengths"].to(device))
        yield inputs
