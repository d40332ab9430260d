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
# # 07 · Training
#
# The two networks are built, and their losses are chosen. Now they have to learn. Section 3.2 of the report describes this with six numbers and a sentence:
# "The training time loops for around 3 hours."
# In this lesson you write the step that trains both networks, watch a training, stop and resume it, vary each of the six numbers, and work out how long the report's training takes on your machine. At the end, both networks train against each other.
#
# **You will be able to**
# - write one step of training for a generator, for a critic, and for both, and show that it is right;
# - explain what Adam does with a gradient, and what its four settings are for;
# - train a small network to a visible gain, interrupt the training, and continue as if nothing had happened;
# - say what happens when learning rate, batch size, number of epochs, β₁, β₂ or ε of Section 3.2 is changed;
# - estimate what a training costs before you start it;
# - train both networks against each other, and say why PSNR falls.
#
# **You need** lesson 00 (PSNR, how to stop and go on), lesson 01 (the non-saturating loss), lesson 03 (batch normalisation, multiply–accumulates), lesson 04 (the generator), lesson 05 (the discriminator) and lesson 06 (the losses, the gradient penalty).
#
# **Time** about 70 minutes, four to seven of them spent waiting for the notebook.

# %%
import os
import signal
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from course_lib import (blur, datasets, diagrams, evaluation, figures, losses, networks, parameters, photos, report, restoration, runs,
                        training, widgets)
from course_lib.backend import keras, tf
from course_lib.checks import lesson_07

layers = keras.layers
size = os.environ.get("COURSE_SIZE", "laptop")         # how much is trained below: "smoke" (seconds) or "laptop" (minutes)

# %% [markdown]
# ## 1. What is a step? (3 minutes)
#
# Training repeats one step, thousands of times. Each step takes a *batch*: a few pairs of a blurred and a sharp patch, cut from the photographs at random places.
# The library makes as many pairs as you want; level 1 means the same motion of 11 pixels for all of them.

# %%
pairs = datasets.source("photos", "train", patch=64, level=1)
blurred, sharp = datasets.batch(pairs, seed=4, first=0, size=8)
print(blurred.shape, blurred.dtype, "from", blurred.min().round(2), "to", blurred.max().round(2))

figures.images({"blurred": photos.to_image(np.concatenate(blurred[:6], axis=1)), "sharp": photos.to_image(np.concatenate(sharp[:6], axis=1))},
               alt="Six patches of photographs, above with motion blur, below sharp", zoom=1.5)

# %% [markdown]
# The generator turns the blurred patches into an output. The loss says how far this is from the sharp ones. The *gradient* of the loss says, for every weight of the network,
# whether the loss would rise or fall if this weight were a little larger, and how steeply. TensorFlow records what is computed inside a `GradientTape`, and derives the gradient from this record.

# %%
keras.utils.set_random_seed(7)
generator = networks.generator(width=8, blocks=1)
with tf.GradientTape() as tape:
    output = generator(blurred, training=True)
    loss = tf.reduce_mean(losses.l1(sharp, output))         # mean absolute difference
gradients = tape.gradient(loss, generator.trainable_variables)

print("numbers in the gradient:", sum(int(tf.size(g)) for g in gradients))
print("weights to train:       ", sum(int(tf.size(w)) for w in generator.trainable_variables))

# %% [markdown]
# `training=True` matters: with it, batch normalisation uses the mean and variance of this very batch (lesson 03). Without it, the network would use the running averages, which are meant for use after training.
#
# What remains is to move every weight a little against its gradient. How far?

# %% [markdown]
# ## 2. How far? Adam (9 minutes)
#
# The plain answer is $w \leftarrow w - r \cdot g$: subtract *learning rate* $r$ times gradient $g$. Try it on a loss with two weights. Its shape is a long valley,
# steep in one direction and almost flat in the other, as the losses of networks are. Both paths below take 60 steps with the same learning rate.

# %%
def valley(w):
    """A loss of two weights, and its gradient: 25 times as steep in the second as in the first."""
    return 0.5 * (w[0] ** 2 + 25 * w[1] ** 2), np.array([w[0], 25 * w[1]])


def path(optimizer, steps=60):
    """All points from (-2, 0.9) on."""
    w = keras.Variable([-2.0, 0.9])
    points = [w.numpy()]
    for _ in range(steps):
        optimizer.apply([tf.constant(valley(points[-1])[1], tf.float32)], [w])
        points.append(w.numpy())
    return np.array(points)


def draw_valley(rate):
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.2), sharey=True)
    x, y = np.meshgrid(np.linspace(-2.4, 1, 120), np.linspace(-1.2, 1.2, 90))
    both = {"plain: rate × gradient": keras.optimizers.SGD(rate), "Adam": keras.optimizers.Adam(rate)}
    for axis, (title, optimizer) in zip(axes, both.items()):
        axis.contour(x, y, valley((x, y))[0], levels=[0.1, 0.5, 1.5, 4, 8, 14], colors="0.75", linewidths=1)
        axis.plot(*path(optimizer).T, "o-", markersize=3, linewidth=1.2)
        axis.plot(0, 0, "*", markersize=15, color=figures.COLOURS["vermilion"])
        axis.set(title=title, xlim=(-2.4, 1), ylim=(-1.2, 1.2), xlabel="first weight")
    axes[0].set_ylabel("second weight")
    return figure


widgets.explore(draw_valley, {"rate": [0.003, 0.01, 0.03, 0.07, 0.081]}, start={"rate": 0.07}, kilobytes=200,
                alt="A long valley with its lowest point marked by a star. Left, plain steps creep along it at small rates and "
                    "jump from side to side at large ones. Right, Adam's path")

# %% [markdown]
# The steep direction sets the limit. There the gradient is 25 times the weight, so a plain step multiplies the second weight by $1 - 25r$. Beyond $r = 2/25 = 0.08$ this is less than −1: every step lands farther out on the other side, and the path is thrown out of the valley. Below that, the smaller the rate, the slower the path creeps along the flat direction.
# Adam moves at the same speed in both directions, about $r$ per step. That is not faster here: at rates up to 0.07 the plain path ends nearer to the star.
# But no steep direction limits Adam: at 0.081 only the plain path is thrown out. The price is that with a large rate Adam swings past the lowest point.
#
# *Adam* (Kingma & Ba, arXiv:1412.6980) keeps two running means for every weight, one of the gradient and one of its square:
#
# $$m \leftarrow \beta_1 m + (1-\beta_1)\, g \qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2$$
#
# Both start at zero, so at first they are too small. If the gradient is always $g$, then $m = (1 - \beta_1^t)\, g$ after $t$ steps: with $\beta_1 = 0.9$ and $g = 2$, for example, 0.2, 0.38, 0.542 … Each step, $t = 1, 2, 3 \ldots$, corrects this (0.2 / 0.1, 0.38 / 0.19 and 0.542 / 0.271 are all 2), and then moves the weight:
#
# $$\hat m = \frac{m}{1-\beta_1^t} \qquad \hat v = \frac{v}{1-\beta_2^t} \qquad w \leftarrow w - r\,\frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$
#
# So the step is the mean gradient divided by the usual *size* of the gradient. If all gradients of a weight are alike, $\hat m$ is as large as $\sqrt{\hat v}$, and the weight moves by $r$.
# If they disagree, $\hat m$ is small and the weight hardly moves. And multiplying the loss by 100 leaves the steps unchanged.
#
# Here is one weight over 120 steps. For the first 60, its gradient is 1 on average, plus noise. After that only noise is left.

# %%
noisy = np.random.default_rng(4).normal(0, 1, 120) + np.where(np.arange(120) < 60, 1.0, 0.0)
widgets.explore(
    lambda **beta: diagrams.adam(noisy, beta["β₁"], beta["β₂"]), {"β₁": [0.0, 0.5, 0.9, 0.99], "β₂": [0.9, 0.999]},
    start={"β₁": 0.9, "β₂": 0.999}, kilobytes=260,
    alt="Above, a noisy gradient with Adam's running mean and running size. Below, the step that follows: "
        "steady while the gradient has a direction, around zero when only noise is left",
)

# %% [markdown]
# Move β₁ to 0: every step follows the noise. Move it to 0.99: the steps are smooth, but continue in the old direction long after the gradient has lost it.
# β₁ sets the memory for the direction: a gradient $k$ steps old counts $\beta_1^k$ times as much as the newest. That is about a third after $1/(1-\beta_1)$ steps, 10 for the report's 0.9 ($0.9^{10} = 0.35$). β₂ sets the memory for the size: 1,000 steps for 0.999. ε only prevents a division by zero, or so it seems; section 6 looks again.
#
# **Predict, then open.** How long is the very first step, at any setting?
#
# <details><summary>Answer</summary>
#
# As long as the learning rate. In step 1, m̂ = g and √v̂ = |g|, so the step is ±r, however small the gradient is (provided that it is well above ε).
#
# </details>

# %% [markdown]
# ### Exercise 1: Adam (1 point)
#
# Write one step of Adam. `w`, `g`, `m` and `v` are numbers or NumPy arrays, `t` counts from 1. Return the new `w`, `m` and `v`.

# %% nbgrader={"grade_id": "adam", "solution": true}
def adam(w, g, m, v, t, rate, beta_1, beta_2, epsilon):
    """One step of Adam: the new w, m and v."""
    ### BEGIN SOLUTION: update m and v, correct them for the zero start, move w; return w, m, v
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**t)
    v_hat = v / (1 - beta_2**t)
    return w - rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v
    ### END SOLUTION


# %% nbgrader={"grade_id": "adam-test", "grade": true, "points": 1}
lesson_07.check_adam(adam)
### BEGIN HIDDEN TESTS
lesson_07.check_adam(adam, seed=71)
### END HIDDEN TESTS

# %% [markdown]
# ## 3. The step, player by player (10 minutes)
#
# With a critic there are two losses and two sets of weights. In each step the networks take turns. Move the slider through the three phases:

# %%
phases = ["1 generate", "2 critic learns", "3 generator learns"]
widgets.slider([diagrams.gan_step(phase) for phase in phases], phases, name="phase",
               alt="The generator turns a blurred patch into an output; the critic learns to tell outputs from sharp patches; "
                   "then the generator learns from the content loss and, through the critic, from the adversarial loss")

# %% [markdown]
# Each loss is differentiated with respect to the weights of *one* network, and only those weights are moved. In phase 3 the gradient passes through the critic, because the generator's output does, but the critic's weights stay where they are.
#
# Begin with the generator and its content loss alone: phase 3 without the critic, which is all of section 1 in one function.

# %% [markdown]
# ### Exercise 2: a step by the content loss (1 point)
#
# Write a function that moves the generator's weights by one step. The loss is the mean absolute difference between output and sharp images (use `losses.l1`, which gives one number per image, or your own).
# An optimizer moves weights by `optimizer.apply(gradients, weights)`. Nothing has to be returned.
#
# *How this is checked.* Your function and a reference move the same small network from the same start on the same batch, and the two changes of the weights must agree within 1% of their length.
# The optimizer in the check is plain gradient descent, because Adam divides by the size of the gradient and would hide a wrong factor.

# %% nbgrader={"grade_id": "content-step", "solution": true}
def content_step(generator, optimizer, blurred, sharp):
    """Move the generator's weights by one step of the optimizer, against the gradient of the content loss."""
    ### BEGIN SOLUTION: record the loss on a tape, take the gradient for generator.trainable_variables, apply it
    with tf.GradientTape() as tape:
        output = generator(blurred, training=True)
        loss = tf.reduce_mean(losses.l1(sharp, output))
    weights = generator.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)
    ### END SOLUTION


# %% nbgrader={"grade_id": "content-step-test", "grade": true, "points": 1}
lesson_07.check_content_step(content_step)
### BEGIN HIDDEN TESTS
lesson_07.check_content_step(content_step, seed=72)
### END HIDDEN TESTS

# %% [markdown]
# Now phase 2, the critic's turn. Its loss comes from lesson 06: the mean of its answers for the output, minus the mean for the sharp images, plus ten times the gradient penalty (a bar is a mean over the batch):
#
# $$L_D = \overline{D(\text{output})} - \overline{D(\text{sharp})} + 10 \cdot \overline{\left(\lVert\nabla D(\hat x)\rVert - 1\right)^2}$$
#
# `losses.gradient_penalty(critic, sharp, output, mix)` gives the *square* of the bracket, for each image. `mix` holds a random number from 0 to 1 for each image, which decides where between sharp and output $\hat x$ lies.
#
# ### Exercise 3: a step of the critic (2 points)
#
# Write this step. `output` is what the generator made. It is a plain array, so no gradient leads back to the generator. As in exercise 2, move the weights; nothing has to be returned.

# %% nbgrader={"grade_id": "critic-step", "solution": true}
def critic_step(critic, optimizer, sharp, output, mix):
    """Move the critic's weights by one step of the optimizer, against the gradient of L_D."""
    ### BEGIN SOLUTION: record L_D on a tape, take the gradient for critic.trainable_variables, apply it
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(critic(output, training=True)) - tf.reduce_mean(critic(sharp, training=True))
        loss += 10.0 * tf.reduce_mean(losses.gradient_penalty(critic, sharp, output, mix))
    weights = critic.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)
    ### END SOLUTION


# %% nbgrader={"grade_id": "critic-step-test", "grade": true, "points": 2}
lesson_07.check_critic_step(critic_step)
### BEGIN HIDDEN TESTS
lesson_07.check_critic_step(critic_step, seed=73)
### END HIDDEN TESTS

# %% [markdown]
# Section 8 puts both steps together, and in section 9 both networks train. First, see training at work without a critic.

# %% [markdown]
# ## 4. A minute of training (7 minutes)
#
# `training.train` repeats the step. After every [epoch](glossary.md) it deblurs held-out photographs, which it never trains on, and stores pictures, scores and weights in a folder.
# The settings are for a small network ([width](glossary.md) 16, three blocks) that trains in a minute or two on a laptop. Its learning rate falls along half a wave of the cosine; section 6 says why:

# %% tags=["size-dependent"]
settings = runs.SIZES[size]
print(f"{settings.epochs} epochs of {settings.steps} steps, batches of {settings.batch} patches of {settings.patch}×{settings.patch} pixels")
print(f"learning rate {settings.learning_rate:g}, falling to 1% of it ({settings.schedule}); loss: mean absolute difference, no critic")

# %% [markdown]
# **Predict, then run.** Compared with the sharp photographs, the blurred held-out ones have a PSNR of 28.6 dB on average. By how many decibels will ten small epochs raise that? By when will most of the gain have been made?
#
# While it runs, you may press the stop button ■ above. The cell then ends after its current step. Run it again, and training continues from there.
# Once finished, it stays finished; to train afresh, delete the folder `runs` beside this notebook.

# %% tags=["nbval-ignore-output"]
keep = Path("runs" if Path.cwd().name == "my_work" else tempfile.mkdtemp())         # yours stay, for lesson 08
run = training.train(keep / f"level1_{size}", settings, resume=True, report=widgets.TrainingView())

# %% tags=["size-dependent"]
gains = [row["psnr_gain"] for row in run.history]
print("gain over 2 dB:", gains[-1] > 2)
print("more than half of it in the first half of the epochs:", gains[len(gains) // 2] > 0.5 * gains[-1])

# %% [markdown]
# Look closely at one of the held-out photographs. Pull the line from side to side.

# %% tags=["size-dependent"]
number = settings.held_out // 2                 # one in the middle
before, after = run.picture("blurred", number), run.picture(len(run.history) - 1, number)
widgets.swipe(before, after, labels=("blurred", "after training"), zoom=3, start=50,
              alt="Part of a photograph that was not used in training")

# %% [markdown]
# The network knows one motion, and has learned to undo it in photographs that it has never seen. It is far from perfect, and other motions defeat it; lesson 09 measures how badly.
#
# The loss falls and the PSNR rises, but not in lockstep. The loss is measured on the training batches, the PSNR on the same eight held-out photographs every time. Lesson 08 reads such curves.

# %% [markdown]
# ## 5. Stop, and go on (6 minutes)
#
# Training that takes hours gets interrupted: by a closed lid, a full disk, a power cut. How much is lost?
#
# Take two small training runs of 20 steps, 5 per epoch. The first is left alone. In the second, someone presses stop after step 7; so that this happens every time, the cell itself sends the signal that the stop button sends.
# The run is resumed, and after step 13 an error ends it without warning, as a power cut would. Then it is resumed once more.

# %%
small = runs.SIZES["smoke"].changed(epochs=4, steps=5)
place = Path(tempfile.mkdtemp())


def recorder(seen, at=None, do=None):
    """A `report` that notes the loss of every step in the list `seen`; after step `at` it calls `do`."""
    def report(progress):
        if progress.losses and not progress.stopped:
            seen.append((progress.step, progress.losses["content"]))
            if progress.step == at:
                do()
    return report


def press_stop():
    signal.raise_signal(signal.SIGINT)


def power_cut():
    raise RuntimeError("no more power")


# %%
alone, sessions = [], [[], [], []]
undisturbed = training.train(place / "undisturbed", small, report=recorder(alone))

training.train(place / "disturbed", small, report=recorder(sessions[0], 7, press_stop))
try:
    training.train(place / "disturbed", small, resume=True, report=recorder(sessions[1], 13, power_cut))
except RuntimeError as error:
    print("Training ended:", error)
disturbed = training.train(place / "disturbed", small, resume=True, report=recorder(sessions[2]))

for number, session in enumerate(sessions, 1):
    print(f"session {number}: steps {session[0][0]} to {session[-1][0]}")

# %%
figure, axis = plt.subplots(figsize=(7.6, 3.4))
axis.plot(*zip(*alone), color="0.7", linewidth=7, solid_capstyle="round", label="undisturbed")
for session, marker, name in zip(sessions, "os^", ("until the stop button", "until the power cut", "to the end")):
    axis.plot(*zip(*session), marker=marker, linewidth=1.2, markersize=6, label=name)
for epoch in (5, 10, 15):
    axis.axvline(epoch + 0.5, color="0.8", linewidth=1, linestyle=":")
axis.set(xlabel="step (dotted: end of an epoch)", ylabel="content loss", xticks=range(0, 21, 5))
axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
figures.show(figure, alt="Loss over 20 steps. The three sessions of the disturbed run lie exactly on the undisturbed one; "
                         "steps 11 to 13 were taken twice, with the same losses")

# %% [markdown]
# The stop button costs nothing: the step is finished, and everything is stored. The power cut costs whatever was done since the last *checkpoint*. A checkpoint is written after every epoch (and every two minutes in a long one), so steps 11 to 13 are taken again, with the same losses.
# Is it the same network in the end?

# %%
def without_clock(run):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in run.history]


print("same history:", without_clock(disturbed) == without_clock(undisturbed))
one, other = (runs.read_checkpoint(run.folder) for run in (undisturbed, disturbed))
one.pop("note"), other.pop("note")              # step count and clock
print("same weights, to the last bit:", all(np.array_equal(one[name], other[name]) for name in one))

# %% [markdown]
# **Predict, then run.** What must a checkpoint hold for this to work? The next cell counts the network's weights. How many numbers will its checkpoint hold?

# %%
weights = networks.generator(small.width, small.blocks).count_params()
numbers = sum(array.size for array in other.values())
print(f"weights: {weights:,} · numbers in the checkpoint: {numbers:,}, {numbers / weights:.1f} times as many")

# %% [markdown]
# Adam's $m$ and $v$ are stored too, one of each for every weight, and the step count $t$. Without them, a resumed run would start with empty memories and take first steps of full length again.
# The batches need not be stored: in this library batch number $n$ is computed from the [*seed*](glossary.md) and $n$ alone. (Training with a critic also stores the critic, with its own $m$ and $v$.)

# %% [markdown]
# ## 6. What if? (12 minutes)
#
# Section 3.2 of the report states six numbers:

# %%
for name in ("batch", "epochs", "learning_rate", "beta_1", "beta_2", "epsilon"):
    print(f"{name:14}{report.TRAINING[name]:g}")

# %% [markdown]
# What if they were different? To try many settings in a minute, the problem must be tiny: a network of three convolutions, patches of 32×32 pixels, 200 steps. The cell below contains a complete training.
# (`@tf.function` *compiles* a function: TensorFlow records its operations at the first call and then repeats them without Python, which is faster. Adam's four settings are arguments of this step, so a new value needs no new recording.)

# %%
STEPS = 40 if size == "smoke" else 200
pool = datasets.batch(datasets.source("photos", "train", patch=32, level=1), seed=0, first=0, size=1024)
test_blurred, test_sharp = (photos.to_network(images) for images in datasets.held_out("photos", patch=64, count=16, level=1))


def tiny_network():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(12, 7, strides=2, padding="same", activation="relu")(image)
    x = layers.Conv2D(12, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(3, 7, padding="same", kernel_initializer="zeros")(layers.UpSampling2D(2)(x))
    return keras.Model(image, layers.Add()([image, x]))


network = tiny_network()
weights = network.trainable_variables
means, squares = ([tf.Variable(tf.zeros_like(w)) for w in weights] for _ in range(2))       # Adam's m and v
batch_type, number_type = tf.TensorSpec((None, 32, 32, 3)), tf.TensorSpec(())


@tf.function(input_signature=[batch_type] * 2 + [number_type] * 5)
def tiny_step(blurred, sharp, t, rate, beta_1, beta_2, epsilon):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(losses.l1(sharp, network(blurred)))
    for w, m, v, g in zip(weights, means, squares, tape.gradient(loss, weights)):
        m.assign(beta_1 * m + (1 - beta_1) * g)
        v.assign(beta_2 * v + (1 - beta_2) * g**2)
        w.assign_sub(rate * m / (1 - beta_1**t) / (tf.sqrt(v / (1 - beta_2**t)) + epsilon))


@tf.function
def gain():
    """PSNR of the output minus PSNR of the blurred patches, in dB: mean over the 16 test patches."""
    before, after = (tf.reduce_mean((test_sharp - x) ** 2, axis=(1, 2, 3)) for x in (test_blurred, network(test_blurred)))
    return tf.reduce_mean(tf.math.log(before / after)) * 10 / np.log(10)


def train_tiny(rate=1e-3, batch=16, beta_1=0.9, beta_2=0.999, epsilon=1e-8, steps=STEPS, seed=0):
    """Train from the beginning; the gain after 0, 10, 20 … steps."""
    keras.utils.set_random_seed(seed)
    for w, fresh in zip(weights, tiny_network().trainable_variables):
        w.assign(fresh)
    for variable in means + squares:
        variable.assign(tf.zeros_like(variable))
    rng, curve = np.random.default_rng(seed), [0.0]
    for t in range(1, steps + 1):
        chosen = rng.integers(0, len(pool[0]), batch)
        tiny_step(pool[0][chosen], pool[1][chosen], *(tf.constant(x, tf.float32) for x in (t, rate, beta_1, beta_2, epsilon)))
        if t % 10 == 0:
            curve.append(float(gain()))
    return np.array(curve)


# %% [markdown]
# ### Learning rate
#
# **Predict, then run.** The report has 0.0001. The cell tries five learning rates from 0.00001 to 0.1, each ten times the last. Which gains most in 200 steps, and what will the largest do?

# %%
def draw_curves(curves, chosen, title, images=None):
    """Gain over the steps (or over the images seen, `images` per step), one curve thick, the others grey: all frames have one range."""
    figure, axis = plt.subplots(figsize=(6.8, 3.2))
    for value in [*curves, chosen]:
        x = 10 * np.arange(len(curves[value])) * (images[value] if images else 1)
        style = {"linewidth": 3, "color": figures.COLOURS["blue"]} if value == chosen else {"linewidth": 1.2, "color": "0.55"}
        axis.plot(x, curves[value], **style)
    axis.axhline(0, color="0.4", linewidth=1, linestyle="--")
    axis.set(xlabel="images seen" if images else "step", ylabel="gain on test patches, dB", title=title)
    return figure


def what_if(setting, values):
    """Train once for each value of one setting; the curves, and a slider over them."""
    curves = {value: train_tiny(**{setting: value}) for value in values}
    view = widgets.explore(lambda **chosen: draw_curves(curves, *chosen.values(), title=f"{setting} = {chosen[setting]:g}"),
                           {setting: values}, start={setting: values[len(values) // 2]},
                           alt=f"Gain over the steps for {len(values)} values of {setting}, one of them drawn thick")
    return curves, view


rate_curves, view = what_if("rate", [1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
view

# %% tags=["size-dependent"]
final = {value: curve[-1] for value, curve in rate_curves.items()}
print("the best is 0.001, with more than twice the gain of 0.0001:", bool(max(final, key=final.get) == 1e-3 and final[1e-3] > 2 * final[1e-4]))
print("0.00001 gains less than 0.2 dB:", bool(final[1e-5] < 0.2))
print("0.01 and 0.1 gain less than 0.2 dB:", bool(max(final[1e-2], final[1e-1]) < 0.2))

# %% [markdown]
# If the rate is too small, the network is still on its way after 200 steps; at 0.0001 it would need about ten times as many. If the rate is too large, the first steps throw the weights to where no output depends on them any more.
# The ReLUs give nothing but zeros (lesson 05). The network returns its input, perhaps with a shift of colour from the last layer's bias, and no gradient brings it back. In between, one power of ten works. This is typical, and why the learning rate is the first setting to try, by factors of ten.
#
# The report's 500 images in batches of 16 make 32 steps per epoch, 1,280 in 40 epochs. At 0.0001, a weight can move by about 1,280 · 0.0001 ≈ 0.13 in all that time. The report does not say whether a larger rate would have done better.
# A rate that *falls* during training offers both: long steps first, fine ones at the end. The training in section 4 works this way.

# %% [markdown]
# ### Batch size
#
# Every patch gives a different gradient; a batch averages them. What does a larger batch buy? Compare batches of several sizes with the mean gradient of 512 patches, early in a training:

# %%
def gradient_of(chosen):
    """The gradient of the loss on these patches of the pool, as one vector."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(losses.l1(pool[1][chosen], network(pool[0][chosen])))
    return np.concatenate([g.numpy().ravel() for g in tape.gradient(loss, weights)])


train_tiny(steps=20)
mean_gradient, rng = gradient_of(np.arange(512)), np.random.default_rng(0)
noise = {n: np.mean([np.linalg.norm(gradient_of(rng.integers(0, 512, n)) - mean_gradient) for _ in range(30)])
         / np.linalg.norm(mean_gradient) for n in (1, 4, 16, 64)}
ratios = [noise[n] / noise[4 * n] for n in (1, 4, 16)]
print("four times the batch, half the noise (to 25%):", all(1.6 < ratio < 2.5 for ratio in ratios))
print("a single patch has more noise than gradient:", bool(noise[1] > 1))

# %% [markdown]
# The noise falls with the square root of the batch size (the mean of $n$ independent numbers has $1/n$ of their variance); the work per step rises with the batch size itself. **Predict, then run:** if training with batches of 4 may take 16 times as many steps as with batches of 64, which is ahead after the same number of *images*?

# %%
sizes = {4: 4 * STEPS, 16: STEPS, 64: STEPS // 4}               # the same number of images each
by_batch = {batch: train_tiny(batch=batch, steps=steps) for batch, steps in sizes.items()}
widgets.explore(lambda batch: draw_curves(by_batch, batch, f"batch = {batch}, {sizes[batch]} steps", images={n: n for n in sizes}),
                {"batch": list(sizes)}, start={"batch": 16},
                alt="Gain over the number of images seen for batches of 4, 16 and 64; the smaller the batch, the faster it rises")

# %% tags=["size-dependent"]
print("after 3,200 images 4 is ahead of 16 and 16 of 64:", bool(by_batch[4][-1] > by_batch[16][-1] > by_batch[64][-1]))

# %% [markdown]
# Here, at the same learning rate and for the same work, many rough steps beat few exact ones. Then why does the report take 16? A small batch leaves a processor's parallel units idle. Batch normalisation needs several images for its mean and variance. And late in training, when the gradient is small, its noise is what remains.
# So one takes the largest batch that still costs little time per image, and raises the learning rate with it. Note what batch size does *not* change: the number of MACs per epoch.

# %% [markdown]
# ### Epochs
#
# More epochs are more steps. How much does each doubling of the number of steps add?

# %%
long = train_tiny(steps=4 * STEPS)
doublings = [STEPS // 4, STEPS // 2, STEPS, 2 * STEPS, 4 * STEPS]
figure, axis = plt.subplots(figsize=(6.8, 3))
axis.plot(range(10, 4 * STEPS + 1, 10), long[1:])
axis.plot(doublings, [long[step // 10] for step in doublings], "o", color=figures.COLOURS["vermilion"])
axis.set(xscale="log", xticks=doublings, xticklabels=doublings, xlabel="step (logarithmic)", ylabel="gain on test patches, dB")
axis.minorticks_off()
figures.show(figure, alt="Gain over 800 steps on a logarithmic axis: every doubling of the steps, from dot to dot, adds 0.3 to 0.8 dB, about half a decibel on average")

# %% tags=["size-dependent"]
print("the second half of the steps adds less than the first:", bool(long[-1] - long[len(long) // 2] < long[len(long) // 2]))
print("but it still adds something:", bool(long[3 * len(long) // 4:].max() > long[:len(long) // 2].max()))

# %% [markdown]
# From each dot to the next the number of steps doubles, and on average that adds about half a decibel: the last 400 steps bring about as much as the 200 before them. So each further half decibel costs as much as everything before it. "The values of PSNR and SSIM can be further improved by increasing the training epochs", says the report (Section 3.3). True, but it has its price (section 7).

# %% [markdown]
# ### β₁ and β₂
#
# β₁ sets the memory for the direction. Here it is for the tiny network:

# %%
by_beta, view = what_if("beta_1", [0.0, 0.5, 0.9, 0.99])
view

# %% tags=["size-dependent"]
final = {value: curve[-1] for value, curve in by_beta.items()}
print("all four gain more than 0.5 dB:", all(value > 0.5 for value in final.values()))
print("0.9 gains more than none at all, and more than 0.99:", bool(final[0.9] > max(final[0.0], final[0.99])))

# %% [markdown]
# Without memory, the steps follow the noise; with too much, the network reacts too late. In between, β₁ hardly matters for a network that learns alone. For *two* networks that learn against each other, it does.
# The smallest such game has one weight per player (lesson 01). The first player moves $x$ to make $V = x y + 0.15\,x^2 - 0.15\,y^2$ small, the second moves $y$ to make it large; their balance is at (0, 0). Both use Adam.

# %%
def play(beta_1, rate=0.03, steps=600):
    """The path (x, y) of two players with Adam, from (1, 1)."""
    w, m, v = np.ones(2), np.zeros(2), np.zeros(2)
    points = [w]
    for t in range(1, steps + 1):
        g = np.array([w[1] + 0.3 * w[0], -(w[0] - 0.3 * w[1])])        # the second player goes up: minus
        m, v = beta_1 * m + (1 - beta_1) * g, 0.999 * v + 0.001 * g**2
        w = w - rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        points.append(w)
    return np.array(points)


def draw_game(beta_1):
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.5), width_ratios=(1, 1.4))
    points = play(beta_1)
    left.plot(*points.T, linewidth=1.2)
    left.plot(1, 1, "o", color="black", markersize=5)
    left.plot(0, 0, "*", markersize=14, color=figures.COLOURS["vermilion"])
    left.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xlabel="x", ylabel="y", title=f"β₁ = {beta_1:g}", aspect="equal")
    right.plot(np.hypot(*points.T))
    right.set(ylim=(0, 3.2), xlabel="step", ylabel="distance from the balance")
    return figure


widgets.explore(lambda **chosen: draw_game(chosen["β₁"]), {"β₁": [0.0, 0.5, 0.9, 0.95]}, start={"β₁": 0.9},
                alt="Path of two players around their balance, and its distance over the steps: for β₁ of 0 and 0.5 it falls to zero; "
                    "at 0.9 and 0.95 they still circle after 600 steps")

# %%
for beta_1 in (0.0, 0.5, 0.9, 0.95):
    print(f"β₁ = {beta_1}: distance from the balance after 600 steps {np.hypot(*play(beta_1)[-1]):.2f}")

# %% [markdown]
# With a long memory, each player keeps responding to where the other was ten or twenty steps ago. At 0.9 they chase each other in circles, at 0.95 they even drift outwards. A short memory, 0.5, does no harm here. It is known that momentum harms such games (Gidel et al., arXiv:1807.04740),
# and GANs are often trained with less of it: reference [9] of the report has β₁ = 0. The report keeps 0.9, Adam's own default, for both networks, and does not say whether anything else was tried.
#
# And β₂? At 0.999, its memory of 1,000 steps is longer than our whole training, but the correction makes up for that.

# %%
by_beta_2, view = what_if("beta_2", [0.9, 0.99, 0.999, 0.9999])
view

# %% tags=["size-dependent"]
final = [curve[-1] for curve in by_beta_2.values()]
print("all four gain more than 0.5 dB:", min(final) > 0.5)

# %% [markdown]
# β₂ changes little here. With a short memory (0.9), $\sqrt{\hat v}$ reflects almost only the latest gradients, so a single odd batch counts more.

# %% [markdown]
# ### ε
#
# Does ε only prevent a division by zero? That depends on what it is added to:

# %% tags=["size-dependent"]
train_tiny()
size_of_gradient = np.concatenate([np.sqrt(v.numpy()).ravel() for v in squares]) / np.sqrt(1 - 0.999**STEPS)
print("most √v̂ lie between 10⁻⁵ and 10⁻²:", bool(np.mean((size_of_gradient > 1e-5) & (size_of_gradient < 1e-2)) > 0.8))

by_epsilon, view = what_if("epsilon", [1e-8, 1e-4, 1e-2, 1.0])
view

# %% tags=["size-dependent"]
final = {value: curve[-1] for value, curve in by_epsilon.items()}
print("with ε = 1 the gain is below 0.1 dB:", bool(final[1.0] < 0.1))
print("with ε = 0.01 it is below half of that with 10⁻⁸:", bool(final[1e-2] < 0.5 * final[1e-8]))

# %% [markdown]
# Where ε is much larger than $\sqrt{\hat v}$, the step is $r\,\hat m / \varepsilon$: descent along the mean gradient with the learning rate $r / \varepsilon$, which is far too small for gradients of this size. The report's 10⁻⁸ lies far below nearly all values of $\sqrt{\hat v}$, so it does what it should: nothing.
# (Keras' own `Adam` adds ε to $\sqrt v$, before the correction with β₂. At 10⁻⁸ that makes no difference; a large ε shortens its first steps more.)
# (Multiply the loss by 100, and every gradient grows by a factor of 100. Adam's steps stay as they are, unless ε is large. That is why the content loss's weight of 100 matters only in relation to the adversarial loss's 1.)

# %% [markdown]
# ## 7. Forty epochs (8 minutes)
#
# The report trains for 40 epochs on around 500 images, with batches of 16, "for around 3 hours", on a "1.4 GHz Quad-Core Intel Core i5". Can that be?
# Work is counted in multiply–accumulates, MACs (lesson 03). How many does one training step need for one image of 256×256 pixels?
#
# - The generator runs forward once. The backward pass costs twice that: once for the gradient of each layer's input, once for the gradient of its weights. Together that is 3 times the cost of a forward pass.
# - A step of the critic costs three forward passes for the sharp image and three for the output. The report does not say how many critic steps there are per generator step; the implementation that it evidently follows takes 5.
# - The adversarial loss goes once forward through the critic and once back to its input. The gradient of the critic's weights is not needed.
# - The perceptual loss runs VGG16 forward for the sharp image and for the output, and back for the output.
# - That implementation also runs the generator once more to make the outputs for the critic. (The course's step uses the same output for both.)

# %%
G, D, VGG = (parameters.model_macs(model, 256) / 1e9
             for model in (networks.generator(), networks.discriminator(), losses.vgg_features()))
parts = {"generator, forward and backward": 3 * G, "critic, 5 steps": 5 * 2 * 3 * D, "adversarial loss": 2 * D,
         "perceptual loss": 3 * VGG, "generator again, for the critic": G}
for name, gmacs in parts.items():
    print(f"{name:35}{gmacs:7.1f} GMAC")
print(f"{'one step, for one image':35}{sum(parts.values()):7.1f} GMAC")

# %% [markdown]
# ### Exercise 4: how many hours? (1 point)
#
# A processor's speed is stated in GFLOP/s, 10⁹ operations per second. A MAC is two operations: a multiplication and an addition.
# Write a function that returns how many hours a training takes.

# %% nbgrader={"grade_id": "hours", "solution": true}
def hours(gmacs, images, epochs, rate):
    """Hours for `epochs` passes through `images` images, `gmacs` GMAC for each, at `rate` GFLOP/s."""
    ### BEGIN SOLUTION: divide the operations by the operations per second, and return hours
    return 2 * gmacs * images * epochs / rate / 3600
    ### END SOLUTION


# %% nbgrader={"grade_id": "hours-test", "grade": true, "points": 1}
lesson_07.check_hours(hours)
### BEGIN HIDDEN TESTS
lesson_07.check_hours(hours, seed=74)
### END HIDDEN TESTS

# %% [markdown]
# Now the report's processor. It has four cores at 1.4 GHz, each with two units that multiply and add eight numbers at once. Cores · GHz · units · numbers · 2 operations: at most 4 · 1.4 · 2 · 8 · 2 = 179 GFLOP/s.
# For a short time such a processor can run above its nominal clock, up to some 3.9 GHz: 500 GFLOP/s. No program reaches the peak; half of it is good.

# %%
gmacs = sum(parts.values())
for name, rate in (("at 1.4 GHz, peak", 179), ("at 3.9 GHz, peak", 500)):
    whole, least = (2 * work * 500 * 40 / rate / 3600 for work in (gmacs, 3 * G))
    print(f"{name}: {whole:.1f} hours; the generator alone, without any loss or critic: {least:.1f} hours")
print(f"for 3 hours the whole step would need {2 * gmacs * 500 * 40 / (3 * 3600):.0f} GFLOP/s")

# %% [markdown]
# Even the generator alone, trained without any opponent at a peak that no program reaches, would take longer than three hours. (This assumes convolutions computed directly, on the four cores. Winograd's method, arXiv:1509.09308, needs up to 4 times fewer multiplications for kernels of 3×3, and the chip's graphics unit has a peak of its own; the report mentions neither.) So most likely at least one thing was not as stated: fewer epochs, fewer or smaller images, or another computer; the report doesn't say enough to tell which.
#
# And your machine? Take two measurements: how fast it computes the convolution that makes up most of the generator, and how long a whole step takes with the report's settings, on one image of 256×256 pixels.

# %% tags=["nbval-ignore-output"]
def measure():
    """GFLOP/s of a convolution, and seconds for one step of Section 3.2 on one image."""
    patch = 64 if size == "smoke" else 256
    gan = training.DeblurGAN(runs.SIZES["paper"].changed(batch=1, patch=patch, precision="float32"), total_steps=1)
    one_blurred, one_sharp = datasets.batch(datasets.source("photos", "train", patch, level=1), seed=0, first=0, size=1)
    seconds = []
    for number in range(2):                     # the first is slower: everything is set up
        start = time.perf_counter()
        gan.step(one_blurred, one_sharp, number)
        seconds.append(time.perf_counter() - start)
    return training.convolution_rate("float32"), min(seconds) * (256 / patch) ** 2


rate_here, seconds_here = measure()
by_rate = 2 * (gmacs - G) * 500 * 40 / rate_here / 3600         # this library computes the output once
measured = seconds_here * 500 * 40 / 3600
print(f"a convolution runs at {rate_here:.0f} GFLOP/s here; at that rate 40 epochs take {by_rate:.1f} hours")
print(f"one step on one image takes {seconds_here:.1f} s here; at that pace 40 epochs take {measured:.1f} hours")

# %%
def draw_hours():
    bars = {"the report's statement": (3, "0.45"), "its processor, 3.9 GHz peak": (2 * gmacs * 2e4 / 500 / 3600, figures.COLOURS["sky"]),
            "its processor, 1.4 GHz peak": (2 * gmacs * 2e4 / 179 / 3600, figures.COLOURS["sky"]),
            "this machine, by its convolutions": (by_rate, figures.COLOURS["orange"]),
            "this machine, a step measured": (measured, figures.COLOURS["vermilion"])}
    figure, axis = plt.subplots(figsize=(7.6, 2.9))
    for row, (value, colour) in enumerate(bars.values()):
        axis.barh(row, value, color=colour)
        axis.text(value * 1.04, row, f"{value:.1f} h", va="center", fontsize=10)
    axis.set(yticks=range(len(bars)), yticklabels=list(bars), xscale="log", xlabel="hours for 40 epochs of 500 images (logarithmic)")
    axis.set(xticks=(1, 3, 10, 30, 100, 300), xticklabels=("1", "3", "10", "30", "100", "300"))
    axis.set_xlim(1, 3 * max(value for value, _ in bars.values()))
    axis.minorticks_off()
    axis.invert_yaxis()
    axis.grid(axis="y")
    return figure


figures.show(draw_hours(), alt="Hours for 40 epochs: three as the report states, seven and nineteen for its processor at its peak, "
                               "and two bars measured on this machine")

# %% [markdown]
# In the stored notebook the machine is two cores of a server, busy with other work at the time; your numbers will differ. A step is slower than its convolutions alone: normalisation, activations and moving data in memory cost time but count no MACs.
# (This measurement runs the step uncompiled and on one image; `training.train` compiles it, and uses the faster bfloat16 (numbers of 16 bits) where the processor has it, which gains up to a factor of two or three.)

# %% [markdown]
# ### Think: one night (2 points)
#
# You have one night of 8 hours and 500 GoPro images, on a machine on which 40 epochs of Section 3.2 would take 40 hours.
# Plan a training that fits. State at least two changes to the settings (for example patch, width, blocks, epochs, critic steps, batch), by what factor each changes the time and why, and what each may cost in quality.
# Then name one thing that you would measure in the first ten minutes, before going to bed.

# %% [markdown] nbgrader={"grade_id": "think-night", "grade": true, "solution": true, "points": 2}
# ### BEGIN SOLUTION
# I need a factor of 5. Patches of 128 instead of 256 pixels have a quarter of the pixels, so every convolution costs a quarter: 40 hours become 10. The network then sees less of the surroundings, and near the border of a patch a blur longer than the margin can't be undone; for blurs of 20 pixels that is bearable.
# Cutting epochs from 40 to 30 reduces the time in proportion, to 7.5 hours. By then the curve is flat, if the learning rate falls towards the end, so little is lost. I would rather not halve the width, though that divides the work of the inner layers by four: it would be a different network.
# (A smaller batch alone changes nothing: the same number of images goes through the network.)
# First I would time 20 compiled steps and multiply up to see that the night is long enough, and look at the first epoch's PSNR: is it above that of the blurred input, and are all losses finite? And I would check that the checkpoint is written, by stopping and resuming once.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# - 1 point for two changes with a right factor and reason that together give at least 5: patch (area), width (square), blocks (in proportion to their share), epochs or images (in proportion), critic steps (only the critic's 34 of 300 GMAC, so little is gained). Half a point if one factor is wrong. A smaller batch at the same number of epochs saves nothing; claiming that it does loses half a point.
# - 1 point for what is lost in quality by each (half), and for a sensible early measurement: time per step multiplied out, gain after the first epoch, losses finite, a stop-and-resume test (half).
# ### END MARK SCHEME

# %% [markdown]
# ## 8. Challenge: the whole step (9 minutes)
#
# Now both players together. This is one step of the whole GAN on a batch:
#
# 1. The generator makes its output, with `training=True`.
# 2. The critic takes one step for each element of `mixes`, by the loss of exercise 3, on the sharp images and this output.
# 3. The generator takes one step by `content_weight` times the content loss (mean absolute difference) plus `adversarial_weight` times the adversarial loss. The latter is minus the mean of the answers that the critic gives *now* for the output.
#
# ### Exercise 5: one step of the GAN (3 points)
#
# Write this step. Change both networks in place; nothing has to be returned. You may call your `critic_step`, or write everything here. The check runs your step and the library's `training.DeblurGAN.step` from the same start: both networks must end in the same place, within 1%.
# One point is for the critic after one step, two points are for both networks over two steps on two batches.
#
# *Hint.* On which tape must the output be recorded, so that the gradient reaches the generator? And which critic computes the adversarial loss, the one before its steps or the one after?

# %% nbgrader={"grade_id": "gan-step", "solution": true}
def gan_step(generator, critic, generator_optimizer, critic_optimizer, blurred, sharp, mixes, content_weight, adversarial_weight):
    """Move the critic by one step for each of `mixes`, then the generator by one."""
    ### BEGIN SOLUTION: make the output, train the critic on it, then take the generator's gradient through the trained critic
    output = generator(blurred, training=True)
    for mix in mixes:
        critic_step(critic, critic_optimizer, sharp, output, mix)

    with tf.GradientTape() as tape:
        output = generator(blurred, training=True)
        content = tf.reduce_mean(losses.l1(sharp, output))
        adversarial = -tf.reduce_mean(critic(output, training=True))
        loss = content_weight * content + adversarial_weight * adversarial
    weights = generator.trainable_variables
    generator_optimizer.apply(tape.gradient(loss, weights), weights)
    ### END SOLUTION


# %% nbgrader={"grade_id": "gan-step-critic", "grade": true, "points": 1}
lesson_07.check_gan_step_critic(gan_step)
### BEGIN HIDDEN TESTS
lesson_07.check_gan_step_critic(gan_step, seed=75)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "gan-step-both", "grade": true, "points": 2}
lesson_07.check_gan_step(gan_step)
### BEGIN HIDDEN TESTS
lesson_07.check_gan_step(gan_step, seed=76)
### END HIDDEN TESTS

# %% [markdown]
# Compare your step with `DeblurGAN.step` in `course_lib/training.py`, which runs the generator once instead of twice by stopping the tape while the critic learns.
# That saves 57 of the 300 GMAC of section 7, and batch normalisation's running averages move once for each step, not twice. The rest of that file handles runs, checkpoints and clocks.

# %% [markdown]
# ## 9. Both networks, live (6 minutes)
#
# Now `training.train` repeats the whole step. The generator is the one from section 4, as that run left it. Its opponent is new and knows nothing yet.
#
# This time the critic is the discriminator of lesson 05 with its sigmoid, because its answers are easy to read: near 1 for "a sharp photograph", near 0 for "an output", 1/2 for "I can't tell".
# The losses are lesson 01's. The critic's is $-\log D(\text{sharp}) - \log(1 - D(\text{output}))$; the generator's is $-\log D(\text{output})$, plus ten times the content loss. β₁ is 0.5 for both players; section 6 says why.

# %% tags=["size-dependent"]
epochs, steps = (2, 3) if size == "smoke" else (6, 20)
game = settings.changed(objective="minimax-ns", content="l1", content_weight=10.0, critic_steps=4, learning_rate=2e-4, beta_1=0.5,
                        batch=settings.batch // 2, epochs=epochs, steps=steps, start_from=str(run.folder))
print(f"{game.epochs} epochs of {game.steps} steps; in each step the critic learns {game.critic_steps} times, then the generator once")

# %% [markdown]
# **Predict, then run.** What will happen to the PSNR that section 4 reached? And to the losses? A critic that answers 1/2 to everything has the loss $2 \log 2 \approx 1.39$, and the generator's adversarial loss is then $\log 2 \approx 0.69$.
#
# The cell takes a minute or two. As in section 4, you may stop it and run it again.

# %% tags=["nbval-ignore-output"]
versus = training.train(keep / f"adversarial_{size}", game, resume=True, report=widgets.TrainingView())

# %% tags=["size-dependent"]
rows = versus.history
print("PSNR falls by more than half a decibel:", rows[-1]["psnr"] < rows[0]["psnr"] - 0.5)
print("the critic's loss falls below 1:", min(row["critic"] for row in rows[1:]) < 1)
print("meanwhile the adversarial loss is above 1:", max(row["adversarial"] for row in rows[1:]) > 1)
print("the critic's loss is higher again at the end:", rows[-1]["critic"] > 1.3 * min(row["critic"] for row in rows[1:]))

# %% [markdown]
# Within the first epoch the critic learns to tell outputs from sharp patches: its loss is far below 1.39. From then on the generator is pulled two ways. The content loss asks for what is nearest to *this* sharp image, and so does PSNR.
# The critic asks for what looks like *any* sharp image. What pleases it costs PSNR. In the last epochs the critic's loss rises and the adversarial loss falls: the generator has begun to find what the critic looks for. In the same epochs PSNR falls fastest.
#
# What does the generator gain? The checkpoint holds the critic, too (section 5). Ask it about 64 held-out patches: blurred, deblurred by the generator of section 4, deblurred by the generator as it is now, and sharp.

# %%
def last_networks(run):
    """Generator and critic, as the run's checkpoint holds them."""
    gan, stored = training.DeblurGAN(run.settings, total_steps=1), runs.read_checkpoint(run.folder)
    for variable, name in zip(gan.state(), sorted(stored)):
        variable.assign(stored[name])
    return gan.generator, gan.critic


def answer(critic, images):
    """The critic's mean answer; as in training, it sees small batches of one kind and normalises each by its own statistics."""
    return float(np.mean([critic(images[i:i + 8], training=True) for i in range(0, len(images), 8)]))


before, (generator, critic) = restoration.load(run.folder), last_networks(versus)
new_blurred, new_sharp = (photos.to_network(images) for images in datasets.held_out("photos", game.patch, count=64, level=1))
answers = {name: answer(critic, images) for name, images in (
    ("blurred", new_blurred), ("section 4", before(new_blurred)), ("with a critic", generator(new_blurred)), ("sharp", new_sharp))}

# %%
photo = settings.held_out // 2 - 1              # the one before section 4's
shown = [versus.picture(which, photo) for which in ("blurred", 0, -1, "sharp")]
figure = plt.figure(figsize=(8.4, 4.2))
grid = figure.add_gridspec(2, 4, height_ratios=(1.7, 1))
for column, (name, picture) in enumerate(zip(answers, shown)):
    axis = figure.add_subplot(grid[0, column])
    axis.set_title(name)
    axis.imshow(picture[32:96, 32:96], interpolation="nearest")
    axis.set_axis_off()
axis = figure.add_subplot(grid[1, :])
axis.bar(list(answers), list(answers.values()), width=0.5, color=[figures.COLOURS[name] for name in ("sky", "blue", "vermilion", "green")])
axis.axhline(0.5, color="0.4", linewidth=1, linestyle="--")
axis.set(ylim=(0, 1), xlim=(-0.5, 3.5), ylabel="critic's answer")
figures.show(figure, alt="Above, part of a held-out photograph: blurred, after section 4, after training with a critic, sharp. "
                         "Below, the critic's mean answers for 64 patches of each kind: lowest for blurred ones, higher after section 4, "
                         "higher still after training with a critic; a dashed line marks one half")

# %% tags=["size-dependent"]
def roughness(picture):
    """Mean difference between neighbouring pixels, in grey levels."""
    return np.mean([np.abs(np.diff(picture.astype(float), axis=axis)).mean() for axis in (0, 1)])


print("the new outputs fool the critic more than those of section 4:", answers["with a critic"] > answers["section 4"])
old, new, target = (np.mean([roughness(versus.picture(which, i)) for i in range(game.held_out)]) for which in (0, -1, "sharp"))
print("they are rougher, and in that nearer to sharp photographs:", bool(old < new and abs(target - new) < target - old))

# %% [markdown]
# In the stored notebook the critic's answers for the new outputs and for sharp patches are nearly the same, a little above one half: at the end it can hardly tell them apart. It still tells blurred patches and the old outputs.
#
# **Think first.** The critic likes the new outputs better than the old ones; PSNR likes them less. Which of the two is right?
#
# <details><summary>Answer</summary>
#
# Both: they are asked different things. The new outputs have harder edges and more contrast between neighbouring pixels, as sharp photographs have. It seems that this is what the critic looks for.
# But in the picture of the stored notebook the stripes are stronger than in the sharp photograph, and the rims along the post are too dark and too bright. PSNR compares with the sharp photograph, and counts that as error.
# The critic is given no pairs: it doesn't know which sharp image belongs to which output.
#
# </details>
#
# More contrast is not more detail: what the blur has erased, the critic doesn't know either. And 120 steps prove little. With seed 1 instead of 0, in section 4 and here, the outputs ended more than 2 dB below the blurred input.
# Lesson 08 looks at a run over 360 steps (with other settings: β₁ is 0.9, for example), and lesson 09 measures what that run's discriminator was good for.

# %% [markdown]
# ## Recap
#
# - A step computes output, loss and gradient, then moves every weight against its gradient. In a GAN each loss moves its own network; the critic goes first, with the output as a constant.
# - Adam divides the mean gradient by its usual size. A weight moves by about the learning rate if its gradients agree, and hardly at all if they don't.
# - A network for one known blur gains more than 2 dB in ten small epochs. When a critic joins in, PSNR falls: the generator then also makes what looks sharp to the critic, whether it is right or wrong.
# - A checkpoint holds weights, Adam's memories and the step count. With it, an interrupted run ends with the same network, to the last bit.
# - The learning rate matters most: ten times too low is slow, ten times too high is fatal. Small batches make better use of the same images, large ones of the machine. Each doubling of the steps adds about half a decibel here, and costs as much as everything before it. β₁ hardly matters for one network, but in a game a large β₁ makes the players circle. ε must be far below the gradients.
# - Section 3.2 needs about 300 GMAC for each image and step, 12 · 10¹⁵ operations for 40 epochs. At the peak of the report's processor that is 7 to 19 hours, not 3.
#
# [← previous: Losses](06_losses.ipynb) · [Glossary](glossary.md) · [next: Comparing epochs →](08_comparing_epochs.ipynb)
