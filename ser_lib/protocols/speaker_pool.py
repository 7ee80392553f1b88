"""A random cut over the clips of some speakers; those of the others are on no side."""

from dataclasses import dataclass

from ser_lib.errors import ProtocolError
from ser_lib.protocols.registry import Protocol, register


@dataclass(frozen=True, kw_only=True)
class SpeakerPool(Protocol):
    """The clips of ``speakers`` are cut by chance within each class, twice by the same rule.

    Both cuts are scikit-learn's ``train_test_split``, stratified by emotion, the first over the
    clips in the order of their ids, the second over what it leaves. All other clips are left out.

    Arguments
    ---------
    speakers : tuple of str
        Whose clips are used.
    test, validation : float
        Share of the clips that test, and share of the others that validate, in (0, 1).
    random_state : int
        Seed of both cuts; it belongs to the protocol.
    """

    speakers: tuple
    test: float
    validation: float
    random_state: int

    def cut(self, clips, fold, seed):
        """Sides of the only fold, see :meth:`Protocol.cut`; raises ProtocolError as it does."""
        # Only such protocols need scikit-learn, which takes a second to import.
        from sklearn.model_selection import train_test_split

        pool = [clip for clip in clips if clip.speaker in self.speakers]
        try:
            rest, test = train_test_split(
                pool,
                test_size=self.test,
                random_state=self.random_state,
                stratify=[clip.emotion for clip in pool],
            )
            train, validation = train_test_split(
                rest,
                test_size=self.validation,
                random_state=self.random_state,
                stratify=[clip.emotion for clip in rest],
            )
        except ValueError as error:
            raise ProtocolError(
                f"{self.name} cannot cut the {len(pool)} clips of speakers {self.speakers[0]} to "
                f"{self.speakers[-1]} by class; add clips (scikit-learn: "
                f"{' '.join(str(error).split())})"
            ) from error
        return tuple([clip.id for clip in side] for side in (train, validation, test))


register(
    SpeakerPool(
        name="ravdess-19-source",
        corpus="RAVDESS",
        short="actors 1-19: random fifth of each class tests, an eighth of the rest validates",
        credit="harshpreet07; validation ours",
        describe="Of the clips of actors 1 to 19 a random fifth of each class tests and an eighth "
        "of the rest validates; actors 20 to 24 are left out.",
        source="github.com/harshpreet07/Speech-Emotion-Recognition-on-RAVDESS-Dataset "
        "(EE708, IIT Kanpur), its tree and forest: 912/228 clips of actors 1-19, stratified, with "
        "scikit-learn's random state 42; the validation part is ours.",
        notes=(
            "Not speaker-independent: the nineteen actors are on every side. Report it beside "
            "ravdess-si6, never instead.",
            "The source tests on the clips that chose a tree's settings or a network's epoch, and "
            "takes files in the order in which the disk gives them, so that its 228 clips are "
            "other ones by the same rule; its network's cut is not by class.",
        ),
        promises=("clip-once", "copies-with-clip"),
        speakers=tuple(f"{actor:02d}" for actor in range(1, 20)),
        test=0.2,
        validation=0.125,
        random_state=42,
    )
)
