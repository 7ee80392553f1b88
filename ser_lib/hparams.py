"""Read a system's YAML, with overrides from the command line.

HyperPyYAML runs whatever a YAML names: it is for a person's own recipes and is never used on
a downloaded model.
"""

import difflib
import io
import json
import math
import re
from dataclasses import fields
from pathlib import Path

import ruamel.yaml
from hyperpyyaml import load_hyperpyyaml, resolve_references

from ser_lib.errors import HparamsError, SerError
from ser_lib.pretrained.names import snapshot_of
from ser_lib.training.settings import TrainingSettings, check_type

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tuple(field.name for field in fields(TrainingSettings))
# Made with !new: or !apply:, and made with !name: so that they can be called later.
MODULES = ("front_end", "scaler", "classifier", "augmentation")
FACTORIES = ("optimizer", "lr_scheduler", "estimator", "meta")
BLOCKS = (*MODULES, *FACTORIES)
# What tells the kinds of system apart: the keys without which it is none.
KINDS = {
    "ensemble": ("members",),
    "estimator": ("estimator", "front_end"),
    "gradient": ("front_end", "classifier", "optimizer"),
}
# A short system of each kind; what has members is an ensemble and lacks nothing.
_LIKE = {"estimator": "acoustic_mlp.yaml", "gradient": "mfcc_mlp.yaml"}
# Settings of training by gradient, without a meaning to what is fitted in one go.
BY_GRADIENT = (
    *("number_of_epochs", "drop_last", "patience", "gradient_accumulation_steps"),
    *("max_grad_norm", "encoder_lr", "warmup_epochs", "torch_compile"),
)
LISTS = {"members": list, "grid": dict}
TEXTS = ("system_title", "system_source")
FOLDERS = ("data_folder", "output_folder")
# Folders, or ids of the Hub, of weights that a system may start from.
STARTS = ("encoder", "pretrained")
WEIGHTS = (*STARTS, "revision", "allow_pickle")
# In the file that a run leaves, whose references have become values: its keys need not be used.
_RESOLVED = "__resolved"
TOO_DEEP = "lists or blocks are nested too deeply; close the brackets that are open"
_SETTING_TYPES = {field.name: field.type for field in fields(TrainingSettings)}
_MOST_SHOWN = 80  # characters of a value in a complaint


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
        self.tree = _parse(self.path, self.text)
        self._check_keys(overrides or {})
        self.overrides = {key: self._override(key, text) for key, text in (overrides or {}).items()}
        # Settings that the YAML leaves at their defaults can be given all the same.
        added = [key for key in self.overrides if key not in self.tree]
        self.text += "".join(f"\n{key}: {json.dumps(self.overrides[key])}\n" for key in added)
        self.tree = _parse(self.path, self.text)
        # References resolved, so that a setting may be one; the classes do not matter for it.
        self.values = _parse(self.path, self.resolved(n_classes=1))
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
            if not key.startswith("__") and key not in BLOCKS and not _is_built(value)
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
            raise HparamsError(f"{self.path}: {_first_line(error)}") from error
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
            raise HparamsError(f"{self.path}: {_first_line(error)}") from error
        except RecursionError as error:
            raise HparamsError(f"{self.path}: {TOO_DEEP}") from error

    def to_repeat(self, n_classes):
        """The YAML of :meth:`resolved` (str) as a run leaves it: a system that can be run again."""
        return f"{self.resolved(n_classes).rstrip()}\n{_RESOLVED}: true\n"

    def _check_keys(self, given):
        missing = [key for key in KINDS[self.kind] if key not in self.tree]
        if missing:
            raise HparamsError(
                f"{self.path} has no key {missing[0]!r}, which every {self.kind} system needs; "
                f"compare hparams/{_LIKE[self.kind]}"
            )
        known = {*SETTINGS, *BLOCKS, *LISTS, *TEXTS, *FOLDERS, "n_classes"}
        if self.kind == "ensemble":
            known.update(WEIGHTS)
        there = {*self.tree, *given, "n_classes"}
        # Before the keys: the one that was meant looks unused now.
        for name in _references(self.tree):
            if name not in there:
                keys = [key for key in self.tree if isinstance(key, str)]
                raise HparamsError(
                    f"{self.path}: <{name}> is referred to and is no key{_hint(name, keys)}"
                )
        referred = set(re.findall(r"<\s*(\w+)", self.text))
        if _RESOLVED in self.tree:
            referred.update(key for key in self.tree if isinstance(key, str))
        for key in self.tree:
            if not isinstance(key, str):
                raise HparamsError(f"{self.path}: key {key!r} is no word; quote or remove it")
            if key not in known | referred and not key.startswith("__"):
                raise HparamsError(f"{self.path}: unknown key {key!r}{_hint(key, known)}")

    def _override(self, key, text):
        if _RESOLVED in self.tree and key not in FOLDERS:
            raise HparamsError(
                f"--{key}: {self.path} is what a run left, every value in its place; change them "
                "there, or give the system's own YAML"
            )
        if key not in self.tree and key in SETTINGS:
            value = _from_text(key, text)
            return _finite(key, value) if _SETTING_TYPES[key] is float else value
        if key not in self.tree or key.startswith("__"):
            raise HparamsError(f"{self.path} has no key {key!r}{_hint(key, self._open_keys())}")
        current = self.tree[key]
        if key in BLOCKS or _is_built(current):
            inner = sorted(set(re.findall(r"<\s*(\w+)", _section(self.text, key))))
            raise HparamsError(
                f"{key} is built by the YAML, not a plain value; set what it is built from"
                + (f" ({', '.join(inner)})" if inner else f" in {self.path}")
            )
        if key in FOLDERS:
            if not text:
                raise HparamsError(f"--{key} is empty; give a folder, or leave it out")
            return text
        value = _from_text(key, text)
        if key in STARTS and value is None:
            return None
        if key == "revision" and value is not None:
            # The digits of a commit may look like a number.
            return text
        if current is None or isinstance(current, ruamel.yaml.comments.TaggedScalar):
            return value
        wanted = _plain_type(current)
        return check_type(key, _finite(key, value) if wanted is float else value, wanted)


def find_yaml(path):
    """Path of a YAML given from here or from the repository's root; raises HparamsError."""
    for folder in (Path(), ROOT):
        if (folder / path).is_file():
            return (folder / path).resolve()
    there = sorted(str(p.relative_to(ROOT / "hparams")) for p in (ROOT / "hparams").rglob("*.yaml"))
    raise HparamsError(
        f"{path}: no such YAML here or in {ROOT}; it comes first, options after it"
        + (f"; hparams/ has {', '.join(there)}" if there else "")
    )


def _from_text(key, text):
    """Value of an option as typed, read as YAML; raises HparamsError."""
    try:
        # The parser in C ends the whole process where lists are nested without an end.
        return ruamel.yaml.YAML(typ="safe", pure=True).load(text)
    except (ruamel.yaml.YAMLError, RecursionError) as error:
        shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
        raise HparamsError(
            f"--{key} {shown}: not a value YAML can read; write a number, a word, true, false, "
            "null or a list such as [1, 2]"
        ) from error


def _finite(key, value):
    """``value``; raises HparamsError where it is, or in Python's spelling would be, nan or inf."""
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    except (TypeError, ValueError):
        # Another kind of value, which the check of the type refuses.
        finite = True
    if not finite:
        shown = str(value)[:_MOST_SHOWN]
        raise HparamsError(f"{key} is {shown}; it must be a finite number such as 0.001")
    return value


def _references(tree):
    """Top-level keys that the !ref and !copy of a YAML's tree name (list of str)."""
    names, waiting, seen = [], [tree], set()
    while waiting:
        node = waiting.pop()
        # An anchor may stand inside itself.
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
        elif str(getattr(getattr(node, "tag", None), "value", None)) in ("!ref", "!copy"):
            names += re.findall(r"<\s*(\w+)", str(node.value))
    return names


def _parse(path, text):
    try:
        tree = ruamel.yaml.YAML(typ="rt").load(text)
    except ruamel.yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise HparamsError(f"{path}{place}: {problem}") from error
    except RecursionError as error:
        raise HparamsError(f"{path}: {TOO_DEEP}") from error
    if not isinstance(tree, dict):
        raise HparamsError(f"{path} holds no keys; it must be a mapping such as 'seed: 1'")
    return tree


def _is_built(value):
    """Whether a YAML value is made by a tag such as !new: and so cannot be typed in."""
    tag = getattr(value, "tag", None)
    name = str(tag.value) if tag is not None and tag.value else ""
    return name.startswith("!") and not name.startswith("!ref")


def _plain_type(value):
    known = (bool, int, float, str, list, dict)
    return next((wanted for wanted in known if isinstance(value, wanted)), type(value))


def _section(text, key):
    """Lines of one top-level key."""
    match = re.search(rf"^{re.escape(key)}:.*(?:\n[ \t]+.*)*", text, re.MULTILINE)
    return match.group() if match else ""


def _first_line(error):
    """What an exception says, in one line (str)."""
    return str(error).strip().splitlines()[0] if str(error).strip() else repr(error)


def _hint(key, known):
    near = difflib.get_close_matches(key, sorted(known), n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; it has {', '.join(sorted(known))}"
