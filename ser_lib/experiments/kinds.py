"""Which experiment a kind of system gets."""

import importlib

_KINDS = {
    "gradient": "GradientExperiment",
    "estimator": "EstimatorExperiment",
    "ensemble": "EnsembleExperiment",
}


def experiment_class(kind):
    """Subclass of :class:`ser_lib.experiments.base.Experiment` for a kind of system.

    Arguments
    ---------
    kind : str
        ``gradient``, ``estimator`` or ``ensemble``, as :class:`ser_lib.hparams.Hparams` tells it.
    """
    # Only now: a network needs none of scikit-learn, which takes a second to import.
    return getattr(importlib.import_module(f"ser_lib.experiments.{kind}"), _KINDS[kind])
