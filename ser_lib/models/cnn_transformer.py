"""Parallel CNN and Transformer encoder (Data-Science-kosta's model 4; 395,176 parameters).

Source: Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch. Two branches read the
same log-mel spectrogram: a CNN that pools it to 64 maps of 1 x 4, and a Transformer encoder
over 140 time steps of 64 bands (max-pooled by 2 x 4), without positional encoding, averaged
over time. Their 256 + 64 numbers go to one linear layer.

Departures: none in the function computed (see :func:`ser_lib.models.blocks.conv_block`).
"""

import torch
from torch import nn

from ser_lib.models.blocks import conv_stack
from ser_lib.models.encoder_layer import EncoderLayer
from ser_lib.registry import register


@register("cnn_transformer")
class CNNTransformer(nn.Module):
    """Log-mel features ``(batch, 128, 563)`` to logits ``(batch, n_classes)``.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        ``(frequency, time)`` of the features.
    channels, pools : sequence of int
        Maps and pooling factor of each convolution block.
    conv_dropout : float
        Dropout after each block.
    transformer_pool : sequence of int
        Max-pooling ``(frequency, time)`` ahead of the Transformer.
    n_layers, n_heads, d_feedforward : int
        Encoder size; its width is the pooled number of bands.
    transformer_dropout : float
        Dropout inside the encoder layers.

    Raises
    ------
    ValueError
        If the pooling leaves nothing of the features.
    """

    def __init__(
        self,
        n_classes,
        shape=(128, 563),
        channels=(16, 32, 64, 64),
        pools=(2, 4, 4, 4),
        conv_dropout=0.3,
        transformer_pool=(2, 4),
        n_layers=4,
        n_heads=4,
        d_feedforward=512,
        transformer_dropout=0.4,
    ):
        super().__init__()
        self.cnn, image_width = conv_stack(shape, channels, pools, conv_dropout)
        width = shape[0] // transformer_pool[0]
        self.pool = nn.MaxPool2d(tuple(transformer_pool))
        layer = EncoderLayer(width, n_heads, d_feedforward, transformer_dropout)
        self.transformer = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        self.output = nn.Linear(image_width + width, n_classes)

    def forward(self, features, lengths):
        """Logits; ``lengths`` (frames) are unused: the front end gives every clip the same."""
        image = features.unsqueeze(1)
        steps = self.pool(image).squeeze(1).transpose(1, 2)
        context = self.transformer(steps).mean(dim=1)
        return self.output(torch.cat([self.cnn(image), context], dim=1))
