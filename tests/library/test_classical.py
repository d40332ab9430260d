"""Deconvolution with the right kernel helps, with the wrong one it does not, and its formula is the textbook's."""

import numpy as np
import pytest

from course_lib import blur, classical, photos
from course_lib.evaluation import psnr

PSF = blur.linear_psf(*blur.LEVEL_1)
BENT = blur.path_psf(np.array([[-9, 5], [0, 0], [4, 0], [6, 1]], float))       # another one if mirrored or transposed
METHODS = {"wiener": classical.wiener, "richardson_lucy": classical.richardson_lucy}


@pytest.fixture(scope="module")
def pair():
    sharp = photos.load("chelsea")[40:240, 80:320]
    return blur.convolve(sharp, PSF), sharp


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_right_kernel_sharpens_and_the_wrong_one_does_not(pair, method):
    blurred, sharp = pair
    right = method(blurred, PSF)
    assert right.shape == sharp.shape and right.dtype == np.uint8
    assert psnr(sharp, right) > psnr(sharp, blurred) + 2
    assert psnr(sharp, method(blurred, blur.linear_psf(11, 135))) < psnr(sharp, blurred)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_border_is_restored_too(pair, method):
    """Without care the border's step ripples through the image."""
    blurred, sharp = pair
    restored = method(blurred, PSF)
    frame = np.ones(sharp.shape[:2], bool)
    frame[16:-16, 16:-16] = False
    error, before = (np.mean((image[frame].astype(float) - sharp[frame]) ** 2) for image in (restored, blurred))
    assert error < 1.3 * before


def test_wiener_is_its_formula():
    """On an image that is periodic, where no border has to be invented."""
    tile = np.tile(photos.load("coffee")[:40, :40], (3, 3, 1))
    balance = 0.05
    kernel = np.zeros((120, 120))
    kernel[:9, :9] = PSF
    transfer = np.fft.fft2(np.roll(kernel, (-4, -4), (0, 1)))
    laplacian = np.zeros((120, 120))
    laplacian[[0, 0, 0, 1, -1], [0, 1, -1, 0, 0]] = 4, -1, -1, -1, -1
    inverse = transfer.conj() / (abs(transfer) ** 2 + balance * abs(np.fft.fft2(laplacian)) ** 2)
    light = (tile / 255) ** 2.2
    expected = np.real(np.fft.ifft2(inverse[..., None] * np.fft.fft2(light, axes=(0, 1)), axes=(0, 1)))
    expected = 255 * np.clip(expected, 0, 1) ** (1 / 2.2)
    middle = slice(50, 70)
    result = classical.wiener(tile, PSF, balance)
    assert np.abs(result[middle, middle] - expected[middle, middle]).mean() < 1


def test_richardson_lucy_is_scikit_images(pair):
    """Away from the border, where each invents what lies beyond."""
    from skimage.restoration import richardson_lucy

    blurred = blur.convolve(pair[1], BENT)
    expected = richardson_lucy(blur.to_light(blurred)[..., 1], BENT, 20)
    result = classical.richardson_lucy(blurred, BENT, 20)[..., 1]
    middle = slice(60, -60), slice(60, -60)
    assert np.abs(result[middle].astype(int) - blur.to_stored(expected)[middle]).max() <= 1


def test_one_run_gives_the_results_of_several(pair):
    blurred, _ = pair
    few, many = classical.richardson_lucy_at(blurred, PSF, (3, 8))
    assert (few == classical.richardson_lucy(blurred, PSF, 3)).all()
    assert (many == classical.richardson_lucy(blurred, PSF, 8)).all()


def test_noise_needs_more_balance_and_fewer_iterations(pair):
    blurred, sharp = pair
    noisy = blur.noise(blurred, 4, np.random.default_rng(0))
    assert psnr(sharp, classical.wiener(noisy, PSF, 0.2)) > psnr(sharp, classical.wiener(noisy, PSF, 0.005)) + 2
    assert psnr(sharp, classical.richardson_lucy(noisy, PSF, 5)) > psnr(sharp, classical.richardson_lucy(noisy, PSF, 60)) + 2
    assert psnr(sharp, classical.richardson_lucy(blurred, PSF, 60)) > psnr(sharp, classical.richardson_lucy(blurred, PSF, 5))


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_gamma_must_be_the_cameras(pair, method):
    blurred, sharp = pair
    assert psnr(sharp, method(blurred, PSF, gamma=2.2)) > psnr(sharp, method(blurred, PSF, gamma=1.0))
    blurred = blur.convolve(sharp, PSF, gamma=1.0)
    assert psnr(sharp, method(blurred, PSF, gamma=1.0)) > psnr(sharp, method(blurred, PSF, gamma=2.2))


def test_no_blur_is_left_alone(pair):
    _, sharp = pair
    assert np.abs(classical.wiener(sharp, blur.linear_psf(0, 0), 0).astype(int) - sharp).max() <= 1


def test_black_stays_black(pair):
    black = np.zeros_like(pair[1][:60])
    with np.errstate(divide="raise", invalid="raise"):
        assert (classical.richardson_lucy(black, PSF, 3) == black).all()


def test_wrong_arguments_are_explained(pair):
    blurred, _ = pair
    with pytest.raises(ValueError, match="two odd sides and the sum 1"):
        classical.wiener(blurred, np.ones((4, 4)) / 16)
    with pytest.raises(ValueError, match="balance"):
        classical.wiener(blurred, PSF, -1)
    with pytest.raises(ValueError, match="iterations is 0"):
        classical.richardson_lucy_at(blurred, PSF, (0, 5))
    with pytest.raises(ValueError, match="uint8 RGB"):
        classical.wiener(blurred[..., 0], PSF)
