"""Which classes of a corpus a command reads: the option ``--classes``, defined once.

IEMOCAP alone has a choice (:data:`ser_lib.corpora.iemocap.CLASSES`); another corpus gets one by a
function ``variant(classes=...)`` that gives what stands for its module.
"""

from ser_lib.errors import HparamsError

#: Names of the choices, the narrowest first; each holds all clips of the one before it.
CLASSES = ("source4", "merged4", "all")
HELP = (
    "of IEMOCAP: angry, happy, sad and neutral without the excited turns; the same with them as "
    "happy; or every code (default: %s)"
)


def add_classes(parser, default=None, told=CLASSES[0]):
    """Add ``--classes`` to a parser.

    Arguments
    ---------
    parser : argparse.ArgumentParser or argument group
    default : str, optional
        What ``classes`` is without the option; None keeps apart who gave none.
    told : str
        What the help says of the default.
    """
    parser.add_argument(
        "--classes", metavar="|".join(CLASSES), default=default, help=HELP % (default or told)
    )


def choose(corpus, classes=None):
    """A corpus with a choice of classes.

    Arguments
    ---------
    corpus : module
        Of ``ser_lib.corpora``.
    classes : str, optional
        One of :data:`CLASSES`; None for the corpus as it is.

    Returns
    -------
    module or types.SimpleNamespace
        What stands for the corpus; ``OPTIONS`` holds the words of the choice.

    Raises
    ------
    HparamsError
        If there is no such choice, or the corpus has none.
    """
    if classes is None:
        return corpus
    if not hasattr(corpus, "variant"):
        raise HparamsError(
            f"--classes {classes}: {corpus.NAME} is read with all its classes; leave the option out"
        )
    return corpus.variant(classes)


def widest(corpus):
    """A corpus with every clip it has labels for, to find those of any ledger of it."""
    return corpus.variant(CLASSES[-1]) if hasattr(corpus, "variant") else corpus
