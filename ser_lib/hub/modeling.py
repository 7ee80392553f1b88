"""A speech-emotion classifier as Transformers knows models: waveforms in, logits out."""

import itertools
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import logging

from ser_lib.errors import ModelFolderError
from ser_lib.hub.configuration import SERConfig
from ser_lib.models.waveform_ensemble import network_from_spec

logger = logging.get_logger(__name__)


class SERForAudioClassification(PreTrainedModel):
    """Front end, scaler and classifier behind the interface of ``AutoModelForAudioClassification``.

    Arguments
    ---------
    config : SERConfig
        Its ``system`` names the blocks.

    Raises
    ------
    ModelFolderError
        If ``config.system`` does not describe a model that this version can build, or tells other
        classes apart than ``config.id2label`` names.
    """

    config_class = SERConfig
    base_model_prefix = "network"
    main_input_name = "input_values"
    input_modalities = "audio"
    # A spectrum in half precision is noise, and so is a standard deviation: a request for other
    # weights than float32 leaves these small models as they are.
    _keep_in_fp32_modules_strict = ["network"]

    def __init__(self, config):
        super().__init__(config)
        if not isinstance(config.system, dict):
            raise ModelFolderError("config.json has no 'system'; save the model again")
        try:
            self.network = network_from_spec(config.system)
        except (LookupError, TypeError, ValueError) as error:
            raise ModelFolderError(f"config.json describes no system: {error!r}") from error
        _check_classes(config, self.network)
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

    def half(self):
        """This model as it is, in float32, with a warning: why stands above."""
        logger.warning("the model stays in float32; for speed run it under torch.autocast")
        return self

    bfloat16 = double = half

    def to(self, *args, **kwargs):
        """As in Transformers, but a floating-point type is declined as by :meth:`half`."""
        kinds = {given for given in (*args, kwargs.get("dtype")) if isinstance(given, torch.dtype)}
        if kinds - {torch.float32}:
            self.half()
            args = [given for given in args if not isinstance(given, torch.dtype)]
            kwargs.pop("dtype", None)
        return super().to(*args, **kwargs) if args or kwargs else self

    @classmethod
    def from_pretrained(cls, source, *args, output_loading_info=False, **kwargs):
        """As in Transformers, but safetensors only, and weights that do not fit are refused.

        With ``ignore_mismatched_sizes`` and another number of classes (``num_labels=3``) a network
        gets a last layer for these, of random weights, to be trained further.

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
            If the file lacks weights of the model or holds others, or the system is one whose last
            layer cannot be made anew.
        """
        kwargs.setdefault("use_safetensors", True)
        for key in ("dtype", "torch_dtype"):
            if str(kwargs.get(key)).removeprefix("torch.") in ("float64", "double"):
                kwargs[key] = "float32"
        anew = False
        if kwargs.get("ignore_mismatched_sizes"):
            config = kwargs.pop("config", None)
            if config is None:
                config, kwargs = cls.config_class.from_pretrained(
                    source, return_unused_kwargs=True, **kwargs
                )
            anew, kwargs["config"] = _take_classes(config), config
        model, info = super().from_pretrained(source, *args, output_loading_info=True, **kwargs)
        if anew:
            info["mismatched_keys"] = _made_anew(model, info["mismatched_keys"])
        refuse_misfit(info, source)
        return (model, info) if output_loading_info else model

    def save_pretrained(self, save_directory, *args, **kwargs):
        """As in Transformers; source that is not there is not named.

        Arguments
        ---------
        save_directory : str or os.PathLike
            Folder. :func:`ser_lib.hub.saving.save_model` puts the source there, for those who have
            no ser_lib, and a sound with its answer.
        *args, **kwargs
            As ``PreTrainedModel.save_pretrained`` takes them.
        """
        named = getattr(self.config, "auto_map", None)
        # "id--module.Class" is in another repository, where it stays.
        files = [f"{name.partition('.')[0]}.py" for name in (named or {}).values()]
        if any("--" not in name and not Path(save_directory, name).is_file() for name in files):
            del self.config.auto_map
        try:
            super().save_pretrained(save_directory, *args, **kwargs)
        finally:
            if named is not None:
                self.config.auto_map = named

    def forward(self, input_values, attention_mask=None, labels=None, return_dict=None, **kwargs):
        """Logits of a padded batch.

        Arguments
        ---------
        input_values : Tensor
            ``(batch, time)``, float32 samples at ``config.sampling_rate``.
        attention_mask : Tensor, optional
            ``(batch, time)``, 1 over the clip and 0 over the padding behind it.
        labels : Tensor, optional
            ``(batch,)`` or ``(batch, 1)``, class ids; adds the cross-entropy as ``loss``.
        return_dict : bool, optional
            False for a plain tuple.
        **kwargs
            What the Trainer adds for other models; unused.

        Returns
        -------
        SequenceClassifierOutput
            ``logits`` ``(batch, classes)`` and, with labels, ``loss``.

        Raises
        ------
        ValueError
            If the padding stands ahead of a clip.
        """
        lengths = None if attention_mask is None else _lengths(attention_mask)
        logits = self.network(input_values, lengths)
        loss = None if labels is None else F.cross_entropy(logits, labels.view(-1))
        if return_dict is False:
            return (logits,) if loss is None else (loss, logits)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def _lengths(attention_mask):
    """Samples of each clip (batch,)."""
    # Compiled, a look at a number would break the graph in two.
    looked_at = not torch.compiler.is_compiling()
    if looked_at and bool((attention_mask[:, 0] < attention_mask[:, -1]).any()):
        raise ValueError("padding stands ahead of the sound; pad with padding_side='right'")
    return attention_mask.sum(dim=-1).long()


def _check_classes(config, network):
    """Raise ModelFolderError where a network has other classes than its configuration names."""
    if network.n_classes != config.num_labels:
        raise ModelFolderError(
            f"config.json names {config.num_labels} classes, its system tells {network.n_classes} "
            "apart; copy the model again, or, to train it for other classes, load it with "
            "ignore_mismatched_sizes=True"
        )


def _take_classes(config):
    """Give the system of a configuration as many classes as it has labels; whether that was needed.

    A temperature and classes without training belong to the last layer that was, and go with it.
    Where the weights come from stays known as ``from``: of the split nothing holds any more.
    """
    system = config.system
    told = system.get("classifier") if isinstance(system, dict) else None
    if not isinstance(told, dict) or told.get("n_classes") in (None, config.num_labels):
        return False
    kept = {key: system[key] for key in ("front_end", "scaler") if key in system}
    config.system = {**kept, "classifier": {**told, "n_classes": config.num_labels}}
    config.provenance = {"from": config.provenance} if config.provenance else {}
    return True


def _made_anew(model, mismatched):
    """Draw the weights of layers whose shape is another; what is left of ``mismatched`` (list)."""
    left = []
    for name, *shapes in mismatched:
        layer = model.get_submodule(name.rpartition(".")[0])
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
        else:
            left.append((name, *shapes))
    return left


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
