"""One run as one row of a table of results, and as one line of provenance below it."""

import types
from collections.abc import Mapping

from ser_lib.evaluation.asked import commands_of, cut_members, epochs_of
from ser_lib.evaluation.sections import heard_speakers
from ser_lib.markdown import DASH, cell, listed, percent, span
from ser_lib.pretrained.heard import encoders
from ser_lib.pretrained.names import short

HEARD = "†"
HEARD_NOTE = (
    f"{HEARD} The pretrained encoder had heard the tested corpus before: this is no measure of new "
    "speech of it."
)
PART = "§"
PART_NOTE = f"{PART} Part of the corpus only: comparable with no number on the whole."
HEADERS = (
    *("system", "protocol", "fold", "seed", "epochs", "UA [95 %]", "WA [95 %]", "macro-F1"),
    *("shared speakers", "test clips", "parameters", "training, min", "hardware"),
)


def row(run: Mapping, metrics: Mapping) -> tuple:
    """One row of a table of results, in the order of `HEADERS`."""
    scores = metrics["metrics"]
    heard = heard_speakers(run)
    system = run["system"] + (" (**synthetic voices**)" if run["synthetic"] else "")
    marks = HEARD * is_heard(run) + PART * is_partial(run)
    mark = f" {marks}" if marks else ""
    return (
        *(system, run["protocol"], _fold(run), run["seed"], _epochs(run)),
        *(_score(scores["ua"]) + mark, _score(scores["wa"])),
        percent(scores["macro_f1"]["value"]),
        *(f"{len(heard)} of {metrics['interval']['speakers']}", f"{metrics['clips']:,}"),
        *(f"{run['parameters']:,}", f"{run['train_seconds'] / 60:.1f}", run["hardware"]),
    )


def is_heard(run: Mapping) -> bool:
    """Whether an encoder in it had heard a tested corpus before."""
    return any(encoder.get("shared") for encoder in encoders(run))


def is_partial(run: Mapping) -> bool:
    """Whether the corpus was not whole."""
    return any("--allow_partial" in command.split() for command in commands_of(run))


def _score(score: Mapping) -> str:
    around = span(score["low"], score["high"])
    return percent(score["value"]) + ("" if around == DASH else f" [{around}]")


def _fold(run: Mapping) -> str:
    if run["fold"] != "all":
        return f"{run['fold']} of {run['folds']}"
    done = len(run["folds_run"])
    return (
        f"all {done}" if done == run["folds"] else f"{listed(run['folds_run'])} of {run['folds']}"
    )


def _epochs(run: Mapping) -> str:
    """``60``, ``41 of 100, stopped early``, ``12 of 60, cut short``; a range over folds.

    Cut short is also what was asked to train for less than the YAML of the system says. Members of
    an ensemble have epochs of their own: ``10, cut short`` is what all of them were given.
    """
    found = epochs_of(run)
    if found is None:
        cut = cut_members(run) if run["epochs_asked"] is None else None
        return DASH if cut is None else f"{cut}, cut short"
    if found.cut:
        return f"{found.span} of {found.asked}, cut short"
    if not found.early or found.least >= found.asked:
        return found.span
    return f"{found.span} of {found.asked}, {found.early}"


def provenance(
    run: Mapping, metrics: Mapping, apart_from: Mapping = types.MappingProxyType({})
) -> str:
    """Where a row comes from: corpus, date, seed, ledger hash, encoder and library versions.

    The versions ``apart_from``, which all rows share, are told elsewhere.
    """
    hashes = run["ledger_sha256"]
    hashes = hashes if isinstance(hashes, list) else [hashes]
    dates = run["date"] if isinstance(run["date"], list) else [run["date"]]
    libraries = library_list(
        {key: value for key, value in run["versions"].items() if apart_from.get(key) != value}
    )
    return cell(
        f"{run['system']}, {run['protocol']}, fold {_fold(run)} on {run['corpus']}: "
        f"{listed(dict.fromkeys(dates))}, seed {run['seed']}, "
        f"ledger {listed(f'`{text[:12]}`' for text in hashes)}"
        f"{''.join(map(_encoder, encoders(run)))}{libraries and f', {libraries}'}"
    )


def library_list(versions: Mapping) -> str:
    """``torch 2.11.0, numpy 2.4.6`` from names and versions."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _encoder(told: Mapping) -> str:
    corpora = told["corpora"]
    what = "not known" if corpora is None else listed(corpora) or "no speech"
    return f", encoder `{short(told['encoder'])}` (heard before: {what})"


def order(run: Mapping) -> tuple:
    """Sorting key of a row."""
    fold = run["fold"]
    return (
        run["corpus"],
        run["system"],
        run["protocol"],
        0 if fold == "all" else fold,
        str(run["seed"]),
    )
