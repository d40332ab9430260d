"""Google Colab: its versions resolve with the course's, and the first cell of a lesson fetches and prepares the course."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_lib import __version__, authoring

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).with_name("colab-constraints.txt")
COLAB = dict(re.findall(r"^([\w.-]+)==(\S+)$", PINS.read_text(encoding="utf-8"), re.M))
SOURCE = authoring.sources_of(ROOT / "solutions", ["00"])[0]
REPOSITORY = "https://github.com/someone/course"


def uv(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "uv", "pip", *map(str, arguments)], cwd=ROOT, text=True, capture_output=True, **more)


def test_colabs_versions_are_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {canonicalize_name(one.name): one.specifier for one in map(Requirement, project["dependencies"])}
    assert wanted.keys() - COLAB.keys() == {"jupyterlab", "keras"}
    assert not [f"{name} {COLAB[name]}" for name in wanted.keys() & COLAB.keys() if not wanted[name].contains(COLAB[name])]


@pytest.mark.full
def test_colabs_versions_resolve():
    """All that the course needs, with everything that Colab has left as it is. Asks the package index."""
    resolved = uv("compile", "--quiet", "--no-header", "--only-binary", ":all:", "--python-version", "3.13",
                  "--python-platform", "x86_64-unknown-linux-gnu", "--constraint", PINS, "pyproject.toml")
    assert resolved.returncode == 0, resolved.stderr[-2000:]
    found = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", resolved.stdout, re.M))
    new = sorted(found.keys() - COLAB.keys())
    print("Colab installs besides what it has:", ", ".join(f"{name} {found[name]}" for name in new))
    assert "jupyterlab" in new and len(new) < 20, f"{new}: is the list of Colab's packages complete?"


# ---------------------------------------------------------------- the first cell

@pytest.fixture
def hosted(tmp_path):
    """(folder, environment) of a machine like Colab: `git clone` of REPOSITORY takes what is here, and pip asks nobody."""
    origin = tmp_path / "origin"
    shutil.copytree(ROOT / "course_lib", origin / "course_lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, origin)
    identity = ["-c", "user.name=course", "-c", "user.email=course@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "course"]):
        subprocess.run(["git", "-C", origin, *command], check=True)
    module = tmp_path / "modules" / "google" / "colab"
    module.mkdir(parents=True)
    (module / "__init__.py").touch()
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path / "modules"), "IPYTHONDIR": str(tmp_path / "ipython"), "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{origin.as_uri()}.insteadOf", "GIT_CONFIG_VALUE_0": REPOSITORY,
        "PIP_DRY_RUN": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}     # this 0 means: without
    (tmp_path / "content").mkdir()
    return tmp_path / "content", environment


def run(hosted, code: str):
    """Run code with IPython's commands in it, as Colab does."""
    folder, environment = hosted
    script = folder.parent / "cell.ipy"
    script.write_text(code, encoding="utf-8")
    return subprocess.run([sys.executable, "-m", "IPython", "--colors=NoColor", script], cwd=folder, env=environment,
                          text=True, capture_output=True, timeout=300)


def first_code() -> str:
    return next(cell.source for cell in authoring.student(SOURCE, REPOSITORY).cells if cell.cell_type == "code")


def test_the_first_cell_makes_colab_ready(hosted):
    folder, _ = hosted
    done = run(hosted, f"import google.colab\n{first_code()}\n{first_code()}\nimport course_lib\nprint(course_lib.__file__)\n")
    ready = f"The course {__version__} is in {folder / 'course'}, and everything the lessons need is installed.\n"
    assert done.stdout.replace("Note: you may need to restart the kernel to use updated packages.\n", "") == (
        2 * ready + f"{folder / 'course' / 'course_lib' / '__init__.py'}\n"), done.stderr
    assert done.stderr == "" and (folder / "course" / ".git").is_dir()


def test_the_first_cell_does_nothing_elsewhere(hosted):
    done = run(hosted, first_code())
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert not any(hosted[0].iterdir())


# ---------------------------------------------------------------- ipywidgets 7

SLIDERS = """
import io, sys
import numpy as np
import ipywidgets
import pytest
from PIL import Image
from course_lib import colab, upload, widgets
assert ipywidgets.__version__ == sys.argv[1], ipywidgets.__version__
colab.prepare()
photo = io.BytesIO()
Image.fromarray(np.full((12, 20, 3), 90, np.uint8)).save(photo, "PNG")
live = upload.button(lambda photo: widgets.swipe(photo, 255 - photo, alt="a photograph and its negative"))
choose = live.widget.children[0]
choose.metadata, choose.data, choose._counter = [{"name": "holiday.png"}], [photo.getvalue()], 1     # what the browser sends
assert type(live.widget.children[1]).__name__ == "VBox", live.widget.children
from IPython.core.interactiveshell import InteractiveShell
bundle, _ = InteractiveShell.instance().display_formatter.format(choose)
assert bundle[colab.VIEW]["model_id"] == choose.model_id
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "tests/library/test_widgets.py", "tests/library/test_training_view.py"]))
"""


@pytest.mark.full
def test_sliders_with_colabs_ipywidgets(tmp_path):
    """The library's own tests of the sliders, with version 7 and what `colab.prepare` adds. Asks the package index."""
    needed = [f"{name}=={COLAB[name]}" for name in ("ipywidgets", "ipython-genutils")]
    installed = uv("install", "--quiet", "--no-deps", "--target", tmp_path / "old", *needed)
    assert installed.returncode == 0, installed.stderr[-1000:]
    done = subprocess.run([sys.executable, "-c", SLIDERS, COLAB["ipywidgets"]], cwd=ROOT, text=True, capture_output=True,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "old"), str(ROOT)])})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
