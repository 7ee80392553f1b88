"""199 acoustic features of a clip, or of each of its parts, for ShaheenPerveen's classical models.

Source: ShaheenPerveen/speech-emotion-recognition-iemocap, the notebook
extract_acoustic_features_from_audio_vectors (librosa with its defaults at 22,050 Hz: 2048-point
Hann frames, hop 512, centred, edges padded with zeros as librosa does since 0.9.0; the source is
older, when the edges were mirrored). In order:

1       mean spectral flatness
2       mean zero-crossing rate
3-5     mean, deviation, maximum of the centroid track divided by its sum; the mean of that is
        one over the number of frames, which makes it a measure of duration
6-9     mean, maximum, minimum, deviation of the pitch track: the strongest peak from 70 to 400 Hz
        of each frame, 0 Hz where there is none
10      tuning of all peaks from 70 to 400 Hz, in semitones from A440's scale
11-13   mean, maximum, deviation of the root mean square of the signal plus 0.0001
14      mean of the harmonic part
15-16   mean of the absolute signal, deviation of the signal
17-52   means of 12 MFCC, deviations, maxima
53-64   means of the chroma, of a magnitude spectrum, with the tuning estimated from it
65-192  means of 128 mel bands (power)
193-199 means of the spectral contrast

Deviations are divided by the number of values, not by one less.

Departure: the source takes the bin that is strongest in frame 1 for the pitch of all frames, by a
slip of the index; ``source_pitch=True`` does so too.
"""

import torch
from torch import nn

from ser_lib.features.chroma import chroma
from ser_lib.features.frame_measures import centroid, crossing_rate, flatness, loudness
from ser_lib.features.framing import clip_spectrum, power_to_db
from ser_lib.features.harmonic import harmonic_mean
from ser_lib.features.mel import mel_filters
from ser_lib.features.mfcc import dct_matrix
from ser_lib.features.pitch import estimate_tuning, piptrack, pitch_tuning
from ser_lib.features.spectral_contrast import spectral_contrast
from ser_lib.registry import register

_N_FFT, _HOP = 2048, 512
_N_MFCC, _N_MELS = 12, 128
_N_FEATURES, _MOST_PARTS = 199, 100


@register("acoustic_features")
class AcousticFeatures(nn.Module):
    """Waveforms ``(batch, time)`` to features ``(batch, 199, parts)``.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    parts : int
        Each clip is cut into as many stretches of the same length (the first ones a sample
        longer where it does not come out even), with 199 features each. The source's LSTM has 5.
    source_pitch : bool
        Follow the source's slip in the pitch track, see above.

    Raises
    ------
    ValueError
        If ``parts`` is no whole number from 1 to 100, or the sample rate too low for the
        contrast's six octaves above 200 Hz.
    """

    def __init__(self, sample_rate=22_050, parts=1, source_pitch=False):
        super().__init__()
        if isinstance(parts, bool) or not isinstance(parts, int) or not 1 <= parts <= _MOST_PARTS:
            raise ValueError(f"parts is {parts!r}; a clip has 1 to {_MOST_PARTS}")
        if sample_rate <= 12_800:
            raise ValueError(f"sample_rate is {sample_rate} Hz; the contrast needs over 12800 Hz")
        self.sample_rate, self.parts, self.source_pitch = sample_rate, parts, source_pitch
        # On the CPU by name and persistent, see LogMel.
        with torch.device("cpu"):
            self.register_buffer("window", torch.hann_window(_N_FFT).clone())
            filters = mel_filters(sample_rate, _N_FFT, _N_MELS, 0.0, sample_rate / 2)
            self.register_buffer("filters", filters)
            self.register_buffer("cosines", dct_matrix(_N_MFCC, _N_MELS))
            self.register_buffer("hertz", torch.linspace(0, sample_rate / 2, _N_FFT // 2 + 1))

    @property
    def shape(self):
        """Shape ``(199, parts)`` of one clip's features."""
        return _N_FEATURES, self.parts

    def forward(self, waveforms, lengths):
        """Features of a padded batch.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``.
        lengths : Tensor
            ``(batch,)``, samples; what lies beyond is ignored. Nothing at all is one sample of
            silence.

        Returns
        -------
        features : Tensor
            ``(batch, 199, parts)``.
        lengths : Tensor
            ``(batch,)``, parts; the same for all clips.
        """
        clips = [clip[:length] for clip, length in zip(waveforms, lengths.tolist(), strict=True)]
        features = torch.stack([self._of_parts(clip) for clip in clips])
        return features, torch.full_like(lengths, self.parts)

    def _of_parts(self, clip):
        return torch.stack([self._analyse(part) for part in clip.tensor_split(self.parts)], dim=1)

    def _analyse(self, clip):
        """Samples ``(time,)`` to features ``(199,)``."""
        if len(clip) == 0:
            clip = clip.new_zeros(1)
        spectrum = clip_spectrum(clip, _N_FFT, _HOP)
        # Not the root of the power, whose squares underflow in the dust a resampler leaves behind.
        magnitude = spectrum.abs()
        power = magnitude.square()
        mel = self.filters @ power
        tuning = estimate_tuning(magnitude, self.sample_rate, _N_FFT)
        tracks = (
            chroma(magnitude, self.sample_rate, _N_FFT, tuning),
            mel,
            spectral_contrast(magnitude, self.sample_rate, _N_FFT),
        )
        return torch.cat(
            [
                flatness(power).mean()[None],
                crossing_rate(clip, _HOP).mean()[None],
                self._centroid(magnitude),
                self._pitch(magnitude),
                _statistics(loudness(clip + 0.0001, _HOP), "mean", "amax", "deviation"),
                harmonic_mean(spectrum, magnitude, self.window, len(clip))[None],
                clip.abs().mean()[None],
                _statistics(clip, "deviation"),
                _statistics(self._mfcc(mel), "mean", "deviation", "amax"),
                *(_statistics(track, "mean") for track in tracks),
            ]
        )

    def _centroid(self, magnitude):
        track = centroid(magnitude, self.hertz)
        total = track.sum()
        track = track / total.masked_fill(total == 0, 1.0)
        return _statistics(track, "mean", "deviation", "amax")

    def _pitch(self, magnitude):
        """Four statistics of the pitch track and the tuning of all peaks, ``(5,)``."""
        peaks = piptrack(magnitude, self.sample_rate, _N_FFT, fmin=70.0, fmax=400.0)
        pitches, heights = peaks
        strongest = heights.argmax(dim=0)
        if self.source_pitch:
            # Frame 1 is the second; a clip of one frame has only the first.
            strongest = strongest[:2][-1:].expand_as(strongest)
        track = pitches.gather(0, strongest[None])[0]
        tuning = pitches.new_tensor([pitch_tuning(pitches.flatten())])
        return torch.cat([_statistics(track, "mean", "amax", "amin", "deviation"), tuning])

    def _mfcc(self, mel):
        return self.cosines @ power_to_db(mel)


def _statistics(track, *names):
    """Statistics over the last axis of ``track ((bands,) frames)``, one after the other."""
    values = []
    for name in names:
        value = track.std(dim=-1, correction=0) if name == "deviation" else getattr(track, name)(-1)
        values.append(value.reshape(-1))
    return torch.cat(values)
