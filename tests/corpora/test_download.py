import contextlib
import functools
import hashlib
import http.server
import random
import re
import shutil
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from ser_lib.corpora import download, ravdess
from ser_lib.errors import CorpusError

CONTENT = random.Random(0).randbytes(3_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves bytes with Range support; can ignore Range, break off, or answer an error."""

    def __init__(self, server_state, *args):
        self.state = server_state
        super().__init__(*args)

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.state["ranges"].append(wanted)
        if self.state["errors"]:
            self.send_error(self.state["errors"].pop(0))
            return
        content, first = self.state["content"], 0
        if wanted and self.state["resumes"]:
            first = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        body = content[first:]
        if self.state["break_after"]:
            body = body[: self.state["break_after"].pop(0)]
        # A client that has seen enough hangs up.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """State of a loopback server: content, what goes wrong, the Range headers it was asked for."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "_PAUSE_S", 0)
    state = {"content": CONTENT, "resumes": True, "break_after": [], "errors": [], "ranges": []}
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, state)
    ) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        state["url"] = f"http://127.0.0.1:{running.server_port}/archive.zip?download=1"
        yield state
        running.shutdown()


def fetch(server, path, size=3_000_000, md5=MD5):
    return download.fetch(server["url"], path, size, md5, progress=False)


def test_plain_download(server, tmp_path):
    path = fetch(server, tmp_path / "new" / "a.zip")
    assert path.read_bytes() == CONTENT
    assert [item.name for item in path.parent.iterdir()] == ["a.zip"]
    fetch(server, path)
    assert server["ranges"] == [None]


def test_broken_connection_is_taken_up(server, tmp_path):
    server["break_after"] = [1_000_000, 500_000]
    assert fetch(server, tmp_path / "a.zip").read_bytes() == CONTENT
    assert server["ranges"] == [None, "bytes=1000000-", "bytes=1500000-"]


def test_part_of_an_earlier_run_is_taken_up(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT[:2_000_000])
    assert fetch(server, tmp_path / "a.zip").read_bytes() == CONTENT
    assert server["ranges"] == ["bytes=2000000-"]


def test_server_without_range(server, tmp_path):
    server["resumes"] = False
    (tmp_path / "a.zip.part").write_bytes(CONTENT[:2_000_000])
    assert fetch(server, tmp_path / "a.zip").read_bytes() == CONTENT


def test_complete_part_is_not_fetched_again(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    assert fetch(server, tmp_path / "a.zip").read_bytes() == CONTENT
    assert server["ranges"] == []


def test_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT + b"more")
    assert fetch(server, tmp_path / "a.zip").read_bytes() == CONTENT
    assert server["ranges"] == [None]


def test_server_that_always_breaks_off_keeps_the_part(server, tmp_path):
    server["break_after"] = [100_000] * 99
    with pytest.raises(download.DownloadError, match="the next run goes on") as caught:
        fetch(server, tmp_path / "a.zip")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "a.zip.part").stat().st_size == 100_000 * len(server["ranges"])
    server["break_after"] = []
    assert fetch(server, tmp_path / "a.zip").read_bytes() == CONTENT


def test_wrong_checksum_and_size(server, tmp_path):
    with pytest.raises(CorpusError, match=f"MD5 {MD5} instead of {'0' * 32}"):
        fetch(server, tmp_path / "a.zip", md5="0" * 32)
    with pytest.raises(CorpusError, match="more than 1000 bytes"):
        fetch(server, tmp_path / "a.zip", size=1000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("code", "asked"), [(404, 1), (403, 1), (503, 4)])
def test_error_answers(server, tmp_path, code, asked):
    server["errors"] = [code] * 9
    with pytest.raises(download.DownloadError, match=f"answers {code}"):
        fetch(server, tmp_path / "a.zip")
    assert len(server["ranges"]) == asked


def test_range_that_the_server_refuses(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT[:10])
    server["errors"] = [416]
    assert fetch(server, tmp_path / "a.zip").read_bytes() == CONTENT


def test_nobody_listens(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(download.DownloadError, match="no connection"):
        download.fetch("http://127.0.0.1:9/a.zip", tmp_path / "a.zip", 10, MD5, progress=False)


def test_full_disk(server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CorpusError, match="1 MB free.*3 MB"):
        fetch(server, tmp_path / "a.zip")
    assert server["ranges"] == []


def pack(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def refused(archive, folder, word, **options):
    with pytest.raises(CorpusError, match=word) as caught:
        download.extract_zip(archive, folder, **options)
    assert "\n" not in str(caught.value)
    assert not folder.exists() and not list(folder.parent.glob(".half-*"))


def test_extract(tmp_path):
    archive = pack(tmp_path / "a.zip", [("Actor_01/é.wav", b"sound"), ("b.txt", b"text")])
    download.extract_zip(archive, tmp_path / "out")
    assert (tmp_path / "out" / "Actor_01" / "é.wav").read_bytes() == b"sound"
    assert (tmp_path / "out" / ".completed").is_file()


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "C:/evil", "C:evil", "..\\evil", "\\\\host\\evil"],
)
def test_entries_that_point_outside(tmp_path, name):
    archive = pack(tmp_path / "a.zip", [("good", b"x"), (name, b"evil")])
    (tmp_path / "box").mkdir()
    refused(archive, tmp_path / "box" / "out", "outside")
    assert not list(tmp_path.rglob("*evil*"))


def test_link_entries(tmp_path):
    link = zipfile.ZipInfo("Actor_01")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(pack(tmp_path / "a.zip", [(link, b"/etc")]), tmp_path / "out", "outside")


def test_bomb(tmp_path):
    archive = pack(tmp_path / "a.zip", [("zeros", bytes(5_000_000))])
    assert archive.stat().st_size < 10_000
    refused(archive, tmp_path / "out", "unpacks to 5 MB", largest=1_000_000)


def test_damaged_archives(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_text("<html>Please log in</html>")
    refused(archive, tmp_path / "out", "not a sound zip")
    pack(archive, [("clip.wav", CONTENT[:5000])])
    data = bytearray(archive.read_bytes())
    data[1000:1010] = bytes(10)
    archive.write_bytes(data)
    refused(archive, tmp_path / "out", "not a sound zip")


def test_folder_in_use_is_not_touched(tmp_path):
    archive = pack(tmp_path / "a.zip", [("good", b"x")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(CorpusError, match="move it away"):
        download.extract_zip(archive, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_ravdess_from_the_server_to_a_manifest(server, tmp_path, tiny, monkeypatch):
    archive = shutil.make_archive(str(tmp_path / "speech"), "zip", tiny)
    server["content"] = Path(archive).read_bytes()
    monkeypatch.setattr(ravdess, "ARCHIVE_URL", server["url"])
    monkeypatch.setattr(ravdess, "ARCHIVE_SIZE", len(server["content"]))
    monkeypatch.setattr(ravdess, "ARCHIVE_MD5", hashlib.md5(server["content"]).hexdigest())
    assert len(ravdess.prepare(allow_partial=True, progress=False)) == 5
    assert len(ravdess.prepare(allow_partial=True, progress=False)) == 5
    assert len(server["ranges"]) == 1
    assert not list((tmp_path / "cache" / "corpora").glob("*.zip*"))


def test_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SER_CACHE", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match="SER_CACHE"):
        ravdess.find()
