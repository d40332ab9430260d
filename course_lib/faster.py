"""A generator rewritten to give the same numbers with less work: `faster.rewritten`.

Lessons read `networks`; nothing there is bent for speed. This module takes a finished model apart
and puts it together again, with the same variables, by two identities:

- Doubling an image and then convolving it with a 3 x 3 kernel multiplies each pixel with sums of
  the kernel's weights: one transposed convolution of stride 2 with a 4 x 4 kernel that holds those
  sums does it with 4/9 of the multiplications.
- With stored statistics, batch normalisation scales and shifts each channel, which the convolution
  before it can do with other weights.
"""

from collections.abc import Callable

from course_lib.backend import keras, tf

layers = keras.layers


class _Computed(layers.Layer):
    """A layer that calls a function of (inputs, training); it owns no variables and casts nothing."""

    def __init__(self, compute: Callable, name: str):
        super().__init__(autocast=False, name=name)
        self.compute = compute

    def call(self, inputs, training=None, mask=None):
        return self.compute(inputs, training)


def rewritten(model: keras.Model, fold: bool = False) -> keras.Model:
    """The same function of the same variables, with fewer operations.

    Parameters
    ----------
    model : a model made of layers each used once, such as those of `networks` and `variants`.
    fold : put batch normalisation into the convolution before it. It then always uses the stored
        statistics, and leaves them as they are.

    Returns
    -------
    A model that reads the variables of the first, so that new weights count at once; equal
    to it to rounding.
    """
    users: dict[int, list] = {}         # of each tensor: the layers that take it
    for operation in model.operations:
        if not isinstance(operation, layers.InputLayer):
            for tensor in keras.tree.flatten(operation.input):
                users.setdefault(id(tensor), []).append(operation)
    for tensor in model.outputs:
        users.setdefault(id(tensor), []).append(None)

    def following(layer):
        """The layer that alone takes this one's output, or None."""
        taking = users[id(layer.output)]
        return taking[0] if len(taking) == 1 else None

    gone, doubled, folded = set(), set(), {}
    for layer in model.layers:
        after = following(layer)
        if _doubles(layer) and _is_plain(after) and after.kernel_size == (3, 3) and after.strides == (1, 1):
            gone.add(layer)
            doubled.add(after)
        elif fold and _is_plain(layer) and isinstance(after, layers.BatchNormalization):
            gone.add(after)
            folded[layer] = after

    def replace(operation):
        if operation in gone:
            return _Computed(lambda x, training: x, operation.name)
        if operation in doubled or operation in folded:
            norm, double = folded.get(operation), operation in doubled
            return _Computed(lambda x, training: _convolve(x, operation, norm, double), operation.name)
        if isinstance(operation, layers.Layer):
            return _Computed(lambda x, training: operation(x, training=training), operation.name)
        return operation

    return keras.models.clone_model(model, clone_function=replace)


def _doubles(layer) -> bool:
    return isinstance(layer, layers.UpSampling2D) and layer.size == (2, 2) and layer.interpolation == "nearest"


def _is_plain(layer) -> bool:
    """A convolution with nothing but a kernel, a bias and "same" padding."""
    return (type(layer) is layers.Conv2D and layer.padding == "same" and layer.groups == 1
            and layer.dilation_rate == (1, 1) and layer.activation is keras.activations.linear)


def _convolve(x, conv: layers.Conv2D, norm: layers.BatchNormalization | None, double: bool):
    """What doubling (if asked), convolution and normalisation with stored statistics (if any) give, in one go."""
    kernel, bias = tf.convert_to_tensor(conv.kernel), conv.bias if conv.use_bias else tf.zeros(conv.filters)
    if norm is not None:
        scale = tf.math.rsqrt(norm.moving_variance + norm.epsilon) * norm.gamma
        kernel, bias = kernel * scale, (bias - norm.moving_mean) * scale + norm.beta
    x = tf.cast(x, conv.compute_dtype)
    if double:
        # Output pixel y takes weights y - 2i + 1 of input pixel i: rows 2, 1 + 2, 0 + 1 and 0 of the 3 x 3 kernel.
        kernel = tf.reverse(kernel, [0, 1])
        for axis in ([[0, 1], [0, 0]], [[0, 0], [0, 1]]):
            kernel = tf.pad(kernel, [*axis, [0, 0], [0, 0]]) + tf.pad(kernel, [*(pad[::-1] for pad in axis), [0, 0], [0, 0]])
        n, height, width = tf.unstack(tf.shape(x)[:3])
        y = tf.nn.conv2d_transpose(x, tf.cast(tf.transpose(kernel, [0, 1, 3, 2]), x.dtype),
                                   [n, 2 * height, 2 * width, conv.filters], strides=2)
    else:
        y = tf.nn.conv2d(x, tf.cast(kernel, x.dtype), conv.strides, "SAME")
    return tf.nn.bias_add(y, tf.cast(bias, x.dtype))
