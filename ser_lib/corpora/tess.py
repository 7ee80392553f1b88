"""TESS: the Toronto Emotional Speech Set.

Who
    Two actresses from the Toronto area, OAF of 64 and YAF of 26 years, both with musical training.
    Each says the carrier phrase "Say the word ..." with 200 words (those of the hearing test NU-6)
    in 7 emotions: 2800 clips, about 1.6 h.
Classes
    7, 400 clips each: anger, disgust, fear, happy, neutral, pleasant surprise and sad.
Recording
    24 414 Hz, 16 bit, mono; clips last 1.2 to 3 s. One clip has another rate.
File names
    ``OAF_back_angry.wav``: speaker, word, emotion (angry, disgust, fear, happy, neutral, ps, sad).
    The publisher's archive is one flat folder; most copies sort it into 14 folders
    ``<speaker>_<emotion>``. Both are read.
Licence
    CC BY-NC-ND 4.0: research yes, no commercial use, no passing on of changed copies.
Address
    Borealis (University of Toronto Dataverse), doi:10.5683/SP2/E8H2MF: 2800 single files, each
    with its MD5.
Source
    M. K. Pichora-Fuller and K. Dupuis (2020), Toronto emotional speech set (TESS).
Known oddities
    Folder names vary in case and wording (``OAF_Fear``, ``YAF_fear``, ``OAF_Pleasant_surprise``,
    ``YAF_pleasant_surprised``). ``OA_bite_neutral.wav`` lacks an F; its id is ``OAF_bite_neutral``.
    A few ``.wav`` files (``YAF_germ_angry`` and ``YAF_neat_fear`` among them) are not RIFF inside,
    which many programs refuse and libsndfile reads. Kaggle's archive holds everything twice, once
    more in a folder inside; the second copy is left out here.

Two speakers make one honest test: train on one, test on the other. A random split shares both
voices and every word, and its numbers say nothing about a new speaker.
"""

import logging
import re
from collections import Counter
from pathlib import Path

from ser_lib.corpora import places, synthetic
from ser_lib.corpora.dataverse import fetch_files
from ser_lib.corpora.folder import refuse_doubled, refuse_partial, sounds, whole_clips
from ser_lib.corpora.label_map import common_label
from ser_lib.errors import CorpusError

logger = logging.getLogger(__name__)

NAME = "TESS"
EMOTIONS = ("anger", "disgust", "fear", "happy", "neutral", "pleasant surprise", "sad")
LANGUAGE = "en"
LICENCE = "CC BY-NC-ND 4.0"
SPEECH = "acted speech, recorded in a quiet room"
CITATION = (
    "Pichora-Fuller MK, Dupuis K (2020) Toronto emotional speech set (TESS). Borealis, University "
    "of Toronto Dataverse. https://doi.org/10.5683/SP2/E8H2MF"
)
_DOI = "10.5683/SP2/E8H2MF"
URL = f"https://doi.org/{_DOI}"
DEFAULT_PROTOCOL = "tess-loso2"

#: The Dataverse that serves the files; a constant, so that a mirror can be set.
API_URL = "https://borealisdata.ca/api"
SPEAKERS = ("OAF", "YAF")
_WORDS = """
back bar base bath bean beg bite boat bone book bought burn cab calm came cause chain chair chalk
chat check cheek chief choice cool dab date dead death deep dime dip ditch dodge dog doll door fail
fall far fat fit five food gap gas gaze germ get gin goal good goose gun half hall hash hate have
haze hire hit hole home hurl hush jail jar join judge jug juice keen keep keg kick kill king kite
knock late laud lean learn lease lid life limb live loaf long lore lose lot love luck make match
merge mess met mill mob mode mood moon mop mouse nag name near neat nice note numb pad page pain
pass pearl peg perch phone pick pike pole pool puff rag raid rain raise rat reach read red ring ripe
road room rose rot rough rush said sail search seize sell shack shall shawl sheep shirt should shout
size soap soup sour south sub such sure take talk tape team tell thin third thought thumb time tip
tire ton tool tough turn vine voice void vote wag walk wash week wheat when which whip white wife
wire witch yearn yes young youth
"""
WORDS = tuple(_WORDS.split())

_READER_VERSION = 1
#: Emotion by code, in file names.
CODES = dict(
    zip(("angry", "disgust", "fear", "happy", "neutral", "ps", "sad"), EMOTIONS, strict=True)
)
_ALIASES = {
    **{name: name for name in CODES},
    **dict.fromkeys(("pleasant_surprise", "pleasant_surprised", "surprise", "surprised"), "ps"),
}
_WHOLE = len(SPEAKERS) * len(WORDS) * len(CODES)
_FOLDER = re.compile(r"(OAF|YAF)_(.+)", re.IGNORECASE | re.ASCII)
_FILE = re.compile(r"(OAF?|YAF)_([a-z]+)_([a-z]+)", re.IGNORECASE | re.ASCII)
_SHOWN = 10


def find(data_folder=None):
    """The corpus folder: the given one, one on this machine, or a fresh download.

    Looked for in this order: ``data_folder``; ``$SER_DATA/TESS``; an earlier download under
    ``$SER_CACHE/corpora/TESS``; Borealis.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        A folder, or the word ``sample`` for synthetic voices, which are written on first use.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CorpusError
        If the given folder does not exist, or nothing is there and nothing can be downloaded.
    """
    if data_folder is not None and str(data_folder) == "sample":
        folder = places.cache_folder() / "corpora" / f"sample-{NAME}-v2"
        return synthetic.write_voices(folder, NAME, sample_clips(), sample_rate=24_414)
    return places.find(NAME, data_folder, download, holds="OAF_angry, ... or the 2800 clips")


def download(target_folder, progress=True):
    """Fetch the 2800 clips from Borealis, each resumed where it broke off and checked by MD5.

    Arguments
    ---------
    target_folder : str or os.PathLike
        Will hold the clips. A finished earlier download is left as it is.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CorpusError
        If the network, the server, the disk or a checksum says no, or the folder holds something
        else; what has arrived is kept for the next try.
    """
    return fetch_files(target_folder, API_URL, _DOI, _is_clip, _WHOLE, NAME, progress)


def _is_clip(label):
    return bool(_FILE.fullmatch(Path(label).stem)) and Path(label).suffix.lower() == ".wav"


def prepare(data_folder=None, allow_partial=False, progress=True):
    """Read a TESS folder into a manifest; every clip is decoded, checked and hashed.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        As for :func:`find`: a folder that holds ``OAF_angry`` ... or the clips themselves, at most
        three folders down; ``sample``; or None.
    allow_partial : bool
        Accept a folder that lacks some of the 2800 clips.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    datasets.Dataset
        A manifest (:data:`ser_lib.corpora.manifest.FEATURES`). Its corpus is ``TESS``, or
        ``TESS-synthetic`` for synthetic voices.

    Raises
    ------
    CorpusError
        If clips are missing, broken, doubled, or not named as TESS names them.
    """
    folder = find(data_folder).resolve()
    try:
        home, files = _one_copy(folder)
    except OSError as error:
        raise CorpusError(f"{error.filename} cannot be read: {error.strerror}") from error
    made_up = synthetic.is_marked(home)
    corpus = f"{NAME}-synthetic" if made_up else NAME
    rows = _rows(home, files, corpus)
    refuse_doubled(home, rows)
    if not made_up:
        have = Counter((row["speaker"], row["emotion"]) for row in rows)
        lacking = [
            f"{speaker} {emotion} lacks {len(WORDS) - have[speaker, emotion]}"
            for speaker in SPEAKERS
            for emotion in EMOTIONS
            if have[speaker, emotion] != len(WORDS)
        ]
        refuse_partial(home, NAME, len(rows), _WHOLE, lacking, allow_partial)
    return whole_clips(corpus, _READER_VERSION, home, rows, progress)


def sample_clips(words=WORDS[::25]):
    """What the synthetic corpus holds: a few words by both speakers in each emotion.

    The voices say a part of RAVDESS's sentences, whatever the file name says.

    Arguments
    ---------
    words : sequence of str
        By default 8 of the 200.

    Returns
    -------
    dict
        For :func:`ser_lib.corpora.synthetic.write_voices`.
    """
    return {
        f"{speaker}_{code}/{speaker}_{word}_{code}.wav": {
            "emotion": common_label(NAME, emotion),
            "speaker": 9000 + 2 * number,  # even numbers are women's voices
            "statement": str(1 + (take + place) % 2),
            "take": take,
            "seconds": 2.0,
        }
        for number, speaker in enumerate(SPEAKERS)
        for place, (code, emotion) in enumerate(CODES.items())
        for take, word in enumerate(words)
    }


def _one_copy(folder):
    """The folder that holds the corpus, and its sounds; further copies of it are left out."""
    homes = _homes(folder, depth=3)
    if not homes:
        raise CorpusError(
            f"{folder} holds no {NAME} clips; give the folder that holds OAF_angry, ... or the "
            "2800 clips"
        )
    (home, files), *copies = homes
    for other, others in copies:
        mine, theirs = (
            {path.name: path.stat().st_size for path in paths if path.exists()}
            for paths in (files, others)
        )
        if mine != theirs:
            odd = min(dict(mine.items() ^ theirs.items()))
            raise CorpusError(
                f"{home} and {other} both hold {NAME} and differ (first: {odd}); keep the "
                "complete one and delete the other"
            )
        logger.info("%s: left out %d clips in %s, a copy", home, len(others), other)
    return home, files


def _homes(folder, depth):
    """Folders that hold the corpus, outermost first, each with its sounds."""
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[:1] != "."]
    sorted_by_emotion = [path for path in inside if _FOLDER.fullmatch(path.name)]
    files = [path for part in sorted_by_emotion for path in sounds(part)]
    flat = sounds(folder)
    homes = []
    if files or any(_FILE.fullmatch(path.stem) for path in flat):
        homes.append((folder, files + flat))
    if depth:
        others = [path for path in inside if path not in sorted_by_emotion]
        deeper = [home for path in others for home in _homes(path, depth - 1)]
        homes += sorted(deeper, key=lambda home: len(home[0].parts))
    return homes


def _rows(home, files, corpus):
    """Columns that the names tell; CorpusError that names all files where they tell none."""
    rows, problems = [], []
    for path in files:
        try:
            rows.append(_row(path, corpus, sorted_in=path.parent != home))
        except ValueError as problem:
            problems.append(f"{path.relative_to(home)} ({problem})")
    if problems:
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise CorpusError(
            f"{home}: not named as {NAME} names clips (like OAF_angry/OAF_back_angry.wav): "
            f"{', '.join(problems[:_SHOWN])}{more}; rename them as their publisher did or move "
            "them away"
        )
    return rows


def _row(path, corpus, sorted_in):
    """Columns that a path tells; ValueError with the reason where it tells none."""
    fields = _FILE.fullmatch(path.stem)
    if not fields:
        raise ValueError("not speaker, word and emotion")
    speaker, word, code = fields[1].upper(), fields[2].lower(), fields[3].lower()
    speaker = "OAF" if speaker == "OA" else speaker
    if word not in WORDS:
        raise ValueError(f"unknown word {word}")
    if code not in CODES:
        raise ValueError(f"unknown emotion {code}")
    if sorted_in:
        told = _FOLDER.fullmatch(path.parent.name)
        where = (told[1].upper(), _ALIASES.get(re.sub(r"[\s-]", "_", told[2].lower())))
        if where != (speaker, code):
            raise ValueError("its folder says otherwise")
    return {
        "id": f"{speaker}_{word}_{code}",
        "path": str(path),
        "speaker": speaker,
        "gender": "female",
        "emotion": CODES[code],
        "intensity": "",
        "statement": word,
        "transcript": f"Say the word {word}",
        "language": LANGUAGE,
        "corpus": corpus,
    }
