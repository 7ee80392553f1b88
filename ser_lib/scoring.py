"""Predictions of a saved model folder on clips of a manifest.

What is scored is the artefact that people will use, loaded from disk, not the network that
happens to be in memory after training.
"""

import pandas as pd
import torch
from accelerate.utils import gather_object

from ser_lib.data.clips import clip_dataset
from ser_lib.evaluation.predictions import prediction_row
from ser_lib.hub.native import read_network
from ser_lib.training.embeddings import Embeddings, is_worth_a_store, open_store
from ser_lib.training.feature_cache import (
    AnalysedClips,
    analyses_beside_decoding,
    device_of,
)
from ser_lib.training.items import shared_features
from ser_lib.training.loader import clip_loader


@torch.no_grad()
def predict(model_folder, manifest, ids, fold, accelerator, batch_size, num_workers=0):
    """One row a clip, in the manifest's order; every process returns all rows.

    Arguments
    ---------
    model_folder : Path
        As :func:`ser_lib.hub.saving.save_model` writes it.
    manifest : datasets.Dataset
        Where the clips are.
    ids : sequence of str
        Clips to score.
    fold : int
        Noted in the table.
    accelerator : accelerate.Accelerator
        Spreads the clips over its processes.
    batch_size, num_workers : int
        Of the loader.

    Returns
    -------
    pandas.DataFrame
        Columns as :mod:`ser_lib.evaluation.predictions` describes.

    Raises
    ------
    AudioError
        If a clip cannot be decoded.
    ModelFolderError
        If the folder is not a whole model.
    """
    network, classes = read_network(model_folder)
    network = network.eval().to(accelerator.device)
    loader = clip_loader(clips_for(network, manifest, ids), batch_size, num_workers)
    loader = accelerator.prepare(loader)
    found = {}
    for batch in loader:
        logits = network(batch["inputs"], batch["lengths"])
        probabilities = logits.cpu().double().softmax(dim=1).tolist()
        # With several processes the last batch is filled up with clips seen before: a clip
        # counts once because the table is made by id.
        found.update(gather_object(list(zip(batch["ids"], probabilities, strict=True))))
    rows = (row for row in manifest.to_list() if row["id"] in found)
    return pd.DataFrame([prediction_row(row, found[row["id"]], classes, fold) for row in rows])


@torch.no_grad()
def logits_of(network, clips, batch_size, num_workers=0):
    """Logits of clips, on the device that a network is on, in this process alone.

    Arguments
    ---------
    network : WaveformClassifier or WaveformEnsemble
        Comes back in evaluation mode.
    clips : Dataset
        As :func:`clips_for` or :func:`ser_lib.training.items.training_items` gives them.
    batch_size, num_workers : int
        Of the loader.

    Returns
    -------
    Tensor
        ``(clips, classes)``, float32, on the CPU.

    Raises
    ------
    AudioError
        If a clip cannot be decoded.
    """
    network.eval()
    device = device_of(network)
    loader = clip_loader(clips, batch_size, num_workers)
    found = [network(b["inputs"].to(device), b["lengths"].to(device)).float().cpu() for b in loader]
    return torch.cat(found) if found else torch.zeros(0, network.n_classes)


def clips_for(network, manifest, ids):
    """Clips as a network reads them: features that were kept where there are any (Dataset)."""
    store = open_store(network, manifest) if is_worth_a_store(network) else None
    if store is not None:
        # Of the same weights, as the store's name tells.
        return Embeddings(store, ids, [0] * len(ids))
    if (kept := shared_features(network, manifest, ids)) is not None:
        return kept
    clips = clip_dataset(manifest, ids, None, network.sample_rate)
    return AnalysedClips(clips, network) if analyses_beside_decoding(network) else clips
