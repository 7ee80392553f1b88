import logging
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_lib.audio import inspect
from ser_lib.corpora import ravdess
from ser_lib.errors import CorpusError


def prepare(folder, allow_partial=True):
    return ravdess.prepare(folder, allow_partial=allow_partial, progress=False)


def refused(folder, *words, allow_partial=True):
    with pytest.raises(CorpusError) as caught:
        prepare(folder, allow_partial)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_rows_say_what_the_names_say(tiny):
    rows = {row["id"]: row for row in prepare(tiny)}
    assert list(rows) == sorted(rows) and len(rows) == 5
    angry = rows["03-01-05-02-02-01-01"]
    assert angry == {
        "id": "03-01-05-02-02-01-01",
        "path": str(tiny / "Actor_01" / "03-01-05-02-02-01-01.wav"),
        "start": 0.0,
        "end": 0.1,
        "speaker": "01",
        "gender": "male",
        "emotion": "angry",
        "intensity": "strong",
        "statement": "2",
        "transcript": "Dogs are sitting by the door",
        "language": "en",
        "sample_rate": 8000,
        "duration": 0.1,
        "corpus": "RAVDESS",
        "sha256": inspect(tiny / "Actor_01" / "03-01-05-02-02-01-01.wav").sha256,
    }
    happy = rows["03-01-03-02-01-01-12"]
    assert (happy["gender"], happy["emotion"], happy["statement"]) == ("female", "happy", "1")
    assert happy["transcript"] == "Kids are talking by the door"
    assert happy["path"].endswith(".flac")


def all_names():
    for actor in range(1, 25):
        for emotion in range(1, 9):
            for intensity in (1,) if emotion == 1 else (1, 2):
                for statement in (1, 2):
                    for take in (1, 2):
                        yield (
                            f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-"
                            f"{take:02d}-{actor:02d}.wav"
                        )


@pytest.fixture
def full(tmp_path, write_clip):
    """All 1440 names, every one a link to the same short clip."""
    clip = write_clip(tmp_path / "clip.wav")
    for name in all_names():
        folder = tmp_path / "full" / f"Actor_{name[18:20]}"
        folder.mkdir(parents=True, exist_ok=True)
        os.link(clip, folder / name)
    return tmp_path / "full"


def test_whole_corpus_needs_no_flag_and_missing_clips_are_counted(full):
    manifest = prepare(full, allow_partial=False)
    assert len(manifest) == 1440
    assert Counter(manifest["gender"]) == {"male": 720, "female": 720}
    (full / "Actor_07" / "03-01-01-01-01-01-07.wav").unlink()
    (full / "Actor_07" / "03-01-04-02-01-02-07.wav").unlink()
    shutil.rmtree(full / "Actor_20")
    refused(
        full,
        "1378 of RAVDESS's 1440",
        "Actor_07 lacks 2, Actor_20 lacks 60.",
        "--allow_partial",
        allow_partial=False,
    )
    assert len(prepare(full, allow_partial=True)) == 1378


def test_missing_clips_without_the_flag(tiny):
    refused(tiny, "5 of", "Actor_01 lacks 58", "Actor_02 lacks 60", allow_partial=False)


def test_actor_folders_one_level_down(tiny):
    assert len(prepare(tiny.parent)) == 5


def test_two_copies_one_level_down_are_ambiguous(tiny):
    shutil.copytree(tiny, tiny.parent / "backup")
    refused(tiny.parent, "more than once", "RAVDESS, backup")


def test_kaggle_doubled_folder(tiny, caplog):
    inner = tiny / "audio_speech_actors_01-24"
    for actor in ("Actor_01", "Actor_12"):
        shutil.copytree(tiny / actor, inner / actor)
    with caplog.at_level(logging.INFO, "ser_lib"):
        manifest = prepare(tiny)
    assert len(manifest) == 5
    assert not any("audio_speech" in path for path in manifest["path"])
    assert any("audio_speech_actors_01-24" in text for text in caplog.messages)
    (tiny / "Actor_12" / "03-01-03-02-01-01-12.flac").unlink()
    refused(tiny, "Actor_12 differ", "03-01-03-02-01-01-12.flac")


def test_only_the_kaggle_inner_folder(tiny):
    tiny.rename(tiny.parent / "audio_speech_actors_01-24")
    assert len(prepare(tiny.parent)) == 5


def test_song_video_and_hidden_files_are_left_out(tiny, write_clip):
    actor = tiny / "Actor_01"
    write_clip(actor / "03-02-03-01-01-01-01.wav")
    write_clip(actor / "01-01-03-01-01-01-01.wav")
    (actor / "01-01-03-01-01-01-01.mp4").write_bytes(b"video")
    (actor / "._03-01-01-01-01-01-01.wav").write_bytes(b"macOS")
    (actor / "readme.txt").write_text("text")
    assert len(prepare(tiny)) == 5


def test_speech_and_song_unpacked_side_by_side(tiny, write_clip):
    write_clip(tiny.parent / "Song" / "Actor_01" / "03-02-03-01-01-01-01.wav")
    assert len(prepare(tiny.parent)) == 5


@pytest.mark.parametrize("allow_partial", [False, True])
def test_empty_folder(tmp_path, allow_partial):
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(empty, str(empty), "Actor_01", allow_partial=allow_partial)
    (empty / "Actor_01").mkdir()
    refused(empty, str(empty), "no RAVDESS speech", allow_partial=allow_partial)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("03-01-09-01-01-01-01.wav", "emotion code 09"),
        ("03-01-00-01-01-01-01.wav", "emotion code 00"),
        ("03-01-05-03-01-01-01.wav", "intensity code 03"),
        ("03-01-01-02-01-01-01.wav", "intensity code 02"),
        ("03-01-05-01-03-01-01.wav", "statement code 03"),
        ("03-01-05-01-01-03-01.wav", "repetition code 03"),
        ("03-01-05-01-01-01-02.wav", "actor code 02"),
        ("04-01-05-01-01-01-01.wav", "modality"),
        ("03-03-05-01-01-01-01.wav", "vocal channel"),
        ("03-01-05-01-01-01-01 (1).wav", "not named"),
        ("angry.flac", "not named"),
    ],
)
def test_unknown_codes_name_the_file(tiny, write_clip, name, word):
    write_clip(tiny / "Actor_01" / name)
    refused(tiny, name, word)


def test_all_names_that_are_wrong_are_told_at_once(tiny, write_clip):
    odd = ("angry", "04-01-05-01-01-01-01", "03-01-09-01-01-01-01", "03-01-01-02-01-01-01")
    for name in odd:
        write_clip(tiny / "Actor_01" / f"{name}.wav")
    write_clip(tiny / "Actor_12" / "03-01-05-01-03-03-12.wav")
    told = ("not named like", "modality", "emotion code 09", "intensity code 02 (not 01)")
    refused(tiny, *(f"Actor_01/{name}.wav" for name in odd), *told)
    refused(tiny, "statement code 03 (not 01 02)", "repetition code 03", "Rename as the publisher")
    # One folder deeper, where the odd ones alone make it the corpus, and where nothing else is.
    refused(tiny.parent, "emotion code 09")
    for clip in tiny.rglob("*.*"):
        if clip.is_file() and clip.stem not in odd[:2]:
            clip.unlink()
    refused(tiny.parent, *(f"{name}.wav" for name in odd[:2]))


def test_unknown_actor(tiny, write_clip):
    write_clip(tiny / "Actor_25" / "03-01-05-01-01-01-25.wav")
    refused(tiny, "03-01-05-01-01-01-25.wav", "actor code 25")


def test_wav_and_flac_of_one_clip(tiny, write_clip):
    write_clip(tiny / "Actor_01" / "03-01-01-01-01-01-01.flac")
    refused(tiny, "03-01-01-01-01-01-01", "there twice", "01.wav", "01.flac")


def test_broken_clips(tiny):
    clip = tiny / "Actor_01" / "03-01-01-01-01-01-01.wav"
    clip.write_bytes(clip.read_bytes()[:500])
    (tiny / "Actor_12" / "03-01-03-02-01-01-12.flac").write_text("text")
    refused(tiny, clip.name, "truncated", "03-01-03-02-01-01-12.flac", "--allow_partial")


def test_link_that_leads_nowhere(tiny):
    (tiny / "Actor_01" / "03-01-03-01-01-01-01.wav").symlink_to("nowhere.wav")
    refused(tiny, "03-01-03-01-01-01-01.wav", "no such file")


def test_stereo_clip(tiny, write_clip):
    write_clip(tiny / "Actor_01" / "03-01-06-01-01-01-01.wav", channels=2)
    assert len(prepare(tiny)) == 6


def test_suffix_in_capitals(tiny):
    clip = tiny / "Actor_01" / "03-01-01-01-01-01-01.wav"
    clip.rename(clip.with_suffix(".WAV"))
    assert len(prepare(tiny)) == 5


def test_folder_as_text_with_tilde(tiny, monkeypatch):
    monkeypatch.setenv("HOME", str(tiny.parent))
    assert len(prepare("~/RAVDESS")) == 5


def test_find_order(tiny, tmp_path, monkeypatch):
    asked = []

    def download(folder):
        asked.append(folder)
        return folder

    monkeypatch.setattr(ravdess, "download", download)
    in_cache = tmp_path / "cache" / "corpora" / "RAVDESS"
    assert ravdess.find() == in_cache and asked == [in_cache]
    monkeypatch.setenv("SER_DATA", str(tmp_path))
    assert ravdess.find() == tiny and ravdess.find(None) == tiny
    other = tmp_path / "other"
    other.mkdir()
    assert ravdess.find(other) == ravdess.find(str(other)) == other
    assert asked == [in_cache]


def test_finished_download_is_used_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setattr(ravdess, "ARCHIVE_URL", "http://127.0.0.1:9/none.zip")
    folder = tmp_path / "cache" / "corpora" / "RAVDESS"
    folder.mkdir(parents=True)
    with pytest.raises(CorpusError):
        ravdess.find()
    (folder / ".completed").touch()
    assert ravdess.find() == folder


def test_shelf_without_ravdess_says_so(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("SER_DATA", str(tmp_path))
    monkeypatch.setattr(ravdess, "download", lambda folder: folder)
    ravdess.find()
    assert any("SER_DATA" in text and "RAVDESS" in text for text in caplog.messages)


def test_missing_folder_and_archive_given_as_folder(tmp_path):
    with pytest.raises(CorpusError, match="typo is not there"):
        ravdess.find(tmp_path / "typo")
    archive = tmp_path / "speech.zip"
    archive.touch()
    with pytest.raises(CorpusError, match="speech.zip is a file"):
        ravdess.find(archive)


def test_no_network_names_the_ways_on(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    # Nobody listens on the discard port.
    monkeypatch.setattr(ravdess, "ARCHIVE_URL", "http://127.0.0.1:9/none.zip")
    refused(None, "--data_folder FOLDER", "SER_DATA", "network", "127.0.0.1:9/none.zip", "sample")


@pytest.mark.real
def test_real_corpus(real_ravdess):
    manifest = ravdess.prepare(real_ravdess, progress=False)
    assert len(manifest) == 1440 and len(set(manifest["speaker"])) == 24
    counts = Counter(manifest["emotion"])
    assert counts == {name: 96 if name == "neutral" else 192 for name in ravdess.EMOTIONS}
    assert set(Counter(manifest["speaker"]).values()) == {60}
    assert set(manifest["sample_rate"]) == {48000}
    stereo = [path for path in manifest["path"] if soundfile.info(path).channels == 2]
    assert sorted(Path(path).stem for path in stereo) == [
        "03-01-02-01-01-02-01",
        "03-01-02-01-02-02-05",
        "03-01-03-01-02-01-20",
        "03-01-06-01-01-02-20",
        "03-01-08-01-02-02-01",
    ]


def test_awkward_folders_are_read(tiny, tmp_path):
    (tiny / ".DS_Store").write_bytes(b"\0\0")
    (tiny / "Actor_01" / "._03-01-01-01-01-01-01.wav").write_bytes(b"\0\5\x16\7")
    awkward = tmp_path / "Größe 語"
    tiny.rename(awkward)
    link = tmp_path / "link"
    link.symlink_to(awkward)
    assert [row["id"] for row in prepare(link)] == [row["id"] for row in prepare(awkward)]
    assert len(prepare(awkward)) == 5


def test_a_clip_of_another_rate_and_aiff_bytes_under_wav(tiny, write_clip):
    clip = tiny / "Actor_01" / "03-01-01-01-01-01-01.wav"
    samples = np.linspace(-0.5, 0.5, 4410)
    soundfile.write(clip, samples, 44_100, format="AIFF", subtype="PCM_16")
    row = next(row for row in prepare(tiny) if row["id"] == clip.stem)
    assert row["sample_rate"] == 44_100
    assert row["duration"] == pytest.approx(0.1)


def test_read_only_folder_is_left_as_it_is(tiny, untouched):
    with untouched(tiny):
        assert len(prepare(tiny)) == 5
