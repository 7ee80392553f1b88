"""What readers of corpus folders have in common: files, duplicates, and the way to a manifest."""

import logging
from collections import Counter

from ser_lib.corpora import cache
from ser_lib.corpora.manifest import build, inspect_clips
from ser_lib.corpora.two_labels import warn_of_two_labels
from ser_lib.errors import CorpusError

logger = logging.getLogger(__name__)

SUFFIXES = (".wav", ".flac")


def sounds(folder):
    """Wav and flac files right inside a folder, sorted by name (list of Path).

    The suffix may be in capitals; hidden files (``.DS_Store``, ``._a.wav``) are no clips.

    Raises
    ------
    CorpusError
        If the folder cannot be read.
    """
    try:
        return [
            path
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        ]
    except OSError as error:
        raise CorpusError(f"{error.filename} cannot be read: {error.strerror}") from error


def root(folder, name, holds_it, holds):
    """The folder that holds a corpus: the given one, or the only such one right inside it.

    Arguments
    ---------
    folder : Path
        What the person gave.
    name : str
        Corpus, for messages.
    holds_it : callable
        Whether a folder (Path) is the one.
    holds : str
        What it holds, for messages.

    Raises
    ------
    CorpusError
        If there is none, or more than one, or a folder cannot be read.
    """
    try:
        if holds_it(folder):
            return folder
        inside = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and holds_it(sub)]
    except OSError as error:
        raise CorpusError(f"{error.filename} cannot be read: {error.strerror}") from error
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise CorpusError(
            f"{folder} holds {name} more than once ({', '.join(sub.name for sub in inside)}); "
            "give one of these folders"
        )
    raise CorpusError(f"{folder} holds no {name}; give the folder that holds {holds}")


def refuse_doubled(folder, rows):
    """Raise CorpusError where a clip is there twice, as wav and as flac or in two folders.

    Arguments
    ---------
    folder : Path
        For the message.
    rows : sequence of dict
        With ``id`` and ``path``.
    """
    counts = Counter(row["id"] for row in rows)
    doubled = [clip for clip, count in counts.items() if count > 1]
    if doubled:
        paths = [row["path"] for row in rows if row["id"] == doubled[0]]
        raise CorpusError(
            f"{folder}: {doubled[0]} is there twice ({' and '.join(paths[:2])}; {len(doubled)} "
            "such clips); delete one of each pair"
        )


def refuse_partial(folder, name, found, whole, lacking, allow_partial):
    """Raise CorpusError where clips are missing, or warn where that is allowed.

    Arguments
    ---------
    folder : Path
        For the message.
    name : str
        Corpus.
    found, whole : int
        Clips there, and clips of the complete corpus.
    lacking : sequence of str
        What is missing or too many, in words (``"anger lacks 3"``); empty where nothing is.
    allow_partial : bool
        Warn only.
    """
    if not lacking:
        return
    shown = ", ".join(lacking[:30]) + (" ..." if len(lacking) > 30 else "")
    if not allow_partial:
        raise CorpusError(
            f"{folder} holds {found} of {name}'s {whole} clips: {shown}. Get the corpus again, or "
            "pass --allow_partial to go on without them"
        )
    logger.warning("%s holds %d of %s's %d clips", folder, found, name, whole)


def whole_clips(corpus, version, folder, rows, progress):
    """Manifest of a corpus whose files are its clips: each decoded, checked and hashed once.

    The same samples under two emotions are named in a warning.

    Arguments
    ---------
    corpus : str
        Name in the manifest.
    version : int
        Of the reader; raise it when the reader makes other rows of the same files.
    folder : Path
        Corpus folder.
    rows : list of dict
        The columns that names tell, ``path`` among them; changed in place.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    datasets.Dataset

    Raises
    ------
    CorpusError
        If files are broken: all of them are named.
    """
    files = [row["path"] for row in rows]

    def make():
        return build(complete(rows, progress))

    manifest = cache.cached(cache.fingerprint(corpus, version, folder, files), make)
    warn_of_two_labels(corpus, manifest)
    return manifest


def complete(rows, progress):
    """Rows whose files are their clips, with the columns that the sound tells.

    Arguments
    ---------
    rows : list of dict
        With ``path``; changed in place and returned.
    progress : bool
        Show a tqdm bar.

    Raises
    ------
    CorpusError
        If files are broken: all of them are named.
    """
    paths = [row["path"] for row in rows]
    for row, info in zip(rows, inspect_clips(paths, progress), strict=True):
        row.update(
            start=0.0,
            end=info.duration,
            sample_rate=info.sample_rate,
            duration=info.duration,
            sha256=info.sha256,
        )
    return rows
