"""Checks of lesson 01, The minimax game.

`seed` chooses the random cases; the visible and the hidden tests of an exercise differ in it.
"""

import numpy as np

from course_lib.checks import call, compare_array, compare_number, fail, number, passed


def _sigmoid(s):
    return 1 / (1 + np.exp(-s))


def _hint(given, mistakes: dict) -> str:
    """The words for the mistake that gives this answer, to rounding; "" for an unknown one."""
    for words, answer in mistakes.items():
        if np.shape(given) == np.shape(answer) and np.allclose(given, answer, rtol=1e-5, atol=1e-8, equal_nan=True):
            return words
    return ""


def _as_array(given, name: str, shape: tuple, what: str) -> np.ndarray:
    """What the student's function returned as a finite float array of this shape, or one sentence."""
    try:
        array = np.asarray(given, float)
    except (TypeError, ValueError):
        array = None
    if given is None or array is None:
        fail(f"your `{name}` gave {what} = {given!r}, not numbers" + (": does it end in `return`?" if given is None else "."))
    if array.shape != shape:
        fail(f"your `{name}` gave {what} of shape {array.shape}; the shape {shape} is needed.")
    if not np.all(np.isfinite(array)):
        fail(f"your `{name}` gave {what} with values that are not finite: is something divided by zero?")
    return array


def _pair(given, name: str, what: str) -> tuple:
    """Both parts of what should be a pair."""
    if given is None:
        fail(f"your `{name}` gave None, not the pair {what}: does it end in `return`?")
    try:
        first, second = given
    except (TypeError, ValueError):
        fail(f"your `{name}` gave {type(given).__name__}, not the pair {what}: return both, in this order.")
    return first, second


# ---------------------------------------------------------------- exercise 1

def check_value(value, seed: int = 0) -> None:
    """V of equation (1) from answers, with as many fakes as real ones and with another number of them."""
    rng = np.random.default_rng(seed)
    for n_real, n_fake in ((5, 5), (40, 40), (7, int(rng.integers(20, 60)))):
        D_real, D_fake = rng.uniform(0.05, 0.95, n_real), rng.uniform(0.05, 0.95, n_fake)
        for_real, for_fake = np.log(D_real), np.log(1 - D_fake)
        mistakes = {
            "fakes are scored by log(1 − D), not by log D.": for_real.mean() + np.log(D_fake).mean(),
            "fakes are scored by log(1 − D), not by −log D.": for_real.mean() - np.log(D_fake).mean(),
            "V is the sum of both means: the sign of the second is plus.": for_real.mean() - for_fake.mean(),
            "this is −V, the loss; return V itself.": -for_real.mean() - for_fake.mean(),
            "an expectation is a mean, not a sum.": for_real.sum() + for_fake.sum(),
            "take the mean over the real ones and the mean over the fakes, then add them: don't take one mean over all.":
                np.concatenate([for_real, for_fake]).mean(),
            "add both means; don't halve their sum.": (for_real.mean() + for_fake.mean()) / 2,
            "the logarithm comes before the mean.": np.log(D_real.mean()) + np.log(1 - D_fake.mean()),
            "log is the natural logarithm, np.log.": np.log10(D_real).mean() + np.log10(1 - D_fake).mean(),
        }
        compare_number(value, D_real, D_fake, expected=for_real.mean() + for_fake.mean(), source="equation (1)", tolerance=1e-4,
                       hint=lambda given: _hint(given, mistakes) or "add the mean of log D_real and the mean of log (1 − D_fake).")
    passed("your value agrees with equation (1), also for different numbers of real ones and fakes.")


# ---------------------------------------------------------------- exercise 2

def check_best(best_discriminator, seed: int = 0) -> None:
    """p/(p + q) for random densities, with places where one or both are 0."""
    rng = np.random.default_rng(seed)
    for size in (6, int(rng.integers(20, 40))):
        p, q = rng.uniform(0.01, 2, size), rng.uniform(0.01, 2, size)
        p[1], q[2] = 0, 0
        for empty in (False, True):
            if empty:
                p[4] = q[4] = 0
            with np.errstate(all="ignore"):
                ratio = p / (p + q)
                expected = np.where(p + q > 0, ratio, 0.5)
                mistakes = {
                    "this is the probability of a fake; p belongs into the numerator.": np.where(p + q > 0, q / (p + q), 0.5),
                    "divide by the sum p + q, not by q.": np.where(p + q > 0, p / q, 0.5),
                    "divide by p + q at each place, not by the sum of the whole array.": p / (p + q).sum(),
                    "say only how probable, don't decide: answers lie between 0 and 1.": (p > q).astype(float),
                    "where both are 0, answer 1/2.": np.where(p + q > 0, ratio, 0.0),
                    "where both are 0, the answer is 1/2, not 1.": np.where(p + q > 0, ratio, 1.0),
                    "answer 1/2 only where both are 0; where p alone is 0, the number is certainly fake.": np.where(p == 0, 0.5, ratio),
                    "answer 1/2 only where both are 0; where one of them is, the discriminator can be certain.": np.where((p == 0) | (q == 0), 0.5, ratio),
                }
            if empty:
                given = call(best_discriminator, p, q)
                if np.shape(given) == p.shape and np.asarray(given).dtype.kind == "f" and np.isnan(np.asarray(given)[4]):
                    fail("where p and q are both 0, your `best_discriminator` gave nan (0 divided by 0); answer 1/2 there: "
                         "np.where chooses between two arrays.")
            compare_array(best_discriminator, p, q, expected=expected, source="p / (p + q)", tolerance=1e-5,
                          hint=lambda given: _hint(given, mistakes))
    passed("your discriminator is the best one, and undecided where nothing ever comes.")


# ---------------------------------------------------------------- exercise 3

def _kl(p, q) -> float:
    some = p > 0
    with np.errstate(all="ignore"):
        return float(np.sum(p[some] * np.log(p[some] / q[some])))


def check_jsd(jsd, seed: int = 0) -> None:
    """Equal, disjoint and random distributions, with zeros in either."""
    rng = np.random.default_rng(seed)

    def distribution(size, zeros=()):
        weights = rng.uniform(0.1, 1, size)
        weights[list(zeros)] = 0
        return weights / weights.sum()

    same = distribution(6)
    left, right = distribution(8, range(4)), distribution(8, range(4, 8))
    cases = [(distribution(5), distribution(5)), (same, same.copy()), (left, right), (distribution(9, (0, 3)), distribution(9, (3, 7))),
             (distribution(30), distribution(30))]
    for p, q in cases:
        m = (p + q) / 2
        expected = (_kl(p, m) + _kl(q, m)) / 2
        mistakes = {
            "halve the sum: this is 2 JSD.": 2 * expected,
            "both sums are needed, that of q, too.": _kl(p, m) / 2,
            "this is the first of the two sums alone.": _kl(p, m),
            "compare p and q with m = (p + q)/2, not with each other.": (_kl(p, q) + _kl(q, p)) / 2,
            "compare p and q with m = (p + q)/2, not p with q.": _kl(p, q),
            "m is half of p + q.": (_kl(p, p + q) + _kl(q, p + q)) / 2,
            "this is the value of the game; the JSD is half of what it exceeds −log 4 by.": 2 * expected - np.log(4),
            "log is the natural logarithm: log 2 is the largest JSD, not 1.": expected / np.log(2),
            "these are probabilities: add up, don't take a mean.": expected / len(p),
            "this is the root of the JSD.": np.sqrt(max(expected, 0)),
        }
        given = number(call(jsd, p, q))
        if given is not None and np.isnan(given) and not (p.all() and q.all()):
            fail("your `jsd` gave nan for distributions with zeros: 0 log 0 counts as 0, so add up only where p (or q) is above 0.")
        if not np.any((p > 0) & (q > 0)):
            mistakes = {"p and q nowhere overlap here; leave out the terms with p = 0 and those with q = 0, each from its own sum.": 0.0}
        different = {words: answer for words, answer in mistakes.items() if not np.isclose(answer, expected, atol=1e-9)}
        compare_number(jsd, p, q, expected=expected, source="half the sum of p log(p/m) and q log(q/m)", tolerance=1e-5,
                       hint=lambda given: _hint(given, different))
    passed("your JSD is 0 for equal distributions, log 2 = 0.693 for those that nowhere overlap, and right between.")


# ---------------------------------------------------------------- exercise 4

def check_pulls(pulls, seed: int = 0) -> None:
    """Minus the derivatives of log(1 − D) and −log D with respect to the score."""
    rng = np.random.default_rng(seed)
    for D in (np.array([0.1, 0.5, 0.8]), rng.uniform(0.02, 0.98, 20)):
        first, second = _pair(call(pulls, D), "pulls", "(saturating, non-saturating)")
        first, second = _as_array(first, "pulls", D.shape, "a pull"), _as_array(second, "pulls", D.shape, "a pull")
        mistakes = {
            "the order is (saturating, non-saturating).": (1 - D, D),
            "a pull is minus the derivative of the loss.": (-D, D - 1),
            "multiply by dD/ds = D(1 − D): these are derivatives with respect to D.": (1 / (1 - D), 1 / D),
            "a pull is minus the derivative, and with respect to s: multiply by dD/ds = D(1 − D).": (-1 / (1 - D), -1 / D),
            "these are the losses, not their derivatives.": (np.log(1 - D), -np.log(D)),
            "the saturating loss falls when the score rises, too: its pull is positive.": (-D, 1 - D),
            "the non-saturating loss is −log D: mind its minus.": (D, D - 1),
            "this is dD/ds; the losses are logarithms: use the chain rule.": (D * (1 - D), D * (1 - D)),
        }
        if np.allclose(first, D, atol=1e-9) and np.allclose(second, 1 - D, atol=1e-9):
            continue
        words = next((w for w, (a, b) in mistakes.items() if np.allclose(first, a) and np.allclose(second, b)), "")
        which, given, expected = ("saturating", first, D) if not np.allclose(first, D, atol=1e-9) else ("non-saturating", second, 1 - D)
        i = int(np.argmax(np.abs(given - expected)))
        fail(f"for D = {D[i]:.3g} your {which} pull is {given[i]:.4g}, but it is {expected[i]:.4g}: "
             + (words or "derive the loss with respect to D, then multiply by dD/ds = D(1 − D), and change the sign."))
    passed("the saturating pull is D, gone when the discriminator is sure; the non-saturating one is 1 − D.")


# ---------------------------------------------------------------- exercise 5

def _powers(x):
    return np.stack([np.ones_like(x), x, x**2])


def _round(g, d, real, noise, rate_d, rate_g, *, sign_d=1, sign_g=1, rows=None, saturating=False, old=False, total=False, last=True,
           chain=True, only_real=False, swapped=False, two=2, by_z=True):
    """The reference; each keyword builds in one mistake."""
    mean = np.sum if total else np.mean
    d_before = d
    for x_real, z in list(zip(real, noise))[:rows]:
        x_fake = g[0] + g[1] * z
        if swapped:
            x_real, x_fake = x_fake, x_real
        D_real, D_fake = _sigmoid(d @ _powers(x_real)), _sigmoid(d @ _powers(x_fake))
        up = mean((1 - D_real) * _powers(x_real), axis=1)
        if not only_real:
            up = up - mean(D_fake * _powers(x_fake), axis=1)
        d = d + sign_d * rate_d * up
    z = noise[-1] if last else noise[0]
    judge = d_before if old else d
    x_fake = g[0] + g[1] * z
    D = _sigmoid(judge @ _powers(x_fake))
    pull = (D if saturating else 1 - D) * (judge[1] + two * judge[2] * x_fake if chain else 1)
    return g + sign_g * rate_g * np.array([mean(pull), mean(pull * z if by_z else pull)]), d


MISTAKES = {        # what a wrong round did: what to do
    "the discriminator goes up the gradient of V, not down.": dict(sign_d=-1),
    "the generator goes up the gradient of log D(G(z)), not down.": dict(sign_g=-1),
    "the discriminator learns from every row of real, not from the first alone.": dict(rows=1),
    "use the non-saturating loss: its pull is 1 − D, not D.": dict(saturating=True),
    "the generator answers the newest discriminator, the one after its steps.": dict(old=True),
    "an expectation is a mean over the row, not a sum.": dict(total=True),
    "the generator uses the last row of noise, which the discriminator has not seen.": dict(last=False),
    "the chain rule has a link between score and fake: ds/dx = d₁ + 2 d₂ x.": dict(chain=False),
    "the score has d₂ x² in it: what is its derivative with respect to x?": dict(two=1),
    "G(z) = g₀ + g₁ z grows with g₁ at the rate z: each pull counts z times there, before the mean.": dict(by_z=False),
    "the fakes count in the discriminator's gradient, too: subtract the mean of D times (1, x, x²).": dict(only_real=True),
    "real numbers and fakes are swapped in the discriminator's step.": dict(swapped=True),
}


def _same(given, wanted) -> bool:
    return np.allclose(given, wanted, rtol=1e-5, atol=1e-5)             # float32 is enough


def _kept(play_round):
    """The student's function; it fails in one sentence when it changes g or d in place."""
    def play(g, d, *rest):
        before = g.copy(), d.copy()
        given = play_round(g, d, *rest)
        for name, now, was in zip("gd", (g, d), before):
            if not np.array_equal(now, was):
                raise ValueError(f"it changes `{name}` in place; write `{name} = {name} + …` instead of `{name} += …`")
        return given
    if callable(play_round):
        play.__name__ = getattr(play_round, "__name__", "play_round")
        return play
    return play_round


def check_round(play_round, seed: int = 0) -> None:
    """One round with one and with several discriminator steps; then 60 rounds, which bring the fakes to the real numbers."""
    rng = np.random.default_rng(seed)
    for k, n in ((1, 8), (3, 8), (2, 50)):
        g, d = rng.uniform(0.3, 1, 2), rng.normal(0, 0.5, 3)
        real, noise = rng.normal(2, 1, (k, n)), rng.standard_normal((k + 1, n))
        rate_d, rate_g = rng.uniform(0.05, 0.2, 2)
        arguments = (g, d, real, noise, float(rate_d), float(rate_g))
        new_g, new_d = _pair(call(_kept(play_round), *arguments), "play_round", "(g, d)")
        shapes = np.shape(new_g), np.shape(new_d)
        if shapes == ((3,), (2,)):
            fail("your `play_round` returned (d, g); the pair is (g, d).")
        new_g, new_d = _as_array(new_g, "play_round", (2,), "g"), _as_array(new_d, "play_round", (3,), "d")
        want_g, want_d = _round(*arguments)
        if _same(new_g, want_g) and _same(new_d, want_d):
            continue
        words = next((w for w, keys in MISTAKES.items() if all(_same(a, b) for a, b in zip((new_g, new_d), _round(*arguments, **keys)))), "")
        which, given, want = ("d", new_d, want_d) if not _same(new_d, want_d) else ("g", new_g, want_g)
        general = {"d": "for each row add rate_d times (mean of (1 − D)·(1, x, x²) over the real ones − mean of D·(1, x, x²) over the fakes).",
                   "g": "the discriminator is right; the generator's gradient is the mean of (1 − D) · (d₁ + 2 d₂ x) · (1, z), with x = G(z)."}
        fail(f"after one round with k = {k} your {which} is {np.round(given, 4).tolist()}, it should be {np.round(want, 4).tolist()}: "
             + (words or general[which]))
    rounds = [(rng.normal(1, 2, (1, 500)), rng.standard_normal((2, 500)), 0.05, 0.4) for _ in range(60)]
    start = np.array([0.0, 1.0]), np.zeros(3)
    (g, d), (want_g, want_d) = call(_all(rounds, play_round), *start), _all(rounds, _round)(*start)
    moved = f"the fakes went from mean 0 to {float(g[0]):.1f} and from spread 1 to {abs(float(g[1])):.1f}"
    if not (np.allclose(g, want_g, atol=0.01) and np.allclose(d, want_d, atol=0.01)):
        fail(f"single rounds are right, but in {len(rounds)} of them {moved}, and should have come to {want_g[0]:.1f} and {abs(want_g[1]):.1f}: "
             "does your function keep something from one call to the next?")
    passed(f"in {len(rounds)} rounds of yours {moved}; the real numbers have 1 and 2.")


def _all(rounds, play_round):
    """The function that plays all these rounds, from g and d, under the name of the student's."""
    def play(g, d):
        for one in rounds:
            g, d = play_round(g, d, *one)
        return g, d
    play.__name__ = getattr(play_round, "__name__", "play_round")
    return play
