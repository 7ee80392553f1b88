"""Cut a manifest into train, validation and test by a named rule, and audit it.

``split(manifest, "ravdess-si6", fold=1)`` gives a :class:`Ledger`: the clip ids of each side,
their hash, and what the sides share. To add a protocol, drop one module into this folder that
calls :func:`register`; it is found by itself.
"""

import importlib
import pkgutil

from ser_lib.protocols.clips import Clip
from ser_lib.protocols.cut import split
from ser_lib.protocols.ledger import Ledger
from ser_lib.protocols.promises import PROMISES, Promise, promise
from ser_lib.protocols.registry import PROTOCOLS, Protocol, lookup, register

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "PROMISES",
    "PROTOCOLS",
    "Clip",
    "Ledger",
    "Promise",
    "Protocol",
    "lookup",
    "promise",
    "register",
    "split",
]
