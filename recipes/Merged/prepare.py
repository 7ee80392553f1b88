"""Read the merged corpus and say what is in it: ``python recipes/Merged/prepare.py``."""

import functools
import sys

from ser_lib.corpora import describe, merged

main = functools.partial(describe.main, merged)

if __name__ == "__main__":
    sys.exit(main())
