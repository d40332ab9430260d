"""Schematic drawings of convolutions, networks, the perceptual loss, the best critic, Adam and the step of a GAN. (Lessons 03 to 07.)

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
WORDS = "#A84800"     # of what is drawn in MARK, which is too light to read
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


def padding_and_stride() -> Figure:
    """Where the centre of a 3×3 kernel stands on a 5×5 image with one pixel of zeros around it, for strides 1 and 2."""
    size, k, pad = 5, 3, 1
    figure, axes = plt.subplots(1, 2, figsize=(7, 3.9))
    for axis, stride in zip(axes, (1, 2)):
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
    figure, axis = plt.subplots(figsize=(6.6, 4.6))
    for i in range(c_out):
        top = i * 6.4
        for c in range(c_in):
            left = c * 6.4
            for y in range(k):
                for x in range(k):
                    axis.add_patch(Rectangle((left + x, top + y), 1, 1, facecolor=CHANNELS[c], edgecolor="white", linewidth=1.5))
        axis.add_patch(Rectangle((c_in * 6.4, top), 1, 1, facecolor=COLOURS["black"], edgecolor="white"))
        axis.text(-0.6, top + 0.5, f"output {i + 1}", ha="right", va="center")
    for c in range(c_in):
        axis.text(c * 6.4, -0.5, f"input {c + 1}", color=(WORDS, "#00735A", CHANNELS[2])[c], fontweight="bold")
    axis.text(c_in * 6.4, -0.5, "bias", fontweight="bold")
    axis.set(xlim=(-4.5, 21), ylim=(18, -1.8), aspect="equal")
    axis.axis("off")
    total = parameters.conv2d(c_in, c_out, k)
    axis.set_title(rf"$C_\mathrm{{out}} \times (C_\mathrm{{in}} \times K^2 + 1) \;=\; "
                   rf"{c_out} \times ({c_in} \times {k}^2 + 1) \;=\; {total}$ squares", fontsize=14)
    return figure


def table_bars(table: Table) -> Figure:
    """The rows of Table 2 or 3 as bars: parameters of every convolution, first layer on top."""
    figure, axis = plt.subplots(figsize=(7, 0.2 * len(table.rows) + 0.8))
    counts = [row.parameters for row in table.rows]
    bars = axis.barh([row.name for row in table.rows], counts, color=COLOURS["blue"])
    axis.bar_label(bars, [f"{count:,}" for count in counts], padding=4, fontsize=9)
    axis.tick_params(axis="y", labelsize=9, length=0)
    axis.set(title=f"{table.network}: parameters of each convolution ({table.title})", xlim=(0, 1.15 * max(counts)))
    axis.xaxis.set_visible(False)
    axis.spines["bottom"].set_visible(False)
    axis.grid(False)
    axis.margins(y=0.01)
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


# ---------------------------------------------------------------- the generator (lesson 04)

def hourglass(stages: list[tuple[str, int, int]]) -> Figure:
    """The stages of a generator as boxes, as high as their images and as wide as they have channels.

    `stages` holds (name, side in pixels, channels); the first is the input, the last the output.
    An arrow above leads from the input to the output: the last stage adds them.
    """
    figure, axis = plt.subplots(figsize=(8.2, 3.7))
    left, centres = 0.0, []
    for name, side, channels in stages:
        width, height = 0.25 + 0.9 * (channels / 256) ** 0.5, side / 256
        photograph = channels == 3
        axis.add_patch(Rectangle((left, -height / 2), width, height, edgecolor="white",
                                 facecolor="0.45" if photograph else COLOURS["blue"]))
        centres.append(left + width / 2)
        axis.text(centres[-1], -0.56, f"{side}×{side}\n×{channels}", ha="center", va="top", fontsize=10)
        axis.text(centres[-1], height / 2 + 0.03, name, ha="center", va="bottom", fontsize=10)
        left += width + 0.42
    axis.plot([centres[0], centres[0], centres[-1]], [0.66, 0.8, 0.8], color=MARK)
    axis.annotate("", (centres[-1], 0.64), (centres[-1], 0.81), arrowprops={"arrowstyle": "->", "color": MARK, "linewidth": 2})
    axis.text((centres[0] + centres[-1]) / 2, 0.83, "the blurred photograph is added to the result of the last convolution",
              color=WORDS, ha="center", va="bottom")
    axis.set(xlim=(-0.45, left), ylim=(-0.85, 0.98))
    axis.axis("off")
    return figure


def residual_block() -> Figure:
    """The layers of a residual block, and the path of its input around them."""
    figure, axis = plt.subplots(figsize=(8.2, 2.1))
    names = ["conv\n3×3", "batch\nnorm", "ReLU", "conv\n3×3", "batch\nnorm"]
    colours = [COLOURS["blue"], "0.45", "0.45", COLOURS["blue"], "0.45"]
    arrow = {"arrowstyle": "->", "color": "black", "linewidth": 2}
    for i, (name, colour) in enumerate(zip(names, colours)):
        axis.add_patch(Rectangle((1 + 1.5 * i, 0), 1.05, 1, facecolor=colour))
        axis.text(1.525 + 1.5 * i, 0.5, name, color="white", ha="center", va="center", fontweight="bold")
        axis.annotate("", (1 + 1.5 * i, 0.5), (0.1 if i == 0 else 0.55 + 1.5 * i, 0.5), arrowprops=arrow)
    axis.annotate("", (8.45, 0.5), (8.05, 0.5), arrowprops=arrow)
    axis.text(8.65, 0.5, "+", fontsize=20, ha="center", va="center", color=MARK,
              bbox={"boxstyle": "circle,pad=0.1", "facecolor": "white", "edgecolor": MARK, "linewidth": 2})
    axis.annotate("", (9.7, 0.5), (8.9, 0.5), arrowprops=arrow)
    axis.plot([0.45, 0.45, 8.65], [0.5, 1.4, 1.4], color=MARK)
    axis.annotate("", (8.65, 0.76), (8.65, 1.43), arrowprops={**arrow, "color": MARK})
    axis.text(4.5, 1.45, "the block's input, unchanged", color=WORDS, ha="center", va="bottom")
    axis.text(0.02, 0.5, "x", ha="right", va="center", fontsize=14, style="italic")
    axis.text(9.75, 0.5, "x + F(x)", ha="left", va="center", fontsize=13, style="italic")
    axis.set(xlim=(-0.3, 11), ylim=(-0.1, 1.8))
    axis.axis("off")
    return figure


def seen_pixels(stack: list[tuple[int, int, int]]) -> Figure:
    """Which pixels of every layer one output pixel depends on, along one row of the image.

    `stack` holds (k, stride, enlarge) of convolutions, first layer first; `enlarge` is 2 where
    the image is doubled before the convolution. Strides are 1 or 2, kernels odd.
    """
    rows = [("", np.array([0]), 1.0, 0.0)]      # what lies above it, pixels seen, pitch of a pixel, place of pixel 0
    for k, stride, enlarge in reversed(stack):
        _, pixels, pitch, origin = rows[-1]
        inside = np.unique([stride * p + d for p in pixels for d in range(-(k // 2), k // 2 + 1)])
        pitch /= stride
        rows.append((f"{k}×{k}" + (f", stride {stride}" if stride > 1 else ""), inside, pitch, origin))
        if enlarge > 1:
            origin += (enlarge - 1) / 2 * pitch
            rows.append(("doubling", np.unique(inside // enlarge), pitch * enlarge, origin))
    widest = max((abs(pixels * pitch + origin) + pitch / 2).max() for _, pixels, pitch, origin in rows)
    figure, axis = plt.subplots(figsize=(7.8, 0.62 * len(rows) + 0.5))
    for y, (_, pixels, pitch, origin) in enumerate(rows):
        for p in range(-int(widest / pitch) - 2, int(widest / pitch) + 3):
            left = p * pitch + origin - pitch / 2
            if left < -widest - 1.01 or left + pitch > widest + 1.01:
                continue
            axis.add_patch(Rectangle((left, y), pitch, 0.6, edgecolor="white", linewidth=1.5,
                                     facecolor=COLOURS["blue"] if p in pixels else "0.87"))
        name = "output" if y == 0 else "input" if y == len(rows) - 1 else ""
        axis.text(-widest - 1.5, y + 0.3, name, ha="right", va="center", fontweight="bold")
        axis.text(widest + 1.5, y + 0.3, f"{len(pixels)} pixel{'s' * (len(pixels) > 1)}", ha="left", va="center")
        if y:
            axis.text(-widest - 1.5, y - 0.2, rows[y][0], ha="right", va="center", color=WORDS)
    axis.set(xlim=(-widest - 5, widest + 4), ylim=(len(rows) - 0.2, -0.2))
    axis.axis("off")
    return figure


def side_by_side(pictures: dict[str, np.ndarray]) -> Figure:
    """Up to four pictures of equal size in a row, each below its title: a frame for `widgets.explore`."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(2.3 * len(pictures), 2.7), squeeze=False)
    for axis, (title, picture) in zip(axes[0], pictures.items()):
        axis.imshow(picture)
        axis.set_title(title)
        axis.axis("off")
    return figure


def influence(photo: np.ndarray, gradient: np.ndarray, side: int, title: str) -> Figure:
    """How strongly the pixel in the middle of a network's output depends on each input pixel.

    Parameters
    ----------
    photo : uint8 H×W×3, the network's input.
    gradient : float H×W, absolute derivatives; 0 stays uncoloured, the rest on a logarithmic scale.
    side : side of the receptive field as computed; drawn as a frame around the middle pixel.
    """
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.6))
    row, column = photo.shape[0] // 2, photo.shape[1] // 2
    level = np.log10(np.where(gradient > 0, gradient, np.nan) / gradient.max())
    axes[0].imshow(photo)
    axes[0].plot(column, row, "+", color=MARK, markersize=12, markeredgewidth=2)
    picture = axes[1].imshow(level, vmin=-6, vmax=0)
    bar = figure.colorbar(picture, ax=axes, shrink=0.8, ticks=[0, -2, -4, -6], extend="min")
    bar.ax.set_yticklabels(["1", "1/100", "1/10,000", "1/1,000,000"])
    for axis, words in zip(axes, ("input", "influence on the middle pixel")):
        axis.add_patch(Rectangle((column - side / 2, row - side / 2), side, side, fill=False, edgecolor=MARK, linewidth=2))
        axis.set_title(words)
        axis.axis("off")
    figure.suptitle(title)
    return figure


def map_sheet(features: np.ndarray) -> np.ndarray:
    """The eight feature maps that vary most, in two rows, each 128 pixels wide; uint8 H×W.

    `features` is float (H, W, C) with H = W = 128, or 128 times or divided by a whole number:
    larger maps are averaged, smaller ones repeat their pixels. Each map is stretched on its own.
    """
    side = 128
    order = np.argsort(features.std(axis=(0, 1)))[::-1][:8]
    tiles = []
    for channel in order:
        low, high = np.percentile(features[..., channel], (1, 99))
        tile = np.clip((features[..., channel] - low) / max(high - low, 1e-12), 0, 1)
        times = max(side // len(tile), 1)
        tile = np.repeat(np.repeat(tile, times, 0), times, 1)
        tile = tile.reshape(side, len(tile) // side, side, -1).mean(axis=(1, 3))
        tiles.append(np.pad(np.rint(255 * tile).astype(np.uint8), 2, constant_values=255))
    half = len(tiles) // 2
    return np.concatenate([np.concatenate(tiles[:half], axis=1), np.concatenate(tiles[half:], axis=1)])


def dense_head(side: int, units: int) -> Figure:
    """From a map of side × side numbers to one answer: flatten, a dense layer of `units`, a dense layer of one (lesson 05).

    A few lines stand for all weights; what each dense layer counts is written below them.
    """
    figure, axis = plt.subplots(figsize=(8.6, 3))
    columns = [(0, 16, 8, f"{side}×{side}×1", "map"), (25, 2, 8, f"{side ** 2:,} numbers", "flatten"),
               (47, 2, 9.5, f"{units:,} numbers", "dense, tanh"), (69, 2, 1, "1 number", "dense, sigmoid")]
    for left, width, half, count, name in columns:
        colour = COLOURS["orange" if "dense" in name else "blue"]
        axis.add_patch(Rectangle((left, -half), width, 2 * half, facecolor=colour))
        axis.text(left + width / 2, 10, name, ha="center", va="bottom")
        axis.text(left + width / 2, -10.2, count, ha="center", va="top", fontsize=10)
    grid = np.linspace(0, 16, side + 1)
    axis.hlines(grid - 8, 0, 16, color="white", linewidth=1)
    axis.vlines(grid, -8, 8, color="white", linewidth=1)
    axis.annotate("", (24.6, 0), (16.4, 0), arrowprops={"arrowstyle": "->", "linewidth": 2})
    ends = np.linspace(-0.9, 0.9, 7)
    for left, n_in, n_out, starts, stops in ((27, side ** 2, units, 8 * ends, 9.5 * ends), (49, units, 1, 9.5 * ends, 0 * ends)):
        for start in starts:
            axis.plot([left, left + 20], [np.full(7, start), stops], color="0.7", linewidth=0.8)
        axis.text(left + 10, -14, f"({n_in:,} + 1) · {n_out:,}\n= {parameters.dense(n_in, n_out):,} parameters", ha="center", va="top", color=WORDS)
    axis.set(xlim=(-3, 77), ylim=(-20, 12.5))
    axis.axis("off")
    return figure


def perceptual_loss(pictures: dict[str, np.ndarray], features: np.ndarray) -> Figure:
    """From two photographs to one number: both go through the same VGG16, and their feature maps are compared (lesson 06).

    Parameters
    ----------
    pictures : {title: uint8 H×W×3}, the output and the sharp photograph.
    features : float (2, h, w, C), what VGG16 puts out for them; the four maps with the fewest zeros are shown, their root, so that weak answers show.
    """
    figure, axis = plt.subplots(figsize=(8.8, 3.9))
    arrow = {"arrowstyle": "->", "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
    fullest = np.argsort((features[1] > 0).mean(axis=(0, 1)))[-4:]
    shades = np.sqrt(features[..., fullest])
    shades /= shades.max(axis=(0, 1, 2))
    for bottom, (title, picture), maps in zip((23, 2), pictures.items(), shades):
        axis.imshow(picture, extent=(0, 15, bottom, bottom + 15))
        axis.text(7.5, bottom + 15.4, title, ha="center", va="bottom")
        for depth in range(4):
            left, low = 43.2 - 1.1 * depth, bottom + 3.3 - 1.1 * depth
            axis.imshow(maps[..., depth], cmap="gray", vmin=0, vmax=1, extent=(left, left + 11, low, low + 11))
            axis.add_patch(Rectangle((left, low), 11, 11, fill=False, edgecolor="white", linewidth=1.5))
        for x, shape in ((7.5, picture.shape), (47, features.shape[1:])):
            axis.text(x, bottom - 0.6, "×".join(map(str, shape)), ha="center", va="top", fontsize=10)
        for start, end in ((15.5, 20), (36, 39.4)):
            axis.annotate("", (end, bottom + 7.5), (start, bottom + 7.5), arrowprops=arrow)
        axis.annotate("", (63, 23.5 if bottom > 2 else 16.5), (55, bottom + 7.5), arrowprops=arrow)
    boxes = ((20.5, 15, 2, 36, "VGG16\nup to\nblock3_conv3\n\nthe same\nfor both"), (63, 12, 14.5, 11, "mean\nsquared\ndifference"))
    for left, width, low, height, words in boxes:
        axis.add_patch(Rectangle((left, low), width, height, facecolor=COLOURS["blue"]))
        axis.text(left + width / 2, low + height / 2, words, ha="center", va="center", color="white", weight="bold")
    axis.annotate("", (79, 20), (75.5, 20), arrowprops=arrow)
    loss = float(f"{np.mean((features[1] - features[0]) ** 2):.2g}")
    axis.text(79.5, 20, f"{loss:,.10g}\none number", va="center", color=WORDS, weight="bold")
    axis.set(xlim=(-1, 92), ylim=(-2.5, 41), aspect="equal")
    axis.axis("off")
    return figure


def best_critic(p: np.ndarray, q: np.ndarray) -> Figure:
    """Two distributions, real p and fake q, (N,), on places 0 to N - 1, and below them the critic that measures their distance (lesson 06).

    The critic of slope 1 with the largest difference of mean scores (Kantorovich and Rubinstein), with mean 0: it
    rises by 1 where earth crosses a border to the right, falls by 1 where it goes to the left, and is flat where none goes.
    """
    places, crossing = np.arange(len(p)), np.round(np.cumsum(q - p)[:-1], 9)
    scores = np.concatenate([[0], np.cumsum(np.sign(crossing))])
    scores = scores - scores.mean()
    figure, axes = plt.subplots(2, 1, figsize=(7, 4.4), sharex=True, height_ratios=(1, 1.2))
    axes[0].bar(places, p, width=1, color=COLOURS["blue"], alpha=0.6, label="real p")
    axes[0].bar(places, q, width=1, color=COLOURS["orange"], alpha=0.6, hatch="///", edgecolor="white", label="fake q")
    axes[0].set(title=f"earth mover's distance {np.abs(crossing).sum():.2f}", ylim=(0, 0.25))
    axes[0].legend(loc="upper left")
    axes[1].plot(places, scores, color=COLOURS["purple"])
    axes[1].set(title=f"the best critic's scores; difference of the means {p @ scores - q @ scores:.2f}", xlabel="place", ylim=(-23, 23))
    return figure


def adam(gradients: np.ndarray, beta_1: float, beta_2: float) -> Figure:
    """Adam's two running means of the gradients of one weight, (T,), and the steps that follow, in units of the rate (lesson 07)."""
    mean = square = 0.0
    rows = []
    for t, gradient in enumerate(gradients, start=1):
        mean, square = beta_1 * mean + (1 - beta_1) * gradient, beta_2 * square + (1 - beta_2) * gradient ** 2
        rows.append((mean / (1 - beta_1 ** t), np.sqrt(square / (1 - beta_2 ** t))))
    (means, sizes), steps = np.transpose(rows), np.arange(1, len(gradients) + 1)
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(6.6, 3.7), sharex=True)
    upper.plot(steps, gradients, ".", color="0.6", label="gradient g")
    upper.plot(steps, means, label="mean m̂")
    upper.plot(steps, sizes, "--", color=COLOURS["vermilion"], label="size √v̂")
    upper.set(ylim=(-2.8, 4.6), ylabel="gradient")
    upper.legend(ncols=3, loc="upper right")
    lower.axhline(0, color="0.4", linewidth=1)
    lower.plot(steps, means / (sizes + 1e-8), color=COLOURS["green"])
    lower.set(ylim=(-2.3, 2.3), ylabel="step, in units of r", xlabel="step number t")
    return figure


def gan_step(phase: str) -> Figure:
    """Which network one step of a GAN uses, and which it moves, in each of its three phases (lesson 07).

    `phase` is "1 generate", "2 critic learns" or "3 generator learns". What moves is filled; what is
    only used has an outline; a solid arrow is data, a dashed one the gradient on its way back.
    """
    number = int(phase[0])
    moves = {1: (), 2: ("critic",), 3: ("generator",)}[number]
    uses = {1: ("generator",), 2: ("critic",), 3: ("generator", "critic")}[number]
    figure, axis = plt.subplots(figsize=(8.6, 3.5))
    axis.set(xlim=(-1, 86), ylim=(0, 35))
    axis.axis("off")

    def box(left, bottom, text, name="", shown=True):
        on = name in moves
        colour = {"generator": COLOURS["blue"], "critic": COLOURS["vermilion"]}.get(name, "0.45")
        colour = colour if shown and (not name or name in uses) else "0.85"
        axis.add_patch(Rectangle((left, bottom), 13, 8, facecolor=colour if on else "white", edgecolor=colour, linewidth=2.5))
        axis.text(left + 6.5, bottom + 4, text, ha="center", va="center",
                  color="white" if on else "black" if colour != "0.85" else "0.45", weight="bold" if on else None)

    def arrow(start, end, back=False):
        axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "mutation_scale": 18, "linewidth": 2, "color": MARK if back else "0.25",
                                                  "linestyle": (0, (3, 2)) if back else "-", "shrinkA": 0, "shrinkB": 0})

    box(0, 21, "blurred", shown=number != 2)
    box(23, 21, "generator", "generator")
    box(46, 21, "output")
    box(46, 4, "sharp", shown=number != 1)
    box(72, 13, "critic", "critic")
    if number != 2:
        arrow((13, 26), (23, 26))
        arrow((36, 26), (46, 26))
    if number > 1:
        arrow((59, 26), (72, 19.5))
    if number == 2:
        arrow((59, 7), (72, 14.5))
        axis.text(64.5, 31, "lower this answer", color=WORDS, ha="left", fontsize=10)
        axis.text(64.5, 3.5, "raise this answer", color=WORDS, ha="left", fontsize=10)
    if number == 3:
        arrow((72, 15.5), (59, 22.5), back=True)
        arrow((46, 23), (36, 23), back=True)
        arrow((52.5, 12), (52.5, 21), back=True)
        axis.text(51.5, 16.5, "content loss:\nbe like the sharp one", color=WORDS, ha="right", va="center", fontsize=10)
        axis.text(64.5, 31, "adversarial loss:\nraise this answer", color=WORDS, ha="left", va="center", fontsize=10)
    axis.set_title({1: "1 · The generator makes an output; nothing moves",
                    2: "2 · The critic moves, a few times; the output is a constant for it",
                    3: "3 · The generator moves; the gradient passes through the critic, which stays"}[number], loc="left")
    return figure
