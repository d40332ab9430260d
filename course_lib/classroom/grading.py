"""Running a submission for its grade: nbgrader preprocessors that take the place of its Execute.

A test scores its points only if every check in it ran to its end and said `Correct: …`. No output, output that does
not come from the check, or a kernel that died, timed out or ran out of memory scores 0, for that test alone where
possible. What a right answer writes to stderr on the way costs nothing.
"""

import ast
import os
import re
import secrets
import tempfile
import time
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor, OverwriteCells
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Float, Integer, Unicode

from course_lib.checks.notebook import UNFINISHED
from course_lib.classroom import sandbox

OUTPUT = 200_000        # characters of a cell's output that are kept while it runs
START = 120             # seconds until a kernel answers, on a machine that grades several at once
TIMED_OUT = "CellTimeoutError"
# Of the grader's environment a submission gets these alone: the rest may hold keys, and what it prints its author reads.
PASSED_ON = re.compile(r"PATH|PYTHON\w*|LANG|LC_\w+|TZ|LD_LIBRARY_PATH|CUDA_VISIBLE_DEVICES|(TF|OMP|MKL|OPENBLAS)_\w+"
                       r"|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|TEMP|TMP|USERPROFILE|(LOCAL)?APPDATA|PROGRAMDATA", re.IGNORECASE)


class Client(NotebookClient):
    """nbclient that does not collect more than `OUTPUT` characters of a cell, however much it prints."""

    def execute_cell_quietly(self, cell: NotebookNode, position: int) -> None:
        self.room = OUTPUT
        self.execute_cell(cell, position)

    def output(self, outs, msg, display_id, cell_index):
        self.room -= len(str(msg["content"].get("text", ""))) + sum(map(len, map(str, msg["content"].get("data", {}).values())))
        return super().output(outs, msg, display_id, cell_index) if self.room > 0 else None


class WholeExercises(OverwriteCells):
    """nbgrader's own, which puts a deleted test behind the answer before it, and stops where that was deleted, too."""

    def add_missing_grade_cells(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """An empty answer takes the place of each that was deleted, then come the tests."""
        if not any("nbgrader" in cell.metadata for cell in nb.cells):
            raise ValueError("it has no exercise cells: the notebook lost its metadata, or is the wrong one; ask for the original")
        source = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        graded = {cell.name for cell in source.grade_cells}
        place = 0                   # behind the last cell of nbgrader's that is there
        for cell in source.source_cells:
            found = [i for i, own in enumerate(nb.cells) if own.metadata.get("nbgrader", {}).get("grade_id") == cell.name]
            if not found and cell.name not in graded:
                empty = nbformat.v4.new_code_cell() if cell.cell_type == "code" else nbformat.v4.new_markdown_cell()
                empty.metadata["nbgrader"] = {"grade": False, "grade_id": cell.name, "locked": False, "solution": True, "task": False,
                                              "checksum": cell.checksum, "schema_version": 3, "cell_type": cell.cell_type}
                nb.cells.insert(place, empty)
                found = [place]
            place = found[0] + 1 if found else place
        return super().add_missing_grade_cells(nb, resources)


class SealedExecute(NbGraderPreprocessor):
    """Run a submission in a confined kernel; put back, before each test, what the test relies on."""

    cell_seconds = Integer(120, help="longest time of one cell").tag(config=True)
    seconds = Integer(1200, help="longest time of one submission").tag(config=True)
    memory_gb = Float(4.0, help="memory of the kernel").tag(config=True)
    size = Unicode("smoke", help="COURSE_SIZE while grading").tag(config=True)
    bubblewrap = Bool(help="confine with bubblewrap (Linux); by default where it is installed").tag(config=True)

    def _bubblewrap_default(self):
        return sandbox.available()

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        name = resources["nbgrader"]["notebook"]
        check = f"course_lib.checks.lesson_{name[:2]}"
        root = Path(resources["nbgrader"]["db_url"].removeprefix("sqlite:///")).resolve().parent
        # a kernel on its way out may still write while the folder is cleared
        with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
            os.chmod(folder, 0o755)
            scratch = Path(folder)
            manager = sandbox.ConfinedKernelManager(scratch, self.memory_gb, self.bubblewrap, [root])
            ended = self._run(nb, manager, scratch, check)
        for cell in nb.cells:
            if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
                settle(cell, ended)
        return nb, resources

    def _client(self, nb: NotebookNode, manager, scratch: Path) -> Client:
        """A client that goes on past errors and time-outs."""
        def record(cell, execute_reply, **_):
            """An error that only the kernel's reply tells of: a time-out, or one whose display was suppressed."""
            reply = execute_reply["content"]
            if reply["status"] == "error" and reply["ename"] == TIMED_OUT:
                cell.outputs.insert(0, failure(TIMED_OUT, f"it ran longer than {client.timeout} s: is there a loop that does not end?"))
            elif reply["status"] == "error" and not any(output.output_type == "error" for output in cell.outputs):
                cell.outputs.append(failure(reply["ename"], reply["evalue"]))

        client = Client(nb, km=manager, shutdown_kernel="immediate", timeout=self.cell_seconds, allow_errors=True, interrupt_on_timeout=True,
                        error_on_timeout={"ename": TIMED_OUT, "evalue": "", "traceback": []}, on_cell_executed=record,
                        extra_arguments=["--HistoryManager.enabled=False", "--IPKernelApp.log_level=40"],
                        resources={"metadata": {"path": str(scratch)}})
        return client

    def _run(self, nb: NotebookNode, manager, scratch: Path, check: str) -> str:
        """Run all cells in place; returns why it ended early, or ""."""
        client = self._client(nb, manager, scratch)
        environment = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
        environment |= {"COURSE_SIZE": self.size, "HOME": str(scratch), "MPLCONFIGDIR": str(scratch), "IPYTHONDIR": str(scratch),
                        "PYTHONDONTWRITEBYTECODE": "1"}
        hidden_name = f"_{secrets.token_hex(8)}"
        until = time.monotonic() + self.seconds
        aside = nbformat.v4.new_code_cell()         # nbclient wants its cells inside the notebook
        nb.cells.append(aside)
        last = len(nb.cells) - 1

        def apart(code: str) -> None:
            """Run a line of ours, unseen; RuntimeError if it fails."""
            aside.source, aside.outputs, client.timeout = code, [], START
            client.execute_cell_quietly(aside, last)
            if any(output.output_type == "error" for output in aside.outputs):
                raise RuntimeError(aside.outputs[0].ename)
            client.timeout = max(1, min(self.cell_seconds, int(until - time.monotonic())))

        started = False
        try:
            with client.setup_kernel(cleanup_kc=True, env=environment):
                apart(f"from course_lib.classroom.seal import Seal as {hidden_name}\n"
                      f"{hidden_name} = {hidden_name}(get_ipython(), {check!r}).restore")
                started = True
                for position, cell in enumerate(nb.cells[:last]):
                    if cell.cell_type != "code":
                        continue
                    if time.monotonic() > until:
                        return f"the notebook ran longer than {self.seconds} s"
                    cell.metadata.pop("ran", None)
                    if is_grade(cell) and not is_solution(cell):
                        apart(f"{hidden_name}({names(cell.source)!r})")
                    client.execute_cell_quietly(cell, position)
                    cell.metadata["ran"] = True
                    if any(output.get("ename") == TIMED_OUT for output in cell.outputs):
                        apart("None")               # does it answer again?
        except (DeadKernelError, CellTimeoutError, RuntimeError) as error:
            if not started:                     # the machine's fault, not the submission's: it is not graded
                raise
            if isinstance(error, DeadKernelError):
                return "the Python process ended (does a cell exit, or need more memory than there is?)"
            return f"Python could not continue after the cell before it ({error})"
        finally:
            nb.cells.pop()
        return ""


def _parsed(code: str) -> list[ast.AST]:
    """The nodes of a cell's code, `%magics` and `!commands` included; none if it can't be parsed."""
    try:
        return list(ast.walk(ast.parse(TransformerManager().transform_cell(code))))
    except SyntaxError:
        return []


def names(code: str) -> list[str]:
    """The names a cell's code uses."""
    return sorted({node.id for node in _parsed(code) if isinstance(node, ast.Name)})


def checks_in(code: str) -> int:
    """How many of the course's checks a test calls: each must say `Correct: …`."""
    return sum(isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("check_")
               for node in _parsed(code))


def settle(cell: NotebookNode, ended: str) -> None:
    """Leave in a test cell only what decides its score: one error, or what its checks said."""
    ran = cell.metadata.pop("ran", False)
    errors = [output for output in cell.outputs if output.output_type == "error"]
    said = "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")
    if not ran:
        cell.outputs = [failure("NotRun", f"This test was not run: {ended or 'the notebook ended before it'}.")]
    elif errors:
        ename, words = errors[0].ename, errors[0].evalue.strip().splitlines()
        words = words[0] if words else "no message"
        if ename == "CheckFailed":
            cell.outputs = [failure(ename, f"Not yet: {words}")]
        elif ename == TIMED_OUT:
            cell.outputs = [failure(ename, f"Stopped: {words}")]
        elif ename == "NameError":
            cell.outputs = [failure(ename, f"{words}: does your answer define it?")]
        else:                                       # without the lines of the test, which may be hidden ones
            cell.outputs = [failure(ename, f"{ename}: {words}")]
    elif len(re.findall(r"^Correct: ", said, re.MULTILINE)) < checks_in(cell.source):
        cell.outputs = [failure("NotPassed", UNFINISHED)]
    else:
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=said)] if said else []


def failure(name: str, sentence: str) -> NotebookNode:
    return nbformat.v4.new_output("error", ename=name, evalue=sentence, traceback=[sentence])


class WithoutHiddenTests(Preprocessor):
    """In the feedback a test shows only what the student saw of it, and says that there were hidden cases."""

    enabled = True

    def preprocess_cell(self, cell: NotebookNode, resources: dict, cell_index: int) -> tuple[NotebookNode, dict]:
        cell.source = re.sub(r"^[ \t]*#+ *BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*$", "# (and cases that are not shown)",
                             cell.source, flags=re.DOTALL | re.MULTILINE)
        return cell, resources


class ReadableFeedback(Preprocessor):
    """Styles that feedback pages lack: without them the columns of tables touch and long lines of code are cut."""

    enabled = True

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        resources["inlining"]["css"].append("th, td {padding: 0.1em 0.7em}\n"
                                            "pre {white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere}")
        return nb, resources
