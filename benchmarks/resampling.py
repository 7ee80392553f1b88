"""How far a model's answers move when another library resamples what it hears.

    python -m benchmarks.resampling MODEL SOUND_OR_FOLDER

Every sound is brought to the model's rate twice: as here (torchaudio's default filter, which stock
pipelines use for arrays too), and by librosa with soxr's high quality, whose filter is steeper.
Answers differ as far as a front end hears what a filter leaves about the lower of the two rates'
limits. Sounds that have the model's rate already are left out.
"""

import argparse

import numpy as np


def main(argv=None):
    """Measure and print a line; returns 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.resampling",
        description="How far answers move when librosa's soxr resamples instead of this package.",
    )
    parser.add_argument("model", help="model folder, run folder or Hub id")
    parser.add_argument("sounds", nargs="+", help="files and folders")
    options = parser.parse_args(argv)
    from ser_lib.use.command import load_quietly
    from ser_lib.use.files import find_sounds

    classify = load_quietly(options.model)
    changed, moved = compared(classify, find_sounds(options.sounds))
    if not len(moved):
        print("no sound has another rate than the model's: nothing is resampled")
        return 0
    print(
        f"{len(moved)} sounds: {changed.mean():.1%} get another first class; probabilities of a "
        f"sound move by {moved.mean():.3f} in the mean, at most by {moved.max():.3f}"
    )
    return 0


def compared(classify, paths):
    """Both ways for every sound that needs resampling.

    Arguments
    ---------
    classify : SERPipeline
    paths : iterable of str

    Returns
    -------
    changed : np.ndarray
        bool, ``(sounds,)``: whether the first class is another.
    moved : np.ndarray
        ``(sounds,)``: the largest difference of a probability.
    """
    import librosa
    from tqdm import tqdm

    from ser_lib.audio import read_audio

    rate = classify.feature_extractor.sampling_rate
    changed, moved = [], []
    for path in tqdm(list(paths), unit="sound", disable=None):
        samples, own = read_audio(path)
        if own == rate:
            continue
        theirs = librosa.resample(samples, orig_sr=own, target_sr=rate, res_type="soxr_hq")
        one, other = (_scores(classify(clip)) for clip in ((samples, own), (theirs, rate)))
        changed.append(max(one, key=one.get) != max(other, key=other.get))
        moved.append(max(abs(one[name] - other[name]) for name in one))
    return np.array(changed, bool), np.array(moved)


def _scores(answer):
    return {entry["label"]: entry["score"] for entry in answer}


if __name__ == "__main__":
    raise SystemExit(main())
