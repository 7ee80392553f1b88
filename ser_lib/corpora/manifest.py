"""The manifest: one table a corpus, a row a clip, an HF ``Dataset`` with typed columns.

Everything downstream (protocols, data, evaluation) reads these columns and nothing else of a
corpus. Audio stays where it is: a row holds the path and the stretch, not the samples.
"""

import functools
import os
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from ser_lib import audio
from ser_lib.errors import AudioError, CorpusError

# ``start``, ``end`` and ``duration`` are in s, ``sample_rate`` in Hz, ``sha256`` covers the decoded
# samples (:func:`ser_lib.audio.inspect`).
_COLUMNS = {
    "id": "string",
    "path": "string",
    "start": "float64",
    "end": "float64",
    "speaker": "string",
    "gender": "string",
    "emotion": "string",
    "intensity": "string",
    "statement": "string",
    "transcript": "string",
    "language": "string",
    "sample_rate": "int32",
    "duration": "float64",
    "corpus": "string",
    "sha256": "string",
}

_SYNTHETIC = "-synthetic"
_AT_ONCE = 256
_ROWS = 10_000


@functools.cache
def features():
    """Columns of every manifest (``datasets.Features``), also there as ``FEATURES``."""
    # A second to import, which ``--help`` and the imports of corpus modules should not wait for.
    from datasets import Features, Value

    return Features({name: Value(kind) for name, kind in _COLUMNS.items()})


def __getattr__(name):
    """``FEATURES``, made on first use."""
    if name == "FEATURES":
        return features()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def build(rows):
    """Manifest from one dict a clip.

    Arguments
    ---------
    rows : iterable of dict
        Each with exactly the keys of :data:`FEATURES`.

    Returns
    -------
    datasets.Dataset
        Sorted by id.

    Raises
    ------
    CorpusError
        If there are no rows, a row lacks a column or has one too many, a path is no UTF-8, or two
        share an id.
    """
    from datasets import Dataset, concatenate_datasets

    rows = sorted(rows, key=lambda row: row["id"])
    if not rows:
        raise CorpusError("a manifest needs one clip at least; the corpus folder gave none")
    for row, following in zip(rows, rows[1:] + [None], strict=True):
        if odd := set(row) ^ set(_COLUMNS):
            raise CorpusError(
                f"clip {row['id']}: missing or unknown columns {', '.join(sorted(odd))}"
            )
        if following and row["id"] == following["id"]:
            raise CorpusError(
                f"two clips share the id {row['id']}: {row['path']} and {following['path']}; "
                "remove one"
            )
        # Half of a surrogate pair stands for a byte that is no UTF-8.
        if not row["path"].isprintable() and any("\ud800" <= c <= "\udfff" for c in row["path"]):
            raise CorpusError(f"{ascii(row['path'])[1:-1]}: the path is no UTF-8; rename it")
    # In slices: on its way to a table a row takes several times the memory that it needs there.
    slices = (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))
    tables = ({name: [row[name] for row in part] for name in _COLUMNS} for part in slices)
    return concatenate_datasets([Dataset.from_dict(t, features=features()) for t in tables])


def inspect_clips(paths, progress=True):
    """Decode and check many files, a thread a core.

    Arguments
    ---------
    paths : list of pathlib.Path
        Sound files.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    list of ser_lib.audio.AudioInfo
        In the order of ``paths``.

    Raises
    ------
    CorpusError
        If files are broken: the message names them all.
    """

    def look(path):
        try:
            return audio.inspect(path)
        except AudioError as error:
            return error

    found = []
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(
            total=len(paths), desc="Reading clips", unit="clip", leave=False, disable=not progress
        ) as bar,
    ):
        # In slices: a task waiting for its turn takes more memory than what it finds.
        for start in range(0, len(paths), _AT_ONCE):
            for info in pool.map(look, paths[start : start + _AT_ONCE]):
                found.append(info)
                bar.update()
    broken = [item for item in found if isinstance(item, AudioError)]
    if broken:
        what = f"{len(broken)} clips are broken: " if len(broken) > 1 else ""
        raise CorpusError(
            f"{what}{'; '.join(map(str, broken))}. Extract the corpus archive again, or delete "
            "what is broken and pass --allow_partial"
        ) from broken[0]
    return found


def is_synthetic(manifest):
    """True where a manifest (Dataset) or corpus name (str) says that no human spoke a clip.

    Names of several corpora are joined by ``+``.
    """
    names = manifest.split("+") if isinstance(manifest, str) else manifest.unique("corpus")
    return any(name.endswith(_SYNTHETIC) for name in names)
