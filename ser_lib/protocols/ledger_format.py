"""The JSON layout of a ledger: how it is written, and the check of every type when it is read."""

import json

from ser_lib.errors import ProtocolError
from ser_lib.protocols.clips import FACTS, OPTIONAL, Clip
from ser_lib.protocols.promises import PROMISES
from ser_lib.protocols.sharing import PAIRS, SIDES

FORMAT = 1
KINDS = ("speakers", "statements", "clips", "identical_audio", "siblings")
PAIRED = ("identical_audio", "siblings")


def dumps(values):
    """JSON text of a ledger's ``values``: one line a key, and one a clip, so that diffs read."""
    lines = []
    for key, value in values.items():
        if key == "clips":
            rows = [f"  {_line(name)}: {_line(facts)}" for name, facts in value.items()]
            lines.append('"clips": {\n' + ",\n".join(rows) + "\n }")
        else:
            lines.append(f"{_line(key)}: {_line(value)}")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def check(values, path):
    """Arguments for a :class:`ser_lib.protocols.ledger.Ledger` from parsed JSON.

    Arguments
    ---------
    values : object
        What the JSON parser gave.
    path : pathlib.Path
        Where it came from, for the message.

    Raises
    ------
    ProtocolError
        Naming the file and the first key that is missing or not of its type.
    """

    def need(good, key):
        if not good:
            raise ProtocolError(
                f"{path} is not a valid ledger: {key} is missing or malformed; "
                "make it again (`python -m ser_lib.protocols show --help`)"
            )

    need(isinstance(values, dict), "the outer object")
    if isinstance(values.get("format"), int) and values["format"] > FORMAT:
        raise ProtocolError(
            f"{path} is a ledger of format {values['format']}, this ser_lib reads {FORMAT}; "
            "update ser_lib"
        )
    need(values.get("format") == FORMAT, "format")
    for key in ("protocol", "description", "source", "corpus", "sha256"):
        need(_text(values.get(key)), key)
    for key in ("fold", "folds"):
        need(_count(values.get(key)) and values[key] >= 1, key)
    need(values["fold"] <= values["folds"], "fold")
    need("seed" in values and (values["seed"] is None or _count(values["seed"])), "seed")
    copies = values.get("augmented_copies_per_train_clip")
    need(_count(copies), "augmented_copies_per_train_clip")
    need(_texts(values.get("notes")), "notes")
    promises = values.get("promises")
    need(isinstance(promises, dict) and _texts(list(promises.values())), "promises")
    unknown = [name for name in promises if name not in PROMISES]
    if unknown:
        raise ProtocolError(
            f"{path} makes the promise {unknown[0]!r}, which this ser_lib cannot check; "
            "update ser_lib"
        )
    for side in SIDES:
        need(_texts(values.get(side)), side)
    need(isinstance(values.get("counts"), dict) and {*values["counts"]} == {*SIDES}, "counts")
    need(_shared(values.get("shared")), "shared")
    clips = _clips(values.get("clips"), need)
    need(set(clips) == {name for side in SIDES for name in values[side]}, "clips")
    plain = ("protocol", "description", "source", "corpus", "sha256", "fold", "folds", "seed")
    rest = ("notes", "promises", "counts", "shared", *SIDES)
    return {"copies": copies, "clips": clips, **{key: values[key] for key in (*plain, *rest)}}


def _clips(value, need):
    """Id to Clip; calls ``need(False, key)`` for the first clip that is not described."""
    need(isinstance(value, dict) and bool(value), "clips")
    clips = {}
    for name, facts in value.items():
        good = isinstance(facts, dict) and {*facts} == {*FACTS}
        need(good and all(isinstance(fact, str) for fact in facts.values()), f"clip {name!r}")
        need(all(facts[key] for key in FACTS if key not in OPTIONAL), f"clip {name!r}")
        clips[name] = Clip(id=name, **facts)
    return clips


def _shared(value):
    """Whether ``value`` has, for each pair of sides, a list of every kind of shared thing."""
    if not isinstance(value, dict) or {*value} != {f"{a}-{b}" for a, b in PAIRS}:
        return False
    for common in value.values():
        if not isinstance(common, dict) or {*common} != {*KINDS}:
            return False
        for kind, found in common.items():
            if not isinstance(found, list):
                return False
            if kind in PAIRED:
                if not all(_texts(pair) and len(pair) == 2 for pair in found):
                    return False
            elif not _texts(found):
                return False
    return True


def _text(value):
    return isinstance(value, str) and bool(value)


def _texts(value):
    return isinstance(value, list) and all(_text(item) for item in value)


def _count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _line(value):
    """``value`` as JSON on one line, letters of all languages kept readable."""
    return json.dumps(value, ensure_ascii=False)
