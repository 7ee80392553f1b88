"""Speech-emotion-recognition recipes, one waveform-to-label artefact for every system."""

from ser_lib.hub.registration import register_when_needed

__version__ = "0.1.0"

register_when_needed()


def __getattr__(name):
    """``ser_lib.load``, imported on first use: torch and Transformers take seconds."""
    if name == "load":
        from ser_lib.hub.pipeline import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
