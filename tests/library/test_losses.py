"""Losses against their formulas, VGG16 against Keras' own, and what each sends into the generator."""

import numpy as np
import pytest

from course_lib import blur, evaluation, losses, networks, photos
from course_lib.backend import keras, tf

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def pairs():
    """Eight level-4 pairs as network input."""
    rng = np.random.default_rng(1)
    drawn = [blur.blur_patch(photos.load(name), 4, 64, rng) for name in photos.names("train")[:8]]
    return [photos.to_network(np.stack(images)) for images in zip(*drawn)]


@pytest.fixture(scope="module")
def perceptual():
    return {preprocess: losses.Perceptual(preprocess) for preprocess in (True, False)}


def test_l1_is_the_mean_absolute_difference_of_each_image():
    a, b = RNG.uniform(-1, 1, (2, 3, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(losses.l1(a, b), np.abs(a - b).mean(axis=(1, 2, 3)), rtol=1e-5)


def test_the_loss_in_decibels_is_minus_psnr():
    """To 0.01 dB far below 46 dB, from where it bends to a bottom; equal images have a finite loss and gradient."""
    sharp = RNG.integers(60, 200, (2, 16, 16, 3)).astype(np.uint8)
    noisy = np.uint8(sharp + RNG.integers(-50, 51, sharp.shape))
    expected = [-evaluation.psnr(a, b) for a, b in zip(sharp, noisy)]
    np.testing.assert_allclose(losses.minus_psnr(photos.to_network(sharp), photos.to_network(noisy)), expected, atol=0.01)
    image = tf.constant(photos.to_network(sharp))
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = losses.minus_psnr(photos.to_network(sharp), image)
    np.testing.assert_allclose(loss, -46.02, atol=0.01)
    assert np.isfinite(tape.gradient(loss, image)).all()


def test_vgg_features_are_those_of_keras_vgg16():
    """Keras' own architecture and preprocessing with the built-in weights gives the same features."""
    original = keras.applications.VGG16(include_top=False, weights=None)
    ours = losses.vgg_features()
    for name in losses.VGG_LAYERS:
        original.get_layer(name).set_weights(ours.get_layer(name).get_weights())
    theirs = keras.Model(original.input, original.get_layer("block3_conv3").output)
    image = RNG.integers(0, 256, (2, 32, 48, 3))
    expected = theirs(keras.applications.vgg16.preprocess_input(image.astype(np.float32))).numpy()
    np.testing.assert_allclose(ours(photos.to_network(image)), expected, rtol=1e-4, atol=1e-3 * expected.max())


def test_the_download_is_the_same_network(monkeypatch):
    """weights="keras" copies every layer of the model that Keras gives, here one with known weights."""
    known = keras.applications.VGG16(include_top=False, weights=None)
    monkeypatch.setattr(keras.applications, "VGG16", lambda include_top, weights: known)
    model = losses.vgg_features(weights="keras")
    for name in losses.VGG_LAYERS:
        np.testing.assert_array_equal(model.get_layer(name).kernel, known.get_layer(name).kernel)
    with pytest.raises(ValueError, match='"built-in" or "keras"'):
        losses.vgg_features(weights="imagenet")


def test_a_download_that_fails_is_one_sentence(monkeypatch):
    def fail(**_):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "VGG16", fail)
    with pytest.raises(ValueError, match=r'URL fetch failure.*use the weights "built-in"'):
        losses.vgg_features(weights="keras")


def test_vgg_stays_as_it_is():
    assert losses.vgg_features().trainable_weights == []


def test_perceptual_loss_is_zero_for_equal_images_and_grows_with_blur(pairs, perceptual):
    blurred, sharp = pairs
    for loss in perceptual.values():
        assert np.all(loss(sharp, sharp).numpy() == 0)
        half = (blurred + sharp) / 2
        assert np.all(loss(sharp, half).numpy() < loss(sharp, blurred).numpy())


def norm(gradient):
    return float(tf.linalg.global_norm([g for g in gradient if g is not None]))


def gradients(pairs, loss):
    """Norm of the gradient of a mean loss with respect to a generator's weights."""
    keras.utils.set_random_seed(0)
    blurred, sharp = pairs
    generator = networks.generator(width=8, blocks=2)
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(loss(sharp, generator(blurred, training=True)))
    return norm(tape.gradient(value, generator.trainable_variables))


def test_a_perceptual_weight_means_the_same_with_and_without_preprocessing(pairs, perceptual):
    """100 : 1 is meant for VGG fed in [-1, 1]; VGG fed as it was trained is scaled to pull as hard."""
    ratio = gradients(pairs, perceptual[True]) / gradients(pairs, perceptual[False])
    assert 0.5 < ratio < 2


def test_the_default_weights_let_content_lead(pairs, perceptual):
    """At 100 : 1 the perceptual term pulls harder on the generator than a new sigmoid critic does."""
    critic = networks.discriminator(size=64, width=16)
    content = gradients(pairs, lambda sharp, output: 100 * perceptual[True](sharp, output))
    adversarial = gradients(pairs, lambda sharp, output: losses.wasserstein_generator(critic(output, training=True)))
    assert content > 10 * adversarial > 0


def test_minimax_is_equation_1():
    real, fake = RNG.uniform(0.01, 0.99, (2, 5, 1)).astype(np.float32)
    np.testing.assert_allclose(losses.minimax_discriminator(real, fake), -(np.log(real) + np.log(1 - fake))[:, 0], rtol=1e-5)
    np.testing.assert_allclose(losses.minimax_generator(fake), np.log(1 - fake)[:, 0], rtol=1e-5)
    np.testing.assert_allclose(losses.non_saturating_generator(fake), -np.log(fake)[:, 0], rtol=1e-5)


def test_minimax_is_finite_for_a_certain_discriminator():
    sure, wrong = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)
    for value in (losses.minimax_discriminator(wrong, sure), losses.non_saturating_generator(wrong),
                  losses.minimax_generator(sure)):
        assert np.isfinite(value).all()


def test_wasserstein_signs():
    """The critic's loss falls as it rates sharp images higher; the generator's as it rates its images higher."""
    low, high = np.array([[0.1]], np.float32), np.array([[0.9]], np.float32)
    assert losses.wasserstein_critic(high, low) < losses.wasserstein_critic(low, high)
    assert losses.wasserstein_generator(high) < losses.wasserstein_generator(low)


@pytest.mark.parametrize("slope", [0.0, 1.0, 3.0])
def test_the_gradient_penalty_of_a_linear_critic_is_known(slope):
    """D(x) = w · x with ‖w‖ = slope: the penalty is (slope - 1)² at every image, whatever the mix."""
    w = RNG.normal(size=(1, 4, 4, 3)).astype(np.float32)
    w *= slope / np.linalg.norm(w)
    a, b = RNG.normal(size=(2, 5, 4, 4, 3)).astype(np.float32)
    mix = RNG.uniform(size=(5, 1, 1, 1)).astype(np.float32)

    def critic(x, training):
        return tf.reduce_sum(x * w, axis=(1, 2, 3))[:, None]

    penalty = losses.gradient_penalty(critic, tf.constant(a), tf.constant(b), tf.constant(mix))
    np.testing.assert_allclose(penalty, np.full(5, (slope - 1) ** 2), atol=1e-4)


def test_the_gradient_penalty_is_taken_between_the_images():
    """D(x) = ‖x‖² / 2 has the slope ‖x‖: at the sharp image with mix 1, at the other with 0."""
    a, b = RNG.normal(size=(2, 5, 4, 4, 3)).astype(np.float32)
    mix = np.array([1, 0, 0.5, 0.25, 0.9], np.float32)[:, None, None, None]
    penalty = losses.gradient_penalty(lambda x, training: tf.reduce_sum(x**2 / 2, axis=(1, 2, 3))[:, None], *map(tf.constant, (a, b, mix)))
    norms = np.sqrt(np.sum((mix * a + (1 - mix) * b) ** 2, axis=(1, 2, 3)))
    np.testing.assert_allclose(penalty, (norms - 1) ** 2, rtol=1e-4)
