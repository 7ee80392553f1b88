"""RAVDESS: the Ryerson Audio-Visual Database of Emotional Speech and Song, speech audio.

Who
    24 professional actors from Toronto, 12 women and 12 men, North American English. Each speaks
    two sentences, twice in each emotion and intensity: 60 clips an actor, 1440 clips, 1.48 h.
Classes
    8: neutral 96 clips; calm, happy, sad, angry, fearful, disgust and surprised 192 each. Every
    emotion but neutral is there at normal and at strong intensity.
Recording
    48 kHz, 16 bit, studio, mono; clips last 2.9 to 5.3 s, the first half second mostly silent.
File names
    ``MM-VC-EE-II-SS-RR-AA``: modality (03 audio only), vocal channel (01 speech, 02 song),
    emotion (01 neutral, 02 calm, 03 happy, 04 sad, 05 angry, 06 fearful, 07 disgust,
    08 surprised), intensity (01 normal, 02 strong), statement (01 "Kids are talking by the
    door", 02 "Dogs are sitting by the door"), repetition (01, 02), actor (01 to 24; odd are
    men, even are women), in folders ``Actor_01`` to ``Actor_24``.
Licence
    CC BY-NC-SA 4.0: research yes, commercial use by separate licence from its authors.
Address
    Zenodo record 1188976, ``Audio_Speech_Actors_01-24.zip``, 208 468 073 bytes,
    MD5 bc696df654c87fed845eb13823edef8a.
Source
    S. R. Livingstone and F. A. Russo (2018), PLoS ONE 13(5): e0196391.
Known oddities
    Five clips are stereo. Two clips of actor 07 hold the same samples under two names
    (``03-01-03-01-02-01-07`` and ``03-01-03-01-02-02-07``). There is no strong neutral. The
    archive on Kaggle holds every actor folder twice, once more inside
    ``audio_speech_actors_01-24/``: a reader that walks the tree counts 2880 clips and lets copies
    of test clips into training. The copies are left out here.
"""

import logging
import re
from collections import Counter
from pathlib import Path

from ser_lib.corpora import download as downloading
from ser_lib.corpora import places, sample
from ser_lib.corpora.folder import refuse_doubled, refuse_partial, sounds, whole_clips
from ser_lib.errors import CorpusError

logger = logging.getLogger(__name__)

NAME = "RAVDESS"
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
LANGUAGE = "en"
LICENCE = "CC BY-NC-SA 4.0"
SPEECH = "acted speech, recorded in a quiet room"
CITATION = (
    "Livingstone SR, Russo FA (2018) The Ryerson Audio-Visual Database of Emotional Speech and "
    "Song (RAVDESS): A dynamic, multimodal set of facial and vocal expressions in North American "
    "English. PLoS ONE 13(5): e0196391. https://doi.org/10.1371/journal.pone.0196391"
)
URL = "https://zenodo.org/records/1188976"
DEFAULT_PROTOCOL = "ravdess-si6"

#: What Zenodo serves; constants, so that a mirror can be set.
ARCHIVE_URL = f"{URL}/files/Audio_Speech_Actors_01-24.zip?download=1"
ARCHIVE_SIZE = 208_468_073
ARCHIVE_MD5 = "bc696df654c87fed845eb13823edef8a"

_READER_VERSION = 1
#: Words by statement code.
TRANSCRIPTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
_INTENSITIES = {"01": "normal", "02": "strong"}
_ACTORS = tuple(f"{actor:02d}" for actor in range(1, 25))
_CLIPS_PER_ACTOR = 60
_DOUBLED = "audio_speech_actors_01-24"


def find(data_folder=None):
    """The corpus folder: the given one, one on this machine, or a fresh download.

    Looked for in this order: ``data_folder``; ``$SER_DATA/RAVDESS``; an earlier download under
    ``$SER_CACHE/corpora/RAVDESS``; Zenodo (208 MB).

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        A folder, or the word ``sample`` for the embedded synthetic corpus, which is written on
        first use (:mod:`ser_lib.corpora.sample`).

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CorpusError
        If the given folder does not exist, or nothing is there and nothing can be downloaded.
    """
    if data_folder is not None and str(data_folder) == "sample":
        return sample.write(sample.default_folder())
    return places.find(NAME, data_folder, download, holds="Actor_01 to Actor_24")


def download(target_folder):
    """Fetch the archive from Zenodo (208 MB, resumable, checked) and unpack it.

    Arguments
    ---------
    target_folder : str or os.PathLike
        Will hold ``Actor_01`` to ``Actor_24``. A finished earlier download is left as it is.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CorpusError
        If the network, the disk or the checksum says no, or the folder holds something else.
    """
    return downloading.fetch_and_extract(
        ARCHIVE_URL, Path(target_folder), ARCHIVE_SIZE, ARCHIVE_MD5
    )


def prepare(data_folder=None, allow_partial=False, progress=True):
    """Read a RAVDESS folder into a manifest; every clip is decoded, checked and hashed.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        As for :func:`find`: a folder that holds ``Actor_01`` ... (or whose only subfolder does),
        ``sample``, or None.
    allow_partial : bool
        Accept a folder that lacks some of the 1440 clips.
    progress : bool
        Show a tqdm bar.

    Returns
    -------
    datasets.Dataset
        A manifest (:data:`ser_lib.corpora.manifest.FEATURES`). Its corpus is ``RAVDESS``, or
        ``RAVDESS-synthetic`` for the embedded sample.

    Raises
    ------
    CorpusError
        If clips are missing, broken, doubled, or not named as RAVDESS names them.
    """
    folder = find(data_folder).resolve()
    try:
        root = _actor_root(folder)
        files, odd = _speech_files(root)
    except OSError as error:
        raise CorpusError(f"{error.filename} cannot be read: {error.strerror}") from error
    synthetic = (root / sample.MARKER).is_file()
    corpus = sample.CORPUS if synthetic else NAME
    rows = _rows(files, odd, corpus)
    if not synthetic:
        _check_counts(root, rows, allow_partial)
    return whole_clips(corpus, _READER_VERSION, root, rows, progress)


def _actor_root(folder):
    """The folder that holds the actor folders: the given one, or the only such one inside it."""
    if any(_actor_folders(folder)):
        return folder
    inside = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and any(_actor_folders(sub))]
    # Speech and song unpacked side by side are told apart by what they hold.
    speech = [sub for sub in inside if any(_sorted_out(sub)[:2])]
    if len(speech) == 1:
        return speech[0]
    if speech:
        raise CorpusError(
            f"{folder} holds {NAME} more than once ({', '.join(sub.name for sub in speech)}); "
            "give one of these folders"
        )
    raise CorpusError(
        f"{folder} holds no {NAME} speech clips; give the folder that holds Actor_01 to Actor_24"
    )


def _actor_folders(folder):
    """Folders ``Actor_NN`` right inside a folder, sorted."""
    return [sub for sub in sorted(folder.glob("Actor_[0-9][0-9]")) if sub.is_dir()]


def _sorted_out(root):
    """Speech clips under a root (list of Path), files of other names (list of str), others (int).

    The others are song and video.
    """
    speech, odd, others = [], [], 0
    for folder in _actor_folders(root):
        for path in sounds(folder):
            modality, channel = path.stem[:2], path.stem[3:5]
            if not re.fullmatch(r"\d\d(-\d\d){6}", path.stem, re.ASCII):
                odd.append(f"{path} is not named like 03-01-05-01-02-01-12.wav")
            elif modality not in ("01", "02", "03") or channel not in ("01", "02"):
                told = f"{modality}-{channel} (speech audio is 03-01)"
                odd.append(f"{path} has the unknown modality or vocal channel {told}")
            elif (modality, channel) == ("03", "01"):
                speech.append(path)
            else:
                others += 1
    return speech, odd, others


def _speech_files(root):
    """Speech clips under a root (list of Path), and what is wrong with names (list of str).

    Song, video and Kaggle's second copies are left out.
    """
    files, odd, left_out = _sorted_out(root)
    if left_out:
        logger.info("%s: left out %d clips that are song or video", root, left_out)
    _check_doubled(root)
    if not files and not odd:
        raise CorpusError(
            f"{root} holds no {NAME} speech clips (03-01-*.wav or .flac in Actor_01, ...); "
            "extract Audio_Speech_Actors_01-24.zip again"
        )
    return files, odd


def _check_doubled(root):
    """Leave out the second copy in Kaggle's archive, if it is one; CorpusError if it is not."""
    copies = [folder for folder in _actor_folders(root / _DOUBLED) if (root / folder.name).is_dir()]
    for copy in copies:
        names = {path.name for path in sounds(root / copy.name)}
        if odd := names ^ {path.name for path in sounds(copy)}:
            raise CorpusError(
                f"{copy} and {root / copy.name} differ (first: {min(odd)}); keep the complete one "
                "and delete the other"
            )
    if copies:
        logger.info(
            "%s: left out the %d actor folders inside %s, copies of those beside it",
            root,
            len(copies),
            _DOUBLED,
        )


def _rows(files, odd, corpus):
    """Columns that the names tell; CorpusError that names all clips with unknown codes.

    ``odd`` are names that are wrong already (list of str).
    """
    rows, odd = [], list(odd)
    for path in files:
        _, _, emotion, intensity, statement, repetition, actor = path.stem.split("-")
        known = {
            "emotion": (emotion, [f"{code:02d}" for code in range(1, len(EMOTIONS) + 1)]),
            "intensity": (intensity, ["01"] if emotion == "01" else list(_INTENSITIES)),
            "statement": (statement, list(TRANSCRIPTS)),
            "repetition": (repetition, ["01", "02"]),
            "actor": (actor, [n for n in _ACTORS if path.parent.name == f"Actor_{n}"]),
        }
        strange = [
            f"{path} has the unknown {field} code {code} (not {' '.join(codes) or '01 to 24'})"
            for field, (code, codes) in known.items()
            if code not in codes
        ]
        odd += strange
        if not strange:
            rows.append(_row(path, corpus))
    if odd:
        raise CorpusError(f"{'; '.join(odd)}. Rename as the publisher did or move away")
    return rows


def _row(path, corpus):
    """Columns of a clip whose name is right."""
    _, _, emotion, intensity, statement, _, actor = path.stem.split("-")
    return {
        "id": path.stem,
        "path": str(path),
        "speaker": actor,
        "gender": "male" if int(actor) % 2 else "female",
        "emotion": EMOTIONS[int(emotion) - 1],
        "intensity": _INTENSITIES[intensity],
        "statement": str(int(statement)),
        "transcript": TRANSCRIPTS[statement],
        "language": LANGUAGE,
        "corpus": corpus,
    }


def _check_counts(root, rows, allow_partial):
    """CorpusError where a clip is there as wav and as flac, or clips are missing."""
    refuse_doubled(root, rows)
    have = Counter(row["speaker"] for row in rows)
    lacking = [
        f"Actor_{actor} lacks {_CLIPS_PER_ACTOR - have[actor]}"
        for actor in _ACTORS
        if have[actor] != _CLIPS_PER_ACTOR
    ]
    refuse_partial(root, NAME, len(rows), _CLIPS_PER_ACTOR * len(_ACTORS), lacking, allow_partial)
