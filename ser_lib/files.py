"""Writing so that a crash leaves the earlier file whole: into a sibling first, then one rename."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ser_lib.errors import RunError


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Writes a file in one step; raises RunError where the disk or the folder refuses."""
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def write_text(path: str | Path, text: str) -> Path:
    """Writes UTF-8 text, line ends as given; like `write_bytes` otherwise."""
    return write_bytes(path, text.encode("utf-8"))


def to_json(value) -> str:
    """Strict JSON text: NaN and infinities, which JSON lacks, become null."""
    return json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def finite(value):
    """The same nested value with plain Python numbers, and None for every NaN or infinity."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if hasattr(value, "tolist"):
        return finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def staged(folder: str | Path, last: str = "metrics.json") -> Iterator[Path]:
    """A scratch folder whose files move into ``folder`` once all of them are written.

    Where the body raises, nothing in ``folder`` changes. ``last`` names the file that is moved
    at the end, so that whoever finds it new also finds all the others new.

    Arguments
    ---------
    folder : str or Path
        The folder to fill; made where absent.
    last : str
        Name of the file to move after all others.

    Raises
    ------
    RunError
        The folder cannot be made or written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        yield scratch
        files = sorted(file.relative_to(scratch) for file in scratch.rglob("*") if file.is_file())
        for file in sorted(files, key=lambda name: str(name) == last):
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            (scratch / file).replace(target)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def drop_drafts(folder: str | Path) -> None:
    """Deletes what a kill left of half-written files; nobody else may be writing there."""
    for draft in [*Path(folder).glob(".draft-*"), *Path(folder).glob(".*.draft")]:
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> RunError:
    """The one line for a refused write."""
    reason = error.strerror or type(error).__name__
    return RunError(
        f"{path}: cannot be written ({reason}); check that the disk has room and the "
        "folder is yours, then run the command again"
    )
