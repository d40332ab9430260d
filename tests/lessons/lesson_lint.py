"""What every lesson must have, read from its notebook without running it."""

import re
from html.parser import HTMLParser

from nbformat import NotebookNode

EXERCISES = range(1, 11)    # lessons with exercises: three tests and a written answer at least; lesson 00 has one of each
PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


def lint(lesson: NotebookNode, name: str, lessons: list[str]) -> list[str]:
    """Everything wrong with a lesson, one sentence each.

    name: `NN_topic`. lessons: the names of all lessons there are, in order; also what links may lead to.
    """
    return [*title(lesson, name), *headings(lesson), *opening(lesson), *sums(lesson), *ending(lesson, name, lessons),
            *links(lesson, lessons), *alternative_texts(lesson), *exercises(lesson, name)]


def prose(lesson: NotebookNode) -> list[str]:
    """The text of each markdown cell, without code blocks and code spans, which only look like markup."""
    return [re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
            for cell in lesson.cells if cell.cell_type == "markdown"]


def headings_of(text: str) -> list[tuple[int, str]]:
    return [(len(marks), words) for marks, words in re.findall(r"^(#{1,6}) +(.+?) *#*$", text, re.MULTILINE)]


def title(lesson: NotebookNode, name: str) -> list[str]:
    found = [words for text in prose(lesson) for level, words in headings_of(text) if level == 1]
    if len(found) != 1:
        return [f"one H1 is needed, there are {len(found)}: {found}"]
    if lesson.cells[0].cell_type != "markdown" or not re.match(rf"# {name[:2]} · \S", lesson.cells[0].source):
        return [f"the first cell begins with '# {name[:2]} · Title', found {lesson.cells[0].source[:40]!r}"]
    return []


def headings(lesson: NotebookNode) -> list[str]:
    found, above = [], 0
    for text in prose(lesson):
        for level, words in headings_of(text):
            if level > above + 1:
                found.append(f"heading {words!r} has level {level} after level {above}")
            if level == 2 and not re.search(r"\d+ min|^Recap$", words):
                found.append(f"section {words!r} does not say how many minutes it takes")
            above = level
    return found


def opening(lesson: NotebookNode) -> list[str]:
    text = prose(lesson)[0] if prose(lesson) else ""
    found = []
    if not re.search(r"\*\*You will be able to\W*\*\*.*?^ *[-*] ", text, re.DOTALL | re.MULTILINE):
        found.append("the first cell needs **You will be able to** with bullets (the objectives)")
    if not re.search(r"\*\*You need\W*\*\*", text):
        found.append("the first cell needs **You need** (the prerequisites)")
    if not re.search(r"\*\*Time\W*\*\*.*?\d+ min", text, re.DOTALL):
        found.append("the first cell needs **Time** in minutes")
    return found


def sums(lesson: NotebookNode) -> list[str]:
    """Minutes of the sections against the time in the first cell, points in headings against the cells'."""
    said = [words for text in prose(lesson) for _, words in headings_of(text)]
    minutes = sum(int(n) for words in said for n in re.findall(r"(\d+) min", words))
    time = re.search(r"\*\*Time\W*\*\*.*?(\d+) min", prose(lesson)[0], re.DOTALL) if prose(lesson) else None
    found = []
    if time and int(time[1]) != minutes:
        found.append(f"the first cell says {time[1]} minutes, the sections add up to {minutes}")
    headed = sum(int(n) for words in said for n in re.findall(r"(\d+) points?\b", words))
    if headed != points(lesson):
        found.append(f"the headings say {headed} points, the cells add up to {points(lesson):g}")
    return found


def ending(lesson: NotebookNode, name: str, lessons: list[str]) -> list[str]:
    """Recap with bullets; links to the lesson before, the lesson after and the glossary."""
    last = prose(lesson)[-1] if prose(lesson) else ""
    recap = next((text for text in prose(lesson) if re.search(r"^## Recap *$", text, re.MULTILINE)), "")
    found = []
    if not re.search(r"^## Recap *$.*?^ *[-*] ", recap, re.DOTALL | re.MULTILINE):
        found.append("a section '## Recap' with bullets is needed")
    if "](glossary.md" not in last:
        found.append("the last cell needs a link to glossary.md")
    position = lessons.index(name)
    for word, step in (("previous", -1), ("next", 1)):
        wanted = f"{lessons[position + step]}.ipynb" if 0 <= position + step < len(lessons) else None
        given = next((target for label, target in re.findall(r"\[([^\]]*)\]\(([^)]*)\)", last) if word in label), None)
        if given != wanted:
            found.append(f"the link '{word}' in the last cell leads to {given}, it should lead to {wanted}")
    return found


def links(lesson: NotebookNode, lessons: list[str]) -> list[str]:
    """Links to notebooks and to the glossary lead to what exists beside the lesson."""
    there = {f"{name}.ipynb" for name in lessons} | {"glossary.md"}
    targets = [target.split("#")[0] for text in prose(lesson) for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)", text)]
    return [f"the link to {target} leads nowhere" for target in targets
            if target and "://" not in target and "/" not in target and target not in there]


def alternative_texts(lesson: NotebookNode) -> list[str]:
    found = []
    for position, cell in enumerate(lesson.cells, 1):
        where = f"cell {position}"
        if cell.cell_type == "markdown":
            text = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
            found += [f"{where}: the picture {target} has no alt text"
                      for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", text) if not alt.strip()]
            found += [f"{where}: {words}" for words in html_without_text(text)]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            found += [f"{where}: {words}" for words in html_without_text("".join(data.get("text/html", "")))]
            found += [f"{where}: {words}" for words in html_without_text("".join(data.get("image/svg+xml", "")))]
            if PICTURES & set(data) and "text/html" not in data:
                found.append(f"{where}: JupyterLab shows no alt text of this picture: display it with course_lib.figures")
    return found


class Pictures(HTMLParser):
    """Collects pictures without a text: <img> without alt, <svg> without a label or title, <canvas>, <video>."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []
        self.open_svg = False

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "img" and not (given.get("alt") or "").strip():
            self.found.append("an <img> has no alt text")
        if tag == "title":
            self.open_svg = False
        if tag == "svg" and not (given.get("aria-label") or given.get("aria-labelledby")):
            self.open_svg = True
        if tag in ("canvas", "video") and not given.get("aria-label"):
            self.found.append(f"a <{tag}> has no aria-label")

    def handle_endtag(self, tag):
        if tag == "svg" and self.open_svg:
            self.found.append("an <svg> has neither aria-label nor <title>")
            self.open_svg = False


def html_without_text(html: str) -> list[str]:
    parser = Pictures()
    parser.feed(html)
    return parser.found


def graded(lesson: NotebookNode) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """The cells a machine grades and those a person grades."""
    cells = [cell for cell in lesson.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return ([cell for cell in cells if not cell.metadata.nbgrader.solution],
            [cell for cell in cells if cell.metadata.nbgrader.solution])


def points(lesson: NotebookNode) -> float:
    return sum(cell.metadata.nbgrader.points for kind in graded(lesson) for cell in kind)


def exercises(lesson: NotebookNode, name: str) -> list[str]:
    tests, written = graded(lesson)
    if int(name[:2]) in EXERCISES and (len(tests) < 3 or not written):
        return [f"three autograded exercises and a written one are needed, there are {len(tests)} and {len(written)}"]
    return []
