import json

import numpy as np
import pandas as pd
import pytest

from ser_lib.errors import RunError
from ser_lib.evaluation.predictions import write_predictions
from ser_lib.evaluation.scores import summary
from ser_lib.use import compare
from ser_lib.use.compare import differences, paired

CLASSES = ["neutral", "happy", "sad", "angry"]


def table(skill, seed=0, speakers=10, clips=24, first=1, corpus="RAVDESS"):
    """Predictions whose truth does not depend on skill or seed; speakers differ in difficulty."""
    rng = np.random.default_rng(seed)
    rows = []
    for speaker in range(first, first + speakers):
        for clip in range(clips):
            true = CLASSES[clip % 4]
            right = rng.random() < skill + 0.3 * ((speaker % 3) - 1)
            guess = true if right else CLASSES[rng.integers(4)]
            rows.append(
                {
                    "id": f"{speaker:02d}-{clip:03d}",
                    "speaker": f"{speaker:02d}",
                    "gender": "",
                    "intensity": "",
                    "statement": "",
                    "corpus": corpus,
                    "fold": 1,
                    "emotion": true,
                    "predicted": guess,
                    "correct": guess == true,
                    **{f"p_{name}": float(name == guess) for name in CLASSES},
                }
            )
    return pd.DataFrame(rows)


def test_a_run_with_itself_has_no_difference_at_all():
    for row in differences(*paired(table(0.5), table(0.5).sample(frac=1, random_state=0))):
        assert (row.difference, row.low, row.high) == (0, 0, 0)
        assert (row.clips, row.speakers) == (240, 10)


def test_values_are_those_of_the_reports():
    better, worse = table(0.7, seed=1), table(0.5, seed=2)
    rows = {row.score: row for row in differences(better, worse)}
    told, other = summary(better, CLASSES), summary(worse, CLASSES)
    for key, row in rows.items():
        assert row.value == pytest.approx(told[key]) and row.other_value == pytest.approx(
            other[key]
        )
        assert row.difference == pytest.approx(told[key] - other[key])
        assert row.low <= row.difference <= row.high
    swapped = {row.score: row for row in differences(worse, better)}
    assert swapped["ua"].low == pytest.approx(-rows["ua"].high)


def test_draws_are_paired():
    """A run that is better by one clip for every speaker is so in every draw."""
    worse = table(0.5)
    better = worse.copy()
    for _, rows in worse[~worse["correct"]].groupby("speaker"):
        place = rows.index[0]
        better.loc[place, "predicted"] = better.loc[place, "emotion"]
        better.loc[place, "correct"] = True
    wa = differences(better, worse)[1]
    assert wa.difference == pytest.approx(10 / 240)
    assert (wa.low, wa.high) == pytest.approx((10 / 240, 10 / 240))
    loose = differences(table(0.5, seed=5), table(0.5, seed=6))[1]
    assert loose.low < 0 < loose.high


def test_intervals_cover():
    """Of pairs of equally good runs about one in twenty is called different."""
    misses = 0
    for seed in range(60):
        one, two = table(0.5, seed=2 * seed), table(0.5, seed=2 * seed + 1)
        row = differences(one, two, resamples=300)[1]
        misses += row.low > 0 or row.high < 0
    assert misses <= 12


def test_one_speaker_has_no_interval():
    row = differences(table(0.5, speakers=1), table(0.6, seed=1, speakers=1))[0]
    assert row.low is None and row.speakers == 1


def test_different_clips():
    one, two = table(0.5), table(0.5, seed=1, first=3)
    with pytest.raises(RunError, match="--common") as caught:
        paired(one, two, "a", "b")
    assert "192 in common" in str(caught.value)
    left, right = paired(one, two, common=True)
    assert len(left) == len(right) == 192 and left["id"].equals(right["id"])
    with pytest.raises(RunError, match="no test clip in common"):
        paired(one, table(0.5, first=30), common=True)
    with pytest.raises(RunError, match="no test clip in common"):
        paired(one, table(0.5, corpus="EMO-DB"), common=True)


def test_other_labels_are_refused():
    other = table(0.5)
    other["emotion"] = other["emotion"].replace("angry", "anger")
    with pytest.raises(RunError, match="emotion is 'angry' in one and 'anger' in two"):
        paired(table(0.5), other)


def test_folds_that_overlap():
    twice = pd.concat([table(0.5), table(0.5, seed=3).assign(fold=2)])
    left, right = paired(twice, twice)
    assert len(left) == 480 and left["fold"].equals(right["fold"])


@pytest.fixture
def runs(tmp_path):
    folders = []
    for place, skill in enumerate((0.3, 0.6, 0.7)):
        folders.append(tmp_path / "runs" / f"system-{place}" / "fold-1")
        write_predictions(table(skill, seed=place), folders[-1] / "predictions.csv")
    return folders


def test_command(runs, capsys, tmp_path):
    words = [str(runs[0]), str(runs[1] / "predictions.csv"), str(runs[2])]
    assert compare.main([*words, "--output", str(tmp_path / "found.json")]) == 0
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith("| system")]
    assert len(lines) == 6 and all(line.split("|")[2].strip() == "system-0" for line in lines)
    assert "240 clips of 10 speakers" in out and "yes" in lines[0]
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found) == 6 and found[0]["run"] == "system-1" and found[0]["low"] > 0
    assert compare.main([*words, "--every_pair"]) == 0
    assert sum(line.startswith("| system") for line in capsys.readouterr().out.splitlines()) == 9


def test_command_that_cannot_be_obeyed(runs, capsys, tmp_path):
    other = tmp_path / "other.csv"
    write_predictions(table(0.5, first=5), other)
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    for words in (
        [runs[0]],
        [runs[0], other],
        [runs[0], tmp_path / "none"],
        [runs[0], tmp_path / "odd.csv"],
        [runs[0], runs[1], "--resamples", "1"],
    ):
        assert compare.main([str(word) for word in words]) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ") and err.count("\n") == 1
    assert compare.main([str(runs[0]), str(other), "--common"]) == 0
    assert "144 clips" in capsys.readouterr().out
