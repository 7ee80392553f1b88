"""The corpora that there are, by name."""

import importlib
import pkgutil

import ser_lib.corpora
from ser_lib.errors import CorpusError


def corpora():
    """Corpus modules by their NAME (dict); a module with NAME and prepare is one."""
    modules = (
        importlib.import_module(f"ser_lib.corpora.{module.name}")
        for module in pkgutil.iter_modules(ser_lib.corpora.__path__)
    )
    return {m.NAME: m for m in modules if hasattr(m, "NAME") and hasattr(m, "prepare")}


def by_name(name):
    """The corpus module called ``name`` (str), in capitals or not; CorpusError otherwise."""
    known = corpora()
    for told, module in known.items():
        if told.casefold() == name.casefold():
            return module
    raise CorpusError(f"no corpus is called {name!r}; there are: {', '.join(sorted(known))}")
