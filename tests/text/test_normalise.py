"""The steps of the source's notebook, on the examples that it prints and beyond."""

import pytest

from ser_lib.text.normalise import normalise, tokens


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # As printed in the notebook.
        ("[LAUGHTER]", " laughter "),
        ("[LAUGHTER] Utterly, utterly ridiculous.", " laughter utterly utterly ridiculous ."),
        ("We were very much younger then.", "we were very much younger then ."),
        ("Mmhmm.", "mmhmm ."),
        # The steps one by one, and in their order.
        ("  \tHello  ", "hello"),
        ("Café naïve ÀÉ", "cafe naive ae"),
        ("What?! No...", "what ? ! no . . ."),
        ("wait -- what ?", "wait what ?"),
        ("It's 5:30, o'clock", "it s o clock"),
        ("u.s. army", "u .s . army"),
        ("Groß für dich", "gro fur dich"),
        ("\u212aelvin", "kelvin"),
        ("привет 你好", " "),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_normalise(raw, expected):
    assert normalise(raw) == expected


def test_normalising_again_changes_nothing_but_the_ends():
    text = normalise("“Well?” -- said Zoë, 3 times!")
    assert normalise(text).strip() == text.strip()


def test_tokens_keep_one_letter_words_and_each_mark():
    assert tokens("I do. DO I?!") == ["i", "do", ".", "do", "i", "?", "!"]
    assert tokens("u.s. army") == ["u", ".", "s", ".", "army"]
    assert tokens("12 -- 你好") == []


def test_something_else_than_text_is_refused():
    with pytest.raises(AttributeError):
        normalise(None)
