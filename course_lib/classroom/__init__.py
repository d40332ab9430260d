"""The course as an nbgrader course: `deblur-course classroom FOLDER`, `deblur-course grade FOLDER LESSON`.

    FOLDER/nbgrader_config.py    written anew each time; it imports `configure` from here
    FOLDER/my_settings.py        the teacher's own nbgrader settings; never touched
    FOLDER/due_dates.csv         lesson, due; the teacher's; lessons that are missing are added
    FOLDER/source/NN_topic/      one assignment per graded lesson
    FOLDER/marking/NN_topic.md   model answers and marking schemes of the written questions
    FOLDER/gradebook.db          nbgrader's

Everything else is nbgrader's own: generate_assignment, autograde, the formgrader, generate_feedback, export.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from course_lib.files import atomic
from course_lib.workspace import ROOT, meant

# `course_lib.authoring` brings nbgrader along: it is imported where it is needed, not in every submission's kernel,
# which starts through this package.

LESSONS = ROOT / "solutions"
WRITTEN = ".course.json"        # what was written into source/, by hash: a file the teacher changed is known
DATED = "with due dates"        # in that file: the lessons to which due_dates.csv gave one
CONFIG = '''\
# Written by `deblur-course classroom`, which overwrites it: put your own settings into my_settings.py,
# beside this file, in the same form as here: c.ClassName.name = value

from pathlib import Path

from course_lib.classroom import configure

c = get_config()
configure(c, Path(__file__).parent)
own = Path(__file__).with_name("my_settings.py")
if own.exists():
    try:
        exec(compile(own.read_text(encoding="utf-8"), str(own), "exec"))
    except Exception as error:      # nbgrader would go on without any settings, and nothing would be confined
        raise SystemExit(f"ERROR: {own} can't be read ({error!r}): correct it; nothing was done.")
'''


class ClassroomError(ValueError):
    """Something about a classroom folder; the message says what, and what to do."""


def configure(c, folder: Path) -> None:
    """nbgrader's settings for this course."""
    from nbconvert.preprocessors import ClearMetadataPreprocessor
    from nbgrader import preprocessors as nb

    from course_lib import authoring
    from course_lib.classroom import export, grading

    c.CourseDirectory.root = str(folder)
    c.CourseDirectory.course_id = "deblurring"
    c.merge(authoring.NBGRADER)
    # As `make notebooks` builds the student's copy; in between nbgrader takes note of the cells.
    c.GenerateAssignment.preprocessors = [*authoring.TO_STUDENT, nb.SaveCells, *authoring.AFTER_CHECKSUMS]
    c.Autograde.sanitize_preprocessors = [
        nb.ClearOutput, nb.DeduplicateIds, nb.OverwriteKernelspec, grading.WholeExercises, nb.CheckCellMetadata]
    c.WholeExercises.add_missing_cells = True           # a test that was deleted is a test all the same
    c.Autograde.autograde_preprocessors = [
        grading.SealedExecute, nb.IgnorePattern, ClearMetadataPreprocessor, nb.LimitOutput,
        nb.SaveAutoGrades, nb.AssignLatePenalties, nb.CheckCellMetadata]
    c.GenerateFeedback.preprocessors = [nb.GetGrades, grading.WithoutHiddenTests, grading.ReadableFeedback]
    c.ExportApp.plugin_class = export.MoodleAndCanvas
    # As Moodle ("Ada Lovelace_123_assignsubmission_file_/…") and Canvas ("lovelaceada_LATE_123_456_…-1.ipynb") name downloads.
    c.FileNameCollectorPlugin.named_regexp = (r".*[/\\](?P<student_id>[^/\\_]+)_(?:LATE_)?\d+_(?:assignsubmission_file[_/\\]+|\d+_)"
                                              r"(?P<file_id>\d\d_\w+)")


# ---------------------------------------------------------------- make and renew

def graded_lessons() -> list[Path]:
    """The sources of the lessons that have points, in order."""
    return [path for path in sorted(LESSONS.glob("[0-9][0-9]_*.py")) if '"grade": true' in path.read_text(encoding="utf-8")]


def make(folder: Path, say: Callable[[str], None] = print) -> None:
    """Make a classroom in `folder`, or bring it up to date: new lessons, new versions, due dates.

    Grades, submissions and the teacher's own files stay. A lesson under source/ that the teacher
    changed is left as it is, and `say` reports it.

    Raises
    ------
    ClassroomError if the folder can't be used or due_dates.csv can't be read.
    """
    from nbgrader.api import Gradebook

    from course_lib import authoring

    folder = Path(folder).resolve()
    if folder.is_file() or folder.is_dir() and any(folder.iterdir()) and not _is_ours(folder):
        raise ClassroomError(f"{folder} is not a classroom, and not empty: choose a new folder.")
    if folder.is_relative_to(ROOT):
        raise ClassroomError(f"{folder} belongs to the course itself: choose a folder outside it, so that `git pull` never touches it.")
    lessons = graded_lessons()
    dates = _due_dates(folder / "due_dates.csv", [path.stem for path in lessons])
    _find_programs()
    _write(folder / "nbgrader_config.py", CONFIG)
    record = folder / WRITTEN
    try:
        written = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    except ValueError as error:
        raise ClassroomError(f"{record} is damaged ({error}): delete it. Lessons under source/ that differ from the course's then "
                             "count as changed by you.") from None
    dated, written[DATED] = written.get(DATED, []), [name for name, date in dates.items() if date]

    def renew(name: str, target: Path, fresh: str, newer: str) -> bool:
        """Bring a file up to date, unless the teacher changed it; whether it is."""
        there = target.read_text(encoding="utf-8") if target.exists() else None
        if there not in (None, fresh) and authoring.short_hash(there) != written.get(name):
            say(f"{name}: you changed it, so it stays" + ("" if authoring.short_hash(fresh) == written.get(name) else
                f"; the course has another version: to take it, delete {target.relative_to(folder)} and run this again"))
            return False
        if there != fresh:
            _write(target, fresh)
            say(f"{name}: {'new' if there is None else newer}")
        written[name] = authoring.short_hash(fresh)
        return True

    for path in lessons:
        name, fresh = path.stem, authoring.text(authoring.read(path))
        there = folder / "source" / name / f"{name}.ipynb"
        old = there.read_text(encoding="utf-8") if there.exists() else ""
        if old and authoring.short_hash(old) == written.get(name) and _handed_in(folder, name) and _exercises(old) != _exercises(fresh):
            say(f"{name}: students have handed it in, and the newer version has other exercises, so it stays as it is; "
                "grade it with the course as it was (`git checkout`)")
        elif renew(name, there, fresh, "a newer version; release it again with --force"):
            renew(f"marking/{name}.md", folder / "marking" / f"{name}.md", marking(path), "a newer version")
    for name in sorted(name for name in written if (folder / "source" / name).is_dir() and name not in dates):
        say(f"{name}: the course no longer has this lesson; what the classroom has of it stays")
    _write(record, json.dumps(written, indent=1) + "\n")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        for path in lessons:        # a date set in the formgrader stays where the table has none and had none
            date = dates[path.stem]
            gradebook.update_or_create_assignment(path.stem, **({"duedate": date} if date or path.stem in dated else {}))
    say(f"The classroom is in {folder}: {len(lessons)} assignments. INSTRUCTORS.md says what comes next.")


def _handed_in(folder: Path, name: str) -> list[str]:
    """The students who handed in a lesson, in order."""
    return sorted(path.parent.name for path in (folder / "submitted").glob(f"*/{name}") if path.is_dir())


def _exercises(notebook: str) -> set[str]:
    """The names of nbgrader's cells in a notebook's text: once there are submissions, it takes no others."""
    return {cell["metadata"]["nbgrader"]["grade_id"] for cell in json.loads(notebook)["cells"] if "nbgrader" in cell["metadata"]}


def _due_dates(path: Path, lessons: list[str]) -> dict[str, datetime | None]:
    """Read the table; add the lessons it lacks, without a date. The rest of it stays as it is."""
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else "lesson,due (UTC)\n"
    except UnicodeDecodeError:
        raise ClassroomError(f"{path} is not in UTF-8: save it as CSV UTF-8.") from None
    rows = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        name = row[0].strip() if row else ""
        if any(row) and name != "lesson":
            if name not in lessons:
                raise ClassroomError(f"{path}, line {number}: {name!r} is not a graded lesson; before the first comma, write one of "
                                     f"{', '.join(lessons)}. Delete the line of a lesson that the course no longer has.")
            try:
                words = row[1].strip() if len(row) > 1 else ""
                date = datetime.fromisoformat(words + " 23:59" * (len(words) == 10)) if words else None     # a day: until its end
                rows[name] = date.astimezone(UTC).replace(tzinfo=None) if date and date.tzinfo else date
            except ValueError:
                raise ClassroomError(f"{path}, line {number}: {row[1]!r} is not a date; write it as 2027-03-31 or "
                                     "2027-03-31 18:00, in UTC, or with an offset as in 2027-03-31 18:00+02:00.") from None
    missing = [name for name in lessons if name not in rows]
    if missing:
        _write(path, text + "\n" * (not text.endswith("\n")) + "".join(f"{name},\n" for name in missing))
    return rows | {name: None for name in missing}


def _is_ours(folder: Path) -> bool:
    """Whether a folder is a classroom of this course, not another nbgrader course."""
    config = folder / "nbgrader_config.py"
    return config.is_file() and "course_lib.classroom" in config.read_text(encoding="utf-8", errors="replace")


def _find_programs() -> None:
    """nbgrader starts programs by their names alone: those of this environment are to be found first, activated or not."""
    here = str(Path(sys.executable).parent)
    if os.environ.get("PATH", "").split(os.pathsep)[0] != here:
        os.environ["PATH"] = here + os.pathsep + os.environ.get("PATH", "")


def _write(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def marking(source: Path) -> str:
    """The written questions of a lesson with model answers and marking schemes, as Markdown: students' copies lack both."""
    from course_lib import authoring

    parts = [f"# {source.stem}: written questions\n"]
    notebook = authoring.read(source)
    for position, cell in enumerate(notebook.cells):
        graded = cell.metadata.get("nbgrader", {})
        if graded.get("grade") and graded.get("solution"):
            question = notebook.cells[position - 1].source if position else ""
            answer = re.sub(r"^#+ *(BEGIN|END) (SOLUTION|MARK SCHEME).*\n?", "", cell.source, flags=re.MULTILINE)
            parts.append(f"{question}\n\n{answer.strip()}\n")
    return "\n".join(parts) if len(parts) > 1 else parts[0] + "\nThis lesson has none.\n"


# ---------------------------------------------------------------- grade a class

def grade(folder: Path, lesson: str, jobs: int, force: bool = False, say: Callable[[str], None] = print) -> list[str]:
    """Autograde every submission of a lesson, several at a time; what is graded already is left.

    An interruption loses only the submissions that were being graded; the same call goes on.

    Returns
    -------
    The students whose submission could not be graded at all; `say` gave each with its reason.

    Raises
    ------
    ClassroomError if there is no such classroom, lesson or submission, or nothing was released.
    """
    from course_lib.classroom import sandbox

    folder = Path(folder).resolve()
    if not _is_ours(folder):
        raise ClassroomError(f"{folder} is not a classroom: make one with `deblur-course classroom FOLDER`.")
    _find_programs()
    _write(folder / "nbgrader_config.py", CONFIG)
    name, files = _released(folder, lesson)
    students = _handed_in(folder, name)
    if not students:
        raise ClassroomError(f"{folder / 'submitted'} holds no submission of {name}: a submission is "
                             f"submitted/STUDENT/{name}/{name}.ipynb.")
    if why := sandbox.refusal():
        say(f"bubblewrap is installed but may not be used ({why}): the submissions are limited, but not confined. INSTRUCTORS.md, "
            "\"What it protects against\", says what that means.")

    failed, left, started = [], [], time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(_autograde, folder, name, student, force, files): student for student in students}
        try:
            for done, future in enumerate(as_completed(running), start=1):
                reason = future.result()
                if reason is None:
                    left.append(running[future])
                elif reason:
                    failed.append(running[future])
                    say(f"{running[future]}: not graded: {reason}")
                passed = time.monotonic() - started
                say(f"{done} of {len(students)} graded, {_minutes(passed / done * (len(students) - done))} left")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    say(f"{len(students) - len(failed) - len(left)} of {len(students)} graded in {_minutes(time.monotonic() - started)}; "
        f"the written answers are yours to mark in the formgrader.")
    if left:
        old = [student for student in left if _changed(folder / "release" / name, folder / "autograded" / student / name)]
        again = [student for student in left if _changed(folder / "submitted" / student / name, folder / "autograded" / student / name)]
        say(f"{len(left)} had been graded before and stay as they were; --force grades them all again, "
            f"`nbgrader autograde {name} --student STUDENT --force` only one."
            + (f" Handed in again since: {', '.join(sorted(again))}." if again else "")
            + (f" Graded before the lesson was released again, perhaps with other points: {', '.join(sorted(old))}." if old else ""))
    return sorted(failed)


def _released(folder: Path, lesson: str) -> tuple[str, list[str]]:
    """The assignment that `lesson` means, and the notebooks it was released as; ClassroomError if it can't be graded."""
    from nbgrader.api import Gradebook

    there = sorted(path for path in (folder / "source").iterdir() if path.is_dir())
    found = meant(lesson, there)
    if len(found) != 1:
        raise ClassroomError(f"{lesson!r} names {len(found)} assignments; there are: {', '.join(path.name for path in there)}.")
    name = found[0].name
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        released = gradebook.find_assignment(name).notebooks
        if not released:
            raise ClassroomError(f"{name} has not been released yet: run `nbgrader generate_assignment {name}` in {folder} first.")
        _same_checks(name, [cell.source for notebook in released for cell in notebook.source_cells])
        return name, [f"{notebook.name}.ipynb" for notebook in released]


def _same_checks(name: str, tests: list[str]) -> None:
    """ClassroomError if the tests that were released call checks which the course no longer has: everybody would score 0."""
    called = {found for test in tests for found in re.findall(r"\b(lesson_\d\d)\.(check_\w+)\(", test or "")}
    checks = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "course_lib" / "checks").glob("lesson_*.py")}
    gone = sorted(f"{module}.{check}" for module, check in called if f"\ndef {check}(" not in checks.get(module, ""))
    if gone:
        raise ClassroomError(f"{name} was released with tests that this version of the course doesn't have ({', '.join(gone)}). If nobody "
                             "has handed it in, release it again; otherwise grade it with the course as it was then (`git checkout`).")


def _changed(submitted: Path, graded: Path) -> bool:
    """Whether a submission has a newer file than what was graded."""
    return max((path.stat().st_mtime for path in submitted.glob("*")), default=0) > max(
        (path.stat().st_mtime for path in graded.glob("*.ipynb")), default=0)


def _autograde(folder: Path, name: str, student: str, force: bool, files: list[str]) -> str | None:
    """`nbgrader autograde` for one student in a process of its own; returns why it failed, "" if it did not, None if it was done before."""
    there = {path.name for path in (folder / "submitted" / student / name).iterdir()}
    if not there & set(files):
        return f"{' or '.join(files)} is not there, only {', '.join(sorted(there)) or 'an empty folder'}: give the notebook that name"

    def results() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (folder / "autograded" / student / name).glob("*.ipynb")}

    before = results()
    command = [sys.executable, "-m", "nbgrader", "autograde", name, "--student", student, *(["--force"] if force else [])]
    for _ in range(5):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
        if "database is locked" not in done.stderr:     # several write to it; each waits its turn
            break
        time.sleep(1)
    if done.returncode == 0:
        return "" if results() != before else None
    lines = [line for line in done.stderr.splitlines() if "ERROR" in line or "Error" in line]
    reasons = [line.strip() for line in lines if re.match(r"[\w.]*(Error|Exception|NotJSON\w*)\b", line.strip())]
    if reasons:
        return reasons[-1]
    return re.sub(r"^\[.*?\] *(ERROR \| *)?", "", lines[0]) if lines else f"nbgrader ended with exit status {done.returncode}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"
