"""Transcripts as plain lower-case English words and sentence marks.

Source: github.com/ShaheenPerveen/speech-emotion-recognition-iemocap, the notebook that prepares its
text; the order of the steps is that notebook's.
"""

import re
import unicodedata

_ENDS = re.compile("[.!?]")
_OTHER = re.compile("[^a-z.!?]+")
_TOKEN = re.compile("[a-z]+|[.!?]")


def normalise(text):
    """Lower-case words from a to z and the marks ``. ! ?``, separated by single spaces.

    In this order: lower case; blanks at both ends off; accents off; a space before each of
    ``. ! ?``; each run of anything else that is no letter becomes one space. Because that comes
    last, a text that begins or ends with such a run begins or ends with a space
    (``"[LAUGHTER]"`` gives ``" laughter "``), as in the source. Digits, apostrophes and letters
    that are no accented a to z (``ß``, Greek, Chinese) become spaces.

    Arguments
    ---------
    text : str
        A transcript.

    Returns
    -------
    str
    """
    apart = unicodedata.normalize("NFD", text.lower().strip())
    bare = "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")
    return _OTHER.sub(" ", _ENDS.sub(lambda mark: f" {mark[0]}", bare))


def tokens(text):
    """Words and sentence marks of a transcript (list of str), normalised first.

    One-letter words count, and so does each mark: "I" and "!" may tell a feeling.
    """
    return _TOKEN.findall(normalise(text))
