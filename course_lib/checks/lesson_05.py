"""Checks of lesson 05, The discriminator.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import random

import numpy as np

from course_lib.backend import keras
from course_lib.checks import call, fail, flat, number, passed, plain, quiet, same_in_training
from course_lib.parameters import batch_normalisation, check, conv2d, dense, output_size
from course_lib.report import TABLE_3, Layer, Table


def _hint(given, mistakes: dict) -> str:
    """The words for the mistake that gives exactly this answer; "" for an unknown one."""
    return next((words for words, answer in mistakes.items() if given == answer), "")


def _stack(rng: random.Random, layers: int, c_in: int = 3) -> list[Layer]:
    """Random convolutions from `c_in` channels, each taking what the one before puts out."""
    channels = [c_in] + [rng.randint(2, 9) for _ in range(layers)]
    return [Layer(f"conv{i}", k, stride, c_in, c_out, conv2d(c_in, c_out, k)) for i, (k, stride, c_in, c_out) in
            enumerate((rng.choice((3, 4, 5)), rng.choice((1, 2, 2, 3)), *pair) for pair in zip(channels, channels[1:]))]


def _shown(rows) -> str:
    """Kernels and strides in words: "K = 4, 3 with stride 2, 1"."""
    return f"K = {', '.join(str(row.k) for row in rows)} and stride {', '.join(str(row.stride) for row in rows)}"


# ---------------------------------------------------------------- exercise 1

def _sides(rows, size: int, shrink=output_size) -> list[int]:
    sides = []
    for row in rows:
        size = shrink(size, row.stride)
        sides.append(size)
    return sides


def check_sides(sides, seed: int = 0) -> None:
    """The side of every convolution's output, for Table 3 at even and odd sizes and for random stacks."""
    rng = random.Random(seed)
    odd = 2 * rng.randint(40, 100) + 1
    cases = [(TABLE_3.rows, 256), (TABLE_3.rows, 128), (TABLE_3.rows, odd), (_stack(rng, 4), odd + 1)]
    for rows, size in cases:
        expected = _sides(rows, size)
        mistakes = {
            "one number for each convolution: leave out the photograph itself.": [size, *expected],
            "output sizes are rounded up.": _sides(rows, size, lambda side, stride: side // stride),
            "output sizes are rounded up, not to the nearest number.": _sides(rows, size, lambda side, stride: round(side / stride)),
            "each layer's input is the output of the one before it.": [output_size(size, row.stride) for row in rows],
            "return all of them, not only the last.": expected[-1],
            "is the list in the order of the rows?": expected[::-1],
            "sizes are whole numbers; round up.": _sides(rows, size, lambda side, stride: side / stride),
        }
        given = call(sides, list(rows), size)
        try:
            answer = plain(list(given))
        except TypeError:
            answer = plain(given)
        if answer is None:
            fail("your `sides` gave None, not a list: does it end in `return`?")
        if answer != expected:
            words = _hint(answer, {w: m for w, m in mistakes.items() if m != expected}) or "start with size and divide by each row's stride in turn; K does not matter."
            fail(f"for a photograph of {size}×{size} pixels and {_shown(rows)} your `sides` gave {answer}; "
                 f"with 'same' padding it is {expected}: {words}")
    passed("your sizes are right; 256×256 pixels become 16×16 in four halvings, and the last two layers keep them.")


# ---------------------------------------------------------------- exercise 2

def _patch(rows, index: int, padding=lambda k, stride: (k - stride) // 2, end: int = -1) -> tuple[int, int]:
    """First and last pixel that output `index` of the last of `rows` sees; the keywords build in a mistake each."""
    first = last = index
    for row in reversed(rows):
        first = first * row.stride - padding(row.k, row.stride)
        last = last * row.stride - padding(row.k, row.stride) + row.k + end
    return first, last


def check_patch(patch, seed: int = 0) -> None:
    """One layer, two layers, Table 3 layer by layer, random stacks; first and last pixel."""
    rng = random.Random(seed)
    single = [TABLE_3.rows[0]]
    cases = [(single, 5), (single, 0), (TABLE_3.rows[4:5], 3), (TABLE_3.rows[:2], 4), (TABLE_3.rows, 7),
             (TABLE_3.rows, rng.randint(0, 15)), (_stack(rng, 3), rng.randint(0, 9)), (_stack(rng, 5), rng.randint(0, 9))]
    for rows, index in cases:
        rows = list(rows)
        expected = _patch(rows, index)
        mistakes = {
            "walk from the last row back to the first.": _patch(rows[::-1], index),
            "take off the zeros before the first pixel: p = ⌊(K − S) / 2⌋.": _patch(rows, index, lambda k, stride: 0),
            "the stride counts in the padding, too: p = ⌊(K − S) / 2⌋.": _patch(rows, index, lambda k, stride: (k - 1) // 2),
            "round p down.": _patch(rows, index, lambda k, stride: -(-(k - stride) // 2)),
            "a kernel that starts at pixel a ends at a + K − 1.": _patch(rows, index, end=0),
            "numbers outside the photograph stay as they are: −1 is a zero of the padding.":
                (max(expected[0], 0), expected[1]),
            "first and last pixel, in this order.": expected[::-1],
        }
        given = call(patch, rows, index)
        try:
            answer = tuple(float(number) for number in given)
        except (TypeError, ValueError):
            fail(f"your `patch` gave {given!r}, not the pair (first, last)" + (": does it end in `return`?" if given is None else "."))
        if len(answer) != 2:
            fail(f"your `patch` gave {len(answer)} numbers, not the pair (first, last): return the first and the last pixel only.")
        if answer != expected:
            words = _hint(answer, {w: m for w, m in mistakes.items() if m != expected})
            shown = "(" + ", ".join(f"{number:g}" for number in answer) + ")"
            fail(f"for index {index}, {_shown(rows)} your `patch` gave {shown}; the pixels are {expected[0]} to {expected[1]}: "
                 + (words or "map first and last of each layer's outputs to i·S − p and i·S − p + K − 1."))
    first, last = _patch(TABLE_3.rows, 7)
    passed(f"output 7 of Table 3's last convolution sees the pixels {first} to {last}, "
           f"{last - first + 1} of them, and yours agree for other stacks, too.")


# ---------------------------------------------------------------- exercise 3

def check_hidden_units(hidden_units, seed: int = 0) -> None:
    """The report's remainder, other widths and sizes, and remainders that no whole number explains."""
    rng = random.Random(seed)
    cases = [(256, (64, 128, 256, 512), 1024)]
    for size in (64, 16 * rng.randint(5, 9)):
        cases.append((size, [rng.randint(2, 99) for _ in range(rng.randint(1, 3))], rng.randint(10, 2000)))
    for size, channels, units in cases:
        channels, inputs = list(channels), (size // 16) ** 2
        normalised = sum(batch_normalisation(c) for c in channels)
        remainder = normalised + dense(inputs, units) + dense(units, 1)
        left = remainder - normalised
        mistakes = {
            "count the second dense layer and all biases: n × (inputs + 1) and n + 1.": left / (inputs + 1),
            "the first dense layer has biases, too: n × (inputs + 1).": (left - 1) / (inputs + 1),
            "the last layer has a bias of its own.": left / (inputs + 2),
            "take the batch normalisations off first.": (remainder - 1) / (inputs + 2),
            "Keras counts four numbers per channel for a batch normalisation, trained or not.":
                (remainder - normalised / 2 - 1) / (inputs + 2),
            "the map has (size / 16)² numbers, not size / 16.": (left - 1) / (size // 16 + 2),
        }
        arguments = f"remainder={remainder:,}, size={size}, channels={channels}"
        given = call(hidden_units, remainder, size, channels)
        answer = number(given)
        if answer != units:
            words = next((w for w, m in mistakes.items() if answer in (m, int(m), round(m))), "")
            fail(f"for {arguments} your `hidden_units` gave {plain(given)!r}, but {units} units fit exactly: "
                 + (words or "batch normalisation takes 4 per channel, the dense layers n × (inputs + 1) and n + 1; solve for n."))
        off = remainder + rng.randint(1, inputs + 1)
        given = call(hidden_units, off, size, channels)
        if given is not None:
            fail(f"for remainder={off:,}, size={size}, channels={channels} your `hidden_units` gave {given!r}, but no whole number of "
                 "units leaves exactly that many: return None when the division has a remainder (`%` computes it).")
    passed("your function finds 1,024 units for the report's remainder, and says so when no whole number fits.")


# ---------------------------------------------------------------- exercise 4

def _reference(rows, size: int, swap: bool = False, slope: float = 0.2):
    """The trunk of `rows` with normalisation and activation; the keywords build in a mistake each."""
    layers = keras.layers
    image = x = keras.Input((size, size, rows[0].c_in))
    for i, row in enumerate(rows):
        x = layers.Conv2D(row.c_out, row.k, row.stride, padding="same", name=row.name)(x)
        normalise = [layers.BatchNormalization()] if 0 < i < len(rows) - 1 else []
        activate = [layers.LeakyReLU(slope)] if i < len(rows) - 1 else []
        for step in activate + normalise if swap else normalise + activate:
            x = step(x)
    return keras.Model(image, x)


def _randomise(model, rng: np.random.Generator) -> None:
    """Random weights, variances positive, so that a swapped or missing layer shows in the output."""
    model.set_weights([rng.uniform(0.2, 1.0, w.shape) if "variance" in w.path else rng.normal(0, 0.3, w.shape)
                       for w in model.weights])


def check_patch_critic(patch_critic, seed: int = 0) -> None:
    """Layers and counts against the rows, then the numbers that come out, on Table 3 and random stacks."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    trunk = [row._replace(name=f"trunk_{i}") for i, row in enumerate(TABLE_3.rows)]
    others = [_stack(rng, 3), _stack(rng, 5, c_in=rng.choice((1, 2, 4)))]
    for rows, size in [(others[0], 24), (others[1], 48), (trunk, 256)]:
        model = call(patch_critic, rows, size)
        if not isinstance(model, keras.Model):
            fail(f"your `patch_critic` gave {type(model).__name__}, not a keras.Model"
                 + (": does it end in `return`?" if model is None else "."))
        flat(model)
        table = Table("your list of rows", "Patch critic", tuple(rows), 0)
        try:
            built = check(model, table).built
        except ValueError as error:                             # TableMismatch is one
            fail(str(error))
        if len(built) < len(rows):
            fail(f"your model has {len(built)} of the {len(rows)} convolutions; the last is a convolution, too.")
        _compare_rest(model, rows)
        reference = _reference(rows, size)
        if model.input_shape != reference.input_shape:
            fail(f"your model takes {model.input_shape}; it should take {reference.input_shape}: None for any number of photographs, "
                 "then size, size and the first row's c_in.")
        if model.output_shape != reference.output_shape:
            fail(f"for {_shown(rows)} your model goes from {model.input_shape} to {model.output_shape}; it should go from "
                 f"{reference.input_shape} to {reference.output_shape}: is every padding 'same', and nothing flattened?")
        if rows is not trunk:                               # the large one has no numbers of its own to add
            _compare_outputs(model, reference, rows, size, numbers)
    passed("your model equals the trunk of Table 3 row by row, and any other list of rows, number by number.")


def _compare_rest(model, rows) -> None:
    """Count of the batch normalisations, by channels, and no layer with weights besides."""
    kinds = [type(layer).__name__ for layer in model.layers]
    found = [layer.moving_mean.shape[0] for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    expected = [row.c_out for row in rows[1:-1]]
    if "Dense" in kinds:
        fail("your model has a dense layer; a patch critic ends with the map of its last convolution.")
    if found != expected:
        first, last = [rows[0].c_out], [rows[-1].c_out]
        mistakes = {"the first convolution has none.": first + expected, "the last convolution has none.": expected + last,
                    "neither the first nor the last convolution has one.": first + expected + last,
                    "the convolutions between the first and the last each have one.": []}
        fail(f"your model has batch normalisations for {found} channels, it should have them for {expected}: "
             + (_hint(found, mistakes) or "one after every convolution but the first and the last."))


def _compare_outputs(model, reference, rows, size: int, numbers: np.random.Generator) -> None:
    """Same weights, same image: the same map. A known mistake is named."""
    _randomise(reference, numbers)
    image = numbers.uniform(-1, 1, (1, size, size, rows[0].c_in)).astype(np.float32)
    expected = reference(image).numpy()
    if [w.shape for w in model.weights] != [w.shape for w in reference.weights]:
        fail(f"your model has {model.count_params():,} parameters, {reference.count_params():,} are expected: leave the "
             "settings of the convolutions and batch normalisations as Keras has them, and add no other layer with weights.")
    model.set_weights(reference.get_weights())
    for one, other in zip(*([layer for layer in m.layers if hasattr(layer, "epsilon")] for m in (model, reference))):
        one.epsilon = other.epsilon                         # any is right
    with quiet():       # Keras warns where the model's input is a list of one
        given = np.asarray(model(image, training=False))

    def like(**mistake) -> bool:
        other = _reference(rows, size, **mistake)
        other.set_weights(reference.get_weights())
        return np.allclose(given, other(image), rtol=1e-3, atol=1e-4)

    if np.allclose(given, expected, rtol=1e-3, atol=1e-4):
        return same_in_training(model, reference, image)
    slopes = {0.0: "ReLU, or a slope of 0", 0.3: "Keras' own slope, 0.3", 0.01: "a slope of 0.01", 1.0: "no activation at all"}
    words = next((f"it computes with {name}; LeakyReLU has the slope 0.2 here." for slope, name in slopes.items()
                  if like(slope=slope)), "")
    if not words and like(swap=True):
        words = "batch normalisation comes before LeakyReLU."
    fail("all layers with weights are right, but with equal weights your model's output differs from the expected one: "
         + (words or "LeakyReLU(0.2) after every convolution but the last, behind its batch normalisation; nothing after the last."))
