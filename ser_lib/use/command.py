"""What the commands for trained models share: options, exit codes, the way to a model."""

import argparse
import os
import sys

from ser_lib import cli
from ser_lib.cli import exit_code


class Parser(cli.Parser):
    """The parser of a command ``python -m ser_lib WORD``."""

    def __init__(self, word, **options):
        super().__init__(
            prog=f"python -m ser_lib {word}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **options,
        )


def run(job):
    """Run a command's job.

    Arguments
    ---------
    job : callable
        Takes nothing, returns the exit code or None.

    Returns
    -------
    int
        What the job returns; 2 after an error that the person can mend (one line on stderr), 130
        when interrupted, 0 where whoever reads standard output has heard enough (``| head``).
    """
    codes = []

    def once():
        try:
            codes.append(job() or 0)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes standard output once more at its end, which must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            codes.append(0)

    return exit_code(once, "what is printed is right") or codes[0]


def load_quietly(source, revision=None):
    """:func:`ser_lib.load` without progress bars of a second and remarks for developers."""
    from transformers.utils import logging

    from ser_lib.hub.pipeline import load

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    return load(source, revision=revision)
