"""What each of the five rules scores: a table, a paragraph and a figure from the kept answers."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ser_lib.errors import RunError
from ser_lib.evaluation.figures import BLUE, GREY, INK, PALE, VERMILLION, headed_figure, quiet
from ser_lib.evaluation.files import write_bytes
from ser_lib.evaluation.markdown import percent, span, table
from ser_lib.sweep.kept_table import read_answers, recall, scores
from ser_lib.sweep.leak import FOLDER, RULES, YAML, Rule
from ser_lib.sweep.measured import Score

FIGURE = f"{FOLDER}/leak.png"
_PUBLISHED, _SYSTEM = 96.78, Path(YAML).stem
_KEY = "Description"
#: Whether test speakers are heard in training, and the training's name in the figure.
_TRAININGS = {
    "copies-mixed": (True, "copies and speakers on both sides"),
    "clips-mixed": (True, "speakers on both sides"),
    "scaler-on-all": (False, "speakers apart, scaler fitted on all"),
    "speakers-apart": (False, "speakers apart"),
}


class Outcome(NamedTuple):
    """What a rule scores: its name, itself, ``epoch`` chosen (from 1), scores, and facts (dict).

    ``curve`` is the WA (0 to 1) of the test items after every epoch of the training. ``later`` is
    what the rule scores with all of them, where the training went on beyond the others.
    """

    name: str
    rule: Rule
    epoch: int
    wa: Score
    ua: Score
    facts: dict
    curve: tuple[float, ...]
    later: "Outcome | None" = None


def outcomes(results: str | Path) -> list[Outcome]:
    """Outcomes of the rules whose training was kept, in the order of `RULES`.

    All are compared after as many epochs: those of the shortest training.

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
        common = min((len(curve) for *_, curve in read.values()), default=0)
        for name, rule in RULES.items():
            if rule.training in read:
                training = rule.training
                found.append(_outcome(name, rule, *read[training], common))
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
        f"![{_SYSTEM} on RAVDESS under {len(found)} rules]({FIGURE})\n\n"
        f"The same system (`{_SYSTEM}`), corpus, seed and settings, "
        f"{epochs(found)} epochs in {precision}; the rule differs, and with it who is tested and "
        f"how many items train.{synthetic} `{first.name}` gives "
        f"{percent(first.wa.value, unit=True)}, `{last.name}` "
        f"{percent(last.wa.value, unit=True)} of the items: {_apart(first, last)} points between "
        f"two rules for one system. The source published {_PUBLISHED} % by the first rule, with "
        "120 epochs; in the last of ours validation UA under that rule "
        f"{_last_step(first)}.{_trained_on(found)} The rules below the first two differ from the "
        "clean one in one thing each. Every epoch's answers are in [`leak/`](leak); "
        "`python -m ser_lib.sweep.leak --data_folder PATH/TO/RAVDESS --number_of_epochs "
        f"{epochs(found)} --mixed_precision {facts[0]['mixed_precision']}` makes them, and "
        "`--only TRAINING` with more epochs goes on with one. Each was trained with one seed: read "
        "a difference smaller than its interval as none.\n\n" + table(headers, rows, left=2)
    )


def epochs(found):
    """How many epochs the rules are compared after: those of the shortest training."""
    return min(len(one.curve) for one in found)


def leak_figure(found: Sequence[Outcome], path: str | Path) -> Path:
    """Draws a line a rule: WA with its interval, and what was published; beside it every epoch.

    Arguments
    ---------
    found : sequence of Outcome
        In the order to be drawn.
    path : str or Path
        Where the PNG goes. What it shows is noted inside, for `shows`.
    """
    figure, (ax, beside) = headed_figure(
        11.4,
        0.5 * len(found) + 1.3,
        "One system, one corpus: what the rule of the experiment is worth",
        f"{_SYSTEM} on RAVDESS, accuracy (WA) in percent. Left: after {epochs(found)} epochs, with "
        "95 % intervals over speakers; diamond: published by the first rule, with 120 epochs. "
        "Right: the test items after every epoch that was trained.",
        columns=2,
    )
    _curves(beside, found)
    for y, one in enumerate(found):
        colour = VERMILLION if one.name == "clean" else BLUE
        value, ends = 100 * one.wa.value, [one.wa.low, one.wa.high]
        if None not in ends:
            ends = [100 * end for end in ends]
            ax.plot(ends, [y, y], color=colour, linewidth=7, alpha=0.3, solid_capstyle="butt")
        ax.plot(value, y, "o", color=colour, markersize=8, markeredgecolor="white")
        ax.annotate(
            f"{value:.1f}",
            (value, y),
            (0, 9),
            textcoords="offset points",
            ha="center",
            color=colour,
            fontsize=9,
        )
    if found[0].rule.training == "copies-mixed":
        ax.plot(_PUBLISHED, 0, "D", color="white", markeredgecolor=INK, markersize=7, zorder=3)
    ax.set_yticks(range(len(found)), [one.name for one in found])
    ax.set_ylim(len(found) - 0.5, -0.6)
    ax.set_xlim(0, 100)
    ax.grid(axis="x", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    quiet(ax, spines=("bottom",))
    ax.tick_params(axis="y", labelcolor=INK, labelsize=10)
    ax.tick_params(axis="x", labelcolor=GREY)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None, _KEY: _digest(found)})
    return write_bytes(path, buffer.getvalue())


def shows(found: Sequence[Outcome], path: str | Path) -> bool:
    """Whether a figure is there and shows these very outcomes."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.info.get(_KEY) == _digest(found)
    except OSError:
        return False


def _curves(ax, found):
    """Draws WA after every epoch, a line a training."""
    shown = {one.rule.training: one for one in found}
    for training, one in shown.items():
        wa = [100 * value for value in one.curve]
        mixed, words = _TRAININGS[training]
        colour = BLUE if mixed else VERMILLION
        style = "-" if training in ("copies-mixed", "speakers-apart") else "--"
        ax.plot(range(1, 1 + len(wa)), wa, style, color=colour, linewidth=1.6, label=words)
    if "copies-mixed" in shown:
        ax.axhline(_PUBLISHED, color=INK, linewidth=1, linestyle=":", label="published")
    # Below the lines, which begin near chance and rise.
    ax.legend(fontsize=8, frameon=False, labelcolor=INK, loc="lower right", borderaxespad=0.1)
    ax.set_xlim(1, max(2, *(len(one.curve) for one in found)))
    ax.set_ylim(0, 100)
    ax.set_xlabel("epoch")
    ax.grid(axis="y", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    quiet(ax, spines=("bottom", "left"))
    ax.tick_params(labelcolor=GREY)


def _curve(facts, frame):
    """WA of the test items after every epoch (tuple of float)."""
    epochs = range(1, 1 + len(facts["validation_ua"]))
    return tuple(float((frame[f"epoch_{n}"] == frame["emotion"]).mean()) for n in epochs)


def _outcome(name, rule, facts, frame, curve, epochs):
    """What a rule scores after so many epochs, and where there are more, after all."""

    def at(epoch):
        return frame.assign(predicted=frame[f"epoch_{epoch}"])

    if rule.chooses == "test":
        ua = [recall(at(1 + index)) for index in range(epochs)]
    else:
        ua = facts["validation_ua"][:epochs]
    # The first of equals, as in every training here.
    epoch = 1 + ua.index(max(ua))
    found, later = scores(at(epoch)), None
    if epochs < len(curve):
        later = _outcome(name, rule, facts, frame, curve, len(curve))
    return Outcome(name, rule, epoch, found["wa"], found["ua"], facts, curve, later)


def _trained_on(found):
    """What the rules score whose training went on beyond the others, as sentences."""
    return "".join(
        f" Trained on to {len(one.curve)} epochs, `{one.name}` has "
        f"{percent(one.later.wa.value, unit=True)} [{span(one.later.wa.low, one.later.wa.high)}] "
        f"with epoch {one.later.epoch}."
        for one in found
        if one.later
    )


def _apart(first, last):
    return f"about {100 * (first.wa.value - last.wa.value):.0f}"


def _last_step(one):
    """How validation went in the last epoch, which tells whether the training was at its end."""
    before, after = one.facts["validation_ua"][-2:]
    verb = "still rose" if after > before else "fell" if after < before else "stayed"
    return f"{verb} from {percent(before)} to {percent(after)} %" if before != after else verb


def _digest(found):
    shown = [
        (one.name, [f"{x:.6f}" for x in one.wa], [f"{x:.6f}" for x in one.curve]) for one in found
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()
