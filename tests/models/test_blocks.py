"""Parts of Data-Science-kosta's models."""

import pytest
import torch
from torch.nn import functional as F

from ser_lib.models.blocks import AttentionPool, chunked, conv_block, conv_stack, each_chunk


def test_pooling_before_relu_changes_nothing():
    block = conv_block(1, 4, 4, 0.0).eval()
    image = torch.randn(3, 1, 32, 41)
    source = F.max_pool2d(F.relu(block[1](block[0](image))), 4)
    torch.testing.assert_close(block(image), source)


def test_stack_tells_its_width():
    stack, width = conv_stack((128, 563), (16, 32, 64, 64), (2, 4, 4, 4), 0.3)
    assert stack.eval()(torch.randn(1, 1, 128, 563)).shape == (1, width) == (1, 256)


def test_stack_that_pools_everything_away_is_refused():
    with pytest.raises(ValueError, match="leaves nothing"):
        conv_stack((8, 8), (4, 4), (4, 4), 0.0)


def test_attention_weighs_the_steps_by_their_scores():
    pool = AttentionPool(3)
    steps = torch.randn(2, 5, 3)
    scores = torch.stack([pool.score(steps[:, t]) for t in range(5)], dim=1)
    weights = torch.exp(scores) / torch.exp(scores).sum(dim=1, keepdim=True)
    torch.testing.assert_close(pool(steps), (weights * steps).sum(dim=1))


def test_chunks_are_those_of_the_source():
    features = torch.randn(2, 128, 563)
    chunks = chunked(features, 128, 64)
    assert chunks.shape == (2, 7, 1, 128, 128)
    for number in range(7):
        expected = features[:, :, 64 * number : 64 * number + 128]
        torch.testing.assert_close(chunks[:, number, 0], expected)


def test_each_chunk_is_read_alike():
    stack, width = conv_stack((16, 16), (4,), (4,), 0.0)
    chunks = torch.randn(3, 5, 1, 16, 16)
    together = each_chunk(stack.eval(), chunks)
    assert together.shape == (3, 5, width)
    torch.testing.assert_close(together[:, 2], stack(chunks[:, 2]))
