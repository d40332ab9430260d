"""`make tables ARGS=choices`: what the report leaves open, decided by short runs that differ in one thing each.

Each run learns from 2,400 patches of 128 x 128 pixels, or as many pixels, blurred at level 2, and is scored by its mean
gain over the blurred input on 24 held-out crops, at the end, chosen by nothing. Rows "as many processor seconds" have these
instead. Rows that name a level learn and are scored at that level. "level 2 after level 1", "level 2, twice the steps" and
rows "level 4" have seen twice as many patches in the end. One seed each: differences as small as that of "another seed" say
nothing. Runs are kept under FOLDER (`runs/choices` if not given), and finished ones are not repeated; at the end
`data/tables/choices.csv` is written, or these of its rows.
"""

import argparse
import csv
import os
import statistics
import sys
import time
from pathlib import Path

os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}      # as in tables.py: processor seconds that compare

from course_lib import datasets, networks, runs, training  # noqa: E402
from course_lib.files import atomic  # noqa: E402

ROOT = Path(__file__).parents[2]
STORED = ROOT / "data" / "tables" / "choices.csv"
STEPS, EPOCHS = 600, 3
BASE = runs.SIZES["paper"].changed(data="photos+", level=2, limit=None, patch=128, batch=4, width=16, statistics="stored",
                                   objective="content", learning_rate=5e-4, schedule="cosine", warmup=200, beta_2=0.99,
                                   precision="bfloat16", held_out=24, held_out_patch=192)

# Processors without bfloat16 instructions take sixteen times as long in it for gradients: what was added there is in float32.
FLOAT32 = {"precision": "float32"}
ADVERSARIAL = FLOAT32 | {"after": "base, in float32", "learning_rate": 1e-4, "schedule": "constant", "warmup": 0}

# What differs from BASE; "momentum" is a constant of `networks`, "after" the run whose generator is taken over.
CHOICES = {
    "base": {}, "another seed": {"seed": 1},
    "batch statistics": {"statistics": "batch"},
    "batch statistics, momentum 0.99": {"statistics": "batch", "momentum": 0.99},
    "instance normalisation": {"statistics": "batch", "normalisation": "instance"},
    "output halved": {"output": "halved"},
    "loss in decibels": {"content": "psnr"},
    "rate 0.001, no warm-up": {"learning_rate": 1e-3, "warmup": 0},
    "rate 0.0002": {"learning_rate": 2e-4},
    "constant rate": {"schedule": "constant", "warmup": 0},
    "patches of 64, batch 16": {"patch": 64, "batch": 16},
    "batches of 2, twice the steps": {"batch": 2, "steps": 2 * STEPS // EPOCHS},
    "width 32, as many processor seconds": {"width": 32},
    "width 32, as many steps": {"width": 32},
    "level 1": {"level": 1},
    "level 2 after level 1": {"after": "level 1"},
    "level 2, twice the steps": {"epochs": 2 * EPOCHS},
    "level 4, twice the steps": {"level": 4, "epochs": 2 * EPOCHS},
    "level 4 after level 2": {"level": 4, "after": "base"},
    "level 4 after level 2, loss in decibels": {"level": 4, "after": "base", "content": "psnr"},
    "level 4 after level 2, batch statistics": {"level": 4, "after": "batch statistics, momentum 0.99", "momentum": 0.99,
                                                "statistics": "batch"},
    "base, in float32": FLOAT32,
    "dropout 0.2, in float32": FLOAT32 | {"dropout": 0.2},
    "base, then `report`, as many processor seconds": ADVERSARIAL | {"objective": "report"},
    "base, then `wgan-gp`, as many processor seconds": ADVERSARIAL | {"objective": "wgan-gp"},
}


def step_seconds(changes: dict, turns: int = 3) -> float:
    """Processor seconds of a step with these changes from BASE."""
    settings, times = BASE.changed(**changes), []
    gan = training.DeblurGAN(settings, 1000, training.precision(settings.precision)[0])
    source = datasets.source("photos", "train", BASE.patch, BASE.level)
    for turn in range(1 + turns):           # the first compiles
        start = time.process_time()
        gan.train_on(*datasets.batch(source, 0, turn * BASE.batch, BASE.batch), number=turn)
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def stored(path: Path) -> list[dict]:
    """The rows of a table that was written before, if it was."""
    return list(csv.DictReader(open(path, newline="", encoding="utf-8"))) if path.exists() else []


def markdown(rows: list[dict]) -> str:
    """The rows as the README shows them."""
    lines = ["| | Level | Steps | PSNR gain, dB | SSIM gain |", "|---|---:|---:|---:|---:|"]
    lines += [f"| {row['choice'].capitalize()} | {row['level']} | {row['steps']} | {float(row['psnr_gain']):+.2f} | "
              f"{float(row['ssim_gain']):+.3f} |" for row in rows]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make tables ARGS=choices", description="Short runs that decide what the report leaves open.")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "choices", help="where runs are kept; runs/choices if not given")
    parser.add_argument("--only", nargs="+", choices=CHOICES, default=list(CHOICES),
                        help="these choices; all if not given. A table that is there keeps its other rows")
    parser.add_argument("--output", type=Path, default=STORED, help="what is written at the end; data/tables/choices.csv if not given")
    options = parser.parse_args(arguments)
    rows = []
    for name in options.only:
        changes, folder = {"epochs": EPOCHS, "steps": STEPS // EPOCHS} | CHOICES[name], options.folder / name
        networks.MOMENTUM = changes.pop("momentum", 0.9)
        if "seconds" in name:
            same = {key: value for key, value in changes.items() if key not in ("after", "epochs", "steps")}
            changes["steps"] = (runs.Run(folder).settings.steps if folder.exists() else
                                round(changes["steps"] * step_seconds({"precision": same.get("precision", BASE.precision)})
                                      / step_seconds(same)))
        if "after" in changes:
            changes["start_from"] = str(options.folder / changes.pop("after"))
        run = training.train(folder, BASE.changed(**changes), resume=True)
        if len(run.history) <= changes["epochs"]:
            sys.exit(130)
        last = run.history[-1]
        rows.append({"choice": name, "level": run.settings.level, "steps": int(last["step"]),
                     **{key: f"{last[key]:.4f}" for key in ("psnr_gain", "ssim_gain")}})
        print(f"{name}: {last['step']:.0f} steps, {last['psnr_gain']:+.3f} dB", flush=True)
    known = {row["choice"]: row for row in [*stored(options.output), *rows]}
    if known.keys() >= CHOICES.keys():      # parts are not a table
        rows = [known[name] for name in CHOICES]
        with atomic(options.output) as part, open(part, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(markdown(rows))


if __name__ == "__main__":
    main()
