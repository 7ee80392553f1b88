import contextlib
import functools
import http.server
import json
import os
import re
import runpy
import shutil
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_lib.audio import inspect
from ser_lib.corpora import download, emodb
from ser_lib.errors import CorpusError

NAMES = ("03a01Fa", "03a01Nc", "08b02Wd", "10a07Lb", "16b10Tb", "14a05Ea", "09b03Aa")
SPEAKERS = {
    "03": 49,
    "08": 58,
    "09": 43,
    "10": 38,
    "11": 55,
    "12": 35,
    "13": 61,
    "14": 69,
    "15": 56,
    "16": 71,
}
LETTERS = {"W": 127, "L": 81, "E": 46, "A": 69, "F": 71, "T": 62, "N": 79}
COUNTS = {
    "anger": 127,
    "boredom": 81,
    "disgust": 46,
    "fear": 69,
    "happiness": 71,
    "sadness": 62,
    "neutral": 79,
}


@pytest.fixture
def tiny(tmp_path, write_clip):
    """An EMO-DB folder of seven short clips."""
    for name in NAMES:
        write_clip(tmp_path / "EMO-DB" / "wav" / f"{name}.wav")
    return tmp_path / "EMO-DB"


def prepare(folder, allow_partial=True):
    return emodb.prepare(folder, allow_partial=allow_partial, progress=False)


def refused(folder, *words, allow_partial=True):
    with pytest.raises(CorpusError) as caught:
        prepare(folder, allow_partial)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def all_names():
    """535 names with the true counts of every speaker and of every emotion."""
    letters, open_clips = list(LETTERS.items()), []
    for letter, clips in letters:
        open_clips += [letter] * clips
    for speaker, clips in SPEAKERS.items():
        said = Counter()
        for letter in open_clips[:clips]:
            text = sorted(emodb.TEXTS)[said[letter] % 10]
            yield f"{speaker}{text}{letter}{'abcdefgh'[said[letter] // 10]}"
            said[letter] += 1
        del open_clips[:clips]


@pytest.fixture
def full(tmp_path, write_clip):
    """All 535 clips, every one a link to the same short clip."""
    clip = write_clip(tmp_path / "clip.wav")
    (tmp_path / "full" / "wav").mkdir(parents=True)
    for name in all_names():
        os.link(clip, tmp_path / "full" / "wav" / f"{name}.wav")
    return tmp_path / "full"


def test_rows_say_what_the_names_say(tiny):
    rows = {row["id"]: row for row in prepare(tiny)}
    assert list(rows) == sorted(NAMES)
    path = tiny / "wav" / "03a01Fa.wav"
    assert rows["03a01Fa"] == {
        "id": "03a01Fa",
        "path": str(path),
        "start": 0.0,
        "end": 0.1,
        "speaker": "03",
        "gender": "male",
        "emotion": "happiness",
        "intensity": "",
        "statement": "a01",
        "transcript": "Der Lappen liegt auf dem Eisschrank.",
        "language": "de",
        "sample_rate": 8000,
        "duration": 0.1,
        "corpus": "EMO-DB",
        "sha256": inspect(path).sha256,
    }
    assert [rows[name]["emotion"] for name in NAMES] == [
        "happiness",
        "neutral",
        "anger",
        "boredom",
        "sadness",
        "disgust",
        "fear",
    ]
    assert rows["09b03Aa"]["transcript"].endswith("habe Agnes besucht.")
    women = {row["speaker"] for row in rows.values() if row["gender"] == "female"}
    assert women == {"08", "09", "14", "16"}


def test_whole_corpus_needs_no_flag_and_differences_are_counted(full, write_clip):
    manifest = prepare(full, allow_partial=False)
    assert Counter(manifest["emotion"]) == COUNTS and tuple(COUNTS) == emodb.EMOTIONS
    assert Counter(manifest["speaker"]) == SPEAKERS
    assert len({row["transcript"] for row in manifest}) == 10
    next((full / "wav").glob("03*W*")).unlink()
    next((full / "wav").glob("03*W*")).unlink()
    refused(full, "533 of", "535", "speaker 03 lacks 2", "anger lacks 2", allow_partial=False)
    assert len(prepare(full)) == 533
    write_clip(full / "wav" / "16a01Wz.wav")
    refused(full, "speaker 16 has 1 too many", "anger lacks 1", allow_partial=False)


def test_partial_copy_needs_the_flag(tiny):
    refused(tiny, "7 of", "disgust lacks 45", "--allow_partial", allow_partial=False)


def test_wav_folder_itself_and_one_level_up(tiny):
    assert len(prepare(tiny / "wav")) == len(prepare(tiny.parent)) == 7


def test_archive_unpacked_twice(tiny):
    shutil.copytree(tiny, tiny / "EMO-DB")
    shutil.copytree(tiny / "wav", tiny / "wav" / "wav")
    manifest = prepare(tiny)
    assert {Path(path).parent for path in manifest["path"]} == {tiny / "wav"}
    shutil.rmtree(tiny / "wav")
    assert len(prepare(tiny)) == 7


def test_two_copies_side_by_side_are_ambiguous(tiny):
    shutil.copytree(tiny, tiny.parent / "backup")
    refused(tiny.parent, "more than once", "EMO-DB, backup")


def test_awkward_surroundings(tiny, tmp_path, write_clip):
    for name in (".DS_Store", "wav/.DS_Store", "wav/._03a01Fa.wav", "erkennung.txt", "wav/a.txt"):
        (tiny / name).write_bytes(b"stray")
    write_clip(tiny / "silb" / "noise.wav")
    clip = tiny / "wav" / "03a01Fa.wav"
    clip.rename(clip.with_suffix(".WAV"))
    moved = tiny.rename(tmp_path / "Gefühle – 感情")
    (tmp_path / "link").symlink_to(moved, target_is_directory=True)
    assert prepare(tmp_path / "link")["id"][:] == prepare(moved)["id"][:] == sorted(NAMES)


def test_other_rates_stereo_flac_and_aiff_inside_wav(tiny):
    noise = np.random.default_rng(0).integers(-3000, 3000, (4410, 2), dtype=np.int16)
    soundfile.write(tiny / "wav" / "03a01Fa.wav", noise, 44_100)
    soundfile.write(tiny / "wav" / "03a01Nc.wav", noise[:, 0], 16_000, format="AIFF")
    soundfile.write(tiny / "wav" / "03a02Nc.flac", noise[:, 0], 16_000)
    rows = {row["id"]: row for row in prepare(tiny)}
    assert rows["03a01Fa"]["sample_rate"] == 44_100 and rows["03a01Fa"]["duration"] == 0.1
    assert rows["03a01Nc"]["sample_rate"] == 16_000
    assert rows["03a01Nc"]["duration"] == rows["03a02Nc"]["duration"] == 4410 / 16_000


def test_read_only_folder_is_left_as_it_is(tiny, untouched):
    with untouched(tiny):
        assert len(prepare(tiny)) == 7


def test_unknown_codes_are_all_named(tiny, write_clip):
    odd = ("03a01Xa", "17a01Fa", "03c01Fa", "03a01Fa (1)", "speech")
    for name in odd:
        write_clip(tiny / "wav" / f"{name}.wav")
    refused(tiny, *(f"{name}.wav" for name in odd), "emotion X", "speaker 17", "text c01")


def test_wav_and_flac_of_one_clip(tiny, write_clip):
    write_clip(tiny / "wav" / "03a01Fa.flac")
    refused(tiny, "03a01Fa is there twice", "03a01Fa.wav", "03a01Fa.flac")


def test_broken_clips_are_all_named(tiny):
    clip = tiny / "wav" / "03a01Fa.wav"
    clip.write_bytes(clip.read_bytes()[:500])
    (tiny / "wav" / "03a01Nc.wav").write_text("text")
    refused(tiny, "03a01Fa.wav", "truncated", "03a01Nc.wav", "--allow_partial")


def test_folders_without_the_corpus(tmp_path, write_clip):
    refused(tmp_path, "no EMO-DB", "wav/ with 03a01Fa.wav")
    write_clip(tmp_path / "wav" / "03-01-05-01-01-01-01.wav")
    refused(tmp_path, "no EMO-DB")
    refused(tmp_path / "typo", "typo is not there")


def test_shelf(tiny, monkeypatch):
    monkeypatch.setenv("SER_DATA", str(tiny.parent))
    monkeypatch.setattr(emodb, "ARCHIVE_URL", "http://127.0.0.1:9/none.zip")
    assert emodb.find() == tiny


def test_sample_is_a_synthetic_corpus(tmp_path, monkeypatch):
    few = dict(list(emodb._sample_clips().items())[:16:5])
    everything = emodb._sample_clips()
    assert len(everything) == 140
    assert {emodb._NAMED.fullmatch(Path(name).stem)[3] for name in everything} == set(LETTERS)
    monkeypatch.setattr(emodb, "_sample_clips", lambda: few)
    manifest = prepare("sample", allow_partial=False)
    assert len(manifest) == 4 and set(manifest["corpus"]) == {"EMO-DB-synthetic"}
    assert set(manifest["sample_rate"]) == {16_000}
    folder = tmp_path / "cache" / "corpora" / "sample-EMO-DB-v2"
    assert emodb.find("sample") == folder and (folder / "SYNTHETIC.md").is_file()
    assert set(prepare(folder / "wav")["corpus"]) == {"EMO-DB-synthetic"}


def test_voices_of_the_sample_have_the_sex_of_the_speakers():
    for name, spoken in emodb._sample_clips().items():
        woman = Path(name).stem[:2] in ("08", "09", "13", "14", "16")
        assert spoken["speaker"] % 2 == (0 if woman else 1)


def test_recipe_runs_on_the_sample(repository, small_yaml, tmp_path, monkeypatch):
    def tone(place, name):
        time = np.arange(28_800) / 48_000
        noise = np.random.default_rng(place).normal(0, 0.01, len(time))
        return (0.2 * np.sin(2 * np.pi * (200 + ord(name[9])) * time) + noise).astype(np.float32)

    # Tones are quicker than voices.
    names = enumerate(emodb._sample_clips())
    clips = {name: functools.partial(tone, place, name) for place, name in names}
    monkeypatch.setattr(emodb, "_sample_clips", lambda: clips)
    recipe = runpy.run_path(str(repository / "recipes" / "EMO-DB" / "train.py"))
    line = [small_yaml, "--data_folder", "sample", "--output_folder", tmp_path / "run"]
    assert recipe["main"](recipe["emodb"], [*map(str, line)]) == 0
    run = json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]
    assert (run["corpus"], run["protocol"]) == ("EMO-DB-synthetic", "emodb-loso10")
    assert run["sizes"] == {"train": 98, "validation": 28, "test": 14}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves bytes with Range support; breaks off where told to."""

    def __init__(self, state, *args):
        self.state = state
        super().__init__(*args)

    def do_HEAD(self):
        self.send_response(200)
        if self.state["says_size"]:
            self.send_header("Content-Length", str(len(self.state["content"])))
        self.end_headers()

    def do_GET(self):
        wanted, content = self.headers.get("Range"), self.state["content"]
        self.state["ranges"].append(wanted)
        first = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        body = content[first:]
        if self.state["break_after"]:
            body = body[: self.state["break_after"].pop(0)]
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """State of a loopback server that stands for the publisher's."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "_PAUSE_S", 0)
    state = {"content": b"", "says_size": True, "break_after": [], "ranges": []}
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, state)
    ) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(
            emodb, "ARCHIVE_URL", f"http://127.0.0.1:{running.server_port}/download.zip"
        )
        yield state
        running.shutdown()


def pack(folder):
    return Path(shutil.make_archive(str(folder.parent / "archive"), "zip", folder)).read_bytes()


def test_download_is_resumed_counted_and_kept(server, full, tmp_path):
    server["content"] = pack(full)
    server["break_after"] = [20_000, 30_000]
    manifest = emodb.prepare(progress=False)
    assert len(manifest) == 535
    assert server["ranges"] == [None, "bytes=20000-", "bytes=50000-"]
    corpora = tmp_path / "cache" / "corpora"
    assert [path.name for path in corpora.iterdir() if path.name[0] != "."] == ["EMO-DB"]
    emodb.download(corpora / "EMO-DB")
    assert len(server["ranges"]) == 3


def test_download_of_something_else_is_refused_and_removed(server, tiny, tmp_path):
    server["content"] = pack(tiny)
    refused(None, "another archive than the 535", "anger lacks 126", allow_partial=True)
    assert not (tmp_path / "cache" / "corpora" / "EMO-DB").exists()
    server["content"] = b"<html>This domain is for sale</html>"
    refused(None, "not a sound zip archive")


def test_server_that_hides_the_size_and_no_server(server, monkeypatch):
    server["says_size"] = False
    refused(None, "does not say how large", "--data_folder FOLDER", "sample")
    # Nobody listens on the discard port.
    monkeypatch.setattr(emodb, "ARCHIVE_URL", "http://127.0.0.1:9/none.zip")
    refused(None, "127.0.0.1:9/none.zip", "refused", "--data_folder FOLDER", "SER_DATA")


@pytest.mark.real
def test_real_corpus(real_ravdess):
    folder = real_ravdess.parent / "EMO-DB"
    if not folder.is_dir():
        pytest.skip(f"real EMO-DB is not at {folder}; set SER_REAL to the folder that holds it")
    manifest = emodb.prepare(folder, progress=False)
    assert len(manifest) == 535 and Counter(manifest["emotion"]) == COUNTS
    assert Counter(manifest["speaker"]) == SPEAKERS
    assert Counter(manifest["gender"]) == {"female": 302, "male": 233}
    assert set(manifest["sample_rate"]) == {16_000} and len(set(manifest["sha256"])) == 535
    assert set(manifest["statement"]) == set(emodb.TEXTS)
    assert sum(manifest["duration"]) == pytest.approx(0.4131 * 3600, rel=1e-3)
