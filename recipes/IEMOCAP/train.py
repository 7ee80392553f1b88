"""Train and evaluate a system on IEMOCAP: ``python recipes/IEMOCAP/train.py hparams/X.yaml``.

``--classes source4|merged4|all`` and ``--audio sentences|dialogues`` choose what of the corpus.
"""

import sys

from ser_lib.corpora import iemocap
from ser_lib.recipe import main

if __name__ == "__main__":
    sys.exit(iemocap.run(main))
