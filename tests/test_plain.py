"""What strangers and libraries say, on one line of a terminal."""

import pickle

import pytest

from ser_lib.plain import first_sentence


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Weights only load failed. This file can still be loaded, you have two options, "
            "\x1b[1mdo those steps only if you trust it\x1b[0m.\n(1) In PyTorch 2.6, we changed",
            "Weights only load failed",
        ),
        ("\x1b[1;31mno\x1b[0m such key 'a.b' in PyTorch 2.6", "no such key 'a.b' in PyTorch 2.6"),
        ("header too small\nand more", "header too small"),
        (
            "[enforce fail at io.cc:664] . unexpected pos 64",
            "[enforce fail at io.cc:664] . unexpec",
        ),
        ("wait ... then. More", "wait ... then"),
        ("\n\n  late\n", "late"),
        ("title\x1b]0;x\x07", "title\\x1b]0;x\\x07"),
    ],
)
def test_the_first_sentence_stands_without_its_styles(said, told):
    found = first_sentence(pickle.UnpicklingError(said))
    assert found.startswith(told) and "\n" not in found and "\x1b" not in found
    assert "two options" not in found and "more" not in found.lower()


def test_an_error_that_says_nothing_is_told_by_its_type():
    assert first_sentence(EOFError()) == "EOFError"
    assert first_sentence(ValueError("  \n")) == "ValueError"
