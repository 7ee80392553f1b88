"""Values of the training settings."""

import pytest
import ruamel.yaml

from ser_lib.errors import HparamsError
from ser_lib.training.settings import TrainingSettings, check_type


def test_a_whole_number_passes_for_a_float():
    assert TrainingSettings(max_grad_norm=1).max_grad_norm == 1.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [("0.0005", float), ("2.0e-5", float), ("0x10", int), ("&x true", bool), ("|\n  bf16", str)],
)
def test_what_a_yaml_spells_becomes_a_plain_value(text, kind):
    """Checkpoints with values of other classes cannot be read back."""
    value = ruamel.yaml.YAML(typ="rt").load(f"key: {text}\n")["key"]
    checked = check_type("key", value, kind)
    assert type(checked) is kind and checked == value
    with pytest.raises(HparamsError, match="key is"):
        check_type("key", value, bool if kind is not bool else int)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("batch_size", 0),
        ("batch_size", "32"),
        ("batch_size", 1.5),
        ("batch_size", True),
        ("number_of_epochs", -1),
        ("max_grad_norm", float("nan")),
        ("mixed_precision", "fp8"),
        ("mixed_precision", False),
        ("torch_compile", 1),
        ("seed", None),
        ("seed", -1),
        ("seed", 2**32),
        ("number_of_epochs", 10**21),
        ("batch_size", 10**22),
    ],
)
def test_wrong_values_are_refused_by_name(key, value):
    with pytest.raises(HparamsError, match=key):
        TrainingSettings(**{key: value})
