"""What a run says: short lines and bars on the console, dated lines in ``<run>/log.txt``."""

import contextlib
import logging
import sys

logger = logging.getLogger("ser_lib")


def log_to_console(level):
    """Print the package's log from ``level`` (int) up, without tearing progress bars apart."""
    from speechbrain.utils.logger import TqdmCompatibleStreamHandler

    handler = TqdmCompatibleStreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(level)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)


def progress_bar(iterable, description, unit):
    """Progress bar over an iterable, on the main process; it is gone when done.

    Written to a file rather than a terminal, each state of a bar is a line of its own, so there
    it speaks up every half minute only.
    """
    from accelerate.utils import tqdm

    pause = 0.1 if sys.stderr.isatty() else 30
    return tqdm(iterable, desc=description, unit=unit, leave=False, mininterval=pause)


@contextlib.contextmanager
def log_to_file(path):
    """Write the package's log to the end of a file (Path) too, as long as the context lasts."""
    handler = _File(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    try:
        yield
    except BaseException as error:
        # The console gets its own line from whoever catches this.
        facts = {"name": logger.name, "levelname": "ERROR", "msg": f"ended early: {error!r}"}
        handler.handle(logging.makeLogRecord(facts))
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()


class _File(logging.FileHandler):
    """On a full disk the run ends with a line of its own; no traceback for every line lost."""

    def handleError(self, record):
        """Lose the line."""

    def close(self):
        """Close, whatever is left to write."""
        with contextlib.suppress(OSError):
            super().close()
