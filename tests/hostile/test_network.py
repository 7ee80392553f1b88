"""Nothing is asked of any network unless an id of the Hub was given."""

import json

import soundfile

_BLOCKED = """
import json, socket, sys
asked = []

def deny(*arguments, **_):
    asked.append(str(arguments)[:200])
    raise OSError("this test has no network")

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, deny)
for name in ("getaddrinfo", "create_connection", "gethostbyname"):
    setattr(socket, name, deny)
"""

_PREDICT = (
    _BLOCKED
    + """
import ser_lib
from ser_lib.use.predict import main
code = main([sys.argv[1], sys.argv[2], "--format", "jsonl", "--output", "out.jsonl"])
from transformers import pipeline
stock = pipeline("audio-classification", model=sys.argv[1], device="cpu")
samples = [0.1, -0.1] * 2000
answer = stock({"raw": __import__("numpy").array(samples, dtype="float32"), "sampling_rate": 8000})
print(json.dumps({"code": code, "asked": asked, "labels": len(answer)}))
"""
)

_TRAIN = (
    _BLOCKED
    + """
from ser_lib.corpora import ravdess
from ser_lib.recipe import main
code = main(ravdess, [sys.argv[1], "--data_folder", sys.argv[2], "--output_folder", "run",
                      "--number_of_epochs", "1", "--num_workers", "0", "--allow_partial"])
print(json.dumps({"code": code, "asked": asked}))
"""
)


def test_a_folder_is_loaded_and_predicts_without_any_network(model_folder, tmp_path, run):
    soundfile.write(tmp_path / "clip.wav", [0.1, -0.1] * 4000, 8000)
    done = run(_PREDICT, model_folder, tmp_path / "clip.wav")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told == {"code": 0, "asked": [], "labels": 3}
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1


def test_a_recipe_on_a_folder_asks_nobody(small_yaml, small_ravdess, run):
    done = run(_TRAIN, small_yaml, small_ravdess)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1]) == {"code": 0, "asked": []}


def test_only_the_hub_is_asked_for_an_id_of_the_hub(run):
    done = run(_BLOCKED + "from ser_lib.use.predict import main\n"
               "print(json.dumps([main(['me/model', 'clip.wav']), asked]))")  # fmt: skip
    code, asked = json.loads(done.stdout.strip().splitlines()[-1])
    assert code == 2 and asked and all("huggingface.co" in address for address in asked)
    assert len(done.stderr.strip().splitlines()) == 1 and "Hub" in done.stderr


def test_a_folder_that_names_another_model_asks_nobody(copy, change, run):
    change(copy / "config.json", {"_name_or_path": "evil/model", "name_or_path": "evil/model"})
    (copy / "generation_config.json").write_text('{"assistant": "evil/model"}')
    (copy / "processor_config.json").write_text('{"auto_map": {"AutoProcessor": "evil/x--y.Z"}}')
    (copy / "tokenizer_config.json").write_text('{"tokenizer_class": "Evil"}')
    program = _BLOCKED + "import ser_lib; ser_lib.load(sys.argv[1]); print(json.dumps(asked))"
    done = run(program, copy)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1]) == []
