"""Transcription files as IEMOCAP has them, with everything that is odd in them."""

import logging

import pytest

from ser_lib.corpora.iemocap_transcripts import parse, read_transcripts, transcription_files
from ser_lib.errors import CorpusError

GOOD = (
    "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\n"
    "Ses01F_impro01_M000 [007.5712-010.4750]: Do you have your forms?\n"
)


@pytest.fixture
def write(tmp_path):
    """``write(name, content)`` makes one file (str as UTF-8) and returns its path."""

    def make(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def test_id_before_the_first_space_and_text_after_the_last_colon():
    utterances, problems = parse(GOOD + "Ses01F_impro01_F001 [1-2]: It is 5:30. \r\n\n")
    assert utterances == [
        (1, "Ses01F_impro01_F000", "Excuse me."),
        (2, "Ses01F_impro01_M000", "Do you have your forms?"),
        (3, "Ses01F_impro01_F001", "30."),
    ]
    assert problems == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("M: Yeah.", "line 2 names no utterance: 'M: Yeah.'"),
        ("Ses01F_impro01_F003", "line 2 names no utterance"),
        ("[001.0-002.0]: no id", "line 2 names no utterance"),
        ("Ses01F_impro01_F003 [001.0-002.0] no colon", "line 2 has no colon"),
        ("Ses01F_impro01_F003[001.0-002.0]: no space", "line 2 names no utterance"),
    ],
)
def test_a_malformed_line_is_skipped_and_the_rest_of_the_file_is_read(line, why):
    first, second = GOOD.splitlines()
    utterances, problems = parse(f"{first}\n{line}\n{second}")
    assert [name for _, name, _ in utterances] == ["Ses01F_impro01_F000", "Ses01F_impro01_M000"]
    assert len(problems) == 1 and problems[0].startswith(why)


def test_problems_are_reported_once_a_file(write, caplog):
    path = write("a.txt", "M: Yeah.\n" + GOOD + "F: No.\n")
    with caplog.at_level(logging.WARNING, "ser_lib"):
        texts = read_transcripts([path])
    assert len(texts) == 2
    (record,) = caplog.records
    assert str(path) in record.getMessage()
    assert "2 lines skipped (first: line 1 names no utterance" in record.getMessage()


def test_a_clean_file_is_read_without_a_word(write, caplog):
    with caplog.at_level(logging.INFO, "ser_lib"):
        assert read_transcripts([write("a.txt", GOOD)])["Ses01F_impro01_F000"] == "Excuse me."
    assert not caplog.records


def test_an_empty_text_is_a_text(write):
    assert read_transcripts([write("a.txt", "Ses01F_impro01_F000 [1-2]:\n")]) == {
        "Ses01F_impro01_F000": ""
    }


def test_the_first_of_two_texts_of_one_id_counts_and_the_other_is_reported(write, caplog):
    files = [write("a.txt", GOOD), write("b.txt", GOOD.replace("Excuse me", "Get out"))]
    with caplog.at_level(logging.WARNING, "ser_lib"):
        texts = read_transcripts(files)
    assert texts["Ses01F_impro01_F000"] == "Excuse me." and len(texts) == 2
    (record,) = caplog.records
    assert "line 1 gives Ses01F_impro01_F000 another text than a.txt" in record.getMessage()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings(write, encoding):
    text = "Ses01F_impro01_F000 [1-2]: It’s a café.\r\n"
    path = write("a.txt", text.encode(encoding))
    assert read_transcripts([path]) == {"Ses01F_impro01_F000": "It’s a café."}


def test_another_encoding_is_not_silent(write, caplog):
    with caplog.at_level(logging.INFO, "ser_lib"):
        read_transcripts([write("a.txt", GOOD.replace("me", "\xe9").encode("latin-1"))])
    assert "not UTF-8" in caplog.text


def test_files_of_all_sessions_without_hidden_ones(write, tmp_path):
    for name in ("Session2/dialog/transcriptions/b.txt", "Session1/dialog/transcriptions/a.txt"):
        write(name, GOOD)
    write("Session1/dialog/transcriptions/._a.txt", b"\0\1")
    write("Session1/dialog/EmoEvaluation/c.txt", "")
    assert [path.name for path in transcription_files(tmp_path)] == ["a.txt", "b.txt"]


def test_a_folder_without_transcriptions_is_named(tmp_path):
    with pytest.raises(CorpusError, match="Session1 to Session5") as caught:
        transcription_files(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfeS\0e\0s\0", b"RIFF\0\0\0\0WAVE"])
def test_what_is_no_text_file_is_refused_by_name(write, tmp_path, content):
    path = write("a.txt", content) if content else tmp_path / "none.txt"
    with pytest.raises(CorpusError) as caught:
        read_transcripts([path])
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
