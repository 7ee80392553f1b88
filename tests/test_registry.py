"""Registered blocks and their descriptions."""

import json

import pytest
from torch import nn

from ser_lib import registry
from ser_lib.errors import ModelFolderError


def test_every_block_can_be_rebuilt_from_json():
    for name in registry.names():
        cls = registry.lookup(name)
        assert cls.registered_name == name
    block = registry.build({"name": "cell_standardizer", "shape": [3, 4]})
    again = registry.build(json.loads(json.dumps(block.spec)))
    assert again.spec == block.spec == {"name": "cell_standardizer", "shape": [3, 4]}


def test_spec_holds_the_defaults_too():
    spec = registry.build({"name": "log_mel", "n_mels": 64}).spec
    assert spec["n_mels"] == 64
    assert spec["hop_length"] == 256


@pytest.mark.parametrize(
    "spec", [None, {}, {"name": 3}, {"name": "os.system"}, {"name": "log_mel", "x": 1}]
)
def test_what_is_not_a_block_is_refused(spec):
    with pytest.raises(ModelFolderError):
        registry.build(spec)


def test_a_taken_name_is_refused():
    with pytest.raises(ValueError, match="log_mel"):

        @registry.register("log_mel")
        class Other(nn.Module):
            pass


def test_only_plain_values_are_kept():
    @registry.register("test_only_block")
    class Block(nn.Module):
        def __init__(self, value):
            super().__init__()

    try:
        with pytest.raises(TypeError, match="plain values"):
            Block(object())
    finally:
        registry._BLOCKS.pop("test_only_block")
