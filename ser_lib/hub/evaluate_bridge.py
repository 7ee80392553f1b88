"""Let ``evaluate.evaluator("audio-classification")`` take a pipeline under Transformers 5.

evaluate 0.4.6 asks every pipeline whether it is a ``transformers.TFPreTrainedModel``. Since
Transformers 5 has no TensorFlow, the name is gone and the question is an AttributeError.
"""


class _TransformersWithTF:
    """Transformers as that one module sees it, with a TensorFlow model class nobody inherits."""

    TFPreTrainedModel = type("TFPreTrainedModel", (), {})

    def __init__(self, transformers):
        self._transformers = transformers

    def __getattr__(self, name):
        return getattr(self._transformers, name)


def mend(module):
    """Mend ``evaluate.evaluator.base`` (the module given), and nothing else, where it needs it."""
    transformers = getattr(module, "transformers", None)
    if transformers is not None and not hasattr(transformers, "TFPreTrainedModel"):
        module.transformers = _TransformersWithTF(transformers)
