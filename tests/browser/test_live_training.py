"""The live view of a training in JupyterLab: it moves, the stop button keeps everything, and a still picture stays."""

import re

import nbformat
import pytest
from driving import open_notebook, output
from test_in_jupyterlab import new_page, save

from course_lib import runs

VIEW = "application/vnd.jupyter.widget-view+json"
EPOCHS = 2000       # far more than are waited for
TRAIN = f"""\
from course_lib import runs, training, widgets
settings = runs.SIZES["smoke"].changed(epochs={EPOCHS}, schedule="constant")
run = training.train("runs/stopped", settings, resume=True, report=widgets.TrainingView())
"""


@pytest.fixture
def opened(browser, lab):
    """A page with a notebook that trains, and the notebook's path."""
    page = new_page(browser)
    path = lab.work / "training_view.ipynb"
    v4 = nbformat.v4
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(TRAIN), v4.new_code_cell("len(run.history)")],
                                   metadata={"kernelspec": kernel}), path)
    open_notebook(page, lab.url(path.name))
    yield page, path
    page.context.close()
    lab.end_kernels()


def run_all_and_stop(page, after: int) -> str:
    """Run All, press the stop button once epoch `after` is being trained; returns what the view then says."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    area = page.locator(".jp-Notebook .jp-Cell").first.locator(".jp-OutputArea")
    area.locator(".widget-html, .jupyter-widget-html").filter(
        has_text=re.compile(rf"epoch (?:{after}|{after + 1}|{after + 2}) of {EPOCHS}, .+ left: PSNR")).first.wait_for(timeout=120_000)
    assert area.locator("img").count() == 4, "blurred, deblurred and sharp, and the curves"
    page.locator("button[data-command='notebook:interrupt-kernel'], [data-command='notebook:interrupt-kernel'] button, "
                 "jp-button[data-command='notebook:interrupt-kernel']").first.click()
    stopped = area.locator("p", has_text="Stopped after step")
    stopped.wait_for(timeout=30_000)
    return stopped.inner_text()


def test_stop_button_and_going_on(opened, lab, artefacts):
    page, path = opened
    first = run_all_and_stop(page, 3)
    step = int(re.search(r"after step (\d+) of", first)[1])
    assert "everything is kept in runs" in first and step >= 6
    # the cell below ran, although this one was interrupted: nothing was raised
    assert re.search(r"\d", output(page, 1).inner_text())
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedText[data-mime-type*=error]").count() == 0
    page.screenshot(path=artefacts / "training_stopped.png")

    epochs = len(runs.Run(lab.work / "runs" / "stopped").history) - 1
    second = run_all_and_stop(page, epochs + 2)
    assert int(re.search(r"after step (\d+) of", second)[1]) > step

    stored = save(page, path).cells[0].outputs
    assert len(stored) == 1 and VIEW not in stored[0].data
    assert stored[0].data["text/html"].count("<img") == 4 and "Stopped after step" in stored[0].data["text/html"]
