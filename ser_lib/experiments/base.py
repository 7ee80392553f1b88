"""What every run does, however its system comes into being: provenance, scoring, report."""

import abc
import contextlib
import json
import logging
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from accelerate.utils import set_seed
from safetensors import SafetensorError, safe_open

from ser_lib.corpora.manifest import is_synthetic
from ser_lib.errors import RunError
from ser_lib.evaluation.calibration import fit_temperature
from ser_lib.evaluation.predictions import read_predictions
from ser_lib.evaluation.report import write_report
from ser_lib.experiments.run_lock import only_run
from ser_lib.files import drop_drafts, write_text
from ser_lib.hub.card import model_card
from ser_lib.hub.native import fits
from ser_lib.hub.saving import save_model
from ser_lib.logs import log_to_file
from ser_lib.run_facts import environment, licence, run_facts
from ser_lib.scoring import clips_for, logits_of, predict
from ser_lib.training.accelerator import make_accelerator
from ser_lib.training.checkpoint import Checkpoints

logger = logging.getLogger(__name__)


class Result(NamedTuple):
    """What a fold leaves: ``metrics`` (dict), ``predictions`` (DataFrame), ``model`` (Path)."""

    metrics: dict
    predictions: pd.DataFrame
    model: Path


class Experiment(abc.ABC):
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
    allow_partial : bool
        Whether clips may be missing; noted in the report's command.
    features_folder : Path or None
        For cached features, where several runs share them; None is a folder of its own, which
        goes when the run is done.
    """

    def __init__(
        self, corpus, hparams, manifest, ledger, folder, allow_partial=False, features_folder=None
    ):
        self.corpus, self.hparams, self.manifest = corpus, hparams, manifest
        self.ledger, self.folder, self.settings = ledger, folder, hparams.settings
        self.allow_partial = allow_partial
        self.classes = list(corpus.EMOTIONS)
        self.model_folder = folder / "model"
        self.shared_features = features_folder is not None
        self.features_folder = features_folder or folder / "features"

    @abc.abstractmethod
    def set_up(self):
        """Build what the YAML names and check that it fits together.

        Returns
        -------
        dict
            Identity of the run (JSON-ready): what its weights follow from.

        Raises
        ------
        HparamsError
            If it does not.
        """

    @abc.abstractmethod
    def train(self, accelerator, identity, progress):
        """Bring the system into being.

        Arguments
        ---------
        accelerator : accelerate.Accelerator
        identity : dict
            From :meth:`set_up`.
        progress : Progress
            How far the folder has come.

        Returns
        -------
        network : nn.Module or None
            From waveforms to logits; on processes other than the main one it may be None.
        progress : Progress
        """

    def training_facts(self, progress):
        """Keys of the report about epochs; None for systems that are not trained by any (dict)."""
        return {
            "epochs_run": None,
            "epochs_asked": None,
            "best_epoch": None,
            "stopped_early": False,
        }

    def freezes(self):
        """Whether training freezes layers in some epochs (bool)."""
        return False

    def is_done(self, progress):
        """Whether nothing is left to train (bool)."""
        return progress.epoch > 0

    def absent(self):
        """Classes of which no clip trains, in the corpus's order (list of str)."""
        present = {self.ledger.clips[clip].emotion for clip in self.ledger.train}
        return [name for name in self.classes if name not in present]

    def warn_of_absent(self):
        """Say in one warning which classes the training side lacks; nothing where it lacks none."""
        if absent := self.absent():
            logger.warning(
                "the training side has no clip of %s: %s learns the other %d classes, and the "
                "model gives probability 0 to what it never heard",
                ", ".join(absent),
                self.hparams.system,
                len(self.classes) - len(absent),
            )

    def run(self):
        """Train (or go on, or find it done), score and report.

        Returns
        -------
        Result

        Raises
        ------
        SerError
            With a line for the person.
        """
        # A YAML may forget to; building draws the initial weights.
        set_seed(self.settings.seed)
        identity = self.set_up()
        accelerator = make_accelerator(self.settings, self.folder, self.freezes())
        with only_run(self.folder, accelerator):
            return self._run(identity, accelerator)

    def _run(self, identity, accelerator):
        if accelerator.is_main_process:
            drop_drafts(self.folder)
        progress = Checkpoints(self.folder / "checkpoints", accelerator).peek(identity)
        if self._finished(progress):
            logger.info(
                "finished already: %s (give more --number_of_epochs to train on, or another "
                "--output_folder to train anew)",
                self.folder / "report.md",
            )
            return self._result()
        main = accelerator.is_main_process
        with log_to_file(self.folder / "log.txt") if main else contextlib.nullcontext():
            if main:
                self._leave_provenance()
            accelerator.wait_for_everyone()
            self._train_and_report(identity, accelerator, progress)
        return self._result()

    def _train_and_report(self, identity, accelerator, progress):
        network, progress = self.train(accelerator, identity, progress)
        if accelerator.is_main_process:
            network.temperature = self._temperature(network)
            save_model(network, self.model_folder, self.classes, self._provenance(progress))
        accelerator.wait_for_everyone()
        predictions = predict(
            self.model_folder,
            self.manifest,
            self.ledger.test,
            self.ledger.fold,
            accelerator,
            self.settings.batch_size,
            self.settings.num_workers,
        )
        if accelerator.is_main_process:
            self._report(network, progress, predictions)
        accelerator.wait_for_everyone()

    def _temperature(self, network):
        """What the logits are to be divided by, as validation has it (float)."""
        ids = self.ledger.validation
        settings = self.settings
        clips = self.validation_clips(network)
        logits = logits_of(network, clips, settings.batch_size, settings.num_workers)
        labels = [self.classes.index(self.ledger.clips[clip].emotion) for clip in ids]
        # No temperature makes a class likely that training lacked.
        told = [place for place, label in enumerate(labels) if label not in network.absent]
        return fit_temperature(logits.numpy()[told], np.array(labels, dtype=int)[told])

    def validation_clips(self, network):
        """The validation side as a trained network reads it, in the ledger's order (Dataset)."""
        return clips_for(network, self.manifest, self.ledger.validation)

    def _finished(self, progress):
        """Whether the report in the folder is that of a run with nothing left to train."""
        path = self.folder / "metrics.json"
        if not path.is_file() or not (self.model_folder / "README.md").is_file():
            return False
        try:
            reported = self._result().metrics["run"]["epochs_run"]
            with safe_open(self.model_folder / "model.safetensors", "pt"):
                pass
        except (RunError, OSError, ValueError, LookupError, TypeError, SafetensorError):
            return False  # damaged since; the checkpoints give all of it again
        same = reported == self.training_facts(progress)["epochs_run"]
        return same and progress.epoch > 0 and self.is_done(progress)

    def _leave_provenance(self):
        """Put what is needed to repeat the run into its folder."""
        texts = {
            "hyperparams.yaml": self.hparams.to_repeat(len(self.classes)),
            "env.log": environment(),
        }
        for name, text in texts.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        self.ledger.save(self.folder / "ledger.json")

    def _provenance(self, progress):
        started = {
            key: progress.facts[key]
            for key in ("initialised_from", "encoder")
            if key in progress.facts
        }
        return {
            "protocol": self.ledger.protocol,
            "fold": self.ledger.fold,
            "split_seed": self.ledger.seed,
            "ledger_sha256": self.ledger.sha256,
            "corpora": self.ledger.corpus.split("+"),
            "synthetic": is_synthetic(self.manifest),
            "licence": licence(self.corpus, self.ledger.corpus),
            **started,
        }

    def _report(self, network, progress, predictions):
        started = progress.facts.get("initialised_from")
        given = (self.corpus, self.hparams, self.ledger, network, self.allow_partial, started)
        run = {
            **run_facts(*given),
            **self.training_facts(progress),
            "train_seconds": round(progress.seconds, 1),
            "native": fits(network),
            "temperature": network.temperature,
            "classes_without_training": [self.classes[place] for place in network.absent],
            **progress.facts,
        }
        metrics = write_report(self.folder, run, predictions, progress.history)
        # Into the model folder, so that the card shows it on the Hub too.
        shutil.copy(self.folder / "figures" / "confusion.png", self.model_folder)
        card = model_card(run, metrics, {"Confusion matrix": "confusion.png"})
        # The card goes last and whole: it tells a finished run.
        write_text(self.model_folder / "README.md", card)
        # Features can be made again at any time and are large.
        if not self.shared_features:
            shutil.rmtree(self.features_folder, ignore_errors=True)
        logger.info(
            "test%s: UA %.1f%%, WA %.1f%%, macro-F1 %.1f%% over %d clips",
            " (synthetic voices)" if run["synthetic"] else "",
            *(100 * metrics["metrics"][key]["value"] for key in ("ua", "wa", "macro_f1")),
            len(predictions),
        )
        logger.info("report: %s\nmodel:  %s", self.folder / "report.md", self.model_folder)

    def _result(self):
        metrics = json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))
        predictions = read_predictions(self.folder / "predictions.csv")
        return Result(metrics, predictions, self.model_folder)
