"""One fold of one system on one corpus: train, evaluate the saved artefact, report."""

import datetime
import functools
import json
import logging
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from accelerate.utils import gather_object
from speechbrain.utils.logger import get_environment_description, setup_logging
from torch.utils.data import DataLoader

from ser_lib.corpora.manifest import is_synthetic
from ser_lib.data.clips import clip_dataset, collate
from ser_lib.environment import hardware, versions
from ser_lib.evaluation.metrics import UnweightedAccuracy, WeightedAccuracy
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.training.checkpoint import Checkpoints
from ser_lib.training.feature_cache import cache_features, cache_key
from ser_lib.training.trainer import Trainer, make_accelerator

logger = logging.getLogger(__name__)


class Result(NamedTuple):
    """What a fold leaves: ``metrics`` (dict), ``predictions`` (DataFrame), ``model`` (Path)."""

    metrics: dict
    predictions: pd.DataFrame
    model: Path


class Experiment:
    """One run: a system, a fold, a folder.

    Arguments
    ---------
    corpus : module
        Corpus module (labels, licence, language, citation).
    hparams : Hparams
        The system.
    manifest : datasets.Dataset
        Clips.
    ledger : Ledger
        The split.
    folder : Path
        Run folder.
    argv : list of str
        Command line, for the report.
    """

    def __init__(self, corpus, hparams, manifest, ledger, folder, argv):
        self.corpus, self.hparams, self.manifest = corpus, hparams, manifest
        self.ledger, self.folder, self.argv = ledger, folder, argv
        self.classes = list(corpus.EMOTIONS)
        self.model_folder = folder / "model"

    def run(self):
        """Train (or go on, or find it done), evaluate and report.

        Returns
        -------
        Result

        Raises
        ------
        SerError
            With a line for the person.
        """
        settings = self.hparams.settings
        blocks = self.hparams.build(len(self.classes))
        self.network = WaveformClassifier(
            blocks["front_end"], blocks.get("scaler"), blocks["classifier"]
        )
        self.augmentation = blocks.get("augmentation")
        self.ledger = self.ledger.with_copies(self.augmentation.copies if self.augmentation else 0)
        identity = self._identity(blocks)
        accelerator = make_accelerator(settings, self.folder)
        progress = Checkpoints(self.folder / "checkpoints", accelerator).peek(identity)
        if self._finished(progress):
            logger.info(
                "finished already: %s (give more --number_of_epochs to train on, or another "
                "--output_folder to train anew)",
                self.folder / "report.md",
            )
            return self._result()
        if accelerator.is_main_process:
            self._provenance()
        accelerator.wait_for_everyone()
        self.network.to(accelerator.device)
        train, validation = self._items(accelerator, fit_scaler=progress.epoch == 0)
        trainer = Trainer(
            self.network,
            settings,
            blocks["optimizer"],
            blocks.get("lr_scheduler"),
            accelerator,
            self.folder,
            identity,
            score,
        )
        progress = trainer.fit(train, validation)
        if accelerator.is_main_process:
            from ser_lib.hub.saving import save_model

            save_model(self.network, self.model_folder, self.classes, self._provenance_facts())
        accelerator.wait_for_everyone()
        predictions = self._predict(accelerator)
        if accelerator.is_main_process:
            self._report(progress, predictions)
            # Features can be made again at any time and are large.
            shutil.rmtree(self.folder / "features", ignore_errors=True)
        accelerator.wait_for_everyone()
        return self._result()

    def _identity(self, blocks):
        settings = self.hparams.settings
        identity = {
            **self.network.spec,
            "augmentation": self.augmentation.spec if self.augmentation else None,
            "optimizer": _factory(blocks["optimizer"]),
            "lr_scheduler": _factory(blocks.get("lr_scheduler")),
            "protocol": self.ledger.protocol,
            "fold": self.ledger.fold,
            "split": self.ledger.sha256,
        }
        for key in ("seed", "batch_size", "gradient_accumulation_steps", "max_grad_norm"):
            identity[key] = getattr(settings, key)
        identity["mixed_precision"] = settings.mixed_precision
        return identity

    def _finished(self, progress):
        """Whether the report in the folder is that of a run with nothing left to train."""
        path = self.folder / "metrics.json"
        if not path.is_file() or not (self.model_folder / "config.json").is_file():
            return False
        reported = json.loads(path.read_text(encoding="utf-8"))["run"]["epochs_run"]
        settings = self.hparams.settings
        waited = progress.epoch - progress.best_epoch
        done = progress.epoch >= settings.number_of_epochs or 0 < settings.patience <= waited
        return done and reported == progress.epoch > 0

    def _provenance(self):
        """Leave in the run folder what is needed to repeat it."""
        config = str(Path(__file__).with_name("log-config.yaml"))
        file = {"handlers": {"file_handler": {"filename": str(self.folder / "log.txt")}}}
        setup_logging(config, file)
        resolved = self.hparams.resolved(len(self.classes))
        (self.folder / "hyperparams.yaml").write_text(resolved, encoding="utf-8")
        environment = get_environment_description()
        (self.folder / "env.log").write_text(environment, encoding="utf-8")
        self.ledger.save(self.folder / "ledger.json")

    def _items(self, accelerator, fit_scaler):
        """Training and validation items; the scaler is fitted on the former."""
        rate = self.network.sample_rate
        train = clip_dataset(
            self.manifest, self.ledger.train, self.classes, rate, self.augmentation
        )
        validation = clip_dataset(self.manifest, self.ledger.validation, self.classes, rate)
        if self.hparams.settings.cache_features:
            with accelerator.main_process_first():
                train = self._cached(train, "train", self.augmentation)
                validation = self._cached(validation, "validation", None)
        if fit_scaler and self.network.scaler is not None:
            logger.info("fitting the scaler on %d training items", len(train))
            self.network.scaler.fit(self._training_features(train))
        return train, validation

    def _cached(self, dataset, side, augmentation):
        audio = dict(zip(self.manifest["id"], self.manifest["sha256"], strict=True))
        facts = [
            self.classes,
            augmentation.spec if augmentation else None,
            [[clip, audio[clip]] for clip in getattr(self.ledger, side)],
        ]
        settings = self.hparams.settings
        return cache_features(
            dataset,
            self.network,
            self.folder / "features" / f"{side}-{cache_key(self.network, facts)}",
            settings.batch_size,
            settings.num_workers,
            f"{side} features",
        )

    @torch.no_grad()
    def _training_features(self, train):
        workers = 0 if self.hparams.settings.cache_features else self.hparams.settings.num_workers
        for batch in DataLoader(train, 32, collate_fn=collate, num_workers=workers):
            inputs = batch["inputs"]
            if inputs.dim() == 2:
                device = next(self.network.buffers()).device
                inputs, _ = self.network.features(inputs.to(device), batch["lengths"].to(device))
            yield inputs

    @torch.no_grad()
    def _predict(self, accelerator):
        """Predictions of the saved model folder on the test side, one row a clip."""
        from ser_lib.hub.modeling import SERForAudioClassification

        model = SERForAudioClassification.from_pretrained(self.model_folder).eval()
        model.to(accelerator.device)
        settings = self.hparams.settings
        test = clip_dataset(self.manifest, self.ledger.test, self.classes, self.network.sample_rate)
        loader = DataLoader(
            test, settings.batch_size, collate_fn=collate, num_workers=settings.num_workers
        )
        found = {}
        for batch in accelerator.prepare(loader):
            logits = model.network(batch["inputs"], batch["lengths"]).float()
            probabilities = logits.softmax(dim=1).double().cpu().tolist()
            rows = gather_object(list(zip(batch["ids"], probabilities, strict=True)))
            # With several processes the last batch is filled up with clips already seen.
            found.update(rows)
        return self._frame(found)

    def _frame(self, probabilities):
        wanted = set(self.ledger.test)
        rows = []
        for clip in self.manifest:
            if clip["id"] not in wanted:
                continue
            values = probabilities[clip["id"]]
            predicted = self.classes[max(range(len(values)), key=values.__getitem__)]
            facts = ("id", "speaker", "gender", "intensity", "statement", "corpus")
            rows.append(
                {
                    **{key: clip[key] for key in facts},
                    "fold": self.ledger.fold,
                    "emotion": clip["emotion"],
                    "predicted": predicted,
                    "correct": predicted == clip["emotion"],
                    **{f"p_{name}": p for name, p in zip(self.classes, values, strict=True)},
                }
            )
        return pd.DataFrame(rows)

    def _provenance_facts(self):
        return {
            "protocol": self.ledger.protocol,
            "fold": self.ledger.fold,
            "ledger_sha256": self.ledger.sha256,
            "corpora": [self.ledger.corpus],
            "synthetic": is_synthetic(self.manifest),
            "licence": self.corpus.LICENCE,
        }

    def _report(self, progress, predictions):
        from ser_lib.evaluation.report import write_report
        from ser_lib.hub.card import model_card

        settings, ledger = self.hparams.settings, self.ledger
        run = {
            "system": self.hparams.system,
            "system_title": self.hparams.value("system_title") or self.hparams.system,
            "system_source": self.hparams.value("system_source") or "",
            "corpus": ledger.corpus,
            "synthetic": is_synthetic(self.manifest),
            "classes": self.classes,
            "protocol": ledger.protocol,
            "protocol_description": ledger.description,
            "fold": ledger.fold,
            "folds": ledger.folds,
            "seed": settings.seed,
            "ledger_sha256": ledger.sha256,
            "shared": ledger.shared,
            "sizes": {side: len(getattr(ledger, side)) for side in ("train", "validation", "test")},
            "augmented_copies": ledger.copies,
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "epochs_run": progress.epoch,
            "epochs_asked": settings.number_of_epochs,
            "best_epoch": progress.best_epoch,
            "stopped_early": progress.stopped_early,
            "train_seconds": round(progress.seconds, 1),
            "mixed_precision": settings.mixed_precision,
            "hardware": hardware(),
            "versions": versions(),
            "command": shlex.join(["python", *self.argv]),
            "model_folder": "model",
            "date": datetime.date.today().isoformat(),
            "language": self.corpus.LANGUAGE,
            "licence": self.corpus.LICENCE,
            "citation": self.corpus.CITATION,
        }
        metrics = write_report(self.folder, run, predictions, progress.history)
        card = model_card(run, metrics)
        (self.model_folder / "README.md").write_text(card, encoding="utf-8")
        scores = metrics["metrics"]
        note = " (synthetic voices)" if run["synthetic"] else ""
        logger.info(
            "test%s: UA %.1f%%, WA %.1f%%, macro-F1 %.1f%% over %d clips",
            note,
            *(100 * scores[key]["value"] for key in ("ua", "wa", "macro_f1")),
            len(predictions),
        )
        logger.info("report: %s", self.folder / "report.md")
        logger.info("model:  %s", self.model_folder)

    def _result(self):
        metrics = json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))
        predictions = read_predictions(self.folder / "predictions.csv")
        return Result(metrics, predictions, self.model_folder)


def score(predictions, labels):
    """UA and WA (fractions) of two int tensors ``(clips,)``, as the trainer wants them."""
    pair = {"predictions": predictions, "references": labels}
    return {
        "ua": UnweightedAccuracy().compute(**pair)["unweighted_accuracy"],
        "wa": WeightedAccuracy().compute(**pair)["weighted_accuracy"],
    }


def _factory(value):
    """Plain description of what a YAML's ``!name:`` made."""
    if value is None:
        return None
    if isinstance(value, functools.partial):
        keywords = {key: str(value) for key, value in sorted(value.keywords.items())}
        return {"name": value.func.__qualname__, **keywords}
    return {"name": value.__qualname__}
