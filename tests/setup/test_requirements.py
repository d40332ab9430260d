"""The locks say what pyproject.toml asks for, everywhere; environment.yml is well formed and resolves."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COURSE, TEST = "requirements.lock", "requirements-test.lock"
SYSTEMS = {
    "Linux": {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    "macOS": {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
    "Windows": {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
}
MACHINES = [system | {"python_version": python, "python_full_version": f"{python}.9", "extra": ""}
            for system in SYSTEMS.values() for python in ("3.11", "3.12", "3.13")]
TOOLS = ("nbgrader", "jupytext", "nbval", "pytest", "pytest-xdist", "playwright", "uv")


def pins(lock: str) -> list[Requirement]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return [Requirement(line.rstrip("\\ ")) for line in text.splitlines() if re.match(r"\w", line)]


def versions(lock: str, machine: dict) -> dict[str, str]:
    """{name: version} of what pip installs on that machine."""
    chosen = [pin for pin in pins(lock) if pin.marker is None or pin.marker.evaluate(machine)]
    found = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in chosen}
    assert len(found) == len(chosen), f"{lock} pins a package twice for {machine}"
    return found


def wanted(lock: str) -> list[Requirement]:
    """The project's requirements behind a lock: the course's, or those of teach, site and test as well."""
    extras = PROJECT["optional-dependencies"]
    lines = PROJECT["dependencies"] + (extras["teach"] + extras["site"] + extras["test"] if lock == TEST else [])
    return [requirement for requirement in map(Requirement, lines) if requirement.name != PROJECT["name"]]


@pytest.mark.parametrize("lock", [COURSE, TEST])
@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: f"{m['platform_system']}-{m['python_version']}")
def test_lock_is_up_to_date_with_pyproject(lock, machine):
    pinned = versions(lock, machine)
    for requirement in wanted(lock):
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} is not in {lock}: run `make lock`"
        assert requirement.specifier.contains(pinned[name]), f"{lock} has {name} {pinned[name]}, pyproject.toml {requirement}: run `make lock`"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: f"{m['platform_system']}-{m['python_version']}")
def test_the_courses_versions_are_the_tests_versions(machine):
    assert versions(COURSE, machine).items() <= versions(TEST, machine).items()


def test_a_student_downloads_no_test_tools_and_nobody_the_benchmarks():
    for machine in MACHINES:
        assert not versions(COURSE, machine).keys() & set(TOOLS)
        assert versions(TEST, machine).keys() >= set(TOOLS)
        assert not versions(TEST, machine).keys() & {Requirement(line).name for line in PROJECT["optional-dependencies"]["bench"]}


@pytest.mark.parametrize("lock", [COURSE, TEST])
def test_everything_is_pinned_and_hashed_without_addresses(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.findall(r"^(\S+)==(\S+)(.*\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)*)", text, re.M)
    assert len(blocks) == len(pins(lock)) > 50
    for name, version, rest in blocks:
        assert "--hash=sha256:" in rest, f"{name} {version} has no hash"
    assert not re.search(r"://|^\s*--(?!hash)|^\s*-[a-z]", text, re.M)


@pytest.mark.full
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("platform", ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "x86_64-pc-windows-msvc", "aarch64-apple-darwin"])
def test_every_pin_has_a_package_for_every_system(platform, python, tmp_path):
    """As `course.py` installs it; on a Mac, with the oldest system that README names. Asks the package index."""
    macos = re.search(r"macOS (\d+) or later", (ROOT / "README.md").read_text(encoding="utf-8"))[1]
    found = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:",
         "--target", tmp_path, "--python-version", python, "--python-platform", platform, "-r", TEST],
        text=True, capture_output=True, cwd=ROOT, env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": f"{macos}.0"})
    assert found.returncode == 0, found.stderr[-1000:]
    assert "yanked" not in found.stderr, found.stderr


# ---------------------------------------------------------------- environment.yml

ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONDA = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
PIP = [line for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict) for line in entry["pip"]]


def test_environment_yml_has_the_form_conda_reads():
    assert set(ENVIRONMENT) == {"name", "channels", "dependencies"}      # no `prefix`: that is one machine's
    assert re.fullmatch(r"[\w.-]+", ENVIRONMENT["name"])
    assert ENVIRONMENT["channels"] == ["conda-forge"]
    for entry in ENVIRONMENT["dependencies"]:
        assert isinstance(entry, str) and re.fullmatch(r"[a-z0-9._-]+((==?|>=|<=|<|>)\d+(\.\d+)*(\.\*)?)?", entry) or list(entry) == ["pip"]
    assert "pip" in CONDA, "conda needs pip itself for a pip section"


def test_environment_yml_names_no_version_but_pythons():
    python, = (entry for entry in CONDA if entry.startswith("python"))
    assert python.removeprefix("python=") in ("3.11", "3.12", "3.13")
    assert sorted(CONDA) == ["pip", python] and PIP == ["-e .[test]"]


@pytest.mark.full
@pytest.mark.parametrize("platform", ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"])
def test_environment_ymls_pip_part_resolves(platform):
    """With ready-made packages only. Asks the package index, hence not part of every run."""
    python = next(entry for entry in CONDA if entry.startswith("python=")).removeprefix("python=")
    resolved = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--only-binary", ":all:",
         "--python-version", python, "--python-platform", platform, "-"],
        input="\n".join(PIP), text=True, capture_output=True, cwd=ROOT)
    assert resolved.returncode == 0, resolved.stderr[-1000:]
    found = set(re.findall(r"^([a-z0-9-]+)==", resolved.stdout, re.M))
    assert found >= {"tensorflow", "jupyterlab", *TOOLS}
