"""Learning rates of their own, and rates that rise."""

import torch
from torch import nn

from ser_lib.training.rates import Warmup, parameter_groups


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.front_end, self.classifier = nn.Linear(2, 3), nn.Linear(3, 4)


def test_a_front_end_with_weights_has_its_own_rate():
    network = Network()
    optimizer = torch.optim.SGD(parameter_groups(network, 0.01), lr=0.5)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates[id(network.front_end.weight)] == 0.01
    assert rates[id(network.classifier.weight)] == 0.5
    assert len(rates) == 4


def test_without_such_a_rate_or_such_weights_there_is_one_group():
    network = Network()
    assert len(parameter_groups(network, 0.0)) == 4
    network.front_end = None
    assert len(parameter_groups(network, 0.01)) == 2


def test_rates_rise_step_by_step_and_are_given_back():
    optimizer = torch.optim.SGD(parameter_groups(Network(), 0.01), lr=0.5)
    seen = []
    for epoch in (1, 2, 3):
        warmup = Warmup(optimizer, 1.5, epoch, steps=4)
        for step in range(4):
            warmup.step(step)
            seen.append(optimizer.param_groups[0]["lr"])
        warmup.end()
        assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.01]
    expected = [0.5 * min(1, (step + 1) / 6) for step in range(12)]
    torch.testing.assert_close(seen, expected)


def test_no_warmup_changes_nothing():
    optimizer = torch.optim.SGD(Network().parameters(), lr=0.5)
    Warmup(optimizer, 0.0, 1, steps=4).step(0)
    assert optimizer.param_groups[0]["lr"] == 0.5
