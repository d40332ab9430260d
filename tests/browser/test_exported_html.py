"""Exported pages, opened from the disk with every request refused: all sliders work."""

from pathlib import Path

import nbformat
import pytest
import zoo
from driving import html_outputs, move_all
from nbconvert import HTMLExporter

SOLUTIONS = sorted((Path(__file__).resolve().parents[2] / "solutions").glob("[0-9]*.ipynb"))


def executed_zoo() -> nbformat.NotebookNode:
    """The zoo with its outputs, as it is after running and saving."""
    notebook, made = zoo.notebook(), zoo.build()
    for cell in notebook.cells:
        if cell.id in made:
            data = {"text/html": made[cell.id].html, "text/plain": made[cell.id].alt}
            cell.outputs = [nbformat.v4.new_output("display_data", data)]
    return notebook


def open_page(browser, notebook, path: Path, width: int):
    """Export a notebook and open it from the disk; http and https go nowhere."""
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    context.route(lambda url: url.startswith("http"), lambda route: route.abort())
    page = context.new_page()
    page.goto(path.as_uri())
    return page


def test_sliders(browser, artefacts, tmp_path):
    notebook = executed_zoo()
    page = open_page(browser, notebook, tmp_path / "zoo.html", 1280)
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    page.screenshot(path=artefacts / "export_desktop.png", full_page=True)
    assert move_all(page, [html for *_, html in html_outputs(notebook)]) == 9
    page.context.close()


def test_fits_a_phone(browser, artefacts, tmp_path):
    page = open_page(browser, executed_zoo(), tmp_path / "zoo.html", 360)
    page.screenshot(path=artefacts / "export_phone.png", full_page=True)
    for area in page.locator(":is([data-frames], [data-swipe], [data-panel], figure)").all():
        box = area.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    page.context.close()


@pytest.mark.parametrize("path", [
    pytest.param(path, id=path.stem, marks=[] if path.stem.startswith("00") else [pytest.mark.full]) for path in SOLUTIONS
])
def test_lesson(browser, tmp_path, path):
    notebook = nbformat.read(path, as_version=4)
    page = open_page(browser, notebook, tmp_path / "lesson.html", 1280)
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    move_all(page, [html for *_, html in html_outputs(notebook)])
    page.context.close()
