"""Every mistake of the person ends in one line, an exit code, and nothing lost."""

import importlib
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from ser_lib.corpora import describe, ravdess
from ser_lib.protocols import PROTOCOLS


@pytest.fixture
def refused(recipe, tmp_path):
    """Run the recipe over an earlier run's folder; return the one line it ends in."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "report.md").write_text("earlier")

    def run(*more, output=folder, **options):
        code, out, err = recipe(output, *more, **options)
        assert code == 2
        assert "epoch" not in out
        assert err.startswith("error: ")
        assert err.count("\n") == 1, err
        assert (folder / "report.md").read_text() == "earlier"
        return err

    return run


@pytest.fixture
def corpus(small_ravdess, tmp_path):
    """A copy of the small corpus that may be spoiled, and one of its clips as WAV."""
    copy = tmp_path / "corpus"
    shutil.copytree(small_ravdess, copy)
    victim = copy / "Actor_01" / "03-01-05-01-02-01-01.flac"
    samples, rate = soundfile.read(victim)
    victim.unlink()
    clip = victim.with_suffix(".wav")
    soundfile.write(clip, samples, rate)
    return copy, clip


def test_empty_folder(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refused(data=tmp_path / "empty")


def test_folder_that_is_not_there(refused, tmp_path):
    assert "nowhere" in refused(data=tmp_path / "nowhere")


def test_truncated_wav(refused, corpus):
    folder, clip = corpus
    clip.write_bytes(clip.read_bytes()[:1000])
    assert clip.name in refused(data=folder)


def test_text_renamed_to_wav(refused, corpus):
    folder, clip = corpus
    clip.write_text("this is not sound")
    assert clip.name in refused(data=folder)


def test_zero_length_wav(refused, corpus):
    folder, clip = corpus
    clip.write_bytes(b"")
    assert clip.name in refused(data=folder)


def test_wav_without_samples(refused, corpus):
    folder, clip = corpus
    soundfile.write(clip, np.zeros(0), 16_000)
    assert clip.name in refused(data=folder)


def test_nan_samples(refused, corpus):
    folder, clip = corpus
    soundfile.write(clip, np.full(5000, np.nan), 16_000, subtype="FLOAT")
    assert clip.name in refused(data=folder)


def test_unknown_emotion_code(refused, corpus):
    folder, clip = corpus
    clip.rename(clip.with_name("03-01-09-01-02-01-01.wav"))
    assert "03-01-09-01-02-01-01.wav" in refused(data=folder)


def test_unknown_key(refused):
    line = refused("--batchsize", "3")
    assert "batchsize" in line
    assert "batch_size" in line


def test_wrong_type_for_a_key(refused):
    assert "lr is 'fast'; it must be a number" in refused("--lr", "fast")


def test_shapes_that_do_not_fit_together(refused, small_yaml, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(small_yaml.read_text().replace("n_mels: 32", "n_mels: 24"))
    line = refused(yaml=other)
    assert "scaler cell_standardizer reads features of shape (32, 41)" in line
    assert "log_mel gives (24, 41)" in line


PICTURE = "!new:ser_lib.features.spectrogram_picture.SpectrogramPicture {sample_rate: 22050}"
VECTOR = "!new:ser_lib.features.issa_features.IssaFeatures {sample_rate: 22050}"


@pytest.mark.parametrize(
    ("system", "front_end", "scaler", "told"),
    [
        ("acoustic_dnn", PICTURE, None, "min_max_scaler reads features of shape (199, 1)"),
        ("acoustic_dnn", PICTURE, "null", "perceptron reads features of shape (199, 1)"),
        ("acoustic_dnn", VECTOR, None, "issa_features gives (193, 1)"),
        ("separable_cnn", VECTOR, None, "separable_cnn reads features of shape (64, 400)"),
        ("stacked_cnn_lstm", VECTOR, "null", "stacked_cnn_lstm cannot read features of"),
        ("resnet18", VECTOR, None, "resnet reads features of shape (3, 224, 224)"),
        ("mfcc_cnn", PICTURE, "null", "mfcc_cnn reads features of shape (25, 216)"),
    ],
)
def test_front_ends_and_systems_that_do_not_go_together(
    refused, repository, tmp_path, system, front_end, scaler, told
):
    text = (repository / "hparams" / f"{system}.yaml").read_text()
    # As a person's own YAML may have it: the shape in numbers, not as that of the front end.
    shape = re.search(r"<front_end.shape>  # (\[[\d, ]+\])", text)
    if shape:
        text = re.sub("!ref <front_end.shape>.*", shape.group(1), text)
    lines = text.splitlines()
    for key, value in (("front_end", front_end), ("scaler", scaler)):
        if value is None:
            continue
        start = next(n for n, line in enumerate(lines) if line.startswith(f"{key}:"))
        end = start + 1
        while end < len(lines) and lines[end].startswith(" "):
            end += 1
        lines[start:end] = [f"{key}: {value}"]
    other = tmp_path / "other.yaml"
    other.write_text("\n".join(lines) + "\n")
    # Keys that only the replaced block referred to are unknown now.
    line = refused(yaml=other)
    while "unknown key" in line:
        odd = line.partition("unknown key '")[2].partition("'")[0]
        lines = [text for text in lines if not text.startswith(f"{odd}:")]
        other.write_text("\n".join(lines) + "\n")
        line = refused(yaml=other)
    assert told in line


def test_missing_yaml(refused):
    assert "nothing.yaml" in refused(yaml="hparams/nothing.yaml")


@pytest.mark.parametrize("fold", ["0", "7", "-1"])
def test_fold_out_of_range(refused, fold):
    assert "1..6" in refused("--fold", fold)


def test_unknown_protocol(refused):
    line = refused("--protocol", "ravdess-si7")
    assert "ravdess-si6" in line


def test_protocol_of_another_corpus_is_refused_before_anything_is_read(refused, monkeypatch):
    monkeypatch.setattr(ravdess, "prepare", None)
    line = refused("--protocol", "emodb-loso10")
    assert "emodb-loso10 is made for EMO-DB, not for RAVDESS; choose one of ravdess-16-4-4" in line
    assert "RAVDESS" in refused("--protocol", "merged-si") and "1..6" in refused("--fold", "7")


def test_a_protocol_that_parts_no_speakers_as_it_promised(refused, monkeypatch):
    rule = replace(PROTOCOLS["ravdess-random"], name="broken", promises=("speakers-disjoint",))
    monkeypatch.setitem(PROTOCOLS, "broken", rule)
    line = refused("--protocol", "broken")
    assert (
        "fold 1 of broken breaks its promise on this corpus: speakers-disjoint: speaker 01 is on"
        in line
    )


def test_a_recording_of_a_test_speaker_under_the_name_of_another(refused, corpus):
    folder, clip = corpus
    # Actor 01 tests in fold 1, 04 does not.
    shutil.copy(clip, folder / "Actor_04" / clip.name.replace("-01.wav", "-04.wav"))
    (folder / "Actor_04" / "03-01-05-01-01-01-04.flac").unlink()
    line = refused(data=folder)
    assert "breaks its promise" in line and "hold the same samples" in line
    assert "mend the corpus folder" in line


@pytest.mark.parametrize("option", ["--push_space", "--hub_private"])
def test_an_option_of_publishing_without_a_place_to_publish(refused, option):
    line = refused(option)
    assert option in line and "say --push_to_hub USER/NAME too" in line


def test_unwritable_output_folder(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    line = refused(output=tmp_path / "file" / "run")
    assert "--output_folder" in line


def test_batch_larger_than_the_corpus(refused):
    assert "batch_size" in refused("--batch_size", "5000", "--number_of_epochs", "1")


def test_wrong_argument_of_the_optimizer(refused, small_yaml, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(small_yaml.read_text().replace("momentum: 0.8", "momentumm: 0.8"))
    assert "momentumm" in refused(yaml=other)


def test_all_folds_over_the_run_of_one(recipe, tmp_path):
    folder = tmp_path / "run"
    recipe(folder, "--number_of_epochs", "1")
    before = (folder / "metrics.json").read_bytes()
    code, _, err = recipe(folder, "--number_of_epochs", "1", "--fold", "all")
    assert (code, err.count("\n")) == (2, 1)
    assert "holds the run of one fold; for all of them choose another --output_folder" in err
    assert (folder / "metrics.json").read_bytes() == before


def test_something_in_the_way_of_a_file(recipe, tmp_path):
    folder = tmp_path / "run"
    (folder / "log.txt").mkdir(parents=True)
    code, _, err = recipe(folder, "--number_of_epochs", "1")
    assert (code, err.count("\n")) == (2, 1)
    assert "log.txt" in err


def test_checkpoint_of_another_architecture(recipe, tmp_path, repository, small_yaml):
    folder = tmp_path / "run"
    recipe(folder, "--number_of_epochs", "1")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    other = tmp_path / "other.yaml"
    other.write_text(small_yaml.read_text().replace("channels: [4, 8]", "channels: [4, 4]"))
    code, _, err = recipe(folder, yaml=other)
    assert code == 2
    assert "another classifier" in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_corrupt_safetensors_of_the_best_epoch(recipe, tmp_path):
    folder = tmp_path / "run"
    recipe(folder, "--number_of_epochs", "1")
    best = next((folder / "checkpoints").glob("best-*.safetensors"))
    best.write_bytes(best.read_bytes()[:100])
    (folder / "metrics.json").unlink()
    code, _, err = recipe(folder, "--number_of_epochs", "1")
    assert code == 2
    assert str(best) in err
    assert err.count("\n") == 1


def test_corrupt_safetensors_of_a_model(recipe, tmp_path):
    import ser_lib
    from ser_lib.errors import ModelFolderError

    folder = tmp_path / "run"
    recipe(folder, "--number_of_epochs", "1")
    weights = folder / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ModelFolderError) as caught:
        ser_lib.load(folder / "model")
    assert "model.safetensors" in str(caught.value) or str(folder / "model") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "words", "told"),
    [
        ("protocols.__main__", [], "required: COMMAND; see python -m ser_lib.protocols --help"),
        ("protocols.__main__", ["bogus"], "see python -m ser_lib.protocols --help"),
        ("protocols.__main__", ["show", "x", "--fold", "y"], "ser_lib.protocols show --help"),
        ("models.__main__", ["--classes", "x"], "see python -m ser_lib.models --help"),
        ("cross_corpus", [], "required: yaml; see python -m ser_lib.cross_corpus --help"),
        ("evaluation.tables", ["README.md"], "see python -m ser_lib.evaluation.tables --help"),
        ("use.export", ["--bogus"], "see python -m ser_lib export --help"),
    ],
)
def test_a_word_that_a_command_does_not_know_or_lacks(module, words, told, capsys):
    assert importlib.import_module(f"ser_lib.{module}").main(words) == 2
    assert_one_line(capsys, told)


def test_a_word_that_prepare_does_not_know(capsys):
    assert describe.main(ravdess, ["--bogus"]) == 2
    assert_one_line(capsys, "--bogus; see python recipes/RAVDESS/prepare.py --help")


def assert_one_line(capsys, told):
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("error: ")
    assert told in printed.err and printed.err.count("\n") == 1
