"""Lesson 05: the stubs fail, the solutions pass, and wrong answers get a message that helps."""

import math
import operator
import random
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from answers import fails, passes, stub_fails

from course_lib import diagrams, figures, networks, report
from course_lib.backend import keras, tf
from course_lib.checks import lesson_05
from course_lib.parameters import output_size

layers = keras.layers


def sides(rows, size, shrink=output_size):
    result = []
    for row in rows:
        size = shrink(size, row.stride)
        result.append(size)
    return result


def patch(rows, index, padding=lambda row: (row.k - row.stride) // 2):
    first = last = index
    for row in reversed(rows):
        first = first * row.stride - padding(row)
        last = last * row.stride - padding(row) + row.k - 1
    return first, last


def hidden_units(remainder, size, channels, per_channel=4, last_bias=1, more=2):
    left = remainder - per_channel * sum(channels) - last_bias
    inputs = (size // 16) ** 2
    return left // (inputs + more) if left % (inputs + more) == 0 else None


def patch_critic(rows, size, first=False, last=False, dense=False, slope=0.2, padding="same", bn_first=True,
                 stop=None, strided=True, c_in=None, dropout=0, training=None, **settings):
    image = x = keras.Input((size, size, c_in or rows[0].c_in))
    for i, row in enumerate(rows[:stop]):
        x = layers.Conv2D(row.c_out, row.k, strides=row.stride if strided else 1, padding=padding)(x)
        end = i == len(rows) - 1
        normalise = [partial(layers.BatchNormalization(**settings), training=training)] if (i > 0 or first) and (not end or last) else []
        activate = [layers.LeakyReLU(slope), *[layers.Dropout(dropout)] * (dropout > 0)] if not end else []
        for layer in normalise + activate if bn_first else activate + normalise:
            x = layer(x)
    if dense:
        x = layers.Dense(1)(layers.Flatten()(x))
    return keras.Model(image, x)


CHECKS = [(lesson_05.check_sides, sides), (lesson_05.check_patch, patch),
          (lesson_05.check_hidden_units, hidden_units), (lesson_05.check_patch_critic, patch_critic)]
SEEDS = [0, 1, 51, 52, 53, 54]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("check, answer", CHECKS)
def test_right_answer_passes(check, answer, seed, capsys):
    passes(check, answer, seed, capsys)


@pytest.mark.parametrize("check, answer", CHECKS)
def test_stub_fails(check, answer):
    stub_fails(check)


def functional_critic(rows, size):
    """Another way to write it: Sequential, and ReLU with a negative slope."""
    parts = [keras.Input((size, size, rows[0].c_in))]
    for i, row in enumerate(rows):
        parts.append(layers.Conv2D(row.c_out, (row.k, row.k), (row.stride, row.stride), "same"))
        parts += [layers.BatchNormalization(momentum=0.9)] * (0 < i < len(rows) - 1)
        parts += [layers.ReLU(negative_slope=0.2)] * (i < len(rows) - 1)
    return keras.Sequential(parts)


def test_other_right_answers_pass():
    lesson_05.check_sides(lambda rows, size: np.array(sides(rows, size)))
    lesson_05.check_sides(lambda rows, size: [np.array(side) for side in sides(rows, size)])
    lesson_05.check_patch(lambda rows, index: np.array(patch(rows, index)))
    lesson_05.check_patch(lambda rows, index: list(patch(rows, index)))
    for form in (float, np.array, tf.constant, lambda n: np.array([n])):
        lesson_05.check_hidden_units(lambda *given, form=form: None if hidden_units(*given) is None else form(hidden_units(*given)))
    lesson_05.check_patch_critic(functional_critic)
    lesson_05.check_patch_critic(lambda rows, size: patch_critic(rows, size, epsilon=1e-5))


def rounded_units(remainder, size, channels):
    return round((remainder - 4 * sum(channels) - 1) / ((size // 16) ** 2 + 2))


def fraction_without_normalisation(remainder, size, channels):
    return (remainder - 1) / ((size // 16) ** 2 + 2)


def only_first_dense(remainder, size, channels):
    return (remainder - 4 * sum(channels)) / ((size // 16) ** 2 + 1)


def wrong_critic(**mistake):
    return lambda rows, size: patch_critic(rows, size, **mistake)


WRONG = [
    (lesson_05.check_sides, partial(sides, shrink=operator.floordiv), "rounded up"),
    (lesson_05.check_sides, lambda rows, size: [np.array([side, side]) for side in sides(rows, size)], r"gave \[\["),
    (lesson_05.check_hidden_units, lambda remainder, size, channels: np.array([1, 2]), r"gave \[1, 2\]"),
    (lesson_05.check_sides, partial(sides, shrink=lambda size, stride: round(size / stride)), "not to the nearest"),
    (lesson_05.check_sides, lambda rows, size: [(side - row.k) // 2 + 1 for side, row in zip([size, *sides(rows, size)], rows)], "K does not matter"),
    (lesson_05.check_sides, lambda rows, size: [size, *sides(rows, size)], "leave out the photograph"),
    (lesson_05.check_sides, lambda rows, size: [output_size(size, row.stride) for row in rows], "output of the one before"),
    (lesson_05.check_sides, lambda rows, size: sides(rows, size)[-1], "not only the last"),
    (lesson_05.check_sides, lambda rows, size: [128, 64, 32, 16, 16, 16], "divide by each row's stride"),
    (lesson_05.check_patch, lambda rows, index: patch(rows[::-1], index), "from the last row"),
    (lesson_05.check_patch, lambda rows, index: patch(rows, index, lambda row: 0), "zeros before"),
    (lesson_05.check_patch, lambda rows, index: patch(rows, index, lambda row: (row.k - 1) // 2), "stride counts|Round|round"),
    (lesson_05.check_patch, lambda rows, index: patch(rows, index, lambda row: (row.k - row.stride) / 2), "i·S"),
    (lesson_05.check_patch, lambda rows, index: (patch(rows, index)[0], patch(rows, index)[1] + 1), "ends at"),
    (lesson_05.check_patch, lambda rows, index: (max(0, patch(rows, index)[0]), patch(rows, index)[1]), "as they are"),
    (lesson_05.check_patch, lambda rows, index: patch(rows, index)[::-1], "in this order"),
    (lesson_05.check_patch, lambda rows, index: patch(rows, index)[0], "pair"),
    (lesson_05.check_patch, lambda rows, index: list(range(patch(rows, index)[0], patch(rows, index)[1] + 1)), "gave 4 numbers, not the pair"),
    (lesson_05.check_patch, lambda rows, index: (65, 206), "i·S"),
    (lesson_05.check_hidden_units, rounded_units, "return None"),
    (lesson_05.check_hidden_units, fraction_without_normalisation, "normalisations off"),
    (lesson_05.check_hidden_units, only_first_dense, "second dense layer"),
    (lesson_05.check_hidden_units, lambda *given: hidden_units(*given, per_channel=2), "solve for n"),
    (lesson_05.check_hidden_units, lambda *given: hidden_units(*given, last_bias=0), "solve for n"),
    (lesson_05.check_hidden_units, lambda *given: 1024, "return None"),
    (lesson_05.check_patch_critic, wrong_critic(first=True), "the first convolution has none"),
    (lesson_05.check_patch_critic, wrong_critic(last=True), "the last convolution has none"),
    (lesson_05.check_patch_critic, wrong_critic(slope=0.3), "0.3"),
    (lesson_05.check_patch_critic, wrong_critic(slope=0.0), "ReLU, or a slope of 0"),
    (lesson_05.check_patch_critic, wrong_critic(slope=1.0), "no activation"),
    (lesson_05.check_patch_critic, wrong_critic(bn_first=False), "before LeakyReLU"),
    (lesson_05.check_patch_critic, wrong_critic(dense=True), "dense layer"),
    (lesson_05.check_patch_critic, wrong_critic(stop=-1), "of the . convolutions"),
    (lesson_05.check_patch_critic, wrong_critic(strided=False), "stride is 1"),
    (lesson_05.check_patch_critic, wrong_critic(padding="valid"), "'same'|stopped"),
    (lesson_05.check_patch_critic, wrong_critic(center=False), "parameters"),
    (lesson_05.check_patch_critic, wrong_critic(dropout=0.3), "in training they do something else"),
    (lesson_05.check_patch_critic, wrong_critic(training=True), "leave out `training=True`"),
    (lesson_05.check_patch_critic, lambda rows, size: patch_critic(rows, None), "your model takes .*None, None, None"),
    (lesson_05.check_patch_critic, wrong_critic(c_in=3), "C_in is 3"),
    (lesson_05.check_patch_critic, lambda rows, size: patch_critic(report.TABLE_3.rows, size), "row 1"),
    (lesson_05.check_patch_critic, lambda rows, size: networks.discriminator(), "row 1"),
    (lesson_05.check_patch_critic, lambda rows, size: patch_critic(rows, size).layers, "not a keras.Model"),
]


@pytest.mark.parametrize("seed", [0, 51, 54])
@pytest.mark.parametrize("check, answer, words", WRONG)
def test_wrong_answer_fails(check, answer, words, seed):
    fails(check, answer, words, seed)


def test_keras_warning_about_a_list_of_one_input_is_unheard(recwarn):
    """Text on stderr would cost the points of a right answer."""
    def answer(rows, size):
        model = patch_critic(rows, size)
        return keras.Model([model.input], model.output)

    lesson_05.check_patch_critic(answer)
    assert not [warning for warning in recwarn if "structure" in str(warning.message)]


@pytest.mark.parametrize("rows", [report.TABLE_3.rows[:4], lesson_05._stack(random.Random(3), 3)], ids=["Table 3", "random"])
def test_the_patches_are_those_of_a_real_network(rows):
    """The reference itself: an output depends on the pixels of its patch, and on none beside it."""
    size, index = 12 * math.prod(row.stride for row in rows), 5
    image = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, size, size, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        output = tf.reduce_sum(lesson_05._reference(rows, size)(image)[0, index, index])
    depends = np.flatnonzero(np.any(tape.gradient(output, image)[0], axis=(0, 2)))
    first, last = lesson_05._patch(rows, index)
    assert first >= 0 and last < size
    assert depends.tolist() == list(range(first, last + 1))


def test_the_diagram_reads_the_models():
    """Other models, other numbers; every text lies inside the figure."""
    generator, discriminator = networks.generator(width=8, blocks=2), networks.discriminator(size=64, width=8)
    figure = figures.gan_diagram(generator, discriminator)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert any(f"{generator.count_params():,} parameters\n10 convolutions" in text for text in texts)
    assert any(f"{discriminator.count_params():,} parameters\n6 convolutions, 2 dense layers" in text for text in texts)
    assert sum("64 × 64 × 3" in text for text in texts) == 3
    assert "noise" not in " ".join(texts)
    height, width, _ = figures.pixels(figure).shape
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text.get_text()


def test_the_drawing_of_the_dense_layers_counts_like_keras():
    discriminator = networks.discriminator()
    first, last = discriminator.layers[-2:]
    figure = diagrams.dense_head(16, first.units)
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    plt.close(figure)
    assert f"= {first.count_params():,} parameters" in words and f"= {last.count_params():,} parameters" in words
    assert "16×16×1" in words and "256 numbers" in words and "1,024 numbers" in words
