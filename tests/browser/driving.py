"""Moves sliders as a reader does, by keyboard and by mouse, and holds each picture against the
frame it must be.

The expected frames come from the HTML in the output's MIME bundle. The same checks serve the live
ipywidgets view, the HTML in a reopened notebook, and an exported page.
"""

import io
import json
import re
import time
from html import unescape

import numpy as np
from PIL import Image

from course_lib import figures, parameters

SLIDER = ".noUi-handle, input[type=range]"
WIDGET = "data-(frames|swipe|panel)="
PIXELS = """async picture => {
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas.toDataURL("image/png");
}"""


def open_notebook(page, url: str) -> None:
    """Go to a notebook in JupyterLab and wait until its kernel is ready."""
    page.goto(url)
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=90_000)
    page.locator(".jp-StatusBar-TextItem", has_text=re.compile(r"\| Idle")).wait_for(timeout=90_000)
    page.wait_for_timeout(500)


def run_all(page, seconds: int = 300) -> None:
    """Run all cells and wait until each has its number."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    prompts = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.textContent.trim())"
    deadline = time.time() + seconds
    while not all(re.search(r"\d", text) for text in page.evaluate(prompts)):
        errors = page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts()
        assert time.time() < deadline, f"not all cells ran in {seconds} s: prompts {page.evaluate(prompts)}, on stderr {errors}"
        page.wait_for_timeout(200)
    page.locator(".jp-StatusBar-TextItem", has_text=re.compile(r"\| Idle")).wait_for(timeout=90_000)


def output(page, cell: int, number: int = 0):
    """Output `number` of cell `cell`, both counted from 0, scrolled into view."""
    found = page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-OutputArea-child").nth(number)
    found.scroll_into_view_if_needed()
    return found


def html_outputs(notebook) -> list[tuple[int, int, str]]:
    """(cell, number of the output, HTML) of every widget in an executed notebook."""
    return [(i, j, html) for i, cell in enumerate(notebook.cells) for j, one in enumerate(cell.get("outputs", []))
            if re.search(WIDGET, html := "".join(one.get("data", {}).get("text/html", "")))]


def move_everything(area, html: str) -> int:
    """Move every slider of one output; returns how many there are."""
    kind = re.search(WIDGET, html)[1]
    return {"frames": check_frames, "swipe": check_swipe, "panel": check_panel}[kind](area, html)


def move_all(page, found: list[str]) -> int:
    """Move every slider of a page whose widgets have this HTML, in this order; returns how many there are."""
    areas = page.locator(":is([data-frames], [data-swipe], [data-panel])")
    assert areas.count() == len(found)
    # the parent: the checks look for a widget inside of an output
    return sum(move_everything(areas.nth(i).locator(".."), html) for i, html in enumerate(found))


def still(area, html: str) -> None:
    """An output whose handlers were stripped: the first frame with its text, and nothing that moves."""
    if "data-panel=" in html:
        assert "64 × (3 × 7² + 1) = 9,472" in area.inner_text()
    else:
        expect_picture(area.locator("img").first, figures.decode(sources(html)[0]))
        if "data-swipe=" in html:
            expect_swiped(area, *(figures.decode(uri) for uri in sources(html)), percent=50)
        assert area.locator("img").count() == 1 + ("data-swipe=" in html)
        assert area.locator("img").first.get_attribute("alt") == unescape(re.search('<img[^>]* alt="([^"]*)"', html)[1])
    assert all(not slider.is_enabled() for slider in area.locator("input").all())
    assert area.locator("[oninput], [onpointermove], script").count() == 0


# ---------------------------------------------------------------- what is expected

def sources(html: str) -> list[str]:
    """Data URIs of the pictures in it, in order."""
    return re.findall('src="(data:[^"]*)"', html)


def frames(html: str) -> list[np.ndarray]:
    """The frames of a slider, in order; the empty place is that of the picture shown first."""
    uris = re.search('data-frames="([^"]*)"', html)[1].split(" ")
    return [figures.decode(uri or sources(html)[0]) for uri in uris]


def labels(html: str) -> dict[str, list[str]]:
    """{name of the slider: its labels}"""
    found = re.findall('name="([^"]*)".*?data-labels="([^"]*)"', html)
    return {unescape(name): json.loads(unescape(several)) for name, several in found}


def shown(picture) -> np.ndarray:
    """The pixels of an `<img>` as the browser decoded them."""
    return figures.decode(picture.evaluate(PIXELS))


def expect_picture(picture, expected: np.ndarray, frames=(), seconds: float = 60) -> None:
    """Wait until an `<img>` shows `expected`, and none of `frames` is closer.

    Two decoders of a lossy picture may differ by a level or so; frames may differ by as little,
    when only a thin line moves.
    """
    deadline = time.time() + seconds
    while True:
        seen = shown(picture).astype(np.int16)
        difference = np.abs(seen - expected).mean() if seen.shape == expected.shape else np.inf
        if difference < 1 and all(np.abs(seen - other).mean() >= difference for other in frames):
            return
        assert time.time() < deadline, (f"the picture ({picture.get_attribute('alt')}) is not the expected frame: "
                                        f"mean difference {difference:.1f} levels, shapes {seen.shape} and {expected.shape}")
        time.sleep(0.05)


# ---------------------------------------------------------------- sliders

def position(slider) -> int:
    value = slider.get_attribute("aria-valuenow")
    return round(float(slider.input_value() if value is None else value))


def positions(sliders) -> list[int]:
    found = sliders.evaluate_all("all => all.map(s => s.getAttribute('aria-valuenow') ?? s.value)")
    return [round(float(value)) for value in found]


def drag(slider, fraction: float) -> None:
    """Take the handle with the mouse and pull it to a place along its track, 0 left, 1 right."""
    page, live = slider.page, slider.get_attribute("aria-valuenow") is not None
    slider.scroll_into_view_if_needed()
    track = slider.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]") if live else slider
    box, mine = track.bounding_box(), slider.bounding_box()
    if live:
        x = mine["x"] + mine["width"] / 2
    else:
        x = box["x"] + 8 + (box["width"] - 16) * position(slider) / int(slider.get_attribute("max"))
    y = mine["y"] + mine["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(box["x"] + fraction * box["width"], y, steps=8)
    page.mouse.up()


def moves(slider, count: int):
    """Move one slider every way there is; yields where it must stand after each."""
    for key, expected in (("Home", 0), ("ArrowRight", 1), ("End", count - 1)):
        slider.press(key)
        yield expected
    drag(slider, 0.3)
    expected = round(0.3 * (count - 1))
    assert abs(position(slider) - expected) <= 1, f"dragged to 30 percent, the slider stands at {position(slider)} of {count}"
    yield position(slider)


def check_frames(area, html: str) -> int:
    pictures, axes = frames(html), labels(html)
    sliders, shape = area.locator(SLIDER), [len(several) for several in axes.values()]
    assert sliders.count() == len(axes)
    here = positions(sliders)
    assert len({picture.tobytes() for picture in pictures}) > 1
    for axis, count in enumerate(shape):
        for here[axis] in moves(sliders.nth(axis), count):
            picture = area.locator("img").first
            expect_picture(picture, pictures[np.ravel_multi_index(here, shape)], pictures)
            assert position(sliders.nth(axis)) == here[axis]
            where = ", ".join(f"{name} {several[i]}" for (name, several), i in zip(axes.items(), here))
            assert picture.get_attribute("alt").endswith(f"({where})")
    return len(axes)


def check_swipe(area, html: str) -> int:
    left, right = (figures.decode(uri) for uri in sources(html)[:2])
    slider = area.locator(SLIDER)
    assert slider.count() == 1
    for percent in moves(slider, 101):
        expect_swiped(area, left, right, percent)
    picture = area.locator("img").nth(1).locator("..")
    if picture.count():                     # the HTML form: the picture itself can be pulled as well
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        area.page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
        area.page.mouse.down()
        area.page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2, steps=8)
        area.page.mouse.up()
        assert position(slider) == 75
        expect_swiped(area, left, right, 75)
    return 1


def expect_swiped(area, left: np.ndarray, right: np.ndarray, percent: int, seconds: float = 60) -> None:
    """Left of the line one picture, right of it the other; the line itself is not compared."""
    width = left.shape[1]
    column = round(width * percent / 100)
    both = np.concatenate([left[:, :column], right[:, column:]], axis=1)
    compared = (np.abs(np.arange(width) - column) > 3) & (np.arange(width) > 1) & (np.arange(width) < width - 2)
    html_form = area.locator("img").nth(1).locator("..")    # live there is one picture, composed by the kernel
    deadline = time.time() + seconds
    while True:
        if html_form.count():
            seen = Image.open(io.BytesIO(html_form.screenshot())).convert("RGB")
            if not 0 <= seen.width - width <= 1:     # shown larger or smaller than it is
                seen = seen.resize((width, left.shape[0]), Image.Resampling.BOX)
            seen = np.asarray(seen)[:left.shape[0], :width]
        else:
            seen = shown(area.locator("img").first)
        # a picture may start between two screen pixels: its screenshot is then one row or column off
        shifted = (np.roll(seen.astype(int), (dy, dx), axis=(0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
        difference = min(np.abs(one - both)[2:-2, compared].mean() for one in shifted)
        if difference < 2:
            return
        assert time.time() < deadline, f"at {percent} percent the picture is off by {difference:.1f} levels on average"
        time.sleep(0.05)


def check_panel(area, html: str) -> int:
    axes = labels(html)
    sliders = area.locator(SLIDER)
    assert list(axes) == ["K", "C_in", "C_out", "stride", "input size"] and sliders.count() == len(axes)
    live = area.locator(".noUi-handle").count() > 0
    for axis, several in enumerate(axes.values()):
        for _ in moves(sliders.nth(axis), len(several)):
            k, c_in, c_out, stride, size = (int(v[i]) for v, i in zip(axes.values(), positions(sliders)))
            side, count = parameters.output_size(size, stride), parameters.conv2d(c_in, c_out, k)
            expected = {"equation": f"C_out × (C_in × K² + 1) = {c_out} × ({c_in} × {k}² + 1) = {count:,}", "input": f"{size} × {size} × {c_in}",
                        "output": f"{side} × {side} × {c_out}", "macs": f"{parameters.macs(c_in, c_out, k, side, side):,}"}
            expect_cells(area, expected | ({"keras": f"{count:,}"} if live else {}))
    return len(axes)


def expect_cells(area, expected: dict[str, str], seconds: float = 60) -> None:
    deadline = time.time() + seconds
    while True:
        seen = dict(area.locator("[data-cell]").evaluate_all("cells => cells.map(c => [c.dataset.cell, c.textContent])"))
        if expected.items() <= seen.items():
            return
        assert time.time() < deadline, f"the panel says {seen}, expected {expected}"
        time.sleep(0.05)
