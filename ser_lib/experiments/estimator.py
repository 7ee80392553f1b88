"""Systems that scikit-learn or xgboost fit in one go; what is kept of them are tensors."""

import logging
import time

import numpy as np
import sklearn
import torch
from sklearn.utils.class_weight import compute_sample_weight

from ser_lib.classical.absent import spread
from ser_lib.classical.convert import as_tensors, check_kind
from ser_lib.classical.fit import Vectors, check_grid, fit, inner_folds, out_of_fold
from ser_lib.errors import HparamsError, RunError
from ser_lib.evaluation.scores import score_ids
from ser_lib.experiments.base import Experiment
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.run_identity import check_shapes, plain, split_identity
from ser_lib.training.checkpoint import Checkpoints
from ser_lib.training.items import training_items

logger = logging.getLogger(__name__)

_SETTINGS = ("seed", "class_weights", "inner_folds")
_TOLERANCE = 1e-5


class EstimatorExperiment(Experiment):
    """A front end, a scaler and an estimator; see :class:`Experiment`."""

    def set_up(self):
        """Build front end and scaler, and see that the estimator can be fitted."""
        yaml, blocks = self.hparams.path, self.hparams.build(len(self.classes))
        front_end, scaler = blocks["front_end"], blocks.get("scaler")
        if len(front_end.shape) != 2 or front_end.shape[1] != 1:
            raise HparamsError(
                f"{yaml}: an estimator reads one vector a clip, the front end "
                f"{front_end.registered_name} gives features of shape {tuple(front_end.shape)}; "
                "choose a front end of vectors"
            )
        if self.settings.balance_corpora:
            raise HparamsError(
                f"{yaml}: balance_corpora draws clips epoch by epoch, an estimator sees each once; "
                "leave it out, or choose a network"
            )
        check_shapes(yaml, front_end, scaler, None)
        self._check_classes(yaml)
        # Without a classifier yet, for its front end.
        self.network = WaveformClassifier(front_end, scaler, None)
        self.estimator = blocks["estimator"]
        self.grid = self.hparams.value("grid")
        check_grid(made(yaml, "estimator", self.estimator), self.grid)
        return {
            "front_end": front_end.spec,
            "scaler": scaler.spec if scaler is not None else None,
            "estimator": plain(self.estimator),
            "grid": plain(self.grid),
            **split_identity(self.ledger),
            **{key: getattr(self.settings, key) for key in _SETTINGS},
        }

    def train(self, accelerator, identity, progress):
        """Fit on the main process; the others get None and load what it saves."""
        self.network.to(accelerator.device)
        sides = self.vectors(accelerator)
        if not accelerator.is_main_process:
            return None, progress
        began = time.monotonic()
        train, validation = sides
        self.warn_of_absent()
        weights = self.sample_weights(train.labels)
        fitted = fit(
            self.estimator(),
            self.network.cpu().scaler,
            train,
            self.folds(train, self.settings.inner_folds, self.settings.seed) if self.grid else [],
            self.grid,
            weights,
        )
        n_classes, known = len(self.classes), fitted.classes.tolist()
        classifier = as_tensors(fitted.estimator, train.features.shape[1], n_classes, known)
        network = WaveformClassifier(
            self.network.front_end,
            fitted.scaler,
            classifier,
            absent=[place for place in range(n_classes) if place not in known],
        ).eval()
        self._check_same(network, fitted, train)
        progress.epoch, progress.seconds = 1, time.monotonic() - began
        progress.facts = {"fit": self._facts(fitted, network, validation)}
        Checkpoints(self.folder / "checkpoints", accelerator).record(progress)
        return network, progress

    def vectors(self, accelerator):
        """Training and validation side as :class:`ser_lib.classical.fit.Vectors` (list of two)."""
        speakers = dict(zip(self.manifest["id"], self.manifest["speaker"], strict=True))
        return [
            _vectors(items, speakers)
            for items in training_items(
                self.network,
                self.manifest,
                self.ledger,
                self.classes,
                None,
                self.settings,
                self.features_folder,
                accelerator,
                always_cache=True,
            )
        ]

    def sample_weights(self, labels):
        """Weight of each clip, or None; ``labels`` ``(clips,)`` are those of the classes."""
        if self.settings.class_weights == "none":
            return None
        return compute_sample_weight("balanced", labels)

    @property
    def sample_rate(self):
        """Rate (Hz) that the front end expects."""
        return self.network.sample_rate

    def folds(self, train, n_folds, seed):
        """Inner folds of the training side, by speaker where the protocol parts speakers."""
        return inner_folds(train, n_folds, self._speakers_are_parted(), seed)

    def _speakers_are_parted(self):
        return not self.ledger.shared["train-test"]["speakers"]

    def out_of_fold(self, train, folds, chosen):
        """Probabilities ``(clips, classes)`` of training clips by fits that did not see them.

        Classes that the training side lacks have probability 0.

        Arguments
        ---------
        train : Vectors
        folds : list of (array, array)
        chosen : dict
            Settings that the grid chose in the run of this system.
        """
        estimator = self.estimator().set_params(**chosen)
        weights = self.sample_weights(train.labels)
        told = out_of_fold(estimator, self.network.scaler, train, folds, weights)
        return spread(told, np.unique(train.labels), len(self.classes))

    def _check_classes(self, yaml):
        absent = self.absent()
        if len(self.classes) - len(absent) < 2:
            raise HparamsError(
                f"{yaml}: the training side has no clip of {', '.join(absent)}; an estimator needs "
                "two classes at least to tell apart, so give more of the corpus or another split"
            )

    def _check_same(self, network, fitted, train):
        """Raise RunError unless the tensors say what the library says."""
        some = train.features[:256]
        with torch.no_grad():
            features = torch.from_numpy(some)[..., None]
            if fitted.scaler is not None:
                features = fitted.scaler(features, None)
            ours = network.classifier(features, None).softmax(dim=1).numpy()
        theirs = fitted.estimator.predict_proba(features[..., 0].numpy())
        theirs = spread(theirs, fitted.classes, len(self.classes))
        apart = float(np.abs(ours - theirs).max())
        if not apart <= _TOLERANCE:
            raise RunError(
                f"{type(fitted.estimator).__name__}: its tensors differ by {apart:.1e} in "
                "probability from the fitted estimator; please report this with your versions"
            )

    @torch.no_grad()
    def _facts(self, fitted, network, validation):
        features = torch.from_numpy(validation.features)[..., None]
        told = network(features, None).argmax(dim=1)
        kind = type(fitted.estimator)
        library = kind.__module__.partition(".")[0]
        return {
            "estimator": f"{library}.{kind.__name__}",
            "scikit_learn": sklearn.__version__,
            "grid": plain(self.grid),
            "chosen": plain(fitted.settings),
            "inner_folds": self.settings.inner_folds if self.grid else None,
            "inner_folds_by_speaker": self._speakers_are_parted(),
            "inner_ua": fitted.inner_ua,
            "validation_ua": score_ids(told, torch.from_numpy(validation.labels))["ua"],
        }


def made(yaml, key, factory):
    """The unfitted estimator that a YAML's ``!name:`` makes, if it is one that becomes tensors.

    Arguments
    ---------
    yaml : Path
        For the message.
    key : str
        ``estimator`` or ``meta``.
    factory : callable
        Makes it without arguments.

    Raises
    ------
    HparamsError
        Otherwise.
    """
    try:
        estimator = factory()
    except (TypeError, ValueError) as error:
        raise HparamsError(f"{yaml}: {key}: {str(error).splitlines()[0]}") from error
    check_kind(estimator)
    return estimator


def _vectors(items, speakers):
    clips = [items[index] for index in range(len(items))]
    return Vectors(
        np.stack([clip["features"].flatten().numpy() for clip in clips]),
        np.array([clip["label"] for clip in clips]),
        np.array([speakers[clip["id"]] for clip in clips]),
    )
