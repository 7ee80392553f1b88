"""Dropout whose random numbers do not hold up a processor.

PyTorch draws one random number after the other for a dropout mask on a CPU, 11 ns each on the
machine of ``benchmarks/README.md``, which is a third of a training step of a small Transformer.
Sixteen bits decide whether a number is kept just as well, and the generator makes 64 in one go.
"""

import torch
from torch import nn
from torch.nn import functional as F

_STEPS = 2**16


class Dropout(nn.Dropout):
    """As :class:`torch.nn.Dropout`, several times as fast on a CPU.

    The probability is rounded to a multiple of 1/65,536, and numbers that are kept are scaled by
    the rounded one, so that their expectation is exact. Masks follow from PyTorch's seed, but are
    not those of :func:`torch.nn.functional.dropout`. Where that one is fast, on a GPU and in a
    compiled network, it is used.

    Arguments
    ---------
    p : float
        Probability in [0, 1] with which a number becomes 0 in training.

    Raises
    ------
    ValueError
        If ``p`` is not in [0, 1].
    """

    def forward(self, values):
        """``values``, any shape, some of them 0 in training."""
        quick = self.training and values.device.type == "cpu" and 0 < self.p < 1
        if not quick or torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export():
            return F.dropout(values, self.p, self.training)
        dropped = round(self.p * _STEPS)
        if dropped == 0:
            return values
        if dropped == _STEPS:
            return values * 0
        return _Masked.apply(values, keep_mask(values.shape, dropped), _STEPS / (_STEPS - dropped))


def keep_mask(shape, dropped):
    """Random mask that is False with a probability of ``dropped`` / 65,536.

    Arguments
    ---------
    shape : sequence of int
        Of the mask.
    dropped : int
        0 to 65,536.

    Returns
    -------
    Tensor
        bool, on the CPU, from PyTorch's default generator.
    """
    count = shape.numel()
    # All 64 bits of each number are random where the range has no upper end.
    draws = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    return (draws.view(torch.int16)[:count] >= dropped - _STEPS // 2).view(shape)


class _Masked(torch.autograd.Function):
    """``values * mask * scale``; keeps a byte a number for the way back, not four."""

    @staticmethod
    def forward(context, values, mask, scale):
        context.save_for_backward(mask)
        context.scale = scale
        return (values * mask).mul_(scale)

    @staticmethod
    def backward(context, gradient):
        (mask,) = context.saved_tensors
        return (gradient * mask).mul_(context.scale), None, None
