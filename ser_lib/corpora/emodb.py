"""EMO-DB: the Berlin Database of Emotional Speech.

Who
    10 actors, 5 women (08, 09, 13, 14, 16) and 5 men (03, 10, 11, 12, 15), 21 to 35 years old.
    Each speaks ten everyday German sentences in seven emotions: 535 clips, 0.41 h.
Classes
    7: anger 127 clips, boredom 81, disgust 46, fear 69 (the publisher says anxiety/fear),
    happiness 71, sadness 62, neutral 79.
Recording
    Anechoic room of the Technical University of Berlin, 1997 and 1999; 16 kHz, 16 bit, mono;
    clips last 1.2 to 9.0 s.
File names
    ``SSTTTEV``, such as ``03a01Fa``: speaker, text (a01 a02 a04 a05 a07 b01 b02 b03 b09 b10),
    first letter of the German emotion (W anger, L boredom, E disgust, A fear, F happiness,
    T sadness, N neutral), version (a, b, ...), all in a folder ``wav/``.
Licence
    Free for research. A later release by one of the authors, 2.0, is CC BY 4.0.
Address
    http://emodb.bilderbar.info/download/download.zip, about 40 MB. **Neither size nor checksum is
    published**: a download is complete when it has the length that the server announces, the zip
    archive's own CRC-32 sums hold, and every speaker and every emotion has its clips. That finds
    a broken archive, not a forged one.
Source
    F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss (2005), Interspeech,
    1517-1520. The sentences, in their old spelling, are those of the database's documentation.
Known oddities
    Only clips that at least 80 % of listeners recognised are there, so speakers have between 35
    and 71 clips and speaker 08 has no disgust. Takes of one sentence by one speaker stand side by
    side (versions a to f). Release 2.0 adds 281 clips that listeners did not agree on; its 816
    clips are another corpus and are refused here.
"""

import http.client
import re
import shutil
import urllib.request
from collections import Counter
from pathlib import Path

from ser_lib.corpora import download as downloading
from ser_lib.corpora import folder as folders
from ser_lib.corpora import places
from ser_lib.corpora.synthetic import is_marked, write_voices
from ser_lib.errors import CorpusError

NAME = "EMO-DB"
#: Letter in file names to emotion.
LETTERS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
EMOTIONS = tuple(LETTERS.values())
LANGUAGE = "de"
LICENCE = "free for research"
SPEECH = "acted speech, recorded in a quiet room"
CITATION = (
    "Burkhardt F, Paeschke A, Rolfes M, Sendlmeier WF, Weiss B (2005) A database of German "
    "emotional speech. Proc. Interspeech 2005, 1517-1520. "
    "https://doi.org/10.21437/Interspeech.2005-446"
)
URL = "http://emodb.bilderbar.info/docu/"
DEFAULT_PROTOCOL = "emodb-loso10"

#: A constant, so that a mirror can be set.
ARCHIVE_URL = "http://emodb.bilderbar.info/download/download.zip"

_READER_VERSION = 1
_NAMED = re.compile(r"(\d\d)([a-z]\d\d)([A-Z])([a-z])", re.ASCII)
_HOLDS = "wav/ with 03a01Fa.wav and the others"
#: The speakers who are women.
WOMEN = ("08", "09", "13", "14", "16")
#: Words by text code.
TEXTS = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
_CLIPS = {
    "speaker": dict(
        zip(
            ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16"),
            (49, 58, 43, 38, 55, 35, 61, 69, 56, 71),
            strict=True,
        )
    ),
    "emotion": dict(zip(EMOTIONS, (127, 81, 46, 69, 71, 62, 79), strict=True)),
}
# What the synthetic voices know; boredom has no style of its own, a calm one that is calmer
# still, lower and slower, comes nearest.
_STYLES = ("angry", "calm", "disgust", "fearful", "happy", "sad", "neutral")


def find(data_folder=None):
    """The corpus folder: the given one, one on this machine, or a fresh download.

    Looked for in this order: ``data_folder``; ``$SER_DATA/EMO-DB``; an earlier download under
    ``$SER_CACHE/corpora/EMO-DB``; the publisher's address (40 MB).

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        A folder, or the word ``sample`` for a synthetic corpus of 140 clips, which is written on
        first use.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CorpusError
        If the given folder does not exist, or nothing is there and nothing can be downloaded.
    """
    if data_folder is not None and str(data_folder) == "sample":
        # Raise the number whenever voices.py changes how anything sounds.
        sample = places.cache_folder() / "corpora" / f"sample-{NAME}-v2"
        return write_voices(sample, NAME, _sample_clips(), sample_rate=16_000)
    return places.find(NAME, data_folder, download, holds=_HOLDS)


def download(target_folder):
    """Fetch the archive from its publisher (40 MB, resumable), unpack it and count the clips.

    Arguments
    ---------
    target_folder : str or os.PathLike
        Will hold ``wav/``. A finished earlier download is left as it is.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CorpusError
        If the network, the disk or the counts say no, or the folder holds something else.
    """
    target = Path(target_folder)
    if (target / downloading.MARKER).is_file():
        return target
    size = _announced_size(ARCHIVE_URL)
    downloading.fetch_and_extract(ARCHIVE_URL, target, size, md5=None)
    try:
        root = _root(target)
        folders.refuse_partial(root, NAME, *_count(_rows(root, NAME)), allow_partial=False)
    except CorpusError as error:
        shutil.rmtree(target)
        raise CorpusError(
            f"{ARCHIVE_URL} delivered another archive than the 535 clips of {NAME}; what it held "
            f"was deleted ({error})"
        ) from error
    return target


def _announced_size(url):
    """Bytes that a server says a file has; DownloadError where it says nothing."""
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "ser_lib"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            size = int(response.headers.get("Content-Length") or 0)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise downloading.DownloadError(f"{url} does not answer as it should ({reason})") from error
    if not size:
        raise downloading.DownloadError(f"{url}: the server does not say how large the archive is")
    return size


def prepare(data_folder=None, allow_partial=False, progress=True):
    """Read an EMO-DB folder into a manifest; every clip is decoded, checked and hashed.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        As for :func:`find`: a folder that holds ``wav/`` (or whose only such subfolder does), that
        folder ``wav`` itself, ``sample``, or None.
    allow_partial : bool
        Accept a folder that does not hold exactly the 535 clips.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    datasets.Dataset
        A manifest (:data:`ser_lib.corpora.manifest.FEATURES`); ``statement`` is the text code, and
        the corpus is ``EMO-DB``, or ``EMO-DB-synthetic`` for the sample.

    Raises
    ------
    CorpusError
        If clips are missing, broken, doubled, or not named as EMO-DB names them.
    """
    folder = find(data_folder).resolve()
    try:
        root = _root(folder)
        synthetic = is_marked(root) or is_marked(root.parent)
        corpus = f"{NAME}-synthetic" if synthetic else NAME
        rows = _rows(root, corpus)
    except OSError as error:
        raise CorpusError(f"{error.filename} cannot be read: {error.strerror}") from error
    folders.refuse_doubled(root, rows)
    if not synthetic:
        folders.refuse_partial(root, NAME, *_count(rows), allow_partial)
    return folders.whole_clips(corpus, _READER_VERSION, root, rows, progress)


def _root(folder):
    """The folder of the clips: the given one, its ``wav``, or that of its only such subfolder."""
    holder = folders.root(
        folder, NAME, lambda sub: _holds_clips(sub / "wav") or _holds_clips(sub), _HOLDS
    )
    return holder / "wav" if _holds_clips(holder / "wav") else holder


def _holds_clips(folder):
    """Whether a folder (Path) is there and has clips of this corpus right inside."""
    return folder.is_dir() and any(_NAMED.fullmatch(path.stem) for path in folders.sounds(folder))


def _rows(root, corpus):
    """Columns that the file names tell; CorpusError that names all clips with unknown codes."""
    rows, odd = [], []
    for path in folders.sounds(root):
        named = _NAMED.fullmatch(path.stem)
        if not named:
            odd.append(f"{path.name} is not named like 03a01Fa.wav")
            continue
        speaker, text, letter, _ = named.groups()
        codes = {
            "speaker": (speaker, _CLIPS["speaker"]),
            "text": (text, TEXTS),
            "emotion": (letter, LETTERS),
        }
        unknown = [f"{field} {code}" for field, (code, known) in codes.items() if code not in known]
        if unknown:
            odd.append(f"{path.name} has the unknown {' and '.join(unknown)}")
            continue
        rows.append(
            {
                "id": path.stem,
                "path": str(path),
                "speaker": speaker,
                "gender": "female" if speaker in WOMEN else "male",
                "emotion": LETTERS[letter],
                "intensity": "",
                "statement": text,
                "transcript": TEXTS[text],
                "language": LANGUAGE,
                "corpus": corpus,
            }
        )
    if odd:
        raise CorpusError(
            f"{root}: {'; '.join(odd)}. Rename as the publisher did or move out of the folder"
        )
    return rows


def _count(rows):
    """Clips found, clips of the complete corpus, and the differences in words (list of str)."""
    lacking = []
    for column, whole in _CLIPS.items():
        have = Counter(row[column] for row in rows)
        label = "speaker " if column == "speaker" else ""
        for name, clips in whole.items():
            if have[name] < clips:
                lacking.append(f"{label}{name} lacks {clips - have[name]}")
            elif have[name] > clips:
                lacking.append(f"{label}{name} has {have[name] - clips} too many")
    return len(rows), sum(_CLIPS["emotion"].values()), lacking


def _sample_clips():
    """Files of the synthetic corpus: every speaker says two texts in every emotion."""
    clips = {}
    for speaker in _CLIPS["speaker"]:
        # Even voices are women's, odd ones men's; EMO-DB counts otherwise.
        number = 2 * int(speaker) + (speaker not in WOMEN)
        for letter, style in zip(LETTERS, _STYLES, strict=True):
            for statement, text in (("1", "a01"), ("2", "a02")):
                clips[f"wav/{speaker}{text}{letter}a.wav"] = {
                    "emotion": style,
                    "speaker": number,
                    "intensity": "strong" if letter == "L" else "normal",
                    "statement": statement,
                }
    return clips
