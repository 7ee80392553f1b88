"""``python -m ser_lib.sweep.latency``: what one clip takes a trained system, on one core.

Apart from the training runs, whose reports come out the same whenever they are made; and to be run
on a machine that does nothing else.
"""

import json
import statistics
import sys
import time
from pathlib import Path

from ser_lib.cli import exit_code
from ser_lib.hparams import ROOT
from ser_lib.use.command import Parser

SECONDS, FILE = 3.0, "latency.json"
_RUNS, _WARM = 15, 3


def latency_ms(network):
    """Milliseconds from three seconds of sound to the probabilities of the emotions.

    Arguments
    ---------
    network : WaveformClassifier or WaveformEnsemble
        On any device; comes back in evaluation mode.

    Returns
    -------
    float
        Median of fifteen runs after three that warm up, in one thread where it runs on the CPU.
    """
    import torch

    from ser_lib.audio import resample
    from ser_lib.corpora.sample import voice
    from ser_lib.training.feature_cache import device_of

    samples, rate = voice("happy", seconds=SECONDS)
    waveform = torch.from_numpy(resample(samples, rate, network.sample_rate))
    waveform, threads = waveform[None].to(device_of(network)), torch.get_num_threads()
    times = []
    network.eval()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            for _ in range(_WARM + _RUNS):
                began = time.perf_counter()
                # Down to numbers on the CPU, which waits for a GPU.
                network(waveform).softmax(dim=1).tolist()
                times.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return round(1000 * statistics.median(times[_WARM:]), 2)


def read_latencies(results):
    """Latency by corpus and system (dict of ``"CORPUS/SYSTEM"`` to ms), empty where none is kept.

    Raises
    ------
    RunError
        The file is damaged.
    """
    from ser_lib.errors import RunError

    path = Path(results, FILE)
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {name: float(entry["ms"]) for name, entry in told.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: is damaged ({error}); measure again") from error


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line); returns exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    return exit_code(lambda: _main(words)) or 0


def _main(words):
    parser = Parser("latency", description=__doc__.partition("\n\n")[0])
    parser.prog = "python -m ser_lib.sweep.latency"
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="folders of finished runs, at any depth"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=ROOT / "results",
        metavar="FOLDER",
        help="folder of results (default: the repository's)",
    )
    options = parser.parse_args(words)
    from ser_lib.errors import RunError
    from ser_lib.files import write_text
    from ser_lib.hub.native import read_network
    from ser_lib.logs import progress_bar
    from ser_lib.run_facts import hardware

    found = {}
    for folder in options.runs:
        for path in sorted(folder.rglob("metrics.json")):
            if (path.parent / "model" / "config.json").is_file():
                run = json.loads(path.read_text(encoding="utf-8"))["run"]
                # Folds and seeds are of a size.
                found.setdefault(f"{run['corpus']}/{run['system']}", path.parent / "model")
    if not found:
        raise RunError(
            f"{options.runs[0]}: no finished run is below it; give what a sweep got as --runs"
        )
    path = options.results / FILE
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for name, model in progress_bar(sorted(found.items()), "latency", "system"):
        told[name] = {"ms": latency_ms(read_network(model)[0]), "hardware": hardware()}
    write_text(path, json.dumps(dict(sorted(told.items())), indent=2) + "\n")
    for name in sorted(found):
        print(f"{told[name]['ms']:10.2f} ms  {name}")


if __name__ == "__main__":
    sys.exit(main())
