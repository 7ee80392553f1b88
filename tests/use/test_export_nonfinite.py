"""What ONNX files answer to sound that is not finite, or too loud for float32."""

import numpy as np
import pytest
import torch

from ser_lib.hparams import Hparams
from ser_lib.models.waveform_classifier import WaveformClassifier

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

from ser_lib.use.export import _export  # noqa: E402
from ser_lib.use.export_check import session  # noqa: E402


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory):
    """A network with an LSTM, which forgets what is not a number, and its ONNX file."""
    torch.manual_seed(0)
    blocks = Hparams("hparams/acoustic_lstm.yaml").build(4)
    network = WaveformClassifier(blocks["front_end"], blocks["scaler"], blocks["classifier"])
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    _export(network.eval(), list("abcd"), path)
    return network, session(path)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e30])
def test_what_is_not_finite_gets_no_confident_answer(recurrent, odd):
    network, ready = recurrent
    batch = np.random.default_rng(1).uniform(-0.5, 0.5, (3, 9000)).astype(np.float32)
    batch[1, 4000:5000] = odd
    # The same in the padding is nothing that anyone hears.
    lengths = np.array([9000, 9000, 8000])
    batch[2, 8000:] = odd
    told = ready.run(None, {"waveforms": batch, "lengths": lengths})[0]
    with torch.no_grad():
        wanted = network(torch.from_numpy(batch), torch.from_numpy(lengths)).softmax(dim=1)
    assert np.isnan(told[1]).all() and torch.isnan(wanted[1]).all()
    np.testing.assert_allclose(told[[0, 2]], wanted.numpy()[[0, 2]], atol=1e-4, rtol=0)
