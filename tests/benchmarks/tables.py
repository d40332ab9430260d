"""`make tables`: the report's Tables 4 and 5 once more, every row under one protocol (PROTOCOL says which).

What is needed is stored under FOLDER (`runs/tables` if not given; git leaves it out): how long a step of each network
takes, the runs, the scores. A call that was stopped goes on where it was. At the end `data/tables/` is written: table.json,
history.csv (one line per row and epoch) and detail.webp. Lesson 09 and the README show them.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from itertools import product
from pathlib import Path

# One thread: a processor second then is the same work whoever else uses the machine.
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

import numpy as np  # noqa: E402
from PIL import Image, ImageDraw, ImageFont, ImageOps  # noqa: E402

from course_lib import blind, blur, classical, datasets, evaluation, parameters, photos, refine, restoration, runs, variants  # noqa: E402
from course_lib.files import atomic  # noqa: E402

ROOT = Path(__file__).parents[2]
STORED = ROOT / "data" / "tables"

PROTOCOL = """\
Test: the photographs of the split "test", whole, each blurred at level 4 with {exposures} random seeds: {pairs} pairs, none of
whose photographs was trained on. A gain is the mean over the pairs of the difference from the blurred input.
Training: the photographs of the split "train", blurred at level 4, the same patches of {patch} x {patch} pixels in the same order,
{batch} a step; Adam at a rate that rises to {learning_rate} in {warmup} steps and falls to 1 % along a cosine; batch normalisation trains
with the stored statistics that it is used with afterwards, as those of {batch} patches are not those of a photograph. Every row has
{minutes:g} minutes of one processor core: the processor seconds of a step, input included, are measured for all rows in turn, and each
row makes as many steps as fit in. Rows with an adversary start from "content loss only" at half of its minutes and spend
the other half on the adversarial step, at the constant rate {adversarial_rate} of the report, content and adversarial loss {content_weight:g} : 1,
{critic_steps} steps of the critic for each of the generator. Its last state is scored, chosen by nothing.
Generators are smaller than the originals, at a width of {width} where the report has 64, so that minutes teach them something;
critic and VGG16 are those of the report. The rows `level4`, `level4_report` and `kernel` are outside of the comparison: these
networks of data/pretrained were trained on more photographs, and for far longer.
Wiener and Richardson-Lucy are given what no network is: the mean, over the photograph, of the paths its points really took
(the camera's; objects that moved on their own are left out), and the camera's response curve. Their one parameter is
chosen on the validation photographs.
Cost: multiply-accumulates for 256 x 256 pixels; processor seconds of one core for 1280 x 720, float32, medians taken in turn.

"""


@dataclass(frozen=True)
class Size:
    """How large everything is: `smoke` proves in seconds that all of it runs, `laptop` is what is stored."""

    exposures: int              # random blurs of each test photograph
    side: int | None            # test photographs are cut to so many pixels; None: whole
    photo: tuple[int, int]      # height and width of the photograph that is timed
    turns: int                  # measurements of a step and of a photograph
    epochs: int                 # of a whole budget, even
    balances: tuple[float, ...]
    iterations: tuple[int, ...]
    shared: runs.Settings       # of all trained rows


SHARED = runs.SIZES["paper"].changed(level=4, limit=None, patch=128, batch=4, width=16, objective="content", statistics="stored",
                                     learning_rate=5e-4, schedule="cosine", warmup=200, held_out_patch=128)
SIZES = {
    "smoke": Size(1, 100, (96, 128), 1, 2, (0.1, 0.01), (2, 1), SHARED.changed(
        patch=32, batch=2, width=2, blocks=1, critic_steps=1, precision="float32", held_out=1, held_out_patch=64)),
    "laptop": Size(3, None, (720, 1280), 3, 10, (0.0003, 0.001, 0.003, 0.01, 0.03), (5, 10, 20, 40), SHARED),
}


@dataclass(frozen=True)
class Row:
    """A trained row: what differs from the shared settings. `adversarial` rows go on from half of "content"."""

    label: str
    changes: dict = field(default_factory=dict)
    smoke: dict = field(default_factory=dict)       # what makes it small enough for a test
    adversarial: bool = False
    again: str | None = None        # the row that this one repeats with another seed


ADVERSARIAL = {"learning_rate": 1e-4, "schedule": "constant", "warmup": 0}
NAFNET = {"network": "nafnet", "statistics": "batch", "width": 8, "blocks": 4}     # without batch normalisation
ROWS = {
    "content": Row("Content loss only, L1: the report's generator"),
    "report": Row("`report`: perceptual loss, Wasserstein loss on a sigmoid critic", ADVERSARIAL | {"objective": "report"},
                  adversarial=True),
    "wgan-gp": Row("`wgan-gp`: perceptual loss, linear critic under a gradient penalty", ADVERSARIAL | {"objective": "wgan-gp"},
                   adversarial=True),
    "12-blocks": Row("12 blocks, as in [4], L1", {"blocks": 12}, {"blocks": 2}),
    "multiscale": Row("Multi-scale, as in [3], 3 blocks a scale, L1", {"network": "multiscale", "statistics": "batch", "blocks": 3},
                      {"blocks": 1}),
    "nafnet": Row("NAFNet-style, a tenth of the multiplications, L1", NAFNET, {"width": 2, "blocks": 0}),
    "content-again": Row("Content loss only, another seed", {"seed": 1}, again="content"),
    "nafnet-again": Row("NAFNet-style, another seed", NAFNET | {"seed": 1}, {"width": 2, "blocks": 0}, again="nafnet"),
}
DETAIL = {"pair": 5, "top": 20, "left": 120, "height": 180, "width": 240}      # shown of every row; cut to the photograph
DETAIL_ALT = "The roof of a palace against the sky: sharp, blurred, and what each row of the table makes of the blurred photograph"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def write_json(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


# --- How many steps a row has -----------------------------------------------------------------

def settings(row: Row, size_name: str, **more) -> runs.Settings:
    changes = row.changes | (row.smoke if size_name == "smoke" else {})
    return SIZES[size_name].shared.changed(**changes, **more)


def plan(folder: Path, size_name: str, minutes: float, names: list[str]) -> dict:
    """Measure the processor seconds of a step of every row, in turn; from then on the number of steps is fixed."""
    path = folder / "plan.json"
    if path.exists():
        stored = read_json(path)
        if (stored["size"], stored["minutes"]) != (size_name, minutes) or not set(names) <= stored["steps"].keys():
            sys.exit(f"{folder} was begun with {stored['minutes']:g} minutes, size {stored['size']} and the rows "
                     f"{', '.join(stored['steps'])}: ask for the same, or choose another folder.")
        return stored | {"rows": names}
    from course_lib import training
    from course_lib.backend import tf

    tf.get_logger().setLevel("ERROR")       # it warns that every network is compiled, which is meant
    size = SIZES[size_name]
    policy = training.precision(size.shared.precision)[0]
    source = datasets.source("photos", "train", size.shared.patch, size.shared.level)
    gans, times = {}, {}
    for name in names:
        if not ROWS[name].again:
            say(f"compiling {name}")
            s = settings(ROWS[name], size_name)
            gans[name], times[name] = training.DeblurGAN(s, 1000, policy), []
            gans[name].train_on(*datasets.batch(source, 0, 0, s.batch), number=0)
    for turn, (name, gan) in product(range(size.turns), gans.items()):
        start = time.process_time()
        gan.train_on(*datasets.batch(source, 0, turn * gan.settings.batch, gan.settings.batch), number=turn)
        times[name].append(time.process_time() - start)
    steps = {}
    for name in names:
        seconds = statistics.median(times[ROWS[name].again or name])
        per_epoch = max(1, round(60 * minutes / seconds / size.epochs))
        steps[name] = {"step_seconds": round(seconds, 4), "steps_per_epoch": per_epoch}
    write_json(path, {"size": size_name, "minutes": minutes, "precision": policy, "steps": steps})
    return read_json(path) | {"rows": names}


# --- Training ---------------------------------------------------------------------------------

class Clock:
    """A `report` that adds up the processor seconds of steps, without compiling, scoring and saving."""

    def __init__(self):
        self.steps, self.seconds, self.start = 0, 0.0, None

    def __call__(self, progress) -> None:
        now = time.process_time()
        if progress.epoch_done:
            say(progress.sentence)
        elif self.start is not None:
            self.steps, self.seconds = self.steps + 1, self.seconds + now - self.start
        # the step after an epoch, or the first of all, is measured from its own end on
        self.start = None if progress.epoch_done else now


def run_folder(folder: Path, name: str) -> Path:
    return folder / "rows" / name


def finished(folder: Path, name: str, epochs: int) -> bool:
    run = run_folder(folder, name)
    return (run / "settings.json").exists() and len(runs.Run(run).history) > epochs


def epochs_of(row: Row, size: Size) -> int:
    return size.epochs // 2 if row.adversarial else size.epochs


def train(folder: Path, planned: dict, name: str) -> None:
    """Train a row to its end; SystemExit if it was stopped before."""
    from course_lib import training

    row, size = ROWS[name], SIZES[planned["size"]]
    epochs = epochs_of(row, size)
    if finished(folder, name, epochs):
        return
    more = {"epochs": epochs, "steps": planned["steps"][name]["steps_per_epoch"], "precision": planned["precision"]}
    if row.adversarial:
        more["start_from"] = str(half_way(folder, size))
    say(f"\n{name}: {epochs} epochs of {more['steps']} steps")
    clock = Clock()
    training.train(run_folder(folder, name), settings(row, planned["size"], **more), resume=True, report=clock)
    if not finished(folder, name, epochs):
        sys.exit(130)
    if clock.steps:
        write_json(run_folder(folder, name) / "processor.json", {"step_seconds": round(clock.seconds / clock.steps, 4)})


def half_way(folder: Path, size: Size) -> Path:
    """A folder with the generator of "content" after half of its epochs."""
    content, half = run_folder(folder, "content"), folder / "content-half-way"
    if not (half / "generator.npz").exists():
        half.mkdir(parents=True, exist_ok=True)
        shutil.copy(content / "settings.json", half)
        shutil.copy(runs.Run(content).weights(size.epochs // 2), half / "generator.npz")
    return half


# --- What is tested -------------------------------------------------------------

def middle(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of a photograph, or all of it along a side that is shorter."""
    top, left = (max(0, (side - wanted) // 2) for side, wanted in zip(image.shape, (height, width)))
    return image[top:top + height, left:left + width]


@cache
def test_pairs(size: Size) -> list[tuple]:
    """The test pairs: name, blurred, sharp, kernel, gamma. They are those of `deblur-course evaluate --exposures`."""
    side = size.side or 10**6
    return [(name, *blind.exposure(middle(photos.load(name), side, side), [k, i]))
            for k, (i, name) in product(range(size.exposures), enumerate(photos.names("test")))]


CLASSICAL = {"wiener": ("Wiener, given the true mean kernel", classical.wiener, "balance"),
             "richardson-lucy": ("Richardson–Lucy, given the true mean kernel", classical.richardson_lucy, "iterations")}


def choose(size: Size) -> dict[str, float]:
    """The parameter of each classical method with the best mean PSNR on the validation photographs."""
    found = {name: {} for name in CLASSICAL}
    for k, (i, name) in product(range(size.exposures), enumerate(photos.names("validation"))):
        image = middle(photos.load(name), *((size.side, size.side) if size.side else (480, 640)))
        blurred, sharp, kernel, gamma = blind.exposure(image, [k, i])
        for method, values in (("wiener", size.balances), ("richardson-lucy", size.iterations)):
            for value in values:
                answer = CLASSICAL[method][1](blurred, kernel, value, gamma)
                found[method].setdefault(value, []).append(evaluation.psnr(sharp, answer))
    return {method: max(values, key=lambda value: np.mean(values[value])) for method, values in found.items()}


# --- Scores -------------------------------------------------------------------------------------

def methods(folder: Path, planned: dict) -> dict:
    """Of every row: a function of (blurred, kernel, gamma). The networks are loaded as anyone would, from their run."""
    path = folder / "chosen.json"
    if not path.exists():
        say("choosing the parameters of Wiener and Richardson-Lucy")
        write_json(path, choose(SIZES[planned["size"]]))
    chosen = read_json(path)
    found = {"blurred": lambda blurred, kernel, gamma: blurred}
    for name in CLASSICAL:
        found[name] = classical_method(name, chosen[name])
    for name in planned["rows"]:
        found[name] = network(restoration.load(run_folder(folder, name)))
    return found | {name: shipped(name) for name in SHIPPED}


def classical_method(name: str, value: float):
    method = CLASSICAL[name][1]
    return lambda blurred, kernel, gamma: method(blurred, kernel, value, gamma)


def network(model):
    return lambda blurred, kernel, gamma: restoration.deblur(blurred, model)


def shipped(name: str):
    if name == BLIND:
        estimator, refiner = blind.load(), refine.load()
        return lambda blurred, kernel, gamma: refine.deblur(blurred, estimator, refiner)
    return network(restoration.load(name))


BLIND = "kernel"
SHIPPED = {"level4": "The course's `level4`: NAFNet-style, three times as wide, trained far longer",
           "level4_report": "The course's `level4_report`: the report's generator in full, trained far longer",
           BLIND: "The course's `kernel`: Richardson–Lucy with a path that a network and a search read off the "
                  "spectrum; a network removes what that leaves"}


def score(folder: Path, size: Size, name: str, method) -> dict:
    """PSNR and SSIM of a row on every pair, and its detail as a picture; from the folder if they are there."""
    path = folder / "scores" / f"{name}.json"
    if not path.exists():
        say(f"scoring {name}")
        found = {"photographs": [], "psnr": [], "ssim": []}
        for number, (photo, blurred, sharp, kernel, gamma) in enumerate(test_pairs(size)):
            answer = method(blurred, kernel, gamma)
            found["photographs"].append(photo)
            found["psnr"].append(round(evaluation.psnr(sharp, answer), 3))
            found["ssim"].append(round(evaluation.ssim(sharp, answer), 4))
            if number == detail_pair(size):
                path.parent.mkdir(parents=True, exist_ok=True)
                for text, image in ((name, answer), ("sharp", sharp)):
                    Image.fromarray(detail(image)).save(path.with_name(f"{text}.png"))
        write_json(path, found)
    return read_json(path)


def detail_pair(size: Size) -> int:
    return min(DETAIL["pair"], len(test_pairs(size)) - 1)


def detail(image: np.ndarray) -> np.ndarray:
    part = image[DETAIL["top"]:DETAIL["top"] + DETAIL["height"], DETAIL["left"]:DETAIL["left"] + DETAIL["width"]]
    return part if part.size else image         # a small test photograph is shown whole


def photograph_seconds(folder: Path, size: Size, found: dict) -> dict[str, float]:
    """Processor seconds for one photograph, of every row in turn; the networks' first, which compiles, does not count."""
    path = folder / "seconds.json"
    if not path.exists():
        image = middle(photos.load("paint_brushes"), *size.photo)
        kernel, gamma = blur.linear_psf(20, 30), blur.GAMMA      # a motion that `kernel` does not leave alone
        blurred = blur.convolve(image, kernel, gamma)
        times = {name: [] for name in found if name != "blurred" and not (name in ROWS and ROWS[name].again)}
        for turn in range(1 + size.turns):
            say(f"seconds per photograph, turn {turn} of {size.turns}")
            for name in times if turn else times.keys() - CLASSICAL.keys():
                start = time.process_time()
                found[name](blurred, kernel, gamma)
                times[name].append(time.process_time() - start)
        write_json(path, {name: round(statistics.median(values[-size.turns:]), 3) for name, values in times.items()})
    return read_json(path)


# --- What is stored -----------------------------------------------------------------------------

def statistics_of(scores: dict, blurred: dict) -> dict:
    """Maximum, minimum and mean as in Table 4, and the mean gain over the blurred input."""
    found = {}
    for metric, digits in (("psnr", 3), ("ssim", 4)):
        values = np.array(scores[metric])
        found[metric] = {name: round(float(function(values)), digits) for name, function in evaluation.STATISTICS.items()}
        found[metric] |= {"gain": round(float(np.mean(values - blurred[metric])), digits), "pairs": scores[metric]}
    return found


def cost(folder: Path, planned: dict, name: str) -> dict:
    """Parameters, multiply-accumulates and steps of a trained row."""
    row, size, steps = ROWS[name], SIZES[planned["size"]], planned["steps"][name]
    stored = read_json(run_folder(folder, name) / "settings.json")
    model = variants.build(**stored["generator"])
    run = runs.Run(run_folder(folder, name))
    processor = run_folder(folder, name) / "processor.json"
    return {
        "generator": stored["generator"], "settings": asdict(run.settings.changed(start_from=None)),
        "parameters": model.count_params(), "macs": parameters.model_macs(model),
        "steps": int(run.history[-1]["step"]), "step_seconds": steps["step_seconds"],
        "step_seconds_in_training": read_json(processor)["step_seconds"] if processor.exists() else None,
        "minutes_before": planned["minutes"] / 2 if row.adversarial else 0.0,
        "minutes": round(run.history[-1]["step"] * steps["step_seconds"] / 60, 2),
        "epochs": epochs_of(row, size),
    }


def cost_of_shipped(name: str) -> dict:
    """Parameters and multiply-accumulates of one of the course's own networks; Richardson-Lucy's are not counted."""
    if name == BLIND:
        return {"parameters": blind.load().count_params() + refine.load().count_params()}
    model = restoration.load(name)
    return {"parameters": model.count_params(), "macs": parameters.model_macs(model)}


def machine() -> str:
    """The processor, in words; what distinguishes it from others of its kind is left out."""
    model = platform.processor() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text()
        model = text.split("model name")[1].split(":")[1].splitlines()[0].strip()
    except (OSError, IndexError):
        pass
    return f"{model}, {os.cpu_count()} cores, one of them used; {platform.system()}"


def protocol(size: Size, pairs: int, minutes: float) -> str:
    """PROTOCOL with its numbers, and that of the scores."""
    settings = {name: getattr(size.shared, name) for name in (
        "patch", "batch", "learning_rate", "warmup", "width", "content_weight", "critic_steps")}
    return PROTOCOL.format(exposures=size.exposures, pairs=pairs, minutes=minutes, adversarial_rate=ADVERSARIAL["learning_rate"],
                           **settings) + evaluation.PROTOCOL


def table(folder: Path, planned: dict) -> dict:
    """Everything of data/tables/table.json."""
    from importlib.metadata import version

    size, found = SIZES[planned["size"]], methods(folder, planned)
    scores = {name: score(folder, size, name, method) for name, method in found.items()}
    seconds = photograph_seconds(folder, size, found)
    labels = {"blurred": "Blurred input"} | {name: text for name, (text, *_) in CLASSICAL.items()}
    labels |= SHIPPED | {name: ROWS[name].label for name in planned["rows"]}
    rows = {}
    for name in found:
        rows[name] = {"label": labels[name], "repeats": ROWS[name].again if name in ROWS else None}
        if name in CLASSICAL:
            rows[name]["chosen"] = {CLASSICAL[name][2]: read_json(folder / "chosen.json")[name]}
        if name in ROWS:
            rows[name] |= cost(folder, planned, name)
        if name in SHIPPED:
            rows[name] |= cost_of_shipped(name)
        rows[name] |= {"photograph_seconds": seconds.get(ROWS[name].again or name if name in ROWS else name)}
        rows[name] |= statistics_of(scores[name], scores["blurred"])
    return {
        "command": f'make tables ARGS="--minutes {planned["minutes"]:g}"',
        "date": date.today().isoformat(), "machine": machine(), "precision": planned["precision"],
        "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy", "scikit-image", "opencv-python-headless")},
        "protocol": protocol(size, len(scores["blurred"]["psnr"]), planned["minutes"]), "minutes": planned["minutes"],
        "detail": DETAIL | {"pair": detail_pair(size), "photograph": scores["blurred"]["photographs"][detail_pair(size)], "alt": DETAIL_ALT},
        "photographs": scores["blurred"]["photographs"], "rows": rows,
    }


def write_history(folder: Path, planned: dict, path: Path) -> None:
    """One line per trained row and epoch: minutes of one core so far, and the scores on validation crops."""
    names = ["row", "epoch", "step", "minutes", "psnr", "psnr_gain", "ssim", "ssim_gain"]
    with atomic(path) as part, open(part, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for name in planned["rows"]:
            before = planned["minutes"] / 2 if ROWS[name].adversarial else 0.0
            for line in runs.Run(run_folder(folder, name)).history:
                values = {key: f"{line[key]:.6g}" for key in names if key in line}
                minutes = before + line["step"] * planned["steps"][name]["step_seconds"] / 60
                writer.writerow(values | {"row": name, "minutes": f"{minutes:.3f}"})


COLUMNS, HEADING, GAP = 4, 22, 8      # of the sheet of details


def shown(content: dict) -> list[str]:
    """What the sheet of details shows, in its order."""
    return ["sharp", *(name for name, row in content["rows"].items() if not row["repeats"])]


def put(sheet: Image.Image, content: dict, name: str, picture: Image.Image) -> None:
    """Put a row's detail into the sheet, pixel by pixel, with the PSNR of the whole photograph."""
    number = shown(content).index(name)
    x, y = number % COLUMNS * (picture.width + GAP), number // COLUMNS * (picture.height + HEADING + GAP)
    psnr = "" if name == "sharp" else f"  {content['rows'][name]['psnr']['pairs'][content['detail']['pair']]:.1f} dB"
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((x, y, x + picture.width, y + HEADING), "white")
    draw.text((x, y), name + psnr, "black", ImageFont.load_default(15))
    sheet.paste(picture, (x, y + HEADING))


def write_detail(folder: Path, content: dict, path: Path) -> None:
    """The detail of all rows that are not repeats."""
    pictures = {name: Image.open(folder / "scores" / f"{name}.png") for name in shown(content)}
    width, height = pictures["sharp"].size
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (width + GAP) - GAP, rows * (height + HEADING + GAP) - GAP), "white")
    for name, picture in pictures.items():
        put(sheet, content, name, picture)
    sheet.save(path, "WEBP", quality=90, method=6)


def renew(folder: Path, size: Size, output: Path, name: str) -> dict:
    """Score a classical method or one of the course's own networks alone and put it into the stored table and sheet.

    Its seconds are those of the row "content" times the ratio measured here, which hardly depends on the machine.
    """
    content = read_json(output / "table.json")
    rows = content["rows"]
    if name in CLASSICAL:
        kept = {key: rows[name][key] for key in ("label", "repeats", "chosen")}
        renewed = classical_method(name, *kept["chosen"].values())
    else:
        kept = {"label": SHIPPED[name], "repeats": None} | cost_of_shipped(name)
        renewed = shipped(name)
    same = network(variants.build(**rows["content"]["generator"]))      # weights don't change how long it takes
    found = {"content": same, name: renewed}
    for path in (folder / "scores" / f"{name}.json", folder / "seconds.json"):
        path.unlink(missing_ok=True)        # of what it was before
    seconds = photograph_seconds(folder, size, found)
    ratio = seconds[name] / seconds["content"]
    blurred = {metric: rows["blurred"][metric]["pairs"] for metric in ("psnr", "ssim")}
    rows[name] = kept | {
        "photograph_seconds": round(ratio * rows["content"]["photograph_seconds"], 3),
        **statistics_of(score(folder, size, name, found[name]), blurred)}
    content["protocol"] = protocol(size, len(blurred["psnr"]), content["minutes"])
    write_json(output / "table.json", content)
    with Image.open(output / "detail.webp") as stored, Image.open(folder / "scores" / f"{name}.png") as picture:
        sheet = stored.convert("RGB")
        height = -(-len(shown(content)) // COLUMNS) * (picture.height + HEADING + GAP) - GAP
        if height > sheet.height:       # a new row begins
            sheet = ImageOps.expand(sheet, (0, 0, 0, height - sheet.height), "white")
        put(sheet, content, name, picture)
    sheet.save(output / "detail.webp", "WEBP", quality=90, method=6)
    return content


def markdown(content: dict) -> str:
    """The rows as the README shows them."""
    lines = ["| | Parameters | GMAC, 256×256 | Seconds, 1280×720 | Steps | PSNR, dB | gain | SSIM | gain |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in content["rows"].values():
        counts = [f"{row['parameters']:,}" if "parameters" in row else "", f"{row['macs'] / 1e9:.2f}" if "macs" in row else ""]
        seconds = "" if row["photograph_seconds"] is None else f"{row['photograph_seconds']:.1f}"
        steps = f"{row['steps']:,}" if "steps" in row else ""
        first = row is content["rows"]["blurred"]
        scores = [text for metric, digits in (("psnr", 2), ("ssim", 3)) for text in (
            f"{row[metric]['mean']:.{digits}f}", "" if first else f"{row[metric]['gain']:+.{digits}f}")]
        lines.append("| " + " | ".join([row["label"], *counts, seconds, steps, *scores]) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make tables", description="The report's Tables 4 and 5 again, under one protocol.")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "tables", help="where the work is kept; runs/tables if not given")
    parser.add_argument("--minutes", type=float, default=4.0, help="of one processor core, for each trained row; 4 if not given")
    parser.add_argument("--size", choices=SIZES, default="laptop", help="smoke: seconds, its numbers mean nothing")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="all trained rows if not given")
    parser.add_argument("--train", nargs="+", choices=ROWS, help="train these rows and end: two such calls share the work")
    parser.add_argument("--row", choices=[*CLASSICAL, *SHIPPED], help="renew nothing but this row of the stored table")
    parser.add_argument("--output", type=Path, default=STORED, help="what is written at the end; data/tables if not given")
    options = parser.parse_args(arguments)
    names = [name for name in ROWS if name in options.rows]
    if "content" not in names and any(ROWS[name].adversarial for name in names):
        parser.error("rows with an adversary start from the row content: ask for it too.")
    if options.minutes <= 0:
        parser.error(f"--minutes is {options.minutes}; use more than 0.")
    if options.size == "smoke" and options.output == STORED:
        parser.error("smoke proves only that everything runs: give its numbers a place of their own with --output.")
    if options.row:
        print(markdown(renew(options.folder, SIZES[options.size], options.output, options.row)))
        return
    planned = plan(options.folder, options.size, options.minutes, names)
    for name in options.train or names:
        train(options.folder, planned, name)
    if options.train:
        return
    content = table(options.folder, planned)
    write_json(options.output / "table.json", content)
    write_history(options.folder, planned, options.output / "history.csv")
    write_detail(options.folder, content, options.output / "detail.webp")
    print(markdown(content))


if __name__ == "__main__":
    main()
