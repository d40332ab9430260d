"""Pictures of blur: exposures beside each other, camera paths, kernels, waves and spectra. (Lesson 02.)

What is shown under a slider is uint8, pixel for pixel: a photograph that is scaled is blurred once more.
"""

from functools import lru_cache
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import uniform_filter

from course_lib.blur import to_light
from course_lib.figures import COLOURS, pixels

MARK = COLOURS["vermilion"]
TITLE, GAP = 24, 10         # pixels: height of the titles, space between pictures


@lru_cache(1)
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), 14)


def row(pictures: dict) -> np.ndarray:
    """Pictures side by side at their own pixels, each below its title: a frame for `widgets.explore`.

    Parameters
    ----------
    pictures : {title: picture}, of equal height; uint8 H×W or H×W×3, or matplotlib figures.

    Returns
    -------
    uint8 H×W×3 on white.

    Raises
    ------
    ValueError if the heights differ.
    """
    arrays = [pixels(picture) for picture in pictures.values()]
    heights = {array.shape[0] for array in arrays}
    if len(heights) != 1:
        raise ValueError(f"The pictures are {sorted(heights)} pixels high; a row needs one height.")
    width = sum(array.shape[1] for array in arrays) + GAP * (len(arrays) - 1)
    sheet = Image.new("RGB", (width, heights.pop() + TITLE), "white")
    draw, left = ImageDraw.Draw(sheet), 0
    for title, array in zip(pictures, arrays):
        sheet.paste(Image.fromarray(array), (left, TITLE))
        draw.text((left, 2), title, "black", _font())
        left += array.shape[1] + GAP
    return np.asarray(sheet)


def camera_path(path: np.ndarray, used: slice = slice(None), side: int = 200, reach: float | None = None) -> Figure:
    """Where a camera was during an exposure: all its positions as a line, those that are `used` as dots.

    Parameters
    ----------
    path : (N, 2) positions (x, y) in pixels, y down; the cross marks (0, 0), the middle of the exposure.
    side : width and height of the figure in pixels.
    reach : the axes go from -reach to reach; as far as the path needs by default.
    """
    figure, axis = plt.subplots(figsize=(side / 100, side / 100))
    axis.plot(*path.T, color="0.75")
    axis.plot(*path[used].T, "o-", color=COLOURS["blue"], markersize=5 if len(path) < 30 else 2)
    axis.plot(0, 0, "+", color=MARK, markersize=12, markeredgewidth=2)
    reach = 1.15 * np.abs(path).max() if reach is None else reach
    axis.set(xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal", xticks=[], yticks=[])
    axis.spines[["top", "right"]].set_visible(True)
    return figure


def enlarged(psf: np.ndarray, side: int, reach: int | None = None) -> np.ndarray:
    """A kernel as a grey picture of side×side pixels, its largest weight white.

    `reach` is how many pixels to each side of the centre are shown; the whole kernel by default.
    """
    reach = len(psf) // 2 if reach is None else reach
    wide = np.zeros((2 * reach + 1, 2 * reach + 1))
    r = min(reach, len(psf) // 2)
    wide[reach - r:reach + r + 1, reach - r:reach + r + 1] = psf[len(psf) // 2 - r:, len(psf) // 2 - r:][:2 * r + 1, :2 * r + 1]
    grey = Image.fromarray(np.rint(255 * (wide / wide.max()) ** (1 / 2.2)).astype(np.uint8))
    return np.asarray(grey.resize((side, side), Image.Resampling.NEAREST))


def copies(scene: np.ndarray, kernel: np.ndarray) -> Figure:
    """A row of lights beside the row it is blurred to: every light's share in its own colour and hatching.

    Parameters
    ----------
    scene : 1-D, mostly zeros, with at most six lights far enough from the ends for the kernel.
    kernel : 1-D, an odd number of weights.
    """
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.7), width_ratios=(4, 2.2, 4))
    below, half = np.zeros(len(scene)), len(kernel) // 2
    for place, colour, hatch in zip(np.flatnonzero(scene), COLOURS.values(), ("", "///", "...", "xxx", "---", "ooo")):
        look = {"color": colour, "hatch": hatch, "edgecolor": "white"}      # stacked shares are told apart without colour, too
        axes[0].bar(place, scene[place], **look)
        share = np.zeros(len(scene))
        share[place - half:place + half + 1] = scene[place] * kernel
        axes[2].bar(np.arange(len(scene)), share, bottom=below, **look)
        below += share
    axes[1].bar(np.arange(-half, half + 1), kernel, color="0.4")
    axes[1].set_xticks(range(-half, half + 1))
    labels = {"lights in the scene, s": "place x", "kernel, k": "shift u", "blurred row, b": "place x"}
    for axis, (title, label) in zip(axes, labels.items()):
        axis.set(title=title, xlabel=label)
        axis.grid(False, axis="x")
    for axis in (axes[0], axes[2]):
        axis.set(xlim=(-0.6, len(scene) - 0.4), ylim=(0, 1.05 * scene.max()), xticks=range(0, len(scene), 2))
    return figure


def left_of_wave(period: float, length: int) -> float:
    """The factor by which a box blur of `length` pixels, odd, multiplies a wave of this period."""
    place = np.arange(length) - length // 2
    return float(np.mean(np.cos(2 * np.pi * place / period)))


def wave(period: float, length: int) -> Figure:
    """A wave before and after a straight blur of `length` pixels, and the factor for waves of every frequency."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.5), width_ratios=(1.25, 1))
    x, factor = np.arange(0, 66, 0.25), left_of_wave(period, length)
    left.plot(x, 0.5 + 0.5 * np.cos(2 * np.pi * x / period), color=COLOURS["sky"], label="sharp")
    left.plot(x, 0.5 + 0.5 * factor * np.cos(2 * np.pi * x / period), color=MARK, label="blurred")
    left.set(title=f"a wave that repeats every {period:g} pixels", xlabel="pixel", ylabel="brightness", ylim=(-0.05, 1.35), yticks=[0, 0.5, 1])
    left.legend(loc="upper right", ncols=2)
    frequency = np.linspace(1e-6, 0.5, 501)
    right.plot(frequency, [left_of_wave(1 / f, length) for f in frequency], color="0.4")
    right.axhline(0, color="0.4", linewidth=1, linestyle="--")
    right.plot(1 / period, factor, "o", color=MARK, markersize=9)
    right.set(title=f"factor of this wave: {round(factor, 2) + 0.0:.2f}".replace("-", "−"), xlabel="waves per pixel = 1 / period", ylim=(-0.35, 1.05))
    return figure


def spectrum(values: np.ndarray, decades: float = 3.5) -> np.ndarray:
    """How strong every wave is in a picture or kernel: |FFT|, logarithmic, slow waves in the middle.

    Parameters
    ----------
    values : float H×W, which continues at its far side.
    decades : black is 10^-decades of white, white the strength that one wave in a hundred exceeds.

    Returns
    -------
    uint8 H×W.
    """
    strength = np.abs(np.fft.fftshift(np.fft.fft2(values)))
    level = np.log10(np.maximum(strength / np.percentile(strength, 99), 10.0**-decades))
    return np.rint(255 * np.minimum(1 + level / decades, 1)).astype(np.uint8)


def what_is_left(sharp: np.ndarray, blurred: np.ndarray) -> np.ndarray:
    """How much of every wave of a photograph is left after blur, logarithmic; slow waves in the middle.

    The photographs, uint8 H×W×3, are turned to grey light and fade out to their borders, whose
    step would add waves of its own. Strengths are averaged over 9 × 9 neighbouring waves.
    Returns uint8 H×W: 255 is all of it, 0 a thirtieth or less.
    """
    fade = np.outer(*(np.hanning(side) for side in sharp.shape[:2]))
    powers = []
    for image in (sharp, blurred):
        light = to_light(image).mean(axis=2)
        waves = np.fft.fftshift(np.fft.fft2(fade * (light - light.mean())))
        powers.append(uniform_filter(np.abs(waves) ** 2, 9, mode="wrap"))
    share = np.sqrt(powers[1] / powers[0])
    return np.rint(255 * np.clip(1 + np.log(share) / np.log(30), 0, 1)).astype(np.uint8)


def gains(values: dict[int, np.ndarray], names: tuple[str, str]) -> Figure:
    """PSNR gained on every photograph as a dot, per level, beside each other for two methods.

    `values` is {level: (N, 2)}, in dB.
    """
    figure, axis = plt.subplots(figsize=(7.4, 3.6))
    for column, (name, colour) in enumerate(zip(names, (COLOURS["blue"], MARK))):
        for level, several in values.items():
            place = level + 0.36 * (column - 0.5) + np.linspace(-0.1, 0.1, len(several))
            axis.plot(place, several[:, column], "os"[column], color=colour, markersize=5, alpha=0.8,
                      label=name if level == min(values) else None)
    axis.axhline(0, color="black", linewidth=1)
    axis.set(xticks=list(values), xticklabels=[f"level {level}" for level in values], ylabel="PSNR gained (dB)")
    axis.grid(False, axis="x")
    axis.legend(loc="lower left")
    return figure
