"""The network that removes what deconvolution leaves: it starts by doing nothing, helps, and touches nothing that is left alone."""

import csv

import numpy as np
import pytest

from course_lib import blind, blur, datasets, evaluation, photos, refine, restoration


@pytest.fixture(scope="module")
def estimator():
    return blind.load()


@pytest.fixture(scope="module")
def model():
    return refine.load()


def test_a_new_one_returns_what_few_iterations_made():
    three = np.random.default_rng(0).integers(0, 256, (61, 90, 9), np.uint8)
    assert (restoration.tiled(three, refine.refiner(width=4)) == three[..., :3]).all()


def test_it_is_shown_few_iterations_many_and_the_blurred_photograph():
    photo, kernel = photos.load("citrus")[:120, :130], blur.linear_psf(9, 40)
    blurred = blur.convolve(photo, kernel, blind.GAMMA)
    few, many, last = np.split(refine.shown(blurred, kernel), 3, axis=2)
    assert (last == blurred).all()
    assert evaluation.psnr(photo, many) > evaluation.psnr(photo, few) > evaluation.psnr(photo, blurred) + 1


@pytest.mark.parametrize("which", range(3))
def test_it_sees_all_three_photographs(model, which):
    photo = photos.load("citrus")[:96, :96]
    alone, other = (restoration.tiled(np.concatenate([photo] * which + [seen] + [photo] * (2 - which), axis=2), model)
                    for seen in (photo, photo[::-1]))
    assert (alone != other).mean() > 0.1


def test_tiles_give_the_same_photograph(model):
    photo, kernel = photos.load("summer_palace")[:500, :640], blur.linear_psf(9, 40)
    three = refine.shown(blur.convolve(photo, kernel), kernel)
    whole, tiled = (restoration.tiled(three, model, tile) for tile in (None, 400))
    assert np.abs(whole.astype(int) - tiled).max() <= 1


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.full) if i else name
                                  for i, name in enumerate(photos.names("test") + photos.names("validation"))])
def test_it_undoes_a_straight_motion(estimator, model, name):
    sharp = photos.load(name)[:600, :800]
    blurred = blur.convolve(sharp, blur.linear_psf(13, 25))
    gain = evaluation.psnr(sharp, refine.deblur(blurred, estimator, model)) - evaluation.psnr(sharp, blurred)
    assert gain > (0.7 if name == "summer_palace" else 1)


@pytest.mark.parametrize("name", photos.names("validation") + photos.names("test"))
def test_it_does_no_harm(estimator, model, name):
    """40 dB from a sharp photograph; after an enlargement no worse than before."""
    sharp = photos.load(name)
    assert evaluation.psnr(sharp, refine.deblur(sharp, estimator, model)) > 40
    for factor in (1.5, 3):
        soft = blur.enlarge(sharp, factor)
        assert evaluation.psnr(sharp, refine.deblur(soft, estimator, model)) > evaluation.psnr(sharp, soft) - 0.05


@pytest.mark.parametrize("place", [np.s_[:], np.s_[200:900, 100:900]])
def test_stripes_that_are_read_as_a_motion_come_to_no_harm(estimator, model, place):
    """Sharp clapboards: the network reads 3.7 and 4.4 pixels, the search almost none; 40 dB from the photograph."""
    sharp = photos.load("window_dogs")[place]
    assert blind.find_kernel(sharp, estimator) is not None
    assert evaluation.psnr(sharp, refine.deblur(sharp, estimator, model)) > 40


def test_what_is_left_alone_is_not_refined(estimator, model):
    sharp = photos.load("hillside")
    left = refine.deblur(sharp, estimator, model)
    assert (left == sharp).all() and not np.shares_memory(left, sharp)


def test_it_says_what_it_is_doing(monkeypatch):
    said = []
    monkeypatch.setattr(blind, "find_kernel", lambda image, estimator, say: say("looking") or blur.linear_psf(9, 40))
    monkeypatch.setattr(restoration, "tiled", lambda image, model, progress: [progress(done, 3) for done in range(4)])
    refine.deblur(photos.load("citrus")[:96, :96], None, None, said.append)
    assert said == ["looking", "undoing the motion", *(f"removing the marks, {part} %" for part in (0, 33, 66, 100))]


@pytest.mark.parametrize("colour", [0, 90, (200, 30, 0)])
def test_a_photograph_of_one_colour_has_no_motion(estimator, model, colour):
    image = np.full((100, 130, 3), colour, np.uint8)
    assert (refine.deblur(image, estimator, model) == image).all()


@pytest.mark.parametrize("image, needed", [(np.zeros((90, 200, 3), np.uint8), "96 x 96"), (np.zeros((200, 200), np.uint8), "uint8")])
def test_errors_are_those_of_blind(estimator, model, image, needed):
    with pytest.raises(ValueError, match=needed):
        refine.deblur(image, estimator, model)


def test_the_held_out_photographs_are_not_learned_from():
    learnt, judged = refine.split()
    assert len(learnt) + len(judged) == len(datasets.photographs("train")) + len(photos.names("validation"))
    seen = {image.tobytes() for image in learnt}
    assert not any(image.tobytes() in seen for image in judged)
    assert not any(photos.load(name).tobytes() in seen for name in photos.names("test"))


def test_batches_are_patches_of_one_place_all_turned_alike():
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (40, 50, 3), np.uint8)
    inputs, targets = next(refine.batches([np.concatenate([sharp] * 4, axis=2)], 16, 32, seed=1))
    assert inputs.shape == (16, 32, 32, 9) and targets.shape == (16, 32, 32, 3) and -1 <= inputs.min() < inputs.max() <= 1
    assert all((shown == targets).all() for shown in np.split(inputs, 3, axis=3))
    assert len({batch.tobytes() for batch in targets}) > 8
    _, turned = next(refine.batches([np.concatenate([square] * 4, axis=2) for square in (sharp[:32, :32], sharp[8:, 18:])], 128, 32, seed=1))
    assert len({batch.tobytes() for batch in turned}) == 16, "two windows, each in eight ways"


def test_the_stored_weights_score_what_their_history_says(estimator, model):
    """The first of the held-out samples, made again: their mean gain is the history's, as far as so few can say."""
    history = list(csv.DictReader(open(refine.STORED / "history.csv")))
    assert float(history[-1]["val_psnr_gain"]) > 0.1
    found = [refine.sample(refine.split()[1], np.random.default_rng([6, 0, n]), estimator) for n in range(1, 11)]
    gains = [refine.gain(window, model) for window in found if window is not None]
    assert len(gains) >= 5 and abs(np.mean(gains) - float(history[-1]["val_psnr_gain"])) < 3 * np.std(gains) / np.sqrt(len(gains))
    assert (refine.STORED / "command.txt").read_text().split()[:3] == ["python", "-m", "course_lib.refine"]


@pytest.mark.full
def test_training_goes_from_end_to_end_and_keeps_what_is_made(tmp_path):
    refine.train(tmp_path, count=8, held_out=6, epochs=2, steps=2, batch=2, patch=64)
    made = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.glob("*/*.png"))}
    assert {path.parent.name for path in made} == {"train", "held_out"}
    assert [set(row) for row in csv.DictReader(open(tmp_path / "history.csv"))] == 2 * [{"epoch", "loss", "val_psnr_gain"}]
    restoration.load_weights(refine.refiner(), tmp_path / "refiner.npz")
    refine.windows(tmp_path / "train", False, 8)
    assert {path: path.stat().st_mtime_ns for path in sorted(tmp_path.glob("*/*.png"))} == made
