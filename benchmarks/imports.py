"""How long a person waits for an import and for help."""

import subprocess
import sys
from pathlib import Path

from benchmarks.rows import Row, median

_ROOT = Path(__file__).resolve().parent.parent
_COMMANDS = {
    "import ser_lib": ["-c", "import ser_lib"],
    "train.py --help": ["recipes/RAVDESS/train.py", "--help"],
    "python -m ser_lib --help": ["-m", "ser_lib", "--help"],
    "predict --help": ["-m", "ser_lib", "predict", "--help"],
}


def rows(options):
    """A row a command, each under a second."""

    def run(words):
        subprocess.run([sys.executable, *words], cwd=_ROOT, check=True, capture_output=True)

    return [
        Row(name, "a second", median(lambda: run(words), 3), None, ("seconds", 1.0))  # noqa: B023
        for name, words in _COMMANDS.items()
    ]
