"""Systems as YAML files: their keys, their values after overrides, and an ensemble's members."""

from ser_lib.hparams.keys import BY_GRADIENT, FOLDERS, ROOT, STARTS, TOO_DEEP
from ser_lib.hparams.members import members_of, systems_of
from ser_lib.hparams.system import Hparams
from ser_lib.hparams.text import find_yaml

__all__ = [
    "BY_GRADIENT",
    "FOLDERS",
    "ROOT",
    "STARTS",
    "TOO_DEEP",
    "Hparams",
    "find_yaml",
    "members_of",
    "systems_of",
]
