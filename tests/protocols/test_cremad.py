import hashlib
from collections import Counter

import pytest

from ser_lib.errors import ProtocolError
from ser_lib.protocols import split
from ser_lib.protocols._emobox_cremad import CREMAD
from ser_lib.protocols.cremad import FOLDS


def test_the_lists_follow_from_the_rule(cremad_women):
    actors = [str(actor) for actor in range(1001, 1092)]
    cards = [a for a in actors if a in cremad_women] + [a for a in actors if a not in cremad_women]
    assert len(cremad_women) == 43
    assert tuple(tuple(sorted(cards[place::5])) for place in range(5)) == FOLDS


def test_folds_are_balanced(folds, cremad_women):
    sizes = [len(ledger.counts["test"]["speakers"]) for ledger in folds("cremad-si")]
    women = [len(cremad_women & set(x.counts["test"]["speakers"])) for x in folds("cremad-si")]
    assert sizes == [19, 18, 18, 18, 18] and women == [9, 9, 9, 8, 8]


def test_five_women_and_five_men_validate_and_nobody_twice(folds, cremad_women):
    seen = set()
    for ledger in folds("cremad-si"):
        validating = set(ledger.counts["validation"]["speakers"])
        assert len(validating) == 10 and len(validating & cremad_women) == 5
        assert not validating & seen
        seen |= validating


def test_twelve_actors_validate_on_one_each(official):
    part = official("CREMA-D", lambda row: row if "1030" <= row["speaker"] <= "1041" else None)
    ledger = split(part, "cremad-si", 1)
    assert ledger.counts["test"]["speakers"] == ["1031", "1036"]
    assert set(ledger.counts["validation"]["gender"]) == {"female", "male"}
    assert len(ledger.counts["validation"]["speakers"]) == 2


def doubled(row, other):
    """Gives two clips the same samples under two labels."""
    return {**row, "sha256": "same"} if row["id"] in ("1001_TSI_ANG_XX", other) else row


def test_identical_audio_of_one_actor_is_on_one_side(official):
    manifest = official("CREMA-D", lambda row: doubled(row, "1001_TSI_SAD_XX"))
    for fold in range(1, 6):
        ledger = split(manifest, "cremad-si", fold)
        assert not any(common["identical_audio"] for common in ledger.shared.values())


def test_identical_audio_of_two_actors_is_refused_where_it_is_parted(official):
    manifest = official("CREMA-D", lambda row: doubled(row, "1002_TSI_SAD_XX"))
    with pytest.raises(ProtocolError, match="no-identical-audio: .*1001_TSI_ANG_XX"):
        split(manifest, "cremad-si", 1)


def test_random_may_part_identical_audio_and_tells(official):
    manifest = official("CREMA-D", lambda row: doubled(row, "1001_TSI_SAD_XX"))
    ledgers = [split(manifest, "cremad-random", 1, seed) for seed in range(8)]
    parted = [any(c["identical_audio"] for c in x.shared.values()) for x in ledgers]
    assert any(parted)
    assert "One can train and its double test." in ledgers[0].notes[1]


def test_the_reader_knows_the_same_women(cremad_women):
    from ser_lib.corpora import cremad

    assert cremad_women == cremad.WOMEN


def test_emobox_lists_a_quarter_of_each_class_and_every_actor(official):
    assert len(CREMAD) == 1856 and set(official("CREMA-D")["id"]) >= CREMAD
    assert len({clip[:4] for clip in CREMAD}) == 91
    classes = Counter(clip.split("_")[2] for clip in CREMAD)
    assert classes == {"NEU": 1087 // 4, **dict.fromkeys(("ANG", "DIS", "FEA", "HAP", "SAD"), 317)}
    # The first clip of the published file, its last, and one with each level.
    assert {"1052_WSI_ANG_XX", "1028_IOM_DIS_XX", "1001_IEO_ANG_LO"} <= CREMAD
    assert {"1077_IEO_ANG_MD", "1005_IEO_ANG_HI", "1017_IEO_NEU_XX"} <= CREMAD
    told = hashlib.sha256(" ".join(sorted(CREMAD)).encode()).hexdigest()
    assert told.startswith("5b3ddb70d8d9c221")


def test_emobox_tests_its_list_and_shares_all_actors(cut):
    ledger = cut("cremad-emobox1")
    assert set(ledger.test) == CREMAD and len(ledger.shared_test_speakers) == 91
    rest = len(ledger.train) + len(ledger.validation)
    assert len(ledger.validation) == -(-rest // 5)
    assert cut("cremad-emobox1", 1, 4).test == ledger.test


def test_emobox_on_a_part_tests_the_listed_ones(official):
    part = official("CREMA-D", lambda row: row if "1030" <= row["speaker"] <= "1041" else None)
    ledger = split(part, "cremad-emobox1")
    assert set(ledger.test) == CREMAD & set(part["id"])
