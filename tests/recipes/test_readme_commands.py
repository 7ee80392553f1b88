"""The commands for pretrained encoders in the recipes' READMEs, as they are printed there."""

import re
import runpy
import shlex
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from ser_lib.cli import parse
from ser_lib.corpora import iemocap_sample, synthetic
from ser_lib.corpora.choice import choose
from ser_lib.corpora.known import by_name
from ser_lib.hparams import Hparams
from ser_lib.pretrained.heard_table import FAMILIES, KNOWN
from ser_lib.protocols import lookup

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
# Besides what is printed: a recipe whose README has none of these systems.
MORE = "python recipes/Merged/train.py hparams/pretrained/frozen_encoder.yaml --encoder x/hubert"


def printed():
    """Command lines of the fenced blocks, each in one line and without its comment."""
    for page in sorted(RECIPES.glob("*/README.md")):
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            lines = block.replace("\\\n", " ").splitlines()
            yield from (" ".join(line.split()) for line in lines if "hparams/pretrained/" in line)


COMMANDS = list(printed())


def name_of(command):
    words = shlex.split(command)
    rule = dict(zip(words, words[1:], strict=False)).get("--protocol", "")
    return f"{words[1].split('/')[1]} {Path(words[2]).stem} {rule}"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where hums stand for voices, written once a corpus."""
    return tmp_path_factory.mktemp("hums")


@pytest.fixture
def hums(monkeypatch, cache, without_figures):
    """Moments of noise instead of voices, and reports without figures: both take long."""

    def hum(*facts, seconds=None, **more):
        rng = np.random.default_rng(zlib.crc32(repr((facts, more)).encode()))
        return (0.05 * rng.normal(size=round(48_000 * (seconds or 0.2)))).astype(np.float32), 48_000

    monkeypatch.setattr(synthetic, "voice", hum)
    monkeypatch.setattr(iemocap_sample, "voice", hum)
    monkeypatch.setenv("SER_CACHE", str(cache))


def test_readmes_print_commands_for_every_corpus_with_published_numbers():
    found = {name_of(command).split()[0] for command in COMMANDS}
    assert found == {"CREMA-D", "EMO-DB", "IEMOCAP", "RAVDESS", "SAVEE", "TESS"}
    assert len(COMMANDS) >= 14


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_a_command_names_what_there_is(command):
    python, script, *words = shlex.split(command)
    assert python == "python" and (RECIPES.parent / script).is_file()
    corpus = by_name(script.split("/")[1])
    if "--classes" in words:
        place = words.index("--classes")
        corpus = choose(corpus, words[place + 1])
        del words[place : place + 2]
    options, given, _ = parse(corpus, words)
    rule = lookup(options.protocol)
    rule.check_request(corpus.NAME, range(1, rule.folds + 1))
    encoder = Hparams(options.yaml, given).value("encoder")
    assert encoder in KNOWN or encoder.startswith(tuple(FAMILIES))


def one_a_recipe():
    """All commands, marked as slow but for one of each recipe: of both systems in turn."""
    kept = {MORE}
    for place, recipe in enumerate(sorted({name_of(command).split()[0] for command in COMMANDS})):
        system = ("emobox", "frozen_encoder")[place % 2]
        kept.add(next(c for c in COMMANDS if name_of(c).startswith(f"{recipe} {system}")))
    return [
        pytest.param(command, marks=[pytest.mark.slow] * (command not in kept))
        for command in [*COMMANDS, MORE]
    ]


@pytest.mark.parametrize("command", one_a_recipe(), ids=name_of)
def test_a_command_runs_on_synthetic_voices(
    command, hums, tiny_encoder, tmp_path, repository, monkeypatch, capsys
):
    _, script, *words = shlex.split(command)
    family = next(kind for kind in ("hubert", "wavlm", "wav2vec2") if kind in command)
    given = {"--encoder": tiny_encoder(family), "--data_folder": "sample", "--fold": "1"}
    for option, value in given.items():
        if option in words:
            words[words.index(option) + 1] = value
        else:
            words += [option, value]
    words += ["--number_of_epochs", "1", "--batch_size", "8", "--num_workers", "0"]
    script = repository / script
    monkeypatch.setattr(sys, "argv", [*map(str, [script, *words, "--output_folder", tmp_path])])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(script), run_name="__main__")
    assert left.value.code == 0, capsys.readouterr().err
    assert (tmp_path / "model" / "model.safetensors").is_file()
