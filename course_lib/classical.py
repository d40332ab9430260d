"""Deconvolution with a known point spread function: what was done before networks (lesson 02).

Both undo one convolution, the same over the whole image. They are scikit-image's, applied to
each colour channel in linear light, where blur adds up.
"""

from collections.abc import Callable

import numpy as np

from course_lib.blur import GAMMA, to_light, to_stored


def wiener(image: np.ndarray, psf: np.ndarray, balance: float = 0.002, gamma: float = GAMMA) -> np.ndarray:
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

    References
    ----------
    Hunt, IEEE Trans. Audio Electroacoust. 19 (1971) 285; `skimage.restoration.wiener`.
    """
    from skimage.restoration import wiener as deconvolve

    if balance < 0:
        raise ValueError(f"balance is {balance}; it must be at least 0.")
    return _each_channel(image, psf, gamma, lambda channel: deconvolve(channel, psf, balance))


def richardson_lucy(image: np.ndarray, psf: np.ndarray, iterations: int = 30, gamma: float = GAMMA) -> np.ndarray:
    """Richardson-Lucy deconvolution: correct the estimate, again and again, by what it fails to explain.

    Parameters
    ----------
    image, psf, gamma : as in `wiener`.
    iterations : few leave blur, many amplify noise and ring along edges.

    Returns
    -------
    uint8 (H, W, 3).

    References
    ----------
    Richardson, J. Opt. Soc. Am. 62 (1972) 55; Lucy, Astron. J. 79 (1974) 745;
    `skimage.restoration.richardson_lucy`.
    """
    from skimage.restoration import richardson_lucy as deconvolve

    if iterations < 1:
        raise ValueError(f"iterations is {iterations}; it must be at least 1.")
    return _each_channel(image, psf, gamma, lambda channel: deconvolve(channel, psf, iterations))


def _each_channel(image: np.ndarray, psf: np.ndarray, gamma: float, deconvolve: Callable) -> np.ndarray:
    """Apply to each channel's light. A mirrored border, two kernels wide, takes up what the edges cause."""
    if psf.ndim != 2 or psf.shape[0] % 2 == 0 or psf.shape[1] % 2 == 0 or not np.isclose(psf.sum(), 1, atol=1e-3):
        raise ValueError(f"psf has shape {psf.shape} and sum {psf.sum():.3g}; it needs two odd sides and the sum 1.")
    light = to_light(image, gamma)
    border = [(2 * side, 2 * side) for side in psf.shape]
    inside = tuple(slice(before, -after) for before, after in border)
    channels = [deconvolve(np.pad(channel, border, mode="reflect"))[inside] for channel in np.moveaxis(light, 2, 0)]
    return to_stored(np.stack(channels, axis=2), gamma)
