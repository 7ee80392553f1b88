"""Read RAVDESS into a manifest and say what is in it.

    python recipes/RAVDESS/prepare.py --data_folder /data/RAVDESS
    python recipes/RAVDESS/prepare.py --data_folder sample --output sample_manifest

Training does this by itself; run it to check a folder, or to look at the table.
"""

import argparse
import sys
from collections import Counter

from ser_lib.corpora import ravdess
from ser_lib.corpora.manifest import is_synthetic
from ser_lib.errors import SerError


def main(arguments=None):
    """Prepare, print the counts, save where asked; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data_folder",
        metavar="FOLDER",
        help="the folder that holds Actor_01 to Actor_24, or the word `sample` for the embedded "
        "synthetic voices. Default: $SER_DATA/RAVDESS, then an earlier download, then Zenodo "
        "(208 MB, CC BY-NC-SA 4.0)",
    )
    parser.add_argument(
        "--allow_partial",
        action="store_true",
        help="go on although some of the 1440 clips are missing",
    )
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        help="save the manifest there; read it with datasets.load_from_disk",
    )
    options = parser.parse_args(arguments)
    try:
        manifest = ravdess.prepare(options.data_folder, allow_partial=options.allow_partial)
    except SerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(describe(manifest))
    if options.output:
        try:
            manifest.save_to_disk(options.output)
        except OSError as error:
            print(f"error: {options.output} cannot be written: {error}", file=sys.stderr)
            return 2
        print(f"manifest saved in {options.output}")
    return 0


def describe(manifest):
    """Counts of a manifest as lines of text (str)."""
    lines = [f"{manifest[0]['corpus']}: {len(manifest)} clips, {hours(manifest):.2f} h"]
    if is_synthetic(manifest):
        lines.append("SYNTHETIC voices: no human speaks here; numbers only show that the code runs")
    emotions = Counter(manifest["emotion"])
    counts = {
        "emotion": {name: emotions[name] for name in ravdess.EMOTIONS},
        "gender": Counter(manifest["gender"]),
        "speaker": dict(sorted(Counter(manifest["speaker"]).items())),
    }
    for column, values in counts.items():
        lines.append(f"{column:8s} " + ", ".join(f"{name} {n}" for name, n in values.items()))
    return "\n".join(lines)


def hours(manifest):
    """Length of all clips together in hours (float)."""
    return sum(manifest["duration"]) / 3600


if __name__ == "__main__":
    sys.exit(main())
