import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import soundfile

from ser_lib.corpora import ravdess, sample, synthetic
from ser_lib.corpora.manifest import is_synthetic
from ser_lib.corpora.voices import STYLES, voice
from ser_lib.errors import CorpusError

FOLDS = ("01 11 20 21", "04 10 12 14", "08 09 19 23", "03 05 07 24", "02 15 16 18", "06 13 17 22")
FEW = sample.CLIPS[:3]


def pitch(waveform, rate):
    """Median pitch in Hz by autocorrelation over the louder frames."""
    step = round(0.04 * rate)
    frames = waveform[: len(waveform) // step * step].reshape(-1, step)
    energy = (frames**2).mean(1)
    values = []
    for frame in frames[energy > 0.2 * energy.max()]:
        spectrum = np.fft.rfft(frame - frame.mean(), 4 * step)
        likeness = np.fft.irfft(np.abs(spectrum) ** 2)
        shortest, longest = rate // 600, rate // 70
        values.append(rate / (shortest + likeness[shortest:longest].argmax()))
    return np.median(values)


def test_emotions_are_those_of_ravdess():
    assert tuple(STYLES) == ravdess.EMOTIONS


def test_plan_of_the_corpus():
    assert len(sample.CLIPS) == len(set(sample.CLIPS)) == 180
    actors = Counter(clip[-2:] for clip in sample.CLIPS)
    assert set(actors.values()) == {15}
    for fold in FOLDS:
        mine = [actor for actor in fold.split() if actor in actors]
        assert len(mine) == 2
        sexes = {int(actor) % 2 for actor in fold.split()}
        assert {int(actor) % 2 for actor in mine} == sexes
    emotions = Counter(clip[6:8] for clip in sample.CLIPS)
    assert emotions.pop("01") == 12 and set(emotions.values()) == {24}
    for emotion in range(1, 9):
        said = Counter(clip[12:14] for clip in sample.CLIPS if clip[6:8] == f"{emotion:02d}")
        assert said["01"] == said["02"]


def test_voice_is_the_same_in_another_process():
    code = (
        "import hashlib; from ser_lib.corpora.sample import voice;"
        "print(hashlib.sha256(voice('happy', 2, 'strong', '2')[0].tobytes()).hexdigest())"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert len({output.stdout for output in outputs}) == 1


@pytest.mark.parametrize("emotion", ravdess.EMOTIONS)
def test_voice_is_a_clip_like_ravdess_has_them(emotion):
    waveform, rate = voice(
        emotion, speaker=3, intensity="strong" if emotion != "neutral" else "normal"
    )
    assert rate == 48000 and waveform.dtype == np.float32 and waveform.ndim == 1
    assert 2.5 <= len(waveform) / rate <= 4.5
    assert np.isfinite(waveform).all() and 0.01 < np.abs(waveform).max() < 1
    lead, loudest = waveform[: int(0.4 * rate)], np.abs(waveform).max()
    assert 0 < np.abs(lead).max() < 0.05 * loudest
    assert np.abs(waveform[-int(0.1 * rate) :]).max() < 0.05 * loudest


def test_voices_follow_sex_emotion_and_take():
    man, rate = voice("neutral", speaker=1)
    woman, _ = voice("neutral", speaker=2)
    assert 80 < pitch(man, rate) < 160 < pitch(woman, rate) < 270
    for speaker in (1, 2, 9, 24):
        angry, sad = (voice(emotion, speaker, "strong")[0] for emotion in ("angry", "sad"))
        assert np.std(angry) > 2 * np.std(sad)
        assert pitch(angry, rate) > pitch(sad, rate)
    again, _ = voice("neutral", speaker=1, take=2)
    assert len(again) != len(man) or not np.array_equal(again, man)


@pytest.mark.parametrize("seconds", [0.05, 1.0, 3.0, 10.0])
def test_wanted_length(seconds):
    waveform, rate = voice("calm", seconds=seconds)
    assert len(waveform) == round(seconds * rate)
    assert np.abs(waveform).max() > 1e-3


@pytest.mark.parametrize(
    "wrong", [{"emotion": "bored"}, {"intensity": "huge"}, {"statement": "3"}, {"seconds": 0}]
)
def test_unknown_wishes(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        voice(**{"emotion": "calm", **wrong})


def test_written_sample_is_a_synthetic_ravdess(tmp_path):
    folder = sample.write(tmp_path / "few", progress=False, clips=FEW)
    assert "No human" in (folder / sample.MARKER).read_text()
    manifest = ravdess.prepare(folder, progress=False)
    assert manifest["id"][:] == sorted(FEW)
    assert set(manifest["corpus"]) == {"RAVDESS-synthetic"} and is_synthetic(manifest)
    info = soundfile.info(manifest[0]["path"])
    assert (info.samplerate, info.channels, info.subtype) == (48000, 1, "PCM_16")
    stored, _ = soundfile.read(manifest[0]["path"])
    np.testing.assert_allclose(stored, voice("neutral", speaker=1, statement="1")[0], atol=1e-4)


def test_sample_word_writes_once_under_the_cache(tmp_path, monkeypatch):
    plain = sample.write
    monkeypatch.setattr(
        sample, "write", lambda folder, progress=True: plain(folder, progress=False, clips=FEW)
    )
    folder = ravdess.find("sample")
    assert folder == tmp_path / "cache" / "corpora" / "sample-v1"
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.flac")}
    assert len(ravdess.prepare("sample", progress=False)) == 3
    assert times == {path: path.stat().st_mtime_ns for path in folder.rglob("*.flac")}


def test_interrupted_writing_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic.soundfile, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sample.write(tmp_path / "few", progress=False, clips=FEW)
    assert not (tmp_path / "few").exists() and not list(tmp_path.glob(".half-*"))
    monkeypatch.undo()
    assert (sample.write(tmp_path / "few", progress=False, clips=FEW) / sample.MARKER).is_file()


def test_foreign_folder_is_not_touched(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(CorpusError, match="mine"):
        sample.write(tmp_path / "mine", progress=False, clips=FEW)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
