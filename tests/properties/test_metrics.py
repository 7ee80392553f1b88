"""UA, WA and macro-F1 of any predictions are scikit-learn's, in any order and under any names."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from ser_lib.evaluation.metrics import MacroF1, UnweightedAccuracy, WeightedAccuracy
from ser_lib.evaluation.scores import summary

pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60)
CLASSES = ["a", "b", "c", "d", "e", "f", "g"]
close = pytest.approx


def ours(true, predicted):
    found = {}
    for metric in (UnweightedAccuracy(), WeightedAccuracy(), MacroF1()):
        found.update(metric.compute(predictions=predicted, references=true))
    return tuple(found.values())


@given(pairs)
def test_as_scikit_learn(drawn):
    true, predicted = map(list, zip(*drawn, strict=True))
    present = sorted(set(true))
    recall = sk.recall_score(true, predicted, labels=present, average="macro", zero_division=0)
    f1 = sk.f1_score(true, predicted, average="macro", zero_division=0)
    assert ours(true, predicted) == close((recall, sk.accuracy_score(true, predicted), f1))


@given(pairs, st.permutations(range(7)), st.randoms(use_true_random=False))
def test_neither_order_nor_names_count(drawn, names, random):
    true, predicted = map(list, zip(*drawn, strict=True))
    before = ours(true, predicted)
    renamed = [(names[t], names[p]) for t, p in drawn]
    random.shuffle(renamed)
    assert ours(*map(list, zip(*renamed, strict=True))) == close(before)


@given(pairs)
def test_bounds_and_right_answers(drawn):
    true, predicted = map(list, zip(*drawn, strict=True))
    assert all(0 <= value <= 1 for value in ours(true, predicted))
    assert ours(true, true) == (1.0, 1.0, 1.0)


@given(pairs)
def test_a_report_s_summary_says_the_same(drawn):
    true, predicted = map(np.array, zip(*drawn, strict=True))
    frame = pd.DataFrame({"emotion": true, "predicted": predicted}).map(CLASSES.__getitem__)
    told = summary(frame, CLASSES)
    found = told["ua"], told["wa"], told["macro_f1"]
    assert found == close(ours(true.tolist(), predicted.tolist()))
    for place, name in enumerate(CLASSES):
        assert told["per_class"][name]["support"] == (true == place).sum()
