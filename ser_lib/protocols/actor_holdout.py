"""Some speakers held out for test, a random cut over the clips of all others for validation."""

from dataclasses import dataclass

from ser_lib.errors import ProtocolError
from ser_lib.protocols.registry import Protocol, register


@dataclass(frozen=True, kw_only=True)
class ActorHoldout(Protocol):
    """``test_speakers`` test; the clips of ``train_speakers`` are cut by chance within each class.

    The inner cut is scikit-learn's ``train_test_split``, stratified by emotion, over the clips in
    the order of their ids.

    Arguments
    ---------
    train_speakers, test_speakers : tuple of str
        Who trains or validates, and who tests.
    train_size : float
        Share of the inner clips that train, in (0, 1).
    random_state : int
        Seed of the inner cut; it belongs to the protocol.
    """

    train_speakers: tuple
    test_speakers: tuple
    train_size: float
    random_state: int

    def cut(self, clips, fold, seed):
        """Sides of the only fold, see :meth:`Protocol.cut`; raises ProtocolError as it does."""
        # Only this protocol needs scikit-learn, which takes a second to import.
        from sklearn.model_selection import train_test_split

        known = {*self.train_speakers, *self.test_speakers}
        strangers = sorted({clip.speaker for clip in clips} - known)
        if strangers:
            raise ProtocolError(
                f"{self.name} has no side for speaker {' '.join(strangers)}; "
                "remove those clips or use another protocol"
            )
        test = [clip.id for clip in clips if clip.speaker in self.test_speakers]
        inner = [clip for clip in clips if clip.speaker in self.train_speakers]
        if not test or not inner:
            side, wanted = ("train", self.train_speakers) if test else ("test", self.test_speakers)
            raise ProtocolError(
                f"{self.name} has no {side} clips: none of the actors {wanted[0]} to {wanted[-1]} "
                "is in this corpus; add them"
            )
        try:
            train, validation = train_test_split(
                [clip.id for clip in inner],
                train_size=self.train_size,
                random_state=self.random_state,
                stratify=[clip.emotion for clip in inner],
            )
        except ValueError as error:
            raise ProtocolError(
                f"{self.name} cannot cut the {len(inner)} clips of its training actors by class; "
                f"add clips (scikit-learn: {' '.join(str(error).split())})"
            ) from error
        return train, validation, test


register(
    ActorHoldout(
        name="ravdess-19-5",
        corpus="RAVDESS",
        short="actors 20-24 test; 34 % of the clips of the others validate",
        credit="harshpreet07",
        describe="Actors 20 to 24 test; the clips of actors 1 to 19 are cut 66/34 by chance within "
        "each class, so validation shares its speakers with train.",
        source="github.com/harshpreet07/Speech-Emotion-Recognition-on-RAVDESS-Dataset "
        "(EE708, IIT Kanpur): actors 1-19 against 20-24, inner cut 0.66 with random state 42.",
        notes=(
            "Validation hears the voices of train, so a model chosen on it looks better there "
            "than on the five test actors (three women, two men).",
            "The source cuts with the same function and seed from files in the order of their "
            "folder: as many clips on each side, not the same ones.",
        ),
        promises=("test-speakers-unseen", "clip-once", "copies-with-clip"),
        train_speakers=tuple(f"{actor:02d}" for actor in range(1, 20)),
        test_speakers=tuple(f"{actor:02d}" for actor in range(20, 25)),
        train_size=0.66,
        random_state=42,
    )
)
