"""Everything that is measured against something else, as one table.

    python -m benchmarks --data_folder RAVDESS

Every section runs in a process of its own, one after the other, on a machine that should do
nothing else. The table goes to ``benchmarks/README.md`` with date, hardware and versions.
"""

import argparse
import dataclasses
import datetime
import importlib
import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import speech
from benchmarks.rows import Row
from ser_lib.evaluation.tables import refresh
from ser_lib.markdown import table
from ser_lib.run_facts import hardware

SECTIONS = (
    "imports",
    "decoding",
    "features",
    "training_step",
    "loader",
    "latency",
    "trees",
    "embeddings",
    "epochs",
    "profile",
    "gpu",
)
_HEADERS = ["what", "against", "ours", "theirs", "ratio", "target", "met", "note"]
_LIBRARIES = (
    "torch",
    "librosa",
    "numpy",
    "scipy",
    "soundfile",
    "transformers",
    "scikit-learn",
    "xgboost",
)
_HERE = Path(__file__).resolve().parent
_KEPT = _HERE / "results.json"


def main(argv=None):
    """Measure the sections, write the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--data_folder", help="RAVDESS; synthetic voices without it")
    parser.add_argument("--systems", nargs="*", help="of epochs (default: all neural) and profile")
    parser.add_argument("--quick", action="store_true", help="few clips, to see that it works")
    parser.add_argument("--json", metavar="FILE", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if wrong := set(options.sections) - set(SECTIONS):
        parser.error(f"there is no section {sorted(wrong)}; choose of {', '.join(SECTIONS)}")
    if options.json:
        module = importlib.import_module(f"benchmarks.{options.sections[0]}")
        rows = [dataclasses.asdict(row) for row in module.rows(options)]
        options.json.write_text(json.dumps(rows), encoding="utf-8")
        return 0
    return _measure(options)


def _measure(options):
    kept = json.loads(_KEPT.read_text(encoding="utf-8")) if _KEPT.exists() else {}
    failed = []
    for section in options.sections or SECTIONS:
        print(f"measuring {section} ...", file=sys.stderr, flush=True)
        rows = _section(section, options)
        if rows is None:
            failed.append(section)
            continue
        if not rows:
            continue  # it has said why
        kept[section] = {"rows": rows, "facts": _facts(options)}
        print(table(_HEADERS, [Row(**row).cells for row in rows]), flush=True)
        if not options.quick:
            _write(kept)
    if failed:
        print(f"error: failed: {', '.join(failed)}", file=sys.stderr)
    return 2 if failed else 0


def _section(name, options):
    """Rows (list of dict) of a section, from a process of its own; None where it failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.json")
        words = [name, "--json", str(file)]
        words += ["--data_folder", options.data_folder] if options.data_folder else []
        words += ["--systems", *options.systems] if options.systems else []
        words += ["--quick"] if options.quick else []
        done = subprocess.run([sys.executable, "-m", "benchmarks", *words], check=False)
        return json.loads(file.read_text(encoding="utf-8")) if done.returncode == 0 else None


def _facts(options):
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    speech_of = "synthetic voices" if speech.folder(options)[1] else "RAVDESS"
    return (
        f"{datetime.date.today()}, {hardware()}, {platform.system()}, Python "
        f"{platform.python_version()}, {versions}; {speech_of}"
    )


def _write(kept):
    _KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    parts = []
    for name in SECTIONS:
        if name in kept:
            rows = [Row(**row).cells for row in kept[name]["rows"]]
            parts.append(f"### {name}\n\n{table(_HEADERS, rows)}\n\n{kept[name]['facts']}")
    refresh(_HERE / "README.md", "table", "\n\n".join(parts))


if __name__ == "__main__":
    sys.exit(main())
