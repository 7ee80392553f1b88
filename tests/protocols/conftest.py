"""Manifests laid out like the corpora, with all their speakers and clips, without any sound."""

import functools
import hashlib
import itertools

import pytest
from datasets import Dataset

from ser_lib.protocols import lookup, split
from ser_lib.protocols._emobox_emodb import EMODB

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def ravdess_rows(actors):
    """The official 60 clips of each actor (int), as dicts."""
    for actor, emotion, strong, statement, take in itertools.product(
        actors, range(8), (False, True), (1, 2), (1, 2)
    ):
        if EMOTIONS[emotion] == "neutral" and strong:
            continue
        name = f"03-01-{emotion + 1:02d}-{strong + 1:02d}-{statement:02d}-{take:02d}-{actor:02d}"
        yield {
            "id": name,
            "path": f"/corpus/Actor_{actor:02d}/{name}.wav",
            "speaker": f"{actor:02d}",
            "gender": "male" if actor % 2 else "female",
            "emotion": EMOTIONS[emotion],
            "intensity": "strong" if strong else "normal",
            "statement": str(statement),
            "corpus": "RAVDESS",
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
        }


def row(corpus, name, speaker, female, emotion, statement):
    """One clip of any corpus, as a dict."""
    return {
        "id": name,
        "speaker": speaker,
        "gender": "female" if female else "male",
        "emotion": emotion,
        "statement": statement,
        "corpus": corpus,
        "sha256": hashlib.sha256(f"{corpus}/{name}".encode()).hexdigest(),
    }


def emodb_rows():
    """The official 535 clips."""
    letters = dict(zip("WLEAFTN", EMODB_EMOTIONS, strict=True))
    women = ("08", "09", "13", "14", "16")
    for name in sorted(set().union(*EMODB)):
        yield row("EMO-DB", name, name[:2], name[:2] in women, letters[name[5]], name[2:5])


def iemocap_rows():
    """The official number of turns of each of four classes, dealt out to speakers and dialogues."""
    counts = {"angry": 1103, "happy": 595, "sad": 1084, "neutral": 1708}
    speakers = itertools.cycle(itertools.product(range(1, 6), "FM"))
    for emotion, count in counts.items():
        for number in range(count):
            session, sex = next(speakers)
            played = f"script01_{number % 3 + 1}" if number % 2 else f"impro0{number % 7 + 1}"
            name = f"Ses0{session}F_{played}_{emotion}_{sex}{number:04d}"
            yield row("IEMOCAP", name, f"Ses0{session}{sex}", sex == "F", emotion, played)


def savee_rows():
    """The official 120 clips of each of the four men."""
    codes = {"a": "angry", "d": "disgust", "f": "fearful", "h": "happy", "sa": "sad"}
    codes |= {"su": "surprised", "n": "neutral"}
    for speaker, (code, emotion) in itertools.product(("DC", "JE", "JK", "KL"), codes.items()):
        for number in range(1, 31 if code == "n" else 16):
            statement = f"{code}{number:02d}"
            yield row("SAVEE", f"{speaker}_{statement}", speaker, False, emotion, statement)


def tess_rows():
    """The official 200 words of both women in seven emotions."""
    emotions = ("angry", "disgust", "fearful", "happy", "neutral", "surprised", "sad")
    for speaker, word, emotion in itertools.product(("OAF", "YAF"), range(200), emotions):
        said = f"word{word:03d}"
        yield row("TESS", f"{speaker}_{said}_{emotion}", speaker, True, emotion, said)


def cremad_rows():
    """82 clips of each of the 91 actors; the publisher lacks 20 of these 7462."""
    sentences = ["IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI"]
    emotions = {"ANG": "angry", "DIS": "disgust", "FEA": "fearful", "HAP": "happy"}
    emotions |= {"NEU": "neutral", "SAD": "sad"}
    for actor, sentence, code in itertools.product(range(1001, 1092), sentences, emotions):
        for level in ("LO", "MD", "HI") if sentence == "IEO" and code != "NEU" else ("XX",):
            name, woman = f"{actor}_{sentence}_{code}_{level}", str(actor) in CREMAD_WOMEN
            yield row("CREMA-D", name, str(actor), woman, emotions[code], sentence)


def merged_rows(parts=("RAVDESS", "SAVEE", "CREMA-D", "TESS")):
    """Clips of several corpora, their names made unique."""
    for corpus in parts:
        for clip in ROWS[corpus]():
            unique = {key: f"{corpus}:{clip[key]}" for key in ("id", "speaker", "statement")}
            yield {**{key: clip[key] for key in COLUMNS}, **unique}


EMODB_EMOTIONS = ("anger", "boredom", "disgust", "fear", "happiness", "sadness", "neutral")
#: Numbers after 1000 of the actors whose Sex is Female in VideoDemographics.csv.
CREMAD_WOMEN = {
    str(1000 + number)
    for number in (
        *(2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 18, 20, 21, 24, 25, 28, 29, 30, 37, 43, 46, 47, 49, 52),
        *(53, 54, 55, 56, 58, 60, 61, 63, 72, 73, 74, 75, 76, 78, 79, 82, 84, 89, 91),
    )
}
COLUMNS = ("id", "speaker", "gender", "emotion", "statement", "corpus", "sha256")
ROWS = {
    "RAVDESS": lambda: ravdess_rows(range(1, 25)),
    "EMO-DB": emodb_rows,
    "IEMOCAP": iemocap_rows,
    "SAVEE": savee_rows,
    "TESS": tess_rows,
    "CREMA-D": cremad_rows,
    "Merged": merged_rows,
}


def as_manifest(rows):
    """Dataset of a list of dicts."""
    rows = list(rows)
    return Dataset.from_dict({key: [row[key] for row in rows] for key in rows[0]})


@pytest.fixture(scope="session")
def make_manifest():
    """Function from actor numbers to a manifest; ``change(row)`` may edit a row or drop it."""

    def make(actors=range(1, 25), change=lambda row: row):
        rows = (change(row) for row in ravdess_rows(actors))
        return as_manifest(row for row in rows if row is not None)

    return make


@pytest.fixture(scope="session")
def manifest(make_manifest):
    """The whole of RAVDESS: 24 actors, 1440 clips."""
    return make_manifest()


@pytest.fixture(scope="session")
def official():
    """Function from a corpus to its manifest with all speakers.

    ``change(row)`` may edit a row or drop it; ``parts`` are the corpora of a merged one.
    """
    whole = {}

    def make(corpus, change=None, **options):
        if change is None and not options:
            if corpus not in whole:
                whole[corpus] = as_manifest(ROWS[corpus]())
            return whole[corpus]
        rows = (row if change is None else change(row) for row in ROWS[corpus](**options))
        return as_manifest(row for row in rows if row is not None)

    return make


@pytest.fixture(scope="session")
def cremad_women():
    """Numbers of CREMA-D's 43 women (set of str)."""
    return CREMAD_WOMEN


@pytest.fixture(scope="session")
def cut(official):
    """Function from the name of a protocol, a fold and a seed to its ledger on the whole corpus."""

    @functools.cache
    def ledger(name, fold=1, seed=0):
        return split(official(lookup(name).corpus), name, fold, seed)

    return ledger


@pytest.fixture(scope="session")
def folds(cut):
    """Function from the name of a protocol to the ledgers of all its folds."""
    return lambda name: [cut(name, fold) for fold in range(1, lookup(name).folds + 1)]


@pytest.fixture(scope="module")
def two_labels(make_manifest):
    """``two_labels(*copies)``: RAVDESS where each pair of ids holds the samples of its first."""

    def make(*copies):
        sounds = {copy: hashlib.sha256(clip.encode()).hexdigest() for clip, copy in copies}
        return make_manifest(
            change=lambda row: {**row, "sha256": sounds.get(row["id"], row["sha256"])}
        )

    return make
