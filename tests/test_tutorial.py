"""The tutorial runs from the top to the end, and what is committed of it is fit to be read."""

import json
import re

import pytest

#: The tutorial says two minutes; this leaves room for a busy machine.
LIMIT = 240


@pytest.fixture(scope="module")
def path(repository):
    return repository / "docs" / "tutorial.ipynb"


def outputs(cells):
    return [output for cell in cells for output in cell.get("outputs", [])]


def text(found):
    return "\n".join(
        "".join(part)
        for output in found
        for part in (output.get("text", ""), *output.get("data", {}).values())
    )


def test_what_is_committed_can_be_read(path):
    content = path.read_text(encoding="utf-8")
    found = outputs(json.loads(content)["cells"])
    assert "UA (mean recall)" in text(found)
    assert sum("image/png" in output.get("data", {}) for output in found) == 3
    assert not [output for output in found if output["output_type"] == "error"]
    assert not [output for output in found if output.get("name") == "stderr"]
    # A picture's base64 may hold any letters, but these need a path's beginning.
    assert not re.search(r"""[\s"'(](/|[A-Z]:\\)(tmp|home|work|root|Users|mnt|var)\b""", content)
    assert len(content) < 400_000


def test_it_runs(path, tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    notebook = nbformat.read(path, as_version=4)
    committed = text(outputs(notebook.cells))
    nbclient.NotebookClient(
        notebook,
        timeout=LIMIT,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    again = outputs(notebook.cells)
    assert (tmp_path / "runs" / "tutorial" / "model" / "config.json").is_file()
    pattern = r"reaches \*\*UA [\d.]+ %\*\*"
    assert re.search(pattern, text(again))
    assert re.search(pattern, committed)
    assert sum("image/png" in output.get("data", {}) for output in again) == 3
