"""Two parts of speech encoders, put right for batches in which clips are padded.

Masks alone do not keep a clip's states from its neighbours: the first convolution of wav2vec2-base
and its kin normalises each channel over the whole time axis (group norm), padding included, and the
stacked position convolutions of data2vec see what normalisation makes of the padding. Weights and
their names stay as they are.
"""

import torch
from torch import nn
from transformers.models.data2vec.modeling_data2vec_audio import Data2VecAudioPositionalConvLayer


class ClipNorm(nn.GroupNorm):
    """Group norm of one channel a group, over each clip's own frames.

    ``frames`` ``(batch,)`` is set before every forward; what lies behind them becomes zero.
    """

    frames = None

    def forward(self, x):
        """``(batch, channels, time)`` to the same."""
        mask = within(self.frames, x.shape[2]).unsqueeze(1)
        count = self.frames.view(-1, 1, 1)
        mean = (x * mask).sum(dim=2, keepdim=True) / count
        centred = (x - mean) * mask
        variance = centred.square().sum(dim=2, keepdim=True) / count
        scaled = centred * (variance + self.eps).rsqrt()
        return (scaled * self.weight[:, None] + self.bias[:, None]) * mask


class ClipPositions(Data2VecAudioPositionalConvLayer):
    """One of data2vec's position convolutions; what lies behind a clip's ``frames`` stays zero."""

    frames = None

    def forward(self, hidden_states):
        """``(batch, width, time)`` to the same."""
        states = super().forward(hidden_states)
        return states * within(self.frames, states.shape[2]).unsqueeze(1)


_PARTS = {nn.GroupNorm: ClipNorm, Data2VecAudioPositionalConvLayer: ClipPositions}


def put_right(encoder):
    """Give the parts of an encoder that padding would upset their corrected classes.

    Arguments
    ---------
    encoder : nn.Module
        Changed in place.
    """
    for module in encoder.modules():
        kind = type(module)
        whole = kind is not nn.GroupNorm or module.num_groups == module.num_channels
        if kind in _PARTS and whole:
            module.__class__ = _PARTS[kind]


def announce(encoder, first, last):
    """Tell the corrected parts how many of their frames are a clip's.

    Arguments
    ---------
    encoder : nn.Module
        As :func:`put_right` left it.
    first, last : Tensor
        ``(batch,)``, frames behind the first and the last convolution.
    """
    for module in encoder.modules():
        if isinstance(module, ClipNorm):
            module.frames = first
        elif isinstance(module, ClipPositions):
            module.frames = last


def within(lengths, longest):
    """``(batch, longest)`` bool, true before each length."""
    return torch.arange(longest, device=lengths.device) < lengths.unsqueeze(1)
