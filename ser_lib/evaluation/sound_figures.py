"""Pictures of one clip for a page: what it sounds like, and its emotion over time, as PNG bytes.

Narrow on purpose (4.8 inches), so that the lettering can still be read where a phone shrinks them.
"""

import io
from collections.abc import Sequence

import numpy as np

from ser_lib.evaluation.figures import BLUE, DPI, GREY, INK, PALE, quiet

WIDTH = 4.8
_COLUMNS = 400
_TOP_HZ = 8000
_RANGE_DB = 70
_LETTERS = 11
_SHADES = ("#FFFFFF", "#8CBFDD", BLUE, "#08395B")


def sound_figure(waveform: np.ndarray, rate: int) -> bytes:
    """Waveform above spectrogram, on one time axis.

    Arguments
    ---------
    waveform : np.ndarray
        Finite, shape (samples,), full scale is 1.0.
    rate : int
        In Hz.

    Returns
    -------
    bytes
        PNG. The spectrogram has 25 ms windows, up to 8 kHz, 70 dB below its loudest point.
    """
    seconds = len(waveform) / rate
    figure, (wave, image) = _figure(3.3, rows=2, ratios=(1, 1.6))
    low, high = envelope(waveform)
    times = np.linspace(0, seconds, len(low))
    wave.fill_between(times, low, high, color=BLUE, linewidth=0.6)
    limit = max(1e-4, float(np.abs(waveform).max())) * 1.05
    wave.set_ylim(-limit, limit)
    wave.set_yticks([])
    wave.set_title("waveform", loc="left", fontsize=_LETTERS, color=INK)
    level, top = spectrogram(waveform, rate)
    image.imshow(
        level,
        origin="lower",
        aspect="auto",
        extent=(0, seconds, 0, top / 1000),
        # Few shades halve the file, and the eye tells no more apart.
        cmap=_shades(24),
        vmin=-_RANGE_DB,
        vmax=0,
        interpolation="nearest",
    )
    image.set_title("spectrogram, kHz", loc="left", fontsize=_LETTERS, color=INK)
    image.set_xlabel("seconds")
    for ax, edges in ((wave, ()), (image, ("left", "bottom"))):
        _quiet(ax, edges)
        ax.set_xlim(0, seconds)
    wave.tick_params(labelbottom=False)
    return _png(figure)


def timeline_figure(
    labels: Sequence[str], edges: Sequence[float], probabilities: np.ndarray
) -> bytes:
    """A row a class, a column a stretch of time, shaded by probability; a bar marks the best.

    Arguments
    ---------
    labels : sequence of str
        Classes, top to bottom.
    edges : sequence of float
        Where the stretches begin and end, in s: one more than there are stretches, ascending.
    probabilities : np.ndarray
        Shape (stretches, classes).

    Returns
    -------
    bytes
        PNG.
    """
    probabilities = np.asarray(probabilities)
    figure, ax = _figure(0.8 + 0.25 * len(labels))
    image = ax.pcolormesh(
        edges, np.arange(len(labels) + 1) - 0.5, probabilities.T, cmap=_shades(), vmin=0, vmax=1
    )
    for place, best in enumerate(probabilities.argmax(axis=1)):
        # Ink with a white rim is seen on every shade.
        for color, thickness in (("white", 4.5), (INK, 2)):
            ax.plot(
                edges[place : place + 2],
                [best, best],
                color=color,
                linewidth=thickness,
                solid_capstyle="butt",
            )
    ax.set_yticks(range(len(labels)), list(labels), parse_math=False)
    ax.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    ax.grid(axis="y", which="minor", color=PALE, linewidth=0.8)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel("seconds")
    _quiet(ax, ("bottom",))
    bar = figure.colorbar(image, ax=ax, aspect=20, pad=0.02)
    bar.set_ticks([0, 0.5, 1], labels=["0", "50", "100 %"])
    bar.ax.tick_params(length=0, labelsize=10, labelcolor=GREY)
    bar.outline.set_visible(False)
    return _png(figure)


def envelope(waveform: np.ndarray, columns: int = _COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest sample of each of at most ``columns`` equal stretches of a waveform."""
    starts = np.linspace(0, len(waveform), min(columns, len(waveform)), endpoint=False).astype(int)
    return np.minimum.reduceat(waveform, starts), np.maximum.reduceat(waveform, starts)


def spectrogram(
    waveform: np.ndarray, rate: int, columns: int = _COLUMNS
) -> tuple[np.ndarray, float]:
    """Level in dB below the loudest point, shape (frequencies, times), and the top in Hz.

    A long clip is looked at in ``columns`` places, however long it is.
    """
    size = max(16, round(0.025 * rate))
    places = min(columns, max(1, len(waveform) // max(1, size // 4)))
    starts = np.linspace(0, max(0, len(waveform) - size), places).astype(int)
    padded = np.pad(waveform, (0, max(0, size - len(waveform))))
    frames = np.stack([padded[start : start + size] for start in starts]) * np.hanning(size)
    top = min(_TOP_HZ, rate / 2)
    kept = int(top * size / rate) + 1
    power = np.abs(np.fft.rfft(frames, axis=1))[:, :kept].T ** 2
    return 10 * np.log10(np.maximum(power, 1e-12) / max(power.max(), 1e-12)), top


def _shades(steps: int = 256):
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("share", list(_SHADES), N=steps)


def _figure(height: float, rows: int = 1, ratios=None):
    """A white figure of the page's width, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, 1, height_ratios=ratios)


def _quiet(ax, spines):
    quiet(ax, spines=spines)
    ax.tick_params(labelsize=_LETTERS)
    ax.xaxis.label.set(fontsize=_LETTERS)


def _png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
