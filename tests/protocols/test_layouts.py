"""The official names of whole corpora are those that their readers give."""

import importlib

import pytest

from ser_lib.corpora import cremad, emodb, savee
from ser_lib.protocols import PROTOCOLS
from ser_lib.protocols.layouts import WHOLE, layout, whole

COLUMNS = ("speaker", "gender", "emotion", "statement", "transcript", "corpus")


@pytest.mark.parametrize("corpus", sorted(WHOLE))
def test_every_clip_has_a_name(corpus):
    # Twenty of the names that CREMA-D's rules give were never released.
    extra = {"CREMA-D": 20, "Merged": 20}.get(corpus, 0)
    names = layout(corpus)["id"][:]
    assert len(names) == len(set(names)) == whole(corpus) + extra


def test_corpora_without_a_layout():
    assert layout("Ravel") is None and whole("Ravel") is None
    assert whole("IEMOCAP", "merged4") == 5531


def test_classes_are_as_many_as_the_publishers_say():
    emotions = layout("EMO-DB")["emotion"][:]
    assert [emotions.count(name) for name in emodb.EMOTIONS] == [127, 81, 46, 69, 71, 62, 79]
    emotions = layout("CREMA-D")["emotion"][:]
    assert all(0 <= emotions.count(name) - n <= 5 for name, n in cremad.COUNTS.items())
    emotions = layout("Merged")["emotion"][:]
    assert emotions.count("calm") == 192 and emotions.count("surprised") == 652


def test_savee_is_named_as_its_reader_does(tmp_path, small_ravdess):
    clip = next(small_ravdess.rglob("*.flac"))
    for name in ("DC/a01", "JE/n19", "JK/su15", "KL/n16"):
        path = tmp_path / "AudioData" / f"{name}.flac"
        path.parent.mkdir(parents=True)
        path.write_bytes(clip.read_bytes())
    rows = savee.prepare(tmp_path, allow_partial=True, progress=False).to_list()
    names = {row["id"]: row for row in layout("SAVEE")}
    assert len(rows) == 4
    assert all(row[key] == names[row["id"]][key] for row in rows for key in COLUMNS)


@pytest.mark.real
@pytest.mark.parametrize("corpus", ["RAVDESS", "EMO-DB", "TESS", "CREMA-D"])
def test_real_clips_are_named_as_the_layout_says(real_ravdess, corpus):
    folder = real_ravdess.parent / corpus
    if not folder.is_dir():
        pytest.skip(f"real {corpus} is not at {folder}")
    name = next(p.corpus_module for p in PROTOCOLS.values() if p.corpus == corpus)
    reader = importlib.import_module(f"ser_lib.corpora.{name}")
    rows = reader.prepare(folder, allow_partial=True, progress=False).to_list()
    names = {row["id"]: row for row in layout(corpus)}
    assert all(row[key] == names[row["id"]][key] for row in rows for key in COLUMNS)
