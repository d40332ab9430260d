"""Checks of lesson 03, Counting parameters.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import random

import numpy as np

from course_lib.checks import compare_number, passed
from course_lib.parameters import batch_normalisation, conv2d, macs, output_size
from course_lib.report import TABLE_2, TABLE_3


def _hint(given, mistakes: dict) -> str:
    """The words for the mistake that gives exactly this number; "" for an unknown one."""
    return next((words for words, number in mistakes.items() if abs(float(given) - number) < 1e-9), "")


def check_one_pixel(one_pixel, seed: int = 0) -> None:
    """Sum of weights × pixels plus bias, on windows of 2×2 to 5×5 whole numbers."""
    rng = np.random.default_rng(seed)
    for k in (3, 3, 2, 5):
        window, kernel = rng.integers(0, 10, (k, k)), rng.integers(-5, 6, (k, k))
        bias = int(rng.integers(1, 10))
        products = int((window * kernel).sum())
        mistakes = {
            "did you add the bias?": products,
            "add the bias once, not to every product.": products + k**2 * bias,
            "multiply each weight by the pixel under it; `@` is the matrix product.": int((window @ kernel).sum()) + bias,
            "add the products; don't average them.": products / k**2 + bias,
            "don't flip the kernel.": int((window * kernel[::-1, ::-1]).sum()) + bias,
        }
        compare_number(one_pixel, window, kernel, bias, expected=products + bias, tolerance=1e-9,
                       source="the sum of weights × pixels plus the bias",
                       hint=lambda given: _hint(given, mistakes)
                       or f"for the window {window.tolist()} and the kernel {kernel.tolist()}, what are the products?")
    passed("your pixel is right for kernels of 3×3, 2×2 and 5×5.")


def check_count(count, seed: int = 0) -> None:
    """Equation (2) on every row of Tables 2 and 3 and on random layers."""
    rng = random.Random(seed)
    layers = [(f"{table.title}, row {row.name},", row.c_in, row.c_out, row.k)
              for table in (TABLE_2, TABLE_3) for row in table.rows]
    layers += [("equation (2)", rng.randint(2, 40), rng.randint(41, 90), k) for k in (1, 5, rng.randint(8, 12))]
    for source, c_in, c_out, k in layers:
        mistakes = {
            "each output channel has a bias, too.": c_out * c_in * k**2,
            "there is one bias for each output channel, not one for the whole layer.": c_out * c_in * k**2 + 1,
            "the + 1 stands inside the brackets, but outside K²: one bias for all input channels together.":
                c_out * c_in * (k**2 + 1),
            "a kernel has K × K weights, `k**2`; in Python, `^` is no power.": c_out * (c_in * k + 1),
            "there is one bias for each output channel, not for each input channel; or are C_in and C_out in each other's place?":
                c_in * (c_out * k**2 + 1),
            "a kernel has K × K weights, `k**2`, not 2 K.": c_out * (c_in * 2 * k + 1),
            "`**` is a power in Python, `^` is not.": c_out * (c_in * (k ^ 2) + 1),
            "in Python `^` is no power; `**` is.": c_out * (c_in * k ^ 2 + 1),
        }
        compare_number(count, c_in, c_out, k, expected=conv2d(c_in, c_out, k), source=source,
                       hint=lambda given: _hint(given, mistakes))
    passed(f"your count agrees with all {len(TABLE_2.rows) + len(TABLE_3.rows)} rows of Tables 2 and 3, "
           "and with layers that no table has.")


def check_residual_block(residual_block, seed: int = 0) -> None:
    """Two 3×3 convolutions and two batch normalisations, for the report's 256 channels and others."""
    rng = random.Random(seed)
    for channels in (256, 1, rng.randint(2, 99)):
        convolution, weights = conv2d(channels, channels, 3), 9 * channels**2
        everything = 2 * (convolution + batch_normalisation(channels))
        trained = 2 * (convolution + 2 * channels)
        common = {
            "a block has two convolutions, each with its batch normalisation.": (everything / 2, trained / 2),
            "each convolution is followed by a batch normalisation; does it count?": (2 * convolution,) * 2,
            "there are two batch normalisations, each with four numbers per channel, two of them trained.":
                (2 * convolution + 4 * channels, 2 * convolution + 2 * channels),
            "a convolution has biases, too.": (2 * weights + 8 * channels, 2 * weights + 4 * channels),
        }
        compare_number(residual_block, channels, expected=everything, source="counting all layers of the block",
                       hint=lambda given: _hint(given, {words: pair[0] for words, pair in common.items()}))
        compare_number(residual_block, channels, trained_only=True, expected=trained,
                       source="counting only what training adjusts",
                       hint=lambda given: _hint(given, {"of batch normalisation's four numbers per channel, γ and β are trained.": 2 * convolution}
                                                | {words: pair[1] for words, pair in common.items()}
                                                | {"the moving mean and variance are not trained.": everything}))
    passed("your block is right; with 256 channels it has 1,182,208 parameters, of which 1,181,184 are trained.")


def _work(layers, height: int, width: int, enlarging: bool = True, size=output_size, at_input: bool = False, biases: int = 0,
          late: bool = False, out: int = 1) -> int:
    """Multiply-accumulates of a list of layers; the keywords build in a mistake each."""
    total = 0
    for k, stride, c_in, c_out, enlarge in layers:
        before = [side * (enlarge if enlarging else 1) for side in (height, width)]
        height, width = (size(side, stride) for side in before)
        if late:
            height, width = (size(side // enlarge, stride) * enlarge for side in before)
        total += macs(c_in, c_out**out, k, *(before if at_input else (height, width))) + biases * height * width * c_out
    return total


def check_work(work, seed: int = 0) -> None:
    """Single layers first, so that the first failure points at one idea; then the generator and random stacks."""
    rng = random.Random(seed)
    generator = [(row.k, row.stride, row.c_in, row.c_out, 2 if row.name in ("conv2d_21", "conv2d_22") else 1)
                 for row in TABLE_2.rows]
    channels = [3] + [rng.randint(2, 32) for _ in range(6)]
    stack = [(rng.choice((1, 3, 4, 5)), rng.choice((1, 2, 3)), *pair, rng.choice((1, 1, 2)))
             for pair in zip(channels, channels[1:])]
    cases = [
        ([(3, 1, 3, 8, 1)], 10, 10), ([(3, 2, 3, 8, 1)], 10, 10), ([(3, 2, 3, 8, 1)], 7, 10), ([(3, 1, 3, 8, 2)], 10, 10),
        ([(3, 2, 3, 8, 2)], 7, 10), ([(3, 3, 3, 8, 1)], 10, 13),
        ([(3, 2, 3, 8, 1), (3, 1, 8, 4, 1)], 12, 20), (generator, 256, 256), (generator, 720, 1280),
        (stack, rng.randint(30, 60), rng.randint(61, 90)),
    ]
    for layers, height, width in cases:
        mistakes = {
            "count the pixels of each layer's output, which the stride makes fewer than its input's.": _work(layers, height, width, at_input=True),
            "enlarge comes before the convolution; is the image doubled in both directions?":
                _work(layers, height, width, enlarging=False),
            "first the image is doubled, then the stride is applied and the size rounded up.": _work(layers, height, width, late=True),
            "a pixel counts once, not once for each channel: the weights already have C_out in them.": _work(layers, height, width, out=2),
            "each output channel has its own weights: where is C_out?": _work(layers, height, width, out=0),
            "output sizes are rounded up.": _work(layers, height, width, size=lambda side, stride: side // stride),
            "sizes are whole numbers: round height and width up, each on its own.":
                _work(layers, height, width, size=lambda side, stride: side / stride),
            "biases don't count as work: only C_in × K² products for each output number.":
                _work(layers, height, width, biases=1),
            "each layer's output is the next layer's input: does the size change for the layers that follow?":
                sum(_work([layer], height, width) for layer in layers),
            "multiply by the number of output pixels of each layer.": _work(layers, 1, 1, enlarging=False),
        }
        expected = _work(layers, height, width)
        compare_number(work, layers, height, width, expected=expected,
                       source=f"weights × output pixels, added over {len(layers)} layer{'s' if len(layers) > 1 else ''},",
                       hint=lambda given: _hint(given, {w: n for w, n in mistakes.items() if n != expected})
                       or ("follow height and width from layer to layer, each on its own." if (height, width) != (10, 10) else
                           "how many weights has this layer, without biases, and how many pixels its output?"))
    passed(f"your sum is right for single layers and whole networks; a 1280×720 photograph costs the generator "
           f"{_work(generator, 720, 1280) / 1e9:.0f} billion multiply–accumulates.")
