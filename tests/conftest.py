"""What all tests share: the markers `full` and `thorough`, and where this machine's Chromium is."""

import os
import shutil
import signal
from pathlib import Path

import pytest

FULL = os.environ.get("FULL", "0")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:       # as a shell starts what it runs in the background;
    signal.signal(signal.SIGINT, signal.default_int_handler)    # the tests of Ctrl-C start programs that would inherit it

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
CHROMIUM_PLACES = (
    "/usr/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)


def pytest_collection_modifyitems(items):
    for marker, needed, levels in (("full", "1", ("1", "all")), ("thorough", "all", ("all",))):
        for item in items:
            if item.get_closest_marker(marker) and FULL not in levels:
                item.add_marker(pytest.mark.skip(reason=f"runs with FULL={needed} only: make test FULL={needed}"))


def find_chromium() -> str | None:
    """This machine's Chromium, Chrome or Edge; $COURSE_CHROMIUM goes first, Playwright's own last."""
    if os.environ.get("COURSE_CHROMIUM"):
        return os.environ["COURSE_CHROMIUM"]
    for found in (*map(shutil.which, CHROMIUM_NAMES), *CHROMIUM_PLACES):
        if found and Path(found).exists():
            return found
    from playwright.sync_api import sync_playwright
    try:
        with sync_playwright() as playwright:
            own = playwright.chromium.executable_path
    except Exception:       # its driver does not start: a minimal Debian 13 lacks libatomic, for one
        return None
    return own if Path(own).exists() else None


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser of the browser tests. Without one they are skipped, or fail under COURSE_REQUIRE_BROWSER=1."""
    found = find_chromium()
    if found and Path(found).exists():
        return found
    given = f"COURSE_CHROMIUM is {found!r}, which does not exist" if found else "no Chromium, Chrome or Edge was found"
    sentence = f"{given}; install one, or set COURSE_CHROMIUM to its program, to run the browser tests."
    if os.environ.get("COURSE_REQUIRE_BROWSER") == "1":
        pytest.fail(sentence)
    pytest.skip(sentence)
