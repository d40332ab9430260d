"""The course as web pages in `_site/`: made without running a lesson, read without a network or a kernel.

A lesson's page shows what a student opens (answers are stubs; hidden tests and marking schemes are gone) with
the outputs of the executed solution, except those of graded cells. Sliders work by the HTML which their
outputs carry, equations are MathML, and search looks through one file of the site itself.

Usage: python -m course_lib.site [--to FOLDER] [NN ...]
"""

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader
from latex2mathml.converter import convert
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course_lib import authoring
from course_lib.authoring import ROOT, AuthoringError

TEMPLATE = Path(__file__).parent / "site_template"
COPIED = ("style.css", "page.js")
WRITTEN = ".deblur-course-site.json"        # the names of the files a build wrote, which the next one removes
NEIGHBOURS = re.compile(r"^.*\[(?:← previous|next): .*$", re.MULTILINE)    # the site has links of its own for that
CITED = re.compile(r"\b(?:arXiv:|doi[: ])(\d{4}\.\d{4,5}|10\.\d{4,5}/[\w./-]*\w)", re.IGNORECASE)


@dataclass
class Page:
    """One page: what it is called, the file it becomes, and its sections [(level, title, anchor)]."""

    name: str
    title: str
    html: str = ""
    sections: list = field(default_factory=list)

    @property
    def file(self) -> str:
        return f"{self.name}.html"


@dataclass
class Lesson(Page):
    """A lesson's page, and what the map says of it."""

    ability: str = ""
    minutes: int = 0
    points: int = 0
    cells: list = field(default_factory=list)


# ---------------------------------------------------------------- text

def mathml(body: str, display: str = "inline") -> str:
    """An equation as MathML, with the thin spaces around log that the converter leaves out, and none within 1{,}024."""
    found = convert(body, display=display).replace("</mn><mrow><mo>&#x0002C;</mo></mrow><mn>", ",")
    found = re.sub("(?<!<msub>)(<mi>log</mi>)(?=<m[in]>)", r'\1<mspace width="0.17em"/>', found)
    return re.sub("(</m(?:i|n|sub)>)((?:<msub>)?<mi>log</mi>)", r'\1<mspace width="0.17em"/>\2', found)


def new_anchor(title: str, sections: list) -> str:
    """The title's words in small letters, with a number behind them where other sections have the same."""
    words = re.sub(r"\W+", "-", title.lower()).strip("-")
    taken = {anchor for *_, anchor in sections}
    return next(anchor for anchor in (words, *(f"{words}-{i}" for i in range(2, 100))) if anchor not in taken)


class Renderer(IPythonRenderer):
    """Notebook Markdown to HTML: equations as MathML, links to the site's pages, headings with short anchors."""

    def __init__(self, pages: set[str]):
        super().__init__(escape=False)
        self.pages, self.sections = pages, []

    def inline_math(self, body: str) -> str:
        found = mathml(body)
        return f'<span class="long">{found}</span>' if len(plain(found)) > 20 else found

    def block_math(self, body: str) -> str:
        return f'<span class="equation">{mathml(body, display="block")}</span>'

    def heading(self, text: str, level: int, **attrs) -> str:
        title = re.sub(r" \(\d+ (minutes?|points?)\)$", "", plain(text))
        anchor = new_anchor(re.sub(r"^\d+\.", "", title), self.sections)
        self.sections.append((level, title, anchor))
        link = f'<a class="anchor" href="#{anchor}" aria-label="Link to: {escape(title)}">#</a>'
        return f'<h{level} id="{anchor}">{text} {link}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link to a file that is no page of the site is left as text."""
        if "://" not in url and not url.startswith("#"):
            path, _, anchor = url.partition("#")
            if Path(path).stem not in self.pages:
                return text
            url = f"{Path(path).stem}.html" + (f"#{anchor}" if anchor else "")
        return super().link(text, url, title)

    def table(self, text: str) -> str:
        return f'<div class="scroll"><table>\n{text}</table></div>\n'.replace("<th></th>", "<td></td>")


def markdown(text: str, renderer: Renderer) -> str:
    """HTML of some Markdown; an arXiv number or a DOI in it leads to its row in the references, and no line begins with the full stop
    of an equation."""
    found = re.sub(r"(<math[^>]*>(?:(?!</math>).)*</math>)(</span>)?([.,:;!?)]+)", r'<span class="kept">\1\3</span>\2',
                   MarkdownWithMath(renderer).render(text), flags=re.S)
    pieces = re.split(r"(<a .*?</a>)", found)
    pieces[::2] = [CITED.sub(lambda m: f'<a href="references.html#{cited_anchor(m[1])}">{m[0]}</a>', piece)
                   for piece in pieces[::2]]
    return "".join(pieces)


def cited_anchor(number: str) -> str:
    return re.sub(r"\W+", "-", number.lower())


# ---------------------------------------------------------------- lessons

def code(source: str) -> str:
    return highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip("\n")


def output(one: dict) -> str:
    """An output of a cell: its HTML if it has one (figures, tables, sliders), else its text."""
    data = one.get("data", {"text/plain": one.get("text", "")})
    return data.get("text/html") or f"<pre>{ansi2html(data['text/plain'].rstrip())}</pre>"


def label(graded: dict) -> str:
    """What a reader is told about a graded cell; "" for any other."""
    points = f"{graded.get('points')} point{'s' if graded.get('points') != 1 else ''}"
    if graded.get("solution"):
        return f"Your answer in words · {points}" if graded.get("grade") else "Your answer"
    return f"Check · {points}" if graded.get("grade") else ""


def outputs(source: Path) -> dict[str, list]:
    """{id of the cell: its outputs} of the executed lesson, without those of graded cells.

    Raises AuthoringError when the code has changed since it ran.
    """
    stored, fresh = nbformat.read(source.with_suffix(".ipynb"), as_version=4), authoring.solution(source)
    if authoring.code_hash(stored) != authoring.code_hash(fresh):
        raise AuthoringError(f"{source.name} has changed since it was executed: run `make notebooks`, then this again.")
    return {cell.id: cell.outputs for cell in stored.cells if cell.cell_type == "code"
            and not {"grade", "solution"} & {key for key, value in cell.metadata.get("nbgrader", {}).items() if value}}


def read(source: Path, pages: set[str]) -> Lesson:
    """A lesson as its page shows it; what can be counted is counted here, not written down again."""
    shown, renderer = outputs(source), Renderer(pages)
    lesson = Lesson(source.stem, "")
    for cell in authoring.student(source).cells:
        graded = cell.metadata.get("nbgrader", {})
        lesson.points += graded.get("points", 0)
        if cell.cell_type == "markdown":
            html = markdown(re.sub(NEIGHBOURS, "", cell.source), renderer)
            if said := re.search(r"\*\*Time\*\*\D*(\d+)", cell.source):
                lesson.minutes = int(said[1])
        else:
            html = code(cell.source)
        lesson.cells.append({"kind": cell.cell_type, "label": label(graded), "html": html,
                             "outputs": [output(one) for one in shown.get(cell.id, [])]})
    lesson.sections = [section for section in renderer.sections if section[0] > 1]
    lesson.title = renderer.sections[0][1].partition(" · ")[2]
    abilities = dict(re.findall(r"^\| \[(\d\d) .*?\) \| (.*?) \|", readme()["Lessons"], re.MULTILINE))
    lesson.ability = abilities.get(source.stem[:2], "")
    return lesson


def readme() -> dict[str, str]:
    """README's sections by their titles, what stands above the first under ""."""
    parts = re.split(r"^## (.*)\n", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2]))}


# ---------------------------------------------------------------- other pages

def glossary(text: str, lessons: list[Lesson], pages: set[str]) -> Page:
    """The glossary: each term has an anchor, each lesson named is a link."""
    page, files = Page("glossary", "Glossary"), {lesson.name[:2]: lesson.file for lesson in lessons}
    html = markdown(text, Renderer(pages))

    def term(found) -> str:
        name = unescape(found[1]).rstrip(".")
        page.sections.append((2, name, new_anchor(name, page.sections)))
        return f'<p id="{page.sections[-1][2]}"><strong>{found[1]}</strong>'

    html = re.sub(r"<p><strong>(.*?)</strong>", term, html)
    page.html = re.sub(r"\b(Lessons? |and |, )(\d\d)\b", lambda m: f'{m[1]}<a href="{files[m[2]]}">{m[2]}</a>'
                       if m[2] in files else m[0], html)
    return page


def references(text: str) -> Page:
    """The references: each row has an anchor, and its number leads to arXiv or to the publisher."""
    page = Page("references", "References", MarkdownWithMath(Renderer(set())).render(text))

    def row(found) -> str:
        number = CITED.search(found[0])[1]
        page.sections.append((2, plain(found[0]).partition(".")[0], cited_anchor(number)))
        outside = "https://doi.org/" if number.startswith("10.") else "https://arxiv.org/abs/"
        linked = CITED.sub(lambda m: f'<a href="{outside}{number}">{m[0]}</a>', found[1])
        return f'<li id="{page.sections[-1][2]}">{linked}</li>'

    page.html = re.sub("<li>(.*?)</li>", row, page.html)
    return page


def plain(html: str) -> str:
    """The words of some HTML, for the search."""
    return " ".join(unescape(re.sub("<[^>]+>", "", re.sub("</(p|li|h\\d|td|mi|mo|mn|tr|th)>", " ", html))).split())


def search_index(pages: list[Page]) -> list[list[str]]:
    """[page, section, address, words] of every section of every page and of every term of the glossary."""
    found = []
    for page in pages:
        html = page.html or "".join(cell["html"] for cell in page.cells if cell["kind"] == "markdown")
        titles = {anchor: title for _, title, anchor in page.sections}
        for part in re.split(r"(?=<(?:h[23]|p|li) id=)", html):
            anchor = (re.match(r'<\w+ id="([^"]*)"', part) or [None, ""])[1]
            words = plain(re.sub(r"<h\d.*?</h\d>", "", part))
            found.append([page.title, titles.get(anchor, ""), page.file + (f"#{anchor}" if anchor else ""), words])
    return found


def first_swipe(lessons: list[Lesson]) -> str:
    """The first swipe of the course, for the page people see first."""
    return next((html for lesson in lessons for cell in lesson.cells for html in cell["outputs"] if "data-swipe=" in html), "")


# ---------------------------------------------------------------- all of it

def build(folder: Path, numbers: Sequence[str] = ()) -> list[Path]:
    """Write the site into an empty or new folder; returns its pages.

    folder : what an earlier build wrote into it is removed. numbers : lessons, all for none.

    Raises AuthoringError for a lesson that must be executed first, and for a folder that holds anything else.
    """
    written = folder / WRITTEN
    if folder.is_dir() and any(folder.iterdir()) and not written.is_file():
        raise AuthoringError(f"{folder} holds something that no build of this site left there: name an empty or a new folder.")
    sources = [path for path in authoring.sources_of(ROOT / "solutions", list(numbers)) if path.with_suffix(".ipynb").is_file()]
    names = {path.stem for path in sources} | {"glossary", "references", "index"}
    lessons = [read(source, names) for source in sources]
    words = glossary((ROOT / "solutions" / "glossary.md").read_text(encoding="utf-8"), lessons, names)
    sources_cited = references((ROOT / "REFERENCES.md").read_text(encoding="utf-8"))
    intro = markdown(readme()[""].partition("\n")[2], Renderer(names))

    folder.mkdir(parents=True, exist_ok=True)
    if written.is_file():
        for name in json.loads(written.read_text(encoding="utf-8")):
            (folder / name).unlink(missing_ok=True)
    others = set(folder.iterdir())
    repository = authoring.repository()
    environment = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=False, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(lessons=lessons, repository=repository, escape=escape)

    def write(template: str, page: Page, **more) -> None:
        (folder / page.file).write_text(environment.get_template(template).render(page=page, **more), encoding="utf-8")

    write("home.html", Page("index", "Image deblurring with GANs", intro), swipe=first_swipe(lessons))
    write("text.html", words)
    write("text.html", sources_cited)
    for before, lesson, after in zip([None, *lessons], lessons, [*lessons[1:], None]):
        colab, binder = authoring.hosted_addresses(lesson.name, repository)
        write("lesson.html", lesson, before=before, after=after, colab=colab, binder=binder)
    for name in COPIED:
        shutil.copy(TEMPLATE / name, folder)
    index = json.dumps(search_index([*lessons, words, sources_cited]), ensure_ascii=False, separators=(",", ":"))
    (folder / "search.js").write_text(f"searchIndex={index}\n", encoding="utf-8")
    (folder / ".nojekyll").touch()      # GitHub Pages takes the files as they are
    files = sorted(path.name for path in set(folder.iterdir()) - others)
    written.write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")
    return [folder / name for name in files if name.endswith(".html")]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m course_lib.site", description="Write the course as web pages.")
    parser.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers; all lessons without any")
    parser.add_argument("--to", type=Path, default=ROOT / "_site", help="the folder, _site without it")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    try:
        pages = build(options.to, options.lessons)
    except AuthoringError as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in options.to.iterdir())
    print(f"{len(pages)} pages, {size / 1e6:.1f} MB, {time.perf_counter() - started:.0f} s: open {options.to / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
