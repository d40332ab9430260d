"""The report's two networks, and the variants the lessons compare.

With their defaults `generator()` has the 11,399,171 and `discriminator()` the 3,098,370
parameters of Table 1. The report lists only the convolutions (Tables 2 and 3); where batch
normalisation, activations and dense layers sit is inferred, and the only reading found that
gives both totals (lessons 04 and 05). Shapes in comments are (N, height, width, channels)
for the report's 256 x 256 input.
"""

import itertools

from course_lib.backend import keras, tf
from course_lib.normalisation import BatchNormalization

layers = keras.layers

LEAK = 0.2          # slope of LeakyReLU: the report names the function, not the slope
MOMENTUM = 0.9      # batch statistics settle in tens of steps; Keras' 0.99 needs hundreds


def normalise(kind: str, dtype=None):
    """A normalisation layer: "batch" (the report's), "instance", "layer" or "none"."""
    if kind == "batch":
        # where several devices share a batch, its mean and variance are those of all of it
        shared = tf.distribute.get_strategy().num_replicas_in_sync > 1
        return BatchNormalization(momentum=MOMENTUM, synchronized=shared, dtype=dtype)
    if kind == "instance":      # each image and channel on its own (Ulyanov et al., arXiv:1607.08022)
        return layers.GroupNormalization(groups=-1, dtype=dtype)
    if kind == "layer":         # each image on its own, all channels together (Ba et al., arXiv:1607.06450)
        return layers.GroupNormalization(groups=1, dtype=dtype)
    if kind == "none":
        return layers.Identity(dtype=dtype)
    raise ValueError(f'normalisation is {kind!r}; use "batch", "instance", "layer" or "none".')


def residual_block(x, normalisation: str = "batch", dtype: str | None = None, names=(None, None), dropout: float = 0.0):
    """Two 3 x 3 convolutions whose result is added to their input; the shape stays. (Lesson 04.)

    `x` is a Keras tensor (N, H, W, C); `names` are those of the two convolutions; `dropout` is
    as in `generator`. There is no ReLU after the addition: nine blocks in a row stay one sum,
    from the first to the last.
    """
    channels = x.shape[-1]
    y = layers.Conv2D(channels, 3, padding="same", dtype=dtype, name=names[0])(x)
    y = layers.ReLU(dtype=dtype)(normalise(normalisation, dtype)(y))
    if dropout:
        y = layers.Dropout(dropout, dtype=dtype)(y)
    y = layers.Conv2D(channels, 3, padding="same", dtype=dtype, name=names[1])(y)
    y = normalise(normalisation, dtype)(y)
    return layers.Add(dtype=dtype)([x, y])


def generator(
    width: int = 64,
    blocks: int = 9,
    normalisation: str = "batch",
    output: str = "residual",
    dropout: float = 0.0,
    dtype: str | None = None,
) -> keras.Model:
    """The ResNet generator of Table 2: a blurred image in, a sharp one out.

    Parameters
    ----------
    width : channels of the first convolution; 64 in the report.
    blocks : residual blocks; 9 in the report, 12 in its reference [4].
    normalisation : "batch" (the report), "instance", "layer" or "none".
    output : how the last tanh meets the input, on which the report is silent. "residual"
        adds it, clip(x + tanh, -1, 1), as in DeblurGAN (arXiv:1711.07064), and starts with a
        last convolution of zeros: a new generator returns its input. "halved" returns
        (x + tanh) / 2, as the Keras implementation the report evidently follows: doing nothing
        needs tanh = x.
    dropout : part of the values between the two convolutions of a block that training sets to 0 at
        random. It has no parameters, so no table can tell whether the report had any; DeblurGAN's
        is the only noise z of its equation (1).
    dtype : a Keras dtype policy such as "mixed_bfloat16"; the output is float32 always.

    Returns
    -------
    A model from float32 (N, H, W, 3) in [-1, 1] to the same shape and range. H and W are
    any multiples of 4.

    Raises
    ------
    ValueError if an argument is none of the above.
    """
    if output not in ("residual", "halved"):
        raise ValueError(f'output is {output!r}; use "residual" or "halved".')
    if width < 1 or blocks < 0:
        raise ValueError(f"width is {width} and blocks {blocks}; width must be at least 1, blocks at least 0.")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}; it is a part of the values, from 0 to below 1.")
    count = itertools.count()

    def conv(x, channels, k, stride=1, start="glorot_uniform"):
        i = next(count)
        return layers.Conv2D(channels, k, stride, padding="same", dtype=dtype, kernel_initializer=start,
                             name="conv2d" if i == 0 else f"conv2d_{i}")(x)

    def norm_relu(x):
        return layers.ReLU(dtype=dtype)(normalise(normalisation, dtype)(x))

    blurred = keras.Input((None, None, 3), name="blurred")          # (N, 256, 256, 3)

    x = norm_relu(conv(blurred, width, 7))                          # (N, 256, 256, 64)
    x = norm_relu(conv(x, 2 * width, 3, stride=2))                  # (N, 128, 128, 128)
    x = norm_relu(conv(x, 4 * width, 3, stride=2))                  # (N, 64, 64, 256)

    for _ in range(blocks):                                         # resolution stays as it is
        names = f"conv2d_{next(count)}", f"conv2d_{next(count)}"
        x = residual_block(x, normalisation, dtype, names, dropout)          # (N, 64, 64, 256)

    x = layers.UpSampling2D(2, dtype=dtype)(x)                      # (N, 128, 128, 256)
    x = norm_relu(conv(x, 2 * width, 3))                            # (N, 128, 128, 128)
    x = layers.UpSampling2D(2, dtype=dtype)(x)                      # (N, 256, 256, 128)
    x = norm_relu(conv(x, width, 3))                                # (N, 256, 256, 64)

    # A residual that starts at zero starts training at "return the input", not at noise on top of it.
    x = conv(x, 3, 7, start="zeros" if output == "residual" else "glorot_uniform")     # (N, 256, 256, 3)
    x = layers.Activation("tanh", dtype="float32", name="tanh")(x)
    if output == "residual":
        x = keras.ops.clip(layers.Add(dtype="float32", name="residual")([blurred, x]), -1.0, 1.0)
    else:
        x = layers.Average(dtype="float32", name="halved")([blurred, x])
    return keras.Model(blurred, x, name="generator")


def silence_blocks(model: keras.Model) -> None:
    """Let every residual block of a new generator add nothing at first (Goyal et al., arXiv:1706.02677, Section 5.1).

    The last batch normalisation of each block scales by 0 instead of 1. It takes the place of what
    batch statistics do in the first steps, where training goes without them.
    """
    for layer in model.layers:
        if isinstance(layer, layers.Add):
            for tensor in layer.input:
                before = tensor._keras_history.operation
                if isinstance(before, layers.BatchNormalization):
                    before.gamma.assign(keras.ops.zeros_like(before.gamma))


def discriminator(
    size: int = 256,
    normalisation: str = "batch",
    output: str = "sigmoid",
    width: int = 64,
    dtype: str | None = None,
) -> keras.Model:
    """The discriminator of Table 3: an image in, one number out.

    Parameters
    ----------
    size : side of the square input in pixels, a multiple of 16. The first dense layer
        fixes it: (size / 16)² inputs. 256 in the report.
    normalisation : "batch" (the report), "instance", "layer" or "none". A gradient penalty
        is defined for each image on its own, so a critic under one must not use "batch"
        (Gulrajani et al., arXiv:1704.00028, Section 4).
    output : "sigmoid" (the report: a probability) or "linear" (a Wasserstein critic's score).
    width : channels of the first convolution; 64 in the report.
    dtype : a Keras dtype policy such as "mixed_bfloat16"; the output is float32 always.

    Returns
    -------
    A model from float32 (N, size, size, 3) in [-1, 1] to float32 (N, 1).

    Raises
    ------
    ValueError if an argument is none of the above.
    """
    if size < 16 or size % 16:
        raise ValueError(f"size is {size}; the discriminator halves its input four times: use a multiple of 16.")
    if output not in ("sigmoid", "linear"):
        raise ValueError(f'output is {output!r}; use "sigmoid" or "linear".')

    def conv(x, channels, stride, i):
        return layers.Conv2D(channels, 4, stride, padding="same", dtype=dtype, name=f"conv2d_{i}")(x)

    image = keras.Input((size, size, 3), name="image")              # (N, 256, 256, 3)
    x = layers.LeakyReLU(LEAK, dtype=dtype)(conv(image, width, 2, 24))      # (N, 128, 128, 64)
    stages = [(width, 2), (2 * width, 2), (4 * width, 2), (8 * width, 1)]
    for i, (channels, stride) in enumerate(stages, start=25):       # 64, 32, 16, 16 pixels wide
        x = normalise(normalisation, dtype)(conv(x, channels, stride, i))
        x = layers.LeakyReLU(LEAK, dtype=dtype)(x)
    x = conv(x, 1, 1, 29)                                           # (N, 16, 16, 1)
    x = layers.Flatten(dtype=dtype)(x)                              # (N, 256)
    x = layers.Dense(1024, activation="tanh", dtype=dtype, name="dense")(x)     # (N, 1024)
    x = layers.Dense(1, dtype="float32", name="dense_1",
                     activation="sigmoid" if output == "sigmoid" else None)(x)  # (N, 1)
    return keras.Model(image, x, name="discriminator")
