import json
import shutil
import socket

import datasets
import evaluate
import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    Pipeline,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForSequenceClassification,
)

import ser_lib
from ser_lib.errors import AudioError, HubError, ModelFolderError
from ser_lib.features.mfcc import MFCC
from ser_lib.hub import folder as folder_module
from ser_lib.hub.saving import save_model
from ser_lib.models.perceptron import Perceptron
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.models.waveform_ensemble import WaveformEnsemble

LABELS = ["angry", "happy", "sad"]


@pytest.fixture(scope="module")
def classify(model_folder):
    return ser_lib.load(model_folder, device="cpu")


def scores(answer):
    by_label = {label["label"]: label["score"] for label in answer}
    return np.array([by_label[name] for name in LABELS])


def test_answer_is_the_networks(classify, network, clip):
    answer = classify((clip, 8000))
    with torch.no_grad():
        expected = network(torch.from_numpy(clip)[None])[0].softmax(-1).numpy()
    np.testing.assert_allclose(scores(answer), expected, atol=1e-6)
    assert [label["score"] for label in answer] == sorted(expected.tolist(), reverse=True)
    raw = classify(clip, sampling_rate=8000, function_to_apply="none")
    np.testing.assert_allclose(torch.tensor(scores(raw)).softmax(-1), expected, atol=1e-6)
    assert isinstance(classify, Pipeline)


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
def test_files_are_decoded_without_ffmpeg(classify, clip, tmp_path, kind, monkeypatch):
    monkeypatch.setenv("PATH", "")
    path = tmp_path / f"clip.{kind}"
    soundfile.write(path, np.stack([clip, clip], axis=1), 8000)
    expected = scores(classify((soundfile.read(path, dtype="float32")[0], 8000)))
    for source in (path, str(path), path.read_bytes(), {"path": str(path), "bytes": None}):
        np.testing.assert_allclose(scores(classify(source)), expected, atol=1e-6)
    if kind in ("wav", "flac"):
        np.testing.assert_allclose(expected, scores(classify((clip, 8000))), atol=2e-3)


def test_alone_in_a_batch_and_beside_longer_clips(classify, clip):
    rng = np.random.default_rng(3)
    clips = [clip[:1500], rng.standard_normal(9000).astype("f4"), clip, clip[:300], clip[:2400]]
    alone = [scores(classify((one, 8000))) for one in clips]
    items = [(one, 8000) for one in clips]
    for size in (1, 2, 5):
        together = [scores(answer) for answer in classify(items, batch_size=size)]
        np.testing.assert_allclose(together, alone, atol=1e-5)
    reverse = [scores(answer) for answer in classify(items[::-1], batch_size=3)]
    np.testing.assert_allclose(reverse[::-1], alone, atol=1e-5)
    assert np.abs(alone[0] - alone[1]).max() > 1e-3


def test_many_clips_in_any_container(classify, clip, tmp_path):
    soundfile.write(tmp_path / "a.wav", clip, 8000, subtype="FLOAT")
    one = scores(classify((clip, 8000)))
    items = [str(tmp_path / "a.wav"), {"array": clip, "sampling_rate": 8000}, (clip, 8000)]
    dataset = datasets.Dataset.from_dict({"audio": [str(tmp_path / "a.wav")] * 3})
    undecoded = dataset.cast_column("audio", datasets.Audio(decode=False))
    many = [items, (item for item in items), iter(items), dataset["audio"], undecoded["audio"]]
    for inputs in many:
        answers = list(classify(inputs, batch_size=2))
        assert len(answers) == 3
        np.testing.assert_allclose([scores(answer) for answer in answers], [one] * 3, atol=1e-6)
    assert classify([]) == []
    assert len(classify([clip, clip], sampling_rate=8000)) == 2


def test_top_k_of_the_call_and_of_the_pipeline(model_folder, clip):
    classify = ser_lib.load(model_folder, device="cpu", top_k=2)
    assert [len(classify((clip, 8000), **k)) for k in ({}, {"top_k": 1}, {"top_k": None})] == [
        2,
        1,
        3,
    ]
    assert len(classify((clip, 8000), top_k=99)) == 3
    with pytest.raises(ValueError, match="function_to_apply"):
        classify((clip, 8000), function_to_apply="square")


def test_rate_and_batch_size_as_defaults(model_folder, classify, clip):
    other = ser_lib.load(model_folder, device="cpu", sampling_rate=8000, batch_size=2)
    np.testing.assert_allclose(
        [scores(answer) for answer in other([clip, clip[:900]])],
        [scores(classify((clip, 8000))), scores(classify((clip[:900], 8000)))],
        atol=1e-5,
    )


def test_what_ends_before_the_model_listens_is_refused(tmp_path, clip):
    front_end = MFCC(8000, n_mfcc=4, offset=0.2, seconds=0.3)
    late = WaveformClassifier(front_end, None, Perceptron(3, front_end.shape, (4,)))
    for network in (late, WaveformEnsemble([late, late])):
        classify = ser_lib.load(save_model(network, tmp_path / "model", list("abc"), {}))
        assert len(classify((clip, 8000))) == 3
        with pytest.raises(AudioError, match=r"0.2 s of sound .* begins to listen after 0.2 s"):
            classify((clip[:1600], 8000))


def test_a_run_folder_stands_for_its_model_and_options_are_known(model_folder, clip):
    assert len(ser_lib.load(model_folder.parent, device="cpu")((clip, 8000))) == 3
    with pytest.raises(TypeError, match="no option 'topk'; it has batch_size, .*, top_k"):
        ser_lib.load(model_folder, topk=3)


@pytest.mark.parametrize("inputs", ["/no/such.wav", 3.5, (np.zeros(0), 8000), np.zeros(4000)])
def test_bad_sound_is_an_audio_error(classify, inputs):
    with pytest.raises(AudioError):
        classify(inputs)
    with pytest.raises(AudioError):
        classify([inputs])


class Agreement(evaluate.Metric):
    def _info(self):
        kinds = {name: datasets.Value("int64") for name in ("predictions", "references")}
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="", features=datasets.Features(kinds)
        )

    def _compute(self, predictions, references):
        return {"agreement": float(np.mean(np.equal(predictions, references)))}


def test_evaluator_of_evaluate(classify, clip, tmp_path):
    names = []
    for index, length in enumerate((800, 1600, 2400, 3200)):
        names.append(str(tmp_path / f"{index}.wav"))
        soundfile.write(names[-1], clip[:length], 8000)
    expected = [int(scores(classify(name)).argmax()) for name in names]
    dataset = datasets.Dataset.from_dict(
        {"file": names, "label": [*expected[:3], (expected[3] + 1) % 3]}
    )
    result = evaluate.evaluator("audio-classification").compute(
        model_or_pipeline=classify,
        data=dataset,
        metric=Agreement(),
        label_mapping=classify.model.config.label2id,
    )
    assert result["agreement"] == 0.75


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def copy(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "copy")


def test_folder_needs_no_network(model_folder, clip, no_network, monkeypatch):
    monkeypatch.chdir(model_folder.parent)
    for source in (model_folder, str(model_folder), "model", "./model"):
        assert len(ser_lib.load(source, device="cpu")((clip, 8000))) == 3


def refused(source, *words):
    with pytest.raises(ModelFolderError) as caught:
        ser_lib.load(source, device="cpu")
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_missing_and_corrupt_files_are_named(copy, name):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) // 2])
    refused(copy, name, "copy")
    (copy / name).write_bytes(b"")
    refused(copy, name, "copy")
    (copy / name).unlink()
    refused(copy, name, "missing")


def test_no_folder(tmp_path, no_network):
    refused(tmp_path / "none", "none", "no such model folder")
    refused(str(tmp_path / "none"), "no such model folder")
    refused("./results/model", "no such model folder")
    refused("a/b/c", "no such model folder")
    refused("x" * 5000, "cannot be looked at (File name too long)")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file", "is a file")


def edit(copy, **changes):
    config = json.loads((copy / "config.json").read_text())
    config.update(changes)
    (copy / "config.json").write_text(json.dumps(config))


def test_config_that_does_not_fit(copy, network):
    edit(copy, model_type="martian")
    refused(copy, "martian")
    edit(copy, model_type="ser_lib", system={"classifier": {"name": "no_such_block"}})
    refused(copy)
    system = {**network.spec, "classifier": {**network.spec["classifier"], "name": "newer_block"}}
    edit(copy, system=system)
    refused(copy, "newer_block")
    system = {**network.spec, "classifier": {**network.spec["classifier"], "n_classes": 4}}
    edit(copy, system=system)
    refused(copy, "names 3 classes", "tells 4 apart")
    shape = {**network.spec["scaler"], "shape": [8, 11]}
    edit(copy, system={**network.spec, "scaler": shape})
    refused(copy, "of another shape", "scaler.mean")
    (copy / "config.json").write_text("[]")
    refused(copy, "config.json")
    (copy / "config.json").write_text("{}")
    refused(copy, "model_type")


def test_another_kind_of_model(copy):
    BertConfig().save_pretrained(copy)
    refused(copy, "bert", "do not classify audio")


def test_weights_that_do_not_fit(copy):
    weights = load_file(copy / "model.safetensors")
    weights["network.extra"] = weights.pop("network.scaler.mean")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    refused(copy, "missing (network.scaler.mean)", "unknown to the model (network.extra)")


def test_pickled_weights_are_refused(copy):
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    refused(copy, "safetensors", "never loaded")


@pytest.fixture
def native(tmp_path):
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_kernel=(10, 3),
        conv_stride=(5, 2),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
        num_labels=3,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    Wav2Vec2ForSequenceClassification(config).save_pretrained(tmp_path / "native")
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "native")
    return tmp_path / "native"


def test_native_classifiers_of_transformers(native, clip, tmp_path):
    soundfile.write(tmp_path / "a.wav", clip, 8000)
    answer = ser_lib.load(native, device="cpu")(tmp_path / "a.wav")
    assert scores(answer).sum() == pytest.approx(1, abs=1e-5)


def test_native_head_is_never_made_up(native):
    weights = load_file(native / "model.safetensors")
    weights["classifier.dense.weight"] = weights.pop("classifier.weight")
    save_file(weights, native / "model.safetensors", metadata={"format": "pt"})
    refused(native, "missing (classifier.weight)")


def test_hub_models_come_as_data_only(model_folder, clip, monkeypatch):
    asked = {}

    def fetch(repo_id, **options):
        asked.update(options, repo_id=repo_id)
        return str(model_folder)

    monkeypatch.setattr(folder_module, "snapshot_download", fetch)
    classify = ser_lib.load("person/model", device="cpu", revision="v1", token="secret")
    assert len(classify((clip, 8000))) == 3
    assert (asked["repo_id"], asked["revision"], asked["token"]) == ("person/model", "v1", "secret")
    assert not any(pattern.endswith((".py", ".bin", "*")) for pattern in asked["allow_patterns"])


def test_hub_out_of_reach_is_one_line(monkeypatch):
    def fetch(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(folder_module, "snapshot_download", fetch)
    with pytest.raises(HubError, match="no folder 'person/model' here") as caught:
        ser_lib.load("person/model")
    assert "network" in str(caught.value) and "\n" not in str(caught.value)


def test_inside_a_map_of_datasets_over_batches(classify, clip, tmp_path):
    paths = [str(tmp_path / f"{index}.wav") for index in range(5)]
    for index, path in enumerate(paths):
        soundfile.write(path, clip[: 800 * (1 + index)], 8000)
    table = datasets.Dataset.from_dict({"audio": paths})
    table = table.cast_column("audio", datasets.Audio(decode=False))

    def emotions(batch):
        return {"emotion": [answer[0]["label"] for answer in classify(batch["audio"])]}

    found = table.map(emotions, batched=True, batch_size=2)["emotion"][:]
    assert found == [classify(path)[0]["label"] for path in paths]
