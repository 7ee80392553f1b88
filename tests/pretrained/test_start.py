"""The weights that a YAML names are found before anything else is done."""

import json

import pytest

from ser_lib import cross_corpus
from ser_lib.corpora import ravdess
from ser_lib.errors import HparamsError, ModelFolderError
from ser_lib.hparams import Hparams
from ser_lib.pretrained import source
from ser_lib.pretrained.start import start_of
from ser_lib.recipe import main
from ser_lib.run_facts import option_words

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FROZEN = "hparams/pretrained/frozen_encoder.yaml"


@pytest.fixture
def hub(tiny_encoder, tmp_path, monkeypatch):
    """A Hub with the repository me/tiny; returns the revisions that are asked of it (list)."""
    place = tmp_path / "hub" / "models--me--tiny" / "snapshots" / COMMIT
    place.parent.mkdir(parents=True)
    tiny_encoder("hubert", place)
    asked = []

    def download(repo, revision, allow_patterns):
        assert repo == "me/tiny"
        asked.append(revision)
        return str(place)

    monkeypatch.setattr(source, "snapshot_download", download)
    return asked


@pytest.fixture
def unread(monkeypatch):
    """A corpus that must not be read."""
    monkeypatch.setattr(ravdess, "prepare", lambda *_, **__: pytest.fail("the corpus was read"))


def test_a_system_tells_its_start(tiny_encoder, small_yaml):
    assert start_of(Hparams(small_yaml)) is None
    assert start_of(Hparams("hparams/resnet18.yaml")) is None
    folder = tiny_encoder("hubert")
    told = start_of(Hparams(FROZEN, {"encoder": str(folder)}))
    assert told.startswith("tiny-hubert@sha256:")
    told = start_of(Hparams("hparams/ecapa_tdnn.yaml", {"pretrained": str(folder)}))
    assert told.startswith("tiny-hubert@sha256:")


@pytest.mark.parametrize("digits", ["0123456789", "123e45", "main", COMMIT])
def test_a_revision_is_text_whatever_it_looks_like(hub, digits):
    hparams = Hparams(FROZEN, {"encoder": "me/tiny", "revision": digits})
    assert start_of(hparams) == f"me/tiny@{COMMIT}" and hub == [digits]
    assert Hparams(FROZEN, {"encoder": "me/tiny", "revision": "null"}).value("revision") is None


@pytest.mark.parametrize(
    ("yaml", "words", "line"),
    [
        (FROZEN, ["--encoder", "nowhere"], "nowhere: no such folder"),
        (FROZEN, ["--encoder", ""], "give a folder that save_pretrained made, or an id of the Hub"),
        (FROZEN, ["--encoder", "null"], "give a folder that save_pretrained made, or an id of"),
        (FROZEN, ["--encoder", "{hubert}", "--revision", "v2"], "leave --revision v2 out"),
        (FROZEN, ["--encoder", "{resnet}"], "'resnet' is no speech encoder known here; choose one"),
        ("hparams/resnet18.yaml", ["--pretrained", "nowhere"], "nowhere: no such folder"),
        ("hparams/ecapa_tdnn.yaml", ["--pretrained", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_a_wrong_start_is_told_before_the_corpus_is_read(
    unread, tiny_encoder, tmp_path, capsys, yaml, words, line
):
    resnet = tmp_path / "resnet"
    resnet.mkdir()
    (resnet / "config.json").write_text('{"model_type": "resnet"}')
    (resnet / "model.safetensors").write_bytes(b"weights")
    words = [word.format(hubert=tiny_encoder("hubert"), resnet=resnet) for word in words]
    assert main(ravdess, [yaml, *words, "--output_folder", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and line in error


@pytest.mark.parametrize("deep", [False, True])
def test_so_is_that_of_an_ensembles_member(unread, repository, tmp_path, capsys, deep):
    text = (repository / FROZEN).read_text().replace("facebook/wav2vec2-base-960h", "nowhere")
    (tmp_path / "encoder.yaml").write_text(text)
    small = repository / "tests" / "hparams"
    ensemble = (small / "small_ensemble.yaml").read_text()
    ensemble = ensemble.replace("- small", f"- {small}/small")
    (tmp_path / "inner.yaml").write_text(f"{ensemble}    - encoder.yaml\n")
    (tmp_path / "outer.yaml").write_text(f"{ensemble}    - inner.yaml\n")
    yaml = tmp_path / ("outer.yaml" if deep else "inner.yaml")
    words = [str(yaml), "--output_folder", str(tmp_path / "run")]
    several = [*words, "--corpora", "RAVDESS", "EMO-DB"]
    for run in (lambda: main(ravdess, words), lambda: cross_corpus.main(several)):
        assert run() == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("error: ") and "nowhere: no such folder" in error


def test_one_that_is_right_lets_the_corpus_be_read(hub, tmp_path, monkeypatch):
    def prepare(*_, **__):
        raise HparamsError("that is enough")

    monkeypatch.setattr(ravdess, "prepare", prepare)
    words = [FROZEN, "--encoder", "me/tiny", "--output_folder", str(tmp_path / "run")]
    assert main(ravdess, words) == 2 and hub == [None]


def test_a_command_pins_the_commit_and_holds_no_folder_of_this_machine(hub, tiny_encoder, tmp_path):
    hparams = Hparams(FROZEN, {"encoder": "me/tiny", "revision": "main", "seed": "3"})
    words = ["--encoder", "me/tiny", "--revision", COMMIT, "--seed", "3"]
    assert option_words(hparams, start_of(hparams)) == words
    snapshot = tmp_path / "hub" / "models--me--tiny" / "snapshots" / COMMIT
    hparams = Hparams(FROZEN, {"encoder": str(snapshot)})
    assert hparams.system == "frozen_encoder-tiny"
    assert option_words(hparams, start_of(hparams)) == words[:4]
    folder = tiny_encoder("hubert")
    hparams = Hparams(FROZEN, {"encoder": str(folder), "output_folder": "x", "data_folder": "y"})
    told = option_words(hparams, start_of(hparams))
    assert told == ["--encoder", "PATH/TO/tiny-hubert"]
    # The one that the YAML names is pinned too.
    assert option_words(Hparams(FROZEN), f"a/b@{COMMIT}") == ["--revision", COMMIT]
    with pytest.raises(ModelFolderError):
        start_of(Hparams(FROZEN, {"encoder": str(folder), "revision": COMMIT}))


def test_a_run_records_all_digits_and_prints_twelve(hub, small_ravdess, tmp_path):
    words = [FROZEN, "--encoder", "me/tiny", "--number_of_epochs", "1", "--num_workers", "0"]
    words += ["--batch_size", "8", "--data_folder", str(small_ravdess), "--allow_partial"]
    assert main(ravdess, [*words, "--output_folder", str(tmp_path / "run")]) == 0
    told = json.loads((tmp_path / "run" / "metrics.json").read_text())["run"]
    assert told["initialised_from"] == told["encoder"]["encoder"] == f"me/tiny@{COMMIT}"
    assert "--encoder me/tiny --number_of_epochs 1" in told["command"]
    assert f"--revision {COMMIT}" in told["command"]
    report = (tmp_path / "run" / "report.md").read_text()
    assert f"--revision {COMMIT}" in report and "`me/tiny@0123456789ab`" in report
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert config["provenance"]["initialised_from"] == f"me/tiny@{COMMIT}"
