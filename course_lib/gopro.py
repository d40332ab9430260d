"""Reads a copy of the GoPro dataset (Nah et al., arXiv:1612.02177; CC BY 4.0), or pairs that are laid out like one.

These layouts are in circulation:

    official    {train,test}/GOPRxxxx_yy_zz/{blur,blur_gamma,sharp}/NNNNNN.png
    by split    {train,test}/{blur,sharp}/*.png, or {train,test}/{input,target}/*.png
    flat        {blur,sharp}/images/*.png, or {blur,sharp}/*.png

Only the official one has `blur_gamma`, and the flat one has no split. Its photographs in the order
of their names are video after video, so its last tenth is taken as "test" and the rest as "train":
drawn at random, near twins of the training photographs would be among the test photographs.
"""

import os
from pathlib import Path

import numpy as np

from course_lib import photos

SPLITS = ("train", "test", "all")
VARIANTS = ("blur", "blur_gamma")


def pairs(
    folder: str | Path,
    split: str = "train",
    variant: str = "blur",
    limit: int | None = None,
) -> list[tuple[Path, Path]]:
    """The (blurred, sharp) photographs of a GoPro folder, in the order of their names.

    Parameters
    ----------
    folder : what was unpacked; it holds `train` and `test`, or `blur` and `sharp`. "~" is the home folder.
    split : "train", "test" or "all".
    variant : "blur" averages stored values, "blur_gamma" linear light (gamma 2.2).
    limit : at most so many pairs, spread evenly over all; all of them by default.

    Raises
    ------
    FileNotFoundError if there is no such folder, or, listing what is missing, if it is not complete.
    ValueError if another argument is none of the above.
    """
    folder = Path(os.path.expanduser(folder))       # which leaves "~nobody" as it is
    if split not in SPLITS or variant not in VARIANTS:
        raise ValueError(f"split is {split!r} and variant {variant!r}; use {' or '.join(SPLITS)}, "
                         f"and {' or '.join(VARIANTS)}.")
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}; it must be at least 1, or None for all pairs.")
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}; give the folder that the GoPro dataset was unpacked to.")
    halves = _halves(folder, variant)
    found = _flat(folder, halves, split) if halves else _split(folder, split, variant)
    if limit is None or limit >= len(found):
        return found
    return [found[i] for i in np.arange(limit) * len(found) // limit]


def read(pair: tuple[Path, Path]) -> tuple[np.ndarray, np.ndarray]:
    """The blurred and the sharp photograph of a pair, uint8 (H, W, 3); PhotoError if they can't be read or are not of one size."""
    blurred, sharp = (photos.read(path) for path in pair)
    if blurred.shape != sharp.shape:
        sizes = [f"{path} is {image.shape[1]}x{image.shape[0]}" for path, image in zip(pair, (blurred, sharp))]
        raise photos.PhotoError(f"{sizes[0]}, but {sizes[1]} pixels: a pair must be of one size. Unpack the download again.")
    return blurred, sharp


def _split(folder: Path, split: str, variant: str) -> list[tuple[Path, Path]]:
    found, missing = [], []
    for part in ("train", "test") if split == "all" else (split,):
        if halves := _halves(folder / part, variant):
            _match(folder, *halves, found, missing)
            continue
        sequences = sorted(path for path in (folder / part).glob("[!.]*") if path.is_dir())
        if not sequences:
            missing.append(f"{part}/ with its sequences, such as {part}/GOPR0372_07_00/")
        for sequence in sequences:
            _match(folder, sequence / variant, sequence / "sharp", found, missing)
    return _complete(folder, found, missing)


def _flat(folder: Path, halves: tuple[Path, Path], split: str) -> list[tuple[Path, Path]]:
    found, missing = [], []
    _match(folder, *halves, found, missing)
    _complete(folder, found, missing)
    if len(found) == 1 and split == "test":
        raise FileNotFoundError(f"{folder} holds a single pair, which is for training; a test split needs a second one.")
    train = max(1, len(found) - max(1, len(found) // 10))
    return {"train": found[:train], "test": found[train:], "all": found}[split]


def _halves(folder: Path, variant: str) -> tuple[Path, Path] | None:
    """Where the blurred and the sharp photographs lie, if not in sequences; ValueError for a variant that is not there."""
    for names in (("blur", "sharp"), ("input", "target")):
        halves = [folder / name for name in names]
        if any(half.is_dir() for half in halves):
            if variant != "blur":
                raise ValueError(f"variant is {variant!r}, but {folder} has no sequences, and only one blur; "
                                 'use "blur", or the official download.')
            inner = "images" if any((half / "images").is_dir() for half in halves) else ""
            return halves[0] / inner, halves[1] / inner
    return None


def _match(folder: Path, blur: Path, sharp: Path, found: list, missing: list) -> None:
    """Append the pairs of two of the folder's parts to `found`, and what lacks its partner to `missing`."""
    def name(path: Path) -> str:
        return path.relative_to(folder).as_posix()

    missing += [f"{name(path)}/" for path in (blur, sharp) if not path.is_dir()]
    if not (blur.is_dir() and sharp.is_dir()):
        return
    blurred, clear = ({file.name for file in path.glob("[!.]*") if file.suffix.lower() in photos.WRITES} for path in (blur, sharp))
    if not blurred | clear:
        missing.append(f"photographs ({', '.join(photos.WRITES)}) in {name(blur)}/ and {name(sharp)}/")
    missing += [name(sharp / file) for file in sorted(blurred - clear)]
    missing += [name(blur / file) for file in sorted(clear - blurred)]
    found += [(blur / file, sharp / file) for file in sorted(blurred & clear)]


def _complete(folder: Path, found: list, missing: list) -> list[tuple[Path, Path]]:
    """`found`, or one error that lists what is missing, relative to the folder."""
    if not missing:
        return found
    shown = [f"  {item}" for item in missing[:8]]
    if len(missing) > 8:
        shown.append(f"  and {len(missing) - 8} more")
    raise FileNotFoundError(
        f"{folder} is not a complete GoPro folder. Missing:\n" + "\n".join(shown) + "\n"
        "It should hold one of these, with both photographs of a pair under the same name:\n"
        "  {train,test}/SEQUENCE/{blur,blur_gamma,sharp}/NNNNNN.png, as GOPRO_Large does (GOPRO_Large_all has no blurred photographs)\n"
        "  {train,test}/{blur,sharp}/NAME.png\n"
        "  {blur,sharp}/NAME.png\n"
        "Give the folder that holds these, and unpack the download again if files are lost.")
