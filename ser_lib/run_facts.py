"""The facts of a run that its report, its model card and the tables are written from."""

import datetime
import functools
import json
import os
import platform
import shlex
import subprocess
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

from ser_lib.corpora.manifest import is_synthetic
from ser_lib.hparams import FOLDERS, ROOT, STARTS
from ser_lib.pretrained.names import pinned

_PACKAGES = ("ser-lib", "torch", "transformers", "accelerate", "datasets", "speechbrain", "numpy")


def run_facts(corpus, hparams, ledger, network, allow_partial=False, started=None):
    """Facts of one trained fold, but for its epochs and its time.

    Arguments
    ---------
    corpus : module
        Corpus module.
    hparams : Hparams
        The system.
    ledger : Ledger
        The split.
    network : nn.Module
        For its number of parameters.
    allow_partial : bool
        Whether clips were allowed to be missing.
    started : str, optional
        Name of the weights that the system started from, as it is recorded.

    Returns
    -------
    dict
        Plain values; keys as :data:`ser_lib.evaluation.report.RUN_KEYS` and
        :func:`ser_lib.hub.card.model_card` name them.
    """
    settings, precision = hparams.settings, hparams.settings.mixed_precision
    return {
        "system": hparams.system,
        "system_title": hparams.title,
        "system_source": hparams.value("system_source") or "",
        **corpus_facts(corpus, ledger),
        "classes": list(corpus.EMOTIONS),
        "protocol": ledger.protocol,
        "protocol_description": ledger.description,
        "protocol_notes": ledger.notes,
        "fold": ledger.fold,
        "folds": ledger.folds,
        "seed": settings.seed,
        "ledger_sha256": ledger.sha256,
        "shared": ledger.shared,
        "sizes": {side: len(ids) for side, ids in ledger.sides.items()},
        "augmented_copies": ledger.copies,
        "parameters": size(network),
        "mixed_precision": precision,
        "hardware": hardware() + (f", {precision}" if precision != "no" else ""),
        "versions": versions(),
        "command": command(corpus, hparams, ledger, allow_partial, started),
        "model_folder": "model",
        "date": datetime.date.today().isoformat(),
    }


def corpus_facts(corpus, ledger):
    """What a report says of the sound: names, kind, page, language, licence, citation (dict).

    And ``two_labels``, the clips whose samples stand under another label too (ids by side).
    """
    synthetic = is_synthetic(ledger.corpus)
    return {
        "corpus": corpus_name(corpus, ledger),
        "corpora": ledger.corpus.split("+"),
        "two_labels": ledger.two_labels,
        "synthetic": synthetic,
        "language": corpus.LANGUAGE,
        "speech": getattr(corpus, "SPEECH", None),
        "licence": licence(corpus, ledger.corpus),
        # Where the corpus and its terms are. A reader of somebody's own clips need have neither
        # this nor a kind of speech.
        "url": None if synthetic else getattr(corpus, "URL", None),
        "citation": "None: synthetic sound." if synthetic else citation(corpus, ledger.corpus),
    }


def corpus_name(corpus, ledger):
    """What the run's sound is called (str): the recipe's name, marked where it is synthetic."""
    return corpus.NAME + ("-synthetic" if is_synthetic(ledger.corpus) else "")


def size(network):
    """Numbers of a network that were fitted: parameters, and thresholds and leaves of trees (int).

    Arguments
    ---------
    network : nn.Module
        A tree ensemble inside states its own as ``fitted_numbers``.
    """
    trees = sum(getattr(module, "fitted_numbers", 0) for module in network.modules())
    return trees + sum(parameter.numel() for parameter in network.parameters())


def licence(corpus, name):
    """Licence of the sound (str): the corpus's, or ours where ``name`` is its synthetic double."""
    if is_synthetic(name):
        return "Apache-2.0"
    heard = _heard(corpus, name)
    return "; ".join(f"{part}: {r.LICENCE}" for part, r in heard.items()) or corpus.LICENCE


def citation(corpus, name):
    """What to cite for the sound (str): of a merged corpus, the ones that were there."""
    return "\n\n".join(r.CITATION for r in _heard(corpus, name).values()) or corpus.CITATION


def _heard(corpus, name):
    """Readers (dict by name) of those parts of a merged corpus that ``name`` tells of."""
    there = name.split("+")
    return {part: r for part, r in getattr(corpus, "READERS", {}).items() if part in there}


def command(corpus, hparams, ledger, allow_partial, started=None):
    """The command that gives this run again on any machine (str).

    Folders of this machine are left out: a report is for others, and its paths are nobody's
    business. A corpus module may name ``OPTIONS`` of its recipe (words), or a ``COMMAND`` of its
    own (str).
    """
    if hasattr(corpus, "COMMAND"):
        return corpus.COMMAND
    words = ["python", f"recipes/{corpus.NAME}/train.py", yaml_word(hparams)]
    words += getattr(corpus, "OPTIONS", [])
    words += ["--protocol", ledger.protocol, "--fold", str(ledger.fold)]
    if "data_folder" in hparams.overrides:
        sample = hparams.overrides["data_folder"] == "sample"
        words += ["--data_folder", "sample" if sample else f"PATH/TO/{corpus.NAME}"]
    words += option_words(hparams, started)
    return shlex.join(words + ["--allow_partial"] * allow_partial)


def yaml_word(hparams):
    """A system's YAML as others can give it (str): from the repository's root, or its name."""
    path = hparams.path
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def option_words(hparams, started=None):
    """A run's options but for its corpus's and its own folder, as others can give them (list).

    Arguments
    ---------
    hparams : Hparams
        The system.
    started : str, optional
        Name of the weights that it started from, as it is recorded. Of those on the Hub the commit
        becomes the revision, whatever branch was asked for.
    """
    told = {key: v for key, v in hparams.overrides.items() if key not in FOLDERS}
    snapshot = pinned(started)
    for key in STARTS:
        here = Path(str(told.get(key) or "")).expanduser()
        if told.get(key) and here.is_dir():
            told[key] = snapshot[0] if snapshot else f"PATH/TO/{here.resolve().name}"
    if snapshot and "revision" in hparams.values:
        told["revision"] = snapshot[1]
    return [
        word
        for key, value in told.items()
        for word in (f"--{key}", value if isinstance(value, str) else json.dumps(value))
    ]


def hardware():
    """Processor or GPU in words (str), e.g. ``"2 cores of AMD EPYC"``."""
    import torch
    from accelerate import PartialState

    if torch.cuda.is_available():
        used = PartialState().num_processes if PartialState._shared_state else 1
        return f"{used} x {torch.cuda.get_device_name()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} core{'s' * (cores != 1)} of {_processor()}"


def versions():
    """Version by package (dict), Python included, and the revision of a checkout."""
    found = {"python": platform.python_version()}
    if revision := _revision():
        found["revision"] = revision
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


def environment():
    """Everything installed beside this Python, and the revision of the checkout (str).

    SpeechBrain's description asks the ``pip`` of the shell, which is another environment's
    where the virtual one is not activated.
    """
    # Each look at ``metadata`` reads it anew.
    told = (distribution.metadata for distribution in distributions())
    found = {f"{facts['Name']}=={facts['Version']}" for facts in told}
    return "\n".join(
        [
            f"# {hardware()}; {platform.platform()}; Python {platform.python_version()}",
            f"# revision {_revision() or 'unknown (no checkout)'}",
            *sorted(found, key=str.lower),
            "",
        ]
    )


@functools.lru_cache(maxsize=1)
def _revision():
    """Commit of the checkout (str), and whether code was changed since; None without one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():  # installed, maybe below somebody's own repository
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None or commit.returncode:
        return None
    # Results that a sweep writes beside the code change nothing that runs.
    changed = _git(root, "diff", "--quiet", "HEAD", "--", "ser_lib", "hparams", "recipes/*.py")
    return commit.stdout.strip()[:12] + (
        " with changes" if changed is None or changed.returncode else ""
    )


def _git(root, *words):
    try:
        return subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
