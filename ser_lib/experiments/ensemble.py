"""Systems made of other systems: the mean of their probabilities, or a stack on top of them.

Every member is a run of its own in ``members/``, on the same ledger, so that one test set judges
all of them and the whole; each can be resumed and has its report.
"""

import logging
import time

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from ser_lib.classical.convert import as_tensors
from ser_lib.classical.fit import Vectors, fit
from ser_lib.errors import HparamsError
from ser_lib.experiments.base import Experiment
from ser_lib.experiments.estimator import made
from ser_lib.experiments.kinds import experiment_class
from ser_lib.hparams import members_of
from ser_lib.hub.native import read_network
from ser_lib.models.waveform_ensemble import combine
from ser_lib.pretrained.heard import encoders
from ser_lib.run_identity import plain
from ser_lib.training.checkpoint import Checkpoints

logger = logging.getLogger(__name__)


class EnsembleExperiment(Experiment):
    """Members named by their YAMLs, relative to the ensemble's; see :class:`Experiment`."""

    def set_up(self, depth=1):
        """Build every member, and see that they go together."""
        found = members_of(self.hparams, depth)
        self.meta = self.hparams.build(len(self.classes)).get("meta")
        self.identities, self.members = [], []
        for number, hparams in enumerate(found, start=1):
            member = experiment_class(hparams.kind)(
                self.corpus,
                hparams,
                self.manifest,
                self.ledger,
                self.folder / "members" / f"{number}-{hparams.system}",
                self.allow_partial,
                self.features_folder,
            )
            deeper = {"depth": depth + 1} if hparams.kind == "ensemble" else {}
            self.identities.append(member.set_up(**deeper))
            self.members.append(member)
        self._check_members()
        if self.meta:
            made(self.hparams.path, "meta", self.meta)
        stack = {"meta": plain(self.meta), "inner_folds": self.settings.inner_folds}
        return {"members": self.identities, **(stack if self.meta else {})}

    @property
    def sample_rate(self):
        """Rate (Hz) that the members hear; :meth:`set_up` has seen that it is one."""
        return self.members[0].sample_rate

    def is_done(self, progress):
        """Whether nothing is left to train, of the members either (bool)."""
        return super().is_done(progress) and all(
            member.is_done(Checkpoints(member.folder / "checkpoints", None).peek(identity))
            for member, identity in zip(self.members, self.identities, strict=True)
            # Somebody short of room may have deleted what is no longer needed.
            if member.folder.is_dir()
        )

    def train(self, accelerator, identity, progress):
        """Run every member to its end, then put them together."""
        for member in self.members:
            member.folder.mkdir(parents=True, exist_ok=True)
            logger.info("member %s, seed %d", member.hparams.system, member.settings.seed)
        results = [member.run() for member in self.members]
        sides = [member.vectors(accelerator) for member in self.members] if self.meta else None
        if not accelerator.is_main_process:
            return None, progress
        began = time.monotonic()
        networks = [read_network(result.model)[0] for result in results]
        for network in networks:
            # A source's ensemble is of its members' own probabilities; it gets its own temperature.
            network.temperature = 1.0
        meta = self._fit_meta(sides, results) if self.meta else None
        progress.epoch, progress.seconds = 1, time.monotonic() - began
        progress.seconds += sum(result.metrics["run"]["train_seconds"] for result in results)
        progress.facts = {"members": [_row(result.metrics) for result in results]}
        told = [encoder for r in results for encoder in encoders(r.metrics["run"])]
        progress.facts |= {"encoder": told} if told else {}
        Checkpoints(self.folder / "checkpoints", accelerator).record(progress)
        return combine(networks, meta).eval(), progress

    def _check_members(self):
        yaml = self.hparams.path
        rates = {member.hparams.system: member.sample_rate for member in self.members}
        if len(set(rates.values())) > 1:
            told = ", ".join(f"{name} {rate} Hz" for name, rate in rates.items())
            raise HparamsError(
                f"{yaml}: members hear different sample rates ({told}); choose members of one rate"
            )
        strange = [m.hparams.system for m in self.members if m.hparams.kind != "estimator"]
        if self.meta and strange:
            raise HparamsError(
                f"{yaml}: a stack is fitted on its members' out-of-fold probabilities, for which "
                f"they must be estimators; {strange[0]} is none"
            )

    def _fit_meta(self, sides, results):
        """Fit the stack's upper estimator on out-of-fold probabilities of the training side."""
        train = sides[0][0]
        folds = self.members[0].folds(train, self.settings.inner_folds, self.settings.seed)
        told = [
            member.out_of_fold(vectors, folds, result.metrics["run"]["fit"]["chosen"])
            for member, (vectors, _), result in zip(self.members, sides, results, strict=True)
        ]
        table = np.concatenate(told, axis=1).astype(np.float32)
        weights = None
        if self.settings.class_weights == "balanced":
            weights = compute_sample_weight("balanced", train.labels)
        vectors = Vectors(table, train.labels, train.speakers)
        fitted = fit(self.meta(), None, vectors, [], sample_weights=weights)
        known = fitted.classes.tolist()
        return as_tensors(fitted.estimator, table.shape[1], len(self.classes), known)


def _row(metrics):
    run = metrics["run"]
    scores = {key: metrics["metrics"][key]["value"] for key in ("ua", "wa")}
    return {"system": run["system"], "seed": run["seed"], "parameters": run["parameters"], **scores}
