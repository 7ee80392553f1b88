"""A Transformer encoder layer that trains faster on a CPU.

Source: A. Vaswani et al. (2017), Attention is all you need, NeurIPS, as
:class:`torch.nn.TransformerEncoderLayer` lays it out: same weights, same names, same function.
"""

import torch
from torch import nn

from ser_lib.models.dropout import Dropout


class EncoderLayer(nn.TransformerEncoderLayer):
    """Steps ``(batch, time, width)`` to steps of the same shape, layer norm after each sum.

    Arguments
    ---------
    width, n_heads, d_feedforward : int
        Numbers a step, heads, and width of the inner layer.
    dropout : float
        Of attention weights, inner layer and both sums.

    Raises
    ------
    AssertionError
        From PyTorch, if the heads do not divide the width.
    """

    def __init__(self, width, n_heads, d_feedforward, dropout):
        super().__init__(width, n_heads, d_feedforward, dropout, batch_first=True)
        self.dropout, self.dropout1, self.dropout2 = (Dropout(dropout) for _ in range(3))
        # PyTorch's attention draws its mask itself, one number after the other.
        self.attention_dropout = Dropout(dropout)

    def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
        """Self-attention; PyTorch calls this wherever its fused kernel does not apply."""
        if attn_mask is not None or key_padding_mask is not None or x.device.type != "cpu":
            return super()._sa_block(x, attn_mask, key_padding_mask, is_causal)
        attention = self.self_attn
        projected = nn.functional.linear(x, attention.in_proj_weight, attention.in_proj_bias)
        # (batch, time, 3, heads, width) to three of (batch, heads, time, width)
        query, key, value = projected.unflatten(2, (3, attention.num_heads, -1)).permute(
            2, 0, 3, 1, 4
        )
        scores = (query * attention.head_dim**-0.5) @ key.transpose(2, 3)
        weights = self.attention_dropout(torch.softmax(scores, dim=-1))
        heads = (weights @ value).transpose(1, 2).flatten(2)
        return self.dropout1(attention.out_proj(heads))
