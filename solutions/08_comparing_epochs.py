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
# # 08 · Comparing epochs
#
# Training leaves a picture behind for every epoch. Which of them is the best? What is still wrong with it, and what is to blame?
# PSNR answers with one number. In this lesson you learn to look: at details, at differences, at frequencies and at curves.
#
# **You will be able to**
# - compare two epochs, or two runs, by picture, residual, spectrum and curve;
# - compute a signed residual and a radially averaged spectrum;
# - stop training early, by a rule;
# - recognise checkerboards, ringing, colour shifts and hallucinated texture, name their causes, and write a program that finds a checkerboard;
# - read from the curves of a run whether it overfits, and whether its critic is too strong or too weak.
#
# **You need** lesson 00 (PSNR), lesson 01 (minimax and non-saturating losses), lesson 02 (Wiener, point spread function), lesson 05 (the discriminator), lesson 06 (perceptual loss, 100 : 1) and lesson 07 (training). Fourier transforms are explained as far as they are needed.
#
# **Time** about 68 minutes.

# %%
import csv
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from course_lib import blur, classical, compare, evaluation, figures, photos, runs, widgets
from course_lib.checks import lesson_08

# %% [markdown]
# ## 1. A run in a folder (4 minutes)
#
# An [epoch](glossary.md) is a part of the training, here 60 steps. After each one, `deblur-course train` scores the same crops of [held-out](glossary.md) photographs, which are not used for learning, and saves pictures of the results.
# Everything goes into one folder, and `runs.Run` opens it. This run comes with the course: a small generator ([width](glossary.md) 16, three blocks), blur of [level](glossary.md) 1, and no critic. Its only loss, the *content loss*, is the mean absolute difference to the sharp photograph.

# %%
content = runs.Run(photos.DATA / "runs" / "content")
print((content.folder / "command.txt").read_text())
for row in content.history[::4]:
    print(f"epoch {row['epoch']:2.0f}   PSNR {row['psnr']:.2f} dB ({row['psnr_gain']:+.2f})   content loss {row.get('content', np.nan):.4f}")

# %% [markdown]
# Epoch 0 is the network before training. It returns its input, so its gain is 0 dB, and it has no loss yet.
# Move the slider. **Predict first:** PSNR gains about as much in epochs 1 to 4 as in 5 to 16. Will the two improvements look equal, too?

# %%
FIR, BRANCHES, DOG = 4, 0, 7          # the numbers of three held-out crops
epochs = (0, 1, 2, 3, 4, 6, 8, 12, 16)


def row_of(pictures):
    """Pictures of equal height side by side, with a white gap."""
    gap = np.full((pictures[0].shape[0], 4, 3), 255, np.uint8)
    return np.concatenate([part for picture in pictures for part in (picture, gap)][:-1], axis=1)


widgets.slider(
    [row_of([content.picture("blurred", FIR), content.picture(epoch, FIR), content.picture("sharp", FIR)]) for epoch in epochs],
    epochs, start=4, zoom=2, kilobytes=115,
    alt="A fir tree against a distant slope: blurred on the left, sharp on the right, after training in between",
)

# %% [markdown]
# On the left is what went in, on the right what should come out. Dark and light separate more and more; at this size the last epochs hardly differ. So look closer. (Photographs of this section: Aitzol Berasategi, CC BY 4.0.)

# %%
widgets.slider(
    [row_of([content.picture(which, FIR)[40:76, 84:120] for which in ("blurred", epoch, "sharp")]) for epoch in epochs],
    epochs, start=8, zoom=6, kilobytes=120,
    alt="The edge of the tree, enlarged: blurred, after training, sharp",
)

# %% [markdown]
# The gaps between the twigs come back. The needles themselves do not, not even in the last epoch.

# %% [markdown]
# ## 2. The residual (6 minutes)
#
# The eye is good at seeing that a picture is sharp, and bad at seeing where it is *wrong*. To see that, subtract:
#
# $$\text{residual} = \text{output} - \text{sharp}$$
#
# It has a sign. In the pictures below, blue means too dark, orange too bright, white correct. (Colour-blind readers can tell blue from orange, too.)

# %%
def residual_picture(run, epoch, photo):
    return compare.signed_picture(compare.residual(run.picture("sharp", photo), run.picture(epoch, photo)))


widgets.slider(
    [row_of([content.picture(epoch, FIR), residual_picture(content, epoch, FIR)]) for epoch in epochs], epochs, start=0, zoom=2, kilobytes=100,
    alt="The fir tree after training, and its residual: strong along the edges of the tree at epochs 0 and 1, paler later",
)

# %% [markdown]
# At epoch 0 the residual is strong along every edge, blue and orange side by side: the bright background was smeared over the dark needles, and the needles over the background.
# The slope behind the tree is nearly white from the start: blur does little to what is smooth. Later, only specks of one or two pixels are left, too fine for this network.
#
# Two numbers summarise a residual. The mean of its *square* is the MSE, which gives PSNR. Its plain *mean* is something that PSNR hides: the average error in brightness and colour.

# %%
for epoch in (0, 4, 16):
    difference = compare.residual(content.picture("sharp", FIR), content.picture(epoch, FIR))
    print(f"epoch {epoch:2}   10 log10(255² / mean of squares) = {10 * np.log10(255**2 / np.mean(difference**2)):.2f} dB   "
          f"mean of red, green, blue: {np.round(difference.mean(axis=(0, 1)), 1) + 0.0}")

# %% [markdown]
# ### Exercise 1: the residual (1 point)
#
# Compute the residual. `sharp` and `image` are pictures as this course stores them: uint8, H×W×3. That type has no negative numbers.

# %% nbgrader={"grade_id": "residual", "solution": true}
def residual(sharp, image):
    """image − sharp with its sign, H×W×3, in grey levels from -255 to 255."""
    ### BEGIN SOLUTION: return the signed difference; mind the type
    return image.astype(float) - sharp.astype(float)
    ### END SOLUTION


# %% nbgrader={"grade_id": "residual-test", "grade": true, "points": 1}
lesson_08.check_residual(residual)
### BEGIN HIDDEN TESTS
lesson_08.check_residual(residual, seed=81)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The spectrum (10 minutes)
#
# Any picture is a sum of gratings: waves of light and dark, each with a direction, a *frequency* and a strength. The frequency is the number of waves per pixel: at 0.1, one wave is 10 pixels long.
# The finest grating has frequency 0.5: one pixel light, one dark. The *[power spectrum](glossary.md)* says how strong each grating is: its power is the square of its amplitude. It is computed with `np.fft.fft2`, and drawn here with frequency 0 in the middle.
#
# Move both sliders: what does a finer grating do to the two bright points, and what does turning it do?

# %%
def grating(period, angle):
    """A grating and its spectrum, 96×96 pixels each."""
    rows, columns = np.mgrid[:96, :96]
    along = columns * np.cos(np.radians(angle)) + rows * np.sin(np.radians(angle))
    picture = np.uint8(128 + 100 * np.cos(2 * np.pi * along / period))
    picture = np.stack([picture] * 3, axis=-1)
    spectrum = np.stack([compare.spectrum_picture(picture)] * 3, axis=-1)
    return row_of([picture, spectrum])


widgets.explore(grating, {"period": [24, 12, 6, 4, 3], "angle": [0, 30, 90]}, start={"period": 12}, zoom=2, kilobytes=200,
                alt="A grating and its spectrum: two bright points, the further apart the finer the grating, along the direction of its waves")

# %% [markdown]
# The points lie in the direction in which the wave changes, at a distance of 1 / period. (There are two because a wave has no front or back.)
#
# A photograph contains all gratings at once, with most of the power in the middle. What does motion blur do to it? An average over 11 pixels along a line erases every grating that has a whole number of waves in these 11 pixels:
# the light and the dark cancel.
#
# **Predict, then run.** The motion of level 1 runs along 45 degrees. Where will the blurred spectrum be dark?

# %%
spectra = {name: compare.spectrum_picture(content.picture(which, BRANCHES))
           for name, which in (("blurred", "blurred"), ("after epoch 16", 16), ("sharp", "sharp"))}
figures.images(spectra, zoom=2,
               alt="Spectra: of the sharp photograph bright all over; of the blurred one only in a narrow band through the middle; "
                   "after training with more bands beside it")

# %% [markdown]
# Only a band through the middle is left, at right angles to the motion: gratings whose stripes run along the motion are not blurred at all. On each side of it runs a dark line, where exactly one wave fits into the motion (1/11 ≈ 0.09 waves per pixel, counted along it), and beyond that a much fainter band.
# Now watch the network fill in the outer bands:

# %%
def spectrum_at(epoch):
    picture = content.picture(epoch, BRANCHES)
    spectrum = np.stack([compare.spectrum_picture(picture)] * 3, axis=-1)
    return row_of([picture, spectrum])


widgets.slider([spectrum_at(epoch) for epoch in epochs], epochs, start=6, zoom=2, kilobytes=125,
               alt="Branches after training, and the spectrum: bands beside the middle appear at epoch 4 and are strong from epoch 6 on")

# %% [markdown]
# It works from the middle outwards: first the coarse detail beside the first dark line, later the next band. The finest detail, far from the middle, does not come back in 16 epochs.
# And the dark lines between the bands stay: what blur has erased altogether cannot be amplified, only guessed.
#
# ### One curve instead of a picture
#
# To compare several spectra, average each over *rings* of equal distance from the middle. That leaves one number for each frequency, whatever the direction. (A *cycle* is a wave.)

# %%
def radial_figure(epoch):
    figure, axis = plt.subplots(figsize=(6.4, 3.2))
    compare.radial_lines(axis, {"sharp": content.picture("sharp", BRANCHES), "blurred": content.picture("blurred", BRANCHES),
                                f"epoch {epoch}": content.picture(epoch, BRANCHES)})
    axis.set(ylabel="mean power", ylim=(1, 1e5), title="branches")
    return figures.pixels(figure)


widgets.slider([radial_figure(epoch) for epoch in (0, 2, 4, 8, 16)], (0, 2, 4, 8, 16), start=4, kilobytes=150,
               alt="Mean power over frequency: the sharp picture's curve on top, the blurred one's far below; the trained one "
                   "follows the sharp one almost up to 0.2 cycles per pixel and then falls to the blurred one")

# %%
frequency, sharp_power = compare.radial_power(content.picture("sharp", BRANCHES))
for which in ("blurred", 4, 8, 16):
    share = compare.radial_power(content.picture(which, BRANCHES))[1] / sharp_power
    bands = ((0.02, 0.08), (0.1, 0.18), (0.3, 0.5))
    means = [share[(frequency >= low) & (frequency <= high)].mean() for low, high in bands]
    print(f"{which!s:8} share of the sharp picture's power:  " +
          "   ".join(f"{low}–{high}: {mean:4.0%}" for (low, high), mean in zip(bands, means)))

# %% [markdown]
# The network restores low and middle frequencies, and almost nothing beyond 0.3: at the end of training the picture is sharp from a distance and smooth under a lens.
# That is typical of a content loss: where the network can't know the detail, the safest guess is no detail (lesson 06).
# (Power alone doesn't say that the *right* detail is there: epoch 8 has more of it in the middle band than epoch 16, and a lower PSNR.)
#
# ### Exercise 2: rings (2 points)
#
# `power` is an N×N array in the order of `np.fft.fft2`: frequency 0 is at `[0, 0]`, and the rows and columns beyond N / 2 hold the negative frequencies.
# `np.fft.fftfreq(N, 1 / N)` lists the frequency of every row, in cycles per picture, which is N times the cycles per pixel: 0, 1, 2, …, −2, −1.
#
# Return N // 2 + 1 numbers: number k is the mean over all entries whose distance from frequency 0, $\sqrt{f_y^2 + f_x^2}$, rounds to k. (`np.rint` rounds.) The entry `[1, -1]`, for example, has the frequencies 1 and −1, so its distance is √2 ≈ 1.41, and it belongs to ring 1.

# %% nbgrader={"grade_id": "radial", "solution": true}
def radial(power):
    """Mean of an N×N power spectrum over each ring 0 … N // 2."""
    ### BEGIN SOLUTION: give every entry the number of its ring, then average ring by ring
    n = len(power)
    cycles = np.fft.fftfreq(n, 1 / n)
    ring = np.rint(np.sqrt(cycles[:, None] ** 2 + cycles[None, :] ** 2))
    return np.array([power[ring == k].mean() for k in range(n // 2 + 1)])
    ### END SOLUTION


# %% nbgrader={"grade_id": "radial-test", "grade": true, "points": 2}
lesson_08.check_radial(radial)
### BEGIN HIDDEN TESTS
lesson_08.check_radial(radial, seed=82)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Curves, and when to stop (6 minutes)
#
# The dotted line is a cursor: it marks the epoch whose picture is shown above. (The dog is upside down: the library mirrors and turns crops at random, held-out ones too.)

# %%
def with_cursor(run, epoch, photo):
    """The curves with a cursor, below the picture of that epoch and its residual."""
    above = row_of([run.picture(epoch, photo), residual_picture(run, epoch, photo)]).repeat(2, axis=0).repeat(2, axis=1)
    below = figures.pixels(compare.curves(run.history, epoch))
    page = np.full((above.shape[0] + below.shape[0], below.shape[1], 3), 255, np.uint8)
    left = (page.shape[1] - above.shape[1]) // 2
    page[:above.shape[0], left:left + above.shape[1]] = above
    page[above.shape[0]:] = below
    return page


few = (0, 1, 4, 7, 16)
widgets.slider([with_cursor(content, epoch, DOG) for epoch in few], few, start=2, kilobytes=150,
               alt="A dog's face after training, its residual, and below the content loss and the gained PSNR over the epochs, with a cursor")

# %% [markdown]
# The content loss is measured on the training crops, 960 new ones in every epoch. PSNR is measured on the same held-out crops every time, so it is the one to compare epochs by.
# Neither curve moves in one direction only. Epoch 1 brings no gain at all, and epoch 7 loses a little. If you had stopped at the first epoch that was no better than the one before, you would have stopped after epoch 1.
#
# *[Early stopping](glossary.md)* has more patience. It remembers the best epoch so far, and stops when a given number of epochs in a row have failed to beat it. Then you go back to the best epoch. (Keras has this rule as the callback `keras.callbacks.EarlyStopping`.)
# (Its score is a little too good, because it was chosen as the best of many. The score to report is measured afterwards, on *test* photographs, which played no part in the choice.)
#
# ### Exercise 3: early stopping (2 points)
#
# `scores[e]` is the PSNR after epoch e. Training stops after the first epoch at which the best epoch so far lies `patience` epochs back.
# Return two whole numbers: the epoch at which training stops (the last one, if nothing stops it), and the best epoch up to then. An equal score is no improvement.
# With the scores 0, 2, 1, 1.5, 5 and patience 2, for example, training stops after epoch 3, as the best epoch, 1, lies two back. Nobody ever sees the 5:

# %%
figure, axis = plt.subplots(figsize=(6.5, 2.4))
axis.plot([0, 1, 2, 3], [0, 2, 1, 1.5], "o-", color=figures.COLOURS["blue"])
axis.plot([3, 4], [1.5, 5], "o:", color="0.6")
axis.axvspan(3.5, 4.5, color="0.92")
axis.annotate("best so far: go back to it", (1, 2), (0, 14), textcoords="offset points", ha="center")
axis.annotate("two epochs without\na better one: stop", (3, 1.5), (-10, -10), textcoords="offset points", ha="center", va="top")
axis.annotate("never\ntrained", (4, 0.4), ha="center", va="center")
axis.set(xlabel="epoch", ylabel="PSNR gained (dB)", xlim=(-0.3, 4.5), ylim=(-0.9, 5.6), xticks=range(5))
figures.show(figure, alt="Scores 0, 2, 1, 1.5 after epochs 0 to 3; the best, epoch 1, is marked, and epoch 3, where training stops; "
                         "epoch 4, which would have had 5, is grey")

# %% [markdown]
# Write it for any scores and any patience:

# %% nbgrader={"grade_id": "early-stop", "solution": true}
def early_stop(scores, patience):
    """(stop, best): when training stops, and the epoch one goes back to."""
    ### BEGIN SOLUTION: go through the scores in order, remember the best epoch, and return (stop, best)
    best = 0
    for epoch, score in enumerate(scores):
        if score > scores[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(scores) - 1, best
    ### END SOLUTION


# %% nbgrader={"grade_id": "early-stop-test", "grade": true, "points": 2}
lesson_08.check_early_stop(early_stop)
### BEGIN HIDDEN TESTS
lesson_08.check_early_stop(early_stop, seed=83)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Two runs, and a longer one (13 minutes)
#
# The second run starts where the first one ends, and adds an opponent: the discriminator of lesson 05, with its sigmoid. The generator's loss is now the non-saturating loss of lesson 01 plus 10 times the content loss. (The library's files call any opponent `critic`; in this lesson the word covers both kinds, with a sigmoid and without.)

# %%
adversarial = runs.Run(photos.DATA / "runs" / "adversarial")
print((adversarial.folder / "command.txt").read_text())
for row in adversarial.history[::2]:
    print(f"epoch {row['epoch']:2.0f}   PSNR {row['psnr']:.2f} dB ({row['psnr_gain']:+.2f})")

# %% [markdown]
# Here are both runs at the same epoch, with everything that you have seen so far in one figure. (The second run's epoch 0 is the first run's epoch 16.)

# %%
both = {"content": content, "adversarial": adversarial}
shown = (0, 6, 12)
widgets.slider([figures.pixels(compare.panel(both, epoch, BRANCHES, (8, 0, 40))) for epoch in shown], shown, start=2, kilobytes=190,
               alt="Picture, detail, residual, spectrum and radial power of two runs at the same epoch, and below the PSNR of both with a cursor")

# %% [markdown]
# Pull the line to compare *any two* epochs of either run. Change the runs and epochs in the last line of the cell, and run it again:

# %%
def swipe_epochs(left, left_epoch, right, right_epoch, photo=FIR):
    return widgets.swipe(both[left].picture(left_epoch, photo), both[right].picture(right_epoch, photo),
                         labels=(f"{left}, epoch {left_epoch}", f"{right}, epoch {right_epoch}"), zoom=3, kilobytes=60,
                         alt=f"A held-out crop: left of the line after epoch {left_epoch} of the run {left}, right of it after epoch {right_epoch} of {right}")


swipe_epochs("content", 16, "adversarial", 6)

# %% [markdown]
# PSNR falls by 1 to 3 dB and swings from epoch to epoch, whereas that of the content run rose almost steadily.
# The critic changes all the time, so the generator follows a moving target, and what pleases the critic is not always what is in the sharp photograph.
# Nor do a few hundred steps make the picture look much more natural: its detail jumps between smooth and rough. (Lesson 09 measures this: by the statistics of VGG16's features, the last epoch is a little closer to sharp photographs.) Never judge such a run by its last epoch alone.

# %% [markdown]
# ### A longer run, a harder blur
#
# Both runs took minutes and met only one blur. The course also includes the report's full generator, `level4_report`, with 11,399,171 parameters, trained without a critic on a blur like GoPro's (level 4).
# A step of the full network takes more than ten times as long as one at a quarter of the width, so the network was grown in stages, in two hours on two processor cores. The stages are in `data/pretrained/level4_report`, each with its command, its history and eight held-out crops:
#
# | Stage | Width | Blur |
# |---|---|---|
# | `first` | 16, a quarter of the report's | straight motion in any direction (level 2) |
# | `second` | 16 | a moving camera (level 4) |
# | `third` | 32 | the same |
# | `fourth` | 64, the report's | the same |
# | the last | 64 | the same, but two in five pairs are sharp or merely enlarged photographs (the setting `unmoved`; one in seven before) |
#
# When it grows, every channel is doubled, and the weights that read it are split between the two copies. So the wider network starts by computing exactly what the narrow one did (`variants.widen`).
#
# **Predict.** The content run gained 4.8 dB in 16 epochs of 60 steps. What will more than 25 times as much computation gain at level 4?

# %%
names = ["second", "third", "fourth", ""]
stages = [runs.Run(photos.DATA / "pretrained" / "level4_report" / name) for name in names]
figure, axis = plt.subplots(figsize=(6.4, 2.8))
before = 0
for stage, label in zip(stages, ["width 16", "width 32", "width 64", "width 64, the last"]):
    steps = np.array([row["step"] for row in stage.history])
    axis.plot(before + steps, [row["psnr_gain"] for row in stage.history], "o-", markersize=3, label=label)
    before += steps[-1]
axis.set(xlabel="steps at level 4", ylabel="gain (dB)", ylim=(0, None))
axis.legend(loc="lower left", ncols=2)
figures.show(figure, alt="Gain in PSNR over the steps at level 4: at width 16 it rises with much jitter from 0.2 to almost 0.3 dB, width 32 falls below 0.1 dB once and comes back, width 64 starts just below 0.3 and ends at 0.25; in the last stage it jumps between 0.15 and 0.32 and ends where it began")

# %%
seconds = [stage.history[-1]["seconds"] / stage.history[-1]["step"] for stage in stages]
print("a step at full width takes more than ten times as long as one at a quarter:", seconds[2] > 10 * seconds[0])
starts, ends = ([stage.history[i]["psnr_gain"] for stage in stages] for i in (0, -1))
print("gain at the start and the end of each stage:", ", ".join(f"{a:+.2f} to {b:+.2f} dB" for a, b in zip(starts, ends)))

# %% [markdown]
# Training at level 2 alone had already given 0.18 dB. Most of the steps were made at a quarter of the width. What the wider networks add is no more than the jitter from epoch to epoch.
# In the end the gain is a quarter of a decibel, almost twenty times less than at level 1. But a mean of eight crops hides something. Here is each crop on its own, before and after the last stage:

# %%
last = stages[-1]
end = len(last.history) - 1
blurred, *outputs = ([evaluation.psnr(last.picture("sharp", crop), last.picture(which, crop)) for crop in range(8)] for which in ("blurred", 0, end))
figure, axis = plt.subplots(figsize=(6.4, 2.8))
for scores, marker, label in zip(outputs, "so", ("before", "after the last stage")):
    axis.plot(blurred, np.subtract(scores, blurred), marker, fillstyle="full" if marker == "o" else "none", label=label)
axis.legend()
axis.axhline(0, color="gray", linewidth=0.8)
axis.set(xlabel="PSNR of the blurred crop (dB)", ylabel="gain (dB)")
figures.show(figure, alt="Gain of each crop over the PSNR of its blurred version: 0.5 to 0.9 dB for the three most blurred, a little less after the last stage than before, about 0 for the others; the three least blurred lose up to 0.14 dB before it and 0.06 after")

# %%
RAILING = 7
states = [(stages[0], 0), (stages[0], 4), (stages[0], 8), (stages[0], 12), (stages[1], 5), (last, end)]
widgets.slider([row_of([last.picture("blurred", RAILING), run.picture(epoch, RAILING), last.picture("sharp", RAILING)]) for run, epoch in states],
               ["16, epoch 0", "16, epoch 4", "16, epoch 8", "16, epoch 12", "32", "64"], name="width", start=len(states) - 1, kilobytes=150,
               alt="A railing and a dog: blurred on the left, sharp on the right, between them after training: in every state the rails' edges "
                   "are only a little narrower than on the left")

# %% [markdown]
# From the left: blurred, the output, sharp. The slider shows six states of the training: width 16 after 0, 4, 8 and 12 epochs at level 4, then width 32 and width 64, each at its end.
# The first state has learned only level 2, straight motion. Such a motion blurred the railing, which has therefore already gained 1.1 dB; training at level 4 costs some of it again. The two most blurred crops gain 0.4 and 0.6 dB at level 4.
# The grain of the wood does not come back. Crops that are hardly blurred lose less than 0.1 dB, and that is an achievement: a network that knows only level 1 harms them (lesson 09). The last stage was made
# for them: in two in five of its pairs nothing had moved. The blurred crops pay for it with a tenth of a decibel.

# %% [markdown]
# ### Why so little?
#
# Is the network too small, or the blur too hard? The course stores the gains of short runs, each with one thing changed (`make tables ARGS=choices`). They have the report's layers at a quarter of the width (one at half), and learn from the same photographs.
# **Predict, then run:** from 2,400 patches under *one* known motion, level 1, such a network gains 2.3 dB. How much does it gain from 2,400 patches whose motions have any direction and length, level 2? And at twice the width?

# %%
with open(photos.DATA / "tables" / "choices.csv", encoding="utf-8") as file:
    short = {row["choice"]: row for row in csv.DictReader(file)}
labels = {"level 1": "level 1, one known motion", "base": "level 2, any direction and length", "another seed": "the same with another seed",
          "width 32, as many steps": "the same at twice the width", "level 2, twice the steps": "the same from twice as many patches",
          "level 2 after level 1": "half of them from level 1, then level 2", "level 4, twice the steps": "level 4 from twice as many patches"}
gains = {choice: float(short[choice]["psnr_gain"]) for choice in labels}
for choice, label in labels.items():
    print(f"{label:40} {gains[choice]:+.2f} dB")
print("a known motion brings more than ten times as much as unknown ones:", gains["level 1"] > 10 * gains["base"])
print("twice the width changes less than 0.1 dB:", abs(gains["width 32, as many steps"] - gains["base"]) < 0.1)

# %% [markdown]
# Another [seed](glossary.md) alone changes the gain by 0.06 dB. So the only difference beyond doubt is that between 2.3 and the others. Twice the width or a start from level 1 may help or harm a little; more seeds would tell.
#
# One motion has one inverse, and filters for it are learned in minutes. Where the motion is unknown, the network must estimate it from the photograph *and* have an inverse for every motion it may find.
# Either skill alone gains little: a network that already undoes one motion finds level 2 no easier. So learning starts slowly. That is the price of *blind* deblurring, and why `kernel`, the best method of lesson 09 that isn't told the blur, separates the two tasks.
# Learning every direction and length at once takes far more than two hours on a laptop.

# %% [markdown]
# ### And with an adversary?
#
# Each of these four runs made 250 steps from where the fourth stage ended, the first with the perceptual loss alone, the others with a critic as well. In the first three the content loss has weight 100, in the last 0.1.
# **Predict, then run:** which of them ends above where it began?

# %%
tried = {name: runs.Run(last.folder / "then" / name) for name in ("content", "report", "wgan-gp", "wgan-gp_0.1")}
labels = {"content": "perceptual loss alone", "report": "and the report's critic, 100 : 1", "wgan-gp": "and a linear critic, 100 : 1",
          "wgan-gp_0.1": "and a linear critic, 0.1 : 1"}
print(f"{'before':34} {stages[2].history[-1]['psnr_gain']:+.3f} dB over the blurred crops")
for name, label in labels.items():
    print(f"{label:34} {tried[name].history[-1]['psnr_gain']:+.3f} dB")
ends = [tried[name].history[-1]["psnr_gain"] for name in ("content", "report", "wgan-gp")]
print("with the critic or without, the first three end alike to 0.001 dB:", max(ends) - min(ends) < 0.001)

# %%
heard = tried["wgan-gp_0.1"]
shown = range(len(heard.history))
widgets.slider([row_of([heard.picture("blurred", RAILING), heard.picture(epoch, RAILING), heard.picture("sharp", RAILING)]) for epoch in shown],
               [f"{row['step']:.0f}" for row in heard.history], name="steps", start=2, kilobytes=150,
               alt="A railing and a dog: blurred on the left, sharp on the right, between them the output: crisp, with gaps too dark, after 100 steps, and with violet fringes after 250")

# %%
print("gain after 0, 50, 100 … steps:", ", ".join(f"{row['psnr_gain']:+.1f}" for row in heard.history), "dB")

# %% [markdown]
# None. Three lose more than half of the small gain, and the last one ends far below the blurred crops. The perceptual loss costs some PSNR, because it asks for something else. At 100 : 1 it pulls so much harder that the critic goes unheard (lesson 06).
# At 0.1 : 1 the critic is heard. After 100 steps the railing looks almost as crisp as the sharp photograph: hard edges, deep gaps. But the gaps are too dark, and the mean PSNR of the crops is 2.7 dB below that of the blurred ones. In the end violet fringes appear.
# A critic asks only whether a picture *could* be a sharp photograph, not whether it is *this* one. Where the blur has left the answer open, that is an invitation to invent; lesson 09 has more on this.

# %% [markdown]
# ## 6. Your own run (5 minutes)
#
# If you have trained in lesson 07 (one epoch is enough), that run lies in the folder `runs` beside your notebooks, and the next cell finds it. If not, the cell trains a short run, in less than a minute.

# %% tags=["nbval-ignore-output"]
from course_lib import training

size = os.environ.get("COURSE_SIZE", "laptop")
keep = Path("runs" if Path.cwd().name == "my_work" else tempfile.mkdtemp())
folder = keep / f"level1_{size}"                            # lesson 07's
if not (folder / "epochs" / "0001.npz").exists():            # it has no finished epoch
    folder = keep / f"short_{size}"
    settings = runs.SIZES["smoke"] if size == "smoke" else runs.SIZES["laptop"].changed(epochs=6, steps=40, batch=8, held_out=4)
    training.train(folder, settings, resume=True, report=widgets.TrainingView())
own = runs.Run(folder)

# %% tags=["size-dependent"]
gains = [row["psnr_gain"] for row in own.history]
print("the last epoch beats the first by more than 0.2 dB:", gains[-1] - gains[1] > 0.2)

# %% tags=["nbval-ignore-output"]
side = own.picture("sharp", 0).shape[0]
last = len(own.history) - 1
own_epochs = sorted({round(last * part / 4) for part in range(5)})          # five at most, the first and the last among them
widgets.slider([figures.pixels(compare.panel({"": own}, epoch, 0, (side // 4, side // 4, side // 4))) for epoch in own_epochs],
               own_epochs, start=len(own_epochs) - 1, kilobytes=170,
               alt="Picture, detail, residual, spectrum and radial power of your own run, and its PSNR with a cursor")

# %% [markdown]
# **Predict, then move the slider.** Which part of the spectrum will your run fill in first? Compare with section 3.
#
# You can put any other run in its place: `own = runs.Run("runs/NAME")` opens what `deblur-course train --run runs/NAME` has trained, finished or not.

# %% [markdown]
# ## 7. Four artefacts, on purpose (12 minutes)
#
# An [artefact](glossary.md) is something in the picture that was neither in the scene nor in the blur: the method put it there. Four are common. You will make each of them here, to recognise it later.
#
# ### Checkerboard
#
# To enlarge an image inside a network, one can use a *[transposed convolution](glossary.md)*: every input pixel writes to K×K output pixels, and the squares of neighbouring pixels lie `stride` pixels apart. Where squares overlap, they are added.
# Count how often each output pixel is written to. If K isn't a multiple of the stride, some are written to more often than others (Odena, Dumoulin and Olah 2016, [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003)).

# %%
def transposed(image, k):
    """Transposed convolution with stride 2 and k×k equal weights; brightness is kept on average."""
    spread = np.zeros((2 * image.shape[0], 2 * image.shape[1], 3))
    spread[::2, ::2] = image
    written = sum(np.roll(spread, (down, right), axis=(0, 1)) for down in range(k) for right in range(k))
    return 4 / k**2 * written


def to_picture(values):
    return np.uint8(np.clip(np.rint(values), 0, 255))


dog = content.picture("sharp", DOG)
half = dog.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))           # what a network has before it enlarges


def checkerboard_figure(K):
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.1), width_ratios=[1, 1.2, 1.2])
    counts = np.rint(transposed(np.ones((8, 8, 3)), K)[4:10, 4:10, 0] * K**2 / 4)
    axes[0].imshow(counts, cmap="Blues", vmin=0, vmax=counts.max() * 1.6)
    for (row, column), count in np.ndenumerate(counts):
        axes[0].text(column, row, f"{count:.0f}", ha="center", va="center")
    axes[0].set_title("times written to")
    enlarged = to_picture(transposed(half, K))
    axes[1].imshow(enlarged[32:96, 0:64], interpolation="nearest")
    axes[1].set_title("enlarged (detail)")
    axes[2].imshow(compare.spectrum_picture(enlarged), cmap="gray", vmin=0, vmax=255)
    axes[2].set_title("spectrum")
    for axis in axes:
        axis.axis("off")
    return figures.pixels(figure)


widgets.explore(checkerboard_figure, {"K": [2, 3, 4, 5]}, start={"K": 3}, kilobytes=125,
                alt="How often each output pixel is written to, an enlarged photograph, and its spectrum; "
                    "for K = 3 and 5 a checkerboard covers the photograph and a bright point lies in the middle of each of the spectrum's edges; "
                    "for K = 2 and 4 there are only faint clouds")

# %% [markdown]
# With K = 3, the pixels of one row are written to once and twice in turn. In two dimensions these counts multiply: of four neighbouring pixels one is written to once, two twice and one four times. The picture gets a pattern of period 2, and the spectrum gets bright points at its edges, at the frequency 1/2.
# With K = 2 or 4, all pixels are treated alike: the faint clouds at the edges are copies of the spectrum of the small image, but the point in their middle is missing. With K = 5 the counts in a row are 2 and 3, so 4, 6 and 9 in the picture: the pattern is fainter. Two such layers in a row give a pattern of period 4, with points halfway to the edge as well.
#
# A network could learn weights that compensate for this, but nothing in its structure helps, and often it doesn't. The report's generator enlarges by repeating pixels and then convolving (lesson 04), the cure that Odena et al. propose.
#
# ### Ringing
#
# Wiener deconvolution (lesson 02) needs the point spread function. Give it a motion of the wrong length. From the left: the result, its residual and its spectrum. (Photograph: US Department of Agriculture, public domain.)

# %%
citrus = photos.load("citrus")[300:684, 500:884]
window = (slice(128, 256), slice(128, 256))                     # away from the border
soft = blur.convolve(citrus, blur.linear_psf(11, 45))


def deconvolved(length):
    restored = classical.wiener(soft, blur.linear_psf(length, 45), 0.003)[window]
    spectrum = np.stack([compare.spectrum_picture(restored)] * 3, axis=-1)
    return row_of([restored, compare.signed_picture(compare.residual(citrus[window], restored)), spectrum])


lengths = [7, 9, 11, 13, 15]
widgets.slider([deconvolved(length) for length in lengths], lengths, name="length", start=1, zoom=1.5, kilobytes=125,
                alt="Slices of citrus fruit, deconvolved, with residual and spectrum; at the true length 11 faint waves, at wrong lengths "
                    "strong waves parallel to every edge")

# %% [markdown]
# The true length is 11. At any other length, every edge is accompanied by waves that fade with distance: *[ringing](glossary.md)*. The method divides the photograph's spectrum by that of the *assumed* motion. Where the assumed spectrum is nearly zero
# but the true one is not, this multiplies by a large number. A few frequencies become far too strong: bright lines in the spectrum. And a single strong frequency is a wave.
# Even the right length leaves a little ringing, because near the zeros there is hardly anything left to amplify.
# Networks, too, produce ringing when they meet a blur that they were not trained on (lesson 00, section 2).

# %%
def psnr_of(length):
    return evaluation.psnr(citrus[window], classical.wiener(soft, blur.linear_psf(length, 45), 0.003)[window])


print("the true length is better than all wrong ones, by more than 3 dB:",
      psnr_of(11) > 3 + max(psnr_of(length) for length in (7, 9, 13, 15)))

# %% [markdown]
# ### Colour shift
#
# Take a loss that looks at edges only, say the mean absolute difference between the *slopes* of the two pictures. It sounds sensible for deblurring.
# **Predict, then run.** What does it say about a sharp picture in the wrong colour?

# %%
def slope_loss(sharp, image):
    """Mean absolute difference of the steps from each pixel to the next, down and to the right."""
    difference = compare.residual(sharp, image)
    return np.abs(np.diff(difference, axis=0)).mean() + np.abs(np.diff(difference, axis=1)).mean()


sharp = content.picture("sharp", FIR)
tinted = to_picture(np.clip(sharp.astype(float), 30, 225) + (24, 0, -24))
pictures = {"sharp": sharp, "deblurred, epoch 16": content.picture(16, FIR), "sharp, in a wrong colour": tinted}
for name, picture in pictures.items():
    print(f"{name:25} slope loss {slope_loss(sharp, picture):5.2f}   PSNR {min(evaluation.psnr(sharp, picture), 99):5.2f} dB   "
          f"mean residual {np.round(compare.residual(sharp, picture).mean(axis=(0, 1))) + 0.0}")
figures.images({name: picture[32:] for name, picture in pictures.items()}, zoom=1.5,
               alt="The fir tree: sharp, deblurred, and sharp with a reddish tint")

# %% [markdown]
# The loss is blind to what all pixels have in common. It prefers the tinted picture by far, so a network trained with it could let its colours drift. Critics and feature losses can be blind in this way, too; the cure is to add some plain content loss.
# The spectrum doesn't show the shift (our `compare.power` leaves the mean out on purpose), nor does the eye see it without a comparison. The *mean of the residual* does.
#
# A second cause is [batch normalisation](glossary.md). In training it uses the mean and variance of the *batch*; in use, running averages. Forget to switch, and every picture is shifted and scaled by its own statistics:

# %%
from course_lib import restoration

generator = restoration.load(content.folder)                # its last epoch
mistaken = {}
for name, photo in (("fir tree", FIR), ("dog", DOG)):
    blurred = photos.to_network(content.picture("blurred", photo)[None])
    for training_mode in (False, True):
        output = photos.to_image(generator(blurred, training=training_mode)[0])
        mistaken[f"{name}, " + ("as in training" if training_mode else "as in use")] = output[32:]
        difference = compare.residual(content.picture("sharp", photo), output)
        print(f"{name:9} training={training_mode!s:6} mean residual {difference.mean():+5.1f}   PSNR {evaluation.psnr(content.picture('sharp', photo), output):.1f} dB")
figures.images(mistaken, zoom=1.5, alt="Fir tree and dog, deblurred in both modes; with training=True too dark and with exaggerated edges")

# %% [markdown]
# (In section 2 the fir tree scored a few tenths more: there the network was given the crop itself, here its stored, compressed picture. Both modes get the same input.)
#
# With the statistics of one picture, the output is darker and its contrast exaggerated. Whenever a picture changes with *what else is in the batch*, think of this.
#
# ### Hallucinated texture
#
# The next run differs from the adversarial one of section 5 in a single number: its content loss has weight 4 instead of 10.

# %%
little = runs.Run(photos.DATA / "runs" / "little_content")
print("content weight:", adversarial.settings.content_weight, "and", little.settings.content_weight)
figures.images(
    {"content, epoch 16": content.picture(16, BRANCHES)[:96], "10 : 1, epoch 12": adversarial.picture(12, BRANCHES)[:96],
     "4 : 1, epoch 12": little.picture(12, BRANCHES)[:96], "sharp": content.picture("sharp", BRANCHES)[:96]},
    zoom=1.6, alt="Branches: smooth after content loss alone, rougher with an adversarial loss; with too little content loss "
                  "thick dark bars that the sharp photograph doesn't have")

# %% [markdown]
# The last run has put rows of dark bars among the twigs. They look like *something*, and they are not in the photograph. An adversarial loss asks for what sharp photographs have in general; only the content loss asks for what *this* one has.
# Give the content loss too little weight, and the generator invents. This is called [hallucination](glossary.md), and no critic will complain about a good one.
#
# How could you detect it without the sharp photograph? If it is done well, you can't: that is the danger, and lesson 09 comes back to it. With the sharp photograph, the residual shows it, and often the spectrum does, too:

# %%
bands = ((0.03, 0.09), (0.09, 0.15), (0.15, 0.25))
for name, run, epoch in (("content", content, 16), ("10 : 1", adversarial, 12), ("4 : 1", little, 12)):
    picture = run.picture(epoch, BRANCHES)
    share = compare.radial_power(picture)[1] / sharp_power
    means = [share[(frequency >= low) & (frequency <= high)].mean() for low, high in bands]
    print(f"{name:8} PSNR {evaluation.psnr(content.picture('sharp', BRANCHES), picture):.1f} dB   share of the sharp picture's power:  " +
          "   ".join(f"{low}–{high}: {mean:4.0%}" for (low, high), mean in zip(bands, means)))

# %% [markdown]
# | Artefact | In the picture | In the spectrum | In the residual | Cause |
# |---|---|---|---|---|
# | checkerboard | regular dots, period 2 or 4 | points at 1/2 or 1/4 on both axes | the same dots | uneven overlap in transposed convolutions |
# | ringing | waves beside every edge | bright lines | stripes along edges, both signs | wrong blur assumed; division near zero |
# | colour shift | nothing, without a comparison | nothing | its mean isn't 0 | a loss blind to the mean; statistics of batch normalisation |
# | hallucination | plausible detail | more power than the sharp picture | structure that the photograph doesn't have | adversarial loss with too little content loss |

# %% [markdown]
# ## 8. Reading curves (6 minutes)
#
# Artefacts tell you what is wrong with a picture, curves what is wrong with its training.
#
# ### Overfitting
#
# This run had eight crops of 64×64 pixels, blurred at level 2, and nothing else to learn from, for 16 epochs of 25 steps. PSNR was measured on eight crops of other photographs and, in a second, identical run, on the training crops themselves.

# %%
held_out = runs.Run(photos.DATA / "runs" / "few_photographs")
on_training = runs.Run(photos.DATA / "runs" / "few_photographs_seen")
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3))
left.plot([row["epoch"] for row in held_out.history[1:]], [row["content"] for row in held_out.history[1:]], "o-", markersize=3)
left.set(title="content loss, in training", xlabel="epoch")
for run, name in ((on_training, "training crops"), (held_out, "held-out crops")):
    right.plot([row["epoch"] for row in run.history], [row["psnr_gain"] for row in run.history], "o-", markersize=3, label=name)
right.axhline(0, color="0.4", linewidth=1, linestyle="--")
right.set(title="PSNR gained (dB)", xlabel="epoch")
right.legend()
for axis in (left, right):
    axis.set_xticks(range(0, 17, 4))
figures.show(figure, alt="The training loss falls steadily. The PSNR of the training crops rises, that of the held-out crops falls")

# %% [markdown]
# The training loss alone looks like a success. But the two PSNR curves part: the network learns its eight crops by heart, and on others it soon does harm.
# This is *[overfitting](glossary.md)*. The gap is the symptom; the cures are more photographs, a smaller network, or stopping early. By the rule of exercise 3, this run would go back to epoch 0.
# Overfitting is why the content run of section 1 draws new crops all the time, and why every score in this course comes from photographs that training never sees.
#
# ### A critic too strong, too weak
#
# In the minimax game (lesson 01), a critic that can't tell real from fake answers 1/2 to everything. Then its loss, $-\log D(x) - \log(1 - D(G(y)))$ for a sharp photograph $x$ and a blurred one $y$, is $2 \log 2 \approx 1.39$. A critic that is always right and sure has loss 0, and then
# the generator's minimax loss $\log(1 - D(G(y)))$ is nearly 0 and flat: no slope to descend (lesson 05, section 6).
#
# **Predict, then run.** In one of these two runs the critic makes 20 steps for each of the generator's, in the other a single small one. Which is which, and which critic helps its generator?

# %%
strong, weak = (runs.Run(photos.DATA / "runs" / name) for name in ("strong_critic", "weak_critic"))
figure, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharey=True)
for axis, run, name in zip(axes, (strong, weak), ("run A", "run B")):
    rows = run.history[1:]
    axis.plot([row["epoch"] for row in rows], [row["critic"] for row in rows], "o-", markersize=4, label="critic")
    axis.plot([row["epoch"] for row in rows], [row["adversarial"] for row in rows], "s-", markersize=4, label="adversarial")
    axis.axhline(2 * np.log(2), color="0.4", linewidth=1, linestyle="--")
    axis.set(title=name, xlabel="epoch")
axes[0].set_ylabel("loss")
axes[0].annotate("2 log 2 ≈ 1.39", (1, 2 * np.log(2)), (0, -4), textcoords="offset points", va="top", color="0.3")
axes[0].legend()
figures.show(figure, alt="Losses of two runs; a dashed line marks 1.39. In run A both losses are near 0; in run B the critic's stays at 1.39")

# %%
for name, run in (("A", strong), ("B", weak)):
    print(f"run {name}: {run.settings.objective}, steps of the critic for each of the generator: {run.settings.critic_steps}, "
          f"learning rate {run.settings.learning_rate:g}")
    print(f"       critic loss at the end {run.history[-1]['critic']:.2f}, adversarial loss {run.history[-1]['adversarial']:.2f}")

# %% [markdown]
# Neither helps. (Mind the adversarial curves: run A uses the minimax loss, $\log(1 - D)$, which is 0 where the critic is sure; run B the non-saturating loss, $-\log D$, which is $\log 2 \approx 0.69$ where it can't tell. Compare each with its own mark.) In run A the critic is always right, and the generator learns nothing from it: the adversarial loss stays near 0 whatever the generator does. (Its PSNR still rises, thanks to the content loss.) In run B the critic knows hardly anything that it could teach.
# A useful critic is ahead, but not by much: its loss lies visibly below 1.39 and moves. In healthy adversarial training the losses don't fall; they keep each other in balance. So they can't tell you which epoch is best: PSNR, pictures, residuals and spectra have to.
#
# | Curve | What it means | What to do |
# |---|---|---|
# | training loss falls, held-out PSNR falls | overfitting | more photographs; stop early |
# | critic's loss at 0, adversarial loss flat | critic too strong | fewer critic steps; non-saturating or Wasserstein loss |
# | critic's loss at 2 log 2 | critic too weak (or the fakes are perfect) | more critic steps, a larger critic |
# | PSNR swings from epoch to epoch | moving target | smaller learning rate; more content loss |
# | a loss becomes *nan* | steps too large | smaller learning rate |
#
# (A Wasserstein loss has other marks: a critic that is too weak has loss 0, and none is "too strong" as long as the gradient penalty works, which is the point of that loss.)

# %% [markdown]
# ### Think: which epoch? (1 point)
#
# Look again at `little_content`, for example at the branches after epoch 12 and at its history. A colleague wants to ship its last epoch "because it has the most detail".
# Name one measurement or picture from this lesson that speaks against it, and say how you would choose an epoch for (a) a photo album, (b) reading licence plates for the police. Three or four sentences.

# %% [markdown] nbgrader={"grade_id": "think-epoch", "grade": true, "solution": true, "points": 1}
# ### BEGIN SOLUTION
# The residual and the sharp photograph show that the bars among the branches are not there: the detail is invented. Its PSNR is over 2 dB below that of the content run, and its power in the middle band exceeds that of the sharp picture.
# For (a) I would choose by eye among the epochs whose PSNR is near the best, since a pleasant texture does no harm. For (b) invented detail can turn one letter into another, so I would take the epoch with the smallest error on held-out
# photographs of that kind, from the run with content loss alone, and show the blurred input beside it.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# - Half a point: a measurement that needs the sharp photograph or compares with it (residual, PSNR against the other run, power above that of the sharp picture). "It looks odd" alone: nothing.
# - Half a point: different criteria for (a) and (b), with the reason that in (b) invented detail misleads.
# ### END MARK SCHEME

# %% [markdown]
# ## 9. Challenge: find the checkerboard (6 minutes)
#
# A training server holds a thousand runs, and nobody looks at all the pictures. Write a program that finds checkerboards.
#
# ### Exercise 4: which period? (2 points)
#
# `image` is N×N pixels, uint8, N a multiple of 4. Return 4 or 2 if a checkerboard of that period lies over it, else 0. No sharp picture is given.
#
# - A pattern of period p has a peak at N / p cycles per picture on *both* axes: in `compare.power(image)` at `[N // p, 0]` and at `[0, N // p]`. A pattern of period 4 usually has one at period 2, too.
# - A photograph has power everywhere. A *peak* is power that exceeds 100 times the median of the 9×9 entries around it (indices wrap around: `np.arange(row - 4, row + 5) % N`). In photographs without a pattern it stays below 20 times the median.
# - Stripes in one direction, grids of another period, and noise are not checkerboards.

# %% nbgrader={"grade_id": "find-period", "solution": true}
def find_period(image):
    """Period of the checkerboard over a picture: 4, 2, or 0 if there is none."""
    ### BEGIN SOLUTION: look for peaks at both axes, first at period 4, then at 2
    power = compare.power(image)
    n = len(power)

    def is_peak(row, column):
        around = power[np.ix_(np.arange(row - 4, row + 5) % n, np.arange(column - 4, column + 5) % n)]
        return power[row, column] > 100 * np.median(around)

    for period in (4, 2):
        if is_peak(n // period, 0) and is_peak(0, n // period):
            return period
    return 0
    ### END SOLUTION


# %% nbgrader={"grade_id": "find-period-test", "grade": true, "points": 2}
lesson_08.check_find_period(find_period)
### BEGIN HIDDEN TESTS
lesson_08.check_find_period(find_period, seed=84)
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# - Compare epochs on the same held-out crops: the picture, its enlarged detail, the signed residual, the spectrum, the curves.
# - The residual shows where a picture is wrong; the mean of its squares gives PSNR, its plain mean reveals a colour shift that nothing else shows.
# - The spectrum shows which detail is there. This network restores it from coarse to fine; what blur erased stays dark, or is invented.
# - Early stopping goes back to the best epoch once a given number of epochs have failed to beat it.
# - Checkerboards come from uneven overlap, ringing from dividing by the wrong blur, colour shifts from losses and layers that ignore the mean, hallucinations from an adversarial loss with too little content loss.
# - A falling training loss proves nothing. A gap between training and held-out PSNR is overfitting; a critic's loss at 0 or at 2 log 2 means that it can't teach.
#
# [← previous: Training](07_training.ipynb) · [Glossary](glossary.md) · [next: Evaluation →](09_evaluation.ipynb)
