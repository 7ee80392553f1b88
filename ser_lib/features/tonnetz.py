"""Tonal centroid: where a chord lies on the circles of fifths, minor thirds and major thirds.

Source: C. Harte, M. Sandler and M. Gasser (2006), Detecting harmonic change in musical audio,
AMCMM, on the chroma of a constant-Q transform as librosa's ``tonnetz`` takes it.
"""

import math

import torch

from ser_lib.features.chroma import by_largest
from ser_lib.features.constant_q import OCTAVES, STEPS

# Sevenths, threes and fours of a semitone's turn, each with the radius of its circle.
_CIRCLES = ((7.0 / 6.0, 1.0), (3.0 / 2.0, 1.0), (2.0 / 3.0, 0.5))


def tonnetz(classes):
    """Tonal centroid of every frame.

    Arguments
    ---------
    classes : Tensor
        ``(12, frames)``, chroma from C to B, none negative.

    Returns
    -------
    Tensor
        ``(6, frames)``: sine and cosine on the circle of fifths (-1 to 1), of minor thirds (-1 to
        1) and of major thirds (-0.5 to 0.5); 0 in a frame of silence.
    """
    total = classes.sum(dim=0)
    tiny = torch.finfo(classes.dtype).tiny
    shares = classes / torch.where(total < tiny, torch.ones_like(total), total)
    return _directions(classes.device).to(classes.dtype) @ shares


def constant_q_chroma(magnitude):
    """Chroma of a constant-Q transform, divided by the largest class of each frame.

    Arguments
    ---------
    magnitude : Tensor
        ``(252, frames)``, 36 bins an octave from C up.

    Returns
    -------
    Tensor
        ``(12, frames)``, C to B, from 0 to 1; 0 throughout a frame of silence.
    """
    steps = magnitude.view(OCTAVES, STEPS, -1).sum(dim=0)
    # A class is the bin on its note with the two beside it, so the first begins a bin below C.
    return by_largest(steps.roll(1, dims=0).view(12, STEPS // 12, -1).sum(dim=1))


def _directions(device):
    """Matrix ``(6, 12)`` of the twelve classes on the three circles, float32."""
    angles = [[math.pi * turn * note for note in range(12)] for turn, _ in _CIRCLES]
    rows = []
    for (_, radius), circle in zip(_CIRCLES, angles, strict=True):
        rows += [[radius * math.sin(a) for a in circle], [radius * math.cos(a) for a in circle]]
    return torch.tensor(rows, device=device)
