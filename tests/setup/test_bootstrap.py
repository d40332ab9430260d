"""course.py: finds a Python, installs once, starts again cleanly, and says in one sentence what is wrong."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
import course  # noqa: E402

posix = pytest.mark.skipif(os.name == "nt", reason="the pretended Pythons are shell scripts")


# ---------------------------------------------------------------- a Python that fits

@pytest.fixture
def machine(tmp_path, monkeypatch):
    """An empty machine: `machine("python3", "3.8 linux-x86_64 True")` puts a pretended Python on its PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "old"))

    def add(name, answer, status=0):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{answer} {path}'\nexit {status}\n")
        path.chmod(0o755)
        return str(path)

    add("old", "3.8 linux-x86_64 True")
    return add


@posix
@pytest.mark.parametrize("system", course.SYSTEMS)
def test_the_first_python_that_fits_is_taken(machine, system):
    machine("python3.13", f"3.13 {system} True", status=127)      # a shim for a version that is not installed
    machine("python3.12", f"3.12 {system} False")
    fits = machine("python3", f"3.11 {system} True")
    machine("python", f"3.11 {system} True")
    assert course.find_python() == [fits]


@posix
def test_the_running_python_goes_first(machine):
    machine("python3.13", "3.13 linux-x86_64 True")
    running = machine("old", "3.11 linux-x86_64 True")
    assert course.find_python() == [running]


@posix
@pytest.mark.parametrize("answer, words", [
    ("3.8 linux-x86_64 True", "Python 3.8"),
    ("3.14 linux-x86_64 True", "Python 3.14"),
    ("3.11 win32 True", "Python 3.11"),
    ("3.12 macosx-x86_64 True", "for macosx-x86_64, for which there is no TensorFlow"),
    ("3.12 win-arm64 True", "for win-arm64, for which there is no TensorFlow"),
    ("3.11 linux-x86_64 False", "apt install python3.11-venv"),
])
def test_no_python_that_fits_is_one_sentence(machine, capsys, answer, words):
    machine("python3", answer)
    with pytest.raises(SystemExit) as ended:
        course.find_python()
    said = capsys.readouterr().err
    assert ended.value.code == 2 and len(said.splitlines()) == 1
    assert words in said and "3.11, 3.12 or 3.13" in said and "Found: Python 3.8" in said


def test_an_old_python_can_read_the_file_and_this_one_fits():
    ast.parse((ROOT / "course.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    assert course.why_unfit([sys.executable]) == ""


def test_versions_are_those_of_pyproject():
    required = re.search(r'requires-python = "([^"]*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    from packaging.specifiers import SpecifierSet
    minors = [f"3.{minor}" for minor in range(20, 0, -1)]
    assert list(course.VERSIONS) == list(SpecifierSet(required).filter(minors))


# ---------------------------------------------------------------- installing

class Half(Exception):
    pass


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in an empty folder, and the list of installation steps that were run in it."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in (course.COURSE, course.TEST, "pyproject.toml"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(course, "ROOT", str(tmp_path))
    monkeypatch.setattr(course, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(course, "PYTHON", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setattr(course, "STATE", str(tmp_path / ".venv" / "course-setup.txt"))
    monkeypatch.setattr(course, "find_python", lambda: ["a-python"])
    monkeypatch.setattr(course, "why_unfit", lambda command: "")
    steps = []

    def step(command):
        steps.append("make" if "venv" in command else "course" if "--editable" in command else Path(command[-1]).name)
        if steps[-1] == "make":
            Path(course.PYTHON).touch()

    monkeypatch.setattr(course, "step", step)
    return steps


def test_installed_once_and_again_after_a_change(project):
    course.set_up(course.COURSE)
    assert project == ["make", course.COURSE, "course"]
    course.set_up(course.COURSE)
    assert len(project) == 3
    Path(course.ROOT, course.COURSE).write_text("another version")
    course.set_up(course.COURSE)
    assert project[3:] == [course.COURSE, "course"]
    Path(course.ROOT, "pyproject.toml").write_text("another entry point")
    course.set_up(course.COURSE)
    assert project[5:] == [course.COURSE, "course"]


def move_to(after, monkeypatch, before):
    before.rename(after)
    for name in ("ROOT", "VENV", "PYTHON", "STATE"):
        monkeypatch.setattr(course, name, getattr(course, name).replace(str(before), str(after)))


@posix
def test_a_moved_folder_is_made_right_without_a_download(project, monkeypatch, tmp_path):
    course.set_up(course.TEST)
    script = Path(course.PYTHON).with_name("alembic")
    script.write_text(f"#!{course.PYTHON}\n")
    script.chmod(0o755)
    before, after = tmp_path, tmp_path.with_name("moved")
    move_to(after, monkeypatch, before)
    course.set_up(course.COURSE)
    assert project == ["make", course.TEST, "course", "course"]
    script = after / script.relative_to(before)
    assert script.read_text() == f"#!{course.PYTHON}\n" and os.access(script, os.X_OK)
    course.set_up(course.TEST)
    assert len(project) == 4


@pytest.mark.parametrize("place, changed", [(" moved here", False), ("_moved", True)])
def test_a_moved_folder_is_made_anew_where_paths_alone_do_not_make_it_right(project, monkeypatch, tmp_path, place, changed):
    """A script whose first line names a path with a space does not start; nor does one that a new version does not bring along."""
    course.set_up(course.COURSE)
    move_to(tmp_path.with_name(tmp_path.name + place), monkeypatch, tmp_path)
    if changed:
        Path(course.ROOT, course.COURSE).write_text("another version")
    course.set_up(course.COURSE)
    assert project[3:] == ["make", course.COURSE, "course"]
    course.set_up(course.COURSE)
    assert len(project) == 6


@posix
def test_a_folder_reached_through_a_link_was_not_moved(project, monkeypatch, tmp_path):
    course.set_up(course.COURSE)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    monkeypatch.setattr(course, "VENV", str(link / ".venv"))
    course.set_up(course.COURSE)
    assert len(project) == 3


def test_the_tests_requirements_contain_the_courses(project):
    course.set_up(course.TEST)
    course.set_up(course.COURSE)
    assert project == ["make", course.TEST, "course"]


@pytest.mark.parametrize("last", [course.COURSE, "course"])
def test_an_interrupted_installation_starts_from_an_empty_folder(project, monkeypatch, last):
    whole = course.step

    def interrupted(command):
        whole(command)
        if project[-1] == last:
            raise Half

    monkeypatch.setattr(course, "step", interrupted)
    with pytest.raises(Half):
        course.set_up(course.COURSE)
    monkeypatch.setattr(course, "step", whole)
    project.clear()
    course.set_up(course.COURSE)
    assert project == ["make", course.COURSE, "course"]


def test_an_environment_made_by_another_program_is_not_emptied(project, monkeypatch, capsys):
    Path(course.PYTHON).touch()
    monkeypatch.setattr(course, "why_unfit", lambda command: "Python 3.14 (here)")
    with pytest.raises(SystemExit, match="2"):
        course.set_up(course.COURSE)
    assert "holds Python 3.14 (here)" in capsys.readouterr().err and project == []
    monkeypatch.setattr(course, "why_unfit", lambda command: "")
    course.set_up(course.COURSE)
    assert project == [course.COURSE, "course"]


def test_a_python_that_was_removed_is_replaced(project):
    course.set_up(course.COURSE)
    Path(course.PYTHON).unlink()
    course.set_up(course.COURSE)
    assert project[3:] == ["make", course.COURSE, "course"]


def test_a_full_disk_is_said_before_anything_is_downloaded(project, monkeypatch, capsys):
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: type("", (), {"free": 2.5e9}))
    with pytest.raises(SystemExit, match="2"):
        course.set_up(course.COURSE)
    assert capsys.readouterr().err == ("The course needs 5 GB of free disk here, and there are 2.5 GB. Make room, "
                                       "then run this command again.\n")
    assert project == []


@pytest.mark.parametrize("problem", ["import sys; sys.exit(1)", "import os, signal; os.kill(os.getppid(), signal.SIGINT)"])
@posix
def test_a_step_that_fails_is_one_sentence(problem):
    code = f"import course, sys; course.step([sys.executable, '-c', {problem!r} + '; import time; time.sleep(5)'])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.startswith("The installation did not finish") and len(ended.stderr.splitlines()) == 1


# ---------------------------------------------------------------- commands

def test_make_and_course_py_know_the_same_commands():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: help (.*)", makefile, re.M)[1].split()
    described = re.findall(r"course\.py (\w+) ", course.__doc__.split("\n\n")[1])
    assert sorted(targets) == sorted(course.COMMANDS) == sorted(described)


def test_an_unknown_command_is_one_sentence():
    ended = subprocess.run([sys.executable, ROOT / "course.py", "labb"], capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.startswith("There is no command 'labb'; there are lab, test,")


@pytest.fixture
def ran(monkeypatch):
    """What would run in .venv, and the settings it would see."""
    calls = []
    monkeypatch.setattr(course, "set_up", lambda lock: calls.append(lock))
    monkeypatch.setattr(course, "run", lambda *arguments: calls.append(" ".join(arguments)) or 5)
    for name in ("FULL", "COURSE_SIZE", "LESSON"):
        monkeypatch.setenv(name, "")        # so that monkeypatch takes away what `main` sets
        monkeypatch.delenv(name)
    monkeypatch.chdir(ROOT)
    return calls


def test_settings_are_given_as_in_make(ran):
    assert course.main(["reset", "LESSON=04"]) == 5
    assert ran == [course.COURSE, "-m course_lib reset 04"]
    assert course.main(["lab", "--port=8890"]) == 5
    assert ran[2:] == [course.COURSE, "-m course_lib lab --port=8890"]


def test_arguments_are_given_as_in_make(ran):
    course.main(["test", 'ARGS=-k "slider or zoom" -x'])
    assert ran[1].endswith(" -k slider or zoom -x") and "ARGS" not in os.environ


def test_a_folders_name_needs_no_locale(tmp_path):
    """Under a locale that can't write it, the record of what is installed is written and read all the same."""
    folder = tmp_path / "Łódź"
    folder.mkdir()
    code = "import course, os; course.STATE = os.path.join(os.getcwd(), 'state'); course.write_state(['in ' + os.getcwd()]); print(course.read_state() == ['in ' + os.getcwd()])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True,
                           env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)})
    assert ended.stdout == "True\n", ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_pythons_path_needs_no_locale(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    link = tmp_path / "Łódź"
    link.symlink_to(sys.executable)
    assert course.why_unfit([str(link)]) is not None


@pytest.mark.parametrize("words, size", [([], "smoke"), (["FULL=1"], "laptop"), (["FULL=all"], "laptop"), (["FULL=0"], "smoke"),
                                         (["FULL=1", "COURSE_SIZE=paper"], "paper")])
def test_test_passes_on_its_size_and_pytests_exit_status(ran, words, size):
    assert course.main(["test", *words, "-k", "x"]) == 5        # 5: pytest ran no test
    assert os.environ["COURSE_SIZE"] == size
    assert ran[0] == course.TEST and ran[1].startswith("-m pytest ") and ran[1].endswith(" -k x")


@pytest.mark.parametrize("there", [True, False])
def test_bench_installs_what_only_it_needs_once(ran, monkeypatch, capsys, there):
    monkeypatch.setattr(course, "run", lambda *arguments: ran.append(arguments[-1]) or (arguments[0] == "-c" and not there))
    monkeypatch.setattr(course, "step", lambda command: ran.append(Path(command[-1]).name))
    assert course.main(["bench", "--turns", "1"]) == 0
    assert ran[0] == course.COURSE and "torch" in ran[1] and ran[-1] == "1"
    assert ran[2:-1] == ([] if there else [ROOT.name + "[bench]"])
    assert ("Installing PyTorch" in capsys.readouterr().out) != there


def test_the_benchmark_of_grading_needs_what_teachers_have(ran):
    assert course.main(["bench", "grading", "--blocks", "1"]) == 5
    assert ran[0] == course.TEST and ran[1] == f"{os.path.join('tests', 'benchmarks', 'grading.py')} --blocks 1"
