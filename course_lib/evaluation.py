"""PSNR and SSIM by one stated protocol, and tables like the report's Table 4 (lesson 09)."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

import numpy as np

from course_lib import photos

PROTOCOL = """\
Images are uint8 RGB, compared at full size: nothing is resized, cropped or registered.
PSNR = 10 log10(255² / MSE) in decibels, the mean squared error over all pixels and channels.
SSIM (Wang et al. 2004): data range 255, K1 = 0.01, K2 = 0.03, Gaussian window of 11 x 11 with
sigma = 1.5, population covariance, each colour channel on its own and then their mean; a
border of 5 pixels, where the window leaves the image, does not enter the mean.
Both are scikit-image's (peak_signal_noise_ratio, structural_similarity). Statistics are over
photographs, each counting the same."""

STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean}      # the columns of Table 4


def psnr(sharp: np.ndarray, image: np.ndarray) -> float:
    """Peak signal-to-noise ratio in decibels, by PROTOCOL; infinite for identical images.

    Parameters
    ----------
    sharp, image : uint8 (H, W, 3), the reference and what is judged.

    Raises
    ------
    ValueError if they are not both uint8 RGB of one shape.
    """
    from skimage.metrics import peak_signal_noise_ratio

    _check(sharp, image)
    with np.errstate(divide="ignore"):      # identical images
        return float(peak_signal_noise_ratio(sharp, image, data_range=255))


def ssim(sharp: np.ndarray, image: np.ndarray) -> float:
    """Structural similarity, -1 to 1, by PROTOCOL; 1 for identical images.

    Parameters
    ----------
    sharp, image : uint8 (H, W, 3), at least 11 pixels high and wide.

    Raises
    ------
    ValueError if they are smaller, or not both uint8 RGB of one shape.
    """
    from skimage.metrics import structural_similarity

    _check(sharp, image)
    if min(sharp.shape[:2]) < 11:
        raise ValueError(f"the images are {sharp.shape[1]} x {sharp.shape[0]} pixels; SSIM's window needs 11 x 11.")
    return float(structural_similarity(sharp, image, data_range=255, channel_axis=-1, gaussian_weights=True,
                                       sigma=1.5, use_sample_covariance=False))


def _check(sharp: np.ndarray, image: np.ndarray) -> None:
    for name, array in (("the sharp image", sharp), ("the image", image)):
        photos.check_image(array, name)
    if sharp.shape != image.shape:
        raise ValueError(f"the sharp image has shape {sharp.shape} and the image {image.shape}; "
                         "they must be equal: resizing either would change the score.")


@dataclass(frozen=True)
class Score:
    """What one method reached on one pair; `pair` counts from 0."""

    method: str
    pair: int
    psnr: float
    ssim: float


@dataclass(frozen=True)
class Scores:
    """Every method's score on every pair; shows itself as a table like the report's Table 4."""

    records: tuple[Score, ...]

    def summary(self) -> dict[str, dict[str, dict[str, float]]]:
        """{method: {"PSNR": {"maximum": …, "minimum": …, "mean": …}, "SSIM": {…}}}, as report.TABLE_4."""
        methods = dict.fromkeys(record.method for record in self.records)
        return {
            method: {
                metric: {name: float(statistic([getattr(record, metric.lower()) for record in self.records
                                                if record.method == method]))
                         for name, statistic in STATISTICS.items()}
                for metric in ("PSNR", "SSIM")
            }
            for method in methods
        }

    def _rows(self) -> list[list[str]]:
        """A heading and a row per method and metric; PSNR with two decimals, SSIM with three."""
        rows = [["Method", "Metric", *(f"{name.capitalize()} value" for name in STATISTICS)]]
        for method, metrics in self.summary().items():
            for metric, values in metrics.items():
                digits = 2 if metric == "PSNR" else 3
                rows.append([method, metric, *("∞" if math.isinf(value) else f"{value:.{digits}f}"
                                               for value in values.values())])
        return rows

    def __str__(self) -> str:
        rows = self._rows()
        width = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join(
            "  ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, width))).rstrip()
            for row in rows)

    def _repr_html_(self) -> str:
        heading, *rows = self._rows()
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heading)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        pairs = len({record.pair for record in self.records})
        return (f"<table><caption>PSNR (dB) and SSIM over {pairs} photograph{'s' * (pairs != 1)}</caption>"
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def score(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
    methods: dict[str, Callable[[np.ndarray], np.ndarray]],
) -> Scores:
    """Score methods on pairs of photographs.

    Parameters
    ----------
    pairs : (blurred, sharp), both uint8 RGB of one shape; pairs may differ in size. They are
        taken one at a time, so a generator of many keeps memory low.
    methods : {name: function from a blurred image to a deblurred one of the same shape}. The
        row every table needs is {"blurred input": lambda image: image}.

    Raises
    ------
    ValueError if there is no pair or no method, or a method returns another shape or dtype.
    """
    records = []
    for number, (blurred, sharp) in enumerate(pairs):
        for name, method in methods.items():
            image = method(blurred)
            try:
                records.append(Score(name, number, psnr(sharp, image), ssim(sharp, image)))
            except ValueError as error:
                raise ValueError(f"{name} on pair {number}: {error}") from None
    if not records:
        raise ValueError("nothing to score: there must be at least one pair and one method.")
    return Scores(tuple(records))
