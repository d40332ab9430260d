"""What deconvolution leaves, a network removes (lesson 09).

Richardson-Lucy with a kernel that is a little wrong leaves ripples and ghost contours, amplifies noise, and sharpens what moved
on its own by the camera's motion. To tell such marks from a scene, a look at a small part of it is enough: a small network
learns it in three quarters of an hour. Schuler et al. (CVPR 2013, 1067, doi:10.1109/CVPR.2013.142) follow other deconvolutions so.

    python -m course_lib.refine FOLDER       trains it again
"""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from course_lib import blind, classical, datasets, evaluation, losses, photos, restoration, training
from course_lib.backend import keras, tf
from course_lib.files import atomic

layers = keras.layers

STORED = restoration.PRETRAINED / "refine"
ITERATIONS = (blind.ITERATIONS, 30)     # of Richardson-Lucy: what stops early, and what goes on as if the kernel were right
HELD_OUT = 5        # every fifth of the training photographs tells how well the network does
# from motions of 5 pixels on, one search of a second, judged at full size
LEARNED = {"least": 5.0, "scales": (1.0,), "shrink": 1, "draws": 2048, "rounds": ((48, 1, 30), (24, 1, 30))}
PROCESSES = 2       # that make what it learns from


# --- The network ------------------------------------------------------------------------------

def refiner(width: int = 16, blocks: int = 4, dtype: str | None = None) -> keras.Model:
    """A U-Net of residual blocks (Ronneberger et al., arXiv:1505.04597; He et al., arXiv:1512.03385).

    It is shown what `shown` returns, the photograph deconvolved with few iterations and with many, and blurred, and adds what
    is missing to the first. Nothing is normalised. New, it returns the first.

    Parameters
    ----------
    width : channels at full resolution; each half resolution has twice as many.
    blocks : residual blocks of the coarsest resolution, an eighth; each other one has one on the way down and one up.
    dtype : a Keras dtype policy such as "mixed_bfloat16"; the output is float32 always.

    Returns
    -------
    A model from float32 (N, H, W, 9) to (N, H, W, 3), both in [-1, 1]. H and W are multiples of 8.
    """
    def conv(x, channels, size=3, stride=1, start="he_normal", activation=None):
        return layers.Conv2D(channels, size, stride, padding="same", kernel_initializer=start, activation=activation, dtype=dtype)(x)

    def block(x):
        channels = x.shape[-1]
        return layers.Add(dtype=dtype)([x, conv(conv(x, channels, activation="relu"), channels, start="zeros")])

    three = keras.Input((None, None, 9), name="deconvolved_twice_and_blurred")
    x = conv(three, width)                                          # (N, 128, 128, 16)
    kept = []
    for _ in range(3):
        kept.append(block(x))
        x = conv(kept[-1], 2 * x.shape[-1], size=2, stride=2)       # (N, 64, 64, 32), 32, 16
    for _ in range(blocks):
        x = block(x)                                                # (N, 16, 16, 128)
    for skip in reversed(kept):
        x = keras.ops.depth_to_space(conv(x, 4 * skip.shape[-1], size=1), 2)     # four channels become 2 x 2 pixels
        x = block(layers.Add(dtype=dtype)([x, skip]))
    x = layers.Conv2D(3, 3, padding="same", kernel_initializer="zeros", dtype="float32")(x)
    x = keras.ops.clip(layers.Add(dtype="float32")([three[..., :3], x]), -1.0, 1.0)
    return keras.Model(three, x, name="refiner")


def load() -> keras.Model:
    """The course's refiner with its weights, data/pretrained/refine."""
    model = refiner()
    restoration.load_weights(model, STORED / "refiner.npz")
    return model


# --- Deblurring -------------------------------------------------------------------------------

def shown(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """What the network is shown: Richardson-Lucy's results after few iterations and after many, and the blurred photograph.

    Where the kernel is right, many iterations bring back what few leave blurred; where it is wrong, they make the marks worse.
    uint8 (H, W, 3) and a kernel of `blind.find_kernel` → uint8 (H, W, 9).
    """
    return np.concatenate([*classical.richardson_lucy_at(image, kernel, ITERATIONS, blind.GAMMA), image], axis=2)


def deblur(image: np.ndarray, estimator: keras.Model, model: keras.Model, say: Callable[[str], None] = lambda text: None) -> np.ndarray:
    """Find the motion, undo it by Richardson-Lucy, and remove the marks that this left.

    Parameters
    ----------
    image : uint8 RGB (H, W, 3), sides of at least 96 pixels. Returned as it is if no motion is found.
    estimator, model : `blind.load()` and `load()`.
    say : told, in words, what is being done.

    Returns
    -------
    uint8 RGB (H, W, 3). 24 megapixels need 2.4 GiB of memory.

    Raises
    ------
    The errors of `blind.find_kernel`.
    """
    kernel = blind.find_kernel(image, estimator, say=say)
    if kernel is None:
        return image.copy()
    say("undoing the motion")
    three = shown(image, kernel)
    return restoration.tiled(three, model, progress=lambda done, total: say(f"removing the marks, {100 * done // total} %"))


# --- What it learns from ------------------------------------------------------------------------

def split() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Those it learns from, and the held-out ones: every fifth of the training photographs and the validation photographs."""
    images = datasets.photographs("train")
    held_out = images[HELD_OUT // 2::HELD_OUT]
    del images[HELD_OUT // 2::HELD_OUT]
    return images, held_out + datasets.photographs("validation")


def sample(images: list[np.ndarray], rng: np.random.Generator, estimator: keras.Model) -> np.ndarray | None:
    """A window, blurred at level 4, as it is `shown`, and sharp: uint8 (H, W, 12); None if no motion is found in it."""
    blurred, sharp, *_ = blind.exposure(blind.window(images, rng), [int(rng.integers(2**40))])
    kernel = blind.find_kernel(blurred, estimator, **LEARNED)
    return None if kernel is None else np.concatenate([shown(blurred, kernel), sharp], axis=2)


def make_windows(folder: Path, held_out: bool, process: int, count: int) -> None:
    """Write samples 1 ... count of a process as PNG files, each four images on top of each other, into `folder`.

    They take about four seconds each; those that are there already are kept.
    """
    images, estimator = split()[held_out], blind.load()
    for n in range(1, count + 1):
        path = folder / f"{process}_{n:04d}.png"
        if not path.exists():
            found = sample(images, np.random.default_rng([5 + held_out, process, n]), estimator)
            if found is not None:
                with atomic(path) as part:
                    Image.fromarray(np.concatenate(np.split(found, 4, axis=2))).save(part, compress_level=1)


def windows(folder: Path, held_out: bool, count: int) -> list[np.ndarray]:
    """All samples, made where they are missing: uint8 (H, W, 12), as `sample` returns."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        list(pool.map(make_windows, *zip(*[(folder, held_out, process, count // PROCESSES) for process in range(PROCESSES)])))
    return [np.concatenate(np.split(photos.read(path), 4), axis=2) for path in sorted(folder.glob("*.png"))]


def batches(found: list[np.ndarray], size: int, patch: int, seed: int):
    """Random patches, turned and mirrored at random, without end: inputs (N, P, P, 9) and targets (N, P, P, 3) in [-1, 1]."""
    rng = np.random.default_rng(seed)
    while True:
        patches = []
        for _ in range(size):
            window = found[rng.integers(len(found))]
            top, left = (rng.integers(side - patch + 1) for side in window.shape[:2])
            patches.append(blind.turned(window[top:top + patch, left:left + patch], int(rng.integers(8))))
        batch = photos.to_network(np.stack(patches))
        yield batch[..., :9], batch[..., 9:]


class _Gain(keras.callbacks.Callback):
    """Adds to the record of an epoch how much the held-out samples gain over deconvolution alone, in decibels."""

    def __init__(self, judged: keras.Model, found: list[np.ndarray]):
        super().__init__()
        self.judged, self.found = judged, found

    def on_epoch_end(self, epoch, logs):
        logs["val_psnr_gain"] = np.mean([gain(window, self.judged) for window in self.found])


def gain(window: np.ndarray, model: keras.Model) -> float:
    """What refining adds to deconvolution, in decibels, for a sample of `windows`."""
    deconvolved, sharp = window[..., :3], window[..., 9:]
    return evaluation.psnr(sharp, restoration.tiled(window[..., :9], model)) - evaluation.psnr(sharp, deconvolved)


def train(folder: Path, count: int = 1500, held_out: int = 60, epochs: int = 20, steps: int = 800, batch: int = 8, patch: int = 128,
          seed: int = 1) -> keras.Model:
    """Train a refiner; its weights and history.csv lie in `folder` afterwards, its samples in folder/train and folder/held_out."""
    keras.utils.set_random_seed(seed)
    learnt, found = windows(folder / "train", False, count), windows(folder / "held_out", True, held_out)
    model = refiner(dtype=training.precision("auto")[0])
    total = epochs * steps
    rate = keras.optimizers.schedules.CosineDecay(0.0, total, alpha=0.01, warmup_target=1e-3, warmup_steps=min(100, total - 1))
    judged = keras.Model(model.input, model.output)     # the same weights; what is compiled can't be cloned
    model.compile(keras.optimizers.Adam(rate, beta_2=0.99, clipnorm=1.0), losses.minus_psnr,
                  jit_compile=False)                    # on a processor XLA convolves slowly
    data = tf.data.Dataset.from_generator(lambda: batches(learnt, batch, patch, seed), output_signature=tuple(
        tf.TensorSpec((batch, patch, patch, channels), tf.float32) for channels in (9, 3))).prefetch(2)
    model.fit(data, epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=2,
              callbacks=[_Gain(judged, found), keras.callbacks.CSVLogger(folder / "history.csv")])
    restoration.save_weights(model, folder / "refiner.npz")
    return model


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m course_lib.refine FOLDER: trains the network again; weights, history and samples lie in FOLDER.")
    train(Path(sys.argv[1]))
