"""The demo page's words and tables, as HTML that screen readers can read and phones can show."""

import base64
import html
from pathlib import Path

import numpy as np

from ser_lib.evaluation.sound_figures import sound_figure, timeline_figure
from ser_lib.markdown import listed
from ser_lib.use.demo_clip import WINDOW, edges, stretches

TITLE = "Which emotion does it sound like?"
LIMITS = (
    "A model guesses how acted speech was meant to sound, not what anybody feels. It has learnt "
    "from a few speakers in quiet rooms; expect less from everyday speech, other languages and "
    "other microphones. Not for use on people without their consent, nor for decisions about them."
)


def name_of(source, model):
    """What a model is called on the page (str).

    Its Hub id, or the last two parts of its folder, and its system where it is one of ours.
    """
    name = "/".join(Path(str(source)).parts[-2:])
    system = getattr(model.config, "system", None) or {}
    kind = (system.get("classifier") or {}).get("name")
    return f"{name} ({kind})" if kind else name


def trained_on(model):
    """What a model says about its training, in a sentence or two of plain text.

    Arguments
    ---------
    model : PreTrainedModel
        With ``config.provenance`` where it is ours.
    """
    own = getattr(model.config, "provenance", None) or {}
    corpora = own.get("corpora")
    if not corpora:
        return "It does not tell what it was trained on."
    words = [f"Trained on {listed([str(name) for name in corpora])}."]
    if own.get("synthetic"):
        words.append("Synthetic: made-up voices, so its answers mean nothing about people.")
    if own.get("licence"):
        words.append(f"Licence of the corpus: {own['licence']}.")
    return " ".join(words)


def heading():
    """The page's title and the limits of what it does."""
    return _box(f"<h1>{TITLE}</h1><p class='ser-quiet'>{html.escape(LIMITS)}</p>")


def privacy(kept):
    """Where clips go; ``kept`` is how often (s) those of that age or more are deleted."""
    words = (
        "Clips go to the machine that runs this page and to no other, and are deleted there within "
        f"{2 * kept / 60:g} minutes."
    )
    return _box(f"<p class='ser-quiet'>{words}</p>")


def trouble(message):
    """One line for what a person can mend."""
    return _box(f"<p class='ser-trouble'>{html.escape(message)}</p>")


def clip_view(clip):
    """A clip's facts and picture."""
    facts = f"{clip.name}: {_seconds(clip.seconds)}, {clip.rate / 1000:g} kHz."
    words = html.escape(" ".join([facts, *clip.notes]))
    loudest = float(np.abs(clip.waveform).argmax()) / clip.rate
    alt = f"Waveform and spectrogram of {clip.name}, {_seconds(clip.seconds)}, loudest at "
    picture = _picture(sound_figure(clip.waveform, clip.rate), alt + _seconds(loudest))
    return _box(f"<p class='ser-quiet'>{words}</p>{picture}")


def cards(models, answers=None, min_confidence=0.5):
    """A card for each model: what it is, and what it hears.

    Arguments
    ---------
    models : list of (str, str)
        Name and sentence about the training of each.
    answers : list of Answer, optional
        Of each model; None before there is a clip.
    min_confidence : float
        Below it, an answer is called unsure.
    """
    made = []
    order = _order(answers) if answers else []
    for place, (name, told) in enumerate(models):
        parts = [f"<h2>{html.escape(name)}</h2><p class='ser-quiet'>{html.escape(told)}</p>"]
        if answers:
            parts += _heard(answers[place], order, min_confidence)
        made.append(f"<section class='ser-card'>{''.join(parts)}</section>")
    line = ""
    if answers and len(answers) > 1:
        line = f"<p class='ser-line'>{html.escape(compared(answers, min_confidence))}</p>"
    return _box(f"{line}<div class='ser-cards'>{''.join(made)}</div>")


def verdict(answer, min_confidence):
    """What a model hears, in a few words, and whether it is sure: (str, bool)."""
    share = answer.scores[answer.best]
    if share < min_confidence:
        words = f"Unsure: {answer.best} comes closest with {_percent(share)}"
        return f"{words}, below the {_percent(min_confidence)} asked for.", False
    return f"{answer.best}, {_percent(share)}", True


def compared(answers, min_confidence):
    """One sentence on whether the models agree."""
    sure = [verdict(answer, min_confidence)[1] for answer in answers]
    names = [answer.best for answer in answers]
    if not any(sure):
        return "Both models are unsure."
    if len(set(names)) == 1:
        return f"Both hear {names[0]}" + ("." if all(sure) else ", one of them unsure.")
    return f"They differ: {' against '.join(names)}" + (
        "." if all(sure) else ", one of them unsure."
    )


def _heard(answer, order, min_confidence):
    """Verdict, bars and emotion over time of one answer."""
    words, sure = verdict(answer, min_confidence)
    yield f"<p class='ser-verdict{'' if sure else ' ser-unsure'}'>{html.escape(words)}</p>"
    over = ""
    if answer.timeline is not None:
        count = len(answer.timeline.starts)
        over = f", mean of {count} windows of {WINDOW:g} s"
    rows = []
    for label in [label for label in order if label in answer.scores]:
        share = answer.scores[label]
        best = " class='ser-best'" if label == answer.best else ""
        rows.append(
            f"<tr{best}><th scope='row'>{html.escape(label)}</th><td class='ser-track'>"
            f"<div class='ser-bar' style='width:{100 * share:.1f}%'></div></td>"
            f"<td class='ser-number'>{_percent(share)}</td></tr>"
        )
    yield (
        f"<table class='ser-bars'><caption class='ser-quiet'>Probability of each emotion{over}"
        f"</caption>{''.join(rows)}</table>"
    )
    if answer.timeline is not None:
        found = answer.timeline
        told = [f"{a:.1f} to {b:.1f} s {label}" for a, b, label in stretches(found)]
        png = timeline_figure(found.labels, edges(found), found.probabilities)
        yield "<h3>Emotion over time</h3>"
        yield _picture(png, "Probability of each emotion over time; in words below")
        yield (
            "<details><summary>The same in words</summary>"
            f"<p class='ser-quiet'>{html.escape('; '.join(told))}.</p></details>"
        )


def _order(answers):
    """All labels, by their mean probability, so that the rows of two models can be compared."""
    means = {}
    for answer in answers:
        for label, share in answer.scores.items():
            means[label] = means.get(label, 0.0) + share
    return sorted(means, key=lambda label: -means[label])


def _picture(png, alt):
    data = base64.b64encode(png).decode("ascii")
    return f"<img alt='{html.escape(alt, quote=True)}' src='data:image/png;base64,{data}'>"


def _percent(share):
    return f"{100 * share:.0f} %"


def _seconds(seconds):
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _box(inner):
    return f"<div class='ser'>{inner}</div>"
