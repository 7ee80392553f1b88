"""A run's log file."""

import logging
from pathlib import Path

import pytest

from ser_lib.errors import RunError
from ser_lib.logs import log_to_file


def test_lines_go_to_the_file_only_while_it_is_open(tmp_path):
    log = logging.getLogger("ser_lib.somewhere")
    logging.getLogger("ser_lib").setLevel(logging.INFO)
    with log_to_file(tmp_path / "log.txt"):
        log.info("inside")
    log.info("outside")
    text = (tmp_path / "log.txt").read_text()
    assert "inside" in text
    assert "outside" not in text


def test_an_error_is_noted_and_goes_on(tmp_path):
    with pytest.raises(RunError), log_to_file(tmp_path / "log.txt"):
        raise RunError("no room")
    assert "ended early: RunError('no room')" in (tmp_path / "log.txt").read_text()


def test_a_second_run_adds_to_the_log(tmp_path):
    for word in ("first", "second"):
        with log_to_file(tmp_path / "log.txt"):
            logging.getLogger("ser_lib").warning(word)
    text = (tmp_path / "log.txt").read_text()
    assert "first" in text and "second" in text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, a disk without room")
def test_a_full_disk_loses_lines_without_a_word(capfd, monkeypatch):
    package = logging.getLogger("ser_lib")
    # A console of an earlier run in this process would speak to a stream that is closed by now.
    monkeypatch.setattr(package, "handlers", [])
    package.setLevel(logging.INFO)
    with log_to_file(Path("/dev/full")):
        logging.getLogger("ser_lib.somewhere").info("lost")
    assert capfd.readouterr().err == ""
