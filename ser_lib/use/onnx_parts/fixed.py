"""Front ends that look at the same stretch of every clip: a batch goes through at once."""

import numpy as np

from ser_lib.use.onnx_parts.spectra import below_loudest, fixed_stretch, numbers, power


def log_mel(g, front_end, waveforms, lengths):
    """As :class:`ser_lib.features.log_mel.LogMel`: ``(batch, n_mels, frames)``."""
    stretch = fixed_stretch(g, front_end, waveforms, lengths)
    window = numbers(front_end.window)
    spectrum = power(g, stretch, window, front_end.n_fft, front_end.hop_length)
    mel = spectrum @ numbers(front_end.filters).T
    loudest = mel.max(1, 2, keep=True).decibels(1e-10)
    decibels = (mel.decibels(1e-10) - loudest).at_least(-front_end.top_db)
    return decibels.transpose(0, 2, 1)


def mfcc(g, front_end, waveforms, lengths):
    """As :class:`ser_lib.features.mfcc.MFCC`: ``(batch, n_mfcc, frames)``."""
    stretch = fixed_stretch(g, front_end, waveforms, lengths)
    window = numbers(front_end.window)
    spectrum = power(g, stretch, window, front_end.n_fft, front_end.hop_length)
    decibels = (spectrum @ numbers(front_end.filters).T).decibels(1e-10)
    coefficients = below_loudest(decibels, front_end.top_db) @ numbers(front_end.cosines).T
    return coefficients.transpose(0, 2, 1)


def mel_image(g, front_end, waveforms, lengths):
    """As :class:`ser_lib.features.mel_image.MelImage`: ``(batch, n_mels, frames)``."""
    n_fft, hop, frames = front_end.n_fft, front_end.hop_length, front_end.frames
    edge, samples = n_fft // 2, n_fft + (front_end.frames - 1) * hop
    # A mirror needs something to show: clips under half a frame get silence first.
    last = (lengths.at_most(waveforms.size(1)).at_least(edge + 1) - 1).unsqueeze(1)
    place = g.op("Range", *np.array([-edge, samples - edge, 1])).abs().unsqueeze(0)
    # Beyond the mirror's own end no frame is kept.
    place = (last - (last - place).abs()).at_least(0)
    inside = place < lengths.unsqueeze(1)
    padded = waveforms.pad(0, edge + 1, axis=1, axes=2)
    clips = g.op("GatherElements", padded, place, axis=1)
    spectrum = power(
        g, inside.where(clips, 0.0), numbers(front_end.window), n_fft, hop, centred=False
    )
    decibels = (spectrum @ numbers(front_end.filters).T).decibels(1e-10)
    heard = g.const(np.arange(frames)).unsqueeze(0) <= (last + 1) / hop
    return heard.unsqueeze(2).where(decibels, 0.0).transpose(0, 2, 1)
