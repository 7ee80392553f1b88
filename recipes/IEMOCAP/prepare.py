"""Read IEMOCAP into a manifest and say what is in it: ``python recipes/IEMOCAP/prepare.py``.

``--classes source4|merged4|all`` and ``--audio sentences|dialogues`` choose what of the corpus.
"""

import functools
import sys

from ser_lib.corpora import describe, iemocap

main = functools.partial(iemocap.run, describe.main)

if __name__ == "__main__":
    sys.exit(main())
