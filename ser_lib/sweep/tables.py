"""``python -m ser_lib.sweep.tables``: the page of all results, its figure, the recipes' tables.

Exit codes: 0 done, 1 where ``--check`` finds something out of date, 2 an error that the person can
mend.
"""

import difflib
import sys
from pathlib import Path

from ser_lib.cli import exit_code
from ser_lib.errors import RunError
from ser_lib.hparams import ROOT
from ser_lib.use.command import Parser

_EPILOG = """\
Writes README.md and drop.png into the folder of results, from the runs kept there and from its
published.yaml, and the table of results in the README of each recipe that has runs. A README beside
the folder that holds the lines <!-- drop:begin --> and <!-- drop:end --> gets the figure and a
paragraph between them. Where nothing has changed, nothing is written.

exit codes: 0 done, 1 out of date (--check), 2 an error that can be mended
"""


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line); returns exit code."""
    codes = []
    words = sys.argv[1:] if argv is None else list(argv)
    return exit_code(lambda: codes.append(_main(words))) or codes[0]


def _main(words):
    parser = Parser("tables", description="Write the tables and the figure.", epilog=_EPILOG)
    parser.prog = "python -m ser_lib.sweep.tables"
    parser.add_argument(
        "--results",
        type=Path,
        default=ROOT / "results",
        metavar="FOLDER",
        help="folder of results (default: the repository's)",
    )
    parser.add_argument(
        "--recipes",
        type=Path,
        metavar="FOLDER",
        help="folder of recipes whose READMEs get their tables (default: beside the results)",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; tell what would change"
    )
    options = parser.parse_args(words)
    # Heavy libraries load from here on, which --help need not wait for.
    from ser_lib.evaluation.tables import refresh
    from ser_lib.files import write_text
    from ser_lib.sweep.drop_figure import drop_figure, shows
    from ser_lib.sweep.drops import drops
    from ser_lib.sweep.headline import MARKER, headline
    from ser_lib.sweep.latency import read_latencies
    from ser_lib.sweep.leak_figure import leak_figure
    from ser_lib.sweep.leak_figure import shows as shows_leak
    from ser_lib.sweep.leak_page import FIGURE, outcomes, section
    from ser_lib.sweep.measured import measure, read_kept
    from ser_lib.sweep.neighbours import neighbours
    from ser_lib.sweep.page import page
    from ser_lib.sweep.published import read_published
    from ser_lib.sweep.reference_page import references
    from ser_lib.sweep.reference_page import section as reference_section

    results, stale = options.results, []
    kept = read_kept(results)
    measured = measure(kept, read_latencies(results))
    published = read_published(results / "published.yaml")
    rows = drops(measured, published)
    leaks, points = outcomes(results), references(results)
    more = [section(leaks)] if leaks else []
    more += [reference_section(points, measured)] if points else []
    text = page(rows, published, measured, neighbours(measured), more)
    path = results / "README.md"
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    if old != text:
        stale.append(path)
        if options.check:
            lines = difflib.unified_diff(
                old.splitlines(), text.splitlines(), "page", "runs", "", n=0
            )
            print("\n".join(list(lines)[:40]), file=sys.stderr)
        else:
            write_text(path, text)
    figure = results / "drop.png"
    if any(row.same or row.apart for row in rows) and not shows(rows, figure):
        stale.append(figure)
        if not options.check:
            drop_figure(rows, figure)
    if leaks and not shows_leak(leaks, results / FIGURE):
        stale.append(results / FIGURE)
        if not options.check:
            leak_figure(leaks, results / FIGURE)
    stale += _recipes(options.recipes or results.resolve().parent / "recipes", kept, options)
    readme = results.resolve().parent / "README.md"
    if readme.is_file() and f"<!-- {MARKER}:begin -->" in readme.read_text(encoding="utf-8"):
        told = headline(rows, results.resolve().name, leaks, points, measured)
        stale += [readme] if refresh(readme, MARKER, told, options.check) else []
    runs = f"{len(kept)} runs"
    if stale and options.check:
        names = ", ".join(map(str, stale))
        print(f"not up to date with {runs}: {names}; run {parser.prog}", file=sys.stderr)
        return 1
    print(f"{'written' if stale else 'up to date'}: {len(rows)} rows of {runs}")
    for path in stale:
        print(f"  {path}")
    return 0


def _recipes(recipes, kept, options):
    """Refresh the recipes' tables; READMEs that differed (list of Path)."""
    from ser_lib.evaluation.tables import refresh, results_table

    stale = []
    for corpus in sorted({Path(one.place).parts[0] for one in kept}):
        readme = recipes / corpus / "README.md"
        if not readme.is_file():
            continue
        paths = [options.results / one.place / "metrics.json" for one in kept]
        mine = [
            path
            for path, one in zip(paths, kept, strict=True)
            if Path(one.place).parts[0] == corpus
        ]
        try:
            if refresh(readme, "results", results_table(sorted(mine)), options.check):
                stale.append(readme)
        except RunError as error:
            raise RunError(f"{error} (it is a recipe's README with runs in results)") from error
    return stale


if __name__ == "__main__":
    sys.exit(main())
