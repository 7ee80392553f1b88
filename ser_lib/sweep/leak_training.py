"""One training of the demonstration of leaks, and what each of its epochs answers in the test."""

import io
import json
from pathlib import Path

import pandas as pd
from accelerate.utils import set_seed

from ser_lib.corpora import ravdess
from ser_lib.corpora.manifest import is_synthetic
from ser_lib.data.clips import clip_dataset
from ser_lib.evaluation.scores import score_ids
from ser_lib.files import write_bytes, write_text
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.run_facts import hardware, versions
from ser_lib.run_identity import run_identity
from ser_lib.sweep.keep import pack
from ser_lib.sweep.leak_rules import sides
from ser_lib.training.accelerator import make_accelerator
from ser_lib.training.checkpoint import Checkpoints
from ser_lib.training.feature_cache import Chosen, cache_features, cache_key
from ser_lib.training.items import feature_batches
from ser_lib.training.trainer import Trainer

_CLASSES = list(ravdess.EMOTIONS)


def train(training, hparams, manifest, work, target):
    """Train, or go on, and keep what every epoch predicts.

    Arguments
    ---------
    training : str
        One of `ser_lib.sweep.leak.TRAININGS`.
    hparams : Hparams
        A system with noisy copies and a scaler.
    manifest : datasets.Dataset
        Clips of RAVDESS.
    work : Path
        For features and checkpoints.
    target : Path
        Gets ``<training>.csv.gz``, one row a test item with columns ``id``, ``speaker``,
        ``emotion`` and ``epoch_<n>``, and ``<training>.json``, the facts.
    """
    settings, folder = hparams.settings, Path(work) / training
    folder.mkdir(parents=True, exist_ok=True)
    set_seed(settings.seed)
    blocks = hparams.build(len(_CLASSES))
    network = WaveformClassifier(blocks["front_end"], blocks["scaler"], blocks["classifier"])
    augmentation = blocks["augmentation"]
    chosen = sides(training, manifest, augmentation.copies)
    whole = _features(network, manifest, augmentation, settings, Path(work))
    emotions = dict(zip(manifest["id"], manifest["emotion"], strict=True))

    def items(ids):
        labels = [_CLASSES.index(emotions[item.partition("#")[0]]) for item in ids]
        return Chosen(whole, ids, labels)

    accelerator = make_accelerator(settings, folder)
    identity = _identity(network, augmentation, blocks, settings, chosen)
    answers = _Answers(folder / "answers.jsonl", len(chosen.validation))
    done = Checkpoints(folder / "checkpoints", accelerator).peek(identity).epoch
    answers.keep_only(done)
    if done == 0:
        network.scaler.fit(feature_batches(network, items(chosen.scaler), settings))
    trainer = Trainer(
        network.after_front_end(),
        settings,
        blocks["optimizer"],
        blocks.get("lr_scheduler"),
        accelerator,
        folder,
        identity,
        answers.score,
    )
    # What the test side answers is noted beside the validation, which alone is scored.
    progress = trainer.fit(items(chosen.train), items(chosen.validation + chosen.test))
    speakers = dict(zip(manifest["id"], manifest["speaker"], strict=True))
    clips = [item.partition("#")[0] for item in chosen.test]
    table = {
        "id": chosen.test,
        "speaker": [speakers[clip] for clip in clips],
        "emotion": [emotions[clip] for clip in clips],
        **{f"epoch_{n + 1}": told for n, told in enumerate(answers.told)},
    }
    text = io.StringIO()
    pd.DataFrame(table).to_csv(text, index=False, lineterminator="\n")
    facts = {
        "yaml": hparams.path.name,
        "seed": settings.seed,
        "mixed_precision": settings.mixed_precision,
        "synthetic": is_synthetic(manifest),
        **{f"{side}_items": len(getattr(chosen, side)) for side in ("train", "validation", "test")},
        "heard_test_speakers": len({*table["speaker"]} & _speakers(chosen.train, speakers)),
        "validation_ua": [row["validation_ua"] for row in progress.history],
        "train_wa": [row["train_wa"] for row in progress.history],
        "train_seconds": round(progress.seconds, 1),
        "hardware": hardware(),
        "versions": versions(),
    }
    write_bytes(target / f"{training}.csv.gz", pack(text.getvalue().encode()))
    write_text(target / f"{training}.json", json.dumps(facts, indent=2) + "\n")


class _Answers:
    """Scores the first ``validation`` predictions of an epoch and notes the others."""

    def __init__(self, path, validation):
        self.path, self.validation, self.told = path, validation, []

    def keep_only(self, epochs):
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        self.told = [json.loads(line) for line in lines[:epochs]]
        write_text(self.path, "".join(f"{line}\n" for line in lines[:epochs]))

    def score(self, predictions, labels):
        self.told.append([_CLASSES[index] for index in predictions[self.validation :].tolist()])
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.told[-1]) + "\n")
        return score_ids(predictions[: self.validation], labels[: self.validation])


def _features(network, manifest, augmentation, settings, work):
    """Features of all clips and their copies, computed once for all trainings."""
    audio = sorted(zip(manifest["id"], manifest["sha256"], strict=True))
    folder = work / "features" / cache_key(network, [augmentation.spec, audio])
    clips = clip_dataset(manifest, manifest["id"], None, network.sample_rate, augmentation)
    return cache_features(clips, network, folder, settings.batch_size, settings.num_workers)


def _identity(network, augmentation, blocks, settings, chosen):
    class _Split:
        protocol, fold, sha256 = "leak", 1, cache_key(network, list(chosen))

    return run_identity(network, augmentation, blocks, _Split, settings)


def _speakers(ids, speakers):
    return {speakers[item.partition("#")[0]] for item in ids}
