"""A reference point on the folds of a protocol: ComParE-2016 functionals and a linear SVM.

    pip install -e ".[reference]"
    python -m benchmarks.reference --recipe RAVDESS --protocol ravdess-si6 --data_folder RAVDESS

6,373 functionals a clip by openSMILE (Schuller et al., Interspeech 2016 challenge set), scaled to
mean 0 and deviation 1 on the training side, scikit-learn's LinearSVC with C 1e-4 and balanced class
weights, nothing tuned; training and validation side together train. A network below this is not
yet a good one. openSMILE is free for research only, which is why nothing else here needs it.
"""

import argparse
import importlib
import io
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from ser_lib.audio import read_audio
from ser_lib.corpora.manifest import is_synthetic
from ser_lib.files import write_bytes, write_text
from ser_lib.logs import progress_bar
from ser_lib.protocols import lookup, split
from ser_lib.run_facts import hardware
from ser_lib.sweep.keep import pack

_ROOT = Path(__file__).resolve().parent.parent
_MODULES = {"RAVDESS": "ravdess", "EMO-DB": "emodb", "SAVEE": "savee", "CREMA-D": "cremad"}


def main(argv=None):
    """Run all folds of a protocol and keep the predictions; returns 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reference",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--recipe", choices=_MODULES, required=True, help="the corpus")
    parser.add_argument(
        "--protocol",
        required=True,
        help="one of the corpus's in `python -m ser_lib.protocols list`; all its folds are run",
    )
    parser.add_argument(
        "--data_folder", required=True, help="the corpus; 'sample' for synthetic voices"
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FOLDER",
        default=_ROOT / "results",
        help="predictions and facts go to reference/ in it (default: the repository's results)",
    )
    parser.add_argument(
        "--allow_partial", action="store_true", help="accept a corpus with clips missing"
    )
    options = parser.parse_args(argv)
    corpus = importlib.import_module(f"ser_lib.corpora.{_MODULES[options.recipe]}")
    manifest = corpus.prepare(options.data_folder, allow_partial=options.allow_partial)
    began = time.monotonic()
    features = functionals(manifest)
    frame = pd.concat(
        [
            _fold(features, manifest, split(manifest, options.protocol, fold))
            for fold in range(1, lookup(options.protocol).folds + 1)
        ],
        ignore_index=True,
    )
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n")
    facts = {
        "recipe": options.recipe,
        "protocol": options.protocol,
        "folds": int(frame["fold"].nunique()),
        "synthetic": is_synthetic(manifest),
        "partial": options.allow_partial,
        "seconds": round(time.monotonic() - began, 1),
        "hardware": hardware(),
    }
    target = options.results / "reference" / options.protocol
    write_bytes(target.with_suffix(".csv.gz"), pack(text.getvalue().encode()))
    write_text(target.with_suffix(".json"), json.dumps(facts, indent=2) + "\n")
    wa = (frame["emotion"] == frame["predicted"]).mean()
    recalls = (frame["emotion"] == frame["predicted"]).groupby(frame["emotion"]).mean()
    print(
        f"{options.protocol}: WA {100 * wa:.1f}, UA {100 * recalls.mean():.1f}, {len(frame)} clips"
    )
    return 0


def functionals(manifest):
    """ComParE-2016 functionals (np.ndarray ``(clips, 6373)``), of each clip at its own rate."""
    try:
        import opensmile
    except ImportError as error:
        raise SystemExit(
            'error: opensmile is missing; pip install -e ".[reference]" (free for research only)'
        ) from error
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.ComParE_2016,
        feature_level=opensmile.FeatureLevel.Functionals,
    )
    found = []
    for row in progress_bar(manifest.to_list(), "functionals", "clip"):
        waveform, rate = read_audio(row["path"])
        found.append(smile.process_signal(waveform, rate).to_numpy()[0])
    return np.nan_to_num(np.array(found, dtype=np.float64))


def _fold(features, manifest, ledger):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    places = {clip: place for place, clip in enumerate(manifest["id"])}
    emotions = np.array(manifest["emotion"])
    train = [places[clip] for clip in (*ledger.train, *ledger.validation)]
    test = [places[clip] for clip in ledger.test]
    machine = make_pipeline(
        StandardScaler(), LinearSVC(C=1e-4, class_weight="balanced", random_state=0)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        machine.fit(features[train], emotions[train])
    speakers = np.array(manifest["speaker"])
    return pd.DataFrame(
        {
            "id": list(ledger.test),
            "speaker": speakers[test],
            "fold": ledger.fold,
            "emotion": emotions[test],
            "predicted": machine.predict(features[test]),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
