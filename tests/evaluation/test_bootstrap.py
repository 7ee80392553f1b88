import numpy as np
import pandas as pd
import pytest

from ser_lib.errors import RunError
from ser_lib.evaluation.bootstrap import Interval, resampled_matrices, speaker_bootstrap
from ser_lib.evaluation.confusion import unweighted_accuracy
from ser_lib.evaluation.scorecard import scorecard
from ser_lib.evaluation.scores import summary


@pytest.mark.parametrize("score", ["ua", "wa", "macro_f1"])
def test_equals_a_plain_loop_over_drawn_speakers(predictions, classes, score):
    frame = predictions(speakers=5, clips=7)
    frame = frame[~((frame["speaker"] > "02") & (frame["emotion"] == "angry"))]
    n, seed = 20, 4
    speakers = sorted(set(frame["speaker"]))
    counts = np.random.default_rng(seed).multinomial(5, [0.2] * 5, size=n)
    values = []
    for row in counts:
        drawn = [frame[frame["speaker"] == s] for s, k in zip(speakers, row, strict=True) if k]
        times = [k for k in row if k]
        again = pd.concat([part for part, k in zip(drawn, times, strict=True) for _ in range(k)])
        values.append(summary(again, classes)[score])
    expected = np.percentile(values, [2.5, 97.5])
    found = speaker_bootstrap(frame, score, n_resamples=n, seed=seed)
    np.testing.assert_allclose(found, expected)


def test_is_wider_than_a_bootstrap_over_clips_where_speakers_differ():
    rows = [
        {"speaker": f"{s:02d}", "emotion": "sad", "predicted": "sad" if s % 2 else "happy"}
        for s in range(10)
        for _ in range(40)
    ]
    frame = pd.DataFrame(rows)
    clips = frame.assign(speaker=[str(i) for i in range(len(frame))])
    by_speaker, by_clip = (speaker_bootstrap(f, "wa") for f in (frame, clips))
    assert by_speaker.high - by_speaker.low > 3 * (by_clip.high - by_clip.low)


def test_holds_the_score_and_depends_on_the_seed_alone(predictions):
    frame = predictions(speakers=8)
    found = speaker_bootstrap(frame, "wa")
    assert isinstance(found, Interval)
    assert found.low < frame["correct"].mean() < found.high
    assert found == speaker_bootstrap(frame.sample(frac=1, random_state=1), "wa")
    assert found != speaker_bootstrap(frame, "wa", seed=1)


def test_takes_a_function_of_confusion_matrices(predictions):
    frame = predictions()
    assert speaker_bootstrap(frame, unweighted_accuracy) == speaker_bootstrap(frame, "ua")


def test_one_speaker_has_no_interval(predictions, classes):
    frame = predictions(speakers=1)
    assert speaker_bootstrap(frame, "ua") is None
    assert resampled_matrices(frame, classes) is None


def test_the_same_name_in_two_corpora_is_two_people(predictions):
    one, other = predictions(speakers=1), predictions(speakers=1, corpus="CREMA-D", seed=1)
    assert speaker_bootstrap(pd.concat([one, other]), "ua") is not None


def test_every_resample_has_as_many_speakers(predictions, classes):
    matrices = resampled_matrices(predictions(speakers=6, clips=10), classes, 50)
    assert matrices.shape == (50, 4, 4) and (matrices.sum((1, 2)) == 60).all()


def test_bad_inputs_are_refused(predictions):
    frame = predictions()
    with pytest.raises(RunError, match="'uar' is unknown; choose one of ua, wa, macro_f1"):
        speaker_bootstrap(frame, "uar")
    with pytest.raises(RunError, match="n_resamples is 0"):
        speaker_bootstrap(frame, "ua", n_resamples=0)
    with pytest.raises(RunError, match="no clips"):
        speaker_bootstrap(frame.head(0), "ua")


def test_a_report_claims_no_interval_without_width():
    rows = [
        {"speaker": speaker, "corpus": "A", "gender": "", "intensity": "", "statement": ""}
        | {"emotion": emotion, "predicted": "sad"}
        for speaker in ("1", "2")
        for emotion in ("sad", "happy")
    ]
    card = scorecard(pd.DataFrame(rows), ["happy", "sad"])
    assert card["metrics"]["ua"] == {"value": 0.5, "low": None, "high": None}
    assert card["per_class"]["sad"]["recall_low"] is None
