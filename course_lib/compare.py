"""What to look at when two pictures of one scene are compared: detail, residual, spectrum (lesson 08).

Pictures are uint8 (H, W, 3). No TensorFlow here: stored runs are compared in an instant.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from course_lib.figures import COLOURS
from course_lib.runs import Run

SHOWN = 60      # grey levels at which a residual reaches full colour


def residual(sharp: np.ndarray, image: np.ndarray) -> np.ndarray:
    """image − sharp, with its sign: float (H, W, 3) in [-255, 255].

    Raises
    ------
    ValueError if the shapes differ.
    """
    if sharp.shape != image.shape:
        raise ValueError(f"The sharp picture has shape {sharp.shape} and the image {image.shape}; they must be equal.")
    return np.asarray(image, float) - np.asarray(sharp, float)      # uint8 would wrap around below 0


def signed_picture(values: np.ndarray) -> np.ndarray:
    """Signed numbers as colours: blue below 0, white at 0, orange above; uint8 (H, W, 3).

    Parameters
    ----------
    values : (H, W), or (H, W, 3), of which the mean over the channels is shown. From ±SHOWN on, the colour is full.

    Blue and orange are told apart without colour vision, and both darken away from white.
    """
    values = np.asarray(values, float)
    values = values.mean(axis=2) if values.ndim == 3 else values
    strength = np.clip(np.abs(values) / SHOWN, 0, 1)[..., None]              # (H, W, 1)
    below, above = (np.array(to_rgb(COLOURS[name])) for name in ("blue", "vermilion"))
    colour = np.where(values[..., None] < 0, below, above)
    return np.rint(255 * (1 - strength * (1 - colour))).astype(np.uint8)


def power(image: np.ndarray) -> np.ndarray:
    """The power of every frequency of a picture: float (H, W), in the order of `np.fft.fft2`.

    The picture becomes grey (mean of the channels); its mean is taken off, and it fades out
    towards its borders (a Hann window): the transform takes a picture for one tile of an endless
    wall, and the jump from tile to tile would add a bright cross that is not in the picture.
    """
    grey = np.asarray(image, float)
    grey = grey.mean(axis=2) if grey.ndim == 3 else grey
    height, width = grey.shape
    window = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1])
    faded = window * (grey - np.average(grey, weights=window))
    return np.abs(np.fft.fft2(faded)) ** 2 / np.sum(window ** 2)


def spectrum_picture(image: np.ndarray) -> np.ndarray:
    """log₁₀ of the power, frequency 0 in the middle, black at 0 and white at 5: uint8 (H, W)."""
    level = np.log10(np.fft.fftshift(power(image)) + 1e-12)
    return np.rint(255 * np.clip(level / 5, 0, 1)).astype(np.uint8)


def radial_mean(values: np.ndarray) -> np.ndarray:
    """The mean over rings around frequency 0, of an N × N array in the order of `np.fft.fft2`: (N // 2 + 1,).

    Ring k holds the frequencies whose distance from 0, in cycles per picture, rounds to k.
    The corners, beyond N / 2, belong to no ring.

    Raises
    ------
    ValueError if the array is not square.
    """
    values = np.asarray(values, float)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise ValueError(f"The values have shape {values.shape}; give a square, N × N.")
    cycles = np.fft.fftfreq(len(values), 1 / len(values))                   # 0, 1, …, -2, -1
    ring = np.rint(np.hypot(cycles[:, None], cycles)).astype(int)           # (N, N)
    count, total = np.bincount(ring.ravel()), np.bincount(ring.ravel(), values.ravel())
    return (total / count)[:len(values) // 2 + 1]


def radial_power(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in cycles per pixel, 0 to 0.5, and the mean power of each ring; for a square picture."""
    rings = radial_mean(power(image))
    return np.arange(len(rings)) / len(image), rings


# --- Figures --------------------------------------------------------------------------------

def curves(history: list[dict[str, float]], epoch: int) -> Figure:
    """A run's losses and the PSNR it gained, with a cursor at an epoch."""
    adversarial = [name for name in ("critic", "adversarial") if name in history[-1]]
    figure, axes = plt.subplots(1, 2 + bool(adversarial), figsize=(8.6, 2.5))
    _lines(axes[0], history, ["content"], "content loss, in training")
    if adversarial:
        _lines(axes[1], history, adversarial, "adversarial losses")
    _gain(axes[-1], {"": history}, epoch)
    for axis in axes[:-1]:
        _cursor(axis, epoch)
    return figure


def panel(runs: dict[str, Run], epoch: int, photo: int, square: tuple[int, int, int]) -> Figure:
    """Everything about one epoch of one or several runs: a row for each, and the PSNR of all below.

    Parameters
    ----------
    runs : {title: run}, with the same held-out photographs.
    epoch : which; every run must have it.
    photo : number of the held-out photograph.
    square : top, left and side of the detail, in pixels.

    A row holds the picture, the detail, the residual, the spectrum, and the power over frequency
    beside that of the sharp photograph.
    """
    figure = plt.figure(figsize=(8.4, 1.8 * len(runs) + 1.8))
    grid = figure.add_gridspec(len(runs) + 1, 5, width_ratios=[1, 1, 1, 1, 1.35], height_ratios=[1] * len(runs) + [0.9])
    for row, (title, run) in enumerate(runs.items()):
        sharp, image = run.picture("sharp", photo), run.picture(epoch, photo)
        top, left, side = square
        views = {"picture": image, "detail": image[top:top + side, left:left + side],
                 "residual": signed_picture(residual(sharp, image)), "spectrum": spectrum_picture(image)}
        for column, (name, view) in enumerate(views.items()):
            axis = figure.add_subplot(grid[row, column])
            axis.imshow(view, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if row == 0:
                axis.set_title(name)
            if column == 0 and title:
                axis.set_ylabel(title)
        axis = figure.add_subplot(grid[row, 4])
        radial_lines(axis, {"sharp": sharp, "this epoch": image})
        axis.set_ylim(1, 1e5)       # the same in every row and at every epoch
        if row == 0:
            axis.set_title("power")
        else:
            axis.get_legend().remove()
        if row < len(runs) - 1:
            axis.set(xlabel="", xticklabels=[])
    _gain(figure.add_subplot(grid[-1, :]), {title: run.history for title, run in runs.items()}, epoch)
    return figure


def radial_lines(axis, pictures: dict[str, np.ndarray]) -> None:
    """The power of each ring of frequencies, from 1 cycle per picture on, of square pictures."""
    styles = {"sharp": {"color": "0.45", "linestyle": "--"}}
    for name, picture in pictures.items():
        frequency, rings = radial_power(picture)
        axis.semilogy(frequency[1:], rings[1:], label=name, **styles.get(name, {}))
    axis.set(xlabel="cycles per pixel", xlim=(0, 0.5))
    axis.legend(handlelength=1.2, loc="upper right", borderaxespad=0, fontsize=9)


def _lines(axis, history: list[dict[str, float]], names: list[str], title: str) -> None:
    for name in names:
        rows = [row for row in history if name in row]
        axis.plot([row["epoch"] for row in rows], [row[name] for row in rows], "o-", markersize=3, label=name)
    axis.set(title=title, xlabel="epoch", xlim=(-0.3, history[-1]["epoch"] + 0.3))
    if len(names) > 1:
        axis.legend()


def _gain(axis, histories: dict[str, list[dict[str, float]]], epoch: int) -> None:
    for title, history in histories.items():
        axis.plot([row["epoch"] for row in history], [row["psnr_gain"] for row in history], "o-", markersize=3, label=title)
    last = max(history[-1]["epoch"] for history in histories.values())
    axis.set(title="PSNR gained, held out (dB)", xlabel="epoch", xlim=(-0.3, last + 0.3))
    if len(histories) > 1:
        axis.legend()
    _cursor(axis, epoch)


def _cursor(axis, epoch: int) -> None:
    axis.axvline(epoch, color="0.3", linewidth=1.2, linestyle=":")
    axis.xaxis.get_major_locator().set_params(integer=True)
