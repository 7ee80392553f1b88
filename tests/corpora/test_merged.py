import os
import runpy
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ser_lib.corpora import cremad, label_map, merged, ravdess, sample, savee, synthetic, tess
from ser_lib.corpora.manifest import is_synthetic
from ser_lib.corpora.voices import STYLES
from ser_lib.data.likeness import near_identical
from ser_lib.errors import CorpusError
from ser_lib.protocols import split

CLIPS = (
    "RAVDESS/Actor_01/03-01-02-01-01-01-01.wav",
    "RAVDESS/Actor_02/03-01-06-01-02-01-02.wav",
    "SAVEE/AudioData/DC/a01.wav",
    "SAVEE/AudioData/KL/su02.wav",
    "CREMA-D/AudioWAV/1001_DFA_ANG_XX.wav",
    "CREMA-D/AudioWAV/1002_IEO_FEA_HI.wav",
    "TESS/OAF_Pleasant_surprise/OAF_back_ps.wav",
    "TESS/YAF_sad/YAF_back_sad.wav",
)


def prepare(folder, allow_partial=True):
    return merged.prepare(folder, allow_partial=allow_partial, progress=False)


def refused(folder, *words, allow_partial=True):
    with pytest.raises(CorpusError) as caught:
        prepare(folder, allow_partial)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


@pytest.fixture
def shelf(tmp_path, write_clip):
    """A folder with two short clips of each of the four corpora."""
    for clip in CLIPS:
        write_clip(tmp_path / "shelf" / clip)
    return tmp_path / "shelf"


@pytest.fixture
def whole(tmp_path, write_clip):
    """All 12 162 names of the four corpora, links to one short clip."""
    clip, shelf = write_clip(tmp_path / "clip.wav"), tmp_path / "whole"
    names = [
        f"RAVDESS/Actor_{a:02d}/03-01-{e:02d}-{i:02d}-{s:02d}-{t:02d}-{a:02d}.wav"
        for a in range(1, 25)
        for e in range(1, 9)
        for i in ((1,) if e == 1 else (1, 2))
        for s in (1, 2)
        for t in (1, 2)
    ]
    names += [
        f"SAVEE/AudioData/{speaker}/{letters}{number:02d}.wav"
        for speaker in ("DC", "JE", "JK", "KL")
        for letters in savee.LETTERS
        for number in range(1, 31 if letters == "n" else 16)
    ]
    for code, emotion in zip(
        ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"), cremad.EMOTIONS, strict=True
    ):
        possible = [(a, s, "XX") for a in cremad.ACTORS for s in list(cremad.SENTENCES)[1:]]
        levels = ("XX",) if code == "NEU" else ("LO", "MD", "HI")
        possible += [(a, "IEO", level) for a in cremad.ACTORS for level in levels]
        names += [
            f"CREMA-D/AudioWAV/{actor}_{sentence}_{code}_{level}.wav"
            for actor, sentence, level in possible[-cremad.COUNTS[emotion] :]
        ]
    names += [
        f"TESS/{speaker}_{code}/{speaker}_{word}_{code}.wav"
        for speaker in tess.SPEAKERS
        for code in ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
        for word in tess.WORDS
    ]
    for name in names:
        path = shelf / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(clip, path)
    return shelf


def test_rows_keep_their_corpus_and_are_unique_across_corpora(shelf):
    rows = {row["id"]: row for row in prepare(shelf)}
    assert list(rows) == sorted(rows) and len(rows) == 8
    own = {row["id"]: row for row in cremad.prepare(shelf / "CREMA-D", True, False)}
    assert rows["CREMA-D/1002_IEO_FEA_HI"] == {
        **own["1002_IEO_FEA_HI"],
        "id": "CREMA-D/1002_IEO_FEA_HI",
        "speaker": "CREMA-D:1002",
        "statement": "CREMA-D:IEO",
        "emotion": "fearful",
    }
    told = {(row["corpus"], row["speaker"], row["statement"]): row for row in rows.values()}
    assert ("RAVDESS", "RAVDESS:01", "RAVDESS:1") in told
    assert ("SAVEE", "SAVEE:KL", "SAVEE:common-2") in told
    assert rows["TESS/OAF_back_ps"]["emotion"] == "surprised"
    assert rows["SAVEE/KL_su02"]["emotion"] == "surprised"
    assert rows["RAVDESS/03-01-02-01-01-01-01"]["emotion"] == "calm"


def test_emotions_are_those_of_system_001():
    assert merged.EMOTIONS == label_map.EIGHT
    assert list(merged.READERS) == ["RAVDESS", "SAVEE", "CREMA-D", "TESS"]
    for reader in (ravdess, savee, cremad, tess):
        assert f"{reader.NAME}: {reader.LICENCE}" in merged.LICENCE
        assert reader.CITATION in merged.CITATION


def test_whole_corpus_has_the_published_counts(whole, caplog):
    caplog.set_level("INFO")
    manifest = prepare(whole, allow_partial=False)
    assert len(manifest) == 12_162 and len(set(manifest["speaker"])) == 121
    assert Counter(manifest["emotion"]) == {
        **dict.fromkeys(("angry", "disgust", "fearful", "happy", "sad"), 1923),
        "neutral": 1703,
        "surprised": 652,
        "calm": 192,
    }
    table = next(text for text in caplog.messages if "12162 clips" in text).splitlines()[1:]
    cells = {line.split()[0]: [int(cell) for cell in line.split()[1:]] for line in table[1:]}
    assert tuple(table[0].split()) == (*merged.EMOTIONS, "all")
    assert cells["RAVDESS"] == [192, 192, 192, 192, 192, 96, 192, 192, 1440]
    assert cells["SAVEE"] == [60, 0, 60, 60, 60, 120, 60, 60, 480]
    assert cells["CREMA-D"] == [1271, 0, 1271, 1271, 1271, 1087, 1271, 0, 7442]
    assert cells["TESS"] == [400, 0, 400, 400, 400, 400, 400, 400, 2800]
    assert cells["all"] == [1923, 192, 1923, 1923, 1923, 1703, 1923, 652, 12_162]
    (whole / "SAVEE" / "AudioData" / "DC" / "a01.wav").unlink()
    refused(whole, "479 of SAVEE's 480", "--allow_partial", allow_partial=False)


def test_absent_corpora_are_named_and_left_out_only_with_the_flag(shelf, caplog):
    shutil.rmtree(shelf / "SAVEE")
    shutil.rmtree(shelf / "TESS")
    refused(
        shelf,
        f"{shelf} lacks SAVEE, TESS",
        "recipes/SAVEE/prepare.py",
        "--allow_partial",
        allow_partial=False,
    )
    manifest = prepare(shelf)
    assert set(manifest["corpus"]) == {"RAVDESS", "CREMA-D"} and len(manifest) == 4
    assert any("without SAVEE, TESS" in text for text in caplog.messages)


@pytest.mark.parametrize("allow_partial", [False, True])
def test_folder_without_any(tmp_path, allow_partial):
    message = refused(tmp_path, "lacks RAVDESS, SAVEE, CREMA-D, TESS", allow_partial=allow_partial)
    assert "--allow_partial" not in message and "sample" in message
    refused(tmp_path / "typo", "typo is not there", "CREMA-D/", allow_partial=allow_partial)


def test_faults_of_a_corpus_are_told_by_its_reader(shelf, write_clip):
    write_clip(shelf / "CREMA-D" / "AudioWAV" / "1001_DFA_SUR_XX.wav")
    refused(shelf, "1001_DFA_SUR_XX.wav", "unknown emotion SUR")


def test_folder_from_the_environment_then_from_downloads(shelf, tmp_path, monkeypatch):
    downloads = tmp_path / "cache" / "corpora"
    assert merged.find() == downloads
    monkeypatch.setenv("SER_DATA", str(shelf))
    assert merged.find() == shelf and len(prepare(None)) == 8
    downloads.mkdir(parents=True)
    shutil.move(shelf / "TESS", downloads / "TESS")
    manifest = prepare(None)
    assert len(manifest) == 8
    assert any(path.startswith(str(downloads / "TESS")) for path in manifest["path"])
    # A given folder is taken as it is.
    assert len(prepare(shelf)) == 6


def test_downloads_only_where_nothing_else_is_missing(shelf, tmp_path, monkeypatch):
    asked = []

    def download(folder):
        asked.append(folder.name)
        return Path(shutil.copytree(tmp_path / folder.name, folder))

    for reader in (ravdess, tess):
        monkeypatch.setattr(reader, "download", download)
        monkeypatch.setattr(reader, "refuse_partial", lambda *ignored: None)
    monkeypatch.setattr(cremad, "refuse_partial", lambda *ignored: None)
    monkeypatch.setattr(savee.folders, "refuse_partial", lambda *ignored: None)
    for name in ("RAVDESS", "TESS"):
        shutil.move(shelf / name, tmp_path / name)
    monkeypatch.setenv("SER_DATA", str(shelf))
    refused(shelf, "lacks RAVDESS, TESS", allow_partial=False)
    shutil.move(shelf / "SAVEE", tmp_path / "SAVEE")
    refused(None, "lacks RAVDESS, SAVEE, TESS", allow_partial=False)
    assert len(prepare(None)) == 2 and not asked
    shutil.move(tmp_path / "SAVEE", shelf / "SAVEE")
    assert len(prepare(None, allow_partial=False)) == 8 and asked == ["RAVDESS", "TESS"]


def test_read_only_folder_beyond_ascii_reached_by_a_link_is_left_as_it_is(
    shelf, tmp_path, untouched
):
    moved = shelf.rename(tmp_path / "Übung 感情")
    (tmp_path / "link").symlink_to(moved)
    (moved / ".DS_Store").write_bytes(b"Mac")
    with untouched(moved):
        assert len(prepare(tmp_path / "link")) == 8


def test_synthetic_voices_do_not_mix_with_real_ones(shelf):
    (shelf / "TESS" / synthetic.MARKER).touch()
    refused(shelf, str(shelf / "TESS"), "synthetic voices")


@pytest.fixture
def hum(monkeypatch):
    """A tenth of a second instead of a synthetic voice."""

    def voice(speaker, take=1, **others):
        return np.full(4800, take / speaker / 100, np.float32), 48_000

    monkeypatch.setattr(sample, "voice", voice)
    monkeypatch.setattr(synthetic, "voice", voice)


def test_sample_of_all_four(hum, tmp_path):
    folder = merged.find("sample")
    assert folder == tmp_path / "cache" / "corpora" / "sample-Merged-v3"
    manifest = prepare("sample", allow_partial=False)
    assert 60 <= len(manifest) <= 200 and is_synthetic(manifest)
    assert set(manifest["corpus"]) == {f"{name}-synthetic" for name in merged.READERS}
    assert set(manifest["emotion"]) == set(merged.EMOTIONS)
    rates = dict(zip(manifest["corpus"], manifest["sample_rate"], strict=True))
    assert [rates[f"{name}-synthetic"] for name in merged.READERS] == [
        48_000,
        44_100,
        16_000,
        24_414,
    ]
    people = {(r["corpus"], r["speaker"]): r["gender"] for r in manifest}
    assert Counter(corpus for corpus, _ in people) == {
        "RAVDESS-synthetic": 6,
        "SAVEE-synthetic": 4,
        "CREMA-D-synthetic": 10,
        "TESS-synthetic": 2,
    }
    assert Counter(g for (corpus, _), g in people.items() if corpus[0] in "RC") == {
        "female": 8,
        "male": 8,
    }
    assert {speaker for _, speaker in people if speaker.startswith("SAVEE:")} == {
        f"SAVEE:{name}" for name in ("DC", "JE", "JK", "KL")
    }


def test_no_voice_of_the_sample_is_in_two_corpora(monkeypatch, tmp_path):
    people = {}

    def keep(folder, name, clips, *more, **others):
        people[name] = {spoken["speaker"] for spoken in clips.values()}

    monkeypatch.setattr(sample, "write_voices", keep)
    monkeypatch.setattr(synthetic, "write_voices", keep)
    merged._write_sample(tmp_path)
    assert {name: len(voices) for name, voices in people.items()} == {
        "RAVDESS": 6,
        "SAVEE": 4,
        "CREMA-D": 10,
        "TESS": 2,
    }
    assert len(set().union(*people.values())) == 22


@pytest.mark.parametrize(
    "emotions", [("neutral",), pytest.param(tuple(STYLES), marks=pytest.mark.slow)]
)
def test_sides_of_the_sample_hold_no_near_identical_clips(monkeypatch, tmp_path, emotions):
    plain = synthetic.write_voices

    def some(folder, name, clips, *more, **others):
        clips = {path: said for path, said in clips.items() if said["emotion"] in emotions}
        return plain(folder, name, clips, *more, **{**others, "progress": False})

    monkeypatch.setattr(sample, "write_voices", some)
    monkeypatch.setattr(synthetic, "write_voices", some)
    manifest = prepare("sample")
    for fold in (1, 5):
        ledger = split(manifest, "merged-si", fold)
        seen = ledger.train + ledger.validation
        assert near_identical(manifest, seen, ledger.test, progress=False) == []


def test_recipe_prepares(repository, hum, capsys):
    main = runpy.run_path(str(repository / "recipes" / "Merged" / "prepare.py"))["main"]
    assert main(["--data_folder", "sample"]) == 0
    printed = capsys.readouterr().out
    assert "164 clips" in printed and "SYNTHETIC" in printed and "surprised 14" in printed


@pytest.mark.real
def test_real_parts(real_ravdess):
    shelf = real_ravdess.parent
    names = [name for name in merged.READERS if (shelf / name).is_dir()]
    if len(names) < 2:
        pytest.skip(f"{shelf} holds {names} only")
    manifest = prepare(shelf)
    assert set(manifest["corpus"]) == set(names)
    assert set(manifest["emotion"]) <= set(merged.EMOTIONS)
    assert Counter(manifest["corpus"])["RAVDESS"] == 1440
