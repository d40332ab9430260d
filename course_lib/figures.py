"""Figures and pictures for the lessons, each with a text that says what it shows.

`show` displays a matplotlib figure, `images` a row of pictures at their own pixels,
`feature_maps` what a layer of a network puts out. Importing this module sets the style of
every figure drawn afterwards: readable fonts, and the colours of Okabe and Ito (2008,
"Color Universal Design"), which are told apart without colour vision as well.

JupyterLab drops the alternative text of an `image/png` output, so a figure is displayed
as HTML with one `<img alt=...>` whose data it carries.
"""

import base64
import io
from html import escape

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

COLOURS = {     # Okabe and Ito, without their yellow, which is too pale on white
    "blue": "#0072B2", "vermilion": "#D55E00", "green": "#009E73", "purple": "#CC79A7",
    "orange": "#E69F00", "sky": "#56B4E9", "black": "#000000",
}
FIGURE_BYTES = 150_000      # a displayed figure or row of pictures; a lesson has room for 2 MB in all

plt.rcParams.update({
    "figure.figsize": (6.4, 3.6), "figure.dpi": 100, "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 11, "axes.titlesize": 12, "legend.fontsize": 10,
    "axes.prop_cycle": plt.cycler(color=list(COLOURS.values())), "lines.linewidth": 2,
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "0.88", "grid.linewidth": 0.8, "axes.axisbelow": True,
    "image.cmap": "viridis", "legend.frameon": False,
})


class Display:
    """HTML that a notebook displays, with the text that replaces it where pictures are not shown."""

    def __init__(self, html: str, alt: str):
        self.html, self.alt = html, alt

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": self.alt, "text/html": self.html}

    def __repr__(self) -> str:
        return self.alt


def checked_alt(alt: str) -> str:
    """The text without surrounding space; it must say something."""
    if not isinstance(alt, str) or len(alt.split()) < 2:
        raise ValueError(f"alt is {alt!r}; describe in a sentence what the picture shows.")
    return " ".join(alt.split())


def pixels(picture, scale: float = 1.0) -> np.ndarray:
    """Any picture as uint8 RGB.

    Parameters
    ----------
    picture : uint8 H×W or H×W×3, the bytes of a PNG, JPEG or WebP file, or a matplotlib
        figure, which is drawn and closed; one without a picture in it comes in 128 colours.
    scale : pixels per CSS pixel of a figure: above 1 it stays sharp on a fine screen.

    Returns
    -------
    uint8 H×W×3.

    Raises
    ------
    TypeError if it is none of these; floats belong to `photos.to_image` first.
    """
    if isinstance(picture, Figure):
        plt.close(picture)
        dpi = picture.dpi
        picture.set_dpi(scale * dpi)
        canvas = FigureCanvasAgg(picture)       # draws once; savefig would draw twice
        canvas.draw()
        array = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        picture.set_dpi(dpi)                    # a figure shown again has its size again
        return array if any(axis.images for axis in picture.axes) else _few_colours(array)
    if isinstance(picture, bytes):
        return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    array = np.asarray(picture)
    if array.dtype == np.uint8 and array.ndim == 2:
        return np.stack([array] * 3, axis=-1)
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
        return array
    raise TypeError(
        f"Got a picture of type {type(picture).__name__}, shape {array.shape}, dtype {array.dtype}; "
        "give uint8 H×W or H×W×3 (photos.to_image converts what a network puts out) or a matplotlib figure."
    )


def _few_colours(array: np.ndarray) -> np.ndarray:
    """A drawing in 128 colours: its lines and areas keep theirs, their soft edges share the rest.

    Without loss, WebP then needs half the bytes, and a lesson has room for twice the frames.
    """
    drawing = Image.fromarray(array).quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return np.asarray(drawing.convert("RGB"))


def encode(pictures: list[np.ndarray], limit: int) -> list[str]:
    """Pictures as data URIs that together stay below `limit` bytes.

    WebP without loss where that fits, otherwise with the least loss that does.

    Raises
    ------
    ValueError if they do not fit at any quality.
    """
    for settings in ({"lossless": True, "method": 2}, *({"quality": q, "use_sharp_yuv": True} for q in (95, 90, 85, 75))):
        uris, size = [], 0
        for picture in pictures:
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "WEBP", **settings)
            uris.append("data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode())
            size += len(uris[-1])
            if size > limit:
                break
        else:
            return uris
    h, w = pictures[0].shape[:2]
    raise ValueError(
        f"{len(pictures)} pictures of {w}×{h} pixels need more than {limit // 1000} kB; "
        "crop them, take fewer, or draw a smaller figure."
    )


def decode(uri: str) -> np.ndarray:
    """The picture in a data URI, as uint8 H×W×3."""
    return pixels(base64.b64decode(uri.partition(",")[2]))


def img(uri: str, alt: str, width: int, zoom: float = 1, style: str = "") -> str:
    """An `<img>` that is `width` CSS pixels wide and never wider than the page."""
    if zoom > 1:
        style += "image-rendering:pixelated;"
    return (f'<img src="{uri}" alt="{escape(alt)}" width="{round(width)}" decoding="sync" '
            f'style="max-width:100%;height:auto;margin:0;display:block;{style}">')


def show(figure: Figure, alt: str) -> Display:
    """A matplotlib figure with its alternative text, compressed and closed.

    Parameters
    ----------
    figure : what `plt.subplots()` returned first.
    alt : what the figure shows, in a sentence or two: the finding, not the colours.

    Returns
    -------
    A `Display`; make it the last line of a cell, or `display()` it.

    Raises
    ------
    ValueError if `alt` says nothing, or the figure is over FIGURE_BYTES at any quality.
    """
    alt = checked_alt(alt)
    width = figure.get_size_inches()[0] * figure.dpi
    picture = pixels(figure, scale=2)
    try:
        (uri,) = encode([picture], FIGURE_BYTES)
    except ValueError:      # a figure full of photographs: half as fine
        (uri,) = encode([np.asarray(Image.fromarray(picture).reduce(2))], FIGURE_BYTES)
    return Display(img(uri, alt, width), alt)


def images(pictures: dict, alt: str, zoom: float = 1) -> Display:
    """Pictures in a row under their titles, each pixel as it is.

    Parameters
    ----------
    pictures : {title: picture}, each uint8 H×W or H×W×3.
    alt : what they show together; each picture's text is this with its title.
    zoom : CSS pixels per pixel. Above 1, pixels become squares: nothing is smoothed.

    Returns
    -------
    A `Display`; on a narrow page the row breaks.

    Raises
    ------
    ValueError if `alt` says nothing, there is no picture, or they are too large together.
    """
    alt = checked_alt(alt)
    if not pictures:
        raise ValueError("There is no picture to show; give {title: picture}.")
    arrays = [pixels(picture) for picture in pictures.values()]
    uris = encode(arrays, FIGURE_BYTES * max(1, len(arrays) // 2))
    cells = "".join(
        '<figure style="margin:0;max-width:100%;"><figcaption style="font-weight:bold;">'
        f'{escape(title)}</figcaption>{img(uri, f"{title}: {alt}", zoom * array.shape[1], zoom)}</figure>'
        for title, uri, array in zip(pictures, uris, arrays)
    )
    return Display(f'<div style="display:flex;flex-wrap:wrap;gap:12px;">{cells}</div>', alt)


def feature_maps(features: np.ndarray, alt: str, limit: int = 32, columns: int = 8, zoom: float = 1) -> Display:
    """The first feature maps of a layer, side by side in reading order.

    Parameters
    ----------
    features : float H×W×C or 1×H×W×C, as a layer puts them out.
    alt : what they show.
    limit : the most maps shown.
    columns : maps per row.
    zoom : CSS pixels per pixel.

    Each map is stretched on its own from its 1st to its 99th percentile, black to white, so
    that structure shows in every one; brightness does not compare between maps.
    """
    maps = np.asarray(features, np.float32)
    maps = maps[0] if maps.ndim == 4 else maps
    if maps.ndim != 3:
        raise ValueError(f"Feature maps have shape {np.shape(features)}; give H×W×C or 1×H×W×C.")
    maps = np.moveaxis(maps, -1, 0)[:limit]                         # (C, H, W)
    low, high = np.percentile(maps, (1, 99), axis=(1, 2), keepdims=True)
    maps = np.clip((maps - low) / np.maximum(high - low, 1e-12), 0, 1)
    count, h, w = maps.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (h + 2) - 2, columns * (w + 2) - 2), 255, np.uint8)
    for i, m in enumerate(maps):
        y, x = (i // columns) * (h + 2), (i % columns) * (w + 2)
        sheet[y:y + h, x:x + w] = np.rint(255 * m)
    alt = f"{checked_alt(alt)} ({count} maps, {columns} per row)"
    uri = encode([pixels(sheet)], FIGURE_BYTES)[0]
    return Display(img(uri, alt, zoom * sheet.shape[1], zoom), alt)


def training_curves(history: list[dict[str, float]]) -> Figure:
    """The losses of a run and its PSNR gain on the held-out photographs, over its epochs.

    `history` is `Run.history`: epoch 0, the untrained network, has a score but no loss yet.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8))
    names = [name for name in ("content", "adversarial", "critic", "penalty") if name in history[-1]]
    for name, style in zip(names, ("o-", "s--", "^:", "d-.")):
        rows = [row for row in history if name in row]
        left.plot([row["epoch"] for row in rows], [row[name] for row in rows], style, markersize=4, label=name)
    left.set(title="losses in training", xlabel="epoch", ylabel="loss")
    if len(names) > 1:
        left.legend()
    right.plot([row["epoch"] for row in history], [row["psnr_gain"] for row in history], "o-", markersize=4)
    right.axhline(0, color="0.4", linewidth=1, linestyle="--")
    right.set(title="PSNR gained on held-out photographs", xlabel="epoch", ylabel="dB over the blurred input")
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def gan_diagram(generator, discriminator) -> Figure:
    """The report's Figure 1, drawn from the two models: what goes in, through, out and back.

    Every bar is a layer read from the models: its height grows with the resolution of what
    it puts out, its width with the channels (a dense layer's with its units). Batch
    normalisation is counted, not drawn. The generator takes the blurred photograph, where
    Figure 1 draws random noise.

    Parameters
    ----------
    generator : from images of any size to images, `networks.generator()`.
    discriminator : from images of one size to one number, `networks.discriminator()`.
    """
    shape = (None, *discriminator.input_shape[1:3], generator.input_shape[-1])
    figure, axis = plt.subplots(figsize=(10, 5))
    axis.set(xlim=(-0.5, 100), ylim=(1, 47))
    axis.axis("off")
    _box(axis, 0, 32, 14, 11, COLOURS["blue"], f"blurred\nphotograph\n{_sides(shape)}")
    _network(axis, generator, "Generator", 18, shape[1], COLOURS["blue"])
    _box(axis, 50, 32, 14, 11, COLOURS["blue"], f'deblurred,\n"fake"\n{_sides(generator.compute_output_shape(shape))}')
    _box(axis, 50, 8, 14, 11, COLOURS["green"], f'sharp,\n"real"\n{_sides(discriminator.input_shape)}')
    _network(axis, discriminator, "Discriminator", 68, shape[1], COLOURS["purple"])
    _box(axis, 72, 2, 20, 7, COLOURS["purple"], f"{discriminator.output_shape[-1]} number:\nreal or fake?")

    straight = [((14, 37.5), (18, 37.5)), ((46, 37.5), (50, 37.5)), ((82, 17), (82, 9))]
    for start, end in straight:
        _arrow(axis, [start, end], "0.25")
    _arrow(axis, [(57, 32), (57, 27.5), (68, 27.5)], "0.25")
    _arrow(axis, [(57, 19), (57, 23.5), (68, 23.5)], "0.25")
    _arrow(axis, [(92, 5.5), (99, 5.5), (99, 25.5), (96, 25.5)], "0.5", dashed=True)
    _arrow(axis, [(72, 5.5), (70, 5.5), (70, 3.5), (32, 3.5), (32, 22.5)], "0.5", dashed=True)
    axis.text(32.8, 6, "its answer trains\nboth networks", color="0.35", va="center")
    return figure


def _network(axis, model, title: str, left: float, side: int, colour: str) -> None:
    """A network as a box with its layers as bars, its name and its counts."""
    x, bars = left + 1, _bars(model, side)
    y, below = (37.5, True) if title == "Generator" else (25.5, False)
    _box(axis, left, y - 8.5, 28, 17, colour, "")
    scale = 26 / sum(width for _, width, _ in bars)
    for height, width, kind in bars:
        fill = colour if kind == "convolutions" else COLOURS["orange"]
        axis.add_patch(plt.Rectangle((x, y - 7 * height), scale * width, 14 * height, facecolor=fill, edgecolor="white"))
        x += scale * width
    kinds = [kind for _, _, kind in bars]
    layers = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    axis.text(left + 14, y - 9.5 if below else y + 9.5, f"{title}: {model.count_params():,} parameters\n{layers}",
              ha="center", va="top" if below else "bottom", linespacing=1.4)


def _bars(model, side: int) -> list[tuple[float, float, str]]:
    """(height, width, kind) of every convolution and dense layer; `side` is the input's, in pixels."""
    bars, whole = [], side
    for layer in model.layers:
        if hasattr(layer, "kernel_size"):
            side = -(-side // layer.strides[0])
            bars.append(((side / whole) ** 0.5, np.log2(2 * layer.filters), "convolutions"))
        elif hasattr(layer, "units"):
            bars.append((0.2, np.log2(2 * layer.units), "dense layers"))
        elif type(layer).__name__ == "UpSampling2D":
            side *= layer.size[0]
    return bars


def _box(axis, left: float, bottom: float, width: float, height: float, colour: str, text: str) -> None:
    axis.add_patch(plt.Rectangle((left, bottom), width, height, facecolor="white", edgecolor=colour, linewidth=2))
    axis.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", linespacing=1.4)


def _arrow(axis, points: list[tuple[float, float]], colour: str, dashed: bool = False) -> None:
    """A line through all points with a head at the last."""
    axis.plot(*zip(*points), color=colour, linestyle="--" if dashed else "-", linewidth=1.8)
    axis.annotate("", points[-1], points[-2], arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 0,
                                                          "mutation_scale": 18, "shrinkA": 0, "shrinkB": 0})


def _sides(shape) -> str:
    return " × ".join(str(side) for side in shape[1:])
