"""Deconvolution with a known point spread function: what was done before networks (lesson 02).

Both undo one convolution, the same over the whole image. They are scikit-image's, applied to
each colour channel in linear light, where blur adds up.
"""

from collections.abc import Callable

import numpy as np

from course_lib.blur import GAMMA, to_light, to_stored


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

    Raises
    ------
    ValueError if the image is not uint8 RGB, `psf` has an even side or another sum, or there is no iteration.

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
    """Apply to each channel's light, continued on every side by two kernels' width, and cut that off again."""
    if psf.ndim != 2 or psf.shape[0] % 2 == 0 or psf.shape[1] % 2 == 0 or not np.isclose(psf.sum(), 1, atol=1e-3):
        raise ValueError(f"psf has shape {psf.shape} and sum {psf.sum():.3g}; it needs two odd sides and the sum 1.")
    border = 2 * max(psf.shape)
    channels = [deconvolve(_continue(channel, psf, border))[border:-border, border:-border]
                for channel in np.moveaxis(to_light(image, gamma), 2, 0)]
    return to_stored(np.stack(channels, axis=2), gamma)


def _continue(channel: np.ndarray, psf: np.ndarray, border: int) -> np.ndarray:
    """The channel mirrored beyond its border, and blended into its own far side there.

    In the frequency domain an image continues at its far side. A step there is something no
    blur by `psf` could have made, and deconvolution answers with ripples all over the image.
    """
    from scipy.signal import fftconvolve

    wide = np.pad(channel, border, mode="reflect")
    rise = np.sin(np.linspace(0, np.pi / 2, border, endpoint=False)) ** 2
    ramps = [np.concatenate([rise, np.ones(side), rise[::-1]]) for side in channel.shape]
    keep = np.outer(*ramps).astype(np.float32)
    rows, columns = (side // 2 for side in psf.shape)
    for _ in range(3):      # each pass takes the blurred far side in, a little further
        far = fftconvolve(np.pad(wide, ((rows, rows), (columns, columns)), mode="wrap"), psf, mode="valid")
        wide = keep * wide + (1 - keep) * far
    return wide
