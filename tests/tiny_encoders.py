"""Checkpoints of every family of speech encoder, as the Hub has them but tiny."""

import torch
import transformers
from transformers import CONFIG_MAPPING

from ser_lib.features.encoder_families import FAMILIES

_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}
# A frame is 20 ms here too.
_WAVES = {
    **_SIZES,
    "conv_dim": [16, 16],
    "conv_kernel": [40, 16],
    "conv_stride": [20, 16],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
_LAYER_NORM = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
_CONFIGS = {
    "wav2vec2": _WAVES,
    "wav2vec2-large": {**_WAVES, **_LAYER_NORM},
    "hubert": _WAVES,
    "hubert-large": {**_WAVES, **_LAYER_NORM},
    "hubert-batch-norm": {**_WAVES, "conv_pos_batch_norm": True},
    "wavlm": _WAVES,
    "wavlm-large": {**_WAVES, **_LAYER_NORM},
    "unispeech-sat": _WAVES,
    "data2vec-audio": {**_WAVES, "num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 9},
    "wav2vec2-bert": _SIZES,
    "wav2vec2-adapter": {**_WAVES, "add_adapter": True, "num_adapter_layers": 2},
    "wav2vec2-bert-adapter": {
        **_SIZES,
        "add_adapter": True,
        "use_intermediate_ffn_before_adapter": True,
    },
    "whisper": {
        "d_model": 32,
        "encoder_layers": 2,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 48,
        "decoder_layers": 1,
        "decoder_attention_heads": 2,
        "decoder_ffn_dim": 48,
        "vocab_size": 50,
        "pad_token_id": 0,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "decoder_start_token_id": 0,
    },
}


def family(name):
    """Transformers' name of the family of a tiny checkpoint."""
    return max((kind for kind in FAMILIES if name.startswith(kind)), key=len)


def write(name, folder, safe=True):
    """Save a tiny checkpoint and its feature extractor; returns the folder (Path)."""
    kind = family(name)
    torch.manual_seed(0)
    config = CONFIG_MAPPING[kind](**_CONFIGS[name])
    # Whisper's checkpoints hold the decoder too.
    model = transformers.WhisperModel if kind == "whisper" else FAMILIES[kind][0]
    network = model(config)
    with torch.no_grad():
        for parameter in network.parameters():
            # Away from the layers' neutral beginnings, so that a part that is left out shows.
            parameter.add_(0.02 * torch.randn_like(parameter))
        for key, buffer in network.named_buffers():
            if key.endswith("running_mean"):
                buffer.add_(0.2 * torch.randn_like(buffer))
    if safe:
        network.save_pretrained(folder)
    else:
        config.save_pretrained(folder)
        torch.save(network.state_dict(), folder / "pytorch_model.bin")
    masks = (
        {} if kind in ("wav2vec2-bert", "whisper") else {"return_attention_mask": "large" in name}
    )
    FAMILIES[kind][1](**masks).save_pretrained(folder)
    return folder
