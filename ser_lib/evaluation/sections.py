"""The paragraphs and tables of a report, each from the run's facts and its scorecard.

One run and a run over all folds say most things alike; what they say alike is here.
"""

from collections.abc import Mapping, Sequence

from ser_lib.evaluation.bootstrap import FEW_SPEAKERS
from ser_lib.markdown import count, listed, percent, span, table
from ser_lib.pretrained.heard import encoders, sentence, warning

NAMES = {"ua": "UA (mean recall)", "wa": "WA (accuracy)", "macro_f1": "macro-F1"}
MOST_GROUPS = 30
_BOTH = ("_before", "")
BANNER = (
    "> **Synthetic voices: no claim about human speech.** The clips were made by a program to "
    "try the recipe; the numbers below show that it runs, and nothing else."
)


def heard_speakers(run: Mapping) -> list[str]:
    """Test speakers who are also in train or validation, sorted."""
    shared = run["shared"]
    return sorted({*shared["train-test"]["speakers"], *shared["validation-test"]["speakers"]})


def headline(run: Mapping, card: Mapping) -> str:
    """The result in one sentence: who was heard, the UA, its interval, what guessing gives."""
    speakers, heard = card["interval"]["speakers"], len(heard_speakers(run))
    who = count(speakers, "speaker")
    if not heard:
        known_before = any(encoder.get("shared") for encoder in encoders(run))
        who += " new to its training" if known_before else " it never heard"
    elif heard < speakers:
        who += f", {heard} of whom it knows from training or validation"
    else:
        who += " it knows from training or validation"
    ua = card["metrics"]["ua"]
    around = ""
    if ua["low"] is not None:
        around = f" (95 % interval {span(ua['low'], ua['high'])})"
    return (
        f"On {count(card['clips'], 'clip')} of {who}, {run['system_title']} reaches "
        f"**UA {percent(ua['value'], unit=True)}**{around}, where guessing gives "
        f"{percent(card['chance']['ua'], unit=True)}."
    )


def pretrained(run: Mapping) -> str:
    """What a pretrained encoder has heard, and a flag where that is tested; nothing without one."""
    texts = [text for told in encoders(run) for text in (sentence(told), warning(told))]
    return " ".join(text for text in texts if text)


def sharing(run: Mapping) -> str:
    """What train and test have in common, said plainly."""
    common = run["shared"]["train-test"]
    leaks = []
    if common["speakers"]:
        n = len(common["speakers"])
        are = "speaker is" if n == 1 else "speakers are"
        leaks.append(f"{n} {are} on both sides, so this number says little about new voices")
    if common["clips"]:
        leaks.append(f"{count(len(common['clips']), 'clip')} on both sides, learnt by heart")
    if common["identical_audio"]:
        pairs = count(len(common["identical_audio"]), "pair")
        leaks.append(f"{pairs} of clips with the very same samples on both sides")
    if common["siblings"]:
        leaks.append(
            f"{count(len(common['siblings']), 'pair')} of a clip and its augmented copy "
            "on both sides"
        )
    lines = []
    if leaks:
        lines.append(f"**Train and test overlap: {'; '.join(leaks)}.**")
    else:
        lines.append("Train and test share no speaker, no clip and no copy of a clip.")
    behind = set(run["shared"]["validation-test"]["speakers"]) - set(common["speakers"])
    if behind:
        are = "is" if len(behind) == 1 else "are"
        lines.append(
            f"**{count(len(behind), 'test speaker')} {are} also in validation, which chose the "
            "epoch.**"
        )
    n = len(common["statements"])
    if n:
        what = "The same sentence is" if n == 1 else f"The same {n} sentences are"
        lines.append(f"{what} spoken on both sides, so nothing is said about other words.")
    return " ".join([*lines, *_two_labels(run)])


def _two_labels(run: Mapping) -> list[str]:
    """Which clips have the samples of a clip with another label: a sentence, or none."""
    told = run.get("two_labels", {})
    clips = {name for names in told.values() for name in names}
    if not clips:
        return []
    have = "has" if len(clips) == 1 else "have"
    where = listed([f"{len(names)} in {side}" for side, names in told.items() if names])
    # Over the folds one clip is on several sides.
    fold = ", each in some fold" if run["fold"] == "all" else ""
    return [
        f"{count(len(clips), 'clip')} {have} identical audio under another label: {where}{fold}."
    ]


def results(card: Mapping) -> str:
    """The table of UA, WA and macro-F1 with intervals and guessing, and how to read it."""
    guessing = {"ua": card["chance"]["ua"], "wa": card["chance"]["majority_wa"]}
    rows = [
        (
            NAMES[key],
            percent(score["value"]),
            span(score["low"], score["high"]),
            percent(guessing.get(key)),
        )
        for key, score in card["metrics"].items()
    ]
    headers = ("percent", "value", "95 % interval", "guessing")
    return f"{table(headers, rows)}\n\n{interval_note(card)}"


def calibration(card: Mapping) -> str:
    """ECE and Brier score, with and without the temperature; nothing where nobody computed them."""
    found = card.get("calibration")
    if not found:
        return ""
    rows = [
        ("expected calibration error (ECE), percent", *(percent(found[f"ece{k}"]) for k in _BOTH)),
        ("Brier score, 0 to 2", *(_two(found[f"brier{k}"]) for k in _BOTH)),
    ]
    if found["ece_before"] is None:
        rows = [row[::2] for row in rows]
        return table(("", "as it answers"), rows)
    return (
        f"{table(('', 'before', 'as it answers'), rows)}\n\nLogits are divided by a temperature "
        f"of {found['temperature']:.2f}, which was fitted on validation and is in the model; it "
        "changes no answer, only how sure it is."
    )


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def interval_note(card: Mapping) -> str:
    """What the intervals are, with a caution where they rest on few speakers or none."""
    speakers, resamples = card["interval"]["speakers"], card["interval"]["resamples"]
    guessing = "Guessing is a random class for UA and always the most frequent class for WA."
    if speakers < 2:
        return f"There is no interval: one speaker says nothing about the next. {guessing}"
    note = (
        f"Intervals: percentile bootstrap over {count(speakers, 'speaker')}, "
        f"{count(resamples, 'resample')}; whole speakers are drawn, because the clips of one "
        f"voice are alike. {guessing}"
    )
    if speakers < FEW_SPEAKERS:
        note += (
            f"\n\n> **Caution:** an interval from {speakers} speakers is rough; it is "
            "probably too narrow."
        )
    return note


def class_table(card: Mapping) -> str:
    """Clips, recall with interval, precision and F1 of each class."""
    rows = [
        (
            name,
            row["support"],
            percent(row["recall"]),
            span(row["recall_low"], row["recall_high"]),
            percent(row["precision"]),
            percent(row["f1"]),
        )
        for name, row in card["per_class"].items()
    ]
    return table(("class", "clips", "recall", "95 % interval", "precision", "F1"), rows)


def confusions(card: Mapping, most: int = 3) -> str:
    """The pairs that are confused most, by number of clips, in one sentence."""
    classes, counts = card["confusion"]["classes"], card["confusion"]["counts"]
    pairs = [
        (n, true, guess, sum(row))
        for true, row in zip(classes, counts, strict=True)
        for guess, n in zip(classes, row, strict=True)
        if n and true != guess
    ]
    if not pairs:
        return "It confuses nothing: every test clip is right."
    pairs.sort(key=lambda pair: (-pair[0], pair[3]))
    phrases = [
        f"{true} for {guess} ({n} of {clips} clips, {percent(n / clips, unit=True)})"
        for n, true, guess, clips in pairs[:most]
    ]
    return f"Most often it takes {listed(phrases)}."


def groups(card: Mapping) -> str:
    """One table a breakdown, for those where the corpus has more than one group."""
    parts = []
    for column, rows in told_groups(card).items():
        counts = ("n", "classes") if column == "speaker" else ("n", "speakers", "classes")
        lines = [
            (
                name or "(not told)",
                *(row[key] for key in counts),
                *(percent(row[key]) for key in ("ua", "wa")),
            )
            for name, row in rows.items()
        ]
        headers = (column, "clips", *counts[1:], "UA", "WA")
        parts.append(table(headers, lines))
    for column, rows in card["by"].items():
        if len(rows) > MOST_GROUPS:
            parts.append(f"The {len(rows)} groups by {column} are in metrics.json.")
    worst = card["worst_speaker"]
    if len(card["by"]["speaker"]) > 1:
        parts.append(
            f"Worst speaker: {worst['speaker']}, UA "
            f"{percent(worst['ua'], unit=True)} on {count(worst['n'], 'clip')}."
        )
    probe = card.get("corpus_probe")
    if probe:
        parts.append(
            "Corpus-identity probe: from the system's answers a linear model guesses which of "
            f"{len(probe['corpora'])} corpora a clip is from with "
            f"{percent(probe['from_answers'], unit=True)} balanced accuracy; from the true emotion "
            f"alone with {percent(probe['from_labels'], unit=True)}, by chance "
            f"{percent(probe['chance'], unit=True)}. The more the first exceeds the second, the "
            "more of the answers is the corpus and not the emotion."
        )
    uneven = [
        name
        for rows in told_groups(card).values()
        for name, row in rows.items()
        if row["classes"] < len(card["per_class"])
    ]
    if uneven:
        parts.append(
            "A group's UA is the mean over the classes it has, so compare groups with "
            "unlike numbers of classes with care."
        )
    return "\n\n".join(parts) or "All clips are of one group."


def told_groups(card: Mapping) -> dict[str, Mapping]:
    """The breakdowns with at least two groups, and no more than a reader can take in."""
    return {c: rows for c, rows in card["by"].items() if 1 < len(rows) <= MOST_GROUPS}


def document(title: str, parts: Sequence[tuple[str, str]]) -> str:
    """Joins titled parts into one Markdown text; a part without text is left out."""
    blocks = [f"# {title}"]
    for heading, text in parts:
        if text:
            blocks += [f"## {heading}", text] if heading else [text]
    return "\n\n".join(blocks) + "\n"
