"""Blur: properties that light has, and numbers against independent computations."""

import time

import numpy as np
import pytest
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from course_lib import blur, photos
from course_lib.evaluation import psnr, ssim

SHAKE = blur.exposure_times(9, 1.0, 5)      # 45 moments


@pytest.fixture(scope="module")
def photo():
    return photos.load("coffee")[40:296, 100:420]      # 256 x 320


@pytest.fixture(scope="module")
def train():
    return [photos.load(name) for name in photos.names("train")]


def rng(seed=0):
    return np.random.default_rng(seed)


def centroid(psf):
    y, x = np.indices(psf.shape) - np.array(psf.shape)[:, None, None] // 2
    return float((psf * x).sum()), float((psf * y).sum())


def grey(image):
    return image.astype(float).mean(axis=2)


# Point spread functions

@pytest.mark.parametrize("length", [0, 0.5, 1, 7.3, 11, 30])
@pytest.mark.parametrize("angle", [0, 17, 45, 90, 133.3])
def test_linear_psf_sums_to_one_and_is_centred(length, angle):
    psf = blur.linear_psf(length, angle)
    assert psf.dtype == np.float32 and psf.shape[0] == psf.shape[1] and psf.shape[0] % 2 == 1
    assert psf.sum() == pytest.approx(1, abs=1e-5) and psf.min() >= 0
    assert centroid(psf) == pytest.approx((0, 0), abs=1e-4)


def test_linear_psf_has_its_length_and_direction():
    length, angle = 24, np.radians(30)
    psf = blur.linear_psf(length, 30)
    y, x = np.indices(psf.shape) - len(psf) // 2
    along, across = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    assert (psf * along**2).sum() == pytest.approx(length**2 / 12 + 1 / 6, rel=0.02)    # a uniform line and the pixels
    assert (psf * across**2).sum() == pytest.approx(1 / 6, rel=0.1)
    rising = blur.linear_psf(11, 45)
    assert rising[0, -1] > 0.01 and rising[0, 0] == 0, "45 degrees goes up to the right"


def test_no_motion_is_no_blur(photo):
    assert blur.linear_psf(0, 30).tolist() == [[1]]
    assert np.array_equal(blur.convolve(photo, blur.linear_psf(0, 30)), photo)


def test_path_psf_is_subpixel_accurate():
    assert blur.path_psf([[0.25, 0]])[1] == pytest.approx([0, 0.75, 0.25])
    path = np.array([[0, 0], [4.2, -1.7], [5.1, 3.3]])
    mean = (path[:-1] + path[1:]).mean(axis=0) / 2      # equal time on both pieces
    assert centroid(blur.path_psf(path)) == pytest.approx(tuple(mean), abs=1e-4)


@pytest.mark.parametrize("path", [np.zeros((3, 3)), np.zeros((0, 2)), [[np.nan, 0]]])
def test_path_psf_refuses_what_is_no_path(path):
    with pytest.raises(ValueError, match="N x 2"):
        blur.path_psf(path)


def test_random_path_has_its_length_and_its_middle_at_zero():
    path = blur.random_path(rng(), 18)
    assert np.hypot(*np.diff(path, axis=0).T).sum() == pytest.approx(18)
    assert path[32].tolist() == [0, 0]
    assert np.array_equal(path, blur.random_path(rng(), 18)) and not np.array_equal(path, blur.random_path(rng(1), 18))


def test_inertia_straightens_the_path():
    def reach(inertia):
        return np.mean([np.hypot(*(p[-1] - p[0])) for p in (blur.random_path(rng(s), 1, inertia) for s in range(50))])

    assert reach(0.02) < 0.35 < reach(0.3) < 0.85 < reach(3)
    with pytest.raises(ValueError, match="inertia"):
        blur.random_path(rng(), 10, inertia=0)


# Convolution, light

@pytest.mark.parametrize("gamma", [1.0, 2.2])
def test_convolve_is_a_convolution_in_light(photo, gamma):
    psf = blur.path_psf(blur.random_path(rng(3), 20) + [1.3, -2.1])     # not symmetric: a correlation would show
    light = (photo / 255) ** gamma
    expected = np.stack([ndimage.convolve(light[..., c], psf.astype(float), mode="mirror") for c in range(3)], axis=2)
    expected = 255 * expected ** (1 / gamma)
    assert np.abs(blur.convolve(photo, psf, gamma) - expected).max() < 0.51


def test_large_kernels_too(photo):
    psf = blur.linear_psf(60, 20)
    expected = ndimage.convolve((photo[..., 0] / 255) ** 2.2, psf.astype(float), mode="mirror")
    assert np.abs(blur.convolve(photo, psf)[..., 0] - 255 * expected ** (1 / 2.2)).max() < 0.51


def test_blur_keeps_the_light(photo):
    framed = np.pad(photo, ((30, 30), (30, 30), (0, 0)))        # black around, so that no light leaves
    blurred = blur.convolve(framed, blur.path_psf(blur.random_path(rng(1), 20)))
    assert ((blurred / 255) ** 2.2).mean() == pytest.approx(((framed / 255) ** 2.2).mean(), rel=2e-3)
    flat = np.full_like(photo, 77)
    assert np.array_equal(blur.convolve(flat, blur.linear_psf(13, 33)), flat)


def test_gamma_matters():
    """Half white, half black: half the light is stored as 186, half of the stored values is 128."""
    stripes = np.zeros((9, 40, 3), np.uint8)
    stripes[:, 20:] = 255
    psf = np.full((1, 21), 1 / 20, np.float32)
    psf[0, [0, -1]] /= 2
    assert abs(int(blur.convolve(stripes, psf)[4, 19, 0]) - 255 * 0.475 ** (1 / 2.2)) <= 1
    assert abs(int(blur.convolve(stripes, psf, gamma=1)[4, 19, 0]) - 255 * 0.475) <= 1


def test_light_and_back_is_exact():
    values = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    for gamma in (1.0, 1.8, 2.2):
        assert np.array_equal(blur.to_stored(blur.to_light(values, gamma), gamma), values)


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3))])
def test_what_is_no_photo_is_refused(image):
    for use in (lambda: blur.to_light(image), lambda: blur.blur_photo(image, 1, rng()), lambda: blur.enlarge(image, 2),
                lambda: blur.blur_patch(image, 4, 8, rng()), lambda: blur.compress(image, 80)):
        with pytest.raises(ValueError, match="must be uint8 RGB"):
            use()
    with pytest.raises(ValueError, match="two odd sides"):
        blur.convolve(np.zeros((8, 8, 3), np.uint8), np.ones((4, 4)) / 16)
    with pytest.raises(ValueError, match="sum 9; it needs two odd sides and the sum 1"):
        blur.convolve(np.full((8, 8, 3), 100, np.uint8), np.ones((3, 3)))


# A moving camera

def test_exposure_times():
    times = blur.exposure_times(4, 0.5, 2)
    assert times == pytest.approx(np.array([0.5 - 0.125, 0.5 + 0.125, 1.375, 1.625, 2.375, 2.625, 3.375, 3.625]) / 4 - 0.5)
    assert blur.exposure_times(9, 0.3, 3)[13] == pytest.approx(0)
    assert blur.exposure_times(1, 1.0, 1).tolist() == [0]
    with pytest.raises(ValueError, match="shutter"):
        blur.exposure_times(9, 0)


def test_the_middle_of_the_exposure_is_the_photo_itself(photo):
    camera = blur.camera_motion(rng(2), 20, roll=2, zoom=0.05, times=SHAKE)
    assert camera.shape == (45, 4) and np.allclose(camera[22], 0)
    assert np.array_equal(blur.average_frames(photo, camera[22:23]), photo)


def test_a_shifting_camera_is_a_convolution(photo):
    """Averaged frames against the kernel of the same path: two independent ways to one picture."""
    path = blur.random_path(rng(4), 16)
    dense = np.stack([np.interp(np.linspace(0, 64, 641), np.arange(65), c) for c in path.T], axis=1)
    frames = blur.average_frames(photo, np.pad(dense, ((0, 0), (0, 2))))
    kernel = blur.convolve(photo, blur.path_psf(path))
    inside = slice(20, -20)
    difference = frames.astype(int)[inside, inside] - kernel[inside, inside]
    assert np.abs(difference).max() <= 2 and psnr(frames, kernel) > 45


def test_one_pose_rolls_and_zooms_as_it_says(photo):
    square = photo[:255, :255]
    assert np.array_equal(blur.average_frames(square, np.array([[0, 0, 90.0, 0]])), np.rot90(square))      # anticlockwise
    dots = np.zeros((101, 101, 3), np.uint8)
    dots[50, 50] = dots[50, 70] = 255
    zoomed = blur.average_frames(dots, np.array([[0, 0, 0, 0.5]]), gamma=1)
    assert zoomed[50, 50, 0] == 255 and zoomed[50, 80, 0] == 255 and zoomed[50, 70, 0] == 0
    moved = blur.average_frames(dots, np.array([[3, -2, 0, 0.0]]))
    assert moved[48, 53, 0] == 255


def test_roll_blurs_the_corners_more_than_the_centre():
    roll = np.zeros((31, 4))
    roll[:, 2] = np.linspace(-2, 2, 31)
    dots = np.zeros((201, 201, 3), np.uint8)
    dots[100, 100] = dots[100, 190] = dots[10, 100] = 255
    image = blur.average_frames(dots, roll)
    assert image[100, 100, 0] == 255 and image[100, 190, 0] < 150
    across = image[100 - 8:100 + 9, 180:, 0].sum(axis=0).argmax(), image[80:121, 190, 0]
    assert (across[1] > 0).sum() >= 6, "a point on the right is smeared up and down"
    assert (image[10, 80:121, 0] > 0).sum() >= 6, "a point at the top is smeared left and right"


def test_a_crop_with_its_margin_sees_what_the_whole_photo_sees(photo):
    motion = blur.camera_motion(rng(5), 12, roll=1, zoom=0.01, times=SHAKE)
    whole = blur.average_frames(photo, motion)
    crop = np.ascontiguousarray(photo[60:200, 90:250])
    part = blur.average_frames(crop, motion, centre=(159.5 - 90, 127.5 - 60), margin=24)
    assert np.abs(part.astype(int) - whole[84:176, 114:226]).max() <= 1


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_nothing_from_beyond_the_margin_enters_a_patch(train, level):
    """Whatever lies outside the window, the patch is the same."""
    for seed in range(6):
        random = rng(seed)
        motion = blur.draw_motion(level, random)
        if level == 4:
            motion[..., 2] += np.linspace(-2, 2, motion.shape[1])       # far from the centre, roll reaches furthest
        crop, centre, margin = blur._window(train[0], 64, 0.7 if level == 4 else 1.0, motion, random)
        assert crop.shape == (64 + 2 * margin,) * 2 + (3,)
        framed = np.pad(crop, ((9, 9), (9, 9), (0, 0)), constant_values=255)
        if level < 4:
            inside = slice(margin, margin + 64)
            assert np.array_equal(blur.convolve(crop, motion)[inside, inside],
                                  blur.convolve(framed, motion)[9:-9, 9:-9][inside, inside])
        else:
            centre9 = centre[0] + 9, centre[1] + 9
            a, b = (blur.average_frames(image, motion[0], 2.2, c, m)
                    for image, c, m in ((crop, centre, margin), (framed, centre9, margin + 9)))
            assert a.shape == (64, 64, 3) and np.abs(a.astype(int) - b).max() <= 1


def test_blurred_and_sharp_are_aligned(train):
    """By phase correlation: exactly for steady motion, and to the kernel's centroid for a curved path."""
    sharp = train[0][200:456, 300:556]
    for angle in (0, 45, 100):
        shift, _, _ = phase_cross_correlation(grey(sharp), grey(blur.convolve(sharp, blur.linear_psf(9, angle))),
                                              upsample_factor=20)
        assert np.abs(shift).max() < 0.11
    shifts = []
    for seed in range(24):
        blurred, same = blur.blur_patch(train[1], 4, 96, rng(seed))
        shifts.append(phase_cross_correlation(grey(same), grey(blurred), upsample_factor=10)[0])
    assert np.abs(np.median(shifts, axis=0)).max() < 1, "no side is preferred"


# Moving regions

def scene():
    background = rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    mask = np.zeros((60, 80), np.float32)
    mask[20:40, 30:50] = 1
    region = np.full_like(background, [200, 30, 30])
    image = np.where(mask[..., None] > 0, region, background)
    motion = np.zeros((9, 4))
    motion[:, 0] = np.arange(-4, 5)
    return image, mask, motion, background


def test_occlusion_equals_compositing_by_hand():
    image, mask, motion, background = scene()
    light = lambda x: (x / 255) ** 2.2
    frames = []
    for dx in range(-4, 5):
        moved, hidden = np.roll(image, dx, axis=1), np.roll(mask, dx, axis=1) > 0
        frames.append(light(np.where(hidden[..., None], moved, background)))
    expected = 255 * np.mean(frames, axis=0) ** (1 / 2.2)
    result = blur.move_region(image, mask, motion, background=background)
    assert np.abs(result - expected).max() < 0.52


def test_a_still_background_stays_sharp_and_the_region_hides_it():
    image, mask, motion, background = scene()
    result = blur.move_region(image, mask, motion, background=background)
    never = np.ones_like(mask, bool)
    never[20:40, 26:54] = False
    assert np.array_equal(result[never], background[never])
    assert (result[20:40, 34:46] == [200, 30, 30]).all(), "always covered: nothing shines through"
    convolved = blur.convolve(image, blur.linear_psf(8, 0))
    assert not np.array_equal(convolved[never], background[never]), "a convolution blurs the background as well"


def test_nothing_moves_nothing_changes(photo):
    mask = blur.random_mask(rng(3), photo.shape[:2])
    assert 0 < mask.mean() < 1 and mask.min() >= 0 and mask.max() <= 1
    assert np.array_equal(blur.move_region(photo, mask, np.zeros((3, 4))), photo)


def test_camera_and_region_move_on_their_own():
    image, mask, motion, background = scene()
    camera = np.zeros_like(motion)
    camera[:, 1] = np.arange(-4, 5)
    result = blur.move_region(image, mask, motion, camera, background)
    expected = blur.average_frames(background, camera)
    far = np.zeros_like(mask, bool)
    far[:14], far[:, :24] = True, True
    assert np.abs(result[far].astype(int) - expected[far]).max() <= 1
    assert (result[20:40, 34:46] == [200, 30, 30]).all()


def test_fill_behind_takes_the_region_out():
    image, mask, _, _ = scene()
    image[mask == 0] = [10, 200, 10]
    filled = blur.fill_behind(image, mask)
    assert np.array_equal(filled[mask == 0], image[mask == 0])
    assert np.abs(filled[20:40, 30:34].astype(int) - [10, 200, 10]).max() <= 1


def test_move_region_refuses_what_does_not_fit():
    image, mask, motion, _ = scene()
    with pytest.raises(ValueError, match="mask has shape"):
        blur.move_region(image, mask[:-1], motion)
    with pytest.raises(ValueError, match="same sub-frames"):
        blur.move_region(image, mask, motion, camera=motion[:-1])


# The rest of the camera

def test_noise_has_its_strength_and_no_bias():
    for value in (64, 128, 230):
        flat = np.full((200, 200, 3), value, np.uint8)
        noisy = blur.noise(flat, 4, rng()).astype(float)
        assert ((noisy / 255) ** 2.2).mean() == pytest.approx((value / 255) ** 2.2, rel=0.01), "the light keeps its mean"
        assert noisy.std() == pytest.approx(4, rel=0.2), "gamma makes it almost the same everywhere"
    linear = [blur.noise(np.full((200, 200, 3), value, np.uint8), 4, rng(), gamma=1).std() for value in (40, 160)]
    expected = [4 * np.sqrt((value / 255 + 1 / 400) / (1 + 1 / 400)) for value in (40, 160)]
    assert linear == pytest.approx(expected, rel=0.02)
    assert np.array_equal(blur.noise(flat, 0, rng()), flat)


def test_compression_keeps_shape_and_colour(photo):
    assert psnr(photo, blur.compress(photo, 95)) > psnr(photo, blur.compress(photo, 60)) > 25
    red = np.full((16, 16, 3), [250, 10, 10], np.uint8)
    assert np.abs(blur.compress(red, 90).astype(int) - red).max() < 6


def test_enlargement_removes_detail(photo):
    assert np.array_equal(blur.enlarge(photo, 1), photo)
    scores = [psnr(photo, blur.enlarge(photo, factor)) for factor in (1.5, 2, 3, 5)]
    assert scores == sorted(scores, reverse=True)
    assert blur.enlarge(photo, 3).shape == photo.shape
    with pytest.raises(ValueError, match="factor"):
        blur.enlarge(photo, 0.5)


# The ladder

@pytest.mark.parametrize("level", blur.LEVELS)
def test_pairs_have_the_right_form_and_repeat(photo, level):
    blurred, sharp = blur.blur_photo(photo, level, rng(1))
    assert blurred.shape == photo.shape and blurred.dtype == np.uint8
    assert np.array_equal(sharp, photo) and sharp is not photo
    again, _ = blur.blur_photo(photo, level, rng(1))
    other, _ = blur.blur_photo(photo, level, rng(2))
    assert np.array_equal(blurred, again)
    assert np.array_equal(blurred, other) == (level == 1), "only level 1 has one kernel"

    patches = blur.blur_patch(photo, level, 64, rng(1))
    assert [(p.shape, p.dtype) for p in patches] == [((64, 64, 3), np.uint8)] * 2
    assert all(np.array_equal(a, b) for a, b in zip(patches, blur.blur_patch(photo, level, 64, rng(1))))


def test_drawing_the_motion_first_tells_what_blur_photo_did(photo):
    blurred, _ = blur.blur_photo(photo, 3, rng(8))
    assert np.array_equal(blurred, blur.convolve(photo, blur.draw_motion(3, rng(8))))
    assert np.array_equal(blur.draw_motion(1, rng()), blur.linear_psf(*blur.LEVEL_1))


def test_sharp_patches_are_pieces_of_the_photo_in_all_eight_orientations():
    y, x = np.mgrid[:200, :240].astype(np.uint8)
    places = np.stack([x, y, 0 * x], axis=2)        # every pixel stores where it is
    orientations = set()
    for seed in range(60):
        _, sharp = blur.blur_patch(places, 2, 48, rng(seed))
        right, down = (np.diff(sharp[:, :, :2].astype(int), axis=axis) for axis in (1, 0))
        assert (right == right[0, 0]).all() and (down == down[0, 0]).all()
        orientations.add((*right[0, 0].tolist(), *down[0, 0].tolist()))
    assert orientations == {(a, 0, 0, b) for a in (-1, 1) for b in (-1, 1)} | {(0, a, b, 0) for a in (-1, 1) for b in (-1, 1)}


def test_moving_objects_of_a_patch_have_an_edge():
    """They are pieces of the photograph from elsewhere: of a gradient, which has no edge itself."""
    gradient = np.linspace(0, 255, 600).astype(np.uint8)[None, :, None].repeat(500, axis=0).repeat(3, axis=2)
    sharp = [blur.blur_patch(gradient, 4, 128, rng(seed))[1][..., 0].astype(int) for seed in range(40)]
    edges = sum(max(np.abs(np.diff(patch, axis=axis)).max() for axis in (0, 1)) > 8 for patch in sharp)
    assert 4 < edges < 25, "two in five have objects, not all of them within the patch"


def test_unknown_level_and_small_photo(photo):
    with pytest.raises(ValueError, match="1, 2, 3, 4"):
        blur.blur_photo(photo, 5, rng())
    with pytest.raises(ValueError, match="does not fit"):
        blur.blur_patch(photo, 1, 257, rng())
    for level in blur.LEVELS:       # no room for a margin: the border is mirrored
        for seed in range(4):
            assert blur.blur_patch(photo, level, 256, rng(seed))[0].shape == (256, 256, 3)


# As blur_patch's docstring says: mean and standard deviation of PSNR, mean of SSIM.
MEASURED = {1: (25.9, 5.7, 0.68), 2: (27.0, 6.0, 0.72), 3: (25.5, 5.3, 0.70), 4: (25.7, 7.1, 0.67)}


@pytest.mark.parametrize("level", blur.LEVELS)
def test_strength_of_each_level(train, level):
    random = rng(level)
    pairs = [blur.blur_patch(train[i % len(train)], level, 128, random) for i in range(28 * len(train))]
    scores = [psnr(sharp, blurred) for blurred, sharp in pairs]
    scores = np.array([score for score in scores if np.isfinite(score)])
    similarity = np.mean([ssim(sharp, blurred) for blurred, sharp in pairs[::4]])
    mean, deviation, structure = MEASURED[level]
    assert scores.mean() == pytest.approx(mean, abs=1.2)
    assert scores.std() == pytest.approx(deviation, abs=1.2)
    assert similarity == pytest.approx(structure, abs=0.05)
    assert scores.min() > 10 and scores.max() > 40
    if level == 4:
        assert 0.05 < (scores > 35).mean() < 0.3, "some are almost sharp, so that a network learns to leave them alone"


@pytest.mark.parametrize("level, milliseconds", [(1, 15), (4, 90)])
def test_patches_are_fast(train, level, milliseconds):
    """Loose bounds: about fifteen times what an idle core needs."""
    random = rng()
    start = time.process_time()
    for i in range(40):
        blur.blur_patch(train[i % len(train)], level, 128, random)
    assert (time.process_time() - start) / 40 < milliseconds / 1000
