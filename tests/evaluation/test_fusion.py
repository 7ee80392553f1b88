import json

import numpy as np
import pandas as pd
import pytest

from ser_lib.errors import ProtocolError, RunError
from ser_lib.evaluation.fusion import Member, fuse, fused_name, read_member, write_fused
from ser_lib.evaluation.predictions import check_predictions, read_predictions
from ser_lib.evaluation.report import write_report
from ser_lib.evaluation.rows import is_heard
from ser_lib.protocols.clips import Clip
from ser_lib.protocols.ledger import Ledger


def with_shares(frame, shares):
    """A table with other probabilities, its ``predicted`` and ``correct`` following from them."""
    labels = [column[2:] for column in frame if column.startswith("p_")]
    frame = frame.copy()
    frame[[f"p_{label}" for label in labels]] = shares
    frame["predicted"] = np.array(labels, dtype=object)[np.asarray(shares).argmax(axis=1)]
    return frame.assign(correct=frame["predicted"] == frame["emotion"])


def shares_of(frame):
    return frame[[column for column in frame if column.startswith("p_")]].to_numpy()


@pytest.fixture
def pair(predictions):
    """Two systems' tables of the same clips."""
    first = predictions()
    other = np.random.default_rng(1).dirichlet(np.ones(4), len(first))
    return first, with_shares(first, other)


def test_mean_by_hand(predictions):
    frame = predictions(speakers=1, clips=2)  # true: neutral, happy
    sure = with_shares(frame, [[0.9, 0.1, 0, 0], [0.6, 0.4, 0, 0]])
    unsure = with_shares(frame, [[0, 0.2, 0.3, 0.5], [0.1, 0.8, 0.1, 0]])
    fused = fuse([sure, unsure])
    np.testing.assert_allclose(shares_of(fused), [[0.45, 0.15, 0.15, 0.25], [0.35, 0.6, 0.05, 0]])
    assert fused["predicted"].tolist() == ["neutral", "happy"]
    assert fused["correct"].tolist() == [True, True]
    three = fuse([sure, unsure, unsure])
    np.testing.assert_allclose(shares_of(three)[0], [0.3, 0.5 / 3, 0.2, 1 / 3])
    assert three["predicted"].tolist() == ["angry", "happy"]


def test_the_result_is_a_table_of_predictions_like_the_first(pair, classes):
    fused = fuse(pair)
    assert check_predictions(fused, classes) == classes
    assert fused.columns.tolist() == pair[0].columns.tolist()
    assert fused["id"].tolist() == pair[0]["id"].tolist()
    assert fused["correct"].dtype == bool


def test_clips_meet_by_id_and_classes_by_name(pair):
    first, second = pair
    order = [*first.columns[:10], *first.columns[10:][::-1]]
    shuffled = second.sample(frac=1, random_state=0)[order]
    pd.testing.assert_frame_equal(fuse([first, shuffled]), fuse(pair))


def test_a_table_with_itself_stays_as_it_was(pair):
    pd.testing.assert_frame_equal(fuse([pair[0]] * 3), pair[0], check_dtype=False)


def test_an_id_of_several_folds_meets_its_own_fold(predictions):
    folds = [predictions(fold=fold, seed=fold) for fold in (1, 2)]
    both = pd.concat(folds, ignore_index=True)
    turned = pd.concat(folds[::-1], ignore_index=True)
    np.testing.assert_allclose(shares_of(fuse([both, turned])), shares_of(both))


def test_the_tables_that_come_in_stay_as_they_are(pair):
    before = [table.copy() for table in pair]
    fuse(pair)
    for old, table in zip(before, pair, strict=True):
        pd.testing.assert_frame_equal(old, table)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: f[1:], r"table 1 has the clip 01-000 and table 2 has not \(1 such clip\)"),
        (lambda f: f.assign(id=f["id"] + "x"), r"table 1 has the clip 01-000 .* \(96 such clips\)"),
        (lambda f: f.assign(fold=2), "table 1 is of fold 1, table 2 of fold 2"),
        (lambda f: f.assign(corpus="EMO-DB"), "table 1 is of corpus RAVDESS, table 2 of corpus"),
        (lambda f: f.rename(columns={"p_sad": "p_calm"}).replace("sad", "calm"), "calm and sad"),
        (lambda f: f.assign(p_calm=0.0), "differ in the classes calm"),
        (lambda f: f.assign(gender="male"), "clip 02-000: gender is 'female' in table 1 and 'male"),
        (lambda f: f.assign(p_sad=2.0), "table 2: clip 01-000: a probability is not a number"),
        (lambda f: f.drop(columns="speaker"), "table 2: column 'speaker' is missing"),
    ],
)
def test_other_tables_are_refused_in_one_line(pair, spoil, words):
    with pytest.raises(RunError, match=words) as caught:
        fuse([pair[0], spoil(pair[1])])
    assert "\n" not in str(caught.value)


def test_other_labels_are_refused(pair):
    second = pair[1].copy()
    second.loc[3, "emotion"] = "happy" if second["emotion"][3] != "happy" else "sad"
    second["correct"] = second["emotion"] == second["predicted"]
    with pytest.raises(RunError, match="clip 01-003: emotion is 'angry' in a and 'happy' in b"):
        fuse([pair[0], second], ["a", "b"])


@pytest.mark.parametrize("number", [0, 1])
def test_one_table_is_no_fusion(pair, number):
    with pytest.raises(RunError, match="give two at least"):
        fuse(pair[:number])


@pytest.fixture
def make_ledger(predictions):
    """``make_ledger(change=)``: a ledger whose test side is the table of the tests."""

    def make(sound="a"):
        def clip(name, speaker):
            facts = {"gender": "", "emotion": "sad", "statement": "", "sha256": sound + name}
            return Clip(id=name, corpus="RAVDESS", speaker=speaker, **facts)

        test = predictions()["id"].tolist()
        sides = {"train": ["t"], "validation": ["v"], "test": test}
        return Ledger(
            protocol="ravdess-si6",
            description="A rule.",
            source="A paper.",
            promises={},
            fold=1,
            folds=6,
            seed=None,
            corpus="RAVDESS",
            clips={name: clip(name, side) for side, ids in sides.items() for name in ids},
            **sides,
        )

    return make


@pytest.fixture
def make_run(pair, run_facts, make_ledger, tmp_path):
    """``make_run(**facts)`` writes a finished run into a folder and returns it."""

    def make(name="run", ledger=None, **facts):
        ledger, folder = ledger or make_ledger(), tmp_path / name
        facts = {"ledger_sha256": ledger.sha256, "shared": ledger.shared, "fold": 1} | facts
        write_report(folder, run_facts(pair[1], **facts), pair[1])
        ledger.save(folder / "ledger.json")
        return folder

    return make


def test_a_finished_run_is_read(make_run, make_ledger, pair):
    member = read_member(make_run(), make_ledger())
    assert member.run["system"] == "cnn_transformer"
    pd.testing.assert_frame_equal(member.predictions, pair[1], check_dtype=False)


def test_another_ledger_is_refused_and_both_are_named(make_run, make_ledger):
    folder, other = make_run(), make_ledger("b")
    with pytest.raises(RunError) as caught:
        read_member(folder, other)
    text = str(caught.value)
    assert str(folder) in text and "\n" not in text
    assert make_ledger().sha256[:12] in text and other.sha256[:12] in text


def drop(name):
    return lambda folder: (folder / name).unlink()


def change_run(**facts):
    def spoil(folder):
        path = folder / "metrics.json"
        metrics = json.loads(path.read_text())
        path.write_text(json.dumps(metrics | {"run": metrics["run"] | facts}))

    return spoil


def shorten(folder):
    path = folder / "predictions.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (drop("ledger.json"), "no ledger.json; check the path"),
        (drop("metrics.json"), "no metrics.json"),
        (drop("predictions.csv"), "no predictions.csv"),
        (lambda f: (f / "ledger.json").write_text("{}"), "not a valid ledger"),
        (lambda f: (f / "metrics.json").write_text("{}"), "not a report's metrics.json"),
        (lambda f: (f / "predictions.csv").write_text(""), "not a table of predictions"),
        (shorten, "are not of one run"),
        (change_run(ledger_sha256="0" * 64), "are not of one run"),
        (change_run(system="../../elsewhere"), "of another kind"),
        (change_run(system=7), "of another kind"),
        (change_run(parameters="many"), "of another kind"),
        (change_run(shared=None), "of another kind"),
        (change_run(classes=None), "of another kind"),
        (change_run(classes=["sad", "happy"]), "the model has"),
        (change_run(epochs_asked=None), "of another kind"),
        (change_run(shared={}), "does not say which speakers"),
    ],
)
def test_an_unfinished_or_damaged_run_is_refused_in_one_line(make_run, make_ledger, spoil, words):
    folder = make_run()
    spoil(folder)
    with pytest.raises((RunError, ProtocolError), match=words) as caught:
        read_member(folder, make_ledger())
    assert "\n" not in str(caught.value)


def test_the_folder_of_all_folds_points_to_one_fold(make_run, make_ledger, tmp_path):
    inner = make_run("all/fold-1")
    with pytest.raises(RunError, match=f"such as {inner}"):
        read_member(tmp_path / "all", make_ledger())


def test_what_an_encoder_had_heard_is_told_of_the_fusion_too(pair, run_facts, tmp_path):
    encoder = {"encoder": "a/b@1", "corpora": ["RAVDESS"], "source": "s", "shared": ["RAVDESS"]}
    first = run_facts(pair[0], system="text", temperature=2.0, classes_without_training=["sad"])
    second = run_facts(pair[1], encoder=encoder, classes_without_training=["sad", "happy"])
    members = [Member(first, pair[0]), Member(second, pair[1])]
    metrics = write_fused(tmp_path / "fused", members, "python -m somewhere")
    assert is_heard(metrics["run"]) and "temperature" not in metrics["run"]
    assert metrics["run"]["classes_without_training"] == ["sad"]
    report = (tmp_path / "fused" / "report.md").read_text(encoding="utf-8")
    assert "speakers it never heard" not in report and "a/b" in report


def test_the_fused_report(pair, run_facts, tmp_path):
    members = [
        Member(run_facts(pair[0], system="text", system_title="Words", seed=1), pair[0]),
        Member(run_facts(pair[1], epochs_run=2, epochs_asked=9), pair[1]),
    ]
    metrics = write_fused(tmp_path / "fused", members, "python -m somewhere")
    assert fused_name(members) == metrics["run"]["system"] == "text+cnn_transformer"
    assert metrics["run"]["parameters"] == 2 * members[0].run["parameters"]
    assert metrics["run"]["epochs_run"] is None and metrics["run"]["seed"] == "1 and 3"
    fused = read_predictions(tmp_path / "fused" / "predictions.csv")
    np.testing.assert_allclose(shares_of(fused), (shares_of(pair[0]) + shares_of(pair[1])) / 2)
    report = (tmp_path / "fused" / "report.md").read_text(encoding="utf-8")
    assert "Late fusion of Words + " in report and "python -m somewhere" in report
    assert "cnn_transformer was cut short: 2 of 9 epochs were run" in report
    alone = metrics["run"]["members"]
    assert [(m["system"], m["seed"]) for m in alone] == [("text", 1), ("cnn_transformer", 3)]
    assert alone[1]["wa"] == pytest.approx(pair[1]["correct"].mean())
