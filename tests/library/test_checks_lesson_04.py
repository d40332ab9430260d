"""Lesson 04: the stubs fail, the solutions pass, and wrong answers get a message that helps."""

from functools import partial

import numpy as np
import pytest
from answers import passes, stub_fails

from course_lib import networks, parameters
from course_lib.backend import keras
from course_lib.checks import CheckFailed, lesson_04

layers = keras.layers


# ---------------------------------------------------------------- right answers

def stage_shapes(height, width):
    shapes = [(height, width, 64)]
    for factor, channels in ((0.5, 128), (0.5, 256), (1, 256), (2, 128), (2, 64), (1, 3)):
        shapes.append((int(shapes[-1][0] * factor), int(shapes[-1][1] * factor), channels))
    return shapes


def residual_block(x):
    return lesson_04._block(x)


def normalisation_parameters(width, blocks):
    return parameters.batch_normalisation(10 * width + 2 * blocks * 4 * width)


def receptive_field(stack, halved=lambda n: n // 2 + 1):
    n = 1
    for k, stride, enlarge in reversed(stack):
        n = (n - 1) * stride + k
        n = halved(n) if enlarge == 2 else n
    return n


def conv_norm_relu(x, channels, k, stride=1):
    return layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(channels, k, stride, padding="same")(x)))


def build_generator(rows, block=networks.residual_block, double=lambda x: layers.UpSampling2D(2)(x), stage=conv_norm_relu,
                    end=lambda x, y: keras.ops.clip(x + keras.ops.tanh(y), -1, 1)):
    blurred = x = keras.Input((None, None, 3))
    i = 0
    while i < len(rows) - 1:
        k, stride, c_in, c_out = rows[i]
        if c_in == c_out:
            x, i = block(x), i + 2
        else:
            x, i = stage(double(x) if c_out < c_in else x, c_out, k, stride), i + 1
    y = layers.Conv2D(3, 7, padding="same")(x)
    return keras.Model(blurred, end(blurred, y))


CHECKS = [(lesson_04.check_shapes, stage_shapes), (lesson_04.check_residual_block, residual_block),
          (lesson_04.check_normalisation, normalisation_parameters), (lesson_04.check_receptive_field, receptive_field),
          (lesson_04.check_generator, build_generator)]


def test_what_is_not_written_is_named_even_where_another_function_calls_it():
    names = {"keras": keras, "networks": networks}
    exec("def residual_block(x):\n    raise NotImplementedError('call the layers')\n"
         "def build_generator(rows):\n    return residual_block(keras.Input((8, 8, 4)))", names)
    with pytest.raises(CheckFailed, match="^`residual_block` is not written yet: call the layers.$"):
        lesson_04.check_generator(names["build_generator"])


@pytest.mark.parametrize("seed", [0, 44])
@pytest.mark.parametrize("check, answer", CHECKS)
def test_right_answer_passes(check, answer, seed, capsys):
    passes(check, answer, seed, capsys)


@pytest.mark.parametrize("check, answer", CHECKS)
def test_stub_fails(check, answer):
    stub_fails(check, "does it end in `return`")


# ---------------------------------------------------------------- what the checks hold to be right

def test_shapes_and_counts_are_those_of_the_network():
    model = networks.generator(width=64, blocks=9)
    outputs = keras.Model(model.input, [layer.output for layer in model.layers if layer.name == "conv2d" or "re_lu" in layer.name
                                        or isinstance(layer, (layers.Add, layers.Conv2D))])
    produced = {tuple(shape[1:]) for shape in outputs.compute_output_shape((None, 40, 60, 3))}
    assert produced == set(lesson_04.shapes(40, 60))
    for width, blocks in ((64, 9), (5, 2)):
        model = networks.generator(width=width, blocks=blocks)
        counted = sum(layer.count_params() for layer in model.layers if isinstance(layer, layers.BatchNormalization))
        assert counted == normalisation_parameters(width, blocks)


@pytest.mark.parametrize("stack", [[(3, 1, 1)], [(3, 2, 1), (3, 1, 2)], [(3, 1, 1), (3, 2, 1), (5, 1, 1), (3, 1, 2)],
                                   [(5, 2, 1), (3, 1, 2), (1, 1, 2), (3, 2, 1)]])
def test_receptive_field_by_changing_pixels(stack):
    """On a network with positive weights nothing cancels: a pixel matters if changing it changes the output."""
    x = inputs = keras.Input((64, 64, 1))
    for k, stride, enlarge in stack:
        x = layers.UpSampling2D(2)(x) if enlarge == 2 else x
        x = layers.Conv2D(1, k, stride, padding="same", kernel_initializer="ones")(x)
    changed = np.zeros((64, 64, 64, 1), np.float32)             # one image for each column, lit in that column
    changed[np.arange(64), :, np.arange(64)] = 1
    lit = keras.Model(inputs, x)(changed).numpy()[..., 0] > 0   # (column, height, width)
    middle = lit.shape[1] // 2
    widths = [lit[:, middle, middle + shift].sum() for shift in (0, 1)]
    assert max(widths) == parameters.receptive_field(stack)


# ---------------------------------------------------------------- wrong answers, and the words they get

def swapped(height, width):
    return [(w, h, c) for h, w, c in stage_shapes(height, width)]


def blocks_enlarge(height, width):
    shapes = stage_shapes(height, width)
    return [*shapes[:3], (height // 2, width // 2, 256), *shapes[4:]]


def wrong_channels(height, width):
    return [*stage_shapes(height, width)[:4], (height // 2, width // 2, 256), (height, width, 128), (height, width, 3)]


@pytest.mark.parametrize("answer, words", [
    (swapped, "height comes first"),
    (blocks_enlarge, "adds its input to its result, so both have the same shape"),
    (wrong_channels, "how many channels"),
    (lambda h, w: stage_shapes(h, w)[:-1], "6 entries; there are 7 stages"),
    (lambda h, w: stage_shapes(256, 256), "height and width"),
    (lambda h, w: [h, w, 64], "not a list of"),
    (lambda h, w: [(a + 0.5, b + 0.5, c) if i == 1 else (a, b, c) for i, (a, b, c) in enumerate(stage_shapes(h, w))], "128.5"),
    (lambda h, w: [("a", "b", "c")] * 7, "not a list of"),
    (lambda h, w: [(1, *shape) for shape in stage_shapes(h, w)], "three numbers, without"),
    (lambda h, w: [(h - 6, w - 6, 64), *stage_shapes(h, w)[1:]], "its stride is 1"),
])
def test_shapes_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_04.check_shapes(answer)


def block_with(mistake):
    return lambda x: lesson_04._block(x, mistake)


def one_convolution(x):
    return layers.Add()([x, layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(x.shape[-1], 3, padding="same")(x)))])


def fixed_channels(x):
    y = conv_norm_relu(x, 256, 3)
    return layers.BatchNormalization()(layers.Conv2D(256, 3, padding="same")(y))


def no_normalisation(x):
    y = layers.ReLU()(layers.Conv2D(x.shape[-1], 3, padding="same")(x))
    return layers.Add()([x, layers.Conv2D(x.shape[-1], 3, padding="same")(y)])


def valid_padding(x):
    y = layers.Conv2D(x.shape[-1], 3)(x)
    return layers.Conv2D(x.shape[-1], 3)(layers.ReLU()(layers.BatchNormalization()(y)))


def activation_inside(x):
    y = layers.BatchNormalization()(layers.Conv2D(x.shape[-1], 3, padding="same", activation="relu")(x))
    return layers.Add()([x, layers.BatchNormalization()(layers.Conv2D(x.shape[-1], 3, padding="same")(y))])


def block_set(x, training=None, **settings):
    """The block with other settings of its batch normalisations."""
    y = layers.Conv2D(x.shape[-1], 3, padding="same")(x)
    y = layers.ReLU()(layers.BatchNormalization(**settings)(y, training=training))
    return x + layers.BatchNormalization(**settings)(layers.Conv2D(x.shape[-1], 3, padding="same")(y), training=training)


def always_in_training(x):
    return block_set(x, training=True)


class Block(layers.Layer):
    """The block as a class of layers, right in itself."""

    def build(self, shape):
        self.steps = [step for _ in range(2) for step in (layers.Conv2D(shape[-1], 3, padding="same"), layers.BatchNormalization(), layers.ReLU())][:-1]

    def call(self, x):
        y = x
        for step in self.steps:
            y = step(y)
        return x + y


def adds_middle(x):
    y = conv_norm_relu(x, x.shape[-1], 3)
    return layers.Add()([y, layers.BatchNormalization()(layers.Conv2D(x.shape[-1], 3, padding="same")(y))])


@pytest.mark.parametrize("answer, words", [
    *[(block_with(mistake), words.split(".")[0].replace("?", r"\?")) for mistake, words in lesson_04.MISTAKES.items()],
    (one_convolution, "has 1 convolutions; it should have 2"),
    (fixed_channels, r"take the number from x.shape\[-1\]"),
    (no_normalisation, "0 batch normalisations"),
    (valid_padding, "padding 'valid'"),
    (activation_inside, "the ReLU comes after the batch normalisation"),
    (adds_middle, "from left to right"),
    (lambda x: layers.Add(), "does it call its layers on x"),
    (lambda x: layers.Dropout(0.3)(residual_block(x)), "in training they do something else"),
    (always_in_training, "leave out `training=True`"),
    (lambda x: Block()(x), "holds a layer of your own, Block"),
    (lambda x: layers.Concatenate()([x, block_with("add")(x)]), "8 channels into 16: layers.Add adds"),
    (lambda x: residual_block(keras.Input((12, 16, 8))), "does not come from x alone"),
    (lambda x: block_set(x, scale=False), "weights of other shapes"),
    (lambda x: block_set(x, axis=1), "weights of other shapes"),
    (42, "a function is needed here"),
    (lambda x: layers.Conv2D(8, 3)(undefined), "stopped with NameError"),      # noqa: F821
])
def test_residual_block_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_04.check_residual_block(answer)


def test_residual_block_accepts_a_plus_sign_and_another_epsilon(capsys):
    lesson_04.check_residual_block(lambda x: x + block_with("add")(x))
    lesson_04.check_residual_block(lambda x: block_set(x, epsilon=1e-5, momentum=0.8))
    assert "Correct" in capsys.readouterr().out


@pytest.mark.parametrize("answer, words", [
    (lambda w, b: 20_992, "source|a network of this size"),
    (lambda w, b: 4 * (10 * w + 8 * w * b + 3), "the last convolution is not followed"),
    (lambda w, b: 2 * (10 * w + 8 * w * b), "four numbers for each channel"),
    (lambda w, b: 4 * (10 * w + 4 * w * b), "a block has two"),
    (lambda w, b: 4 * 8 * w * b, "outside the blocks"),
    (lambda w, b: 4 * (10 * w + 512 * b), "not 256, when the width changes"),
    (lambda w, b: 4 * (10 * w + 8 * w * 9), "the number of blocks is an argument"),
])
def test_normalisation_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_04.check_normalisation(answer)


@pytest.mark.parametrize("mistake, words", [
    ({"forwards": True}, "start with the last convolution"),
    ({"times_k": True}, "their windows overlap"),
    ({"use_stride": False}, "two pixels apart"),
    ({"use_enlarge": False}, "come from the same pixel"),
    ({"more": 0}, r"n // 2 \+ 1"),
    ({"first": 0}, "one output sees k pixels"),
    ({"enlarge_first": True}, "on the way back it comes after"),
])
def test_receptive_field_wrong(mistake, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_04.check_receptive_field(lambda stack: lesson_04._walk(stack, **mistake))


@pytest.mark.parametrize("answer, words", [
    (lambda stack: receptive_field(stack) ** 2, "only one side"),
    (lambda stack: receptive_field(stack) // 2, "not the radius"),
    (lambda stack: 169, "gave 169"),
    (partial(receptive_field, halved=lambda n: -(-n // 2)), r"n // 2 \+ 1"),
    (lambda stack: receptive_field([(k, stride, 1) for k, stride, enlarge in stack]) // max(row[2] for row in stack) + 1, "only where enlarge is 2"),
    (partial(receptive_field, halved=lambda n: (n + 1) // 2 + 1), "start with n = 1"),                  # and not "walk towards the input", which it does
])
def test_receptive_field_wrong_result(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_04.check_receptive_field(answer)


def no_norm(x, channels, k, stride=1):
    return layers.ReLU()(layers.Conv2D(channels, k, stride, padding="same")(x))


def no_relu(x, channels, k, stride=1):
    return layers.BatchNormalization()(layers.Conv2D(channels, k, stride, padding="same")(x))


def generator_with(**changes):
    def build_generator_wrong(rows):
        return build_generator(rows, **changes)
    return build_generator_wrong


def report_only(rows):
    return networks.generator()


@pytest.mark.parametrize("answer, words", [
    (generator_with(stage=no_norm), "are missing, outside the convolutions"),
    (generator_with(stage=no_relu), "into the convolution of row 2 go other numbers"),
    (generator_with(double=lambda x: x), "the image is doubled"),
    (generator_with(double=lambda x: layers.UpSampling2D(2, interpolation="bilinear")(x)), "repeating pixels"),
    (generator_with(block=block_with("add")), "the addition of its own input"),
    (generator_with(block=block_with("after")), "without another ReLU"),
    (generator_with(block=block_with("inner")), "between the two convolutions of a block"),
    (generator_with(end=lambda x, y: layers.Average()([x, keras.ops.tanh(y)])), "not the mean of both"),
    (generator_with(end=lambda x, y: keras.ops.tanh(y)), "is the blurred input added"),
    (generator_with(end=lambda x, y: x + keras.ops.tanh(y)), "clip the sum"),
    (generator_with(end=lambda x, y: keras.ops.tanh(x + y)), "belongs to the last convolution alone"),
    (generator_with(end=lambda x, y: keras.ops.clip(x + y, -1, 1)), "goes through a tanh"),
    (lambda rows: build_generator(rows[:3] + rows[5:]), "missing"),
    (lambda rows: build_generator(rows)(np.zeros((1, 8, 8, 3), np.float32)), "not a keras.Model"),
    (report_only, "has 24 convolutions, from row 1 on .*do all numbers come from the rows"),
    (lambda rows: networks.generator(width=rows[0][3]), "has 24 convolutions, from row 8 on .* 10 rows"),
    (lambda rows: networks.generator() if rows[0][3] == 64 else None, "every way through it"),
    (generator_with(block=lambda x: layers.Dropout(0.5)(networks.residual_block(x))), "in training they do something else"),
    (generator_with(block=always_in_training), "leave out `training=True`"),
    (generator_with(block=lambda x: Block()(x)), "holds a layer of your own, Block"),
    (generator_with(block=lambda x: layers.Add()([x, keras.Sequential([layers.Conv2D(x.shape[-1], 3, padding="same"), layers.BatchNormalization(),
     layers.ReLU(), layers.Conv2D(x.shape[-1], 3, padding="same"), layers.BatchNormalization()])(x)])), "call its layers one by one"),
])
def test_generator_wrong(answer, words):
    with pytest.raises(CheckFailed, match=words):
        lesson_04.check_generator(answer)
