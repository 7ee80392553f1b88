"""The work of the sources' feature loops, with the libraries that they use, to be timed.

Each takes the path of a sound file and gives an array as a source's loop would store it. Loading is
part of it, as there, by today's librosa. What front ends are compared with number by number stands
in the tests. Sources: those named in the YAML of each system.
"""

import io

import librosa
import numpy as np

_PICTURE = {"size": (6, 4), "dpi": 50}


def log_mel(path):
    """Data-Science-kosta: ``(128, 563)``, dB."""
    return log_mel_of(librosa.load(path, sr=48_000, offset=0.5, duration=3.0)[0])


def log_mel_of(samples):
    """Data-Science-kosta's spectrogram of a stretch that is loaded already."""
    stretch = np.zeros(144_000, np.float32)
    stretch[: len(samples)] = samples
    mel = librosa.feature.melspectrogram(
        y=stretch,
        sr=48_000,
        n_fft=1024,
        win_length=512,
        hop_length=256,
        window="hamming",
        n_mels=128,
        fmax=24_000,
    )
    return librosa.power_to_db(mel, ref=np.max)


def mfcc(path):
    """CDCapobianco: ``(25, 216)``."""
    samples = librosa.load(path, sr=44_100, offset=0.5, duration=2.5)[0]
    return librosa.feature.mfcc(
        y=librosa.util.fix_length(samples, size=110_250), sr=44_100, n_mfcc=25
    )


def issa_features(path):
    """Issa: ``(193,)``."""
    return issa_features_of(librosa.load(path)[0])


def issa_features_of(samples, rate=22_050):
    """Issa's vector of a clip that is loaded already."""
    feature = librosa.feature
    parts = (
        feature.mfcc(y=samples, sr=rate, n_mfcc=40),
        feature.chroma_stft(y=samples, sr=rate),
        feature.melspectrogram(y=samples, sr=rate),
        feature.spectral_contrast(y=samples, sr=rate),
        feature.tonnetz(y=samples, sr=rate),
    )
    return np.concatenate([part.mean(axis=1) for part in parts])


def mel_image(path):
    """harshpreet07's CNN: ``(64, frames)``, dB, by torchaudio as there."""
    import soundfile
    import torch
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mel = MelSpectrogram(rate, n_fft=1024, hop_length=512, n_mels=64)
    return AmplitudeToDB("power")(mel(torch.from_numpy(samples.mean(axis=1)))).numpy()


def mfcc_means(path):
    """harshpreet07's perceptron: ``(40,)``."""
    samples, rate = librosa.load(path, sr=None)
    return librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=40).mean(axis=1)


def acoustic_features(path, parts=1):
    """ShaheenPerveen: ``(199, parts)``."""
    samples = librosa.load(path)[0]
    return np.stack([acoustic_features_of(part) for part in np.array_split(samples, parts)], 1)


def acoustic_features_of(samples, rate=22_050):
    """ShaheenPerveen's vector of a clip that is loaded already."""
    feature = librosa.feature
    spectrum = np.abs(librosa.stft(samples))
    pitches, heights = librosa.piptrack(y=samples, sr=rate, fmin=70, fmax=400)
    pitch = pitches[heights.argmax(axis=0), np.arange(pitches.shape[1])]
    centre = feature.spectral_centroid(y=samples, sr=rate)
    centre = centre / centre.sum()
    level = feature.rms(y=samples + 0.0001)
    coefficients = feature.mfcc(y=samples, sr=rate, n_mfcc=12)
    single = (
        feature.spectral_flatness(y=samples).mean(),
        feature.zero_crossing_rate(samples).mean(),
        *(centre.mean(), centre.std(), centre.max()),
        *(pitch.mean(), pitch.max(), pitch.min(), pitch.std(), librosa.pitch_tuning(pitches)),
        *(level.mean(), level.max(), level.std()),
        librosa.effects.hpss(samples)[0].mean(),
        *(np.abs(samples).mean(), samples.std()),
    )
    tracks = (
        feature.chroma_stft(S=spectrum, sr=rate),
        feature.melspectrogram(y=samples, sr=rate),
        feature.spectral_contrast(S=spectrum, sr=rate),
    )
    statistics = (coefficients.mean(1), coefficients.std(1), coefficients.max(1))
    return np.concatenate([single, *statistics, *(track.mean(axis=1) for track in tracks)])


def spectrogram_picture(path):
    """ShaheenPerveen's picture: ``(3, 224, 224)``, drawn by matplotlib, saved and read again."""
    import librosa.display
    import matplotlib.pyplot as plt
    from PIL import Image

    samples, rate = librosa.load(path)
    mel = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=rate), ref=np.max)
    figure = plt.figure(figsize=_PICTURE["size"], dpi=_PICTURE["dpi"])
    librosa.display.specshow(mel, sr=rate)
    plt.axis("off")
    file = io.BytesIO()
    figure.savefig(file, format="jpg")
    plt.close(figure)
    picture = Image.open(file).convert("RGB").resize((384, 256)).crop((80, 16, 304, 240))
    scaled = np.asarray(picture, np.float32).transpose(2, 0, 1) / 255
    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)
    return (scaled - mean[:, None, None]) / deviation[:, None, None]
