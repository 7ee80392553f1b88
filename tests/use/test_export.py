"""ONNX files against PyTorch: every front end, every system, batches, and what goes wrong."""

import errno
import importlib.util
import json

import numpy as np
import pytest
import torch

from ser_lib.audio import resample
from ser_lib.classical.convert import as_tensors
from ser_lib.corpora import sample
from ser_lib.errors import CorpusError, HparamsError, ModelFolderError, RunError
from ser_lib.features.acoustic_features import AcousticFeatures
from ser_lib.features.fbank import MeanFreeFbank
from ser_lib.features.issa_features import IssaFeatures
from ser_lib.features.log_mel import LogMel
from ser_lib.features.mel_image import MelImage
from ser_lib.features.mfcc import MFCC
from ser_lib.features.mfcc_means import MFCCMeans
from ser_lib.features.spectrogram_picture import SpectrogramPicture
from ser_lib.hparams import ROOT, Hparams
from ser_lib.hub.exported import is_of, model_sha256
from ser_lib.hub.saving import save_model
from ser_lib.models.attentive_head import AttentiveHead
from ser_lib.models.layer_head import LayerHead
from ser_lib.models.perceptron import Perceptron
from ser_lib.models.tree_ensemble import TreeEnsemble
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.models.waveform_ensemble import WaveformEnsemble, combine
from ser_lib.pretrained.encoder import speech_encoder

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

from ser_lib.use import export_check, export_table  # noqa: E402
from ser_lib.use.export import _export, _written, export, main  # noqa: E402
from ser_lib.use.export_check import probabilities, session  # noqa: E402
from ser_lib.use.onnx_parts.front_ends import only_features  # noqa: E402

SYSTEMS = sorted(path.stem for path in (ROOT / "hparams").glob("*.yaml"))
KIND = {system: Hparams(f"hparams/{system}.yaml").kind for system in SYSTEMS}
# The exporter takes seconds a system: these are the different ones, the others are their kin.
QUICK = {
    *("separable_cnn", "cnn_transformer", "issa_emodb", "ecapa_tdnn", "mfcc_mlp"),
    "decision_tree",
}
SMALL = {
    "ecapa_tdnn": {"channels": "[32, 32, 32, 32, 96]"},
    "random_forest": {"n_trees": "20"},
}
LABELS = list("abcd")


def quick_or_slow(systems, quick):
    return [s if s in quick else pytest.param(s, marks=pytest.mark.slow) for s in systems]


def clips(rate):
    told = (("calm", 1.5), ("angry", 0.7), ("sad", 2.2), ("happy", 3.6))
    voices = [sample.voice(name, seconds=seconds)[0] for name, seconds in told]
    voices = [np.asarray(resample(voice, 48_000, rate), np.float32) for voice in voices]
    return [*voices, np.zeros(rate, np.float32), voices[1][:1], voices[1][1000:1300]]


def padded(some):
    lengths = np.array([len(clip) for clip in some])
    batch = np.full((len(some), max(1, lengths.max())), 0.37, np.float32)
    for row, clip in zip(batch, some, strict=True):
        row[: len(clip)] = clip
    return batch, lengths


def fit_scaler(network):
    """A scaler that fits voices, and a classifier that is sure enough for errors to show."""
    batch, lengths = map(torch.from_numpy, padded(clips(network.sample_rate)))
    with torch.no_grad():
        features = network.features(batch, lengths)[0]
        if network.scaler is not None:
            network.scaler.fit([features])
    return network.eval()


def untrained(system, n_classes=4):
    torch.manual_seed(0)
    blocks = Hparams(f"hparams/{system}.yaml", SMALL.get(system, {})).build(n_classes)
    return fit_scaler(
        WaveformClassifier(blocks["front_end"], blocks.get("scaler"), blocks["classifier"])
    )


def fitted(system, n_classes=4, seed=0):
    """A system of an estimator, fitted to voices and their likes."""
    blocks = Hparams(f"hparams/{system}.yaml", SMALL.get(system, {})).build(n_classes)
    network = fit_scaler(WaveformClassifier(blocks["front_end"], blocks.get("scaler"), None))
    batch, lengths = map(torch.from_numpy, padded(clips(network.sample_rate)))
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        features, frames = network.features(batch, lengths)
        if network.scaler is not None:
            features = network.scaler(features, frames)
    rows = features.flatten(1).numpy()[:4]
    rows = np.concatenate([rows * rng.uniform(0.8, 1.25, rows.shape) for _ in range(16)])
    estimator = blocks["estimator"]()
    estimator.fit(rows.astype(np.float32), np.arange(len(rows)) % n_classes)
    network.classifier = as_tensors(estimator, rows.shape[1], n_classes)
    return network.eval()


def made(system):
    if KIND[system] == "gradient":
        return untrained(system)
    if KIND[system] == "estimator":
        return fitted(system)
    if system == "acoustic_stacking":
        members = [fitted("acoustic_gradient_boosting", seed=s) for s in (0, 1)]
        return WaveformEnsemble(members, meta=Perceptron(4, (8, 1), (5,))).eval()
    if system == "issa_emodb_ensemble":
        return combine([untrained("issa_emodb"), untrained("issa_emodb")]).eval()
    if system == "final_ensemble":
        return combine([untrained("picture_cnn"), fitted("acoustic_gradient_boosting")]).eval()
    return combine([fitted("acoustic_gradient_boosting", seed=s) for s in (0, 1)]).eval()


@torch.no_grad()
def assert_same(path, network):
    ready, voices = session(path), clips(network.sample_rate)
    if any(isinstance(module, TreeEnsemble) for module in network.modules()):
        # Features of silence are rounding, which a tree may cut anywhere.
        voices = voices[:4]
    alone = [network(torch.from_numpy(clip)[None]).softmax(dim=1)[0].numpy() for clip in voices]
    for rows in (range(len(voices)), [0], [3, 2, 1]):
        found = probabilities(ready, [voices[row] for row in rows])
        np.testing.assert_allclose(found, [alone[row] for row in rows], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("front_end", "tolerance"),
    [
        (LogMel(), 2e-3),
        (MFCC(), 2e-3),
        (MelImage(), 5e-3),
        (MFCCMeans(), 0.02),
        (MFCCMeans(8_000, 20, 512, 200), 0.02),
        (SpectrogramPicture(), 0.1),
        (MeanFreeFbank(), 5e-3),
        (IssaFeatures(), 3e-3),
        (IssaFeatures(order="repository"), 3e-3),
        (AcousticFeatures(), 3e-3),
        (AcousticFeatures(parts=5, source_pitch=True), 5e-3),
    ],
    ids=lambda value: getattr(value, "registered_name", ""),
)
@torch.no_grad()
def test_a_front_end_gives_the_same_features(front_end, tolerance, tmp_path):
    model = only_features(front_end)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, tmp_path / "features.onnx")
    ready, voices = session(tmp_path / "features.onnx"), clips(front_end.sample_rate)
    together = [[voice] for voice in voices]
    if front_end.registered_name != "fbank":
        together += [voices, [*voices[1::-1], np.zeros(0, np.float32)]]
    for some in together:
        batch, lengths = padded(some)
        wanted = front_end(torch.from_numpy(batch), torch.from_numpy(lengths))[0].numpy()
        found = ready.run(None, {"waveforms": batch, "lengths": lengths})[0]
        np.testing.assert_allclose(found, wanted, atol=tolerance, rtol=1e-3)


@pytest.mark.parametrize("system", quick_or_slow(SYSTEMS, QUICK))
def test_a_system_answers_the_same(system, tmp_path):
    network = made(system)
    told = _export(network, LABELS, tmp_path / "model.onnx")
    assert told.deviation <= 1e-4
    assert told.size == (tmp_path / "model.onnx").stat().st_size
    assert_same(tmp_path / "model.onnx", network)


ENCODERS = (
    *("wav2vec2", "wav2vec2-large", "hubert", "hubert-large", "wavlm", "wavlm-large"),
    *("unispeech-sat", "data2vec-audio", "wav2vec2-bert", "whisper"),
)


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("name", quick_or_slow(ENCODERS, {"whisper"}))
def test_a_speech_encoder_answers_the_same(name, pooled, tmp_path, tiny_encoder):
    layers = "all" if pooled else "last"
    front_end = speech_encoder(str(tiny_encoder(name)), layers=layers, pooled=pooled)
    torch.manual_seed(0)
    head = LayerHead if pooled else AttentiveHead
    head = head(4, front_end.n_layers, front_end.shape[1], hidden=16)
    network = WaveformClassifier(front_end, None, head).eval()
    before = {key: type(module) for key, module in network.named_modules()}
    _export(network, LABELS, tmp_path / "model.onnx")
    assert {key: type(module) for key, module in network.named_modules()} == before
    assert_same(tmp_path / "model.onnx", network)


@pytest.fixture(scope="module")
def files(model_folder, tmp_path_factory):
    """The same small model as floats and with eight-bit weights."""
    folder = tmp_path_factory.mktemp("onnx")
    return export(model_folder, folder / "a.onnx"), export(model_folder, folder / "b.onnx", True)


def test_the_file_tells_its_labels_and_rate(files):
    model = onnx.load(files[0].path)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(told["labels"]) == files[0].labels == ["angry", "happy", "sad"]
    assert int(told["sampling_rate"]) == files[0].sampling_rate == 8000
    assert [entry.name for entry in model.graph.input] == ["waveforms", "lengths"]
    assert [entry.name for entry in model.graph.output] == ["probabilities"]
    onnx.checker.check_model(model)


def test_eight_bits_are_smaller_and_nearly_the_same(files):
    whole, light = files
    assert light.size < whole.size
    assert whole.deviation <= 1e-4 < light.deviation < 0.1
    told = {entry.key: entry.value for entry in onnx.load(light.path).metadata_props}
    assert told["weights"] == "int8"


def test_the_command_writes_and_measures(model_folder, tmp_path, capsys, monkeypatch):
    corpus = sample.write(tmp_path / "corpus", progress=False, clips=sample.CLIPS[:15])
    words = ["--output", str(tmp_path / "m.onnx"), "--quantize", "--data_folder", str(corpus)]
    assert main([str(model_folder), *words]) == 0
    assert {path.name for path in tmp_path.glob("*.onnx")} == {"m.onnx", "m-int8.onnx"}
    table = capsys.readouterr().out
    rows = [line for line in table.splitlines() if "% of" in line and "clips" in line]
    assert [row.split("  ")[0] for row in rows if " ms" not in row][-3:] == [
        "PyTorch",
        "onnx",
        "onnx int8",
    ]


def test_a_data_folder_that_is_not_there_is_told_before_the_export(model_folder, tmp_path, capsys):
    words = ["--output", str(tmp_path / "m.onnx"), "--data_folder", str(tmp_path / "nowhere")]
    assert main([str(model_folder), *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "nowhere" in err
    assert not any(tmp_path.iterdir())


def test_both_files_tell_which_model_they_are_of(files, model_folder, make_network, tmp_path):
    other = save_model(make_network(5), tmp_path / "other", ["a", "b", "c"], {})
    wanted = model_sha256(model_folder)
    for file in files:
        assert is_of(file.path, wanted)
        assert not is_of(file.path, model_sha256(other))
        assert session(file.path).get_modelmeta().custom_metadata_map["model_sha256"] == wanted


def test_classes_of_iemocap_are_chosen(tmp_path, iemocap_asked):
    (tmp_path / "config.json").write_text('{"provenance": {"corpora": ["IEMOCAP"]}}')
    for classes in (None, "merged4"):
        with pytest.raises(CorpusError, match="enough of IEMOCAP"):
            export_table.labelled(str(tmp_path), "here", ["happy"], 16_000, classes)
    assert iemocap_asked == ["source4", "merged4"]


def test_a_wrong_answer_leaves_no_file(model_folder, tmp_path, monkeypatch):
    (tmp_path / "m.onnx").write_text("an older file")
    right = export_check.of_torch
    monkeypatch.setattr(export_check, "of_torch", lambda *words: right(*words) + 2e-4)
    with pytest.raises(ModelFolderError, match="answers otherwise"):
        export(model_folder, tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_text() == "an older file"
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_a_missing_folder_is_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "nowhere" in line


def test_a_file_that_cannot_be_written_is_one_line(files, model_folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="m.onnx: the file cannot be written"):
        export(model_folder, tmp_path / "file" / "m.onnx")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    model = onnx.load(files[0].path)
    monkeypatch.setattr(onnx, "save", full)
    with pytest.raises(RunError, match=r"m.onnx: .* \(No space left on device\); free some space"):
        _written(model, tmp_path / "m.onnx", network=None, judge=True)
    assert not (tmp_path / "m.onnx").exists()


def test_another_suffix_is_refused(model_folder, tmp_path, capsys):
    assert main([str(model_folder), "--output", str(tmp_path / "m.tflite")]) == 2
    assert "does not end in .onnx" in capsys.readouterr().err


def test_a_missing_extra_is_one_line(model_folder, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find(name)
    )
    with pytest.raises(HparamsError, match=r"export needs onnxscript; pip install -e '\.\[onnx\]'"):
        export(model_folder, tmp_path / "m.onnx")


def test_an_unwritten_front_end_is_refused_by_name(make_network, tmp_path, monkeypatch):
    network = make_network()
    monkeypatch.setattr(type(network.front_end), "registered_name", "theirs")
    with pytest.raises(ModelFolderError, match="'theirs'"):
        _export(network, ["a", "b", "c"], tmp_path / "m.onnx")


def test_a_saved_ensemble_with_a_temperature_is_exported(make_network, tmp_path):
    ensemble = combine([make_network(0), make_network(1)])
    ensemble.temperature = 2.0
    folder = save_model(ensemble, tmp_path / "model", ["a", "b", "c"], {})
    export(folder, tmp_path / "m.onnx")
    assert_same(tmp_path / "m.onnx", ensemble.eval())


@pytest.mark.parametrize("stacked", [pytest.param(False, marks=pytest.mark.slow), True])
def test_classes_without_training_are_exported(stacked, tmp_path):
    network = fitted("acoustic_gradient_boosting")
    network.absent, network.temperature = [2], 5.0
    if stacked:
        network = WaveformEnsemble([network, network], meta=Perceptron(4, (8, 1), (5,))).eval()
    _export(network, LABELS, tmp_path / "model.onnx")
    assert_same(tmp_path / "model.onnx", network)
    told = probabilities(session(tmp_path / "model.onnx"), clips(network.sample_rate)[:2])
    assert (np.array(told)[:, 2] == 0).all()
