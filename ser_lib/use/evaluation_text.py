"""The words of a report about a model that was made before and is only scored here.

Scores, classes, confusions and groups are told as in any report. What differs is that nothing is
trained, and that what the model has heard is known only as far as it says so itself.
"""

from ser_lib.evaluation import sections
from ser_lib.evaluation.report import image, versions
from ser_lib.evaluation.rows import is_heard
from ser_lib.markdown import count, percent, span


def evaluation_text(metrics, drawn):
    """The report as Markdown.

    Arguments
    ---------
    metrics : dict
        As :func:`ser_lib.evaluation.report.write_report` returns it, of a run with ``training``
        (``known`` and ``warnings``), or of all folds.
    drawn : collection of str
        Figures that there are.
    """
    run = metrics["run"]
    parts = [
        ("", sections.BANNER if run["synthetic"] else ""),
        ("", "\n>\n".join(f"> **{text}**" for text in run["training"]["warnings"])),
        ("", _headline(run, metrics)),
        ("", sections.pretrained(run)),
        ("", _training(run)),
        ("Results", sections.results(metrics)),
        ("Classes", f"{sections.class_table(metrics)}\n\n{image('recall', 'Recall by class')}"),
        ("Confusions", f"{sections.confusions(metrics)}\n\n{image('confusion', 'Confusions')}"),
        ("Calibration", _beside(sections.calibration(metrics), "calibration", drawn)),
        ("Groups of clips", _beside(sections.groups(metrics), "groups", drawn)),
        ("How to get this number again", _again(run)),
        ("Versions", versions(run["versions"])),
    ]
    return sections.document(f"{run['system_title']}, scored on {run['corpus']}", parts)


def _headline(run, metrics):
    ua, speakers = metrics["metrics"]["ua"], count(metrics["interval"]["speakers"], "speaker")
    ends = span(ua["low"], ua["high"])
    around = "" if ua["low"] is None else f" (95 % interval {ends})"
    return (
        f"On {count(metrics['clips'], 'clip')} of {speakers}, {run['system_title']} reaches "
        f"**UA {percent(ua['value'], unit=True)}**{around}, where guessing gives "
        f"{percent(metrics['chance']['ua'], unit=True)}."
    )


def _training(run):
    """What of the test the model has met before, where it is known that it has not."""
    training = run["training"]
    if not training["known"] or training["warnings"] or is_heard(run):
        return ""
    return "As far as is told, its training held no clip and no speaker of the test."


def _beside(text, name, drawn):
    return f"{text}\n\n{image(name, name.capitalize())}" if text and name in drawn else text


def _again(run):
    if run["fold"] == "all":
        fold, ledger = f"folds {', '.join(map(str, run['folds_run']))}", ""
    else:
        fold = f"fold {run['fold']}"
        ledger = f"- Ledger: SHA-256 `{run['ledger_sha256']}`\n"
    facts = [
        f"- Model: {run['model_folder']}",
        f"- Protocol: {run['protocol']}, {fold} of {run['folds']}. {run['protocol_description']}",
        *(f"- Note: {note}" for note in run["protocol_notes"]),
        f"- Date: {run['date']}",
    ]
    return f"```\n{run['command']}\n```\n\n{ledger}" + "\n".join(facts)
