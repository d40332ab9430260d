"""From a path to a spectrum and back: the spectrum is that of the mean kernel, and the path that left a spectrum is found."""

import cv2
import numpy as np
import pytest

from course_lib import blind, blur, camera_path, classical, datasets, evaluation, photos
from course_lib.backend import tf


@pytest.fixture(scope="module")
def scenes():
    return camera_path.load_scenes(blind.STORED / "scenes.npz")


def motion(velocity, roll=0.0, zoom=0.0, shutter=20.0):
    """One motion whose shutter is always open, as `camera_path` and as `blur` write it."""
    terms = np.zeros((1, len(camera_path.TERMS), 2), np.float32)
    terms[0, :len(velocity)] = velocity
    turn = np.float32([[100 * np.radians(roll), 100 * zoom]])
    found = camera_path.Motions(*(tf.constant(value, tf.float32) for value in (terms, turn, [shutter], [[-20, -20]], [-20])))
    times = blur.exposure_times(9, parts=20)
    shift = camera_path._positions(found.velocity, tf.constant(times[None], tf.float32))[0].numpy()
    return found, np.column_stack([shift, roll * times, zoom * times])


# --- From a path to a spectrum ------------------------------------------------------------------

def test_the_middle_of_the_exposure_is_the_middle_of_the_kernel():
    _, camera = motion([(7, -3), (4, 1), (0, 2)])
    assert np.abs(camera[len(camera) // 2 - 1:len(camera) // 2 + 1].mean(0)).max() < 0.1
    assert camera[-1, 0] - camera[0, 0] == pytest.approx(7, rel=0.15)


@pytest.mark.parametrize("frames, shutter", [(7, 0.3), (13, 0.9)])
def test_light_falls_when_frames_are_exposed(frames, shutter):
    logit = np.float32([np.log((shutter - 0.2) / (1 - shutter))])
    times, weights = (value[0].numpy() for value in camera_path._moments(motion([(1, 0)])[0]._replace(shutter=logit), tf.constant([float(frames)])))
    np.testing.assert_allclose(times[weights > 0], blur.exposure_times(frames, shutter, camera_path.PARTS), atol=1e-6)
    np.testing.assert_allclose(weights[weights > 0], 1 / (frames * camera_path.PARTS), rtol=1e-5)


@pytest.mark.parametrize("velocity, roll, zoom", [([(12, 5)], 0, 0), ([(6, -9), (8, 3)], 0, 0), ([(5, 0)], 1.0, 0), ([(0, 6)], 0, 0.02)])
def test_the_power_is_that_of_the_mean_kernel(velocity, roll, zoom):
    shape = (400, 600)
    found, camera = motion(velocity, roll, zoom)
    times, weights = camera_path._moments(found, tf.constant([13.0]))
    power = camera_path._power(camera_path._positions(found.velocity, times), found.turn, times, weights, tf.constant(shape), 3)[0].numpy()
    four = np.array([4, 4, 1, 1])       # a kernel four times as fine, for its pixels soften it
    expected = np.abs(np.fft.fft2(blind.mean_kernel(four * camera, (1600, 2400), points=15), s=(384, 384))) ** 2
    for axis in (0, 1):         # the leakage of a Hann window, on all of the spectrum
        expected = (expected + 0.25 * (np.roll(expected, 1, axis) + np.roll(expected, -1, axis))) / 1.5
    expected = np.fft.fftshift(expected, axes=0)[192 - 48:192 + 48, :49]
    y, x = np.ogrid[-48:48, :49]
    assert np.abs(power - expected)[np.hypot(y, x) < 24].max() < 0.03


def test_the_answer_is_read_at_x_and_y():
    answer = np.full((49, 49), 1e-6, np.float32)
    answer[24 + 3, 24 - 5] = 0.5
    points = tf.constant([[[-5.0, 3.0]], [[3.0, -5.0]], [[-5.0, 3.5]]])
    there, elsewhere, between = camera_path._unexpected(points, tf.ones((3, 1)), tf.constant(answer)).numpy()
    assert there == pytest.approx(-np.log(0.5), abs=1e-4) and elsewhere == pytest.approx(-np.log(1e-6), abs=1e-3)
    assert between == pytest.approx((there + elsewhere) / 2, abs=1e-3)
    path, weights = tf.constant([[[-5.0, 3.0], [90.0, -90.0]]]), tf.constant([[0.25, 0.75]])     # it ends outside
    assert camera_path._unexpected(path, weights, tf.constant(answer)).numpy() == pytest.approx(0.25 * there + 0.75 * elsewhere, abs=1e-3)


# --- What spectra photographs have --------------------------------------------------------------

def test_scenes_are_the_main_axes_of_spectra(tmp_path):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((30, 2)))[0]
    spectra = 5 + rng.standard_normal((4000, 2)) * [3, 2] @ axes.T + 0.1 * rng.standard_normal((4000, 30))
    found = camera_path.learn_scenes(spectra, 2)
    np.testing.assert_allclose(np.abs(found.axes.T @ axes), np.eye(2), atol=0.05)
    np.testing.assert_allclose(found.variance, [9, 4], rtol=0.1)
    np.testing.assert_allclose(found.mean, 5, atol=0.2)
    assert found.rest.mean() == pytest.approx(camera_path.UNSEEN * 0.01 + 1e-3, rel=0.1)
    camera_path.save_scenes(found, tmp_path / "scenes.npz")
    for again, array in zip(camera_path.load_scenes(tmp_path / "scenes.npz"), found):
        np.testing.assert_allclose(again, array, atol=1e-3)


def test_the_stored_scenes_are_those_of_training_windows(scenes):
    images = datasets.photographs("train")
    spectra = np.stack([blind.log_spectrum(blind.window(images, np.random.default_rng([7, n])))[..., 1].ravel() for n in range(40)])
    scene = spectra - scenes.mean.numpy()
    along = scene @ scenes.axes.numpy()
    assert 0.5 < (along ** 2 / scenes.variance.numpy()).mean() < 1.5
    rest = scene - along @ scenes.axes.numpy().T
    assert (rest ** 2 / scenes.rest.numpy()).mean() == pytest.approx(1 / camera_path.UNSEEN, rel=0.25)


def test_a_damaged_file_is_one_clear_error(tmp_path):
    (tmp_path / "scenes.npz").write_bytes(b"PK half a file")
    with pytest.raises(ValueError, match="scenes.npz is damaged .*; restore the file"):
        camera_path.load_scenes(tmp_path / "scenes.npz")
    with pytest.raises(ValueError, match="There is no file .*missing.npz"):
        camera_path.load_scenes(tmp_path / "missing.npz")


# --- How well it explains the photograph ----------------------------------------------------------

def surprise(found, spectrum, scenes):
    even = tf.ones((blind.SIDE, blind.SIDE)) / blind.SIDE ** 2          # a network that says nothing
    return camera_path._surprise(found, tf.constant([13.0]), tf.constant(spectrum), even, tf.constant((400, 600)), scenes, 1).numpy()[0]


@pytest.mark.parametrize("name", photos.names("validation"))
def test_a_soft_photograph_is_explained_by_softness_and_a_sharp_one_is_not(scenes, name):
    sharp = photos.load(name)

    def surprises(image, sigmas):
        still = motion([(0, 0)])[0]._replace(floor=tf.constant([[-20.0, -5.0]]))
        return [surprise(still._replace(softness=tf.constant([2 * np.log(sigma)], tf.float32)), blind.log_spectrum(image)[..., 1], scenes)
                for sigma in sigmas]

    hardly, right, more = surprises(cv2.GaussianBlur(sharp, (0, 0), 1), (0.05, 1, 1.3))
    assert right < min(hardly, more) - 5
    hardly, *soft = surprises(sharp, (0.05, 0.6, 1))
    assert hardly < min(soft) - 5


def test_the_less_a_photograph_is_explained_the_less_its_spectrum_decides(scenes):
    """One more nat of the spectrum counts as one where the surprise is typical, as less beyond."""
    axes, mean = scenes.axes.numpy(), scenes.mean.numpy()

    def counts(nats):       # of a spectrum that lies so far out along the first axis
        at = [surprise(motion([(0, 0)])[0], (mean + np.sqrt(2 * scenes.variance.numpy()[0] * value) * axes[:, 0]).reshape(96, 49), scenes)
              for value in (nats, nats + 10)]
        return (at[1] - at[0]) / 10

    assert counts(camera_path.TYPICAL) == pytest.approx(1, abs=0.03)
    assert counts(4 * camera_path.TYPICAL) == pytest.approx(0.4, abs=0.03)


# --- From a spectrum to a path ------------------------------------------------------------------

def test_of_the_motions_found_the_least_surprising_is_returned_as_blur_writes_it(scenes, monkeypatch):
    """Those that went astray, of which nothing is known, are none of them."""
    def descended(values, frames, *more):
        number = np.arange(len(frames), dtype=np.float32)
        surprise = np.where(number == 0, np.nan, np.abs(number - 5.25) + 3)
        turn = np.stack([number * 100 * np.radians(0.2), number], -1)           # 0.2 degrees and one per cent for each
        velocity = np.float32([1, 0, 0, 0, 0, 0])[:, None] * [2, -1] * number[:, None, None]
        return [tf.constant(value, tf.float32) for value in (velocity, turn, np.full_like(number, 20), values[3], values[4])], tf.constant(surprise)

    monkeypatch.setattr(camera_path, "_descend", descended)
    seen = camera_path.Seen(np.zeros((96, 49), np.float32), blur.linear_psf(48, 0).astype(np.float32), (300, 400))
    camera, surprise = camera_path.find(seen, scenes, draws=128, rounds=((12, 1, 1),))
    times = blur.exposure_times(7, 1.0, 12)          # drawn as the 8th: the 5th among the sorted, from 0
    assert surprise == 3.25
    np.testing.assert_allclose(camera, np.outer(times, [10, -5, 1, 0.05]), atol=1e-5)


@pytest.mark.parametrize("name, velocity", [("window_dogs", [(14, 8), (7, -10)]), ("bridge_at_night", [(4, 18), (9, 0)])])
def test_the_path_of_a_blur_is_found(scenes, name, velocity):
    """It starts at a straight motion; the kernel it finds undoes more of a bent one, either it or the same turned by 180 degrees."""
    _, camera = motion(velocity)
    sharp = photos.load(name)[:600, :800]
    kernel = blind.mean_kernel(camera, sharp.shape)
    blurred = blur.convolve(sharp, kernel, blind.GAMMA)
    start = np.zeros((blind.SIDE, blind.SIDE), np.float32)
    straight = blur.linear_psf(blind.length(kernel), np.degrees(np.arctan2(-velocity[0][1], velocity[0][0])))
    inner = slice(blind.REACH - len(straight) // 2, blind.REACH + len(straight) // 2 + 1)
    start[inner, inner] = straight

    spectrum = blind.log_spectrum(blurred)[..., 1]
    found, surprise = camera_path.find(camera_path.Seen(spectrum, start, sharp.shape), scenes)
    assert 0 < surprise < 5000
    assert found.ndim == 2 and found.shape[1] == 4 and found.dtype == np.float64

    def gain(kernel):
        answers = [classical.richardson_lucy(blurred, np.ascontiguousarray(way), blind.ITERATIONS, blind.GAMMA)
                   for way in (kernel, kernel[::-1, ::-1])]
        return max(evaluation.psnr(sharp, answer) for answer in answers)

    assert gain(blind.mean_kernel(found, sharp.shape)) > gain(straight) + 1


def test_what_is_found_in_a_smaller_copy_goes_on_at_full_size(scenes):
    """As long as in the photograph, and as soft, whether the last round changes it or not."""
    _, camera = motion([(30, 16), (10, -14)])
    sharp = photos.load("window_dogs")
    blurred = blur.convolve(sharp, blind.mean_kernel(camera, sharp.shape), blind.GAMMA)
    model = blind.load()

    def seen(image):
        spectrum = blind.log_spectrum(image)
        return camera_path.Seen(spectrum[..., 1], blind.estimate(spectrum, model), image.shape)

    smaller = seen(cv2.resize(blurred, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    for steps in (0, 20):
        found, _ = camera_path.find(seen(blurred), scenes, smaller, draws=2048, rounds=((48, 1, 30), (24, 1, steps)))
        assert blind.length(blind.mean_kernel(found, sharp.shape)) == pytest.approx(blind.length(blind.mean_kernel(camera, sharp.shape)), rel=0.15)
