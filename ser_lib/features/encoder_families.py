"""Families of speech encoders, and what of their files an encoder follows from."""

from transformers import (
    CONFIG_MAPPING,
    Data2VecAudioModel,
    HubertModel,
    SeamlessM4TFeatureExtractor,
    UniSpeechSatModel,
    Wav2Vec2BertModel,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WavLMModel,
    WhisperFeatureExtractor,
)
from transformers.models.whisper.modeling_whisper import WhisperEncoder

#: Encoder and feature extractor of each family, by Transformers' ``model_type``.
FAMILIES = {
    "wav2vec2": (Wav2Vec2Model, Wav2Vec2FeatureExtractor),
    "hubert": (HubertModel, Wav2Vec2FeatureExtractor),
    "wavlm": (WavLMModel, Wav2Vec2FeatureExtractor),
    "unispeech-sat": (UniSpeechSatModel, Wav2Vec2FeatureExtractor),
    "data2vec-audio": (Data2VecAudioModel, Wav2Vec2FeatureExtractor),
    "wav2vec2-bert": (Wav2Vec2BertModel, SeamlessM4TFeatureExtractor),
    "whisper": (WhisperEncoder, WhisperFeatureExtractor),
}
# Of a configuration or an extractor these say where it came from, or serve another task.
_FOREIGN = {
    *("_name_or_path", "architectures", "model_type", "transformers_version", "dtype"),
    *("torch_dtype", "id2label", "label2id", "problem_type", "auto_map", "provenance"),
    *("tokenizer_class", "use_cache", "finetuning_task", "num_labels", "output_hidden_states"),
    *("use_weighted_layer_sum", "classifier_proj_size", "output_attentions", "return_dict"),
    *("feature_extractor_type", "processor_class", "mel_filters", "attn_implementation"),
}
# A layer that is left out, or a masked stretch longer than a short clip, would need care that small
# corpora do not repay.
_CALM = {
    "layerdrop": 0.0,
    "encoder_layerdrop": 0.0,
    "mask_time_prob": 0.0,
    "mask_feature_prob": 0.0,
    "apply_spec_augment": False,
}
# What some checkpoints have behind the last layer, to hand fewer frames to a decoder of text.
_WITHOUT_ADAPTER = {"add_adapter": False, "use_intermediate_ffn_before_adapter": False}


def shortest(config):
    """Samples that one frame of an encoder needs (int); shorter clips want silence behind them.

    Arguments
    ---------
    config : PretrainedConfig
        Of an encoder, or of any other model: where it tells nothing, 1.
    """
    if config.model_type == "wav2vec2-bert":
        # One frame joins two of 25 ms at 16 kHz, 10 ms apart.
        return 800
    least = 1
    kernels, strides = (getattr(config, key, None) or () for key in ("conv_kernel", "conv_stride"))
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        least = (least - 1) * stride + kernel
    return least


def plain_values(described, family):
    """What of a configuration, or of a feature extractor, an encoder follows from.

    Arguments
    ---------
    described : dict
        As in ``config.json`` or ``preprocessor_config.json``.
    family : str
        One of ``FAMILIES``.

    Returns
    -------
    dict
        Arguments for :class:`SpeechEncoder`, the same for the same encoder wherever it was.

    Raises
    ------
    ValueError, TypeError
        If they are no such values.
    """
    own = {key: value for key, value in described.items() if key not in _FOREIGN}
    if "feature_extractor_type" in described or "sampling_rate" in described:
        made = FAMILIES[family][1](**own).to_dict()
    else:
        config = CONFIG_MAPPING[family]
        fixed = {**_CALM, **_WITHOUT_ADAPTER}
        fixed = {key: value for key, value in fixed.items() if hasattr(config(), key)}
        made = config(**{**own, **fixed}).to_diff_dict()
    return {key: value for key, value in sorted(made.items()) if key not in _FOREIGN}
