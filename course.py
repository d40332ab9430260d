"""Sets the course up and runs it: the same on Linux, macOS and Windows.

    python3 course.py lab               open the lessons in JupyterLab, in your own folder my_work
    python3 course.py test              run the tests; add FULL=1 to run what CI does
    python3 course.py reset LESSON=04   a fresh copy of a lesson; yours is kept under another name
    python3 course.py teach             install what teachers also need: nbgrader
    python3 course.py notebooks         build both notebooks of every lesson from solutions/*.py
    python3 course.py site              write the course as web pages to _site, for reading offline or on a server
    python3 course.py bench             measure speed beside Keras, PyTorch and ONNX Runtime: 15 minutes; or, followed
                                        by the word grading, how long a class takes to grade
    python3 course.py tables            the report's Tables 4 and 5 again, every network trained alike: an hour or so; or,
                                        followed by the word choices, the short runs that decided how
    python3 course.py lock              pin the versions anew after a change of pyproject.toml

`make lab` and `make test` are short for the first two; on Windows it is `py course.py lab`.
The first start installs everything in the folder .venv beside this file: about 0.8 GB to
download, 3 GB on the disk. Nothing outside this folder changes; delete .venv to be rid of it.
"""

# Only the standard library, and nothing newer than Python 3.6, so that an old Python that starts
# this file can find a newer one, or say in a sentence what is missing.

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
STATE = os.path.join(VENV, "course-setup.txt")      # which requirements .venv holds, or that it is half made
HALF_MADE = "installing"
PLACE = "in "                           # begins the line with the path of .venv, which its files name, too

COURSE, TEST = "requirements.lock", "requirements-test.lock"    # the second contains the first
VERSIONS = ("3.13", "3.12", "3.11")     # as requires-python in pyproject.toml
SYSTEMS = ("linux-x86_64", "linux-aarch64", "win-amd64", "macosx-arm64")    # TensorFlow has packages for these
DISK_GB = 5                             # 3 for .venv, 1 for the downloads, 1 to work with


# ---------------------------------------------------------------- a Python that fits

def stop(sentence):
    """End with one sentence and exit status 2."""
    sys.stdout.flush()
    sys.stderr.write(sentence + "\n")
    sys.exit(2)


def why_unfit(command):
    """What keeps this Python from running the course, in a few words; "" if nothing does, None if it does not start."""
    probe = ("import platform, sys, sysconfig, importlib.util as i; system = sysconfig.get_platform(); "
             "print('%d.%d' % sys.version_info[:2], 'macosx-' + platform.machine() if 'macosx' in system else system, "
             "bool(i.find_spec('ensurepip') and i.find_spec('venv')), sys.executable.encode('ascii', 'replace').decode())")
    try:
        answer = subprocess.run(command + ["-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                stdin=subprocess.DEVNULL, universal_newlines=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    if answer.returncode:
        return None
    version, system, complete, path = answer.stdout.strip().split(" ", 3)
    name = "Python %s (%s)" % (version, path)
    if version not in VERSIONS:
        return name
    if system not in SYSTEMS:
        return "%s for %s, for which there is no TensorFlow" % (name, system)
    if complete != "True":
        return "%s without venv, which `apt install python%s-venv` adds" % (name, version)
    return ""


def find_python():
    """The command of a Python that fits: the one running this file if it does, else another one on this machine."""
    names = ["python" + version for version in VERSIONS] + ["python3", "python"]
    commands = [[sys.executable]] + [[shutil.which(name)] for name in names if shutil.which(name)]
    if os.name == "nt" and shutil.which("py"):
        commands += [["py", "-" + version] for version in VERSIONS]
    unfit = []
    for command in commands:
        if command[0].startswith(VENV + os.sep):    # what is being made cannot make itself
            continue
        why = why_unfit(command)
        if why == "":
            return command
        if why and why not in unfit:
            unfit.append(why)
    stop("The course needs Python 3.11, 3.12 or 3.13 (64 bit). Found: %s. Install Python 3.12 from python.org "
         "or your system's packages, then run this command again." % ("; ".join(unfit) or "none"))


# ---------------------------------------------------------------- .venv

def fingerprint(lock):
    """One line that changes with the lock file and with pyproject.toml."""
    digest = hashlib.sha256()
    for name in (lock, "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return lock + " " + digest.hexdigest()


def read_state():
    try:
        with open(STATE, encoding=sys.getfilesystemencoding(), errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []


def write_state(lines):
    with open(STATE, "w", encoding=sys.getfilesystemencoding(), errors="surrogateescape") as file:
        file.write("\n".join(lines) + "\n")


def set_up(lock):
    """Make .venv hold what the lock file lists. A matter of milliseconds when it already does.

    An installation that was interrupted leaves the word HALF_MADE behind. The next one then starts
    with an empty .venv, since a package may be there in part.
    """
    wanted, state = fingerprint(lock), read_state()
    usable = os.path.exists(PYTHON)
    pip = [PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    itself = pip + ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--force-reinstall", "--editable", ROOT]
    moved_from = next((line[len(PLACE):] for line in state if line.startswith(PLACE) and not is_here(line[len(PLACE):])), "")
    if wanted in state and usable:
        if not moved_from:
            return
        say("The folder was moved: renewing .venv")
        if os.name != "nt" and " " not in VENV:     # programs of Windows, and first lines with a space, are written otherwise
            move(moved_from)
            step(itself)
            write_state([line for line in state if not line.startswith(PLACE)] + [PLACE + VENV])
            return
    free = shutil.disk_usage(ROOT).free / 1e9
    if not usable and free < DISK_GB:
        stop("The course needs %d GB of free disk here, and there are %.1f GB. Make room, then run this command again."
             % (DISK_GB, free))
    started = time.time()
    if not usable or HALF_MADE in state or moved_from:
        python = find_python()
        say("1/3  Making .venv")
        step(python + ["-m", "venv", "--clear", VENV])
    elif why_unfit([PYTHON]):
        stop("The folder .venv holds %s; the course needs Python 3.11, 3.12 or 3.13. Delete .venv, then run this "
             "command again." % why_unfit([PYTHON]))
    write_state([HALF_MADE])
    say("2/3  Installing %s: the first time about 0.8 GB to download, a few minutes" % lock)
    step(pip + ["--require-hashes", "--only-binary", ":all:", "-r", os.path.join(ROOT, lock)])
    say("3/3  Installing the course itself")
    step(itself)
    write_state(([wanted] if lock == COURSE else [wanted, fingerprint(COURSE)]) + [PLACE + VENV])
    say("Ready after %d s." % (time.time() - started))


def is_here(path):
    """Whether this path, however written and through whatever links, leads to today's .venv."""
    try:
        return os.path.samefile(path, VENV)
    except OSError:
        return False


def move(before):
    """Put the path of today's .venv where the scripts in it name that of `before`."""
    for entry in list(os.scandir(os.path.dirname(PYTHON))):
        if entry.is_file(follow_symlinks=False):
            with open(entry.path, "rb") as file:
                content = file.read()
            if before.encode() in content and b"\0" not in content:    # text, not a program
                with open(entry.path, "wb") as file:
                    file.write(content.replace(before.encode(), VENV.encode()))


def say(sentence):
    print(sentence, flush=True)


def step(command):
    """Run one part of the installation; if it fails, say so in a sentence and end."""
    try:
        failed = subprocess.call(command)
    except KeyboardInterrupt:
        failed = True
    if failed:
        stop("The installation did not finish; the lines above say why. Once that is fixed (network? disk?), run the "
             "same command again.")


# ---------------------------------------------------------------- the commands

def run(*arguments):
    """Run .venv's Python as if .venv were activated; returns its exit status. Ctrl-C is its to answer."""
    environment = dict(os.environ, VIRTUAL_ENV=VENV)
    environment["PATH"] = os.path.dirname(PYTHON) + os.pathsep + os.environ.get("PATH", "")
    process = subprocess.Popen([PYTHON] + list(arguments), env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass


def lab(*arguments):
    set_up(COURSE)
    return run("-m", "course_lib", "lab", *arguments)


def reset(*arguments):
    set_up(COURSE)
    return run("-m", "course_lib", "reset", *(arguments or [os.environ.get("LESSON", "")]))


def test(*arguments):
    set_up(TEST)
    full = os.environ.get("FULL", "0") != "0"
    os.environ.setdefault("COURSE_SIZE", "laptop" if full else "smoke")
    # all of it: browsers and graders wait much of the time, so a third worker finds a processor
    return run("-m", "pytest", "-n", "3" if full else "2", "--dist", "worksteal", *arguments)


def teach(*arguments):
    set_up(TEST)
    say("nbgrader is in .venv. INSTRUCTORS.md says what comes next.")


def notebooks(*arguments):
    set_up(TEST)
    return run("-m", "course_lib.authoring", *arguments)


def site(*arguments):
    set_up(TEST)
    return run("-m", "course_lib.site", *arguments)


def bench(*arguments):
    if arguments[:1] == ("grading",):
        set_up(TEST)
        return run(os.path.join("tests", "benchmarks", "grading.py"), *arguments[1:])
    set_up(COURSE)
    missing = "import sys, importlib.util as i; sys.exit(not all(map(i.find_spec, ('torch', 'onnx', 'onnxruntime'))))"
    if run("-c", missing):
        say("Installing PyTorch and ONNX Runtime, which only this comparison needs: 0.3 GB, or several on Linux, where "
            "PyTorch brings CUDA")
        step([PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet",
              "--no-build-isolation", "--editable", ROOT + "[bench]"])
    return run(os.path.join("tests", "benchmarks", "bench.py"), *arguments)


def tables(*arguments):
    set_up(COURSE)
    if arguments[:1] == ("choices",):
        return run(os.path.join("tests", "benchmarks", "choices.py"), *arguments[1:])
    return run(os.path.join("tests", "benchmarks", "tables.py"), *arguments)


def lock(*arguments):
    """Pin every version with the hashes of its files, for all systems at once and without addresses."""
    set_up(TEST)
    compile_ = ("-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--generate-hashes",
                "--no-emit-index-url", "--custom-compile-command", "make lock") + arguments
    return (run(*compile_, "-o", COURSE)
            or run(*compile_, "--extra", "test", "--constraint", COURSE, "-o", TEST))


COMMANDS = {"lab": lab, "test": test, "reset": reset, "teach": teach, "notebooks": notebooks,
            "site": site, "bench": bench, "tables": tables, "lock": lock}


def main(words):
    """Run one command. NAME=VALUE among the words is a setting, as in make."""
    os.chdir(ROOT)
    if not words or words[0] in ("help", "-h", "--help"):
        print(__doc__.strip())
        return 0
    if words[0] not in COMMANDS:
        stop("There is no command %r; there are %s." % (words[0], ", ".join(COMMANDS)))
    settings = [word for word in words[1:] if word.split("=")[0].isupper() and "=" in word]
    given = dict(word.split("=", 1) for word in settings)
    more = given.pop("ARGS", "")                        # as make passes them on
    more = shlex.split(more.replace("\\", "/") if os.name == "nt" else more)
    os.environ.update(given)
    return COMMANDS[words[0]](*[word for word in words[1:] if word not in settings] + more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
