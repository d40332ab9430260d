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
# # 09 · Evaluation
#
# The report ends with two numbers: 29.3 dB and 0.72. What do they measure, what changes them, and what do they say about a photograph that nobody has seen sharp?
# You will write both measures yourself, score a network as in the report's Table 4, take it where it fails, try it on a photograph of your own, find a camera's motion in the blurred photograph alone,
# and see why an answer can be sharp, convincing and wrong.
#
# **You will be able to**
# - compute PSNR and SSIM from their definitions, equal to scikit-image's;
# - state a protocol, and say how range, window, colour and rounding change a score although no picture changes;
# - make a table like the report's Table 4, and say which rows of Table 5 can be compared;
# - predict where a network trained on one blur does harm;
# - say how a camera's motion can be found in the blurred photograph alone;
# - explain why the answer with the best score is not the sharpest, and what a sharp answer has to invent.
#
# **You need** lesson 02 (blur, levels, deconvolution) and lesson 06 (perceptual loss). Lesson 07 shows how such networks are trained.
#
# **Time** about 73 minutes.

# %%
import json
import re
import textwrap
from pathlib import Path

import cv2
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from course_lib import (blind, blur, blur_figures, classical, evaluation, figures, losses, photos, refine, report, restoration, runs, upload,
                        widgets)
from course_lib.checks import lesson_09


def window(photo, height, width):
    """The middle of a photograph."""
    top, left = (photo.shape[0] - height) // 2, (photo.shape[1] - width) // 2
    return photo[top:top + height, left:left + width]


bridge = photos.load("bridge_at_night")
blurred_bridge = blur.convolve(bridge, blur.linear_psf(*blur.LEVEL_1))      # level 1: 11 pixels at 45 degrees
sharp, image = (window(photo, 300, 300) for photo in (bridge, blurred_bridge))

# %% [markdown]
# ## 1. Four pictures, one number (3 minutes)
#
# To judge a deblurred photograph, one compares it with its [ground truth](glossary.md), the sharp photograph that belongs to it. The simplest comparison is the mean squared error, MSE (lesson 00).
# Here is one photograph, changed in four ways: blurred, made brighter, given noise, and stored with strong JPEG compression. Each change is just strong enough for an MSE of about 170.
#
# **Predict.** If you had to hand in one of them, which? And does the MSE agree with you?

# %%
def with_error(change, target=170.0):
    """change(strength) at the strength where its MSE reaches the target; found by halving."""
    low, high = 0.0, 60.0
    for _ in range(24):
        middle = (low + high) / 2
        error = np.mean((change(middle).astype(float) - sharp) ** 2)
        low, high = (middle, high) if error < target else (low, middle)
    return change(middle)


noise = np.random.default_rng(0).standard_normal(sharp.shape)


def stored(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


changed = {
    "blurred": with_error(lambda strength: stored(cv2.GaussianBlur(sharp.astype(float), (0, 0), 0.01 + strength / 10))),
    "brighter": with_error(lambda strength: stored(sharp + strength)),
    "noisy": with_error(lambda strength: stored(sharp + strength * noise)),
    "compressed": with_error(lambda strength: blur.compress(sharp, round(60 - strength) + 1)),
}
figures.images({"sharp": sharp, **changed}, alt="A bridge at night, sharp, blurred, brighter, with noise, and with coarse JPEG blocks")

# %%
for name, picture in changed.items():
    error = np.mean((picture.astype(float) - sharp) ** 2)
    print(f"{name:10}  MSE between 140 and 200: {140 < error < 200}")

# %% [markdown]
# To the MSE the four are equal. To the eye they are not: in the brighter one nothing is lost, in the blurred one much. A measure has an opinion about what matters, and MSE's is that only the size of an error counts,
# not its kind. Keep the four pictures; the second measure will have a different opinion.

# %% [markdown]
# ## 2. PSNR (6 minutes)
#
# "PSNR measures the ratio between the maximum possible power of a signal and the power of corrupting noise" (Section 3.3). In a formula, for pixels between 0 and a *peak* of 255:
#
# $$\mathrm{MSE} = \frac{1}{3HW} \sum (\mathrm{sharp} - \mathrm{image})^2, \qquad \mathrm{PSNR} = 10 \log_{10} \frac{\mathrm{peak}^2}{\mathrm{MSE}} \ \mathrm{dB}$$
#
# The sum runs over all pixels and the three colours. PSNR is the MSE on another scale: half the error always means 3.01 dB more, a tenth of it 10 dB more. Identical pictures have PSNR ∞.

# %%
error = np.logspace(0, 4, 100)
figure, axis = plt.subplots(figsize=(6.4, 3))
axis.semilogx(error, 10 * np.log10(255**2 / error))
for db, words in ((25.6, "blurred input of GoPro"), (29.3, "the report"), (33.7, "NAFNet-64")):
    axis.plot(255**2 / 10 ** (db / 10), db, "o", color=figures.COLOURS["vermilion"])
    axis.annotate(f"{db} dB: {words}", (255**2 / 10 ** (db / 10), db), (8, 4), textcoords="offset points")
axis.set(xlabel="mean squared error (grey levels²)", ylabel="PSNR (dB)", ylim=(7, 50))
figures.show(figure, alt="PSNR falls by 10 dB for each factor of 10 in the mean squared error: 25.6 dB is an MSE of about 180, "
                         "29.3 dB about 76, 33.7 dB about 28")

# %% [markdown]
# The marks are published means. Two are of the GoPro test set (NAFNet: arXiv:2204.04676); the report does not say whether it used that set. The best of the three is eight decibels above the blurred photographs.
# So a measuring error of one or two decibels matters.
#
# ### Exercise 1: PSNR (1 point)
#
# Write the function. The pictures may be uint8 or floats; `peak` is the largest possible value.

# %% nbgrader={"grade_id": "psnr", "solution": true}
def psnr(sharp, image, peak=255):
    """Peak signal-to-noise ratio in decibels; arrays of one shape."""
    ### BEGIN SOLUTION: take the mean squared error, then the logarithm; mind what uint8 does when you subtract
    error = np.mean((sharp.astype(float) - image.astype(float)) ** 2)
    return 10 * np.log10(peak**2 / error)
    ### END SOLUTION


# %% nbgrader={"grade_id": "psnr-test", "grade": true, "points": 1}
lesson_09.check_psnr(psnr)
### BEGIN HIDDEN TESTS
lesson_09.check_psnr(psnr, seed=91)
### END HIDDEN TESTS

# %% [markdown]
# **Predict, then run.** Pixels are stored as uint8, whole numbers from 0 to 255. In NumPy, uint8 minus uint8 is uint8 again. What will the careless formula give for the blurred bridge: too high a value, too low a value, or an error message?

# %%
print("3 - 5 =", np.uint8([3]) - np.uint8([5]), "  and 20² =", np.uint8([20]) ** 2)
careless = 10 * np.log10(255**2 / np.mean((sharp - image) ** 2))
right = evaluation.psnr(sharp, image)
print("the careless PSNR is more than 4 dB too high:", bool(careless > right + 4))

# %% [markdown]
# Everything is computed modulo 256, so the square of a large error may be small. No warning, no error message, and a better score: mistakes of that kind survive.
#
# One more choice hides in the word *average*. The report gives "an average of 29.3 PSNR". Is it the mean of the PSNRs, or the PSNR of the mean MSE?

# %%
test = [photos.load(name) for name in photos.names("test")]
pairs = [blur.blur_photo(photo, 1, np.random.default_rng(0)) for photo in test]       # (blurred, sharp), level 1
errors = [np.mean((b.astype(float) - s) ** 2) for b, s in pairs]
mean_of_psnr = np.mean([10 * np.log10(255**2 / error) for error in errors])
psnr_of_mean = 10 * np.log10(255**2 / np.mean(errors))
print("the mean of the PSNRs is higher, by 0.1 to 2 dB:", bool(0.1 < mean_of_psnr - psnr_of_mean < 2))

# %% [markdown]
# Two pictures with errors of 1 and 100 have 48.1 and 28.1 dB, 38.1 on average; their mean error, 50.5, has 31.1 dB: the good picture lifts the first mean a lot, the second hardly at all. The mean of the PSNRs is never the lower of the two, because the logarithm is concave (Jensen's inequality). It is also the usual one, and the course's.

# %% [markdown]
# ## 3. SSIM (10 minutes)
#
# *Structural similarity* (Wang et al., 2004, doi:10.1109/TIP.2003.819861) looks at both pictures through a small window, and compares three things in it: brightness, contrast, and structure.
# With $x$ and $y$ for the pixels of the two pictures in the window, $\mu$ for a mean, $\sigma^2$ for a variance and $\sigma_{xy}$ for the covariance:
#
# $$\mathrm{SSIM} = \frac{2 \mu_x \mu_y + C_1}{\mu_x^2 + \mu_y^2 + C_1} \cdot \frac{2 \sigma_{xy} + C_2}{\sigma_x^2 + \sigma_y^2 + C_2}$$
#
# with the constants $C_1 = (0.01 \cdot 255)^2 \approx 6.5$ and $C_2 = (0.03 \cdot 255)^2 \approx 58.5$.
# The first factor compares brightness. The second, without its constant, is contrast times structure, $\frac{2 \sigma_x \sigma_y}{\sigma_x^2 + \sigma_y^2} \cdot \frac{\sigma_{xy}}{\sigma_x \sigma_y}$: the first part is 1 if both deviations are equal, the second is the correlation coefficient. The constants, chosen by the authors, keep both factors from dividing by zero where a picture is dark or flat.
#
# All means are weighted by a Gaussian with a standard deviation of 1.5 pixels, cut off at 11×11 pixels, so that the window has no hard edge. SciPy computes such a mean at every pixel at once:

# %%
def local_mean(x):
    """Weighted mean around each pixel of a (H, W) array: Gaussian, sigma 1.5, cut off at 5 pixels."""
    return gaussian_filter(x, sigma=1.5, truncate=3.5)


grey = sharp.mean(axis=2)
mean = local_mean(grey)
deviation = np.sqrt(np.maximum(local_mean(grey * grey) - mean**2, 0))       # variance: mean of the squares minus square of the mean
figures.images({"picture": np.uint8(grey), "local mean": stored(mean), "local deviation × 3": stored(3 * deviation)},
               alt="The bridge in grey, its local mean, which is a soft version, and its local standard deviation, bright along edges")

# %% [markdown]
# Variance and covariance follow from local means, as in the line for `deviation`: $\sigma_{xy}$ is the mean of $xy$ minus $\mu_x \mu_y$.
#
# ### Exercise 2: SSIM (3 points)
#
# Write SSIM for uint8 RGB pictures:
#
# - turn each colour channel into a float array of its own, (H, W); `local_mean` on (H, W, 3) would mix the colours;
# - compute the map of SSIM, one value per pixel, with `local_mean` and the constants above, not rounded;
# - leave out a border of 5 pixels on each side, where the window reaches beyond the picture, and take the mean;
# - return the mean of the three channels.

# %% nbgrader={"grade_id": "ssim", "solution": true}
def ssim(sharp, image):
    """Structural similarity of two uint8 (H, W, 3) pictures, -1 to 1."""
    ### BEGIN SOLUTION: for each channel compute the map from local means, cut the border off, average; then average the channels
    C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    channels = []
    for c in range(3):
        x, y = sharp[..., c].astype(float), image[..., c].astype(float)
        mx, my = local_mean(x), local_mean(y)
        vx, vy, cxy = local_mean(x * x) - mx**2, local_mean(y * y) - my**2, local_mean(x * y) - mx * my
        values = (2 * mx * my + C1) / (mx**2 + my**2 + C1) * (2 * cxy + C2) / (vx + vy + C2)
        channels.append(values[5:-5, 5:-5].mean())
    return np.mean(channels)
    ### END SOLUTION


# %% nbgrader={"grade_id": "ssim-test", "grade": true, "points": 3}
lesson_09.check_ssim(ssim)
### BEGIN HIDDEN TESTS
lesson_09.check_ssim(ssim, seed=92)
### END HIDDEN TESTS

# %% [markdown]
# The check compares your SSIM with scikit-image's, to one part in a million. From here on the lesson uses `evaluation.psnr` and `evaluation.ssim`, which call scikit-image and refuse anything but two uint8 RGB pictures of the same shape.
#
# Back to the four pictures of equal MSE. **Predict:** in which order will SSIM put them?

# %%
names = list(changed)
scores = [evaluation.ssim(sharp, changed[name]) for name in names]
figure, axes = plt.subplots(1, 4, figsize=(9.6, 3.1))
for axis, name, value in zip(axes, names, scores):
    values = structural_similarity(sharp, changed[name], data_range=255, channel_axis=2, gaussian_weights=True,
                                   use_sample_covariance=False, full=True)[1].mean(axis=2)
    shown = axis.imshow(values, vmin=0, vmax=1)
    axis.set_title(f"{name}: {value:.2f}")
    axis.axis("off")
figure.colorbar(shown, ax=axes, label="SSIM at each pixel", shrink=0.8)
figures.show(figure, alt="Maps of SSIM for the four pictures of equal MSE: almost 1 for the brighter one except on the dark "
                         "stones and, a little, on the orange tower, low in flat parts for the noisy one, low along fine detail for the blurred one")

# %%
best = names[int(np.argmax(scores))]
print("SSIM's first choice:", best)
print("it is ahead of the last by more than 0.1:", bool(max(scores) - min(scores) > 0.1))

# %% [markdown]
# SSIM sees that the brighter picture has kept its structure: adding 13 grey levels changes no variance and no covariance, except at the few lamps where 255 is the limit, so the second factor is 1. The first is $\frac{2 \cdot 100 \cdot 113 + 6.5}{100^2 + 113^2 + 6.5} = 0.99$ where $\mu_x = 100$, and 0.52 where $\mu_x = 5$: only dark parts suffer. (Each colour is scored on its own. That is why the bright orange tower suffers a little, too: its blue is dark.) In the noisy picture it is the *flat* parts that score badly: there the noise is all the structure there is.
# That is closer to human judgement, but SSIM is only a formula, too.

# %% [markdown]
# ## 4. One pair, many scores (7 minutes)
#
# None of this is carved in stone. Other programs use a different window, turn the pictures grey, shrink them first, or work with pixels in [−1, 1]. So here is *one* pair, the blurred bridge, and its SSIM under nine protocols.
# **Predict:** how far apart will the values be?

# %%
def similarity(sharp, image, **changes):
    """scikit-image's SSIM with the course's settings, some of them changed."""
    settings = dict(data_range=255, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    return structural_similarity(sharp, image, **settings | changes)


def to_grey(photo):
    return photo @ np.array([0.299, 0.587, 0.114])


def squash(photo):
    return cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)


PROTOCOLS = {
    "the course's protocol": similarity,
    "border included": lambda s, i: similarity(s, i, full=True)[1].mean(),
    "flat window of 7×7": lambda s, i: similarity(s, i, gaussian_weights=False, win_size=7),
    "sample covariance": lambda s, i: similarity(s, i, use_sample_covariance=True),
    "grey pictures": lambda s, i: similarity(to_grey(s), to_grey(i), channel_axis=None),
    "pixels in [−1, 1], range 2": lambda s, i: similarity(photos.to_network(s), photos.to_network(i), data_range=2),
    "pixels in [−1, 1], range 1": lambda s, i: similarity(photos.to_network(s), photos.to_network(i), data_range=1),
    "pixels 0–255, range 1": lambda s, i: similarity(s.astype(float), i.astype(float), data_range=1),
    "squashed to 256×256": lambda s, i: similarity(squash(s), squash(i)),
}
wide_sharp, wide_image = (window(photo, 576, 1024) for photo in (bridge, blurred_bridge))       # 16:9, as a frame of GoPro
values = {name: protocol(wide_sharp, wide_image) for name, protocol in PROTOCOLS.items()}

figure, axis = plt.subplots(figsize=(7.4, 4))
axis.hlines(range(len(values)), values["the course's protocol"], list(values.values()), color="0.6")
axis.plot(list(values.values()), range(len(values)), "o")
for row, value in enumerate(values.values()):
    axis.annotate(f"{value:.3f}", (value, row), (0, 7), textcoords="offset points", ha="center", fontsize=9,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})
axis.axvline(values["the course's protocol"], color="0.4", linestyle=":")
axis.set(yticks=range(len(values)), yticklabels=list(values), xlabel="SSIM of the same pair", ylim=(len(values) - 0.5, -0.8))
figures.show(figure, alt="SSIM of one pair by nine protocols: border, covariance and the flat window change little, grey pictures more; "
                         "a wrong range lowers it by far, and squashing raises it")

# %%
reference = values["the course's protocol"]
print("border, covariance: less than 0.01 away:",
      all(abs(values[name] - reference) < 0.01 for name in ("border included", "sample covariance")))
print("a range of 1 for pixels 0–255 lowers it by more than 0.1:", bool(values["pixels 0–255, range 1"] < reference - 0.1))
print("squashing raises it by more than 0.05:", bool(values["squashed to 256×256"] > reference + 0.05))

# %% [markdown]
# The two pictures stay the same, and SSIM can be almost anything.
#
# - *Range.* $C_1$ and $C_2$ are made for a range of 255. If a program is told that the range is 1, they nearly vanish, and each bit of noise in a flat sky counts in full. Many programs guess the range from the data type, and take floats in 0–255 for floats in 0–1.
# - *Zero.* Even [−1, 1] with its correct range, 2, differs from the protocol: brightness is compared as a ratio, so it matters where zero is.
# - *Window, border* and *sample covariance* (a division by $N - 1$ instead of $N$, the number of pixels in the window) change little, *colour* more: in grey, an error in only one channel counts for less.
# - *Size.* Squashing a frame to 256×256, as the report may have done ("dividing the input image into a 256x256 matrix", Section 3.2), shrinks the blur as well. The score rises before any network has run.
#
# And *rounding*? A network outputs floats. To be stored as whole numbers they are rounded or, with a plain `astype(np.uint8)`, cut off (truncated):

# %%
level1 = restoration.load("level1")             # width 16, 3 blocks: trained on level 1 only
output = (level1(photos.to_network(image)[None]).numpy()[0] + 1) * 127.5       # floats in 0–255
exact, rounded, cut = (10 * np.log10(255**2 / np.mean((values - sharp) ** 2.0))
                       for values in (output, np.rint(output), np.floor(output)))
print("rounding moves PSNR by less than 0.01 dB:", bool(abs(rounded - exact) < 0.01))
print("cutting off moves it further:", bool(abs(cut - exact) > abs(rounded - exact)))

# %% [markdown]
# Rounding is harmless. Cutting off darkens the picture by half a grey level on average: that costs little at 27 dB, but more than 1 dB at 50 dB.
#
# The remedy for all this is cheap: state the [protocol](glossary.md). Here is the course's, which is printed with every table the course makes.

# %%
print(evaluation.PROTOCOL)

# %% [markdown]
# ### Exercise 3: the detective (2 points)
#
# A paper reports a mean SSIM with two decimals and no protocol. You have its pictures. Which protocols could it have used?
#
# Write a function that returns the names of all protocols whose mean SSIM over the pairs, rounded to two decimals, equals the reported number. `pairs` is a list of (sharp, image), `protocols` a dictionary
# like `PROTOCOLS`: name to function of (sharp, image).

# %% nbgrader={"grade_id": "detective", "solution": true}
def detective(pairs, reported, protocols):
    """List of the names, in the order of protocols, whose mean over pairs rounds to reported (two decimals)."""
    ### BEGIN SOLUTION: for each protocol take the mean over all pairs, round it, and compare
    fitting = []
    for name, protocol in protocols.items():
        mean = np.mean([protocol(sharp, image) for sharp, image in pairs])
        if abs(round(mean, 2) - reported) < 1e-9:
            fitting.append(name)
    return fitting
    ### END SOLUTION


# %% nbgrader={"grade_id": "detective-test", "grade": true, "points": 2}
lesson_09.check_detective(detective)
### BEGIN HIDDEN TESTS
lesson_09.check_detective(detective, seed=93)
### END HIDDEN TESTS

# %% [markdown]
# More than one name in the list means that the number alone cannot decide. With the report it is worse: its pictures are not available. Lesson 10 asks what could produce 29.3 dB together with 0.72, and finds several ways and no proof.

# %% [markdown]
# ## 5. Table 4 for our generator (4 minutes)
#
# Now a table like the report's, for the small network of lesson 00. It was trained on level 1 without a discriminator, and is scored by the protocol above on three whole test photographs that it has never seen.
# Its first block, the blurred input, belongs in every such table. The report's has none.

# %%
table = evaluation.score(pairs, {"blurred input": lambda photo: photo, "level1 network": lambda photo: restoration.deblur(photo, level1)})
summary = table.summary() | {"the report": report.TABLE_4}


def rows(summary):
    """Lines of a table like the report's Table 4; PSNR to a tenth, SSIM to a hundredth."""
    yield f"{'':15} {'metric':7} {'maximum':>8} {'minimum':>8} {'mean':>8}"
    for method, metrics in summary.items():
        for metric, numbers in metrics.items():
            yield f"{method:15} {metric:7} " + " ".join(f"{number:8.{1 if metric == 'PSNR' else 2}f}" for number in numbers.values())


print("\n".join(rows(summary)))

# %% [markdown]
# Is our network nearly as good as the report's? The table cannot say. The last two blocks come from different photographs, different blurs and perhaps different protocols, so nothing follows from comparing them. What can be compared lies inside our own table:

# %%
gains = [after.psnr - before.psnr for before, after in zip(table.records[::2], table.records[1::2])]
print("PSNR gained over the blurred input, smallest and mean, over 2 and 3 dB:", bool(min(gains) > 2 and np.mean(gains) > 3))

# %% [markdown]
# A *gain* over the blurred input is more robust than a score: an easy photograph raises both scores. But a gain still depends on the blur, as the next section shows.

# %% [markdown]
# ## 6. Trained on one blur, tested on another (4 minutes)
#
# The ladder of lesson 02 has four levels: one known motion, straight motions of any direction, the path of a hand, and a moving camera with moving objects. Our network was trained on level 1 only.
# Classical methods take part, too: Wiener deconvolution with level 1's kernel, which like the network expects that one blur; then Wiener and Richardson–Lucy deconvolution, each given the *right* kernel for every photograph (level 4 has none: it is not a single convolution).
#
# **Predict.** What will the network do to level 3: help a little, do nothing, or harm?

# %%
kernel_1 = blur.linear_psf(*blur.LEVEL_1)
METHODS = ["blurred input", "level1 network", "Wiener, level 1's kernel", "Wiener, right kernel", "Rich.–Lucy, right kernel"]
scores, scenes = {name: [] for name in METHODS}, {}
for level in blur.LEVELS:
    found = {name: [] for name in METHODS}
    for number, photo in enumerate(test):
        blurred, true = blur.blur_photo(photo, level, np.random.default_rng([level, number]))
        blurred, true = window(blurred, 400, 600), window(true, 400, 600)
        motion = blur.draw_motion(level, np.random.default_rng([level, number]))        # the same draw again: its kernel
        answers = {"blurred input": blurred, "level1 network": restoration.deblur(blurred, level1),
                   "Wiener, level 1's kernel": classical.wiener(blurred, kernel_1, 0.01)}
        if level < 4:
            answers["Wiener, right kernel"] = classical.wiener(blurred, motion, 0.01)
            answers["Rich.–Lucy, right kernel"] = classical.richardson_lucy(blurred, motion)
        for name, answer in answers.items():
            found[name].append(evaluation.psnr(true, answer))
        if number == 1:
            scenes[level] = [window(picture, 300, 260) for picture in (blurred, answers["level1 network"], true)]
    for name in METHODS:
        scores[name].append(np.mean(found[name]) if found[name] else np.nan)

# %%
matrix = np.array([scores[name] for name in METHODS])
gain = matrix - matrix[0]
figure, axis = plt.subplots(figsize=(7.6, 3.8))
shown = axis.imshow(gain, cmap="PuOr", vmin=-11, vmax=11, aspect="auto")
for row, column in np.ndindex(matrix.shape):
    text = "–" if np.isnan(matrix[row, column]) else f"{matrix[row, column]:.1f}" + (f"  ({gain[row, column]:+.1f})".replace("-", "−") if row else "")
    axis.text(column, row, text, ha="center", va="center", color="white" if abs(gain[row, column]) > 6 else "black")
axis.set(xticks=range(4), xticklabels=[f"level {level}" for level in blur.LEVELS], yticks=range(5), yticklabels=METHODS)
axis.grid(False)
figure.colorbar(shown, label="dB over the blurred input")
figures.show(figure, alt="Mean PSNR of five methods on levels 1 to 4. The level-1 network gains about 4 dB on level 1 and loses several on levels 2 and 3 "
                         "and about 2 on level 4; Wiener deconvolution with level 1's kernel loses still more there; with the right kernel it gains on level 3, and Richardson–Lucy on levels 1 to 3")

# %%
print("level 1: the network gains more than 2 dB:", bool(gain[1, 0] > 2))
print("levels 2, 3 and 4: it loses more than 1 dB:", bool(np.all(gain[1, 1:] < -1)))
print("with the right kernel, Richardson–Lucy gains more than 3 dB at levels 1 to 3:", bool(np.all(gain[4, :3] > 3)))

# %% [markdown]
# Here is part of one of the three photographs at every level. From the left: blurred, after the network, sharp.

# %%
widgets.explore(
    lambda level: np.concatenate([np.pad(picture, ((0, 0), (0, 6), (0, 0)), constant_values=255) for picture in scenes[level]], axis=1),
    {"level": list(scenes)}, start={"level": 3}, kilobytes=300,
    alt="Part of the bridge at night: blurred, what the level-1 network makes of it, and sharp",
)

# %% [markdown]
# At level 1 the cables come back. At the other levels the network draws ridges beside every edge: it undoes a motion that never happened. It has not learned to deblur; it has learned to undo *one* blur. As it has never seen another, nothing tells it to leave a photograph alone.
# In the table, Wiener deconvolution with that kernel fails at the same levels, and fails worse.
#
# With the right kernel the Wiener filter clearly helps only at level 3, but Richardson–Lucy gains at levels 1 to 3 without having learned from a single photograph. At level 1 the network is about as good: from examples it has learned what a formula does with a known kernel.
# The curved motions of level 3 are the easiest for both formulas: a straight motion wipes out some frequencies altogether (lesson 02), a curved one mostly spares them.
#
# The same happened to a real network: trained on synthetic blur only, DeblurGAN reached 23.6 dB on the GoPro test set (arXiv:1711.07064), where the blurred input is quoted at 25.6 dB.
# That is why a paper has to say what blur its test set has, and why a test set should be as varied as the intended use.

# %% [markdown]
# ## 7. Enlargement (3 minutes)
#
# The report's Figure 2 ends with a whiteboard that was blurred by enlargement, and the network does not help. "The deburred performance is not that good", says Section 3.3, because a network trained on motion is not made for it. This can be measured: shrink a sharp photograph by a factor, enlarge it again,
# and let the network work on it. On the left is the enlarged photograph, on the right the network's answer:

# %%
FACTORS = [1, 1.5, 2, 3, 4, 6]
palace = window(photos.load("summer_palace"), 220, 300)
enlarged = [blur.enlarge(palace, factor) for factor in FACTORS]
answers = [restoration.deblur(picture, level1) for picture in enlarged]
before = np.array([evaluation.psnr(palace, picture) for picture in enlarged])        # ∞ at factor 1
after = np.array([evaluation.psnr(palace, picture) for picture in answers])

widgets.slider(
    [np.concatenate([picture, np.full((220, 8, 3), 255, np.uint8), answer], axis=1) for picture, answer in zip(enlarged, answers)],
    FACTORS, name="factor", start=3, kilobytes=230,
    alt="Palace, shrunk and enlarged again, beside the level-1 network's answer: ridges beside its edges",
)

# %%
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(FACTORS[1:], before[1:], "o-", label="enlarged")
axis.plot(FACTORS[1:], after[1:], "s--", label="after the network")
axis.set(xlabel="factor of the enlargement", ylabel="PSNR (dB)")
axis.legend()
figures.show(figure, alt="The enlarged photograph's PSNR falls with the factor; that of the network's answer rises, but stays below it")

# %%
print("the network harms the photograph at every factor:", bool(np.all(after < before)))

# %% [markdown]
# At factor 1 the photograph is sharp, and even then the network spoils it. So the report's sentence is right but says too little: this is no special weakness with whiteboards, it is section 6 again. A network undoes what it was trained on.
#
# There is a difference in kind, though. Motion along a known path *mixes* the pixels, and most of this can be unmixed. Shrinking throws fine detail away: what lay between the remaining pixels has to be invented. Section 11 is about that.

# %% [markdown]
# ## 8. Your own photograph (3 minutes)
#
# Try the network on a photograph of your own. (It undoes one motion only; section 10 has a method for any.) Press the button and choose a file, or write its path into the cell below the button. Only the path serves the later cells, and files over 10 MB if JupyterLab was not started with `make lab`. Nothing leaves your machine. A large photograph is shrunk to 512 pixels.

# %%
def smaller(photo, side=512):
    """A photograph, at most `side` pixels wide and high."""
    shrink = min(1.0, side / max(photo.shape[:2]))
    size = [max(1, round(shrink * length)) for length in photo.shape[1::-1]]
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)


def compare(photo, kilobytes=700):
    """A photograph and what the network makes of it, to swipe between."""
    photo = smaller(photo)
    answer = restoration.deblur(photo, level1)
    return widgets.swipe(photo, answer, labels=("your photograph", "after the network"), kilobytes=kilobytes,
                         alt="A photograph before and after the level-1 network")


upload.button(compare)

# %%
path = photos.info("window_dogs").file           # or yours: path = "holiday.jpg"; a full path always works
try:
    own = photos.read(path)
except photos.PhotoError as problem:        # no such file, no picture, too large: one sentence says which
    print(problem, "Here is a built-in one instead.")
    own = photos.load("window_dogs")
compare(own, kilobytes=400)

# %% [markdown]
# The built-in photograph is sharp, so the network spoils it, as at factor 1 in section 7.
#
# Why is there no PSNR? Because there is no ground truth: nobody has the sharp version of a photograph that came out blurred. Every score needs a pair, and pairs are made: by a second exposure, by averaging video frames as in GoPro, or by blurring a sharp photograph.
# On your own photograph you have only your eyes. So you cannot know, and neither can a program, whether a detail in the answer was really there.
#
# If your photograph is sharp, you can make the pair yourself and get your own row of Table 4:

# %%
corner = own[:800, :800]
blurred_own, _ = blur.blur_photo(corner, 1, np.random.default_rng(0))
own_gain = evaluation.psnr(corner, restoration.deblur(blurred_own, level1)) - evaluation.psnr(corner, blurred_own)
print("blurred at level 1, the network gains on this photograph:", bool(own_gain > 0))

# %% [markdown]
# ## 9. Beside Table 5 (8 minutes)
#
# The report's Table 5 puts four methods side by side. Here they are with what is known of each number's protocol:
#
# | Method | PSNR | SSIM | What was measured |
# |---|---|---|---|
# | Kupyn et al. [2], DeblurGAN | 28.7 | 0.958 | GoPro test set. The same network is quoted with 0.958 (its own paper, arXiv:1711.07064), 0.927 (arXiv:1908.03826) and 0.858 (arXiv:2102.02808): three ways to compute SSIM |
# | Nah et al. [3] | 28.93 | 0.91 | GoPro test set; the row of their paper for *one* scale. Their full network has 29.08 or 29.23, depending on how the blur was averaged (arXiv:1612.02177) |
# | Ji et al. [4] | 31.15 | 0.96 | as the report quotes it |
# | The report | 29.3 | 0.72 | not stated: number and size of the test photographs, kind of blur, variant of SSIM |
# | Ours, level 1 | section 5 | section 5 | three photographs, one known motion, the protocol of section 4 |
#
# **Think first.** Which pairs of rows can be compared in PSNR? Which in SSIM?
#
# <details><summary>Answer</summary>
#
# PSNR has few variants. [2] and [3] name the same test set, but [2] doesn't say at which size it measured: readers who ran its code report 28.3 dB on crops of 256×256 and 25.2 and 25.5 dB on whole frames (github.com/KupynOrest/DeblurGAN, issues 111, 106 and 124). So not even these two can be compared safely; [4] belongs with them only if its paper measured in the same way, which the report doesn't say. The report's 29.3 dB can be compared only if it was measured on whole frames of the same test set, which is not stated either;
# squashing frames alone lifts the *blurred input* by a few decibels. "Still better than [2] and [3] in terms of PSNR" is therefore not shown.
#
# In SSIM not even a single network agrees with itself. In section 5 an SSIM of 0.73 belongs to the blurred input, at 24.4 dB, and our network has 0.85 at 28.6 dB. So 0.72 beside 29.3 dB is odd; whether the protocol or the pictures explain it, nobody can tell (lesson 10).
#
# Our row can be compared with none of them: its photographs are different, its blur is easier.
#
# </details>
#
# What would a real comparison need? The same pairs, one program that scores all methods, and the blurred input as the first row. That is what `evaluation.score` does: it takes several methods at once.
#
# ### Table 5 again, by one protocol
#
# Here is such a comparison, made by the command `make tables` and stored. Each network that was trained for it got the same four minutes of one processor core. That settles little between the networks; the point is how it is set up.

# %%
again = json.loads((photos.DATA / "tables" / "table.json").read_text(encoding="utf-8"))
for part in re.split(r"\n(?=Training|Generators|Wiener|Cost)", again["protocol"].split("\n\n")[0]):
    print(textwrap.fill(part, 80), "\n")

# %% [markdown]
# Two of the networks are new. The *multi-scale* one (Nah et al. [3]) deblurs the photograph first at a quarter of its size, where the blur is four times shorter, then at half its size, then at full size, each time given the coarser result.
# The *NAFNet-style* one (Chen et al. 2022) has no ReLU: it multiplies one half of its channels by the other. It works mostly at low resolutions, and needs a tenth of the multiplications.
#
# **Predict.** Which rows come out ahead of the blurred input: the two classical methods that are told the true blur, content loss only, the two GANs, 12 blocks, multi-scale, NAFNet-style? And `kernel`: Richardson–Lucy again, with a kernel found from the blurred photograph alone, and a network that cleans up after it?

# %%
def table_5(rows):
    """Lines of the table: what each row costs, its mean scores, and its gains over the blurred input."""
    yield f"{'':17}{'parameters':>10}{'GMAC':>6}{'s/photo':>9}{'steps':>7}{'PSNR':>8}{'gain':>7}{'SSIM':>8}{'gain':>8}"
    for name, row in rows.items():
        counts = f"{row['parameters']:10,}" if "parameters" in row else " " * 10
        counts += f"{row['macs'] / 1e9:6.2f}" if "macs" in row else " " * 6
        seconds = f"{row['photograph_seconds']:9.1f}" if row["photograph_seconds"] else " " * 9
        yield (f"{name:17}{counts}{seconds}{row.get('steps', ''):>7}{row['psnr']['mean']:8.2f}{row['psnr']['gain']:+7.2f}"
               f"{row['ssim']['mean']:8.3f}{row['ssim']['gain']:+8.3f}")


print("\n".join(table_5(again["rows"])))

# %% [markdown]
# GMAC is billions of multiply–accumulates for 256×256 pixels, `s/photo` seconds on one core for 1280×720. The rows `…-again` repeat the training with another [seed](glossary.md).

# %%
figures.images({"the same detail of every row": photos.read(photos.DATA / "tables" / "detail.webp")},
               alt="The roof of a palace against the sky. Wiener and Richardson–Lucy bring back its tiles, with ripples around it; "
                   "kernel brings back most of its tiles and posts, with fainter ripples; all generators look like the blurred photograph")

# %%
gain = {name: np.array(row["psnr"]["pairs"]) - again["rows"]["blurred"]["psnr"]["pairs"] for name, row in again["rows"].items()}
mean = {name: values.mean() for name, values in gain.items()}
print("told the true blur, both classical methods gain more than 2 dB:", bool(min(mean["wiener"], mean["richardson-lucy"]) > 2))
trained = [name for name, row in again["rows"].items() if "steps" in row]
print("every network of four minutes is less than 0.2 dB from the blurred input:", all(abs(mean[name]) < 0.2 for name in trained))
print("multi-scale gains in every pair:", bool(gain["multiscale"].min() > 0))
for name in ("content", "nafnet"):
    print(f"two seeds of {name}: {mean[name]:+.2f} and {mean[name + '-again']:+.2f} dB")
sharpest = int(np.argmax(again["rows"]["blurred"]["psnr"]["pairs"]))
rest = np.delete(gain["nafnet"], sharpest).mean()
print(f"nafnet: {gain['nafnet'][sharpest]:+.2f} dB in the sharpest pair, {rest:+.2f} dB in the mean of the others")
worst, *others = sorted(gain["level4"])
print(f"level4: {worst:+.2f} dB in one pair, {others[0]:+.2f} to {others[-1]:+.2f} dB in the other {len(others)}")
print("the report's generator in full gains no more than level4:", bool(mean["level4_report"] <= mean["level4"]))
print("kernel, which is told nothing, gains more than every generator:", bool(mean["kernel"] > max(
    mean[name] for name, row in again["rows"].items() if "macs" in row)))
print(f"kernel: {gain['kernel'].min():+.2f} to {gain['kernel'].max():+.2f} dB in the nine pairs")

# %% [markdown]
# - *Knowing the blur* is worth more than anything these networks learn in four minutes. But no camera reports it.
# - *The networks* differ by a tenth of a decibel from each other, and from doing nothing. One pair is almost sharp, at 41 dB. On it, most of them lose what they gain on the others, and that decides their means. One pair can easily decide a mean of nine.
#   Only multi-scale loses nowhere. Whether it is the better network, nine pairs and one seed can't say.
# - *`level4`* had almost two hours on two cores, and still gains only 0.04 to 0.36 dB where the blur is visible. On the pair that is almost sharp it loses 2 dB.
#   *`level4_report`*, the report's generator in full (lesson 08), had as long, needs twelve times the multiplications, and gains no more. That says what two hours are worth, not which network is better.
# - *`kernel`* is no generator: it finds the motion and then undoes it; how, says section 10. On the pair that is almost sharp it changes nothing; it loses in one pair, where the true kernel loses more. The gap to `richardson-lucy` is the price of guessing the kernel.
# - *The two GANs* continue from the report's generator after its first two minutes. Each of their steps costs six to nine times as much, so the other two minutes were enough for 40 and 25 steps. The table shows nothing about GANs but their price.
#
# **Think.** What would you need to have measured before you wrote "multi-scale is better than the report's generator"?
#
# <details><summary>Answer</summary>
#
# More seeds of both, and a difference larger than their spread; training until the curves are flat, not for four minutes; a batch as large as the report's 16; more photographs than three, from more than one camera. Lesson 10 asks the same of your own project.
#
# </details>

# %% [markdown]
# ## 10. How `kernel` finds a motion (6 minutes)
#
# The last row of the table is told nothing about the blur, and gains more than every generator. It takes five steps:
#
# 1. *Look at the spectrum.* A motion lets some waves through and takes others away (lesson 02). In the [power spectrum](glossary.md) this leaves stripes across the direction of the motion, the closer together the longer it was.
# 2. *Guess.* From the spectrum, a small network answers with one kernel for the whole photograph. Where it is in doubt, it spreads the light (`course_lib/blind.py`).
# 3. *Search.* A camera moves along *one* path, and some twenty numbers describe it. Around the guess, about 12,000 paths are drawn at random. For every wave (lesson 02),
#
#    log power of the blurred photograph = log power of the sharp one + log of the square of the kernel's factor.
#
#    The left side is measured, the last term follows from the path; what is left must be the sharp photograph's. How such spectra usually look was learned beforehand, so each path can be judged by how usual a sharp spectrum it leaves. Gradient descent then changes the numbers of the best paths until the fit is as good as possible. To explain something by making it again is called *analysis by synthesis* (`course_lib/camera_path.py`).
#
#    Such a search can get stuck, and a long motion doesn't fit the network's kernel. So there are up to four searches: one begins at full size, three with the photograph made 1.5, 2 and 3 times smaller.
# 4. *Choose.* The spectrum doesn't tell a path from the same path turned by 180 degrees. Richardson–Lucy undoes each path found, both ways. The best result has its edges in the fewest places, as undoing a wrong motion doubles every edge. How well the path explains the spectrum counts as well, but little.
# 5. *Clean up.* A second network sees Richardson–Lucy's results after 12 and after 30 iterations, beside the blurred photograph (`course_lib/refine.py`). Where the kernel is right, it keeps more of the result after 30; elsewhere it removes ripples and ghost edges. Such marks can be told from a small part of the picture, so a small network is enough.
#
# Here are steps 1 to 4 for five exposures of level 4, with two shorter searches. **Move the slider.** Slow waves are in the middle of the spectrum; in the kernels, brighter means more light. The lamps of the blurred photograph draw the path, too. Compare the path found with the true kernel, and the PSNRs: blurred, with the path found undone, and with the true kernel undone. In which of the five does it go wrong, and why?

# %%
estimator = blind.load()
night = photos.load("bridge_at_night")[:720, :960]
LAMPS = np.s_[420:616, 560:756]             # the part that is shown


def shades(array):
    """An array as a grey picture of 196 x 196 pixels."""
    array = array - array.min()
    return cv2.resize((255 * array / array.max()).astype(np.uint8), (196, 196), interpolation=cv2.INTER_NEAREST)


def light(kernel):
    """The middle 49 x 49 pixels of a kernel; the square root makes faint light visible."""
    wide = np.pad(kernel, 24)
    middle = slice(len(wide) // 2 - 24, len(wide) // 2 + 25)
    return shades(np.sqrt(wide[middle, middle]))


def traced(exposure):
    """What `kernel` sees, guesses and finds of an exposure, and what was to be found."""
    moved, sharp, true, _ = blind.exposure(night, [exposure, 9])
    spectrum = blind.log_spectrum(moved)
    found = blind.find_kernel(moved, estimator, scales=(1.0, 2.0), draws=2048, rounds=((48, 1, 30), (24, 1, 30)))
    undone, best = (classical.richardson_lucy(moved, kernel, blind.ITERATIONS, blind.GAMMA) for kernel in (found, true))
    right = spectrum[..., 1]                                # the left half of a spectrum is the right one, turned
    whole = np.concatenate([np.roll(right[::-1, :0:-1], 1, axis=0), right], axis=1)
    return np.concatenate([
        blur_figures.row({f"blurred: {evaluation.psnr(sharp, moved):.1f} dB": moved[LAMPS], "its spectrum": shades(whole),
                          "the network's guess": light(blind.estimate(spectrum, estimator))}),
        blur_figures.row({f"undone: {evaluation.psnr(sharp, undone):.1f} dB": undone[LAMPS], f"true kernel: {evaluation.psnr(sharp, best):.1f} dB": light(true),
                          "the path found": light(found)})])


seeds = dict(zip("12345", (1, 3, 0, 5, 6)))
widgets.explore(lambda exposure: traced(seeds[exposure]), {"exposure": list(seeds)}, start={"exposure": "1"}, kilobytes=120,
                alt="Lamps and beams of a bridge, blurred; the striped spectrum; the network's broad guess; the bridge with the motion undone; "
                    "the true kernel, a thin curved path; and the path found")

# %% [markdown]
# In 1 to 3 the guess has the right direction, but it is broad, too long and without the bend. The search finds the bend, in 2 even the pauses between the frames that were averaged. In 1 it misses them, and still gains 5 dB.
# In 4 the motion is short, and the camera also zoomed. So every place of the photograph has a path of its own, and their mean, the true kernel, has thick ends. The search took it for one thin path, and undoing that gains nothing; undoing the true kernel gains 1.3 dB. In 5 one end of the motion lies outside the 49×49 pixels of the network's kernel (and of these pictures). The search that starts at half the size doesn't save it here: the path found is a quarter too short, and undoing it gains 0.9 dB; undoing the true kernel gains 3.3 dB.
#
# All of it was learned in two and a half hours on two cores, and it gains more here than any generator: the less a network has to learn, the faster it learns it. But finding a motion takes long, see `s/photo`, and it is *one* kernel for the whole photograph: what moved on its own stays blurred.
#
# `deblur-course deblur holiday.jpg` does all five steps for a photograph of your own. Here they are for `own`, whose path you gave in section 8, at 512 pixels; if it moved, this takes up to some minutes. Shrinking shortens the motion, and less than 3.5 pixels counts as none. So for a large photograph use the command, which keeps its size.

# %%
def undo_motion(photo):
    """A photograph and what all five steps make of it, to swipe between."""
    answer = refine.deblur(photo, estimator, refine.load())
    if (answer == photo).all():
        print("no motion of 3.5 pixels or more found: left as it is")
        return None
    return widgets.swipe(photo, answer, labels=("your photograph", "its motion undone"), kilobytes=400,
                         alt="A photograph before and after its motion was found and undone")


undo_motion(smaller(own))

# %% [markdown]
# At this size the built-in photograph is left alone, where the level-1 network spoiled it. At full size its clapboards are taken for a short motion, and it changes a little.

# %% [markdown]
# ## 11. The best answer is not the sharpest (9 minutes)
#
# A traffic camera has seen a number plate from far away: three digits, moving, in a few grey pixels with noise. What should a perfect restoration answer?
# In this toy world we can compute it. There are only 1,000 plates, all equally frequent; we know the shapes of the digits, the motion and the noise, which is normally distributed with standard deviation 8. So for each plate we can compute how probable it is, *given what the camera saw* (Bayes' rule):
#
# $$P(\text{plate} \mid \text{seen}) \;\propto\; P(\text{seen} \mid \text{plate}) \;\propto\; \prod_\text{pixels} e^{-(\text{seen} - \text{camera}(\text{plate}))^2 / (2 \cdot 8^2)} ,$$
#
# where $\propto$ means: equal up to a factor that makes the sum over all plates 1.

# %%
MOTION = blur.linear_psf(12, 0)[::-1, ::-1]         # 12 pixels to the side; filter2D wants the kernel flipped
NOISE = 8.0                                         # standard deviation, in grey levels
font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSansMono-Bold.ttf"), 30)


def draw_plate(text):
    """A sharp plate, float (40, 88)."""
    plate = Image.new("L", (88, 40), 235)
    ImageDraw.Draw(plate).text((44, 20), text, fill=25, font=font, anchor="mm")
    return np.asarray(plate, float)


def camera(plate, far):
    """What the camera sees without noise: motion, then `far` × `far` pixels become one."""
    moved = cv2.filter2D(plate, -1, MOTION, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(moved, (round(88 / far), round(40 / far)), interpolation=cv2.INTER_AREA)


texts = [f"{number:03}" for number in range(1000)]
plates = np.stack([draw_plate(text) for text in texts])
truth = texts.index("386")


def probabilities(seen, far):
    """Of each plate, given what was seen: float (1000,), sum 1."""
    difference = np.stack([camera(plate, far) for plate in plates]) - seen
    log = -np.sum(difference**2, axis=(1, 2)) / (2 * NOISE**2)
    weight = np.exp(log - log.max())
    return weight / weight.sum()


# %% [markdown]
# These probabilities suggest two natural answers:
#
# - the *mean* of all plates, weighted by probability. It has the smallest expected MSE that any method can reach, and so the best PSNR *of the mean error* (lesson 06: why squared error blurs). (The mean of the PSNRs, section 2, can prefer another answer: a single exact hit counts as ∞.)
# - *one plate, drawn* at random with these probabilities. It looks exactly like a real plate: no discriminator can tell the difference. A perfect conditional GAN does this. (The report's generator gets no noise, so it always gives the same answer to the same picture: a single plate or a mixture, but never a draw.)
#
# Move the slider to the right: the camera moves farther and farther away. Of the bars, the orange one is the true plate's.

# %%
def far_away(distance):
    """The plate, the camera's picture and both answers; the most probable plates."""
    rng = np.random.default_rng(4)
    clean = camera(plates[truth], distance)
    seen = clean + NOISE * rng.standard_normal(clean.shape)
    chance = probabilities(seen, distance)
    drawn = plates[rng.choice(1000, p=chance)]
    figure, axes = plt.subplots(1, 5, figsize=(9.8, 2.3), gridspec_kw={"width_ratios": [1, 1, 1, 1, 0.9]})
    panels = {"the plate": plates[truth], "the camera's picture": seen, "mean answer": np.tensordot(chance, plates, 1), "drawn answer": drawn}
    for axis, (title, picture) in zip(axes, panels.items()):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=(0, 88, 40, 0))
        axis.set_title(title, fontsize=11)
        axis.axis("off")
    order = np.argsort(-chance)[:5]
    axes[4].barh(range(5), chance[order], color=[figures.COLOURS["vermilion" if i == truth else "blue"] for i in order])
    axes[4].set(yticks=range(5), yticklabels=[texts[i] for i in order], xlim=(0, 1), ylim=(4.6, -0.6), xticks=[0, 0.5, 1])
    axes[4].set_title("probability", fontsize=11)
    return figure


widgets.explore(
    far_away, {"distance": [2, 4, 6, 8, 10, 12]}, start={"distance": 10}, kilobytes=320,
    alt="The plate 386, the camera's coarse picture of it, the mean answer, the drawn answer, and the probabilities of five plates",
)

# %% [markdown]
# Close up, both answers are the true plate. Far away they part: the mean answer becomes a ghost of several plates, soft where these differ; the drawn answer stays as sharp as ever, and may be another car's. At distance 12 the true plate isn't even among the five most probable, and the mean answer misleads, too: where the probable plates agree, it is clear and wrong.
# The sharpness of the drawn answer says nothing about whether it is right.
#
# How much does sharpness cost in MSE? Here it can be computed.
#
# ### Exercise 4: the price of a sharp answer (2 points)
#
# The truth is one of a few candidates, with known probabilities. Write a function that returns the expected MSE of two answers: of the mean answer, and of an answer that is drawn with these probabilities, *independently of the truth*.
#
# *Expected* means averaged, weighted by the probability of each truth and, for the drawn answer, of each pair of truth and answer. No random numbers are needed.

# %% nbgrader={"grade_id": "price", "solution": true}
def price(candidates, probability):
    """(MSE of the mean answer, MSE of the drawn answer), expected; candidates (N, H, W), probability (N,)."""
    ### BEGIN SOLUTION: average the MSE over the truths; for the drawn answer over all pairs of truth and answer
    mean = np.tensordot(probability, candidates, axes=1)
    of_mean = sum(p * np.mean((x - mean) ** 2) for p, x in zip(probability, candidates))
    of_drawn = sum(p * q * np.mean((x - y) ** 2)
                   for p, x in zip(probability, candidates) for q, y in zip(probability, candidates))
    return of_mean, of_drawn
    ### END SOLUTION


# %% nbgrader={"grade_id": "price-test", "grade": true, "points": 2}
lesson_09.check_price(price)
### BEGIN HIDDEN TESTS
lesson_09.check_price(price, seed=94)
### END HIDDEN TESTS

# %% [markdown]
# Whatever the candidates, the second error is exactly twice the first: 3.01 dB in the mean error. For one pixel, with $E$ for the expected value, $x$ for the truth, $y$ for the drawn answer and $m$ for the mean,
#
# $$E(x - y)^2 = E\big((x - m) - (y - m)\big)^2 = E(x - m)^2 + E(y - m)^2 = 2\,E(x - m)^2 :$$
#
# the mixed term is 0, as $x$ and $y$ are independent, and both have the same distribution. So an answer that is indistinguishable from real pictures never has to cost more than 3 dB (Blau and Michaeli, 2018, arXiv:1711.06077).
# PSNR measures [distortion](glossary.md), the distance from the truth; [perception](glossary.md) is how much the answers look, as a whole, like real photographs. In general no method can be best at both: below a certain distortion, less of it means less natural pictures.

# %% [markdown]
# ## 12. Perception against distortion, measured (4 minutes)
#
# For photographs nobody can list the candidates. But both sides can be measured: distortion by PSNR; perception by comparing *statistics* of the answers with those of sharp photographs, wherever in the picture they arise. Here we take mean and standard deviation of each of 256 features of VGG16 (lesson 06) over all positions in the three test photographs. The distance is the root of the mean squared difference of these 512 numbers from those of the sharp photographs, in units of the features' mean deviation.
# This is a small relative of the measures in use, such as FID (arXiv:1706.08500).
#
# The answers are what the network makes of level 1, afterwards softened or sharpened. A negative amount blurs, a positive one exaggerates fine detail.

# %%
vgg = losses.vgg_features()
truths = [window(true, 256, 256) for _, true in pairs]
answers = [window(restoration.deblur(window(blurred, 400, 400), level1), 256, 256) for blurred, _ in pairs]


def statistics(pictures):
    """Mean and standard deviation of VGG16's 256 features over all positions of all pictures: float (2, 256)."""
    features = np.concatenate([vgg(photos.to_network(picture)[None]).numpy().reshape(-1, 256) for picture in pictures])
    return np.stack([features.mean(axis=0), features.std(axis=0)])


def sharpen(picture, amount):
    """Add `amount` times what a soft version lacks; a negative amount softens."""
    soft = cv2.GaussianBlur(picture.astype(float), (0, 0), 1.0)
    return stored(picture + amount * (picture - soft))


AMOUNTS = [-1, -0.5, 0, 0.5, 1, 1.6, 2.4]
wanted = statistics(truths)
family = {amount: [sharpen(answer, amount) for answer in answers] for amount in AMOUNTS}
distortion = [np.mean([evaluation.psnr(true, answer) for true, answer in zip(truths, family[amount])]) for amount in AMOUNTS]
naturalness = [np.sqrt(np.mean((statistics(family[amount]) - wanted) ** 2)) / wanted[1].mean() for amount in AMOUNTS]

# %%
def plane(amount):
    """One answer, and where its family stands between the two measures."""
    at = AMOUNTS.index(amount)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), gridspec_kw={"width_ratios": [1, 1.5]})
    axes[0].imshow(window(family[amount][1], 180, 180))
    axes[0].axis("off")
    axes[1].plot(distortion, naturalness, "o-", color="0.6")
    axes[1].plot(distortion[at], naturalness[at], "o", markersize=12, color=figures.COLOURS["vermilion"])
    for a in (AMOUNTS[0], 0, AMOUNTS[-1]):
        i = AMOUNTS.index(a)
        axes[1].annotate(f"amount {a}", (distortion[i], naturalness[i]), (6, 8), textcoords="offset points")
    axes[1].set(xlabel="PSNR (dB): less distortion →", ylabel="distance of statistics:\n← more like photographs")
    axes[1].margins(x=0.2, y=0.14)
    return figure


widgets.explore(plane, {"amount": AMOUNTS}, start={"amount": 0}, kilobytes=260,
                alt="Part of the deblurred bridge, and a curve of PSNR against the distance of feature statistics: "
                    "PSNR is highest near amount 0, the statistics fit best at a positive amount")

# %%
best_psnr, best_statistics = AMOUNTS[int(np.argmax(distortion))], AMOUNTS[int(np.argmin(naturalness))]
print("PSNR is best at an amount between -0.5 and 0.5:", -0.5 <= best_psnr <= 0.5)
print("the statistics fit best at a larger amount:", best_statistics > best_psnr)

# %% [markdown]
# The network was trained for the smallest error, and it stands at the peak of PSNR, not of naturalness: its pictures are softer than real photographs. Sharpening them buys naturalness at the cost of PSNR, up to a point; beyond that both get worse.
# A discriminator pushes in the same direction. Lesson 08 has two stored runs: one without a discriminator, and one that continues it with a discriminator. The next cell measures both on three held-out pictures stored with them.

# %%
stored_runs = {}
for name in ("content", "adversarial"):
    run = runs.Run(photos.DATA / "runs" / name)
    last = int(run.history[-1]["epoch"])
    shown, true = ([run.picture(which, photo) for photo in (0, 4, 7)] for which in (last, "sharp"))
    goal = statistics(true)
    stored_runs[name] = (np.mean([evaluation.psnr(s, i) for s, i in zip(true, shown)]),
                         np.sqrt(np.mean((statistics(shown) - goal) ** 2)) / goal[1].mean())
print("with a discriminator, PSNR is lower by 0.3 to 2 dB:", bool(0.3 < stored_runs["content"][0] - stored_runs["adversarial"][0] < 2))
print("and the statistics are at least a tenth closer to those of sharp pictures:",
      bool(stored_runs["adversarial"][1] < 0.9 * stored_runs["content"][1]))

# %% [markdown]
# Three small pictures are weak evidence, but they agree with the theorem and with published results: the GAN has the *lower* PSNR and the more natural statistics. To rank methods by PSNR alone (Table 5) is to prefer the softer ones.

# %% [markdown]
# ## 13. What a GAN invents (6 minutes)
#
# Must a sharp answer invent? Lessons 01 and 06 had stripes that a motion wipes out; here they are in a photograph: the palace, and the palace behind a fence of soft bars. Then move the camera sideways by 12 pixels, exactly the distance from one bar to the next.

# %%
plain = stored(60 + 0.6 * window(photos.load("summer_palace"), 240, 330))
bars = 40 * np.cos(2 * np.pi * np.arange(330) / 12)[None, :, None]
fenced = stored(plain + bars)
sideways = blur.linear_psf(12, 0)
seen_plain, seen_fenced = (blur.convolve(photo, sideways, gamma=1) for photo in (plain, fenced))
figures.images({"one original": plain, "another": fenced, "the first, blurred": seen_plain, "the second, blurred": seen_fenced},
               alt="The palace, and the palace behind vertical bars. After a sideways motion both look the same")

# %%
def largest(a, b):
    inside = slice(12, -12)         # away from the border, where pictures continue mirrored
    return int(np.abs(a[:, inside].astype(int) - b[:, inside]).max())


print("the originals differ by more than 30 grey levels:", largest(plain, fenced) > 30)
print("the blurred pictures differ by at most 2:", largest(seen_plain, seen_fenced) <= 2)

# %% [markdown]
# Whatever a network answers to this blurred picture, it is wrong for one of the two originals. Nothing in the picture decides between them. What the network has seen in training does: palaces without bars. That is what [to hallucinate](glossary.md) means: to fill in what is usual, in full sharpness.
#
# Where the blur is known, there is a first test of any answer: blur it again. If the result differs from the blurred photograph by more than the noise, the answer is wrong. But both originals pass this test, and so do all plates with some probability in section 11.
# The test can prove an answer wrong, never right; and for a photograph of your own, whose blur nobody knows, there isn't even this test.
#
# Now read the report's last sentence again. It hopes for uses in "photography, surveillance, and medical imaging".
#
# - For a holiday photograph an invented texture of grass does no harm.
# - On a number plate or a face, an invented detail accuses someone: in section 11 the plate drawn from far away is usually another car's.
# - In a diagnosis it can add or remove the very thing the picture was taken for. With networks that translate one kind of brain scan into another, trained with distribution losses such as a GAN's, tumours vanished or appeared, depending on the share of patients in the training data (Cohen et al., 2018, arXiv:1805.08841).
#
# Such uses need more than a sharp picture: several answers, or a probability, instead of one answer; a measure of the *task* (how many plates are read correctly, how many findings are missed) on pictures from that very use; and the original kept beside the answer.

# %%
rng = np.random.default_rng(7)
wrong = {}
for far in (2, 12):
    right = 0
    for number in rng.choice(1000, 60, replace=False):
        clean = camera(plates[number], far)
        chance = probabilities(clean + NOISE * rng.standard_normal(clean.shape), far)
        right += rng.choice(1000, p=chance) == number
    wrong[far] = 1 - right / 60
print("near by, the drawn plate is wrong in at most 5 of 100:", wrong[2] <= 0.05)
print("far away, it is wrong in more than 50 of 100, and always sharp:", wrong[12] > 0.5)

# %% [markdown]
# ### Think: the offer (2 points)
#
# A firm offers the police a program: "Our GAN makes blurred traffic pictures sharp. On a public test set it reaches 29.3 dB, more than other methods, and four of five people find its pictures more natural than the blurred ones."
#
# 1. Give two reasons, of different kinds, why these two facts do not show that a number plate in its output can be trusted.
# 2. Describe one measurement that would tell the police what they need to know, and what the program should show besides a sharp picture.
#
# Four to six sentences are enough.

# %% [markdown] nbgrader={"grade_id": "think-offer", "grade": true, "solution": true, "points": 2}
# ### BEGIN SOLUTION
# The 29.3 dB are a mean over whole pictures of a test set whose blur need not be that of traffic cameras; a network trained on one blur can even do harm under another. And plates are a tiny part of a picture: all digits can be wrong without PSNR showing it.
# That people find the pictures natural is a judgement of perception, not of truth: an answer drawn from what is usual looks perfect and can be another car's plate. When different plates give the same blurred picture, any sharp answer is invented.
# I would measure how many plates are read wrong, on pictures from these cameras with known plates, by distance and speed, and compare it with reading the blurred pictures directly. The program should show how sure it is, for example all plates that explain the picture with their probabilities, refuse when there are many, and keep the original beside its answer.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# - 1 point for question 1, half for each of two different kinds of reason: other blur, camera or protocol than in the test set; a mean over whole pictures does not see a plate; natural does not mean true (perception against distortion, hallucination); different originals give the same blurred picture. Two wordings of one reason count once.
# - Half a point for a measurement of the task: error rate of the plates read, with known truth, on pictures of that use (a comparison with the blurred input or by distance is welcome, not required). "A higher PSNR" or "more test pictures" gets nothing.
# - Half a point for what the program should show: several answers or probabilities, uncertainty, a refusal, or the original picture.
# ### END MARK SCHEME

# %% [markdown]
# ## Recap
#
# - PSNR is the mean squared error in decibels: half the error gains 3.01 dB. uint8 differences wrap around and flatter the score; the mean of PSNRs is above the PSNR of the mean.
# - SSIM compares brightness, contrast and structure in a window. Range, zero, colour, window and size change it, so a score needs its protocol.
# - Compare methods on the same pairs, by one program, with the blurred input as the first row. Table 5 does not allow this. Gains are more robust than scores.
# - A motion leaves its mark in the spectrum of the blurred photograph. Finding it there and undoing it gains more here than any generator.
# - A network undoes the blur it was trained on. Ours gains on level 1, loses more than 1 dB on levels 2 to 4, and harms enlarged photographs, too.
# - Without a ground truth there is no score. On your own photograph nobody can know what is invented.
# - The answer of least error is a mean, and soft. An answer that looks like a real photograph costs up to 3 dB, and has to invent what the blur removed: it can be sharp and wrong.
#
# [← previous: Comparing epochs](08_comparing_epochs.ipynb) · [Glossary](glossary.md) · [next: Reading the report →](10_reading_the_report.ipynb)
