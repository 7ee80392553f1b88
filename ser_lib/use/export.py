"""``python -m ser_lib export``: a trained model as one ONNX file, from waveform to probabilities.

The front end is inside, so that whoever runs the file needs onnxruntime and nothing else: no
PyTorch, no mel filters of their own. Inputs are ``waveforms`` (batch, time), float32 at the rate
that the file's metadata tells as ``sampling_rate`` (Hz), and ``lengths`` (batch,), int64, samples
before the padding; the output is ``probabilities`` (batch, classes) in the order of the metadata's
``labels`` (JSON); ``model_sha256`` tells which model folder the file is of. Batch and time are free
for every system; how a batch goes through is told in :mod:`ser_lib.use.onnx_parts.front_ends`.

A file is only left where onnxruntime answers as PyTorch does, to 1e-4 in every probability, on
synthetic voices, on silence and on very short clips, alone and in batches
(:mod:`ser_lib.use.export_check`).
"""

import contextlib
import dataclasses
import json
import sys
import uuid
from pathlib import Path

from ser_lib.corpora.choice import add_classes
from ser_lib.errors import HparamsError, ModelFolderError, RunError
from ser_lib.hub.model_folder import model_of
from ser_lib.use.command import Parser, run
from ser_lib.use.export_check import compared
from ser_lib.use.export_table import labelled, show

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
    try:
        # Making the graph takes seconds to minutes: a folder in the way is told before
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
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
        onnx.save(model, new)
        deviation, agreement, passed = compared(new, network)
        if judge and not passed:
            raise ModelFolderError(
                f"onnxruntime answers otherwise than PyTorch (by {deviation:.1g}), so that "
                f"{path} was not written; please report this with the system's name"
            )
        if keep:
            new.replace(path)
        return deviation, agreement
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def _unwritable(path, error):
    reason = error.strerror or error
    return RunError(
        f"{path}: the file cannot be written ({reason}); free some space or choose another --output"
    )


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
    where = options.data_folder or ("sample" if options.quantize else None)
    rate = network.sample_rate
    # Before the export, which takes longer than to find that a folder is not there.
    clips, truth = (
        labelled(options.model, where, labels, rate, options.classes) if where else ([], [])
    )
    parts = learned_parts(network)
    files = {"onnx": _export(network, labels, target, parts=parts, source=source)}
    _say(files["onnx"], network)
    if options.quantize:
        light = target.with_name(f"{target.stem}-int8.onnx")
        files["onnx int8"] = _export(network, labels, light, True, parts, source)
        _say(files["onnx int8"], network)
        if files["onnx int8"].size > 0.97 * files["onnx"].size:
            print("There was next to nothing to quantise: trees have no weights.")
    show(network, files, clips, truth, labels)


def _say(exported, network):
    print(f"{exported.path}: {exported.size / 1e6:.2f} MB, {exported.sampling_rate} Hz")
    print(f"  labels: {', '.join(exported.labels)}")
    print(f"  any batch of any lengths; a batch goes through {exported.way}")
    print(
        f"  against PyTorch: probabilities differ by at most {exported.deviation:.1e}; the same "
        f"first class for {exported.agreement:.0%} of the clips of the check",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
