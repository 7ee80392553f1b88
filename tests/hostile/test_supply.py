"""What the package needs: little, within bounds, and nothing of its extras."""

import ast
import configparser
import re
import sys

import pytest

_ABSENT = """
import importlib.machinery, sys
absent = set(sys.argv[1].split(","))

class Without(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in absent else super().find_spec(name, path, target)

place = sys.meta_path.index(importlib.machinery.PathFinder)
sys.meta_path[place] = Without
"""
EXTRAS = (
    "gradio,gradio_client,onnx,onnxruntime,onnxscript,peft,opensmile,torchcodec,librosa,kernels,"
    "hypothesis,atheris,pytest,nbclient,ipykernel,selenium,timm,flash_attn,bitsandbytes,torchvision"
)
# Names of packages that are imported by another name.
IMPORTED = {"scikit-learn": "sklearn", "ruamel.yaml": "ruamel", "pyyaml": "yaml", "pillow": "PIL"}


@pytest.fixture(scope="module")
def setup(repository):
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg")
    return parser


def lines(text):
    return [line for line in text.strip().splitlines() if not line.startswith("#")]


def test_every_requirement_has_both_bounds(setup):
    wanted = lines(setup["options"]["install_requires"])
    extras = [line for extra in setup["options.extras_require"].values() for line in lines(extra)]
    assert len(wanted) <= 27
    for line in wanted + extras:
        told = line.partition(";")[0].replace(" ", "")
        assert re.fullmatch(r"[\w.-]+(>=[\d.]+,<[\d.]+|==[\d.]+)", told), line


def test_what_is_imported_is_required(setup, repository):
    required = {
        IMPORTED.get(name, name).replace("-", "_")
        for name in (
            re.match(r"[\w.-]+", line)[0] for line in lines(setup["options"]["install_requires"])
        )
    }
    stray = set()
    for path in (repository / "ser_lib").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            stray |= {name.split(".")[0] for name in names} - required
    assert stray - set(sys.stdlib_module_names) - {"ser_lib"} <= {
        "gradio",
        "onnx",
        "onnxruntime",
        "peft",
    }


def test_everything_but_the_extras_imports_without_them(run):
    program = (
        _ABSENT
        + """
import importlib, pkgutil
import ser_lib
for module in pkgutil.walk_packages(ser_lib.__path__, "ser_lib."):
    if "onnx_parts" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(sorted(absent & set(sys.modules)))
"""
    )
    done = run(program, EXTRAS)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_model_is_loaded_and_predicts_without_extras(model_folder, run, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "clip.wav", [0.1, -0.1] * 4000, 8000)
    program = _ABSENT + "from ser_lib.__main__ import main\nsys.exit(main(sys.argv[2:]))"
    done = run(program, EXTRAS, "predict", model_folder, "clip.wav", "--format", "jsonl")
    assert done.returncode == 0 and done.stdout.startswith('{"file": "clip.wav"'), done.stderr


@pytest.mark.parametrize(("words", "extra"), [(["demo"], "'.[demo]'"), (["export"], "'.[onnx]'")])
def test_a_command_without_its_extra_says_what_to_install(model_folder, run, words, extra):
    program = _ABSENT + "from ser_lib.__main__ import main\nsys.exit(main(sys.argv[2:]))"
    output = ["--output", "x.onnx"] if words == ["export"] else []
    done = run(program, EXTRAS, *words, model_folder, *output)
    assert done.returncode == 2
    told = done.stderr.strip().splitlines()
    assert len(told) == 1 and f"pip install -e {extra}" in told[0]


def test_adapters_without_peft_say_what_to_install(tiny_encoder, run):
    program = (
        _ABSENT
        + """
from ser_lib.errors import HparamsError
from ser_lib.pretrained.encoder import speech_encoder
try:
    speech_encoder(sys.argv[2], lora_rank=2)
except HparamsError as error:
    print(error)
"""
    )
    done = run(program, EXTRAS, tiny_encoder("hubert"))
    assert done.stdout.strip().splitlines()[-1] == "lora_rank needs peft: pip install -e '.[lora]'"
