"""Read CREMA-D and say what is in it: ``python recipes/CREMA-D/prepare.py``."""

import functools
import sys

from ser_lib.corpora import cremad, describe

main = functools.partial(describe.main, cremad)

if __name__ == "__main__":
    sys.exit(main())
