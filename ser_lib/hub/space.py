"""A Hub Space, the demo page beside a published model, as a folder that can be pushed."""

import importlib.metadata
import json
import shutil
from pathlib import Path

from huggingface_hub.utils import HFValidationError, validate_repo_id

import ser_lib
from ser_lib.errors import HubError, RunError
from ser_lib.files import write_text

_APP = '''\
"""The demo page of {model_id}; it runs here as on any machine: python app.py"""

from ser_lib.use.demo import serve

MODELS = [{model_id!r}]

if __name__ == "__main__":
    serve(MODELS, min_confidence={min_confidence!r})
'''

_README = """\
---
title: {title}
sdk: gradio
sdk_version: {sdk_version}
app_file: app.py
python_version: "3.12"
license: apache-2.0
short_description: Which emotion does a clip of speech sound like?
models:
- {model_id}
tags:
- speech-emotion-recognition
- ser_lib
---

Record a clip or drop a sound file: waveform, spectrogram, the probability of each emotion, and
emotion over time for longer clips, by [{model_id}](https://huggingface.co/{model_id}).

A model guesses how acted speech was meant to sound, not what anybody feels. Not for use on people
without their consent, nor for decisions about them. What the model was trained on, and its measured
limits, stand on the page and in the model's card.

`ser_lib/` is the package that trained the model. Where the model is private, give this Space a
secret named `HF_TOKEN` that may read it.
"""


def write_space(folder, model_id, min_confidence=0.5):
    """Write a Space that shows a model of the Hub.

    The package goes along as source, so that nothing is fetched under its name from an index.

    Arguments
    ---------
    folder : str or os.PathLike
        Where ``app.py``, ``requirements.txt``, ``README.md`` and ``ser_lib/`` go; made where
        absent, and files of these names are replaced.
    model_id : str
        The model on the Hub, as ``name/model``.
    min_confidence : float
        Below this probability the page calls an answer unsure.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    HubError
        If ``model_id`` is no full Hub id, or the package was not installed, so that its
        requirements are not known.
    RunError
        If the folder cannot be written.
    """
    try:
        validate_repo_id(model_id)
    except HFValidationError as error:
        raise HubError(f"{model_id!r} is no Hub id; write it as 'name/model'") from error
    if "/" not in model_id:
        raise HubError(f"{model_id!r} does not say whose model it is; write it as 'name/model'")
    needed = _requirements()
    folder = Path(folder)
    told = {
        "model_id": model_id,
        "min_confidence": float(min_confidence),
        "title": json.dumps(f"Try {model_id.rpartition('/')[2]}"),
        "sdk_version": _gradio_version(),
    }
    write_text(folder / "app.py", _APP.format(**told))
    write_text(folder / "README.md", _README.format(**told))
    write_text(folder / "requirements.txt", "\n".join(needed) + "\n")
    source = Path(ser_lib.__file__).parent
    if (folder / "ser_lib").resolve() != source.resolve():
        try:
            shutil.rmtree(folder / "ser_lib", ignore_errors=True)
            shutil.copytree(
                source, folder / "ser_lib", ignore=shutil.ignore_patterns("__pycache__", ".*")
            )
        except (OSError, shutil.Error) as error:
            raise RunError(f"{folder / 'ser_lib'}: cannot be written ({error})") from error
    return folder


def _requirements():
    """Lines for pip: what the package needs, torch in its small build for processors."""
    try:
        told = importlib.metadata.requires("ser-lib") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise HubError(
            "ser_lib is not installed here, so what a Space must install is not known; "
            "run pip install -e . first"
        ) from error
    # The Space's own sdk_version brings gradio.
    needed = [line for line in told if "extra ==" not in line]
    return ["--extra-index-url https://download.pytorch.org/whl/cpu", *needed]


def _gradio_version():
    """The version that the page was tried with here, or one that it is known to run on."""
    try:
        return importlib.metadata.version("gradio")
    except importlib.metadata.PackageNotFoundError:
        return "6.31.0"
