"""Predictions of any classifier on clips of a manifest, in the words of the corpus."""

import pandas as pd

from ser_lib.evaluation.predictions import CLIP_FACTS, prediction_row
from ser_lib.logs import progress_bar
from ser_lib.use.batches import batched, labels


def evaluate_clips(classify, folder, manifest, ids, fold, matched, batch_size):
    """One row a clip, in the manifest's order.

    Arguments
    ---------
    classify : SERPipeline
        As :func:`ser_lib.load` returns it.
    folder : Path or None
        Where the model lies, if it lies here: what was trained here is scored by the very code
        that scores it at the end of its training.
    manifest : datasets.Dataset
    ids : sequence of str
        Clips to score.
    fold : int
        Noted in the table.
    matched : Match
        From the model's classes to the corpus's emotions.
    batch_size : int

    Returns
    -------
    pandas.DataFrame
        Columns as :mod:`ser_lib.evaluation.predictions` describes.

    Raises
    ------
    AudioError
        If a clip cannot be decoded.
    """
    wanted = set(ids)
    # Whole rows of a large manifest are read once, and only the columns that are needed.
    columns = (*CLIP_FACTS, "emotion", "path", "start", "end", "duration")
    kept = [place for place, name in enumerate(manifest["id"]) if name in wanted]
    rows = manifest.select(kept).select_columns(list(columns)).to_list()
    if folder is not None and _is_ours(classify):
        shares = _by_training_code(classify, folder, manifest, rows, fold, batch_size)
    else:
        shares = _by_pipeline(classify, rows, batch_size)
    found = matched.probabilities(shares)
    pairs = zip(rows, found, strict=True)
    return pd.DataFrame(
        [prediction_row(row, values, matched.emotions, fold) for row, values in pairs]
    )


def _is_ours(classify):
    """Whether a recipe trained the model (bool): another of the same class may work otherwise."""
    return bool((getattr(classify.model.config, "provenance", None) or {}).get("ledger_sha256"))


def _by_training_code(classify, folder, manifest, rows, fold, batch_size):
    from accelerate import Accelerator

    from ser_lib.scoring import predict

    accelerator = Accelerator(cpu=classify.device.type == "cpu")
    ids = [row["id"] for row in rows]
    table = predict(folder, manifest, ids, fold, accelerator, batch_size)
    return table[[f"p_{name}" for name in labels(classify)]].to_numpy()


def _by_pipeline(classify, rows, batch_size):
    # Clips of like length share batches.
    order = sorted(range(len(rows)), key=lambda place: rows[place]["duration"])
    inputs = (
        classify.preprocess({key: rows[place][key] for key in ("path", "start", "end")})
        for place in progress_bar(order, "scoring", "clip")
    )
    found = batched(classify, inputs, batch_size)
    shares = found.copy()
    shares[order] = found
    return shares
