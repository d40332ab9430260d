"""What a student sees first: lesson 00, and nothing that asks for attention."""

import re
import urllib.error
import urllib.request

import pytest


def test_the_server_asks_for_its_token(lab):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{lab.address}/api/contents")


def test_lesson_00_opens_and_nothing_pops_up(lab, browser):
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{lab.address}/?token={lab.token}")
    page.get_by_role("heading", name=re.compile("^00 · ")).wait_for(timeout=90_000)
    page.locator(".jp-StatusBar-TextItem", has_text=re.compile(r"\| Idle")).wait_for(timeout=90_000)
    page.wait_for_timeout(3000)         # a pop-up would have come by now
    assert page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []
    assert not [url for url in asked if re.search("/api/(news|update)", url)]
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {lab.address.split("/")[2]}
    page.context.close()
