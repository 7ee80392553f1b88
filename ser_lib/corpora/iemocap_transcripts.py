"""IEMOCAP's transcription files: utterance id to what was said.

A line reads ``Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.``; the files are
``Session1/dialog/transcriptions/Ses01F_impro01.txt`` and so on. As in ShaheenPerveen's code
(github.com/ShaheenPerveen/speech-emotion-recognition-iemocap), the id is what stands before the
first space and the text what stands after the last colon, so of "It is 5:30." only "30." is left.

Departures from that source
    A malformed line is skipped and reported; the source stops the file there and loses the rest.
    A line such as ``M: Yeah.``, which names no utterance, is malformed; the source files all of
    them under the id ``M:``. Of two lines with one id the first counts; the source keeps both.
"""

import logging
import re
from pathlib import Path

from ser_lib.errors import CorpusError

logger = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_]+")


def transcription_files(root):
    """Transcription files below IEMOCAP's root (the folder that holds ``Session1``), sorted.

    Hidden files, such as the ``._Ses01F_impro01.txt`` of the published archive, are left out.

    Arguments
    ---------
    root : str or os.PathLike

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    CorpusError
        If there is none.
    """
    found = sorted(Path(root).glob("Session*/dialog/transcriptions/*.txt"))
    files = [path for path in found if not path.name.startswith(".")]
    if not files:
        raise CorpusError(
            f"{root} holds no Session*/dialog/transcriptions/*.txt; give IEMOCAP's folder that "
            "holds Session1 to Session5"
        )
    return files


def read_transcripts(files):
    """Texts by utterance id, from many files.

    What is wrong with a file (lines that cannot be read, a second line of one id) is logged as
    one warning a file, with the number of such lines and the first of them.

    Arguments
    ---------
    files : iterable of str or os.PathLike
        As :func:`transcription_files` lists them. UTF-8, with or without a byte-order mark; a
        file that is not is read as Windows-1252.

    Returns
    -------
    dict
        Utterance id to text (str, blanks at its ends off, not normalised; may be empty).

    Raises
    ------
    CorpusError
        If a file cannot be read or is no text.
    """
    texts, origin = {}, {}
    for path in map(Path, files):
        pairs, problems = parse(_decode(path))
        for number, name, text in pairs:
            if name not in texts:
                texts[name], origin[name] = text, path
            elif texts[name] != text:
                told = f"line {number} gives {name} another text than {origin[name].name} before"
                problems.append(f"{told}; the first one counts")
        if problems:
            logger.warning("%s: %d lines skipped (first: %s)", path, len(problems), problems[0])
    return texts


def parse(text):
    """Utterances of one transcription file, in its order.

    Arguments
    ---------
    text : str
        The file's content. Blank lines are nothing; they are not reported.

    Returns
    -------
    utterances : list of (int, str, str)
        Line number from 1, utterance id, text. An id may come twice.
    problems : list of str
        One phrase a malformed line: it has no space, no colon, or no utterance id (letters,
        digits and underscores) before its first space.
    """
    utterances, problems = [], []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line:
            continue
        name, space, rest = line.partition(" ")
        if not space or not _ID.fullmatch(name):
            problems.append(f"line {number} names no utterance: {line[:40]!r}")
        elif ":" not in rest:
            problems.append(f"line {number} has no colon before a text: {line[:40]!r}")
        else:
            utterances.append((number, name, rest.rpartition(":")[2].strip()))
    return utterances, problems


def _decode(path):
    """Text of a file, or CorpusError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror}); extract IEMOCAP again"
        ) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        logger.info("%s is not UTF-8; read as Windows-1252", path)
    if "\0" in text:
        raise CorpusError(f"{path} is no text file; extract IEMOCAP again")
    return text
