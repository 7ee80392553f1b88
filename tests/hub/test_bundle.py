import ast
import json

import numpy as np
import pytest
import torch

from ser_lib.errors import HubError
from ser_lib.features.mfcc import MFCC
from ser_lib.hub.bundle import AUTO_MAP, write_bundle
from ser_lib.hub.saving import save_model
from ser_lib.models.perceptron import Perceptron
from ser_lib.models.waveform_classifier import WaveformClassifier

STRANGER = """
import json, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ser_lib", "speechbrain"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
import numpy as np
from transformers import pipeline
try:
    pipeline("audio-classification", model=sys.argv[1])
except ValueError as error:
    refused = "trust_remote_code" in str(error)
classify = pipeline("audio-classification", model=sys.argv[1], trust_remote_code=True)
samples = np.array(json.loads(sys.argv[2]), dtype=np.float32)
scores = classify(samples, function_to_apply="none")
for folder in sys.argv[3:]:  # of the same name
    other = pipeline("audio-classification", model=folder, trust_remote_code=True)
    assert len(other(samples, top_k=None)) == 3
print()
print(json.dumps([refused, type(classify.model).__module__, scores]))
"""


def test_model_runs_where_ser_lib_cannot_be_imported(
    run_python, network, model_folder, clip, tmp_path
):
    front_end = MFCC(8000, n_mfcc=4, offset=0.0, seconds=0.3)
    other = WaveformClassifier(front_end, None, Perceptron(3, front_end.shape, (4,)))
    other = save_model(other, tmp_path / "model", ["angry", "happy", "sad"], {})
    assert other.name == model_folder.name
    words = (model_folder, json.dumps(clip.tolist()), other)
    answer = run_python(STRANGER, *words, HF_HUB_OFFLINE="1")
    refused, module, scores = json.loads(answer)
    assert refused and module.startswith("transformers_modules.")
    with torch.no_grad():
        logits = network(torch.from_numpy(clip)[None])[0]
    by_label = {score["label"]: score["score"] for score in scores}
    np.testing.assert_allclose(
        [by_label[name] for name in ("angry", "happy", "sad")], logits, atol=1e-6
    )


def test_bundle_is_flat_and_stands_alone(network, tmp_path):
    written = write_bundle(network.spec, tmp_path)
    assert written == sorted(path.name for path in tmp_path.iterdir())
    assert "ser_lib_features_scaler.py" in written and "ser_lib_registry.py" in written
    for path in tmp_path.iterdir():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert f"{node.module}.py" in written
            elif isinstance(node, ast.ImportFrom):
                assert not node.module.startswith("ser_lib")
    for reference in AUTO_MAP.values():
        module, name = reference.split(".")
        assert f"class {name}(" in (tmp_path / f"{module}.py").read_text()


def test_only_the_blocks_in_use_are_bundled(network, tmp_path):
    written = write_bundle({**network.spec, "scaler": None}, tmp_path)
    assert "ser_lib_features_scaler.py" not in written


@pytest.mark.parametrize(
    "line, word",
    [
        ("import numpy as np", "numpy"),
        ("from scipy.signal import stft", "scipy"),
        ("import ser_lib.errors", "from ser_lib.errors import"),
        ("from ser_lib.errors  import SerError", "from ser_lib.errors import"),
        ("from .errors import SerError", "relative import"),
        ("def later():\n    import torchaudio", "torchaudio"),
    ],
)
def test_module_that_cannot_stand_alone_is_refused(tmp_path, monkeypatch, line, word):
    source = f"{line}\nfrom ser_lib.registry import register\nfrom torch import nn\n\n\n"
    source += "class Odd(nn.Module):\n    pass\n"
    (tmp_path / "odd_block.py").write_text(source)
    monkeypatch.setattr("ser_lib.hub.bundle.lookup", lambda name: make_class("odd_block"))
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(HubError, match=word) as caught:
        write_bundle({"classifier": {"name": "odd"}}, out)
    assert "odd_block.py line" in str(caught.value) and "\n" not in str(caught.value)
    assert not list(out.iterdir())


@pytest.mark.parametrize("module", ["__main__", "ser_lib.models", "no_such_module"])
def test_class_without_a_module_file_is_refused(tmp_path, monkeypatch, module):
    monkeypatch.setattr("ser_lib.hub.bundle.lookup", lambda name: make_class(module))
    with pytest.raises(HubError, match="cannot be bundled"):
        write_bundle({"classifier": {"name": "odd"}}, tmp_path)


def test_every_registered_block_can_be_bundled(tmp_path):
    from ser_lib.registry import names

    for name in names():
        assert "modeling_ser_lib.py" in write_bundle({"classifier": {"name": name}}, tmp_path)


def make_class(module):
    return type("Odd", (), {"__module__": module})
