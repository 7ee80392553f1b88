import functools
import hashlib
import http.server
import io
import json
import os
import shutil
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_lib.audio import inspect
from ser_lib.corpora import download, synthetic, tess
from ser_lib.corpora.manifest import is_synthetic
from ser_lib.errors import CorpusError

CODES = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
# As in the publisher's and Kaggle's copies, with all their cases and wordings.
FOLDERS = (
    "OAF_angry OAF_disgust OAF_Fear OAF_happy OAF_neutral OAF_Pleasant_surprise OAF_Sad "
    "YAF_angry YAF_disgust YAF_fear YAF_happy YAF_neutral YAF_pleasant_surprised YAF_sad"
)


def prepare(folder, allow_partial=True):
    return tess.prepare(folder, allow_partial=allow_partial, progress=False)


def refused(folder, *words, allow_partial=True):
    with pytest.raises(CorpusError) as caught:
        prepare(folder, allow_partial)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


@pytest.fixture
def small(tmp_path, write_clip):
    """A TESS folder with one word in all 14 folders."""
    root = tmp_path / "TESS"
    for folder, code in zip(FOLDERS.split(), CODES * 2, strict=True):
        write_clip(root / folder / f"{folder[:3]}_back_{code}.wav")
    return root


@pytest.fixture
def flat(tmp_path, write_clip):
    """The publisher's archive unpacked: clips in one folder."""
    for word in ("back", "youth"):
        for code in CODES:
            write_clip(tmp_path / "dataverse_files" / f"YAF_{word}_{code}.wav")
    return tmp_path / "dataverse_files"


def test_rows_say_what_the_names_say(small):
    rows = {row["id"]: row for row in prepare(small)}
    assert list(rows) == sorted(rows) and len(rows) == 14
    path = small / "OAF_Pleasant_surprise" / "OAF_back_ps.wav"
    assert rows["OAF_back_ps"] == {
        "id": "OAF_back_ps",
        "path": str(path),
        "start": 0.0,
        "end": 0.1,
        "speaker": "OAF",
        "gender": "female",
        "emotion": "pleasant surprise",
        "intensity": "",
        "statement": "back",
        "transcript": "Say the word back",
        "language": "en",
        "sample_rate": 8000,
        "duration": 0.1,
        "corpus": "TESS",
        "sha256": inspect(path).sha256,
    }
    emotions = Counter((row["speaker"], row["emotion"]) for row in rows.values())
    assert set(emotions) == {(s, e) for s in ("OAF", "YAF") for e in tess.EMOTIONS}


def test_words_of_the_corpus():
    assert len(set(tess.WORDS)) == 200 and list(tess.WORDS) == sorted(tess.WORDS)


def test_publishers_flat_archive(flat, write_clip):
    (flat / "MANIFEST.TXT").write_text("files")
    rows = prepare(flat)
    assert len(rows) == 14 and set(rows["speaker"]) == {"YAF"}
    assert len(prepare(flat.parent)) == 14
    write_clip(flat / "OA_bite_neutral.wav")
    assert prepare(flat)["id"][0] == "OAF_bite_neutral"


def test_clip_without_its_f(small, write_clip):
    write_clip(small / "OAF_neutral" / "OA_bite_neutral.wav")
    rows = {row["id"]: row for row in prepare(small)}
    assert rows["OAF_bite_neutral"]["speaker"] == "OAF"
    write_clip(small / "OAF_neutral" / "OAF_bite_neutral.wav")
    refused(small, "there twice", "OA_bite_neutral.wav", "OAF_bite_neutral.wav")


@pytest.fixture
def full(tmp_path, write_clip):
    """All 2800 names, every one a link to the same short clip."""
    clip = write_clip(tmp_path / "clip.wav")
    for folder, code in zip(FOLDERS.split(), CODES * 2, strict=True):
        (tmp_path / "full" / folder).mkdir(parents=True)
        for word in tess.WORDS:
            os.link(clip, tmp_path / "full" / folder / f"{folder[:3]}_{word}_{code}.wav")
    return tmp_path / "full"


def test_whole_corpus_needs_no_flag_and_missing_clips_are_counted(full):
    manifest = prepare(full, allow_partial=False)
    assert Counter(manifest["emotion"]) == {name: 400 for name in tess.EMOTIONS}
    assert Counter(manifest["speaker"]) == {"OAF": 1400, "YAF": 1400}
    (full / "OAF_Fear" / "OAF_back_fear.wav").unlink()
    shutil.rmtree(full / "YAF_pleasant_surprised")
    refused(
        full,
        "2599 of TESS's 2800",
        "OAF fear lacks 1, YAF pleasant surprise lacks 200.",
        "--allow_partial",
        allow_partial=False,
    )
    assert len(prepare(full)) == 2599


def test_part_of_the_corpus_needs_the_flag(small, caplog):
    refused(small, "14 of TESS's 2800", "YAF sad lacks 199", allow_partial=False)
    assert len(prepare(small)) == 14
    assert any("14 of TESS's 2800" in text for text in caplog.messages)


def test_kaggles_second_copy_inside_is_left_out(small, caplog):
    caplog.set_level("INFO")
    name = "TESS Toronto emotional speech set data"
    kaggle = small.rename(small.parent / name)
    shutil.copytree(kaggle, small.parent / "copy")
    shutil.move(small.parent / "copy", kaggle / name.lower() / name)
    manifest = prepare(kaggle)
    assert len(manifest) == 14
    assert not any(name.lower() in path for path in manifest["path"])
    assert any("left out 14 clips" in text for text in caplog.messages)
    assert len(prepare(kaggle.parent)) == 14
    (kaggle / name.lower() / name / "OAF_angry" / "OAF_back_angry.wav").unlink()
    refused(kaggle, "differ", "OAF_back_angry.wav", name.lower())


def test_kaggles_second_copy_beside_the_first_is_left_out(small):
    archive = small.parent / "archive"
    name = "TESS Toronto emotional speech set data"
    shutil.copytree(small, archive / name)
    shutil.copytree(small, archive / name.lower() / name)
    manifest = prepare(archive)
    assert len(manifest) == 14
    assert all(path.startswith(str(archive / name)) for path in manifest["path"])


def test_copy_with_other_content_is_refused(small, write_clip):
    shutil.copytree(small, small.parent / "backup")
    write_clip(small.parent / "backup" / "OAF_angry" / "OAF_back_angry.wav", channels=2)
    refused(small.parent, "TESS", "backup", "differ (first: OAF_back_angry.wav)")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("OAF_angry/OAF_back_angry (1).wav", "not speaker, word and emotion"),
        ("OAF_angry/notes.wav", "not speaker, word and emotion"),
        ("OAF_angry/MAF_back_angry.wav", "not speaker, word and emotion"),
        ("OAF_angry/OAF_bakc_angry.wav", "unknown word bakc"),
        ("OAF_angry/OAF_bar_bored.wav", "unknown emotion bored"),
        ("OAF_angry/OAF_bar_sad.wav", "its folder says otherwise"),
        ("OAF_angry/YAF_bar_angry.wav", "its folder says otherwise"),
        ("OAF_bored/OAF_bar_sad.wav", "its folder says otherwise"),
        ("stray.wav", "not speaker, word and emotion"),
    ],
)
def test_unknown_codes_name_the_file(small, write_clip, name, word):
    write_clip(small / name)
    refused(small, name, word)


def test_all_bad_names_at_once(small, write_clip):
    for number in range(12):
        write_clip(small / "OAF_angry" / f"take{number:02d}.wav")
    message = refused(small, "take00.wav", "take09.wav", "and 2 more")
    assert "take10" not in message


def test_hidden_files_and_text_are_left_out(small):
    (small / ".DS_Store").write_bytes(b"Mac")
    (small / "OAF_angry" / "._OAF_back_angry.wav").write_bytes(b"Mac")
    (small / "OAF_angry" / "readme.txt").write_text("text")
    shutil.copytree(small / "OAF_angry", small / ".Trash" / "OAF_angry")
    assert len(prepare(small)) == 14


def test_suffix_in_capitals_and_folder_beyond_ascii(small):
    clip = small / "OAF_angry" / "OAF_back_angry.wav"
    clip.rename(clip.with_suffix(".WAV"))
    assert len(prepare(small.rename(small.parent / "Übung 感情"))) == 14


def test_wav_and_flac_of_one_clip(small, write_clip):
    write_clip(small / "OAF_angry" / "OAF_back_angry.flac")
    refused(small, "OAF_back_angry", "there twice", ".wav", ".flac")


def test_other_rate_stereo_and_sound_that_is_not_riff(small, write_clip):
    noise = np.random.default_rng(0).normal(0, 0.1, 4800)
    soundfile.write(small / "OAF_Fear" / "OAF_bar_fear.wav", noise, 48_000)
    write_clip(small / "OAF_Fear" / "OAF_base_fear.wav", channels=2)
    for path, kind in (("YAF_angry/YAF_germ_angry", "AIFF"), ("YAF_fear/YAF_neat_fear", "AU")):
        sound = io.BytesIO()
        soundfile.write(sound, noise, 24_414, format=kind)
        (small / f"{path}.wav").write_bytes(sound.getvalue())
    rates = {row["id"]: row["sample_rate"] for row in prepare(small)}
    assert len(rates) == 18 and rates["OAF_bar_fear"] == 48_000
    assert rates["YAF_germ_angry"] == rates["YAF_neat_fear"] == 24_414


def test_links(small, write_clip, tmp_path):
    real = write_clip(tmp_path / "elsewhere" / "x.wav")
    (small / "YAF_sad" / "YAF_bar_sad.wav").symlink_to(real)
    (tmp_path / "link").symlink_to(small)
    assert len(prepare(tmp_path / "link")) == 15


def test_link_that_leads_nowhere(small):
    (small / "YAF_sad" / "YAF_base_sad.wav").symlink_to("nowhere.wav")
    refused(small, "YAF_base_sad.wav", "no such file")


def test_read_only_folder_is_left_as_it_is(small, untouched):
    with untouched(small):
        assert len(prepare(small)) == 14


def test_broken_clips(small):
    clip = small / "OAF_angry" / "OAF_back_angry.wav"
    clip.write_bytes(clip.read_bytes()[:500])
    (small / "YAF_sad" / "YAF_back_sad.wav").write_text("text")
    refused(small, clip.name, "truncated", "YAF_back_sad.wav", "--allow_partial")


@pytest.mark.parametrize("allow_partial", [False, True])
def test_folder_without_clips(tmp_path, allow_partial):
    refused(tmp_path, str(tmp_path), "holds no TESS", "OAF_angry", allow_partial=allow_partial)
    (tmp_path / "OAF_angry").mkdir()
    refused(tmp_path, "holds no TESS", allow_partial=allow_partial)


def test_sample_has_the_layout_and_speakers_of_the_corpus(monkeypatch):
    plan = tess.sample_clips()
    assert 60 <= len(plan) <= 200
    rows = [tess._row(path, "x", sorted_in=True) for path in map(Path, plan)]
    assert Counter(row["emotion"] for row in rows) == {name: 16 for name in tess.EMOTIONS}
    assert {row["speaker"] for row in rows} == {"OAF", "YAF"}
    voices = {
        (row["speaker"], spoken["speaker"]) for row, spoken in zip(rows, plan.values(), strict=True)
    }
    assert len(voices) == 2 and all(number % 2 == 0 for _, number in voices)

    def hum(speaker, take=1, **others):
        return np.full(4800, take / speaker, np.float32), 48_000

    monkeypatch.setattr(synthetic, "voice", hum)
    manifest = tess.prepare("sample", progress=False)
    assert len(manifest) == len(plan) and is_synthetic(manifest)
    assert set(manifest["corpus"]) == {"TESS-synthetic"}
    assert set(manifest["sample_rate"]) == {24_414}


class Dataverse(http.server.BaseHTTPRequestHandler):
    """Answers as a Dataverse does: a list of files, and each file by its number."""

    def __init__(self, state, *args):
        self.state = state
        super().__init__(*args)

    def do_GET(self):
        self.state["asked"].append(self.path)
        if self.path == "/datasets/:persistentId/?persistentId=doi:10.5683/SP2/E8H2MF":
            body = self.state["list"]
        else:
            body = self.state["files"].get(self.path.removeprefix("/access/datafile/"))
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def dataverse(monkeypatch, tmp_path, write_clip):
    """State of a loopback Dataverse that has three clips and a text."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "_PAUSE_S", 0)
    monkeypatch.setattr(tess, "_WHOLE", 3)
    labels = ("OAF_back_angry.wav", "OA_bite_neutral.wav", "YAF_back_ps.wav", "readme.txt")
    state, listed = {"files": {}, "asked": []}, []
    for number, label in enumerate(labels):
        content = write_clip(tmp_path / "served" / f"{label}.wav").read_bytes()
        state["files"][str(number)] = content
        file = {"id": number, "filename": label, "filesize": len(content)}
        file["md5"] = hashlib.md5(content).hexdigest()
        listed.append({"label": label, "restricted": False, "dataFile": file})
    state["answer"] = {"status": "OK", "data": {"latestVersion": {"files": listed}}}
    state["list"] = json.dumps(state["answer"]).encode()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Dataverse, state)
    ) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(tess, "API_URL", f"http://127.0.0.1:{running.server_port}")
        yield state
        running.shutdown()


def test_download_is_whole_checked_and_done_once(dataverse, tmp_path):
    folder = tess.find()
    assert folder == tmp_path / "cache" / "corpora" / "TESS"
    names = sorted(path.name for path in folder.iterdir())
    assert names == [".completed", "OAF_back_angry.wav", "OA_bite_neutral.wav", "YAF_back_ps.wav"]
    asked = len(dataverse["asked"])
    assert sorted(prepare(None)["id"]) == ["OAF_back_angry", "OAF_bite_neutral", "YAF_back_ps"]
    assert len(dataverse["asked"]) == asked == 4


def test_download_that_broke_off_goes_on(dataverse, tmp_path):
    lost = dataverse["files"].pop("2")
    message = refused(None, "404", "datafile/2", "--data_folder")
    assert "TESS is not on this machine" in message
    assert not (tmp_path / "cache" / "corpora" / "TESS").exists()
    dataverse["files"]["2"] = lost
    dataverse["asked"].clear()
    assert len(list(tess.find().glob("*.wav"))) == 3
    assert sum("datafile" in path for path in dataverse["asked"]) == 1


def test_download_with_a_wrong_checksum_or_list(dataverse):
    dataverse["files"]["1"] = dataverse["files"]["1"][:-2] + b"xx"
    with pytest.raises(CorpusError, match="MD5"):
        tess.find()
    dataverse["answer"]["data"]["latestVersion"]["files"].pop(0)
    dataverse["list"] = json.dumps(dataverse["answer"]).encode()
    refused(None, "lists 2 clips instead of 3", tess.URL)
    dataverse["list"] = b"<html>maintenance</html>"
    refused(None, "no list of its files", tess.URL, "sample")


def test_no_network_names_the_ways_on(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    # Nobody listens on the discard port.
    monkeypatch.setattr(tess, "API_URL", "http://127.0.0.1:9")
    refused(None, "--data_folder FOLDER", "SER_DATA", "network", tess.URL, "sample")


def test_foreign_folder_is_not_overwritten(dataverse, tmp_path):
    folder = tmp_path / "cache" / "corpora" / "TESS"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("mine")
    refused(None, "no finished download", str(folder))
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_find_order(small, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_DATA", str(tmp_path))
    assert tess.find() == small
    assert tess.find(str(tmp_path)) == tmp_path
    with pytest.raises(CorpusError, match="typo is not there"):
        tess.find(tmp_path / "typo")


@pytest.mark.real
def test_real_part(real_ravdess):
    folder = real_ravdess.parent / "TESS"
    if not folder.is_dir():
        pytest.skip(f"no TESS at {folder}")
    manifest = prepare(folder)
    assert len(manifest) == 210
    counts = Counter(zip(manifest["speaker"], manifest["emotion"], strict=True))
    assert len(counts) == 14 and set(counts.values()) == {15}
    assert set(manifest["sample_rate"]) == {24_414}
    assert set(manifest["statement"]) < set(tess.WORDS)
