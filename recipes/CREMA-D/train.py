"""Train and evaluate a system on CREMA-D: ``python recipes/CREMA-D/train.py hparams/X.yaml``."""

import sys

from ser_lib.corpora import cremad
from ser_lib.recipe import main

if __name__ == "__main__":
    sys.exit(main(cremad))
