"""Lesson 09: the stubs fail, the solutions pass, and wrong answers get a message that helps."""

import math

import numpy as np
import pytest
from answers import fails, passes, stub_fails
from scipy.ndimage import gaussian_filter, uniform_filter

from course_lib import evaluation
from course_lib.checks import CheckFailed, lesson_09


def local_mean(x):
    return gaussian_filter(x, sigma=1.5, truncate=3.5)


def psnr(sharp, image, peak=255):
    error = np.mean((sharp.astype(float) - image.astype(float)) ** 2)
    return 10 * np.log10(peak**2 / error)


def ssim(sharp, image, mean=local_mean, border=5, peak=255, float_first=True, brightness=True, subtract=True, channels=3, sample=1.0):
    C1, C2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    found = []
    for c in range(channels):
        x, y = sharp[..., c], image[..., c]
        if float_first:
            x, y = x.astype(float), y.astype(float)
        mx, my = mean(x.astype(float)), mean(y.astype(float))
        less = (mx**2, my**2, mx * my) if subtract else (0, 0, 0)
        vx, vy, cxy = (sample * (mean((a * b).astype(float)) - m) for a, b, m in zip((x, y, x), (x, y, y), less))
        values = (2 * cxy + C2) / (vx + vy + C2)
        if brightness:
            values *= (2 * mx * my + C1) / (mx**2 + my**2 + C1)
        found.append(values[border:-border, border:-border].mean() if border else values.mean())
    return np.mean(found)


def grey_only(sharp, image):
    return ssim(*(x.astype(float).mean(axis=2, keepdims=True) for x in (sharp, image)), channels=1)


def detective(pairs, reported, protocols):
    return [name for name, protocol in protocols.items()
            if abs(round(np.mean([protocol(*pair) for pair in pairs]), 2) - reported) < 1e-9]


def price(candidates, probability):
    mean = np.tensordot(probability, candidates, axes=1)
    of_mean = sum(p * np.mean((x - mean) ** 2) for p, x in zip(probability, candidates))
    of_drawn = sum(p * q * np.mean((x - y) ** 2)
                   for p, x in zip(probability, candidates) for q, y in zip(probability, candidates))
    return of_mean, of_drawn


CHECKS = [(lesson_09.check_psnr, psnr), (lesson_09.check_ssim, ssim),
          (lesson_09.check_detective, detective), (lesson_09.check_price, price)]
SEEDS = [0, 1, 2, 91, 92, 93, 94]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("check, answer", CHECKS)
def test_right_answer_passes(check, answer, seed, capsys):
    passes(check, answer, seed, capsys)


@pytest.mark.parametrize("check, answer", CHECKS)
def test_stub_fails(check, answer):
    stub_fails(check)


def test_other_right_answers_pass():
    lesson_09.check_psnr(lambda sharp, image, peak=255: -10 * np.log10(np.mean(((sharp * 1.0 - image) / peak) ** 2)))
    lesson_09.check_psnr(lambda sharp, image, peak=255: 10 * np.log10(
        peak**2 / np.mean((sharp.astype(np.float32) - image.astype(np.float32)) ** 2)), seed=91)
    lesson_09.check_ssim(evaluation.ssim)
    lesson_09.check_detective(lambda *given: tuple(detective(*given)))
    lesson_09.check_detective(lambda pairs, reported, protocols:
                              [name for name, protocol in protocols.items()
                               if f"{np.mean([protocol(*pair) for pair in pairs]):.2f}" == f"{reported:.2f}"])

    def twice(candidates, probability):
        first, _ = price(candidates, probability)
        return np.array([first, 2 * first])
    lesson_09.check_price(twice)
    lesson_09.check_price(variances)
    lesson_09.check_price(lambda *given: [np.array([value]) for value in price(*given)])


def variances(candidates, probability):
    """In float32, whose rounding shows in the sixth digit."""
    candidates, probability = candidates.astype(np.float32), probability.astype(np.float32)
    first = np.mean(np.tensordot(probability, candidates**2, axes=1) - np.tensordot(probability, candidates, axes=1)**2)
    return first, 2 * first


def without(exponent):
    return lambda sharp, image, peak=255: 10 * np.log10(peak**exponent / np.mean((sharp.astype(float) - image) ** 2))


def narrow(sharp, image, peak=255):
    wide = sharp.astype(np.int16) if sharp.dtype == np.uint8 else sharp
    return 10 * np.log10(peak**2 / np.mean((wide - image) ** 2))


def equal_weights(candidates, probability):
    flat = np.full(len(probability), 1 / len(probability))
    return price(candidates, flat)


def part_of_price(second):
    return lambda candidates, probability: (price(candidates, probability)[0], second(candidates, probability))


def most_probable(candidates, probability):
    best = candidates[np.argmax(probability)]
    return sum(p * np.mean((x - best) ** 2) for p, x in zip(probability, candidates))


def unlike_pairs_only(candidates, probability):
    return price(candidates, probability)[1] / (1 - np.sum(probability**2))


def first_pair_only(pairs, reported, protocols):
    return [name for name, protocol in protocols.items() if abs(protocol(*pairs[0]) - reported) < 0.005]


def means_of(pairs, protocols):
    return {name: np.mean([protocol(*pair) for pair in pairs]) for name, protocol in protocols.items()}


def with_math(sharp, image, peak=255):
    return 10 * math.log10(peak**2 / float(np.mean((sharp.astype(float) - image) ** 2)))


def uint8_everywhere(sharp, image):
    return np.mean([of_one(sharp[..., c], image[..., c]) for c in range(3)])


def of_one(x, y):
    """SSIM of one channel; of three whose colours `local_mean` mixes."""
    mx, my = local_mean(x), local_mean(y)
    vx, vy, cxy = local_mean(x * x) - mx**2, local_mean(y * y) - my**2, local_mean(x * y) - mx * my
    return ((2 * mx * my + 2.55**2) / (mx**2 + my**2 + 2.55**2) * (2 * cxy + 7.65**2) / (vx + vy + 7.65**2))[5:-5, 5:-5].mean()


WRONG = [
    (lesson_09.check_psnr, lambda sharp, image, peak=255: 10 * np.log10(peak**2 / np.mean((sharp - image) ** 2)), "uint8 differences wrap"),
    (lesson_09.check_psnr, without(1), "peak is squared"),
    (lesson_09.check_psnr, narrow, "int16 ends at 32,767"),
    (lesson_09.check_psnr, lambda *given, **named: 2 * psnr(*given, **named), "square already"),
    (lesson_09.check_psnr, lambda *given, **named: psnr(*given, **named) * np.log(10), "base 10"),
    (lesson_09.check_psnr, lambda sharp, image, peak=255: 10 * np.log10(peak**2 / np.sum((sharp.astype(float) - image) ** 2)), "not their sum"),
    (lesson_09.check_psnr, lambda sharp, image, peak=255: psnr(sharp, image), "argument `peak`"),
    (lesson_09.check_psnr, lambda sharp, image, peak=255: min(psnr(sharp, image, peak), 100), "infinite"),
    (lesson_09.check_psnr, lambda sharp, image, peak=255: -psnr(sharp, image, peak), "error stands below"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, border=0), "border of 5 pixels"),
    (lesson_09.check_ssim, lambda sharp, image: of_one(sharp.astype(float), image.astype(float)), "mixes the colours"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, channels=1), "all three channels"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, subtract=False), "minus the square of the mean"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, peak=1), "range 255"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, brightness=False), "first factor"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, float_first=False), "wrap around"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, mean=lambda x: uniform_filter(x, 11)), "Gaussian window"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, sample=121 / 120), "no factor"),
    (lesson_09.check_psnr, lambda sharp, image, peak=255: 10 * np.log10(peak**2 / np.mean(sharp.astype(float) - image) ** 2), "before you take the mean"),
    (lesson_09.check_ssim, lambda sharp, image: lesson_09._ssim(sharp, image, given=(2.55, 7.65)), "are squares"),
    (lesson_09.check_ssim, lambda sharp, image: lesson_09._ssim(sharp, image, given=(7.65**2, 2.55**2)), "C₁ belongs to"),
    (lesson_09.check_ssim, lambda sharp, image: lesson_09._ssim(sharp, image, roots=True), "no square root"),
    (lesson_09.check_ssim, lambda sharp, image: lesson_09._ssim(sharp, image, given=(6.5, 58.5)), "are rounded"),
    (lesson_09.check_ssim, lambda sharp, image: lesson_09._ssim(sharp, image, deviations=True), "differs from pixel to pixel"),
    (lesson_09.check_ssim, lambda sharp, image: lesson_09._ssim(sharp, image, apart=True), "at each pixel, then"),
    (lesson_09.check_ssim, lambda sharp, image: ssim(sharp, image, mean=lambda x: np.full(x.shape, x.mean())), "through a window"),
    (lesson_09.check_ssim, grey_only, "not the SSIM of a grey picture"),
    (lesson_09.check_psnr, with_math, "two equal pictures.*np.inf.*ZeroDivisionError"),
    (lesson_09.check_psnr, lambda sharp, image, peak=255: psnr(sharp.astype(int), image.astype(int), peak), "cuts decimals off"),
    (lesson_09.check_ssim, lambda sharp, image: 0.8, "print your map"),
    (lesson_09.check_ssim, uint8_everywhere, "never exceeds 1: is each channel float"),
    (lesson_09.check_ssim, lambda sharp, image: 3 * ssim(sharp, image), "mean taken of the three"),
    (lesson_09.check_detective, lambda *given: detective(*given)[:1], "not only the first"),
    (lesson_09.check_detective, first_pair_only, "mean over all pairs|over the pairs"),
    (lesson_09.check_detective, lambda pairs, reported, protocols: [name for name, mean in means_of(pairs, protocols).items() if mean == reported],
     "exact equality"),
    (lesson_09.check_detective, lambda pairs, reported, protocols: [name for name, mean in means_of(pairs, protocols).items()
                                                                     if abs(mean - reported) < 0.01], "0.01 away"),
    (lesson_09.check_detective, lambda pairs, reported, protocols: list(protocols), "rounded to two decimals"),
    (lesson_09.check_detective, lambda *given: sorted(detective(*given)), "in the order of `protocols`"),
    (lesson_09.check_detective, lambda *given: detective(*given)[::-1], "in the order of `protocols`"),
    (lesson_09.check_detective, lambda pairs, *given: detective([pair[::-1] for pair in pairs], *given), r"call it as protocol\(sharp, image\)"),
    (lesson_09.check_detective, lambda pairs, reported, protocols: [name for name, mean in means_of(pairs, protocols).items()
                                                                     if abs(mean - reported) < 0.006], "0.005 away"),
    (lesson_09.check_price, lambda *given: price(*given)[::-1], "first the mean answer"),
    (lesson_09.check_price, equal_weights, "weight"),
    (lesson_09.check_price, part_of_price(most_probable), "most probable"),
    (lesson_09.check_price, part_of_price(unlike_pairs_only), "same candidate"),
    (lesson_09.check_price, part_of_price(lambda *given: price(*given)[0]), "not from the mean"),
    (lesson_09.check_price, part_of_price(lambda *given: price(*given)[0] * 3.5), "probability of its own"),
    (lesson_09.check_price, lambda *given: price(*given)[0], "pair"),
    (lesson_09.check_price, lambda candidates, probability: (np.tensordot(probability, candidates, axes=1), candidates[0]), "…, not the pair of numbers"),
]


@pytest.mark.parametrize("seed", [0, 91, 94])
@pytest.mark.parametrize("check, answer, words", WRONG)
def test_wrong_answer_fails(check, answer, words, seed):
    fails(check, answer, words, seed, most=600)


def test_a_changed_numpy_does_not_decide(monkeypatch):
    """A cell may replace what the check compares with; the reference is not asked again by name."""
    monkeypatch.setattr(np, "allclose", lambda *given, **named: True)
    with pytest.raises(CheckFailed):
        lesson_09.check_price(equal_weights)
