"""A clip's mel spectrogram as a picture for ImageNet's networks, as ShaheenPerveen has it.

Source: ShaheenPerveen/speech-emotion-recognition-iemocap, notebooks
``saving_spectrogram_audio_data_parallel`` and ``PyTorch_CNN``. Mel power of the whole clip at
22,050 Hz (2048-point Hann frames, hop 512, 128 Slaney bands) in decibels below its own maximum, at
most 80; drawn by librosa's ``specshow`` on time and mel axes that are then hidden, in a notebook's
figure of 6 x 4 inches, saved with 50 dots an inch: 300 x 200 pixels. Short side resized to 256
pixels, centre of 224 x 224 cut out, ImageNet's mean and deviation. The clip fills the same width
whatever its duration, and the cut leaves the middle three quarters of it, between two white strips.

Every pixel of the drawing shows one cell of the spectrogram and no mixture. So nothing is drawn
here: pixels are looked up, and agree with those of librosa 0.11, matplotlib 3.11 and Pillow 13.

Departures: there is no JPEG between drawing and resizing. Where librosa of 2019 mirrored a clip at
its ends and halved the outermost bands, today's is followed, which appends zeros and draws them in
full; this moves no edge by a whole pixel. The only frame of a very short clip, to which today's
gives no width, fills the picture.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ser_lib.features.framing import power_spectrum
from ser_lib.features.magma import magma
from ser_lib.features.mel import filter_bands, filtered, hz_to_mel, mel_filters, mel_to_hz
from ser_lib.registry import register

_HEIGHT, _WIDTH = 200, 300  # pixels
# Axes in matplotlib's default place, but for the lower margin of 1/8 that notebooks give them.
_LEFT, _RIGHT, _TOP, _BOTTOM = 37.5, 270.0, 24.0, 175.0  # pixels from the upper left corner
_WHITE = 256  # index of the colour behind the 256 of the spectrogram
_SIZE, _SCALE = 224, 25 / 32  # pixels; pixels of the drawing to one of the resized picture
_CUT_LEFT, _CUT_TOP = 80, 16  # pixels of the resized picture, 384 x 256
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@register("spectrogram_picture")
class SpectrogramPicture(nn.Module):
    """Waveforms ``(batch, time)`` to pictures ``(batch, 3, 224, 224)``.

    Arguments
    ---------
    sample_rate : int
        Hz of the incoming waveforms.
    n_mels : int
        Slaney bands from 0 Hz to half the sample rate.
    n_fft, hop_length : int
        Frame and hop (samples).
    top_db : float
        Depth (dB) kept below the clip's maximum.

    Raises
    ------
    ValueError
        If there are fewer than two bands, or another size is not positive.
    """

    def __init__(self, sample_rate=22_050, n_mels=128, n_fft=2048, hop_length=512, top_db=80.0):
        super().__init__()
        if min(n_mels, n_fft) < 2 or hop_length < 1 or sample_rate <= 0 or not top_db > 0:
            raise ValueError(
                "need n_mels and n_fft of 2 or more, hop_length of 1 or more, "
                "sample_rate and top_db above 0"
            )
        self.sample_rate, self.n_fft = sample_rate, n_fft
        self.hop_length, self.top_db = hop_length, top_db
        # On the CPU by name and persistent, see LogMel.
        with torch.device("cpu"):
            self.register_buffer("window", torch.hann_window(n_fft).clone())
            filters = mel_filters(sample_rate, n_fft, n_mels, 0.0, sample_rate / 2)
            self.register_buffer("filters", filters)
            self.blocks = filter_bands(filters)
            self.register_buffer("bands", drawn_bands(n_mels, sample_rate / 2))
            white = torch.full((1, 3), 255, dtype=torch.uint8)
            self.register_buffer("colours", torch.cat([magma(), white]))
            self.register_buffer("mean", torch.tensor(_MEAN))
            self.register_buffer("deviation", torch.tensor(_DEVIATION))

    @property
    def shape(self):
        """Shape ``(3, 224, 224)`` of one clip's picture: colour, row from the top, column."""
        return 3, _SIZE, _SIZE

    def forward(self, waveforms, lengths):
        """Pictures of a padded batch, each drawn from its own clip alone.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``.
        lengths : Tensor
            ``(batch,)``, samples; what lies beyond is ignored.

        Returns
        -------
        pictures : Tensor
            ``(batch, 3, 224, 224)``.
        lengths : Tensor
            ``(batch,)``, columns: 224 for every clip.
        """
        clips = zip(waveforms, lengths.tolist(), strict=True)
        drawings = [self.drawing(self.decibels(clip[:length])) for clip, length in clips]
        cut = resized(torch.stack(drawings), dim=2, start=_CUT_LEFT)
        cut = resized(cut, dim=1, start=_CUT_TOP)
        pictures = (cut / 255 - self.mean) / self.deviation
        return pictures.permute(0, 3, 1, 2).contiguous(), torch.full_like(lengths, _SIZE)

    def decibels(self, clip):
        """Samples ``(time,)`` to dB in ``[-top_db, 0]``, ``(n_mels, frames)``, 0 at the maximum."""
        power = power_spectrum(clip[None], self.window, self.n_fft, self.hop_length)[0]
        mel = filtered(self.filters, power, self.blocks).clamp(min=1e-10)
        return (10 * (mel.log10() - mel.amax().log10())).clamp(min=-self.top_db)

    def drawing(self, decibels):
        """The picture as it is saved, before it is resized.

        Arguments
        ---------
        decibels : Tensor
            ``(n_mels, frames)``; its minimum and maximum are the ends of the colours.

        Returns
        -------
        Tensor
            ``(200, 300, 3)``, whole numbers from 0 to 255 in float32: row from the top, column,
            red, green and blue.
        """
        low, high = decibels.aminmax()
        steps = 256 * ((decibels - low) / (high - low).clamp(min=torch.finfo(low.dtype).tiny))
        # One more row and column for the margins to point at.
        levels = F.pad(steps.long().clamp(0, 255), (0, 1, 0, 1), value=_WHITE)
        frames = drawn_frames(decibels.shape[1], decibels.device)
        return self.colours[levels[self.bands][:, frames]].float()


def drawn_bands(n_mels, highest):
    """Band that each row of the drawing shows, ``n_mels`` where it is white: int64 ``(200,)``.

    Bands meet halfway (in Hz) between their frequencies. The axis is matplotlib's "symlog" to base
    2 with a threshold of 1 kHz: straight up to there, then one unit an octave, 1 kHz being two.

    Arguments
    ---------
    n_mels : int
        Bands, evenly spaced on the Slaney scale from 0 Hz.
    highest : float
        Frequency (Hz) of the last.
    """
    mels = torch.linspace(hz_to_mel(0.0), hz_to_mel(highest), n_mels, dtype=torch.float64)
    hz = mel_to_hz(mels)
    middles = (hz[1:] + hz[:-1]) / 2
    edges = torch.cat([2 * hz[:1] - middles[:1], middles, 2 * hz[-1:] - middles[-1:]]) / 1000
    octaves = edges.sign() * (2 + edges.abs().clamp(min=1).log2())
    heights = torch.where(edges.abs() < 1, 2 * edges, octaves)
    shares = (heights - heights[0]) / (heights[-1] - heights[0])
    # An edge snaps to the nearest border between two rows.
    edges = (_BOTTOM - (_BOTTOM - _TOP) * shares + 0.5).floor()
    bands = (edges > torch.arange(_HEIGHT)[:, None]).sum(dim=1) - 1
    return torch.where(bands < 0, n_mels, bands)


def drawn_frames(frames, device):
    """Frame that each column of the drawing shows, ``frames`` where it is white: int64 ``(300,)``.

    Frame ``k`` starts at the border between columns that is nearest to ``37.5 + 232.5 k / frames``,
    in whole numbers here. Of several frames that start there, the last is seen.

    Arguments
    ---------
    frames : int
        In the spectrogram.
    device : torch.device
        Of the result.
    """
    columns = torch.arange(_WIDTH, device=device)
    before, breadth = int(_LEFT), int(2 * (_RIGHT - _LEFT))
    shown = (2 * frames * (columns - before) - 1).div(breadth, rounding_mode="floor")
    return torch.where((columns > before) & (columns < _RIGHT), shown, frames)


def resized(picture, dim, start):
    """224 pixels of a picture resized by 32/25, bilinearly and in whole numbers as Pillow does it.

    The weights are multiples of 1/64 and the colours whole numbers: float32 makes no error.

    Arguments
    ---------
    picture : Tensor
        Colours from 0 to 255 in float32.
    dim : int
        Of rows or of columns, counted from the front.
    start : int
        First of the resized pixels wanted.
    """
    pixels = torch.arange(start, start + _SIZE, device=picture.device)
    places = (pixels + 0.5) * _SCALE - 0.5
    first = places.long()
    weights = (places - first).view(-1, *[1] * (picture.dim() - dim - 1))
    one, other = (picture.index_select(dim, index) for index in (first, first + 1))
    return (one + weights * (other - one) + 0.5).floor()
