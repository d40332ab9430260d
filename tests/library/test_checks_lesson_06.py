"""Lesson 06: the stubs fail, the solutions pass, and wrong answers get a message that helps."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from answers import fails, passes, stub_fails
from scipy.stats import wasserstein_distance

from course_lib import diagrams, losses
from course_lib.backend import keras, tf
from course_lib.checks import CheckFailed, lesson_06

ops = keras.ops


def best_answer(candidates, probabilities):
    return np.tensordot(probabilities, candidates, axes=1)


def perceptual_loss(features, sharp, output, power=2, reduce=ops.mean, axis=(1, 2, 3)):
    return reduce(ops.abs(features(sharp) - features(output))**power, axis=axis)


def earth_mover(p, q, width):
    return width * np.abs(np.cumsum(p - q)).sum()


def best_critic(p, q, width):
    return np.concatenate([[0], np.cumsum(-width * np.sign(np.cumsum(p - q)[:-1]))])


def gradient_penalty(critic, real, fake, mix, target=1.0, power=2, root=True, at="between", reduce=tf.reduce_sum, whole=False):
    x = {"between": mix * real + (1 - mix) * fake, "swapped": (1 - mix) * real + mix * fake, "real": real, "fake": fake}[at]
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = critic(x)
    squares = tape.gradient(score, x)**2
    norm = reduce(squares, axis=None if whole else tuple(range(1, len(real.shape))))
    norm = tf.sqrt(norm) if root else norm
    return tf.abs(norm - target)**power


CHECKS = [(lesson_06.check_best_answer, best_answer), (lesson_06.check_perceptual_loss, perceptual_loss),
          (lesson_06.check_earth_mover, earth_mover), (lesson_06.check_best_critic, best_critic),
          (lesson_06.check_gradient_penalty, gradient_penalty)]
SEEDS = [0, 1, 61, 62, 63, 64, 65]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("check, answer", CHECKS)
def test_right_answer_passes(check, answer, seed, capsys):
    passes(check, answer, seed, capsys)


@pytest.mark.parametrize("check, answer", CHECKS)
def test_stub_fails(check, answer):
    stub_fails(check)
    with pytest.raises(CheckFailed, match="overwrite its name"):
        check(3)


def library_penalty(critic, real, fake, mix):
    """The course's own takes images; a point is an image of one pixel."""
    if len(real.shape) == 4:
        return losses.gradient_penalty(lambda x, training: critic(x), real, fake, mix)
    as_image = [x[:, None, None] for x in (real, fake, mix)]
    return losses.gradient_penalty(lambda x, training: critic(x[:, 0, 0]), *as_image)


def looped_best_answer(candidates, probabilities):
    total = 0
    for picture, probability in zip(candidates, probabilities):
        total = total + probability * picture
    return total


def shifted_critic(p, q, width):
    """Any constant may be added, and the slope where nothing crosses is free."""
    return list(7 + best_critic(p, q, width))


def test_other_right_answers_pass():
    lesson_06.check_best_answer(looped_best_answer)
    lesson_06.check_best_answer(lambda candidates, probabilities: np.average(candidates, axis=0, weights=probabilities))
    lesson_06.check_perceptual_loss(lambda features, sharp, output: tf.reduce_mean(tf.square(features(output) - features(sharp)), axis=[1, 2, 3]))
    lesson_06.check_earth_mover(lambda p, q, width: wasserstein_distance(np.arange(len(p)) * width, np.arange(len(q)) * width, p, q))
    lesson_06.check_best_critic(shifted_critic)
    lesson_06.check_gradient_penalty(library_penalty)
    lesson_06.check_perceptual_loss(lambda features, sharp, output: one_by_one(perceptual_loss, features, sharp, output))
    lesson_06.check_perceptual_loss(lambda *given: tuple(one_by_one(perceptual_loss, *given)))
    lesson_06.check_gradient_penalty(lambda *given: tuple(one_by_one(gradient_penalty, *given)))
    lesson_06.check_gradient_penalty(lambda *given: one_by_one(gradient_penalty, *given))


def one_by_one(loss, network, *batches):
    """A list with the loss of each example."""
    return [loss(network, *(batch[i:i + 1] for batch in batches))[0] for i in range(len(batches[0]))]


def in_numpy(features, sharp, output):
    return ((np.asarray(features(sharp)) - np.asarray(features(output)))**2).mean(axis=(1, 2, 3))


def penalty_in_numpy(critic, real, fake, mix):
    return gradient_penalty(critic, real, fake, mix).numpy()


def unwatched(critic, real, fake, mix):
    x = mix * real + (1 - mix) * fake
    with tf.GradientTape() as tape:
        score = critic(x)
    return tf.reduce_sum(tape.gradient(score, x)**2)


WRONG = [
    (lesson_06.check_best_answer, lambda c, p: c.mean(axis=0), "not equally probable"),
    (lesson_06.check_best_answer, lambda c, p: c[p.argmax()], "most probable"),
    (lesson_06.check_best_answer, lambda c, p: np.median(c, axis=0), "median"),
    (lesson_06.check_best_answer, lambda c, p: best_answer(c, p) / len(p), "sum, don't take a mean"),
    (lesson_06.check_best_answer, lambda c, p: best_answer(c, p).mean(), "shape"),
    (lesson_06.check_perceptual_loss, lambda *given: perceptual_loss(*given, axis=None), "one number for each image"),
    (lesson_06.check_perceptual_loss, lambda *given: perceptual_loss(*given, reduce=ops.sum), "not the sum"),
    (lesson_06.check_perceptual_loss, lambda *given: perceptual_loss(*given, power=1), "are squared"),
    (lesson_06.check_perceptual_loss, lambda *given: ops.sqrt(perceptual_loss(*given)), "no square root"),
    (lesson_06.check_perceptual_loss, lambda f, a, b: perceptual_loss(lambda x: x, a, b), "not the images"),
    (lesson_06.check_perceptual_loss, lambda *given: perceptual_loss(*given, axis=(1, 2)), "all three axes"),
    (lesson_06.check_best_answer, lambda c, p: c[p.argmin()], "how does each value's probability"),
    (lesson_06.check_perceptual_loss, lambda f, a, b: ops.mean(ops.square(f(a - b)), axis=(1, 2, 3)), "of the difference"),
    (lesson_06.check_perceptual_loss, lambda *given: perceptual_loss(*given, axis=0), "all axes but the first"),
    (lesson_06.check_perceptual_loss, in_numpy, "can't follow"),
    (lesson_06.check_earth_mover, lambda p, q, width: earth_mover(p, q, 1) / width, "don't divide"),
    (lesson_06.check_earth_mover, lambda p, q, width: width * np.sum(np.cumsum(p - q)**2), "without squares"),
    (lesson_06.check_earth_mover, lambda p, q, width: earth_mover(p, q, width) / 2, "1.75"),
    (lesson_06.check_earth_mover, lambda p, q, width: width * np.cumsum(p - q).sum(), "at each border"),
    (lesson_06.check_earth_mover, lambda p, q, width: width * np.abs(p - q).sum(), "add up from the left"),
    (lesson_06.check_earth_mover, lambda p, q, width: np.abs(np.cumsum(p - q)).sum(), "`width` long"),
    (lesson_06.check_earth_mover, lambda p, q, width: width * np.abs(np.cumsum(p - q)).mean(), "don't average"),
    (lesson_06.check_earth_mover, lambda p, q, width: width * abs((np.arange(len(p)) * (p - q)).sum()), "two means"),
    (lesson_06.check_best_critic, lambda *given: -best_critic(*given), "turn the sign"),
    (lesson_06.check_best_critic, lambda p, q, width: best_critic(p, q, 1), "slope|`width` long"),
    (lesson_06.check_best_critic, lambda *given: 2 * best_critic(*given), "the slope 2"),
    (lesson_06.check_best_critic, lambda p, q, width: np.zeros(len(p)), "equal"),
    (lesson_06.check_best_critic, lambda p, q, width: np.sign(p - q) * width / 2, "rise by"),
    (lesson_06.check_best_critic, lambda *given: best_critic(*given)[1:], "one border fewer"),
    (lesson_06.check_best_critic, lambda p, q, width: np.cumsum(width * np.sign(np.cumsum(q - p))), "one place late"),
    (lesson_06.check_best_critic, lambda p, q, width: width * np.sign(np.cumsum(q - p)), "the changes at the borders"),
    (lesson_06.check_best_critic, lambda p, q, width: np.append(0, np.cumsum(width * np.cumsum(q - p))[:-1]), "only in which direction"),
    (lesson_06.check_gradient_penalty, lambda *given: tf.reduce_mean(gradient_penalty(*given)), "don't average"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, root=False), "root"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, power=1), "square the difference"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, target=0), "subtract 1"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, target=0, power=1), "length"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, reduce=tf.reduce_mean), "not a mean"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, whole=True), "its own length"),
    (lesson_06.check_gradient_penalty, lambda c, r, f, m: gradient_penalty(c, f, r, m), "share of the real|length"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, at="real"), "not at the real"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, at="fake"), "not at the fake"),
    (lesson_06.check_gradient_penalty, unwatched, "stopped with"),
    (lesson_06.check_gradient_penalty, lambda *given: 10 * gradient_penalty(*given), "comes later"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given)[:, None], "keep none of them"),
    (lesson_06.check_gradient_penalty, lambda *given: gradient_penalty(*given, at="swapped") / 2, "as in section 9"),
    (lesson_06.check_gradient_penalty, lambda c, r, f, m: (m * r + (1 - m) * f), "all axes but the first"),
    (lesson_06.check_gradient_penalty, lambda c, *given: gradient_penalty(lambda x: tf.reduce_mean(c(x)), *given), "not that of their mean"),
    (lesson_06.check_gradient_penalty, lambda c, *given: tf.sqrt(gradient_penalty(c, *given, target=0)) - 1, "has a sign"),
    (lesson_06.check_gradient_penalty, lambda *given: tf.maximum(tf.sqrt(gradient_penalty(*given, target=0)) - 1, 0)**2, "below 1"),
    (lesson_06.check_best_critic, lambda p, q, width: (score for score in best_critic(p, q, width)), "gave generator"),
    (lesson_06.check_best_critic, lambda *given: (best_critic(*given), 1), "isn't one array"),
    (lesson_06.check_gradient_penalty, penalty_in_numpy, "can't follow"),
]


@pytest.mark.parametrize("seed", [0, 61, 64])
@pytest.mark.parametrize("check, answer, words", WRONG)
def test_wrong_answer_fails(check, answer, words, seed):
    fails(check, answer, words, seed)


def test_the_reference_is_scipys():
    """Carrying earth on a line is known to another library as well."""
    for p, q, width in lesson_06._piles(np.random.default_rng(3)):
        places = width * np.arange(len(p))
        assert np.isclose(lesson_06._earth_mover(p, q, width), wasserstein_distance(places, places, p, q))


def test_the_drawing_of_the_perceptual_loss_shows_shapes_and_number():
    features = np.zeros((2, 8, 6, 16), np.float32)
    features[1] = 50                                        # mean squared difference 2500
    figure = diagrams.perceptual_loss({"output": np.zeros((32, 24, 3), np.uint8), "sharp": np.full((32, 24, 3), 255, np.uint8)}, features)
    words = [text.get_text() for text in figure.axes[0].texts]
    plt.close(figure)
    assert words.count("32×24×3") == words.count("8×6×16") == 2
    assert {"output", "sharp"} <= set(words) and any(text.startswith("2,500\n") for text in words)
