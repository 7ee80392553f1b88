"""Rounding of thresholds and the table of distinct leaves."""

import numpy as np

from ser_lib.classical.convert_trees import distinct_rows, just_below, round_down


def around(numbers):
    """Each float32 number, and the ones before and behind it."""
    steps = [np.nextafter(numbers, np.float32(side)) for side in (-np.inf, np.inf)]
    return np.stack([numbers, *steps])


def test_rounded_down_thresholds_part_the_same_numbers():
    rng = np.random.default_rng(0)
    thresholds = np.concatenate([rng.normal(size=1000), 1e30 * rng.normal(size=9), [0.0, 0.5]])
    x = around(thresholds.astype(np.float32))
    np.testing.assert_array_equal(x > round_down(thresholds), x.astype(np.float64) > thresholds)
    assert round_down(thresholds).dtype == np.float32


def test_just_below_turns_less_into_not_greater():
    thresholds = np.append(np.random.default_rng(0).normal(size=1000), [0, -0.0, 1e-45, 3e38])
    thresholds = thresholds.astype(np.float32)
    x = around(thresholds)
    np.testing.assert_array_equal(x <= just_below(thresholds), x < thresholds)
    assert just_below(thresholds).dtype == np.float32


def test_distinct_rows_give_all_rows_back():
    values = np.random.default_rng(0).integers(0, 2, (200, 3)).astype(np.float32)
    table, which = distinct_rows(values)
    assert len(table) == len(np.unique(values, axis=0)) == 8
    np.testing.assert_array_equal(table[which], values)
