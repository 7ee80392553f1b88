"""IEMOCAP's reader on small folders in the official layout; the sounds are noise."""

import functools
import logging
import runpy
import shutil
import zlib
from collections import Counter

import numpy as np
import pytest
import soundfile

from ser_lib.audio import inspect, read_audio
from ser_lib.corpora import choice, iemocap, iemocap_labels, savee
from ser_lib.corpora.manifest import FEATURES
from ser_lib.errors import CorpusError, HparamsError

RATE = 16_000
SMALL = {
    "Ses01F_impro01": ("F000 neu", "M000 ang", "F001 hap", "M001 exc"),
    "Ses01M_script01_1": ("M000 sad", "F000 xxx"),
    "Ses02F_impro07": ("F000 sad", "M012 exc"),
}


def noise(path, samples, channels):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
    shape = (samples, channels) if channels > 1 else samples
    soundfile.write(path, rng.integers(-3000, 3000, shape, dtype=np.int16), RATE, subtype="PCM_16")


def write(root, dialogues, audio=("sentences", "dialogues"), step=0.25, length=0.125):
    """Dialogues of turns ``"F000 neu"``; a turn lasts ``length`` s, one begins each ``step`` s."""
    for name, turns in dialogues.items():
        session = root / f"Session{name[4]}"
        labels, words = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""], []
        for place, (turn, code) in enumerate(map(str.split, turns)):
            start, end = step * place, step * place + length
            labels.append(f"[{start:.4f} - {end:.4f}]\t{name}_{turn}\t{code}\t[2.5, 3.0, 4.0]")
            words.append(f"{name}_{turn} [{start:08.4f}-{end:08.4f}]: Turn {place} of {name}.")
            if "sentences" in audio:
                noise(session / "sentences" / "wav" / name / f"{name}_{turn}.wav", 2000, 1)
        if "dialogues" in audio:
            noise(session / "dialog/wav" / f"{name}.wav", round(step * len(turns) * RATE), 2)
        for kind, lines in (("EmoEvaluation", labels), ("transcriptions", words)):
            (session / "dialog" / kind).mkdir(parents=True, exist_ok=True)
            path = session / "dialog" / kind / f"{name}.txt"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def small(tmp_path):
    """Three dialogues of two sessions with sentences and recordings, eight turns."""
    return write(tmp_path / "IEMOCAP_full_release", SMALL)


def prepare(folder, allow_partial=True, **choice):
    return iemocap.prepare(folder, allow_partial=allow_partial, progress=False, **choice)


def refused(folder, *words, **options):
    with pytest.raises(CorpusError) as caught:
        prepare(folder, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


def label_file(root, name="Ses01F_impro01"):
    return root / f"Session{name[4]}" / "dialog" / "EmoEvaluation" / f"{name}.txt"


def sentence(root, name):
    return root / f"Session{name[4]}" / "sentences/wav" / name.rpartition("_")[0] / f"{name}.wav"


def mark(root):
    """Without counts to be checked, as in the sample."""
    (root / "SYNTHETIC.md").touch()
    return root


def test_rows_of_sentences(small):
    manifest = prepare(small)
    assert manifest.features == FEATURES
    rows = {row["id"]: row for row in manifest}
    assert list(rows) == [
        "Ses01F_impro01_F000",
        "Ses01F_impro01_F001",
        "Ses01F_impro01_M000",
        "Ses01M_script01_1_M000",
        "Ses02F_impro07_F000",
    ]
    path = sentence(small, "Ses01F_impro01_M000")
    assert rows["Ses01F_impro01_M000"] == {
        "id": "Ses01F_impro01_M000",
        "path": str(path),
        "start": 0.0,
        "end": 0.125,
        "speaker": "Ses01M",
        "gender": "male",
        "emotion": "angry",
        "intensity": "",
        "statement": "impro01",
        "transcript": "Turn 1 of Ses01F_impro01.",
        "language": "en",
        "sample_rate": RATE,
        "duration": 0.125,
        "corpus": "IEMOCAP",
        "sha256": inspect(path).sha256,
    }
    assert rows["Ses01M_script01_1_M000"]["statement"] == "script01_1"


def test_rows_of_dialogues_are_stretches(small, tmp_path):
    rows = {row["id"]: row for row in prepare(small, audio="dialogues")}
    row = rows["Ses01F_impro01_M000"]
    path = small / "Session1/dialog/wav/Ses01F_impro01.wav"
    assert (row["path"], row["start"], row["end"]) == (str(path), 0.25, 0.375)
    assert (row["speaker"], row["duration"], row["sample_rate"]) == ("Ses01M", 0.125, RATE)
    samples, _ = read_audio(row["path"], row["start"], row["end"])
    both, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(samples, both[4000:6000].mean(axis=1))
    soundfile.write(tmp_path / "copy.wav", samples, RATE, subtype="PCM_32")
    assert row["sha256"] == inspect(tmp_path / "copy.wav").sha256
    assert len({row["sha256"] for row in rows.values()}) == len(rows) == 5


def test_a_stretch_of_one_channel_hashes_as_its_file(tmp_path):
    root = write(tmp_path / "corpus", {"Ses01F_impro01": ("F000 neu", "M000 ang")})
    path = root / "Session1/dialog/wav/Ses01F_impro01.wav"
    whole, _ = soundfile.read(path, dtype="int16")
    soundfile.write(path, whole[:, 0], RATE, subtype="PCM_16")
    soundfile.write(tmp_path / "cut.flac", whole[4000:6000, 0], RATE, subtype="PCM_16")
    angry = prepare(root, audio="dialogues")[1]
    assert angry["sha256"] == inspect(tmp_path / "cut.flac").sha256


def test_sentences_are_read_where_they_are_there_else_dialogues(small):
    assert "sentences" in prepare(small)[0]["path"]
    for session in ("Session1", "Session2"):
        shutil.rmtree(small / session / "sentences")
    assert "dialog" in prepare(small)[0]["path"]
    refused(small, "holds no sound", audio="sentences")


def test_classes(small):
    emotions = {name: Counter(prepare(small, classes=name)["emotion"]) for name in iemocap.CLASSES}
    four = {"neutral": 1, "angry": 1, "happy": 1, "sad": 2}
    assert emotions["source4"] == four
    assert emotions["merged4"] == four | {"happy": 3}
    assert emotions["all"] == four | {"excited": 2, "undecided": 1}
    merged = dict(
        zip(*(prepare(small, classes="merged4")[n] for n in ("id", "emotion")), strict=True)
    )
    assert merged["Ses02F_impro07_M012"] == "happy"


@pytest.fixture
def whole(tmp_path):
    """As many turns of each code and session as the release has, one dialogue a session."""
    codes = [code for code, count in iemocap_labels.COUNTS.items() for _ in range(count)]
    root, dialogues = tmp_path / "whole", {}
    for session, count in iemocap_labels.SESSION_COUNTS.items():
        mine = [codes.pop() for _ in range(count)]
        turns = [f"{'FM'[place % 2]}{place:04d} {code}" for place, code in enumerate(mine)]
        dialogues[f"Ses0{session}F_impro01"] = turns
    return write(root, dialogues, audio=("dialogues",), step=0.005, length=0.0025)


def test_the_whole_release_needs_no_flag_and_its_counts_are_asserted(whole):
    sizes = {"source4": 4490, "merged4": 5531, "all": 10_039}
    for classes, size in sizes.items():
        manifest = prepare(whole, allow_partial=False, classes=classes)
        assert len(manifest) == size
    counts = Counter(manifest["emotion"])
    assert counts == {iemocap_labels.EMOTIONS[c]: n for c, n in iemocap_labels.COUNTS.items()}
    assert len(set(manifest["speaker"])) == 10
    path = label_file(whole, "Ses02F_impro01")
    lines = path.read_text().splitlines(keepends=True)
    code = lines.pop().split("\t")[2]
    path.write_text("".join(lines))
    words = "10038 of IEMOCAP's 10039", "Session2 lacks 1", f"{code} lacks 1", "--allow_partial"
    refused(whole, *words, allow_partial=False)
    assert len(prepare(whole, classes="all")) == 10_038


def test_counts_are_those_of_the_whole_whatever_the_classes(small):
    words = "8 of IEMOCAP's 10039", "Session3 lacks 2136", "xxx lacks 2506"
    for classes in iemocap.CLASSES:
        refused(small, *words, allow_partial=False, classes=classes)


def test_variants_stand_for_the_module(small):
    merged = iemocap.variant("merged4", "dialogues")
    assert merged.EMOTIONS == iemocap.EMOTIONS == ("angry", "happy", "sad", "neutral")
    assert merged.OPTIONS == ("--classes", "merged4", "--audio", "dialogues")
    manifest = merged.prepare(small, True, progress=False)
    assert len(manifest) == 7 and set(manifest["emotion"]) == set(merged.EMOTIONS)
    assert manifest[0]["path"].endswith("Ses01F_impro01.wav")
    every = iemocap.variant("all")
    assert len(every.EMOTIONS) == 11 and every.OPTIONS == ("--classes", "all")
    assert len(every.prepare(small, True, progress=False)) == 8
    plain = iemocap.variant()
    assert plain.OPTIONS == iemocap.OPTIONS == ()
    assert plain.prepare(small, True, progress=False)[:] == prepare(small)[:]
    for corpus in (merged, every, plain):
        for name in ("NAME", "LANGUAGE", "LICENCE", "CITATION", "URL", "DEFAULT_PROTOCOL"):
            assert getattr(corpus, name) == getattr(iemocap, name)
        assert corpus.find(small) == small and corpus.__doc__ == iemocap.__doc__


def test_unknown_choices(small):
    with pytest.raises(HparamsError, match="--classes is one of source4, merged4, all, not 'four'"):
        iemocap.variant("four")
    with pytest.raises(HparamsError, match="--audio is one of sentences, dialogues, not 'video'"):
        prepare(small, audio="video")


def test_the_command_line_chooses_a_variant(capsys):
    def main(corpus, argv):
        return len(corpus.EMOTIONS), corpus.OPTIONS, argv

    words = ["hparams/x.yaml", "--classes", "all", "--seed", "3", "--audio=sentences"]
    chosen = iemocap.run(main, words)
    options = ("--classes", "all", "--audio", "sentences")
    assert chosen == (11, options, ["hparams/x.yaml", "--seed", "3"])
    assert iemocap.run(main, ["x.yaml"]) == (4, (), ["x.yaml"])
    for wrong in (["--classes"], ["--classes", "four"], ["--audio", "video"]):
        capsys.readouterr()
        assert iemocap.run(main, wrong) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ") and err.count("\n") == 1 and wrong[0] in err


@pytest.mark.parametrize("script", ["train.py", "prepare.py"])
def test_help_of_the_recipe_names_the_choices(repository, script, capsys):
    main = runpy.run_path(str(repository / "recipes" / "IEMOCAP" / script))["main"]
    # What train.py does with the recipes' main, prepare.py has done already.
    start = functools.partial(iemocap.run, main) if script == "train.py" else main
    try:
        code = start(["--help"])
    except SystemExit as left:
        code = left.code
    printed = capsys.readouterr().out
    assert code == 0
    for word in ("--classes source4|merged4|all", "--audio sentences|dialogues", "--allow_partial"):
        assert word in printed


def test_one_option_chooses_the_classes_of_all_commands(small):
    assert tuple(iemocap.CLASSES) == choice.CLASSES
    counts = [
        len(choice.choose(iemocap, name).prepare(small, True, progress=False))
        for name in choice.CLASSES
    ]
    assert counts == [5, 7, 8] and choice.choose(iemocap) is iemocap
    assert len(choice.widest(iemocap).prepare(small, True, progress=False)) == 8
    assert choice.widest(savee) is savee
    with pytest.raises(HparamsError, match="SAVEE is read with all its classes"):
        choice.choose(savee, "all")


def test_prepare_recipe(repository, small, capsys):
    main = runpy.run_path(str(repository / "recipes" / "IEMOCAP" / "prepare.py"))["main"]
    words = ["--data_folder", str(small), "--classes", "merged4"]
    assert main([*words, "--allow_partial"]) == 0
    printed = capsys.readouterr().out
    assert "IEMOCAP: 7 clips" in printed and "happy 3" in printed and "Ses02M 1" in printed
    assert main(words) == 2
    assert "--allow_partial" in capsys.readouterr().err.splitlines()[-1]


def test_dimensions_of_all_turns(small):
    table = iemocap.dimensions(small, allow_partial=True)
    assert len(table) == 8 and table["id"][:] == sorted(table["id"])
    assert table[0] == {
        "id": "Ses01F_impro01_F000",
        "valence": 2.5,
        "activation": 3.0,
        "dominance": 4.0,
    }
    with pytest.raises(CorpusError, match="8 of IEMOCAP's 10039"):
        iemocap.dimensions(small)


def test_turns_without_a_transcript_are_counted(small, caplog):
    (small / "Session1/dialog/transcriptions/Ses01F_impro01.txt").unlink()
    with caplog.at_level(logging.WARNING, "ser_lib"):
        said = prepare(small)["transcript"][:]
    assert said.count("") == 3 and said[4] == "Turn 0 of Ses02F_impro07."
    assert any("3 of 5 turns have no transcript" in text for text in caplog.messages)
    for session in ("Session1", "Session2"):
        shutil.rmtree(small / session / "dialog" / "transcriptions")
    assert set(prepare(small)["transcript"]) == {""}


def test_changed_labels_and_words_are_seen(small):
    assert prepare(small)[0]["emotion"] == "neutral"
    path = label_file(small)
    path.write_text(path.read_text().replace("neu", "sad "))
    assert prepare(small)[0]["emotion"] == "sad"
    words = small / "Session1/dialog/transcriptions/Ses01F_impro01.txt"
    words.write_text(words.read_text().replace("Turn 0", "Other words"))
    assert prepare(small)[0]["transcript"] == "Other words of Ses01F_impro01."


def test_bad_labels_are_refused_with_or_without_the_flag(small):
    path = label_file(small)
    path.write_text(path.read_text() + "[1.0 - 0.5]\tSes01F_impro01_F009\tneu\t[1, 2, 3]\n[x\n")
    for allow_partial in (True, False):
        words = "2 label lines", "Ses01F_impro01_F009 end at 0.5 s", "malformed"
        refused(small, *words, allow_partial=allow_partial)


def test_missing_sentences_are_all_named(small, caplog):
    mark(small)
    lost = ("Ses01F_impro01_M000", "Ses02F_impro07_F000")
    for name in (*lost, "Ses02F_impro07_M012"):
        sentence(small, name).unlink()
    words = "2 labelled turns have no sound in Session*/sentences/wav", *lost, "--allow_partial"
    message = refused(small, *words, allow_partial=False)
    assert "M012" not in message  # excited, which nobody asked for
    with caplog.at_level(logging.WARNING, "ser_lib"):
        assert len(prepare(small)) == 3
    assert any(all(name in text for name in lost) for text in caplog.messages)


def test_missing_dialogue_names_its_turns(small):
    mark(small)
    (small / "Session2/dialog/wav/Ses02F_impro07.wav").unlink()
    words = "1 labelled turn has no sound in Session*/dialog/wav", "Ses02F_impro07_F000"
    refused(small, *words, allow_partial=False, audio="dialogues")
    assert len(prepare(small, audio="dialogues")) == 4


def test_no_sound_at_all(small):
    for session in ("Session1", "Session2"):
        shutil.rmtree(small / session / "sentences")
        shutil.rmtree(small / session / "dialog" / "wav")
    refused(small, str(small), "holds no sound")


def test_a_stretch_beyond_its_dialogue(small, caplog):
    mark(small)
    path = label_file(small)
    text = path.read_text().replace("[0.5000 - 0.6250]", "[0.5000 - 7.0000]")
    path.write_text(text.replace("[0.0000 - 0.1250]", "[2.0000 - 2.1250]"))
    words = "2 labelled turns", "F000 (2 to 2.125 s)", "F001 (0.5 to 7 s)", "--allow_partial"
    refused(small, *words, allow_partial=False, audio="dialogues")
    with caplog.at_level(logging.WARNING, "ser_lib"):
        assert len(prepare(small, audio="dialogues")) == 3
    assert any("F001 (0.5 to 7 s)" in text for text in caplog.messages)
    refused(small, *words, allow_partial=False, audio="dialogues")
    assert len(prepare(small, audio="sentences")) == 5


def test_a_label_that_ends_a_moment_after_its_dialogue_is_cut(small):
    path = label_file(small, "Ses02F_impro07")
    path.write_text(path.read_text().replace("[0.0000 - 0.1250]", "[0.4000 - 0.5300]"))
    row = prepare(small, audio="dialogues")[4]
    assert (row["start"], row["end"], row["duration"]) == (0.4, 0.5, 0.1)
    assert len(read_audio(row["path"], row["start"], row["end"])[0]) == 1600


def test_broken_sounds_are_all_named(small):
    first, second = (sentence(small, f"Ses01F_impro01_{turn}") for turn in ("F000", "M000"))
    first.write_bytes(first.read_bytes()[:500])
    second.write_text("text")
    refused(small, "2 clips are broken", first.name, "truncated", second.name)
    for path in (small / "Session1/dialog/wav").iterdir():
        path.write_bytes(path.read_bytes()[:500])
    words = "Ses01F_impro01.wav is truncated", "Ses01M_script01_1.wav is truncated"
    refused(small, *words, audio="dialogues")


def test_wav_and_flac_of_one_turn(small):
    path = sentence(small, "Ses01F_impro01_F000")
    noise(path.with_suffix(".flac"), 2000, 1)
    refused(small, "Ses01F_impro01_F000 is there twice", "F000.wav", "F000.flac")


def test_suffixes_in_capitals(small):
    for path in list(small.rglob("*.*")):
        if path.is_file():
            path.rename(path.with_suffix(path.suffix.upper()))
    manifest = prepare(small)
    assert len(manifest) == 5 and manifest[0]["transcript"]
    assert len(prepare(small, audio="dialogues")) == 5


def test_hidden_files_are_left_out(small):
    before = prepare(small)[:]
    for path in list(small.rglob("*.*")):
        if path.is_file():
            path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
            (path.parent / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    sentences = small / "Session1/sentences/wav"
    shutil.copytree(sentences / "Ses01F_impro01", sentences / ".AppleDouble")
    (sentences / "._Ses01F_impro01").write_bytes(b"\x00\x05\x16\x07")
    assert prepare(small)[:] == before
    assert len(prepare(small, audio="dialogues")) == 5


def test_windows_line_ends_and_latin_1(small):
    before = prepare(small)[:]
    for path in small.rglob("*.txt"):
        text = path.read_text() + "C-E2:\tNeutral;\t(blasé)\n" * ("Emo" in str(path))
        path.write_bytes(text.replace("\n", "\r\n").encode("latin-1"))
    assert prepare(small)[:] == before


def test_aiff_bytes_under_wav_and_another_rate(small):
    name = "Ses01F_impro01"
    samples = np.linspace(-0.5, 0.5, 24_000).round(3)
    turn = samples[:4800]
    soundfile.write(sentence(small, f"{name}_F000"), turn, 24_000, format="AIFF")
    dialogue = small / "Session1" / "dialog" / "wav" / f"{name}.wav"
    soundfile.write(dialogue, np.stack([samples, samples], axis=1), 24_000, format="AIFF")
    rows = {row["id"]: row for row in prepare(small)}
    assert rows[f"{name}_F000"]["sample_rate"] == 24_000
    assert rows[f"{name}_F000"]["duration"] == 0.2
    assert rows[f"{name}_M000"]["sample_rate"] == RATE
    told, rate = read_audio(rows[f"{name}_F000"]["path"])
    assert rate == 24_000
    np.testing.assert_allclose(told, turn, atol=1e-4)
    cut = {row["id"]: row for row in prepare(small, audio="dialogues")}[f"{name}_M000"]
    assert (cut["sample_rate"], cut["start"], cut["duration"]) == (24_000, 0.25, 0.125)
    told, _ = read_audio(cut["path"], cut["start"], cut["end"])
    first = round(0.25 * 24_000)
    np.testing.assert_allclose(told, samples[first : first + len(told)], atol=1e-4)
    assert len(told) == round(0.125 * 24_000)


def test_path_that_is_not_ascii(small, tmp_path):
    folder = tmp_path / "Sprachdaten für Ömer 数据"
    small.rename(folder)
    assert len(prepare(folder)) == len(prepare(folder, audio="dialogues")) == 5


def test_link_to_the_folder(small, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(small, target_is_directory=True)
    assert prepare(link)[:] == prepare(small)[:]


@pytest.mark.parametrize("audio", ["sentences", "dialogues"])
def test_read_only_folder_is_left_as_it_is(small, untouched, audio):
    with untouched(small):
        assert len(prepare(small, audio=audio)) == 5


def test_link_that_leads_nowhere(small):
    path = sentence(small, "Ses01F_impro01_F000")
    path.unlink()
    path.symlink_to("nowhere.wav")
    refused(small, path.name, "no such file")


def test_the_folder_above_will_do_unless_it_holds_two(small):
    assert len(prepare(small.parent)) == 5
    shutil.copytree(small, small.parent / "backup")
    refused(small.parent, "more than once", "IEMOCAP_full_release, backup")


@pytest.mark.parametrize("inside", ["", "Session1/sentences/wav"])
def test_folder_without_labels(tmp_path, inside):
    folder = tmp_path / "other"
    (folder / inside).mkdir(parents=True)
    refused(folder, str(folder), "Session1 to Session5")


def test_no_turn_of_the_classes(tmp_path):
    refused(
        write(tmp_path / "few", {"Ses01F_impro01": ("F000 xxx",)}), "no turn of the classes ang"
    )


def test_nothing_is_downloaded(monkeypatch, tmp_path):
    message = refused(None, "https://sail.usc.edu/iemocap/", "--data_folder FOLDER", "sample")
    assert not hasattr(iemocap, "download") and "SER_DATA" in message
    write(tmp_path / "shelf" / "IEMOCAP", SMALL)
    monkeypatch.setenv("SER_DATA", str(tmp_path / "shelf"))
    assert len(prepare(None)) == 5
    with pytest.raises(CorpusError, match="typo is not there"):
        iemocap.find(tmp_path / "typo")
