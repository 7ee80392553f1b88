"""Three parts of speech encoders, put right for batches in which clips are padded.

Masks alone do not keep a clip's states from its neighbours: the first convolution of wav2vec2-base
and its kin normalises each channel over the whole time axis (group norm), padding included, and the
position convolutions of data2vec, and of those HuBERTs that have a batch norm before them
(mHuBERT-147), see what normalisation makes of the padding. Weights and their names stay as they
are.
"""

import torch
from torch import nn
from torch.nn import functional
from transformers.models.data2vec.modeling_data2vec_audio import Data2VecAudioPositionalConvLayer
from transformers.models.hubert.modeling_hubert import HubertPositionalConvEmbedding


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


class ClipNormedPositions(HubertPositionalConvEmbedding):
    """HuBERT's position convolution behind a batch norm, which leaves zero behind ``frames``.

    The norm keeps the statistics of the checkpoint in training, too: those of a batch would be of
    its padding as well.
    """

    frames = None

    def forward(self, hidden_states):
        """``(batch, time, width)`` to the same."""
        norm, states = self.batch_norm, hidden_states.transpose(1, 2)
        known = (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        states = functional.batch_norm(states, *known, eps=norm.eps)
        states = self.conv(states * within(self.frames, states.shape[2]).unsqueeze(1))
        return self.activation(self.padding(states)).transpose(1, 2)


_PARTS = {
    nn.GroupNorm: ClipNorm,
    Data2VecAudioPositionalConvLayer: ClipPositions,
    HubertPositionalConvEmbedding: ClipNormedPositions,
}


def put_right(encoder):
    """Give the parts of an encoder that padding would upset their corrected classes.

    Arguments
    ---------
    encoder : nn.Module
        Changed in place.
    """
    for module in encoder.modules():
        kind = type(module)
        if kind in _PARTS and _is_upset(module):
            module.__class__ = _PARTS[kind]


def _is_upset(module):
    """Whether padding would upset one of the parts (bool)."""
    if isinstance(module, nn.GroupNorm):
        return module.num_groups == module.num_channels
    return getattr(module, "batch_norm", True) is not None


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
        elif isinstance(module, (ClipPositions, ClipNormedPositions)):
            module.frames = last


def within(lengths, longest):
    """``(batch, longest)`` bool, true before each length."""
    return torch.arange(longest, device=lengths.device) < lengths.unsqueeze(1)
