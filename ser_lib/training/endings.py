"""How training ends before its last epoch: asked to leave, or because numbers are not finite.

Of several processes all end at the same step: each decision is one that all of them know.
"""

import math
import signal

import torch
from accelerate.utils import gather_object

from ser_lib.errors import RunError, ToldElsewhere
from ser_lib.interruption import Requests, Stopped


class Endings:
    """Requests to leave, and the checks of a step's numbers, for a ``with`` statement.

    Arguments
    ---------
    accelerator : accelerate.Accelerator
    checkpoints : Checkpoints
        Of the run.
    folder : Path
        Run folder, for messages.
    """

    def __init__(self, accelerator, checkpoints, folder):
        self.accelerator, self.checkpoints, self.folder = accelerator, checkpoints, folder
        self.requests = Requests()

    def __enter__(self):
        self.requests.__enter__()
        return self

    def __exit__(self, *error):
        self.requests.__exit__(*error)

    def agreed(self, broken=False):
        """Whether on any process numbers are ``broken``, and whether any was asked to leave.

        Returns
        -------
        tuple of two bool
            The same on all processes.
        """
        flags = broken, self.requests.signum > 0
        if self.accelerator.num_processes == 1:
            return flags
        told = torch.tensor(flags, dtype=torch.float32, device=self.accelerator.device)
        broken, leave = (count > 0 for count in self.accelerator.reduce(told).tolist())
        return broken, leave

    def check_gradients(self, model, progress, step, ids):
        """Stop before gradients that are not finite spoil the weights.

        Those of float16 are left to the scaler, which leaves such a step out.
        """
        if self.accelerator.scaler is not None:
            return
        found = [p.grad for p in model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(found).item()
        # The same on all processes, for gradients have been averaged.
        if not math.isfinite(norm):
            self.give_up(f"the norm of the gradients is {norm}", progress, step, ids)

    def give_up(self, what, progress, step, ids):
        """Save for inspection and raise RunError; to be called on all processes.

        Arguments
        ---------
        what : str
            What is not finite.
        progress : Progress
        step : int
            Steps of the epoch that were done before.
        ids : list of str
            Clips of this process's part of the batch.
        """
        epoch = progress.epoch + 1
        told = gather_object([ids]) if self.accelerator.num_processes > 1 else [ids]
        ids = [clip for part in told for clip in part]
        facts = {"epoch": epoch, "step": step + 1, "what": what, "clips": ids}
        try:
            self.checkpoints.save_broken(progress, facts)
            kept = "and checkpoints/broken this one"
        except RunError as error:
            kept = f"but {error}"
        if not self.accelerator.is_main_process:
            raise ToldElsewhere(what)
        raise RunError(
            f"{what} in epoch {epoch}, step {step + 1}; clips: {_some(ids)}; try a smaller lr. "
            f"{self.folder} keeps the state before this epoch, {kept}"
        )

    def leave(self, progress, where=None):
        """Save, unless the end of an epoch was saved already, and raise Stopped; on all processes.

        Arguments
        ---------
        progress : Progress
        where : tuple or None
            Within an epoch: steps done, steps of an epoch, seconds, and this process's sums.
        """
        told = f"epoch {progress.epoch} is saved"
        if where is not None:
            step, steps, seconds, sums = where
            parts = [list(sums)]
            if self.accelerator.num_processes > 1:
                parts = gather_object(parts)
            progress.within = {"step": step, "seconds": round(seconds, 2), "sums": parts}
            self.checkpoints.save(progress)
            told = f"epoch {progress.epoch + 1} is saved after step {step} of {steps}"
        raise Stopped(self.requests.signum or signal.SIGTERM, told)


def _some(ids, most=4):
    """The first few of many ids (str)."""
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more
