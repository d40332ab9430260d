"""Is this machine ready for the course? Lesson 00 and `deblur-course doctor` print `report()`."""

import hashlib
import os
import platform
import shutil
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent       # nothing of the course is imported: packages may be missing
DATA = ROOT / "data"
INSTALL = "run `make lab` again (Windows: `py course.py lab`), which installs what is missing"
RESTORE = "restore the folder data: `git checkout -- data`, or download the course again"
MEMORY = 4.0        # GB: deblurring at full width takes 2, the notebook and the browser their part
DISK = 2.0          # GB: forty epochs of the full network are 1
SLOW = 60.0         # GFLOP/s in a convolution: below, a training of minutes becomes one of an hour


@dataclass(frozen=True)
class Record:
    """One finding: `status` is "ok", "slow" or "problem"; `advice` says what to do, "" for "ok"."""

    what: str
    status: str
    finding: str
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """All findings; printed as one line each."""

    records: tuple[Record, ...]

    @property
    def ready(self) -> bool:
        """True if nothing is broken; slow is not broken."""
        return all(record.status != "problem" for record in self.records)

    def __str__(self) -> str:
        lines = []
        for record in self.records:
            lines.append(f"{record.status:<8} {record.what:<12} {record.finding}")
            if record.advice:
                lines.append(f"{'':<8} {'':<12} -> {record.advice}")
        return "\n".join([*lines, "", "This machine is ready." if self.ready else
                          "This machine is not ready: see the lines that begin with \"problem\"."])


def report() -> Report:
    """Look at Python, packages, processor, memory, disk and the course's files. Takes about ten seconds."""
    records = [_looked(probe) for probe in (_python, _packages, _processor, _memory, _disk, _files, _pretrained)]
    if all(record.status != "problem" for record in records[:3]):
        records += _tensorflow()
    return Report(tuple(records))


def _looked(probe: Callable[[], Record]) -> Record:
    """What a probe finds; a problem if the probe itself lacks a package or a file."""
    try:
        return probe()
    except ImportError as error:
        return Record(probe.__name__.strip("_"), "problem", f"can't be checked ({error})", INSTALL)
    except OSError as error:
        return Record(probe.__name__.strip("_"), "problem", f"{error.filename} can't be read ({error.strerror or error})", RESTORE)


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _python() -> Record:
    from packaging.specifiers import SpecifierSet

    wanted = _project()["requires-python"]
    finding = f"{platform.python_version()} on {platform.system()} {platform.release()} ({platform.machine()})"
    if SpecifierSet(wanted).contains(platform.python_version()):
        return Record("Python", "ok", finding)
    return Record("Python", "problem", finding, f"the course needs Python {wanted}: install 3.12 from python.org, "
                                                "delete the folder .venv and run `make lab`")


def _packages() -> Record:
    from packaging.requirements import Requirement

    found, wrong = [], []
    for requirement in map(Requirement, _project()["dependencies"]):
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        found.append(f"{requirement.name} {installed}")
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} {installed} is not {requirement.specifier}")
    if wrong:
        return Record("packages", "problem", "; ".join(wrong), INSTALL)
    return Record("packages", "ok", ", ".join(found))


def _processor() -> Record:
    """Cores, and the instructions that make convolutions fast, where the system lists them (Linux)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name, flags = platform.processor() or platform.machine(), set()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
        lines = {key.strip(): value.strip() for key, value in lines.items()}
        name = lines.get("model name", name)
        flags = set((lines.get("flags") or lines.get("Features") or "").split())
    known = {"AVX2": "avx2", "AVX-512": "avx512f", "bfloat16": ("avx512_bf16", "amx_bf16", "bf16")}
    has = [label for label, names in known.items() if flags & set([names] if isinstance(names, str) else names)]
    finding = f"{name}, {cores} core{'s' * (cores != 1)}" + (f", {' '.join(has)}" if has else "")
    if "sse" in flags and "avx" not in flags:
        return Record("processor", "problem", finding, "TensorFlow needs a processor with AVX: use another machine or Colab")
    if "sse" in flags and "AVX2" not in has:
        return Record("processor", "slow", finding, "without AVX2 everything takes several times as long: "
                                                    "use another machine or Colab for training")
    return Record("processor", "ok", finding)


def memory() -> float:
    """The memory of this machine, or of the container it runs in, in GB."""
    import psutil

    total = psutil.virtual_memory().total / 1e9
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):     # of a container
        try:
            total = min(total, int(Path(limit).read_text()) / 1e9)
        except (OSError, ValueError):
            continue
    return total


def _memory() -> Record:
    import psutil

    total = memory()
    free = min(psutil.virtual_memory().available / 1e9, total)
    finding = f"{total:.1f} GB, {free:.1f} GB of it free"
    if total < MEMORY:
        return Record("memory", "slow", finding, f"below {MEMORY:.0f} GB the full network may not fit: keep photographs "
                                                 "below 1 megapixel, or use another machine")
    if free < MEMORY / 2:
        return Record("memory", "slow", finding, "close other programs")
    return Record("memory", "ok", finding)


def _disk() -> Record:
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK:
        return Record("disk", "problem" if free < DISK / 10 else "slow", f"{free:.1f} GB free",
                      f"make room: your work and a long training take up to {DISK:.0f} GB")
    return Record("disk", "ok", f"{free:.0f} GB free")


def _files() -> Record:
    """Every file of data/SHA256SUMS is there and unchanged."""
    lines = (DATA / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    wrong = []
    for digest, name in (line.split(maxsplit=1) for line in lines if line.strip()):
        path = DATA / name
        if not path.is_file():
            wrong.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            wrong.append(f"{name} has changed")
    if wrong:
        return Record("data", "problem", "; ".join(wrong), RESTORE)
    return Record("data", "ok", f"{len(lines)} files, all as they should be")


def _pretrained() -> Record:
    files = {path.parent.name: "generator.npz" for path in DATA.glob("pretrained/*/settings.json")}
    files |= {"kernel": "estimator.npz", "refine": "refiner.npz"}       # what deblurs unless a generator is asked for
    found = sorted(files)
    broken = [name for name in found if not (DATA / "pretrained" / name / files[name]).is_file()]
    if broken:
        return Record("networks", "problem", "no trained network" if broken == found else f"no weights for {', '.join(broken)}", RESTORE)
    return Record("networks", "ok", f"trained: {', '.join(found)}")


def _tensorflow() -> list[Record]:
    """Start TensorFlow; look for a graphics card; time a convolution."""
    start = time.perf_counter()
    try:
        from course_lib.backend import tf
        from course_lib.training import convolution_rate
    except Exception as error:      # whatever a broken installation raises
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return [Record("TensorFlow", "problem", f"does not start ({reason})", INSTALL)]
    seconds = time.perf_counter() - start
    records = [Record("TensorFlow", "ok", f"starts in {seconds:.0f} s") if seconds < 30 else
               Record("TensorFlow", "slow", f"takes {seconds:.0f} s to start",
                      f'compile it once: `{Path(sys.executable).name} -m compileall -q "{sys.prefix}"`')]
    cards = tf.config.list_physical_devices("GPU")
    if cards:
        records.append(Record("GPU", "ok", f"{len(cards)} seen by TensorFlow"))
    elif shutil.which("nvidia-smi"):
        records.append(Record("GPU", "slow", "there is one, but TensorFlow cannot use it",
                              'on Linux and WSL2: `pip install "tensorflow[and-cuda]"` in .venv; on Windows itself '
                              "TensorFlow has no GPU support"))
    else:
        records.append(Record("GPU", "ok", "none; the lessons are made for the processor"))
    rates = {dtype: convolution_rate(dtype) for dtype in ("float32", "bfloat16")}
    finding = ", ".join(f"{rate:.0f} GFLOP/s in {dtype}" for dtype, rate in rates.items())
    if max(rates.values()) < SLOW:
        records.append(Record("speed", "slow", finding, "close other programs; if that changes nothing, the lessons that train "
                                                        "take longer than they say: use another machine or Colab for them"))
    else:
        records.append(Record("speed", "ok", finding))
    return records
