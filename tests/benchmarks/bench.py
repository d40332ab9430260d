"""`make bench`: how fast the course is, beside what else one would use. About 15 minutes on a quiet machine of two cores.

Every contender has a process of its own; they take turns, so that whatever else the machine does meets all of them
alike. The table shows medians, and the median of the ratios to the course's figure of the same turn. Seconds are the
clock's; processor seconds, over all cores, tell more on a busy machine.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import contenders

HERE = Path(__file__).parent


class Contender:
    """A process that measures when told to; the first time, when it compiles and allocates, does not count."""

    def __init__(self, name: str, folder: str, warm: bool = True):
        print(f"  starting {name}", file=sys.stderr, flush=True)
        self.name, self.values, self.work, self.peak = name, [], [], 0.0
        self.process = subprocess.Popen([sys.executable, str(HERE / "contenders.py"), name, folder], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if warm:
            self.measure()
            self.values.clear()
            self.work.clear()

    def measure(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended with exit status {self.process.wait()}.")
        answer = json.loads(line)
        self.values.append(answer["value"])
        self.work.append(answer["work"])
        self.peak = answer["peak"]

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def alternate(names: list[str], turns: int, folder: str) -> list[Contender]:
    """Let the contenders measure in turn."""
    found = [Contender(name, folder) for name in names]
    for i in range(turns):
        print(f"  turn {i + 1} of {turns}", file=sys.stderr, flush=True)
        for contender in found:
            contender.measure()
    for contender in found:
        contender.end()
    return found


def ratio(contender: Contender, course: Contender, attribute: str = "values") -> float:
    """How many times the course's figure, in the median of all turns."""
    return statistics.median(a / b for a, b in zip(getattr(contender, attribute), getattr(course, attribute)))


def goal(text: str, reached: bool) -> str:
    return f"  goal: {text}: {'reached' if reached else 'MISSED'}"


def step_macs() -> float:
    """Multiply-accumulates of one image in the step: forward once, backward twice as much, of what is trained.

    The networks' own, as their equations have them: that the course needs fewer for doubling is its gain.
    """
    from course_lib import losses, networks, parameters

    size = contenders.PATCH
    generator, critic = (parameters.model_macs(model, size) for model in (networks.generator(), networks.discriminator(size)))
    vgg = parameters.model_macs(losses.vgg_features(preprocess=False), size)
    first = [parameters.macs(3, 64, 7, size, size), parameters.macs(3, 64, 4, size // 2, size // 2)]    # images need no gradient
    return (3 * generator - first[0]) + 5 * 2 * (3 * critic - first[1]) + 2 * critic + 3 * vgg


def measure_step(folder: str, turns: int) -> None:
    machine, course, pytorch, loop = alternate(["machine", "step_course", "step_pytorch", "step_keras"], turns, folder)
    rates = {dtype: statistics.median(value[dtype] for value in machine.values) for dtype in ("float32", "bfloat16")}
    print(f"\nThis machine: {platform.machine()}, convolution 3x3x256 at {rates['float32']:.0f} GFLOP/s in float32, "
          f"{rates['bfloat16']:.0f} in bfloat16 (median of {turns}, in turn with the steps)\n")
    print(f"Adversarial step at the report's setting: {contenders.PATCH} pixels, batch {contenders.BATCH} instead of 16, "
          f"perceptual + Wasserstein loss, 5 critic steps\n"
          "                                                 images/s  s/step  times the course's  the same, processor s  peak GiB")
    rows = [("the course", course), ("PyTorch, channels last, bfloat16 autocast", pytorch),
            ("Keras loop, train_on_batch, float32", loop)]
    for text, one in rows:
        print(f"  {text:46} {contenders.BATCH / one.median:8.3f} {one.median:7.2f} {ratio(one, course):20.2f} "
              f"{ratio(one, course, 'work'):22.2f} {one.peak:9.2f}")
    print(goal("at least 3 times the Keras loop", ratio(loop, course) >= 3))
    print(goal("ahead of PyTorch", ratio(pytorch, course) > 1))
    flop = 2 * contenders.BATCH * step_macs()
    fraction = statistics.median(flop / seconds / 1e9 / max(rate.values()) for seconds, rate in zip(course.values, machine.values))
    print(f"  the step's {flop / 1e12:.2f} TFLOP go at {100 * fraction:.0f} % of the rate of the convolution alone")
    print(goal("at least 70 %", fraction >= 0.7))


def measure_deblurring(folder: str, turns: int) -> None:
    contenders.write_onnx(folder)
    names = ["deblur_course", "deblur_onnx", "deblur_pytorch", "deblur_course_bfloat16"]
    course, onnx, pytorch, half = alternate(names, turns, folder)
    results = {name: np.load(Path(folder) / f"{name}.npy").astype(int) for name in ("course", "onnx", "pytorch")}
    levels = max(int(np.abs(results["course"] - other).max()) for other in results.values())
    print("\nDeblurring one photograph of 1280 x 720 with the report's generator, the same weights\n"
          "                                                        seconds  times the course's  the same, processor s  peak GiB")
    rows = [("the course, float32", course), ("ONNX Runtime, float32", onnx), ("PyTorch, frozen and optimised, float32", pytorch),
            ("the course, bfloat16", half)]
    for text, one in rows:
        print(f"  {text:52} {one.median:8.2f} {ratio(one, course):19.2f} {ratio(one, course, 'work'):22.2f} {one.peak:9.2f}")
    print(f"  the three float32 results differ by {levels} grey level{'s' * (levels != 1)} of 255 at most")
    print(goal("ahead of both", min(ratio(onnx, course), ratio(pytorch, course)) > 1))
    print(goal("results equal to 1/255", levels <= 1))
    print(goal("peak memory below 2 GiB", course.peak < 2))


def measure_large(folder: str, turns: int) -> None:
    large = Contender("deblur_course_24_megapixels", folder, warm=False)
    large.measure()
    large.end()
    print(f"\nDeblurring one photograph of 24 megapixels, once: {large.median:.0f} s, peak {large.peak:.2f} GiB")
    print(goal("below 2 GiB", large.peak < 2))


def measure_input(folder: str, turns: int) -> None:
    course, paper, laptop, laptop_step, start = alternate(
        ["step_course", "pairs_paper", "pairs_laptop", "step_laptop", "start_laptop"], turns, folder)
    print("\nInput and start\n                              pairs/s rendered  consumed by the step  times")
    least = float("inf")
    for name, patch, pairs, step, batch in (("paper", 256, paper, course, contenders.BATCH), ("laptop", 64, laptop, laptop_step, 16)):
        times = statistics.median(p / (batch / s) for p, s in zip(pairs.values, step.values))
        least = min(least, times)
        print(f"  {f'{name}, {patch} pixels':36} {pairs.median:8.1f} {batch / step.median:21.2f} {times:6.1f}")
    print(goal("3 times the consumption", least >= 3))
    print(f"  from `import` to the end of the first step of `laptop`: {start.median:.1f} s")


PARTS = {"step": measure_step, "deblurring": measure_deblurring, "large": measure_large, "input": measure_input}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the course's speed beside that of others.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all if not given")
    parser.add_argument("--turns", type=int, default=5, help="measurements of each contender; 5 if not given")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown or options.turns < 1:
        parser.error(f"parts are {', '.join(PARTS)}, turns at least 1.")
    with tempfile.TemporaryDirectory() as folder:
        contenders.write_weights(folder)
        for part in options.parts or PARTS:
            PARTS[part](folder, options.turns)


if __name__ == "__main__":
    main()
