"""Speaker-disjoint splits of several corpora in one manifest, each corpus cut by its own lists."""

from collections import defaultdict
from dataclasses import dataclass, replace

from ser_lib.errors import ProtocolError
from ser_lib.protocols.registry import SYNTHETIC, Protocol
from ser_lib.protocols.speakers import by_speaker

SEPARATOR = ":"


@dataclass(frozen=True, kw_only=True)
class MergedFolds(Protocol):
    """In fold ``k`` the ``k``-th list of each corpus tests, and some of its others validate.

    Who validates is decided corpus by corpus as
    :class:`ser_lib.protocols.speaker_folds.SpeakerFolds` does. Every corpus trains in every fold;
    one with too few speakers validates only if somebody is left to train on, and tests only in as
    many folds as it has lists that are not empty. Speakers of the manifest are named
    ``<corpus>:<speaker>``.

    Arguments
    ---------
    parts : tuple of SpeakerFolds
        One a corpus, told by its ``corpus``, with as many lists as there are folds.
    """

    parts: tuple

    def cut(self, clips, fold, seed):
        """Sides of one fold, see :meth:`Protocol.cut`; raises ProtocolError as it does."""
        sides = ([], [], [])
        for corpus, own in self._by_corpus(clips).items():
            part = next(part for part in self.parts if part.corpus == corpus)
            genders = part.listed(own)
            tested = self.tested(part, genders, fold)
            validating = self._validating(part, genders, tested, fold)
            for side, ids in zip(sides, by_speaker(own, tested, validating), strict=True):
                side += ids
        if not sides[2]:
            raise ProtocolError(
                f"fold {fold} of {self.name} has no test clips: {self.missing(fold)}; choose "
                "another fold or add them"
            )
        return sides

    def tested(self, part, genders, fold):
        """The speakers (set of str) of one corpus who test in a fold."""
        return set(part.test_speakers[fold - 1]) & set(genders)

    def missing(self, fold):
        """Why a fold can have no test clips, in words."""
        return "none of its test speakers is in this manifest"

    def _validating(self, part, genders, tested, fold):
        """Validation speakers of one corpus; nobody where nobody else is left to train on."""
        chosen = part.validating(genders, tested, fold, self.folds)
        return chosen if set(genders) - tested - chosen else set()

    def _by_corpus(self, clips):
        """Corpus to its clips, their speakers without its name; ProtocolError for a bad name."""
        found = defaultdict(list)
        for clip in clips:
            corpus, separator, speaker = clip.speaker.partition(SEPARATOR)
            name = clip.corpus.removesuffix(SYNTHETIC)
            if not separator or corpus.removesuffix(SYNTHETIC) != name:
                raise ProtocolError(
                    f"{self.name} needs speakers named like {name}{SEPARATOR}01, but clip "
                    f"{clip.id} is of {clip.speaker!r}; merge the corpora with "
                    "ser_lib.corpora.merged"
                )
            found[name].append(replace(clip, speaker=speaker))
        return found


@dataclass(frozen=True, kw_only=True)
class MergedLeaveOut(MergedFolds):
    """Fold ``k`` tests the whole of the ``k``-th of ``members``; of the others some validate."""

    def tested(self, part, genders, fold):
        """All speakers of the corpus left out, none of the others."""
        return set(genders) if part.corpus == self.members[fold - 1] else set()

    def missing(self, fold):
        """Why a fold can have no test clips, in words."""
        return f"it tests {self.members[fold - 1]}, which is not in this manifest"
