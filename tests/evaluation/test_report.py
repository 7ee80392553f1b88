import json
import re

import pandas as pd
import pytest

from ser_lib.errors import RunError
from ser_lib.evaluation import report
from ser_lib.evaluation.bootstrap import speaker_bootstrap
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.evaluation.report import write_report
from ser_lib.markdown import percent, span


@pytest.fixture
def no_figures(monkeypatch):
    """Figures have tests of their own; most reports here can do without."""
    monkeypatch.setattr(report, "draw", lambda folder, run, card, history: ["confusion", "recall"])


def shared_with(run, **things):
    run["shared"]["train-test"].update(things)
    return run


def test_all_files_are_there_and_agree(predictions, run_facts, history, tmp_path):
    frame = predictions()
    metrics = write_report(tmp_path, run_facts(frame), frame, history)
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    figures = {file.name for file in (tmp_path / "figures").iterdir()}
    names = ("confusion", "recall", "calibration", "groups", "curves")
    assert figures == {f"{name}.png" for name in names}
    pd.testing.assert_frame_equal(
        read_predictions(tmp_path / "predictions.csv"), frame, check_dtype=False
    )
    text = (tmp_path / "report.md").read_text()
    for name in re.findall(r"\]\((.+?\.png)\)", text):
        assert (tmp_path / name).is_file()
    assert len(re.findall(r"!\[", text)) == len(figures)
    write_report(tmp_path, run_facts(frame), frame, [])
    assert not (tmp_path / "figures" / "curves.png").exists()


def test_metrics_are_those_of_the_predictions(predictions, run_facts, tmp_path, no_figures):
    frame = predictions(speakers=9)
    found = write_report(tmp_path, run_facts(frame), frame)
    ua, low_high = found["metrics"]["ua"], speaker_bootstrap(frame, "ua")
    assert ua["value"] == pytest.approx(frame.groupby("emotion")["correct"].mean().mean())
    assert (ua["low"], ua["high"]) == pytest.approx(low_high)
    assert found["chance"] == {"ua": 0.25, "majority_wa": 0.25}
    assert found["interval"]["speakers"] == 9 and found["interval"]["resamples"] == 1000
    assert found["by"]["gender"]["male"]["n"] == (frame["gender"] == "male").sum()
    lowest = min(row["ua"] for row in found["by"]["speaker"].values())
    assert found["worst_speaker"]["ua"] == lowest
    happy = found["per_class"]["happy"]
    assert happy["recall_low"] <= happy["recall"] <= happy["recall_high"]


def test_the_corpus_probe_is_told_of_merged_corpora_alone(
    predictions, run_facts, tmp_path, no_figures
):
    parts = [predictions(corpus=name, seed=n) for n, name in enumerate(("CREMA-D", "TESS"))]
    frame = pd.concat(parts, ignore_index=True)
    frame["id"] = [f"{row.corpus}/{row.id}" for row in frame.itertuples()]
    run = run_facts(frame, corpus="Merged", corpora=["CREMA-D", "TESS"])
    probe = write_report(tmp_path / "two", run, frame)["corpus_probe"]
    text = (tmp_path / "two" / "report.md").read_text()
    assert "Corpus-identity probe: from the system's answers a linear model" in text
    assert (
        f"which of 2 corpora a clip is from with {percent(probe['from_answers'])} % balanced "
        f"accuracy; from the true emotion alone with {percent(probe['from_labels'])} %, by chance "
        "50.0 %."
    ) in text
    assert 0 <= probe["from_labels"] != probe["from_answers"] <= 1
    found = write_report(tmp_path / "one", run_facts(parts[0], corpus="CREMA-D"), parts[0])
    assert found["corpus_probe"] is None
    assert "probe" not in (tmp_path / "one" / "report.md").read_text()


def test_the_text_says_what_the_numbers_say(predictions, run_facts, tmp_path, no_figures):
    frame = predictions()
    found = write_report(tmp_path, run_facts(frame), frame)
    text = (tmp_path / "report.md").read_text()
    ua = found["metrics"]["ua"]
    assert (
        "On 48 clips of 4 speakers it never heard, Parallel CNN-Transformer reaches "
        f"**UA {percent(ua['value'])} %** (95 % interval {span(ua['low'], ua['high'])}), "
        "where guessing gives 25.0 %."
    ) in text
    for score in found["metrics"].values():
        assert f"| {percent(score['value'])} | {span(score['low'], score['high'])} |" in text
    for name, row in found["per_class"].items():
        assert f"| {name} | {row['support']} | {percent(row['recall'])} |" in text
    worst = found["worst_speaker"]
    assert f"Worst speaker: {worst['speaker']}, UA {percent(worst['ua'])} %" in text
    assert "share no speaker, no clip and no copy" in text
    assert "Caution:** an interval from 4 speakers is rough" in text
    assert "`" + "ab12" * 16 + "`" in text and "Seed: 3" in text
    assert "254,464 parameters; trained in 21 min on 2 CPU cores." in text
    assert "Synthetic" not in text and "Cut short" not in text and "nan" not in text.lower()


def test_the_worst_confusions_come_first(predictions, run_facts, tmp_path, no_figures):
    frame = predictions(skill=1.0)
    frame["predicted"] = frame["emotion"]
    sad = frame.index[frame["emotion"] == "sad"]
    frame.loc[sad[:5], "predicted"] = "angry"
    frame.loc[sad[5:7], "predicted"] = "happy"
    frame["correct"] = frame["emotion"] == frame["predicted"]
    write_report(tmp_path, run_facts(frame), frame)
    text = (tmp_path / "report.md").read_text()
    assert (
        "it takes sad for angry (5 of 12 clips, 41.7 %) and sad for happy (2 of 12 clips, 16.7 %)."
    ) in text


def test_synthetic_voices_are_called_so_at_the_top(predictions, run_facts, tmp_path, no_figures):
    frame = predictions(corpus="RAVDESS-synthetic")
    run = run_facts(frame, corpus="RAVDESS-synthetic", synthetic=True)
    write_report(tmp_path, run, frame)
    lines = (tmp_path / "report.md").read_text().splitlines()
    assert lines[2].startswith("> **Synthetic voices: no claim about human speech.**")
    with pytest.raises(RunError, match="RAVDESS-synthetic is synthetic"):
        write_report(tmp_path, {**run, "synthetic": False}, frame)


def test_a_leaky_split_says_so(predictions, run_facts, tmp_path, no_figures):
    frame = predictions(speakers=9)
    speakers = [f"{s:02d}" for s in range(1, 10)]
    run = shared_with(
        run_facts(frame), speakers=speakers, statements=["1", "2"], siblings=[["a", "a#1"]]
    )
    write_report(tmp_path, run, frame)
    text = (tmp_path / "report.md").read_text()
    assert "9 speakers are on both sides, so this number says little about new voices" in text
    assert "1 pair of a clip and its augmented copy" in text
    assert "The same 2 sentences are spoken on both sides" in text
    assert "9 speakers it knows from training" in text and "never heard" not in text
    assert "Caution" not in text


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            {"train": ["a", "b"], "validation": [], "test": ["c"]},
            "3 clips have identical audio under another label: 2 in train and 1 in test.",
        ),
        (
            {"train": [], "validation": ["a"], "test": []},
            "1 clip has identical audio under another label: 1 in validation.",
        ),
        ({"train": [], "validation": [], "test": []}, None),
    ],
)
def test_two_labels_of_one_sound_are_counted(
    predictions, run_facts, tmp_path, no_figures, told, words
):
    frame = predictions()
    write_report(tmp_path, run_facts(frame, two_labels=told), frame)
    text = (tmp_path / "report.md").read_text()
    assert words in text if words else "identical audio" not in text


def test_partly_known_speakers_are_counted(predictions, run_facts, tmp_path, no_figures):
    frame = predictions()
    run = run_facts(frame)
    run["shared"]["validation-test"]["speakers"] = ["02"]
    write_report(tmp_path, run, frame)
    text = (tmp_path / "report.md").read_text()
    assert "4 speakers, 1 of whom it knows" in text
    assert "1 test speaker is also in validation" in text


def test_what_the_encoder_has_heard_is_told(predictions, run_facts, encoder, tmp_path, no_figures):
    frame = predictions()
    found = write_report(tmp_path, run_facts(frame, encoder=encoder()), frame)
    assert found["run"]["encoder"] == encoder()
    text = (tmp_path / "report.md").read_text()
    first = text.split("## Results")[0]
    assert "The encoder `facebook/hubert-base-ls960@abc123` was trained on LibriSpeech" in first
    assert "which is tested here" not in text and "it never heard" in text


def test_an_encoder_that_has_heard_the_test_is_flagged(
    predictions, run_facts, encoder, tmp_path, no_figures
):
    frame = predictions()
    told = encoder(corpora=["LibriSpeech", "RAVDESS"], shared=["RAVDESS"])
    write_report(tmp_path, run_facts(frame, encoder=told), frame)
    first = (tmp_path / "report.md").read_text().split("## Results")[0]
    assert "**The encoder has heard RAVDESS, which is tested here: these numbers do not" in first
    assert "never heard" not in first and "4 speakers new to its training" in first


def test_an_encoder_nobody_knows_is_said_to_be(
    predictions, run_facts, encoder, tmp_path, no_figures
):
    frame = predictions()
    told = encoder(corpora=None, source="not listed")
    write_report(tmp_path, run_facts(frame, encoder=told), frame)
    text = (tmp_path / "report.md").read_text()
    assert "has heard before is not known (not listed)" in text
    write_report(tmp_path, run_facts(frame, encoder=None), frame)
    assert "encoder" not in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("run", "asked", "early", "cut"),
    [(12, 60, False, True), (12, 60, True, False), (60, 60, False, False), (None, None, False, 0)],
)
def test_an_early_cut_is_noted(
    predictions, run_facts, tmp_path, no_figures, run, asked, early, cut
):
    frame = predictions()
    facts = run_facts(
        frame, epochs_run=run, epochs_asked=asked, stopped_early=early, best_epoch=None
    )
    write_report(tmp_path, facts, frame)
    text = (tmp_path / "report.md").read_text()
    assert ("Cut short:** trained for 12 of 60 epochs" in text) == bool(cut)
    assert ("stopped early" in text) == early
    assert ("without epochs" in text) == (run is None)


def test_one_speaker_gets_no_interval(predictions, run_facts, tmp_path):
    frame = predictions(speakers=1)
    found = write_report(tmp_path, run_facts(frame), frame)
    assert found["metrics"]["ua"]["low"] is None
    text = (tmp_path / "report.md").read_text()
    assert "There is no interval" in text and "95 % interval " not in text.split("## Results")[0]


def test_a_class_without_clips_is_a_dash(predictions, run_facts, tmp_path):
    frame = predictions()
    frame = frame[(frame["emotion"] != "angry") & (frame["predicted"] != "angry")]
    found = write_report(tmp_path, run_facts(frame), frame)
    assert found["per_class"]["angry"]["recall"] is None
    assert "| angry | 0 | – | – | – | – |" in (tmp_path / "report.md").read_text()


def test_a_crash_leaves_the_earlier_report(
    predictions, run_facts, tmp_path, monkeypatch, no_figures
):
    frame = predictions()
    write_report(tmp_path, run_facts(frame), frame)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "report_text", crash)
    other = predictions(seed=9)
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path, run_facts(other), other)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_run_that_does_not_fit_is_refused(predictions, run_facts, tmp_path):
    frame = predictions()
    run = run_facts(frame)
    for change, words in [
        ({"sizes": {**run["sizes"], "test": 60}}, "48 clips, but the run tests 60"),
        ({"fold": 2}, "fold 1, the run is of fold 2"),
        ({"corpus": "CREMA-D"}, "corpus RAVDESS, the run is of corpus CREMA-D"),
        ({"classes": ["happy"]}, "the model has"),
        ({"shared": {}}, "'shared' does not say"),
    ]:
        with pytest.raises(RunError, match=words):
            write_report(tmp_path, run | change, frame)
    del run["command"]
    with pytest.raises(RunError, match="'command' is missing"):
        write_report(tmp_path, run, frame)
    assert not list(tmp_path.iterdir())
