"""Descriptions of optimisers and schedulers that tell runs apart."""

import functools
import json
from types import SimpleNamespace

import torch

from ser_lib.hparams import Hparams
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.run_identity import plain, run_identity

SGD = torch.optim.SGD
STEP = torch.optim.lr_scheduler.StepLR


def test_equal_factories_have_equal_descriptions():
    assert plain(functools.partial(SGD, lr=0.1)) == plain(functools.partial(SGD, lr=0.1))
    assert json.dumps(plain(functools.partial(SGD, lr=0.1, betas=(0.1, 0.2))))


def test_different_arguments_differ_by_place_and_by_name():
    found = [
        plain(functools.partial(STEP, step_size=2)),
        plain(functools.partial(STEP, step_size=3)),
        plain(functools.partial(lambda optimizer, size: None, size=3)),
        plain(functools.partial(SGD, lr=0.1)),
        plain(SGD),
    ]
    assert len({json.dumps(value) for value in found}) == len(found)


def test_a_function_as_argument_is_named_and_not_addressed():
    described = json.dumps(plain(functools.partial(STEP, lr_lambda=json.dumps)))
    assert "json.dumps" in described
    assert " at 0x" not in described


def test_comments_of_a_yaml_are_no_part_of_a_run(small_yaml, tmp_path):
    text = small_yaml.read_text()
    other = tmp_path / "other.yaml"
    other.write_text(text.replace("data_folder: null", "data_folder: null  # wherever it lies"))
    assert other.read_text() != text
    ledger = SimpleNamespace(protocol="p", fold=1, sha256="0")
    told = []
    for path in (small_yaml, other):
        hparams = Hparams(path)
        blocks = hparams.build(8)
        network = WaveformClassifier(blocks["front_end"], blocks["scaler"], blocks["classifier"])
        given = (network, blocks["augmentation"], blocks, ledger, hparams.settings)
        told.append(json.dumps(run_identity(*given)))
    assert told[0] == told[1]
