"""Read TESS and say what is in it: ``python recipes/TESS/prepare.py``."""

import functools
import sys

from ser_lib.corpora import describe, tess

main = functools.partial(describe.main, tess)

if __name__ == "__main__":
    sys.exit(main())
