import os

import pytest

from ser_lib.corpora import cache, ravdess
from ser_lib.corpora import folder as reading
from ser_lib.errors import CorpusError


@pytest.fixture
def reads(monkeypatch):
    """How many times clips were decoded, as a list that grows."""
    calls, plain = [], reading.inspect_clips

    def counted(paths, progress=True):
        calls.append(len(paths))
        return plain(paths, progress)

    monkeypatch.setattr(reading, "inspect_clips", counted)
    return calls


def prepare(folder):
    return ravdess.prepare(folder, allow_partial=True, progress=False)


def kept():
    return [path for path in (cache.cache_folder() / "manifests").iterdir() if path.is_dir()]


def test_second_time_nothing_is_decoded(tiny, reads):
    first, second = prepare(tiny), prepare(tiny)
    assert reads == [5]
    assert first.to_list() == second.to_list() and first.features == second.features
    assert len(kept()) == 1


def test_changed_files_are_read_again(tiny, reads, write_clip):
    prepare(tiny)
    clip = tiny / "Actor_01" / "03-01-01-01-01-01-01.wav"
    os.utime(clip, ns=(1, 1))
    prepare(tiny)
    write_clip(tiny / "Actor_01" / "03-01-07-01-01-01-01.wav")
    assert len(prepare(tiny)) == 6
    assert reads == [5, 5, 6]


def test_other_bytes_of_the_same_size_and_date_are_read_again(tiny, reads):
    clip = tiny / "Actor_01" / "03-01-01-01-01-01-01.wav"
    before, stat = prepare(tiny), clip.stat()
    data = bytearray(clip.read_bytes())
    data[-100] ^= 1
    clip.write_bytes(data)
    os.utime(clip, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (clip.stat().st_size, clip.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    after = prepare(tiny)
    assert reads == [5, 5]
    assert len({*before["sha256"]} - {*after["sha256"]}) == 1


def test_other_folder_with_the_same_clips_is_read_again(tiny, reads, tmp_path):
    prepare(tiny)
    moved = tiny.rename(tmp_path / "elsewhere")
    assert all(path.startswith(str(moved)) for path in prepare(moved)["path"])
    assert reads == [5, 5]


def half_the_table(folder):
    arrow = next(folder.glob("*.arrow"))
    arrow.write_bytes(arrow.read_bytes()[: arrow.stat().st_size // 2])


def one_byte_of_the_table(folder):
    arrow = next(folder.glob("*.arrow"))
    data = bytearray(arrow.read_bytes())
    at = data.index(b"Actor_01")
    data[at : at + 8] = b"Actor_99"
    arrow.write_bytes(data)


def no_checksums(folder):
    (folder / "checksums.json").unlink()


def garbled_checksums(folder):
    (folder / "checksums.json").write_text('["what"]')


def no_state(folder):
    (folder / "state.json").unlink()


@pytest.mark.parametrize(
    "spoil", [half_the_table, one_byte_of_the_table, no_checksums, garbled_checksums, no_state]
)
def test_spoilt_cache_is_made_anew(tiny, reads, spoil):
    first = prepare(tiny).to_list()
    spoil(kept()[0])
    assert prepare(tiny).to_list() == first
    assert prepare(tiny).to_list() == first
    assert reads == [5, 5]


def test_unwritable_cache_warns_once(tiny, tmp_path, monkeypatch, caplog):
    blocked = tmp_path / "a file, no folder"
    blocked.touch()
    monkeypatch.setenv("SER_CACHE", str(blocked))
    assert len(prepare(tiny)) == len(prepare(tiny)) == 5
    warnings = [text for text in caplog.messages if "not cached" in text]
    assert len(warnings) == 1 and str(blocked) in warnings[0]


def test_a_dangling_link_that_came_later_is_not_overlooked(tiny):
    prepare(tiny)
    (tiny / "Actor_01" / "03-01-02-01-01-01-01.wav").symlink_to("nowhere.wav")
    with pytest.raises(CorpusError, match="no such file"):
        prepare(tiny)
