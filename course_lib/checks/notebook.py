"""`deblur-course check NOTEBOOK`: all visible checks of a student's notebook, and the points so far."""

import json
import os
import re
import shutil
import sys
import textwrap
import warnings
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_lib.workspace import LESSONS

LONGEST_CELL = 600                # seconds
UNFINISHED = "The check did not run to its end, so this test did not pass."       # said by the grader, too
UNTOUCHED = ("YOUR ANSWER HERE", "YOUR CODE HERE")    # in an answer for a person to grade that nobody has begun


class NotALesson(Exception):
    """The given file cannot be checked; the message says why and what is needed."""


def check(path: str | Path) -> int:
    """Run a copy of the notebook from top to bottom, print one line per exercise and the points so far.

    The file itself is read, never written. The test cells that run are the course's own: an edited one
    counts as it was handed out. Returns 0 when every test passes, 1 when not, 2 for a file that is no lesson.
    """
    path = Path(path)
    try:
        notebook = read(path)
    except NotALesson as error:
        print(error, file=sys.stderr)
        return 2
    changed = restore_tests(notebook)
    finished, stopped = run(notebook, path)
    print(path.name)
    for grade_id in changed:
        print(f"  The test {grade_id} differs from the course's or is missing; the course's was used.")
    reached = possible = written = 0.0
    for position, cell in enumerate(notebook.cells):
        graded = cell.metadata.get("nbgrader", {})
        if not graded.get("grade"):
            continue
        if graded.get("solution"):
            state = "not answered yet" if any(stub in cell.source for stub in UNTOUCHED) else "answered"
            written += graded["points"]
            say(graded["grade_id"], state, f"{graded['points']:g} points, graded by a person")
            continue
        got, message = score(cell) if position in finished else (0, UNFINISHED)
        reached, possible = reached + got, possible + graded["points"]
        state = "passed" if got == graded["points"] else "not yet" if got == 0 else "partly"
        say(graded["grade_id"].removesuffix("-test"), state, f"{got:g} of {graded['points']:g} points", message)
    if stopped:
        print(stopped)
    print(f"Points so far: {reached:g} of {possible:g}"
          + (f", and {written:g} for written answers, graded by a person." if written else "."))
    return 0 if reached == possible and not stopped else 1


def read(path: Path) -> NotebookNode:
    """The notebook, or NotALesson with a sentence that says what was given and what is needed."""
    need = "Give one of the lessons in my_work/, for example my_work/03_counting_parameters.ipynb."
    if not path.exists():
        raise NotALesson(f"There is no file {path}. {need}")
    if path.is_dir():
        raise NotALesson(f"{path} is a folder. {need}")
    try:
        content = path.read_text(encoding="utf-8")
        notebook = nbformat.read(path, as_version=4) if "cells" in json.loads(content) else None
    except OSError as error:
        raise NotALesson(f"{path} cannot be read: {error.strerror}.") from None
    except Exception:                                    # nbformat has many ways to say it
        notebook = None
    if notebook is None:
        raise NotALesson(f"{path} is not a notebook, or is damaged. {need}")
    graded = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    if not graded:
        raise NotALesson(f"{path} has no exercises to check: no cell is graded. {need}")
    for cell in graded:
        if not {"grade_id", "points", "solution"} <= set(cell.metadata["nbgrader"]):
            raise NotALesson(f"{path}: the exercise data of a graded cell is damaged. "
                             "Take a fresh copy with `make reset LESSON=NN` and move your answers into it.")
    return notebook


def restore_tests(notebook: NotebookNode) -> list[str]:
    """Put the course's own test cells where a notebook has them, by grade_id; returns the ids that differed.

    A test the notebook has lost is appended, so that deleting one does not lower the total.
    """
    keep_last_of_each(notebook)
    mine = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade_id")}
    changed = []
    lesson = lesson_of(set(mine))
    for cell in lesson.cells if lesson else []:
        graded = cell.metadata.get("nbgrader", {})
        if not graded.get("grade"):
            continue
        own = mine.get(graded["grade_id"])
        if own is None:
            changed.append(graded["grade_id"])
            notebook.cells.append(cell)
        elif not graded["solution"] and (own.source != cell.source or own.cell_type != cell.cell_type):
            changed.append(graded["grade_id"])
            notebook.cells[notebook.cells.index(own)] = cell
        else:
            own.metadata["nbgrader"] = graded     # points as handed out
    return changed


def keep_last_of_each(notebook: NotebookNode) -> None:
    """Of graded cells pasted twice only the last counts, as in nbgrader."""
    seen: set[str] = set()
    for cell in reversed(notebook.cells):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in seen:
            del cell.metadata["nbgrader"]
        elif grade_id:
            seen.add(grade_id)


def lesson_of(grade_ids: set[str]) -> NotebookNode | None:
    """The course's lesson that shares most grade_ids with a notebook; None when none does."""
    best, shared = None, 0
    for path in sorted(LESSONS.glob("[0-9][0-9]_*.ipynb")):
        lesson = nbformat.read(path, as_version=4)
        common = len(grade_ids & {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in lesson.cells})
        if common > shared:
            best, shared = lesson, common
    return best


def run(notebook: NotebookNode, path: Path) -> tuple[set[int], str]:
    """Execute all cells in place, past errors, at smoke size.

    Returns the positions of the cells that came to their end, and what stopped the rest, in words, or "".
    """
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        cell.outputs, cell.execution_count = [], None
    finished: set[int] = set()

    def progress(cell_index: int, **_: object) -> None:
        if sys.stderr.isatty():
            print(f"\rrunning code cell {len(finished) + 1} of {len(cells)} ", end="", file=sys.stderr, flush=True)

    client = NotebookClient(notebook, timeout=LONGEST_CELL, kernel_name="python3", allow_errors=True, record_timing=False,
                            extra_arguments=["--IPKernelApp.log_level=40"], on_cell_execute=progress,
                            on_cell_executed=lambda cell_index, **_: finished.add(cell_index),
                            resources={"metadata": {"path": str(path.resolve().parent)}})
    why = ""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Proactor event loop")      # pyzmq's, at every start on Windows; it works all the same
            client.execute(env={"COURSE_SIZE": "smoke"} | dict(os.environ))
    except CellTimeoutError:
        why = f"it ran longer than {LONGEST_CELL // 60} minutes. Is there a loop that does not end?"
    except DeadKernelError:
        why = "the Python process ended. Did the cell exit, or use more memory than there is?"
    finally:
        if sys.stderr.isatty():
            print("\r" + " " * 40 + "\r", end="", file=sys.stderr, flush=True)
    return finished, why and f"Stopped in code cell {len(finished) + 1}: {why}"


def score(cell: NotebookNode) -> tuple[float, str]:
    """Points of an executed test cell, by nbgrader's rules, and the sentence that explains less than all."""
    points = cell.metadata["nbgrader"]["points"]
    for output in cell.outputs:
        if output.output_type == "error":
            words = output.evalue.strip().splitlines()
            if output.ename == "NameError":
                return 0, f"{words[0]}: does your answer define it?"
            return 0, words[0] if output.ename in ("CheckFailed", "AssertionError") and words else \
                f"{output.ename}: {words[0] if words else 'no message'}"
        if output.output_type == "stream" and output.name == "stderr":
            return 0, f"The test wrote to stderr: {output.text.strip().splitlines()[-1]}"
        if output.output_type == "execute_result":
            try:
                value = float(output.data.get("text/plain", ""))
            except ValueError:
                continue
            return (min(value, points), "") if value >= 0 else (points, "")
    return points, ""


def say(name: str, state: str, points: str, message: str = "") -> None:
    """One exercise; a message goes below it, wrapped to the terminal, without the colours of a notebook."""
    print(f"  {name:<28} {state:<17} {points}")
    if message:
        width = max(40, shutil.get_terminal_size().columns)
        print(textwrap.fill(re.sub(r"\x1b\[[0-9;]*m", "", message), width, initial_indent="      ", subsequent_indent="      "))
