"""What a model card says of the pretrained encoder inside, and of what that has heard before."""

from ser_lib.pretrained.heard import encoders, sentence, warning


def encoder_parts(run):
    """Heading and paragraphs (list of str); empty where nothing pretrained is inside.

    Arguments
    ---------
    run : dict
        The run's facts; ``encoder`` is what :func:`ser_lib.pretrained.heard.heard` returns, with
        ``shared`` (what :func:`ser_lib.pretrained.heard.shared_with` returns), or a list of these.
    """
    parts = []
    for encoder in encoders(run):
        parts += [sentence(encoder), *(f"> {text}" for text in [warning(encoder)] if text)]
    return ["## Encoder", *parts] if parts else []


def base_models(run):
    """Hub ids of the encoders (list of str), as the card's metadata has them.

    A name without an owner is a folder's, which nobody else could find.
    """
    names = (encoder["encoder"].partition("@")[0] for encoder in encoders(run))
    return [name for name in dict.fromkeys(names) if "/" in name]
