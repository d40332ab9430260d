"""Deconvolution with a known point spread function: what was done before networks (lesson 02).

Both undo one convolution, the same over the whole image, in each colour channel, in linear light,
where blur adds up. The Wiener filter is scikit-image's; Richardson-Lucy is short enough to read here.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import fft

from course_lib.blur import GAMMA, check_psf, to_light, to_stored


def wiener(image: np.ndarray, psf: np.ndarray, balance: float = 0.02, gamma: float = GAMMA) -> np.ndarray:
    """Wiener-Hunt deconvolution: divide in the frequency domain, except where little is left to divide.

    Parameters
    ----------
    image : uint8 (H, W, 3), blurred.
    psf : (K, K), K odd, sum 1, as `blur.linear_psf` and `blur.path_psf` return.
    balance : weight of smoothness against the data. 0 is plain division, which amplifies
        noise without bound; the noisier the image, the larger it must be.
    gamma : the response curve to undo first; 1 works on stored values.

    Returns
    -------
    uint8 (H, W, 3).

    Raises
    ------
    ValueError if the image is not uint8 RGB, `psf` has an even side or another sum, or `balance` is negative.

    References
    ----------
    Wiener 1949; `skimage.restoration.wiener`, which cites Hunt, IEEE Trans. Audio Electroacoust. 19 (1971) 285, for waves as eigenvectors.
    """
    from skimage.restoration import wiener as deconvolve

    if balance < 0:
        raise ValueError(f"balance is {balance}; it must be at least 0.")
    return _each_channel(image, psf, gamma, lambda channel: [deconvolve(channel, psf, balance)])[0]


def richardson_lucy(image: np.ndarray, psf: np.ndarray, iterations: int = 30, gamma: float = GAMMA) -> np.ndarray:
    """Richardson-Lucy deconvolution: correct the estimate, again and again, by what it fails to explain.

    Parameters
    ----------
    image, psf, gamma : as in `wiener`.
    iterations : few leave blur, many amplify noise and ring along edges.

    Returns
    -------
    uint8 (H, W, 3).

    Raises
    ------
    ValueError if the image is not uint8 RGB, `psf` has an even side or another sum, or there is no iteration.

    References
    ----------
    Richardson, J. Opt. Soc. Am. 62 (1972) 55; Lucy, Astron. J. 79 (1974) 745.
    """
    return richardson_lucy_at(image, psf, [iterations], gamma)[0]


def richardson_lucy_at(image: np.ndarray, psf: np.ndarray, counts: Sequence[int], gamma: float = GAMMA) -> list[np.ndarray]:
    """The results of `richardson_lucy` after each of several different numbers of iterations, in rising order, from one run."""
    if min(counts) < 1:
        raise ValueError(f"iterations is {min(counts)}; it must be at least 1.")

    def deconvolve(channel: np.ndarray) -> list[np.ndarray]:
        transfer = _transfer(psf, channel.shape)
        estimate, results = np.full_like(channel, 0.5), []
        for done in range(1, max(counts) + 1):
            unexplained = channel / np.maximum(_convolve(estimate, transfer), 1e-6)     # 1 where the estimate, blurred, is the image
            estimate *= np.maximum(_convolve(unexplained, transfer.conj()), 0)          # shared out to the pixels whose light it was
            if done in counts:
                results.append(estimate.copy())
        return results

    return _each_channel(image, psf, gamma, deconvolve, length=lambda side: fft.next_fast_len(side, real=True))


def _each_channel(image: np.ndarray, psf: np.ndarray, gamma: float, deconvolve: Callable,
                  length: Callable = lambda side: side) -> list[np.ndarray]:
    """Apply to each channel's light, continued on every side by two kernels' width, and cut that off again.

    `deconvolve` returns one or more results; `length` is what a side becomes before, at least itself.
    """
    check_psf(psf)
    light, border = to_light(image, gamma), 2 * max(psf.shape)
    (height, width), ends = light.shape[:2], [(border, length(side + 2 * border) - side - border) for side in light.shape[:2]]
    channels = [deconvolve(_continue(channel, psf, ends)) for channel in np.moveaxis(light, 2, 0)]
    return [to_stored(np.stack(result, axis=2)[border:border + height, border:border + width], gamma) for result in zip(*channels)]


def _continue(channel: np.ndarray, psf: np.ndarray, ends: list[tuple[int, int]]) -> np.ndarray:
    """The channel mirrored beyond its border, by `ends` pixels, and blended into its own far side there.

    In the frequency domain an image continues at its far side. A step there is something no
    blur by `psf` could have made, and deconvolution answers with ripples all over the image.
    """
    wide = np.pad(channel, ends, mode="reflect")
    rises = [[np.sin(np.linspace(0, np.pi / 2, end, endpoint=False)) ** 2 for end in both] for both in ends]
    ramps = [np.concatenate([first, np.ones(side), last[::-1]]) for (first, last), side in zip(rises, channel.shape)]
    keep, transfer = np.outer(*ramps).astype(np.float32), _transfer(psf, wide.shape)
    for _ in range(3):      # each pass takes the blurred far side in, a little further
        wide = keep * wide + (1 - keep) * _convolve(wide, transfer)
    return wide


def _transfer(psf: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """What a convolution with `psf` multiplies each frequency of an image of this shape by, complex64."""
    wide = np.zeros(shape, np.float32)
    wide[:psf.shape[0], :psf.shape[1]] = psf
    return fft.rfft2(np.roll(wide, [-(side // 2) for side in psf.shape], (0, 1)))


def _convolve(image: np.ndarray, transfer: np.ndarray) -> np.ndarray:
    """A convolution in the frequency domain, where the image continues at its far side."""
    return fft.irfft2(fft.rfft2(image, workers=-1) * transfer, image.shape, workers=-1)
