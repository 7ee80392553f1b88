"""``python -m ser_lib.models``: the systems there are, with their size, input and source.

A system is a YAML, so this one file of the room looks beyond it.
"""

import argparse
import sys

from ser_lib.errors import SerError


def main(argv=None):
    """Print a line a system; returns 0, or 2 after an error of one line.

    Arguments
    ---------
    argv : list of str or None
        Command line without the program's name.
    """
    parser = argparse.ArgumentParser(prog="python -m ser_lib.models")
    parser.description = "List the systems of hparams/: what they are, parameters, input, source."
    parser.add_argument("--classes", type=int, default=8, help="emotions (default: %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        rows = [("system", "made by", "parameters", "front end", "features", "source")]
        rows += _rows(arguments.classes)
    except SerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        print("  ".join([*cells, row[-1]]))
    return 0


def _rows(n_classes):
    from ser_lib.hparams import ROOT, Hparams

    for path in sorted((ROOT / "hparams").glob("*.yaml")):
        hparams = Hparams(path)
        yield (path.stem, *_facts(hparams, n_classes), hparams.value("system_source") or "")


def _facts(hparams, n_classes):
    """What makes the system, its parameters, its front end and the shape of its features."""
    if hparams.kind == "ensemble":
        members = len(hparams.value("members"))
        stacked = ", stacked" if "meta" in hparams.tree else ""
        return f"{members} members{stacked}", "", "of the members", ""
    blocks = hparams.build(n_classes)
    shape = " x ".join(str(size) for size in blocks["front_end"].shape)
    heard = blocks["front_end"].registered_name, shape
    if hparams.kind == "estimator":
        return blocks["estimator"].func.__name__, "when fitted", *heard
    parameters = sum(parameter.numel() for parameter in blocks["classifier"].parameters())
    return "training", f"{parameters:,}", *heard


if __name__ == "__main__":
    sys.exit(main())
