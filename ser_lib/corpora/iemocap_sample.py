"""A synthetic IEMOCAP: 140 turns by ten voices in the official layout, to try everything.

Each of the ten speakers has two turns in each of angry, happy, sad, neutral and excited, one
frustrated, one undecided, and two of the rare classes (women surprised and fearful, men disgusted
and other), over three dialogues a session. There are sentence wavs, dialogue wavs (one channel,
unlike the official ones), label files and transcriptions. The voices come from
:mod:`ser_lib.corpora.voices`; **no human speaks in them**.
"""

import functools

import numpy as np

from ser_lib.corpora import places
from ser_lib.corpora.synthetic import write_voices
from ser_lib.corpora.voices import SAMPLE_RATE, voice

#: Hz of the files.
RATE = 16_000
DIALOGUES = ("F_impro01", "F_script01_1", "M_impro04")

# Even voices are women's. Other samples have other numbers, so that nobody speaks in two.
_VOICES = 7000
_GAP = 0.4  # s of silence before each turn
_TEXTS = {"1": "Kids are talking by the door.", "2": "Dogs are sitting by the door."}
# Code: emotion and intensity of the voice, valence, activation and dominance.
_CODES = {
    "neu": ("neutral", "normal", 3, 2.5, 2.5),
    "hap": ("happy", "normal", 4, 3, 3),
    "sad": ("sad", "normal", 2, 2, 2),
    "ang": ("angry", "strong", 1.5, 4, 4),
    "exc": ("happy", "strong", 4.5, 4, 3.5),
    "fru": ("angry", "normal", 2, 3, 3.5),
    "xxx": ("calm", "normal", 3, 2, 2.5),
    "sur": ("surprised", "normal", 3.5, 3.5, 2.5),
    "fea": ("fearful", "normal", 2, 3.5, 1.5),
    "dis": ("disgust", "normal", 2, 2.5, 3.5),
    "oth": ("calm", "normal", 3, 2.5, 3),
}
_COMMON = ("neu", "hap", "sad", "ang", "exc")
_OF_SPEAKER = {
    "F": (*_COMMON, *_COMMON, "fru", "xxx", "sur", "fea"),
    "M": (*_COMMON, *_COMMON, "fru", "xxx", "dis", "oth"),
}


def default_folder():
    """Where the sample lives (Path): ``$SER_CACHE/corpora/sample-IEMOCAP-v3``."""
    # Raise the number whenever voices.py or this file changes how anything sounds or is called.
    return places.cache_folder() / "corpora" / "sample-IEMOCAP-v3"


def write(folder, progress=True, sessions=range(1, 6)):
    """Write the sample corpus, about 10 s once; a finished one is left as it is.

    Arguments
    ---------
    folder : str or os.PathLike
        Will hold ``Session1`` ... with 16 kHz 16-bit wav files, texts and ``SYNTHETIC.md``.
    progress : bool
        Show a tqdm bar.
    sessions : iterable of int
        Which of the five to write.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CorpusError
        If the folder cannot be written, or holds something else.
    """
    clips, texts = {}, {}
    for session in sessions:
        for dialogue, turns in _plan(session).items():
            root, name = f"Session{session}", f"Ses0{session}{dialogue}"
            labels = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
            lines, parts = [], []
            for turn, start, end, code, spoken in turns:
                clips[f"{root}/sentences/wav/{name}/{name}_{turn}.wav"] = spoken
                parts.append((start, spoken))
                values = ", ".join(f"{value:.4f}" for value in _CODES[code][2:])
                labels += [f"[{start:.4f} - {end:.4f}]\t{name}_{turn}\t{code}\t[{values}]", ""]
                text = _TEXTS[spoken.keywords["statement"]]
                lines.append(f"{name}_{turn} [{start:08.4f}-{end:08.4f}]: {text}")
            clips[f"{root}/dialog/wav/{name}.wav"] = functools.partial(_dialogue, parts)
            texts[f"{root}/dialog/EmoEvaluation/{name}.txt"] = "\n".join(labels)
            texts[f"{root}/dialog/transcriptions/{name}.txt"] = "\n".join(lines) + "\n"
    try:
        return write_voices(folder, "IEMOCAP", clips, RATE, texts, progress)
    finally:
        _spoken.cache_clear()


def _plan(session):
    """Turns of a session's dialogues: (name, start in s, end in s, code, function of the voice)."""
    turns = {dialogue: [] for dialogue in DIALOGUES}
    counts = {}
    for number in range(len(_OF_SPEAKER["F"])):
        for sex in "FM":
            code = _OF_SPEAKER[sex][number]
            # Both turn with the session and the round, so that no class goes with one of them.
            dialogue = DIALOGUES[(session + number) % len(DIALOGUES)]
            place = counts[sex, dialogue] = counts.get((sex, dialogue), -1) + 1
            start = round((turns[dialogue][-1][2] if turns[dialogue] else 0) + _GAP, 1)
            seconds = 2.0 + 0.2 * ((number + session) % 4)
            spoken = functools.partial(
                _spoken,
                code=code,
                speaker=_VOICES + 2 * session - (sex == "M"),
                statement=str(1 + (number + session) % 2),
                seconds=seconds,
                take=1 + number,
            )
            end = round(start + seconds, 1)
            turns[dialogue].append((f"{sex}{place:03d}", start, end, code, spoken))
    return turns


@functools.lru_cache(maxsize=32)
def _spoken(code, speaker, statement, seconds, take):
    """Waveform (samples,) of one turn; kept, because its dialogue needs it again."""
    emotion, intensity = _CODES[code][:2]
    return voice(emotion, speaker, intensity, statement, seconds, take)[0]


def _dialogue(parts):
    """Waveform (samples,) of turns, each (start in s, function), with silence between them."""
    spoken = [(round(start * SAMPLE_RATE), say()) for start, say in parts]
    waveform = np.zeros(max(first + len(said) for first, said in spoken), dtype=np.float32)
    for first, said in spoken:
        waveform[first : first + len(said)] = said
    return waveform
