"""The command line that recipes share."""

import errno
import socket
from urllib.error import HTTPError, URLError

import pytest

from ser_lib.cli import exit_code, parse
from ser_lib.corpora import ravdess
from ser_lib.errors import HparamsError


def test_options_and_overrides_are_told_apart():
    line = "x.yaml --fold all --lr 0.1 --seed=3 --allow_partial --offset -1"
    options, overrides, _ = parse(ravdess, line.split())
    assert (options.yaml, options.fold, options.allow_partial) == ("x.yaml", "all", True)
    assert options.protocol == "ravdess-si6"
    assert overrides == {"lr": "0.1", "seed": "3", "offset": "-1"}


def test_abbreviations_of_options_are_keys_of_the_yaml():
    assert parse(ravdess, ["x.yaml", "--prot", "y"])[1] == {"prot": "y"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x.yaml --lr", "--lr needs a value"),
        ("x.yaml --lr --seed 1", "--lr needs a value"),
        ("x.yaml y.yaml", "y.yaml"),
        ("x.yaml --fold first", "first"),
        ("x.yaml --protocol", "protocol"),
    ],
)
def test_mistakes_are_one_line(line, message):
    with pytest.raises(HparamsError) as caught:
        parse(ravdess, line.split())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "told", "what"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/d/a"), "/d/a: No space", "make room"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk: Disk quota", "make room"),
        (OSError(errno.EROFS, "Read-only file system", "/d"), "/d: Read-only", "make room"),
        (PermissionError(errno.EACCES, "Permission denied", "/d/a"), "/d/a: Perm", "it exists"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/d/a"), "/d/a: No such", "it exists"),
        (OSError("no tokenizer\nfound"), "error: no tokenizer found", "what it needs exists"),
        (OSError(), "error: OSError", "what it needs exists"),
        (URLError(OSError(-2, "Name not known")), "error: [Errno -2] Name", "check the network"),
        (HTTPError("http://a/b", 404, "Not Found", {}, None), "http://a/b: Not", "the network"),
        (ConnectionResetError(errno.ECONNRESET, "Reset by peer"), "error: Reset", "the network"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "unreachable", "the network"),
        (socket.gaierror(-2, "Name or service not known"), "service not", "check the network"),
    ],
)
def test_a_stray_error_of_the_system_says_what_to_do(error, told, what, capsys):
    def job():
        raise error

    assert exit_code(job) == 2
    line = capsys.readouterr().err
    assert told in line and what in line and line.count("\n") == 1
    assert ("make room" in line) == (error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS))
    assert "--output_folder" not in line and line.endswith("start the same command again\n")
