"""Checks of lesson 06, Losses.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import numpy as np

from course_lib import losses
from course_lib.backend import keras, tf
from course_lib.checks import call, compare_array, compare_number, fail, passed


def _named(mistakes: dict, otherwise: str, tolerance: float, shape: tuple = (), of_shape: str = ""):
    """A hint for compare_array: the words of the first mistake that gives this answer; `of_shape` for an unknown one not of this shape."""
    def hint(given) -> str:
        given = np.asarray(given, dtype=float)
        for words, answer in mistakes.items():
            answer = np.asarray(answer, dtype=float)
            answer = np.broadcast_to(answer, given.shape) if answer.ndim == 0 and given.ndim < 2 and given.size else answer
            if answer.shape == given.shape and np.allclose(given, answer, rtol=0, atol=tolerance):
                return words
        return of_shape if of_shape and given.shape != shape else otherwise
    return hint


# ---------------------------------------------------------------- exercise 1

def check_best_answer(best_answer, seed: int = 0) -> None:
    """The mean of pictures with unequal probabilities: signals, grey and colour pictures."""
    rng = np.random.default_rng(seed)
    for shape in [(3, 4), (5, 6, 4), (4, 3, 5, 3)]:
        candidates = rng.uniform(0, 255, shape)
        probabilities = rng.dirichlet(np.ones(shape[0]))
        expected = np.tensordot(probabilities, candidates, axes=1)
        order = np.argsort(probabilities)
        mistakes = {
            "the candidates are not equally probable: weight each with its probability.": candidates.mean(axis=0),
            "that is the most probable candidate; the mean squared error asks for another one.": candidates[order[-1]],
            "that is the median, the answer of the absolute error.": np.median(candidates, axis=0),
            "the probabilities add up to 1 already: sum, don't take a mean.": expected / shape[0],
        }
        compare_array(best_answer, candidates, probabilities, expected=expected, source="the least expected squared error",
                      tolerance=1e-6 * 255, hint=_named(mistakes, "which answer has the least squared error for one pixel, and how does each value's "
                                  "probability enter it?", 1e-3))
    passed("your answer has the least expected squared error, for pictures of any shape.")


# ---------------------------------------------------------------- exercise 2

def _toy_features(rng: np.random.Generator):
    """Two convolutions with random weights, as a feature network."""
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(5, 3, padding="same", activation="relu")(image)
    model = keras.Model(image, keras.layers.Conv2D(4, 3, strides=2, padding="same")(x))
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def _bound(function, *arguments):
    """The student's function with its arguments as they are: `call` would copy tensors, and no tape follows a copy."""
    if not callable(function):
        return function
    def bound():
        return function(*arguments)
    bound.__name__ = getattr(function, "__name__", "your function")
    return bound


def _stacked(given):
    """A list or tuple of tensors as one tensor, which a tape can follow; anything else as it is."""
    return tf.stack(given) if isinstance(given, (list, tuple)) and given and all(map(tf.is_tensor, given)) else given


def check_perceptual_loss(perceptual_loss, seed: int = 0) -> None:
    """Toy feature networks, then VGG16 against losses.Perceptual; one number per image; a tape can follow."""
    rng = np.random.default_rng(seed)
    for count, height, width in [(3, 8, 12), (2, 6, 6)]:
        features = _toy_features(rng)
        sharp, output = (tf.constant(rng.uniform(-1, 1, (count, height, width, 3)), tf.float32) for _ in range(2))
        a, b = features(sharp).numpy().astype(float), features(output).numpy().astype(float)
        squares = (a - b)**2
        expected = squares.mean(axis=(1, 2, 3))
        mistakes = {
            "one number for each image: leave the first axis.": squares.mean(),
            "take the mean over height, width and channels, not the sum.": squares.sum(axis=(1, 2, 3)),
            "the differences are squared, not made positive.": np.abs(a - b).mean(axis=(1, 2, 3)),
            "no square root: the loss is the mean of the squares.": np.sqrt(expected),
            "take the features of each of the two, then subtract; these are the features of the difference.":
                (features(sharp - output).numpy().astype(float)**2).mean(axis=(1, 2, 3)),
            "compare what `features` returns, not the images themselves.":
                ((sharp - output).numpy().astype(float)**2).mean(axis=(1, 2, 3)),
            "subtract and square before you average.": (a.mean(axis=(1, 2, 3)) - b.mean(axis=(1, 2, 3)))**2,
            "the mean is over all three axes of an image, height, width and channels.": squares.mean(axis=(1, 2)),
        }
        compare_array(_bound(perceptual_loss, features, sharp, output), expected=expected, source="the definition",
                      tolerance=1e-4 * expected.max(),
                      hint=_named(mistakes, "subtract the features, square, and average each image on its own.", 1e-3 * expected.min(),
                                  expected.shape, "one number for each image, so the mean is over all axes but the first."))
    with tf.GradientTape() as tape:
        tape.watch(output)
        value = _stacked(call(_bound(perceptual_loss, features, sharp, output)))
    if not tf.is_tensor(value) or tape.gradient(value, output) is None:
        fail("your `perceptual_loss` computes the right numbers, but TensorFlow can't follow it back to the output, so no network "
             "could learn from it: use keras.ops or tf instead of NumPy.")
    vgg = losses.Perceptual(preprocess=False)
    sharp, output = (tf.constant(rng.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in range(2))
    expected = vgg(sharp, output).numpy()
    compare_array(_bound(perceptual_loss, vgg.features, sharp, output), expected=expected,
                  source="losses.Perceptual", tolerance=1e-4 * expected.max())
    passed("your loss equals losses.Perceptual on VGG16, is right for other feature networks, and a network can learn through it.")


# ---------------------------------------------------------------- exercise 3

def _piles(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Pairs of distributions on bins, and the width of a bin: shifted piles, random ones, bins apart."""
    far = np.zeros((2, 9))
    far[0, 1] = far[1, rng.integers(4, 8)] = 1
    return [(far[0], far[1], 1.0), (far[1], far[0], 1.0),
            *((rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n)), width) for n, width in [(5, 1.0), (12, 0.5), (30, 0.25)])]


def _earth_mover(p, q, width: float) -> float:
    return float(width * np.abs(np.cumsum(p - q)).sum())


def check_earth_mover(earth_mover, seed: int = 0) -> None:
    """Single bins, both directions, and random histograms with bins of several widths."""
    rng = np.random.default_rng(seed)
    for p, q, width in _piles(rng):
        expected = _earth_mover(p, q, width)
        mistakes = {
            "take the absolute value at each border, before you sum; without it the distance of the two means comes out.":
                width * np.cumsum(p - q).sum(),
            "take the absolute value at each border, before you sum; without it the distance of the two means comes out, with a sign.":
                width * np.cumsum(q - p).sum(),
            "take the absolute value at each border; that of the sum is the distance of the two means, too small where earth goes both ways.":
                width * abs(np.cumsum(p - q).sum()),
            "that is how much earth differs, not how far it is carried: add up from the left first.": width * np.abs(p - q).sum(),
            "every step is `width` long.": expected / width,
            "a step that is `width` long makes the work larger by this factor: multiply, don't divide.": expected / width**2,
            "earth that crosses two borders is carried twice as far: add up the amounts as they are, without squares.":
                width * np.sum(np.cumsum(p - q)**2),
            "sum the flows over all borders; don't average them.": expected / len(p),
        }
        mistakes = {words: answer for words, answer in mistakes.items() if abs(answer - expected) > 1e-6}
        compare_number(earth_mover, p, q, width, expected=expected, source="carrying the earth", tolerance=1e-5,
                       hint=_named(mistakes, "try your function on p and q of section 6's table; it should give 1.75 there.", 1e-9))
    passed("your distance is right for piles on either side and for steps of any width.")


# ---------------------------------------------------------------- exercise 4

def check_best_critic(best_critic, seed: int = 0) -> None:
    """Any critic of slope at most 1 whose mean difference reaches the earth mover's distance passes."""
    rng = np.random.default_rng(seed)
    for p, q, width in _piles(rng):
        distance = _earth_mover(p, q, width)
        given = call(best_critic, p, q, width)
        try:
            scores = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            fail(f"your `best_critic` gave {type(given).__name__}, which isn't one array or list of numbers: one score for each place is needed.")
        if scores.shape != p.shape:
            fail(f"for {len(p)} places your `best_critic` gave "
                 + ("None: does it end in `return`?" if given is None else f"the shape {scores.shape}; one score for each place is needed"
                    + ("." if scores.shape != (len(p) - 1,) else ": there is one border fewer than there are places, and the first place's score may be anything.")))
        if not np.all(np.isfinite(scores)):
            fail("your `best_critic` holds values that are not finite: is something divided by zero?")
        steepest = np.abs(np.diff(scores)).max() / width
        if steepest > 1 + 1e-6:
            fail(f"with places {width:g} apart your critic has the slope {steepest:.3g}, but at most 1 is allowed: "
                 "from one place to the next the score may change by `width`.")
        reached = float((p - q) @ scores)
        if abs(reached - distance) > 1e-6 * max(1, distance):
            crossing = np.sign(np.round(np.cumsum(q - p), 9))
            rise, later = np.diff(scores), width * crossing[1:]
            words = ("it rates the fake higher: turn the sign round." if abs(reached + distance) < 1e-6 * max(1, distance) else
                     "every step is `width` long." if width != 1 and abs(reached * width - distance) < 1e-6 else
                     "all its scores are equal." if steepest < 1e-12 else
                     "it is one place late: from place 0 to place 1 the score changes by what crosses the border between these two."
                     if np.allclose(rise, later) else
                     "these are the changes at the borders; each place's score is the sum of all changes to its left."
                     if any(np.allclose(scores, sign * width * crossing) for sign in (1, -1)) else
                     "how much crosses a border doesn't matter, only in which direction: change by the full `width` there."
                     if any(np.allclose(np.abs(rise), factor * np.abs(np.cumsum(p - q)[part])) for factor in (1, width)
                            for part in (slice(1, None), slice(-1))) else
                     "rise by `width` where fake earth has to go right, and fall where it has to go left."
                     if reached < distance else "")
            fail(f"the slope is allowed, but your critic's mean score of p is {reached:.4g} above that of q; {distance:.4g}, the earth "
                 f"mover's distance, can be reached: {words}")
    passed("no critic of slope 1 does better: its difference is the earth mover's distance.")


# ---------------------------------------------------------------- exercise 5

def _critics(rng: np.random.Generator, shape: tuple[int, ...]):
    """A linear critic, one whose slope differs from point to point, and a Keras network."""
    w = tf.Variable(rng.normal(size=shape), dtype=tf.float32)
    axes = tuple(range(1, len(shape) + 1))
    network = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(6, activation="softplus"),
                                keras.layers.Dense(1)])
    return [(lambda x, **_: tf.reduce_sum(w * x, axis=axes)[:, None], [w]),
            (lambda x, **_: tf.reduce_sum(w * x**2, axis=axes)[:, None], [w]),
            (network, network.trainable_variables)]


def _slopes(critic, points) -> np.ndarray:
    """The gradient at each point, float (N, ...)."""
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = critic(points)
    return tape.gradient(scores, points).numpy().astype(float)


def check_gradient_penalty(gradient_penalty, seed: int = 0) -> None:
    """Critics with known and with varying slopes, on points and on images; it must reach the critic's weights."""
    rng = np.random.default_rng(seed)
    for shape in [(2,), (4, 5, 3)]:
        axes, count = tuple(range(1, len(shape) + 1)), 6
        for critic, weights in _critics(rng, shape):
            real, fake = (tf.constant(rng.normal(size=(count, *shape)), tf.float32) for _ in range(2))
            mix = tf.constant(rng.uniform(0.1, 0.4, (count,) + (1,) * len(shape)), tf.float32)
            at = _slopes(critic, mix * real + (1 - mix) * fake)
            norm = np.sqrt((at**2).sum(axis=axes))
            expected = (norm - 1)**2
            other = np.sqrt((_slopes(critic, (1 - mix) * real + mix * fake)**2).sum(axis=axes))
            at_real, at_fake = (np.sqrt((_slopes(critic, x)**2).sum(axis=axes)) for x in (real, fake))
            mistakes = {
                "one number for each example: don't average over them.": expected.mean(),
                "the length of a gradient is the root of the sum of its squares.": ((at**2).sum(axis=axes) - 1)**2,
                "each example has its own length: sum over all axes but the first.": (np.sqrt((at**2).sum()) - 1)**2,
                "square the difference from 1.": np.abs(norm - 1),
                "square the difference from 1; as it is, it has a sign.": norm - 1,
                "a length below 1 is penalised, too.": np.maximum(norm - 1, 0)**2,
                "take the gradient of the scores as they are, not that of their mean: its lengths depend on the number of examples.":
                    (norm / count - 1)**2,
                "the weight λ comes later.": 10 * expected,
                "the slope is to be 1, not 0: subtract 1 before you square.": norm**2,
                "that is the gradient itself; its length is one number for each example.": at,
                "the shape should be (N,): sum over all axes but the first, and keep none of them.": expected[:, None],
                "that is the length of the gradient; the penalty is (length − 1)².": norm,
                "a sum of squares is the length, not a mean.": (np.sqrt((at**2).mean(axis=axes)) - 1)**2,
                "mix is the share of the real one, 1 − mix that of the fake.": (other - 1)**2,
                "take the gradient between real and fake, not at the real.": (at_real - 1)**2,
                "take the gradient between real and fake, not at the fake.": (at_fake - 1)**2,
            }
            mistakes = {words: answer for words, answer in mistakes.items()
                        if np.shape(answer) != expected.shape or not np.allclose(answer, expected, atol=1e-3)}
            tolerance = 1e-3 * max(1.0, expected.max())
            with tf.GradientTape() as tape:
                given = _stacked(call(_bound(gradient_penalty, critic, real, fake, mix)))
            again = _bound(lambda: given)
            again.__name__ = getattr(gradient_penalty, "__name__", "your function")
            hint = _named(mistakes, "go through it step by step: the mixture, the gradient there, its length, the penalty; which is not as in "
                          "section 9?", tolerance, expected.shape,
                          "one number for each example, so the sum of squares is over all axes but the first.")
            compare_array(again, expected=expected, source="the definition", tolerance=tolerance, hint=hint)
            if not tf.is_tensor(given) or all(g is None for g in tape.gradient(given, weights)):
                fail("your `gradient_penalty` computes the right numbers, but TensorFlow can't follow it back to the critic's weights, "
                     "so it would change nothing: use tf or keras.ops instead of NumPy.")
    passed("your penalty is right on points and on images, and training can follow it into the critic.")
