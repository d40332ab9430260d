"""The package is free to import, and TensorFlow starts without a word."""

import subprocess
import sys

import pytest

SILENT = "from course_lib.backend import keras, tf; (keras.layers.Dense(2)(tf.zeros((1, 3))))"


def python(program: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)


def test_importing_the_package_takes_under_0_3_seconds():
    # The fastest of three, measured inside: the start of Python itself is not ours.
    program = "import time; start = time.perf_counter(); import course_lib; print(time.perf_counter() - start)"
    assert min(float(python(program).stdout) for _ in range(3)) < 0.3


@pytest.mark.parametrize("module", ["course_lib", "course_lib.__main__", "course_lib.report", "course_lib.parameters",
                                    "course_lib.photos", "course_lib.gopro", "course_lib.blur", "course_lib.evaluation",
                                    "course_lib.classical", "course_lib.figures", "course_lib.widgets", "course_lib.runs",
                                    "course_lib.checks", "course_lib.checks.lesson_03", "course_lib.diagrams",
                                    "course_lib.doctor", "course_lib.workspace"])
def test_tensorflow_is_not_imported(module):
    found = python(f"import sys, {module}; print([name for name in ('tensorflow', 'keras', 'torch') if name in sys.modules])")
    assert found.stdout.strip() == "[]" and not found.stderr


def test_the_package_itself_imports_nothing_heavy():
    found = python("import sys, course_lib; print([name for name in ('numpy', 'skimage', 'PIL', 'matplotlib') if name in sys.modules])")
    assert found.stdout.strip() == "[]"


def test_tensorflow_starts_silently():
    answer = python(SILENT)
    assert answer.stderr == "" and answer.stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_tensorflow_starts_silently_in_a_terminal():
    import os
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", SILENT], stdin=theirs, stdout=theirs, stderr=theirs)
    assert process.wait() == 0
    os.close(theirs)
    try:
        assert os.read(ours, 9999) == b""
    except OSError:         # Linux: nothing was written
        pass
    os.close(ours)


def test_tensorflow_starts_silently_in_a_notebook():
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SILENT + ";"), nbformat.v4.new_code_cell("tf.zeros(1).numpy()")])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert notebook.cells[0].outputs == []
    assert [output.output_type for output in notebook.cells[1].outputs] == ["execute_result"]


def test_an_error_while_starting_is_still_seen():
    program = ("from course_lib.backend import silent_stderr\nimport os, sys\n"
               "with silent_stderr(): os.write(2, b'noise')\n"
               "os.write(2, b'words')")
    assert python(program).stderr == "words"
