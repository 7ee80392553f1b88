"""Time and memory of a whole training command with a thousand to a hundred thousand clips.

    python -m benchmarks.growth --sizes 1000 10000 100000

The clips are 20 ms of noise, a corpus made for this: only their number is of interest. Prepare
(decode, check, hash), one epoch of a small perceptron, evaluation and report are one command.
"""

import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import types
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from ser_lib.evaluation.tables import refresh
from ser_lib.markdown import table
from ser_lib.run_facts import hardware

_ROOT = Path(__file__).resolve().parent.parent
_NAME, _RATE, _SECONDS = "Growth", 16_000, 0.02
_EMOTIONS = ("one", "two", "three", "four")
_SPEAKERS = 20
_HEADERS = [
    *("clips", "prepare, s", "epoch, s", "whole command, s"),
    *("peak memory after preparing, MiB", "at the end, MiB"),
]


def main(argv=None):
    """Measure the sizes, put the table into ``benchmarks/README.md``, draw it; returns 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[1_000, 10_000, 100_000],
        metavar="CLIPS",
        help="clips of the synthetic corpora (default: 1000 10000 100000)",
    )
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.run:
        print(json.dumps(_run(Path(options.run))))
        return 0
    found = {size: _measured(size) for size in options.sizes}
    rows = [
        [
            f"{size:,}",
            *(f"{told[part]:.1f}" for part in ("prepare", "epoch", "whole")),
            *(f"{told[part]:,.0f}" for part in ("prepare_peak", "peak")),
        ]
        for size, told in found.items()
    ]
    text = f"{table(_HEADERS, rows)}\n\n{datetime.date.today()}, {hardware()}; synthetic clips"
    print(text)
    refresh(_ROOT / "benchmarks" / "README.md", "growth", text)
    _draw(found, _ROOT / "benchmarks" / "growth.png")
    return 0


def _measured(size):
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder, "clips"), size)
        words = ["-m", "benchmarks.growth", "--run", folder]
        environment = {**os.environ, "PYTHONPATH": str(_ROOT), "SER_CACHE": f"{folder}/cache"}
        done = subprocess.run(
            [sys.executable, *words], cwd=_ROOT, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        return json.loads(done.stdout.splitlines()[-1])


def _write(folder, size):
    noise = np.random.default_rng(0).normal(0, 0.1, (size, int(_RATE * _SECONDS)))
    for clip, samples in enumerate(noise):
        speaker = clip % _SPEAKERS
        target = folder / f"{speaker:02d}"
        if clip < _SPEAKERS:
            target.mkdir(parents=True)
        soundfile.write(target / f"{speaker:02d}-{clip:06d}.wav", samples, _RATE)


def _corpus(folder, spent):
    """A corpus as a stranger would add one: what a recipe asks of a module."""
    from ser_lib.corpora.folder import whole_clips

    def prepare(data_folder=None, allow_partial=False, progress=True):
        began = time.perf_counter()
        rows = [
            {
                "id": path.stem,
                "corpus": f"{_NAME}-synthetic",
                "path": str(path),
                "speaker": path.parent.name,
                "gender": "female" if int(path.parent.name) % 2 == 0 else "male",
                "emotion": _EMOTIONS[int(path.stem[3:]) // _SPEAKERS % 4],
                "intensity": "",
                "statement": "",
                "transcript": "",
                "language": "",
            }
            for path in sorted(folder.rglob("*.wav"))
        ]
        manifest = whole_clips(f"{_NAME}-synthetic", 1, folder, rows, progress)
        spent["prepare"], spent["prepare_peak"] = time.perf_counter() - began, _peak()
        return manifest

    return types.SimpleNamespace(
        NAME=_NAME,
        EMOTIONS=_EMOTIONS,
        LANGUAGE="",
        LICENCE="none",
        CITATION="",
        URL="",
        DEFAULT_PROTOCOL="growth",
        find=lambda data_folder=None: folder,
        prepare=prepare,
    )


def _run(folder):
    """The whole command in this process: s of its parts, and MiB at its peak."""
    began, spent = time.perf_counter(), {}
    from ser_lib import recipe
    from ser_lib.protocols.registry import register
    from ser_lib.protocols.stratified_holdout import StratifiedHoldout

    register(
        StratifiedHoldout(
            name="growth",
            corpus=_NAME,
            describe="Random.",
            source="this benchmark",
            promises=(),
            test=Fraction(1, 5),
            validation=Fraction(1, 10),
        )
    )
    words = [f"{_ROOT}/hparams/mfcc_mlp.yaml", "--number_of_epochs", "1"]
    words += ["--output_folder", str(folder / "run"), "--data_folder", str(folder / "clips")]
    if recipe.main(_corpus(folder / "clips", spent), words):
        raise SystemExit("the command failed")
    history = (folder / "run" / "history.jsonl").read_text(encoding="utf-8")
    whole, epoch = time.perf_counter() - began, json.loads(history)["seconds"]
    return {**spent, "epoch": epoch, "whole": whole, "peak": _peak()}


def _peak():
    """MiB that this process, or a child that has ended, has taken at most."""
    return (
        max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        / 1024
    )


def _draw(found, path):
    """Time beside what a linear command would take, and memory."""
    from ser_lib.evaluation.figures import BLUE, GREY, headed_figure, quiet, save_png

    sizes = sorted(found)
    figure, (left, right) = headed_figure(
        8,
        2.6,
        "A training command and the size of its corpus",
        f"Prepare, one epoch, evaluation and report, on clips of {1000 * _SECONDS:.0f} ms of "
        "noise. Dotted: time in proportion to the number of clips, from the largest down.",
        columns=2,
    )
    for ax, key, unit in ((left, "whole", "s"), (right, "peak", "MiB")):
        values = [found[size][key] for size in sizes]
        ax.plot(sizes, values, "o-", color=BLUE)
        for size, value in zip(sizes, values, strict=True):
            ax.annotate(
                f"{value:,.0f} {unit}",
                (size, value),
                (0, 9),
                textcoords="offset points",
                ha="center",
                fontsize=9,
            )
        ax.set_xscale("log")
        ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
        ax.minorticks_off()
        ax.set_xlim(sizes[0] / 2, sizes[-1] * 2)
        ax.set_xlabel("clips")
        quiet(ax, spines=("bottom", "left"))
    largest = found[sizes[-1]]["whole"] / sizes[-1]
    left.plot(sizes, [largest * size for size in sizes], ":", color=GREY)
    left.set_yscale("log")
    left.set_yticks([1, 10, 100], ["1", "10", "100"])
    left.minorticks_off()
    left.set_ylim(top=3 * found[sizes[-1]]["whole"])
    left.set_ylabel("whole command, s")
    right.set_ylim(0, 1.3 * max(found[size]["peak"] for size in sizes))
    right.set_ylabel("peak memory, MiB")
    save_png(figure, path)


if __name__ == "__main__":
    sys.exit(main())
