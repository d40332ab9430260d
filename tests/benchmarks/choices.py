"""`make choices`: what the report leaves open, decided by short runs that differ in one thing each.

Each run has the same training patches at level 2 of the blur and the same number of pixels; its score is the mean gain in PSNR over
held-out crops that no run has seen. The rows "width" have the same processor seconds instead, rows "level 4" learn
and are scored at level 4. Runs are kept under FOLDER (`runs/choices` if not given), finished ones are not repeated; at the
end `data/tables/choices.csv` is written.
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
STEPS, EPOCHS = 800, 4
BASE = runs.SIZES["paper"].changed(data="photos+", level=2, limit=None, patch=128, batch=4, width=16, objective="content",
                                   learning_rate=1e-3, schedule="cosine", precision="bfloat16", held_out=24, held_out_patch=192)

# What differs from BASE; "momentum" is a constant of `networks`, "after" the run whose generator is taken over.
CHOICES = {
    "base": {}, "base, another seed": {"seed": 1},
    "output halved": {"output": "halved"},
    "normalisation: instance": {"normalisation": "instance"},
    "normalisation: none": {"normalisation": "none"},
    "normalisation: none, rate 1e-4": {"normalisation": "none", "learning_rate": 1e-4},
    "batch statistics' momentum 0.99": {"momentum": 0.99},
    "rate 3e-3": {"learning_rate": 3e-3},
    "rate 3e-4": {"learning_rate": 3e-4},
    "rate constant": {"schedule": "constant"},
    "patch 64, batch 16": {"patch": 64, "batch": 16},
    "patch 256, batch 1": {"patch": 256, "batch": 1},
    "width 32": {"width": 32}, "width 64": {"width": 64},
    "level 4": {"level": 4},
    "level 4 after level 2": {"level": 4, "after": "base"},
    "level 4 after level 2, stored statistics": {"level": 4, "after": "base", "statistics": "stored"},
}


def step_seconds(width: int, turns: int = 3) -> float:
    """Processor seconds of a step of BASE at a width."""
    settings, times = BASE.changed(width=width), []
    gan, source = training.DeblurGAN(settings, 1000, "mixed_bfloat16"), datasets.source("photos", "train", BASE.patch, BASE.level)
    for turn in range(1 + turns):           # the first compiles
        start = time.process_time()
        gan.train_on(*datasets.batch(source, 0, turn * BASE.batch, BASE.batch), number=turn)
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(prog="make choices", description="Short runs that decide what the report leaves open.")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "choices", help="where runs are kept; runs/choices if not given")
    parser.add_argument("--only", nargs="+", choices=CHOICES, default=list(CHOICES), help="these choices; all if not given")
    options = parser.parse_args()
    rows = []
    for name in options.only:
        changes = dict(CHOICES[name])
        steps, after = STEPS // EPOCHS, changes.pop("after", None)
        if "width" in changes and not (options.folder / name).exists():
            steps = max(1, round(steps * step_seconds(BASE.width) / step_seconds(changes["width"])))
        elif "width" in changes:
            steps = runs.Run(options.folder / name).settings.steps
        if after:
            changes["start_from"] = str(options.folder / after)
        networks.MOMENTUM = changes.pop("momentum", 0.9)
        run = training.train(options.folder / name, BASE.changed(epochs=EPOCHS, steps=steps, **changes), resume=True)
        if len(run.history) <= EPOCHS:
            sys.exit(130)
        last = run.history[-1]
        rows.append({"choice": name, "steps": int(last["step"]), **{key: f"{last[key]:.4f}" for key in ("psnr_gain", "ssim_gain")}})
        print(f"{name}: {last['step']:.0f} steps, {last['psnr_gain']:+.3f} dB", flush=True)
    if options.only == list(CHOICES):
        with atomic(ROOT / "data" / "tables" / "choices.csv") as part, open(part, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
