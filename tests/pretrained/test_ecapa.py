"""ECAPA-TDNN from SpeechBrain's weights: what is read, what is computed, what is refused."""

import pytest
import torch
from safetensors.torch import save_file
from speechbrain.lobes.features import Fbank
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN, Classifier
from speechbrain.processing.features import InputNormalization

from ser_lib.audio import resample
from ser_lib.corpora.sample import voice
from ser_lib.errors import ModelFolderError
from ser_lib.features.fbank import MeanFreeFbank
from ser_lib.models.ecapa_tdnn import ECAPAClassifier
from ser_lib.pretrained.ecapa import ecapa_classifier
from ser_lib.registry import build

SMALL = {
    "channels": [16, 16, 16, 16, 48],
    "attention_channels": 8,
    "se_channels": 8,
    "lin_neurons": 12,
}
CLOSED = "close_the_door: !apply:os.abort []\n"


@pytest.fixture(scope="module")
def theirs():
    """A small network of SpeechBrain with statistics of its own, in evaluation mode."""
    torch.manual_seed(7)
    network = ECAPA_TDNN(80, **SMALL)
    for _ in range(5):
        network(20 * torch.randn(8, 50, 80))
    return network.eval()


@pytest.fixture
def published(theirs, tmp_path):
    """Folder as SpeechBrain publishes a speaker network."""
    folder = tmp_path / "spkrec"
    folder.mkdir()
    torch.save(theirs.state_dict(), folder / "embedding_model.ckpt")
    torch.save(Classifier(12, out_neurons=9).state_dict(), folder / "classifier.ckpt")
    torch.save({"count": 0}, folder / "mean_var_norm_emb.ckpt")
    (folder / "hyperparams.yaml").write_text(CLOSED)
    (folder / "label_encoder.txt").write_text("'id1' => 0\n")
    return folder


def safetensors(folder, state, name="embedding_model.safetensors"):
    folder.mkdir(exist_ok=True)
    save_file({key: value.contiguous() for key, value in state.items()}, folder / name)
    return folder


def clip():
    return torch.from_numpy(resample(voice("angry", seconds=3.3)[0], 48_000, 16_000))


def same(model, theirs):
    ours = model.embedding.state_dict()
    return all(torch.equal(ours[key], value) for key, value in theirs.state_dict().items())


@torch.no_grad()
def test_the_embedding_is_speechbrains(published, theirs):
    waveform = clip()[None]
    model = ecapa_classifier(4, published, allow_pickle=True, **SMALL).eval()
    found = model.embed(*MeanFreeFbank()(waveform, torch.tensor([waveform.shape[1]])))
    # As its EncoderClassifier computes it.
    features = Fbank(n_mels=80)(waveform)
    features = InputNormalization(norm_type="sentence", std_norm=False)(features, torch.ones(1))
    expected = theirs(features, torch.ones(1)).squeeze(1)
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_starts_from_a_pickle_and_forgets_where(published, theirs):
    model = ecapa_classifier(4, str(published), allow_pickle=True, freeze_epochs=2, **SMALL)
    assert same(model, theirs)
    assert model.training and model.freeze_epochs == 2
    assert model.initialised_from.startswith("spkrec@sha256:")
    assert str(published.parent) not in model.initialised_from
    assert model.spec == ECAPAClassifier(4, **SMALL).spec
    build(model.spec).load_state_dict(model.state_dict())


@pytest.mark.parametrize("name", ["embedding_model.safetensors", "model.safetensors"])
@pytest.mark.parametrize("prefix", ["", "embedding_model.", "module.mods.embedding_model."])
def test_starts_from_safetensors_with_or_without_words_before_the_keys(
    theirs, tmp_path, name, prefix
):
    state = {prefix + key: value for key, value in theirs.state_dict().items()}
    if prefix:
        state["classifier.weight"] = torch.zeros(9, 12)
    folder = safetensors(tmp_path / "safe", state, name)
    assert same(ecapa_classifier(4, folder, **SMALL), theirs)


def test_safetensors_come_before_a_pickle(published, theirs):
    state = {key: torch.zeros_like(value) for key, value in theirs.state_dict().items()}
    safetensors(published, state)
    model = ecapa_classifier(4, published, allow_pickle=True, **SMALL)
    assert not model.embedding.fc.conv.weight.any()


def test_half_precision_and_no_count_of_batches_will_do(theirs, tmp_path):
    state = {k: v.half() for k, v in theirs.state_dict().items() if v.is_floating_point()}
    model = ecapa_classifier(4, safetensors(tmp_path / "half", state), **SMALL)
    assert model.embedding.fc.conv.weight.dtype == torch.float32
    torch.testing.assert_close(
        model.embedding.fc.conv.weight, theirs.fc.conv.weight, atol=1e-3, rtol=0
    )


def test_random_weights_are_never_frozen():
    model = ecapa_classifier(4, freeze_epochs=5, **SMALL)
    model.begin_epoch(1)
    assert model.initialised_from is None and model.freeze_epochs is None
    assert all(p.requires_grad for p in model.parameters())


def refused(match, folder, **arguments):
    with pytest.raises(ModelFolderError, match=match) as caught:
        ecapa_classifier(4, folder, **{**SMALL, **arguments})
    assert "\n" not in str(caught.value)


def test_refuses_a_pickle_unless_told(published):
    refused("allow_pickle", published)


def test_refuses_a_folder_that_is_not_there(tmp_path):
    refused("no such folder", tmp_path / "nowhere")


def test_refuses_an_empty_folder(tmp_path):
    refused("no safetensors weights", tmp_path)


def test_refuses_several_files_without_a_name(theirs, tmp_path):
    safetensors(tmp_path, theirs.state_dict(), "a.safetensors")
    safetensors(tmp_path, theirs.state_dict(), "b.safetensors")
    refused("a.safetensors, b.safetensors and no embedding_model", tmp_path)


def test_refuses_weights_of_another_size(published):
    refused(
        r"blocks.0.conv.conv.weight of shape \(16, 80, 5\), the network of \(24, 80, 5\) and \d+ "
        "more",
        published,
        channels=[24, 16, 16, 16, 48],
        allow_pickle=True,
    )


def test_refuses_weights_of_other_bands(published):
    refused(
        r"\(16, 80, 5\), the network of \(16, 40, 5\);", published, shape=[40], allow_pickle=True
    )


def test_refuses_weights_that_lack_a_layer(theirs, tmp_path):
    state = {key: value for key, value in theirs.state_dict().items() if "fc.conv.b" not in key}
    refused(r"lacks fc.conv.bias;", safetensors(tmp_path / "less", state))


def test_refuses_weights_of_more_layers(theirs, tmp_path):
    state = {**theirs.state_dict(), "blocks.9.conv.weight": torch.zeros(1)}
    refused("has blocks.9.conv.weight, which", safetensors(tmp_path / "more", state))


def test_refuses_weights_of_something_else(tmp_path):
    folder = safetensors(tmp_path / "else", {"encoder.weight": torch.zeros(2)})
    refused("has 0 keys that end in asp_bn.norm.weight", folder)


def test_refuses_damaged_safetensors(tmp_path):
    (tmp_path / "embedding_model.safetensors").write_bytes(b"nothing")
    refused("cannot be read as weights", tmp_path)


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04 cut off"])
def test_refuses_a_damaged_pickle(published, content):
    (published / "embedding_model.ckpt").write_bytes(content)
    refused("cannot be read as weights", published, allow_pickle=True)


class Trap:
    def __reduce__(self):
        return print, ("the pickle ran",)


def test_a_pickle_that_would_run_code_is_refused_and_does_not(published, theirs, capsys):
    torch.save({**theirs.state_dict(), "trap": Trap()}, published / "embedding_model.ckpt")
    refused("cannot be read as weights", published, allow_pickle=True)
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {1: torch.zeros(2)}])
def test_refuses_a_pickle_of_something_else(published, content):
    torch.save(content, published / "embedding_model.ckpt")
    refused("no dictionary of tensors", published, allow_pickle=True)


@pytest.mark.parametrize("epochs", [-1, 1.5, True])
def test_refuses_a_plan_of_no_whole_epochs(epochs):
    with pytest.raises(ValueError, match="freeze_epochs"):
        ecapa_classifier(4, freeze_epochs=epochs, **SMALL)
