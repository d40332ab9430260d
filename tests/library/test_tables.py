"""The tables of `make tables`: the program runs from end to end, and what is stored is consistent with itself and the code."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import programs
from course_lib import blind, evaluation, parameters, photos, runs, training, variants

ROOT = Path(__file__).parents[2]
STORED = ROOT / "data" / "tables"
NETWORKS = {"content", "report", "wgan-gp", "12-blocks", "multiscale", "nafnet"}


@pytest.fixture(scope="module")
def tables():
    with programs.benchmark("tables") as module:
        yield module


# --- The program ------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def smoke(tmp_path_factory, tables):
    """The whole way at the size `smoke`, in two calls; the adversarial row starts from half of the first."""
    folder = tmp_path_factory.mktemp("tables")
    asked = ["--size", "smoke", "--minutes", "0.002", "--folder", str(folder / "work"), "--output", str(folder / "stored"),
             "--rows", "content", "report"]
    tables.main([*asked, "--train", "content"])
    checkpoint = folder / "work" / "rows" / "content" / "checkpoint.npz"
    before = checkpoint.stat().st_mtime_ns
    tables.main(asked)
    assert checkpoint.stat().st_mtime_ns == before, "a finished row is left alone"
    return folder


@pytest.mark.full
def test_the_whole_way(smoke, tables):
    content = json.loads((smoke / "stored" / "table.json").read_text(encoding="utf-8"))
    check_table(content, tables)
    assert len(tables.markdown(content).splitlines()) == 2 + 8
    with Image.open(smoke / "stored" / "detail.webp") as picture:
        assert picture.width > 300


@pytest.mark.full
def test_the_adversarial_row_goes_on_from_the_content_row(smoke):
    content, half = smoke / "work" / "rows" / "content", smoke / "work" / "content-half-way"
    assert (half / "generator.npz").read_bytes() == (content / "epochs" / "0001.npz").read_bytes()
    assert runs.Run(smoke / "work" / "rows" / "report").settings.start_from == str(half)
    lines = list(csv.DictReader((smoke / "stored" / "history.csv").open(encoding="utf-8")))
    begun = {line["row"]: float(line["minutes"]) for line in reversed(lines)}
    assert begun == {"content": 0, "report": 0.001}      # of 0.002 minutes


@pytest.mark.full
@pytest.mark.parametrize("row", ["level4", "wiener"])
def test_a_row_is_renewed_alone(smoke, tables, tmp_path, row):
    before = json.loads((smoke / "stored" / "table.json").read_text(encoding="utf-8"))
    with Image.open(smoke / "stored" / "detail.webp") as picture:
        sheet = np.array(picture).astype(int)
    tables.main(["--size", "smoke", "--folder", str(tmp_path), "--output", str(smoke / "stored"), "--row", row])
    after = json.loads((smoke / "stored" / "table.json").read_text(encoding="utf-8"))
    assert after["rows"][row].pop("photograph_seconds") > 0 and before["rows"][row].pop("photograph_seconds") > 0
    assert after == before
    with Image.open(smoke / "stored" / "detail.webp") as picture:
        assert np.abs(np.array(picture) - sheet).mean() < 2         # the same weights, the same detail


@pytest.mark.full
def test_other_minutes_need_another_folder(smoke, tables):
    with pytest.raises(SystemExit, match="choose another folder"):
        tables.main(["--size", "smoke", "--minutes", "7", "--folder", str(smoke / "work"), "--output", str(smoke / "stored")])


# --- What is stored ---------------------------------------------------------------------------

def check_table(content: dict, tables) -> None:
    """Means, gains, parameters, multiplications and minutes follow from what they are made of."""
    rows, blurred = content["rows"], content["rows"]["blurred"]
    assert list(rows)[:3] == ["blurred", "wiener", "richardson-lucy"] and rows["content"]
    for name, row in rows.items():
        for metric in ("psnr", "ssim"):
            values = np.array(row[metric]["pairs"])
            assert len(values) == len(content["photographs"])
            for statistic, function in evaluation.STATISTICS.items():
                assert row[metric][statistic] == pytest.approx(function(values), abs=1e-3), (name, metric)
            gain = np.mean(values) - np.mean(blurred[metric]["pairs"])
            assert row[metric]["gain"] == pytest.approx(gain, abs=1e-3), (name, metric)
        if name not in tables.ROWS:
            continue
        settings = runs.Settings(**row["settings"])
        model = variants.build(**row["generator"])
        assert row["parameters"] == model.count_params() and row["macs"] == parameters.model_macs(model)
        assert row["generator"].items() <= row["settings"].items() and settings.level == 4
        assert row["steps"] == settings.epochs * settings.steps
        half = tables.ROWS[name].adversarial
        assert row["minutes"] == pytest.approx(row["steps"] * row["step_seconds"] / 60, abs=0.01)
        assert row["minutes_before"] == (content["minutes"] / 2 if half else 0)


@pytest.fixture(scope="module")
def stored():
    return json.loads((STORED / "table.json").read_text(encoding="utf-8"))


def test_the_stored_table_follows_from_what_it_is_made_of(stored, tables):
    check_table(stored, tables)


def test_every_row_is_there_with_the_same_minutes_and_settings(stored, tables):
    assert NETWORKS <= stored["rows"].keys() and sum(bool(row["repeats"]) for row in stored["rows"].values()) >= 1
    shared = {"data", "level", "patch", "batch", "limit", "held_out", "held_out_patch", "precision", "beta_1", "beta_2"}
    trained = {name: row for name, row in stored["rows"].items() if name in tables.ROWS}
    for name, row in trained.items():
        assert {key: row["settings"][key] for key in shared} == {key: trained["content"]["settings"][key] for key in shared}
        assert row["minutes"] + row["minutes_before"] == pytest.approx(stored["minutes"], rel=0.06), name
        row_now = tables.ROWS[name]
        assert runs.Settings(**row["settings"]) == tables.settings(row_now, "laptop", **{
            key: row["settings"][key] for key in ("steps", "epochs", "precision")}), f"{name}: trained with other settings"
        assert training.generator_arguments(tables.settings(row_now, "laptop")).items() >= row["generator"].items()
    assert trained["nafnet"]["macs"] <= trained["content"]["macs"] / 10


def test_the_stored_blurred_input_is_what_level_4_makes_now(stored):
    """Where this fails, level 4 or the test photographs have changed since: `make tables` is to run again."""
    photographs = photos.names("test")
    assert stored["photographs"] == photographs * (len(stored["photographs"]) // len(photographs))
    number = photographs.index("summer_palace")
    blurred, sharp, *_ = blind.exposure(photos.load("summer_palace"), [0, number])
    assert stored["rows"]["blurred"]["psnr"]["pairs"][number] == pytest.approx(evaluation.psnr(sharp, blurred), abs=0.01)
    assert stored["rows"]["blurred"]["ssim"]["pairs"][number] == pytest.approx(evaluation.ssim(sharp, blurred), abs=0.001)


def test_the_stored_curves_end_at_the_tables_steps(stored, tables):
    lines = list(csv.DictReader((STORED / "history.csv").open(encoding="utf-8")))
    for name, row in stored["rows"].items():
        if name in tables.ROWS:
            own = [line for line in lines if line["row"] == name]
            assert [int(line["epoch"]) for line in own] == list(range(row["epochs"] + 1))
            assert int(own[-1]["step"]) == row["steps"]
            assert float(own[-1]["minutes"]) == pytest.approx(row["minutes"] + row["minutes_before"], abs=0.01)
            assert np.isfinite([float(line["psnr"]) for line in own]).all()


def test_readme_shows_the_stored_table(stored, tables):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert tables.markdown(stored) in readme, "README's table is not that of data/tables/table.json:\n" + tables.markdown(stored)
