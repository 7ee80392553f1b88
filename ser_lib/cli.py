"""The command line that all recipes share: a YAML, the recipe's options, any key of the YAML."""

import argparse
import errno
import sys
import textwrap
import time
from pathlib import Path

from ser_lib.errors import HparamsError, SerError, ToldElsewhere
from ser_lib.interruption import Stopped, leaving_on_sigterm, speaks_for_all
from ser_lib.peers import lost_peer
from ser_lib.plain import plain

_KEYS = """\
keys of the YAML with plain values can be overridden with --KEY VALUE, above all:
  --data_folder PATH     the corpus; 'sample' for the synthetic one
%s
  --output_folder PATH   the run's folder (default: runs/<corpus>/<protocol>/<system>/...)
  --number_of_epochs N   epochs at most
  --seed N               random seed; another seed is another run
Give the YAML together with --help to list all its keys and their values.
"""
_COLUMN = " " * 25
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_NO_NETWORK = {errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH}
# Packages whose errors are of the network, by name: to know them none need be imported.
_OF_NETWORK = {"socket", "ssl", "urllib", "requests", "huggingface_hub"}


def exit_code(job, after_interruption="start the same command again to go on"):
    """Run a command's job; whatever a person can mend ends in one line on stderr.

    Arguments
    ---------
    job : callable
        Takes nothing; what it returns does not matter.
    after_interruption : str
        What Ctrl-C is answered with.

    Returns
    -------
    int
        0 when done, 2 after an error that the person can mend, 130 when interrupted, 143 after
        SIGTERM.
    """
    try:
        with leaving_on_sigterm():
            job()
    except ToldElsewhere:
        # torchrun ends all processes as soon as one has ended, the one that is telling too.
        time.sleep(2)
        return 2
    except SerError as error:
        print(f"error: {plain(error)}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {_stray(error)}", file=sys.stderr)
        return 2
    except Stopped as stop:
        if speaks_for_all():
            saved = f"; {stop.saved}" if stop.saved else ""
            print(f"\ninterrupted{saved}; {after_interruption}", file=sys.stderr)
        return stop.exit_code
    except KeyboardInterrupt:
        if speaks_for_all():
            print(f"\ninterrupted; {after_interruption}", file=sys.stderr)
        return 130
    except RuntimeError as error:
        told = lost_peer(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        return 2
    return 0


def _stray(error):
    """An OSError that nothing else has told, in one line with what to do about it (str)."""
    reason = error.strerror or getattr(error, "reason", None) or error
    told = plain(" ".join(str(reason).split())) or type(error).__name__
    if error.filename:
        told = f"{plain(error.filename)}: {told}"
    if error.errno in _FULL:
        told = told if error.filename else f"the disk: {told}"
        what = "make room there or choose another folder"
    elif _of_network(error):
        what = "check the network"
    else:
        what = f"check that {'it exists' if error.filename else 'what it needs exists'}"
        what += " and may be read or written"
    return f"{told}; {what}, then start the same command again"


def _of_network(error):
    """Whether an OSError is of a connection (bool)."""
    packages = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    lost = isinstance(error, (ConnectionError, TimeoutError))
    return lost or error.errno in _NO_NETWORK or bool(packages & _OF_NETWORK)


def parse(corpus, argv):
    """Read a recipe's command line.

    Arguments
    ---------
    corpus : module
        Corpus module, for its name and default protocol.
    argv : list of str
        Without the program's name.

    Returns
    -------
    options : argparse.Namespace
        ``yaml``, ``protocol``, ``fold`` (int or ``"all"``), ``allow_partial``,
        ``drop_conflicts``, ``push_to_hub``, ``push_space``, ``hub_private``,
        ``help``.
    overrides : dict
        ``{YAML key: text}``, unchecked.
    parser : argparse.ArgumentParser
        To print its help.

    Raises
    ------
    HparamsError
        If an option lacks its value or a word belongs to no option.
    """
    parser = _parser(corpus)
    options, rest = parser.parse_known_args(argv)
    return options, overrides(rest), parser


def _parser(corpus):
    # With it comes what fetches; the other commands need none of that to begin.
    from ser_lib.corpora.places import default_of

    parser = Parser(
        prog=f"python recipes/{corpus.NAME}/train.py",
        usage="%(prog)s hparams/SYSTEM.yaml [options] [--KEY VALUE ...]",
        description=f"Train a system on {corpus.NAME}, report honestly and leave a model folder\n"
        "that the Transformers pipeline runs. Start the same command again to resume.",
        epilog=_KEYS % _in_column(f"(default: {default_of(corpus)})"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("yaml", nargs="?", help="the system, from here or the repository's root")
    parser.add_argument(
        "--protocol",
        default=corpus.DEFAULT_PROTOCOL,
        help="split, one of `python -m ser_lib.protocols list` (default: %(default)s)",
    )
    parser.add_argument(
        "--fold", default=1, type=fold, help="fold to test on, or 'all' (default: %(default)s)"
    )
    parser.add_argument(
        "--allow_partial", action="store_true", help="accept a corpus with clips missing"
    )
    add_drop_conflicts(parser)
    parser.add_argument("--push_to_hub", metavar="USER/NAME", help="publish the model when done")
    parser.add_argument(
        "--push_space", action="store_true", help="and a page on the Hub where it is tried"
    )
    parser.add_argument(
        "--hub_private", action="store_true", help="publish it where only you can see it"
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this and leave")
    return parser


def add_drop_conflicts(parser):
    """Add ``--drop_conflicts``, for commands that cut a corpus, to an argparse parser."""
    parser.add_argument(
        "--drop_conflicts",
        action="store_true",
        help="leave out training clips whose audio is identical to a clip with another label",
    )


def _in_column(text):
    """Text as lines of a help, where the texts of its options stand."""
    return textwrap.fill(
        text, 79, initial_indent=_COLUMN, subsequent_indent=_COLUMN, break_on_hyphens=False
    )


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are our errors, one line each; made inside :func:`exit_code`."""

    def error(self, message):
        """Raise HparamsError instead of printing usage and leaving."""
        raise HparamsError(f"{' '.join(message.split())}; see {self.prog} --help")


def number(least, most=float("inf"), kind=float):
    """Type for argparse: a number (``kind``) from ``least`` to ``most``, both allowed."""

    def convert(text):
        value = kind(text)
        if not least <= value <= most:
            among = f"from {least:g} to {most:g}" if most < float("inf") else f"{least:g} or more"
            raise argparse.ArgumentTypeError(f"{text} is not {among}")
        return value

    convert.__name__ = "whole number" if kind is int else "number"
    return convert


def fold(text):
    """Type for argparse: a fold's number (int), or ``all``."""
    if text == "all":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a fold's number nor 'all'"
        ) from error


def overrides(words):
    """``{key: text}`` (dict) of ``--KEY VALUE`` and ``--KEY=VALUE`` words (list of str).

    Raises HparamsError where a value lacks, or a word belongs to no option.
    """
    found, words = {}, list(words)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise HparamsError(f"{word!r} belongs to no option; write --KEY VALUE (see --help)")
        key, has_value, value = word[2:].partition("=")
        if not has_value:
            if not words or words[0].startswith("--"):
                raise HparamsError(f"--{key} needs a value: --{key} VALUE (see --help)")
            value = words.pop(0)
        found[key] = value
    return found


def default_folder(corpus_name, protocol, system, seed):
    """Where a run goes when nobody says: ``runs/<corpus>/<protocol>/<system>/seed-<seed>``."""
    return Path("runs") / corpus_name / protocol / system / f"seed-{seed}"
