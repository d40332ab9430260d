"""Checks of lesson 00, Start here.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import math

import numpy as np

from course_lib import evaluation
from course_lib.checks import CheckFailed, compare_number, passed

__all__ = ["CheckFailed", "check_psnr"]


def _hint(given, mistakes: dict) -> str:
    """The words for the mistake that gives this number; "" for an unknown one."""
    return next((words for words, number in mistakes.items() if math.isclose(given, number, rel_tol=1e-6)), "")


def check_psnr(psnr, seed: int = 0) -> None:
    """PSNR from a mean squared error: of whole numbers, then of pictures, where `evaluation.psnr` must agree."""
    rng = np.random.default_rng(seed)
    first, second = (float(mse) for mse in rng.integers(2, 2000, 2))
    for mse in (100.0, first, second):
        _compare(psnr, mse, 10 * math.log10(255**2 / mse), "the formula")
    sharp = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    noisy = np.clip(sharp + rng.normal(0, rng.uniform(5, 40), sharp.shape), 0, 255).astype(np.uint8)
    mse = float(np.mean((sharp.astype(float) - noisy) ** 2))
    _compare(psnr, mse, evaluation.psnr(sharp, noisy), "the course's library")
    passed("your PSNR is right, and agrees with the course's library on two pictures.")


def _compare(psnr, mse: float, expected: float, source: str) -> None:
    ratio = 255**2 / mse
    mistakes = {
        "the formula multiplies the logarithm by 10.": math.log10(ratio),
        "`np.log` is the natural logarithm; the formula has `np.log10`.": 10 * math.log(ratio),
        "255 is squared, the mean squared error is not squared again.": 10 * math.log10(255 / mse),
        "255² stands above, the mean squared error below.": -expected,
        "the factor is 10; 20 belongs to the formula with the square root.": 2 * expected,
        "did you square the mean squared error? It is one already.": 10 * math.log10(255**2 / mse**2),
        "`**` is a power in Python, `^` is not.": 10 * math.log10((255 ^ 2) / mse),
        "255² is `255**2`, not `255 * 2`.": 10 * math.log10(255 * 2 / mse),
        "`//` cuts the decimals off; divide with `/`.": 10 * math.log10(255**2 // mse),
        "the formula has the mean squared error itself; with its square root the factor would be 20.": expected / 2,
        "where is 255² in your function?": -10 * math.log10(mse),
    }
    compare_number(psnr, mse, expected=expected, tolerance=1e-4, source=source,
                   hint=lambda given: _hint(given, mistakes))
