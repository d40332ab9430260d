"""Counting parameters: equation (2), and a model held against the report's tables row by row.

A total can be right for the wrong reasons: a stride changes no parameter, and two layers
that change places keep the sum. So `check` compares kernel size, stride, channels and count
of every convolution, in order. (Lesson 03.)
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from course_lib.report import Layer, Table


def conv2d(c_in: int, c_out: int, k: int) -> int:
    """Parameters of a k × k convolution with bias, equation (2): C_out × (C_in × K² + 1)."""
    return c_out * (c_in * k**2 + 1)


def dense(n_in: int, n_out: int) -> int:
    """Parameters of a dense layer with bias: every output has a weight per input, and one bias."""
    return n_out * (n_in + 1)


def batch_normalisation(channels: int) -> int:
    """Parameters Keras counts: scale, shift (trained), moving mean, moving variance (not trained)."""
    return 4 * channels


def output_size(size: int, stride: int) -> int:
    """Pixels along one side after a convolution with 'same' padding: size / stride, rounded up."""
    return -(-size // stride)


def macs(c_in: int, c_out: int, k: int, height: int, width: int) -> int:
    """Multiply-accumulates of a convolution whose *output* is height × width pixels."""
    return height * width * c_out * c_in * k**2


def model_macs(model, size: int = 256) -> int:
    """Multiply–accumulates of a Keras model for one image of size × size pixels, as `macs` counts them.

    Convolutions, also depthwise and transposed ones, and dense layers count; what is done pixel by pixel
    (normalisation, activation, addition, resizing) does not.
    """
    from course_lib.backend import keras
    layers = keras.layers
    sized = keras.models.clone_model(model, input_tensors=keras.Input((size, size, model.input.shape[-1])))
    total = 0
    for layer in sized.layers:
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Conv2DTranspose)):
            side = layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output   # where the kernel is laid
            total += side.shape[1] * side.shape[2] * math.prod(layer.kernel.shape)
        elif isinstance(layer, layers.Dense):
            total += math.prod(layer.kernel.shape)
    return total


def receptive_field(stack: Sequence[tuple[int, int, int]]) -> int:
    """Side of the square of input pixels that one output pixel depends on.

    `stack` holds (k, stride, enlarge) of each convolution, first layer first; enlarge is 2
    where pixels are repeated to double the image before the convolution, otherwise 1. Walked
    backwards: n neighbours in the output of a convolution see (n - 1) × stride + k of its
    input, and n neighbours of an enlarged image come from at most (n - 1) / enlarge + 1 pixels.
    """
    n = 1
    for k, stride, enlarge in reversed(stack):
        n = (n - 1) * stride + k
        n = -(-(n - 1) // enlarge) + 1
    return n


class TableMismatch(ValueError):
    """A model differs from a table of the report; the message names the first wrong layer."""


@dataclass(frozen=True)
class Comparison:
    """A model beside a table of the report: what `check` returns and a notebook displays.

    `built` holds the model's convolutions, `rest` the parameters of all other layers by
    kind, `total` Keras' own count of everything.
    """

    table: Table
    built: list[Layer]
    rest: dict[str, int]

    @property
    def convolutions(self) -> int:
        return sum(layer.parameters for layer in self.built)

    @property
    def total(self) -> int:
        return self.convolutions + sum(self.rest.values())

    @property
    def complete(self) -> bool:
        """Every row is built and the total is Table 1's."""
        return len(self.built) == len(self.table.rows) and self.total == self.table.total

    def _lines(self) -> list[tuple]:
        """Table lines for display; equal rows one after another become one line."""
        done = len(self.built)
        lines = []
        for (_, state), group in groupby(enumerate(self.table.rows), lambda e: (e[1][1:], e[0] < done)):
            rows = [row for _, row in group]
            name = rows[0].name if len(rows) == 1 else f"{rows[0].name} … {rows[-1].name} ({len(rows)} ×)"
            _, k, stride, c_in, c_out, count = rows[0]
            equation = conv2d(c_in, c_out, k)
            lines.append((name, k, stride, c_in, c_out, f"{count:,}", f"{equation:,}",
                          f"{count:,} ✓" if state else "not built yet"))
        return lines

    def _summary(self) -> list[tuple[str, str]]:
        rows, total = self.table.rows, self.table.total
        lines = [(f"convolutions, {len(self.built)} of {len(rows)}",
                  f"{self.convolutions:,} of {sum(r.parameters for r in rows):,}")]
        lines += [(kind, f"{count:,}") for kind, count in self.rest.items()]
        gap = total - self.total
        verdict = ("equal to Table 1 ✓" if gap == 0 else
                   f"Table 1 says {total:,}: {abs(gap):,} " + ("still to find" if gap > 0 else "too many"))
        return lines + [("total, counted by Keras", f"{self.total:,} ({verdict})")]

    HEADER = ("layer", "K", "S", "C_in", "C_out", "report", "equation (2)", "your model")

    def __str__(self) -> str:
        lines = [self.HEADER, *self._lines()]
        widths = [max(len(str(line[i])) for line in lines) for i in range(len(self.HEADER))]
        text = ["  ".join(str(cell).ljust(w) if i == 0 else str(cell).rjust(w)
                          for i, (cell, w) in enumerate(zip(line, widths))) for line in lines]
        text += [f"{name}: {value}" for name, value in self._summary()]
        return "\n".join([f"{self.table.network} against {self.table.title}", *text])

    __repr__ = __str__      # what a terminal and a stored notebook show beside the HTML

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{h}</th>' for h in self.HEADER)
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in self._lines())
        foot = "".join(f'<tr><td colspan="7">{n}</td><td>{v}</td></tr>' for n, v in self._summary())
        return (f"<table><caption>{self.table.network} against {self.table.title}</caption>"
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>")


def check(model, table: Table) -> Comparison:
    """Compare a Keras model with Table 2 or 3 of the report, row by row.

    Parameters
    ----------
    model : a built `keras.Model`, or a list of built layers in the order in which they act.
        It may be unfinished: rows that are not built yet stay open.
    table : `report.TABLE_2` or `report.TABLE_3`.

    Returns
    -------
    A `Comparison`, which prints and displays as the table so far.

    Raises
    ------
    TableMismatch naming the first convolution whose kernel size, stride, channels or number
    of parameters is not the table's, what it has and what the table says.
    ValueError if a layer has no weights yet.
    """
    built, rest = [], Counter()
    for layer in _flatten(getattr(model, "layers", model)):
        if not layer.built:
            raise ValueError(f"Layer {layer.name} has no weights yet, so nothing can be counted: call it on an input first.")
        if hasattr(layer, "kernel_size"):
            built.append(_row(layer, table))
        elif layer.count_params():
            rest[type(layer).__name__] += layer.count_params()

    for i, (mine, theirs) in enumerate(zip(built, table.rows)):
        if mine[1:] != theirs[1:]:
            raise TableMismatch(_explain(built, table, i))
    if len(built) > len(table.rows):
        raise TableMismatch(f"{built[len(table.rows)].name} is convolution {len(table.rows) + 1}, "
                            f"but {table.title} has {len(table.rows)}: remove one.")
    return Comparison(table, built, dict(rest))


def _flatten(layers):
    """Layers in order, those of nested models included."""
    for layer in layers:
        if hasattr(layer, "layers"):
            yield from _flatten(layer.layers)
        else:
            yield layer


def _row(layer, table: Table) -> Layer:
    """A Keras convolution as a row of a table."""
    if type(layer).__name__ != "Conv2D":
        raise TableMismatch(f"{layer.name} is a {type(layer).__name__}; every row of {table.title} is a Conv2D.")
    k, stride = layer.kernel_size, layer.strides
    if k[0] != k[1] or stride[0] != stride[1]:
        raise TableMismatch(f"{layer.name} has kernel {k} and strides {stride}; those of {table.title} are square.")
    return Layer(layer.name, k[0], stride[0], layer.kernel.shape[-2], layer.filters, layer.count_params())


def _explain(built: list[Layer], table: Table, i: int) -> str:
    """One sentence on the first wrong layer: what it has, what the table says, what to do."""
    mine, theirs = built[i], table.rows[i]
    names = {"k": "K", "stride": "stride", "c_in": "C_in", "c_out": "C_out"}
    wrong = [f"{label} is {getattr(mine, field)}, the table says {getattr(theirs, field)}"
             for field, label in names.items() if getattr(mine, field) != getattr(theirs, field)]
    if not wrong:
        wrong = [f"it has {mine.parameters:,} parameters, the table says {theirs.parameters:,}"]
        if mine.parameters == theirs.parameters - theirs.c_out:
            wrong.append("its bias is missing")
    where = mine.name if mine.name == theirs.name else f"{mine.name} (the table's {theirs.name})"
    message = f"{where}, row {i + 1} of {table.title}: " + "; ".join(wrong) + "."
    tail = [layer[1:] for layer in built[i:]]
    missing = len(table.rows) - len(built)
    if missing > 0 and tail == [row[1:] for row in table.rows[i + missing:]]:
        message += f" The rest fits {missing} rows further down: {missing} convolution(s) are missing before this one."
    elif missing < 0 and tail[-missing:] == [row[1:] for row in table.rows[i:]]:
        message += f" Without {-missing} convolution(s) from here on the rest fits."
    elif (i + 1 < min(len(built), len(table.rows)) and built[i + 1][1:] == theirs[1:]
          and mine[1:] == table.rows[i + 1][1:]):
        message += f" It and {built[i + 1].name} have changed places."
    return message
