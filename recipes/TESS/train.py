"""Train and evaluate a system on TESS: ``python recipes/TESS/train.py hparams/X.yaml``."""

import sys

from ser_lib.corpora import tess
from ser_lib.recipe import main

if __name__ == "__main__":
    sys.exit(main(tess))
