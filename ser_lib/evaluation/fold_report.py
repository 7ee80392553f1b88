"""The words of a report over all folds."""

from collections.abc import Mapping, Sequence

from ser_lib.evaluation import sections
from ser_lib.evaluation.report import cost, image, versions
from ser_lib.markdown import count, listed, percent, table


def fold_report_text(result: Mapping, drawn: Sequence[str], n_cut: int = 0) -> str:
    """The report over folds as Markdown; ``n_cut`` of them were cut short."""
    run = result["run"]
    done, asked = len(run["folds_run"]), run["folds"]
    warnings = []
    if done < asked:
        told = listed(run["folds_run"])
        warnings.append(f"> **Not all folds:** {done} of {asked} were run ({told}).")
    if n_cut:
        warnings.append(
            f"> **Cut short:** {count(n_cut, 'fold')} ended before all "
            f"{run['epochs_asked']} epochs, and not because validation stopped "
            "improving. A full run may score otherwise."
        )
    groups = sections.groups(result)
    if "groups" in drawn:
        groups += f"\n\n{image('groups', 'UA by group')}"
    calibrated = sections.calibration(result)
    if "calibration" in drawn:
        calibrated += f"\n\n{image('calibration', 'Reliability, risk and coverage')}"
    parts = [
        ("", sections.BANNER if run["synthetic"] else ""),
        (
            "",
            f"{sections.headline(run, result)} Each clip was judged by the model of its fold; "
            f"the mean over {count(done, 'fold')} is {_mean(result, 'ua')}.",
        ),
        ("", sections.pretrained(run)),
        ("", sections.sharing(run)),
        *(("", warning) for warning in warnings),
        ("All clips pooled", sections.results(result)),
        ("Fold by fold", _fold_table(result)),
        ("Classes", f"{sections.class_table(result)}\n\n{image('recall', 'Recall of each class')}"),
        (
            "Confusions",
            f"{sections.confusions(result)}\n\n{image('confusion', 'Confusion matrix')}",
        ),
        ("Calibration", calibrated),
        ("Groups of clips", groups),
        ("How to get these numbers again", _again(result)),
        ("Cost", cost(run)),
        ("Versions", versions(run["versions"])),
    ]
    folds = "all folds" if done == asked else f"{done} of {asked} folds"
    return sections.document(f"{run['system_title']} on {run['corpus']}, {folds}", parts)


def _mean(result: Mapping, name: str) -> str:
    mean, spread = result["folds"]["mean"][name], result["folds"]["std"][name]
    return percent(mean, unit=True) if spread is None else f"{percent(mean)} ± {percent(spread)} %"


def _fold_table(result: Mapping) -> str:
    rows = [
        (row["fold"], row["clips"], row["speakers"], *(percent(row[n]) for n in sections.NAMES))
        for row in result["folds"]["per_fold"]
    ]
    for words, key in (("mean", "mean"), ("standard deviation", "std")):
        scores = result["folds"][key]
        rows.append((words, "", "", *(percent(scores[name]) for name in sections.NAMES)))
    headers = ("fold", "clips", "speakers", "UA", "WA", "macro-F1")
    return (
        f"{table(headers, rows)}\n\nThe standard deviation is over folds (n - 1). Folds share "
        "training clips, so it is a spread, not an interval for new speakers."
    )


def _again(result: Mapping) -> str:
    run = result["run"]
    ledgers = "\n".join(
        f"- Fold {row['fold']}: seed {row['seed']}, ledger SHA-256 `{row['ledger_sha256']}`"
        for row in result["folds"]["per_fold"]
    )
    commands = "\n".join(dict.fromkeys(_each(run["command"])))
    return (
        f"```\n{commands}\n```\n\n- System: {run['system']} ({run['system_source']})\n"
        f"- Protocol: {run['protocol']}. {run['protocol_description']}\n{ledgers}\n"
        f"- Date: {listed(dict.fromkeys(_each(run['date'])))}"
    )


def _each(value) -> list:
    return value if isinstance(value, list) else [value]
