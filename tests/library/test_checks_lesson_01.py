"""Lesson 01: the stubs fail, the solutions pass, and wrong answers get a message that helps."""

import re

import numpy as np
import pytest
from answers import passes, stub_fails

from course_lib.backend import keras
from course_lib.checks import CheckFailed, lesson_01


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def value(D_real, D_fake):
    return np.mean(np.log(D_real)) + np.mean(np.log(1 - D_fake))


def best_discriminator(p, q):
    total = p + q
    return np.where(total > 0, p / np.where(total > 0, total, 1), 0.5)


def jsd(p, q):
    m = (p + q) / 2
    return sum(np.sum(one[one > 0] * np.log(one[one > 0] / m[one > 0])) for one in (p, q)) / 2


def pulls(D):
    return D, 1 - D


def play_round(g, d, real, noise, rate_d, rate_g, up=1, down=1, first=False, flip=False, stale=False, reduce=np.mean, last=-1,
               chain=True, fakes=True, two=2, by_z=True):
    before = d
    for x_real, z in zip(real[:1] if first else real, noise):
        x_fake = g[0] + g[1] * z
        at_real, at_fake = (np.array([x**0, x, x**2]) for x in (x_real, x_fake))
        d = d + up * rate_d * (reduce((1 - sigmoid(d @ at_real)) * at_real, axis=1) - fakes * reduce(sigmoid(d @ at_fake) * at_fake, axis=1))
    z, judge = noise[last], before if stale else d
    x_fake = g[0] + g[1] * z
    D = sigmoid(judge[0] + judge[1] * x_fake + judge[2] * x_fake**2)
    pull = (D if flip else 1 - D) * (judge[1] + two * judge[2] * x_fake if chain else 1)
    return g + down * rate_g * np.array([reduce(pull), reduce(pull * z if by_z else pull)]), d


CHECKS = [(lesson_01.check_value, value), (lesson_01.check_best, best_discriminator), (lesson_01.check_jsd, jsd),
          (lesson_01.check_pulls, pulls), (lesson_01.check_round, play_round)]


@pytest.mark.parametrize("seed", [0, 1, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("check, answer", CHECKS)
def test_right_answer_passes(check, answer, seed, capsys):
    passes(check, answer, seed, capsys)


@pytest.mark.parametrize("check, answer", CHECKS)
def test_stub_fails(check, answer):
    stub_fails(check)


def test_other_ways_to_write_it_pass():
    def nansum_jsd(p, q):
        with np.errstate(all="ignore"):
            return float(np.nansum(p * np.log(2 * p / (p + q))) + np.nansum(q * np.log(2 * q / (p + q)))) / 2

    def listed(g, d, real, noise, rate_d, rate_g):
        new_g, new_d = play_round(g, d, real, noise, rate_d, rate_g)
        return [list(new_g), list(new_d)]

    lesson_01.check_jsd(nansum_jsd)
    lesson_01.check_pulls(lambda D: [D, 1 - D])
    lesson_01.check_best(lambda p, q: np.array([a / (a + b) if a + b else 0.5 for a, b in zip(p, q)]))
    # numpy lists would not add up over many rounds, arrays in a list do
    lesson_01.check_round(lambda *arguments: [np.array(part) for part in listed(*arguments)])


def in_place(g, d, *rest):
    new_g, new_d = play_round(g, d, *rest)
    g[:], d[:] = new_g, new_d
    return g, d


def test_a_round_that_changes_its_arguments_is_told_so():
    with pytest.raises(CheckFailed, match="in place"):
        lesson_01.check_round(in_place)


def test_a_round_that_remembers_the_ones_before_is_told_so():
    played = []

    def tired(g, d, real, noise, rate_d, rate_g):
        """Right at first, then with a rate that falls."""
        played.append(1)
        return play_round(g, d, real, noise, rate_d, rate_g / max(1, len(played) / 50))

    with pytest.raises(CheckFailed, match="keep something from one call to the next"):
        lesson_01.check_round(tired)


@pytest.mark.parametrize("seed", range(50))
def test_the_rounds_of_the_check_bring_the_fakes_to_the_real_numbers(seed, capsys):
    lesson_01.check_round(play_round, seed=seed)
    mean, spread = map(float, re.findall(r"to (\S+?)[ ;]", capsys.readouterr().out)[-2:])
    assert abs(mean - 1) < 0.2 and abs(spread - 2) < 0.2


def test_a_constant_against_log_0_and_float32_pass():
    lesson_01.check_value(lambda r, f: np.mean(np.log(r + 1e-8)) + np.mean(np.log(1 - f + 1e-8)))
    lesson_01.check_value(lambda r, f: np.mean(np.log(r + 1e-6)) + np.mean(np.log(1 - f + 1e-6)))
    lesson_01.check_value(lambda r, f: value(r.astype(np.float32), f.astype(np.float32)))
    lesson_01.check_jsd(lambda p, q: sum(keras.losses.KLDivergence()(one, (p + q) / 2) for one in (p, q)) / 2)       # adds 1e-7
    lesson_01.check_round(lambda *arguments: play_round(*(np.float32(one) for one in arguments)))


def test_a_nan_is_not_blamed_on_zeros_where_there_are_none():
    with pytest.raises(CheckFailed, match="gave nan; half the sum"):
        lesson_01.check_jsd(lambda p, q: np.nan)


WRONG = [
    (lesson_01.check_value, lambda r, f: np.mean(np.log(r)) + np.mean(np.log(f)), "log(1 − D), not by log D"),
    (lesson_01.check_value, lambda r, f: np.mean(np.log(r)) - np.mean(np.log(1 - f)), "the sign of the second is plus"),
    (lesson_01.check_value, lambda r, f: -value(r, f), "this is −V"),
    (lesson_01.check_value, lambda r, f: np.sum(np.log(r)) + np.sum(np.log(1 - f)), "a mean, not a sum"),
    (lesson_01.check_value, lambda r, f: value(r, f) / 2, "don't"),
    (lesson_01.check_value, lambda r, f: np.mean(np.concatenate([np.log(r), np.log(1 - f)])), "don't"),
    (lesson_01.check_value, lambda r, f: np.log(r.mean()) + np.log(1 - f.mean()), "logarithm comes before the mean"),
    (lesson_01.check_value, lambda r, f: np.log10(r).mean() + np.log10(1 - f).mean(), "natural logarithm"),
    (lesson_01.check_value, lambda r, f: np.log(r) + np.log(1 - f.mean()), "not a number"),
    (lesson_01.check_value, lambda r, f: -np.log(4), "add the mean of log D_real"),
    (lesson_01.check_best, lambda p, q: p / (p + q), "gave nan"),
    (lesson_01.check_best, lambda p, q: best_discriminator(q, p), "probability of a fake"),
    (lesson_01.check_best, lambda p, q: np.where(q > 0, p / np.where(q > 0, q, 1), 0.5), "at index"),
    (lesson_01.check_best, lambda p, q: p / (p + q).sum(), "not by the sum of the whole array"),
    (lesson_01.check_best, lambda p, q: (p > q).astype(float), "don't decide"),
    (lesson_01.check_best, lambda p, q: p / (p + q + 1e-30), "where both are 0, answer 1/2"),
    (lesson_01.check_best, lambda p, q: np.where(p == 0, 0.5, p / (p + q)), "where p alone is 0"),
    (lesson_01.check_best, lambda p, q: np.where(p * q == 0, 0.5, p / (p + q)), "where one of them is"),
    (lesson_01.check_best, lambda p, q: 0.5, "shape"),
    (lesson_01.check_jsd, lambda p, q: 2 * jsd(p, q), "2 JSD"),
    (lesson_01.check_jsd, lambda p, q: np.sum(p * np.log(2 * p / (p + q))), "both|first of the two"),
    (lesson_01.check_jsd, lambda p, q: np.sum(p * np.log(2 * p / (p + q))) / 2, "both sums are needed"),
    (lesson_01.check_jsd, lambda p, q: np.sum(p * np.log(p / q)), "not p with q"),
    (lesson_01.check_jsd, lambda p, q: np.sum((p - q) * np.log(p / q)) / 2, "not with each other"),
    (lesson_01.check_jsd, lambda p, q: np.sum(p * np.log(p / (p + q)) + q * np.log(q / (p + q))) / 2, "m is half of p"),
    (lesson_01.check_jsd, lambda p, q: 2 * jsd(p, q) - np.log(4), "the value of the game"),
    (lesson_01.check_jsd, lambda p, q: jsd(p, q) / np.log(2), "natural logarithm"),
    (lesson_01.check_jsd, lambda p, q: np.sum(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2, "gave nan"),
    (lesson_01.check_jsd, lambda p, q: np.nansum(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) / 2, "each from its own sum"),
    (lesson_01.check_jsd, lambda p, q: 0.0, "gives"),
    (lesson_01.check_pulls, lambda D: (1 - D, D), "the order is"),
    (lesson_01.check_pulls, lambda D: (-D, D - 1), "minus the derivative"),
    (lesson_01.check_pulls, lambda D: (1 / (1 - D), 1 / D), "multiply by dD/ds"),
    (lesson_01.check_pulls, lambda D: (np.log(1 - D), -np.log(D)), "not their derivatives"),
    (lesson_01.check_pulls, lambda D: (-D, 1 - D), "saturating loss falls"),
    (lesson_01.check_pulls, lambda D: (D, D - 1), "mind its minus"),
    (lesson_01.check_pulls, lambda D: (D * (1 - D), D * (1 - D)), "chain rule"),
    (lesson_01.check_pulls, lambda D: D, "not the pair"),
    (lesson_01.check_pulls, lambda D: (0.5, 0.5), "shape"),
    (lesson_01.check_round, lambda *a: play_round(*a, up=-1), "discriminator goes up"),
    (lesson_01.check_round, lambda *a: play_round(*a, down=-1), "generator goes up"),
    (lesson_01.check_round, lambda *a: play_round(*a, first=True), "every row of real"),
    (lesson_01.check_round, lambda *a: play_round(*a, flip=True), "non-saturating"),
    (lesson_01.check_round, lambda *a: play_round(*a, stale=True), "newest discriminator"),
    (lesson_01.check_round, lambda *a: play_round(*a, reduce=np.sum), "a mean over the row"),
    (lesson_01.check_round, lambda *a: play_round(*a, last=0), "last row of noise"),
    (lesson_01.check_round, lambda *a: play_round(*a, chain=False), "a link between score and fake"),
    (lesson_01.check_round, lambda *a: play_round(*a, fakes=False), "fakes count"),
    (lesson_01.check_round, lambda *a: play_round(*a, two=1), "what is its derivative"),
    (lesson_01.check_round, lambda *a: play_round(*a, by_z=False), "each pull counts z times"),
    (lesson_01.check_round, lambda *a: play_round(*a)[::-1], "the pair is (g, d)"),
    (lesson_01.check_round, lambda g, d, *a: (play_round(g, d, *a)[0], d), "for each row add"),
    (lesson_01.check_round, lambda g, d, *a: (g, play_round(g, d, *a)[1]), "the discriminator is right"),
]


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("check, wrong, message", WRONG)
def test_wrong_answer_gets_a_helpful_message(check, wrong, message, seed):
    with pytest.raises(CheckFailed, match=re.escape(message) if "|" not in message else message):
        check(wrong, seed=seed)
