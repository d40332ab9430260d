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
# # 06 · Losses
#
# A network becomes what its loss asks for. The report gives its two losses one sentence each.
# In this lesson you see what the obvious loss would have done, what the report's two losses do instead, and what one of them needs but the report's networks lack.
#
# **You will be able to**
# - explain why a network trained on the squared error answers with blur, and compute its best answer;
# - say which differences between two photographs VGG16 notices, and build the perceptual loss;
# - explain why a weight of 100 : 1 means nothing unless you know how the photographs are fed in;
# - compute the earth mover's distance between two distributions by hand, and find the critic that measures it;
# - explain what the signs in the Wasserstein loss do, and why a sigmoid breaks it;
# - write the gradient penalty, and verify that it works.
#
# **You need** lesson 00 (PSNR, how to stop and go on), lesson 01 (equation (1)), lesson 04 (feature maps, derivatives) and lesson 05 (discriminator, critic, sigmoid). The *loss* is the number that training makes small;
# how it does so is the topic of lesson 07.
#
# **Time** about 62 minutes. Sections 6 to 10 need only the first code cell of what comes before them.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import wasserstein_distance

from course_lib import blur, diagrams, figures, losses, networks, photos, widgets
from course_lib.backend import keras, tf
from course_lib.checks import lesson_06

COLOURS = figures.COLOURS

# %% [markdown]
# ## 1. Two losses, one sentence each (2 minutes)
#
# Section 2.3 of the report, in full:
#
# > "Two loss functions were involved: Perceptual Loss at the end of the Generator and Wasserstein Loss at the end of the whole GAN."
# >
# > "To ensure the GAN model is deblurring the images, perceptual loss was calculated directly on the output of the Generator and compared to first convolutions of VGG16 [8]."
# >
# > "To improve the convergence of GAN, wasserstein loss was calculated on the output of the whole model by taking the mean difference of the two images."
#
# The first is a *content loss*: it compares the generator's output with the sharp photograph. The second is an *adversarial loss*: it comes from the discriminator's answer. The generator minimises a weighted sum of the two,
#
# $$L = w \cdot L_\text{content} + L_\text{adversarial}.$$
#
# The report doesn't give $w$. The implementation that it evidently follows takes $w = 100$.
#
# Three questions follow. Why not simply take the squared difference of the two photographs? What does the perceptual loss compute? What does the Wasserstein loss compute?

# %% [markdown]
# ## 2. Why the squared error blurs (10 minutes)
#
# Blur destroys information. Here are three sharp pictures of stripes, nine pixels from one stripe to the next, and what a steady motion over nine pixels makes of each of them.

# %%
def stripes(shift):
    """Vertical stripes with a period of 9 pixels, moved to the right by shift: uint8 (90, 126, 3)."""
    columns = np.where((np.arange(126) - shift) % 9 < 4, 230, 30)
    return np.tile(np.uint8(columns)[None, :, None], (90, 1, 3))


motion = np.full((1, 9), 1 / 9)                     # every pixel is spread over nine places
pairs = {}
for shift in (0, 3, 6):
    pairs[f"sharp, {shift}"] = stripes(shift)[:, 9:-9]
    pairs[f"blurred, {shift}"] = blur.convolve(stripes(shift), motion)[:, 9:-9]
figures.images(pairs, alt="Stripes in one of three positions, or the even grey that motion over one period makes of all three")

# %%
greys = [picture for title, picture in pairs.items() if title.startswith("blurred")]
print("the three blurred pictures are equal, pixel by pixel:", all(np.array_equal(grey, greys[0]) for grey in greys))

# %% [markdown]
# Whoever gets the grey picture can't know which of the three it was. Still, a network must give *one* answer. Which answer makes its loss smallest, if each of the three turns up equally often in training?
#
# **Predict, then run.** There are three candidates: one of the sharp pictures, their mean, or plain white. The table shows the mean squared error (MSE), averaged over the three possible truths.

# %%
truths = np.stack([stripes(shift)[:, 9:-9] for shift in (0, 3, 6)]).astype(float)
answers = {"one of them": truths[0], "their mean": truths.mean(axis=0), "white": np.full_like(truths[0], 255)}
for name, answer in answers.items():
    print(f"{name:12} expected MSE {np.mean((truths - answer)**2):8,.0f}")

# %% [markdown]
# The mean wins, clearly. But the mean of sharp pictures isn't sharp. It's none of the three, and no photograph at all.
#
# ### It happens in real photographs
#
# Stripes are artificial. So take a blurred patch of 16×16 pixels from a real photograph, and search the course's photographs for sharp patches that fit it: in each photograph, the one whose *blurred* version is nearest.
# (Patches are compared in grey, all brought to the same brightness and contrast.)

# %%
shake, size = blur.linear_psf(12, 0), 16


def patches(photo):
    """Every fourth window of a photograph in grey, as float32 (N, 16, 16)."""
    grey = photo.mean(axis=-1, dtype=np.float32)
    return np.lib.stride_tricks.sliding_window_view(grey, (size, size))[::4, ::4].reshape(-1, size, size)


def sharp_and_blurred(photo):
    """Patches of a photograph, sharp and blurred, the blurred ones with mean 0 and standard deviation 1."""
    sharp, blurred = patches(photo), patches(blur.convolve(photo, shake, gamma=1))
    clear = blurred.std(axis=(1, 2)) > 10           # leave out even sky and walls
    sharp, blurred = sharp[clear], blurred[clear]
    mean, deviation = blurred.mean(axis=(1, 2), keepdims=True), blurred.std(axis=(1, 2), keepdims=True)
    return (sharp - mean) / deviation, (blurred - mean) / deviation


library = {name: sharp_and_blurred(photos.load(name)) for name in photos.names()}
print(f"over 100,000 patches: {sum(len(sharp) for sharp, _ in library.values()) > 100_000}")

# %%
given = library["rocket"][1][448]                       # the blurred patch we are given
fits = []
for sharp, blurred in library.values():
    distance = np.mean((blurred - given)**2, axis=(1, 2))
    fits.append((distance.min(), sharp[distance.argmin()], blurred[distance.argmin()]))
fits.sort(key=lambda fit: fit[0])
found_sharp, found_blurred = (np.stack([fit[i] for fit in fits[:12]]) for i in (1, 2))

figure, axes = plt.subplots(2, 8, figsize=(9, 2.9))
for column in range(7):
    axes[0, column].imshow(found_blurred[column], cmap="gray", vmin=-2.5, vmax=2.5)
    axes[1, column].imshow(found_sharp[column], cmap="gray", vmin=-2.5, vmax=2.5)
axes[1, 7].imshow(found_sharp.mean(axis=0), cmap="gray", vmin=-2.5, vmax=2.5)
for axis, title in [(axes[0, 0], "blurred: all nearly alike"), (axes[1, 0], "sharp: what each was before")]:
    axis.set_title(title, loc="left").set_in_layout(False)
axes[1, 7].set_title("mean of 12")
for axis in axes.flat:
    axis.axis("off")
figures.show(figure, alt="Top, seven blurred patches that look nearly the same. Below, the sharp patches they come from: edges in different "
                         "places, bars and lines. Last, the mean of twelve such sharp patches: a soft edge")

# %%
def detail(picture):
    """Mean squared difference of neighbouring pixels."""
    return np.mean(np.diff(picture, axis=-1)**2) + np.mean(np.diff(picture, axis=-2)**2)


share = detail(found_sharp.mean(axis=0)) / np.mean([detail(patch) for patch in found_sharp])
print(f"the mean keeps less than half of the detail of the patches it is the mean of: {share < 0.5}")

# %% [markdown]
# (The first patch is the given one itself.) The mean is what a network trained on the squared error learns. It can't see which patch was the true one, and the answer with the least expected error is the average of all that fit. In it the edges lie side by side, and the rest cancels out.
#
# ### Why the mean?
#
# One pixel is enough. Its true value $x$ takes different values with certain probabilities; the network answers $a$. Write $E$ for the mean weighted by them, and $m = E\,x$. Then
#
# $$E(x - a)^2 = E\big((x - m) + (m - a)\big)^2 = E(x - m)^2 + (m - a)^2,$$
#
# because the mixed term $2(m - a)\,E(x - m)$ is 0. Only the last term depends on the answer, and $a = m$ makes it 0.
# (If the answer is itself one of the possible values, drawn with the same probabilities, the last term is on average as large as the first: twice the error. In the table, 17,778 is twice 8,889.)
#
# For the *absolute* error $E|x - a|$, move $a$ up by a little $\delta$: it gets farther from every $x$ up to $a$ and nearer to every $x$ above it, so the error changes by $\delta \cdot (P(x \le a) - P(x > a))$. This pays until half of the probability lies at or below $a$. So the best answer is the *median*.
#
# Now let a pixel be white (1) with probability $p$, otherwise black (0). The expected errors are $p\,(1 - a)^2 + (1 - p)\,a^2$ and $p\,(1 - a) + (1 - p)\,a$. Move the slider: where is the lowest point of each curve?

# %%
a = np.linspace(0, 1, 101)


def expected_errors(p):
    figure, axis = plt.subplots(figsize=(5.8, 3))
    curves = {"squared error": p * (1 - a)**2 + (1 - p) * a**2, "absolute error": p * (1 - a) + (1 - p) * a}
    for name, style, colour in [("squared error", "-", COLOURS["blue"]), ("absolute error", "--", COLOURS["vermilion"])]:
        best = curves[name].argmin()
        axis.plot(a, curves[name], style, color=colour, label=name)
        axis.plot(a[best], curves[name][best], "o", color=colour, markersize=9, clip_on=False, zorder=3)
    axis.set(xlabel="answer a (0 black, 1 white)", ylabel="expected error", ylim=(0, 1), xlim=(0, 1),
             title=f"white with probability {p:.1f}")
    axis.legend(loc="upper center", ncols=2)
    return figure


widgets.explore(expected_errors, {"p": [0.1, 0.3, 0.4, 0.6, 0.7, 0.9]}, start={"p": 0.3}, kilobytes=200,
                alt="Expected error of every answer between black and white; a dot marks the least. The squared error's dot "
                    "moves with p; the absolute error's dot jumps from black to white at one half")

# %% [markdown]
# The best answer for the squared error is $p$ itself, a grey. The absolute error makes a decision: black below one half, white above.
# Now take an edge. The blurred photograph shows that it's there, but not exactly where. All places within the uncertainty are equally probable.

# %%
def edge(places):
    """An edge at one of several places, and the best answers for both errors."""
    x = np.arange(41)
    first = 20 - places // 2
    possible = np.stack([x >= place for place in range(first, first + places)]).astype(float)
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3), sharey=True)
    for row in possible:
        axes[0].step(x, row, where="mid", color="0.4", linewidth=1)
    axes[0].set(title=f"possible: {places} sharp edge" + "s" * (places > 1), xlabel="pixel", ylabel="brightness")
    axes[1].step(x, possible.mean(axis=0), where="mid", label="mean: squared error")
    axes[1].step(x, np.median(possible, axis=0), where="mid", linestyle="--", label="median: absolute error")
    axes[1].set(title="the best answer", xlabel="pixel", ylim=(-0.05, 1.35))
    axes[1].legend(loc="upper left", fontsize=9)
    return figure


widgets.explore(edge, {"places": [1, 3, 7, 11, 15]}, start={"places": 11}, kilobytes=150,
                alt="Left, sharp edges at several places. Right, the best answers: the mean is a ramp as wide as the uncertainty, "
                    "the median one sharp edge in the middle")

# %% [markdown]
# The choice is between a sharp edge, perhaps in the wrong place, and a ramp that is never quite wrong. The squared error takes the ramp.
# The absolute error, called L1, keeps single edges sharp. It is the content loss of many restoration networks, and `losses.l1` in this course. But it's no cure.
# In fine texture (white with probability ½ everywhere) it rates every grey equally, and where black is a little more frequent, it paints everything black.
# Both errors look at each pixel on its own. Neither knows what a photograph looks like.

# %% [markdown]
# ### Exercise 1: the best answer (1 point)
#
# Write a function that returns the one picture with the least expected *squared* error. `candidates` holds the possible sharp pictures along its first axis, `probabilities` has one number for each; they add up to 1.
# The pictures may have any shape. (`probabilities * candidates` stops with an error, or does the wrong thing: the one array has a single axis, the other several.)

# %% nbgrader={"grade_id": "best-answer", "solution": true}
def best_answer(candidates, probabilities):
    """The picture with the least expected squared error, in the shape of one candidate."""
    ### BEGIN SOLUTION: add up the candidates, each times its probability
    return np.tensordot(probabilities, candidates, axes=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "best-answer-test", "grade": true, "points": 1}
lesson_06.check_best_answer(best_answer)
### BEGIN HIDDEN TESTS
lesson_06.check_best_answer(best_answer, seed=61)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. What VGG16 sees (4 minutes)
#
# If pixels are the wrong thing to compare, what is the right thing? The report takes the feature maps of another network (Johnson et al., arXiv:1603.08155).
# This network, VGG16 (Simonyan and Zisserman, arXiv:1409.1556), was trained to tell which of 1,000 kinds of things is in a photograph. To do so, its convolutions had to find what matters in photographs: edges, textures, shapes.
# It is not trained any further here; it serves as a pair of eyes. The course keeps its first seven convolutions, in three blocks; between one block and the next, width and height are halved.

# %%
vgg = losses.vgg_features()
for layer in vgg.layers:
    if layer.name.startswith("block"):
        print(f"{layer.name}   {layer.filters:3} maps, {layer.count_params():7,} parameters")

# %% [markdown]
# Here are the first maps of three of these layers, for one photograph.

# %%
palace = photos.load("summer_palace")
scene = palace[150:294, 240:384]
blurred_scene = blur.convolve(palace, blur.linear_psf(12, 30))[150:294, 240:384]
three = ["block1_conv1", "block2_conv2", "block3_conv3"]
see = keras.Model(vgg.input, [vgg.get_layer(name).output for name in three])
maps = dict(zip(three, see(photos.to_network(scene)[None])))
figures.images({"sharp": scene, "blurred": blurred_scene}, alt="A part of the palace's roof and walls with motion blur of 12 pixels", zoom=1.5)

# %%
figures.feature_maps(maps["block1_conv1"].numpy(), limit=8, columns=4,
                     alt="Eight maps of block1_conv1: edges of one direction, brightness, single colours")

# %%
figures.feature_maps(maps["block2_conv2"].numpy(), limit=12, columns=6, zoom=1.3,
                     alt="Twelve maps of block2_conv2, half as large: each responds to some kinds of edge or texture")

# %%
figures.feature_maps(maps["block3_conv3"].numpy(), limit=24, columns=8, zoom=2,
                     alt="Twenty-four maps of block3_conv3, a quarter as large: mostly black, with bright spots where a certain structure occurs")

# %% [markdown]
# The first layer finds edges and colours. In the third block most of each map is black: it responds to one kind of structure, and where that is absent, ReLU leaves 0.
# What does blur do to such maps? The slider goes through the nine maps of block3_conv3 that respond most to the sharp photograph.

# %%
deep_sharp, deep_blurred = (vgg(photos.to_network(picture)[None])[0].numpy() for picture in (scene, blurred_scene))
strongest = np.argsort(deep_sharp.mean(axis=(0, 1)))[::-1][:9]


def compare_maps(rank):
    number = strongest[rank - 1]
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.2))
    for axis, name, features in zip(axes, ("sharp", "blurred"), (deep_sharp, deep_blurred)):
        axis.imshow(features[..., number], cmap="gray", vmin=0, vmax=deep_sharp[..., number].max())
        axis.set_title(f"{name}, map {number}")
        axis.axis("off")
    return figure


widgets.explore(compare_maps, {"rank": list(range(1, 10))},
                alt="One map of block3_conv3 for the sharp photograph and for the blurred one, which is darker and smoother")

# %%
weaker = deep_blurred.mean(axis=(0, 1)) < deep_sharp.mean(axis=(0, 1))
print(f"over 60% of the 256 maps respond more weakly to the blurred photograph: {weaker.mean() > 0.6}")

# %% [markdown]
# ## 4. Blurred, or just darker? (5 minutes)
#
# Take a photograph and spoil it in four ways, each tuned to *exactly the same* mean squared error: darker, less contrast, noise, motion blur.
# By MSE, and so by PSNR, all four are equally bad. **Predict:** which will VGG16 mind most, which least, going by the mean squared difference of its 256 maps of block3_conv3? Then move the sliders *damage* and *mse*, and see for yourself.

# %%
sharp = palace[20:276, 150:406].astype(np.float32)
pattern = np.random.default_rng(6).standard_normal(sharp.shape)
perceptual = losses.Perceptual()                                    # the mean squared difference of features: section 5


def blurred_to(mse):
    """The photograph with just as much motion blur as gives this mean squared error."""
    around = palace[:326, 100:456]                              # with a margin of 50 pixels for the blur
    low, high = 0.0, 60.0
    for _ in range(12):                                         # halve the interval
        length = (low + high) / 2
        picture = blur.convolve(around, blur.linear_psf(length, 30))[20:276, 50:306].astype(np.float32)
        low, high = (length, high) if np.mean((picture - sharp)**2) < mse else (low, length)
    return picture


def damaged(mse):
    """Four pictures with this mean squared error from the sharp one, float32, not clipped."""
    root = np.sqrt(mse)
    return {"darker": sharp - root,
            "less contrast": sharp + (sharp.mean() - sharp) * root / sharp.std(),
            "noise": sharp + root * pattern / np.sqrt(np.mean(pattern**2)),
            "blur": blurred_to(mse)}


def feature_distance(picture, loss=perceptual):
    """The difference of VGG16's features from those of the sharp photograph."""
    to_network = (np.stack([sharp, picture]) / 127.5 - 1).astype(np.float32)
    return float(loss(to_network[:1], to_network[1:])[0])


errors = [50, 200, 800]
pictures = {mse: damaged(mse) for mse in errors}
distances = {name: [feature_distance(pictures[mse][name]) for mse in errors] for name in pictures[errors[0]]}


# %%
def show_damage(damage, mse):
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.3), width_ratios=(1.35, 1))
    axes[0].imshow(np.uint8(np.clip(pictures[mse][damage], 0, 255)))
    axes[0].set_title(f"{damage}, MSE {mse}")
    axes[0].axis("off")
    bars = [distances[name][errors.index(mse)] for name in distances]
    axes[1].barh(list(distances), bars, color=[COLOURS["vermilion"] if name == damage else "0.7" for name in distances])
    axes[1].bar_label(axes[1].containers[0], fmt="%.2g", padding=3)
    axes[1].set(title="distance of the features", xlim=(0, 1.25 * max(bars)))
    axes[1].invert_yaxis()
    return figure


widgets.explore(show_damage, {"damage": list(distances), "mse": [50, 800]}, start={"damage": "blur", "mse": 800}, kilobytes=340,
                alt="The spoiled photograph beside bars: at equal squared error VGG's features move far for blur and noise, "
                    "less for lower contrast, and hardly at all for lower brightness")

# %%
figure, axis = plt.subplots(figsize=(6.4, 3.6))
for (name, values), marker in zip(distances.items(), "osD^"):
    axis.loglog(errors, values, marker + "-", label=name)
axis.set(xlabel="mean squared error", ylabel="distance of the features", xticks=errors, xticklabels=errors)
axis.minorticks_off()
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figures.show(figure, alt="Distance of VGG features against squared error: four rising lines: blur on top, noise level with it at 50 and then falling behind; contrast well below; brightness lowest by far")

# %%
far = {name: np.array(values) for name, values in distances.items()}
print("blur is over 30 times as far away as darkness of the same squared error:", np.all(far["blur"] > 30 * far["darker"]))
print("blur and noise are both over 1.5 times as far away as less contrast:", np.all(np.minimum(far["blur"], far["noise"]) > 1.5 * far["less contrast"]))
print("slight blur and slight noise are equally far away, within a tenth:", abs(far["noise"][0] / far["blur"][0] - 1) < 0.1)
print("strong blur is farther away than noise:", far["blur"][-1] > far["noise"][-1])

# %% [markdown]
# VGG16 was trained to recognise a cat by day and at dusk, so it has learned to overlook brightness. It recognises things by edges and texture, so it notices when they are gone (blur) or when there is texture that doesn't belong (noise).
# Slight noise counts as much as slight blur; strong blur is the worst of all. That is what we want here, at a price: a generator that minimises this loss is free to shift brightness a little, and to add texture that VGG16 can't tell from the true one. (Lesson 08, section 7, shows both faults with other losses.)

# %% [markdown]
# ## 5. The perceptual loss, and what 100 : 1 means (9 minutes)
#
# The *perceptual loss* is the mean squared difference between the features of the two photographs. With $\phi$ for the features, $H \times W \times C$ numbers,
#
# $$L_\text{content} = \frac{1}{HWC} \sum_{i, j, c} \left( \phi(\text{sharp})_{ijc} - \phi(\text{output})_{ijc} \right)^2 .$$
#
# The report says only "first convolutions of VGG16". The implementation that it evidently follows takes block3_conv3.
#
# In the picture, the motion-blurred photograph of section 4 plays the output. Follow both rows from left to right: the same network sees both photographs, and what is compared are its maps, not the pixels. Four of the 256 maps are shown.
# (The bars of section 4 show this number divided by 3,000; the end of this section says why.)

# %%
pair = {"output": np.uint8(np.clip(pictures[800]["blur"], 0, 255)), "sharp": np.uint8(sharp)}
figures.show(
    diagrams.perceptual_loss(pair, vgg(photos.to_network(np.stack(list(pair.values())))).numpy()),
    alt="A blurred and a sharp photograph of 256×256×3 numbers go through the same VGG16; each becomes 64×64×256 features, bright along edges "
        "for the sharp one and weaker for the blurred one; the mean squared difference of the two stacks is a single number",
)

# %% [markdown]
# ### Exercise 2: the perceptual loss (2 points)
#
# Write it. `features` is a network, called as `features(images)`; `sharp` and `output` are batches of images, shape $(N, H, W, 3)$. Return one number for each image, shape $(N,)$.
# A network has to learn through your loss, so use `keras.ops` (or `tf`), which keep track of derivatives; NumPy doesn't. Useful: `keras.ops.square`, `keras.ops.mean(…, axis=…)`.

# %% nbgrader={"grade_id": "perceptual-loss", "solution": true}
def perceptual_loss(features, sharp, output):
    """Mean squared difference of the features of each pair of images, shape (N,)."""
    ### BEGIN SOLUTION: compute the features of both, subtract, square, and average over height, width and channels
    difference = features(sharp) - features(output)
    return keras.ops.mean(keras.ops.square(difference), axis=(1, 2, 3))
    ### END SOLUTION


# %% nbgrader={"grade_id": "perceptual-loss-test", "grade": true, "points": 2}
lesson_06.check_perceptual_loss(perceptual_loss)
### BEGIN HIDDEN TESTS
lesson_06.check_perceptual_loss(perceptual_loss, seed=62)
### END HIDDEN TESTS

# %% [markdown]
# ### How are the photographs fed?
#
# The generator works with numbers from −1 to 1. VGG16 was trained on something else: colours in the order blue, green, red, from 0 to 255, minus the mean colour of its training photographs. Keras has a function that prepares numbers from 0 to 255 in this way:

# %%
def for_vgg(images):
    """From RGB in [-1, 1] to what VGG16 was trained on."""
    return (images[..., ::-1] + 1) * 127.5 - np.array(losses.VGG_MEAN, np.float32)


batch = photos.to_network(scene)[None]
theirs = keras.applications.vgg16.preprocess_input(scene[None].astype(np.float32))
print("our preprocessing equals Keras':", np.allclose(for_vgg(batch), theirs, atol=1e-3))

# %% [markdown]
# The implementation in question leaves this preprocessing out and feeds in the numbers from −1 to 1 as they are. The report doesn't say. Does it matter?
#
# **Predict, then run.** Take the mean squared difference between the features of the sharp photograph and of a blurred one. How many times larger is it with preprocessing?

# %%
both = np.stack([sharp, blur.convolve(palace, blur.linear_psf(12, 30))[20:276, 150:406]])
one, other = (both.astype(np.float32) / 127.5 - 1)[:, None]
unscaled = {"as they are": losses.vgg_features(preprocess=False), "preprocessed": losses.vgg_features(preprocess=True)}
found = {name: float(np.mean((features(one) - features(other))**2)) for name, features in unscaled.items()}
for name, value in found.items():
    print(f"{name:13} about {float(f'{value:.1g}'):9,.0f}")
print("more than 1,000 times larger:", found["preprocessed"] > 1000 * found["as they are"])

# %% [markdown]
# Preprocessing makes the differences between photographs 127.5 times larger, and the loss squares them: 127.5² is 16,256. (The factor measured is smaller because the network's biases don't grow with its input.)
#
# A weight is a statement about how hard each loss pulls. So measure the pull: how strongly does the weighted loss change with the pixels of the output? That is the length of its gradient, and it decides which loss the generator learns from.

# %%
def pull(loss):
    """Length of the gradient of a loss with respect to the generator's output, here the blurred photograph."""
    output = tf.constant(other)
    with tf.GradientTape() as tape:
        tape.watch(output)
        value = tf.reduce_sum(loss(output))
    return float(tf.norm(tape.gradient(value, output)))


def content(features):
    return lambda output: 100 * tf.reduce_mean((features(one) - features(output))**2)


keras.utils.set_random_seed(6)
judge = networks.discriminator()                    # untrained, with its sigmoid
pulls = {name: pull(content(features)) for name, features in unscaled.items()}
pulls["adversarial"] = pull(lambda output: losses.wasserstein_generator(judge(output)))

figure, axis = plt.subplots(figsize=(6.8, 2.4))
axis.barh(["100 × content, preprocessed", "100 × content, as they are", "1 × adversarial"],
          [pulls["preprocessed"], pulls["as they are"], pulls["adversarial"]],
          color=[COLOURS["blue"], COLOURS["sky"], COLOURS["vermilion"]])
axis.set(xscale="log", xlabel="pull on the generator's output (length of the gradient)", xticks=10.0 ** np.arange(-3, 8, 2))
axis.minorticks_off()
figures.show(figure, alt="Three bars on a logarithmic scale: the pull is about a hundredth for the adversarial loss, over a hundred for the content loss "
                         "without preprocessing, over a million with it")

# %%
print("100 : 1, as they are: content pulls over 1,000 times as hard: ", pulls["as they are"] > 1e3 * pulls["adversarial"])
print("100 : 1, preprocessed: content pulls over 10 million times as hard:", pulls["preprocessed"] > 1e7 * pulls["adversarial"])

# %% [markdown]
# So "perceptual : adversarial = 100 : 1" is not one setting. What it means depends on what VGG16 is fed, on which layer is used, and on the discriminator. Even without preprocessing, content far outweighs an untrained discriminator. With it, the adversarial loss is
# lost in the rounding errors, and the GAN is no longer a GAN. A description of training has to say how the photographs were fed in. The report states neither this nor the weight.
#
# The course feeds VGG16 what it was trained on and divides the loss by 3,000, so that a weight of 100 pulls about as hard as in that implementation:

# %%
course = losses.Perceptual()                        # preprocess=True is the default
print(f"scale: 1 / {1 / course.scale:.0f}")
in_course = pull(lambda output: 100 * course(one, output))
print("pulls as hard as without preprocessing, within a factor of 3:", 1 / 3 < in_course / pulls["as they are"] < 3)

# %% [markdown]
# ## 6. How far apart are two piles? (7 minutes)
#
# Now the second loss. The generator's outputs form one distribution, sharp photographs another. The adversarial loss should say how far apart they are, so that the generator knows which way to go.
# Photographs of 256×256 pixels have 196,608 dimensions. To see what is going on, take one dimension: two piles of earth on a line, *real* and *fake*.
#
# The *earth mover's distance*, also called the Wasserstein distance, is the least work that turns the fake pile into the real one. Work is the amount of earth times the distance that it is carried.
# Here it is by hand, on four places one step apart:
#
# | place | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | real $p$ | 0 | 0 | 0.5 | 0.5 |
# | fake $q$ | 0.5 | 0.25 | 0.25 | 0 |
# | $p - q$ | −0.5 | −0.25 | 0.25 | 0.5 |
# | cumulative sum from the left | −0.5 | −0.75 | −0.5 | 0 |
#
# Look at the border between places 0 and 1. To its left lies 0.5 of the fake earth, but none of the real. So 0.5 has to cross this border to the right, whatever the plan. To the left of the next border there is 0.75 too much, which must cross. At the last border it is 0.5.
# Each crossing carries the earth one step, so the work is $0.5 + 0.75 + 0.5 = 1.75$. On a line, the distance is the sum of the absolute values of the cumulative sums, times the width of a step.

# %%
places = np.arange(41)


def pile(centre, spread=2.0):
    """A bell-shaped distribution on places 0 to 40."""
    heights = np.exp(-0.5 * ((places - centre) / spread)**2)
    return heights / heights.sum()


def distance(p, q):
    """The earth mover's distance of two distributions on the places; SciPy has it under its other name."""
    return wasserstein_distance(places, places, p, q)


def jensen_shannon(p, q):
    """Jensen–Shannon divergence: 0 for equal distributions, log 2 for such as don't overlap."""
    m = (p + q) / 2
    def against(a):
        return np.sum(a[a > 0] * np.log(a[a > 0] / m[a > 0]))
    return (against(p) + against(q)) / 2


def show_piles(shift):
    p, q = pile(20), pile(20 + shift)
    flow = np.cumsum(p - q)
    figure, axes = plt.subplots(2, 1, figsize=(7, 4.4), sharex=True, height_ratios=(1.2, 1))
    axes[0].bar(places, p, width=1, color=COLOURS["blue"], alpha=0.6, label="real p")
    axes[0].bar(places, q, width=1, color=COLOURS["orange"], alpha=0.6, hatch="///", edgecolor="white", label="fake q")
    axes[0].set(title="two piles", ylim=(0, 0.3))
    axes[0].legend(loc="upper left", ncols=2)
    axes[1].fill_between(places, flow, step="mid", color=COLOURS["green"], alpha=0.5)
    axes[1].axhline(0, color="0.3", linewidth=1)
    axes[1].set(title=f"cumulative sum of p − q; its area is the distance: {distance(p, q):.1f}", xlabel="place", ylim=(-1.1, 1.1))
    return figure


widgets.explore(show_piles, {"shift": [-16, -8, 0, 4, 8, 16]}, start={"shift": 8}, kilobytes=180,
                alt="Above, a real and a fake pile; below, the cumulative sum of their difference, with the area under it "
                    "equal to the earth mover's distance, which grows with the shift")

# %% [markdown]
# The distance equals the shift, however far apart the piles are. (At 16 and −16 it says 15.9, because the places end at 40 and at 0 and cut off the pile's tail. Area below the axis counts as positive, too.) How do other measures behave? Against its best opponent, the generator of equation (1) minimises the *Jensen–Shannon divergence* (JSD); lesson 01 derives it.

# %%
shifts = np.arange(0, 17)
moved = [distance(pile(20), pile(20 + shift)) for shift in shifts]
divergences = [jensen_shannon(pile(20), pile(20 + shift)) for shift in shifts]
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3))
axes[0].plot(shifts, divergences, "o-", color=COLOURS["vermilion"], markersize=4)
axes[0].axhline(np.log(2), color="0.4", linestyle="--", linewidth=1)
axes[0].annotate("log 2", (0.3, np.log(2) - 0.06), color="0.3")
axes[0].set(title="Jensen–Shannon divergence", xlabel="shift of the fake pile", ylim=(0, 0.75), xticks=shifts[::4])
axes[1].plot(shifts, moved, "o-", color=COLOURS["green"], markersize=4)
axes[1].set(title="earth mover's distance", xlabel="shift of the fake pile", xticks=shifts[::4])
figures.show(figure, alt="Against the shift of the fake pile: the Jensen–Shannon divergence rises to log 2 and is flat beyond a shift of 12; "
                         "the earth mover's distance rises in a straight line")

# %% [markdown]
# Once the piles no longer overlap, JSD stays at log 2, whether they are thirteen steps apart or sixteen. A generator that moves its pile a little nearer gains nothing, so it can't learn where to go.
# The earth mover's distance falls with every step. The distributions of blurred and sharp photographs hardly overlap, and that is the argument for this distance (Arjovsky et al., arXiv:1701.07875).
#
# ### Exercise 3: the earth mover's distance (1 point)
#
# SciPy has the distance. Write your own, for any two distributions on equally spaced places, `width` apart. `p` and `q` are arrays that each add up to 1.

# %% nbgrader={"grade_id": "earth-mover", "solution": true}
def earth_mover(p, q, width):
    """Earth mover's distance of two distributions on a line."""
    ### BEGIN SOLUTION: add up the absolute amounts that cross the borders, times the width of a step
    return width * np.abs(np.cumsum(p - q)).sum()
    ### END SOLUTION


# %% nbgrader={"grade_id": "earth-mover-test", "grade": true, "points": 1}
lesson_06.check_earth_mover(earth_mover)
### BEGIN HIDDEN TESTS
lesson_06.check_earth_mover(earth_mover, seed=63)
### END HIDDEN TESTS

# %% [markdown]
# ## 7. The best critic (7 minutes)
#
# In 196,608 dimensions there is no left to add up from. But there is another way to get the distance, without any transport plan: from a critic.
#
# A *critic* $D$ gives each place a score, which can be any number (lesson 05, section 6). Allow only critics whose scores change by at most 1 per step. Such a function, nowhere steeper than 1, is called *Lipschitz continuous* with constant 1. Compare its mean scores,
#
# $$E_\text{real} D - E_\text{fake} D .$$
#
# Two steps show what this has to do with earth.
#
# 1. *No such critic exceeds the distance.* Let a plan carry shovelfuls of fake earth, number $k$ of size $t_k$ from $x_k$ to $y_k$. When all have been carried, the mean score has changed from $E_\text{fake} D$ to $E_\text{real} D$, so
#    $$E_\text{real} D - E_\text{fake} D = \sum_k t_k \, \big(D(y_k) - D(x_k)\big) \le \sum_k t_k \, |y_k - x_k| ,$$
#    which is the work of the plan. This holds for every plan, so for the best one, too.
# 2. *One reaches it.* Let the score rise by 1 per step wherever earth has to be carried to the right, and fall by 1 wherever it goes to the left. (The best plan crosses no border both ways.) Then the score of each shovelful rises by exactly the distance it is carried: ≤ becomes =.
#
# In the table of section 6 all earth goes to the right. The scores 0, 1, 2, 3 give the real pile $0.5 \cdot 2 + 0.5 \cdot 3 = 2.5$ and the fake one $0.25 \cdot 1 + 0.25 \cdot 2 = 0.75$: the difference is 1.75, the distance.
#
# So the earth mover's distance is the largest difference of mean scores that a critic of slope 1 can reach. This is the Kantorovich–Rubinstein duality. It is the reason why a discriminator can measure a distance.

# %%
widgets.explore(lambda shift, spread: diagrams.best_critic(pile(20), pile(20 + shift, spread)),
                {"shift": [-12, 0], "spread": [2, 4, 8]}, start={"shift": -12, "spread": 2}, kilobytes=220,
                alt="Above, a real and a fake pile; below, the best critic, whose scores rise with slope 1 from the fake towards the real pile")

# %% [markdown]
# For the generator, the critic's slope is a signpost: everywhere under the fake pile it points towards the real one, however far away that is, and its size is always 1.
# Set the shift to 0 and the spread to 8. Now the critic is shaped like a roof, highest in the middle, and the fake pile learns that it must contract. At shift 0 and spread 2 the two piles are equal, and the best critic is flat.

# %% [markdown]
# ### Exercise 4: the best critic (2 points)
#
# Write a function that returns the scores of a best critic for any two distributions on places that are `width` apart. It returns one score per place. From one place to the next the score changes by at most `width`, and the difference of the mean scores, `p @ scores - q @ scores`, equals the earth mover's distance.
# (There may be several best critics; each is accepted.)

# %% nbgrader={"grade_id": "best-critic", "solution": true}
def best_critic(p, q, width):
    """Scores, one for each place, of a critic of slope 1 that reaches the earth mover's distance."""
    ### BEGIN SOLUTION: find what crosses each border and in which direction; rise by width where fake earth goes right, fall where it goes left
    surplus = np.cumsum(q - p)[:-1]                 # fake earth too much on the left of each border
    return np.concatenate([[0], np.cumsum(width * np.sign(surplus))])
    ### END SOLUTION


# %% nbgrader={"grade_id": "best-critic-test", "grade": true, "points": 2}
lesson_06.check_best_critic(best_critic)
### BEGIN HIDDEN TESTS
lesson_06.check_best_critic(best_critic, seed=64)
### END HIDDEN TESTS

# %% [markdown]
# ## 8. The Wasserstein loss and its sign (3 minutes)
#
# With a network as the critic, this becomes a pair of losses, the *Wasserstein loss* (`losses.wasserstein_critic`, `losses.wasserstein_generator`):
#
# | | minimises |
# |---|---|
# | critic | mean of $D$(fake) − mean of $D$(real) |
# | generator | − mean of $D$(fake) |
#
# The report says: "by taking the mean difference of the two images". Taken literally, that would be a difference of images. What is meant is the difference between the critic's mean *answers* to the two kinds of images.
#
# The implementation that the report evidently follows has one function for both losses, with labels +1 for real and −1 for fake, and *minimises* it:

# %%
def labelled_loss(labels, scores):
    """Mean of label × score, which that implementation minimises."""
    return tf.reduce_mean(labels * scores)


# %% [markdown]
# **Predict, then run.** The next cell trains a minimal critic with it: just one score for each real and each fake example, changed step by step so that the loss falls. Which will get the higher scores, the real ones or the fake ones?

# %%
scores = tf.Variable(np.zeros(8, np.float32))
labels = tf.constant([1.0] * 4 + [-1.0] * 4)        # four real, four fake
for step in range(10):
    with tf.GradientTape() as tape:
        loss = labelled_loss(labels, scores)
    scores.assign_sub(tape.gradient(loss, scores))
print("real:", scores.numpy()[:4], " fake:", scores.numpy()[4:])

# %% [markdown]
# The *fake* ones. Minimising a score with label +1 pushes it down: for this critic, low means real. The report's Section 2.2 promises the opposite, "either 0(for fake image) or 1(for real image)".
#
# This does no harm as long as both players agree. In that implementation the generator's label is +1 as well, so it pushes the scores of its outputs down, towards real. Reverse one of the two signs, and the generator learns to be recognised as fake.
# One rule holds under either convention: *the generator moves its scores to where the critic moves the real ones.*

# %% [markdown]
# ## 9. Slope 1, and what the sigmoid does (9 minutes)
#
# The duality has a condition: slope at most 1. What happens if a network doesn't meet it? Try a small network on points in the plane. It has two hidden layers of 64 units. Each point is treated as an image of one pixel with two channels, so that the course's losses accept it. (Lesson 07 explains Adam and `tf.function`; here they only take the steps, and take them fast.)

# %%
def toy_critic(output="linear"):
    """From points (N, 1, 1, 2) to one score each."""
    hidden = [keras.layers.Dense(64, activation=keras.layers.LeakyReLU(0.2)) for _ in range(2)]
    return keras.Sequential([keras.Input((1, 1, 2)), keras.layers.Flatten(), *hidden, keras.layers.Dense(1, activation=output)])


def estimate(critic, real, fake):
    """Difference of the mean scores, which is to measure the distance."""
    return float(tf.reduce_mean(critic(real)) - tf.reduce_mean(critic(fake)))


def train(critic, real, fake, weight, steps=400, every=25, keep=()):
    """Train a critic with the Wasserstein loss and weight × gradient penalty.

    Returns the steps and estimates along the way, and the critic's weights after the steps in keep.
    """
    optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5, beta_2=0.9)
    optimizer.build(critic.trainable_variables)

    @tf.function
    def step(some_real, some_fake, mix):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(losses.wasserstein_critic(critic(some_real), critic(some_fake)))
            if weight:
                loss += weight * tf.reduce_mean(losses.gradient_penalty(critic, some_real, some_fake, mix))
        optimizer.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)

    rng = np.random.default_rng(0)
    log, kept = [(0, estimate(critic, real, fake))], {0: critic.get_weights()}
    for number in range(1, steps + 1):
        step(rng.choice(real, 128), rng.choice(fake, 128), rng.uniform(size=(128, 1, 1, 1)).astype(np.float32))
        if number % every == 0:
            log.append((number, estimate(critic, real, fake)))
        if number in keep:
            kept[number] = critic.get_weights()
    return np.array(log).T, kept


# %% [markdown]
# The *gradient penalty* (Gulrajani et al., arXiv:1704.00028, the report's reference [9]) pulls the slope towards 1 without enforcing it. Take a real and a fake example, mix them in a random proportion, and measure the critic's slope at the mixture, which is the length of its gradient:
#
# $$\lambda \cdot \left( \lVert \nabla D(\hat x) \rVert - 1 \right)^2, \qquad \hat x = \epsilon \cdot \text{real} + (1 - \epsilon) \cdot \text{fake},$$
#
# with $\epsilon$ drawn uniformly between 0 and 1, and $\lambda = 10$.
#
# Why 1 and not at most 1? The best plan carries each fake example to a real one. On the way the best critic rises by the whole distance (section 7, step 2), so its slope is 1 all along. The pairs here are random, so this is an approximation: where the two distributions agree, the best critic is flat, but the penalty still asks for 1. Why between them? Because that is where the generator's outputs travel.
#
# Real points lie on a ring of radius 2, fake ones in a blob at its centre, 400 of each. Every point carries an equal share of the earth, so the best plan pairs each fake point with one real point. SciPy finds the best pairing; its mean distance is the true earth mover's distance.

# %%
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist


def true_distance(real, fake):
    """Earth mover's distance of equally many points: the cheapest way to pair them."""
    cost = cdist(real.reshape(len(real), -1), fake.reshape(len(fake), -1))
    return cost[linear_sum_assignment(cost)].mean()


rng = np.random.default_rng(6)
angle = rng.uniform(0, 2 * np.pi, 400)
ring = np.stack([2 * np.cos(angle), 2 * np.sin(angle)], axis=1) + rng.normal(0, 0.1, (400, 2))
blob = rng.normal(0, 0.3, (400, 2))
ring, blob = (points.astype(np.float32)[:, None, None] for points in (ring, blob))
print(f"true distance: {true_distance(ring, blob):.2f}")

# %% [markdown]
# Train two critics from the same initial weights, one without and one with the penalty:

# %%
moments = (50, 400)
critics, logs, stored = {}, {}, {}
for name, weight in [("without", 0), ("with", 10)]:
    keras.utils.set_random_seed(6)
    critics[name] = toy_critic()
    logs[name], stored[name] = train(critics[name], ring, blob, weight, keep=moments)

figure, axis = plt.subplots(figsize=(6.6, 3.4))
axis.plot(*logs["without"], color=COLOURS["vermilion"], label="without penalty")
axis.plot(*logs["with"], "--", color=COLOURS["blue"], label="with penalty, λ = 10")
axis.axhline(true_distance(ring, blob), color="0.3", linewidth=1, label="true distance")
axis.set(yscale="symlog", xlabel="training steps of the critic", ylabel="difference of mean scores", ylim=(-0.5, 1e4))
axis.legend(loc="upper left")
figures.show(figure, alt="Difference of the critic's mean scores over its training: without penalty it grows beyond a hundred and keeps growing, "
                         "with penalty it settles near the true distance of about 1.6")

# %%
print("without penalty, over 20 times the true distance:", logs["without"][1][-1] > 20 * true_distance(ring, blob))
print("with penalty, within 20% of the true distance:   ", abs(logs["with"][1][-1] / true_distance(ring, blob) - 1) < 0.2)

# %% [markdown]
# Without a limit on the slope, a critic can always increase the difference, for example by multiplying all scores by ten. Its loss measures only how long it was trained. With the penalty it measures the distance.
# Now look at both critics from above. Darker means steeper; the lines connect equal scores. Move the slider *step*.

# %%
side = np.linspace(-3, 3, 41, dtype=np.float32)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 1, 1, 2)
viewer = toy_critic()


def surface(weights, points):
    """Scores and slopes of a critic at points."""
    viewer.set_weights(weights)
    points = tf.constant(points)
    with tf.GradientTape() as tape:
        tape.watch(points)
        score = viewer(points)
    return score.numpy()[:, 0], np.linalg.norm(tape.gradient(score, points).numpy().reshape(len(points), 2), axis=1)


def show_surface(penalty, step):
    score, slope = (values.reshape(41, 41) for values in surface(stored[penalty][step], grid))
    figure, axis = plt.subplots(figsize=(5.6, 4.4))
    shown = axis.imshow(slope, extent=(-3, 3, -3, 3), origin="lower", cmap="Greys", norm="log", vmin=0.1, vmax=1000)
    axis.contour(side, side, score, 8, colors=COLOURS["purple"], linewidths=1)
    axis.plot(*ring[::4].reshape(-1, 2).T, "o", color=COLOURS["blue"], markersize=4, label="real")
    axis.plot(*blob[::4].reshape(-1, 2).T, "^", color=COLOURS["orange"], markersize=4, label="fake")
    axis.set(title=f"{penalty} penalty, after {step} steps", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    axis.grid(False)
    axis.legend(loc="upper right", framealpha=1, frameon=True)
    figure.colorbar(shown, ax=axis, label="slope", ticks=[0.1, 1, 10, 100, 1000])
    return figure


widgets.explore(show_surface, {"penalty": ["without", "with"], "step": [0, *moments]}, start={"penalty": "with", "step": 400}, kilobytes=300,
                alt="The plane with real points on a ring and fake points in its middle, lines of equal score of the critic and its slope; "
                    "with penalty the slope stays near 1 between them, without it rises above 10 everywhere")

# %%
mix = rng.uniform(size=(400, 1, 1, 1)).astype(np.float32)
between = mix * ring + (1 - mix) * blob
slopes = {name: surface(stored[name][400], between)[1] for name in stored}
print(f"with penalty, mean slope between the two: {slopes['with'].mean():.1f}")
print(f"without, over 10: {slopes['without'].mean() > 10}")

# %% [markdown]
# The slope comes out a little above 1, and the estimate a little above the true distance. Take a critic that simply rises with slope $s$ over a distance $d$: its loss is $-s\,d + \lambda (s - 1)^2$.
# Its derivative, $-d + 2 \lambda (s - 1)$, is 0 at $s = 1 + d / (2 \lambda)$.
#
# **Predict, then run.** The distance here is about 1.6. What slopes does the formula give for $\lambda = 1$ and $\lambda = 100$?

# %%
for weight in (1, 10, 100):
    keras.utils.set_random_seed(6)
    critic = toy_critic()
    train(critic, ring, blob, weight)
    slope = surface(critic.get_weights(), between)[1].mean()
    predicted = 1 + true_distance(ring, blob) / (2 * weight)
    print(f"λ = {weight:3}  predicted {predicted:.2f}, measured within 0.2 of it: {abs(slope - predicted) < 0.2}")

# %% [markdown]
# A penalty is a pull, not a wall: the critic exceeds slope 1 where that pays. As long as real and fake are apart, this hardly matters for the generator: the signpost still points in the right direction, with nearly the right length.
#
# ### The report's critic ends in a sigmoid
#
# Table 3's discriminator answers between 0 and 1, and the report mentions no penalty. What does the Wasserstein loss make of that? Take two equal clouds of points at growing distances. At each distance, train two new critics: one with a sigmoid and no penalty, one linear with the penalty.

# %%
distances_apart = [1, 2, 4, 8]
kinds = {"sigmoid, no penalty": ("sigmoid", 0), "linear, with penalty": ("linear", 10)}
measured = {kind: [] for kind in kinds}
signpost = {kind: [] for kind in kinds}
for apart in distances_apart:
    rng = np.random.default_rng(6)
    cloud = rng.normal(0, 0.4, (2, 400, 1, 1, 2)).astype(np.float32)
    real, fake = cloud[0], cloud[1] - np.array([apart, 0], np.float32)
    for kind, (output, weight) in kinds.items():
        keras.utils.set_random_seed(6)
        critic = toy_critic(output)
        train(critic, real, fake, weight)
        measured[kind].append(estimate(critic, real, fake))
        with tf.GradientTape() as tape:
            points = tf.Variable(fake)
            score = critic(points)
        signpost[kind].append(np.linalg.norm(tape.gradient(score, points).numpy().reshape(-1, 2), axis=1).mean())

figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.4))
for (kind, values), style, colour in zip(measured.items(), ("s-", "o--"), (COLOURS["vermilion"], COLOURS["blue"])):
    axes[0].plot(distances_apart, values, style, color=colour, label=kind)
    axes[1].semilogy(distances_apart, np.maximum(signpost[kind], 1e-9), style, color=colour)
d = np.linspace(0, 8.5)
axes[0].plot(d, d, color="0.3", linewidth=1, zorder=0, label="true distance d")
axes[0].plot(d, d * (1 + d / 20), ":", color="0.3", linewidth=1.5, zorder=0, label="predicted: d · (1 + d / 20)")
axes[0].set(title="what the critic measures", xlabel="distance of the clouds")
axes[0].legend(fontsize=9)
axes[1].set(title="its slope at the fake points", xlabel="distance of the clouds", ylim=(1e-10, 30))
figures.show(figure, alt="Against the distance of the clouds: the sigmoid critic's measure stays at 1 and its slope at the fake points falls "
                         "by many powers of ten; the linear critic with penalty follows the curve that the formula predicts, which is above the true distance, by two fifths at distance 8; its slope stays near 1 and grows slowly")

# %%
print("sigmoid: from 4 to 8 its measure changes by less than 0.05:", abs(measured["sigmoid, no penalty"][3] - measured["sigmoid, no penalty"][2]) < 0.05)
print("sigmoid: slope at the fake points below 0.01 at distance 8:", signpost["sigmoid, no penalty"][3] < 0.01)
print("linear:  slope between 0.8 and 1.6 at all distances:", all(0.8 < slope < 1.6 for slope in signpost["linear, with penalty"]))

# %% [markdown]
# The linear critic follows $s \, d = d \, (1 + d / 2\lambda)$, the formula from above. Divide its answer by its slope, and you get the distance. The sigmoid breaks the loss in two ways.
#
# - **Its scale is fixed.** Answers lie between 0 and 1, so the difference of two means is at most 1, and it's nearly 1 as soon as the clouds can be separated. The loss no longer measures a distance, only what share of the examples can be told apart.
# - **Its slope vanishes.** Nothing limits the slope of what comes *before* the sigmoid, so training drives the scores out to where the sigmoid is flat (lesson 05, section 6). There the generator's gradient is next to nothing. The Wasserstein loss was introduced to avoid exactly this.
#
# So a Wasserstein loss needs both an unbounded output and a limit on the slope. Its authors clipped all weights to small values, which they themselves called a terrible way to do it (arXiv:1701.07875); the penalty replaced clipping.
# One more thing follows. The penalty needs the slope at *one* example, but batch normalisation makes each score depend on the whole batch. The authors of the penalty leave batch normalisation out of the critic (arXiv:1704.00028, Section 4). So does the course's training when the penalty is on; it normalises within each image instead.

# %% [markdown]
# ### Think: a loss of −1 (2 points)
#
# Somebody trains the report's networks as described: the discriminator with its sigmoid, the Wasserstein loss, no penalty. From epoch 3 to epoch 40 the log shows a critic loss, $D$(fake) − $D$(real), between −0.99 and −1.00.
#
# 1. "The loss has converged, and the earth mover's distance is 1," says a colleague. What is wrong with that?
# 2. Which of the two losses did the generator learn from in these epochs, and why?
# 3. Name the two changes that would turn this into a Wasserstein GAN.
#
# Four or five sentences are enough.

# %% [markdown] nbgrader={"grade_id": "think-sigmoid", "grade": true, "solution": true, "points": 2}
# ### BEGIN SOLUTION
# With answers between 0 and 1 the difference can't go below −1, whatever the distance. A loss of −1 says only that the discriminator tells all fakes from all real photographs. Nothing limits the slope either, so the number isn't an earth mover's distance at any scale. And it stands still because the critic has won, not because the generator is good.
# At answers of nearly 0 and 1 the sigmoid is flat, so almost no gradient comes back through the discriminator: the generator learned from the perceptual loss alone.
# The sigmoid must go (linear output), and the slope must be limited, for example by the gradient penalty (then without batch normalisation in the critic).
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# - 1 point for question 1: half a point for the bound (with a sigmoid −1 is the least possible value, reached whenever the two kinds can be told apart, at any distance), half a point for the missing limit on the slope, *or* for saying that a discriminator that has won is no sign of a good generator.
# - Half a point for question 2: the content (perceptual) loss, *because* the sigmoid's slope is nearly 0 there. No points for the name without the reason. "100 : 1" as the only reason gets no points: it doesn't explain what the log shows.
# - Half a point for question 3: unbounded (linear) output *and* a limit on the slope (penalty, clipping, spectral normalisation). One of the two alone gets no points.
# ### END MARK SCHEME

# %% [markdown]
# ## 10. Challenge: the gradient penalty (6 minutes)
#
# ### Exercise 5: write it (2 points)
#
# Write the penalty of each example, $(\lVert \nabla D(\hat x) \rVert - 1)^2$, shape $(N,)$; the weight $\lambda$ comes later.
#
# - `critic` is called as `critic(x)` and returns scores $(N, 1)$.
# - `real` and `fake` have the shape $(N, …)$: points, images, anything. `mix` has the shape $(N, 1, …)$ and gives the share of the real example.
# - The length of a gradient is the square root of the sum of its squares, for each example separately: sum over *all* axes except the first.
# - Training must be able to follow the penalty into the critic, so stay with `tf` (or `keras.ops`).
#
# `tf.GradientTape` was used in sections 5 and 9; `tape.watch(x)` makes it follow `x`. Of several scores, `tape.gradient(scores, x)` gives the gradient of their *sum*. As each score depends on its own example alone, this holds each example's own gradient, in the shape of `x`.

# %% nbgrader={"grade_id": "gradient-penalty", "solution": true}
def gradient_penalty(critic, real, fake, mix):
    """(length of the critic's gradient between real and fake − 1)², shape (N,)."""
    ### BEGIN SOLUTION: mix real and fake, take the gradient of the scores there, and square the difference of its length from 1
    between = mix * real + (1 - mix) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        scores = critic(between)
    slope = tape.gradient(scores, between)
    length = tf.sqrt(tf.reduce_sum(slope**2, axis=tuple(range(1, len(slope.shape)))) + 1e-12)
    return (length - 1)**2
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradient-penalty-test", "grade": true, "points": 2}
lesson_06.check_gradient_penalty(gradient_penalty)
### BEGIN HIDDEN TESTS
lesson_06.check_gradient_penalty(gradient_penalty, seed=65)
### END HIDDEN TESTS

# %% [markdown]
# The $10^{-12}$ under the root, in the model answer and in `losses.gradient_penalty`, has a reason. The derivative of a square root is infinite at 0, so a single example with slope 0 would turn all weights into *nan*, "not a number".
#
# The course's training offers this lesson's choices by name. `objective="report"` is Section 2.3 as it stands, with the sigmoid. `"wgan-gp"` has the linear critic and the penalty. `"minimax"` and `"minimax-ns"` are equation (1) and its usual variant. Lesson 07 trains with them.

# %% [markdown]
# ## Recap
#
# - Many sharp photographs give the same blurred one. The best answer for the squared error is their mean, which is blurred; for the absolute error it is their median.
# - At equal squared error, VGG16's features move over thirty times farther for blur than for brightness. The perceptual loss is the mean squared difference of the features.
# - How VGG16 is fed changes the loss a thousandfold. Without knowing that, a weight of 100 : 1 means nothing.
# - The earth mover's distance is the least work that turns one distribution into another; on a line, the sum of the absolute cumulative sums. It keeps growing where the Jensen–Shannon divergence is flat.
# - A critic of slope at most 1 measures this distance: it is the largest possible difference of mean scores. Whatever the sign, the generator moves its scores to where the critic moves the real ones.
# - A sigmoid fixes the scale and flattens the slope. A Wasserstein loss needs an unbounded critic and a limit on its slope, such as the gradient penalty; the report describes neither.
#
# [← previous: The discriminator](05_discriminator.ipynb) · [Glossary](glossary.md) · [next: Training →](07_training.ipynb)
