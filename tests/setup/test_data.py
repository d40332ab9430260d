"""Every file under data/ is the one its author made: checksums, and a row with author, licence and origin.

A row of README.md may be a pattern, such as `runs/content/pictures/*_0.webp`, for the many small files of a run.
"""

import csv
import hashlib
import re
import subprocess
from fnmatch import filter as fnmatch_filter, fnmatch
from pathlib import Path

import pytest
from PIL import Image

from course_lib.photos import SPLITS

DATA = Path(__file__).parents[2] / "data"
SUMS = dict(reversed(line.split("  ", 1)) for line in (DATA / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
README = (DATA / "README.md").read_text(encoding="utf-8")
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \| (.+?) \|$", README, re.M)}
LICENCES = {"CC-BY-4.0", "CC-BY-2.0", "CC0-1.0", "Public domain", "MIT"}


def sha256(name: str) -> str:
    return hashlib.sha256((DATA / name).read_bytes()).hexdigest()


def test_every_file_is_listed():
    listed = subprocess.run(["git", "ls-files", "-z", "."], cwd=DATA, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: which files belong to the course cannot be asked")
    files = set(filter(None, listed.stdout.split("\0"))) - {"README.md", "SHA256SUMS"}
    wrong = {name: sha256(name) for name in sorted(files) if name not in SUMS}
    assert not wrong, "data/SHA256SUMS lacks:\n" + "\n".join(f"{digest}  {name}" for name, digest in wrong.items())
    assert files == set(SUMS), f"data/SHA256SUMS lists what is not there: {sorted(set(SUMS) - files)}"
    without = [name for name in sorted(files) if not any(fnmatch(name, row) for row in ROWS)]
    assert not without, f"data/README.md has no row for: {without}"
    too_many = [row for row in ROWS if not fnmatch_filter(files, row)]
    assert not too_many, f"data/README.md has rows for what is not there: {too_many}"


@pytest.mark.parametrize("name", SUMS)
def test_checksum(name):
    assert sha256(name) == SUMS[name], f"data/{name} has changed. If that is meant, its line in data/SHA256SUMS is\n{sha256(name)}  {name}"


@pytest.mark.parametrize("name", ROWS)
def test_author_licence_and_origin_are_named(name):
    author, licence, origin = ROWS[name]
    assert author and origin
    assert licence in LICENCES, f"data/README.md: {name} has the licence {licence!r}, none of {', '.join(sorted(LICENCES))}"


@pytest.mark.parametrize("folder", ["photos", "more_photos"])
def test_the_table_of_photographs_agrees(folder):
    with open(DATA / folder / "PHOTOS.tsv", encoding="utf-8", newline="") as file:
        photos = list(csv.DictReader(file, delimiter="\t"))
    assert {f"{folder}/{photo['file']}" for photo in photos} == {name for name in ROWS if fnmatch(name, f"{folder}/*.jpg")}
    for photo in photos:
        name = f"{folder}/{photo['file']}"
        assert folder == "more_photos" or photo["split"] in SPLITS, f"{name}: the split is {photo['split']!r}, none of {', '.join(SPLITS)}"
        assert SUMS[name] == photo["sha256"]
        assert ROWS[name] == (photo["author"], photo["licence"], photo["origin"])
        with Image.open(DATA / name) as image:
            assert "{}x{}".format(*image.size) == photo["size"]
