"""Checks of lesson 10, Reading the report.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import random

import numpy as np

from course_lib import audit, evaluation
from course_lib.checks import call, compare_number, fail, number, passed
from course_lib.report import TABLE_4, TRAINING


def _hint(given, mistakes: dict) -> str:
    """The words for the mistake that gives nearly this number; "" for an unknown one."""
    return next((words for words, number in mistakes.items() if np.isclose(given, number, rtol=1e-6, atol=0)), "")


# ---------------------------------------------------------------- exercise 1

def check_verdict(verdict, seed: int = 0) -> None:
    """All, none and some readings that hold, in any order; one reading; no reading."""
    rng = random.Random(seed)
    names = ["frames cut", "frames squashed", "one critic step", "five critic steps", "linear blur"]
    mixed = [True, False, False] + [rng.random() < 0.5 for _ in range(2)]
    rng.shuffle(mixed)
    cases = [[True] * 3, [False] * 3, [True, False], [False, True], [True], [False], mixed, []]
    for holds in cases:
        readings = dict(zip(names, holds))
        given, expected = call(verdict, readings), audit.verdict(readings)
        if isinstance(given, str) and given == expected:
            continue
        hint = "a claim without any reading cannot be decided; all([]) is True in Python." if not holds else {
            audit.SUPPORTED: "it holds in every reading.", audit.NOT_SUPPORTED: "it holds in no reading.",
            audit.UNDECIDED: "it holds in some readings and fails in others, so the answer depends on what is not stated."}[expected]
        if given is None:
            hint = "does it end in `return`?"
        elif isinstance(given, bool):
            hint = "return one of the three strings, not True or False."
        elif not isinstance(given, str):
            hint = "return one of the three strings."
        elif given not in (audit.SUPPORTED, audit.NOT_SUPPORTED, audit.UNDECIDED):
            hint = "the words have to be exactly these, in lower case."
        fail(f"for {readings} your `verdict` gave {given!r}, it should be {expected!r}: {hint}")
    passed("your verdict is right when all, none or some of the readings hold, and when there is none.")


# ---------------------------------------------------------------- exercise 2

def check_training_days(training_days, seed: int = 0) -> None:
    """A case in round numbers first, then the report's training, then random ones."""
    rng = random.Random(seed)
    cases = [(1e9, 1000, 10, 60.0), (56.8e9, TRAINING["images"], TRAINING["epochs"], 100.0)]
    cases += [(rng.randint(1, 90) * 1e9, rng.randint(100, 2000), rng.randint(2, 90), float(rng.randint(20, 900))) for _ in range(3)]
    for forward, images, epochs, gflops in cases:
        days = 6 * forward * images * epochs / (gflops * 1e9) / 86400
        mistakes = {
            "one multiply–accumulate is two FLOP.": days / 2,
            "a step of training costs three passes forward: one for the result, about two for the gradients.": days / 3,
            "count two FLOP for each multiply–accumulate, and three passes for each step.": days / 6,
            "that is hours; a day has 24 of them.": days * 24,
            "that is seconds; a day has 86,400 of them.": days * 86400,
            "an hour has 60 · 60 seconds.": days * 60,
            "gflops counts 10⁹ operations per second.": days * 1e9,
            "every image is used in every epoch.": days / epochs,
            "multiply by the number of images.": days / images,
        }
        compare_number(training_days, forward, images, epochs, gflops, expected=days, tolerance=1e-6 * days,
                       source="the arithmetic",
                       hint=lambda given: _hint(given, mistakes) or "all operations, divided by those of a second, then by the seconds of a day.")
    passed(f"your estimate is right; at 100 GFLOP/s the report's generator alone needs "
           f"{6 * 56.8e9 * TRAINING['images'] * TRAINING['epochs'] / 1e11 / 3600:.0f} hours for 40 epochs of 500 images.")


# ---------------------------------------------------------------- exercise 3

def check_least_count(least_count, seed: int = 0) -> None:
    """Table 4, a mean in the middle, means near an end, a rounding that decides, statistics of random values."""
    rng = np.random.default_rng(seed)
    cases = [(*(TABLE_4["PSNR"][name] for name in ("maximum", "minimum", "mean")), 0.01),
             (30.0, 20.0, 25.0, 0.01), (0.81, 0.6, 0.8, 0.01), (31.0, 25.0, 25.21, 0.01), (0.77, 0.64, 0.71, 0.01),
             (30.0, 20.0, 20.2, 0.1)]
    while len(cases) < 10:
        values = 24 + 9 * rng.random(rng.integers(2, 12)) ** 4      # skewed: most lie near the minimum
        case = *(round(float(statistic), 1) for statistic in (values.max(), values.min(), values.mean())), 0.1
        if case[1] < case[2] < case[0] and not _ties(*case):
            cases.append(case)
    for maximum, minimum, mean, unit in cases:
        expected = audit.least_count(maximum, minimum, mean, unit)
        given = call(least_count, maximum, minimum, mean, unit)
        answer = number(given)
        shown = f"maximum {maximum:g}, minimum {minimum:g}, mean {mean:g}, printed to {unit:g},"
        if given is None:
            fail(f"for {shown} your `least_count` gave None, not a number: does it end in `return`?")
        if answer is None or isinstance(answer, bool):
            fail(f"for {shown} your `least_count` gave {type(given).__name__}, not a number: return n.")
        if answer != expected:
            fail(f"for {shown} your `least_count` gave {answer!r}; it should be {expected}: "
                 + _least_hint(answer, expected, maximum, minimum, mean, unit))
    passed("your numbers are right; Table 4's PSNR would fit three photographs.")


def _counted(maximum: float, minimum: float, mean: float, slack: float) -> int:
    """The smallest n if the mean may miss the bounds of the formula by this much; half a unit twice would be right."""
    n = 2
    while not (maximum + (n - 1) * minimum) / n - slack <= mean <= (minimum + (n - 1) * maximum) / n + slack:
        n += 1
    return n


def _ties(maximum: float, minimum: float, mean: float, unit: float) -> bool:
    """Whether some n decides by equality, where floating-point numbers are a matter of luck."""
    n = np.arange(2, 1000)
    lowest, highest = (maximum + (n - 1) * minimum) / n, (minimum + (n - 1) * maximum) / n
    return bool(min(abs(lowest - mean - unit).min(), abs(mean - highest - unit).min()) < 1e-6)


def _least_hint(given, expected: int, maximum: float, minimum: float, mean: float, unit: float) -> str:
    span = maximum - minimum
    low, high = (mean - minimum) / span, (maximum - mean) / span
    exact = max(2, int(np.ceil(1 / min(low, high) - 1e-9)))
    one_sided = {max(2, int(np.ceil(1 / low - 1e-9))), max(2, int(np.ceil(1 / high - 1e-9)))}
    if given == 1:
        return "a maximum and a minimum that differ are two photographs."
    if unit != 0.01 and given == audit.least_count(maximum, minimum, mean, 0.01):
        return "use the argument `unit`; it is not always 0.01."
    if given == exact != expected:
        return "the printed numbers are rounded: each may be off by half a unit."
    if given > expected and given in [_counted(maximum, minimum, mean, unit / 2 + tie) for tie in (1e-9, -1e-9)]:
        return "the two bounds are off by up to half a unit, and so is the mean: allow for both."
    if given in one_sided and given < expected:
        return "put your n into both sides of the formula: does the mean keep both bounds?"
    if given < expected and given in [_counted(maximum, minimum, mean, 2 * unit + tie) for tie in (1e-9, -1e-9)]:
        return "rounding changes a number by half a unit at most, not by a whole one."
    if given == 3 and expected > 3:
        return "is 3 enough? Put n = 3 into both sides of the formula."
    if given == expected + 1:
        return "the first n that fits is the answer, and n starts at 2."
    return "try n = 2, 3, … until both sides of the formula hold, with half a unit of rounding."


# ---------------------------------------------------------------- exercise 4

def check_two_protocols(two_protocols, seed: int = 0) -> None:
    """Equal errors, where both agree, then unequal ones; a list and an array."""
    rng = np.random.default_rng(seed)
    cases = [[100.0, 100.0], [1.0, 100.0], rng.uniform(5, 400, 7).tolist(), rng.uniform(5, 400, 4)]
    for errors in cases:
        values = np.asarray(errors, float)
        expected = float(np.mean(10 * np.log10(255**2 / values))), float(10 * np.log10(255**2 / values.mean()))
        given = call(two_protocols, errors)
        try:
            pair = tuple(np.asarray(list(given), float).ravel().tolist())
        except (TypeError, ValueError):
            pair = ()
        if len(pair) != 2:
            fail(f"your `two_protocols` gave {given!r}, not the pair (A, B): "
                 + ("does it end in `return`?" if given is None else "return both results, A first."))
        if not np.allclose(pair, expected, rtol=0, atol=1e-4):
            mistakes = {
                "A is the first of the two.": expected[::-1],
                "both are the same here; the order of mean and logarithm makes the difference.":
                    (expected[0],) * 2 if not np.isclose(pair[0], expected[1]) else (expected[1],) * 2,
                "PSNR has the *square* of 255.": (expected[0] - 10 * np.log10(255), expected[1] - 10 * np.log10(255)),
                "PSNR is ten times the logarithm, because the error is squared already.": (2 * expected[0], 2 * expected[1]),
                "the logarithm is that to base 10.": (expected[0] * np.log(10), expected[1] * np.log(10)),
                "the error is below the fraction line: 255² / MSE.": (-expected[0], -expected[1]),
                "B takes the mean of the squared errors, not of their square roots.": (expected[0], 20 * np.log10(255 / np.sqrt(values).mean())),
                "take the mean, not the sum.": (expected[0] * len(values), 10 * np.log10(255**2 / values.sum())),
            }
            words = next((w for w, m in mistakes.items() if np.allclose(pair, m, rtol=0, atol=1e-4)), "")
            wrong = "A" if not np.isclose(pair[0], expected[0], rtol=0, atol=1e-4) else "B"
            fail(f"for the errors {np.round(values, 1).tolist()} your `two_protocols` gave ({pair[0]:.4f}, {pair[1]:.4f}); "
                 f"it should be ({expected[0]:.4f}, {expected[1]:.4f}): "
                 + (words or f"{wrong} is wrong; A: the logarithm first and then the mean, B: the mean first."))
    passed("both averages are right; A exceeds B wherever the errors differ.")


# ---------------------------------------------------------------- exercise 5

CALLS = 60      # bisection needs about 20


def _photograph(rng: np.random.Generator) -> np.ndarray:
    """A smooth random picture in the middle of the range, so that nothing is clipped: uint8 (72, 96, 3)."""
    y, x = np.mgrid[:72, :96] / 96
    waves = [np.sin(2 * np.pi * (a * x + b * y) + c) for a, b, c in rng.uniform(0, 5, (9, 3))]
    return np.rint(128 + 8 * np.stack([sum(waves[i::3]) for i in range(3)], axis=-1)).astype(np.uint8)


def check_tune(tune, seed: int = 0) -> None:
    """Three kinds of damage with answers at both ends of the interval; the number of calls is limited."""
    rng = np.random.default_rng(seed)
    sharp = _photograph(rng)
    pattern = rng.standard_normal(sharp.shape)

    def noise(image, strength):
        return np.clip(np.rint(image + strength * pattern), 0, 255).astype(np.uint8)

    def square_root(image, strength):
        return noise(image, np.sqrt(strength))

    def fading(image, strength):
        return np.rint(image + (20.0 + pattern - image) * min(strength, 1.0)).astype(np.uint8)

    targets = rng.uniform(0, 1, 4)
    cases = [(noise, 26 + 6 * targets[0], 60.0), (noise, 20 + 3 * targets[1], 60.0), (square_root, 30 + 4 * targets[2], 4000.0),
             (fading, 24 + 8 * targets[3], 1.0), (noise, TABLE_4["PSNR"]["mean"], 25.0)]
    for damage, target, high in cases:
        calls = []

        def degrade(image, strength):
            calls.append(strength)
            if not -1e-9 <= strength <= high * (1 + 1e-9):
                raise ValueError(f"degrade was called with the strength {strength:g}, outside 0 to high = {high:g}")
            if not np.array_equal(image, sharp):
                raise ValueError("degrade was given another picture than `sharp`; damage the sharp one each time")
            if len(calls) > 40 * CALLS:
                raise RuntimeError(f"degrade was called {len(calls)} times, and still goes on; does the interval become smaller")
            return damage(image, strength)

        _check_one(tune, degrade, damage, sharp, float(round(target, 2)), high, calls)
    passed(f"your bisection finds every strength; the last one gives {TABLE_4['PSNR']['mean']} dB within 0.02.")


def _check_one(tune, degrade, damage, sharp, target: float, high: float, calls: list) -> None:
    shown = f"for the target {target:g} dB and high = {high:g}"
    given = call(tune, degrade, sharp, target, high)
    strength = number(given)
    if strength is None:
        what = "None: does it end in `return`?" if given is None else f"{type(given).__name__}, not a number: return the strength."
        fail(f"{shown} your `tune` gave {what}")
    if not 0 <= strength <= high:
        fail(f"{shown} your `tune` gave {strength:g}, outside 0 to {high:g}: "
             + ("is that the PSNR? Return the strength." if abs(strength - target) < 0.5 else "stay inside the interval."))
    psnr = evaluation.psnr(sharp, damage(sharp, strength))
    if abs(psnr - target) > 0.02:
        if abs(strength - target) < 0.5:
            hint = "is that the PSNR? Return the strength."
        elif len(set(calls)) <= 1:
            hint = "one try is not enough; halve the interval again and again."
        elif strength > 0.999 * high or strength < 0.001 * high:
            hint = "it ran to an end of the interval: where the PSNR is too high, more strength is needed, so the lower bound moves up."
        elif abs(psnr - target) < 1:
            hint = "you are near; go on halving until `evaluation.psnr(sharp, …)` is within 0.02 dB, or 20 times."
        else:
            hint = "is the half that you keep the one with the target in it?"
        fail(f"{shown} your `tune` gave {strength:.6g}, where the PSNR is {psnr:.2f} dB: {hint}")
    if len(calls) > CALLS:
        fail(f"{shown} the strength is right, but `degrade` was called {len(calls)} times: bisection needs about 20, "
             "call it once in each step and stop when you are within 0.02 dB.")
