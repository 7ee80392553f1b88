"""``python -m fuzz TARGET --seconds N``: look for bytes that a target does not survive.

Inputs of findings go to ``--output`` with their tracebacks; exit code 1 where there are any.
"""

import argparse
import itertools
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path


def main(argv=None):
    """Run one target, or all of them in turn; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", help="a name of fuzz/targets.py, 'list' or 'all'")
    parser.add_argument(
        "--seconds", type=float, default=60, help="how long to try each target (default: 60)"
    )
    parser.add_argument("--count", type=int, help="seeded mutations instead, this many")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (default: 0)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        default=Path(tempfile.gettempdir()) / "ser-fuzz",
        help="where inputs of findings go, with their tracebacks (default: %(default)s)",
    )
    parser.add_argument("--gigabytes", type=float, default=12, help="most memory (default: 12)")
    options = parser.parse_args(argv)
    # A bomb must end here, and not take the machine along.
    most = int(options.gigabytes * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    atheris = None if options.count else _atheris()
    if atheris is not None:
        with atheris.instrument_imports(include=["ser_lib"]):
            from fuzz.targets import TARGETS
    else:
        from fuzz.targets import TARGETS
    if options.target == "list":
        print("\n".join(TARGETS))
        return 0
    chosen = TARGETS if options.target == "all" else [options.target]
    if not set(chosen) <= set(TARGETS):
        parser.error(f"there is no target {options.target!r}; see: python -m fuzz list")
    bad = 0
    for name in chosen:
        bad += _one(name, TARGETS[name], options, atheris)
    return 1 if bad else 0


def _one(name, target, options, atheris):
    from fuzz.findings import Findings

    findings = Findings(target.run, options.output / name)
    begin = time.monotonic()
    if atheris is not None and options.target != "all":
        _grow(atheris, findings, target.examples(), options, lambda: _report(name, findings, begin))
        return len(findings.found)
    from fuzz.mutate import mutants

    count = options.count or 10**12
    for data in mutants(target.examples(), count, options.seed):
        findings.one(data)
        if not options.count and time.monotonic() - begin > options.seconds:
            break
    _report(name, findings, begin)
    return len(findings.found)


def _grow(atheris, findings, examples, options, report):
    """Inputs that reach code which none before has reached; libFuzzer ends the process."""
    import atexit

    corpus = Path(tempfile.mkdtemp(prefix="ser-fuzz-corpus-"))
    for number, data in enumerate(examples):
        (corpus / str(number)).write_bytes(data)
    longest = max([4096, *(2 * len(data) for data in examples)])
    words = [sys.argv[0], str(corpus), f"-max_len={longest}"]
    words += [f"-seed={options.seed + 1}", "-rss_limit_mb=0", "-timeout=60", "-verbosity=0"]
    words.append(f"-max_total_time={int(options.seconds) + 60}")
    begin = time.monotonic()

    def one(data):
        findings.one(data)
        if time.monotonic() - begin > options.seconds:
            report()
            sys.stdout.flush()
            # libFuzzer would go on, and ends no process politely.
            os._exit(1 if findings.found else 0)

    atexit.register(report)
    atheris.Setup(words, one)
    atheris.Fuzz()


def _report(name, findings, begin):
    told = {
        "target": name,
        "executions": findings.executions,
        "answered": findings.answered,
        "refused": findings.refused,
        "findings": len(findings.found),
        "seconds": round(time.monotonic() - begin, 1),
        "slowest_s": round(findings.slowest, 2),
    }
    print(json.dumps(told), flush=True)
    for place in itertools.islice(findings.found, 20):
        print(f"  {place}", flush=True)


def _atheris():
    try:
        import atheris
    except ImportError:
        return None
    return atheris


if __name__ == "__main__":
    sys.exit(main())
