"""The report of one run: metrics.json for programs, report.md for people, both from one table."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ser_lib.errors import RunError
from ser_lib.evaluation import sections
from ser_lib.evaluation.calibration import calibration
from ser_lib.evaluation.plates import draw, drop_stale
from ser_lib.evaluation.predictions import check_predictions, write_predictions
from ser_lib.evaluation.scorecard import scorecard
from ser_lib.files import finite, staged, to_json, write_text
from ser_lib.markdown import count, listed, percent, table

RUN_KEYS = (
    *("system", "system_title", "system_source", "corpus", "synthetic", "classes", "protocol"),
    *("protocol_description", "fold", "folds", "seed", "ledger_sha256", "shared", "sizes"),
    *("parameters", "epochs_run", "epochs_asked", "best_epoch", "stopped_early"),
    *("train_seconds", "hardware", "versions", "command", "model_folder", "date"),
)
SHARED_KEYS = ("speakers", "statements", "clips", "identical_audio", "siblings")


def write_report(
    folder: str | Path, run: Mapping, predictions: pd.DataFrame, history: Sequence[Mapping] = ()
) -> dict:
    """Writes metrics.json, report.md, predictions.csv and figures/ into a folder.

    Everything is made in a scratch folder and moved at the end, metrics.json last: a crash on the
    way leaves an earlier report as it was.

    Arguments
    ---------
    folder : str or Path
        The report's folder; made where absent.
    run : mapping
        The run's facts, plain values under the names of `RUN_KEYS`. ``sizes`` counts the clips
        of train, validation and test; ``shared`` is the ledger's; the epochs are None for a
        system that is not trained by epochs. ``protocol_notes`` (list of str), ``fit`` (how an
        estimator was fitted), ``members`` (of an ensemble, with their scores), ``corpora`` (what
        a merged corpus holds), ``classes_without_training`` (list of str), ``two_labels`` (side
        to ids of the clips whose samples stand under another label too), ``temperature`` (float,
        fitted on validation, which is in the probabilities) and ``encoder`` (what
        `ser_lib.pretrained.heard.heard` returns, and ``shared``, what `shared_with` does) may be
        added.
    predictions : pd.DataFrame
        One row a test clip (see `ser_lib.evaluation.predictions`).
    history : sequence of mapping
        One an epoch, as `ser_lib.evaluation.figures.training_curves` takes it; may be empty.

    Returns
    -------
    dict
        What metrics.json holds: ``run`` and the keys of the scorecard, fractions from 0 to 1.

    Raises
    ------
    RunError
        A fact is missing, the predictions are not those of this run, or the disk refuses.
    """
    check_run(run)
    check_predictions(predictions, run["classes"])
    _check_match(run, predictions)
    card = scorecard(predictions, run["classes"])
    card["calibration"] = calibration(predictions, run["classes"], run.get("temperature"))
    with staged(folder) as scratch:
        drawn = draw(scratch, run, card, history)
        write_predictions(predictions, scratch / "predictions.csv")
        write_text(scratch / "report.md", report_text(run, card, drawn))
        metrics = finite({"run": dict(run), **card})
        write_text(scratch / "metrics.json", to_json(metrics))
    drop_stale(folder, drawn)
    return metrics


def report_text(run: Mapping, card: Mapping, drawn: Sequence[str]) -> str:
    """The report as Markdown; ``drawn`` names the figures that exist."""
    parts = [
        ("", sections.BANNER if run["synthetic"] else ""),
        ("", sections.headline(run, card)),
        ("", sections.pretrained(run)),
        ("", sections.sharing(run)),
        ("", cut_short(run)),
        ("Results", sections.results(card)),
        ("Classes", f"{sections.class_table(card)}\n\n{image('recall', 'Recall of each class')}"),
        ("Confusions", f"{sections.confusions(card)}\n\n{image('confusion', 'Confusion matrix')}"),
        (
            "Calibration",
            _with_figure(
                sections.calibration(card), "calibration", "Reliability, risk and coverage", drawn
            ),
        ),
        ("Groups of clips", _with_figure(sections.groups(card), "groups", "UA by group", drawn)),
        (
            "Training",
            _with_figure(_training(run) + _untrained(run), "curves", "Loss and UA by epoch", drawn),
        ),
        ("How to get this number again", _again(run)),
        ("Cost", cost(run)),
        ("Versions", versions(run["versions"])),
    ]
    title = f"{run['system_title']} on {run['corpus']}"
    return sections.document(title, parts)


def check_run(run: Mapping) -> None:
    """Raises RunError where a fact of the run is missing or synthetic voices are not called so."""
    missing = [key for key in RUN_KEYS if key not in run]
    if missing:
        raise RunError(f"run: {missing[0]!r} is missing; a report needs every fact of the run")
    for pair in ("train-test", "validation-test"):
        absent = [key for key in SHARED_KEYS if key not in run["shared"].get(pair, {})]
        if absent:
            raise RunError(
                f"run: 'shared' does not say which {absent[0]} {pair} have in common; "
                "pass the ledger's"
            )
    if run["corpus"].endswith("-synthetic") and not run["synthetic"]:
        raise RunError(
            f"run: corpus {run['corpus']} is synthetic but 'synthetic' is not set; set it to true"
        )


def cut_short(run: Mapping) -> str:
    """The warning of a run that ended before its epochs did, without early stopping."""
    done, asked = run["epochs_run"], run["epochs_asked"]
    if done is None or done >= asked or run["stopped_early"]:
        return ""
    return (
        f"> **Cut short:** trained for {done} of {asked} epochs, and not because "
        "validation stopped improving. A full run may score otherwise."
    )


def cost(run: Mapping) -> str:
    """Parameters, training time and the machine, in one line."""
    return (
        f"{count(run['parameters'], 'parameter')}; trained in {minutes(run['train_seconds'])} min "
        f"on {run['hardware']}."
    )


def minutes(seconds: float) -> str:
    """Seconds as minutes: one decimal below ten, whole above."""
    value = seconds / 60
    return f"{value:.1f}" if value < 10 else f"{math.floor(value + 0.5):,}"


def versions(names: Mapping[str, str]) -> str:
    """Library versions in one line."""
    return ", ".join(f"{name} {version}" for name, version in names.items()) + "."


def image(name: str, words: str) -> str:
    """A Markdown link to a figure of the report."""
    return f"![{words}](figures/{name}.png)"


def _with_figure(text: str, name: str, words: str, drawn: Sequence[str]) -> str:
    return f"{text}\n\n{image(name, words)}" if name in drawn else text


def _training(run: Mapping) -> str:
    sizes = run["sizes"]
    copies = run.get("augmented_copies")
    each = f" (each with {count(copies, 'augmented copy', 'augmented copies')})" if copies else ""
    text = (
        f"{count(sizes['train'], 'clip')}{each} to train on, "
        f"{count(sizes['validation'], 'clip')} to validate on. "
    )
    if run.get("members"):
        return f"{text}The system is made of others, each trained on its own:\n\n{_members(run)}"
    if run["epochs_run"] is None:
        return text + "The system is fitted in one go, without epochs." + _fit(run.get("fit"))
    text += f"Trained for {run['epochs_run']} of {run['epochs_asked']} epochs"
    if run["stopped_early"]:
        text += "; training stopped early because validation no longer improved"
    if run["best_epoch"] is not None:
        text += f". The weights are those of epoch {run['best_epoch']}, the best on validation"
    return text + "."


def _untrained(run: Mapping) -> str:
    """A caution about classes that the training side lacked; nothing where it lacked none."""
    absent = run.get("classes_without_training")
    if not absent:
        return ""
    told = "the model gives probability 0 to what it never heard"
    return f"\n\nThere was no clip of {listed(absent)} to train on: {told}."


def _fit(fit: Mapping | None) -> str:
    """What was fitted, and how its settings were chosen."""
    if not fit:
        return ""
    text = f" `{fit['estimator']}`"
    if fit["grid"]:
        chosen = ", ".join(f"{key} {value}" for key, value in fit["chosen"].items())
        kind = "by speaker" if fit["inner_folds_by_speaker"] else "at random"
        text += (
            f" with {chosen}: of the grid, the best mean UA ({percent(fit['inner_ua'], unit=True)})"
            f" over {fit['inner_folds']} inner folds of the training side, cut {kind}."
        )
    else:
        text += " with the settings of its YAML."
    return f"{text} Validation, which chose nothing: UA {percent(fit['validation_ua'], unit=True)}."


def _members(run: Mapping) -> str:
    rows = [
        (m["system"], m["seed"], f"{m['parameters']:,}", percent(m["ua"]), percent(m["wa"]))
        for m in run["members"]
    ]
    return table(("member", "seed", "parameters", "test UA", "test WA"), rows)


def _again(run: Mapping) -> str:
    facts = [
        f"System: {run['system']} ({run['system_source']})",
        f"Protocol: {run['protocol']}, fold {run['fold']} of {run['folds']}. "
        f"{run['protocol_description']}",
        f"Ledger: SHA-256 `{run['ledger_sha256']}`",
        f"Seed: {run['seed']}",
        f"Model folder: `{run['model_folder']}`",
        f"Date: {run['date']}",
    ]
    notes = [f"Note: {note}" for note in run.get("protocol_notes", ())]
    lines = "\n".join(f"- {fact}" for fact in facts + notes)
    return f"```\n{run['command']}\n```\n\n{lines}"


def _check_match(run: Mapping, predictions: pd.DataFrame) -> None:
    told, found = run["sizes"]["test"], len(predictions)
    if told != found:
        raise RunError(
            f"predictions: {found} clips, but the run tests {told}; evaluate all of the test side"
        )
    # A merged corpus names the corpora that it is made of.
    for key, known in (("fold", [run["fold"]]), ("corpus", run.get("corpora", [run["corpus"]]))):
        strange = sorted(set(predictions[key]) - set(known))
        if strange:
            raise RunError(
                f"predictions: a clip is of {key} {strange[0]}, the run is of "
                f"{key} {', '.join(map(str, known))}; give the predictions of this run"
            )
