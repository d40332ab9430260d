"""Blind deconvolution: a small network reads the motion off a photograph's spectrum (lesson 09).

Richardson-Lucy needs the point spread function, which no camera tells. But motion writes it
into the spectrum: along its direction some frequencies are missing. The network is shown nothing
else, and learns in an hour to answer with one kernel for the whole photograph: a cautious one,
from which `camera_path` finds the camera's motion, starting at several sizes of the photograph.
Objects that moved on their own stay blurred.

    python -m course_lib.blind FOLDER       trains it again
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from course_lib import blur, camera_path, classical, datasets, photos, restoration
from course_lib.backend import keras, tf
from course_lib.camera_path import TILE
from course_lib.files import atomic

layers = keras.layers

STORED = restoration.PRETRAINED / "kernel"
REACH = 24          # the farthest that the light of a point can go from the centre of a kernel, in pixels
SIDE = 2 * REACH + 1
WINDOW = 384        # least side of the photographs it learns from, in pixels
UNMOVED = 0.12      # part of them that no motion blurred
ITERATIONS = 12     # of Richardson-Lucy: more follow the errors of the kernel
MIDDLE = 800        # side of the part of a photograph that decides between kernels, in pixels
GAMMA = 1.5         # between the two response curves of level 4, of which a photograph doesn't say which it has
SCALES = (1.0, 1.5, 2.0, 3.0)   # how many times smaller a photograph is made where the search for its motion starts
SMALLEST = 200      # least side of what it is made, in pixels
EXPLAINED = 0.08    # how much it counts between kernels how well they explain the spectrum: a power of the surprise
LEAST = 3.5         # pixels; a shorter motion is left alone: off sharp photographs the network reads up to 2, off stripes more


# --- What the network sees --------------------------------------------------------------------

def log_spectrum(image: np.ndarray) -> np.ndarray:
    """The logarithm of a photograph's power spectrum, averaged over overlapping tiles
    (Welch, IEEE Trans. Audio Electroacoust. 15 (1967) 70, doi:10.1109/TAU.1967.1161901).

    A blur multiplies the spectrum, so it is added to the logarithm, everywhere the same, while
    what the photograph shows differs from tile to tile and averages out.

    Parameters
    ----------
    image : uint8 (H, W, 3), sides of at least 96 pixels.

    Returns
    -------
    float32 (96, 49, 2): rows are vertical frequencies, the middle one 0; columns horizontal ones from
    0. First the logarithm of the mean, then the mean of the logarithms.

    Raises
    ------
    PhotoError if the image is smaller, ValueError if it is not uint8 RGB.
    """
    photos.check_image(image)
    height, width = image.shape[:2]
    if min(height, width) < TILE:
        raise photos.PhotoError(f"the photograph is {width} x {height} pixels; its motion can only be read from "
                                f"{TILE} x {TILE} or more. The generators, such as level4, take smaller ones.")
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    hann = np.hanning(TILE + 2)[1:-1]
    powers = []
    for top in range(0, height - TILE + 1, TILE // 2):
        tiles = np.stack([grey[top:top + TILE, left:left + TILE] for left in range(0, width - TILE + 1, TILE // 2)])
        tiles = (tiles - tiles.mean((1, 2), keepdims=True)) * np.outer(hann, hann).astype(np.float32)
        powers.append(np.abs(np.fft.rfft2(tiles)) ** 2 + 1e-3)
    power = np.concatenate(powers)
    return np.fft.fftshift(np.stack([np.log(power.mean(0)), np.log(power).mean(0)], axis=-1), axes=0).astype(np.float32)


def cepstrum(spectrum: np.ndarray) -> np.ndarray:
    """The Fourier transform of log spectra: (..., 96, 49, 2) → float32 (..., 49, 49, 2), shift 0 in the middle.

    A uniform motion over L pixels leaves out every L-th frequency along its direction; a pattern
    that repeats so is a spike L pixels from the middle here (Rom, IEEE Trans. Inf. Theory 21, 1975).
    """
    folded = np.fft.irfft2(np.fft.ifftshift(spectrum.astype(np.float32), axes=-3), s=(TILE, TILE), axes=(-3, -2))
    middle = slice(TILE // 2 - REACH, TILE // 2 + REACH + 1)
    return 10 * np.fft.fftshift(folded, axes=(-3, -2))[..., middle, middle, :].astype(np.float32)


# --- The network ------------------------------------------------------------------------------

def estimator() -> keras.Model:
    """A network from a cepstrum to the kernel: where does the light of a point fall?

    A small U-Net, as spikes of the cepstrum lie where the kernel ends, with a dense layer at its
    bottom, as one glance at all of it is needed to tell motion from texture. The answer is a
    probability for every pixel, learned by cross-entropy: where the network doubts, it spreads
    the light. A power spectrum can't tell a kernel from the same turned by 180 degrees; either answer is right.

    Returns
    -------
    A model from float32 (N, 49, 49, 2) to float32 (N, 2401), each row a kernel of sum 1.
    """
    def conv(x, channels, size=3, stride=1):
        return layers.Conv2D(channels, size, stride, padding="same", activation="relu", kernel_initializer="he_normal")(x)

    def enlarged(x, beside):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)[:, :beside.shape[1], :beside.shape[2]]
        return layers.Concatenate()([x, beside])

    folded = keras.Input((SIDE, SIDE, 2), name="cepstrum")
    x = layers.BatchNormalization(center=False, scale=False)(layers.Flatten()(folded))      # every shift on its own
    fine = conv(layers.Reshape((SIDE, SIDE, 2))(x), 12, size=5)     # (N, 49, 49, 12)
    middle = conv(conv(fine, 24, stride=2), 24)                     # (N, 25, 25, 24)
    coarse = conv(conv(middle, 48, stride=2), 48)                   # (N, 13, 13, 48)
    x = layers.Dropout(0.1)(layers.Flatten()(conv(coarse, 24)))
    x = layers.Dense(256, activation="relu")(x)
    x = layers.Dense(13 * 13 * 16, activation="relu")(x)
    x = conv(layers.Concatenate()([coarse, layers.Reshape((13, 13, 16))(x)]), 48)
    x = conv(enlarged(x, middle), 24)
    x = conv(enlarged(x, fine), 12)
    x = layers.Flatten()(layers.Conv2D(1, 3, padding="same")(x))    # (N, 2401)
    return keras.Model(folded, layers.Softmax(name="kernel")(x), name="estimator")


def either_way(kernel: tf.Tensor, answer: tf.Tensor) -> tf.Tensor:
    """Cross-entropy in nats, (N,), of answers (N, 2401) with kernels or with these turned by 180 degrees, whichever is less.

    With the kernel alone, the best answer would be the mean of both, a motion that goes both ways.
    """
    logs = tf.math.log(answer + 1e-8)
    return -tf.maximum(tf.reduce_sum(kernel * logs, axis=1), tf.reduce_sum(kernel[:, ::-1] * logs, axis=1))


def load() -> keras.Model:
    """The course's estimator with its weights, data/pretrained/kernel."""
    model = estimator()
    restoration.load_weights(model, STORED / "estimator.npz")
    return model


# --- Deblurring -------------------------------------------------------------------------------

def estimate(spectrum: np.ndarray, model: keras.Model) -> np.ndarray:
    """The kernel of a photograph of this `log_spectrum`, or the same turned by 180 degrees: the mean of the model's answers to eight turned copies.

    Returns float32 (49, 49), sum 1.
    """
    folded = cepstrum(spectrum)
    answers = model(np.stack([turned(folded, way) for way in range(8)]), training=False).numpy().reshape(8, SIDE, SIDE)
    answers = [turned(answer, way, back=True) for way, answer in enumerate(answers)]
    kernel = answers[0]
    for _ in range(2):          # each answer may be turned by 180 degrees: set right by what the others say, and once more by their mean
        kernel = np.mean([max(answer, answer[::-1, ::-1], key=lambda side: (side * kernel).sum()) for answer in answers], axis=0)
    kernel = np.where(kernel < 0.02 * kernel.max(), 0, kernel)      # what is hardly likely would cost sharpness all the same
    return (kernel / kernel.sum()).astype(np.float32)


def turned(array: np.ndarray, way: int, back: bool = False) -> np.ndarray:
    """One of the eight ways to mirror and transpose the first two axes, or that way undone."""
    steps = [lambda a: a[::-1] if way & 1 else a, lambda a: a[:, ::-1] if way & 2 else a,
             lambda a: np.swapaxes(a, 0, 1) if way & 4 else a]
    for step in reversed(steps) if back else steps:
        array = step(array)
    return array


def length(kernel: np.ndarray) -> float:
    """How long a straight, steady motion would be that spreads light as far as a kernel does, in pixels."""
    y, x = np.indices(kernel.shape) - np.array(kernel.shape)[:, None, None] // 2
    variance = np.cov(np.stack([x, y]).reshape(2, -1), aweights=kernel.ravel(), bias=True)
    return float(np.sqrt(12 * max(np.linalg.eigvalsh(variance)[1], 0)))


def sparsity(image: np.ndarray, shrink: int = 2) -> float:
    """Mean over root mean square of the gradient of a uint8 RGB image, made `shrink` times smaller: the smaller, the more of it is in few places.

    A sharp photograph has few edges, all of them thin. Undoing the wrong motion doubles them (Krishnan
    et al., CVPR 2011, 233, doi:10.1109/CVPR.2011.5995521). At half the size, noise and the finest ripples hardly count.
    """
    small = cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steps = np.hypot(np.diff(grey, axis=0)[:, 1:], np.diff(grey, axis=1)[1:])
    return float(steps.mean() / max(np.sqrt((steps ** 2).mean()), 1e-6))


def find_kernel(image: np.ndarray, model: keras.Model, least: float = LEAST, scales: tuple[float, ...] = SCALES,
                shrink: int = 2, say: Callable[[str], None] = lambda text: None, **search) -> np.ndarray | None:
    """The kernel of the motion found for a photograph: of several, what explains its spectrum and leaves it sparse.

    The model reads a first kernel off the spectrum; `camera_path.find` starts there to find the motion. It sometimes gets stuck, and
    a long motion does not fit the model's kernel; so it also starts with the photograph made smaller, from coarse to fine. Each kernel
    found is tried as it is and turned by 180 degrees, which the spectrum doesn't tell apart.

    Parameters
    ----------
    image : uint8 RGB (H, W, 3), sides of at least 96 pixels.
    model : `load()`.
    least : pixels; what the network reads as a shorter motion counts as none.
    scales : how many times smaller the photograph is made where the search starts, the first 1.
    shrink : of `sparsity`.
    say : told, in words, what is being done.
    search : how long to search, the last arguments of `camera_path.find`.

    Returns
    -------
    float32 (K, K), K odd, sum 1. None if no motion is found.

    Raises
    ------
    The errors of `log_spectrum`, `camera_path.load_scenes` and `classical.richardson_lucy`.
    """
    found, photograph = [], None
    for number, scale in enumerate(scales, 1):
        say(f"looking for the motion, search {number} of up to {len(scales)}")
        small = cv2.resize(image, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA) if scale > 1 else image
        if scale > 1 and min(small.shape[:2]) < SMALLEST:
            break
        spectrum = log_spectrum(small)
        seen = camera_path.Seen(spectrum[..., 1], estimate(spectrum, model), small.shape)
        if length(seen.answer) < least or (image == image[0, 0]).all():         # of one colour, it shows no motion
            break
        photograph = photograph or seen
        camera, surprise = camera_path.find(photograph, camera_path.load_scenes(STORED / "scenes.npz"), smaller=seen, **search)
        kernel = mean_kernel(camera, image.shape)
        found += [(surprise, kernel), (surprise, kernel[::-1, ::-1])]
    top, left = (max(side - MIDDLE, 0) // 2 for side in image.shape[:2])
    middle = image[top:top + MIDDLE, left:left + MIDDLE]

    def score(candidate):
        surprise, kernel = candidate
        return surprise ** EXPLAINED * sparsity(classical.richardson_lucy(middle, kernel, ITERATIONS, GAMMA), shrink)

    return min(found, key=score)[1] if found else None


# --- What it learns from ------------------------------------------------------------------------

def exposure(image: np.ndarray, seed: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Blur a photograph at level 4: blurred, sharp, the mean kernel and the response curve's gamma."""
    blurred, sharp = blur.blur_photo(image, 4, np.random.default_rng(seed))
    rng = np.random.default_rng(seed)       # the same draws again, in the order of blur_photo
    camera = blur.draw_motion(4, rng)[0]
    return blurred, sharp, mean_kernel(camera, image.shape), float(rng.choice([1.0, blur.GAMMA]))


def mean_kernel(camera: np.ndarray, shape: tuple[int, ...], points: int = 7) -> np.ndarray:
    """The point spread function of a camera's motion, averaged over a photograph.

    `camera` is (S, 4) as `blur.camera_motion` returns. Where the light of a point of the scene goes depends on the point
    when the camera rolls and zooms: a grid of `points` x `points` is followed. Returns float32 (K, K), K odd, sum 1.
    """
    height, width = shape[:2]
    x, y = np.meshgrid(*((np.arange(points) + 0.5) / points * side - side / 2 for side in (width, height)))
    shift_x, shift_y, roll, zoom = camera.T[:, :, None, None]
    cos, sin = ((1 + zoom) * wave(np.radians(roll)) for wave in (np.cos, np.sin))
    moved = np.stack([cos * x + sin * y + shift_x - x, cos * y - sin * x + shift_y - y], axis=-1).reshape(-1, 2)
    return blur.spread(moved)


def window(images: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A window of a random photograph at a random scale: uint8 (H, W, 3), H from 384 to 576 and W from 384 to 768."""
    image = images[rng.integers(len(images))]
    shape = rng.integers(WINDOW, (3 * WINDOW // 2 + 1, 2 * WINDOW + 1))
    image = turned(image, sum(way * (rng.random() < 0.5) for way in (2, 1, 4)))
    most = (image.shape[:2] / shape).min()
    scale = np.exp(rng.uniform(np.log(min(1, most)), np.log(min(most, 4))))
    height, width = (scale * shape).astype(int)
    top, left = rng.integers(image.shape[0] - height + 1), rng.integers(image.shape[1] - width + 1)
    return cv2.resize(image[top:top + height, left:left + width], shape[::-1].tolist(),
                      interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC)


def sample(images: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A `window`, blurred at level 4, and its kernel, float32 (49, 49) of sum 1. Motions too long for the kernel are drawn again."""
    sharp = window(images, rng)
    kernel = np.zeros((SIDE, SIDE), np.float32)
    if rng.random() < UNMOVED:
        kernel[REACH, REACH] = 1
        return sharp if rng.random() < 0.5 else blur.enlarge(sharp, rng.uniform(1.2, 3)), kernel
    while True:
        blurred, _, mean, _ = exposure(sharp, [int(rng.integers(2**40))])
        radius = len(mean) // 2
        inner = min(radius, REACH)
        kernel[:] = 0
        kernel[REACH - inner:REACH + inner + 1, REACH - inner:REACH + inner + 1] = mean[
            radius - inner:radius + inner + 1, radius - inner:radius + inner + 1]
        if kernel.sum() > 0.98:
            return blurred, kernel / kernel.sum()


def samples(split: str, seed: int, count: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Cepstra and kernels of samples 0 ... count - 1, float32 (N, 49, 49, 2) and (N, 49, 49).

    They take 0.13 s each, so log spectra and kernels are kept in `folder`, in half precision, a thousand to a file.
    """
    images = datasets.photographs(split)
    found = []
    for first in range(0, count, 1000):
        last = min(first + 1000, count)
        path = folder / f"{split}_{seed}_{first}_{last}.npz"
        if not path.exists():
            pairs = [sample(images, np.random.default_rng([seed, n])) for n in range(first, last)]
            with atomic(path) as part:
                np.savez(part, spectra=np.stack([log_spectrum(blurred) for blurred, _ in pairs]).astype(np.float16),
                         kernels=np.stack([kernel for _, kernel in pairs]).astype(np.float16))
            print(f"{split}: {last} of {count} windows", flush=True)
        with np.load(path) as file:
            found.append((cepstrum(file["spectra"]), file["kernels"].astype(np.float32)))
    cepstra, kernels = zip(*found)
    return np.concatenate(cepstra), np.concatenate(kernels)


def learn_scenes(count: int, seed: int, axes: int) -> camera_path.Scenes:
    """What spectra sharp windows of the training photographs have; 6,000 take two minutes."""
    images = datasets.photographs("train")
    return camera_path.learn_scenes(np.stack([log_spectrum(window(images, np.random.default_rng([seed, n])))[..., 1].ravel()
                                              for n in range(count)]), axes)


def train(folder: Path, count: int = 24000, held_out: int = 600, epochs: int = 12, batch: int = 64, seed: int = 1) -> keras.Model:
    """Train an estimator; its weights, history.csv and scenes.npz lie in `folder` afterwards, its samples in folder/windows."""
    keras.utils.set_random_seed(seed)
    windows = folder / "windows"
    cepstra, kernels = samples("train", seed, count, windows)
    validation = samples("validation", seed + 2, held_out, windows)

    def augmented(cepstrum, kernel):
        way = tf.random.uniform((3,)) < 0.5
        for index in (0, 1):
            cepstrum = tf.where(way[index], tf.reverse(cepstrum, [index]), cepstrum)
            kernel = tf.where(way[index], tf.reverse(kernel, [index]), kernel)
        cepstrum = tf.where(way[2], tf.transpose(cepstrum, (1, 0, 2)), cepstrum)
        return cepstrum, tf.reshape(tf.where(way[2], tf.transpose(kernel), kernel), [-1])

    data = tf.data.Dataset.from_tensor_slices((cepstra, kernels)).shuffle(count, seed)
    data = data.map(augmented).batch(batch, drop_remainder=True).prefetch(2)
    model = estimator()
    rate = keras.optimizers.schedules.CosineDecay(0.0, epochs * len(data), alpha=0.02, warmup_target=8e-4, warmup_steps=200)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3, clipnorm=1.0), either_way)
    model.fit(data, epochs=epochs, validation_data=(validation[0], validation[1].reshape(held_out, -1)), shuffle=False,
              verbose=2, callbacks=[keras.callbacks.CSVLogger(folder / "history.csv")])
    restoration.save_weights(model, folder / "estimator.npz")
    camera_path.save_scenes(learn_scenes(count // 4, seed + 6, axes=min(200, count // 8)), folder / "scenes.npz")
    return model


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m course_lib.blind FOLDER: trains the network again; weights, history, scenes and samples lie in FOLDER.")
    train(Path(sys.argv[1]))
