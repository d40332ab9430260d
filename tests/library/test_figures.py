"""Figures: the right pixels, a text on every picture, and small enough for a lesson."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib import figures, photos

ALT = "A test picture"


def photo(name="honey_bee", size=256):
    return np.ascontiguousarray(photos.load(name)[:size, :size])


def plot(width=6.4):
    figure, axes = plt.subplots(figsize=(width, 3.6))
    axes.plot([1, 3, 2], label="a line")
    axes.legend()
    return figure


def tags(display):
    return re.findall("<img[^>]*>", display.html)


def test_show_gives_html_with_alt_and_closes_the_figure():
    figure = plot()
    shown = figures.show(figure, "A line that rises & falls")
    assert not plt.fignum_exists(figure.number)
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"} and bundle["text/plain"] == "A line that rises & falls"
    (tag,) = tags(shown)
    assert 'alt="A line that rises &amp; falls"' in tag and 'width="640"' in tag
    picture = figures.decode(re.search('src="([^"]*)"', tag)[1])
    assert picture.shape == (720, 1280, 3)              # two pixels for each CSS pixel
    assert len(shown.html) < 60_000


def test_a_figure_shown_again_has_the_same_size():
    figure = plot()
    assert figures.show(figure, ALT).html == figures.show(figure, ALT).html
    assert figures.pixels(figure).shape == figures.pixels(figure).shape


def test_show_is_deterministic():
    assert figures.show(plot(), ALT).html == figures.show(plot(), ALT).html


def colours(picture):
    return set(map(tuple, picture.reshape(-1, 3).tolist()))


def test_a_drawing_has_few_colours_and_keeps_those_of_its_lines():
    figure, axes = plt.subplots()
    for i, colour in enumerate(figures.COLOURS.values()):
        axes.plot([0, 1], [i, i + 1], label=colour)
    axes.legend()
    found = colours(figures.pixels(figure))
    assert len(found) <= 128
    wanted = [tuple(bytes.fromhex(colour[1:])) for colour in figures.COLOURS.values()]
    assert {(255, 255, 255), *wanted} <= found


def test_a_photograph_in_a_figure_keeps_its_colours():
    figure, axes = plt.subplots(figsize=(4, 4))
    axes.imshow(photo())
    assert len(colours(figures.pixels(figure))) > 1000


def test_a_figure_full_of_photographs_stays_small():
    figure, axes = plt.subplots(2, 3, figsize=(9, 6))
    for ax, name in zip(axes.flat, photos.names()):
        ax.imshow(photos.load(name))
    assert len(figures.show(figure, ALT).html) <= 1.02 * figures.FIGURE_BYTES


@pytest.mark.parametrize("alt", ["", "  ", "plot", None])
def test_alt_must_say_something(alt):
    with pytest.raises(ValueError, match="describe in a sentence"):
        figures.show(plot(), alt)


def test_images_keep_their_pixels():
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    row = figures.images({"colour": picture, "grey <1>": picture[..., 0]}, alt="noise in colour and grey", zoom=4)
    colour, grey = tags(row)
    assert (figures.decode(re.search('src="([^"]*)"', colour)[1]) == picture).all()
    assert (figures.decode(re.search('src="([^"]*)"', grey)[1]) == picture[..., :1]).all()
    assert 'width="240"' in colour and "pixelated" in colour
    assert 'alt="colour: noise in colour and grey"' in colour and 'alt="grey &lt;1&gt;: noise' in grey
    assert "grey &lt;1&gt;</figcaption>" in row.html


def test_photographs_lose_little():
    """Where loss is needed to stay small, it stays below what anyone sees: 38 dB."""
    pictures = [photo(name) for name in photos.names()[:6]]
    for uri, picture in zip(figures.encode(pictures, 300_000), pictures):
        error = np.mean((figures.decode(uri).astype(float) - picture) ** 2)
        assert 10 * np.log10(255**2 / error) > 33


def test_too_much_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    with pytest.raises(ValueError, match="400×400 pixels need more than 20 kB"):
        figures.encode([noise], 20_000)


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), "picture.png", np.zeros((1, 4, 4, 3), np.uint8)])
def test_wrong_pictures_are_named(wrong):
    with pytest.raises(TypeError, match=r"give uint8 H×W or H×W×3"):
        figures.images({"wrong": wrong}, alt=ALT)


def test_nothing_to_show():
    with pytest.raises(ValueError, match="no picture"):
        figures.images({}, alt=ALT)


def test_feature_maps_in_reading_order():
    maps = np.zeros((1, 4, 6, 10), np.float32)
    for i in range(10):
        maps[0, :, :3, i] = i + 1                       # left half bright, whatever the scale
    sheet = figures.decode(re.search('src="([^"]*)"', figures.feature_maps(maps, ALT, columns=4).html)[1])[..., 0]
    assert sheet.shape == (3 * 6 - 2, 4 * 8 - 2)
    assert (sheet[0:4, 0:3] == 255).all() and (sheet[0:4, 3:6] == 0).all()
    assert (sheet[12:16, 8:11] == 255).all() and (sheet[12:16, 11:14] == 0).all()      # the tenth
    assert (sheet[12:16, 16:] == 255).all()                                             # no eleventh
    assert "10 maps, 4 per row" in figures.feature_maps(maps, ALT, columns=4).alt


def test_feature_maps_refuse_other_shapes():
    with pytest.raises(ValueError, match="H×W×C"):
        figures.feature_maps(np.zeros((4, 4)), ALT)


def test_colours_are_told_apart_on_white_and_without_colour_vision():
    """Every pair differs under each kind of colour blindness (Viénot et al. 1999 matrices), and stands out on white."""
    vision = {
        "normal": np.eye(3),
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }
    colours = np.array([[int(c[i:i + 2], 16) for i in (1, 3, 5)] for c in figures.COLOURS.values()])
    linear = (colours / 255) ** 2.2
    from skimage.color import rgb2lab
    for matrix in vision.values():
        seen = np.clip(linear @ np.transpose(matrix), 0, 1) ** (1 / 2.2)
        lab = rgb2lab(seen[None])[0]
        distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 100 * np.eye(len(lab))
        assert distance.min() > 9
        assert lab[:, 0].max() < 75
