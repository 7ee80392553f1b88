"""Label files in the official layout, and everything that can be wrong with them."""

import logging

import pytest

from ser_lib.corpora import iemocap_labels as labels
from ser_lib.errors import CorpusError

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
LISTENERS = "C-E2:\tNeutral;\t()\nC-F1:\tNeutral;\t(curious, see [1])\nA-E3:\tval 3; act 2;\t()\n\n"


def line(name="Ses01F_impro01_F000", code="neu", start="6.2901", end="8.2357"):
    return f"[{start} - {end}]\t{name}\t{code}\t[2.5000, 3.0000, 4.0000]\n"


@pytest.fixture
def write(tmp_path):
    """``write(text, name, session)`` makes one label file (str as UTF-8); returns its root."""

    def make(content, name="Ses01F_impro01.txt", session=1):
        path = tmp_path / f"Session{session}" / "dialog" / "EmoEvaluation" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return make


def refused(root, *words):
    with pytest.raises(CorpusError) as caught:
        labels.read_turns(root)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


def test_a_summary_line_is_a_turn(write):
    root = write(HEADER + line() + LISTENERS)
    assert labels.read_turns(root) == [
        labels.Turn(
            id="Ses01F_impro01_F000",
            session=1,
            dialogue="Ses01F_impro01",
            speaker="Ses01F",
            gender="female",
            statement="impro01",
            start=6.2901,
            end=8.2357,
            code="neu",
            valence=2.5,
            activation=3.0,
            dominance=4.0,
        )
    ]


@pytest.mark.parametrize(
    ("name", "session", "speaker", "gender", "statement"),
    [
        ("Ses01F_impro07_M012", 1, "Ses01M", "male", "impro07"),
        ("Ses02M_script01_1_F004", 2, "Ses02F", "female", "script01_1"),
        ("Ses03M_impro05a_F017", 3, "Ses03F", "female", "impro05"),
        ("Ses05M_script01_1b_M003", 5, "Ses05M", "male", "script01_1"),
    ],
)
def test_the_end_of_the_name_tells_who_speaks(write, name, session, speaker, gender, statement):
    (turn,) = labels.read_turns(write(line(name), f"{name[:-5]}.txt", session))
    assert (turn.speaker, turn.gender, turn.statement) == (speaker, gender, statement)


@pytest.mark.parametrize("code", sorted(labels.EMOTIONS))
def test_every_code_is_known(write, code):
    assert labels.read_turns(write(line(code=code)))[0].code == code


def test_the_release_has_10039_turns():
    assert sum(labels.COUNTS.values()) == sum(labels.SESSION_COUNTS.values()) == 10_039
    assert set(labels.COUNTS) == set(labels.EMOTIONS)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("[6.2901 - 8.2357]\tSes01F_impro01_F001\tneu\n", "line 4 is malformed"),
        ("[6.2901]\tSes01F_impro01_F001\tneu\t[1, 2, 3]\n", "line 4 is malformed"),
        ("[six - 8.2357]\tSes01F_impro01_F001\tneu\t[1, 2, 3]\n", "line 4 is malformed"),
        ("6.29 - 8.23]\tSes01F_impro01_F001\tneu\t[1, 2, 3]\n", "line 4 is malformed"),
        (line("Ses01F_impro01"), "line 4 names no turn of IEMOCAP ('Ses01F_impro01')"),
        (line("Ses06F_impro01_F001"), "line 4 names no turn of IEMOCAP"),
        (line("Ses02F_impro01_F001"), "names Ses02F_impro01_F001, which is not of session 1"),
        (
            line("Ses01F_impro01_F001", code="joy"),
            "gives Ses01F_impro01_F001 the unknown code 'joy'",
        ),
        (
            line("Ses01F_impro01_F001", start="9.5", end="9.0"),
            "lets Ses01F_impro01_F001 end at 9 s and start at 9.5 s",
        ),
        (line("Ses01F_impro01_F001", start="9", end="9"), "end at 9 s and start at 9 s"),
        (line("Ses01F_impro01_F001", start="-1", end="9"), "start at -1 s"),
        (line("Ses01F_impro01_F001", start="nan", end="9"), "start at nan s"),
        (line(), "labels Ses01F_impro01_F000 again, after Session1/dialog/EmoEvaluation/"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(write, bad, why):
    root = write(HEADER + line() + bad + LISTENERS)
    refused(root, "1 label line cannot", "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt", why)


def test_all_bad_lines_are_named_at_once(write):
    write(line() + "[broken\n" + line("Ses01F_impro01_M000", start="5", end="1"))
    root = write(line("Ses02M_impro02_M001", code="joy"), "Ses02M_impro02.txt", session=2)
    refused(
        root, "3 label lines", "line 2 is mal", "line 3 lets", "Ses02M_impro02.txt line 1 gives"
    )


def test_very_many_bad_lines_are_counted(write):
    message = refused(write("[broken\n" * 100), "100 label lines", "(100 in all)")
    assert message.count("malformed") == 30


def test_an_id_in_two_files_is_refused(write):
    write(line())
    root = write(line(), "Ses01F_impro01 (copy).txt")
    refused(root, "labels Ses01F_impro01_F000 again", "(copy).txt line 1", "Ses01F_impro01.txt")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems(write, end):
    text = (HEADER + line() + LISTENERS + line("Ses01F_impro01_M000")).replace("\n", end)
    assert [turn.id[-4:] for turn in labels.read_turns(write(text))] == ["F000", "M000"]


def test_byte_order_mark_and_no_last_line_end(write):
    root = write(b"\xef\xbb\xbf" + line().strip().encode())
    assert len(labels.read_turns(root)) == 1


def test_blanks_instead_of_tabs_and_whole_numbers(write):
    root = write("[6 - 8]  Ses01F_impro01_F000   neu   [2,3,4]  \n")
    assert labels.read_turns(root)[0][6:] == (6.0, 8.0, "neu", 2.0, 3.0, 4.0)


def test_latin_1_bytes_in_a_comment(write):
    root = write(line().encode() + b"C-E2:\tNeutral;\t(na\xefve, \x85 blas\xe9)\n")
    assert len(labels.read_turns(root)) == 1


def test_comments_that_name_a_turn_are_no_turns(write):
    root = write(line() + "C-E2:\tNeutral;\t(as in Ses01F_impro01_F099)\n")
    assert len(labels.read_turns(root)) == 1


def test_hidden_files_and_folders_of_single_listeners_are_left_out(write):
    root = write(line())
    write(b"\x00\x05\x16\x07", "._Ses01F_impro01.txt")
    write(b"\x00\x00\x00\x01Bud1", ".DS_Store")
    write(line(), "Categorical/Ses01F_impro01_e2_cat.txt")
    write("a note on [Ses01F_impro01_F000]", "notes.txt")
    assert len(labels.read_turns(root)) == 1


def test_suffix_in_capitals(write):
    assert len(labels.read_turns(write(line(), "Ses01F_impro01.TXT"))) == 1


def test_a_file_that_is_no_text(write):
    refused(write(line().encode("utf-16")), "Ses01F_impro01.txt is no text file")


def test_no_labels_at_all(write):
    refused(write(HEADER), "holds no labelled turns")


def test_counts_are_those_of_the_release_or_refused(write, caplog):
    root = write(line() + line("Ses01F_impro01_M000", code="dis"))
    turns = labels.read_turns(root)
    with pytest.raises(CorpusError) as caught:
        labels.check_counts(root, turns, allow_partial=False)
    message = str(caught.value)
    for word in (
        "2 of IEMOCAP's 10039",
        "Session1 lacks 1817",
        "Session5 lacks 2170",
        "dis lacks 1",
    ):
        assert word in message
    assert "--allow_partial" in message and "\n" not in message
    with caplog.at_level(logging.WARNING, "ser_lib"):
        labels.check_counts(root, turns, allow_partial=True)
    assert any("2 of IEMOCAP's 10039" in text for text in caplog.messages)
    many = [turns[1]._replace(id=str(number)) for number in range(4)]
    with pytest.raises(CorpusError, match="dis has 2 more"):
        labels.check_counts(root, many, allow_partial=False)
