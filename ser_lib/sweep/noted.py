"""Figures that note inside what they show, so that they are drawn again only for other numbers.

Two machines draw the same numbers with different bytes, where their fonts differ.
"""

import hashlib
import io
from pathlib import Path

from ser_lib.files import write_bytes

_KEY = "Description"


def save_noted(figure, path, shown) -> Path:
    """Write a figure as a PNG with a hash of what it shows.

    Arguments
    ---------
    figure : matplotlib.figure.Figure
    path : str or Path
    shown : list
        All that is drawn, of values whose ``repr`` tells them apart.

    Raises
    ------
    RunError
        The file cannot be written.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None, _KEY: _digest(shown)})
    return write_bytes(path, buffer.getvalue())


def notes(path, shown) -> bool:
    """Whether a figure is there and shows this very thing."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.info.get(_KEY) == _digest(shown)
    except OSError:
        return False


def _digest(shown):
    return hashlib.sha256(repr(shown).encode()).hexdigest()
