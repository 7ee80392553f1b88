"""One sweep over the families of encoders and the routes to train them, from folder to pipeline."""

import json
import subprocess
import sys

import pytest
import torch

from ser_lib import load
from ser_lib.corpora import ravdess
from ser_lib.features.encoder_families import FAMILIES
from ser_lib.hparams import ROOT
from ser_lib.hub import native
from ser_lib.hub.native import read_network
from ser_lib.recipe import main

pytestmark = pytest.mark.usefixtures("without_figures")

FROZEN = "hparams/pretrained/frozen_encoder.yaml"
ROUTES = {
    **{f"frozen-{name}": (FROZEN, name, []) for name in (*FAMILIES, "wav2vec2-large")},
    "attentive": (FROZEN, "wavlm", ["--pooling", "attentive", "--pooled", "false"]),
    "uncached": (FROZEN, "hubert", ["--cache_features", "false"]),
    "emobox": ("hparams/pretrained/emobox.yaml", "hubert", []),
    "finetuned": ("hparams/pretrained/finetuned_encoder.yaml", "wav2vec2-large", []),
    "finetuned-bf16": (
        "hparams/pretrained/finetuned_encoder.yaml",
        "hubert",
        ["--mixed_precision", "bf16", "--gradient_checkpointing", "true", "--train_layers", "1"],
    ),
    "finetuned-whisper": ("hparams/pretrained/finetuned_encoder.yaml", "whisper", []),
    "lora": ("hparams/pretrained/lora_encoder.yaml", "wavlm", []),
}


# Whisper's thirty seconds a clip are dear; frozen it goes the same way, and others are finetuned.
SLOW = ("finetuned-whisper",)
MARKED = [pytest.param(route, marks=[pytest.mark.slow] * (route in SLOW)) for route in ROUTES]


@pytest.fixture(scope="module")
def folders():
    """Model folder by route, filled by the test that trains them."""
    return {}


def run(route, folder, corpus_folder, tiny_encoder, epochs):
    yaml, name, words = ROUTES[route]
    words = [yaml, "--encoder", str(tiny_encoder(name)), "--number_of_epochs", str(epochs), *words]
    words += ["--batch_size", "8", "--num_workers", "0", "--allow_partial"]
    words += ["--data_folder", str(corpus_folder), "--output_folder", str(folder)]
    assert main(ravdess, words) == 0
    return json.loads((folder / "metrics.json").read_text())


def history(folder):
    return [json.loads(line) for line in (folder / "history.jsonl").open()]


@pytest.mark.parametrize("route", MARKED)
def test_trains_goes_on_and_reports(route, small_ravdess, tmp_path, tiny_encoder, folders):
    if route == "lora":
        pytest.importorskip("peft")
    folder = tmp_path / route
    # Where the schedule spans all epochs, more of them are another run: there it is found finished.
    spanning = ROUTES[route][0] != FROZEN
    run(route, folder, small_ravdess, tiny_encoder, 3 if spanning else 2)
    metrics = run(route, folder, small_ravdess, tiny_encoder, 3)
    assert [row["epoch"] for row in history(folder)] == [1, 2, 3]
    assert all(torch.isfinite(torch.tensor(row["train_loss"])) for row in history(folder))
    name = f"tiny-{ROUTES[route][1]}"
    told = metrics["run"]
    assert told["system"].endswith(f"-{name}")
    assert told["encoder"]["encoder"].startswith(f"{name}@sha256:")
    for page in ("report.md", "model/README.md"):
        text = (folder / page).read_text()
        assert f"What the encoder `{name}@" in text and "is not known" in text
    kind = json.loads((folder / "model" / "config.json").read_text())["model_type"]
    assert told["native"] == (kind != "ser_lib") == (kind in native.FAMILIES)
    assert told["native"] == (route not in ("attentive", "emobox") and "whisper" not in route)
    folders[route] = folder / "model"


@pytest.mark.parametrize("route", MARKED)
@torch.no_grad()
def test_the_saved_model_says_the_same_alone_and_in_a_batch(route, folders):
    if route not in folders:
        pytest.skip(f"{route} was not trained here")
    network, _ = read_network(folders[route])
    generator = torch.Generator().manual_seed(0)
    clips = [0.1 * torch.randn(n, generator=generator) for n in (16_000, 9_000, 24_321, 400)]
    batch = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    together = network.eval()(batch, torch.tensor([len(clip) for clip in clips]))
    for row, clip in zip(together, clips, strict=True):
        torch.testing.assert_close(network(clip[None])[0], row, atol=1e-4, rtol=1e-4)


def test_every_folder_answers_in_a_fresh_process(small_ravdess, folders):
    """The native ones in a process that never heard of this package."""
    import soundfile

    clip = next(small_ravdess.rglob("*.flac"))
    samples, rate = soundfile.read(clip, dtype="float32")
    program = (
        "import json, soundfile, sys\n"
        "if sys.argv[1] == 'ours': import ser_lib\n"
        "else: sys.modules['ser_lib'] = None\n"
        "from transformers import pipeline\n"
        "samples, rate = soundfile.read(sys.argv[2], dtype='float32')\n"
        "for folder in sys.argv[3:]:\n"
        "    classify = pipeline('audio-classification', model=folder)\n"
        "    answer = classify({'raw': samples, 'sampling_rate': rate}, top_k=8)\n"
        "    print(json.dumps({entry['label']: entry['score'] for entry in answer}))\n"
    )
    assert folders
    for who in ("ours", "theirs"):
        some = [
            folder
            for folder in folders.values()
            if who == "ours" or not (folder / "modeling_ser_lib.py").exists()
        ]
        command = [sys.executable, "-c", program, who, str(clip), *map(str, some)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
        told = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
        assert len(told) == len(some) > 0
        for folder, scores in zip(some, told, strict=True):
            here = {entry["label"]: entry["score"] for entry in load(folder)(str(clip))}
            assert scores == pytest.approx(here, abs=1e-4), folder


@pytest.mark.parametrize("route", ["frozen-hubert", "emobox"])  # saved as two kinds of folder
def test_epochs_and_folds_read_one_store(route, small_ravdess, tmp_path, tiny_encoder, monkeypatch):
    from ser_lib.corpora.places import cache_folder
    from ser_lib.features.speech_encoder import SpeechEncoder

    monkeypatch.setenv("SER_CACHE", str(tmp_path / "cache"))
    heard = []
    forward = SpeechEncoder.forward

    def counting(self, waveforms, lengths):
        heard.append(len(waveforms))
        return forward(self, waveforms, lengths)

    monkeypatch.setattr(SpeechEncoder, "forward", counting)
    yaml, name, _ = ROUTES[route]
    words = [yaml, "--encoder", str(tiny_encoder(name)), "--number_of_epochs", "2"]
    words += ["--batch_size", "8", "--num_workers", "0", "--allow_partial", "--fold", "all"]
    words += ["--data_folder", str(small_ravdess), "--output_folder", str(tmp_path / "all")]
    words += ["--protocol", "ravdess-si6"]
    assert main(ravdess, words) == 0
    assert len(list((cache_folder() / "embeddings").iterdir())) == 1
    # Each of the 96 clips once; and a second of sound to check each of six runs, before it
    # begins and when its model is saved (the first for the shape, too).
    assert sum(count for count in heard if count > 1) == 96
    assert len([count for count in heard if count == 1]) <= 6 * 4


def test_a_model_that_was_trained_on_the_corpus_is_flagged(small_ravdess, tmp_path, folders):
    if "frozen-hubert" not in folders:
        pytest.skip("frozen-hubert was not trained here")
    words = [FROZEN, "--encoder", str(folders["frozen-hubert"]), "--number_of_epochs", "1"]
    words += ["--batch_size", "8", "--data_folder", str(small_ravdess), "--allow_partial"]
    assert main(ravdess, [*words, "--output_folder", str(tmp_path / "run")]) == 0
    told = json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]["encoder"]
    assert told["shared"] == ["RAVDESS"]
    for page in ("report.md", "model/README.md"):
        text = (tmp_path / "run" / page).read_text()
        assert "**The encoder has heard RAVDESS, which is tested here" in text


def test_ecapa_starts_from_a_speaker_network(small_ravdess, tmp_path):
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    published, channels = tmp_path / "spkrec", [16, 16, 16, 16, 48]
    published.mkdir()
    network = ECAPA_TDNN(80, channels=channels, attention_channels=8, lin_neurons=12)
    torch.save(network.state_dict(), published / "embedding_model.ckpt")
    words = ["hparams/ecapa_tdnn.yaml", "--pretrained", str(published), "--allow_pickle", "true"]
    words += ["--channels", str(channels), "--attention_channels", "8", "--lin_neurons", "12"]
    words += ["--freeze_epochs", "1", "--number_of_epochs", "2", "--batch_size", "8"]
    words += ["--data_folder", str(small_ravdess), "--allow_partial", "--num_workers", "0"]
    words += ["--output_folder", str(tmp_path / "run")]
    assert main(ravdess, words) == 0
    told = json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]
    assert told["system"] == "ecapa_tdnn-spkrec"
    assert told["encoder"]["encoder"].startswith("spkrec@sha256:")
    assert "What the encoder `spkrec@" in (tmp_path / "run" / "report.md").read_text()
    answer = load(tmp_path / "run" / "model")(str(next(small_ravdess.rglob("*.flac"))))
    assert sum(entry["score"] for entry in answer) == pytest.approx(1, abs=1e-5)


def test_a_trained_encoder_is_not_kept(small_ravdess, tiny_encoder, tmp_path, capsys):
    yaml = str(ROOT / "hparams/pretrained/finetuned_encoder.yaml")
    words = [yaml, "--encoder", str(tiny_encoder("hubert")), "--cache_features", "true"]
    words += ["--data_folder", str(small_ravdess), "--allow_partial"]
    assert main(ravdess, [*words, "--output_folder", str(tmp_path / "run")]) == 2
    assert "set cache_features to false" in capsys.readouterr().err


def test_an_encoder_that_is_not_there_is_one_line(small_ravdess, tmp_path, capsys):
    words = [FROZEN, "--encoder", str(tmp_path / "nowhere"), "--data_folder", str(small_ravdess)]
    assert main(ravdess, [*words, "--allow_partial", "--output_folder", str(tmp_path / "run")]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("error: ") and "nowhere: no such folder" in line
