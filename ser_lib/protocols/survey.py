"""The audit of all protocols on all corpora at hand, kept as one JSON file.

For each corpus the file tells in what state it was heard, for each protocol the figures of
:mod:`ser_lib.protocols.measure`:

``whole``
    Everything was measured on the whole corpus.
``partial``
    The sound is that of a part; the rest is that of the official layout, where it is known.
``layout``, ``speakers``
    No sound was at hand: the official layout, or of that only who speaks.
``synthetic``
    Computed voices; no number is a result.
"""

import json
from pathlib import Path

from ser_lib.errors import ProtocolError
from ser_lib.protocols.layouts import SPEAKERS_ONLY, layout, whole
from ser_lib.protocols.measure import cut_all, layout_figures, sound_figures, words_said
from ser_lib.protocols.registry import PROTOCOLS, SYNTHETIC

FORMAT = 1
FILE = Path("results", "audit.json")


def survey(manifests, near, earlier=None, classes=None):
    """Audit every protocol.

    Arguments
    ---------
    manifests : dict
        Corpus (as in :attr:`Protocol.corpus`) to its manifest, of those at hand.
    near : callable
        Of a manifest, its near-identical clips (:func:`ser_lib.data.likeness.near_identical`).
    earlier : dict, optional
        What an earlier survey gave; kept for real corpora that are not at hand now.
    classes : str, optional
        Choice of classes of IEMOCAP's manifest.

    Returns
    -------
    dict
        ``format``; ``corpora``: by name ``state``, ``clips`` at hand, those of the ``whole``
        corpus, ``names`` in its layout, and the pairs of ``near_identical`` clips with their
        correlation; ``protocols``: by name ``layout`` and ``sound``, each the figures or None,
        with the ``folds`` that were cut and why the others were ``refused``.
    """
    kept = earlier or {"corpora": {}, "protocols": {}}
    found = {"format": FORMAT, "corpora": {}, "protocols": {}}
    for corpus in sorted({protocol.corpus for protocol in PROTOCOLS.values()}):
        own = {name: p for name, p in sorted(PROTOCOLS.items()) if p.corpus == corpus}
        heard = kept["corpora"].get(corpus, {}).get("state") in ("whole", "partial")
        if corpus not in manifests and heard and own.keys() <= kept["protocols"].keys():
            found["corpora"][corpus] = kept["corpora"][corpus]
            found["protocols"].update({name: kept["protocols"][name] for name in own})
            continue
        manifest, names = manifests.get(corpus), layout(corpus)
        pairs = [] if manifest is None else near(manifest)
        state = _state(corpus, manifest, names, classes)
        found["corpora"][corpus] = {
            "state": state,
            "clips": 0 if manifest is None else len(manifest),
            "whole": whole(corpus, classes),
            "names": None if names is None else len(names),
            "near_identical": [[a, b, round(degree, 3)] for a, b, degree in pairs],
        }
        if names is None or state in ("whole", "synthetic"):
            names = manifest
        for name, protocol in own.items():
            found["protocols"][name] = {
                "layout": _of_names(protocol, names, state),
                "sound": _of_sound(protocol, manifest, pairs),
            }
    return found


def read(path):
    """What :func:`survey` gave, from a JSON file.

    Arguments
    ---------
    path : str or os.PathLike

    Returns
    -------
    dict

    Raises
    ------
    ProtocolError
        Where the file is missing or no such audit.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        good = found["format"] == FORMAT
        good = good and all(isinstance(found[key], dict) for key in ("corpora", "protocols"))
    except OSError as error:
        raise ProtocolError(
            f"cannot read the audit {path} ({error.strerror}); measure it with --data_root FOLDER"
        ) from error
    except (ValueError, LookupError, TypeError):
        good = False
    if not good:
        raise ProtocolError(f"{path} is no audit of protocols; measure with --data_root FOLDER")
    return found


def dumps(found):
    """JSON text of an audit (dict): one line a corpus and one a protocol, so that diffs read."""
    parts = [f' "format": {found["format"]}']
    for key in ("corpora", "protocols"):
        lines = [f"  {_line(name)}: {_line(value)}" for name, value in found[key].items()]
        parts.append(f' "{key}": {{\n' + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value):
    return json.dumps(value, ensure_ascii=False)


def _state(corpus, manifest, names, classes):
    """One of the words of the module's docstring; ``unknown`` where nothing is known."""
    if manifest is None:
        if names is None:
            return "unknown"
        return "speakers" if corpus in SPEAKERS_ONLY else "layout"
    if any(name.endswith(SYNTHETIC) for name in manifest.unique("corpus")):
        return "synthetic"
    return "partial" if len(manifest) < (whole(corpus, classes) or 0) else "whole"


def _of_names(protocol, manifest, state):
    if manifest is None:
        return None
    ledgers, refused = cut_all(protocol, manifest)
    figures = layout_figures(ledgers, words_said(manifest)) if ledgers else {}
    if state == "speakers":
        # The turns were dealt out to the speakers: all that is true of them is who they are.
        for key in ("statements", "words", "class_percent", "women_percent"):
            figures[key] = None
    return {"folds": len(ledgers), "refused": refused, **figures}


def _of_sound(protocol, manifest, pairs):
    if manifest is None:
        return None
    ledgers, refused = cut_all(protocol, manifest)
    figures = sound_figures(ledgers, pairs) if ledgers else {}
    return {"folds": len(ledgers), "refused": refused, **figures}
