"""Facts of the machine and the versions."""

import json
import platform
from importlib.metadata import version

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


def test_environment_lists_what_this_python_has():
    lines = run_facts.environment().splitlines()
    assert f"torch=={version('torch')}" in lines
    assert platform.python_version() in lines[0]
    assert lines[1].startswith("# revision ")
