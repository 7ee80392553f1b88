"""ECAPA-TDNN from the weights of a network that tells speakers apart.

Such a folder is speechbrain/spkrec-ecapa-voxceleb (VoxCeleb 1 and 2, 7,205 speakers): the
embedding network is taken from it, the classifier of speakers is left out. Its
``hyperparams.yaml`` is never read, because what a HyperPyYAML names is run: the sizes of the
network are given here and compared with the weights.
"""

import pickle

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ser_lib.errors import ModelFolderError
from ser_lib.models.ecapa_tdnn import ECAPAClassifier
from ser_lib.pretrained.source import locate

_NAME = "embedding_model"
# A key that every ECAPA-TDNN has once; what stands before it in a file stands before all.
_ONCE = "asp_bn.norm.weight"


def ecapa_classifier(
    n_classes, pretrained=None, revision=None, allow_pickle=False, freeze_epochs=0, **arguments
):
    """An :class:`ECAPAClassifier` that starts from published weights, where some are named.

    A classifier remembers neither in its ``spec``: a saved one holds the weights itself.

    Arguments
    ---------
    n_classes : int
        Emotions.
    pretrained : str or None
        Folder, or id on the Hub such as ``speechbrain/spkrec-ecapa-voxceleb``, with
        ``embedding_model.safetensors``, a single other safetensors file, or
        ``embedding_model.ckpt``. None is random weights, of which none are frozen.
    revision : str or None
        Branch, tag or commit on the Hub; None is the newest.
    allow_pickle : bool
        Whether ``embedding_model.ckpt`` will do, which is pickled. Only tensors are read from it.
    freeze_epochs : int
        Epochs that only the head is trained; afterwards everything is.
    **arguments
        Of :class:`ECAPAClassifier`.

    Returns
    -------
    ECAPAClassifier

    Raises
    ------
    ValueError
        If ``freeze_epochs`` is no whole number, or the sizes do not fit together.
    ModelFolderError
        If the weights are not there, cannot be read, or are those of another network.
    HubError
        If the repository cannot be fetched.
    """
    if isinstance(freeze_epochs, bool) or not isinstance(freeze_epochs, int) or freeze_epochs < 0:
        raise ValueError(
            f"freeze_epochs is {freeze_epochs!r}; it must be a whole number, 0 or more"
        )
    classifier = ECAPAClassifier(n_classes, **arguments)
    if pretrained is not None:
        source = locate(pretrained, revision, allow_pickle)
        path = _weights(source)
        state = _without_prefix(_read(path), path)
        _check(state, classifier.embedding.state_dict(), path)
        classifier.embedding.load_state_dict(state, strict=False)
        classifier.initialised_from, classifier.freeze_epochs = str(source), freeze_epochs
    return classifier


def _weights(source):
    """File (Path) of the embedding network's weights among those of a source."""
    named = [path for path in source.weights if path.stem == _NAME]
    safe = [path for path in source.weights if path.suffix == ".safetensors"]
    for found in (named, safe):
        if len(found) == 1:
            return found[0]
    raise ModelFolderError(
        f"{source.folder} has {', '.join(path.name for path in source.weights)} and no "
        f"{_NAME}.safetensors or .ckpt; name the weights of the embedding network so"
    )


def _read(path):
    """Tensors by name (dict) of a safetensors file, or of a pickled one, which may hold no more."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (
        *(OSError, EOFError, LookupError, RuntimeError, TypeError, ValueError),
        *(SafetensorError, pickle.UnpicklingError),
    ) as error:
        # The first line of what PyTorch says of a pickle is advice to trust it.
        raise ModelFolderError(
            f"{path} cannot be read as weights ({type(error).__name__}); fetch it again, or choose "
            "another --pretrained"
        ) from error
    whole = isinstance(state, dict) and all(isinstance(key, str) for key in state)
    if not whole or not all(map(torch.is_tensor, state.values())):
        raise ModelFolderError(
            f"{path} holds no dictionary of tensors; give the state_dict of an ECAPA-TDNN"
        )
    return state


def _without_prefix(state, path):
    """The tensors of the network, without the words that stand before its keys (dict)."""
    prefixes = [key[: -len(_ONCE)] for key in state if f".{key}".endswith(f".{_ONCE}")]
    if len(prefixes) != 1:
        raise ModelFolderError(
            f"{path} has {len(prefixes)} keys that end in {_ONCE}, an ECAPA-TDNN of SpeechBrain "
            "has one; choose another --pretrained"
        )
    prefix = prefixes[0]
    return {key[len(prefix) :]: state[key] for key in state if key.startswith(prefix)}


def _check(theirs, ours, path):
    """Raise ModelFolderError unless the weights have the names and shapes of the network's."""
    # Batch norm counts its batches and does nothing with the count.
    lacking = [k for k in ours if k not in theirs and not k.endswith("num_batches_tracked")]
    unknown = [key for key in theirs if key not in ours]
    differing = [k for k in ours if k in theirs and theirs[k].shape != ours[k].shape]
    found = []
    if lacking:
        found.append(f"lacks {lacking[0]}" + _more(lacking))
    if unknown:
        found.append(f"has {unknown[0]}, which the network has not" + _more(unknown))
    if differing:
        key = differing[0]
        found.append(
            f"has {key} of shape {tuple(theirs[key].shape)}, the network of "
            f"{tuple(ours[key].shape)}" + _more(differing)
        )
    if found:
        raise ModelFolderError(
            f"{path} {'; it '.join(found)}; choose --pretrained weights, or channels and other "
            "sizes, that fit"
        )


def _more(keys):
    """How many keys come after the first one (str)."""
    return f" and {len(keys) - 1} more" if len(keys) > 1 else ""
