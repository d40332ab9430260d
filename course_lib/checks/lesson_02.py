"""Checks of lesson 02, How a photograph blurs.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

from collections.abc import Callable

import numpy as np

from course_lib.blur import GAMMA
from course_lib.checks import call, compare_array, fail, passed

# ---------------------------------------------------------------- averages


def _hint(mistakes: dict[str, np.ndarray], tolerance: float) -> Callable:
    """The words for the mistake that gives exactly these numbers; "" for an unknown one."""
    def hint(given) -> str:
        given = np.asarray(given, float)
        return next((words for words, array in mistakes.items()
                     if given.shape == array.shape and np.abs(given - array).max() <= tolerance), "")
    return hint


def _must_be_uint8(function: Callable, *arguments) -> None:
    given = np.asarray(call(function, *arguments))
    if given.dtype != np.uint8:
        fail(f"the values of your `{function.__name__}` are right, but they are {given.dtype}; "
             "a photograph is uint8: convert the rounded values with .astype(np.uint8).")


def _video(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Small frames with the darkest and the brightest values, no two alike."""
    video = rng.integers(0, 256, (count, 5, 7, 3)).astype(np.uint8)
    video[:, 0, 0], video[:, 0, 1] = 255, 0
    video[:, 0, 2], video[0, 0, 2] = 0, 255
    return list(video)


def _stored(light: np.ndarray, gamma: float) -> np.ndarray:
    return np.rint(255 * light ** (1 / gamma))


def check_mean_frame(mean_frame, seed: int = 0) -> None:
    """Means of 3, 7 and some other number of frames, whose sums do not fit into uint8."""
    rng = np.random.default_rng(seed)
    for count in (3, 7, 2 * int(rng.integers(4, 7)) + 1):       # odd: no mean lies halfway between two numbers
        video = _video(rng, count)
        exact = np.mean(video, axis=0)
        wrapped = np.sum(video, axis=0, dtype=np.uint8)
        mistakes = {
            "is the mean rounded? .astype(np.uint8) alone cuts the decimals off; np.rint rounds.": np.floor(exact),
            "round the mean to whole numbers with np.rint.": exact,
            "uint8 holds no number above 255, so the sum wraps around: add as float, np.mean does.": np.rint(wrapped / count),
            "uint8 holds no number above 255, so the sum wraps around; and the mean is rounded, not cut off.":
                wrapped // count,
            "uint8 holds no number above 255, so `sum` wraps around: add as float, np.mean does; then round.": wrapped / count,
            "this is the sum; divide it by the number of frames.": np.sum(video, axis=0),
            "average over all frames, not only the first and the last.":
                np.rint((video[0].astype(float) + video[-1]) / 2),
            "this is the middle frame alone.": video[count // 2].astype(float),
            "this is the median; light adds up, so the mean is needed.": np.rint(np.median(video, axis=0)),
        }
        hint, shape = _hint(mistakes, 1e-9), "the mean is over the frames alone, so it has the shape of one frame: axis=0."
        compare_array(mean_frame, video, expected=np.rint(exact), source=f"the rounded mean of {count} frames",
                      hint=lambda given: hint(given) if np.shape(given) == exact.shape else shape)
        _must_be_uint8(mean_frame, video)
    passed("your mean is right for three numbers of frames, up to the brightest pixels.")


def check_mean_in_light(mean_in_light, seed: int = 0) -> None:
    """Gamma 2.2, gamma 1 (which is the mean of stored values) and another one."""
    rng = np.random.default_rng(seed)
    for gamma in (GAMMA, 1.0, round(float(rng.uniform(1.5, 2.6)), 2)):
        video = _video(rng, 5)
        values = np.array(video) / 255
        light = np.mean(values**gamma, axis=0)
        mistakes = {
            "this is the mean of the stored values; turn them into light first.": np.rint(255 * values.mean(axis=0)),
            "the mean is still light; turn it into stored values again with the power 1 / gamma.": np.rint(255 * light),
            "the exponents have changed places: light is (stored / 255) to the power gamma.":
                np.rint(255 * np.mean(values ** (1 / gamma), axis=0) ** gamma),
            "on the way back the exponent is 1 / gamma.": np.rint(255 * light**gamma),
            "the exponents are those of gamma 2.2; gamma is an argument.": _stored(np.mean(values**GAMMA, axis=0), GAMMA),
            "the order is: each frame to light, mean, stored values. Here the mean came last.":
                np.rint(255 * np.mean((values**gamma) ** (1 / gamma), axis=0)),
            "round with np.rint before .astype(np.uint8), which cuts the decimals off.": np.floor(255 * light ** (1 / gamma)),
            "did you multiply by 255 at the end?": np.rint(light ** (1 / gamma)),
            "in Python `x ** 1 / gamma` is `(x ** 1) / gamma`: put 1 / gamma in brackets.": np.rint(255 * light / gamma),
        }
        expected = _stored(light, gamma)
        mistakes = {words: array for words, array in mistakes.items() if np.abs(array - expected).max() > 1}
        hint = _hint(mistakes, 1.01)
        # A value in the middle between two whole numbers may be rounded either way.
        light_is = "light is (stored / 255) ** gamma, a number from 0 to 1."
        compare_array(mean_in_light, video, gamma, expected=expected, tolerance=1, source=f"averaging light at gamma {gamma:g}",
                      hint=lambda given: hint(given) or (light_is if np.shape(given) == expected.shape else ""))
        given = np.asarray(call(mean_in_light, video, gamma))
        if np.mean(given != expected) > 0.02:
            fail(f"your `mean_in_light` is one grey level off in many pixels at gamma {gamma:g}: "
                 + ("round with np.rint before .astype(np.uint8), which cuts the decimals off."
                    if np.all(given <= expected) else "is it 255 both times, and is nothing rounded but the end, with np.rint?"))
        _must_be_uint8(mean_in_light, video, gamma)
    passed("you average light, for any gamma.")


# ---------------------------------------------------------------- convolution and its inverse

def _convolved(image: np.ndarray, kernel: np.ndarray, flip: bool = False, centred: bool = True) -> np.ndarray:
    """The sum of shifted copies; the keywords build in a mistake each."""
    kernel = kernel[::-1, ::-1] if flip else kernel
    rows, columns = (side // 2 for side in kernel.shape) if centred else (0, 0)
    return sum(weight * np.roll(image, (v - rows, u - columns), (0, 1)) for (v, u), weight in np.ndenumerate(kernel))


def check_convolve(convolve, seed: int = 0) -> None:
    """A single light, whose blur is the kernel itself; then random images and kernels, the last with any sum and sign."""
    rng = np.random.default_rng(seed)
    light = np.zeros((7, 9))
    light[3, 4] = 1
    lopsided = np.array([[0.0, 0.1, 0.2], [0.0, 0.3, 0.4], [0.0, 0.0, 0.0]])
    cases = [("a single light", light, lopsided)]
    for side in (3, 5):
        kernel = rng.uniform(0, 1, (side, side))
        cases.append((f"a kernel of {side}×{side}", rng.uniform(0, 1, (8, 11)), kernel / kernel.sum()))
    cases.append(("a kernel of 3×7", rng.uniform(0, 1, (9, 10)), rng.uniform(-1, 1, (3, 7))))
    for name, image, kernel in cases:
        mistakes = {
            "every copy is moved the wrong way, which turns the kernel round: the weight at row v, column u of the "
            "centre moves the image by v down and u to the right.": _convolved(image, kernel, flip=True),
            "the kernel's centre stands for no shift: subtract half the kernel's sides, height // 2 and width // 2, from row and column.":
                _convolved(image, kernel, centred=False),
            "with the kernel turned round and off its centre: subtract height // 2 and width // 2 from row and column, and move down and right.":
                np.roll(_convolved(image, kernel, flip=True), (kernel.shape[0] // 2, kernel.shape[1] // 2), (0, 1)),
            "kernel[v, u] with a negative v or u counts from the end of the kernel: the copy shifted by (v, u) belongs to the weight in row v + height // 2, "
            "column u + width // 2.": _convolved(image, np.roll(kernel, [side // 2 for side in kernel.shape], (0, 1))),
            "multiply every copy by its weight.": _convolved(image, np.ones_like(kernel)),
            "add the copies, don't average them.": _convolved(image, kernel) / kernel.size,
            "take the weights as they are: don't divide by their sum.": _convolved(image, kernel) / kernel.sum(),
            "return the sum as it is: don't cut it off at 0 and 1.": np.clip(_convolved(image, kernel), 0, 1),
        }
        if kernel.shape[0] == kernel.shape[1]:
            mistakes["rows and columns have changed places in the shift."] = _convolved(image, kernel.T)
        expected, (rows, columns) = _convolved(image, kernel), (side // 2 for side in kernel.shape)

        def hint(given, known=_hint(mistakes, 1e-4)) -> str:
            if np.shape(given) != expected.shape:
                return ""
            if np.abs(np.asarray(given, float) - expected)[rows:-rows, columns:-columns].max() < 1e-4:
                return "only the border is wrong; what leaves the image at one side enters at the other: np.roll does that."
            return known(given) or ("" if rows == columns else f"the weight at row {rows}, column {columns} is its centre, which shifts nothing.")

        compare_array(convolve, image, kernel, expected=expected, tolerance=1e-4,
                      source=f"the sum of shifted copies for {name}", hint=hint)
    passed("your convolution is right for square and oblong kernels.")


def check_wiener(wiener, seed: int = 0) -> None:
    """Blurred and noisy random pictures, three balances; 0 is plain division."""
    rng = np.random.default_rng(seed)
    for balance in (0.01, round(float(rng.uniform(0.02, 0.2)), 3), 0.0):
        height, width = (int(side) for side in rng.integers(6, 10, 2) * 2 + 1)
        kernel = np.zeros((height, width))
        weights = np.array([0.4, 0.25, 0.2, 0.15])
        kernel[[0, 0, 1, -1], [0, 1, 1, -2]] = weights
        factor = np.fft.fft2(kernel)
        blurred = np.real(np.fft.ifft2(factor * np.fft.fft2(rng.uniform(0, 1, (height, width)))))
        blurred += 0.01 * rng.standard_normal(blurred.shape)
        waves, power = np.fft.fft2(blurred), np.abs(factor) ** 2

        def back(filtered):
            return np.real(np.fft.ifft2(filtered))

        expected = back(np.conj(factor) * waves / (power + balance))
        shifted = np.fft.fft2(np.fft.fftshift(kernel))
        with np.errstate(all="ignore"):
            mistakes = {
                "the numerator needs the conjugate of K: np.conj.": back(factor * waves / (power + balance)),
                "the conjugate is that of K, not of B.": back(factor * np.conj(waves) / (power + balance)),
                "the way back from waves to a picture is np.fft.ifft2, not fft2 once more.":
                    np.real(np.fft.fft2(np.conj(factor) * waves / (power + balance))),
                "|K| is squared in the denominator.": back(np.conj(factor) * waves / (np.abs(factor) + balance)),
                "the square of K is complex; |K|² is the square of np.abs(K).": back(np.conj(factor) * waves / (factor**2 + balance)),
                "K and B are the waves of kernel and photograph: np.fft.fft2 computes them.": kernel * blurred / (kernel**2 + balance),
                "the balance is not there; this is plain division.": back(waves / factor),
                "add the balance, don't subtract it.": back(np.conj(factor) * waves / (power - balance)),
                "the balance stands under the fraction bar, beside |K|².": back(np.conj(factor) * waves / power + balance),
                "the balance is not squared.": back(np.conj(factor) * waves / (power + balance**2)),
                "divide; this multiplies by the kernel once more and blurs again.": back(np.conj(factor) * waves),
                "B / (K + balance) is not the formula: conj(K) B / (|K|² + balance).": back(waves / (factor + balance)),
                "the kernel comes as fft2 takes it: don't shift it.": back(np.conj(shifted) * waves / (np.abs(shifted) ** 2 + balance)),
                "take the real part, np.real; np.abs turns negative numbers over.": np.abs(expected),
                "return the numbers as they are: don't cut them off at 0 and 1.": np.clip(expected, 0, 1),
                "these are the waves; np.fft.ifft2 turns them into a picture again.":
                    np.real(np.conj(factor) * waves / (power + balance)),
            }
        mistakes = {words: array for words, array in mistakes.items() if np.abs(array - expected).max() > 1e-6}
        given = call(wiener, blurred, kernel, balance)
        if np.iscomplexobj(given) and np.shape(given) == expected.shape and np.abs(np.real(given) - expected).max() < 1e-6:
            fail("your `wiener` has the right values, but as complex numbers: take the real part with np.real.")
        if np.iscomplexobj(given):
            fail("your `wiener` gave complex numbers: go back from waves to a picture with np.fft.ifft2 and take the real part "
                 "with np.real.")
        compare_array(wiener, blurred, kernel, balance, expected=expected, tolerance=1e-6,
                      source="conj(K) B / (|K|² + balance)", hint=_hint(mistakes, 1e-6))
    passed("your filter is Wiener's, for three balances; with balance 0 it is plain division.")


# ---------------------------------------------------------------- from a video to a batch

def _marked_video(rng: np.random.Generator, count: int, height: int, width: int) -> np.ndarray:
    """Frames whose green is the row and blue the column of a pixel, and whose red tells the frame: uint8 (T, H, W, 3)."""
    video = np.zeros((count, height, width, 3), np.uint8)
    video[..., 0] = rng.choice(np.arange(1, 256), count, replace=False)[:, None, None]
    video[..., 1] = 3 * np.arange(height)[:, None]
    video[..., 2] = 3 * np.arange(width)
    return video


def _batch_parts(make_batch, video, frames, patch, size, seed) -> tuple[np.ndarray, np.ndarray]:
    """What the student returns for a seed, if its form is right: two uint8 arrays (size, patch, patch, 3)."""
    given = call(make_batch, video, frames, patch, size, np.random.default_rng(seed))
    shown = f"your `make_batch(video, {frames}, {patch}, {size}, rng)`"
    if not isinstance(given, tuple | list | np.ndarray) or len(given) != 2:
        fail(f"{shown} should return two arrays, blurred and sharp" + (": does it end in `return`?" if given is None else "."))
    arrays = []
    for name, array in zip(("blurred", "sharp"), given):
        wanted = (size, patch, patch, 3)
        try:
            array = np.asarray(array)
        except ValueError:
            fail(f"{shown} gave {name} patches of different shapes: does each square end inside the picture?")
        if array.shape != wanted:
            fail(f"{shown} gave {name} patches of shape {array.shape}; they should have {wanted}"
                 + (": does the channel come last?" if array.shape == (size, 3, patch, patch) else
                    ": put the patches on each other with np.stack."))
        if array.dtype != np.float32:
            fail(f"{shown} gave {name} patches of type {array.dtype}; networks take float32: photos.to_network converts.")
        if array.min() < -1.001 or array.max() > 1.001:
            fail(f"{shown} gave {name} values from {array.min():g} to {array.max():g}; they should lie between −1 and 1: "
                 "photos.to_network converts.")
        if array.min() >= 0:          # every patch of the marked video has values below mid-grey
            fail(f"{shown} gave no {name} value below 0; the range is −1 (black) to 1 (white), not 0 to 1.")
        arrays.append((array + 1) * 127.5)
    return arrays[0], arrays[1]


def check_make_batch(make_batch, seed: int = 0) -> None:
    """A video in which every pixel tells where and when it is, so that any mix-up shows."""
    rng = np.random.default_rng(seed)
    for count, height, width, frames, patch, size in ((9, 30, 40, 5, 12, 6), (12, 24, 33, 7, 9, 5), (5, 10, 10, 5, 10, 2)):
        if count == frames:                     # a single possible start; before it, what is drawn where there are more
            _everything_is_drawn(make_batch, rng)
        video = _marked_video(rng, count, height, width)
        blurred, sharp = _batch_parts(make_batch, video, frames, patch, size, seed)
        for n in range(size):
            _one_pair(video, frames, blurred[n], sharp[n])
        again = _batch_parts(make_batch, video, frames, patch, size, seed)
        if not np.array_equal(again[1], sharp):
            fail("your `make_batch` gives another batch for a generator with the same seed: draw every random number from rng.")
        if size > 2 and np.array_equal(_batch_parts(make_batch, video, frames, patch, size, seed + 1)[1], sharp):
            fail("your `make_batch` gives the same batch for generators with different seeds: draw from the rng that is given.")
    passed("your batches hold pairs that belong together, drawn from the whole video.")


def _one_pair(video: np.ndarray, frames: int, blurred: np.ndarray, sharp: np.ndarray) -> None:
    reds, half = video[:, 0, 0, 0].astype(int), frames // 2
    place = np.rint(sharp[0, 0, 1:] / 3).astype(int)
    patch = len(sharp)
    crop = video[0, place[0]:place[0] + patch, place[1]:place[1] + patch, 1:]
    if crop.shape[:2] != sharp.shape[:2] or np.abs(crop - sharp[..., 1:]).max() > 0.6:
        fail("the sharp patch is not a square of a frame as it stands in the video: cut it out, rows first, then columns.")
    if np.abs(blurred[..., 1:] - sharp[..., 1:]).max() > 1.1:
        apart = np.ptp(blurred[..., 1:] - sharp[..., 1:], axis=(0, 1)).max()        # alike at every pixel if only the place differs
        fail("the blurred and the sharp patch of a pair come from different places: draw row and column once, and cut both there."
             if apart < 2.5 else "the blurred patch is darker or brighter than it should be: each frame to light, their mean, "
             "back to stored values, and only then photos.to_network.")
    moment = np.flatnonzero(np.abs(reds - sharp[0, 0, 0]) < 0.6)
    if len(moment) != 1:
        fail("the sharp patch is none of the video's frames: it is the middle one of those averaged, not a mean.")
    middle = int(moment[0])
    value = float(blurred[0, 0, 0])

    def close(part, gamma=GAMMA) -> bool:
        return len(part) > 0 and abs(255 * np.mean((part / 255) ** gamma) ** (1 / gamma) - value) < 1.1

    if half <= middle < len(reds) - half and close(reds[middle - half:middle + half + 1]):
        return
    if middle - half >= 0 and close(reds[middle - half:middle + half + 1], gamma=1):
        fail("the blurred patch is the mean of stored values; average light: blur.to_light, mean, blur.to_stored.")
    if close(reds[middle:middle + frames]):
        fail("the sharp patch is the first of the averaged frames; it should be the middle one, frames // 2 after the first.")
    if close(reds[max(middle - frames + 1, 0):middle + 1]):
        fail("the sharp patch is the last of the averaged frames; it should be the middle one, frames // 2 after the first.")
    if abs(reds[middle] - value) < 1.1:
        fail("the blurred patch is a single frame; it should be the mean of `frames` neighbouring ones.")
    if close(reds):
        fail("the blurred patch is the mean of the whole video; average `frames` neighbouring frames.")
    if not half <= middle < len(reds) - half:
        fail(f"a sharp patch is frame {middle} of {len(reds)}: no {frames} frames fit around it; the last start is T - frames.")
    fail(f"the blurred patch is not the mean, in light, of the {frames} frames around the sharp one: "
         "does the slice of the video begin at the start you drew and hold `frames` frames?")


def _everything_is_drawn(make_batch, rng: np.random.Generator) -> None:
    """Three possible starts and rows, four columns: with 90 pairs all must occur, and not in step with each other."""
    video = _marked_video(rng, 7, 12, 13)
    _, sharp = _batch_parts(make_batch, video, 5, 10, 90, int(rng.integers(1000)))
    reds = video[:, 0, 0, 0].astype(int)
    starts = {int(np.argmin(np.abs(reds - s))) - 2 for s in sharp[:, 0, 0, 0]}
    rows, columns = ({int(value) for value in np.rint(sharp[:, 0, 0, channel] / 3)} for channel in (1, 2))
    for found, wanted, what, formula in ((starts, 3, "starts in the video", "T - frames"), (rows, 3, "rows", "H - patch"),
                                         (columns, 4, "columns", "W - patch")):
        if len(found) == 1:
            fail(f"of 90 pairs all have the same of {wanted} possible {what}: draw it anew for every pair.")
        if len(found) < wanted:
            fail(f"of {wanted} possible {what} only {len(found)} occur in 90 pairs: the last one is {formula}, and "
                 "rng.integers(n) draws from 0 to n - 1.")
    if len({tuple(s) for s in np.rint(sharp[:, 0, 0])}) < 20:
        fail("start, row and column of your pairs go in step: draw each on its own.")
