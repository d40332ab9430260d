"""Lesson 07: the stubs fail, the solutions pass in any right form, and wrong answers get a message that helps."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib import diagrams, losses
from course_lib.backend import keras, tf
from course_lib.checks import CheckFailed, lesson_07

HIDDEN = {"check_adam": 71, "check_content_step": 72, "check_critic_step": 73, "check_hours": 74,      # seeds of the lesson's
          "check_gan_step_critic": 75, "check_gan_step": 76}                                            # hidden tests


def adam(w, g, m, v, t, rate, beta_1, beta_2, epsilon, sign=-1, correct=(1, 1), inside=0, power=2, late=0, root=0.5):
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * np.abs(g) ** power
    m_hat, v_hat = m / (1 - beta_1 ** (t + late)) ** correct[0], v / (1 - beta_2 ** (t + late)) ** correct[1]
    return w + sign * rate * m_hat / ((v_hat + inside * epsilon) ** root + (1 - inside) * epsilon), m, v


def adam_swapped(w, g, m, v, t, rate, beta_1, beta_2, epsilon):
    return adam(w, g, m, v, t, rate, beta_2, beta_1, epsilon)


def adam_returns_corrected(w, g, m, v, t, rate, beta_1, beta_2, epsilon):
    w, m, v = adam(w, g, m, v, t, rate, beta_1, beta_2, epsilon)
    return w, m / (1 - beta_1**t), v


def content_step(generator, optimizer, blurred, sharp, training=True, loss=losses.l1, factor=1.0):
    with tf.GradientTape() as tape:
        value = factor * tf.reduce_mean(loss(sharp, generator(blurred, training=training)))
    weights = generator.trainable_variables
    optimizer.apply(tape.gradient(value, weights), weights)


def critic_step(critic, optimizer, sharp, output, mix, sign=1.0, penalty=10.0, real=1.0, swap=False, power=1):
    with tf.GradientTape() as tape:
        loss = sign * (tf.reduce_mean(critic(output, training=True)) - real * tf.reduce_mean(critic(sharp, training=True)))
        ends = (output, sharp) if swap else (sharp, output)
        loss += penalty * tf.reduce_mean(losses.gradient_penalty(critic, *ends, mix) ** power)
    weights = critic.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)


def gan_step(generator, critic, generator_optimizer, critic_optimizer, blurred, sharp, mixes, content_weight, adversarial_weight,
             late=False, sign=-1.0, training=True, step=critic_step, content=True):
    output = generator(blurred, training=training)
    if not late:
        for mix in mixes:
            step(critic, critic_optimizer, sharp, output, mix)
    with tf.GradientTape() as tape:
        new = generator(blurred, training=training)
        loss = sign * adversarial_weight * tf.reduce_mean(critic(new, training=True))
        if content:
            loss += content_weight * tf.reduce_mean(losses.l1(sharp, new))
    weights = generator.trainable_variables
    generator_optimizer.apply(tape.gradient(loss, weights), weights)
    if late:
        for mix in mixes:
            step(critic, critic_optimizer, sharp, output, mix)


def hours(gmacs, images, epochs, rate):
    return 2 * gmacs * images * epochs / rate / 3600


# Other right ways -----------------------------------------------------------------------------

def content_by_keras(generator, optimizer, blurred, sharp):
    generator.compile(optimizer, "mean_absolute_error")
    generator.train_on_batch(blurred, sharp)


@tf.function
def content_compiled(generator, optimizer, blurred, sharp):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.abs(sharp - generator(blurred, training=True)))
    optimizer.apply_gradients(zip(tape.gradient(loss, generator.trainable_weights), generator.trainable_weights))


def critic_together(critic, optimizer, sharp, output, mix):
    """One call for both halves, and the penalty written out."""
    n = len(sharp)
    with tf.GradientTape() as tape:
        answers = critic(tf.concat([output, sharp], 0))
        between = mix * sharp + (1 - mix) * output
        with tf.GradientTape() as inner:
            inner.watch(between)
            total = tf.reduce_sum(critic(between))
        slope = tf.norm(tf.reshape(inner.gradient(total, between), (n, -1)), axis=1)
        loss = tf.reduce_mean(answers[:n]) - tf.reduce_mean(answers[n:]) + 10 * tf.reduce_mean((slope - 1) ** 2)
    optimizer.apply_gradients(zip(tape.gradient(loss, critic.trainable_weights), critic.trainable_weights))


def gan_in_one(generator, critic, generator_optimizer, critic_optimizer, blurred, sharp, mixes, content_weight, adversarial_weight):
    """One persistent tape, the output computed once and made a constant for the critic."""
    with tf.GradientTape(persistent=True) as tape:
        output = generator(blurred, training=True)
        with tape.stop_recording():
            for mix in mixes:
                critic_together(critic, critic_optimizer, sharp, tf.stop_gradient(output), mix)
        loss = content_weight * keras.losses.mean_absolute_error(sharp, output)
        loss = tf.reduce_mean(loss) - adversarial_weight * tf.reduce_mean(critic(output))
    weights = generator.trainable_weights
    generator_optimizer.apply(tape.gradient(loss, weights), weights)


RIGHT = [
    (lesson_07.check_adam, adam),
    (lesson_07.check_adam, lambda *given: list(adam(*given))),
    (lesson_07.check_adam, lambda *given: np.array(adam(*given))),
    (lesson_07.check_adam, lambda *given: tf.stack(adam(*given))),
    (lesson_07.check_content_step, content_step),
    (lesson_07.check_content_step, content_by_keras),
    (lesson_07.check_content_step, content_compiled),
    (lesson_07.check_critic_step, critic_step),
    (lesson_07.check_critic_step, critic_together),
    (lesson_07.check_hours, hours),
    (lesson_07.check_gan_step_critic, gan_step),
    (lesson_07.check_gan_step, gan_step),
    (lesson_07.check_gan_step, gan_in_one),
    (lesson_07.check_gan_step, lambda *given: gan_step(*given, step=critic_together)),
]


@pytest.mark.parametrize("seed", [0, "hidden"])
@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(check, answer, seed, capfd):
    assert check(answer, seed=HIDDEN[check.__name__] if seed == "hidden" else seed) is None
    out, err = capfd.readouterr()
    assert out.startswith("Correct:") and err == ""


# Wrong ones -----------------------------------------------------------------------------------

def with_mistake(function, **mistake):
    return lambda *given: function(*given, **mistake)


def own_optimizer(generator, optimizer, blurred, sharp):
    content_step(generator, keras.optimizers.Adam(), blurred, sharp)


def squared(sharp, output):
    return tf.reduce_mean((sharp - output) ** 2, axis=(1, 2, 3))


def summed(sharp, output):
    return tf.reduce_sum(tf.abs(sharp - output), axis=(1, 2, 3))


def absolute(critic, optimizer, sharp, output, mix, of=tf.abs):
    with tf.GradientTape() as tape:
        loss = of(tf.reduce_mean(critic(output, training=True)) - tf.reduce_mean(critic(sharp, training=True)))
        loss += 10.0 * tf.reduce_mean(losses.gradient_penalty(critic, sharp, output, mix))
    optimizer.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)


def image_by_image(generator, optimizer, blurred, sharp):
    for i in range(len(sharp)):
        content_step(generator, optimizer, blurred[i:i + 1], sharp[i:i + 1])


def whole_sum(sharp, output):
    return tf.reduce_sum(tf.abs(sharp - output))


def moves_both(generator, critic, generator_optimizer, critic_optimizer, blurred, sharp, mixes, content_weight, adversarial_weight):
    output = generator(blurred, training=True)
    for mix in mixes:
        critic_step(critic, critic_optimizer, sharp, output, mix)
    with tf.GradientTape() as tape:
        output = generator(blurred, training=True)
        loss = content_weight * tf.reduce_mean(losses.l1(sharp, output)) - adversarial_weight * tf.reduce_mean(critic(output, training=True))
    weights = generator.trainable_variables + critic.trainable_variables
    generator_optimizer.apply(tape.gradient(loss, weights), weights)


WRONG = [
    (lesson_07.check_adam, with_mistake(adam, correct=(0, 0)), "1 − βᵗ"),
    (lesson_07.check_adam, with_mistake(adam, correct=(1, 0)), "v needs its correction"),
    (lesson_07.check_adam, with_mistake(adam, correct=(0, 1)), "m needs its correction"),
    (lesson_07.check_adam, adam_swapped, "β₁ belongs to m"),
    (lesson_07.check_adam, with_mistake(adam, root=1), "square root of v, both"),
    (lesson_07.check_adam, with_mistake(adam, inside=1), "outside the square root"),
    (lesson_07.check_adam, with_mistake(adam, power=1), "mean of g²"),
    (lesson_07.check_adam, lambda *given: adam(*given[:-1], given[-1] / np.sqrt(1 - given[-2] ** given[4])), "not to that of v itself"),
    (lesson_07.check_adam, with_mistake(adam, sign=1), "subtract"),
    (lesson_07.check_adam, with_mistake(adam, late=1), "t counts from 1"),
    (lesson_07.check_adam, adam_returns_corrected, "return m itself"),
    (lesson_07.check_adam, lambda w, g, m, *rest: (adam(w, g, m, *rest)[0], rest[3] * m + g, adam(w, g, m, *rest)[2]), "factor 1 − β is missing"),
    (lesson_07.check_adam, lambda *given: adam(*given)[1:] + adam(*given)[:1], "the new w: return w, m, v in this order"),
    (lesson_07.check_adam, lambda *given: adam(*given)[0], "three things"),
    (lesson_07.check_adam, lambda *given: None, "return"),
    (lesson_07.check_content_step, with_mistake(content_step, training=False), "training=True"),
    (lesson_07.check_content_step, with_mistake(content_step, loss=squared), "not of their squares"),
    (lesson_07.check_content_step, with_mistake(content_step, factor=-1.0), "sign"),
    (lesson_07.check_content_step, with_mistake(content_step, factor=4.0), "4 times as far"),
    (lesson_07.check_content_step, with_mistake(content_step, loss=summed), "mean over the batch"),
    (lesson_07.check_content_step, lambda g, o, b, s: content_step(g, o, s, b), "given the blurred images"),
    (lesson_07.check_content_step, lambda g, o, b, s: None, "did not change"),
    (lesson_07.check_content_step, with_mistake(content_step, loss=whole_sum), "mean over the batch"),
    (lesson_07.check_content_step, image_by_image, "steps taken.*: 4, there should be 1"),
    (lesson_07.check_content_step, own_optimizer, "not one of your own"),
    (lesson_07.check_critic_step, with_mistake(critic_step, sign=-1.0), r"D\(output\) − D\(sharp\)"),
    (lesson_07.check_critic_step, with_mistake(critic_step, penalty=0.0), "belongs to the loss"),
    (lesson_07.check_critic_step, with_mistake(critic_step, penalty=1.0), "counts 10 times"),
    (lesson_07.check_critic_step, with_mistake(critic_step, real=0.0), "sharp images belong"),
    (lesson_07.check_critic_step, with_mistake(critic_step, swap=True), "in this order"),
    (lesson_07.check_critic_step, with_mistake(critic_step, power=2), "squared the bracket already"),
    (lesson_07.check_critic_step, absolute, r"D\(output\) − D\(sharp\)"),
    (lesson_07.check_critic_step, with_mistake(absolute, of=tf.nn.relu), "term by term"),
    (lesson_07.check_critic_step, lambda *given: None, "did not change"),
    (lesson_07.check_hours, lambda *given: hours(*given) / 2, "two operations"),
    (lesson_07.check_hours, lambda *given: hours(*given) * 3600, "3,600 seconds"),
    (lesson_07.check_hours, lambda *given: hours(*given) * 3, "forward and backward"),
    (lesson_07.check_hours, lambda *given: hours(*given) / 24, "not days"),
    (lesson_07.check_hours, lambda *given: hours(*given) / 4, "don't divide"),
    (lesson_07.check_hours, lambda *given: hours(*given) / 16, "batch size"),
    (lesson_07.check_hours, lambda *given: 3.0, "operations per second"),
    (lesson_07.check_gan_step_critic, lambda *given: None, "did not change"),
    (lesson_07.check_gan_step_critic, with_mistake(gan_step, step=with_mistake(critic_step, penalty=0.0)), "belongs to the loss"),
    (lesson_07.check_gan_step_critic, with_mistake(gan_step, step=with_mistake(critic_step, sign=-1.0)), r"D\(output\) − D\(sharp\)"),
    (lesson_07.check_gan_step_critic, lambda *given: gan_step(*given[:6], given[6][:1], *given[7:]), "each of `mixes`"),
    (lesson_07.check_gan_step_critic, with_mistake(gan_step, step=absolute), r"D\(output\) − D\(sharp\)"),
    (lesson_07.check_gan_step_critic, moves_both, "generator's weights alone"),
    (lesson_07.check_gan_step_critic, lambda g, c, go, co, *given: gan_step(g, c, co, go, *given), "steps taken"),
    (lesson_07.check_gan_step, with_mistake(gan_step, late=True), "critic's steps come first"),
    (lesson_07.check_gan_step, with_mistake(gan_step, sign=1.0), "high answer"),
    (lesson_07.check_gan_step, with_mistake(gan_step, training=False), "training=True"),
    (lesson_07.check_gan_step, with_mistake(gan_step, content=False), "times content_weight, belongs"),
    (lesson_07.check_gan_step, lambda *given: gan_step(*given[:8], 0.0), "times adversarial_weight, belongs"),
    (lesson_07.check_gan_step, lambda *given: gan_step(*given[:7], 100.0, given[8]), "content_weight that is given"),
    (lesson_07.check_gan_step, lambda *given: gan_step(*given[:8], 1.0), "multiply the adversarial loss"),
]


SLOW = lesson_07.check_gan_step_critic, lesson_07.check_gan_step       # seconds each: one start only


@pytest.mark.parametrize("check, answer, words, seed", [(*wrong, seed) for wrong in WRONG
                                                        for seed in ([0] if wrong[0] in SLOW else [0, 75])])
def test_wrong_answers_fail_with_a_message_that_helps(check, answer, words, seed):
    with pytest.raises(CheckFailed) as failure:
        check(answer, seed=seed)
    assert re.search(words, str(failure.value)), str(failure.value)
    assert len(str(failure.value)) < 450


@pytest.mark.parametrize("check", sorted({check for check, _ in RIGHT}, key=lambda check: check.__name__), ids=lambda check: check.__name__)
def test_stubs_fail(check):
    def stub(*given):
        raise NotImplementedError("say what is missing")

    with pytest.raises(CheckFailed, match="not written yet: say what is missing"):
        check(stub)
    with pytest.raises(CheckFailed, match="a function is needed"):
        check(3)


def test_an_error_inside_is_one_sentence():
    with pytest.raises(CheckFailed, match="your `broken.*ValueError: no gradients"):
        def broken(*given):
            raise ValueError("no gradients")
        lesson_07.check_content_step(broken)


def test_the_reference_is_the_librarys_step():
    """`DeblurGAN.step` moves both networks exactly as the step written out in the checks."""
    for seed in (0, 75):
        game = lesson_07._Game(seed)
        for steps, right in enumerate(game.by_library(2), 1):
            for name, motion in right.items():
                assert lesson_07._off(game.moved(name, steps), motion) < 1e-5


def test_adam_is_kerass():
    """Exercise 1 against the optimizer that trains the course's networks."""
    rng = np.random.default_rng(0)
    weight = keras.Variable(rng.normal(size=5).astype(np.float32))
    optimizer = keras.optimizers.Adam(0.01, 0.9, 0.999, 1e-8)
    w, m, v = weight.numpy().astype(float), 0.0, 0.0
    for t in range(1, 6):
        g = rng.normal(size=5).astype(np.float32)
        optimizer.apply([g], [weight])
        w, m, v = adam(w, g.astype(float), m, v, t, 0.01, 0.9, 0.999, 1e-8)
        np.testing.assert_allclose(weight.numpy(), w, rtol=1e-5)


def test_every_phase_of_the_step_can_be_drawn():
    for phase in ("1 generate", "2 critic learns", "3 generator learns"):
        figure = diagrams.gan_step(phase)
        assert {"generator", "critic", "blurred", "sharp", "output"} <= {text.get_text() for text in figure.axes[0].texts}
        plt.close(figure)
