import numpy as np
import pytest
import soundfile

from ser_lib.corpora.manifest import FEATURES, build, inspect_clips, is_synthetic
from ser_lib.errors import CorpusError


def row(clip, **changes):
    values = {name: "x" for name in FEATURES}
    values.update(id=clip, start=0.0, end=1.0, duration=1.0, sample_rate=16000)
    return {**values, **changes}


def test_rows_are_typed_and_sorted_by_id():
    manifest = build([row("b"), row("a"), row("c")])
    assert manifest["id"][:] == ["a", "b", "c"]
    assert manifest.features == FEATURES


def test_key_order_does_not_matter():
    backwards = dict(reversed(row("a").items()))
    assert build([backwards]).column_names == list(FEATURES)


def test_double_ids_name_both_files():
    with pytest.raises(CorpusError, match="share the id a.*one.wav.*two.wav"):
        build([row("a", path="one.wav"), row("b"), row("a", path="two.wav")])


def test_no_rows_and_odd_columns():
    with pytest.raises(CorpusError, match="one clip"):
        build([])
    with pytest.raises(CorpusError, match="clip a.*mood"):
        build([row("a", mood="x")])
    lacking = row("a")
    del lacking["gender"]
    with pytest.raises(CorpusError, match="clip a.*gender"):
        build([lacking])


def test_synthetic_by_name_and_by_manifest():
    assert is_synthetic("RAVDESS-synthetic") and not is_synthetic("RAVDESS")
    assert not is_synthetic(build([row("a", corpus="RAVDESS")]))
    assert is_synthetic(build([row("a", corpus="RAVDESS"), row("b", corpus="Z-synthetic")]))


def test_inspect_clips_keeps_the_order(tmp_path):
    paths = []
    for place in range(20):
        paths.append(tmp_path / f"{place}.wav")
        soundfile.write(paths[-1], np.full(100 + place, 0.1), 8000)
    assert [info.frames for info in inspect_clips(paths, progress=False)] == list(range(100, 120))


def test_broken_clips_make_one_line(tmp_path):
    paths = [tmp_path / f"{place}.wav" for place in range(4)]
    for path in paths:
        soundfile.write(path, np.full(100, 0.1), 8000)
    paths[1].write_text("no sound")
    paths[3].write_bytes(b"")
    with pytest.raises(CorpusError) as caught:
        inspect_clips(paths, progress=False)
    message = str(caught.value)
    assert "2 clips" in message and "1.wav is not a sound file" in message and "3.wav" in message
    assert "--allow_partial" in message and "\n" not in message


def test_bad_files_among_a_thousand_are_named_at_once(tmp_path):
    paths = [tmp_path / f"{place:04d}.wav" for place in range(1000)]
    for path in paths:
        soundfile.write(path, np.full(80, 0.1), 8000)
    bad = (3, 500, 501, 999)
    for place in bad:
        paths[place].write_text("no sound")
    with pytest.raises(CorpusError) as caught:
        inspect_clips(paths, progress=False)
    message = str(caught.value)
    assert message.startswith("4 clips are broken: ") and "\n" not in message
    assert all(paths[place].name in message for place in bad)
