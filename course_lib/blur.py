"""How a photograph blurs: point spread functions, a moving camera, moving objects, noise (lesson 02).

A sensor adds up light while its shutter is open. Everything here is that one sentence: a
sharp photograph is turned back into light, shifted, rolled and zoomed as the camera moved,
averaged, and turned into stored values again. Motion is always measured from the middle of
the exposure, so the sharp photograph is the moment the blurred one is centred on.

Images are uint8 RGB, H x W x 3. Positions are (x, y) in pixels, x to the right, y down.
What is random takes a `numpy.random.Generator` and depends on nothing else.
"""

from functools import lru_cache

import cv2
import numpy as np

from course_lib import photos

GAMMA = 2.2         # stored value = 255 * light ** (1 / 2.2): the response curve of GoPro's `blur_gamma`

LEVELS = {
    1: "one known kernel: a straight motion of 11 pixels at 45 degrees, for every photograph",
    2: "random directions: straight motion of any angle, 3 to 17 pixels long",
    3: "random camera paths: the curved motion of a hand, 6 to 24 pixels long",
    4: "GoPro-like: averaged frames under shift, roll and zoom, moving objects, response curve, noise, compression",
}

LEVEL_1 = (11, 45)  # length and angle: level 1's kernel is linear_psf(*LEVEL_1)
SPEED = 2.4         # level 4: mean speed of camera and objects, in pixels per frame of 1/240 s
TRIES = 4           # a training patch is the most detailed of so many: a blue sky has nothing to teach


# Light and stored values ---------------------------------------------------------------------

def to_light(image: np.ndarray, gamma: float = GAMMA) -> np.ndarray:
    """Stored values, uint8 in [0, 255] → light, float32 in [0, 1]: (image / 255) ** gamma."""
    photos.check_image(image)
    return cv2.LUT(image, _light_of_value(gamma))


@lru_cache(64)
def _light_of_value(gamma: float) -> np.ndarray:
    return ((np.arange(256) / 255) ** gamma).astype(np.float32)


def to_stored(light: np.ndarray, gamma: float = GAMMA) -> np.ndarray:
    """Light, float32 in [0, 1] → stored values, uint8 in [0, 255], rounded and clipped."""
    stored = light if gamma == 1 else cv2.pow(np.maximum(light, 0), 1 / gamma)
    return np.clip(np.rint(stored * 255), 0, 255).astype(np.uint8)


# Point spread functions: where the light of one point goes ------------------------------------

def linear_psf(length: float, angle: float) -> np.ndarray:
    """Straight, steady motion of `length` pixels, `angle` degrees anticlockwise from the x axis.

    Returns float32 (K, K), K odd, sum 1, centred. A length of 0 is no blur.
    """
    x, y = np.cos(np.radians(angle)), -np.sin(np.radians(angle))        # y points down
    return path_psf(np.outer([-length / 2, length / 2], [x, y]))


def path_psf(path: np.ndarray) -> np.ndarray:
    """The point spread function of a camera path.

    Parameters
    ----------
    path : (N, 2) positions (x, y) in pixels at N equal steps of time, straight in between;
        (0, 0), the middle of the exposure, falls on the centre of the kernel.

    Returns
    -------
    float32 (K, K), K odd, sum 1. Its centroid is the path's mean position, exactly (see `spread`).
    """
    path = np.asarray(path, float)
    if path.ndim != 2 or path.shape[1] != 2 or len(path) == 0 or not np.isfinite(path).all():
        raise ValueError(f"path has shape {path.shape}; it must be N x 2 finite positions (x, y) in pixels.")
    if len(path) > 1:               # at least 8 moments per pixel, so that no gaps show
        longest = np.hypot(*np.diff(path, axis=0).T).max()
        moments = (len(path) - 1) * max(1, int(np.ceil(8 * longest)))
        time = (np.arange(moments) + 0.5) * (len(path) - 1) / moments
        path = np.stack([np.interp(time, np.arange(len(path)), c) for c in path.T], axis=1)

    return spread(path)


def spread(points: np.ndarray) -> np.ndarray:
    """The point spread function of light that falls on each of N points (x, y) for the same time.

    float32 (K, K), K odd, sum 1, (0, 0) at its centre. Each point is shared among the four
    nearest pixels (bilinear weights).
    """
    radius = int(np.ceil(np.abs(points).max()))
    corner = np.floor(points).astype(int)
    right, down = (points - corner).T
    psf = np.zeros((2 * radius + 2, 2 * radius + 2))
    x, y = (corner + radius).T
    for dx, dy, weight in ((0, 0, (1 - right) * (1 - down)), (1, 0, right * (1 - down)),
                           (0, 1, (1 - right) * down), (1, 1, right * down)):
        np.add.at(psf, (y + dy, x + dx), weight)
    return (psf[:-1, :-1] / len(points)).astype(np.float32)


def random_path(rng: np.random.Generator, length: float, inertia: float = 0.3, steps: int = 65) -> np.ndarray:
    """A hand's tremor: a random walk of the velocity, summed up to positions.

    Parameters
    ----------
    length : of the whole path, in pixels.
    inertia : how long the hand keeps its velocity, as a part of the exposure. 0.1 is
        nervous, 0.3 a hand, 3 almost a straight line.
    steps : number of moments, odd.

    Returns
    -------
    float64 (steps, 2), positions (x, y) in pixels; the middle one is (0, 0).
    """
    return length * _walk(rng, 2, inertia, steps)


def _walk(rng: np.random.Generator, dimensions: int, inertia: float, steps: int = 65) -> np.ndarray:
    """A random walk with inertia (Ornstein-Uhlenbeck velocity) of total length 1, 0 at its middle."""
    if inertia <= 0 or steps < 3 or steps % 2 == 0:
        raise ValueError(f"inertia is {inertia} and steps {steps}; inertia must be above 0, steps odd and at least 3.")
    velocity = _decay(inertia, steps - 1) @ rng.standard_normal((steps - 1, dimensions))
    path = np.concatenate([np.zeros((1, dimensions)), np.cumsum(velocity, axis=0)])
    return (path - path[steps // 2]) / np.linalg.norm(velocity, axis=1).sum()


@lru_cache(64)
def _decay(inertia: float, steps: int) -> np.ndarray:
    """What is left, at each step (row), of the push at every earlier step (column)."""
    lag = np.subtract.outer(np.arange(steps), np.arange(steps))
    decay = np.tril(np.exp(-np.abs(lag) / (inertia * steps)))
    decay[:, 1:] *= np.sqrt(1 - np.exp(-2 / (inertia * steps)))     # the velocity's variance stays 1
    return decay


def convolve(image: np.ndarray, psf: np.ndarray, gamma: float = GAMMA) -> np.ndarray:
    """Blur an image with one point spread function, in light (gamma=1: in stored values).

    Returns uint8 of the same shape. Beyond its border the image continues mirrored.
    """
    check_psf(psf)
    flipped = psf[::-1, ::-1].astype(np.float32)    # filter2D correlates; a convolution flips the kernel
    light = cv2.filter2D(to_light(image, gamma), -1, flipped, borderType=cv2.BORDER_REFLECT_101)
    return to_stored(light, gamma)


def check_psf(psf: np.ndarray) -> None:
    """ValueError unless `psf` has a centre and spreads light without adding any: (K, L), both odd, sum 1."""
    if psf.ndim != 2 or psf.shape[0] % 2 == 0 or psf.shape[1] % 2 == 0 or not np.isclose(psf.sum(), 1, atol=1e-3):
        raise ValueError(f"psf has shape {psf.shape} and sum {psf.sum():.3g}; it needs two odd sides and the sum 1.")


# A moving camera: blur that varies over the image ---------------------------------------------

def exposure_times(frames: int = 9, shutter: float = 1.0, parts: int = 3) -> np.ndarray:
    """When light falls on the sensor, in units of the whole exposure: -0.5 to 0.5, the middle is 0.

    GoPro's blurred photographs are the mean of 7 to 13 frames of a 240 fps video (Nah et
    al., arXiv:1612.02177). Each frame is itself exposed for a part of 1/240 s; when that
    part is small and the motion fast, the mean shows separate copies.

    Parameters
    ----------
    frames : how many video frames are averaged.
    shutter : the part of a frame's time for which the shutter is open, in (0, 1].
    parts : moments at which each frame is sampled; about one per pixel of motion is enough.

    Returns
    -------
    float64 (frames * parts,).
    """
    if frames < 1 or parts < 1 or not 0 < shutter <= 1:
        raise ValueError(f"frames is {frames}, parts {parts}, shutter {shutter}; "
                         "the first two must be at least 1, shutter above 0 and at most 1.")
    within = shutter * ((np.arange(parts) + 0.5) / parts - 0.5)
    return (((np.arange(frames)[:, None] + 0.5 + within) / frames) - 0.5).ravel()


def camera_motion(
    rng: np.random.Generator,
    shift: float,
    roll: float = 0.0,
    zoom: float = 0.0,
    times: np.ndarray | None = None,
    inertia: float = 2.0,
) -> np.ndarray:
    """How a camera moves during an exposure: three random walks, for shift, roll and zoom.

    Parameters
    ----------
    shift : length of the camera's path in pixels; roll : in degrees; zoom : 0.01 is 1 %.
        Each is what the motion adds up to, back and forth.
    times : the moments looked at; `exposure_times()` by default.
    inertia : as in `random_path`; a camera that pans or is carried has much.

    Returns
    -------
    float64 (S, 4), one row for each of the S moments: shift x, shift y (pixels), roll
    (degrees, anticlockwise) and zoom (0 is none), relative to the middle of the exposure.
    """
    times = exposure_times() if times is None else times
    path = np.concatenate([shift * _walk(rng, 2, inertia), roll * _walk(rng, 1, inertia),
                           zoom * _walk(rng, 1, inertia)], axis=1)
    return np.stack([np.interp(times, np.linspace(-0.5, 0.5, len(path)), column) for column in path.T], axis=1)


def average_frames(
    image: np.ndarray,
    motion: np.ndarray,
    gamma: float = GAMMA,
    centre: tuple[float, float] | None = None,
    margin: int = 0,
) -> np.ndarray:
    """Average what a moving camera sees: in light with gamma 2.2, of stored values with gamma 1.

    Parameters
    ----------
    motion : (S, 4) as `camera_motion` returns; a single row shows a single sub-frame.
    centre : the point (x, y) about which the camera rolls and zooms; the image's by default.
    margin : pixels to cut off on every side, where light from outside the image may have entered.

    Returns
    -------
    uint8 (H - 2 margin, W - 2 margin, 3). Beyond its border the image continues mirrored.
    """
    scene = cv2.cvtColor(to_light(image, gamma), cv2.COLOR_RGB2RGBA)        # opaque: alpha is 1
    total = sum(_move(scene, pose, centre, margin) for pose in motion)
    return to_stored(total[..., :3] / len(motion), gamma)


def move_region(
    image: np.ndarray,
    mask: np.ndarray,
    motion: np.ndarray,
    camera: np.ndarray | None = None,
    background: np.ndarray | None = None,
    gamma: float = GAMMA,
    centre: tuple[float, float] | None = None,
    margin: int = 0,
) -> np.ndarray:
    """Average frames in which one region moves on its own and hides what is behind it.

    In every sub-frame the region is laid over the scene where it is at that moment. So its
    edge is a mixture of both, what it uncovers is seen for part of the exposure, and a still
    background stays sharp up to it: no convolution does this.

    Parameters
    ----------
    mask : float32 (H, W) in [0, 1], 1 where `image` shows the region in the middle of the
        exposure, soft at the edge.
    motion : (S, 4), the region's motion in the picture; (0, 0, 0, 0) is where the mask is.
    camera : (S, 4), the motion of everything else; a camera at rest by default.
    background : uint8 (H, W, 3), what is behind the region; `fill_behind` by default.
    gamma, centre, margin : as in `average_frames`.

    Returns
    -------
    uint8 (H - 2 margin, W - 2 margin, 3).
    """
    if mask.shape != image.shape[:2]:
        raise ValueError(f"mask has shape {mask.shape}; it must be that of the image, {image.shape[:2]}.")
    camera = np.zeros_like(motion) if camera is None else camera
    if camera.shape != motion.shape:
        raise ValueError(f"motion has shape {motion.shape} and camera {camera.shape}; both need the same sub-frames.")
    background = fill_behind(image, mask) if background is None else background
    scene = cv2.cvtColor(to_light(background, gamma), cv2.COLOR_RGB2RGBA)
    region = cv2.cvtColor(to_light(image, gamma), cv2.COLOR_RGB2RGBA) * mask[..., None].astype(np.float32)
    total = 0
    for scene_pose, region_pose in zip(camera, motion):
        front = _move(region, region_pose, centre, margin)
        total += front + (1 - front[..., 3:]) * _move(scene, scene_pose, centre, margin)
    return to_stored(total[..., :3] / len(motion), gamma)


def fill_behind(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The image with a region taken out and its surroundings spread, smoothly, into the gap.

    A guess for `move_region`, good enough for the narrow strip that motion uncovers.
    """
    behind = (mask >= 0.999).astype(np.float32)[..., None]
    around = cv2.blur(np.concatenate([image * (1 - behind), 1 - behind], axis=2), (31, 31))
    fill = around[..., :3] / np.maximum(around[..., 3:], 1e-3)
    return np.where(behind * around[..., 3:] > 0, np.clip(np.rint(fill), 0, 255), image).astype(np.uint8)


def _move(scene: np.ndarray, pose: np.ndarray, centre: tuple[float, float] | None, margin: int) -> np.ndarray:
    """An RGBA scene (four channels are OpenCV's fast path) as a camera in this pose sees it."""
    height, width = scene.shape[:2]
    x, y, roll, zoom = pose
    cx, cy = ((width - 1) / 2, (height - 1) / 2) if centre is None else centre
    a, b = (1 + zoom) * np.cos(np.radians(roll)), (1 + zoom) * np.sin(np.radians(roll))
    matrix = np.array([[a, b, cx - a * cx - b * cy + x - margin],       # p -> centre + zoom * rotation (p - centre) + shift
                       [-b, a, cy + b * cx - a * cy + y - margin]])
    size = (width - 2 * margin, height - 2 * margin)
    return cv2.warpAffine(scene, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


# The rest of the camera -------------------------------------------------------------------------

def noise(image: np.ndarray, sigma: float, rng: np.random.Generator, gamma: float = GAMMA) -> np.ndarray:
    """A sensor's noise, added to the light: `sigma` is its standard deviation at white, in grey levels.

    Shot noise grows with the square root of the light, for photons are counted; read noise,
    a twentieth as strong at white, is the same everywhere. Stored with gamma 2.2, both
    together are almost equally strong in all values but the darkest. Returns uint8, same shape.
    """
    light = to_light(image, gamma)
    read = 1 / 20**2
    deviation = sigma * gamma / 255 * np.sqrt((light + read) / (1 + read))      # gamma / 255 is d light / d value at white
    return to_stored(light + deviation * rng.standard_normal(light.shape, dtype=np.float32), gamma)


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    """The image after JPEG of the given quality, 1 to 100. uint8, same shape."""
    photos.check_image(image)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def enlarge(image: np.ndarray, factor: float) -> np.ndarray:
    """Enlargement blur, which Section 3.3 contrasts: made small by `factor`, then large again.

    Nothing moved: every pixel is spread evenly, and the detail is not mixed but gone.
    Returns uint8 of the same shape.
    """
    photos.check_image(image)
    height, width = image.shape[:2]
    if not 1 <= factor <= min(height, width):
        raise ValueError(f"factor is {factor}; it must be between 1 and {min(height, width)}, the image's short side.")
    small = cv2.resize(image, (round(width / factor), round(height / factor)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


# The difficulty ladder ---------------------------------------------------------------------------

def blur_photo(image: np.ndarray, level: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Blur a photograph at a level of the ladder.

    Returns (blurred, sharp), both uint8 of the image's shape; sharp is the photograph
    itself, the middle of the exposure.
    """
    motion = draw_motion(level, rng)
    if level < 4:
        return convolve(image, motion), image.copy()
    return _gopro_like(image, motion, rng)


def blur_patch(photo: np.ndarray, level: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A training pair: a random square of a photograph, blurred at a level of the ladder.

    The square is cut out with as much around it as the motion reaches, so that light comes
    in from what is really there. It is mirrored and transposed at random. At level 4 it is
    first made smaller, by up to 0.4, for detail of many scales, and a moving object is a
    piece of the photograph pasted elsewhere, so that it has an edge.

    Returns (blurred, sharp), uint8 (size, size, 3). Raises ValueError if the photograph is
    smaller than the square.

    What the blurred input scores, over patches of 128 pixels from the built-in training
    photographs (a test holds these; GoPro's test set is quoted at 25.6 dB):

        level    mean     sd    min    max dB    mean SSIM
          1      25.9    5.7   17.7   49.0         0.68
          2      27.0    6.0   16.7   52.0         0.72
          3      25.5    5.3   15.1   52.1         0.70
          4      25.7    7.1   12.6   63.2         0.67
    """
    motion = draw_motion(level, rng)
    scale = rng.uniform(0.4, 1.0) if level == 4 else 1.0
    crop, centre, margin = _window(photo, size, scale, motion, rng)
    if level < 4:
        inside = slice(margin, margin + size)
        return convolve(crop, motion)[inside, inside], crop[inside, inside]
    return _gopro_like(crop, motion, rng, centre, margin, paste=True)


def draw_motion(level: int, rng: np.random.Generator) -> np.ndarray:
    """The motion of one exposure, the first thing that `blur_photo` and `blur_patch` draw.

    Returns a point spread function (K, K) at levels 1 to 3. At level 4 it is (1, S, 4), the
    camera's motion, or (2, S, 4), the camera's and that of objects moving on their own.
    """
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}; the ladder has the levels {', '.join(map(str, LEVELS))}.")
    if level == 1:
        return linear_psf(*LEVEL_1)
    if level == 2:
        return linear_psf(rng.uniform(3, 17), rng.uniform(0, 180))
    if level == 3:
        return path_psf(random_path(rng, rng.uniform(6, 24)))

    frames = int(rng.choice([7, 9, 11, 13]))
    shutter = rng.uniform(0.3, 1.0)
    strength = frames * (0.04 if rng.random() < 0.1 else 1.0)       # one in ten is almost sharp
    shift, own = strength * np.minimum(rng.gamma(1.5, SPEED / 1.5, size=2), 4.0)
    roll, zoom = strength * rng.exponential([0.02, 0.0003])
    travel = shift + own + 600 * (np.radians(roll) + zoom)      # of an object 600 pixels from the centre
    times = exposure_times(frames, shutter, parts=max(1, int(np.ceil(shutter * travel / frames))))
    camera = camera_motion(rng, shift, roll, zoom, times)
    if rng.random() < 0.6:
        return camera[None]
    angle = rng.uniform(0, 2 * np.pi)
    return np.stack([camera, camera + own * np.outer(times, [np.cos(angle), np.sin(angle), 0, 0])])


def _gopro_like(image, motions, rng, centre=None, margin=0, paste=False):
    """Level 4: one camera response, moving objects, noise and compression for one exposure."""
    gamma = float(rng.choice([1.0, GAMMA]))         # GoPro's `blur` and `blur_gamma`; both are in use
    if len(motions) == 1:
        blurred = average_frames(image, motions[0], gamma, centre, margin)
    else:
        mask, background = random_mask(rng, image.shape[:2]), None
        if paste:
            background, soft = image, mask[..., None]
            image = np.rint(soft * image[:, ::-1] + (1 - soft) * image).astype(np.uint8)
        blurred = move_region(image, mask, motions[1], motions[0], background, gamma, centre, margin)
    if rng.random() < 0.5:
        blurred = noise(blurred, rng.uniform(0, 2), rng)
    if rng.random() < 0.3:
        blurred = compress(blurred, rng.integers(70, 96))
    height, width = image.shape[:2]
    return blurred, image[margin:height - margin, margin:width - margin].copy()


def random_mask(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Where objects move: a few soft-edged ellipses, 20 to 120 pixels in radius. float32 (H, W) in [0, 1]."""
    height, width = shape
    mask = np.zeros(shape, np.float32)
    for _ in range(1 + min(3, height * width // 300**2)):
        place = int(rng.integers(width)), int(rng.integers(height))
        radii = int(rng.integers(20, 80)), int(rng.integers(20, 120))
        cv2.ellipse(mask, place, radii, rng.uniform(-30, 30), 0, 360, 1.0, thickness=-1)
    return cv2.GaussianBlur(mask, (5, 5), 1.0)


def _detail(crop: np.ndarray) -> float:
    """The mean step between pixels two apart, in every fourth row of the green channel."""
    row = np.ascontiguousarray(crop[::4, :, 1])
    return cv2.norm(row[:, 2:], row[:, :-2], cv2.NORM_L1) / row.size


def _window(photo, size, scale, motion, rng):
    """A random square of `size` at `scale`, with a margin. Returns the crop, the photograph's centre in it, the margin."""
    photos.check_image(photo, "the photograph")
    height, width = photo.shape[:2]
    if min(height, width) < size:
        raise ValueError(f"the photograph is {width} x {height} pixels; a patch of {size} x {size} does not fit in.")
    if motion.ndim == 2:
        margin = len(motion) // 2
    else:       # a point r pixels from the centre also moves by r * (roll + zoom)
        shift, turn = np.hypot(*motion[..., :2].T), np.radians(np.abs(motion[..., 2])) + np.abs(motion[..., 3])
        margin = int(np.ceil(shift.max() + turn.max() * scale * np.hypot(height, width) / 2)) + 1
    whole = size + 2 * margin
    scale = min(1.0, max(scale, whole / min(height, width)))
    side = max(size, min(round(whole / scale), height, width))
    places = rng.integers([width - side + 1, height - side + 1], size=(TRIES, 2))
    left, top = max(places, key=lambda place: _detail(photo[place[1]:place[1] + side, place[0]:place[0] + side]))
    crop = photo[top:top + side, left:left + side]
    before = max(0, whole - side) // 2      # not 0 where the photograph is smaller than square and margin
    centre = ((width - 1) / 2 - left) * scale + before, ((height - 1) / 2 - top) * scale + before
    if scale < 1:
        crop = cv2.resize(crop, (whole, whole), interpolation=cv2.INTER_AREA)
    elif side < whole:
        after = whole - side - before
        crop = cv2.copyMakeBorder(crop, before, after, before, after, cv2.BORDER_REFLECT_101)
    # Mirrored and transposed in one of eight ways. The centre is not: the motion is as likely mirrored too.
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.5:
        crop = crop[::-1]
    if rng.random() < 0.5:
        crop = crop.transpose(1, 0, 2)
    return np.ascontiguousarray(crop), centre, margin
