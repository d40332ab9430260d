"""Every lesson in a real JupyterLab: it runs, and every slider shows what it must.

The zoo, a notebook with one of each widget, goes through its whole life: run, saved, opened again
without a kernel's help, and opened where it is not trusted.
"""

import shutil
from pathlib import Path

import nbformat
import pytest
import zoo
from driving import html_outputs, move_everything, open_notebook, output, run_all, still

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9]*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"
SIZE = {"width": 1280, "height": 900}


def new_page(browser):
    page = browser.new_context(viewport=SIZE).new_page()
    page.set_default_timeout(60_000)
    return page


@pytest.fixture
def page(browser, lab):
    """A page of its own; whatever kernel it starts ends with it."""
    page = new_page(browser)
    yield page
    page.context.close()
    lab.end_kernels()


def save(page, path: Path, escape: bool = True):
    """Save the notebook as a student does; returns what is on the disk then."""
    before = path.stat().st_mtime_ns
    if escape:
        page.keyboard.press("Escape")
    page.keyboard.press("ControlOrMeta+s")
    for _ in range(150):
        page.wait_for_timeout(100)
        if path.stat().st_mtime_ns != before:
            page.wait_for_timeout(300)
            return nbformat.read(path, as_version=4)
    raise AssertionError(f"{path.name} was not saved")


def screenshots(page, notebook, folder: Path, name: str) -> None:
    for i, j, _ in html_outputs(notebook):
        output(page, i, j).screenshot(path=folder / f"{name}_{i:02}_{j}.png")


@pytest.fixture(scope="module")
def ran(lab, browser):
    """The zoo, run and saved: (page, notebook on the disk, its path)."""
    path = lab.work / "zoo.ipynb"
    nbformat.write(zoo.notebook(), path)
    page = new_page(browser)
    open_notebook(page, lab.url(path.name))
    run_all(page)
    yield page, save(page, path), path
    page.context.close()


def test_live_sliders(ran, artefacts):
    page, notebook, _ = ran
    screenshots(page, notebook, artefacts, "live")
    found = html_outputs(notebook)
    assert len(found) == len(zoo.WIDGETS)
    for i, j, html in found:
        area = output(page, i, j)
        area.locator(".noUi-handle").first.wait_for()       # with a kernel it is the widget that shows
        assert area.locator("input[type=range]").count() == 0
        assert move_everything(area, html) == area.locator(".noUi-handle").count()


def test_figures_have_their_text(ran):
    page, notebook, _ = ran
    expected = zoo.build()
    for name in zoo.FIGURES:
        cell = next(i for i, cell in enumerate(notebook.cells) if cell.id == name)
        alts = [picture.get_attribute("alt") for picture in output(page, cell).locator("img").all()]
        assert alts and all(expected[name].alt in alt for alt in alts)


def test_saved_without_dead_widgets(ran):
    _, notebook, _ = ran
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert not any(VIEW in one.get("data", {}) for one in outputs)
    assert "widgets" not in notebook.metadata
    same = zoo.build()
    for cell in notebook.cells:
        if cell.id in same:     # byte for byte what another process makes
            assert cell.outputs[0].data["text/html"] == same[cell.id].html


def test_reopened_sliders_work_without_kernel(ran, lab, page, artefacts):
    _, notebook, path = ran
    lab.end_kernels()
    open_notebook(page, lab.url(path.name))
    screenshots(page, notebook, artefacts, "reopened")
    for i, j, html in html_outputs(notebook):
        assert output(page, i, j).locator(".noUi-handle").count() == 0
        assert move_everything(output(page, i, j), html)
    page.locator("input[type=range]").first.focus()     # the slider has the arrow keys, the notebook the others
    save(page, path, escape=False)


def test_untrusted_shows_stills(ran, lab, page, artefacts):
    _, notebook, path = ran
    strange = nbformat.from_dict(notebook)
    strange.cells[0].source = "# Zoo, not signed here"
    nbformat.write(strange, lab.work / "strange.ipynb")
    open_notebook(page, lab.url("strange.ipynb"))
    screenshots(page, notebook, artefacts, "untrusted")
    for i, j, html in html_outputs(notebook):
        still(output(page, i, j), html)


KINDS = {"03", "07", "08"}      # lessons with the panel, the view of a running training, and most sliders


@pytest.mark.parametrize("source", [
    pytest.param(path, id=path.stem, marks=[] if path.stem.startswith("00") else
                 [pytest.mark.full if path.stem[:2] in KINDS else pytest.mark.thorough]) for path in NOTEBOOKS
])
def test_lesson(source, lab, page, artefacts):
    path = lab.work / f"fresh_{source.name}"
    shutil.copy(source, path)
    open_notebook(page, lab.url(path.name))
    run_all(page, seconds=600)
    notebook = save(page, path)
    for i, cell in enumerate(notebook.cells):
        wrong = [one for one in cell.get("outputs", []) if one.output_type == "error"]
        assert not wrong or "raises-exception" in cell.metadata.get("tags", []), f"cell {i}: {wrong[0].evalue}"
    moved = 0
    for i, j, html in html_outputs(notebook):
        area = output(page, i, j)
        area.locator(".noUi-handle").first.wait_for()
        area.screenshot(path=artefacts / f"{source.stem}_{i:02}_{j}.png")
        moved += move_everything(area, html)
    print(f"{source.stem}: {moved} sliders moved")
