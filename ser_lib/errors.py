"""Errors whose message is written for the person at the keyboard.

Every error that a person can cause or mend is a :class:`SerError`: its message is one line
that names the file or key and says what to do next. Command-line entry points print that
line and exit with a code other than 0; any other exception is a fault of ours and keeps its
traceback.
"""


class SerError(Exception):
    """Base of all errors that end in one line for the person instead of a traceback."""


class AudioError(SerError, ValueError):
    """A sound file or array that cannot be used (missing, truncated, empty, not finite)."""


class CorpusError(SerError):
    """A corpus folder that is absent, incomplete or not laid out as its publisher does."""


class ProtocolError(SerError):
    """An unknown protocol, a fold out of range, or a split that breaks its own promise."""


class HparamsError(SerError):
    """A missing YAML, an unknown key or a value of the wrong type."""


class RunError(SerError):
    """A run folder that cannot be written, or that belongs to another run."""


class ModelFolderError(SerError):
    """A model folder that is incomplete, corrupt or of another architecture."""


class HubError(SerError):
    """A push that cannot succeed: no credentials, no network, no such repository."""


class ToldElsewhere(SerError):
    """What another process of the same run says in one line, which this one need not repeat."""
