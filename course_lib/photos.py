"""The built-in photographs, photo files of any kind, and the one conversion between photographs and networks."""

import csv
import io
import os
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from course_lib.files import atomic

DATA = Path(__file__).resolve().parent.parent / "data"
SPLITS = ("train", "validation", "test")

LIMIT = 64_000_000      # pixels of the largest photo read: decoded, it and its result take 400 MB
READS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM")     # no format that starts another program
WRITES = {
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},    # full colour resolution: sharp edges stay sharp
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".png": {"format": "PNG"},
    ".tif": {"format": "TIFF", "compression": "tiff_deflate"},
    ".tiff": {"format": "TIFF", "compression": "tiff_deflate"},
    ".webp": {"format": "WEBP", "quality": 95},
    ".bmp": {"format": "BMP"},
}
LONGEST = {"JPEG": 65_500, "WEBP": 16_383}      # pixels of a side, in these formats; the others take any photo within LIMIT

# Photographs inside scikit-image's wheel whose licence is stated: file, size, author, licence, origin.
# They are well known, and small, so they are all for training.
SCIKIT_IMAGE = (
    ("astronaut.png", "512x512", "NASA", "Public domain", "NASA Great Images: Eileen Collins"),
    ("coffee.png", "600x400", "Rachel Michetti", "CC0-1.0", "Pikolo Espresso Bar"),
    ("chelsea.png", "451x300", "Stefan van der Walt", "CC0-1.0", "Chelsea the cat"),
    ("rocket.jpg", "640x427", "SpaceX", "Public domain", "Launch of DSCOVR, Flickr 16511594820"),
)


@dataclass(frozen=True)
class Photo:
    """One built-in photograph; `size` is (width, height) in pixels."""

    name: str
    file: Path
    split: str
    size: tuple[int, int]
    author: str
    licence: str
    origin: str


class PhotoError(ValueError):
    """A photo that cannot be read or written; the message is one sentence for the user."""


def to_network(image: np.ndarray) -> np.ndarray:
    """uint8 (..., 3) in [0, 255] → float32 in [-1, 1], what the networks take."""
    return np.asarray(image, np.float32) / 127.5 - 1.0


def to_image(array: np.ndarray) -> np.ndarray:
    """float (..., 3) in [-1, 1] → uint8 in [0, 255], rounded and clipped."""
    return np.clip(np.rint((np.asarray(array, np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


@cache
def _catalogue() -> dict[str, Photo]:
    photos = []
    with open(DATA / "photos" / "PHOTOS.tsv", newline="", encoding="utf-8") as file:
        # Every quotation mark in the table is part of a name.
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = DATA / "photos" / row["file"]
            photos.append(Photo(path.stem, path, row["split"], _size(row["size"]), row["author"],
                                row["licence"], row["origin"]))
    import skimage

    folder = Path(skimage.__file__).parent / "data"     # read as files: skimage.data may download
    for file, size, author, licence, origin in SCIKIT_IMAGE:
        photos.append(Photo(file.split(".")[0], folder / file, "train", _size(size), author, licence,
                            f"scikit-image: {origin}"))
    return {photo.name: photo for photo in photos}


def names(split: str | None = None) -> list[str]:
    """The names of the built-in photographs: all, or those of "train", "validation" or "test"."""
    if split is not None and split not in SPLITS:
        raise ValueError(f'split is {split!r}; use "train", "validation" or "test".')
    return [photo.name for photo in _catalogue().values() if split in (None, photo.split)]


def info(name: str) -> Photo:
    """Where a built-in photograph comes from; ValueError lists the names when it is unknown."""
    if name not in _catalogue():
        raise ValueError(f"There is no built-in photograph {name!r}. There are: {', '.join(names())}.")
    return _catalogue()[name]


def load(name: str) -> np.ndarray:
    """A built-in photograph as uint8 RGB (H, W, 3); ValueError lists the names when it is unknown."""
    return read(info(name).file)


def read(path: str | os.PathLike) -> np.ndarray:
    """A photo file as uint8 RGB (H, W, 3), the way a viewer shows it.

    The camera's rotation (EXIF) is applied. Grey, palette and CMYK become RGB. 16 bits are
    scaled to 8 (65535 → 255). Transparent pixels are laid over white. Of several frames the
    first is taken. Colour profiles and other metadata are left out.

    Raises
    ------
    PhotoError if the file is missing, empty, damaged, not a photo, or over LIMIT pixels.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    try:
        if path.is_dir():
            raise PhotoError(f"{path} is a folder; give a photo file.")
        with warnings.catch_warnings():
            # Pillow warns of large images and odd metadata; LIMIT below is the rule here.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=READS) as image:
                width, height = image.size
                if width * height > LIMIT:
                    raise PhotoError(f"{path} has {width} x {height} pixels, {width * height / 1e6:.0f} megapixels; "
                                     f"at most {LIMIT / 1e6:.0f} are read. Make it smaller first.")
                return _to_rgb(ImageOps.exif_transpose(image), image.format, path)
    except PhotoError:
        raise
    except FileNotFoundError:
        raise PhotoError(f"There is no file {path}.") from None
    except UnidentifiedImageError:
        what = "is empty" if path.stat().st_size == 0 else "is not a photo this course can read"
        raise PhotoError(f"{path} {what}; use JPEG, PNG, WebP, BMP, GIF, or TIFF with 8 or 16 bits per value.") from None
    except Image.DecompressionBombError:
        raise PhotoError(f"{path} has far more than {LIMIT / 1e6:.0f} megapixels, the most that are read. "
                         "Make it smaller first.") from None
    except PermissionError:
        raise PhotoError(f"{path} may not be read; check its permissions.") from None
    except MemoryError:
        raise PhotoError(f"There is not enough memory to read {path}.") from None
    except Exception as error:      # each decoder raises what it likes: OSError, SyntaxError, struct.error ...
        what = "cannot be read" if getattr(error, "errno", None) else "is damaged and cannot be read"
        raise PhotoError(f"{path} {what} ({_reason(error)}).") from None


def _to_rgb(image, kind: str, path: Path) -> np.ndarray:
    """A Pillow image of any mode, from a file of this kind → uint8 RGB (H, W, 3)."""
    from PIL import Image

    if image.mode.startswith("I;16") or image.mode == "I" and kind == "PPM":    # of PPM, "I" is up to 65535, too
        # Pillow's own conversion clips at 255 instead of scaling.
        grey = np.rint(np.asarray(image, np.float32) / 257).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise PhotoError(f"{path} has 32 bits per value, and no scale to show them by; save it with 8 or 16 bits.")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def check_output(path: str | os.PathLike, image: np.ndarray) -> Path:
    """`path` as a Path, if a photo of the size of `image` can be written there; PhotoError says why not."""
    path = Path(path)
    if path.suffix.lower() not in WRITES:
        raise PhotoError(f"{path} cannot be written: {path.suffix or 'no ending'} is not a known photo format; "
                         f"use {', '.join(WRITES)}.")
    kind, (height, width) = WRITES[path.suffix.lower()]["format"], image.shape[:2]
    if max(height, width) > LONGEST.get(kind, np.inf):
        raise PhotoError(f"{path} cannot be written: the photograph has {width} x {height} pixels, and a side of a {kind} file "
                         f"at most {LONGEST[kind]}; use another format, such as .png.")
    try:
        if path.is_dir():
            raise PhotoError(f"{path} cannot be written: it is a folder.")
        if not path.parent.is_dir():
            raise PhotoError(f"{path} cannot be written: there is no folder {path.parent}.")
        if not os.access(path.parent, os.W_OK):
            raise PhotoError(f"{path} cannot be written: the folder {path.parent} does not allow it.")
    except OSError as error:            # such as a name that is too long
        raise PhotoError(f"{path} cannot be written ({_reason(error)}).") from None
    return path


def write(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write uint8 RGB (H, W, 3) as a photo; the ending of `path` chooses the format.

    The file appears whole or not at all; what stood there before stays until then.

    Raises
    ------
    PhotoError if the ending is unknown, or the file cannot be written.
    ValueError if `image` is not uint8 (H, W, 3).
    """
    from PIL import Image

    image = check_image(image)
    path = check_output(path, image)
    try:
        encoded = io.BytesIO()          # in memory: Pillow's own errors while writing say nothing
        Image.fromarray(image).save(encoded, **WRITES[path.suffix.lower()])
        with atomic(path) as part:
            part.write_bytes(encoded.getbuffer())
    except (OSError, ValueError) as error:
        raise PhotoError(f"{path} cannot be written ({_reason(error)}).") from None


def check_image(image: np.ndarray, name: str = "the image") -> np.ndarray:
    """`image` itself, if it is uint8 (H, W, 3) and not empty; ValueError says what `name` is instead."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"{name} is {image.dtype} of shape {image.shape}; it must be uint8 RGB, height x width x 3 "
                         "(photos.to_image converts a network's output).")
    return image


def _reason(error: Exception) -> str:
    """An exception in a few words, without its class and path."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(".").lower()
