"""What ``python -m ser_lib predict`` costs beside decoding and the model's own batched forward.

    python -m benchmarks.predict --data_folder FOLDER MODEL

Three whole processes: decoding and then the model alone over the first clips, on as many threads
of torch as the environment says; the command on the same; the command on fewer and on more clips,
for their peak memory. Loading the model is left out of the times.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BARE = """
import sys, time
import torch
from ser_lib.audio import read_audio, resample
from ser_lib.use.batches import probabilities
from ser_lib.use.command import load_quietly
model, size, *paths = sys.argv[1:]
classify, size = load_quietly(model), int(size)
rate = classify.feature_extractor.sampling_rate
warm = [classify.preprocess((resample(*read_audio(paths[0]), rate), rate))]
probabilities(classify, warm)
begin = time.perf_counter()
clips = [resample(*read_audio(path), rate) for path in paths]
decoded = time.perf_counter()
clips = sorted((classify.preprocess((clip, rate)) for clip in clips),
               key=lambda clip: next(iter(clip.values())).shape[1])
ready = time.perf_counter()
for first in range(0, len(clips), size):
    probabilities(classify, clips[first:first + size])
end = time.perf_counter()
print(decoded - begin, end - ready)
"""
_COMMAND = """
import io, json, resource, sys, time
from ser_lib.use import predict, stream
spent = [0.0]
hear = stream.hear
def timed(*arguments, **options):
    begin = time.perf_counter()
    yield from hear(*arguments, **options)
    spent[0] = time.perf_counter() - begin
stream.hear = timed
code = predict.main(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([code, spent[0], peak / 1024]))
"""


def main(argv=None):
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="model folder")
    parser.add_argument(
        "--data_folder",
        required=True,
        help="any folder of wav clips, or of flac clips where there is no wav; subfolders too",
    )
    parser.add_argument("--clips", type=int, default=500, help="to time (default: 500)")
    parser.add_argument(
        "--memory",
        type=int,
        nargs=2,
        default=[200, 1440],
        metavar="N",
        help="fewer and more clips, whose peak memory is compared (default: 200 1440)",
    )
    parser.add_argument(
        "--batch_size", type=int, default=8, help="clips the model takes at once (default: 8)"
    )
    options = parser.parse_args(argv)
    paths = sorted(Path(options.data_folder).resolve().rglob("*.wav"))
    paths = paths or sorted(Path(options.data_folder).resolve().rglob("*.flac"))
    if len(paths) < options.memory[1]:
        raise SystemExit(f"{options.data_folder} holds {len(paths)} clips")
    model, size = str(Path(options.model).resolve()), str(options.batch_size)
    timed = [str(path) for path in paths[: options.clips]]
    decoding, forward = map(float, _python(_BARE, model, size, *timed).split()[-2:])
    print("| what | seconds | peak RSS, MiB |")
    print("| :-- | --: | --: |")
    print(f"| decoding and resampling {len(timed)} clips, one after the other | {decoding:.2f} | |")
    print(f"| the model on them, batches of {size} | {forward:.2f} | |")
    found = {}
    for count in (len(timed), *options.memory):
        found[count] = _command(model, size, paths[:count])
        print(f"| predict, {count} clips | {found[count][0]:.2f} | {found[count][1]:.0f} |")
    share = found[len(timed)][0] / (decoding + forward)
    print(f"\nThe command took {share:.2f} of decoding and model; peak memory grew by ", end="")
    few, many = (found[count][1] for count in options.memory)
    print(f"{many - few:.0f} MiB from {options.memory[0]} to {options.memory[1]} clips.")
    return 0


def _command(model, size, paths):
    """Seconds and MiB of the command on some clips."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--batch_size", size, "--format", "csv", "--output", f"{folder}/rows.csv"]
        answer = _python(_COMMAND, model, *map(str, paths), *arguments)
    code, seconds, peak = json.loads(answer.splitlines()[-1])
    if code:
        raise SystemExit(f"predict ended with {code}")
    return seconds, peak


def _python(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
