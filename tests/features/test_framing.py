"""The stretch of a clip that front ends analyse."""

import pytest
import torch

from ser_lib.features.framing import fixed_stretch


@pytest.mark.parametrize("length", [0, 3, 4, 6, 9, 12])
def test_a_clip_alone_has_the_stretch_that_it_has_in_a_batch(length):
    waveforms = torch.arange(1.0, 25.0).reshape(2, 12)
    lengths = torch.tensor([length, 12])
    both = fixed_stretch(waveforms, lengths, 3, 6)
    alone = fixed_stretch(waveforms[:1], lengths[:1], 3, 6)
    assert torch.equal(alone, both[:1])
    heard = [float(n + 1) for n in range(3, 9) if n < length]
    assert both[0].tolist() == heard + [0.0] * (6 - len(heard))


def test_what_lies_behind_a_clip_does_not_matter():
    waveforms = torch.tensor([[1.0, 2.0, float("nan")]])
    for rows in (1, 2):
        found = fixed_stretch(waveforms.expand(rows, -1), torch.tensor([2] * rows), 0, 4)
        assert found.tolist() == [[1.0, 2.0, 0.0, 0.0]] * rows
