"""Weights laid out as the sources have them give the sources' answers."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ser_lib
from ser_lib.corpora import sample
from ser_lib.errors import ModelFolderError
from ser_lib.models.cnn_transformer import CNNTransformer
from ser_lib.models.issa_cnn import IssaCNN
from ser_lib.models.mfcc_cnn import MFCCCNN
from ser_lib.models.parallel_cnn_bilstm_attention import ParallelCNNBiLSTMAttention
from ser_lib.pretrained.source_weights import load_source_weights


class InKeras:
    """Layers that hold their weights and go through a clip as Keras does: channels last."""

    def __init__(self):
        self.weights, self.draw = [], torch.Generator().manual_seed(0)

    def _new(self, *shape):
        self.weights.append(torch.randn(shape, generator=self.draw) / shape[0] ** 0.5)
        return self.weights[-1]

    def conv(self, x, maps, *window, same=True):
        kernel, bias = self._new(*window, x.shape[-1], maps), self._new(maps)
        pads = [side for size in reversed(window) for side in [size // 2 if same else 0] * 2]
        x = F.pad(x, (0, 0, *pads))
        # A window at a time: its numbers, times the kernel's of that place.
        left = [size - part + 1 for size, part in zip(x.shape[1:-1], window, strict=True)]
        total = bias
        for place in torch.cartesian_prod(*map(torch.arange, window)).reshape(-1, len(window)):
            part = x
            for axis, (start, size) in enumerate(zip(place.tolist(), left, strict=True), start=1):
                part = part.narrow(axis, start, size)
            total = total + part @ kernel[tuple(place)]
        return total

    def dense(self, x, units):
        kernel, bias = self._new(x.shape[-1], units), self._new(units)
        return x @ kernel + bias

    def norm(self, x):
        gamma, beta, mean = (self._new(x.shape[-1]) for _ in range(3))
        self.weights.append(torch.rand(x.shape[-1], generator=self.draw) + 0.5)
        return gamma * (x - mean) / (self.weights[-1] + 1e-3).sqrt() + beta

    @staticmethod
    def pool(x, size):
        for axis in range(1, x.ndim - 1):
            x = x.narrow(axis, 0, x.shape[axis] // size * size).unflatten(axis, (-1, size))
            x = x.amax(axis + 1)
        return x


def mfcc_cnn(keras, x):
    x = x[..., None]
    for _ in range(2):
        x = keras.pool(keras.norm(keras.conv(x, 5, 3, 3).relu()), 2)
    return keras.dense(keras.norm(keras.dense(x.flatten(1), 7).relu()), 3)


def issa(keras, x, same):
    x = keras.norm(keras.conv(x, 256, 5, same=same)).relu()
    x = keras.pool(keras.norm(keras.conv(x, 128, 5, same=same).relu()), 8)
    for _ in range(2):
        x = keras.conv(x, 128, 5, same=same).relu()
    x = keras.norm(keras.conv(x, 128, 5, same=same)).relu()
    x = keras.conv(x, 128, 5, same=same)
    return keras.norm(keras.dense((x.relu() if same else x).flatten(1), 3))


@torch.no_grad()
@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (MFCCCNN(3, (9, 14), channels=5, n_blocks=2, hidden=7), mfcc_cnn, (9, 14)),
        (IssaCNN(3), lambda keras, x: issa(keras, x, True), (193, 1)),
        (
            IssaCNN(3, padding="valid", last_relu=False),
            lambda keras, x: issa(keras, x, False),
            (193, 1),
        ),
    ],
    ids=["mfcc_cnn", "issa-same", "issa-valid"],
)
def test_keras_weights_give_keras_answers(ours, theirs, shape):
    torch.manual_seed(1)
    keras, x = InKeras(), torch.randn(4, *shape)
    wanted = theirs(keras, x)
    arrays = [weight.numpy() for weight in keras.weights]
    load_source_weights(ours, arrays, "keras")
    found = ours.eval()(x, torch.full((4,), shape[-1]))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * wanted.abs().max().item())
    # The weights of a network of other layers do not pass for these.
    with pytest.raises(ModelFolderError, match="places; give those of this very"):
        load_source_weights(ours, arrays[:-1], "keras")
    with pytest.raises(
        ModelFolderError, match=r"cnn\.0\.weight have the shape .* check the layout"
    ):
        load_source_weights(ours, arrays)


def conv_blocks(maps):
    layers, before = [], 1
    for after, pool in zip(maps, (2, 4, 4, 4), strict=False):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.MaxPool2d(pool), nn.Dropout(0.3)]
        before = after
    return nn.Sequential(*layers)


class KostaTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = conv_blocks((16, 32, 64, 64))
        layer = nn.TransformerEncoderLayer(64, 4, 512, dropout=0.4, activation="relu")
        self.encoder = nn.TransformerEncoder(layer, 4)
        self.last = nn.Linear(320, 8)

    def forward(self, x):
        steps = F.max_pool2d(x, (2, 4)).squeeze(1).permute(2, 0, 1)
        return self.last(
            torch.cat([self.convolutions(x).flatten(1), self.encoder(steps).mean(0)], 1)
        )


class KostaLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = conv_blocks((16, 32, 64, 64))
        self.lstm = nn.LSTM(64, 128, bidirectional=True, batch_first=True)
        self.attention = nn.Linear(256, 1)
        self.last = nn.Linear(512, 8)

    def forward(self, x):
        steps = self.lstm(F.max_pool2d(x, (2, 4)).squeeze(1).transpose(1, 2))[0]
        weights = self.attention(steps).softmax(dim=1)
        context = (weights * steps).sum(dim=1)
        return self.last(torch.cat([self.convolutions(x).flatten(1), context], 1))


@torch.no_grad()
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(CNNTransformer, KostaTransformer), (ParallelCNNBiLSTMAttention, KostaLSTM)],
)
def test_a_state_dict_of_the_source_gives_its_answers(ours, theirs):
    torch.manual_seed(2)
    ours, theirs = ours(8).eval(), theirs().eval()
    x = torch.randn(2, 128, 563)
    load_source_weights(ours, theirs.state_dict().values())
    found = ours(x, torch.full((2,), 563))
    torch.testing.assert_close(found, theirs(x[:, None]), rtol=1e-4, atol=1e-4)


def test_weights_that_do_not_fit_change_nothing():
    network = CNNTransformer(8)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(ModelFolderError, match=r"output\.weight have the shape \(7, 320\)"):
        load_source_weights(network, CNNTransformer(7).state_dict().values())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    with pytest.raises(ValueError, match="layout is 'jax'"):
        load_source_weights(network, [], "jax")


def test_the_page_makes_a_model_folder(repository, tmp_path, monkeypatch, small_ravdess):
    page = (repository / "docs" / "source_weights.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.+?)```", page, re.DOTALL).group(1)
    monkeypatch.chdir(tmp_path)
    torch.save(KostaTransformer().state_dict(), "theirs.pt")
    exec(compile(code.replace("PATH/TO/RAVDESS", str(small_ravdess)), "page", "exec"), {})
    samples, rate = sample.voice("calm", seconds=1.0)
    answer = ser_lib.load(tmp_path / "model", device="cpu")((samples, rate), top_k=8)
    assert {"surprised", "neutral"} < {entry["label"] for entry in answer}
