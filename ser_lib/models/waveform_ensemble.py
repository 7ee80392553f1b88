"""Several systems as one module: the weighted mean of their probabilities, or a stack.

Members that share a front end share its features. A mean of means is a mean with other weights,
so an ensemble of ensembles is kept flat.
"""

import json

import torch
from torch import nn

from ser_lib.models.waveform_classifier import WaveformClassifier, positive, without
from ser_lib.registry import build


class WaveformEnsemble(nn.Module):
    """Waveforms in, logits out (the logarithm of the combined probabilities).

    Arguments
    ---------
    members : sequence of WaveformClassifier
        Systems for the same classes and the same sample rate.
    weights : sequence of float or None
        Positive, one a member, scaled to sum to 1; None weighs all alike.
    meta : nn.Module or None
        Registered block that reads all members' probabilities ``(batch, members * classes, 1)``
        member by member, and gives logits; None takes the weighted mean.
    temperature : float
        The ensemble's logits are divided by it; fitted when all else is.

    Raises
    ------
    ValueError
        If there is no member, weights do not fit, members differ in rate or classes, or the
        temperature is not positive and finite.
    """

    def __init__(self, members, weights=None, meta=None, temperature=1.0):
        super().__init__()
        self.temperature = positive(temperature)
        members = list(members)
        self.weights = _scaled(weights, len(members))
        for what in ("sample_rate", "n_classes"):
            found = {getattr(member, what) for member in members}
            if len(found) > 1:
                raise ValueError(
                    f"members differ in {what}: {sorted(found, key=str)}; take such as agree"
                )
        # One front end for all members that describe the same one; its numbers follow from that.
        places = {}
        self.front_ends = nn.ModuleList()
        for member in members:
            key = json.dumps(member.front_end.spec, sort_keys=True)
            if key not in places:
                places[key] = len(self.front_ends)
                self.front_ends.append(member.front_end)
        self.sources = [places[json.dumps(m.front_end.spec, sort_keys=True)] for m in members]
        self.scalers = nn.ModuleList(
            nn.Identity() if member.scaler is None else member.scaler for member in members
        )
        self.classifiers = nn.ModuleList(member.classifier for member in members)
        self.meta = meta
        # A plain list, which PyTorch does not register: the members' modules are above already.
        self.members = [
            WaveformClassifier(
                self.front_ends[source],
                member.scaler,
                member.classifier,
                member.temperature,
                member.absent,
            )
            for source, member in zip(self.sources, members, strict=True)
        ]

    @classmethod
    def from_spec(cls, spec):
        """Build from the plain description in :attr:`spec`; raises ModelFolderError."""
        members = [WaveformClassifier.from_spec(member) for member in spec["members"]]
        meta = build(spec["meta"]) if spec.get("meta") else None
        return cls(members, spec.get("weights"), meta, spec.get("temperature", 1.0))

    @property
    def spec(self):
        """Plain, JSON-ready description (dict)."""
        return {
            "members": [member.spec for member in self.members],
            "weights": self.weights,
            "meta": self.meta.spec if self.meta is not None else None,
            **({"temperature": self.temperature} if self.temperature != 1 else {}),
        }

    @property
    def sample_rate(self):
        """Rate of the waveforms the members expect (Hz)."""
        return self.front_ends[0].sample_rate

    @property
    def skipped(self):
        """Sound ahead of what the first of the members to listen hears (s, float)."""
        return min(member.skipped for member in self.members)

    @property
    def n_classes(self):
        """Classes told apart (int)."""
        return self.classifiers[0].spec["n_classes"]

    @property
    def absent(self):
        """Classes that no member's training had a clip of (list of int)."""
        return sorted(set.intersection(*(set(member.absent) for member in self.members)))

    def forward(self, waveforms, lengths=None):
        """Logits of a padded batch.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``, float32 samples in [-1, 1].
        lengths : Tensor or None
            ``(batch,)``, samples before the padding; None where nothing is padded.

        Returns
        -------
        Tensor
            Logits ``(batch, classes)``.
        """
        features = {}
        probabilities = []
        for source, member in zip(self.sources, self.members, strict=True):
            if source not in features:
                features[source] = member.features(waveforms, lengths)
            probabilities.append(member(*features[source]).float().softmax(dim=1))
        if self.meta is not None:
            table = torch.cat(probabilities, dim=1).unsqueeze(2)
            ones = torch.ones(len(table), dtype=torch.int64, device=table.device)
            return without(self.meta(table, ones) / self.temperature, self.absent)
        pairs = zip(self.weights, probabilities, strict=True)
        mean = sum(weight * p for weight, p in pairs)
        return without(mean.clamp(min=1e-12).log() / self.temperature, self.absent)


def combine(networks, meta=None):
    """Ensemble of trained systems, all weighing alike.

    Arguments
    ---------
    networks : sequence of WaveformClassifier or WaveformEnsemble
        An ensemble among them counts as one system, however many members it has.
    meta : nn.Module or None
        See WaveformEnsemble.

    Raises
    ------
    ValueError
        If they do not go together, a stack is among them, or an ensemble is to be stacked.
    """
    members, weights = [], []
    for network in networks:
        if isinstance(network, WaveformEnsemble):
            if network.meta is not None or meta is not None:
                raise ValueError("a stack cannot hold an ensemble, nor be a member of one")
            members += network.members
            weights += network.weights
        else:
            members.append(network)
            weights.append(1.0)
    return WaveformEnsemble(members, weights, meta)


def network_from_spec(spec):
    """Network of either kind from its description.

    Arguments
    ---------
    spec : dict
        ``spec`` of a WaveformClassifier or WaveformEnsemble.

    Raises
    ------
    ModelFolderError
        If a block cannot be built.
    ValueError, KeyError, TypeError
        If it is no such description.
    """
    return (WaveformEnsemble if "members" in spec else WaveformClassifier).from_spec(spec)


def blocks_of(spec):
    """Descriptions of all the registered blocks in a network's description (list of dict)."""
    if "members" in spec:
        inner = [block for member in spec["members"] for block in blocks_of(member)]
        return inner + ([spec["meta"]] if spec.get("meta") else [])
    return [spec[role] for role in ("front_end", "scaler", "classifier") if spec.get(role)]


def _scaled(weights, members):
    weights = [1.0] * members if weights is None else [float(weight) for weight in weights]
    if not weights or len(weights) != members or not all(0 < w < float("inf") for w in weights):
        raise ValueError(f"{members} members need as many positive weights, not {weights}")
    return [weight / sum(weights) for weight in weights]
