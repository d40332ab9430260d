"""Lesson 03: the stubs fail, the solutions pass, and wrong answers get a message that helps."""

import operator
from functools import partial

import numpy as np
import pytest
from answers import fails, passes, stub_fails

from course_lib.checks import lesson_03
from course_lib.parameters import batch_normalisation, conv2d, output_size


def one_pixel(window, kernel, bias):
    return np.sum(window * kernel) + bias


def count(c_in, c_out, k):
    return c_out * (c_in * k**2 + 1)


def residual_block(channels, trained_only=False):
    return 2 * (conv2d(channels, channels, 3) + (2 if trained_only else 4) * channels)


def work(layers, height, width, size=output_size, at_input=False, late=False):
    """Right, or with one of the keywords wrong."""
    total = 0
    for k, stride, c_in, c_out, enlarge in layers:
        before, after = (1, enlarge) if late else (enlarge, 1)
        given = before * height, before * width
        height, width = (after * size(side, stride) for side in given)
        total += np.prod(given if at_input else (height, width)) * c_out * c_in * k**2
    return total


CHECKS = [(lesson_03.check_one_pixel, one_pixel), (lesson_03.check_count, count),
          (lesson_03.check_residual_block, residual_block), (lesson_03.check_work, work)]


@pytest.mark.parametrize("seed", [0, 1, 31, 32, 33, 34])
@pytest.mark.parametrize("check, answer", CHECKS)
def test_right_answer_passes(check, answer, seed, capsys):
    passes(check, answer, seed, capsys)


@pytest.mark.parametrize("check, answer", CHECKS)
def test_stub_fails(check, answer):
    stub_fails(check, "does it end in `return`")


def loops(window, kernel, bias):
    total = bias
    for i in range(len(kernel)):
        for j in range(len(kernel)):
            total = total + float(window[i, j]) * float(kernel[i][j])
    return total


def test_other_right_answers_pass():
    lesson_03.check_one_pixel(loops)
    lesson_03.check_one_pixel(lambda w, k, b: np.array([np.tensordot(w, k) + b]))
    lesson_03.check_count(lambda c_in, c_out, k: float(c_out * c_in * k * k + c_out))


def work_without_memory(layers, height, width):
    return sum(output_size(e * height, s) * output_size(e * width, s) * o * i * k**2 for k, s, i, o, e in layers)


def work_enlarged_once(layers, height, width):
    """The area is doubled instead of both sides."""
    total, area = 0, height * width
    for k, stride, c_in, c_out, enlarge in layers:
        area = area * enlarge / stride**2
        total += area * c_out * c_in * k**2
    return total


WRONG = [
    (lesson_03.check_one_pixel, lambda w, k, b: np.sum(w * k), "bias"),
    (lesson_03.check_count, lambda c_in, c_out, k: c_out * (c_in * k^2 + 1), "`\\^` is no power"),
    (lesson_03.check_one_pixel, lambda w, k, b: np.sum(w * k + b), "once"),
    (lesson_03.check_one_pixel, lambda w, k, b: np.sum(w @ k) + b, "matrix product"),
    (lesson_03.check_one_pixel, lambda w, k, b: np.mean(w * k) + b, "average"),
    (lesson_03.check_one_pixel, lambda w, k, b: np.sum(w * k[::-1, ::-1]) + b, "flip"),
    (lesson_03.check_one_pixel, lambda w, k, b: w * k + b, "not a number"),
    (lesson_03.check_one_pixel, lambda w, k, b: w[1, 1], "what are the products"),
    (lesson_03.check_one_pixel, lambda w, k, b: sum(w[i, j] * k[i, j] for i in range(3) for j in range(3)) + b, "IndexError"),
    (lesson_03.check_count, lambda i, o, k: o * i * k**2, "bias"),
    (lesson_03.check_count, lambda i, o, k: o * i * k**2 + 1, "each output channel"),
    (lesson_03.check_count, lambda i, o, k: o * i * (k**2 + 1), "outside K²"),
    (lesson_03.check_count, lambda i, o, k: o * (i * k + 1), "K × K"),
    (lesson_03.check_count, lambda i, o, k: i * (o * k**2 + 1), "each other's place"),
    (lesson_03.check_count, lambda i, o, k: o * i * k**2 + i, "not for each input channel"),
    (lesson_03.check_count, lambda i, o, k: o * (i * k * 2 + 1), "not 2 K"),
    (lesson_03.check_count, lambda i, o, k: o * (i * (k ^ 2) + 1), "is a power"),
    (lesson_03.check_count, lambda i, o, k: {3: 9472, 64: 73856}.get(i, 590080), "Table 2, row conv2d_2"),
    (lesson_03.check_residual_block, lambda c, trained_only=False: residual_block(c, trained_only) / 2, "two convolutions"),
    (lesson_03.check_residual_block, lambda c, trained_only=False: 2 * conv2d(c, c, 3), "does it count"),
    (lesson_03.check_residual_block, lambda c, trained_only=False: 2 * conv2d(c, c, 3) + batch_normalisation(c), "two batch"),
    (lesson_03.check_residual_block, lambda c, trained_only=False: residual_block(c), "moving mean"),
    (lesson_03.check_residual_block, lambda c, trained_only=False: 2 * conv2d(c, c, 3) if trained_only else residual_block(c), "γ and β are trained"),
    (lesson_03.check_residual_block, lambda c, trained_only=False: residual_block(c, True), "each with four numbers"),
    (lesson_03.check_residual_block, lambda c, trained_only=False: 18 * c**2 + (4 if trained_only else 8) * c, "biases"),
    (lesson_03.check_residual_block, lambda c: residual_block(c), "trained_only"),
    (lesson_03.check_work, partial(work, at_input=True), "fewer than its input"),
    (lesson_03.check_work, partial(work, size=operator.floordiv), "rounded up"),
    (lesson_03.check_work, work_without_memory, "next layer"),
    (lesson_03.check_work, partial(work, size=lambda side, stride: int(side / stride + 0.5)), "10, 13.* rounded up"),
    (lesson_03.check_work, partial(work, size=operator.truediv), "sizes are whole numbers"),
    (lesson_03.check_work, lambda l, h, w: work([(k**0.5, *rest) for k, *rest in l], h, w), "how many weights"),
    (lesson_03.check_work, partial(work, size=lambda side, stride: side), "stride"),
    (lesson_03.check_work, lambda l, h, w: work([(k, s, i, o * o, e) for k, s, i, o, e in l], h, w), "already have C_out"),
    (lesson_03.check_work, lambda l, h, w: work([(k, s, i, 1, e) for k, s, i, o, e in l], h, w), "where is C_out"),
    (lesson_03.check_work, work_enlarged_once, "each on its own"),
    (lesson_03.check_work, partial(work, late=True), "first the image is doubled"),
    (lesson_03.check_work, lambda l, h, w: work([(*r[:4], 1) for r in l], h, w), "both directions"),
    (lesson_03.check_work, lambda l, h, w: sum(o * i * k**2 for k, s, i, o, e in l), "number of output pixels"),
    (lesson_03.check_work, lambda l, h, w: work([(k, s, i + 1 / k**2, o, e) for k, s, i, o, e in l], h, w), "biases"),
    (lesson_03.check_work, lambda l, h, w: work(l, h, h), "each on its own"),
]


@pytest.mark.parametrize("seed", [0, 31, 32, 33, 34])
@pytest.mark.parametrize("check, answer, words", WRONG)
def test_wrong_answer_fails(check, answer, words, seed):
    fails(check, answer, words, seed, most=400)


def test_unsigned_numbers_get_a_sentence():
    fails(lesson_03.check_one_pixel, lambda w, k, b: np.sum(w.astype(np.uint8) * k.astype(np.uint8)) + b, "what are the products", seed=0)
