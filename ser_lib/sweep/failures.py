"""What is kept of a run that failed, for the person and for the other sweeps of the folder."""

import json
import re
import shutil
from pathlib import Path

from ser_lib.files import to_json, write_text
from ser_lib.sweep.planned import Planned


class Failures:
    """The failures of a shared folder: of each run its log, its command and its error.

    Arguments
    ---------
    folder : Path
        Where they are.
    host : str
        Named in what is kept here.
    """

    def __init__(self, folder: Path, host: str):
        self._folder, self._host = folder, host

    def error(self, planned: Planned, since: float = 0.0) -> str | None:
        """Why a run failed; None where it did not, or before ``since`` (seconds)."""
        path = self._folder / planned.key / "failure.json"
        try:
            if path.stat().st_mtime < since:
                return None
            return json.loads(path.read_text(encoding="utf-8"))["error"]
        except (OSError, ValueError, LookupError):
            return None

    def forget(self, planned: Planned) -> None:
        """The run is tried again."""
        shutil.rmtree(self._folder / planned.key, ignore_errors=True)

    def keep(self, planned: Planned, log: Path, error: str, code: int) -> Path:
        """Moves a failed run's log here and notes why; returns where the log is now."""
        folder = self._folder / planned.key
        folder.mkdir(parents=True, exist_ok=True)
        log.replace(folder / "log.txt")
        told = {"command": planned.command, "error": error, "code": code, "host": self._host}
        write_text(folder / "failure.json", to_json(told))
        return folder / "log.txt"


def last_words(log: Path) -> str:
    """The last line of a log that says something, above all the last ``error:``."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or [""])[-1].removeprefix("error: ")
