"""The upload button of lesson 09 in a real JupyterLab: a photograph, and a file that is none."""

import nbformat
import numpy as np
import pytest
from driving import open_notebook, output, run_all
from PIL import Image

CELL = """\
from course_lib import upload, widgets
upload.button(lambda photo: widgets.swipe(photo[:90, :120], 255 - photo[:90, :120], alt="a photograph and its negative"))
"""


@pytest.fixture
def button(lab, browser):
    """The output of a fresh notebook with the button."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)], metadata=kernel)
    nbformat.write(notebook, lab.work / "upload.ipynb")
    page = browser.new_context().new_page()
    page.set_default_timeout(30_000)
    open_notebook(page, lab.url("upload.ipynb"))
    run_all(page)
    yield output(page, 0)
    page.context.close()
    lab.end_kernels()


def choose(area, path) -> None:
    with area.page.expect_file_chooser() as chooser:
        area.get_by_role("button", name="Choose a photograph").click()
    chooser.value.set_files(path)


def test_a_photograph_and_a_file_that_is_none(button, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    choose(button, tmp_path / "notes.txt")
    button.get_by_text("notes.txt is not a photo this course can read").wait_for()

    (tmp_path / "film.jpg").write_bytes(b"no picture" * 1_200_000)      # 12 MB, more than Tornado lets through by itself
    choose(button, tmp_path / "film.jpg")
    button.get_by_text("film.jpg is not a photo this course can read").wait_for()

    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), np.uint8)      # 5.8 MB: as large as a phone's photograph
    Image.fromarray(noise).save(tmp_path / "holiday.png")
    choose(button, tmp_path / "holiday.png")
    button.locator(".noUi-handle").first.wait_for()
    assert button.locator("img").count() == 1
