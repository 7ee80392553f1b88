"""Freed memory stays with the process.

A training step on a CPU frees tensors of many megabytes and asks for the same again. By default
the GNU C library hands such blocks back to the system at once, which then clears every page anew:
more than a third of a step of a small CNN. The blocks of every step are alike, so that keeping
them costs no more than the largest step.
"""

import ctypes
import os
import platform

# Names and numbers of malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_PAD_BYTES = 64 * 2**20


def keep_freed_memory():
    """Tell the C library of this process to keep what is freed.

    Nothing happens on a system without the GNU C library, or where the person has set one of its
    ``MALLOC_`` variables.

    Returns
    -------
    bool
        Whether it was told.
    """
    told_already = any(name.startswith("MALLOC_") for name in os.environ)
    if platform.libc_ver()[0] != "glibc" or told_already:
        return False
    library = ctypes.CDLL(None)
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_TOP_PAD, _PAD_BYTES))
    return all([library.mallopt(name, value) for name, value in settings])
