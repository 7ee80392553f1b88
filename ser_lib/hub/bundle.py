"""The source of a model beside its weights, for people who do not have ser_lib.

Transformers can run code from a model folder (``trust_remote_code=True``) if it lies in flat
modules that import each other relatively. The modules that a model needs are copied as they
are, with ``from ser_lib.a.b import C`` turned into ``from .ser_lib_a_b import C``. Whoever has
ser_lib never runs these copies: registered classes come first.
"""

import ast
import hashlib
import importlib.util
import sys
from pathlib import Path

from ser_lib.errors import HubError
from ser_lib.models.waveform_ensemble import blocks_of
from ser_lib.registry import lookup

AUTO_MAP = {
    "AutoConfig": "configuration_ser_lib.SERConfig",
    "AutoModelForAudioClassification": "modeling_ser_lib.SERForAudioClassification",
}
_MODELING, _CONFIGURATION = "ser_lib.hub.modeling", "ser_lib.hub.configuration"
_NAMES = {_MODELING: "modeling_ser_lib", _CONFIGURATION: "configuration_ser_lib"}
# Transformers tells whoever lacks SpeechBrain to install it before it runs a bundle.
_ALLOWED = {"torch", "transformers", "speechbrain"} | sys.stdlib_module_names


def write_bundle(spec, folder):
    """Write the modules that a model needs into its folder.

    Arguments
    ---------
    spec : dict
        ``spec`` of the network: what blocks the model is made of.
    folder : str or os.PathLike
        Model folder; exists.

    Returns
    -------
    list of str
        Names of the files written, sorted.

    Raises
    ------
    HubError
        If a module cannot work without ser_lib, because it imports more than torch,
        Transformers, SpeechBrain and the standard library, or in a form that cannot be made
        relative.
    ModelFolderError
        If a block of the spec is not registered.
    """
    blocks = sorted({lookup(part["name"]) for part in blocks_of(spec)}, key=_qualified)
    sources, waiting = {}, [_MODELING, *(cls.__module__ for cls in blocks)]
    while waiting:
        module = waiting.pop()
        if module not in sources:
            sources[module], needed = _relative(module)
            waiting += needed
    # Nothing in the modeling file names the blocks; importing them is what registers them.
    sources[_MODELING] += "\n\n# The blocks of this model, which register themselves on import.\n"
    for cls in blocks:
        line = f"from .{_flat(cls.__module__)} import {cls.__name__}"
        sources[_MODELING] += f"{line}  # noqa: E402, F401\n"
    # Transformers gives a process one configuration class for all folders of one name in which that
    # file is the same, and so the model code of the first of them.
    whole = "\n".join(f"{module}\n{source}" for module, source in sorted(sources.items()))
    digest = hashlib.sha256(whole.encode()).hexdigest()
    sources[_CONFIGURATION] += f"\n# Of the bundle {digest[:16]}\n"
    for module, source in sources.items():
        Path(folder, f"{_flat(module)}.py").write_text(source, encoding="utf-8")
    return sorted(f"{_flat(module)}.py" for module in sources)


def _relative(module):
    """Source of a module with its ser_lib imports made relative, and the names of those."""
    spec = importlib.util.find_spec(module) if module != "__main__" else None
    if spec is None or not spec.has_location or spec.submodule_search_locations is not None:
        raise HubError(f"{module} cannot be bundled; move its classes to a file of their own")
    path = Path(spec.origin)
    text = path.read_text(encoding="utf-8")
    lines, needed = text.splitlines(), []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        where = f"{path.name} line {node.lineno}"
        plain = isinstance(node, ast.Import)
        for name in [alias.name for alias in node.names] if plain else [node.module]:
            if not plain and node.level:
                raise HubError(f"{where}: write the relative import as 'from ser_lib... import'")
            top = name.partition(".")[0]
            if top == "ser_lib":
                lines[node.lineno - 1] = _rewritten(lines[node.lineno - 1], name, plain, where)
                needed.append(name)
            elif top not in _ALLOWED:
                raise HubError(
                    f"{where} imports {top}: a published model needs nothing but torch, "
                    "transformers and speechbrain, so write this part with them"
                )
    return "\n".join(lines) + "\n", needed


def _rewritten(line, name, plain, where):
    """The line with its ``from ser_lib.x import`` made relative."""
    absolute, relative = f"from {name} import ", f"from .{_flat(name)} import "
    if plain or absolute not in line:
        raise HubError(f"{where}: write it as 'from {name} import ...' so that it can be bundled")
    return line.replace(absolute, relative)


def _flat(module):
    """File name, without ending, that a module has in the bundle."""
    return _NAMES.get(module, module.replace(".", "_"))


def _qualified(cls):
    """Sort key of a class: the full name."""
    return f"{cls.__module__}.{cls.__qualname__}"
