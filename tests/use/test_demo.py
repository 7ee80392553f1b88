"""The demo page without a browser: what it says about every clip that people may bring."""

import html
import os
import re
import runpy
import struct
import sys

import numpy as np
import pytest
import soundfile

from ser_lib.errors import AudioError, HparamsError, HubError, RunError
from ser_lib.evaluation import sound_figures
from ser_lib.hub.space import write_space
from ser_lib.use import demo, demo_clip, demo_page
from ser_lib.use.demo_clip import Answer
from ser_lib.use.windows import Timeline

RATE = 8000


@pytest.fixture
def wav(tmp_path, noise):
    """Function that writes samples (or seconds of noise) to a file and gives its path."""

    def write(samples, name="clip.wav", rate=RATE, **options):
        samples = noise(samples) if isinstance(samples, (int, float)) else samples
        soundfile.write(tmp_path / name, samples, rate, **options)
        return str(tmp_path / name)

    return write


def show(path, classify, min_confidence=0.0, models=1):
    told = [("a/model", "Trained on X."), ("b/model", "Trained on Y.")][:models]
    named = [(name, classify) for name, _ in told]
    return demo.look(path, named, told, min_confidence)


def text(page):
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def test_a_short_clip_gets_the_answer_that_the_classifier_gives(wav, noise, classify):
    path = wav(1.0)
    clip, answers = show(path, classify)
    best = classify(path)[0]
    assert f"{best['label']}, {100 * best['score']:.0f} %" in text(answers)
    assert all(row["label"] in answers for row in classify(path))
    assert "clip.wav: 1.0 s, 8 kHz." in clip
    assert "over time" not in answers


def test_bars_are_as_long_as_the_numbers_say():
    cards = demo_page.cards([("m", "t")], [Answer({"happy": 0.75, "sad": 0.25})])
    assert re.findall(r"width:([\d.]+)%", cards) == ["75.0", "25.0"]
    assert "75 %" in cards
    assert "25 %" in cards


def test_a_long_clip_shows_emotion_over_time(wav, classify):
    _, answers = show(wav(10.0), classify)
    assert "mean of 8 windows of 3 s" in answers
    assert "Emotion over time" in answers
    assert re.search(r"0\.0 to \d+\.\d s (angry|happy|sad)", text(answers))


def test_the_answer_to_a_long_clip_is_the_windows_mean(wav, classify):
    clip = demo_clip.read_clip(wav(10.0))
    answer = demo_clip.ask(classify, clip)
    assert sum(answer.scores.values()) == pytest.approx(1)
    assert answer.scores[answer.best] == pytest.approx(answer.timeline.whole.max())


def test_what_is_below_the_asked_confidence_is_called_unsure():
    answer = Answer({"sad": 0.4, "happy": 0.35, "angry": 0.25})
    words, sure = demo_page.verdict(answer, 0.5)
    assert words == "Unsure: sad comes closest with 40 %, below the 50 % asked for."
    assert not sure
    assert demo_page.verdict(answer, 0.4) == ("sad, 40 %", True)


@pytest.mark.parametrize(
    "second, said",
    [
        ({"sad": 0.9, "happy": 0.1}, "Both hear sad."),
        ({"happy": 0.9, "sad": 0.1}, "They differ: sad against happy."),
        ({"happy": 0.55, "sad": 0.45}, "They differ: sad against happy, one of them unsure."),
    ],
)
def test_two_models_are_compared(second, said):
    answers = [Answer({"sad": 0.8, "happy": 0.2}), Answer(second)]
    page = demo_page.cards([("a", ""), ("b", "")], answers, 0.6)
    assert said in page
    # Rows stand in one order, so that they can be read across.
    rows = re.findall(r"row'>(\w+)<", page)
    assert rows[:2] == rows[2:]


def test_two_models_of_different_labels_are_shown(wav):
    answers = [Answer({"sad": 1.0}), Answer({"anger": 0.7, "joy": 0.3})]
    page = demo_page.cards([("a", ""), ("b", "")], answers)
    assert re.findall(r"row'>(\w+)<", page) == ["sad", "anger", "joy"]


def test_it_says_what_a_model_was_trained_on(classify):
    class Model:
        class config:
            provenance = {"corpora": ["RAVDESS", "EMO-DB"], "synthetic": True, "licence": "CC0"}

    told = demo_page.trained_on(Model)
    assert told.startswith("Trained on RAVDESS and EMO-DB. Synthetic: made-up voices")
    assert "CC0" in told
    Model.config.provenance = {}
    assert demo_page.trained_on(Model) == "It does not tell what it was trained on."
    assert "consent" in demo_page.heading()
    assert demo_page.name_of("/x/y/model", classify.model) == "y/model (cnn_transformer)"


def test_a_page_without_a_clip_shows_the_models_alone(classify):
    clip, answers = show(None, classify)
    assert clip == ""
    assert "Trained on X." in answers
    assert "%" not in text(answers)


SHORT = np.full(80, 0.5, np.float32)
HOLED = np.where(np.arange(RATE) == 5, np.nan, 0.1).astype(np.float32)


@pytest.mark.parametrize(
    "samples, options, said",
    [
        (np.zeros(RATE), {}, "clip.wav is silent"),
        (SHORT, {}, "10 ms of sound are too short"),
        (HOLED, {"subtype": "FLOAT"}, "clip.wav holds NaN"),
    ],
)
def test_bad_sound_gets_one_clear_line(wav, classify, tmp_path, samples, options, said):
    clip, answers = show(wav(samples, **options), classify)
    assert said in text(clip)
    assert str(tmp_path) not in clip
    assert "%" not in text(answers)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "wav, flac, mp3, ogg and aiff can be read"),
        (b"", "is empty (0 bytes)"),
        (b"RIFF" + struct.pack("<I", 999) + b"WAVEfmt ", "truncated"),
    ],
)
def test_what_is_no_sound_gets_one_clear_line(tmp_path, classify, content, said):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    clip, _ = show(str(path), classify)
    assert said in text(clip)
    assert str(tmp_path) not in clip


def test_a_file_that_is_gone_gets_one_clear_line(tmp_path, classify):
    assert "no such file" in show(str(tmp_path / "gone.wav"), classify)[0]


def test_eight_channels_are_heard_and_said(wav, noise, classify):
    clip, answers = show(wav(np.stack([noise(1.0)] * 8, axis=1)), classify)
    assert "8 channels were averaged" in clip
    assert "%" in text(answers)


def test_telephone_sound_is_heard(wav, noise, classify):
    assert "%" in text(show(wav(1.0, rate=8000), classify)[1])


def test_an_hour_is_heard_for_ten_minutes(wav, noise, monkeypatch):
    clip = demo_clip.read_clip(wav(np.tile(noise(30.0), 120)))
    assert clip.seconds == 600
    assert "first 10 minutes" in clip.notes[0]
    # The whole of an hour is not decoded.
    assert len(clip.waveform) == 600 * RATE
    heard = []

    def timeline(classify, source, window, hop):
        heard.append(600 / hop)
        return Timeline(["a"], np.array([0.0]), np.array([600.0]), np.ones((1, 1)))

    monkeypatch.setattr(demo_clip, "timeline", timeline)
    demo_clip.ask(None, clip)
    assert heard[0] <= 200


def test_ten_minutes_and_a_little_say_so_too(wav, noise):
    clip = demo_clip.read_clip(wav(np.tile(noise(10.5), 58)))
    assert clip.seconds == 600
    assert clip.notes


def test_names_cannot_write_html(wav, classify):
    clip, _ = show(wav(1.0, name="<b>x&y'.wav"), classify)
    assert "<b>" not in clip
    assert "<b>x&y'.wav: 1.0 s" in text(clip)
    cards = demo_page.cards([("<i>", "<u>")], [Answer({"<s>": 1.0})])
    assert not re.search("<[ius]>", cards)


def test_stretches_join_neighbours_of_one_label():
    starts = np.arange(4.0)
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.9, 0.1]])
    found = Timeline(["a", "b"], starts, starts + 3, p)
    assert demo_clip.stretches(found) == [(0.0, 3.0, "a"), (3.0, 4.0, "b"), (4.0, 6.0, "a")]


@pytest.mark.parametrize("samples", [1, 10, 200, 5000])
def test_pictures_of_any_clip_can_be_drawn(samples):
    png = sound_figures.sound_figure(np.full(samples, 0.1, np.float32), RATE)
    assert png.startswith(b"\x89PNG")


def test_the_spectrogram_finds_a_tone():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    level, top = sound_figures.spectrogram(tone, RATE)
    assert top == 4000
    assert level.max() == 0
    heights = level.argmax(axis=0) * top / (level.shape[0] - 1)
    assert np.abs(heights - 1000).max() <= 40


def test_the_envelope_keeps_a_click():
    click = np.zeros(100_000)
    click[54_321] = -0.7
    low, high = sound_figures.envelope(click)
    assert low.min() == -0.7
    assert high.max() == 0
    assert len(low) <= 600


def test_the_page_tells_nobody_and_keeps_nothing(classify):
    pytest.importorskip("gradio", reason="gradio is not installed: pip install -e '.[demo]'")
    page = demo.page([("m", classify)])
    assert page.analytics_enabled is False
    assert page.delete_cache == (demo.KEPT, demo.KEPT)


def test_without_gradio_one_line_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert demo.main(["somewhere"]) == 2
    assert "pip install -e '.[demo]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["a", "b", "c"], "one or two"),
        ([], "MODEL"),
        (["a", "--min_confidence", "2"], "min_confidence"),
        (["a", "--port", "0"], "--port"),
        (["./nowhere"], "no such model folder"),
    ],
)
def test_a_wrong_command_gets_one_line(capsys, arguments, said):
    pytest.importorskip("gradio", reason="gradio is not installed: pip install -e '.[demo]'")
    assert demo.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_taken_port_gets_one_line(model_folder):
    pytest.importorskip("gradio", reason="gradio is not installed: pip install -e '.[demo]'")
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RunError, match="--port"):
            demo.serve([model_folder], port=taken.getsockname()[1], block=False)


def test_wrong_confidence_is_refused(model_folder):
    pytest.importorskip("gradio", reason="gradio is not installed: pip install -e '.[demo]'")
    with pytest.raises(HparamsError, match="0 to 1"):
        demo.serve([model_folder], min_confidence=float("nan"), block=False)


def test_reading_names_the_file_alone(tmp_path):
    with pytest.raises(AudioError) as told:
        demo_clip.read_clip(tmp_path / "x.wav")
    assert str(tmp_path) not in str(told.value)


def test_a_space_serves_the_model(tmp_path, monkeypatch):
    space = write_space(tmp_path / "space", "me/my-model", min_confidence=0.6)
    front = (space / "README.md").read_text(encoding="utf-8").split("---")[1]
    assert "\nsdk: gradio\n" in front
    assert re.search(r"\nsdk_version: \d+\.\d+\.\d+\n", front)
    assert "- me/my-model" in front
    needed = (space / "requirements.txt").read_text(encoding="utf-8")
    assert "torch==" in needed
    assert "pytest" not in needed
    assert (space / "ser_lib" / "use" / "demo.py").is_file()
    assert not [path for path in space.rglob("*") if path.name == "__pycache__"]
    asked = []
    monkeypatch.setattr(demo, "serve", lambda *given, **named: asked.append((given, named)))
    runpy.run_path(os.fspath(space / "app.py"), run_name="__main__")
    assert asked == [((["me/my-model"],), {"min_confidence": 0.6})]
    # Once more over an old one.
    (space / "ser_lib" / "stale.py").touch()
    write_space(space, "me/other")
    assert not (space / "ser_lib" / "stale.py").exists()
    assert "me/other" in (space / "app.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["my-model", "a/b/c", "me/my model", "me/x'\"]"])
def test_a_space_needs_a_full_id(tmp_path, name):
    with pytest.raises(HubError):
        write_space(tmp_path, name)
    assert not list(tmp_path.iterdir())
