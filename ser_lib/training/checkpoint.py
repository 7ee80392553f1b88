"""Checkpoints that a crash cannot spoil: written beside the old ones, then renamed into place.

Layout of ``<run>/checkpoints``: ``epoch-0007/`` (weights, optimiser and random states by
Accelerate, ``trainer.json`` of ours) for the last two epochs, and ``best-0005.safetensors``.
They are private to the run; what is published is ``<run>/model``.
"""

import dataclasses
import json
import os
import pickle
import shutil

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ser_lib.errors import RunError


@dataclasses.dataclass
class Progress:
    """How far a run has come: what ``trainer.json`` holds.

    Attributes: ``identity`` (dict that tells this run from any other), ``epoch`` (last finished
    one, from 1), ``history`` (one dict an epoch), ``best_epoch``, ``seconds`` (wall time spent
    training, s), ``stopped_early``, ``facts`` (dict that the report adds to its own).
    """

    identity: dict
    epoch: int = 0
    history: list = dataclasses.field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
    stopped_early: bool = False
    facts: dict = dataclasses.field(default_factory=dict)


# What reading a damaged file can raise, through safetensors, JSON and torch.load.
_UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    EOFError,
    SafetensorError,
    pickle.UnpicklingError,
)


class Checkpoints:
    """The checkpoints of one run.

    Arguments
    ---------
    folder : Path
        ``<run>/checkpoints``.
    accelerator : accelerate.Accelerator
        Saves and restores whatever it has prepared.
    keep : int
        Epochs kept.
    """

    def __init__(self, folder, accelerator, keep=2):
        self.folder, self.accelerator, self.keep = folder, accelerator, keep

    def epochs(self):
        """Complete checkpoints, oldest first (list of Path)."""
        return sorted(p.parent for p in self.folder.glob("epoch-????/trainer.json"))

    def save(self, progress):
        """Write the state after an epoch; earlier checkpoints go only once it is in place."""
        target = self.folder / f"epoch-{progress.epoch:04d}"
        partial = target.with_suffix(".part")
        if self.accelerator.is_main_process:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        self.accelerator.wait_for_everyone()
        self.accelerator.save_state(str(partial))
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            text = json.dumps(dataclasses.asdict(progress), indent=1)
            (partial / "trainer.json").write_text(text, encoding="utf-8")
            for file in partial.iterdir():
                _flush(file)
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
            _flush(self.folder)
            self._tidy(progress)
        self.accelerator.wait_for_everyone()

    def record(self, progress):
        """Write that a system without epochs is made (main process): no weights, ``epoch`` 1."""
        target = self.folder / "epoch-0001"
        target.mkdir(parents=True, exist_ok=True)
        partial = target / "trainer.json.part"
        partial.write_text(json.dumps(dataclasses.asdict(progress), indent=1), encoding="utf-8")
        _flush(partial)
        partial.rename(target / "trainer.json")

    def save_best(self, network, epoch):
        """Write the weights of the best epoch so far (main process)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / "best.part"
        # channels_last tensors are not contiguous, which the format does not know.
        state = {key: value.detach().cpu().contiguous() for key, value in network.items()}
        save_file(state, partial)
        _flush(partial)
        partial.rename(self._best(epoch))

    def load_best(self, progress):
        """State dict of the best epoch; raises RunError where its file is unreadable."""
        path = self._best(progress.best_epoch)
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise RunError(
                f"{path}: {_line(error)}; delete {self.folder.parent} and train again"
            ) from error

    def resume(self, identity):
        """Restore the newest checkpoint, if there is one.

        Arguments
        ---------
        identity : dict
            Of the run that is asking.

        Returns
        -------
        Progress

        Raises
        ------
        RunError
            If the checkpoint belongs to another run or cannot be read.
        """
        progress = self.peek(identity)
        if progress.epoch:
            newest = self.epochs()[-1]
            try:
                self.accelerator.load_state(str(newest))
            except _UNREADABLE as error:
                raise _spoiled(newest, error) from error
        return progress

    def peek(self, identity):
        """Progress of the newest checkpoint without restoring it; same errors as :meth:`resume`."""
        found = self.epochs()
        if not found:
            return Progress(identity)
        path = found[-1] / "trainer.json"
        try:
            progress = Progress(**json.loads(path.read_text(encoding="utf-8")))
            if not isinstance(progress.identity, dict) or not isinstance(progress.epoch, int):
                raise TypeError("trainer.json is not one of ours")
        except _UNREADABLE as error:
            raise _spoiled(found[-1], error) from error
        check_identity(self.folder.parent, progress.identity, identity)
        return progress

    def _best(self, epoch):
        return self.folder / f"best-{epoch:04d}.safetensors"

    def _tidy(self, progress):
        for old in self.epochs()[: -self.keep]:
            shutil.rmtree(old, ignore_errors=True)
        # The checkpoint before this one may still name the best file before this one.
        try:
            spared = {progress.best_epoch, *(_best_of(path) for path in self.epochs())}
        except _UNREADABLE:
            return  # rather too many files than one too few
        for file in self.folder.glob("best-????.safetensors"):
            if int(file.stem[5:]) not in spared:
                file.unlink()


def check_identity(folder, found, wanted):
    """Raise RunError unless a run folder holds the run that is asked for.

    Arguments
    ---------
    folder : Path
        Run folder, for the message.
    found, wanted : dict
        Identities (JSON-ready).
    """
    wanted = json.loads(json.dumps(wanted))
    different = [key for key in wanted | found if wanted.get(key) != found.get(key)]
    if different:
        raise RunError(
            f"{folder} holds a run with another {', '.join(different)}; "
            "choose another --output_folder, or delete that one to start afresh"
        )


def _spoiled(checkpoint, error):
    return RunError(
        f"{checkpoint} cannot be read ({_line(error)}); delete that folder to go on from the epoch "
        "before it, or from the start where there is none"
    )


def _best_of(checkpoint):
    return json.loads((checkpoint / "trainer.json").read_text(encoding="utf-8"))["best_epoch"]


def _flush(path):
    """Make sure a file or folder is on the disk and not only in a buffer."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(error):
    """First line of an error's message (str)."""
    return (str(error) or type(error).__name__).splitlines()[0]
