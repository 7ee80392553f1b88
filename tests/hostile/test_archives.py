"""An archive from a stranger writes nothing outside its folder and fills no disk."""

import os
import stat
import struct
import zipfile

import pytest

from ser_lib.corpora.unpack import MARKER, extract_zip
from ser_lib.errors import CorpusError


@pytest.fixture
def make(tmp_path):
    """Function that writes an archive of names to content, and gives its path."""

    def write(entries, method=zipfile.ZIP_DEFLATED):
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for entry, content in entries:
                archive.writestr(entry, content)
        return path

    return write


def refused(archive, match):
    place = archive.parent / "place"
    place.mkdir()
    with pytest.raises(CorpusError, match=match) as caught:
        extract_zip(archive, place / "corpus")
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert list(place.iterdir()) == []
    assert {path.name for path in archive.parent.iterdir()} == {"a.zip", "place"}


def entry(name, mode=0, method=None):
    made = zipfile.ZipInfo("x")
    # Set afterwards: the constructor tidies a name up.
    made.filename = made.orig_filename = name
    made.external_attr = mode << 16
    if method is not None:
        made.compress_type = method
    return made


@pytest.mark.parametrize(
    "name",
    ["../a.wav", "a/../../b.wav", "/etc/a.wav", "C:\\a.wav", "\\\\host\\a.wav", "a\\..\\..\\b.wav"]
    + ["c:a.wav", "//host/share/a.wav"],
)
def test_names_outside_the_folder(make, name):
    refused(make([(entry(name), "x")]), "outside the folder")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices(make, kind):
    refused(make([(entry("a.wav", kind | 0o644), "/etc/passwd")]), "outside the folder")


def test_set_user_id_is_not_taken_over(make, tmp_path):
    archive = make([(entry("a.wav", stat.S_IFREG | 0o6777), "x")])
    extract_zip(archive, tmp_path / "corpus")
    assert not (tmp_path / "corpus" / "a.wav").stat().st_mode & 0o6000


@pytest.mark.parametrize(
    "name", ["a\x1b[2J.wav", "a\nb.wav", "a\u202ewav.exe", "a\x07.wav", "n" * 2000, "a\u2028.wav"]
)
def test_names_that_move_the_cursor(make, name):
    refused(make([(entry(name), "x")]), "no corpus has")


def test_a_name_cut_off_by_a_nul(make):
    archive = make([("aXb.wav", "x")])
    archive.write_bytes(archive.read_bytes().replace(b"aXb.wav", b"a\0b.wav"))
    refused(archive, "no corpus has")


@pytest.mark.parametrize(
    "names", [("a.wav", "a.wav"), ("a.wav", "A.WAV"), ("a", "a/b.wav"), ("a/b/c.wav", "a/b")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice(make, names):
    refused(make([(name, "x") for name in names]), "one name twice")


def test_a_bomb_is_refused_by_its_ratio(make):
    refused(make([("a.wav", bytes(200 << 20))]), "unpacks to 210 MB")


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_says(make):
    archive = make([("a.wav", bytes(50 << 20))])
    data = bytearray(archive.read_bytes())
    size = struct.pack("<I", 50 << 20)
    assert data.count(size) >= 2
    archive.write_bytes(data.replace(size, struct.pack("<I", 10)))
    refused(archive, "not a sound zip")


def test_many_bombs_in_one_block_are_counted_each(make):
    archive = make([(f"{n}.wav", bytes(9 << 20)) for n in range(20)])
    refused(archive, "unpacks to")


def test_too_many_entries(make, monkeypatch):
    monkeypatch.setattr("ser_lib.corpora.unpack._MOST_ENTRIES", 100)
    refused(make([(f"{n}.wav", "") for n in range(101)]), "101 entries")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing(make, method):
    refused(make([("a.wav", "x" * 100)], method), "neither stored nor deflated")


@pytest.mark.parametrize("cut", [0, 10, 60, 110])
def test_damaged_archives(make, cut):
    archive = make([("a.wav", os.urandom(60)), ("b.wav", os.urandom(60))])
    data = archive.read_bytes()
    archive.write_bytes(data[:cut] + data[cut + 5 :] if cut else b"PK\5\6")
    refused(archive, "not a sound zip|neither|one name|outside|no corpus")


def test_a_disk_that_refuses_is_one_line(make):
    refused(make([("a" * 300 + ".wav", "x")]), "cannot be written")


def test_a_sound_archive_is_unpacked(make, tmp_path):
    extract_zip(make([("Actor_01/ü (1).wav", "x"), ("Actor_01/", "")]), tmp_path / "corpus")
    assert (tmp_path / "corpus" / "Actor_01" / "ü (1).wav").read_text() == "x"
    assert (tmp_path / "corpus" / MARKER).is_file()
