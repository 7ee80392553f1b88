"""Parts that several of Data-Science-kosta's models are built from.

Source: Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch.
"""

import torch
from torch import nn

from ser_lib.models.dropout import Dropout


def conv_block(in_channels, out_channels, pool, dropout):
    """Conv 3x3, batch norm, max-pool, ReLU, dropout.

    The source applies ReLU before max-pooling; after it, the numbers are the same (both are
    monotone) on a fraction of the cells.

    Arguments
    ---------
    in_channels, out_channels : int
        Maps.
    pool : int
        Pooling factor of both axes.
    dropout : float
        Probability.

    Returns
    -------
    nn.Sequential
        ``(batch, in, frequency, time)`` to ``(batch, out, frequency // pool, time // pool)``.
    """
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.MaxPool2d(pool),
        nn.ReLU(),
        Dropout(dropout),
    )


def conv_stack(shape, channels, pools, dropout):
    """Conv blocks in a row, flattened at the end.

    Arguments
    ---------
    shape : sequence of int
        ``(frequency, time)`` of what comes in, as one map.
    channels, pools : sequence of int
        Maps and pooling factor of each block.
    dropout : float
        Dropout after each block.

    Returns
    -------
    stack : nn.Sequential
        ``(batch, 1, frequency, time)`` to ``(batch, width)``.
    width : int

    Raises
    ------
    ValueError
        If the pooling leaves nothing of the input.
    """
    (frequency, time), blocks, before = shape, [], 1
    for after, pool in zip(channels, pools, strict=True):
        blocks.append(conv_block(before, after, pool, dropout))
        frequency, time, before = frequency // pool, time // pool, after
    if frequency * time == 0:
        raise ValueError(f"pooling by {list(pools)} leaves nothing of features of shape {shape}")
    return nn.Sequential(*blocks, nn.Flatten()), before * frequency * time


class AttentionPool(nn.Module):
    """Weighted mean over time; one learned linear score a step, softmax over the steps.

    Arguments
    ---------
    width : int
        Numbers a step.
    """

    def __init__(self, width):
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, steps):
        """Steps ``(batch, time, width)`` to their weighted mean ``(batch, width)``."""
        weights = self.score(steps).softmax(dim=1)
        return (weights * steps).sum(dim=1)


def chunked(features, frames, stride):
    """Cut spectrograms into overlapping chunks; what does not fill the last one is left out.

    Arguments
    ---------
    features : Tensor
        ``(batch, frequency, time)``.
    frames, stride : int
        Length of a chunk and distance between their starts (frames).

    Returns
    -------
    Tensor
        ``(batch, chunks, 1, frequency, frames)``; 7 chunks for 563 frames, 128 and 64.
    """
    return features.unfold(2, frames, stride).permute(0, 2, 1, 3).unsqueeze(2)


def each_chunk(module, chunks):
    """Apply a module to every chunk alike ("time distributed").

    Arguments
    ---------
    module : nn.Module
        ``(batch, 1, frequency, frames)`` to ``(batch, width)``.
    chunks : Tensor
        ``(batch, chunks, 1, frequency, frames)``.

    Returns
    -------
    Tensor
        ``(batch, chunks, width)``.
    """
    return torch.unflatten(module(chunks.flatten(0, 1)), 0, chunks.shape[:2])
