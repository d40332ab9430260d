"""Equation (2), the report's totals, and that every kind of wrong model is caught by name."""

import pytest

from course_lib import networks, parameters, report
from course_lib.backend import keras


def convolutions(rows, without_bias=None):
    """The rows as a list of built Keras layers."""
    layers = []
    for i, row in enumerate(rows):
        layer = keras.layers.Conv2D(row.c_out, row.k, row.stride, padding="same",
                                    use_bias=i != without_bias, name=row.name)
        layer.build((None, None, None, row.c_in))
        layers.append(layer)
    return layers


@pytest.mark.parametrize("table", [report.TABLE_2, report.TABLE_3], ids=lambda t: t.title)
def test_equation_2_gives_every_row_of_the_report(table):
    for row in table.rows:
        assert parameters.conv2d(row.c_in, row.c_out, row.k) == row.parameters


@pytest.mark.parametrize("table, rest", [
    (report.TABLE_2, {"BatchNormalization": 20_992}),
    (report.TABLE_3, {"BatchNormalization": 3_840, "Dense": 264_193}),
], ids=["Table 2", "Table 3"])
def test_the_networks_equal_the_report(table, rest):
    model = networks.generator() if table is report.TABLE_2 else networks.discriminator()
    comparison = parameters.check(model, table)
    assert comparison.complete
    assert comparison.rest == rest
    assert model.count_params() == comparison.total == table.total
    assert "equal to Table 1" in str(comparison) and "equal to Table 1" in comparison._repr_html_()


def test_dense_and_batch_normalisation_count_as_keras_counts():
    layer = keras.layers.Dense(7)
    layer.build((None, 5))
    assert layer.count_params() == parameters.dense(5, 7)
    layer = keras.layers.BatchNormalization()
    layer.build((None, 4, 4, 9))
    assert layer.count_params() == parameters.batch_normalisation(9)


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_output_size_is_that_of_same_padding(size, stride):
    layer = keras.layers.Conv2D(1, 3, stride, padding="same")
    assert layer.compute_output_shape((1, size, size, 1))[1] == parameters.output_size(size, stride)


def test_an_unfinished_model_leaves_rows_open():
    comparison = parameters.check(convolutions(report.TABLE_2.rows[:4]), report.TABLE_2)
    assert not comparison.complete
    assert str(comparison).count("not built yet") == 4      # lines: equal rows are shown as one
    assert "4 of 24" in str(comparison)


def test_one_block_missing():
    with pytest.raises(parameters.TableMismatch, match=r"conv2d_19, row 20 of Table 2.*2 convolution"):
        parameters.check(networks.generator(blocks=8), report.TABLE_2)


def test_one_block_too_many():
    with pytest.raises(parameters.TableMismatch, match=r"conv2d_21, row 22.*[Ww]ithout 2 convolution"):
        parameters.check(networks.generator(blocks=10), report.TABLE_2)


def test_one_stride_wrong_though_the_count_is_right():
    rows = list(report.TABLE_2.rows)
    rows[1] = rows[1]._replace(stride=1)
    layers = convolutions(rows)
    assert sum(layer.count_params() for layer in layers) == 11_378_179
    with pytest.raises(parameters.TableMismatch, match="conv2d_1, row 2 of Table 2: stride is 1, the table says 2"):
        parameters.check(layers, report.TABLE_2)


def test_two_layers_swapped_though_the_total_is_right():
    rows = list(report.TABLE_2.rows)
    rows[21], rows[22] = rows[22], rows[21]
    layers = convolutions(rows)
    assert sum(layer.count_params() for layer in layers) == 11_378_179
    with pytest.raises(parameters.TableMismatch, match="row 22 .* changed places"):
        parameters.check(layers, report.TABLE_2)


@pytest.mark.parametrize("rows, row", [
    (lambda rows: [*rows[:-1], rows[0]], 24), (lambda rows: [*rows[:9], rows[0], *rows[9:-1], rows[0]], 10),
    (lambda rows: [*rows[:19], *rows[21:-1], rows[0]], 20),
], ids=["last", "one more", "two fewer"])
def test_no_remedy_is_named_that_would_not_do(rows, row):
    """The last convolution is wrong, too: the sentence ends with what the first wrong one has."""
    with pytest.raises(parameters.TableMismatch, match=rf"row {row} of Table 2: [^.]*\.$"):
        parameters.check(convolutions(rows(report.TABLE_2.rows)), report.TABLE_2)


def test_one_bias_off():
    with pytest.raises(parameters.TableMismatch, match="conv2d_5, row 6 of Table 2: it has 589,824 .* bias is missing"):
        parameters.check(convolutions(report.TABLE_2.rows, without_bias=5), report.TABLE_2)


def test_one_convolution_too_many_at_the_end():
    rows = [*report.TABLE_3.rows, report.Layer("extra", 3, 1, 1, 1, 10)]
    with pytest.raises(parameters.TableMismatch, match="extra is convolution 7, but Table 3 has 6"):
        parameters.check(convolutions(rows), report.TABLE_3)


def test_other_kinds_of_convolution_are_named():
    layer = keras.layers.Conv2DTranspose(64, 7)
    layer.build((None, None, None, 3))
    with pytest.raises(parameters.TableMismatch, match="Conv2DTranspose"):
        parameters.check([layer], report.TABLE_2)
    layer = keras.layers.Conv2D(64, (7, 5))
    layer.build((None, None, None, 3))
    with pytest.raises(parameters.TableMismatch, match=r"\(7, 5\)"):
        parameters.check([layer], report.TABLE_2)


def test_a_layer_without_weights_says_so():
    with pytest.raises(ValueError, match="call it on an input first"):
        parameters.check([keras.layers.Conv2D(64, 7)], report.TABLE_2)


def test_macs_of_a_model_are_those_of_its_layers():
    image = x = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 5, strides=2, padding="same")(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.Conv2DTranspose(4, 2, strides=2)(x)
    model = keras.Model(image, keras.layers.Dense(6)(keras.layers.GlobalAveragePooling2D()(x)))
    convolution, depthwise, transposed = parameters.macs(3, 8, 5, 16, 16), 9 * 8 * 16 * 16, parameters.macs(8, 4, 2, 16, 16)
    assert parameters.model_macs(model, 32) == convolution + depthwise + transposed + 4 * 6


def test_macs_of_the_generator_are_the_sum_of_its_rows():
    sides = [256, 128, 64, *[64] * 18, 128, 256, 256]
    expected = sum(parameters.macs(row.c_in, row.c_out, row.k, side, side) for row, side in zip(report.TABLE_2.rows, sides))
    assert parameters.model_macs(networks.generator()) == expected
