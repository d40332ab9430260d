"""Google Colab has ipywidgets 7: here its widgets learn the manners of version 8 that the course counts on.

The first cell of a lesson on Colab calls `prepare`. Nothing else imports this module; it can go when Colab has version 8.
"""

from pathlib import Path

import ipywidgets
from traitlets import All

import course_lib

VIEW = "application/vnd.jupyter.widget-view+json"


def prepare() -> None:
    """Make the installed ipywidgets fit and say what is ready."""
    if not hasattr(ipywidgets.Widget, "_repr_mimebundle_"):
        ipywidgets.Widget._repr_mimebundle_ = _view
        ipywidgets.Widget._ipython_display_ = None      # it would go before the bundle, and could not be updated
        ipywidgets.FileUpload = _FileUpload
    folder = Path(course_lib.__file__).parents[1]
    print(f"The course {course_lib.__version__} is in {folder}, and everything the lessons need is installed.")


def _view(self, **_) -> dict:
    """What a widget shows, as one MIME bundle."""
    return {"text/plain": repr(self), VIEW: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}


class _FileUpload(ipywidgets.FileUpload):
    """Tells who observes its value of a tuple of files, each with name and content; version 7 has them as {name: file}."""

    def observe(self, handler, names=All, type="change") -> None:
        def told(change) -> None:
            files = tuple({"name": name, "content": file["content"]} for name, file in change["new"].items())
            handler({**change, "new": files})

        super().observe(told if names == "value" else handler, names, type)
