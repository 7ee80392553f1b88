"""``python -m ser_lib.text``: train the text model on one fold, and fuse it with audio runs.

The main job of this room, so this one file of it looks beyond it.
"""

import argparse
import datetime
import importlib
import logging
import pkgutil
import shlex
import sys
import time
from collections import defaultdict
from pathlib import Path

from ser_lib.errors import CorpusError, HparamsError, RunError, SerError

logger = logging.getLogger("ser_lib.text")

SYSTEM = "text_tfidf"
TITLE = "Text model (TF-IDF, logistic regression)"
SOURCE = (
    "text prepared as in https://github.com/ShaheenPerveen/speech-emotion-recognition-iemocap, "
    "which trains no text model"
)
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
    try:
        _run(_parser().parse_args(argv))
    except SerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"error: {error.filename or 'the disk'}: {error.strerror or error}; make room there or "
            "choose another --output_folder, then start the same command again",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; start the same command again", file=sys.stderr)
        return 130
    return 0


class _Parser(argparse.ArgumentParser):
    """argparse that raises our error instead of printing usage and leaving."""

    def error(self, message):
        raise HparamsError(f"{message}; see --help")


def _parser():
    parser = _Parser(
        prog="python -m ser_lib.text",
        description="Train a text model on a corpus's transcripts, under the ledger that the audio "
        "systems use,\nreport honestly, and fuse it with finished audio runs if wanted.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("corpus", metavar="CORPUS", help="a corpus with transcripts, e.g. RAVDESS")
    parser.add_argument("--data_folder", help="the corpus; 'sample' for the synthetic RAVDESS")
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
    from ser_lib.evaluation.fusion import read_member
    from ser_lib.logs import log_to_console, log_to_file
    from ser_lib.protocols import lookup, split
    from ser_lib.recipe import make_folder

    corpus = _corpus(options.corpus)
    rule = lookup(options.protocol or corpus.DEFAULT_PROTOCOL)
    log_to_console(logging.INFO)
    manifest = corpus.prepare(options.data_folder, options.allow_partial)
    ledger = split(manifest, rule.name, options.fold, options.seed)
    folder = Path(
        options.output_folder
        or default_folder(ledger.corpus, rule.name, SYSTEM, options.seed) / f"fold-{ledger.fold}"
    )
    _check_folder(folder, ledger, options.seed)
    if len({Path(run).resolve() for run in options.fuse}) < len(options.fuse):
        raise RunError("--fuse names a folder twice, which would count it twice; name it once")
    members = [read_member(run, ledger) for run in options.fuse]
    for run, member in zip(options.fuse, members, strict=True):
        if SYSTEM in member.run["system"].split("+"):
            raise RunError(f"{run} holds a run of the text model already; fuse audio runs with it")
    clips = _clips(manifest, ledger)
    make_folder(folder)
    with log_to_file(folder / "log.txt"):
        ledger.save(folder / "ledger.json")
        text = _train(corpus, options, manifest, ledger, clips, folder)
        if members:
            _fuse(corpus, options, ledger, [text, *members], folder)


def _corpus(name):
    """The corpus module whose NAME is ``name``, in capitals or not; HparamsError otherwise."""
    import ser_lib.corpora as room

    modules = (
        importlib.import_module(f"{room.__name__}.{module.name}")
        for module in pkgutil.iter_modules(room.__path__)
    )
    known = {module.NAME: module for module in modules if hasattr(module, "NAME")}
    for told, module in known.items():
        if told.casefold() == name.casefold():
            return module
    raise HparamsError(f"no corpus is called {name!r}; there are: {', '.join(sorted(known))}")


def _check_folder(folder, ledger, seed):
    """RunError where the folder holds another run, which this one would overwrite."""
    from ser_lib.evaluation.tables import read_metrics

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


def _clips(manifest, ledger):
    """Rows of the ledger's clips by id; CorpusError where none has a transcript."""
    names = ("id", "speaker", "gender", "intensity", "statement", "corpus", "emotion", "transcript")
    if absent := [name for name in names if name not in manifest.column_names]:
        raise CorpusError(f"the manifest of {ledger.corpus} has no column {absent[0]}")
    rows = ({key: row[key] or "" for key in names} for row in manifest.select_columns([*names]))
    clips = {row["id"]: row for row in rows if row["id"] in ledger.clips}
    if not any(row["transcript"].strip() for row in clips.values()):
        raise CorpusError(
            f"{ledger.corpus}: no clip has a transcript, so there is nothing for a text model to "
            "read; choose a corpus with transcripts"
        )
    return clips


def _train(corpus, options, manifest, ledger, clips, folder):
    """Fit on train, save, score the saved model on test, report; the Member to fuse."""
    from ser_lib.corpora.manifest import is_synthetic
    from ser_lib.evaluation.fusion import Member
    from ser_lib.evaluation.report import write_report
    from ser_lib.run_facts import licence
    from ser_lib.text.tfidf import TextModel

    classes = list(corpus.EMOTIONS)
    start = time.perf_counter()
    train = [clips[name] for name in ledger.train]
    model = TextModel.fit(
        [row["transcript"] for row in train], [row["emotion"] for row in train], classes
    )
    seconds = time.perf_counter() - start
    provenance = {
        "protocol": ledger.protocol,
        "fold": ledger.fold,
        "ledger_sha256": ledger.sha256,
        "corpora": [ledger.corpus],
        "synthetic": is_synthetic(manifest),
        "licence": licence(corpus, ledger.corpus),
    }
    # What is scored is what is saved, not what happens to be in memory.
    model = TextModel.load(model.save(folder / "model", provenance))
    predictions = _predict(model, ledger, clips)
    run = _facts(corpus, options, ledger, clips, model, seconds)
    metrics = write_report(folder, run, predictions)
    _say("text", run, metrics, folder)
    if _shared_by_all(_words(clips), clips):
        logger.info("every transcript is spoken in every class: chance is what words can give here")
    return Member(run, predictions)


def _predict(model, ledger, clips):
    """The table of predictions of the test side (see :mod:`ser_lib.evaluation.predictions`)."""
    import pandas as pd

    test = [clips[name] for name in ledger.test]
    shares = model.probabilities([row["transcript"] for row in test])
    rows = []
    for row, values in zip(test, shares.tolist(), strict=True):
        predicted = model.classes[values.index(max(values))]
        facts = {key: value for key, value in row.items() if key not in ("emotion", "transcript")}
        rows.append(
            {
                **facts,
                "fold": ledger.fold,
                "emotion": row["emotion"],
                "predicted": predicted,
                "correct": predicted == row["emotion"],
                **{f"p_{name}": value for name, value in zip(model.classes, values, strict=True)},
            }
        )
    return pd.DataFrame(rows)


def _facts(corpus, options, ledger, clips, model, seconds):
    """The facts of the run, under the names that an audio run gives them."""
    from importlib.metadata import version

    from ser_lib.run_facts import licence, versions

    return {
        "system": SYSTEM,
        "system_title": TITLE,
        "system_source": SOURCE,
        "corpus": ledger.corpus,
        "synthetic": ledger.corpus.endswith("-synthetic"),
        "classes": model.classes,
        "protocol": ledger.protocol,
        "protocol_description": ledger.description,
        "protocol_notes": [*ledger.notes, *_notes(ledger, clips)],
        "fold": ledger.fold,
        "folds": ledger.folds,
        "seed": options.seed,
        "ledger_sha256": ledger.sha256,
        "shared": ledger.shared,
        "sizes": {side: len(ids) for side, ids in ledger.sides.items()},
        "augmented_copies": 0,
        "parameters": model.parameters,
        **dict.fromkeys(("epochs_run", "epochs_asked", "best_epoch")),
        "stopped_early": False,
        "train_seconds": round(seconds, 1),
        "mixed_precision": "no",
        "hardware": _hardware(),
        "versions": {**versions(), "scikit-learn": version("scikit-learn")},
        "command": _command(corpus, options, ledger),
        "model_folder": "model",
        "date": datetime.date.today().isoformat(),
        "language": corpus.LANGUAGE,
        "licence": licence(corpus, ledger.corpus),
        "citation": corpus.CITATION if ledger.corpus == corpus.NAME else "None: synthetic sound.",
    }


def _notes(ledger, clips):
    """What a reader of a text model's numbers has to know about this split's transcripts."""
    from ser_lib.evaluation.markdown import count

    words = _words(clips)
    known = {words[name] for name in ledger.train} - {()}
    heard = sum(words[name] in known for name in ledger.test)
    notes = [
        "The text model tunes nothing, so the validation side plays no part in it.",
        f"{heard} of {count(len(ledger.test), 'test clip')} say word for word what a training "
        "clip says.",
    ]
    if _shared_by_all(words, clips):
        notes.insert(
            0,
            f"All transcripts ({len(set(words.values()))} different) are shared by all classes, so "
            "words cannot tell the classes apart: the text model's honest result is chance, and it "
            "stands here as the control.",
        )
    if silent := sum(not words[name] for name in ledger.train + ledger.test):
        notes.append(
            f"{count(silent, 'training or test clip')} without a transcript in words from a to z; "
            "for such a clip the model says the same whatever its class."
        )
    return notes


def _words(clips):
    """Tokens of each clip's transcript (tuple of str) by id."""
    from ser_lib.text.normalise import tokens

    return {name: tuple(tokens(row["transcript"])) for name, row in clips.items()}


def _shared_by_all(words, clips):
    """Whether every class says every transcript there is."""
    by_class = defaultdict(set)
    for name, row in clips.items():
        by_class[row["emotion"]].add(words[name])
    return all(spoken == set(words.values()) for spoken in by_class.values())


def _hardware():
    """The machine in words; the fit runs on its processor whatever else it has."""
    import torch

    from ser_lib.run_facts import hardware

    return f"the CPU of a machine with {hardware()}" if torch.cuda.is_available() else hardware()


def _command(corpus, options, ledger):
    """The command that gives the text run again (str), without the folders of this machine."""
    words = ["python", "-m", "ser_lib.text", corpus.NAME]
    if options.data_folder:
        sample = options.data_folder == "sample"
        words += ["--data_folder", "sample" if sample else f"PATH/TO/{corpus.NAME}"]
    words += ["--protocol", ledger.protocol, "--fold", str(ledger.fold)]
    words += ["--seed", str(options.seed)] + ["--allow_partial"] * options.allow_partial
    return shlex.join(words)


def _fuse(corpus, options, ledger, members, folder):
    from ser_lib.evaluation.fusion import fused_name, write_fused

    target = folder / f"fused-with-{fused_name(members[1:])}"
    places = [f"PATH/TO/{member.run['system']}" for member in members[1:]]
    command = f"{_command(corpus, options, ledger)} --fuse {shlex.join(places)}"
    metrics = write_fused(target, members, command)
    _say("fused", members[0].run, metrics, target)


def _say(what, run, metrics, folder):
    logger.info(
        "%s, test%s: UA %.1f%%, WA %.1f%%, macro-F1 %.1f%% over %d clips",
        what,
        " (synthetic voices)" if run["synthetic"] else "",
        *(100 * metrics["metrics"][key]["value"] for key in ("ua", "wa", "macro_f1")),
        metrics["clips"],
    )
    logger.info("report: %s", folder / "report.md")


if __name__ == "__main__":
    sys.exit(main())
