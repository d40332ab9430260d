"""A class from the first command to the grades in a table: release, collect, grade, feedback, export."""

import csv
import json
import os
import re
import shutil
import zipfile
from types import SimpleNamespace

import nbformat
import pytest
import students
from traitlets.config import Config

from course_lib import authoring, classroom
from course_lib.classroom import sandbox

LESSONS = [path.stem for path in classroom.graded_lessons()]
QUICK = "03_counting_parameters"


def source(name):
    return authoring.ROOT / "solutions" / f"{name}.py"


def hand_in(room, name, *who):
    for student in who or students.STUDENTS:
        notebook = students.submission(source(name), student)
        notebook.metadata["lesson"] = name
        room.submit(student, notebook)


# The folder -------------------------------------------------------------------------------------

def test_a_classroom_has_every_graded_lesson_with_points_and_dates(room):
    rows = list(csv.reader(open(room.folder / "due_dates.csv", encoding="utf-8")))
    assert [row[0] for row in rows[1:]] == LESSONS
    assert sorted(path.name for path in (room.folder / "source").iterdir()) == LESSONS
    for name in LESSONS:
        guide = (room.folder / "marking" / f"{name}.md").read_text(encoding="utf-8")
        assert "point" in guide and "BEGIN" not in guide


def test_what_nbgrader_releases_is_the_students_notebook(room):
    room.nbgrader("generate_assignment", QUICK)
    released = (room.folder / "release" / QUICK / f"{QUICK}.ipynb").read_text(encoding="utf-8")
    assert released == authoring.text(authoring.student(source(QUICK)))


def test_renewing_keeps_grades_dates_settings_and_the_teachers_own_version(room):
    from nbgrader.api import Gradebook

    room.nbgrader("generate_assignment", QUICK)
    with Gradebook(f"sqlite:///{room.folder / 'gradebook.db'}") as gradebook:
        gradebook.add_student("ada")
        gradebook.add_submission(QUICK, "ada")
        grade = next(g for g in gradebook.find_submission(QUICK, "ada").notebooks[0].grades)
        grade.manual_score, gid = 2.0, grade.name
        gradebook.db.commit()
    dates = room.folder / "due_dates.csv"
    dates.write_text(re.sub(f"{QUICK},.*", f"{QUICK},2027-03-31 18:00", dates.read_text()))
    mine, stale = (room.folder / "source" / name / f"{name}.ipynb" for name in LESSONS[:2])
    mine.write_text(mine.read_text(encoding="utf-8").replace("Start here", "Begin here"), encoding="utf-8")
    stale.unlink()
    settings, said = (room.folder / "my_settings.py").read_text(), []
    classroom.make(room.folder, said.append)
    assert any(LESSONS[0] in line and "you changed it" in line for line in said)
    assert "Begin here" in mine.read_text(encoding="utf-8") and stale.exists()
    assert (room.folder / "my_settings.py").read_text() == settings
    with Gradebook(f"sqlite:///{room.folder / 'gradebook.db'}") as gradebook:
        assert gradebook.find_assignment(QUICK).duedate.isoformat() == "2027-03-31T18:00:00"
        assert gradebook.find_grade(gid, QUICK, QUICK, "ada").manual_score == 2.0


def test_the_hub_exchanges_files_of_this_course(room):
    from traitlets.config import Config

    found = {}
    for path in (authoring.ROOT / "hub" / "nbgrader_config.py", room.folder / "nbgrader_config.py"):
        c = Config()
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"get_config": lambda: c, "__file__": str(path)})
        found[path] = c.CourseDirectory.course_id
    assert len(set(found.values())) == 1, found


def test_a_date_that_is_none_is_named_and_nothing_changes(room):
    dates = room.folder / "due_dates.csv"
    dates.write_text(f"lesson,due\n{QUICK},next Monday\n")
    with pytest.raises(classroom.ClassroomError, match="line 2: 'next Monday' is not a date"):
        classroom.make(room.folder)
    assert dates.read_text() == f"lesson,due\n{QUICK},next Monday\n"


@pytest.mark.parametrize("line, named", [("04,2027-03-31", "'04'"), (f"{QUICK};2027-03-31 18:00", f"'{QUICK};2027-03-31 18:00'")])
def test_a_date_that_would_apply_to_nothing_is_refused(room, line, named):
    (room.folder / "due_dates.csv").write_text(f"lesson,due\n{line}\n")
    with pytest.raises(classroom.ClassroomError, match=f"line 2: {named} is not a graded lesson; .*{QUICK}"):
        classroom.make(room.folder)


def test_a_date_from_the_formgrader_stays_unless_the_table_has_one(room):
    from nbgrader.api import Gradebook

    def due(line=None):
        if line is not None:
            (room.folder / "due_dates.csv").write_text(f"lesson,due\n{QUICK},{line}\n")
            classroom.make(room.folder, lambda line: None)
        with Gradebook(f"sqlite:///{room.folder / 'gradebook.db'}") as gradebook:
            date = gradebook.find_assignment(QUICK).duedate
            return date and date.isoformat()

    due("")
    with Gradebook(f"sqlite:///{room.folder / 'gradebook.db'}") as gradebook:
        gradebook.update_or_create_assignment(QUICK, duedate="2027-02-01 12:00")
    assert due("") == due() != None
    assert due("2027-03-31 18:00+02:00") == "2027-03-31T16:00:00"
    assert due("2027-03-31 16:00") == "2027-03-31T16:00:00"
    assert due("2027-03-31") == "2027-03-31T23:59:00", "a day lasts until its end"
    assert due("") is None


def test_settings_that_cant_be_read_confine_nothing_so_nothing_runs(room):
    (room.folder / "my_settings.py").write_text("c.SealedExecute.memory_gb = 4,0GB\n")
    with pytest.raises(AssertionError, match="ERROR: .*my_settings.py can't be read .SyntaxError"):
        room.nbgrader("generate_assignment", QUICK)
    assert not (room.folder / "release").exists()


def test_other_exercises_wait_until_nobody_has_handed_in(room, monkeypatch):
    released = room.folder / "source" / QUICK / f"{QUICK}.ipynb"
    before, said = released.read_text(encoding="utf-8"), []
    hand_in(room, QUICK, "right")
    changed = room.folder.parent / "solutions" / f"{QUICK}.py"
    changed.parent.mkdir()
    changed.write_text(source(QUICK).read_text(encoding="utf-8").replace('"grade_id": "', '"grade_id": "new-'), encoding="utf-8")
    monkeypatch.setattr(classroom, "graded_lessons", lambda: [changed])
    (room.folder / "due_dates.csv").unlink()
    classroom.make(room.folder, said.append)
    assert any(line.startswith(f"{QUICK}: students have handed it in, and the newer version has other exercises") for line in said), said
    assert released.read_text(encoding="utf-8") == before
    shutil.rmtree(room.folder / "submitted")
    classroom.make(room.folder, said.append)
    assert "new-" in released.read_text(encoding="utf-8")


def test_a_lesson_that_the_course_no_longer_has_is_named(room, monkeypatch):
    monkeypatch.setattr(classroom, "graded_lessons", lambda: [source(name) for name in LESSONS[:-1]])
    with pytest.raises(classroom.ClassroomError, match="is not a graded lesson; .* Delete the line of a lesson that the course no longer has"):
        classroom.make(room.folder)
    dates, said = room.folder / "due_dates.csv", []
    dates.write_text("".join(dates.read_text(encoding="utf-8").splitlines(True)[:-1]), encoding="utf-8")
    classroom.make(room.folder, said.append)
    assert [line for line in said if "no longer" in line] == [f"{LESSONS[-1]}: the course no longer has this lesson; what the classroom has of it stays"]
    assert (room.folder / "source" / LESSONS[-1]).is_dir()


def test_tests_whose_checks_are_gone_are_named():
    classroom._same_checks(QUICK, ["lesson_03.check_count(count)"])
    with pytest.raises(classroom.ClassroomError, match=r"lesson_03\.check_of_old"):
        classroom._same_checks(QUICK, ["lesson_03.check_count(count)\nlesson_03.check_of_old(count)"])


def test_downloads_of_moodle_and_canvas_are_collected(room):
    room.nbgrader("generate_assignment", QUICK)
    archive = room.folder / "downloaded" / QUICK / "archive"
    archive.mkdir(parents=True)
    with zipfile.ZipFile(archive / "all.zip", "w") as file:
        for name in (f"Ada Lovelace_12345_assignsubmission_file_/{QUICK}.ipynb", f"hoppergrace_67_890_{QUICK}.ipynb",
                     f"turingalan_LATE_68_891_{QUICK}-1.ipynb"):
            file.writestr(name, "{}")
    room.nbgrader("zip_collect", QUICK, "--force")
    assert sorted(path.parent.parent.name for path in (room.folder / "submitted").glob(f"*/{QUICK}/{QUICK}.ipynb")) == [
        "Ada Lovelace", "hoppergrace", "turingalan"]


@pytest.mark.parametrize("name", [QUICK, "11_GANs_in_3D"])
@pytest.mark.parametrize("download", ["Ada Lovelace_12345_assignsubmission_file_/{}.ipynb", "Ada Lovelace_12345_assignsubmission_file_/{} (1).ipynb",
                                      "lovelaceada_67_890_{}.ipynb", "lovelaceada_LATE_68_891_{}-1.ipynb"])
def test_downloads_of_a_lesson_of_ones_own_are_known(room, download, name):
    config = Config()
    classroom.configure(config, room.folder)
    found = re.match(config.FileNameCollectorPlugin.named_regexp, f"/extracted/{download.format(name)}")
    assert found["file_id"] == name and found["student_id"] in ("Ada Lovelace", "lovelaceada")


def test_another_nbgrader_course_is_left_alone(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'physics101'\n")
    with pytest.raises(classroom.ClassroomError, match="is not a classroom, and not empty"):
        classroom.make(tmp_path)
    with pytest.raises(classroom.ClassroomError, match="is not a classroom"):
        classroom.grade(tmp_path, "04", jobs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["nbgrader_config.py"]


def test_what_the_teacher_wrote_into_tables_and_guides_stays(room):
    guide, said = room.folder / "marking" / f"{QUICK}.md", []
    record = room.folder / classroom.WRITTEN            # as from before marking/ was recorded
    written = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({name: value for name, value in written.items() if "/" not in name}), encoding="utf-8")
    guide.write_text(guide.read_text(encoding="utf-8") + "\nMine.\n", encoding="utf-8")
    (room.folder / "due_dates.csv").write_text(f"{QUICK},2027-03-31 18:00,room 5\n")
    classroom.make(room.folder, said.append)
    assert guide.read_text(encoding="utf-8").endswith("\nMine.\n") and any(line.startswith(f"marking/{QUICK}.md: you changed it") for line in said)
    lines = (room.folder / "due_dates.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"{QUICK},2027-03-31 18:00,room 5" and len(lines) == len(LESSONS)
    (room.folder / "due_dates.csv").write_bytes("lesson,due,für\n".encode("cp1252"))
    with pytest.raises(classroom.ClassroomError, match="save it as CSV UTF-8"):
        classroom.make(room.folder)


def test_a_whole_exercise_that_was_deleted_scores_0_and_the_rest_its_points(room):
    room.nbgrader("generate_assignment", QUICK)
    notebook = students.submission(source(QUICK), "right")
    first = next(cell.metadata.nbgrader.grade_id for cell in notebook.cells
                 if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"))
    lost = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in (first, f"{first}-test")]
    assert len(lost) == 2
    notebook.cells = [cell for cell in notebook.cells if cell not in lost]
    notebook.metadata["lesson"] = QUICK
    room.submit("anna", notebook)
    said = []
    assert classroom.grade(room.folder, QUICK, jobs=1, say=said.append) == [], said
    points = sum(cell.metadata.nbgrader.get("points", 0) for cell in lost)
    assert room.scores(QUICK)["anna"] == students.expected(source(QUICK))["right"] - points


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(classroom.ClassroomError, match="is not a classroom, and not empty"):
        classroom.make(tmp_path)
    with pytest.raises(classroom.ClassroomError, match="belongs to the course itself"):
        classroom.make(authoring.ROOT / "class-2027")


@pytest.mark.parametrize("prepare, lesson, message", [
    (lambda room: None, QUICK, "not been released yet"),
    (lambda room: room.nbgrader("generate_assignment", QUICK), QUICK, "no submission"),
    (lambda room: None, "99", "names 0 assignments"),
    (lambda room: None, "1", "01_minimax_game has not been released yet"),
])
def test_grading_says_what_is_missing(room, prepare, lesson, message):
    prepare(room)
    with pytest.raises(classroom.ClassroomError, match=message):
        classroom.grade(room.folder, lesson, jobs=1)


def test_a_second_download_is_told_its_name_and_exported_as_no_grade(room):
    """A browser calls it "… (1).ipynb"; a platform would take 0 for a grade."""
    room.nbgrader("generate_assignment", QUICK)
    hand_in(room, QUICK, "right")
    path = room.folder / "submitted" / "right" / QUICK / f"{QUICK}.ipynb"
    path.rename(path.with_name(f"{QUICK} (1).ipynb"))
    broken = room.folder / "submitted" / "broken" / QUICK / f"{QUICK}.ipynb"
    broken.parent.mkdir(parents=True)
    broken.write_text("{ not a notebook")
    said = []
    assert classroom.grade(room.folder, QUICK, jobs=1, say=said.append) == ["broken", "right"]
    assert any(line.startswith(f"right: not graded: {QUICK}.ipynb is not there, only {QUICK} (1).ipynb: ") for line in said), said
    room.nbgrader("export")
    with open(room.folder / "canvas.csv", newline="", encoding="utf-8") as file:
        rows = {row["SIS Login ID"]: row for row in csv.DictReader(file)}
    assert rows["broken"][QUICK] == "", rows
    assert {name for name in rows["broken"] if name in LESSONS} == {QUICK}, "lessons not yet made are no columns"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no bubblewrap")
def test_a_bubblewrap_that_may_not_be_used_is_no_secret(room, monkeypatch, tmp_path):
    """As for all but root on Ubuntu 24.04. The submission here is an empty folder, which takes no time."""
    room.nbgrader("generate_assignment", QUICK)
    (room.folder / "submitted" / "empty" / QUICK).mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bwrap").write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    (tmp_path / "bin" / "bwrap").chmod(0o755)
    monkeypatch.setattr(classroom, "_find_programs", lambda: None)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    said = []
    assert classroom.grade(room.folder, QUICK, jobs=1, say=said.append) == ["empty"]
    assert "may not be used (bwrap: setting up uid map: Permission denied): the submissions are limited, but not confined" in said[0]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
@pytest.mark.full
def test_a_machine_where_python_does_not_start_costs_nobody_points(room):
    (room.folder / "my_settings.py").write_text("c.SealedExecute.memory_gb = 0.02\n")
    room.nbgrader("generate_assignment", QUICK)
    hand_in(room, QUICK, "right")
    said = []
    assert classroom.grade(room.folder, QUICK, jobs=1, say=said.append) == ["right"]
    assert said[bool(sandbox.refusal())].startswith("right: not graded: "), said
    (room.folder / "my_settings.py").unlink()
    assert classroom.grade(room.folder, QUICK, jobs=1, say=said.append) == []
    assert room.scores(QUICK)["right"] == students.expected(source(QUICK))["right"]


def test_a_magic_in_a_test_is_no_obstacle():
    from course_lib.classroom import grading

    cell = nbformat.v4.new_code_cell("%matplotlib inline\nlesson_03.check_same(conv)")
    assert grading.names(cell.source) == ["conv", "get_ipython", "lesson_03"] and grading.checks_in(cell.source) == 1


BOTH = "Correct: the first.\nCorrect: the second.\n"


@pytest.mark.parametrize("outputs, left, said", [
    (["Warmed up.\n", BOTH], None, "Warmed up.\n" + BOTH),
    (["Correct: the first.\nnot Correct: the second.\n"], "NotPassed", "did not run to its end"),
    ([], "NotPassed", "did not run to its end"),
    ([BOTH, ("CheckFailed", "your `f(1)` gave 2")], "CheckFailed", "Not yet: your `f(1)` gave 2"),
    ([("NameError", "name 'f' is not defined"), ("ValueError", "x")], "NameError", "name 'f' is not defined: does your answer define it?"),
    ([("ValueError", "first line\nsecond")], "ValueError", "ValueError: first line"),
    ([("KeyError", "")], "KeyError", "KeyError: no message"),
    ([("CellTimeoutError", "it ran longer than 60 s")], "CellTimeoutError", "Stopped: it ran longer"),
])
def test_a_test_scores_only_if_every_check_in_it_said_so(outputs, left, said):
    from course_lib.classroom import grading

    cell = nbformat.v4.new_code_cell("lesson_03.check_one(f)\nlesson_03.check_two(f)")
    cell.metadata["ran"] = True
    cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text=BOTH)] + [
        nbformat.v4.new_output("stream", name="stdout", text=one) if isinstance(one, str) else grading.failure(*one) for one in outputs]
    grading.settle(cell, "")
    (output,) = cell.outputs
    assert output.get("ename") == left and "ran" not in cell.metadata
    assert said in output.evalue if left else output.text == said


@pytest.mark.parametrize("ended, said", [("", "the notebook ended before it."), ("the Python process ended", "the Python process ended.")])
def test_a_test_that_was_not_run_says_why(ended, said):
    from course_lib.classroom import grading

    cell = nbformat.v4.new_code_cell("lesson_03.check_one(f)", outputs=[nbformat.v4.new_output("stream", name="stdout", text=BOTH)])
    grading.settle(cell, ended)
    assert [output.evalue for output in cell.outputs] == [f"This test was not run: {said}"]


def test_feedback_shows_no_hidden_test():
    from course_lib.classroom import grading

    cell = nbformat.v4.new_code_cell("check(f)\n### BEGIN HIDDEN TESTS\ncheck(f, seed=7)\n### END HIDDEN TESTS\nlast")
    shown, _ = grading.WithoutHiddenTests().preprocess_cell(cell, {}, 0)
    assert shown.source == "check(f)\n# (and cases that are not shown)\nlast"


def test_a_submission_gets_no_variable_that_may_hold_a_key():
    from course_lib.classroom import grading

    for name, passed in (("PATH", True), ("LC_ALL", True), ("TF_CPP_MIN_LOG_LEVEL", True), ("PYTHONPATH", True),
                         ("TOKEN", False), ("MY_PATH", False), ("PATH_OF_KEYS", False), ("AWS_SECRET_ACCESS_KEY", False)):
        assert bool(grading.PASSED_ON.fullmatch(name)) == passed, name


@pytest.mark.parametrize("points, penalty, exported", [([3.0, 2.5], 0.0, "5.5"), ([3.0], 1.0, "2"), ([3.0], 4.0, "0"), ([0.0], 0.0, "0"),
                                                       ([None], 0.0, ""), (None, 0.0, "")])
def test_exported_points_are_those_less_the_penalty_and_nothing_where_there_are_none(points, penalty, exported):
    from nbgrader.api import MissingEntry

    from course_lib.classroom import export

    class Gradebook:
        def find_submission(self, assignment, student):
            if points is None:
                raise MissingEntry
            grades = [SimpleNamespace(auto_score=one, manual_score=None) for one in points]
            return SimpleNamespace(notebooks=[SimpleNamespace(grades=grades)], score=sum(filter(None, points)), late_submission_penalty=penalty)

    assert export._score(Gradebook(), SimpleNamespace(name=QUICK), SimpleNamespace(id="ada")) == exported


def test_a_submission_handed_in_again_is_known(tmp_path):
    for name, time in (("submitted", 100), ("autograded", 200)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.ipynb").write_text("{}")
        os.utime(tmp_path / name / "a.ipynb", (time, time))
    assert not classroom._changed(tmp_path / "submitted", tmp_path / "autograded")
    os.utime(tmp_path / "submitted" / "a.ipynb", (300, 300))
    assert classroom._changed(tmp_path / "submitted", tmp_path / "autograded")


def test_a_lesson_released_again_after_grading_is_named(room, monkeypatch):
    """Its points may have changed; the submission here is an empty notebook, and nothing is run."""
    room.nbgrader("generate_assignment", QUICK)
    for folder in ("submitted", "autograded"):
        path = room.folder / folder / "ada" / QUICK / f"{QUICK}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(classroom, "_autograde", lambda *_: None)
    said = []
    assert classroom.grade(room.folder, QUICK, jobs=1, say=said.append) == []
    assert said[-1].startswith("1 had been graded before") and "released again" not in said[-1]
    os.utime(room.folder / "autograded" / "ada" / QUICK / f"{QUICK}.ipynb", (100, 100))
    classroom.grade(room.folder, QUICK, jobs=1, say=said.append)
    assert said[-1].endswith("Graded before the lesson was released again, perhaps with other points: ada.")


# Nine students ------------------------------------------------------------------------------------

def whole_class(room, name, *who):
    """Submissions, of nine students if nobody is named, and one that is no notebook, graded, with feedback and exports."""
    expected = {student: points for student, points in students.expected(source(name)).items() if student in (who or students.STUDENTS)}
    room.nbgrader("generate_assignment", name)
    hand_in(room, name, *who)
    broken = room.folder / "submitted" / "broken" / name / f"{name}.ipynb"
    broken.parent.mkdir(parents=True)
    broken.write_text("{ not a notebook")
    said = []
    failed = classroom.grade(room.folder, name, jobs=2, say=said.append)
    assert failed == ["broken"] and any(line.startswith("broken: not graded: ") for line in said), said

    scores = room.scores(name)
    print(f"\n{name}: " + ", ".join(f"{student} {scores[student]:g}/{points:g}" for student, points in expected.items()))
    assert {student: scores[student] for student in expected} == expected, {s: room.sentences(name, s) for s in expected}

    autograded = room.folder / "autograded" / "right" / name / f"{name}.ipynb"
    before = autograded.stat().st_mtime_ns
    broken.unlink()
    broken.parent.rmdir()
    assert classroom.grade(room.folder, name, jobs=2, say=said.append) == []
    assert autograded.stat().st_mtime_ns == before, "what is graded is not graded again"
    assert said[-2].startswith(f"0 of {len(expected)} graded") and said[-1].startswith(f"{len(expected)} had been graded before")

    room.nbgrader("generate_feedback", name)
    page = (room.folder / "feedback" / "wrong" / name / f"{name}.html").read_text(encoding="utf-8")
    assert "not shown" in page and "HIDDEN" not in page and "seed=" not in page
    assert "overflow-wrap: anywhere" in page, "long lines are broken, not cut"
    for sentence in room.sentences(name, "wrong").values():
        assert "42" in sentence or "Not yet" in sentence, sentence

    room.nbgrader("export")
    with open(room.folder / "moodle.csv", newline="", encoding="utf-8") as file:
        moodle = {row["ID number"]: row[name] for row in csv.DictReader(file)}
    with open(room.folder / "canvas.csv", newline="", encoding="utf-8") as file:
        canvas = {row["SIS Login ID"]: row[name] for row in csv.DictReader(file)}
    for student, points in expected.items():
        assert float(moodle[student]) == float(canvas[student]) == points
    assert canvas[""] == f"{sum(cell.metadata.nbgrader.points for cell in authoring.read(source(name)).cells if cell.metadata.get('nbgrader', {}).get('grade')):g}"


@pytest.mark.full
def test_nine_students_get_what_they_deserve(room):
    whole_class(room, QUICK)


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in LESSONS if name != QUICK])
def test_right_and_wrong_answers_of_every_lesson(room, name):
    whole_class(room, name, "right", "wrong")


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in LESSONS if name != QUICK])
def test_nine_students_of_every_lesson(room, name):
    whole_class(room, name)
