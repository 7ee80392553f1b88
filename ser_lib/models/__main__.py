"""``python -m ser_lib.models``: the systems there are, with their size, input and source.

A system is a YAML, so this one file of the room looks beyond it.
"""

import contextlib
import hashlib
import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ser_lib.cli import Parser, exit_code, number
from ser_lib.corpora.places import cache_folder
from ser_lib.errors import RunError

_ROOT = Path(__file__).resolve().parents[2]
# What the list follows from.
_FILES = (
    *("hparams/*.yaml", "ser_lib/*.py", "ser_lib/features/*.py", "ser_lib/models/*.py"),
    *("ser_lib/pretrained/*.py", "ser_lib/training/settings.py"),
)
_LIBRARIES = ("torch", "transformers", "speechbrain", "scikit-learn", "xgboost")


def main(argv=None):
    """Print a line a system; returns 0, or 2 after an error of one line.

    Arguments
    ---------
    argv : list of str or None
        Command line without the program's name.
    """
    return exit_code(lambda: _list(argv))


def _list(argv):
    parser = Parser(prog="python -m ser_lib.models")
    parser.description = "List the systems of hparams/: what they are, parameters, input, source."
    parser.add_argument(
        "--classes", type=number(2, 1000, int), default=8, help="emotions (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    if not (_ROOT / "hparams").is_dir():
        raise RunError("there is no hparams/ beside this ser_lib; run this in the checkout")
    rows = [("system", "learned by", "parameters", "front end", "features", "source")]
    rows += _kept_rows(arguments.classes)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        print("  ".join([*cells, row[-1]]))
    names = ", ".join(sorted(path.stem for path in (_ROOT / "hparams/pretrained").glob("*.yaml")))
    print(f"\nhparams/pretrained/ ({names}): whatever the encoder is that --encoder names")


def _kept_rows(n_classes):
    """Rows of the list, which take seconds to make and are kept until a file or library changes."""
    from ser_lib.files import write_text

    kept = cache_folder() / "systems" / f"{_key(n_classes)}.json"
    try:
        return json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        rows = [list(row) for row in _rows(n_classes)]
    # Where it cannot be kept it is made anew the next time.
    with contextlib.suppress(RunError):
        write_text(kept, json.dumps(rows))
    return rows


def _key(n_classes):
    """Hash of what the list follows from."""
    digest = hashlib.sha256(f"{n_classes} classes".encode())
    for pattern in _FILES:
        for path in sorted(_ROOT.glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    for library in _LIBRARIES:
        try:
            digest.update(f"{library} {version(library)}".encode())
        except PackageNotFoundError:
            digest.update(library.encode())
    return digest.hexdigest()[:20]


def _rows(n_classes):
    from ser_lib.hparams import Hparams

    for path in sorted((_ROOT / "hparams").glob("*.yaml")):
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
    return "gradient descent", f"{parameters:,}", *heard


if __name__ == "__main__":
    sys.exit(main())
