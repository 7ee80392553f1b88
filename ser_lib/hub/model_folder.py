"""Where a model lies that a person names by the run that made it."""

from pathlib import Path


def model_of(source):
    """The model folder in a run folder; anything else, such as a Hub id, as it is.

    Arguments
    ---------
    source : str or os.PathLike
        Model folder, run folder or Hub id.

    Returns
    -------
    str or os.PathLike
    """
    inside = Path(source, "model")
    try:
        if not Path(source, "config.json").exists() and (inside / "config.json").exists():
            return str(inside)
    except OSError:
        # What loads it tells why it cannot be looked at.
        pass
    return source
