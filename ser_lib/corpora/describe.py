"""Look at a corpus: the command behind every ``recipes/<CORPUS>/prepare.py``.

It reads a corpus folder into a manifest, says what is in it and saves it where asked. Training
does the reading by itself; the command is there to check a folder, or to look at the table.
"""

import argparse
from collections import Counter

from ser_lib.cli import Parser, exit_code
from ser_lib.corpora import places
from ser_lib.corpora.manifest import is_synthetic
from ser_lib.errors import CorpusError

# More speakers than fit on a screen are summed up.
_MOST_NAMES = 30


def main(corpus, argv=None):
    """Prepare a corpus, print the counts, save the manifest where asked.

    Arguments
    ---------
    corpus : module
        A module of ``ser_lib.corpora``.
    argv : list of str or None
        Command line without the program's name; None takes ``sys.argv``.

    Returns
    -------
    int
        0 when done, 2 after an error that the person can mend (one line on stderr), 130 when
        interrupted, 143 when ended by SIGTERM.
    """
    return exit_code(lambda: _main(corpus, _parser(corpus).parse_args(argv)))


def _main(corpus, options):
    manifest = corpus.prepare(options.data_folder, allow_partial=options.allow_partial)
    print(describe(corpus, manifest))
    if options.output:
        try:
            manifest.save_to_disk(options.output)
        except OSError as error:
            raise CorpusError(f"{options.output} cannot be written: {error}") from error
        print(f"manifest saved in {options.output}")


def _parser(corpus):
    """Command line of a corpus; its help ends with the corpus card."""
    parser = Parser(
        prog=f"python recipes/{corpus.NAME}/prepare.py",
        description=f"Read {corpus.NAME} into a manifest and say what is in it.",
        epilog=corpus.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data_folder",
        metavar="FOLDER",
        help="the corpus folder, or the word `sample` for synthetic voices in its layout. "
        f"Default: {places.default_of(corpus)} (see below)",
    )
    parser.add_argument(
        "--allow_partial", action="store_true", help="go on although some of the clips are missing"
    )
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        help="save the manifest there; read it with datasets.load_from_disk",
    )
    return parser


def describe(corpus, manifest):
    """Counts of a manifest as lines of text.

    Arguments
    ---------
    corpus : module
        A module of ``ser_lib.corpora``, for the order of its emotions.
    manifest : datasets.Dataset
        What its ``prepare`` returned.

    Returns
    -------
    str
        Clips and hours, then clips of each emotion, gender and speaker.
    """
    synthetic = is_synthetic(manifest)
    name = corpus.NAME + ("-synthetic" if synthetic else "")
    lines = [f"{name}: {len(manifest)} clips, {hours(manifest):.2f} h"]
    if synthetic:
        lines.append("SYNTHETIC voices: no human speaks here; numbers only show that the code runs")
    emotions = Counter(manifest["emotion"])
    counts = {
        "emotion": {name: emotions[name] for name in corpus.EMOTIONS},
        "gender": {name or "unknown": n for name, n in Counter(manifest["gender"]).items()},
        "speaker": dict(sorted(Counter(manifest["speaker"]).items())),
    }
    if len(corpora := Counter(manifest["corpus"])) > 1:
        counts = {"corpus": dict(sorted(corpora.items())), **counts}
    for column, values in counts.items():
        listed = ", ".join(f"{name} {n}" for name, n in values.items())
        if len(values) > _MOST_NAMES:
            few, many = min(values.values()), max(values.values())
            listed = f"{len(values)} of them, {few} to {many} clips each"
        lines.append(f"{column:8s} {listed}")
    return "\n".join(lines)


def hours(manifest):
    """Length of all clips of a manifest (Dataset) together in hours (float)."""
    return sum(manifest["duration"]) / 3600
