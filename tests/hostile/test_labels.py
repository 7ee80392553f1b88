"""Labels and file names of strangers reach a terminal, a card, a page and a table as text."""

import csv
import io
import re

import pandas as pd
import pytest
import soundfile

from ser_lib import load
from ser_lib.cli import exit_code
from ser_lib.errors import CorpusError, ModelFolderError
from ser_lib.evaluation.predictions import read_predictions, write_predictions
from ser_lib.hub.saving import save_model
from ser_lib.markdown import table, words
from ser_lib.pretrained.heard import sentence, warning
from ser_lib.use import demo_page
from ser_lib.use.output import Csv, JsonLines, Table
from ser_lib.use.predict import main

TRICKS = {
    "bidi": "happy\u202etxt.exe",
    "isolate": "\u2066happy\u2069",
    "escape": "\x1b[2Jhappy",
    "newline": "happy\nsad",
    "return": "happy\rsad",
    "bell": "happy\x07",
    "nul": "happy\x00",
    "c1": "happy\x9b31m",
    "separator": "happy\u2028sad",
    "mark": "\ufeffhappy",
    "half": "happy\ud800",
    "tag": "happy\U000e0041",
    "blank": "   ",
    "empty": "",
    "long": "h" * 101,
}
MARKUP = ["<script>alert(1)</script>", "a|b", "**bold**", "[x](http://evil)", "`code`", "&amp;"]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "'=1", "''"]


def with_labels(change, copy, labels):
    def rename(values):
        values["id2label"] = {str(n): label for n, label in enumerate(labels)}
        values["label2id"] = {}

    change(copy / "config.json", rename)
    return copy


@pytest.mark.parametrize("trick", TRICKS)
def test_labels_that_are_not_shown_as_they_are_do_not_load(copy, change, trick):
    with pytest.raises(ModelFolderError, match="label") as caught:
        load(with_labels(change, copy, ["angry", TRICKS[trick], "sad"]), device="cpu")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("trick", TRICKS)
def test_nor_are_they_saved(network, tmp_path, trick):
    with pytest.raises(ModelFolderError, match="label"):
        save_model(network, tmp_path / "model", ["angry", TRICKS[trick], "sad"], {})
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "told",
    [
        {"0": "a", "1": "b", "3": "c"},
        {"0": "a", "1": "a", "2": "c"},
        {"0": "a", "one": "b", "2": "c"},
        {"00": "a", "1": "b", "2": "c"},
        {"0": 1, "1": 2, "2": 3},
        ["a", "b", "c"],
        {},
        {str(n): f"l{n}" for n in range(10_001)},
    ],
)
def test_labels_that_name_no_classes(copy, change, told):
    change(copy / "config.json", {"id2label": told})
    with pytest.raises(ModelFolderError):
        load(copy, device="cpu")


@pytest.mark.parametrize(
    "label", ["怒り", "сердитый", "غاضب", "می\u200cخندد", "👩\u200d🚀", "not happy"]
)
def test_labels_in_every_script_load(copy, change, label):
    classify = load(with_labels(change, copy, ["angry", label, "sad"]), device="cpu")
    assert label in classify.model.config.id2label.values()


def rows_of(writer, stream, value):
    made = writer(stream)
    made.begin()
    made.row({"file": value, "label": value, "probability": 0.5})
    return stream.getvalue()


@pytest.mark.parametrize("value", [*FORMULAS, *TRICKS.values(), *MARKUP])
def test_no_cell_of_a_csv_is_a_formula(value):
    stream = io.StringIO()
    rows_of(lambda s: Csv(s, ["file", "label", "probability"]), stream, value)
    rows = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))
    assert len(rows) == 2 and len(rows[1]) == 3
    assert not re.match(r"\s*[=+\-@＝＋－＠]", rows[1][0])
    stream.getvalue().encode("utf-8")


@pytest.mark.parametrize("value", [*TRICKS.values(), *MARKUP])
def test_a_row_of_a_table_is_one_printable_line(value):
    stream = io.StringIO()
    told = rows_of(lambda s: Table(s, ["file", "label", "probability"], 10, [value]), stream, value)
    assert len(told.splitlines()) == 2
    assert all(line.isprintable() for line in told.splitlines())
    lines = rows_of(JsonLines, io.StringIO(), value).splitlines()
    assert len(lines) == 1 and lines[0].isascii() and lines[0].isprintable()


@pytest.mark.parametrize("value", [*FORMULAS, *MARKUP])
def test_predictions_csv_is_text_and_comes_back(tmp_path, value):
    frame = pd.DataFrame(
        {
            **{name: [value] for name in ("id", "speaker", "gender", "intensity", "statement")},
            **{"corpus": ["RAVDESS"], "fold": [1], "emotion": ["a"], "predicted": ["a"]},
            **{"correct": [True], "p_a": [0.75], "p_b": [0.25]},
        }
    )
    path = write_predictions(frame, tmp_path / "predictions.csv")
    for row in csv.reader(io.StringIO(path.read_text("utf-8"), newline="")):
        assert not any(re.match(r"\s*[=+\-@＝＋－＠]", cell) for cell in row)
    assert read_predictions(path)["speaker"].tolist() == [value]


def test_markup_stays_text_on_the_page_and_in_tables():
    class Answer:
        scores = {MARKUP[0]: 0.9, "sad": 0.1}
        timeline = None
        best = MARKUP[0]

    page = demo_page.cards([(MARKUP[0], MARKUP[0])], [Answer()])
    assert "<script>" not in page and page.count("&lt;script&gt;") >= 3
    assert "<script>" not in demo_page.trouble(MARKUP[0])
    assert len(table(["label"], [[mark] for mark in (*MARKUP, "a\nb")]).splitlines()) == 9
    told = [words(mark) for mark in (*MARKUP, "a\nb")]
    assert not any(re.search(r"(?<!\\)[<>`*|&\[\]\n]", mark) for mark in told)


def test_what_a_stranger_s_encoder_says_it_heard_is_text_in_a_report():
    heard = {"encoder": "`<b>`", "corpora": MARKUP, "source": MARKUP[0], "shared": MARKUP}
    for told in (sentence(heard), warning(heard)):
        assert not re.search(r"(?<!\\)<script|(?<!\\)\[x\]", told)


@pytest.mark.parametrize("told", ["x", {"corpora": "x"}, {"encoder": [1]}, {"encoder": "x"}, [1]])
def test_provenance_of_another_form_is_refused(copy, change, told):
    change(copy / "config.json", {"provenance": told})
    with pytest.raises(ModelFolderError, match="provenance"):
        load(copy, device="cpu")


def test_a_stranger_s_corpus_name_on_the_page_is_text(copy, change):
    change(copy / "config.json", {"provenance": {"corpora": [MARKUP[0]], "licence": MARKUP[0]}})
    told = demo_page.trained_on(load(copy, device="cpu").model)
    assert "<script>" not in demo_page.cards([("m", told)])


@pytest.mark.parametrize(
    "name", ["\x1b[2J.wav", "=1+1.wav", "a\nb.wav", "\u202ewav.mp3", "<b>.wav"]
)
def test_names_of_files_on_the_command_line(model_folder, tmp_path, capsys, name):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "good.wav", [0.1, -0.1] * 400, 8000)
    (tmp_path / "good.wav").rename(tmp_path / "in" / name)
    (tmp_path / "in" / f"bad{name}").write_bytes(b"nothing")
    for kind in ("table", "csv", "jsonl"):
        assert main([str(model_folder), str(tmp_path / "in"), "--format", kind]) == 3
        told = capsys.readouterr()
        assert "\x1b" not in told.out + told.err
        assert len(told.err.splitlines()) == 2
        assert all(line.isprintable() for line in told.err.splitlines())


def test_errors_of_every_command_are_one_printable_line(capsys):
    def job():
        raise CorpusError("\x1b]0;title\x07 a\nb \u202e c")

    assert exit_code(job) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1 and told.strip().isprintable()
