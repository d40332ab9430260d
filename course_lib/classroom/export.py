"""Grades as the tables that Moodle and Canvas import: `nbgrader export`.

It writes grades.csv (nbgrader's own, everything), moodle.csv (ID number, first name, surname, then a column per assignment, points) and
canvas.csv (Student, ID, SIS User ID, SIS Login ID, Section, then a column per assignment, with the row of points
possible). Students are known by their nbgrader id; in Canvas that is the SIS Login ID.
"""

import csv
from pathlib import Path

from nbgrader.plugins import CsvExportPlugin

from course_lib.files import atomic


class MoodleAndCanvas(CsvExportPlugin):
    """nbgrader's export, and the same grades twice more, as learning platforms want them."""

    def export(self, gradebook) -> None:
        super().export(gradebook)
        folder = Path(self.to or "grades.csv").resolve().parent
        assignments = [one for one in gradebook.assignments     # those that were made already
                       if one.notebooks and (not self.assignment or one.name in self.assignment)]
        students = [one for one in gradebook.students if not self.student or one.id in self.student]
        scores = {student.id: [_score(gradebook, assignment, student) for assignment in assignments] for student in students}
        titles = [one.name for one in assignments]
        for one, column in zip(assignments, zip(*scores.values())):
            graded = {student for student, score in zip(scores, column) if score}
            waiting = sum(submission.needs_manual_grade and submission.student_id in graded for submission in one.submissions)
            if waiting:
                self.log.warning("%s: submissions with answers not yet marked, which count 0: %d", one.name, waiting)
        _write(folder / "moodle.csv", [["ID number", "First name", "Surname", *titles],
                                       *([one.id, one.first_name or "", one.last_name or "", *scores[one.id]] for one in students)])
        _write(folder / "canvas.csv", [
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles],
            ["    Points Possible", "", "", "", "", *(f"{one.max_score:g}" for one in assignments)],
            *([", ".join(filter(None, (one.last_name, one.first_name))) or one.id, "", "", one.id, "", *scores[one.id]]
              for one in students)])


def _score(gradebook, assignment, student) -> str:
    """Points as text; nothing for no submission, or one that could not be graded: a platform takes 0 for a grade."""
    from nbgrader.api import MissingEntry

    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return ""
    if all(grade.auto_score is None and grade.manual_score is None for notebook in submission.notebooks for grade in notebook.grades):
        return ""
    return f"{max(0.0, submission.score - submission.late_submission_penalty):g}"


def _write(path: Path, rows: list[list]) -> None:
    with atomic(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
