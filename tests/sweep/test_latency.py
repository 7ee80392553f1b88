"""Latencies: a time for a network, a file for the tables, lines for what is wrong."""

import json

import pytest
import torch

from ser_lib.errors import RunError
from ser_lib.features.mfcc import MFCC
from ser_lib.features.scaler import CellStandardizer
from ser_lib.hub.saving import save_model
from ser_lib.models.mfcc_cnn import MFCCCNN
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.sweep.latency import latency_ms, main, read_latencies


@pytest.fixture
def network():
    return WaveformClassifier(MFCC(), CellStandardizer((25, 216)), MFCCCNN(8))


def test_it_is_a_time_and_nothing_is_left_changed(network):
    threads = torch.get_num_threads()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert 0 < latency_ms(network) < 60_000
    assert torch.get_num_threads() == threads
    # Batch norms would have moved in training mode.
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_finished_runs_are_measured_and_others_stay(network, tmp_path, capsys):
    run = tmp_path / "runs" / "RAVDESS" / "x" / "fold-1"
    save_model(network, run / "model", list("abcdefgh"), {"synthetic": True})
    told = {"run": {"corpus": "RAVDESS", "system": "mfcc_cnn"}}
    (run / "metrics.json").write_text(json.dumps(told))
    (tmp_path / "latency.json").write_text(json.dumps({"EMO-DB/other": {"ms": 1.5}}))
    assert main([str(tmp_path / "runs"), "--results", str(tmp_path)]) == 0
    found = read_latencies(tmp_path)
    assert set(found) == {"EMO-DB/other", "RAVDESS/mfcc_cnn"} and found["EMO-DB/other"] == 1.5
    assert "RAVDESS/mfcc_cnn" in capsys.readouterr().out


def test_without_a_finished_run_it_says_so(tmp_path, capsys):
    assert main([str(tmp_path), "--results", str(tmp_path)]) == 2
    assert "no finished run" in capsys.readouterr().err


def test_a_damaged_file_is_named_and_a_missing_one_is_none(tmp_path):
    assert read_latencies(tmp_path) == {}
    (tmp_path / "latency.json").write_text("[]")
    with pytest.raises(RunError, match="latency.json"):
        read_latencies(tmp_path)
