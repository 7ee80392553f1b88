"""All targets by name: a function of bytes, and examples of sound ones."""

import functools
from typing import Any, NamedTuple

from fuzz import corpora, models, sounds


class Target(NamedTuple):
    """``run`` takes bytes; ``examples`` gives a list of them."""

    run: Any
    examples: Any


TARGETS = {
    "logits": Target(sounds.logits, sounds.examples),
    "windows": Target(sounds.windows, sounds.examples),
    "clip": Target(sounds.clip, sounds.examples),
    "config": Target(*models.target("config.json")),
    "preprocessor": Target(*models.target("preprocessor_config.json")),
    "weights": Target(*models.target("model.safetensors")),
    "golden": Target(*models.target("golden.json")),
    "golden-sound": Target(*models.target("golden.flac")),
    "archive": Target(models.archive, models.archive_examples),
    **{
        f"names-{name}": Target(functools.partial(corpora.names, name), lambda good=good: [good])
        for name, (_, good) in corpora.NAMES.items()
    },
    "labels-IEMOCAP": Target(corpora.labels, lambda: [corpora.LINES]),
    "transcripts-IEMOCAP": Target(corpora.transcripts, lambda: [corpora.SAID]),
    "predictions": Target(corpora.table, corpora.table_examples),
    "ledger": Target(corpora.ledger, corpora.ledger_examples),
}
