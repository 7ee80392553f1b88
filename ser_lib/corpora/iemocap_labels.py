"""IEMOCAP's label files: who speaks from when to when, and what listeners heard in it.

``Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`` and its 150 fellows hold one summary line a
turn, its fields apart by tabs, followed by lines of single listeners (``C-E2: ...``)::

    [6.2901 - 8.2357]   Ses01F_impro01_F000   neu   [2.5000, 2.5000, 2.5000]

Start and end are s in the recording of the dialogue. The code is what most listeners chose
(``xxx``: no majority). Valence, activation and dominance follow, 1 to 5, each a mean over
listeners. The name tells session 1, a dialogue in which the woman (F) wore the motion-capture
markers, improvisation 1 (or ``script01_1``: first part of script 1), and, in its last part alone,
who speaks.
"""

import re
from collections import Counter
from typing import NamedTuple

from ser_lib.corpora.folder import refuse_partial
from ser_lib.errors import CorpusError

#: Emotion by code.
EMOTIONS = {
    "ang": "angry",
    "hap": "happy",
    "sad": "sad",
    "neu": "neutral",
    "exc": "excited",
    "fru": "frustrated",
    "sur": "surprised",
    "fea": "fearful",
    "dis": "disgusted",
    "oth": "other",
    "xxx": "undecided",
}

#: Labelled turns of the release by code and by session.
COUNTS = {
    **{"ang": 1103, "hap": 595, "sad": 1084, "neu": 1708, "exc": 1041, "fru": 1849},
    **{"sur": 107, "fea": 40, "dis": 2, "oth": 3, "xxx": 2507},
}
SESSION_COUNTS = {1: 1819, 2: 1811, 3: 2136, 4: 2103, 5: 2170}

_NUMBER = r"\s*(-?\d+(?:\.\d*)?|nan)\s*"
_SUMMARY = re.compile(
    rf"\[{_NUMBER}-{_NUMBER}\]\s+(\S+)\s+(\S+)\s+\[{_NUMBER},{_NUMBER},{_NUMBER}\]", re.IGNORECASE
)
# Letters tell takes of one scenario (impro05a, impro05b) and a second part (script01_1b).
_TURN = re.compile(r"(Ses0([1-5]))[FM]_(impro\d\d|script\d\d_\d)[a-z]?_([FM])\d+", re.ASCII)
_LISTENER = re.compile(r"[CA]-[A-Z]+\d*\s*:")
_SHOWN = 30


class Turn(NamedTuple):
    """One labelled turn; ``start`` and ``end`` in s, ``dialogue`` is the label file's stem."""

    id: str
    session: int
    dialogue: str
    speaker: str
    gender: str
    statement: str
    start: float
    end: float
    code: str
    valence: float
    activation: float
    dominance: float


def some(items):
    """At most 30 of many phrases as one (str), with their number where some are left out."""
    items = list(items)
    more = f"; ... ({len(items)} in all)" if len(items) > _SHOWN else ""
    return "; ".join(items[:_SHOWN]) + more


def sessions(root):
    """Folders ``Session1`` to ``Session5`` right inside a folder (Path) by number (dict)."""
    folders = ((number, root / f"Session{number}") for number in range(1, 6))
    return {number: folder for number, folder in folders if folder.is_dir()}


def entries(folder):
    """What lies right inside a folder (Path) and is not hidden, sorted; [] if there is none.

    Raises
    ------
    CorpusError
        If it cannot be read.
    """
    try:
        inside = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise CorpusError(f"{error.filename} cannot be read: {error.strerror}") from error
    return [path for path in inside if not path.name.startswith(".")]


def text_files(root, kind):
    """Text files of all dialogues, sorted (list of Path); hidden ones are left out.

    Arguments
    ---------
    root : Path
        The folder that holds ``Session1``.
    kind : str
        ``EmoEvaluation`` or ``transcriptions``.

    Raises
    ------
    CorpusError
        If a folder cannot be read.
    """
    files = []
    for session in sessions(root).values():
        files += [
            path
            for path in entries(session / "dialog" / kind)
            if path.name.startswith("Ses") and path.suffix.lower() == ".txt" and path.is_file()
        ]
    return files


def read_turns(root):
    """All labelled turns, sorted by id.

    Arguments
    ---------
    root : Path
        The folder that holds ``Session1``.

    Returns
    -------
    list of Turn

    Raises
    ------
    CorpusError
        If a file cannot be read, there are no turns, or lines are malformed, name an unknown code
        or another session, end before they start, or label a turn again: all of them are named.
    """
    turns, bad = {}, []
    for path in text_files(root, "EmoEvaluation"):
        place = path.relative_to(root).as_posix()
        session = int(path.relative_to(root).parts[0][-1])
        for number, line in enumerate(_lines(path), 1):
            if not _is_summary(line):
                continue
            try:
                turn = _turn(line, session, path.stem)
                if turn.id in turns:
                    raise ValueError(f"labels {turn.id} again, after {turns[turn.id][1]}")
                turns[turn.id] = turn, f"{place} line {number}"
            except ValueError as error:
                bad.append(f"{place} line {number} {error}")
    if bad:
        lines = "1 label line" if len(bad) == 1 else f"{len(bad)} label lines"
        raise CorpusError(
            f"{root}: {lines} cannot be used: {some(bad)}. Extract the release again, or mend them"
        )
    if not turns:
        raise CorpusError(
            f"{root} holds no labelled turns (Session*/dialog/EmoEvaluation/Ses*.txt); extract "
            "the release again"
        )
    return [turn for _, (turn, _) in sorted(turns.items())]


def check_counts(root, turns, allow_partial):
    """CorpusError where the turns are not as many as the release has, or a warning if allowed.

    Arguments
    ---------
    root : Path
        For the message.
    turns : sequence of Turn
        All of the folder.
    allow_partial : bool
        Warn only.
    """
    found = Counter(turn.code for turn in turns) + Counter(f"Session{t.session}" for t in turns)
    whole = {**{f"Session{n}": count for n, count in SESSION_COUNTS.items()}, **COUNTS}
    lacking = [
        f"{name} lacks {count - found[name]}"
        if found[name] < count
        else f"{name} has {found[name] - count} more"
        for name, count in whole.items()
        if found[name] != count
    ]
    total = sum(COUNTS.values())
    refuse_partial(root, "IEMOCAP", len(turns), total, lacking, allow_partial)


def _is_summary(line):
    """Whether a line is, or was meant to be, the summary of a turn."""
    if line.startswith("%") or _LISTENER.match(line):
        return False
    return line.startswith("[") or re.search(r"\bSes\d\d[FM]_", line) is not None


def _turn(line, session, dialogue):
    """Turn of a summary line; ValueError with a phrase that goes on from the line's number."""
    match = _SUMMARY.fullmatch(line)
    if not match:
        raise ValueError(f"is malformed ({line[:60]!r})")
    *times, name, code, valence, activation, dominance = match.groups()
    named = _TURN.fullmatch(name)
    if not named:
        raise ValueError(f"names no turn of IEMOCAP ({name!r})")
    if int(named[2]) != session:
        raise ValueError(f"names {name}, which is not of session {session}")
    if code.lower() not in EMOTIONS:
        raise ValueError(f"gives {name} the unknown code {code!r}")
    start, end = map(float, times)
    if not 0 <= start < end:
        raise ValueError(f"lets {name} end at {end:g} s and start at {start:g} s")
    return Turn(
        id=name,
        session=session,
        dialogue=dialogue,
        speaker=named[1] + named[4],
        gender="female" if named[4] == "F" else "male",
        statement=named[3],
        start=start,
        end=end,
        code=code.lower(),
        valence=float(valence),
        activation=float(activation),
        dominance=float(dominance),
    )


def _lines(path):
    """Lines of a text file, without blanks at their ends; CorpusError if it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror}); extract the release again"
        ) from error
    if b"\0" in content:
        raise CorpusError(f"{path} is no text file; extract the release again")
    # Listeners' comments are in Latin-1 here and there, and nothing else is beyond ASCII.
    text = content.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    return [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
