"""ONNX files in a model folder: whether they say what the model beside them says."""

import hashlib
import mmap
from pathlib import Path

SUFFIX = ".onnx"


def model_sha256(folder):
    """Hash of a model folder's weights and configuration, which decide what it answers (str).

    An exported file holds it in its metadata, as ``model_sha256``.

    Arguments
    ---------
    folder : str or os.PathLike
        What ``save_model`` wrote.
    """
    digest = hashlib.sha256()
    for path in [Path(folder) / "config.json", *sorted(Path(folder).glob("*.safetensors"))]:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def is_of(path, sha256):
    """Whether an ONNX file was exported from the model of a hash (bool).

    Metadata lie in the file as they are, so that nothing has to be installed to find them.
    """
    with Path(path).open("rb") as file:
        if not file.seek(0, 2):
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(sha256.encode()) >= 0
