"""``python -m ser_lib.cross_corpus``: train a system on each corpus and test it on every one.

Labels go through :mod:`ser_lib.corpora.label_map` to the four emotions that the corpora share. Each
corpus trains one model on the training side of its default, speaker-independent protocol (fold 1);
on its own corpus it is tested on that protocol's test side, on all others on every clip they have.
IEMOCAP's excited turns count as happy, as the map says; ``--classes source4`` leaves them out.
"""

import argparse
import logging
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

from ser_lib.cli import Parser, add_drop_conflicts, exit_code, overrides
from ser_lib.corpora.choice import add_classes, choose
from ser_lib.errors import CorpusError, HparamsError
from ser_lib.logs import log_to_console

logger = logging.getLogger("ser_lib.cross_corpus")

# The label map counts excited as happy, so the manifest has to hold the excited.
_CLASSES = "merged4"

_EPILOG = """\
examples:
  python -m ser_lib.cross_corpus hparams/mfcc_cnn.yaml --data_folder sample
  python -m ser_lib.cross_corpus hparams/acoustic_vote.yaml --corpora RAVDESS EMO-DB \\
      --data_folder /data --num_workers 4

Start the same command again to go on after an interruption.
"""


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line).

    Returns
    -------
    int
        0 when done, 2 after an error that the person can mend (one line on stderr), 130 when
        interrupted.
    """
    return exit_code(lambda: _main(argv))


def _main(argv):
    options, rest = _parser().parse_known_args(argv)
    _run(options, overrides(rest))


def _parser():
    parser = Parser(
        prog="python -m ser_lib.cross_corpus",
        usage="%(prog)s hparams/SYSTEM.yaml [options] [--KEY VALUE ...]",
        description="Train a system on each of several corpora and test it on all of them, on the "
        "emotions angry,\nhappy, neutral and sad: a table of UA, trained on by tested on.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("yaml", help="the system, from here or the repository's root")
    parser.add_argument(
        "--corpora",
        nargs="+",
        metavar="NAME",
        default=["RAVDESS", "EMO-DB", "CREMA-D", "TESS"],
        help="two or more corpora (default: %(default)s)",
    )
    parser.add_argument(
        "--data_folder",
        help="folder that holds one folder a corpus; 'sample' for the synthetic ones (default: "
        "$SER_DATA, else fetched if possible)",
    )
    add_classes(parser, told=_CLASSES)
    parser.add_argument(
        "--output_folder", help="default: runs/cross-corpus/<system>/seed-<seed>", type=Path
    )
    parser.add_argument(
        "--allow_partial", action="store_true", help="accept corpora with clips missing"
    )
    add_drop_conflicts(parser)
    return parser


def _run(options, values):
    # From here on heavy libraries load, which --help alone should not wait for.
    from ser_lib.experiments import experiment
    from ser_lib.hparams import Hparams, systems_of
    from ser_lib.pretrained.heard import encoders
    from ser_lib.pretrained.start import start_of
    from ser_lib.protocols import split
    from ser_lib.recipe import make_folder
    from ser_lib.training.accelerator import make_accelerator

    hparams = Hparams(options.yaml, values)
    if len(set(options.corpora)) < max(2, len(options.corpora)):
        raise HparamsError(f"--corpora {' '.join(options.corpora)}: name two or more, each once")
    log_to_console(logging.INFO)
    modules = _modules(options)
    # The first is the system itself; the others are an ensemble's members.
    started = [start_of(system) for system in systems_of(hparams)][0]
    corpora = [_four(module, options) for module in modules]
    again = _command(options, hparams, corpora, started)
    seed = hparams.settings.seed
    folder = options.output_folder or Path("runs", "cross-corpus", hparams.system, f"seed-{seed}")
    cells = []
    for corpus in corpora:
        corpus.COMMAND = again
        rule, drop = corpus.DEFAULT_PROTOCOL, options.drop_conflicts
        ledger = split(corpus.manifest, rule, 1, seed, drop)
        inside = folder / f"trained-on-{corpus.NAME}"
        make_folder(inside)
        logger.info("training on %s", corpus.NAME)
        run = experiment(corpus, hparams, corpus.manifest, ledger, inside, options.allow_partial)
        result = run.run()
        accelerator = make_accelerator(hparams.settings, inside)
        for other in corpora:
            cells.append(_cell(corpus, other, result, accelerator, hparams.settings))
    _write(folder, hparams, corpora, cells, encoders(result.metrics["run"]))


def _modules(options):
    """The corpora that are asked for, one with a choice of classes as it is chosen (list)."""
    from ser_lib.corpora.known import by_name
    from ser_lib.corpora.label_map import FOUR, labels_within

    modules = [by_name(name) for name in options.corpora]
    for module in modules:
        # Before the others are read, which takes minutes.
        labels_within(module.NAME, FOUR)
    if options.classes and not any(hasattr(module, "variant") for module in modules):
        choose(modules[0], options.classes)
    return [
        choose(module, options.classes or _CLASSES) if hasattr(module, "variant") else module
        for module in modules
    ]


def _four(module, options):
    """A corpus as its recipe sees it, reduced to the four common emotions."""
    from ser_lib.corpora.label_map import FOUR, labels_within

    data = options.data_folder
    if data not in (None, "sample"):
        data = Path(data) / module.NAME
    manifest = module.prepare(data, options.allow_partial)
    known = labels_within(module.NAME, FOUR)
    keep = [place for place, label in enumerate(manifest["emotion"]) if label in known]
    if not keep:
        raise CorpusError(f"{module.NAME} has no clip of {', '.join(FOUR)}; leave it out")
    manifest = manifest.select(keep)
    common = [known[label] for label in manifest["emotion"]]
    manifest = manifest.remove_columns("emotion").add_column("emotion", common)
    facts = ("NAME", "LANGUAGE", "LICENCE", "CITATION", "DEFAULT_PROTOCOL")
    return SimpleNamespace(
        **{key: getattr(module, key) for key in facts}, EMOTIONS=FOUR, manifest=manifest
    )


def _cell(corpus, other, result, accelerator, settings):
    """UA of the system trained on ``corpus``, tested on ``other``."""
    from ser_lib.evaluation.scorecard import scorecard
    from ser_lib.pretrained.heard import encoders, shared_with
    from ser_lib.scoring import predict

    table = result.predictions
    if other is not corpus:
        logger.info("  testing on %s", other.NAME)
        ids = other.manifest["id"]
        table = predict(
            result.model,
            other.manifest,
            ids,
            1,
            accelerator,
            settings.batch_size,
            settings.num_workers,
        )
    card = scorecard(table, list(corpus.EMOTIONS))
    ua = card["metrics"]["ua"]
    told, tested = encoders(result.metrics["run"]), sorted(set(other.manifest["corpus"]))
    return {
        "train": corpus.NAME,
        "test": other.NAME,
        "heard": any(shared_with(encoder, tested) for encoder in told),
        "ua": ua["value"],
        "low": ua["low"],
        "high": ua["high"],
        "clips": card["clips"],
        "speakers": card["interval"]["speakers"],
        "classes": sum(row["support"] > 0 for row in card["per_class"].values()),
    }


def _command(options, hparams, corpora, started=None):
    """The command that gives the matrix again, without the folders of this machine (str)."""
    from ser_lib.run_facts import option_words, yaml_word

    words = ["python", "-m", "ser_lib.cross_corpus", yaml_word(hparams), "--corpora"]
    words += [corpus.NAME for corpus in corpora]
    if options.data_folder:
        words += ["--data_folder", "sample" if options.data_folder == "sample" else "PATH/TO/DATA"]
    if options.classes:
        words += ["--classes", options.classes]
    words += option_words(hparams, started)
    words += ["--drop_conflicts"] * options.drop_conflicts
    return shlex.join(words + ["--allow_partial"] * options.allow_partial)


def _write(folder, hparams, corpora, cells, encoders):
    from ser_lib.corpora.manifest import is_synthetic
    from ser_lib.evaluation.matrix import write_matrix
    from ser_lib.pretrained.heard import sentence

    rules = ", ".join(f"{corpus.NAME} {corpus.DEFAULT_PROTOCOL}" for corpus in corpora)
    lacking = [
        f"{corpus.NAME} has clips of {', '.join(sorted(set(corpus.manifest['emotion'])))} only; a "
        "UA on it is over these, and a system trained on it knows no other."
        for corpus in corpora
        if len(set(corpus.manifest["emotion"])) < len(corpus.EMOTIONS)
    ]
    title = f"{hparams.title} across corpora"
    facts = {
        "title": title,
        "system": hparams.system,
        "seed": hparams.settings.seed,
        "corpora": [corpus.NAME for corpus in corpora],
        "classes": list(corpora[0].EMOTIONS),
        "command": corpora[0].COMMAND,
        "synthetic": any(is_synthetic(corpus.manifest) for corpus in corpora),
        "notes": [f"Protocols, fold 1 of each: {rules}.", *lacking, *map(sentence, encoders)],
    }
    write_matrix(folder, facts, cells)
    logger.info("matrix: %s", folder / "matrix.md")


if __name__ == "__main__":
    sys.exit(main())
