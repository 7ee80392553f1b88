"""``python -m ser_lib export``: a trained model as one ONNX file, from waveform to probabilities.

The front end is inside, so that whoever runs the file needs onnxruntime and nothing else: no
PyTorch, no mel filters of their own. Inputs are ``waveforms`` (batch, time), float32 at the rate
that the file's metadata tells as ``sampling_rate`` (Hz), and ``lengths`` (batch,), int64, samples
before the padding; the output is ``probabilities`` (batch, classes) in the order of the metadata's
``labels`` (JSON); ``model_sha256`` tells which model folder the file is of. Batch and time are free
for every system; how a batch goes through is told in :mod:`ser_lib.use.onnx_parts.front_ends`.

A file is only left where onnxruntime answers as PyTorch does, to 1e-4 in every probability, on
synthetic voices, on silence and on very short clips, alone and in batches (:func:`_allowed` tells
what is asked of trees).
"""

import contextlib
import dataclasses
import json
import statistics
import sys
import time
import uuid
from pathlib import Path

from ser_lib.corpora.choice import add_classes
from ser_lib.errors import CorpusError, HparamsError, ModelFolderError, RunError
from ser_lib.use.command import Parser, model_of, run

#: Largest difference of a probability from PyTorch's.
TOLERANCE = 1e-4
_CLIPS = 200  # of a corpus, at most
_RUNS = 9
_EPILOG = """\
examples:
  python -m ser_lib export runs/.../model
  python -m ser_lib export runs/.../model --output emotion.onnx --quantize
  python -m ser_lib export runs/.../model --quantize --data_folder ../RAVDESS
"""


@dataclasses.dataclass
class Exported:
    """What an export is: ``path`` (Path), ``labels`` (list of str), ``sampling_rate`` (Hz).

    ``way`` says how a batch goes through the graph (str), ``deviation`` is the largest difference
    of a probability from PyTorch's on the clips of the check, ``agreement`` the share of them with
    the same first class, ``size`` the file's bytes.
    """

    path: Path
    labels: list
    sampling_rate: int
    way: str
    deviation: float
    agreement: float
    size: int


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line).

    Returns
    -------
    int
        0 when done, 2 after an error that the person can mend, 130 when interrupted.
    """
    return run(lambda: _main(sys.argv[1:] if argv is None else list(argv)))


def export(model_folder, path, quantize=False):
    """Write a trained model as ONNX and check it against PyTorch.

    Arguments
    ---------
    model_folder : str or os.PathLike
        Model folder that a recipe left, or a run folder.
    path : str or os.PathLike
        File to write; one that is there is replaced when the new one has passed.
    quantize : bool
        Eight-bit weights for what was learned. Its answers differ: how much is told, not judged,
        but the file is only written where the unquantised one would have passed.

    Returns
    -------
    Exported

    Raises
    ------
    HparamsError
        If onnx, onnxscript or onnxruntime is not installed.
    ModelFolderError
        If the folder holds no model of ours, a part cannot be exported, or the answers differ.
    RunError
        If the file cannot be written.
    """
    _need_onnx()
    network, labels, source = _network(model_folder)
    return _export(network, labels, path, quantize, source=source)


def _need_onnx():
    import importlib.util

    packages = ("onnx", "onnxscript", "onnxruntime")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise HparamsError(f"export needs {', '.join(missing)}; pip install -e '.[onnx]'")


def _network(model_folder):
    """Network of a model or run folder, on the CPU in evaluation mode, its labels and its hash."""
    from transformers.utils import logging

    from ser_lib.hub.exported import model_sha256
    from ser_lib.hub.native import read_network

    folder = Path(model_of(str(model_folder)))
    if not (folder / "config.json").is_file():
        raise ModelFolderError(
            f"{folder}: no config.json, so no model folder; give the one that a recipe left"
        )
    logging.disable_progress_bar()
    try:
        network, labels = read_network(folder)
    except (OSError, ValueError) as error:
        if isinstance(error, ModelFolderError):
            raise
        reason = " ".join(str(error).split())[:300]
        raise ModelFolderError(f"{folder} does not load ({reason}); save it again") from error
    return network.eval(), labels, model_sha256(folder)


def _export(network, labels, path, quantize=False, parts=None, source=None):
    """As :func:`export`; quantised parts that are given have passed unquantised before.

    ``source`` (str) is the hash of the model's folder, which the metadata keep.
    """
    from ser_lib.use.onnx_parts.front_ends import learned_parts, whole

    path, judged = Path(path), parts is not None
    parts = parts or learned_parts(network)
    metadata = {"labels": json.dumps(labels), "sampling_rate": str(network.sample_rate)}
    metadata |= {"model_sha256": source} if source else {}
    if not (judged and quantize):
        model, way = whole(network, parts, metadata)
        deviation, agreement = _written(model, path, network, judge=True, keep=not quantize)
    if quantize:
        from ser_lib.use.onnx_parts.lighter import lighter

        encoders, head = parts
        parts = [model and lighter(model) for model in encoders], lighter(head)
        model, way = whole(network, parts, {**metadata, "weights": "int8"})
        deviation, agreement = _written(model, path, network, judge=False)
    rate = network.sample_rate
    return Exported(path, labels, rate, way, deviation, agreement, path.stat().st_size)


def _written(model, path, network, judge, keep=True):
    """Write a model under another name, check that file, and only then give it its name."""
    import onnx

    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, new)
        deviation, agreement, passed = _checked(new, network)
        if judge and not passed:
            raise ModelFolderError(
                f"onnxruntime answers otherwise than PyTorch (by {deviation:.1g}), so that "
                f"{path} was not written; please report this with the system's name"
            )
        if keep:
            new.replace(path)
        return deviation, agreement
    except OSError as error:
        raise RunError(
            f"{path}: the file cannot be written ({error.strerror or error}); free some space or "
            "choose another --output"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def session(path):
    """onnxruntime's session of a file, on as many CPU threads as PyTorch may use.

    Raises
    ------
    ModelFolderError
        If onnxruntime refuses the file.
    """
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _refusal(error) from None


def _refusal(error):
    """An error of onnxruntime as one line; any other as it is."""
    # They have no common base but this.
    if not type(error).__module__.startswith("onnxruntime"):
        return error
    reason = " ".join(str(error).split())[:300]
    return ModelFolderError(f"onnxruntime refuses the graph ({reason})")


def probabilities(ready, clips):
    """Probabilities ``(clips, classes)`` of samples (list of ndarray), as one padded batch."""
    import numpy as np

    lengths = np.array([len(clip) for clip in clips], np.int64)
    # Whatever padding holds must not matter.
    waveforms = np.full((len(clips), lengths.max()), 0.25, np.float32)
    for row, clip in zip(waveforms, clips, strict=True):
        row[: len(clip)] = clip
    try:
        return ready.run(None, {"waveforms": waveforms, "lengths": lengths})[0]
    except Exception as error:
        raise _refusal(error) from None


def _of_torch(network, clips):
    """Probabilities as PyTorch gives them, each clip alone."""
    import torch

    with torch.inference_mode():
        told = [network(torch.from_numpy(clip)[None]).softmax(dim=1) for clip in clips]
    return torch.cat(told).numpy()


def _voices(rate):
    """Clips that a model is checked on: voices, silence, and next to nothing."""
    import numpy as np

    from ser_lib.audio import resample
    from ser_lib.corpora import sample

    told = (("calm", 0.8), ("angry", 1.7), ("sad", 2.9), ("happy", 4.2))
    voices = [sample.voice(name, seconds=seconds)[0] for name, seconds in told]
    voices = [np.asarray(resample(voice, 48_000, rate), np.float32) for voice in voices]
    silence = np.zeros(rate // 2, np.float32)
    return [*voices, silence, voices[0][-rate // 40 :], voices[1][rate // 2 :][:7]]


def _checked(path, network):
    """Largest deviation of a file from a network, the share of the same first classes, and whether
    every clip is within what it is allowed.
    """
    import numpy as np

    ready, clips = session(path), _voices(network.sample_rate)
    wanted = _of_torch(network, clips)
    allowed = _allowed(network, clips, wanted)
    found = probabilities(ready, clips)
    if found.shape != wanted.shape:
        return float("inf"), 0.0, False
    off = np.abs(found - wanted).max(axis=1)
    # Alone, and in another order: neighbours and padding must not matter.
    for rows in ([1], [len(clips) - 1], [2, 1]):
        again = probabilities(ready, [clips[row] for row in rows])
        off[rows] = np.maximum(off[rows], np.abs(again - wanted[rows]).max(axis=1))
    judged = np.isfinite(allowed)
    same = found.argmax(axis=1) == wanted.argmax(axis=1)
    # Not a number is no agreement either.
    passed = bool((off[judged] <= allowed[judged]).all() and np.isfinite(off).all())
    return float(off[judged].max()), float(same.mean()), passed


def _allowed(network, clips, wanted):
    """How far each clip's probabilities may be off.

    Trees jump where a feature crosses a threshold. With them a clip may be off as far as a change
    of a hundred-thousandth in loudness moves PyTorch's own answer, and what has no sound is not
    judged: what rounding leaves of its features, a tree may cut anywhere.
    """
    import numpy as np

    from ser_lib.models.tree_ensemble import TreeEnsemble

    allowed = np.full(len(clips), TOLERANCE)
    if any(isinstance(module, TreeEnsemble) for module in network.modules()):
        for factor in (1 - 1e-5, 1 + 1e-5):
            moved = _of_torch(network, [clip * np.float32(factor) for clip in clips])
            allowed = np.maximum(allowed, np.abs(moved - wanted).max(axis=1))
        allowed[[len(clip) < network.sample_rate // 50 or not clip.any() for clip in clips]] = (
            np.inf
        )
    return allowed


def _main(argv):
    parser = Parser(
        "export",
        description="Write a model as ONNX: waveforms in, probabilities out, nothing else needed.",
        epilog=_EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", help="model folder or run folder")
    parser.add_argument("--output", metavar="FILE.onnx", help="(default: model.onnx in MODEL)")
    parser.add_argument(
        "--quantize",
        action="store_true",
        help="a second file, FILE-int8.onnx, with eight-bit weights; both are measured",
    )
    parser.add_argument(
        "--data_folder",
        help="measure accuracy on clips of the corpus that the model was trained on; 'sample' "
        "for synthetic ones (default with --quantize)",
    )
    add_classes(parser)
    options = parser.parse_args(argv)
    _need_onnx()
    from ser_lib.use.onnx_parts.front_ends import learned_parts

    network, labels, source = _network(options.model)
    target = Path(options.output or Path(model_of(options.model)) / "model.onnx")
    if target.suffix != ".onnx":
        raise HparamsError(f"--output {target} does not end in .onnx")
    parts = learned_parts(network)
    files = {"onnx": _export(network, labels, target, parts=parts, source=source)}
    _say(files["onnx"], network)
    if options.quantize:
        light = target.with_name(f"{target.stem}-int8.onnx")
        files["onnx int8"] = _export(network, labels, light, True, parts, source)
        _say(files["onnx int8"], network)
        if files["onnx int8"].size > 0.97 * files["onnx"].size:
            print("There was next to nothing to quantise: trees have no weights.")
    where = options.data_folder or ("sample" if options.quantize else None)
    rate = network.sample_rate
    clips, truth = (
        _labelled(options.model, where, labels, rate, options.classes) if where else ([], [])
    )
    _table(network, files, clips, truth, labels)


def _say(exported, network):
    print(f"{exported.path}: {exported.size / 1e6:.2f} MB, {exported.sampling_rate} Hz")
    print(f"  labels: {', '.join(exported.labels)}")
    print(f"  any batch of any lengths; a batch goes through {exported.way}")
    print(
        f"  against PyTorch: probabilities differ by at most {exported.deviation:.1e}; the same "
        f"first class for {exported.agreement:.0%} of the clips of the check",
        flush=True,
    )


def _table(network, files, clips, truth, labels):
    """Size and latency of every form, and accuracy where there are clips."""
    clip = _voices(network.sample_rate)[2]
    ways = {"PyTorch": lambda clips: _of_torch(network, clips)}
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


def _labelled(model, data_folder, labels, rate, classes=None):
    """At most ``_CLIPS`` clips of the model's own corpus, evenly spread, and their emotions."""
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
    print(f"  measured on {len(clips)} {kind} of {corpus.NAME}", flush=True)
    return clips, list(some["emotion"])


if __name__ == "__main__":
    sys.exit(main())
