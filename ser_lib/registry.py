"""Names for building blocks, so that a model folder holds names and plain values only.

A class joins with ``@register("name")``. Its instances then carry ``spec``: the name and the
arguments they were made with, as JSON-ready values. :func:`build` turns a spec back into an
instance. Only registered names can be built: a ``config.json`` can choose among our blocks,
never name code of its own.
"""

import functools
import importlib
import inspect
import pkgutil

from ser_lib.errors import ModelFolderError

_BLOCKS = {}
_ROOMS = ("ser_lib.features", "ser_lib.models")


def register(name):
    """Class decorator: make the class buildable by ``name`` and let instances keep their spec.

    Arguments
    ---------
    name : str
        Unique, lower case, stable for ever: published model folders contain it.

    Raises
    ------
    ValueError
        If another class holds the name already.
    """

    def decorate(cls):
        known = _BLOCKS.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise ValueError(f"the name {name!r} belongs to {known.__qualname__} already")
        signature = inspect.signature(cls.__init__)
        plain_init = cls.__init__

        @functools.wraps(plain_init)
        def init(self, *args, **kwargs):
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            plain_init(self, *args, **kwargs)
            # Only the outermost class speaks for the instance: a subclass's super().__init__()
            # must not leave the parent's name behind.
            if type(self) is cls:
                values = dict(list(bound.arguments.items())[1:])
                self.spec = {"name": name, **{key: _plain(v) for key, v in values.items()}}

        cls.__init__ = init
        cls.registered_name = name
        _BLOCKS[name] = cls
        return cls

    return decorate


def build(spec):
    """Instance of a registered block from its spec.

    Arguments
    ---------
    spec : dict
        ``{"name": ..., argument: value, ...}`` as kept in ``instance.spec``.

    Raises
    ------
    ModelFolderError
        If the name is not registered or the arguments do not fit.
    """
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
        raise ModelFolderError(
            f"not the description of a building block: {_short(repr(spec))}; copy the model again, "
            "or choose another"
        )
    name = spec["name"]
    arguments = {key: value for key, value in spec.items() if key != "name"}
    cls = lookup(name)
    try:
        return cls(**arguments)
    except (TypeError, ValueError, ArithmeticError, LookupError, RuntimeError) as error:
        raise ModelFolderError(
            f"cannot build {name!r} ({_short(error)}); copy the model again, or choose another"
        ) from error


def lookup(name):
    """Class registered under ``name`` (str); raises ModelFolderError where there is none."""
    if name not in _BLOCKS:
        _discover()
    if name not in _BLOCKS:
        raise ModelFolderError(
            f"unknown building block {name!r}; update ser_lib, where a newer one has it, or choose "
            f"another model. This version has: {', '.join(sorted(_BLOCKS))}"
        )
    return _BLOCKS[name]


def names():
    """Sorted names of all registered blocks (list of str)."""
    _discover()
    return sorted(_BLOCKS)


def _discover():
    """Import every module of the rooms that hold blocks, so that they register themselves."""
    for room in _ROOMS:
        for module in pkgutil.iter_modules(importlib.import_module(room).__path__):
            importlib.import_module(f"{room}.{module.name}")


def _short(text):
    """What a stranger's file or PyTorch has to say, in one line of some length (str)."""
    return " ".join(str(text).split())[:150]


def _plain(value):
    """``value`` as JSON keeps it; raises TypeError for anything but plain data."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    raise TypeError(f"a registered block takes plain values only, not {type(value).__name__}")
