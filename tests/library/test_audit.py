"""A reviewer's tools: verdicts follow from readings, the worksheet shows what it holds, both calculations are right."""

import itertools

import numpy as np
import pytest

from course_lib import audit, evaluation


@pytest.mark.parametrize("holds, expected", [
    ([True], "supported"), ([True, True], "supported"), ([False], "not supported"), ([False, False], "not supported"),
    ([True, False], "cannot be decided"), ([False, True, True], "cannot be decided"), ([], "cannot be decided")])
def test_verdict(holds, expected):
    assert audit.verdict(dict(enumerate(np.array(holds, bool)))) == expected


def test_worksheet_collects_replaces_counts_and_shows():
    sheet = audit.Worksheet()
    line = sheet.add("Table 1", "a < b", {"one way": np.bool_(True), "another": False}, "7 & 8")
    sheet.add("Table 2", "c", {"one way": True}, "9")
    assert len(line.findings) == 1 and len(sheet.findings) == 2
    sheet.add("Table 1", "a < b", {"one way": False}, "again")
    assert [finding.claim for finding in sheet.findings] == ["a < b", "c"]
    assert sheet.count() == {"supported": 1, "not supported": 1, "cannot be decided": 0}
    assert "a &lt; b" in sheet._repr_html_() and "7 &amp; 8" in line._repr_html_()
    assert "one way: yes" in line._repr_html_() and "another: no" in str(line) and "cannot be decided" in repr(line)
    assert "nothing to check it by" in sheet.add("Table 3", "d", {}, "none")._repr_html_()


@pytest.mark.parametrize("seed", range(5))
def test_least_count_is_never_above_the_truth(seed):
    values = np.random.default_rng(seed).uniform(20, 35, 3 + seed)
    n = audit.least_count(round(values.max(), 2), round(values.min(), 2), round(values.mean(), 2))
    assert 2 <= n <= len(values)


def test_least_count_against_search():
    """Values on a fine grid: the fewest of them with these statistics, found by trying."""
    levels = [i / 4 for i in range(14)]                 # 0 … 3.25, printed to whole numbers
    for maximum, minimum, mean in [(3, 0, 1), (3, 0, 2), (2, 0, 1)]:
        def fits(values):
            printed = max(values), min(values), sum(values) / len(values)
            return all(abs(a - b) < 0.5 for a, b in zip(printed, (maximum, minimum, mean)))
        found = next(n for n in itertools.count(2) if any(map(fits, itertools.combinations_with_replacement(levels, n))))
        assert audit.least_count(maximum, minimum, mean, unit=1) == found
    assert audit.least_count(100, 0, 1) == 100
    assert audit.least_count(0.8, 0.6, 0.7) == 2
    assert audit.least_count(32.33, 25.39, 29.30) == 3
    assert audit.least_count(0.77, 0.65, 0.65) == 13        # 0.765 and twelve times 0.6451
    with pytest.raises(ValueError, match="does not lie between"):
        audit.least_count(3, 2, 4)


def darker(image, strength):
    return np.clip(np.rint(image * (1 - strength / 100)), 0, 255).astype(np.uint8)


def test_tune_reaches_the_target():
    sharp = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    strength = audit.tune(darker, sharp, 25.0, 100)
    assert abs(evaluation.psnr(sharp, darker(sharp, strength)) - 25) <= 0.02
    halved = audit.tune(darker, sharp, 25.0, 100, measure=lambda a, b: evaluation.psnr(a, b) - 3)
    assert halved < strength
    with pytest.raises(ValueError, match="give a higher one"):
        audit.tune(darker, sharp, 25.0, 1)
    with pytest.raises(ValueError, match="jumps"):
        audit.tune(lambda image, s: image // 2 if s > 30 else image, sharp, 25.0, 100)
