"""The audit of all protocols as one table with the words that explain it."""

from ser_lib.protocols.registry import PROTOCOLS

HEADERS = (
    "protocol",
    "corpus",
    "folds",
    "rule; source",
    "speakers known",
    "statements, words known",
    "same audio, nearly, copies",
    "class %, women %",
    "two labels",
)
DASH = "–"
_ABOUT = """\
Measured over all folds (seed 0 where a rule draws). *Speakers known*, of the test and of the \
validation side: 3/24 means that 3 of the side's 24 speakers are also in training (for the test \
side: in training or validation). *Statements, words known*: the same of the test side's \
statements and words. Both are of the worst fold. *Same audio, nearly, copies*: pairs of clips on \
two sides, all folds together: equal samples; spectrograms that correlate from 0.99 on; augmented \
copies of one clip (training makes its copies after the cut, on its own side). *Class %, women \
%*: the rarest and the commonest class of a test side over all folds, and its clips by women. *Two \
labels*: groups of equal samples under several emotions in the fold with most."""
_MEASURED_ON = {"layout": "By the file names", "sound": "With the sound at hand"}


def order(protocol):
    """Sorting key: by corpus (merged ones last), what hears no test speaker first, by name."""
    apart = {"speakers-disjoint", "test-speakers-unseen"} & set(protocol.promises)
    return (bool(protocol.members), protocol.corpus, not apart, protocol.name)


def rows(found):
    """One row a protocol, in the columns of :data:`HEADERS`.

    Arguments
    ---------
    found : dict
        An audit as :func:`ser_lib.protocols.survey.survey` gives it; a protocol that it lacks has
        dashes and says so.

    Returns
    -------
    list of tuple of str
    """
    return [_row(protocol, found) for protocol in sorted(PROTOCOLS.values(), key=order)]


def notes(found):
    """The paragraphs under the table (str): what the columns are, and on what they were measured.

    Arguments
    ---------
    found : dict
        As for :func:`rows`.
    """
    told = {}
    for corpus, held in found["corpora"].items():
        told.setdefault(held["state"], []).append(_heard(corpus, held))
    sentences = [
        f"{sentence.format(', '.join(told[state]))}."
        for state, sentence in (
            ("whole", "On the whole corpus: {}"),
            ("partial", "Sound of a part (\\*), all else from the official file names: {}"),
            ("layout", "No sound at hand, from the official file names: {}"),
            ("speakers", "No sound at hand and no file names, only who speaks: {}"),
            ("synthetic", "Synthetic voices, no results: {}"),
            ("unknown", "Nothing measured: {}"),
        )
        if state in told
    ]
    sentences += [
        f"{_MEASURED_ON[kind]} {figures['folds']} of the {PROTOCOLS[name].folds} folds of `{name}` "
        "could be made."
        for name, held in found["protocols"].items()
        for kind, figures in held.items()
        if name in PROTOCOLS and figures and figures["folds"] < PROTOCOLS[name].folds
    ]
    return f"{_ABOUT}\n\n{' '.join(sentences)}"


def _heard(corpus, held):
    told = []
    if held["state"] == "partial":
        told.append(f"{held['clips']:,} of {held['whole']:,} clips")
    if held["state"] in ("partial", "layout") and held["names"] not in (None, held["whole"]):
        told.append(f"{held['names']:,} names, some of them never released")
    return f"{corpus} ({'; '.join(told)})" if told else corpus


def _row(protocol, found):
    state = found["corpora"].get(protocol.corpus, {}).get("state", "unknown")
    mark = {"partial": " \\*", "synthetic": " (synthetic)"}.get(state, "")
    held = found["protocols"].get(protocol.name)
    layout, sound = ((held or {}).get(key) or {} for key in ("layout", "sound"))
    rule = protocol.short or protocol.describe
    return (
        f"`{protocol.name}`",
        protocol.corpus + mark + ("" if held else " (not measured)"),
        str(protocol.folds),
        f"{rule}; {protocol.credit or protocol.source}",
        _both(layout, "test_speakers", "validation_speakers", _of),
        _both(layout, "statements", "words", _of),
        ", ".join(
            [
                _number(sound.get("identical")),
                _number(sound.get("near_identical")),
                _number(layout.get("copies")),
            ]
        ),
        _both(layout, "class_percent", "women_percent", _span),
        _number(sound.get("conflicts")),
    )


def _both(figures, first, second, write):
    """Two figures with a comma."""
    return ", ".join(
        DASH if figures.get(key) is None else write(figures[key]) for key in (first, second)
    )


def _of(pair):
    return f"{pair[0]}/{pair[1]}"


def _span(pair):
    low, high = (f"{value:.0f}" for value in pair)
    return low if low == high else f"{low}–{high}"


def _number(value):
    return DASH if value is None else str(value)
