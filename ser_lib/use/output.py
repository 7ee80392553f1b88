"""Rows as people, spreadsheets and programs read them: an aligned table, CSV, JSON lines."""

import csv
import json

from ser_lib.plain import plain, sheet_cell

_WIDEST = 100
_NUMBERS = {"probability": "{:.3f}", "seconds": "{:.2f}", "start": "{:.2f}", "end": "{:.2f}"}


class Table:
    """Aligned columns for the eye.

    Arguments
    ---------
    stream : text file
    columns : sequence of str
    widest : int
        Length of the longest text to come in the first column; it gets at most 100 characters.
    labels : sequence of str
        Texts to come in the column ``label``, for its width.
    """

    def __init__(self, stream, columns, widest=0, labels=()):
        self.stream, self.columns = stream, list(columns)
        first = min(max(widest, len(self.columns[0])), _WIDEST)
        label = max(map(len, ("label", *map(plain, labels))))
        self.widths = {self.columns[0]: first, "label": label}

    def begin(self):
        """Write the head."""
        self._line(self.columns)

    def row(self, row):
        """Write one row (dict)."""
        cells = []
        for name in self.columns:
            value = row.get(name, "")
            number = isinstance(value, (int, float))
            told = _NUMBERS.get(_kind(name), "{}")
            cells.append(told.format(value) if number else plain(str(value)))
        self._line(cells)

    def _line(self, cells):
        parts = []
        for name, cell in zip(self.columns, cells, strict=True):
            if _kind(name) in _NUMBERS:
                parts.append(cell.rjust(max(len(name), 7)))
            else:
                parts.append(cell.ljust(self.widths.get(_kind(name), 0)))
        self.stream.write("  ".join(parts).rstrip() + "\n")


class Csv:
    """Comma-separated values with a head; text that a spreadsheet would run gets a ``'`` before."""

    def __init__(self, stream, columns):
        self.columns, self.writer = list(columns), csv.writer(stream, lineterminator="\n")

    def begin(self):
        """Write the head."""
        self.writer.writerow([_cell(name) for name in self.columns])

    def row(self, row):
        """Write one row (dict)."""
        self.writer.writerow([_cell(row.get(name, "")) for name in self.columns])


class JsonLines:
    """One JSON object a line, in ASCII, so that any file name survives."""

    def __init__(self, stream):
        self.stream = stream

    def begin(self):
        """Write nothing."""

    def row(self, row):
        """Write one row (dict)."""
        self.stream.write(json.dumps(row) + "\n")


def _kind(column):
    """A column without its rank: ``label_2`` is a ``label``."""
    return column.rstrip("0123456789").rstrip("_")


def _cell(value):
    if isinstance(value, float):
        return f"{value:.6g}"
    # A line end would begin a row that is not guarded; --format jsonl keeps any name as it is.
    return sheet_cell(plain(value))
