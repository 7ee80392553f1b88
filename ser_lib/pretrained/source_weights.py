"""Weights that a system's own source published, into the network here.

The networks of ``ser_lib.models`` have the layers of their sources in the same order, so that
arrays go over one by one. PyTorch's fit as they are. Keras's are laid out otherwise: kernels have
their inputs ahead of their outputs, and features are flattened with the channels last, where
PyTorch has them first. Arrays in the wrong order can have the right shapes, so that nothing but
the answers would tell.

Source: ``get_weights`` of keras.io/api/layers, layouts of keras.io/api/layers/convolution_layers.
"""

import torch

from ser_lib.errors import ModelFolderError

_LAYOUTS = ("torch", "keras")


@torch.no_grad()
def load_source_weights(classifier, arrays, layout="torch"):
    """Fill a classifier with the weights of its source's network.

    Arguments
    ---------
    classifier : torch.nn.Module
        From a system's YAML, built for as many classes; its classes are from now on in the
        source's order, so save it with labels in that order.
    arrays : iterable of Tensor or np.ndarray
        In the source's order: ``state_dict.values()`` of PyTorch, ``model.get_weights()`` of Keras.
        Counters of batches (no axes) are passed over.
    layout : str
        ``"torch"`` or ``"keras"``.

    Raises
    ------
    ModelFolderError
        If they are more, fewer or of other shapes; ``classifier`` is then as it was.
    ValueError
        If the layout is neither.
    """
    if layout not in _LAYOUTS:
        raise ValueError(f"layout is {layout!r}; choose torch or keras")
    arrays = [torch.as_tensor(array) for array in arrays]
    arrays = [array for array in arrays if array.ndim]
    if layout == "keras":
        arrays = _of_keras(arrays)
    places = {name: place for name, place in classifier.state_dict().items() if place.ndim}
    if len(arrays) != len(places):
        raise ModelFolderError(
            f"{len(arrays)} arrays of weights for {len(places)} places; give those of this very "
            "system, without the optimizer's"
        )
    for (name, place), array in zip(places.items(), arrays, strict=True):
        if array.shape != place.shape:
            raise ModelFolderError(
                f"weights for {name} have the shape {tuple(array.shape)}, not "
                f"{tuple(place.shape)}; check the layout, the number of classes and the system"
            )
    for place, array in zip(places.values(), arrays, strict=True):
        place.copy_(array)


def _of_keras(arrays):
    """Kernels in PyTorch's layout; vectors stay as they are."""
    found, maps = [], None
    for array in arrays:
        if array.ndim > 2:  # (*window, in, out)
            maps = array.shape[-1]
            array = array.movedim((-1, -2), (0, 1))
        elif array.ndim == 2:  # (in, out)
            if maps and array.shape[0] % maps == 0:
                # The first behind the convolutions reads places of maps, here maps of places.
                array = array.unflatten(0, (-1, maps)).transpose(0, 1).flatten(0, 1)
            array, maps = array.T, None
        found.append(array)
    return found
