"""Item order of an epoch as a pure function of seed and epoch, so that a resumed run repeats it."""

from collections import Counter

import torch
from torch.utils.data import Sampler


class EpochSampler(Sampler):
    """Random permutation of a dataset, another one each epoch; or a draw that balances groups.

    Arguments
    ---------
    size : int
        Items in the dataset.
    seed : int
        Seed of the run.
    groups : sequence or None
        Group of each item. As many items are drawn as there are, with replacement, and every
        group has the same chance whatever its size.
    """

    def __init__(self, size, seed, groups=None):
        self.size, self.seed, self.epoch = size, seed, 0
        self.weights = None
        if groups is not None:
            counts = Counter(groups)
            self.weights = torch.tensor([1 / counts[group] for group in groups])

    def set_epoch(self, epoch):
        """Choose the order of ``epoch`` (int, from 0)."""
        self.epoch = epoch

    def __len__(self):
        return self.size

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        if self.weights is not None:
            drawn = torch.multinomial(self.weights, self.size, True, generator=generator)
            return iter(drawn.tolist())
        return iter(torch.randperm(self.size, generator=generator).tolist())
