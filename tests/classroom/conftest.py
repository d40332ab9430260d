import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import authoring, classroom


class Classroom:
    """A classroom in a temporary folder, its submissions, and what nbgrader says."""

    def __init__(self, folder: Path):
        self.folder = folder
        # a busy machine needs longer for a right answer than a quiet one for a wrong one
        (folder / "my_settings.py").write_text("c.SealedExecute.cell_seconds = 60\n")

    def nbgrader(self, *words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "nbgrader", *words], cwd=self.folder, capture_output=True, text=True,
                              env=os.environ | {"PYTHONPATH": str(authoring.ROOT)})
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def submit(self, student: str, notebook) -> None:
        name = notebook.metadata.get("lesson")
        path = self.folder / "submitted" / student / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(authoring.text(notebook), encoding="utf-8")

    def scores(self, lesson: str) -> dict[str, float]:
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            return {one.student.id: one.score for one in gradebook.assignment_submissions(lesson)}

    def sentences(self, lesson: str, student: str) -> dict[str, str]:
        """{grade_id: what the test of an autograded submission says}."""
        import nbformat

        notebook = nbformat.read(self.folder / "autograded" / student / lesson / f"{lesson}.ipynb", as_version=4)
        return {cell.metadata.nbgrader.grade_id: "".join(output.get("text") or output.get("evalue") or "" for output in cell.outputs)
                for cell in notebook.cells if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A new classroom's folder, made once: it takes seconds, a copy of it none."""
    folder = tmp_path_factory.mktemp("made") / "class"
    classroom.make(folder, say=lambda text: None)
    return folder


@pytest.fixture
def room(made, tmp_path):
    return Classroom(Path(shutil.copytree(made, tmp_path / "class")))
