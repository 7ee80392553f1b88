"""Train and evaluate a system on RAVDESS: ``python recipes/RAVDESS/train.py hparams/X.yaml``."""

import sys

from ser_lib.corpora import ravdess
from ser_lib.recipe import main

if __name__ == "__main__":
    sys.exit(main(ravdess))
