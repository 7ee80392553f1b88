"""A residual network that starts from weights for pictures, as ShaheenPerveen's does."""

from transformers import ResNetConfig, ResNetModel

from ser_lib.errors import ModelFolderError
from ser_lib.models.resnet import ResNetClassifier
from ser_lib.pretrained.source import locate
from ser_lib.pretrained.weights import load_weights

_SIZES = (
    "num_channels",
    "embedding_size",
    "hidden_sizes",
    "depths",
    "layer_type",
    "hidden_act",
    "downsample_in_first_stage",
)


def resnet_classifier(
    n_classes, pretrained=None, revision=None, allow_pickle=False, freeze_epochs=0, **arguments
):
    """A :class:`ResNetClassifier` that starts from published weights, where some are named.

    A classifier remembers neither in its ``spec``: a saved one holds the weights itself.

    Arguments
    ---------
    n_classes : int
        Emotions.
    pretrained : str or None
        Folder or name on the Hub, such as ``microsoft/resnet-18``, of a Transformers ResNet; its
        own head is left out. None is random weights, of which none are frozen.
    revision : str or None
        Branch, tag or commit on the Hub; None is the newest.
    allow_pickle : bool
        Whether pickled weights will do where there are no safetensors.
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
        If ``freeze_epochs`` is no whole number.
    ModelFolderError, HubError
        If the weights are not there, or are those of a network of another size.
    """
    if isinstance(freeze_epochs, bool) or not isinstance(freeze_epochs, int) or freeze_epochs < 0:
        raise ValueError(
            f"freeze_epochs is {freeze_epochs!r}; it must be a whole number, 0 or more"
        )
    classifier = ResNetClassifier(n_classes, **arguments)
    if pretrained is not None:
        source = locate(pretrained, revision, allow_pickle)
        _check_sizes(source, classifier.backbone.config)
        backbone, missing = load_weights(ResNetModel, source, classifier.backbone.config)
        if missing:
            raise ModelFolderError(f"{source.name}: it lacks {missing[0]}; choose a whole ResNet")
        classifier.backbone = backbone.train()
        classifier.initialised_from, classifier.freeze_epochs = str(source), freeze_epochs
    return classifier


def _check_sizes(source, config):
    """Raise ModelFolderError where a checkpoint's network is of another size."""
    try:
        theirs = ResNetConfig.from_pretrained(source.folder)
    except (OSError, ValueError, TypeError) as error:
        raise ModelFolderError(f"{source.name} has no config.json of a ResNet") from error
    differing = [key for key in _SIZES if getattr(theirs, key) != getattr(config, key)]
    if differing:
        wanted, there = (
            ", ".join(f"{key} {getattr(of, key)}" for key in differing) for of in (config, theirs)
        )
        raise ModelFolderError(f"{source.name}: it has {there}, the classifier {wanted}")
