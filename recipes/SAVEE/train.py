"""Train and evaluate a system on SAVEE: ``python recipes/SAVEE/train.py hparams/X.yaml``."""

import sys

from ser_lib.corpora import savee
from ser_lib.recipe import main

if __name__ == "__main__":
    sys.exit(main(savee))
