"""Reads a download of the GoPro dataset (Nah et al., arXiv:1612.02177; CC BY 4.0).

Two layouts are in circulation:

    official    {train,test}/GOPRxxxx_yy_zz/{blur,blur_gamma,sharp}/NNNNNN.png
    flat        {blur,sharp}/images/*.png

The flat one has neither a split nor `blur_gamma`. Its photographs in the order of their names
are video after video, so its last tenth is taken as "test" and the rest as "train": drawn at
random, near twins of the training photographs would be among the test photographs.
"""

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
    folder : what was unpacked; it holds `train` and `test`, or `blur` and `sharp`.
    split : "train", "test" or "all".
    variant : "blur" averages stored values, "blur_gamma" linear light (gamma 2.2).
    limit : at most so many pairs, spread evenly over all; all of them by default.

    Raises
    ------
    FileNotFoundError, listing what is missing, if the folder is not complete.
    ValueError if another argument is none of the above.
    """
    folder = Path(folder)
    if split not in SPLITS or variant not in VARIANTS:
        raise ValueError(f"split is {split!r} and variant {variant!r}; use {' or '.join(SPLITS)}, "
                         f"and {' or '.join(VARIANTS)}.")
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}; it must be at least 1, or None for all pairs.")
    flat = (folder / "blur").is_dir() or (folder / "sharp").is_dir()
    found = _flat(folder, split, variant) if flat else _official(folder, split, variant)
    if limit is None or limit >= len(found):
        return found
    return [found[i] for i in np.arange(limit) * len(found) // limit]


def read(pair: tuple[Path, Path]) -> tuple[np.ndarray, np.ndarray]:
    """The blurred and the sharp photograph of a pair, uint8 (H, W, 3); ValueError if they are not of one size."""
    blurred, sharp = (photos.read(path) for path in pair)
    if blurred.shape != sharp.shape:
        sizes = [f"{path} is {image.shape[1]}x{image.shape[0]}" for path, image in zip(pair, (blurred, sharp))]
        raise ValueError(f"{sizes[0]}, but {sizes[1]} pixels: a pair must be of one size. Unpack the download again.")
    return blurred, sharp


def _official(folder: Path, split: str, variant: str) -> list[tuple[Path, Path]]:
    found, missing = [], []
    for part in ("train", "test") if split == "all" else (split,):
        sequences = sorted(path for path in (folder / part).glob("*") if path.is_dir())
        if not sequences:
            missing.append(f"{part}/ with its sequences, such as {part}/GOPR0372_07_00/")
        for sequence in sequences:
            _match(folder, sequence / variant, sequence / "sharp", found, missing)
    return _complete(folder, found, missing)


def _flat(folder: Path, split: str, variant: str) -> list[tuple[Path, Path]]:
    if variant != "blur":
        raise ValueError(f"variant is {variant!r}, but {folder} has the flat layout, which holds only \"blur\"; "
                         "use that, or the official download.")
    found, missing = [], []
    _match(folder, folder / "blur" / "images", folder / "sharp" / "images", found, missing)
    _complete(folder, found, missing)
    if len(found) == 1 and split == "test":
        raise FileNotFoundError(f"{folder} holds a single pair, which is for training; a test split needs a second one.")
    train = max(1, len(found) - max(1, len(found) // 10))
    return {"train": found[:train], "test": found[train:], "all": found}[split]


def _match(folder: Path, blur: Path, sharp: Path, found: list, missing: list) -> None:
    """Append the pairs of two of the folder's parts to `found`, and what lacks its partner to `missing`."""
    def name(path: Path) -> str:
        return path.relative_to(folder).as_posix()

    missing += [f"{name(path)}/" for path in (blur, sharp) if not path.is_dir()]
    if not (blur.is_dir() and sharp.is_dir()):
        return
    blurred, clear = ({file.name for file in path.glob("[!.]*.png")} for path in (blur, sharp))
    if not blurred | clear:
        missing.append(f"photographs (*.png) in {name(blur)}/ and {name(sharp)}/")
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
        "It should hold {train,test}/SEQUENCE/{blur,blur_gamma,sharp}/NNNNNN.png or {blur,sharp}/images/*.png; "
        "give the folder that holds these, and unpack the download again if files are lost.")
