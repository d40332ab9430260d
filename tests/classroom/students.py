"""Nine students' submissions of any lesson, made from its source; and what each must score.

The answers of the source are the right ones. The other students are made of them, by what they do around each
function that an answer defines.
"""

import ast
import textwrap
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from course_lib import authoring

NOISY = '''
def _loud(function):
    import functools, logging, os, sys, warnings

    @functools.wraps(function)
    def inner(*arguments, **named):
        print("working …")
        print("careful!", file=sys.stderr)
        os.write(2, b"straight to the descriptor\\n")
        warnings.warn("deprecated")
        logging.getLogger("mine").error("not an error at all")
        return function(*arguments, **named)
    return inner
'''
SLOW = '''
def _slow(function):
    import functools, time

    @functools.wraps(function)
    def inner(*arguments, **named):
        time.sleep(0.02)
        return function(*arguments, **named)
    return inner
'''
ENDLESS = '''
def _endless(function):
    import time

    def inner(*arguments, **named):
        while True:
            time.sleep(0.01)        # endless, but leaves the processor to the other tests
    return inner
'''
HUNGRY = '''
def _hungry(function):
    def inner(*arguments, **named):
        hoard = []
        while True:
            hoard.append(bytearray(256 * 2**20))
    return inner
'''
CHEATING = '''
import builtins, course_lib.checks as _checks, numpy as _np
from IPython import get_ipython as _ipython
_module = _checks.{lesson}
for _name in dir(_module):
    if _name.startswith("check_"):
        setattr(_module, _name, lambda *a, **k: print("Correct: of course."))
_checks.fail = _module.fail = lambda sentence: None
_checks.CheckFailed = _module.CheckFailed = type("CheckFailed", (BaseException,), {{}})
_np.abs = _np.asarray = _np.allclose = lambda *a, **k: 0
_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)
_ipython().showtraceback = lambda *a, **k: None
{lesson} = type("Fake", (), {{"__getattr__": lambda self, name: lambda *a, **k: None}})()
print("Correct: 10 of 10 points")
10
'''


def defined(code: str) -> list[str]:
    """The functions and classes a cell defines at its top level."""
    return [node.name for node in ast.parse(code).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def wrapped(code: str, wrapper: str) -> str:
    """The cell, with each function it defines inside the first function of `wrapper`."""
    name = defined(wrapper)[0]
    return code + "\n" + wrapper + "".join(f"\n{one} = {name}({one})" for one in defined(code))


def wrong(code: str) -> str:
    """The cell, with functions that return something, always the same."""
    return "".join(f"def {name}(*arguments, **named):\n    return 42\n\n\n" for name in defined(code))


def submission(source: Path, student: str) -> nbformat.NotebookNode:
    """What `student`, one of `STUDENTS`, hands in."""
    notebook, solved = authoring.student(source), authoring.solution(source)
    answers = {cell.metadata.nbgrader.grade_id: without_markers(cell.source) for cell in solved.cells
               if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")}
    if student != "right":      # the others take out what only takes time, as students may
        notebook.cells = [cell for cell in notebook.cells if "nbgrader" in cell.metadata or needed(cell)]
    first = True
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell.source = STUDENTS[student](answers[grade_id], cell.source, first, f"lesson_{source.stem[:2]}")
            first = False
    return notebook


def needed(cell) -> bool:
    """Whether a cell imports or defines something that an answer may use."""
    return cell.cell_type == "code" and any(isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef))
                                            for node in ast.parse(TransformerManager().transform_cell(cell.source)).body)


def without_markers(code: str) -> str:
    return "\n".join(line for line in code.splitlines() if "## BEGIN SOLUTION" not in line and "## END SOLUTION" not in line)


# name: what the student writes, from (right answer, stub, whether it is the first exercise, module of the checks)
STUDENTS = {
    "right": lambda answer, stub, first, lesson: answer,
    "empty": lambda answer, stub, first, lesson: stub,
    "wrong": lambda answer, stub, first, lesson: wrong(answer),
    "partly": lambda answer, stub, first, lesson: answer if first else stub,
    "noisy": lambda answer, stub, first, lesson: wrapped(answer, NOISY),
    "slow": lambda answer, stub, first, lesson: wrapped(answer, SLOW),
    "endless": lambda answer, stub, first, lesson: wrapped(answer, ENDLESS) if first else answer,
    "hungry": lambda answer, stub, first, lesson: wrapped(answer, HUNGRY) if first else answer,
    "cheating": lambda answer, stub, first, lesson: wrong(answer) + textwrap.dedent(CHEATING).format(lesson=lesson),
}


def expected(source: Path) -> dict[str, float]:
    """{student: points of the tests}; written answers are left open by all."""
    tests = [cell.metadata.nbgrader.points for cell in authoring.read(source).cells
             if cell.metadata.get("nbgrader", {}).get("grade") and not cell.metadata.nbgrader.solution]
    whole, first = sum(tests), first_points(source)
    return {"right": whole, "noisy": whole, "slow": whole, "partly": first, "endless": whole - first, "hungry": whole - first,
            "empty": 0, "wrong": 0, "cheating": 0}


def first_points(source: Path) -> float:
    """The points of the tests between the first answer and the second."""
    points, answers = 0.0, 0
    for cell in authoring.read(source).cells:
        graded = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and graded.get("solution"):
            answers += 1
        elif graded.get("grade") and not graded.get("solution") and answers == 1:
            points += graded["points"]
    return points
