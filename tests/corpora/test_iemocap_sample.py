"""The synthetic IEMOCAP."""

from collections import Counter

import numpy as np
import pytest
import soundfile

from ser_lib.corpora import iemocap, iemocap_labels, iemocap_sample
from ser_lib.corpora.iemocap_transcripts import read_transcripts, transcription_files
from ser_lib.corpora.manifest import is_synthetic


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Labels and words of the whole sample, and its clips unspoken."""
    clips = {}

    def keep(folder, name, spoken, rate, texts, progress):
        clips.update(spoken)
        for inside, text in texts.items():
            path = folder / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    with monkeypatch.context() as patch:
        patch.setattr(iemocap_sample, "write_voices", keep)
        return iemocap_sample.write(tmp_path / "plan"), clips


def test_plan_of_the_corpus(plan):
    root, clips = plan
    turns = iemocap_labels.read_turns(root)
    assert len(turns) == 140 and len(clips) == 155
    assert len({turn.speaker for turn in turns}) == 10
    assert len({turn.dialogue for turn in turns}) == 15
    each = Counter((turn.speaker, turn.code) for turn in turns)
    for speaker in {turn.speaker for turn in turns}:
        assert [each[speaker, code] for code in ("ang", "hap", "sad", "neu", "exc")] == [2] * 5
    for session in range(1, 6):
        assert {turn.code for turn in turns if turn.session == session} == set(
            iemocap_labels.EMOTIONS
        )
    said = read_transcripts(transcription_files(root))
    assert set(said) == {turn.id for turn in turns}
    for code in ("ang", "hap", "sad", "neu", "exc"):
        mine = [turn for turn in turns if turn.code == code]
        assert set(Counter(said[turn.id] for turn in mine).values()) == {10}
        assert len({turn.statement for turn in mine}) == 3
    for turn in turns:
        path = f"Session{turn.session}/sentences/wav/{turn.dialogue}/{turn.id}.wav"
        assert path in clips and f"Session{turn.session}/dialog/wav/{turn.dialogue}.wav" in clips


def test_written_sample_is_a_synthetic_iemocap(tmp_path):
    root = iemocap_sample.write(tmp_path / "one", progress=False, sessions=(3,))
    assert "No human" in " ".join((root / "SYNTHETIC.md").read_text().split())
    cut = {
        audio: iemocap.prepare(root, progress=False, classes="all", audio=audio)
        for audio in iemocap.AUDIO
    }
    for manifest in cut.values():
        assert len(manifest) == 28 and set(manifest["speaker"]) == {"Ses03F", "Ses03M"}
        assert set(manifest["corpus"]) == {"IEMOCAP-synthetic"} and is_synthetic(manifest)
        assert set(manifest["sample_rate"]) == {16_000} and all(manifest["transcript"])
    for one, other in zip(*cut.values(), strict=True):
        alone, _ = soundfile.read(one["path"])
        whole, _ = soundfile.read(other["path"])
        first, last = (round(other[side] * 16_000) for side in ("start", "end"))
        assert one["duration"] == other["duration"] and len(alone) == last - first
        # Resampling sees silence before a sentence and the room's noise within a dialogue.
        np.testing.assert_allclose(alone[50:-50], whole[first:last][50:-50], atol=1e-4)
    assert len(iemocap.prepare(root, progress=False)) == 16
    assert len(iemocap.variant("merged4").prepare(root, progress=False)) == 20


def test_sample_word_writes_once_under_the_cache(tmp_path, monkeypatch):
    plain, asked = iemocap_sample.write, []

    def write(folder):
        asked.append(folder)
        return plain(folder, progress=False, sessions=(1,))

    monkeypatch.setattr(iemocap_sample, "write", write)
    folder = tmp_path / "cache" / "corpora" / "sample-IEMOCAP-v3"
    assert iemocap.find("sample") == folder
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.wav")}
    assert len(iemocap.prepare("sample", progress=False)) == 16
    assert times == {path: path.stat().st_mtime_ns for path in folder.rglob("*.wav")}
    assert asked == [folder, folder]
