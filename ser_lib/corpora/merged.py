"""Merged: RAVDESS, SAVEE, CREMA-D and TESS as one corpus of eight emotions, after CDCapobianco.

Who
    121 speakers of English: 24 from RAVDESS and 91 from CREMA-D (North American), the 4 men of
    SAVEE (British), the 2 women of TESS (Canadian): 1440 + 480 + 7442 + 2800 = 12 162 clips.
Classes
    8: angry, disgust, fearful, happy and sad 1923 clips each, neutral 1703, surprised 652, calm
    192. The labels of each corpus are renamed by :mod:`ser_lib.corpora.label_map`; calm is
    RAVDESS's alone, and CREMA-D has no surprised.
Layout
    One folder that holds ``RAVDESS/``, ``SAVEE/``, ``CREMA-D/`` and ``TESS/``, each as its own
    reader takes it. An id is ``<corpus>/<id there>``, a speaker ``<corpus>:<speaker there>``, a
    statement ``<corpus>:<statement there>``; the column ``corpus`` says where a clip comes from.
Licence
    Each corpus keeps its own (see their modules): research only, and no passing on of SAVEE's and
    of changed copies of TESS's sound.
Source
    github.com/CDCapobianco/Speech-Emotion-Recognition (2022), which cut it at random.
Known oddities
    The corpora differ in room, rate (48, 44.1, 16 and 24.4 kHz), accent and share of the classes,
    so a system can guess much from recognising the corpus: look at the scores of each corpus, not
    at the whole alone. TESS's 2800 clips are two voices. The oddities of the four remain.
"""

import logging
import os
from collections import Counter
from pathlib import Path

from ser_lib.corpora import cremad, places, ravdess, sample, savee, synthetic, tess
from ser_lib.corpora.label_map import EIGHT, common_label
from ser_lib.corpora.manifest import build, is_synthetic
from ser_lib.errors import CorpusError

logger = logging.getLogger(__name__)

NAME = "Merged"
#: Readers by corpus, in the order of the source.
READERS = {reader.NAME: reader for reader in (ravdess, savee, cremad, tess)}
EMOTIONS = EIGHT
LANGUAGE = "en"
LICENCE = "; ".join(f"{name}: {reader.LICENCE}" for name, reader in READERS.items())
SPEECH = "acted speech of several corpora, recorded in quiet rooms"
CITATION = "\n\n".join(reader.CITATION for reader in READERS.values())
URL = "https://github.com/CDCapobianco/Speech-Emotion-Recognition"
DEFAULT_PROTOCOL = "merged-si"
#: Where the corpora are looked for; each has a folder of its own there.
SHELF = "$SER_DATA"
OTHERWISE = "earlier downloads; only RAVDESS and TESS are fetched"

_HOLDS = ", ".join(f"{name}/" for name in READERS)
_FETCHED = frozenset({ravdess.NAME, tess.NAME})
_SAMPLE_RAVDESS = (1, 4, 9, 24, 15, 6)
_WOMEN, _MEN = sorted(cremad.WOMEN), sorted(set(cremad.ACTORS) - cremad.WOMEN)
_SAMPLE_CREMAD = (*_WOMEN[4::9], *_MEN[4::10])


def find(data_folder=None):
    """The folder that holds the four corpora.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        A folder; the word ``sample`` for synthetic voices in the layouts of all four, which are
        written on first use; or None for ``$SER_DATA``, and where that is not set
        ``$SER_CACHE/corpora``, where downloads are.

    Returns
    -------
    pathlib.Path
        May lack some of them.

    Raises
    ------
    CorpusError
        If the given folder does not exist, or the sample cannot be written.
    """
    if data_folder is None:
        shelf = os.environ.get("SER_DATA")
        return Path(shelf).expanduser() if shelf else _downloads()
    if str(data_folder) == "sample":
        return _write_sample(_downloads() / f"sample-{NAME}-v3")
    return places.find(NAME, data_folder, None, holds=_HOLDS)


def prepare(data_folder=None, allow_partial=False, progress=True):
    """Read the four corpora into one manifest of common labels; logs the counts of each.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        As for :func:`find`. With None, what ``$SER_DATA`` lacks is taken from earlier downloads,
        and RAVDESS and TESS are downloaded where nothing else is missing.
    allow_partial : bool
        Leave out corpora that are absent, and accept corpora that lack clips.
    progress : bool
        Show tqdm bars.

    Returns
    -------
    datasets.Dataset
        A manifest (:data:`ser_lib.corpora.manifest.FEATURES`) of 12 162 clips where all are there.
        The column ``corpus`` keeps the name of each clip's own corpus.

    Raises
    ------
    CorpusError
        If corpora are absent, a reader finds fault with one, or synthetic voices lie beside real
        ones.
    """
    folders = _folders(data_folder)
    absent = [name for name in READERS if name not in folders]
    if absent and not allow_partial:
        if data_folder is not None or not _FETCHED.issuperset(absent):
            raise CorpusError(_lack(find(data_folder), absent, folders))
        folders.update({name: READERS[name].find() for name in absent})
    if not folders:
        raise CorpusError(_lack(find(data_folder), absent, folders))
    if absent and allow_partial:
        logger.warning("%s without %s", NAME, ", ".join(absent))
    parts = {
        name: READERS[name].prepare(folders[name], allow_partial, progress)
        for name in READERS
        if name in folders
    }
    made_up = [name for name, part in parts.items() if is_synthetic(part)]
    if made_up and len(made_up) < len(parts):
        raise CorpusError(
            f"{' and '.join(str(folders[name]) for name in made_up)} holds synthetic voices and "
            "the other corpora do not; put the real corpus there or give a folder without it"
        )
    rows = [merged_row(name, row) for name, part in parts.items() for row in part.to_list()]
    logger.info("%s: %d clips\n%s", NAME, len(rows), _table(rows))
    return build(rows)


def _downloads():
    """Where downloads of all corpora are (Path)."""
    return places.cache_folder() / "corpora"


def _folders(data_folder):
    """Corpus to its folder (dict of Path), for those that are there."""
    shelves = [find(data_folder)] + [_downloads()] * (data_folder is None)
    found = {
        name: [shelf / name for shelf in shelves if (shelf / name).is_dir()] for name in READERS
    }
    return {name: there[0] for name, there in found.items() if there}


def _lack(shelf, absent, folders):
    """What is missing, and the ways on, in one line."""
    partly = "pass --allow_partial to go on without, or " if folders else ""
    return (
        f"{shelf} lacks {', '.join(absent)} of {NAME}'s corpora ({_HOLDS}); "
        f"`python recipes/{absent[0]}/prepare.py` fetches it or says how to get it. You may also "
        f"{partly}try everything on synthetic voices with `--data_folder sample`"
    )


def merged_row(name, row):
    """A row of one corpus as a row of the merged manifest.

    Arguments
    ---------
    name : str
        The corpus, one of :data:`READERS`.
    row : dict
        With ``id``, ``speaker``, ``statement`` and ``emotion`` as its own manifest has them.

    Returns
    -------
    dict
        The same keys; id, speaker and statement begin with the corpus, the emotion is a common
        one.

    Raises
    ------
    CorpusError
        If the label has no counterpart.
    """
    return {
        **row,
        "id": f"{name}/{row['id']}",
        "speaker": f"{name}:{row['speaker']}",
        "statement": row["statement"] and f"{name}:{row['statement']}",
        "emotion": common_label(name, row["emotion"], EMOTIONS),
    }


def _table(rows):
    """Clips of each corpus and class as lines of text."""
    counts = Counter((row["corpus"], row["emotion"]) for row in rows)
    lines = {
        name: [counts[name, emotion] for emotion in EMOTIONS]
        for name in dict.fromkeys(row["corpus"] for row in rows)
    }
    lines["all"] = [sum(column) for column in zip(*lines.values(), strict=True)]
    left = max(map(len, lines))
    text = [" " * left + "".join(f"{head:>11}" for head in (*EMOTIONS, "all"))]
    for name, cells in lines.items():
        text.append(f"{name:<{left}}" + "".join(f"{cell:>11}" for cell in (*cells, sum(cells))))
    return "\n".join(text)


def _write_sample(folder):
    """A folder that holds a small synthetic corpus of each; a finished one is left as it is."""
    ravdess_clips = [
        clip for clip in sample.CLIPS if int(clip[-2:]) in _SAMPLE_RAVDESS and clip[9:11] == "01"
    ]
    sample.write(folder / ravdess.NAME, clips=ravdess_clips)
    for reader, clips, sample_rate in (
        (savee, _savee_clips(), 44_100),
        (cremad, cremad.sample_clips(_SAMPLE_CREMAD), 16_000),
        (tess, tess.sample_clips(tess.WORDS[::100]), 24_414),
    ):
        synthetic.write_voices(folder / reader.NAME, reader.NAME, clips, sample_rate)
    return folder


def _savee_clips():
    """One sentence of each speaker and emotion in SAVEE's layout, for the sample."""
    return {
        f"AudioData/{speaker}/{letters}01.wav": {
            "emotion": common_label(savee.NAME, emotion),
            "speaker": voice,
            "statement": str(1 + place % 2),
        }
        for place, (speaker, voice) in enumerate(savee.VOICES.items())
        for letters, emotion in savee.LETTERS.items()
    }
