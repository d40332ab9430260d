"""One of each widget, small and the same in every process: the notebook under test runs this
module's cells, and the tests build the same widgets again to know what each must show."""

import nbformat

SETUP = """\
import matplotlib.pyplot as plt
import numpy as np
from course_lib import figures, widgets

rng = np.random.default_rng(0)
photo = np.kron(rng.integers(0, 256, (12, 16, 3)), np.ones((16, 16, 1))).astype(np.uint8)   # 192 × 256
steps = [np.roll(photo, 32 * i, axis=1) // 2 + 10 * i for i in range(6)]


def wave(frequency, phase):
    figure, axes = plt.subplots(figsize=(4, 2))
    x = np.linspace(0, 6, 200)
    axes.plot(x, np.sin(frequency * x + phase))
    axes.set(ylim=(-1.2, 1.2), xlabel="x", ylabel="y")
    return figure
"""

WIDGETS = {
    "epochs": 'widgets.slider(steps, [1, 2, 5, 10, 20, 40], name="epoch", alt="Coloured squares moving right", start=2)',
    "waves": ('widgets.explore(wave, {"frequency": [0.5, 1.0, 2.0], "phase": [0.0, 1.5, 3.0]}, alt="A sine wave", '
              'start={"frequency": 1.0})'),
    "swipe": 'widgets.swipe(photo // 3, photo, labels=("dark", "bright"), alt="coloured squares")',
    "panel": "widgets.parameter_panel()",
}
FIGURES = {
    "show": 'figures.show(wave(1.0, 0.0), "One and a half periods of a sine wave")',
    "images": 'figures.images({"as it is": photo, "half as bright": photo // 2}, alt="coloured squares")',
    "maps": 'figures.feature_maps(rng.normal(size=(24, 24, 12)), "Random numbers as feature maps", zoom=2)',
}


def build() -> dict:
    """The zoo's widgets and figures, made in this process."""
    names: dict = {}
    exec(SETUP, names)      # the very text that the notebook runs
    return {name: eval(code, names) for name, code in (WIDGETS | FIGURES).items()}


def notebook() -> nbformat.NotebookNode:
    """The zoo as a notebook without outputs; its cells have the widgets' names as ids."""
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell("# Zoo", id="title"), v4.new_code_cell(SETUP, id="setup")]
    cells += [v4.new_code_cell(code, id=name) for name, code in (WIDGETS | FIGURES).items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
