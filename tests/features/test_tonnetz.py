"""Tonal centroid and constant-Q chroma against librosa."""

import librosa
import numpy as np
import torch

from ser_lib.features.tonnetz import constant_q_chroma, tonnetz


def test_equals_librosa():
    classes = np.random.default_rng(0).random((12, 40)).astype(np.float32)
    expected = librosa.feature.tonnetz(chroma=classes)
    np.testing.assert_allclose(tonnetz(torch.from_numpy(classes)).numpy(), expected, atol=1e-6)


def test_chroma_equals_librosa():
    magnitude = np.random.default_rng(1).random((252, 40)).astype(np.float32)
    expected = librosa.feature.chroma_cqt(C=magnitude)
    result = constant_q_chroma(torch.from_numpy(magnitude))
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-6)


def test_a_single_class_lies_on_the_circles():
    directions = tonnetz(torch.eye(12))
    radii = directions.unflatten(0, (3, 2)).square().sum(dim=1).sqrt()
    torch.testing.assert_close(radii, torch.tensor([1.0, 1.0, 0.5])[:, None].expand(3, 12))


def test_all_classes_alike_have_no_direction():
    torch.testing.assert_close(tonnetz(torch.ones(12, 1)), torch.zeros(6, 1), atol=1e-6, rtol=0)


def test_silence_has_no_direction():
    assert tonnetz(constant_q_chroma(torch.zeros(252, 3))).eq(0).all()
