"""The model card: what the Hub shows and indexes about a model, with every number's origin."""

import re

from huggingface_hub import EvalResult, ModelCardData

from ser_lib.hub.card_encoder import base_models, encoder_parts
from ser_lib.markdown import cell, count, listed, percent, span, table

_METRICS = {
    "ua": ("recall", "Unweighted accuracy (UA, macro recall)"),
    "wa": ("accuracy", "Weighted accuracy (WA, accuracy)"),
    "macro_f1": ("f1", "Macro-F1"),
}
_HUB_LICENCES = {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0"} | {
    "cc-by-nc-sa-4.0",
    "cc-by-nc-nd-4.0",
    "cc-by-nd-4.0",
}
_LISTED = ("speakers", "statements")

_USE = """With `ser_lib` installed, any sound file, stereo or mono, at any rate:

```python
import ser_lib

classify = ser_lib.load("path/or/hub-id")
print(classify("clip.wav"))
```

Without ser_lib, through Transformers, which says so where SpeechBrain is needed too. """

_USE_TRUSTING = """`trust_remote_code=True` runs the Python files of \
this repository on your machine, so read them first. Give one channel as an array:

```python
from transformers import pipeline

classify = pipeline("audio-classification", model="path/or/hub-id", trust_remote_code=True)
print(classify({"raw": samples, "sampling_rate": rate}))
```"""

_USE_NATIVE = """Give one channel as an array. Clips of several lengths in one batch are padded \
there, which some encoders hear; one at a time they are not.

```python
from transformers import pipeline

classify = pipeline("audio-classification", model="path/or/hub-id")
print(classify({"raw": samples, "sampling_rate": rate}))
```"""

_SYNTHETIC_LIMITS = "For trying out the software. Not for any speech of people."
_LIMITS = """For research on speech emotion recognition and for comparing methods. The labels say \
how speech *sounds to listeners* or was *meant by an actor*, not what a person feels.

- Trained on {speech}, in one language (see above). Expect less on speech of another kind \
(spontaneous, noisy, distant, over a telephone), on other languages and accents, on children and \
on the old; measure before use.
- Where speakers are few the intervals above are wide. The worst speaker's score is what some \
people will get.
- Probabilities are not calibrated unless this card says so.
- Not for use on people without their knowledge and consent.
- Not for medical or psychological assessment, hiring, schooling, policing, credit, insurance, \
surveillance or any other decision about a person."""


def model_card(run, metrics, figures=None):
    """Text of ``README.md``: YAML that the Hub reads, then the card that people read.

    Arguments
    ---------
    run : dict
        ``system``, ``system_title``, ``system_source``, ``corpus``, ``synthetic``, ``classes``,
        ``protocol``, ``protocol_description``, ``fold``, ``folds``, ``seed``, ``ledger_sha256``,
        ``shared``, ``sizes``, ``parameters``, ``epochs_run``, ``epochs_asked``, ``best_epoch``,
        ``train_seconds``, ``hardware``, ``versions``, ``command``, ``date``, ``language``,
        ``licence`` and ``citation``; ``url`` and ``speech`` where the corpus tells its page
        and what speech it is, ``encoder`` where one is inside that was trained before.
    metrics : dict
        What :func:`ser_lib.evaluation.scorecard.scorecard` returns; scores are fractions.
    figures : dict, optional
        Caption to file name, relative to the card.

    Returns
    -------
    str
    """
    title = f"{run['system_title']} on {run['corpus']}"
    parts = [f"# {title}"]
    if run["synthetic"]:
        parts.append(
            "> **Synthetic.** This model was trained and tested on synthetic sound that only "
            "imitates the layout of a corpus. Its numbers say that the program works and nothing "
            "about emotion; do not use or compare it."
        )
    parts += [
        f"Classifies the emotion of a spoken utterance into {listed(run['classes'])}. Waveform "
        f"in, probabilities out: the front end and its fitted scaler are inside the model. "
        f"System `{run['system']}`, after {run['system_source']}.",
        "## Use",
        _USE + (_USE_NATIVE if run.get("native") else _USE_TRUSTING),
        "`golden.flac` and `golden.json` are a made-up sound and the answer to it; `ser_lib` "
        "compares them when it loads the model, and refuses one that answers otherwise.",
        "## Labels",
        _labels(run, metrics),
        "## Results",
        _results(run, metrics),
        *encoder_parts(run),
        "## Protocol",
        _protocol(run),
        "## Groups",
        _groups(metrics),
        *[f"![{cell(caption)}]({name})" for caption, name in (figures or {}).items()],
        "## Training",
        _training(run),
        "## Intended use and limits",
        _limits(run) if not run["synthetic"] else _SYNTHETIC_LIMITS,
        "## Licence",
        f"Corpus: {run['corpus']}, {run['licence']}{_page(run)}. A model trained on it is for "
        "use under the same terms.",
        "## Citation",
        str(run["citation"]).strip(),
    ]
    front = _front_matter(run, metrics, title)
    return f"---\n{front}\n---\n\n" + "\n\n".join(parts) + "\n"


def _front_matter(run, metrics, title):
    """The YAML between the dashes."""
    results = [
        EvalResult(
            task_type="audio-classification",
            task_name="Speech emotion recognition",
            dataset_type=str(run["corpus"]).lower(),
            dataset_name=run["corpus"],
            dataset_split=f"test of {run['protocol']}, {_fold(run)}",
            dataset_args={"ledger_sha256": run["ledger_sha256"], "synthetic": run["synthetic"]},
            metric_type=kind,
            metric_name=name,
            metric_value=round(metrics["metrics"][key]["value"], 4),
        )
        for key, (kind, name) in _METRICS.items()
    ]
    licence = "-".join(str(run["licence"]).lower().split())
    known = licence in _HUB_LICENCES
    tags = ["audio-classification", "speech-emotion-recognition", "ser_lib"]
    bases = base_models(run)
    data = ModelCardData(
        language=run["language"],
        license=licence if known else "other",
        library_name="transformers",
        pipeline_tag="audio-classification",
        tags=tags + ["synthetic"] * bool(run["synthetic"]),
        base_model=bases[0] if len(bases) == 1 else bases or None,
        model_name=title,
        eval_results=results,
        metrics=[kind for kind, _ in _METRICS.values()],
        **({} if known else _other_licence(run)),
    )
    return data.to_yaml().strip()


def _page(run):
    """Where the corpus and its terms are, in brackets, where that is told (str)."""
    return f" (<{run['url']}>)" if run.get("url") else ""


def _other_licence(run):
    """Name and page of a licence that the Hub does not list (dict)."""
    name = re.sub("[^a-z0-9.]+", "-", str(run["licence"]).lower()).strip("-")
    # The terms of several corpora are for the card's text.
    told = {"license_name": name if len(name) <= 60 else "see-the-card"}
    return told | ({"license_link": run["url"]} if run.get("url") else {})


def _labels(run, metrics):
    per_class = metrics.get("per_class", {})
    rows = []
    for index, name in enumerate(run["classes"]):
        scores = per_class.get(name, {})
        numbers = [percent(scores.get(key)) for key in ("precision", "recall", "f1")]
        rows.append([index, name, scores.get("support", ""), *numbers])
    return table(["Id", "Label", "Test clips", "Precision", "Recall", "F1"], rows, left=2)


def _results(run, metrics):
    rows = [
        [name, percent(score["value"]), span(score.get("low"), score.get("high"))]
        for key, (_, name) in _METRICS.items()
        for score in [metrics["metrics"][key]]
    ]
    test = count(run["sizes"]["test"], "test clip")
    made = " of **synthetic** sound" if run["synthetic"] else ""
    method = metrics.get("interval", {}).get("method", "bootstrap over speakers")
    text = f"Percent, on {test}{made}; 95 % intervals by {method}, a dash where there is none."
    found = metrics.get("calibration") or {}
    if found.get("ece_before") is not None:
        text += (
            f" Probabilities are calibrated: logits are divided by {found['temperature']:.2f}, "
            f"fitted on validation, which takes the expected calibration error from "
            f"{percent(found['ece_before'])} to {percent(found['ece'])} % on these clips."
        )
    return f"{text}\n\n{table(['Metric', 'Score', '95 % interval'], rows)}"


def _protocol(run):
    sides = [f"{side} {count(run['sizes'][side], 'clip')}" for side in run["sizes"]]
    lines = [
        f"`{run['protocol']}`, {_fold(run)}: {run['protocol_description']}",
        f"Sides: {', '.join(sides)}. Ledger `{run['ledger_sha256']}`, seed {run['seed']}.",
        "What the sides have in common:",
    ]
    facts = []
    for pair, kinds in run["shared"].items():
        found = [
            f"{len(items)} {kind.replace('_', ' ')}"
            + (f" ({', '.join(items)})" if kind in _LISTED and len(items) <= 24 else "")
            for kind, items in kinds.items()
            if items
        ]
        facts.append(f"- {pair.replace('-', ' and ')}: {'; '.join(found) or 'nothing'}")
    return "\n\n".join([*lines, "\n".join(facts)])


def _groups(metrics):
    rows = [
        [f"{column}: {value}", scores.get("n", ""), percent(scores["ua"]), percent(scores["wa"])]
        for column in ("gender", "intensity")
        for value, scores in metrics.get("by", {}).get(column, {}).items()
        # A corpus that does not tell has one group without a name.
        if value
    ]
    worst = metrics.get("worst_speaker")
    if worst:
        scores = [percent(worst["ua"]), percent(worst["wa"])]
        rows.append([f"worst speaker: {worst['speaker']}", worst.get("n", ""), *scores])
    note = "UA of a group is over the classes that it has."
    return f"{note}\n\n{table(['Group', 'Test clips', 'UA', 'WA'], rows)}"


def _training(run):
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    epochs = "none: not trained by epochs"
    if run["epochs_run"] is not None:
        epochs = f"{run['epochs_run']} of {run['epochs_asked']}, best {run['best_epoch']}"
    if run.get("members"):
        made = ", ".join(f"{m['system']} (seed {m['seed']})" for m in run["members"])
        epochs = f"those of its members: {made}"
    absent = run.get("classes_without_training")
    rows = [
        ["Parameters", f"{run['parameters']:,}"],
        ["Noisy copies of a training clip", str(run.get("augmented_copies", 0))],
        ["Epochs", epochs],
        *([["Never heard, never said", ", ".join(absent)]] if absent else []),
        ["Time", f"{run['train_seconds']:.0f} s"],
        ["Hardware", run["hardware"]],
        ["Versions", versions],
        ["Command", f"`{run['command']}`"],
        ["Date", run["date"]],
    ]
    return table(["", ""], rows, left=2)


def _limits(run):
    """What the model is for, and what its training speech does not stand for (str)."""
    return _LIMITS.format(speech=run.get("speech") or f"the speech of {run['corpus']}")


def _fold(run):
    return f"fold {run['fold']} of {run['folds']}"
