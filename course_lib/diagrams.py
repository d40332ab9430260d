"""Schematic drawings of what a convolution does and what its parameters are. (Lesson 03.)

Every function returns a matplotlib figure; `figures.show` and `widgets.explore` display it
with its text.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib import parameters
from course_lib.figures import COLOURS
from course_lib.report import Table

MARK = COLOURS["vermilion"]
CHANNELS = [COLOURS["vermilion"], COLOURS["green"], COLOURS["blue"]]   # red, green and blue of a photograph


def convolution_step(image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> Figure:
    """A kernel at one position of an image without padding, and the output up to that position.

    Parameters
    ----------
    image, kernel : 2-D arrays of whole numbers, the kernel square.
    row, column : the output pixel, counted from 0.
    """
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)     # (rows, columns, K, K)
    output = (windows * kernel).sum(axis=(2, 3))
    done = np.arange(output.size).reshape(output.shape) <= row * output.shape[1] + column
    figure, axes = plt.subplots(1, 3, figsize=(7.6, 3.6), width_ratios=(5, 3, 3))
    _number_grid(axes[0], image, "image", plt.get_cmap("gray")(image / max(image.max(), 1) * 0.6 + 0.4))
    _number_grid(axes[1], kernel, "kernel")
    _number_grid(axes[2], np.where(done, output, np.nan), "output")
    _frame(axes[0], row, column, len(kernel))
    _frame(axes[2], row, column, 1)
    terms = [f"{'+' if w >= 0 else '−'} {abs(w)}·{p}" for w, p in zip(kernel.ravel(), windows[row, column].ravel())]
    lines = ["  ".join(terms[i:i + len(kernel)]) for i in range(0, len(terms), len(kernel))]
    lines[-1] += f"  =  {_signed(output[row, column])}"
    width = max(map(len, lines))
    figure.supxlabel("\n".join(line.ljust(width) for line in lines), family="monospace", fontsize=11)
    return figure


def padding_and_stride(size: int = 5, k: int = 3, strides: tuple[int, ...] = (1, 2)) -> Figure:
    """Where the kernel's centre stands on a zero-padded image, for each stride.

    `size` and `k` are odd, so that the padding is (k - 1) / 2 pixels on every side.
    """
    pad = k // 2
    figure, axes = plt.subplots(1, len(strides), figsize=(3.5 * len(strides), 3.9))
    for axis, stride in zip(axes, strides):
        colours = np.full((size + 2 * pad, size + 2 * pad, 4), 1.0)
        colours[pad:-pad, pad:-pad, :3] = 0.72
        texts = np.where(colours[..., 0] == 1.0, 0, np.nan)
        side = parameters.output_size(size, stride)
        _number_grid(axis, texts, f"stride {stride}: {side}×{side} outputs", colours)
        centres = [(pad + i + 0.5, pad + j + 0.5) for i in range(0, size, stride) for j in range(0, size, stride)]
        axis.plot(*np.transpose(centres), "o", color=MARK, markersize=9, clip_on=False)
        _frame(axis, 0, 0, k)
    return figure


def weights(c_in: int, c_out: int, k: int) -> Figure:
    """Every parameter of a small convolution as one square; up to 3 input and 3 output channels, K up to 5."""
    figure, axis = plt.subplots(figsize=(7.6, 4.4))
    for i in range(c_out):
        top = i * 6.4
        for c in range(c_in):
            left = c * 6.4
            for y in range(k):
                for x in range(k):
                    axis.add_patch(Rectangle((left + x, top + y), 1, 1, facecolor=CHANNELS[c], edgecolor="white", linewidth=1.5))
        axis.add_patch(Rectangle((19.4, top), 1, 1, facecolor=COLOURS["black"], edgecolor="white"))
        axis.text(-0.6, top + 0.5, f"output {i + 1}", ha="right", va="center")
    for c in range(c_in):
        axis.text(c * 6.4, -0.5, f"input {c + 1}", color=CHANNELS[c], fontweight="bold")
    axis.text(19.4, -0.5, "bias", fontweight="bold")
    axis.set(xlim=(-5, 22), ylim=(19, -2), aspect="equal")
    axis.axis("off")
    total = parameters.conv2d(c_in, c_out, k)
    axis.set_title(rf"$C_\mathrm{{out}} \times (C_\mathrm{{in}} \times K^2 + 1) \;=\; "
                   rf"{c_out} \times ({c_in} \times {k}^2 + 1) \;=\; {total}$ squares", fontsize=14)
    return figure


def table_bars(table: Table) -> Figure:
    """The rows of Table 2 or 3 as bars: parameters of every convolution, first layer on top."""
    figure, axis = plt.subplots(figsize=(7, 0.24 * len(table.rows) + 1))
    counts = [row.parameters for row in table.rows]
    bars = axis.barh([row.name for row in table.rows], counts, color=COLOURS["blue"])
    axis.bar_label(bars, [f"{count:,}" for count in counts], padding=4, fontsize=9)
    axis.tick_params(axis="y", labelsize=9, length=0)
    axis.set(title=f"{table.network}: parameters of each convolution ({table.title})", xlim=(0, 1.15 * max(counts)))
    axis.xaxis.set_visible(False)
    axis.spines["bottom"].set_visible(False)
    axis.grid(False)
    axis.invert_yaxis()
    return figure


def shares(groups: dict[str, tuple[float, float]], labels: tuple[str, str]) -> Figure:
    """Two shares of every group beside each other, in percent of the sum over all groups."""
    values = 100 * np.array(list(groups.values())) / np.sum(list(groups.values()), axis=0)
    figure, axis = plt.subplots(figsize=(7, 0.55 * len(groups) + 1.1))
    place = np.arange(len(groups))
    for j, (label, colour) in enumerate(zip(labels, (COLOURS["blue"], COLOURS["orange"]))):
        bars = axis.barh(place + 0.2 * (2 * j - 1), values[:, j], 0.38, label=label, color=colour)
        axis.bar_label(bars, fmt="%.1f %%", padding=4, fontsize=10)
    axis.set_yticks(place, list(groups))
    axis.set(xlim=(0, 1.15 * values.max()), xlabel="percent of the network")
    axis.grid(False, axis="y")
    axis.invert_yaxis()
    axis.legend(loc="lower right")
    return figure


def _number_grid(axis, values: np.ndarray, title: str, colours: np.ndarray | None = None) -> None:
    """Numbers in squares; a NaN is an empty square."""
    rows, columns = values.shape
    for (y, x), value in np.ndenumerate(values):
        face = "white" if colours is None else colours[y, x]
        axis.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor="0.55"))
        if not np.isnan(value):
            axis.text(x + 0.5, y + 0.5, _signed(int(value)), ha="center", va="center", fontsize=13)
    axis.set(xlim=(-0.1, columns + 0.1), ylim=(rows + 0.1, -0.1), aspect="equal", title=title)
    axis.axis("off")


def _frame(axis, row: int, column: int, side: int) -> None:
    axis.add_patch(Rectangle((column, row), side, side, fill=False, edgecolor=MARK, linewidth=4))


def _signed(value: int) -> str:
    """A whole number with a true minus sign."""
    return str(value).replace("-", "−")
