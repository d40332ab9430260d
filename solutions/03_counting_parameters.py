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
# # 03 · Counting parameters
#
# The report gives the size of its networks to the last digit: 11,399,171 and 3,098,370 parameters.
# Two such numbers are a gift to anyone who wants to rebuild a network, because a copy with a different count is not a copy.
# In this lesson you learn to produce such numbers yourself. (A *parameter* is a number that a network stores, nearly always one that it has learned.)
#
# **You will be able to**
# - compute an output pixel of a convolution by hand;
# - derive equation (2) and apply it to every row of the report's Tables 2 and 3;
# - count the parameters of layers that equation (2) leaves out: batch normalisation and dense layers;
# - tell the number of parameters from the amount of work, and say which of the two depends on the image size.
#
# **You need** Python with NumPy arrays, and sums of products. Having seen a convolution before helps, but is not needed.
#
# **Time** about 40 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib import diagrams, figures, parameters, photos, report, widgets
from course_lib.checks import lesson_03

# %% [markdown]
# ## 1. What the report claims (2 minutes)
#
# The network that deblurs is called the *generator*. Table 1 of the report gives its total, Table 2 lists its 24 convolutions, row by row.
# (The other network, the *discriminator*, judges images. It is listed in Table 3; lesson 05 builds it.)

# %%
figures.show(
    diagrams.table_bars(report.TABLE_2),
    alt="Bar chart of Table 2: 18 equal bars of 590,080 parameters, "
        "three that grow towards them before, three that shrink after.",
)

# %%
rows = sum(row.parameters for row in report.TABLE_2.rows)
print(f"sum of the rows of Table 2: {rows:,}")
print(f"generator in Table 1:       {report.TABLE_2.total:,}")
print(f"difference:                 {report.TABLE_2.total - rows:,}")

# %% [markdown]
# Two questions for this lesson: where does a number like 590,080 come from? And which kind of layer can hide 20,992 parameters
# that the rows don't show?

# %% [markdown]
# ## 2. A convolution by hand (6 minutes)
#
# Take an image of 5×5 pixels and a *kernel* of 3×3 weights.
# Lay the kernel on the image, multiply each weight by the pixel under it, and add the nine products: that is one output pixel.
# Then move the kernel by one pixel and do it again.

# %%
image = np.array([[1, 1, 1, 8, 8],
                  [1, 1, 1, 8, 8],
                  [1, 1, 1, 8, 8],
                  [1, 1, 8, 8, 8],
                  [1, 8, 8, 8, 8]])
kernel = np.array([[-1, 0, 1],
                   [-1, 0, 1],
                   [-1, 0, 1]])

# %% [markdown]
# Move the sliders. At each step, work out the sum yourself before you read it below the picture, where each product is written as weight·pixel.

# %%
widgets.explore(
    lambda row, column: diagrams.convolution_step(image, kernel, row, column),
    {"row": [0, 1, 2], "column": [0, 1, 2]},
    start={"row": 0, "column": 1},
    alt="A 3×3 kernel on a 5×5 image, the nine products, "
        "and the output pixels computed so far",
)

# %% [markdown]
# This kernel subtracts the pixels left of its centre from those right of it. On the uniform dark area the output is 0;
# where the image turns from dark to bright, the output is large. A network learns weights like these by itself, in training.
#
# Each kernel also has a *bias*: one number that is added to every output pixel. Here it is 0.
#
# (In mathematics a convolution flips the kernel first. Deep-learning libraries don't; as the weights are learned, it makes no difference.)

# %% [markdown]
# ### Exercise 1: one pixel (1 point)
#
# Write a function that computes one output pixel from the pixels under the kernel, the kernel and the bias.

# %% nbgrader={"grade_id": "one-pixel", "solution": true}
def one_pixel(window, kernel, bias):
    """One output pixel: window and kernel are K×K arrays, bias is a number."""
    ### BEGIN SOLUTION: add up the products, then the bias
    return np.sum(window * kernel) + bias
    ### END SOLUTION


# %% nbgrader={"grade_id": "one-pixel-test", "grade": true, "points": 1}
lesson_03.check_one_pixel(one_pixel)
### BEGIN HIDDEN TESTS
lesson_03.check_one_pixel(one_pixel, seed=31)
### END HIDDEN TESTS

# %% [markdown]
# ### Padding and stride
#
# A 3×3 kernel fits on a 5×5 image in only nine places, so the output had 3×3 pixels: a border was lost.
# *'Same' padding* avoids this: a border of zeros around the image lets the kernel's centre stand on every pixel.
# The report doesn't mention padding; this course uses 'same' padding everywhere, and lesson 05 looks for evidence of it.
# The *stride* is the step from one position to the next.

# %%
figures.show(
    diagrams.padding_and_stride(),
    alt="A 5×5 image inside a rim of zeros. With stride 1 the kernel's centre "
        "stands on all 25 pixels, with stride 2 on 9 of them.",
)

# %% [markdown]
# The dots mark where the kernel's centre stands; the frame shows the kernel's first position. With 'same' padding,
#
# $$\text{output size} = \lceil\, \text{input size} \,/\, \text{stride} \,\rceil$$
#
# where ⌈ ⌉ rounds up. The kernel size doesn't matter.

# %% [markdown]
# ## 3. Equation (2) (7 minutes)
#
# So far one channel went in and one came out. A layer of a network has more of both. In three steps:
#
# - **One channel in, one out.** The kernel has $K \times K$ weights, and there is one bias: $K^2 + 1$.
# - **$C_\text{in}$ channels in, one out.** A photograph has three channels: red, green and blue. Each gets a slice of $K \times K$ weights of its own;
#   all the products are added into one number, so there is still one bias: $C_\text{in} \times K^2 + 1$.
# - **$C_\text{in}$ channels in, $C_\text{out}$ out.** Every output channel has its own set of all these:
#
# $$\#\text{Parameters} = C_\text{out} \times (C_\text{in} \times K^2 + 1) \qquad (2)$$
#
# In the picture each square is one parameter. Begin with C_in = 1 and C_out = 1: this is the kernel of section 2 with its bias.
# Then raise one slider at a time, and predict each time how many squares are added.

# %%
widgets.explore(
    lambda C_in, C_out, K: diagrams.weights(C_in, C_out, K),
    {"C_in": [1, 2, 3], "C_out": [1, 2, 3], "K": [1, 3, 5]},
    start={"C_in": 3, "C_out": 2, "K": 3},
    alt="All parameters of a small convolution as squares: K by K weights for "
        "each pair of input and output channel, one bias for each output",
)

# %% [markdown]
# ### Exercise 2: equation (2) (2 points)
#
# Write equation (2) as a function. The check compares it with all rows of Tables 2 and 3.

# %% nbgrader={"grade_id": "equation-2", "solution": true}
def count(c_in, c_out, k):
    """Parameters of a k×k convolution from c_in to c_out channels."""
    ### BEGIN SOLUTION: write equation (2) in Python
    return c_out * (c_in * k**2 + 1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "equation-2-test", "grade": true, "points": 2}
lesson_03.check_count(count)
### BEGIN HIDDEN TESTS
lesson_03.check_count(count, seed=32)
### END HIDDEN TESTS

# %% [markdown]
# ### The same numbers in a trained network
#
# VGG16 is a network that recognises objects; the report uses it in its perceptual loss (lesson 06). Here is its first convolution.
# The weights form one array with the axes K, K, $C_\text{in}$, $C_\text{out}$, the biases another.

# %%
vgg = np.load(photos.DATA / "vgg16_block3_conv3.npz")
vgg_kernel, vgg_bias = vgg["block1_conv1/kernel"], vgg["block1_conv1/bias"]
print("weights      ", vgg_kernel.size, "in an array of shape", vgg_kernel.shape)
print("biases       ", vgg_bias.size)
print("together     ", vgg_kernel.size + vgg_bias.size)
print("equation (2) ", parameters.conv2d(c_in=3, c_out=64, k=3))

# %%
weights = vgg_kernel[:, :, ::-1]       # VGG16 takes blue first, pictures red
colours = np.uint8(127.5 + 127.5 * weights / abs(weights).max())
figures.images(
    {f"{i + 1}": colours[..., i] for i in range(12)}, zoom=14,
    alt="Kernel of VGG16's first layer: 3×3 weights for red, green and blue, "
        "mid-grey for zero",
)

# %% [markdown]
# These are 12 of its 64 kernels. The weights for red, green and blue are shown as a colour; mid-grey is zero, brighter is positive, darker is negative.
# Kernels 1 and 11 are bright on one side and dark on the other, like the kernel of section 2: they find edges.
# Kernels 6 and 9 have almost the same colour everywhere: they respond to areas of that colour.
#
# **Predict, then open.** This convolution is applied to a photograph twice as wide and twice as high. How many parameters does it need now?
#
# <details><summary>Answer</summary>
#
# Just as many. The image size does not appear in equation (2): the same weights are used at every position. That is why a generator
# trained on images of 256×256 pixels can be applied to a photograph of 1280×720.
#
# </details>

# %% [markdown]
# ## 4. Keras counts too (5 minutes)
#
# Until now you didn't need a deep-learning library. The next cell loads TensorFlow and Keras, which takes a few seconds.

# %%
from course_lib.backend import keras

layer = keras.layers.Conv2D(64, 7, padding="same")      # C_out and K
layer.build((None, 256, 256, 3))                        # images, height, width, C_in
print("Keras counts       ", layer.count_params())
print("equation (2) gives ", parameters.conv2d(c_in=3, c_out=64, k=7))
print("Table 2 says       ", report.TABLE_2.rows[0].parameters)

# %% [markdown]
# `None` stands for any number of images. The panel below builds such a layer for every position of its sliders. It also shows the number of *multiply–accumulates*: how many products are computed
# and added for one image. This number measures the work.
#
# Before you move a slider, predict what happens to the parameters, the output shape and the work:
#
# 1. Double C_out from 64 to 128.
# 2. Put C_out back, and double the input size.
# 3. Put the size back, and change the stride from 1 to 2.
# 4. With C_in = 64 and C_out = 64: change K from 3 to 7.

# %%
widgets.parameter_panel()

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. Parameters and work both double, and there are twice as many output channels.
# 2. The parameters stay; the output has four times as many pixels, and the work is four times as large.
# 3. The parameters stay; the output has a quarter of the pixels, and the work is a quarter.
# 4. Parameters and work grow about 5.4 times (49 / 9). The output shape stays.
#
# </details>

# %% [markdown]
# Each weight is used once for every output pixel, so
#
# $$\text{multiply–accumulates} = \text{weights} \times \text{output pixels}$$
#
# An output pixel counts once here, however many channels it has, because each weight belongs to one output channel. The first convolution of Table 2 has $7^2 \cdot 3 \cdot 64 = 9{,}408$ weights and $256 \cdot 256 = 65{,}536$ output pixels: 617 million multiply–accumulates.
#
# The stride doesn't show in the number of parameters, but it does in the work.

# %% [markdown]
# ## 5. What equation (2) leaves out (8 minutes)
#
# **Batch normalisation** keeps the numbers in a network at a sensible scale. For every channel it takes the mean and the standard deviation of all pixels in a batch of images,
# subtracts the mean and divides by the standard deviation. Then it multiplies by a factor $\gamma$ (not the gamma of lesson 02) and adds a shift $\beta$, both learned.
# Keras counts four numbers for each channel:

# %%
normalisation = keras.layers.BatchNormalization()
normalisation.build((None, 256, 256, 64))               # 64 channels
for weight in normalisation.weights:
    trained = "trained" if weight.trainable else "not trained"
    print(f"{weight.name:16} {weight.shape}  {trained}")
print("Keras counts ", normalisation.count_params())
print("4 × channels ", parameters.batch_normalisation(64))

# %% [markdown]
# Training adjusts only γ (`gamma`) and β (`beta`). The moving mean and variance are running averages of what the layer has seen;
# they replace the batch's own mean and variance when the trained network is used.
#
# Here is one channel before and after: what kernel 6 of section 3 makes of four photographs, with γ and β chosen freely.
# Compare the dashed lines (the mean) and the arrows (one standard deviation). On the left they come from the photographs; on the right the mean is β and the deviation is γ.

# %%
names = ["mountain_pass", "forest_stream", "paint_brushes", "seed_heads"]
batch = np.stack([photos.load(name)[100:228, 100:228] for name in names]) / 127.5 - 1
windows = np.lib.stride_tricks.sliding_window_view(batch, (3, 3), axis=(1, 2))       # (4, 126, 126, 3, K, K)
before = np.einsum("nyxcij,ijc->nyx", windows, weights[..., 5]) + vgg_bias[5]
gamma, beta = 0.5, -2
after = gamma * (before - before.mean()) / before.std() + beta

figure, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharex=True, sharey=True)
titles = (f"before: mean {before.mean():.2f}, deviation {before.std():.2f}\nstored: moving mean, moving variance",
          f"after: mean β = {after.mean():.2f}, deviation γ = {after.std():.2f}\ntrained: β, γ")
for axis, values, title, colour in zip(axes, (before, after), titles, ("blue", "orange")):
    axis.hist(values.ravel(), np.linspace(-3.5, 3.5, 71), color=figures.COLOURS[colour])
    axis.axvline(values.mean(), color="black", linestyle="--", linewidth=1.5)
    axis.annotate("", (values.mean(), 7e3), (values.mean() + values.std(), 7e3), arrowprops={"arrowstyle": "<->", "shrinkA": 0, "shrinkB": 0})
    axis.set(title=title.replace("-", "−"), xlabel="value", ylim=(0, 7.7e3), yticks=[])
axes[0].set_ylabel("number of pixels")
figures.show(figure, alt=f"Histograms of one channel over a batch. Before batch normalisation it is broad, with mean {before.mean():.2f} and "
                         f"deviation {before.std():.2f}; after it, narrower and farther left, with mean β and deviation γ. The shape is the same")

# %% [markdown]
# A **dense layer** connects every input to every output: one weight for each pair, one bias for each output.

# %%
dense = keras.layers.Dense(10)
dense.build((None, 64))                                 # 64 numbers in, 10 out
print("Keras counts           ", dense.count_params())
print("outputs × (inputs + 1) ", parameters.dense(64, 10))

# %% [markdown]
# Compare with equation (2): a dense layer has as many parameters as a convolution with $K = 1$ whose "channels" are single numbers.
# The difference shows on an image, because a dense layer doesn't share its weights between positions:

# %%
shared = parameters.conv2d(3, 64, 7)
separate = parameters.dense(256 * 256 * 3, 256 * 256 * 64)
print(f"first convolution of the generator:    {shared:15,}")
print(f"dense, with the same inputs, outputs:  {separate:15,}")
print(f"at 4 bytes each: {4 * shared / 1e3:.0f} kB and {4 * separate / 1e12:.1f} TB")

# %% [markdown]
# A network is a chain: the output of one layer is the input of the next. But a convolution is linear (up to its bias), and so is a chain of convolutions: 24 in a row, all of stride 1, could be replaced by a single one with a large kernel (but for the borders).
# So most convolutions are followed by a nonlinear [**activation function**](glossary.md), applied to each number on its own. One is *ReLU*: negative numbers become 0. It has no parameters.
#
# ### Exercise 3: a residual block (2 points)
#
# The 18 equal bars of section 1 belong to nine *residual blocks*. Each block computes
#
# > convolution 3×3 → batch normalisation → ReLU → convolution 3×3 → batch normalisation → add the block's input
#
# and has the same number of channels everywhere. ReLU and the addition have no parameters.
#
# Write a function that counts all the parameters of such a block, or only those that training adjusts.
# You may use `parameters.conv2d(c_in, c_out, k)`.

# %% nbgrader={"grade_id": "residual-block", "solution": true}
def residual_block(channels, trained_only=False):
    """Parameters of a residual block: all, or only those that are trained."""
    ### BEGIN SOLUTION: count both convolutions and both batch normalisations
    per_channel = 2 if trained_only else 4
    return 2 * (parameters.conv2d(channels, channels, 3) + per_channel * channels)
    ### END SOLUTION


# %% nbgrader={"grade_id": "residual-block-test", "grade": true, "points": 2}
lesson_03.check_residual_block(residual_block)
### BEGIN HIDDEN TESTS
lesson_03.check_residual_block(residual_block, seed=33)
### END HIDDEN TESTS

# %% [markdown]
# ### Think: is this bias of any use? (2 points)
#
# In one output channel, a convolution computes $y + b$: $y$ is the sum of the products and differs from pixel to pixel, $b$ is the bias. Batch normalisation follows directly.
# Answer from what batch normalisation does to a channel in training:
#
# 1. How does the output of the batch normalisation change when $b$ changes? Why?
# 2. So how many of the parameters that equation (2) counts could such a convolution do without, and would the network lose anything?
#
# Three or four sentences are enough.

# %% [markdown] nbgrader={"grade_id": "think-bias", "grade": true, "solution": true, "points": 2}
# ### BEGIN SOLUTION
# **Model answer.** It does not change. The mean of $y + b$ over the batch is the mean of $y$ plus $b$, so $b$ cancels when the mean is subtracted; adding a constant does not change the standard deviation either.
# All $C_\text{out}$ biases could be left out, one for each output channel. Nothing is lost, because the shift $\beta$ of the batch normalisation comes afterwards and does what the bias was meant to do.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# **Marking scheme**
#
# - 1 point: the output does not change, *because* the mean contains $b$ and is subtracted. ("It is normalised away" without the mean: half a point. The standard deviation need not be mentioned.)
# - 1 point: $C_\text{out}$ parameters (half a point), and nothing is lost because $\beta$ shifts the channel (half a point).
# - An answer that puts the bias *after* the normalisation, or calls $\beta$ useless as well: no point for that part.
# ### END MARK SCHEME

# %% [markdown]
# ## 6. Your layers against the report's table (3 minutes)
#
# In the next two lessons you build both networks, and `parameters.check` compares them with the tables as they grow. Here are the first three convolutions.

# %%
def first_three(last_stride):
    """The first three convolutions of Table 2, the stride of the third to choose."""
    return keras.Sequential([
        keras.Input((256, 256, 3)),
        keras.layers.Conv2D(64, 7, 1, padding="same", name="conv2d"),
        keras.layers.Conv2D(128, 3, 2, padding="same", name="conv2d_1"),
        keras.layers.Conv2D(256, 3, last_stride, padding="same", name="conv2d_2"),
    ])


parameters.check(first_three(last_stride=2), report.TABLE_2)

# %% [markdown]
# **Predict, then run.** Now the third convolution gets stride 1 instead of 2. Does the number of parameters give the mistake away?

# %%
right, wrong = first_three(last_stride=2), first_three(last_stride=1)
print("parameters:", wrong.count_params(), "instead of", right.count_params())
try:
    parameters.check(wrong, report.TABLE_2)
except parameters.TableMismatch as mistake:
    print("check:", mistake)

# %% [markdown]
# The counts are equal, the networks are not. A matching total is necessary, but it does not prove that a copy is right;
# so the check compares K, stride, $C_\text{in}$ and $C_\text{out}$ of every row.

# %% [markdown]
# ## 7. Challenge: the work of a whole network (9 minutes)
#
# To judge whether a network is fast enough for a photograph, we count its multiply–accumulates, layer by layer.
# The image changes size on the way: strides make it smaller, and the generator doubles its width and height before two of the convolutions, by repeating pixels.
#
# Each layer is given as `(k, stride, c_in, c_out, enlarge)`. `enlarge` is 2 if the image is doubled *before* the convolution, otherwise 1.

# %%
generator_layers = []
for row in report.TABLE_2.rows:
    enlarge = 2 if row.name in ("conv2d_21", "conv2d_22") else 1
    generator_layers.append((row.k, row.stride, row.c_in, row.c_out, enlarge))

for number in (0, 1, 3, 21, 23):
    print(f"{report.TABLE_2.rows[number].name:10}", generator_layers[number])

# %% [markdown]
# ### Exercise 4: multiply–accumulates (3 points)
#
# Write a function that returns the multiply–accumulates of all layers together, for an image of `height` × `width` pixels. Padding is 'same', and biases don't count as work.
# The output of a layer is the input of the next. Sections 2 and 4 have all that you need; `parameters.output_size(size, stride)` rounds up for you.
# Try it on `work(generator_layers, 256, 256)`.

# %% nbgrader={"grade_id": "work", "solution": true}
def work(layers, height, width):
    """Multiply–accumulates of layers (k, stride, c_in, c_out, enlarge) in a row."""
    ### BEGIN SOLUTION: follow height and width from layer to layer
    total = 0
    for k, stride, c_in, c_out, enlarge in layers:
        height = parameters.output_size(enlarge * height, stride)
        width = parameters.output_size(enlarge * width, stride)
        total += height * width * c_out * c_in * k**2
    return total
    ### END SOLUTION


# %% nbgrader={"grade_id": "work-test", "grade": true, "points": 3}
lesson_03.check_work(work)
### BEGIN HIDDEN TESTS
lesson_03.check_work(work, seed=34)
### END HIDDEN TESTS

# %% [markdown]
# ### Where the parameters are, and where the work is
#
# Here are both for the whole generator and an image of 256×256 pixels. The list `sides` gives the output size of each layer.

# %%
sides = [256, 128, 64] + 18 * [64] + [128, 256, 256]
counts = np.array([row.parameters for row in report.TABLE_2.rows])
products = np.array([parameters.macs(row.c_in, row.c_out, row.k, side, side)
                     for row, side in zip(report.TABLE_2.rows, sides)])
print(f"whole generator: {products.sum() / 1e9:.1f} billion multiply–accumulates")

# %%
parts = {"first": slice(0, 1), "two with stride 2": slice(1, 3),
         "18 in the residual blocks": slice(3, 21),
         "two after doubling": slice(21, 23), "last": slice(23, 24)}
figures.show(
    diagrams.shares({name: (counts[part].sum(), products[part].sum())
                     for name, part in parts.items()},
                    labels=("parameters", "multiply–accumulates")),
    alt="Shares of the generator's parts. Residual blocks: 93 percent of the "
        "parameters, 77 percent of the work. The two convolutions after doubling: "
        "3 percent of the parameters, 17 percent of the work.",
)

# %% [markdown]
# The two convolutions after doubling have only 3 % of the parameters, but do 17 % of the work: their outputs are larger, so each weight is used more often.
#
# **Predict, then open.** Suppose you remove one of the nine residual blocks, or the two convolutions after doubling.
# Which saves more memory for weights? Which saves more time?
#
# <details><summary>Answer</summary>
#
# One block has 93.3 % / 9 ≈ 10.4 % of the parameters and 76.6 % / 9 ≈ 8.5 % of the work. So removing it saves more memory (10.4 % against 3.2 %),
# while removing the two convolutions saves more time (17.0 % against 8.5 %), as far as time is proportional to multiply–accumulates.
#
# </details>

# %% [markdown]
# ## Recap
#
# - An output pixel of a convolution is the sum of weights times pixels, plus a bias. With 'same' padding the output size is input size / stride, rounded up.
# - Equation (2): a convolution has $C_\text{out} \times (C_\text{in} \times K^2 + 1)$ parameters; for example, $590{,}080 = 256 \times (256 \times 3^2 + 1)$.
#   Neither stride nor image size appears in it.
# - Batch normalisation has 4 numbers per channel, two of them trained; a dense layer has outputs × (inputs + 1). Equation (2) leaves both out,
#   and that is where to look for the missing 20,992. You will find them one by one in lesson 04.
# - Work is weights × output pixels. It grows with the image; the parameters don't.
# - Equal counts don't make equal networks: compare row by row.
#
# [← previous: How a photograph blurs](02_how_a_photograph_blurs.ipynb) · [Glossary](glossary.md) · [next: The generator →](04_generator.ipynb)
