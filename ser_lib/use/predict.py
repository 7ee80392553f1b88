"""``python -m ser_lib predict``: the emotion of sounds, as a table, CSV or JSON lines.

What odd input gives:

- silence: an answer like any other, of finite numbers;
- under 25 ms (10 ms, say): a bad file, "too short";
- over 30 s (an hour, say): windows, in the memory that a minute takes;
- 8 kHz telephone sound, or any other rate: resampled to the model's;
- several channels, 7.1 included: their mean;
- NaN or infinity in a float wav: a bad file, also where they come late;
- a picture named ``.wav``, an empty or a truncated file: a bad file;
- a path that is not there, or vanishes on the way: a bad file;
- a pipe or a device by its path, an address (``https://``): a bad file; ``-`` reads a pipe.

Bad files are listed at the end, one line each on standard error; the others are answered. Exit
codes: 0 all answered, 3 bad files among them (or nothing but), 2 a command that cannot be obeyed
(no such model, a folder without sounds, an ``--output`` that is one of the sounds), 130
interrupted; rows that were printed are right.
"""

import contextlib
import sys
from pathlib import Path

from ser_lib.cli import number
from ser_lib.errors import HparamsError, RunError
from ser_lib.hub.model_folder import model_of
from ser_lib.use.command import Parser, load_quietly, run
from ser_lib.use.files import STANDARD_INPUT, check_figure_folder, check_output, find_sounds
from ser_lib.use.output import Csv, JsonLines, Table, plain
from ser_lib.use.pictures import Pictures

UNSURE = "(unsure)"
_EPILOG = """\
examples:
  python -m ser_lib predict runs/.../model clip.wav
  python -m ser_lib predict me/my-model recordings/ --format csv --output emotions.csv
  python -m ser_lib predict runs/.../model interview.mp3 --timeline --figure_folder pictures
  cat clip.wav | python -m ser_lib predict runs/.../model - --format jsonl

exit code 3: some files (listed at the end) could not be used; the others were.
"""


def main(argv=None):
    """Run the command on ``argv`` (list of str, default the command line); returns exit code."""
    return run(lambda: _main(sys.argv[1:] if argv is None else list(argv)))


def _parser():
    parser = Parser(
        "predict",
        description="Name the emotion of sounds (wav, flac, mp3, ogg, aiff; any rate, any number "
        "of channels).\nRecordings over 30 s are scored in overlapping windows, and the row is "
        "their mean.",
        epilog=_EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", help="model folder, run folder or Hub id")
    parser.add_argument("--revision", help="branch, tag or commit on the Hub (default: the newest)")
    parser.add_argument(
        "sources", nargs="+", metavar="FILE_OR_FOLDER", help="folders whole; - is standard input"
    )
    parser.add_argument("--format", choices=("table", "csv", "jsonl"), default="table")
    parser.add_argument("--output", metavar="FILE", type=Path, help="instead of standard output")
    parser.add_argument(
        "--timeline", action="store_true", help="a row a window, of short recordings too"
    )
    for name, default in (("window", 3.0), ("hop", 1.0)):
        parser.add_argument(
            f"--{name}",
            metavar="S",
            type=number(0.01),
            default=default,
            help=f"{'length' if name == 'window' else 'step'} of the windows, in s "
            "(default: %(default)s)",
        )
    parser.add_argument(
        "--figure_folder",
        metavar="DIR",
        type=Path,
        help="a picture of every recording that is scored in windows",
    )
    parser.add_argument(
        "--min_confidence",
        metavar="P",
        type=number(0, 1),
        default=0.0,
        help=f"answer {UNSURE} where the best probability is below",
    )
    parser.add_argument(
        "--top_k", metavar="N", type=number(1, kind=int), default=1, help="labels a row"
    )
    parser.add_argument(
        "--batch_size",
        metavar="N",
        type=number(1, kind=int),
        default=8,
        help="clips at once through the model (default: %(default)s; more on a GPU)",
    )
    return parser


def _main(argv):
    options = _parser().parse_args(argv)
    files = find_sounds(options.sources)
    check_output(options.output, files)
    check_figure_folder(options.figure_folder)
    # Heavy libraries load from here on, which --help and slips of the pen need not wait for.
    from ser_lib.use.batches import labels
    from ser_lib.use.stream import hear
    from ser_lib.use.windows import check_windows

    try:
        check_windows(options.window, options.hop)
    except ValueError as error:
        raise HparamsError(f"--{error}") from error
    classify = load_quietly(options.model, options.revision)
    names = labels(classify)
    windows = {"window": options.window, "hop": options.hop, "over_time": options.timeline}
    bad, long = [], 0
    step = f"windows of {options.window:g} s every {options.hop:g} s"
    pictures = Pictures(options.figure_folder, f"{_told(options.model)} · {step}")
    with _opened(options.output) as stream:
        writer = _writer(stream, options, files, names)
        writer.begin()
        with _bar(len(files)) as bar:
            for heard in hear(classify, files, options.batch_size, **windows):
                bar.update()
                if heard.error is not None:
                    bad.append(heard)
                    continue
                with _beside(bar, stream):
                    for row in rows(heard, names, options):
                        writer.row(row)
                    stream.flush()
                if heard.timeline is not None:
                    long += 1
                    pictures.draw(heard)
    _remarks(options, long)
    for heard in bad:
        print(f"error: {_reason(heard)}", file=sys.stderr)
    if bad:
        some = "none" if len(bad) == len(files) else f"{len(files) - len(bad)}"
        print(f"{some} of {len(files)} sounds could be used", file=sys.stderr)
    return 3 if bad else 0


def rows(heard, names, options):
    """Rows (dict) of one file: one, or one a window.

    Arguments
    ---------
    heard : Heard
    names : list of str
        Class names.
    options : argparse.Namespace
        ``timeline``, ``top_k`` and ``min_confidence``.
    """
    if not options.timeline:
        answer = best(heard.probabilities, names, options.top_k, options.min_confidence)
        return [{"file": heard.file, **answer, "seconds": round(heard.seconds, 3)}]
    over_time = heard.timeline
    return [
        {
            "file": heard.file,
            "start": round(float(start), 3),
            "end": round(float(end), 3),
            **best(shares, names, options.top_k, options.min_confidence),
        }
        for start, end, shares in zip(
            over_time.starts, over_time.ends, over_time.probabilities, strict=True
        )
    ]


def best(shares, names, top_k=1, least=0.0):
    """The ``top_k`` most probable labels as ``label``, ``probability``, ``label_2``, ... (dict).

    The first label is ``(unsure)`` where its probability is below ``least``.
    """
    row = {}
    for rank, index in enumerate(shares.argsort(kind="stable")[::-1][:top_k], 1):
        end = "" if rank == 1 else f"_{rank}"
        unsure = rank == 1 and shares[index] < least
        row[f"label{end}"] = UNSURE if unsure else names[index]
        row[f"probability{end}"] = float(shares[index])
    return row


def _writer(stream, options, files, names):
    many = range(2, min(options.top_k, len(names)) + 1)
    more = [f"{key}_{rank}" for rank in many for key in ("label", "probability")]
    if options.timeline:
        columns = ["file", "start", "end", "label", "probability", *more]
    else:
        columns = ["file", "label", "probability", "seconds", *more]
    if options.format == "csv":
        return Csv(stream, columns)
    if options.format == "jsonl":
        return JsonLines(stream)
    told = [*names, UNSURE] if options.min_confidence else names
    return Table(stream, columns, max(len(plain(file)) for file in files), told)


@contextlib.contextmanager
def _opened(path):
    """Text stream for the rows; RunError where it cannot be written."""
    if path is None:
        if hasattr(sys.stdout, "reconfigure"):
            # A label that the terminal's encoding lacks must not end a run.
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        return
    try:
        stream = path.open("w", encoding="utf-8", newline="", errors="backslashreplace")
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror}); give another --output"
        ) from (error)
    with stream:
        yield stream


def _bar(total):
    """Progress on standard error; none for a single file."""
    from tqdm import tqdm

    pause = 0.1 if sys.stderr.isatty() else 30
    return tqdm(
        total=total, unit="sound", leave=False, mininterval=pause, delay=1, disable=total < 2
    )


def _beside(bar, stream):
    """Context in which rows do not tear the bar apart, where both are on a terminal."""
    both = sys.stderr.isatty() and stream.isatty()
    return bar.external_write_mode(stream) if both else contextlib.nullcontext()


def _told(model):
    """Model as a picture names it (str): the last two parts of a long path."""
    parts = Path(model_of(model)).parts
    return "/".join(parts[-2:])


def _remarks(options, long):
    """What the rows do not tell, on standard error."""
    if long and not options.timeline:
        what = "1 recording is" if long == 1 else f"{long} recordings are"
        print(
            f"{what} over 30 s: the mean of windows of {options.window:g} s; --timeline shows each",
            file=sys.stderr,
        )
    if options.figure_folder and not long:
        print(
            "no recording was scored in windows, so there is no picture; add --timeline",
            file=sys.stderr,
        )
    if options.output:
        print(f"written: {options.output}", file=sys.stderr)


def _reason(heard):
    """One line about a bad file that names it."""
    reason = " ".join(str(heard.error).split())
    name = "standard input" if heard.file == STANDARD_INPUT else heard.file
    return plain(reason if name in reason else f"{name}: {reason}")


if __name__ == "__main__":
    sys.exit(main())
