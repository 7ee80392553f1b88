"""Read SAVEE and say what is in it: ``python recipes/SAVEE/prepare.py``."""

import functools
import sys

from ser_lib.corpora import describe, savee

main = functools.partial(describe.main, savee)

if __name__ == "__main__":
    sys.exit(main())
