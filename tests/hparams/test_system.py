"""Reading a system's YAML and its overrides."""

import pytest

from ser_lib.errors import HparamsError
from ser_lib.hparams import Hparams, find_yaml

SYSTEM = "hparams/cnn_transformer.yaml"


def test_builds_the_system_with_its_overrides():
    hparams = Hparams(SYSTEM, {"lr": "0.5", "number_of_epochs": "3"})
    assert hparams.system == "cnn_transformer"
    assert hparams.settings.number_of_epochs == 3
    built = hparams.build(8)
    assert built["optimizer"].keywords["lr"] == 0.5
    assert built["classifier"].spec["n_classes"] == 8


def test_every_yaml_follows_the_order_of_sections(repository):
    sections = {
        "gradient": ["Data", "Training", "Front end", "Model", "Optimiser", "Scheduler"],
        "estimator": ["Data", "Fitting", "Front end", "Estimator"],
        "ensemble": ["Data", "Training", "Members"],
    }
    for path in (repository / "hparams").glob("*.yaml"):
        text = path.read_text()
        titles = ["Seed", "Paths", "Report", *sections[Hparams(path).kind]]
        places = [text.index(f"\n# {title}") for title in titles]
        assert places == sorted(places), path


def test_names_no_corpus(repository):
    for path in (repository / "hparams").glob("*.yaml"):
        lines = path.read_text().splitlines()
        # A source may have a corpus in its address or its model's name; nothing else may.
        used = [line for line in lines if not line.startswith(("#", "system_"))]
        assert "RAVDESS" not in "\n".join(used)


def test_is_found_from_the_root_of_the_repository(tmp_path, monkeypatch, repository):
    monkeypatch.chdir(tmp_path)
    assert find_yaml(SYSTEM) == repository / SYSTEM
    (tmp_path / "mine.yaml").write_text("seed: 1")
    assert find_yaml("mine.yaml") == tmp_path / "mine.yaml"


def test_what_is_typed_where_one_stands_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hparams").mkdir()
    (tmp_path / SYSTEM).write_text("seed: 1")
    assert find_yaml(SYSTEM) == tmp_path / SYSTEM


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"batchsize": "3"}, "did you mean 'batch_size'"),
        ({"batch_size": "many"}, "batch_size is 'many'; it must be a whole number"),
        ({"batch_size": "2.5"}, "batch_size"),
        ({"batch_size": "null"}, "batch_size"),
        ({"lr": "fast"}, "lr is 'fast'; it must be a number"),
        ({"lr": "nan"}, "lr is nan; it must be a finite number such as 0.001"),
        ({"lr": ".nan"}, "lr is nan; it must be a finite number"),
        ({"lr": "-.inf"}, "lr is -inf; it must be a finite number"),
        ({"lr": "1" + "0" * 400}, "it must be a finite number"),
        ({"warmup_epochs": ".inf"}, "warmup_epochs is inf; it must be a finite number"),
        ({"lr": "[" * 100_000}, "[[...: not a value YAML can read; write a number"),
        ({"cache_features": "3"}, "cache_features is 3; it must be true or false"),
        ({"seconds": "[2]"}, "seconds"),
        ({"front_end": "3"}, "front_end is built by the YAML"),
        ({"lr": "[1"}, "--lr [1: not a value YAML can read; write a number"),
        ({"n_classes": "3"}, "n_classes is built by the YAML"),
        ({"lr_scheduler": "3"}, "lr_scheduler is built by the YAML"),
        ({"__set_seed": "3"}, "__set_seed"),
        ({"batch_size": "-4"}, "batch_size is -4"),
    ],
)
def test_wrong_overrides_are_refused_by_name(overrides, message):
    with pytest.raises(HparamsError) as caught:
        Hparams(SYSTEM, overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("folder", ["123", "*starred", "@home", "[a", "ä b"])
def test_folders_are_taken_as_typed(folder):
    assert Hparams(SYSTEM, {"data_folder": folder}).value("data_folder") == folder


def test_an_empty_folder_name_is_refused():
    with pytest.raises(HparamsError, match="output_folder is empty"):
        Hparams(SYSTEM, {"output_folder": ""})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "line"),
        ("- 1", "no keys"),
        ("seed: 1", "no key .front_end., .* compare hparams/mfcc_mlp.yaml"),
        ("front_end: 1\nclassifier: 1\noptimizer: 1\nbatchsize: 3", "batch_size"),
        ("front_end: 1\nclassifier: 1\noptimizer: 1\nbatch_size: many", "batch_size"),
        ("", "no keys"),
        (
            "front_end: 1\nclassifier: 1\noptimizer: !name:torch.optim.Adam\n    lr: !ref <lr>\n"
            "lr: .nan",
            "lr is nan; it must be a finite number",
        ),
        ("front_end: 1\nclassifier: 1\noptimizer: 1\n5: 3", "5 is no word"),
        ("front_end: 1\nclassifier: 1\noptimizer: 1\ndata_folder: 5", "data_folder is 5"),
        (
            "front_end: 1\nclassifier: 1\noptimizer: 1\nbatch_size: !ref <n>",
            "<n> is referred to and is no key; it has batch_size, classifier, front_end, optimizer",
        ),
        (
            "front_end: 1\nclassifier: 1\noptimizer: {lr: !ref <lrr>}\nlr: 1",
            "<lrr> is referred to and is no key; did you mean 'lr'",
        ),
        ("a: " + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_yaml_is_named(tmp_path, text, message):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(HparamsError, match=message):
        Hparams(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"a: \x00"])
def test_what_is_no_text_is_one_line(tmp_path, content):
    path = tmp_path / "binary.yaml"
    path.write_bytes(content)
    with pytest.raises(HparamsError, match=r"binary\.yaml") as caught:
        Hparams(path)
    assert "\n" not in str(caught.value)


def test_a_setting_may_be_a_reference(tmp_path, small_yaml):
    path = tmp_path / "reference.yaml"
    path.write_text(small_yaml.read_text().replace("batch_size: 16", "n: 4\nbatch_size: !ref <n>"))
    assert Hparams(path).settings.batch_size == 4
    assert Hparams(path, {"n": "8"}).settings.batch_size == 8


def test_a_reference_is_a_tag_and_no_word_in_a_text(tmp_path, small_yaml):
    path = tmp_path / "small.yaml"
    text = small_yaml.read_text().replace("Small test system", "of <nobody>")
    path.write_text(f"# write !ref <nothing>\n{text}")
    assert Hparams(path).value("system_title") == "of <nobody>"


def test_name_and_title_tell_the_weights_it_starts_from(tmp_path):
    yaml = "hparams/pretrained/frozen_encoder.yaml"
    for encoder in ("owner/some-encoder", tmp_path / "some-encoder"):
        hparams = Hparams(yaml, {"encoder": str(encoder)})
        assert hparams.start == str(encoder)
        assert hparams.system == "frozen_encoder-some-encoder"
        assert hparams.title == "Frozen speech encoder, weighted sum of layers (some-encoder)"
    plain = Hparams("hparams/mfcc_mlp.yaml")
    assert plain.start is None and plain.system == "mfcc_mlp" and "(" not in plain.title


def test_a_setting_that_only_the_command_line_gives_may_be_referred_to(tmp_path, small_yaml):
    path = tmp_path / "reference.yaml"
    text = small_yaml.read_text()
    path.write_text(text.replace("batch_size: 16", "batch_size: !ref <inner_folds>"))
    assert Hparams(path, {"inner_folds": "4"}).settings.batch_size == 4


def test_an_unknown_key_is_answered_with_the_keys_in_their_order(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text("front_end: 1\nclassifier: 1\noptimizer: 1\nxyz: 1")
    with pytest.raises(HparamsError, match="unknown key 'xyz'; it has ") as caught:
        Hparams(path)
    names = str(caught.value).partition("; it has ")[2].split(", ")
    assert "batch_size" in names and names == sorted(names)


def test_a_missing_yaml_lists_what_there_is():
    with pytest.raises(HparamsError, match=r"nothing\.yaml.*cnn_transformer\.yaml"):
        Hparams("hparams/nothing.yaml")


def test_what_a_yaml_cannot_build_is_one_line(tmp_path, repository):
    text = (repository / SYSTEM).read_text().replace("window: hamming", "window: kaiser")
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(HparamsError) as caught:
        Hparams(path).build(8)
    assert "\n" not in str(caught.value)
    assert "kaiser" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lr_scheduler: 3", "lr_scheduler is 3; name a class with !name:"),
        ("scaler: !new:torch.nn.Identity {}", "scaler is Identity"),
    ],
)
def test_what_is_no_block_is_refused_by_name(tmp_path, small_yaml, line, message):
    key = line.partition(":")[0]
    lines = small_yaml.read_text().splitlines()
    start = next(number for number, text in enumerate(lines) if text.startswith(f"{key}:"))
    end = start + 1
    while end < len(lines) and lines[end].startswith(" "):
        end += 1
    path = tmp_path / "broken.yaml"
    path.write_text("\n".join([*lines[:start], line, *lines[end:]]))
    with pytest.raises(HparamsError) as caught:
        Hparams(path).build(8)
    assert message in str(caught.value)


def test_keys_do_not_collide_with_options_of_the_command_line(repository):
    from ser_lib.cli import _parser
    from ser_lib.corpora import ravdess

    options = {action.dest for action in _parser(ravdess)._actions}
    for path in (repository / "hparams").glob("*.yaml"):
        assert not options & set(Hparams(path).keys())


def test_a_setting_that_the_yaml_leaves_out_can_be_given(small_yaml):
    assert "class_weights" not in small_yaml.read_text()
    hparams = Hparams(small_yaml, {"class_weights": "balanced"})
    assert hparams.settings.class_weights == "balanced"
    assert "class_weights: balanced" in hparams.resolved(8)
    assert hparams.build(8)["front_end"].spec
    with pytest.raises(HparamsError, match="class_weights is 'some'"):
        Hparams(small_yaml, {"class_weights": "some"})
