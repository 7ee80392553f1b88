"""One fold of one system on one corpus, for each way that systems come into being.

``gradient``: trained epoch by epoch; ``estimator``: fitted by scikit-learn or xgboost;
``ensemble``: made of other systems. They share everything that is not training.
"""

from ser_lib.experiments.base import Result
from ser_lib.experiments.kinds import experiment_class

__all__ = ["Result", "experiment"]


def experiment(corpus, hparams, manifest, ledger, folder, allow_partial=False):
    """The experiment that a YAML asks for; arguments as :class:`ser_lib.experiments.base` has."""
    made = experiment_class(hparams.kind)
    return made(corpus, hparams, manifest, ledger, folder, allow_partial)
