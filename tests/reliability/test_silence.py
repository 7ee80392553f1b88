"""A silent clip beside a voice: finite logits and gradients in every system."""

import numpy as np
import pytest
import torch

from ser_lib.classical.convert import as_tensors
from ser_lib.classical.fit import Vectors, fit
from ser_lib.corpora import sample
from ser_lib.hparams import ROOT, Hparams
from ser_lib.models.waveform_classifier import WaveformClassifier

YAMLS = sorted((ROOT / "hparams").glob("*.yaml"))
KINDS = {yaml.stem: Hparams(yaml).kind for yaml in YAMLS}
NETWORKS = [name for name, kind in KINDS.items() if kind == "gradient"]
ESTIMATORS = [name for name, kind in KINDS.items() if kind == "estimator"]
# Read by members that stand in the lists above.
ENSEMBLES = [name for name, kind in KINDS.items() if kind == "ensemble"]
QUICK = ("cnn_transformer", "mfcc_cnn", "issa_ravdess", "mfcc_mlp")


def marked(names):
    return [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in names]


@pytest.fixture(scope="module")
def batch():
    """Silence, a voice, a voice that ends in silence, and a constant; ``(4, 72000)`` at 48 kHz."""
    voice = torch.from_numpy(sample.voice("happy", seconds=1.5)[0])
    broken_off = voice.clone()
    broken_off[20_000:] = 0
    return torch.stack([torch.zeros_like(voice), voice, broken_off, torch.full_like(voice, 0.5)])


def finite(network, batch):
    """Train a step on a batch (4, time) and see that nothing ceases to be finite."""
    if network.scaler is not None:
        # Fitted on silence alone, its spread is nil.
        network.scaler.fit([network.features(batch[:1].repeat(4, 1))[0]])
    logits = network.train()(batch)
    assert torch.isfinite(logits).all()
    torch.nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            assert torch.isfinite(parameter.grad).all(), name
    with torch.no_grad():
        assert torch.isfinite(network.eval()(batch[:1])).all()


@pytest.mark.parametrize("system", marked(NETWORKS))
def test_silence_gives_finite_logits_and_gradients(system, batch):
    blocks = Hparams(f"hparams/{system}.yaml").build(8)
    network = WaveformClassifier(blocks["front_end"], blocks.get("scaler"), blocks["classifier"])
    finite(network, batch)


@pytest.mark.parametrize("system", ["frozen_encoder", "emobox", "finetuned_encoder"])
@pytest.mark.slow
def test_silence_in_a_pretrained_encoder(system, batch, tiny_encoder):
    yaml = Hparams(f"hparams/pretrained/{system}.yaml", {"encoder": str(tiny_encoder("wav2vec2"))})
    blocks = yaml.build(8)
    network = WaveformClassifier(blocks["front_end"], blocks.get("scaler"), blocks["classifier"])
    finite(network, batch[:, ::3])


@pytest.mark.parametrize("system", marked(ESTIMATORS))
@torch.no_grad()
def test_silence_among_what_an_estimator_is_fitted_on(system, batch):
    blocks = Hparams(f"hparams/{system}.yaml").build(8)
    front_end = blocks["front_end"]
    real = front_end(batch, torch.full((4,), batch.shape[1]))[0][..., 0].numpy()
    assert np.isfinite(real).all()
    table = np.concatenate([real * (1 + 0.01 * number) for number in range(8)]).astype(np.float32)
    vectors = Vectors(table, np.arange(32) % 8, np.arange(32) % 4)
    fitted = fit(blocks["estimator"](), blocks.get("scaler"), vectors, [])
    classifier = as_tensors(fitted.estimator, table.shape[1], 8)
    network = WaveformClassifier(front_end, fitted.scaler, classifier).eval()
    assert torch.isfinite(network(batch)).all()


def test_every_yaml_is_in_a_list():
    assert {*NETWORKS, *ESTIMATORS, *ENSEMBLES} == set(KINDS)
    assert set(QUICK) <= {*NETWORKS, *ESTIMATORS}
