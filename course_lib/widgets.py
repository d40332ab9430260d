"""Sliders that live with a kernel and do not die without one.

Every function returns an object whose display is one MIME bundle with three renderings of
the same frames: the ipywidgets view, which a running kernel answers; self-contained HTML
(plain `<input type=range>`, no script from anywhere, no ids), which works in a trusted
notebook opened again and on a web page; and the text. Where handlers are stripped, as in an
untrusted notebook, the HTML shows its first frame as a still picture with its text.
"""

import base64
import io
import itertools
import json
import time
from html import escape

import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

from course_lib import figures, parameters
from course_lib.figures import Display, checked_alt, decode, encode, img, pixels

FRAMES = 81             # the most frames of one slider or one set of sliders
SLIDER_KB = 400         # what the frames of one slider may weigh; a lesson has room for 2 MB in all


def spoken(text: str) -> str:
    """Text for screen readers alone: the handles of ipywidgets announce an index, not the label."""
    out_of_sight = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);"
    return f'<span role="status" style="{out_of_sight}">{escape(text)}</span>'


class Live(Display):
    """A `Display` that also carries an ipywidgets view, built when it is first shown."""

    def __init__(self, html: str, alt: str, build):
        super().__init__(html, alt)
        self._build, self._widget = build, None

    @property
    def widget(self) -> ipywidgets.Widget:
        """The ipywidgets view."""
        if self._widget is None:
            self._widget = self._build()
        return self._widget

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        view = self.widget._repr_mimebundle_()
        return {**view, **super()._repr_mimebundle_()}


def label(value) -> str:
    """How a slider writes a value: 0.30000000000000004 as 0.3."""
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


# The handler of every range input. The frames lie in one attribute of the enclosing div, so
# where a viewer strips handlers no hidden picture comes to light. The frame shown at first is
# not in the list twice: it is taken from the picture.
STEP = (
    "const d=this.closest('[data-frames]'),m=d.querySelector('img');"
    "d.f||(d.f=d.dataset.frames.split(' '),d.f[d.f.indexOf('')]=m.src);"
    "let i=0,t=[];"
    "d.querySelectorAll('input').forEach(r=>{const l=JSON.parse(r.dataset.labels),s=l[r.value];"
    "i=i*l.length+ +r.value;r.setAttribute('aria-valuetext',s);r.nextElementSibling.value=s;t.push(r.name+' '+s)});"
    "m.src=d.f[i];m.alt=d.dataset.alt+' ('+t.join(', ')+')'"
)

# JupyterLab takes the arrow keys for itself unless this attribute is there; it goes while Ctrl,
# Cmd or Shift is down, so that Ctrl-S still saves the notebook and Shift-Enter runs the cell.
KEYS = "this.toggleAttribute('data-lm-suppress-shortcuts',!(event.ctrlKey||event.metaKey||event.shiftKey))"
OWN_KEYS = f'data-lm-suppress-shortcuts="" onkeydown="{KEYS}" onkeyup="{KEYS}"'


def range_input(name: str, labels: list[str], start: int, handler: str, digits: int) -> str:
    """One labelled `<input type=range>` over `labels`, with its value written beside it."""
    return (
        '<label style="display:flex;align-items:center;gap:10px;margin:4px 0;">'
        f'<span style="min-width:5em;">{escape(name)}</span>'
        f'<input type="range" name="{escape(name)}" aria-label="{escape(name)}" min="0" max="{len(labels) - 1}" '
        f'value="{start}" aria-valuetext="{escape(labels[start])}" autocomplete="off" '
        f'data-labels="{escape(json.dumps(labels, ensure_ascii=False))}" oninput="{escape(handler)}" {OWN_KEYS} '
        f'style="flex:1;min-width:8em;max-width:24em;">'
        f'<output style="min-width:{digits}ch;">{escape(labels[start])}</output></label>'
    )


def live_slider(name: str, options: list, value, room: int) -> ipywidgets.SelectionSlider:
    """The ipywidgets form of `range_input`, at most `room` CSS pixels wide."""
    return ipywidgets.SelectionSlider(
        options=options, value=value, description=name, style={"description_width": "6em"},
        layout={"width": "auto", "max_width": f"{min(room, 520)}px"},
    )


def _frames(pictures, axes: dict[str, list[str]], start: list[int], alt: str, zoom: float, kilobytes: int) -> Live:
    """Sliders over pictures; `axes` is {slider: labels}, the last one turning fastest.

    `pictures` may be a generator: figures are drawn and closed one by one.
    """
    shape = [len(labels) for labels in axes.values()]
    scale = 1.5 if np.prod(shape) <= 20 else 1.0    # figures: sharp text where there is room for it
    arrays = []
    for picture in pictures:
        arrays.append(pixels(picture, scale))
        width = arrays[-1].shape[1] * zoom / (scale if isinstance(picture, Figure) else 1)
    if len({a.shape for a in arrays}) > 1:
        raise ValueError(f"The frames differ in size: {sorted({a.shape[:2] for a in arrays})}; make them equal.")
    uris = encode(arrays, 1000 * kilobytes)
    alt = checked_alt(alt)

    def where(position) -> str:
        return ", ".join(f"{name} {labels[i]}" for (name, labels), i in zip(axes.items(), position))

    def picture(position) -> str:
        return img(uris[np.ravel_multi_index(position, shape)], f"{alt} ({where(position)})", width, zoom)

    first = int(np.ravel_multi_index(start, shape))
    rest = " ".join("" if i == first else uri for i, uri in enumerate(uris))
    digits = max(len(text) for labels in axes.values() for text in labels)
    inputs = "".join(range_input(name, labels, i, STEP, digits) for (name, labels), i in zip(axes.items(), start))
    room = max(round(width), 320)
    html = (f'<div data-frames="{rest}" data-alt="{escape(alt)}" style="max-width:{room}px;">'
            f"{picture(start)}{inputs}</div>")

    def build():
        shown = ipywidgets.HTML(picture(start))
        sliders = [live_slider(name, [(text, j) for j, text in enumerate(labels)], i, room)
                   for (name, labels), i in zip(axes.items(), start)]

        def update(_):
            position = [s.value for s in sliders]
            shown.value = picture(position) + spoken(where(position))

        for one in sliders:
            one.observe(update, "value")
        return ipywidgets.VBox([shown, *sliders])

    return Live(html, alt, build)


def slider(frames: list, labels, name: str = "epoch", alt: str = "", start: int = 0,
           zoom: float = 1, kilobytes: int = SLIDER_KB) -> Live:
    """One slider over given frames: epochs, noise levels, kernel lengths.

    Parameters
    ----------
    frames : uint8 H×W or H×W×3 pictures of equal size, matplotlib figures, or image files as bytes.
    labels : what the slider says at each frame.
    name : what the slider is called.
    alt : what the picture shows; the label is added to it at each frame.
    start : index of the frame shown first, the still picture where nothing moves.
    zoom : CSS pixels per pixel; above 1, pixels become squares.
    kilobytes : what all frames together may weigh.

    Raises
    ------
    ValueError if labels and frames differ in number, if frames differ in size or are more
    than 81, or if they do not fit in `kilobytes`.
    """
    frames, labels = list(frames), [label(v) for v in labels]
    if len(frames) != len(labels):
        raise ValueError(f"{len(frames)} frames but {len(labels)} labels; give one label for each frame.")
    if not 2 <= len(frames) <= FRAMES:
        raise ValueError(f"{len(frames)} frames; a slider takes 2 to {FRAMES}.")
    if not 0 <= start < len(frames):
        raise ValueError(f"start is {start}; it is the index of one of {len(frames)} frames.")
    return _frames(frames, {name: labels}, [start], alt, zoom, kilobytes)


def explore(draw, values: dict, alt: str = "", start: dict | None = None,
            zoom: float = 1, kilobytes: int = SLIDER_KB) -> Live:
    """One to three sliders over everything `draw` draws, drawn beforehand.

    Parameters
    ----------
    draw : called as draw(**{name: value}) once for each combination; returns a matplotlib
        figure or a uint8 picture, always of the same size.
    values : {name: its values}, 81 combinations at most.
    alt : what the picture shows; the values are added to it.
    start : {name: value} shown first; the first value where a name is missing.
    zoom, kilobytes : as for `slider`.

    Raises
    ------
    ValueError as `slider`, or if `start` names a value that is not in `values`.
    """
    values = {name: list(several) for name, several in values.items()}
    count = int(np.prod([len(several) for several in values.values()]))
    if not 1 <= len(values) <= 3 or not 2 <= count <= FRAMES:
        raise ValueError(f"{len(values)} sliders with {count} combinations; give 1 to 3 sliders, 2 to {FRAMES} combinations.")
    start = start or {}
    for name, value in start.items():
        if value not in values.get(name, ()):
            raise ValueError(f"start has {name} = {value!r}, which is not one of the values {values.get(name)}.")
    pictures = (draw(**dict(zip(values, combination))) for combination in itertools.product(*values.values()))
    position = [several.index(start[name]) if name in start else 0 for name, several in values.items()]
    axes = {name: [label(v) for v in several] for name, several in values.items()}
    return _frames(pictures, axes, position, alt, zoom, kilobytes)


# The first picture lies over the second in a box as wide as the line's place, which cuts it off.
# (clip-path would be shorter, but JupyterLab strips it from an untrusted notebook.)
SWIPE = (
    "const d=this.closest('[data-swipe]'),p=this.value,m=d.querySelector('img');"
    "m.parentNode.style.width=p+'%';m.style.width=m.style.minWidth=1e4/(p||1)+'%';"
    "d.querySelector('[data-line]').style.left=p+'%';this.setAttribute('aria-valuetext',p+' percent')"
)
DRAG = (
    "if(event.buttons){const r=this.closest('[data-swipe]').querySelector('input');"
    "r.value=100*(event.clientX-this.getBoundingClientRect().left)/this.clientWidth;r.oninput()}"
)


def quick_uri(picture: np.ndarray) -> str:
    """A picture as a data URI for the moment: without loss, and fast rather than small."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def swipe(before, after, labels: tuple[str, str] = ("blurred", "deblurred"), alt: str = "", start: int = 50,
          zoom: float = 1, kilobytes: int = SLIDER_KB) -> Live:
    """Two pictures on top of each other, with a line between them that moves.

    Parameters
    ----------
    before, after : uint8 H×W×3 of equal size; `before` is left of the line.
    labels : what each is called.
    alt : what they show.
    start : where the line stands at first, in percent of the width.
    zoom, kilobytes : as for `slider`.

    Raises
    ------
    ValueError if the pictures differ in size or do not fit in `kilobytes`.
    """
    before, after = pixels(before), pixels(after)
    if before.shape != after.shape:
        raise ValueError(f"before is {before.shape} and after {after.shape}; they must be the same size.")
    alt, width = checked_alt(alt), before.shape[1] * zoom
    uris = encode([before, after], 1000 * kilobytes)
    title = ('<div style="display:flex;justify-content:space-between;font-weight:bold;">'
             f"<span>{escape(labels[0])}</span><span>{escape(labels[1])}</span></div>")
    share = f"share of the picture that is {labels[0]}"
    whole = f"width:{1e4 / (start or 1):.4f}%;min-width:{1e4 / (start or 1):.4f}%;"
    html = (
        f'<div data-swipe="" style="width:{round(width)}px;max-width:100%;">{title}'
        f'<div onpointerdown="{escape(DRAG)}" onpointermove="{escape(DRAG)}" ondragstart="return false" '
        'style="position:relative;touch-action:pan-y;user-select:none;cursor:ew-resize;">'
        f'<div style="position:absolute;left:0;top:0;width:{start}%;overflow:hidden;">'
        f'{img(uris[0], f"{labels[0]}: {alt}", width, zoom, whole)}</div>{img(uris[1], f"{labels[1]}: {alt}", width, zoom)}'
        f'<div data-line="" style="position:absolute;top:0;bottom:0;left:{start}%;width:2px;margin-left:-1px;'
        'background:white;outline:1px solid black;"></div></div>'
        f'<input type="range" min="0" max="100" value="{start}" aria-label="{escape(share)}" '
        f'aria-valuetext="{start} percent" autocomplete="off" oninput="{escape(SWIPE)}" {OWN_KEYS} '
        'style="width:100%;margin:4px 0;"></div>'
    )

    def build():
        left, right = (decode(uri) for uri in uris)

        def picture(percent: int) -> str:
            column = round(left.shape[1] * percent / 100)
            both = np.concatenate([left[:, :column], right[:, column:]], axis=1)
            both[:, max(column - 1, 0):column + 1] = 255
            return title + img(quick_uri(both), f"{alt} ({percent} percent {labels[0]})", width, zoom)

        layout = {"width": "auto", "max_width": f"{round(width)}px"}
        shown = ipywidgets.HTML(picture(start), layout=layout)
        line = ipywidgets.IntSlider(start, 0, 100, readout=False, tooltip=share, layout=layout)
        line.observe(lambda change: setattr(shown, "value", picture(change["new"])), "value")
        return ipywidgets.VBox([shown, line])

    return Live(html, alt, build)


PANEL = {       # name: values, start; the start is the first convolution of Table 2
    "K": ([1, 2, 3, 4, 5, 7, 9, 11], 7),
    "C_in": ([1, 3, 16, 32, 64, 128, 256, 512], 3),
    "C_out": ([1, 3, 16, 32, 64, 128, 256, 512], 64),
    "stride": ([1, 2, 4], 1),
    "input size": ([16, 32, 64, 128, 256, 512], 256),
}
COUNT = (
    "const d=this.closest('[data-panel]'),v=[...d.querySelectorAll('input')].map(r=>{"
    "const s=JSON.parse(r.dataset.labels)[r.value];r.setAttribute('aria-valuetext',s);r.nextElementSibling.value=s;return +s}),"
    "[k,a,b,s,n]=v,o=Math.ceil(n/s),f=x=>x.toLocaleString('en-GB'),w=(c,t)=>d.querySelector('[data-cell='+c+']').textContent=t;"
    "w('equation','C_out × (C_in × K² + 1) = '+b+' × ('+a+' × '+k+'² + 1) = '+f(b*(a*k*k+1)));"
    "w('input',n+' × '+n+' × '+a);w('output',o+' × '+o+' × '+b);w('macs',f(o*o*b*a*k*k))"
)


def _panel_table(k: int, c_in: int, c_out: int, stride: int, size: int, keras_count: str) -> str:
    """What the panel says about one convolution, as an HTML table."""
    side = parameters.output_size(size, stride)
    cells = {
        "equation": ("equation (2)", f"C_out × (C_in × K² + 1) = {c_out} × ({c_in} × {k}² + 1) = {parameters.conv2d(c_in, c_out, k):,}"),
        "keras": ("Keras counts", keras_count),
        "input": ("input shape", f"{size} × {size} × {c_in}"),
        "output": ("output shape", f"{side} × {side} × {c_out}"),
        "macs": ("multiply–accumulates", f"{parameters.macs(c_in, c_out, k, side, side):,}"),
    }
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;vertical-align:top;padding-right:16px;">{name}</th>'
        f'<td data-cell="{key}" style="text-align:left;">{text}</td></tr>' for key, (name, text) in cells.items()
    )
    return f"<table>{rows}</table>"


def parameter_panel() -> Live:
    """One convolution under five sliders: K, C_in, C_out, stride and input size.

    It shows equation (2) with its numbers put in, the output shape and the
    multiply-accumulates. With a running kernel Keras builds the very layer and counts its
    weights; elsewhere the page evaluates the formula itself, and says so.
    """
    start = [value for _, value in PANEL.values()]
    axes = {name: ([label(v) for v in values], values.index(value)) for name, (values, value) in PANEL.items()}
    inputs = "".join(range_input(name, labels, i, COUNT, 3) for name, (labels, i) in axes.items())
    alt = ("Panel with sliders for K, C_in, C_out, stride and input size; it shows equation (2), "
           "the output shape and the multiply–accumulates of that convolution.")
    html = (f'<div data-panel="" role="group" aria-label="Parameters of one convolution" style="max-width:640px;">{inputs}'
            f'{_panel_table(*start, "needs the running notebook; the line above is the formula, computed by this page")}</div>')

    def build():
        from course_lib.backend import keras    # the panel shows without TensorFlow; its live form needs it

        def table(k, c_in, c_out, stride, size) -> str:
            layer = keras.layers.Conv2D(c_out, k, stride, padding="same", kernel_initializer="zeros")
            layer.build((None, size, size, c_in))
            return _panel_table(k, c_in, c_out, stride, size, f"{layer.count_params():,}")

        shown = ipywidgets.HTML(table(*start))
        sliders = [live_slider(name, values, value, 520) for name, (values, value) in PANEL.items()]
        for one in sliders:
            one.observe(lambda _: setattr(shown, "value", table(*(s.value for s in sliders))), "value")
        return ipywidgets.VBox([*sliders, shown])

    return Live(html, alt, build)


class TrainingView:
    """Watch a training: a bar with the time left, the curves, and a held-out photograph that sharpens.

    Give it as `report` to `training.train`. When training ends or is stopped, the curves and
    the pictures of that moment stay in the notebook.
    """

    RENEW = 0.25        # seconds between two moves of the bar

    def __init__(self):
        self.bar = ipywidgets.IntProgress(layout={"width": "240px"})
        self.text, self.picture, self.curves = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.shown, self.last = None, 0.0

    def __call__(self, progress) -> None:
        now = time.monotonic()
        if self.shown is None:
            row = ipywidgets.HBox([self.bar, self.text])
            self.shown = display(ipywidgets.VBox([row, self.picture, self.curves]), display_id=True)
        if progress.epoch_done:
            self._draw(progress)
        if progress.epoch_done or progress.message or now - self.last > self.RENEW:
            self.bar.max, self.bar.value, self.last = progress.steps, progress.step, now
            self.text.value = escape(progress.sentence)
        if progress.over:
            end = Display(f"<p>{escape(progress.sentence)}</p>{self.picture.value}{self.curves.value}", progress.sentence)
            self.shown.update(end)

    def _draw(self, progress) -> None:
        epoch = int(progress.history[-1]["epoch"])
        pictures = {title: progress.run.picture(which)
                    for title, which in (("blurred", "blurred"), (f"after epoch {epoch}", epoch), ("sharp", "sharp"))}
        self.picture.value = figures.images(pictures, "a held-out photograph, blurred, deblurred and sharp", zoom=1.5).html
        self.curves.value = figures.show(figures.training_curves(progress.history),
                                         f"Loss and PSNR gain over {epoch} epochs: {progress.history[-1]['psnr_gain']:+.2f} dB after the last").html
