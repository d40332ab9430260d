"""Any photograph, of any size, through a generator; and generators on disk.

A pretrained network is a folder: `settings.json`, whose entry "generator" holds the keyword
arguments of `variants.build`, and `generator.npz`, its weights in half precision. Those
of the course lie in `data/pretrained/`, each with the command and the history that made it.
"""

import json
import math
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib import faster, photos, variants
from course_lib.backend import keras, tf
from course_lib.files import arrays_of, atomic

PRETRAINED = photos.DATA / "pretrained"
PIXELS = 1280 * 720         # the most that go through a generator of width 64 at once: 1 GiB of activations in float32


# --- Generators on disk -----------------------------------------------------------------------

def names() -> list[str]:
    """The pretrained generators that ship with the course."""
    return sorted(path.parent.name for path in PRETRAINED.glob("*/settings.json"))


def folder(name: str | os.PathLike) -> Path:
    """The folder of a pretrained generator: a name of `names()`, or a folder of your own; "./level1" is yours, "level1" ours.

    Raises
    ------
    ValueError, listing the names, if it is neither.
    """
    path = PRETRAINED / name if isinstance(name, str) and name in names() else Path(name)
    if (path / "settings.json").is_file():
        return path
    wrong = f"{str(name)!r} is no generator" if (PRETRAINED / name).is_dir() or path.is_dir() else f"There is no generator {str(name)!r}"
    raise ValueError(f"{wrong}. Give the folder of a training run, or one of the course's: {', '.join(names()) or 'none is installed'}.")


def weights_file(name: str | os.PathLike) -> Path:
    """The file of a generator's weights: those of a pretrained one, or a run's after its last epoch."""
    path = folder(name)
    epochs = [epoch for epoch in path.glob("epochs/*.npz") if epoch.stem.isdecimal()]      # not a copy such as 0002-old.npz
    return max(epochs, key=lambda epoch: int(epoch.stem)) if epochs else path / "generator.npz"


def load(name: str | os.PathLike, dtype: str | None = None) -> keras.Model:
    """Build a stored generator and give it its weights.

    Parameters
    ----------
    name : one of `names()`, or a folder.
    dtype : a Keras dtype policy; "mixed_bfloat16" is twice as fast where the processor has
        bfloat16 instructions; 7 in 100 values come out a grey level different.

    Raises
    ------
    ValueError in one sentence if there is no such generator, or its files are damaged or may not be read.
    """
    path = folder(name)
    if dtype is not None:
        keras.dtype_policies.get(dtype)         # a name that is none is no fault of the files
    try:
        settings = json.loads((path / "settings.json").read_text(encoding="utf-8"))
        model = variants.build(**settings["generator"], dtype=dtype)
    except PermissionError:
        raise ValueError(f"{path / 'settings.json'} may not be read; check its permissions.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path / 'settings.json'} is damaged ({error}); restore the file.") from None
    load_weights(model, weights_file(path))
    return model


def save_weights(model: keras.Model, path: str | os.PathLike) -> None:
    """Write the weights as float16 arrays "0000", "0001", … in the order of `model.get_weights()`.

    Raises
    ------
    ValueError if a weight is not finite in half precision (over 65504, or not a number).
    """
    with np.errstate(over="ignore"):
        weights = [weight.astype(np.float16) for weight in model.get_weights()]
    if not all(np.isfinite(weight).all() for weight in weights):
        raise ValueError(f"{path} is not written: the model has weights that are not a number, or over 65504, the largest in half precision.")
    with atomic(path) as part, open(part, "wb") as file:
        np.savez(file, **{f"{i:04d}": weight for i, weight in enumerate(weights)})


def load_weights(model: keras.Model, path: str | os.PathLike) -> None:
    """Give a model the weights that `save_weights` wrote.

    Raises
    ------
    ValueError in one sentence if the file is missing, damaged, or of another network.
    """
    with arrays_of(path) as file:
        weights = [file[f"{i:04d}"].astype(np.float32) for i in range(len(file.files))]
    shapes = [tuple(weight.shape) for weight in model.weights]
    if [weight.shape for weight in weights] != shapes:
        raise ValueError(f"{path} belongs to another network: it holds {len(weights)} arrays with "
                         f"{sum(weight.size for weight in weights):,} numbers, the model has {len(shapes)} "
                         f"with {model.count_params():,}.")
    model.set_weights(weights)


# --- Deblurring -------------------------------------------------------------------------------

def deblur(
    image: np.ndarray,
    model: keras.Model,
    tile: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """Deblur a photograph of any size.

    A large photograph goes through the generator in tiles that overlap by as much as an
    output pixel can see. Batch normalisation uses stored statistics here, so every pixel
    comes out as from the whole photograph, to within one grey level, and memory stays at
    that of one tile: below 2 GiB for the report's generator.

    Parameters
    ----------
    image : uint8 RGB (H, W, 3).
    model : a generator of `variants.build`.
    tile : side of square tiles in pixels; by default the largest for which these 2 GiB are enough.
    progress : called with (tiles done, tiles in all), first with 0 done.

    Returns
    -------
    uint8 RGB (H, W, 3).

    Raises
    ------
    ValueError if the image is not uint8 (H, W, 3), or `tile` is less than three times the
    overlap.
    PhotoError if the generator has instance or layer normalisation, whose statistics are the
    whole photograph's, and the photograph is too large to be done whole. With `tile` it is
    tiled all the same, and the tiles differ.
    MemoryError if the machine has too little for one tile.
    """
    return tiled(photos.check_image(image), model, tile, progress)


def tiled(image: np.ndarray, model: keras.Model, tile: int | None = None,
          progress: Callable[[int, int], None] = lambda done, total: None) -> np.ndarray:
    """As `deblur`, for models with any number of input channels: uint8 (H, W, C) → uint8 RGB (H, W, 3)."""
    height, width = image.shape[:2]
    seen, step = overlap(model)
    # Reflected at the bottom and the right, to a multiple of the model's step.
    padded = np.pad(image, ((0, -height % step), (0, -width % step), (0, 0)), "reflect")
    tile_height, tile_width = _tile_size(*padded.shape[:2], model, tile, seen, step)
    rows, columns = _cuts(padded.shape[0], tile_height, seen), _cuts(padded.shape[1], tile_width, seen)
    result = np.empty((*padded.shape[:2], 3), np.uint8)
    run = _compiled(model)
    total = len(rows) * len(columns)
    progress(0, total)
    for done, (y, x) in enumerate(((y, x) for y in rows for x in columns), start=1):
        part = padded[y.start:y.start + tile_height, x.start:x.start + tile_width]
        try:
            output = run(photos.to_network(part)[None]).numpy()[0]
        except tf.errors.ResourceExhaustedError:
            raise MemoryError(f"There is not enough memory for a tile of {tile_width} x {tile_height} pixels; "
                              "close other programs, or use smaller tiles: tile=512, or --tile 512.") from None
        inside = output[y.first - y.start:y.last - y.start, x.first - x.start:x.last - x.start]
        result[y.first:y.last, x.first:x.last] = photos.to_image(inside)
        progress(done, total)
    return result[:height, :width]


_overlaps: "weakref.WeakKeyDictionary[keras.Model, tuple[int, int]]" = weakref.WeakKeyDictionary()


def overlap(model: keras.Model) -> tuple[int, int]:
    """What tiles must share on each side, and the step at which the model repeats itself, in pixels.

    (88, 4) for nine blocks: each of their convolutions sees 4 pixels further, as the resolution
    there is a quarter, and the other six together 12, which makes 84; striding and doubling look
    one way only, by less than a step. The step is a pixel of the coarsest resolution. Multiples of
    it let the pixels of a tile fall as they would in the whole photograph. Where layers stand side
    by side, as in a U-Net, the sum over all of them is an upper bound.
    """
    if model not in _overlaps:
        size = 1024         # any that the steps divide
        sized = keras.models.clone_model(model, input_tensors=keras.Input((size, size, model.input_shape[-1])))
        seen, step = 0, 1
        for layer in sized.layers:
            if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Conv2DTranspose)):
                seen += layer.kernel_size[0] // 2 * (size // layer.input.shape[1])
                step = max(step, size // layer.output.shape[1])
        _overlaps[model] = _up(seen + step - 1, step), step
    return _overlaps[model]


def _up(length: int, step: int) -> int:
    """The next multiple of a step."""
    return length + -length % step


class Cut(NamedTuple):
    """A tile along one axis: where it starts, and from where to where its result is used."""

    start: int
    first: int
    last: int


def _cuts(length: int, tile: int, seen: int) -> list[Cut]:
    """Cover `length` pixels with tiles; results are used only `seen` pixels away from cuts.

    The first and the last tile end where the photograph ends: there the generator's zero
    padding is that of the whole photograph.
    """
    if tile == length:      # a single tile may be as small as it likes
        return [Cut(0, 0, length)]
    starts = [*range(0, length - tile, tile - 2 * seen), length - tile]
    edges = [0, *(start + seen for start in starts[1:]), length]
    return [Cut(*cut) for cut in zip(starts, edges, edges[1:])]


def _tile_size(height: int, width: int, model: keras.Model, tile: int | None, seen: int, step: int) -> tuple[int, int]:
    """Height and width of the tiles for a photograph whose sides are multiples of the model's step."""
    if tile is not None:
        if tile < 3 * seen:             # less, and almost all work would be for the overlap
            raise ValueError(f"tile is {tile}; this generator sees {seen} pixels far, so use at least {3 * seen}.")
        return min(height, tile // step * step), min(width, tile // step * step)
    channels = next(layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    limit = max(PIXELS * 64 // channels, (4 * seen) ** 2)       # a third of each tile or more is to be of use
    if height * width <= limit:
        return height, width
    if any(isinstance(layer, keras.layers.GroupNormalization) for layer in model.layers):
        raise photos.PhotoError(
            f"The photograph has {height * width / 1e6:.1f} megapixels, too many for this network: instance and layer "
            "normalisation take their statistics over a whole photograph, and memory is kept for "
            f"{limit / 1e6:.1f} megapixels. Make the photograph smaller.")
    sizes = []
    for rows in range(1, height // step + 1):
        tile_height = _tile_for(height, rows, seen, step)
        columns = 1
        while tile_height * _tile_for(width, columns, seen, step) > limit and columns < width // step:
            columns += 1
        tile_width = _tile_for(width, columns, seen, step)
        if tile_height * tile_width <= limit:
            sizes.append((rows * columns * tile_height * tile_width, tile_height, tile_width))
    return min(sizes)[1:]


def _tile_for(length: int, count: int, seen: int, step: int) -> int:
    """The smallest tile that covers `length` in `count` tiles."""
    return length if count == 1 else _up(2 * seen + math.ceil((length - 2 * seen) / count), step)


_functions: "weakref.WeakKeyDictionary[keras.Model, Callable]" = weakref.WeakKeyDictionary()


def _compiled(model: keras.Model) -> Callable:
    """The model as one TensorFlow function for all sizes, traced once in the model's life."""
    if model not in _functions:
        lean = faster.rewritten(model, fold=True)       # reads the model's variables, but does not keep the model alive
        _functions[model] = tf.function(lambda x: lean(x, training=False), autograph=False,
                                        input_signature=[tf.TensorSpec((1, None, None, model.input_shape[-1]), tf.float32)])
    return _functions[model]
