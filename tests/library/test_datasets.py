"""Batches: ranges, determinism, sharing among devices, GoPro folders, and errors."""

import numpy as np
import pytest
from PIL import Image

from course_lib import blur, datasets, photos


@pytest.fixture
def gopro(tmp_path):
    """A miniature of the flat layout: six pairs of 48 x 32 frames, each blurred one the sharp one's negative."""
    rng = np.random.default_rng(0)
    for kind in ("blur", "sharp"):
        (tmp_path / kind / "images").mkdir(parents=True)
    for i in range(6):
        image = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
        for kind, shown in (("blur", 255 - image), ("sharp", image)):
            Image.fromarray(shown).save(tmp_path / kind / "images" / f"{i:06d}.png")
    return tmp_path


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_batches_are_what_the_networks_take(level):
    pairs = datasets.source("photos", "train", 32, level)
    blurred, sharp = next(iter(datasets.batches(pairs, 0, 4, 0, 1)))
    for images in (blurred.numpy(), sharp.numpy()):
        assert images.shape == (4, 32, 32, 3) and images.dtype == np.float32
        assert -1 <= images.min() < 0 < images.max() <= 1
    assert not np.allclose(blurred, sharp)


def test_a_run_can_go_on_at_any_step():
    pairs = datasets.source("photos", "train", 32, 2)
    whole = list(datasets.batches(pairs, 7, 4, 0, 5).as_numpy_iterator())
    rest = list(datasets.batches(pairs, 7, 4, 3, 5).as_numpy_iterator())
    assert len(whole) == 5 and len(rest) == 2
    np.testing.assert_array_equal(whole[3:], rest)


def test_more_photographs_are_for_training_alone():
    few, more = datasets.source("photos", "train", 32, 1), datasets.source("photos+", "train", 32, 1)
    files = sorted((photos.DATA / "more_photos").glob("*.jpg"))
    assert few.count == len(photos.names("train")) and more.count == few.count + len(files) >= few.count + 20
    for i, name in enumerate([*photos.names("train"), *files]):
        image = photos.load(name) if i < few.count else photos.read(name)
        expected = blur.blur_patch(image, 1, 32, np.random.default_rng(i))
        np.testing.assert_array_equal(more.draw(i, np.random.default_rng(i)), expected)
    np.testing.assert_array_equal(datasets.held_out("photos+", 64, 3), datasets.held_out("photos", 64, 3))


def test_some_pairs_are_left_unmoved():
    moved, never = (datasets.source("photos", "train", 64, 4, unmoved=part) for part in (0.0, 1.0))
    kinds = []
    for i in range(40):
        sharp = moved.draw(0, np.random.default_rng(i))[1]
        blurred, target = never.draw(0, np.random.default_rng(i))
        np.testing.assert_array_equal(target, sharp)        # the same crop, whatever is done to it
        kinds.append(np.array_equal(blurred, sharp))
        if not kinds[-1]:       # enlarged: it has lost detail, evenly in both directions
            lost = [np.abs(np.diff(image.astype(float), axis=axis)).mean() for axis in (0, 1) for image in (blurred, sharp)]
            assert lost[0] < lost[1] and lost[2] < lost[3]
    assert 10 < sum(kinds) < 30
    with pytest.raises(ValueError, match="unmoved is 1.5; it is a part of the pairs, from 0 to 1"):
        datasets.source("photos", "train", 32, unmoved=1.5)


def test_another_seed_gives_other_pairs():
    pairs = datasets.source("photos", "train", 32, 2)
    assert not np.array_equal(datasets.batch(pairs, 0, 0, 4), datasets.batch(pairs, 1, 0, 4))


def test_every_photograph_once_per_epoch_in_a_new_order():
    seen = []
    pairs = datasets.Source(10, 1, lambda i, rng: (seen.append(i), np.zeros((1, 1, 3), np.uint8))[1:] * 2, 10)
    datasets.batch(pairs, 0, 0, 20)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_devices_share_a_step_without_overlap():
    pairs = datasets.source("photos", "train", 32, 1)
    whole = [np.concatenate(b) for b in zip(*datasets.batches(pairs, 0, 4, 0, 2).as_numpy_iterator())]
    both = [np.concatenate(b) for b in zip(*datasets.batches(pairs, 0, 4, 0, 2, 2, range(2)).as_numpy_iterator())]
    np.testing.assert_array_equal(whole, both)
    second = list(datasets.batches(pairs, 0, 4, 0, 2, 2, range(1, 2)).as_numpy_iterator())
    np.testing.assert_array_equal(second[0][0], whole[0][2:4])
    np.testing.assert_array_equal(second[1][0], whole[0][6:8])


def test_a_gopro_folder_gives_crops_of_its_pairs(gopro):
    pairs = datasets.source(f"gopro:{gopro}", "train", 16)
    for n in range(20):
        blurred, sharp = datasets.sample(pairs, 0, n)
        assert sharp.shape == (16, 16, 3)
        np.testing.assert_array_equal(blurred, 255 - sharp)
    stored = [photos.read(path) for path in (gopro / "sharp" / "images").iterdir()]
    windows = [np.lib.stride_tricks.sliding_window_view(image, (16, 16, 3)).reshape(-1, 16, 16, 3)
               for image in stored for image in (image, image[:, ::-1])]
    assert any((sharp == w).all(axis=(1, 2, 3)).any() for w in windows)


def test_an_epoch_is_as_long_as_asked_and_gopros_test_pairs_are_not_for_training(gopro):
    for split, count in (("train", 5), ("validation", 1), ("test", 1)):
        pairs = datasets.source(f"gopro:{gopro}", split, 16)
        assert (pairs.count, pairs.epoch) == (count, count)
    assert datasets.source(f"gopro:{gopro}", "train", 16, limit=3).epoch == 3
    few = datasets.source("photos", "train", 32)
    assert few.epoch == few.count < datasets.source("photos", "train", 32, limit=500).epoch == 500


def test_a_gopro_frame_can_be_squashed_whole(gopro):
    blurred, sharp = datasets.sample(datasets.source(f"gopro:{gopro}", "train", 16, squash=True), 0, 0)
    assert sharp.shape == (16, 16, 3) and np.abs(255.0 - sharp - blurred).max() <= 1


def test_held_out_pairs_are_the_same_every_time_and_not_from_training():
    first, again = datasets.held_out("photos", 64, 3, 4), datasets.held_out("photos", 64, 3, 4)
    np.testing.assert_array_equal(first, again)
    assert first[0].dtype == np.uint8 and first[0].shape == (3, 64, 64, 3)
    assert not set(photos.names("train")) & set(photos.names("validation"))


def test_a_setting_that_would_change_nothing_is_refused(gopro):
    with pytest.raises(ValueError, match=r"unmoved is 0.15, but only the built-in .* set unmoved=0"):
        datasets.source(f"gopro:{gopro}", "train", 16, unmoved=0.15)
    with pytest.raises(ValueError, match=r"squash is true, but data is 'photos'.* set squash=false"):
        datasets.source("photos", "train", 16, squash=True)


def test_wrong_data_says_what_is_possible(gopro):
    with pytest.raises(ValueError, match='"photos", "photos\\+" or "gopro:FOLDER"'):
        datasets.source("imagenet", "train", 32)
    with pytest.raises(ValueError, match="^patch is 64, but .* is .* pixels: use at most its shorter side"):
        datasets.sample(datasets.source(f"gopro:{gopro}", "train", 64), 0, 0)
    for data in ("photos", f"gopro:{gopro}"):
        with pytest.raises(ValueError, match="^held_out_patch is 2000"):
            datasets.held_out(data, 2000, 1, setting="held_out_patch")
