"""``python -m ser_lib``: what people do with a trained model, one word a job."""

import importlib
import sys

from ser_lib.errors import HparamsError

#: Word, module (its ``main(argv)`` returns the exit code), and what it is for.
COMMANDS = {
    "predict": ("ser_lib.use.predict", "name the emotion of sounds, also over time"),
    "evaluate": ("ser_lib.use.evaluate", "score any model on the test side of a protocol"),
    "compare": ("ser_lib.use.compare", "tell whether one run is better than another"),
    "export": ("ser_lib.use.export", "write a model as ONNX, for use without PyTorch"),
    "demo": ("ser_lib.use.demo", "try a model in the browser"),
}
_HELP = """\
usage: python -m ser_lib COMMAND ...

With a model folder that a recipe left, or an audio classifier of the Hub:

{commands}

`python -m ser_lib COMMAND --help` tells more. Training: python recipes/RAVDESS/train.py --help;
splits: python -m ser_lib.protocols --help; systems: python -m ser_lib.models.
"""


def main(argv=None):
    """Run one command.

    Arguments
    ---------
    argv : list of str or None
        Command line without the program's name; None takes ``sys.argv``.

    Returns
    -------
    int
        0 when done, 2 after an error that the person can mend, 130 when interrupted, and what
        else the command says of itself.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(help_text(), end="", file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] not in COMMANDS:
        error = HparamsError(
            f"there is no command {words[0]!r}; choose one of {', '.join(COMMANDS)} (see --help)"
        )
        print(f"error: {error}", file=sys.stderr)
        return 2
    # Only now, so that help needs no heavy library.
    try:
        return importlib.import_module(COMMANDS[words[0]][0]).main(words[1:])
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def help_text():
    """Help of the whole (str)."""
    rows = (f"  {word:10}{told}" for word, (_, told) in COMMANDS.items())
    return _HELP.format(commands="\n".join(rows))


if __name__ == "__main__":
    sys.exit(main())
