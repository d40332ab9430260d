"""The documents for people: links that lead somewhere, and a map of the lessons that are there."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from course_lib import authoring

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("name", ["README.md", "INSTRUCTORS.md", "CONTRIBUTING.md", "data/README.md", "notebooks/glossary.md"])
def test_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not ((ROOT / name).parent / link).exists()]
    assert not broken


def test_the_map_links_the_lessons_that_exist():
    rows = re.findall(r"^\| (.*?) \|.*\| (.*?) \| (.*?) \|$", README.split("## Lessons")[1].split("\n## ")[0], re.M)[1:]
    linked = [match[1] for first, *_ in rows if (match := re.search(r"\(notebooks/(.*?)\)", first))]
    assert linked == LESSONS and len(rows) == len(LESSONS)
    assert all(minutes.isdigit() and points.isdigit() for _, minutes, points in rows)


def test_the_map_in_lesson_00_links_all_others():
    start = (ROOT / "solutions" / "00_start_here.py").read_text(encoding="utf-8")
    linked = re.findall(r"^# \| \[\d\d .*?\]\((.*?)\) \|", start, re.M)
    assert linked == LESSONS[1:], "the map at the end of solutions/00_start_here.py"


def test_the_totals_are_those_of_the_lessons():
    points = sum(int(found) for found in re.findall(r"^\| \[\d\d .*\| (\d+) \|$", README, re.M))
    written = sum(cell.metadata.nbgrader.points for path in sorted((ROOT / "solutions").glob("*.py")) for cell in authoring.read(path).cells
                  if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("grade"))
    teachers = (ROOT / "INSTRUCTORS.md").read_text(encoding="utf-8")
    words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
    count = words.split()[len(LESSONS) - 1]
    missing = [sentence for sentence in (f"{count} notebooks with {points} points", f"{written} of the {points} points") if sentence not in teachers]
    assert not missing, f"INSTRUCTORS.md doesn't say {missing}"
    hours = round(sum(int(found) for found in re.findall(r"^\| \[\d\d .*\| (\d+) \| \d+ \|$", README, re.M)) / 30) / 2
    missing = [sentence for sentence in (f"{count.capitalize()} lessons", f"{points} points, about {hours:g} hours",
                                         f"{points - written} of the {points} points") if sentence not in README]
    assert not missing, f"README.md doesn't say {missing}"
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"the {count} lessons" in contributing, f"CONTRIBUTING.md doesn't say 'the {count} lessons'"


@pytest.mark.parametrize("lesson", LESSONS)
def test_minutes_and_points_are_those_of_the_lesson(lesson):
    notebook = (ROOT / "notebooks" / lesson).read_text(encoding="utf-8")
    minutes, points = re.search(r"\*\*Time\*\*\D*(\d+)", notebook)[1], sum(map(int, re.findall(r'"points": (\d+)', notebook)))
    row = rf"{re.escape(lesson)}\).*\| {minutes} \| {points} \|$"
    assert re.search(row, README, re.M), f"README does not give {lesson} its {minutes} minutes and {points} points"


def test_references_are_those_cited():
    """Each number cited has its row in REFERENCES.md, and each row is cited or is one of the report's references."""
    number = r"(?:arxiv:|arxiv\.org/abs/|doi[: ]|doi\.org/)(\d{4}\.\d{4,5}|10\.\d{4,5}/[\w./-]*\w)"
    texts = [path for folder, ending in (("solutions", "py"), ("solutions", "md"), ("course_lib", "py"), (".", "md"))
             for path in (ROOT / folder).glob(f"{'**/' if folder == 'course_lib' else ''}*.{ending}") if path.name != "REFERENCES.md"]
    cited = {found.lower() for path in texts for found in re.findall(number, path.read_text(encoding="utf-8"), re.I)}
    rows = re.findall(r"^- .*$", (ROOT / "REFERENCES.md").read_text(encoding="utf-8"), re.M)
    listed = {re.search(number, row, re.I)[1].lower(): row for row in rows}
    missing = [n for n in range(1, 10) if f"[{n}]" not in (ROOT / "REFERENCES.md").read_text(encoding="utf-8")]
    assert not missing, "these references of the report have neither a row nor a word why not"
    assert len(listed) == len(rows) and len(cited) > 20
    assert cited <= listed.keys(), "these have no row in REFERENCES.md"
    assert not [row for found, row in listed.items() if found not in cited and not re.search(r"\[\d\]$", row)], "nobody cites these"


def test_citation_can_be_read():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation.keys() >= {"cff-version", "message", "title", "authors"}
    from course_lib import __version__
    assert citation["version"] == __version__ == re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)[1]


def test_ci_script_can_be_run():
    script = ROOT / ".ci" / "run"
    mode = subprocess.run(["git", "ls-files", "-s", script], cwd=ROOT, capture_output=True, text=True).stdout
    assert mode.startswith("100755") or not mode
    assert "make test FULL=1" in script.read_text(encoding="utf-8")
