"""``python -m ser_lib.text``: train the text model on one fold, and fuse it with audio runs.

The main job of this room, so this one file of it looks beyond it.
"""

import argparse
import logging
import shlex
import sys
from pathlib import Path

from ser_lib.cli import Parser, add_drop_conflicts, exit_code
from ser_lib.corpora.choice import add_classes
from ser_lib.errors import RunError

logger = logging.getLogger("ser_lib.text")

EXAMPLES = """\
examples:
  python -m ser_lib.text RAVDESS --data_folder sample
  python -m ser_lib.text RAVDESS --protocol ravdess-si6 --fold 2 \\
      --fuse runs/RAVDESS/ravdess-si6/cnn_transformer/seed-1986/fold-2

The run folder holds report.md, metrics.json, predictions.csv, figures/, ledger.json, log.txt and
model/ (no pickle; ser_lib.text.tfidf.TextModel.load reads it). With --fuse it also holds
fused-with-<system>/, the report on the mean of the class probabilities; several runs make one
mean with the text model. Exit codes: 0 done, 2 something is missing or wrong (one line).
"""


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line).

    Returns
    -------
    int
        0 when done, 2 after an error that the person can mend (one line on stderr), 130 when
        interrupted.
    """
    return exit_code(lambda: _run(_parser().parse_args(argv)), "start the same command again")


def _parser():
    parser = Parser(
        prog="python -m ser_lib.text",
        description="Train a text model on a corpus's transcripts, under the ledger that the audio "
        "systems use,\nreport honestly, and fuse it with finished audio runs if wanted.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("corpus", metavar="CORPUS", help="a corpus with transcripts, e.g. RAVDESS")
    parser.add_argument(
        "--data_folder", help="the corpus; 'sample' for the corpus's synthetic double"
    )
    parser.add_argument(
        "--protocol",
        help="split, one of `python -m ser_lib.protocols list` (default: the corpus's)",
    )
    parser.add_argument(
        "--fold", type=int, default=1, help="fold to test on (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1986,
        help="seed of the split, where its rule has one; the fit draws nothing "
        "(default: %(default)s, as in hparams/)",
    )
    parser.add_argument(
        "--output_folder",
        help="the run's folder (default: runs/<corpus>/<protocol>/text_tfidf/...)",
    )
    parser.add_argument(
        "--allow_partial", action="store_true", help="accept a corpus with clips missing"
    )
    add_drop_conflicts(parser)
    add_classes(parser)
    parser.add_argument(
        "--fuse",
        nargs="+",
        default=[],
        metavar="RUN_FOLDER",
        help="finished runs of one fold, with the same ledger (CORPUS comes before this)",
    )
    return parser


def _run(options):
    # Heavy libraries load from here on; --help need not wait for them.
    from ser_lib.cli import default_folder
    from ser_lib.corpora.choice import choose
    from ser_lib.corpora.known import by_name
    from ser_lib.evaluation.fusion import read_member
    from ser_lib.logs import log_to_console, log_to_file
    from ser_lib.protocols import lookup, split
    from ser_lib.recipe import make_folder, with_option
    from ser_lib.run_facts import corpus_name
    from ser_lib.text.run import SYSTEM, train, transcribed_clips

    corpus = choose(by_name(options.corpus), options.classes)
    rule = lookup(options.protocol or corpus.DEFAULT_PROTOCOL)
    rule.check_request(corpus.NAME, [options.fold])
    log_to_console(logging.INFO)
    manifest = corpus.prepare(options.data_folder, options.allow_partial)
    ledger = split(manifest, rule.name, options.fold, options.seed, options.drop_conflicts)
    if options.drop_conflicts:
        corpus = with_option(corpus, "--drop_conflicts")
    folder = Path(
        options.output_folder
        or default_folder(corpus_name(corpus, ledger), rule.name, SYSTEM, options.seed)
        / f"fold-{ledger.fold}"
    )
    _check_folder(folder, ledger, options.seed)
    if len({Path(run).resolve() for run in options.fuse}) < len(options.fuse):
        raise RunError("--fuse names a folder twice, which would count it twice; name it once")
    members = [read_member(run, ledger) for run in options.fuse]
    for run, member in zip(options.fuse, members, strict=True):
        if SYSTEM in member.run["system"].split("+"):
            raise RunError(f"{run} holds a run of the text model already; fuse audio runs with it")
    clips = transcribed_clips(manifest, ledger)
    make_folder(folder)
    with log_to_file(folder / "log.txt"):
        ledger.save(folder / "ledger.json")
        text = train(corpus, options, manifest, ledger, clips, folder)
        if members:
            _fuse(corpus, options, ledger, [text, *members], folder)


def _check_folder(folder, ledger, seed):
    """RunError where the folder holds another run, which this one would overwrite."""
    from ser_lib.evaluation.tables import read_metrics
    from ser_lib.text.run import SYSTEM

    held = None
    if any((folder / name).exists() for name in ("checkpoints", "hyperparams.yaml")):
        held = "an audio run"
    elif any(folder.glob("fold-*")):
        held = "the runs of several folds"
    elif (folder / "metrics.json").exists():
        run = read_metrics(folder / "metrics.json")["run"]
        if (run["system"], run["ledger_sha256"], run["seed"]) != (SYSTEM, ledger.sha256, seed):
            held = f"a run of {run['system']} ({run['protocol']} fold {run['fold']}, "
            held += f"seed {run['seed']})"
    if held:
        raise RunError(f"{folder} holds {held}; choose another --output_folder")


def _fuse(corpus, options, ledger, members, folder):
    from ser_lib.evaluation.fusion import fused_name, write_fused
    from ser_lib.text.run import command, say

    target = folder / f"fused-with-{fused_name(members[1:])}"
    places = [f"PATH/TO/{member.run['system']}" for member in members[1:]]
    again = f"{command(corpus, options, ledger)} --fuse {shlex.join(places)}"
    metrics = write_fused(target, members, again)
    say("fused", members[0].run, metrics, target)


if __name__ == "__main__":
    sys.exit(main())
