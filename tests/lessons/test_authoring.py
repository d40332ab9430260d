"""One source, two notebooks: what `make notebooks` writes, when it runs a lesson, what it refuses."""

import json
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.utils import compute_checksum

from course_lib import authoring

TINY = Path(__file__).parent / "tiny_lesson.py"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """solutions/ and notebooks/ of a tiny course, built once."""
    root = tmp_path_factory.mktemp("course")
    (root / "solutions").mkdir()
    shutil.copy(TINY, root / "solutions" / "03_tiny.py")
    authoring.build(root / "solutions" / "03_tiny.py", root / "notebooks")
    return root


@pytest.fixture
def course(built, tmp_path):
    """A copy of it for a test that changes something."""
    shutil.copytree(built, tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*_):
        raise AssertionError("the lesson was run")
    monkeypatch.setattr(authoring, "execute", refuse)


def source(course) -> Path:
    return course / "solutions" / "03_tiny.py"


def edit(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")


def student_of(course):
    return nbformat.read(course / "notebooks" / "03_tiny.ipynb", as_version=4)


def executed_of(course):
    return nbformat.read(course / "solutions" / "03_tiny.ipynb", as_version=4)


def cell_of(notebook, grade_id):
    return next(cell for cell in notebook.cells if cell["id"] == grade_id)


def test_a_second_run_changes_nothing(course, no_kernel):
    before = {path: path.read_bytes() for path in course.rglob("*.*")}
    assert authoring.build(source(course), course / "notebooks") == []
    assert {path: path.read_bytes() for path in course.rglob("*.*")} == before
    assert authoring.stale([source(course)], course / "notebooks") == []


def test_student_sees_no_answer_no_hidden_test_no_marking_scheme(built):
    text = (built / "notebooks" / "03_tiny.ipynb").read_text(encoding="utf-8")
    for secret in ("k**2", "total = 1", "444", "model answer", "marking scheme", "BEGIN", "END"):
        assert secret not in text
    for cell in student_of(built).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_stubs_say_what_is_missing_and_raise(built):
    notebook = student_of(built)
    assert cell_of(notebook, "count").source.endswith(
        '    # YOUR CODE HERE\n    raise NotImplementedError("return weights plus biases, as in \\"equation (2)\\"")')
    assert "YOUR ANSWER HERE" in cell_of(notebook, "why").source
    with pytest.raises(NotImplementedError, match='weights plus biases, as in "equation'):
        namespace = {}
        exec(cell_of(notebook, "count").source, namespace)
        namespace["count"](1, 1, 1)


def test_a_stub_without_words_names_its_exercise():
    stub = authoring.name_what_is_missing("raise NotImplementedError()", "psnr", [])
    assert stub == 'raise NotImplementedError("Your answer to psnr goes here.")'


def test_only_cells_that_raise_unattempted_are_tagged_and_only_in_the_student_copy(built):
    tagged = [cell["id"] for cell in student_of(built).cells if "raises-exception" in cell.metadata.get("tags", [])]
    assert tagged == ["count-test", "total", "total-test"]      # `count` is only defined, it does not raise
    assert not any(cell.metadata.get("tags") for cell in executed_of(built).cells)


def test_nbgrader_metadata_is_complete_and_cells_are_locked(built):
    notebook = student_of(built)
    kinds = {cell["id"]: (cell.metadata.nbgrader.grade, cell.metadata.nbgrader.solution, cell.metadata.nbgrader.locked,
                          cell.metadata.nbgrader.get("points")) for cell in notebook.cells if "nbgrader" in cell.metadata}
    assert kinds == {"count": (False, True, False, None), "count-test": (True, False, True, 3), "total": (False, True, False, None),
                     "total-test": (True, False, True, 2), "why": (True, True, False, 4)}
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            assert cell.metadata.nbgrader.schema_version == 3 and cell.metadata.nbgrader.task is False
            assert cell.metadata.nbgrader.checksum == compute_checksum(cell)
            assert cell.metadata.deletable is False
    assert cell_of(notebook, "count-test").metadata.editable is False


def test_nbgrader_knows_an_answer_that_was_left_as_it_was(built):
    """It compares with the cell as it was when nbgrader took note of it: that is the one the student gets."""
    noted, resources = authoring.read(source(built)), {}
    for preprocessor in authoring.TO_STUDENT:
        noted, resources = preprocessor(config=authoring.NBGRADER).preprocess(noted, resources)
    for name in ("count", "total", "why"):
        assert cell_of(noted, name).source == cell_of(student_of(built), name).source
        assert cell_of(noted, name).metadata.nbgrader.checksum == compute_checksum(cell_of(student_of(built), name))


def test_executed_solution_is_complete(built):
    notebook = executed_of(built)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5]
    assert code[0].outputs[0].text == "solutions laptop True\n"
    assert "444" in cell_of(notebook, "count-test").source
    assert "<!-- BEGIN MARK SCHEME -->" in cell_of(notebook, "why").source
    assert set(notebook.metadata) == {"deblur_course", "kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info
    assert not any("execution" in cell.metadata for cell in notebook.cells)


def test_record_names_the_library_and_the_data_the_lesson_used(built):
    inputs = executed_of(built).metadata.deblur_course.inputs
    assert {"course_lib/photos.py", "course_lib/checks/__init__.py"} <= set(inputs)
    assert any(path.startswith("data/photos/") for path in inputs)
    assert "course_lib/networks.py" not in inputs
    assert all(authoring.file_hash(authoring.ROOT / path) == value for path, value in inputs.items())


def test_changed_prose_is_carried_over_without_running(course, no_kernel):
    edit(source(course), "Why one bias for each output channel?", "Why is there one bias for each output channel?\n\n# %% [markdown]\n# Think.")
    assert len(authoring.stale([source(course)], course / "notebooks")) == 2
    assert len(authoring.build(source(course), course / "notebooks")) == 2
    assert "Why is there" in (course / "notebooks" / "03_tiny.ipynb").read_text(encoding="utf-8")
    assert executed_of(course).cells[1].outputs[0].text == "solutions laptop True\n"
    assert authoring.stale([source(course)], course / "notebooks") == []


@pytest.mark.parametrize("changed, reason", [
    (lambda course: edit(source(course), "total = 1\n", "total = 2 - 1\n"), "its code changed"),
    (lambda course: edit(course / "solutions" / "03_tiny.ipynb", '"course_lib/photos.py": "', '"course_lib/photos.py": "0'), "course_lib/photos.py changed"),
    (lambda course: edit(course / "solutions" / "03_tiny.ipynb", "course_lib/photos.py", "course_lib/gone.py"), "course_lib/gone.py changed"),
    (lambda course: edit(course / "solutions" / "03_tiny.ipynb", "total = 1", "total = 1.0"), "edited by hand"),
    (lambda course: (course / "solutions" / "03_tiny.ipynb").unlink(), "never executed"),
    (lambda course: (course / "solutions" / "03_tiny.ipynb").write_text("{}"), "no record"),
    (lambda course: edit(course / "solutions" / "03_tiny.ipynb", "solutions laptop True", "solutions/ laptop\", 1, \""), "no record"),
    (lambda course: edit(course / "solutions" / "03_tiny.ipynb", "Why one bias", "Why a bias"), "differs from its source"),
    (lambda course: edit(course / "notebooks" / "03_tiny.ipynb", "YOUR CODE HERE", "your code here"), "differs from its source"),
    (lambda course: (course / "notebooks" / "03_tiny.ipynb").unlink(), "differs from its source"),
])
def test_stale_files_are_found_without_running(course, no_kernel, changed, reason):
    changed(course)
    found = authoring.stale([source(course)], course / "notebooks")
    assert found and reason in found[0]


def test_left_over_notebooks_and_an_old_glossary_are_found(course):
    (course / "solutions" / "glossary.md").write_text("# Glossary\n", encoding="utf-8")
    (course / "notebooks" / "09_gone.ipynb").write_text("{}", encoding="utf-8")
    found = authoring.orphans(course / "solutions", course / "notebooks")
    assert len(found) == 2 and "09_gone" in found[0] and "glossary" in found[1]


def test_a_failing_cell_is_named(course):
    edit(source(course), "total = 1\n", "total = 1 / 0\n")
    with pytest.raises(authoring.AuthoringError, match=r"03_tiny.py, cell 5 failed(.|\n)*ZeroDivisionError"):
        authoring.build(source(course), course / "notebooks")


STDERR = new_output("stream", name="stderr", text="careful")
WIDGET = new_output("display_data", data={authoring.WIDGET: {"model_id": "1"}, "text/plain": "IntSlider()"})
FOLDER = new_output("stream", name="stdout", text=str(authoring.ROOT / "data"))


@pytest.mark.parametrize("output, words", [
    (STDERR, "stderr"), (WIDGET, "dead without a kernel"), (FOLDER, "folder of this machine"),
    (new_output("stream", name="stdout", text="<Layer object at 0x7f12ab34cd56>"), "memory address"),
    (new_output("error", ename="ValueError", evalue="no"), "raises ValueError"),
])
def test_outputs_a_reader_must_not_see_are_refused(output, words):
    with pytest.raises(authoring.AuthoringError, match=f"tiny, cell 2 .*{words}"):
        authoring.clean(new_notebook(cells=[new_code_cell("1"), new_code_cell("2", outputs=[output])]), "tiny")


def test_a_widget_keeps_its_html_only():
    both = new_output("display_data", data={authoring.WIDGET: {}, "text/html": "<p>", "text/plain": "p"})
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[both])], metadata={"widgets": {}})
    authoring.clean(notebook, "tiny")
    assert set(both.data) == {"text/html", "text/plain"} and "widgets" not in notebook.metadata


def test_a_large_notebook_is_refused_with_its_largest_outputs():
    big = new_output("display_data", data={"text/html": "x" * 2**21})
    notebook = new_notebook(cells=[new_code_cell("1"), new_code_cell("2", outputs=[big])])
    with pytest.raises(authoring.AuthoringError, match=r"2\.0 MB, at most 2.*cell 2: 2\.00 MB"):
        authoring.refuse_large(authoring.text(notebook), notebook, "tiny")


@pytest.mark.parametrize("old, new, words", [
    ('"grade_id": "total-test"', '"grade_id": "count-test"', "stands twice"),
    ('"grade_id": "total"', '"grade_id": "to tal"', "grade_id of letters"),
    (', "points": 2', "", "points"),
    ('"solution": true, "points": 4', '"points": 4', "written answer"),
    ('"points": 2', '"points": 2, "pionts": 2', "pionts"),
])
def test_wrong_metadata_is_refused(course, old, new, words):
    edit(source(course), old, new)
    with pytest.raises(authoring.AuthoringError, match=words):
        authoring.read(source(course))


def test_badges_only_with_a_repository():
    assert authoring.hosted_cells("03_tiny", "") == []
    notebook = authoring.student(TINY, "https://github.com/someone/course")
    assert [cell.cell_type for cell in notebook.cells[:3]] == ["markdown", "markdown", "code"]
    badges, setup = notebook.cells[1:3]
    assert "(https://colab.research.google.com/github/someone/course/blob/main/notebooks/" in badges.source
    assert "(https://mybinder.org/v2/gh/someone/course/HEAD?labpath=notebooks/" in badges.source
    assert badges.source.count("/tiny_lesson.ipynb)") == 2 and badges.source.count("![Open in") == 2
    assert "git clone -q --depth 1 https://github.com/someone/course course" in setup.source      # tests/setup/test_colab.py runs it


@pytest.mark.parametrize("given, address", [
    ("", ""), ("https://github.com/some-one/the.course", "https://github.com/some-one/the.course"),
    ("https://github.com/someone/course.git", "https://github.com/someone/course"),
    ("https://github.com/someone/course/", "https://github.com/someone/course"),
])
def test_the_one_setting(course, monkeypatch, given, address):
    monkeypatch.setattr(authoring, "ROOT", course)
    (course / "pyproject.toml").write_text(f'[tool.deblur-course]\nrepository = "{given}"\n')
    assert authoring.repository() == address


@pytest.mark.parametrize("given", ["someone/course", "git@github.com:someone/course.git", "https://gitlab.com/someone/course",
                                   "https://github.com/someone", "https://github.com/someone/course/tree/main"])
def test_what_is_not_on_github_gets_a_sentence(course, monkeypatch, capsys, given):
    monkeypatch.setattr(authoring, "ROOT", course)
    (course / "pyproject.toml").write_text(f'[tool.deblur-course]\nrepository = "{given}"\n')
    assert authoring.main(["03"]) == 1
    assert f"the repository '{given}'. Colab and Binder need one like https://github.com/OWNER/NAME" in capsys.readouterr().err


def test_lessons_are_chosen_by_number(course):
    assert authoring.sources_of(course / "solutions", ["3"]) == [source(course)]
    assert authoring.sources_of(course / "solutions", ["03_tiny"]) == [source(course)]
    for numbers in (["04"], ["03", "04"]):
        with pytest.raises(authoring.AuthoringError, match="No lesson 04 in solutions/. There are: 03_tiny"):
            authoring.sources_of(course / "solutions", numbers)


def test_the_command(course, monkeypatch, capsys):
    monkeypatch.setattr(authoring, "ROOT", course)
    (course / "pyproject.toml").write_text('[tool.deblur-course]\nrepository = "https://github.com/someone/course"\n')
    (course / "solutions" / "glossary.md").write_text("# Glossary\n", encoding="utf-8")
    assert authoring.main(["--check"]) == 1
    assert "glossary.md differs" in capsys.readouterr().out
    assert authoring.main([]) == 0
    said = capsys.readouterr().out
    assert "03_tiny: running (course_lib/" in said and "wrote notebooks/glossary.md" in said.replace("\\", "/")
    assert "someone/course" in (course / "notebooks" / "03_tiny.ipynb").read_text(encoding="utf-8")
    assert authoring.main(["03"]) == 0 and authoring.main(["--check"]) == 0
    assert capsys.readouterr().out == "Lessons: 1. Files changed: 0.\nUp to date: 1 of 1 lessons.\n"
    assert authoring.main(["07"]) == 1 and "There are: 03_tiny" in capsys.readouterr().err


def test_the_files_a_lesson_used_are_printed_one_a_line(capsys):
    """nbclient searches every line of an output in time that grows with the square of its length."""
    files = {f"/somewhere/file_{number}.py" for number in range(1000)}
    exec(authoring.REPORT, {"_opened": files, "_sys": sys})
    printed = capsys.readouterr().out
    assert files <= set(json.loads(printed))
    assert max(map(len, printed.splitlines())) < 1000
