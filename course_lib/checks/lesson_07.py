"""Checks of lesson 07, Training.

The exercises move the weights of small networks in place. A check lets the student's function and a
reference move the same weights from the same start, with plain gradient descent, and compares how
far and in which direction each network went. (Adam divides by the gradient's size, so with it a wrong
factor would not show; and where a gradient is nothing but rounding error it would magnify that error.)
`seed` chooses start and batch; the visible and the hidden tests of an exercise differ in it.
"""

import functools
import random

import numpy as np

from course_lib import losses, networks, training
from course_lib.backend import keras, tf
from course_lib.checks import call, compare_number, fail, passed
from course_lib.runs import SIZES

TOLERANCE = 0.01        # of the length of the right step; rounding in float32 makes differences below 0.001
PENALTY = 10.0          # of the slope, as in the report's reference [9]


# ---------------------------------------------------------------- exercise 1: Adam

def _adam(w, g, m, v, t, rate, beta_1, beta_2, epsilon, *, correct="mv", inside=False, square=True, root=True, sign=-1, late=0, swap=False,
          early=False):
    """Kingma & Ba, arXiv:1412.6980, Algorithm 1; the keywords build in a mistake each."""
    if swap:
        beta_1, beta_2 = beta_2, beta_1
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * (g**2 if square else np.abs(g))
    m_hat = m / (1 - beta_1 ** (t + late)) if "m" in correct else m
    v_hat = v / (1 - beta_2 ** (t + late)) if "v" in correct else v
    if early:                                               # as in Keras: ε is added to √v, then both are corrected
        epsilon = epsilon / np.sqrt(1 - beta_2**t)
    size = np.sqrt(v_hat + epsilon) if inside else (np.sqrt(v_hat) if root else v_hat) + epsilon
    return w + sign * rate * m_hat / size, m, v


ADAM_MISTAKES = {
    "divide m and v by 1 − βᵗ before you use them.": {"correct": ""},
    "v needs its correction, too, with β₂.": {"correct": "m"},
    "m needs its correction, too, with β₁.": {"correct": "v"},
    "β₁ belongs to m and β₂ to v.": {"swap": True},
    "ε stands outside the square root.": {"inside": True},
    "ε is added to the root of the corrected v, not to that of v itself.": {"early": True},
    "v is the running mean of g².": {"square": False},
    "m is divided by the square root of v, both corrected.": {"root": False},
    "the step goes against the gradient: subtract it.": {"sign": 1},
    "t counts from 1; use it as it is given.": {"late": 1},
}


def check_adam(adam, seed: int = 0) -> None:
    """Three weights over three steps, with common and with unusual settings; w, m and v after each."""
    rng = np.random.default_rng(seed)
    for rate, beta_1, beta_2, epsilon in [(0.1, 0.9, 0.999, 1e-8), (rng.uniform(0.01, 0.5), rng.uniform(0.3, 0.8), 0.95, 0.1)]:
        state = rng.normal(size=3), np.zeros(3), np.zeros(3)
        for t in (1, 2, 3):
            g = rng.normal(size=3)
            arguments = (state[0], g, *state[1:], t, rate, beta_1, beta_2, epsilon)
            expected = _adam(*arguments)
            given = call(adam, *arguments)
            given = list(given) if getattr(given, "ndim", 0) == 2 else given           # np.array([w, m, v])
            if not isinstance(given, (tuple, list)) or len(given) != 3:
                fail("your `adam` must return three things, `w, m, v`" + (": does it end in `return`?" if given is None else "."))
            try:
                given = [np.asarray(part, float).reshape(3) for part in given]
            except (TypeError, ValueError):
                fail("your `adam` must return `w, m, v` with the shapes that came in: three numbers each, here.")
            for name, mine, right in reversed(list(zip("wmv", given, expected))):      # w follows from m and v
                if not np.allclose(mine, right, rtol=1e-5, atol=1e-7):
                    likely = [words for words, mistake in ADAM_MISTAKES.items()
                              if np.allclose(mine, dict(zip("wmv", _adam(*arguments, **mistake)))[name], rtol=1e-5, atol=1e-7)]
                    if name != "w" and np.allclose(mine, right / (1 - (beta_1 if name == "m" else beta_2) ** t)):
                        likely = [f"a factor 1 − β is missing, or you corrected it already: return {name} itself, without the correction, "
                                  "as the next step goes on from it."]
                    likely += [f"this is the new {other}: return w, m, v in this order." for other, value in zip("wmv", expected)
                               if other != name and np.allclose(mine, value)]
                    fail(f"in step t = {t} with β₁ = {beta_1:.3g}, β₂ = {beta_2:.3g}, ε = {epsilon:.3g} your {name} is "
                         f"{np.round(mine, 5).tolist()}, the formula gives {np.round(right, 5).tolist()}: "
                         + (likely[0] if likely else f"compare your line for {name} with the formula."))
            state = expected
    passed("your Adam takes the same steps as Algorithm 1 of its authors.")


# ---------------------------------------------------------------- moving networks

class _Motion:
    """Where the trainable weights of a network were, and how far they have gone."""

    def __init__(self, network):
        self.weights = network.trainable_variables
        self.begin = [w.numpy() for w in self.weights]
        self.all = [(variable, variable.numpy()) for variable in network.variables]     # with normalisation's running averages

    def restart(self) -> None:
        for variable, value in self.all:
            variable.assign(value)

    @property
    def vector(self) -> np.ndarray:
        """Change of all weights since the start, as one float64 vector."""
        return np.concatenate([(w.numpy().astype(float) - b).ravel() for w, b in zip(self.weights, self.begin)])


def _off(mine: np.ndarray, right: np.ndarray) -> float:
    """Distance of two motions, in units of the right one's length."""
    return float(np.linalg.norm(mine - right) / np.linalg.norm(right))


def _judge(name: str, mine: np.ndarray, right: np.ndarray, optimizer, mistakes, when: str = "", steps: int = 1) -> None:
    """Fail unless the network called `name` went where it should; `mistakes` is {words: function that gives a motion}.

    steps: how many the optimizer takes if all is right.
    """
    start = f"{when}the weights of the {name}"
    if not np.any(mine):
        fail(f"{start} did not change: apply the gradients of its loss with the optimizer that is given.")
    if int(optimizer.iterations) == 0:
        fail(f"{start} changed, but the optimizer that is given took no step: use it, not one of your own.")
    if not np.all(np.isfinite(mine)):
        fail(f"{start} are no longer finite numbers: is something divided by zero?")
    off = _off(mine, right)
    if off <= TOLERANCE:
        return
    for words, motion in mistakes.items():
        if _off(mine, motion()) <= TOLERANCE:
            fail(f"{start} went the wrong way: {words}")
    if int(optimizer.iterations) != steps:
        fail(f"{start} went the wrong way: steps taken by the optimizer that is given: {int(optimizer.iterations)}, there should be {steps}.")
    factor = float(mine @ right / (right @ right))
    if factor != 0 and _off(mine, factor * right) <= TOLERANCE:
        fail(f"{start} moved {factor:.3g} times as far as they should: "
             + ("the sign of the loss is wrong." if abs(factor + 1) < TOLERANCE else
                "the loss is a mean over the batch, and each weight of a loss counts once."))
    angle = np.degrees(np.arccos(np.clip(factor * np.linalg.norm(right) / np.linalg.norm(mine), -1, 1)))
    fail(f"{start} moved {np.linalg.norm(mine) / np.linalg.norm(right):.3g} times as far as they should, {angle:.0f}° off the "
         "right direction: compare the loss with the text, term by term.")


def _do(function, *arguments) -> None:
    """Let the student's function work on the very networks, of which `call` would make copies."""
    if not callable(function):
        call(function)

    @functools.wraps(function)
    def work():
        function(*arguments)

    call(work)


def _images(rng) -> tuple:
    """A blurred and a sharp batch, such as the networks take; smooth noise does."""
    sharp = rng.uniform(-0.8, 0.8, (4, 32, 32, 3)).astype(np.float32)
    return tf.constant(0.5 * sharp + 0.5 * np.roll(sharp, 1, axis=2)), tf.constant(sharp)


def _spread(network, rng) -> None:
    """Give a last layer that starts at zero some weight, so that a gradient reaches every layer."""
    for weight in network.trainable_variables:
        if not np.any(weight.numpy()):
            weight.assign(rng.normal(0, 0.1, weight.shape))


def _opinion(critic, output, sharp) -> None:
    """Make a critic answer clearly, so that its part of a gradient shows, and higher for sharp images, where `abs` turns its loss round."""
    last = critic.get_layer("dense_1").kernel
    last.assign(last * (10 if tf.reduce_mean(critic(sharp)) > tf.reduce_mean(critic(output)) else -10))


def _descent(rate: float):
    return keras.optimizers.SGD(rate)


# ---------------------------------------------------------------- exercise 2: the content step

def _content(generator, optimizer, blurred, sharp, *, mode=True, loss=losses.l1, swap=False) -> None:
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(loss(blurred if swap else sharp, generator(sharp if swap else blurred, training=mode)))
    weights = generator.trainable_variables
    optimizer.apply(tape.gradient(value, weights), weights)


def check_content_step(content_step, seed: int = 0) -> None:
    """One step of a small generator on one batch, by the mean absolute difference."""
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    generator = networks.generator(width=4, blocks=1)
    _spread(generator, rng)
    batch, rate = _images(rng), float(rng.uniform(0.5, 1.5))
    motion = _Motion(generator)

    def moved(work, *arguments, **mistake):
        motion.restart()
        work(generator, _descent(rate), *arguments, **mistake)
        return motion.vector

    right = moved(_content, *batch)
    motion.restart()
    optimizer = _descent(rate)
    _do(content_step, generator, optimizer, *batch)
    mine = motion.vector
    _judge("generator", mine, right, optimizer, {
        "call it with training=True, so that batch normalisation uses the batch's own statistics.":
            lambda: moved(_content, *batch, mode=False),
        "the loss is the mean of the absolute differences, not of their squares.":
            lambda: moved(_content, *batch, loss=lambda a, b: tf.reduce_mean((a - b) ** 2, axis=(1, 2, 3))),
        "the generator is given the blurred images and its output is compared with the sharp ones.":
            lambda: moved(_content, *batch, swap=True),
    })
    passed(f"your step moves all {len(right):,} weights as the reference does, within 1%.")


# ---------------------------------------------------------------- exercise 3: the critic's step

def _critic(critic, optimizer, sharp, output, mix, *, sign=1, weight=PENALTY, swap=False, real=1.0, fake=1.0, power=1) -> None:
    with tf.GradientTape() as tape:
        loss = sign * (fake * tf.reduce_mean(critic(output, training=True)) - real * tf.reduce_mean(critic(sharp, training=True)))
        ends = (output, sharp) if swap else (sharp, output)
        loss += weight * tf.reduce_mean(losses.gradient_penalty(critic, *ends, mix) ** power)
    weights = critic.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)


CRITIC_MISTAKES = {
    "the critic raises its answer for sharp images and lowers it for the output, so the loss is D(output) − D(sharp).": {"sign": -1},
    f"the gradient penalty, times {PENALTY:g}, belongs to the loss.": {"weight": 0.0},
    f"the gradient penalty counts {PENALTY:g} times.": {"weight": 1.0},
    "gradient_penalty has squared the bracket already.": {"power": 2},
    "gradient_penalty takes the critic, the sharp images, the output and mix, in this order.": {"swap": True},
    "the answers for the sharp images belong to the loss, too.": {"real": 0.0},
    "the answers for the generator's output belong to the loss, too.": {"fake": 0.0},
}


def check_critic_step(critic_step, seed: int = 0) -> None:
    """One step of a small critic on sharp images and an output, with the gradient penalty."""
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    critic = networks.discriminator(32, "layer", "linear", width=8)
    _spread(critic, rng)
    output, sharp = _images(rng)
    _opinion(critic, output, sharp)
    batch = sharp, output, tf.constant(rng.uniform(size=(4, 1, 1, 1)).astype(np.float32))
    rate, motion = float(rng.uniform(0.005, 0.015)), _Motion(critic)

    def moved(**mistake):
        motion.restart()
        _critic(critic, _descent(rate), *batch, **mistake)
        return motion.vector

    right = moved()
    motion.restart()
    optimizer = _descent(rate)
    _do(critic_step, critic, optimizer, *batch)
    mine = motion.vector
    _judge("critic", mine, right, optimizer,
           {words: functools.partial(moved, **mistake) for words, mistake in CRITIC_MISTAKES.items()})
    passed("your step moves the critic as the reference does, gradient penalty included, within 1%.")


# ---------------------------------------------------------------- exercise 4: what it costs

def check_hours(hours, seed: int = 0) -> None:
    """The report's case and random ones; a MAC is two operations."""
    rng = random.Random(seed)
    for gmacs, images, epochs, rate in [(300, 500, 40, 1100), *((rng.randint(50, 400), 100 * rng.randint(1, 30), rng.randint(1, 200),
                                                                rng.randint(20, 900)) for _ in range(4))]:
        right = 2 * gmacs * images * epochs / rate / 3600
        hints = {"a MAC is two operations, a multiplication and an addition.": right / 2, "an hour has 3,600 seconds.": right * 3600,
                 "an hour has 60 · 60 seconds.": right * 60, "every epoch goes through all images again.": right / epochs,
                 "one epoch goes through all images.": right / images, "both are in units of 10⁹, which cancel.": right * 1e9,
                 "`gmacs` is for forward and backward together.": right * 3, "hours are asked for, not days.": right / 24,
                 "multiply by 2, don't divide: a MAC is two operations.": right / 4,
                 "the batch size does not matter: every image costs `gmacs`.": right / 16}
        compare_number(hours, gmacs, images, epochs, rate, expected=right, tolerance=1e-6 * right, source="the arithmetic",
                       hint=lambda given: next((words for words, value in hints.items() if abs(given - value) < 1e-6 * value),
                                               "operations divided by operations per second are seconds."))
    passed("at 1,100 GFLOP/s, 300 GMAC for each of 500 images in each of 40 epochs take about three hours.")


# ---------------------------------------------------------------- exercise 5: the whole step

def _settings(seed: int):
    return SIZES["smoke"].changed(objective="wgan-gp", content="l1", critic_steps=2, seed=seed, precision="float32",
                                  penalty=PENALTY, content_weight=3.0 + seed % 3, adversarial_weight=0.5)


def _gan(gan, blurred, sharp, mixes, *, late=False, mode=True, only_first=False, both=False, fooled=-1, critic=None, **weights) -> None:
    """`DeblurGAN.step` written out; the keywords build in a mistake each."""
    content, adversarial = (weights.get(name, getattr(gan.settings, name)) for name in ("content_weight", "adversarial_weight"))

    def train_critic():
        for mix in mixes[:1] if only_first else mixes:
            _critic(gan.critic, gan.critic_optimizer, sharp, tf.stop_gradient(output), mix, **(critic or {}))

    with tf.GradientTape() as tape:
        output = gan.generator(blurred, training=mode)
        with tape.stop_recording():
            if not late:
                train_critic()
        loss = content * tf.reduce_mean(losses.l1(sharp, output))
        loss += adversarial * fooled * tf.reduce_mean(gan.critic(output, training=True))
    variables = gan.generator.trainable_variables + (gan.critic.trainable_variables if both else [])
    gan.optimizer.apply(tape.gradient(loss, variables), variables)
    if late:
        train_critic()


GAN_MISTAKES = {
    "the critic's steps come first, the generator then learns from the critic as it has become.": {"late": True},
    "the generator wants a high answer, so its adversarial loss is minus the critic's mean answer.": {"fooled": 1},
    "the adversarial loss, times adversarial_weight, belongs to the generator's loss.": {"adversarial_weight": 0.0},
    "the content loss, times content_weight, belongs to the generator's loss.": {"content_weight": 0.0},
    "multiply the content loss by content_weight.": {"content_weight": 1.0},
    "multiply the content loss by the content_weight that is given.": {"content_weight": 100.0},
    "multiply the adversarial loss by adversarial_weight.": {"adversarial_weight": 1.0},
    "call the generator with training=True, so that batch normalisation uses the batch's own statistics.": {"mode": False},
    "the critic takes one step for each of `mixes`.": {"only_first": True},
    "the generator's step moves the generator's weights alone; the critic's stay where they are.": {"both": True},
    **{f"of the critic: {words}": {"critic": mistake} for words, mistake in CRITIC_MISTAKES.items()},
}


class _Game:
    """The library's GAN at one start, with plain gradient descent for both networks."""

    def __init__(self, seed: int):
        self.settings = _settings(seed)
        rng = np.random.default_rng([seed, 7])
        keras.utils.set_random_seed(seed)
        self.gan = training.DeblurGAN(self.settings, 10)
        self.gan.critic = networks.discriminator(self.settings.patch, "layer", "linear", width=8)      # a step in a moment
        for network in (self.gan.generator, self.gan.critic):
            _spread(network, rng)
        self.batches = [_images(rng) for _ in range(2)]
        blurred, sharp = self.batches[0]
        _opinion(self.gan.critic, self.gan.generator(blurred, training=True), sharp)
        self.motions = {"critic": _Motion(self.gan.critic), "generator": _Motion(self.gan.generator)}

    def restart(self) -> None:
        for motion in self.motions.values():
            motion.restart()
        self.gan.optimizer, self.gan.critic_optimizer = _descent(0.02), _descent(0.0002)

    def mixes(self, number: int) -> list:
        """The random numbers of the library's step: they depend on its seed and the count of critic steps alone."""
        count = self.settings.critic_steps
        return [tf.random.stateless_uniform((self.settings.batch, 1, 1, 1), seed=[self.settings.seed, number * count + i])
                for i in range(count)]

    def moved(self, name: str, steps: int, **mistake) -> np.ndarray:
        """The motion of one network when every step has this mistake."""
        self.restart()
        for number in range(steps):
            _gan(self.gan, *self.batches[number], self.mixes(number), **mistake)
        return self.motions[name].vector

    def by_library(self, steps: int) -> list[dict]:
        """The motions after each of the library's own steps."""
        self.restart()
        found = []
        for number in range(steps):
            self.gan.step(*self.batches[number], number)
            found.append({name: motion.vector for name, motion in self.motions.items()})
        return found

    def mistakes(self, name: str, steps: int) -> dict:
        """The motions of one network for the mistakes that can show in it, while the other one went right."""
        return {words: functools.partial(self.moved, name, steps, **mistake) for words, mistake in GAN_MISTAKES.items()
                if (not {"only_first", "both", "critic"} & set(mistake) if name == "generator" else
                    {"mode", "only_first", "both", "critic"} & set(mistake))}

    def play(self, gan_step, number: int) -> None:
        s, gan = self.settings, self.gan
        _do(gan_step, gan.generator, gan.critic, gan.optimizer, gan.critic_optimizer, *self.batches[number], self.mixes(number),
            s.content_weight, s.adversarial_weight)


def check_gan_step_critic(gan_step, seed: int = 0) -> None:
    """After one whole step the critic stands where the library's does."""
    game = _Game(seed)
    (right,) = game.by_library(1)
    game.restart()
    game.play(gan_step, 0)
    mine = game.motions["critic"].vector
    _judge("critic", mine, right["critic"], game.gan.critic_optimizer, game.mistakes("critic", 1), steps=game.settings.critic_steps)
    passed("after one step your critic stands where the library's does, within 1%.")


def check_gan_step(gan_step, seed: int = 0) -> None:
    """Two whole steps on two batches: after each, both networks stand where the library's do."""
    game = _Game(seed)
    right = game.by_library(2)
    game.restart()
    for number in range(2):
        game.play(gan_step, number)
        mine = {name: motion.vector for name, motion in game.motions.items()}
        optimizers = {"critic": game.gan.critic_optimizer, "generator": game.gan.optimizer}
        for name in ("critic", "generator"):
            _judge(name, mine[name], right[number][name], optimizers[name], game.mistakes(name, number + 1),
                   when=f"after step {number + 1} ", steps=(number + 1) * (game.settings.critic_steps if name == "critic" else 1))
    passed("after two steps on two batches both networks stand where those of `DeblurGAN.step` do, within 1%.")
