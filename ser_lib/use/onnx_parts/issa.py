"""Issa's 193 features of one clip, as nodes of an ONNX graph."""

import math

import numpy as np
import torch

from ser_lib.errors import ModelFolderError
from ser_lib.features import constant_q, half_rate, issa_features
from ser_lib.features.pitch import _histogram_edges
from ser_lib.features.tonnetz import _directions
from ser_lib.use.onnx_parts.pitch import by_largest, chroma, contrast, tuning
from ser_lib.use.onnx_parts.spectra import below_loudest, framed, numbers, power, transform

_N_FFT, _HOP = 2048, 512
_CPU = torch.device("cpu")


def issa_features_of(g, front_end, clip):
    """As :class:`ser_lib.features.issa_features.IssaFeatures`: ``(193, 1)``."""
    rate = front_end.sample_rate
    window = numbers(torch.hann_window(_N_FFT, dtype=torch.float64))
    energy = power(g, clip.unsqueeze(0).cast(np.float64), window, _N_FFT, _HOP)
    energy = energy.squeeze(0).cast(np.float32)
    magnitude = energy.sqrt()
    mel = energy @ numbers(front_end.filters).T
    semitones = tuning(g, energy, rate, _N_FFT, 12)
    notes = _notes(g, constant_q_of(g, clip, rate, tuning(g, magnitude, rate, _N_FFT, 36)))
    decibels = below_loudest(mel.decibels(1e-10), 80.0)
    parts = {
        "mfcc": decibels.mean(0, keep=True) @ numbers(front_end.cosines).T,
        "chroma": chroma(g, energy, rate, _N_FFT, semitones).mean(0, keep=True),
        "mel": mel.mean(0, keep=True),
        "contrast": contrast(g, magnitude, rate, _N_FFT).mean(0, keep=True),
        "tonnetz": _tonnetz(notes).mean(0, keep=True),
    }
    order = issa_features._ORDERS[front_end.order]
    return g.concat([parts[name] for name in order], 1).transpose(1, 0)


def constant_q_of(g, clip, rate, index):
    """Magnitude ``(frames, 252)`` of the constant-Q transform tuned to cell ``index``."""
    halvings, first, banks, n_fft = _banks(rate)
    samples = clip
    for _ in range(halvings):
        samples = _half_rate(g, samples) * math.sqrt(2)
    hop = _HOP >> halvings
    frames = samples.size(0) / hop + 1
    bank = g.const(banks).take(index)
    used = transform(np.ones(n_fft), np.arange(first, first + banks.shape[1]))
    octaves = []
    for octave in range(constant_q.OCTAVES):
        if octave:
            samples, hop = _half_rate(g, samples) * math.sqrt(2), hop // 2
        padded = samples.pad(n_fft // 2, n_fft // 2, axis=0, axes=1).unsqueeze(0)
        spectra = framed(g, padded, n_fft, hop).squeeze(0).cut(0, frames) @ used
        width, steps = banks.shape[1], constant_q.STEPS
        real = spectra.cut(0, width, axis=1) @ bank
        imaginary = spectra.cut(width, 2 * width, axis=1) @ bank
        both = [
            real.cut(0, steps, axis=1) - imaginary.cut(steps, 2 * steps, axis=1),
            real.cut(steps, 2 * steps, axis=1) + imaginary.cut(0, steps, axis=1),
        ]
        octaves.append((both[0].square() + both[1].square()).sqrt())
    return g.concat(octaves[::-1], 1)


def _banks(rate):
    """Early halvings, first bin, filters of all tunings ``(100, bins, 72)``, FFT points."""
    tunings = _histogram_edges(0.01)[:-1]
    halvings = {constant_q._early_halvings(rate, t, _HOP) for t in tunings}
    if len(halvings) == 1:
        halved = rate / 2 ** max(halvings)
        found = [constant_q.constant_q_bank(halved, t, _CPU) for t in tunings]
    if len(halvings) > 1 or len({n_fft for _, _, n_fft in found}) > 1:
        raise ModelFolderError(
            f"at {rate} Hz the constant-Q transform has another size for every tuning, which one "
            "graph cannot hold; train at 22050 Hz"
        )
    first = min(start for start, _, _ in found)
    end = max(start + len(bank) for start, bank, _ in found)
    banks = np.zeros((len(found), end - first, 2 * constant_q.STEPS), np.float32)
    for row, (start, bank, _) in zip(banks, found, strict=True):
        where = slice(start - first, start - first + len(bank))
        row[where] = np.concatenate([numbers(bank.real), numbers(bank.imag)], axis=1)
    return halvings.pop(), first, banks, found[0][2]


def _half_rate(g, samples):
    matrix, block = numbers(half_rate._matrix(_CPU)), half_rate._BLOCK
    span, edge = matrix.shape[0], (matrix.shape[0] - 2 * block + 1) // 2
    wanted = (samples.size(0) + 1) / 2
    total = (wanted + (block - 1)) / block * (2 * block) + (span - 2 * block)
    padded = samples.pad(edge, total - edge - samples.size(0), axis=0, axes=1)
    made = framed(g, padded.unsqueeze(0), span, 2 * block) @ matrix
    return made.reshape(-1).cut(0, wanted)


def _notes(g, magnitude):
    """Chroma ``(frames, 12)`` of a constant-Q transform."""
    steps = constant_q.STEPS
    summed = magnitude.reshape(-1, constant_q.OCTAVES, steps).sum(1)
    rolled = g.concat([summed.cut(steps - 1, steps, axis=1), summed.cut(0, steps - 1, axis=1)], 1)
    return by_largest(rolled.reshape(-1, 12, steps // 12).sum(2))


def _tonnetz(classes):
    total = classes.sum(1, keep=True)
    shares = classes / (total < np.finfo(np.float32).tiny).where(1.0, total)
    return shares @ numbers(_directions(_CPU)).T
