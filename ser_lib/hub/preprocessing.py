"""The feature extractor of our models: Transformers' own, told to leave the samples alone."""

from transformers.models.wav2vec2.feature_extraction_wav2vec2 import Wav2Vec2FeatureExtractor


def feature_extractor(sampling_rate):
    """Stock extractor that pads with zeros and masks the padding.

    The model computes its own features, so all that happens outside it is padding, and
    ``preprocessor_config.json`` names a class that every Transformers installation has.

    Arguments
    ---------
    sampling_rate : int
        Rate of the model's waveforms in Hz.
    """
    return Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=sampling_rate,
        padding_value=0.0,
        do_normalize=False,
        return_attention_mask=True,
    )
