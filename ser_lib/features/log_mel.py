"""Log-mel spectrogram of a fixed stretch of speech, as Data-Science-kosta computes it.

Source: Data-Science-kosta/Speech-Emotion-Classification-with-PyTorch (librosa's
``melspectrogram`` and ``power_to_db``). Seconds 0.5 to 3.5 of a 48 kHz clip are placed at the
start of 144,000 zeros; power spectrum of 1024-point frames (512-sample periodic Hamming window,
hop 256, centred, edges padded with zeros); 128 Slaney mel bands up to 24 kHz; decibels below the
clip's own maximum, floored at -80 dB. librosa pads with zeros since 0.9.0; the source is older,
when it mirrored the edges, which makes other numbers of the outermost frames.
"""

import torch

from ser_lib.features.framing import StretchFrontEnd, power_spectrum
from ser_lib.features.mel import filter_bands, filtered, mel_filters
from ser_lib.registry import register

_WINDOWS = {"hamming": torch.hamming_window, "hann": torch.hann_window}


@register("log_mel")
class LogMel(StretchFrontEnd):
    """Waveforms ``(batch, time)`` to log-mel features ``(batch, n_mels, frames)`` in dB.

    The defaults are those of the source. Every clip is cut or zero-padded to the same
    ``seconds``, so its features depend on nothing but itself.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    offset, seconds : float
        Start and duration (s) of the stretch that is analysed; ``int(seconds * sample_rate)``
        samples.
    n_fft, win_length, hop_length : int
        Frame, window and hop (samples).
    window : str
        ``"hamming"`` or ``"hann"``, periodic.
    n_mels : int
        Mel bands, Slaney scale and area normalisation.
    fmin, fmax : float
        Band edges (Hz); ``fmax`` None is half the sample rate.
    top_db : float
        Depth (dB) kept below the clip's maximum.

    Raises
    ------
    ValueError
        If the window is unknown or a size makes no frame.
    """

    def __init__(
        self,
        sample_rate=48_000,
        offset=0.5,
        seconds=3.0,
        n_fft=1024,
        win_length=512,
        hop_length=256,
        window="hamming",
        n_mels=128,
        fmin=0.0,
        fmax=None,
        top_db=80.0,
    ):
        super().__init__(sample_rate, offset, seconds)
        if window not in _WINDOWS:
            raise ValueError(f"window is {window!r}; choose one of {sorted(_WINDOWS)}")
        if not 0 < win_length <= n_fft or hop_length < 1 or seconds <= 0:
            raise ValueError("need 0 < win_length <= n_fft, hop_length >= 1 and seconds > 0")
        self.n_fft, self.win_length, self.hop_length = n_fft, win_length, hop_length
        self.top_db = top_db
        # On the CPU by name: Transformers builds models on the meta device, where numbers
        # cannot be computed. Persistent, so that they travel in the safetensors file.
        with torch.device("cpu"):
            # A periodic window is a view of one sample more, which safetensors will not store.
            self.register_buffer("window", _WINDOWS[window](win_length, periodic=True).clone())
            self.register_buffer(
                "filters", mel_filters(sample_rate, n_fft, n_mels, fmin, fmax or sample_rate / 2)
            )
            self.blocks = filter_bands(self.filters)

    @property
    def shape(self):
        """Shape ``(n_mels, frames)`` of one clip's features."""
        return self.filters.shape[0], 1 + self.n_samples // self.hop_length

    def analyse(self, stretch):
        """Samples ``(batch, time)`` to dB in ``[-top_db, 0]``, ``(batch, n_mels, frames)``."""
        power = power_spectrum(stretch, self.window, self.n_fft, self.hop_length)
        mel = filtered(self.filters, power, self.blocks)
        loudest = mel.amax(dim=(1, 2), keepdim=True)
        decibels = 10 * (mel.clamp(min=1e-10).log10() - loudest.clamp(min=1e-10).log10())
        return decibels.clamp(min=-self.top_db)
