"""The checks of lesson 08: solutions pass, every plausible mistake fails with the words that help; `compare` itself."""

import operator
from functools import partial

import numpy as np
import pytest
from answers import fails, passes, stub_fails

from course_lib import compare, photos
from course_lib.checks import lesson_08
from course_lib.runs import Run

SEEDS = (0, 1, 2, 81, 82, 83, 84)
rings, early = lesson_08._rings, lesson_08._early_stop

SOLUTIONS = [(lesson_08.check_residual, compare.residual), (lesson_08.check_radial, compare.radial_mean),
             (lesson_08.check_early_stop, early), (lesson_08.check_find_period, lesson_08.find_period)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("check, solution", SOLUTIONS)
def test_solutions_pass(check, solution, seed, capsys):
    passes(check, solution, seed, capsys)


@pytest.mark.parametrize("check", [check for check, _ in SOLUTIONS])
def test_stubs_fail(check):
    stub_fails(check)


def test_other_right_answers_pass():
    lesson_08.check_residual(lambda sharp, image: image.astype(int) - sharp.astype(int))
    lesson_08.check_radial(rings)
    lesson_08.check_radial(lambda power: rings(power).tolist())
    lesson_08.check_early_stop(lambda scores, patience: list(early(scores, patience)))
    lesson_08.check_early_stop(lambda scores, patience: np.array(early(scores, patience)))
    for form in (float, np.int64, np.array, lambda period: [period], lambda period: np.array([period])):
        lesson_08.check_find_period(lambda image, form=form: form(lesson_08.find_period(image)))


def ring_numbers(size):
    cycles = np.fft.fftfreq(size, 1 / size)
    return np.rint(np.hypot.outer(cycles, cycles))


def looks_ahead(scores, patience):
    return early(scores, patience)[0], int(np.argmax(scores))


def period_by(image, axes=slice(2), order=(4, 2), threshold=100.0, around=True, shift=False, diagonal=False):
    """The reference with a mistake in it."""
    power = np.fft.fftshift(compare.power(image)) if shift else compare.power(image)
    for period in order:
        step = len(power) // period
        places = ((step, step),) if diagonal else ((step, 0), (0, step))[axes]
        found = [lesson_08.peak(power, *where) if around else power[where] for where in places]
        if all(value > threshold for value in found):
            return period
    return 0


def manhattan(power):
    along = np.abs(np.fft.fftfreq(len(power), 1 / len(power)))
    return [power[along[:, None] + along == k].mean() for k in range(len(power) // 2 + 1)]


WRONG = [
    (lesson_08.check_residual, lambda sharp, image: image - sharp, "no negative numbers"),
    (lesson_08.check_residual, lambda sharp, image: sharp - image, "the order is image − sharp: make both arrays float"),
    (lesson_08.check_residual, lambda sharp, image: np.abs(compare.residual(sharp, image)), "keep the sign"),
    (lesson_08.check_residual, lambda sharp, image: compare.residual(image, sharp), "order is image − sharp"),
    (lesson_08.check_residual, lambda sharp, image: compare.residual(sharp, image) / 255, "don't divide"),
    (lesson_08.check_residual, lambda sharp, image: compare.residual(sharp, image).mean(axis=2), "three channels"),
    (lesson_08.check_residual, lambda sharp, image: (image - sharp).astype(float), "no negative numbers"),
    (lesson_08.check_residual, lambda sharp, image: 0.0, "shape"),
    (lesson_08.check_residual, lambda sharp, image: image.astype(np.uint16) - sharp.astype(np.uint16), "however wide"),
    (lesson_08.check_residual, lambda sharp, image: image.astype(np.int8) - sharp.astype(np.int8), "int8 ends at 127"),
    (lesson_08.check_residual, lambda sharp, image: np.clip(compare.residual(sharp, image), 0, 255), "keep what is below 0"),
    (lesson_08.check_radial, partial(rings, total=True), "not the sum"),
    (lesson_08.check_radial, lambda power: rings(power, np.arange(len(power))), "negative frequencies"),
    (lesson_08.check_radial, lambda power: rings(power, np.arange(len(power)) - len(power) // 2), r"\[0, 0\]"),
    (lesson_08.check_radial, partial(rings, to_ring=np.floor), "round the distance"),
    (lesson_08.check_radial, lambda power: rings(power, last=len(power)), "end at N // 2"),
    (lesson_08.check_radial, lambda power: rings(power)[:-1], "both included"),
    (lesson_08.check_radial, lambda power: rings(power, np.fft.fftfreq(len(power))), "are the frequencies in cycles per picture"),
    (lesson_08.check_radial, partial(rings, to_ring=lambda distance: np.where(distance % 1 == 0, distance, -1)), "not only those that equal it"),
    (lesson_08.check_radial, lambda power: power[0, :len(power) // 2 + 1], "entries of one row"),
    (lesson_08.check_radial, lambda power: power[:len(power) // 2 + 1, 0], "entries of one column"),
    (lesson_08.check_radial, manhattan, "root of the sum of the squares"),
    (lesson_08.check_radial, lambda power: [[1], [1, 2]], "not an array of numbers"),
    (lesson_08.check_radial, lambda power: len(power) // 2 * [None] + ["a"], "not an array of numbers"),
    (lesson_08.check_radial, lambda power: rings(power)[1:], "N // 2 . 1 numbers"),
    (lesson_08.check_radial, lambda power: rings(np.fft.fftshift(power)), "ring"),
    (lesson_08.check_radial, lambda power: [np.median(power[ring_numbers(len(power)) == k]) for k in range(len(power) // 2 + 1)], r"gives [\d.]+\.$"),
    (lesson_08.check_early_stop, looks_ahead, "never sees"),
    (lesson_08.check_early_stop, lesson_08._never_reset, "begins again"),
    (lesson_08.check_early_stop, lambda scores, patience: tuple(n + 1 for n in early(scores, patience)), "count from 0"),
    (lesson_08.check_early_stop, lambda scores, patience: (early(scores, patience)[0], scores[early(scores, patience)[1]]), "not its score"),
    (lesson_08.check_early_stop, lambda scores, patience: early(scores, patience)[::-1], "first the epoch of the stop"),
    (lesson_08.check_early_stop, lesson_08._compared_with_previous, "best score so far"),
    (lesson_08.check_early_stop, partial(early, better=operator.ge), "no improvement"),
    (lesson_08.check_early_stop, lambda scores, patience: early(scores, patience + 1), "as soon as"),
    (lesson_08.check_early_stop, lambda scores, patience: early(scores, max(1, patience - 1)), "not counted|in number"),
    (lesson_08.check_early_stop, lambda scores, patience: int(np.argmax(scores)), "pair"),
    (lesson_08.check_early_stop, lambda scores, patience: (len(scores) - 1, int(np.argmax(scores))), "as soon as"),
    (lesson_08.check_find_period, lambda image: 2, "it should be 0"),
    (lesson_08.check_find_period, lambda image: 0, "it should be 4.*peak of period"),
    (lesson_08.check_find_period, partial(period_by, order=(2, 4)), "ask for period 4 first"),
    (lesson_08.check_find_period, partial(period_by, axes=slice(1)), "stripes only on one"),
    (lesson_08.check_find_period, partial(period_by, axes=slice(1, 2)), "stripes only on one"),
    (lesson_08.check_find_period, partial(period_by, around=False), "median around it"),
    (lesson_08.check_find_period, lambda image: period_by(image, around=False, threshold=100 * np.median(compare.power(image))), "not with that of all"),
    (lesson_08.check_find_period, partial(period_by, threshold=1e9), "peak of period"),
    (lesson_08.check_find_period, lambda image: len(image) // (period_by(image) or 1000), "not the frequency"),
    (lesson_08.check_find_period, lambda image: [period_by(image), 0], "not a number"),
    (lesson_08.check_find_period, lambda image: str(period_by(image)), "not a number"),
    (lesson_08.check_find_period, partial(period_by, diagonal=True), r"should be 4: .*at \[N // p, 0\]"),
    (lesson_08.check_find_period, partial(period_by, shift=True), r"should be 4: .*at \[N // p, 0\]"),
]


@pytest.mark.parametrize("seed", [0, 81, 84])
@pytest.mark.parametrize("check, answer, words", WRONG)
def test_wrong_answer_fails(check, answer, words, seed):
    fails(check, answer, words, seed)


def test_the_patterns_are_those_of_a_transposed_convolution():
    """The check's checkerboard is what Keras' layer does to a constant, away from the border."""
    from course_lib.backend import keras

    layer = keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same", use_bias=False, kernel_initializer="ones")
    counted = layer(layer(np.ones((1, 16, 16, 1), np.float32)))[0, 8:56, 8:56, 0].numpy()
    pattern = lesson_08.coverage(64, stages=2)[8:56, 8:56]
    np.testing.assert_allclose(counted / counted.mean(), pattern / pattern.mean(), rtol=1e-5)


def test_clean_pictures_stay_far_below_the_threshold_and_checkerboards_far_above():
    for seed in range(20):
        for what, image, period in lesson_08.checkerboard_cases(np.random.default_rng([84, seed])):
            power = compare.power(image)
            for asked in (2, 4):
                both = min(lesson_08.peak(power, len(power) // asked, 0), lesson_08.peak(power, 0, len(power) // asked))
                assert both > 1000 if asked == period else both < 50 or period == 4, (seed, what, both)


# ---------------------------------------------------------------- course_lib.compare

def grating(size: int, cycles: int) -> np.ndarray:
    line = 128 + 100 * np.cos(2 * np.pi * cycles * np.arange(size) / size)
    return np.rint(np.repeat(np.tile(line, (size, 1))[..., None], 3, axis=2)).astype(np.uint8)


def test_a_grating_has_its_power_at_its_frequency():
    frequency, rings = compare.radial_power(grating(64, 8))
    assert frequency[np.argmax(rings)] == 8 / 64
    assert rings[8] > 1000 * np.median(rings)


def test_white_noise_has_the_same_power_everywhere():
    rings = compare.radial_power(np.random.default_rng(0).normal(128, 20, (256, 256)))[1]
    for part in np.array_split(rings[8:], 5):
        assert part.mean() == pytest.approx(20**2, rel=0.1)


def test_the_residual_is_signed_and_shows_blue_below_and_orange_above():
    sharp = np.full((2, 2, 3), 100, np.uint8)
    image = sharp.copy()
    image[0, 0], image[1, 1] = 40, 160
    values = compare.residual(sharp, image)
    assert values[0, 0, 0] == -60 and values[1, 1, 0] == 60
    picture = compare.signed_picture(values)
    assert tuple(picture[0, 1]) == (255, 255, 255)
    assert picture[0, 0, 2] > picture[0, 0, 0] and picture[1, 1, 0] > picture[1, 1, 2]
    with pytest.raises(ValueError, match="must be equal"):
        compare.residual(sharp, image[:1])
    with pytest.raises(ValueError, match="square"):
        compare.radial_mean(np.ones((2, 3)))


def test_the_panel_shows_every_run_and_the_cursor():
    run = Run(photos.DATA / "runs" / "content")
    figure = compare.panel({"one": run, "two": run}, 3, 4, (60, 0, 40))
    assert len(figure.axes) == 11
    cursor = figure.axes[-1].lines[-1]
    assert list(cursor.get_xdata()) == [3, 3]
    for axis in compare.curves(run.history, 5).axes:
        assert list(axis.lines[-1].get_xdata()) == [5, 5]
