"""One run at a time in a folder, whatever happens to the first."""

import contextlib
import logging
import time

from accelerate.utils import broadcast_object_list, gather_object
from filelock import FileLock, Timeout

from ser_lib.errors import RunError, ToldElsewhere

logger = logging.getLogger(__name__)

_NAME = ".lock"
# Processes that decode clips outlive a killed run by a few seconds and hold what it held.
_WAIT_S = 6.0


@contextlib.contextmanager
def only_run(folder, accelerator):
    """In here no other command works in a run folder; of several processes the main one sees to it.

    The operating system frees the lock when its process ends, however that ends; the file that
    stays behind says nothing.

    Arguments
    ---------
    folder : Path
        Run folder.
    accelerator : accelerate.Accelerator
        Of this run.

    Raises
    ------
    RunError
        If another command is at work there.
    """
    lock, problem = FileLock(folder / _NAME), None
    if accelerator.is_main_process:
        try:
            lock.acquire(timeout=_WAIT_S)
        except Timeout:
            problem = (
                f"another command is at work in {folder}; wait for it to end, or choose another "
                "--output_folder"
            )
        except (OSError, NotImplementedError) as error:
            # Some network drives know no locks; a run there is worth more than this promise.
            logger.warning("%s cannot be locked (%s); do not start a second run", folder, error)
    if accelerator.num_processes > 1:
        problem = broadcast_object_list([problem])[0] or _not_shared(folder)
    try:
        if problem:
            raise (RunError if accelerator.is_main_process else ToldElsewhere)(problem)
        yield
    finally:
        lock.release()


def _not_shared(folder):
    """What is wrong (str) where a process does not see the main one's run folder, or None."""
    deadline = time.monotonic() + _WAIT_S
    # A network drive may show a new file some seconds late.
    while not (seen := (folder / _NAME).exists()) and time.monotonic() < deadline:
        time.sleep(0.2)
    told = gather_object([seen])
    if all(told) or not told[0]:
        return None
    return (
        f"{folder} is not the same folder on all machines of this run; choose an --output_folder "
        "on a disk that they share"
    )
