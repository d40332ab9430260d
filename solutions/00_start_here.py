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
# # 00 · Start here
#
# In this course you rebuild, from a published report, a *generative adversarial network* (GAN) that sharpens blurred photographs.
# A GAN is a pair of networks trained against each other. You will count their parameters, build them, train them, and find out
# how good they really are. This first lesson shows you a small deblurring network in action, and how the lessons work.
#
# **You will be able to**
# - run a lesson, and say whether your machine is ready for the course;
# - deblur a photograph with a trained network, and say in numbers how much that helped;
# - solve an exercise and understand what its check tells you;
# - find your way through the course.
#
# **You need** Python with NumPy arrays, and logarithms. Lessons 01 and 02 also need derivatives, integrals, probability densities, complex numbers and eigenvectors. You don't need to know anything about neural networks.
#
# **Time** about 15 minutes.

# %% [markdown]
# ## 1. Is your machine ready? (2 minutes)
#
# A lesson consists of text like this and of *code cells* like the next one. Click into that cell and press **Shift + Enter**: the code runs, its output appears below it,
# and the next cell is selected. Run the cells in order, from top to bottom.
#
# The first code cell checks your machine. It takes ten seconds or so, because it also starts TensorFlow, the library that runs the networks.

# %% tags=["nbval-ignore-output"]
from course_lib import doctor

machine = doctor.report()
print("Ready." if machine.ready else machine)

# %% [markdown]
# *Ready* means that every lesson will run; you don't need a graphics card. Otherwise you see a list: each line that begins with *problem* says what is missing, and the line below it what to do.
#
# To see what was checked, and what may be slow, add a cell with the **+** above the notebook, type `print(machine)` and run it.

# %% [markdown]
# ## 2. A photograph, blurred and deblurred (5 minutes)
#
# The next cell takes a photograph and blurs it as if the camera had moved while its shutter was open. A small *network* is then given the blurred
# photograph and returns a new one. (A network is a function with a great many adjustable numbers. *Training* changes them step by step, until what the network
# returns for blurred photographs is close to the sharp ones.)
#
# **Run the cell, then drag the slider below the picture.**

# %%
import numpy as np

from course_lib import blur, evaluation, figures, photos, restoration, widgets

sharp = photos.load("bridge_at_night")[300:700, 300:940]
blurred, _ = blur.blur_photo(sharp, level=1, rng=np.random.default_rng(0))

network = restoration.load("level1")
deblurred = restoration.deblur(blurred, network)

widgets.swipe(
    blurred, deblurred,
    alt="Part of a suspension bridge at night: a lit tower of brick, lamps, and "
        "thin cables that the blur doubles",
)

# %% [markdown]
# To the left of the line is all that the network was given, to the right what it returned. Look at the lamps, the cables and the bricks.
# The network never saw this photograph in training. (Photograph: Derek Jensen, public domain.)
#
# This network is built like the report's deblurring network, only smaller. But it is not yet a GAN: it was trained on its own,
# to come close to the sharp photographs, and no second network judged its results.
#
# ### How much better is it?
#
# Here we know the sharp photograph, so we can compare both pictures with it. The *mean squared error* (MSE) is the mean of (difference)² over all pixels and colours.
# The usual measure, the *peak signal-to-noise ratio* in decibels, is computed from it:
#
# $$\text{PSNR} = 10 \, \log_{10} \frac{255^2}{\text{MSE}}$$
#
# where 255 is the largest value that a pixel can have. For example, an MSE of 100 gives $10 \, \log_{10} 650.25 = 28.1$ dB. A larger PSNR is better: 10 dB more means a tenth of the MSE.
# *SSIM* compares patterns of neighbouring pixels instead; it is 1 for identical pictures. Lesson 09 covers both.
#
# The next cell first counts the network's *parameters*: the numbers that it stores, nearly all of them learned in training.

# %%
print(f"the network has {network.count_params():,} parameters")
for name, picture in {"blurred": blurred, "deblurred": deblurred}.items():
    decibels, similarity = evaluation.psnr(sharp, picture), evaluation.ssim(sharp, picture)
    print(f"{name:10} PSNR {decibels:.1f} dB   SSIM {similarity:.2f}")

# %% [markdown]
# ### What this network can't do
#
# All its training photographs had the same blur: a straight motion of 11 pixels at 45 degrees. The picture above has that blur too.
#
# **Predict, then run.** Now an unsteady hand moves the camera along a curve. Does the network help?

# %%
shaken, _ = blur.blur_photo(sharp, level=3, rng=np.random.default_rng(0))
attempt = restoration.deblur(shaken, network)
better = evaluation.psnr(sharp, attempt) > evaluation.psnr(sharp, shaken)
print("nearer to the sharp photograph after the network:", better)

figures.images(
    {"shaken": shaken[:, :320], "after the network": attempt[:, :320]},
    alt="The bridge's tower, blurred along a curve; the network adds dark and "
        "bright stripes beside every edge",
)

# %% [markdown]
# It does harm: it undoes a motion that never took place. One photograph could be a fluke, so we try a part of each of the three *test photographs*, which no network of this course saw in training.

# %%
def gain(name, level, network=network, seed=0):
    """By how many dB a network brings a blurred photograph nearer to the sharp one."""
    part = photos.load(name)[80:336, 150:406]
    blurry, _ = blur.blur_photo(part, level, np.random.default_rng(seed))
    result = restoration.deblur(blurry, network)
    return evaluation.psnr(part, result) - evaluation.psnr(part, blurry)


for level in (1, 3):
    gains = [gain(name, level) for name in photos.names("test")]
    helped = sum(one > 0 for one in gains)
    print(f"level {level}: the network helps with {helped} of {len(gains)}, "
          f"mean gain {np.mean(gains):.0f} dB")

# %% [markdown]
# The course has four levels of difficulty:

# %%
for level, words in blur.LEVELS.items():
    print(f"level {level}: {words}")

# %% [markdown]
# (A *kernel* is one way to write down a blur; lesson 02 explains it, and the other words.) A network as small as this one learns level 1 in minutes. Level 4 imitates the photographs used in the report; there, much more training gains much less.
# The course includes a second network, `level4`, eleven times as large. It was trained on level 4 for almost two hours.
#
# **Predict, then run.** How often does each network help at level 4? Each of the three photographs is blurred four times, at random.

# %%
careful = restoration.load("level4")
for label, one in {"level1": network, "level4": careful}.items():
    gains = [gain(name, 4, one, seed) for name in photos.names("test") for seed in range(1, 5)]
    print(f"level 4, network {label}: it helps with {np.sum(np.array(gains) > 0)} of {len(gains)}, median gain {np.median(gains):+.1f} dB")

# %% [markdown]
# The level-1 network makes all of them worse. `level4` helps each time here, but only by a tenth of a decibel or so, which you would hardly see. It can even make an almost sharp photograph worse.
# A network that goes straight from the blurred photograph to the sharp one needs days of training on a graphics card before it helps a lot with any motion.
# For your own photographs the course has another way, which lesson 09 explains: find the motion first, then undo it.
#
# Lesson 02 works through these levels, and lesson 09 measures how well a network copes with a blur it was not trained for.

# %% [markdown]
# ## 3. Exercises and checks (5 minutes)
#
# An exercise is a cell with a gap for your code. The cell below it is its *check*: it calls your function and examines the result.
# Here is what a check says to somebody who thinks that PSNR is always 30.

# %%
from course_lib.checks import lesson_00


def always_thirty(mse):
    return 30


try:
    lesson_00.check_psnr(always_thirty)
except lesson_00.CheckFailed as answer:
    print("Not yet:", answer)

# %% [markdown]
# The check says what your function returned, what is right, and sometimes where to look. Try as often as you like; only the last try counts.
# Until you write something, it says "not written yet". Nothing later in a lesson depends on your solution, so you can skip an exercise and come back.
#
# ### Exercise 1: PSNR (2 points)
#
# Write the formula of section 2 as a function: replace the `raise` line with your code. Run your cell, then the check below it.

# %% nbgrader={"grade_id": "psnr", "solution": true}
def psnr(mse):
    """Peak signal-to-noise ratio in dB of a picture with this mean squared error."""
    ### BEGIN SOLUTION: return the PSNR; np.log10 is the logarithm
    return 10 * np.log10(255**2 / mse)
    ### END SOLUTION


# %% nbgrader={"grade_id": "psnr-test", "grade": true, "points": 2}
lesson_00.check_psnr(psnr)
### BEGIN HIDDEN TESTS
lesson_00.check_psnr(psnr, seed=11)
### END HIDDEN TESTS

# %% [markdown]
# A teacher's copy of a check may try further numbers, which you don't see. A function that solves the exercise passes those too.
#
# Some questions ask for sentences instead of code. They are called *Think*, and a person grades them. If you are learning on your own, compare yours with the model answer in `solutions/00_start_here.ipynb`.
#
# ### Think: what was shown? (1 point)
#
# Somebody shows you the first two pictures of section 2, blurred and deblurred, and says: "This network removes motion blur from photographs."
# What have the pictures shown, and what would you measure to test the claim? Two or three sentences are enough.

# %% [markdown] nbgrader={"grade_id": "think-shown", "grade": true, "solution": true, "points": 1}
# ### BEGIN SOLUTION
# **Model answer.** They show that the network removes the one blur it was trained on, from one photograph. The claim is about any motion, so I would take many photographs that were not used in training
# and blur them with other motions (other directions and lengths, shaken cameras), or use real pairs, and compare the PSNR against the sharp photograph before and after the network.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# **Marking scheme**
#
# - Half a point: the pictures show success with one known blur only, the one used in training (or: with one photograph only).
# - Half a point: a measurement that could refute the claim: other motions, and a comparison with the sharp photograph before and after. ("More photographs" with the same blur: nothing for this part.)
# ### END MARK SCHEME

# %% [markdown]
# ## 4. Your copy of the lessons (1 minute)
#
# - **Saving.** Ctrl + S (on a Mac Cmd + S) saves the lesson. The text, your code and its outputs are kept; the variables are not.
#   So when you reopen a lesson, click the cell where you stopped and choose *Run → Run All Above Selected Cell* from the menu. Unsolved exercises don't stop it.
# - **Something is odd?** *Kernel → Restart Kernel and Run All Cells…* starts afresh.
# - **A fresh copy.** You work on copies in the folder `my_work`. `make reset LESSON=00` in a terminal, in the course's folder, fetches a fresh lesson 00
#   and keeps yours beside it. (On Windows: `py course.py reset LESSON=00`.)
# - **Points** say how much an exercise counts. In the course's folder, `.venv/bin/deblur-course check my_work/00_start_here.ipynb` runs all checks of a lesson and adds up your points.
#   (On Windows: `.venv\Scripts\deblur-course check my_work\00_start_here.ipynb`. JupyterLab's own terminal starts in `my_work`: there, type `deblur-course check 00_start_here.ipynb`,
#   and `deblur-course reset 00` instead of the make command.)
# - **Words** are explained in the [glossary](glossary.md). Complete lessons, with model answers, are in the folder `solutions`; try the exercises yourself first.
# - **Other places.** The lessons also run in VS Code and on Google Colab; README.md says how.

# %% [markdown]
# ## 5. The report, and a map of the course (2 minutes)
#
# The report *Image Deblurring using GAN* (Zhengdong Li, HKUST) trains two networks with 11,399,171 and 3,098,370 parameters against each other: a *generator*, which deblurs,
# and a *discriminator*, which judges the result. It states a mean PSNR of 29.3 dB and a mean SSIM of 0.72 for its deblurred photographs.
# Two such numbers mean little until you know which photographs, which blur and which way of computing are behind them. That is why this course rebuilds every part and measures it.
#
# **Predict, then open.** Compare the report's two numbers with the two that you got for the deblurred bridge. What is odd?
#
# <details><summary>Answer</summary>
#
# The bridge has about the same PSNR, but a clearly higher SSIM. Different photographs and a different blur may explain this, so it proves nothing yet.
# But the question is worth asking, and lesson 10 comes back to it.
#
# </details>

# %% [markdown]
# | Lesson | What you do |
# |---|---|
# | 00 Start here | deblur a photograph, and learn how the lessons work |
# | [01 The minimax game](01_minimax_game.ipynb) | derive what the two networks play for |
# | [02 How a photograph blurs](02_how_a_photograph_blurs.ipynb) | make camera blur, and undo it where it is known |
# | [03 Counting parameters](03_counting_parameters.ipynb) | count the parameters of every kind of layer |
# | [04 The generator](04_generator.ipynb) | build the network that deblurs, layer by layer, and check it against the report |
# | [05 The discriminator](05_discriminator.ipynb) | build the network that judges, and reach the report's 14.5 million parameters |
# | [06 Losses](06_losses.ipynb) | write down in formulas what training aims for |
# | [07 Training](07_training.ipynb) | train both networks against each other |
# | [08 Comparing epochs](08_comparing_epochs.ipynb) | see what training changes, and when to stop |
# | [09 Evaluation](09_evaluation.ipynb) | measure PSNR and SSIM so that others get the same numbers |
# | [10 Reading the report](10_reading_the_report.ipynb) | tell what the report shows from what it claims |

# %% [markdown]
# ## Recap
#
# - Run cells in order with Shift + Enter; move the sliders; predict before you run.
# - A network trained on one blur undoes that blur; on another it can do harm. One success is no proof.
# - $\text{PSNR} = 10 \log_{10}(255^2 / \text{MSE})$ in decibels. More is better, and it needs the sharp photograph.
# - A check says what your function returned, what is right, and where to look. No exercise stops the lesson.
#
# [Glossary](glossary.md) · [next: The minimax game →](01_minimax_game.ipynb)
