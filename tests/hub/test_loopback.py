"""Push and pull over HTTP, against a Hub on loopback."""

import ast
import contextlib
import copy
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import HfApi, ModelCard, constants
from huggingface_hub.utils import _http

import ser_lib
from ser_lib.corpora import ravdess
from ser_lib.errors import HubError
from ser_lib.hub.push import check_push, push, push_space
from ser_lib.hub.saving import save_model
from ser_lib.models.waveform_classifier import WaveformClassifier
from ser_lib.pretrained.encoder import encoder_head, speech_encoder
from ser_lib.pretrained.source import locate
from ser_lib.recipe import main

_SPEC = importlib.util.spec_from_file_location(
    "loopback_hub", Path(__file__).with_name("loopback_hub.py")
)
loopback = importlib.util.module_from_spec(_SPEC)
sys.modules["loopback_hub"] = loopback
_SPEC.loader.exec_module(loopback)

USERS = {
    "hf_ada": {"name": "ada", "role": "write", "orgs": ["lab"]},
    "hf_reads": {"name": "ada", "role": "read", "orgs": []},
    "hf_bob": {"name": "bob", "role": "write", "orgs": []},
}
CARD = "---\nlicense: mit\n---\n# A model\n"
LABELS = ["angry", "happy", "sad"]
# All the Hub is asked in a push, in this order.
STEPS = ["validate", "create", "tree", "preupload", "batch", "put", "verify", "commit"]


@contextlib.contextmanager
def hub_here(folder):
    """The Hub on loopback as this process's Hub, with ada's token and a cache in a folder."""
    with pytest.MonkeyPatch.context() as patch, loopback.LoopbackHub(USERS) as hub:
        patch.setattr(constants, "ENDPOINT", hub.endpoint)
        template = hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
        patch.setattr(constants, "HF_TOKEN_PATH", str(folder / "token"))
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setenv("HF_TOKEN", "hf_ada")
        # Requests that fail are sent again after waits of seconds.
        patch.setattr(_http, "time", types.SimpleNamespace(**{**vars(time), "sleep": bool}))
        yield hub


@pytest.fixture
def hub(tmp_path):
    with hub_here(tmp_path) as here:
        yield here


def copy_with_card(folder, target):
    """A model folder with a card, for its steps are more."""
    shutil.copytree(folder, target)
    (target / "README.md").write_text(CARD, encoding="utf-8")
    return target


@pytest.fixture
def carded(model_folder, tmp_path):
    return copy_with_card(model_folder, tmp_path / "carded")


@pytest.fixture(scope="session")
def other_folder(network, tmp_path_factory):
    """A model of the same shape with other weights, and a card."""
    other = copy.deepcopy(network)
    with torch.no_grad():
        for weights in other.classifier.parameters():
            weights.mul_(-2)
    folder = tmp_path_factory.mktemp("other") / "model"
    return save_model(other, folder, LABELS, {"corpora": ["RAVDESS-synthetic"]}, CARD)


@pytest.fixture(scope="session")
def native_folder(tiny_encoder, tmp_path_factory):
    """A model that Transformers runs by itself, and a card."""
    torch.manual_seed(0)
    front_end = speech_encoder(tiny_encoder("wav2vec2"))
    network = WaveformClassifier(front_end, None, encoder_head(3, front_end, hidden=16)).eval()
    folder = tmp_path_factory.mktemp("native") / "model"
    return save_model(network, folder, LABELS, {"corpora": ["RAVDESS-synthetic"]}, CARD)


def contents(folder):
    """``{path: bytes}`` of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def published(hub, name="ada/model", revision="main", kind="model"):
    """``{path: bytes}`` of a repository, without what the Hub puts there itself."""
    _, files = hub.repository(name, kind).files(revision)
    return {path: blob.data for path, blob in files.items() if path != ".gitattributes"}


def answer(classify, clip):
    """``{label: probability}`` of a clip."""
    return {a["label"]: a["score"] for a in classify({"raw": clip, "sampling_rate": 8000})}


def one_line(caught):
    message = str(caught.value)
    assert "\n" not in message and "Traceback" not in message
    return message


def test_what_is_pushed_is_what_is_pulled(hub, carded, clip):
    check_push("ada/model")
    assert push(carded, "ada/model") == f"{hub.endpoint}/ada/model"
    assert published(hub) == contents(carded)
    assert answer(ser_lib.load("ada/model"), clip) == answer(ser_lib.load(carded), clip)
    steps = hub.steps()
    assert sorted(STEPS, key=steps.index) == STEPS
    # Where large files lie has no business with a token.
    assert {token for step, token in hub.requests if step in ("put", "get")} == {None}


def test_a_name_alone_goes_to_its_owner(hub, model_folder):
    assert push(model_folder, "model").endswith("/ada/model")
    assert push(model_folder, "lab/model").endswith("/lab/model")


def test_a_second_push_is_a_second_commit_and_both_load(hub, carded, other_folder, clip):
    push(carded, "ada/model")
    first = hub.repository("ada/model").refs["main"]
    push(other_folder, "ada/model", commit_message="Better")
    repository = hub.repository("ada/model")
    assert repository.messages[1:] == ["Upload a model trained with ser_lib", "Better"]
    assert published(hub, revision=first) == contents(carded)
    old, new = (ser_lib.load("ada/model", revision=r) for r in (first, None))
    assert answer(old, clip) == answer(ser_lib.load(carded), clip)
    assert answer(new, clip) == answer(ser_lib.load(other_folder), clip)
    assert answer(old, clip) != answer(new, clip)


def test_pushing_the_same_again_makes_no_commit(hub, carded):
    push(carded, "ada/model")
    sent = hub.steps().count("put")
    push(carded, "ada/model")
    assert len(hub.repository("ada/model").commits) == 2
    assert hub.steps().count("put") == sent


def test_weights_that_a_new_model_has_no_more_go(hub, carded, tmp_path):
    sharded = tmp_path / "sharded"
    shutil.copytree(carded, sharded)
    (sharded / "model.safetensors").rename(sharded / "model-00001-of-00001.safetensors")
    (sharded / "model.safetensors.index.json").write_text("{}", encoding="utf-8")
    (sharded / "notes.txt").write_text("by hand", encoding="utf-8")
    push(sharded, "ada/model")
    push(carded, "ada/model")
    assert published(hub) == {**contents(carded), "notes.txt": b"by hand"}
    assert len(hub.repository("ada/model").commits) == 3


def test_a_revision_that_is_not_there(hub, carded):
    push(carded, "ada/model")
    with pytest.raises(HubError) as caught:
        ser_lib.load("ada/model", revision="v9")
    assert "has no revision 'v9'" in one_line(caught)


def test_a_private_model_is_for_those_who_may(hub, carded, clip, monkeypatch, tmp_path):
    push(carded, "ada/model", private=True)
    check_push("ada/model", private=True)
    assert hub.repository("ada/model").private
    expected = answer(ser_lib.load(carded), clip)
    for token in ("hf_bob", None):
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        if token:
            monkeypatch.setenv("HF_TOKEN", token)
        for attempt in (ser_lib.load, locate):
            with pytest.raises(HubError) as caught:
                attempt("ada/model")
            assert "no model ada/model that you may see" in one_line(caught)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(HubError) as caught:
        ser_lib.load("ada/model")
    assert "hf auth login" in one_line(caught)
    monkeypatch.delenv("HF_TOKEN")
    assert answer(ser_lib.load("ada/model", token="hf_ada"), clip) == expected


@pytest.mark.parametrize("token", ["hf_reads", "hf_bob", "hf_wrong"])
def test_tokens_that_may_not_write(hub, carded, monkeypatch, token):
    push(carded, "ada/model")
    before = len(hub.repository("ada/model").commits)
    monkeypatch.setenv("HF_TOKEN", token)
    for attempt in (lambda: check_push("ada/model"), lambda: push(carded, "ada/model")):
        with pytest.raises(HubError) as caught:
            attempt()
        assert "hf auth login" in one_line(caught)
    with pytest.raises(HubError):
        push(carded, "ada/another")
    assert hub.repository("ada/another") is None
    assert len(hub.repository("ada/model").commits) == before


def test_private_over_a_public_one_is_refused(hub, carded):
    push(carded, "ada/model")
    with pytest.raises(HubError, match="is public"):
        check_push("ada/model", private=True)
    check_push("ada/unheard-of", private=True, space=True)


def test_a_card_that_the_hub_refuses_leaves_no_repository(hub, carded):
    (carded / "README.md").write_text("---\nlicense: [mit\n---\n", encoding="utf-8")
    with pytest.raises(HubError) as caught:
        push(carded, "ada/model")
    assert "README.md" in one_line(caught)
    assert hub.repository("ada/model") is None
    (carded / "README.md").write_text(CARD, encoding="utf-8")
    no = loopback.refuse(400, "no such licence")
    with hub.fault("validate", no), pytest.raises(HubError, match="mend its YAML"):
        push(carded, "ada/model")
    assert hub.repository("ada/model") is None


@pytest.mark.parametrize("what", ["drop", "drop_after", "refuse"])
@pytest.mark.parametrize("step", STEPS)
def test_a_push_that_breaks_off(hub, carded, other_folder, step, what):
    fault = loopback.refuse(500) if what == "refuse" else getattr(loopback, what)
    # Over nothing, and over a model.
    for name, before in (("ada/new", None), ("ada/old", contents(carded))):
        hub.store.clear()  # the Hub asks for no file twice, whatever the repository
        if before:
            push(carded, name)
        with hub.fault(step, fault), pytest.raises(HubError) as caught:
            push(other_folder, name)
        one_line(caught)
        repository = hub.repository(name)
        landed = (step, what) == ("commit", "drop_after")
        if repository is None:
            assert before is None and step in ("validate", "create")
        else:
            expected = contents(other_folder) if landed else before or {}
            assert published(hub, name) == expected
        push(other_folder, name)
        assert published(hub, name) == contents(other_folder)
        assert len(hub.repository(name).commits) == 2 + bool(before)
        locate(name)


@pytest.mark.parametrize("step", ["create", "preupload", "put", "commit"])
def test_a_push_that_is_killed(hub, carded, tmp_path, step):
    # So much that no socket's buffer holds it.
    (carded / "model.safetensors").write_bytes(os.urandom(12_000_000))
    (carded / "long.txt").write_text("a line\n" * 1_000_000, encoding="utf-8")
    program = "import sys; from ser_lib.hub.push import push; push(sys.argv[1], 'ada/model')"
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path / "home"),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_DISABLE_XET": "1",
    }
    hold = loopback.Hold()
    with hub.fault(step, hold):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(carded)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert hold.reached.wait(60)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            hold.release()
        hub.settle()
    repository = hub.repository("ada/model")
    assert repository is None or published(hub) == {}
    push(carded, "ada/model")
    assert published(hub) == contents(carded)
    assert len(hub.repository("ada/model").commits) == 2


def test_an_upload_over_xet_that_fails_is_one_line(hub, carded, monkeypatch):
    pytest.importorskip("hf_xet")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    # The Hub on loopback has none.
    with pytest.raises(HubError) as caught:
        push(carded, "ada/model")
    assert "push again" in one_line(caught)
    assert published(hub) == {}


def test_an_encoder_is_found_by_its_revision(hub, tiny_encoder, monkeypatch):
    api = HfApi()
    api.create_repo("ada/encoder")
    api.upload_folder(repo_id="ada/encoder", folder_path=tiny_encoder("wav2vec2"))
    old = hub.repository("ada/encoder").refs["main"]
    api.upload_folder(repo_id="ada/encoder", folder_path=tiny_encoder("hubert"))
    found = locate("ada/encoder", revision=old)
    assert (found.name, found.version) == ("ada/encoder", old)
    assert '"wav2vec2"' in (found.folder / "config.json").read_text(encoding="utf-8")
    new = locate("ada/encoder")
    assert '"hubert"' in (new.folder / "config.json").read_text(encoding="utf-8")
    asked = len(hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert locate("ada/encoder", revision=old) == found
    assert locate("ada/encoder") == new
    assert len(hub.requests) == asked


PLAIN = """
import sys
import urllib.error, urllib.request
import numpy as np
from huggingface_hub import constants
from transformers import pipeline

clip, first = np.load(sys.argv[1]), sys.argv[2]

def rounded(classify, rate):
    scores = classify({"raw": clip, "sampling_rate": rate})
    return {answer["label"]: round(answer["score"], 4) for answer in scores}

def plain():
    trust = {"trust_remote_code": True}
    for name, options in [
        ("ada/native", {}), ("ada/ours", {}), ("ada/ours", trust),
        ("ada/ours", {**trust, "revision": first}),
    ]:
        try:
            classify = pipeline("audio-classification", model=name, **options)
        except ValueError as error:
            yield str(error)
        else:
            yield rounded(classify, classify.feature_extractor.sampling_rate)

def ours():
    yield rounded(ser_lib.load("ada/native"), 16000)
    yield rounded(ser_lib.load("ada/ours"), 8000)
    yield str(locate("ada/native"))

lines = list(plain())
assert "ser_lib" not in sys.modules
import ser_lib
from ser_lib.pretrained.source import locate
lines += ours()
try:
    urllib.request.urlopen(constants.ENDPOINT + "/api/whoami-v2")
except urllib.error.HTTPError:
    pass
constants.HF_HUB_OFFLINE = True
assert list(ours()) == lines[4:]
print()
print([lines, list(plain())[2:]])
"""


def test_anybodys_transformers_pulls_it_and_does_so_offline(
    hub, carded, other_folder, native_folder, clip, tmp_path, run_python
):
    push(carded, "ada/ours", private=True)
    first = hub.repository("ada/ours").refs["main"]
    push(other_folder, "ada/ours")
    push(native_folder, "ada/native")
    np.save(tmp_path / "clip.npy", clip)
    options = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "hf_ada"}
    lines, offline = ast.literal_eval(run_python(PLAIN, tmp_path / "clip.npy", first, **options))
    native, refused, new, old, our_native, ours, located = lines
    assert [new, old] == [
        {label: round(score, 4) for label, score in answer(ser_lib.load(folder), clip).items()}
        for folder in (other_folder, carded)
    ]
    assert ours == new and our_native == native and set(native) == set(LABELS)
    assert "trust_remote_code" in refused
    assert located == f"ada/native@{hub.repository('ada/native').refs['main']}"
    assert offline == [new, old]
    # The program's own question, from before it went offline, was the last.
    assert hub.requests[-1] == ("whoami", None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_yaml, small_ravdess):
    """A recipe that trains and publishes, cut off at first: what each of three calls gave."""
    folder = tmp_path_factory.mktemp("trained")
    line = [small_yaml, "--data_folder", small_ravdess, "--output_folder", folder / "run"]
    line += ["--allow_partial", "--push_to_hub", "ada/emotion", "--hub_private"]
    with hub_here(folder) as hub:
        codes, commits = [], []
        for fault, more in ((loopback.drop, ()), (None, ()), (None, ["--push_space"])):
            with hub.fault("commit", fault) if fault else contextlib.nullcontext():
                codes.append(main(ravdess, [str(word) for word in [*line, *more]]))
            commits.append(len(hub.repository("ada/emotion").commits))
        yield types.SimpleNamespace(
            hub=hub, model=folder / "run" / "model", codes=codes, commits=commits
        )


def test_a_recipe_publishes_and_the_same_command_again_does_what_was_cut_off(trained):
    assert trained.codes == [2, 0, 0]
    assert trained.commits == [1, 2, 2]
    for kind in ("model", "space"):
        assert trained.hub.repository("ada/emotion", kind).private
    there, here = published(trained.hub, "ada/emotion"), contents(trained.model)
    card, nameless = (files.pop("README.md").decode() for files in (there, here))
    assert there == here
    assert 'ser_lib.load("ada/emotion")' in card
    assert card.replace("ada/emotion", "path/or/hub-id") == nameless


def test_a_space_without_a_published_model_is_refused(small_yaml, tmp_path, capfd):
    line = [small_yaml, "--data_folder", tmp_path, "--push_space"]
    assert main(ravdess, [str(word) for word in line]) == 2
    assert "--push_to_hub USER/NAME" in capfd.readouterr().err


def test_what_a_recipe_published_is_what_it_left(trained):
    sound = 0.1 * np.sin(np.arange(16_000) / 5).astype(np.float32)
    pulled, kept = (
        ser_lib.load(name)({"raw": sound, "sampling_rate": 16_000})
        for name in ("ada/emotion", trained.model)
    )
    assert pulled == kept and len(kept) == 8


@pytest.fixture(scope="module")
def card(trained):
    """Card that the recipe published."""
    return ModelCard(published(trained.hub, "ada/emotion")["README.md"].decode())


def test_the_front_matter_says_what_was_measured(card, trained):
    card.validate()
    assert card.data.license and card.data.language == "en"
    assert card.data.pipeline_tag == "audio-classification"
    measured = json.loads((trained.model.parent / "metrics.json").read_text(encoding="utf-8"))
    told = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert told == {
        kind: round(measured["metrics"][key]["value"], 4)
        for kind, key in (("recall", "ua"), ("accuracy", "wa"), ("f1", "macro_f1"))
    }
    for result in card.data.eval_results:
        assert result.dataset_name == "RAVDESS" and "fold 1" in result.dataset_split
        assert result.dataset_args["ledger_sha256"]


def test_what_the_card_shows_is_in_the_repository(card, trained):
    names = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", card.text)
    assert names and set(names) <= set(published(trained.hub, "ada/emotion"))


def test_the_card_tells_nothing_of_the_machine(card, trained, small_ravdess):
    for place in (trained.model.parent, small_ravdess, small_ravdess.parent, Path.home()):
        assert f"{place}/" not in card.content and f"{place} " not in card.content


def test_the_card_tells_groups_use_and_limits(card):
    parts = dict(part.split("\n", 1) for part in ("\n" + card.text).split("\n## ")[1:])
    for name in ("gender: male", "intensity: normal", "worst speaker:"):
        assert f"| {name}" in parts["Groups"]
    for emotion in ravdess.EMOTIONS:
        assert f"| {emotion} |" in parts["Labels"]
    for word in ("acted", "language", "accents", "consent", "medical", "hiring"):
        assert word in parts["Intended use and limits"]
    assert parts["Licence"].strip() and parts["Citation"].strip()


def test_the_card_renders(card):
    markdown = pytest.importorskip("markdown_it", reason="markdown-it-py renders the card")
    page = markdown.MarkdownIt("commonmark").enable("table").render(card.text)
    assert page.count("<h1>") == 1
    tables = re.findall(r"<table>.*?</table>", page, re.DOTALL)
    assert len(tables) == card.text.count("\n\n| ")
    for table in tables:
        rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
        assert len({len(re.findall(r"<t[hd][ >]", row)) for row in rows}) == 1
    # Nothing is left that wanted to be a table, a heading, a figure or a fence.
    text = re.sub(r"<(pre|code)[ >].*?</\1>", "", page, flags=re.DOTALL)
    for rest in ("|", "\n#", "](", "```", "**"):
        assert rest not in re.sub(r"<[^>]+>", "", text)


def test_a_space_beside_the_model(hub, carded):
    check_push("ada/model", private=True, space=True)
    assert push(carded, "ada/model", space=True) == f"{hub.endpoint}/ada/model"
    space = hub.repository("ada/model", "space")
    assert (space.sdk, space.private) == ("gradio", False)
    files = published(hub, kind="space")
    assert b"ada/model" in files["app.py"] and "ser_lib/hub/push.py" in files
    push(carded, "ada/model", space=True)
    assert len(space.commits) == 2
    with pytest.raises(HubError, match="the Space ada/model exists and is public"):
        hub.repository("ada/model").private = True
        check_push("ada/model", private=True, space=True)


def test_a_space_of_its_own_name_is_private_where_it_shall_be(hub, carded):
    push(carded, "ada/model", private=True)
    address = push_space("ada/try-it", "ada/model", private=True)
    assert address == f"{hub.endpoint}/spaces/ada/try-it"
    assert hub.repository("ada/try-it", "space").private


def test_a_module_that_has_moved_leaves_the_space(hub):
    api = HfApi()
    api.create_repo("ada/model", repo_type="space", space_sdk="gradio")
    for name in ("ser_lib/moved.py", "examples/mine.txt"):
        api.upload_file(
            path_or_fileobj=b"x", path_in_repo=name, repo_id="ada/model", repo_type="space"
        )
    push_space("ada/model", "ada/model")
    files = published(hub, kind="space")
    assert "ser_lib/moved.py" not in files and files["examples/mine.txt"] == b"x"


@pytest.mark.parametrize("model_id", ["model", "a/b/c"])
def test_a_space_of_no_model(hub, model_id):
    with pytest.raises(HubError) as caught:
        push_space("ada/model", model_id)
    assert "name/model" in one_line(caught)
    assert hub.repository("ada/model", "space") is None


@pytest.mark.parametrize("status, words", [(402, "paid plan"), (500, "HTTP status 500")])
def test_a_space_that_fails_leaves_the_model_published(hub, carded, status, words):
    push(carded, "ada/model")
    with hub.fault("create", SpaceFault(status)), pytest.raises(HubError) as caught:
        push(carded, "ada/model", space=True)
    assert f"the model is at {hub.endpoint}/ada/model" in one_line(caught)
    assert words in one_line(caught)
    assert hub.repository("ada/model", "space") is None
    assert published(hub) == contents(carded)
    push(carded, "ada/model", space=True)
    assert "app.py" in published(hub, kind="space")


class SpaceFault:
    """Refuse the second repository that is asked for, which is the Space."""

    def __init__(self, status):
        self.status, self.seen = status, 0

    def __call__(self, handler):
        self.seen += 1
        if self.seen > 1:
            loopback.refuse(self.status)(handler)
