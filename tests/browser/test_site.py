"""The course as web pages: nothing of the answers in it, no request leaves it, everything in it works and can be reached.

Without FULL the site has two lessons.
"""

import functools
import http.server
import os
import re
import threading
from html import unescape
from html.parser import HTMLParser

import pytest
from axe_playwright_python.sync_playwright import Axe
from driving import WIDGET, move_all

from course_lib import authoring, site as website

FULL = os.environ.get("FULL", "0") != "0"
NUMBERS = [] if FULL else ["00", "03"]
SOURCES = authoring.sources_of(authoring.ROOT / "solutions", NUMBERS)
PAGES = ["index", "glossary", "references", *(path.stem for path in SOURCES)]
sources, pages = (pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem), pytest.mark.parametrize("name", PAGES))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site") / "_site"
    website.build(folder, NUMBERS)
    return folder


@pytest.fixture(scope="module")
def served(site):
    """The site's address on a server of this machine."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def reader(browser):
    """Opens pages: reader(width, scheme) → page; afterwards no page may have asked for anything outside the site."""
    contexts, strange, errors = [], [], []

    def refuse(route):
        strange.append(route.request.url)
        route.abort()

    def open_page(width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.route(lambda url: not url.startswith(("file:", "data:", "http://127.0.0.1:")), refuse)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not strange, f"the page asked for {strange}"
    assert not errors


# ---------------------------------------------------------------- what is in it

class Parts(HTMLParser):
    """All ids, links and sources of a page, and the text outside of code."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.links, self.sources, self.prose, self.inside = [], [], [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if tag == "a" else []
        self.sources += [values.get("src") or values.get("href")] if tag in ("img", "script", "link", "iframe") else []
        self.inside += [tag] if tag in ("code", "pre", "script", "style", "math") else []

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        self.prose += "" if self.inside else data


@functools.cache
def parts(site, name):
    return Parts((site / f"{name}.html").read_text(encoding="utf-8"))


@pages
def test_links_resolve(site, name):
    page = parts(site, name)
    assert len(page.ids) == len(set(page.ids)), "an id stands twice"
    for link in page.links:
        if "://" not in link:
            file, _, anchor = link.partition("#")
            target = file.removesuffix(".html") or name
            assert (site / f"{target}.html").is_file(), link
            assert not anchor or anchor in parts(site, target).ids, link
    for source in filter(None, page.sources):
        assert source.startswith("data:image/") or (site / source).is_file(), f"{name} takes {source} from elsewhere"


def test_search_leads_somewhere(site):
    addresses = re.findall(r'"([\w.]+\.html)#?([^"]*)"', (site / "search.js").read_text(encoding="utf-8"))
    known = {name: parts(site, name).ids for name in PAGES}
    assert len(addresses) > 80
    assert [a for a in addresses if a[1] and a[1] not in known[a[0].removesuffix(".html")]] == []


@pages
def test_equations_are_mathml(site, name):
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    assert "$" not in parts(site, name).prose
    assert not re.search(r"<m[ion]>[^<]*\\", page) and not re.search(r"<mtext>[^<]*[\\{}][^<]*</mtext>", page)
    assert not re.search(r"</math>(</span>)?[.,:;!?)]+(?![.,:;!?)]|</span>)", page)      # a line may begin with such a full stop
    if name.startswith("03"):
        assert page.count('display="block"') >= 2


def test_citations_lead_to_the_references(site):
    numbers = {anchor for anchor in parts(site, "references").ids if anchor[0].isdigit()}
    cited = [link.partition("#")[2] for source in SOURCES for link in parts(site, source.stem).links if link.startswith("references.html#")]
    assert len(numbers) > 20 and set(cited) <= numbers and (cited or not FULL)


def words(text):
    return " ".join(re.sub(r"[^\w]+", " ", text).split())


@sources
def test_no_answers(site, source):
    """No hidden test, no marking scheme and no answer, in code or in words; nothing that a graded cell printed."""
    html = (site / f"{source.stem}.html").read_text(encoding="utf-8")
    pieces = re.findall(r'<(?:section|div) class="(?:cell )?exercise">(.*?)(?:</section>|\n</div>)', html, re.DOTALL)
    exercises = words(unescape(re.sub("<[^>]+>", "", " ".join(pieces))))
    everything = words(unescape(re.sub("<[^>]+>", "", html)) + (site / "search.js").read_text(encoding="utf-8"))
    blocks = re.findall(r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)[^\n]*\n(.*?)\n[ #]*### END", source.read_text(encoding="utf-8"), re.DOTALL)
    assert {kind for kind, _ in blocks} >= {"SOLUTION", "HIDDEN TESTS"} and pieces
    for kind, block in blocks:
        lines = [words(line) for line in block.splitlines()]
        if kind == "SOLUTION":      # a line of it may well stand elsewhere in the lesson
            assert words(block) not in exercises
        else:
            assert not [line for line in lines if len(line) > 24 and line in everything], kind
    assert not re.search("(BEGIN|END) (SOLUTION|HIDDEN|MARK)", html)
    assert not any('class="output"' in piece for piece in pieces)


def test_every_executed_lesson_is_there(site):
    for source in SOURCES:
        lesson = website.read(source, set())
        assert lesson.title and lesson.minutes and lesson.points
        assert f'<a href="{source.stem}.html">{lesson.title}</a>' in (site / "index.html").read_text(encoding="utf-8")


def test_stale_outputs_are_refused(tmp_path):
    for path in (SOURCES[0], SOURCES[0].with_suffix(".ipynb")):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8").replace("import numpy as np", "import numpy"), encoding="utf-8")
    website.outputs(tmp_path / SOURCES[0].name)         # changed alike in both
    (tmp_path / SOURCES[0].name).write_text(SOURCES[0].read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(authoring.AuthoringError, match="make notebooks"):
        website.outputs(tmp_path / SOURCES[0].name)


@pytest.mark.parametrize("name", ["thesis.txt", "style.css"])
def test_a_folder_of_other_things_is_kept(tmp_path, capsys, name):
    (tmp_path / name).write_text("years")
    assert website.main(["--to", str(tmp_path)]) == 1
    assert "no build of this site" in capsys.readouterr().err and (tmp_path / name).read_text() == "years"


def test_a_new_build_removes_what_the_last_one_wrote_and_nothing_else(tmp_path):
    website.build(tmp_path, ["00", "03"])
    old = set(tmp_path.iterdir())
    (tmp_path / "mine.html").write_text("mine")
    pages = website.build(tmp_path, ["03"])
    assert set(tmp_path.iterdir()) == old - {tmp_path / "00_start_here.html"} | {tmp_path / "mine.html"}
    assert tmp_path / "mine.html" not in pages and (tmp_path / "mine.html").read_text() == "mine"


# ---------------------------------------------------------------- what it does in a browser

def sliders_of(source) -> list[str]:
    return [html for cell in website.read(source, set()).cells for html in cell["outputs"] if re.search(WIDGET, html)]


@sources
def test_sliders_from_the_disk(site, reader, source):
    page = reader()
    page.goto((site / f"{source.stem}.html").as_uri())
    moved = move_all(page, sliders_of(source))
    print(f"{source.stem}: {moved} sliders moved")


def test_sliders_from_a_server(served, reader):
    page, asked = reader(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{served}/{SOURCES[0].stem}.html")
    assert move_all(page, sliders_of(SOURCES[0])) >= 1
    assert {url.removeprefix(served + "/") for url in asked if not url.startswith("data:")} <= {f"{SOURCES[0].stem}.html", "style.css", "page.js"}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_and_fits(site, reader, artefacts, scheme, width):
    """axe-core finds nothing serious, and no page is wider than the screen."""
    page, found = reader(width, scheme), []
    for name in PAGES if (width, scheme) in ((1280, "dark"), (390, "light")) else PAGES[:4]:     # every page in both colours and widths
        page.goto((site / f"{name}.html").as_uri())
        page.screenshot(path=artefacts / f"site_{name}_{scheme}_{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        violations = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
        found += [(name, v["impact"], v["id"], v["nodes"][0]["html"][:200]) for v in violations]
    print("\n".join(map(str, found)) or f"axe-core finds nothing, {scheme}, {width} pixels")
    assert not [one for one in found if one[1] in ("serious", "critical")]


@pages
def test_no_page_is_wider_than_the_narrowest_phone(site, reader, name):
    page = reader(320)
    page.goto((site / f"{name}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("scheme, other", [("light", "dark"), ("dark", "light")])
def test_light_and_dark(site, reader, scheme, other):
    page = reader(scheme=scheme)
    page.goto((site / "index.html").as_uri())
    colours = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(colours)
    assert before == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[scheme]
    page.get_by_role("button", name=other.title()).click()
    after = page.evaluate(colours)
    assert after != before
    page.reload()
    assert page.evaluate(colours) == after
    page.get_by_role("button", name=scheme.title()).click()
    assert page.evaluate(colours) == before


@pytest.mark.parametrize("way", ["disk", "server"])
def test_search_by_keyboard(site, served, reader, way):
    page = reader()
    page.goto(f"{served}/index.html" if way == "server" else (site / "index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("receptive fi")
    first = page.locator("#site-found a").first
    first.wait_for()
    assert first.inner_text().startswith("Glossary · Receptive field")
    for key in {"disk": ("Tab", "Enter"), "server": ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "Enter")}[way]:
        page.keyboard.press(key)
    page.wait_for_url("**/glossary.html#receptive-field")
    term = page.locator("#receptive-field")
    assert 0 < term.bounding_box()["y"] < 900 and term.locator("strong").inner_text().startswith("Receptive field")


def test_a_search_says_how_much_more_there_is(site, reader):
    page = reader()
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("the")
    page.locator("#site-found a").first.wait_for()
    assert page.locator("#site-found a").count() == 12
    assert re.fullmatch(r"\d+ more: add a word\.", page.locator("#site-found p").last.inner_text())


def test_on_a_phone_figures_can_be_read_and_print_cuts_nothing(site, reader):
    """A figure keeps at least 608 pixels and its output scrolls; on paper, code is broken and figures fit."""
    page = reader(390)
    page.goto((site / "03_counting_parameters.html").as_uri())
    widths = page.evaluate("[...document.querySelectorAll('.output > img')].map(i => [i.clientWidth, i.getAttribute('width')])")
    assert widths and all(shown >= min(608, int(given)) for shown, given in widths)
    page.emulate_media(media="print")
    assert page.evaluate("[...document.querySelectorAll('pre')].filter(p => p.scrollWidth > p.clientWidth + 1).length") == 0
    assert page.evaluate("document.querySelector('header').offsetHeight") == 0


@pytest.mark.parametrize("equation, spaces", [(r"a \log D", 2), (r"3 \log_2 p", 1), (r"\log D", 1), (r"x_i \log D", 2)])
def test_log_keeps_its_distance(equation, spaces):
    assert website.mathml(equation).count("<mspace") == spaces


def test_menu_on_a_phone(site, reader):
    page = reader(390)
    page.goto((site / "index.html").as_uri())
    lessons = page.get_by_role("navigation", name="Course")
    assert not lessons.is_visible()
    page.get_by_role("button", name="Lessons").click()
    lessons.get_by_role("link", name="Counting parameters").click()
    page.wait_for_url("**/03_counting_parameters.html")
    page.get_by_role("link", name="←").click()
    assert page.locator("h1").inner_text().startswith("02" if FULL else "00")


def test_menu_in_the_middle_of_a_page(site, reader):
    """It lies over the text where the reader is; Escape and a link within the page close it."""
    page = reader(390)
    page.goto((site / "03_counting_parameters.html").as_uri())
    page.evaluate("scrollTo(0, 4000)")
    button, lessons = page.get_by_role("button", name="Lessons"), page.get_by_role("navigation", name="Course")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    box = lessons.bounding_box()
    assert 0 < box["y"] < 100 and box["y"] + box["height"] <= 900 and page.evaluate("scrollY") > 2000
    for _ in ("search", "dark", "the first lesson"):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("00")
    page.keyboard.press("Escape")
    assert not lessons.is_visible() and button.evaluate("one => one === document.activeElement")
    button.click()
    lessons.get_by_role("link", name="Recap").click()
    assert not lessons.is_visible() and button.get_attribute("aria-expanded") == "false"
    assert 0 < page.get_by_role("heading", name="Recap").bounding_box()["y"] < 900
