"""A system's classifier as its source runs it: PyTorch's own layers in the source's order."""

from torch import nn

from ser_lib.models.dropout import Dropout
from ser_lib.models.encoder_layer import EncoderLayer


def plain(model):
    """``model`` with nothing of ours that is only there for speed; changed in place.

    Dropout and Transformer layers become PyTorch's, and ReLU goes back before max-pooling.
    """
    for name, child in list(model.named_children()):
        if isinstance(child, EncoderLayer):
            setattr(model, name, _layer(child))
        elif isinstance(child, Dropout):
            setattr(model, name, nn.Dropout(child.p))
        else:
            plain(child)
    if isinstance(model, nn.Sequential):
        kinds = [type(layer) for layer in model]
        for place in range(len(kinds) - 1):
            if kinds[place : place + 2] == [nn.MaxPool2d, nn.ReLU]:
                model[place], model[place + 1] = model[place + 1], model[place]
    return model


def _layer(ours):
    width, heads = ours.self_attn.embed_dim, ours.self_attn.num_heads
    return nn.TransformerEncoderLayer(
        width, heads, ours.linear1.out_features, ours.dropout.p, batch_first=True
    )
