"""my_work/: copies that are never overwritten, and a server that saves no dead widget."""

import json
import os
import pkgutil
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from nbformat.sign import NotebookNotary

from course_lib import workspace

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def own_jupyter_folder(tmp_path, monkeypatch):
    """Signatures of these tests stay out of the user's own store."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))


@pytest.fixture
def lessons(tmp_path):
    """Two lessons, a glossary and a picture, as notebooks/ has them."""
    folder = tmp_path / "notebooks"
    (folder / "pictures").mkdir(parents=True)
    for name in ("00_start_here", "04_generator"):
        write_lesson(folder / f"{name}.ipynb", "first")
    (folder / "glossary.md").write_text("# Glossary\n", encoding="utf-8")
    (folder / "pictures" / "gan.svg").write_text("<svg/>\n", encoding="utf-8")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "00_start_here-checkpoint.ipynb").write_text("{}", encoding="utf-8")
    return folder


def write_lesson(path, version):
    # HTML in an output is what JupyterLab refuses to bring to life in an untrusted notebook
    output = v4.new_output("display_data", {"text/html": f"<b>{version}</b>"})
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(f"# {version}", id="a", outputs=[output])]), path)


def names(paths):
    return [path.as_posix() for path in paths]


def test_everything_is_copied_once_and_trusted(lessons, tmp_path):
    work = tmp_path / "my_work"
    copied, newer = workspace.copy_lessons(lessons, work)
    assert names(copied) == ["00_start_here.ipynb", "04_generator.ipynb", "glossary.md", "pictures/gan.svg"]
    assert newer == []
    for path in copied:
        assert (work / path).read_bytes() == (lessons / path).read_bytes()
    assert NotebookNotary().check_signature(nbformat.read(work / "04_generator.ipynb", as_version=4))
    assert workspace.copy_lessons(lessons, work) == ([], [])


def test_the_students_work_survives_a_new_version(lessons, tmp_path):
    work = tmp_path / "my_work"
    workspace.copy_lessons(lessons, work)
    mine = work / "04_generator.ipynb"
    mine.write_text("my own work", encoding="utf-8")
    assert workspace.copy_lessons(lessons, work) == ([], [])        # edited by the student alone: nothing to say
    write_lesson(lessons / "04_generator.ipynb", "second")
    for _ in range(2):                                              # said at every start until it is renewed
        copied, newer = workspace.copy_lessons(lessons, work)
        assert (names(copied), names(newer)) == ([], ["04_generator.ipynb"])
    assert mine.read_text(encoding="utf-8") == "my own work"

    assert workspace.reset("04", lessons, work).read_text(encoding="utf-8") == "my own work"
    assert mine.read_bytes() == (lessons / "04_generator.ipynb").read_bytes()
    assert workspace.copy_lessons(lessons, work) == ([], [])


def test_reset_keeps_every_earlier_copy(lessons, tmp_path):
    work = tmp_path / "my_work"
    workspace.copy_lessons(lessons, work)
    kept = []
    for i, call in enumerate(("04", "4", "04_generator", "04_generator.ipynb")):
        (work / "04_generator.ipynb").write_text(f"attempt {i}", encoding="utf-8")
        kept.append(workspace.reset(call, lessons, work))
    assert [path.read_text(encoding="utf-8") for path in kept] == [f"attempt {i}" for i in range(4)]
    assert workspace.reset("glossary", lessons, work).name == "glossary_mine_1.md"


@pytest.mark.parametrize("lesson", ["00", "0"])
def test_reset_of_a_lesson_that_was_never_opened(lessons, tmp_path, lesson):
    assert workspace.reset(lesson, lessons, tmp_path / "my_work") is None
    assert (tmp_path / "my_work" / "00_start_here.ipynb").exists()


@pytest.mark.parametrize("lesson", ["", "7", "99", "generator", "../secret"])
def test_reset_names_what_there_is(lessons, tmp_path, lesson):
    with pytest.raises(ValueError, match=r"LESSON is .*04_generator"):
        workspace.reset(lesson, lessons, tmp_path / "my_work")
    assert not (tmp_path / "my_work").exists()


def test_a_damaged_record_costs_nothing(lessons, tmp_path):
    work = tmp_path / "my_work"
    workspace.copy_lessons(lessons, work)
    for damage in ("{", "[1]", ""):
        (work / workspace.RECORD).write_text(damage, encoding="utf-8")
        assert workspace.copy_lessons(lessons, work) == ([], [])
    write_lesson(lessons / "04_generator.ipynb", "second")
    assert names(workspace.copy_lessons(lessons, work)[1]) == ["04_generator.ipynb"]


def test_a_number_that_means_two_lessons_fetches_none(lessons, tmp_path):
    write_lesson(lessons / "04_other.ipynb", "first")
    with pytest.raises(ValueError, match="LESSON is '04'"):
        workspace.reset("04", lessons, tmp_path / "my_work")


def test_a_full_disk_leaves_no_half_lesson(lessons, tmp_path, monkeypatch):
    def half_a_copy(source, target):
        with open(target, "wb") as file:
            file.write(source.read_bytes()[:10])
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(shutil, "copyfile", half_a_copy)
    with pytest.raises(OSError):
        workspace.copy_lessons(lessons, tmp_path / "my_work")
    assert os.listdir(tmp_path / "my_work") == []


def test_saving_drops_the_widget_that_has_html_beside_it():
    bundle = {VIEW: {"model_id": "x"}, "text/html": "<input type=range>", "text/plain": "IntSlider()"}
    outputs = [{"output_type": "display_data", "data": dict(bundle)},
               {"output_type": "execute_result", "data": {VIEW: {}, "text/plain": "only a widget"}},
               {"output_type": "stream", "text": "words"}]
    model = {"type": "notebook", "content": {"cells": [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]}}
    workspace.drop_dead_widgets(model=model, path="x.ipynb", contents_manager=None)
    assert outputs[0]["data"] == {"text/html": "<input type=range>", "text/plain": "IntSlider()"}
    assert VIEW in outputs[1]["data"]
    before = json.dumps(model)
    workspace.drop_dead_widgets(model=model)
    assert json.dumps(model) == before
    for other in ({"type": "file", "content": "text"}, {"type": "directory", "content": None}):
        workspace.drop_dead_widgets(model=other)


def test_lab_serves_my_work_and_says_what_is_new(lessons, tmp_path, monkeypatch, capsys):
    from jupyterlab.labapp import LabApp

    given, work = [], tmp_path / "my_work"
    monkeypatch.setattr(LabApp, "launch_instance", given.append)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for display, user in (("", 0), (":0", 1000)):
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
        workspace.lab(["--port=1"], lessons, work)
        words, out = given.pop(), capsys.readouterr().out
        assert f"--ServerApp.root_dir={work}" in words and words[-1] == "--port=1"
        assert ("--no-browser" in words) == ("Open the address below" in out) == (not display)
        assert ("--allow-root" in words) == (user == 0)
        assert ("Copied to my_work: 00_start_here.ipynb, " in out) == (user == 0)

    for name in ("WAYLAND_DISPLAY", "darwin"):          # a screen there is, too, or always
        monkeypatch.setenv("DISPLAY", "")
        monkeypatch.setenv(name, "wayland-0") if name.isupper() else monkeypatch.setattr(sys, "platform", name)
        workspace.lab((), lessons, work)
        words = dict(word.lstrip("-").partition("=")[::2] for word in given.pop())
        assert "no-browser" not in words
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert pkgutil.resolve_name(words["ContentsManager.pre_save_hook"]) is workspace.drop_dead_widgets
    assert (Path(words["LabApp.app_settings_dir"]) / "overrides.json").is_file()
    assert words["LabApp.workspaces_dir"].startswith(str(work)) and (lessons / Path(words["LabApp.default_url"]).name).exists()

    write_lesson(lessons / "04_generator.ipynb", "second")
    (lessons / "glossary.md").write_text("# More\n", encoding="utf-8")
    workspace.lab((), lessons, work)
    said = re.findall(r"newer version of (\S+)\. .* reset LESSON=(\w+)`", capsys.readouterr().out)
    assert said == [("04_generator.ipynb", "04"), ("glossary.md", "glossary")]
    for _, name in said:
        assert workspace.reset(name, lessons, work)
