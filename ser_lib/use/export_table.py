"""The table under an export: size and latency of every form, and accuracy where there are clips."""

import json
import statistics
import time
from pathlib import Path

from ser_lib.errors import CorpusError
from ser_lib.hub.model_folder import model_of
from ser_lib.use.export_check import of_torch, probabilities, session, voices

_CLIPS = 200  # of a corpus, at most
_RUNS = 9


def show(network, files, clips, truth, labels):
    """Print size and latency of every form, and accuracy where there are clips.

    ``files`` is a dict of :class:`ser_lib.use.export.Exported` by name, ``clips`` a list of ndarray
    (samples,) at the network's rate, and ``truth`` their emotions.
    """
    clip = voices(network.sample_rate)[2]
    ways = {"PyTorch": lambda clips: of_torch(network, clips)}
    for name, exported in files.items():
        ready = session(exported.path)
        ways[name] = lambda clips, ready=ready: probabilities(ready, clips)
    seconds = len(clip) / network.sample_rate
    heading = f"ms for {seconds:.1f} s, median of {_RUNS}"
    print(f"\n{'':12}{'MB':>9}  {heading}" + ("  accuracy" if clips else ""))
    for name, way in ways.items():
        size = f"{files[name].size / 1e6:.2f}" if name in files else ""
        line = f"{name:12}{size:>9}  {_latency(way, clip):>{len(heading)}.1f}"
        if clips:
            right = sum(
                labels[way([one])[0].argmax()] == emotion
                for one, emotion in zip(clips, truth, strict=True)
            )
            line += f"  {right / len(clips):.1%} of {len(clips)} clips"
        print(line, flush=True)
    if clips:
        print("Accuracy compares the forms: clips of the training side may be among these.")


def _latency(way, clip):
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        way([clip])
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def labelled(model, data_folder, labels, rate, classes=None):
    """At most ``_CLIPS`` clips of the model's own corpus, evenly spread, and their emotions.

    Returns a list of float32 ndarray ``(samples,)`` at ``rate`` (Hz) and one of str; raises
    CorpusError or AudioError where ``data_folder`` or a clip of it cannot be used.
    """
    import numpy as np

    from ser_lib.audio import read_audio, resample
    from ser_lib.corpora.choice import choose
    from ser_lib.corpora.known import by_name

    config = json.loads(Path(model_of(model), "config.json").read_text(encoding="utf-8"))
    trained = (config.get("provenance") or {}).get("corpora") or ["RAVDESS"]
    corpus = choose(by_name(str(trained[0]).removesuffix("-synthetic")), classes)
    manifest = corpus.prepare(data_folder, allow_partial=True, progress=False)
    rows = [index for index, emotion in enumerate(manifest["emotion"]) if emotion in labels]
    if not rows:
        raise CorpusError(
            f"{data_folder} has no clip of {', '.join(labels)}; give the corpus that the model "
            "was trained on"
        )
    rows = rows[:: -(-len(rows) // _CLIPS)]
    some = manifest.select(rows)
    read = (read_audio(row["path"], row["start"], row["end"]) for row in some)
    clips = [np.asarray(resample(samples, of, rate), np.float32) for samples, of in read]
    kind = "synthetic clips" if str(some[0]["corpus"]).endswith("-synthetic") else "clips"
    print(f"to be measured on {len(clips)} {kind} of {corpus.NAME}", flush=True)
    return clips, list(some["emotion"])
