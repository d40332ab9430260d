"""The tests of the lessons fail where they should: each is given a deliberately bad notebook."""

import copy

import lesson_lint
import nbformat
import pytest
from lesson_nbval import complaints
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

LESSONS = ["02_before", "03_this", "04_after"]


def test_cell(source: str, points: int = 2, **more):
    return new_code_cell(source, metadata={"nbgrader": {
        "grade": True, "grade_id": "t", "locked": True, "points": points, "schema_version": 3, "solution": False, "task": False}}, **more)


test_cell.__test__ = False


def run(folder, kind: str, size: str = "smoke", **cells) -> dict[str, str]:
    """Run cells under the plugin; {name of a cell: what was complained about it}."""
    notebook = new_notebook(cells=list(cells.values()))
    nbformat.write(notebook, folder / "bad.ipynb")
    said = complaints(folder / "bad.ipynb", kind, size)
    parts = [part.partition("\n")[2] for part in said.split("Notebook cell execution failed")[1:]]
    return {list(cells)[int(part.split("Cell ")[1].split(":")[0])]: part for part in parts}


def ran(source: str, count: int = 1, outputs: tuple = (), **more):
    return new_code_cell(source, execution_count=count, outputs=[new_output(**o) for o in outputs], **more)


def html(text: str) -> dict:
    return {"output_type": "display_data", "data": {"text/html": text, "text/plain": "x"}}


def stdout(text: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": text}


SHOW = 'from IPython.display import display\nf = lambda h: display({"text/html": h, "text/plain": "x"}, raw=True)\n'


def test_bad_solutions_are_found(tmp_path):
    said = run(
        tmp_path, "solution",
        good=ran("print(9472)", outputs=[stdout("9472\n")]),
        other_number=ran("print(9472)", outputs=[stdout("9471\n")]),
        output_missing=ran("print(9472)"),
        never_run=new_code_cell("x = 1"),
        stderr=ran("import sys; print('x', file=sys.stderr)", outputs=[{"output_type": "stream", "name": "stderr", "text": "x\n"}]),
        raises=ran("1 / 0"),
        unknown_magic=ran("%no_such_magic"),
        other_bytes=ran(SHOW + 'f(\'<img src="data:image/png;base64,AAAA" alt="a dog">\')',
                        outputs=[html('<img src="data:image/png;base64,BBBB+/=" alt="a dog">')]),
        other_alt=ran(SHOW + 'f(\'<img src="data:image/png;base64,AAAA" alt="a dog">\')',
                      outputs=[html('<img src="data:image/png;base64,AAAA" alt="a cat">')]),
        widget=ran('import ipywidgets\nclass W:\n    def _repr_mimebundle_(self, **k):\n'
                   '        return {**ipywidgets.IntSlider()._repr_mimebundle_(), "text/html": "h", "text/plain": "p"}\nW()',
                   outputs=[{"output_type": "execute_result", "data": {"text/html": "h", "text/plain": "p"}, "execution_count": 1}]),
        size_dependent=ran("print(1)", outputs=[stdout("2\n")], metadata={"tags": ["size-dependent"]}),
        full_marks=test_cell("assert True", execution_count=1),
        checks=ran("class lesson:\n    check_loud = lambda: print('Correct: yes.')\n    check_silent = lambda: None"),
        said_so=test_cell("lesson.check_loud()", execution_count=1, outputs=[new_output("stream", name="stdout", text="Correct: yes.\n")]),
        silent=test_cell("lesson.check_silent()", execution_count=1),
        partial=test_cell("1.5", execution_count=1, outputs=[
            new_output("execute_result", data={"text/plain": "1.5"}, execution_count=1)]),
    )
    assert set(said) == {"other_number", "output_missing", "never_run", "stderr", "raises", "unknown_magic", "other_alt", "partial", "silent"}
    assert "Cell outputs differ" in said["other_number"] and "never executed" in said["never_run"]
    assert "stderr" in said["stderr"] and "1.5 of 2 points" in said["partial"]
    assert "without passed" in said["silent"]


def test_size_dependent_output_is_compared_at_laptop_size(tmp_path):
    cell = ran("import os; print(os.environ['COURSE_SIZE'])", outputs=[stdout("paper\n")], metadata={"tags": ["size-dependent"]})
    assert run(tmp_path, "solution", "smoke", cell=cell) == {}
    assert "Cell outputs differ" in run(tmp_path, "solution", "laptop", cell=cell)["cell"]


def test_bad_student_notebooks_are_found(tmp_path):
    tag = {"tags": ["raises-exception"]}
    free_points = test_cell("pass")                         # unattempted, and yet it passes
    tagged_test = test_cell("raise ValueError")
    tagged_test.metadata.tags = ["raises-exception"]
    said = run(
        tmp_path, "student",
        good=new_code_cell("x = 1"),
        stub=new_code_cell("raise NotImplementedError()", metadata=tag),
        failing_test=tagged_test,
        does_not_raise=new_code_cell("x = 2", metadata=tag),
        raises_untagged=new_code_cell("raise NotImplementedError()"),
        unknown_magic=new_code_cell("%no_such_magic"),
        free_points=free_points,
    )
    assert set(said) == {"does_not_raise", "raises_untagged", "unknown_magic", "free_points"}
    assert "does not raise" in said["does_not_raise"] and "2 of 2 points" in said["free_points"]


# ---------------------------------------------------------------- lint

def good_lesson():
    def grade(name, solution):
        return {"nbgrader": {"grade": True, "grade_id": name, "points": 2, "solution": solution, "locked": not solution}}
    return new_notebook(cells=[
        new_markdown_cell("# 03 · This\n\n**You will be able to**\n- count\n\n**You need** lesson 02.\n\n**Time:** about 10 minutes"),
        new_markdown_cell("## Counting (10 minutes)\n\n![a kernel over pixels](k.png)\n\n```\n# no heading\n```"),
        ran("show()", outputs=[html('<img src="data:," alt="a dog">')]),
        ran("check(a)", metadata=grade("a", False)),
        new_markdown_cell("### Part (8 points)"),
        ran("check(b)", metadata=grade("b", False)),
        ran("check(d)", metadata=grade("d", False)),
        new_markdown_cell("answer", metadata=grade("c", True)),
        new_markdown_cell("## Recap\n- counted\n\n[← previous](02_before.ipynb) · [Glossary](glossary.md) · [next →](04_after.ipynb)"),
    ])


def test_a_good_lesson_has_no_complaints():
    assert lesson_lint.lint(good_lesson(), "03_this", LESSONS) == []


def change(cell, old, new):
    def apply(lesson):
        assert old in lesson.cells[cell].source
        lesson.cells[cell].source = lesson.cells[cell].source.replace(old, new)
    return apply


def output(data):
    return lambda lesson: lesson.cells[2].outputs.__setitem__(0, new_output("display_data", data=data))


BAD = [
    ("one H1", change(1, "## Counting", "# Counting")),
    ("first cell begins with", change(0, "03 ·", "04 ·")),
    ("level 4 after level 2", change(4, "###", "####")),
    ("minutes", change(1, " (10 minutes)", "")),
    ("objectives", change(0, "- count", "count")),
    ("prerequisites", change(0, "**You need**", "You need")),
    ("add up to 20", change(1, "10 minutes", "20 minutes")),
    ("says 12 minutes", change(0, "10 minutes", "12 minutes")),
    ("the headings say 7 points", change(4, "8 points", "7 points")),
    ("the headings say 0 points", change(4, "8 points", "8 Punkte")),
    ("**Time**", change(0, "about 10 minutes", "short")),
    ("Recap", change(8, "## Recap", "## Summary (2 minutes)")),
    ("glossary", change(8, "(glossary.md)", "(glossary.txt)")),
    ("leads nowhere", change(1, "![a kernel", "[lesson](09_no_such.ipynb) ![a kernel")),
    ("'next'", change(8, "04_after", "02_before")),
    ("'previous'", change(8, "[← previous](02_before.ipynb) · ", "")),
    ("no alt text", change(1, "![a kernel over pixels]", "![]")),
    ("no alt text", change(1, "![a kernel over pixels](k.png)", '<img src="k.png">')),
    ("no alt text", output({"text/html": '<img src="data:,">'})),
    ("no alt text", output({"text/html": '<img src="data:," alt=" ">'})),
    ("JupyterLab shows no alt", output({"image/png": "AAAA", "text/plain": "<Figure>"})),
    ("<svg>", output({"text/html": "<svg><path/></svg>"})),
    ("three autograded", lambda lesson: lesson.cells.pop(3)),
    ("three autograded", lambda lesson: lesson.cells.pop(7)),
]


@pytest.mark.parametrize("words, spoil", BAD, ids=[f"{i}-{words}" for i, (words, _) in enumerate(BAD)])
def test_lint_finds(words, spoil):
    lesson = copy.deepcopy(good_lesson())
    spoil(lesson)
    found = lesson_lint.lint(lesson, "03_this", LESSONS)
    assert any(words in sentence for sentence in found), found
