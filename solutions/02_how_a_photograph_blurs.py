# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · How a photograph blurs
#
# To remove blur, you have to know what it is. In this lesson you blur photographs step by step, as a camera does, and then try to undo the blur with the best methods
# that need no network. They work astonishingly well, but only under four conditions, which everyday photographs never meet.
# Where they stop, the report's network begins; so you finish by making the pairs of photographs that it is trained on.
#
# **You will be able to**
# - make a blurred photograph from sharp frames, as in the GoPro dataset, and say why it matters whether light or stored values are averaged;
# - describe camera shake by its point spread function, and blur a photograph with it by convolution;
# - undo a known blur with the Wiener filter and with the Richardson–Lucy method, and say which waves cannot be recovered;
# - name the four conditions that these methods need, and show each of them fail;
# - turn photographs or a video into batches of pairs for a network.
#
# **You need** lesson 00 (PSNR); Python with NumPy arrays, complex numbers, and what an eigenvector is.
#
# **Time** about 60 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib import blur, blur_figures, classical, evaluation, figures, gopro, photos, widgets
from course_lib.checks import lesson_02

# %% [markdown]
# ## 1. Light adds up (5 minutes)
#
# While its shutter is open, a camera adds up the light that falls on each pixel. If the camera moves in the meantime, a pixel collects light from one place in the scene,
# then from the next, and so on. Nothing else happens: **a blurred photograph is the sum of many sharp moments.**
#
# So we can make one. Imagine a video camera that takes 240 frames per second, held in a hand that is not quite still. Here are 13 of its frames, rendered from one photograph.
# The camera's motion is random; `blur.camera_motion` returns its position at each moment.

# %%
palace = photos.load("summer_palace")[6:246, 40:280]
moments = blur.exposure_times(frames=13, parts=1)
motion = blur.camera_motion(np.random.default_rng(12), shift=30, times=moments)     # shift x and y, roll, zoom
video = [blur.average_frames(palace, pose[None], margin=20) for pose in motion]     # one pose each: still sharp
print(f"{len(video)} frames of {video[0].shape}, {video[0].dtype}; together {13 / 240 * 1000:.0f} milliseconds")

# %% [markdown]
# **Move the slider**: it sets how many frames are averaged, always centred on the middle one. The dots on the right show the camera's path during these frames; the cross marks the middle one.
# (When a camera turns right, everything in its picture moves left. Throughout the course, "the camera's path" means the path of its picture, which is what blurs; the camera itself went the opposite way.)

# %%
def averaged(frames):
    used = slice(6 - frames // 2, 7 + frames // 2)
    mean = np.rint(np.mean(video[used], axis=0)).astype(np.uint8)
    return blur_figures.row({"the middle frame": video[6], f"mean of {frames}": mean,
                             "the camera": blur_figures.camera_path(motion[:, :2], used, side=200)})


widgets.explore(averaged, {"frames": [1, 3, 5, 7, 9, 13]}, start={"frames": 7}, kilobytes=150,
                alt="The middle frame of a video, the mean of several frames around it, which is the more blurred the more "
                    "frames are averaged, and the camera's path with the positions of these frames")

# %% [markdown]
# This is how the *GoPro dataset* was made (Nah et al. 2017, arXiv:1612.02177), on which the report trains. A real camera took videos of streets at 240 frames per second;
# the mean of 7 to 13 neighbouring frames is the blurred photograph, and the middle frame is the sharp one that belongs to it.
# (Look at the edge of the roof: where the camera moved fast, the mean shows separate copies. A single long exposure would have smeared them into one.)
#
# **Predict, then open.** Why the middle frame, and not the first?
#
# <details><summary>Answer</summary>
#
# In the blurred photograph, each thing is spread around the place where it was in the middle of the exposure. With the first frame, every pair would also be shifted, each by a different amount.
# A network can't know that amount, and PSNR would punish it for a perfectly sharp picture that is two pixels off.
#
# </details>

# %% [markdown]
# ### Exercise 1: the mean of frames (1 point)
#
# Write a function that averages frames. The result is a photograph again: rounded, and `uint8`. Remember that `uint8` can't hold anything above 255.

# %% nbgrader={"grade_id": "mean-frame", "solution": true}
def mean_frame(frames):
    """The mean of a list of uint8 arrays of equal shape, rounded, as uint8."""
    ### BEGIN SOLUTION: return the mean over the frames, rounded and converted to uint8
    return np.rint(np.mean(frames, axis=0)).astype(np.uint8)
    ### END SOLUTION


# %% nbgrader={"grade_id": "mean-frame-test", "grade": true, "points": 1}
lesson_02.check_mean_frame(mean_frame)
### BEGIN HIDDEN TESTS
lesson_02.check_mean_frame(mean_frame, seed=21)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Which sum? (6 minutes)
#
# It is light that adds up. But a photograph does not store light. Cameras store
#
# $$\text{value} = 255 \cdot \text{light}^{1/\gamma}, \qquad \gamma \approx 2.2,$$
#
# with light from 0 to 1. Our eyes tell dark tones apart better than bright ones, so this makes better use of the 256 values. The number $\gamma$ is called *gamma*.
#
# **Predict, then run.** For half of the exposure a pixel sees a white lamp (stored as 255), for the other half a black sky (0). Which value is stored in the end?

# %%
lamp_and_sky = np.array([255, 0])
light = (lamp_and_sky / 255) ** 2.2
print("mean of the stored values:", round(lamp_and_sky.mean()))
print("what the camera stores:   ", round(255 * light.mean() ** (1 / 2.2)))

# %% [markdown]
# Half of the light is stored as 186, not as 128. Where something bright moves in front of something dark, the mean of stored values is far too dark.
#
# Here is a bridge at night, blurred by the same motion in both ways. **Drag the line** and look at the lamps and at the short bright streaks beside them. What is dark all around, like most cables, hardly changes.

# %%
night = photos.load("bridge_at_night")[250:520, 620:1020]
shake = blur.path_psf(blur.random_path(np.random.default_rng(5), length=34, inertia=0.4))
wrong, right = blur.convolve(night, shake, gamma=1), blur.convolve(night, shake)
widgets.swipe(wrong, right, labels=("mean of stored values", "mean of light"), zoom=2, kilobytes=110,
              alt="A lit suspension bridge at night, blurred by a shake: with the mean of light the streaks of the lamps "
                  "are brighter, with the mean of stored values duller; the sky and most cables look the same")

# %% [markdown]
# (`blur.convolve` averages over all positions of a motion; section 3 shows how.) The GoPro dataset has both versions: in its folders `blur` the stored values were averaged, in `blur_gamma` the light.
# Papers differ in which they use, and a network trained on one version meets a different blur in the other.

# %% [markdown]
# ### Exercise 2: the mean of light (1 point)
#
# Average frames as the sensor does: turn stored values into light, take the mean, and turn it back into stored values, rounded and `uint8`.

# %% nbgrader={"grade_id": "mean-light", "solution": true}
def mean_in_light(frames, gamma=2.2):
    """The mean of the light of a list of uint8 arrays, stored with this gamma, as uint8."""
    ### BEGIN SOLUTION: return the frames turned into light, averaged, and turned back into stored values
    light = (np.array(frames) / 255) ** gamma
    return np.rint(255 * light.mean(axis=0) ** (1 / gamma)).astype(np.uint8)
    ### END SOLUTION


# %% nbgrader={"grade_id": "mean-light-test", "grade": true, "points": 1}
lesson_02.check_mean_in_light(mean_in_light)
### BEGIN HIDDEN TESTS
lesson_02.check_mean_in_light(mean_in_light, seed=22)
### END HIDDEN TESTS

# %% [markdown]
# ### What no average can bring back
#
# A lamp can be a hundred times brighter than white paper. The photograph stores 255 for both: everything brighter is cut off.
# Suppose that the lamps of the bridge were really brighter than white. **Move the slider** and see what a camera would have made of the same shake.

# %%
from scipy.signal import fftconvolve


def streaks(brighter):
    light = blur.to_light(night)
    light[night.max(axis=2) == 255] *= brighter
    return blur.to_stored(fftconvolve(light, shake[..., None], mode="valid", axes=(0, 1)))


widgets.explore(streaks, {"brighter": [1, 2, 4, 8, 16]}, start={"brighter": 1}, kilobytes=90,
                alt="The blurred bridge; the brighter the lamps really were, the brighter the camera's path that each of them draws: "
                    "small lamps as thin curved lines, large ones as broad streaks")

# %% [markdown]
# This is what shaken photographs at night look like: every lamp draws the camera's path, a small lamp as a thin line (look to the left of the large ones), a large one as a broad streak. Blur made from stored photographs lacks these lines, and so does the blur of the GoPro dataset.
# This is one reason why networks trained on such blur do worse on real photographs (Rim et al. 2022, arXiv:2202.08771).

# %% [markdown]
# ## 3. The point spread function (8 minutes)
#
# The lamps answer a question: what does a camera make of a single *point* of light? A picture of its own path, brighter where the camera lingered.
# This picture is the *point spread function* (PSF) of the shake, also called its *kernel*. Its numbers add up to 1: light is spread, not lost.
#
# A hand has inertia. The slider `inertia` sets for how much of the exposure the hand keeps its direction.

# %%
def hand(length, inertia):
    path = blur.random_path(np.random.default_rng(3), length, inertia)
    psf = blur.path_psf(path)
    return blur_figures.row({"path": blur_figures.camera_path(path, side=200, reach=14),
                             "kernel, 29×29 pixels": blur_figures.enlarged(psf, 200, reach=14),
                             "photograph": blur.convolve(photos.load("chelsea")[40:240, 90:270], psf)})


widgets.explore(hand, {"length": [6, 15, 30], "inertia": [0.05, 0.3, 3]}, start={"length": 15, "inertia": 0.3}, kilobytes=130,
                alt="The path of a shaken camera, its kernel, and a photograph of a cat blurred with it")

# %% [markdown]
# A nervous hand tangles its path: the same length blurs less, and the kernel is a blob. A hand with a lot of inertia draws a line.
#
# How does a kernel blur a whole photograph? Light adds up: *every* point of the scene leaves its own copy of the kernel, as bright as the point is, and all copies are added.
# Here is one row of a dark scene with three lights, blurred with a kernel of five weights:

# %%
scene = np.array([0, 0, 0, 5, 0, 0, 0, 0, 8, 0, 6, 0, 0, 0, 0])
kernel = np.array([0.1, 0.4, 0.2, 0.2, 0.1])
figures.show(blur_figures.copies(scene, kernel),
             alt="Three lights in a row; a kernel of five weights; in the blurred row each light has become a copy of the kernel, "
                 "and where copies overlap they are stacked.")

# %% [markdown]
# Written for a picture $s$, a kernel $k$ and the blurred picture $b$, this is a *convolution*:
#
# $$b(x, y) \;=\; \sum_{u, v} k(u, v)\; s(x - u,\, y - v)$$
#
# where $u$ and $v$ count from the kernel's centre. You can read it in two ways:
# - *one pixel of $b$* is a weighted mean of the pixels around it in $s$;
# - *all of $b$* is a sum of copies of $s$, each shifted by $(u, v)$ and multiplied by $k(u, v)$. These copies are the frames of section 1.
#
# Do the two really agree? Here is one motion, as 385 averaged frames and as one convolution.

# %%
path = blur.random_path(np.random.default_rng(8), length=20, steps=385)
shifts = np.concatenate([path, np.zeros((385, 2))], axis=1)            # no roll, no zoom
by_frames, by_kernel = blur.average_frames(palace, shifts), blur.convolve(palace, blur.path_psf(path))
print("PSNR between both, above 45 dB:", evaluation.psnr(by_frames, by_kernel) > 45)

# %% [markdown]
# ### Exercise 3: convolution (2 points)
#
# Write the convolution as a sum of shifted copies. `np.roll(image, (v, u), axis=(0, 1))` shifts an image by `v` pixels down and `u` to the right;
# what leaves on one side comes back in on the other, which is fine here. A kernel's height and width are odd and may differ; its centre is at row `height // 2`, column `width // 2`. (Use the weights as they are, even where they don't add up to 1.)

# %% nbgrader={"grade_id": "convolve", "solution": true}
def convolve(image, kernel):
    """image: float H×W; kernel: float, two odd sides. The blurred image, H×W."""
    ### BEGIN SOLUTION: return the sum, over all weights, of weight times the shifted image
    blurred = np.zeros(image.shape)
    rows, columns = kernel.shape
    for row in range(rows):
        for column in range(columns):
            v, u = row - rows // 2, column - columns // 2
            blurred += kernel[row, column] * np.roll(image, (v, u), axis=(0, 1))
    return blurred
    ### END SOLUTION


# %% nbgrader={"grade_id": "convolve-test", "grade": true, "points": 2}
lesson_02.check_convolve(convolve)
### BEGIN HIDDEN TESTS
lesson_02.check_convolve(convolve, seed=23)
### END HIDDEN TESTS

# %% [markdown]
# Networks are made of convolutions too, with kernels that they learn; lesson 03 counts their weights. In this lesson the kernel is the blur.

# %% [markdown]
# ## 4. What one kernel can't say (6 minutes)
#
# A convolution does the same everywhere. Does a camera? Take a dark wall with a grid of small lights. The sliders move the camera during the exposure:
# `shift` moves it sideways and a little down (in pixels), `roll` turns it about its optical axis (in degrees), `zoom` moves it towards the wall (in percent).
#
# **Predict, then move**: with roll alone, what will the lights in the corners look like, and the one in the middle?

# %%
wall = np.zeros((200, 200, 3), np.uint8)
for row in range(20, 200, 40):
    for column in range(20, 200, 40):
        wall[row - 1:row + 2, column - 1:column + 2] = 255
chelsea = photos.load("chelsea")[30:270, 90:330]


def camera(shift, roll, zoom):
    poses = np.outer(np.linspace(-0.5, 0.5, 41), [shift, 0.4 * shift, roll, zoom / 100])
    return blur_figures.row({"lights": blur.average_frames(wall, poses), "photograph": blur.average_frames(chelsea[:200, :200], poses)})


widgets.explore(camera, {"shift": [0, 12], "roll": [0, 3, 6], "zoom": [0, 8]}, start={"roll": 6}, kilobytes=140,
                alt="A lattice of lights and a photograph of a cat, blurred by a camera that shifts, rolls or zooms; with roll the "
                    "lights become arcs, longer towards the corners, with zoom they become rays from the middle")

# %% [markdown]
# With roll and zoom each place has a kernel of its own: arcs around the middle with roll, rays from the middle with zoom, and anything in between with all three motions.
# A roll of one degree seems little, but see how far it moves the corner of a photograph of 1280×720 pixels:

# %%
corner = np.hypot(1280 / 2, 720 / 2)
print(f"the corner is {corner:.0f} pixels from the middle; one degree of roll moves it by {corner * np.radians(1):.0f} pixels")

# %% [markdown]
# ### Things move, too
#
# Now the camera stands still, and a flower moves in front of a forest. (The flower is cut out of one photograph and laid over another.)
# **Move the slider**, and look closely at the edge of the flower.

# %%
from scipy.ndimage import binary_fill_holes, gaussian_filter

flower = photos.load("orange_flower")[75:375, 150:470]
forest = photos.load("forest_stream")[400:1000:2, 500:1140:2]
mask = gaussian_filter(binary_fill_holes(flower[..., 0] > 110).astype(np.float32), 1)      # 1 on the flower, soft at its rim
both = np.rint(mask[..., None] * flower + (1 - mask[..., None]) * forest).astype(np.uint8)


def moving(pixels):
    travel = np.outer(np.linspace(-0.5, 0.5, 41), [pixels, 0, 0, 0])
    return blur_figures.row({"the flower moves": blur.move_region(both, mask, travel, background=forest),
                             "the camera moves": blur.average_frames(both, travel)})


widgets.explore(moving, {"pixels": [0, 20, 40]}, start={"pixels": 20}, kilobytes=140,
                alt="A flower that moves before a still, sharp background, and the whole photograph blurred by the same motion")

# %% [markdown]
# At the edge, a pixel sees the flower for part of the exposure and the forest for the rest; just beyond it, the forest is sharp.
# No kernel describes this, because the flower *hides* what is behind it: which part of the forest is seen depends on what moves in front of it.
#
# ### Why not simply expose for a shorter time?
#
# Half the time halves the motion. But it also halves the light, and light comes in photons, which arrive at random: if 100 are expected, about 90 to 110 arrive ($\pm\sqrt{100}$).
# With a quarter of the light, this *noise* is twice as strong relative to the light. **Find the best exposure.** All pictures are scaled to the same brightness.

# %%
times = {"1/32": 1 / 32, "1/8": 1 / 8, "1/4": 1 / 4, "1/2": 1 / 2, "all": 1}
eye = chelsea[20:190, 20:190]


def exposed(time):
    moved = blur.convolve(eye, blur.linear_psf(24 * times[time], 30))
    picture = blur.noise(moved, sigma=6 / np.sqrt(times[time]), rng=np.random.default_rng(0))
    return blur_figures.row({f"{time}: {evaluation.psnr(eye, picture):.1f} dB": picture, "sharp, no noise": eye})


widgets.explore(exposed, {"time": list(times)}, start={"time": "all"}, kilobytes=115,
                alt="A photograph of a cat's eye, exposed for a part of the full time: noisy when short, blurred when long")

# %% [markdown]
# Neither end is good; the PSNR is highest in between, near a quarter or a half of the time. And in the evening even the best exposure is both blurred and noisy. Remember where noise comes from: it will matter in the next section.

# %% [markdown]
# ## 5. Backwards (10 minutes)
#
# Suppose that everything is as simple as can be: one kernel, the same everywhere, and we know it. Then blur is a linear map. With images written as vectors, $b = A\,s$ with a huge matrix $A$, and all that remains is to solve for $s$.
#
# For a square image of 256×256 pixels $A$ has 65,536 rows and columns. But its eigenvectors are known in advance, for every convolution: they are **waves**. (This assumes that the image wraps around at its borders.)
# Along one row, write a wave as $e^{i \omega x}$. A sum of shifted copies of it is
#
# $$\sum_u k(u)\, e^{i \omega (x - u)} \;=\; \Big( \sum_u k(u)\, e^{-i \omega u} \Big) \; e^{i \omega x}$$
#
# This is the same wave, multiplied by the factor in brackets, its eigenvalue. The weights of a blur are not negative and add up to 1, so the factor is at most 1 in size: no wave becomes stronger.
#
# **Predict, then move.** The blur is a straight motion of 11 pixels. Which wave does it wipe out completely?

# %%
widgets.explore(lambda period: blur_figures.wave(period, length=11), {"period": [40, 22, 11, 8, 5.5]}, start={"period": 22}, kilobytes=180,
                alt="A wave before and after a blur of 11 pixels, and the factor by which waves of every frequency are multiplied: "
                    "1 for slow waves, 0 at a period of 11 and 5.5 pixels, negative between")

# %% [markdown]
# Slow waves (low frequencies) pass. With a period of 11 pixels, the blur averages over exactly one period: nothing is left. Faster waves come out weak, and some of them, first those with periods between 5.5 and 11 pixels, come out inverted (a negative factor).
#
# Every image is a sum of waves, because these eigenvectors form a basis. `np.fft.fft2` computes how much of each wave it holds, as complex numbers: $S$ for the sharp image, $B$ for the blurred one. Given the kernel, it computes the sum in brackets above, so $K$ holds the factors:
#
# $$B = K \cdot S \quad \text{for every wave on its own, so} \quad S = B\, /\, K .$$
#
# Here are the strengths $|S|$, $|B|$ and $|K|$ for level 1 of the course, a motion of 11 pixels at 45 degrees. Slow waves are in the middle, fast ones at the edge; brighter means stronger, on a logarithmic scale.

# %%
level_1 = blur.linear_psf(*blur.LEVEL_1)


def kernel_on(shape, psf):
    """The kernel in an array of the image's shape, its centre at row 0, column 0: what fft2 takes as no shift."""
    wide = np.zeros(shape)
    wide[:psf.shape[0], :psf.shape[1]] = psf
    return np.roll(wide, (-(psf.shape[0] // 2), -(psf.shape[1] // 2)), axis=(0, 1))


s = blur.to_light(chelsea[:180, :180]).mean(axis=2)             # grey light, 180×180, floats
k = kernel_on(s.shape, level_1)
b = np.real(np.fft.ifft2(np.fft.fft2(k) * np.fft.fft2(s)))      # the convolution, by its waves
figures.images({"|S|, sharp": blur_figures.spectrum(s), "|B|, blurred": blur_figures.spectrum(b), "|K|, kernel": blur_figures.spectrum(k, 2)},
               alt="Strength of all waves: the sharp photograph fades evenly from the middle; that of the kernel has dark parallel stripes "
                   "across the direction of motion; the blurred photograph has both")

# %% [markdown]
# The dark stripes of $|K|$ are the waves that the blur wipes out, and they are plain to see in $|B|$.
#
# Now divide. **Predict, then run**: how close does $B / K$ come to the sharp photograph? And how close once the blurred one has been stored as usual, rounded to 256 values?

# %%
def divide(blurred):
    return np.real(np.fft.ifft2(np.fft.fft2(blurred) / np.fft.fft2(k)))


stored = np.rint(255 * b) / 255                                 # an error of 1/510 at most
for name, picture in {"as floats": b, "rounded  ": stored}.items():
    print(f"{name}: largest error of the division below 0.001: {np.abs(divide(picture) - s).max() < 0.001},"
          f"  above 1 (white): {np.abs(divide(picture) - s).max() > 1}")
figures.images({"blurred, rounded": blur.to_stored(stored), "divided, floats": blur.to_stored(divide(b)),
                "divided, rounded": blur.to_stored(divide(stored))},
               alt="A blurred cat; the perfect result of the division of floats; and of rounded values, where nothing is left but stripes of noise")

# %% [markdown]
# With exact numbers the division is perfect (in this picture no factor is exactly 0). With rounded ones nothing is left of the cat, although you can't see the rounding. To see why, let $N$ be the waves of the noise, so $B = K S + N$, and
#
# $$\frac{B}{K} = S + \frac{N}{K}.$$
#
# Where $K$ is a hundred-thousandth, even the smallest noise becomes a hundred thousand times larger. (The stripes in the last picture are the few waves with the smallest factors.) **Blur alone destroys only the waves whose factor is exactly 0. Blur and noise together destroy every wave that the blur made weak.**
#
# The *Wiener filter* divides only where it is worthwhile:
#
# $$\hat S = \frac{\overline{K}\, B}{|K|^2 + c}$$
#
# where $\overline K$ is the complex conjugate of $K$. Where $|K|^2$ is much larger than the *balance* $c$, this is nearly $B / K$, since $\overline K / |K|^2 = 1 / K$. Where $|K|^2$ is much smaller, the result is almost 0: better no wave than a wrong one.
# With $c = 0.01$, a wave with $K = 0.5$ is multiplied by $0.5 / 0.26 = 1.9$, almost the 2 of the division; one with $K = 0.001$ by 0.1 instead of 1,000.
# The expected squared error is smallest with $c = |N|^2 / |S|^2$, the noise's power over the picture's, for each wave separately. Nobody knows either power exactly, so a common simplification is to use one number for all waves, and to tune it.

# %% [markdown]
# ### Exercise 4: the Wiener filter (2 points)
#
# Write the filter with `np.fft.fft2` and `np.fft.ifft2`. The kernel comes as `kernel_on` makes it: as large as the image, with its centre at row 0 and column 0. Return real numbers (`np.real`).

# %% nbgrader={"grade_id": "wiener", "solution": true}
def wiener(blurred, kernel, balance):
    """blurred and kernel: float H×W. The estimate of the sharp image, float H×W."""
    ### BEGIN SOLUTION: return the real part of the inverse transform of conj(K) B / (|K|² + balance)
    K, B = np.fft.fft2(kernel), np.fft.fft2(blurred)
    return np.real(np.fft.ifft2(np.conj(K) * B / (np.abs(K) ** 2 + balance)))
    ### END SOLUTION


# %% nbgrader={"grade_id": "wiener-test", "grade": true, "points": 2}
lesson_02.check_wiener(wiener)
### BEGIN HIDDEN TESTS
lesson_02.check_wiener(wiener, seed=24)
### END HIDDEN TESTS

# %% [markdown]
# The course library's `classical.wiener` works on photographs: it turns them into light, takes care of the borders, and raises the balance for fast waves, which are weak in photographs.
#
# **Find the best balance** for each noise level. (The noise is given in grey levels, 0 to 255.)

# %%
blurred = blur.convolve(eye, level_1)
noisy = {0: blurred, 6: blur.noise(blurred, 6, np.random.default_rng(0))}


def titled(name, picture):
    return {f"{name}: {evaluation.psnr(eye, picture):.1f} dB": picture}


def balanced(noise, balance):
    return blur_figures.row(titled("blurred", noisy[noise]) | titled("Wiener", classical.wiener(noisy[noise], level_1, balance)))


widgets.explore(balanced, {"noise": list(noisy), "balance": [0.001, 0.01, 0.1, 1, 10]}, start={"balance": 0.01}, kilobytes=135,
                alt="A blurred cat and what the Wiener filter makes of it: with a small balance sharp and full of ripples or noise, "
                    "with a large one blurred again")

# %% [markdown]
# The *Richardson–Lucy method* takes another route. Its estimate is at first a grey picture. Each step improves the estimate $\hat s$ by
#
# $$\hat s \;\leftarrow\; \hat s \cdot \Big( \tilde k * \frac{b}{k * \hat s} \Big)$$
#
# where $*$ is convolution and $\tilde k$ is the kernel turned by 180°. The fraction compares the photograph $b$ with what the estimate would look like blurred: where it is above 1, the estimate is too dark. The turned kernel carries this back to the pixels that the light came from.
# So the estimate never becomes negative, just as light can't. Stopping after a few steps plays the part of the balance. **Find the best number of steps** for each noise level.

# %%
def repeated(noise, steps):
    return blur_figures.row(titled("blurred", noisy[noise])
                            | titled("Rich.–Lucy", classical.richardson_lucy(noisy[noise], level_1, steps)))


widgets.explore(repeated, {"noise": list(noisy), "steps": [2, 5, 15, 40, 100]}, start={"steps": 15}, kilobytes=135,
                alt="A blurred cat and what the Richardson–Lucy method makes of it: more steps are sharper without noise, "
                    "and grainy with noise")

# %%
def gain(method, setting, noise):
    return evaluation.psnr(eye, method(noisy[noise], level_1, setting)) - evaluation.psnr(eye, noisy[noise])


print("without noise, Wiener gains more than 1 dB:          ", gain(classical.wiener, 0.01, noise=0) > 1)
print("without noise, Richardson–Lucy gains more than 2 dB: ", gain(classical.richardson_lucy, 40, noise=0) > 2)
print("with noise, the same settings do harm:               ",
      gain(classical.wiener, 0.01, noise=6) < 0, gain(classical.richardson_lucy, 40, noise=6) < 0)

# %% [markdown]
# With a known kernel and little noise, both methods do well here, without any training. They are half a century old or more (Wiener 1949;
# Richardson 1972, doi 10.1364/JOSA.62.000055; Lucy 1974, doi 10.1086/111605). The more noise, the larger the balance must be, and the earlier you have to stop. (Without added noise, more steps keep helping here, each less than the one before.)

# %% [markdown]
# ## 6. Where this ends (8 minutes)
#
# ### The kernel must be known
#
# The photograph was blurred by 11 pixels at 45 degrees. We give both methods a different kernel; the numbers are the decibels gained. **Move the sliders**: how wrong may the kernel be?

# %%
def guessed(length, angle):
    psf = blur.linear_psf(length, angle)
    pictures = {"Wiener": classical.wiener(blurred, psf, 0.03), "Rich.–Lucy": classical.richardson_lucy(blurred, psf, 15)}
    gains = {name: round(evaluation.psnr(eye, picture) - evaluation.psnr(eye, blurred), 1) + 0.0 for name, picture in pictures.items()}
    return blur_figures.row({f"{name}: {gains[name]:+.1f} dB".replace("-", "−"): picture for name, picture in pictures.items()})


widgets.explore(guessed, {"length": [6, 11, 14, 20], "angle": [45, 60, 90]}, start={"length": 11}, kilobytes=145,
                alt="What the Wiener filter and Richardson–Lucy make of a blurred cat when they are told a kernel of another "
                    "length or angle: ghost edges and dark fringes")

# %% [markdown]
# A kernel that is too short leaves blur. One that is too long, or turned too far, adds edges that were never there. Three pixels too many put the Wiener filter 3 dB below the blurred photograph, while Richardson–Lucy still gains 1 dB; at 20 pixels, or at 90 degrees, both do harm.
#
# That was a test with a known answer. Here is a real one: a wall clock, photographed with a moving camera (Stefan van der Walt, public domain; it comes with scikit-image).
# All that its author says about the motion is "approximately horizontal". **What time is it?** Try to read it.

# %%
from pathlib import Path

import skimage

clock = photos.read(Path(skimage.__file__).parent / "data" / "clock_motion.png")[70:240, 90:330]


def read_clock(length, angle):
    return blur_figures.row({"photograph": clock, f"{length} pixels, {angle}°":
                             classical.richardson_lucy(clock, blur.linear_psf(length, angle), 20)})


widgets.explore(read_clock, {"length": [10, 18, 26, 34, 42], "angle": [0, 8]}, start={"length": 18, "angle": 0}, kilobytes=95,
                alt="A wall clock blurred along the horizontal, and the result of the Richardson–Lucy method with a guessed kernel; "
                    "the rim becomes clearer, the face stays unreadable")

# %% [markdown]
# With some lengths the rim becomes rounder, but no setting makes the face readable: we know neither the path nor the speed along it. Deblurring without a known kernel is called *blind*.
#
# ### All conditions at once
#
# The course has four levels of difficulty (section 8 shows them). The next cell takes six photographs, blurs each three times at each level, and lets the Wiener filter undo it: once with the right kernel, once with a guess,
# the kernel of level 1. At level 4 no single kernel is right; there the filter gets the kernel of the camera's true path, which nobody could know from the photograph.
#
# **Predict, then run.** At which levels will the right kernel do harm? And the guess?

# %%
def gains_at(level):
    """PSNR gained by the Wiener filter, (18, 2): with the right and with the guessed kernel."""
    gains = []
    for name in ("chelsea", "coffee", "bridge_at_night", "wine_shelf", "window_dogs", "citrus"):
        photo = photos.load(name)
        y, x = photo.shape[0] // 2 - 100, photo.shape[1] // 2 - 100
        part = photo[y:y + 200, x:x + 200]
        for number in range(3):
            motion = blur.draw_motion(level, np.random.default_rng([number, len(gains)]))
            picture, _ = blur.blur_photo(part, level, np.random.default_rng([number, len(gains)]))      # draws the same motion
            right = motion if level < 4 else blur.path_psf(motion[0][:, :2])
            before = evaluation.psnr(part, picture)
            gains.append([evaluation.psnr(part, classical.wiener(picture, psf, 0.03)) - before for psf in (right, level_1)])
    return np.array(gains)


gains = {level: gains_at(level) for level in blur.LEVELS}
figures.show(blur_figures.gains(gains, ("right kernel", "guessed kernel")),
             alt="PSNR gained on each of 18 blurred photographs at four levels. With the right kernel nearly all gain at levels 1 to 3; "
                 "at level 4 several lose. With a guessed kernel nearly all lose at levels 2 to 4, many more than 5 decibels.")

# %%
print("right kernel: losses at level 4, more than at each of levels 1 to 3:",
      all((gains[4][:, 0] < 0).sum() > (gains[level][:, 0] < 0).sum() for level in (1, 2, 3)))
print("guessed kernel: more than 3 of 4 lose at levels 2, 3 and 4:", all((gains[level][:, 1] < 0).mean() > 0.75 for level in (2, 3, 4)))

# %% [markdown]
# Each dot or square is one photograph; below the line it came out worse than before. Why does the right kernel gain most at level 3? A straight motion weakens whole stripes of waves to almost nothing (section 5); a curved path spares most of them.
# A curve is harder to *guess*, not harder to undo. (At level 1 the guess is the right kernel.)
#
# With the right kernel the Wiener filter nearly always helps, until at level 4 even the camera's true path is not enough:
# each place has its own kernel, things move, and there is noise and compression. With a wrong kernel the filter nearly always does harm. So there are four conditions:
#
# | Condition | Fails because | You saw it in |
# |---|---|---|
# | the kernel is known | nobody writes down how the hand shook | section 6, the clock |
# | it is the same everywhere | the camera rolls; near things move more than far ones | section 4, the lights |
# | everything moves alike | people and cars move on their own and hide what is behind | section 4, the flower |
# | there is little noise | photographs blur most when it is dark | section 5, the rounding |
#
# The report's abstract says it in half a sentence: "traditional image restoration techniques have limitations in handling complex blurring patterns". Its way out, and that of its references, is not a better formula for $K$,
# but a network that is shown many pairs of blurred and sharp photographs. (Section 3.3 of the report says that the network estimates the kernel and uses it. It does not: nothing in the network ever computes a kernel. It goes straight from picture to picture.)

# %% [markdown]
# ### Think: a number plate at night (2 points)
#
# Someone takes a photograph from a moving car in the evening. It shows another car driving by, whose number plate can't be read.
#
# 1. Which of the four conditions in the table fail for this photograph, and how would each failure show in the result of the Wiener filter? Choose any three.
# 2. A network returns a picture with a perfectly sharp plate. The factor $K$ of this blur was 0 for some waves. Where did the network get these waves from, and what does that mean for the number on the plate?
#
# Five or six sentences are enough.

# %% [markdown] nbgrader={"grade_id": "think-plate", "grade": true, "solution": true, "points": 2}
# ### BEGIN SOLUTION
# **Model answer, question 1.** The kernel is not known: a guessed one gives ghost edges and fringes, or leaves blur. The blur is not the same everywhere: the plate, the road and the houses in the distance moved by different amounts, so a kernel that is right
# for one of them spoils the others. The other car moves on its own and hides what is behind it: at its edge the light of two things is mixed, and deconvolution makes ripples there. It is dark, so there is a lot of noise:
# divided by a small $K$ it grows and makes the picture grainy, or else the balance must be so large that the blur stays.
#
# **Question 2.** Where $K$ is 0, the photograph holds nothing of these waves; what the network puts there is made up from the plates in its training, chosen to fit the rest. So the plate can be sharp and its number wrong:
# it must not be used as proof of what was there.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# **Marking scheme**
#
# - 1 point for question 1: a third for each of three conditions, if it is tied to this photograph *and* to something that one would see in the result. Conditions only named: half of that.
# - 1 point for question 2: half a point for "not from the photograph, but from its training (examples, experience)"; half a point for the conclusion that the number can be wrong although it looks sharp.
#   "Networks are not always right", without the reason: no point.
# ### END MARK SCHEME

# %% [markdown]
# ## 7. Enlargement is not motion (3 minutes)
#
# A photograph also looks blurred when it is enlarged: pixels are stretched, and the new ones between them are interpolated. The report tries its network on such a picture, without success (Section 3.3).
# Here are both kinds of blur. The picture beside each shows how much of every wave is left: white is all of it, black a thirtieth or less. Slow waves are in the middle.

# %%
enlarged, moved = blur.enlarge(eye, 4), blurred
figures.images({"enlarged four times": enlarged, "what is left": blur_figures.what_is_left(eye, enlarged),
                "moved": moved, "what is left ": blur_figures.what_is_left(eye, moved)},
               alt="An enlarged photograph, whose waves are gone outside a small area in the middle; and a photograph blurred by motion, "
                   "whose waves are weakened in stripes across the motion")

# %%
for name, picture in (("enlarged", enlarged), ("moved", moved)):
    share = 30 ** (blur_figures.what_is_left(eye, picture) / 255 - 1)
    print(f"{name:8}: less than a twentieth is left of more than half of all waves: {np.mean(share < 1 / 20) > 0.5}")

# %% [markdown]
# Motion weakens waves, each by a factor, and only a few to nothing. An enlarged picture has no fast waves at all: they were thrown away when it was small. So there is nothing to divide.
# The report explains its failure by the training on motion alone, and that is one reason. But no training brings the lost waves back; it can only teach a network to invent plausible ones.

# %% [markdown]
# ## 8. The difficulty ladder (2 minutes)
#
# These are the four levels. Each step up takes away something that the methods of section 5 need.

# %%
for level, words in blur.LEVELS.items():
    print(f"level {level}: {words}")

# %% [markdown]
# **Move the slider**: each number is a different exposure.

# %%
part = photos.load("coffee")[90:290, 250:450]


def ladder(exposure):
    pictures = {}
    for level in blur.LEVELS:
        picture, _ = blur.blur_photo(part, level, np.random.default_rng([exposure, level]))
        pictures[f"level {level}: {evaluation.psnr(part, picture):.1f} dB"] = picture
    return blur_figures.row(pictures)


widgets.explore(ladder, {"exposure": [1, 2, 3, 4, 5]}, kilobytes=120,
                alt="The same photograph of a cup blurred at levels 1 to 4, with the PSNR of each")

# %% [markdown]
# | Level | The blur is | so a method has to |
# |---|---|---|
# | 1 | known | undo one convolution |
# | 2 | straight, direction and length unknown | find two numbers |
# | 3 | a curve, unknown | find a path |
# | 4 | different at every place, with moving things, noise, unknown response and compression | do without a kernel, or live with one that is only nearly right |
#
# Blur of level 1 is always the same; at level 4 a photograph can be almost sharp or hopeless. More decibels here don't mean an easier task: a short unknown blur gives a high PSNR, yet is harder to undo than a long known one.

# %% [markdown]
# ## 9. Pairs, patches, batches (3 minutes)
#
# A network learns from *pairs*: a blurred photograph and the sharp one that belongs to it. Whole photographs are too large to process many at a time, so we cut out *patches*, squares of 128 or 256 pixels.
#
# **Predict, then open.** Should you cut out the patch first and then blur it, or blur the photograph first?
#
# <details><summary>Answer</summary>
#
# Blur first. Light from outside enters the patch, from as far away as the motion reaches. A patch that is cut out first lacks this light, and its border must be made up.
# The network would learn about borders that no photograph has. `blur.blur_patch` cuts the patch out with a margin, blurs it, and cuts the margin off.
#
# </details>

# %%
rng = np.random.default_rng(4)
names = ["citrus", "forest_stream", "honey_bee", "wine_shelf"]
pairs = [blur.blur_patch(photos.load(name), level=4, size=128, rng=rng) for name in names]
figures.images({"blurred": np.hstack([blurred for blurred, _ in pairs]), "sharp": np.hstack([sharp for _, sharp in pairs])},
               alt="Four patches from different photographs, blurred at level 4, and the sharp patches that belong to them")

# %% [markdown]
# A network takes several patches at once, a *batch*, as one array with four axes. Its values are floats from −1 (black) to 1 (white) instead of 0 to 255; lesson 04 shows why, at the network's output. `photos.to_network` converts:

# %%
batch = photos.to_network(np.stack([blurred for blurred, _ in pairs]))
print("shape:", batch.shape, " (patches, height, width, channels)")
print("type: ", batch.dtype)
print("range inside −1 … 1:", batch.min() >= -1 and batch.max() <= 1)
print("and back without loss:", np.array_equal(photos.to_image(batch[0]), pairs[0][0]))

# %% [markdown]
# For training, `course_lib.datasets` draws such batches endlessly. Each photograph appears once per *epoch* (one pass through all photographs), each time with a new patch and a new blur, prepared in advance while the network computes. Lesson 07 uses it.

# %% [markdown]
# ## 10. A GoPro folder (3 minutes)
#
# The GoPro dataset is a download of several gigabytes, and this course works without it. But you can see how it is laid out: the next cell makes a miniature in a temporary folder, from the video of section 1.
# The names follow the real one: split, sequence, kind, frame number.

# %%
import tempfile

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
for split, sequence in (("train", "GOPR0372_07_00"), ("train", "GOPR0374_11_01"), ("test", "GOPR0384_11_00")):
    window = int(sequence[9:11])                                        # how many frames were averaged
    for first in (0, 13 - window):
        frames, number = video[first:first + window], f"{first + window // 2:06}.png"
        pictures = {"sharp": frames[window // 2], "blur": np.rint(np.mean(frames, axis=0)).astype(np.uint8),
                    "blur_gamma": blur.to_stored(np.mean([blur.to_light(frame) for frame in frames], axis=0))}
        for kind, picture in pictures.items():
            place = folder / split / sequence / kind
            place.mkdir(parents=True, exist_ok=True)
            photos.write(place / number, picture)

# %% [markdown]
# In the sequence `GOPR0372_07_00`, `07` is the number of frames that were averaged. `gopro.pairs` finds the files that belong together; it returns paths, since 2,103 pairs of 1280×720 pixels are too many to load at once.

# %%
for split in ("train", "test"):
    for blurred_file, sharp_file in gopro.pairs(folder, split, variant="blur_gamma"):
        print(blurred_file.relative_to(folder).as_posix(), "↔", sharp_file.relative_to(folder).as_posix())

# %% [markdown]
# If you have a copy of the dataset, put its path in place of `folder`. If a file is missing, you are told which one:

# %%
(folder / "test" / "GOPR0384_11_00" / "sharp" / "000005.png").unlink()
try:
    gopro.pairs(folder, "test")
except FileNotFoundError as error:
    print("\n".join(str(error).splitlines()[1:2]))
temporary.cleanup()

# %% [markdown]
# The light-weight copy that the report uses has 1,029 pairs in two flat folders, `blur/images` and `sharp/images`; `gopro.pairs` reads it too.

# %% [markdown]
# ## 11. Challenge: from a video to a batch (6 minutes)
#
# Now put everything together: you have a video, and you want the batches that a network trains on.
#
# ### Exercise 5: make a batch (2 points)
#
# Write `make_batch(video, frames, patch, size, rng)`. For each of `size` pairs:
#
# - draw a first frame, such that `frames` consecutive ones (an odd number) fit into the video, and a place where a square of `patch` × `patch` pixels fits into the picture;
# - the blurred patch is the mean of the light of these frames, stored with gamma 2.2: `blur.to_light(frame)` and `blur.to_stored(light)` convert;
# - the sharp patch is the middle one of these frames, at the same place.
#
# Return two arrays, blurred and sharp, each `float32` of shape `(size, patch, patch, 3)` with values from −1 to 1. All random numbers come from `rng`: `rng.integers(n)` is one of 0 … n − 1.
# (You may cut out first here: a mean of frames takes every pixel on its own, so no light from outside the patch is missing.)

# %% nbgrader={"grade_id": "make-batch", "solution": true}
def make_batch(video, frames, patch, size, rng):
    """video: uint8 T×H×W×3. Two float32 arrays (size, patch, patch, 3) in [-1, 1]: blurred, sharp."""
    ### BEGIN SOLUTION: draw start, row and column for each pair, average the light, cut out, stack and convert
    count, height, width, _ = video.shape
    blurred, sharp = [], []
    for _ in range(size):
        first = rng.integers(count - frames + 1)
        y, x = rng.integers(height - patch + 1), rng.integers(width - patch + 1)
        part = video[first:first + frames, y:y + patch, x:x + patch]
        light = np.mean([blur.to_light(frame) for frame in part], axis=0)
        blurred.append(blur.to_stored(light))
        sharp.append(part[frames // 2])
    return photos.to_network(np.stack(blurred)), photos.to_network(np.stack(sharp))
    ### END SOLUTION


# %% nbgrader={"grade_id": "make-batch-test", "grade": true, "points": 2}
lesson_02.check_make_batch(make_batch)
### BEGIN HIDDEN TESTS
lesson_02.check_make_batch(make_batch, seed=25)
### END HIDDEN TESTS

# %% [markdown]
# Would you have made the mistakes that the check looks for? Different places for blurred and sharp, the first frame instead of the middle one, stored values instead of light: none of them stops the training.
# The network just learns something else, and only a lower PSNR gives it away.

# %% [markdown]
# ## Recap
#
# - Light adds up. A blurred photograph is the mean of sharp moments, taken in light, not in stored values: value = 255 · light^(1/2.2).
# - A point spread function says where the light of a point goes. If it is the same everywhere, blur is a convolution, a sum of shifted copies.
# - Roll and zoom give every place its own kernel; moving things hide what is behind them; noise comes with little light. No single kernel describes all this.
# - Waves are the eigenvectors of a convolution. Dividing by their factors undoes a blur, but amplifies noise where a factor is small. Wiener and Richardson–Lucy strike a balance.
# - Both need a known kernel, the same everywhere, nothing moving on its own, little noise. Level 4 and most real photographs break each of these conditions to some degree: even the camera's true path helps only most of the time. Lesson 09 comes back to guessing a path.
# - Motion weakens waves; enlargement lacks the fast ones altogether.
# - Networks learn from pairs: same place, same moment, patches in batches (N, H, W, 3), float32 from −1 to 1.
#
# Photographs: summer palace by danielbuechele and orange flower by vultilion (CC BY 2.0), forest stream by Aitzol Berasategi and wine shelf by Jakub Mede (CC BY 4.0); the others are in the public domain or CC0
# (`data/photos/PHOTOS.tsv`; Chelsea the cat, the coffee and the clock come with scikit-image).
#
# [← previous: The minimax game](01_minimax_game.ipynb) · [Glossary](glossary.md) · [next: Counting parameters →](03_counting_parameters.ipynb)
