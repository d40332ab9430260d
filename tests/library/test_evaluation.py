"""Scores against their definitions, and the table."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from course_lib import photos, report
from course_lib.evaluation import psnr, score, ssim


@pytest.fixture(scope="module")
def pair():
    sharp = photos.load("chelsea")[60:160, 100:240]
    noise = np.random.default_rng(0).normal(0, 12, sharp.shape)
    return np.clip(sharp + noise, 0, 255).astype(np.uint8), sharp


def ssim_by_definition(x, y):
    """Wang et al. 2004, equation (13), written out: 11 x 11 Gaussian window, valid positions only."""
    weights = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5**2))
    weights /= weights.sum()

    def local_mean(image):
        return correlate1d(correlate1d(image, weights, axis=0), weights, axis=1)[5:-5, 5:-5]

    values = []
    for channel in range(3):
        a, b = x[..., channel].astype(float), y[..., channel].astype(float)
        mean_a, mean_b = local_mean(a), local_mean(b)
        var_a, var_b = local_mean(a * a) - mean_a**2, local_mean(b * b) - mean_b**2
        covariance = local_mean(a * b) - mean_a * mean_b
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        values.append(((2 * mean_a * mean_b + c1) * (2 * covariance + c2)
                       / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())
    return np.mean(values)


def test_psnr_is_its_definition(pair):
    image, sharp = pair
    error = np.mean((image.astype(float) - sharp.astype(float)) ** 2)
    assert psnr(sharp, image) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-9)
    assert psnr(np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)) == pytest.approx(0)


def test_unsigned_numbers_do_not_wrap():
    low, high = np.full((12, 12, 3), 10, np.uint8), np.full((12, 12, 3), 200, np.uint8)
    assert psnr(low, high) == psnr(high, low) == pytest.approx(20 * np.log10(255 / 190))


def test_ssim_is_its_definition(pair):
    image, sharp = pair
    assert ssim(sharp, image) == pytest.approx(ssim_by_definition(sharp, image), abs=1e-6)
    assert ssim(sharp, image) != pytest.approx(ssim_by_definition(sharp[..., :1].repeat(3, 2), image), abs=1e-2)


def test_identical_images_are_infinitely_good_and_silent(pair):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert psnr(pair[1], pair[1]) == float("inf")
        assert ssim(pair[1], pair[1]) == pytest.approx(1)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_what_cannot_be_compared_is_refused(metric, pair):
    image, sharp = pair
    with pytest.raises(ValueError, match=r"equal: resizing"):
        metric(sharp, image[:-1])
    with pytest.raises(ValueError, match=r"the image is float64 .*photos.to_image"):
        metric(sharp, image / 255)
    with pytest.raises(ValueError, match=r"the sharp image is uint8 of shape \(100, 140\)"):
        metric(sharp[..., 0], image[..., 0])


def test_ssim_needs_room_for_its_window():
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="40 x 10 pixels; SSIM's window needs 11 x 11"):
        ssim(small, small)
    smallest = np.zeros((11, 40, 3), np.uint8)
    assert ssim(smallest, smallest) == pytest.approx(1)


def darker(image):
    return image // 2


def test_table_has_maximum_minimum_mean_as_table_4(pair):
    image, sharp = pair
    pairs = [(image, sharp), (image[:50], sharp[:50]), (image[50:], sharp[50:])]
    scores = score(iter(pairs), {"blurred input": lambda x: x, "darker": darker})
    assert len(scores.records) == 6
    summary = scores.summary()
    assert list(summary) == ["blurred input", "darker"]
    assert {metric: set(values) for metric, values in summary["darker"].items()} == \
           {metric: set(values) for metric, values in report.TABLE_4.items()}
    by_hand = [psnr(b, darker(a)) for a, b in pairs]
    assert summary["darker"]["PSNR"] == pytest.approx(
        {"maximum": max(by_hand), "minimum": min(by_hand), "mean": sum(by_hand) / 3})
    by_hand = [ssim(b, a) for a, b in pairs]
    assert summary["blurred input"]["SSIM"]["mean"] == pytest.approx(sum(by_hand) / 3)


def test_tables_as_text_and_html(pair):
    image, sharp = pair
    scores = score([(image, sharp), (sharp, sharp)], {"input <a>": lambda x: x})
    lines = str(scores).splitlines()
    assert lines[0].split() == ["Method", "Metric", "Maximum", "value", "Minimum", "value", "Mean", "value"]
    assert lines[1].split() == ["input", "<a>", "PSNR", "∞", f"{psnr(sharp, image):.2f}", "∞"]
    assert lines[2].split()[2:] == ["SSIM", "1.000", f"{ssim(sharp, image):.3f}", f"{(1 + ssim(sharp, image)) / 2:.3f}"]
    assert len({len(line) for line in lines}) == 1, "columns are aligned"
    html = scores._repr_html_()
    assert "<td>input &lt;a&gt;</td>" in html and "over 2 photographs<" in html and html.count("<tr>") == 3
    one = score([pair], {"input": lambda x: x, "darker": darker})
    assert "over 1 photograph<" in one._repr_html_()


def test_errors_of_score_name_method_and_pair(pair):
    with pytest.raises(ValueError, match=r"bad on pair 1: the sharp image has shape \(100, .* and the image \(96, .*equal"):
        score([pair, pair], {"bad": lambda x, seen=[]: x if not seen.append(0) and len(seen) == 1 else x[:-4]})
    for pairs, methods in (([], {"same": lambda x: x}), ([pair], {})):
        with pytest.raises(ValueError, match="at least one pair and one method"):
            score(pairs, methods)
