"""Mutations of examples from a seed: the same ones on every machine."""

import json
import random

_ODD = (b"\0", b"\xff", b"\x7f", b"\x80", b"-1", b"0", b"1e999", b"NaN", b"999999999", b"\\u202e")
_WORDS = (b'"', b"{", b"}", b"[", b"]", b",", b"null", b"true", b"data", b"fmt ", b"RIFF", b"\n")
# What a value of JSON becomes.
_VALUES = (
    *(None, True, False, 0, 1, -1, 2, 1.5, -0.0, 1e-300, 1e300, 2**31, 2**63, 10**6, 10**30),
    *("", "x", "__class__", "\x1b[2J", "\u202e", "../x", "os.system", [], {}, [[]], [None]),
    *(float("nan"), float("inf"), [10**6] * 4, {"name": "perceptron"}, ["a"] * 1000),
)


def mutants(examples, count, seed=0):
    """Yield examples and mutations of them.

    Arguments
    ---------
    examples : sequence of bytes
    count : int
        How many to yield; the examples as they are come first.
    seed : int
    """
    chance = random.Random(seed)
    for number in range(count):
        if number < len(examples):
            yield examples[number]
            continue
        example = chance.choice(examples)
        if example[:1] == b"{" and chance.random() < 0.7:
            yield _other_values(example, chance)
            continue
        data = bytearray(example)
        for _ in range(chance.choice((1, 1, 2, 4, 16))):
            _change(data, chance, examples)
        yield bytes(data)


def _other_values(example, chance):
    """A JSON object with one to three other values somewhere in it."""
    tree = json.loads(example)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        inside, place = tree, chance.choice(list(tree) or ["x"])
        while isinstance(inside.get(place) if isinstance(inside, dict) else inside[place], dict):
            if not inside[place] or chance.random() < 0.2:
                break
            inside = inside[place]
            place = chance.choice(list(inside))
        if chance.random() < 0.1:
            inside.pop(place, None)
        else:
            inside[place] = chance.choice(_VALUES)
    return json.dumps(tree).encode()


def _change(data, chance, examples):
    # Headers are short and decide; most changes go to the beginning.
    reach = max(1, len(data) if chance.random() < 0.4 else min(len(data), 64))
    place = chance.randrange(reach)
    kind = chance.randrange(8)
    if kind == 0 and data:
        data[place] ^= 1 << chance.randrange(8)
    elif kind == 1 and data:
        data[place] = chance.randrange(256)
    elif kind == 2:
        del data[place : place + chance.choice((1, 2, 4, 8, 64, len(data)))]
    elif kind == 3:
        data[place:place] = chance.choice(_ODD + _WORDS)
    elif kind == 4 and len(data) >= 4:
        number = chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, chance.getrandbits(32)))
        data[place : place + 4] = number.to_bytes(4, chance.choice(("little", "big")))
    elif kind == 5:
        piece = bytes(data[place : place + chance.choice((4, 8, 32))])
        data[place:place] = piece * chance.choice((1, 2, 16))
    elif kind == 6:
        other = chance.choice(examples)
        data[place:] = other[chance.randrange(len(other) + 1) :]
    else:
        digits = [spot for spot, byte in enumerate(data[:100_000]) if 48 <= byte <= 57]
        if digits:
            spot = chance.choice(digits)
            data[spot : spot + 1] = chance.choice(_ODD)
