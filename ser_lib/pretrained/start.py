"""The weights that a system starts from, found before anything that takes time begins."""

_OURS = "!apply:ser_lib.pretrained."
_ENCODER = f"{_OURS}encoder.speech_encoder"


def start_of(hparams):
    """Name of the weights that a system starts from, which are fetched where they are on the Hub.

    Arguments
    ---------
    hparams : Hparams
        A YAML whose front end or classifier is one of :mod:`ser_lib.pretrained`.

    Returns
    -------
    str or None
        As the run will record it; None where the system starts from random weights.

    Raises
    ------
    ModelFolderError, HubError
        If they cannot be used.
    """
    # A system that starts from random weights waits for no library that it does not need.
    front_end, classifier = hparams.value("front_end"), hparams.value("classifier")
    if _tag(front_end) == _ENCODER:
        from ser_lib.pretrained.description import find_encoder

        return str(find_encoder(*_asked(front_end, "source")).found)
    if _tag(classifier).startswith(_OURS) and classifier.get("pretrained") is not None:
        from ser_lib.pretrained.source import locate

        return str(locate(*_asked(classifier, "pretrained")))
    return None


def _tag(block):
    """What makes a block of a YAML from named arguments (str)."""
    return str(block.tag.value) if isinstance(block, dict) and hasattr(block, "tag") else ""


def _asked(block, key):
    return block.get(key), block.get("revision"), block.get("allow_pickle", False)
