"""What is told of two resamplers is of sounds that were resampled."""

import numpy as np
import pytest
import soundfile

from benchmarks import resampling

pytest.importorskip("librosa")


class Loud:
    """Answers by how loud the highest fifth of the spectrum is."""

    feature_extractor = type("", (), {"sampling_rate": 8000})

    def __call__(self, clip):
        spectrum = np.abs(np.fft.rfft(clip[0]))
        share = float(min(1, spectrum[-len(spectrum) // 5 :].sum() / spectrum.sum()))
        return [{"label": "high", "score": share}, {"label": "low", "score": 1 - share}]


def test_only_other_rates_count(tmp_path, monkeypatch, capsys):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
    for name, rate in (("same", 8000), ("up", 4000), ("down", 16_000)):
        soundfile.write(tmp_path / f"{name}.wav", noise, rate)
    changed, moved = resampling.compared(Loud(), map(str, sorted(tmp_path.glob("*.wav"))))
    assert len(changed) == len(moved) == 2 and (moved > 0).all()
    monkeypatch.setattr("ser_lib.use.command.load_quietly", lambda _: Loud())
    assert resampling.main(["model", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("2 sounds: ")
    assert resampling.main(["model", str(tmp_path / "same.wav")]) == 0
    assert "nothing is resampled" in capsys.readouterr().out
