"""One system and one corpus under five rules, four of which leak.

Data-Science-kosta's parallel CNN-Transformer was published with 96.78 %. Here it is trained on
RAVDESS with the same data, seed, settings and epochs each time; what differs is told in
`leak_rules.py`. Two rules, one choosing the epoch on test and the clean one, read one training.

Nothing of this is a way to train a model, so no model is kept: only what each epoch answers on the
test items, from which `leak_page.py` and `leak_figure.py` make the table and the figure.
"""

import logging
import sys
from pathlib import Path

from ser_lib.cli import exit_code
from ser_lib.hparams import ROOT
from ser_lib.sweep.leak_rules import FOLDER, TRAININGS, YAML
from ser_lib.use.command import Parser

logger = logging.getLogger(__name__)

_EPILOG = f"""\
Trainings, each resumed where it was left: {", ".join(TRAININGS)}.
Then python -m ser_lib.sweep.tables draws the figure.
"""


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line); returns exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    return exit_code(lambda: _main(words)) or 0


def _main(words):
    parser = Parser("leak", description=__doc__, epilog=_EPILOG)
    parser.prog = "python -m ser_lib.sweep.leak"
    folder = {"type": Path, "metavar": "FOLDER"}
    parser.add_argument("--data_folder", required=True, metavar="FOLDER", help="RAVDESS")
    parser.add_argument(
        "--work",
        default=Path("runs/leak"),
        help="for features (1.2 GiB) and checkpoints (default: runs/leak)",
        **folder,
    )
    parser.add_argument(
        "--results",
        default=ROOT / "results",
        help="folder of results (default: the repository's)",
        **folder,
    )
    parser.add_argument(
        "--only", nargs="+", choices=TRAININGS, metavar="TRAINING", help="not all trainings"
    )
    parser.add_argument("--number_of_epochs", default="30", help="of each training (default: 30)")
    parser.add_argument("--mixed_precision", default="no", help="no, bf16 or fp16 (default: no)")
    parser.add_argument("--allow_partial", action="store_true", help="clips may be missing")
    options = parser.parse_args(words)
    # Heavy libraries load from here on, which --help need not wait for.
    from ser_lib.corpora import ravdess
    from ser_lib.hparams import Hparams
    from ser_lib.logs import log_to_console
    from ser_lib.sweep.leak_training import train

    log_to_console(logging.INFO)
    changes = {key: getattr(options, key) for key in ("number_of_epochs", "mixed_precision")}
    changes["patience"] = "0"  # all trainings are as long
    hparams = Hparams(ROOT / YAML, changes)
    manifest = ravdess.prepare(options.data_folder, allow_partial=options.allow_partial)
    for name in options.only or TRAININGS:
        logger.info("training: %s", name)
        train(name, hparams, manifest, options.work, options.results / FOLDER)


if __name__ == "__main__":
    sys.exit(main())
