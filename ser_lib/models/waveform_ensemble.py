"""Several systems as one module: the weighted mean of their probabilities, or a stack.

Members of one and the same front end share its features. A mean of means is a mean with other
weights, so an ensemble of ensembles is kept flat.
"""

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
    sources : sequence of int or None
        Each member's place among the front ends, in the order in which they first stand, where
        weights are still to come; None finds those that are one and the same.

    Raises
    ------
    ValueError
        If there is no member, weights or places do not fit, members differ in rate or classes, or
        the temperature is not positive and finite.
    """

    def __init__(self, members, weights=None, meta=None, temperature=1.0, sources=None):
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
        given = [member.front_end for member in members]
        self.sources = _sources(given) if sources is None else _checked(sources, given)
        self.front_ends = nn.ModuleList(
            given[self.sources.index(place)] for place in range(1 + max(self.sources))
        )
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
        given = (spec.get("weights"), meta, spec.get("temperature", 1.0), spec.get("sources"))
        return cls(members, *given)

    @property
    def spec(self):
        """Plain, JSON-ready description (dict)."""
        return {
            "members": [member.spec for member in self.members],
            "weights": self.weights,
            "meta": self.meta.spec if self.meta is not None else None,
            **({"temperature": self.temperature} if self.temperature != 1 else {}),
            # Whether trained front ends are the same their descriptions do not tell.
            **({"sources": self.sources} if any(map(_is_trained, self.front_ends)) else {}),
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


def _is_trained(front_end):
    return next(front_end.parameters(), None) is not None


def _same(one, other):
    """Whether two front ends give the same features (bool).

    The numbers of those without weights follow from their descriptions.
    """
    if one is other or one.spec != other.spec:
        return one is other
    there = other.state_dict() if _is_trained(one) else {}
    return all(
        not value.is_meta and torch.equal(one.state_dict()[name], value)
        for name, value in there.items()
    )


def _sources(front_ends):
    """Each front end's place among those that differ (list of int)."""
    different, places = [], []
    for front_end in front_ends:
        found = [place for place, one in enumerate(different) if _same(one, front_end)]
        if not found:
            different.append(front_end)
        places.append(found[0] if found else len(different) - 1)
    return places


def _checked(sources, front_ends):
    """Places that were given, where they fit (list of int); raises ValueError."""
    places = list(sources) if isinstance(sources, (list, tuple)) else []
    fits = len(places) == len(front_ends) and all(type(place) is int for place in places)
    for number, place in enumerate(places if fits else []):
        first = places.index(place)
        new = place == 1 + max(places[:number], default=-1)
        fits &= new if first == number else front_ends[first].spec == front_ends[number].spec
    if not fits:
        raise ValueError(f"{len(front_ends)} members' places among front ends are {sources!r}")
    return places


def _scaled(weights, members):
    weights = [1.0] * members if weights is None else [float(weight) for weight in weights]
    if not weights or len(weights) != members or not all(0 < w < float("inf") for w in weights):
        raise ValueError(f"{members} members need as many positive weights, not {weights}")
    return [weight / sum(weights) for weight in weights]
