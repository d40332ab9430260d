"""Run a lesson under nbval, and ask more of it than nbval does.

`complaints(notebook, kind, size)` starts pytest with nbval on one notebook in a process of its own, so that
each lesson is one test. In that process this file is a plugin, which adds what nbval lets pass:

- kind "solution": every code cell has an execution count, and every test cell gets full marks from nbgrader
  and from the classroom, which asks each check for its "Correct: …";
- kind "student": a cell tagged `raises-exception` raises, and every test cell gets 0;
- both: nothing is written to stderr (which is also how an unknown magic shows);
- at any size but "laptop" the output of cells tagged `size-dependent` is not compared: the stored one is laptop's.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import determine_grade, is_grade, is_solution
from nbval.plugin import IPyNbCell, NbCellError

from course_lib.classroom.grading import checks_in

HERE = Path(__file__).resolve().parent
KIND, SIZE = "LESSON_KIND", "COURSE_SIZE"


def complaints(notebook: Path, kind: str, size: str, timeout: int = 3000) -> str:
    """What is wrong with a notebook when it runs, as nbval prints it; "" for nothing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    paths = [str(HERE), *filter(None, [environment.get("PYTHONPATH")])]
    environment |= {KIND: kind, SIZE: size, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", "--noconftest", "-o", "addopts=",
               "-o", "truncation_limit_lines=60", "-o", "truncation_limit_chars=6000", "-p", "no:cacheprovider",
               "-p", Path(__file__).stem, f"--rootdir={notebook.parent}", "--nbval", "--nbval-current-env",
               f"--nbval-sanitize-with={HERE / 'sanitize.cfg'}", f"--nbval-cell-timeout={timeout}", str(notebook)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=2 * timeout)
    return "" if done.returncode == 0 else (done.stdout.partition("= FAILURES =")[2] or done.stdout) + done.stderr


def extra_complaint(cell: nbformat.NotebookNode, outputs: list, kind: str) -> str:
    """What nbval does not see in an executed cell, in words; "" for nothing."""
    wrote = [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    if wrote:
        return "the cell writes to stderr: " + "".join(wrote)
    raised = any(output.output_type == "error" for output in outputs)
    if kind == "student" and "raises-exception" in cell.metadata.get("tags", []) and not raised:
        return "the cell is tagged raises-exception but does not raise"
    if kind == "solution" and cell.execution_count is None:
        return "the stored cell was never executed, so nothing was compared"
    if is_grade(cell) and not is_solution(cell):
        ran = nbformat.v4.new_code_cell(cell.source, metadata=cell.metadata, outputs=nbformat.from_dict(outputs))
        points, most = determine_grade(ran)
        said = "".join(output.text for output in outputs if output.output_type == "stream")
        if kind == "solution" and len(re.findall("^Correct: ", said, re.MULTILINE)) < checks_in(cell.source):
            return "a check came to its end without passed(…): grading would score 0"
        wanted = most if kind == "solution" else 0
        if points != wanted:
            return f"nbgrader gives {points:g} of {most:g} points, the {kind} should get {wanted:g}"
    return ""


def pytest_collection_modifyitems(items: list) -> None:
    for item in items:
        if isinstance(item, IPyNbCell) and os.environ[SIZE] != "laptop" \
                and "size-dependent" in item.cell.metadata.get("tags", []):
            item.options["check"] = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    if isinstance(item, IPyNbCell) and (words := extra_complaint(item.cell, item.test_outputs, os.environ[KIND])):
        raise NbCellError(item.cell_num, words, item.cell.source)
    return result
