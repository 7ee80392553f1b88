"""What a model has heard in its own training, as far as its folder tells, beside a test."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ser_lib.errors import ProtocolError
from ser_lib.markdown import count, listed, words
from ser_lib.pretrained.heard import shared_with
from ser_lib.protocols import PROTOCOLS, split
from ser_lib.protocols.ledger import Ledger
from ser_lib.protocols.sharing import share

# Seeds that are tried to cut a split again of a model that does not tell its own.
_SEEDS = 10


class TrainingSide(NamedTuple):
    """``shared`` (dict as in a ledger: what the model's own training and validation share with
    the test), ``known`` (bool: whether that is known) and ``warnings`` (list of str, for people).
    """

    shared: dict
    known: bool
    warnings: list


def training_side(ledger, provenance, manifest, model_folder=None, heard=None):
    """Compare a model's training with the test side of a ledger.

    Arguments
    ---------
    ledger : Ledger
        Whose test side is scored.
    provenance : dict
        Of the model's ``config.json``; empty for a model that was made elsewhere.
    manifest : datasets.Dataset
        The corpus, to cut the model's split again.
    model_folder : Path, optional
        A run folder's ledger lies beside it.
    heard : dict, optional
        From :func:`ser_lib.pretrained.heard.heard`, for a model without a provenance.

    Returns
    -------
    TrainingSide
    """
    corpora = [str(name) for name in provenance.get("corpora") or ()]
    tested = ledger.corpus.split("+")
    trained = _trained(ledger, provenance, manifest, model_folder)
    if trained is None:
        shared = {pair: {kind: [] for kind in kinds} for pair, kinds in ledger.shared.items()}
        if not corpora:
            return TrainingSide(shared, *_published(heard, tested))
        both = [name for name in tested if name in corpora]
        if not both:
            return TrainingSide(shared, True, [])
        protocol = words(provenance.get("protocol", "a split"))
        fold = words(provenance.get("fold", "?"))
        text = (
            f"The model was trained on {', '.join(both)} ({protocol}, fold {fold}), and its split "
            "cannot be made again here; test clips or their speakers may have been in its training."
        )
        return TrainingSide(shared, False, [text])
    if trained.sha256 == ledger.sha256:
        shared = ledger.shared
    else:
        same = trained.corpus == ledger.corpus
        before, now = ({n: _named(c, same) for n, c in x.clips.items()} for x in (trained, ledger))
        clips = {clip.id: clip for clip in (*before.values(), *now.values())}
        sides = {
            "train": [before[name].id for name in trained.train],
            "validation": [before[name].id for name in trained.validation],
            "test": [now[name].id for name in ledger.test],
        }
        shared = share(sides, clips)
    return TrainingSide(shared, True, _warnings(shared, ledger))


def _published(heard, tested):
    """Whether it is known what a model of others has heard of a test (bool), and the lines on it.

    A table tells corpora, never clips.
    """
    both = shared_with(heard, tested) if heard else []
    if both:
        text = (
            f"The model was trained on {listed(map(words, both))}, and on which clips of it is not "
            "told; test clips or their speakers may have been in its training."
        )
        return False, [text]
    if heard and heard["whole"]:
        return True, []
    what = "what else" if heard and heard["corpora"] else "what"
    return False, [
        f"It is not known {what} the model was trained on; test clips or their speakers may be "
        "among it."
    ]


def _trained(ledger, provenance, manifest, model_folder):
    """The ledger that a model was trained by, or None where it cannot be had."""
    told = provenance.get("ledger_sha256")
    if not told:
        return None
    if told == ledger.sha256:
        return ledger
    beside = Path(model_folder).resolve().parent / "ledger.json" if model_folder else None
    if beside and beside.is_file():
        try:
            found = Ledger.load(beside)
        except ProtocolError:
            found = None
        if found and found.sha256 == told:
            return found
    rule = PROTOCOLS.get(str(provenance.get("protocol")))
    if rule is None:
        return None
    own = split_seed(provenance)
    for seed in range(_SEEDS if rule.seeded else 1) if own is None else (own,):
        for drop in (False, True):
            # A corpus that breaks a promise as it is may keep it without its conflicts.
            with contextlib.suppress(ProtocolError):
                found = split(manifest, rule.name, provenance.get("fold"), seed, drop)
                if found.sha256 == told:
                    return found
    return None


def split_seed(provenance):
    """Seed (int) of the cut that a model was trained on, None where its folder tells none."""
    seed = provenance.get("split_seed")
    whole = isinstance(seed, int) and not isinstance(seed, bool)
    return seed if whole and 0 <= seed < 2**32 else None


def _named(clip, same):
    """A clip whose id and speaker are the same in its corpus and in a merged one."""
    if same:
        return clip
    own = clip.corpus
    return replace(
        clip,
        id=f"{own}/{clip.id.removeprefix(f'{own}/')}",
        speaker=f"{own}:{clip.speaker.removeprefix(f'{own}:')}",
        statement=clip.statement and f"{own}:{clip.statement.removeprefix(f'{own}:')}",
    )


def _warnings(shared, ledger):
    """Lines about clips and speakers of the test that were trained or chosen on."""
    texts = []
    speakers = len({ledger.clips[name].speaker for name in ledger.test})
    for pair, where in (
        ("train-test", "in its training"),
        ("validation-test", "in the validation that chose its weights"),
    ):
        common = shared[pair]
        clips = len({*common["clips"], *(ids[1] for ids in common["identical_audio"])})
        found = [
            f"{n} of {count(total, noun)}"
            for n, total, noun in (
                (clips, len(ledger.test), "test clip"),
                (len(common["speakers"]), speakers, "test speaker"),
            )
            if n
        ]
        if found:
            were = "was" if found[-1].startswith("1 of") and len(found) == 1 else "were"
            texts.append(f"{' and '.join(found)} {were} {where}.")
    return texts
