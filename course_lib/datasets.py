"""Pairs to batches: blurred and sharp patches, float32 (N, H, W, 3) in [-1, 1], as a tf.data pipeline.

Sample number n of a run is a function of the seed and n alone: which photograph (a new random
order every epoch), which crop, which blur. So a run continues after an interruption exactly
where it stopped, and several devices share a batch without talking to each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from course_lib import blur, gopro, photos
from course_lib.backend import tf

MORE_PHOTOS = photos.DATA / "more_photos"      # apart from "photos", whose number decides the order of every run on it

cv2.setNumThreads(1)        # tf.data renders several batches at once; threads inside each would only compete


@dataclass(frozen=True)
class Source:
    """Where pairs come from: `draw(i, rng)` gives a pair of uint8 patches of photograph i of `count`."""

    count: int
    patch: int
    draw: Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    epoch: int      # pairs in an epoch: of GoPro's each once, of the few built-in photographs as many as asked for


def photographs(split: str, more: bool = True) -> list[np.ndarray]:
    """The built-in photographs of a split, uint8 (H, W, 3); with `more`, those to train on include data/more_photos."""
    files = sorted(MORE_PHOTOS.glob("*.jpg")) if more and split == "train" else []
    return [photos.load(name) for name in photos.names(split)] + [photos.read(path) for path in files]


def source(data: str, split: str, patch: int, level: int = 1, squash: bool = False, limit: int | None = None,
           unmoved: float = 0.0, setting: str = "patch") -> Source:
    """Open "photos", "photos+" or "gopro:FOLDER".

    Parameters
    ----------
    data : "photos" for the built-in photographs, blurred by the course at `level` (1-4),
        "photos+" to train on those of data/more_photos too (streets, buildings, people), or
        "gopro:FOLDER" for a copy of the GoPro dataset, which brings its own blur.
    split : "train", "validation" (of GoPro, which has none, its test split) or "test".
    patch : side of the square patches in pixels.
    squash : GoPro only. Shrink the whole frame to patch × patch instead of cropping, the other
        reading of Section 3.1's "dividing the input image into a 256x256 matrix".
    limit : pairs in an epoch, about 500 in Section 3.1: of GoPro so many, spread evenly over
        all; of the few built-in photographs so many crops.
    unmoved : part, from 0 to 1, of the pairs of built-in photographs that no motion blurred. Half
        of these are sharp already, half enlarged by 1.2 to 3. They teach a network to leave alone
        what needs no deblurring, and not to take softness for motion.
    setting : what the messages call `patch`.

    Raises
    ------
    ValueError if `data` is none of these, `unmoved` no such part, or it or `squash` is set for data that know nothing of it;
    `gopro`'s errors if the folder is not a GoPro copy.
    ValueError if a built-in photograph is smaller than the patch; if one of GoPro's is, when it is drawn.
    """
    if not 0 <= unmoved <= 1:
        raise ValueError(f"unmoved is {unmoved}; it is a part of the pairs, from 0 to 1.")
    if data in ("photos", "photos+"):
        if squash:
            raise ValueError(f"squash is true, but data is {data!r}, and only GoPro's frames can be squashed: set squash=false.")
        images = photographs(split, more=data == "photos+")
        largest = min(min(image.shape[:2]) for image in images)
        if patch > largest:
            raise ValueError(f"{setting} is {patch}; the smallest photograph of {data!r} to cut it from has a side of {largest} pixels: "
                             "use at most as many.")
        return Source(len(images), patch, lambda i, rng: _built_in_patch(images[i], level, patch, unmoved, rng),
                      limit or len(images))
    if data.startswith("gopro:"):
        if unmoved:
            raise ValueError(f"unmoved is {unmoved}, but only the built-in photographs can be left unmoved: for {data!r} set unmoved=0.")
        pairs = gopro.pairs(data.removeprefix("gopro:"), split="train" if split == "train" else "test", limit=limit)
        return Source(len(pairs), patch, lambda i, rng: _gopro_patch(pairs[i], patch, squash, rng, setting), len(pairs))
    raise ValueError(f'data is {data!r}; use "photos", "photos+" or "gopro:FOLDER".')


def _built_in_patch(photo: np.ndarray, level: int, patch: int, unmoved: float, rng: np.random.Generator):
    """One random crop, blurred at a level, or now and then left sharp or enlarged."""
    blurred, sharp = blur.blur_patch(photo, level, patch, rng)
    if rng.random() < unmoved:
        blurred = sharp if rng.random() < 0.5 else blur.enlarge(sharp, rng.uniform(1.2, 3.0))
    return blurred, sharp


def _gopro_patch(pair, patch: int, squash: bool, rng: np.random.Generator, setting: str) -> tuple[np.ndarray, np.ndarray]:
    """One random crop of a stored pair, mirrored half of the time; or the whole frame squashed."""
    blurred, sharp = gopro.read(pair)
    if squash:
        blurred, sharp = (cv2.resize(image, (patch, patch), interpolation=cv2.INTER_AREA) for image in (blurred, sharp))
    else:
        height, width = sharp.shape[:2]
        if min(height, width) < patch:
            raise ValueError(f"{setting} is {patch}, but {pair[1]} is {width}x{height} pixels: use at most its shorter side.")
        y, x = rng.integers(height - patch + 1), rng.integers(width - patch + 1)
        blurred, sharp = blurred[y:y + patch, x:x + patch], sharp[y:y + patch, x:x + patch]
    if rng.random() < 0.5:
        blurred, sharp = blurred[:, ::-1], sharp[:, ::-1]
    return blurred, sharp


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)


def sample(source: Source, seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pair number n of a run, uint8 (patch, patch, 3) twice: every photograph once per epoch, in a new order."""
    epoch, position = divmod(n, source.count)
    index = int(_order(seed, epoch, source.count)[position])
    return source.draw(index, np.random.default_rng([seed, 1, n]))


def batch(source: Source, seed: int, first: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs first … first + size - 1 as two float32 arrays (size, patch, patch, 3) in [-1, 1]."""
    pairs = [sample(source, seed, n) for n in range(first, first + size)]
    blurred, sharp = (photos.to_network(np.stack(images)) for images in zip(*pairs))
    return blurred, sharp


def batches(source: Source, seed: int, size: int, first_step: int, steps: int,
            shards: int = 1, mine: range = range(1)) -> tf.data.Dataset:
    """The batches of steps first_step … steps - 1, rendered in parallel and ahead of time.

    Parameters
    ----------
    size : patches per step, over all devices.
    shards, mine : how many devices share a step, and which of them this pipeline feeds. Each
        element is then one device's part, the devices in turn.

    Returns
    -------
    A dataset of pairs (blurred, sharp), each float32 (size // shards, patch, patch, 3) in [-1, 1].
    """
    part = size // shards
    shape = (part, source.patch, source.patch, 3)

    def render(k):
        step, device = divmod(int(k), len(mine))
        return batch(source, seed, step * size + mine[device] * part, part)

    def load(k):
        blurred, sharp = tf.numpy_function(render, [k], (tf.float32, tf.float32))
        return tf.ensure_shape(blurred, shape), tf.ensure_shape(sharp, shape)

    numbers = tf.data.Dataset.range(first_step * len(mine), steps * len(mine))
    return numbers.map(load, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def held_out(data: str, patch: int, count: int, level: int = 1, squash: bool = False,
             setting: str = "patch") -> tuple[np.ndarray, np.ndarray]:
    """The same `count` pairs every time, from photographs no training sees: uint8 (count, patch, patch, 3) twice.

    Built-in photographs come from the validation split; of GoPro, which has none, from its test split.
    """
    pairs = source(data, "validation", patch, level, squash, setting=setting)
    blurred, sharp = zip(*(sample(pairs, 0, n) for n in range(count)))
    return np.stack(blurred), np.stack(sharp)
