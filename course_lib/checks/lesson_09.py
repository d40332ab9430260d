"""Checks of lesson 09, Evaluation.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from course_lib import evaluation
from course_lib.checks import CheckFailed, call, compare_number, fail, number, passed, plain


def _near(given, expected: float, tolerance: float) -> bool:
    """Whether two numbers agree; infinite ones too."""
    return bool(given == expected or abs(given - expected) <= tolerance)


def _hint(given, mistakes: dict, expected: float, otherwise: str, tolerance: float = 1e-6) -> str:
    """The words for the mistake that gives this number, unless it gives the right one as well."""
    return next((words for words, value in mistakes.items()
                 if _near(given, value, tolerance) and not _near(value, expected, tolerance)), otherwise)


def _pair(rng: np.random.Generator, height: int, width: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """A smooth random picture and the same with soft errors, both uint8 RGB."""
    sharp = gaussian_filter(rng.normal(size=(height, width, 3)), (2, 2, 0))
    sharp = 128 + 70 * sharp / sharp.std() + np.array([-30, 0, 25])
    image = gaussian_filter(sharp, (1.5, 1.5, 0)) + strength * rng.normal(size=sharp.shape)
    return tuple(np.clip(np.rint(x), 0, 255).astype(np.uint8) for x in (sharp, image))


# ---------------------------------------------------------------- exercise 1

def _psnr(sharp, image, peak) -> float:
    error = np.mean((sharp.astype(float) - image.astype(float)) ** 2)
    return float(10 * np.log10(peak**2 / error)) if error else np.inf


def check_psnr(psnr, seed: int = 0) -> None:
    """uint8 pictures, floats with other peaks, identical pictures."""
    rng = np.random.default_rng(seed)
    sharp, image = _pair(rng, int(rng.integers(20, 40)), int(rng.integers(20, 40)), 30)
    floats = [x / 127.5 - 1 for x in (sharp, image)]
    far = np.zeros((2, 8, 8, 3), np.uint8)
    far[0, :, :3] = 255
    far[1, 2, 2] = 100
    cases = [(sharp, image, 255), (*far, 255), (*[x / 255 for x in (sharp, image)], 1), (*floats, 2)]
    for sharp, image, peak in cases:
        narrow = sharp.astype(np.int16) if sharp.dtype == np.uint8 else sharp
        expected = _psnr(sharp, image, peak)
        error = np.mean((sharp.astype(float) - image) ** 2)
        with np.errstate(all="ignore"):
            mistakes = {
                "uint8 differences wrap around at 256: make the arrays float before you subtract.":
                    10 * np.log10(peak**2 / np.mean((sharp - image) ** 2)),
                "uint8 squares wrap around at 256: make the arrays float before you subtract.":
                    10 * np.log10(peak**2 / np.mean(np.abs(sharp.astype(int) - image).astype(np.uint8) ** 2)),
                "int16 ends at 32,767, and 182² exceeds it: make the arrays float.": 10 * np.log10(peak**2 / np.mean((narrow - image) ** 2)),
                "the peak is squared, as the error is.": 10 * np.log10(peak / error),
                "the logarithm is to base 10.": 10 * np.log(peak**2 / error),
                "it is 10 times the logarithm, for the MSE is a square already.": 20 * np.log10(peak**2 / error),
                "10 times the logarithm makes decibels of it.": np.log10(peak**2 / error),
                "take the mean of the squares, not their sum.": 10 * np.log10(peak**2 / (error * sharp.size)),
                "the mean goes over the three colours, too: divide by 3HW.": 10 * np.log10(peak**2 / (3 * error)),
                "the error stands below: a larger error, a smaller PSNR.": 10 * np.log10(error / peak**2),
                "square the differences; these are their absolute values.":
                    10 * np.log10(peak**2 / np.mean(np.abs(sharp.astype(float) - image))),
                "use the argument `peak`; it is not always 255.": 10 * np.log10(255**2 / error),
                "square each difference before you take the mean; too bright and too dark must not cancel.":
                    10 * np.log10(peak**2 / np.mean(sharp.astype(float) - image) ** 2),
                "astype(int) cuts decimals off, and these pictures are floats: make the arrays float.":
                    10 * np.log10(peak**2 / np.mean((sharp.astype(int) - image.astype(int)) ** 2)),
            }
        named = {} if peak == 255 else {"peak": peak}
        compare_number(psnr, sharp, image, expected=expected, tolerance=1e-4, source="the definition", **named,
                       hint=lambda given: _hint(given, mistakes, expected, "MSE first, then 10 log₁₀(peak² / MSE)."))
    try:
        given = call(psnr, sharp, sharp)
    except CheckFailed as error:
        fail(f"two equal pictures have an infinite PSNR, np.inf, but {error}")
    if number(given) != np.inf:
        fail(f"for two equal pictures your `psnr` gave {given!r}; their PSNR is infinite, np.inf.")
    passed("your PSNR is that of the definition, for uint8 as for floats.")


# ---------------------------------------------------------------- exercise 2

def _gaussian(x):
    return gaussian_filter(x, 1.5, truncate=3.5)


def _ssim(sharp, image, mean=_gaussian, border=5, peak=255, variances=True, constants=True, channels=(0, 1, 2), sample=1.0,
          brightness=True, together=False, given=None, roots=False, deviations=False, apart=False) -> float:
    """SSIM by the course's protocol; the keywords build in a mistake each."""
    first, second = given or (((0.01 * peak) ** 2, (0.03 * peak) ** 2) if constants else (1e-9, 1e-9))
    if together:        # one filter over all three axes: the colours mix
        stacks = [(sharp.astype(float), image.astype(float))]
    else:
        stacks = [(sharp[..., c].astype(float), image[..., c].astype(float)) for c in channels]
    found = []
    for x, y in stacks:
        mx, my = mean(x), mean(y)
        squares = (mx**2, my**2, mx * my) if variances else (0, 0, 0)
        vx, vy, cxy = (sample * (mean(a) - b) for a, b in zip((x * x, y * y, x * y), squares))
        if deviations:
            vx, vy, cxy = (mean(a * b) for a, b in ((x - mx, x - mx), (y - my, y - my), (x - mx, y - my)))
        vx, vy = (np.sqrt(np.maximum(v, 0)) if roots else v for v in (vx, vy))
        inside = slice(border, -border or None)
        values = ((2 * cxy + second) / (vx + vy + second))[inside, inside]
        if brightness:
            factor = ((2 * mx * my + first) / (mx**2 + my**2 + first))[inside, inside]
            values = values * (factor.mean() if apart else factor)
        found.append(values.mean())
    return float(np.mean(found))


def check_ssim(ssim, seed: int = 0) -> None:
    """Against scikit-image, for several pairs, colours of different brightness, one pair almost opposite."""
    rng = np.random.default_rng(seed)
    for strength in (0, 15, float(rng.uniform(20, 60))):
        sharp, image = _pair(rng, int(rng.integers(30, 50)), int(rng.integers(30, 50)), strength)
        expected = evaluation.ssim(sharp, image)
        mistakes = {
            "leave out a border of 5 pixels on each side.": _ssim(sharp, image, border=0),
            "`local_mean` of a (H, W, 3) array mixes the colours: treat each channel on its own.": _ssim(sharp, image, together=True),
            "all three channels count.": _ssim(sharp, image, channels=(0,)),
            "the variance is the mean of the squares minus the square of the mean.": _ssim(sharp, image, variances=False),
            "C₁ and C₂ are those of the range 255.": _ssim(sharp, image, peak=1),
            "C₁ and C₂ are missing.": _ssim(sharp, image, constants=False),
            "C₁ and C₂ are squares.": _ssim(sharp, image, given=(0.01 * 255, 0.03 * 255)),
            "C₁ belongs to the factor with the means, C₂ to the one with the variances.":
                _ssim(sharp, image, given=((0.03 * 255) ** 2, (0.01 * 255) ** 2)),
            "C₁ and C₂ are rounded; compute (0.01 · 255)² and (0.03 · 255)².": _ssim(sharp, image, given=(6.5, 58.5)),
            "below stand the variances; no square root is needed.": _ssim(sharp, image, roots=True),
            "the local mean differs from pixel to pixel: take the mean of the squares minus the square of the mean, not the mean of (x − μ)².":
                _ssim(sharp, image, deviations=True),
            "multiply the two factors at each pixel, then take the mean of the map.": _ssim(sharp, image, apart=True),
            "these are means over the whole picture; SSIM looks through a window at every pixel, which is what `local_mean` does.":
                _ssim(sharp, image, mean=lambda x: np.full_like(x, x.mean())),
            "the first factor, of the brightness, is missing.": _ssim(sharp, image, brightness=False),
            "use `local_mean`, the Gaussian window, for all means.":
                _ssim(sharp, image, mean=lambda x: uniform_filter(x, 11)),
            "no factor of N / (N − 1): the local variance is mean of squares minus square of mean.":
                _ssim(sharp, image, sample=121 / 120),
            "each channel on its own, then the mean of the three; not the SSIM of a grey picture.":
                _ssim(sharp.astype(float).mean(axis=2, keepdims=True), image.astype(float).mean(axis=2, keepdims=True), channels=(0,)),
        }
        mistakes["make each channel float first: products of uint8 wrap around at 256."] = _wrapped(sharp, image)
        compare_number(ssim, sharp, image, expected=expected, tolerance=1e-6, source="scikit-image",
                       hint=lambda given: _hint(given, mistakes, expected, "print your map: it is 1 where both pictures agree."
                                                if abs(given) <= 1 else "an SSIM never exceeds 1: is each channel float before "
                                                "`local_mean` sees it, and is the mean taken of the three?"))
    passed("your SSIM equals scikit-image's to one part in a million.")


def _wrapped(sharp, image) -> float:
    """SSIM with products taken in uint8."""
    found = []
    for c in range(3):
        x, y = sharp[..., c], image[..., c]
        mx, my = _gaussian(x.astype(float)), _gaussian(y.astype(float))
        vx, vy, cxy = (_gaussian((a * b).astype(float)) - m for a, b, m in ((x, x, mx**2), (y, y, my**2), (x, y, mx * my)))
        first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        values = (2 * mx * my + first) / (mx**2 + my**2 + first) * (2 * cxy + second) / (vx + vy + second)
        found.append(values[5:-5, 5:-5].mean())
    return float(np.mean(found))


# ---------------------------------------------------------------- exercise 3

def _protocols(rng: np.random.Generator, pairs: list, reported: float, some_fit: bool) -> dict:
    """{name: a made-up metric} with known values: some whose mean rounds to the reported number, some only nearly, one only on the first pair."""
    index = {sharp.tobytes(): i for i, (sharp, _) in enumerate(pairs)}     # the student's function gets copies

    def protocol(mean):
        spread = rng.normal(0, 0.1, len(index))
        values = mean + spread - spread.mean()

        def score(sharp, image):
            if sharp.tobytes() not in index:
                raise ValueError("call it as protocol(sharp, image), with the pictures as they are in `pairs`")
            return float(values[index[sharp.tobytes()]])
        return score

    near = [protocol(reported + offset) for offset in (0.0032, -0.0041)]
    off = [protocol(reported + offset) for offset in (0.0057, -0.0058, 0.04, -0.2)]
    only_first = protocol(reported + 0.03)
    shift = reported - only_first(*pairs[0])        # right on the first pair, wrong in the mean

    def misleading(sharp, image):
        return only_first(sharp, image) + shift

    if abs(np.mean([misleading(*pair) for pair in pairs]) - reported) < 0.0055:
        misleading = off[2]
    functions = [*(near if some_fit else []), *off, misleading]
    order = rng.permutation(len(functions))
    return {f"protocol {'GFEDCBA'[place]}": functions[i] for place, i in enumerate(order)}


def check_detective(detective, seed: int = 0) -> None:
    """Made-up protocols whose values are known: some fit, some only on one pair, some only nearly, none."""
    rng = np.random.default_rng(seed)
    for some_fit in (True, True, True, False):
        pairs = [_pair(rng, 16, 16, 20) for _ in range(int(rng.integers(2, 5)))]
        reported = round(float(rng.uniform(0.4, 0.9)), 2)
        protocols = _protocols(rng, pairs, reported, some_fit)
        means = {name: np.mean([one(*pair) for pair in pairs]) for name, one in protocols.items()}
        expected = [name for name, mean in means.items() if abs(mean - reported) < 0.005]
        given = call(detective, pairs, reported, protocols)
        if given is None:
            fail("your `detective` gave None, not a list: does it end in `return`?")
        try:
            answer = [given] if isinstance(given, str) else plain(list(given))
        except TypeError:
            fail(f"your `detective` gave {given!r}, not a list of names.")
        if answer != expected:
            mistakes = [
                ("return all names that fit, as a list, not only the first.", expected[:1]),
                ("take the mean over all pairs, not the first pair alone.",
                 [name for name, one in protocols.items() if abs(one(*pairs[0]) - reported) < 0.005]),
                ("round the mean to two decimals: exact equality finds none.", []),
                ("return the names in the order of `protocols`.", answer if sorted(map(str, answer)) == sorted(expected) else expected),
                ("each of a protocol's means counts once, when it *rounds* to the reported number; 0.005 away is the limit, 0.01 away is too far.",
                 [name for name, mean in means.items() if abs(mean - reported) < 0.01]),
                ("round to two decimals; cutting the other decimals off is something else.",
                 [name for name, mean in means.items() if abs(int(mean * 100) / 100 - reported) < 1e-9]),
                ("round the mean, not the values of the single pairs.",
                 [name for name, one in protocols.items()
                  if abs(round(float(np.mean([round(one(*pair), 1) for pair in pairs])), 2) - reported) < 1e-9]),
            ]
            words = next((words for words, wrong in mistakes if answer == wrong and wrong != expected),
                         "for each protocol: mean over the pairs, rounded to two decimals, equal to the reported number?")
            shown = ", ".join(f"{name[-1]} {mean:.4f}" for name, mean in means.items())
            fail(f"the reported mean is {reported:.2f}, the protocols' means are {shown}; your `detective` gave {answer}, "
                 f"fitting are {expected}: {words}")
    passed("your detective finds every protocol that fits the reported number, and no other.")


# ---------------------------------------------------------------- exercise 4

def _price(candidates, probability) -> tuple[float, float]:
    mean = np.tensordot(probability, candidates, axes=1)
    of_mean = float(np.dot(probability, np.mean((candidates - mean) ** 2, axis=(1, 2))))
    errors = np.mean((candidates[:, None] - candidates[None]) ** 2, axis=(2, 3))
    return of_mean, float(probability @ errors @ probability)


def check_price(price, seed: int = 0) -> None:
    """Two candidates with equal and unequal probabilities, then several."""
    rng = np.random.default_rng(seed)
    cases = [(2, np.array([0.5, 0.5])), (2, np.array([0.8, 0.2]))]
    cases += [(count, rng.dirichlet(np.ones(count))) for count in (3, int(rng.integers(4, 8)))]
    for count, probability in cases:
        candidates = rng.uniform(0, 255, (count, 5, 7)).round()
        expected = _price(candidates, probability)
        given = call(price, candidates, probability)
        try:
            answer = tuple(np.asarray(list(given), float).ravel().tolist())
        except (TypeError, ValueError):
            answer = ()
        if len(answer) != 2:
            shown = " ".join(repr(given).split())
            fail(f"your `price` gave {shown if len(shown) < 90 else shown[:90] + '…'}, not the pair of numbers (MSE of the mean answer, MSE of the "
                 "drawn answer)" + (": does it end in `return`?" if given is None else "."))
        if all(_near(a, b, 1e-5 * b) for a, b in zip(answer, expected)):
            continue
        shown = ", ".join(f"{p:.3g}" for p in probability)
        start = f"for {count} candidates with the probabilities {shown} your `price` gave ({answer[0]:.6g}, {answer[1]:.6g}); " \
                f"it is ({expected[0]:.6g}, {expected[1]:.6g}): "
        fail(start + _price_hint(answer, expected, candidates, probability))
    passed("the drawn answer costs exactly twice the error of the mean answer, 3.01 dB, whatever the candidates are.")


def _price_hint(answer, expected, candidates, probability) -> str:
    flat = candidates.mean(axis=0)
    mean = np.tensordot(probability, candidates, axes=1)
    errors = np.mean((candidates[:, None] - candidates[None]) ** 2, axis=(2, 3))
    best = int(np.argmax(probability))
    of_mean = {
        "the mean answer is weighted by the probabilities.":
            float(np.dot(probability, np.mean((candidates - flat) ** 2, axis=(1, 2)))),
        "weight each truth's error by its probability.": float(np.mean((candidates - mean) ** 2)),
        "the probabilities count in the mean answer and in its expected error.": float(np.mean((candidates - flat) ** 2)),
        "take the mean over the pixels, not their sum.": expected[0] * candidates[0].size,
        "errors are squared.": float(np.dot(probability, np.mean(np.abs(candidates - mean), axis=(1, 2)))),
    }
    of_drawn = {
        "this is the most probable plate's error; a drawn answer can be any of them.": float(probability @ errors[best]),
        "truth and answer can be the same candidate; that pair counts too, with error 0.":
            expected[1] / max(1e-12, 1 - float(probability @ probability)),
        "weight each pair by both probabilities.": float(errors.mean()),
        "weight each pair by the probability of the truth and that of the answer.": float((probability @ errors).mean()),
        "this is half of it: each pair of truth and answer counts in both orders, and the error is the distance of the "
        "answer from the truth, not from the mean.": expected[0],
        "take the mean over the pixels, not their sum.": expected[1] * candidates[0].size,
        "add the pairs' errors with their probabilities p·q; nothing else is to be multiplied.": float(errors.sum()),
    }
    if not _near(answer[0], expected[0], 1e-5 * expected[0]):
        if _near(answer[0], expected[1], 1e-5 * expected[1]) and _near(answer[1], expected[0], 1e-5 * expected[0]):
            return "first the mean answer, then the drawn one."
        return "the first number is wrong: " + _hint(answer[0], of_mean, expected[0], "mean answer first, then the average of its MSE "
                                                    "over the truths.", 1e-5 * expected[0])
    return "the second number is wrong: " + _hint(answer[1], of_drawn, expected[1], "every pair of truth and answer has a probability of its own; what is "
                                                 "it, as the two are independent?",
                                                 1e-5 * expected[1])
