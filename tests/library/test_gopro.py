"""The reader of GoPro folders, on miniatures of every layout."""

import re

import numpy as np
import pytest

from course_lib import gopro, photos

SEQUENCES = {"train": ["GOPR0372_07_00", "GOPR0374_11_01"], "test": ["GOPR0384_11_00"]}


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    photos.write(path, np.full((6, 8, 3), value, np.uint8))


def test_a_pair_of_two_sizes_is_refused(tmp_path):
    write(tmp_path / "blur.png", 1)
    photos.write(tmp_path / "sharp.png", np.zeros((6, 9, 3), np.uint8))
    with pytest.raises(photos.PhotoError, match=r"blur\.png is 8x6, but .*sharp\.png is 9x6 pixels: a pair must be of one size"):
        gopro.read((tmp_path / "blur.png", tmp_path / "sharp.png"))


@pytest.fixture
def official(tmp_path):
    for split, sequences in SEQUENCES.items():
        for sequence in sequences:
            for number in range(1, 5):
                for kind, value in (("blur", 10), ("blur_gamma", 20), ("sharp", 30)):
                    write(tmp_path / split / sequence / kind / f"{number:06}.png", value + number)
    return tmp_path


@pytest.fixture
def flat(tmp_path):
    for number in range(20):
        for kind, value in (("blur", 10), ("sharp", 50)):
            write(tmp_path / kind / "images" / f"{number:06}.png", value + number)
    return tmp_path


def test_official_layout(official):
    train = gopro.pairs(official)
    assert len(train) == 8 and len(gopro.pairs(official, "test")) == 4 and len(gopro.pairs(official, "all")) == 12
    first = official / "train" / "GOPR0372_07_00"
    assert train[0] == (first / "blur" / "000001.png", first / "sharp" / "000001.png")
    assert train == sorted(train)
    for blurred, sharp in gopro.pairs(str(official), "test", "blur_gamma"):
        assert photos.read(sharp)[0, 0, 0] - photos.read(blurred)[0, 0, 0] == 10, "the same frame of the right variant"


def test_what_systems_and_editors_leave_behind_is_no_photograph(official):
    for kind in ("blur", "sharp"):
        for name in ("._000001.png", ".DS_Store", "Thumbs.db"):
            (official / "test" / "GOPR0384_11_00" / kind / name).write_bytes(b"not a photograph")
    (official / "test" / ".ipynb_checkpoints").mkdir()
    assert len(gopro.pairs(official, "test")) == 4


@pytest.mark.parametrize("ending", [".PNG", ".jpg", ".JPEG", ".tif"])
def test_photographs_of_every_kind(tmp_path, ending):
    for kind in ("blur", "sharp"):
        write(tmp_path / "test" / "GOPR0384_11_00" / kind / f"000001{ending}", 1)
    assert len(gopro.pairs(tmp_path, "test")) == 1


@pytest.mark.parametrize("blur, sharp", [("blur", "sharp"), ("input", "target"), ("blur/images", "sharp/images")])
def test_a_split_without_sequences(tmp_path, blur, sharp):
    for split, count in (("train", 3), ("test", 2)):
        for number in range(count):
            for kind in (blur, sharp):
                write(tmp_path / split / kind / f"GOPR0384_11_00-{number:06}.png", number)
    train, test = gopro.pairs(tmp_path), gopro.pairs(tmp_path, "test")
    assert len(train) == 3 and len(test) == 2 and gopro.pairs(tmp_path, "all") == train + test
    assert test[1] == tuple(tmp_path / "test" / kind / "GOPR0384_11_00-000001.png" for kind in (blur, sharp))
    with pytest.raises(ValueError, match="only one blur"):
        gopro.pairs(tmp_path, variant="blur_gamma")
    test[0][1].unlink()
    with pytest.raises(FileNotFoundError, match=f"Missing:\n  test/{sharp}/GOPR0384_11_00-000000.png\n"):
        gopro.pairs(tmp_path, "test")


def test_pairs_of_ones_own(tmp_path):
    for number in range(10):
        for kind in ("blur", "sharp"):
            write(tmp_path / kind / f"{number}.jpg", number)
    assert [len(gopro.pairs(tmp_path, split)) for split in gopro.SPLITS] == [9, 1, 10]


def test_the_home_folder(official, monkeypatch):
    """In gopro:~/GOPRO_Large no shell replaces the "~"."""
    monkeypatch.setenv("HOME", str(official.parent))
    monkeypatch.setenv("USERPROFILE", str(official.parent))     # Windows
    assert gopro.pairs(f"~/{official.name}") == gopro.pairs(official)


def test_flat_layout(flat):
    whole, train, test = (gopro.pairs(flat, split) for split in ("all", "train", "test"))
    assert (len(whole), len(train), len(test)) == (20, 18, 2)
    assert train + test == whole, "the last tenth, not mixed in between"
    for blurred, sharp in whole:
        assert blurred.name == sharp.name and photos.read(sharp)[0, 0, 0] - photos.read(blurred)[0, 0, 0] == 40


def test_a_chosen_number_is_spread_evenly(official, flat):
    assert [path.name for path, _ in gopro.pairs(flat, "all", limit=4)] == ["000000.png", "000005.png", "000010.png", "000015.png"]
    assert len({path.parts[-3] for path, _ in gopro.pairs(official, "train", limit=2)} & set(SEQUENCES["train"])) in (0, 2)
    assert len(gopro.pairs(flat, "all", limit=1)) == 1
    assert gopro.pairs(official, "train", limit=100) == gopro.pairs(official, "train")


def test_one_error_lists_what_is_missing(official):
    (official / "train" / SEQUENCES["train"][0] / "sharp" / "000002.png").unlink()
    (official / "train" / SEQUENCES["train"][1] / "blur" / "000003.png").unlink()
    with pytest.raises(FileNotFoundError) as error:
        gopro.pairs(official)
    text = str(error.value)
    assert re.search(r"Missing:\n  train/GOPR0372_07_00/sharp/000002.png\n  train/GOPR0374_11_01/blur/000003.png\n", text)
    assert len(gopro.pairs(official, "test")) == 4, "the other split is complete"


def test_missing_folders_are_named(official, tmp_path_factory):
    sequence = official / "test" / SEQUENCES["test"][0]
    (sequence / "blur_gamma").rename(sequence / "elsewhere")
    with pytest.raises(FileNotFoundError, match="test/GOPR0384_11_00/blur_gamma/"):
        gopro.pairs(official, "test", "blur_gamma")
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(FileNotFoundError, match=r"train/ with its sequences(.|\n)*test/ with its sequences(.|\n)*Give the folder"):
        gopro.pairs(empty, "all")
    write(empty / "GOPRO_Large.zip.png", 1)
    for name in ("nowhere", "GOPRO_Large.zip.png"):
        with pytest.raises(FileNotFoundError, match=f"There is no folder .*{name}; give the folder that the GoPro dataset was unpacked to"):
            gopro.pairs(empty / name)


def test_frames_alone_are_another_download(tmp_path):
    write(tmp_path / "test" / "GOPR0384_11_00" / "000001.png", 1)
    with pytest.raises(FileNotFoundError, match=r"test/GOPR0384_11_00/blur/\n(.|\n)*GOPRO_Large_all has no blurred photographs"):
        gopro.pairs(tmp_path, "test")


def test_long_lists_are_cut_short(flat):
    for number in range(12):
        (flat / "sharp" / "images" / f"{number:06}.png").unlink()
    with pytest.raises(FileNotFoundError, match=rf"{re.escape(str(flat))} is not(.|\n)*sharp/images/000007.png\n  and 4 more"):
        gopro.pairs(flat)


def test_flat_layout_without_photographs(tmp_path):
    (tmp_path / "blur" / "images").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="sharp/images/"):
        gopro.pairs(tmp_path)
    (tmp_path / "sharp" / "images").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"photographs \(\.jpg, .*\.png.*\) in blur/images/ and sharp/images/"):
        gopro.pairs(tmp_path)


def test_wrong_arguments(flat):
    with pytest.raises(ValueError, match="only one blur"):
        gopro.pairs(flat, variant="blur_gamma")
    with pytest.raises(ValueError, match="'validation'"):
        gopro.pairs(flat, "validation")
    with pytest.raises(ValueError, match="'gamma'"):
        gopro.pairs(flat, variant="gamma")
    with pytest.raises(ValueError, match="limit is 0"):
        gopro.pairs(flat, limit=0)


def test_a_single_pair_is_for_training(tmp_path):
    for kind in ("blur", "sharp"):
        write(tmp_path / kind / "images" / "000000.png", 10)
    assert len(gopro.pairs(tmp_path, "train")) == len(gopro.pairs(tmp_path, "all")) == 1
    with pytest.raises(FileNotFoundError, match="single pair"):
        gopro.pairs(tmp_path, "test")
    for number in (1, 2):       # the first of each further pairs
        for kind in ("blur", "sharp"):
            write(tmp_path / kind / "images" / f"{number:06}.png", 10)
        assert [len(gopro.pairs(tmp_path, split)) for split in ("train", "test")] == [number, 1]
