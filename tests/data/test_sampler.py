"""The order of an epoch."""

from ser_lib.data.sampler import EpochSampler


def order(size, seed, epoch):
    sampler = EpochSampler(size, seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_every_item_once():
    assert sorted(order(50, 0, 1)) == list(range(50))
    assert len(EpochSampler(50, 0)) == 50


def test_follows_from_seed_and_epoch_alone():
    assert order(50, 3, 2) == order(50, 3, 2)
    assert order(50, 3, 2) != order(50, 3, 1)
    assert order(50, 3, 2) != order(50, 4, 2)


def test_groups_of_any_size_are_drawn_as_often():
    groups = ["large"] * 900 + ["small"] * 100
    sampler = EpochSampler(1000, 0, groups)
    drawn = [groups[item] for item in sampler]
    assert len(drawn) == 1000
    assert 430 < drawn.count("small") < 570
    sampler.set_epoch(1)
    assert [groups[item] for item in sampler] != drawn
