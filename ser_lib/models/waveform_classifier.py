"""A whole system as one module: front end, scaler and classifier, from waveform to logits.

The model owns its front end: whatever is trained here is what is saved, published and
served, so nobody has to rebuild a mel filter bank at serving time.
"""

import torch
from torch import nn

from ser_lib.registry import build


class WaveformClassifier(nn.Module):
    """Waveforms in, logits out.

    Arguments
    ---------
    front_end : nn.Module
        Registered block; ``front_end(waveforms, lengths)`` returns features
        ``(batch, ..., frequency, time)`` and their lengths in frames; has ``sample_rate`` (Hz)
        and ``shape``, that of one clip's features. A vector of n numbers is ``(n, 1)``.
    scaler : nn.Module or None
        Registered block; standardises features with statistics fitted on the training side.
    classifier : nn.Module
        Registered block; ``classifier(features, lengths)`` returns logits ``(batch, classes)``.
    temperature : float
        Logits are divided by it; fitted when all else is.
    absent : sequence of int
        Classes that training had no clip of; they get probability 0 at any temperature.

    Raises
    ------
    ValueError
        If the temperature is not positive and finite, or ``absent`` are no classes or all.
    """

    def __init__(self, front_end, scaler, classifier, temperature=1.0, absent=()):
        super().__init__()
        self.temperature = positive(temperature)
        self.front_end = front_end
        self.scaler = scaler
        self.classifier = classifier
        if absent:
            _check_absent(absent, self.n_classes)
        self.absent = sorted(absent) if absent else []

    @classmethod
    def from_spec(cls, spec):
        """Build from the plain description in :attr:`spec`; raises ModelFolderError."""
        scaler = build(spec["scaler"]) if spec.get("scaler") else None
        heat = spec.get("temperature", 1.0)
        absent = spec.get("absent", ())
        return cls(build(spec["front_end"]), scaler, build(spec["classifier"]), heat, absent)

    @property
    def spec(self):
        """Plain, JSON-ready description of the blocks, and what else is not usual (dict)."""
        return {
            "front_end": self.front_end.spec,
            "scaler": self.scaler.spec if self.scaler is not None else None,
            "classifier": self.classifier.spec,
            **({"temperature": self.temperature} if self.temperature != 1 else {}),
            **({"absent": self.absent} if self.absent else {}),
        }

    @property
    def n_classes(self):
        """Classes told apart (int)."""
        return self.classifier.spec["n_classes"]

    @property
    def sample_rate(self):
        """Rate of the waveforms the front end expects (Hz)."""
        return self.front_end.sample_rate

    @property
    def skipped(self):
        """Sound ahead of the stretch that is heard (s, float)."""
        return getattr(self.front_end, "skip", 0) / self.sample_rate

    def after_front_end(self):
        """The same scaler and classifier as a network for features that were computed before.

        It is what there is to train and to checkpoint then: an encoder's weights, which may be
        gigabytes, take no part.

        Returns
        -------
        WaveformClassifier
            Without a front end.
        """
        return WaveformClassifier(None, self.scaler, self.classifier)

    def features(self, waveforms, lengths=None):
        """Front end alone, in float32 whatever the surrounding precision.

        Arguments
        ---------
        waveforms : Tensor
            ``(batch, time)``, float32 samples in [-1, 1].
        lengths : Tensor or None
            ``(batch,)``, samples before the padding; None where nothing is padded.

        Returns
        -------
        features : Tensor
            ``(batch, ..., frequency, time)``.
        lengths : Tensor
            ``(batch,)``, frames.
        """
        if lengths is None:
            lengths = torch.full(
                (waveforms.shape[0],),
                waveforms.shape[1],
                dtype=torch.int64,
                device=waveforms.device,
            )
        if getattr(self.front_end, "autocasts", False):
            return self.front_end(waveforms.float(), lengths)
        # A spectrum spans more decades than half precision has.
        with torch.autocast(waveforms.device.type, enabled=False):
            return self.front_end(waveforms.float(), lengths)

    def forward(self, inputs, lengths=None):
        """Logits of a padded batch.

        Arguments
        ---------
        inputs : Tensor
            Waveforms ``(batch, time)``, or features ``(batch, ..., frequency, time)`` that
            :meth:`features` made earlier.
        lengths : Tensor or None
            ``(batch,)``, samples or frames before the padding; may be None for waveforms.

        Returns
        -------
        Tensor
            Logits ``(batch, classes)``.
        """
        if inputs.dim() == 2:
            inputs, lengths = self.features(inputs, lengths)
        if self.scaler is not None:
            inputs = self.scaler(inputs, lengths)
        logits = self.classifier(inputs, lengths)
        logits = logits if self.temperature == 1 else logits / self.temperature
        return without(logits, self.absent)


def without(logits, absent):
    """Logits ``(batch, classes)`` with no probability for ``absent`` classes (list of int)."""
    if not absent:
        return logits
    gone = torch.tensor([place in absent for place in range(logits.shape[1])])
    # Finite even in half precision, and e to the -10,000 is 0 in any.
    return torch.where(gone.to(logits.device), logits.amax(dim=1, keepdim=True) - 1e4, logits)


def _check_absent(absent, n_classes):
    whole = isinstance(absent, (list, tuple)) and all(
        type(place) is int and 0 <= place < n_classes for place in absent
    )
    if not whole or len(set(absent)) != len(absent) or len(absent) >= n_classes:
        raise ValueError(f"absent is {absent!r}; it must be some of the {n_classes} classes")


def positive(temperature):
    """A temperature as a float; raises ValueError unless it is positive and finite."""
    if not isinstance(temperature, (int, float)) or not 0 < temperature < float("inf"):
        raise ValueError(f"temperature is {temperature!r}; it must be a positive number")
    return float(temperature)
