"""What a YAML may say about training, checked before anything runs."""

import dataclasses
import typing

from ruamel.yaml.scalarbool import ScalarBoolean

from ser_lib.errors import HparamsError


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """Settings of the training loop; every field is a key of a YAML.

    Raises
    ------
    HparamsError
        If a value has the wrong type or is out of range; the message names the key.
    """

    seed: int = 0
    number_of_epochs: int = 100  # epochs at most
    batch_size: int = 32  # items a step over all processes together
    drop_last: bool = False  # leave out an epoch's last batch where it is smaller
    patience: int = 0  # epochs without a better validation UA before stopping; 0: never stop
    gradient_accumulation_steps: int = 1
    max_grad_norm: float = 0.0  # clip the gradient's norm to this; 0: do not clip
    encoder_lr: float = 0.0  # learning rate of a front end that is trained; 0: the optimizer's
    warmup_epochs: float = 0.0  # in which learning rates rise from zero, step by step
    mixed_precision: str = "no"  # no, bf16 or fp16
    torch_compile: bool = False
    cache_features: bool = True
    num_workers: int = 0  # processes that decode clips, no more than there are cores
    class_weights: str = "none"  # balanced: a class is weighted by 1 / its training clips; or none
    balance_corpora: bool = False  # of several corpora, each is drawn from as often
    inner_folds: int = 5  # of the training side, where a grid or a stack needs them

    _MINIMUM: typing.ClassVar = {
        "number_of_epochs": 1,
        "batch_size": 1,
        "patience": 0,
        "gradient_accumulation_steps": 1,
        "max_grad_norm": 0,
        "encoder_lr": 0,
        "warmup_epochs": 0,
        "num_workers": 0,
        "seed": 0,
        "inner_folds": 2,
    }

    _MAXIMUM: typing.ClassVar = {
        "number_of_epochs": 9999,
        "batch_size": 2**31 - 1,
        "num_workers": 1024,
        "seed": 2**32 - 1,
    }

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = check_type(field.name, getattr(self, field.name), field.type)
            object.__setattr__(self, field.name, value)
        for key, minimum in self._MINIMUM.items():
            if not getattr(self, key) >= minimum:
                raise HparamsError(f"{key} is {getattr(self, key)}; it must be {minimum} or more")
        for key, maximum in self._MAXIMUM.items():
            if getattr(self, key) > maximum:
                raise HparamsError(f"{key} is {getattr(self, key)}; it must be {maximum} or less")
        if self.mixed_precision not in ("no", "bf16", "fp16"):
            raise HparamsError(
                f"mixed_precision is {self.mixed_precision!r}; choose no, bf16 or fp16"
            )
        if self.class_weights not in ("none", "balanced"):
            raise HparamsError(f"class_weights is {self.class_weights!r}; choose none or balanced")


def check_type(key, value, wanted):
    """``value`` if it is of type ``wanted`` (a whole number passes for a float).

    A YAML's numbers and words may be of classes that remember how they were written. Here they
    become Python's own: a checkpoint that holds another class is refused when it is read.

    Raises
    ------
    HparamsError
        Otherwise; names the key, the value and the type.
    """
    truth = isinstance(value, (bool, ScalarBoolean))
    if wanted is float and isinstance(value, int) and not truth:
        return float(value)
    if wanted is bool and truth:
        return bool(value)
    if isinstance(value, wanted) and not truth:
        return wanted(value) if wanted in (int, float, str) else value
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
    raise HparamsError(f"{key} is {value!r}; it must be {names.get(wanted, wanted.__name__)}")
