"""Train and evaluate a system on EMO-DB: ``python recipes/EMO-DB/train.py hparams/X.yaml``."""

import sys

from ser_lib.corpora import emodb
from ser_lib.recipe import main

if __name__ == "__main__":
    sys.exit(main(emodb))
