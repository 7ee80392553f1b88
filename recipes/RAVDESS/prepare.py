"""Read RAVDESS into a manifest and say what is in it: ``python recipes/RAVDESS/prepare.py``."""

import functools
import sys

from ser_lib.corpora import describe, ravdess

main = functools.partial(describe.main, ravdess)

if __name__ == "__main__":
    sys.exit(main())
