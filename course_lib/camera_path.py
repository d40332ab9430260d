"""Which path of the camera explains a photograph's spectrum? Analysis by synthesis (lesson 09).

The network of `blind` answers with a cautious mean of all kernels that might have been. A camera, though, moves along one
path. Here a path is a few numbers; from them follows the spectrum that the photograph would have, and gradient descent
makes it that of the photograph. Most paths get stuck on the way: many are drawn, few improved, the best of these varied.
In a smaller copy of the photograph a long motion is short, and fewer paths get stuck.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from course_lib import blur
from course_lib.backend import tf
from course_lib.files import arrays_of, atomic

TILE = 96           # side of the tiles whose spectra are averaged, in pixels: `blind.log_spectrum`
TERMS = np.float32([0.63, 0.40, 0.24, 0.16, 0.12, 0.10])    # how much each cosine adds to a walk's velocity, in path lengths
FRAMES = np.float32([7, 9, 11, 13])     # of which a GoPro's blurred photograph is the mean (Nah et al., arXiv:1612.02177)
PARTS = 4           # moments at which a frame is sampled
DRAWS = 12288       # paths that are drawn and judged before the best are improved
ROUNDS = ((192, 1, 50), (48, 1, 40), (24, 3, 40))    # of gradient descent: paths, places per side of the photograph, steps
KEPT = 12           # paths that the next round continues, several times each, with the numbers of frames in turn
BELIEF = 100.0      # what one nat of the network's answer counts, in nats of the spectrum, whose frequencies are not independent
TYPICAL = 850.0     # nats of surprise that the right path mostly leaves: there one more nat counts as one, above it less
USUAL = 10.0        # and one nat of how usual a path is
UNSEEN = 1.7        # how much more of the spectrum of a photograph that was left out the main axes leave (a third left out in turn)


# --- What spectra photographs have --------------------------------------------------------------

class Scenes(NamedTuple):
    """The log spectra of sharp photographs, as a Gaussian distribution over F frequencies with A main axes."""

    mean: np.ndarray        # float32 (F,)
    axes: np.ndarray        # float32 (F, A), orthonormal
    variance: np.ndarray    # float32 (A,), along the axes
    rest: np.ndarray        # float32 (F,), the variance of what the axes leave


def learn_scenes(spectra: np.ndarray, axes: int) -> Scenes:
    """The distribution of log spectra, (N, F), by principal component analysis."""
    mean = spectra.mean(0)
    spectra = spectra - mean
    variance, found = np.linalg.eigh(spectra.T @ spectra / len(spectra))
    found = found[:, :-axes - 1:-1]
    rest = spectra - spectra @ found @ found.T
    return Scenes(*(array.astype(np.float32) for array in (mean, found, variance[:-axes - 1:-1], UNSEEN * (rest ** 2).mean(0) + 1e-3)))


def save_scenes(scenes: Scenes, path: Path) -> None:
    """Write them as an .npz file, the axes in half precision."""
    with atomic(path) as part:
        np.savez(part, **{name: array.astype(np.float16 if name == "axes" else np.float32)
                          for name, array in scenes._asdict().items()})


@lru_cache(1)
def load_scenes(path: Path) -> Scenes:
    """Read what `save_scenes` wrote, as tensors of float32.

    Raises
    ------
    ValueError in one sentence if the file is missing or damaged.
    """
    with arrays_of(path) as file:
        return Scenes(**{name: tf.constant(file[name].astype(np.float32)) for name in Scenes._fields})


# --- From a path to a spectrum ------------------------------------------------------------------

class Motions(NamedTuple):
    """N motions of a camera, and what else the spectrum depends on. The fields are tensors of float32."""

    velocity: tf.Tensor     # (N, 6, 2): what each cosine adds to it, x and y, in pixels per exposure
    turn: tf.Tensor         # (N, 2): roll in hundredths of a radian and zoom in per cent, per exposure
    shutter: tf.Tensor      # (N,): logit of the part of a frame's time for which the shutter is open, above 0.2
    floor: tf.Tensor        # (N, 2): logarithms of the power that no blur takes away: everywhere, and at high frequencies
    softness: tf.Tensor     # (N,): logarithm of the variance, in pixels², of a Gaussian that stands for a soft lens or an enlargement


def _moments(motions: Motions, frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """When light falls on the sensor, (N, 52) in -0.5 to 0.5, and the weight of each moment, 0 after the last frame."""
    frame, part = (tf.constant(array.ravel(), tf.float32) for array in np.indices((int(FRAMES[-1]), PARTS)))
    within = _open(motions.shutter)[:, None] * ((part + 0.5) / PARTS - 0.5)
    used = tf.cast(frame < frames[:, None], tf.float32)
    return used * ((frame + 0.5 + within) / frames[:, None] - 0.5), used / (PARTS * frames[:, None])


def _open(shutter):
    return 0.2 + 0.8 * tf.sigmoid(shutter)


def _positions(velocity, times):
    """Where the camera points, (N, T, 2) in pixels: the integral of its velocity from the middle of the exposure on."""
    waves = [times] + [(tf.sin(np.pi * j * (times + 0.5)) - np.sin(np.pi * j / 2)) / (np.pi * j) for j in range(1, len(TERMS))]
    return tf.einsum("njd,jnt->ntd", velocity, tf.stack(waves))


def _power(points, turn, times, weights, shape, side):
    """The power |K(f)|², (N, 96, 49), of the mean kernel of a photograph: rows are frequencies from -0.5, columns from 0.

    Roll and zoom move each point of the photograph on a path of its own; `side` x `side` of them stand for all.
    """
    places = np.linspace(-1, 1, side, dtype=np.float32) * np.float32(np.sqrt(1 / 8)) if side > 1 else np.zeros(1, np.float32)
    away = np.stack(np.meshgrid(places, places), -1).reshape(-1, 1, 2)
    x, y = tf.unstack(away * tf.cast(shape[::-1], tf.float32), axis=-1)             # (P, 1): as far apart as all points are
    roll, zoom = (0.01 * turn[:, i, None, None] * times[:, None] for i in (0, 1))   # (N, 1, T)
    x, y = (tf.reshape(points[:, None, :, i] + moved, [len(points), -1]) for i, moved in enumerate((zoom * x + roll * y, zoom * y - roll * x)))
    down = 2 * np.pi * np.float32(np.fft.fftshift(np.fft.fftfreq(TILE)))[:, None] * y[:, None]        # (N, 96, P T)
    right = 2 * np.pi * np.float32(np.fft.rfftfreq(TILE)) * x[..., None]                              # (N, P T, 49)
    weights = tf.tile(weights, [1, side ** 2])[:, None] / side ** 2
    real = (weights * tf.cos(down)) @ tf.cos(right) - (weights * tf.sin(down)) @ tf.sin(right)
    imaginary = (weights * tf.cos(down)) @ tf.sin(right) + (weights * tf.sin(down)) @ tf.cos(right)
    return _leaked(real ** 2 + imaginary ** 2)


def _leaked(power):
    """What a tile's Hann window makes of a spectrum: each frequency takes in a quarter of its neighbours' power."""
    def other(column):      # the spectrum of a real image: the column beyond the first or last one is the turned one before it
        return tf.reverse(tf.roll(column, -1, 1), [1])

    power = (power + 0.25 * (tf.roll(power, 1, 1) + tf.roll(power, -1, 1))) / 1.5
    left = tf.concat([other(power[:, :, 1:2]), power[:, :, :-1]], 2)
    right = tf.concat([power[:, :, 1:], other(power[:, :, -2:-1])], 2)
    return (power + 0.25 * (left + right)) / 1.5


# --- How well it explains the photograph ----------------------------------------------------------

def _surprise(motions: Motions, frames, spectrum, answer, shape, scenes: Scenes, side):
    """How unlikely each motion is, (N,), in nats: of the spectrum left if its blur is taken away, of the network's answer, of itself."""
    times, weights = _moments(motions, frames)
    points = _positions(motions.velocity, times)
    frequency = np.hypot(np.fft.fftshift(np.fft.fftfreq(TILE))[:, None], np.fft.rfftfreq(TILE))
    floor = tf.exp(motions.floor)[:, :, None, None]
    soft = tf.exp(-tf.exp(motions.softness)[:, None, None] * np.float32((2 * np.pi * frequency) ** 2))
    passed = soft * _power(points, motions.turn, times, weights, shape, side) + floor[:, 0] + floor[:, 1] * np.float32((frequency / 0.2) ** 2)
    scene = tf.reshape(spectrum - tf.math.log(passed), [len(frames), -1]) - scenes.mean
    along = scene @ scenes.axes
    off = tf.abs(scene - tf.matmul(along, scenes.axes, transpose_b=True)) / tf.sqrt(scenes.rest)
    off = tf.where(off < 3, off ** 2 / 2, 3 * off - 4.5)            # Huber's loss: single frequencies may be anything
    scene = tf.reduce_sum(along ** 2 / scenes.variance, 1) / 2 + tf.reduce_sum(off, 1)
    scene = 2 * TYPICAL * tf.math.log(1 + scene / TYPICAL)          # Student's t: what no path explains decides less

    terms = motions.velocity / TERMS[:, None]
    size = tf.stop_gradient(tf.sqrt(tf.reduce_mean(terms ** 2, [1, 2]))) + 2
    usual = (tf.reduce_sum((terms / size[:, None, None]) ** 2, [1, 2])
             + tf.reduce_sum(tf.sqrt(motions.turn ** 2 + 0.01) / [3.0, 0.18], 1)) / 2
    return scene + BELIEF * _unexpected(points, weights, answer) + USUAL * usual


def _unexpected(points, weights, answer):
    """The mean of -log answer along each path: answer is (49, 49), its logarithm is read between pixels."""
    place = tf.clip_by_value(points + answer.shape[0] // 2, 0, answer.shape[0] - 1.01)
    corner = tf.floor(place)
    right, down = tf.unstack(place - corner, axis=-1)
    x, y = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
    rows = [[tf.gather_nd(tf.math.log(answer), tf.stack([y + dy, x + dx], -1)) for dx in (0, 1)] for dy in (0, 1)]
    upper, lower = (first + right * (second - first) for first, second in rows)
    return -tf.reduce_sum(weights * (upper + down * (lower - upper)), 1)


@tf.function(reduce_retracing=True)
def _descend(values, frames, spectrum, answer, shape, scenes, side, steps, rate):
    """Gradient descent on `_surprise` by Adam (Kingma and Ba, arXiv:1412.6980), at a falling rate: motions and their surprise."""
    values = list(values)
    mean, square = ([tf.zeros_like(value) for value in values] for _ in range(2))
    for step in tf.range(steps):
        with tf.GradientTape() as tape:
            tape.watch(values)
            surprise = _surprise(Motions(*values), frames, spectrum, answer, shape, scenes, side)
        gradients = tape.gradient(surprise, values)
        done = tf.cast(step, tf.float32) + 1
        mean = [0.9 * m + 0.1 * g for m, g in zip(mean, gradients)]
        square = [0.999 * s + 0.001 * g ** 2 for s, g in zip(square, gradients)]
        pace = rate * (1 - (done - 1) / tf.cast(steps, tf.float32)) + 0.02
        pace *= tf.sqrt(1 - 0.999 ** done) / (1 - 0.9 ** done)
        values = [v - pace * m / (tf.sqrt(s) + 1e-7) for v, m, s in zip(values, mean, square)]
    return values, _surprise(Motions(*values), frames, spectrum, answer, shape, scenes, side)


class Seen(NamedTuple):
    """What the search is told of a photograph, or of a copy of another size."""

    spectrum: np.ndarray        # float32 (96, 49), the mean of the tiles' log spectra, the second of `blind.log_spectrum`
    answer: np.ndarray          # float32 (49, 49) of sum 1, the kernel of `blind.estimate`: where paths start, and what they should not leave
    shape: tuple[int, ...]      # (H, W, ...)


def find(photograph: Seen, scenes: Scenes, smaller: Seen | None = None, draws: int = DRAWS,
         rounds: tuple[tuple[int, int, int], ...] = ROUNDS) -> tuple[np.ndarray, float]:
    """The camera's motion that best explains a photograph's spectrum.

    A power spectrum can't tell a motion from the same turned by 180 degrees; either may be returned.

    Parameters
    ----------
    photograph : what is seen of it.
    scenes : what spectra sharp photographs have.
    smaller : a smaller copy, on which all rounds but the last search.
    draws, rounds : how long to search.

    Returns
    -------
    The motion, float64 (S, 4), as `blur.camera_motion` returns it: shift x, shift y (pixels), roll (degrees) and zoom at S moments;
    and how unlikely it is, in nats: the less, the better it explains the spectrum.
    """
    rng = np.random.default_rng(0)
    seen = smaller or photograph
    values, frames = _drawn(seen.answer, draws, rng), np.tile(FRAMES, draws // len(FRAMES))

    def descended(seen, some, side, steps, rate):
        now = [tf.constant(value[some], tf.float32) for value in values]
        answer = cv2.GaussianBlur(seen.answer, (0, 0), 1) + 1e-5            # nothing is impossible
        found, surprise = _descend(now, frames[some], *(tf.constant(value) for value in (seen.spectrum, answer, seen.shape[:2])),
                                   scenes, side, tf.constant(steps), tf.constant(rate))
        return [value.numpy() for value in found], surprise.numpy()

    surprise = np.concatenate([descended(seen, slice(i, i + 128), 1, 0, 0.0)[1] for i in range(0, draws, 128)])
    for number, (paths, side, steps) in enumerate(rounds):
        order = np.argsort(surprise)
        best = order[:KEPT].repeat(paths // KEPT) if number else order[:paths]
        values, frames = [value[best] for value in values], frames[best]
        if number:          # the best once more, a little changed, with the numbers of frames in turn
            frames = np.tile(FRAMES, paths // len(FRAMES))
            size = np.linalg.norm(values[0][:, 0], axis=1)[:, None, None] + 3
            values[0] = values[0] + 0.04 * size * TERMS[:, None] * rng.standard_normal(values[0].shape)
        if number == len(rounds) - 1:
            scale = photograph.shape[0] / seen.shape[0]
            values[0], values[4] = scale * values[0], values[4] + 2 * np.log(scale)
            seen = photograph
        values, surprise = descended(seen, slice(None), side, steps, 0.3 * 0.5 ** number)
    best = np.nanargmin(surprise)
    return _camera(Motions(*(value[best:best + 1] for value in values)), int(frames[best])), float(surprise[best])


def _drawn(answer: np.ndarray, draws: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The fields of so many `Motions`, float64: about as long as the network's answer, and mostly along it."""
    y, x = np.indices(answer.shape) - answer.shape[0] // 2
    variance, axes = np.linalg.eigh(np.cov(np.stack([x, y]).reshape(2, -1), aweights=answer.ravel(), bias=True))
    length = np.sqrt(12 * variance[1]) * rng.uniform(0.6, 1.3, (draws, 1, 1))
    velocity = length / TERMS[0] * TERMS[:, None] * rng.standard_normal((draws, len(TERMS), 2))
    velocity[:, 0] = length[:, 0] * axes[:, 1] + 0.2 * length[:, 0] * rng.standard_normal((draws, 2))
    return [velocity, rng.normal(0, 0.2, (draws, 2)) * [1, 0.1], rng.normal(0.5, 1, draws),
            rng.normal(-4, 1, (draws, 2)), rng.normal(-2.5, 1, draws)]


def _camera(motion: Motions, frames: int) -> np.ndarray:
    """A single motion as `blur.camera_motion` has it, float64 (S, 4)."""
    times = blur.exposure_times(frames, float(_open(motion.shutter[0])), parts=3 * PARTS)
    shift = _positions(motion.velocity, tf.constant(times[None], tf.float32))[0].numpy()
    turn = times[:, None] * motion.turn[0] / 100
    return np.column_stack([shift, np.degrees(turn[:, 0]), turn[:, 1]]).astype(np.float64)
