"""What of a run is kept for good: its metrics and its predictions, small enough for git."""

import gzip
import io
import json
import tempfile
from pathlib import Path

from ser_lib.errors import RunError
from ser_lib.files import write_bytes
from ser_lib.sweep.planned import Planned, identity_of

METRICS, PREDICTIONS = "metrics.json", "predictions.csv.gz"


def store(planned: Planned, run_folder: str | Path, results: str | Path) -> dict:
    """Copies a finished run's metrics and packed predictions to its place among the results.

    Arguments
    ---------
    planned : Planned
        What the run should be.
    run_folder : str or Path
        What it left.
    results : str or Path
        The folder of all results.

    Returns
    -------
    dict
        The metrics.

    Raises
    ------
    RunError
        The run left no report, or one of another command; or the disk refuses.
    """
    run_folder, target = Path(run_folder), Path(results, planned.place)
    try:
        content = (run_folder / METRICS).read_bytes()
        table = (run_folder / "predictions.csv").read_bytes()
    except OSError as error:
        raise RunError(f"{error.filename}: the run ended well and left no such file") from error
    metrics = _parsed(content, run_folder / METRICS)
    if _identity(metrics) != planned.identity:
        told = metrics["run"].get("command") if isinstance(metrics.get("run"), dict) else None
        raise RunError(
            f"{run_folder / METRICS}: is of another command ({told}) than {planned.command}"
        )
    write_bytes(target / PREDICTIONS, pack(table))
    # The metrics go last: they tell that a run is done.
    write_bytes(target / METRICS, content)
    return metrics


def kept(planned: Planned, results: str | Path) -> str:
    """What is at a run's place: ``done``, ``no predictions``, ``other`` or ``nothing`` (str).

    ``no predictions`` is a done run whose predictions were not kept, ``other`` a run of another
    command; damaged metrics are ``nothing``.
    """
    folder = Path(results, planned.place)
    try:
        metrics = _parsed((folder / METRICS).read_bytes(), folder / METRICS)
    except (OSError, RunError):
        return "nothing"
    if _identity(metrics) != planned.identity:
        return "other"
    return "done" if (folder / PREDICTIONS).is_file() else "no predictions"


def pack(content: bytes) -> bytes:
    """gzip of some bytes, the same ones every time: no date and no name inside."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(content)
    return buffer.getvalue()


def read_packed(path: str | Path):
    """Reads packed predictions, checked (pd.DataFrame); raises RunError naming the file."""
    from ser_lib.evaluation.predictions import read_predictions

    path = Path(path)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, ValueError) as error:
        raise RunError(f"{path}: cannot be unpacked ({error}); make the run again") from error
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch, path.name.removesuffix(".gz"))
        plain.write_bytes(content)
        try:
            return read_predictions(plain)
        except RunError as error:
            raise RunError(str(error).replace(str(plain), str(path))) from error


def _parsed(content, path):
    try:
        metrics = json.loads(content)
    except ValueError as error:
        raise RunError(f"{path}: is not JSON ({error})") from error
    if not isinstance(metrics, dict):
        raise RunError(f"{path}: is not a report's metrics.json")
    return metrics


def _identity(metrics):
    try:
        return identity_of(metrics["run"])
    except (KeyError, IndexError, TypeError, ValueError):
        return None
