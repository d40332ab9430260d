"""Lesson 02's pictures show what they say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib import blur, blur_figures, photos

PHOTO = photos.load("chelsea")[40:160, 100:220]


def test_row_keeps_every_pixel():
    grey = np.arange(120 * 30, dtype=np.uint8).reshape(120, 30)
    sheet = blur_figures.row({"left": PHOTO, "right": grey})
    assert sheet.shape == (120 + blur_figures.TITLE, 120 + blur_figures.GAP + 30, 3) and sheet.dtype == np.uint8
    assert np.array_equal(sheet[blur_figures.TITLE:, :120], PHOTO)
    assert np.array_equal(sheet[blur_figures.TITLE:, -30:, 1], grey)
    assert (sheet[:blur_figures.TITLE] < 128).any(), "the titles are written"
    with pytest.raises(ValueError, match=r"\[50, 120\] pixels high"):
        blur_figures.row({"a": PHOTO, "b": PHOTO[:50]})


def test_figures_have_the_height_they_share_with_photographs():
    figure = blur_figures.camera_path(np.array([[-3.0, 1], [0, 0], [5, -2]]), slice(0, 2), side=200)
    assert blur_figures.row({"path": figure, "photograph": np.zeros((200, 9), np.uint8)}).shape[0] == 200 + blur_figures.TITLE


@pytest.mark.parametrize("reach", [None, 14, 3])
def test_enlarged_kernel_keeps_its_place(reach):
    psf = np.zeros((11, 11), np.float32)
    psf[5, 5], psf[4, 6] = 0.75, 0.25               # the centre, and one up to the right of it
    picture = blur_figures.enlarged(psf, 290, reach)
    squares = 2 * (5 if reach is None else reach) + 1
    place = np.argwhere(picture > 0)
    side = 290 / squares
    assert picture.shape == (290, 290) and picture[145, 145] == 255
    assert 0 < picture[int(145 - side), int(145 + side)] < 255
    assert np.ptp(place, axis=0).max() <= 2 * side + 1


@pytest.mark.parametrize("period, length", [(40, 11), (11, 11), (5.5, 11), (8, 11), (6, 3)])
def test_factor_of_a_wave_is_that_of_the_blur(period, length):
    wave = np.cos(2 * np.pi * np.arange(-400, 401) / period)
    blurred = np.convolve(wave, np.ones(length) / length, mode="same")
    assert blur_figures.left_of_wave(period, length) == pytest.approx(blurred[400], abs=1e-9)


def test_spectrum_of_one_wave():
    wave = np.cos(2 * np.pi * 8 * np.arange(64) / 64)[None] + np.random.default_rng(0).normal(0, 0.001, (64, 64))
    strength = blur_figures.spectrum(wave + 1, decades=2)
    assert strength.dtype == np.uint8 and strength.shape == (64, 64)
    assert strength[32, 32] == strength[32, 24] == strength[32, 40] == 255, "the mean and the wave, eight times across"
    assert 0 < np.median(strength) < 255


def test_what_is_left_after_motion_and_enlargement():
    motion = blur_figures.what_is_left(PHOTO, blur.convolve(PHOTO, blur.linear_psf(9, 0)))
    assert motion[:, 60].mean() > 2 * motion[60, [35, 85]].mean(), "motion along x leaves the waves along y"
    large = blur_figures.what_is_left(PHOTO, blur.enlarge(PHOTO, 4))
    assert large[55:66, 55:66].mean() > 200 and large[:15].mean() < 60
    assert (blur_figures.what_is_left(PHOTO, PHOTO) == 255).all()


def test_copies_add_up_to_the_convolution():
    scene, kernel = np.array([0, 0, 4, 0, 2, 0, 0]), np.array([0.5, 0.3, 0.2])
    figure = blur_figures.copies(scene, kernel)
    tops = np.zeros(len(scene))
    for bar in figure.axes[2].patches:
        place = round(bar.get_x() + bar.get_width() / 2)
        tops[place] = max(tops[place], bar.get_y() + bar.get_height())
    plt.close(figure)
    assert tops == pytest.approx(np.convolve(scene, kernel, mode="same"))


def test_gains_and_wave_draw():
    plt.close(blur_figures.wave(11, 11))
    figure = blur_figures.gains({1: np.array([[1.0, -2], [3, 4]]), 2: np.zeros((2, 2))}, ("right", "guess"))
    shown = np.concatenate([line.get_ydata() for line in figure.axes[0].lines[:4]])
    plt.close(figure)
    assert sorted(shown) == [-2, 0, 0, 0, 0, 1, 3, 4]
