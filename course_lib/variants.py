"""Generators of the related work, to compare with the report's (lesson 10).

`multiscale` follows the report's reference [3], `nafnet` a network of 2022 that reaches more with
a fraction of the multiplications. Both take and return what `networks.generator` does: float32
(N, H, W, 3) in [-1, 1]. Both add what they compute to the blurred image and start by returning it.
Nothing in them looks at the whole photograph at once, so it can be deblurred in tiles.
"""

import numpy as np

from course_lib import networks
from course_lib.backend import keras

layers = keras.layers


def _added(blurred, x, name: str) -> keras.Model:
    """The model that adds a last 3 × 3 convolution of x, zero at first, to the blurred image."""
    x = layers.Conv2D(3, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="last")(x)
    x = keras.ops.clip(layers.Add(dtype="float32", name="residual")([blurred, x]), -1.0, 1.0)
    return keras.Model(blurred, x, name=name)


# --- From coarse to fine ----------------------------------------------------------------------

def multiscale(width: int = 64, blocks: int = 19, scales: int = 3, dtype: str | None = None) -> keras.Model:
    """One network per resolution, each given the result of the coarser one (Nah et al., arXiv:1612.02177).

    Where the photograph is four times smaller, so is the blur: there a small kernel sees all of
    it. Each finer scale repairs what the coarser could not see. As in the original, kernels are
    5 × 5 and nothing is normalised; unlike there, only the finest scale has a loss.

    Parameters
    ----------
    width : channels; 64 in the original.
    blocks : residual blocks of each scale; 19 in the original.
    scales : resolutions, each half the next; 3 in the original.
    dtype : a Keras dtype policy such as "mixed_bfloat16"; the output is float32 always.

    Returns
    -------
    A model of images whose sides are multiples of 2 ** (scales - 1).

    Raises
    ------
    ValueError if an argument is too small.
    """
    if width < 1 or blocks < 0 or scales < 1:
        raise ValueError(f"width is {width}, blocks {blocks}, scales {scales}; use at least 1, 0 and 1.")

    def conv(x, channels=width, activation=None):
        return layers.Conv2D(channels, 5, padding="same", activation=activation, dtype=dtype)(x)

    blurred = keras.Input((None, None, 3), name="blurred")
    pyramid = [blurred]                                             # (N, 256, 256, 3), 128, 64
    for _ in range(scales - 1):
        pyramid.append(layers.AveragePooling2D(2, dtype="float32")(pyramid[-1]))

    coarser = None
    for image in reversed(pyramid):
        x = image if coarser is None else layers.Concatenate(dtype=dtype)([image, coarser])
        x = conv(x)                                                 # (N, 64, 64, 64)
        for _ in range(blocks):
            x = layers.Add(dtype=dtype)([x, conv(conv(x, activation="relu"))])
        if image is not blurred:
            x = conv(x, 3)                                          # this scale's result, enlarged:
            coarser = layers.Conv2DTranspose(3, 4, strides=2, padding="same", dtype=dtype)(x)   # (N, 128, 128, 3)
    return _added(blurred, x, "multiscale")


# --- Much for few multiplications ----------------------------------------------------------------

def nafnet_block(x, dtype: str | None = None):
    """NAFNet's block without its channel attention (Chen et al., arXiv:2204.04676, Figure 3d); the shape stays.

    Two residuals. The first mixes neighbours, channel by channel (3 × 3 depthwise, 9
    multiplications per channel), the second mixes channels (1 × 1). No activation function: a
    gate multiplies one half of the channels with the other. The attention that is left out
    takes a mean over the whole photograph.
    """
    channels = x.shape[-1]

    def gated(y):                                                   # (N, H, W, 2C) → (N, H, W, C)
        return layers.Multiply(dtype=dtype)(keras.ops.split(y, 2, axis=-1))     # seven times faster than two slices

    def pointwise(y, filters, start="glorot_uniform"):
        return layers.Conv2D(filters, 1, kernel_initializer=start, dtype=dtype)(y)

    y = layers.LayerNormalization(epsilon=1e-6, dtype=dtype)(x)     # each pixel on its own, over its channels
    y = layers.DepthwiseConv2D(3, padding="same", dtype=dtype)(pointwise(y, 2 * channels))
    x = layers.Add(dtype=dtype)([x, pointwise(gated(y), channels, "zeros")])    # a new block does nothing
    y = layers.LayerNormalization(epsilon=1e-6, dtype=dtype)(x)
    return layers.Add(dtype=dtype)([x, pointwise(gated(pointwise(y, 2 * channels)), channels, "zeros")])


def nafnet(width: int = 24, blocks: int = 12, stages: int = 4, dtype: str | None = None) -> keras.Model:
    """A U-Net of NAFNet blocks (Chen et al., arXiv:2204.04676), at a tenth of the report's multiplications.

    Going down, the resolution is halved and the channels are doubled between stages; going up,
    each stage adds what the same resolution held on the way down.

    Parameters
    ----------
    width : channels at full resolution.
    blocks : blocks of the coarsest stage, where they are cheap and see far; each other stage has
        one on the way down and one on the way up.
    stages : resolutions, each half the one before.
    dtype : a Keras dtype policy such as "mixed_bfloat16"; the output is float32 always.

    Returns
    -------
    A model of images whose sides are multiples of 2 ** (stages - 1).

    Raises
    ------
    ValueError if an argument is too small.
    """
    if width < 1 or blocks < 0 or stages < 1:
        raise ValueError(f"width is {width}, blocks {blocks}, stages {stages}; use at least 1, 0 and 1.")
    blurred = keras.Input((None, None, 3), name="blurred")          # (N, 256, 256, 3)
    x = layers.Conv2D(width, 3, padding="same", dtype=dtype)(blurred)
    kept = []
    for _ in range(stages - 1):
        x = nafnet_block(x, dtype)
        kept.append(x)
        x = layers.Conv2D(2 * x.shape[-1], 2, strides=2, dtype=dtype)(x)        # (N, 128, 128, 48), 64, 32
    for _ in range(blocks):
        x = nafnet_block(x, dtype)                                  # (N, 32, 32, 192)
    for skip in reversed(kept):
        x = layers.Conv2D(4 * skip.shape[-1], 1, use_bias=False, dtype=dtype)(x)
        x = keras.ops.depth_to_space(x, 2)                          # four channels become 2 × 2 pixels
        x = nafnet_block(layers.Add(dtype=dtype)([x, skip]), dtype)
    return _added(blurred, x, "nafnet")


# --- From narrow to wide --------------------------------------------------------------------------

def widen(narrow: keras.Model, wide: keras.Model) -> None:
    """Give a wider network weights with which it computes what a narrow one does (Net2Net, arXiv:1511.05641).

    A step of a narrow network is many times cheaper, and early on most of it is as good. Every
    channel becomes several equal ones; whoever sums over channels takes each with a random share,
    the shares of a channel adding up to 1. The shares also tell the copies apart: their gradients
    differ, so that they part ways in training.

    Parameters
    ----------
    narrow, wide : two generators of this course that differ in nothing but their width, if at all.

    Raises
    ------
    ValueError if the second is not the first with every inner width multiplied by one whole number.
    """
    if len(narrow.weights) != len(wide.weights):
        raise ValueError(f"The networks have {len(narrow.weights)} and {len(wide.weights)} weights; they may differ in width alone.")
    rng = np.random.default_rng(0)
    widened = []
    for old, new in zip(narrow.weights, wide.weights):
        value = old.numpy()
        for axis, (size, wanted) in enumerate(zip(old.shape, new.shape)):
            if wanted % size:
                raise ValueError(f"The weights {new.path} of shape {tuple(new.shape)} can't be made from {tuple(old.shape)}: "
                                 "the width must be a multiple of the narrow network's, and all else the same.")
            copies = wanted // size
            value = np.repeat(value, copies, axis)
            sums = "depthwise" not in new.path and len(new.shape) == 4 and axis == 2
            if sums and copies > 1:
                shares = rng.uniform(size=(*value.shape[:2], size, copies, value.shape[3]))
                shares /= shares.sum(3, keepdims=True)
                value = value * shares.reshape(value.shape)
        widened.append(value)
    wide.set_weights(widened)


# --- By name ---------------------------------------------------------------------------------------

NETWORKS = {"report": networks.generator, "multiscale": multiscale, "nafnet": nafnet}


def build(network: str = "report", **arguments) -> keras.Model:
    """The generator of this name; the arguments are those of its function.

    Raises
    ------
    ValueError, listing the names, if there is none of this name.
    """
    if network not in NETWORKS:
        raise ValueError(f"network is {network!r}; use one of {', '.join(NETWORKS)}.")
    return NETWORKS[network](**arguments)
