"""The command line: right answers, one clear sentence for bad input, no half-written file."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from test_photos import IMAGE, bad_files, huge, saved

from course_lib import __version__, photos
from course_lib.__main__ import _identity, main

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and limits as Unix has them")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small generator with random weights, stored as the course stores its own."""
    from test_restoration import random_weights

    from course_lib import networks, restoration

    folder = tmp_path_factory.mktemp("weights")
    settings = {"width": 4, "blocks": 1}
    restoration.save_weights(random_weights(networks.generator(**settings)), folder / "generator.npz")
    (folder / "settings.json").write_text(json.dumps({"generator": settings}))
    return str(folder)


@pytest.fixture
def deblur(weights, capsys):
    """Runs `deblur-course deblur … --precision float32`; returns status, stdout and stderr."""
    def run(*arguments, weights=weights):
        status = main(["deblur", *map(str, arguments), "--weights", weights, "--precision", "float32"])
        return status, *capsys.readouterr()
    return run


def expected(image, weights):
    from course_lib import restoration

    return restoration.deblur(image, restoration.load(weights))


def course(*arguments, **options):
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "course_lib", *map(str, arguments)], capture_output=True, text=True, **options)


# Help -------------------------------------------------------------------------------------------

def commands():
    return re.findall(r"^    (\w+) ", course("--help").stdout, re.M)


def test_help_names_every_command_and_each_has_its_own(capsys):
    found = commands()
    assert {"doctor", "deblur", "evaluate", "check", "train", "lab", "reset"} <= set(found)
    for command in found:
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0
        assert f"usage: deblur-course {command}" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"deblur-course {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["sharpen"], ["deblur"], ["deblur", "a.jpg", "--wieghts", "x"], ["evaluate", "--level", "5"]])
def test_wrong_arguments_are_named(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2 and "deblur-course" in capsys.readouterr().err


def test_errors_come_without_tensorflow(tmp_path):
    program = ("import sys; from course_lib.__main__ import main; status = main(sys.argv[1:])\n"
               "assert 'tensorflow' not in sys.modules; sys.exit(status)")
    answer = subprocess.run([sys.executable, "-c", program, "deblur", str(tmp_path / "a.jpg")], capture_output=True, text=True)
    assert answer.returncode == 2 and answer.stderr == f"There is no file {tmp_path / 'a.jpg'}.\n" and answer.stdout == ""


# deblur: right answers --------------------------------------------------------------------------

def test_the_result_lies_beside_the_photograph(deblur, tmp_path, weights):
    photo = saved(tmp_path / "a.png")
    before = photo.read_bytes()
    status, out, err = deblur(photo)
    assert (status, err) == (0, "")
    assert re.fullmatch(rf"{re.escape(str(photo))} -> \S+a_deblurred\.png  \(56 x 40, \d+ s\)\n", out)
    assert (photos.read(tmp_path / "a_deblurred.png") == expected(IMAGE, weights)).all()
    assert photo.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["a.png", "a_deblurred.png"]


def test_output_file_and_folder(deblur, tmp_path):
    photo = saved(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    assert deblur(photo, "-o", tmp_path / "b.tif")[0] == 0
    assert deblur(photo, "-o", tmp_path / "out")[0] == 0
    assert (photos.read(tmp_path / "b.tif") == photos.read(tmp_path / "out" / "a_deblurred.png")).all()


@pytest.mark.parametrize("kind", ["pixel", "grey", "rgba", "cmyk", "16-bit", "rotated", "palette"])
def test_photographs_of_every_kind(deblur, tmp_path, weights, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / ("a.jpg" if kind in ("cmyk", "rotated") else "a.gif" if kind == "palette" else "a.png")
    if kind == "16-bit":
        Image.fromarray((IMAGE[..., 0].astype(np.uint16) * 257)).save(path)
    else:
        mode = {"grey": "L", "rgba": "RGBA", "cmyk": "CMYK", "palette": "P"}.get(kind, "RGB")
        saved(path, mode, IMAGE[:1, :1] if kind == "pixel" else IMAGE, **({"exif": exif} if kind == "rotated" else {}))
    status, _, err = deblur(path, "-o", tmp_path / "out.png")
    assert (status, err) == (0, "")
    result = photos.read(tmp_path / "out.png")
    assert (result == expected(photos.read(path), weights)).all()
    assert result.shape == {"pixel": (1, 1, 3), "rotated": (56, 40, 3)}.get(kind, IMAGE.shape)


def test_a_kind_that_is_only_read_becomes_png(deblur, tmp_path):
    assert deblur(saved(tmp_path / "a.gif", "P"))[0] == 0
    assert (tmp_path / "a_deblurred.png").exists()


def test_24_megapixels(deblur, tmp_path):
    status, out, err = deblur(huge(tmp_path / "a.png", 6000, 4000), "-o", tmp_path / "b.jpg")
    assert (status, err) == (0, "")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.size == (6000, 4000)


# deblur: bad input ------------------------------------------------------------------------------

def test_bad_photographs_do_not_stop_the_others(deblur, tmp_path):
    bad = bad_files(tmp_path)
    good = tmp_path / "good.png"
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    out_folder = tmp_path / "out"
    out_folder.mkdir()
    status, out, err = deblur(*(tmp_path / name for name in bad), good, "-o", out_folder)
    assert status == 2
    lines = err.splitlines()
    assert len(lines) == len(bad)
    for line, (name, word) in zip(lines, bad.items()):
        assert name in line and word in line and line.endswith(".")
    assert out.startswith(str(good)) and os.listdir(out_folder) == ["good_deblurred.png"]
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_nothing_is_overwritten(deblur, tmp_path):
    photo, other = saved(tmp_path / "a.png"), saved(tmp_path / "b.png")
    before = photo.read_bytes()
    for target in (photo, tmp_path / "x" / ".." / "a.png"):
        (tmp_path / "x").mkdir(exist_ok=True)
        status, _, err = deblur(photo, "-o", target, "--force")
        assert status == 2 and "never overwritten" in err
    status, _, err = deblur(photo, "-o", other)
    assert status == 2 and "exists already" in err and "--force" in err
    assert photo.read_bytes() == other.read_bytes() == before
    assert deblur(photo, "-o", other, "--force")[0] == 0
    assert other.read_bytes() != before == photo.read_bytes()


@POSIX
def test_the_photograph_under_another_name_is_not_overwritten(deblur, tmp_path):
    photo = saved(tmp_path / "a.png")
    before = photo.read_bytes()
    os.link(photo, tmp_path / "hard.png")
    os.symlink(photo, tmp_path / "soft.png")
    for name in ("hard.png", "soft.png"):
        assert deblur(photo, "-o", tmp_path / name, "--force")[0] == 2
    assert photo.read_bytes() == before


def test_two_results_of_one_name(deblur, tmp_path):
    for folder in ("x", "y", "out"):
        (tmp_path / folder).mkdir()
    x, y = saved(tmp_path / "x" / "a.png"), saved(tmp_path / "y" / "a.png", image=IMAGE[::-1].copy())
    status, out, err = deblur(x, y, "-o", tmp_path / "out", "--force")
    assert status == 2 and "would replace" in err and str(y) in err
    assert len(out.splitlines()) == 1 and len(os.listdir(tmp_path / "out")) == 1


@pytest.mark.parametrize("output, words", [("a.xyz", "not a known photo format"), ("none/b.png", "no folder"),
                                           ("none/", "is not a folder"), ("file/b.png", "no folder")])
def test_bad_outputs(deblur, tmp_path, output, words):
    photo = saved(tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    status, out, err = deblur(photo, "-o", f"{tmp_path}/{output}")
    assert status == 2 and words in err and len(err.splitlines()) == 1 and out == ""
    assert sorted(os.listdir(tmp_path)) == ["a.png", "file"]


def test_a_photograph_too_wide_for_the_format_is_refused_before_any_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("course_lib.__main__._load", lambda options: pytest.fail("the work has begun"))
    photo = huge(tmp_path / "a.png", 16_384, 1)
    assert main(["deblur", str(photo), "-o", str(tmp_path / "b.webp")]) == 2
    assert "has 16384 x 1 pixels, and a side of a WEBP file at most 16383; use another" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder in which nobody may create files")
def test_an_unwritable_folder(deblur, tmp_path):
    status, out, err = deblur(saved(tmp_path / "a.png"), "-o", "/proc/self")
    assert status == 2 and "cannot be written" in err and len(err.splitlines()) == 1 and out == ""


@pytest.mark.parametrize("damage, words", [(None, "no generator"), ("generator.npz", "is damaged"), ("settings.json", "is damaged")])
def test_bad_weights(deblur, tmp_path, weights, damage, words):
    photo, folder = saved(tmp_path / "a.png"), tmp_path / "mine"
    if damage:
        folder.mkdir()
        for path in Path(weights).iterdir():
            data = path.read_bytes()
            (folder / path.name).write_bytes(data[:len(data) // 2] if path.name == damage else data)
    status, out, err = deblur(photo, weights=str(folder))
    assert status == 2 and words in err and len(err.splitlines()) == 1 and out == ""
    assert not (tmp_path / "a_deblurred.png").exists()


def test_a_tile_too_small(deblur, tmp_path):
    status, out, err = deblur(saved(tmp_path / "a.png"), "--tile", "4")
    assert status == 2 and "tile is 4" in err and out == ""


@POSIX
def test_a_full_disk_leaves_nothing(tmp_path, weights):
    photo = saved(tmp_path / "a.png", image=np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8))
    program = ("import resource, sys; from course_lib.__main__ import main\n"
               "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)); sys.exit(main(sys.argv[1:]))")
    answer = subprocess.run([sys.executable, "-c", program, "deblur", str(photo), "--weights", weights, "--precision", "float32"],
                            capture_output=True, text=True)
    assert answer.returncode == 2
    assert re.fullmatch(r"\S+a_deblurred\.png cannot be written \(.+\)\.\n", answer.stderr) and answer.stdout == ""
    assert os.listdir(tmp_path) == ["a.png"]


# In a terminal ----------------------------------------------------------------------------------

@POSIX
def test_ctrl_c_is_one_line(tmp_path, weights):
    photo = huge(tmp_path / "a.png", 6000, 4000)
    process = subprocess.Popen([sys.executable, "-m", "course_lib", "deblur", photo, saved(tmp_path / "b.png"), "--weights", weights],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")
    assert sorted(os.listdir(tmp_path)) == ["a.png", "b.png"]


@POSIX
def test_progress_is_shown_in_a_terminal_and_goes_away(tmp_path, weights):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "course_lib", "deblur", saved(tmp_path / "a.png"), "--weights", weights],
                               stdout=theirs, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 9999)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert process.wait() == 0 and process.stderr.read() == ""
    assert b"starting TensorFlow  " in shown
    assert shown.decode().rsplit("\r\x1b[K", 1)[1].startswith(f"{tmp_path}")


@POSIX
def test_a_reader_that_stops_early_is_no_error():
    program = ("import sys; from course_lib import doctor; from course_lib.__main__ import main\n"
               "doctor.report = lambda: doctor.Report((doctor.Record('disk', 'ok', 'free'),)); sys.exit(main(['doctor']))")
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as out:
        done = subprocess.run([sys.executable, "-c", program], stdout=out, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, b"")


# evaluate ---------------------------------------------------------------------------------------

def test_evaluate_prints_the_table_and_its_protocol(weights, capsys):
    from course_lib import blur, evaluation

    assert main(["evaluate", "--weights", weights, "--limit", "1", "--level", "2"]) == 0
    out, err = capsys.readouterr()
    name = photos.names("test")[0]
    blurred, sharp = blur.blur_photo(photos.load(name), 2, np.random.default_rng([0, 0]))
    result = expected(blurred, weights)
    for image, label in ((blurred, "blurred input"), (result, Path(weights).name)):
        psnr, ssim = f"{evaluation.psnr(sharp, image):.2f}", f"{evaluation.ssim(sharp, image):.3f}"
        assert re.search(rf"^{label} +PSNR +{psnr} +{psnr} +{psnr}$", out, re.M)
        assert re.search(rf"^{label} +SSIM +{ssim} +{ssim} +{ssim}$", out, re.M)
    assert evaluation.PROTOCOL in out and name in out and "level 2" in out and "float32" in out and err == ""


def test_evaluate_blurs_every_photograph_as_often_as_asked(weights, capsys):
    from course_lib import blur, evaluation

    assert main(["evaluate", "--weights", weights, "--limit", "1", "--level", "2", "--exposures", "2"]) == 0
    out = capsys.readouterr().out
    pairs = [blur.blur_photo(photos.load(photos.names("test")[0]), 2, np.random.default_rng([seed, 0])) for seed in (0, 1)]
    scores = [evaluation.psnr(sharp, blurred) for blurred, sharp in pairs]
    wanted = " +".join(f"{value:.2f}" for value in (max(scores), min(scores), np.mean(scores)))
    assert re.search(rf"^blurred input +PSNR +{wanted}$", out, re.M) and "random seeds 0 to 1." in out


@pytest.mark.parametrize("weights", [[], ["--weights", "kernel"]])
def test_without_a_generator_the_kernel_is_estimated(tmp_path, capsys, monkeypatch, weights):
    """deblur and evaluate: the same photograph, the same result, here of a short search."""
    from course_lib import blind, blur, camera_path, evaluation, refine

    monkeypatch.setattr(camera_path, "find", partial(camera_path.find, draws=256, rounds=((24, 1, 5),)))
    blurred, sharp = blur.blur_photo(photos.load(photos.names("test")[0]), 2, np.random.default_rng([0, 0]))
    result = refine.deblur(blurred, blind.load(), refine.load())
    photo = saved(tmp_path / "a.png", image=blurred)
    assert main(["deblur", str(photo), *weights]) == 0
    assert (photos.read(tmp_path / "a_deblurred.png") == result).all() and (result != blurred).any()
    assert "unchanged" not in capsys.readouterr().out
    assert main(["evaluate", *weights, "--limit", "1", "--level", "2"]) == 0
    assert re.search(rf"^kernel +PSNR +{evaluation.psnr(sharp, result):.2f} ", capsys.readouterr().out, re.M)


def test_what_did_not_move_is_said_to_be_unchanged(tmp_path, capsys):
    sharp = photos.load(photos.names("test")[0])[:600, :800]
    assert main(["deblur", str(saved(tmp_path / "a.png", image=sharp))]) == 0
    assert (photos.read(tmp_path / "a_deblurred.png") == sharp).all()
    assert ", unchanged: nothing to undo was found)" in capsys.readouterr().out


def test_a_generator_that_changes_nothing_is_not_said_to_have_looked(deblur, tmp_path):
    from course_lib import networks, restoration

    restoration.save_weights(networks.generator(width=4, blocks=1), tmp_path / "generator.npz")      # new: it returns its input
    (tmp_path / "settings.json").write_text('{"generator": {"width": 4, "blocks": 1}}')
    status, out, _ = deblur(saved(tmp_path / "a.png"), weights=str(tmp_path))
    assert status == 0 and out.endswith(" s, unchanged)\n")


def test_a_photograph_too_small_to_find_its_motion_is_named(tmp_path, capsys):
    small = saved(tmp_path / "small.png")
    assert main(["deblur", str(small)]) == 2
    assert capsys.readouterr().err == (f"{small}: the photograph is 56 x 40 pixels; its motion can only be read from 96 x 96 or more. "
                                       "The generators, such as level4, take smaller ones.\n")


def test_evaluate_reads_gopro(weights, tmp_path, capsys):
    for kind in ("blur", "sharp"):
        folder = tmp_path / "test" / "GOPR0001_07_00" / kind
        folder.mkdir(parents=True)
        for number in range(3):
            saved(folder / f"{number:06d}.png", image=np.roll(IMAGE, number * (kind == "blur"), axis=1))
    assert main(["evaluate", "--weights", weights, "--data", f"gopro:{tmp_path}", "--limit", "2"]) == 0
    out, err = capsys.readouterr()
    assert "2 pairs" in out and "'test'" in out and err == ""
    assert main(["evaluate", "--data", f"gopro:{tmp_path}", "--variant", "blur_gamma"]) == 2
    assert "blur_gamma/" in capsys.readouterr().err


@pytest.fixture
def own_pairs(tmp_path):
    """Three pairs in a folder of their own."""
    for kind in ("blur", "sharp"):
        (tmp_path / "own" / "test" / kind).mkdir(parents=True)
        for number in range(3):
            saved(tmp_path / "own" / "test" / kind / f"{number}.png", image=np.roll(IMAGE, (number + 1) * (kind == "blur"), axis=1))
    return tmp_path / "own"


def test_a_bad_pair_does_not_stop_the_others(weights, own_pairs, capsys):
    (own_pairs / "test" / "sharp" / "1.png").write_bytes(b"no photograph")
    saved(own_pairs / "test" / "sharp" / "2.png", image=IMAGE[1:])
    assert main(["evaluate", "--weights", weights, "--data", f"gopro:{own_pairs}"]) == 2
    out, err = capsys.readouterr()
    assert re.search(r"^3 pairs of .*\nLeft out: 2, named above\.$", out, re.M)
    bad = [own_pairs / "test" / "blur" / f"{number}.png" for number in (1, 2)]
    assert [line.startswith(f"{path} is left out: ") for line, path in zip(err.splitlines(), bad, strict=True)] == [True, True]
    (own_pairs / "test" / "blur" / "0.png").write_bytes(b"no photograph")
    assert main(["evaluate", "--weights", weights, "--data", f"gopro:{own_pairs}"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 4 and err.endswith("No photograph could be scored.\n")


def test_scores_are_kept_one_by_one_and_not_computed_again(weights, own_pairs, tmp_path, capsys, monkeypatch):
    from course_lib import evaluation, networks, restoration
    from test_restoration import random_weights

    asked = []

    def score(pairs, methods, score=evaluation.score):
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(pairs)
        return score(pairs, methods)

    file, copy = tmp_path / "scores.csv", tmp_path / "copy"
    shutil.copytree(weights, copy)
    command = ["evaluate", "--weights", str(copy), "--data", f"gopro:{own_pairs}"]
    assert main(command) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr(evaluation, "score", score)
    assert main([*command, "--scores", str(file)]) == 130 and len(asked) == 2
    lines = file.read_text().splitlines()
    assert lines[0] == "photograph,network,precision,psnr_blurred,ssim_blurred,psnr,ssim" and len(lines) == 3
    assert lines[1].startswith(f"{own_pairs / 'test' / 'blur' / '0.png'},{copy} ")
    capsys.readouterr()
    asked.clear()
    assert main([*command, "--scores", str(file)]) == 0 and len(asked) == 1
    assert capsys.readouterr().out.replace(f"\nNot computed again: 2, whose scores {file} held.", "") == whole

    asked.clear()
    restoration.save_weights(random_weights(networks.generator(width=4, blocks=1), 1), copy / "generator.npz")
    assert main([*command, "--limit", "1", "--scores", str(file)]) == 0 and len(asked) == 1, "other weights in the same folder"
    assert len(file.read_text().splitlines()) == 5


def test_the_scores_of_kernel_belong_to_its_weights(tmp_path, monkeypatch):
    from course_lib import refine

    before = _identity("kernel")
    assert re.fullmatch("kernel [0-9a-f]{12}", before) and before == _identity("kernel")
    (tmp_path / "refiner.npz").write_bytes(b"other weights")
    monkeypatch.setattr(refine, "STORED", tmp_path)
    assert _identity("kernel") != before


@pytest.mark.parametrize("content, words", [
    ("a,b\n", "--scores is FILE, which holds something else: its first line is not photograph,network"),
    (b"\xff\xfe", "which holds something else"),
    ("photograph,network,precision,psnr_blurred,ssim_blurred,psnr,ssim\na,level1,float32,20.5,0.", "Line 2 of FILE is not complete: delete it."),
    (None, "--scores is FILE, which can't be read or written ("),
])
def test_a_file_that_holds_no_scores_stays_as_it_is(own_pairs, tmp_path, capsys, content, words):
    file = tmp_path / "scores.csv"
    file.mkdir() if content is None else file.write_bytes(content.encode() if isinstance(content, str) else content)
    assert main(["evaluate", "--data", f"gopro:{own_pairs}", "--scores", str(file)]) == 2
    assert words.replace("FILE", str(file)) in capsys.readouterr().err
    assert content is None or file.read_bytes() == (content.encode() if isinstance(content, str) else content)


def test_evaluate_takes_all_photographs_of_a_split_or_some_spread_evenly():
    from course_lib.__main__ import _pairs, _parser

    test, train = photos.names("test"), photos.names("train")
    for more, split, chosen in (([], "test", test), (["--limit", "99"], "test", test),
                                (["--split", "train", "--limit", "2"], "train", [train[0], train[len(train) // 2]])):
        pairs, words = _pairs(_parser().parse_args(["evaluate", *more, "--exposures", "3"]))
        assert len(pairs) == len({name for name, _ in pairs}) == 3 * len(chosen)
        assert f"{len(chosen)} built-in photographs of the split {split!r} ({', '.join(chosen)}),\nblurred at level 4: " in words


@pytest.mark.parametrize("arguments, words", [
    (["--data", "imagenet"], 'use "photos" or "gopro:FOLDER"'),
    (["--data", "gopro:nowhere"], "nowhere"),
    (["--split", "all"], '"train", "validation" or "test"'),
    (["--limit", "0"], "--limit is 0"),
    (["--exposures", "0"], "--exposures is 0"),
    (["--data", "gopro:nowhere", "--exposures", "2"], "--exposures is for the built-in photographs"),
    (["--data", "gopro:nowhere", "--level", "4"], "--level is for the built-in photographs"),
    (["--variant", "blur"], "--variant is for GoPro's photographs"),
    (["--tile", "-7"], "--tile is -7; use at least 1"),
    (["--weights", "none"], "no generator 'none'"),
    (["--weights", "none"], "Or give kernel, which deblurs without a generator."),
    (["--weights", "refine"], "'refine' is no generator"),
])
def test_evaluate_says_what_is_wrong(arguments, words, capsys):
    assert main(["evaluate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert words in err and out == ""


# doctor, check, lab, reset ----------------------------------------------------------------------

def test_doctor_finds_this_machine_ready():
    answer = course("doctor")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stderr == ""
    for what in ("Python", "packages", "processor", "memory", "disk", "data", "networks", "TensorFlow", "GPU", "speed"):
        assert re.search(rf"^(ok|slow) +{what} ", answer.stdout, re.M), what
    assert answer.stdout.endswith("This machine is ready.\n")


def test_doctor_says_what_is_broken(monkeypatch, tmp_path, capsys):
    from course_lib import doctor

    monkeypatch.setattr(doctor, "DATA", tmp_path)
    monkeypatch.setattr(doctor, "_tensorflow", list)
    (tmp_path / "kept").write_text("as it was")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  kept\n{'0' * 64}  lost\n")
    monkeypatch.setattr(doctor, "version", lambda name: "0.1")
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert "kept has changed; lost is missing" in out and "tensorflow 0.1 is not" in out and "no trained network" in out
    problems = out.count("\nproblem") + out.startswith("problem")
    assert problems == 3 and out.count("->") >= problems and "not ready" in out and err == ""


def test_doctor_looks_at_the_networks_of_kernel_too(monkeypatch, tmp_path):
    from course_lib import doctor

    assert doctor._pretrained().finding == "trained: kernel, level1, level4, level4_report, refine"
    shutil.copytree(photos.DATA / "pretrained", tmp_path / "pretrained")
    (tmp_path / "pretrained" / "kernel" / "estimator.npz").unlink()
    monkeypatch.setattr(doctor, "DATA", tmp_path)
    assert doctor._pretrained().finding == "no weights for kernel"


def test_check_hands_over_its_status(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    path.write_text("{")
    assert main(["check", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("kept", [None, Path("my_work/04_generator_mine_1.ipynb")])
def test_reset_says_where_the_students_copy_is_kept(monkeypatch, capsys, kept):
    from course_lib import workspace

    monkeypatch.setattr(workspace, "reset", {"04": kept}.get)
    assert main(["reset", "04"]) == 0
    assert capsys.readouterr().out == "A fresh copy is in my_work." + (" Yours is kept as 04_generator_mine_1.ipynb.\n" if kept else "\n")


def test_reset_wants_a_lesson(capsys):
    assert main(["reset", "no such lesson"]) == 2
    assert "no such lesson" in capsys.readouterr().err


def test_doctor_says_that_the_data_are_missing(monkeypatch, tmp_path, capsys):
    from course_lib import doctor

    monkeypatch.setattr(doctor, "DATA", tmp_path / "data")
    monkeypatch.setattr(doctor, "_tensorflow", list)
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"problem  files +.*SHA256SUMS can't be read \(No such file", out) and "restore the folder data" in out
    assert re.search(r"problem  memory +can't be checked \(", out)


def test_one_photograph_that_cannot_be_reached_does_not_stop_the_others(deblur, tmp_path, monkeypatch):
    def unreachable(path, read=photos.read):
        if Path(path).name == "far.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(photos, "read", unreachable)
    far, near = saved(tmp_path / "far.png"), saved(tmp_path / "near.png")
    status, out, err = deblur(far, near)
    assert status == 2 and err == f"{far} can't be reached (Permission denied).\n" and "near_deblurred.png" in out


def test_a_pattern_means_the_photographs_it_matches(deblur, tmp_path):
    """Windows' shells hand it on as it is. A file of that very name comes first."""
    for name in ("a.png", "b.png", "[c].png"):
        saved(tmp_path / name)
    (tmp_path / "out").mkdir()
    assert deblur(tmp_path / "?.png", tmp_path / "[c].png", "-o", tmp_path / "out")[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a_deblurred.png", "b_deblurred.png", "[c]_deblurred.png"}


def test_a_pattern_overwrites_no_photograph_that_it_matches(deblur, tmp_path):
    for name in ("a.png", "a_deblurred.png"):
        saved(tmp_path / name)
    before = (tmp_path / "a_deblurred.png").read_bytes()
    assert deblur(tmp_path / "*.png", "--force")[0] == 2
    assert (tmp_path / "a_deblurred.png").read_bytes() == before
    assert deblur(tmp_path / "*.png", "-o", tmp_path / "out.png")[0] == 2 and not (tmp_path / "out.png").exists()


def test_a_name_too_long_stops_no_other(deblur, tmp_path):
    status, out, err = deblur(tmp_path / ("x" * 300 + ".png"), saved(tmp_path / "b.png"))
    assert status == 2 and "b_deblurred.png" in out and err


def test_photographs_may_stand_behind_an_option(deblur, tmp_path):
    first, second = saved(tmp_path / "a.png"), saved(tmp_path / "b.png")
    status, out, err = deblur(first, "--force", str(second))
    assert status == 0 and len(out.splitlines()) == 2, err
    with pytest.raises(SystemExit):
        deblur(first, "-x.png")


def test_settings_given_twice_add_up(tmp_path, monkeypatch):
    from course_lib import training

    given = []

    def train(folder, settings, *more):
        given.append(settings)
        return SimpleNamespace(history=[])

    monkeypatch.setattr(training, "train", train)
    main(["train", "--run", str(tmp_path / "run"), "--set", "epochs=20", "width=32", "--set", "learning_rate=3e-4"])
    assert [(s.epochs, s.width, s.learning_rate) for s in given] == [(20, 32, 3e-4)]


def test_train_hands_on_what_was_asked_and_says_whether_it_came_to_its_end(monkeypatch):
    from course_lib import training
    from course_lib.runs import SIZES

    asked, rows = [], 3
    monkeypatch.setattr(training, "train", lambda *given: asked.append(given) or SimpleNamespace(history=[{}] * rows))
    command = ["train", "--run", "mine", "--size", "smoke"]
    assert main([*command, "--resume", "--strategy", "mirrored", "--data", "photos+", "--level", "3", "--objective", "wgan-gp",
                 "--start-from", "level1", "--seed", "5", "--precision", "bfloat16"]) == 0
    rows = 2
    assert main(command) == 130
    changed = SIZES["smoke"].changed(data="photos+", level=3, objective="wgan-gp", start_from="level1", seed=5, precision="bfloat16")
    assert [(folder, settings, resume, strategy) for folder, settings, resume, _, strategy in asked] == [
        ("mine", changed, True, "mirrored"), ("mine", SIZES["smoke"], False, "none")]


def test_grade_hands_on_what_was_asked_and_says_whether_all_were_graded(monkeypatch, capsys):
    from course_lib import classroom

    given, failed = [], []
    monkeypatch.setattr(classroom, "grade", lambda *words: given.append(words) or failed)
    assert main(["grade", "class", "04", "--jobs", "3", "--force"]) == 0
    failed.append("ada")
    assert main(["grade", "class", "4", "--jobs", "1"]) == 1
    assert given == [(Path("class"), "04", 3, True), (Path("class"), "4", 1, False)]
    assert main(["grade", "class", "04", "--jobs", "0"]) == 2 and "--jobs is 0" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["classroom", "class"], ["grade", "class", "04"]])
def test_a_student_without_nbgrader_is_told_how_to_get_it(monkeypatch, capsys, arguments):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "jupytext")
    assert main(arguments) == 2 and "make teach" in capsys.readouterr().err


@pytest.mark.parametrize("memory, jobs", [(8.1, 2), (3.0, 1), (1e6, None)])
def test_as_many_are_graded_at_a_time_as_memory_allows(monkeypatch, memory, jobs):
    from course_lib import classroom, doctor

    given = []
    monkeypatch.setattr(doctor, "memory", lambda: memory)
    monkeypatch.setattr(classroom, "grade", lambda folder, lesson, jobs, force: given.append(jobs))
    main(["grade", "class", "04"])
    assert given == [min(jobs or os.cpu_count(), os.cpu_count())]


def test_lab_hands_on_jupyterlabs_arguments(monkeypatch):
    from course_lib import workspace

    given = []
    monkeypatch.setattr(workspace, "lab", given.append)
    assert main(["lab", "--port", "8890", "--no-browser"]) == 0
    assert given == [["--port", "8890", "--no-browser"]]
