"""The same samples under two emotions, in every corpus."""

import shutil

import pytest
from datasets import Dataset

from ser_lib.corpora import cremad, emodb, iemocap, ravdess, savee, tess
from ser_lib.corpora.two_labels import warn_of_two_labels

#: A clip, the same sound under another emotion, and another take of the first emotion.
FILES = {
    ravdess: [
        f"Actor_01/03-01-0{name}-01.wav" for name in ("5-01-01-01", "4-01-01-01", "5-02-01-01")
    ],
    savee: ["AudioData/DC/a01.wav", "AudioData/KL/sa01.wav", "AudioData/DC/a02.wav"],
    emodb: ["wav/03a01Wa.wav", "wav/08a01Ta.wav", "wav/03a02Wa.wav"],
    tess: [f"TESS/OAF_back_{emotion}.wav" for emotion in ("angry", "sad")]
    + ["TESS/OAF_youth_angry.wav"],
    cremad: [f"AudioWAV/1001_{name}_XX.wav" for name in ("DFA_ANG", "DFA_SAD", "ITH_ANG")],
}


@pytest.mark.parametrize("reader", FILES, ids=lambda reader: reader.NAME)
def test_readers_of_folders_name_them(reader, write_clip, tmp_path, caplog):
    first, other, take = (tmp_path / reader.NAME / file for file in FILES[reader])
    write_clip(first)
    for copy in (other, take):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(first, copy)
    for _ in ("read", "from the cache"):
        caplog.clear()
        manifest = reader.prepare(tmp_path / reader.NAME, allow_partial=True, progress=False)
        assert len(set(manifest["sha256"])) == 1 < len(set(manifest["emotion"]))
        told = [text for text in caplog.messages if "two emotions" in text]
        assert len(told) == 1 and told[0].startswith(reader.NAME)
        assert all(clip in told[0] for clip in manifest["id"])
    other.unlink()
    caplog.clear()
    reader.prepare(tmp_path / reader.NAME, allow_partial=True, progress=False)
    assert "two emotions" not in caplog.text


@pytest.mark.parametrize("audio", iemocap.AUDIO)
def test_iemocap_names_them(audio, write_clip, tmp_path, caplog):
    session, name = tmp_path / "Session1", "Ses01F_impro01"
    turns = {f"{name}_F000": "neu", f"{name}_M000": "ang", f"{name}_F001": "exc"}
    for kind in ("EmoEvaluation", "transcriptions"):
        (session / "dialog" / kind).mkdir(parents=True)
    # The three turns are one stretch of the dialogue, too.
    lines = [f"[0.0000 - 0.0500]\t{turn}\t{code}\t[2.5, 3.0, 4.0]" for turn, code in turns.items()]
    text = "\n".join(["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", "", *lines, ""])
    (session / "dialog" / "EmoEvaluation" / f"{name}.txt").write_text(text, encoding="utf-8")
    said = "".join(f"{turn} [000.0000-000.0500]: Yes.\n" for turn in turns)
    (session / "dialog" / "transcriptions" / f"{name}.txt").write_text(said, encoding="utf-8")
    write_clip(session / "dialog" / "wav" / f"{name}.wav", channels=2)
    sentence = write_clip(session / "sentences" / "wav" / name / f"{name}_F000.wav")
    for turn in list(turns)[1:]:
        shutil.copy(sentence, sentence.with_name(f"{turn}.wav"))
    manifest = iemocap.prepare(tmp_path, allow_partial=True, progress=False, audio=audio)
    assert len(manifest) == 2
    told = [text for text in caplog.messages if "two emotions" in text]
    assert len(told) == 1 and all(clip in told[0] for clip in manifest["id"])
    assert f"{name}_F001" not in told[0]


def test_a_long_list_is_cut(caplog):
    rows = {
        "id": [f"clip{n:02d}" for n in range(24)],
        "emotion": ["sad", "angry"] * 12,
        "sha256": [f"{n // 2:064d}" for n in range(24)],
    }
    warn_of_two_labels("RAVDESS", Dataset.from_dict(rows))
    assert caplog.messages[0].endswith("clip18 and clip19; and 2 more such groups")
