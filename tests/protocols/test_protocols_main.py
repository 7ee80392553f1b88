import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import soundfile

from ser_lib.corpora import iemocap, ravdess, sample
from ser_lib.errors import CorpusError
from ser_lib.protocols import PROTOCOLS, Ledger, lookup, split
from ser_lib.protocols.__main__ import main
from ser_lib.protocols.clips import read_clips


@pytest.fixture
def good(manifest, tmp_path):
    return str(split(manifest, "ravdess-si6", 2).with_copies(2).save(tmp_path / "good.json"))


@pytest.fixture
def leaky(manifest, tmp_path):
    fold = split(manifest, "ravdess-si6", 2)
    fold = replace(
        fold, train=fold.train[1:], test=[*fold.test, fold.train[0]], sha256=None, shared=None
    )
    return str(replace(fold, counts=None).save(tmp_path / "leaky.json"))


@pytest.fixture
def corpus(manifest, monkeypatch):
    """A stand-in for the reader of RAVDESS that knows only the folder `here`."""

    class Ravdess:
        @staticmethod
        def prepare(data_folder=None, allow_partial=False):
            if data_folder != "here":
                raise CorpusError(f"no RAVDESS in {data_folder}; give --data_folder")
            return manifest.select(range(600)) if allow_partial else manifest

    monkeypatch.setitem(sys.modules, "ser_lib.corpora.ravdess", Ravdess)


def test_list_names_every_protocol(capsys):
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in PROTOCOLS)


def test_audit_of_a_good_ledger(good, capsys):
    assert main(["audit", good]) == 0
    text = capsys.readouterr().out
    assert "Shared speakers: 0 " in text
    assert "speakers shared train-test: 0" in text
    assert "FAIL" not in text and text.count("PASS") == 5
    assert "fold 2 tests four women" in text
    assert "Augmented copies per training clip: 2" in text
    assert max(len(line) for line in text.splitlines()[2:]) <= 100


def test_audit_of_the_random_split_shows_all_speakers(manifest, tmp_path, capsys):
    path = split(manifest, "ravdess-random").save(tmp_path / "random.json")
    assert main(["audit", str(path)]) == 0
    text = capsys.readouterr().out
    assert "Shared speakers: 24 " in text
    assert "speakers shared train-test: 24" in text


def test_audit_headline_counts_validation_too(manifest, tmp_path, capsys):
    fold = split(manifest, "ravdess-si6", 1)
    moved = fold.validation[:1]
    fold = replace(fold, validation=fold.validation[1:], test=fold.test + moved, sha256=None)
    fold = replace(fold, shared=None, counts=None)
    assert main(["audit", str(fold.save(tmp_path / "l.json"))]) == 1
    text = capsys.readouterr().out
    assert "Shared speakers: 1 " in text
    assert "speakers shared train-test: 0" in text
    assert "speakers shared validation-test: 1" in text


def test_broken_promise_exits_1_and_is_named(leaky, capsys):
    assert main(["audit", leaky]) == 1
    text = capsys.readouterr().out
    assert "FAIL  speakers-disjoint" in text
    assert "speaker 01 is on both sides of train-test" in text
    assert "Verdict: 1 of 5 promises broken." in text


def test_bad_file_exits_2_and_the_others_are_still_audited(good, leaky, tmp_path, capsys):
    assert main(["audit", leaky, str(tmp_path / "none.json"), good]) == 2
    printed = capsys.readouterr()
    assert printed.out.count("Verdict:") == 2
    assert printed.err.startswith("error: cannot read the ledger")
    assert printed.err.count("\n") == 1


def test_synthetic_is_called_synthetic(make_manifest, tmp_path, capsys):
    manifest = make_manifest(change=lambda row: {**row, "corpus": "RAVDESS-synthetic"})
    path = split(manifest, "ravdess-si6").save(tmp_path / "l.json")
    assert main(["audit", str(path)]) == 0
    assert "RAVDESS-synthetic (synthetic sound" in capsys.readouterr().out


def test_audit_tells_words_balance_and_repeated_audio(make_manifest, tmp_path, capsys):
    def change(row):
        twin = row["id"] in ("03-01-02-01-01-01-01", "03-01-03-01-01-01-01")
        row = {**row, "sha256": "same"} if twin else row
        return None if row["emotion"] == "sad" and row["speaker"] in ("11", "20", "21") else row

    fold = split(make_manifest(change=change), "ravdess-si6", 1)
    assert main(["audit", str(fold.save(tmp_path / "l.json"))]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "statements 2 2 2" in text
    assert "repeated audio, clips 0 0 1" in text
    assert "female 540 56 % 120 50 % 52 24 %" in text
    assert "sad 128 13 % 32 13 % 8 4 %" in text
    assert "classes: validation +0.0 (angry), test -9.6 (sad)" in text
    assert "genders: validation -6.2 (female), test -32.2 (female)" in text
    assert "Words: 216 of 216 test clips say a statement of train (not text-independent)" in text
    assert "Identical audio under different labels: 1" in text
    twins = "03-01-02-01-01-01-01 (calm, test), 03-01-03-01-01-01-01 (happy, test)"
    assert f"- {twins}" in text


def test_audit_of_new_words_and_of_none(make_manifest, tmp_path, capsys):
    for new, said in (
        (lambda row: row["id"], "Words: 0 of 240 test clips say a statement of train (text-ind"),
        (lambda row: "", "Words: the corpus does not tell what is said."),
    ):
        manifest = make_manifest(change=lambda row, new=new: {**row, "statement": new(row)})
        path = split(manifest, "ravdess-si6").save(tmp_path / "l.json")
        assert main(["audit", str(path)]) == 0
        text = capsys.readouterr().out
        held = text.partition("What the sides hold")[2].partition("Furthest")[0]
        assert said in text and ("statements" in held) == ("0 of 240" in said)


def test_audit_shortens_a_long_list_of_conflicts(make_manifest, tmp_path, capsys):
    def change(row):
        return {**row, "sha256": f"{row['speaker']}{row['id'][9:11]}{row['id'][-6:]}"}

    fold = split(make_manifest(change=change), "ravdess-si6")
    main(["audit", str(fold.save(tmp_path / "l.json"))])
    text = capsys.readouterr().out
    assert "Identical audio under different labels: 96\n" in text and "  - and 93 more\n" in text


def test_show_prints_a_ledger(corpus, capsys, manifest):
    assert main(["show", "ravdess-si6", "--fold", "3", "--data_folder", "here"]) == 0
    text = capsys.readouterr().out
    assert json.loads(text)["sha256"] == split(manifest, "ravdess-si6", 3).sha256


def test_show_writes_a_ledger(corpus, tmp_path, capsys):
    path = tmp_path / "new" / "ledger.json"
    arguments = ["show", "ravdess-random", "--seed", "5", "--data_folder", "here"]
    assert main([*arguments, "--allow_partial", "--output", str(path)]) == 0
    assert len(Ledger.load(path).clips) == 600 and Ledger.load(path).seed == 5
    assert str(path) in capsys.readouterr().out


def test_show_leaves_conflicts_out_where_it_is_told_to(two_labels, monkeypatch, capsys):
    pair = ("03-01-05-01-01-01-01", "03-01-04-01-01-01-04")
    rows = two_labels(pair)
    reader = SimpleNamespace(prepare=lambda folder, allow_partial: rows)
    monkeypatch.setitem(sys.modules, "ser_lib.corpora.ravdess", reader)
    show = ["show", "ravdess-si6", "--data_folder", "here"]
    assert main(show) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "out of training with --drop_conflicts" in error
    assert main([*show, "--drop_conflicts"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sha256"] == split(rows, "ravdess-si6", drop_conflicts=True).sha256
    assert pair[0] in told["test"] and pair[1] not in told["train"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ravdess-si7"], "did you mean 'ravdess-si6'?"),
        (["ravdess-si6", "--fold", "0", "--data_folder", "here"], "folds are 1..6"),
        (["ravdess-si6", "--data_folder", "there"], "no RAVDESS in there"),
    ],
)
def test_show_says_in_one_line_what_is_wrong(corpus, capsys, arguments, said):
    assert main(["show", *arguments]) == 2
    printed = capsys.readouterr()
    assert said in printed.err and printed.err.count("\n") == 1 and not printed.out


def test_as_a_command(leaky):
    command = [sys.executable, "-m", "ser_lib.protocols"]
    assert subprocess.run([*command, "audit", leaky], capture_output=True).returncode == 1
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert helped.returncode == 0 and "exit codes" in helped.stdout


@pytest.fixture
def voices(tmp_path, monkeypatch):
    """Six actors who say one clip each, two of them the same at another level, and a ledger."""
    folder = tmp_path / "RAVDESS"
    for number, actor in enumerate((1, 4, 8, 9, 3, 24)):
        name = f"03-01-05-01-01-01-{actor:02d}"
        samples, rate = sample.voice("angry", speaker=1 if actor in (8, 24) else 2 * number + 3)
        path = folder / f"Actor_{actor:02d}" / f"{name}.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, (0.2 if actor == 8 else 1) * samples, rate, subtype="PCM_16")
    manifest = ravdess.prepare(folder, allow_partial=True, progress=False)
    rows = {row["id"][-2:]: row for row in manifest}
    sides = {"train": ("01", "04", "08"), "validation": ("09", "24"), "test": ("03",)}
    ids = {side: [rows[actor]["id"] for actor in actors] for side, actors in sides.items()}
    fold = split(manifest, "ravdess-random5")
    fold = replace(fold, **ids, sha256=None, shared=None, counts=None)
    return folder, str(fold.save(tmp_path / "ledger.json"))


def test_audit_with_the_corpus_finds_a_quieter_copy_in_validation(voices, capsys):
    folder, ledger = voices
    assert main(["audit", ledger]) == 0
    assert "Near-identical audio: not compared (give --data_folder)" in capsys.readouterr().out
    assert main(["audit", ledger, "--data_folder", str(folder)]) == 0
    text = capsys.readouterr().out
    found = text[text.index("Near-identical audio") :].splitlines()
    assert found[0] == "Near-identical audio, pairs besides exact copies: 1"
    assert found[1] == "  train-test: 0" and found[2] == "  train-validation: 1"
    assert found[3].startswith("  - 03-01-05-01-01-01-08 and 03-01-05-01-01-01-24: 0.9")
    assert found[4] == "  validation-test: 0" and "not compared" not in text


def test_classes_of_iemocap(iemocap_asked, official, tmp_path, capsys):
    ledger = split(official("IEMOCAP"), "iemocap-s5").save(tmp_path / "ledger.json")
    show = ["show", "iemocap-s5", "--data_folder", "here"]
    audit = ["audit", str(ledger), "--data_folder", "here"]
    for words in (show, [*show, "--classes", "merged4"], audit, [*audit, "--classes", "source4"]):
        assert main(words) == 2
        assert "enough of IEMOCAP" in capsys.readouterr().err
    assert iemocap_asked == ["source4", "merged4", "all", "source4"]
    assert main(["show", "ravdess-si6", "--classes", "all"]) == 2
    assert "RAVDESS is read with all its classes" in capsys.readouterr().err


def test_a_ledger_of_merged_classes_is_audited_on_the_corpus(iemocap_turns, tmp_path, capsys):
    folder = str(iemocap_turns / "IEMOCAP")
    turns = iemocap.variant("merged4").prepare(folder, True, progress=False)
    clips = {clip.id: clip for clip in read_clips(turns)}
    ids = sorted(clips)
    rule = lookup("iemocap-random")
    ledger = Ledger(
        **{"protocol": rule.name, "description": "d", "source": "s", "promises": {}, "seed": 0},
        **{"fold": 1, "folds": 1, "corpus": "IEMOCAP", "clips": clips},
        **{"train": ids[:3], "validation": ids[3:4], "test": ids[4:]},
    ).save(tmp_path / "ledger.json")
    assert main(["audit", str(ledger), "--data_folder", folder]) == 0
    assert "pairs besides exact copies: 0" in capsys.readouterr().out
    words = ["audit", str(ledger), "--data_folder", folder, "--classes", "source4"]
    assert main(words) == 2
    assert "lacks 1 clips of the ledger" in (error := capsys.readouterr().err)
    assert "or another --classes" in error


@pytest.mark.real
def test_audit_with_the_corpus_tells_near_identical_sound(real_ravdess, tmp_path, capsys):
    folder = tmp_path / "RAVDESS"
    for actor in ("01", "04", "08", "09", "03", "24"):
        inside = folder / f"Actor_{actor}"
        inside.mkdir(parents=True)
        for clip in sorted((real_ravdess / inside.name).iterdir())[:6]:
            (inside / clip.name).symlink_to(clip)
    ledger = tmp_path / "ledger.json"
    words = ["show", "ravdess-si6", "--data_folder", str(folder), "--allow_partial"]
    assert main([*words, "--output", str(ledger)]) == 0
    capsys.readouterr()
    assert main(["audit", str(ledger), "--data_folder", str(folder)]) == 0
    assert "Near-identical audio, pairs besides exact copies: 0\n" in capsys.readouterr().out
    (folder / "Actor_24" / sorted((folder / "Actor_24").iterdir())[0].name).unlink()
    assert main(["audit", str(ledger), "--data_folder", str(folder)]) == 2
    assert "lacks 1 clips of the ledger" in capsys.readouterr().err
