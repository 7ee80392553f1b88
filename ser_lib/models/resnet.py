"""Residual networks on spectrogram pictures (ShaheenPerveen's ResNet18 and ResNet34).

Source: ShaheenPerveen/speech-emotion-recognition-iemocap, notebooks ``PyTorch_ResNet18`` and
``PyTorch_ResNet34_SGD``: K. He et al. (2016), Deep residual learning for image recognition, with
ImageNet's weights and two linear layers in place of the last; 11,279,916 and 21,388,076 parameters
for four classes. Trained in two stages: the head alone, then the last of the four stages of blocks
with it. What is frozen still follows its batches with the statistics of batch norm, as it does in
PyTorch wherever a model is in training mode.
"""

from torch import nn
from transformers import ResNetConfig, ResNetModel

from ser_lib.models.dropout import Dropout
from ser_lib.registry import register


@register("resnet")
class ResNetClassifier(nn.Module):
    """Pictures ``(batch, colours, height, width)`` to logits ``(batch, n_classes)``.

    The backbone starts from random weights; `ser_lib.pretrained.resnet` starts it from others.

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
            Dropout(dropout),
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
