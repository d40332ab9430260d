"""The helpers of the checks: one helpful sentence, and nothing a right answer does can lose points."""

import logging
import os
import sys
import warnings
from decimal import Decimal

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from course_lib import checks
from course_lib.checks import CheckFailed, call, compare_array, compare_number


def count(c_in, c_out, k):
    return k * k * c_in * c_out


def sentence(check, *arguments, **named) -> str:
    with pytest.raises(CheckFailed) as failed:
        check(*arguments, **named)
    assert "\n" not in str(failed.value)
    return str(failed.value)


def test_the_sentence_of_a_wrong_number():
    assert sentence(compare_number, count, 3, 64, 7, expected=9472, source="equation (2)", hint="did you add the bias?") == \
        "your `count(3, 64, 7)` gave 9408; equation (2) gives 9472: did you add the bias?"
    for hint in ("", lambda given: "no" if given == 1 else ""):
        assert sentence(compare_number, count, 3, 64, 7, expected=9472, source="Table 2", hint=hint) == \
            "your `count(3, 64, 7)` gave 9408; Table 2 gives 9472."


def stops(_):
    raise ValueError("no such layer")


def keras_like(_):
    raise ValueError("first line\n\nsecond line\n")


def leaves(_):
    sys.exit(3)


class Scalar:
    """A tensor of one number, as TensorFlow shows it, without TensorFlow."""

    shape = ()

    def __init__(self, value):
        self.value = np.float32(value)

    def numpy(self):
        return self.value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype)


def untaped(_):
    raise ValueError("No gradients provided for any variable.")


def clash(_):
    raise ValueError("{{function_node __wrapped__AddV2_device_/job:x/device:CPU:0}} Incompatible shapes: [3] vs. [4] [Op:AddV2] name: ")


def stub(_):
    raise NotImplementedError("return the number of weights")


@pytest.mark.parametrize("function, words", [
    (lambda a: None, "gave None, not a number: does it end in `return`?"),
    (lambda a: "9472", "gave '9472', not a number"),
    (lambda a: [1, 2], "gave [1, 2], not a number"),
    (lambda a: float("nan"), "gave nan"),
    (lambda a: 1j, "not a number"),
    (lambda a: Decimal(9472), "gave Decimal('9472'), not a number"),
    (lambda a: np.uint8(5), "gave 5; the reference gives 9472."),
    (lambda a: Scalar(5.0), "gave 5; the reference gives 9472."),
    (lambda a, b: 1, "stopped with TypeError"),
    (stops, "your `stops(1)` stopped with ValueError: no such layer."),
    (keras_like, "ValueError: first line second line."),
    (leaves, "stopped with SystemExit"),
    (untaped, "is all of it computed inside the tape"),
    (clash, "stopped with ValueError: Incompatible shapes: [3] vs. [4]."),
    (stub, "`stub` is not written yet: return the number of weights"),
    (3, "a function is needed here, but this is 3"),
])
def test_everything_a_function_can_do_wrong_becomes_one_sentence(function, words):
    assert words in sentence(compare_number, function, 1, expected=9472)


@pytest.mark.parametrize("right", [9472, 9472.0, np.int64(9472), np.float32(9472), np.array(9472), np.array([9472]), [9472]])
def test_the_kind_of_a_right_number_does_not_matter(right):
    compare_number(lambda: right, expected=9472)


Any = type("Any", (float,), {"__module__": "__main__", "__eq__": lambda self, other: True})


@pytest.mark.parametrize("wrap", [
    lambda one: one, lambda one: [2.0, (one,)], lambda one: {"a": one},
    lambda one: type("Mine", (list,), {"__module__": "__main__", "__ne__": lambda self, other: False})(),
    lambda one: type("Mine", (dict,), {"__module__": "__main__", "__ne__": lambda self, other: False})(),
])
def test_what_decides_itself_what_it_equals_is_no_answer(wrap):
    assert "decides itself what it equals" in sentence(call, lambda: wrap(Any(1)))


@pytest.mark.parametrize("right", [{"a": [1.0]}, (1.0, {2.0}), []])
def test_plain_collections_are_answers(right):
    assert call(lambda: right) is right


def test_a_hint_is_given_a_number_even_for_an_array_of_one():
    """Only a number can be looked up in a table of mistakes."""
    with pytest.raises(CheckFailed, match="gave 5; the reference gives 6: one too few"):
        compare_number(lambda: np.array([5]), expected=6, hint=lambda given: {5: "one too few"}.get(given, ""))


def test_tolerance_is_the_largest_allowed_difference():
    compare_number(lambda: 1.5, expected=1, tolerance=0.5)
    sentence(compare_number, lambda: 1.5001, expected=1, tolerance=0.5)
    compare_array(lambda: np.full(3, 1.5), expected=np.ones(3), tolerance=0.5)
    sentence(compare_array, lambda: np.full(3, 1.5001), expected=np.ones(3), tolerance=0.5)


def test_an_array_is_compared_by_shape_then_values():
    wanted = np.arange(6.0).reshape(2, 3)
    compare_array(lambda: wanted.tolist(), expected=wanted)
    compare_array(lambda: wanted.astype(np.float32), expected=wanted)
    assert "gave the shape (3, 2); the reference gives (2, 3)" in sentence(compare_array, lambda: wanted.T, expected=wanted)
    worse = wanted.copy()
    worse[1, 2], worse[0, 0] = 9, 1
    assert "gave 9 at index (1, 2); the reference gives 5" in sentence(compare_array, lambda: worse, expected=wanted)
    worse[0, 0] = np.nan
    assert "not finite" in sentence(compare_array, lambda: worse, expected=wanted)
    assert "not an array" in sentence(compare_array, lambda: None, expected=wanted)
    assert "not an array" in sentence(compare_array, lambda: "12", expected=wanted)
    assert "not an array" in sentence(compare_array, lambda: [[1, 2], [3]], expected=wanted)


def test_a_function_that_changes_its_argument_does_not_change_the_check():
    def greedy(image):
        image += 1
        return image
    image = np.zeros(3)
    compare_array(greedy, image, expected=np.ones(3))
    assert image.max() == 0


def noisy(value):
    print("printed")
    print("printed", file=sys.stderr)
    warnings.warn("warned")
    logging.getLogger("tensorflow").error("logged")
    os.write(2, b"written to the descriptor\n")
    os.system("echo from a child process >&2")
    return value


def test_a_right_answer_is_silent_whatever_it_writes(capfd):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compare_number(noisy, 3, expected=3)
    assert caught == [] and capfd.readouterr() == ("", "")
    print("afterwards", file=sys.stderr)
    os.write(2, b"as before\n")
    logging.getLogger().error("logs too")
    assert capfd.readouterr().err.startswith("afterwards\nas before\n")
    assert not logging.root.manager.disable


def test_output_comes_back_after_an_error(capfd):
    sentence(call, stops, 1)
    os.write(2, b"back\n")
    assert capfd.readouterr().err == "back\n"


def test_replacing_numpy_does_not_fool_a_comparison(monkeypatch):
    for name in ("all", "allclose", "isfinite", "abs", "asarray", "argmax", "array_equal"):
        monkeypatch.setattr(np, name, lambda *_, **__: True)
    sentence(compare_array, lambda: np.zeros(3), expected=np.ones(3))
    sentence(compare_number, lambda: np.zeros(1), expected=1)


def test_a_notebook_shows_the_sentence_and_no_frames():
    source = ("from course_lib.checks import compare_number\n"
              "def count(k):\n"
              "    x = k\n"
              "    return x / 0\n"
              "compare_number(count, 3, expected=9)")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    said = "your `count(3)` stopped with ZeroDivisionError: division by zero (line 4 of your cell)."
    assert (output.ename, output.evalue, output.traceback) == ("CheckFailed", said, [f"Not yet: {said}"])


def test_a_model_is_compared_with_its_table():
    from course_lib import report
    from course_lib.backend import keras
    from course_lib.networks import generator
    assert checks.compare_model(generator, table=report.TABLE_2).count_params() == 11_399_171
    assert "does it end in `return`" in sentence(checks.compare_model, lambda: None, table=report.TABLE_2)
    assert "Table 2" in sentence(checks.compare_model, generator, blocks=8, table=report.TABLE_2)
    assert "20,992 are missing" in sentence(checks.compare_model, generator, normalisation="none", table=report.TABLE_2)

    def unfinished():
        return keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(64, 7, padding="same")])
    assert "1 of its 24 convolutions" in sentence(checks.compare_model, unfinished, table=report.TABLE_2)


def test_what_hides_layers_with_weights_is_refused():
    from course_lib.backend import keras

    class Twice(keras.Layer):
        def call(self, x):
            return x + x

    class Scaled(keras.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(), initializer="ones")

        def call(self, x):
            return self.scale * x

    class Mine(keras.layers.Dense):
        pass

    first = [keras.Input((4,)), keras.layers.Dense(4)]
    checks.flat(keras.Sequential([*first, Twice(), Mine(1)]))
    assert "holds another model" in sentence(checks.flat, keras.Sequential([keras.Input((4,)), keras.Sequential(first)]))
    assert "a layer of your own, Scaled" in sentence(checks.flat, keras.Sequential([*first, Scaled()]))
