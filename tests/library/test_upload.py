"""The upload button: photographs are shown, anything else gets one sentence, and without a kernel it is text."""

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from course_lib import photos, upload, widgets


def png(width=20, height=12) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def choose(live, name: str, content: bytes):
    """What a reader does; returns what stands below the button then."""
    live.widget.children[0].value = ({"name": name, "type": "image/png", "size": len(content),
                                      "content": memoryview(content), "last_modified": datetime.now(UTC)},)
    return live.widget.children[1]


def swipe(photo):
    return widgets.swipe(photo, 255 - photo, alt="a photograph and its negative")


def test_a_photograph_is_shown():
    seen = []

    def use(photo):
        seen.append(photo)
        return swipe(photo)

    below = choose(upload.button(use), "holiday.png", png())
    assert seen[0].shape == (12, 20, 3) and seen[0].dtype == np.uint8
    assert type(below).__name__ == "VBox"


def test_another_photograph_follows_a_mistake():
    live = upload.button(swipe)
    assert "is not a photo" in choose(live, "notes.txt", b"no picture").value
    assert type(choose(live, "holiday.png", png())).__name__ == "VBox"


@pytest.mark.parametrize("name, content, words", [
    ("notes.txt", b"no picture", "notes.txt is not a photo this course can read; use JPEG"),
    ("empty.jpg", b"", "empty.jpg is empty"),
    ("half.png", png(200, 200)[:150], "half.png is damaged|half.png cannot be read"),
    ("C:\\photos\\<b>.jpg", b"no picture", "&lt;b&gt;.jpg is not a photo"),
])
def test_what_is_no_photograph_gets_one_sentence(name, content, words):
    below = choose(upload.button(swipe), name, content)
    assert any(part in below.value for part in words.split("|")), below.value
    assert "/tmp" not in below.value and "Traceback" not in below.value


def test_too_large_gets_one_sentence(monkeypatch):
    monkeypatch.setattr(photos, "LIMIT", 100)
    below = choose(upload.button(swipe), "wall.png", png())
    assert below.value.count("wall.png has 20 x 12 pixels") == 1 and "Make it smaller" in below.value


def test_without_a_kernel_it_is_text():
    bundle = upload.button(swipe)._repr_mimebundle_()
    assert bundle["text/html"] == f"<p>{upload.WHERE}</p>" and bundle["text/plain"] == upload.WHERE
    assert "application/vnd.jupyter.widget-view+json" in bundle
