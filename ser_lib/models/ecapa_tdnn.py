"""ECAPA-TDNN, a network that knows speakers by their voices, on filter-bank features.

Source: B. Desplanques et al. (2020), ECAPA-TDNN: Emphasized channel attention, propagation and
aggregation in TDNN based speaker verification (arXiv 2005.07143), as SpeechBrain builds it, here
from SpeechBrain itself; its recipes/IEMOCAP/emotion_recognition trains one of half the widths.
Beside what the source does:

- The head is linear and its logits go to the cross-entropy of every other system. The source's
  loss, additive angular margin, needs cosines and the labels: cosines within -1 and 1 are no
  logits, since a softmax over them gives no class of eight more than 52 %.
- The convolutions pad by reflection, so that what lies behind a clip's end changes its last
  frames. In evaluation clips of equal length are run together and nothing is padded: a clip's
  logits do not depend on its neighbours. In training the padded batch goes through at once with
  the clips' relative lengths, as in SpeechBrain, so that batch norm sees all of it.
- A clip of fewer frames than there are to reflect is repeated until it has enough (five with the
  dilations of the source, 50 ms).
- Batch norm behind the pooling has one value a clip. A training batch of one clip takes its
  running statistics instead.
"""

import torch
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from torch import nn

from ser_lib.registry import register


@register("ecapa_tdnn")
class ECAPAClassifier(nn.Module):
    """Features ``(batch, n_mels, frames)`` to logits ``(batch, n_classes)``.

    The embedding network starts from random weights;
    :func:`ser_lib.pretrained.ecapa.ecapa_classifier` starts it from others. The defaults are the
    sizes of speechbrain/spkrec-ecapa-voxceleb.

    Arguments
    ---------
    n_classes : int
        Emotions.
    shape : sequence of int
        ``(n_mels,)``, the shape of one frame.
    channels : sequence of int
        Of the first layer, the blocks, and the layer that aggregates the blocks.
    kernel_sizes, dilations : sequence of int
        Of the same (frames); kernels have an odd number of frames.
    attention_channels, se_channels : int
        Inner widths of the pooling's attention and of squeeze and excitation.
    res2net_scale : int
        Parts that a block's channels are split into; divides all of ``channels`` but the last.
    lin_neurons : int
        Width of the embedding.
    dropout : float
        Chance that a channel is dropped in training.

    Raises
    ------
    ValueError
        If the sizes do not fit together.

    Attributes
    ----------
    freeze_epochs : int or None
        Epochs that only the head is trained, None where nothing is ever frozen. The batch norm of
        a frozen network keeps its statistics.
    initialised_from : str or None
        Where the embedding network's weights came from, with their version.
    """

    def __init__(
        self,
        n_classes,
        shape=(80,),
        channels=(1024, 1024, 1024, 1024, 3072),
        kernel_sizes=(5, 3, 3, 3, 1),
        dilations=(1, 2, 3, 4, 1),
        attention_channels=128,
        se_channels=128,
        res2net_scale=8,
        lin_neurons=192,
        dropout=0.0,
    ):
        super().__init__()
        self.shape = tuple(shape)
        layers = (channels, kernel_sizes, dilations)
        if len(self.shape) != 1 or min(self.shape) < 1:
            raise ValueError(f"ecapa_tdnn reads features of shape (n_mels,), not {self.shape}")
        if len({len(sizes) for sizes in layers}) > 1 or len(channels) < 3:
            raise ValueError(
                "channels, kernel_sizes and dilations have an entry for each of three or more "
                f"layers, not {', '.join(str(len(sizes)) for sizes in layers)} entries"
            )
        widths = {
            "attention_channels": attention_channels,
            "se_channels": se_channels,
            "lin_neurons": lin_neurons,
        }
        if min(*channels, *dilations, *widths.values()) < 1:
            raise ValueError(
                f"channels {list(channels)}, dilations {list(dilations)} and "
                f"{', '.join(f'{key} {width}' for key, width in widths.items())} must be 1 or more"
            )
        if any(size < 1 or size % 2 == 0 for size in kernel_sizes):
            raise ValueError(f"kernel_sizes are {list(kernel_sizes)}; they must be odd")
        if res2net_scale < 2 or any(width % res2net_scale for width in channels[:-1]):
            raise ValueError(
                f"res2net_scale is {res2net_scale}; it must be 2 or more and divide "
                f"{list(channels[:-1])}"
            )
        reach = max((k - 1) * d // 2 for k, d in zip(kernel_sizes, dilations, strict=True))
        self.fewest_frames = reach + 1
        self.frozen, self.freeze_epochs, self.initialised_from = False, None, None
        self.embedding = ECAPA_TDNN(
            self.shape[0],
            channels=list(channels),
            kernel_sizes=list(kernel_sizes),
            dilations=list(dilations),
            attention_channels=attention_channels,
            se_channels=se_channels,
            res2net_scale=res2net_scale,
            groups=[1] * len(channels),
            lin_neurons=lin_neurons,
            dropout=dropout,
        )
        self.head = nn.Linear(lin_neurons, n_classes)

    def forward(self, features, lengths):
        """Logits of a padded batch.

        Arguments
        ---------
        features : Tensor
            ``(batch, n_mels, frames)``.
        lengths : Tensor
            ``(batch,)``, frames; what lies beyond does not count.

        Raises
        ------
        ValueError
            If the features are of another shape.
        """
        return self.head(self.embed(features, lengths))

    def embed(self, features, lengths):
        """Embeddings ``(batch, lin_neurons)`` of a padded batch; see :meth:`forward`."""
        if features.dim() != 3 or features.shape[1] != self.shape[0]:
            raise ValueError(
                f"ecapa_tdnn reads (batch, {self.shape[0]}, frames), not {tuple(features.shape)}"
            )
        features, lengths = self._repeated(features, lengths)
        if self.embedding.training:
            return self._padded(features, lengths)
        return self._unpadded(features, lengths)

    def train(self, mode=True):
        """As any module's, but what is frozen stays in evaluation mode."""
        super().train(mode)
        self.embedding.train(mode and not self.frozen)
        return self

    def begin_epoch(self, epoch):
        """Freeze or thaw the embedding network for this epoch; without a plan, do nothing.

        Arguments
        ---------
        epoch : int
            The epoch that is about to be trained, counted from 1.
        """
        if self.freeze_epochs is None:
            return
        self.frozen = epoch <= self.freeze_epochs
        self.embedding.requires_grad_(not self.frozen)
        self.train(self.training)

    def _repeated(self, features, lengths):
        """The batch with its shortest clips repeated up to ``fewest_frames``, and lengths."""
        lengths = lengths.clamp(1, features.shape[2])
        short = lengths < self.fewest_frames
        if not short.any():
            return features, lengths
        frames = max(features.shape[2], self.fewest_frames)
        position = torch.arange(frames, device=features.device)
        # A batch with room for fewer frames holds no other than short clips.
        source = position.clamp(max=features.shape[2] - 1).expand(len(lengths), -1)
        again = short[:, None] & (position < self.fewest_frames)
        source = torch.where(again, position % lengths[:, None], source)
        features = features.gather(2, source[:, None].expand(-1, features.shape[1], -1))
        return features, lengths.clamp(min=self.fewest_frames)

    def _padded(self, features, lengths):
        """Embeddings of a training batch, all at once."""
        self.embedding.asp_bn.train(self.embedding.training and len(features) > 1)
        # SpeechBrain counts the frames below length times frames. From the middle of a clip's
        # last frame no rounding reaches another.
        relative = (lengths - 0.5) / features.shape[2]
        return self.embedding(features.transpose(1, 2), relative).squeeze(1)

    def _unpadded(self, features, lengths):
        """Embeddings of clips without their padding, those of equal length together."""
        lengths = lengths.tolist()
        by_length = {}
        for row, length in enumerate(lengths):
            by_length.setdefault(length, []).append(row)
        found = [None] * len(lengths)
        for length, rows in by_length.items():
            clips = features[rows, :, :length].transpose(1, 2)
            for row, embedding in zip(rows, self.embedding(clips).squeeze(1), strict=True):
                found[row] = embedding
        return torch.stack(found)
