"""Text of strangers (file names, labels) on one line of a terminal, and in a cell of a sheet."""

import re
import unicodedata

# Joins letters in Persian, Hindi and families of emoji, and moves nothing.
_JOINERS = "\u200c\u200d"
# A spreadsheet runs a cell that begins so, in full width too; the quote itself is here to make
# the escape reversible.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")

# What colours the text of a terminal and makes it bold.
_STYLES = re.compile(r"\x1b\[[0-9;]*m")
_END = re.compile(r"(?<=[^\s.])\.(?=\s|$)")


def moves(letter):
    """Whether a character moves the cursor, breaks the line or turns the reading direction."""
    # Cc control, Cf format (bidi marks), Cs half of a surrogate pair, Zl and Zp line ends.
    return letter not in _JOINERS and unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def plain(text):
    """Text that a terminal can show on one line.

    What would move the cursor, break the line, turn the reading direction or not encode at all
    becomes an escape, as Python writes it.
    """
    shown = []
    for letter in str(text):
        odd = moves(letter) or unicodedata.category(letter) in ("Co", "Cn")
        shown.append(ascii(letter)[1:-1] if odd else letter)
    return "".join(shown)


def first_sentence(error):
    """What an exception says first, without its full stop and without styles of a terminal (str).

    Libraries add advice in further sentences and lines, some of it to trust a damaged file. One
    that says nothing is told by its type.
    """
    lines = _STYLES.sub("", str(error)).strip().splitlines()
    return plain(_END.split(lines[0], maxsplit=1)[0]) if lines else type(error).__name__


def sheet_cell(text):
    """Text that no spreadsheet runs: a ``'`` goes before what would be a formula."""
    # Blanks before it do not keep every program from running it.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
