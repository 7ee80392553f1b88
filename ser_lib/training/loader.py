"""Batches of clips, decoded by as many processes as there are cores for."""

import os

from torch.utils.data import DataLoader

from ser_lib.data.clips import collate
from ser_lib.interruption import leave_it_to_the_parent


def clip_loader(dataset, batch_size, num_workers=0, collate_fn=collate, **options):
    """A loader of clips or features; which processes read them does not change what is read.

    Arguments
    ---------
    dataset : Dataset
        Items as :func:`ser_lib.data.clips.collate` takes them.
    batch_size : int
        Items a batch.
    num_workers : int
        Processes that decode clips: no more than there are cores for this process, and none for
        kept features, which are read faster than another process could hand them over.
    collate_fn : callable
        Makes a batch of a list of items.
    **options
        As ``torch.utils.data.DataLoader`` takes them.

    Returns
    -------
    torch.utils.data.DataLoader
    """
    return DataLoader(
        dataset,
        batch_size,
        num_workers=0 if is_cached(dataset) else min(num_workers, _cores()),
        collate_fn=collate_fn,
        worker_init_fn=leave_it_to_the_parent,
        **options,
    )


def is_cached(dataset):
    """Whether items of a dataset are features that were computed before (bool)."""
    return getattr(dataset, "cached", False)


def _cores():
    # Not every system tells which cores are this process's own.
    own = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own else os.cpu_count() or 1
