"""Ways to fool a test or the machine that runs it: each is tried for real, and scores 0."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import students

from course_lib import authoring, classroom
from course_lib.classroom import sandbox

LESSON = "00_start_here"
WRONG = "def psnr(mse):\n    return 42\n\n"

# name: code in the answer's cell. Every one leaves `psnr` wrong.
ATTACKS = {
    "replace the check": WRONG + "lesson_00.check_psnr = lambda *a, **k: print('Correct: yes.')",
    "replace the module's name": WRONG + "class lesson_00:\n    check_psnr = staticmethod(lambda *a, **k: print('Correct: yes.'))",
    "replace the module": WRONG + "import sys, types\nfake = types.ModuleType('fake')\n"
                          "fake.check_psnr = lambda *a, **k: print('Correct: yes.')\n"
                          "sys.modules['course_lib.checks.lesson_00'] = lesson_00 = fake",
    "change the check's code": WRONG + "def yes(psnr, seed=0):\n    print('Correct: yes.')\n"
                               "lesson_00.check_psnr.__code__ = yes.__code__",
    "disarm fail": WRONG + "import course_lib.checks as c\nc.fail = lesson_00.fail = lambda sentence: None\n"
                   "c.passed = lesson_00.passed = lambda sentence: print('Correct: yes.')",
    "numpy agrees with everything": WRONG + "import builtins, numpy as np\nnp.log10 = np.abs = np.allclose = np.asarray = lambda *a, **k: 42\n"
                                    "builtins.abs = lambda x: 0\nbuiltins.float = lambda x=0: 42",
    "equal to everything": "class Any(float):\n    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True\n"
                           "    __ne__ = lambda self, other: False\n    __sub__ = __rsub__ = __abs__ = lambda self, *other: self\n"
                           "    __hash__ = float.__hash__\n\n\ndef psnr(mse):\n    return Any(42)",
    "swallow every error": WRONG + "get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)\n"
                           "get_ipython().showtraceback = lambda *a, **k: None",
    "rewrite the cells that follow": WRONG + "import ast\nclass Empty(ast.NodeTransformer):\n    def visit_Module(self, node):\n"
                                     "        node.body = []\n        return node\nget_ipython().ast_transformers.append(Empty())",
    "score by a hook": WRONG + "get_ipython().events.register('pre_run_cell', lambda *a: print('Correct: yes.\\nCorrect: yes.'))",
    "forge the result": WRONG + "import sys\nsys.displayhook = lambda value: None\n"
                        "from IPython.display import publish_display_data\n"
                        "get_ipython().events.register('post_run_cell', lambda *a: publish_display_data({'text/plain': '2'}))",
    "print a score": WRONG + "print('Correct: 2 of 2 points')\n2.0",
    "only the case that is seen": "def psnr(mse):\n    return {100: 28.13}.get(mse, 28.13)",
    "leave": WRONG + "import os\nos._exit(0)",
    "leave from inside": "def psnr(mse):\n    import os\n    os._exit(0)",
    "catch everything": "def psnr(mse):\n    try:\n        raise SystemExit\n    except BaseException:\n        pass",
    "quiet exit": "def psnr(mse):\n    raise KeyboardInterrupt",
}


def small(answer: str, test: str | None = None, keep_test: bool = True) -> nbformat.NotebookNode:
    """Lesson 00 with nothing but the cells that count: a student may delete the rest."""
    notebook = authoring.student(authoring.ROOT / "solutions" / f"{LESSON}.py")
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    cells["psnr"].source = "import numpy as np\nfrom course_lib.checks import lesson_00\n\n" + answer
    if test is not None:
        cells["psnr-test"].source = test
        cells["psnr-test"].metadata.nbgrader.update(locked=False, points=99)
    notebook.cells = [cell for name, cell in cells.items() if keep_test or name != "psnr-test"]
    notebook.metadata["lesson"] = LESSON
    return notebook


SEALED = '''
import json, sys
from contextlib import redirect_stdout
from io import StringIO

from IPython.core.interactiveshell import InteractiveShell

import course_lib.report
from course_lib.classroom.seal import Seal

shell = InteractiveShell.instance()
restore = Seal(shell, "course_lib.checks.lesson_00").restore
for answer, test in json.load(sys.stdin):
    with redirect_stdout(StringIO()) as said:
        shell.run_cell("import numpy as np\\nfrom course_lib.checks import lesson_00\\n\\n" + answer)
        restore(["lesson_00", "print", "psnr"])
        before = len(said.getvalue())
        ran = shell.run_cell(test).success
    print(int(ran and said.getvalue()[before:].count("Correct: ") == 1))
'''
TEST = "lesson_00.check_psnr(psnr)"
LOOK = '''
import sys
import course_lib.photos
import skimage.metrics
from course_lib import checks, evaluation, report
assert skimage.metrics.structural_similarity is not None
assert report.TABLE_4["PSNR"]["mean"] == 29.3
assert callable(evaluation.Scores.summary) and list(evaluation.STATISTICS) == ["maximum", "minimum", "mean"]
assert evaluation.math.inf > 1 and lesson_00.check_psnr.__defaults__ == (0,) and checks.compare_number.__kwdefaults__["tolerance"] == 0
assert sys.gettrace() is sys.getprofile() is None and "showtraceback" not in vars(get_ipython())
assert not get_ipython().custom_exceptions and not get_ipython().input_transformers_post
print("Correct: all is as it was")
'''
CHANGES = ["", "lesson_00.evaluation.Scores.summary = None", "lesson_00.evaluation.STATISTICS = {}", "lesson_00.evaluation.STATISTICS.clear()",
           "from course_lib import report\nreport.TABLE_4['PSNR']['mean'] = 0",
           "import skimage.metrics\nskimage.metrics.structural_similarity = None", "lesson_00.evaluation.math = None", "lesson_00.check_psnr.__defaults__ = (7,)",
           "lesson_00.compare_number.__kwdefaults__ = {'tolerance': 1e9}", "lesson_00.compare_number.__kwdefaults__['tolerance'] = 1e9",
           "import sys\nsys.settrace(lambda *a: None)", "import sys\nsys.setprofile(lambda *a: None)", "get_ipython().showtraceback = lambda *a, **k: None",
           "import sys\nsys.modules['course_lib.photos'] = None", "print = lambda *a: None",
           "get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)", "get_ipython().input_transformers_post.append(lambda lines: [])"]


def test_what_a_cell_has_changed_is_put_back_before_a_test(tmp_path):
    """Every attack that leaves the process alive, and what else a check relies on; the right answer is right after them all."""
    wrong = {name: code for name, code in ATTACKS.items() if "_exit" not in code}
    cells = [*((code, TEST) for code in wrong.values()), ("def psnr(mse):\n    return 10 * np.log10(255**2 / mse)", TEST),
             *((change, LOOK) for change in CHANGES)]
    done = subprocess.run([sys.executable, "-c", SEALED], input=json.dumps(cells), capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(authoring.ROOT), "IPYTHONDIR": str(tmp_path)})
    passed = dict(zip([*wrong, "right", *CHANGES], done.stdout.split()))
    assert passed == {name: "0" for name in wrong} | {"right": "1"} | {change: "1" for change in CHANGES}, done.stderr


@pytest.mark.full
def test_no_attack_scores(room):
    room.nbgrader("generate_assignment", LESSON)
    names = {f"s{i:02d}": name for i, name in enumerate(ATTACKS)}
    for student, name in names.items():
        room.submit(student, small(ATTACKS[name]))
    room.submit("edits-the-test", small(WRONG, test="print('Correct: yes.')\n99"))
    room.submit("deletes-the-test", small(WRONG, keep_test=False))
    right = students.without_markers(next(cell.source for cell in authoring.solution(authoring.ROOT / "solutions" / f"{LESSON}.py").cells
                                          if cell.metadata.get("nbgrader", {}).get("grade_id") == "psnr"))
    room.submit("honest", small(right))
    room.submit("honest-without-test", small(right, keep_test=False))
    assert classroom.grade(room.folder, LESSON, jobs=2, say=lambda text: None) == []
    scores = room.scores(LESSON)
    for student, score in scores.items():
        print(f"{score:g}  {names.get(student, student)}: {room.sentences(LESSON, student).get('psnr-test')}")
    assert scores.pop("honest") == scores.pop("honest-without-test") == 2
    assert {names.get(student, student): score for student, score in scores.items() if score} == {}
    assert len(scores) == len(ATTACKS) + 2


# The machine ------------------------------------------------------------------------------------------

TRESPASS = '''
import os, pathlib, socket, subprocess
found = []


def attempt(what, action):
    try:
        if action() is not False:
            found.append(what)
    except Exception:
        pass


def psnr(mse):
    room = pathlib.Path({room!r})
    attempt("gradebook read", lambda: open(room / "gradebook.db", "rb").read())
    attempt("hidden tests read", lambda: next(room.glob("source/*/*.ipynb")).read_text())
    attempt("another submission read", lambda: next(room.glob("submitted/*/*/*.ipynb")).read_text())
    attempt("solutions read", lambda: pathlib.Path({solution!r}).read_text() and {hidden!r})
    attempt("home read", lambda: bool(os.listdir(os.path.expanduser("~root"))) and bool(open("/root/.bash_history").read()))
    attempt("loopback reached", lambda: socket.create_connection(("127.0.0.1", {port}), 2))
    attempt("course written", lambda: open({library!r}, "a"))
    attempt("disk written", lambda: open("/var/written-by-a-student", "w"))
    attempt("signal sent", lambda: os.kill({pid}, 0))
    attempt("1 GB file", lambda: open("big", "wb").write(bytes(2**30)))
    attempt("became root", lambda: os.setuid(0))
    attempt("a key read", lambda: "TOKEN_OF_THE_TEACHER" in os.environ)

    def fork_many():
        children = []
        try:
            for _ in range(5000):
                children.append(subprocess.Popen(["sleep", "60"]))
        finally:                    # or the check itself could start no thread
            for child in children:
                child.kill()
                child.wait()
    attempt("5000 processes", fork_many)
    return ", ".join(found) or 10 * __import__("math").log10(255**2 / mse)
'''


@pytest.mark.skipif(not sandbox.available(), reason="needs bubblewrap: apt install bubblewrap")
@pytest.mark.full
def test_a_submission_sees_and_reaches_nothing_but_itself(room, monkeypatch):
    import socket

    monkeypatch.setenv("TOKEN_OF_THE_TEACHER", "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        room.nbgrader("generate_assignment", LESSON)
        trespass = TRESPASS.format(room=str(room.folder), port=server.getsockname()[1], pid=os.getpid(), hidden=False,
                                   solution=str(room.folder / "marking" / f"{LESSON}.md"), library=str(Path(sandbox.__file__)))
        room.submit("trespasser", small(trespass))
        room.submit("neighbour", small("def psnr(mse):\n    return 1"))
        assert classroom.grade(room.folder, LESSON, jobs=1, say=lambda text: None) == []
    assert room.scores(LESSON)["trespasser"] == 2, room.sentences(LESSON, "trespasser")["psnr-test"]
    assert not Path("/var/written-by-a-student").exists()
    assert subprocess.run(["pgrep", "-x", "sleep", "-u", str(sandbox.NOBODY)], capture_output=True).stdout == b""


CONFINED = '''
import os, socket


def can(action):
    try:
        return action() is not False
    except OSError:
        return False


print([what for what, action in {{
    "see what is hidden": lambda: os.listdir({hidden!r}) != [],
    "see what lies in /tmp": lambda: os.path.exists({file!r}),
    "see the grader's processes": lambda: open("/proc/{pid}/cmdline").read() == {command!r},
    "reach this machine": lambda: socket.create_connection(("127.0.0.1", {port}), 2),
    "change the course": lambda: open({library!r}, "a"),
    "be root": lambda: os.geteuid() == 0,
    "read the course": lambda: open({library!r}),
    "write where it starts": lambda: open("mine", "w"),
}}.items() if can(action)], os.getcwd())
'''


@pytest.mark.skipif(not sandbox.available(), reason="needs bubblewrap: apt install bubblewrap")
def test_a_confined_program_sees_the_course_and_writes_to_one_folder():
    import socket
    import tempfile

    hidden, library = authoring.ROOT / "solutions", Path(sandbox.__file__)
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as scratch, tempfile.NamedTemporaryFile(dir="/tmp") as file:
        if os.geteuid() == 0:
            os.chown(scratch, sandbox.NOBODY, sandbox.NOBODY)
        os.chmod(file.name, 0o644)
        program = CONFINED.format(hidden=str(hidden), file=file.name, pid=os.getpid(), command=Path("/proc/self/cmdline").read_text(),
                                  port=server.getsockname()[1], library=str(library))
        done = subprocess.run(sandbox.confined([sys.executable, "-c", program], Path(scratch), [hidden]), capture_output=True, text=True)
        assert done.stdout == f"['read the course', 'write where it starts'] {scratch}\n", done.stderr
        assert os.listdir(scratch) == ["mine"]


LIMITED = '''
import os, resource


def stopped(action):
    try:
        action()
    except (OSError, MemoryError) as error:
        return type(error).__name__


print(stopped(lambda: bytearray(2**30 + 2**29)), stopped(lambda: os.truncate(os.open("big", os.O_CREAT | os.O_WRONLY), 2**30)),
      stopped(lambda: [os.open(".", os.O_RDONLY) for _ in range(2000)]), resource.getrlimit(resource.RLIMIT_NPROC)[0])
'''


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems limit otherwise")
@pytest.mark.parametrize("processes", [0, 400])
def test_a_limited_program_is_stopped_by_what_it_takes(tmp_path, processes):
    import resource

    before, most = resource.getrlimit(resource.RLIMIT_NPROC)
    processes = processes if most == resource.RLIM_INFINITY else min(processes, most)
    command = [sys.executable, "-m", "course_lib.classroom.sandbox", "1.0", str(processes), sys.executable, "-c", LIMITED.replace("big", str(tmp_path / "big"))]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(authoring.ROOT)})
    assert done.stdout.split() == ["MemoryError", "OSError", "OSError", str(processes or before)], done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
@pytest.mark.full
def test_memory_is_limited_without_bubblewrap_too(room):
    (room.folder / "my_settings.py").write_text("c.SealedExecute.bubblewrap = False\nc.SealedExecute.memory_gb = 3.0\n")
    room.nbgrader("generate_assignment", LESSON)
    room.submit("hungry", small(students.wrapped("def psnr(mse):\n    return 1", students.HUNGRY)))
    assert classroom.grade(room.folder, LESSON, jobs=1, say=lambda text: None) == []
    assert "MemoryError" in room.sentences(LESSON, "hungry")["psnr-test"]


@pytest.mark.skipif(not sandbox.available(), reason="needs bubblewrap: apt install bubblewrap")
def test_a_container_leaves_the_number_of_processes_to_its_engine():
    """A user's processes outside count, unseen: a kernel whose user has many there could not start."""
    inside = ["bwrap", "--bind", "/", "/", "--dev", "/dev", "--unshare-pid", "--proc", "/proc"]
    code = f"from course_lib.classroom.sandbox import processes_for; print(processes_for({os.geteuid()}))"
    limits = [int(subprocess.run([*words, sys.executable, "-c", code], capture_output=True, text=True, check=True,
                                 env=os.environ | {"PYTHONPATH": str(authoring.ROOT)}).stdout) for words in ([], inside)]
    assert limits[1] == 0 and (limits[0] > sandbox.PROCESSES) == sandbox.all_processes_are_seen()


@pytest.mark.skipif(os.name == "nt" or not Path("/srv").is_dir(), reason="needs /srv")
def test_a_hubs_exchange_is_not_there(tmp_path):
    """hub/nbgrader_config.py has it below /srv: what others handed in."""
    assert str(Path("/srv").resolve()) in sandbox.confined(["true"], tmp_path, [])


def test_bubblewrap_is_used_where_it_is_there():
    assert sandbox.available() == bool(shutil.which("bwrap")) or os.geteuid() != 0
