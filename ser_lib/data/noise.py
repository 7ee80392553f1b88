"""Noisy copies of training clips, made at a drawn signal-to-noise ratio.

Source: Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch. Each clip gets copies with
white Gaussian noise; one whole-number SNR is drawn for the clip and shared by its copies, the noise
itself is independent. The noise covers the whole analysed stretch, its zero-padded tail too. The
source makes the copies once, before training: here they are made when needed, from a seed that is a
function of the clip, so they never change either.

Departure: the source's published runs made the copies before the split, which puts siblings
of a test clip into training. Here only training clips are copied, after the split.
"""

import hashlib

import numpy as np


class GaussianNoiseCopies:
    """Augmentation that turns one clip into ``1 + copies`` training items.

    Arguments
    ---------
    copies : int
        Noisy copies a clip.
    snr_low, snr_high : int
        Range of the signal-to-noise ratio (dB), both ends included.
    sample_rate : int
        Hz of the waveforms.
    offset, seconds : float
        Stretch (s) that the front end analyses: power is measured and noise laid there.
    seed : int
        Another seed gives other noise.
    """

    def __init__(
        self, copies=2, snr_low=15, snr_high=29, sample_rate=48_000, offset=0.5, seconds=3.0, seed=0
    ):
        self.copies, self.seed = copies, seed
        self.snr_low, self.snr_high = snr_low, snr_high
        self.start = int(offset * sample_rate)
        self.end = self.start + int(seconds * sample_rate)

    @property
    def spec(self):
        """Plain description (dict), enough to make the same copies again."""
        return {"name": "gaussian_noise_copies", **vars(self)}

    def __call__(self, waveform, clip_id, copy):
        """Noisy copy of a clip.

        Arguments
        ---------
        waveform : numpy.ndarray
            ``(samples,)``, float32.
        clip_id : str
            Names the noise.
        copy : int
            1 to ``copies``; 0 returns the clip as it is.

        Returns
        -------
        numpy.ndarray
            ``(samples,)``, float32; at least as long as the analysed stretch.
        """
        if copy == 0:
            return waveform
        noisy = np.zeros(max(self.end, len(waveform)), dtype=np.float32)
        noisy[: len(waveform)] = waveform
        stretch = noisy[self.start : self.end]
        snr = self._generator(clip_id, 0).integers(self.snr_low, self.snr_high + 1)
        noise = self._generator(clip_id, copy).standard_normal(len(stretch), dtype=np.float32)
        signal_power = np.mean(np.square(stretch, dtype=np.float64))
        noise_power = np.mean(np.square(noise, dtype=np.float64))
        stretch += noise * np.float32(np.sqrt(signal_power / noise_power * 10 ** (-snr / 10)))
        return noisy

    def _generator(self, clip_id, stream):
        digest = hashlib.sha256(f"{self.seed}/{clip_id}/{stream}".encode()).digest()
        return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
