"""What each of the five rules scores: a paragraph and a table from the kept answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ser_lib.errors import RunError
from ser_lib.evaluation.bootstrap import FEW_SPEAKERS
from ser_lib.markdown import listed, percent, span, table
from ser_lib.sweep.kept_table import read_answers, recall, scores
from ser_lib.sweep.leak_rules import FOLDER, RULES, YAML, Rule
from ser_lib.sweep.measured import Score

FIGURE = f"{FOLDER}/leak.png"
PUBLISHED, EPOCHS, SYSTEM = 96.78, 120, Path(YAML).stem


class Outcome(NamedTuple):
    """What a rule scores: its name, itself, ``epoch`` chosen (from 1) of the first ``epochs``,
    scores, facts (dict), and how many ``speakers`` are tested.

    ``curve`` is the WA (0 to 1) of the test items after every epoch of the training. ``later`` is
    what the rule scores after more epochs, where the training went on beyond the others.
    """

    name: str
    rule: Rule
    epochs: int
    epoch: int
    wa: Score
    ua: Score
    facts: dict
    speakers: int
    curve: tuple[float, ...]
    later: "Outcome | None" = None


def outcomes(results: str | Path) -> list[Outcome]:
    """Outcomes of the rules whose training was kept, in the order of `RULES`.

    All are compared after as many epochs: those of the shortest training. Those that went on are
    compared once more, after those of the shortest of them.

    Raises
    ------
    RunError
        A file is damaged; names it.
    """
    paths = {
        rule.training: Path(results, FOLDER, f"{rule.training}.json") for rule in RULES.values()
    }
    read = {training: read_answers(path) for training, path in paths.items() if path.is_file()}
    found = []
    try:
        for training, (facts, frame) in read.items():
            read[training] = facts, frame, _curve(facts, frame)
        lengths = sorted({len(curve) for *_, curve in read.values()})[:2]
        for name, rule in RULES.items():
            if rule.training in read:
                training = rule.training
                found.append(_outcome(name, rule, *read[training], *lengths))
    except LookupError as error:
        raise RunError(f"{paths[training]}: {error} is missing; make the training again") from error
    return found


def section(found: Sequence[Outcome]) -> str:
    """The part of the page (Markdown), without a line break at its end."""
    facts = [one.facts for one in found]
    first, last = found[0], found[-1]
    rows = [
        (
            one.name,
            one.rule.words,
            *(f"{one.facts[key]:,}" for key in ("train_items", "test_items")),
            one.facts["heard_test_speakers"],
            one.epoch,
            *(
                f"{percent(score.value)} [{span(score.low, score.high)}]"
                for score in (one.wa, one.ua)
            ),
        )
        for one in found
    ]
    headers = (
        *("rule", "what is done", "training items", "test items", "test speakers heard"),
        *("epoch", "WA [95 %]", "UA [95 %]"),
    )
    synthetic = " **Synthetic voices.**" if any(one["synthetic"] for one in facts) else ""
    precision = facts[0]["mixed_precision"].replace("no", "float32")
    return (
        "## The leak, demonstrated\n\n"
        f"![{SYSTEM} on RAVDESS under {len(found)} rules]({FIGURE})\n\n"
        f"The same system (`{SYSTEM}`), corpus, seed and settings, "
        f"{first.epochs} epochs in {precision}; the rule differs, and with it who is tested and "
        f"how many items train.{synthetic} `{first.name}` gives "
        f"{percent(first.wa.value, unit=True)}, `{last.name}` "
        f"{percent(last.wa.value, unit=True)} of the items: {_apart(first, last)} points between "
        f"two rules for one system. The source published {PUBLISHED} % by the first rule, with "
        f"{EPOCHS} epochs{_last_step(first)}.{_trained_on(found)} The rules below the "
        f"first two differ from the clean one in one thing each.{_no_clear(found)}{_rough(found)} "
        "Every epoch's answers are in [`leak/`](leak); `python -m ser_lib.sweep.leak --data_folder "
        f"PATH/TO/RAVDESS --number_of_epochs {first.epochs} --mixed_precision "
        f"{facts[0]['mixed_precision']}` makes them, and "
        "`--only TRAINING` with more epochs goes on with one. Each was trained with one seed: read "
        "a difference smaller than its interval as none.\n\n" + table(headers, rows, left=2)
    )


def _curve(facts, frame):
    """WA of the test items after every epoch (tuple of float)."""
    epochs = range(1, 1 + len(facts["validation_ua"]))
    return tuple(float((frame[f"epoch_{n}"] == frame["emotion"]).mean()) for n in epochs)


def _outcome(name, rule, facts, frame, curve, epochs, more=None):
    """What a rule scores after so many epochs, and where there are ``more``, after these."""

    def at(epoch):
        return frame.assign(predicted=frame[f"epoch_{epoch}"])

    if rule.chooses == "test":
        ua = [recall(at(1 + index)) for index in range(epochs)]
    else:
        ua = facts["validation_ua"][:epochs]
    # The first of equals, as in every training here.
    epoch = 1 + ua.index(max(ua))
    found, later = scores(at(epoch)), None
    if more and more <= len(curve):
        later = _outcome(name, rule, facts, frame, curve, more)
    tested = frame["speaker"].nunique()
    scored = found["wa"], found["ua"]
    return Outcome(name, rule, epochs, epoch, *scored, facts, tested, curve, later)


def _trained_on(found):
    """What the rules score whose training went on beyond the others, as a sentence."""
    longer = [one.later for one in found if one.later]
    if not longer:
        return ""
    told = [
        f"`{one.name}` has {percent(one.wa.value, unit=True)} [{span(one.wa.low, one.wa.high)}] "
        f"with epoch {one.epoch}"
        for one in longer
    ]
    return f" Trained on to {longer[0].epochs} epochs, {listed(told)}."


def _no_clear(found):
    """Which rules are not shown to differ from the last one, as a sentence."""
    *others, clean = found
    same = [f"`{one.name}`" for one in others if (one.wa.low or 0) <= (clean.wa.high or 1)]
    if not same:
        return ""
    have = "has an interval that overlaps" if len(same) == 1 else "have intervals that overlap"
    return f" {listed(same)} {have} with the clean one's: no difference is shown."


def _rough(found):
    """Which rules test so few speakers that their intervals are rough, as a sentence."""
    few = [f"`{one.name}`" for one in found if one.speakers < FEW_SPEAKERS]
    if not few:
        return ""
    return f" Intervals over fewer than {FEW_SPEAKERS} test speakers are rough: {listed(few)}."


def _apart(first, last):
    return f"about {100 * (first.wa.value - last.wa.value):.0f}"


def _last_step(one):
    """How validation went in the last epoch, which tells whether training was at its end."""
    epoch = one.epochs
    if epoch < 2:
        return ""
    before, after = one.facts["validation_ua"][epoch - 2 : epoch]
    verb = "still rose" if after > before else "fell" if after < before else "stayed"
    moved = f"{verb} from {percent(before)} to {percent(after)} %" if before != after else verb
    return f"; in epoch {epoch} of ours validation UA under that rule {moved}"
