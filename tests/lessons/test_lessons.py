"""Every lesson: not stale, complete, runs as stored, solvable, and its stubs fail."""

import os

import lesson_lint
import lesson_nbval
import nbformat
import pytest

from course_lib import authoring

SOLUTIONS, NOTEBOOKS = authoring.ROOT / "solutions", authoring.ROOT / "notebooks"
LESSONS = [path.stem for path in authoring.sources_of(SOLUTIONS, [])]
SIZE = "laptop" if os.environ.get("FULL", "0") != "0" else os.environ.get("COURSE_SIZE", "smoke")


@pytest.mark.parametrize("name", LESSONS)
def test_derived_files_are_up_to_date(name):
    found = authoring.stale([SOLUTIONS / f"{name}.py"], NOTEBOOKS, authoring.repository())
    assert not found, "\n".join(found + ["Run `make notebooks`."])


def test_nothing_is_left_over():
    assert not authoring.orphans(SOLUTIONS, NOTEBOOKS)


@pytest.mark.parametrize("name", LESSONS)
def test_lint(name):
    executed = SOLUTIONS / f"{name}.ipynb"
    assert executed.is_file(), "The lesson was never executed. Run `make notebooks`."
    found = lesson_lint.lint(nbformat.read(executed, as_version=4), name, LESSONS)
    assert not found, "\n".join(found)


LONG = {"01", "04", "06", "07", "09", "10"}      # a minute and more each: left out of what a student runs


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.full) if name[:2] in LONG else name for name in LESSONS])
def test_solution_runs_as_stored_and_gets_full_marks(name):
    found = lesson_nbval.complaints(SOLUTIONS / f"{name}.ipynb", "solution", SIZE)
    assert not found, found


@pytest.mark.full
@pytest.mark.parametrize("name", LESSONS)
def test_student_notebook_runs_and_every_stub_fails(name):
    found = lesson_nbval.complaints(NOTEBOOKS / f"{name}.ipynb", "student", "smoke")
    assert not found, found
