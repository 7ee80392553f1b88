"""Pictures of emotion over time, one a recording, each under a file name of its own."""

import itertools
from pathlib import Path

from ser_lib.use.files import STANDARD_INPUT
from ser_lib.use.output import plain


class Pictures:
    """Draws timelines into a folder.

    Arguments
    ---------
    folder : Path or None
        Where PNG files go; None draws nothing.
    subtitle : str
        What heard them, and how.
    """

    def __init__(self, folder, subtitle):
        self.folder, self.subtitle, self.taken = folder, plain(subtitle), set()

    def draw(self, heard):
        """Draw one :class:`ser_lib.use.stream.Heard`; RunError where it cannot be written."""
        if self.folder is None:
            return
        from ser_lib.evaluation.timeline import timeline_figure

        name = "standard input" if heard.file == STANDARD_INPUT else Path(heard.file).name
        found = heard.timeline
        timeline_figure(
            found.starts,
            found.ends,
            found.probabilities,
            [plain(label) for label in found.labels],
            self.folder / f"{self._free(name)}.png",
            f"{plain(name)}: emotion over time",
            self.subtitle,
        )

    def _free(self, name):
        """File name without suffix that no earlier picture has, whatever the capitals."""
        stem = plain(Path(name).stem).replace("\\", "_") or "sound"
        numbered = (f"{stem}-{count}" for count in itertools.count(2))
        free = next(n for n in itertools.chain([stem], numbered) if n.casefold() not in self.taken)
        self.taken.add(free.casefold())
        return free
