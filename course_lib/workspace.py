"""The student's own folder, my_work/: copies of the lessons, and JupyterLab opened on them.

The lessons under notebooks/ stay as they are; a student works in copies. So solved exercises
never get in the way of `git pull`, and nothing a student wrote is ever overwritten: a newer
version of a lesson is announced, and `reset` fetches it, keeping the student's copy beside it.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from course_lib.files import atomic

ROOT = Path(__file__).resolve().parent.parent
LESSONS, WORK = ROOT / "notebooks", ROOT / "my_work"
SETTINGS = Path(__file__).parent / "jupyterlab"     # overrides.json: no news, no update check, no question about them
RECORD = ".lessons.json"        # in my_work: the hash of the version each copy was made from
START = "00_start_here.ipynb"
COMMAND = "py course.py" if os.name == "nt" else "make"     # how a student calls us


def sources(lessons: Path) -> list[Path]:
    """Everything a student gets, lessons and glossary: paths relative to `lessons`, sorted."""
    found = (path.relative_to(lessons) for path in lessons.rglob("*") if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.parts))


def copy_lessons(lessons: Path, work: Path) -> tuple[list[Path], list[Path]]:
    """Copy into `work` what is not there yet, and trust the copied notebooks.

    Returns the relative paths of what was copied, and of what was copied earlier and has changed
    in `lessons` since.
    """
    record = read_record(work)
    copied, newer = [], []
    for path in sources(lessons):
        version = sha256(lessons / path)
        if not (work / path).exists():
            with atomic(work / path) as part:
                shutil.copyfile(lessons / path, part)
            copied.append(path)
            record[path.as_posix()] = version
        elif record.setdefault(path.as_posix(), version) != version:
            newer.append(path)
    write_record(work, record)
    trust([work / path for path in copied if path.suffix == ".ipynb"])
    return copied, newer


def meant(lesson: str, paths: list[Path]) -> list[Path]:
    """Which of some lessons a number, "04" or "4", or a name means."""
    wanted = lesson.zfill(2) if lesson.isdigit() else lesson
    return [path for path in paths if wanted in (path.name, path.stem, path.name.split("_")[0])]


def reset(lesson: str, lessons: Path = LESSONS, work: Path = WORK) -> Path | None:
    """Fetch one lesson into `work` afresh; returns where the student's copy is kept, None if there was none.

    `lesson` is a number ("04" or "4"), or a file's name with or without its suffix.

    Raises
    ------
    ValueError if no lesson, or more than one, has that name.
    """
    found = meant(lesson, sources(lessons))
    if len(found) != 1:
        raise ValueError(f"LESSON is {lesson!r}; give the number or the name of one of these, as in `{COMMAND} reset LESSON=04`: "
                         + ", ".join(path.stem for path in sources(lessons)) + ".")
    copied = work / found[0]
    kept = None
    if copied.exists():
        numbers = (copied.with_name(f"{copied.stem}_mine_{i}{copied.suffix}") for i in range(1, 10_000))
        kept = next(name for name in numbers if not name.exists())
        copied.rename(kept)
    copy_lessons(lessons, work)
    return kept


def read_record(work: Path) -> dict[str, str]:
    """The versions `work` was copied from; empty when nothing is recorded or the record is damaged."""
    try:
        record = json.loads((work / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(work: Path, record: dict[str, str]) -> None:
    with atomic(work / RECORD) as part:
        part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def trust(notebooks: list[Path]) -> None:
    """Sign notebooks as `jupyter trust` does, so that sliders and links in them are live at once."""
    if not notebooks:
        return
    import nbformat                     # half a second that most starts can do without
    from nbformat.sign import NotebookNotary
    notary = NotebookNotary()
    for path in notebooks:
        notary.sign(nbformat.read(path, as_version=4))


def drop_dead_widgets(model: dict, **_) -> None:
    """JupyterLab calls this before saving: of an output that is both widget and HTML, keep the HTML.

    A widget lives only as long as its kernel; reopened, it would show "model not found". The HTML
    beside it is the same slider, complete in itself.
    """
    if model.get("type") != "notebook" or not model.get("content"):
        return
    for cell in model["content"]["cells"]:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output["data"].pop("application/vnd.jupyter.widget-view+json", None)


def lab(arguments: Sequence[str] = (), lessons: Path = LESSONS, work: Path = WORK) -> None:
    """Bring my_work/ up to date and open JupyterLab on its first lesson; returns when the server ends.

    `arguments` go to JupyterLab, for example ["--port", "8890"].
    """
    copied, newer = copy_lessons(lessons, work)
    if copied:
        print(f"Copied to {work.name}: " + ", ".join(map(str, copied)))
    for path in newer:
        number = path.name.split("_")[0] if path.suffix == ".ipynb" else path.stem
        print(f"There is a newer version of {path}. Yours stays as it is; `{COMMAND} reset LESSON={number}` fetches the new one "
              "and keeps yours beside it.")
    screen = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    print("JupyterLab is starting. " + ("Your browser will open" if screen else "Open the address below in a browser")
          + "; press Ctrl-C twice here to end it.", flush=True)

    from jupyterlab.labapp import LabApp
    LabApp.launch_instance([
        f"--ServerApp.root_dir={work}",
        f"--LabApp.default_url=/lab/tree/{START}",
        f"--LabApp.app_settings_dir={SETTINGS}",
        f"--LabApp.workspaces_dir={work / '.open_tabs'}",       # not those of the student's other projects
        "--ContentsManager.pre_save_hook=course_lib.workspace.drop_dead_widgets",
        # A photograph uploaded in lesson 09 is one message; over Tornado's 10 MB the page would lose its kernel without a word.
        "--ServerApp.tornado_settings={'websocket_max_message_size': 100_000_000}",
        "--log-level=WARN",
        *([] if screen else ["--no-browser"]),      # else a text browser might take over the terminal
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),    # in a container
        *arguments,
    ])
