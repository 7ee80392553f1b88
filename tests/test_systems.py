"""One sweep over every system in hparams/: what holds for one must hold for all."""

import json
import subprocess
import sys

import pytest
import torch

from ser_lib.corpora import ravdess, sample
from ser_lib.hparams import ROOT, Hparams
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.recipe import main

SYSTEMS = sorted(path.stem for path in (ROOT / "hparams").glob("*.yaml"))

# As the sources print them, for eight classes.
PARAMETERS = {
    "stacked_cnn_lstm": 147_816,
    "stacked_cnn_bilstm_attention": 582_761,
    "parallel_cnn_bilstm_attention": 263_593,
    "cnn_transformer": 395_176,
    "mfcc_cnn": 55_656,
    "separable_cnn": 341_000,
}


def network(system):
    blocks = Hparams(f"hparams/{system}.yaml").build(8)
    return WaveformClassifier(blocks["front_end"], blocks.get("scaler"), blocks["classifier"])


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request):
    return request.param


@pytest.fixture(scope="module")
def voices():
    """Clips of different lengths at 48 kHz."""
    pairs = [("calm", 1.5), ("angry", 2.5), ("sad", None), ("happy", 4.5)]
    return [torch.from_numpy(sample.voice(name, seconds=s)[0]) for name, s in pairs]


def test_every_system_has_its_row_in_the_table():
    assert set(PARAMETERS) == set(SYSTEMS)


def test_has_the_parameters_of_its_source(system):
    assert sum(p.numel() for p in network(system).parameters()) == PARAMETERS[system]


@torch.no_grad()
def test_alone_in_a_batch_and_beside_longer_clips_the_logits_agree(system, voices):
    model = network(system).eval()
    batch = torch.nn.utils.rnn.pad_sequence(voices, batch_first=True)
    lengths = torch.tensor([len(voice) for voice in voices])
    if model.scaler is not None:
        model.scaler.fit([model.features(batch, lengths)[0]])
    together = model(batch, lengths)
    assert together.shape == (len(voices), 8)
    for row, voice in zip(together, voices, strict=True):
        torch.testing.assert_close(row, model(voice[None])[0], atol=1e-5, rtol=0)


def test_every_parameter_gets_a_finite_gradient(system, voices):
    model = network(system)
    torch.manual_seed(0)
    features, lengths = model.features(voices[2] + 0.01 * torch.randn(4, len(voices[2])))
    loss = torch.nn.functional.cross_entropy(model(features, lengths), torch.arange(4))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@torch.no_grad()
def test_silence_gives_finite_logits(system):
    assert torch.isfinite(network(system).eval()(torch.zeros(1, 48_000))).all()


@pytest.fixture(scope="module")
def voices_folder(tmp_path_factory):
    """48 clips of the synthetic sample, four an actor."""
    folder = tmp_path_factory.mktemp("voices") / "sample"
    by_actor = {}
    for clip in sample.CLIPS:
        by_actor.setdefault(clip[-2:], []).append(clip)
    clips = [clip for several in by_actor.values() for clip in several[::4]]
    return sample.write(folder, progress=False, clips=clips)


def test_trains_reports_and_answers_in_a_fresh_process(system, voices_folder, tmp_path):
    line = f"hparams/{system}.yaml --number_of_epochs 1 --output_folder {tmp_path}"
    assert main(ravdess, [*line.split(), "--data_folder", str(voices_folder)]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["run"]["parameters"] == PARAMETERS[system]
    assert metrics["run"]["synthetic"] is True
    clip = next(voices_folder.rglob("*.flac"))
    program = (
        "import ser_lib, soundfile, sys; from transformers import pipeline; "
        "samples, rate = soundfile.read(sys.argv[2], dtype='float32'); "
        "classify = pipeline('audio-classification', model=sys.argv[1]); "
        "print(sum(x['score'] for x in classify({'raw': samples, 'sampling_rate': rate}, top_k=8)))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model"), str(clip)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(answer.stdout.split()[-1]) == pytest.approx(1, abs=1e-4)
