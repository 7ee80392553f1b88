"""Every argument of every block of every system, made absurd: refused quickly, or harmless."""

import contextlib
import json
import signal

import pytest
import torch

from ser_lib.errors import ModelFolderError
from ser_lib.hparams import ROOT, Hparams
from ser_lib.hub.budget import Budget
from ser_lib.registry import build

# Larger numbers are refused by hub.vetting, where they are still text.
ABSURD = (0, -1, 1.5, 2_000_000, float("nan"), "x", None, [], {}, [10**6] * 3, [-1])
MOST = 256 << 20
# What hub.folder makes a ModelFolderError of.
TROUBLE = (ModelFolderError, LookupError, TypeError, ValueError, AttributeError, RuntimeError)
TROUBLE += (ArithmeticError, AssertionError)


def specs():
    """Description of each block that the systems are made of, once."""
    found = {}
    for path in sorted((ROOT / "hparams").glob("*.yaml")):
        hparams = Hparams(path)
        if hparams.kind == "ensemble":
            continue
        made = hparams.build(8)
        for role in ("front_end", "scaler", "classifier"):
            if hasattr(made.get(role), "spec"):
                spec = made[role].spec
                found.setdefault(spec["name"], spec)
    return found


SPECS = specs()


@contextlib.contextmanager
def within(seconds):
    def ring(*_):
        raise TimeoutError(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", SPECS)
def test_no_argument_takes_time_or_memory(name):
    spec = SPECS[name]
    json.dumps(spec)
    for key in set(spec) - {"name"}:
        for value in ABSURD:
            with (
                within(30),
                contextlib.suppress(*TROUBLE),
                torch.device("meta"),
                Budget(MOST, MOST, 12_000),
            ):
                build({**spec, key: value})


def test_the_budget_is_kept():
    with torch.device("cpu"), Budget(1 << 20, 1 << 20, 100):
        torch.zeros(1000)
        for job in (
            lambda: torch.zeros(10**12),
            lambda: torch.arange(10**12),
            lambda: torch.ones(1000, 1) * torch.ones(1, 1000),
            lambda: torch.ones(1000, 10) @ torch.ones(10, 1000),
            lambda: torch.nn.Linear(10**4, 10**4),
            lambda: torch.empty(10**4, 10**4, device="meta"),
        ):
            with pytest.raises(ModelFolderError, match="GiB in one piece"):
                job()
    with Budget(1 << 20, 1 << 20), pytest.raises(ModelFolderError, match="larger than its weights"):
        for _ in range(10):
            torch.empty(1 << 16)
    with Budget(1 << 20, None, 50), pytest.raises(ModelFolderError, match="more parts"):
        for _ in range(100):
            torch.ones(1)
