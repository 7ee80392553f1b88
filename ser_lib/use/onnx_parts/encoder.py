"""What speech encoders read, and what is kept of their states, as nodes of an ONNX graph."""

import numpy as np

from ser_lib.features.encoder_families import shortest
from ser_lib.features.speech_encoder import _WHISPER_STRIDE
from ser_lib.use.onnx_parts.spectra import fourier, framed, power


def speech_encoder(g, front_end, clip, model):
    """As :class:`ser_lib.features.speech_encoder.SpeechEncoder`: ``(layers, width, frames)``.

    Arguments
    ---------
    model : ModelProto
        Of the encoder; see :func:`ser_lib.use.onnx_parts.learned.of_encoder`.
    """
    make = {"whisper": _whisper, "wav2vec2-bert": _bert}.get(front_end.family, _samples)
    inputs, frames = make(g, front_end, clip)
    states = g.embed(model, [inputs])
    if frames is not None:
        states = states.cut(0, frames, axis=1)
    if front_end.pooled:
        states = states.mean(1, keep=True)
    return states.transpose(0, 2, 1)


def _samples(g, front_end, clip):
    if front_end.extractor.do_normalize:
        centred = clip - clip.mean()
        clip = centred / (centred.square().mean() + 1e-7).sqrt()
    return _as_long(clip, shortest(front_end.config)).unsqueeze(0), None


def _as_long(clip, least):
    return clip.pad(0, (least - clip.size(0)).at_least(0), axis=0, axes=1)


def _whisper(g, front_end, clip):
    extractor, most = front_end.extractor, front_end.config.max_source_positions
    n_fft, hop, samples = extractor.n_fft, extractor.hop_length, extractor.n_samples
    heard = _as_long(clip, samples).cut(0, samples)
    edge = np.array([n_fft // 2] * 2)
    mirrored = g.op("Pad", heard, edge, mode="reflect").unsqueeze(0)
    window = 0.5 - 0.5 * np.cos(2 * np.pi / n_fft * np.arange(n_fft))
    energy = power(g, mirrored, window, n_fft, hop, centred=False).squeeze(0)
    mel = energy.cut(0, samples // hop) @ extractor.mel_filters.astype(np.float32)
    levels = mel.at_least(1e-10).log() * (1 / np.log(10))
    levels = (levels.at_least(levels.max() - 8.0) + 4.0) / 4.0
    frames = (clip.size(0) + (_WHISPER_STRIDE - 1)) / _WHISPER_STRIDE
    return levels.transpose(1, 0).unsqueeze(0), frames.at_most(most)


def _bert(g, front_end, clip):
    extractor = front_end.extractor
    window = np.asarray(extractor.window)
    clip = _as_long(clip, shortest(front_end.config)).cast(np.float64) * 2.0**15
    frames = framed(g, clip.unsqueeze(0), len(window), 160)
    frames = frames - frames.mean(2, keep=True)
    first = frames.cut(0, 1, axis=2) * (1 - 0.97)
    rest = frames.cut(1, len(window), axis=2) - frames.cut(0, len(window) - 1, axis=2) * 0.97
    frames = (g.concat([first, rest], 2) * window).pad(0, 512 - len(window), axis=2, axes=3)
    real, imaginary = fourier(g, frames, 512)
    mel = (real.square() + imaginary.square()).squeeze(0) @ np.asarray(extractor.mel_filters)
    levels = mel.at_least(1.192092955078125e-07).log().cast(np.float32)
    centred = levels - levels.mean(0, keep=True)
    count = (levels.size(0) - 1).cast(np.float32)
    variance = centred.square().sum(0, keep=True) / count
    scaled = centred / (variance + 1e-7).sqrt()
    # An odd frame at the end makes no pair: the encoder masks what would be filled up there.
    pairs = scaled.size(0) / extractor.stride
    scaled = scaled.cut(0, pairs * extractor.stride)
    width = extractor.num_mel_bins * extractor.stride
    return scaled.reshape(1, -1, width), None
