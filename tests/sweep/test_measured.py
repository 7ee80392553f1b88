import json

import pandas as pd
import pytest

from ser_lib.errors import RunError
from ser_lib.evaluation.bootstrap import speaker_bootstrap
from ser_lib.evaluation.confusion import SCORES, confusion_matrix
from ser_lib.sweep.drops import difference, drops
from ser_lib.sweep.keep import read_packed
from ser_lib.sweep.measured import Score, measure, read_kept
from ser_lib.sweep.neighbours import neighbours, unranked
from ser_lib.sweep.published import read_published
from ser_lib.use.compare import differences, paired

HERE = ("RAVDESS", "ravdess-si6", "mfcc_cnn")


def read(tmp_path):
    return measure(read_kept(tmp_path / "results"))


def test_one_run_is_what_its_json_says(keep, tmp_path):
    metrics = json.loads((keep() / "metrics.json").read_text())
    one = read(tmp_path)[HERE]
    assert one.ua == Score(*(metrics["metrics"]["ua"][key] for key in ("value", "low", "high")))
    assert one.worst == (metrics["worst_speaker"]["speaker"], metrics["worst_speaker"]["ua"])
    assert one.folds == (1,) and one.n_folds == 6 and one.ece == metrics["calibration"]["ece"]
    assert not one.cut and one.epochs == "100 epochs" and one.seconds == 1234.5


def test_folds_are_pooled_where_predictions_were_kept(keep, tmp_path):
    places = [keep(fold=fold) for fold in (2, 1)]
    frame = pd.concat([read_packed(place / "predictions.csv.gz") for place in places])
    one = read(tmp_path)[HERE]
    classes = sorted(set(frame["emotion"]))
    matrix = confusion_matrix(frame["emotion"], frame["predicted"], classes)
    assert one.ua.value == pytest.approx(SCORES["ua"](matrix))
    assert one.ua[1:] == pytest.approx(speaker_bootstrap(frame, "ua"))
    assert one.folds == (1, 2) and one.seconds == 2 * 1234.5
    (places[0] / "predictions.csv.gz").unlink()
    values = [json.loads((p / "metrics.json").read_text())["metrics"]["ua"] for p in places]
    one = read(tmp_path)[HERE]
    assert one.ua == Score(pytest.approx(sum(v["value"] for v in values) / 2))
    assert one.worst is None


def test_a_run_over_all_folds_stands_for_its_folds(keep, tmp_path):
    keep(fold=1, skill=0.1)
    keep(fold=[1, 2, 3, 4, 5, 6], skill=0.9)
    one = read(tmp_path)[HERE]
    assert one.folds == (1, 2, 3, 4, 5, 6) and len(one.runs) == 1
    assert one.runs[0].commands.endswith("--protocol ravdess-si6 --fold all")
    assert [other.place for other in one.others] == ["RAVDESS/ravdess-si6/mfcc_cnn/fold-1"]
    assert set(one.runs[0].ledgers) == {1, 2, 3, 4, 5, 6}


def test_seeds_are_averaged_over_the_same_speakers(keep, tmp_path):
    places = [keep(seed=1986), keep(seed=2)]
    values = [json.loads((p / "metrics.json").read_text())["metrics"]["wa"] for p in places]
    one = read(tmp_path)[HERE]
    assert one.wa.value == pytest.approx(sum(v["value"] for v in values) / 2)
    assert one.wa.low < one.wa.value < one.wa.high
    assert one.seeds == ["1986", "2"] and one.seconds == 1234.5


def test_cut_runs_are_told_and_give_way_to_whole_ones(keep, tmp_path):
    short = {"more": " --number_of_epochs 30", "epochs_asked": 30, "epochs_run": 30}
    keep(fold=[1, 2, 3, 4, 5, 6], **short)
    one = read(tmp_path)[HERE]
    assert one.cut and one.epochs == "30 of 100 epochs"
    keep(fold=1)
    one = read(tmp_path)[HERE]
    assert not one.cut and one.folds == (1,) and len(one.others) == 1


def test_stopping_early_is_no_cut_and_breaking_off_is(keep, tmp_path):
    keep(epochs_run=41, stopped_early=True)
    one = read(tmp_path)[HERE]
    assert not one.cut and one.epochs == "41 epochs, stopped early"
    keep(epochs_run=41)
    one = read(tmp_path)[HERE]
    assert one.cut and one.epochs == "41 of 100 epochs"


@pytest.mark.parametrize(
    ("done", "early", "cut", "words"),
    [
        ([42, 100, 87], [True, False, True], False, "42–100 epochs, stopped early in 2 of 3 folds"),
        ([42, 50, 87], True, False, "42–87 epochs, stopped early"),
        ([42, 100, 87], [True, False, False], True, "42–100 of 100 epochs"),
        (100, False, False, "100 epochs"),
    ],
)
def test_every_fold_ends_as_it_does(keep, tmp_path, done, early, cut, words):
    place = keep(fold=[1, 2, 3])
    metrics = json.loads((place / "metrics.json").read_text())
    metrics["run"] |= {"epochs_run": done, "stopped_early": early}
    (place / "metrics.json").write_text(json.dumps(metrics))
    one = read(tmp_path)[HERE]
    assert (one.cut, one.epochs) == (cut, words)


def test_an_ensemble_is_cut_where_its_members_were(keep, tmp_path):
    none = {"epochs_run": None, "epochs_asked": None, "best_epoch": None}
    keep("issa_emodb_ensemble", "emodb-random", corpus="EMO-DB", **none)
    keep("final_ensemble", "emodb-random", corpus="EMO-DB", more=" --number_of_epochs 5", **none)
    found = read(tmp_path)
    assert found[("EMO-DB", "emodb-random", "issa_emodb_ensemble")].epochs == ""
    cut = found[("EMO-DB", "emodb-random", "final_ensemble")]
    assert cut.cut and cut.epochs == "5 of 100 epochs"


def test_a_variant_is_a_row_of_its_own_and_partial_corpora_are_told(keep, tmp_path):
    keep()
    keep(variant="short", more=" --allow_partial")
    found = read(tmp_path)
    assert not found[HERE].partial
    assert found[(*HERE[:2], "mfcc_cnn (short)")].partial


def test_latency_is_that_of_the_system_on_the_corpus(keep, tmp_path):
    keep()
    assert read(tmp_path)[HERE].latency is None
    kept = read_kept(tmp_path / "results")
    assert measure(kept, {"EMO-DB/mfcc_cnn": 1.0})[HERE].latency is None
    assert measure(kept, {"RAVDESS/mfcc_cnn": 3.25})[HERE].latency == 3.25


def test_damaged_results_are_named(keep, tmp_path):
    place = keep()
    metrics = json.loads((place / "metrics.json").read_text())
    del metrics["worst_speaker"]
    (place / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(RunError, match=r"mfcc_cnn/fold-1/metrics.json: a value is missing"):
        read(tmp_path)
    place = keep()
    (place / "predictions.csv.gz").write_bytes(b"nothing packed")
    with pytest.raises(RunError, match=r"predictions.csv.gz: cannot be unpacked"):
        read_kept(tmp_path / "results")[0].frame  # noqa: B018
    (tmp_path / "results" / "metrics.json").write_text((place / "metrics.json").read_text())
    with pytest.raises(RunError, match="is not at <corpus>"):
        read_kept(tmp_path / "results")


def test_the_drop_is_of_the_published_metric(keep, published, tmp_path):
    keep(skill=0.4)
    keep(protocol="ravdess-random", skill=0.9)
    entries = read_published(published({"metric": "ua"}, {"system": "other", "ours": None}))
    found = read(tmp_path)
    row, absent = drops(found, entries)
    apart = found[HERE].ua
    assert row.from_published.value == pytest.approx(0.9 - apart.value)
    assert row.from_published.low == pytest.approx(0.9 - apart.high)
    assert row.from_published.high == pytest.approx(0.9 - apart.low)
    same = found[("RAVDESS", "ravdess-random", "mfcc_cnn")].ua
    assert row.from_ours.value == pytest.approx(same.value - apart.value)
    assert row.from_ours.low < row.from_ours.value < row.from_ours.high
    assert not row.nearest
    assert (absent.same, absent.apart, absent.from_ours, absent.from_published) == (None,) * 4


def test_the_default_protocol_comes_first_and_another_mixed_one_is_the_nearest(
    keep, published, tmp_path
):
    for protocol in ("ravdess-19-5", "ravdess-si5", "ravdess-si6"):
        keep(protocol=protocol)
    keep(protocol="ravdess-random")
    (row,) = drops(read(tmp_path), read_published(published({"ours": "ravdess-random5"})))
    assert row.apart.protocol == "ravdess-si6"
    assert row.same.protocol == "ravdess-random" and row.nearest


def test_a_source_that_parts_speakers_itself_drops_nothing_of_ours(keep, published, tmp_path):
    keep()
    (row,) = drops(read(tmp_path), read_published(published({"ours": "ravdess-si6"})))
    assert row.same is row.apart and row.from_ours is None and row.from_published is not None


@pytest.mark.parametrize(
    ("more", "entry"), [(" --allow_partial", {}), ("", {"stand_in": "another stands here"})]
)
def test_no_drop_from_a_number_that_ours_cannot_be_compared_with(
    keep, published, tmp_path, more, entry
):
    keep(more=more)
    keep(protocol="ravdess-random", more=more)
    (row,) = drops(read(tmp_path), read_published(published(entry)))
    assert row.published.value and row.apart and row.from_published is None
    assert row.from_ours is not None


def test_the_interval_of_a_difference():
    found = difference(Score(0.7, 0.6, 0.75), Score(0.4, 0.36, 0.43))
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - (0.1**2 + 0.03**2) ** 0.5)
    assert found.high == pytest.approx(0.3 + (0.05**2 + 0.04**2) ** 0.5)
    assert difference(Score(0.7), Score(0.4, 0.3, 0.5)) == Score(pytest.approx(0.3))


def test_neighbours_were_tested_on_the_same_folds(keep, tmp_path):
    whole = list(range(1, 7))
    best = keep("separable_cnn", fold=whole, skill=0.95)
    next_ = keep("mfcc_cnn", fold=whole, skill=0.3)
    keep("acoustic_dnn", fold=2, skill=0.9)
    keep("acoustic_mlp", fold=2, skill=0.5)
    keep("acoustic_lstm", fold=3, skill=0.0)
    keep("decision_tree", fold=3, skill=0.3, packed=False)
    measured = read(tmp_path)
    pairs = neighbours(measured)
    assert [pair[2:5] for pair in pairs] == [
        ("separable_cnn", "mfcc_cnn", whole),
        ("acoustic_dnn", "acoustic_mlp", [2]),
    ]
    pair = paired(*(read_packed(folder / "predictions.csv.gz") for folder in (best, next_)))
    assert pairs[0].difference[2:] == differences(*pair)[0][2:]
    assert pairs[0].difference.low > 0
    assert pairs[1].difference.clips == 48
    assert unranked(measured, pairs) == {"ravdess-si6": ["acoustic_lstm", "decision_tree"]}
