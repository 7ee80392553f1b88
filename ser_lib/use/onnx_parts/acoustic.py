"""ShaheenPerveen's 199 features of one clip, as nodes of an ONNX graph."""

import numpy as np
import torch

from ser_lib.use.onnx_parts import pitch
from ser_lib.use.onnx_parts.harmonic import harmonic_mean
from ser_lib.use.onnx_parts.spectra import (
    absolute,
    below_loudest,
    centroid,
    numbers,
    spectrum,
)

_N_FFT, _HOP, _HOPS = 2048, 512, 4


def acoustic_features(g, front_end, clip):
    """As :class:`ser_lib.features.acoustic_features.AcousticFeatures`: ``(199, parts)``."""
    parts = front_end.parts
    if parts == 1:
        return _analyse(g, front_end, clip).transpose(1, 0)
    least = clip.size(0) / parts
    odd = clip.size(0) - least * parts

    def body(inner, part):
        start = part * least + part.at_most(odd)
        end = (part + 1) * least + (part + 1).at_most(odd)
        stretch = inner.here(clip).cut(start, end)
        stretch = stretch.pad(0, (1 - (end - start)).at_least(0), axis=0, axes=1)
        return [_analyse(inner, front_end, stretch).squeeze(0)]

    return g.loop(g.const(np.int64(parts)), body)[0].transpose(1, 0)


def _analyse(g, front_end, clip):
    """Samples ``(time,)`` to ``(1, 199)``."""
    rate, window = front_end.sample_rate, numbers(front_end.window)
    # In float64 for the reason that clip_spectrum gives.
    exact = numbers(torch.hann_window(_N_FFT, dtype=torch.float64))
    parts = spectrum(g, clip.unsqueeze(0).cast(np.float64), exact, _N_FFT, _HOP)
    real, imaginary = (part.squeeze(0).cast(np.float32) for part in parts)
    magnitude = absolute(real, imaginary)
    power = magnitude.square()
    mel = power @ numbers(front_end.filters).T
    index = pitch.tuning(g, magnitude, rate, _N_FFT, 12)
    mfcc = below_loudest(mel.decibels(1e-10), 80.0) @ numbers(front_end.cosines).T
    values = clip.unsqueeze(1)
    made = [
        *_statistics(_flatness(power), "mean"),
        *_statistics(_crossings(g, clip), "mean"),
        *_statistics(_centroid(front_end, magnitude), "mean", "deviation", "max"),
        *_pitch(g, front_end, magnitude),
        *_statistics(_loudness(g, clip + 0.0001), "mean", "max", "deviation"),
        harmonic_mean(g, real, imaginary, magnitude, window, clip.size(0)).reshape(1, 1),
        *_statistics(values.abs(), "mean"),
        *_statistics(values, "deviation"),
        *_statistics(mfcc, "mean", "deviation", "max"),
        *_statistics(pitch.chroma(g, magnitude, rate, _N_FFT, index), "mean"),
        *_statistics(mel, "mean"),
        *_statistics(pitch.contrast(g, magnitude, rate, _N_FFT), "mean"),
    ]
    return g.concat(made, 1)


def _statistics(track, *names):
    """Statistics over the first axis of ``track (frames, bands)``, each ``(1, bands)``."""
    found = []
    for name in names:
        if name == "deviation":
            found.append((track - track.mean(0, keep=True)).square().mean(0, keep=True).sqrt())
        else:
            found.append(getattr(track, name)(0, keep=True))
    return found


def _flatness(power):
    audible = power.at_least(1e-10)
    return audible.log().mean(1, keep=True).exp() / audible.mean(1, keep=True)


def _centroid(front_end, magnitude):
    track = centroid(magnitude, numbers(front_end.hertz))
    total = track.sum()
    return track / (total > 0).where(total, 1.0)


def _sums(values):
    """Sums over centred frames of four hops: ``(frames, 1)``."""
    length = values.size(0)
    frames = length / _HOP + 1
    before = _HOP * _HOPS // 2
    after = (frames + (_HOPS - 1)) * _HOP - before - length
    hops = values.pad(before, after, axis=0, axes=1).reshape(-1, _HOP).sum(1, keep=True)
    total = hops.cut(0, frames)
    for k in range(1, _HOPS):
        total = total + hops.cut(k, frames + k)
    return total


def _loudness(g, clip):
    return (_sums(clip.square()) / (_HOPS * _HOP)).sqrt()


def _crossings(g, clip):
    negative = (clip < -1e-10).cast(np.float32)
    last = clip.size(0)
    crossed = (negative.cut(1, last) - negative.cut(0, last - 1)).abs().pad(1, 0, axis=0, axes=1)
    counts = _sums(crossed)
    starts = crossed.cut(0, last, step=_HOP)
    starts = starts.pad(_HOPS // 2, 1, axis=0, axes=1).cut(0, counts.size(0)).unsqueeze(1)
    return (counts - starts) / (_HOPS * _HOP)


def _pitch(g, front_end, magnitude):
    """Four statistics of the pitch track, and the tuning of all peaks."""
    found, pitches, heights = pitch.peaks(g, magnitude, front_end.sample_rate, _N_FFT, 70.0, 400.0)
    # Where nothing is a peak, the first column is chosen, which holds 0 Hz.
    pitches, heights = (
        found.where(values, 0.0).pad(1, 0, axis=1, axes=2) for values in (pitches, heights)
    )
    strongest = g.op("ArgMax", heights, axis=1, keepdims=1, dtype=np.int64)
    if front_end.source_pitch:
        second = (strongest.size(0) - 1).at_most(1)
        strongest = g.op(
            "Expand", strongest.take(second).unsqueeze(0), g.list(strongest.size(0), 1)
        )
    track = g.op("GatherElements", pitches, strongest, axis=1)
    cell = pitch.cell(g, pitches.reshape(-1), 12)
    tuned = pitch.deviation_of(g, cell, np.float32).reshape(1, 1)
    return [*_statistics(track, "mean", "max", "min", "deviation"), tuned]
