"""What is imported, and so waited for: nothing heavy for help, nothing needless for a run."""

import importlib.metadata
import json
import subprocess
import sys

import pytest

RECIPES = ("CREMA-D", "EMO-DB", "IEMOCAP", "Merged", "RAVDESS", "SAVEE", "TESS")
HEAVY = {
    *("accelerate", "datasets", "evaluate", "matplotlib", "pandas", "scipy.signal"),
    *("sklearn", "speechbrain", "torch", "torchaudio", "transformers", "xgboost"),
}
HELPS = (
    *([f"recipes/{name}/{kind}.py"] for name in RECIPES for kind in ("prepare", "train")),
    ["recipes/RAVDESS/train.py", "hparams/mfcc_cnn.yaml"],
    *(["-m", f"ser_lib{room}"] for room in ("", ".models", ".protocols", ".sweep", ".text")),
    *(["-m", "ser_lib", word] for word in ("predict", "evaluate", "compare", "export", "demo")),
    *(["-m", "ser_lib.protocols", word] for word in ("list", "audit", "table")),
    ["-m", "ser_lib.cross_corpus"],
)
# Runs a script or, after -m, a module, and tells on its last line what has been imported.
_TELL = """
import json, runpy, sys
words = sys.argv[1:]
sys.argv = words[1:] if words[0] == "-m" else words
try:
    if words[0] == "-m":
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(words[0], run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
print(json.dumps(sorted(sys.modules)))
"""


def imported(repository, program, *words):
    """What a program printed (str), and the names of all modules that it imported (set)."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=repository, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    printed, _, names = done.stdout.rstrip().rpartition("\n")
    return printed, set(json.loads(names))


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_help_needs_no_heavy_library(repository, words):
    printed, modules = imported(repository, _TELL, *words, "--help")
    assert "usage" in printed and not HEAVY & modules


def test_the_package_and_the_list_of_protocols_need_no_heavy_library(repository):
    told = "import json, sys, ser_lib\nprint(json.dumps(sorted(sys.modules)))"
    _, modules = imported(repository, told)
    assert "ser_lib" in modules and not {*HEAVY, "numpy"} & modules
    printed, modules = imported(repository, _TELL, "-m", "ser_lib.protocols", "list")
    assert "ravdess-si6" in printed and not HEAVY & modules


def test_a_network_is_trained_without_what_only_others_need(
    repository, small_yaml, small_ravdess, tmp_path
):
    words = ["recipes/RAVDESS/train.py", str(small_yaml), "--number_of_epochs", "1"]
    words += ["--data_folder", str(small_ravdess), "--output_folder", str(tmp_path / "run")]
    _, modules = imported(repository, _TELL, *words, "--allow_partial")
    assert "torch" in modules and "matplotlib" in modules
    needless = {"evaluate", "sklearn", "xgboost", "librosa", "gradio", "transformers.pipelines"}
    # Older ones import librosa, and that scikit-learn, where there is one.
    if tuple(map(int, importlib.metadata.version("transformers").split(".")[:2])) < (5, 23):
        needless -= {"librosa", "sklearn"}
    assert not needless & modules
    assert not [name for name in modules if name.startswith("transformers.models.wav2vec2.model")]
