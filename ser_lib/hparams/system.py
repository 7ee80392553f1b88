"""One system: its YAML, with overrides from the command line.

HyperPyYAML runs whatever a YAML names: it is for a person's own recipes and is never used on
a downloaded model.
"""

import io
import json
import re
from pathlib import Path

import ruamel.yaml
from hyperpyyaml import load_hyperpyyaml, resolve_references

from ser_lib.errors import HparamsError, SerError
from ser_lib.hparams.keys import (
    BLOCKS,
    FACTORIES,
    FOLDERS,
    KINDS,
    LIKE,
    LISTS,
    RESOLVED,
    SETTING_TYPES,
    SETTINGS,
    STARTS,
    TEXTS,
    TOO_DEEP,
    WEIGHTS,
)
from ser_lib.hparams.text import (
    find_yaml,
    finite,
    first_line,
    from_text,
    hint,
    is_built,
    parse,
    plain_type,
    references,
    section,
)
from ser_lib.pretrained.names import snapshot_of
from ser_lib.training.settings import TrainingSettings, check_type


class Hparams:
    """One system's YAML with the overrides of one run.

    Arguments
    ---------
    path : str or Path
        YAML, from where the person stands or from the repository's root.
    overrides : dict
        ``{key: text}`` as typed on the command line; ``text`` is read as YAML.

    Raises
    ------
    HparamsError
        If the file is missing or is no YAML, a key is unknown, or a value has the wrong type.
    """

    def __init__(self, path, overrides=None):
        self.path = find_yaml(path)
        try:
            self.text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise HparamsError(f"{self.path} cannot be read as text; give a YAML") from error
        self.tree = parse(self.path, self.text)
        self._check_keys(overrides or {})
        self.overrides = {key: self._override(key, text) for key, text in (overrides or {}).items()}
        # Settings that the YAML leaves at their defaults can be given all the same.
        added = [key for key in self.overrides if key not in self.tree]
        self.text += "".join(f"\n{key}: {json.dumps(self.overrides[key])}\n" for key in added)
        self.tree = parse(self.path, self.text)
        # References resolved, so that a setting may be one; the classes do not matter for it.
        self.values = parse(self.path, self.resolved(n_classes=1))
        for key, value in self.values.items():
            if isinstance(value, float):
                finite(key, value)
        for key in (*FOLDERS, *TEXTS, *STARTS):
            if self.value(key) is not None:
                check_type(key, self.value(key), str)
        for key, wanted in LISTS.items():
            if self.value(key) is not None:
                check_type(key, self.value(key), wanted)
        # In an ensemble's YAML, null leaves a setting to the members.
        own = {key: self.value(key) for key in SETTINGS if key in self.tree}
        if self.kind == "ensemble":
            own = {key: value for key, value in own.items() if value is not None}
        self.settings = TrainingSettings(**own)

    @property
    def kind(self):
        """How the system comes into being (str): ``gradient``, ``estimator`` or ``ensemble``."""
        return next((kind for kind, keys in KINDS.items() if keys[0] in self.tree), "gradient")

    @property
    def start(self):
        """Weights that the system starts from, a folder or an id of the Hub (str), or None."""
        return next((self.value(key) for key in STARTS if self.value(key)), None)

    @property
    def system(self):
        """Name of the system: the YAML's, and that of the weights it starts from (str)."""
        return f"{self.path.stem}-{self._start_name()}" if self.start else self.path.stem

    @property
    def title(self):
        """The system in words, with the name of the weights it starts from (str)."""
        title = self.value("system_title")
        if not title:
            return self.system
        return f"{title} ({self._start_name()})" if self.start else title

    def _start_name(self):
        return Path((snapshot_of(self.start) or [self.start])[0]).name

    def value(self, key, default=None):
        """Plain value of a key after the overrides."""
        return self.values.get(key, default)

    def keys(self):
        """``{key: value}`` of everything that can be overridden."""
        return {key: self.value(key) for key in self._open_keys()}

    def _open_keys(self):
        return [
            key
            for key, value in self.tree.items()
            if not key.startswith("__") and key not in BLOCKS and not is_built(value)
        ]

    def build(self, n_classes):
        """Instantiate everything the YAML names.

        Arguments
        ---------
        n_classes : int
            Number of emotions of the recipe's corpus.

        Returns
        -------
        dict
            Key to object.

        Raises
        ------
        HparamsError
            If something the YAML names does not exist or refuses its arguments.
        """
        try:
            built = load_hyperpyyaml(
                io.StringIO(self.text), {**self.overrides, "n_classes": n_classes}
            )
        except SerError:
            raise
        except Exception as error:  # whatever a person's own YAML may run into
            raise HparamsError(f"{self.path}: {first_line(error)}") from error
        for key in BLOCKS:
            made = built.get(key)
            fits = callable(made) if key in FACTORIES else hasattr(made, "spec")
            if not fits and not (made is None and key not in KINDS[self.kind]):
                kind = "!name:" if key in FACTORIES else "!new:"
                raise HparamsError(f"{self.path}: {key} is {made!r}; name a class with {kind}")
        return built

    def resolved(self, n_classes):
        """The YAML with every reference replaced by its value (str); raises HparamsError."""
        overrides = {**self.overrides, "n_classes": n_classes}
        try:
            return resolve_references(io.StringIO(self.text), overrides).read()
        except (ValueError, TypeError, KeyError) as error:
            raise HparamsError(f"{self.path}: {first_line(error)}") from error
        except RecursionError as error:
            raise HparamsError(f"{self.path}: {TOO_DEEP}") from error

    def to_repeat(self, n_classes):
        """The YAML of :meth:`resolved` (str) as a run leaves it: a system that can be run again."""
        return f"{self.resolved(n_classes).rstrip()}\n{RESOLVED}: true\n"

    def _check_keys(self, given):
        missing = [key for key in KINDS[self.kind] if key not in self.tree]
        if missing:
            raise HparamsError(
                f"{self.path} has no key {missing[0]!r}, which every {self.kind} system needs; "
                f"compare hparams/{LIKE[self.kind]}"
            )
        known = {*SETTINGS, *BLOCKS, *LISTS, *TEXTS, *FOLDERS, "n_classes"}
        if self.kind == "ensemble":
            known.update(WEIGHTS)
        there = {*self.tree, *given, "n_classes"}
        # Before the keys: the one that was meant looks unused now.
        for name in references(self.tree):
            if name not in there:
                keys = [key for key in self.tree if isinstance(key, str)]
                raise HparamsError(
                    f"{self.path}: <{name}> is referred to and is no key{hint(name, keys)}"
                )
        referred = set(re.findall(r"<\s*(\w+)", self.text))
        if RESOLVED in self.tree:
            referred.update(key for key in self.tree if isinstance(key, str))
        for key in self.tree:
            if not isinstance(key, str):
                raise HparamsError(f"{self.path}: key {key!r} is no word; quote or remove it")
            if key not in known | referred and not key.startswith("__"):
                raise HparamsError(f"{self.path}: unknown key {key!r}{hint(key, known)}")

    def _override(self, key, text):
        if RESOLVED in self.tree and key not in FOLDERS:
            raise HparamsError(
                f"--{key}: {self.path} is what a run left, every value in its place; change them "
                "there, or give the system's own YAML"
            )
        if key not in self.tree and key in SETTINGS:
            value = from_text(key, text)
            return finite(key, value) if SETTING_TYPES[key] is float else value
        if key not in self.tree or key.startswith("__"):
            raise HparamsError(f"{self.path} has no key {key!r}{hint(key, self._open_keys())}")
        current = self.tree[key]
        if key in BLOCKS or is_built(current):
            inner = sorted(set(re.findall(r"<\s*(\w+)", section(self.text, key))))
            raise HparamsError(
                f"{key} is built by the YAML, not a plain value; set what it is built from"
                + (f" ({', '.join(inner)})" if inner else f" in {self.path}")
            )
        if key in FOLDERS:
            if not text:
                raise HparamsError(f"--{key} is empty; give a folder, or leave it out")
            return text
        value = from_text(key, text)
        if key in STARTS and value is None:
            return None
        if key == "revision" and value is not None:
            # The digits of a commit may look like a number.
            return text
        if current is None or isinstance(current, ruamel.yaml.comments.TaggedScalar):
            return value
        wanted = plain_type(current)
        return check_type(key, finite(key, value) if wanted is float else value, wanted)
