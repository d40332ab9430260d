"""Sliders: three renderings of the same frames in one bundle, deterministic, small, and clear about mistakes."""

import json
import re
import subprocess
import sys
from html import unescape

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib import figures, parameters, photos, widgets

VIEW = "application/vnd.jupyter.widget-view+json"
rng = np.random.default_rng(0)
FRAMES = [rng.integers(0, 256, (12, 16, 3), np.uint8) for _ in range(5)]
ALT = "Random colours"


def draw(slope, offset):
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([0, 1], [offset, offset + slope])
    axes.set_ylim(-3, 6)
    return figure


def made():
    return {
        "slider": widgets.slider(FRAMES, [1, 2, 5, 10, 0.1 + 0.2], alt=ALT, start=3, zoom=4),
        "explore": widgets.explore(draw, {"slope": [1, 2, 3], "offset": [0, 2]}, alt="A line", start={"slope": 2}),
        "swipe": widgets.swipe(FRAMES[0], FRAMES[1], alt=ALT),
        "panel": widgets.parameter_panel(),
    }


@pytest.fixture(scope="module")
def zoo():
    return made()


def frames(html):
    uris = re.search('data-frames="([^"]*)"', html)[1].split(" ")
    still = re.search('src="([^"]*)"', html)[1]
    return [figures.decode(uri or still) for uri in uris]


def test_bundle_has_widget_html_and_text(zoo):
    for one in zoo.values():
        bundle = one._repr_mimebundle_()
        assert set(bundle) == {VIEW, "text/html", "text/plain"}
        assert bundle["text/plain"] == one.alt == repr(one)


def test_html_is_deterministic_and_self_contained(zoo):
    for name, one in made().items():
        assert one.html == zoo[name].html
        assert " id=" not in one.html and "http" not in one.html and "<script" not in one.html
        assert one.html.count("<input") == one.html.count("aria-label=") - (name == "panel")


def test_every_frame_is_there_in_order(zoo):
    shown = frames(zoo["slider"].html)
    assert len(shown) == 5 and all((a == b).all() for a, b in zip(shown, FRAMES))
    assert (figures.decode(re.search('src="([^"]*)"', zoo["slider"].html)[1]) == FRAMES[3]).all()
    expected = [figures.pixels(draw(s, o), 1.5) for s in (1, 2, 3) for o in (0, 2)]
    assert all((a == b).all() for a, b in zip(frames(zoo["explore"].html), expected, strict=True))


def test_without_handlers_one_still_with_its_text_remains(zoo):
    """What a viewer leaves that strips styles, handlers and data attributes."""
    bare = re.sub(r' (?:on\w+|style|data-[\w-]+)="[^"]*"', "", zoo["slider"].html)
    assert re.findall("<img[^>]*alt=\"([^\"]*)\"", bare) == ["Random colours (epoch 10)"]
    assert bare.count("data:image") == 1


def test_live_slider_follows(zoo):
    box = zoo["slider"].widget
    shown, slider = box.children
    for i in (4, 0, 2):
        slider.value = i
        assert (figures.decode(re.search('src="([^"]*)"', shown.value)[1]) == FRAMES[i]).all()
    assert "Random colours (epoch 5)" in shown.value and 'role="status"' in shown.value
    assert [label for label, _ in slider.options] == ["1", "2", "5", "10", "0.3"]


def test_live_explore_follows_both_sliders(zoo):
    shown, slope, offset = zoo["explore"].widget.children
    assert (slope.value, offset.value) == (1, 0)
    slope.value, offset.value = 2, 1
    assert (figures.decode(re.search('src="([^"]*)"', shown.value)[1]) == figures.pixels(draw(3, 2), 1.5)).all()
    assert "A line (slope 3, offset 2)" in shown.value


def test_live_swipe_composes(zoo):
    shown, line = zoo["swipe"].widget.children
    for percent in (0, 25, 100):
        line.value = percent
        picture = figures.decode(re.search('src="([^"]*)"', shown.value)[1])
        column = round(0.16 * percent)
        assert (picture[:, :max(column - 1, 0)] == FRAMES[0][:, :max(column - 1, 0)]).all()
        assert (picture[:, column + 1:] == FRAMES[1][:, column + 1:]).all()


def test_panel_agrees_with_keras_at_both_ends(zoo):
    *sliders, shown = zoo["panel"].widget.children
    for end in (0, -1):
        for slider in sliders:
            slider.value = slider.options[end][1] if isinstance(slider.options[end], tuple) else slider.options[end]
        k, c_in, c_out, stride, size = (s.value for s in sliders)
        cells = dict(re.findall('data-cell="(.*?)"[^>]*>(.*?)</td>', shown.value))
        assert cells["keras"] == f"{parameters.conv2d(c_in, c_out, k):,}"
        assert cells["equation"].endswith(f" = {cells['keras']}")
        side = parameters.output_size(size, stride)
        assert cells["macs"] == f"{parameters.macs(c_in, c_out, k, side, side):,}"


def test_panel_without_kernel_does_not_claim_keras(zoo):
    keras = re.search('data-cell="keras"[^>]*>(.*?)</td>', zoo["panel"].html)[1]
    assert "needs the running notebook" in keras and not re.search(r"\d", keras)


def test_photographs_fit_into_the_budget():
    pictures = [photos.load(name)[:300, :400] for name in photos.names()[:10]]
    assert len(widgets.slider(pictures, range(10), alt=ALT).html) < 1.05 * 1000 * widgets.SLIDER_KB
    with pytest.raises(ValueError, match="more than 60 kB; crop them"):
        widgets.slider(pictures, range(10), alt=ALT, kilobytes=60)


def test_text_is_escaped():
    html = widgets.slider(FRAMES[:2], ["<a>", '"b"'], name="x<y", alt='Less "is" <more> & more').html
    assert "<a>" not in html and "<more>" not in html
    assert json.loads(unescape(re.search('data-labels="([^"]*)"', html)[1])) == ["<a>", '"b"']


def test_figures_are_closed():
    before = plt.get_fignums()
    widgets.explore(draw, {"slope": [1, 2], "offset": [0]}, alt="A line")
    assert plt.get_fignums() == before


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="5 frames but 4 labels"):
        widgets.slider(FRAMES, range(4), alt=ALT)
    with pytest.raises(ValueError, match="start is 5"):
        widgets.slider(FRAMES, range(5), alt=ALT, start=5)
    with pytest.raises(ValueError, match="differ in size"):
        widgets.slider([FRAMES[0], FRAMES[0][:5]], range(2), alt=ALT)
    with pytest.raises(ValueError, match="1 frames"):
        widgets.slider(FRAMES[:1], [1], alt=ALT)
    with pytest.raises(ValueError, match="describe in a sentence"):
        widgets.slider(FRAMES, range(5))
    with pytest.raises(ValueError, match="2 sliders with 110 combinations"):
        widgets.explore(draw, {"slope": range(11), "offset": range(10)}, alt=ALT)
    with pytest.raises(ValueError, match="slope = 7, which is not one"):
        widgets.explore(draw, {"slope": [1, 2], "offset": [0]}, alt=ALT, start={"slope": 7})
    with pytest.raises(ValueError, match="same size"):
        widgets.swipe(FRAMES[0], FRAMES[1][:6], alt=ALT)


def test_neither_import_nor_dead_panel_starts_tensorflow():
    code = "import sys; from course_lib import widgets; widgets.parameter_panel().html; print('tensorflow' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n" and ran.stderr == ""
