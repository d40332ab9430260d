"""Lesson 02: the stubs fail, the solutions pass, and wrong answers get a message that helps."""

import numpy as np
import pytest
import scipy.ndimage
from answers import passes, stub_fails

from course_lib import blur, photos
from course_lib.checks import CheckFailed, lesson_02

# ---------------------------------------------------------------- right answers


def mean_frame(frames):
    total = sum(frame.astype(float) for frame in frames)
    return (total / len(frames)).round().astype(np.uint8)


def mean_in_light(frames, gamma=2.2):
    return blur.to_stored(np.mean([blur.to_light(frame, gamma) for frame in frames], axis=0), gamma)


def convolve(image, kernel):
    rows, columns = kernel.shape
    return sum(kernel[row, column] * np.roll(image, (row - rows // 2, column - columns // 2), (0, 1))
               for row in range(rows) for column in range(columns))


def wiener(blurred, kernel, balance):
    factor = np.fft.fft2(kernel)
    return np.fft.ifft2(np.conj(factor) / (np.abs(factor) ** 2 + balance) * np.fft.fft2(blurred)).real


def make_batch(video, frames, patch, size, rng, gamma=2.2, sharp_frame=None, same_place=True, last=1, convert=photos.to_network,
               shifted=0, step=False, back=blur.to_stored):
    """Right, or with one of the keywords wrong."""
    count, height, width, _ = video.shape
    blurred, sharp = [], []
    for _ in range(size):
        first, y, x = (rng.integers(n + last) for n in (count - frames, height - patch, width - patch))
        if step:
            y = first % (height - patch + 1)
        part = video[first:first + frames]
        light = np.mean([blur.to_light(frame, gamma) for frame in part[shifted:]], axis=0)
        blurred.append(back(light, gamma)[y:y + patch, x:x + patch])
        if not same_place:
            y, x = rng.integers(height - patch + 1), rng.integers(width - patch + 1)
        sharp.append(part[frames // 2 if sharp_frame is None else sharp_frame][y:y + patch, x:x + patch])
    return convert(np.stack(blurred)), convert(np.stack(sharp))


CHECKS = [(lesson_02.check_mean_frame, mean_frame), (lesson_02.check_mean_in_light, mean_in_light),
          (lesson_02.check_convolve, convolve), (lesson_02.check_wiener, wiener), (lesson_02.check_make_batch, make_batch)]


@pytest.mark.parametrize("seed", [0, 1, 2, 21, 22, 23, 24, 25])
@pytest.mark.parametrize("check, answer", CHECKS)
def test_right_answer_passes(check, answer, seed, capsys):
    passes(check, answer, seed, capsys)


@pytest.mark.parametrize("check, answer", CHECKS)
def test_stub_fails(check, answer):
    stub_fails(check, "does it end in `return`")


@pytest.mark.parametrize("seed", range(6))
def test_rounding_half_the_other_way_is_right_for_every_seed(seed):
    """The means of odd numbers of frames are never halves."""
    lesson_02.check_mean_frame(lambda frames: (np.mean(frames, axis=0) + 0.5).astype(np.uint8), seed=seed)


def test_rounding_half_the_other_way_is_right(capsys):
    """np.rint rounds halves to the even number; adding 0.5 and cutting off is as good where light is averaged."""
    lesson_02.check_mean_in_light(lambda frames, gamma: np.floor(
        255 * np.mean((np.array(frames) / 255) ** gamma, axis=0) ** (1 / gamma) + 0.5).astype(np.uint8))
    assert "Correct" in capsys.readouterr().out


def test_other_right_answers_pass():
    lesson_02.check_convolve(lambda image, kernel: scipy.ndimage.convolve(image, kernel, mode="wrap"))
    lesson_02.check_make_batch(lambda *arguments: np.array(make_batch(*arguments)))


# ---------------------------------------------------------------- wrong answers, and the words they get

@pytest.mark.parametrize("answer, words", [
    (lambda frames: np.mean(frames, axis=0).astype(np.uint8), "cuts the decimals off"),
    (lambda frames: np.mean(frames, axis=0), "round the mean"),
    (lambda frames: np.rint(np.mean(frames, axis=0)), "they are float64"),
    (lambda frames: np.sum(frames, axis=0, dtype=np.uint8) // len(frames), "the sum wraps around"),
    (lambda frames: np.rint(sum(frames) / len(frames)).astype(np.uint8), "the sum wraps around"),
    (lambda frames: np.sum(frames, axis=0), "divide it by the number of frames"),
    (lambda frames: frames[len(frames) // 2], "the middle frame alone"),
    (lambda frames: np.rint(np.median(frames, axis=0)).astype(np.uint8), "the median"),
    (lambda frames: sum(frames) / len(frames), "`sum` wraps around"),
    (lambda frames: np.rint(np.mean(frames)), "gave the shape.*axis=0"),
])
def test_mean_frame_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_02.check_mean_frame(answer)


def light_with(into=lambda v, g: v**g, back=lambda v, g: v ** (1 / g), end=lambda v: np.rint(255 * v).astype(np.uint8)):
    return lambda frames, gamma: end(back(np.mean(into(np.array(frames) / 255, gamma), axis=0), gamma))


@pytest.mark.parametrize("answer, words", [
    (lambda frames, gamma: mean_frame(frames), "turn them into light first"),
    (light_with(back=lambda v, g: v), "the mean is still light"),
    (light_with(into=lambda v, g: v ** (1 / g), back=lambda v, g: v**g), "changed places"),
    (light_with(back=lambda v, g: v**g), "on the way back"),
    (lambda frames, gamma: mean_in_light(frames), "gamma is an argument"),
    (light_with(end=lambda v: (255 * v).astype(np.uint8)), "round with np.rint"),
    (light_with(end=lambda v: np.rint(255 * v)), "they are float64"),
    (light_with(end=lambda v: np.rint(v).astype(np.uint8)), "multiply by 255"),
    (light_with(end=lambda v: np.ceil(255 * v).astype(np.uint8)), "nothing rounded but the end"),
    (light_with(into=lambda v, g: np.rint(255 * v**g) / 255), "nothing rounded but the end"),
    (light_with(back=lambda v, g: v**1 / g), "put 1 / gamma in brackets"),
    (light_with(into=lambda v, g: (255 * v) ** g), "a number from 0 to 1"),
])
def test_mean_in_light_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_02.check_mean_in_light(answer)


@pytest.mark.parametrize("answer, words", [
    (lambda image, kernel: convolve(image, kernel[::-1, ::-1]), "turns the kernel round"),
    (lambda image, kernel: lesson_02._convolved(image, kernel, centred=False), "stands for no shift"),
    (lambda image, kernel: scipy.ndimage.convolve(image, kernel, mode="constant"), "np.roll does that"),
    (lambda image, kernel: convolve(image, kernel.T), "rows and columns have changed places"),
    (lambda image, kernel: sum(kernel[v, u] * np.roll(image, (v, u), (0, 1)) for v in range(-(kernel.shape[0] // 2), kernel.shape[0] // 2 + 1)
                               for u in range(-(kernel.shape[1] // 2), kernel.shape[1] // 2 + 1)), "counts from the end of the kernel"),
    (lambda image, kernel: convolve(image, np.ones_like(kernel)), "multiply every copy by its weight"),
    (lambda image, kernel: convolve(image, kernel) / kernel.size, "don't average"),
    (lambda image, kernel: scipy.ndimage.convolve(image, kernel), "only the border is wrong"),
    (lambda image, kernel: convolve(image, kernel / kernel.sum()), "don't divide by their sum"),
    (lambda image, kernel: np.clip(convolve(image, kernel), 0, 1), "don't cut it off"),
    (lambda image, kernel: sum(weight * np.roll(image, (v - len(kernel) // 2, u - len(kernel) // 2), (0, 1))
                               for (v, u), weight in np.ndenumerate(kernel)), "row 1, column 3 is its centre"),
    (lambda image, kernel: convolve(image, kernel[:3, :3]), "gave .* for a kernel of 5×5"),
    (lambda image, kernel: convolve(image, kernel)[1:-1, 1:-1], "gave the shape"),
])
def test_convolve_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_02.check_convolve(answer)


def wiener_with(formula):
    return lambda blurred, kernel, balance: np.real(np.fft.ifft2(formula(np.fft.fft2(blurred), np.fft.fft2(kernel), balance)))


@pytest.mark.parametrize("answer, words", [
    (wiener_with(lambda b, k, c: k * b / (abs(k) ** 2 + c)), "needs the conjugate"),
    (wiener_with(lambda b, k, c: k * np.conj(b) / (abs(k) ** 2 + c)), "that of K, not of B"),
    (lambda b, k, c: np.fft.fft2(np.conj(np.fft.fft2(k)) * np.fft.fft2(b) / (abs(np.fft.fft2(k)) ** 2 + c)).real, "ifft2, not fft2"),
    (wiener_with(lambda b, k, c: np.conj(k) * b / (abs(k) + c)), "squared in the denominator"),
    (wiener_with(lambda b, k, c: b / k), "plain division"),
    (wiener_with(lambda b, k, c: np.conj(k) * b / (abs(k) ** 2 - c)), "don't subtract"),
    (wiener_with(lambda b, k, c: np.conj(k) * b / (abs(k) ** 2 + c**2)), "not squared"),
    (wiener_with(lambda b, k, c: np.conj(k) * b), "blurs again"),
    (lambda b, k, c: np.conj(k) * b / (np.abs(k) ** 2 + c), "np.fft.fft2 computes them"),
    (wiener_with(lambda b, k, c: b / (k + c)), "is not the formula"),
    (lambda b, k, c: np.fft.ifft2(np.conj(np.fft.fft2(k)) * np.fft.fft2(b) / (abs(np.fft.fft2(k)) ** 2 + c)), "take the real part"),
    (lambda b, k, c: np.conj(np.fft.fft2(k)) * np.fft.fft2(b) / (abs(np.fft.fft2(k)) ** 2 + c), "np.fft.ifft2"),
    (lambda b, k, c: wiener(b, k, 0.01), "gave"),
    (lambda b, k, c: wiener(b, np.fft.fftshift(k), c), "don't shift it"),
    (wiener_with(lambda b, k, c: np.conj(k) * b / (k**2 + c)), "the square of np.abs"),
    (lambda b, k, c: np.abs(wiener(b, k, c)), "take the real part"),
    (lambda b, k, c: np.clip(wiener(b, k, c), 0, 1), "as they are"),
])
def test_wiener_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_02.check_wiener(answer)


def batch_with(**mistake):
    return lambda video, frames, patch, size, rng: make_batch(video, frames, patch, size, rng, **mistake)


def other_seed(video, frames, patch, size, rng):
    return make_batch(video, frames, patch, size, np.random.default_rng())


def beyond_the_end(video, frames, patch, size, rng):
    """The middle frame is drawn up to the end of the video, where slices become shorter."""
    half, (_, height, width, _) = frames // 2, video.shape
    blurred, sharp = [], []
    for _ in range(size):
        middle = rng.integers(half, len(video))
        y, x = rng.integers(height - patch + 1), rng.integers(width - patch + 1)
        part = video[max(middle - half, 0):middle + half + 1, y:y + patch, x:x + patch]
        blurred.append(blur.to_stored(np.mean([blur.to_light(frame) for frame in part], axis=0)))
        sharp.append(video[middle, y:y + patch, x:x + patch])
    return photos.to_network(np.stack(blurred)), photos.to_network(np.stack(sharp))


def one_pair_repeated(video, frames, patch, size, rng):
    blurred, sharp = make_batch(video, frames, patch, 1, rng)
    return np.repeat(blurred, size, axis=0), np.repeat(sharp, size, axis=0)


@pytest.mark.parametrize("answer, words", [
    (batch_with(same_place=False), "come from different places"),
    (batch_with(sharp_frame=0), "the sharp patch is the first of the averaged frames"),
    (batch_with(sharp_frame=-1), "the sharp patch is the last of the averaged frames"),
    (batch_with(gamma=1), "the mean of stored values"),
    (batch_with(shifted=1), "not the mean, in light, of the"),
    (batch_with(convert=lambda a: a.astype(np.float32)), "should lie between −1 and 1"),
    (batch_with(convert=lambda a: (a / 255).astype(np.float32)), "not 0 to 1"),
    (batch_with(convert=lambda a: a / 127.5 - 1), "float64; networks take float32"),
    (batch_with(convert=lambda a: photos.to_network(a).transpose(0, 3, 1, 2)), "does the channel come last"),
    (batch_with(last=0), "the last one is T - frames"),
    (lambda video, *rest: make_batch(video[:, :, ::-1], *rest), "as it stands in the video"),
    (batch_with(step=True), "go in step"),
    (other_seed, "draw every random number from rng"),
    (lambda video, frames, patch, size, rng: make_batch(video, frames, patch, size, np.random.default_rng(0)), "draw from the rng that is given"),
    (beyond_the_end, "the last start is T - frames"),
    (one_pair_repeated, "draw it anew for every pair"),
    (lambda video, *rest: make_batch(video[:, :video.shape[2], :video.shape[1]], *rest), "the last one is W - patch"),      # a square
    (lambda video, frames, patch, size, rng: [[video[0, y:y + patch, y:y + patch] for y in (0, 25)]] * 2, "of different shapes"),
    (batch_with(back=lambda light, gamma: np.rint(255 * light).astype(np.uint8)), "darker or brighter"),
    (lambda *arguments: make_batch(*arguments)[0], "two arrays, blurred and sharp"),
    (lambda *arguments: (make_batch(*arguments)[1],) * 2, "a single frame"),
    (lambda *arguments: (make_batch(*arguments)[0],) * 2, "middle one of those averaged|not the mean"),
])
def test_make_batch_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_02.check_make_batch(answer)


def test_the_last_place_must_be_drawn_where_it_is_not_an_error():
    """An answer that never draws the last start, row and column, and does not stop where there is only one."""
    def answer(video, frames, patch, size, rng):
        class Careful:
            def integers(self, n):
                return rng.integers(max(n - 1, 1))
        return make_batch(video, frames, patch, size, Careful())
    with pytest.raises(CheckFailed, match="the last one is T - frames|draw it anew"):
        lesson_02.check_make_batch(answer)
