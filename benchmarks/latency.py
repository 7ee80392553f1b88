"""From the file of one 3-s clip to its label, on one core, after warm-up."""

import tempfile
from pathlib import Path

import librosa
import soundfile
import torch

from benchmarks import sources, speech
from benchmarks.plain import plain
from benchmarks.rows import Row, side_by_side
from ser_lib import load
from ser_lib.corpora.ravdess import EMOTIONS
from ser_lib.features.log_mel import LogMel
from ser_lib.features.mfcc import MFCC
from ser_lib.features.scaler import CellStandardizer
from ser_lib.hub.saving import save_model
from ser_lib.models.cnn_transformer import CNNTransformer
from ser_lib.models.mfcc_cnn import MFCCCNN
from ser_lib.models.waveform_classifier import WaveformClassifier


def rows(options):
    """Two systems, each against librosa with the eager model, and against wav2vec2-base."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runs = 5 if options.quick else 30
    made = []
    with tempfile.TemporaryDirectory() as folder:
        clip = f"{folder}/clip.wav"
        soundfile.write(clip, speech.clips(options, 1)[0], 48_000)
        stock = _wav2vec2()
        for name, front_end, shape, model, features, limit in (
            (
                "parallel CNN-Transformer",
                LogMel(),
                (128, 563),
                CNNTransformer,
                sources.log_mel,
                0.025,
            ),
            ("MFCC CNN", MFCC(), (25, 216), MFCCCNN, sources.mfcc, 0.012),
        ):
            network = WaveformClassifier(front_end, CellStandardizer(shape), model(8)).eval()
            target = Path(folder, model.__name__)
            save_model(network, target, list(EMOTIONS), {"synthetic": True})
            ours = load(str(target))
            eager = plain(model(8)).eval()
            length = torch.tensor([shape[-1]])

            def by_librosa(eager=eager, features=features, length=length):
                with torch.no_grad():
                    return eager(torch.from_numpy(features(clip))[None], length).argmax()

            def by_wav2vec2():
                return stock(librosa.load(clip, sr=16_000)[0])

            mine, eager_time, large = side_by_side(
                [lambda ours=ours: ours(clip), by_librosa, by_wav2vec2], runs, warm=3
            )
            what = f"one 3-s clip from file to label, one core, {name}"
            made.append(Row(what, "librosa, eager model", mine, eager_time, ("seconds", limit)))
            against = "stock pipeline, wav2vec2-base (random weights)"
            made.append(Row(what, against, mine, large))
    torch.set_num_threads(threads)
    return made


def _wav2vec2():
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForSequenceClassification,
        pipeline,
    )

    model = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(num_labels=8)).eval()
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=False)
    return pipeline("audio-classification", model=model, feature_extractor=extractor)
