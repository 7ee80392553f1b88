"""Standardisation of every cell against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from ser_lib.features.scaler import CellStandardizer


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_equals_scikit_learn(batch_size):
    features = torch.from_numpy(np.random.default_rng(0).normal(-40, 20, (50, 6, 9))).float()
    features[:, 2, 3] = -80.0
    reference = StandardScaler().fit(features.reshape(50, -1).double().numpy())
    scaler = CellStandardizer([6, 9])
    scaler.fit(features.split(batch_size))
    expected = reference.transform(features.reshape(50, -1).double().numpy())
    found = scaler(features, None).reshape(50, -1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_cell_that_never_varies_is_left_at_zero():
    scaler = CellStandardizer([1, 2])
    scaler.fit([torch.full((3, 1, 2), -80.1)])
    assert scaler.scale.tolist() == [[1.0, 1.0]]
    assert scaler(torch.full((1, 1, 2), -80.1), None).abs().max() < 1e-5


def test_statistics_travel_with_the_weights():
    scaler = CellStandardizer([2, 2])
    scaler.fit([torch.randn(5, 2, 2)])
    other = CellStandardizer([2, 2])
    other.load_state_dict(scaler.state_dict())
    torch.testing.assert_close(other.mean, scaler.mean)
    torch.testing.assert_close(other.scale, scaler.scale)


def test_refuses_to_fit_on_nothing():
    with pytest.raises(ValueError, match="no training features"):
        CellStandardizer([2, 2]).fit([])
