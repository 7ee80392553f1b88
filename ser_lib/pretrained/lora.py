"""Low-rank adapters (LoRA) by peft, and how they become part of the weights again.

Source: E. Hu et al. (2022), LoRA: Low-rank adaptation of large language models, arXiv:2106.09685.
"""

from ser_lib.errors import HparamsError

# WavLM hands the weights of its attention to a function of PyTorch, past any adapter around them:
# there the feed-forward layers are adapted.
_TARGETS = {
    "wavlm": ["intermediate_dense", "output_dense"],
    "wav2vec2-bert": ["linear_q", "linear_v"],
}
_USUAL = ["q_proj", "v_proj"]


def add_adapters(front_end, rank):
    """Freeze an encoder and put adapters beside its attention, the only weights to train.

    Arguments
    ---------
    front_end : SpeechEncoder
        Changed in place; gets ``merge_adapters()``, which adds them to the encoder's weights.
    rank : int
        Of the adapters; they count with twice their own scale.

    Raises
    ------
    HparamsError
        If peft is not installed.
    """
    try:
        from peft import LoraConfig, LoraModel
    except ImportError as error:
        raise HparamsError("lora_rank needs peft: pip install -e '.[lora]'") from error
    plan = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=_TARGETS.get(front_end.family, _USUAL),
    )
    adapters = LoraModel(front_end.encoder, {"default": plan}, "default")

    def merge_adapters():
        front_end.encoder = adapters.merge_and_unload()
        front_end.encoder.requires_grad_(False)

    front_end.merge_adapters = merge_adapters
