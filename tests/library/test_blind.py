"""Blind deconvolution: the spectrum shows the motion, the network reads it, and does no harm where there is none."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from course_lib import blind, blur, camera_path, classical, evaluation, photos, restoration


@pytest.fixture(scope="module")
def model():
    return blind.load()


def direction(kernel: np.ndarray) -> float:
    """Of the longest axis of a kernel, in degrees anticlockwise from the x axis, 0 to 180."""
    y, x = np.indices(kernel.shape) - blind.REACH
    variance = np.cov(np.stack([x, -y]).reshape(2, -1), aweights=kernel.ravel(), bias=True)
    x, y = np.linalg.eigh(variance)[1][:, 1]
    return float(np.degrees(np.arctan2(y, x)) % 180)


# --- The spectrum -----------------------------------------------------------------------------

@pytest.mark.parametrize("length, angle, place", [(10, 0, (0, 10)), (16, 90, (16, 0)), (12, 0, (0, 12))])
def test_a_motion_is_a_dark_spike_of_the_cepstrum_at_its_length(length, angle, place):
    image = photos.load("summer_palace")
    change = (blind.cepstrum(blind.log_spectrum(blur.convolve(image, blur.linear_psf(length, angle))))
              - blind.cepstrum(blind.log_spectrum(image)))[..., 1]
    assert change.shape == (blind.SIDE, blind.SIDE)
    np.testing.assert_allclose(change, change[::-1, ::-1], atol=1e-3)
    change[blind.REACH - 2:blind.REACH + 3, blind.REACH - 2:blind.REACH + 3] = 0       # how soft all is; not how it moved
    lowest = np.abs(np.array(np.unravel_index(change.argmin(), change.shape)) - blind.REACH)
    assert np.abs(lowest - place).max() <= 1


@pytest.mark.parametrize("shape", [(95, 200, 3), (200, 95, 3)])
def test_too_small_a_photograph_is_one_clear_error(shape):
    with pytest.raises(photos.PhotoError, match=r"95 .* can only be read from 96 x 96 or more"):
        blind.log_spectrum(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(96, 96), (96, 300)])
def test_the_smallest_photograph_has_a_spectrum(shape):
    assert blind.log_spectrum(photos.load("citrus")[:shape[0], :shape[1]]).shape == (96, 49, 2)


# --- The network ------------------------------------------------------------------------------

def test_an_answer_is_a_kernel(model):
    spectrum = blind.log_spectrum(photos.load("paint_brushes"))
    kernel = blind.estimate(spectrum, model)
    assert (kernel == blind.estimate(spectrum, model)).all() and kernel[kernel > 0].min() > 0.019 * kernel.max()
    assert kernel.shape == (blind.SIDE, blind.SIDE) and kernel.dtype == np.float32
    assert kernel.sum() == pytest.approx(1, abs=1e-5) and kernel.min() >= 0


def test_a_kernel_and_the_same_turned_are_right_answers_and_their_mean_is_not():
    bent = np.zeros((blind.SIDE, blind.SIDE), np.float32)
    bent[[20, 24, 24], [24, 24, 30]] = 1 / 3
    turned = bent[::-1, ::-1]
    kernels, answers = ([np.ravel(k) for k in ks] for ks in ([bent] * 3, [bent, turned, (bent + turned) / 2]))
    right, other, both = blind.either_way(np.stack(kernels), np.stack(answers)).numpy()
    assert right == pytest.approx(np.log(3), abs=1e-4) and other == pytest.approx(right, abs=1e-4)
    assert both > right + 0.4


@pytest.mark.parametrize("way", range(8))
def test_the_estimate_turns_with_the_photograph(model, way):
    image = blur.convolve(photos.load("window_dogs")[:300, :400], blur.linear_psf(13, 25))
    turned = np.ascontiguousarray(blind.turned(image, way))
    found = blind.turned(blind.estimate(blind.log_spectrum(turned), model), way, back=True)
    expected = blind.estimate(blind.log_spectrum(image), model)
    assert min(np.abs(found - side).max() for side in (expected, expected[::-1, ::-1])) < 0.02
    assert (blind.turned(blind.turned(image, way), way, back=True) == image).all()


@pytest.mark.parametrize("length, angle", [(9, 10), (15, 60), (21, 135)])
@pytest.mark.parametrize("name", ["window_dogs", "bridge_at_night", "paint_brushes"])
def test_it_reads_straight_motions_off_photographs_it_never_saw(model, name, length, angle):
    kernel = blind.estimate(blind.log_spectrum(blur.convolve(photos.load(name), blur.linear_psf(length, angle))), model)
    assert blind.length(kernel) == pytest.approx(length, rel=0.4)
    assert abs((direction(kernel) - angle + 90) % 180 - 90) < 10


@pytest.mark.parametrize("name", photos.names("validation") + photos.names("test"))
def test_the_right_one_of_a_kernel_and_the_same_turned_leaves_the_sparser_photograph(name):
    bend = blur.path_psf(np.array([[-9, 5], [0, 0], [4, 0], [6, 1]], float))
    blurred = blur.convolve(photos.load(name), bend, blind.GAMMA)
    right, wrong = (classical.richardson_lucy(blurred, kernel, blind.ITERATIONS, blind.GAMMA) for kernel in (bend, bend[::-1, ::-1]))
    assert blind.sparsity(right) < blind.sparsity(wrong)


def test_sparsity_is_that_of_the_photograph_made_smaller():
    image = photos.load("citrus")[:200, :300]
    for shrink in (1, 3):
        twice = image.repeat(shrink, 0).repeat(shrink, 1)
        assert blind.sparsity(twice, shrink) == pytest.approx(blind.sparsity(image, 1), abs=1e-6)
    assert blind.sparsity(image, 1) != pytest.approx(blind.sparsity(image, 2), abs=0.003)


def test_length_is_that_of_a_straight_motion():
    for length in (6, 11, 20):
        assert blind.length(blur.linear_psf(length, 30)) == pytest.approx(length, abs=0.3)


@pytest.mark.parametrize("right", [0, 2])
def test_of_the_motions_found_from_several_sizes_on_the_one_that_leaves_the_sparsest_photograph_counts(model, monkeypatch, right):
    """The search is here always wrong but from one size on."""
    times = np.linspace(-0.5, 0.5, 40)
    camera = np.column_stack([36 * times, 20 * times + 12 * times ** 2, 0 * times, 0 * times])
    sharp, sizes = photos.load("window_dogs")[:650, :800], []
    blurred = blur.convolve(sharp, blind.mean_kernel(camera, sharp.shape), blind.GAMMA)

    def find(photograph, scenes, smaller):
        assert photograph.shape == (650, 800, 3)
        sizes.append(smaller.shape[:2])
        return (camera if len(sizes) == right + 1 else camera[:, [1, 0, 2, 3]]), 1000.0

    monkeypatch.setattr(camera_path, "find", find)
    said = []
    found = blind.find_kernel(blurred, model, say=said.append)
    assert sizes == [(650, 800), (433, 533), (325, 400), (217, 267)]
    assert said == [f"looking for the motion, search {number} of up to 4" for number in (1, 2, 3, 4)]
    np.testing.assert_allclose(found, blind.mean_kernel(camera, sharp.shape), atol=0.01)


def test_of_motions_that_leave_it_equally_sparse_the_one_that_explains_the_spectrum_counts(model, monkeypatch):
    times = np.linspace(-0.5, 0.5, 40)
    cameras = [np.column_stack([x * times, y * times, 0 * times, 0 * times]) for x, y in ((30, 0), (0, 30), (20, 20))]
    surprises = iter((1200.0, 1000.0, 1100.0))
    monkeypatch.setattr(blind, "sparsity", lambda image, shrink: 0.7)
    monkeypatch.setattr(camera_path, "find", lambda photograph, scenes, smaller, motions=iter(cameras): (next(motions), next(surprises)))
    blurred = blur.convolve(photos.load("window_dogs")[:650, :800], blur.linear_psf(30, 30))
    found = blind.find_kernel(blurred, model, scales=(1.0, 1.5, 2.0))
    np.testing.assert_array_equal(found, blind.mean_kernel(cameras[1], blurred.shape))


def test_a_short_motion_and_a_small_photograph_are_not_looked_at_again(model, monkeypatch):
    sharp, sizes = photos.load("hillside")[:650, :800], []

    def find(photograph, scenes, smaller):
        sizes.append(smaller.shape[:2])
        return np.zeros((3, 4)), 1000.0

    monkeypatch.setattr(camera_path, "find", find)
    blind.find_kernel(blur.convolve(sharp, blur.linear_psf(4, 30)), model)
    assert sizes == [(650, 800)]
    sizes.clear()
    blind.find_kernel(blur.convolve(sharp, blur.linear_psf(20, 30))[:320, :450], model)
    assert sizes == [(320, 450), (213, 300)]


def test_kernels_are_judged_in_the_middle_of_the_photograph_as_asked(model, monkeypatch):
    blurred, seen = blur.convolve(photos.load("window_dogs"), blur.linear_psf(20, 30)), []
    camera = np.column_stack([np.linspace(-9, 9, 30), np.linspace(-6, 5, 30) ** 2 / 6, np.linspace(-1, 1, 30), np.zeros(30)])
    monkeypatch.setattr(camera_path, "find", lambda *given, smaller, **search: seen.append(search) or (camera, 1000.0))
    monkeypatch.setattr(classical, "richardson_lucy", lambda *given: seen.append(given) or given[0])
    monkeypatch.setattr(blind, "sparsity", lambda image, shrink: seen.append(shrink) or 0.5)
    assert blind.find_kernel(blurred, model, least=48.0) is None and seen == []
    blind.find_kernel(blurred, model, scales=(1.0, 1.5), shrink=1, draws=7, rounds=())
    assert [seen.pop(0), seen.pop(0)] == 2 * [{"draws": 7, "rounds": ()}] and seen[1::2] == 4 * [1]
    top, left = ((side - blind.MIDDLE) // 2 for side in blurred.shape[:2])
    kernel = blind.mean_kernel(camera, blurred.shape)
    for (image, tried, *more), expected in zip(seen[::2], 2 * (kernel, kernel[::-1, ::-1]), strict=True):
        np.testing.assert_array_equal(image, blurred[top:top + blind.MIDDLE, left:left + blind.MIDDLE])
        np.testing.assert_array_equal(tried, expected)
        assert more == [blind.ITERATIONS, blind.GAMMA]
    assert min(top, left) > 0


def gain(sharp, blurred, model, **given):
    """In decibels, of Richardson-Lucy with the kernel found."""
    kernel = blind.find_kernel(blurred, model, **given)
    return evaluation.psnr(sharp, classical.richardson_lucy(blurred, kernel, blind.ITERATIONS, blind.GAMMA)) - evaluation.psnr(sharp, blurred)


@pytest.mark.full
def test_a_motion_longer_than_the_networks_kernel_is_undone(model):
    """Of 60 pixels; the kernel that the network answers with ends at 49."""
    sharp = photos.load("window_dogs")
    camera = blur.draw_motion(4, np.random.default_rng([3, 77]))[0]
    camera[:, :2] *= 60 / blind.length(blind.mean_kernel(camera, sharp.shape))
    blurred = blur.convolve(sharp, blind.mean_kernel(camera, sharp.shape), blind.GAMMA)
    assert gain(sharp, blurred, model) > 1.8


@pytest.mark.full
def test_where_one_search_gets_stuck_those_in_smaller_copies_dont(model):
    blurred, sharp = blur.blur_photo(photos.load("bridge_at_night"), 3, np.random.default_rng([0, photos.names("test").index("bridge_at_night")]))
    assert gain(sharp, blurred, model) > 5 > 1 > gain(sharp, blurred, model, scales=(1.0,))


# --- What it learned from ---------------------------------------------------------------------

@pytest.mark.parametrize("seed", [[0, 2], [2, 2]])       # one of either response
def test_the_mean_kernel_explains_the_blur(seed):
    """Convolution with it comes closer to the blurred photograph than with the same turned by 180 degrees, or under another response."""
    image = photos.load("summer_palace")
    blurred, sharp, kernel, gamma = blind.exposure(image, seed)
    assert kernel.sum() == pytest.approx(1, abs=1e-4) and np.array_equal(sharp, image)
    right = evaluation.psnr(blurred, blur.convolve(sharp, kernel, gamma))
    wrong = [evaluation.psnr(blurred, blur.convolve(sharp, *other)) for other in (
        (kernel[::-1, ::-1], gamma), (kernel.T, gamma), (kernel, 1 + blur.GAMMA - gamma), (kernel[:, ::-1], gamma))]
    assert right > max(wrong) + 2 and right > evaluation.psnr(sharp, blurred) + 5


def test_the_mean_kernel_of_a_shift_is_its_path():
    """Without roll and zoom all points move alike; whole pixels fall on whole pixels."""
    camera = np.array([[-2, 0, 0, 0], [0, 0, 0, 0], [2, 1, 0, 0], [2, 1, 0, 0]], float)
    kernel = blind.mean_kernel(camera, (100, 200, 3))
    middle = len(kernel) // 2
    expected = np.zeros_like(kernel)
    expected[middle, [middle - 2, middle]] = 0.25
    expected[middle + 1, middle + 2] = 0.5
    np.testing.assert_allclose(kernel, expected, atol=1e-6)


def test_a_sample_is_a_window_and_its_kernel():
    images = [photos.load("citrus")]
    found = [blind.sample(images, np.random.default_rng([5, n])) for n in range(12)]
    again = blind.sample(images, np.random.default_rng([5, 3]))
    assert (again[0] == found[3][0]).all() and (again[1] == found[3][1]).all()
    for blurred, kernel in found:
        height, width, channels = blurred.shape
        assert 1 <= height / blind.WINDOW <= 1.5 and 1 <= width / blind.WINDOW <= 2 and channels == 3 and blurred.dtype == np.uint8
        assert kernel.shape == (blind.SIDE, blind.SIDE) and kernel.sum() == pytest.approx(1, abs=1e-5)


def test_a_motion_too_long_for_the_kernel_is_drawn_again(monkeypatch):
    longer, short = blur.linear_psf(70, 20), blur.linear_psf(9, 20)
    drawn = iter((longer, short))
    monkeypatch.setattr(blind, "UNMOVED", 0)
    monkeypatch.setattr(blind, "exposure", lambda image, seed: (image, image, next(drawn), 1.0))
    _, kernel = blind.sample([photos.load("citrus")], np.random.default_rng(0))
    around = (blind.SIDE - len(short)) // 2
    np.testing.assert_allclose(kernel, np.pad(short, around), atol=1e-7)


def test_where_nothing_moved_the_kernel_is_a_point(monkeypatch):
    monkeypatch.setattr(blind, "UNMOVED", 1)
    _, kernel = blind.sample([photos.load("citrus")], np.random.default_rng(0))
    assert kernel[blind.REACH, blind.REACH] == kernel.sum() == 1


def test_all_samples_differ_and_are_made_once(monkeypatch, tmp_path):
    sharp, drawn = photos.load("citrus")[:96, :96], []
    monkeypatch.setattr(blind, "log_spectrum", lambda image: np.zeros((1, 1, 2), np.float32))
    monkeypatch.setattr(blind, "cepstrum", lambda spectra: spectra)
    monkeypatch.setattr(blind, "sample", lambda images, rng: drawn.append(rng.random()) or (sharp, np.full((1, 1), drawn[-1], np.float32)))
    for _ in range(2):
        cepstra, kernels = blind.samples("validation", 3, 1003, tmp_path)
        np.testing.assert_allclose(kernels[:, 0, 0], drawn, atol=1e-3)
        assert len(cepstra) == 1003 == len(set(drawn))


def test_a_sample_and_its_kernel_are_turned_alike(monkeypatch, tmp_path):
    kernel, seen = np.arange(49 * 49, dtype=np.float32).reshape(1, 49, 49).repeat(64, 0), []
    model = SimpleNamespace(compile=lambda *given: None, fit=lambda data, **given: seen.extend(data))
    monkeypatch.setattr(blind, "samples", lambda *given: (np.stack([kernel, -kernel], -1), kernel))
    monkeypatch.setattr(blind, "estimator", lambda: model)
    monkeypatch.setattr(blind, "learn_scenes", lambda *given, **more: None)
    monkeypatch.setattr(camera_path, "save_scenes", lambda *given: None)
    monkeypatch.setattr(restoration, "save_weights", lambda *given: None)
    blind.train(tmp_path, count=64, held_out=64)
    (cepstra, kernels), = [(both.numpy(), answers.numpy()) for both, answers in seen]
    assert (cepstra[..., 0].reshape(64, -1) == kernels).all() and (cepstra[..., 1] == -cepstra[..., 0]).all()
    assert len({one.tobytes() for one in kernels}) == 8


def test_training_goes_from_end_to_end(tmp_path):
    blind.train(tmp_path, count=8, held_out=4, epochs=2, batch=4)
    first = sorted((tmp_path / "windows").iterdir())
    assert [path.name for path in first] == ["train_1_0_8.npz", "validation_3_0_4.npz"]
    restoration.load_weights(blind.estimator(), tmp_path / "estimator.npz")
    assert camera_path.load_scenes(tmp_path / "scenes.npz").axes.shape == (96 * 49, 1)
    assert [row["epoch"] for row in csv.DictReader(open(tmp_path / "history.csv"))] == ["0", "1"]


def test_the_stored_weights_score_what_their_history_says(model, tmp_path):
    """The first of the held-out windows, made again: their mean cross-entropy is the history's, as far as so few can say."""
    cepstra, kernels = blind.samples("validation", 3, 60, tmp_path)
    losses = blind.either_way(kernels.reshape(60, -1), model.predict(cepstra, verbose=0)).numpy()
    history = list(csv.DictReader(open(blind.STORED / "history.csv")))
    assert abs(losses.mean() - float(history[-1]["val_loss"])) < 3 * losses.std() / np.sqrt(60)
    assert losses.mean() < -(kernels.mean(0) * np.log(kernels.mean(0) + 1e-7)).sum() - 0.5, "it says no more than the mean kernel"
    assert (blind.STORED / "command.txt").read_text().split()[:3] == ["python", "-m", "course_lib.blind"]
