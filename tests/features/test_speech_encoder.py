"""Speech encoders as front ends: exact in any company, and Transformers' own numbers."""

import copy

import pytest
import torch

from ser_lib.features.encoder_families import FAMILIES
from ser_lib.features.speech_encoder import SpeechEncoder
from ser_lib.pretrained.encoder import speech_encoder
from ser_lib.registry import build

WAVES = ("wav2vec2", "hubert", "wavlm", "unispeech-sat", "data2vec-audio")
ENCODERS = (
    *(*FAMILIES, "wav2vec2-large", "hubert-large", "wavlm-large", "hubert-batch-norm"),
    *("wav2vec2-adapter", "wav2vec2-bert-adapter"),
)


@pytest.fixture(scope="module")
def clips():
    """Clips at 16 kHz: three ordinary ones and one of 9 ms."""
    generator = torch.Generator().manual_seed(0)
    return [0.1 * torch.randn(n, generator=generator) + 0.02 for n in (16_000, 9_000, 30_001, 150)]


def batch(clips):
    lengths = torch.tensor([len(clip) for clip in clips])
    return torch.nn.utils.rnn.pad_sequence(clips, batch_first=True), lengths


@pytest.mark.parametrize("layers", ["all", "last"])
@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("name", ENCODERS)
def test_alone_or_beside_longer_clips_the_states_agree(name, pooled, layers, tiny_encoder, clips):
    front_end = speech_encoder(tiny_encoder(name), pooled=pooled, layers=layers).eval()
    features, lengths = front_end(*batch(clips))
    assert features.shape[1:3] == front_end.shape[:2] == (3 if layers == "all" else 1, 32)
    assert features.shape[3] == lengths.max()
    for index, clip in enumerate(clips):
        alone, length = front_end(*batch([clip]))
        assert length[0] == lengths[index]
        inside = features[index, ..., : lengths[index]]
        torch.testing.assert_close(inside, alone[0], atol=1e-5, rtol=1e-4)
        assert not features[index, ..., lengths[index] :].any()


@pytest.mark.parametrize("name", [name for name in ENCODERS if name not in ("whisper",)])
@torch.no_grad()
def test_a_clip_gets_the_states_that_transformers_gives_it(name, tiny_encoder, clips):
    front_end = speech_encoder(tiny_encoder(name), pooled=False).eval()
    encoder = FAMILIES[front_end.family][0].from_pretrained(tiny_encoder(name)).eval()
    extractor = FAMILIES[front_end.family][1].from_pretrained(tiny_encoder(name))
    made = extractor(clips[0].numpy(), sampling_rate=16_000, return_tensors="pt")
    theirs = torch.stack(encoder(**made, output_hidden_states=True).hidden_states, dim=1)
    ours, _ = front_end(*batch(clips[:1]))
    torch.testing.assert_close(ours.transpose(2, 3), theirs, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_whisper_keeps_the_states_of_the_clip_alone(tiny_encoder, clips):
    from transformers import WhisperFeatureExtractor, WhisperModel

    front_end = speech_encoder(tiny_encoder("whisper"), pooled=False).eval()
    encoder = WhisperModel.from_pretrained(tiny_encoder("whisper")).encoder.eval()
    extractor = WhisperFeatureExtractor.from_pretrained(tiny_encoder("whisper"))
    made = extractor(clips[1].numpy(), sampling_rate=16_000, return_tensors="pt")
    theirs = encoder(made["input_features"]).last_hidden_state
    ours, lengths = front_end(*batch(clips[1:2]))
    assert lengths.tolist() == [29]  # 9,000 samples, 320 a state
    torch.testing.assert_close(ours[0, -1].T, theirs[0, :29], atol=1e-5, rtol=1e-4)


def test_group_norm_over_padding_would_have_changed_the_states(tiny_encoder, clips):
    """What the correction is for: Transformers' own batch is off by more than rounding."""
    encoder = FAMILIES["wav2vec2"][0].from_pretrained(tiny_encoder("wav2vec2")).eval()
    padded, lengths = batch([clips[1], clips[2]])
    mask = (torch.arange(padded.shape[1]) < lengths[:, None]).long()
    with torch.no_grad():
        together = encoder(padded, attention_mask=mask).last_hidden_state[0, :20]
        alone = encoder(clips[1][None]).last_hidden_state[0, :20]
    assert (together - alone).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["whisper", "wav2vec2-bert", "hubert", "data2vec-audio"])
@torch.no_grad()
def test_half_precision_on_a_cpu_gives_nearly_the_same(name, tiny_encoder, clips):
    front_end = speech_encoder(tiny_encoder(name)).eval()
    expected, frames = front_end(*batch(clips))
    with torch.autocast("cpu", torch.bfloat16):
        found, same = front_end(*batch(clips))
    assert found.dtype == torch.float32 and torch.equal(same, frames)
    assert 0 < (found - expected).abs().max() < 0.02 * expected.abs().max()


@pytest.mark.parametrize("kept", ["train_layers", "frozen"])
def test_a_batch_norm_keeps_what_it_knows(kept, tiny_encoder, clips):
    """Of a batch it would learn the padding."""
    layers = -1 if kept == "train_layers" else 0
    front_end = speech_encoder(tiny_encoder("hubert-batch-norm"), train_layers=layers).train()
    before = {key: value.clone() for key, value in front_end.named_buffers()}
    assert any(key.endswith("running_mean") for key in before)
    front_end(*batch(clips))
    for key, value in front_end.named_buffers():
        assert torch.equal(value, before[key]), key


@pytest.mark.parametrize("name", ["wav2vec2", "data2vec-audio"])
def test_a_copy_is_a_model_of_its_own(name, tiny_encoder, clips):
    front_end = speech_encoder(tiny_encoder(name)).eval()
    expected, _ = front_end(*batch(clips))
    twin = copy.deepcopy(front_end)
    front_end(*batch(clips[:1]))
    torch.testing.assert_close(twin(*batch(clips))[0], expected)


@pytest.mark.parametrize("name", ENCODERS)
def test_its_description_builds_it_again(name, tiny_encoder, clips):
    front_end = speech_encoder(tiny_encoder(name)).eval()
    twin = build(front_end.spec).eval()
    twin.load_state_dict(front_end.state_dict())
    twin.requires_grad_(False)
    torch.testing.assert_close(twin(*batch(clips))[0], front_end(*batch(clips))[0])


@pytest.mark.parametrize("name", ENCODERS)
def test_silence_and_single_samples_give_finite_states(name, tiny_encoder):
    front_end = speech_encoder(tiny_encoder(name)).eval()
    features, _ = front_end(torch.zeros(2, 4_000), torch.tensor([4_000, 1]))
    assert torch.isfinite(features).all()


def test_frozen_parts_drop_nothing_in_training(tiny_encoder, clips):
    front_end = speech_encoder(tiny_encoder("hubert"))
    evaluated, _ = front_end.eval()(*batch(clips))
    torch.testing.assert_close(front_end.train()(*batch(clips))[0], evaluated)
    trained = speech_encoder(tiny_encoder("hubert"), train_layers=1).train()
    assert trained.encoder.encoder.layers[1].training
    assert not trained.encoder.encoder.layers[0].training
    assert not trained.encoder.feature_extractor.training


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"family": "bert"}, "no family"),
        ({"layers": "first"}, "layers is 'first'"),
        ({"config": {"add_adapter": True}}, "add_adapter is true"),
    ],
)
def test_refuses_what_it_does_not_know(wrong, match):
    with pytest.raises(ValueError, match=match):
        SpeechEncoder(**{"family": "hubert", "config": {}, "extractor": {}, **wrong})
