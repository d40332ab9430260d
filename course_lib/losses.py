"""The losses of Section 2.3 and those that explain them (lesson 06).

Images are float32 (N, H, W, 3) in [-1, 1]; `real` and `fake` are what the discriminator
says of sharp and of deblurred images, (N, 1): probabilities after a sigmoid, any number
from a linear critic. Every loss is one number per image, shape (N,), so that a mean over
a batch is the same however the batch is split over devices.
"""

import numpy as np

from course_lib.backend import keras, tf
from course_lib.files import arrays_of
from course_lib.photos import DATA

ops = keras.ops

VGG_LAYERS = ["block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2",
              "block3_conv1", "block3_conv2", "block3_conv3"]
VGG_MEAN = (103.939, 116.779, 123.68)       # ImageNet's mean blue, green, red, 0-255


def _per_image(x):
    """Mean over everything but the first axis: (N, ...) → (N,)."""
    return ops.mean(ops.reshape(x, (ops.shape(x)[0], -1)), axis=1)


# --- Content: is the output like the sharp image? -------------------------------------------

def l1(sharp: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference, (N,)."""
    return _per_image(ops.abs(sharp - output))


def minus_psnr(sharp: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    """Minus the PSNR in decibels, (N,), as in NAFNet's training (Chen et al., arXiv:2204.04676).

    A mean over images of L1 is decided by those with the strongest blur, where least can be
    done. Here a decibel counts the same on each of them, and harm to a sharp photograph as much
    as help for a blurred one. The error of 46 dB is added to all, so that the last traces of
    error in an almost perfect image don't decide.
    """
    return 10.0 / np.log(10.0) * ops.log(_per_image(ops.square(sharp - output)) / 4.0 + 2.5e-5)


def vgg_features(preprocess: bool = True, weights: str = "built-in", dtype: str | None = None) -> keras.Model:
    """VGG16 from the image to the output of block3_conv3, frozen (Simonyan & Zisserman, arXiv:1409.1556).

    Parameters
    ----------
    preprocess : feed VGG what it was trained on: BGR, 0-255, ImageNet's mean subtracted.
        False feeds the image as it is, in [-1, 1], as the Keras implementation does that
        the report evidently follows.
    weights : "built-in", the file in data/; "keras", Keras' own, which downloads 58 MB.
    dtype : a Keras dtype policy.

    Returns
    -------
    A model from (N, H, W, 3) in [-1, 1] to features (N, H/4, W/4, 256), float32.

    Raises
    ------
    ValueError if `weights` is neither, or Keras' own can't be downloaded.
    """
    image = x = keras.Input((None, None, 3))
    if preprocess:
        x = (x[..., ::-1] + 1.0) * 127.5 - np.array(VGG_MEAN, np.float32)
    for name in VGG_LAYERS:
        if name in ("block2_conv1", "block3_conv1"):
            x = keras.layers.MaxPooling2D(2, dtype=dtype)(x)
        channels = 64 * 2 ** (int(name[5]) - 1)
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", dtype=dtype, name=name)(x)
    model = keras.Model(image, ops.cast(x, "float32"), name="vgg16_block3_conv3", trainable=False)

    if weights == "built-in":
        with arrays_of(DATA / "vgg16_block3_conv3.npz") as file:
            for name in VGG_LAYERS:
                model.get_layer(name).set_weights([file[f"{name}/kernel"], file[f"{name}/bias"]])
    elif weights == "keras":
        try:
            original = keras.applications.VGG16(include_top=False, weights="imagenet")
        except Exception as error:      # a download that fails is an Exception of no other class
            raise ValueError(f"Keras' own VGG16 can't be had ({error}). Connect to the internet, or "
                             'use the weights "built-in", which are the same.') from None
        for name in VGG_LAYERS:
            model.get_layer(name).set_weights(original.get_layer(name).get_weights())
    else:
        raise ValueError(f'weights is {weights!r}; use "built-in" or "keras".')
    return model


# Preprocessing multiplies VGG's input by 127.5, and the loss and its gradient grow with it. Divided
# by this number the gradient is as strong as without, so that a weight of 100 means the same either
# way. It is the ratio of the two gradients' norms at the blurred images of level-4 pairs; the tests
# measure it again.
PREPROCESSED_OVER_RAW = 3000.0


class Perceptual:
    """Mean squared difference of VGG16 features (Johnson et al., arXiv:1603.08155; Section 2.3.1).

    The report says "first convolutions of VGG16"; block3_conv3 is the known implementation's choice.
    """

    def __init__(self, preprocess: bool = True, weights: str = "built-in", dtype: str | None = None):
        self.features = vgg_features(preprocess, weights, dtype)
        self.scale = 1.0 / PREPROCESSED_OVER_RAW if preprocess else 1.0

    def __call__(self, sharp: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        """Loss of each image, (N,)."""
        target = ops.stop_gradient(self.features(sharp))    # no gradient is wanted: computed once, forward only
        return self.scale * _per_image(ops.square(target - self.features(output)))


# --- Adversarial: does the output look like a photograph? -----------------------------------

def _log(p):
    return ops.log(ops.clip(p, 1e-7, 1.0))


def minimax_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Equation (1), which the discriminator maximises: minus (log D(x) + log(1 - D(G(z)))), (N,)."""
    return -_per_image(_log(real) + _log(1.0 - fake))


def minimax_generator(fake: tf.Tensor) -> tf.Tensor:
    """Equation (1), which the generator minimises: log(1 - D(G(z))), (N,)."""
    return _per_image(_log(1.0 - fake))


def non_saturating_generator(fake: tf.Tensor) -> tf.Tensor:
    """What is minimised in practice: -log D(G(z)), (N,) (Goodfellow et al., arXiv:1406.2661, Section 3)."""
    return -_per_image(_log(fake))


def wasserstein_critic(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The critic raises D(x) above D(G(z)): D(G(z)) - D(x), (N,) (Section 2.3.2; arXiv:1704.00028)."""
    return _per_image(fake) - _per_image(real)


def wasserstein_generator(fake: tf.Tensor) -> tf.Tensor:
    """The generator raises D(G(z)): its negative, (N,)."""
    return -_per_image(fake)


def gradient_penalty(critic: keras.Model, sharp: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    """(‖∇ D(x̂)‖ - 1)² at x̂ = mix · sharp + (1 - mix) · fake, (N,) (arXiv:1704.00028, equation 3).

    `mix` is (N, 1, 1, 1), uniform in [0, 1]. It keeps the critic's slope near 1 on the way
    between the two distributions, which is what the Wasserstein distance asks for.
    """
    between = mix * sharp + (1.0 - mix) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        score = critic(between, training=True)
    slope = tape.gradient(score, between)
    norm = ops.sqrt(ops.sum(ops.square(slope), axis=(1, 2, 3)) + 1e-12)
    return ops.square(norm - 1.0)
