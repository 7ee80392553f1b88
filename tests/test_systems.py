"""One sweep over every system in hparams/: what holds for one must hold for all."""

import json
import subprocess
import sys

import pytest
import soundfile
import torch

from ser_lib import load
from ser_lib.audio import resample
from ser_lib.corpora import ravdess, sample
from ser_lib.hparams import ROOT, Hparams
from ser_lib.hub.modeling import SERForAudioClassification
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.recipe import main

pytestmark = pytest.mark.usefixtures("without_figures")

SYSTEMS = sorted(path.stem for path in (ROOT / "hparams").glob("*.yaml"))
TRAINED = [s for s in SYSTEMS if Hparams(f"hparams/{s}.yaml").kind == "gradient"]

# Classes of the source, trainable parameters, and those that Keras counts: it prints the running
# statistics of batch norm too. As the sources print them, or worked out from what they print.
PARAMETERS = {
    "stacked_cnn_lstm": (8, 147_816, None),
    "stacked_cnn_bilstm_attention": (8, 582_761, None),
    "parallel_cnn_bilstm_attention": (8, 263_593, None),
    "cnn_transformer": (8, 395_176, None),
    "mfcc_cnn": (8, 55_656, 56_040),
    "issa_ravdess": (8, 519_320, 520_360),
    "issa_emodb": (7, 269_831, 270_599),
    "issa_iemocap": (4, 507_020, 508_052),
    "separable_cnn": (8, 341_000, None),
    "mfcc_mlp": (8, 40_328, None),
    "acoustic_lstm": (4, 115_924, None),
    "acoustic_dnn": (4, 61_204, None),
    "picture_cnn": (4, 1_632_820, None),
    "resnet18": (4, 11_279_916, None),
    "resnet34": (4, 21_388_076, None),
    "ecapa_tdnn": (4, 20_768_324, None),
}


# Wide networks are tried narrow where their width is not the question.
NARROW = {"ecapa_tdnn": {"channels": "[32, 32, 32, 32, 96]"}}


def network(system, n_classes=8, **overrides):
    blocks = Hparams(f"hparams/{system}.yaml", overrides).build(n_classes)
    return WaveformClassifier(blocks["front_end"], blocks.get("scaler"), blocks["classifier"])


def trainable(model):
    return sum(p.numel() for p in model.parameters())


def keras_count(model):
    running = [b.numel() for name, b in model.named_buffers() if "running" in name]
    return trainable(model) + sum(running)


@pytest.fixture(scope="module", params=TRAINED)
def system(request):
    return request.param


@pytest.fixture(scope="module")
def voices():
    """Clips of different lengths at 48 kHz."""
    pairs = [("calm", 1.5), ("angry", 2.5), ("sad", None), ("happy", 4.5)]
    return [torch.from_numpy(sample.voice(name, seconds=s)[0]) for name, s in pairs]


def test_every_system_has_its_row_in_the_table():
    assert set(PARAMETERS) == set(TRAINED)


def test_has_the_parameters_of_its_source(system):
    n_classes, parameters, with_statistics = PARAMETERS[system]
    model = network(system, n_classes)
    assert trainable(model) == parameters
    if with_statistics is not None:
        assert keras_count(model) == with_statistics


def test_the_other_reading_of_issas_iemocap_model_can_be_had():
    assert keras_count(network("issa_iemocap", 4, stack="short")) == 261_380


@torch.no_grad()
def test_alone_in_a_batch_and_beside_longer_clips_the_logits_agree(system, voices):
    model = network(system, **NARROW.get(system, {})).eval()
    batch = torch.nn.utils.rnn.pad_sequence(voices, batch_first=True)
    lengths = torch.tensor([len(voice) for voice in voices])
    if model.scaler is not None:
        model.scaler.fit([model.features(batch, lengths)[0]])
    together = model(batch, lengths)
    assert together.shape == (len(voices), 8)
    for row, voice in zip(together, voices, strict=True):
        torch.testing.assert_close(row, model(voice[None])[0], atol=1e-5, rtol=1e-5)


def test_every_parameter_gets_a_finite_gradient(system, voices):
    model = network(system, **NARROW.get(system, {}))
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
    """48 clips of the synthetic sample, four an actor, every emotion among them."""
    folder = tmp_path_factory.mktemp("voices") / "sample"
    by_actor = {}
    for clip in sample.CLIPS:
        by_actor.setdefault(clip[-2:], []).append(clip)
    actors = enumerate(by_actor.values())
    clips = [clip for number, several in actors for clip in several[number % 4 :: 4]]
    return sample.write(folder, progress=False, clips=clips)


# What makes the larger systems small enough for a test; the rest is as their YAML has it.
SMALL = {
    "decision_tree": ["--grid", "{max_depth: [3, 10]}"],
    "random_forest": ["--n_trees", "200"],
    "stacked_cnn_lstm": ["--number_of_epochs", "2"],
    "stacked_cnn_bilstm_attention": ["--number_of_epochs", "2"],
    "parallel_cnn_bilstm_attention": ["--number_of_epochs", "2"],
    "cnn_transformer": ["--number_of_epochs", "2"],
    "ecapa_tdnn": ["--channels", NARROW["ecapa_tdnn"]["channels"], "--lr", "0.001"],
    "issa_ravdess": ["--lr", "0.001"],
    "issa_emodb": ["--lr", "0.001"],
    "issa_iemocap": ["--lr", "0.001"],
}


@pytest.fixture(scope="module")
def trained():
    """Model folder by system, filled by the test that trains them."""
    return {}


# Members are trained by themselves too; ResNets go from end to end only with `-m slow`.
SLOW = ("acoustic_stacking", "acoustic_vote", "final_ensemble", "resnet18", "resnet34")
MARKED = [pytest.param(system, marks=[pytest.mark.slow] * (system in SLOW)) for system in SYSTEMS]


@pytest.mark.parametrize("system", MARKED)
def test_trains_and_reports(system, voices_folder, tmp_path_factory, trained):
    folder = tmp_path_factory.mktemp(system)
    hparams = Hparams(f"hparams/{system}.yaml")
    words = ["--number_of_epochs", "3" if hparams.kind == "gradient" else "1", "--batch_size", "8"]
    words += ["--inner_folds", "2"] if hparams.value("inner_folds") else []
    words += ["--output_folder", str(folder), "--data_folder", str(voices_folder)]
    assert main(ravdess, [f"hparams/{system}.yaml", *words, *SMALL.get(system, [])]) == 0
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["run"]["parameters"] > 0
    assert metrics["run"]["synthetic"] is True
    assert "ynthetic" in (folder / "report.md").read_text()
    if hparams.kind == "gradient":
        history = [json.loads(line) for line in (folder / "history.jsonl").open()]
        assert history[-1]["train_loss"] < history[0]["train_loss"]
    trained[system] = folder / "model"


@pytest.mark.parametrize("system", MARKED)
@torch.no_grad()
def test_the_saved_model_says_the_same_alone_and_in_a_batch(system, trained, voices):
    if system not in trained:
        pytest.fail(f"{system} was not trained; select its training test too")
    model = SERForAudioClassification.from_pretrained(trained[system]).eval()
    batch = torch.nn.utils.rnn.pad_sequence(voices, batch_first=True)
    lengths = torch.tensor([len(voice) for voice in voices])
    together = model.network(batch, lengths).softmax(dim=1)
    for row, voice in zip(together, voices, strict=True):
        alone = model.network(voice[None]).softmax(dim=1)[0]
        torch.testing.assert_close(row, alone, atol=1e-5, rtol=1e-5)


def test_every_model_folder_answers_in_a_fresh_process(trained, voices_folder, tmp_path):
    clip = next(voices_folder.rglob("*.flac"))
    samples, rate = soundfile.read(clip, dtype="float32")
    clips = {}
    for system, folder in trained.items():
        clips[system] = clip
        if Hparams(f"hparams/{system}.yaml").kind != "gradient":
            # The pipeline resamples by a convolution and load by a matrix product. They differ in
            # the last bit, which may take a row to the other side of a tree's threshold: trees
            # get sound of their own rate, so that neither resamples.
            wanted = SERForAudioClassification.from_pretrained(folder).network.sample_rate
            clips[system] = tmp_path / f"{system}.wav"
            heard = resample(samples, rate, wanted)
            soundfile.write(clips[system], heard, wanted, subtype="FLOAT")
    program = (
        "import json, ser_lib, soundfile, sys; from transformers import pipeline\n"
        "for clip, folder in zip(sys.argv[1::2], sys.argv[2::2]):\n"
        "    samples, rate = soundfile.read(clip, dtype='float32')\n"
        "    classify = pipeline('audio-classification', model=folder)\n"
        "    answer = classify({'raw': samples, 'sampling_rate': rate}, top_k=8)\n"
        "    print(json.dumps({entry['label']: entry['score'] for entry in answer}))\n"
    )
    pairs = [str(word) for system in trained for word in (clips[system], trained[system])]
    command = [sys.executable, "-c", program, *pairs]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    assert len(lines) == len(trained) > 0
    for system, told in zip(trained, lines, strict=True):
        here = {
            entry["label"]: entry["score"] for entry in load(trained[system])(str(clips[system]))
        }
        assert sum(told.values()) == pytest.approx(1, abs=1e-4), system
        for label, score in here.items():
            assert told[label] == pytest.approx(score, abs=1e-4), system
