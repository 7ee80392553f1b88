"""How long a sweep will go on, from the runs that have ended."""

from collections import defaultdict


class Forecast:
    """Time left; a run is expected to take as long a fold as the ended ones of its system.

    Arguments
    ---------
    workers : int
        Runs at a time.
    """

    def __init__(self, workers=1):
        self.workers, self._open, self._taken = workers, {}, defaultdict(list)

    def expect(self, planned):
        """Note runs that are to be made (iterable of Planned)."""
        self._open |= {one.key: one for one in planned}

    def ended(self, planned, seconds):
        """Note that a run has ended after so many seconds (float)."""
        self._open.pop(planned.key, None)
        self._taken[(planned.recipe, planned.system)].append(seconds / planned.units)

    def seconds(self):
        """Expected seconds until all is done (float), None before anything has ended."""
        taken = [value for values in self._taken.values() for value in values]
        if not taken:
            return None
        total = 0.0
        for planned in self._open.values():
            own = self._taken.get((planned.recipe, planned.system)) or taken
            total += planned.units * sum(own) / len(own)
        return total / max(1, min(self.workers, len(self._open)))

    def left(self):
        """The same in words (str): ``12 left, about 2 h 5 min``."""
        if not self._open:
            return "none left"
        seconds = self.seconds()
        about = "" if seconds is None else f", about {duration(seconds)}"
        return f"{len(self._open)} left{about}"


def duration(seconds):
    """``40 s``, ``5 min`` or ``2 h 5 min`` (str)."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
