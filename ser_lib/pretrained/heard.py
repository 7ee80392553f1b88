"""What a pretrained encoder has heard: the corpora of speech that its authors trained it on.

A test on speech that the encoder was trained on, with labels or without, is no test of new speech.
Published encoders are looked up in :mod:`ser_lib.pretrained.heard_table`; models of this package
carry their corpora in their ``config.json``. What neither tells is not known, and said to be.
"""

import json
from pathlib import Path

from ser_lib.markdown import listed, words
from ser_lib.pretrained.heard_table import FAMILIES, KNOWN
from ser_lib.pretrained.names import short, snapshot_of

_KNOWN = {key.casefold(): (key, *told) for key, told in KNOWN.items()}
_STRANGER = (None, "not in the table of ser_lib/pretrained/heard_table.py")
_OWN = "its own config.json"


def heard(name, folder=None):
    """What an encoder was trained on before it came here.

    Arguments
    ---------
    name : str
        Hub id, with ``@version`` or without, or the name of a folder.
    folder : str or Path, optional
        Where it lies. A ``config.json`` there with ``provenance`` adds the corpora that a model of
        this package was trained on, and what its own encoder had heard. Of any other model that is
        not in the table, its ``_name_or_path`` may name one that is: the model it began as.

    Returns
    -------
    dict
        ``encoder`` (str, ``name`` as given), ``corpora`` (list of str; None where it is not known,
        empty where it heard no speech), ``source`` (str, where that is told) and ``whole`` (bool,
        False where it may have heard others too).
    """
    corpora, source = _look_up(name)
    config = _config(folder)
    own, whole = _provenance(config), corpora is not None
    if own.get("corpora"):
        if (corpora, source) == _STRANGER:
            corpora, source = _before(own)
        whole = corpora is not None
        if corpora is None:
            source = f"{_OWN}; what it had heard before that is not known: {source}"
        else:
            source = f"{_OWN}; {source}" if source else _OWN
        corpora = dict.fromkeys([*(corpora or ()), *map(str, own["corpora"])])
    elif (corpora, source) == _STRANGER:
        corpora, source = _began(config)
    return {
        "encoder": str(name),
        "corpora": None if corpora is None else list(corpora),
        "source": source,
        "whole": whole,
    }


def shared_with(heard, test_corpora):
    """Corpora of a test that the encoder has heard (list of str, in the order of the test's).

    Arguments
    ---------
    heard : dict
        From :func:`heard`.
    test_corpora : sequence of str
        The corpora's NAMEs. Synthetic voices in a corpus's layout (``RAVDESS-synthetic``) are not
        that corpus, and shared only with an encoder that was trained on them.
    """
    known = {corpus.casefold() for corpus in heard["corpora"] or ()}
    return [corpus for corpus in dict.fromkeys(test_corpora) if corpus.casefold() in known]


def encoders(run):
    """Encoders that a run's facts tell of (list of dict, each once); several over several folds."""
    told = run.get("encoder") or []
    found = []
    for encoder in [told] if isinstance(told, dict) else told:
        if encoder is not None and encoder not in found:
            found.append(encoder)
    return found


def sentence(heard):
    """What an encoder has heard, for people (str).

    Arguments
    ---------
    heard : dict
        From :func:`heard`. Where ``kind`` is ``model``, the words are those for a whole classifier.
    """
    what, corpora = f"{_kind(heard)} `{short(heard['encoder']).replace('`', '')}`", heard["corpora"]
    # An encoder's own config.json may have said it.
    source = words(heard["source"])
    if corpora is None:
        return (
            f"What the {what} has heard before is not known ({source}); the tested speech may be "
            "among it."
        )
    if not corpora:
        return f"The {what} has heard no speech ({source})."
    return f"The {what} was trained on {listed(map(words, corpora))} ({source})."


def warning(heard):
    """What a reader must know of a test on speech that the encoder has heard (str), or nothing."""
    shared = [words(corpus) for corpus in heard.get("shared") or ()]
    if not shared:
        return ""
    return (
        f"**The {_kind(heard)} has heard {listed(shared)}, which is tested here: these numbers do "
        f"not measure speech of {listed(shared)} that is new to it.**"
    )


def _look_up(name):
    """Corpora (tuple or None) and source (str) of the table for an id."""
    key = str(name).partition("@")[0].casefold()
    if key in _KNOWN:
        spelling, corpora, source = _KNOWN[key]
        return corpora, source or f"https://huggingface.co/{spelling}"
    return next((told for start, told in FAMILIES.items() if key.startswith(start)), _STRANGER)


def _before(provenance):
    """What a model of this package had heard before its training; nothing where it began anew."""
    encoder = provenance.get("encoder")
    if isinstance(encoder, dict):
        return encoder.get("corpora"), str(encoder.get("source", ""))
    started = provenance.get("initialised_from")
    return _look_up(started) if started else ((), "")


def _began(config):
    """Corpora and source for a model whose ``config.json`` names one of the table as its start."""
    began = config.get("_name_or_path")
    if not isinstance(began, str):
        return _STRANGER
    name, _ = snapshot_of(began) or (began, None)
    corpora, source = _look_up(name)
    if (corpora, source) == _STRANGER:
        return _STRANGER
    return corpora, f"{_OWN} names {name}, {source}; whether it heard more since is not told"


def _kind(heard):
    return "model" if heard.get("kind") == "model" else "encoder"


def _config(folder):
    """Values of the ``config.json`` in a folder (dict); empty where there is none to read."""
    try:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):  # of None, too
        return {}
    return config if isinstance(config, dict) else {}


def _provenance(config):
    """What a model of this package tells of its training (dict); empty of any other."""
    provenance = config.get("provenance")
    whole = isinstance(provenance, dict) and isinstance(provenance.get("corpora", []), list)
    return provenance if whole else {}
