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
# # 05 · The discriminator
#
# The generator of lesson 04 has an opponent: a network that looks at a photograph and says whether it is real.
# The report gives it 3,098,370 parameters, but its Table 3 accounts for only 2,830,337 of them.
# In this lesson you build it, find the rest, and look through its eyes.
#
# **You will be able to**
# - build the discriminator of Table 3 and check it layer by layer;
# - say which patch of a photograph each output of a stack of convolutions looks at, and measure it on a network;
# - find the 268,033 parameters that the table doesn't show, and judge how strong the evidence for them is;
# - explain why this network accepts photographs of one size only;
# - say what such a network learns when it is shown sharp and blurred photographs.
#
# **You need** lesson 01 (what the discriminator plays for), lesson 03 (counting parameters, padding) and lesson 04 (the generator, receptive fields).
#
# **Time** about 54 minutes.

# %%
import numpy as np

from course_lib.backend import keras, tf
from course_lib import blur, diagrams, figures, networks, parameters, photos, report, widgets
from course_lib.checks import lesson_05

layers = keras.layers

# %% [markdown]
# ## 1. One number for a photograph (3 minutes)
#
# Section 2.2 of the report asks for a "single value decision result, either 0(for fake image) or 1(for real image)".
# *Real* means a sharp photograph, *fake* means what the generator makes of a blurred one. As long as the generator has learned nothing,
# its output is about as blurred as its input. So in this lesson the blurred photograph itself plays the fake.

# %%
palace = photos.load("summer_palace")
sharp = palace[140:396, 150:406]                          # 256×256 pixels
blurred = blur.convolve(palace, blur.linear_psf(12, 30))[140:396, 150:406]
figures.images({"real": sharp, "fake": blurred},
               alt="Part of a palace and trees, sharp and with motion blur of 12 pixels")

# %% [markdown]
# The finished network takes either one and answers with a number between 0 and 1. At first its weights are random:

# %%
keras.utils.set_random_seed(5)
untrained = networks.discriminator()
answers = untrained(photos.to_network(np.stack([sharp, blurred]))).numpy()
print("shape of the answers:", answers.shape)
print("both between 0.2 and 0.8:", bool(np.all(np.abs(answers - 0.5) < 0.3)))

# %% [markdown]
# Both answers are near 0.5: it doesn't know. Training will push the first towards 1 and the second towards 0, while the generator is trained to push the second towards 1.

# %% [markdown]
# ## 2. Table 3, row by row (6 minutes)
#
# The first convolution has K = 4, stride 2, and goes from 3 channels to 64. The table below fills up as you go on.

# %%
image = keras.Input((256, 256, 3), name="image")
x = conv2d_24 = layers.Conv2D(64, 4, strides=2, padding="same", name="conv2d_24")(image)
parameters.check(keras.Model(image, x), report.TABLE_3)

# %% [markdown]
# The generator's kernels are 3 or 7 pixels wide; these are 4. With stride 2, a kernel of even width treats all pixels alike:
# away from the border, the kernel covers each of them exactly twice in each direction. With K = 3 every other pixel would be used half as often.
#
# The report names *LeakyReLU*, which usually stands between the convolutions: positive numbers stay, negative ones are multiplied by a small slope.
# The report states neither its place nor its slope; 0.2 is the usual choice. ReLU would turn negative numbers into 0, and where a layer outputs nothing but zeros, nothing can be learned.
# Here that would hurt twice, because the *generator* learns through this network, too.

# %%
def leaky(x):
    return layers.LeakyReLU(0.2)(x)


x = conv2d_25 = layers.Conv2D(64, 4, strides=2, padding="same", name="conv2d_25")(leaky(x))
x = conv2d_26 = layers.Conv2D(128, 4, strides=2, padding="same", name="conv2d_26")(leaky(x))
x = conv2d_27 = layers.Conv2D(256, 4, strides=2, padding="same", name="conv2d_27")(leaky(x))
parameters.check(keras.Model(image, x), report.TABLE_3)

# %% [markdown]
# Each of these three halves width and height; the last two also double the number of channels. Two rows are left, both with stride 1.
#
# **Predict, then open.** The table already gives their parameters: 2,097,664 for 256 → 512 channels and 8,193 for 512 → 1. Why does the last one need so few?
#
# <details><summary>Answer</summary>
#
# Each output channel has a kernel of its own, with a slice for every input channel. That makes 512 kernels of 4 · 4 · 256 weights against a single one of 4 · 4 · 512, plus one bias per kernel.
#
# </details>

# %%
x = conv2d_28 = layers.Conv2D(512, 4, padding="same", name="conv2d_28")(leaky(x))
x = conv2d_29 = layers.Conv2D(1, 4, padding="same", name="conv2d_29")(leaky(x))
trunk = keras.Model(image, x, name="trunk")
parameters.check(trunk, report.TABLE_3)

# %% [markdown]
# All six rows fit. Two thirds of the whole network are in `conv2d_28`. The last line says that 268,033 parameters are still missing.
# Keep that number in mind for section 4.
#
# There is another puzzle: the report promises a *single* value. What comes out of the last convolution?

# %%
print("the last convolution puts out", trunk.output_shape)

# %% [markdown]
# ### Exercise 1: how the photograph shrinks (1 point)
#
# Write a function that returns the width of every convolution's output, as a list. `rows` is a list like `report.TABLE_3.rows`; each row has `.k`, `.stride`, `.c_in` and `.c_out`.
# The photograph is `size` × `size` pixels, and all padding is 'same' (lesson 03, section 2).

# %% nbgrader={"grade_id": "sides", "solution": true}
def sides(rows, size):
    """Width of the output of each convolution in rows, as a list of whole numbers."""
    ### BEGIN SOLUTION: divide by each row's stride in turn, round up, and collect the widths
    result = []
    for row in rows:
        size = parameters.output_size(size, row.stride)
        result.append(size)
    return result
    ### END SOLUTION


# %% nbgrader={"grade_id": "sides-test", "grade": true, "points": 1}
lesson_05.check_sides(sides)
### BEGIN HIDDEN TESTS
lesson_05.check_sides(sides, seed=51)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. What one output sees (8 minutes)
#
# The last convolution puts out a map of 16×16 numbers. Each of them sees a patch of the photograph, its receptive field.
# How large is it after each convolution, by the rules of lesson 04?

# %%
stack = [(row.k, row.stride, 1) for row in report.TABLE_3.rows]         # (k, stride, enlarge)
computed = [parameters.receptive_field(stack[:n]) for n in range(1, 7)]
print(computed)

# %% [markdown]
# At the end it is 142×142 pixels, more than a quarter of the photograph. To see these pixels, ask the network: where an output depends on a pixel, its *gradient* isn't zero. (This is the derivative of lesson 04, section 6.)

# %%
def gradient(output, row, column):
    """How strongly one position of a layer's output depends on each pixel: float (256, 256)."""
    model = keras.Model(trunk.input, output)
    photo = tf.constant(photos.to_network(sharp)[None])
    with tf.GradientTape() as tape:
        tape.watch(photo)
        value = tf.reduce_sum(model(photo)[0, row, column])
    return np.abs(tape.gradient(value, photo)[0]).sum(axis=-1)


# %% [markdown]
# For each of the six convolutions, take an output in the middle of its map and find the pixels it depends on.

# %%
outputs = {"conv2d_24": conv2d_24, "conv2d_25": conv2d_25, "conv2d_26": conv2d_26,
           "conv2d_27": conv2d_27, "conv2d_28": conv2d_28, "conv2d_29": conv2d_29}
middle = {name: output.shape[1] // 2 - 1 for name, output in outputs.items()}
seen = {name: gradient(output, middle[name], middle[name]) > 0 for name, output in outputs.items()}


def spotlight(picture, top, left, width):
    """The picture, dark outside a square, which has a white frame around it."""
    view = picture // 3
    view[max(top - 2, 0):top + width + 2, max(left - 2, 0):left + width + 2] = 255
    view[top:top + width, left:left + width] = picture[top:top + width, left:left + width]
    return view


# %%
frames = {}
for name, mask in seen.items():
    inside = np.flatnonzero(mask.any(axis=1))               # the rows of pixels that it depends on
    frames[f"{name}: {len(inside)}×{len(inside)}"] = spotlight(sharp, inside[0], inside[0], len(inside))
print("measured as computed:", [mask.any(axis=1).sum() for mask in seen.values()] == computed)

widgets.slider(list(frames.values()), list(frames), name="layer", zoom=1.5,
               alt="Photograph of a palace, bright only where the middle output of a layer depends on it")

# %% [markdown]
# ### Where is the patch?
#
# That settles the size. The position follows from the padding. 'Same' padding with stride $S$ adds $K - S$ zeros to each row of pixels, half of them before it and half behind it. If their number is odd, the one left over goes behind it, so before the first pixel there are
#
# $$p = \lfloor (K - S) / 2 \rfloor$$
#
# zeros (provided that $K \ge S$ and that $S$ divides the size). So output $i$ of a layer covers its inputs from $i \cdot S - p$ to $i \cdot S - p + K - 1$.
#
# Example: a kernel of 4 with stride 2 has $p = 1$. Output 0 covers inputs −1 to 2, where −1 is a padding zero. Output 5 covers 9 to 12.

# %% [markdown]
# ### Exercise 2: from output to pixels (2 points)
#
# Write a function that returns the first and the last pixel, along one row of the photograph, that output number `index` of the *last* convolution in `rows` sees.
# If a number lies outside the photograph, leave it as it is.
#
# Walk backwards, as in lesson 04: if you need a range of a layer's outputs, which range of its inputs do you need?

# %% nbgrader={"grade_id": "patch", "solution": true}
def patch(rows, index):
    """(first, last): the pixels that output `index` of the last convolution sees, along one side."""
    ### BEGIN SOLUTION: start with first = last = index at the last row, and map both back through each row to the photograph
    first = last = index
    for row in reversed(rows):
        padding = (row.k - row.stride) // 2
        first = first * row.stride - padding
        last = last * row.stride - padding + row.k - 1
    return first, last
    ### END SOLUTION


# %% nbgrader={"grade_id": "patch-test", "grade": true, "points": 2}
lesson_05.check_patch(patch)
### BEGIN HIDDEN TESTS
lesson_05.check_patch(patch, seed=52)
### END HIDDEN TESTS

# %% [markdown]
# ### All 256 patches
#
# Neighbouring outputs of the last convolution look at patches that are 16 pixels apart and 142 pixels wide, so the patches overlap a lot.
# Move the sliders from the middle to the corners. The grey rim stands for the zeros of 'same' padding; for a network that takes numbers in [-1, 1], 0 *is* mid-grey.
# (In fact every convolution pads its own input. The rim shows how far all six together reach beyond the border.)

# %%
first, last = np.flatnonzero(seen["conv2d_29"].any(axis=1))[[0, -1]]    # what output 7 sees, measured
before = 16 * 7 - first                     # outputs 0 and 15 reach this far over the border
after = 16 * 8 + last - 255
room = np.pad(sharp, [(before, after), (before, after), (0, 0)], constant_values=128)

widgets.explore(
    lambda row, column: spotlight(room, 16 * row, 16 * column, 142),
    {"row": [0, 3, 7, 11, 15], "column": [0, 3, 7, 11, 15]}, start={"row": 7, "column": 7},
    kilobytes=500,
    alt="Photograph with a grey rim; the patch of 142 by 142 pixels that one output sees is bright",
)

# %% [markdown]
# In the corners an output looks mostly at padding. The rim is wider on the right and at the bottom than on the left and at the top: a 4×4 kernel has no middle pixel,
# so with stride 1 it reaches one step back and two steps forward. Here each such step is 16 pixels.
#
# The picture above takes the patch measured in the middle and shifts it. Is that right for all positions? Measure again, along the diagonal:

# %%
def agrees(position):
    """Whether the measured patch of an output on the diagonal is the shifted one, cut off at the border."""
    rows = np.flatnonzero(gradient(conv2d_29, position, position).any(axis=1))
    start = 16 * position - before
    return rows[0] == max(start, 0) and rows[-1] == min(start + 141, 255)


print("all 16 patches as drawn:", all(agrees(position) for position in range(16)))

# %% [markdown]
# A receptive field says what an output *can* see. Not all of it counts equally. Here is the size of the gradient itself, for the same output as before.

# %%
strength = gradient(conv2d_29, 7, 7)
inside = strength[first:last + 1, first:last + 1]
brightness = np.clip(strength / np.quantile(inside, 0.99), 0, 1)
figures.images(
    {"can see": spotlight(sharp, first, first, 142), "how strongly": np.uint8(255 * brightness)},
    alt="Left, the patch in the photograph. Right, the gradient: strong in the centre of the patch, faint at the edges",
)

# %%
middle_part = inside[35:107, 35:107]        # half as wide and half as high
print(f"the middle part has {middle_part.size / inside.size:.0%} of the area")
print("and more than 40% of the gradient:", bool(middle_part.sum() > 0.4 * inside.sum()))

# %% [markdown]
# Many paths lead through the six kernels from a pixel in the centre to the output, but only one leads there from a corner.
# So, at least before training, an output mostly depends on an area smaller than its receptive field.

# %% [markdown]
# ## 4. The missing 268,033 (12 minutes)
#
# The six convolutions, the *trunk*, answer with 256 numbers, but the report promises one. The report also names three activations: "LeakReLU, Sigmoid and Tanh".
# LeakyReLU stands between the convolutions. Where are the other two?
#
# First clue, from lesson 04: batch normalisation is counted in Table 1, but has no row of its own. Could it be everything that is missing?

# %%
missing = report.TABLE_3.total - trunk.count_params()
print("missing:", f"{missing:,}", "· divided by 4:", missing / 4)

# %% [markdown]
# Batch normalisation has 4 numbers for each channel, but 268,033 is odd. So something else is missing, too.
#
# Second clue: the single value. A sigmoid gives a number between 0 and 1, so it comes last. The simplest way from 16×16 numbers to one is a *dense* layer.
# But from 256 numbers to 1, that needs only 257 parameters. The tanh needs a place as well: suppose a second dense layer in between, with an unknown number $n$ of *units* (outputs).
#
# > 16×16 map → flatten: 256 numbers → dense, $n$ units, tanh → dense, 1 unit, sigmoid
#
# Third clue, from common practice: in a discriminator of this kind, PatchGAN (Isola et al., 2017), batch normalisation follows every convolution
# except the first one and the one that makes the output map.
# That accounts for $4 \cdot (64 + 128 + 256 + 512) = 3{,}840$. If $n$ is now a whole number, the guess is a good one.

# %% [markdown]
# ### Exercise 3: how many units? (2 points)
#
# Write a function that finds $n$ from the number of parameters left over by the convolutions. `size` is the width of the photograph;
# the map has (size / 16)² numbers. `channels` lists the channels of all batch normalisations.
# If no whole number fits exactly, return `None`.
#
# With biases, the first dense layer has $n \cdot (\text{inputs} + 1)$ parameters and the second $n + 1$.

# %% nbgrader={"grade_id": "hidden-units", "solution": true}
def hidden_units(remainder, size, channels):
    """Units n of the first dense layer, given what the convolutions leave over; None if none fits."""
    ### BEGIN SOLUTION: subtract the batch normalisations, then solve for n
    inputs = (size // 16) ** 2
    n, rest = divmod(remainder - 4 * sum(channels) - 1, inputs + 2)
    return n if rest == 0 and n > 0 else None
    ### END SOLUTION


# %% nbgrader={"grade_id": "hidden-units-test", "grade": true, "points": 2}
lesson_05.check_hidden_units(hidden_units)
### BEGIN HIDDEN TESTS
lesson_05.check_hidden_units(hidden_units, seed=53)
### END HIDDEN TESTS

# %% [markdown]
# ### How good is the evidence?
#
# There are 2⁶ = 64 ways to choose which of the six convolutions are followed by batch normalisation. With 256 inputs, $n$ units need $257 n + (n + 1) = 258 n + 1$ parameters in both dense layers. Try all 64, and see which of them make $n$ a whole number:

# %%
from itertools import combinations

for number in range(7):
    for chosen in combinations(report.TABLE_3.rows, number):
        left = missing - sum(parameters.batch_normalisation(row.c_out) for row in chosen) - 1
        if left % 258 == 0:
            print(left // 258, "units if batch normalisation follows", ", ".join(row.name for row in chosen))

# %% [markdown]
# Two of 64 fit. By itself, a hit would be weak evidence. The 64 ways subtract only 34 different numbers, because some sums of channels are equal.
# What is left is always a multiple of 4, and one multiple of 4 in 129 is divisible by 258 = inputs + 2. So the chance of an accidental hit is about 34 / 129, one in four.
# But this hit is the customary placement, and it gives 1,024, a power of two, a number that programmers like to choose. That is hardly an accident.
#
# The two hits differ only in which of the layers with 64 channels is normalised; counting can't tell them apart. By custom it is the second.
#
# Now put it all together.

# %%
def normalised(x):
    return leaky(layers.BatchNormalization()(x))


image = keras.Input((256, 256, 3), name="image")
x = leaky(layers.Conv2D(64, 4, strides=2, padding="same", name="conv2d_24")(image))
x = normalised(layers.Conv2D(64, 4, strides=2, padding="same", name="conv2d_25")(x))
x = normalised(layers.Conv2D(128, 4, strides=2, padding="same", name="conv2d_26")(x))
x = normalised(layers.Conv2D(256, 4, strides=2, padding="same", name="conv2d_27")(x))
x = normalised(layers.Conv2D(512, 4, padding="same", name="conv2d_28")(x))
x = layers.Conv2D(1, 4, padding="same", name="conv2d_29")(x)
x = layers.Flatten()(x)
x = layers.Dense(1024, activation="tanh")(x)
x = layers.Dense(1, activation="sigmoid")(x)
discriminator = keras.Model(image, x, name="discriminator")
parameters.check(discriminator, report.TABLE_3)

# %% [markdown]
# 2,830,337 in convolutions, 3,840 in batch normalisation, 263,168 + 1,025 in dense layers: 3,098,370, to the digit.
#
# Here are flattening and the two dense layers. The lines stand for weights (only a few are drawn: every input is connected to every unit); each unit also has a bias.
# Look where the parameters are: nearly all of the 268,033 lie between the 256 numbers and the 1,024 units.

# %%
figures.show(
    diagrams.dense_head(trunk.output_shape[1], units=discriminator.layers[-2].units),
    alt="From left to right: the map of 16×16 numbers, flattened to 256 numbers; a dense layer with tanh makes 1,024 numbers of them "
        "with 263,168 parameters; a dense layer with sigmoid makes a single number with 1,025 parameters",
)

# %% [markdown]
# ### Think: what does a total prove? (2 points)
#
# "The number of parameters is right to the digit, and every row of Table 3 fits. So this *is* the report's network," says a classmate.
#
# 1. Name two things that could be different in the report's network without changing any count.
# 2. Name one thing that the counts do decide (with batch normalisation in its customary places), although Table 3 doesn't mention it. How do they decide it?
#
# Three or four sentences are enough.

# %% [markdown] nbgrader={"grade_id": "think-total", "grade": true, "solution": true, "points": 2}
# ### BEGIN SOLUTION
# Activations have no parameters: LeakyReLU could have another slope, and it could come before the batch normalisation instead of after it. Likewise the batch normalisation of 64 channels could follow the first convolution instead of the second.
# With the 256×256 pixels of Section 3.2, the padding is decided, although the table doesn't mention it. Without padding the map would have 8×8 positions, so the first dense layer would have 64 inputs, and with the customary batch normalisation no whole number of units would give the total. (The number of 1,024 units and the biases are decided in the same way.)
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# - 1 point, half for each of two things without influence on the counts: slope or kind of an activation, order of activation and normalisation, which of the two layers with 64 channels is normalised, momentum or ε of the normalisation, initial weights, dropout. Strides and swapped convolutions are *not* among them: Table 3 gives them.
# - 1 point for one thing the counts decide, *with* the reason: 'same' padding, *given* 256×256 pixels (size of the map → inputs of the dense layer); that the map has 256 positions; *given* 'same' padding, a side of 241 to 256 (likewise); number of hidden units, biases, that moving mean and variance are counted, that there are dense layers at all. Half a point without the reason.
# ### END MARK SCHEME

# %% [markdown]
# ## 5. Why 256×256? (2 minutes)
#
# The generator takes any photograph. Does the discriminator?

# %%
try:
    discriminator(np.zeros((1, 128, 128, 3), np.float32))
except ValueError:
    print("A discriminator for 256×256 pixels refuses 128×128.")

for size in (64, 128, 256, 512):
    first_dense = networks.discriminator(size=size).get_layer("dense")
    inputs, count = first_dense.kernel.shape[0], first_dense.count_params()
    print(f"{size:3}×{size:<3}  {inputs:5} inputs  {count:9,} parameters in the first dense layer")

# %% [markdown]
# Convolutions share their weights between positions. A dense layer doesn't: each unit has one weight for each position of the map.
# So its size fixes the photograph's size, and photographs of 1280×720 must be cut or scaled: "The training process begins by dividing the input image into a 256x256 matrix" (Section 3.2).

# %% [markdown]
# ## 6. Probability or score (3 minutes)
#
# The last unit computes a sum $s$, which can be any number. The sigmoid, $D = 1 / (1 + e^{-s})$, turns it into a probability.

# %%
import matplotlib.pyplot as plt

s = np.linspace(-8, 8, 161)
D = 1 / (1 + np.exp(-s))
figure, axes = plt.subplots(1, 2, figsize=(8, 3))
axes[0].plot(s, D)
axes[0].set(title="D: the answer", xlabel="s: sum in the last unit", ylim=(-0.03, 1.03))
axes[1].plot(s, D * (1 - D), color=figures.COLOURS["vermilion"])
axes[1].set(title="slope of D", xlabel="s: sum in the last unit", ylim=(0, 0.27))
figures.show(figure, alt="Left, the sigmoid rises from 0 to 1 around s = 0. "
                         "Right, its slope is 0.25 at s = 0 and almost 0 beyond s = 6 on both sides")

# %% [markdown]
# Where the network is sure, the curve is flat: the answer hardly changes when the photograph does. But these changes are what the generator learns from.
# Whether that hurts depends on the loss. Equation (1)'s $\log(1-D)$ pulls on the score with strength $D$, which vanishes where the discriminator is sure of a fake. $-\log D$ pulls with $1-D$: its logarithm makes up for the flat curve (lesson 01, section 7).
# A loss that uses $D$ itself, without a logarithm, pulls with the slope shown on the right, which vanishes on both sides.
#
# For such a loss one omits the sigmoid and uses the score $s$ itself. A network that rates instead of deciding is called a *critic*:

# %%
critic = networks.discriminator(output="linear")
print(f"parameters with sigmoid: {discriminator.count_params():,} · without: {critic.count_params():,}")

# %% [markdown]
# The report names both a sigmoid and a Wasserstein loss, which is made for critics. Whether the two fit together is a question for lesson 06.

# %% [markdown]
# ## 7. What does it learn? (6 minutes)
#
# Time to train one. To finish in less than a minute, this one is smaller: it takes patches of 64×64 pixels and has a quarter of the channels. The layers are of the same kinds and in the same order.
# Its loss, `binary_crossentropy`, is equation (1) again: for as many real patches as fakes it is $-V/2$. Making it small makes $V$ large. Always answering 1/2 gives $\log 2 = 0.69$. (*Adam* chooses the size of the steps: lesson 07.)
# It sees sharp patches (answer 1) and the same patches with motion blur in random directions (answer 0). There is no generator yet, so nothing improves the fakes.

# %%
keras.utils.set_random_seed(5)
rng = np.random.default_rng(5)
small = networks.discriminator(size=64, width=16)
small.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), loss="binary_crossentropy")
training_photos = [photos.load(name) for name in photos.names("train")]


def pairs(photographs, number, rng):
    """Sharp and blurred patches of randomly chosen photographs, each (number, 64, 64, 3) in [-1, 1]."""
    chosen = [photographs[rng.integers(len(photographs))] for _ in range(number)]
    blurry, clear = zip(*[blur.blur_patch(photo, 2, 64, rng) for photo in chosen])      # level 2: random directions
    return photos.to_network(np.stack(clear)), photos.to_network(np.stack(blurry))


labels = np.repeat([[1.0], [0.0]], 16, axis=0)
for step in range(80):
    loss = small.train_on_batch(np.concatenate(pairs(training_photos, 16, rng)), labels)
print("the loss is below that of guessing:", bool(loss < np.log(2)))

# %% [markdown]
# 80 steps are few. Test it on patches of photographs it has never seen, always a sharp patch and the same patch blurred:

# %%
test_photos = [photos.load(name) for name in photos.names("test")]
real, fake = pairs(test_photos, 200, np.random.default_rng(1))
D_real, D_fake = small.predict(real, verbose=0), small.predict(fake, verbose=0)
print("the sharp one gets the higher answer in over 85% of the pairs:", bool(np.mean(D_real > D_fake) > 0.85))

# %% [markdown]
# Now slide this little judge over a whole photograph, in steps of 16 pixels, and note its answer at each place.
# The right half of the photograph is blurred, by as many pixels as the slider says.

# %%
scene = palace[20:420, 120:520]


def blurred_on_the_right(length):
    """The scene with motion blur of this length in its right half."""
    both = scene.copy()
    both[:, 200:] = blur.convolve(scene, blur.linear_psf(length, 30))[:, 200:]
    return both


def verdict(photo):
    """The judge's answer for each window of 64×64 pixels, 16 pixels apart."""
    windows = np.lib.stride_tricks.sliding_window_view(photo, (64, 64, 3))[::16, ::16, 0]
    patches = photos.to_network(windows.reshape(-1, 64, 64, 3))
    return small.predict(patches, batch_size=128, verbose=0).reshape(windows.shape[:2])


def draw(photo):
    """A photograph, and the judge's answers at the windows' centres."""
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 4.1))
    axes[0].imshow(photo)
    axes[0].axvline(200, color="white", linestyle=":")
    axes[0].set_title("the photograph")
    shown = axes[1].imshow(verdict(photo), cmap="gray", vmin=0, vmax=1, extent=(24, 376, 376, 24))
    axes[1].add_patch(plt.Rectangle((24, 24), 352, 352, fill=False, edgecolor="0.4"))     # answers near 1 are as white as the page
    axes[1].set(title="the judge's answers", xlim=(0, 400), ylim=(400, 0))
    for axis in axes:
        axis.axis("off")
    bar = figure.colorbar(shown, ax=axes[1], ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["0 fake", "0.5", "1 real"])
    return figure


# %%
widgets.explore(
    lambda length: draw(blurred_on_the_right(length)), {"length": [0, 3, 6, 9, 12, 15]}, start={"length": 12},
    alt="A palace and trees, blurred on the right, beside a map of answers: near 1 on the sharp building, "
        "lower on the blurred trees, and on sky and water with or without blur",
)

# %% [markdown]
# Watch the trees at the bottom right: the longer the motion, the lower the answer. But at length 0, where nothing is blurred at all, other parts of the map are still grey or dark. Which, and why?
#
# <details><summary>Answer</summary>
#
# The sky and the hazy water. A perfectly smooth patch looks the same whether sharp or blurred, so the best answer is 1/2: that is the upper sky. The water has faint, soft detail. In training, such a patch was more often blurred than sharp,
# so $p / (p + q)$ is below 1/2 (lesson 01), although nothing is blurred here. The judge doesn't know what sharpness is. It looks for fine detail, and where there is little, it gives the answer that was usual in training.
#
# </details>

# %%
def trees(photo):
    """The mean answer for the trees below on the right."""
    return verdict(photo)[16:, 12:].mean()


means = [trees(blurred_on_the_right(length)) for length in (0, 6, 12)]
print("the answer for the trees falls from 0 to 6 and from 6 to 12 pixels:", bool(means[0] > means[1] > means[2]))

# %% [markdown]
# **Predict, then run.** Add noise to the blurred half, as a poor camera would. The photograph gets worse. What will the judge say?

# %%
worse = blurred_on_the_right(12)
worse[:, 200:] = blur.noise(worse, 12, np.random.default_rng(3))[:, 200:]
figures.show(draw(worse), alt="The same photograph with noise on its blurred right half. "
                              "The map is brighter there than without noise")

# %%
print("noise raises the answer for the blurred trees:", bool(trees(worse) > means[2]))
noisy = np.clip(fake + 0.1 * np.random.default_rng(3).standard_normal(fake.shape), -1, 1)
D_noisy = small.predict(noisy, verbose=0)
print("and for over 85% of the blurred test patches:", bool(np.mean(D_noisy > D_fake) > 0.85))

# %% [markdown]
# The blurred trees now pass for real; the sky and the water change much less. Noise is fine detail, too, and this judge has never met it on a fake. A generator trained against this judge could win by painting noise instead of removing blur.
# That is why the two networks are trained in turn: the discriminator then meets each new trick. And the report has a second loss, the perceptual loss
# on the generator's output itself, to "ensure the GAN model is deblurring the images" (Section 2.3.1). Lesson 06 is about both.

# %% [markdown]
# ## 8. The whole GAN (2 minutes)
#
# Here are both networks together, as in Figure 1 of the report; the diagram is drawn from the models themselves.
# Each bar is a convolution or a dense layer. Its height shows the resolution, its width the number of channels. Dense layers are orange.

# %%
generator = networks.generator()
figures.show(
    figures.gan_diagram(generator, discriminator),
    alt="Blurred photograph into the generator, 24 convolutions, 11,399,171 parameters; its output and sharp photographs "
        "into the discriminator, 6 convolutions and 2 dense layers, 3,098,370 parameters; "
        "out comes one number, which trains both networks",
)

# %% [markdown]
# One thing differs from Figure 1, where the generator takes random noise. This one takes the blurred photograph, as Section 3.1 of the report admits.
# That makes it a *conditional* GAN: its output should be not just any sharp photograph, but the sharp version of this one.

# %%
total = generator.count_params() + discriminator.count_params()
both = generator.layers + discriminator.layers
convolutions = sum(isinstance(layer, layers.Conv2D) for layer in both)
print(f"parameters: {total:,} = {total / 1e6:.1f}M")
print("convolutions:", convolutions)

# %% [markdown]
# "30 layers and 14.5M parameters in total", says Section 2. The 30 layers are the convolutions alone; the 14.5 million include batch normalisation and dense layers.

# %% [markdown]
# ## 9. Challenge: a patch critic (12 minutes)
#
# In section 7 a small network went over the photograph window by window. But the trunk already does that by itself: leave out the dense layers, train the 16×16 numbers directly,
# and each becomes the verdict on its patch. Such a network works for photographs of any size and needs 264,193 fewer parameters. It is called a *PatchGAN* (Isola et al., 2017), and many image-to-image GANs use one.
# The best-known one has one stride-2 convolution fewer:

# %%
print("Table 3: ", parameters.receptive_field(stack))
print("PatchGAN:", parameters.receptive_field([(4, 2, 1), (4, 2, 1), (4, 2, 1), (4, 1, 1), (4, 1, 1)]))

# %% [markdown]
# ### Exercise 4: build it from rows (3 points)
#
# Write a function that builds a patch critic from any list of rows:
#
# - input: photographs of `size` × `size` pixels with `rows[0].c_in` channels;
# - a convolution with 'same' padding for every row;
# - LeakyReLU with slope 0.2 after every convolution except the last;
# - batch normalisation between convolution and LeakyReLU, except in the first row;
# - output: the map of the last convolution as it is.

# %% nbgrader={"grade_id": "patch-critic", "solution": true}
def patch_critic(rows, size):
    """A keras.Model from (N, size, size, c_in) to the map of the last convolution in rows."""
    ### BEGIN SOLUTION: return a keras.Model with a convolution for each row, then whatever follows it
    image = x = keras.Input((size, size, rows[0].c_in))
    for i, row in enumerate(rows):
        x = layers.Conv2D(row.c_out, row.k, strides=row.stride, padding="same")(x)
        if i == len(rows) - 1:
            break
        if i > 0:
            x = layers.BatchNormalization()(x)
        x = layers.LeakyReLU(0.2)(x)
    return keras.Model(image, x)
    ### END SOLUTION


# %% nbgrader={"grade_id": "patch-critic-test", "grade": true, "points": 3}
lesson_05.check_patch_critic(patch_critic)
### BEGIN HIDDEN TESTS
lesson_05.check_patch_critic(patch_critic, seed=54)
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# - The discriminator turns a photograph of 256×256 pixels into one number: six convolutions, four of them with batch normalisation, and two dense layers that Table 3 doesn't show.
# - 268,033 = 3,840 (batch normalisation) + 263,168 + 1,025 (dense). Only two of 64 placements of batch normalisation give a whole number of units, and one of them is the customary one, with 1,024. That is strong evidence, but a count says nothing about activations.
# - An output of the last convolution sees 142×142 pixels, and at first depends mostly on their middle. The padding determines where the patch lies.
# - The first dense layer fixes the size of the photograph. Without its dense layers, the network is a patch critic.
# - A discriminator learns what separates the examples it was shown, here fine detail, and nothing else. Noise can deceive it.
# - Together: 14,497,541 parameters, which the report rounds to 14.5M, and 30 convolutions. The generator takes the blurred photograph, not noise.
#
# [← previous: The generator](04_generator.ipynb) · [Glossary](glossary.md) · [next: Losses →](06_losses.ipynb)
