"""A bound on what building or running a stranger's network may allocate, kept before it does.

Every tensor that PyTorch makes passes through here. What it would weigh is worked out on PyTorch's
``meta`` device, which computes shapes and allocates nothing.

Source: https://docs.pytorch.org/docs/stable/torch.utils.__torch_dispatch__.html
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

from ser_lib.errors import ModelFolderError

_UNKNOWN = (NotImplementedError, RuntimeError, TypeError, ValueError, IndexError)
_NEXT = "choose another model, or copy it again"


class Budget(TorchDispatchMode):
    """Inside it, an operation over the budget is refused with a ModelFolderError.

    Arguments
    ---------
    one : int
        Most bytes of the results of one operation.
    together : int, optional
        Most bytes of all tensors made from nothing (weights, filters), on any device.
    operations : int, optional
        Most operations.
    told : str
        What a network with more of them is, for the message.
    """

    def __init__(
        self, one, together=None, operations=None, told="has more parts than its weights have"
    ):
        super().__init__()
        self.told = told
        self.one, self.together, self.operations = one, together, operations
        self.made, self.counted = 0, 0
        self.sizes = {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        """Refuse, or run, one operation."""
        kwargs = kwargs or {}
        self.counted += 1
        if self.operations is not None and self.counted > self.operations:
            raise ModelFolderError(f"its network {self.told}; {_NEXT}")
        leaves, structure = tree_flatten((args, kwargs))
        size = self._known_size(operation, args, kwargs, leaves, structure)
        if size > self.one:
            raise ModelFolderError(
                f"its network asks for {size / 2**30:.3g} GiB in one piece, which is more than any "
                f"model of its size needs; {_NEXT}"
            )
        if not any(map(torch.is_tensor, leaves)):
            self.made += size
            if self.together is not None and self.made > self.together:
                raise ModelFolderError(f"its network is larger than its weights; {_NEXT}")
        return operation(*args, **kwargs)

    def _known_size(self, operation, args, kwargs, leaves, structure):
        """Bytes of the results; worked out once for tensors of the same kind, as loops have."""
        try:
            key = (operation, structure, torch.get_default_dtype(), *map(_kind, leaves))
            if key not in self.sizes:
                self.sizes[key] = _size(operation, args, kwargs)
        except TypeError:  # of what cannot be looked up
            return _size(operation, args, kwargs)
        return self.sizes[key]


def _kind(leaf):
    """What an operation's sizes follow from in one of its arguments (hashable, or TypeError)."""
    if torch.is_tensor(leaf):
        return leaf.shape, leaf.stride(), leaf.dtype
    # 1, 1.0 and True are equal, and do not make tensors of the same type.
    return type(leaf), leaf


def _size(operation, args, kwargs):
    """Bytes of an operation's results; 0 where they are views, or depend on what tensors hold."""
    if any(result.alias_info is not None for result in operation._schema.returns):
        return 0
    args, kwargs = tree_map_only(torch.Tensor, _meta, (args, kwargs))
    if "device" in kwargs or not any(map(torch.is_tensor, tree_flatten((args, kwargs))[0])):
        kwargs = {**kwargs, "device": torch.device("meta"), "pin_memory": None}
        known = {argument.name for argument in operation._schema.arguments}
        kwargs = {key: value for key, value in kwargs.items() if key in known}
    try:
        results = operation(*args, **kwargs)
    except _UNKNOWN:
        return 0
    found = [leaf for leaf in tree_flatten(results)[0] if torch.is_tensor(leaf)]
    return sum(leaf.numel() * leaf.element_size() for leaf in found)


def _meta(tensor):
    """A tensor of the same shape without numbers."""
    return torch.empty_strided(
        tensor.shape, tensor.stride(), dtype=tensor.dtype, device=torch.device("meta")
    )
