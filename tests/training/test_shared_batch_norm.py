"""Batch norm over all processes: alone in its group it is PyTorch's own."""

import pytest
import torch
from torch import nn

from ser_lib.training.shared_batch_norm import SharedBatchNorm, share_batch_norm


@pytest.fixture
def group(tmp_path):
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d(3), (5, 3)),
        (nn.BatchNorm1d(3, affine=False), (5, 3, 7)),
        (nn.BatchNorm2d(3, momentum=None), (4, 3, 6, 5)),
        (nn.BatchNorm2d(3, eps=0.1, momentum=0.3), (4, 3, 6, 5)),
    ],
)
def test_gives_the_numbers_and_gradients_of_batch_norm(group, layer, shape):
    torch.manual_seed(0)
    expected, shared = nn.Sequential(layer), nn.Sequential(type(layer)(3))
    shared[0].__dict__.update({k: layer.__dict__[k] for k in ("eps", "momentum", "affine")})
    if not layer.affine:
        shared[0].weight = shared[0].bias = None
    share_batch_norm(shared)
    assert isinstance(shared[0], SharedBatchNorm)
    for _ in range(3):
        one = (2 * torch.randn(shape) + 3).requires_grad_()
        other = one.detach().clone().requires_grad_()
        weights = torch.randn(shape)
        (expected(one) * weights).sum().backward()
        (shared(other) * weights).sum().backward()
        torch.testing.assert_close(shared(other), expected(one), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(other.grad, one.grad, atol=1e-5, rtol=1e-5)
    for key, value in expected.state_dict().items():
        torch.testing.assert_close(shared.state_dict()[key], value, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(shared.eval()(one), expected.eval()(one), atol=1e-5, rtol=1e-5)
