"""Read EMO-DB into a manifest and say what is in it: ``python recipes/EMO-DB/prepare.py``."""

import functools
import sys

from ser_lib.corpora import describe, emodb

main = functools.partial(describe.main, emodb)

if __name__ == "__main__":
    sys.exit(main())
