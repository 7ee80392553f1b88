"""Scaling of features with statistics from the training side only.

Source: Data-Science-kosta flattens each spectrogram and applies scikit-learn's StandardScaler, so
that every single cell (band x frame) has a mean and a deviation of its own; ShaheenPerveen applies
its MinMaxScaler to feature vectors.
"""

import torch
from torch import nn

from ser_lib.registry import register


@register("cell_standardizer")
class CellStandardizer(nn.Module):
    """Subtract each cell's training mean and divide by its training standard deviation.

    A cell that never varied in training is divided by 1, as scikit-learn does.

    Arguments
    ---------
    shape : sequence of int
        ``(frequency, time)`` of one clip's features.
    """

    def __init__(self, shape):
        super().__init__()
        shape = tuple(shape)
        with torch.device("cpu"):
            self.register_buffer("mean", torch.zeros(shape))
            self.register_buffer("scale", torch.ones(shape))

    def forward(self, features, lengths):
        """Standardised features, same shape ``(batch, frequency, time)``; lengths unused."""
        return (features - self.mean) / self.scale

    @torch.no_grad()
    def fit(self, batches):
        """Set mean and scale from the training side.

        Arguments
        ---------
        batches : iterable of Tensor
            Features ``(batch, frequency, time)`` of training clips (augmented copies included).

        Raises
        ------
        ValueError
            If there is no batch.
        """
        # Chan, Golub and LeVeque's pairwise update (1979), in float64: one pass, no
        # cancellation, and the same result for any batch size to float32 precision.
        count = 0
        mean = torch.zeros(self.mean.shape, dtype=torch.float64)
        squares = torch.zeros_like(mean)
        for batch in batches:
            batch = batch.cpu().double()
            size, centre = batch.shape[0], batch.mean(dim=0)
            shift = centre - mean
            squares += (batch - centre).square().sum(dim=0)
            squares += shift.square() * (count * size / (count + size))
            mean += shift * (size / (count + size))
            count += size
        if count == 0:
            raise ValueError("no training features to fit the scaler on")
        deviation = (squares / count).sqrt()
        # What is left of a constant cell after rounding is no variance (scikit-learn's rule).
        eps = torch.finfo(torch.float64).eps
        constant = squares / count <= count * eps * squares / count + (count * mean * eps).square()
        deviation[constant | (deviation == 0)] = 1.0
        self.mean.copy_(mean)
        self.scale.copy_(deviation)


@register("min_max_scaler")
class MinMaxScaler(nn.Module):
    """Map each cell's smallest training value to 0 and its largest to 1.

    A cell that never varied in training keeps its unit, as with scikit-learn. Clips outside the
    training range end up outside 0 to 1.

    Arguments
    ---------
    shape : sequence of int
        ``(frequency, time)`` of one clip's features.
    """

    def __init__(self, shape):
        super().__init__()
        shape = tuple(shape)
        with torch.device("cpu"):
            self.register_buffer("low", torch.zeros(shape))
            self.register_buffer("span", torch.ones(shape))

    def forward(self, features, lengths):
        """Scaled features, same shape ``(batch, frequency, time)``; lengths unused."""
        return (features - self.low) / self.span

    @torch.no_grad()
    def fit(self, batches):
        """Set the range from the training side.

        Arguments
        ---------
        batches : iterable of Tensor
            Features ``(batch, frequency, time)`` of training clips (augmented copies included).

        Raises
        ------
        ValueError
            If there is no batch.
        """
        lows, highs = [], []
        for batch in batches:
            lows.append(batch.amin(dim=0).cpu())
            highs.append(batch.amax(dim=0).cpu())
        if not lows:
            raise ValueError("no training features to fit the scaler on")
        low = torch.stack(lows).amin(dim=0).double()
        span = torch.stack(highs).amax(dim=0) - low
        # Means of a few millionths are features too: the threshold is that of float64.
        span[span < 10 * torch.finfo(span.dtype).eps] = 1.0
        self.low.copy_(low)
        self.span.copy_(span)
