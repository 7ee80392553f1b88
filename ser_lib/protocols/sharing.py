"""What the sides of a split hold and what they share, computed from per-clip facts alone."""

import hashlib
import json
from collections import Counter, defaultdict

SIDES = ("train", "validation", "test")
PAIRS = (("train", "test"), ("train", "validation"), ("validation", "test"))
COPY_MARK = "#"


def stem(clip_id):
    """Id of the clip that an augmented copy was made from: ``"a#noise1"`` gives ``"a"``."""
    return clip_id.split(COPY_MARK, 1)[0]


def digest(sides, clips):
    """SHA-256 (hex) over every side's name, its sorted ids and the hash of each clip's samples.

    The hashed text is the compact JSON ``[[side, [[id, audio sha256], ...]], ...]`` in ASCII, so
    the same ids over other audio, or one clip on another side, give another hash.
    """
    text = json.dumps(
        [[side, [[name, clips[name].sha256] for name in sorted(sides[side])]] for side in SIDES],
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def count(sides, clips):
    """Clips, clips a class, clips a gender and the speakers of each side (nested dicts)."""
    result = {}
    for side in SIDES:
        members = [clips[name] for name in sides[side]]
        result[side] = {
            "clips": len(members),
            "emotion": dict(sorted(Counter(clip.emotion for clip in members).items())),
            "gender": dict(sorted(Counter(clip.gender for clip in members).items())),
            "speakers": sorted({clip.speaker for clip in members}),
        }
    return result


def share(sides, clips):
    """What each pair of sides has in common.

    Arguments
    ---------
    sides : dict
        Side name to list of clip ids.
    clips : dict
        Clip id to :class:`ser_lib.protocols.clips.Clip`.

    Returns
    -------
    dict
        ``"train-test"``, ``"train-validation"`` and ``"validation-test"``, each a dict of sorted
        lists: ``speakers``, ``statements``, ``clips`` (one id on both sides), ``identical_audio``
        and ``siblings`` (pairs of ids, the first side's first). Siblings are a clip and its
        augmented copy, or two copies of one clip.
    """
    result = {}
    for first, second in PAIRS:
        left, right = ([clips[name] for name in sorted(set(sides[s]))] for s in (first, second))
        result[f"{first}-{second}"] = {
            "speakers": _common(left, right, lambda clip: clip.speaker),
            "statements": _common(left, right, lambda clip: clip.statement),
            "clips": _common(left, right, lambda clip: clip.id),
            "identical_audio": _pairs(left, right, lambda clip: clip.sha256),
            "siblings": [
                pair
                for pair in _pairs(left, right, lambda clip: stem(clip.id))
                if pair[0] != pair[1]
            ],
        }
    return result


def alike(sides, clips, pairs):
    """Those pairs of near-identical clips that stand on two sides and are no exact copies.

    Arguments
    ---------
    sides, clips : dict
        As for :func:`share`.
    pairs : iterable of (str, str, float)
        Two ids and how alike they are (see :mod:`ser_lib.data.likeness`); ids that no side holds
        are passed over.

    Returns
    -------
    dict
        The keys of :func:`share`, each to a list of such pairs, the first side's id first.
    """
    found = {f"{first}-{second}": [] for first, second in PAIRS}
    members = {side: set(ids) for side, ids in sides.items()}
    for one, other, degree in pairs:
        if one not in clips or other not in clips or clips[one].sha256 == clips[other].sha256:
            continue
        for first, second in PAIRS:
            for a, b in ((one, other), (other, one)):
                if a in members[first] and b in members[second]:
                    found[f"{first}-{second}"].append((a, b, degree))
    return found


def speakers_heard_before_test(sides, clips):
    """Sorted speakers who are in test and also in train or validation: the headline of an audit."""
    heard = {clips[name].speaker for side in ("train", "validation") for name in sides[side]}
    return sorted(heard & {clips[name].speaker for name in sides["test"]})


def words(sides, clips):
    """How far the words of the test are known from train; None where no statement is told.

    Arguments
    ---------
    sides, clips : dict
        As for :func:`share`.

    Returns
    -------
    dict or None
        ``statements`` (how many each side has, a dict), ``test_clips`` (int), and
        ``known_test_clips`` (int), those whose statement is also said in train.
    """
    said = {side: [clips[name].statement for name in sides[side]] for side in SIDES}
    if not any(map(any, said.values())):
        return None
    train = set(said["train"]) - {""}
    return {
        "statements": {side: len(set(said[side]) - {""}) for side in SIDES},
        "test_clips": len(said["test"]),
        "known_test_clips": sum(statement in train for statement in said["test"]),
    }


def conflicts(sides, clips):
    """Clips that hold the same samples under two or more emotions, whatever their sides.

    Returns a sorted list with one list a group, of ``(id, emotion, side)`` in the order of ids.
    No protocol can promise that there are none: the corpus is what it is.
    """
    groups = defaultdict(set)
    for side in SIDES:
        for name in sides[side]:
            groups[clips[name].sha256].add((name, clips[name].emotion, side))
    found = (sorted(group) for group in groups.values())
    return sorted(group for group in found if len({emotion for _, emotion, _ in group}) > 1)


def repeats(sides, clips):
    """How many clips of each side (dict) hold the samples of an earlier one of the same side."""
    return {
        side: len(sides[side]) - len({clips[name].sha256 for name in sides[side]}) for side in SIDES
    }


def drift(counts, kind):
    """Per side but train, the value of ``kind`` whose share differs most from train's.

    Arguments
    ---------
    counts : dict
        As :func:`count` gives them.
    kind : str
        ``"emotion"`` or ``"gender"``.

    Returns
    -------
    dict
        Side to ``(value, points)``: its share of the side minus its share of train, in points of
        a hundred. Of equal differences the first value in alphabetical order.
    """
    values = sorted({value for side in SIDES for value in counts[side][kind]})
    result = {}
    for side in ("validation", "test"):
        gaps = [
            (_points(counts, side, kind, v) - _points(counts, "train", kind, v)) for v in values
        ]
        most = max(range(len(values)), key=lambda place: (abs(gaps[place]), -place))
        result[side] = (values[most], gaps[most])
    return result


def _points(counts, side, kind, value):
    """Share of ``value`` among the clips of a side, in percent; 0 of an empty side."""
    return 100 * counts[side][kind].get(value, 0) / max(counts[side]["clips"], 1)


def _common(left, right, key):
    """Sorted values of ``key`` that both lists of clips have; an unknown (empty) one is none."""
    return sorted(({key(clip) for clip in left} & {key(clip) for clip in right}) - {""})


def _pairs(left, right, key):
    """Sorted ``[left id, right id]`` of all clips that agree in ``key``."""
    by_key = defaultdict(list)
    for clip in right:
        by_key[key(clip)].append(clip.id)
    return sorted([clip.id, other] for clip in left for other in by_key.get(key(clip), ()))
