"""The command line: `deblur-course`, or `python -m course_lib`.

Each command imports what it needs only when it runs, so help and errors come at once,
without TensorFlow. Exit status: 0 done, 1 something is not as it should be, 2 bad input, 130 Ctrl-C.
"""

import argparse
import csv
import hashlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from glob import glob
from itertools import chain
from pathlib import Path

import course_lib

WEIGHTS = "kernel"
BUILT_IN_ONLY = "--{} is for the built-in photographs: those of GoPro were blurred by a camera, once; leave it out."


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):     # a file name or character that the terminal cannot show is no reason to stop
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if os.name == "nt" and sys.stdout.isatty():
        os.system("")                           # has an older Windows console clear a line when told so, as progress does
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if options.run is deblur:                   # photographs after an option
        options.photos += [word for word in rest if not word.startswith("-")]
        rest = [word for word in rest if word.startswith("-")]
    if rest and options.run is not lab:         # the rest of `lab` is JupyterLab's
        file = f" (if it is a file, write ./{rest[0]})" if options.run is deblur else ""
        parser.error(f"unknown argument {rest[0]}{file}; see `deblur-course {options.command} --help`.")
    options.rest = rest
    try:
        status = options.run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:                     # as in `deblur-course doctor | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, MemoryError) as error:
        return _bad(str(error) or "There is not enough memory; close other programs.")


def _bad(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deblur-course",
        description="Image deblurring with GANs: the course on the command line.",
        epilog="`deblur-course COMMAND --help` explains a command.")
    parser.add_argument("--version", action="version", version=f"deblur-course {course_lib.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(run: Callable[[argparse.Namespace], int], description: str) -> argparse.ArgumentParser:
        summary = description.split(". ")[0].rstrip(".")
        added = commands.add_parser(run.__name__, help=summary[0].lower() + summary[1:], description=description)
        added.set_defaults(run=run)
        return added

    command(doctor, "Check whether this machine is ready for the course. Prints one line for each thing checked, "
                    "with advice where something is missing or slow.")

    _add_deblur(command)
    _add_evaluate(command)
    _add_train(command)

    add = command(check, "Check a notebook. Runs a copy of it from top to bottom and says which exercises pass, "
                         "and how many points you have so far.").add_argument
    add("notebook", help="a lesson in my_work, for example my_work/03_counting_parameters.ipynb")

    command(lab, "Open the lessons in JupyterLab. They are copied to my_work first; what is already there stays. "
                 "Further arguments go to JupyterLab, for example --port 8890.")

    add = command(reset, "Fetch a fresh copy of a lesson. Yours is kept in my_work under another name.").add_argument
    add("lesson", help="its number or name, for example 04")
    _add_classroom(command)
    return parser


def _add_classroom(command: Callable) -> None:
    add = command(classroom, "Make a classroom or bring it up to date. It is a folder from which nbgrader can release, collect and grade; "
                             "grades and your own changes stay.").add_argument
    add("folder", metavar="FOLDER", help="outside the course's own folder, for example ../deblurring-2027")

    add = command(grade, "Grade a lesson's submissions. Runs several at a time, each confined. What is already graded is left alone, "
                         "so after an interruption the same command does the rest.").add_argument
    add("folder", metavar="FOLDER", help="the classroom")
    add("lesson", help="its number or name, for example 04")
    add("--jobs", type=int, metavar="N",
        help="how many at a time; if not given, as many as there are processors and as fit into memory at 4 GB each")
    add("--force", action="store_true", help="grade again what is already graded; grades given by hand stay")


def _add_deblur(command: Callable) -> None:
    add = command(deblur, "Deblur photographs. Each result is a new file; the photograph itself is never changed. "
                          "kernel undoes the camera's motion, in half a minute to some minutes, and leaves a photograph alone where it finds "
                          "none; it needs at least 96 x 96 pixels. A generator helps only with the "
                          "blur it was trained on: level4 with that of a moving camera, level1 with one known motion of 11 pixels.").add_argument
    add("photos", nargs="+", metavar="PHOTO", help="JPEG, PNG, TIFF, WebP, BMP or GIF, up to 64 megapixels; transparency is "
                                                   "laid over white, colour profiles and other metadata are left out")
    add("-o", "--output", metavar="OUT", help="file for the result, or folder for the results; "
                                              "NAME_deblurred beside the photograph if not given")
    _add_method(add)
    add("--force", action="store_true", help="replace a result that exists already")
    _add_machine(add)


def _add_evaluate(command: Callable) -> None:
    add = command(evaluate, "Score a network. Prints PSNR and SSIM of blurred photographs before and after deblurring, as in the report's "
                            "Table 4: maximum, minimum and mean.").add_argument
    _add_method(add)
    add("--data", default="photos", metavar="photos|gopro:FOLDER",
        help="the built-in photographs, blurred by the course (if not given), or a copy of the GoPro dataset")
    add("--split", default="test", help="train, validation (built-in photographs only), test or all (GoPro only); test if not given. Of "
                                        "pairs that lie in one folder blur and one folder sharp, test is the last tenth")
    add("--level", type=int, choices=(1, 2, 3, 4),
        help="how the built-in photographs are blurred: 1 one known motion, 2 random directions, 3 random camera paths, "
             "4 like GoPro; 4 if not given")
    add("--exposures", type=int, default=1, metavar="N",
        help="blur each built-in photograph N times, with N random seeds, because one blur says little; 1 if not given")
    add("--variant", choices=("blur", "blur_gamma"), help="which of GoPro's two blurs; blur if not given")
    add("--limit", type=int, metavar="N", help="at most N photographs, spread evenly over all")
    add("--scores", metavar="FILE.csv",
        help="keep the scores of every photograph in this file, each as soon as it is known; what the file holds already is not "
             "computed again, so after an interruption the same command does the rest. Several networks may share a file")
    _add_machine(add, precision="float32")


def _add_train(command: Callable) -> None:
    add = command(train, "Train a network. Ctrl-C stops it after the current step and keeps everything; "
                         "the same command with --resume continues from exactly there.").add_argument
    add("--run", required=True, metavar="FOLDER", dest="folder",
        help="where settings, history, weights and pictures of every epoch are kept")
    add("--size", default="laptop", choices=("smoke", "laptop", "paper"),
        help="smoke: seconds, only to see that it runs; laptop: minutes, a small network and one blur; "
             "paper: the report's network and Section 3.2 to the letter, days without an accelerator; laptop if not given")
    add("--data", metavar="photos|photos+|gopro:FOLDER",
        help="the built-in photographs, blurred by the course; the same plus those of data/more_photos, of streets, "
             "buildings and people; or a copy of the GoPro dataset")
    add("--level", type=int, choices=(1, 2, 3, 4), help="how the built-in photographs are blurred; --size decides if not given")
    add("--objective", choices=("content", "report", "wgan-gp", "minimax", "minimax-ns"),
        help="content: no adversary; report: perceptual and Wasserstein loss as in Section 2.3; wgan-gp: the same with an "
             "unbounded critic under a gradient penalty; minimax: equation (1); minimax-ns: its non-saturating form")
    add("--start-from", metavar="RUN", help="begin with the generator of a finished run or of data/pretrained")
    add("--seed", type=int, help="another seed, another run; the same seed, the same run")
    add("--precision", choices=("auto", "float32", "bfloat16"), help="auto measures which is faster here")
    add("--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE", dest="changes",
        help="any other setting, for example epochs=20 learning_rate=3e-4; settings.json of a run lists them all")
    add("--strategy", default="none", choices=("none", "mirrored", "multiworker"),
        help="mirrored: all accelerators of this machine; multiworker: several machines, named in the variable TF_CONFIG")
    add("--resume", action="store_true", help="continue the run in FOLDER, or start it if there is none")


def _add_method(add: Callable) -> None:
    add("--weights", default=WEIGHTS,
        help="kernel: not a generator; a small network reads the camera's motion off the photograph's spectrum, "
             "Richardson-Lucy undoes it, and a second network cleans up the result, all in float32, whatever --tile and "
             "--precision say; or a generator of the course (a folder in data/pretrained), or the folder of your own training run, "
             f"written ./NAME if a generator of the course has that name; {WEIGHTS} if not given")


def _add_machine(add: Callable, precision: str = "auto") -> None:
    add("--precision", default=precision, choices=("auto", "float32", "bfloat16"),
        help="bfloat16 is faster on some processors and occasionally a grey level off; auto takes what is faster here; "
             f"{precision} if not given")
    add("--tile", type=int, metavar="PIXELS",
        help="side of the tiles a large photograph is cut into; smaller needs less memory")


def doctor(options: argparse.Namespace) -> int:
    from course_lib.doctor import report

    with _progress("looking"):
        found = report()
    print(found)
    return 0 if found.ready else 1


# --- deblur -----------------------------------------------------------------------------------

def deblur(options: argparse.Namespace) -> int:
    """Deblur every photograph; one bad one does not stop the others."""
    from course_lib import photos

    method = cache(partial(_load, options))     # loaded when the first photograph has been read
    results, status = set(), 0
    options.photos = list(chain.from_iterable(map(_matching, options.photos)))
    for photo in map(Path, options.photos):
        try:
            image = photos.read(photo)
            output = _output(photo, image, options, results)
            restored, _, _ = method()
            start = time.monotonic()
            with _progress(photo.name) as say:
                try:
                    result = restored(image, lambda text: say(f"{photo.name}: {text}"))
                except photos.PhotoError as error:      # which knows only the image
                    raise photos.PhotoError(f"{photo}: {error}") from None
                photos.write(output, result)
            results.add(output.resolve())
            height, width = image.shape[:2]
            found = "" if (result != image).any() else ", unchanged"
            if found and options.weights == WEIGHTS:        # a generator looks for nothing
                found += ": nothing to undo was found"
            print(f"{photo} -> {output}  ({width} x {height}, {time.monotonic() - start:.0f} s{found})", flush=True)
        except (photos.PhotoError, MemoryError) as error:
            status = _bad(str(error) or f"There is not enough memory for {photo}; close other programs.")
        except OSError as error:
            status = _bad(f"{error.filename or photo} can't be reached ({error.strerror or error}).")
    return status


def _matching(word: str) -> list[str]:
    """The files that a word such as *.jpg means, sorted: Windows' shells leave that to the program. Else the word itself."""
    return [word] if os.path.exists(word) else sorted(glob(word)) or [word]


def _output(photo: Path, image, options: argparse.Namespace, results: set[Path]) -> Path:
    """Where the result of `photo` goes; PhotoError if it cannot, or if something is there."""
    from course_lib.photos import WRITES, PhotoError, check_output

    suffix = photo.suffix if photo.suffix.lower() in WRITES else ".png"
    output = photo.with_name(f"{photo.stem}_deblurred{suffix}")
    if options.output:
        folder = Path(options.output)
        if len(options.photos) > 1 or folder.is_dir() or options.output.endswith(("/", os.sep)):
            if not folder.is_dir():
                raise PhotoError(f"{folder} is not a folder; make it first, or give a folder that exists.")
            output = folder / output.name
        else:
            output = folder
    check_output(output, image)
    if output.exists() and any(os.path.exists(given) and output.samefile(given) for given in options.photos):
        raise PhotoError(f"{output} is itself a photograph to deblur, which is never overwritten; give another name with -o.")
    if output.resolve() in results:
        raise PhotoError(f"{photo} is not deblurred: its result would replace that of another photograph, {output}; "
                         "deblur it in a second call, into another folder.")
    if output.exists() and not options.force:
        raise PhotoError(f"{output} exists already; give another name with -o, or replace it with --force.")
    return output


def _load(options: argparse.Namespace) -> tuple[Callable, str, str]:
    """The function that deblurs, its name and its precision.

    It takes an image and a function that is told, in words, how far the work is.
    """
    if options.tile is not None and options.tile < 1:
        raise ValueError(f"--tile is {options.tile}; use at least 1, or leave it out.")
    with _progress("starting TensorFlow"):
        from course_lib import restoration, training

        if options.weights == WEIGHTS:
            from course_lib import blind, refine

            estimator, refiner = blind.load(), refine.load()
            return lambda image, say: refine.deblur(image, estimator, refiner, say), WEIGHTS, "float32"
        try:
            restoration.folder(options.weights)
        except ValueError as error:
            raise ValueError(f"{error} Or give {WEIGHTS}, which deblurs without a generator.") from None
        policy, _ = training.precision(options.precision)
        model = restoration.load(options.weights, dtype=policy)

    def restored(image, say: Callable[[str], None]):
        return restoration.deblur(image, model, options.tile, lambda done, total: say(
            "deblurring" if total == 1 or done == total else f"deblurring, tile {done + 1} of {total}"))

    return restored, Path(options.weights).name, policy


@contextmanager
def _progress(text: str) -> Iterator[Callable[[str], None]]:
    """In a terminal, show a line with the seconds passed, renewed while the block runs, then gone.

    Yields a function that changes the text. Elsewhere nothing is shown.
    """
    terminal = sys.stdout.isatty()
    line, ended, start = [text], threading.Event(), time.monotonic()

    def show():
        while not ended.wait(0.5):
            shown = f"{line[0]}  {time.monotonic() - start:.0f} s"
            print("\r\033[K" + shown[:shutil.get_terminal_size().columns - 1], end="", flush=True)

    thread = threading.Thread(target=show, daemon=True)
    if terminal:
        thread.start()
    try:
        yield lambda text: line.__setitem__(0, text)
    finally:
        ended.set()
        if terminal:
            thread.join()
            print("\r\033[K", end="", flush=True)


# --- evaluate ---------------------------------------------------------------------------------

def evaluate(options: argparse.Namespace) -> int:
    """Print a table like the report's Table 4, and the protocol behind it; one bad pair does not stop the others."""
    from course_lib import evaluation, photos

    pairs, words = _pairs(options)
    scores = _Scores(options.scores)
    restored, name, precision = _load(options)
    from course_lib.training import duration        # TensorFlow is there by now

    methods = {"blurred input": lambda image: image, name: lambda image: restored(image, lambda text: None)}
    network = _identity(options.weights)
    known = sum((photo, network, precision) in scores for photo, _ in pairs)
    records, done, bad, start = [], 0, 0, time.monotonic()
    for number, (photo, pair) in enumerate(pairs):
        key = photo, network, precision
        if key not in scores:
            seconds = (time.monotonic() - start) / max(done, 1) * (len(pairs) - known - done)
            left = f", {duration(seconds)} left" if done else ""
            done += 1
            try:
                with _progress(f"photograph {number + 1} of {len(pairs)}{left}"):
                    found = evaluation.score([pair()], methods).records
            except (photos.PhotoError, OSError) as error:
                bad += 1
                _bad(f"{photo} is left out: {error}")
                continue
            scores.add(key, tuple(value for record in found for value in (record.psnr, record.ssim)))
        records += [evaluation.Score(method, number, *scores[key][i:i + 2]) for i, method in zip((0, 2), methods)]
    if not records:
        return _bad("No photograph could be scored.")
    print(f"{evaluation.Scores(tuple(records))}\n\n{words}"
          + (f"\nLeft out: {bad}, named above." if bad else "")
          + (f"\nNot computed again: {known}, whose scores {options.scores} held." if known else "")
          + f"\nPrecision: {precision}.\n{evaluation.PROTOCOL}")
    return 2 if bad else 0


class _Scores(dict):
    """{(photograph, network, precision): PSNR and SSIM of the blurred photograph and of the deblurred one}, kept in a file if one is named."""

    COLUMNS = ["photograph", "network", "precision", "psnr_blurred", "ssim_blurred", "psnr", "ssim"]

    def __init__(self, path: str | None):
        self.path = path
        if path is None:
            return
        try:
            with open(path, "a+", newline="", encoding="utf-8") as file:    # for writing, too: in an hour is too late to learn that it can't be
                file.seek(0)
                lines = list(csv.reader(file))
                if not lines:
                    csv.writer(file, lineterminator="\n").writerow(self.COLUMNS)
        except OSError as error:
            raise ValueError(f"--scores is {path}, which can't be read or written ({error.strerror}); give another file.") from None
        except (UnicodeDecodeError, csv.Error):
            lines = [[]]
        if lines[:1] not in ([], [self.COLUMNS]):
            raise ValueError(f"--scores is {path}, which holds something else: its first line is not {','.join(self.COLUMNS)}. "
                             "Give another file.")
        for number, line in enumerate(lines[1:], start=2):
            try:
                photograph, network, precision, *values = line
                psnr_blurred, ssim_blurred, psnr, ssim = map(float, values)
            except ValueError:
                raise ValueError(f"Line {number} of {path} is not complete: delete it.") from None
            self[photograph, network, precision] = psnr_blurred, ssim_blurred, psnr, ssim

    def add(self, key: tuple[str, str, str], values: tuple[float, ...]) -> None:
        self[key] = values
        if self.path is not None:
            with open(self.path, "a", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerow([*key, *values])


def _identity(weights: str) -> str:
    """The network, and what tells its weights from others: a run may go on, or begin again, in the same folder."""
    from course_lib import blind, refine, restoration

    files = ([path for folder in (blind.STORED, refine.STORED) for path in sorted(folder.glob("*.npz"))] if weights == WEIGHTS
             else [restoration.weights_file(weights)])
    return f"{weights} {hashlib.sha256(b''.join(path.read_bytes() for path in files)).hexdigest()[:12]}"


def _pairs(options: argparse.Namespace) -> tuple[list[tuple[str, Callable]], str]:
    """The name of every pair and the function that makes it, (blurred, sharp); and the words that describe them."""
    import numpy as np

    from course_lib import blur, gopro, photos

    for option in ("limit", "exposures"):
        value = getattr(options, option)
        if value is not None and value < 1:
            raise ValueError(f"--{option} is {value}; use at least 1.")
    if options.data == "photos":
        if options.variant is not None:
            raise ValueError("--variant is for GoPro's photographs: the built-in ones are blurred by the course; leave it out.")
        level = options.level or 4
        names = photos.names(options.split)
        count = min(options.limit or len(names), len(names))
        names = [names[i * len(names) // count] for i in range(count)]

        def blurred(name: str, *seed: int):
            return blur.blur_photo(photos.load(name), level, np.random.default_rng(list(seed)))

        pairs = [(f"{name}, level {level}, seed {seed}.{i}", partial(blurred, name, seed, i))
                 for seed in range(options.exposures) for i, name in enumerate(names)]
        seeds = "random seed 0" if options.exposures == 1 else f"random seeds 0 to {options.exposures - 1}"
        return pairs, (f"{count} built-in photographs of the split {options.split!r} ({', '.join(names)}),\n"
                       f"blurred at level {level}: {blur.LEVELS[level]}; {seeds}.")
    if options.data.startswith("gopro:"):
        for option, given in (("exposures", options.exposures > 1), ("level", options.level is not None)):
            if given:
                raise ValueError(BUILT_IN_ONLY.format(option))
        folder, variant = options.data.removeprefix("gopro:"), options.variant or "blur"
        files = gopro.pairs(folder, options.split, variant, options.limit)
        return [(str(pair[0]), partial(gopro.read, pair)) for pair in files], (
            f"{len(files)} pair{'s' * (len(files) != 1)} of {folder}, split {options.split!r}, variant {variant!r}.")
    raise ValueError(f'--data is {options.data!r}; use "photos" or "gopro:FOLDER".')


# --- train ------------------------------------------------------------------------------------

def train(options: argparse.Namespace) -> int:
    """Train or continue a run; 130 if it was stopped before its end."""
    from course_lib.runs import SIZES

    if not options.folder.strip():
        raise ValueError("--run is empty; give the folder of the run.")
    given = {name: getattr(options, name) for name in ("data", "level", "objective", "start_from", "seed", "precision")}
    settings = SIZES[options.size].changed(**{name: value for name, value in given.items() if value is not None})
    settings = settings.changed_by(options.changes)
    if options.level is not None and settings.data.startswith("gopro:"):
        raise ValueError(BUILT_IN_ONLY.format("level"))
    with _progress("starting TensorFlow"):
        from course_lib import training

    run = training.train(options.folder, settings, options.resume, training.text_report(), options.strategy)
    return 0 if len(run.history) > settings.epochs else 130


# --- classroom, grade -------------------------------------------------------------------------

def _needs_nbgrader() -> None:
    from importlib.util import find_spec

    if not (find_spec("nbgrader") and find_spec("jupytext")):
        raise ValueError("This needs nbgrader and jupytext, which students don't need: run `make teach` once "
                         "(on Windows `py course.py teach`).")


def classroom(options: argparse.Namespace) -> int:
    _needs_nbgrader()
    from course_lib.classroom import make

    make(Path(options.folder))
    return 0


def grade(options: argparse.Namespace) -> int:
    """0 if every submission was graded, whatever its score."""
    _needs_nbgrader()
    from course_lib import doctor
    from course_lib.classroom import grade

    jobs = options.jobs if options.jobs is not None else max(1, min(os.cpu_count() or 1, int(doctor.memory() // 4)))
    if jobs < 1:
        raise ValueError(f"--jobs is {jobs}; use at least 1.")
    return 1 if grade(Path(options.folder), options.lesson, jobs, options.force) else 0


# --- check, lab, reset ------------------------------------------------------------------------

def check(options: argparse.Namespace) -> int:
    from course_lib.checks.notebook import check

    return check(options.notebook)


def lab(options: argparse.Namespace) -> int:
    from course_lib import workspace

    workspace.lab(options.rest)
    return 0


def reset(options: argparse.Namespace) -> int:
    from course_lib import workspace

    kept = workspace.reset(options.lesson)
    print("A fresh copy is in my_work." + (f" Yours is kept as {kept.name}." if kept else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
