"""Checks of lesson 08, Comparing epochs.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import operator
from math import isnan

import numpy as np

from course_lib import blur, compare, photos
from course_lib.checks import call, compare_array, fail, number, passed, plain


def _hint(mistakes: dict[str, np.ndarray], expected: np.ndarray):
    """A function of the given array: the words for the mistake that gives exactly this, or ""."""
    def words(given) -> str:
        given = np.asarray(given)
        return next((text for text, wrong in mistakes.items()
                     if given.shape == np.shape(wrong) and np.allclose(given, wrong)
                     and not (np.shape(wrong) == expected.shape and np.allclose(wrong, expected))), "")
    return words


# ---------------------------------------------------------------- exercise 1

def check_residual(residual, seed: int = 0) -> None:
    """Signed differences of small random pictures, brighter and darker than the sharp one."""
    rng = np.random.default_rng([81, seed])
    for height, width in ((1, 2), (4, 5), (7, 3)):
        sharp, image = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
        sharp[0, 0], image[0, 0] = (5, 200, 90), (3, 210, 90)           # one channel down, one up, one equal
        expected = image.astype(float) - sharp
        compare_array(residual, sharp, image, expected=expected, source="image − sharp", hint=_hint({
            "uint8 has no negative numbers, 3 − 5 gives 254 there; make both arrays float before you subtract.": image - sharp,
            "uint8 has no negative numbers, and the order is image − sharp: make both arrays float, then subtract.": sharp - image,
            "an unsigned type has no negative numbers, however wide it is.": image.astype(np.uint16) - sharp,
            "int8 ends at 127, and a difference may be 255.": (image - sharp).astype(np.int8),
            "keep what is below 0, where the image is too dark.": np.maximum(expected, 0),
            "keep the sign: below 0 where the image is too dark.": np.abs(expected),
            "the order is image − sharp, so that too dark is below 0.": -expected,
            "in grey levels from −255 to 255; don't divide.": expected / 255,
            "keep the three channels.": expected.mean(axis=2),
        }, expected))
    passed("your residual has the right sign and size for every pixel.")


# ---------------------------------------------------------------- exercise 2

def _rings(power: np.ndarray, distance=None, to_ring=np.rint, last: int | None = None, total: bool = False) -> np.ndarray:
    """`compare.radial_mean`, with a mistake built in by each keyword."""
    cycles = np.fft.fftfreq(len(power), 1 / len(power)) if distance is None else distance
    ring = to_ring(np.hypot(cycles[:, None], cycles)).astype(int)
    last = len(power) // 2 if last is None else min(last, ring.max())
    return np.array([(np.sum if total else np.mean)(power[ring == k]) for k in range(last + 1)])


def check_radial(radial, seed: int = 0) -> None:
    """Constant, single-frequency and random arrays of even and odd size."""
    rng = np.random.default_rng([82, seed])
    size = int(rng.integers(12, 20))
    one = np.zeros((size, size))
    one[0, -3] = one[0, 3] = 1.0                                # a grating of 3 cycles per picture
    for power in (np.ones((8, 8)), rng.uniform(1, 9, (size, size)), rng.uniform(1, 9, (size + 1, size + 1)), one):
        expected = compare.radial_mean(power)
        n = len(power)
        given = call(radial, power)
        values = plain(given)
        if isinstance(values, list) and len(values) == len(expected) and any(isinstance(one, float) and isnan(one) for one in values):
            fail("no entry belongs to one of your rings, so its mean is not a number: are the frequencies in cycles per picture, "
                 "np.fft.fftfreq(N, 1 / N), and the distances rounded?")
        along = np.abs(np.fft.fftfreq(n, 1 / n))
        compare_array(radial, power, expected=expected, source="the mean over each ring", tolerance=1e-5, hint=_hint({
            "the mean over a ring, not the sum.": _rings(power, total=True),
            "rows and columns beyond N / 2 are negative frequencies: np.fft.fftfreq(N, 1 / N) says which.":
                _rings(power, np.arange(n)),
            "the array is in the order of np.fft.fft2, with frequency 0 at [0, 0], not in the middle.":
                _rings(power, np.arange(n) - n // 2),
            "round the distance to the nearest ring; don't cut it off.": _rings(power, to_ring=np.floor),
            "ring k holds every distance that rounds to k, not only those that equal it.":
                _rings(power, to_ring=lambda distance: np.where(distance % 1 == 0, distance, -1)),
            "the distance is the root of the sum of the squares, √(f_y² + f_x²).":
                np.array([power[along[:, None] + along == k].mean() for k in range(n // 2 + 1)]),
            "a ring goes all the way round; these are the entries of one row.": power[0, :n // 2 + 1],
            "a ring goes all the way round; these are the entries of one column.": power[:n // 2 + 1, 0],
            "the rings end at N // 2; the corners beyond belong to none.": _rings(power, last=n),
            "rings 0 to N // 2, both included: N // 2 + 1 numbers.": expected[:-1],
            "ring 0 counts, too: N // 2 + 1 numbers.": expected[1:],
        }, expected))
    passed("your rings agree with the library's, for even and odd sizes.")


# ---------------------------------------------------------------- exercise 3

def _early_stop(scores, patience: int, better=operator.gt) -> tuple[int, int]:
    """(the epoch after which training stops, the best epoch by then); `better` builds in a mistake."""
    best = 0
    for epoch, score in enumerate(scores):
        if better(score, scores[best]):
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(scores) - 1, best


def _compared_with_previous(scores, patience: int) -> tuple[int, int]:
    bad = best = 0
    for epoch in range(1, len(scores)):
        bad = 0 if scores[epoch] > scores[epoch - 1] else bad + 1
        best = epoch if scores[epoch] > scores[best] else best
        if bad >= patience:
            return epoch, best
    return len(scores) - 1, best


def _never_reset(scores, patience: int) -> tuple[int, int]:
    bad = best = 0
    for epoch in range(1, len(scores)):
        bad, best = (bad, epoch) if scores[epoch] > scores[best] else (bad + 1, best)
        if bad >= patience:
            return epoch, best
    return len(scores) - 1, best


def check_early_stop(early_stop, seed: int = 0) -> None:
    """Rising, falling, recovering, tied and random scores."""
    rng = np.random.default_rng([83, seed])
    cases = [([1.0, 2.0, 3.0, 2.5, 2.4, 2.6], 2), ([1.0, 2.0, 3.0], 2), ([0.0, -1.0, -2.0, -3.0], 1),
             ([1.0, 3.0, 2.0, 2.5, 2.6, 4.0], 2), ([1.0, 3.0, 2.0, 2.5, 2.6, 4.0], 4), ([1.0, 2.0, 2.0, 2.0, 2.0], 2),
             ([1.0, 0.5, 2.0, 1.5, 3.0], 2)]
    for _ in range(4):
        cases.append((np.round(np.cumsum(rng.normal(0, 1, 14)), 1).tolist(), int(rng.integers(1, 5))))
    for scores, patience in cases:
        expected = _early_stop(scores, patience)
        given = call(early_stop, list(scores), patience)
        try:
            answer = tuple(int(number) for number in given)
        except (TypeError, ValueError):
            fail(f"your `early_stop` gave {given!r}, not a pair of epochs (stop, best)"
                 + (": does it end in `return`?" if given is None else "."))
        if answer != expected:
            mistakes = {
                "first the epoch of the stop, then the best one.": expected[::-1],
                "training that has stopped never sees the later scores.": (expected[0], int(np.argmax(scores))),
                "compare with the best score so far, not with the one before.": _compared_with_previous(scores, patience),
                "an equal score is no improvement.": _early_stop(scores, patience, operator.ge),
                "count the epochs since the best one: after a new best, the count begins again.": _never_reset(scores, patience),
                "it stops as soon as `patience` epochs have passed since the best one.": _early_stop(scores, patience + 1),
                "the epochs since the best one are `patience` in number, the best itself not counted.":
                    _early_stop(scores, max(patience - 1, 1)),
                "without a stop, the last epoch is len(scores) − 1.": (len(scores), expected[1]),
                "epochs count from 0, as `scores` does.": (expected[0] + 1, expected[1] + 1),
                "the second number is the best epoch, not its score.": (expected[0], int(scores[expected[1]])),
            }
            words = next((text for text, wrong in mistakes.items() if answer == wrong),
                         "go through the epochs in order, remember the best so far, and count how long ago it was.")
            fail(f"for the scores {scores} and patience {patience} your `early_stop` gave {answer}; "
                 f"it stops at {expected[0]}, the best is {expected[1]}: {words}")
    passed("your early stopping looks only at the past, and is as patient as it was told to be.")


# ---------------------------------------------------------------- exercise 4

def coverage(size: int, stages: int) -> np.ndarray:
    """How often `stages` transposed convolutions of kernel 3 and stride 2 reach each pixel: (size, size), mean 1."""
    line = np.ones(size // 2**stages)
    for _ in range(stages):
        spread = np.zeros(2 * len(line))
        spread[::2] = line
        line = sum(np.roll(spread, shift) for shift in range(3))
    return np.outer(line, line) / np.mean(line) ** 2


def _stripes(size: int, period: int, both: bool) -> np.ndarray:
    line = 1 + np.cos(2 * np.pi * np.arange(size) / period)
    return np.outer(line, line) if both else np.outer(line, np.ones(size))


def _crop(rng: np.random.Generator, size: int) -> np.ndarray:
    """A square of a photograph, neither dark nor bright: a pattern that multiplies needs something to multiply."""
    photo = photos.load(str(rng.choice(["window_dogs", "hillside", "summer_palace", "honey_bee", "paint_brushes"])))
    while True:
        top, left = (int(rng.integers(side - size)) for side in photo.shape[:2])
        crop = photo[top:top + size, left:left + size]
        if 70 < crop.mean() < 190:
            return crop


def _marked(crop: np.ndarray, pattern: np.ndarray, strength: float = 0.1) -> np.ndarray:
    values = np.clip(crop, 20, 235) * (1 + strength * (pattern - 1))[..., None]
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def checkerboard(crop: np.ndarray, period: int, pattern: np.ndarray | None = None) -> np.ndarray | None:
    """The picture under a checkerboard, as faint as it can be and stand out 1000 times on both axes; None if none does."""
    pattern = coverage(len(crop), {2: 1, 4: 2}[period]) if pattern is None else pattern
    for strength in (0.06, 0.12, 0.25, 0.5, 1.0):
        image = _marked(crop, pattern, strength)
        power, step = compare.power(image), len(crop) // period
        if min(peak(power, step, 0), peak(power, 0, step)) > 1000:
            return image
    return None


def _coarse(image: np.ndarray) -> np.ndarray:
    """The picture without the detail finer than 0.3 cycles per pixel: of its power, the median is next to nothing."""
    spectrum, fine = np.fft.fft2(image, axes=(0, 1)), np.abs(np.fft.fftfreq(len(image))) > 0.3
    spectrum[fine] = spectrum[:, fine] = 0
    return np.rint(np.clip(np.fft.ifft2(spectrum, axes=(0, 1)).real, 0, 255)).astype(np.uint8)


def checkerboard_cases(rng: np.random.Generator):
    """(what it is, picture, period) of clean photographs, checkerboards, and patterns that are none."""
    for size in (96, 128):
        while True:
            crop = _crop(rng, size)
            soft = blur.convolve(crop, blur.linear_psf(9, int(rng.integers(180))))
            marked = {(kind, period): checkerboard(image, period)
                      for kind, image in (("a", crop), ("a blurred", soft)) for period in (2, 4)}
            rows = _stripes(size, 4, both=False)
            crossed = checkerboard(crop, 4, (rows + rows.T) / 2)        # peaks on both axes, but none between them
            stripes = _marked(crop, _stripes(size, 2, both=False))
            coarse = _coarse(blur.noise(crop, 30, rng))
            power = compare.power(coarse)                               # far above the median of all at period 4, not above that around
            if (peak(compare.power(stripes), 0, size // 2) < 20 and min(power[size // 4, 0], power[0, size // 4]) > 200 * np.median(power)
                    and all(image is not None for image in (crossed, *marked.values()))):
                break
        yield "a photograph as it is", crop, 0
        yield "a blurred photograph", soft, 0
        yield "a photograph with stripes of period 4 in both directions", crossed, 4
        for (kind, period), image in marked.items():
            yield f"{kind} photograph with a checkerboard of period {period}", image, period
        yield "a photograph with horizontal stripes of period 2", stripes, 0
        yield "a photograph with vertical stripes of period 2", _marked(crop, _stripes(size, 2, both=False).T), 0
        yield "a photograph with a grid of period 3", _marked(crop, _stripes(size, 3, both=True)), 0
        yield "a photograph with noise", blur.noise(crop, 30, rng), 0
        yield "a photograph with coarse noise", coarse, 0


def find_period(image: np.ndarray) -> int:
    """The reference: 4 or 2 if both axes have a peak at that period, else 0."""
    power = compare.power(image)
    for period in (4, 2):
        step = len(power) // period
        if all(peak(power, *where) > 100 for where in ((step, 0), (0, step))):
            return period
    return 0


def peak(power: np.ndarray, row: int, column: int) -> float:
    """How many times the power at one frequency exceeds the median of the 9 × 9 frequencies around it."""
    around = np.ix_(np.arange(row - 4, row + 5) % len(power), np.arange(column - 4, column + 5) % len(power))
    return float(power[row, column] / np.median(power[around]))


def check_find_period(find_period, seed: int = 0) -> None:
    """Photographs with and without checkerboards, and with stripes and grids that are none."""
    for what, image, period in checkerboard_cases(np.random.default_rng([84, seed])):
        given = call(find_period, image)
        answer = number(given)
        if answer is None:
            fail(f"your `find_period` gave {given!r}, not a number: return 2, 4 or 0" + (", and end in `return`." if given is None else "."))
        if answer != period:
            words = {
                "a photograph with horizontal stripes of period 2": "a checkerboard has peaks on both axes, stripes only on one.",
                "a photograph with vertical stripes of period 2": "a checkerboard has peaks on both axes, stripes only on one.",
                "a photograph with a grid of period 3": "look at the frequencies N / 4 and N / 2 alone.",
            }.get(what, "")
            if period == 4 and answer == 2:
                words = "a pattern of period 4 has a peak at N / 2 as well: ask for period 4 first."
            elif period and answer == len(image) // period:
                words = "return the period in pixels, not the frequency."
            elif not words and period == 0:
                words = "compare the power at the frequency with the median around it, not with that of all: a photograph has power everywhere."
            elif not words:
                words = "a peak of period p lies at N / p cycles per picture, at [N // p, 0] and at [0, N // p]."
            fail(f"for {what} ({len(image)}×{len(image)} pixels) your `find_period` gave {answer!r}, it should be {period}: {words}")
    passed("your detector finds the checkerboards, tells their periods apart, and leaves photographs, stripes and noise alone.")
