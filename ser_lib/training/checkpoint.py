"""Checkpoints that a crash cannot spoil: written beside the old ones, then renamed into place.

Layout of ``<run>/checkpoints``: ``epoch-0007/`` (weights, optimiser and random states by
Accelerate, ``trainer.json`` of ours) for the last two epochs, ``epoch-0007-step-000012/`` where
somebody asked to leave in the midst of the eighth, and ``best-0005.safetensors``; ``broken/`` is
the state in which numbers ceased to be finite, to be looked at. They are private to the run; what
is published is ``<run>/model``.
"""

import contextlib
import dataclasses
import json
import os
import pickle
import re
import shutil

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ser_lib.errors import RunError
from ser_lib.plain import first_sentence


@dataclasses.dataclass
class Progress:
    """How far a run has come: what ``trainer.json`` holds.

    Attributes: ``identity`` (dict that tells this run from any other), ``epoch`` (last finished
    one, from 1), ``history`` (one dict an epoch), ``best_epoch``, ``seconds`` (wall time spent
    training, s), ``stopped_early``, ``facts`` (dict that the report adds to its own), ``within``
    (where the next epoch has begun: its ``step``, ``seconds``, and ``sums`` of each process).
    """

    identity: dict
    epoch: int = 0
    history: list = dataclasses.field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
    stopped_early: bool = False
    facts: dict = dataclasses.field(default_factory=dict)
    within: dict = dataclasses.field(default_factory=dict)


_NAME = re.compile(r"epoch-\d{4}(-step-\d{6})?")

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
        found = (p.parent for p in self.folder.glob("epoch-*/trainer.json"))
        return sorted(p for p in found if _NAME.fullmatch(p.name))

    def save(self, progress):
        """Write the state after an epoch, or within one; earlier ones go once it is in place.

        Raises
        ------
        RunError
            If the disk refuses; the checkpoints before are untouched.
        """
        name = f"epoch-{progress.epoch:04d}"
        if progress.within:
            name += f"-step-{progress.within['step']:06d}"
        self._write(self.folder / name, progress)
        if self.accelerator.is_main_process:
            self._tidy(progress)
        self.accelerator.wait_for_everyone()

    def save_broken(self, progress, facts):
        """Write the state in which a number ceased to be finite, to be looked at, not resumed.

        Arguments
        ---------
        progress : Progress
        facts : dict
            What is known, for its ``trainer.json``.
        """
        self._write(self.folder / "broken", dataclasses.replace(progress, facts=facts))

    def _write(self, target, progress):
        partial = target.with_suffix(".part")
        with _writing(partial, self.folder.parent):
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

    def record(self, progress):
        """Write that a system without epochs is made (main process): no weights, ``epoch`` 1."""
        target = self.folder / "epoch-0001"
        partial = target / "trainer.json.part"
        with _writing(partial, self.folder.parent):
            target.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(dataclasses.asdict(progress), indent=1), encoding="utf-8")
            _flush(partial)
            partial.rename(target / "trainer.json")

    def save_best(self, network, epoch):
        """Write the weights of the best epoch so far (main process)."""
        partial = self.folder / "best.part"
        # channels_last tensors are not contiguous, which the format does not know.
        state = {key: value.detach().cpu().contiguous() for key, value in network.items()}
        with _writing(partial, self.folder.parent):
            self.folder.mkdir(parents=True, exist_ok=True)
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
                f"{path}: {first_sentence(error)}; delete {self.folder.parent} and train again"
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
        if progress.epoch or progress.within:
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
        # What a kill in mid-save left behind.
        for half in self.folder.glob("epoch-*.part"):
            shutil.rmtree(half, ignore_errors=True)
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


@contextlib.contextmanager
def _writing(partial, run):
    """Turn what a full or closed disk raises into one line, and take away what was begun."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _is_of_the_disk(error):
            raise
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        reason = (
            error.strerror
            if isinstance(error, OSError) and error.strerror
            else first_sentence(error)
        )
        raise RunError(
            f"{partial} cannot be written ({reason}); {run} keeps its last checkpoint: make room, "
            "then start the same command again"
        ) from error


def _is_of_the_disk(error):
    """Whether a RuntimeError is torch.save's for a file that cannot be written (bool)."""
    return any(words in str(error) for words in ("PytorchStreamWriter", "inline_container"))


def _spoiled(checkpoint, error):
    return RunError(
        f"{checkpoint} cannot be read ({first_sentence(error)}); delete that folder to go on from "
        "the epoch before it, or from the start where there is none"
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
