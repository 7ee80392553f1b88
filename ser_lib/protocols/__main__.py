"""``python -m ser_lib.protocols``: list the protocols, make a ledger, audit ledgers, a table."""

import argparse
import importlib
import sys
import textwrap

from ser_lib.cli import Parser, add_drop_conflicts, exit_code
from ser_lib.corpora.choice import add_classes, choose, widest
from ser_lib.errors import ProtocolError, SerError
from ser_lib.protocols import PROTOCOLS, Ledger, lookup, split
from ser_lib.protocols._table import add_parser as add_table
from ser_lib.protocols.audit import report

EXAMPLES = """\
examples:
  python -m ser_lib.protocols list
  python -m ser_lib.protocols show ravdess-si6 --fold 2 --data_folder RAVDESS --output fold2.json
  python -m ser_lib.protocols audit fold2.json
  python -m ser_lib.protocols table README.md --data_root /data

exit codes: 0 all well, 1 a ledger breaks a promise or a table is not up to date, 2 something is
missing or cannot be read
"""


def main(argv=None):
    """Run one subcommand on ``argv`` (list of str, default the command line); gives the exit code.

    0: all well; 1: a promise is broken or a table out of date; 2: a file, corpus or argument is
    bad, said in one line.
    """
    codes = []

    def job():
        arguments = _parser().parse_args(argv)
        codes.append(arguments.run(arguments))

    return exit_code(job) or codes[0]


def _list(arguments):
    """One row a protocol, the sentence wrapped under itself."""
    width = max(len(name) for name in PROTOCOLS)
    corpora = max(len(protocol.corpus) for protocol in PROTOCOLS.values())
    heads = f"{'protocol':<{width}}  {'corpus':<{corpora}}  folds  "
    print(f"{heads}rule")
    for name, protocol in sorted(PROTOCOLS.items()):
        start = f"{name:<{width}}  {protocol.corpus:<{corpora}}  {protocol.folds:>5}  "
        indent = " " * len(heads)
        print(textwrap.fill(protocol.describe, 100, initial_indent=start, subsequent_indent=indent))
    return 0


def _audit(arguments):
    """Audit every ledger, also after a bad one; the worst outcome is the exit code."""
    code = 0
    for number, path in enumerate(arguments.ledgers):
        try:
            ledger = Ledger.load(path)
            near = _near(ledger, arguments) if arguments.data_folder else None
            text, kept = report(ledger, path, near)
        except SerError as error:
            print(f"error: {error}", file=sys.stderr)
            code = 2
            continue
        print(("\n\n" if number else "") + text)
        code = max(code, 0 if kept else 1)
    return code


def _near(ledger, arguments):
    """Near-identical clips among those of a ledger (list of pairs with their correlation)."""
    from ser_lib.data.likeness import near_identical

    reader = _reader(lookup(ledger.protocol))
    # Without a choice all labelled turns are read: a ledger does not tell which choice it had.
    corpus = choose(reader, arguments.classes) if arguments.classes else widest(reader)
    manifest = corpus.prepare(arguments.data_folder, allow_partial=True)
    if lost := sorted(set(ledger.clips) - set(manifest["id"])):
        choice = " or another --classes" if arguments.classes else ""
        raise ProtocolError(
            f"{arguments.data_folder} lacks {len(lost)} clips of the ledger, such as {lost[0]}; "
            f"give the folder that it was made from{choice}"
        )
    return near_identical(manifest, list(ledger.clips))


def _show(arguments):
    """Cut a corpus by a protocol; print the ledger, or write it and say so."""
    protocol = lookup(arguments.protocol)
    protocol.check_fold(arguments.fold)
    corpus = choose(_reader(protocol), arguments.classes)
    manifest = corpus.prepare(arguments.data_folder, allow_partial=arguments.allow_partial)
    drop = arguments.drop_conflicts
    ledger = split(manifest, protocol.name, arguments.fold, arguments.seed, drop)
    if arguments.output is None:
        print(ledger.dumps(), end="")
        return 0
    path = ledger.save(arguments.output)
    sizes = ", ".join(f"{len(ids)} {side}" for side, ids in ledger.sides.items())
    print(f"{path}: {protocol.name} fold {ledger.fold} of {ledger.folds}, {sizes} clips")
    print(f"audit it with: python -m ser_lib.protocols audit {path}")
    return 0


def _reader(protocol):
    """Module that reads the corpus of a protocol."""
    # It brings in heavy libraries that `list` and `audit` do without.
    return importlib.import_module(f"ser_lib.corpora.{protocol.corpus_module}")


def _parser():
    """The command line, described for a person who meets it first through ``--help``."""
    parser = Parser(
        prog="python -m ser_lib.protocols",
        description="Named splits of speech-emotion corpora, and the audit of what they share.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the protocols there are")
    listing.set_defaults(run=_list)

    audit = commands.add_parser(
        "audit",
        help="check ledgers against their promises",
        description="Compute again, from the facts about its clips, what the sides of each ledger "
        "share, and check every promise. Needs the corpus for near-identical sound only. Exit code "
        "1 where a promise is broken, 2 where a file is no ledger.",
    )
    audit.add_argument("ledgers", nargs="+", metavar="LEDGER", help="ledger files (JSON)")
    audit.add_argument(
        "--data_folder",
        metavar="D",
        help="the corpus, to compare the sound too: which clips are near-identical to a clip of "
        "another side",
    )
    add_classes(audit, told="all that the ledger may need")
    audit.set_defaults(run=_audit)

    show = commands.add_parser(
        "show",
        help="make the ledger of one fold",
        description="Read a corpus, cut it by a protocol, and print the ledger or write it.",
    )
    show.add_argument("protocol", metavar="PROTOCOL", help="a name from `list`")
    show.add_argument("--fold", type=int, default=1, help="fold, counted from 1 (default 1)")
    show.add_argument("--seed", type=int, default=0, help="for protocols with a seed (default 0)")
    show.add_argument(
        "--data_folder",
        metavar="D",
        help="folder of the corpus; `sample` is the synthetic one",
    )
    show.add_argument("--allow_partial", action="store_true", help="take an incomplete corpus")
    add_drop_conflicts(show)
    add_classes(show)
    show.add_argument("--output", metavar="FILE", help="write the ledger here, not to the screen")
    show.set_defaults(run=_show)

    add_table(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
