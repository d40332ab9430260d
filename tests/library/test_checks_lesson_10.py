"""Lesson 10: the stubs fail, the solutions pass, and wrong answers get a message that helps."""

import math
import operator

import numpy as np
import pytest
from answers import fails, passes, stub_fails

from course_lib import evaluation
from course_lib.backend import tf
from course_lib.checks import CheckFailed, lesson_10


def verdict(readings):
    holds = list(readings.values())
    if holds and all(holds):
        return "supported"
    if holds and not any(holds):
        return "not supported"
    return "cannot be decided"


def training_days(forward, images, epochs, gflops):
    return 2 * 3 * forward * images * epochs / (gflops * 1e9) / (24 * 3600)


def least_count(maximum, minimum, mean, unit=0.01, slack=0.5, sides=(True, True), within=operator.le):
    half, n = slack * unit, 2
    while True:
        lowest, highest = (maximum + (n - 1) * minimum) / n - half, (minimum + (n - 1) * maximum) / n + half
        if (not sides[0] or within(lowest, mean + half)) and (not sides[1] or within(mean - half, highest)):
            return n
        n += 1


def two_protocols(errors, peak=255**2, factor=10, log=np.log10):
    errors = np.asarray(errors, float)
    return np.mean(factor * log(peak / errors)), factor * log(peak / errors.mean())


def tune(degrade, sharp, target, high, steps=40, swap=False, tolerance=0.02):
    low = 0.0
    for _ in range(steps):
        middle = (low + high) / 2
        psnr = evaluation.psnr(sharp, degrade(sharp, middle))
        if abs(psnr - target) <= tolerance:
            break
        if (psnr > target) != swap:
            low = middle
        else:
            high = middle
    return middle


CHECKS = [(lesson_10.check_verdict, verdict), (lesson_10.check_training_days, training_days),
          (lesson_10.check_least_count, least_count), (lesson_10.check_two_protocols, two_protocols),
          (lesson_10.check_tune, tune)]
SEEDS = [0, 1, 2, 101, 102, 103, 104, 105]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("check, answer", CHECKS)
def test_solution_passes(check, answer, seed, capsys):
    passes(check, answer, seed, capsys)


@pytest.mark.parametrize("check, answer", CHECKS)
def test_stub_and_wrong_kinds_fail(check, answer):
    stub_fails(check)
    with pytest.raises(CheckFailed, match="function is needed"):
        check("text")


def test_other_right_answers_pass():
    lesson_10.check_verdict(lambda readings: {(True,): "supported", (False,): "not supported"}.get(
        tuple(set(readings.values())), "cannot be decided"))
    lesson_10.check_training_days(lambda *a: np.float64(training_days(*a)))
    lesson_10.check_two_protocols(lambda errors: np.array(two_protocols(errors)))
    lesson_10.check_two_protocols(lambda errors: [
        sum(10 * math.log10(255**2 / e) for e in errors) / len(errors), 10 * math.log10(255**2 / (sum(errors) / len(errors)))])
    lesson_10.check_tune(lambda *a: np.float64(tune(*a, tolerance=0.001)))
    lesson_10.check_tune(lambda *a: tune(*a, steps=22, tolerance=0))
    lesson_10.check_training_days(lambda *a: tf.constant(training_days(*a)))                       # float32
    for form in (float, np.array, tf.constant, lambda n: np.array([n])):
        lesson_10.check_least_count(lambda *a, form=form: form(least_count(*a)))
    for form in (np.array, tf.constant):
        lesson_10.check_tune(lambda *a, form=form: form([tune(*a)]))
        lesson_10.check_two_protocols(lambda errors, form=form: [form([value]) for value in two_protocols(errors)])


@pytest.mark.parametrize("seed", SEEDS)
def test_whether_half_a_unit_counts_makes_no_difference(seed):
    """As the exercise says: the formula has ≤, `audit.least_count` leaves the ends out, and floats would decide by luck."""
    lesson_10.check_least_count(lambda *a: least_count(*a, within=operator.lt), seed=seed)


def grid_search(degrade, sharp, target, high):
    strengths = np.linspace(0, high, 600)[1:]
    return min(strengths, key=lambda s: abs(evaluation.psnr(sharp, degrade(sharp, s)) - target))


def endless(degrade, sharp, target, high):
    low = 0.0
    while True:
        psnr = evaluation.psnr(sharp, degrade(sharp, (low + high) / 2))
        if abs(psnr - target) < 0.02 and low > high:
            return low


def psnr_reached(degrade, sharp, target, high):
    return evaluation.psnr(sharp, degrade(sharp, tune(degrade, sharp, target, high)))


def piled_up(degrade, sharp, target, high):
    image, low = sharp, 0.0
    for _ in range(20):
        middle = (low + high) / 2
        image = degrade(image, middle)
        low, high = (middle, high) if evaluation.psnr(sharp, image) > target else (low, middle)
    return middle


WRONG = [
    (lesson_10.check_verdict, lambda readings: "supported" if all(readings.values()) else "not supported", "depends on what is not stated"),
    (lesson_10.check_verdict, lambda readings: "supported" if any(readings.values()) else "not supported", "depends on what is not stated"),
    (lesson_10.check_verdict, lambda readings: "supported" if all(readings.values()) else
        "cannot be decided" if any(readings.values()) else "not supported", r"all\(\[\]\) is True"),
    (lesson_10.check_verdict, lambda readings: verdict(readings).capitalize(), "exactly these"),
    (lesson_10.check_verdict, lambda readings: all(readings.values()), "not True or False"),
    (lesson_10.check_verdict, lambda readings: np.full(3, np.nan), "three strings"),
    (lesson_10.check_verdict, lambda readings: [verdict(readings)], "three strings"),
    (lesson_10.check_verdict, lambda readings: verdict(readings).replace("not supported", "unsupported"), "exactly these"),
    (lesson_10.check_verdict, lambda readings: verdict(readings).replace("cannot", "can't"), "exactly these"),
    (lesson_10.check_training_days, lambda *a: training_days(*a) / 2, "two FLOP"),
    (lesson_10.check_training_days, lambda *a: training_days(*a) / 3, "three passes forward"),
    (lesson_10.check_training_days, lambda *a: training_days(*a) / 6, "two FLOP for each"),
    (lesson_10.check_training_days, lambda *a: training_days(*a) * 24, "hours"),
    (lesson_10.check_training_days, lambda *a: training_days(*a) * 86400, "seconds"),
    (lesson_10.check_training_days, lambda *a: training_days(*a) * 60, "60 · 60"),
    (lesson_10.check_training_days, lambda *a: training_days(*a) * 1e9, "10⁹"),
    (lesson_10.check_training_days, lambda f, i, e, g: training_days(f, i, 1, g), "every epoch"),
    (lesson_10.check_training_days, lambda f, i, e, g: training_days(f, 1, e, g), "number of images"),
    (lesson_10.check_training_days, lambda *a: 1.0, "all operations"),
    (lesson_10.check_least_count, lambda *a: least_count(*a, slack=0), "rounded"),
    (lesson_10.check_least_count, lambda *a: least_count(*a, slack=0.25), "and so is the mean"),
    (lesson_10.check_least_count, lambda *a: least_count(*a, slack=1), "not by a whole one"),
    (lesson_10.check_least_count, lambda *a: least_count(*a, sides=(True, False)), "both"),
    (lesson_10.check_least_count, lambda *a: least_count(*a, sides=(False, True)), "both"),
    (lesson_10.check_least_count, lambda *a: 3, "Put n = 3|first n that fits"),
    (lesson_10.check_least_count, lambda *a: 2, "both sides|both"),
    (lesson_10.check_least_count, lambda *a: 1, "are two photographs"),
    (lesson_10.check_least_count, lambda *a: least_count(*a[:3]), "argument `unit`"),
    (lesson_10.check_least_count, lambda *a: {"n": 3}, "gave dict, not a number"),
    (lesson_10.check_least_count, lambda *a: [], "gave list, not a number"),
    (lesson_10.check_least_count, lambda *a: np.arange(3), "gave ndarray, not a number"),
    (lesson_10.check_least_count, lambda *a: str(least_count(*a)), "gave str, not a number"),
    (lesson_10.check_least_count, lambda *a: True, "gave bool, not a number"),
    (lesson_10.check_least_count, lambda *a: least_count(*a) + 1, "first n that fits"),
    (lesson_10.check_two_protocols, lambda errors: two_protocols(errors)[::-1], "first of the two"),
    (lesson_10.check_two_protocols, lambda errors: (two_protocols(errors)[0],) * 2, "order of mean and logarithm"),
    (lesson_10.check_two_protocols, lambda errors: (two_protocols(errors)[1],) * 2, "order of mean and logarithm"),
    (lesson_10.check_two_protocols, lambda errors: two_protocols(errors, peak=255), "square"),
    (lesson_10.check_two_protocols, lambda errors: two_protocols(errors, factor=20), "ten times"),
    (lesson_10.check_two_protocols, lambda errors: two_protocols(errors, log=np.log), "base 10"),
    (lesson_10.check_two_protocols, lambda errors: tuple(-v for v in two_protocols(errors)), "fraction"),
    (lesson_10.check_two_protocols, lambda errors: two_protocols(errors)[0], "both results"),
    (lesson_10.check_two_protocols, lambda errors: (two_protocols(errors)[0], 20 * np.log10(255 / np.mean(np.sqrt(errors)))), "square roots"),
    (lesson_10.check_two_protocols, lambda errors: (two_protocols(errors)[0], 30.0), "B is wrong"),
    (lesson_10.check_tune, lambda *a: tune(*a, swap=True), "lower bound moves up"),
    (lesson_10.check_tune, lambda *a: tune(*a, steps=1), "one try"),
    (lesson_10.check_tune, lambda *a: tune(*a, steps=6), "go on halving"),
    (lesson_10.check_tune, lambda *a: tune(*a, tolerance=0.5), "go on halving"),
    (lesson_10.check_tune, psnr_reached, "PSNR"),
    (lesson_10.check_tune, grid_search, "bisection needs|go on halving"),
    (lesson_10.check_tune, endless, "still goes on"),
    (lesson_10.check_tune, lambda degrade, sharp, target, high: 2 * high, "outside"),
    (lesson_10.check_tune, lambda *a: "7 to 8", "not a number"),
    (lesson_10.check_tune, lambda degrade, sharp, target, high: tune(degrade, sharp, target, 60.0), "outside 0 to high"),
    (lesson_10.check_tune, lambda degrade, sharp, target, high: tune(degrade, sharp, target, 255.0), "outside 0 to high"),
    (lesson_10.check_tune, piled_up, "damage the sharp one"),
    (lesson_10.check_tune, lambda degrade, sharp, target, high: tune(degrade, sharp, target + 0.5, high), r"evaluation.psnr\(sharp, …\)` is within"),
]


@pytest.mark.parametrize("seed", [0, 101, 105])
@pytest.mark.parametrize("check, answer, words", WRONG)
def test_wrong_answer_fails(check, answer, words, seed):
    fails(check, answer, words, seed)
