"""Lesson 00: the stub fails, the solution passes, and wrong answers get a message that helps."""

import math

import numpy as np
import pytest
from answers import passes, stub_fails

from course_lib.checks import CheckFailed, lesson_00


def psnr(mse):
    return 10 * np.log10(255**2 / mse)


RIGHT = [psnr, lambda mse: 20 * math.log10(255 / math.sqrt(mse)), lambda mse: np.float64(psnr(mse)),
         lambda mse: np.array([psnr(mse)]), lambda mse: 20 * np.log10(255) - 10 * np.log10(mse),
         lambda mse: 10 * np.log10(np.float32(255**2) / np.float32(mse))]

WRONG = [
    (lambda mse: 30, "the formula gives 28.1308"),
    (lambda mse: np.log10(255**2 / mse), "multiplies the logarithm by 10"),
    (lambda mse: 10 * np.log(255**2 / mse), "natural logarithm"),
    (lambda mse: 10 * np.log10(255 / mse), "255 is squared"),
    (lambda mse: 10 * np.log10(mse / 255**2), "stands above"),
    (lambda mse: 20 * np.log10(255**2 / mse), "factor is 10"),
    (lambda mse: 10 * np.log10((255 / mse) ** 2), "is one already"),
    (lambda mse: 10 * np.log10((255 ^ 2) / mse), "is a power"),
    (lambda mse: 10 * np.log10(255 * 2 / mse), "not `255 * 2`"),
    (lambda mse: 10 * np.log10(255**2 // mse), "cuts the decimals off"),
    (lambda mse: 10 * np.log10(255 / np.sqrt(mse)), "the factor would be 20"),
    (lambda mse: 10 * np.log10(1 / mse), "where is 255²"),
    (lambda mse: {100.0: psnr(100)}.get(mse, 0), "the formula gives"),
    (lambda mse: round(psnr(mse), 2), "the formula gives"),
    (lambda mse: f"{psnr(mse)} dB", "not a number"),
    (lambda mse: print(psnr(mse)), "does it end in `return`"),
    (lambda mse: 10 * log10(255**2 / mse), "NameError"),        # noqa: F821
]


@pytest.mark.parametrize("seed", [0, 1, 11])
@pytest.mark.parametrize("answer", RIGHT)
def test_right_answer_passes(answer, seed, capsys):
    passes(lesson_00.check_psnr, answer, seed, capsys)


@pytest.mark.parametrize("seed", [0, 11])
@pytest.mark.parametrize("answer, words", WRONG)
def test_wrong_answer_fails(answer, words, seed):
    with pytest.raises(CheckFailed) as failure:
        lesson_00.check_psnr(answer, seed=seed)
    assert words in str(failure.value) and len(str(failure.value)) < 300


def test_right_numbers_for_the_formula_alone_do_not_pass():
    """The pictures' error is no whole number: a table of whole numbers fails there."""
    with pytest.raises(CheckFailed, match="the course's library gives"):
        lesson_00.check_psnr(lambda mse: psnr(mse) if mse == int(mse) else 0)


def test_stub_fails():
    stub_fails(lesson_00.check_psnr)
