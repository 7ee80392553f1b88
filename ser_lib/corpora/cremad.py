"""CREMA-D: the Crowd-sourced Emotional Multimodal Actors Dataset, its sound.

Who
    91 actors, 48 men and 43 women of 20 to 74 years, North American English. Each says twelve
    sentences, most of them once in each emotion: 7442 clips, about 5.3 h.
Classes
    6: anger, disgust, fear, happy and sad 1271 clips each; neutral 1087.
Recording
    16 kHz, 16 bit, mono, cut from video; clips last 1.3 to 5 s.
File names
    ``AAAA_SSS_EEE_LL``, in one folder ``AudioWAV``: actor (1001 to 1091), sentence (see
    :data:`SENTENCES`), emotion (ANG, DIS, FEA, HAP, NEU, SAD) and level (LO, MD, HI, or XX where
    none was asked for; only the sentence IEO has levels). The sex of each actor is in the
    publisher's ``VideoDemographics.csv`` and, as facts, in this module.
Licence
    Open Database License 1.0, the contents under the Database Contents License 1.0.
Address
    github.com/CheyneyComputerScience/CREMA-D, where the sound lies in Git LFS; the same sound at
    the publisher's mirror gitlab.com/cs-cooper-lab/crema-d-mirror for the days on which GitHub's
    quota is used up. A clone without LFS holds text files of 130 bytes by the names of the clips.
Source
    H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma (2014), IEEE Transactions
    on Affective Computing 5(4): 377-390. Listeners who only heard the clips named the intended
    emotion in 40.9 % of their answers.
Known oddities
    ``1040_ITH_SAD_X`` was renamed to ``1040_ITH_SAD_XX`` by the publisher in 2022 (issue 6 of the
    repository); older copies hold the old name, and its id is the new one in both. Every sample of
    ``1076_MTI_SAD_XX`` is zero. The publisher lists ``1076_MTI_NEU_XX``, ``1064_TIE_SAD_XX`` and
    ``1064_IEO_DIS_MD`` as defective too, on video at least. All four are read as they are, because
    the published counts include them. A few clips of one actor hold the same samples under two
    emotions; a warning names them.
"""

import re
import shlex
from collections import Counter
from pathlib import Path

from ser_lib.corpora import places, synthetic
from ser_lib.corpora.folder import refuse_doubled, refuse_partial, root, sounds, whole_clips
from ser_lib.corpora.label_map import common_label
from ser_lib.errors import CorpusError

NAME = "CREMA-D"
EMOTIONS = ("anger", "disgust", "fear", "happy", "neutral", "sad")
LANGUAGE = "en"
LICENCE = "ODbL 1.0"
SPEECH = "acted speech, recorded in a quiet room"
CITATION = (
    "Cao H, Cooper DG, Keutmann MK, Gur RC, Nenkova A, Verma R (2014) CREMA-D: Crowd-sourced "
    "Emotional Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4): 377-390. "
    "https://doi.org/10.1109/TAFFC.2014.2336244"
)
URL = "https://github.com/CheyneyComputerScience/CREMA-D"
DEFAULT_PROTOCOL = "cremad-si"

#: What ``--help`` says of a corpus without a folder: it comes by Git LFS, which is the person's.
OTHERWISE = f"$SER_CACHE/corpora/{NAME}; otherwise the commands to clone it are printed"
MIRROR_URL = "https://gitlab.com/cs-cooper-lab/crema-d-mirror"
#: Words by code.
SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
ACTORS = tuple(str(actor) for actor in range(1001, 1092))
_WOMEN = """
1002 1003 1004 1006 1007 1008 1009 1010 1012 1013 1018 1020 1021 1024 1025 1028 1029 1030 1037
1043 1046 1047 1049 1052 1053 1054 1055 1056 1058 1060 1061 1063 1072 1073 1074 1075 1076 1078
1079 1082 1084 1089 1091
"""
#: The actors whose sex is Female in VideoDemographics.csv; it says Male of the other 48.
WOMEN = frozenset(_WOMEN.split())
COUNTS = {name: 1087 if name == "neutral" else 1271 for name in EMOTIONS}

_READER_VERSION = 1
#: Emotion by code, in file names.
CODES = dict(zip(("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"), EMOTIONS, strict=True))
_LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": ""}
_RENAMED = {"1040_ITH_SAD_X": "1040_ITH_SAD_XX"}
_CLIPS = "AudioWAV"
_POINTER = b"version https://git-lfs"
_SHOWN = 10


def find(data_folder=None):
    """The corpus folder: the given one, or one on this machine.

    Looked for in this order: ``data_folder``; ``$SER_DATA/CREMA-D``; a clone in
    ``$SER_CACHE/corpora/CREMA-D``.

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
        If the given folder does not exist, or there is none; the message says how to get it.
    """
    if data_folder is not None and str(data_folder) == "sample":
        folder = places.cache_folder() / "corpora" / f"sample-{NAME}-v2"
        return synthetic.write_voices(folder, NAME, sample_clips(), sample_rate=16_000)
    return places.find(NAME, data_folder, download, holds=_CLIPS)


def download(target_folder):
    """Say how to get the corpus, which needs Git LFS; a clone that is there already is taken.

    Arguments
    ---------
    target_folder : str or os.PathLike
        Where the clone is expected.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CorpusError
        With the commands in one line, where the folder holds no clips.
    """
    folder = Path(target_folder)
    if _home(folder):
        return folder
    to = shlex.quote(str(folder))
    raise CorpusError(
        f"{NAME} is not on this machine and comes by Git LFS (0.6 GB). Run `git lfs install && "
        f"GIT_LFS_SKIP_SMUDGE=1 git clone --depth 1 {URL} {to} && git -C {to} lfs pull --include "
        f"'{_CLIPS}/*'` (or clone {MIRROR_URL}, where GitHub's quota is used up) and start again; "
        f"or give --data_folder FOLDER (the one that holds {_CLIPS}), or set SER_DATA to the "
        f"folder that holds {NAME}/. `--data_folder sample` tries everything on synthetic voices"
    )


def prepare(data_folder=None, allow_partial=False, progress=True):
    """Read a CREMA-D folder into a manifest; every clip is decoded, checked and hashed.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        As for :func:`find`: the folder of the clips, the one that holds ``AudioWAV``, or the one
        that holds that; ``sample``; or None.
    allow_partial : bool
        Accept a folder that lacks some of the 7442 clips.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    datasets.Dataset
        A manifest (:data:`ser_lib.corpora.manifest.FEATURES`). Its corpus is ``CREMA-D``, or
        ``CREMA-D-synthetic`` for synthetic voices.

    Raises
    ------
    CorpusError
        If clips are missing, broken, doubled, Git LFS pointers, or not named as CREMA-D names
        them.
    """
    folder = find(data_folder).resolve()
    clips = _home(root(folder, NAME, _home, f"{_CLIPS} (1001_DFA_ANG_XX.wav, ...)"))
    made_up = synthetic.is_marked(clips) or synthetic.is_marked(clips.parent)
    corpus = f"{NAME}-synthetic" if made_up else NAME
    files = sounds(clips)
    _refuse_pointers(clips, files)
    rows = _rows(clips, files, corpus)
    refuse_doubled(clips, rows)
    if not made_up:
        have = Counter(row["emotion"] for row in rows)
        lacking = [
            f"{name} lacks {whole - have[name]}"
            if have[name] < whole
            else f"{name} has {have[name] - whole} too many"
            for name, whole in COUNTS.items()
            if have[name] != whole
        ]
        refuse_partial(clips, NAME, len(rows), sum(COUNTS.values()), lacking, allow_partial)
    return whole_clips(corpus, _READER_VERSION, clips, rows, progress)


def sample_clips(actors=ACTORS[1::4] + ACTORS[-1:]):
    """What the synthetic corpus holds: a sentence in each emotion by each actor.

    The voices say one of RAVDESS's two sentences, whatever the file name says.

    Arguments
    ---------
    actors : sequence of str
        Who speaks; by default 24 of the 91, half of them women.

    Returns
    -------
    dict
        For :func:`ser_lib.corpora.synthetic.write_voices`.
    """
    clips, others = {}, list(SENTENCES)[1:]
    for place, actor in enumerate(actors):
        for number, (code, emotion) in enumerate(CODES.items()):
            sentence, level = others[(5 * place + number) % len(others)], "XX"
            # Levels need IEO, and half of the clips have one, so that no level is rare.
            if (place + number) % 2 and emotion != "neutral":
                sentence, level = "IEO", ("LO", "MD", "HI")[(place + number // 2) % 3]
            clips[f"{_CLIPS}/{actor}_{sentence}_{code}_{level}.wav"] = {
                "emotion": common_label(NAME, emotion),
                # Odd numbers are men's voices.
                "speaker": 2 * int(actor) + (actor not in WOMEN),
                "intensity": "strong" if level == "HI" else "normal",
                "statement": str(1 + place % 2),
            }
    return clips


def _home(folder):
    """The folder of the clips: the given one, its ``AudioWAV``, or None."""
    for home in (folder, folder / _CLIPS):
        if home.is_dir() and any(
            re.match(r"\d{4}_[A-Z]{3}_[A-Z]{3}_", path.name) for path in sounds(home)
        ):
            return home
    return None


def _refuse_pointers(folder, files):
    """CorpusError where Git LFS left its pointers instead of sound."""
    pointers = []
    for path in files:
        try:
            if path.is_file() and path.stat().st_size < 1024:
                with path.open("rb") as file:
                    pointers += [path] * (file.read(len(_POINTER)) == _POINTER)
        except OSError as error:
            raise CorpusError(f"{path} cannot be read: {error.strerror}") from error
    if pointers:
        raise CorpusError(
            f"{folder}: {len(pointers)} of {len(files)} clips are Git LFS pointers and no sound "
            f"(first: {pointers[0].name}); run `git lfs install && git lfs pull --include "
            f"'{_CLIPS}/*'` in that clone, or clone {MIRROR_URL}"
        )


def _rows(folder, files, corpus):
    """Columns that the names tell; CorpusError that names all files where they tell none."""
    rows, problems = [], []
    for path in files:
        try:
            rows.append(_row(path, corpus))
        except ValueError as problem:
            problems.append(f"{path.name} ({problem})")
    if problems:
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise CorpusError(
            f"{folder}: not named as {NAME} names clips (like 1001_DFA_ANG_XX.wav): "
            f"{', '.join(problems[:_SHOWN])}{more}; rename them as their publisher did or move "
            "them away"
        )
    return rows


def _row(path, corpus):
    """Columns that a file name tells; ValueError with the reason where it tells none."""
    clip = _RENAMED.get(path.stem, path.stem)
    fields = clip.split("_")
    if len(fields) != 4:
        raise ValueError("not four fields")
    known = {"actor": ACTORS, "sentence": SENTENCES, "emotion": CODES, "level": _LEVELS}
    for code, (field, codes) in zip(fields, known.items(), strict=True):
        if code not in codes:
            raise ValueError(f"unknown {field} {code}")
    actor, sentence, emotion, level = fields
    return {
        "id": clip,
        "path": str(path),
        "speaker": actor,
        "gender": "female" if actor in WOMEN else "male",
        "emotion": CODES[emotion],
        "intensity": _LEVELS[level],
        "statement": sentence,
        "transcript": SENTENCES[sentence],
        "language": LANGUAGE,
        "corpus": corpus,
    }
