"""The fused batch normalisation against Keras' own: results, gradients, statistics, and every use of it."""

import numpy as np
import pytest

from course_lib import networks
from course_lib.backend import keras, tf
from course_lib.normalisation import BatchNormalization


def pair(dtype="float32", shape=(4, 6, 5, 3)):
    """Keras' layer and ours with the same variables, all different from their beginnings."""
    rng = np.random.default_rng(0)
    layers = [kind(momentum=0.9, epsilon=0.01, dtype=dtype) for kind in (keras.layers.BatchNormalization, BatchNormalization)]
    values = [rng.uniform(0.5, 2, shape[-1]) for _ in range(4)]
    for layer in layers:
        layer.build(shape)
        layer.set_weights(values)
    return layers, (3 * rng.normal(size=shape) + 1).astype(np.float32)


def results(layer, x, training):
    """Output, gradients of a function of it, and the moving statistics afterwards, in one call."""
    x = tf.cast(x, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        loss = tf.reduce_sum(tf.sin(tf.cast(y, "float32")))
    return [y, *tape.gradient(loss, [x, layer.gamma.value, layer.beta.value]), layer.moving_mean, layer.moving_variance]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(4, 6, 5, 3), (1, 1, 2, 3), (6, 3)])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-4), ("mixed_bfloat16", 3e-2)])
def test_equal_to_keras(training, shape, dtype, tolerance):
    (reference, ours), x = pair(dtype, shape)
    for expected, got in zip(results(reference, x, training), results(ours, x, training)):
        assert expected.dtype == got.dtype
        expected, got = (np.array(tf.cast(value, "float32")) for value in (expected, got))
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("training", [True, False])
def test_images_go_through_one_operation(training):
    (_, ours), x = pair()
    graph = tf.function(lambda x: ours(x, training=training)).get_concrete_function(tf.constant(x)).graph
    assert sum("FusedBatchNorm" in operation.type for operation in graph.get_operations()) == 1


def test_a_frozen_layer_keeps_its_statistics():
    (reference, ours), x = pair()
    before = [w.numpy() for w in ours.weights]
    for layer in (reference, ours):
        layer.trainable = False
    np.testing.assert_allclose(ours(x, training=True), reference(x, training=True), atol=1e-5)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, ours.weights))


def test_the_gradient_of_a_gradient_is_that_of_keras():
    """What a gradient penalty needs of a critic with batch normalisation."""
    layers, x = pair()
    found = []
    for layer in layers:
        image = tf.constant(x)
        with tf.GradientTape() as outer:
            outer.watch(image)
            with tf.GradientTape() as inner:
                inner.watch(image)
                score = tf.reduce_sum(tf.sin(layer(image, training=True)))
            slope = tf.reduce_sum(inner.gradient(score, image) ** 2)
        found.append(outer.gradient(slope, image).numpy())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-3, atol=1e-4 * np.abs(found[0]).max())


def test_the_networks_use_it_under_keras_name():
    for model in (networks.generator(width=4, blocks=1), networks.discriminator(32, width=4)):
        found = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert found and all(type(layer) is BatchNormalization for layer in found)
        assert all(layer.name.startswith("batch_normalization") for layer in found)


def test_a_whole_network_is_that_of_keras():
    """A generator of our layers and its clone of Keras' own: the same output and gradients."""
    def as_keras(layer):
        config = layer.get_config()
        return (keras.layers.BatchNormalization if isinstance(layer, BatchNormalization) else type(layer)).from_config(config)

    model = networks.generator(width=8, blocks=2)
    model.get_layer("conv2d_9").kernel.assign(np.random.default_rng(0).normal(size=(7, 7, 8, 3)) / 20)
    clone = keras.models.clone_model(model, clone_function=as_keras)
    clone.set_weights(model.get_weights())
    x = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 32, 32, 3)).astype(np.float32)
    found = []
    for one in (clone, model):
        with tf.GradientTape() as tape:
            output = one(x, training=True)
            loss = tf.reduce_mean(output ** 2)
        found.append((output, tape.gradient(loss, one.trainable_variables), one.non_trainable_variables))
    for expected, got in zip(*found):       # output; gradients; moving statistics
        expected, got = ([keras.ops.convert_to_numpy(value) for value in tf.nest.flatten(values)] for values in (expected, got))
        # A bias before a normalisation has no gradient but rounding: compared with the largest of its kind.
        scale = max(np.abs(value).max() for value in expected)
        for one, other in zip(expected, got, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-4 * scale)
