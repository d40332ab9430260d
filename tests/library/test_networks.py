"""The two networks: totals, shapes, variants and what a wrong argument says."""

import numpy as np
import pytest

from course_lib import faster, networks
from course_lib.backend import keras, tf


def trainable(model):
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def test_totals_of_table_1():
    generator, discriminator = networks.generator(), networks.discriminator()
    assert generator.count_params() == 11_399_171 and trainable(generator) == 11_388_675
    assert discriminator.count_params() == 3_098_370 and trainable(discriminator) == 3_096_450


@pytest.mark.parametrize("height, width", [(4, 8), (64, 32)])
@pytest.mark.parametrize("output", ["residual", "halved"])
def test_the_generator_takes_any_multiple_of_4_and_keeps_the_range(height, width, output):
    x = np.random.default_rng(0).uniform(-1, 1, (2, height, width, 3)).astype(np.float32)
    y = networks.generator(width=4, blocks=1, output=output)(x).numpy()
    assert y.shape == x.shape and y.dtype == np.float32
    assert np.abs(y).max() <= 1


def test_a_new_residual_generator_returns_its_input():
    x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(networks.generator(width=4, blocks=1)(x), x, atol=1e-6)
    assert not np.allclose(networks.generator(width=4, blocks=1, output="halved")(x), x, atol=0.1)


@pytest.mark.parametrize("output, together", [("residual", lambda x, y: np.clip(x + y, -1, 1)), ("halved", lambda x, y: (x + y) / 2)])
def test_the_input_meets_a_tanh(output, together):
    x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    model, bias = networks.generator(width=4, blocks=1, output=output), np.array([2.0, -2.0, 0.3])
    last = model.get_layer("conv2d_7")
    last.set_weights([np.zeros_like(last.get_weights()[0]), bias])
    np.testing.assert_allclose(model(x), together(x, np.tanh(bias)), atol=1e-6)


def test_dropout_is_noise_in_training_alone_and_has_no_parameters():
    x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    model, plain = (networks.generator(4, 2, "none", "halved", dropout) for dropout in (0.5, 0.0))
    model.set_weights(plain.get_weights())
    np.testing.assert_array_equal(model(x, training=False), plain(x))
    assert not np.allclose(model(x, training=True), model(x, training=True), atol=1e-4)
    for use in (model, faster.rewritten(model, fold=True)):     # as training calls it
        assert not np.allclose(use(x, training=True), plain(x), atol=1e-4)


def test_the_discriminator_gives_a_probability_or_a_score():
    x = np.random.default_rng(0).uniform(-1, 1, (3, 64, 64, 3)).astype(np.float32)
    for output, inside in (("sigmoid", True), ("linear", False)):
        model = networks.discriminator(size=64, width=8, output=output, normalisation="none")
        model.get_layer("dense_1").bias.assign([50.0])
        y = model(x).numpy()
        assert y.shape == (3, 1)
        assert (y.max() <= 1) == inside


def test_a_critic_without_batch_normalisation_judges_each_image_alone():
    x = np.random.default_rng(0).uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    for kind, alone in (("layer", True), ("instance", True), ("none", True), ("batch", False)):
        model = networks.discriminator(size=64, width=8, normalisation=kind, output="linear")
        together = model(x, training=True).numpy()[:1]
        single = model(x[:1], training=True).numpy()
        assert np.allclose(together, single, atol=1e-4) == alone, kind


def test_mixed_precision_keeps_weights_and_output_in_float32():
    model = networks.generator(width=4, blocks=1, dtype="mixed_bfloat16")
    assert model.get_layer("conv2d").compute_dtype == "bfloat16"
    assert {w.dtype for w in model.weights} == {"float32"}
    assert model(np.zeros((1, 8, 8, 3), np.float32)).dtype == "float32"


@pytest.mark.parametrize("call, message", [
    (lambda: networks.generator(output="tanh"), '"residual" or "halved"'),
    (lambda: networks.generator(dropout=1.0), "dropout is 1.0; it is a part of the values, from 0 to below 1"),
    (lambda: networks.generator(normalisation="group"), '"batch", "instance"'),
    (lambda: networks.generator(width=0), "width must be at least 1"),
    (lambda: networks.discriminator(size=100), "multiple of 16"),
    (lambda: networks.discriminator(output="tanh"), '"sigmoid" or "linear"'),
])
def test_a_wrong_argument_says_what_is_needed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_silent_blocks_add_nothing_and_learn_to():
    """Without them the generator computes the same; the scale of each block's end has a gradient."""
    model = networks.generator(8, blocks=2)
    rng = np.random.default_rng(0)
    model.get_layer("conv2d_9").set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in model.get_layer("conv2d_9").get_weights()])
    without = networks.generator(8, blocks=0)
    for mine, other in zip([f"conv2d_{i}" if i else "conv2d" for i in (0, 1, 2, 7, 8, 9)], [layer for layer in without.layers if "conv" in layer.name]):
        other.set_weights(model.get_layer(mine).get_weights())
    image = rng.uniform(-0.5, 0.5, (1, 16, 16, 3)).astype(np.float32)
    assert not np.allclose(model(image), without(image), atol=1e-5)
    networks.silence_blocks(model)
    np.testing.assert_allclose(model(image), without(image), atol=1e-5)
    silent = [weight for weight in model.trainable_weights if weight.name == "gamma" and not weight.numpy().any()]
    assert len(silent) == 2
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(image)))
    assert all(np.abs(gradient).max() > 0 for gradient in tape.gradient(loss, silent))


def test_models_survive_saving(tmp_path):
    model = networks.generator(width=4, blocks=1)
    model.save(tmp_path / "g.keras")
    again = keras.models.load_model(tmp_path / "g.keras")
    x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(model(x), again(x), atol=1e-6)
