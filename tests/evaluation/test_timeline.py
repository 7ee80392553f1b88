import numpy as np
import pytest
from matplotlib.image import imread

from ser_lib.errors import RunError
from ser_lib.evaluation.timeline import timeline_figure

LABELS = ["neutral", "happy", "sad $x_1$"]


def shares(windows, classes=3, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), size=windows)


def pixels(path):
    found = imread(path)[..., :3]
    assert found.shape[0] > 400 and found.shape[1] > 800
    return found


def coloured(path, colour):
    """Number of pixels of a colour such as ``#0072B2``."""
    wanted = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return int((np.abs(pixels(path) - wanted).max(axis=-1) < 0.02).sum())


@pytest.mark.parametrize("windows", [1, 2, 45, 3600])
def test_any_length_is_drawn(tmp_path, windows):
    starts = np.arange(float(windows))
    path = timeline_figure(
        starts, starts + 3, shares(windows), LABELS, tmp_path / "a.png", "T", "sub"
    )
    assert (pixels(path).min(axis=-1) < 0.95).mean() > 0.02


def test_the_band_shows_the_most_probable_class(tmp_path):
    starts = np.arange(40.0)
    blue, vermillion = "#0072B2", "#D55E00"
    first = np.tile([0.8, 0.1, 0.1], (40, 1))
    whole = timeline_figure(starts, starts + 1, first, LABELS, tmp_path / "a.png", "T")
    half = first.copy()
    half[20:] = [0.1, 0.8, 0.1]
    parts = timeline_figure(starts, starts + 1, half, LABELS, tmp_path / "b.png", "T")
    assert coloured(parts, blue) < 0.75 * coloured(whole, blue)
    assert coloured(parts, vermillion) > 3 * coloured(whole, vermillion)


def test_many_classes_and_a_flat_recording(tmp_path):
    names = [f"class {place}" for place in range(30)]
    path = timeline_figure([0, 1], [3, 4], shares(2, 30), names, tmp_path / "a.png", "T" * 300)
    assert (pixels(path).min(axis=-1) < 0.95).mean() > 0.02


@pytest.mark.parametrize(
    ("windows", "found"), [(0, np.zeros((0, 3))), (4, shares(3)), (3, shares(3, 4)), (3, shares(9))]
)
def test_what_cannot_be_drawn(tmp_path, windows, found):
    starts = np.arange(float(windows))
    with pytest.raises(RunError, match="cannot be drawn"):
        timeline_figure(starts, starts + 1, found, LABELS, tmp_path / "a.png", "T")
    with pytest.raises(RunError, match="cannot be written"):
        (tmp_path / "file").write_text("")
        timeline_figure([0], [1], shares(1), LABELS, tmp_path / "file" / "a.png", "T")
