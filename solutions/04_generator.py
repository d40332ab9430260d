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
# # 04 · The generator
#
# The generator takes a blurred photograph and has to return a sharp one. In this lesson you build it, stage by stage, and after each stage
# a table shows how much of the report's Table 2 is done. Finished, it has the 11,399,171 parameters of Table 1.
#
# **You will be able to**
# - build the report's generator in Keras and check it, row by row, against the report's Table 2;
# - write a residual block and explain what its addition is for;
# - find the 20,992 parameters that Table 1 counts and Table 2 does not;
# - compute which part of a photograph one output pixel depends on, and verify it on the network;
# - compare two ways for the input to reach the output, a point on which the report is silent.
#
# **You need** lesson 03 (counting the parameters of a convolution and of batch normalisation).
#
# **Time** about 60 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib import blur, diagrams, evaluation, figures, networks, parameters, photos, report, restoration, widgets
from course_lib.backend import keras
from course_lib.checks import lesson_04

layers = keras.layers
photo = photos.load("summer_palace")[30:286, 40:296]
thumbnail = photo[::4, ::4]

# %% [markdown]
# ## 1. The plan (5 minutes)
#
# Table 2 lists 24 convolutions. Here is the network that they belong to. Each box is the output of one stage: its height shows the height of the image, its width the
# number of channels. The numbers below the boxes are for an image of 256×256 pixels.

# %%
figures.show(
    diagrams.hourglass([("blurred", 256, 3), ("first", 256, 64), ("down", 128, 128), ("down", 64, 256),
                        ("9 residual\nblocks", 64, 256), ("up", 128, 128), ("up", 256, 64), ("last", 256, 3)]),
    alt="The stages of the generator: the image is halved twice while the channels grow from 64 to 256, "
        "stays at 64×64 through nine residual blocks, and is doubled twice. "
        "An arrow leads from the blurred input past all stages to the output.",
)

# %% [markdown]
# How much of this does the report tell us? Table 2 gives kernel, stride and channels of the convolutions, and Section 2.1 names batch normalisation and ReLU.
# The report doesn't say where the batch normalisations go, where the image grows again or how the network ends, and it doesn't mention the arrow.
# Table 1's total will settle how many batch normalisations there are. The rest has no parameters, so no count can settle it. There the course follows
# a Keras implementation that has exactly the report's layers; for the arrow, you will compare two versions in section 8.

# %% [markdown]
# ### Exercise 1: seven shapes (1 point)
#
# The network is made of convolutions, so it takes images of any height and width that can be halved twice. What shapes come out of its seven stages?
# Write a function that returns them as a list of seven `(height, width, channels)`, from *first* to *last*.

# %% nbgrader={"grade_id": "stage-shapes", "solution": true}
def stage_shapes(height, width):
    """Shapes after first, down, down, blocks, up, up, last; height and width are multiples of 4."""
    ### BEGIN SOLUTION: return a list of seven (height, width, channels)
    return [
        (height, width, 64),
        (height // 2, width // 2, 128),
        (height // 4, width // 4, 256),
        (height // 4, width // 4, 256),
        (height // 2, width // 2, 128),
        (height, width, 64),
        (height, width, 3),
    ]
    ### END SOLUTION


# %% nbgrader={"grade_id": "stage-shapes-test", "grade": true, "points": 1}
lesson_04.check_shapes(stage_shapes)
### BEGIN HIDDEN TESTS
lesson_04.check_shapes(stage_shapes, seed=41)
### END HIDDEN TESTS

# %% [markdown]
# **Predict, then open.** In the middle the image is only 64×64. Does the network throw most of the photograph away there?
#
# <details><summary>Answer</summary>
#
# Not necessarily. The photograph holds 256 × 256 × 3 = 196,608 numbers, the middle stage 64 × 64 × 256 = 1,048,576: more than five times as many.
# Values that lay side by side in the image can be kept in different channels of one pixel.
#
# </details>

# %% [markdown]
# ## 2. In and down (5 minutes)
#
# In Keras you call a layer on a *tensor* (an array inside the network) and get the next tensor. `None` in the input's shape leaves height and width open.

# %%
keras.utils.clear_session()             # layer names start from conv2d again
blurred = keras.Input((None, None, 3), name="blurred")

x = layers.Conv2D(64, 7, padding="same")(blurred)       # 64 kernels of 7×7
x = layers.BatchNormalization()(x)
first = layers.ReLU()(x)                                # negative numbers become 0

parameters.check(keras.Model(blurred, first), report.TABLE_2)

# %% [markdown]
# One of 24 rows is done. Below the rows the table lists what your model has besides convolutions, and what is still missing from Table 1's total. Keep an eye on these lines.
#
# The same three layers form every stage outside the residual blocks but the last, so they deserve a function.

# %%
def conv_norm_relu(x, channels, k, stride=1):
    """Convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(channels, k, stride, padding="same")(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x)


down_1 = conv_norm_relu(first, 128, 3, stride=2)
down_2 = conv_norm_relu(down_1, 256, 3, stride=2)
parameters.check(keras.Model(blurred, down_2), report.TABLE_2)

# %% [markdown]
# Why shrink the image when a large, sharp one is wanted? Because the work is proportional to the number of pixels.
# Here is the cost of one of the blocks' 3×3 convolutions, at full size and after the two down stages:

# %%
full, quarter = (parameters.macs(256, 256, 3, side, side) for side in (256, 64))
print(f"at 256×256 pixels: {full / 1e9:.1f} billion multiply–accumulates")
print(f"at 64×64 pixels:    {quarter / 1e9:.1f} billion, {full // quarter} times less")

# %% [markdown]
# There is a second gain. At this size, 3×3 pixels cover 12×12 pixels of the photograph, so the network sees farther; section 6 comes back to this.
#
# *A clue in the names.* You did not choose the names `conv2d`, `conv2d_1`, `conv2d_2`: Keras numbers layers in the order in which they are made.
# The report's Table 2 has the same names, and Table 3 continues with `conv2d_24`. So the report's networks were probably made in one Keras session, the generator first.

# %% [markdown]
# ## 3. Residual blocks (11 minutes)
#
# Nine blocks follow, with 18 convolutions. Stacking so many layers has a price, which the next cell makes visible *before any training*.
#
# It builds two stacks with random weights, both with two convolutions per block. In the plain stack, layer simply follows layer.
# In the other, each block *adds its input to its result*. To see how much of the photograph is left after a block, we mix the block's 64 channels
# (a sum with the best possible weights) into a picture as near to the photograph as possible.

# %%
def stack(residual, blocks=9):
    """An untrained narrow entrance and nine blocks, plain or residual; a model with the output of every block."""
    x = conv_norm_relu(conv_norm_relu(conv_norm_relu(blurred, 16, 7), 32, 3, stride=2), 64, 3, stride=2)
    outputs = [x]
    for _ in range(blocks):
        x = networks.residual_block(x) if residual else conv_norm_relu(conv_norm_relu(x, 64, 3), 64, 3)
        outputs.append(x)
    return keras.Model(blurred, outputs)


def best_mix(features):
    """The sum of all channels, with the weights of least squares, that comes nearest to the thumbnail."""
    channels = np.concatenate([features[0].numpy().reshape(64 * 64, -1), np.ones((64 * 64, 1))], axis=1)
    goal = photos.to_network(thumbnail).reshape(64 * 64, 3)
    mix = channels @ np.linalg.lstsq(channels, goal, rcond=None)[0]
    return photos.to_image(mix.reshape(64, 64, 3)), 1 - np.mean((mix - goal) ** 2) / np.var(goal)


keras.utils.set_random_seed(0)
batch = photos.to_network(photo)[None]                      # (1, 256, 256, 3)
left = {name: [best_mix(features) for features in stack(residual)(batch, training=True)]
        for name, residual in (("plain", False), ("residual", True))}

# %% [markdown]
# Move the slider from 0 to 9 blocks.

# %%
def what_is_left(blocks):
    return diagrams.side_by_side({"photograph, 64×64": thumbnail, "plain": left["plain"][blocks][0],
                                  "with additions": left["residual"][blocks][0]})


widgets.explore(what_is_left, {"blocks": [0, 1, 2, 3, 5, 7, 9]}, start={"blocks": 9},
                alt="What can be recovered of the photograph from the channels after some untrained blocks, "
                    "plain and with additions")

# %%
plain, residual = left["plain"][9][1], left["residual"][9][1]
print("after nine blocks, share of the photograph's variance that is left")
print("plain, below one half:         ", plain < 0.5)
print("with additions, above one half:", residual > 0.5)

# %% [markdown]
# Random layers scramble what they are given, and after 18 of them the plain stack has lost most of it. The additions give the photograph a path around every block.
# Training needs this path in both directions: the photograph has to reach the last layers, and the correction of an error has to reach the first ones.
#
# Here is such a *residual block* (He et al., the report's reference [6]):

# %%
figures.show(diagrams.residual_block(),
             alt="A residual block: convolution 3×3, batch normalisation, ReLU, convolution 3×3, batch normalisation; "
                 "then the block's input, led around these layers, is added.")

# %% [markdown]
# (In the original block another ReLU follows the addition. DeblurGAN (the report's reference [2]) leaves it out, and so do we. A ReLU has no parameters, so counting cannot tell.)
#
# The layers inside compute $F(x)$; the block returns $x + F(x)$. So *doing nothing* is easy: $F(x) = 0$ is enough. A block has to learn only the change.

# %% [markdown]
# ### Exercise 2: the residual block (2 points)
#
# Write the block shown in the picture. It should work for any number of channels: `x.shape[-1]` channels come in, and the same number goes out.
# `layers.Add()([a, b])` adds two tensors.

# %% nbgrader={"grade_id": "residual-block", "solution": true}
def residual_block(x):
    """Returns x + F(x), a tensor of the same shape as x."""
    ### BEGIN SOLUTION: apply the five layers of the picture one after another, starting from x, then add x
    channels = x.shape[-1]
    y = layers.Conv2D(channels, 3, padding="same")(x)
    y = layers.BatchNormalization()(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(channels, 3, padding="same")(y)
    y = layers.BatchNormalization()(y)
    return layers.Add()([x, y])
    ### END SOLUTION


# %% nbgrader={"grade_id": "residual-block-test", "grade": true, "points": 2}
lesson_04.check_residual_block(residual_block)
### BEGIN HIDDEN TESTS
lesson_04.check_residual_block(residual_block, seed=42)
### END HIDDEN TESTS

# %% [markdown]
# Now stack nine of them. The lesson continues with the course library's block, so that it runs with or without yours.
# (The two differ in one setting: the library's running averages forget faster, with `momentum=0.9` instead of Keras' 0.99, as the course's training is short.)

# %%
deep = down_2
for _ in range(9):
    deep = networks.residual_block(deep)

for name, tensor in (("before", down_2), ("after", deep)):
    print(f"{name:6} the blocks:", keras.Model(blurred, tensor).compute_output_shape((1, 256, 256, 3)))
parameters.check(keras.Model(blurred, deep), report.TABLE_2)

# %% [markdown]
# **Predict, then open.** Section 2.1 of the report says: "Each ResNet block contains a convolution layer, batch normalization layer and ReLU as activation layer. 9 ResNet block were used in total
# for upsampling of blurred image." Two things in this passage do not fit the table above. Which?
#
# <details><summary>Answer</summary>
#
# - *A* convolution layer: rows `conv2d_3` to `conv2d_20` are 18 convolutions in nine blocks, so each has two.
# - *For upsampling*: the blocks leave the shape as it is. They have to, because $x$ and $F(x)$ can only be added if their shapes are equal. The image grows afterwards.
#
# The table agrees with the total of Table 1, so the passage is a loose description of a correct network. Where text and table differ, trust what you can count yourself.
#
# </details>

# %% [markdown]
# ## 4. Up and out (3 minutes)
#
# To return to full size, the image is doubled twice. `UpSampling2D` repeats every pixel, which needs no parameters, so Table 2 has no row for it.

# %%
small = np.array([[1.0, 2.0],
                  [3.0, 4.0]])
print(layers.UpSampling2D(2)(small[None, :, :, None])[0, :, :, 0].numpy())

# %% [markdown]
# After each doubling a convolution smooths the blocky result and halves the number of channels.

# %%
up_1 = conv_norm_relu(layers.UpSampling2D(2)(deep), 128, 3)
up_2 = conv_norm_relu(layers.UpSampling2D(2)(up_1), 64, 3)
parameters.check(keras.Model(blurred, up_2), report.TABLE_2)

# %% [markdown]
# The last convolution goes back to three channels. The *tanh* keeps their values between −1 and 1, the range that the network uses for images
# (−1 is black, 1 is white). The input is added, and the sum is clipped to the same range.

# %%
last = layers.Conv2D(3, 7, padding="same")(up_2)
change = layers.Activation("tanh")(last)
output = keras.ops.clip(layers.Add()([blurred, change]), -1, 1)

generator = keras.Model(blurred, output, name="generator")
parameters.check(generator, report.TABLE_2)

# %% [markdown]
# All 24 rows are there, and Keras counts the total of Table 1. The whole network is a residual block on a large scale: input plus change.

# %% [markdown]
# ## 5. The missing 20,992 (5 minutes)
#
# In lesson 03, the rows of Table 2 did not add up to Table 1's total. The lines below your table have just filled this gap, starting with 256:

# %%
print(f"rows of Table 2, equation (2):       {sum(row.parameters for row in report.TABLE_2.rows):,}")
print(f"generator in Table 1:                {report.TABLE_2.total:,}")
for kind in ("batch", "instance", "none"):
    total = networks.generator(normalisation=kind).count_params()
    print(f"our network, normalisation {kind + ':':10}{total:,}  difference {report.TABLE_2.total - total:,}")

# %% [markdown]
# Of the three, only batch normalisation gives the total. (*Instance normalisation*, which the original DeblurGAN uses, has two numbers per channel, γ and β, instead of four; DeblurGAN's own version has none.)
# So counting settles it, although the report gives neither a row nor a formula for normalisation: equation (2) covers convolutions, Table 1 covers everything.

# %% [markdown]
# ### Exercise 3: all of it (1 point)
#
# Where do the 20,992 come from? Write a function that adds up the parameters of all batch normalisations in the generator, for any width and number of blocks.
# The *width* is the number of channels of the first stage, 64 in the report; the other stages have two and four times as many.

# %% nbgrader={"grade_id": "normalisation", "solution": true}
def normalisation_parameters(width, blocks):
    """Parameters, trained or not, of all batch normalisations; the report has width 64 and 9 blocks."""
    ### BEGIN SOLUTION: add up the channels of all batch normalisations, four numbers per channel
    outside = [width, 2 * width, 4 * width, 2 * width, width]       # first, down, down, up, up
    inside = 2 * blocks * [4 * width]
    return 4 * sum(outside + inside)
    ### END SOLUTION


# %% nbgrader={"grade_id": "normalisation-test", "grade": true, "points": 1}
lesson_04.check_normalisation(normalisation_parameters)
### BEGIN HIDDEN TESTS
lesson_04.check_normalisation(normalisation_parameters, seed=43)
### END HIDDEN TESTS

# %% [markdown]
# ## 6. What one output pixel sees (8 minutes)
#
# To undo a motion of 30 pixels, the network has to look at least that far. How far does it look?
# The *receptive field* of an output pixel is the square of input pixels that it depends on.
#
# Walk backwards, from one output pixel to the input, along one row of the image. Blue marks what the pixel at the top depends on.

# %%
figures.show(diagrams.seen_pixels([(3, 1, 1), (3, 1, 1), (3, 1, 1)]),
             alt="Three 3×3 convolutions: one output pixel depends on 3, then 5, then 7 neighbouring pixels of the layers below.")

# %%
figures.show(diagrams.seen_pixels([(3, 2, 1), (3, 1, 1), (3, 1, 2)]),
             alt="A convolution with stride 2, one with stride 1, a doubling and a last convolution: one output pixel "
                 "depends on 3 pixels, before the doubling on 2, then 4, and on 9 pixels of the input.")

# %% [markdown]
# Two rules are enough:
#
# - **Convolution.** Each of $n$ neighbouring outputs looks at $k$ pixels, shifted by the stride from one to the next: together at $(n - 1) \times \text{stride} + k$ pixels.
# - **Doubling.** $n$ neighbours in a doubled image come from at most $\lfloor n / 2 \rfloor + 1$ pixels (`n // 2 + 1` in Python). Two neighbours, for instance, come from one pixel or from two, depending on where they are; take the larger number.
#
# The second picture, from the top: $(1 - 1) \cdot 1 + 3 = 3$; through the doubling, $\lfloor 3 / 2 \rfloor + 1 = 2$; then $(2 - 1) \cdot 1 + 3 = 4$; and with stride 2, $(4 - 1) \cdot 2 + 3 = 9$.

# %% [markdown]
# ### Exercise 4: the receptive field (2 points)
#
# Write a function that returns the side of the receptive field. The layers come as `(k, stride, enlarge)`, first layer first, as in lesson 03:
# `enlarge` is 2 if the image is doubled *before* the convolution, otherwise 1.

# %% nbgrader={"grade_id": "receptive-field", "solution": true}
def receptive_field(stack):
    """Side, in pixels, of the square of the input that one output pixel depends on."""
    ### BEGIN SOLUTION: start with n = 1 at the last layer and apply the two rules towards the input
    n = 1
    for k, stride, enlarge in reversed(stack):
        n = (n - 1) * stride + k
        if enlarge == 2:
            n = n // 2 + 1
    return n
    ### END SOLUTION


# %% nbgrader={"grade_id": "receptive-field-test", "grade": true, "points": 2}
lesson_04.check_receptive_field(receptive_field)
### BEGIN HIDDEN TESTS
lesson_04.check_receptive_field(receptive_field, seed=44)
### END HIDDEN TESTS

# %% [markdown]
# ### Does the network agree?
#
# A computed number deserves a test. How strongly the middle output pixel changes with one input pixel is a derivative, and TensorFlow computes all these derivatives at once.
# A gradient tape records what is done to `x`; `tape.gradient(y, x)` then returns the derivative of `y` with respect to every number in `x`. Lesson 07 trains with the same tape.
# Where the derivative is exactly 0, the output pixel sees nothing. The network here is narrow and has random weights; neither changes what is connected to what.

# %%
from course_lib.backend import tf


def influence(model, image):
    """|d (middle pixel of the output) / d (input pixel)|, summed over the colours; height × width."""
    x = tf.Variable(photos.to_network(image)[None])
    with tf.GradientTape() as tape:
        y = model(x, training=False)[0, image.shape[0] // 2, image.shape[1] // 2]
    return np.abs(tape.gradient(y, x)[0]).sum(axis=-1)


def stack_of(blocks):
    """(k, stride, enlarge) of all convolutions of a generator with this many blocks."""
    return [(7, 1, 1), (3, 2, 1), (3, 2, 1)] + 2 * blocks * [(3, 1, 1)] + [(3, 1, 2), (3, 1, 2), (7, 1, 1)]


seen = {}
for blocks in (0, 1, 3, 6, 9, 12):
    keras.utils.set_random_seed(1)
    model = networks.generator(width=8, blocks=blocks, output="halved")     # section 8 explains this form
    seen[blocks] = influence(keras.Model(model.input, model.get_layer("tanh").output), photo)
    rows = np.flatnonzero(seen[blocks].any(axis=1))
    print(f"{blocks:2} blocks: computed {parameters.receptive_field(stack_of(blocks)):3} pixels, "
          f"measured {rows[-1] - rows[0] + 1:3} pixels")

# %%
def see(blocks):
    side = parameters.receptive_field(stack_of(blocks))
    return diagrams.influence(photo, seen[blocks], side, f"{blocks} block{'s' * (blocks != 1)}: {side}×{side} pixels")


widgets.explore(see, {"blocks": list(seen)}, start={"blocks": 9},
                alt="The photograph with the receptive field of its middle pixel as a frame, and beside it how strongly "
                    "each pixel acts on the middle one; outside the frame there is no influence at all, just inside it very little")

# %% [markdown]
# The computed and measured sizes agree: 169 pixels for the report's nine blocks, about 84 to each side of the middle. Each block adds 16. The scale is logarithmic: the pixels at the frame's edge
# have some influence, but far less than a millionth of the strongest. Most influence comes from near the middle.
#
# The frame is fixed by the architecture. No training can make the network use what lies outside it, so a motion that carries light much farther than 84 pixels is beyond this generator.
# Inside the frame, training decides what counts. The frame also matters when a large photograph is processed in tiles: each tile needs a margin.
# The course takes 88 pixels: the frame is not centred exactly, an output pixel sees up to 87 on one side (and then 81 on the other), and 88 can be halved twice.

# %% [markdown]
# ## 7. What the stages put out (5 minutes)
#
# One channel of a stage, shown as a grey picture, is called a *feature map*. To see what training does to feature maps, the next cell takes a small generator
# that comes with the course: 16 channels in the first stage, three blocks, trained for eleven minutes on one known blur, without a discriminator. The same network with random weights serves for comparison.

# %%
trained = restoration.load("level1")
keras.utils.set_random_seed(2)
untrained = networks.generator(width=16, blocks=3)
blurred_photo, _ = blur.blur_photo(photo, level=1, rng=np.random.default_rng(0))
deblurred = restoration.deblur(blurred_photo, trained)
print("deblurred is nearer to the sharp photograph by more than 1 dB:",
      evaluation.psnr(photo, deblurred) - evaluation.psnr(photo, blurred_photo) > 1)
figures.images({"blurred": blurred_photo, "deblurred": deblurred, "sharp": photo},
               alt="A blurred photograph of a pavilion, what the small trained generator makes of it, and the sharp photograph")

# %% [markdown]
# **Predict, then move the sliders.** The blurred photograph goes in; you see the eight maps that vary most. After the stage *up 2* only one convolution is left.
# What will the maps show at *up 2* if the network has learned to return $x + \text{change}$?

# %%
def stages_of(model):
    """Features of the blurred photograph after four stages of a generator."""
    relus = [layer.output for layer in model.layers if isinstance(layer, layers.ReLU)]
    additions = [layer.output for layer in model.layers if isinstance(layer, layers.Add)]       # the last is the output's
    stages = {"first": relus[0], "down 2": relus[2], "last block": additions[-2], "up 2": relus[-1]}
    return dict(zip(stages, keras.Model(model.input, list(stages.values()))(photos.to_network(blurred_photo)[None])))


features = {"untrained": stages_of(untrained), "trained": stages_of(trained)}
widgets.explore(lambda network, stage: diagrams.map_sheet(features[network][stage][0].numpy()),
                {"network": list(features), "stage": list(features["trained"])}, start={"network": "untrained", "stage": "first"},
                alt="Eight feature maps of a generator for a blurred photograph")

# %% [markdown]
# With random weights, most maps show the blurred photograph in other tones, right up to the last stage. In the trained network nearly everything but the edges is gone at *down 2*,
# and after *up 2* thin edges on black are left: not a photograph, but what has to be *added* to the blurred one.
# (Each map is stretched from black to white on its own, so you can't compare brightness between maps.)

# %% [markdown]
# ## 8. How the input reaches the output (10 minutes)
#
# The report does not say what happens after the tanh. Two versions are in use. Here $x$ is the blurred input, $t$ the output of the tanh.
#
# | version | output | used in |
# |---|---|---|
# | true residual | clip($x + t$, −1, 1) | the original DeblurGAN, the report's reference [2] |
# | halved | $(x + t)\,/\,2$ | a Keras implementation of it that has exactly the report's layers |
#
# Both keep the output between −1 and 1, and both have the same number of parameters: no table can tell them apart. Their behaviour can.
#
# What does an *untrained* network return? The slider scales its last convolution, from 0 (so $t = 0$) to 1 (random weights, as Keras initialises them).
# PSNR (lesson 00) says how near the output is to the input; *inf* (infinite) means that they are identical.

# %%
keras.utils.set_random_seed(0)
model = networks.generator(width=16, output="halved")
last = keras.Model(model.input, model.get_layer("conv2d_23").output)(batch, training=False)[0].numpy()


def outputs(strength):
    """What both forms return when the last convolution is scaled by strength."""
    x, t = batch[0], np.tanh(strength * last)
    return {"true residual": photos.to_image(np.clip(x + t, -1, 1)), "halved": photos.to_image((x + t) / 2)}


def show_outputs(strength):
    pictures = outputs(strength)
    return diagrams.side_by_side({"input": photo} | {
        f"{name}: {evaluation.psnr(photo, picture):.1f} dB": picture for name, picture in pictures.items()})


widgets.explore(show_outputs, {"strength": [0, 0.25, 0.5, 1]}, start={"strength": 1}, kilobytes=500,
                alt="A photograph, and what an untrained network makes of it with both forms of the output")

# %%
nothing = outputs(strength=0)
print("true residual returns its input unchanged:", np.array_equal(nothing["true residual"], photo))
print(f"contrast of halved, as a share of the input's: {nothing['halved'].std() / photo.std():.2f}")

# %% [markdown]
# With the true residual, a network that has learned nothing returns its input with a random pattern on top, or without one if the last convolution starts with zeros.
# (`networks.generator()` starts this way, so untrained it returns exactly its input. That is why sections 6 and 8 take random weights from the other version.)
# With the halved form, it returns a photograph with half the contrast, and has to earn the rest back. What would the tanh have to return for a *perfect* result? Solve both forms for $t$, with the sharp photograph $s$ as the output:
# $t = s - x$ and $t = 2s - x$.

# %%
s, x = photos.to_network(photo), photos.to_network(blurred_photo)
figures.images(
    {"blurred x": blurred_photo, "true residual: t = s − x": photos.to_image(s - x),
     "halved: t = 2s − x": photos.to_image(2 * s - x)},
    alt="A blurred photograph; the t of the true residual, grey with only the edges visible; "
        "the t of the halved form, a whole photograph with exaggerated edges",
)

# %%
outside = {"true residual": np.mean(np.abs(s - x) > 1), "halved": np.mean(np.abs(2 * s - x) > 1)}
for name, share in outside.items():
    print(f"{name:14} pixel values whose t lies outside −1 … 1, where tanh cannot go: {100 * share:.0f} %")

# %% [markdown]
# In the middle picture mid-grey is $t = 0$: with the true residual, the tanh has to draw only the edges that the blur has softened, and nothing in smooth areas.
# With the halved form it has to draw the whole photograph, and cannot reach the pixels that need more than 1 or less than −1.
#
# How much harder is that to learn? The next cell gives both forms the simplest task there is: return the input.
# Both start with the same random weights, the last convolution included, and train for 80 steps on the same crops. Each point is the mean over 16 steps.

# %%
corners = np.random.default_rng(0).integers(0, 224, (128, 2))
crops = photos.to_network(np.stack([photo[row:row + 32, column:column + 32] for row, column in corners]))
keras.utils.set_random_seed(0)
forms = {"halved": networks.generator(width=8, blocks=3, output="halved"),
         "true residual": networks.generator(width=8, blocks=3, output="residual")}
forms["true residual"].set_weights(forms["halved"].get_weights())
learned = {}
for name, model in forms.items():
    keras.utils.set_random_seed(0)                          # the same order of crops
    model.compile(keras.optimizers.Adam(1e-3), loss="mse")
    mse = model.fit(crops, crops, batch_size=8, epochs=5, verbose=0).history["loss"]
    learned[name] = 10 * np.log10(2**2 / np.array(mse))      # PSNR; the range −1 … 1 is 2 wide

figure, axis = plt.subplots()
for (name, psnr), style in zip(learned.items(), ("s--", "o-")):
    axis.plot(16 * np.arange(1, 6), psnr, style, label=name)
axis.set(xlabel="training steps", ylabel="PSNR to the input (dB)", title="Learning to do nothing",
         xticks=16 * np.arange(1, 6))
axis.legend()
figures.show(figure, alt="PSNR to the input over 80 training steps: the true residual climbs steadily past 30 dB, "
                         "the halved form levels off near 22 dB.")

# %%
print("true residual more than 5 dB ahead after 80 steps:", learned["true residual"][-1] - learned["halved"][-1] > 5)

# %% [markdown]
# The course's generator uses the true residual; `networks.generator(output="halved")` gives the other form.
#
# ### Think: half of what? (2 points)
#
# 1. A pixel of the blurred photograph has the value $x = 0.5$. Between which values can the output lie in each form? Which sharp values can the halved form not produce there?
# 2. A colleague says: "The halved form is just as good. It only has to learn $t = x$, then it returns its input." Why is this hard to learn, while the true residual needs nothing of the kind?
#    Think of what the photograph must pass through to become $t$, and of the tanh at black and white pixels.
#
# Four or five sentences are enough.

# %% [markdown] nbgrader={"grade_id": "think-output", "grade": true, "solution": true, "points": 2}
# ### BEGIN SOLUTION
# $t$ lies between −1 and 1. The true residual gives clip(0.5 + t), from −0.5 to 1. The halved form gives (0.5 + t) / 2, from −0.25 to 0.75: a sharp value below −0.25 or above 0.75 (a black or a white detail that
# the blur has turned grey) is out of its reach.
#
# To return its input, the true residual needs $t = 0$, which is what small weights in the last convolution give. The halved form needs $t = x$: the whole photograph, pixel by pixel, has to pass through
# 24 convolutions, two halvings and two doublings, and come out unchanged. And tanh reaches −1 and 1 only for infinitely large inputs, so pure black and white are never reached.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# - 1 point for question 1: half a point for the two ranges (−0.5 to 1; −0.25 to 0.75), half a point for "below −0.25 and above 0.75". Without the clip (−0.5 to 1.5) the ranges give no points, the conclusion still does.
# - 1 point for question 2: half a point for the photograph having to be carried through all layers (or: copied exactly by the whole network) against $t = 0$; half a point for tanh reaching ±1 only in the limit.
# - "The halved form loses contrast" alone restates the picture: no point.
# ### END MARK SCHEME

# %% [markdown]
# ## 9. Challenge: the generator from its table (8 minutes)
#
# If Table 2 is a complete description, a program should be able to build the network from its rows. It is not quite complete, but you know what is missing.
#
# ### Exercise 5: build the generator (2 points)
#
# Write `build_generator(rows)`. `rows` is a list of `(k, stride, c_in, c_out)`, like this:

# %%
table_2 = [(row.k, row.stride, row.c_in, row.c_out) for row in report.TABLE_2.rows]
print(table_2[:5], "…", table_2[-4:], sep="\n")

# %% [markdown]
# The list may have other widths and another number of blocks, but it always has this structure. Return a `keras.Model` from an input of shape `(None, None, 3)` to clip($x + t$, −1, 1).
#
# - Tell from `stride`, `c_in` and `c_out` alone what each row is: first or down, part of a block, up, or last. Two rows form a block.
# - You may use `conv_norm_relu` and `networks.residual_block` from this lesson, or your own.
# - The check compares your network with Table 2, then gives yours and the course's the same random weights and compares the numbers at every layer.

# %% nbgrader={"grade_id": "build-generator", "solution": true}
def build_generator(rows):
    """A generator with the convolutions (k, stride, c_in, c_out) of rows, as a keras.Model."""
    ### BEGIN SOLUTION: go through the rows; stride and channels tell what each row is
    blurred = keras.Input((None, None, 3))
    x = blurred
    is_second = False                                   # of the two rows of a block
    for k, stride, c_in, c_out in rows[:-1]:
        if c_in == c_out:
            if is_second:
                x = networks.residual_block(x)
            is_second = not is_second
        else:
            if c_out < c_in:
                x = layers.UpSampling2D(2)(x)
            x = conv_norm_relu(x, c_out, k, stride)
    k, stride, c_in, c_out = rows[-1]
    t = layers.Activation("tanh")(layers.Conv2D(c_out, k, stride, padding="same")(x))
    return keras.Model(blurred, keras.ops.clip(layers.Add()([blurred, t]), -1, 1))
    ### END SOLUTION


# %% nbgrader={"grade_id": "build-generator-test", "grade": true, "points": 2}
lesson_04.check_generator(build_generator)
### BEGIN HIDDEN TESTS
lesson_04.check_generator(build_generator, seed=45)
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# - The generator halves the image twice, works on it in nine residual blocks at a quarter of its width and height, doubles it twice, and adds the result to its input.
# - A residual block returns $x + F(x)$. Even untrained, it lets much of the photograph through. It keeps the shape, so it cannot enlarge anything.
# - Table 2 and equation (2) count convolutions: 11,378,179. Batch normalisation adds 20,992, which gives Table 1's 11,399,171.
# - An output pixel sees 169×169 input pixels, most strongly those near the middle.
# - True residual and halved output have equal counts but behave very differently: what a table leaves out can matter more than what it holds.
#
# [← previous: Counting parameters](03_counting_parameters.ipynb) · [Glossary](glossary.md) · [next: The discriminator →](05_discriminator.ipynb)
