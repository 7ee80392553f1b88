"""SAVEE: the Surrey Audio-Visual Expressed Emotion database, audio.

Who
    4 men, native British English speakers, postgraduate students and researchers of the University
    of Surrey, 27 to 31 years old (DC, JE, JK, KL): 120 clips each, 480 clips, half an hour.
Classes
    7: anger, disgust, fear, happiness, sadness and surprise 60 clips each, neutral 120.
Recording
    Visual media laboratory, 44.1 kHz, 16 bit, mono; clips last 1.6 to 7.1 s.
File names
    ``AudioData/DC/a01.wav`` or, all in one folder, ``ALL/DC_a01.wav``: speaker, letters of the
    emotion (a anger, d disgust, f fear, h happiness, n neutral, sa sadness, su surprise), number
    of the sentence within the emotion (01 to 15, neutral 01 to 30). The id is ``DC_a01`` in
    either layout.
Texts
    TIMIT sentences. Every emotion has 3 that are common to all, 2 of its own kind and 10 generic
    ones that no other emotion has; neutral has 15 such and besides, once more, the 3 common ones
    and the 2 of each of the six emotions. ``statement`` says which clips share a text:
    ``common-1`` to ``common-3``, else the emotion and number under which it is filed, such as
    ``anger-4``; 87 texts. **Which number is which kind is not published.** It was inferred from
    the lengths of the clips, which all four speakers bear out: 01 to 03 are the common ones,
    neutral 16 to 18 are they again, and neutral 19 to 30 are numbers 04 and 05 of anger, disgust,
    fear, surprise, sadness and happiness, the order in which a later corpus with the same
    sentences (MEAD) has them. ``transcript`` is empty: the publisher quotes eight sentences
    without their numbers.
Licence
    For research, given out on request; not to be passed on.
Address
    http://kahlan.eps.surrey.ac.uk/savee/ (register there; nothing is downloaded here).
Source
    S. Haq and P. J. B. Jackson (2009), Speaker-dependent audio-visual emotion recognition, Proc.
    AVSP, 53-58.
Known oddities
    No women. Neutral is twice as frequent as any emotion, and holds the three common sentences
    twice. A folder that holds both layouts holds every clip twice; it is refused.
"""

import re
from collections import Counter

from ser_lib.corpora import folder as folders
from ser_lib.corpora import places
from ser_lib.corpora.synthetic import is_marked, write_voices
from ser_lib.errors import CorpusError

NAME = "SAVEE"
#: Letters in file names to emotion.
LETTERS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
EMOTIONS = tuple(LETTERS.values())
LANGUAGE = "en"
LICENCE = "research only, given out on request"
SPEECH = "acted speech, recorded in a quiet room"
CITATION = (
    "Haq S, Jackson PJB (2009) Speaker-dependent audio-visual emotion recognition. Proc. "
    "International Conference on Auditory-Visual Speech Processing (AVSP), 53-58"
)
URL = "http://kahlan.eps.surrey.ac.uk/savee/"
DEFAULT_PROTOCOL = "savee-loso4"

_READER_VERSION = 1
SPEAKERS = ("DC", "JE", "JK", "KL")
_LAYOUTS = ("AudioData", "ALL")
_HOLDS = "AudioData/ with DC/a01.wav and the others, or ALL/ with DC_a01.wav and the others"
_NAMED = re.compile(r"(?:([A-Z]{2})_)?([a-z]{1,2})(\d\d)", re.ASCII)
# Neutral 19 to 30, in pairs: whose two own sentences they are.
_NEUTRAL_PAIRS = ("anger", "disgust", "fear", "surprise", "sadness", "happiness")
#: Numbers of the synthetic voices; odd ones are men's, and no other sample has these.
VOICES = dict(zip(SPEAKERS, range(8001, 8009, 2), strict=True))
_STYLES = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")


def find(data_folder=None):
    """The corpus folder: the given one, or ``$SER_DATA/SAVEE``.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        A folder, or the word ``sample`` for a synthetic corpus of 112 clips, which is written on
        first use.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CorpusError
        If the given folder does not exist; or none is given and none is on this machine: then
        the message says where to ask for the corpus.
    """
    if data_folder is not None and str(data_folder) == "sample":
        # Raise the number whenever voices.py or this file changes how anything sounds.
        sample = places.cache_folder() / "corpora" / f"sample-{NAME}-v3"
        return write_voices(sample, NAME, _sample_clips(), sample_rate=44_100)
    return places.find(NAME, data_folder, _ask, holds=_HOLDS)


def _ask(folder):
    """Where other corpora download, this one says whom to ask."""
    raise CorpusError(
        f"{NAME} is given out on request only: register at {URL}, then give --data_folder FOLDER "
        f"(the one that holds {_HOLDS}) or set SER_DATA to the folder that holds {NAME}/. "
        "`--data_folder sample` tries everything on synthetic voices meanwhile"
    )


def prepare(data_folder=None, allow_partial=False, progress=True):
    """Read a SAVEE folder into a manifest; every clip is decoded, checked and hashed.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        As for :func:`find`: a folder in one of the two layouts, the folder that holds it,
        ``sample``, or None.
    allow_partial : bool
        Accept a folder that lacks some of the 480 clips.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    datasets.Dataset
        A manifest (:data:`ser_lib.corpora.manifest.FEATURES`); its corpus is ``SAVEE``, or
        ``SAVEE-synthetic`` for the sample.

    Raises
    ------
    CorpusError
        If clips are missing, broken, doubled, or not named as SAVEE names them.
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


def statement(emotion, number):
    """Name of the sentence of a clip; the same text has the same name.

    Arguments
    ---------
    emotion : str
        One of :data:`EMOTIONS`.
    number : int
        Number in the file name.

    Returns
    -------
    str
        Such as ``common-1`` or ``anger-4``; the module's docstring says how it is known.
    """
    if emotion == "neutral" and number > 18:
        pair, place = divmod(number - 19, 2)
        return f"{_NEUTRAL_PAIRS[pair]}-{4 + place}"
    if emotion == "neutral" and number > 15:
        number -= 15
    return f"common-{number}" if number <= 3 else f"{emotion}-{number}"


def _root(folder):
    """The folder in one of the two layouts: the given one, or a folder or two further in."""
    inner = [folder, *(folder / layout for layout in _LAYOUTS)]
    if len(there := [sub for sub in inner if _clips(sub)]) > 1:
        raise CorpusError(
            f"{folder} holds {NAME} more than once ({' and '.join(map(str, there))}); "
            "give one of these folders"
        )
    if there:
        return there[0]
    holder = folders.root(
        folder,
        NAME,
        lambda sub: any(_clips(sub / name) for name in _LAYOUTS) or _clips(sub),
        _HOLDS,
    )
    return _root(holder)


def _clips(folder):
    """Clips of a folder in either layout (list of Path); stray sounds only beside such clips."""
    nested = [folder / speaker for speaker in SPEAKERS if (folder / speaker).is_dir()]
    files = [path for sub in nested for path in folders.sounds(sub)]
    flat = folders.sounds(folder) if folder.is_dir() else []
    if any(path.stem.startswith(tuple(f"{speaker}_" for speaker in SPEAKERS)) for path in flat):
        files += flat
    return files


def _rows(root, corpus):
    """Columns that the names tell; CorpusError that names all clips with unknown codes."""
    rows, odd = [], []
    for path in _clips(root):
        named = _NAMED.fullmatch(path.stem)
        speaker, letters, number = named.groups() if named else (None, None, 0)
        emotion, number = LETTERS.get(letters), int(number)
        folder = path.parent.name if path.parent != root else speaker
        if not named or (speaker or folder) != folder or folder not in SPEAKERS:
            odd.append(f"{path} is not named like DC/a01.wav or DC_a01.wav")
        elif not emotion:
            odd.append(f"{path} has the unknown emotion {letters} (not {' '.join(LETTERS)})")
        elif not 1 <= number <= sentences(emotion):
            odd.append(f"{path} has a sentence number outside 1 to {sentences(emotion)}")
        else:
            rows.append(
                {
                    "id": f"{folder}_{letters}{number:02d}",
                    "path": str(path),
                    "speaker": folder,
                    "gender": "male",
                    "emotion": emotion,
                    "intensity": "",
                    "statement": statement(emotion, number),
                    "transcript": "",
                    "language": LANGUAGE,
                    "corpus": corpus,
                }
            )
    if odd:
        raise CorpusError(f"{'; '.join(odd)}. Rename as the publisher did or move away")
    return rows


def sentences(emotion):
    """How many clips of an emotion (str, one of :data:`EMOTIONS`) a speaker has (int)."""
    return 30 if emotion == "neutral" else 15


def _count(rows):
    """Clips found, clips of the complete corpus, and what is missing in words (list of str)."""
    have = Counter((row["speaker"], row["emotion"]) for row in rows)
    lacking = [
        f"{speaker} {emotion} lacks {sentences(emotion) - have[speaker, emotion]}"
        for speaker in SPEAKERS
        for emotion in EMOTIONS
        if have[speaker, emotion] != sentences(emotion)
    ]
    return len(rows), len(SPEAKERS) * sum(map(sentences, EMOTIONS)), lacking


def _sample_clips():
    """Files of the synthetic corpus: four sentences a speaker and emotion, two of them common."""
    return {
        f"AudioData/{speaker}/{letters}{number:02d}.wav": {
            "emotion": style,
            "speaker": voice,
            "statement": str(1 + number % 2),
            "take": number,
        }
        for speaker, voice in VOICES.items()
        for letters, style in zip(LETTERS, _STYLES, strict=True)
        for number in (1, 2, 4, 7)
    }
