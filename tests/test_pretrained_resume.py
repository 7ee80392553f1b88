"""Systems with other people's weights go on after an interruption as if there had been none."""

import pytest
import torch
from safetensors.torch import load_file

from ser_lib.corpora import ravdess
from ser_lib.recipe import main
from ser_lib.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("without_figures")

FROZEN = "hparams/pretrained/frozen_encoder.yaml"
ROUTES = {
    "frozen": (FROZEN, "hubert", []),
    "attentive": (FROZEN, "wavlm", ["--pooling", "attentive", "--pooled", "false"]),
    "emobox": ("hparams/pretrained/emobox.yaml", "hubert", []),
    "finetuned": (
        "hparams/pretrained/finetuned_encoder.yaml",
        "hubert",
        ["--mixed_precision", "bf16", "--gradient_checkpointing", "true"],
    ),
    "whisper-bf16": (
        FROZEN,
        "whisper",
        ["--mixed_precision", "bf16", "--cache_features", "false"],
    ),
    "lora": ("hparams/pretrained/lora_encoder.yaml", "wavlm", []),
}


@pytest.fixture(scope="module")
def few_clips(small_ravdess, tmp_path_factory):
    """Five actors, of which one is tested, and half of the emotions."""
    folder = tmp_path_factory.mktemp("few") / "RAVDESS"
    for actor in ("01", "02", "03", "04", "08"):
        (folder / f"Actor_{actor}").mkdir(parents=True)
        for clip in sorted((small_ravdess / f"Actor_{actor}").iterdir())[::2]:
            (folder / clip.parent.name / clip.name).symlink_to(clip)
    return folder


@pytest.fixture(scope="module")
def speaker_network(tmp_path_factory):
    """Folder of a tiny ECAPA-TDNN as SpeechBrain publishes one, and the words that fit it."""
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    folder, channels = tmp_path_factory.mktemp("speakers") / "spkrec", [16, 16, 16, 16, 48]
    folder.mkdir()
    network = ECAPA_TDNN(80, channels=channels, attention_channels=8, lin_neurons=12)
    torch.save(network.state_dict(), folder / "embedding_model.ckpt")
    words = ["--pretrained", str(folder), "--allow_pickle", "true", "--channels", str(channels)]
    return [*words, "--attention_channels", "8", "--lin_neurons", "12", "--freeze_epochs", "1"]


def weights_of(words, folder):
    assert main(ravdess, [*words, "--output_folder", str(folder)]) == 0
    # Those of the last epoch: the first may have been the better one, with or without a break.
    return load_file(folder / "checkpoints" / "epoch-0002" / "model.safetensors")


@pytest.mark.parametrize("route", [*ROUTES, "ecapa"])
def test_a_run_that_was_interrupted_ends_as_one_that_was_not(
    route, few_clips, speaker_network, tiny_encoder, tmp_path, monkeypatch
):
    if route == "lora":
        pytest.importorskip("peft")
    if route == "ecapa":
        words = ["hparams/ecapa_tdnn.yaml", *speaker_network]
    else:
        yaml, name, words = ROUTES[route]
        words = [yaml, "--encoder", str(tiny_encoder(name)), *words]
    words += ["--number_of_epochs", "2", "--batch_size", "4", "--num_workers", "0"]
    words += ["--data_folder", str(few_clips), "--allow_partial"]
    expected = weights_of(words, tmp_path / "unbroken")

    epoch = Trainer._epoch

    def interrupted(self, progress):
        if progress.epoch:
            raise KeyboardInterrupt
        epoch(self, progress)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_epoch", interrupted)
        assert main(ravdess, [*words, "--output_folder", str(tmp_path / "broken")]) == 130
    found = weights_of(words, tmp_path / "broken")
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert torch.equal(found[key], value), key
