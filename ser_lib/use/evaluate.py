"""``python -m ser_lib evaluate``: score any model on the test side of a protocol.

The model may be one of ours or any audio classifier that Transformers knows. Its classes are
matched to the corpus's emotions (:mod:`ser_lib.use.label_match`); classes that the corpus lacks
are left out and their probability is shared out; a corpus with emotions that the model lacks is
refused, unless ``--shared_only`` says to score the others. Where the model tells what it was
trained on, test clips and speakers that it has met there are counted and said first; of models
made elsewhere, :mod:`ser_lib.pretrained.heard_table` tells the corpora.

Exit codes: 0 done, 2 an error that the person can mend, 130 interrupted.
"""

import logging
import sys
from pathlib import Path

from ser_lib.cli import add_drop_conflicts, fold, number
from ser_lib.corpora.choice import add_classes
from ser_lib.errors import HparamsError, RunError
from ser_lib.hub.model_folder import model_of
from ser_lib.use.command import Parser, load_quietly, run

logger = logging.getLogger("ser_lib.use.evaluate")

_EPILOG = """\
examples:
  python -m ser_lib evaluate runs/.../model --recipe RAVDESS --data_folder sample
  python -m ser_lib evaluate runs/.../model --recipe EMO-DB --shared_only
  python -m ser_lib evaluate superb/wav2vec2-base-superb-er --recipe IEMOCAP --fold 5 \\
      --labels "ang=angry,hap=happy,neu=neutral,sad=sad" --shared_only
"""


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line); returns exit code."""
    return run(lambda: _main(sys.argv[1:] if argv is None else list(argv)))


def _parser():
    parser = Parser(
        "evaluate",
        description="Score a model on the test side of a protocol: report, metrics, predictions.",
        epilog=_EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", help="model folder, run folder or Hub id")
    parser.add_argument("--revision", help="branch, tag or commit on the Hub (default: the newest)")
    parser.add_argument("--recipe", required=True, metavar="CORPUS", help="RAVDESS, EMO-DB, ...")
    parser.add_argument(
        "--protocol", help="one of `python -m ser_lib.protocols list` (default: the corpus's)"
    )
    parser.add_argument(
        "--fold", type=fold, default=1, help="a number, or 'all' (default: %(default)s)"
    )
    parser.add_argument("--data_folder", help="the corpus, as in its recipe; 'sample' too")
    parser.add_argument(
        "--labels", metavar='"CLASS=EMOTION,..."', help="which class of the model is which emotion"
    )
    parser.add_argument(
        "--shared_only", action="store_true", help="leave out clips of emotions the model lacks"
    )
    parser.add_argument(
        "--output_folder",
        type=Path,
        help="default: runs/evaluated/<model>/<corpus>/<protocol>/fold-<n>",
    )
    parser.add_argument(
        "--allow_partial", action="store_true", help="accept a corpus with clips missing"
    )
    add_drop_conflicts(parser)
    add_classes(parser)
    parser.add_argument(
        "--seed",
        type=number(0, kind=int),
        help="of the cut, where the protocol has one (default: that of the model's training, or 0)",
    )
    parser.add_argument(
        "--batch_size", type=number(1, kind=int), default=16, help="(default: %(default)s)"
    )
    return parser


def _main(argv):
    options = _parser().parse_args(argv)
    # Heavy libraries load from here on, which --help need not wait for.
    from ser_lib.corpora.choice import choose
    from ser_lib.corpora.known import by_name
    from ser_lib.evaluation.folds import write_fold_report
    from ser_lib.logs import log_to_console
    from ser_lib.protocols import lookup, split
    from ser_lib.recipe import make_folder
    from ser_lib.use.batches import labels
    from ser_lib.use.label_match import match, read_told

    corpus, told = choose(by_name(options.recipe), options.classes), read_told(options.labels)
    rule = lookup(options.protocol or corpus.DEFAULT_PROTOCOL)
    every = options.fold == "all"
    folds = range(1, rule.folds + 1) if every else [options.fold]
    rule.check_request(corpus.NAME, folds)
    folder = options.output_folder or _default_folder(options, rule.name)
    make_folder(folder)
    _check_folder(folder)
    classify = load_quietly(options.model, options.revision)
    log_to_console(logging.INFO)
    manifest = corpus.prepare(options.data_folder, options.allow_partial)
    if options.seed is None:
        options.seed = _own_seed(classify, rule)
    seed, drop = options.seed, options.drop_conflicts
    ledgers = [split(manifest, rule.name, fold, seed, drop) for fold in folds]
    matched = match(labels(classify), list(corpus.EMOTIONS), ledgers[0].corpus.split("+"), told)
    if matched.unknown and not options.shared_only:
        raise HparamsError(
            f"the model has no class for {', '.join(matched.unknown)}; say which one it is with "
            "--labels, or score only the others with --shared_only"
        )
    results = []
    for ledger in ledgers:
        inner = folder / f"fold-{ledger.fold}" if every else folder
        results.append(_score(options, corpus, classify, manifest, ledger, matched, inner))
    if every:
        whole = write_fold_report(folder, *map(list, zip(*results, strict=True)))
        whole["run"]["training"] = _joined([metrics for metrics, _ in results])
        _write_text(folder, whole)
    logger.info("report: %s", folder / "report.md")


def _own_seed(classify, rule):
    """Seed of the cut that the model was trained on, where that is by the same rule, else 0."""
    from ser_lib.use.training_side import split_seed

    provenance = getattr(classify.model.config, "provenance", None) or {}
    return (split_seed(provenance) if provenance.get("protocol") == rule.name else None) or 0


def _default_folder(options, protocol):
    path = Path(model_of(options.model))
    parts = [part for part in path.resolve().parts[1:] if part != "model"]
    if not path.exists():
        parts = path.parts
    elif "runs" in parts:
        # Corpus, protocol, system, seed and fold of a run here.
        parts = parts[parts.index("runs") + 1 :]
    else:
        parts = parts[-4:]
    sample = "-synthetic" if options.data_folder == "sample" else ""
    folder = Path("runs", "evaluated", "-".join(parts), options.recipe + sample, protocol)
    return folder if options.fold == "all" else folder / f"fold-{options.fold}"


def _check_folder(folder):
    """RunError where the folder holds what this would overwrite and no evaluation has made."""
    for one in (folder, *sorted(folder.glob("fold-*"))):
        held, metrics = None, one / "metrics.json"
        if any((one / name).exists() for name in ("checkpoints", "hyperparams.yaml", "model")):
            held = "a training run"
        elif metrics.exists() and not _is_an_evaluation(metrics):
            held = "the report of another command"
        if held:
            raise RunError(f"{one} holds {held}; choose another --output_folder")


def _is_an_evaluation(path):
    from ser_lib.evaluation.tables import read_metrics

    try:
        return bool(read_metrics(path)["run"].get("evaluated"))
    except RunError:
        return False


def _score(options, corpus, classify, manifest, ledger, matched, folder):
    """Metrics (dict) and predictions (DataFrame) of one fold, whose report is written."""
    from ser_lib.evaluation.report import write_report
    from ser_lib.use.evaluate_clips import evaluate_clips
    from ser_lib.use.evaluate_facts import evaluation_facts, published
    from ser_lib.use.training_side import training_side

    source = Path(model_of(options.model))
    local = source if source.is_dir() else None
    provenance = getattr(classify.model.config, "provenance", None) or {}
    ids = [name for name in ledger.test if ledger.clips[name].emotion in matched.emotions]
    table = evaluate_clips(classify, local, manifest, ids, ledger.fold, matched, options.batch_size)
    heard = published(options.model, classify)
    training = training_side(ledger, provenance, manifest, local, heard)
    facts = evaluation_facts(options, corpus, classify, ledger, matched, training, len(ids))
    metrics = write_report(folder, facts, table)
    ledger.save(folder / "ledger.json")
    _write_text(folder, metrics)
    for text in training.warnings:
        logger.warning("warning: %s", text)
    logger.info(
        "fold %d%s: UA %.1f%%, WA %.1f%%, macro-F1 %.1f%% over %d clips",
        ledger.fold,
        " (synthetic voices)" if facts["synthetic"] else "",
        *(100 * metrics["metrics"][key]["value"] for key in ("ua", "wa", "macro_f1")),
        len(table),
    )
    return metrics, table


def _write_text(folder, metrics):
    """Replace the report of a training by that of an evaluation."""
    from ser_lib.files import write_text
    from ser_lib.use.evaluation_text import evaluation_text

    drawn = {path.stem for path in (folder / "figures").glob("*.png")}
    write_text(folder / "report.md", evaluation_text(metrics, drawn))


def _joined(folds):
    """What is known of a model's training over several folds."""
    found = [(one["run"]["fold"], one["run"]["training"]) for one in folds]
    several = {text: [] for _, training in found for text in training["warnings"]}
    for tested, training in found:
        for text in training["warnings"]:
            several[text].append(tested)
    warnings = [
        text if len(where) == len(found) else f"Fold {', '.join(map(str, where))}: {text}"
        for text, where in several.items()
    ]
    return {"known": all(training["known"] for _, training in found), "warnings": warnings}


if __name__ == "__main__":
    sys.exit(main())
