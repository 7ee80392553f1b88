"""What onnxruntime answers beside what PyTorch does, on synthetic voices and on next to nothing."""

from ser_lib.errors import ModelFolderError

#: Largest difference of a probability from PyTorch's.
TOLERANCE = 1e-4


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


def of_torch(network, clips):
    """Probabilities ``(clips, classes)`` as PyTorch gives them, each clip alone."""
    import torch

    with torch.inference_mode():
        told = [network(torch.from_numpy(clip)[None]).softmax(dim=1) for clip in clips]
    return torch.cat(told).numpy()


def voices(rate):
    """Clips that a model is checked on at a rate in Hz: voices, silence, and next to nothing."""
    import numpy as np

    from ser_lib.audio import resample
    from ser_lib.corpora import sample

    told = (("calm", 0.8), ("angry", 1.7), ("sad", 2.9), ("happy", 4.2))
    said = [sample.voice(name, seconds=seconds)[0] for name, seconds in told]
    said = [np.asarray(resample(voice, 48_000, rate), np.float32) for voice in said]
    silence = np.zeros(rate // 2, np.float32)
    return [*said, silence, said[0][-rate // 40 :], said[1][rate // 2 :][:7]]


def compared(path, network):
    """Largest deviation of a file from a network, the share of the same first classes, and whether
    every clip is within what it is allowed.
    """
    import numpy as np

    ready, clips = session(path), voices(network.sample_rate)
    wanted = of_torch(network, clips)
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
            moved = of_torch(network, [clip * np.float32(factor) for clip in clips])
            allowed = np.maximum(allowed, np.abs(moved - wanted).max(axis=1))
        allowed[[len(clip) < network.sample_rate // 50 or not clip.any() for clip in clips]] = (
            np.inf
        )
    return allowed
