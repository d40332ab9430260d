"""The built-in photographs, photo files of any kind, and the one conversion between photographs and networks."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "data"
SPLITS = ("train", "validation", "test")

# Photographs inside scikit-image's wheel: file, size, author, licence, origin. They are well
# known, and small, so they are all for training.
SCIKIT_IMAGE = (
    ("astronaut.png", "512x512", "NASA", "Public domain", "NASA Great Images: Eileen Collins"),
    ("coffee.png", "600x400", "Rachel Michetti", "CC0-1.0", "Pikolo Espresso Bar"),
    ("chelsea.png", "451x300", "Stefan van der Walt", "CC0-1.0", "Chelsea the cat"),
    ("rocket.jpg", "640x427", "SpaceX", "Public domain", "Launch of DSCOVR, Flickr 16511594820"),
    ("motorcycle_left.png", "741x500", "Nera Nesic and others", "No licence stated",
     "Middlebury 2014 stereo benchmark, Scharstein et al., GCPR 2014"),
)


@dataclass(frozen=True)
class Photo:
    """One built-in photograph; `size` is (width, height) in pixels, `sha256` is "" for scikit-image's."""

    name: str
    file: Path
    split: str
    size: tuple[int, int]
    author: str
    licence: str
    origin: str
    sha256: str = ""


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
                                row["licence"], row["origin"], row["sha256"]))
    import skimage

    folder = Path(skimage.__file__).parent / "data"     # read as files: skimage.data may download
    for file, size, author, licence, origin in SCIKIT_IMAGE:
        name = file.split(".")[0].removesuffix("_left")
        photos.append(Photo(name, folder / file, "train", _size(size), author, licence,
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
    from PIL import Image

    with Image.open(info(name).file) as image:
        return np.array(image.convert("RGB"))
