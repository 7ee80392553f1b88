"""Tables of results for READMEs, generated from the runs' metrics.json and checked against them.

    python -m ser_lib.evaluation.tables recipes/RAVDESS/README.md --results results/RAVDESS

rewrites what stands between the two marker comments; with ``--check`` it writes nothing and ends
with code 1 where the README differs, which keeps hand-edited numbers out.
"""

import difflib
import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from ser_lib.cli import Parser, exit_code
from ser_lib.errors import RunError
from ser_lib.evaluation.asked import commands_of
from ser_lib.evaluation.rows import (
    HEADERS,
    HEARD_NOTE,
    PART_NOTE,
    is_heard,
    is_partial,
    library_list,
    order,
    provenance,
    row,
)
from ser_lib.files import write_text
from ser_lib.markdown import count, table

_KEYS = {"system", "corpus", "protocol", "fold", "seed", "ledger_sha256"}


def results_table(paths: Iterable[str | Path]) -> str:
    """A Markdown table with one row a run, and below it the provenance of each row.

    Scores are in percent with 95 % speaker intervals in brackets. Rows are sorted by corpus,
    system, protocol, fold and seed. A fold that a row over all folds covers (same system, seed
    and ledger) has no row of its own. A mark, and a note below, tell where a pretrained encoder
    had heard the tested corpus.

    Arguments
    ---------
    paths : iterable of str or Path
        metrics.json files of single runs or of all folds.

    Returns
    -------
    str
        Markdown without a line break at the end.

    Raises
    ------
    RunError
        No file, or one that is not a report's metrics.json.
    """
    found = {Path(path): read_metrics(path) for path in paths}
    if not found:
        raise RunError("no metrics.json to make a table of; run a recipe first")
    covered = {
        (*_what(metrics["run"]), fold["seed"], fold["ledger_sha256"])
        for metrics in found.values()
        for fold in metrics.get("folds", {}).get("per_fold", ())
    }
    kept = []
    for path, metrics in found.items():
        run = metrics["run"]
        one = (*_what(run), run["seed"], run["ledger_sha256"])
        if run["fold"] == "all" or one not in covered:
            kept.append((path, metrics))
    kept.sort(key=lambda item: order(item[1]["run"]))
    rows = _build(kept, row)
    runs = [metrics["run"] for _, metrics in kept]
    same = _same_versions(runs)
    notes = "\n".join(f"- {note}" for note in _build(kept, partial(provenance, apart_from=same)))
    if same:
        notes = f"All rows: {library_list(same)}.\n\n{notes}"
    marks = [(HEARD_NOTE, is_heard), (PART_NOTE, is_partial)]
    mark = "".join(f"{note}\n\n" for note, holds in marks if any(map(holds, runs)))
    return (
        f"{table(HEADERS, rows, left=3)}\n\n{mark}<details>\n<summary>Where each row comes from"
        f"</summary>\n\n{notes}\n\n</details>"
    )


def _what(run):
    """The system of a run, and its settings: its command but for the fold and where sound lies."""
    words = shlex.split(commands_of(run)[0])
    told = [
        word
        for place, word in enumerate(words)
        if not {word, words[place - 1]} & {"--fold", "--data_folder"}
    ]
    return run["system"], tuple(told)


def _same_versions(runs):
    """Libraries that all of several runs had in the same version (dict)."""
    first, *others = (run.get("versions", {}) for run in runs)
    alike = {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}
    return alike if others else {}


def refresh(readme_path: str | Path, marker: str, table: str, check: bool = False) -> bool:
    """Puts a table between ``<!-- marker:begin -->`` and ``<!-- marker:end -->`` of a README.

    Arguments
    ---------
    readme_path : str or Path
        The file to change; all else in it stays as it is.
    marker : str
        Name in the two comments, such as ``results``.
    table : str
        The Markdown to put there.
    check : bool
        Whether to write nothing and only tell.

    Returns
    -------
    bool
        Whether the README differed from the table.

    Raises
    ------
    RunError
        The file cannot be read, or does not hold the two markers once and in order.
    """
    path = Path(readme_path)
    old = _read(path)
    begin, end = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    if not (old.count(begin) == old.count(end) == 1 and old.index(begin) < old.index(end)):
        raise RunError(
            f"{path}: needs the lines {begin} and {end} once each, in this order; add "
            "them where the table belongs"
        )
    newline = "\r\n" if "\r\n" in old else "\n"
    inside = f"\n\n{table}\n\n".replace("\n", newline)
    new = old[: old.index(begin) + len(begin)] + inside + old[old.index(end) :]
    if new != old and not check:
        write_text(path, new)
    return new != old


def read_metrics(path: str | Path) -> dict:
    """One metrics.json; raises RunError where it is absent or of another kind."""
    path = Path(path)
    try:
        metrics = json.loads(_read(path))
    except ValueError as error:
        raise RunError(f"{path}: is not JSON ({error}); run the evaluation again") from error
    run = metrics.get("run") if isinstance(metrics, dict) else None
    if not (
        isinstance(run, dict) and {"metrics", "clips"} <= metrics.keys() and run.keys() >= _KEYS
    ):
        raise RunError(
            f"{path}: is not a report's metrics.json; leave it out or run the evaluation again"
        )
    return metrics


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 0, 1 where ``--check`` finds a difference, 2 for an error."""
    codes = []
    return exit_code(lambda: codes.append(_main(arguments))) or codes[0]


def _main(arguments):
    parser = Parser(
        prog="python -m ser_lib.evaluation.tables",
        description="Write the table of results of a README from the metrics.json of its runs.",
        epilog="The README holds the lines <!-- results:begin --> and <!-- results:end -->; what "
        "stands between them is replaced, the rest is left alone. Commit the metrics.json files "
        "beside the README, and let CI run this with --check.",
    )
    parser.add_argument("readme", type=Path, metavar="README", help="Markdown file to refresh")
    parser.add_argument(
        "--results",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder that is searched, with all folders in it, for metrics.json",
    )
    parser.add_argument(
        "--marker", default="results", help="name in the two marker comments (default: results)"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; show the difference and end with code 1 where there is one",
    )
    options = parser.parse_args(arguments)
    paths = sorted(options.results.rglob("metrics.json"))
    if not paths:
        raise RunError(
            f"{options.results}: no metrics.json below it; give the folder that holds the runs"
        )
    text = results_table(paths)
    differs = refresh(options.readme, options.marker, text, options.check)
    runs = count(len(paths), "run")
    if differs and options.check:
        print(
            f"{options.readme}: the table is not that of {runs} below {options.results}; run "
            "the same command without --check",
            file=sys.stderr,
        )
        _show_difference(options.readme, options.marker, text)
        return 1
    print(f"{options.readme}: {'written from' if differs else 'agrees with'} {runs}")
    return 0


def _show_difference(readme: Path, marker: str, text: str) -> None:
    old = _read(readme).split(f"<!-- {marker}:begin -->")[1].split(f"<!-- {marker}:end -->")[0]
    lines = difflib.unified_diff(
        old.split("\n"), f"\n\n{text}\n\n".split("\n"), "README", "runs", lineterm="", n=0
    )
    print("\n".join(lines), file=sys.stderr)


def _build(kept: Sequence[tuple[Path, Mapping]], make) -> list:
    rows = []
    for path, metrics in kept:
        try:
            rows.append(make(metrics["run"], metrics))
        except (KeyError, TypeError) as error:
            raise RunError(
                f"{path}: a value is missing or of another kind ({error}); run the evaluation again"
            ) from error
    return rows


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path}: is not UTF-8 text; save it as such") from error


if __name__ == "__main__":
    sys.exit(main())
