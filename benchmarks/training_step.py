"""A training step of the parallel CNN-Transformer against the source's plain eager model."""

import sys
import time

import torch
from torch.nn.functional import cross_entropy

from benchmarks.plain import plain
from benchmarks.rows import Row, side_by_side
from ser_lib.models.cnn_transformer import CNNTransformer
from ser_lib.training.memory import keep_freed_memory

_BATCH = 32


def rows(options):
    """Rows in float32, bfloat16, and bfloat16 compiled.

    The plain model runs first, before the process is told to keep its memory, as the source's
    process is not.
    """
    runs = 2 if options.quick else 5
    [theirs] = side_by_side([_step(plain(CNNTransformer(8)))], runs)
    keep_freed_memory()
    fast, half = (_step(_ours(), bf16) for bf16 in (False, True))
    ours, ours_half = side_by_side([fast, half], runs)
    what = f"training step, parallel CNN-Transformer, batch {_BATCH}"
    against = "the source's model, eager, float32"
    made = [
        Row(f"{what}, float32", against, ours, theirs, ("share", 0.6)),
        Row(f"{what}, bfloat16", against, ours_half, theirs, ("share", 0.45)),
    ]
    if not options.quick:
        model = _ours()
        model.compile()
        step, began = _step(model, True), time.perf_counter()
        try:
            step()
        except Exception as error:
            # Whatever a machine without a compiler raises; the other rows stand.
            print(f"not compiled: {error}", file=sys.stderr)
            return made
        compiling = f"compiling took {time.perf_counter() - began:.0f} s"
        [ours] = side_by_side([step], runs)
        made.append(
            Row(f"{what}, bfloat16, compiled", against, ours, theirs, ("share", 0.45), compiling)
        )
    return made


def _ours():
    torch.manual_seed(0)
    return CNNTransformer(8).to(memory_format=torch.channels_last)


def _step(model, bf16=False):
    torch.manual_seed(0)
    features, labels = torch.randn(_BATCH, 128, 563), torch.randint(8, (_BATCH,))
    lengths = torch.full((_BATCH,), 563)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.8, weight_decay=1e-3)

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = model(features, lengths)
        cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step
