"""One browser and one JupyterLab for all browser tests of a run; both end with it."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "test-artefacts" / "browser"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
         "--force-color-profile=srgb"]
SERVE = """\
import sys
from pathlib import Path
from course_lib import workspace
workspace.lab(["--no-browser", "--port=0"], lessons=Path(sys.argv[1]), work=Path(sys.argv[2]))
"""


@pytest.fixture(scope="session")
def browser(chromium_path):
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where screenshots go: test-artefacts/browser, which git ignores."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    return ARTEFACTS


class Lab:
    """A running JupyterLab as `make lab` starts it: its address, token and folder."""

    def __init__(self, address: str, token: str, work: Path):
        self.address, self.token, self.work = address, token, work

    def url(self, notebook: str) -> str:
        return f"{self.address}/lab/tree/{notebook}?token={self.token}&reset"

    def end_kernels(self) -> None:
        sessions = json.load(urllib.request.urlopen(f"{self.address}/api/sessions?token={self.token}"))
        for session in sessions:
            urllib.request.urlopen(urllib.request.Request(
                f"{self.address}/api/sessions/{session['id']}?token={self.token}", method="DELETE"))


@pytest.fixture(scope="session")
def lab(chromium_path, tmp_path_factory):
    """`workspace.lab` on fresh copies of the lessons, with nobody's own settings."""
    home = tmp_path_factory.mktemp("lab")
    own = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    environment = dict(os.environ, **own, IPYTHONDIR=str(home / "ipython"), COURSE_SIZE="smoke")
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(ROOT / "notebooks"), str(home / "my_work")], env=environment,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    said: list[str] = []
    threading.Thread(target=lambda: said.extend(server.stdout), daemon=True).start()
    try:
        deadline = time.time() + 90
        while not (found := re.search(r"(http://(?:localhost|127\.0\.0\.1):\d+)/lab\S*\?token=(\w+)", "".join(said))):
            assert server.poll() is None and time.time() < deadline, "JupyterLab did not start:\n" + "".join(said)
            time.sleep(0.1)
        yield Lab(found[1], found[2], home / "my_work")
    finally:
        server.terminate()      # ends its kernels too
        server.wait(30)
