"""Residual networks on spectrogram pictures (system 004's ResNet18 and ResNet34).

Source: ShaheenPerveen/speech-emotion-recognition-iemocap, notebooks ``PyTorch_ResNet18`` and
``PyTorch_ResNet34_SGD``: K. He et al. (2016), Deep residual learning for image recognition, with
ImageNet's weights and two linear layers in place of the last; 11,279,916 and 21,388,076 parameters
for four classes. Trained in two stages: the head alone, then the last of the four stages of blocks
with it. What is frozen still follows its batches with the statistics of batch norm, as it does in
PyTorch wherever a model is in training mode.
"""

import hashlib
import re
from pathlib import Path

from torch import nn
from transformers import ResNetConfig, ResNetModel
from transformers.utils import cached_file, logging

from ser_lib.registry import register

_SIZES = (
    "num_channels",
    "embedding_size",
    "hidden_sizes",
    "depths",
    "layer_type",
    "hidden_act",
    "downsample_in_first_stage",
)


@register("resnet")
class ResNetClassifier(nn.Module):
    """Pictures ``(batch, colours, height, width)`` to logits ``(batch, n_classes)``.

    The backbone starts from random weights; :func:`resnet_classifier` starts it from others.

    Arguments
    ---------
    n_classes : int
        Emotions.
    depths : sequence of int
        Blocks of two convolutions in each stage: 2, 2, 2, 2 for ResNet18; 3, 4, 6, 3 for ResNet34.
    shape : sequence of int
        ``(colours, height, width)`` of the pictures.
    widths : sequence of int
        Maps of each stage; the stem has those of the first.
    hidden : int
        Width of the head's hidden layer.
    dropout : float
        After the hidden layer.

    Raises
    ------
    ValueError
        If the shape is not that of a picture, or depths and widths do not match.

    Attributes
    ----------
    freeze_epochs : int or None
        Epochs that only the head is trained, None where nothing is ever frozen.
    initialised_from : str or None
        Where the backbone's weights came from, with their revision.
    """

    def __init__(
        self,
        n_classes,
        depths=(2, 2, 2, 2),
        shape=(3, 224, 224),
        widths=(64, 128, 256, 512),
        hidden=200,
        dropout=0.5,
    ):
        super().__init__()
        self.shape = tuple(shape)
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(
                f"resnet reads pictures of shape (colours, height, width), not {self.shape}"
            )
        if len(depths) != len(widths) or min(*depths, *widths) < 1:
            raise ValueError(f"depths {list(depths)} and widths {list(widths)} do not match")
        self.freeze_epochs = self.initialised_from = None
        self.backbone = ResNetModel(
            ResNetConfig(
                num_channels=self.shape[0],
                embedding_size=widths[0],
                hidden_sizes=list(widths),
                depths=list(depths),
                layer_type="basic",
                hidden_act="relu",
                downsample_in_first_stage=False,
            )
        )
        self.head = nn.Sequential(
            nn.Linear(widths[-1], hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_classes),
        )

    def forward(self, features, lengths):
        """Logits; ``lengths`` (columns) are unused: the front end gives every clip the same."""
        return self.head(self.backbone(features).pooler_output.flatten(1))

    def begin_epoch(self, epoch):
        """Freeze and thaw what the plan says for this epoch; without a plan, do nothing.

        Arguments
        ---------
        epoch : int
            The epoch that is about to be trained, counted from 1.
        """
        if self.freeze_epochs is None:
            return
        self.backbone.requires_grad_(False)
        self.backbone.encoder.stages[-1].requires_grad_(epoch > self.freeze_epochs)


def resnet_classifier(n_classes, pretrained=None, revision=None, freeze_epochs=0, **arguments):
    """A :class:`ResNetClassifier` that starts from published weights, where some are named.

    A classifier remembers neither in its ``spec``: a saved one holds the weights itself.

    Arguments
    ---------
    n_classes : int
        Emotions.
    pretrained : str or None
        Folder or name on the Hub, such as ``microsoft/resnet-18``, of a Transformers ResNet in
        safetensors; its own head is left out. None is random weights, of which none are frozen.
    revision : str or None
        Branch, tag or commit on the Hub; None is the newest.
    freeze_epochs : int
        Epochs that only the head is trained; afterwards the last stage is trained with it.
    **arguments
        Of :class:`ResNetClassifier`.

    Returns
    -------
    ResNetClassifier

    Raises
    ------
    ValueError
        If the weights are not there, or are those of a network of another size.
    """
    if isinstance(freeze_epochs, bool) or not isinstance(freeze_epochs, int) or freeze_epochs < 0:
        raise ValueError(
            f"freeze_epochs is {freeze_epochs!r}; it must be a whole number, 0 or more"
        )
    classifier = ResNetClassifier(n_classes, **arguments)
    if pretrained is not None:
        classifier.backbone, version = _published(pretrained, revision, classifier.backbone.config)
        # Of a folder its name only: where it lies is this machine's business.
        name = Path(pretrained).resolve().name if Path(pretrained).is_dir() else pretrained
        classifier.initialised_from = f"{name}@{version}"
        classifier.freeze_epochs = freeze_epochs
    return classifier


def _published(source, revision, config):
    """Backbone with weights of a folder or the Hub, and which revision those are (str)."""
    if not Path(source).is_dir() and not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", str(source)):
        raise ValueError(
            f"there is no folder {str(source)!r}; give one, or a name on the Hub such as "
            "microsoft/resnet-18"
        )
    level = logging.get_verbosity()
    # Transformers lists the weights of the head that is left out.
    logging.set_verbosity_error()
    try:
        theirs = ResNetConfig.from_pretrained(source, revision=revision)
        differing = [key for key in _SIZES if getattr(theirs, key) != getattr(config, key)]
        if differing:
            wanted, there = (
                ", ".join(f"{key} {getattr(of, key)}" for key in differing)
                for of in (config, theirs)
            )
            raise ValueError(f"it has {there}, the classifier {wanted}")
        weights = Path(cached_file(source, "model.safetensors", revision=revision))
        backbone, report = ResNetModel.from_pretrained(
            weights.parent, config=config, use_safetensors=True, output_loading_info=True
        )
        if report["missing_keys"]:
            raise ValueError(f"it lacks {min(report['missing_keys'])}")
    except Exception as error:  # of the Hub, the files, or what is in them
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"cannot start from the ResNet {str(source)!r}: {reason}") from error
    finally:
        logging.set_verbosity(level)
    # It may have been stored in half precision, and comes in evaluation mode.
    backbone = backbone.float().train()
    if Path(source).is_dir():
        return backbone, f"sha256:{hashlib.sha256(weights.read_bytes()).hexdigest()[:12]}"
    # The Hub's cache names a snapshot's folder by its commit.
    return backbone, weights.parent.name
