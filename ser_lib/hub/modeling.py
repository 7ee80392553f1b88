"""A speech-emotion classifier as Transformers knows models: waveforms in, logits out."""

import itertools

from torch.nn import functional as F
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.modeling_utils import PreTrainedModel

from ser_lib.errors import ModelFolderError
from ser_lib.hub.configuration import SERConfig
from ser_lib.models.waveform_ensemble import network_from_spec


class SERForAudioClassification(PreTrainedModel):
    """Front end, scaler and classifier behind the interface of ``AutoModelForAudioClassification``.

    Arguments
    ---------
    config : SERConfig
        Its ``system`` names the blocks.

    Raises
    ------
    ModelFolderError
        If ``config.system`` does not describe a model that this version can build.
    """

    config_class = SERConfig
    base_model_prefix = "network"
    main_input_name = "input_values"
    input_modalities = "audio"
    # A spectrum in half precision is noise, and so is a standard deviation: a request for
    # float16 or bfloat16 weights leaves these small models as they are.
    _keep_in_fp32_modules_strict = ["network"]

    def __init__(self, config):
        super().__init__(config)
        if not isinstance(config.system, dict):
            raise ModelFolderError("config.json has no 'system'; save the model again")
        try:
            self.network = network_from_spec(config.system)
        except (LookupError, TypeError, ValueError) as error:
            raise ModelFolderError(f"config.json describes no system: {error!r}") from error
        self.post_init()

    def _init_weights(self, module):
        """Nothing: the blocks set their own weights, and weights that lack are an error."""

    @property
    def device(self):
        """Device of the model, also of one without parameters (a decision tree is all buffers)."""
        return next(itertools.chain(self.parameters(), self.buffers())).device

    @property
    def dtype(self):
        """Floating-point type of the model, also of one without parameters."""
        numbers = itertools.chain(self.parameters(), self.buffers())
        return next(n.dtype for n in numbers if n.is_floating_point())

    @classmethod
    def from_pretrained(cls, source, *args, output_loading_info=False, **kwargs):
        """As in Transformers, but safetensors only, and weights that do not fit are refused.

        Arguments
        ---------
        source : str or os.PathLike
            Model folder or Hub id.
        *args, **kwargs
            As ``PreTrainedModel.from_pretrained`` takes them.
        output_loading_info : bool
            Return ``(model, info)`` instead of the model.

        Raises
        ------
        ModelFolderError
            If the file lacks weights of the model or holds others.
        """
        kwargs.setdefault("use_safetensors", True)
        model, info = super().from_pretrained(source, *args, output_loading_info=True, **kwargs)
        refuse_misfit(info, source)
        return (model, info) if output_loading_info else model

    def forward(self, input_values, attention_mask=None, labels=None, return_dict=None, **kwargs):
        """Logits of a padded batch.

        Arguments
        ---------
        input_values : Tensor
            ``(batch, time)``, float32 samples at ``config.sampling_rate``.
        attention_mask : Tensor, optional
            ``(batch, time)``, 1 over the clip and 0 over the padding behind it.
        labels : Tensor, optional
            ``(batch,)``, class ids; adds the cross-entropy as ``loss``.
        return_dict : bool, optional
            False for a plain tuple.
        **kwargs
            What the Trainer adds for other models; unused.

        Returns
        -------
        SequenceClassifierOutput
            ``logits`` ``(batch, classes)`` and, with labels, ``loss``.
        """
        lengths = None if attention_mask is None else attention_mask.sum(dim=-1).long()
        logits = self.network(input_values, lengths)
        loss = None if labels is None else F.cross_entropy(logits, labels)
        if return_dict is False:
            return (logits,) if loss is None else (loss, logits)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def refuse_misfit(info, source):
    """Raise ModelFolderError if weights were missing or left over when ``source`` was loaded.

    Transformers only warns and goes on with random numbers in place of what is missing; such a
    model gives answers, and they mean nothing.

    Arguments
    ---------
    info : dict
        Loading info of ``from_pretrained``.
    source : str or os.PathLike
        Folder or Hub id, for the message.
    """
    found = {
        "missing": sorted(info["missing_keys"]),
        "of another shape": sorted(name for name, *_ in info["mismatched_keys"]),
        "unknown to the model": sorted(info["unexpected_keys"]),
    }
    if info["error_msgs"] or any(found.values()):
        counts = [f"{len(names)} {what} ({names[0]})" for what, names in found.items() if names]
        raise ModelFolderError(
            f"{source}: the weights do not fit config.json: "
            f"{', '.join(counts) or info['error_msgs'][0]}; save the model again with the version "
            "that trained it"
        )
