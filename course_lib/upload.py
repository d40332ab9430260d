"""A button that takes a photograph from the reader's disk (lesson 09)."""

import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path

import ipywidgets
import numpy as np

from course_lib import photos
from course_lib.figures import Display
from course_lib.widgets import Live

CHOOSE = "Choose a photograph"
WHERE = "Here a running notebook has a button to choose a photograph. You can also give a path in the next cell."


def read(name: str, content: bytes) -> np.ndarray:
    """An uploaded file as uint8 RGB (H, W, 3).

    Raises
    ------
    PhotoError, in one sentence with the file's own name, for whatever `photos.read` refuses.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(name.replace("\\", "/")).name or "photo")
        path.write_bytes(content)
        try:
            return photos.read(path)
        except photos.PhotoError as error:
            raise photos.PhotoError(str(error).replace(str(path), path.name)) from None


def button(use: Callable[[np.ndarray], Display]) -> Live:
    """A button to choose a photo file; below it stands what `use` makes of the photograph.

    Parameters
    ----------
    use : from uint8 RGB (H, W, 3) to what is shown, a `figures.Display` or a slider of `widgets`.

    A file that is no photograph, or too large, gives the sentence of the error. Without a
    kernel there is a sentence instead of the button.
    """
    def build():
        choose = ipywidgets.FileUpload(accept="image/*", multiple=False, description=CHOOSE, layout={"width": "auto"})
        box = ipywidgets.VBox([choose], layout={"align_items": "flex-start"})

        def show(words: str) -> None:
            box.children = [choose, ipywidgets.HTML(f"<p role='status'>{escape(words)}</p>")]

        def chosen(change) -> None:
            if not change["new"]:
                return
            (file,) = change["new"]
            show(f"Working on {file['name']} …")
            try:
                result = use(read(file["name"], bytes(file["content"])))
            except (ValueError, OSError, MemoryError) as error:     # PhotoError is a ValueError
                return show(str(error))
            box.children = [choose, result.widget if isinstance(result, Live) else ipywidgets.HTML(result.html)]

        choose.observe(chosen, "value")
        return box

    return Live(f"<p>{WHERE}</p>", WHERE, build)
