"""Where the time goes: the reasons under the table.

    python -m benchmarks profile --systems separable_cnn resnet18

The classifiers run on random features, a whole batch at a time as ``train.py`` runs them on a CPU.
PyTorch's own profiler counts the time of every operator without that of those it calls.
"""

import collections
import tempfile
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile

from benchmarks import epochs, speech, trees
from benchmarks.rows import Row
from ser_lib.hparams import Hparams
from ser_lib.training.memory import keep_freed_memory

_ROOT = Path(__file__).resolve().parent.parent
#: Those whose target is hardest to reach: almost all of their time is the network's.
SYSTEMS = ("separable_cnn", "picture_cnn", "resnet18", "resnet34")
_CLASSES, _STEPS = 8, 3
#: Operators by what the name holds; the first that fits counts.
_KINDS = {"convolutions": "conv", "batch norm": "batch_norm"}


def rows(options):
    """Rows of networks' convolutions and batch norm, of look-ups in trees, of a short command.

    Arguments
    ---------
    options : argparse.Namespace
        ``systems``: names of YAMLs of networks, :data:`SYSTEMS` where None; ``quick``: only the
        first, and few trees.

    Returns
    -------
    list of benchmarks.rows.Row
        Each beside the whole that it is a part of.
    """
    keep_freed_memory()
    chosen = options.systems or (SYSTEMS[:1] if options.quick else SYSTEMS)
    made = [row for system in chosen for row in _training(system)]
    return [*made, _trees(options.quick), _command(options)]


def _training(system):
    hparams = Hparams(str(_ROOT / "hparams" / f"{system}.yaml"))
    blocks, batch = hparams.build(_CLASSES), hparams.value("batch_size")
    model = blocks["classifier"].to(memory_format=torch.channels_last)
    optimizer, shape = blocks["optimizer"](model.parameters()), blocks["front_end"].shape
    torch.manual_seed(0)
    features, labels = torch.randn(batch, *shape), torch.randint(_CLASSES, (batch,))
    lengths = torch.full((batch,), shape[-1])

    def step():
        optimizer.zero_grad()
        cross_entropy(model(features, lengths), labels).backward()
        optimizer.step()

    spent = _spent(step)
    whole = spent.total()
    shares = {
        kind: sum(time for name, time in spent.items() if part in name)
        for kind, part in _KINDS.items()
    }
    return [
        Row(f"{kind} in a training step of {batch}, {system}", "the whole step", share, whole)
        for kind, share in shares.items()
        if share
    ]


def _trees(quick):
    model, estimator, table = trees.boosted(quick)
    mine, theirs = trees.compare(model, estimator, table, 3)
    features = torch.from_numpy(table)[:, :, None]
    with torch.inference_mode():
        spent = _spent(lambda: model(features, None))
    steps = len(table) * sum(model.deeper_trees)
    return Row(
        f"look-ups in {trees.boosted_name(quick)}, {len(table):,} rows of random numbers",
        "the whole prediction",
        spent["aten::index_select"],
        spent.total(),
        note=f"a level of a tree takes a row {1e9 * mine / steps:.2f} ns, xgboost "
        f"{1e9 * theirs / steps:.2f} ns",
    )


def _command(options):
    folder, _ = speech.folder(options)
    with tempfile.TemporaryDirectory() as cache:
        epochs.train("decision_tree", folder, cache)  # it hashes the corpus, once in its life
        first, _ = epochs.train("mfcc_mlp", folder, cache)
        again, _ = epochs.train("mfcc_mlp", folder, cache, keep_features=True)
    what = "imports, training, scoring and report of mfcc_mlp, its features at hand"
    return Row(what, "the whole command, the first time", again, first)


def _spent(job):
    """Seconds (Counter) of every operator in a call of ``job``, mean of a few after warm-up."""
    for _ in range(2):
        job()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as seen:
        for _ in range(_STEPS):
            job()
    spent = collections.Counter()
    for event in seen.key_averages():
        spent[event.key] += event.self_cpu_time_total / _STEPS / 1e6
    return spent
