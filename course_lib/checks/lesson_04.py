"""Checks of lesson 04, The generator.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import random

import numpy as np

from course_lib import networks
from course_lib.backend import keras
from course_lib.checks import call, compare_model, compare_number, fail, flat, passed, quiet, same_in_training
from course_lib.parameters import receptive_field
from course_lib.report import TABLE_2

layers = keras.layers

STAGES = ("the first convolution", "the first down stage", "the second down stage", "the nine residual blocks",
          "the first up stage", "the second up stage", "the last convolution")


def shapes(height: int, width: int) -> list[tuple[int, int, int]]:
    """Height, width and channels after each of STAGES, for sides that are multiples of 4."""
    half, quarter = (height // 2, width // 2), (height // 4, width // 4)
    return [(height, width, 64), (*half, 128), (*quarter, 256), (*quarter, 256), (*half, 128), (height, width, 64), (height, width, 3)]


def check_shapes(stage_shapes, seed: int = 0) -> None:
    """The training size, a frame of the GoPro data, and a random size."""
    rng = random.Random(seed)
    for height, width in ((256, 256), (720, 1280), (4 * rng.randint(20, 60), 4 * rng.randint(61, 99))):
        given = call(stage_shapes, height, width)
        shown = f"your `stage_shapes({height}, {width})`"
        try:
            rows = [tuple(int(number) if int(number) == number else float(number) for number in row) for row in given]
        except (TypeError, ValueError):
            fail(f"{shown} gave {given!r}, not a list of (height, width, channels)"
                 + (": does it end in `return`?" if given is None else "."))
        if len(rows) != len(STAGES):
            fail(f"{shown} has {len(rows)} entries; there are {len(STAGES)} stages, from the first convolution to the last.")
        for row, expected, stage in zip(rows, shapes(height, width), STAGES):
            if row != expected:
                fail(f"{shown} gives {row} after {stage}; it is {expected}: {_shape_hint(row, expected, stage)}")
    passed("your seven shapes are right for three sizes of image.")


def _shape_hint(row: tuple, expected: tuple, stage: str) -> str:
    height, width, channels = expected
    if row == (width, height, channels):
        return "height comes first, then width."
    if len(row) == 4:
        return "three numbers, without that of the images in a batch."
    if row[-1:] != (channels,):
        return "how many channels does the picture of section 1 write under this stage?"
    if "residual" in stage:
        return "a residual block adds its input to its result, so both have the same shape."
    if "convolution" in stage:
        return "its stride is 1, so with 'same' padding it keeps height and width."
    return "a stride of 2 halves height and width, each on its own; an up stage doubles both."


# ---------------------------------------------------------------- the residual block

MISTAKES = {    # what a block may do wrong, and the words for it
    "add": "is the block's input added to the result?",
    "inner": "between the two convolutions there is a ReLU, after the batch normalisation.",
    "before": "there is no ReLU between the second batch normalisation and the addition.",
    "after": "there is no ReLU after the addition.",
    "early": "batch normalisation comes directly after each convolution, before the ReLU.",
}


def _block(x, mistake: str = ""):
    """A residual block on a Keras tensor, right or with one of MISTAKES."""
    channels = x.shape[-1]
    y = layers.Conv2D(channels, 3, padding="same")(x)
    if mistake == "early":
        y = layers.BatchNormalization()(layers.ReLU()(y))
    elif mistake == "inner":
        y = layers.BatchNormalization()(y)
    else:
        y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(channels, 3, padding="same")(y))
    if mistake == "before":
        y = layers.ReLU()(y)
    if mistake != "add":
        y = layers.Add()([x, y])
    return layers.ReLU()(y) if mistake == "after" else y


def _of_kind(model, kind: str) -> list:
    return [layer for layer in model.layers if type(layer).__name__ == kind]


def _randomise(model, rng: np.random.Generator) -> None:
    """Weights under which every layer matters: no zero bias, no batch normalisation that does nothing."""
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            shape = layer.gamma.shape
            layer.set_weights([rng.uniform(0.5, 1.5, shape), rng.normal(0, 0.3, shape),
                               rng.normal(0, 0.3, shape), rng.uniform(0.5, 2, shape)])
        elif layer.weights:
            fan_in = np.prod(layer.kernel.shape[:-1])
            layer.set_weights([rng.normal(0, fan_in**-0.5, layer.kernel.shape), rng.normal(0, 0.3, layer.bias.shape)])


def _copy_weights(source, target) -> None:
    """Weights from layer to layer, convolutions and batch normalisations each in their own order, and the latter's epsilon."""
    for kind in ("Conv2D", "BatchNormalization"):
        for one, other in zip(_of_kind(source, kind), _of_kind(target, kind)):
            if [w.shape for w in one.weights] != [w.shape for w in other.weights]:
                fail(f"your {other.name} has weights of other shapes than Keras' own {kind}: "
                     "leave its settings (groups, axis, scale, center, …) as they are.")
            other.set_weights(one.get_weights())
            if kind == "BatchNormalization":
                other.epsilon = one.epsilon


def _run(model, image: np.ndarray):
    """What a model returns for an image as it is used; Keras' warnings unheard."""
    with quiet():
        return model(image, training=False)


def _difference(one, other) -> float:
    """The largest difference of two outputs, or infinity for different shapes."""
    return float(np.abs(one - other).max()) if one.shape == other.shape else np.inf


def check_residual_block(residual_block, seed: int = 0) -> None:
    """Layers, shape, and the block's own numbers under random weights, for three numbers of channels."""
    rng = np.random.default_rng(seed)
    for channels in (8, 3, int(rng.integers(4, 20))):
        x = keras.Input((12, 16, channels))

        def build():
            return residual_block(x)

        build.__name__ = "residual_block"
        y = call(build if callable(residual_block) else residual_block)
        if not isinstance(y, keras.KerasTensor):
            fail(f"your `residual_block(x)` gave {type(y).__name__} instead of a Keras tensor"
                 + (": does it end in `return`?" if y is None else ": does it call its layers on x?"))
        try:
            model = keras.Model(x, y)
        except ValueError:
            fail("your `residual_block(x)` returns a tensor that does not come from x alone: does it use another tensor of the notebook?")
        _right_layers(model, channels)
        if y.shape[-1] != x.shape[-1]:
            fail(f"your block turns {x.shape[-1]} channels into {y.shape[-1]}: layers.Add adds, other layers put channels side by side.")
        if y.shape != x.shape:
            fail(f"your block turns the shape {x.shape[1:]} into {y.shape[1:]}; it should stay as it is: "
                 'are stride and padding those of a convolution that keeps the size, 1 and "same"?')
        _right_numbers(model, x, rng)
    passed("your block has the right layers in the right order, for three numbers of channels.")


def _right_layers(model, channels: int) -> None:
    flat(model)
    convolutions = _of_kind(model, "Conv2D")
    normalisations = _of_kind(model, "BatchNormalization")
    if len(convolutions) != 2:
        fail(f"your block has {len(convolutions)} convolutions; it should have 2 (is each called on what came before it?).")
    for layer in convolutions:
        if layer.kernel_size != (3, 3) or layer.strides != (1, 1) or layer.padding != "same":
            fail(f"a convolution of your block has kernel {layer.kernel_size}, strides {layer.strides} and padding "
                 f"{layer.padding!r}; it should have (3, 3), (1, 1) and 'same'.")
        if layer.filters != channels:
            fail(f"for an input with {channels} channels your block's convolution puts out {layer.filters}; it should "
                 f"put out {channels}: take the number from x.shape[-1].")
        if not layer.use_bias:
            fail("a convolution of your block has no bias; equation (2) counts one for each output channel.")
        if layer.activation.__name__ != "linear":
            fail("a convolution of your block has an activation; the ReLU comes after the batch normalisation, as a layer.")
    if len(normalisations) != 2:
        fail(f"your block has {len(normalisations)} batch normalisations; it should have 2, one after each convolution.")


def _right_numbers(model, x, rng: np.random.Generator) -> None:
    """The student's block against the right one, and against the usual mistakes, with the same weights."""
    reference = keras.Model(x, _block(x))
    _randomise(reference, rng)
    _copy_weights(reference, model)
    image = rng.normal(size=(1, *x.shape[1:])).astype(np.float32)
    given = _run(model, image).numpy()
    if _difference(given, _run(reference, image).numpy()) < 1e-4:
        return same_in_training(model, reference, image)
    for mistake, words in MISTAKES.items():
        wrong = keras.Model(x, _block(x, mistake))
        _copy_weights(reference, wrong)
        if _difference(given, _run(wrong, image).numpy()) < 1e-4:
            fail(f"your block has the right layers, but computes something else: {words}")
    fail("your block has the right convolutions and batch normalisations, but computes something else: "
         "compare it with the picture, from left to right. The addition joins the block's input and its last layer.")


# ---------------------------------------------------------------- counting, seeing

def check_normalisation(normalisation_parameters, seed: int = 0) -> None:
    """4 numbers for each channel of 23 layers in the report's network; other widths, other numbers of blocks."""
    rng = random.Random(seed)
    for width, blocks in ((64, 9), (16, 9), (64, 0), (rng.randint(5, 40), rng.randint(2, 14))):
        outside, inside = 10 * width, 8 * width * blocks         # channels that are normalised
        mistakes = {
            4 * (outside + inside + 3): "the last convolution is not followed by a batch normalisation.",
            2 * (outside + inside): "Keras counts four numbers for each channel, two of them not trained.",
            outside + inside: "each channel takes four numbers.",
            4 * (outside + inside // 2): "a block has two batch normalisations.",
            4 * inside: "the stages outside the blocks have batch normalisation, too.",
            4 * (outside - width + inside): "there are five stages outside the blocks: does the sum have all of them?",
            4 * (outside + 8 * 64 * blocks): "the blocks have 4 × width channels, not 256, when the width changes.",
            4 * (10 * 64 + inside): "all numbers of channels follow the width.",
            4 * (outside + 8 * width * 9): "the number of blocks is an argument, too.",
        }
        expected = 4 * (outside + inside)
        mistakes.pop(expected, None)
        compare_number(normalisation_parameters, width, blocks, expected=expected, source="a network of this size in Keras",
                       hint=lambda given: mistakes.get(given) or "list the channels of every stage that is followed by batch normalisation.")
    passed("that is 20,992 for the report's generator, and right for other widths and numbers of blocks.")


GENERATOR_STACK = [(row.k, row.stride, 2 if row.name in ("conv2d_21", "conv2d_22") else 1) for row in TABLE_2.rows]


def check_receptive_field(seen, seed: int = 0) -> None:
    """Single layers first, so that the first failure points at one idea; then the generator and random stacks."""
    rng = random.Random(seed)
    stack = [(rng.choice((1, 3, 5)), rng.choice((1, 1, 2)), rng.choice((1, 1, 2))) for _ in range(6)]
    cases = [[(7, 1, 1)], [(3, 1, 1), (3, 1, 1)], [(3, 1, 1), (3, 2, 1)], [(3, 2, 1), (3, 1, 1)], [(5, 1, 2), (3, 1, 1)], [(3, 1, 2)],
             [(4, 1, 2)], [(3, 1, 1), (3, 1, 2)], [(4, 2, 1), (4, 2, 1), (3, 1, 2), (3, 1, 1)], GENERATOR_STACK, stack]
    walks = [({"times_k": True}, "n neighbours see (n − 1) × stride + k pixels, because their windows overlap."),
             ({"first": 0}, "one output sees k pixels, n of them (n − 1) × stride more; and only where enlarge is 2 is n halved, to n // 2 + 1."),
             ({"use_stride": False}, "with a stride of 2, neighbouring outputs look at windows two pixels apart."),
             ({"use_enlarge": False}, "after a doubling, two neighbours come from the same pixel."),
             ({"forwards": True}, "start with the last convolution and walk towards the input."),
             ({"more": 0}, "n neighbours in a doubled image come from up to n // 2 + 1 pixels, not from n // 2."),
             ({"more": 0.5}, "n neighbours in a doubled image come from up to n // 2 + 1 pixels: also an even n."),
             ({"enlarge_first": True}, "enlarge happens before the convolution, so on the way back it comes after it.")]
    for stack in cases:
        expected = receptive_field(stack)
        mistakes = [(_walk(stack, **mistake), words) for mistake, words in walks]
        mistakes += [(expected**2, "only one side of the square is asked for."), (expected // 2, "the whole side is asked for, not the radius.")]
        shown = "the generator" if stack is GENERATOR_STACK else stack if len(stack) < 5 else f"these {len(stack)} layers"
        compare_number(seen, stack, expected=expected, source=f"walking backwards through {shown}",
                       hint=lambda given: next((words for number, words in mistakes if number == given),
                                               "start with n = 1 and the last layer; print n at every step."))
        walks = [walk for walk in walks if _walk(stack, **walk[0]) == expected]         # the others would have failed here
    passed(f"the generator's output pixel sees {receptive_field(GENERATOR_STACK)}×{receptive_field(GENERATOR_STACK)} pixels.")


def _walk(stack, forwards=False, times_k=False, first=1, use_stride=True, use_enlarge=True, more=1, enlarge_first=False) -> int:
    """`receptive_field` with a mistake built in."""
    n = 1
    for k, stride, enlarge in stack if forwards else reversed(stack):
        def shrink(n):
            return n if enlarge == 1 or not use_enlarge else max(int(n / 2 + more), 1)
        if enlarge_first:
            n = shrink(n)
        n = n * k if times_k else (n - first) * (stride if use_stride else 1) + k
        if not enlarge_first:
            n = shrink(n)
    return n


# ---------------------------------------------------------------- the whole generator

def rows(width: int, blocks: int) -> list[tuple[int, int, int, int]]:
    """(k, stride, c_in, c_out) of every convolution, as Table 2 has them for width 64 and 9 blocks."""
    w = width
    return [(7, 1, 3, w), (3, 2, w, 2 * w), (3, 2, 2 * w, 4 * w), *[(3, 1, 4 * w, 4 * w)] * (2 * blocks),
            (3, 1, 4 * w, 2 * w), (3, 1, 2 * w, w), (7, 1, w, 3)]


def check_generator(build_generator, seed: int = 0) -> None:
    """Table 2 itself, row by row and to the total; then the numbers that smaller networks put out."""
    rng = np.random.default_rng(seed)
    compare_model(build_generator, rows(64, 9), table=TABLE_2)
    for width, blocks in ((4, 2), (int(rng.integers(5, 9)), int(rng.integers(3, 6)))):
        layout = rows(width, blocks)
        what = f"build_generator(rows of width {width} with {blocks} blocks)"
        model = call(build_generator, layout)
        if not isinstance(model, keras.Model):
            fail(f"your `{what}` gave {type(model).__name__}, not a keras.Model: does every way through it end in `return`?")
        flat(model)
        convolutions = [(layer.kernel_size[0], layer.strides[0], layer.kernel.shape[2], layer.filters) for layer in _of_kind(model, "Conv2D")]
        if convolutions != layout:
            row = next((i for i, (one, other) in enumerate(zip(convolutions, layout)) if one != other),
                       min(len(convolutions), len(layout)))
            fail(f"your `{what}` has {len(convolutions)} convolutions, from row {row + 1} on {convolutions[row:row + 2]}…; "
                 f"there are {len(layout)} rows, from there on {layout[row:row + 2]}…: do all numbers come from the rows?")
        reference = networks.generator(width=width, blocks=blocks)
        if len(_of_kind(model, "BatchNormalization")) != len(_of_kind(reference, "BatchNormalization")):
            fail(f"your `{what}` has {len(_of_kind(model, 'BatchNormalization'))} batch normalisations; "
                 f"{len(_of_kind(reference, 'BatchNormalization'))} belong there.")
        _randomise(reference, rng)
        _copy_weights(reference, model)
        image = rng.uniform(-1, 1, (1, 32, 40, 3)).astype(np.float32)
        _same_at_every_row(model, reference, image, blocks)
        _same_output(model, reference, image)
    passed("your generator equals the course's: 11,399,171 parameters, and the same numbers come out at every layer.")


def _same_at_every_row(model, reference, image, blocks: int) -> None:
    """Compare what goes into every convolution, to name the place of the first difference."""
    mine, course = ([layer.input for layer in _of_kind(m, "Conv2D")] for m in (model, reference))
    try:
        mine = _run(keras.Model(model.inputs[0], mine), image)
    except Exception as error:
        fail(f"your model does not run on an image of 32×40 pixels: {str(error).splitlines()[0]}")
    course = _run(keras.Model(reference.input, course), image)
    for i, (one, other) in enumerate(zip(mine, course)):
        one, other = one.numpy(), other.numpy()
        if one.shape != other.shape:
            fail(f"for an image of 32×40 pixels, {one.shape[1]}×{one.shape[2]} go into the convolution of row {i + 1}; it should be "
                 f"{other.shape[1]}×{other.shape[2]}: {_place(i, blocks)}")
        if _difference(one, other) > 1e-3:
            fail(f"up to row {i} your network is right, but into the convolution of row {i + 1} go other numbers than "
                 f"in the course's: {_place(i, blocks)}")


def _place(i: int, blocks: int) -> str:
    """What belongs in front of convolution i (from 0)."""
    up = 3 + 2 * blocks
    if i in (up, up + 1):
        return ("after the blocks (no ReLU after an addition) the image is doubled: UpSampling2D(2), repeating pixels." if i == up
                else "batch normalisation, ReLU, then the second doubling with UpSampling2D(2).")
    if 3 <= i < up and i % 2 == 0:
        return "between the two convolutions of a block stand batch normalisation and ReLU."
    if 3 < i < up:
        return "a block ends with batch normalisation and the addition of its own input, without another ReLU."
    return "after every convolution outside the blocks but the last come batch normalisation and ReLU; only an image that must grow is doubled."


def _same_output(model, reference, image) -> None:
    given, expected = _run(model, image).numpy(), _run(reference, image).numpy()
    if _difference(given, expected) < 1e-3:
        return same_in_training(model, reference, image)
    add = _run(keras.Model(reference.input, _of_kind(reference, "Conv2D")[-1].output), image).numpy()
    wrong = {
        "the last convolution's result goes through a tanh, then the input is added.": image + add,
        "is the blurred input added to the tanh?": np.tanh(add),
        "clip the sum to [-1, 1].": image + np.tanh(add),
        "clip(x + tanh, -1, 1) is asked for, not the mean of both.": (image + np.tanh(add)) / 2,
        "tanh belongs to the last convolution alone: add the input after it, then clip.": np.tanh(image + add),
    }
    for words, array in wrong.items():
        if _difference(given, array) < 2e-3 or _difference(given, np.clip(array, -1, 1)) < 2e-3:
            fail(f"all convolutions get the right numbers, but the output is wrong: {words}")
    fail("all convolutions get the right numbers, but the output is wrong: it should be clip(x + tanh(last convolution), -1, 1), "
         "where x is the model's input.")
