"""Facts of the machine and the versions."""

import json
import platform

import torch

from ser_lib import run_facts


def test_versions_name_python_and_torch():
    found = run_facts.versions()
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__.partition("+")[0]


def test_hardware_is_one_plain_line():
    text = run_facts.hardware()
    assert text.strip() and "\n" not in text
    assert json.loads(json.dumps(text)) == text
