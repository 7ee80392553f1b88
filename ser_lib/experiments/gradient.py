"""Systems that are trained epoch by epoch."""

import logging
from collections import Counter

import torch

from ser_lib.evaluation.scores import score_ids
from ser_lib.experiments.base import Experiment
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.pretrained.heard import heard, shared_with
from ser_lib.run_identity import check_cache, check_fit, check_optimizer, run_identity
from ser_lib.training.items import feature_batches, training_items
from ser_lib.training.loader import is_cached
from ser_lib.training.trainer import Trainer, out_of_patience

logger = logging.getLogger(__name__)


class GradientExperiment(Experiment):
    """A front end, a scaler and a network with an optimiser; see :class:`Experiment`."""

    def set_up(self):
        """Build the network; its seed has been set."""
        blocks = self.blocks = self.hparams.build(len(self.classes))
        self.network = WaveformClassifier(
            blocks["front_end"], blocks.get("scaler"), blocks["classifier"]
        )
        check_fit(self.hparams.path, self.network, len(self.classes))
        check_optimizer(self.hparams.path, self.network, blocks)
        check_cache(self.hparams.path, self.network, self.settings)
        self.augmentation = blocks.get("augmentation")
        self.ledger = self.ledger.with_copies(self.augmentation.copies if self.augmentation else 0)
        return run_identity(self.network, self.augmentation, blocks, self.ledger, self.settings)

    @property
    def sample_rate(self):
        """Rate (Hz) that the front end expects."""
        return self.network.sample_rate

    def training_facts(self, progress):
        """What the report says about epochs (dict)."""
        return {
            "epochs_run": progress.epoch,
            "epochs_asked": self.settings.number_of_epochs,
            "best_epoch": progress.best_epoch,
            "stopped_early": progress.stopped_early,
        }

    def freezes(self):
        """Whether a block plans stages of training (bool)."""
        return any(hasattr(block, "begin_epoch") for block in self._blocks_that_start())

    def is_done(self, progress):
        """Whether the last epoch was run, or patience has ended (bool)."""
        enough = progress.epoch >= self.settings.number_of_epochs
        return enough or out_of_patience(progress, self.settings.patience)

    def train(self, accelerator, identity, progress):
        """Train from wherever the folder stands; see :meth:`Experiment.train`."""
        self.warn_of_absent()
        self.network.to(accelerator.device)
        train, self.validation = training_items(
            self.network,
            self.manifest,
            self.ledger,
            self.classes,
            self.augmentation,
            self.settings,
            self.features_folder,
            accelerator,
        )
        if progress.epoch == 0 and self.network.scaler is not None:
            logger.info("fitting the scaler on %d training items", len(train))
            self.network.scaler.fit(feature_batches(self.network, train, self.settings))
        trainer = Trainer(
            self.network.after_front_end() if is_cached(train) else self.network,
            self.settings,
            self.blocks["optimizer"],
            self.blocks.get("lr_scheduler"),
            accelerator,
            self.folder,
            identity,
            score_ids,
            self._class_weights(),
            self._corpus_of if self.settings.balance_corpora else None,
        )
        progress = trainer.fit(train, self.validation)
        if hasattr(self.network.front_end, "merge_adapters"):
            # What leaves a run is a plain encoder, which nobody needs peft for.
            self.network.front_end.merge_adapters()
        # Not before: validation may hold clips of such a class, and its loss is to stay finite.
        self.network.absent = [self.classes.index(name) for name in self.absent()]
        progress.facts = self._starts()
        return self.network, progress

    def validation_clips(self, network):
        """What training validated on: nothing is analysed twice."""
        return self.validation

    def _blocks_that_start(self):
        """Blocks that may begin with weights from elsewhere, or be frozen for a while."""
        return self.network.front_end, self.network.classifier

    def _starts(self):
        """What the report says of weights from elsewhere (dict); empty where there are none."""
        for block in self._blocks_that_start():
            if started := getattr(block, "initialised_from", None):
                told = {**(getattr(block, "heard", None) or heard(started)), "encoder": started}
                told["shared"] = shared_with(told, self.ledger.corpus.split("+"))
                return {"initialised_from": started, "encoder": told}
        return {}

    def _corpus_of(self, item):
        """Corpus of a clip or of a copy ``<clip>#<n>`` of one."""
        return self.ledger.clips[item.partition("#")[0]].corpus

    def _class_weights(self):
        """Weight of each class in the loss, 1 on average over the training clips, or None."""
        if self.settings.class_weights == "none":
            return None
        counts = Counter(self.ledger.clips[clip].emotion for clip in self.ledger.train)
        present = len(counts)
        total = counts.total()
        return torch.tensor(
            [total / (present * counts[name]) if counts[name] else 0.0 for name in self.classes]
        )
