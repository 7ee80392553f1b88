import subprocess
import sys

import numpy as np
import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import PROTOCOLS, split

#: Speakers that a protocol leaves out.
UNUSED = {"ravdess-19-source": {"20", "21", "22", "23", "24"}}


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_protocol_uses_each_clip_once(official, folds, name):
    manifest = official(PROTOCOLS[name].corpus)
    clips = zip(manifest["id"], manifest["speaker"], strict=True)
    used = sorted(clip for clip, speaker in clips if speaker not in UNUSED.get(name, ()))
    for ledger in folds(name):
        ids = [clip for side in ledger.sides.values() for clip in side]
        assert sorted(ids) == used


@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - {"ravdess-19-5", "tess-loso2"}))
def test_speakers_are_kept_apart_or_said_not_to_be(folds, name):
    rule = PROTOCOLS[name]
    for ledger in folds(name):
        apart = not any(common["speakers"] for common in ledger.shared.values())
        assert apart == ("speakers-disjoint" in rule.promises)
        assert apart or "not speaker-independent" in rule.notes[0].lower()


@pytest.mark.parametrize(
    "name", sorted(n for n, rule in PROTOCOLS.items() if "speakers-disjoint" in rule.promises)
)
def test_speaker_independent_protocols_promise_all_and_tell_of_the_text(folds, name):
    rule = PROTOCOLS[name]
    promised = {"speakers-disjoint", "no-identical-audio", "clip-once", "copies-with-clip"}
    assert promised <= set(rule.promises) and not rule.seeded
    same = all(ledger.shared["train-test"]["statements"] for ledger in folds(name))
    assert same == ("not text-independent" in " ".join(rule.notes))


@pytest.mark.parametrize("name", sorted(n for n, rule in PROTOCOLS.items() if rule.folds > 1))
def test_over_the_folds_every_clip_tests_once(official, folds, name):
    tests = [ledger.test for ledger in folds(name)]
    whole = len(official(PROTOCOLS[name].corpus))
    assert sum(map(len, tests)) == len(set().union(*tests)) == whole


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_seed_decides_where_a_protocol_is_seeded(cut, name):
    first, other = cut(name, 1), cut(name, 1, 4)
    assert (first.sha256 != other.sha256) == PROTOCOLS[name].seeded
    assert other.seed == (4 if PROTOCOLS[name].seeded else None)


def test_unknown_protocol_lists_names_and_guesses(manifest):
    with pytest.raises(ProtocolError) as caught:
        split(manifest, "ravdes-si6")
    message = str(caught.value)
    assert "did you mean 'ravdess-si6'?" in message
    assert all(name in message for name in PROTOCOLS)


@pytest.mark.parametrize("name", ["", None, 3, ["ravdess-si6"]])
def test_names_that_are_none(manifest, name):
    with pytest.raises(ProtocolError, match="unknown protocol"):
        split(manifest, name)


@pytest.mark.parametrize("fold", [0, 7, -1, "1", 1.0, None, True])
def test_fold_out_of_range(manifest, fold):
    with pytest.raises(ProtocolError, match=r"folds are 1\.\.6"):
        split(manifest, "ravdess-si6", fold)


def test_numpy_whole_numbers_will_do(manifest):
    ledger = split(manifest, "ravdess-random", np.int64(1), np.int64(2))
    assert ledger.seed == 2 and '"fold": 1,' in ledger.dumps()


@pytest.mark.parametrize("seed", [-1, 0.5, "0", None])
def test_bad_seed(manifest, seed):
    with pytest.raises(ProtocolError, match="seed"):
        split(manifest, "ravdess-random", seed=seed)


def test_other_corpus(make_manifest):
    manifest = make_manifest(change=lambda row: {**row, "corpus": "TESS"})
    with pytest.raises(ProtocolError, match="made for RAVDESS, but the manifest holds TESS"):
        split(manifest, "ravdess-si6")


def test_synthetic_corpus_is_welcome_and_stays_called_so(make_manifest):
    manifest = make_manifest(change=lambda row: {**row, "corpus": "RAVDESS-synthetic"})
    assert split(manifest, "ravdess-si6").corpus == "RAVDESS-synthetic"


def test_real_and_synthetic_do_not_mix(make_manifest):
    def change(row):
        return {**row, "corpus": "RAVDESS-synthetic"} if row["speaker"] == "01" else row

    with pytest.raises(ProtocolError, match="RAVDESS and RAVDESS-synthetic"):
        split(make_manifest(change=change), "ravdess-si6")


def test_manifest_without_a_column(manifest):
    with pytest.raises(ProtocolError, match="no column sha256"):
        split(manifest.remove_columns("sha256"), "ravdess-si6")


def test_manifest_without_rows(manifest):
    with pytest.raises(ProtocolError, match="no clips"):
        split(manifest.select([]), "ravdess-si6")


def test_clip_without_a_speaker(make_manifest):
    manifest = make_manifest(change=lambda row: {**row, "speaker": None})
    with pytest.raises(ProtocolError, match="'03-01-01-01-01-01-01' has no speaker"):
        split(manifest, "ravdess-si6")


def test_same_id_twice(make_manifest):
    with pytest.raises(ProtocolError, match="in the manifest twice"):
        split(make_manifest((1, 1, 20)), "ravdess-si6")


def test_import_stays_light():
    code = (
        "import ser_lib, sys; before = set(sys.modules); import ser_lib.protocols;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new & {'torch', 'transformers', 'datasets', 'sklearn', 'matplotlib'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("fold", range(1, 7))
def test_the_same_samples_under_two_labels_on_two_sides(two_labels, fold):
    # A clip of actor 01, who tests in fold 1, copied to actor 04, who tests in fold 2.
    pair = ("03-01-05-01-01-01-01", "03-01-04-01-01-01-04")
    manifest = two_labels(pair)
    side = {
        speaker: name
        for name, held in split(two_labels(), "ravdess-si6", fold).counts.items()
        for speaker in held["speakers"]
    }
    if side["01"] == side["04"]:
        assert {*pair} <= {*split(manifest, "ravdess-si6", fold).sides[side["01"]]}
    else:
        with pytest.raises(
            ProtocolError, match="no-identical-audio.*training with --drop_conflicts"
        ):
            split(manifest, "ravdess-si6", fold)
    ledger = split(manifest, "ravdess-si6", fold, drop_conflicts=True)
    assert not {*pair} & {*ledger.train} and not ledger.breaches()
    # What validates or tests stays, whatever its label.
    stays = {clip for clip in pair if side[clip[-2:]] != "train"}
    assert stays == {*pair} & {*ledger.validation, *ledger.test}
    told = {1: "1 training clip was", 2: "2 training clips were"}
    gone = len(pair) - len(stays)
    assert not gone or ledger.notes[-1].startswith(told[gone])


def test_the_same_samples_that_no_training_clip_holds_cannot_be_dropped(two_labels):
    ledger = split(two_labels(), "ravdess-si6")
    heard = ledger.counts["validation"]["speakers"][0]
    manifest = two_labels(("03-01-05-01-01-01-01", f"03-01-04-01-01-01-{heard}"))
    for drop in (False, True):
        with pytest.raises(ProtocolError, match=r"validation-test\); mend the corpus folder"):
            split(manifest, "ravdess-si6", drop_conflicts=drop)


def test_the_same_samples_under_one_label_cannot_be_dropped(two_labels):
    manifest = two_labels(("03-01-05-01-01-01-01", "03-01-05-01-01-01-04"))
    for drop in (False, True):
        with pytest.raises(ProtocolError, match="on two sides") as caught:
            split(manifest, "ravdess-si6", drop_conflicts=drop)
        assert "--drop_conflicts" not in str(caught.value)


def test_dropping_from_a_corpus_without_conflicts_changes_nothing(cut, manifest):
    assert split(manifest, "ravdess-si6", drop_conflicts=True) == cut("ravdess-si6")
