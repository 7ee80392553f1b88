"""Low-rank adapters: they alone learn, in every family, and end as plain weights."""

import sys

import pytest
import torch

from ser_lib.errors import HparamsError
from ser_lib.features.encoder_families import FAMILIES
from ser_lib.pretrained.encoder import speech_encoder

CLIPS = 0.1 * torch.randn(2, 6_000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", FAMILIES)
def test_adapters_alone_learn_and_are_merged(name, tiny_encoder):
    pytest.importorskip("peft")
    lengths = torch.tensor([6_000, 4_000])
    front_end = speech_encoder(tiny_encoder(name), lora_rank=2).eval()
    plain = speech_encoder(tiny_encoder(name)).eval()
    before, _ = plain(CLIPS, lengths)
    torch.testing.assert_close(front_end(CLIPS, lengths)[0], before)
    learned = {n: p for n, p in front_end.named_parameters() if p.requires_grad}
    assert learned and all("lora_" in name for name in learned)
    front_end(CLIPS, lengths)[0].square().sum().backward()
    # One of the two matrices begins at zero, so that the other has no gradient yet.
    assert all(p.grad.abs().sum() > 0 for n, p in learned.items() if "lora_B" in n)
    with torch.no_grad():
        for parameter in learned.values():
            parameter.add_(0.1 * torch.randn_like(parameter))
    after, _ = front_end(CLIPS, lengths)
    assert (after - before).abs().max() > 1e-4
    front_end.merge_adapters()
    torch.testing.assert_close(front_end(CLIPS, lengths)[0], after, atol=1e-5, rtol=1e-4)
    assert front_end.state_dict().keys() == plain.state_dict().keys()
    assert front_end.frozen


def test_without_peft_the_line_says_how_to_get_it(tiny_encoder, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(HparamsError, match=r"pip install -e '\.\[lora\]'"):
        speech_encoder(tiny_encoder("hubert"), lora_rank=2)
