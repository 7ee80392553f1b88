"""The facts of an evaluation, under the names that reports and metrics.json have for a run's."""

import datetime
import shlex
from pathlib import Path

from ser_lib.hub.model_folder import model_of
from ser_lib.markdown import listed, words
from ser_lib.pretrained.heard import encoders, heard, shared_with
from ser_lib.pretrained.names import snapshot_of
from ser_lib.run_facts import corpus_facts, hardware, size, versions
from ser_lib.use.batches import labels


def evaluation_facts(options, corpus, classify, ledger, matched, training, clips):
    """Facts of one scored fold.

    Arguments
    ---------
    options : argparse.Namespace
        Of the command.
    corpus : module
    classify : SERPipeline
    ledger : Ledger
        Of the test.
    matched : Match
    training : TrainingSide
    clips : int
        That are scored.

    Returns
    -------
    dict
        The keys of :data:`ser_lib.evaluation.report.RUN_KEYS`; those about a training are None or
        0. ``shared`` is what the model's own training shares with the test, as far as
        ``training`` (``known``, ``warnings``) says that it is known. ``evaluated`` is True.
    """
    config = classify.model.config
    facts = {
        "evaluated": True,
        "system": _name(options.model),
        "system_title": _name(options.model),
        "system_source": config.model_type,
        **corpus_facts(corpus, ledger),
        "classes": matched.emotions,
        "protocol": ledger.protocol,
        "protocol_description": ledger.description,
        "protocol_notes": [*ledger.notes, *_notes(ledger, matched, labels(classify), clips)],
        "fold": ledger.fold,
        "folds": ledger.folds,
        "seed": None,
        "ledger_sha256": ledger.sha256,
        "shared": training.shared,
        "training": {"known": training.known, "warnings": training.warnings},
        "sizes": {"train": 0, "validation": 0, "test": clips},
        "parameters": size(classify.model),
        "epochs_run": None,
        "epochs_asked": None,
        "best_epoch": None,
        "stopped_early": False,
        "train_seconds": 0.0,
        "hardware": hardware(),
        "versions": versions(),
        "command": _command(options, snapshot_of(classify.model.name_or_path)),
        "model_folder": _name(options.model),
        "date": datetime.date.today().isoformat(),
    }
    told = encoders({"encoder": _provenance(classify).get("encoder")})
    known = published(options.model, classify)
    if known and known["corpora"] is not None:
        told = [known]
    if told:
        tested = facts["corpora"]
        facts["encoder"] = [{**one, "shared": shared_with(one, tested)} for one in told]
    return facts


def published(model, classify):
    """What a model that was made elsewhere was trained on, as far as anybody tells.

    Arguments
    ---------
    model : str
        As the command names it.
    classify : SERPipeline

    Returns
    -------
    dict or None
        As :func:`ser_lib.pretrained.heard.heard` returns it, with ``kind``; None for a model of
        this package, which says itself what it was trained on.
    """
    if _provenance(classify).get("corpora"):
        return None
    return {**heard(_name(model), classify.model.name_or_path), "kind": "model"}


def _provenance(classify):
    return getattr(classify.model.config, "provenance", None) or {}


def _notes(ledger, matched, classes, clips):
    notes = []
    renamed = [
        f"{words(label)} as {matched.emotions[column]}"
        for label, column in zip(classes, matched.columns, strict=True)
        if column is not None and label != matched.emotions[column]
    ]
    if renamed:
        notes.append(f"Of the model's classes, {listed(renamed)} count{'s' * (len(renamed) == 1)}.")
    if matched.masked:
        notes.append(
            f"The corpus has no {listed(map(words, matched.masked))}: what the model gives to it "
            "is shared out among the other classes."
        )
    if matched.unknown:
        notes.append(
            f"The model knows no {listed(matched.unknown)}: {len(ledger.test) - clips} test clips "
            f"of it are left out, {clips} are scored."
        )
    return notes


def _name(model):
    """A model as others may know it (str): a Hub id, or the end of a path."""
    source = model_of(model)
    path = Path(source)
    if not path.exists():
        return source
    if snapshot := snapshot_of(path):
        return snapshot[0]
    parts = path.resolve().parts[1:]
    if "runs" in parts:
        parts = parts[parts.index("runs") + 1 :]
        return "/".join(part for part in parts if part != "model")
    return "/".join(parts[-2:])


def _command(options, snapshot):
    """The command that gives this evaluation again, without the folders of this machine (str).

    ``snapshot`` is the Hub id and the commit that were loaded, or None.
    """
    local = Path(options.model).exists() and not snapshot_of(options.model)
    model = f"PATH/TO/{_name(options.model)}" if local else _name(options.model)
    words = ["python", "-m", "ser_lib", "evaluate", model, "--recipe", options.recipe]
    if snapshot:
        words += ["--revision", snapshot[1]]
    if options.protocol:
        words += ["--protocol", options.protocol]
    words += ["--fold", str(options.fold)]
    if options.data_folder:
        sample = options.data_folder == "sample"
        words += ["--data_folder", "sample" if sample else f"PATH/TO/{options.recipe}"]
    if options.classes:
        words += ["--classes", options.classes]
    if options.labels:
        words += ["--labels", options.labels]
    if options.seed:
        words += ["--seed", str(options.seed)]
    words += ["--shared_only"] * options.shared_only + ["--allow_partial"] * options.allow_partial
    words += ["--drop_conflicts"] * options.drop_conflicts
    return shlex.join(words)
