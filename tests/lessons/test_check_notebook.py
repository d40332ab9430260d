"""`deblur-course check NOTEBOOK`: what a student is told, and that the notebook stays as it was."""

import copy
import json
import warnings
from pathlib import Path

import nbformat
import pytest

from course_lib import authoring
from course_lib.checks import notebook as selfcheck

TINY = Path(__file__).parent / "tiny_lesson.py"
RIGHT = {"count": "def count(c_in, c_out, k):\n    return c_out * (c_in * k**2 + 1)", "total": "total = 1"}


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """check({grade_id: answer}) → (exit status, what was printed); `change` edits the notebook before."""
    monkeypatch.setattr(selfcheck, "LESSONS", tmp_path / "notebooks")
    authoring.write(tmp_path / "notebooks" / "03_tiny.ipynb", authoring.text(authoring.student(TINY)))
    mine = tmp_path / "renamed by me.ipynb"

    def run(answers, change=lambda notebook: None):
        notebook = authoring.student(TINY)
        for cell in notebook.cells:
            cell.source = answers.get(cell["id"], cell.source)
        change(notebook)
        mine.write_text(authoring.text(notebook), encoding="utf-8")
        before = mine.read_bytes(), {path.name for path in tmp_path.iterdir()}
        status = selfcheck.check(mine)
        assert (mine.read_bytes(), {path.name for path in tmp_path.iterdir()}) == before
        return status, capsys.readouterr().out
    return run


def cell_of(notebook, grade_id):
    return next(cell for cell in notebook.cells if cell["id"] == grade_id)


def test_unattempted(check):
    status, said = check({})
    assert status == 1 and "Points so far: 0 of 5, and 4 for written answers" in said
    assert "`count` is not written yet: return weights plus biases" in said.replace("\n      ", " ")
    assert "why" in said and "not answered yet" in said


def test_solved(check):
    status, said = check(RIGHT | {"why": "Because."})
    assert status == 0 and "Points so far: 5 of 5" in said and "not yet" not in said and "not answered" not in said


def test_partly_solved_says_what_came_out(check):
    status, said = check(RIGHT | {"count": "def count(c_in, c_out, k):\n    return 1"})
    assert status == 1 and "Points so far: 2 of 5" in said
    assert "your `count(3, 64, 7)` gave 1; equation (2) gives 9472." in said.replace("\n      ", " ")


def test_edited_deleted_and_repeated_tests_are_the_courses_own(check):
    def spoil(notebook):
        cell_of(notebook, "count-test").source = "pass"
        cell_of(notebook, "count-test").metadata.nbgrader.points = 100
        notebook.cells.remove(cell_of(notebook, "total-test"))
    status, said = check({}, spoil)
    assert status == 1 and "Points so far: 0 of 5" in said
    assert "count-test differs" in said and "total-test differs" in said

    def repeat(notebook):
        again = copy.deepcopy(cell_of(notebook, "total-test"))
        again["id"] = "again"
        notebook.cells.append(again)
    assert "Points so far: 5 of 5" in check(RIGHT, repeat)[1]


def test_a_cell_that_ends_the_process_scores_nothing(check):
    status, said = check(RIGHT | {"total": "import os; os._exit(0)"})
    assert status == 1 and "Stopped in code cell 4: the Python process ended" in said and "Points so far: 3 of 5" in said
    assert selfcheck.UNFINISHED in said.replace("\n      ", " ")


def test_a_cell_that_does_not_end_is_stopped(check, monkeypatch):
    monkeypatch.setattr(selfcheck, "LONGEST_CELL", 5)
    status, said = check(RIGHT | {"total": "while True: pass"})
    assert status == 1 and "Stopped in code cell 4" in said and "does not end" in said and "Points so far: 3 of 5" in said


def test_what_pyzmq_warns_of_on_windows_is_not_shown(check, monkeypatch):
    said = "Proactor event loop does not implement add_reader family of methods required for zmq."
    monkeypatch.setattr(selfcheck.NotebookClient, "execute", lambda client, env: warnings.warn(said, RuntimeWarning))
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert check({})[0] == 1
    assert not shown


def test_files_that_are_no_lessons(tmp_path, capsys):
    (tmp_path / "empty.ipynb").write_text("")
    (tmp_path / "other.ipynb").write_text(json.dumps({"a": 1}))
    (tmp_path / "list.ipynb").write_text("[]")
    (tmp_path / "binary.ipynb").write_bytes(bytes(range(256)))
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), tmp_path / "plain.ipynb")
    damaged = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", metadata={"nbgrader": {"grade": True}})])
    nbformat.write(damaged, tmp_path / "damaged.ipynb")
    for name, words in (("none.ipynb", "There is no file"), (".", "is a folder"), ("empty.ipynb", "is not a notebook"),
                        ("other.ipynb", "is not a notebook"), ("list.ipynb", "is not a notebook"),
                        ("binary.ipynb", "is not a notebook"), ("plain.ipynb", "no exercises"), ("damaged.ipynb", "damaged")):
        assert selfcheck.check(tmp_path / name) == 2
        printed = capsys.readouterr()
        assert words in printed.err and printed.out == "" and printed.err.count("\n") == 1, name
