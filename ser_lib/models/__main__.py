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
    parser = argparse.ArgumentParser(prog="python -m ser_lib.models", description=main.__doc__)
    parser.description = "List the systems of hparams/: parameters, features, source."
    parser.add_argument("--classes", type=int, default=8, help="emotions (default: %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        rows = [("system", "parameters", "front end", "features", "source"), *_rows(arguments)]
    except SerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        print("  ".join([*cells, row[4]]))
    return 0


def _rows(arguments):
    from ser_lib.hparams import ROOT, Hparams

    for path in sorted((ROOT / "hparams").glob("*.yaml")):
        hparams = Hparams(path)
        blocks = hparams.build(arguments.classes)
        parameters = sum(p.numel() for p in blocks["classifier"].parameters())
        front_end = blocks["front_end"]
        shape = " x ".join(str(size) for size in front_end.shape)
        yield (
            path.stem,
            f"{parameters:,}",
            front_end.registered_name,
            shape,
            hparams.value("system_source") or "",
        )


if __name__ == "__main__":
    sys.exit(main())
