import shutil
import types

import pytest
from huggingface_hub import CommitOperationAdd, RepoUrl
from huggingface_hub import errors as hub_errors

from ser_lib.errors import HubError
from ser_lib.hub import push as module
from ser_lib.hub.exported import model_sha256
from ser_lib.hub.push import check_push, push

ME = {
    "name": "ada",
    "orgs": [{"name": "lab"}],
    "auth": {"accessToken": {"role": "write", "displayName": "x"}},
}


def hub_error(kind, status):
    response = types.SimpleNamespace(status_code=status, headers={}, request=None)
    error = kind.__new__(kind)
    Exception.__init__(error, "the server said so")
    error.response = response
    return error


class FakeHub:
    """Stands where HfApi does; `answers` holds a value or an exception a method."""

    def __init__(self, **answers):
        self.answers = {"whoami": ME, **answers}
        self.calls = []

    def __getattr__(self, method):
        def call(*args, **options):
            self.calls.append((method, args, options))
            answer = self.answers[method]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.fixture
def hub(monkeypatch):
    def install(**answers):
        fake = FakeHub(**answers)
        monkeypatch.setattr(module, "HfApi", lambda: fake)
        monkeypatch.setattr(module, "get_token", lambda: "hf_token")
        return fake

    return install


def refused(repo_id, *words, private=False):
    with pytest.raises(HubError) as caught:
        check_push(repo_id, private)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("repo_id", ["model", "ada/model", "lab/model"])
def test_good_names_pass(hub, repo_id):
    fake = hub()
    check_push(repo_id)
    assert [call[0] for call in fake.calls] == ["whoami"]


@pytest.mark.parametrize("repo_id", ["a/b/c", "ada/my model", "ada/--", "", "ada/model.git"])
def test_malformed_names(hub, repo_id):
    fake = hub()
    refused(repo_id, repr(repo_id), "name/model")
    assert fake.calls == []


def test_no_token(monkeypatch):
    monkeypatch.setattr(module, "get_token", lambda: None)
    refused("ada/model", "no Hub token", "hf auth login", "HF_TOKEN")


def test_somebody_elses_name(hub):
    hub()
    refused("bob/model", "ada", "'bob'", "lab")


def test_token_that_only_reads(hub):
    hub(whoami={**ME, "auth": {"accessToken": {"role": "read"}}})
    refused("ada/model", "only read", "hf auth login")


@pytest.mark.parametrize(
    "kind, status, word",
    [
        (hub_errors.HfHubHTTPError, 401, "hf auth login"),
        (hub_errors.HfHubHTTPError, 503, "HTTP status 503"),
        (hub_errors.OfflineModeIsEnabled, None, "HF_HUB_OFFLINE"),
        (ConnectionError, None, "cannot be reached"),
    ],
)
def test_hub_that_refuses_or_is_away(hub, kind, status, word):
    hub(whoami=hub_error(kind, status) if status else kind("away"))
    refused("ada/model", word)


def test_private_where_a_public_one_exists(hub):
    hub(model_info=types.SimpleNamespace(private=False))
    refused("ada/model", "is public", private=True)
    check_push("ada/model", private=False)
    fake = hub(model_info=types.SimpleNamespace(private=True))
    check_push("model", private=True)
    assert fake.calls[-1][1] == ("ada/model",)
    hub(model_info=hub_error(hub_errors.RepositoryNotFoundError, 404))
    check_push("ada/model", private=True)
    hub(model_info=ConnectionError("away"))
    refused("ada/model", "cannot be reached", private=True)


def test_faults_of_ours_are_not_blamed_on_the_hub(hub):
    hub(whoami=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        check_push("ada/model")


def test_push_makes_the_repository_and_one_commit(hub, model_folder):
    url = RepoUrl("https://huggingface.co/ada/model")
    there = [".gitattributes", "config.json", "model-00001-of-00002.safetensors", "notes.txt"]
    fake = hub(create_repo=url, list_repo_files=there, create_commit=None)
    assert push(model_folder, "model", private=True, commit_message="Hello") == str(url)
    create, look, (method, _, options) = fake.calls
    assert create == ("create_repo", ("model",), {"private": True, "exist_ok": True})
    assert look == ("list_repo_files", ("ada/model",), {"repo_type": "model"})
    assert method == "create_commit"
    assert (options["repo_id"], options["commit_message"]) == ("ada/model", "Hello")
    kinds = {True: set(), False: set()}
    for operation in options["operations"]:
        kinds[isinstance(operation, CommitOperationAdd)].add(operation.path_in_repo)
    assert kinds[True] == {path.name for path in model_folder.iterdir()}
    assert kinds[False] == {"model-00001-of-00002.safetensors"}


def test_hidden_files_stay_here_and_folders_go(hub, model_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    for name in ("figures/confusion.png", ".cache/secret", ".DS_Store"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    url = RepoUrl("https://huggingface.co/ada/model")
    fake = hub(create_repo=url, list_repo_files=[], create_commit=None)
    push(folder, "ada/model")
    names = [operation.path_in_repo for operation in fake.calls[-1][2]["operations"]]
    assert "figures/confusion.png" in names
    assert not [name for name in names if name.startswith(".")]


def test_an_onnx_file_goes_up_only_where_it_is_of_this_model(hub, model_folder, tmp_path, caplog):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    own, other = model_sha256(folder), "0" * 64
    for name, digest in (("model", own), ("model-int8", own), ("old", other), ("empty", "")):
        (folder / f"{name}.onnx").write_bytes(b"\x08\x0agraph" + digest.encode() + b"end")
    (folder / "empty.onnx").write_bytes(b"")
    url = RepoUrl("https://huggingface.co/ada/model")
    fake = hub(create_repo=url, list_repo_files=["there.onnx", "old.onnx"], create_commit=None)
    with caplog.at_level("INFO"):
        push(folder, "ada/model")
    operations = fake.calls[-1][2]["operations"]
    assert all(isinstance(operation, CommitOperationAdd) for operation in operations)
    names = {operation.path_in_repo for operation in operations}
    assert {name for name in names if name.endswith(".onnx")} == {"model.onnx", "model-int8.onnx"}
    taken, left, there = (record.getMessage() for record in caplog.records)
    assert taken == "ONNX of this model goes up too: model-int8.onnx, model.onnx"
    assert "stays here: empty.onnx, old.onnx (" in left and str(folder) in left
    assert there == "ONNX that ada/model holds may be of other weights: old.onnx, there.onnx"


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_other_weights_or_settings_are_another_model(model_folder, tmp_path, name):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    (folder / "README.md").write_text("another card")
    assert model_sha256(folder) == model_sha256(model_folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert model_sha256(folder) != model_sha256(model_folder)


@pytest.mark.parametrize(
    "error",
    [
        PermissionError("a token of another kind"),
        RuntimeError("Error while\nuploading"),
        ValueError("LFS batch API returned errors"),
    ],
)
def test_an_upload_that_breaks_off_says_so_in_one_line(hub, model_folder, error):
    url = RepoUrl("https://huggingface.co/ada/model")
    hub(create_repo=url, list_repo_files=[], create_commit=error)
    with pytest.raises(HubError, match="broke off .* push again") as caught:
        push(model_folder, "ada/model")
    assert "\n" not in str(caught.value)


def test_push_that_fails_is_one_line(hub, model_folder):
    hub(create_repo=hub_error(hub_errors.HfHubHTTPError, 403))
    with pytest.raises(HubError, match="write permission"):
        push(model_folder, "ada/model")


def test_push_of_no_model_asks_nobody(hub, tmp_path):
    fake = hub()
    with pytest.raises(HubError, match=r"config\.json"):
        push(tmp_path, "ada/model")
    assert fake.calls == []


def test_unreachable_endpoint(run_python):
    program = """
from ser_lib.errors import HubError
from ser_lib.hub.push import check_push
import ser_lib
lines = []
for attempt in (lambda: check_push("ada/model", False), lambda: ser_lib.load("ada/model")):
    try:
        attempt()
    except HubError as error:
        lines.append(str(error))
print(lines)
"""
    lines = run_python(program, HF_ENDPOINT="http://127.0.0.1:9", HF_TOKEN="hf_none")
    assert lines.count("the Hub cannot be reached") == 2
