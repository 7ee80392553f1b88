"""Train and evaluate on the merged corpus: ``python recipes/Merged/train.py hparams/X.yaml``."""

import sys

from ser_lib.corpora import merged
from ser_lib.recipe import main

if __name__ == "__main__":
    sys.exit(main(merged))
