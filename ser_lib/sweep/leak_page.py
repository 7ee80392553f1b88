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


class Outcome(NamedTuple):
    """What a rule scores: its name, itself, ``epoch`` chosen (from 1), scores, and facts (dict)."""

    name: str
    rule: Rule
    epoch: int
    wa: Score
    ua: Score
    facts: dict


def outcomes(results: str | Path) -> list[Outcome]:
    """Outcomes of the rules whose training was kept, in the order of `RULES`.

    Raises
    ------
    RunError
        A file is damaged; names it.
    """
    found = []
    for name, rule in RULES.items():
        path = Path(results, FOLDER, f"{rule.training}.json")
        if path.is_file():
            try:
                found.append(_outcome(name, rule, *read_answers(path)))
            except LookupError as error:
                raise RunError(f"{path}: {error} is missing; make the training again") from error
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
        "120 epochs; in the last one here validation UA under that rule "
        f"{_last_step(first)}. The rules below the first two differ from the clean one in one "
        "thing each. Every "
        "epoch's answers are in [`leak/`](leak); `python -m ser_lib.sweep.leak --data_folder "
        f"PATH/TO/RAVDESS --number_of_epochs {len(facts[0]['validation_ua'])} --mixed_precision "
        f"{facts[0]['mixed_precision']}` makes them. Each was trained with one seed: read a "
        "difference smaller than its interval as none.\n\n" + table(headers, rows, left=2)
    )


def epochs(found):
    """How many epochs were trained (str), with ``or`` where they differ."""
    return " or ".join(map(str, sorted({len(one.facts["validation_ua"]) for one in found})))


def leak_figure(found: Sequence[Outcome], path: str | Path) -> Path:
    """Draws a line a rule: WA with its interval, and what was published.

    Arguments
    ---------
    found : sequence of Outcome
        In the order to be drawn.
    path : str or Path
        Where the PNG goes. What it shows is noted inside, for `shows`.
    """
    figure, ax = headed_figure(
        8.6,
        0.5 * len(found) + 1.3,
        "One system, one corpus: what the rule of the experiment is worth",
        f"{_SYSTEM} on RAVDESS, accuracy (WA) in percent after {epochs(found)} epochs. Bars: 95 % "
        "intervals over speakers. Diamond: published by the first rule, with 120 epochs.",
    )
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


def _outcome(name, rule, facts, frame):
    epochs = range(1, 1 + len(facts["validation_ua"]))

    def at(epoch):
        return frame.assign(predicted=frame[f"epoch_{epoch}"])

    if rule.chooses == "test":
        ua = [recall(at(epoch)) for epoch in epochs]
    else:
        ua = facts["validation_ua"]
    # The first of equals, as in every training here.
    epoch = 1 + ua.index(max(ua))
    found = scores(at(epoch))
    return Outcome(name, rule, epoch, found["wa"], found["ua"], facts)


def _apart(first, last):
    return f"about {100 * (first.wa.value - last.wa.value):.0f}"


def _last_step(one):
    """How validation went in the last epoch, which tells whether the training was at its end."""
    before, after = one.facts["validation_ua"][-2:]
    verb = "still rose" if after > before else "fell" if after < before else "stayed"
    return f"{verb} from {percent(before)} to {percent(after)} %" if before != after else verb


def _digest(found):
    shown = [(one.name, [f"{x:.6f}" for x in one.wa]) for one in found]
    return hashlib.sha256(repr(shown).encode()).hexdigest()
