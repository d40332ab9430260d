"""From the one source of a lesson, `solutions/NN_topic.py`, to its two notebooks.

`python -m course_lib.authoring` (or `make notebooks`) writes

- `notebooks/NN_topic.ipynb`, the student's: answers, hidden tests and marking schemes removed
  by nbgrader's own preprocessors, graded cells locked, no outputs;
- `solutions/NN_topic.ipynb`, the complete lesson, executed, with outputs.

The conversion goes in this direction only. Both files are a function of the source, so a second
run changes nothing. A lesson runs again only when its code, or a file of the library or of
`data/` that it used in its last run, has changed: the hashes of both are kept in the executed
notebook under `metadata.deblur_course`. Changed prose is carried over without running anything.

Usage: python -m course_lib.authoring [--check] [NN ...]
"""

import argparse
import ast
import hashlib
import json
import os
import re
import sys
import time
import tomllib
from pathlib import Path

import jupytext
import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbgrader.preprocessors import (CheckCellMetadata, ClearHiddenTests, ClearMarkScheme, ClearOutput, ClearSolutions,
                                    ComputeChecksums, DeduplicateIds, LockCells, NbGraderPreprocessor)
from traitlets.config import Config

from course_lib.files import atomic
from course_lib.workspace import ROOT, meant

WATCHED = ("course_lib", "data")        # a lesson that used a file of these runs again when it changes
LARGEST_NOTEBOOK = 2 * 1024 * 1024      # bytes; GitHub shows nothing of a notebook much larger
LONGEST_CELL = 1800                     # seconds at laptop size
WIDGET = "application/vnd.jupyter.widget-view+json"
GITHUB = "https://github.com/"          # Colab and Binder open what is there

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
WRITTEN_STUB = "*YOUR ANSWER HERE: double-click this line, write over it, then run the cell.*"

# The settings under which nbgrader makes a student copy; a course built on these sources needs the same.
NBGRADER = Config({
    "Stubs": {"code_stub": {"python": STUB}, "text_stub": WRITTEN_STUB},
    # A marking scheme stands in the written question's own cell, which nbgrader otherwise refuses.
    "ClearMarkScheme": {"enforce_metadata": False},
})
# Runs in the lesson's kernel, outside its history: which files of the project did it use?
# Python reports every file it opens to an audit hook; modules loaded from a cache are added at the end.
WATCH = """
import sys as _sys
_opened = set()
_sys.addaudithook(lambda event, args: _opened.add(args[0]) if event == "open" and isinstance(args[0], str) else None)
"""
# One file a line: nbclient's search for carriage returns takes the square of a line's length, minutes for all files in one.
REPORT = """
import json as _json
print(_json.dumps(sorted(_opened | {m.__file__ for n, m in list(_sys.modules.items())
                                    if n.split(".")[0] == "course_lib" and getattr(m, "__file__", None)}), indent=0))
"""


class AuthoringError(Exception):
    """A lesson that cannot be built; the message names the lesson, the cell and what to do."""


# ---------------------------------------------------------------- reading a source

def read(source: Path) -> NotebookNode:
    """The complete lesson as a notebook: metadata completed, ids fixed, nothing executed.

    Raises AuthoringError for graded cells whose metadata makes no sense.
    """
    lesson = jupytext.read(source)
    notebook = nbformat.v4.new_notebook(metadata={
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}})
    seen = set()
    for position, cell in enumerate(lesson.cells):
        cell.metadata.pop("lines_to_next_cell", None)
        graded = cell.metadata.get("nbgrader")
        if graded is not None:
            cell.metadata["nbgrader"] = complete(graded, cell.cell_type, f"{source.name}, cell {position + 1}")
            if graded["grade_id"] in seen:
                raise AuthoringError(f"{source.name}: the grade_id {graded['grade_id']!r} stands twice; "
                                     "give each graded cell its own.")
            seen.add(graded["grade_id"])
        cell["id"] = graded["grade_id"] if graded is not None else short_hash(f"{source.name}:{position}")
        notebook.cells.append(cell)
    return notebook


def complete(short: dict, cell_type: str, where: str) -> dict:
    """nbgrader's metadata (schema 3) from the few keys that stand on a cell's marker line.

    Raises AuthoringError, beginning with `where`, for keys that are missing, unknown or contradict each other.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(short.get("grade_id", ""))):
        raise AuthoringError(f"{where}: nbgrader needs a grade_id of letters, digits, '-' and '_' "
                             f"(64 at most), got {short.get('grade_id')!r}.")
    unknown = set(short) - {"grade_id", "grade", "solution", "locked", "task", "points", "schema_version"}
    if unknown:
        raise AuthoringError(f"{where} ({short['grade_id']}): unknown nbgrader keys {sorted(unknown)}.")
    grade, solution = bool(short.get("grade")), bool(short.get("solution"))
    if grade != ("points" in short):
        raise AuthoringError(f"{where} ({short['grade_id']}): a graded cell has points and no other cell has: "
                             f"got grade={grade}, points={short.get('points')}.")
    if cell_type == "markdown" and grade != solution:
        raise AuthoringError(f"{where} ({short['grade_id']}): a written answer is both graded and a solution: "
                             '{"grade": true, "solution": true, "points": …}.')
    full = {"grade": grade, "grade_id": short["grade_id"], "locked": not solution,
            "schema_version": 3, "solution": solution, "task": False}
    if grade:
        full["points"] = short["points"]
    return full


def short_hash(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


# ---------------------------------------------------------------- the student's notebook

class Stubs(ClearSolutions):
    """nbgrader's ClearSolutions, with the words after BEGIN SOLUTION in the NotImplementedError that stands there."""

    def preprocess_cell(self, cell, resources, cell_index):
        sentences = re.findall(r"BEGIN SOLUTION:?[ \t]*(.*)", cell.source)
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        graded = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and graded.get("solution"):
            cell.source = name_what_is_missing(cell.source, graded["grade_id"], sentences)
        return cell, resources


class TagWhatRaises(NbGraderPreprocessor):
    """Tag tests, and stubs that raise at once, `raises-exception`, so that Run All goes on past an open exercise."""

    def preprocess_cell(self, cell, resources, cell_index):
        graded = cell.metadata.get("nbgrader", {})
        test = graded.get("grade") and not graded.get("solution")
        if cell.cell_type == "code" and (test or graded.get("solution") and raises(cell.source)):
            cell.metadata["tags"] = cell.metadata.get("tags", []) + ["raises-exception"]
        return cell, resources


# What makes a student's copy. A classroom's nbgrader takes the same, and notes the cells after the first checksums.
# The marking scheme goes before them: by its checksum, nbgrader knows an answer that was left as it was, and gives it 0.
TO_STUDENT = (DeduplicateIds, LockCells, Stubs, ClearMarkScheme, ClearOutput, CheckCellMetadata, ComputeChecksums)
AFTER_CHECKSUMS = (ClearHiddenTests, ComputeChecksums, TagWhatRaises)


def student(source: Path, repository: str = "") -> NotebookNode:
    """The notebook a student opens: made by nbgrader's preprocessors, stubs that say what is missing.

    repository: address of the hosted repository (`https://github.com/OWNER/NAME`) for the Colab and
    Binder badges; empty for none.
    """
    notebook = read(source)
    resources: dict = {}
    for preprocessor in TO_STUDENT + AFTER_CHECKSUMS:
        notebook, resources = preprocessor(config=NBGRADER).preprocess(notebook, resources)
    notebook.cells[1:1] = hosted_cells(source.stem, repository)
    nbformat.validate(notebook)
    return notebook


def name_what_is_missing(stub: str, grade_id: str, sentences: list[str]) -> str:
    """Put the words after BEGIN SOLUTION into the NotImplementedError that stands in its place."""
    for sentence in sentences or [""]:
        sentence = sentence.strip() or f"Your answer to {grade_id} goes here."
        stub = stub.replace("NotImplementedError()", f"NotImplementedError({json.dumps(sentence, ensure_ascii=False)})", 1)
    return stub


def raises(code: str) -> bool:
    """Whether a stub runs as soon as its cell does (it does not inside a function that is only defined)."""
    def runs(node: ast.AST) -> bool:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return False
        if isinstance(node, ast.Raise):
            return "NotImplementedError" in ast.dump(node)
        return any(runs(child) for child in ast.iter_child_nodes(node))
    return runs(ast.parse(TransformerManager().transform_cell(code)))


# tests/setup/test_colab.py runs it, and lets the resolver say that it leaves Colab's own versions as they are.
COLAB = """\
# On Google Colab this cell fetches the course and installs what is missing; anywhere else it does nothing.
import sys
if "google.colab" in sys.modules:
    import os
    if not os.path.exists("course"):
        !git clone -q --depth 1 {repository} course
    %pip install -q -e ./course
    sys.path.insert(0, os.path.abspath("course"))
    from course_lib import colab
    colab.prepare()"""


def hosted_cells(name: str, repository: str) -> list[NotebookNode]:
    """Badges for Colab and Binder, and the cell that makes Colab ready; nothing without a repository."""
    if not repository:
        return []
    colab, binder = hosted_addresses(name, repository)
    badges = (f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) "
              f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder})")
    return [nbformat.v4.new_markdown_cell(badges, id=short_hash(f"{name}:badges")),
            nbformat.v4.new_code_cell(COLAB.format(repository=repository), id=short_hash(f"{name}:colab"))]


def hosted_addresses(name: str, repository: str) -> tuple[str, str]:
    """Where Colab and Binder open the student's notebook of a lesson."""
    path = repository.removeprefix(GITHUB)
    return (f"https://colab.research.google.com/github/{path}/blob/main/notebooks/{name}.ipynb",
            f"https://mybinder.org/v2/gh/{path}/HEAD?labpath=notebooks/{name}.ipynb")


# ---------------------------------------------------------------- the executed solution

def solution(source: Path) -> NotebookNode:
    """The complete lesson, not yet executed. In prose the markers become comments, which show nothing."""
    notebook = read(source)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"^#* *((?:BEGIN|END) (?:SOLUTION|MARK SCHEME).*)$", r"<!-- \1 -->",
                                 cell.source, flags=re.MULTILINE)
    return notebook


def code_hash(notebook: NotebookNode) -> str:
    """Hash of everything the kernel is given; prose does not count."""
    return short_hash("\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code"))


def file_hash(path: Path) -> str:
    """Hash of a file, "missing" without one. A text hashes alike with both kinds of line ends."""
    return short_hash(path.read_bytes().replace(b"\r\n", b"\n")) if path.is_file() else "missing"


def watched_files() -> dict[str, str]:
    """{path relative to ROOT: hash} of all of WATCHED, taken before a lesson runs: an edit meanwhile must not pass."""
    return {path.relative_to(ROOT).as_posix(): file_hash(path) for top in WATCHED for path in (ROOT / top).rglob("*")
            if path.is_file() and path.suffix != ".pyc"}


def execute(notebook: NotebookNode, folder: Path, name: str) -> list[str]:
    """Run the notebook in place, in a fresh kernel in `folder`, at laptop size.

    Returns the project's files (relative to ROOT) it used: library modules and what it read of `data/`.
    Raises AuthoringError when a cell fails.
    """
    client = NotebookClient(notebook, timeout=LONGEST_CELL, kernel_name="python3", record_timing=False, coalesce_streams=True,
                            extra_arguments=["--IPKernelApp.log_level=40"], resources={"metadata": {"path": str(folder)}})
    aside = nbformat.v4.new_code_cell(WATCH)             # nbclient wants its cells inside the notebook
    notebook.cells.append(aside)
    last = len(notebook.cells) - 1
    try:
        with client.setup_kernel(env=os.environ | {"COURSE_SIZE": "laptop"}):
            client.execute_cell(aside, last, store_history=False)
            for position, cell in enumerate(notebook.cells[:last]):
                try:
                    client.execute_cell(cell, position, store_history=True)
                except CellExecutionError as error:
                    raise AuthoringError(f"{name}, cell {position + 1} failed:\n{cell.source}\n\n"
                                         f"{error.ename}: {error.evalue}") from None
            aside.source = REPORT
            client.execute_cell(aside, last, store_history=False)
    finally:
        notebook.cells.pop()
    used = {Path(folder, file).resolve() for file in json.loads(aside.outputs[0].text)}
    return sorted(path.relative_to(ROOT).as_posix() for path in used
                  if path.suffix != ".pyc" and any(path.is_relative_to(ROOT / top) for top in WATCHED))


def clean(notebook: NotebookNode, name: str) -> None:
    """Take out of the outputs, in place, what differs from run to run.

    Raises AuthoringError for what a reader must not see: errors, stderr, dead widgets, addresses, folders of this machine.
    """
    count = 0
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.metadata.pop("execution", None)
        where = f"{name}, cell {position + 1}"
        for output in cell.outputs:
            if output.output_type == "error":
                raise AuthoringError(f"{where} raises {output.ename}: {output.evalue}\n"
                                     "A lesson catches the error it wants to show and prints it.")
            if output.output_type == "stream" and output.name == "stderr":
                raise AuthoringError(f"{where} writes to stderr:\n{output.text}\n"
                                     "A reader takes that for an error, and nbgrader scores it 0: silence its cause.")
            if output.output_type == "execute_result":
                output.execution_count = count
            data = output.get("data", {})
            if WIDGET in data and "text/html" not in data:
                raise AuthoringError(f"{where} shows a widget that is dead without a kernel: "
                                     "use course_lib.widgets, whose controls carry an HTML rendering.")
            data.pop(WIDGET, None)
        if address := re.search(r"\bat 0x[0-9a-f]{6,}", json.dumps(cell.outputs)):
            raise AuthoringError(f"{where} prints a memory address ({address[0]}), another one in each run: "
                                 "end the line with a semicolon, or print what the object holds.")
        if json.dumps(str(ROOT))[1:-1] in json.dumps(cell.outputs):
            raise AuthoringError(f"{where} prints a folder of this machine ({ROOT}): print a name or a relative path.")
    notebook.metadata.pop("widgets", None)


# ---------------------------------------------------------------- files

def text(notebook: NotebookNode) -> str:
    """The bytes of the file, always the same for the same notebook."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def why_stale(fresh: NotebookNode, stored: Path) -> str:
    """Why the executed notebook must run again, in words; "" when it need not."""
    if not stored.is_file():
        return "never executed"
    try:
        old = nbformat.read(stored, as_version=4)
        code, inputs = old.metadata["deblur_course"]["code"], old.metadata["deblur_course"]["inputs"]
    except Exception:
        return "no record of its last run"
    if code != code_hash(old):
        return "it was edited by hand"
    if code != code_hash(fresh):
        return "its code changed"
    changed = [path for path, value in inputs.items() if file_hash(ROOT / path) != value]
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return f"{', '.join(changed[:3])}{more} changed" if changed else ""


def with_outputs(fresh: NotebookNode, stored: Path) -> NotebookNode:
    """The fresh notebook with the outputs of the stored one, whose code is the same."""
    old = nbformat.read(stored, as_version=4)
    ran = [cell for cell in old.cells if cell.cell_type == "code"]
    for cell, same in zip((c for c in fresh.cells if c.cell_type == "code"), ran, strict=True):
        cell.outputs = same.outputs
    fresh.metadata["deblur_course"] = old.metadata["deblur_course"]
    clean(fresh, stored.name)
    return fresh


def refuse_large(content: str, notebook: NotebookNode, name: str) -> None:
    """Raise AuthoringError, naming the largest outputs, for a notebook above LARGEST_NOTEBOOK bytes."""
    size = len(content.encode())
    if size <= LARGEST_NOTEBOOK:
        return
    sizes = sorted(((len(json.dumps(c.outputs)), i + 1) for i, c in enumerate(notebook.cells)
                    if c.cell_type == "code"), reverse=True)[:3]
    raise AuthoringError(f"{name} has {size / 2**20:.1f} MB, at most {LARGEST_NOTEBOOK / 2**20:.0f} are allowed. Largest outputs: "
                         + ", ".join(f"cell {cell}: {bytes_ / 2**20:.2f} MB" for bytes_, cell in sizes))


def repository() -> str:
    """The hosted repository's address: `[tool.deblur-course] repository` in pyproject.toml, or "".

    Raises AuthoringError for anything but a repository on GitHub.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    given = settings.get("tool", {}).get("deblur-course", {}).get("repository", "")
    address = given.rstrip("/").removesuffix(".git")
    if address and not re.fullmatch(GITHUB + r"[\w.-]+/[\w.-]+", address):
        raise AuthoringError(f"pyproject.toml names the repository {given!r}. Colab and Binder need one like {GITHUB}OWNER/NAME; "
                             'without one, leave it empty: "".')
    return address


def build(source: Path, notebooks: Path, address: str = "") -> list[Path]:
    """Bring both notebooks of one source up to date; returns the files that changed.

    The executed one is written beside the source, the student's to the folder `notebooks`.
    """
    stored = source.with_suffix(".ipynb")
    fresh = solution(source)
    reason = why_stale(fresh, stored)
    if reason:
        print(f"{source.stem}: running ({reason}) … ", end="", flush=True)
        started, before = time.monotonic(), watched_files()
        inputs = execute(fresh, source.parent, source.name)
        fresh.metadata["deblur_course"] = {"code": code_hash(fresh), "inputs": {p: before.get(p, "missing") for p in inputs}}
        clean(fresh, source.name)
        print(f"{time.monotonic() - started:.0f} s", flush=True)
    else:
        fresh = with_outputs(fresh, stored)
    refuse_large(text(fresh), fresh, stored.name)
    contents = {stored: text(fresh), notebooks / stored.name: text(student(source, address))}
    return [path for path, content in contents.items() if write(path, content)]


def write(path: Path, content: str) -> bool:
    """Write a text file if its content differs; True if it did."""
    if path.is_file() and path.read_text(encoding="utf-8") == content:
        return False
    with atomic(path) as part:
        part.write_text(content, encoding="utf-8", newline="\n")
    return True


def stale(sources: list[Path], notebooks: Path, address: str = "") -> list[str]:
    """What `make notebooks` would change, one sentence each; executes nothing."""
    found = []
    for source in sources:
        stored, copied = source.with_suffix(".ipynb"), notebooks / f"{source.stem}.ipynb"
        fresh = solution(source)
        if reason := why_stale(fresh, stored):
            found.append(f"{stored.parent.name}/{stored.name} must run again: {reason}")
        elif text(with_outputs(fresh, stored)) != stored.read_text(encoding="utf-8"):
            found.append(f"{stored.parent.name}/{stored.name} differs from its source")
        if not copied.is_file() or copied.read_text(encoding="utf-8") != text(student(source, address)):
            found.append(f"{copied.parent.name}/{copied.name} differs from its source")
    return found


def orphans(solutions: Path, notebooks: Path) -> list[str]:
    """Notebooks without a source, and a glossary that is not the copy it should be."""
    found = [f"{path.parent.name}/{path.name} has no source {path.stem}.py: delete it"
             for folder in (solutions, notebooks) for path in sorted(folder.glob("*.ipynb"))
             if not (solutions / f"{path.stem}.py").is_file()]
    original, copied = solutions / "glossary.md", notebooks / "glossary.md"
    if original.is_file() and file_hash(original) != file_hash(copied):
        found.append(f"{notebooks.name}/glossary.md differs from {solutions.name}/glossary.md")
    return found


def sources_of(solutions: Path, numbers: list[str]) -> list[Path]:
    """The sources of the lessons with these numbers or names, all of them for none.

    Raises AuthoringError if one of them is no lesson.
    """
    everything = sorted(solutions.glob("[0-9][0-9]_*.py"))
    found = {one: meant(Path(one).stem, everything) for one in numbers}
    unknown = [one for one, paths in found.items() if not paths]
    if unknown or not everything:
        raise AuthoringError(f"No lesson {' '.join(unknown) or 'source'} in {solutions.name}/. There are: "
                             + (", ".join(path.stem for path in everything) or "none") + ".")
    return [path for path in everything if not numbers or any(path in paths for paths in found.values())]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m course_lib.authoring", description="Build the notebooks from solutions/*.py.")
    parser.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers; all lessons without any")
    parser.add_argument("--check", action="store_true", help="change nothing, fail if anything is stale")
    options = parser.parse_args(arguments)
    solutions, notebooks = ROOT / "solutions", ROOT / "notebooks"
    try:
        sources = sources_of(solutions, options.lessons)
        if options.check:
            found = stale(sources, notebooks, repository()) + orphans(solutions, notebooks)
            print("\n".join(found + ["Run `make notebooks`."]) if found else f"Up to date: {len(sources)} of {len(sources)} lessons.")
            return 1 if found else 0
        changed = [path for source in sources for path in build(source, notebooks, repository())]
        if (solutions / "glossary.md").is_file() and write(
                notebooks / "glossary.md", (solutions / "glossary.md").read_text(encoding="utf-8")):
            changed.append(notebooks / "glossary.md")
    except AuthoringError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    for path in changed:
        print("wrote", path.relative_to(ROOT))
    print(f"Lessons: {len(sources)}. Files changed: {len(changed)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
