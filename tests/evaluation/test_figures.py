import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from ser_lib.errors import RunError
from ser_lib.evaluation.figures import confusion_figure, interval_figure, training_curves


def inked(path):
    """Share of the pixels that are not white."""
    pixels = imread(path)[..., :3]
    assert pixels.shape[0] > 200 and pixels.shape[1] > 400
    return (pixels.min(axis=-1) < 0.95).mean()


@pytest.mark.parametrize("n", [2, 8])
def test_confusion_figure_darkens_with_the_share(tmp_path, n):
    names = [f"class {i} $x_1$" for i in range(n)]
    right = confusion_figure(np.eye(n, dtype=int) * 9, names, tmp_path / "a.png", "T", "sub")
    empty = confusion_figure(np.zeros((n, n), dtype=int), names, tmp_path / "b.png", "T", "sub")
    assert inked(right) > inked(empty) + 0.3 / n > 0.02


def test_training_curves_draw_what_is_there(tmp_path, history):
    full = training_curves(history, tmp_path / "full.png", "T", "sub", best_epoch=2)
    bare = [{"epoch": e["epoch"], "train_loss": e["train_loss"]} for e in history]
    loss = training_curves(bare, tmp_path / "loss.png", "T", "sub")
    one = training_curves(history[:1], tmp_path / "one.png", "T", "sub", best_epoch=1)
    holes = [history[0], {**history[1], "validation_loss": None}, history[2]]
    hole = training_curves(holes, tmp_path / "hole.png", "T", "sub", best_epoch=2)
    assert inked(full) > inked(loss) > 0.01
    assert inked(one) > 0.01 and inked(hole) > 0.01


def test_interval_figure_shows_intervals_and_chance(tmp_path):
    rows = [{"name": "happy", "value": 0.5}, {"name": "sad", "value": None, "note": "0 clips"}]
    plain = interval_figure({"": rows}, tmp_path / "plain.png", "T")
    wide = [{**rows[0], "low": 0.1, "high": 0.9, "note": "8 clips"}, rows[1]]
    rich = interval_figure({"emotion": wide}, tmp_path / "rich.png", "T", chance=0.25)
    assert inked(rich) > inked(plain) > 0.005


def test_a_long_title_is_wrapped_and_not_cut(tmp_path):
    short = interval_figure({"": [{"name": "a", "value": 0.5}]}, tmp_path / "a.png", "T")
    title = "A title of many words " * 12
    long = interval_figure({"": [{"name": "a", "value": 0.5}]}, tmp_path / "b.png", title)
    assert imread(long).shape[0] > imread(short).shape[0]
    assert imread(long).shape[1] == imread(short).shape[1]
    assert (imread(long)[:, -4:, :3] > 0.95).all()


def test_nothing_to_draw_is_said(tmp_path):
    with pytest.raises(RunError, match="no epoch to draw"):
        training_curves([], tmp_path / "a.png", "T")
    with pytest.raises(RunError, match="no group to draw"):
        interval_figure({"x": []}, tmp_path / "a.png", "T")
    with pytest.raises(RunError, match="2 classes"):
        confusion_figure(np.eye(3), ["a", "b"], tmp_path / "a.png", "T")


def test_matplotlib_is_loaded_only_for_a_figure():
    code = (
        "import sys, ser_lib.evaluation.figures, ser_lib.evaluation.tables\n"
        "assert 'matplotlib' not in sys.modules and 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
