"""``python -m ser_lib.sweep``: make the runs that grids plan, on one machine or on several.

Exit codes: 0 all runs are done, 2 an error that the person can mend, 3 a run failed, 130
interrupted (143 by SIGTERM, 129 by SIGHUP).
"""

import contextlib
import fnmatch
import signal
import sys
import threading
from pathlib import Path

from ser_lib.cli import exit_code, number
from ser_lib.errors import HparamsError
from ser_lib.hparams import ROOT
from ser_lib.interruption import Stopped
from ser_lib.sweep.grid import read_grids
from ser_lib.sweep.runner import Sweep
from ser_lib.use.command import Parser

_EPILOG = """\
A run is the recipe's own command, in a process of its own. What is done is left alone, what was cut
off goes on; start the same command again after an interruption, or beside this one, here or on
another machine with the same folders: no run is made twice. Each ends when all runs are done; the
last ones that others make are waited for, and taken over where those have died.

Metrics and predictions go to RESULTS/<corpus>/<protocol>/<system>/<fold-N or all>; checkpoints,
logs and claims stay in RUNS, and the log of a run that failed in RUNS/failed.

examples:
  python -m ser_lib.sweep results/grids/ravdess.yaml --list
  python -m ser_lib.sweep results/grids/*.yaml --data_root corpora --workers 2
  python -m ser_lib.sweep results/grids/emodb.yaml --only 'EMO-DB/emodb-random/*'
  python -m ser_lib.sweep.tables

exit codes: 0 all runs are done, 2 an error that can be mended, 3 a run failed, 130 interrupted (143
by SIGTERM, 129 by SIGHUP such as a lost ssh session sends; under nohup the sweep goes on)
"""


def main(argv=None, root=ROOT):
    """Run the command on ``argv`` (list of str, default the command line); returns exit code."""
    codes = []
    words = sys.argv[1:] if argv is None else list(argv)
    with _leaving_on_hangup():
        failed = exit_code(lambda: codes.append(_main(words, root)))
    return failed or codes[0]


@contextlib.contextmanager
def _leaving_on_hangup():
    """In here SIGHUP raises Stopped, as SIGTERM does; where it is ignored it stays so."""

    def leave(signum, frame):
        raise Stopped(signum)

    hangup = getattr(signal, "SIGHUP", None)
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or hangup is None or signal.getsignal(hangup) != signal.SIG_DFL:
        yield
        return
    before = signal.signal(hangup, leave)
    try:
        yield
    finally:
        signal.signal(hangup, before)


def _parser():
    parser = Parser("sweep", description="Make the runs that grids plan.", epilog=_EPILOG)
    parser.prog = "python -m ser_lib.sweep"
    parser.add_argument(
        "grids",
        nargs="+",
        metavar="GRID.yaml",
        help="plain YAML; `python -m pydoc ser_lib.sweep.grid` explains it",
    )
    parser.add_argument(
        "--workers",
        type=number(1, 1024, kind=int),
        default=1,
        help="runs at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=ROOT / "results",
        metavar="FOLDER",
        help="where metrics and predictions go (default: the repository's results)",
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs") / "sweep",
        metavar="FOLDER",
        help="where runs, logs and claims go; shared by all who sweep (default: %(default)s)",
    )
    parser.add_argument(
        "--data_root",
        type=Path,
        metavar="FOLDER",
        help="holds RAVDESS/, EMO-DB/ ... (default: $SER_DATA, else downloads)",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="runs whose place (CORPUS/PROTOCOL/SYSTEM/...) contains this word or matches this "
        "pattern; may be given more than once",
    )
    parser.add_argument("--list", action="store_true", help="show the runs and how they stand")
    parser.add_argument(
        "--replace", action="store_true", help="put runs in place of another command's results"
    )
    parser.add_argument(
        "--need_predictions",
        action="store_true",
        help="make runs again of which metrics alone are kept",
    )
    parser.add_argument(
        "--stale",
        type=number(1),
        default=600.0,
        metavar="SECONDS",
        help="seconds without a sign of life after which another process's claim on a run counts "
        "as dead; its own --stale counts where larger (default: %(default)g)",
    )
    return parser


def _only(patterns, plan):
    """The planned runs that a pattern of ``patterns`` (list of str; empty for all) names."""
    chosen = set()
    for pattern in patterns:
        wanted = pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
        places = {run.place for run in plan if fnmatch.fnmatchcase(run.place, wanted)}
        if not places:
            raise HparamsError(f"--only {pattern} matches no run; --list shows them")
        chosen |= places
    return [run for run in plan if not patterns or run.place in chosen]


def _main(words, root):
    options = _parser().parse_args(words)
    plan = _only(options.only, read_grids(options.grids, root))
    sweep = Sweep(
        plan,
        options.results,
        options.runs,
        # A list is of what is planned, wherever the sound is.
        None if options.list else options.data_root,
        options.workers,
        options.replace or options.list,
        options.need_predictions,
        root,
        heartbeat=min(30.0, options.stale / 5),
        stale=options.stale,
    )
    if options.list:
        for planned in plan:
            print(f"{sweep.state(planned)}: {planned.place}\n    {planned.command}")
        return 0
    return sweep.run()


if __name__ == "__main__":
    sys.exit(main())
