"""IEMOCAP: the Interactive Emotional Dyadic Motion Capture database, its speech.

Who
    Ten actors, a woman and a man in each of five sessions, American English, about 12 h. They
    improvise on given scenarios (``impro01`` ...) and play three scripts (``script01_1`` ...).
    151 dialogues are cut into 10 039 labelled turns.
Classes
    At least three listeners chose among ten emotions; the code of a turn is their majority:
    xxx (none) 2507 turns, fru 1849, neu 1708, ang 1103, sad 1084, exc 1041, hap 595, sur 107,
    fea 40, oth 3, dis 2. A choice of classes is one of :data:`CLASSES`: ``source4`` (angry,
    happy, sad, neutral: 4490 turns; the excited ones are left out), ``merged4`` (the same four,
    the excited counted as happy, as most papers do: 5531) and ``all`` (every code: 10 039).
Recording
    16 kHz, 16 bit. The wav of a dialogue has two channels, one a microphone; a turn cut from it
    is the mean of both and holds whoever speaks at the same time. The wavs of sentences have one.
Folders
    ``Session1/dialog/EmoEvaluation/*.txt`` labels, ``Session1/dialog/transcriptions/*.txt`` words,
    ``Session1/dialog/wav/*.wav`` dialogues, ``Session1/sentences/wav/<dialogue>/<turn>.wav``.
Licence
    Given out on request, for research, not to be passed on.
Address
    https://sail.usc.edu/iemocap/ (a form to fill in; there is nothing to download here).
Source
    C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang, S. Lee and
    S. S. Narayanan (2008), Language Resources and Evaluation 42(4), 335-359.
Known oddities
    The speaker is told by the end of a turn's name, not by its beginning: ``Ses01F_impro07_M012``
    is the man of session 1. The scripts are played in every session by both casts, so unseen
    speakers say known sentences: **speaker-independent is not text-independent** here. The column
    ``statement`` is the script's part (``script01_1``) or the scenario (``impro07``) without
    session and speaker; two sides that share ``script01_1`` share its lines word for word, two
    that share ``impro07`` share a situation and no wording. Letters at the end of a dialogue's
    name (``impro05a``, ``script01_1b``) are left off. Hidden ``._Ses...`` files lie among the
    others. Many copies of the labels that are passed around were edited; the counts are checked.
"""

import argparse
import functools
import logging
import sys
import types

from ser_lib.corpora import cache, choice, iemocap_sample, places
from ser_lib.corpora import iemocap_labels as labels
from ser_lib.corpora.folder import complete, refuse_doubled, sounds
from ser_lib.corpora.folder import root as find_root
from ser_lib.corpora.iemocap_transcripts import read_transcripts
from ser_lib.corpora.manifest import build
from ser_lib.corpora.stretches import cut_stretches
from ser_lib.corpora.synthetic import is_marked
from ser_lib.corpora.two_labels import warn_of_two_labels
from ser_lib.errors import CorpusError, HparamsError

logger = logging.getLogger(__name__)

#: Emotion by code of each choice of classes, in the order of a model's logits.
CLASSES = {
    "source4": {code: labels.EMOTIONS[code] for code in ("ang", "hap", "sad", "neu")},
    "merged4": {
        code: labels.EMOTIONS["hap" if code == "exc" else code]
        for code in ("ang", "hap", "exc", "sad", "neu")
    },
    "all": labels.EMOTIONS,
}
AUDIO = ("sentences", "dialogues")

NAME = "IEMOCAP"
EMOTIONS = tuple(CLASSES["source4"].values())
LANGUAGE = "en"
LICENCE = "IEMOCAP licence (on request, research only)"
SPEECH = "speech that actors improvised or played from scripts, recorded in a quiet room"
CITATION = (
    "Busso C, Bulut M, Lee C-C, Kazemzadeh A, Mower E, Kim S, Chang JN, Lee S, Narayanan SS "
    "(2008) IEMOCAP: Interactive emotional dyadic motion capture database. Language Resources and "
    "Evaluation 42(4): 335-359. https://doi.org/10.1007/s10579-008-9076-6"
)
URL = "https://sail.usc.edu/iemocap/"
DEFAULT_PROTOCOL = "iemocap-s5"
#: Words of the command line that choose this variant; none for the default one.
OPTIONS = ()

_READER_VERSION = 1
_HOLDS = "Session1 to Session5"
# Labels name a tenth of a millisecond; a recording may end a little before its last label.
_SLACK = 0.1
_DIMENSIONS = {
    "id": "string",
    "valence": "float64",
    "activation": "float64",
    "dominance": "float64",
}


def variant(classes="source4", audio=None):
    """The corpus with a choice of classes: an object that stands for this module.

    Arguments
    ---------
    classes : str
        One of :data:`CLASSES`.
    audio : str, optional
        As for :func:`prepare`.

    Returns
    -------
    types.SimpleNamespace
        Everything this module has; ``EMOTIONS``, ``prepare`` and ``OPTIONS`` are of the choice.

    Raises
    ------
    HparamsError
        If there is no such choice.
    """
    _check_choice(classes, audio)
    options = () if classes == "source4" else ("--classes", classes)
    chosen = {
        "EMOTIONS": tuple(dict.fromkeys(CLASSES[classes].values())),
        "OPTIONS": options + (("--audio", audio) if audio else ()),
        "prepare": functools.partial(prepare, classes=classes, audio=audio),
    }
    return types.SimpleNamespace(**{**globals(), **chosen})


def run(main, argv=None):
    """Run a recipe's job with the variant that its command line asks for.

    Arguments
    ---------
    main : callable
        ``main(corpus, argv) -> exit code``, such as :func:`ser_lib.recipe.main`.
    argv : list of str or None
        Command line without the program's name; None takes ``sys.argv``. ``--classes`` and
        ``--audio`` are read here, the rest is for ``main``.

    Returns
    -------
    int
        Exit code; 2 after a choice that there is not (one line on stderr).
    """
    parser = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, exit_on_error=False, usage=argparse.SUPPRESS
    )
    group = parser.add_argument_group(f"options of {NAME}")
    choice.add_classes(group, default="source4")
    group.add_argument(
        "--audio",
        metavar="|".join(AUDIO),
        help="one file a turn, or stretches of the dialogues (default: sentences if there are any)",
    )
    try:
        options, rest = parser.parse_known_args(sys.argv[1:] if argv is None else argv)
        corpus = variant(options.classes, options.audio)
    except (argparse.ArgumentError, HparamsError) as error:
        print(f"error: {error}; see --help", file=sys.stderr)
        return 2
    try:
        return main(corpus, rest)
    finally:
        if {"-h", "--help"} & set(rest):
            print("\n" + parser.format_help().strip())


def find(data_folder=None):
    """The corpus folder: the given one, or ``$SER_DATA/IEMOCAP``.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        A folder, or the word ``sample`` for the synthetic corpus, which is written on first use
        (:mod:`ser_lib.corpora.iemocap_sample`).

    Returns
    -------
    pathlib.Path

    Raises
    ------
    CorpusError
        If the given folder does not exist, or none is given and none is there: the corpus is
        given out on request, nothing can download it.
    """
    if data_folder is not None and str(data_folder) == "sample":
        return iemocap_sample.write(iemocap_sample.default_folder())
    return places.find(NAME, data_folder, _ask, holds=_HOLDS)


def _ask(folder):
    """What stands where other corpora are downloaded; raises CorpusError."""
    raise CorpusError(
        f"{NAME} is not on this machine, and only its publisher gives it out: ask at {URL}, then "
        f"give --data_folder FOLDER (the one that holds {_HOLDS}) or set SER_DATA to the folder "
        f"that holds {NAME}/. `--data_folder sample` tries everything on synthetic voices meanwhile"
    )


def prepare(data_folder=None, allow_partial=False, progress=True, classes="source4", audio=None):
    """Read an IEMOCAP folder into a manifest; every chosen turn is decoded, checked and hashed.

    The labels are counted as a whole, whatever the choice of classes.

    Arguments
    ---------
    data_folder : str or os.PathLike, optional
        As for :func:`find`: a folder that holds ``Session1`` ... (or whose only subfolder does),
        ``sample``, or None.
    allow_partial : bool
        Accept a folder with other counts than the release's, and leave out labelled turns that
        have no sound.
    progress : bool
        Show a tqdm bar.
    classes : str
        One of :data:`CLASSES`.
    audio : str, optional
        ``sentences``: one file a turn. ``dialogues``: stretches of the dialogues' recordings, as
        ShaheenPerveen cuts them. By default sentences where the folder holds any.

    Returns
    -------
    datasets.Dataset
        A manifest (:data:`ser_lib.corpora.manifest.FEATURES`). Its corpus is ``IEMOCAP``, or
        ``IEMOCAP-synthetic`` for the sample. The hash of a stretch is that of a mono file with
        the same samples. A turn without a line in the transcriptions has the transcript "".

    Raises
    ------
    CorpusError
        If turns are missing, labels or sounds are broken, or wavs are there twice.
    HparamsError
        If there is no such choice of classes or audio.
    """
    _check_choice(classes, audio)
    root, turns = _labelled(data_folder, allow_partial)
    chosen = [turn for turn in turns if turn.code in CLASSES[classes]]
    if not chosen:
        raise CorpusError(
            f"{root} holds no turn of the classes {', '.join(CLASSES[classes])}; choose another "
            "--classes"
        )
    audio = audio or ("sentences" if _recordings(root, "sentences") else "dialogues")
    files = {path.stem: path for path in _recordings(root, audio)}
    where = {
        turn.id: files.get(turn.id if audio == "sentences" else turn.dialogue) for turn in chosen
    }
    lost = [turn.id for turn in chosen if not where[turn.id]]
    _leave_out(root, audio, lost, allow_partial)
    chosen = [turn for turn in chosen if where[turn.id]]
    if not chosen:
        raise CorpusError(f"{root} holds no sound of its labelled turns; extract the release again")
    texts = labels.text_files(root, "transcriptions")
    corpus = f"{NAME}-synthetic" if is_marked(root) else NAME

    def make():
        said = read_transcripts(texts)
        if silent := sum(turn.id not in said for turn in chosen):
            logger.warning("%s: %d of %d turns have no transcript", root, silent, len(chosen))
        rows = [
            {
                "id": turn.id,
                "path": str(where[turn.id]),
                "start": turn.start,
                "end": turn.end,
                "speaker": turn.speaker,
                "gender": turn.gender,
                "emotion": CLASSES[classes][turn.code],
                "intensity": "",
                "statement": turn.statement,
                "transcript": said.get(turn.id, ""),
                "language": LANGUAGE,
                "corpus": corpus,
            }
            for turn in chosen
        ]
        if audio == "sentences":
            return build(complete(rows, progress))
        cut, beyond = cut_stretches(rows, progress, _SLACK)
        _leave_out(root, "dialogues", beyond, allow_partial)
        return build(cut)

    state = f"{corpus}, {classes}, {audio}" + ", partial" * allow_partial
    used = {*labels.text_files(root, "EmoEvaluation"), *texts, *(where[t.id] for t in chosen)}
    manifest = cache.cached(cache.fingerprint(state, _READER_VERSION, root, used), make)
    warn_of_two_labels(corpus, manifest)
    return manifest


def dimensions(data_folder=None, allow_partial=False):
    """Valence, activation and dominance of every labelled turn, whatever its code.

    A manifest has no columns for them; join by id.

    Arguments
    ---------
    data_folder, allow_partial
        As for :func:`prepare`; no sound is read.

    Returns
    -------
    datasets.Dataset
        Columns ``id``, ``valence``, ``activation`` and ``dominance`` (1 to 5, means over
        listeners), sorted by id.

    Raises
    ------
    CorpusError
        As :func:`prepare`, for the labels.
    """
    from datasets import Dataset, Features, Value

    _, turns = _labelled(data_folder, allow_partial)
    columns = Features({name: Value(kind) for name, kind in _DIMENSIONS.items()})
    rows = [{name: getattr(turn, name) for name in _DIMENSIONS} for turn in turns]
    return Dataset.from_list(rows, features=columns)


def _check_choice(classes, audio):
    """HparamsError where there is no such choice."""
    for what, given, known in (("classes", classes, CLASSES), ("audio", audio or AUDIO[0], AUDIO)):
        if given not in known:
            raise HparamsError(f"--{what} is one of {', '.join(known)}, not {given!r}")


def _labelled(data_folder, allow_partial):
    """The folder with the sessions, and its labelled turns, counted."""
    folder = find(data_folder).resolve()
    root = find_root(folder, NAME, _holds_labels, _HOLDS)
    turns = labels.read_turns(root)
    if not is_marked(root):
        labels.check_counts(root, turns, allow_partial)
    return root, turns


def _holds_labels(folder):
    return any(
        (one / "dialog" / "EmoEvaluation").is_dir() for one in labels.sessions(folder).values()
    )


def _recordings(root, audio):
    """Sound files of sentences or of dialogues (list of Path); CorpusError where one is doubled."""
    files = []
    for session in labels.sessions(root).values():
        folder = session / ("dialog" if audio == "dialogues" else "sentences") / "wav"
        inside = [folder] if audio == "dialogues" else labels.entries(folder)
        files += [path for sub in inside if sub.is_dir() for path in sounds(sub)]
    refuse_doubled(root, [{"id": path.stem, "path": str(path)} for path in files])
    return files


def _leave_out(root, audio, lost, allow_partial):
    """CorpusError naming the turns without sound, or a warning where that is allowed."""
    if not lost:
        return
    where = "Session*/" + ("sentences/wav/*" if audio == "sentences" else "dialog/wav")
    number = "1 labelled turn has" if len(lost) == 1 else f"{len(lost)} labelled turns have"
    what = f"{root}: {number} no sound in {where}: {labels.some(lost)}"
    if not allow_partial:
        raise CorpusError(
            f"{what}. Extract the release again, or pass --allow_partial to go on without them"
        )
    logger.warning("%s", what)
