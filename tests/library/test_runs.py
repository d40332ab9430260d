"""Settings from text, and run folders read without TensorFlow."""

import errno
import os

import numpy as np
import pytest

from course_lib import blur, photos
from course_lib.files import atomic, locked
from course_lib.runs import Run, RunError, Settings, read_checkpoint, write_history, write_settings


def test_settings_are_read_from_text():
    settings = Settings().changed_by(["width=32", "learning_rate=3e-4", "squash=true", "steps=none", "limit=7", "content=l1"])
    assert (settings.width, settings.learning_rate, settings.squash) == (32, 3e-4, True)
    assert settings.changed_by(["content=none"]).content is None
    assert (settings.steps, settings.limit, settings.content) == (None, 7, "l1")
    again = settings.changed_by(["squash=False", "limit=None", "precision=float32"])       # as Python writes them, too
    assert (again.squash, again.limit, again.precision) == (False, None, "float32")


@pytest.mark.parametrize("text, message", [
    ("widht=32", "no setting 'widht'"), ("width=wide", "width takes int"), ("steps=many", "steps takes int or none"),
    ("squash=yes", "squash takes true or false"), ("width", "width takes int"),
])
def test_a_wrong_text_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        Settings().changed_by([text])


@pytest.mark.parametrize("wrong, message", [
    ({"width": "8"}, "width is '8'; it takes int"), ({"limit": -5}, "limit is -5; it must be at least 1"),
    ({"batch": 0}, "batch is 0"), ({"patch": 30}, "patch is 30; it must be at least 4 and a multiple of 4"),
    ({"held_out_patch": 8}, "held_out_patch is 8; it must be at least 12"), ({"start_from": 3}, "start_from is 3; it takes str or none"),
])
def test_a_value_that_cannot_be_used_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings().changed(**wrong)


@pytest.mark.parametrize("content", ["", "{", '{"settings": {"colour": 1}}', "[]"])
def test_damaged_settings_are_one_sentence(tmp_path, content):
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(RunError, match="can't be read as a run's settings"):
        Run(tmp_path)


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with atomic(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_who_may_read_a_file_is_the_users_choice(tmp_path):
    before = os.umask(0o077)
    try:
        with atomic(tmp_path / "new") as temporary:
            temporary.write_text("mine")
        (tmp_path / "new").chmod(0o664)
        with atomic(tmp_path / "other") as temporary:
            temporary.write_text("mine")
        with atomic(tmp_path / "new") as temporary:
            temporary.write_text("renewed")
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("new", "other")] == [0o664, 0o600]


def test_files_reach_the_disk_through_a_descriptor_for_writing(tmp_path, monkeypatch):
    """Windows refuses to flush one that is open for reading only."""
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.write(descriptor, b"")))
    with atomic(tmp_path / "file.txt") as temporary:
        temporary.write_text("new")
    assert flushed == [0] and (tmp_path / "file.txt").read_text() == "new"


def test_a_checkpoint_that_cannot_be_opened_is_not_called_damaged(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path)

    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(np, "load", denied)
    with pytest.raises(PermissionError):
        read_checkpoint(tmp_path)


def test_a_history_comes_back_as_it_was_written(tmp_path):
    """The untrained network has no losses."""
    rows = [{"epoch": 0, "psnr": 25.1234}, {"epoch": 1, "content": 0.0123456, "psnr": 26.5}]
    write_settings(tmp_path, Settings(), {})
    assert Run(tmp_path).history == []
    write_history(tmp_path, rows)
    assert Run(tmp_path).history == rows
    for damaged in ("epoch,psnr\n0,25.1x\n", "epoch,psnr\n0,25.1,7\n"):
        (tmp_path / "history.csv").write_text(damaged)
        with pytest.raises(RunError, match="history.csv is damaged .*; restore the file"):
            Run(tmp_path).history


@pytest.mark.parametrize("folder", sorted((photos.DATA / "runs").iterdir()), ids=lambda folder: folder.name)
def test_a_stored_run_is_whole(folder):
    """Its command gives its settings; every epoch has a row and, of the photographs that are kept, a picture."""
    run = Run(folder)
    assert [row["epoch"] for row in run.history] == list(range(run.settings.epochs + 1))
    words = (folder / "command.txt").read_text(encoding="utf-8").split()
    assert run.settings.changed_by([word for word in words if "=" in word]) == run.settings
    kept = sorted(int(path.stem.split("_")[1]) for path in (folder / "pictures").glob("sharp_*.webp"))
    for photo in kept:
        for which in ("blurred", "sharp", *range(run.settings.epochs + 1)):
            side = run.settings.held_out_patch
            assert run.picture(which, photo).shape == (side, side, 3)


def test_pictures_are_found_by_any_whole_number_and_from_the_end():
    run = Run(photos.DATA / "runs" / "content")
    last, count = len(run.history) - 1, len(list((run.folder / "pictures").glob("sharp_*.webp")))
    assert (run.picture(np.int64(last), 0) == run.picture(-1)).all()
    for which, photo in ((last + 1, 0), (0, 99)):
        with pytest.raises(RunError, match=f"epochs 0 to {last} of photographs 0 to {count - 1}\\."):
            run.picture(which, photo)
    with pytest.raises(TypeError):
        run.picture(1.5)
    with pytest.raises(RunError, match=f"no weights .*epochs 0 to {last}"):
        run.weights(last + 1)


def test_the_few_photographs_are_crops_of_the_built_in_ones():
    """The pairs of the run that overfits, made again: level 2, 64 pixels, seed (8, i)."""
    pairs = photos.DATA / "runs" / "few_photographs" / "pairs"
    for split, names in (("train", ["mountain_pass", "forest_stream", "fig_bowl", "wine_shelf"]), ("test", ["hillside", "window_dogs"])):
        for i in range(8):
            made = blur.blur_patch(photos.load(names[i % len(names)]), 2, 64, np.random.default_rng([8, i]))
            for kind, image in zip(("blur", "sharp"), made):
                # another processor may round a value the other way
                assert np.abs(photos.read(pairs / split / "crops" / kind / f"{i}.png").astype(int) - image).max() <= 1
            for kind in ("blur", "sharp"):
                seen = pairs.parents[1] / "few_photographs_seen" / "pairs"
                stored = (pairs / "train" / "crops" / kind / f"{i}.png").read_bytes()
                assert all((seen / part / "crops" / kind / f"{i}.png").read_bytes() == stored for part in ("train", "test"))


@pytest.mark.skipif(os.name == "nt", reason="Windows locks otherwise")
def test_a_file_system_without_locks_can_be_trained_on(tmp_path, monkeypatch):
    import fcntl

    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with locked(tmp_path / ".lock"):
        pass
