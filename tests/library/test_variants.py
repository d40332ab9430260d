"""Generators of the related work: they start as the identity, take sizes they say, and cost what they promise."""

import numpy as np
import pytest

from course_lib import networks, parameters, variants
from course_lib.backend import keras, tf

SMALL = {"multiscale": lambda **more: variants.multiscale(width=4, blocks=1, **more),
         "nafnet": lambda **more: variants.nafnet(width=4, blocks=1, stages=3, **more)}


@pytest.fixture
def image():
    return np.random.default_rng(0).uniform(-1, 1, (2, 16, 24, 3)).astype(np.float32)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("dtype", [None, "mixed_bfloat16"])
def test_a_new_network_returns_its_input(name, dtype, image):
    output = SMALL[name](dtype=dtype)(image).numpy()
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, image, atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_learns(name, image):
    """From a start that is not zero, the loss moves all of them: no scale or block is left out."""
    model = SMALL[name]()
    rng = np.random.default_rng(1)
    model.set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in model.get_weights()])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(0.3 * image, training=True) - 0.1))
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights)):
        assert gradient is not None and np.abs(gradient).max() > 0, weight.path


@pytest.mark.parametrize("name", SMALL)
def test_no_pixel_depends_on_the_whole_photograph(name):
    model = SMALL[name]()
    rng = np.random.default_rng(2)
    model.set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in model.get_weights()])
    image = np.zeros((1, 16, 512, 3), np.float32)
    changed = image.copy()
    changed[:, :, -8:] = 0.5
    difference = np.abs(model(image).numpy() - model(changed).numpy()).max(axis=(0, 1, 3))
    assert difference[-8:].max() > 0 and difference[:64].max() == 0


def random(model, seed=3):
    """The model with weights of no special kind."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) if "variance" in w.path else 0.1 * rng.standard_normal(w.shape)
                       for w in model.weights])
    return model


@pytest.mark.parametrize("build", [networks.generator, variants.nafnet, variants.multiscale])
def test_a_widened_network_computes_the_same_and_its_copies_part_ways(build, image):
    narrow, wide = random(build(4, 2)), build(12, 2)
    variants.widen(narrow, wide)
    for training in (False, True):          # batch statistics of copies are those of the channel
        np.testing.assert_allclose(wide(image, training=training), narrow(image, training=training), atol=1e-4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(wide(image, training=True) - 0.1))
    kernel = next(w for w in wide.trainable_weights if "kernel" in w.path)
    gradient = tape.gradient(loss, kernel).numpy()
    assert (kernel.numpy()[..., 0] == kernel.numpy()[..., 1]).all() and not np.allclose(gradient[..., 0], gradient[..., 1])


@pytest.mark.parametrize("wide, words", [(lambda: networks.generator(6, 2), "multiple"),
                                         (lambda: networks.generator(8, 3), "weights; they may differ in width alone")])
def test_only_a_wider_network_is_widened(wide, words):
    with pytest.raises(ValueError, match=words):
        variants.widen(networks.generator(4, 2), wide())


def test_the_nafnet_costs_a_tenth_of_the_report():
    assert parameters.model_macs(variants.nafnet()) <= parameters.model_macs(networks.generator()) / 10


def test_the_multiscale_network_is_as_large_as_the_original():
    """About 11.7 million parameters, as later papers quote it; all kernels are 5 × 5."""
    model = variants.multiscale()
    kernels = {layer.kernel.shape[0] for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    assert kernels == {3, 5}            # the last one, which adds to the input, is shared with the NAFNet
    assert round(model.count_params() / 1e6, 1) == 11.7


@pytest.mark.parametrize("build, word", [(lambda: variants.multiscale(scales=0), "scales 0"),
                                         (lambda: variants.nafnet(stages=0), "stages 0"),
                                         (lambda: variants.nafnet(width=0), "width is 0"),
                                         (lambda: variants.build("resnet"), "report, multiscale, nafnet")])
def test_a_wrong_argument_is_named(build, word):
    with pytest.raises(ValueError, match=word):
        build()


def test_networks_are_built_by_name():
    assert variants.build(width=4, blocks=1).name == "generator"
    assert variants.build("nafnet", width=4, blocks=1).count_params() == variants.nafnet(4, 1).count_params()
