"""One fold of the text model: fit on the training transcripts, score the saved model, report."""

import datetime
import logging
import shlex
import time
from collections import defaultdict
from importlib.metadata import version

import pandas as pd
import torch

from ser_lib.corpora.manifest import is_synthetic
from ser_lib.errors import CorpusError
from ser_lib.evaluation.fusion import Member
from ser_lib.evaluation.predictions import prediction_row
from ser_lib.evaluation.report import write_report
from ser_lib.markdown import count
from ser_lib.run_facts import corpus_facts, hardware, licence, versions
from ser_lib.text.normalise import tokens
from ser_lib.text.tfidf import TextModel

logger = logging.getLogger(__name__)

SYSTEM = "text_tfidf"
TITLE = "Text model (TF-IDF, logistic regression)"
SOURCE = (
    "text prepared as in https://github.com/ShaheenPerveen/speech-emotion-recognition-iemocap, "
    "which trains no text model"
)


def transcribed_clips(manifest, ledger):
    """Rows of the ledger's clips by id; CorpusError where none has a transcript."""
    names = ("id", "speaker", "gender", "intensity", "statement", "corpus", "emotion", "transcript")
    if absent := [name for name in names if name not in manifest.column_names]:
        raise CorpusError(
            f"the manifest of {ledger.corpus} has no column {absent[0]}; choose a corpus that has "
            "it"
        )
    rows = ({key: row[key] or "" for key in names} for row in manifest.to_list())
    clips = {row["id"]: row for row in rows if row["id"] in ledger.clips}
    if not any(row["transcript"].strip() for row in clips.values()):
        raise CorpusError(
            f"{ledger.corpus}: no clip has a transcript, so there is nothing for a text model to "
            "read; choose a corpus with transcripts"
        )
    return clips


def train(corpus, options, manifest, ledger, clips, folder):
    """Fit on train, save, score the saved model on test and report.

    Arguments
    ---------
    corpus : module
        Corpus module.
    options : argparse.Namespace
        Of the command; what of it tells how to get the number again.
    manifest : datasets.Dataset
        Clips with transcripts.
    ledger : Ledger
        The split.
    clips : dict
        From :func:`transcribed_clips`.
    folder : Path
        Run folder.

    Returns
    -------
    Member
        The run as late fusion takes it.

    Raises
    ------
    CorpusError
        If there is nothing to learn from.
    RunError
        If the folder cannot be written.
    """
    classes = list(corpus.EMOTIONS)
    start = time.perf_counter()
    rows = [clips[name] for name in ledger.train]
    texts, labels = ([row[key] for row in rows] for key in ("transcript", "emotion"))
    model = TextModel.fit(texts, labels, classes)
    seconds = time.perf_counter() - start
    provenance = {
        "protocol": ledger.protocol,
        "fold": ledger.fold,
        "ledger_sha256": ledger.sha256,
        "corpora": ledger.corpus.split("+"),
        "synthetic": is_synthetic(manifest),
        "licence": licence(corpus, ledger.corpus),
    }
    # What is scored is what is saved, not what happens to be in memory.
    model = TextModel.load(model.save(folder / "model", provenance))
    predictions = _predict(model, ledger, clips)
    run = _facts(corpus, options, ledger, clips, model, seconds)
    metrics = write_report(folder, run, predictions)
    say("text", run, metrics, folder)
    if _shared_by_all(_words(clips), clips):
        logger.info("every transcript is spoken in every class: chance is what words can give here")
    return Member(run, predictions)


def command(corpus, options, ledger):
    """The command that gives the text run again (str), without the folders of this machine."""
    words = ["python", "-m", "ser_lib.text", corpus.NAME, *getattr(corpus, "OPTIONS", ())]
    if options.data_folder:
        sample = options.data_folder == "sample"
        words += ["--data_folder", "sample" if sample else f"PATH/TO/{corpus.NAME}"]
    words += ["--protocol", ledger.protocol, "--fold", str(ledger.fold)]
    words += ["--seed", str(options.seed)] + ["--allow_partial"] * options.allow_partial
    return shlex.join(words)


def say(what, run, metrics, folder):
    """Log the scores of a report and where it lies."""
    logger.info(
        "%s, test%s: UA %.1f%%, WA %.1f%%, macro-F1 %.1f%% over %d clips",
        what,
        " (synthetic voices)" if run["synthetic"] else "",
        *(100 * metrics["metrics"][key]["value"] for key in ("ua", "wa", "macro_f1")),
        metrics["clips"],
    )
    logger.info("report: %s", folder / "report.md")


def _predict(model, ledger, clips):
    """The table of predictions of the test side (see :mod:`ser_lib.evaluation.predictions`)."""
    test = [clips[name] for name in ledger.test]
    shares = model.probabilities([row["transcript"] for row in test])
    pairs = zip(test, shares.tolist(), strict=True)
    return pd.DataFrame(
        [prediction_row(row, values, model.classes, ledger.fold) for row, values in pairs]
    )


def _facts(corpus, options, ledger, clips, model, seconds):
    """The facts of the run, under the names that an audio run gives them."""
    return {
        "system": SYSTEM,
        "system_title": TITLE,
        "system_source": SOURCE,
        **corpus_facts(corpus, ledger),
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
        "command": command(corpus, options, ledger),
        "model_folder": "model",
        "date": datetime.date.today().isoformat(),
    }


def _notes(ledger, clips):
    """What a reader of a text model's numbers has to know about this split's transcripts."""
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
    return {name: tuple(tokens(row["transcript"])) for name, row in clips.items()}


def _shared_by_all(words, clips):
    """Whether every class says every transcript there is."""
    by_class = defaultdict(set)
    for name, row in clips.items():
        by_class[row["emotion"]].add(words[name])
    return all(spoken == set(words.values()) for spoken in by_class.values())


def _hardware():
    """The machine in words; the fit runs on its processor whatever else it has."""
    return f"the CPU of a machine with {hardware()}" if torch.cuda.is_available() else hardware()
