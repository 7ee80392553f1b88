import json
import sys

import pytest
from transformers import AutoConfig, AutoModelForAudioClassification
from transformers.models.auto.feature_extraction_auto import FEATURE_EXTRACTOR_MAPPING

from ser_lib.hub.after_import import AfterImport
from ser_lib.hub.registration import register

KNOWN = """
from transformers import AutoConfig, AutoModelForAudioClassification
config = AutoConfig.for_model("ser_lib")
print(AutoModelForAudioClassification._model_mapping[type(config)].__module__)
"""


def test_registering_twice_changes_nothing():
    register()
    register()
    config = AutoConfig.for_model("ser_lib")
    assert type(config).__name__ == "SERConfig"
    model = AutoModelForAudioClassification._model_mapping[type(config)]
    assert model.__name__ == "SERForAudioClassification"
    assert FEATURE_EXTRACTOR_MAPPING[type(config)].__name__ == "Wav2Vec2FeatureExtractor"


@pytest.mark.parametrize(
    "order",
    [
        "from transformers import AutoModelForAudioClassification\nimport ser_lib",
        "import ser_lib\nfrom transformers import AutoConfig\nAutoConfig.for_model('ser_lib')\n"
        "from transformers import Wav2Vec2ForSequenceClassification",
    ],
)
def test_any_order_of_imports_registers(run_python, order):
    assert run_python(order + KNOWN) == "ser_lib.hub.modeling"


def test_importing_ser_lib_is_light(run_python):
    program = (
        "import ser_lib, sys\nprint([n for n in ('torch', 'transformers') if n in sys.modules])"
    )
    assert run_python(program) == "[]"


def test_threads_that_import_at_once_all_see_it(run_python, model_folder):
    program = """
import sys, threading
import transformers  # its own first import is not made for threads
start, seen = threading.Barrier(4), []

def work(first):
    start.wait()
    exec(first, {})
    from transformers import AutoModelForAudioClassification
    import ser_lib
    seen.append(type(AutoModelForAudioClassification.from_pretrained(sys.argv[1])).__name__)

firsts = ["import ser_lib", "from transformers import AutoConfig", "import ser_lib",
          "from transformers import pipeline"]
threads = [threading.Thread(target=work, args=(first,)) for first in firsts]
[thread.start() for thread in threads]
[thread.join(120) for thread in threads]
print(seen)
"""
    assert run_python(program, model_folder) == str(["SERForAudioClassification"] * 4)


def test_stock_pipeline_needs_no_trust_and_runs_no_code_of_the_folder(
    run_python, model_folder, clip, tmp_path
):
    import shutil

    folder = shutil.copytree(model_folder, tmp_path / "model")
    for path in folder.glob("*.py"):
        path.write_text("raise SystemExit('code of the folder was run')\n")
    program = """
import json, sys
import numpy as np
import ser_lib
from transformers import pipeline
samples = np.array(json.loads(sys.argv[2]), dtype=np.float32)
answers = []
for trust in (None, True):
    classify = pipeline("audio-classification", model=sys.argv[1], trust_remote_code=trust)
    answers += [classify(samples, top_k=3), classify({"raw": samples, "sampling_rate": 8000})]
print(json.dumps(answers))
"""
    answers = json.loads(run_python(program, folder, json.dumps(clip.tolist()), HF_HUB_OFFLINE="1"))
    assert len(answers) == 4
    assert {label["label"] for label in answers[0]} == {"angry", "happy", "sad"}
    assert all(answer == answers[0] for answer in answers)
    assert sum(label["score"] for label in answers[0]) == pytest.approx(1)


def test_step_runs_after_the_module_and_again_after_a_reload(tmp_path, monkeypatch):
    import importlib

    (tmp_path / "watched_module.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    seen = []
    watcher = AfterImport({"watched_module": lambda module: seen.append(module.value)})
    watcher.install()
    assert seen == []
    module = importlib.import_module("watched_module")
    assert seen == [1] and module.__spec__.loader.get_source("watched_module") == "value = 1\n"
    importlib.reload(module)
    assert seen == [1, 1]
    AfterImport({"watched_module": lambda module: seen.append("late")}).install()
    assert seen[:3] == [1, 1, "late"]
    with pytest.raises(ModuleNotFoundError):
        AfterImport({"no_such_module": seen.append}).install()
        importlib.import_module("no_such_module")
    del sys.modules["watched_module"]


def test_ser_lib_offers_load_and_nothing_else_by_name():
    import ser_lib
    from ser_lib.hub.pipeline import load

    assert ser_lib.load is load and ser_lib.__version__
    with pytest.raises(AttributeError, match="laod"):
        _ = ser_lib.laod
