"""Make Transformers know our models: ``pipeline`` then loads them with no trust flag.

Source: https://huggingface.co/docs/transformers/custom_models#registering-a-model-with-custom-code-to-the-auto-classes
"""

import importlib

from ser_lib.hub.after_import import AfterImport
from ser_lib.hub.evaluate_bridge import mend

_AUTO = "transformers.models.auto"


def register():
    """Register at once (imports torch and Transformers); doing so twice changes nothing."""
    for name, step in _STEPS.items():
        step(importlib.import_module(name))


def register_when_needed():
    """Register as soon as Transformers' auto classes are imported, or now if they have been.

    evaluate's evaluator is told of our pipeline in the same way.
    """
    AfterImport({**_STEPS, "evaluate.evaluator.base": mend}).install()


def _config(module):
    from ser_lib.hub.configuration import SERConfig

    module.AutoConfig.register(SERConfig.model_type, SERConfig, exist_ok=True)


def _model(module):
    from ser_lib.hub.modeling import SERConfig, SERForAudioClassification

    module.AutoModelForAudioClassification.register(
        SERConfig, SERForAudioClassification, exist_ok=True
    )


def _feature_extractor(module):
    from ser_lib.hub.configuration import SERConfig
    from ser_lib.hub.preprocessing import Wav2Vec2FeatureExtractor

    module.AutoFeatureExtractor.register(SERConfig, Wav2Vec2FeatureExtractor, exist_ok=True)


# One step a module: each auto class is registered with when its own module is complete, since
# Transformers imports them in many orders, and some in the middle of others.
_STEPS = {
    f"{_AUTO}.configuration_auto": _config,
    f"{_AUTO}.modeling_auto": _model,
    f"{_AUTO}.feature_extraction_auto": _feature_extractor,
}
