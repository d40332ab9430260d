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
# # 10 · Reading the report
#
# You have built the report's networks, trained them and scored photographs. Now you sit on the other side of the desk: the report is handed to you for review.
# For every claim the question is the same: *what would show it?* Then a cell shows it, or doesn't.
#
# **You will be able to**
# - turn a sentence of a report into a check, and a check into a verdict;
# - tell a claim that is wrong from one that nobody can decide, because a setting is missing;
# - estimate from the network alone how long its training must have taken;
# - say what maximum, minimum and mean reveal about the number of photographs behind them;
# - show that a PSNR and an SSIM together don't reveal how they came about, and write the protocol that would;
# - rewrite a method section so that somebody else could repeat the work.
#
# **You need** lessons 03 to 05 (counting, both networks), 06 (losses) and 09 (PSNR and SSIM). Lesson 07 helps.
#
# **Time** about 81 minutes, and more for the project at the end.

# %%
from collections import Counter

import cv2
import matplotlib.pyplot as plt
import numpy as np
from skimage.metrics import structural_similarity

from course_lib import audit, blur, evaluation, figures, losses, networks, parameters, photos, report, restoration, runs
from course_lib import variants, widgets
from course_lib.backend import keras
from course_lib.checks import lesson_10

layers = keras.layers

# %% [markdown]
# ## 1. A verdict on a sentence (5 minutes)
#
# A reviewer's worksheet has one line for each claim: where it stands, what the claim is, the evidence, and a verdict. Three verdicts are enough:
#
# - **supported**: the check agrees with the claim;
# - **not supported**: the check contradicts it;
# - **cannot be decided**: the answer depends on something that the report doesn't say.
#
# The third is the most useful one, and it can be computed. A sentence that leaves something open has several *readings*. Check each of them. If all agree, the open point doesn't matter.
# If they disagree, only the author knows.
#
# Here is the first line as an example. Section 2 says "30 layers". Count them in the networks of lessons 04 and 05.

# %%
generator, discriminator = networks.generator(), networks.discriminator()
both = generator.layers + discriminator.layers
convolutions = sum(isinstance(layer, layers.Conv2D) for layer in both)
dense = sum(isinstance(layer, layers.Dense) for layer in both)
with_weights = sum(layer.count_params() > 0 for layer in both)

sheet = audit.Worksheet()
sheet.add("Section 2, Table 1", "30 layers in total",
          {"convolutions": convolutions == 30, "convolutions and dense layers": convolutions + dense == 30,
           "all layers with parameters": with_weights == 30},
          evidence=f"{convolutions} convolutions, {dense} dense layers, {with_weights} layers with parameters")

# %% [markdown]
# The claim is right if *layer* means convolution, and wrong otherwise; the report doesn't say which. Nobody typed the verdict: the cell computed it from the three answers.
#
# ### Exercise 1: the verdict (1 point)
#
# `readings` is a dictionary from the name of a reading to `True` or `False`. Return one of the three strings. A claim without any reading cannot be decided.

# %% nbgrader={"grade_id": "verdict", "solution": true}
def verdict(readings):
    """"supported", "not supported" or "cannot be decided", for {reading: holds}."""
    ### BEGIN SOLUTION: return one of the three strings, depending on whether all, none or some of the readings hold
    holds = list(readings.values())
    if holds and all(holds):
        return "supported"
    if holds and not any(holds):
        return "not supported"
    return "cannot be decided"
    ### END SOLUTION


# %% nbgrader={"grade_id": "verdict-test", "grade": true, "points": 1}
lesson_10.check_verdict(verdict)
### BEGIN HIDDEN TESTS
lesson_10.check_verdict(verdict, seed=101)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. What the tables count (4 minutes)
#
# Tables 1 to 3 are the strongest part of the report: most of their numbers can be recounted to the last digit. Equation (2) says how: $C_{out} \times (C_{in} \times K^2 + 1)$.
#
# **Predict, then run.** Does equation (2) give the rows of Tables 2 and 3? And the totals in Table 1, of which the report says that they "can be calculated via the formula below"?

# %%
rows = report.TABLE_2.rows + report.TABLE_3.rows
fitting = sum(parameters.conv2d(row.c_in, row.c_out, row.k) == row.parameters for row in rows)
sheet.add("Tables 2 and 3", "each row's parameters follow from equation (2)", {"all rows": fitting == len(rows)},
          evidence=f"{fitting} of {len(rows)} rows")

# %%
gaps = {table.network: table.total - sum(row.parameters for row in table.rows) for table in (report.TABLE_2, report.TABLE_3)}
sheet.add("Table 1", "the totals follow from equation (2)", {name: gap == 0 for name, gap in gaps.items()},
          evidence=", ".join(f"{name}: {gap:,} parameters more" for name, gap in gaps.items()))

# %%
normalised = {"Generator": report.TABLE_2.rows[:-1], "Discriminator": report.TABLE_3.rows[1:-1]}         # lessons 04 and 05
rest = {name: gaps[name] - sum(parameters.batch_normalisation(row.c_out) for row in rows) for name, rows in normalised.items()}
sheet.add("Table 1", "the generator has 11,399,171 parameters", {"convolutions and batch normalisation": rest["Generator"] == 0},
          evidence=f"our network has {generator.count_params():,}")

# %%
chosen = discriminator.count_params() == report.TABLE_1["Discriminator"]["parameters"]
sheet.add("Table 1", "the discriminator has 3,098,370 parameters",
          {"convolutions and batch normalisation": rest["Discriminator"] == 0, "and dense layers, chosen to fill the gap": chosen},
          evidence=f"{rest['Discriminator']:,} parameters are in layers that the report doesn't list")

# %% [markdown]
# So the formula beside the totals is incomplete. Batch normalisation (4 numbers for each channel) is counted in Table 1 but listed nowhere. With it, the generator's total can be recounted.
# The discriminator's can only be *explained*: lesson 05 chose a dense layer of 1,024 units because it gives this total. A network that was fitted to a number is no evidence for the number.
# For a report whose purpose is a "comprehensive discussion" of layers and parameters, that is worth a remark.

# %% [markdown]
# ## 3. What the networks are said to do (8 minutes)
#
# Section 2.1: "Each ResNet block contains a convolution layer, batch normalization layer and ReLU as activation layer. 9 ResNet block were used in total for upsampling of blurred image."
# What would show it? Put a tensor into a block and look at what comes out.

# %%
entering = keras.Input((64, 64, 256))
block = keras.Model(entering, networks.residual_block(entering))
inside = sum(isinstance(layer, layers.Conv2D) for layer in block.layers)
per_block = sum(row.c_in == row.c_out == 256 for row in report.TABLE_2.rows) / 9       # by the report's own table
sheet.add("Section 2.1", "a block contains a convolution layer",
          {"our block": inside == 1, "rows of Table 2 for each block": per_block == 1},
          evidence=f"{inside} in our block, {per_block:g} in Table 2")

# %%
doublings = [layer for layer in generator.layers if isinstance(layer, layers.UpSampling2D)]
sheet.add("Section 2.1", "9 blocks for upsampling", {"a block's output is larger than its input": block.output.shape[1] > 64},
          evidence=f"64×64 in, {block.output.shape[1]}×{block.output.shape[2]} out; {len(doublings)} other layers double the size")

# %% [markdown]
# Section 1 says of reference [3] that it uses a "dense neural network". *Dense* has two meanings here: a layer in which every output depends on every input (lesson 03), and a block whose layers get the outputs of all earlier ones (DenseNet, arXiv:1608.06993). The library has a network modelled on [3]:

# %%
multiscale = variants.multiscale()
title = "Deep multi-scale convolutional neural network for dynamic scene deblurring"     # as the report's list has it
dense_in_3 = sum(isinstance(layer, layers.Dense) for layer in multiscale.layers)
joining = [layer for layer in multiscale.layers if isinstance(layer, layers.Concatenate)]
sheet.add("Section 1", "[3] uses a dense neural network", {"its title": "dense" in title.lower(), "dense layers in it": dense_in_3 > 0,
           "DenseNet's blocks in it": any(len(layer.input) > 2 for layer in joining)},
          evidence=f"{dense_in_3} dense layers, {sum(isinstance(layer, layers.Conv2D) for layer in multiscale.layers)} convolutions "
                   "in our network after [3]")

# %% [markdown]
# Next, equation (1) and Figure 1: "The Generator takes random noise as input". Section 3.1 takes this back: "the input of Generator will intake the blur image directly instead of noise".
# If equation (1) were right, you would see it: a generator with noise gives different answers to the same photograph.

# %%
trained = restoration.load("level1")            # a small generator of the same layers, trained on one known blur
palace = photos.load("summer_palace")
blurred = blur.convolve(palace, blur.linear_psf(*blur.LEVEL_1))[30:286, 40:296]
answers = [restoration.deblur(blurred, trained) for _ in range(2)]
sheet.add("Equation (1), Figure 1", "the generator works on random noise z",
          {"it has an input besides the photograph": len(generator.inputs) > 1,
           "its answer changes from call to call": not np.array_equal(*answers)},
          evidence=f"{len(generator.inputs)} input of {generator.input_shape[-1]} channels; two calls differ in "
                   f"{np.count_nonzero(answers[0] != answers[1])} values")

# %% [markdown]
# The network is a [conditional GAN](glossary.md): blurred photograph $y$ in, estimate $G(y)$ out. Equation (1) should have read
#
# $$\min_G \max_D \; E_{x} \log D(x) + E_{y} \log (1 - D(G(y)))$$
#
# and, as lesson 01 shows, even this doesn't ask that $G(y)$ belong to $y$. The perceptual loss does. (A careful reviewer adds: dropout, which switches off random channels, would be
# noise too. It has no parameters, so no table can exclude it. If it was used, the report should have said so.)

# %% [markdown]
# ### A kernel that nobody estimates
#
# Section 3.3: "The model is capable of estimating the motion blur kernel and then using it to deblur the image." What would show it? At least one of these:
# a kernel among the outputs of the network; or a network that copes with blurs that it wasn't made for, because it finds out each time which blur it has been given.
#
# **Predict, then run.** Our small network was trained on one blur, 11 pixels at 45°. How much does it gain when the same 11 pixels point in another direction?

# %%
angles = range(0, 180, 15)
scene = palace[30:286, 40:296]
gains = []
for angle in angles:
    turned = blur.convolve(palace, blur.linear_psf(11, angle))[30:286, 40:296]
    gains.append(evaluation.psnr(scene, restoration.deblur(turned, trained)) - evaluation.psnr(scene, turned))

figure, axis = plt.subplots(figsize=(7, 3.2))
axis.bar(list(angles), gains, width=11, color=[figures.COLOURS["blue" if gain > 0 else "vermilion"] for gain in gains])
axis.axhline(0, color="0.3", linewidth=1)
axis.set(xlabel="direction of the motion (degrees)", ylabel="PSNR gained (dB)", xticks=list(angles),
         title="A network trained on 45 degrees")
figures.show(figure, alt="PSNR gained over the direction of the blur: positive only near 45 degrees, negative, "
                         "down to several decibels, for most other directions")

# %%
pictures = [output for output in generator.outputs if output.shape[-1] == 3]
sheet.add("Section 3.3", "the model estimates the blur kernel and uses it",
          {"an output besides the picture": len(generator.outputs) > len(pictures),
           "our trained network gains in every direction": min(gains) > 0},
          evidence=f"{len(generator.outputs)} output, the picture; gains in {sum(gain > 0 for gain in gains)} of {len(gains)} directions")

# %% [markdown]
# The network undoes *its* blur, whatever it is given. That shows that such layers need not estimate anything, but it says little about the report's network, which saw many blurs. There the first reading decides. A network trained on many blurs does better, but still maps pictures to pictures: what it may know of the kernel is hidden in its channels,
# and the report shows no experiment that looks for it. All that can be said is that the network learns to map blurred patches to sharp ones.

# %% [markdown]
# ### A Wasserstein loss with a sigmoid
#
# Section 2.3.2 says that the "wasserstein loss was calculated", and Section 2.2 that the discriminator ends in a sigmoid. The Wasserstein distance (lesson 06) says how far one distribution has to be moved to become another.
# What would show that a loss measures it? Two distributions at a known distance $d$. The loss should say $d$.
#
# In one dimension this takes a few lines of code. The critic is a sigmoid of any steepness; at each distance the best one is taken.

# %%
def best_sigmoid(distance, steepest):
    """Largest mean difference of a sigmoid critic's answers for two clouds of points at this distance."""
    real = np.random.default_rng(0).normal(0, 0.1, 200)
    answer = {a: lambda x, a=a: 1 / (1 + np.exp(-a * (x + distance / 2))) for a in np.geomspace(0.1, steepest, 60)}
    return max(np.mean(D(real)) - np.mean(D(real - distance)) for D in answer.values())


distances = np.linspace(0, 4, 21)
limited = [best_sigmoid(d, 4) for d in distances]           # the slope of a sigmoid is at most a quarter of its steepness
free = [best_sigmoid(d, 200) for d in distances]

figure, axis = plt.subplots(figsize=(7, 3.3))
axis.plot(distances, distances, label="Wasserstein distance")
axis.plot(distances, limited, "--", label="best sigmoid critic, slope at most 1")
axis.plot(distances, free, ":", label="best sigmoid critic, any slope")
axis.set(xlabel="distance of the two distributions", ylabel="value of the loss")
axis.legend()
figures.show(figure, alt="The Wasserstein distance rises in proportion to the distance; with a sigmoid the loss stays below 1, "
                         "and without a limit on the slope it is 1 almost everywhere")

# %%
def follows(values):
    """Whether a loss says the distance, within a tenth, at all distances above 1."""
    return bool(np.all(np.abs(np.array(values) - distances)[distances > 1] < 0.1 * distances[distances > 1]))


sheet.add("Section 2.3.2", "the loss is a Wasserstein distance",
          {"sigmoid, no limit on the slope": follows(free), "sigmoid, slope at most 1": follows(limited)},
          evidence=f"at distance 4 the loss says {free[-1]:.2f} and {limited[-1]:.2f}")

# %% [markdown]
# With a sigmoid the loss never exceeds 1. Without a limit on the slope it is 1 as soon as the clouds don't overlap, and how far apart they are is lost. The report's own reference [9] is about the very limit that it doesn't mention,
# the gradient penalty. (And the loss takes "the mean difference of the two images"? Of the critic's *answers* to them.)

# %% [markdown]
# ## 4. Three hours (8 minutes)
#
# "The training time loops for around 3 hours", on a 1.4 GHz quad-core Intel Core i5, for 500 images and 40 epochs. Nobody has to repeat the training to check this: the work can be counted.
#
# Lesson 07 did so for one reading of the report. A reviewer tries them all before calling something impossible.
# A forward pass through a network costs its [multiply–accumulates](glossary.md). The backward pass, which computes the gradients, costs about twice as much. The next cell adds this up for one photograph of 256×256 pixels.
# (Lesson 07 had 300 billion, because the implementation that the report evidently follows runs the generator once more for the critic. Here we count the least work that a reading allows, without that pass.)

# %%
G, D, V = (parameters.model_macs(model) for model in (generator, discriminator, losses.vgg_features()))
print(f"generator {G / 1e9:.1f} · discriminator {D / 1e9:.2f} · VGG16 up to block3_conv3 {V / 1e9:.1f} billion multiply–accumulates")


def work(critic_steps, vgg=True, critic=True):
    """Multiply–accumulates of one photograph in one step of training."""
    total = 3 * G                                       # forward and backward
    total += 3 * V if vgg else 0                        # both pictures forward, one backward to the picture
    if critic:
        total += critic_steps * 2 * 3 * D + 2 * D       # real and fake, trained; then once for the generator
    return total


# %% [markdown]
# The report doesn't say how often the critic is trained for each step of the generator, and "dividing the input image into a 256x256 matrix" may mean one square or ten. So there are several readings:

# %%
STATED = report.TRAINING
seconds = STATED["hours"] * 3600
squares = (STATED["width"] // STATED["patch"]) * (STATED["height"] // STATED["patch"])
readings = {
    "generator alone": work(0, vgg=False, critic=False),
    "with VGG16 and one critic step": work(1),
    "with VGG16 and five critic steps": work(5),
    f"the same, {squares} squares of each photograph": squares * work(5),
}
needed = {name: 2 * macs * STATED["images"] * STATED["epochs"] / seconds for name, macs in readings.items()}    # FLOP/s

# %% [markdown]
# The generator alone, for example, takes 3 · 56.8 = 170 billion multiply–accumulates, twice as many operations ([FLOP](glossary.md)): 340.8 · 10⁹ · 500 · 40 in 10,800 seconds are 0.63 · 10¹² per second, 0.63 TFLOP/s.
#
# And what can that processor do? Each of its four cores completes at most two fused multiply–adds of 8 numbers in each cycle: 2 · 8 · 2 = 32 FLOP, 4 · 32 · 1.4 · 10⁹ = 0.18 TFLOP/s for all four. The figure marks this peak, and that at 3.9 GHz, the highest clock rate of the processors sold under this name
# (which four cores don't sustain):

# %%
peak = {f"{ghz} GHz": 4 * 32 * ghz * 1e9 for ghz in (1.4, 3.9)}

figure, axis = plt.subplots(figsize=(8.2, 2.9))
axis.barh(list(needed)[::-1], [rate / 1e12 for rate in needed.values()][::-1], color=figures.COLOURS["blue"])
for (name, rate), style in zip(peak.items(), ("--", ":")):
    axis.axvline(rate / 1e12, color=figures.COLOURS["vermilion"], linestyle=style, label=f"the processor's peak at {name}")
axis.set(xscale="log", xlabel="TFLOP/s for 40 epochs in 3 hours", xlim=(0.1, 20), xticks=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20])
axis.set_xticklabels(["0.1", "0.2", "0.5", "1", "2", "5", "10", "20"])
axis.minorticks_off()
axis.legend(loc="upper right", frameon=True)
figures.show(figure, alt="Rates of computation that four readings of the training need in order to finish in three hours, "
                         "all of them to the right of the two lines that mark the processor's peak")

# %%
epochs = max(peak.values()) * seconds / (2 * work(5) * STATED["images"])
sheet.add("Sections 3, 3.2", "40 epochs in around 3 hours on a 1.4 GHz quad-core i5",
          {name: rate <= max(peak.values()) for name, rate in needed.items()},
          evidence=f"needs {min(needed.values()) / 1e12:.2f} to {max(needed.values()) / 1e12:.1f} TFLOP/s; "
                   f"the peak is {min(peak.values()) / 1e12:.2f}, at the highest clock {max(peak.values()) / 1e12:.2f}")

# %%
print(f"at that peak, three hours are enough for {epochs:.0f} epochs of 500 images; real programs reach a part of it")

# %% [markdown]
# Computed directly, on these cores, no reading fits. (Winograd's method, arXiv:1509.09308, needs up to 4 times fewer multiplications for kernels of 3×3, and the chip's graphics unit has a peak of its own; the report mentions neither.) This need not mean an untruth: smaller pictures, fewer images, another computer or a rented one would explain it. But most likely *one of the printed settings* isn't the one that was used,
# and then no figure in the report can be trusted to belong to the settings beside it.

# %% [markdown]
# ### Exercise 2: days (1 point)
#
# Write the estimate as a function, for any network. `forward` is the number of multiply–accumulates in one forward pass for one image. A training step costs three times as much per image (lesson 07's `hours` was given the cost of a whole step). One multiply–accumulate is two FLOP.
# `gflops` is the rate the machine sustains, in $10^9$ FLOP per second. Return *days*.

# %% nbgrader={"grade_id": "days", "solution": true}
def training_days(forward, images, epochs, gflops):
    """Days that epochs × images take at gflops·10⁹ floating-point operations per second."""
    ### BEGIN SOLUTION: divide all floating-point operations by the rate, and the seconds by those of a day
    operations = 2 * 3 * forward * images * epochs
    return operations / (gflops * 1e9) / (24 * 3600)
    ### END SOLUTION


# %% nbgrader={"grade_id": "days-test", "grade": true, "points": 1}
lesson_10.check_training_days(training_days)
### BEGIN HIDDEN TESTS
lesson_10.check_training_days(training_days, seed=102)
### END HIDDEN TESTS

# %% [markdown]
# ### "Around 500 images" in 2.12 GB
#
# The dataset came as a "2.12GB, light-weight version" with "around 500 images of size 1280x720". Files have sizes, so this, too, can be checked roughly. Take ten photographs of the course,
# make frames of 1280×720 pixels from them, blur them as GoPro does, and save both versions as PNG:

# %%
NAMES = ["hillside", "mountain_pass", "fig_bowl", "citrus", "honey_bee", "forest_stream", "bridge_at_night",
         "paint_brushes", "sunset", "seed_heads"]


def frame(name):
    """The middle of a photograph, scaled to fill 1280×720 pixels."""
    photo = photos.load(name)
    scale = max(1280 / photo.shape[1], 720 / photo.shape[0])
    width, height = round(scale * photo.shape[1]), round(scale * photo.shape[0])
    photo = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (height - 720) // 2, (width - 1280) // 2
    return np.ascontiguousarray(photo[top:top + 720, left:left + 1280])


frames = {name: frame(name) for name in NAMES}
inputs = {name: blur.blur_photo(photo, 4, np.random.default_rng(i))[0] for i, (name, photo) in enumerate(frames.items())}
megabytes = [sum(len(cv2.imencode(".png", picture)[1]) for picture in pair) / 1e6
             for pair in zip(frames.values(), inputs.values())]
print("a pair takes between 1.5 and 4 MB:", 1.5 < min(megabytes) and max(megabytes) < 4)

# %% [markdown]
# How many pairs fit into 2.12 GB, if all are as large as our largest or as small as our smallest? A copy of the dataset that circulates under that name holds 1,029 pairs. The report's sentence has two readings: the copy *holds* around 500 pairs
# (say, 450 to 550), or it holds more and 500 of them were used.

# %%
counts = [2120 / max(megabytes), 1029, 2120 / min(megabytes)]
sheet.add("Section 3.1", "around 500 images in 2.12 GB",
          {"the copy holds 450 to 550 pairs": any(450 <= count <= 550 for count in counts),
           "it holds 500 or more, of which 500 were used": min(counts) >= 500},
          evidence=f"about {round(counts[0], -2):,.0f} to {round(counts[2], -2):,.0f} pairs by file size, {counts[1]:,} in the known copy")

# %% [markdown]
# ## 5. Maximum, minimum and mean (8 minutes)
#
# Table 4 is the report's result. It doesn't say how many photographs are behind it. But three statistics of the same numbers aren't independent. Here they are:

# %%
for metric, values in report.TABLE_4.items():
    print(metric, values)

# %% [markdown]
# Could these be *two* photographs? Then their scores are the maximum and the minimum themselves, and the mean lies halfway between:

# %%
for metric, values in report.TABLE_4.items():
    print(f"{metric}: the middle of maximum and minimum is {(values['maximum'] + values['minimum']) / 2:.3f}, "
          f"the mean {values['mean']:.2f}")

# %% [markdown]
# No. With three photographs, the third lies somewhere between the other two, and the mean somewhere between the two extreme cases: third = minimum and third = maximum.

# %%
psnr = report.TABLE_4["PSNR"]
low, high = psnr["minimum"], psnr["maximum"]
cases = {"two": [low, high], "three, third = minimum": [low, low, high], "three, third = maximum": [low, high, high]}
figure, axis = plt.subplots(figsize=(7.5, 2.2))
for row, scores in enumerate(cases.values()):
    for score, count in Counter(scores).items():
        axis.plot(score, row, "o", color=figures.COLOURS["blue"], markersize=9)
        axis.annotate(f"× {count}" if count > 1 else "", (score, row), (0, 7), textcoords="offset points", ha="center")
    axis.plot(np.mean(scores), row, "D", color=figures.COLOURS["vermilion"], markersize=7)
    axis.annotate(f"mean {np.mean(scores):.2f}", (np.mean(scores), row), (0, 8), textcoords="offset points", ha="center" if row else "right")
axis.axvline(psnr["mean"], color="black", linestyle="--", linewidth=1)
axis.annotate(f"the report's mean, {psnr['mean']:.2f}", (psnr["mean"], -0.6), (6, 0), textcoords="offset points", va="center")
axis.set(xlabel="PSNR (dB)", yticks=range(3), yticklabels=list(cases), ylim=(2.5, -1))
axis.grid(False)
figures.show(figure, alt="Scores as dots between 25.39 and 32.33 dB and their mean as a diamond: 28.86 with two photographs; with three, "
                         "27.70 if the third is the minimum and 30.02 if it is the maximum; the report's 29.3 lies between these two")

# %% [markdown]
# For PSNR the extreme cases are (32.33 + 2 · 25.39) / 3 = 27.70 and (25.39 + 2 · 32.33) / 3 = 30.02, and 29.3 lies between them. In general, with $n$ values,
#
# $$\frac{\max + (n - 1) \min}{n} \;\le\; \mathrm{mean} \;\le\; \frac{\min + (n - 1) \max}{n}.$$
#
# (Printed numbers are rounded: 0.72 may be 0.7199 or 0.7151. So rounding can make a true bound seem violated. With two decimals, subtract half a hundredth from the left side, add it to the right side, and
# let the mean vary by as much.)
#
# ### Exercise 3: the least number of photographs (1 point)
#
# Write a function that returns the smallest $n \ge 2$ that the three printed numbers allow. `unit` is one unit of the last digit printed. Max, min and mean each lie within half a unit of what is printed; whether exactly half a unit counts makes no difference here.

# %% nbgrader={"grade_id": "least-count", "solution": true}
def least_count(maximum, minimum, mean, unit=0.01):
    """The smallest number of values, from 2, that can have this maximum, minimum and mean."""
    ### BEGIN SOLUTION: try n = 2, 3, … until the smallest and the largest possible mean enclose the given one, rounding allowed for
    half = unit / 2
    n = 2
    while True:
        lowest = (maximum + (n - 1) * minimum) / n - half
        highest = (minimum + (n - 1) * maximum) / n + half
        if lowest <= mean + half and mean - half <= highest:
            return n
        n += 1
    ### END SOLUTION


# %% nbgrader={"grade_id": "least-count-test", "grade": true, "points": 1}
lesson_10.check_least_count(least_count)
### BEGIN HIDDEN TESTS
lesson_10.check_least_count(least_count, seed=103)
### END HIDDEN TESTS

# %%
least = max(audit.least_count(values["maximum"], values["minimum"], values["mean"]) for values in report.TABLE_4.values())
sheet.add("Table 4", "the averages stand for ten photographs or more",
          {"as few as the numbers allow": least >= 10, "GoPro's 1,111 test photographs": 1111 >= 10},
          evidence=f"{least} photographs or more fit all six numbers; the report doesn't say how many there were")

# %% [markdown]
# Three photographs would do, and so would the 1,111 of GoPro's test set. A mean of three says little: where PSNR varies from 25 to 32 dB between photographs, another three could shift it by several decibels.

# %% [markdown]
# ### What it is compared with
#
# "The output image from GAN model has sharper pixels than before." Table 4 has no row for *before*: what do the blurred photographs themselves score, by the same protocol? For the whole GoPro test set the blurred input is quoted at 25.6 dB.
# On our ten frames, blurred by level 4, the answer depends on how one measures. The worst way is a common accident: subtracting arrays of type `uint8`, in which −1 becomes 255 and 16² becomes 0.

# %%
def careless(sharp, image):
    """PSNR with differences and squares of uint8, which wrap around at 256."""
    return 10 * np.log10(255**2 / np.mean((sharp - image) ** 2))


def squash(image):
    """The whole picture in 256×256 pixels."""
    return cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA)


before = {"GoPro's test set, as quoted": 25.6,
          "our frames": np.mean([evaluation.psnr(frames[n], inputs[n]) for n in NAMES]),
          "our frames, squashed": np.mean([evaluation.psnr(squash(frames[n]), squash(inputs[n])) for n in NAMES]),
          "our frames, uint8 wrapped": np.mean([careless(frames[n], inputs[n]) for n in NAMES])}
mean_4 = report.TABLE_4["PSNR"]["mean"]
sheet.add("Section 3.3, Table 4", "29.3 dB shows an improvement over the blurred photographs",
          {name: mean_4 > value for name, value in before.items()},
          evidence=", ".join(f"{name} {value:.1f} dB" for name, value in before.items()))

# %% [markdown]
# The readings disagree: behind the same 29.3 dB there may be a gain of several decibels, or none at all.
#
# ### 256 × 256
#
# "The training process begins by dividing the input image into a 256x256 matrix." Is a square cut out, or the whole frame squashed? (The Keras implementation that has exactly the report's layers squashes.) Were the test photographs treated in the same way?
# Then the score depends on the answer, because squashing shortens the blur as well.

# %%
def cut(image):
    """The square of 256×256 pixels in the middle."""
    return np.ascontiguousarray(image[232:488, 512:768])


bridge = inputs["bridge_at_night"]
figures.images({"the frame, 1280×720 (shown smaller)": cv2.resize(bridge, (288, 162), interpolation=cv2.INTER_AREA),
                "cut out": cut(bridge), "squashed": squash(bridge)},
               alt="A blurred photograph of a bridge: the whole frame, a square from its middle, visibly blurred, "
                   "and the whole frame squashed into a square, which looks sharper")

# %%
score = {name: np.mean([evaluation.psnr(change(frames[n]), change(inputs[n])) for n in NAMES])
         for name, change in (("whole", lambda image: image), ("cut out", cut), ("squashed", squash))}
sheet.add("Sections 3.1, 3.2, Table 4", "the scores are those of photographs of 1280×720, within 0.5 dB",
          {f"measured {name}": abs(value - score["whole"]) < 0.5 for name, value in score.items()},
          evidence=f"ten blurred frames: whole {score['whole']:.1f} dB, cut out {score['cut out']:.1f} dB, squashed {score['squashed']:.1f} dB")

# %% [markdown]
# ## 6. Table 5: who is better? (6 minutes)
#
# Table 5 puts this work beside references [2], [3] and [4], and Section 3.3 concludes: "it is still better than [2] and [3] in terms of PSNR". For reference [3] alone there are several figures, all from its authors:

# %%
NAH = {"28.93, Table 5: one of three scales": 28.93, "29.08, the whole network, gamma blur": 29.08,
       "29.23, the whole network, linear blur": 29.23, "30.40, the authors' later version": 30.40}
ours = report.TABLE_5["This work"]
sheet.add("Section 3.3, Table 5", "better than [3] in terms of PSNR", {name: ours["PSNR"] > value for name, value in NAH.items()},
          evidence=f"{ours['PSNR']} dB against {min(NAH.values())} to {max(NAH.values())} dB")

# %% [markdown]
# *Sources: arXiv:1612.02177 (GoPro's data come with blur averaged in stored values, "linear", and in light, "gamma"; lesson 02); github.com/SeungjunNah/DeepDeblur-PyTorch for the last.*
#
# Now SSIM. In Table 5 reference [2] has 0.958. A reader who ran that paper's published network got, on the same crops of 640×360, 0.856 with the usual SSIM and 0.956 with another one, complex-wavelet SSIM (github.com/KupynOrest/DeblurGAN, issue 111).
# The same name, different numbers. How far apart are even the *usual* variants? One photograph, one blur:

# %%
sharp, soft = frames["paint_brushes"], blur.convolve(frames["paint_brushes"], blur.linear_psf(8, 30))
GAUSS = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def grey(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def smaller(image):
    """A third of the size: the first published program for SSIM shrinks large pictures like this."""
    return cv2.resize(image, (427, 240), interpolation=cv2.INTER_AREA)


variants_of_ssim = {
    "the course's": evaluation.ssim(sharp, soft),
    "square window, 7×7": structural_similarity(sharp, soft, channel_axis=-1),
    "grey": structural_similarity(grey(sharp), grey(soft), **GAUSS),
    "a third of the size": evaluation.ssim(smaller(sharp), smaller(soft)),
    "data_range = 1 for 0 … 255": structural_similarity(sharp.astype(float), soft.astype(float), data_range=1, channel_axis=-1, **GAUSS),
}
for name, value in variants_of_ssim.items():
    print(f"{name:27} {value:.2f}")

# %%
spread = max(variants_of_ssim.values()) - min(variants_of_ssim.values())
others = [row["SSIM"] for name, row in report.TABLE_5.items() if name != "This work"]
sheet.add("Table 5", "its SSIM values can be compared with each other",
          {"the variants differ less than the three other rows do": spread < max(others) - min(others)},
          evidence=f"one picture, five variants: {min(variants_of_ssim.values()):.2f} to {max(variants_of_ssim.values()):.2f}; "
                   f"the three rows: {min(others)} to {max(others)}")

# %% [markdown]
# The last sentence to check here: "Compared to [4] which used 12 ResNet block in total, this project has simpler network architecture with 9 ResNet block only. Thus, the performance is not that good".
# *Thus* claims a cause. What would show it is an [ablation](glossary.md): both networks trained by the same program on the same data, with nothing different but the blocks. The report has none, so there is nothing to check.

# %%
sheet.add("Section 3.3", "9 blocks instead of 12 are the reason for the distance to [4]", {},
          evidence="no experiment in which only the blocks differ")

# %% [markdown]
# ### Exercise 4: two protocols (1 point)
#
# "An average of 29.3" can be computed in two ways. Protocol A computes the PSNR of each photograph and takes their mean. Protocol B takes the mean of the squared errors of all photographs (of equal size), and then the PSNR of that.
# Given the list of mean squared errors, for pixels from 0 to 255, return both results: `(A, B)`.
# (Lesson 09 showed which is larger; here you find out by how much.)

# %% nbgrader={"grade_id": "two-protocols", "solution": true}
def two_protocols(errors):
    """(mean of the PSNRs, PSNR of the mean error), in decibels, for a list of mean squared errors."""
    ### BEGIN SOLUTION: return both, with PSNR = 10·log10(255² / MSE)
    errors = np.asarray(errors, float)
    psnrs = 10 * np.log10(255**2 / errors)
    return psnrs.mean(), 10 * np.log10(255**2 / errors.mean())
    ### END SOLUTION


# %% nbgrader={"grade_id": "two-protocols-test", "grade": true, "points": 1}
lesson_10.check_two_protocols(two_protocols)
### BEGIN HIDDEN TESTS
lesson_10.check_two_protocols(two_protocols, seed=104)
### END HIDDEN TESTS

# %% [markdown]
# A is never smaller than B, because one easy photograph with a tiny error lifts the mean of the logarithms a lot, and the mean error hardly at all. For our ten blurred frames:

# %%
errors = [np.mean((frames[n].astype(float) - inputs[n]) ** 2) for n in NAMES]
gap = np.mean(10 * np.log10(255**2 / np.array(errors))) - 10 * np.log10(255**2 / np.mean(errors))
print("protocol A gives over 2 dB more than B:", bool(gap > 2))
print(f"Table 5 has {ours['PSNR'] - report.TABLE_5['Nah et al [3]']['PSNR']:.2f} dB between this work and [3]")

# %% [markdown]
# ## 7. 29.3 dB and 0.72 (10 minutes)
#
# In Table 5 the report's PSNR is in the middle and its SSIM far below all others. Is that a discovery or a mistake? Both numbers measure a distance to the same sharp photographs, but they penalise different things.
# Here are three ways to be wrong, and a slider for their strength: blur that was *left over*; *noise*; and a *grid* with a period of 4 pixels, such as upsampling inside a network may leave.
# The cross is Table 4's mean; the frame reaches from its minima to its maxima. Which of the three paths can pass through the cross?

# %%
def leftover(image, length):
    return blur.convolve(image, blur.linear_psf(length, 30))


def noisy(image, sigma):
    return blur.noise(image, sigma, np.random.default_rng(0))


def grid(image, percent):
    """Squares of 2×2 pixels, brighter and darker in turn."""
    y, x = np.indices(image.shape[:2]) // 2
    return np.clip(np.rint(image * (1 + percent / 100 * (-1.0) ** (x + y))[..., None]), 0, 255).astype(np.uint8)


CAUSES = {"blur left over": (leftover, [1, 2, 3, 5, 7, 10, 14]), "noise": (noisy, [2, 3, 4, 5, 7, 10, 15]),
          "grid": (grid, [1, 2, 3, 4, 7, 11, 18])}
middles = {name: np.ascontiguousarray(photo[180:540, 320:960]) for name, photo in frames.items()}   # 640×360
brushes = middles["paint_brushes"]
paths = {cause: [(evaluation.psnr(brushes, damage(brushes, s)), evaluation.ssim(brushes, damage(brushes, s))) for s in strengths]
         for cause, (damage, strengths) in CAUSES.items()}

# %%
def plane(axis, xlim=(20, 46), ylim=(0.3, 1.0)):
    """PSNR and SSIM with Table 4 in it: mean as a cross, minimum to maximum as a frame."""
    low, high = ([report.TABLE_4[metric][name] for metric in ("PSNR", "SSIM")] for name in ("minimum", "maximum"))
    axis.add_patch(plt.Rectangle(low, high[0] - low[0], high[1] - low[1], facecolor="0.9", edgecolor="0.5"))
    axis.plot(*[report.TABLE_4[metric]["mean"] for metric in ("PSNR", "SSIM")], "x", color="black", markersize=10,
              markeredgewidth=2.5, label="the report")
    axis.set(xlabel="PSNR (dB)", ylabel="SSIM", xlim=xlim, ylim=ylim, xticks=range(15, 45, 5))
    axis.set_xlim(*xlim)


def beside(picture, point, title):
    """A detail of a picture, and a point in the plane of PSNR and SSIM; returns figure and axis."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.5), width_ratios=(1, 1.2))
    left.imshow(picture)
    left.set_title(title)
    left.axis("off")
    plane(right)
    right.plot(*point, "o", color=figures.COLOURS["vermilion"], markersize=10, zorder=3, clip_on=False)
    right.set_title(f"{point[0]:.1f} dB, SSIM {point[1]:.2f}")
    return figure, right


def damaged(cause, strength):
    damage, strengths = CAUSES[cause]
    detail = damage(brushes, strengths[strength - 1])[80:200, 260:380]
    figure, axis = beside(detail, paths[cause][strength - 1], cause)
    for (name, path), style in zip(paths.items(), ("-", "--", ":")):
        axis.plot(*zip(*path), style, color="0.4", linewidth=1.5, label=name)
    axis.legend(loc="lower right")
    return figure


widgets.explore(damaged, {"cause": list(CAUSES), "strength": [1, 2, 3, 4, 5, 6, 7]}, start={"cause": "blur left over", "strength": 4},
                kilobytes=600,
                alt="A detail of a photograph of brushes with one of three kinds of damage; beside it, PSNR and SSIM as a point, "
                    "with the report's mean as a cross. The path of noise passes nearest to the cross, that of left-over blur above it")

# %% [markdown]
# At 29 dB the blurred picture has the best SSIM of the three, well above the report's. On *this* photograph the path of noise goes right through the cross, and that of the grid passes near it. Does that convict the report of noise?
# First, another question: what if the network is innocent, and the *measurement* isn't? Here is one blurred photograph. Nothing about it changes; the slider changes how it is measured.

# %%
soft = leftover(brushes, 10)


def unit_range(sharp, image):
    """Pictures in [-1, 1], measured as if the range were 1 instead of 2."""
    a, b = sharp / 127.5 - 1, image / 127.5 - 1
    return (10 * np.log10(1 / np.mean((a - b) ** 2)),
            structural_similarity(a, b, data_range=1, channel_axis=-1, **GAUSS))


def measured(how):
    """(PSNR, SSIM) of the blurred brushes by one way of measuring."""
    right = evaluation.psnr(brushes, soft), evaluation.ssim(brushes, soft)
    if how == "as stated in lesson 09":
        return right
    if how == "uint8 differences wrap":
        return careless(brushes, soft), right[1]
    if how == "SSIM with data_range 1":
        return right[0], structural_similarity(brushes.astype(float), soft.astype(float), data_range=1, channel_axis=-1, **GAUSS)
    if how == "range 1 for −1 … 1":
        return unit_range(brushes, soft)
    return evaluation.psnr(squash(brushes), squash(soft)), evaluation.ssim(squash(brushes), squash(soft))


HOW = ["as stated in lesson 09", "uint8 differences wrap", "SSIM with data_range 1", "range 1 for −1 … 1", "squashed to 256×256"]
points = {how: measured(how) for how in HOW}


def remeasured(measuring):
    figure, axis = beside(soft[80:200, 260:380], points[measuring], "always the same picture")
    axis.plot(*zip(*points.values()), "o", color="0.6", markersize=6, zorder=2)
    axis.set(xlim=(14, 36))
    return figure


widgets.explore(remeasured, {"measuring": HOW}, start={"measuring": HOW[1]},
                alt="The same blurred detail for every position of the slider, beside PSNR and SSIM that jump by several decibels "
                    "and tenths with the way of measuring")

# %%
far = max(points[how][0] - points[HOW[0]][0] for how in HOW)
print("the way of measuring alone lifts the PSNR of this blurred photograph by more than 4 dB:", bool(far > 4))

# %% [markdown]
# A blurred photograph that nobody has deblurred, if measured carelessly, can land where the report's numbers do. So there are more suspects. Next we bring all ten photographs to the same PSNR. That needs a tool.
#
# ### Exercise 5, a challenge: tune a damage to a PSNR (2 points)
#
# `degrade(sharp, strength)` returns a damaged photograph (both are `uint8`), for strengths from 0 to `high`. The greater the strength, the lower the PSNR. Find the strength at which `evaluation.psnr(sharp, degrade(sharp, strength))` is `target`, within 0.02 dB.
#
# Use [bisection](glossary.md): try the middle of the interval; if the PSNR is still too high, the strength you are looking for is in the upper half, otherwise in the lower; go on with that half. Each step halves the interval, so 20 steps make it a million times smaller.
# The check counts how often you call `degrade`: at most 60 calls are allowed.

# %% nbgrader={"grade_id": "tune", "solution": true}
def tune(degrade, sharp, target, high):
    """The strength between 0 and high at which the damaged photograph has the PSNR target."""
    ### BEGIN SOLUTION: halve the interval from 0 to high until the PSNR in its middle is within 0.02 dB of the target
    low = 0.0
    for _ in range(40):
        middle = (low + high) / 2
        psnr = evaluation.psnr(sharp, degrade(sharp, middle))
        if abs(psnr - target) <= 0.02:
            break
        if psnr > target:
            low = middle
        else:
            high = middle
    return middle
    ### END SOLUTION


# %% nbgrader={"grade_id": "tune-test", "grade": true, "points": 2}
lesson_10.check_tune(tune)
### BEGIN HIDDEN TESTS
lesson_10.check_tune(tune, seed=105)
### END HIDDEN TESTS

# %% [markdown]
# With the library's `audit.tune`, every photograph is now brought to exactly 29.3 dB, in five ways: the three kinds of damage; left-over blur with the wrong data range for SSIM; and left-over blur, measured on squashed pictures.

# %%
def squashed_psnr(sharp, image):
    return evaluation.psnr(squash(sharp), squash(image))


def ssim_range_1(sharp, image):
    return structural_similarity(sharp.astype(float), image.astype(float), data_range=1, channel_axis=-1, **GAUSS)


def ssim_squashed(sharp, image):
    return evaluation.ssim(squash(sharp), squash(image))


WAYS = {        # how to damage, how far at most, how to measure PSNR and SSIM
    "blur left over": (leftover, 100, evaluation.psnr, evaluation.ssim),
    "noise": (noisy, 60, evaluation.psnr, evaluation.ssim),
    "grid": (grid, 60, evaluation.psnr, evaluation.ssim),
    "blur, SSIM with data_range 1": (leftover, 100, evaluation.psnr, ssim_range_1),
    "blur, squashed to 256×256": (leftover, 100, squashed_psnr, ssim_squashed),
}
at_target = {}
for way, (damage, high, psnr, ssim) in WAYS.items():
    at_target[way] = []
    for sharp in middles.values():
        image = damage(sharp, audit.tune(damage, sharp, mean_4, high, psnr))
        at_target[way].append(ssim(sharp, image))

# %%
figure, axis = plt.subplots(figsize=(8.2, 3.4))
for y, (way, values) in enumerate(at_target.items()):
    axis.plot(values, [-y] * len(values), "o", color=figures.COLOURS["blue"], alpha=0.6)
    axis.plot(np.mean(values), -y, "|", color="black", markersize=18, markeredgewidth=2.5, label="mean" if y == 0 else None)
axis.axvline(report.TABLE_4["SSIM"]["mean"], color=figures.COLOURS["vermilion"], linestyle="--", label="the report's mean, 0.72")
axis.axvspan(report.TABLE_4["SSIM"]["minimum"], report.TABLE_4["SSIM"]["maximum"], color="0.92", zorder=0, label="its minimum to maximum")
axis.set(yticks=[-y for y in range(len(WAYS))], yticklabels=list(WAYS), xlabel="SSIM at 29.3 dB, one dot for each of ten photographs",
         xlim=(0.1, 1), ylim=(-4.4, 0.4))
axis.legend(loc="upper left")
figures.show(figure, alt="SSIM of ten photographs at 29.3 decibels for five causes: each cause spreads over a tenth or more, "
                         "and each reaches into the report's range from 0.65 to 0.77")

# %%
goal, least_4, most_4 = (report.TABLE_4["SSIM"][name] for name in ("mean", "minimum", "maximum"))
for way, values in at_target.items():
    print(f"{way:29} some photographs in the report's range of SSIM:", any(least_4 <= value <= most_4 for value in values))
print("noise costs least in", NAMES[np.argmax(at_target["noise"])], "and more than 0.2 more elsewhere:",
      bool(np.ptp(at_target["noise"]) > 0.2))

# %% [markdown]
# Photographs differ as much as causes do: noise hides among the leaves of a forest and shows on everything smooth. Every one of these ways puts some photograph into the report's range, and a mixture of them could do so for a whole test set.

# %%
within = {way: any(least_4 <= value <= most_4 for value in values) for way, values in at_target.items()}
sheet.add("Table 4", "29.3 dB with 0.72 is the quality of the deblurred photographs",
          {"a flaw of the pictures leads there": within["noise"] or within["grid"],
           "nothing else does, no slip in measuring": not (within["blur, SSIM with data_range 1"]
                                                           or within["blur, squashed to 256×256"])},
          evidence=f"{sum(within.values())} of {len(within)} ways to 29.3 dB reach the report's range of SSIM on some photograph")

# %% [markdown]
# *No single cause is proven*, nor can any be proven from two numbers. What would decide it is short: a [protocol](glossary.md). Here is the course's own:

# %%
print(evaluation.PROTOCOL)

# %% [markdown]
# ## 8. What the report doesn't say (4 minutes)
#
# A method section is complete when somebody else can run it. The course's training program has a setting for everything that decides the result. For which settings does the report give a value?

# %%
GIVEN = {"data": "3.1", "limit": "3.1", "patch": "3.2", "batch": "3.2", "epochs": "3.2", "learning_rate": "3.2", "beta_1": "3.2",
         "beta_2": "3.2", "epsilon": "3.2", "width": "Table 2", "blocks": "2.1", "normalisation": "2.1", "network": "2.1"}
ASKED = ["data", "limit", "patch", "squash", "batch", "epochs", "network", "width", "blocks", "normalisation", "output",
         "dropout", "content_weight", "adversarial_weight", "critic_steps", "penalty", "vgg_preprocess", "learning_rate",
         "beta_1", "beta_2", "epsilon"]
defaults = runs.Settings()
for name in ASKED:
    if name not in GIVEN:
        print(f"{name:19} the course takes {getattr(defaults, name)!r}; the report: not stated")
print(f"\n{sum(name not in GIVEN for name in ASKED)} of {len(ASKED)} settings are open")

# %% [markdown]
# Some of these matter little, others decide what kind of network comes out. Preprocessing alone changes the perceptual loss by a factor of more than a thousand (lesson 06), and so decides whether the discriminator has any say at all. And about the evaluation *nothing* is stated:
# not the number of test photographs, their size, which of GoPro's two blurs, how SSIM was computed, whether outputs were rounded to 8 bits.
#
# Now the whole worksheet. Every verdict in it was computed by a cell above.

# %%
sheet

# %%
print(", ".join(f"{count} {kind}" for kind, count in sheet.count().items()))

# %% [markdown]
# Two thoughts before you write. A report can be useful even with such a sheet: its tables let a whole course rebuild the networks to the last parameter, and not every paper allows that. And the sheet judges *sentences*, not an author.
# A review that says "Section 3.2 needs the number of critic steps" gets an answer; one that says "implausible" gets an argument.

# %% [markdown]
# ## 9. Rewrite the method section (25 minutes)
#
# ### Think: the corrected method (3 points)
#
# Rewrite Sections 2 and 3.2 of the report as one method section of 150 to 300 words that is *correct* and says plainly what is unknown. Keep what is supported. Where the report is silent, write "not stated" or,
# if you prefer, what you would choose, marked as your choice. It must cover:
#
# 1. what goes into the generator and what comes out, with the game or loss that is really used (equation included);
# 2. both networks, with their counts and what these include;
# 3. a discriminator or critic that fits its loss;
# 4. data: which pairs, how a photograph of 1280×720 becomes 256×256, how many of them;
# 5. training: optimizer, epochs, steps, and time on which machine;
# 6. the protocol of the evaluation, and what the result is compared with.

# %% [markdown] nbgrader={"grade_id": "think-method", "grade": true, "solution": true, "points": 3}
# ### BEGIN SOLUTION
# *Model.* The generator $G$ turns the blurred photograph $y$, without noise, into an estimate $G(y)$ of the sharp $x$. It has 24 convolutions (Table 2): three down to 64×64×256,
# nine residual blocks of two each at that size, and three after two upsamplings, with batch normalisation after all but the last. Of its 11,399,171 parameters, equation (2) counts the convolutions' 11,378,179 but not batch normalisation's 20,992.
# The report's discriminator has 3,098,370 parameters, 2,830,337 of them in six convolutions. The other 268,033 are not listed; four batch normalisations and two dense layers that give this number are our reconstruction. For a Wasserstein loss we leave out its sigmoid and replace batch by layer normalisation (our choice), which leaves a critic $C$ of 3,096,450:
#
# $$\max_C \; E_{x,y}\,[\,C(x) - C(G(y)) - 10\,(\lVert \nabla C(\hat x) \rVert - 1)^2\,], \qquad \min_G \; E_{x,y}\,[\,100\,L_{VGG}(G(y), x) - C(G(y))\,]$$
#
# with $\hat x$ drawn between $x$ and $G(y)$ and $L_{VGG}$ the mean squared difference of VGG16 features at block3_conv3, inputs preprocessed, divided by 3,000. Weights, layer, scale, penalty and five critic steps are our choices; the report states none of them.
#
# *Data and training.* GoPro, about 500 training pairs of 1280×720; which ones and which blur variant is not stated. In each epoch we cut one random square of 256×256 out of each pair (our choice; "dividing" is unclear). Adam, learning rate 10⁻⁴, β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, batch 16, 40 epochs: about 1,250 steps.
# The report's three hours can't be reproduced; we state time and machine of our own run.
#
# *Evaluation* (our choice; not stated). All 1,111 test pairs at full size, 8 bits, PSNR with range 255 averaged over photographs, SSIM with a Gaussian window of 11×11, σ = 1.5, range 255, mean over colour channels; beside it the blurred input, scored alike. Other papers' figures only with their protocol.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# Half a point for each of the six parts, 3 points in all. Half a point needs *all* that is listed; otherwise none for that part.
# - 1: blurred photograph in, no $z$; an equation in which $G$ acts on $y$ (either the conditional game or a Wasserstein loss), and a content or perceptual loss that compares $G(y)$ with $x$.
# - 2: both totals, and that batch normalisation (and dense layers) are in them but not in equation (2). Blocks: two convolutions, resolution kept; upsampling elsewhere. One slip in the description is allowed.
# - 3: consistent: Wasserstein loss with unbounded output *and* Lipschitz constraint, or sigmoid with the log loss of equation (1). "Wasserstein loss with a sigmoid" gives nothing, however well the rest is written.
# - 4: squashed, cut or cropped is decided or called unclear; number of pairs and blur variant given or called not stated.
# - 5: settings of Section 3.2; the three hours are not repeated as a fact.
# - 6: number and size of the test photographs, SSIM's settings and data range, and the blurred input as a [baseline](glossary.md), each given as a choice or called not stated.
# - A value that the report doesn't state, presented as if it did (loss weights, critic steps, number of test photographs), costs half a point each, down to 0. Length outside 120 to 400 words costs half a point.
# ### END MARK SCHEME

# %% [markdown]
# ## 10. Your own project (3 minutes to choose)
#
# A review ends with a wish list. This one is the menu for a final project: one change to the report's GAN, tested by a fair comparison. First, what each change costs for a photograph of 256×256:

# %%
menu = {
    "the report": generator,
    "12 blocks, as in [4]": networks.generator(blocks=12),
    "multi-scale, as in [3]": multiscale,
    "instance normalisation": networks.generator(normalisation="instance"),
    "NAFNet-style": variants.nafnet(),
    "discriminator": discriminator,
    "patch critic": keras.Model(discriminator.input, discriminator.get_layer("conv2d_29").output),
}
cost = {name: (model.count_params(), parameters.model_macs(model)) for name, model in menu.items()}
print(f"{'':24}{'parameters':>12}{'billion multiply–accumulates':>31}{'of the report’s':>17}")
for name, (count, macs) in cost.items():
    reference = cost["discriminator" if name in ("discriminator", "patch critic") else "the report"][1]
    print(f"{name:24}{count:12,}{macs / 1e9:31.1f}{macs / reference:17.0%}")

# %% [markdown]
# | project | the question | where to begin |
# |---|---|---|
# | 12 blocks | Are three more blocks worth a quarter more work? Reference [4] says so; an ablation decides. | `networks.generator(blocks=12)` |
# | multi-scale (Nah et al., arXiv:1612.02177) | At equal work, is it better to see far at a coarse scale than to be deep at a fine one? | `variants.multiscale(width, blocks, scales)` |
# | instance normalisation (Ulyanov et al., arXiv:1607.08022) | Batch statistics differ between training and use. Does the score on whole photographs gain? | `normalisation="instance"` |
# | patch critic (Isola et al., arXiv:1611.07004) | Do many verdicts give finer detail than one? Look at textures, not only at PSNR. | the last line of the menu above |
# | NAFNet-style (Chen et al., arXiv:2204.04676) | How much can the report's GAN do at a tenth of the work? | `variants.nafnet(width, blocks)` |
#
# Here is code to start from. It builds a small version of each network and lets it learn one batch. In the end its error must be less than half that of the blurred patches themselves, which a network that does nothing returns. This is the first test of any new network: one that can't even do that has a bug. The second column of the output says whether it passed.

# %%
pairs = [blur.blur_patch(frames["citrus"], 1, 32, np.random.default_rng(seed)) for seed in range(4)]
blurred_batch, sharp_batch = (photos.to_network(np.stack(pictures)) for pictures in zip(*pairs))


def learns(model, inputs, targets, loss, reference, steps=60):
    """Whether a network learns one batch: in the end, its loss is less than half of the reference."""
    model.compile(keras.optimizers.Adam(2e-3), loss=loss)
    history = model.fit(inputs, targets, batch_size=len(inputs), epochs=steps, verbose=0).history["loss"]
    return np.mean(history[-5:]) < 0.5 * reference


small = {
    "12 blocks, as in [4]": lambda: networks.generator(width=8, blocks=12),
    "multi-scale, as in [3]": lambda: variants.multiscale(width=8, blocks=2),
    "instance normalisation": lambda: networks.generator(width=8, blocks=3, normalisation="instance"),
    "NAFNet-style": lambda: variants.nafnet(width=8, blocks=2, stages=3),
}
undone = np.abs(blurred_batch - sharp_batch).mean()
for name, build in small.items():
    keras.utils.set_random_seed(10)
    print(f"{name:24} learns a batch:", bool(learns(build(), blurred_batch, sharp_batch, "mae", undone)))

# %% [markdown]
# The patch critic is trained on another question: sharp or blurred, 1 or 0, one answer for each patch. Always answering 1/2 gives the loss log 2.

# %%
keras.utils.set_random_seed(10)
whole = networks.discriminator(size=32, width=8)
patch_critic = keras.Model(whole.input, layers.Activation("sigmoid")(whole.get_layer("conv2d_29").output))
both_kinds = np.concatenate([sharp_batch, blurred_batch])
labels = np.repeat([1.0, 0.0], len(sharp_batch))[:, None, None, None] * np.ones((1, *patch_critic.output_shape[1:]))
print(f"{'patch critic':24} learns a batch:", bool(learns(patch_critic, both_kinds, labels, "binary_crossentropy", np.log(2))))

# %% [markdown]
# Then on to `training.train` (lesson 07), or on the command line `deblur-course train --help`. Choose level and size so that ten runs fit into your time, because one run of each network proves nothing: seeds differ, too.
#
# **How a project is judged** (20 points; your teacher may weigh differently)
#
# | | full points for | points |
# |---|---|---|
# | question | one question, and the expected answer with its reason, written down *before* the first run | 3 |
# | fair comparison | against the report's generator, at equal data, steps and settings; equal work or equal parameters, and say which | 4 |
# | evidence | three seeds or more for each; mean and spread; held-out photographs; the blurred input as a baseline | 4 |
# | protocol | stated in full: photographs, size, rounding, PSNR and SSIM settings; numbers made by one command | 3 |
# | looking | pictures side by side, chosen by a rule named beforehand; artefacts named with their likely cause | 2 |
# | conclusion | no more than the evidence supports; what remains open, and what would decide it; failures reported | 2 |
# | repeatable | a stranger can run it: settings, seeds, versions, history files | 2 |
#
# A well-measured "it makes no difference" gets full points.

# %% [markdown]
# ## Recap
#
# - A claim becomes checkable by asking what would show it. Where its readings disagree, the verdict is *cannot be decided*, and the remedy is one more sentence in the report.
# - The rows of the tables and the generator's total can be recounted; equation (2) covers the convolutions alone. The discriminator's total can only be explained: a network fitted to a number is no evidence for it.
# - The generator gets a photograph and no noise, its blocks enlarge nothing, it outputs no kernel, and a sigmoid doesn't go with a Wasserstein loss.
# - Counting multiply–accumulates gives an estimate of the training time. Three hours are not plausible on the machine named.
# - Maximum, minimum and mean give a lower bound on the number of photographs: Table 4 needs three.
# - 29.3 dB with 0.72 can come from noise, a grid, blur, or a slip in measuring. Two numbers can't tell. A protocol can.
#
# [← previous: Evaluation](09_evaluation.ipynb) · [Glossary](glossary.md) · [Map of the course](00_start_here.ipynb)
