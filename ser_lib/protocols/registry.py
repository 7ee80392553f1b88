"""The protocols by name, and the base that they are made from."""

import difflib
import numbers
from dataclasses import dataclass

from ser_lib.errors import ProtocolError
from ser_lib.protocols.promises import PROMISES

PROTOCOLS = {}
SYNTHETIC = "-synthetic"


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A named rule that cuts one corpus; subclasses say how in :meth:`cut`.

    Arguments
    ---------
    name : str
        Unique, lower case, stable for ever: ledgers and reports contain it.
    corpus : str
        The manifest's ``corpus`` it is made for (its ``-synthetic`` double is welcome too).
    folds : int
        How many folds it has; they count from 1.
    describe : str
        One sentence.
    source : str
        The paper or repository that the rule is taken from.
    promises : tuple of str
        Names from :data:`ser_lib.protocols.promises.PROMISES`.
    notes : tuple of str
        What a reader of the numbers has to know besides.
    seeded : bool
        Whether the cut depends on a seed.
    short, credit : str
        The rule and its source in a few words, for tables; no ledger holds them.
    members : tuple of str
        Corpora that a merged manifest may hold; empty for a protocol of ``corpus`` alone.
    """

    name: str
    corpus: str
    folds: int = 1
    describe: str
    source: str
    promises: tuple
    notes: tuple = ()
    seeded: bool = False
    short: str = ""
    credit: str = ""
    members: tuple = ()

    @property
    def corpus_module(self):
        """Module of ``ser_lib.corpora`` that reads the corpus: its name's lower-case letters."""
        return "".join(letter for letter in self.corpus.lower() if letter.isalnum())

    def check_corpus(self, corpora):
        """Raise ProtocolError unless ``corpora`` (sorted names) are what this is made for.

        One corpus, or of a protocol with ``members`` two of them at least; synthetic and real
        ones do not mix. A merged manifest makes ids, speakers (``RAVDESS:01``) and statements
        unique over its corpora, because equal names mean equal speakers here.
        """
        plain = {name.removesuffix(SYNTHETIC) for name in corpora}
        synthetic = {name.endswith(SYNTHETIC) for name in corpora}
        if self.members:
            good = len(synthetic) == 1 and len(plain) > 1 and plain <= set(self.members)
            made = f"two or more of {', '.join(self.members)}, all real or all synthetic"
        else:
            good = len(corpora) == 1 and plain == {self.corpus}
            made = self.corpus
        if not good:
            raise ProtocolError(
                f"protocol {self.name} is made for {made}, but the manifest holds "
                f"{' and '.join(corpora)}; choose a protocol of that corpus "
                "(`python -m ser_lib.protocols list`)"
            )

    def check_request(self, corpus, folds=()):
        """Raise ProtocolError unless this is made for a corpus, before anything of it is read.

        Arguments
        ---------
        corpus : str
            ``NAME`` of its module.
        folds : iterable of int
            Folds that are asked for.
        """
        if corpus != self.corpus:
            own = ", ".join(sorted(p.name for p in PROTOCOLS.values() if p.corpus == corpus))
            raise ProtocolError(
                f"protocol {self.name} is made for {self.corpus}, not for {corpus}; "
                + (f"choose one of {own}" if own else f"there is none for {corpus} yet")
            )
        for fold in folds:
            self.check_fold(fold)

    def check_fold(self, fold):
        """Raise ProtocolError unless there is a fold of this number (int, from 1)."""
        whole = isinstance(fold, numbers.Integral) and not isinstance(fold, bool)
        if not whole or not 1 <= fold <= self.folds:
            raise ProtocolError(
                f"fold {fold!r} of {self.name} is not there; folds are 1..{self.folds}"
            )

    def cut(self, clips, fold, seed):
        """Sides of one fold.

        Arguments
        ---------
        clips : list of ser_lib.protocols.clips.Clip
            Sorted by id.
        fold : int
            1 to ``folds``, already checked.
        seed : int or None
            None unless the protocol is ``seeded``.

        Returns
        -------
        tuple of three lists of str
            Clip ids of train, validation and test.

        Raises
        ------
        ProtocolError
            Where these clips cannot be cut by this rule.
        """
        raise NotImplementedError


def register(protocol):
    """Make a :class:`Protocol` known by its name and return it.

    Raises ValueError where the name is taken or a promise is unknown.
    """
    if protocol.name in PROTOCOLS:
        raise ValueError(f"there is a protocol {protocol.name!r} already")
    unknown = [name for name in protocol.promises if name not in PROMISES]
    if unknown:
        raise ValueError(f"protocol {protocol.name!r} makes unknown promises: {unknown}")
    PROTOCOLS[protocol.name] = protocol
    return protocol


def lookup(name):
    """Protocol called ``name`` (str); raises ProtocolError with the names there are."""
    if isinstance(name, str) and name in PROTOCOLS:
        return PROTOCOLS[name]
    close = difflib.get_close_matches(str(name), PROTOCOLS, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ProtocolError(
        f"unknown protocol {name!r}; {hint}There are: {', '.join(sorted(PROTOCOLS))}"
    )
