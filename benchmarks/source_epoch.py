"""One epoch the sources' way: all features by librosa into an array, then PyTorch's eager loop.

    python -m benchmarks.source_epoch SYSTEM --data_folder RAVDESS

Same clips, split, noise copies, classifier (with PyTorch's own layers) and optimiser as our run.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks import sources
from benchmarks.plain import plain
from ser_lib.corpora import ravdess
from ser_lib.hparams import Hparams
from ser_lib.protocols import split

_ROOT = Path(__file__).resolve().parent.parent


def main(argv=None):
    """Train an epoch, score the test side, print WA; returns 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.source_epoch",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("system", metavar="SYSTEM", help="name of a YAML in hparams/")
    parser.add_argument("--data_folder", required=True, metavar="FOLDER", help="RAVDESS")
    options = parser.parse_args(argv)
    blocks = Hparams(str(_ROOT / "hparams" / f"{options.system}.yaml")).build(8)
    front_end, model = blocks["front_end"], plain(blocks["classifier"])
    manifest = ravdess.prepare(options.data_folder, allow_partial=True, progress=False)
    ledger = split(manifest, "ravdess-si6")
    paths = dict(zip(manifest["id"], manifest["path"], strict=True))
    emotions = dict(zip(manifest["id"], manifest["emotion"], strict=True))
    sides = []
    for side, ids in (("train", ledger.train), ("test", ledger.test)):
        copies = (
            blocks["augmentation"].copies if blocks.get("augmentation") and side == "train" else 0
        )
        features, labels = [], []
        for clip in ids:
            for values in _features(front_end, paths[clip], copies):
                features.append(values)
                labels.append(ravdess.EMOTIONS.index(emotions[clip]))
        sides.append((np.stack(features).astype(np.float32), torch.tensor(labels)))
    (train, labels), (test, wanted) = sides
    if blocks.get("scaler") is not None:
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(train.reshape(len(train), -1))
        train, test = (
            scaler.transform(x.reshape(len(x), -1)).reshape(x.shape) for x in (train, test)
        )
    train, test = torch.from_numpy(np.float32(train)), torch.from_numpy(np.float32(test))
    optimizer = blocks["optimizer"](model.parameters())
    order = torch.randperm(len(train))
    model.train()
    for batch in order.split(32)[: len(order) // 32]:
        lengths = torch.full((len(batch),), train.shape[-1])
        optimizer.zero_grad()
        cross_entropy(model(train[batch], lengths), labels[batch]).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        said = torch.cat([model(x, torch.full((len(x),), x.shape[-1])) for x in test.split(32)])
    print(f"WA {(said.argmax(1) == wanted).double().mean():.3f}")
    return 0


def _features(front_end, path, copies):
    """Features of a clip and of its noisy copies, each in the shape the front end has."""
    shape = tuple(front_end.shape)
    name = front_end.registered_name
    if name == "acoustic_features":
        found = sources.acoustic_features(path, front_end.parts)
    else:
        found = getattr(sources, name)(path)
    yield _fitted(found, shape)
    if copies:
        import librosa

        stretch = np.zeros(144_000, np.float32)
        samples = librosa.load(path, sr=48_000, offset=0.5, duration=3.0)[0]
        stretch[: len(samples)] = samples
        for _ in range(copies):
            noise = np.random.standard_normal(len(stretch))
            level = np.sqrt(
                (stretch**2).mean() / (noise**2).mean() * 10 ** (-np.random.randint(15, 30) / 10)
            )
            yield _fitted(sources.log_mel_of(np.float32(stretch + level * noise)), shape)


def _fitted(values, shape):
    """Cut or filled with 0 to ``shape`` along time."""
    values = values.reshape(*values.shape, *[1] * (len(shape) - values.ndim))
    values = values[..., : shape[-1]]
    return np.pad(
        values, [(0, want - have) for want, have in zip(shape, values.shape, strict=True)]
    )


if __name__ == "__main__":
    sys.exit(main())
