"""What the graded cells call, one module per lesson; here is what these modules share.

A check runs the student's code silently and says in one sentence what came out, what was expected and
where to look. It returns nothing: nbgrader takes a bare number on a test cell's last line for points.

    def check_count(count):
        for c_in, c_out, k in [(3, 64, 7), *random_layers()]:
            compare_number(count, c_in, c_out, k, expected=conv2d(c_in, c_out, k), source="equation (2)",
                           hint=lambda given: "did you add the bias?" if given == k * k * c_in * c_out else "")
        passed("your count agrees with equation (2) for every layer of Table 2.")
"""

import copy
import io
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from numbers import Real
from typing import Any, NoReturn

# Taken now: a test must not ask functions that a notebook may replace later (`np.allclose = …`).
from numpy import abs as _abs, all as _all, allclose as _allclose, argmax as _argmax, asarray as _asarray, generic as _generic, isfinite as _isfinite
from numpy import ndarray, unravel_index as _unravel_index

__all__ = ["CheckFailed", "call", "compare_array", "compare_model", "compare_number", "fail", "flat", "number", "passed", "plain", "quiet",
           "same_in_training"]


class CheckFailed(AssertionError):
    """A check that did not pass. A notebook shows its one sentence, not the library's frames."""

    def _render_traceback_(self) -> list[str]:     # asked for by IPython
        return [f"Not yet: {self}"]


def fail(sentence: str) -> NoReturn:
    """Raise CheckFailed, in one line, without the chain of errors that led to it."""
    raise CheckFailed(" ".join(sentence.split())) from None


def passed(sentence: str) -> None:
    """Print `Correct: …`, the last line of a check that passed."""
    print(f"Correct: {sentence}")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep everything the code inside writes from the notebook: prints, warnings, logs, file descriptor 2.

    Text on stderr in a test cell scores 0 in nbgrader, so a right answer that warns must not be heard.
    """
    logging_was = logging.root.manager.disable
    with open(os.devnull, "wb") as nowhere, warnings.catch_warnings(), \
            redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        saved = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            warnings.simplefilter("ignore")
            logging.disable(logging.CRITICAL)
            yield
        finally:
            logging.disable(logging_was)
            os.dup2(saved, 2)
            os.close(saved)


def call(function: Callable, *arguments: Any, **named: Any) -> Any:
    """What the student's function returns for copies of these arguments; it may print and warn unheard.

    Raises CheckFailed, in one sentence, if it is no function, is not written yet, or raises anything.
    """
    if not callable(function):
        fail(f"a function is needed here, but this is {_short(function)}: did you overwrite its name?")
    shown = _call_text(function, arguments, named)
    try:
        with quiet():
            result = function(*copy.deepcopy(arguments), **copy.deepcopy(named))
        if not _disguised(result):
            return result
        sentence = f"your `{shown}` gave an object that decides itself what it equals: return plain numbers, lists or arrays."
    except NotImplementedError as error:
        sentence = f"`{_unwritten(error, function)}` is not written yet" + (f": {_one_line(error)}." if str(error) else ".")
    except (Exception, SystemExit) as error:
        sentence = f"your `{shown}` stopped with {type(error).__name__}: {_one_line(error)}{_line_of(error)}" + _known(error)
    fail(sentence)      # not in the except block: the error, and all that its frames hold, would live on


def plain(answer: Any) -> Any:
    """Arrays and NumPy's numbers, in lists too, as Python's own: comparing those has one answer."""
    if isinstance(answer, (list, tuple)):
        return [plain(one) for one in answer]
    return answer.tolist() if isinstance(answer, (ndarray, _generic)) else answer


def number(value: Any) -> float | None:
    """A real number, or the only one in an array, a tensor or a list, as Python has it; None for anything else."""
    if isinstance(value, _generic):
        value = value.item()                                # np.uint64(3) - 5 would not be -2
    if isinstance(value, Real):
        return value
    try:
        array = _asarray(value)
    except Exception:
        return None
    return array.item() if array.size == 1 and array.dtype.kind in "iufb" else None


def compare_number(function: Callable, *arguments: Any, expected: float, source: str = "the reference", tolerance: float = 0,
                   hint: str | Callable[[Any], str] = "", **named: Any) -> None:
    """Call the student's function and compare the number it returns.

    tolerance: largest allowed |given - expected|, in the unit of the number; 0 asks for equality.
    source: what the expected number follows from, as it stands in the sentence ("equation (2)", "Table 3").
    hint: a question added to the sentence, or a function of the given number (never an array) that returns one or "".
    Raises CheckFailed.
    """
    given = call(function, *arguments, **named)
    shown = _call_text(function, arguments, named)
    value = number(given)
    if value is None:
        forgot = "does it end in `return`?" if given is None else "return one number."
        fail(f"your `{shown}` gave {_short(given)}, not a number: {forgot}")
    if not abs(value - expected) <= tolerance:               # a NaN is not within any tolerance
        fail(_sentence(f"your `{shown}` gave {_short(given)}; {source} gives {_short(expected)}" + _apart(value, expected), hint, value))


def compare_array(function: Callable, *arguments: Any, expected: ndarray, source: str = "the reference", tolerance: float = 0,
                  hint: str | Callable[[Any], str] = "", **named: Any) -> None:
    """Call the student's function and compare the array it returns: shape, then every value.

    tolerance: largest allowed |given - expected| of any element; 0 asks for equality. The dtype may differ.
    Raises CheckFailed, naming the first difference: no array, shape, a value that is not finite, the worst element.
    """
    given = call(function, *arguments, **named)
    shown = _call_text(function, arguments, named)
    try:
        array = _asarray(given)
    except Exception:
        array = None
    if array is None or array.dtype.kind not in "iufb":
        fail(f"your `{shown}` gave {_short(given)}, not an array of numbers"
             + (": does it end in `return`?" if given is None else "."))
    if array.shape != expected.shape:
        fail(_sentence(f"your `{shown}` gave the shape {array.shape}; {source} gives {expected.shape}", hint, given))
    if not _all(_isfinite(array)):
        fail(f"your `{shown}` holds values that are not finite: is something divided by zero?")
    difference = _abs(array - _asarray(expected, dtype=float))
    if array.size and not difference.max() <= tolerance:
        worst = tuple(int(i) for i in _unravel_index(_argmax(difference), array.shape))
        fail(_sentence(f"your `{shown}` gave {float(array[worst]):.6g} at index {worst}; "
                       f"{source} gives {float(expected[worst]):.6g}" + _apart(float(array[worst]), float(expected[worst])), hint, given))


def compare_model(function: Callable, *arguments: Any, table: Any, **named: Any) -> Any:
    """Call the student's function, compare the Keras model it returns with a table of the report, return the model.

    table: one of `report.TABLE_2`, `report.TABLE_3`.
    Raises CheckFailed naming the first layer that differs, how many are missing, or the parameters
    that are missing outside the convolutions.
    """
    from course_lib import parameters
    from course_lib.backend import keras
    model = call(function, *arguments, **named)
    if not isinstance(model, keras.Model):
        fail(f"your `{_call_text(function, arguments, named)}` gave {_short(model)}, not a keras.Model"
             + (": does it end in `return`?" if model is None else "."))
    flat(model)
    try:
        comparison = parameters.check(model, table)
    except ValueError as error:                             # TableMismatch is one
        fail(str(error))
    if len(comparison.built) < len(table.rows):
        fail(f"your model fits {table.title} so far, but has {len(comparison.built)} of its {len(table.rows)} convolutions.")
    if not comparison.complete:
        gap = table.total - comparison.total
        fail(f"all convolutions fit {table.title}, but your model has {comparison.total:,} parameters and Table 1 says "
             f"{table.total:,}: {abs(gap):,} {'are missing' if gap > 0 else 'too many'}, outside the convolutions.")
    return model


def flat(model: Any) -> None:
    """CheckFailed for a Keras model with another one, or a class of layers, inside: what is compared are single layers."""
    from course_lib.backend import keras
    for layer in model.layers:
        kind = next(one for one in type(layer).__mro__ if one.__module__.startswith("keras."))
        if isinstance(layer, keras.Model) or kind is keras.Layer and layer.weights:
            what = "another model (keras.Sequential?)" if isinstance(layer, keras.Model) else f"a layer of your own, {type(layer).__name__}"
            fail(f"your model holds {what}, into which the check does not look: call its layers one by one.")


def same_in_training(model: Any, reference: Any, image: ndarray) -> None:
    """CheckFailed for a model that equals the reference in use, but not in training, or is always in training."""
    with quiet():                                           # Keras warns where the model's input is a list of one
        given, told, trained = model(image), model(image, training=False), model(image, training=True)
        expected = reference(image, training=True)
    if not _allclose(given, told, atol=1e-3):
        fail("in use your layers do what they should do in training only: leave out `training=True`; Keras says so itself while it trains.")
    if not _allclose(trained, expected, rtol=1e-2, atol=1e-2):
        fail("in use your layers return the right numbers, but in training they do something else: "
             "is there dropout or noise, or a layer that is not trained?")


def _disguised(value: Any) -> bool:
    """Whether a value, or one inside it, is of a class made in the notebook that brings its own comparison."""
    if isinstance(value, (list, tuple, set)):
        return _is_disguise(type(value)) or any(_disguised(one) for one in value)
    if isinstance(value, dict):
        return _is_disguise(type(value)) or any(_disguised(one) for one in value.values())
    return _is_disguise(type(value))


def _is_disguise(kind: type) -> bool:
    return any(one.__module__ == "__main__" and {"__eq__", "__ne__", "__le__", "__lt__", "__ge__", "__gt__"} & set(vars(one))
               for one in kind.__mro__)


# ---------------------------------------------------------------- the words of a sentence

def _sentence(start: str, hint: str | Callable[[Any], str], given: Any) -> str:
    words = hint(given) if callable(hint) else hint
    return f"{start}: {words}" if words else f"{start}."


def _apart(given: float, expected: float) -> str:
    """How far apart two numbers are that read alike."""
    return f" ({abs(given - expected):.1g} apart; is everything float64, and nothing added?)" if _short(given) == _short(expected) else ""


def _unwritten(error: BaseException, function: Callable) -> str:
    """The function that is not written yet: the one called, or another of the same notebook that it calls."""
    frame = error.__traceback__
    while frame.tb_next is not None:
        frame = frame.tb_next
    code, ours = frame.tb_frame.f_code, frame.tb_frame.f_globals is getattr(function, "__globals__", None)
    return code.co_name if ours and code.co_name.isidentifier() else _name(function)


LOST = ("'NoneType' and ", "No gradients provided", "has no attribute '_id'")    # what TensorFlow says where no gradient can be followed


def _known(error: BaseException) -> str:
    """The end of a sentence about an error: a question where its cause is known."""
    if any(words in str(error) for words in LOST):
        return ": is all of it computed inside the tape, with TensorFlow instead of NumPy, and is the tape told to watch what is no variable?"
    return "."


def _name(function: Callable) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _call_text(function: Callable, arguments: tuple, named: dict) -> str:
    words = [_short(a) for a in arguments] + [f"{key}={_short(value)}" for key, value in named.items()]
    return f"{_name(function)}({', '.join(words)})"


def _short(value: Any) -> str:
    """A value in a few characters, arrays by shape."""
    if isinstance(value, ndarray) and value.size > 4:
        return f"array of shape {value.shape}"
    if hasattr(value, "numpy") and getattr(value, "shape", None) == ():
        value = value.numpy()                               # a tensor's number
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        value = value.item()                                # np.int64(9472) reads 9472
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, ndarray) for one in value):
        return f"{len(value)} arrays, the first of shape {value[0].shape}"
    words = " ".join(repr(value).split())
    return words if len(words) <= 60 else f"{words[:57]}…"


def _one_line(error: BaseException) -> str:
    """The message of an error in one line, without a full stop; Keras writes paragraphs, TensorFlow the names of its own parts."""
    words = re.sub(r"^\{\{.*?\}\}|\[Op:.*", "", " ".join(str(error).split())).strip(" .") or "no message"
    return words if len(words) <= 300 else f"{words[:297]}…"


def _line_of(error: BaseException) -> str:
    """", in line N of your cell" for the last of the error's frames that stands in a notebook cell."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if "ipykernel" in frame.tb_frame.f_code.co_filename or frame.tb_frame.f_code.co_filename.startswith("<ipython"):
            line = frame.tb_lineno
        frame = frame.tb_next
    return f" (line {line} of your cell)" if line else ""
