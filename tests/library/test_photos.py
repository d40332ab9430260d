"""Photographs: the built-in ones, files of every kind in, complete files or none out."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from course_lib import photos
from course_lib.photos import PhotoError

RNG = np.random.default_rng(0)
IMAGE = np.kron(RNG.integers(0, 256, (5, 7, 3)), np.ones((8, 8, 1))).astype(np.uint8)      # 40 x 56, no symmetry


def saved(path, mode="RGB", image=IMAGE, **options):
    Image.fromarray(image).convert(mode).save(path, **options)
    return path


# The built-in photographs -----------------------------------------------------------------------

def test_splits_do_not_overlap_and_cover_all():
    splits = [photos.names(split) for split in photos.SPLITS]
    assert all(splits)
    assert sorted(sum(splits, [])) == sorted(photos.names())
    assert len(set(photos.names())) == len(photos.names()) >= 18


@pytest.mark.parametrize("name", photos.names())
def test_every_photograph_is_as_listed(name):
    photo, image = photos.info(name), photos.load(name)
    assert image.dtype == np.uint8 and image.shape == (photo.size[1], photo.size[0], 3)
    assert photo.author and photo.licence and photo.origin and photo.split in photos.SPLITS
    assert image.std() > 10


def test_scikit_image_photographs_are_for_training():
    assert {"astronaut", "coffee", "chelsea", "rocket"} <= set(photos.names("train"))


def test_unknown_names_list_the_known_ones():
    for call in (photos.load, photos.info):
        with pytest.raises(ValueError, match="'sunrise'.*mountain_pass.*astronaut"):
            call("sunrise")
    with pytest.raises(ValueError, match='"train", "validation" or "test"'):
        photos.names("dev")


def test_conversion_to_networks_and_back_loses_nothing():
    values = np.arange(256, dtype=np.uint8)
    inside = photos.to_network(values)
    assert inside.dtype == np.float32 and inside[0] == -1 and inside[-1] == 1
    assert (photos.to_image(inside) == values).all()
    assert photos.to_image(np.array([-9.0, 9.0])).tolist() == [0, 255]


# Reading ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "ppm"])
def test_rgb_comes_back_exactly(tmp_path, ending):
    assert (photos.read(saved(tmp_path / f"a.{ending}")) == IMAGE).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(tmp_path, orientation):
    # What the camera stores, by EXIF's definition, for IMAGE to be seen upright.
    stored = {1: IMAGE, 2: IMAGE[:, ::-1], 3: IMAGE[::-1, ::-1], 4: IMAGE[::-1], 5: IMAGE.transpose(1, 0, 2),
              6: np.rot90(IMAGE), 7: IMAGE[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(IMAGE, -1)}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", image=np.ascontiguousarray(stored), exif=exif)
    assert (photos.read(path) == IMAGE).all()


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = IMAGE[..., 0]
    assert (photos.read(saved(tmp_path / "a.png", "L", grey)) == grey[..., None]).all()
    assert (photos.read(saved(tmp_path / "b.png", "1", np.where(grey > 99, 255, 0).astype(np.uint8)))
            == np.where(grey > 99, 255, 0)[..., None]).all()


def test_transparency_is_laid_over_white(tmp_path):
    alpha = np.zeros(IMAGE.shape[:2], np.uint8)
    alpha[:20], alpha[20:30] = 255, 128
    Image.fromarray(np.dstack([IMAGE, alpha])).save(tmp_path / "a.png")
    expected = np.where(alpha[..., None] > 0, IMAGE * (alpha[..., None] / 255) + 255 - alpha[..., None], 255)
    assert np.abs(photos.read(tmp_path / "a.png") - expected).max() <= 1

    Image.fromarray(np.dstack([IMAGE[..., 0], alpha])).save(tmp_path / "grey.png")
    assert np.abs(photos.read(tmp_path / "grey.png") - expected[..., :1]).max() <= 1


def test_palette_with_and_without_transparency(tmp_path):
    image = Image.fromarray(IMAGE).quantize(16)
    image.save(tmp_path / "a.gif")
    assert (photos.read(tmp_path / "a.gif") == np.array(image.convert("RGB"))).all()
    clear = int(np.asarray(image)[0, 0])
    image.save(tmp_path / "b.png", transparency=clear)
    expected = np.where((np.asarray(image) == clear)[..., None], 255, np.array(image.convert("RGB")))
    assert (photos.read(tmp_path / "b.png") == expected).all()


def test_cmyk_jpeg(tmp_path):
    saved(tmp_path / "a.jpg", "CMYK", quality=100, subsampling=0)
    assert np.abs(photos.read(tmp_path / "a.jpg").astype(int) - IMAGE).max() <= 12


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_are_scaled_not_clipped(tmp_path, ending):
    grey = np.linspace(0, 65535, 40 * 56).reshape(40, 56).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / f"a.{ending}")
    assert (photos.read(tmp_path / f"a.{ending}") == np.rint(grey / 257)[..., None]).all()


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bit_colour(tmp_path, ending):
    import cv2

    deep = RNG.integers(0, 65536, IMAGE.shape).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"a.{ending}"), deep[..., ::-1])
    assert np.abs(photos.read(tmp_path / f"a.{ending}") - deep / 257).max() <= 1


@pytest.mark.parametrize("white", [65535, 4095])
def test_16_bits_of_a_pgm_are_scaled_by_its_white(tmp_path, white):
    grey = np.linspace(0, white, 40 * 56).reshape(40, 56).astype(">u2")
    (tmp_path / "a.pgm").write_bytes(f"P5 56 40 {white}\n".encode() + grey.tobytes())
    assert np.abs(photos.read(tmp_path / "a.pgm") - grey[..., None] * (255 / white)).max() <= 0.51


def test_32_bit_values_have_no_scale(tmp_path):
    import cv2

    Image.fromarray(IMAGE[..., 0].astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(PhotoError, match="32 bits per value"):
        photos.read(tmp_path / "a.tif")
    cv2.imwrite(str(tmp_path / "colour.tif"), IMAGE.astype(np.float32))
    with pytest.raises(PhotoError, match="use JPEG, PNG, WebP, BMP, GIF, or TIFF with 8 or 16 bits per value"):
        photos.read(tmp_path / "colour.tif")


def test_a_single_pixel(tmp_path):
    assert (photos.read(saved(tmp_path / "a.png", image=IMAGE[:1, :1])) == IMAGE[:1, :1]).all()


def huge(path, width, height):
    """A one-colour PNG of a few kilobytes, however large it says it is."""
    Image.new("1", (width, height)).save(path)
    return path


def bad_files(folder):
    """{a bad photo: a word its error must contain}."""
    good = saved(folder / "good.jpg", quality=95).read_bytes()
    png = saved(folder / "good.png").read_bytes()
    (folder / "text.jpg").write_text("This is not a photograph.")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.jpg").write_bytes(good[:len(good) // 2])
    (folder / "cut.png").write_bytes(png[:len(png) // 2])
    (folder / "header.jpg").write_bytes(good[:20])
    (folder / "folder.jpg").mkdir()
    return {"text.jpg": "not a photo", "empty.png": "is empty", "cut.jpg": "damaged", "cut.png": "damaged",
            "header.jpg": "not a photo", "folder.jpg": "is a folder", "missing.jpg": "no file",
            huge(folder / "100_megapixels.png", 10_000, 10_000).name: "100 megapixels",
            huge(folder / "400_megapixels.png", 20_000, 20_000).name: "far more than 64 megapixels"}


def test_bad_files_give_one_sentence(tmp_path, recwarn):
    for name, word in bad_files(tmp_path).items():
        with pytest.raises(PhotoError, match=word) as error:
            photos.read(tmp_path / name)
        assert str(tmp_path / name) in str(error.value) and "\n" not in str(error.value)
    assert not recwarn.list


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = saved(tmp_path / "a.png")
    path.chmod(0)
    with pytest.raises(PhotoError, match="permissions"):
        photos.read(path)


# Writing ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("ending", photos.WRITES)
def test_what_is_written_can_be_read(tmp_path, ending):
    path = tmp_path / f"a{ending.upper()}"
    photos.write(path, IMAGE)
    again = photos.read(path)
    assert again.shape == IMAGE.shape
    lossy = ending in (".jpg", ".jpeg", ".webp")
    assert np.abs(again.astype(int) - IMAGE).mean() <= (8 if lossy else 0)
    assert os.listdir(tmp_path) == [path.name]
    with Image.open(path) as image:
        assert ending[1:3] in image.format.lower() or ending == ".jpg" and image.format == "JPEG"


def test_writing_replaces_the_file_at_once(tmp_path):
    photos.write(tmp_path / "a.png", IMAGE)
    photos.write(tmp_path / "a.png", IMAGE[::-1])
    assert (photos.read(tmp_path / "a.png") == IMAGE[::-1]).all()
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("name, words", [
    ("a.xyz", r"\.xyz is not a known photo format; use \.jpg"),
    ("a", "no ending"),
    ("nowhere/a.png", "there is no folder"),
    ("file/a.png", "there is no folder"),
    ("folder.png", "it is a folder"),
    ("a" * 300 + ".png", "too long"),
])
def test_bad_places_give_one_sentence(tmp_path, name, words):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(PhotoError, match=words):
        photos.write(tmp_path / name, IMAGE)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder in which nobody may create files")
def test_an_unwritable_folder():
    with pytest.raises(PhotoError, match="cannot be written"):
        photos.write("/proc/self/a.png", IMAGE)


@pytest.mark.parametrize("ending, longest", [("webp", 16_383), ("jpg", 65_500)])
def test_a_side_too_long_for_the_format(tmp_path, ending, longest):
    with pytest.raises(PhotoError, match=f"1 x {longest + 1} pixels, and a side .* at most {longest}; use another"):
        photos.write(tmp_path / f"a.{ending}", np.zeros((longest + 1, 1, 3), np.uint8))
    assert os.listdir(tmp_path) == []
    photos.write(tmp_path / f"a.{ending}", np.zeros((longest, 1, 3), np.uint8))


@pytest.mark.parametrize("image", [IMAGE[..., 0], IMAGE.astype(float), IMAGE[:0], np.dstack([IMAGE, IMAGE])])
def test_only_rgb_is_written(tmp_path, image):
    with pytest.raises(ValueError, match="must be uint8"):
        photos.write(tmp_path / "a.png", image)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_full_disk_leaves_the_old_file(tmp_path):
    photos.write(tmp_path / "a.png", IMAGE)
    program = ("import resource, sys, numpy as np; from course_lib import photos\n"
               "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
               "try: photos.write(sys.argv[1], np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8))\n"
               "except photos.PhotoError as error: print(error)")
    answer = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.png")], capture_output=True, text=True, check=True)
    assert "cannot be written" in answer.stdout and not answer.stderr
    assert os.listdir(tmp_path) == ["a.png"]
    assert (photos.read(tmp_path / "a.png") == IMAGE).all()
