"""Item order of an epoch as a pure function of seed and epoch, so that a resumed run repeats it."""

import torch
from torch.utils.data import Sampler


class EpochSampler(Sampler):
    """Random permutation of a dataset, another one each epoch.

    Arguments
    ---------
    size : int
        Items in the dataset.
    seed : int
        Seed of the run.
    """

    def __init__(self, size, seed):
        self.size, self.seed, self.epoch = size, seed, 0

    def set_epoch(self, epoch):
        """Choose the permutation of ``epoch`` (int, from 0)."""
        self.epoch = epoch

    def __len__(self):
        return self.size

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        return iter(torch.randperm(self.size, generator=generator).tolist())
