"""``python -m ser_lib.protocols table``: the audit of all protocols, measured and as a table."""

import importlib
import logging
import sys
from pathlib import Path

from ser_lib.corpora.choice import add_classes, choose
from ser_lib.errors import ProtocolError
from ser_lib.protocols import PROTOCOLS, overview, survey


def add_parser(commands):
    """Add the subcommand to the parsers of ``python -m ser_lib.protocols``."""
    parser = commands.add_parser(
        "table",
        help="the audit of all protocols as one Markdown table",
        description="Print the audit of all protocols as one Markdown table, or put it into a file "
        "between the lines <!-- protocols:begin --> and <!-- protocols:end -->. The figures come "
        f"from {survey.FILE}; with --data_root they are measured again and that file is written. "
        "Figures of real corpora that are not under the root stay as they were.",
    )
    parser.add_argument("readme", nargs="?", type=Path, metavar="README", help="file to refresh")
    parser.add_argument(
        "--data_root",
        metavar="ROOT",
        help="folder that holds RAVDESS/, EMO-DB/ ..., whole or in part; `sample` for synthetic "
        "voices, whose figures are no results",
    )
    parser.add_argument(
        "--audit",
        type=Path,
        metavar="FILE",
        help=f"where the figures are kept (default: {survey.FILE} beside README, or here)",
    )
    parser.add_argument(
        "--marker", default="protocols", help="name in the two marker lines (default: protocols)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 where README differs"
    )
    add_classes(parser)
    parser.set_defaults(run=_run)


def _run(arguments):
    """Measure where that is asked for, then print the table or put it into a file."""
    # Only this command writes Markdown; the others do without the room that knows how.
    from ser_lib.evaluation.tables import refresh
    from ser_lib.files import write_text
    from ser_lib.markdown import table

    if arguments.check and arguments.data_root:
        raise ProtocolError("--check writes nothing, so it takes no --data_root; leave one out")
    beside = arguments.readme.parent if arguments.readme else Path()
    path = arguments.audit or beside / survey.FILE
    if arguments.data_root:
        found = _measured(arguments, survey.read(path) if path.exists() else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, survey.dumps(found))
    else:
        found = survey.read(path)
    text = f"{table(overview.HEADERS, overview.rows(found), left=4)}\n\n{overview.notes(found)}"
    if arguments.readme is None:
        print(text)
        return 0
    differs = refresh(arguments.readme, arguments.marker, text, arguments.check)
    if differs and arguments.check:
        print(
            f"{arguments.readme}: the table of protocols is out of date; run the same command "
            "without --check",
            file=sys.stderr,
        )
        return 1
    state = "written" if differs else "up to date"
    print(f"{arguments.readme}: {state}, {len(PROTOCOLS)} protocols")
    return 0


def _measured(arguments, earlier):
    """The audit on the corpora under the root."""
    from ser_lib.data.likeness import near_identical
    from ser_lib.logs import log_to_console

    log_to_console(logging.INFO)
    root, manifests = arguments.data_root, {}
    for protocol in PROTOCOLS.values():
        corpus = protocol.corpus
        folder = root if root == "sample" else Path(root, *([] if protocol.members else [corpus]))
        parts = [name for name in protocol.members if (Path(root) / name).is_dir()]
        there = root == "sample" or (len(parts) > 1 if protocol.members else folder.is_dir())
        if corpus in manifests or not there:
            continue
        reader = importlib.import_module(f"ser_lib.corpora.{protocol.corpus_module}")
        if hasattr(reader, "variant"):
            reader = choose(reader, arguments.classes)
        manifests[corpus] = reader.prepare(folder, allow_partial=True)
    if not manifests:
        known = ", ".join(sorted({p.corpus for p in PROTOCOLS.values() if not p.members}))
        raise ProtocolError(f"--data_root {root} holds none of {known}; give the folder that does")
    return survey.survey(
        manifests,
        lambda manifest: near_identical(manifest, manifest["id"]),
        earlier,
        arguments.classes,
    )
