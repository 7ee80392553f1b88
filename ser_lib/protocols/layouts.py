"""The clips of whole corpora by their official names, without a sample of their sound.

What protocols share besides sound can so be told of corpora that are given out on request, or of
which only a part is at hand. Each name stands for one clip; the hash of its samples is made from
the name, which says nothing about sound.
"""

import hashlib
import itertools

from ser_lib.protocols._emobox_emodb import EMODB
from ser_lib.protocols.iemocap import SPEAKERS as IEMOCAP_SPEAKERS

#: Clips of the whole corpora; of IEMOCAP by choice of classes.
WHOLE = {
    "RAVDESS": 1440,
    "EMO-DB": 535,
    "SAVEE": 480,
    "CREMA-D": 7442,
    "TESS": 2800,
    "Merged": 12_162,
    "IEMOCAP": {"source4": 4490, "merged4": 5531, "all": 10_039},
}
#: Corpora whose layout tells who speaks and no more.
SPEAKERS_ONLY = ("IEMOCAP",)


def whole(corpus, classes=None):
    """Clips of the whole corpus (int); None where that is not known here."""
    found = WHOLE.get(corpus)
    return found[classes or "source4"] if isinstance(found, dict) else found


def layout(corpus):
    """Manifest of a whole corpus without sound.

    CREMA-D's has 20 clips too many: 7462 names follow from its rules, and which of them were
    never released is told only by the release. Of IEMOCAP's turns only the speakers and the
    classes are told here, as many turns of each class dealt out to the speakers in turn.

    Arguments
    ---------
    corpus : str
        As in :attr:`ser_lib.protocols.Protocol.corpus`.

    Returns
    -------
    datasets.Dataset or None
        Columns ``id``, ``speaker``, ``gender``, ``emotion``, ``statement``, ``transcript``,
        ``corpus`` and ``sha256``; None for a corpus whose layout is not known here.
    """
    if corpus not in _ROWS:
        return None
    from datasets import Dataset

    return Dataset.from_list(list(_ROWS[corpus]()))


def _row(corpus, name, speaker, woman, emotion, statement, transcript=""):
    return {
        "id": name,
        "speaker": speaker,
        "gender": "female" if woman else "male",
        "emotion": emotion,
        "statement": statement,
        "transcript": transcript,
        "corpus": corpus,
        "sha256": hashlib.sha256(f"{corpus}/{name}".encode()).hexdigest(),
    }


def _ravdess():
    from ser_lib.corpora.ravdess import EMOTIONS, TRANSCRIPTS

    codes = itertools.product(range(1, 25), range(1, 9), (1, 2), TRANSCRIPTS, (1, 2))
    for actor, emotion, level, said, take in codes:
        if (emotion, level) != (1, 2):  # neutral has one intensity
            name = f"03-01-{emotion:02d}-{level:02d}-{said}-{take:02d}-{actor:02d}"
            woman, number = not actor % 2, str(int(said))
            words = (EMOTIONS[emotion - 1], number, TRANSCRIPTS[said])
            yield _row("RAVDESS", name, f"{actor:02d}", woman, *words)


def _emodb():
    from ser_lib.corpora.emodb import LETTERS, TEXTS, WOMEN

    for name in sorted(set().union(*EMODB)):
        speaker, text = name[:2], name[2:5]
        words = (LETTERS[name[5]], text, TEXTS[text])
        yield _row("EMO-DB", name, speaker, speaker in WOMEN, *words)


def _savee():
    from ser_lib.corpora.savee import LETTERS, SPEAKERS, sentences, statement

    for speaker, (letters, emotion) in itertools.product(SPEAKERS, LETTERS.items()):
        for number in range(1, sentences(emotion) + 1):
            name = f"{speaker}_{letters}{number:02d}"
            yield _row("SAVEE", name, speaker, False, emotion, statement(emotion, number))


def _cremad():
    from ser_lib.corpora.cremad import ACTORS, CODES, SENTENCES, WOMEN

    for actor, sentence, code in itertools.product(ACTORS, SENTENCES, CODES):
        for level in ("LO", "MD", "HI") if sentence == "IEO" and code != "NEU" else ("XX",):
            name = f"{actor}_{sentence}_{code}_{level}"
            words = (CODES[code], sentence, SENTENCES[sentence])
            yield _row("CREMA-D", name, actor, actor in WOMEN, *words)


def _tess():
    from ser_lib.corpora.tess import CODES, SPEAKERS, WORDS

    for speaker, word, code in itertools.product(SPEAKERS, WORDS, CODES):
        words = (CODES[code], word, f"Say the word {word}")
        yield _row("TESS", f"{speaker}_{word}_{code}", speaker, True, *words)


def _iemocap():
    from ser_lib.corpora.iemocap_labels import COUNTS, EMOTIONS

    speakers = itertools.cycle(IEMOCAP_SPEAKERS)
    for code in ("ang", "hap", "sad", "neu"):
        for number in range(COUNTS[code]):
            speaker = next(speakers)
            name = f"{speaker}_{code}_{number:04d}"
            yield _row("IEMOCAP", name, speaker, speaker.endswith("F"), EMOTIONS[code], "")


def _merged():
    from ser_lib.corpora.merged import merged_row

    for corpus in ("RAVDESS", "SAVEE", "CREMA-D", "TESS"):
        for row in _ROWS[corpus]():
            yield merged_row(corpus, row)


_ROWS = {
    "RAVDESS": _ravdess,
    "EMO-DB": _emodb,
    "SAVEE": _savee,
    "CREMA-D": _cremad,
    "TESS": _tess,
    "IEMOCAP": _iemocap,
    "Merged": _merged,
}
