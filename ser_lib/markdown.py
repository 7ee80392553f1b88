"""Numbers and tables as the reports print them: percent with one decimal, a dash for none."""

from collections.abc import Iterable, Sequence

from ser_lib.plain import plain

DASH = "–"
_MARKUP = "\\`*[]<>&|"


def percent(value: float | None, unit: bool = False) -> str:
    """Writes a fraction as percent with one decimal: 0.612 becomes 61.2 (or ``61.2 %``)."""
    if value is None or value != value:
        return DASH
    return f"{100 * value:.1f}{' %' if unit else ''}"


def span(low: float | None, high: float | None) -> str:
    """Writes an interval of fractions as percent: ``52.0–68.3``; a dash where there is none."""
    return DASH if low is None or high is None else f"{percent(low)}–{percent(high)}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Writes ``1 speaker``, ``4 speakers``, ``1,440 clips``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(items: Iterable[str]) -> str:
    """Writes ``a``, ``a and b`` or ``a, b and c``."""
    items = [str(item) for item in items]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def words(text) -> str:
    """Text of a stranger as text on one line: what Markdown or HTML would act on is escaped."""
    return "".join(f"\\{letter}" if letter in _MARKUP else letter for letter in plain(text))


def cell(value) -> str:
    """One table cell: pipes and line breaks would end it, so they are written otherwise."""
    return " ".join(str(value).split()).replace("|", "\\|")


def table(headers: Sequence[str], rows: Iterable[Sequence], left: int = 1) -> str:
    """A Markdown table; the first ``left`` columns are flush left, the numbers flush right."""
    rules = [":--" if column < left else "--:" for column in range(len(headers))]
    lines = [list(map(cell, headers)), rules, *(list(map(cell, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
