"""`make lab` in a real browser: the lesson opens, nothing pops up, and what is saved stays alive."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request

import nbformat
import pytest
from nbformat import v4

SERVE = """
from pathlib import Path
from course_lib import workspace
workspace.lab(["--no-browser", "--port=0"], lessons=Path("notebooks"), work=Path("my_work").resolve())
"""
BOTH = """\
import ipywidgets
from IPython.display import display
class Both(ipywidgets.IntSlider):
    def _repr_mimebundle_(self, **kwargs):
        return super()._repr_mimebundle_(**kwargs) | {"text/html": "<input type=range>"}
display(Both())
print("RUN", "DONE")"""
VIEW = "application/vnd.jupyter.widget-view+json"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
def served(tmp_path):
    """(address printed by `lab`, folder of the student); a course of one lesson, and nobody's own settings."""
    (tmp_path / "notebooks").mkdir()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    lesson = v4.new_notebook(cells=[v4.new_markdown_cell("# 00 · Start here", id="a"), v4.new_code_cell(BOTH, id="b")],
                             metadata={"kernelspec": kernel})
    nbformat.write(lesson, tmp_path / "notebooks" / "00_start_here.ipynb")
    environment = dict(os.environ, JUPYTER_CONFIG_DIR=str(tmp_path / "config"), JUPYTER_DATA_DIR=str(tmp_path / "data"),
                       JUPYTER_RUNTIME_DIR=str(tmp_path / "runtime"))
    server = subprocess.Popen([sys.executable, "-c", SERVE], cwd=tmp_path, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    said = []
    threading.Thread(target=lambda: said.extend(server.stdout), daemon=True).start()
    try:
        deadline = time.time() + 90
        while not (address := re.search(r"http://(?:localhost|127\.0\.0\.1):\d+/lab/tree/00_start_here\.ipynb\?token=\w+", "".join(said))):
            assert server.poll() is None and time.time() < deadline, "".join(said)
            time.sleep(0.1)
        yield address[0], tmp_path / "my_work"
    finally:
        server.terminate()
        server.wait(30)


def test_the_server_asks_for_its_token(served):
    address, _ = served
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(re.sub(r"/lab/tree.*", "/api/contents", address))


def test_lesson_opens_without_pop_ups_and_keeps_its_sliders(served, chromium_path):
    from playwright.sync_api import sync_playwright
    address, work = served
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.get_by_role("heading", name="00 · Start here").wait_for(timeout=90_000)
        page.wait_for_function("document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status == 'idle'", timeout=90_000)

        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.get_by_text("RUN DONE").wait_for(timeout=90_000)
        page.locator(".widget-slider").wait_for(timeout=30_000)         # with a kernel it is the widget that shows
        page.keyboard.press("Escape")
        page.keyboard.press("ControlOrMeta+s")

        saved = work / "00_start_here.ipynb"
        deadline = time.time() + 30
        while "RUN DONE" not in saved.read_text(encoding="utf-8") and time.time() < deadline:
            time.sleep(0.2)
        page.wait_for_timeout(3000)                                     # a pop-up would have come by now
        assert page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []
        assert {url.split("/")[2] for url in asked if url.startswith("http")} == {address.split("/")[2]}
        assert not [url for url in asked if re.search("/api/(news|update)", url)]
        browser.close()
    bundles = [output["data"] for output in json.loads(saved.read_text(encoding="utf-8"))["cells"][1]["outputs"] if "data" in output]
    assert [VIEW in bundle for bundle in bundles] == [False]
    assert "".join(bundles[0]["text/html"]) == "<input type=range>"
