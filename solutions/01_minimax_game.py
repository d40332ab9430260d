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
# # 01 · The minimax game
#
# The report trains two networks against each other. One makes pictures, the other judges them, and equation (1) says what they play for.
# In this lesson a "picture" is a single number, so that you can see both players completely: what they do, what is best for them, and how their training succeeds or fails.
#
# **You will be able to**
# - read equation (1) of the report term by term, and estimate it from samples;
# - derive the best discriminator, $p/(p+q)$, and say what the game is worth against it;
# - recognise convergence, oscillation and mode collapse in a training run, and say which settings cause them;
# - explain why the generator is usually not trained with equation (1) as it stands;
# - write down what equation (1) should have said for a generator that is given a blurred photograph.
#
# **You need** Python with NumPy arrays, derivatives, integrals, logarithms, and what a probability density is. Lesson 00 shows how exercises work.
#
# **Time** about 72 minutes.

# %%
import matplotlib.pyplot as plt
import numpy as np

from course_lib import figures, photos, widgets
from course_lib.checks import lesson_01

BLUE, RED, GREEN = figures.COLOURS["blue"], figures.COLOURS["vermilion"], figures.COLOURS["green"]

# %% [markdown]
# ## 1. Two players (4 minutes)
#
# There is a source of *real* examples: sharp photographs in the report, numbers here. Some numbers are common, others rare; the density $p$ says which.
# Ours has two peaks, as if there were two kinds of photograph:

# %%
x = np.linspace(-8, 8, 801)
dx = x[1] - x[0]


def normal(x, mean, spread):
    """Density of the normal distribution."""
    return np.exp(-0.5 * ((x - mean) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))


p = 0.5 * normal(x, -2, 0.5) + 0.5 * normal(x, 2, 0.5)

# %% [markdown]
# The first player, the [*generator*](glossary.md) $G$, makes *fake* examples. It never sees $p$. It takes a random number $z$ (*noise*, here normally distributed with mean 0 and spread, or standard deviation, 1) and turns it into $G(z)$.
# The simplest generator shifts and stretches the noise: $G(z) = a + b z$. The density of its outputs is called $q$.
#
# **Try it.** Move the sliders until the fakes look as real as they can. What can this generator not do?

# %%
def draw_generator(a, b):
    figure, axes = plt.subplots(1, 2, figsize=(6.6, 2.3), width_ratios=(2, 3))
    axes[0].plot([-3, 3], [a - 3 * b, a + 3 * b], color=RED)
    axes[0].set(title=f"G(z) = {a:g} + {b:g} z".replace("-", "−"), xlabel="noise z", ylabel="fake G(z)", ylim=(-8, 8))
    axes[1].fill_between(x, p, color=BLUE, alpha=0.25)
    axes[1].plot(x, p, color=BLUE, label="p: real")
    axes[1].plot(x, normal(x, a, b), color=RED, linestyle="--", label="q: fakes")
    axes[1].set(title="densities", xlabel="x", xlim=(-6, 6), ylim=(0, 1.1))
    axes[1].legend(loc="upper right")
    return figure


widgets.explore(draw_generator, {"a": [-4, -3, -2, -1, 0, 1, 2], "b": [0.5, 1, 2]}, start={"a": -4, "b": 1},
                alt="Left the line G(z) = a + b z, right the density of the real numbers with peaks at −2 and 2 "
                    "beside that of the fakes, which has one peak at a and grows wider with b")

# %% [markdown]
# This one covers one peak well, or both badly. A curve that is steep in the middle could serve both peaks; section 6 gives the generator such curves.
#
# But how does the generator *know* which slider to move? The second player tells it. The [*discriminator*](glossary.md) $D$ is shown real numbers and fakes, and answers each with a number $D(x)$ between 0 and 1:
# the probability, in its opinion, that $x$ is real. The discriminator is trained to be right; the generator is trained to fool it.
# Together they are a *generative adversarial network*, a [GAN](glossary.md) ([Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661), the report's reference [1]).

# %% [markdown]
# ## 2. What they play for: equation (1) (6 minutes)
#
# A game needs points. The discriminator's *reward* is
#
# - $\log D(x)$ for each real $x$,
# - $\log (1 - D(x))$ for each fake.
#
# Both are 0 when the discriminator is certain and right, and negative otherwise. Why a logarithm?

# %%
answers = np.linspace(0.003, 0.997, 500)
figure, axis = plt.subplots(figsize=(6.4, 3))
axis.plot(answers, np.log(answers), color=BLUE, label="x is real: log D")
axis.plot(answers, np.log(1 - answers), color=RED, linestyle="--", label="x is fake: log (1 − D)")
axis.plot(0.5, np.log(0.5), "o", color="black")
axis.annotate("undecided: −0.69", (0.5, np.log(0.5)), (0.5, -2.2), ha="center", arrowprops={"arrowstyle": "->"})
axis.set(xlabel="the discriminator's answer D", ylabel="reward", title="What an answer is worth", ylim=(-6, 0.3))
axis.legend(loc="lower center")
figures.show(figure, alt="For a real x the reward log D rises from minus infinity at D = 0 to 0 at D = 1; "
                         "for a fake it is the mirror image. At D = 0.5 both are −0.69.")

# %% [markdown]
# A confident mistake can cost any amount; "I don't know" costs 0.69 = log 2. So it pays to be honest about doubt. We will see that the best answer is exactly the probability that $x$ is real.
#
# The mean reward over all real numbers, plus the mean reward over all fakes, is the *value* of the game. It appears in the report's equation (1):
#
# $$\min_G \max_D V(D, G) = E_{x \sim P_{data}} \log D(x) + E_z \log (1 - D(G(z)))$$
#
# $E$ is the *expectation*: the mean over very many examples. $x \sim P_{data}$ means that $x$ is drawn from the real ones (density $p$); $z$ is the noise.
# The discriminator wants $V$ large ($\max_D$), the generator wants the same $V$ small ($\min_G$). That is why this is called a [*minimax game*](glossary.md).
#
# **Be the discriminator.** Here real numbers lie around 1 and fakes around −1. Your $D$ is a *sigmoid*, a smooth step from 0 to 1: one slider moves it, the other makes it steeper. Make $V$ as large as you can.

# %%
def sigmoid(s):
    """From any number to one between 0 and 1."""
    return 1 / (1 + np.exp(-s))


rng = np.random.default_rng(1)
few_real, few_fake = 1 + rng.standard_normal(60), -1 + rng.standard_normal(60)


def draw_guess(place, steepness):
    D_real, D_fake = (sigmoid(steepness * (some - place)) for some in (few_real, few_fake))
    V = np.mean(np.log(D_real)) + np.mean(np.log(1 - D_fake))
    figure, axis = plt.subplots(figsize=(6.6, 2.9))
    axis.plot(x, sigmoid(steepness * (x - place)), color="black", label="D(x)")
    axis.plot(few_real, np.full(60, 1.07), "|", color=BLUE, markersize=11, label="60 real numbers")
    axis.plot(few_fake, np.full(60, -0.07), "|", color=RED, markersize=11, label="60 fakes")
    axis.set(xlim=(-4, 4), ylim=(-0.15, 1.15), yticks=(0, 0.5, 1), xlabel="x", title=f"V = {V:.2f}".replace("-", "−"))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


widgets.explore(draw_guess, {"place": [-1, 0, 1], "steepness": [0, 0.5, 1, 2, 3, 4, 8]}, start={"place": -1, "steepness": 8},
                alt="The sigmoid D(x), 60 real numbers around 1 drawn at the top, 60 fakes around −1 at the bottom, "
                    "and the value V")

# %% [markdown]
# The best setting on offer is place 0, steepness 3. Steeper is worse: where real numbers and fakes overlap, certainty is punished.
#
# ### Exercise 1: the value from samples (1 point)
#
# Write a function that estimates $V$ from the discriminator's answers: `D_real` are its answers for real numbers, `D_fake` for fakes. The two arrays may differ in length.

# %% nbgrader={"grade_id": "value", "solution": true}
def value(D_real, D_fake):
    """Estimate of V(D, G) from arrays of answers between 0 and 1."""
    ### BEGIN SOLUTION: return the mean of log D over the real ones plus the mean of log (1 - D) over the fakes
    return np.mean(np.log(D_real)) + np.mean(np.log(1 - D_fake))
    ### END SOLUTION


# %% nbgrader={"grade_id": "value-test", "grade": true, "points": 1}
lesson_01.check_value(value)
### BEGIN HIDDEN TESTS
lesson_01.check_value(value, seed=11)
### END HIDDEN TESTS

# %% [markdown]
# **Predict, then run.** A discriminator answers 1/2 to everything. What is $V$?

# %%
half = np.full(100, 0.5)
print(f"V = {np.mean(np.log(half)) + np.mean(np.log(1 - half)):.4f}   −log 4 = {-np.log(4):.4f}")

# %% [markdown]
# Keep −log 4 = −1.386 in mind. It is what the discriminator earns without looking.

# %% [markdown]
# ## 3. The best discriminator (6 minutes)
#
# Hold the generator fixed. Which $D$ is best against it?
#
# Consider a single place $x$. Of the numbers that fall there, let a fraction $a$ be real and a fraction $b$ fake. They all get the same answer $D$, and contribute $a \log D + b \log (1 - D)$ to the value.

# %%
def draw_place(a):
    b = 1 - a
    figure, axis = plt.subplots(figsize=(6, 2.6))
    reward = a * np.log(answers) + b * np.log(1 - answers)
    axis.plot(answers, reward, color="black")
    best = np.argmax(reward)
    axis.plot(answers[best], reward[best], "o", color=GREEN, markersize=9)
    axis.annotate(f"best answer: {answers[best]:.2f}", (answers[best], reward[best]), (0, -28), textcoords="offset points",
                  ha="center", color="#00735A")
    axis.set(xlabel="the answer D at this place", ylabel="a log D + b log (1 − D)", ylim=(-3.5, 0.2),
             xlim=(-0.1, 1.1), title=f"real a = {a:g}, fake b = {b:.2g}")
    return figure


widgets.slider([draw_place(a) for a in (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)], [0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9],
               name="a", start=4,
               alt="The reward at one place against the answer D: a curve with one maximum, at D = a")

# %% [markdown]
# The maximum follows $a$. To prove it, set the derivative with respect to $D$ to zero:
#
# $$\frac{a}{D} - \frac{b}{1 - D} = 0 \quad \Rightarrow \quad a (1 - D) = b D \quad \Rightarrow \quad D^* = \frac{a}{a + b}$$
#
# The second derivative, $-a/D^2 - b/(1-D)^2$, is negative everywhere, so this is a maximum, and the only one.
#
# What holds at one place holds at every place, since $D$ may answer each $x$ differently. Near $x$, real numbers occur in proportion to $p(x)$ and fakes in proportion to $q(x)$. So the best discriminator is
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}$$
#
# which is just the probability that a number found at $x$ is real, if real numbers and fakes come equally often.

# %%
def draw_best(mean, spread):
    q = normal(x, mean, spread)
    figure, axes = plt.subplots(2, 1, figsize=(6.2, 3.4), sharex=True)
    axes[0].plot(x, p, color=BLUE, label="p: real")
    axes[0].plot(x, q, color=RED, linestyle="--", label="q: fakes")
    axes[0].set(ylim=(0, 0.9), title="densities")
    axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes[1].plot(x, p / (p + q), color="black")
    axes[1].axhline(0.5, color="0.5", linewidth=1, linestyle=":")
    axes[1].set(xlim=(-5, 5), ylim=(-0.05, 1.05), yticks=(0, 0.5, 1), xlabel="x", title="D* = p / (p + q)")
    return figure


widgets.explore(draw_best, {"mean": [0, 1, 2], "spread": [0.5, 1, 2]}, start={"mean": 0, "spread": 1},
                alt="Above, the density p of the real numbers with peaks at −2 and 2 and the density q of the fakes; "
                    "below, the best discriminator, near 1 where only p is large, near 0 where only q is")

# %% [markdown]
# Set the mean to 2 and the spread to 0.5. At the right peak $q$ is twice as high as $p$, because the fakes have only one peak. $D^*$ answers 1/3 there and nearly 1 on the left: it points to the peak that the generator has forgotten.
#
# ### Exercise 2: the best discriminator (1 point)
#
# Write $D^*$ as a function of two arrays of densities. Where both are 0, no number ever falls; answer 1/2 there.

# %% nbgrader={"grade_id": "best", "solution": true}
def best_discriminator(p, q):
    """D* for densities p (real) and q (fake), arrays of equal shape; 1/2 where both are 0."""
    ### BEGIN SOLUTION: return p / (p + q), and 0.5 where p + q is 0
    total = p + q
    return np.where(total > 0, p / np.where(total > 0, total, 1), 0.5)
    ### END SOLUTION


# %% nbgrader={"grade_id": "best-test", "grade": true, "points": 1}
lesson_01.check_best(best_discriminator)
### BEGIN HIDDEN TESTS
lesson_01.check_best(best_discriminator, seed=12)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. What the game is worth (9 minutes)
#
# If the discriminator always plays $D^*$, what is left for the generator to play for? Put $D^*$ into equation (1). An expectation is an integral over the density, and $1 - D^* = q/(p+q)$:
#
# $$V(D^*, G) = \int p \log \frac{p}{p + q} \, dx + \int q \log \frac{q}{p + q} \, dx$$
#
# Let $m = (p + q)/2$ be the mean density. Then $p + q = 2m$, so $\log \frac{p}{p + q} = \log \frac{p}{m} - \log 2$, and likewise for $q$. Since $\int p \, dx = \int q \, dx = 1$, each integral gives $-\log 2$ plus a remainder:
#
# $$V(D^*, G) = -\log 4 + \underbrace{\int p \log \frac{p}{m} \, dx + \int q \log \frac{q}{m} \, dx}_{2 \, \mathrm{JSD}(p, q)}$$
#
# The remainder measures how different $p$ and $q$ are. Half of it is called their [*Jensen–Shannon divergence*](glossary.md), JSD. Its bounds follow from the game:
#
# - It is never negative. $D^*$ earns at least what answering 1/2 everywhere earns, $-\log 4$. It earns no more only if $D^*$ *is* 1/2 everywhere; then $p = q$ and the JSD is 0.
# - It is at most $\log 2$, because no reward is above 0. This is reached when $p$ and $q$ do not overlap at all; then $V = 0$, and the discriminator is never wrong.
#
# So against the best discriminator, the generator's task is to make the JSD small. Nobody told it $p$, yet the only way to win is $q = p$. Check the formula numerically:

# %%
def value_of(D, p, q):
    """V by numerical integration on the grid x."""
    tiny = 1e-300                                           # so that 0 · log 0 counts as 0
    return np.sum(p * np.log(D + tiny) + q * np.log(1 - D + tiny)) * dx


def divergence(p, q):
    """Jensen–Shannon divergence on the grid x."""
    m = (p + q) / 2                                         # nowhere 0: these densities have no zeros
    return 0.5 * np.sum(p * np.log(p / m) + q * np.log(q / m)) * dx


real = normal(x, 0, 0.7)
means = np.linspace(-4, 4, 33)
worth, jsds = [], []
for mean in means:
    fake = normal(x, mean, 0.7)
    worth.append(value_of(real / (real + fake), real, fake))
    jsds.append(divergence(real, fake))
print("V(D*, G) = −log 4 + 2 JSD, to 8 digits:", bool(np.allclose(worth, -np.log(4) + 2 * np.array(jsds), atol=1e-8)))

# %%
def draw_worth(mean):
    fake = normal(x, mean, 0.7)
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 2.8))
    axes[0].plot(x, real, color=BLUE, label="p: real")
    axes[0].plot(x, fake, color=RED, linestyle="--", label="q: fakes")
    axes[0].set(xlim=(-6, 6), ylim=(0, 0.9), xlabel="x", title="densities")
    axes[0].legend(loc="upper left")
    axes[1].plot(means, worth, color="0.5")
    axes[1].plot(mean, worth[list(means).index(mean)], "o", color="black", markersize=9)
    for level, words in ((0, "0: never wrong"), (-np.log(4), "−log 4: guessing")):
        axes[1].axhline(level, color="0.3", linewidth=1, linestyle=":")
        axes[1].text(4.3, level + 0.04, words, ha="right", va="bottom", fontsize=10)
    axes[1].set(ylim=(-1.5, 0.2), xlabel="mean of the fakes", title="V(D*, G) = −log 4 + 2 JSD")
    return figure


widgets.explore(draw_worth, {"mean": [-4, -2, -1, 0, 1, 3]}, start={"mean": -2},
                alt="Two normal densities, real around 0 and fake around a mean that moves, and the value "
                    "of the game against that mean: lowest, −log 4, where both agree, and flat near 0 where they are far apart")

# %% [markdown]
# In the valley the generator feels a slope that leads it to the real numbers. Far outside there is hardly any slope, so a small move changes almost nothing. Section 7 comes back to this.
#
# **Predict.** The discriminator *maximises* $V$, yet at the end of a perfect training run $V$ is at its lowest. What does the discriminator answer then?
#
# <details><summary>Answer</summary>
#
# If $q = p$, then $D^* = p/(2p) = 1/2$ everywhere. It can do no better than without looking. A GAN that succeeds leaves its discriminator helpless.
#
# </details>
#
# ### Exercise 3: Jensen–Shannon divergence (2 points)
#
# Write a function for the JSD of two *discrete* distributions: `p` and `q` are arrays of probabilities, each adding up to 1, such as the heights of two histograms. Sums take the place of the integrals.
# Beware of zeros: $0 \log 0$ counts as 0 (the limit), but NumPy gives *nan*.

# %% nbgrader={"grade_id": "jsd", "solution": true}
def jsd(p, q):
    """Jensen–Shannon divergence (natural logarithm) of two arrays of probabilities."""
    ### BEGIN SOLUTION: return half the sum of p log(p/m) and q log(q/m), with m = (p + q)/2 and without the zeros
    m = (p + q) / 2
    total = 0.0
    for density in (p, q):
        some = density > 0
        total += np.sum(density[some] * np.log(density[some] / m[some]))
    return total / 2
    ### END SOLUTION


# %% nbgrader={"grade_id": "jsd-test", "grade": true, "points": 2}
lesson_01.check_jsd(jsd)
### BEGIN HIDDEN TESTS
lesson_01.check_jsd(jsd, seed=13)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Two players who learn (11 minutes)
#
# For photographs, nobody hands us $D^*$: $p$ and $q$ are unknown. What we have are examples, and players with adjustable *parameters*. They learn by [*gradient descent*](glossary.md):
# the derivatives of the value with respect to all parameters (the *gradient*) give the direction in which it grows fastest. Each step moves the parameters a little in this direction to raise the value, or against it to lower the value.
# The *learning rate*, the factor in front of the gradient, sets how far.
#
# Take one place of section 3 again, with $a = 0.8$ and $b = 0.2$, and let the answer be $D = \mathrm{sigmoid}(s)$. A sigmoid has a simple derivative, $\frac{dD}{ds} = D (1 - D)$.
# So $\log D$ changes with $s$ at the rate $1 - D$, and $\log (1 - D)$ at the rate $-D$. Together, the reward changes at the rate $0.8 \, (1 - D) - 0.2 \, D = 0.8 - D$.

# %%
def reward(s):
    """The reward at a place with a = 0.8, b = 0.2, for the answer D = sigmoid(s)."""
    return 0.8 * np.log(sigmoid(s)) + 0.2 * np.log(1 - sigmoid(s))


def draw_descent(rate):
    """Ten steps up this curve from the left."""
    s, path = -4.0, []
    for _ in range(11):
        path.append(s)
        s += rate * (0.8 - sigmoid(s))                      # rate times the derivative, 0.8 − D
    figure, axis = plt.subplots(figsize=(6.2, 2.7))
    wide = np.linspace(-6, 12, 300)
    axis.plot(wide, reward(wide), color="0.5")
    axis.plot(path, reward(np.array(path)), "o-", color=GREEN, linewidth=1)
    axis.plot(path[0], reward(path[0]), "o", color=RED, markersize=9)
    axis.set(xlim=(-6, 12), ylim=(-3.6, 0), xlabel="parameter s, where D = sigmoid(s)", ylabel="reward",
             title=f"learning rate {rate:g}: ten steps from the left")
    return figure


widgets.slider([draw_descent(rate) for rate in (0.3, 1, 3, 8, 14)], [0.3, 1, 3, 8, 14], name="rate",
               alt="Ten steps of gradient ascent on a curve with one maximum: with a small rate they don't arrive, "
                   "with a medium one they do, with the largest they jump from side to side")

# %% [markdown]
# (Here we climb. The player who wants a small value goes down instead, hence the name *descent*; everything else is the same.)
#
# Does a discriminator that learns like this find $D^*$? Give it a flexible form: the sum of 25 *bumps* along the line, each with a learned height $w_k$. The sum is its [*score*](glossary.md) $s(x)$, and $D = \mathrm{sigmoid}(s)$.
# By the chain rule, a real number's $\log D(x)$ changes with $w_k$ at the rate $(1 - D) \cdot \text{bump}_k(x)$, and a fake's $\log (1 - D(x))$ at the rate $-D \cdot \text{bump}_k(x)$.

# %%
CENTRES = np.linspace(-6, 6, 25)


def bumps(x, centres=CENTRES, width=0.7):
    """Value of every bump at every x: (N, number of bumps)."""
    return np.exp(-0.5 * ((x[:, None] - centres) / width) ** 2)


def discriminator_gradient(w, real, fake):
    """Derivative of V with respect to the heights w, estimated from real numbers and fakes."""
    D_real, D_fake = sigmoid(bumps(real) @ w), sigmoid(bumps(fake) @ w)
    return (1 - D_real) @ bumps(real) / len(real) - D_fake @ bumps(fake) / len(fake)


# %%
def draw_real(number, rng):
    """Random real numbers: around −2 or 2, equally often."""
    return rng.choice([-2.0, 2.0], number) + 0.5 * rng.standard_normal(number)


rng = np.random.default_rng(2)
w, learned = np.zeros(25), {}
for step in range(1001):
    if step in (0, 3, 10, 30, 1000):
        learned[step] = w
    w = w + 0.5 * discriminator_gradient(w, draw_real(500, rng), rng.standard_normal(500))      # fakes: a = 0, b = 1

q = normal(x, 0, 1)
best = p / (p + q)
frames = []
for step, heights in learned.items():
    figure, axis = plt.subplots(figsize=(6.2, 2.7))
    axis.plot(x, best, color="0.6", linewidth=4, label="D* = p / (p + q)")
    axis.plot(x, sigmoid(bumps(x) @ heights), color="black", linestyle="--", label="D, learned from samples")
    axis.set(xlim=(-4, 4), ylim=(-0.05, 1.25), xlabel="x", title=f"after {step} steps")
    axis.legend(loc="upper center", ncols=2)
    frames.append(figure)
widgets.slider(frames, list(learned), name="step",
               alt="The learned discriminator starts at 1/2 everywhere and comes close to the best one")

# %%
near = np.abs(x) < 3
error = np.abs(sigmoid(bumps(x) @ learned[1000]) - best)[near]
print("between −3 and 3, the learned D differs from D* by less than 0.15:", bool(error.max() < 0.15))

# %% [markdown]
# It comes close, although it was never told $p$ or $q$: 500 real numbers and 500 fakes per step were enough.
#
# ### Both at once
#
# Now let both players learn. In the smallest GAN there is ([Mescheder et al. 2018](https://arxiv.org/abs/1801.04406) call it *Dirac-GAN*), each has one parameter. All real numbers are 0; all fakes are $\theta$, the generator's parameter;
# and $D(x) = \mathrm{sigmoid}(\psi x)$, where $\psi$ is the discriminator's parameter. So
#
# $$V = \log \mathrm{sigmoid}(0) + \log (1 - \mathrm{sigmoid}(\psi \theta))$$
#
# The score of the fakes is $\psi \theta$, and $\log (1 - D)$ changes with it at the rate $-D$. So $\frac{\partial V}{\partial \psi} = -\theta \, D(\theta)$ and $\frac{\partial V}{\partial \theta} = -\psi \, D(\theta)$:
# the discriminator climbs, $\psi \leftarrow \psi - \text{rate} \cdot \theta \, D(\theta)$, and the generator descends, $\theta \leftarrow \theta + \text{rate} \cdot \psi \, D(\theta)$.
# If both parameters are 0, neither player can gain: $\theta = 0$ is the perfect generator, and $\psi = 0$ answers 1/2.
#
# **Predict, then move the sliders.** The players start at $\theta = 2$, $\psi = 0$. Will they arrive at the point (0, 0)? Does it help if they take *turns*, each answering the other's latest move, instead of moving at the same time? (Leave `brake` at 0 at first; it is explained below.)

# %%
def duel(rule, rate, brake, steps=400):
    """Path of (theta, psi): array (steps + 1, 2)."""
    theta, psi = 2.0, 0.0
    path = [(theta, psi)]
    for _ in range(steps):
        new_psi = psi + rate * (-theta * sigmoid(psi * theta) - brake * psi)
        seen = new_psi if rule == "in turn" else psi        # which discriminator the generator answers
        theta, psi = theta + rate * seen * sigmoid(seen * theta), new_psi
        path.append((theta, psi))
    return np.array(path)


def draw_duel(rule, rate, brake):
    path = duel(rule, rate, brake)
    figure, axes = plt.subplots(1, 2, figsize=(6.2, 2.6), width_ratios=(1, 1.4))
    axes[0].plot(*path.T, color=RED, linewidth=1.2)
    axes[0].plot(*path[0], "o", color=RED)
    axes[0].plot(0, 0, "+", color="black", markersize=14)
    axes[0].set(xlim=(-5, 5), ylim=(-5, 5), aspect="equal", xlabel="generator θ", ylabel="discriminator ψ",
                title="both parameters")
    axes[1].plot(path[:, 0], color=RED)
    axes[1].axhline(0, color="black", linewidth=1, linestyle=":")
    axes[1].set(ylim=(-5, 5), xlabel="step", title="where the fakes are (θ)")
    return figure


widgets.explore(draw_duel, {"rule": ["at once", "in turn"], "rate": [0.05, 0.2, 0.5], "brake": [0, 0.1, 0.3, 0.6]},
                start={"rule": "at once", "rate": 0.2},
                alt="Path of generator and discriminator around the point (0, 0), and the place of the fakes over 400 steps: "
                    "without a brake they never arrive: they circle, or, at once with rate 0.5, get stuck far away; with one that is strong enough they spiral in")

# %%
distance = {rule: np.hypot(*duel(rule, 0.2, 0, 2000).T) for rule in ("at once", "in turn")}
braked = np.hypot(*duel("at once", 0.2, 0.3, 2000).T)
print("at once: farther away after 2,000 steps than at the start:", bool(distance["at once"][-1] > distance["at once"][0]))
print("in turn: never closer than 0.5:", bool(distance["in turn"].min() > 0.5))
print("with a brake of 0.3, distance below 0.001:", bool(braked[-1] < 0.001))

# %% [markdown]
# Each player improves against the other at every step, yet together they go round in circles. The discriminator tilts towards the real numbers; the generator follows, overshoots while the discriminator is still tilted, and so on.
# A single curve has a bottom to roll into; a game need not. A small learning rate only slows the circling. Moving at the same time drives the players outwards. At rate 0.5 they go so far that the discriminator becomes sure: both gradients nearly vanish, and the fakes come almost to a halt, far from 0 (section 7 explains why). Taking turns keeps the distance, but brings nobody nearer.
#
# The *brake* pulls the discriminator's slope $\psi$ back to 0 (as if $\tfrac{\text{brake}}{2}\,\psi^2$ were subtracted from its reward). With a brake strong enough for the rate, the pair arrives, though at small rates not within 400 steps. (When they move at once with rate 0.5, a brake of 0.1 is too weak, and a circle remains.) Penalties that pull the slope to 0 are a proven remedy (see the paper above). Lesson 06 uses one that pulls it to 1 instead, the *gradient penalty*: it limits the discriminator, but according to the same paper it need not bring this pair to rest.

# %% [markdown]
# ## 6. A GAN on a line (10 minutes)
#
# Now for a complete GAN, with the two peaks of section 1. The discriminator is the one with 25 bumps. The generator is a straight line plus nine bumps in the noise, $G(z) = v_0 + v_1 z + v_2 \, \text{bump}_1(z) + \dots$, so it can be a curve. Its heights $v$ are learned. The height $v_k$ changes the fake, the fake changes the score, and the score changes $\log D$, so the chain rule has three factors:
#
# $$\frac{\partial \log D}{\partial v_k} = \frac{d \log D}{ds} \cdot \frac{ds}{dx} \cdot \frac{\partial G}{\partial v_k} = (1 - D) \cdot \frac{ds}{dx} \cdot \frac{\partial G}{\partial v_k} \qquad \text{at } x = G(z)$$

# %%
KNOTS = np.linspace(-2, 2, 9)


def terms(z):
    """The terms of G for each z: 1, z and nine bumps, (N, 11). G(z) = terms(z) @ v."""
    return np.column_stack([np.ones_like(z), z, bumps(z, KNOTS, 0.5)])


def slope_of_score(w, x):
    """Derivative of the discriminator's score s(x) with respect to x."""
    return -((x[:, None] - CENTRES) / 0.7**2 * bumps(x)) @ w


def generator_gradient(w, v, z):
    """How the mean of log D(G(z)) grows with the heights v: the three factors, averaged over z."""
    fake = terms(z) @ v
    return ((1 - sigmoid(bumps(fake) @ w)) * slope_of_score(w, fake)) @ terms(z) / len(z)


# %% [markdown]
# The generator here *raises* $\log D(G(z))$, where equation (1) would have it *lower* $\log (1 - D(G(z)))$. Both mean "look more real"; section 7 explains the difference.
#
# In each step the discriminator learns from `d_steps` batches of 128 real numbers and 128 fakes, then the generator from one batch of fakes. At first all fakes lie close to 1.

# %%
def train(rate_d, rate_g, d_steps, steps=1500, seed=0):
    """Train both players. Returns their heights, (w, v), every 25 steps."""
    rng = np.random.default_rng(seed)
    w, v = np.zeros(25), np.zeros(11)
    v[:2] = 1, 0.2                                          # G(z) = 1 + 0.2 z
    history = []
    for step in range(steps + 1):
        if step % 25 == 0:
            history.append((w, v))
        for _ in range(d_steps):
            real, fake = draw_real(128, rng), terms(rng.standard_normal(128)) @ v
            w = w + rate_d * discriminator_gradient(w, real, fake)
        v = v + rate_g * generator_gradient(w, v, rng.standard_normal(128))
    return history


# %% [markdown]
# One picture can show a whole training run: time runs to the right, and each column is a histogram of the fakes at that time, dark where there are many. Of 2,000 fakes, a white cell (0.25 high) holds none or hardly any, a black one 200 or more. The dotted lines mark the two peaks of the real numbers.
#
# **Predict, then move the sliders.** (The next cell trains 18 GANs in about ten seconds.) Start with a slow discriminator (rate 0.02), a medium generator (0.2) and one discriminator step. Then make only the discriminator faster (2), with five steps each time. Then try a medium discriminator (0.2) with a fast generator (1.5), then both fast.
# Look for a run that *converges* on both peaks, one that forgets a peak, and one that never comes to rest.

# %%
RATES_D, RATES_G = (0.02, 0.2, 2), (0.02, 0.2, 1.5)
runs = {(rate_d, rate_g, d_steps): train(rate_d, rate_g, d_steps)
        for rate_d in RATES_D for rate_g in RATES_G for d_steps in (1, 5)}

# %%
z_many = terms(np.random.default_rng(3).standard_normal(2000))


def draw_run(rate_d, rate_g, d_steps):
    history = runs[rate_d, rate_g, d_steps]
    counts = np.stack([np.histogram(z_many @ v, np.linspace(-6, 6, 49))[0] for _, v in history], axis=1)
    figure, axis = plt.subplots(figsize=(5.8, 2.6))
    axis.pcolormesh(np.arange(0, 1501, 25), np.linspace(-5.875, 5.875, 48), counts, cmap="Greys", vmax=200)
    for peak in (-2, 2):
        axis.axhline(peak, color=BLUE, linewidth=1.5, linestyle=":")
    axis.grid(False)
    axis.set(xlabel="step of training", ylabel="the fakes", ylim=(-6, 6),
             title=f"rates: D {rate_d:g}, G {rate_g:g}; {d_steps} step{'s' * (d_steps > 1)} of D each time")
    return figure


widgets.explore(draw_run, {"rate_d": RATES_D, "rate_g": RATES_G, "d_steps": (1, 5)},
                start={"rate_d": 0.02, "rate_g": 0.2, "d_steps": 1},
                alt="Histograms of the fakes over 1,500 steps of training, beside the peaks of the real numbers at −2 and 2")

# %% [markdown]
# Here are three of these runs, step by step: the real density, the fakes, and the discriminator's answers.

# %%
NAMED = {"converges": (0.02, 0.2, 1), "forgets a peak": (2, 0.02, 5), "no rest": (0.2, 1.5, 1)}


def draw_moment(run, step):
    w, v = runs[NAMED[run]][step // 25]
    figure, axis = plt.subplots(figsize=(6.2, 2.5))
    axis.fill_between(x, p, color=BLUE, alpha=0.25, label="real: p")
    axis.hist(z_many @ v, np.linspace(-6, 6, 49), density=True, histtype="step", color=RED, linewidth=1.5, label="fakes")
    axis.plot(x, sigmoid(bumps(x) @ w), color="black", linestyle="--", label="D(x)")
    axis.axhline(0.5, color="0.5", linewidth=1, linestyle=":")
    axis.set(xlim=(-5, 5), ylim=(0, 1.5), xlabel="x", title=f"{run}: step {step}")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


widgets.explore(draw_moment, {"run": list(NAMED), "step": [0, 25, 50, 100, 200, 300, 500, 1475, 1500]},
                start={"run": "converges", "step": 0},
                alt="The density of the real numbers, a histogram of the fakes and the discriminator's answers "
                    "at one step of training")

# %%
def share_on_the_left(run):
    return np.mean(z_many @ runs[NAMED[run]][-1][1] < 0)


def unrest(run):
    """How far a fake moves, on average, between the last 20 pictures."""
    fakes = [z_many @ v for _, v in runs[NAMED[run]][-20:]]
    return np.mean(np.abs(np.diff(fakes, axis=0)))


print("converges: more than a fifth of the fakes at each peak:", bool(0.2 < share_on_the_left("converges") < 0.8))
print("forgets a peak: less than 3% on the left:", bool(share_on_the_left("forgets a peak") < 0.03))
print("no rest: fakes move more than twice as far between pictures as in the first run:",
      bool(unrest("no rest") > 2 * unrest("converges")))

# %% [markdown]
# - **Convergence.** The fakes run to the nearer peak and past it, the discriminator learns that they are there, and the generator spreads them over both peaks. At the end $D$ is near 1/2 on both.
#   The result is not perfect: some fakes lie between the peaks, because a smooth curve can't jump, and $D$ recognises them.
# - [**Mode collapse**](glossary.md). The discriminator knows that the left peak is always real, but this doesn't reach the fakes on the right: each feels only the slope of $D$ where it stands, and around the right peak $D$ is almost flat.
#   Further left $D$ does rise towards the forgotten peak, but hardly any fake ever lands there, and so few don't count in the mean over a batch.
#   The generator makes good fakes of one kind, and none of the other. With a fast discriminator and a slow generator it stays that way.
# - **No rest.** With a fast generator the fakes reach both peaks sooner, but keep oscillating there: each step goes further than the slope of $D$ can be trusted, $D$ answers, and they come back. These are the circles of section 5 on a small scale.
#   With both fast, the game breaks down: the fakes escape to places that $D$ knows nothing about, most of them far outside the picture.
#
# So more discriminator steps, which bring $D$ nearer to $D^*$, are not always better, and no setting is right for every pair of players. For photographs, all of this happens in millions of dimensions, where you can't see $p$.
# One warning sign does show in pictures: a generator that has collapsed makes the same thing again and again.

# %% [markdown]
# ## 7. What pulls the generator (6 minutes)
#
# Early in training the fakes are poor, and the discriminator notices: $D$ is near 0 on all of them. This is when the generator needs help most.
# How strongly does its loss change with the discriminator's score $s$, where $D = \mathrm{sigmoid}(s)$? There are two losses to choose from, both to be minimised (to *saturate* is to go flat):
#
# | name | loss for one fake | |
# |---|---|---|
# | *saturating* | $\log (1 - D)$ | equation (1) |
# | *non-saturating* | $-\log D$ | used in section 6, and in most GANs |
#
# ### Exercise 4: the two pulls (1 point)
#
# The pull is $-\frac{d\,\text{loss}}{ds}$: how strongly the loss falls when the score rises. Work out both pulls with $\frac{dD}{ds} = D (1 - D)$, simplify them, and return them for an array of answers `D`.

# %% nbgrader={"grade_id": "pulls", "solution": true}
def pulls(D):
    """(saturating, non-saturating): minus the derivative of each loss with respect to the score, for answers D."""
    ### BEGIN SOLUTION: return two arrays, the pull of log(1 - D) and that of -log D, as functions of D
    return D, 1 - D
    ### END SOLUTION


# %% nbgrader={"grade_id": "pulls-test", "grade": true, "points": 1}
lesson_01.check_pulls(pulls)
### BEGIN HIDDEN TESTS
lesson_01.check_pulls(pulls, seed=14)
### END HIDDEN TESTS

# %% [markdown]
# To see the consequence, take one peak of real numbers around 0 and fakes of the same width around a mean $\mu$, the generator's only parameter. Let the discriminator be the best one.
# As $D^* = \frac{p}{p + q} = \frac{1}{1 + q/p}$ is a sigmoid of $s = \log (p/q)$, this is its score; here it is a straight line in $x$ with the slope $-\mu / 0.7^2$. How strongly is $\mu$ pulled at each distance?

# %%
def pull_on_mean(mean, loss):
    """How the generator's loss, against D*, falls when its mean moves towards the real numbers at 0."""
    fake = normal(x, mean, 0.7)
    score = np.log(normal(x, 0, 0.7) + 1e-200) - np.log(fake + 1e-200)
    strength = sigmoid(score) if loss == "saturating" else 1 - sigmoid(score)
    return np.sum(fake * strength * mean / 0.7**2) * dx      # pull on the score times its slope


distances = np.linspace(0, 5, 101)
styles = {"saturating": (RED, "--"), "non-saturating": (GREEN, "-")}
figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.2))
for loss, (colour, line) in styles.items():
    axes[0].plot(distances, [pull_on_mean(mean, loss) for mean in distances], color=colour, linestyle=line, label=loss)
    mean, path = 4.0, []
    for step in range(400):
        path.append(mean)
        mean -= 0.02 * pull_on_mean(mean, loss)
    axes[1].plot(path, color=colour, linestyle=line, label=loss)
axes[0].set(title="pull on the fakes", xlabel="distance from the real numbers", ylabel="pull")
axes[1].set(title="training from distance 4", xlabel="step", ylabel="distance", ylim=(-0.2, 4.5))
axes[0].legend(loc="upper left")
figures.show(figure, alt="Left: the saturating pull rises a little and falls to nearly 0 beyond distance 3, "
                         "the non-saturating one grows with the distance. Right: from distance 4 the non-saturating training "
                         "arrives in about 150 steps, the saturating one has hardly moved after 400.")

# %%
for distance in (1, 2, 4):
    ratio = pull_on_mean(distance, "non-saturating") / pull_on_mean(distance, "saturating")
    print(f"at distance {distance} the non-saturating pull is {ratio:.0f} times as strong")

# %% [markdown]
# The saturating pull is $D$ itself: it vanishes just when the discriminator is sure, which is the flat part of the curve in section 4. The better the discriminator, the less the generator learns.
# The non-saturating one, $1 - D$, is then near its maximum, 1. (The picture shows each pull times the slope of the score, which here grows with the distance; so the green curve goes on rising.) Both losses want the same thing, fakes with a higher score, and where $D = 1/2$ they pull equally. So [Goodfellow et al.](https://arxiv.org/abs/1406.2661) recommended the second in the very paper that introduced equation (1).
# Strictly speaking, the two players then no longer play for the same value.
#
# The report names yet another loss, the *Wasserstein loss*, which has no logarithm and, used properly, does not saturate at all. Lesson 06 covers it.

# %% [markdown]
# ## 8. From noise to a photograph (8 minutes)
#
# So far the generator could make *any* number that looks real. A deblurring network must do more. Section 3.1 of the report says: "the input of Generator will intake the blur image directly instead of noise".
# Write $y$ for the blurred photograph. Then $G(y)$ takes the place of $G(z)$. A GAN whose generator is given something to work on is called a [*conditional GAN*](glossary.md). Equation (1) would read
#
# $$\min_G \max_D \; E_{x \sim P_{sharp}} \log D(x) + E_{y \sim P_{blurred}} \log (1 - D(G(y))) \qquad (A)$$
#
# Is that enough? The discriminator still sees single photographs, never the blurred one that belongs to each. The alternative shows it the *pair*:
#
# $$\min_G \max_D \; E_{x, y} \log D(x, y) + E_{y} \log (1 - D(G(y), y)) \qquad (B)$$
#
# ([Mirza and Osindero 2014](https://arxiv.org/abs/1411.1784); for images [Isola et al. 2017](https://arxiv.org/abs/1611.07004)). Again we use numbers: $x$ is sharp, $y$ is its blurred version, both normal with mean 0 and spread 1. In real pairs $x = 0.9\,y + \sqrt{1 - 0.9^2}\,z$: their correlation is 0.9.
# The generator still has some noise: $G(y) = r\,y + \sqrt{1 - r^2}\,z$. A slider sets its $r$. For every $r$ the variance of its outputs is $r^2 + (1 - r^2) = 1$, so they have the same density as the real $x$.
#
# **Predict, then move the slider.** Which game notices that $r$ is wrong?

# %%
correlations = np.round(np.linspace(-0.9, 0.9, 13), 2)
grid = np.linspace(-5, 5, 201)
X, Y = np.meshgrid(grid, grid)


def pair_density(r):
    """Density of two normal numbers with mean 0, spread 1 and correlation r, on the grid."""
    return np.exp(-(X**2 - 2 * r * X * Y + Y**2) / (2 * (1 - r**2))) / (2 * np.pi * np.sqrt(1 - r**2))


def worth_of(real, fake, area):
    """V of the best discriminator for two densities on a grid."""
    tiny = 1e-300
    total = real + fake + tiny
    return np.sum(real * np.log(real / total + tiny) + fake * np.log(fake / total + tiny)) * area


step = grid[1] - grid[0]
single = [worth_of(pair_density(0.9).sum(axis=0) * step, pair_density(r).sum(axis=0) * step, step) for r in correlations]
pairs = [worth_of(pair_density(0.9), pair_density(r), step**2) for r in correlations]

# %%
first, second, third = np.random.default_rng(4).standard_normal((3, 120))


def draw_pairs(r):
    figure, axes = plt.subplots(1, 3, figsize=(8.8, 2.9), width_ratios=(1, 0.8, 1.1))
    y, x_real, x_fake = first, 0.9 * first + np.sqrt(0.19) * second, r * first + np.sqrt(1 - r**2) * third
    axes[0].plot(y, x_real, ".", color=BLUE, label="real pairs")
    axes[0].plot(y, x_fake, "x", color=RED, markersize=4, label="y and G(y)")
    axes[0].set(xlim=(-3.3, 3.3), ylim=(-3.3, 4.6), xlabel="blurred y", ylabel="sharp x or G(y)", title="what game B shows")
    axes[0].legend(loc="upper center", ncols=2, columnspacing=0.6, handletextpad=0.1)
    for some, colour, line in ((x_real, BLUE, "-"), (x_fake, RED, "--")):
        axes[1].hist(some, np.linspace(-3.3, 3.3, 15), histtype="step", orientation="horizontal", color=colour, linestyle=line, linewidth=2)
    axes[1].set(ylim=(-3.3, 4.6), xlim=(0, 34), xlabel="how many", title="what game A shows")
    here = list(correlations).index(r)
    for values, words, colour, line in ((single, "A", "0.3", "--"), (pairs, "B", GREEN, "-")):
        axes[2].plot(correlations, values, color=colour, linestyle=line, label=f"game {words}")
        axes[2].plot(r, values[here], "o", color=colour, markersize=8)
    axes[2].axhline(-np.log(4), color="0.3", linewidth=1, linestyle=":")
    axes[2].text(-0.95, -np.log(4) + 0.03, "−log 4", va="bottom", fontsize=10)
    axes[2].set(ylim=(-1.5, 0.1), xlabel="generator's r", title="value against the best D")
    axes[2].legend(loc="upper right")
    return figure


widgets.explore(draw_pairs, {"r": [-0.9, -0.45, 0, 0.45, 0.9]}, start={"r": -0.9},
                alt="Real pairs of blurred and sharp numbers and the generator's pairs, histograms of the outputs alone, "
                    "and the value of both games: the one that sees outputs alone is always at −log 4, the one that sees pairs only at r = 0.9")

# %%
print("game A is at −log 4 for every r:", bool(np.allclose(single, -np.log(4), atol=1e-3)))
print("game B is there only at r = 0.9:", [float(r) for r, v in zip(correlations, pairs) if abs(v + np.log(4)) < 0.01])

# %% [markdown]
# At $r = -0.9$ the generator turns every blurred number into the *opposite* of the right one. Game A finds nothing wrong: each output looks real. With photographs, a generator that answers every blurred street with a perfectly sharp picture of some other street wins game A.
#
# The report's discriminator receives "real or fake" images alone (Section 2.2), so it plays game A. What ties $G(y)$ to $y$ there is the *perceptual loss*, which compares $G(y)$ with the sharp photograph that belongs to $y$ (Section 2.3.1).
# The report's reference [2], [DeblurGAN](https://arxiv.org/abs/1711.07064), does the same: its discriminator sees images alone, and a content loss ties the results to the sharp photographs. With a weight $\lambda$, equation (1) should have said:
#
# $$\min_G \max_D \; E_{x} \log D(x) + E_{y} \log (1 - D(G(y))) + \lambda \, E_{x, y} \, \text{distance}(x, G(y))$$
#
# This has a blurred $y$ instead of $z$, and a term that states the task. (The first two terms change once more when the Wasserstein loss replaces the logarithms.)

# %% [markdown]
# ### One answer only
#
# Leaving $z$ out has a price. Motion blur of 8 pixels is the mean of 8 copies, each shifted by one pixel more. The next cell paints fine stripes on a photograph, in two versions: where one is bright, the other is dark. Then it blurs both.

# %%
part = 60 + photos.load("summer_palace")[160:272, 160:272].astype(float) * 0.5        # leaves room for the stripes
stripes = np.where(np.arange(112) % 8 < 4, 30, -30)[None, :, None]


def smear(picture):
    """Mean of 8 copies, shifted by 0 to 7 pixels to the right; what leaves the picture comes in on the left."""
    return np.mean([np.roll(picture, shift, axis=1) for shift in range(8)], axis=0)


one, other = part + stripes, part - stripes
print("both blurred pictures are equal, to rounding:", bool(np.allclose(smear(one), smear(other))))
whole = {"sharp, version 1": one, "sharp, version 2": other, "either of them, blurred": smear(one), "mean of 1 and 2": part}
figures.images({words: np.rint(picture).astype(np.uint8) for words, picture in whole.items()},
               alt="A palace with fine vertical stripes, the same with opposite stripes, a blurred palace without stripes, "
                   "and a sharp palace without stripes")

# %% [markdown]
# The blur has wiped out the stripes completely. Given only the third picture, nobody can know which of the first two it came from.
# With noise, $G(y, z)$ could answer differently for different $z$, and so offer both. Without noise, $G(y)$ is always the same picture for the same $y$.
#
# ### Think: which one? (2 points)
#
# 1. Suppose both versions are equally common among the sharp training photographs. A generator $G(y)$ without noise is trained to minimise the *mean squared error* against the sharp photograph. Which picture is its best answer to the blurred one? Does this picture look like a real training photograph?
# 2. Another $G(y)$ is trained in game B, against the best discriminator. Why can't it reach $q = p$ for this blurred photograph, whatever it answers? What does its answer not tell a user of the network?
#
# Four or five sentences are enough.

# %% [markdown] nbgrader={"grade_id": "think-which", "grade": true, "solution": true, "points": 2}
# ### BEGIN SOLUTION
# 1. The mean of both versions: for every pixel the mean squared error is smallest at the mean of the possible values. The stripes cancel in this mean, so it is the fourth picture, without stripes, which never occurs among these sharp photographs.
# 2. For this $y$ the real pairs have two sharp pictures with probability 1/2 each; a generator without $z$ gives one picture with probability 1. These two distributions differ, so their JSD is above 0 and the discriminator gains something: it knows that the missing version is always real. The user gets one sharp picture and doesn't learn that another one was equally possible: the detail in it is chosen, not recovered.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# - 1 point for question 1: half a point for the mean of both (the picture without stripes), half a point for saying that it is not like any real one.
# - 1 point for question 2: half a point for one output against two possible ones (a single point can't equal a distribution over two); half a point for what is hidden from the user: that other pictures fit as well, or that the detail may be invented.
# - "It lacks noise" alone restates the question: no point.
# ### END MARK SCHEME

# %% [markdown]
# ## 9. Challenge: a whole GAN (12 minutes)
#
# Now write one round of the game yourself, for the smallest pair of players that can learn both the mean and the spread of real numbers:
#
# - generator: $G(z) = g_0 + g_1 z$;
# - discriminator: $D(x) = \mathrm{sigmoid}(s)$ with $s(x) = d_0 + d_1 x + d_2 x^2$.
#
# ### Exercise 5: one round (3 points)
#
# `g` is the array of $g_0, g_1$, and `d` that of $d_0, d_1, d_2$. `play_round(g, d, real, noise, rate_d, rate_g)` returns the new pair `(g, d)`:
#
# 1. The discriminator learns once from *each row* of `real`, an array of shape (k, n), together with the same row of `noise`, of shape (k + 1, n). Each time it takes one step up the gradient of $V$ in equation (1), with `rate_d`. Expectations are means over the row.
# 2. Then the generator takes one step with `rate_g` against the *newest* discriminator, with the non-saturating loss: up the gradient of the mean of $\log D(G(z))$, for the last row of `noise`.
#
# The gradients of sections 5 and 6 carry over: what is the derivative of $s$ with respect to $d_0, d_1, d_2$, and with respect to $x$? And that of $G(z)$ with respect to $g_0, g_1$? Don't change `g` and `d` in place.

# %% nbgrader={"grade_id": "round", "solution": true}
def play_round(g, d, real, noise, rate_d, rate_g):
    """One round: the discriminator learns from each row of real, then the generator once. Returns the new (g, d)."""
    ### BEGIN SOLUTION: loop over the rows with a step of d, then take one step of g, and return (g, d)
    def powers(x):
        return np.stack([np.ones_like(x), x, x**2])         # (3, n): the derivative of s with respect to d

    for x_real, z in zip(real, noise):
        x_fake = g[0] + g[1] * z
        D_real, D_fake = sigmoid(d @ powers(x_real)), sigmoid(d @ powers(x_fake))
        d = d + rate_d * (np.mean((1 - D_real) * powers(x_real), axis=1) - np.mean(D_fake * powers(x_fake), axis=1))
    z = noise[-1]
    x_fake = g[0] + g[1] * z
    pull = (1 - sigmoid(d @ powers(x_fake))) * (d[1] + 2 * d[2] * x_fake)
    return g + rate_g * np.array([np.mean(pull), np.mean(pull * z)]), d
    ### END SOLUTION


# %% nbgrader={"grade_id": "round-test", "grade": true, "points": 3}
lesson_01.check_round(play_round)
### BEGIN HIDDEN TESTS
lesson_01.check_round(play_round, seed=15)
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# - Equation (1) rewards the discriminator with $\log D$ on real examples and $\log(1 - D)$ on fakes. The discriminator maximises the value, the generator minimises it.
# - The best discriminator is $p/(p+q)$. Against it the value is $-\log 4 + 2\,\mathrm{JSD}(p, q)$; the generator wins only with $q = p$, and then $D = 1/2$.
# - Two players who learn can converge, circle without end, or forget a peak (mode collapse). The learning rates, and how often the discriminator learns, decide which. A brake on the discriminator's slope helps.
# - $\log(1 - D)$ pulls the generator with strength $D$, which vanishes when the discriminator is sure; $-\log D$ pulls with $1 - D$.
# - The report's generator is given the blurred photograph, and its discriminator sees single photographs. Equation (1) should have had $y$ instead of $z$ and a second loss that ties $G(y)$ to the sharp photograph.
# - Without noise there is only one answer for a blurred photograph, although several may fit. What that means for the losses is a question for lesson 06.
#
# [← previous: Start here](00_start_here.ipynb) · [Glossary](glossary.md) · [next: How a photograph blurs →](02_how_a_photograph_blurs.ipynb)
