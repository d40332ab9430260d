"""The built-in photographs, and the one conversion between photographs and networks."""

import csv
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "data"


def to_network(image: np.ndarray) -> np.ndarray:
    """uint8 (..., 3) in [0, 255] → float32 in [-1, 1], what the networks take."""
    return np.asarray(image, np.float32) / 127.5 - 1.0


def to_image(array: np.ndarray) -> np.ndarray:
    """float (..., 3) in [-1, 1] → uint8 in [0, 255], rounded and clipped."""
    return np.clip(np.rint((np.asarray(array, np.float32) + 1.0) * 127.5), 0, 255).astype(np.uint8)
