import logging
import os
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile

from ser_lib.audio import inspect
from ser_lib.corpora import cremad, synthetic
from ser_lib.corpora.manifest import is_synthetic
from ser_lib.errors import CorpusError

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:9269ed5eb1710836e616d9b036553482d4f22592fdcd495c9228df9bcc009a3e\nsize 414429\n"
)


def prepare(folder, allow_partial=True):
    return cremad.prepare(folder, allow_partial=allow_partial, progress=False)


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
    """A clone of CREMA-D with five short clips of two actors."""
    root = tmp_path / "CREMA-D"
    for name in (
        "1001_DFA_ANG_XX.wav",
        "1001_IEO_FEA_HI.wav",
        "1001_IEO_HAP_LO.wav",
        "1002_IEO_DIS_MD.wav",
        "1002_TIE_NEU_XX.flac",
    ):
        write_clip(root / "AudioWAV" / name)
    (root / "VideoDemographics.csv").write_text("ActorID,Age,Sex,Race,Ethnicity\n")
    (root / "AudioMP3").mkdir()
    (root / "AudioMP3" / "1001_DFA_ANG_XX.mp3").write_bytes(b"mp3")
    return root


def all_names():
    """7442 names, as many of each emotion as the corpus has; which are missing is made up."""
    for actor in cremad.ACTORS:
        for sentence in cremad.SENTENCES:
            for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"):
                levels = ("LO", "MD", "HI") if sentence == "IEO" and emotion != "NEU" else ("XX",)
                for level in levels:
                    # 3 of each emotion and 5 of neutral are not in the corpus.
                    missing = (actor in cremad.ACTORS[:3] and sentence == "TIE") or (
                        emotion == "NEU" and actor in cremad.ACTORS[:2] and sentence == "WSI"
                    )
                    if not missing:
                        yield f"{actor}_{sentence}_{emotion}_{level}.wav"


@pytest.fixture
def full(tmp_path, write_clip):
    """All 7442 names, every one a link to the same short clip."""
    clip = write_clip(tmp_path / "clip.wav")
    folder = tmp_path / "full" / "AudioWAV"
    folder.mkdir(parents=True)
    for name in all_names():
        os.link(clip, folder / name)
    return folder


def test_rows_say_what_the_names_say(small):
    rows = {row["id"]: row for row in prepare(small)}
    assert list(rows) == sorted(rows) and len(rows) == 5
    path = small / "AudioWAV" / "1001_IEO_FEA_HI.wav"
    assert rows["1001_IEO_FEA_HI"] == {
        "id": "1001_IEO_FEA_HI",
        "path": str(path),
        "start": 0.0,
        "end": 0.1,
        "speaker": "1001",
        "gender": "male",
        "emotion": "fear",
        "intensity": "high",
        "statement": "IEO",
        "transcript": "It's eleven o'clock",
        "language": "en",
        "sample_rate": 8000,
        "duration": 0.1,
        "corpus": "CREMA-D",
        "sha256": inspect(path).sha256,
    }
    assert rows["1002_TIE_NEU_XX"]["intensity"] == "" and rows["1002_TIE_NEU_XX"]["path"].endswith(
        ".flac"
    )
    assert rows["1002_IEO_DIS_MD"]["gender"] == "female"
    assert [rows[name]["intensity"] for name in ("1001_IEO_HAP_LO", "1002_IEO_DIS_MD")] == [
        "low",
        "medium",
    ]


def test_facts_of_the_corpus():
    assert len(cremad.ACTORS) == 91 and len(cremad.SENTENCES) == 12
    assert len(cremad.WOMEN) == 43 and set(cremad.ACTORS) > cremad.WOMEN
    assert sum(cremad.COUNTS.values()) == 7442
    # Rows of VideoDemographics.csv, its first and last among them.
    for actor, woman in {"1001": 0, "1002": 1, "1030": 1, "1046": 1, "1088": 0, "1091": 1}.items():
        assert (actor in cremad.WOMEN) == bool(woman)


def test_whole_corpus_needs_no_flag_and_missing_clips_are_counted(full):
    manifest = prepare(full, allow_partial=False)
    assert len(manifest) == 7442 and Counter(manifest["emotion"]) == cremad.COUNTS
    assert len(set(manifest["speaker"])) == 91
    for name in ("1004_TIE_ANG_XX", "1005_TIE_ANG_XX", "1006_TIE_NEU_XX"):
        (full / f"{name}.wav").unlink()
    refused(
        full,
        "7439 of CREMA-D's 7442",
        "anger lacks 2, neutral lacks 1.",
        "--allow_partial",
        allow_partial=False,
    )
    (full / "1006_TIE_SAD_XX.wav").rename(full / "1006_TIE_SAD_LO.wav")
    os.link(full / "1006_TIE_HAP_XX.wav", full / "1006_TIE_HAP_LO.wav")
    refused(full, "happy has 1 too many", allow_partial=False)


def test_part_of_the_corpus_needs_the_flag(small, caplog):
    refused(small, "5 of CREMA-D's 7442", "sad lacks 1271", allow_partial=False)
    assert len(prepare(small)) == 5
    assert any("5 of CREMA-D's 7442" in text for text in caplog.messages)


@pytest.mark.parametrize("place", [".", "AudioWAV", ".."])
def test_folders_around_the_clips(small, place):
    assert len(prepare(small / place)) == 5


def test_two_copies_side_by_side_are_ambiguous(small):
    shutil.copytree(small, small.parent / "backup")
    refused(small.parent, "more than once", "CREMA-D, backup")


def test_a_copy_inside_is_not_read(small):
    shutil.copytree(small / "AudioWAV", small / "AudioWAV" / "AudioWAV")
    manifest = prepare(small)
    assert len(manifest) == 5
    assert not any("AudioWAV/AudioWAV" in path for path in manifest["path"])


@pytest.mark.parametrize("old", [False, True])
def test_the_clip_that_was_renamed_has_one_id(small, write_clip, old):
    write_clip(small / "AudioWAV" / f"1040_ITH_SAD_{'X' if old else 'XX'}.wav")
    rows = {row["id"]: row for row in prepare(small)}
    assert rows["1040_ITH_SAD_XX"]["intensity"] == "" and len(rows) == 6
    assert rows["1040_ITH_SAD_XX"]["emotion"] == "sad"


def test_both_names_of_the_renamed_clip(small, write_clip):
    write_clip(small / "AudioWAV" / "1040_ITH_SAD_X.wav")
    write_clip(small / "AudioWAV" / "1040_ITH_SAD_XX.wav")
    refused(small, "there twice", "1040_ITH_SAD_X.wav", "1040_ITH_SAD_XX.wav")


def test_silent_clip_is_read(small):
    path = small / "AudioWAV" / "1076_MTI_SAD_XX.wav"
    soundfile.write(path, np.zeros(16_000), 16_000, subtype="PCM_16")
    rows = {row["id"]: row for row in prepare(small)}
    assert rows["1076_MTI_SAD_XX"]["duration"] == 1.0


def test_same_samples_under_two_emotions_are_named(small, caplog):
    clips = small / "AudioWAV"
    shutil.copy(clips / "1001_DFA_ANG_XX.wav", clips / "1001_DFA_SAD_XX.wav")
    shutil.copy(clips / "1001_IEO_HAP_LO.wav", clips / "1001_IEO_HAP_MD.wav")
    manifest = prepare(small)
    assert len(manifest) == 7
    told = [text for text in caplog.messages if "two emotions" in text]
    assert len(told) == 1 and "1001_DFA_ANG_XX and 1001_DFA_SAD_XX" in told[0]
    assert "IEO_HAP" not in told[0]
    caplog.clear()
    prepare(small)  # from the cache
    assert any("two emotions" in text for text in caplog.messages)


def test_git_lfs_pointers(small):
    clips = small / "AudioWAV"
    for name in ("1001_DFA_ANG_XX.wav", "1001_IEO_FEA_HI.wav"):
        (clips / name).write_text(POINTER)
    refused(small, "2 of 5 clips are Git LFS pointers", "1001_DFA_ANG_XX.wav", "git lfs pull")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("1000_DFA_ANG_XX.wav", "unknown actor 1000"),
        ("1092_DFA_ANG_XX.wav", "unknown actor 1092"),
        ("1001_ABC_ANG_XX.wav", "unknown sentence ABC"),
        ("1001_DFA_SUR_XX.wav", "unknown emotion SUR"),
        ("1001_DFA_ANG_ZZ.wav", "unknown level ZZ"),
        ("1001_DFA_ANG_X.wav", "unknown level X"),
        ("1001_DFA_ANG_XX (1).wav", "unknown level XX (1)"),
        ("1001_DFA_ANG.flac", "not four fields"),
        ("notes.wav", "not four fields"),
    ],
)
def test_unknown_codes_name_the_file(small, write_clip, name, word):
    write_clip(small / "AudioWAV" / name)
    refused(small, name, word)


def test_all_bad_names_at_once(small, write_clip):
    for actor in range(2001, 2013):
        write_clip(small / "AudioWAV" / f"{actor}_DFA_ANG_XX.wav")
    message = refused(small, "2001_DFA_ANG_XX.wav", "2010_DFA_ANG_XX.wav", "and 2 more")
    assert "2011" not in message


def test_hidden_files_and_text_are_left_out(small):
    clips = small / "AudioWAV"
    (clips / ".DS_Store").write_bytes(b"Mac")
    (clips / "._1001_DFA_ANG_XX.wav").write_bytes(b"Mac")
    (clips / "readme.txt").write_text("text")
    assert len(prepare(small)) == 5


def test_suffix_in_capitals_and_folder_beyond_ascii(small):
    clip = small / "AudioWAV" / "1001_DFA_ANG_XX.wav"
    clip.rename(clip.with_suffix(".WAV"))
    moved = small.rename(small.parent / "Übung 感情")
    assert len(prepare(moved)) == 5


def test_wav_and_flac_of_one_clip(small, write_clip):
    write_clip(small / "AudioWAV" / "1001_DFA_ANG_XX.flac")
    refused(small, "1001_DFA_ANG_XX", "there twice", ".wav", ".flac")


def test_other_rate_and_aiff_inside(small):
    clips = small / "AudioWAV"
    noise = np.random.default_rng(0).normal(0, 0.1, 4410)
    soundfile.write(clips / "1003_DFA_SAD_XX.wav", noise, 44_100)
    with (clips / "1004_DFA_SAD_XX.wav").open("wb") as file:
        soundfile.write(file, noise, 22_050, format="AIFF")
    rates = {row["id"]: row["sample_rate"] for row in prepare(small)}
    assert rates["1003_DFA_SAD_XX"] == 44_100 and rates["1004_DFA_SAD_XX"] == 22_050


def test_links(small, write_clip, tmp_path):
    real = write_clip(tmp_path / "elsewhere" / "1003_DFA_SAD_XX.wav")
    (small / "AudioWAV" / "1003_DFA_SAD_XX.wav").symlink_to(real)
    (tmp_path / "link").symlink_to(small)
    assert len(prepare(tmp_path / "link")) == 6


def test_link_that_leads_nowhere(small):
    (small / "AudioWAV" / "1003_DFA_HAP_XX.wav").symlink_to("nowhere.wav")
    refused(small, "1003_DFA_HAP_XX.wav", "no such file")


def test_read_only_folder_is_left_as_it_is(small, untouched):
    with untouched(small):
        assert len(prepare(small)) == 5


def test_broken_clips(small):
    clips = small / "AudioWAV"
    first = clips / "1001_DFA_ANG_XX.wav"
    first.write_bytes(first.read_bytes()[:500])
    (clips / "1002_TIE_NEU_XX.flac").write_text("text")
    refused(small, first.name, "truncated", "1002_TIE_NEU_XX.flac", "--allow_partial")


@pytest.mark.parametrize("allow_partial", [False, True])
def test_folder_without_clips(tmp_path, allow_partial):
    refused(tmp_path, str(tmp_path), "holds no CREMA-D", "AudioWAV", allow_partial=allow_partial)
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / "AudioWAV" / "readme.md").write_text("empty")
    refused(tmp_path, "holds no CREMA-D", allow_partial=allow_partial)


def test_find_order_and_how_to_get_it(small, tmp_path, monkeypatch):
    clone = tmp_path / "cache" / "corpora" / "CREMA-D"
    refused(None, "lfs pull", "git clone", str(clone), cremad.URL, cremad.MIRROR_URL, "sample")
    shutil.copytree(small, clone)
    assert cremad.find() == clone
    monkeypatch.setenv("SER_DATA", str(tmp_path))
    assert cremad.find() == small
    with pytest.raises(CorpusError, match="typo is not there"):
        cremad.find(tmp_path / "typo")


def test_sample_has_the_layout_and_speakers_of_the_corpus(monkeypatch):
    plan = cremad.sample_clips()
    assert 60 <= len(plan) <= 200
    rows = [cremad._row(path, "x") for path in map(cremad.Path, plan)]
    assert Counter(row["emotion"] for row in rows) == {name: 24 for name in cremad.EMOTIONS}
    assert {row["intensity"] for row in rows} == {"", "low", "medium", "high"}
    assert all(row["statement"] == "IEO" for row in rows if row["intensity"])
    for row, spoken in zip(rows, plan.values(), strict=True):
        assert (row["gender"] == "male") == (spoken["speaker"] % 2 == 1)
    genders = dict((row["speaker"], row["gender"]) for row in rows)
    assert Counter(genders.values()) == {"female": 12, "male": 12}

    def hum(speaker, take=1, **others):
        return np.full(4800, 0.1 / speaker, np.float32), 48_000

    monkeypatch.setattr(synthetic, "voice", hum)
    manifest = cremad.prepare("sample", progress=False)
    assert len(manifest) == len(plan) and is_synthetic(manifest)
    assert set(manifest["corpus"]) == {"CREMA-D-synthetic"}
    assert set(manifest["sample_rate"]) == {16_000}
    inner = cremad.find("sample") / "AudioWAV"
    assert set(prepare(inner, allow_partial=False)["corpus"]) == {"CREMA-D-synthetic"}


@pytest.mark.real
def test_real_part(real_ravdess, caplog):
    folder = real_ravdess.parent / "CREMA-D"
    if not folder.is_dir():
        pytest.skip(f"no CREMA-D at {folder}")
    with caplog.at_level(logging.WARNING):
        manifest = prepare(folder)
    assert len(manifest) == 309 and set(manifest["emotion"]) == {"happy", "sad"}
    assert set(manifest["speaker"]) == {str(actor) for actor in range(1030, 1042)}
    women = {r["speaker"] for r in manifest if r["gender"] == "female"}
    assert women == {"1030", "1037"}
    assert set(manifest["sample_rate"]) == {16_000}
    assert "1040_ITH_SAD_XX" in manifest["id"]
