"""Clips as a trained network reads them."""

import pytest
import torch

from ser_lib.corpora import ravdess
from ser_lib.data.clips import clip_dataset
from ser_lib.features.mfcc import MFCC
from ser_lib.models.mfcc_cnn import MFCCCNN
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.models.waveform_ensemble import combine
from ser_lib.scoring import clips_for, logits_of
from ser_lib.training.feature_cache import analyses_beside_decoding
from ser_lib.training.loader import is_cached


@pytest.fixture
def manifest(small_ravdess, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE", str(tmp_path / "cache"))
    return ravdess.prepare(small_ravdess, allow_partial=True, progress=False)


@pytest.fixture
def network():
    torch.manual_seed(3)
    front_end = MFCC(sample_rate=16_000)
    return WaveformClassifier(front_end, None, MFCCCNN(8, shape=front_end.shape)).eval()


@pytest.mark.parametrize("workers", [0, 2])
def test_clips_are_analysed_where_they_are_decoded(manifest, network, workers):
    ids = manifest["id"][:6]
    clips = clips_for(network, manifest, ids)
    assert "features" in clips[0] and not is_cached(clips)
    plain = clip_dataset(manifest, ids, None, network.sample_rate)
    wanted = logits_of(network, plain, 3)
    assert torch.allclose(logits_of(network, clips, 3, workers), wanted, atol=1e-5)
    # In another order, so that rows are those of the clips.
    turned = logits_of(network, clips_for(network, manifest, ids[::-1]), 4, workers)
    assert torch.allclose(turned.flip(0), wanted, atol=1e-5)
    assert not torch.allclose(turned, wanted, atol=1e-3)


def test_ensembles_and_encoders_read_sound(manifest, network):
    ensemble = combine([network, network])
    assert "waveform" in clips_for(ensemble, manifest, manifest["id"][:2])[0]
    assert analyses_beside_decoding(network) and not analyses_beside_decoding(ensemble)
    network.front_end.weight = torch.nn.Parameter(torch.ones(1))
    assert not analyses_beside_decoding(network)
