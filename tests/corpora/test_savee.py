import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_lib.audio import inspect
from ser_lib.corpora import savee
from ser_lib.corpora.voices import STYLES
from ser_lib.errors import CorpusError

SPEAKERS = ("DC", "JE", "JK", "KL")
NAMES = ("a01", "d15", "f06", "h03", "n17", "n30", "sa04", "su05")


@pytest.fixture
def tiny(tmp_path, write_clip):
    """A SAVEE folder of eight short clips by DC and one by KL."""
    for name in NAMES:
        write_clip(tmp_path / "SAVEE" / "AudioData" / "DC" / f"{name}.wav")
    write_clip(tmp_path / "SAVEE" / "AudioData" / "KL" / "a01.wav")
    return tmp_path / "SAVEE"


@pytest.fixture
def flat(tmp_path, write_clip):
    """The same clips in the other layout."""
    for name in (*(f"DC_{name}" for name in NAMES), "KL_a01"):
        write_clip(tmp_path / "other" / "ALL" / f"{name}.wav")
    return tmp_path / "other"


@pytest.fixture
def full(tmp_path, write_clip):
    """All 480 clips, every one a link to the same short clip."""
    clip = write_clip(tmp_path / "clip.wav")
    for speaker in SPEAKERS:
        folder = tmp_path / "full" / "AudioData" / speaker
        folder.mkdir(parents=True)
        for letters in ("a", "d", "f", "h", "n", "sa", "su"):
            for number in range(1, 31 if letters == "n" else 16):
                os.link(clip, folder / f"{letters}{number:02d}.wav")
    return tmp_path / "full"


def prepare(folder, allow_partial=True):
    return savee.prepare(folder, allow_partial=allow_partial, progress=False)


def refused(folder, *words, allow_partial=True):
    with pytest.raises(CorpusError) as caught:
        prepare(folder, allow_partial)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_rows_say_what_the_names_say(tiny):
    rows = {row["id"]: row for row in prepare(tiny)}
    assert list(rows) == sorted([f"DC_{name}" for name in NAMES] + ["KL_a01"])
    path = tiny / "AudioData" / "DC" / "sa04.wav"
    assert rows["DC_sa04"] == {
        "id": "DC_sa04",
        "path": str(path),
        "start": 0.0,
        "end": 0.1,
        "speaker": "DC",
        "gender": "male",
        "emotion": "sadness",
        "intensity": "",
        "statement": "sadness-4",
        "transcript": "",
        "language": "en",
        "sample_rate": 8000,
        "duration": 0.1,
        "corpus": "SAVEE",
        "sha256": inspect(path).sha256,
    }
    assert [rows[f"DC_{name}"]["emotion"] for name in NAMES] == [
        "anger",
        "disgust",
        "fear",
        "happiness",
        "neutral",
        "neutral",
        "sadness",
        "surprise",
    ]
    assert rows["KL_a01"]["speaker"] == "KL"


def test_statements_are_the_same_where_the_text_is():
    names = {
        (emotion, number): savee.statement(emotion, number)
        for emotion in savee.EMOTIONS
        for number in range(1, 31 if emotion == "neutral" else 16)
    }
    assert len(names) == 120 and len(set(names.values())) == 87
    counts = Counter(names.values())
    assert [counts[f"common-{number}"] for number in (1, 2, 3)] == [8, 8, 8]
    for emotion in set(savee.EMOTIONS) - {"neutral"}:
        assert counts[f"{emotion}-4"] == counts[f"{emotion}-5"] == 2
        assert all(counts[f"{emotion}-{number}"] == 1 for number in range(6, 16))
    assert names["neutral", 17] == names["fear", 2] == "common-2"
    assert names["neutral", 26] == names["surprise", 5] == "surprise-5"
    assert names["neutral", 30] == names["happiness", 5] and names["neutral", 4] == "neutral-4"


def test_both_layouts_give_the_same_rows(tiny, flat):
    nested, single = prepare(tiny), prepare(flat)
    for column in ("id", "speaker", "emotion", "statement"):
        assert nested[column][:] == single[column][:]
    for folder in (tiny / "AudioData", flat / "ALL", tiny.parent / "SAVEE"):
        assert prepare(folder)["id"][:] == nested["id"][:]


def test_whole_corpus_needs_no_flag_and_missing_clips_are_counted(full):
    manifest = prepare(full, allow_partial=False)
    counts = Counter(zip(manifest["speaker"], manifest["emotion"], strict=True))
    assert counts == {
        (speaker, emotion): 30 if emotion == "neutral" else 15
        for speaker in SPEAKERS
        for emotion in savee.EMOTIONS
    }
    assert Counter(manifest["emotion"])["neutral"] == 120 and len(manifest) == 480
    (full / "AudioData" / "JK" / "n30.wav").unlink()
    (full / "AudioData" / "KL" / "su01.wav").unlink()
    refused(
        full,
        "478 of SAVEE's 480",
        "JK neutral lacks 1, KL surprise lacks 1.",
        "--allow_partial",
        allow_partial=False,
    )
    assert len(prepare(full)) == 478


def test_archive_unpacked_into_itself(tiny):
    inner = tiny / "AudioData" / "AudioData"
    shutil.copytree(tiny / "AudioData", inner)
    manifest = prepare(tiny)
    assert len(manifest) == 9 and not any(str(inner) in path for path in manifest["path"])
    shutil.rmtree(tiny / "AudioData" / "DC")
    shutil.rmtree(tiny / "AudioData" / "KL")
    assert len(prepare(tiny)) == 9


def test_both_layouts_in_one_folder_are_refused(tiny, flat):
    (flat / "ALL").rename(tiny / "ALL")
    refused(tiny, "more than once", "AudioData", "ALL")
    for clip in (tiny / "ALL").iterdir():
        clip.rename(tiny / "AudioData" / clip.name)
    refused(tiny, "DC_a01 is there twice", "DC/a01.wav", "AudioData/DC_a01.wav")


def test_awkward_surroundings(tiny, tmp_path):
    for name in (".DS_Store", "AudioData/Info.txt", "AudioData/DC/._a01.wav"):
        (tiny / name).write_bytes(b"stray")
    clip = tiny / "AudioData" / "DC" / "a01.wav"
    clip.rename(clip.with_suffix(".WAV"))
    moved = tiny.rename(tmp_path / "Gefühle – 感情")
    (tmp_path / "link").symlink_to(moved, target_is_directory=True)
    assert len(prepare(tmp_path / "link")) == len(prepare(moved)) == 9


def test_other_rates_stereo_flac_and_aiff_inside_wav(tiny):
    noise = np.random.default_rng(0).integers(-3000, 3000, (4410, 2), dtype=np.int16)
    folder = tiny / "AudioData" / "DC"
    soundfile.write(folder / "a01.wav", noise, 44_100)
    soundfile.write(folder / "d15.wav", noise[:, 0], 16_000, format="AIFF")
    soundfile.write(folder / "d14.flac", noise[:, 0], 16_000)
    rows = {row["id"]: row for row in prepare(tiny)}
    assert rows["DC_a01"]["sample_rate"] == 44_100 and rows["DC_a01"]["duration"] == 0.1
    assert rows["DC_d15"]["sample_rate"] == 16_000
    assert rows["DC_d15"]["duration"] == rows["DC_d14"]["duration"] == 4410 / 16_000


def test_read_only_folder_is_left_as_it_is(tiny, untouched):
    with untouched(tiny):
        assert len(prepare(tiny)) == 9


def test_unknown_codes_are_all_named(tiny, flat, write_clip):
    odd = ("x01", "s01", "a16", "n31", "a00", "a1", "KL_a02", "a01 (1)")
    for name in odd:
        write_clip(tiny / "AudioData" / "DC" / f"{name}.wav")
    refused(tiny, *(f"DC/{name}.wav" for name in odd), "emotion x", "outside 1 to 30")
    for name in ("AB_a01", "DC_q01"):
        write_clip(flat / "ALL" / f"{name}.wav")
    refused(flat, "AB_a01.wav", "DC_q01.wav")


def test_wav_and_flac_of_one_clip(tiny, write_clip):
    write_clip(tiny / "AudioData" / "DC" / "a01.flac")
    refused(tiny, "DC_a01 is there twice", "a01.wav", "a01.flac")


def test_broken_clips_are_all_named(tiny):
    clip = tiny / "AudioData" / "DC" / "a01.wav"
    clip.write_bytes(clip.read_bytes()[:500])
    (tiny / "AudioData" / "KL" / "a01.wav").write_text("text")
    refused(tiny, "DC/a01.wav", "truncated", "KL/a01.wav", "--allow_partial")


def test_folders_without_the_corpus(tmp_path, write_clip):
    refused(tmp_path, "no SAVEE", "AudioData/", "ALL/")
    write_clip(tmp_path / "wav" / "a01.wav")
    refused(tmp_path, "no SAVEE")
    refused(tmp_path / "typo", "typo is not there")


def test_nothing_is_downloaded_and_the_message_says_whom_to_ask(tiny, monkeypatch):
    refused(None, "on request", savee.URL, "--data_folder FOLDER", "SER_DATA", "sample")
    monkeypatch.setenv("SER_DATA", str(tiny.parent))
    assert savee.find() == tiny


def test_sample_is_a_synthetic_corpus(tmp_path, monkeypatch):
    everything = savee._sample_clips()
    assert len(everything) == 112
    assert {spoken["emotion"] for spoken in everything.values()} == set(STYLES) - {"calm"}
    assert all(spoken["speaker"] % 2 == 1 for spoken in everything.values())
    few = dict(list(everything.items())[::40])
    monkeypatch.setattr(savee, "_sample_clips", lambda: few)
    manifest = prepare("sample", allow_partial=False)
    assert len(manifest) == 3 and set(manifest["corpus"]) == {"SAVEE-synthetic"}
    assert set(manifest["sample_rate"]) == {44_100}
    folder = tmp_path / "cache" / "corpora" / "sample-SAVEE-v3"
    assert savee.find("sample") == folder and (folder / "SYNTHETIC.md").is_file()
    assert {Path(path).parent.parent for path in manifest["path"]} == {folder / "AudioData"}
