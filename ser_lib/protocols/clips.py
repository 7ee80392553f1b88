"""The few facts about a clip that a split is made from and audited by."""

from dataclasses import dataclass, fields

from ser_lib.errors import ProtocolError


@dataclass(frozen=True)
class Clip:
    """One clip as a protocol sees it; all fields are str, in the words of the manifest.

    ``sha256`` is the hash of the decoded samples. ``gender`` and ``statement`` are empty where
    the corpus does not tell them.
    """

    id: str
    corpus: str
    speaker: str
    gender: str
    emotion: str
    statement: str
    sha256: str

    def facts(self):
        """Everything but the id, as a dict in a fixed key order."""
        return {name: getattr(self, name) for name in FACTS}


FACTS = tuple(field.name for field in fields(Clip) if field.name != "id")
OPTIONAL = ("gender", "statement")


def read_clips(manifest):
    """Clips of a manifest, sorted by id; only the columns named in :class:`Clip` are touched.

    Arguments
    ---------
    manifest : datasets.Dataset
        One row a clip, as the modules of ``ser_lib.corpora`` make it.

    Returns
    -------
    list of Clip

    Raises
    ------
    ProtocolError
        Where the manifest is empty, lacks a column or a value, or holds an id twice.
    """
    columns = ("id", *FACTS)
    missing = [name for name in columns if name not in manifest.column_names]
    if missing:
        raise ProtocolError(
            f"the manifest has no column {', '.join(missing)}; "
            "make it with the corpus module's prepare()"
        )
    values = [[value or "" for value in manifest[name][:]] for name in columns]
    clips = sorted((Clip(*row) for row in zip(*values, strict=True)), key=lambda clip: clip.id)
    if not clips:
        raise ProtocolError("the manifest holds no clips; check the corpus folder")
    for clip in clips:
        empty = [name for name in columns if name not in OPTIONAL and not getattr(clip, name)]
        if empty:
            raise ProtocolError(
                f"clip {clip.id!r} has no {empty[0]} in the manifest; prepare the corpus again"
            )
    for earlier, later in zip(clips, clips[1:], strict=False):
        if earlier.id == later.id:
            raise ProtocolError(
                f"clip {later.id!r} is in the manifest twice; remove the second copy from the "
                "corpus folder and prepare it again"
            )
    return clips
