"""A training run on disk: settings, history, weights and pictures of every epoch, one checkpoint.

    RUN/settings.json           what was asked for, complete
    RUN/history.csv             one row per epoch; epoch 0 is the untrained network
    RUN/epochs/0000.npz …       the generator after each epoch, half precision
    RUN/pictures/0000_0.webp …  held-out photographs 0, 1, … after each epoch
    RUN/pictures/blurred_0.webp, sharp_0.webp …
    RUN/checkpoint.npz          everything needed to continue exactly, latest only

No TensorFlow here: lessons read stored runs in an instant. Every file is written beside its
place and then moved there, so that a crash leaves the old file or the new one, never half.
"""

import csv
import io
import json
import math
import operator
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
from PIL import Image

from course_lib.files import atomic


class RunError(ValueError):
    """Something about a run folder stops training; the message says what, and what to do."""


@dataclass(frozen=True)
class Settings:
    """All that decides a run. The defaults are the report's (Section 3.2) wherever it speaks."""

    # data
    data: str = "photos"            # "photos+": more of them to train on; "gopro:FOLDER"
    level: int = 4                  # of the difficulty ladder, for "photos"
    limit: int | None = 500         # images per epoch, "around 500" (Section 3.1): of GoPro so many pairs, one crop
                                    # of each; of the few built-in photographs so many crops
    unmoved: float = 0.0            # part of the pairs of "photos" that no motion blurred: sharp already, or enlarged
    patch: int = 256                # pixels
    squash: bool = False            # shrink whole GoPro frames instead of cropping them
    batch: int = 16
    epochs: int = 40
    steps: int | None = None        # per epoch; None: as many as `limit` asks for, rounded up to full batches

    # generator
    network: str = "report"         # or "multiscale", "nafnet": see variants
    width: int = 64
    blocks: int = 9
    normalisation: str = "batch"    # this and the next three of the report's network alone
    statistics: str = "batch"       # what batch normalisation trains with; "stored": what it is used with afterwards
    output: str = "residual"        # the report is silent on this and the next; see networks.generator
    dropout: float = 0.0

    # objective
    objective: str = "report"
    content: str | None = None      # "l1", "psnr" or "perceptual"; None: l1 alone, perceptual under an adversarial loss
    content_weight: float = 100.0   # the known implementation's 100 : 1; the report is silent
    adversarial_weight: float = 1.0
    critic_steps: int = 5           # critic updates per generator update; the report is silent
    penalty: float = 10.0           # λ of the gradient penalty (reference [9])
    vgg_preprocess: bool = True
    vgg_weights: str = "built-in"   # or "keras", which downloads
    start_from: str | None = None   # a run or pretrained network whose generator is taken over, widened if it is narrower

    # optimizer: Adam, Section 3.2
    learning_rate: float = 1e-4
    schedule: str = "constant"      # or "cosine", down to 1 % at the last step
    warmup: int = 0                 # steps in which the rate of "cosine" rises from 0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    clip: float | None = None       # the longest gradient, over all weights; a longer one is shortened

    # machine
    precision: str = "auto"
    seed: int = 0
    held_out: int = 8               # validation crops, scored and pictured after every epoch
    held_out_patch: int = 256       # their side in pixels

    def __post_init__(self):
        """ValueError, naming the setting, for a value of another type or below the least that makes sense."""
        for name in (field.name for field in fields(self)):
            value, kinds = getattr(self, name), _kinds(name)
            if not isinstance(value, kinds + (int,) * (float in kinds)):
                raise ValueError(f"{name} is {value!r}; it takes {_names(kinds)}.")
        for name, (least, multiple) in _LEAST.items():
            value = getattr(self, name)
            if value is not None and (value < least or value % multiple):
                raise ValueError(f"{name} is {value}; it must be at least {least}"
                                 + (f" and a multiple of {multiple}." if multiple > 1 else "."))
        for names, fits, words in _RANGES:
            for name in names:
                value = getattr(self, name)
                if value is not None and not fits(value):
                    raise ValueError(f"{name} is {value}; it must be {words}.")

    def changed(self, **changes) -> "Settings":
        """A copy with some settings changed; ValueError for a name that is none or a value that can't be used."""
        for name in changes:
            _kinds(name)
        return replace(self, **changes)

    def changed_by(self, texts: list[str]) -> "Settings":
        """A copy with settings changed by texts such as "width=32": ValueError says which text is wrong and why."""
        changes = {}
        for text in texts:
            name, _, value = text.partition("=")
            for kind in reversed(_kinds(name)):     # none first: every text is a str
                try:
                    changes[name] = _READERS[kind](value)
                    break
                except (ValueError, KeyError):
                    continue
            else:
                raise ValueError(f"{text!r} can't be used: {name} takes {_names(_kinds(name))}.")
        return self.changed(**changes)


@cache
def _kinds(name: str) -> tuple[type, ...]:
    """The types a setting may have, None's last; ValueError for a name that is no setting's."""
    kinds = get_type_hints(Settings)
    if name not in kinds:
        raise ValueError(f"There is no setting {name!r}. There are: {', '.join(kinds)}.")
    return get_args(kinds[name]) or (kinds[name],)


def _names(kinds: tuple[type, ...]) -> str:
    words = {type(None): "none", bool: "true or false"}
    return " or ".join(words.get(kind, kind.__name__) for kind in kinds)


# The least value of a setting, and what it must be a multiple of: the generator halves its input
# twice, and SSIM needs 11 pixels.
_LEAST = {
    "limit": (1, 1), "patch": (4, 4), "batch": (1, 1), "epochs": (1, 1), "steps": (1, 1), "critic_steps": (1, 1),
    "warmup": (0, 1), "seed": (0, 1), "held_out": (1, 1), "held_out_patch": (12, 4),
}

_RANGES = [
    (("learning_rate", "epsilon", "clip"), lambda value: 0 < value < math.inf, "more than 0, and finite"),
    (("content_weight", "adversarial_weight", "penalty"), lambda value: 0 <= value < math.inf, "0 or more, and finite"),
    (("beta_1", "beta_2"), lambda value: 0 <= value < 1, "0 or more, and less than 1"),
    (("seed",), lambda value: value < 2**32, "less than 2**32"),
]

_READERS = {
    bool: lambda text: {"true": True, "false": False}[text.lower()],
    type(None): lambda text: {"none": None}[text.lower()],
    int: int, float: float, str: str,
}

SIZES = {
    # Seconds. Proves that everything runs; its numbers mean nothing.
    "smoke": Settings(level=1, patch=32, batch=4, epochs=2, steps=3, width=4, blocks=1, objective="content",
                      learning_rate=1e-3, schedule="cosine", precision="float32", held_out=2, held_out_patch=64),
    # Minutes on two cores, for a gain one can see: a small network, one blur, mean absolute error.
    "laptop": Settings(level=1, patch=64, batch=16, epochs=10, steps=60, width=16, blocks=3, objective="content",
                       learning_rate=1e-3, schedule="cosine", held_out=8, held_out_patch=128),
    # Section 3.2 to the letter. Days on two cores.
    "paper": Settings(),
}


class Run:
    """A run folder, opened for reading. Lessons compare epochs with it; nothing is changed.

    Raises
    ------
    RunError if the folder holds no run.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        path = self.folder / "settings.json"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            self.settings = Settings(**stored["settings"])
        except FileNotFoundError:
            raise RunError(f"{self.folder} holds no run (settings.json is missing): check the folder's name.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path} can't be read as a run's settings ({error}): restore it or start a new run in "
                           "another folder.") from None

    @property
    def history(self) -> list[dict[str, float]]:
        """One dictionary per finished epoch: epoch, step, seconds, losses, psnr and ssim of the held-out crops."""
        try:
            text = (self.folder / "history.csv").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        try:
            return [{key: float(value) for key, value in row.items() if value != ""} for row in csv.DictReader(io.StringIO(text))]
        except (TypeError, ValueError) as error:
            raise RunError(f"{self.folder / 'history.csv'} is damaged ({error}); restore the file.") from None

    def picture(self, which: int | str, photo: int = 0) -> np.ndarray:
        """Held-out photograph number `photo` after an epoch, -1 the last, or "blurred" or "sharp": uint8 (H, W, 3)."""
        name = which if isinstance(which, str) else f"{self._epoch(which):04d}"
        path = self.folder / "pictures" / f"{name}_{photo}.webp"
        if not path.exists():
            count = len(list(path.parent.glob("blurred_*.webp")))
            raise RunError(f"There is no picture {path}: the run has epochs 0 to {len(self.history) - 1} of photographs 0 to {count - 1}.")
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))

    def _epoch(self, number: int) -> int:
        """Any kind of whole number as an int; negative ones count from the end."""
        number = operator.index(number)
        return number + len(self.history) if number < 0 else number

    def weights(self, epoch: int = -1) -> Path:
        """The file of the generator's weights after an epoch; -1 is the last."""
        path = self.folder / "epochs" / f"{self._epoch(epoch):04d}.npz"
        if not path.exists():
            raise RunError(f"There are no weights {path}: the run has epochs 0 to {len(self.history) - 1}.")
        return path


def write_settings(folder: Path, settings: Settings, generator: dict) -> None:
    """Write settings.json; `generator` holds the keyword arguments of `variants.build`."""
    with atomic(folder / "settings.json") as temporary:
        temporary.write_text(json.dumps({"generator": generator, "settings": asdict(settings)}, indent=1) + "\n",
                             encoding="utf-8")


def write_history(folder: Path, rows: list[dict[str, float]]) -> None:
    """Write history.csv: six significant digits, columns in the order of the last row."""
    names = list(rows[-1])
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows({key: f"{value:.6g}" for key, value in row.items()} for row in rows)
    with atomic(folder / "history.csv") as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def write_pictures(folder: Path, which: int | str, images: np.ndarray) -> None:
    """Write the held-out photographs (N, H, W, 3) uint8 after an epoch, or "blurred", or "sharp"."""
    name = f"{which:04d}" if isinstance(which, int) else which
    for i, image in enumerate(images):
        with atomic(folder / "pictures" / f"{name}_{i}.webp") as temporary:
            Image.fromarray(image).save(temporary, format="WEBP", quality=92)


def write_checkpoint(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write checkpoint.npz, {name: array of any shape}. Zip's checksums make a damaged file known when it is read."""
    with atomic(folder / "checkpoint.npz") as temporary:
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)


def read_checkpoint(folder: Path) -> dict[str, np.ndarray]:
    """Read checkpoint.npz. RunError if it is damaged; FileNotFoundError or PermissionError if it can't be opened."""
    path = folder / "checkpoint.npz"
    try:
        with np.load(path) as file:
            return dict(file)
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:      # zipfile, zlib, struct, NumPy: each has its own way of saying "damaged"
        raise RunError(f"{path} is damaged ({error}). The weights of every finished epoch are in {folder / 'epochs'}: "
                       f"start a new run with --start-from {folder}.") from None
