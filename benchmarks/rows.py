"""What a benchmark measures, and how it is told."""

import dataclasses
import statistics
import time


@dataclasses.dataclass
class Row:
    """One comparison.

    ``ours`` and ``theirs`` in s (``theirs`` None where only a limit is asked for). ``reach`` is
    ``("times", 3)``: theirs takes at least 3 times as long; ``("share", 0.6)``: ours takes at most
    0.6 of theirs; ``("seconds", 0.025)``: ours takes at most so long; or None. ``share``, where
    given, is measured instead of a time.
    """

    what: str
    against: str
    ours: float
    theirs: float | None = None
    reach: tuple | None = None
    note: str = ""

    @property
    def met(self):
        """Whether the target is reached (bool or None)."""
        if self.reach is None:
            return None
        kind, limit = self.reach
        if kind == "times":
            return self.theirs / self.ours >= limit
        return (self.ours / self.theirs if kind == "share" else self.ours) <= limit

    @property
    def cells(self):
        """What, against, ours, theirs, ratio, target, met (list of str)."""
        kind, limit = self.reach or ("share", None)
        ratio = "–"
        if self.theirs is not None:
            ratio = f"{self.theirs / self.ours:.1f}x"
            if kind == "share":
                ratio = f"{self.ours / self.theirs:.2f} of it"
        targets = {"times": f"{limit}x", "share": f"{limit} of it"}
        target = targets.get(kind) or seconds(limit)
        return [
            self.what,
            self.against,
            seconds(self.ours),
            seconds(self.theirs),
            ratio,
            target if limit is not None else "–",
            {True: "yes", False: "**no**", None: "–"}[self.met],
            self.note,
        ]


def seconds(value):
    """A time in s (float or None) with its unit, three digits."""
    if value is None:
        return "–"
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"


def median(job, runs=5, warm=1):
    """Median wall time (s) of ``runs`` calls of ``job``, after ``warm`` that do not count."""
    for _ in range(warm):
        job()
    return statistics.median(timed(job) for _ in range(runs))


def side_by_side(jobs, runs=5, warm=1):
    """Median wall times (s) of several jobs (list), their runs taking turns.

    What else a machine does then weighs on all of them alike.
    """
    for job in jobs:
        for _ in range(warm):
            job()
    times = [[timed(job) for job in jobs] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def timed(job):
    """Wall time (s) of one call."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began
