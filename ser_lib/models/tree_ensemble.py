"""Decision trees, forests and boosted trees as tensors.

A fitted ensemble becomes flat arrays over the nodes of all trees, and prediction a fixed number
of table look-ups: no pickle to trust, no scikit-learn or xgboost at serving time, any device.
The method is the "tree traversal" strategy of S. Nakandala et al. (2020), "A tensor compiler for
unified machine learning prediction serving", OSDI; the layout, which keeps a node at 8 bytes
and walks only the trees that still have a step to go, is our own.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ser_lib.registry import register

# Logits stay finite: the logarithm of no probability is less than that of this one.
_LEAST = 1e-12
_LINKS = {"mean": ("identity",), "sum": ("softmax", "sigmoid")}
# Rows, and (row, tree) pairs, whose leaves are held at once.
_ROWS, _PAIRS = 2**10, 2**22
# Pairs walked at once on a CPU. They stay in its cache, and PyTorch does not wake other threads
# for so few: on a busy machine each of thousands of steps would wait for its turn there.
_STRIDE = 2**15


@register("tree_ensemble")
class TreeEnsemble(nn.Module):
    """Features ``(batch, n_features, 1)`` to logits ``(batch, n_classes)``.

    At a node the walk goes right where ``feature > threshold``. The left child lies ``left``
    places behind its parent and the right one directly behind the left. A leaf has ``left`` 0
    and threshold infinity, so that a walk which has arrived stays. Trees are sorted, deepest
    first. All of it lives in buffers; a module that was only constructed answers with equal
    probabilities until fitted ones are loaded (see :mod:`ser_lib.classical.convert`).

    Arguments
    ---------
    n_classes, n_features : int
        Emotions, and numbers that describe a clip.
    n_trees, n_nodes : int
        Trees, and nodes (leaves included) of all trees together.
    deeper_trees : sequence of int
        Entry ``s`` counts the trees that are deeper than ``s``; there are as many entries as the
        deepest tree has levels below its root. A single leaf has depth 0.
    largest_tree : int
        Nodes of the largest tree.
    n_leaf_rows : int
        Distinct rows that the leaves hold.
    combine : str
        ``mean``: leaves hold class probabilities, which are averaged over the trees.
        ``sum``: each tree belongs to one class and its leaves hold a score, added up by class.
    link : str
        From what was combined to probabilities: ``identity`` with ``mean``; ``softmax``, or
        ``sigmoid`` of a single score in favour of class 1, with ``sum``.

    Raises
    ------
    ValueError
        If sizes contradict each other or go beyond what the arrays can index.
    """

    def __init__(
        self,
        n_classes,
        n_features,
        n_trees,
        n_nodes,
        deeper_trees,
        largest_tree,
        n_leaf_rows,
        combine="mean",
        link="identity",
    ):
        super().__init__()
        sizes = (n_classes, n_features, n_trees, n_nodes, largest_tree, n_leaf_rows)
        if min(sizes) < 1 or max(sizes) >= 2**31 or max(n_classes, n_features) > 2**20:
            raise ValueError(f"sizes of trees must be positive and fit 32-bit indices, not {sizes}")
        n_leaves, odd = divmod(n_nodes + n_trees, 2)
        if odd or n_nodes < n_trees or largest_tree > n_nodes or n_leaf_rows > n_leaves:
            raise ValueError(
                f"{n_trees} binary trees cannot have {n_nodes} nodes, at most {largest_tree} in a "
                f"tree, and {n_leaf_rows} different leaves"
            )
        deeper = [n_trees, *deeper_trees]
        falling = all(a >= b > 0 for a, b in zip(deeper, deeper[1:], strict=False))
        if len(deeper) > 4097 or not falling:
            raise ValueError("deeper_trees needs at most 4096 falling counts of at most n_trees")
        if link not in _LINKS.get(combine, ()) or (link == "sigmoid" and n_classes != 2):
            raise ValueError(f"{combine!r} with {link!r} is no way to give {n_classes} classes")
        self.n_features, self.link = n_features, link
        self.deeper_trees = tuple(deeper_trees)
        width, unfitted = (n_classes, 1 / n_classes) if combine == "mean" else (1, 0.0)
        # Thresholds of the inner nodes, and what the leaves hold.
        self.fitted_numbers = n_nodes - n_leaves + n_leaves * width
        # Name of an index: how many there are, and how many things it chooses among.
        self._indices = {
            "root": (n_trees, n_nodes),
            "feature": (n_nodes, n_features),
            "left": (n_nodes, largest_tree),
            "leaf_row": (n_nodes, n_leaf_rows),
        }
        with torch.device("cpu"):
            self.register_buffer("threshold", torch.full((n_nodes,), torch.inf))
            self.register_buffer("leaf_table", torch.full((n_leaf_rows, width), unfitted))
            if combine == "sum":
                n_scores = 1 if link == "sigmoid" else n_classes
                self._indices["tree_score"] = (n_trees, n_scores)
                self.register_buffer("bias", torch.zeros(n_scores))
            for name, (size, count) in self._indices.items():
                self.register_buffer(name, torch.zeros(size, dtype=_holds(count)))
        self._checked = False

    @property
    def max_depth(self):
        """Levels of the deepest tree below its root (int)."""
        return len(self.deeper_trees)

    def forward(self, features, lengths):
        """Logarithms of the class probabilities, none less than that of 1e-12.

        Arguments
        ---------
        features : Tensor
            ``(batch, n_features, 1)``.
        lengths : Tensor or None
            Unused: a vector of features has no time.

        Returns
        -------
        Tensor
            ``(batch, n_classes)``; their softmax is the probabilities.

        Raises
        ------
        ValueError
            If there are more or fewer features, or :meth:`check` finds the buffers damaged.
        """
        rows = features.detach().flatten(1).float()
        if rows.shape[1] != self.n_features:
            raise ValueError(f"{self.n_features} features a clip are needed, not {rows.shape[1]}")
        if torch.compiler.is_compiling():
            return self._logits(self._combined(rows, len(self.root)))
        # Loaders that put tensors in place themselves (Transformers) pass by the check on load.
        if not self._checked:
            self.check()
        n_rows = max(1, min(len(rows), _ROWS, _PAIRS // len(self.root)))
        n_trees = max(1, _STRIDE // n_rows) if rows.device.type == "cpu" else len(self.root)
        combined = [self._combined(chunk, n_trees) for chunk in rows.split(n_rows)]
        return self._logits(torch.cat(combined))

    def _combined(self, rows, at_once):
        """Mean or sums over all trees, ``at_once`` of which are walked together: (rows, numbers)"""
        n_trees = len(self.root)
        starts = range(0, n_trees, at_once)
        walked = [self._walk(rows, first, min(first + at_once, n_trees)) for first in starts]
        leaves = torch.cat(walked).int()
        if self.link != "identity":
            leaf_scores = F.embedding(leaves, self.leaf_table).squeeze(2)
            # Not a matrix product, which autocast would do in half precision.
            scores = leaf_scores.new_zeros(len(self.bias), rows.shape[0])
            return scores.index_add(0, self.tree_score.int(), leaf_scores).t() + self.bias
        if rows.device.type != "cpu" or torch.compiler.is_compiling():
            return F.embedding(leaves, self.leaf_table).mean(dim=0)
        # The same without all the rows in between, which take longer to write than to find.
        return F.embedding_bag(leaves.t().contiguous(), self.leaf_table, mode="mean")

    def _walk(self, rows, first, last):
        """Leaf row where each row ends in trees ``first`` up to ``last``: (trees, rows)."""
        n_rows, n_trees = rows.shape[0], last - first
        # Trees outside, rows inside: the nodes of one tree stay in the cache for all rows.
        node = self.root[first:last, None].int().repeat(1, n_rows).view(-1)
        start = torch.arange(n_rows, dtype=torch.int32, device=rows.device) * self.n_features
        start, values = start.repeat(n_trees), rows.reshape(-1)
        for deeper in self.deeper_trees:
            # Deepest trees come first, so those with a step to go are one slice.
            if deeper <= first:
                break
            going = (min(deeper, last) - first) * n_rows
            here = node[:going]
            # index_select is the fastest look-up on a CPU, and takes 32-bit indices.
            place = start[:going] + self.feature.index_select(0, here)
            right = values.index_select(0, place) > self.threshold.index_select(0, here)
            here += self.left.index_select(0, here)
            here += right
        return self.leaf_row.index_select(0, node).view(n_trees, n_rows)

    def _logits(self, combined):
        if self.link == "identity":
            return combined.clamp(min=_LEAST).log()
        if self.link == "sigmoid":
            logits = F.logsigmoid(torch.cat([-combined, combined], dim=1))
        else:
            logits = F.log_softmax(combined, dim=1)
        return logits.clamp(min=math.log(_LEAST))

    def check(self):
        """See to it that no walk can leave the arrays, whatever a weights file holds.

        Indices that a loader cast to floating point, as Transformers does when another precision
        is asked for, become integers again.

        Raises
        ------
        ValueError
            If an index points outside the arrays, or a leaf would let a walk go on.
        """
        self._checked = False
        for name, (_, count) in self._indices.items():
            setattr(self, name, _whole(name, getattr(self, name), count))
        leaf = self.left == 0
        right = self.left + torch.arange(1, len(leaf) + 1, device=leaf.device)
        if (right[~leaf] >= len(leaf)).any():
            raise ValueError("damaged trees: a child lies outside the arrays")
        if not (self.threshold[leaf] == torch.inf).all():
            raise ValueError("damaged trees: a leaf has a threshold")
        self._checked = True

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing, *rest):
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing, *rest)
        try:
            self.check()
        except ValueError as error:
            rest[-1].append(str(error))


def _holds(count):
    """Smallest integer type that torch computes with and that counts ``count`` things from 0."""
    if count <= 2**8:
        return torch.uint8
    return torch.int16 if count <= 2**15 else torch.int32


def _whole(name, indices, count):
    """``indices`` in the type that holds ``count``; ValueError if one is not in 0 ... count - 1."""
    # As plain numbers: a small integer tensor would wrap the count that it is compared with.
    least, most = indices.min().item(), indices.max().item()
    if not 0 <= least <= most < count:
        raise ValueError(f"damaged trees: {name} points outside the arrays")
    whole = indices.to(_holds(count))
    # From 2**24 on float32 skips integers.
    if indices.is_floating_point() and (most >= 2**24 or (whole != indices).any()):
        raise ValueError(f"damaged trees: {name} must hold integers, not {indices.dtype}")
    return whole
