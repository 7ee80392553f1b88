"""What rules that cut by speaker have in common: sides, the circle, refusals."""

from ser_lib.errors import ProtocolError


def by_speaker(clips, tested, validating):
    """Clip ids of train, validation and test (three lists) for sets of speakers.

    Arguments
    ---------
    clips : iterable of ser_lib.protocols.clips.Clip
        To be cut.
    tested, validating : container of str
        Speakers who test, and who validate; all others train.
    """
    train, validation, test = [], [], []
    for clip in clips:
        if clip.speaker in tested:
            test.append(clip.id)
        elif clip.speaker in validating:
            validation.append(clip.id)
        else:
            train.append(clip.id)
    return train, validation, test


def half_a_turn_on(circle, fold, folds):
    """``circle`` (list), begun half a turn on from the place of ``fold`` (1 to ``folds``) on it."""
    # In halves of a fold, so that no rounding comes in: half a turn is `folds` of them.
    start = len(circle) * (2 * (fold - 1) + folds) // (2 * folds)
    return circle[start % len(circle) :] + circle[: start % len(circle)] if circle else []


def gender_by_speaker(clips):
    """Speaker to gender (dict, in the order of the clips); ProtocolError where one has two."""
    told = {}
    for clip in clips:
        if told.setdefault(clip.speaker, clip.gender) != clip.gender:
            raise ProtocolError(
                f"speaker {clip.speaker} has two genders in the manifest (see clip {clip.id}); "
                "correct it and prepare the corpus again"
            )
    return told


def refuse_strangers(name, speakers, known):
    """Raise ProtocolError where some ``speakers`` are none of those that protocol ``name`` knows.

    Arguments
    ---------
    name : str
        Protocol, for the message.
    speakers, known : iterable of str
        Those in the corpus, and those in the protocol's lists.
    """
    strangers = sorted(set(speakers) - set(known))
    if strangers:
        raise ProtocolError(
            f"{name} has no fold for speaker {' '.join(strangers)}; "
            "remove those clips or use another protocol"
        )


def refuse_untested(name, fold, tested, speakers):
    """Raise ProtocolError where none of the speakers ``tested`` in a fold is in the corpus."""
    if not set(tested) & set(speakers):
        raise ProtocolError(
            f"fold {fold} of {name} has no test clips: none of its test speakers "
            f"{' '.join(sorted(tested))} is in this corpus; choose another fold or add them"
        )
