"""The comparison of choices: the program runs from end to end, and what is stored is of this program."""

import csv

import pytest

import programs
from course_lib import photos, runs, training


@pytest.fixture(scope="module")
def choices():
    with programs.benchmark("choices") as module:
        yield module


@pytest.mark.full
def test_the_whole_way(choices, monkeypatch, tmp_path):
    small = {"patch": 16, "batch": 2, "width": 2, "blocks": 1, "held_out": 2, "held_out_patch": 32, "precision": "float32"}
    monkeypatch.setattr(choices, "BASE", choices.BASE.changed(**small))
    monkeypatch.setattr(choices, "STEPS", 4)
    monkeypatch.setattr(choices, "CHOICES", {"base": {}, "width 4, seconds": {"width": 4}, "after": {"level": 4, "after": "base"},
                                             "momentum": {"momentum": 0.5}})
    asked = ["--folder", str(tmp_path / "work"), "--output", str(tmp_path / "choices.csv")]
    choices.main([*asked, "--only", "base"])
    assert not (tmp_path / "choices.csv").exists()
    choices.main([*asked, "--only", *choices.CHOICES])
    rows = list(csv.DictReader(open(tmp_path / "choices.csv")))
    assert [row["choice"] for row in rows] == list(choices.CHOICES) and [row["level"] for row in rows] == ["2", "2", "4", "2"]
    assert runs.Run(tmp_path / "work" / "after").settings.start_from == str(tmp_path / "work" / "base")
    before = (tmp_path / "choices.csv").read_text()
    choices.main([*asked, "--only", *choices.CHOICES])
    assert (tmp_path / "choices.csv").read_text() == before, "a finished run is read, not repeated"
    (tmp_path / "choices.csv").write_text(before.replace(rows[0]["psnr_gain"], "9.9999", 1))
    choices.main([*asked, "--only", "base"])
    assert (tmp_path / "choices.csv").read_text() == before, "one row is renewed, the others stay"


def test_what_is_stored_is_of_this_program(choices):
    with open(photos.DATA / "tables" / "choices.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["choice"] for row in rows] == list(choices.CHOICES)
    for row in rows:
        changes = {name: value for name, value in choices.CHOICES[row["choice"]].items() if name not in ("after", "momentum")}
        assert training.generator_arguments(choices.BASE.changed(**changes)), row["choice"]
        assert int(row["level"]) == choices.CHOICES[row["choice"]].get("level", choices.BASE.level)
        assert abs(float(row["psnr_gain"])) < 10 and int(row["steps"]) > 0
    readme = (photos.DATA.parent / "README.md").read_text(encoding="utf-8")
    assert choices.markdown(rows) in readme, "README's table is not that of data/tables/choices.csv"
